//! Lets things happen to the service and to the model.

use std::collections::BTreeMap;

use tandem_contracts::authority::v1::{
    ApprovalRules, ListRolloutActionsRequest, ListRolloutsRequest, UpdateApprovalRulesRequest,
};
use tandem_server::{Clock, ClockHand, ConsistencyToken, Supervisor};
use tandem_testkit::database::Place;
use tonic::transport::Channel;

use super::asking::{Mortal, Said, ask, rollout_name, rollout_number, wait_for_writers};
use super::courses::{Event, same};
use super::deed::{Deed, Effort, How};
use super::policies::Planned;
use super::rollout::Rollout;
use super::shown::Shown;
use super::site::{Report, Site};
use super::table::{APPS, CONFIGURATION, Policy, Slider};
use super::tenant::{Command, Order, Tenant};
use crate::inventory::Inventory;
use crate::rollouts::estate::{HIERARCHY, Replica, at, served};
use crate::{TENANT, now};

/// What is wrong, in words.
pub(super) type Checked = Result<(), String>;

pub(super) struct Life {
    pub(super) inventory: Inventory,
    /// What the inventory is asked through, and who keeps it served.
    channel: Channel,
    _keeper: Supervisor,
    hand: ClockHand,
    clock: Clock,
    place: Place,
    pub(super) replicas: Vec<Replica>,
    /// Which process each replica is; a new one has a new number.
    pub(super) processes: [usize; 2],
    pub(super) site: Site,
    pub(super) minute: i64,
    /// What is configured and desired, with its revision.
    pub(super) policy: Option<Policy>,
    pub(super) policy_revision: u64,
    pub(super) desired: Option<Policy>,
    pub(super) desired_revision: u64,
    pub(super) plan: Option<Planned>,
    /// Every state in which the tenant may be.
    pub(super) tenants: Vec<Tenant>,
    /// What the product shows of its rollouts, and what their actions are called.
    pub(super) shown: BTreeMap<u8, Shown>,
    actions: BTreeMap<(u8, usize), String>,
    /// How many policies were recorded, and requests made.
    pub(super) recorded: u64,
    pub(super) adopted: u64,
    requests: u64,
    /// The newest world that was answered.
    pub(super) token: ConsistencyToken,
    pub(super) turn: usize,
}

impl Life {
    /// A tenant without approvals, whose client apps and device configuration stand at pilots of their own.
    async fn begin() -> Self {
        let inventory = Inventory::of_sample_fleet();
        let site = Site::new(inventory.clone());
        let (clock, hand) = Clock::movable(now());
        let place = Place::new().await;
        let keeper = Supervisor::new();
        let channel = served(&inventory, &keeper);
        let mut replicas = Vec::new();
        for _ in 0..2 {
            replicas.push(Replica::before(&place, channel.clone(), Supervisor::new(), clock, None).await);
        }
        let rules = ApprovalRules { name: format!("{TENANT}/approvalRules"), ..Default::default() };
        let request = UpdateApprovalRulesRequest { rules: Some(rules), ..Default::default() };
        replicas[0].approvals.clone().update_approval_rules(request).await.unwrap();
        let mut life = Self {
            inventory,
            channel,
            _keeper: keeper,
            hand,
            clock,
            place,
            replicas,
            processes: [0, 1],
            site,
            minute: 0,
            policy: None,
            policy_revision: 0,
            desired: None,
            desired_revision: 0,
            plan: None,
            tenants: vec![Tenant::default()],
            shown: BTreeMap::new(),
            actions: BTreeMap::new(),
            recorded: 0,
            adopted: 0,
            requests: 0,
            token: ConsistencyToken::default(),
            turn: 0,
        };
        life.pass(1);
        life
    }

    /// Lives through what happens, and lets everything come to its end. Answers what became of the rollouts.
    pub(super) async fn live(deeds: Vec<Deed>) -> Result<Vec<String>, String> {
        let mut life = Self::begin().await;
        life.check().await?;
        life.record(0, How::Once, life.first_policy()).await?;
        for (place, deed) in deeds.into_iter().enumerate() {
            let told = format!("deed {place}, {deed:?}");
            life.happen(deed).await.map_err(|error| format!("{told}: {error}"))?;
            life.check().await.map_err(|error| format!("after {told}: {error}"))?;
        }
        life.end().await
    }

    pub(super) const fn first_policy(&self) -> Policy {
        let mut sliders = [Slider::Manager; 7];
        sliders[APPS] = Slider::Pilot(0);
        sliders[CONFIGURATION] = Slider::Pilot(1);
        Policy { enabled: Some(true), sliders }
    }

    /// Time passes by the service's clock.
    pub(super) fn pass(&mut self, minutes: i64) {
        self.minute += minutes;
        self.hand.set(at(self.minute));
    }

