//! The invented services' answers: what monitoring calls, by the contracts; nothing else is served.

use std::pin::Pin;

use futures::{Stream, stream};
use tandem_contracts::authority::v1 as authority;
use tandem_contracts::authority::v1::authority_service_server::AuthorityService;
use tandem_contracts::convert;
use tandem_contracts::inventory::v1 as inventory;
use tandem_contracts::inventory::v1::collection_service_server::CollectionService;
use tandem_contracts::inventory::v1::device_service_server::DeviceService;
use tandem_contracts::inventory::v1::tenant_service_server::TenantService;
use tandem_contracts::prerequisites::v1 as prerequisites;
use tandem_contracts::prerequisites::v1::fleet_evaluation_service_server::FleetEvaluationService;
use tandem_contracts::prerequisites::v1::prerequisites_service_server::PrerequisitesService;
use tandem_contracts::r#type::v1::CoManagementPolicy;
use tandem_server::ConsistencyToken;
use tandem_server::consistency::{Mark, Service};
use tandem_server::failure::Failure;
use tonic::{Request, Response, Status, Streaming};

use super::{Estate, Sample, Services, TENANT};

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Methods that monitoring has no business with.
macro_rules! unserved {
    ($($method:ident($request:ty) -> $response:ty;)*) => {$(
        fn $method<'a, 'b>(
            &'a self,
            _: Request<$request>,
        ) -> Pin<Box<dyn Future<Output = Result<Response<$response>, Status>> + Send + 'b>>
        where
            'a: 'b,
            Self: 'b,
        {
            Box::pin(std::future::ready(Err(Status::unimplemented(stringify!($method)))))
        }
    )*};
}

/// Every page has this many devices at most, so that a snapshot has several.
const PAGE: usize = 2;

impl Estate {
    /// Refuses a token that this estate has not reached: monitoring must ask for no world that is not there.
    fn check(&self, token: &str) -> Result<(), Failure> {
        let token = ConsistencyToken::parse(token)?;
        token.check(Service::Inventory, Mark { incarnation: self.incarnation, revision: self.revision })?;
        token.check(Service::Authority, Mark { incarnation: 1, revision: self.authority_revision })
    }

    fn samples(&self, names: &[String]) -> (Vec<(u64, Sample)>, Vec<String>) {
        assert!(names.len() <= 1000);
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for name in names {
            let id = name.rsplit('/').next().unwrap();
            match self.devices.get(id) {
                Some((revision, Some(sample))) => found.push((*revision, sample.clone())),
                _ => missing.push(name.clone()),
            }
        }
        (found, missing)
    }

    /// `is_empty`: of a tenant without devices.
    fn changes_after(&self, after: u64, is_empty: bool) -> inventory::WatchDevicesResponse {
        let is_later =
            |(_, (revision, _)): &(&String, &(u64, Option<Sample>))| !is_empty && *revision > after;
        let mut later: Vec<_> = self.devices.iter().filter(is_later).collect();
        later.sort_by_key(|(_, (revision, _))| *revision);
        let last_page = later.len() <= PAGE;
        let mut answer = inventory::WatchDevicesResponse::default();
        for (id, (revision, sample)) in later.into_iter().take(PAGE) {
            match sample {
                Some(sample) => answer.changed.push(device(*revision, sample)),
                None => {
                    let name = format!("{TENANT}/devices/{id}");
                    answer.left.push(inventory::DeviceLeft { name, revision: *revision });
                }
            }
        }
        answer.bookmark = last_page.then(|| inventory::Bookmark {
            resume_token: format!("{}/{}", self.incarnation, self.revision),
            revision: self.revision,
            snapshot_complete: false,
            consistency_token: self.inventory_token(),
        });
        answer
    }
}

fn device(revision: u64, sample: &Sample) -> inventory::Device {
    inventory::Device {
        name: format!("{TENANT}/devices/{}", sample.id),
        revision,
        facts: Some(convert::facts::to_proto(&sample.facts, |_| false)),
        state: sample.authority.state,
        keys: Vec::new(),
    }
}

impl Services {
    fn known(&self, tenant: &str) -> Result<(), Failure> {
        let missing =
            || Failure::NotFound { resource_type: "tandem.inventory.v1.Tenant", name: tenant.to_owned() };
        let is_known = tenant == TENANT || self.read().others.iter().any(|other| other == tenant);
        is_known.then_some(()).ok_or_else(missing)
    }
}

#[tonic::async_trait]
impl TenantService for Services {
    async fn get_tenant(
        &self,
        request: Request<inventory::GetTenantRequest>,
    ) -> Result<Response<inventory::GetTenantResponse>, Status> {
        self.known(&request.get_ref().name)?;
        Ok(Response::new(inventory::GetTenantResponse::default()))
    }

