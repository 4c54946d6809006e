//! Access tokens: JWTs of one issuer for one audience, signed by a key of a configured key set.
//!
//! The claim `roles` holds the names of [`Role`]s (app roles, where Microsoft Entra issues the token), `tandem_tenants` the ids of the
//! tenants in which they hold; `*` is every tenant. Whoever has no role, or no tenant, may do nothing.
//!
//! A key is used with the algorithms of its own type alone, so that no token can choose how it is checked; symmetric keys are refused.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use moka::sync::Cache;
use serde::{Deserialize, Serialize};

use super::reload::Reloaded;
use super::roles::Role;
use super::{FileError, named};
use crate::failure::Failure;
use crate::principal::{Principal, Tenants};

/// How far the clocks of the issuer and of this machine may lie apart, in seconds.
const LEEWAY: u64 = 60;

/// Tokens whose check is remembered until they expire.
const REMEMBERED: u64 = 10_000;

/// Longest token that is looked at: several times those of common issuers.
const LONGEST: usize = 16 * 1024;

/// What stands for every tenant in the claim `tandem_tenants`.
const EVERY_TENANT: &str = "*";

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
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        self.keys.current().principal(token, now)
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
        let set: JwkSet =
            serde_json::from_slice(&text).map_err(|error| named(file, "a JSON Web Key Set", error))?;
        let mut by_id = HashMap::with_capacity(set.keys.len());
        for jwk in &set.keys {
            let id = jwk.common.key_id.clone();
            if by_id.insert(id.clone(), usable(jwk, trust)?).is_some() {
                let id = id.as_deref().unwrap_or("(none)");
                return Err(named(file, "a JSON Web Key Set", format!("two keys have the id `{id}`")));
            }
        }
        if by_id.is_empty() {
            return Err(named(file, "a JSON Web Key Set", "it has no keys"));
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
    Principal::of_tenants(format!("token:{}", claims.sub), permissions, tenants)
}

/// A key of the set with the algorithms that its type allows, or the one that it names itself.
fn usable(jwk: &Jwk, trust: &TokenTrust) -> Result<Key, FileError> {
    let refused = |why: String| {
        let id = jwk.common.key_id.as_deref().unwrap_or("(none)");
        named(&trust.keys, "a JSON Web Key Set", format!("key `{id}`: {why}"))
    };
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
    let key = DecodingKey::from_jwk(jwk).map_err(|error| refused(error.to_string()))?;
    Ok(Key { key, validation })
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
