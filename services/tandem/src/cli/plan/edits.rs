//! A proposal as edits of a policy: the options that say which positions move, and to where.

use std::str::FromStr;

use tandem_domain::id::CollectionId;
use tandem_domain::policy::{AutoEnrollment, CoManagementPolicy, PolicyViolation};
use tandem_domain::site::SiteFacts;
use tandem_domain::workload::{SliderPosition, Workload};

/// Every slider's positions.
const SLIDERS: [SliderPosition; 3] =
    [SliderPosition::ConfigurationManager, SliderPosition::PilotIntune, SliderPosition::Intune];

/// Every mode of automatic enrolment.
const MODES: [AutoEnrollment; 3] = [AutoEnrollment::None, AutoEnrollment::Pilot, AutoEnrollment::All];

/// Which positions move.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub(super) struct Edits {
    /// Where a workload's slider is to stand: configuration_manager, intune, or pilot_intune with its pilot collection (without one, the
    /// workload keeps the one that it has). Can be given once for each workload
    #[arg(long, value_name = "WORKLOAD=POSITION[:COLLECTION]")]
    set: Vec<SliderEdit>,
    /// Whom to enrol automatically: none, all, or pilot with its collection (without one, the one that is there)
    #[arg(long, value_name = "none|pilot[:COLLECTION]|all")]
    auto_enrollment: Option<EnrollmentEdit>,
    /// Co-management is to be set up
    #[arg(long)]
    enable: bool,
    /// Co-management is to be set up no more
    #[arg(long, conflicts_with = "enable")]
    disable: bool,
}

/// `WORKLOAD=POSITION[:COLLECTION]`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SliderEdit {
    workload: Workload,
    slider: SliderPosition,
    /// `None`: the workload's own stays.
    collection: Option<CollectionId>,
}

impl FromStr for SliderEdit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (workload, position) =
            text.split_once('=').ok_or_else(|| format!("expected WORKLOAD=POSITION, found `{text}`"))?;
        let workload = one_of(Workload::ALL, Workload::id, workload)?;
        let (slider, collection) = with_collection(position)?;
        let slider = one_of(SLIDERS, SliderPosition::id, slider)?;
        match collection {
            Some(_) if slider != SliderPosition::PilotIntune => {
                Err(format!("expected a collection after pilot_intune alone, found `{position}`"))
            }
            collection => Ok(Self { workload, slider, collection }),
        }
    }
}

/// `MODE[:COLLECTION]`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct EnrollmentEdit {
    mode: AutoEnrollment,
    /// `None`: the one that is there stays.
    collection: Option<CollectionId>,
}

impl FromStr for EnrollmentEdit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (mode, collection) = with_collection(text)?;
        let mode = one_of(MODES, AutoEnrollment::id, mode)?;
        match collection {
            Some(_) if mode != AutoEnrollment::Pilot => {
                Err(format!("expected a collection after pilot alone, found `{text}`"))
            }
            collection => Ok(Self { mode, collection }),
        }
    }
}

/// A position, and the collection after its colon.
fn with_collection(text: &str) -> Result<(&str, Option<CollectionId>), String> {
    match text.split_once(':') {
        None => Ok((text, None)),
        Some((position, collection)) => {
            let collection = CollectionId::parse(collection).map_err(|error| error.to_string())?;
            Ok((position, Some(collection)))
        }
    }
}

/// The value with that word.
fn one_of<T: Copy, const N: usize>(
    values: [T; N],
    word: impl Fn(T) -> &'static str,
    found: &str,
) -> Result<T, String> {
    let meant = values.into_iter().find(|value| word(*value) == found);
    meant.ok_or_else(|| format!("expected {}, found `{found}`", values.map(word).join(", ")))
}

