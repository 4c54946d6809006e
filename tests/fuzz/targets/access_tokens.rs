//! `authorization` headers and access tokens: nothing is let in that this issuer did not sign for this audience, and what is let in says
//! who it is in a text that a log can hold.
//!
//! Bytes: the first says what the rest is: 0 the header's value, 1 the claims, 2 the header and the claims of a token, apart by a zero
//! byte. Claims and headers are signed here: whoever cannot sign gets no further than 0.

#![no_main]

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use libfuzzer_sys::fuzz_target;
use rcgen::KeyPair;
use serde_json::Value;
use tandem_server::Credentials;
use tandem_server::access::TokenTrust;
use tandem_server::access::tokens::AccessTokens;
use tokio::runtime::{Builder, Runtime};

const ISSUER: &str = "https://login.example/v2.0";
const AUDIENCE: &str = "tandem";
const HEADER: &[u8] = br#"{"alg":"ES256","kid":"k"}"#;

struct World {
    key: EncodingKey,
    tokens: AccessTokens,
    /// Nothing waits for keys that are in a file.
    runtime: Runtime,
    _folder: tempfile::TempDir,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let pair = KeyPair::generate().expect("a key can be made");
    let key = EncodingKey::from_ec_der(pair.serialized_der());
    let mut public = Jwk::from_encoding_key(&key, Algorithm::ES256).expect("a public key");
    public.common.key_id = Some("k".to_owned());
    let keys = folder.path().join("keys.json");
    let set = serde_json::to_vec(&JwkSet { keys: vec![public] }).expect("a key set has a JSON form");
    std::fs::write(&keys, set).expect("a file can be written");
    let trust = TokenTrust {
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        keys: Some(keys),
        ca: None,
        assignments: None,
    };
    let tokens = AccessTokens::open(&trust).expect("the key set is one");
    let runtime = Builder::new_current_thread().build().expect("a runtime can be made");
    World { key, tokens, runtime, _folder: folder }
});

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = data.split_first() else { return };
    match kind % 3 {
        0 => assert!(!is_let_in(rest), "let in without a signature"),
        1 => signed(HEADER, rest),
        _ => {
            if let Some(end) = rest.iter().position(|byte| *byte == 0) {
                signed(&rest[..end], &rest[end + 1..]);
            }
        }
    }
});

/// A token of these parts with a true signature: let in only with the right algorithm, key, issuer, audience and time.
fn signed(header: &[u8], claims: &[u8]) {
    let body = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = crypto::sign(body.as_bytes(), &WORLD.key, Algorithm::ES256).expect("it can be signed");
    if is_let_in(format!("Bearer {body}.{signature}").as_bytes()) {
        let (header, claims) = (json(header), json(claims));
        assert_eq!((&header["alg"], &header["kid"]), (&"ES256".into(), &"k".into()));
        assert_eq!(claims["iss"], *ISSUER, "{claims}");
        let audience = &claims["aud"];
        let is_ours = |audience: &Value| *audience == *AUDIENCE;
        assert!(
            is_ours(audience) || audience.as_array().is_some_and(|all| all.iter().any(is_ours)),
            "{claims}"
        );
        let now = jiff::Timestamp::now().as_second();
        assert!(claims["exp"].as_f64().is_some_and(|end| end + 62.0 >= now as f64), "{claims}");
    }
}

/// What was let in is JSON, but for texts that nobody reads: those need not be UTF-8.
fn json(text: &[u8]) -> Value {
    serde_json::from_str(&String::from_utf8_lossy(text))
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(text)))
}

fn is_let_in(value: &[u8]) -> bool {
    let Ok(value) = HeaderValue::from_bytes(value) else { return false };
    let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
    let credentials = Credentials { headers: &headers, names: &[] };
    let Ok(Some(token)) = credentials.bearer() else { return false };
    let principal = || WORLD.runtime.block_on(WORLD.tokens.principal(token));
    let Ok(known) = principal() else { return false };
    let name = known.id.strip_prefix("token:").expect("a caller with a token is called so");
    assert!(!name.is_empty() && name.len() <= 256 && !name.contains(char::is_control), "{name:?}");
    assert!(known.expires.is_some());
    assert_eq!(principal().ok(), Some(known), "the same token is the same caller");
    true
}
