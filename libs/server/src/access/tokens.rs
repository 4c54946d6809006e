//! Access tokens: JWTs of one issuer for one audience, signed by a key of a configured key set.
//!
//! The claim `roles` holds the names of [`Role`]s (app roles, where Microsoft Entra issues the token), `tandem_tenants` the ids of the
//! tenants in which they hold; `*` is every tenant. Whoever has no role, or no tenant, may do nothing.
//!
//! A key is used with the algorithms of its own type alone, so that no token can choose how it is checked. Issuers publish keys for other
//! purposes beside those that sign tokens: what is no public key for signatures, symmetric keys among them, is left out, with a warning.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use moka::sync::Cache;
use serde::{Deserialize, Serialize};

use super::reload::Reloaded;
use super::roles::Role;
use super::{FileError, named};
use crate::failure::Failure;
use crate::grant::Tenants;
use crate::principal::Principal;

/// How far the clocks of the issuer and of this machine may lie apart, in seconds.
const LEEWAY: u64 = 60;

/// Tokens whose check is remembered until they expire.
const REMEMBERED: u64 = 10_000;

/// Longest token that is looked at: several times those of common issuers.
const LONGEST: usize = 16 * 1024;

/// Longest name of a caller, in bytes.
const LONGEST_SUBJECT: usize = 256;

/// What stands for every tenant in the claim `tandem_tenants`.
const EVERY_TENANT: &str = "*";

/// A JSON Web Key Set, whose keys are read one by one: there are kinds that nobody here knows.
#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

/// Which access tokens are accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenTrust {
    /// Who must have issued them: the claim `iss`.
    pub issuer: String,
    /// For whom they must be: the claim `aud`.
    pub audience: String,
    /// A file with the issuer's public keys, as a JSON Web Key Set.
    pub keys: PathBuf,
}

/// What a token says, as far as it matters here.
#[derive(Deserialize)]
struct Claims {
    // The check says which claim is missing; reading must not fail before it.
    #[serde(default)]
    sub: String,
    #[serde(default)]
    exp: u64,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    tandem_tenants: Vec<String>,
}

/// Checks access tokens.
pub struct AccessTokens {
    keys: Reloaded<Keys>,
}

impl AccessTokens {
    /// Reads the keys.
    ///
    /// # Errors
    /// The file is no key set, or one of its keys cannot be used.
    pub fn open(trust: &TokenTrust) -> Result<Self, FileError> {
        let trust = trust.clone();
        Ok(Self { keys: Reloaded::open(vec![trust.keys.clone()], move || Keys::read(&trust))? })
    }

    /// Whose token it is.
    ///
    /// # Errors
    /// It is not acceptable.
    pub fn principal(&self, token: &str) -> Result<Arc<Principal>, Failure> {
        self.principal_as_of(token, Instant::now())
    }

    /// With the keys that are in use at that moment.
    pub(super) fn principal_as_of(&self, token: &str, moment: Instant) -> Result<Arc<Principal>, Failure> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        self.keys.as_of(moment).principal(token, now)
    }
}

/// A key, and how it may be used.
struct Key {
    key: DecodingKey,
    validation: Validation,
}

/// The keys of one reading of the file, with the tokens that they were found to have signed: with a key go its tokens.
struct Keys {
    by_id: HashMap<Option<String>, Key>,
    checked: Cache<[u8; 32], (Arc<Principal>, u64)>,
}

impl Keys {
    fn read(trust: &TokenTrust) -> Result<Self, FileError> {
        let file = &trust.keys;
        let text = std::fs::read(file).map_err(|error| named(file, "a JSON Web Key Set", error))?;
        let set: KeySet =
            serde_json::from_slice(&text).map_err(|error| named(file, "a JSON Web Key Set", error))?;
        let mut by_id = HashMap::with_capacity(set.keys.len());
        let mut left_out = Vec::new();
        for key in set.keys {
            match usable(key, trust) {
                Ok((id, key)) => {
                    if by_id.insert(id.clone(), key).is_some() {
                        let id = id.as_deref().unwrap_or(NO_ID);
                        return Err(named(
                            file,
                            "a JSON Web Key Set",
                            format!("two keys have the id `{id}`"),
                        ));
                    }
                }
                Err(why) => left_out.push(why),
            }
        }
        if by_id.is_empty() {
            left_out.insert(0, "it has no key for the signatures of tokens".to_owned());
            return Err(named(file, "a JSON Web Key Set", left_out.join("; ")));
        }
        if !left_out.is_empty() {
            tracing::warn!(file = %file.display(), keys = ?left_out, "keys are left out");
        }
        Ok(Self { by_id, checked: Cache::new(REMEMBERED) })
    }

