//! Tokens, certificates and listeners, with keys made for each test.

mod certificate;
mod discovery;
mod issuer;
mod rotation;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use http::HeaderMap;
use http::header::AUTHORIZATION;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tandem_contracts::r#type::v1::Permission;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use super::reload::LOOK;
use super::tls::{ServerTls, TlsFiles};
use super::tokens::{AccessTokens, TokenTrust};
use super::{Access, AccessError};
use crate::failure::{Failure, chain};
use crate::grant::Tenants;
use crate::limits::Limits;
use crate::principal::{Credentials, Principal};

const ISSUER: &str = "https://login.example/contoso/v2.0";

/// An issuer of tokens whose key set is in a folder of its own.
struct Tokens {
    folder: tempfile::TempDir,
    key: EncodingKey,
}

impl Tokens {
    fn new() -> Self {
        let tokens = Self { folder: tempfile::tempdir().unwrap(), key: signing_key() };
        tokens.publish(&[("k1", &tokens.key)]);
        tokens
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("keys.json")
    }

    fn publish(&self, keys: &[(&str, &EncodingKey)]) {
        let public = |(id, key): &(&str, &EncodingKey)| {
            let mut jwk = Jwk::from_encoding_key(key, Algorithm::ES256).unwrap();
            jwk.common.key_id = Some((*id).to_owned());
            jwk
        };
        let set = JwkSet { keys: keys.iter().map(public).collect() };
        std::fs::write(self.file(), serde_json::to_vec(&set).unwrap()).unwrap();
    }

    fn trust(&self) -> TokenTrust {
        TokenTrust {
            issuer: ISSUER.into(),
            audience: "tandem".into(),
            keys: Some(self.file()),
            ca: None,
            assignments: None,
        }
    }

    fn signed(&self, claims: &Value) -> String {
        signed(&self.key, "k1", claims)
    }

    fn answer(&self, token: &str) -> Result<Arc<Principal>, String> {
        let tokens = AccessTokens::open(&self.trust()).unwrap();
        tokens.principal_as_of(token, Instant::now()).map_err(|failure| failure.to_string())
    }
}

fn signing_key() -> EncodingKey {
    EncodingKey::from_ec_der(KeyPair::generate().unwrap().serialized_der())
}

fn signed(key: &EncodingKey, id: &str, claims: &Value) -> String {
    encode(&Header { kid: Some(id.into()), ..Header::new(Algorithm::ES256) }, claims, key).unwrap()
}

fn in_seconds(seconds: i64) -> i64 {
    jiff::Timestamp::now().as_second() + seconds
}

/// A token that is accepted, with some claims changed; `null` takes one away.
fn claims(changed: Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": "tandem", "sub": "ada", "exp": in_seconds(600),
        "roles": ["reader"], "tandem_tenants": ["contoso"],
    });
    let Value::Object(changed) = changed else { panic!("claims are an object") };
    for (claim, value) in changed {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(&claim),
            value => claims.as_object_mut().unwrap().insert(claim, value),
        };
    }
    claims
}

#[test]
fn token_of_the_issuer_says_who_calls_and_what_they_may_do_where() {
    let tokens = Tokens::new();
    let ada = tokens.answer(&tokens.signed(&claims(json!({})))).unwrap();
    assert_eq!(ada.id, "token:ada");
    assert_eq!(
        ada.tenants_of(Permission::DevicesRead),
        Tenants::Only(BTreeSet::from(["contoso".to_owned()]))
    );
    assert_eq!([Permission::DevicesRead, Permission::DevicesReport].map(|p| ada.may(p)), [true, false]);
    let every = tokens.answer(&tokens.signed(&claims(json!({ "tandem_tenants": ["*"] })))).unwrap();
    assert_eq!(every.tenants_of(Permission::DevicesRead), Tenants::All);
}

#[test]
fn token_without_roles_or_tenants_may_do_nothing() {
    let tokens = Tokens::new();
    for without in [json!({ "roles": null }), json!({ "roles": ["root", "Reader"] })] {
        let nobody = tokens.answer(&tokens.signed(&claims(without))).unwrap();
        assert!(!nobody.may(Permission::TenantsRead));
    }
    let nowhere = tokens.answer(&tokens.signed(&claims(json!({ "tandem_tenants": null })))).unwrap();
    assert_eq!(nowhere.tenants_of(Permission::TenantsRead), Tenants::Only(BTreeSet::new()));
}

