//! `tandem authority drift`: devices that report otherwise than what is effective.

use tandem_contracts::authority::v1::{ListDriftRequest, ListDriftResponse};
use tandem_contracts::convert::number_or_unspecified;
use tandem_domain::workload::Workload;

use super::authority::{authority, workload};
use super::failure::CliError;
use super::listing::{Limit, list};
use super::names::Names;
use super::screen::{Column, Row};
use super::session::Session;
use super::words;

/// Lists them.
pub(super) async fn run(
    only: Option<Workload>,
    limit: Limit,
    session: &mut Session<'_>,
) -> Result<(), CliError> {
    session.check_tenant().await?;
    let (parent, workload, names) = (session.parent(), number_or_unspecified(only), Names::of(session));
    let mut client = session.connection.authority();
    let columns =
        ["DEVICE", "NAME", "WORKLOAD", "EFFECTIVE", "REPORTED", "BY", "OBSERVED AT", "SINCE", "LIKELY CAUSE"]
            .map(Column::Text);
    let rows = |page: &ListDriftResponse| rows(page, &names);
    list(&mut session.screen, limit, &columns, rows, async |page_size, page_token| {
        let request = ListDriftRequest {
            parent: parent.clone(),
            workload,
            page_size,
            page_token,
            ..Default::default()
        };
        let answer = client.list_drift(request).await?;
        names.learn(answer.get_ref().devices.iter().map(|device| device.device.as_str())).await?;
        Ok(answer)
    })
    .await
}

fn rows(page: &ListDriftResponse, names: &Names) -> Vec<Row> {
    let rows = page.devices.iter().flat_map(|device| {
        device.drift.iter().map(|drift| {
            vec![
                words::last_part(&device.device),
                names.shown(&device.device),
                workload(drift.workload),
                authority(drift.effective),
                authority(drift.reported),
                drift.source.clone(),
                words::moment(drift.observed_at),
                words::moment(drift.since),
                words::text(&drift.explanation),
            ]
        })
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tandem_contracts::authority::v1::{DeviceDrift, Drift};

    #[test]
    fn drift_is_shown_once_per_workload_and_source() {
        let noon = Some(prost_types::Timestamp { seconds: 1_763_640_000, nanos: 0 });
        let drifting = Drift {
            workload: 7,
            effective: 1,
            reported: 2,
            source: "configmgr/PS1".into(),
            observed_at: noon,
            since: noon,
            cause: 1,
            explanation: "the device has not checked in since the change: its report is from before".into(),
        };
        let device = DeviceDrift { device: "tenants/t/devices/d1".into(), drift: vec![drifting] };
        let page = ListDriftResponse { devices: vec![device], ..Default::default() };
        let expected = [
            "d1",
            "OSL-LT-0417",
            "client_apps",
            "configuration_manager",
            "intune",
            "configmgr/PS1",
            "2025-11-20T12:00:00Z",
            "2025-11-20T12:00:00Z",
            "the device has not checked in since the change: its report is from before",
        ];
        let names = Names::known([("tenants/t/devices/d1", "OSL-LT-0417")]);
        assert_eq!(rows(&page, &names), [expected]);
    }
}