    async fn list_tenants(
        &self,
        request: Request<inventory::ListTenantsRequest>,
    ) -> Result<Response<inventory::ListTenantsResponse>, Status> {
        let request = request.into_inner();
        let most = usize::try_from(request.page_size).unwrap();
        let from: usize = request.page_token.parse().unwrap_or(0);
        let names = [vec![TENANT.to_owned()], self.read().others.clone()].concat();
        let page = names[from..].iter().take(most);
        let tenants = page.map(|name| inventory::Tenant { name: name.clone(), ..Default::default() });
        let next_page_token =
            if names.len() > from + most { (from + most).to_string() } else { String::new() };
        Ok(Response::new(inventory::ListTenantsResponse { tenants: tenants.collect(), next_page_token }))
    }

    async fn get_surroundings(
        &self,
        request: Request<inventory::GetSurroundingsRequest>,
    ) -> Result<Response<inventory::GetSurroundingsResponse>, Status> {
        let request = request.into_inner();
        self.known(&request.parent)?;
        let estate = self.read();
        let (revision, consistency_token) = (estate.surroundings_revision, estate.inventory_token());
        let unchanged = inventory::GetSurroundingsResponse {
            revision,
            unchanged: true,
            consistency_token,
            ..Default::default()
        };
        if request.known_revision == revision {
            return Ok(Response::new(unchanged));
        }
        Ok(Response::new(inventory::GetSurroundingsResponse {
            unchanged: false,
            tenant: Some(estate.tenant.clone()),
            hierarchies: estate.hierarchies.clone(),
            ..unchanged
        }))
    }

    unserved! {
        create_tenant(inventory::CreateTenantRequest) -> inventory::CreateTenantResponse;
        update_tenant(inventory::UpdateTenantRequest) -> inventory::UpdateTenantResponse;
    }
}

#[tonic::async_trait]
impl DeviceService for Services {
    type ReportDevicesStream = Answers<inventory::ReportDevicesResponse>;
    type WatchDevicesStream = Answers<inventory::WatchDevicesResponse>;

    async fn batch_get_devices(
        &self,
        request: Request<inventory::BatchGetDevicesRequest>,
    ) -> Result<Response<inventory::BatchGetDevicesResponse>, Status> {
        let request = request.into_inner();
        let estate = self.read();
        estate.check(&request.consistency_token)?;
        let (found, not_found) = estate.samples(&request.names);
        Ok(Response::new(inventory::BatchGetDevicesResponse {
            devices: found.iter().map(|(revision, sample)| device(*revision, sample)).collect(),
            not_found,
            consistency_token: estate.inventory_token(),
        }))
    }

    async fn watch_devices(
        &self,
        request: Request<inventory::WatchDevicesRequest>,
    ) -> Result<Response<Self::WatchDevicesStream>, Status> {
        let request = request.into_inner();
        self.known(&request.parent)?;
        let (incarnation, is_empty) = (self.read().incarnation, request.parent != TENANT);
        self.read().watched.insert(request.parent.clone());
        let after = match request.resume_token.split_once('/') {
            None => 0,
            Some((of, _)) if of != incarnation.to_string() => return Err(Failure::IncarnationChanged.into()),
            Some((_, revision)) => revision.parse().unwrap(),
        };
        let watching = (self.clone(), self.changes.subscribe(), after, request.resume_token.is_empty(), true);
        let messages =
            stream::unfold(watching, move |(services, mut changes, after, snapshot, go_on)| async move {
                if !go_on {
                    return None;
                }
                loop {
                    changes.borrow_and_update();
                    let (message, revision) = {
                        let estate = services.read();
                        if estate.incarnation != incarnation {
                            let failure = Err(Failure::IncarnationChanged.into());
                            return Some((failure, (services.clone(), changes, after, snapshot, false)));
                        }
                        (estate.changes_after(after, is_empty), estate.revision)
                    };
                    if revision > after || snapshot {
                        return Some(sent(message, revision, (services, changes, after, snapshot, true)));
                    }
                    changes.changed().await.unwrap();
                }
            });
        Ok(Response::new(Box::pin(messages)))
    }

    unserved! {
        report_devices(Streaming<inventory::ReportDevicesRequest>) -> Self::ReportDevicesStream;
        get_device(inventory::GetDeviceRequest) -> inventory::GetDeviceResponse;
        lookup_device(inventory::LookupDeviceRequest) -> inventory::LookupDeviceResponse;
        list_devices(inventory::ListDevicesRequest) -> inventory::ListDevicesResponse;
        list_identity_conflicts(inventory::ListIdentityConflictsRequest) -> inventory::ListIdentityConflictsResponse;
    }
}

