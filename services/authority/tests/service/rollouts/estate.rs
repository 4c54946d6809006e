//! A hierarchy whose pilot moves: four co-managed devices, a clock that a test moves, and any number of replicas of the service.

use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tandem_authority::{Authority, Parts};
use tandem_client::Connection;
use tandem_contracts::authority::v1::approval_service_client::ApprovalServiceClient;
use tandem_contracts::authority::v1::audit_service_client::AuditServiceClient;
use tandem_contracts::authority::v1::authority_service_client::AuthorityServiceClient;
use tandem_contracts::authority::v1::plan_service_client::PlanServiceClient;
use tandem_contracts::authority::v1::rollout_service_client::RolloutServiceClient;
use tandem_contracts::authority::v1::rollout_wave_spec::Choice;
use tandem_contracts::authority::v1::{
    ConfirmRolloutActionRequest, CreateRolloutRequest, DeviceGroup, GetRolloutRequest,
    ListRolloutActionsRequest, Rollout, RolloutAction, RolloutDirection, RolloutPhase, RolloutSpec,
    RolloutWavePhase, RolloutWaveSpec, StartRolloutRequest, SubmitRolloutRequest,
    UpdateCoManagementPolicyRequest,
};
use tandem_contracts::convert::time;
use tandem_contracts::inventory::v1::collection_service_server::CollectionServiceServer;
use tandem_contracts::inventory::v1::device_service_server::DeviceServiceServer;
use tandem_contracts::inventory::v1::hierarchy_service_server::HierarchyServiceServer;
use tandem_contracts::inventory::v1::tenant_service_server::TenantServiceServer;
use tandem_contracts::inventory::v1::{Collection, Device};
use tandem_contracts::r#type::v1::{
    CoManagementPolicy, Justification, Permission, SliderPosition, Workload, WorkloadSetting,
};
use tandem_domain::facts::{DeviceFacts, Fact, SectionStamp};
use tandem_domain::id::{CollectionId, HierarchyId};
use tandem_domain::section::{SectionKind, Source};
use tandem_server::{
    ApiServer, Authenticator, Clock, ClockHand, Credentials, Failure, LocalAuthenticator, Principal,
    Supervisor,
};
use tandem_testkit::database::Place;
use tandem_testkit::wait::until;
use tonic::Status;
use tonic::transport::Channel;

use crate::inventory::Inventory;
use crate::{fleet, now};

pub(crate) const HIERARCHY: &str = "tenants/contoso/hierarchies/PS1";
pub(crate) const ROLLOUT: &str = "tenants/contoso/hierarchies/PS1/rollouts/apps";
pub(crate) const PILOT: &str = "PS100030";

/// That many minutes after the beginning.
pub(crate) fn at(minute: i64) -> Timestamp {
    now() + SignedDuration::from_mins(minute)
}

pub(crate) fn device(number: u32) -> String {
    format!("tenants/contoso/devices/r{number}")
}

pub(crate) fn because(reason: &str) -> Option<Justification> {
    Some(Justification { reason: reason.into(), ticket: String::new() })
}

/// What the hierarchy's site and its devices would say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    pub(crate) in_pilot: bool,
    pub(crate) at_intune: bool,
    pub(crate) failed: bool,
    /// When it was said.
    pub(crate) minute: i64,
}

impl Told {
    pub(crate) const fn nothing() -> Self {
        Self { in_pilot: false, at_intune: false, failed: false, minute: 0 }
    }
}

/// A device as the inventory has it. 8193: the policy is present, in the newer layout; 64: client apps.
fn message(number: u32, told: Told) -> Device {
    let said_at = at(told.minute);
    let site = Source::ConfigMgr(HierarchyId::parse("PS1").unwrap());
    let stamp = SectionStamp {
        source: site,
        kind: SectionKind::CoManagementState,
        key: format!("PS1/{}", 16_777_300 + number),
        observed_at: said_at,
    };
    let collections = told.in_pilot.then(|| CollectionId::parse(PILOT).unwrap());
    let facts = DeviceFacts {
        sections: vec![stamp],
        name: Some(Fact::new(format!("WS-{number}"), 0)),
        collections: collections.into_iter().collect(),
        capability_text: Some(Fact::new(if told.at_intune { "8257" } else { "8193" }.to_owned(), 0)),
        last_site_contact: Some(Fact::new(said_at, 0)),
        enrollment_failed: told.failed.then(|| Fact::new(true, 0)),
        cloud_co_managed: None,
        ..fleet::co_managed("PS1")
    };
    fleet::device(&device(number), 1, &facts)
}

/// Client apps at Pilot Intune.
fn policy() -> CoManagementPolicy {
    let setting = |workload: Workload| WorkloadSetting {
        workload: workload.into(),
        slider: SliderPosition::PilotIntune.into(),
        pilot_collection: PILOT.into(),
    };
    CoManagementPolicy {
        name: fleet::POLICY.into(),
        enabled: Some(true),
        workloads: vec![setting(Workload::ClientApps), setting(Workload::DeviceConfiguration)],
        ..CoManagementPolicy::default()
    }
}

