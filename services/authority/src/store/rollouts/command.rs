//! What people say to a rollout.

use jiff::{SignedDuration, Timestamp};
use sea_orm::DatabaseTransaction;
use sea_orm::EntityTrait;
use tandem_contracts::authority::v1::{GetRolloutResponse, Rollout as RolloutMessage};
use tandem_contracts::r#type::v1::{ErrorReason, Justification};
use tandem_domain::approval::{ApprovalRequest, ApprovalRules, PlanSummary};
use tandem_domain::id::{PlanHash, PrincipalId};
use tandem_domain::rollout::{Command, CommandRefused, Freeze, Rollout, RolloutEvent, allowed_from, apply};
use tandem_server::once::Once;
use tandem_server::{Failure, audit};
use tandem_storage::Rows;

use super::row::{
    Part, approving, close_actions, filled, find, message_of, moving, record, replace, sizes, workload_moving,
};
use super::{Approving, RolloutKey, freeze, is_moving, lease};
use crate::grpc::{approval_refused, command_refused};
use crate::store::Store;
use crate::store::approvals::rules_of;
use crate::store::entity::{approval_rules, rollout};

/// How long approvals may take: a week has a working day of everybody.
const APPROVALS_WITHIN: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A command, as its caller gave it.
#[derive(Debug, Clone)]
pub(crate) enum Order {
    Submit,
    /// Of what the caller has read. `break_glass`: without the approvals that are missing, and why.
    Approve {
        hash: PlanHash,
        break_glass: Option<String>,
    },
    Withdraw,
    Start,
    Pause {
        why: String,
    },
    Resume,
    ApproveWave {
        wave: usize,
        why: String,
    },
    RollBack {
        why: String,
    },
    Cancel {
        why: String,
    },
}

/// A command to a rollout.
#[derive(Debug, Clone)]
pub(crate) struct Commanded {
    pub(crate) key: RolloutKey,
    /// The etag that the caller has seen; empty: whichever.
    pub(crate) etag: String,
    pub(crate) order: Order,
    /// How many devices each wave would take now, where approval is a matter of that. `None`: as it was known last.
    pub(crate) sizes: Option<Vec<Option<u64>>>,
    pub(crate) by: PrincipalId,
    pub(crate) why: Option<Justification>,
    pub(crate) at: Timestamp,
}

/// Carries a command out, unless the request was served already.
pub(crate) async fn rollout_command(
    store: &Store,
    commanded: Commanded,
    once: Once,
) -> Result<RolloutMessage, Failure> {
    let tenant = commanded.key.tenant.clone();
    let commit = store.database.write(Rows::Of(tenant.as_str()), |tx| {
        let (commanded, once) = (commanded.clone(), once.clone());
        Box::pin(async move { carried_out(tx, &commanded, &once).await })
    });
    commit.await
}

async fn carried_out(
    tx: &DatabaseTransaction,
    commanded: &Commanded,
    once: &Once,
) -> Result<RolloutMessage, Failure> {
    let Commanded { key, etag, by, at, .. } = commanded;
    let tenant = key.tenant.as_str();
    if let Some(answer) = once.answered::<GetRolloutResponse>(tx, tenant).await? {
        // On record since it was served.
        audit::recorded();
        return Ok(answer.rollout.unwrap_or_default());
    }
    lease::lock(tx, tenant).await?;
    let (row, rollout) = find(tx, key).await?;
    Failure::check_etag(key.name(), etag, &row.etag.to_string())?;
    let rules = approval_rules::Entity::find_by_id(tenant.to_owned()).one(tx).await?;
    let before = Before {
        key,
        rollout: &rollout,
        approving: approving(&row)?,
        sizes: commanded.sizes.clone().map_or_else(|| sizes(&row), Ok)?,
        freeze: freeze::find(tx, tenant).await?,
        rules: rules_of(rules.as_ref())?,
    };
    let decided = before.decide(&commanded.order, by, *at)?;
    let workload = rollout.spec().workload;
    if is_moving(decided.rollout.phase())
        && !is_moving(rollout.phase())
        && let Some(found) = moving(tx, (tenant, key.hierarchy.as_str()), workload).await?
    {
        return Err(workload_moving(key, workload, &found));
    }
    let frame = Part::Frame(&decided.rollout);
    let next = filled(row.clone(), frame, decided.approving.as_ref(), &before.sizes, *at)?;
    let next = rollout::Model { revision: row.revision + 1, etag: row.etag + 1, ..next };
    replace(tx, row.revision, &next).await?;
    if decided.rollout.phase() != rollout.phase() {
        close_actions(tx, key).await?;
    }
    record(tx, (&row, &next), commanded.why.clone(), None).await?;
    audit::recorded();
    let message = message_of(&next)?;
    once.remember(tx, tenant, &GetRolloutResponse { rollout: Some(message.clone()) }).await?;
    Ok(message)
}

/// What a command finds.
struct Before<'a> {
    key: &'a RolloutKey,
    rollout: &'a Rollout,
    approving: Option<Approving>,
    sizes: Vec<Option<u64>>,
    freeze: Option<Freeze>,
    /// What the tenant asks for.
    rules: ApprovalRules,
}

