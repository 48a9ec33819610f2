//! The subcommand `self-signed`: makes a certificate for trying out, and its key.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rcgen::{CertificateParams, DnType, KeyPair};
use thiserror::Error;

/// Why there is no certificate.
#[derive(Debug, Error)]
pub(crate) enum SelfSignedError {
    #[error("cannot make {}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
    #[error("{} is there already; remove it, or choose another directory", path.display())]
    Exists { path: PathBuf },
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
}

/// The names that every certificate has.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Makes `certificate.pem` and `key.pem` in a directory, which is made if it is not there, for this machine and
/// `names`. Returns what is printed: how to serve with it.
///
/// # Errors
///
/// A file is there already or cannot be made, or a name is none.
pub(crate) fn run(directory: &Path, names: Vec<String>) -> Result<Vec<u8>, SelfSignedError> {
    let key = KeyPair::generate()?;
    let names: Vec<String> = NAMES.map(String::from).into_iter().chain(names).collect();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "chat-server, self-signed");
    let certificate = params.self_signed(&key)?;
    if let Err(error) = fs::create_dir_all(directory) {
        return Err(SelfSignedError::File { path: directory.into(), error });
    }
    let (certificate_path, key_path) = (directory.join("certificate.pem"), directory.join("key.pem"));
    // The key first: without it, the certificate is of no use.
    write(&key_path, "PRIVATE KEY", key.serialized_der(), true)?;
    write(&certificate_path, "CERTIFICATE", certificate.der(), false)?;
    let (certificate, key) = (certificate_path.display(), key_path.display());
    let next = format!(
        "chat-server --listen irc+tls=:6697 --listen web+tls=:8443 --tls-certificate {certificate} --tls-key {key}"
    );
    Ok(format!("made {certificate} and {key}; browsers and clients will warn of it; now run:\n{next}\n").into_bytes())
}

/// Writes a new PEM file.
fn write(path: &Path, label: &str, der: &[u8], is_secret: bool) -> Result<(), SelfSignedError> {
    let encoded = BASE64_STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in encoded.as_bytes().chunks(64) {
        text.extend(line.iter().map(|byte| char::from(*byte)));
        text.push('\n');
    }
    for part in ["-----END ", label, "-----\n"] {
        text.push_str(part);
    }
    let written = create(path, is_secret).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => SelfSignedError::Exists { path: path.into() },
        _ => SelfSignedError::File { path: path.into(), error },
    })
}

/// Makes a file; only its owner can read a secret one.
fn create(path: &Path, is_secret: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if is_secret {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    options.open(path)
}
