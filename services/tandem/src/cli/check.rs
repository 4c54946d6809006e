//! `tandem authority check`: may this manager act?

use clap::builder::PossibleValue;
use tandem_contracts::authority::v1::{CheckAuthorityRequest, CheckAuthorityResponse, WayOut, WayOutKind};
use tandem_contracts::convert::{enum_optional, number};
use tandem_domain::authority::{Claimant, Reason};
use tandem_domain::workload::{ManagementAuthority, SliderPosition, Workload};

use super::failure::CliError;
use super::screen::{Column, Row, Screen};
use super::session::{DeviceRef, Session};
use super::words;

/// What to check.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// The device's id, its resource name, or the name that it shows
    #[arg(value_name = "NAME|ID")]
    device: DeviceRef,
    /// The workload to act on
    #[arg(value_parser = words::workloads())]
    workload: Workload,
    /// The manager that would act
    #[arg(long = "as", value_name = "MANAGER")]
    claimant: Manager,
}

/// A claimant on the command line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manager(pub(super) Claimant);

impl clap::ValueEnum for Manager {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [Manager; 2] = [Manager(Claimant::ConfigurationManager), Manager(Claimant::Intune)];
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self.0 {
            // As answers have it, too.
            Claimant::ConfigurationManager => {
                PossibleValue::new("configuration-manager").alias(self.0.authority().id())
            }
            Claimant::Intune => PossibleValue::new("intune"),
        })
    }
}

/// Asks, shows the answer, and fails where that is no.
pub(crate) async fn run(args: &CheckArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    let name = session.device(&args.device).await?;
    let request = CheckAuthorityRequest {
        name: name.clone(),
        workload: number(args.workload),
        claimant: number(args.claimant.0.authority()),
        consistency_token: String::new(),
    };
    let answer = session.connection.authority().check_authority(request).await?.into_inner();
    session.screen.show(&answer, |screen, answer| show(screen, &name, args, answer))?;
    if answer.allowed { Ok(()) } else { Err(CliError::NotAllowed) }
}

fn show(
    screen: &mut Screen<'_>,
    name: &str,
    args: &CheckArgs,
    answer: &CheckAuthorityResponse,
) -> Result<(), CliError> {
    screen.details(details(name, args, answer))?;
    if answer.allowed {
        return Ok(());
    }
    screen.section("Ways out", &[Column::Text("WHAT WOULD HAVE TO HAPPEN")], ways(&answer.ways_out))
}

fn details(name: &str, args: &CheckArgs, answer: &CheckAuthorityResponse) -> Vec<[String; 2]> {
    let reason = enum_optional::<Reason>("reason", answer.reason).ok().flatten();
    let why = reason.map_or("a reason of a newer release", Reason::explanation);
    let revisions = match answer.policy_revision {
        0 => format!("device {}, no policy known", answer.device_revision),
        policy => format!("device {}, policy {policy}", answer.device_revision),
    };
    let since = words::moment(answer.since);
    let since = if answer.since_first_look { format!("{since} or before") } else { since };
    vec![
        ["Device".to_owned(), name.to_owned()],
        ["Workload".to_owned(), args.workload.id().to_owned()],
        ["Claimant".to_owned(), args.claimant.0.authority().id().to_owned()],
        ["Allowed".to_owned(), words::yes_no(answer.allowed)],
        ["Holder".to_owned(), words::word(answer.holder, ManagementAuthority::id).to_owned()],
        ["Reason".to_owned(), format!("{}: {why}", words::word(answer.reason, Reason::id))],
        ["Since".to_owned(), since],
        ["Revisions".to_owned(), revisions],
    ]
}

fn ways(ways: &[WayOut]) -> Vec<Row> {
    ways.iter().map(|way| vec![way_out(way)]).collect()
}

/// A way out as a sentence for people.
fn way_out(way: &WayOut) -> String {
    use WayOutKind as Kind;
    let workload = words::word(way.workload, Workload::id);
    match way.kind() {
        Kind::ReportClient => "report whether the Configuration Manager client is installed".to_owned(),
        Kind::InstallClient => "install the Configuration Manager client".to_owned(),
        Kind::Enroll => "enroll the device in Intune".to_owned(),
        Kind::ImportSiteRecord => "import the site's record of the device".to_owned(),
        Kind::DeliverPolicy => "let the co-management policy reach the client".to_owned(),
        Kind::ProvisionMdm => "let MDM be provisioned on the device".to_owned(),
        Kind::LiftAutopilotOverride => {
            "take the override out of the Autopilot co-management settings policy".to_owned()
        }
        Kind::SetUpCoManagement => "set co-management up in the hierarchy".to_owned(),
        Kind::MoveSlider => {
            format!("move the slider of {workload} to {}", words::word(way.slider, SliderPosition::id))
        }
        Kind::JoinPilot => pilot("add the device to", "in", way),
        Kind::LeavePilot => pilot("take the device out of", "outside of", way),
        Kind::RecordPolicy => {
            "record what the hierarchy's co-management object says (`tandem authority policy set`)".to_owned()
        }
        Kind::ReportSiteVersion => "report the version of the device's site".to_owned(),
        Kind::ImportMembers => format!("import the members of {}, the pilot of {workload}", way.collection),
        Kind::Unspecified => "what a newer release of this program knows".to_owned(),
    }
}

