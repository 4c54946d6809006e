//! Who is let in: TLS of the API listener, access tokens, certificates of services, and what each caller may do.
//!
//! - [`Access`] is the configuration, [`Doors`] what comes of it: a listener's TLS and the authenticator behind it.
//! - [`tokens`]: people and programs bring an access token (JWT), signed by a key of its issuer.
//! - [`issuer`]: the keys of an issuer that publishes them itself, read again before they are old.
//! - [`tls`]: services bring a certificate of the configured authority; the DNS name in it says which service calls.
//! - [`roles`]: what a caller may do.
//!
//! Certificates, keys, key sets and assignments are read again when their files change, within two seconds; a connection that stands keeps
//! the server's certificate it was made with. A file that can no longer be read is logged, and what it said before stays.
//!
//! What is withdrawn is withdrawn from calls that follow and from streams that are open ([`crate::standing`]): after a change of a file within
//! ten seconds, after a token's own end at once. So it is with the certificate of a caller that has ended or whose authority is accepted no more
//! ([`certificate`]); its connection is closed after that, so that whoever connects again shows a renewed one.
//!
//! Invariant: a listener that others than this machine can reach has TLS and knows its callers, or does not start.

mod assignments;
mod certificate;
mod claims;
mod discovery;
pub mod issuer;
mod keys;
mod reload;
pub mod roles;
#[cfg(test)]
mod tests;
pub mod tls;
pub mod tokens;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use futures::future::BoxFuture;

pub(crate) use self::certificate::ClientCertificate;
use self::issuer::{IssuerKeys, TrustError};
pub use self::reload::FileError;
use self::roles::service_principal;
use self::tls::ServerTls;
pub use self::tls::TlsFiles;
use self::tokens::AccessTokens;
pub use self::tokens::TokenTrust;
use crate::failure::{BoxError, Failure};
use crate::listen::ListenError;
use crate::principal::{Authenticator, Credentials, LocalAuthenticator, Principal};

/// Who is let in, as configured. Nothing set: whoever reaches the loopback address.
#[derive(Debug, Clone, Copy)]
pub struct Access<'a> {
    /// TLS of the API listener. `None`: plain text, on loopback only.
    pub tls: Option<&'a TlsFiles>,
    /// Which access tokens are accepted. `None`: none.
    pub tokens: Option<&'a TokenTrust>,
}

/// Why nobody can be let in.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is not said whose tokens are accepted.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The address is not safe to listen on.
    #[error(transparent)]
    Listen(#[from] ListenError),
}

/// What guards an API listener.
pub struct Doors {
    /// Its TLS. `None`: plain text.
    pub tls: Option<ServerTls>,
    /// Tells its callers apart.
    pub authenticator: Arc<dyn Authenticator>,
    /// The issuer whose keys are to be kept fresh by a task. `None`: there is none, or its keys are in a file.
    pub issuer: Option<Arc<IssuerKeys>>,
}

impl std::fmt::Debug for Doors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Doors").field("tls", &self.tls.is_some()).finish_non_exhaustive()
    }
}

impl Access<'_> {
    /// Reads the files.
    ///
    /// # Errors
    /// A file cannot be used, or others than this machine could reach an address without TLS or without being known.
    pub fn open(&self, listen: SocketAddr) -> Result<Doors, AccessError> {
        let knows_services = self.tls.is_some_and(|tls| tls.client_ca.is_some());
        let knows_callers = self.tokens.is_some() || knows_services;
        if !listen.ip().to_canonical().is_loopback() && (self.tls.is_none() || !knows_callers) {
            return Err(ListenError::Unprotected { address: listen }.into());
        }
        let tls = self.tls.map(ServerTls::open).transpose()?;
        let tokens = self.tokens.map(AccessTokens::open).transpose()?;
        let issuer = tokens.as_ref().and_then(AccessTokens::issuer);
        let authenticator: Arc<dyn Authenticator> = match knows_callers {
            true => Arc::new(Callers { tokens }),
            false => Arc::new(LocalAuthenticator::default()),
        };
        Ok(Doors { tls, authenticator, issuer })
    }
}

/// Callers with an access token, and services with a certificate.
struct Callers {
    tokens: Option<AccessTokens>,
}

impl Callers {
    async fn known(&self, credentials: &Credentials<'_>) -> Result<Arc<Principal>, Failure> {
        // A service that passes a caller's token on acts for that caller.
        match (credentials.bearer()?, &self.tokens) {
            (Some(token), Some(tokens)) => tokens.principal(token).await,
            (Some(_), None) => Err(Failure::Unauthenticated("this server accepts no access tokens")),
            (None, _) => credentials.names.iter().find_map(|name| service_principal(name)).ok_or(
                Failure::Unauthenticated(
                    "expected `authorization: Bearer <access token>`, or the certificate of a service",
                ),
            ),
        }
    }
}

impl Authenticator for Callers {
    fn authenticate<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Arc<Principal>, Failure>> {
        Box::pin(async move { self.known(&credentials).await })
    }
}

/// A file that the configuration names.
pub(crate) fn named(path: &std::path::Path, what: &'static str, source: impl Into<BoxError>) -> FileError {
    FileError { path: path.into(), what, source: source.into() }
}

/// Paths of files that make up one thing.
pub(crate) type Files = Vec<PathBuf>;
