//! Policies as configured in the hierarchies: recorded here, changed nowhere else.

use tandem_contracts::authority::v1::{
    GetCoManagementPolicyRequest, GetCoManagementPolicyResponse, ListCoManagementPoliciesRequest,
    ListCoManagementPoliciesResponse, ListCoManagementPolicyRevisionsRequest,
    ListCoManagementPolicyRevisionsResponse, UpdateCoManagementPolicyRequest,
    UpdateCoManagementPolicyResponse,
};
use tandem_contracts::inventory::v1::GetHierarchyRequest;
use tandem_contracts::r#type::v1::{CoManagementPolicy, Justification};
use tandem_domain::id::HierarchyId;
use tandem_server::consistency::Service;
use tandem_server::names::{self, page_size};
use tandem_server::{ConsistencyToken, Failure};
use tandem_storage::fingerprint;
use tandem_storage::page::PageToken;

use super::{Handlers, Tenant, convert};
use crate::devices::INVENTORY;
use crate::store::policies::{
    NewPolicy, RESOURCE_TYPE, policy_fetch, policy_list, policy_name, policy_record, policy_revision_list,
};
use tandem_server::once::Once;

const POLICY: &str = "tenants/{t}/hierarchies/{h}/coManagementPolicy";
const UPDATE: &str = "tandem.authority.v1.AuthorityService/UpdateCoManagementPolicy";

/// Kinds of page tokens.
const POLICIES: &str = "policies";
const REVISIONS: &str = "policy_revisions";

/// Whose policy a name means.
pub(super) struct PolicyName {
    pub(super) tenant: Tenant,
    pub(super) hierarchy: HierarchyId,
}

impl PolicyName {
    pub(super) fn parse(field: &str, name: &str) -> Result<Self, Failure> {
        let [tenant, hierarchy] = names::parse(field, POLICY, name)?;
        let tenant = Tenant::parse(field, &format!("tenants/{tenant}"))?;
        let hierarchy = HierarchyId::parse(hierarchy).map_err(|e| Failure::field(field, e.to_string()))?;
        Ok(Self { tenant, hierarchy })
    }
}

impl Handlers {
    /// The revision is read first: what comes after it is of that world or a later one.
    pub(super) async fn policy_get(
        &self,
        request: GetCoManagementPolicyRequest,
    ) -> Result<GetCoManagementPolicyResponse, Failure> {
        let PolicyName { tenant, hierarchy } = PolicyName::parse("name", &request.name)?;
        let revision = self.at_least(&tenant, &request.consistency_token).await?;
        match policy_fetch(&self.store, &tenant.id, &hierarchy).await? {
            Some(policy) => Ok(GetCoManagementPolicyResponse {
                policy: Some(policy),
                consistency_token: self.store.world(revision).to_string(),
            }),
            None => Err(Failure::NotFound { resource_type: RESOURCE_TYPE, name: request.name }),
        }
    }

    pub(super) async fn policies_list(
        &self,
        request: ListCoManagementPoliciesRequest,
    ) -> Result<ListCoManagementPoliciesResponse, Failure> {
        let tenant = Tenant::parse("parent", &request.parent)?;
        let size = page_size(request.page_size)?;
        let filter = fingerprint(&[request.parent.as_bytes()]);
        let after = PageToken::decode::<String>(&request.page_token, POLICIES, filter)?;
        let revision = self.at_least(&tenant, &request.consistency_token).await?;
        let found =
            policy_list(&self.store, &tenant.id, tenant.name.reach(), after.as_deref(), one_more(size))
                .await?;
        let (page, next_page_token) =
            paged(found, size, |(hierarchy, _)| PageToken::encode(POLICIES, filter, hierarchy));
        Ok(ListCoManagementPoliciesResponse {
            policies: page.into_iter().map(|(_, policy)| policy).collect(),
            next_page_token,
            consistency_token: self.store.world(revision).to_string(),
        })
    }

