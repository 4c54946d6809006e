//! What Intune read from the Configuration Manager client: health and workload flags.

use crate::facts::Fact;
use crate::section::ClientFeatures;

use super::agent;
use super::readings::{Readings, says};

/// states.md 9: the numbers of `configurationManagerClientState` are sums of the client's own health flags (our observation).
/// `unknown` is the published member 0, "no report", and not an unknown name; a name that nobody knows says nothing.
pub(super) fn health_flags(member: &str) -> Option<u32> {
    match member {
        "unknown" => Some(0),
        "installed" => Some(1),
        "healthy" => Some(1 + 2 + 4),
        "installFailed" => Some(8),
        "updateFailed" => Some(1 + 2 + 8),
        "communicationError" => Some(1 + 2 + 16),
        _ => None,
    }
}

/// The beta set as a whole, else the v1.0 set, whose last two flags are unknown (graph_managed_device.md 2). Flags of the two
/// are not mixed: they were read together. Nothing where Graph's own agent says that there is no client to report them
/// \[derived\].
pub(super) fn client_features(readings: &Readings<'_>) -> Option<Fact<ClientFeatures>> {
    let client = readings.intune(|d| agent::has_client(d.management_agent.as_deref()?));
    if client.is_some_and(|fact| !fact.value) {
        return None;
    }
    says(readings.beta, |d| d.client_features).or_else(|| {
        says(readings.v1, |d| d.client_features).map(|fact| {
            let six = ClientFeatures { endpoint_protection: None, office_apps: None, ..fact.value };
            Fact::new(six, fact.section)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_state_member_is_its_published_number() {
        let members =
            ["unknown", "installed", "healthy", "installFailed", "updateFailed", "communicationError"];
        assert_eq!(members.map(health_flags), [Some(0), Some(1), Some(7), Some(8), Some(11), Some(19)]);
        assert_eq!(["someNewState", "", "Healthy "].map(health_flags), [None; 3]);
    }
}
