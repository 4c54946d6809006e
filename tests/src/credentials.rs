//! Certificates, keys and tokens of a system of processes, made as its operators would for development.

use std::path::{Path, PathBuf};

use tandem_client::{Addresses, Connection, TlsFiles};

use crate::binary::tandem;

/// A folder of credentials.
#[derive(Debug)]
pub struct Credentials {
    folder: PathBuf,
    issuer: String,
    audience: String,
}

impl Credentials {
    /// Makes them in that folder.
    ///
    /// # Panics
    /// They cannot be made.
    #[must_use]
    pub fn make(folder: &Path) -> Self {
        let mut command = tandem();
        command.args(["credentials", "--development", "-o", "json", "--out"]).arg(folder);
        let made = command.output().expect("tandem runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let answer: serde_json::Value = serde_json::from_slice(&made.stdout).expect("the answer is JSON");
        let text = |key: &str| answer[key].as_str().expect("the answer names it").to_owned();
        Self { folder: folder.to_owned(), issuer: text("issuer"), audience: text("audience") }
    }

    fn path(&self, file: &str) -> String {
        self.folder.join(file).to_str().expect("the folder's name is text").to_owned()
    }

    /// What closes a service's listener and makes it known to the others, as environment variables.
    #[must_use]
    pub fn environment(&self, service: &str) -> Vec<(String, String)> {
        let (certificate, key) = (format!("tandem-{service}.pem"), format!("tandem-{service}.key"));
        let mut variables = vec![
            ("TANDEM_TLS__CERTIFICATE", self.path(&certificate)),
            ("TANDEM_TLS__KEY", self.path(&key)),
            ("TANDEM_TLS__CLIENT_CA", self.path("ca.pem")),
            ("TANDEM_TOKENS__ISSUER", self.issuer.clone()),
            ("TANDEM_TOKENS__AUDIENCE", self.audience.clone()),
            ("TANDEM_TOKENS__KEYS", self.path("token-keys.json")),
        ];
        // The inventory asks nobody.
        if service != "inventory" {
            variables.extend([
                ("TANDEM_PEERS__CA", self.path("ca.pem")),
                ("TANDEM_PEERS__CERTIFICATE", self.path(&certificate)),
                ("TANDEM_PEERS__KEY", self.path(&key)),
            ]);
        }
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The file of the authority's certificate.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// A role's token.
    ///
    /// # Panics
    /// There is no such role.
    #[must_use]
    pub fn token(&self, role: &str) -> String {
        std::fs::read_to_string(self.path(&format!("{role}.token"))).expect("the role has a token")
    }

    /// A connection of the holder of a role's token.
    ///
    /// # Panics
    /// An address has the wrong form, or there is no such role.
    #[must_use]
    pub fn connection(&self, addresses: &Addresses<'_>, role: &str) -> Connection {
        let tls = TlsFiles { ca: Some(self.ca()), ..TlsFiles::default() };
        Connection::connect_lazy_each(addresses, &tls)
            .expect("the addresses are of the right form")
            .with_token(&self.token(role))
            .expect("the token is one line")
    }
}
