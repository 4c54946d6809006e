//! The keys of an issuer that publishes them itself, kept fresh by one task.
//!
//! They are read again on a period, and at once when a token names a key that is not among them: an issuer may sign with a key that it
//! has just published. Anybody can send such tokens, so however many come, they share one look at the issuer, and the next one that they
//! cause is [`COOLDOWN`] later.
//!
//! Invariants: nobody but the task asks the issuer. While it cannot be reached, the keys that were read stay in use. Before they were read
//! for the first time nobody is turned away as unknown: that cannot be told yet.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tandem_telemetry::operations::NamedCheck;
use tokio::sync::watch;
use tokio::time::timeout;

use super::AccessError;
use super::discovery::{DEADLINE, Discovery, LookError, Published};
use super::keys::{KeySet, Keys};
use super::tokens::TokenTrust;
use crate::failure::{Failure, chain};

/// What the issuer is called among tasks, checks and dependencies.
pub const TOKEN_ISSUER: &str = "token issuer";

/// How old keys become where their issuer does not say. A key that is withdrawn is trusted that long.
const PERIOD: Duration = Duration::from_secs(15 * 60);

/// Shortest period, also where answers are not to be kept: the load on an issuer stays small with many replicas.
const SHORTEST_PERIOD: Duration = Duration::from_secs(5 * 60);

/// Longest period, whatever the issuer says: some name a day, and a withdrawn key must not be trusted that long.
const LONGEST_PERIOD: Duration = Duration::from_secs(60 * 60);

/// How long after a look that a token caused the next one may be caused.
pub(super) const COOLDOWN: Duration = Duration::from_secs(30);

/// Pause after an issuer could not be read; it doubles from there.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Longest pause before an issuer is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How long a token waits for a look: as long as one takes with its two answers, and a little.
const PATIENCE: Duration = DEADLINE.saturating_mul(2).saturating_add(Duration::from_secs(1));

/// It is not said whose tokens are accepted.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// Keys of a file and of an issuer.
    #[error(
        "`tokens` says twice where the issuer's keys come from: expected `keys`, a file with them, or `ca`, the authority of an issuer from \
         which they are read, found both; leave one out"
    )]
    Both,
    /// Keys of neither.
    #[error(
        "`tokens` does not say where the issuer's keys come from: expected `keys`, a file with them, or an issuer https://… (on loopback \
         also http://…) from which they are read, found the issuer `{issuer}` and no `keys`"
    )]
    Nowhere {
        /// The issuer, as configured.
        issuer: String,
    },
}

/// The keys of an issuer.
pub struct IssuerKeys {
    trust: TokenTrust,
    discovery: Discovery,
    state: watch::Sender<State>,
}

#[derive(Default)]
struct State {
    keys: Option<Arc<Keys>>,
    /// Why the last look failed.
    failed: Option<Arc<LookError>>,
    /// A look is wanted or under way.
    looking: bool,
    /// When a token last caused one.
    caused: Option<Instant>,
}

impl std::fmt::Debug for IssuerKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuerKeys").field("trust", &self.trust).finish_non_exhaustive()
    }
}

impl IssuerKeys {
    /// Asks nobody yet.
    pub(super) fn open(trust: &TokenTrust) -> Result<Self, AccessError> {
        let discovery = Discovery::open(trust)?;
        Ok(Self { trust: trust.clone(), discovery, state: watch::Sender::default() })
    }

    /// The keys in use.
    pub(super) fn keys(&self) -> Result<Arc<Keys>, Failure> {
        let state = self.state.borrow();
        state.keys.clone().ok_or_else(|| unavailable(state.failed.as_ref()))
    }

    /// Waits until the issuer was asked for a key that is not in use; at once where it was, a short while ago.
    pub(super) async fn look_for_key(&self, moment: Instant) -> Result<(), Failure> {
        self.state.send_if_modified(|state| {
            let cool = state.caused.is_none_or(|then| moment.saturating_duration_since(then) >= COOLDOWN);
            let causes = cool && !state.looking;
            if causes {
                state.looking = true;
                state.caused = Some(moment);
            }
            causes
        });
        let mut state = self.state.subscribe();
        let looked = timeout(PATIENCE, state.wait_for(|state| !state.looking)).await;
        match looked {
            // The sender lives as long as `self`.
            Ok(Ok(state)) if state.failed.is_none() => Ok(()),
            Ok(Ok(state)) => Err(unavailable(state.failed.as_ref())),
            Ok(Err(_)) | Err(_) => Err(unavailable(None)),
        }
    }

    /// Keeps the keys fresh, for ever; `check` passes from the first time that they were read.
    pub async fn keep(self: Arc<Self>, check: NamedCheck) {
        let mut wanted = self.state.subscribe();
        let mut failures = 0;
        loop {
            let pause = match self.look(&check).await {
                Some(period) => {
                    failures = 0;
                    period
                }
                None => {
                    let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(failures));
                    failures = u32::saturating_add(failures, 1);
                    pause.min(LONGEST_PAUSE)
                }
            };
            // Either way it is time to look again.
            let _ = timeout(pause, wanted.wait_for(|state| state.looking)).await;
        }
    }

    /// Asks the issuer once. How long its answer may be used; `None`: there was none of use.
    pub(super) async fn look(&self, check: &NamedCheck) -> Option<Duration> {
        self.state.send_modify(|state| state.looking = true);
        let read = match self.discovery.key_set().await {
            Ok(published) => self.read(&published).map(|keys| (keys, published.max_age)),
            Err(error) => Err(error),
        };
        let period = match &read {
            Ok((_, max_age)) => {
                check.ready();
                Some(max_age.unwrap_or(PERIOD).clamp(SHORTEST_PERIOD, LONGEST_PERIOD))
            }
            Err(error) => {
                tracing::warn!(
                    error = chain(error),
                    "the token issuer's keys cannot be read, what was read before stays in use"
                );
                if self.state.borrow().keys.is_none() {
                    check.not_ready(chain(error));
                }
                None
            }
        };
        self.state.send_modify(|state| {
            state.looking = false;
            match read {
                Ok((keys, _)) => (state.keys, state.failed) = (Some(keys), None),
                Err(error) => state.failed = Some(Arc::new(error)),
            }
        });
        period
    }

    /// The keys that were published; those in use where they are the same, with the tokens that were checked with them.
    fn read(&self, published: &Published) -> Result<Arc<Keys>, LookError> {
        let refused = |source| LookError { from: published.from.clone(), source };
        let set = KeySet::parse(&published.text).map_err(|error| refused(error.into()))?;
        if let Some(keys) = &self.state.borrow().keys
            && keys.are_of(&set)
        {
            return Ok(Arc::clone(keys));
        }
        let keys = Keys::of(set, &self.trust).map_err(refused)?;
        tracing::info!(issuer = self.trust.issuer, keys = ?keys.ids(), "the token issuer's keys are read");
        Ok(Arc::new(keys))
    }
}

fn unavailable(failed: Option<&Arc<LookError>>) -> Failure {
    let why = failed.map_or_else(|| "its keys are being read".to_owned(), |error| chain(&**error));
    Failure::unavailable(TOKEN_ISSUER, why)
}
