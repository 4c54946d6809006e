//! What surrounds a tenant's devices: the tenant's facts, its hierarchies, the policies, and what the counting service itself keeps of it.
//! A change of it changes answers about devices that did not change themselves.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use tandem_client::fleet::{self, TenantPolicies, TenantSurroundings};
use tandem_domain::facts::DeviceFacts;
use tandem_domain::id::HierarchyId;
use tandem_domain::policy::Surroundings;
use tandem_server::ConsistencyToken;
use tandem_server::consistency::{Mark, Service};
use tandem_server::failure::Failure;

use super::judge::{Judge, Own, Sources};
use super::{AUTHORITY, INVENTORY};

/// What surrounds the devices of a tenant, as last read.
#[derive(Debug)]
pub struct World<O> {
    /// Counts the changes of it; devices judged under another number have older surroundings.
    pub number: u64,
    /// How far inventory and authority were when it was read, and the service itself where it keeps anything.
    pub token: ConsistencyToken,
    /// The tenant, its hierarchies and their sites.
    pub surroundings: Arc<TenantSurroundings>,
    /// The hierarchies' policies as configured.
    pub policies: Arc<TenantPolicies>,
    /// What the service itself keeps of the tenant.
    pub own: Arc<O>,
}

impl<O> World<O> {
    /// What surrounds one device.
    #[must_use]
    pub fn around(&self, facts: &DeviceFacts) -> Surroundings<'_> {
        let policy = facts.hierarchy.as_ref().and_then(|hierarchy| self.policies.by_hierarchy.get(hierarchy));
        self.surroundings.of(facts, policy.map(|(policy, _)| policy))
    }
}

/// Whose answers a new world changes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Affected {
    /// Nobody's: only the token is newer.
    Nobody,
    /// Those of the devices of these hierarchies.
    Hierarchies(BTreeSet<HierarchyId>),
    /// Everybody's, by what the service itself keeps.
    ByOwn,
    /// Everybody's.
    Everybody,
}

/// Reads the world anew. `known` is the last reading.
///
/// # Errors
/// A service does not answer, or breaks its contract.
pub(super) async fn read<J: Judge>(
    (judge, sources): (J, Sources),
    tenant: String,
    known: Option<Arc<World<J::Own>>>,
) -> Result<(Arc<World<J::Own>>, Affected), Failure> {
    // A follower must know exactly which world it has seen: nothing that was read before will do.
    let (surroundings, policies, own) = tokio::join!(
        sources.surroundings.dated(&tenant, None, Duration::ZERO),
        sources.policies.dated(&tenant, None, Duration::ZERO),
        judge.own(&tenant)
    );
    let surroundings = surroundings.map_err(|status| Failure::from_dependency(INVENTORY, status))?;
    let policies = policies.map_err(|status| Failure::from_dependency(AUTHORITY, status))?;
    let mut token = ConsistencyToken::default();
    // What the authority has seen of the inventory is its own business.
    for (service, world) in [(Service::Inventory, surroundings.world), (Service::Authority, policies.world)] {
        if let Some(fleet::World { incarnation, revision }) = world {
            token = token.with(service, incarnation, revision);
        }
    }
    let Own { value: own, mark } = own?;
    if let Some((service, Mark { incarnation, revision })) = J::SERVICE.zip(mark) {
        token = token.with(service, incarnation, revision);
    }
    let (surroundings, policies) = (surroundings.value, policies.value);
    let mut world = World { number: 0, token, surroundings, policies, own };
    let affected = known.as_ref().map_or(Affected::Everybody, |known| affected(known, &world));
    let number = known.map_or(0, |known| known.number);
    world.number = if affected == Affected::Nobody { number } else { number + 1 };
    Ok((Arc::new(world), affected))
}

