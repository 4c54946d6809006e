//! What surrounds a tenant's devices: the tenant's facts, its hierarchies, the policies. A change of it changes answers about
//! devices that did not change themselves.
//!
//! The readers of `tandem_client` answer from the last second and keep the authority's world to themselves; a follower must know
//! exactly which world it has seen, so it asks by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tandem_contracts::authority::v1::ListCoManagementPoliciesRequest;
use tandem_contracts::convert::{self, Violation};
use tandem_contracts::inventory::v1::{
    GetSurroundingsRequest, GetSurroundingsResponse, HierarchySurroundings,
};
use tandem_contracts::r#type::v1::TenantFacts as TenantMessage;
use tandem_domain::id::HierarchyId;
use tandem_domain::tenant::TenantFacts;
use tandem_server::ConsistencyToken;
use tandem_server::consistency::Service;
use tandem_server::failure::Failure;

use crate::clients::{AUTHORITY, INVENTORY, Upstream};

/// Policies asked for at once: the contract's most.
const PAGE: i32 = 1000;

/// What surrounds the devices of a tenant, as last read.
#[derive(Debug, Clone)]
pub(crate) struct World {
    /// Counts the changes of it; devices judged under another number have older surroundings.
    pub(crate) number: u64,
    /// How far inventory and authority were when it was read.
    pub(crate) token: ConsistencyToken,
    /// The tenant.
    pub(crate) tenant: Arc<TenantFacts>,
    surroundings: Arc<Surroundings>,
    /// Revision of each hierarchy's policy.
    policies: BTreeMap<String, u64>,
}

/// An answer of `GetSurroundings`, kept to be compared with the next.
#[derive(Debug, Default, PartialEq)]
struct Surroundings {
    revision: u64,
    tenant: TenantMessage,
    hierarchies: BTreeMap<String, HierarchySurroundings>,
}

/// Whose answers a new world changes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Affected {
    /// Nobody's: only the token is newer.
    Nobody,
    /// Those of the devices of these hierarchies.
    Hierarchies(BTreeSet<HierarchyId>),
    /// Everybody's.
    Everybody,
}

/// Reads the world anew. `known` is the last reading.
///
/// # Errors
/// A service does not answer, or breaks its contract.
pub(crate) async fn read(
    upstream: Upstream,
    tenant: String,
    known: Option<Arc<World>>,
) -> Result<(Arc<World>, Affected), Failure> {
    let parent = tenant.clone();
    let known_revision = known.as_ref().map_or(0, |known| known.surroundings.revision);
    let (surroundings, policies) = tokio::try_join!(
        async {
            let request = GetSurroundingsRequest { parent, known_revision, consistency_token: String::new() };
            let answer = upstream.tenants().get_surroundings(request).await;
            Ok(answer.map_err(|status| Failure::from_dependency(INVENTORY, status))?.into_inner())
        },
        read_policies(&upstream, &tenant)
    )?;
    let (policies, policies_token) = policies;
    let token = ConsistencyToken::parse(&surroundings.consistency_token)?.merge(&policies_token);
    let (surroundings, facts) = match &known {
        Some(known) if surroundings.unchanged => (Arc::clone(&known.surroundings), Arc::clone(&known.tenant)),
        _ => kept(surroundings)?,
    };
    let mut world = World { number: 0, token, tenant: facts, surroundings, policies };
    let affected = known.as_ref().map_or(Affected::Everybody, |known| affected(known, &world));
    let number = known.map_or(0, |known| known.number);
    world.number = if affected == Affected::Nobody { number } else { number + 1 };
    Ok((Arc::new(world), affected))
}

/// The revision of each hierarchy's policy, and the authority's world: that of the first page, the oldest.
async fn read_policies(
    upstream: &Upstream,
    tenant: &str,
) -> Result<(BTreeMap<String, u64>, ConsistencyToken), Failure> {
    let mut policies = BTreeMap::new();
    let mut token = None;
    let mut page_token = String::new();
    loop {
        let parent = tenant.to_owned();
        let request = ListCoManagementPoliciesRequest {
            parent,
            page_size: PAGE,
            page_token,
            consistency_token: String::new(),
        };
        let page = upstream.authority().list_co_management_policies(request).await;
        let page = page.map_err(|status| Failure::from_dependency(AUTHORITY, status))?.into_inner();
        if token.is_none() {
            let mark = ConsistencyToken::parse(&page.consistency_token)?.get(Service::Authority);
            // What the authority has seen of the inventory is its own business.
            token = Some(mark.map_or_else(ConsistencyToken::default, |mark| {
                ConsistencyToken::default().with(Service::Authority, mark.incarnation, mark.revision)
            }));
        }
        policies
            .extend(page.policies.into_iter().map(|policy| (hierarchy_of(&policy.name), policy.revision)));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok((policies, token.unwrap_or_default()));
        }
    }
}