#[tonic::async_trait]
impl CollectionService for Services {
    type ImportCollectionsStream = Answers<inventory::ImportCollectionsResponse>;

    async fn list_collection_members(
        &self,
        request: Request<inventory::ListCollectionMembersRequest>,
    ) -> Result<Response<inventory::ListCollectionMembersResponse>, Status> {
        let request = request.into_inner();
        let mut estate = self.read();
        estate.check(&request.consistency_token)?;
        estate.member_pages += 1;
        let missing = || Failure::NotFound {
            resource_type: "tandem.inventory.v1.Collection",
            name: request.parent.clone(),
        };
        let members = estate.collections.get(&request.parent).ok_or_else(missing)?;
        let from: usize = request.page_token.parse().unwrap_or(0);
        let to = members.len().min(from + PAGE);
        let devices = members[from..to].iter().map(|id| format!("{TENANT}/devices/{id}")).collect();
        Ok(Response::new(inventory::ListCollectionMembersResponse {
            devices,
            next_page_token: if to < members.len() { to.to_string() } else { String::new() },
            consistency_token: estate.inventory_token(),
        }))
    }

    unserved! {
        create_collection(inventory::CreateCollectionRequest) -> inventory::CreateCollectionResponse;
        get_collection(inventory::GetCollectionRequest) -> inventory::GetCollectionResponse;
        list_collections(inventory::ListCollectionsRequest) -> inventory::ListCollectionsResponse;
        update_collection(inventory::UpdateCollectionRequest) -> inventory::UpdateCollectionResponse;
        delete_collection(inventory::DeleteCollectionRequest) -> inventory::DeleteCollectionResponse;
        update_collection_members(inventory::UpdateCollectionMembersRequest)
            -> inventory::UpdateCollectionMembersResponse;
        import_collections(Streaming<inventory::ImportCollectionsRequest>) -> Self::ImportCollectionsStream;
    }
}

type Watching = (Services, tokio::sync::watch::Receiver<u64>, u64, bool, bool);

/// The message as it is sent, and where the watch stands after it.
fn sent(
    mut message: inventory::WatchDevicesResponse,
    revision: u64,
    (services, changes, _, snapshot, _): Watching,
) -> (Result<inventory::WatchDevicesResponse, Status>, Watching) {
    if snapshot {
        message.left.clear();
    }
    let devices = message.changed.iter().map(|device| device.revision);
    let last = devices.chain(message.left.iter().map(|left| left.revision)).max();
    let (after, snapshot) = match &mut message.bookmark {
        Some(bookmark) => {
            bookmark.snapshot_complete = snapshot;
            (revision, false)
        }
        None => (last.unwrap(), snapshot),
    };
    (Ok(message), (services, changes, after, snapshot, true))
}

#[tonic::async_trait]
impl AuthorityService for Services {
    type StreamEffectiveAuthorityStream = Answers<authority::StreamEffectiveAuthorityResponse>;

    async fn list_co_management_policies(
        &self,
        _: Request<authority::ListCoManagementPoliciesRequest>,
    ) -> Result<Response<authority::ListCoManagementPoliciesResponse>, Status> {
        let estate = self.read();
        let policies = estate.policies.iter().map(|(hierarchy, revision)| CoManagementPolicy {
            name: format!("{TENANT}/hierarchies/{hierarchy}/coManagementPolicy"),
            revision: *revision,
            ..CoManagementPolicy::default()
        });
        let token = ConsistencyToken::default().with(Service::Authority, 1, estate.authority_revision);
        Ok(Response::new(authority::ListCoManagementPoliciesResponse {
            policies: policies.collect(),
            next_page_token: String::new(),
            consistency_token: token.to_string(),
        }))
    }

    async fn batch_get_effective_authority(
        &self,
        request: Request<authority::BatchGetEffectiveAuthorityRequest>,
    ) -> Result<Response<authority::BatchGetEffectiveAuthorityResponse>, Status> {
        let request = request.into_inner();
        let estate = self.read();
        estate.check(&request.consistency_token)?;
        let (found, not_found) = estate.samples(&request.names);
        let answers = found.into_iter().map(|(device_revision, sample)| authority::EffectiveAuthority {
            device_revision,
            ..sample.authority
        });
        Ok(Response::new(authority::BatchGetEffectiveAuthorityResponse {
            effective_authorities: answers.collect(),
            not_found,
            consistency_token: String::new(),
        }))
    }

