//! The end of a life: everything is carried out, read and reported until nothing moves, and the final states are compared.

use std::collections::{BTreeMap, BTreeSet};

use tandem_contracts::authority::v1::{
    GetDesiredPolicyRequest, ListAuditRecordsRequest, ListRolloutDevicesRequest, RolloutPhase as Phase,
    RolloutWavePhase, VerifyAuditRequest,
};

use super::asking::{policy_message, rollout_name};
use super::deed::How;
use super::life::{Checked, Life};
use super::rollout::Rollout;
use super::shown::number;
use super::site::DEVICES;
use super::tenant::{Command, Order};
use crate::TENANT;
use crate::rollouts::estate::HIERARCHY;

/// Turns in which a fleet that does as it is told comes to an end.
const TURNS: usize = 30;

/// The turn from which what does not come to its end is rolled back: an action that was confirmed and not carried out is never given out
/// again, and a device that failed for good fails its wave each time.
const NO_MORE: usize = 20;

/// Longer than any deadline.
const LONG: i64 = 11_000;

impl Life {
    /// Lets everything come to its end, and compares what is left. Answers the phases that were seen.
    pub(super) async fn end(mut self) -> Result<Vec<String>, String> {
        self.come_to_an_end().await.map_err(|error| format!("at the end: {error}"))?;
        self.check_all().await.map_err(|error| format!("in the end: {error}"))?;
        let rollouts = self.tenants[0].rollouts.values();
        Ok(rollouts.map(|rollout| format!("{:?}", rollout.phase)).collect())
    }

    async fn come_to_an_end(&mut self) -> Checked {
        if self.tenants[0].frozen.is_some() {
            self.ask(0, How::Once, Order::Thaw).await?;
        }
        self.record(1, How::Once, self.first_policy()).await?;
        for turn in 0..TURNS {
            let moving: Vec<u8> = self.moving();
            if moving.is_empty() {
                return Ok(());
            }
            let before = self.shown.clone();
            for id in moving {
                let is_over = self.rollout(id).is_some_and(|rollout| rollout.phase == Phase::RollingBack);
                if turn == NO_MORE && !is_over {
                    self.ask(0, How::Once, Order::Command(id, Command::RollBack)).await?;
                } else {
                    self.encourage(id).await?;
                }
            }
            self.obey().await?;
            if self.shown == before {
                // Nothing but time decides.
                self.pass(LONG);
                self.obey().await?;
            }
            self.check().await.map_err(|error| format!("turn {turn}: {error}"))?;
        }
        match self.moving()[..] {
            [] => Ok(()),
            _ => Err(format!("still moving: {:?}", self.shown)),
        }
    }

    fn moving(&self) -> Vec<u8> {
        let rollouts = self.tenants[0].rollouts.iter();
        rollouts.filter(|(_, rollout)| rollout.is_moving()).map(|(id, _)| *id).collect()
    }

    /// Whatever waits for a person goes on.
    async fn encourage(&mut self, id: u8) -> Checked {
        let stuck = self.rollout(id).and_then(|rollout| {
            let place = rollout.current()?;
            (rollout.waves[place].phase == RolloutWavePhase::Inconclusive).then_some(place)
        });
        if let Some(place) = stuck {
            let approve = Command::ApproveWave(u32::try_from(place).unwrap());
            self.ask(0, How::Once, Order::Command(id, approve)).await?;
        }
        if self.rollout(id).is_some_and(|rollout| rollout.phase == Phase::Paused) {
            self.ask(1, How::Once, Order::Command(id, Command::Resume)).await?;
        }
        Ok(())
    }