/// Somebody who may do everything.
#[derive(Debug, Clone)]
struct Somebody(Arc<Principal>);

impl Authenticator for Somebody {
    fn authenticate<'a>(&'a self, _: Credentials<'a>) -> BoxFuture<'a, Result<Arc<Principal>, Failure>> {
        Box::pin(std::future::ready(Ok(Arc::clone(&self.0))))
    }
}

/// A replica of the service, with a client of whoever sits at it.
#[derive(Clone)]
pub(crate) struct Replica {
    pub(crate) authority: Authority,
    pub(crate) rollouts: RolloutServiceClient<Channel>,
    pub(crate) audit: AuditServiceClient<Channel>,
    pub(crate) policies: AuthorityServiceClient<Channel>,
    pub(crate) plans: PlanServiceClient<Channel>,
    pub(crate) approvals: ApprovalServiceClient<Channel>,
    supervisor: Supervisor,
}

/// Everything runs until this is dropped.
pub(crate) struct Estate {
    pub(crate) inventory: Inventory,
    pub(crate) hand: ClockHand,
    pub(crate) place: Place,
    pub(crate) replica: Replica,
    clock: Clock,
}

impl Estate {
    /// Devices 1 to 4 of PS1, in no pilot, as of minute 0.
    pub(crate) async fn new() -> Self {
        let inventory = Inventory::of_sample_fleet();
        {
            let mut world = inventory.world();
            world.devices = (1..=4).map(|number| message(number, Told::nothing())).collect();
            world.hierarchies[1].complete_collections.push(PILOT.into());
        }
        let (clock, hand) = Clock::movable(now());
        let place = Place::new().await;
        let replica = Replica::open(&place, &inventory, clock).await;
        let mut estate = Self { inventory, hand, place, replica, clock };
        estate.read_pilot(0);
        let request = UpdateCoManagementPolicyRequest { policy: Some(policy()), ..Default::default() };
        estate.replica.policies.update_co_management_policy(request).await.unwrap();
        estate
    }

    /// Another replica on the same database.
    pub(crate) async fn another(&self) -> Replica {
        Replica::open(&self.place, &self.inventory, self.clock).await
    }

    /// The members of the pilot collection were read then.
    pub(crate) fn read_pilot(&self, minute: i64) {
        self.inventory.describe(Collection {
            name: format!("{HIERARCHY}/collections/{PILOT}"),
            display_name: "Pilot client apps".into(),
            members_complete: true,
            observed_at: Some(time::to_proto(at(minute))),
            ..Collection::default()
        });
    }

    /// A device says something.
    pub(crate) fn tell(&self, number: u32, told: Told) {
        self.inventory.change(message(number, told));
    }

    /// Devices join the pilot, and its members are read.
    pub(crate) fn join_pilot(&self, numbers: &[u32], minute: i64) {
        for number in numbers {
            self.tell(*number, Told { in_pilot: true, minute, ..Told::nothing() });
        }
        self.read_pilot(minute);
    }

    /// Devices report client apps at Intune.
    pub(crate) fn arrive(&self, numbers: &[u32], minute: i64) {
        for number in numbers {
            self.tell(*number, Told { in_pilot: true, at_intune: true, failed: false, minute });
        }
    }

    /// Looks at the rollout until it is so.
    pub(crate) async fn looks_until(&mut self, what: &str, is_so: impl Fn(&Rollout) -> bool) -> Rollout {
        let Replica { authority, rollouts, .. } = &mut self.replica;
        until(what, async || {
            authority.look_at_rollouts().await;
            Some(get(rollouts).await).filter(|rollout| is_so(rollout))
        })
        .await
    }
}

/// The inventory behind a channel, until the supervisor drains.
pub(crate) fn served(inventory: &Inventory, supervisor: &Supervisor) -> Channel {
    let server = ApiServer::new(LocalAuthenticator::default())
        .without_reflection()
        .add_service(TenantServiceServer::new(inventory.clone()))
        .add_service(HierarchyServiceServer::new(inventory.clone()))
        .add_service(DeviceServiceServer::new(inventory.clone()))
        .add_service(CollectionServiceServer::new(inventory.clone()));
    tandem_testkit::serve(supervisor, "inventory", server)
}

impl Replica {
    async fn open(place: &Place, inventory: &Inventory, clock: Clock) -> Self {
        let supervisor = Supervisor::new();
        let inventory = served(inventory, &supervisor);
        Self::before(place, inventory, supervisor, clock, None).await
    }

