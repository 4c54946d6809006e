//! One token for one caller: who may call an embedded server.
//!
//! `tandem serve` listens on loopback, which every user of the machine reaches; the token keeps it to those who may read its
//! file.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::failure::Failure;
use crate::principal::{Authenticator, Credentials, Principal};

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

    fn known(&self, credentials: &Credentials<'_>) -> Result<Arc<Principal>, Failure> {
        match credentials.bearer()? {
            Some(sent) if same(sent.as_bytes(), &self.token) => Ok(Arc::clone(&self.principal)),
            Some(_) => Err(Failure::Unauthenticated("the token is not the one of this server's token file")),
            None => Err(Failure::Unauthenticated(
                "expected `authorization: Bearer <token>` with the token of this server's token file",
            )),
        }
    }
}

/// Compares in a time that tells nothing of where two texts of one length differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

impl Authenticator for TokenAuthenticator {
    fn authenticate<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Arc<Principal>, Failure>> {
        Box::pin(std::future::ready(self.known(&credentials)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_token_itself_is_accepted() {
        let authenticator = TokenAuthenticator::new("secret");
        let answer = |value: Option<&str>| {
            let mut headers = http::HeaderMap::new();
            headers.extend(value.map(|value| (http::header::AUTHORIZATION, value.parse().unwrap())));
            authenticator.known(&Credentials { headers: &headers, names: &[] })
        };
        assert_eq!(answer(Some("Bearer secret")).as_deref().ok(), Some(&Principal::local()));
        let wrong = ["Bearer secreT", "Bearer secret2", "Bearer ", "secret", "Basic secret"];
        for wrong in wrong.into_iter().map(Some).chain([None]) {
            assert!(matches!(answer(wrong), Err(Failure::Unauthenticated(_))), "{wrong:?}");
        }
    }

    #[test]
    fn token_is_not_shown() {
        assert!(!format!("{:?}", TokenAuthenticator::new("secret")).contains("secret"));
    }
}
