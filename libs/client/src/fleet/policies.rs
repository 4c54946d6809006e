//! The policies of a tenant's hierarchies, as the authority service knows them.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tandem_contracts::authority::v1::ListCoManagementPoliciesRequest;
use tandem_contracts::authority::v1::authority_service_client::AuthorityServiceClient;
use tandem_contracts::convert::{self, Violation};
use tandem_contracts::r#type::v1;
use tandem_domain::id::HierarchyId;
use tandem_domain::policy::CoManagementPolicy;
use tonic::Status;

use super::kept::{Dated, Kept};
use super::surroundings::broken;
use super::{World, WorldOf};
use crate::{Connection, Stack};

/// Policies asked for at once: the contract's most.
const PAGE: i32 = 1000;

/// Each hierarchy's policy and the revision that it was recorded in. A hierarchy of which nobody said its policy is absent.
pub type Policies = HashMap<HierarchyId, (CoManagementPolicy, u64)>;

/// The policies of a tenant.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TenantPolicies {
    /// By hierarchy.
    pub by_hierarchy: Policies,
    /// A read that asks for at least this world sees nothing older.
    pub consistency_token: String,
}

/// Reads policies, keeping the last reading of each tenant. Clones share what is kept.
#[derive(Clone)]
pub struct PolicyReader {
    client: AuthorityServiceClient<Stack>,
    world_of: WorldOf,
    kept: Arc<Kept<TenantPolicies>>,
}

impl fmt::Debug for PolicyReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyReader").finish_non_exhaustive()
    }
}

impl PolicyReader {
    /// A reader that asks the authority service at the other end; `world_of` reads its world from a consistency token.
    #[must_use]
    pub fn new(authority: &Connection, world_of: WorldOf) -> Self {
        Self { client: authority.on_own_behalf().authority(), world_of, kept: Arc::new(Kept::new()) }
    }

    /// The policies of `tenant` (`tenants/{t}`), at most [`super::TRUSTED_FOR`] old and at least of the world of
    /// `consistency_token`. Empty: any world will do.
    ///
    /// # Errors
    /// The status with which the authority service answered; `INTERNAL` when its answer breaks the contract, `UNAVAILABLE` when
    /// it is of an older world than asked for.
    pub async fn get(&self, tenant: &str, consistency_token: &str) -> Result<Arc<TenantPolicies>, Status> {
        Ok(self.dated(tenant, (self.world_of)(consistency_token), super::TRUSTED_FOR).await?.value)
    }

    /// The same with its world and age, at least of the world asked for and younger than `within`.
    ///
    /// # Errors
    /// Those of [`Self::get`].
    pub async fn dated(
        &self,
        tenant: &str,
        asked: Option<World>,
        within: Duration,
    ) -> Result<Dated<TenantPolicies>, Status> {
        self.kept.get(tenant, asked, within, async |_| self.ask(tenant).await).await
    }

    /// Every page. Changes between two pages may be in the answer; its world is that of the first.
    async fn ask(&self, tenant: &str) -> Result<(Arc<TenantPolicies>, Option<World>), Status> {
        let mut client = self.client.clone();
        let mut policies = TenantPolicies::default();
        let mut first = true;
        let mut page_token = String::new();
        loop {
            let parent = tenant.to_owned();
            let request = ListCoManagementPoliciesRequest {
                parent,
                page_size: PAGE,
                page_token,
                consistency_token: String::new(),
            };
            let page = client.list_co_management_policies(request).await?.into_inner();
            if std::mem::take(&mut first) {
                policies.consistency_token = page.consistency_token;
            }
            for policy in page.policies {
                let (hierarchy, policy) = read(policy).map_err(|v| broken("ListCoManagementPolicies", &v))?;
                policies.by_hierarchy.insert(hierarchy, policy);
            }
            page_token = page.next_page_token;
            if page_token.is_empty() {
                let world = (self.world_of)(&policies.consistency_token);
                return Ok((Arc::new(policies), world));
            }
        }
    }
}

fn read(message: v1::CoManagementPolicy) -> Result<(HierarchyId, (CoManagementPolicy, u64)), Vec<Violation>> {
    let mut violations = convert::Violations::new();
    let hierarchy = message.name.split('/').nth(3).unwrap_or_default();
    let hierarchy = HierarchyId::parse(hierarchy).map_err(|e| Violation::new("name", e.to_string()));
    let hierarchy = violations.keep(hierarchy);
    let revision = message.revision;
    let policy = violations.keep_under("", convert::policy::from_proto(message));
    violations.finish(hierarchy.zip(policy).map(|(hierarchy, policy)| (hierarchy, (policy, revision))))
}
