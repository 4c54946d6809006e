//! An inventory and an authority service that hold one unchanging world. What this service has no business calling, they do not
//! implement.

use std::collections::BTreeMap;
use std::pin::Pin;

use futures::{Stream, StreamExt};
use tandem_contracts::authority::v1::authority_service_server::AuthorityService;
use tandem_contracts::authority::v1::*;

use tandem_contracts::inventory::v1::device_service_server::DeviceService;
use tandem_contracts::inventory::v1::tenant_service_server::TenantService;
use tandem_contracts::inventory::v1::*;
use tandem_server::ConsistencyToken;
use tandem_server::consistency::{Mark, Service};
use tandem_server::failure::Failure;
use tonic::{Request, Response, Status, Streaming};

use crate::fixture::{self, REVISION, TENANT};

/// Devices of one message of a snapshot: several messages make up the snapshot.
const BATCH: usize = 3;

const SEEN: Mark = Mark { incarnation: 7, revision: REVISION };

/// The world of the inventory.
pub(crate) fn inventory_token() -> ConsistencyToken {
    ConsistencyToken::default().with(Service::Inventory, SEEN.incarnation, SEEN.revision)
}

/// The world of the authority service.
pub(crate) fn authority_token() -> ConsistencyToken {
    ConsistencyToken::default().with(Service::Authority, 9, 12)
}

/// What an answer over both is of.
pub(crate) fn world_token() -> String {
    inventory_token().merge(&authority_token()).to_string()
}

fn seen_by_inventory(name: &str, token: &str) -> Result<String, Failure> {
    let tenant = name.split('/').take(2).collect::<Vec<_>>().join("/");
    if tenant != TENANT {
        return Err(Failure::NotFound { resource_type: "tandem.inventory.v1.Tenant", name: tenant });
    }
    ConsistencyToken::parse(token)?.check(Service::Inventory, SEEN)?;
    Ok(inventory_token().to_string())
}

/// The inventory.
#[derive(Debug, Clone)]
pub(crate) struct Inventory {
    devices: BTreeMap<String, Device>,
    /// Whether snapshots end with their bookmark, as they should.
    whole_snapshots: bool,
    /// Whether those who follow are told anything.
    tells_followers: bool,
}

impl Inventory {
    pub(crate) fn new() -> Self {
        Self { devices: fixture::devices(), whole_snapshots: true, tells_followers: true }
    }

    /// One that lets followers wait.
    pub(crate) fn following_nothing() -> Self {
        Self { tells_followers: false, ..Self::new() }
    }

    /// One whose snapshots break off.
    pub(crate) fn breaking_off() -> Self {
        Self { whole_snapshots: false, ..Self::new() }
    }
}

