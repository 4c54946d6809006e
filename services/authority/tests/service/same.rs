//! `CheckAuthority` says what `GetEffectiveAuthority` says, whatever is kept from before: over a fleet that changes between the calls,
//! with its policies, its surroundings and the cache of its states.

use std::sync::Arc;
use std::time::SystemTime;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use prost::Message;
use tandem_cache::{
    BoxFuture, DeviceStateCache, Entry, Epoch, Finding, Following, InProcessCache, Position, Removal, Value,
    WriteError,
};
use tandem_contracts::authority::v1::{CheckAuthorityResponse, GetEffectiveAuthorityRequest};
use tandem_contracts::r#type::v1::{
    CoManagementPolicy, ManagementAuthority as Who, SliderPosition, Workload, WorkloadSetting,
};
use tandem_domain::facts::{DeviceFacts, Fact};
use tandem_domain::id::{CollectionId, HierarchyId, SiteCode};
use tandem_server::ConsistencyToken;

use crate::check::check;
use crate::effective::WORKLOADS;
use crate::fleet::{self, PILOT_MEMBER, device, said};
use crate::{Sandbox, sandbox_with};

/// Changes, after each of which everything is compared.
const ROUNDS: usize = 60;

const COLLECTIONS: [&str; 3] = ["PS100014", "PS100020", "PS100042"];
const CLAIMANTS: [Who; 2] = [Who::ConfigurationManager, Who::Intune];

/// A cache whose clock stands still, so that what it was told stays trusted.
#[derive(Debug)]
pub(crate) struct Still {
    cache: InProcessCache,
    epoch: Epoch,
}

const THEN: SystemTime = SystemTime::UNIX_EPOCH;

impl Still {
    async fn of_incarnation(incarnation: u64) -> Self {
        let cache = InProcessCache::new(1 << 20);
        let begin = Position { incarnation, revision: 0 };
        let epoch = cache.open("contoso", begin, THEN).await.unwrap().epoch;
        Self { cache, epoch }
    }
}

macro_rules! readers_do_not_write {
    ($($method:ident($($argument:ty),*) -> $answer:ty;)*) => {$(
        fn $method<'a>(&'a self, $(_: $argument),*) -> BoxFuture<'a, Result<$answer, WriteError>> {
            unreachable!("readers do not write")
        }
    )*};
}

