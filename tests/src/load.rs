//! Calls of every kind at the typed clients, one after the other without a pause, until they are told to stop.

use std::collections::BTreeMap;
use std::fmt::Display;

use tandem_client::{AckedStream, ApiError, Connection};
use tandem_contracts::authority::v1::BatchGetEffectiveAuthorityRequest;
use tandem_contracts::inventory::v1::{
    Hierarchy, ListDevicesRequest, ReportDevicesRequest, ReportDevicesResponse, UpdateHierarchyRequest,
};
use tandem_contracts::monitoring::v1::GetDashboardRequest;
use tandem_contracts::prerequisites::v1::CheckTenantRequest;
use tokio_util::sync::CancellationToken;
use tonic::{Response, Status};

use crate::reports::{HIERARCHY, TENANT, sections};

/// What became of the calls of one kind.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// How many were answered.
    pub answered: u64,
    /// Why the others were not.
    pub failed: Vec<String>,
}

impl Calls {
    fn count<T, E: Display>(&mut self, answer: Result<T, E>) {
        match answer {
            Ok(_) => self.answered += 1,
            Err(error) => self.failed.push(error.to_string()),
        }
    }
}

async fn repeat<T>(stop: &CancellationToken, mut call: impl AsyncFnMut(u64) -> Result<T, Status>) -> Calls {
    let mut calls = Calls::default();
    for time in 1.. {
        if stop.is_cancelled() {
            break;
        }
        calls.count(call(time).await.map_err(ApiError::from));
    }
    calls
}

/// Calls until `stop`, about these devices of the tenant.
pub async fn calls(
    connection: &Connection,
    devices: &[String],
    stop: &CancellationToken,
) -> BTreeMap<&'static str, Calls> {
    let listing = repeat(stop, async |_| {
        let request = ListDevicesRequest { parent: TENANT.into(), page_size: 10, ..Default::default() };
        connection.devices().list_devices(request).await
    });
    let writing = repeat(stop, async |time| {
        let hierarchy =
            Hierarchy { name: HIERARCHY.into(), display_name: format!("Oslo {time}"), ..Default::default() };
        let request = UpdateHierarchyRequest {
            hierarchy: Some(hierarchy),
            allow_missing: true,
            request_id: format!("rename-{time}"),
        };
        connection.hierarchies().update_hierarchy(request).await
    });
    let checking = repeat(stop, async |_| {
        let request = CheckTenantRequest { name: TENANT.into(), ..Default::default() };
        connection.prerequisites().check_tenant(request).await
    });
    let deciding = repeat(stop, async |_| {
        let (parent, names) = (TENANT.to_owned(), devices.to_vec());
        let request = BatchGetEffectiveAuthorityRequest { parent, names, ..Default::default() };
        connection.authority().batch_get_effective_authority(request).await
    });
    let counting = repeat(stop, async |_| {
        let request = GetDashboardRequest { parent: TENANT.into(), ..Default::default() };
        connection.monitoring().get_dashboard(request).await
    });
    let (listing, writing, checking, deciding, counting, reporting) =
        tokio::join!(listing, writing, checking, deciding, counting, reports(connection, stop));
    BTreeMap::from([
        ("list devices", listing),
        ("write a hierarchy", writing),
        ("check a tenant", checking),
        ("decide authority", deciding),
        ("count the fleet", counting),
        ("report devices", reporting),
    ])
}

/// One stream of batches about the same device, each of which changes it.
async fn reports(connection: &Connection, stop: &CancellationToken) -> Calls {
    let client = connection.devices();
    let mut stream = AckedStream::open(move |requests| {
        let mut client = client.clone();
        async move { client.report_devices(requests).await.map(Response::into_inner) }
    });
    let mut calls = Calls::default();
    let mut sent = 0;
    while !stop.is_cancelled() {
        sent += 1;
        let [mut discovery, _] = sections(0);
        discovery.sequence = sent;
        let batch = ReportDevicesRequest {
            parent: TENANT.into(),
            source: "configmgr/PS1".into(),
            sequence: sent,
            sections: vec![discovery],
        };
        if let Err(error) = stream.send(batch, |answer| calls.count(taken(&answer))).await {
            calls.failed.push(error.to_string());
            return calls;
        }
    }
    let end = stream.finish(|answer| calls.count(taken(&answer))).await;
    if let Err(error) = end {
        calls.failed.push(error.to_string());
    }
    if calls.answered != sent {
        calls.failed.push(format!("{sent} batches were sent, {} acknowledged", calls.answered));
    }
    calls
}

fn taken(answer: &ReportDevicesResponse) -> Result<(), String> {
    match (answer.applied + answer.superseded, answer.refused.is_empty()) {
        (1, true) => Ok(()),
        _ => Err(format!("expected one section taken, found {answer:?}")),
    }
}
