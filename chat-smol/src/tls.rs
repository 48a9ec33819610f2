//! Certificates: reading them, and replacing them while the server runs.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys, ServerConfig};

use crate::handshakes::Handshakes;

/// A certificate and its key, for listeners that speak TLS 1.3 and 1.2; see
/// [`Server::serve_tls`](crate::Server::serve_tls). Clones are the same certificate.
///
/// Sessions are not resumed: connections of a chat last long, and so nothing is kept for clients that have gone.
#[derive(Clone, Debug)]
pub struct Tls(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    certificate: PathBuf,
    key: PathBuf,
    current: Arc<Current>,
    /// What the files were when they were read last.
    seen: Mutex<[Option<Stamp>; 2]>,
    config: Arc<ServerConfig>,
    handshakes: Handshakes,
}

/// When a file was changed, and its size.
type Stamp = (Option<SystemTime>, u64);

/// The certificate for connections that begin now.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

/// A certificate that cannot be used, and why.
#[derive(Debug)]
pub struct TlsError {
    path: PathBuf,
    reason: Reason,
}

#[derive(Debug)]
enum Reason {
    Unreadable(io::Error),
    TooLarge,
    NotPem(pem::Error),
    NoCertificate,
    NoKey,
    Key(Error),
    /// It is another certificate's key.
    OtherKey(PathBuf),
    Certificate(Error),
    Protocol(Error),
}

/// The most bytes read of a file. Certificates with those that lead to their root have some 5 KiB.
const MAX_BYTES: u64 = 64 << 10;

impl Tls {
    /// Reads a certificate, followed by those that lead to its root, and its key, from two PEM files.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or has nothing of the kind, or the key belongs to another certificate.
    pub fn read(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Result<Self, TlsError> {
        let (certificate, key) = (certificate.into(), key.into());
        let provider = Arc::new(ring::default_provider());
        let seen = Mutex::new([stamp(&certificate), stamp(&key)]);
        let current = Arc::new(Current(RwLock::new(Arc::new(read(&certificate, &key, &provider)?))));
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|error| TlsError { path: certificate.clone(), reason: Reason::Protocol(error) })?;
        let mut config = config.with_no_client_auth().with_cert_resolver(current.clone());
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        let (config, handshakes) = (Arc::new(config), Handshakes::new());
        Ok(Self(Arc::new(Inner { certificate, key, current, seen, config, handshakes })))
    }

    /// Reads the files again. Connections that begin from now on get the new certificate; the others go on as they are.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read). The old certificate stays in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        let Inner { certificate, key, current, seen, config, .. } = &*self.0;
        *seen.lock().unwrap_or_else(PoisonError::into_inner) = [stamp(certificate), stamp(key)];
        let new = Arc::new(read(certificate, key, config.crypto_provider())?);
        *current.0.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// Does so if a file was changed since the last time; returns whether it was.
    ///
    /// # Errors
    ///
    /// As [`reload`](Self::reload), once for each change.
    pub fn reload_if_changed(&self) -> Result<bool, TlsError> {
        let now = [stamp(&self.0.certificate), stamp(&self.0.key)];
        if *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner) == now {
            return Ok(false);
        }
        self.reload().map(|()| true)
    }

    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.config)
    }

    pub(crate) fn handshakes(&self) -> &Handshakes {
        &self.0.handshakes
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let file = fs::metadata(path).ok()?;
    Some((file.modified().ok(), file.len()))
}

/// Reads a certificate and its key.
fn read(certificate: &Path, key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let of = |path: &Path, reason| TlsError { path: path.into(), reason };
    let pem = contents(certificate)?;
    let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| of(certificate, Reason::NotPem(error)))?;
    if chain.is_empty() {
        return Err(of(certificate, Reason::NoCertificate));
    }
    let secret = PrivateKeyDer::from_pem_slice(&contents(key)?).map_err(|error| match error {
        pem::Error::NoItemsFound => of(key, Reason::NoKey),
        error => of(key, Reason::NotPem(error)),
    })?;
    let signing = provider.key_provider.load_private_key(secret).map_err(|error| of(key, Reason::Key(error)))?;
    let read = CertifiedKey::new(chain, signing);
    match read.keys_match() {
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(read),
        Err(Error::InconsistentKeys(_)) => Err(of(key, Reason::OtherKey(certificate.into()))),
        Err(error) => Err(of(certificate, Reason::Certificate(error))),
    }
}

fn contents(path: &Path) -> Result<Vec<u8>, TlsError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
    let reason = match read {
        Ok(_) if bytes.len() as u64 <= MAX_BYTES => return Ok(bytes),
        Ok(_) => Reason::TooLarge,
        Err(error) => Reason::Unreadable(error),
    };
    Err(TlsError { path: path.into(), reason })
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.reason {
            Reason::Unreadable(error) => write!(f, "cannot read {path}: {error}"),
            Reason::TooLarge => write!(f, "{path} has more than {MAX_BYTES} bytes, and so is no certificate or key"),
            Reason::NotPem(error) => write!(f, "{path} is no PEM file: {error}"),
            Reason::NoCertificate => write!(f, "{path} has no certificate: it must be a PEM file with CERTIFICATE"),
            Reason::NoKey => write!(f, "{path} has no private key: it must be a PEM file with PRIVATE KEY"),
            Reason::Key(error) => write!(f, "the key in {path} cannot be used: {error}"),
            Reason::OtherKey(certificate) => {
                write!(f, "the key in {path} is not the one of the certificate in {}", certificate.display())
            }
            Reason::Certificate(error) => write!(f, "the certificate in {path} cannot be used: {error}"),
            Reason::Protocol(error) => write!(f, "TLS cannot be had: {error}"),
        }
    }
}

impl std::error::Error for TlsError {}
