//! Certificates, keys and tokens of a system of processes, made as its operators would for development.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, JwkSet, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::KeyPair;
use serde_json::{Value, json};
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
        let (issuer, audience) = Self::write(folder);
        Self { folder: folder.to_owned(), issuer, audience }
    }

    /// Issues every certificate and token anew. The authority and the key that signs tokens stay.
    ///
    /// # Panics
    /// They cannot be made.
    pub fn renew(&self) {
        Self::write(&self.folder);
    }

    /// Answers the issuer and the audience of the tokens.
    fn write(folder: &Path) -> (String, String) {
        let mut command = tandem();
        command.args(["credentials", "--development", "-o", "json", "--out"]).arg(folder);
        let made = command.output().expect("tandem runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let answer: serde_json::Value = serde_json::from_slice(&made.stdout).expect("the answer is JSON");
        let text = |key: &str| answer[key].as_str().expect("the answer names it").to_owned();
        (text("issuer"), text("audience"))
    }

    /// The claims of a token that is accepted: of that role, in those tenants.
    #[must_use]
    pub fn claims(&self, role: &str, tenants: &[&str]) -> Value {
        let expires = jiff::Timestamp::now().as_second() + 3600;
        json!({
            "iss": self.issuer, "aud": self.audience, "sub": role, "exp": expires,
            "roles": [role], "tandem_tenants": tenants,
        })
    }

    /// A token of those claims, signed by the issuer.
    ///
    /// # Panics
    /// The issuer's key cannot be used.
    #[must_use]
    pub fn signed(&self, claims: &Value) -> String {
        let pem = std::fs::read_to_string(self.path("token-signing.key")).expect("the key can be read");
        SigningKey::of(&KeyPair::from_pem(&pem).expect("it is a key")).signed(claims)
    }

    /// A token whose signature anybody can make: the issuer's public key, in the form in which it is published, taken for a shared secret.
    ///
    /// # Panics
    /// The key set cannot be read.
    #[must_use]
    pub fn signed_by_the_public_key(&self, claims: &Value) -> String {
        let text = std::fs::read(self.path("token-keys.json")).expect("the key set can be read");
        let set: Value = serde_json::from_slice(&text).expect("it is a key set");
        let point = |name: &str| URL_SAFE_NO_PAD.decode(set["keys"][0][name].as_str().expect("a P-256 key"));
        let (x, y) = (point("x").expect("it is base64"), point("y").expect("it is base64"));
        let secret = EncodingKey::from_secret(&[&[4], &x[..], &y[..]].concat());
        let id = set["keys"][0]["kid"].as_str().map(str::to_owned);
        let header = Header { kid: id, ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, claims, &secret).expect("the claims are JSON")
    }

    /// Publishes another key of the issuer beside its first, or takes it away again.
    ///
    /// # Panics
    /// The key set cannot be written.
    pub fn publish(&self, key: &SigningKey, is_there: bool) {
        let file = self.path("token-keys.json");
        let text = std::fs::read(&file).expect("the key set can be read");
        let mut set: JwkSet = serde_json::from_slice(&text).expect("it is a key set");
        set.keys.retain(|other| other.common.key_id != key.public.common.key_id);
        set.keys.extend(is_there.then(|| key.public.clone()));
        std::fs::write(&file, serde_json::to_vec(&set).expect("it is JSON")).expect("it can be written");
    }

    /// What proves the services to their callers.
    #[must_use]
    pub fn authority(&self) -> TlsFiles {
        TlsFiles { ca: Some(self.folder.join("ca.pem")), ..TlsFiles::default() }
    }

    /// What a service shows to others.
    #[must_use]
    pub fn identity(&self, service: &str) -> TlsFiles {
        let file = |end: &str| Some(self.folder.join(format!("tandem-{service}.{end}")));
        TlsFiles { certificate: file("pem"), key: file("key"), ..self.authority() }
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
            ("TANDEM_PEERS__CA", self.path("ca.pem")),
            ("TANDEM_PEERS__CERTIFICATE", self.path(&certificate)),
            ("TANDEM_PEERS__KEY", self.path(&key)),
        ];
        if service == "authority" {
            variables.push(("TANDEM_AUDIT__SIGNING_KEY", self.path("audit-signing.key")));
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
        Connection::connect_lazy_each(addresses, &self.authority())
            .expect("the addresses are of the right form")
            .with_token(&self.token(role))
            .expect("the token is one line")
    }
}

/// A key that signs tokens.
pub struct SigningKey {
    key: EncodingKey,
    public: Jwk,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("public", &self.public).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// A new one.
    ///
    /// # Panics
    /// There is no randomness.
    #[must_use]
    pub fn new() -> Self {
        Self::of(&KeyPair::generate().expect("a key can be made"))
    }

    fn of(pair: &KeyPair) -> Self {
        let key = EncodingKey::from_ec_der(pair.serialized_der());
        let mut public = Jwk::from_encoding_key(&key, Algorithm::ES256).expect("it is a P-256 key");
        public.common.key_id = Some(public.thumbprint(ThumbprintHash::SHA256).expect("it has a thumbprint"));
        Self { key, public }
    }

    /// A token of those claims.
    ///
    /// # Panics
    /// The claims cannot be written.
    #[must_use]
    pub fn signed(&self, claims: &Value) -> String {
        let header = Header { kid: self.public.common.key_id.clone(), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &self.key).expect("the claims are JSON")
    }
}

impl Default for SigningKey {
    fn default() -> Self {
        Self::new()
    }
}