    async fn happen(&mut self, deed: Deed) -> Checked {
        match deed {
            Deed::Pass(minutes) => self.pass(minutes),
            Deed::Look(replica) => return self.look(replica).await,
            Deed::LookTogether => return self.look_together().await,
            Deed::LookDying(replica, turns) => return self.look_dying(replica, turns).await,
            Deed::LookInVain(replica) => return self.look_in_vain(replica).await,
            Deed::Die(replica) => self.die(replica).await,
            Deed::Ask(replica, how, order) => return self.ask(replica, how, order).await,
            Deed::Launch(id, spec) => {
                self.ask(0, How::Once, Order::Draft(id, spec)).await?;
                self.ask(1, How::Once, Order::Command(id, Command::Submit)).await?;
                return self.ask(0, How::Once, Order::Command(id, Command::Start)).await;
            }
            Deed::Slide(replica, how, workload, slider) => {
                let mut policy = self.policy.unwrap_or_else(|| self.first_policy());
                policy.sliders[workload] = slider;
                return self.record(replica, how, policy).await;
            }
            Deed::Enable(replica, how, enabled) => {
                let policy = self.policy.unwrap_or_else(|| self.first_policy());
                return self.record(replica, how, Policy { enabled, ..policy }).await;
            }
            Deed::Plan(replica, policy) => return self.make_plan(replica, policy).await,
            Deed::Apply(replica, how) => return self.apply(replica, how).await,
            Deed::Member(device, collection, is_member) => self.site.member(device, collection, is_member),
            Deed::ReadDevice(device) => self.site.read_device(device),
            Deed::Read(collection) => self.site.read(collection, self.minute),
            Deed::ComeOrGo(device) => self.site.come_or_go(device),
            Deed::Become(device, what) => self.site.become_so(device, what),
            Deed::Report(device, report, ago) => self.site.report(device, report, self.minute - ago),
            Deed::Version(fixed) => {
                self.site.surround(fixed);
                // What surrounds devices is trusted for a second.
                tokio::time::advance(std::time::Duration::from_millis(1_100)).await;
            }
            Deed::CarryOut(id, effort) => self.carry_out(id, effort),
            Deed::Obey => return self.obey().await,
        }
        Ok(())
    }

    /// What the hierarchy is told to do it does, as well as it does.
    fn carry_out(&mut self, id: u8, effort: Effort) {
        let Some(shown) = self.shown.get(&id) else { return };
        let pilot = self.rollout(id).map_or(0, |rollout| rollout.spec.pilot);
        let mut open: Vec<_> = shown.actions.iter().filter(|action| action.open).cloned().collect();
        if matches!(effort, Effort::Partly) {
            open.truncate(1);
        }
        for action in open {
            let most = if matches!(effort, Effort::Partly) { 1 } else { action.devices.len() };
            for device in action.devices.into_iter().take(most) {
                self.site.member(device, pilot, action.adds);
                if matches!(effort, Effort::Twice) {
                    self.site.member(device, pilot, action.adds);
                }
            }
        }
    }

    /// A rollout by the model; in any of the states, as its spec is the same in all.
    pub(super) fn rollout(&self, id: u8) -> Option<&Rollout> {
        self.tenants[0].rollouts.get(&id)
    }

    /// Everything goes as it should, for once.
    pub(super) async fn obey(&mut self) -> Checked {
        let ids: Vec<u8> = self.shown.keys().copied().collect();
        for id in ids {
            let open = self.shown[&id].actions.iter().filter(|action| action.open);
            let open: Vec<usize> = open.map(|action| action.sequence).collect();
            self.carry_out(id, Effort::All);
            for sequence in open {
                self.ask(sequence % 2, How::Once, Order::Confirm(id, sequence)).await?;
            }
        }
        self.pass(1);
        (0..super::site::COLLECTIONS.len()).for_each(|collection| self.site.read(collection, self.minute));
        let devices: Vec<u32> = self.site.there().map(|(number, _)| number).collect();
        self.pass(1);
        for number in devices {
            let within = &self.site.device(number).within;
            let (apps, configuration) = (within.contains(&0), within.contains(&1));
            let report = Report { by_cloud: false, apps, configuration, failed: false };
            self.site.report(number, report, self.minute);
        }
        self.look(self.minute.unsigned_abs() as usize % 2).await?;
        self.pass(61);
        self.look(self.minute.unsigned_abs() as usize % 2).await
    }

    /// The process of a replica dies, and another one takes its place.
    pub(super) async fn die(&mut self, replica: usize) {
        self.replicas[replica].die();
        let (channel, supervisor) = (self.channel.clone(), Supervisor::new());
        self.replicas[replica] = Replica::before(&self.place, channel, supervisor, self.clock, None).await;
        self.processes[replica] = self.processes[0].max(self.processes[1]) + 1;
        wait_for_writers(&self.replicas[replica]).await;
    }

    async fn look(&mut self, replica: usize) -> Checked {
        self.replicas[replica].authority.look_at_rollouts().await;
        self.observe().await;
        self.follow(&[&[Event::Look(self.processes[replica])]], None)
    }

