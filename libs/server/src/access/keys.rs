//! Key sets: the public keys of an issuer, as a JSON Web Key Set says them, and the tokens that each set was found to have signed.
//!
//! A key is used with the algorithms of its own type alone, so that no token can choose how it is checked. Issuers publish keys for other
//! purposes beside those that sign tokens: what is no public key for signatures, symmetric keys among them, is left out, with a warning.
//! So are keys of other issuers, which a set may hold where each of its keys names its own (Microsoft Entra's do).

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use moka::sync::Cache;
use serde::Deserialize;
use serde_json::Value;

use super::assignments::Assignments;
use super::claims::Claims;
use super::tokens::{LEEWAY, TokenTrust};
use super::{FileError, named};
use crate::failure::BoxError;
use crate::principal::Principal;

/// Tokens whose check is remembered until they expire.
const REMEMBERED: u64 = 10_000;

/// What stands for the tenant in the issuer of a key that signs for every tenant of Microsoft Entra.
const ANY_TENANT: &str = "{tenantid}";

/// What a file with keys is called in errors.
const KEY_SET: &str = "a JSON Web Key Set";

/// A JSON Web Key Set, whose keys are read one by one: there are kinds that nobody here knows. Two are equal if they hold the same keys.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct KeySet {
    keys: Vec<Value>,
}

impl KeySet {
    /// Reads one.
    pub(super) fn parse(text: &[u8]) -> serde_json::Result<Self> {
        let mut set: Self = serde_json::from_slice(text)?;
        // Issuers of many servers publish the same keys in changing orders.
        set.keys.sort_by_cached_key(Value::to_string);
        Ok(set)
    }
}

/// A key, and how it may be used.
pub(super) struct Key {
    pub(super) key: DecodingKey,
    pub(super) validation: Validation,
}

/// The keys of one set, with the tokens that they were found to have signed: with a key go its tokens.
pub(super) struct Keys {
    set: KeySet,
    pub(super) by_id: HashMap<Option<String>, Key>,
    pub(super) checked: Cache<[u8; 32], Arc<Checked>>,
}

/// A token that was found to be in order.
pub(super) struct Checked {
    pub(super) claims: Claims,
    /// What was assigned when it was last looked at.
    pub(super) assignments: Option<Arc<Assignments>>,
    /// Whose it is, by both.
    pub(super) principal: Arc<Principal>,
}

impl Keys {
    /// Those of a file.
    pub(super) fn of_file(file: &Path, trust: &TokenTrust) -> Result<Self, FileError> {
        let text = std::fs::read(file).map_err(|error| named(file, KEY_SET, error))?;
        let set = KeySet::parse(&text).map_err(|error| named(file, KEY_SET, error))?;
        Self::of(set, trust).map_err(|error| named(file, KEY_SET, error))
    }

    /// Those of a set that sign tokens.
    pub(super) fn of(set: KeySet, trust: &TokenTrust) -> Result<Self, BoxError> {
        let mut by_id = HashMap::with_capacity(set.keys.len());
        let mut left_out = Vec::new();
        for key in &set.keys {
            match usable(key, trust) {
                Ok((id, key)) => {
                    if by_id.insert(id.clone(), key).is_some() {
                        let id = id.as_deref().unwrap_or(NO_ID);
                        return Err(format!("two keys have the id `{id}`").into());
                    }
                }
                Err(why) => left_out.push(why),
            }
        }
        if by_id.is_empty() {
            left_out.insert(0, "it has no key for the signatures of tokens".to_owned());
            return Err(left_out.join("; ").into());
        }
        if !left_out.is_empty() {
            tracing::warn!(issuer = trust.issuer, keys = ?left_out, "keys are left out");
        }
        Ok(Self { set, by_id, checked: Cache::new(REMEMBERED) })
    }

    /// Whether they are those of that set.
    pub(super) fn are_of(&self, set: &KeySet) -> bool {
        self.set == *set
    }

    /// What the keys are called, for logs.
    pub(super) fn ids(&self) -> Vec<&str> {
        let mut ids: Vec<_> = self.by_id.keys().map(|id| id.as_deref().unwrap_or(NO_ID)).collect();
        ids.sort_unstable();
        ids
    }
}

/// How a key without an id is called.
const NO_ID: &str = "(none)";

