//! What is compared after each deed, and what holds whatever the model says.

use std::collections::{BTreeMap, BTreeSet};

use tandem_contracts::authority::v1::{
    BatchGetEffectiveAuthorityRequest, CheckAuthorityRequest, EffectiveAuthority, RolloutPhase,
    RolloutWavePhase,
};
use tandem_contracts::r#type::v1::{AuthorityReason as Why, ManagementAuthority as Who};
use tandem_server::ConsistencyToken;
use tandem_server::consistency::Service;

use super::life::{Checked, Life};
use super::shown::{Shown, ShownAction, number};
use super::site::DEVICES;
use super::spec::Budget;
use super::table::{CONFIGURATION, ENDPOINT, RESOURCE_ACCESS};
use super::tenant::Tenant;
use crate::TENANT;
use crate::effective::WORKLOADS;
use crate::rollouts::estate::device as name;

/// An answer is of no older world than was asked for.
fn is_no_older(asked: &str, answered: &str) -> Checked {
    let parse = |token: &str| ConsistencyToken::parse(token).map_err(|error| format!("{error:?}"));
    let (asked, answered) = (parse(asked)?, parse(answered)?);
    for service in [Service::Inventory, Service::Authority] {
        let (before, after) = (asked.get(service), answered.get(service));
        let holds = before.is_none_or(|before| {
            after.is_some_and(|after| {
                after.incarnation == before.incarnation && after.revision >= before.revision
            })
        });
        if !holds {
            return Err(format!("asked for {before:?}, answered in {after:?}"));
        }
    }
    Ok(())
}

impl Life {
    /// After each deed: every device by one replica, two claims by the other, and what holds of rollouts.
    pub(super) async fn check(&mut self) -> Checked {
        self.turn += 1;
        super::clock::ended().await;
        self.invariants()?;
        self.check_devices(self.turn % 2).await?;
        let device = 1 + u32::try_from(self.turn).unwrap() % DEVICES;
        self.check_claims(1 - self.turn % 2, device, self.turn % 7).await
    }

    /// Every device's effective and desired authority by a replica.
    pub(super) async fn check_devices(&mut self, replica: usize) -> Checked {
        let asked = self.world();
        let request = BatchGetEffectiveAuthorityRequest {
            parent: TENANT.into(),
            names: (1..=DEVICES).map(name).collect(),
            consistency_token: asked.clone(),
        };
        let mut client = self.replicas[replica].policies.clone();
        let answer = client.batch_get_effective_authority(request).await.unwrap().into_inner();
        is_no_older(&asked, &answer.consistency_token)?;
        self.meet(&answer.consistency_token)?;
        let found: BTreeSet<u32> =
            answer.effective_authorities.iter().map(|found| number(&found.device)).collect();
        let there: BTreeSet<u32> = self.site.there().map(|(number, _)| number).collect();
        if found != there {
            return Err(format!("devices {found:?}, expected {there:?}"));
        }
        answer.effective_authorities.iter().try_for_each(|found| self.check_device(found))
    }

    fn check_device(&self, found: &EffectiveAuthority) -> Checked {
        let number = number(&found.device);
        let device = &self.site.devices[number as usize - 1];
        let record = device.traits.record;
        let policy = self.policy.as_ref().filter(|_| record);
        let expected = self.site.decide(number, policy);
        let desired = self.desired.as_ref().filter(|_| record);
        let desired = desired.map(|desired| self.site.decide(number, Some(desired)));
        let revisions = (found.device_revision, found.policy_revision);
        let expected_revisions = (device.revision, policy.map_or(0, |_| self.policy_revision));
        if revisions != expected_revisions {
            return Err(format!("device {number}: revisions {revisions:?}, expected {expected_revisions:?}"));
        }
        if found.workloads.len() != WORKLOADS.len() {
            return Err(format!("device {number}: {} workloads", found.workloads.len()));
        }
        for (place, workload) in WORKLOADS.into_iter().enumerate() {
            let said = &found.workloads[place];
            let desired = desired.map_or((Who::Unspecified, Why::Unspecified), |desired| desired[place]);
            let told =
                (said.workload(), (said.authority(), said.reason()), (said.desired(), said.desired_reason()));
            if told != (workload, expected[place], desired) {
                let traits = device.traits;
                return Err(format!(
                    "device {number}, {traits:?}: {told:?}, expected {:?}, desired {desired:?}",
                    expected[place]
                ));
            }
        }
        // Whatever the model says: what device configuration carries along is never at Configuration Manager behind it.
        let at = |place: usize| found.workloads[place].authority();
        let is_left_behind = at(CONFIGURATION) == Who::Intune
            && [RESOURCE_ACCESS, ENDPOINT].iter().any(|carried| at(*carried) == Who::ConfigurationManager);
        if is_left_behind { Err(format!("device {number}: left behind, {found:?}")) } else { Ok(()) }
    }

