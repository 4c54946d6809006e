//! Tenant, hierarchies, sites and policies.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use tandem_client::Connection;
use tandem_contracts::authority::v1::UpdateCoManagementPolicyRequest;
use tandem_contracts::convert;
use tandem_contracts::inventory::v1::{
    CreateTenantRequest, GetHierarchyRequest, GetSiteRequest, GetTenantRequest, Hierarchy, Site, Tenant,
    UpdateHierarchyRequest, UpdateSiteRequest, UpdateTenantRequest,
};
use tandem_domain::id::{HierarchyId, SiteCode, TenantId};
use tandem_domain::policy::CoManagementPolicy;
use tandem_domain::site::SiteFacts;
use tandem_domain::tenant::TenantFacts;
use tonic::Code;

use super::{Documents, ImportError};

/// Gathers what surrounds devices, and writes it before anything else.
pub(super) struct SurroundingsImport {
    connection: Connection,
    tenant: TenantId,
    facts: Option<TenantFacts>,
    /// What pages and the operator say of a site; the operator's word goes first.
    sites: BTreeMap<(HierarchyId, SiteCode), (Option<SiteFacts>, Option<SiteFacts>)>,
    policies: BTreeMap<HierarchyId, CoManagementPolicy>,
    flushed: bool,
    hierarchies: BTreeSet<HierarchyId>,
    /// Tokens of what was written.
    pub(super) tokens: Vec<String>,
}

impl SurroundingsImport {
    pub(super) fn new(connection: &Connection, tenant: &TenantId) -> Self {
        Self {
            connection: connection.clone(),
            tenant: tenant.clone(),
            facts: None,
            sites: BTreeMap::new(),
            policies: BTreeMap::new(),
            flushed: false,
            hierarchies: BTreeSet::new(),
            tokens: Vec::new(),
        }
    }

    /// What operators' documents say.
    pub(super) fn documents(&mut self, documents: &Documents) {
        self.facts.clone_from(&documents.facts);
        for (name, facts) in &documents.sites {
            self.sites.entry(name.clone()).or_default().1 = Some(facts.clone());
        }
        self.policies.clone_from(&documents.policies);
    }

    /// A site as its hierarchy describes it.
    pub(super) fn site(&mut self, hierarchy: HierarchyId, facts: SiteFacts) {
        let site = facts.site.clone();
        self.sites.entry((hierarchy, site)).or_default().0 = Some(facts);
    }

    /// Writes the tenant, its sites and its policies, once.
    pub(super) async fn flush(&mut self) -> Result<(), ImportError> {
        if std::mem::replace(&mut self.flushed, true) {
            return Ok(());
        }
        self.write_tenant().await?;
        for ((hierarchy, site), (page, operator)) in std::mem::take(&mut self.sites) {
            self.ensure_hierarchy(&hierarchy).await?;
            self.write_site(&hierarchy, &site, page, operator).await?;
        }
        for (hierarchy, policy) in std::mem::take(&mut self.policies) {
            self.ensure_hierarchy(&hierarchy).await?;
            self.write_policy(&hierarchy, &policy).await?;
        }
        Ok(())
    }

    /// Makes the hierarchy, if it is not there.
    pub(super) async fn ensure(&mut self, hierarchy: &HierarchyId) -> Result<(), ImportError> {
        if self.hierarchies.contains(hierarchy) {
            return Ok(());
        }
        self.flush().await?;
        self.ensure_hierarchy(hierarchy).await
    }

    async fn ensure_hierarchy(&mut self, hierarchy: &HierarchyId) -> Result<(), ImportError> {
        if !self.hierarchies.insert(hierarchy.clone()) {
            return Ok(());
        }
        let name = format!("tenants/{}/hierarchies/{hierarchy}", self.tenant);
        let mut client = self.connection.hierarchies();
        match client.get_hierarchy(GetHierarchyRequest { name: name.clone(), ..Default::default() }).await {
            // Its display name is somebody else's word.
            Ok(_) => return Ok(()),
            Err(status) if status.code() == Code::NotFound => {}
            Err(status) => return Err(ImportError::during("reading a hierarchy")(status)),
        }
        let request = UpdateHierarchyRequest {
            hierarchy: Some(Hierarchy { name, ..Hierarchy::default() }),
            allow_missing: true,
            request_id: String::new(),
        };
        let answer =
            client.update_hierarchy(request).await.map_err(ImportError::during("recording a hierarchy"))?;
        self.tokens.push(answer.into_inner().consistency_token);
        Ok(())
    }

