//! `tandem authority history`: who decided on a device when.

use jiff::Timestamp;
use tandem_contracts::authority::v1::{
    AuthorityPeriod, GetAuthorityAtRequest, ListAuthorityPeriodsRequest, ListAuthorityPeriodsResponse,
};
use tandem_contracts::convert::{number_or_unspecified, time};
use tandem_domain::authority::Reason;
use tandem_domain::state::ManagementState;
use tandem_domain::workload::Workload;

use super::authority::{authority, workload};
use super::failure::CliError;
use super::listing::{Limit, list};
use super::screen::{Column, Row, Screen};
use super::session::{DeviceRef, Session};
use super::words;

/// Whose history.
#[derive(Debug, clap::Args)]
pub(crate) struct HistoryArgs {
    /// The device's id, its resource name, or the name that it shows
    #[arg(value_name = "NAME|ID")]
    device: DeviceRef,
    /// Only what changed of this workload, with the reasons
    #[arg(long, value_parser = words::workloads(), conflicts_with = "at")]
    workload: Option<Workload>,
    /// How it was at that moment, such as 2026-11-27T08:00:00Z
    #[arg(long, value_name = "TIME", conflicts_with = "limit")]
    at: Option<Timestamp>,
    #[command(flatten)]
    limit: Limit,
}

/// Lists its periods, or shows the one that a moment is in.
pub(super) async fn run(args: HistoryArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    let name = session.device(&args.device).await?;
    let mut client = session.connection.authority();
    if let Some(at) = args.at {
        let request = GetAuthorityAtRequest {
            name: name.clone(),
            time: Some(time::to_proto(at)),
            consistency_token: String::new(),
        };
        let answer = client.get_authority_at(request).await?.into_inner();
        let period = answer.period.unwrap_or_default();
        return session.screen.show(&period, |screen, period| show(screen, &name, period));
    }
    let (columns, row): (&[&str], fn(&AuthorityPeriod) -> Row) = match args.workload {
        Some(_) => (&["FROM", "TO", "HOLDER", "REASON", "REPORTED"], of_workload),
        None => (&["FROM", "TO", "STATE", "WHO DECIDES"], of_device),
    };
    let columns: Vec<Column> = columns.iter().copied().map(Column::Text).collect();
    let rows = |page: &ListAuthorityPeriodsResponse| page.periods.iter().map(row).collect();
    let workload = number_or_unspecified(args.workload);
    list(&mut session.screen, args.limit, &columns, rows, async |page_size, page_token| {
        let request = ListAuthorityPeriodsRequest {
            parent: name.clone(),
            workload,
            page_size,
            page_token,
            consistency_token: String::new(),
        };
        client.list_authority_periods(request).await
    })
    .await
}

/// The beginning: of the first period it is known only that it began no later.
fn from(period: &AuthorityPeriod) -> String {
    let at = words::moment(period.from_time);
    if period.first_look { format!("{at} or before") } else { at }
}

fn to(period: &AuthorityPeriod) -> String {
    if period.to_time.is_none() { "now".to_owned() } else { words::moment(period.to_time) }
}

fn of_workload(period: &AuthorityPeriod) -> Row {
    let said = period.workloads.first().copied().unwrap_or_default();
    vec![
        from(period),
        to(period),
        authority(said.authority),
        words::word(said.reason, Reason::id).to_owned(),
        authority(said.reported),
    ]
}

fn of_device(period: &AuthorityPeriod) -> Row {
    let decided = period.workloads.iter().map(|said| (said.workload, said.authority));
    vec![
        from(period),
        to(period),
        words::word(period.state, ManagementState::id).to_owned(),
        super::authority::gathered(decided),
    ]
}

fn show(screen: &mut Screen<'_>, name: &str, period: &AuthorityPeriod) -> Result<(), CliError> {
    let policy = match period.policy_revision {
        0 => "no policy known".to_owned(),
        revision => format!("policy {revision}"),
    };
    screen.details(vec![
        ["Device".to_owned(), name.to_owned()],
        ["From".to_owned(), from(period)],
        ["To".to_owned(), to(period)],
        ["State".to_owned(), words::word(period.state, ManagementState::id).to_owned()],
        ["Hierarchy".to_owned(), words::text(&words::last_part(&period.hierarchy))],
        ["Revisions".to_owned(), format!("device {}, {policy}", period.device_revision)],
    ])?;
    let columns = ["WORKLOAD", "HOLDER", "REASON", "REPORTED"].map(Column::Text);
    let rows = period.workloads.iter().map(|said| {
        let reason = words::word(said.reason, Reason::id).to_owned();
        vec![workload(said.workload), authority(said.authority), reason, authority(said.reported)]
    });
    screen.section("Who decided", &columns, rows.collect())
}

#[cfg(test)]
mod tests {
    use super::super::Output;
    use super::super::screen::shown;
    use super::*;
    use tandem_contracts::authority::v1::PastAuthority;

    fn period() -> AuthorityPeriod {
        let said =
            |workload, authority, reason, reported| PastAuthority { workload, authority, reason, reported };
        AuthorityPeriod {
            from_time: Some(prost_types::Timestamp { seconds: 1_763_640_000, nanos: 0 }),
            to_time: None,
            first_look: true,
            hierarchy: "tenants/t/hierarchies/PS1".into(),
            state: 12,
            workloads: vec![said(1, 2, 13, 2), said(7, 1, 14, 0)],
            device_revision: 12,
            policy_revision: 3,
        }
    }

    #[test]
    fn period_of_a_device_gathers_its_workloads_by_who_decides() {
        let decides = "configuration_manager: client_apps; intune: compliance_policies";
        assert_eq!(of_device(&period())[..2], ["2025-11-20T12:00:00Z or before", "now"]);
        assert_eq!(of_device(&period())[3], decides);
        let ended = AuthorityPeriod { to_time: period().from_time, first_look: false, ..period() };
        assert_eq!(of_device(&ended)[..2], ["2025-11-20T12:00:00Z", "2025-11-20T12:00:00Z"]);
    }

    #[test]
    fn period_of_a_workload_has_its_reason_and_report() {
        let expected = ["2025-11-20T12:00:00Z or before", "now", "intune", "pilot_member", "intune"];
        assert_eq!(of_workload(&period()), expected);
    }

    #[test]
    fn moment_is_shown_whole() {
        let found = shown(Output::Table, |screen| show(screen, "tenants/t/devices/d1", &period()));
        assert!(found.contains("device 12, policy 3") && found.contains("pilot_member"), "{found}");
    }
}
