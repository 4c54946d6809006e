//! What a capability value means.

use tandem_contracts::authority::v1::{DecodeCapabilityValueRequest, DecodeCapabilityValueResponse};
use tandem_domain::capability::CapabilityValue;
use tandem_server::Failure;

use super::convert;

/// Longest text looked at, in characters, as the contract says.
const LONGEST: usize = 32;

pub(super) fn decoded(
    request: &DecodeCapabilityValueRequest,
) -> Result<DecodeCapabilityValueResponse, Failure> {
    let found = request.value.chars().count();
    if found > LONGEST {
        return Err(Failure::field("value", format!("expected at most {LONGEST} characters, found {found}")));
    }
    let value = CapabilityValue::parse(&request.value);
    value.map(convert::capability).map_err(|e| Failure::field("value", e.to_string()))
}
