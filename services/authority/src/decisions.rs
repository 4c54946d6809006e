//! Decisions about devices, kept as long as they hold: who is asked about a device again need not read and judge it again.
//!
//! A decision is found again only for the very state of the device that it was made of, in the very [`Ground`](crate::ground::Ground)
//! that it was made on. So it may be forgotten at any moment, and never be wrong.
//!
//! Devices are spread over small sets by their names; in a full set the one that came first makes room. Against a cache of the library's
//! kind, an entry takes a third of the memory and a look-up a third of the time, which here is most of what a call needs.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tandem_cache::{Epoch, Found};
use tokio::time::Instant;

use crate::judge::Decided;

/// Sets, a power of two. Empty, they take 2 MiB.
const SETS: usize = 1 << 16;

/// Devices of a set: of a hundred thousand devices, some in a hundred find their set full.
const WAYS: usize = 4;

/// How long a decision is kept of which it is not known since when it holds: history is written within the second as a rule, and one that cannot be
/// read is not asked for by every call.
const UNDATED_FOR: Duration = Duration::from_secs(1);

/// What a decision was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Basis {
    epoch: Epoch,
    revision: u64,
    ground: u64,
}

impl Basis {
    /// That state of a device, on the ground of that number.
    pub(crate) const fn new(found: &Found, ground: u64) -> Self {
        Self { epoch: found.epoch, revision: found.revision, ground }
    }
}

/// At most 262,144 decisions, some 240 bytes each.
#[derive(Debug)]
pub(crate) struct Decisions {
    sets: Box<[Mutex<Set>]>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Set {
    kept: Vec<Kept>,
    /// The next one to make room.
    oldest: usize,
}

#[derive(Debug)]
struct Kept {
    hash: u64,
    device: Box<str>,
    basis: Basis,
    decided: Arc<Decided>,
    /// `None`: as long as its basis.
    until: Option<Instant>,
}

impl Kept {
    fn is_of(&self, hash: u64, device: &str) -> bool {
        self.hash == hash && *self.device == *device
    }
}

impl Decisions {
    pub(crate) fn new() -> Self {
        Self::of_sets(SETS)
    }

    fn of_sets(sets: usize) -> Self {
        Self { sets: (0..sets).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }

    /// The hash of a name, and its set.
    fn set(&self, device: &str) -> (u64, MutexGuard<'_, Set>) {
        let hash = self.hasher.hash_one(device);
        #[allow(clippy::cast_possible_truncation, reason = "the low bits are wanted")]
        let set = hash as usize & (self.sets.len() - 1);
        // What a panic left behind is whole: each step is one change.
        (hash, self.sets[set].lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What was decided about the device of that resource name on that basis, if it is kept.
    pub(crate) fn get(&self, device: &str, basis: Basis) -> Option<Arc<Decided>> {
        let (hash, set) = self.set(device);
        let kept = set.kept.iter().find(|kept| kept.is_of(hash, device))?;
        let holds = kept.basis == basis && kept.until.is_none_or(|until| Instant::now() < until);
        holds.then(|| Arc::clone(&kept.decided))
    }

    /// Keeps a decision in place of what was decided about the device before. `is_final`: nothing of it will be known better.
    pub(crate) fn keep(&self, device: &str, basis: Basis, decided: Arc<Decided>, is_final: bool) {
        let (hash, mut set) = self.set(device);
        let until = (!is_final).then(|| Instant::now() + UNDATED_FOR);
        let kept = Kept { hash, device: device.into(), basis, decided, until };
        if let Some(before) = set.kept.iter_mut().find(|kept| kept.is_of(hash, device)) {
            // A slower caller may have found out less.
            if is_final || before.basis != basis || before.until.is_some() {
                *before = kept;
            }
        } else if set.kept.len() < WAYS {
            set.kept.push(kept);
        } else {
            let oldest = set.oldest;
            set.kept[oldest] = kept;
            set.oldest = (oldest + 1) % WAYS;
        }
    }
}

#[cfg(test)]
mod tests {
    use tandem_domain::authority::Reason;
    use tandem_domain::workload::PerWorkload;

    use super::*;
    use crate::judge::HeldSince;

    fn decided(policy_revision: u64) -> Arc<Decided> {
        let reasons = PerWorkload::from_fn(|_| Reason::MdmOnly);
        Arc::new(Decided { policy_revision, hierarchy: None, reasons, since: HeldSince::default() })
    }

    const BASIS: Basis = Basis { epoch: Epoch(1), revision: 7, ground: 3 };

    #[tokio::test(start_paused = true)]
    async fn decision_that_may_be_known_better_is_kept_for_a_second() {
        let decisions = Decisions::of_sets(4);
        decisions.keep("d1", BASIS, decided(1), false);
        assert_eq!(decisions.get("d1", BASIS), Some(decided(1)));
        tokio::time::advance(UNDATED_FOR).await;
        assert_eq!(decisions.get("d1", BASIS), None);
    }

    #[test]
    fn decision_is_found_on_its_own_basis_alone() {
        let decisions = Decisions::of_sets(4);
        decisions.keep("d1", BASIS, decided(1), true);
        assert_eq!(decisions.get("d1", BASIS), Some(decided(1)));
        assert_eq!(decisions.get("d2", BASIS), None);
        for other in [
            Basis { epoch: Epoch(2), ..BASIS },
            Basis { revision: 8, ..BASIS },
            Basis { revision: 6, ..BASIS },
            Basis { ground: 4, ..BASIS },
        ] {
            assert_eq!(decisions.get("d1", other), None, "{other:?}");
        }
    }

    #[test]
    fn later_decision_takes_the_place_of_the_one_before() {
        let decisions = Decisions::of_sets(4);
        let later = Basis { revision: 8, ..BASIS };
        decisions.keep("d1", BASIS, decided(1), true);
        decisions.keep("d1", later, decided(2), true);
        assert_eq!((decisions.get("d1", BASIS), decisions.get("d1", later)), (None, Some(decided(2))));
    }

    #[test]
    fn full_set_forgets_what_came_first() {
        let decisions = Decisions::of_sets(1);
        let names = ["d0", "d1", "d2", "d3", "d4", "d5"];
        for name in names {
            decisions.keep(name, BASIS, decided(1), true);
        }
        let kept = names.map(|name| decisions.get(name, BASIS).is_some());
        assert_eq!(kept, [false, false, true, true, true, true]);
    }
}