#[test]
fn token_that_is_not_acceptable_is_refused_with_the_reason() {
    let tokens = Tokens::new();
    let refused = |claims: &Value| tokens.answer(&tokens.signed(claims)).unwrap_err();
    for (changed, why) in [
        (json!({ "exp": in_seconds(-120) }), "the access token has expired"),
        (json!({ "nbf": in_seconds(120) }), "the access token is not valid yet"),
        (
            json!({ "iss": "https://login.example/fabrikam/v2.0" }),
            "the access token comes from another issuer",
        ),
        (json!({ "aud": "graph" }), "the access token is for another audience"),
        (json!({ "sub": null }), "the access token lacks one of the claims exp, iss, aud and sub"),
        (json!({ "aud": null }), "the access token lacks one of the claims exp, iss, aud and sub"),
        (json!({ "exp": null }), "the access token lacks one of the claims exp, iss, aud and sub"),
    ] {
        let expected = format!("the call carries no credentials that this server accepts: {why}");
        assert_eq!(refused(&claims(changed.clone())), expected, "{changed}");
    }
    // Clocks may differ by a minute.
    assert!(tokens.answer(&tokens.signed(&claims(json!({ "exp": in_seconds(-30) })))).is_ok());
}

#[test]
fn token_that_chooses_how_it_is_checked_is_refused() {
    use base64::Engine;
    let tokens = Tokens::new();
    let part = |value: &Value| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let body = part(&claims(json!({})));
    let unsigned = format!("{}.{body}.", part(&json!({ "alg": "none", "kid": "k1" })));
    // The public key is no secret: a signature by it as a symmetric key proves nothing.
    let public = std::fs::read(tokens.file()).unwrap();
    let header = Header { kid: Some("k1".into()), ..Header::new(Algorithm::HS256) };
    let symmetric = encode(&header, &claims(json!({})), &EncodingKey::from_secret(&public)).unwrap();
    let good = tokens.signed(&claims(json!({})));
    let signature = good.rsplit('.').next().unwrap();
    let tampered = format!(
        "{}.{}.{signature}",
        good.split('.').next().unwrap(),
        part(&claims(json!({ "roles": ["full_administrator"] })))
    );
    let other_key = signed(&signing_key(), "k1", &claims(json!({})));
    let unknown_key = signed(&tokens.key, "k2", &claims(json!({})));
    for token in
        [&unsigned, &symmetric, &tampered, &other_key, &unknown_key, "", "a.b.c", &"x".repeat(20_000)]
    {
        let refused = tokens.answer(token).unwrap_err();
        assert!(
            refused.starts_with("the call carries no credentials that this server accepts: "),
            "{refused}"
        );
        assert!(token.is_empty() || !refused.contains(token), "{refused}");
    }
}

#[test]
fn token_of_nobody_in_particular_is_refused() {
    let tokens = Tokens::new();
    for sub in [String::new(), "x".repeat(257), "ada\nroot".to_owned()] {
        let refused = tokens.answer(&tokens.signed(&claims(json!({ "sub": sub })))).unwrap_err();
        let why = "the claim sub of the access token is empty, longer than 256 bytes or not printable";
        assert_eq!(refused, format!("the call carries no credentials that this server accepts: {why}"));
    }
    assert!(tokens.answer(&tokens.signed(&claims(json!({ "sub": "x".repeat(256) })))).is_ok());
}

#[test]
fn principal_ends_with_its_token() {
    let tokens = Tokens::new();
    let exp = in_seconds(600);
    let ada = tokens.answer(&tokens.signed(&claims(json!({ "exp": exp })))).unwrap();
    // Clocks may differ by a minute.
    let expected = UNIX_EPOCH + Duration::from_secs(u64::try_from(exp).unwrap() + 60);
    assert_eq!(ada.expires, Some(expected));
}

#[test]
fn key_that_is_withdrawn_takes_its_tokens_with_it() {
    let tokens = Tokens::new();
    let accepted = AccessTokens::open(&tokens.trust()).unwrap();
    let (old, next) = (tokens.signed(&claims(json!({}))), signing_key());
    let new = signed(&next, "k2", &claims(json!({})));
    let after = |looks: u32| Instant::now() + LOOK * looks;
    assert!(accepted.principal_as_of(&old, after(0)).is_ok());
    // An issuer adds its next key before it signs with it, and takes the old one away later.
    tokens.publish(&[("k1", &tokens.key), ("k2", &next)]);
    assert!(accepted.principal_as_of(&new, after(2)).is_ok());
    assert!(accepted.principal_as_of(&old, after(2)).is_ok());
    tokens.publish(&[("k2", &next)]);
    assert!(accepted.principal_as_of(&new, after(4)).is_ok());
    assert!(accepted.principal_as_of(&old, after(4)).is_err());
}

