//! Events that are alike, counted together: the first goes on record at once, those of the minute after it as one.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use tandem_contracts::convert::time;
use tandem_contracts::r#type::v1::AuditEvent;

use super::NO_TENANT;

/// How long events are counted together, from the first on.
pub(super) const WINDOW: SignedDuration = SignedDuration::from_secs(60);

/// Kinds that are told apart at once, some hundred bytes each; of more than that within a minute, only how many there were is on record.
pub(super) const KINDS: usize = 10_000;

/// What events that are alike have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    tenant: String,
    kind: i32,
    method: String,
    principal: String,
    origin: String,
    outcome: String,
    failure: String,
}

impl Key {
    fn of(event: &AuditEvent) -> Self {
        let AuditEvent { tenant, kind, method, principal, origin, outcome, failure, .. } = event.clone();
        Self { tenant, kind, method, principal, origin, outcome, failure }
    }
}

/// What came of a kind since its first.
#[derive(Debug)]
struct Counted {
    ends: Timestamp,
    /// The next after the first, with the number of those like it.
    more: Option<AuditEvent>,
}

/// What was counted and is not on record yet.
#[derive(Debug, Default)]
pub(super) struct Alike(HashMap<Key, Counted>);

impl Alike {
    /// Counts an event. `Some`: it is the first of its kind, and goes on record now.
    pub(super) fn count(&mut self, mut event: AuditEvent) -> Option<AuditEvent> {
        let mut key = Key::of(&event);
        if self.0.len() >= KINDS && !self.0.contains_key(&key) {
            event = AuditEvent {
                tenant: NO_TENANT.to_owned(),
                method: String::new(),
                principal: String::new(),
                origin: String::new(),
                resource: String::new(),
                ..event
            };
            key = Key::of(&event);
        }
        let at = event.time.and_then(|at| time::from_proto("time", at).ok()).unwrap_or_default();
        let Some(counted) = self.0.get_mut(&key) else {
            self.0.insert(
                key,
                Counted { ends: at.saturating_add(WINDOW).unwrap_or(Timestamp::MAX), more: None },
            );
            return Some(event);
        };
        match &mut counted.more {
            Some(more) => {
                more.count = more.count.saturating_add(event.count);
                more.last_time = event.last_time.or(event.time);
            }
            None => counted.more = Some(event),
        }
        None
    }

    /// What was counted in windows that have ended by then.
    pub(super) fn ended(&mut self, now: Timestamp) -> Vec<AuditEvent> {
        let ended = self.0.extract_if(|_, counted| counted.ends <= now);
        ended.filter_map(|(_, counted)| counted.more).collect()
    }

    /// Everything that was counted.
    pub(super) fn all(&mut self) -> Vec<AuditEvent> {
        self.0.drain().filter_map(|(_, counted)| counted.more).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + second).unwrap()
    }

    fn refusal(principal: &str, second: i64) -> AuditEvent {
        AuditEvent {
            id: second.to_string(),
            tenant: NO_TENANT.into(),
            time: Some(time::to_proto(at(second))),
            principal: principal.into(),
            outcome: "PERMISSION_DENIED".into(),
            count: 1,
            ..AuditEvent::default()
        }
    }

    #[test]
    fn first_goes_on_record_and_the_rest_of_the_minute_as_one() {
        let mut alike = Alike::default();
        assert_eq!(alike.count(refusal("ada", 0)), Some(refusal("ada", 0)));
        assert_eq!(alike.count(refusal("bob", 1)), Some(refusal("bob", 1)));
        for second in [2, 3, 59] {
            assert_eq!(alike.count(refusal("ada", second)), None);
        }
        assert_eq!(alike.ended(at(59)), []);
        let three = AuditEvent { count: 3, last_time: Some(time::to_proto(at(59))), ..refusal("ada", 2) };
        assert_eq!(alike.ended(at(61)), [three]);
        assert_eq!(alike.count(refusal("ada", 62)), Some(refusal("ada", 62)));
    }

    #[test]
    fn what_is_counted_at_the_end_goes_on_record() {
        let mut alike = Alike::default();
        alike.count(refusal("ada", 0));
        alike.count(refusal("ada", 1));
        assert_eq!(alike.all(), [refusal("ada", 1)]);
        assert_eq!(alike.all(), []);
    }

    #[test]
    fn kinds_beyond_the_most_are_counted_without_being_told_apart() {
        let mut alike = Alike::default();
        for number in 0..KINDS {
            assert!(alike.count(refusal(&number.to_string(), 0)).is_some());
        }
        let blank = |second| refusal("", second);
        assert_eq!(alike.count(refusal("eve", 1)), Some(blank(1)));
        assert_eq!(alike.count(refusal("mallory", 2)), None);
        assert_eq!(alike.0.len(), KINDS + 1);
        assert_eq!(alike.all(), [blank(2)]);
    }
}
