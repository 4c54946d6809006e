//! Graph's `managementAgent`: which managers Intune sees on the device.
//!
//! Members and numbers: fact pack, graph_managed_device.md 4. A member that is not listed, `unknown` and `unknownFutureValue`
//! say nothing: neither "has it" nor "lacks it".

/// What one known member says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Agent {
    /// The Configuration Manager client is installed (8, 10, 11).
    client: bool,
    /// The agent contains MDM (2, 3, 10, 11).
    mdm: bool,
}

/// `None`: the member says nothing.
fn agent(member: &str) -> Option<Agent> {
    let (client, mdm) = match member {
        "mdm" | "easMdm" => (false, true),
        "configurationManagerClient" => (true, false),
        "configurationManagerClientMdm" | "configurationManagerClientMdmEas" => (true, true),
        // `microsoft365ManagedMdm` (258) carries MDM in its name, but the fact pack's list (states.md 1) does not count it.
        "eas"
        | "intuneClient"
        | "easIntuneClient"
        | "jamf"
        | "googleCloudDevicePolicyController"
        | "microsoft365ManagedMdm"
        | "msSense"
        | "intuneAosp"
        | "google" => (false, false),
        _ => return None,
    };
    Some(Agent { client, mdm })
}

/// states.md 1: `managementAgent` 8, 10 or 11 means that the client is installed.
pub(super) fn has_client(member: &str) -> Option<bool> {
    agent(member).map(|agent| agent.client)
}

/// states.md 1: enrolled is a record whose agent contains MDM (2, 3, 10, 11).
pub(super) fn has_mdm(member: &str) -> Option<bool> {
    agent(member).map(|agent| agent.mdm)
}

/// states.md 2, cloud view \[derived\]: 10 or 11.
pub(super) fn is_co_managed(member: &str) -> Option<bool> {
    agent(member).map(|agent| agent.client && agent.mdm)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Client, MDM, both: or nothing said.
    type Said = Option<(bool, bool, bool)>;

    #[test]
    fn agent_of_every_published_member_says_what_its_number_says() {
        let expected: [(&str, Said); 17] = [
            ("eas", Some((false, false, false))),
            ("mdm", Some((false, true, false))),
            ("easMdm", Some((false, true, false))),
            ("intuneClient", Some((false, false, false))),
            ("easIntuneClient", Some((false, false, false))),
            ("configurationManagerClient", Some((true, false, false))),
            ("configurationManagerClientMdm", Some((true, true, true))),
            ("configurationManagerClientMdmEas", Some((true, true, true))),
            ("unknown", None),
            ("jamf", Some((false, false, false))),
            ("googleCloudDevicePolicyController", Some((false, false, false))),
            ("microsoft365ManagedMdm", Some((false, false, false))),
            ("msSense", Some((false, false, false))),
            ("intuneAosp", Some((false, false, false))),
            ("google", Some((false, false, false))),
            ("unknownFutureValue", None),
            ("someAgentOfNextYear", None),
        ];
        let found = expected.map(|(member, _)| {
            let said = has_client(member).zip(has_mdm(member)).zip(is_co_managed(member));
            (member, said.map(|((client, mdm), both)| (client, mdm, both)))
        });
        assert_eq!(found, expected);
    }
}