#[test]
fn assignment_that_is_taken_back_ends_also_for_a_token_that_was_seen() {
    let tokens = Tokens::new();
    let file = tokens.folder.path().join("assignments.toml");
    let assigned = |who: &str| {
        let text =
            format!("[[assignment]]\nwho = [\"{who}\"]\nrole = \"connector\"\ntenants = [\"fabrikam\"]\n");
        std::fs::write(&file, text).unwrap();
    };
    assigned("group:g1");
    let accepted =
        AccessTokens::open(&TokenTrust { assignments: Some(file.clone()), ..tokens.trust() }).unwrap();
    let token = tokens.signed(&claims(json!({ "groups": ["g1"] })));
    let reports_in = |looks: u32| {
        let ada = accepted.principal_as_of(&token, Instant::now() + LOOK * looks).unwrap();
        ada.tenants_of(Permission::DevicesReport)
    };
    let fabrikam = Tenants::Only(BTreeSet::from(["fabrikam".to_owned()]));
    assert_eq!([reports_in(0), reports_in(0)], [fabrikam.clone(), fabrikam]);
    assigned("sub:somebody-else");
    assert_eq!(reports_in(2), Tenants::Only(BTreeSet::new()));
    std::fs::write(&file, "[[assignment]]\nwho = [").unwrap();
    assert_eq!(reports_in(4), Tenants::Only(BTreeSet::new()), "what was read before stays");
    for (known, claim) in [
        ("oid:o1", json!({ "oid": "o1" })),
        ("client:c1", json!({ "azp": "c1" })),
        ("role:Tandem.Connect", json!({ "roles": ["Tandem.Connect"] })),
    ] {
        assigned(known);
        let accepted = AccessTokens::open(&TokenTrust { assignments: Some(file.clone()), ..tokens.trust() });
        let ada = accepted.unwrap().principal_as_of(&tokens.signed(&claims(claim)), Instant::now()).unwrap();
        assert!(ada.may(Permission::DevicesReport), "{known}");
    }
}

#[test]
fn key_that_is_not_for_tokens_is_left_out() {
    let tokens = Tokens::new();
    let mut set: Value = serde_json::from_slice(&std::fs::read(tokens.file()).unwrap()).unwrap();
    let mut encrypting = set["keys"][0].clone();
    encrypting["kid"] = json!("k2");
    encrypting["use"] = json!("enc");
    let mut deriving = set["keys"][0].clone();
    deriving["kid"] = json!("k3");
    deriving["key_ops"] = json!(["deriveKey"]);
    let unknown = json!({ "kty": "AKP", "kid": "k4", "alg": "ML-DSA-44", "pub": "AQAB" });
    set["keys"].as_array_mut().unwrap().extend([encrypting, deriving, unknown]);
    std::fs::write(tokens.file(), set.to_string()).unwrap();
    let answers = |id: &str| tokens.answer(&signed(&tokens.key, id, &claims(json!({})))).is_ok();
    assert_eq!(["k1", "k2", "k3", "k4"].map(answers), [true, false, false, false]);
}

#[test]
fn key_set_that_cannot_be_used_is_named() {
    let tokens = Tokens::new();
    let secret = json!({ "keys": [{ "kty": "oct", "kid": "s", "k": "c2VjcmV0" }] });
    let encrypting =
        json!({ "keys": [{ "kty": "RSA", "kid": "r", "alg": "RS512", "n": "AQAB", "e": "AQAB" }] });
    let none = "it has no key for the signatures of tokens";
    for (text, why) in [
        ("{}".to_owned(), "missing field `keys`".to_owned()),
        (json!({ "keys": [] }).to_string(), none.to_owned()),
        (secret.to_string(), format!("{none}; key `s`: expected a public RSA, P-256, P-384 or Ed25519 key")),
        (encrypting.to_string(), format!("{none}; key `r`: its algorithm `RS512` is not accepted")),
    ] {
        std::fs::write(tokens.file(), text).unwrap();
        let error = chain(&AccessTokens::open(&tokens.trust()).err().unwrap());
        let expected = format!("{} cannot be used as a JSON Web Key Set: {why}", tokens.file().display());
        assert!(error.starts_with(&expected), "{error}");
    }
}

