//! One token for one caller: who may call an embedded server.
//!
//! `tandem serve` listens on loopback, which every user of the machine reaches; the token keeps it to those who may read its
//! file.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::failure::Failure;
use crate::principal::{Authenticator, Principal};

/// Whoever sends the token is [`Principal::local`]; nobody else is anybody.
#[derive(Clone)]
pub struct TokenAuthenticator {
    token: Arc<[u8]>,
    principal: Arc<Principal>,
}

/// Without the token.
impl fmt::Debug for TokenAuthenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenAuthenticator").field("principal", &self.principal).finish_non_exhaustive()
    }
}

impl TokenAuthenticator {
    /// Accepts `authorization: Bearer <token>`.
    #[must_use]
    pub fn new(token: &str) -> Self {
        Self { token: token.as_bytes().into(), principal: Arc::new(Principal::local()) }
    }

    fn accepts(&self, headers: &HeaderMap) -> bool {
        let sent = headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        sent.is_some_and(|sent| same(sent, &self.token))
    }
}

/// Compares in a time that tells nothing of where two texts of one length differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

impl Authenticator for TokenAuthenticator {
    fn authenticate<'a>(&'a self, headers: &'a HeaderMap) -> BoxFuture<'a, Result<Arc<Principal>, Failure>> {
        let principal = if self.accepts(headers) {
            Ok(Arc::clone(&self.principal))
        } else {
            Err(Failure::Unauthenticated)
        };
        Box::pin(std::future::ready(principal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        headers
    }

    #[tokio::test]
    async fn only_the_token_itself_is_accepted() {
        let authenticator = TokenAuthenticator::new("secret");
        let local = Principal::local();
        assert_eq!(authenticator.authenticate(&with("Bearer secret")).await.as_deref().ok(), Some(&local));
        for wrong in ["Bearer secreT", "Bearer secret2", "Bearer ", "secret", "Basic secret"] {
            let refused = authenticator.authenticate(&with(wrong)).await;
            assert!(matches!(refused, Err(Failure::Unauthenticated)), "{wrong}");
        }
        assert!(matches!(authenticator.authenticate(&HeaderMap::new()).await, Err(Failure::Unauthenticated)));
    }

    #[test]
    fn token_is_not_shown() {
        assert!(!format!("{:?}", TokenAuthenticator::new("secret")).contains("secret"));
    }
}
