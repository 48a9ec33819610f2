//! Certificates for tests: files for servers, and how their clients speak TLS.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};
use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

use crate::adapters::unused_path;

/// A certificate of `localhost` and its key, in a directory that is removed with this.
#[derive(Debug)]
pub struct Certificate {
    directory: PathBuf,
}

impl Certificate {
    /// Makes one.
    ///
    /// # Panics
    ///
    /// If it cannot be made or written.
    #[must_use]
    pub fn new() -> Self {
        let directory = unused_path();
        fs::create_dir(&directory).expect("a directory can be made");
        let certificate = Self { directory };
        certificate.renew();
        certificate
    }

    /// Replaces it with another, in the same files.
    ///
    /// # Panics
    ///
    /// If it cannot be made or written.
    pub fn renew(&self) {
        let pair = KeyPair::generate().expect("a key can be made");
        let params = CertificateParams::new(vec!["localhost".into()]).expect("it is a name");
        let signed = params.self_signed(&pair).expect("it can be signed");
        write(&self.key(), "PRIVATE KEY", pair.serialized_der());
        write(&self.path(), "CERTIFICATE", signed.der());
    }

    /// Returns the file of the certificate.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.directory.join("certificate.pem")
    }

    /// Returns the file of its key.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.directory.join("key.pem")
    }

    /// Returns how a client speaks TLS that trusts this certificate only.
    ///
    /// # Panics
    ///
    /// If the file was changed and has none.
    #[must_use]
    pub fn client(&self, versions: &[&'static SupportedProtocolVersion]) -> Arc<ClientConfig> {
        client(&self.path(), versions)
    }
}

/// Returns how a client speaks TLS that trusts the certificate in this file only.
///
/// # Panics
///
/// If the file has none.
#[must_use]
pub fn client(certificate: &Path, versions: &[&'static SupportedProtocolVersion]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate).expect("a certificate")).expect("it can be trusted");
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_protocol_versions(versions).expect("these versions are known");
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

impl Default for Certificate {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        // What is left is in the directory for temporary files.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn write(path: &Path, label: &str, der: &[u8]) {
    let text = format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64.encode(der));
    fs::write(path, text).expect("a file can be written");
}