/// An authority, and the folder where its certificates lie.
struct Authority {
    folder: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let (key, folder) = (KeyPair::generate().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(folder.path().join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { folder, issuer: Issuer::new(params, key) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A certificate of these names in `<file>.pem` and `<file>.key`.
    fn issue(&self, file: &str, names: &[&str]) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.path(&format!("{file}.pem")), certificate.pem()).unwrap();
        std::fs::write(self.path(&format!("{file}.key")), key.serialize_pem()).unwrap();
    }

    fn files(&self, file: &str, client_ca: Option<&Self>) -> TlsFiles {
        TlsFiles {
            certificate: self.path(&format!("{file}.pem")),
            key: self.path(&format!("{file}.key")),
            client_ca: client_ca.map(|authority| authority.path("ca.pem")),
        }
    }

    /// A caller that trusts this authority, with a certificate of `identity`, if any.
    fn caller(&self, identity: Option<(&Self, &str)>) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.path("ca.pem")).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some((authority, file)) => {
                let certificate = CertificateDer::from_pem_file(authority.path(&format!("{file}.pem")));
                let key = PrivateKeyDer::from_pem_file(authority.path(&format!("{file}.key")));
                builder.with_client_auth_cert(vec![certificate.unwrap()], key.unwrap()).unwrap()
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        TlsConnector::from(Arc::new(config))
    }
}

/// The names that a server sees of a caller; `None` where it turns the caller away.
async fn seen(tls: ServerTls, caller: &TlsConnector) -> Option<Vec<String>> {
    use futures::StreamExt;
    use tonic::transport::server::Connected;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut incoming = Box::pin(tls.incoming(listener, &Limits::default()));
    let connecting = async {
        let stream = TcpStream::connect(address).await.unwrap();
        let mut stream = caller.connect(ServerName::try_from("localhost").unwrap(), stream).await?;
        stream.write_all(b"x").await?;
        // TLS 1.3 tells a caller that it is turned away with the first answer.
        stream.read_u8().await
    };
    let accepting = async {
        let mut connection = incoming.next().await.unwrap().unwrap();
        let names = connection.connect_info().names().unwrap().to_vec();
        connection.write_all(b"y").await.unwrap();
        connection.flush().await.unwrap();
        // Until the caller has read it.
        let _ = connection.read_to_end(&mut Vec::new()).await;
        names
    };
    let (mut connecting, mut accepting) = (Box::pin(connecting), Box::pin(accepting));
    tokio::select! {
        answer = &mut connecting => match answer {
            Ok(_) => { drop(connecting); Some(accepting.await) }
            Err(_) => None,
        },
        names = &mut accepting => Some(names),
    }
}

#[tokio::test]
async fn service_is_known_by_the_names_of_its_certificate() {
    let authority = Authority::new();
    authority.issue("server", &["localhost"]);
    authority.issue("service", &["tandem-authority", "authority.example"]);
    let open = || ServerTls::open(&authority.files("server", Some(&authority))).unwrap();
    let names = seen(open(), &authority.caller(Some((&authority, "service")))).await;
    assert_eq!(names, Some(vec!["tandem-authority".to_owned(), "authority.example".to_owned()]));
    // Most callers bring a token instead.
    assert_eq!(seen(open(), &authority.caller(None)).await, Some(vec![]));
}

#[tokio::test]
async fn certificate_of_another_authority_is_turned_away() {
    let (authority, other) = (Authority::new(), Authority::new());
    authority.issue("server", &["localhost"]);
    other.issue("service", &["tandem-authority"]);
    let open = || ServerTls::open(&authority.files("server", Some(&authority))).unwrap();
    assert_eq!(seen(open(), &authority.caller(Some((&other, "service")))).await, None);
    // And so is the server by a caller that trusts another.
    assert_eq!(seen(open(), &other.caller(None)).await, None);
}

