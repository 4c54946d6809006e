//! Policies: recorded, planned and adopted, each once and in the order of their revisions.

use tandem_contracts::authority::v1::{
    ApplyPlanRequest, CreatePlanRequest, Plan, UpdateCoManagementPolicyRequest,
};

use super::asking::{Mortal, policy_message};
use super::courses::{Event, same};
use super::deed::How;
use super::life::{Checked, Life};
use super::table::{Policy, can_be_adopted};
use crate::rollouts::estate::{Replica, because};

/// A plan that may be adopted, what it proposes, and the revisions that it was made from.
pub(super) struct Planned {
    plan: Plan,
    policy: Policy,
    configured: u64,
    desired: u64,
    is_applied: bool,
}

impl Life {
    /// A policy is recorded: it always is, and once.
    pub(super) async fn record(&mut self, replica: usize, how: How, policy: Policy) -> Checked {
        let request = UpdateCoManagementPolicyRequest {
            policy: Some(policy_message(&policy)),
            request_id: self.request_id(),
            justification: because("so it goes"),
        };
        let record = |replica: &Replica| {
            let (mut client, request) = (replica.policies.clone(), request.clone());
            async move { client.update_co_management_policy(request).await.unwrap().into_inner() }
        };
        let answer = match how {
            How::Once => record(&self.replicas[replica]).await,
            How::Twice => {
                let first = record(&self.replicas[replica]).await;
                let again = record(&self.replicas[replica]).await;
                if first != again {
                    return Err(format!("{first:?}, and again {again:?}"));
                }
                again
            }
            How::Dying(turns) => {
                let work = Box::pin(record(&self.replicas[replica]));
                let first = Mortal { work, turns }.await;
                self.die(replica).await;
                let again = record(&self.replicas[replica]).await;
                if first.as_ref().is_some_and(|first| *first != again) {
                    return Err(format!("{first:?}, and again {again:?}"));
                }
                again
            }
            How::Racing => {
                let looking = self.replicas[1 - replica].authority.look_at_rollouts();
                let (answer, ()) = tokio::join!(record(&self.replicas[replica]), looking);
                self.observe().await;
                let process = self.processes[1 - replica];
                self.follow_under(&[self.policy, Some(policy)], &[&[Event::Look(process)]], None)?;
                answer
            }
        };
        let revision = answer.policy.unwrap().revision;
        if revision <= self.policy_revision.max(self.desired_revision) {
            return Err(format!("revision {revision} after {}", self.policy_revision));
        }
        (self.policy, self.policy_revision) = (Some(policy), revision);
        self.recorded += 1;
        self.meet(&answer.consistency_token)
    }

    pub(super) async fn make_plan(&mut self, replica: usize, policy: Policy) -> Checked {
        let (proposed, consistency_token) = (Some(policy_message(&policy)), self.world());
        let request = CreatePlanRequest { proposed, consistency_token, ..Default::default() };
        let answer = self.replicas[replica].plans.clone().create_plan(request).await;
        if answer.is_ok() != can_be_adopted(&policy, self.site.fixed) {
            return Err(format!("{policy:?}: {answer:?}"));
        }
        if let Ok(answer) = answer {
            let answer = answer.into_inner();
            self.plan = Some(Planned {
                plan: answer.plan.unwrap(),
                policy,
                configured: self.policy_revision,
                desired: self.desired_revision,
                is_applied: false,
            });
            self.meet(&answer.consistency_token)?;
        }
        Ok(())
    }

    pub(super) async fn apply(&mut self, replica: usize, how: How) -> Checked {
        let request_id = self.request_id();
        let Some(planned) = &self.plan else { return Ok(()) };
        let request = ApplyPlanRequest {
            name: planned.plan.name.clone(),
            hash: planned.plan.hash.clone(),
            configured_revision: planned.configured,
            request_id,
            ..Default::default()
        };
        let apply = |replica: &Replica| {
            let (mut client, request) = (replica.plans.clone(), request.clone());
            async move { client.apply_plan(request).await.map(tonic::Response::into_inner) }
        };
        let is_due = !planned.is_applied
            && self.tenants[0].frozen.is_none()
            && (planned.configured, planned.desired) == (self.policy_revision, self.desired_revision);
        let answer = match how {
            How::Once | How::Racing => apply(&self.replicas[replica]).await,
            How::Twice => {
                let first = apply(&self.replicas[replica]).await;
                let again = apply(&self.replicas[replica]).await;
                same(&first, &again)?;
                again
            }
            How::Dying(turns) => {
                let work = Box::pin(apply(&self.replicas[replica]));
                Mortal { work, turns }.await;
                self.die(replica).await;
                apply(&self.replicas[replica]).await
            }
        };
        if answer.is_ok() != is_due {
            return Err(format!("expected {is_due}: {answer:?}"));
        }
        let Ok(answer) = answer else { return Ok(()) };
        let revision = answer.desired_policy.unwrap().revision;
        if revision <= self.desired_revision.max(self.policy_revision) {
            return Err(format!("revision {revision} after {}", self.desired_revision));
        }
        let planned = self.plan.as_mut().unwrap();
        planned.is_applied = true;
        (self.desired, self.desired_revision) = (Some(planned.policy), revision);
        self.adopted += 1;
        self.meet(&answer.consistency_token)
    }
}