    async fn check_all(&mut self) -> Checked {
        for replica in 0..2 {
            self.check_devices(replica).await?;
        }
        for device in 1..=DEVICES {
            for place in 0..7 {
                // Each claim by one replica; which one alternates.
                if (device as usize + place + self.turn).is_multiple_of(3) {
                    self.check_claims((device as usize + place) % 2, device, place).await?;
                }
            }
        }
        let rollouts: Vec<(u8, Rollout)> = self.tenants[0].rollouts.clone().into_iter().collect();
        for (id, rollout) in rollouts {
            self.check_members(id, &rollout).await?;
            self.check_memberships(&rollout)?;
        }
        self.check_desired().await?;
        self.check_audit().await
    }

    /// Each device of a rollout: its wave, when it was handed over, what was seen of it.
    async fn check_members(&mut self, id: u8, rollout: &Rollout) -> Checked {
        let request = ListRolloutDevicesRequest { parent: rollout_name(id), ..Default::default() };
        let mut client = self.replicas[usize::from(id) % 2].rollouts.clone();
        let found = client.list_rollout_devices(request).await.unwrap().into_inner().devices;
        let found: BTreeMap<u32, _> = found
            .iter()
            .map(|entry| {
                let was_handed_over = entry.hand_over_time.is_some();
                (
                    number(&entry.device),
                    (entry.wave as usize, was_handed_over, entry.configured, entry.arrived),
                )
            })
            .collect();
        let waves = rollout.waves.iter().enumerate();
        let expected = waves.flat_map(|(place, wave)| {
            wave.members.iter().map(move |(device, member)| {
                (*device, (place, member.handed_over.is_some(), member.configured, member.arrived))
            })
        });
        let expected: BTreeMap<u32, _> = expected.collect();
        if found == expected {
            Ok(())
        } else {
            Err(format!("rollout {id}: {found:?}, expected {expected:?}"))
        }
    }

    /// A rollback takes back exactly what was handed over, in the reverse order.
    fn check_memberships(&self, rollout: &Rollout) -> Checked {
        let of = |back: bool| {
            let batches = rollout.batches.iter().filter(move |batch| batch.takes_back.is_some() == back);
            batches.map(|batch| batch.devices.clone()).collect::<Vec<BTreeSet<u32>>>()
        };
        let (forth, mut back) = (of(false), of(true));
        back.reverse();
        let is_whole = rollout.phase != Phase::RolledBack || forth == back;
        if is_whole { Ok(()) } else { Err(format!("{forth:?} was handed over, and {back:?} taken back")) }
    }

    async fn check_desired(&mut self) -> Checked {
        let request =
            GetDesiredPolicyRequest { name: format!("{HIERARCHY}/desiredPolicy"), ..Default::default() };
        let found = self.replicas[0].plans.clone().get_desired_policy(request).await;
        let found = found.ok().and_then(|found| found.into_inner().desired_policy?.policy);
        let expected = self.desired.as_ref().map(policy_message);
        if found == expected { Ok(()) } else { Err(format!("desired {found:?}, expected {expected:?}")) }
    }

    /// The chain verifies, and each policy that was recorded or adopted is in it once.
    async fn check_audit(&mut self) -> Checked {
        let mut client = self.replicas[1].audit.clone();
        let request = VerifyAuditRequest { parent: TENANT.into(), ..Default::default() };
        let verified = client.verify_audit(request).await.unwrap().into_inner();
        if verified.fault != 0 {
            return Err(format!("{verified:?}"));
        }
        for (service, method, expected) in [
            ("AuthorityService", "UpdateCoManagementPolicy", self.recorded),
            ("PlanService", "ApplyPlan", self.adopted),
        ] {
            let request = ListAuditRecordsRequest {
                parent: TENANT.into(),
                method: format!("tandem.authority.v1.{service}/{method}"),
                page_size: 1_000,
                ..Default::default()
            };
            let records = client.list_audit_records(request).await.unwrap().into_inner().records;
            let changes = records
                .iter()
                .filter(|record| record.event.as_ref().is_some_and(|event| !event.after.is_empty()));
            let found = changes.count() as u64;
            if found != expected {
                return Err(format!("{found} records of {method}, expected {expected}"));
            }
        }
        Ok(())
    }
}