fn affected<O: PartialEq>(before: &World<O>, after: &World<O>) -> Affected {
    let incarnation = |world: &World<O>, service| world.token.get(service).map(|mark| mark.incarnation);
    let restored = |service| incarnation(before, service) != incarnation(after, service);
    if before.surroundings.tenant != after.surroundings.tenant
        || restored(Service::Inventory)
        || restored(Service::Authority)
    {
        return Affected::Everybody;
    }
    if before.own != after.own {
        return Affected::ByOwn;
    }
    let mut changed = differing(&before.policies.by_hierarchy, &after.policies.by_hierarchy);
    if !Arc::ptr_eq(&before.surroundings, &after.surroundings) {
        changed.extend(differing(&before.surroundings.hierarchies, &after.surroundings.hierarchies));
    }
    if changed.is_empty() {
        return Affected::Nobody;
    }
    Affected::Hierarchies(changed.into_iter().cloned().collect())
}

/// The keys that have another value, or none, in the other map.
fn differing<'a, K: Eq + Hash + Ord, V: PartialEq>(
    one: &'a HashMap<K, V>,
    other: &'a HashMap<K, V>,
) -> BTreeSet<&'a K> {
    let keys = one.keys().chain(other.keys());
    keys.filter(|key| one.get(*key) != other.get(*key)).collect()
}

#[cfg(test)]
mod tests {
    use tandem_client::fleet::HierarchySurroundings;
    use tandem_domain::id::CollectionId;
    use tandem_domain::policy::CoManagementPolicy;
    use tandem_domain::tenant::{EntraPlan, TenantFacts};

    use super::*;

    fn id(id: &str) -> HierarchyId {
        HierarchyId::parse(id).unwrap()
    }

    fn world(
        inventory: u64,
        plan: EntraPlan,
        policies: &[(&str, u64)],
        hierarchies: &[(&str, &str)],
    ) -> World<u8> {
        let hierarchies = hierarchies.iter().map(|(hierarchy, collection)| {
            let complete_collections = [CollectionId::parse(collection).unwrap()].into();
            (id(hierarchy), HierarchySurroundings { complete_collections, ..Default::default() })
        });
        let tenant = TenantFacts { entra_plan: Some(plan), ..TenantFacts::default() };
        let policies =
            policies.iter().map(|(hierarchy, at)| (id(hierarchy), (CoManagementPolicy::default(), *at)));
        World {
            number: 1,
            token: ConsistencyToken::default().with(Service::Inventory, inventory, 1),
            surroundings: Arc::new(TenantSurroundings {
                tenant,
                hierarchies: hierarchies.collect(),
                ..TenantSurroundings::default()
            }),
            policies: Arc::new(TenantPolicies {
                by_hierarchy: policies.collect(),
                ..TenantPolicies::default()
            }),
            own: Arc::new(1),
        }
    }

    fn hierarchies<const N: usize>(ids: [&str; N]) -> Affected {
        Affected::Hierarchies(ids.into_iter().map(id).collect())
    }

    #[test]
    fn change_affects_those_whom_it_surrounds() {
        let before = world(7, EntraPlan::P1, &[("PS1", 3)], &[("PS1", "PS100042"), ("EU1", "EU100010")]);
        for (after, expected) in [
            (
                world(7, EntraPlan::P1, &[("PS1", 3)], &[("PS1", "PS100042"), ("EU1", "EU100010")]),
                Affected::Nobody,
            ),
            (
                world(7, EntraPlan::P2, &[("PS1", 3)], &[("PS1", "PS100042"), ("EU1", "EU100010")]),
                Affected::Everybody,
            ),
            (
                world(8, EntraPlan::P1, &[("PS1", 3)], &[("PS1", "PS100042"), ("EU1", "EU100010")]),
                Affected::Everybody,
            ),
            (
                world(7, EntraPlan::P1, &[("PS1", 4)], &[("PS1", "PS100042"), ("EU1", "EU100010")]),
                hierarchies(["PS1"]),
            ),
            (
                world(7, EntraPlan::P1, &[], &[("PS1", "PS100042"), ("EU1", "EU100011")]),
                hierarchies(["EU1", "PS1"]),
            ),
            (world(7, EntraPlan::P1, &[("PS1", 3)], &[("PS1", "PS100042")]), hierarchies(["EU1"])),
        ] {
            assert_eq!(affected(&before, &after), expected);
        }
        let after = World { own: Arc::new(2), ..world(7, EntraPlan::P1, &[], &[]) };
        assert_eq!(affected(&before, &after), Affected::ByOwn);
    }
}