/// A key of the set by its id, with the algorithms that its type allows, or the one that it names itself; or why it is left out.
fn usable(key: &Value, trust: &TokenTrust) -> Result<(Option<String>, Key), String> {
    let id = key.get("kid").and_then(Value::as_str).map(str::to_owned);
    let refused = |why: String| format!("key `{}`: {why}", id.as_deref().unwrap_or(NO_ID));
    if let Some(issuer) = key.get("issuer")
        && !issuer.as_str().is_some_and(|issuer| signs_for(issuer, &trust.issuer))
    {
        return Err(refused(format!("it is of the issuer {issuer}")));
    }
    let jwk = Jwk::deserialize(key).map_err(|error| refused(error.to_string()))?;
    let key = checking(&jwk, trust).map_err(refused)?;
    Ok((id, key))
}

/// Whether a key of that issuer signs for ours.
fn signs_for(issuer: &str, ours: &str) -> bool {
    let Some((before, after)) = issuer.split_once(ANY_TENANT) else { return issuer == ours };
    let tenant = ours.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    tenant.is_some_and(|tenant| !tenant.is_empty() && !tenant.contains('/'))
}

/// How tokens are checked with a key; or why they are not.
fn checking(jwk: &Jwk, trust: &TokenTrust) -> Result<Key, String> {
    let is_other_use = |r#use: &PublicKeyUse| *r#use != PublicKeyUse::Signature;
    let lacks_verify = |operations: &Vec<KeyOperations>| !operations.contains(&KeyOperations::Verify);
    if jwk.common.public_key_use.as_ref().is_some_and(is_other_use)
        || jwk.common.key_operations.as_ref().is_some_and(lacks_verify)
    {
        return Err("it is not for signatures".to_owned());
    }
    let of_type: &[Algorithm] = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => &[Algorithm::RS256, Algorithm::PS256],
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => &[Algorithm::ES256],
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P384 => &[Algorithm::ES384],
        AlgorithmParameters::OctetKeyPair(_) => &[Algorithm::EdDSA],
        AlgorithmParameters::EllipticCurve(_) | AlgorithmParameters::OctetKey(_) | _ => {
            return Err("expected a public RSA, P-256, P-384 or Ed25519 key".to_owned());
        }
    };
    let named = jwk.common.key_algorithm.map(|algorithm| algorithm.to_string());
    let algorithms: Vec<Algorithm> = of_type
        .iter()
        .copied()
        .filter(|algorithm| named.as_ref().is_none_or(|named| *named == format!("{algorithm:?}")))
        .collect();
    let Some(first) = algorithms.first() else {
        return Err(format!("its algorithm `{}` is not accepted", named.unwrap_or_default()));
    };
    let mut validation = Validation::new(*first);
    validation.algorithms = algorithms;
    validation.leeway = LEEWAY;
    validation.validate_nbf = true;
    validation.set_issuer(&[&trust.issuer]);
    validation.set_audience(&[&trust.audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let key = DecodingKey::from_jwk(jwk).map_err(|error| error.to_string())?;
    Ok(Key { key, validation })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_of_an_issuer_signs_for_it_and_for_the_tenants_that_it_stands_for() {
        let entra = "https://login.microsoftonline.com/{tenantid}/v2.0";
        let tenant = "https://login.microsoftonline.com/0e5c3cb6-2a4b-4e7c-9f0e-9d7a5a3b1c11/v2.0";
        for (issuer, ours, expected) in [
            (tenant, tenant, true),
            (entra, tenant, true),
            (entra, "https://login.microsoftonline.com/a/b/v2.0", false),
            (entra, "https://login.microsoftonline.com//v2.0", false),
            (entra, "https://login.microsoftonline.com/v2.0", false),
            (entra, "https://login.microsoftonline.us/a/v2.0", false),
            ("https://login.microsoftonline.com/other/v2.0", tenant, false),
            ("", tenant, false),
        ] {
            assert_eq!(signs_for(issuer, ours), expected, "{issuer} for {ours}");
        }
    }

    #[test]
    fn key_sets_are_equal_whatever_the_order_of_their_keys() {
        let of = |text: &str| KeySet::parse(text.as_bytes()).unwrap();
        let one = of(r#"{"keys":[{"kid":"a","kty":"RSA"},{"kid":"b"}]}"#);
        assert_eq!(one, of(r#"{"keys":[{"kid":"b"},{"kty":"RSA","kid":"a"}]}"#));
        assert_ne!(one, of(r#"{"keys":[{"kid":"a","kty":"RSA"}]}"#));
    }
}