    pub(super) async fn policy_update(
        &self,
        request: UpdateCoManagementPolicyRequest,
        updated_by: String,
    ) -> Result<UpdateCoManagementPolicyResponse, Failure> {
        let at = self.clock.now();
        let content = UpdateCoManagementPolicyRequest { request_id: String::new(), ..request.clone() };
        let once = Once::new(&request.request_id, UPDATE, &content, at)?;
        let why = justification(request.justification)?;
        let policy = request.policy.ok_or_else(|| Failure::field("policy", "must be set; found nothing"))?;
        let PolicyName { tenant, hierarchy } = PolicyName::parse("policy.name", &policy.name)?;
        let etag = policy.etag.clone();
        let body = convert::recordable(policy)?;
        self.check_hierarchy(&tenant, &hierarchy).await?;
        let new = NewPolicy { tenant: tenant.id.clone(), hierarchy, body, etag, updated_by, why, at };
        let recorded = policy_record(&self.store, new, once).await?;
        let revision = recorded.policy.as_ref().map_or(0, |policy| policy.revision);
        self.grounds.recorded(tenant.id.as_str(), revision);
        Ok(recorded)
    }

    pub(super) async fn policy_revisions_list(
        &self,
        request: ListCoManagementPolicyRevisionsRequest,
    ) -> Result<ListCoManagementPolicyRevisionsResponse, Failure> {
        let PolicyName { tenant, hierarchy } = PolicyName::parse("parent", &request.parent)?;
        let size = page_size(request.page_size)?;
        let filter = fingerprint(&[policy_name(tenant.id.as_str(), hierarchy.as_str()).as_bytes()]);
        let before = PageToken::decode::<i64>(&request.page_token, REVISIONS, filter)?;
        let revision = self.at_least(&tenant, &request.consistency_token).await?;
        let found = policy_revision_list(&self.store, &tenant.id, &hierarchy, before, one_more(size)).await?;
        let next = |last: &CoManagementPolicy| PageToken::encode(REVISIONS, filter, &last.revision);
        let (revisions, next_page_token) = paged(found, size, next);
        let consistency_token = self.store.world(revision).to_string();
        Ok(ListCoManagementPolicyRevisionsResponse { revisions, next_page_token, consistency_token })
    }

    /// The tenant's revision here, if it is at least that of the token.
    pub(super) async fn at_least(&self, tenant: &Tenant, token: &str) -> Result<u64, Failure> {
        let asked = ConsistencyToken::parse(token)?;
        let revision = self.store.revision(tenant.id.as_str()).await?;
        asked.check(Service::Authority, self.store.mark(revision))?;
        Ok(revision)
    }

    /// Tenants and hierarchies are the inventory's: only it can say whether this one exists.
    pub(super) async fn check_hierarchy(
        &self,
        tenant: &Tenant,
        hierarchy: &HierarchyId,
    ) -> Result<(), Failure> {
        let name = format!("{}/hierarchies/{hierarchy}", tenant.name);
        let answer =
            self.hierarchies.clone().get_hierarchy(GetHierarchyRequest { name, ..Default::default() }).await;
        answer.map(|_| ()).map_err(|status| Failure::from_dependency(INVENTORY, status))
    }
}

/// Why something is done, as far as it was said.
pub(super) fn justification(said: Option<Justification>) -> Result<Option<Justification>, Failure> {
    let Some(why) = said else { return Ok(None) };
    for (field, text, most) in [("reason", &why.reason, 1000), ("ticket", &why.ticket, 200)] {
        let found = text.chars().count();
        if found > most {
            let description = format!("expected at most {most} characters, found {found}");
            return Err(Failure::field(format!("justification.{field}"), description));
        }
    }
    Ok(Some(why))
}

/// A page and one row, which tells whether there is another page.
pub(super) fn one_more(size: usize) -> u64 {
    size as u64 + 1
}

/// The page, and the token after its last item when there was more.
pub(super) fn paged<T>(mut found: Vec<T>, size: usize, token: impl FnOnce(&T) -> String) -> (Vec<T>, String) {
    let more = found.len() > size;
    found.truncate(size);
    let next = found.last().filter(|_| more).map(token);
    (found, next.unwrap_or_default())
}
