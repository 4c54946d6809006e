//! Devices on which the effective authority and the last report differ.
//!
//! Which devices drift is computed on read, so a page is found by going through the tenant's devices. A page token holds the last
//! device looked at, and the token of the inventory's page that it was on.

use prost::Message;
use tandem_contracts::authority::v1::{DeviceDrift, ListDriftRequest, ListDriftResponse};
use tandem_contracts::convert::enum_optional;
use tandem_contracts::inventory::v1::Device;
use tandem_domain::workload::Workload;
use tandem_server::Failure;
use tandem_server::names::page_size;
use tandem_storage::fingerprint;
use tandem_storage::page::PageToken;

use super::{Handlers, Tenant, convert};
use crate::devices::DevicePage;
use crate::judge::World;

const KIND: &str = "drift";

/// Pages of the inventory that one call goes through: 50,000 devices, some seconds of work. A call that finds less than its page
/// by then answers with what it has and where to go on.
const PAGES_PER_CALL: usize = 50;

/// Where a list goes on.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
struct Place {
    /// The inventory's page.
    page: String,
    /// The last device of it that was looked at.
    after: String,
}

impl Handlers {
    pub(super) async fn drift_list(&self, request: ListDriftRequest) -> Result<ListDriftResponse, Failure> {
        let tenant = Tenant::parse("parent", &request.parent)?;
        let workload = enum_optional::<Workload>("workload", request.workload).map_err(convert::invalid)?;
        let size = page_size(request.page_size)?;
        let devices = request.filter.clone().unwrap_or_default().encode_to_vec();
        let filter = fingerprint(&[tenant.id.as_str().as_bytes(), &request.workload.to_be_bytes(), &devices]);
        let place = PageToken::decode::<Place>(&request.page_token, KIND, filter)?;

        let world = self.world(&tenant, &request.consistency_token).await?;
        let consistency_token = self.token(&world.surroundings.consistency_token, &world)?;
        let mut search =
            Search { world, workload, size, found: Vec::new(), place: place.unwrap_or_default() };
        let mut rest = true;
        for _ in 0..PAGES_PER_CALL {
            let page = self.devices.page(&tenant.name, &request, &search.place.page).await?;
            rest = search.look_through(page)?;
            if !rest || search.is_full() {
                break;
            }
        }
        let next_page_token =
            if rest { PageToken::encode(KIND, filter, &search.place) } else { String::new() };
        Ok(ListDriftResponse { devices: search.found, next_page_token, consistency_token })
    }
}

/// A page in the making.
struct Search {
    world: World,
    workload: Option<Workload>,
    size: usize,
    found: Vec<DeviceDrift>,
    place: Place,
}

impl Search {
    fn is_full(&self) -> bool {
        self.found.len() >= self.size
    }

    /// Whether there may be more after what was looked at.
    fn look_through(&mut self, page: DevicePage) -> Result<bool, Failure> {
        let devices = page.devices.into_iter();
        let mut devices =
            devices.filter(|device| device.name > self.place.after).collect::<Vec<_>>().into_iter();
        for device in devices.by_ref() {
            let name = device.name.clone();
            self.found.extend(self.drift_of(device)?);
            self.place.after = name;
            if self.is_full() {
                break;
            }
        }
        let last_page = page.next_page_token.is_empty();
        if devices.len() > 0 {
            return Ok(true);
        }
        if !last_page {
            self.place.page = page.next_page_token;
        }
        Ok(!last_page)
    }

    fn drift_of(&self, device: Device) -> Result<Option<DeviceDrift>, Failure> {
        let (name, facts) = convert::device(device)?;
        let drift = self.world.judge(&facts).drift;
        let asked =
            drift.into_iter().filter(|(drift, _)| self.workload.is_none_or(|asked| asked == drift.workload));
        let drift: Vec<_> = asked.map(|drift| convert::drift(&drift)).collect();
        Ok((!drift.is_empty()).then_some(DeviceDrift { device: name, drift }))
    }
}
