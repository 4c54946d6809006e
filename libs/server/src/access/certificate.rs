//! The certificate that the other end of a connection has shown, for as long as it is acceptable.
//!
//! A handshake is checked once; a connection may stand for longer than what was shown there: a certificate ends, and an authority is replaced.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;

use super::reload::{LOOK, Reloaded};

/// What checks certificates now; `None`: none is accepted.
pub(super) type Verifier = Option<Arc<dyn ClientCertVerifier>>;

/// A certificate with those that lead to its authority, and what checks it.
pub(crate) struct ClientCertificate {
    names: Vec<String>,
    chain: Vec<CertificateDer<'static>>,
    verifier: Box<dyn Fn(Instant) -> Verifier + Send + Sync>,
    /// When it was last checked, and whether it was acceptable.
    checked: Mutex<(Instant, bool)>,
}

impl std::fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientCertificate").field("names", &self.names).finish_non_exhaustive()
    }
}

impl ClientCertificate {
    /// One that a handshake has just accepted.
    pub(super) fn accepted<T: Send + Sync + 'static>(
        chain: Vec<CertificateDer<'static>>,
        listener: Arc<Reloaded<T>>,
        verifier: fn(&T) -> Verifier,
    ) -> Self {
        let certificate = chain.first().and_then(|shown| webpki::EndEntityCert::try_from(shown).ok());
        let names = certificate.map(|shown| shown.valid_dns_names().map(str::to_owned).collect());
        let verifier = Box::new(move |now| verifier(&*listener.as_of(now)));
        let checked = Mutex::new((Instant::now(), true));
        Self { names: names.unwrap_or_default(), chain, verifier, checked }
    }

    /// One of those names that is always acceptable.
    #[cfg(test)]
    pub(crate) fn of_names(names: &[&str]) -> Self {
        Self {
            names: names.iter().map(ToString::to_string).collect(),
            chain: Vec::new(),
            verifier: Box::new(|_| None),
            checked: Mutex::new((Instant::now() + std::time::Duration::from_secs(3600), true)),
        }
    }

    /// The DNS names that it proves; `None`: it is acceptable no more.
    pub(crate) fn names(&self) -> Option<&[String]> {
        self.names_as_of(Instant::now(), UnixTime::now())
    }

    /// What it proves at a moment, which is that time of the clock.
    pub(super) fn names_as_of(&self, now: Instant, time: UnixTime) -> Option<&[String]> {
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        // Some tens of microseconds, which not every call on the connection has to pay.
        if now.saturating_duration_since(checked.0) >= LOOK {
            *checked = (now, self.is_acceptable(now, time));
        }
        checked.1.then_some(&self.names)
    }

    fn is_acceptable(&self, now: Instant, time: UnixTime) -> bool {
        let Some((shown, others)) = self.chain.split_first() else { return false };
        (self.verifier)(now).is_some_and(|verifier| verifier.verify_client_cert(shown, others, time).is_ok())
    }
}
