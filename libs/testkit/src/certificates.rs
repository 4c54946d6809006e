//! An authority and a server's certificate, for containers that encrypt.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

/// What a server needs to encrypt, and its callers to trust it: in PEM.
#[derive(Debug)]
pub struct Certificates {
    /// The server's certificate, good for this machine's names.
    pub certificate: String,
    /// Its private key.
    pub key: String,
    /// A file with the authority's certificate.
    pub ca: PathBuf,
    _folder: TempDir,
}

impl Certificates {
    /// Makes them.
    ///
    /// # Panics
    /// The authority's file cannot be written.
    #[must_use]
    pub fn make() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let signing = KeyPair::generate().expect("a key can be made");
        let ca = folder.path().join("ca.pem");
        let signed = authority.self_signed(&signing).expect("the authority can be made");
        std::fs::write(&ca, signed.pem()).expect("the authority's file can be written");
        let issuer = Issuer::new(authority, signing);
        let key = KeyPair::generate().expect("a key can be made");
        let names = ["localhost", "127.0.0.1"].map(str::to_owned);
        let certificate = CertificateParams::new(names)
            .and_then(|params| params.signed_by(&key, &issuer))
            .expect("the certificate can be made");
        Self { certificate: certificate.pem(), key: key.serialize_pem(), ca, _folder: folder }
    }
}
