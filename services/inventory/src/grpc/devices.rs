//! Devices.

use std::pin::Pin;

use futures::Stream;
use prost::Message;
use tandem_contracts::convert;
use tandem_contracts::inventory::v1::device_service_server::DeviceService;
use tandem_contracts::inventory::v1::{
    BatchGetDevicesRequest, BatchGetDevicesResponse, GetDeviceRequest, GetDeviceResponse, ListDevicesRequest,
    ListDevicesResponse, ListIdentityConflictsRequest, ListIdentityConflictsResponse, LookupDeviceRequest,
    LookupDeviceResponse, ReportDevicesRequest, ReportDevicesResponse, WatchDevicesRequest,
    WatchDevicesResponse,
};
use tandem_contracts::r#type::v1::DeviceFilter;
use tandem_server::failure::Failure;
use tandem_server::names::{self, TenantName};
use tonic::{Request, Response, Status, Streaming};

use super::convert::violations;
use super::page::{Page, last_part};
use super::{Handlers, report, watch};
use crate::store::{conflicts, devices};

const DEVICE: &str = "tenants/{t}/devices/{d}";

/// Most names of one batch: a page's worth.
const MOST_NAMES: usize = 1000;

/// Checks the shapes that the contract gives for a filter.
pub(super) fn check_filter(field: &str, filter: &DeviceFilter) -> Result<(), Failure> {
    convert::filter::from_proto(filter).map(drop).map_err(|found| violations(field, found))
}

/// The ids of devices of one tenant.
pub(super) fn device_ids(field: &str, tenant: &str, names: &[String]) -> Result<Vec<String>, Failure> {
    if names.len() > MOST_NAMES {
        return Err(Failure::field(
            field,
            format!("expected at most {MOST_NAMES} names; found {}", names.len()),
        ));
    }
    let mut ids = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let field = format!("{field}[{index}]");
        let [of, id] = names::parse(&field, DEVICE, name)?;
        if of != tenant {
            return Err(Failure::field(
                field,
                format!("expected a device of tenants/{tenant}; found {name}"),
            ));
        }
        ids.push(id.to_owned());
    }
    Ok(ids)
}

#[tonic::async_trait]
impl DeviceService for Handlers {
    type ReportDevicesStream = Pin<Box<dyn Stream<Item = Result<ReportDevicesResponse, Status>> + Send>>;
    type WatchDevicesStream = Pin<Box<dyn Stream<Item = Result<WatchDevicesResponse, Status>> + Send>>;

    async fn report_devices(
        &self,
        request: Request<Streaming<ReportDevicesRequest>>,
    ) -> Result<Response<Self::ReportDevicesStream>, Status> {
        Ok(Response::new(Box::pin(report::acknowledge(self.clone(), request.into_inner()))))
    }

    async fn get_device(
        &self,
        request: Request<GetDeviceRequest>,
    ) -> Result<Response<GetDeviceResponse>, Status> {
        let request = request.into_inner();
        let [tenant, id] = names::parse("name", DEVICE, &request.name)?;
        let tenant = TenantName::of_id(tenant)?;
        let revision = self.store.at_least(tenant.id(), &request.consistency_token).await?;
        let device = devices::device_fetch(&self.store, &tenant, id).await?;
        let consistency_token = self.store.token(revision);
        Ok(Response::new(GetDeviceResponse { device: Some(device), consistency_token }))
    }

    async fn lookup_device(
        &self,
        request: Request<LookupDeviceRequest>,
    ) -> Result<Response<LookupDeviceResponse>, Status> {
        let request = request.into_inner();
        let parent = TenantName::parse("parent", &request.parent)?;
        let key = request.key.ok_or_else(|| Failure::field("key", "expected a key; found nothing"))?;
        let key = convert::key::from_proto(&key).map_err(|found| violations("key", found))?;
        let revision = self.store.at_least(parent.id(), &request.consistency_token).await?;
        let device = devices::device_lookup(&self.store, &parent, &key).await?;
        let consistency_token = self.store.token(revision);
        Ok(Response::new(LookupDeviceResponse { device: Some(device), consistency_token }))
    }

    async fn list_devices(
        &self,
        request: Request<ListDevicesRequest>,
    ) -> Result<Response<ListDevicesResponse>, Status> {
        let request = request.into_inner();
        let parent = TenantName::parse("parent", &request.parent)?;
        let filter = request.filter.unwrap_or_default();
        check_filter("filter", &filter)?;
        let of = [parent.id().as_bytes(), &filter.encode_to_vec()];
        let page = Page::<String>::read("devices", &of, request.page_size, &request.page_token)?;
        let revision = self.store.at_least(parent.id(), &request.consistency_token).await?;
        let mut devices =
            devices::device_list(&self.store, &parent, &filter, page.after.clone(), page.limit()).await?;
        let next_page_token = page.finish(&mut devices, |device| last_part(&device.name));
        let consistency_token = self.store.token(revision);
        Ok(Response::new(ListDevicesResponse { devices, next_page_token, consistency_token }))
    }

    async fn batch_get_devices(
        &self,
        request: Request<BatchGetDevicesRequest>,
    ) -> Result<Response<BatchGetDevicesResponse>, Status> {
        let request = request.into_inner();
        let parent = TenantName::parse("parent", &request.parent)?;
        let ids = device_ids("names", parent.id(), &request.names)?;
        let revision = self.store.at_least(parent.id(), &request.consistency_token).await?;
        let devices = devices::device_batch(&self.store, &parent, &ids).await?;
        let found: std::collections::HashSet<&str> =
            devices.iter().map(|device| device.name.as_str()).collect();
        let not_found = request.names.iter().filter(|name| !found.contains(name.as_str())).cloned().collect();
        let consistency_token = self.store.token(revision);
        Ok(Response::new(BatchGetDevicesResponse { devices, not_found, consistency_token }))
    }

    async fn watch_devices(
        &self,
        request: Request<WatchDevicesRequest>,
    ) -> Result<Response<Self::WatchDevicesStream>, Status> {
        let watching = watch::Watching::start(self.store.clone(), request.into_inner()).await?;
        Ok(Response::new(Box::pin(watching.stream())))
    }

    async fn list_identity_conflicts(
        &self,
        request: Request<ListIdentityConflictsRequest>,
    ) -> Result<Response<ListIdentityConflictsResponse>, Status> {
        let request = request.into_inner();
        let parent = TenantName::parse("parent", &request.parent)?;
        let of = [parent.id().as_bytes()];
        let page = Page::<i64>::read("identity_conflicts", &of, request.page_size, &request.page_token)?;
        let revision = self.store.at_least(parent.id(), &request.consistency_token).await?;
        let mut conflicts = conflicts::conflict_list(&self.store, &parent, page.after, page.limit()).await?;
        let next_page_token = page.finish(&mut conflicts, |(number, _)| *number);
        let conflicts = conflicts.into_iter().map(|(_, conflict)| conflict).collect();
        let consistency_token = self.store.token(revision);
        Ok(Response::new(ListIdentityConflictsResponse { conflicts, next_page_token, consistency_token }))
    }
}
