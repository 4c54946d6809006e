//! The rules of what somebody is about to do: may they, and is it prepared?

use jiff::Timestamp;

use super::action::{self, Actor, Standing};
use super::attestation::attested;
use super::catalogue::Path;
use super::judged::Judged;
use super::report::{Answer, Outcome, Report};
use super::site_rules::words_of_command_line;
use super::typed::typed_rules;
use crate::site::SiteFacts;
use crate::tenant::TenantFacts;

typed_rules! {
    /// An evaluated rule of scope action.
    ActionRule {
        /// The client's command line names gateway and site.
        CommandLineRequiredProperties = "cm.command_line_required_properties",
        /// The client's command line is short enough.
        CommandLineLength = "cm.command_line_length",
        /// What Intune shall take over is there.
        IntuneCounterpartReady = "cm.intune_counterpart_ready",
        /// The override of a settings policy stays as it is.
        AutopilotOverrideNotChangedLater = "autopilot.override_not_changed_later",
        /// Who sets a gateway up.
        CmgSetup = "perm.cmg_setup",
        /// Who creates Entra apps.
        CreateEntraApps = "perm.create_entra_apps",
        /// Who imports Entra apps.
        ImportEntraApps = "perm.import_entra_apps",
        /// Who turns co-management on.
        EnableCoManagement = "perm.enable_co_management",
        /// Who turns automatic enrolment on.
        EnableAutoEnrollment = "perm.enable_auto_enrollment",
        /// Who sets hybrid join up.
        HybridJoinSetup = "perm.hybrid_join_setup",
    }
}

/// Longest command line that the installation takes, in characters.
const LONGEST_COMMAND_LINE: usize = 1024;
/// The properties without which the client does not find its way.
const REQUIRED_PROPERTIES: [&str; 2] = ["CCMHOSTNAME", "SMSSITECODE"];

const COMMAND_LINE: &str = "site.ccmsetup_command_line";

/// Whoever acts, where, at a moment, to be asked about the rules of acts.
#[derive(Debug, Clone, Copy)]
pub struct ActionCheck<'a> {
    actor: &'a Actor,
    tenant: &'a TenantFacts,
    site: Option<&'a SiteFacts>,
    as_of: Timestamp,
}

impl<'a> ActionCheck<'a> {
    /// An actor in a tenant, at a site if one is meant.
    #[must_use]
    pub const fn new(
        actor: &'a Actor,
        tenant: &'a TenantFacts,
        site: Option<&'a SiteFacts>,
        as_of: Timestamp,
    ) -> Self {
        Self { actor, tenant, site, as_of }
    }

    /// Judges the action rules of a path.
    pub fn report(&self, path: Path) -> Report {
        Report::collect(path, ActionRule::on(path).iter().map(|rule| (rule.rule(), self.answer(*rule))))
    }

    /// Judges one rule, whatever the path.
    #[must_use]
    pub fn outcome(&self, rule: ActionRule) -> Outcome {
        self.answer(rule).outcome
    }

    fn answer(&self, rule: ActionRule) -> Answer {
        match rule {
            ActionRule::CommandLineRequiredProperties => self.of_command_line(required_properties).into(),
            ActionRule::CommandLineLength => self.of_command_line(length).into(),
            ActionRule::IntuneCounterpartReady | ActionRule::AutopilotOverrideNotChangedLater => {
                attested(self.tenant, rule.rule(), self.as_of)
            }
            ActionRule::CmgSetup
            | ActionRule::CreateEntraApps
            | ActionRule::ImportEntraApps
            | ActionRule::EnableCoManagement
            | ActionRule::EnableAutoEnrollment
            | ActionRule::HybridJoinSetup => self.permission(rule).into(),
        }
    }

    fn of_command_line(&self, judge: fn(&str) -> Outcome) -> Outcome {
        let line = self.site.and_then(|site| site.ccmsetup_command_line.as_deref());
        line.map_or_else(|| Outcome::unknown(&[COMMAND_LINE]), judge)
    }

    fn permission(&self, rule: ActionRule) -> Outcome {
        let guarded = action::guarded_by(rule.id()).expect("every permission rule guards an act: tested");
        match guarded.standing(self.actor) {
            Standing::Allowed => Outcome::Satisfied,
            Standing::Lacking(parts) => {
                Outcome::unsatisfied(guarded.needed(), format!("lacks {}", parts.join("; ")))
            }
            Standing::Unknown => Outcome::unknown(&["actor.roles"]),
        }
    }
}

/// Properties are written `NAME=value`; their names in any case. One without a value is not there.
fn required_properties(line: &str) -> Outcome {
    let names: Vec<String> = words_of_command_line(line)
        .filter_map(|word| word.split_once('='))
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, _)| name.to_ascii_uppercase())
        .collect();
    let missing: Vec<&str> =
        REQUIRED_PROPERTIES.into_iter().filter(|wanted| !names.iter().any(|name| name == wanted)).collect();
    if missing.is_empty() {
        Outcome::Satisfied
    } else {
        Outcome::unsatisfied(
            "a command line with CCMHOSTNAME and SMSSITECODE",
            format!("without {}", missing.join(" and ")),
        )
    }
}

fn length(line: &str) -> Outcome {
    let found = line.chars().count();
    if found <= LONGEST_COMMAND_LINE {
        Outcome::Satisfied
    } else {
        Outcome::unsatisfied("at most 1024 characters", format!("{found} characters"))
    }
}
