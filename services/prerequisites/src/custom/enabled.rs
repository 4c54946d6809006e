//! The rules of a tenant that are enabled, and what comes of them of a device.

use jiff::{SignedDuration, Timestamp};
use tandem_domain::facts::DeviceFacts;
use tandem_domain::prerequisites::{Severity, Verdict};
use tandem_domain::tenant::TenantFacts;
use tandem_server::failure::Failure;
use tandem_storage::tenants::revision_of;

use super::{CustomOutcome, CustomRule, in_one_text};
use crate::store::custom_rules::rule_name;
use crate::store::entity::custom_rule::Model;

/// How long what a rule that asks for `now` said is believed.
const NOW_HOLDS: SignedDuration = SignedDuration::from_hours(1);

/// A rule that is enabled.
#[derive(Debug)]
pub(crate) struct EnabledRule {
    /// Its resource name.
    pub(crate) name: String,
    /// What people call it.
    pub(crate) display_name: String,
    /// How much it weighs.
    pub(crate) severity: Severity,
    /// What to do about a device that does not satisfy it.
    pub(crate) remediation: String,
    /// Names this state of this rule in its tenant.
    pub(crate) revision: u64,
    /// The rule; else why it cannot be read any more.
    rule: Result<CustomRule, String>,
}

/// The rules of a tenant that are enabled, by name.
#[derive(Debug)]
pub(crate) struct EnabledRules {
    pub(crate) rules: Vec<EnabledRule>,
}

/// As far as verdicts go: which rules there are, each in which state.
impl PartialEq for EnabledRules {
    fn eq(&self, other: &Self) -> bool {
        let states = |of: &Self| of.rules.iter().map(|rule| rule.revision).collect::<Vec<_>>();
        states(self) == states(other)
    }
}

impl EnabledRules {
    pub(crate) fn read(rows: Vec<Model>) -> Result<Self, Failure> {
        let rule = |row: Model| {
            // What cannot be read now is read with the next question.
            let rule = CustomRule::try_parse(&row.expression).map_err(Failure::internal)?;
            Ok(EnabledRule {
                name: rule_name(&row.tenant, &row.rule),
                display_name: row.shown_as().to_owned(),
                severity: if row.blocking { Severity::Blocking } else { Severity::Warning },
                remediation: row.remediation,
                revision: revision_of(row.revision)?,
                rule: rule.map_err(|problems| in_one_text(&problems)),
            })
        };
        Ok(Self { rules: rows.into_iter().map(rule).collect::<Result<_, Failure>>()? })
    }

    /// What comes of each of a device at a moment, in their order. Each is asked by itself.
    pub(crate) fn outcomes(
        &self,
        device: &DeviceFacts,
        tenant: &TenantFacts,
        now: Timestamp,
    ) -> Vec<CustomOutcome> {
        let outcome = |rule: &EnabledRule| match &rule.rule {
            Ok(rule) => rule.outcome(device, tenant, now),
            Err(why) => CustomOutcome::Failed { why: why.clone() },
        };
        self.rules.iter().map(outcome).collect()
    }

    /// What those outcomes amount to. `None`: no rule is enabled.
    pub(crate) fn verdict(&self, outcomes: &[CustomOutcome]) -> Option<Verdict> {
        if self.rules.is_empty() {
            return None;
        }
        let blocking =
            self.rules.iter().zip(outcomes).filter(|(rule, _)| rule.severity == Severity::Blocking);
        let mut verdict = Verdict::Ready;
        for (_, outcome) in blocking {
            match outcome {
                CustomOutcome::Unsatisfied => return Some(Verdict::Blocked),
                CustomOutcome::Unknown { .. } | CustomOutcome::Failed { .. } => verdict = Verdict::Unknown,
                CustomOutcome::Satisfied => {}
            }
        }
        Some(verdict)
    }

    /// When an outcome may be another one by time alone.
    pub(crate) fn changes_at(&self, now: Timestamp) -> Option<Timestamp> {
        let asks = |rule: &EnabledRule| rule.rule.as_ref().is_ok_and(CustomRule::asks_for_now);
        self.rules.iter().any(asks).then(|| now.checked_add(NOW_HOLDS).unwrap_or(Timestamp::MAX))
    }
}

#[cfg(test)]
mod tests {
    use tandem_domain::facts::Fact;

    use super::*;

    fn row(rule: &str, revision: i64, expression: &str) -> Model {
        Model {
            tenant: "contoso".into(),
            rule: rule.into(),
            display_name: String::new(),
            expression: expression.into(),
            blocking: true,
            remediation: String::new(),
            enabled: true,
            revision,
            create_time: 0,
            created_by: "ana".into(),
            update_time: 0,
            updated_by: "ana".into(),
        }
    }

    fn rules(rows: Vec<Model>) -> EnabledRules {
        EnabledRules::read(rows).unwrap()
    }

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn rule_that_an_earlier_release_took_fails_and_the_others_are_judged() {
        let rules = rules(vec![row("a", 1, "device.gone"), row("b", 2, "device.client_installed")]);
        let device = DeviceFacts { client_installed: Some(Fact::new(true, 0)), ..DeviceFacts::default() };
        let outcomes = rules.outcomes(&device, &TenantFacts::default(), now());
        let why = "line 1, column 7: expected a fact of a device, found `device.gone`".to_owned();
        assert_eq!(outcomes, [CustomOutcome::Failed { why }, CustomOutcome::Satisfied]);
        assert_eq!(rules.verdict(&outcomes), Some(Verdict::Unknown));
    }

    #[test]
    fn rules_are_others_once_one_of_them_changed_and_not_by_what_is_not_enabled() {
        let before = rules(vec![row("a", 1, "true")]);
        assert_eq!(before, rules(vec![row("a", 1, "true")]));
        assert_ne!(before, rules(vec![row("a", 2, "true")]));
        assert_ne!(before, rules(vec![]));
    }

    #[test]
    fn rule_that_asks_for_now_is_asked_again_within_the_hour() {
        let still = rules(vec![row("a", 1, "device.client_installed")]);
        assert_eq!(still.changes_at(now()), None);
        let moving = rules(vec![row("a", 1, "now - device.last_intune_sync < duration('720h')")]);
        assert_eq!(moving.changes_at(now()), Some("2026-11-20T13:00:00Z".parse().unwrap()));
    }

    #[test]
    fn no_rule_amounts_to_nothing() {
        assert_eq!(rules(vec![]).verdict(&[]), None);
    }
}