    /// The same before an inventory that is served already.
    pub(crate) async fn before(
        place: &Place,
        inventory: Channel,
        supervisor: Supervisor,
        clock: Clock,
        history: Option<SignedDuration>,
    ) -> Self {
        let parts = Parts {
            database: place.of("authority"),
            inventory: Connection::from_channel(inventory),
            cache: None,
            clock,
            supervisor: supervisor.clone(),
            signing_key: None,
            heads_file: None,
            history,
        };
        let authority = Authority::open(parts).await.unwrap();
        let server = authority.serve_on(ApiServer::new(LocalAuthenticator::default()).without_reflection());
        let channel = tandem_testkit::serve(&supervisor, "authority", server);
        let rollouts = RolloutServiceClient::new(channel.clone());
        let (audit, policies) =
            (AuditServiceClient::new(channel.clone()), AuthorityServiceClient::new(channel.clone()));
        let (plans, approvals) =
            (PlanServiceClient::new(channel.clone()), ApprovalServiceClient::new(channel));
        Self { authority, rollouts, audit, policies, plans, approvals, supervisor }
    }

    /// It is gone, and gives nothing up that it holds.
    pub(crate) fn die(&self) {
        self.supervisor.drain();
    }

    /// A client of somebody of that name, who may do everything.
    pub(crate) fn client_of(&self, name: &str) -> RolloutServiceClient<Channel> {
        let everything = (1..).map_while(|number| Permission::try_from(number).ok());
        let somebody = Somebody(Arc::new(Principal::with_permissions(name, everything)));
        let server = self.authority.serve_on(ApiServer::new(somebody));
        RolloutServiceClient::new(tandem_testkit::serve(&self.supervisor, name, server))
    }
}

pub(crate) async fn get(rollouts: &mut RolloutServiceClient<Channel>) -> Rollout {
    let request = GetRolloutRequest { name: ROLLOUT.into() };
    rollouts.get_rollout(request).await.unwrap().into_inner().rollout.unwrap()
}

/// These devices, a soak of an hour, 90 % must arrive and 10 % may fail.
pub(crate) fn wave(choice: Choice) -> RolloutWaveSpec {
    RolloutWaveSpec {
        choice: Some(choice),
        soak_minutes: 60,
        success_gate: 9_000,
        failure_gate: 1_000,
        ..RolloutWaveSpec::default()
    }
}

pub(crate) fn group(numbers: &[u32]) -> Choice {
    Choice::Devices(DeviceGroup { devices: numbers.iter().copied().map(device).collect() })
}

/// Client apps to Intune.
pub(crate) fn spec(waves: Vec<RolloutWaveSpec>) -> RolloutSpec {
    RolloutSpec {
        workload: Workload::ClientApps.into(),
        direction: RolloutDirection::ToIntune.into(),
        pilot_collection: PILOT.into(),
        waves,
        ..RolloutSpec::default()
    }
}

pub(crate) async fn draft(
    rollouts: &mut RolloutServiceClient<Channel>,
    spec: RolloutSpec,
) -> Result<Rollout, Status> {
    let request = CreateRolloutRequest { name: ROLLOUT.into(), spec: Some(spec), ..Default::default() };
    Ok(rollouts.create_rollout(request).await?.into_inner().rollout.unwrap())
}

pub(crate) async fn submit(rollouts: &mut RolloutServiceClient<Channel>) -> Result<Rollout, Status> {
    let request = SubmitRolloutRequest { name: ROLLOUT.into(), ..Default::default() };
    Ok(rollouts.submit_rollout(request).await?.into_inner().rollout.unwrap())
}

pub(crate) async fn start(rollouts: &mut RolloutServiceClient<Channel>) -> Result<Rollout, Status> {
    let request = StartRolloutRequest { name: ROLLOUT.into(), ..Default::default() };
    Ok(rollouts.start_rollout(request).await?.into_inner().rollout.unwrap())
}

/// Drafted, submitted and started.
pub(crate) async fn started(estate: &mut Estate, spec: RolloutSpec) -> Rollout {
    let rollouts = &mut estate.replica.rollouts;
    draft(rollouts, spec).await.unwrap();
    submit(rollouts).await.unwrap();
    start(rollouts).await.unwrap()
}

pub(crate) async fn actions(rollouts: &mut RolloutServiceClient<Channel>, all: bool) -> Vec<RolloutAction> {
    let request = ListRolloutActionsRequest { parent: ROLLOUT.into(), all, ..Default::default() };
    rollouts.list_rollout_actions(request).await.unwrap().into_inner().actions
}

pub(crate) async fn confirm(
    rollouts: &mut RolloutServiceClient<Channel>,
    action: &RolloutAction,
) -> Result<RolloutAction, Status> {
    let request = ConfirmRolloutActionRequest { name: action.name.clone(), ..Default::default() };
    Ok(rollouts.confirm_rollout_action(request).await?.into_inner().action.unwrap())
}

/// The phase of the rollout, and those of its waves.
pub(crate) fn phases(rollout: &Rollout) -> (RolloutPhase, Vec<RolloutWavePhase>) {
    (rollout.phase(), rollout.waves.iter().map(|wave| wave.phase()).collect())
}

/// The numbers of an action's devices.
pub(crate) fn moved(action: &RolloutAction) -> Vec<u32> {
    action.members.iter().map(|member| member.resource_id - 16_777_300).collect()
}