/// What a command leaves.
struct Decided {
    rollout: Rollout,
    approving: Option<Approving>,
}

impl Before<'_> {
    fn decide(&self, order: &Order, by: &PrincipalId, at: Timestamp) -> Result<Decided, Failure> {
        let command = match order.clone() {
            Order::Submit => return self.submit(by, at),
            Order::Approve { hash, break_glass } => return self.approve(&hash, break_glass, by, at),
            Order::Withdraw => {
                return Ok(Decided {
                    rollout: self.told(self.rollout, &Command::Withdraw, by, at)?,
                    approving: None,
                });
            }
            Order::Start => {
                self.still_granted(at)?;
                Command::Start
            }
            Order::Pause { why } => Command::Pause { why },
            Order::Resume => Command::Resume,
            Order::ApproveWave { wave, why } => Command::ApproveWave { wave, why },
            Order::RollBack { why } => Command::RollBack { why },
            Order::Cancel { why } => Command::Cancel { why },
        };
        let rollout = self.told(self.rollout, &command, by, at)?;
        Ok(Decided { rollout, approving: self.approving.clone() })
    }

    fn told(
        &self,
        rollout: &Rollout,
        command: &Command,
        by: &PrincipalId,
        at: Timestamp,
    ) -> Result<Rollout, Failure> {
        let told = apply(rollout, command, by, at, self.freeze.as_ref());
        told.map_err(|refused| command_refused(self.key, &refused))
    }

    /// Where no approvals are needed, it is ready at once.
    fn submit(&self, by: &PrincipalId, at: Timestamp) -> Result<Decided, Failure> {
        let submitted = self.told(self.rollout, &Command::Submit, by, at)?;
        let needed = self.rules.required(&self.summary());
        let expires_at = at.saturating_add(APPROVALS_WITHIN).unwrap_or(Timestamp::MAX);
        let plan = self.rollout.plan().clone();
        let request = ApprovalRequest::ask(plan, by.clone(), needed.count, expires_at);
        let rollout = match request.granted(at) {
            Ok(granted) => self.told(&submitted, &Command::Approve(granted), by, at)?,
            Err(_) => submitted,
        };
        let reasons = needed.reasons.iter().map(|(reason, count)| format!("{reason}: {count}")).collect();
        Ok(Decided { rollout, approving: Some(Approving { request, reasons }) })
    }

    /// What approval looks at.
    fn summary(&self) -> PlanSummary {
        PlanSummary {
            workloads: [self.rollout.spec().workload].into(),
            devices_affected: self.sizes.iter().copied().sum(),
            full_switch: false,
        }
    }

    /// Whether what the rules ask for today is granted today: approvals grow old, and rules become stricter. What is not ready yet, is
    /// refused as such.
    fn still_granted(&self, at: Timestamp) -> Result<(), Failure> {
        let needed = usize::from(self.rules.required(&self.summary()).count);
        let Some(Approving { request, .. }) = &self.approving else { return Ok(()) };
        if needed == 0 || !allowed_from(RolloutEvent::Start).contains(&self.rollout.phase()) {
            return Ok(());
        }
        let unmet = |reason, what: String| Failure::Unmet {
            reason,
            name: self.key.name(),
            description: format!("{what}: withdraw the rollout, and submit it again"),
            expected: needed.to_string(),
            found: request.approvals().len().to_string(),
        };
        match request.granted(at) {
            Ok(granted) if granted.break_glass().is_some() || granted.approvers().len() >= needed => Ok(()),
            Ok(granted) => {
                let found = granted.approvers().len();
                let what = format!("expected {needed} approvals by the rules of today, found {found}");
                Err(unmet(ErrorReason::ApprovalsMissing, what))
            }
            Err(over) => Err(unmet(ErrorReason::ApprovalExpired, over.to_string())),
        }
    }

    /// With the last approval that is needed it is ready.
    fn approve(
        &self,
        seen: &PlanHash,
        break_glass: Option<String>,
        by: &PrincipalId,
        at: Timestamp,
    ) -> Result<Decided, Failure> {
        let (command, expected, found) =
            (RolloutEvent::Approve, allowed_from(RolloutEvent::Approve), self.rollout.phase());
        let waiting = self.approving.as_ref().filter(|_| expected.contains(&found));
        let Some(Approving { request, reasons }) = waiting else {
            let refused = CommandRefused::NotAllowed { command, expected, found };
            return Err(command_refused(self.key, &refused));
        };
        let answered = match break_glass {
            Some(why) => request.break_the_glass(by, seen, &why, at),
            None => request.approve(by, seen, at),
        };
        let request = answered.map_err(|refused| approval_refused(self.key, &refused))?;
        let rollout = match request.granted(at) {
            Ok(granted) => self.told(self.rollout, &Command::Approve(granted), by, at)?,
            // Others are missing.
            Err(_) => self.rollout.clone(),
        };
        Ok(Decided { rollout, approving: Some(Approving { request, reasons: reasons.clone() }) })
    }
}
