//! What can be done next about a rollout, as the command that does it.

use super::{ROLLOUT, short};
use crate::cli::failure::CliError;
use crate::cli::reference;
use crate::cli::screen::Screen;

/// A command about one rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Submit,
    Approve,
    BreakGlass,
    Withdraw,
    Start,
    Resume,
    /// Let the next wave begin although that one is inconclusive.
    ApproveWave(u32),
    RollBack,
    Cancel,
    /// Show what is to be done.
    Actions,
    /// Say that these were done.
    Confirm(String),
    /// Show the devices of a wave, perhaps only those that stand so.
    Devices(u32, Option<&'static str>),
    /// Show where it stands.
    Get,
    /// Tell Tandem what the site says now.
    Import,
    /// End the freeze of the tenant.
    Unfreeze,
    /// Move the slider of that workload to the pilot of that collection.
    MoveSlider {
        workload: &'static str,
        collection: String,
    },
}

impl Step {
    /// The command, for a rollout of that name with that hash.
    pub(super) fn command(&self, name: &str, hash: &str) -> String {
        let rollout = short(name);
        let of = |verb: &str| format!("tandem authority rollout {verb} {rollout}");
        let reasoned = |verb: &str| format!("{} --reason TEXT", of(verb));
        let hierarchy = || reference::hierarchy_of(name, ROLLOUT);
        match self {
            Self::Submit => of("submit"),
            Self::Approve => format!("{} --hash {hash}", of("approve")),
            Self::BreakGlass => format!("{} --hash {hash} --reason TEXT", of("break-glass")),
            Self::Withdraw => of("withdraw"),
            Self::Start => of("start"),
            Self::Resume => of("resume"),
            Self::ApproveWave(wave) => format!("{} {wave} --reason TEXT", of("approve-wave")),
            Self::RollBack => reasoned("roll-back"),
            Self::Cancel => reasoned("cancel"),
            Self::Actions => of("actions"),
            Self::Confirm(which) => format!("{} {which}", of("confirm")),
            Self::Devices(wave, None) => format!("{} --wave {wave}", of("devices")),
            Self::Devices(wave, Some(standing)) => {
                format!("{} --wave {wave} --standing {standing}", of("devices"))
            }
            Self::Get => of("get"),
            Self::Import => format!("tandem import EXPORTS_DIR{}", self.tenant(name)),
            Self::Unfreeze => format!("tandem authority unfreeze{}", self.tenant(name)),
            Self::MoveSlider { workload, collection } => {
                format!("tandem authority plan {} --set {workload}=pilot_intune:{collection}", hierarchy())
            }
        }
    }

    /// The option that names the rollout's tenant, where a command needs it.
    fn tenant(&self, name: &str) -> String {
        let tenant = name.strip_prefix("tenants/").and_then(|rest| rest.split('/').next());
        reference::tenant_option(tenant.unwrap_or_default())
    }

    /// Shows the command under what it is for.
    pub(super) fn show(&self, screen: &mut Screen<'_>, name: &str, hash: &str) -> Result<(), CliError> {
        screen.line(&format!("\n{}\n  {}", self.purpose(), self.command(name, hash)))
    }

    const fn purpose(&self) -> &'static str {
        match self {
            Self::Submit => "To ask for the approvals that it needs:",
            Self::Approve => "To approve exactly this rollout, as somebody other than its requester:",
            Self::BreakGlass => "In an emergency, to go ahead without them, on record and with an alert:",
            Self::Withdraw => "To take it back, and submit it again:",
            Self::Start => "To begin:",
            Self::Resume => "To go on, and try a failed wave again:",
            Self::ApproveWave(_) => "To let the rollout go on all the same, as somebody who may approve:",
            Self::RollBack => "To take back what was handed over:",
            Self::Cancel => "To give it up, and leave everything as it is:",
            Self::Actions => "To see what is to be done at the site:",
            Self::Confirm(_) => "Once that is done at the site:",
            Self::Devices(_, None) => "To see its devices:",
            Self::Devices(..) => "To see these devices:",
            Self::Get => "To see where it stands:",
            Self::Import => "To tell Tandem what both systems say now:",
            Self::Unfreeze => "To end the freeze:",
            Self::MoveSlider { .. } => "To move the slider there:",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn step_names_the_rollout_as_shortly_as_its_tenant_allows() {
        let usual = "tenants/default/hierarchies/PS1/rollouts/apps";
        let table = [
            (Step::Submit, "tandem authority rollout submit PS1/apps"),
            (Step::Approve, "tandem authority rollout approve PS1/apps --hash 3fa9"),
            (Step::BreakGlass, "tandem authority rollout break-glass PS1/apps --hash 3fa9 --reason TEXT"),
            (Step::ApproveWave(1), "tandem authority rollout approve-wave PS1/apps 1 --reason TEXT"),
            (Step::RollBack, "tandem authority rollout roll-back PS1/apps --reason TEXT"),
            (Step::Confirm("0-3".into()), "tandem authority rollout confirm PS1/apps 0-3"),
            (Step::Devices(1, None), "tandem authority rollout devices PS1/apps --wave 1"),
            (
                Step::Devices(0, Some("failing_errored")),
                "tandem authority rollout devices PS1/apps --wave 0 --standing failing_errored",
            ),
            (Step::Import, "tandem import EXPORTS_DIR"),
            (Step::Unfreeze, "tandem authority unfreeze"),
        ];
        for (step, expected) in table {
            assert_eq!(step.command(usual, "3fa9"), expected);
        }
        let other = "tenants/contoso/hierarchies/PS1/rollouts/apps";
        let slider = Step::MoveSlider { workload: "client_apps", collection: "PS100043".into() };
        let table = [
            (Step::Start, format!("tandem authority rollout start {other}")),
            (Step::Unfreeze, "tandem authority unfreeze --tenant contoso".to_owned()),
            (
                slider,
                "tandem authority plan PS1 --tenant contoso --set client_apps=pilot_intune:PS100043"
                    .to_owned(),
            ),
        ];
        for (step, expected) in table {
            assert_eq!(step.command(other, "3fa9"), expected);
        }
    }
}
