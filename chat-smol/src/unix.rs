//! Unix sockets: binding a path, and removing the file.
//!
//! A server that was killed leaves its file behind, and the next one cannot bind its path. Connecting shows whether
//! anybody still listens there. Two servers that find such a file at the same instant may both replace it. The later
//! one then has the path, and the earlier one leaves the file alone when it ends.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf, absolute};

use socket2::{Domain, SockAddr, Socket, Type};
use tracing::warn;

/// Binds a socket to a path that is free or has a stale socket.
pub(crate) fn bind(path: &Path) -> io::Result<(Socket, SocketFile)> {
    let addr = address(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    match socket.bind(&addr) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            remove_stale(path, &addr)?;
            socket.bind(&addr)?;
        }
        bound => bound?,
    }
    Ok((socket, SocketFile::at(path)?))
}

/// Returns the name in the log of the socket at a path; plain `unix` without a path.
pub(crate) fn name(path: Option<&Path>) -> String {
    path.map_or_else(|| "unix".to_owned(), |path| format!("unix:{}", path.display()))
}

/// The file of a bound socket; removed when this is dropped, if it is still the same file.
///
/// Drop it before the socket: while that is open, the system gives the file's inode number to no other file.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Its device and inode number.
    id: (u64, u64),
}

impl SocketFile {
    fn at(path: &Path) -> io::Result<Self> {
        // The working directory may have changed by the drop. An abstract socket's name, or none, is an error here.
        let path = absolute(path)?;
        let id = id(&fs::symlink_metadata(&path)?);
        Ok(Self { path, id })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Removed, or another server's by now.
        if !fs::symlink_metadata(&self.path).is_ok_and(|file| id(&file) == self.id) {
            return;
        }
        if let Err(error) = fs::remove_file(&self.path) {
            warn!(path = %self.path.display(), %error, "cannot remove the socket's file");
        }
    }
}

fn id(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

fn address(path: &Path) -> io::Result<SockAddr> {
    SockAddr::unix(path).map_err(|_| {
        let length = path.as_os_str().len();
        let message = format!("{length} bytes are too long for the path of a socket: systems take some 100");
        io::Error::new(io::ErrorKind::InvalidInput, message)
    })
}

/// Removes the file at `path` if it is a socket at which nobody listens.
fn remove_stale(path: &Path, addr: &SockAddr) -> io::Result<()> {
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "what is there is not a socket; it is left alone"));
    }
    let probe = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // Non-blocking: if the listener's queue is full, somebody listens, which is the answer.
    probe.set_nonblocking(true)?;
    match probe.connect(addr) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        _ => Err(io::ErrorKind::AddrInUse.into()),
    }
}