/// `PS1` of `tenants/{t}/hierarchies/PS1/coManagementPolicy`.
fn hierarchy_of(policy: &str) -> String {
    policy.split('/').nth(3).unwrap_or_default().to_owned()
}

fn kept(answer: GetSurroundingsResponse) -> Result<(Arc<Surroundings>, Arc<TenantFacts>), Failure> {
    let message = answer.tenant.unwrap_or_default();
    let facts = convert::tenant::from_proto(message.clone());
    let facts = facts.map_err(|violations| broken("GetSurroundings", &violations))?;
    let by_id = answer.hierarchies.into_iter().map(|hierarchy| (hierarchy.hierarchy.clone(), hierarchy));
    let surroundings =
        Surroundings { revision: answer.revision, tenant: message, hierarchies: by_id.collect() };
    Ok((Arc::new(surroundings), Arc::new(facts)))
}

/// An answer that breaks the contract: the other service has a defect, or is of a later release.
pub(crate) fn broken(method: &str, violations: &[Violation]) -> Failure {
    let violations: Vec<String> = violations.iter().map(ToString::to_string).collect();
    Failure::internal(format!("the answer of {method} breaks the contract: {}", violations.join("; ")))
}

fn affected(before: &World, after: &World) -> Affected {
    let incarnation = |world: &World, service| world.token.get(service).map(|mark| mark.incarnation);
    let restored = |service| incarnation(before, service) != incarnation(after, service);
    if before.surroundings.tenant != after.surroundings.tenant
        || restored(Service::Inventory)
        || restored(Service::Authority)
    {
        return Affected::Everybody;
    }
    let mut changed = differing(&before.policies, &after.policies);
    if !Arc::ptr_eq(&before.surroundings, &after.surroundings) {
        changed.extend(differing(&before.surroundings.hierarchies, &after.surroundings.hierarchies));
    }
    if changed.is_empty() {
        return Affected::Nobody;
    }
    // No device is in a hierarchy whose id is none.
    Affected::Hierarchies(changed.into_iter().filter_map(|id| HierarchyId::parse(id).ok()).collect())
}

/// The keys that have another value, or none, in the other map.
fn differing<'a, V: PartialEq>(
    one: &'a BTreeMap<String, V>,
    other: &'a BTreeMap<String, V>,
) -> BTreeSet<&'a str> {
    let keys = one.keys().chain(other.keys());
    keys.filter(|key| one.get(*key) != other.get(*key)).map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world(inventory: u64, plan: i32, policies: &[(&str, u64)], hierarchies: &[(&str, &str)]) -> World {
        let hierarchies = hierarchies.iter().map(|(id, collection)| {
            let complete_collections = vec![(*collection).to_owned()];
            let hierarchy =
                HierarchySurroundings { hierarchy: (*id).into(), complete_collections, ..Default::default() };
            ((*id).to_owned(), hierarchy)
        });
        let tenant = TenantMessage { entra_plan: plan, ..TenantMessage::default() };
        World {
            number: 1,
            token: ConsistencyToken::default().with(Service::Inventory, inventory, 1),
            tenant: Arc::default(),
            surroundings: Arc::new(Surroundings { revision: 1, tenant, hierarchies: hierarchies.collect() }),
            policies: policies.iter().map(|(id, revision)| ((*id).to_owned(), *revision)).collect(),
        }
    }

    fn hierarchies<const N: usize>(ids: [&str; N]) -> Affected {
        Affected::Hierarchies(ids.into_iter().map(|id| HierarchyId::parse(id).unwrap()).collect())
    }

    #[test]
    fn change_affects_those_whom_it_surrounds() {
        let before = world(7, 1, &[("PS1", 3)], &[("PS1", "PS100042"), ("EU1", "EU100010")]);
        for (after, expected) in [
            (world(7, 1, &[("PS1", 3)], &[("PS1", "PS100042"), ("EU1", "EU100010")]), Affected::Nobody),
            (world(7, 2, &[("PS1", 3)], &[("PS1", "PS100042"), ("EU1", "EU100010")]), Affected::Everybody),
            (world(8, 1, &[("PS1", 3)], &[("PS1", "PS100042"), ("EU1", "EU100010")]), Affected::Everybody),
            (world(7, 1, &[("PS1", 4)], &[("PS1", "PS100042"), ("EU1", "EU100010")]), hierarchies(["PS1"])),
            (world(7, 1, &[], &[("PS1", "PS100042"), ("EU1", "EU100011")]), hierarchies(["EU1", "PS1"])),
            (world(7, 1, &[("PS1", 3)], &[("PS1", "PS100042")]), hierarchies(["EU1"])),
        ] {
            assert_eq!(affected(&before, &after), expected);
        }
    }
}
