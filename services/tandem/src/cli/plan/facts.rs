//! What no source reports of a tenant, as options: warnings of a plan depend on it.

use tandem_contracts::authority::v1::PlanFacts;
use tandem_contracts::convert::number;
use tandem_domain::workload::Workload;

use crate::cli::words;

/// What the operator says. What is left out nobody said: its warnings are given, and say what they depend on.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "What no source reports, and warnings depend on")]
pub(in crate::cli) struct Facts {
    /// A workload whose matching policy or app exists in Intune and is assigned to the devices that move. Can be given for each workload
    #[arg(long, value_name = "WORKLOAD", value_parser = words::workloads())]
    deployed_at_intune: Vec<Workload>,
    /// The same at Configuration Manager, for devices that go back
    #[arg(long, value_name = "WORKLOAD", value_parser = words::workloads())]
    deployed_at_configuration_manager: Vec<Workload>,
    /// Whether Conditional Access asks if these devices are compliant
    #[arg(long, value_name = "yes|no", value_parser = words::answers())]
    conditional_access: Option<bool>,
    /// Whether Windows Autopatch has these devices
    #[arg(long, value_name = "yes|no", value_parser = words::answers())]
    autopatch: Option<bool>,
    /// Whether apps of the new Microsoft Store are deployed from Intune
    #[arg(long, value_name = "yes|no", value_parser = words::answers())]
    store_apps: Option<bool>,
    /// Whether devices come in by Autopilot into co-management
    #[arg(long, value_name = "yes|no", value_parser = words::answers())]
    autopilot: Option<bool>,
    /// Whether a settings policy of Autopilot has the override
    #[arg(long, value_name = "yes|no", value_parser = words::answers())]
    autopilot_override: Option<bool>,
}

impl Facts {
    pub(in crate::cli) fn message(&self) -> PlanFacts {
        let numbers = |workloads: &[Workload]| workloads.iter().copied().map(number).collect();
        PlanFacts {
            deployed_at_intune: numbers(&self.deployed_at_intune),
            deployed_at_configuration_manager: numbers(&self.deployed_at_configuration_manager),
            conditional_access: self.conditional_access,
            autopatch: self.autopatch,
            store_apps: self.store_apps,
            autopilot: self.autopilot,
            autopilot_override: self.autopilot_override,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        facts: Facts,
    }

    fn parse(line: &str) -> Result<PlanFacts, clap::Error> {
        let words = std::iter::once("plan").chain(line.split_whitespace());
        Line::try_parse_from(words).map(|line| line.facts.message())
    }

    #[test]
    fn facts_are_what_was_said_and_nothing_else() {
        assert_eq!(parse("").unwrap(), PlanFacts::default());
        let line = "--deployed-at-intune compliance_policies --deployed-at-intune client_apps \
                    --deployed-at-configuration-manager device_configuration --conditional-access yes --autopatch no \
                    --store-apps yes --autopilot no --autopilot-override yes";
        let expected = PlanFacts {
            deployed_at_intune: vec![1, 7],
            deployed_at_configuration_manager: vec![5],
            conditional_access: Some(true),
            autopatch: Some(false),
            store_apps: Some(true),
            autopilot: Some(false),
            autopilot_override: Some(true),
        };
        assert_eq!(parse(line).unwrap(), expected);
        for line in ["--conditional-access maybe", "--deployed-at-intune apps", "--autopatch"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