impl Edits {
    /// The policy with these positions moved; every other one stays.
    ///
    /// # Errors
    /// A workload is to stand at two positions at once.
    pub(super) fn made_to(&self, mut policy: CoManagementPolicy) -> Result<CoManagementPolicy, String> {
        for (index, edit) in self.set.iter().enumerate() {
            if self.set[..index].iter().any(|earlier| earlier.workload == edit.workload) {
                return Err(format!("expected one --set for {}, found two", edit.workload));
            }
            let setting = &mut policy.workloads[edit.workload];
            setting.slider = edit.slider;
            if edit.collection.is_some() {
                setting.pilot_collection.clone_from(&edit.collection);
            }
        }
        if let Some(edit) = &self.auto_enrollment {
            policy.auto_enrollment = Some(edit.mode);
            if edit.collection.is_some() {
                policy.auto_enrollment_collection.clone_from(&edit.collection);
            }
        }
        if self.enable || self.disable {
            policy.enabled = Some(self.enable);
        }
        Ok(policy)
    }
}

/// The positions that a hierarchy with those sites has at Intune and nowhere else: its version fixes them there, or device configuration
/// carries them along. Those of the policy that are elsewhere, each as the refusal that a plan would meet.
pub(super) fn forced<'a>(
    policy: &CoManagementPolicy,
    sites: impl IntoIterator<Item = &'a SiteFacts>,
) -> Vec<(Workload, PolicyViolation)> {
    let broken = policy.violations(sites).into_iter();
    let forced = broken.filter(|violation| {
        matches!(
            violation,
            PolicyViolation::ResourceAccessFixed { .. }
                | PolicyViolation::LeftBehindDeviceConfiguration { .. }
        )
    });
    forced.filter_map(|violation| Some((violation.workload()?, violation))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use tandem_domain::id::SiteCode;
    use tandem_domain::policy::WorkloadSetting;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        edits: Edits,
    }

    /// The options, separated by blanks.
    fn parse(line: &str) -> Result<Edits, String> {
        let words = std::iter::once("plan").chain(line.split_whitespace());
        Line::try_parse_from(words).map(|line| line.edits).map_err(|error| error.to_string())
    }

    fn collection(id: &str) -> Option<CollectionId> {
        Some(CollectionId::parse(id).unwrap())
    }

    /// Compliance at Pilot Intune, automatic enrolment at pilot.
    fn base() -> CoManagementPolicy {
        let mut policy = CoManagementPolicy {
            enabled: Some(true),
            auto_enrollment: Some(AutoEnrollment::Pilot),
            auto_enrollment_collection: collection("PS10003F"),
            ..CoManagementPolicy::default()
        };
        policy.workloads[Workload::CompliancePolicies] =
            WorkloadSetting { slider: SliderPosition::PilotIntune, pilot_collection: collection("PS100042") };
        policy
    }

    fn made(line: &str) -> CoManagementPolicy {
        parse(line).unwrap().made_to(base()).unwrap()
    }

    #[test]
    fn edits_move_the_positions_that_they_name_and_no_other() {
        use SliderPosition::{ConfigurationManager, Intune, PilotIntune};
        let slider = |workload, slider, pilot: Option<CollectionId>| {
            let mut policy = base();
            policy.workloads[workload] = WorkloadSetting { slider, pilot_collection: pilot };
            policy
        };
        let enrolled = |mode, collection| CoManagementPolicy {
            auto_enrollment: Some(mode),
            auto_enrollment_collection: collection,
            ..base()
        };
        let compliance = Workload::CompliancePolicies;
        let table = [
            ("", base()),
            ("--set compliance_policies=intune", slider(compliance, Intune, collection("PS100042"))),
            (
                "--set compliance_policies=configuration_manager",
                slider(compliance, ConfigurationManager, collection("PS100042")),
            ),
            ("--set compliance_policies=pilot_intune", base()),
            (
                "--set compliance_policies=pilot_intune:PS100099",
                slider(compliance, PilotIntune, collection("PS100099")),
            ),
            (
                "--set client_apps=pilot_intune:PS100043",
                slider(Workload::ClientApps, PilotIntune, collection("PS100043")),
            ),
            ("--set client_apps=pilot_intune", slider(Workload::ClientApps, PilotIntune, None)),
            ("--auto-enrollment all", enrolled(AutoEnrollment::All, collection("PS10003F"))),
            ("--auto-enrollment none", enrolled(AutoEnrollment::None, collection("PS10003F"))),
            ("--auto-enrollment pilot", base()),
            ("--auto-enrollment pilot:PS100077", enrolled(AutoEnrollment::Pilot, collection("PS100077"))),
            ("--enable", base()),
            ("--disable", CoManagementPolicy { enabled: Some(false), ..base() }),
        ];
        for (line, expected) in table {
            assert_eq!(made(line), expected, "{line}");
        }
    }

    #[test]
    fn edits_of_several_positions_are_made_together() {
        let mut expected = CoManagementPolicy { auto_enrollment: Some(AutoEnrollment::All), ..base() };
        expected.workloads[Workload::CompliancePolicies].slider = SliderPosition::Intune;
        expected.workloads[Workload::ClientApps].slider = SliderPosition::Intune;
        let line = "--set compliance_policies=intune --set client_apps=intune --auto-enrollment all";
        assert_eq!(made(line), expected);
    }

    #[test]
    fn edit_that_says_nothing_sensible_is_refused_with_expected_and_found() {
        let workloads = Workload::ALL.map(Workload::id).join(", ");
        let workload = format!("expected {workloads}, found `apps`");
        let sliders = "expected configuration_manager, pilot_intune, intune, found";
        let id = "collection id must be 1 to 64 of A-Z a-z 0-9 . _ -, starting with a letter or digit; found";
        let table = [
            ("--set client_apps", "expected WORKLOAD=POSITION, found `client_apps`".to_owned()),
            ("--set apps=intune", workload),
            ("--set client_apps=", format!("{sliders} ``")),
            ("--set client_apps=Intune", format!("{sliders} `Intune`")),
            ("--set client_apps=pilot", format!("{sliders} `pilot`")),
            ("--set client_apps=pilot_intune:", format!("{id} \"\"")),
            ("--set client_apps=pilot_intune:PS1:2", format!("{id} \"PS1:2\"")),
            (
                "--set client_apps=intune:PS100043",
                "expected a collection after pilot_intune alone, found `intune:PS100043`".to_owned(),
            ),
            ("--auto-enrollment some", "expected none, pilot, all, found `some`".to_owned()),
            (
                "--auto-enrollment all:PS10003F",
                "expected a collection after pilot alone, found `all:PS10003F`".to_owned(),
            ),
            ("--enable --disable", "cannot be used with".to_owned()),
        ];
        for (line, expected) in table {
            let said = parse(line).unwrap_err();
            assert!(said.contains(&expected), "{line}: {said}");
        }
        let twice = parse("--set client_apps=intune --set client_apps=configuration_manager").unwrap();
        let expected = "expected one --set for client_apps, found two";
        assert_eq!(twice.made_to(base()), Err(expected.to_owned()));
    }

    #[test]
    fn positions_that_a_version_fixes_or_device_configuration_carries_are_forced() {
        let site = |version: &str| SiteFacts {
            version: Some(version.to_owned()),
            ..SiteFacts::unknown(SiteCode::parse("PS1").unwrap())
        };
        let (older, newer) = (site("2303"), site("2409"));
        let forced = |line: &str, site: &SiteFacts| -> Vec<(Workload, &str)> {
            let policy = made(line);
            forced(&policy, [site]).iter().map(|(workload, why)| (*workload, why.id())).collect()
        };
        let (access, protection) = (Workload::ResourceAccessPolicies, Workload::EndpointProtection);
        let carried = "bundled_with_device_configuration";
        assert_eq!(forced("", &older), []);
        assert_eq!(forced("", &newer), [(access, "resource_access_fixed")]);
        let moved = "--set device_configuration=intune";
        assert_eq!(forced(moved, &older), [(access, carried), (protection, carried)]);
        assert_eq!(forced(moved, &newer), [(access, "resource_access_fixed"), (protection, carried)]);
        let all = format!("{moved} --set resource_access_policies=intune --set endpoint_protection=intune");
        assert_eq!(forced(&all, &newer), []);
        // What a person has to choose is not forced.
        assert_eq!(forced("--set client_apps=pilot_intune", &older), []);
    }
}