    async fn look_together(&mut self) -> Checked {
        let [one, other] = &self.replicas[..] else { unreachable!() };
        tokio::join!(one.authority.look_at_rollouts(), other.authority.look_at_rollouts());
        self.observe().await;
        let [one, other] = self.processes;
        self.follow(&[&[Event::Look(one), Event::Look(other)], &[Event::Look(other), Event::Look(one)]], None)
    }

    async fn look_dying(&mut self, replica: usize, turns: u32) -> Checked {
        let work = Box::pin(self.replicas[replica].authority.look_at_rollouts());
        let is_done = Mortal { work, turns }.await.is_some();
        let process = self.processes[replica];
        self.die(replica).await;
        self.observe().await;
        self.follow(&[&[if is_done { Event::Look(process) } else { Event::Part(process) }]], None)
    }

    /// Nothing is stepped that nothing was read for; the lease may be taken.
    async fn look_in_vain(&mut self, replica: usize) -> Checked {
        self.inventory.world().away = true;
        self.replicas[replica].authority.look_at_rollouts().await;
        self.inventory.world().away = false;
        let before = self.shown.clone();
        self.observe().await;
        if before != self.shown {
            return Err(format!("expected {before:?}, found {:?}", self.shown));
        }
        self.follow(&[&[Event::Part(self.processes[replica])]], None)
    }

    pub(super) fn request_id(&mut self) -> String {
        self.requests += 1;
        format!("request-{}", self.requests)
    }

    /// The newest world of both services.
    pub(super) fn world(&self) -> String {
        self.token.merge(&self.inventory.world().world()).to_string()
    }

    pub(super) async fn ask(&mut self, replica: usize, how: How, order: Order) -> Checked {
        let action = match &order {
            Order::Confirm(id, sequence) => self.actions.get(&(*id, *sequence)).cloned(),
            _ => None,
        };
        let nowhere = |id: u8| format!("{}/actions/00000000-0000-4000-8000-000000000000", rollout_name(id));
        let action = action.unwrap_or_else(|| match &order {
            Order::Confirm(id, _) => nowhere(*id),
            _ => String::new(),
        });
        let said = Said { request_id: self.request_id(), token: self.world(), action };
        let process = self.processes[replica];
        let other = self.processes[1 - replica];
        let request = |replica: &Replica| {
            let (replica, order, said) = (replica.clone(), order.clone(), said.clone());
            async move { ask(&replica, order, said).await }
        };
        use Event::{Look, Part};
        let it = || Event::Order(&order);
        let (answer, events) = match how {
            How::Once => (request(&self.replicas[replica]).await, vec![it(), Look(process)]),
            How::Twice => {
                let first = request(&self.replicas[replica]).await;
                let again = request(&self.replicas[replica]).await;
                same(&first, &again)?;
                (again, vec![it(), Look(process), Look(process)])
            }
            How::Dying(turns) => {
                let work = Box::pin(request(&self.replicas[replica]));
                let first = Mortal { work, turns }.await;
                self.die(replica).await;
                let next = self.processes[replica];
                let again = request(&self.replicas[replica]).await;
                match first {
                    Some(first) => {
                        same(&first, &again)?;
                        (again, vec![it(), Look(process), Look(next)])
                    }
                    None => (again, vec![it(), Part(process), Look(next)]),
                }
            }
            How::Racing => {
                let looking = self.replicas[1 - replica].authority.look_at_rollouts();
                let (answer, ()) = tokio::join!(request(&self.replicas[replica]), looking);
                (answer, vec![Part(other), it(), Part(other), Look(process), Part(other)])
            }
        };
        self.observe().await;
        self.follow(&[&events], Some(answer))
    }

    /// Reads what is shown of the rollouts.
    pub(super) async fn observe(&mut self) {
        super::clock::ended().await;
        let mut client = self.replicas[self.turn % 2].rollouts.clone();
        let request = ListRolloutsRequest { parent: HIERARCHY.into(), ..Default::default() };
        let rollouts = client.list_rollouts(request).await.unwrap().into_inner().rollouts;
        for rollout in rollouts {
            let request = ListRolloutActionsRequest {
                parent: rollout.name.clone(),
                page_size: 20,
                all: true,
                ..Default::default()
            };
            let actions = client.list_rollout_actions(request).await.unwrap().into_inner().actions;
            let id = rollout_number(&rollout.name);
            for action in &actions {
                self.actions.insert((id, action.sequence as usize), action.name.clone());
            }
            self.shown.insert(id, Shown::by_product(&rollout, &actions));
        }
    }

    /// A world that was answered: the next is none before it.
    pub(super) fn meet(&mut self, token: &str) -> Checked {
        self.token = self.token.merge(&ConsistencyToken::parse(token).map_err(|error| format!("{error:?}"))?);
        Ok(())
    }
}
