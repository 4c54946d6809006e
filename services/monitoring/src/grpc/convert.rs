//! Requests to queries, counts to answers.

use std::cmp::Reverse;
use std::time::Duration;

use prost::Message;
use tandem_contracts::convert::time;
use tandem_contracts::monitoring::v1 as proto;
use tandem_contracts::r#type::v1::DeviceFilter;
use tandem_fleet::{FleetCount, Page, Selection, Wanted};
use tandem_server::ConsistencyToken;
use tandem_server::failure::Failure;
use tandem_server::names::{TenantName, page_size};
use tandem_storage::fingerprint;
use tandem_storage::page::PageToken;

use super::tenant_of;
use crate::figures::{Figure, describe};

/// The list that page tokens of this service belong to.
const LIST: &str = "figure_devices";

/// What a dashboard is asked for.
#[derive(Debug)]
pub(super) struct DashboardQuery {
    pub(super) tenant: TenantName,
    pub(super) wanted: Wanted,
    pub(super) token: ConsistencyToken,
}

impl TryFrom<proto::GetDashboardRequest> for DashboardQuery {
    type Error = Failure;

    fn try_from(request: proto::GetDashboardRequest) -> Result<Self, Failure> {
        let proto::GetDashboardRequest { parent, filter, consistency_token } = request;
        Self::of(&parent, filter, &consistency_token)
    }
}

impl DashboardQuery {
    pub(super) fn of(parent: &str, filter: Option<DeviceFilter>, token: &str) -> Result<Self, Failure> {
        let tenant = tenant_of(parent)?;
        let wanted = Wanted::of(&tenant, &filter.unwrap_or_default())?;
        Ok(Self { tenant, wanted, token: ConsistencyToken::parse(token)? })
    }
}

/// Whose devices are listed.
#[derive(Debug)]
pub(super) struct ListingQuery {
    pub(super) tenant: TenantName,
    pub(super) figure: Figure,
    pub(super) wanted: Wanted,
    pub(super) page_size: usize,
    pub(super) token: ConsistencyToken,
    /// The last device of the page before.
    pub(super) after: Option<String>,
    /// What page tokens are bound to.
    filter: u64,
}

impl TryFrom<proto::ListFigureDevicesRequest> for ListingQuery {
    type Error = Failure;

    fn try_from(request: proto::ListFigureDevicesRequest) -> Result<Self, Failure> {
        let tenant = tenant_of(&request.parent)?;
        let page_size = page_size(request.page_size)?;
        let tile = request.tile();
        let figure = Figure::of(tile, &request.key).ok_or_else(|| not_found(tile, &request.key))?;
        let filter = request.filter.unwrap_or_default();
        let wanted = Wanted::of(&tenant, &filter)?;
        let parts = [tenant.as_str(), tile.as_str_name(), &request.key].map(str::as_bytes);
        let filter = fingerprint(&[&parts[..], &[&filter.encode_to_vec()]].concat());
        let after = PageToken::decode(&request.page_token, LIST, filter)?;
        let token = ConsistencyToken::parse(&request.consistency_token)?;
        Ok(Self { tenant, figure, wanted, page_size, token, after, filter })
    }
}

impl ListingQuery {
    /// No device was ever counted under that key.
    pub(super) fn not_found(&self) -> Failure {
        not_found(self.figure.tile(), &self.figure.key())
    }

    pub(super) fn answer(
        &self,
        page: Page,
        counted: &FleetCount<Figure>,
        selection: &Selection<'_>,
    ) -> proto::ListFigureDevicesResponse {
        let last = page.devices.last().filter(|_| page.more);
        let next_page_token =
            last.map(|last| PageToken::encode(LIST, self.filter, &last.device.as_ref())).unwrap_or_default();
        let devices = page.devices.into_iter().map(|listed| proto::FigureDevice {
            device: format!("{}/devices/{}", self.tenant, listed.device),
            display_name: listed.display_name,
        });
        proto::ListFigureDevicesResponse {
            devices: devices.collect(),
            total: page.total,
            next_page_token,
            cursor: counted.cursor(),
            consistency_token: counted.world(selection).to_string(),
        }
    }
}

/// The dashboard. `lag`: how long ago everything known was counted.
pub(super) fn dashboard(
    counted: &FleetCount<Figure>,
    selection: &Selection<'_>,
    lag: Duration,
) -> proto::GetDashboardResponse {
    let within = counted.within(selection, counted.reached(selection));
    let numbers = counted.index.numbers(within.as_ref());
    proto::GetDashboardResponse {
        figures: figures(numbers.into_iter()),
        cursor: counted.cursor(),
        counted_at: Some(time::to_proto(counted.counted_at)),
        consistency_token: counted.world(selection).to_string(),
        lag: lag_message(lag),
    }
}

/// Figures with their numbers: by tile, then by devices, most first, then by key.
pub(super) fn figures<'f>(numbers: impl Iterator<Item = (&'f Figure, u64)>) -> Vec<proto::Figure> {
    let mut figures: Vec<proto::Figure> = numbers.map(|(figure, number)| message(figure, number)).collect();
    figures.sort_unstable_by(|a, b| {
        (a.tile, Reverse(a.devices), &a.key).cmp(&(b.tile, Reverse(b.devices), &b.key))
    });
    figures
}

/// A lag is some milliseconds to an outage.
pub(super) fn lag_message(lag: Duration) -> Option<prost_types::Duration> {
    prost_types::Duration::try_from(lag).ok()
}

fn message(figure: &Figure, devices: u64) -> proto::Figure {
    let description = describe(figure);
    proto::Figure {
        tile: figure.tile().into(),
        key: figure.key(),
        devices,
        label: description.label.into(),
        meaning: description.meaning.into(),
        remediation: description.remediation.into(),
        severity: description.severity.into(),
    }
}

/// Longest key repeated in an error, in characters.
const MAX_SHOWN: usize = 80;

fn not_found(tile: proto::Tile, key: &str) -> Failure {
    let key: String = key.chars().take(MAX_SHOWN).collect();
    Failure::NotFound {
        resource_type: "tandem.monitoring.v1.Figure",
        name: format!("{}/{key}", tile.as_str_name()),
    }
}
