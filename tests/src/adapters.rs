//! This project's adapters, for the [conformance suite](mod@crate::conformance).

use std::env;
use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};

use chat_proto::{Config, HubStats, SessionId};
use chat_smol::Tls;
use rustls::version::TLS13;
use socket2::SockAddr;

use crate::certificate::Certificate;
use crate::conformance::passwords::is_right;
use crate::conformance::{Adapter, LOOPBACK, Running, ServerHandle, speak_tls};

/// chat-smol, on two executor threads.
#[derive(Clone, Copy, Debug, Default)]
pub struct Smol;

/// The same, on Unix sockets.
#[derive(Clone, Copy, Debug)]
pub struct SmolOnUnix;

/// The same, in TLS.
#[derive(Clone, Copy, Debug)]
pub struct SmolOnTls;

/// chat-std, with a thread for each connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Std;

const THREADS: NonZeroUsize = NonZeroUsize::new(2).expect("two is not zero");

impl Adapter for Smol {
    fn start(&self, config: Config, dialects: &[&'static str]) -> io::Result<Running> {
        let mut server = chat_smol::Server::new(config).map_err(io::Error::other)?;
        server.verify_with(is_right);
        let mut ports = Vec::new();
        for dialect in dialects {
            ports.push((*dialect, server.listen(dialect, LOOPBACK)?));
        }
        Ok(Running::new(ports, server.handle(), move || server.run_on_threads(THREADS)))
    }
}

impl Adapter for SmolOnUnix {
    fn start(&self, config: Config, dialects: &[&'static str]) -> io::Result<Running> {
        let mut server = chat_smol::Server::new(config).map_err(io::Error::other)?;
        let mut paths = Vec::new();
        for dialect in dialects {
            let path = unused_path();
            server.listen_unix(dialect, &path)?;
            paths.push((*dialect, SockAddr::unix(path)?));
        }
        Ok(Running::new(paths, server.handle(), move || server.run_on_threads(THREADS)))
    }
}

impl Adapter for SmolOnTls {
    fn start(&self, config: Config, dialects: &[&'static str]) -> io::Result<Running> {
        let certificate = Certificate::new();
        let tls = Tls::read(certificate.path(), certificate.key()).map_err(io::Error::other)?;
        let mut server = chat_smol::Server::new(config).map_err(io::Error::other)?;
        server.verify_with(is_right);
        let mut ports = Vec::new();
        for dialect in dialects {
            let addr = server.listen(dialect, LOOPBACK)?;
            server.serve_tls(&tls);
            speak_tls(addr, certificate.client(&[&TLS13]));
            ports.push((*dialect, addr));
        }
        Ok(Running::new(ports, server.handle(), move || server.run_on_threads(THREADS)))
    }
}

/// Returns an unused path, short enough for a Unix socket.
#[must_use]
pub fn unused_path() -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    env::temp_dir().join(format!("chat-tests-{}-{number}", process::id()))
}

impl Adapter for Std {
    fn start(&self, config: Config, dialects: &[&'static str]) -> io::Result<Running> {
        let mut server = chat_std::Server::new(config).map_err(io::Error::other)?;
        server.verify_with(is_right);
        let mut ports = Vec::new();
        for dialect in dialects {
            ports.push((*dialect, server.listen(dialect, LOOPBACK)?));
        }
        Ok(Running::new(ports, server.handle(), move || server.run()))
    }
}

/// Implements `ServerHandle` for either handle; both have the same methods.
macro_rules! control {
    ($handle:ty) => {
        impl ServerHandle for $handle {
            fn announce(&self, words: &str) {
                (**self).announce(words);
            }

            fn kick(&self, id: SessionId, why: &str) {
                (**self).kick(id, why);
            }

            fn stats(&self) -> HubStats {
                (**self).stats()
            }

            fn sessions(&self) -> Vec<(SessionId, String)> {
                (**self).sessions().into_iter().map(|it| (it.id, it.name)).collect()
            }

            fn shut_down(&self) {
                self.shut_down();
            }
        }
    };
}

control!(chat_smol::Handle);
control!(chat_std::Handle);