    fn principal(&self, token: &str, now: u64) -> Result<Arc<Principal>, Failure> {
        if token.len() > LONGEST {
            return Err(Failure::Unauthenticated("the access token is too long"));
        }
        let hash = hash(token);
        if let Some((principal, expires)) = self.checked.get(&hash)
            && now < expires.saturating_add(LEEWAY)
        {
            return Ok(principal);
        }
        let claims = self.claims(token)?;
        if claims.sub.is_empty()
            || claims.sub.len() > LONGEST_SUBJECT
            || claims.sub.contains(|c: char| c.is_control())
        {
            return Err(Failure::Unauthenticated(
                "the claim sub of the access token is empty, longer than 256 bytes or not printable",
            ));
        }
        let principal = Arc::new(principal(&claims));
        self.checked.insert(hash, (Arc::clone(&principal), claims.exp));
        Ok(principal)
    }

    fn claims(&self, token: &str) -> Result<Claims, Failure> {
        let refused = |error: jsonwebtoken::errors::Error| Failure::Unauthenticated(why(error.kind()));
        let header = decode_header(token).map_err(refused)?;
        let key = self.by_id.get(&header.kid).ok_or(Failure::Unauthenticated(
            "the access token names a key that is not in the key set of this server",
        ))?;
        decode::<Claims>(token, &key.key, &key.validation).map(|token| token.claims).map_err(refused)
    }
}

fn hash(token: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    hash
}

fn principal(claims: &Claims) -> Principal {
    let permissions = claims.roles.iter().filter_map(|role| Role::of_name(role)).flat_map(Role::permissions);
    let tenants = match claims.tandem_tenants.iter().any(|tenant| tenant == EVERY_TENANT) {
        true => Tenants::All,
        false => Tenants::Only(claims.tandem_tenants.iter().cloned().collect()),
    };
    // A time beyond the clock's range is never reached.
    let expires = UNIX_EPOCH.checked_add(Duration::from_secs(claims.exp.saturating_add(LEEWAY)));
    let mut principal = Principal::of_tenants(format!("token:{}", claims.sub), permissions, tenants);
    principal.expires = expires;
    principal
}

/// How a key without an id is called.
const NO_ID: &str = "(none)";

/// A key of the set by its id, with the algorithms that its type allows, or the one that it names itself; or why it is left out.
fn usable(key: serde_json::Value, trust: &TokenTrust) -> Result<(Option<String>, Key), String> {
    let id = key.get("kid").and_then(serde_json::Value::as_str).map(str::to_owned);
    let refused = |why: String| format!("key `{}`: {why}", id.as_deref().unwrap_or(NO_ID));
    let jwk: Jwk = serde_json::from_value(key).map_err(|error| refused(error.to_string()))?;
    let is_other_use = |r#use: &PublicKeyUse| *r#use != PublicKeyUse::Signature;
    let lacks_verify = |operations: &Vec<KeyOperations>| !operations.contains(&KeyOperations::Verify);
    if jwk.common.public_key_use.as_ref().is_some_and(is_other_use)
        || jwk.common.key_operations.as_ref().is_some_and(lacks_verify)
    {
        return Err(refused("it is not for signatures".to_owned()));
    }
    let of_type: &[Algorithm] = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => &[Algorithm::RS256, Algorithm::PS256],
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => &[Algorithm::ES256],
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P384 => &[Algorithm::ES384],
        AlgorithmParameters::OctetKeyPair(_) => &[Algorithm::EdDSA],
        AlgorithmParameters::EllipticCurve(_) | AlgorithmParameters::OctetKey(_) | _ => {
            return Err(refused("expected a public RSA, P-256, P-384 or Ed25519 key".to_owned()));
        }
    };
    let named = jwk.common.key_algorithm.map(|algorithm| algorithm.to_string());
    let algorithms: Vec<Algorithm> = of_type
        .iter()
        .copied()
        .filter(|algorithm| named.as_ref().is_none_or(|named| *named == format!("{algorithm:?}")))
        .collect();
    let Some(first) = algorithms.first() else {
        return Err(refused(format!("its algorithm `{}` is not accepted", named.unwrap_or_default())));
    };
    let mut validation = Validation::new(*first);
    validation.algorithms = algorithms;
    validation.leeway = LEEWAY;
    validation.validate_nbf = true;
    validation.set_issuer(&[&trust.issuer]);
    validation.set_audience(&[&trust.audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let key = DecodingKey::from_jwk(&jwk).map_err(|error| refused(error.to_string()))?;
    Ok((id, Key { key, validation }))
}

/// Why a token is refused, for whoever sent it.
fn why(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ExpiredSignature => "the access token has expired",
        ErrorKind::ImmatureSignature => "the access token is not valid yet",
        ErrorKind::InvalidIssuer => "the access token comes from another issuer",
        ErrorKind::InvalidAudience => "the access token is for another audience",
        ErrorKind::InvalidSignature => "the signature of the access token is wrong",
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => {
            "the access token is signed with an algorithm that its key does not allow"
        }
        ErrorKind::MissingRequiredClaim(_) => {
            "the access token lacks one of the claims exp, iss, aud and sub"
        }
        _ => "the access token is malformed",
    }
}