    /// Both claimants to one workload of a device.
    pub(super) async fn check_claims(&mut self, replica: usize, device: u32, place: usize) -> Checked {
        if !self.site.devices[device as usize - 1].is_there {
            return Ok(());
        }
        let policy = self.policy.as_ref().filter(|_| self.site.devices[device as usize - 1].traits.record);
        let expected = self.site.decide(device, policy)[place];
        for claimant in [Who::ConfigurationManager, Who::Intune] {
            let asked = self.world();
            let request = CheckAuthorityRequest {
                name: name(device),
                workload: WORKLOADS[place].into(),
                claimant: claimant.into(),
                consistency_token: asked.clone(),
            };
            let mut client = self.replicas[replica].policies.clone();
            let answer = client.check_authority(request).await.unwrap().into_inner();
            is_no_older(&asked, &answer.consistency_token)?;
            let told = (answer.allowed, answer.holder(), answer.reason());
            if told != (expected.0 == claimant, expected.0, expected.1) {
                return Err(format!(
                    "{claimant:?} on {place} of device {device}: {told:?}, expected {expected:?}"
                ));
            }
        }
        Ok(())
    }

    /// What holds of rollouts, whatever the model says.
    fn invariants(&self) -> Checked {
        let is_frozen = self.tenants[0].frozen.is_some();
        let mut moving = BTreeMap::new();
        for (id, shown) in &self.shown {
            let spec = &self.rollout(*id).ok_or("a rollout that nobody drafted")?.spec;
            let is_moving = matches!(
                shown.phase,
                RolloutPhase::Running | RolloutPhase::Paused | RolloutPhase::RollingBack
            );
            if is_moving && let Some(other) = moving.insert(format!("{:?}", spec.moved), id) {
                return Err(format!("rollouts {id} and {other} move {:?}", spec.moved));
            }
            let is_open = shown.actions.iter().any(|action| action.open);
            if is_open && (is_frozen || !is_moving || shown.phase == RolloutPhase::Paused) {
                return Err(format!("rollout {id} has something to be done: {shown:?}"));
            }
            for (wave, spec) in shown.waves.iter().zip(&spec.waves) {
                if let Budget::Devices(devices) = spec.budget
                    && wave.tally[6] > devices as usize
                {
                    return Err(format!("rollout {id}: more in motion than {devices}: {wave:?}"));
                }
            }
            let is_done = |phase| matches!(phase, RolloutWavePhase::Passed | RolloutWavePhase::Approved);
            let last_begun = shown.waves.iter().rposition(|wave| wave.phase != RolloutWavePhase::Waiting);
            if shown.waves[..last_begun.unwrap_or(0)].iter().any(|wave| !is_done(wave.phase)) {
                return Err(format!("rollout {id}: a wave began too early: {shown:?}"));
            }
            let (back, forth): (Vec<_>, Vec<_>) = shown.actions.iter().partition(|action| action.takes_back);
            at_most_once(id, &forth)?;
            at_most_once(id, &back)?;
            if back.iter().any(|back| {
                forth.iter().all(|forth| forth.devices != back.devices || forth.adds == back.adds)
            }) {
                return Err(format!("rollout {id} takes back what it did not hand over: {shown:?}"));
            }
        }
        Ok(())
    }
}

fn at_most_once(id: &u8, actions: &[&ShownAction]) -> Checked {
    let mut seen = BTreeSet::new();
    let twice = actions.iter().flat_map(|action| &action.devices).find(|device| !seen.insert(**device));
    twice.map_or(Ok(()), |device| Err(format!("rollout {id} moves device {device} twice")))
}

/// Where what is shown differs from a state of the model.
pub(super) fn difference(tenant: &Tenant, shown: &BTreeMap<u8, Shown>) -> String {
    let differs = tenant.rollouts.iter().filter_map(|(id, rollout)| {
        let expected = Shown::by_model(rollout, tenant.frozen.is_some());
        let found = shown.get(id);
        (found != Some(&expected)).then(|| format!("rollout {id}: expected {expected:?}\n   found {found:?}"))
    });
    differs.collect::<Vec<_>>().join("\n")
}