    unserved! {
        get_co_management_policy(authority::GetCoManagementPolicyRequest) -> authority::GetCoManagementPolicyResponse;
        update_co_management_policy(authority::UpdateCoManagementPolicyRequest)
            -> authority::UpdateCoManagementPolicyResponse;
        list_co_management_policy_revisions(authority::ListCoManagementPolicyRevisionsRequest)
            -> authority::ListCoManagementPolicyRevisionsResponse;
        list_authority_periods(authority::ListAuthorityPeriodsRequest) -> authority::ListAuthorityPeriodsResponse;
        get_authority_at(authority::GetAuthorityAtRequest) -> authority::GetAuthorityAtResponse;
        check_authority(authority::CheckAuthorityRequest) -> authority::CheckAuthorityResponse;
        get_effective_authority(authority::GetEffectiveAuthorityRequest) -> authority::GetEffectiveAuthorityResponse;
        stream_effective_authority(authority::StreamEffectiveAuthorityRequest) -> Self::StreamEffectiveAuthorityStream;
        list_drift(authority::ListDriftRequest) -> authority::ListDriftResponse;
        list_setting_kinds(authority::ListSettingKindsRequest) -> authority::ListSettingKindsResponse;
        resolve_setting(authority::ResolveSettingRequest) -> authority::ResolveSettingResponse;
        decode_capability_value(authority::DecodeCapabilityValueRequest) -> authority::DecodeCapabilityValueResponse;
    }
}

#[tonic::async_trait]
impl PrerequisitesService for Services {
    async fn batch_check_devices(
        &self,
        request: Request<prerequisites::BatchCheckDevicesRequest>,
    ) -> Result<Response<prerequisites::BatchCheckDevicesResponse>, Status> {
        let request = request.into_inner();
        assert_eq!(
            (&*request.paths, request.problems_only),
            (&[i32::from(prerequisites::Path::Path1)][..], true)
        );
        let estate = self.read();
        estate.check(&request.consistency_token)?;
        let (found, not_found) = estate.samples(&request.names);
        let checks = found
            .into_iter()
            .map(|(device_revision, sample)| prerequisites::DeviceCheck { device_revision, ..sample.check });
        let checks = checks.collect();
        Ok(Response::new(prerequisites::BatchCheckDevicesResponse {
            checks,
            not_found,
            consistency_token: String::new(),
        }))
    }

    unserved! {
        list_rules(prerequisites::ListRulesRequest) -> prerequisites::ListRulesResponse;
        check_device(prerequisites::CheckDeviceRequest) -> prerequisites::CheckDeviceResponse;
        check_hierarchy(prerequisites::CheckHierarchyRequest) -> prerequisites::CheckHierarchyResponse;
        check_site(prerequisites::CheckSiteRequest) -> prerequisites::CheckSiteResponse;
        check_tenant(prerequisites::CheckTenantRequest) -> prerequisites::CheckTenantResponse;
        summarize_fleet(prerequisites::SummarizeFleetRequest) -> prerequisites::SummarizeFleetResponse;
        forecast_fleet(prerequisites::ForecastFleetRequest) -> prerequisites::ForecastFleetResponse;
        check_person(prerequisites::CheckPersonRequest) -> prerequisites::CheckPersonResponse;
        explain_enrollment_error(prerequisites::ExplainEnrollmentErrorRequest)
            -> prerequisites::ExplainEnrollmentErrorResponse;
    }
}

#[tonic::async_trait]
impl FleetEvaluationService for Services {
    async fn get_evaluation_settings(
        &self,
        _: Request<prerequisites::GetEvaluationSettingsRequest>,
    ) -> Result<Response<prerequisites::GetEvaluationSettingsResponse>, Status> {
        let etag = self.read().settings_etag.clone();
        let settings = prerequisites::EvaluationSettings { etag, ..Default::default() };
        Ok(Response::new(prerequisites::GetEvaluationSettingsResponse {
            evaluation_settings: Some(settings),
            consistency_token: String::new(),
        }))
    }

    unserved! {
        get_fleet_evaluation(prerequisites::GetFleetEvaluationRequest) -> prerequisites::GetFleetEvaluationResponse;
        list_fleet_summaries(prerequisites::ListFleetSummariesRequest) -> prerequisites::ListFleetSummariesResponse;
        list_summary_devices(prerequisites::ListSummaryDevicesRequest) -> prerequisites::ListSummaryDevicesResponse;
        update_evaluation_settings(prerequisites::UpdateEvaluationSettingsRequest)
            -> prerequisites::UpdateEvaluationSettingsResponse;
    }
}
