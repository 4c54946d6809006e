//! How old evidence may be, from the message.

use std::ops::RangeInclusive;

use jiff::SignedDuration;
use tandem_contracts::prerequisites::v1::EvidenceAge;
use tandem_domain::prerequisites::MaximumAges;
use tandem_domain::section::SourceKind;
use tandem_server::failure::{Failure, FieldViolation};

/// Seconds of an age: an hour to ten years.
const SECONDS: RangeInclusive<i64> = 3600..=3660 * 24 * 3600;

/// The ages of a message. Every wrong one is named.
pub(crate) fn ages(messages: &[EvidenceAge]) -> Result<MaximumAges, Failure> {
    let (mut ages, mut violations) = (MaximumAges::default(), Vec::new());
    for (at, message) in messages.iter().enumerate() {
        let mut wrong = |field: &str, description: String| {
            let field = format!("evaluation_settings.maximum_ages[{at}].{field}");
            violations.push(FieldViolation { field, description });
        };
        let Some(kind) = SourceKind::from_id(&message.source) else {
            let found: String = message.source.chars().take(80).collect();
            wrong("source", format!("must be configmgr, intune, entra or probe; found `{found}`"));
            continue;
        };
        let age = message.maximum_age.unwrap_or_default();
        if age.nanos != 0 || !SECONDS.contains(&age.seconds) {
            let found = format!("{}.{:09} s", age.seconds, age.nanos);
            wrong("maximum_age", format!("must be whole seconds, 1 hour to 3660 days; found {found}"));
        } else if ages.0.insert(kind, SignedDuration::from_secs(age.seconds)).is_some() {
            wrong("source", format!("must be there once; found {} again", kind.id()));
        }
    }
    if violations.is_empty() { Ok(ages) } else { Err(Failure::InvalidFields(violations)) }
}
