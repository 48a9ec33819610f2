//! In place of `encrypted` without the feature `tls`: no connection has it.

use std::io;

use socket2::Socket;

pub(crate) enum Encrypted {}

impl Encrypted {
    pub(crate) fn read(&self, _: &Socket, _: &mut [u8]) -> io::Result<usize> {
        match *self {}
    }

    pub(crate) fn has_plaintext(&self) -> bool {
        match *self {}
    }

    pub(crate) fn write(&self, _: &Socket, _: &[u8]) -> io::Result<usize> {
        match *self {}
    }

    pub(crate) fn end(&self, _: &Socket) -> bool {
        match *self {}
    }
}