/// Membership in a pilot, which may have to begin.
fn pilot(change: &str, place: &str, way: &WayOut) -> String {
    let workload = words::word(way.workload, Workload::id);
    let collection = match way.collection.as_str() {
        "" => "its pilot collection",
        name => name,
    };
    match way.slider() {
        tandem_contracts::r#type::v1::SliderPosition::Unspecified => {
            format!("{change} {collection}, the pilot of {workload}")
        }
        _ => format!("move the slider of {workload} to pilot_intune, with the device {place} {collection}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tandem_contracts::r#type::v1 as proto;

    fn args() -> CheckArgs {
        CheckArgs {
            device: DeviceRef::Id("d1".into()),
            workload: Workload::ClientApps,
            claimant: Manager(Claimant::Intune),
        }
    }

    fn answer() -> CheckAuthorityResponse {
        CheckAuthorityResponse {
            allowed: false,
            holder: proto::ManagementAuthority::ConfigurationManager.into(),
            reason: proto::AuthorityReason::PilotNotMember.into(),
            ways_out: vec![way(WayOutKind::JoinPilot, 7, 0, "c"), way(WayOutKind::MoveSlider, 7, 3, "")],
            device_revision: 12,
            policy_revision: 3,
            consistency_token: "t".into(),
            since: Some(prost_types::Timestamp { seconds: 1_763_640_000, nanos: 0 }),
            since_first_look: true,
        }
    }

    fn way(kind: WayOutKind, workload: i32, slider: i32, collection: &str) -> WayOut {
        WayOut { kind: kind.into(), workload, slider, collection: collection.into() }
    }

    #[test]
    fn refusal_is_shown_with_its_reason() {
        let why = "pilot_not_member: the workload's slider stands at Pilot Intune, and the device is not in its pilot collection";
        let expected = [
            ["Device", "tenants/t/devices/d1"],
            ["Workload", "client_apps"],
            ["Claimant", "intune"],
            ["Allowed", "no"],
            ["Holder", "configuration_manager"],
            ["Reason", why],
            ["Since", "2025-11-20T12:00:00Z or before"],
            ["Revisions", "device 12, policy 3"],
        ];
        let found = details("tenants/t/devices/d1", &args(), &answer());
        assert_eq!(found, expected.map(|row| row.map(str::to_owned)));
    }

    #[test]
    fn ways_out_are_sentences() {
        use WayOutKind as Kind;
        let table = [
            (
                way(Kind::ReportClient, 0, 0, ""),
                "report whether the Configuration Manager client is installed",
            ),
            (way(Kind::InstallClient, 0, 0, ""), "install the Configuration Manager client"),
            (way(Kind::Enroll, 0, 0, ""), "enroll the device in Intune"),
            (way(Kind::ImportSiteRecord, 0, 0, ""), "import the site's record of the device"),
            (way(Kind::DeliverPolicy, 0, 0, ""), "let the co-management policy reach the client"),
            (way(Kind::ProvisionMdm, 0, 0, ""), "let MDM be provisioned on the device"),
            (
                way(Kind::LiftAutopilotOverride, 0, 0, ""),
                "take the override out of the Autopilot co-management settings policy",
            ),
            (way(Kind::SetUpCoManagement, 0, 0, ""), "set co-management up in the hierarchy"),
            (way(Kind::MoveSlider, 7, 1, ""), "move the slider of client_apps to configuration_manager"),
            (way(Kind::JoinPilot, 7, 0, "c"), "add the device to c, the pilot of client_apps"),
            (
                way(Kind::JoinPilot, 7, 2, ""),
                "move the slider of client_apps to pilot_intune, with the device in its pilot collection",
            ),
            (way(Kind::LeavePilot, 7, 0, "c"), "take the device out of c, the pilot of client_apps"),
            (
                way(Kind::LeavePilot, 5, 2, "c"),
                "move the slider of device_configuration to pilot_intune, with the device outside of c",
            ),
            (
                way(Kind::RecordPolicy, 0, 0, ""),
                "record what the hierarchy's co-management object says (`tandem authority policy set`)",
            ),
            (way(Kind::ReportSiteVersion, 0, 0, ""), "report the version of the device's site"),
            (
                way(Kind::ImportMembers, 5, 0, "c"),
                "import the members of c, the pilot of device_configuration",
            ),
            (way(Kind::Unspecified, 0, 0, ""), "what a newer release of this program knows"),
        ];
        for (way, expected) in table {
            assert_eq!(way_out(&way), expected);
        }
    }
}