    /// Records what pages and documents say of a site, a document's word before a page's; what neither says stays.
    async fn write_site(
        &mut self,
        hierarchy: &HierarchyId,
        site: &SiteCode,
        page: Option<SiteFacts>,
        operator: Option<SiteFacts>,
    ) -> Result<(), ImportError> {
        let name = format!("tenants/{}/hierarchies/{hierarchy}/sites/{site}", self.tenant);
        let mut client = self.connection.hierarchies();
        let known = match client.get_site(GetSiteRequest { name: name.clone(), ..Default::default() }).await {
            Ok(answer) => answer.into_inner().site.unwrap_or_default(),
            Err(status) if status.code() == Code::NotFound => Site::default(),
            Err(status) => return Err(ImportError::during("reading a site")(status)),
        };
        let mut facts = known.facts.unwrap_or_default();
        for said in [page, operator].into_iter().flatten() {
            facts = overlaid(facts, &convert::site::to_proto(&said));
        }
        // The etag refuses a change of somebody else between reading and writing.
        let site = Site { name, facts: Some(facts), etag: known.etag };
        let request = UpdateSiteRequest { site: Some(site), allow_missing: true, request_id: String::new() };
        let answer = client.update_site(request).await.map_err(ImportError::during("recording a site"))?;
        self.tokens.push(answer.into_inner().consistency_token);
        Ok(())
    }

    async fn write_policy(
        &mut self,
        hierarchy: &HierarchyId,
        policy: &CoManagementPolicy,
    ) -> Result<(), ImportError> {
        let mut policy = convert::policy::to_proto(policy);
        policy.name = format!("tenants/{}/hierarchies/{hierarchy}/coManagementPolicy", self.tenant);
        let request = UpdateCoManagementPolicyRequest { policy: Some(policy), ..Default::default() };
        let mut client = self.connection.authority();
        let answer = client
            .update_co_management_policy(request)
            .await
            .map_err(ImportError::during("recording a policy"))?;
        self.tokens.push(answer.into_inner().consistency_token);
        Ok(())
    }

    async fn write_tenant(&mut self) -> Result<(), ImportError> {
        let mut client = self.connection.tenants();
        let name = format!("tenants/{}", self.tenant);
        let facts = self.facts.as_ref().map(convert::tenant::to_proto);
        let tenant = Tenant { name: name.clone(), facts, ..Tenant::default() };
        let created = client
            .create_tenant(CreateTenantRequest { tenant: Some(tenant.clone()), request_id: String::new() })
            .await;
        match created {
            Ok(answer) => self.tokens.push(answer.into_inner().consistency_token),
            Err(status) if status.code() == Code::AlreadyExists => {
                // Exports without a tenant facts file change nothing of what is known of the tenant.
                if let Some(said) = &tenant.facts {
                    let read = client
                        .get_tenant(GetTenantRequest { name: name.clone(), ..Default::default() })
                        .await;
                    let known = read.map_err(ImportError::during("reading the tenant"))?.into_inner().tenant;
                    let known = known.unwrap_or_default();
                    let facts = overlaid(known.facts.unwrap_or_default(), said);
                    let tenant = Tenant { name, facts: Some(facts), ..known };
                    let request = UpdateTenantRequest { tenant: Some(tenant), request_id: String::new() };
                    let answer = client.update_tenant(request).await;
                    let answer = answer.map_err(ImportError::during("recording the tenant"))?;
                    self.tokens.push(answer.into_inner().consistency_token);
                }
            }
            Err(status) => return Err(ImportError::during("recording the tenant")(status)),
        }
        Ok(())
    }
}

/// What is known, under what is said now: a fact that nobody says now stays as it is.
fn overlaid<M: Message>(mut known: M, said: &M) -> M {
    // A fact that is not said is not in the encoding.
    known.merge(said.encode_to_vec().as_slice()).expect("what was just encoded is read");
    known
}

#[cfg(test)]
mod tests;