#[tokio::test]
async fn address_that_never_ends_its_handshakes_leaves_places_for_others() {
    use futures::StreamExt;
    let authority = Authority::new();
    authority.issue("server", &["localhost"]);
    let tls = ServerTls::open(&authority.files("server", None)).unwrap();
    // On loopback four times as many.
    let limits = Limits { connections_per_address: std::num::NonZeroU32::MIN, ..Limits::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut incoming = Box::pin(tls.incoming(listener, &limits));
    let connected = async |from: &str| {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
        socket.connect(address).await.unwrap()
    };
    let mut silent = Vec::new();
    for _ in 0..5 {
        silent.push(connected("127.0.0.1").await);
    }
    let caller = authority.caller(None);
    let speaking = async {
        let stream = connected("127.0.0.2").await;
        caller.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap()
    };
    let (_near, far) = tokio::join!(speaking, incoming.next());
    assert!(far.unwrap().is_ok());
    // The fifth was turned away, the others still have their time.
    assert_eq!(silent.pop().unwrap().read(&mut [0]).await.unwrap_or_default(), 0);
    assert_eq!(silent[0].try_read(&mut [0]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn file_of_a_listener_that_cannot_be_used_is_named() {
    let authority = Authority::new();
    authority.issue("server", &["localhost"]);
    authority.issue("other", &["localhost"]);
    let good = authority.files("server", None);
    let missing = |file: &str| authority.path(file);
    let empty = missing("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let error = |files: TlsFiles| chain(&ServerTls::open(&files).unwrap_err());
    let text = error(TlsFiles { certificate: empty.clone(), ..good.clone() });
    assert_eq!(text, format!("{} cannot be used as certificates in PEM: it has none", empty.display()));
    let text = error(TlsFiles { key: missing("no.key"), ..good.clone() });
    assert!(
        text.starts_with(&format!(
            "{} cannot be used as a private key in PEM: ",
            missing("no.key").display()
        ))
    );
    let text = error(TlsFiles { key: missing("other.key"), ..good.clone() });
    let named = format!("{} cannot be used as the certificate of that key: ", good.certificate.display());
    assert!(text.starts_with(&named), "{text}");
}

#[test]
fn address_that_others_reach_needs_tls_and_known_callers() {
    let (authority, tokens) = (Authority::new(), Tokens::new());
    authority.issue("server", &["localhost"]);
    let (tls, mutual) = (authority.files("server", None), authority.files("server", Some(&authority)));
    let trust = tokens.trust();
    let opens =
        |address: &str, tls: Option<&TlsFiles>, tokens: Option<&TokenTrust>| match (Access { tls, tokens })
            .open(address.parse().unwrap())
        {
            Ok(doors) => Some(doors.tls.is_some()),
            Err(AccessError::Listen(_)) => None,
            Err(error) => panic!("{error}"),
        };
    let outside = "0.0.0.0:50051";
    assert_eq!(opens(outside, None, None), None);
    assert_eq!(opens(outside, Some(&tls), None), None);
    assert_eq!(opens(outside, None, Some(&trust)), None);
    assert_eq!(opens(outside, Some(&tls), Some(&trust)), Some(true));
    assert_eq!(opens(outside, Some(&mutual), None), Some(true));
    assert_eq!(opens("127.0.0.1:50051", None, None), Some(false));
    assert_eq!(opens("127.0.0.1:50051", None, Some(&trust)), Some(false));
}

#[tokio::test]
async fn caller_is_whom_the_token_names_or_else_the_certificate() {
    let (authority, tokens) = (Authority::new(), Tokens::new());
    authority.issue("server", &["localhost"]);
    let (tls, trust) = (authority.files("server", Some(&authority)), tokens.trust());
    let listen = "127.0.0.1:50051".parse().unwrap();
    let doors = Access { tls: Some(&tls), tokens: Some(&trust) }.open(listen).unwrap();
    let only_services = Access { tls: Some(&tls), tokens: None }.open(listen).unwrap();
    let token = format!("Bearer {}", tokens.signed(&claims(json!({}))));
    let of = async |doors: &super::Doors, authorization: Option<&str>, names: &[&str]| {
        let mut headers = HeaderMap::new();
        headers.extend(authorization.map(|value| (AUTHORIZATION, value.parse().unwrap())));
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let credentials = Credentials { headers: &headers, names: &names };
        match doors.authenticator.authenticate(credentials).await {
            Ok(principal) => Some(principal.id.clone()),
            Err(Failure::Unauthenticated(_)) => None,
            Err(failure) => panic!("{failure}"),
        }
    };
    let service = ["db.example", "tandem-monitoring"];
    let of_service = Some("service:tandem-monitoring".to_owned());
    assert_eq!(of(&doors, Some(&token), &[]).await, Some("token:ada".to_owned()));
    assert_eq!(of(&doors, None, &service).await, of_service);
    assert_eq!(of(&doors, Some(&token), &service).await, Some("token:ada".to_owned()));
    // A token that is refused is not made good by a certificate.
    assert_eq!(of(&doors, Some("Bearer nonsense"), &service).await, None);
    assert_eq!(of(&doors, None, &["db.example"]).await, None);
    assert_eq!(of(&doors, None, &[]).await, None);
    assert_eq!(of(&only_services, None, &service).await, of_service);
    assert_eq!(of(&only_services, Some(&token), &service).await, None);
}
