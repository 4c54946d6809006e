//! A tenant's own rules, as text, asked of devices of any facts: refusals say where and are bounded; what is accepted is within its bounds and
//! fails by no type of any fact.
//!
//! Bytes: the expression up to the first zero, then a draw of the device's facts.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use prost::Message;
use prost_reflect::MessageDescriptor;
use tandem_contracts::convert::facts;
use tandem_contracts::r#type::v1;
use tandem_domain::facts::DeviceFacts;
use tandem_domain::tenant::TenantFacts;
use tandem_fuzz::{Draw, bytes_of, descriptor};
use tandem_prerequisites::custom::{CustomOutcome, CustomRule, MOST_BYTES, MOST_NODES};

/// Longest text of a refusal: it repeats a part of the expression at most.
const MOST_SAID: usize = 4 * MOST_BYTES;

static FACTS: LazyLock<MessageDescriptor> = LazyLock::new(|| descriptor("tandem.type.v1.DeviceFacts"));

fuzz_target!(|data: &[u8]| {
    let end = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let (expression, rest) = data.split_at(end);
    let expression = String::from_utf8_lossy(expression);
    match CustomRule::parse(&expression) {
        Ok(rule) => {
            assert!(expression.len() <= MOST_BYTES && rule.nodes() <= MOST_NODES);
            asked(&rule, &DeviceFacts::default(), &expression);
            asked(&rule, &drawn(rest), &expression);
        }
        Err(problems) => {
            assert!(!problems.is_empty(), "refused without a reason: {expression:?}");
            for problem in problems {
                assert!(problem.to_string().len() <= MOST_SAID, "{problem}");
            }
        }
    }
});

fn drawn(bytes: &[u8]) -> DeviceFacts {
    let Ok(message) = Draw::new(bytes).message(&FACTS) else { return DeviceFacts::default() };
    let message = v1::DeviceFacts::decode(bytes_of(&message).as_slice()).unwrap_or_default();
    facts::from_proto(message).unwrap_or_default()
}

fn asked(rule: &CustomRule, device: &DeviceFacts, expression: &str) {
    match rule.outcome(device, &TenantFacts::default(), Draw::now()) {
        CustomOutcome::Satisfied | CustomOutcome::Unsatisfied => {}
        CustomOutcome::Unknown { missing } => {
            assert!(rule.facts().iter().any(|fact| fact.name == missing), "{missing} of {expression:?}");
        }
        CustomOutcome::Failed { why } => {
            let is_arithmetic = ["by zero", "verflow", "range"].iter().any(|word| why.contains(word));
            assert!(is_arithmetic, "{why} of {expression:?}");
        }
    }
}
