//! Who signs the heads of the audit log.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use tandem_contracts::authority::v1::SignedHead;

/// A key of this service.
#[derive(Clone)]
pub struct SigningKey(Arc<Ed25519KeyPair>);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.shown()).finish()
    }
}

/// A key that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the signing key {file} cannot be used: {problem}")]
pub struct KeyError {
    file: PathBuf,
    problem: String,
}

impl SigningKey {
    /// The key in that file: Ed25519, PKCS #8 in PEM, as `openssl genpkey -algorithm ed25519` makes it.
    ///
    /// # Errors
    /// The file cannot be read, or holds no such key.
    pub fn read(file: &Path) -> Result<Self, KeyError> {
        let cannot = |problem: String| KeyError { file: file.to_owned(), problem };
        let pem = std::fs::read(file).map_err(|error| cannot(error.to_string()))?;
        let der = PrivatePkcs8KeyDer::from_pem_slice(&pem).map_err(|_| {
            cannot("expected a private key of PKCS #8 in PEM, found something else".to_owned())
        })?;
        let pair = Ed25519KeyPair::from_pkcs8(der.secret_pkcs8_der())
            .map_err(|_| cannot("expected a key of Ed25519, found another".to_owned()))?;
        Ok(Self(Arc::new(pair)))
    }

    /// The key in that file, made at the first start, which its owner alone can read.
    ///
    /// # Errors
    /// The file cannot be read or made, or holds no such key.
    pub fn read_or_make(file: &Path) -> Result<Self, KeyError> {
        if !file.exists() {
            make(file).map_err(|error| KeyError { file: file.to_owned(), problem: error.to_string() })?;
        }
        Self::read(file)
    }

    /// Its public part.
    pub(crate) fn public_key(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    /// Its public part, as people compare it.
    pub(crate) fn shown(&self) -> String {
        BASE64_STANDARD.encode(self.public_key())
    }

    /// Signs a head.
    pub(crate) fn sign(&self, head: SignedHead) -> SignedHead {
        let signature = self.0.sign(text(&head).as_bytes()).as_ref().to_vec();
        SignedHead { public_key: self.public_key().to_vec(), signature, ..head }
    }
}

/// Whether a head is signed with the key that it names.
pub(crate) fn is_signed(head: &SignedHead) -> bool {
    let key = UnparsedPublicKey::new(&ED25519, &head.public_key);
    key.verify(text(head).as_bytes(), &head.signature).is_ok()
}

/// What is signed of a head.
fn text(head: &SignedHead) -> String {
    let SignedHead { tenant, sequence, hash, .. } = head;
    let time = head.time.map_or(0, |time| time.seconds);
    format!("tandem-audit-head\n{tenant}\n{sequence}\n{hash}\n{time}")
}

/// Makes a key where none is. Two processes that start at once end up with the same.
fn make(file: &Path) -> io::Result<()> {
    let made = || -> Result<Vec<u8>, aws_lc_rs::error::Unspecified> {
        Ok(AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&Ed25519KeyPair::generate()?)?
            .as_ref()
            .to_vec())
    };
    let der = made().map_err(|_| io::Error::other("no key can be made"))?;
    let base64 = BASE64_STANDARD.encode(der);
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(file) {
        Ok(mut made) => made.write_all(pem.as_bytes()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> SignedHead {
        SignedHead {
            tenant: "tenants/contoso".into(),
            sequence: 7,
            hash: "ab".repeat(32),
            time: Some(prost_types::Timestamp { seconds: 1_795_000_000, nanos: 0 }),
            ..SignedHead::default()
        }
    }

    #[test]
    fn key_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key.pem");
        let first = SigningKey::read_or_make(&file).unwrap();
        assert_eq!(SigningKey::read_or_make(&file).unwrap().public_key(), first.public_key());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn key_of_another_program_is_read() {
        // RFC 8410, section 10.3: the key of the example, and its public part.
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key.pem");
        let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
        std::fs::write(&file, pem).unwrap();
        let shown = SigningKey::read(&file).unwrap().shown();
        assert_eq!(shown, "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=");
    }

    #[test]
    fn head_is_signed_by_all_that_it_says() {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::read_or_make(&folder.path().join("key.pem")).unwrap();
        let signed = key.sign(head());
        assert!(is_signed(&signed));
        let other = |change: fn(&mut SignedHead)| {
            let mut head = signed.clone();
            change(&mut head);
            is_signed(&head)
        };
        assert!(!other(|head| head.sequence += 1));
        assert!(!other(|head| head.hash = "cd".repeat(32)));
        assert!(!other(|head| head.tenant = "tenants/fabrikam".into()));
        assert!(!other(|head| head.time = None));
        assert!(!other(|head| head.public_key[0] ^= 1));
        assert!(!other(|head| head.signature.clear()));
    }

    #[test]
    fn file_without_a_key_says_what_was_expected() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key.pem");
        std::fs::write(&file, "hello").unwrap();
        let error = SigningKey::read(&file).unwrap_err().to_string();
        let expected = "expected a private key of PKCS #8 in PEM, found something else";
        assert!(error.ends_with(expected), "{error}");
    }
}
