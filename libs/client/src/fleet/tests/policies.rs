//! What becomes of the authority's answers.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tandem_contracts::authority::v1 as proto;
use tandem_contracts::authority::v1::authority_service_server::{AuthorityService, AuthorityServiceServer};
use tandem_contracts::r#type::v1 as types;
use tandem_domain::id::HierarchyId;
use tandem_domain::policy::CoManagementPolicy;
use tandem_server::consistency::Service;
use tonic::{Code, Request, Response, Status};

use super::{serve, token, world_of};
use crate::fleet::{PolicyReader, TenantPolicies, World};

/// Lists one policy a page.
#[derive(Debug, Clone)]
struct Policies {
    names: &'static [&'static str],
    calls: Arc<AtomicUsize>,
}

impl Policies {
    fn named(names: &'static [&'static str]) -> Self {
        Self { names, calls: Arc::default() }
    }
}

#[tonic::async_trait]
impl AuthorityService for Policies {
    type StreamEffectiveAuthorityStream =
        futures::stream::Empty<Result<proto::StreamEffectiveAuthorityResponse, Status>>;

    async fn list_co_management_policies(
        &self,
        request: Request<proto::ListCoManagementPoliciesRequest>,
    ) -> Result<Response<proto::ListCoManagementPoliciesResponse>, Status> {
        let place: usize = request.into_inner().page_token.parse().unwrap_or_default();
        self.calls.fetch_add(1, Ordering::Relaxed);
        let (name, revision) = (self.names[place].to_owned(), 40 + place as u64);
        let policy = types::CoManagementPolicy { name, enabled: Some(true), revision, ..Default::default() };
        let last = place + 1 == self.names.len();
        Ok(Response::new(proto::ListCoManagementPoliciesResponse {
            policies: vec![policy],
            next_page_token: if last { String::new() } else { (place + 1).to_string() },
            consistency_token: token(Service::Authority, 3, 41),
        }))
    }

    async fn stream_effective_authority(
        &self,
        _: Request<proto::StreamEffectiveAuthorityRequest>,
    ) -> Result<Response<Self::StreamEffectiveAuthorityStream>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_co_management_policy(
        &self,
        _: Request<proto::GetCoManagementPolicyRequest>,
    ) -> Result<Response<proto::GetCoManagementPolicyResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn update_co_management_policy(
        &self,
        _: Request<proto::UpdateCoManagementPolicyRequest>,
    ) -> Result<Response<proto::UpdateCoManagementPolicyResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_co_management_policy_revisions(
        &self,
        _: Request<proto::ListCoManagementPolicyRevisionsRequest>,
    ) -> Result<Response<proto::ListCoManagementPolicyRevisionsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn check_authority(
        &self,
        _: Request<proto::CheckAuthorityRequest>,
    ) -> Result<Response<proto::CheckAuthorityResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_effective_authority(
        &self,
        _: Request<proto::GetEffectiveAuthorityRequest>,
    ) -> Result<Response<proto::GetEffectiveAuthorityResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn batch_get_effective_authority(
        &self,
        _: Request<proto::BatchGetEffectiveAuthorityRequest>,
    ) -> Result<Response<proto::BatchGetEffectiveAuthorityResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_authority_periods(
        &self,
        _: Request<proto::ListAuthorityPeriodsRequest>,
    ) -> Result<Response<proto::ListAuthorityPeriodsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_authority_at(
        &self,
        _: Request<proto::GetAuthorityAtRequest>,
    ) -> Result<Response<proto::GetAuthorityAtResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_drift(
        &self,
        _: Request<proto::ListDriftRequest>,
    ) -> Result<Response<proto::ListDriftResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_setting_kinds(
        &self,
        _: Request<proto::ListSettingKindsRequest>,
    ) -> Result<Response<proto::ListSettingKindsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn resolve_setting(
        &self,
        _: Request<proto::ResolveSettingRequest>,
    ) -> Result<Response<proto::ResolveSettingResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn decode_capability_value(
        &self,
        _: Request<proto::DecodeCapabilityValueRequest>,
    ) -> Result<Response<proto::DecodeCapabilityValueResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

fn authority_world(token: &str) -> Option<World> {
    world_of(Service::Authority, token)
}

#[tokio::test(start_paused = true)]
async fn policies_of_every_page_are_kept_by_hierarchy() {
    let policies = Policies::named(&[
        "tenants/contoso/hierarchies/EU1/coManagementPolicy",
        "tenants/contoso/hierarchies/PS1/coManagementPolicy",
    ]);
    let (_server, connection) = serve(AuthorityServiceServer::new(policies.clone()));
    let reader = PolicyReader::new(&connection, authority_world);
    let policy = CoManagementPolicy { enabled: Some(true), ..CoManagementPolicy::default() };
    let hierarchy = |id| HierarchyId::parse(id).unwrap();
    let by_hierarchy =
        HashMap::from([(hierarchy("EU1"), (policy.clone(), 40)), (hierarchy("PS1"), (policy, 41))]);
    let expected = TenantPolicies { by_hierarchy, consistency_token: token(Service::Authority, 3, 41) };
    for token in ["".to_owned(), token(Service::Authority, 3, 41)] {
        assert_eq!(*reader.get("tenants/contoso", &token).await.unwrap(), expected);
    }
    assert_eq!(policies.calls.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn policy_without_a_hierarchy_breaks_the_contract() {
    let (_server, connection) = serve(AuthorityServiceServer::new(Policies::named(&["coManagementPolicy"])));
    let reader = PolicyReader::new(&connection, authority_world);
    let status = reader.get("tenants/contoso", "").await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    assert!(
        status.message().starts_with("the answer of ListCoManagementPolicies breaks the contract: name: ")
    );
}
