//! Access tokens: JWTs of one issuer for one audience, signed by a key of its key set: a file, or what the issuer publishes
//! ([`super::issuer`]).
//!
//! What its holder may do comes from the token ([`super::claims`]) and from the operator's assignments ([`super::assignments`]).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{decode, decode_header};
use serde::{Deserialize, Serialize};

use super::AccessError;
use super::assignments::Assignments;
use super::claims::Claims;
use super::issuer::{IssuerKeys, TrustError};
use super::keys::{Checked, Keys};
use super::reload::Reloaded;
use crate::failure::Failure;
use crate::principal::Principal;

/// How far the clocks of the issuer and of this machine may lie apart, in seconds.
pub(super) const LEEWAY: u64 = 60;

/// Longest token that is looked at: several times those of common issuers.
const LONGEST: usize = 16 * 1024;

/// Longest name of a caller, in bytes.
const LONGEST_SUBJECT: usize = 256;

/// Which access tokens are accepted. Their keys come from a file, or else from the issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenTrust {
    /// Who must have issued them: the claim `iss`. Without `keys` an address `https://…` (on loopback also `http://…`), under which the
    /// issuer says where its keys are (OpenID Connect Discovery). Microsoft Entra: `https://login.microsoftonline.com/TENANT-ID/v2.0`.
    pub issuer: String,
    /// For whom they must be: the claim `aud`. Microsoft Entra: the application's client id, or its App ID URI.
    pub audience: String,
    /// A file with the issuer's public keys, as a JSON Web Key Set. Unset: they are read from the issuer, and again every 15 minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<PathBuf>,
    /// The authority of the issuer's own certificate, in PEM; never together with `keys`. Unset: those that the operating system trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// A file that says who was given which role, where. Unset: what tokens say of it is all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignments: Option<PathBuf>,
}

/// Checks access tokens.
pub struct AccessTokens {
    source: Source,
    assignments: Option<Reloaded<Assignments>>,
}

/// Where the keys come from.
enum Source {
    File(Reloaded<Keys>),
    Issuer(Arc<IssuerKeys>),
}

impl AccessTokens {
    /// Reads the keys of a file; those of an issuer are read by [`IssuerKeys::keep`].
    ///
    /// # Errors
    /// A file cannot be used, one of its keys cannot, or nothing says where the keys are.
    pub fn open(trust: &TokenTrust) -> Result<Self, AccessError> {
        let source = match (&trust.keys, &trust.ca) {
            (Some(_), Some(_)) => return Err(TrustError::Both.into()),
            (Some(file), None) => {
                let (file, trust) = (file.clone(), trust.clone());
                Source::File(Reloaded::open(vec![file.clone()], move || Keys::of_file(&file, &trust))?)
            }
            (None, _) => Source::Issuer(Arc::new(IssuerKeys::open(trust)?)),
        };
        let assignments = trust.assignments.clone();
        let assignments =
            assignments.map(|file| Reloaded::open(vec![file.clone()], move || Assignments::read(&file)));
        Ok(Self { source, assignments: assignments.transpose()? })
    }

    /// The issuer, where the keys come from it.
    #[must_use]
    pub fn issuer(&self) -> Option<Arc<IssuerKeys>> {
        match &self.source {
            Source::File(_) => None,
            Source::Issuer(issuer) => Some(Arc::clone(issuer)),
        }
    }

    /// Whose token it is. One that names a key which is not known yet waits until the issuer was asked for it.
    ///
    /// # Errors
    /// It is not acceptable, or the issuer's keys could not be read yet.
    pub async fn principal(&self, token: &str) -> Result<Arc<Principal>, Failure> {
        self.principal_at(token, Instant::now()).await
    }

    /// That at a moment.
    pub(super) async fn principal_at(&self, token: &str, moment: Instant) -> Result<Arc<Principal>, Failure> {
        let known = self.principal_as_of(token, moment);
        match (&known, &self.source) {
            (Err(Failure::Unauthenticated(_)), Source::Issuer(issuer))
                if issuer.keys()?.lack_key_of(token) =>
            {
                // In a box of its own: few come here, and the future of all others stays small.
                Box::pin(issuer.look_for_key(moment)).await?;
                self.principal_as_of(token, moment)
            }
            _ => known,
        }
    }

    /// With the keys that are in use at that moment.
    pub(super) fn principal_as_of(&self, token: &str, moment: Instant) -> Result<Arc<Principal>, Failure> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let keys = match &self.source {
            Source::File(keys) => keys.as_of(moment),
            Source::Issuer(issuer) => issuer.keys()?,
        };
        keys.principal(token, now, self.assignments.as_ref().map(|assignments| assignments.as_of(moment)))
    }
}

impl Keys {
    fn principal(
        &self,
        token: &str,
        now: u64,
        assignments: Option<Arc<Assignments>>,
    ) -> Result<Arc<Principal>, Failure> {
        if token.len() > LONGEST {
            return Err(Failure::Unauthenticated("the access token is too long"));
        }
        let hash = hash(token);
        if let Some(checked) = self.checked.get(&hash)
            && now < checked.claims.exp.saturating_add(LEEWAY)
        {
            if same(checked.assignments.as_ref(), assignments.as_ref()) {
                return Ok(Arc::clone(&checked.principal));
            }
            // The assignments have changed since.
            return Ok(self.remember(hash, checked.claims.clone(), assignments));
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
        Ok(self.remember(hash, claims, assignments))
    }

    fn remember(
        &self,
        hash: [u8; 32],
        claims: Claims,
        assignments: Option<Arc<Assignments>>,
    ) -> Arc<Principal> {
        let principal = Arc::new(claims.principal(assignments.as_deref(), LEEWAY));
        let checked = Checked { principal: Arc::clone(&principal), claims, assignments };
        self.checked.insert(hash, Arc::new(checked));
        principal
    }

    /// Whether the token names a key that is not among these.
    fn lack_key_of(&self, token: &str) -> bool {
        token.len() <= LONGEST
            && decode_header(token)
                .is_ok_and(|header| header.kid.is_some() && !self.by_id.contains_key(&header.kid))
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

/// Whether both are the same reading of the file, or there is none.
fn same(of: Option<&Arc<Assignments>>, now: Option<&Arc<Assignments>>) -> bool {
    match (of, now) {
        (Some(of), Some(now)) => Arc::ptr_eq(of, now),
        (of, now) => of.is_none() && now.is_none(),
    }
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