/// Methods as `async_trait` writes them, so that they stand in an implementation beside those that it writes.
macro_rules! not_called {
    ($($method:ident: $request:ty => $answer:ty;)*) => {$(
        fn $method<'life, 'answer>(
            &'life self,
            _: Request<$request>,
        ) -> Pin<Box<dyn Future<Output = Result<Response<$answer>, Status>> + Send + 'answer>>
        where
            'life: 'answer,
            Self: 'answer,
        {
            Box::pin(std::future::ready(Err(Status::unimplemented(stringify!($method)))))
        }
    )*};
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl DeviceService for Inventory {
    type ReportDevicesStream = Answers<ReportDevicesResponse>;
    type WatchDevicesStream = Answers<WatchDevicesResponse>;

    async fn batch_get_devices(
        &self,
        request: Request<BatchGetDevicesRequest>,
    ) -> Result<Response<BatchGetDevicesResponse>, Status> {
        let request = request.into_inner();
        let consistency_token = seen_by_inventory(&request.parent, &request.consistency_token)?;
        let (found, not_found): (Vec<String>, Vec<String>) =
            request.names.into_iter().partition(|name| self.devices.contains_key(name));
        let devices = found.iter().map(|name| self.devices[name].clone()).collect();
        Ok(Response::new(BatchGetDevicesResponse { devices, not_found, consistency_token }))
    }

    async fn watch_devices(
        &self,
        request: Request<WatchDevicesRequest>,
    ) -> Result<Response<Self::WatchDevicesStream>, Status> {
        let request = request.into_inner();
        assert!(request.resume_token.is_empty(), "{request:?}");
        let consistency_token = seen_by_inventory(&request.parent, "")?;
        let wanted = request.filter.unwrap_or_default().hierarchies;
        let takes = |device: &&Device| {
            let hierarchy = &device.facts.as_ref().unwrap().hierarchy;
            wanted.is_empty() || wanted.contains(hierarchy)
        };
        let devices: Vec<Device> = self.devices.values().filter(takes).cloned().collect();
        let batch = |devices: &[Device]| WatchDevicesResponse {
            changed: devices.to_vec(),
            ..WatchDevicesResponse::default()
        };
        let mut messages: Vec<_> = devices.chunks(BATCH).map(batch).collect();
        // As the inventory has it: the bookmark comes with the last devices.
        if let Some(last) = messages.last_mut().filter(|_| self.whole_snapshots) {
            last.bookmark = Some(Bookmark {
                resume_token: "r".into(),
                revision: REVISION,
                snapshot_complete: true,
                consistency_token,
            });
        }
        let snapshot = futures::stream::iter(messages.into_iter().map(Ok));
        // Nothing ever changes: what goes on after the snapshot waits.
        Ok(Response::new(match request.snapshot_only {
            true => Box::pin(snapshot),
            false if !self.tells_followers => Box::pin(futures::stream::pending()),
            // As a server whose stream breaks off: what follows it begins anew.
            false if !self.whole_snapshots => Box::pin(snapshot),
            false => Box::pin(snapshot.chain(futures::stream::pending())),
        }))
    }

    not_called! {
        report_devices: Streaming<ReportDevicesRequest> => Self::ReportDevicesStream;
        get_device: GetDeviceRequest => GetDeviceResponse;
        lookup_device: LookupDeviceRequest => LookupDeviceResponse;
        list_devices: ListDevicesRequest => ListDevicesResponse;
        list_identity_conflicts: ListIdentityConflictsRequest => ListIdentityConflictsResponse;
    }
}

#[tonic::async_trait]
impl TenantService for Inventory {
    async fn get_surroundings(
        &self,
        request: Request<GetSurroundingsRequest>,
    ) -> Result<Response<GetSurroundingsResponse>, Status> {
        let request = request.into_inner();
        let consistency_token = seen_by_inventory(&request.parent, "")?;
        let whole = fixture::surroundings();
        let answer = if request.known_revision == whole.revision {
            GetSurroundingsResponse {
                revision: whole.revision,
                unchanged: true,
                ..GetSurroundingsResponse::default()
            }
        } else {
            whole
        };
        Ok(Response::new(GetSurroundingsResponse { consistency_token, ..answer }))
    }

    async fn get_tenant(
        &self,
        request: Request<GetTenantRequest>,
    ) -> Result<Response<GetTenantResponse>, Status> {
        seen_by_inventory(&request.get_ref().name, "")?;
        Ok(Response::new(GetTenantResponse::default()))
    }

    not_called! {
        create_tenant: CreateTenantRequest => CreateTenantResponse;
        list_tenants: ListTenantsRequest => ListTenantsResponse;
        update_tenant: UpdateTenantRequest => UpdateTenantResponse;
    }
}

/// The authority service. It asks no inventory whether a tenant exists.
#[derive(Debug, Clone)]
pub(crate) struct Authority;

#[tonic::async_trait]
impl AuthorityService for Authority {
    type StreamEffectiveAuthorityStream = Answers<StreamEffectiveAuthorityResponse>;

    async fn list_co_management_policies(
        &self,
        request: Request<ListCoManagementPoliciesRequest>,
    ) -> Result<Response<ListCoManagementPoliciesResponse>, Status> {
        let policies = if request.get_ref().parent == TENANT { vec![fixture::policy()] } else { Vec::new() };
        Ok(Response::new(ListCoManagementPoliciesResponse {
            policies,
            next_page_token: String::new(),
            consistency_token: authority_token().to_string(),
        }))
    }

    not_called! {
        get_co_management_policy: GetCoManagementPolicyRequest => GetCoManagementPolicyResponse;
        update_co_management_policy: UpdateCoManagementPolicyRequest => UpdateCoManagementPolicyResponse;
        list_co_management_policy_revisions:
            ListCoManagementPolicyRevisionsRequest => ListCoManagementPolicyRevisionsResponse;
        list_authority_periods: ListAuthorityPeriodsRequest => ListAuthorityPeriodsResponse;
        get_authority_at: GetAuthorityAtRequest => GetAuthorityAtResponse;
        check_authority: CheckAuthorityRequest => CheckAuthorityResponse;
        get_effective_authority: GetEffectiveAuthorityRequest => GetEffectiveAuthorityResponse;
        batch_get_effective_authority: BatchGetEffectiveAuthorityRequest => BatchGetEffectiveAuthorityResponse;
        stream_effective_authority: StreamEffectiveAuthorityRequest => Self::StreamEffectiveAuthorityStream;
        list_drift: ListDriftRequest => ListDriftResponse;
        list_setting_kinds: ListSettingKindsRequest => ListSettingKindsResponse;
        resolve_setting: ResolveSettingRequest => ResolveSettingResponse;
        decode_capability_value: DecodeCapabilityValueRequest => DecodeCapabilityValueResponse;
    }
}