impl DeviceStateCache for Still {
    fn get_many<'a>(
        &'a self,
        tenant: &'a str,
        ids: &'a [&'a str],
        at_least: Option<Position>,
        _: SystemTime,
    ) -> BoxFuture<'a, Option<Vec<Option<Value>>>> {
        self.cache.get_many(tenant, ids, at_least, THEN)
    }

    fn find<'a>(
        &'a self,
        tenant: &'a str,
        id: &'a str,
        at_least: Option<Position>,
        _: SystemTime,
    ) -> Finding<'a> {
        self.cache.find(tenant, id, at_least, THEN)
    }

    fn is_full(&self) -> bool {
        false
    }

    readers_do_not_write! {
        open(&'a str, Position, SystemTime) -> Following;
        put_many(&'a str, Epoch, &'a [Entry], u64) -> ();
        remove_many(&'a str, Epoch, &'a [Removal], u64) -> ();
        advance(&'a str, Epoch, u64, SystemTime) -> ();
        clear(&'a str) -> ();
    }
}

/// The sample fleet behind a cache.
struct Estate {
    sandbox: Sandbox,
    cache: Arc<Still>,
}

impl Estate {
    async fn new() -> Self {
        let cache = Arc::new(Still::of_incarnation(7).await);
        let sandbox = sandbox_with(Some(Arc::<Still>::clone(&cache))).await;
        let estate = Self { sandbox, cache };
        let all = estate.sandbox.inventory.world().devices.clone();
        for known in &all {
            estate.tell(known).await;
        }
        estate.confirm().await;
        estate
    }

    /// Tells the cache of a device.
    async fn tell(&self, known: &tandem_contracts::inventory::v1::Device) {
        let id = known.name.rsplit('/').next().unwrap().into();
        let entry = Entry { id, revision: known.revision, value: known.encode_to_vec().into() };
        let as_of = known.revision;
        self.cache.cache.put_many("contoso", self.cache.epoch, &[entry], as_of).await.unwrap();
    }

    /// The cache was told everything.
    async fn confirm(&self) {
        let revision = self.sandbox.inventory.world().revision;
        self.cache.cache.advance("contoso", self.cache.epoch, revision, THEN).await.unwrap();
    }

    fn device_reads(&self) -> usize {
        self.sandbox.inventory.world().devices_read
    }

    /// Compares both methods at the world of the token, for each device, workload and claimant.
    async fn compare(&mut self, token: &str) {
        let names: Vec<String> =
            self.sandbox.inventory.world().devices.iter().map(|known| known.name.clone()).collect();
        for name in names {
            let request =
                GetEffectiveAuthorityRequest { name: name.clone(), consistency_token: token.to_owned() };
            let whole = self.sandbox.client.get_effective_authority(request).await.unwrap().into_inner();
            let effective = whole.effective_authority.unwrap();
            for (place, workload) in WORKLOADS.into_iter().enumerate() {
                for claimant in CLAIMANTS {
                    let found = check(&mut self.sandbox, &name, workload, claimant, token).await.unwrap();
                    let decided = effective.workloads[place];
                    let expected = CheckAuthorityResponse {
                        allowed: decided.authority == i32::from(claimant),
                        holder: decided.authority,
                        reason: decided.reason,
                        ways_out: found.ways_out.clone(),
                        device_revision: effective.device_revision,
                        policy_revision: effective.policy_revision,
                        consistency_token: whole.consistency_token.clone(),
                        since: None,
                        since_first_look: false,
                    };
                    assert_eq!(found, expected, "{workload:?} for {claimant:?} on {name}");
                }
            }
        }
    }
}

/// What happens between two comparisons.
#[derive(Debug, Clone)]
enum Change {
    /// A device is another one, or new. Whether the cache hears of it at once, or has to leave it to the inventory.
    Device { number: u8, facts: Box<DeviceFacts>, told: bool },
    /// Sites and collections of a hierarchy.
    Surroundings { version: Option<&'static str>, complete: Vec<&'static str> },
    /// A policy is recorded.
    Policy(Box<CoManagementPolicy>),
    /// The cache is confirmed up to the head.
    Confirm,
}

fn maybe(often: f64) -> impl Strategy<Value = Option<Fact<bool>>> {
    proptest::option::weighted(0.9, proptest::bool::weighted(often).prop_map(|value| Fact::new(value, 0)))
}

fn facts() -> impl Strategy<Value = DeviceFacts> {
    let flags = (maybe(0.9), maybe(0.9), maybe(0.9), maybe(0.9), maybe(0.1));
    let place = (
        proptest::option::weighted(0.9, select(vec!["PS1", "EU1"])),
        subsequence(COLLECTIONS.to_vec(), 0..=COLLECTIONS.len()),
    );
    (flags, place).prop_map(
        |((client, enrolled, policy, provisioned, overridden), (hierarchy, collections))| DeviceFacts {
            client_installed: client,
            mdm_enrolled: enrolled,
            policy_present: policy,
            mdm_provisioned: provisioned,
            autopilot_override: overridden,
            site: hierarchy.and_then(|code| said(SiteCode::parse(code).unwrap())),
            collections: collections.into_iter().map(|id| CollectionId::parse(id).unwrap()).collect(),
            ..match hierarchy {
                Some(hierarchy) => fleet::co_managed(hierarchy),
                None => DeviceFacts { hierarchy: None::<HierarchyId>, ..fleet::co_managed("PS1") },
            }
        },
    )
}

fn policy() -> impl Strategy<Value = CoManagementPolicy> {
    let positions =
        [SliderPosition::ConfigurationManager, SliderPosition::PilotIntune, SliderPosition::Intune];
    let setting = (select(positions.to_vec()), select(COLLECTIONS.to_vec()));
    let settings = proptest::collection::vec(setting, WORKLOADS.len());
    (select(vec![Some(true), Some(true), Some(false), None]), settings).prop_map(|(enabled, settings)| {
        let settings = WORKLOADS.into_iter().zip(settings);
        CoManagementPolicy {
            name: fleet::POLICY.into(),
            enabled,
            workloads: settings
                .map(|(workload, (slider, collection)): (Workload, _)| WorkloadSetting {
                    workload: workload.into(),
                    slider: slider.into(),
                    pilot_collection: collection.into(),
                })
                .collect(),
            ..CoManagementPolicy::default()
        }
    })
}

fn change() -> impl Strategy<Value = Change> {
    let version = proptest::option::weighted(0.8, select(vec!["2309", "2403", "2509"]));
    let complete = subsequence(COLLECTIONS.to_vec(), 0..=COLLECTIONS.len());
    prop_oneof![
        4 => (1..7_u8, facts(), any::<bool>())
            .prop_map(|(number, facts, told)| Change::Device { number, facts: Box::new(facts), told }),
        2 => (version, complete).prop_map(|(version, complete)| Change::Surroundings { version, complete }),
        2 => policy().prop_map(|policy| Change::Policy(Box::new(policy))),
        2 => Just(Change::Confirm),
    ]
}

impl Estate {
    async fn make(&mut self, change: Change) {
        match change {
            Change::Device { number, facts, told } => {
                let name = format!("tenants/contoso/devices/d{number}");
                let known = {
                    let mut world = self.sandbox.inventory.world();
                    world.revision += 1;
                    let known = device(&name, world.revision, &facts);
                    world.devices.retain(|other| other.name != name);
                    world.devices.push(known.clone());
                    known
                };
                if told {
                    self.tell(&known).await;
                }
            }
            Change::Surroundings { version, complete } => {
                let mut world = self.sandbox.inventory.world();
                world.revision += 1;
                world.surroundings_revision = world.revision;
                let hierarchy = &mut world.hierarchies[1];
                hierarchy.sites.get_mut("PS1").unwrap().version = version.map(str::to_owned);
                hierarchy.complete_collections = complete.into_iter().map(str::to_owned).collect();
            }
            Change::Policy(policy) => drop(self.sandbox.record(*policy).await.unwrap()),
            Change::Confirm => {
                let all = self.sandbox.inventory.world().devices.clone();
                for known in &all {
                    self.tell(known).await;
                }
                self.confirm().await;
            }
        }
    }
}

pub(crate) async fn answer_is_that_of_get_effective_authority_whatever_is_kept() {
    let mut estate = Estate::new().await;
    let mut world = ConsistencyToken::default();
    let (mut runner, changes) = (TestRunner::deterministic(), change());
    for _ in 0..ROUNDS {
        let drawn = changes.new_tree(&mut runner).unwrap().current();
        estate.make(drawn).await;
        // At least the inventory of now; this service is of now in any case.
        world = world.merge(&estate.sandbox.inventory.world().world());
        estate.compare(&world.to_string()).await;
    }
}

pub(crate) async fn device_that_the_cache_holds_is_not_asked_for() {
    let mut estate = Estate::new().await;
    estate.sandbox.record(fleet::policy()).await.unwrap();
    let token = estate.sandbox.inventory.world().token();
    let before = estate.device_reads();
    for claimant in [Who::ConfigurationManager, Who::Intune, Who::Intune] {
        let found = check(&mut estate.sandbox, PILOT_MEMBER, Workload::CompliancePolicies, claimant, &token);
        assert_eq!(found.await.unwrap().allowed, claimant == Who::Intune);
    }
    assert_eq!(estate.device_reads(), before);
    // The cache is behind now: the inventory has the word.
    estate.sandbox.inventory.world().revision += 1;
    let token = estate.sandbox.inventory.world().token();
    let found = check(&mut estate.sandbox, PILOT_MEMBER, Workload::CompliancePolicies, Who::Intune, &token);
    assert!(found.await.unwrap().allowed);
    assert_eq!(estate.device_reads(), before + 1);
}
