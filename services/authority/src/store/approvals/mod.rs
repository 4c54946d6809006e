//! How many approvals plans need, who was asked, and what became of it.
//!
//! - `rules`: what each tenant asks for.
//! - `requests`: who asked, and who answered what.
//! - `message`: both as messages.
//!
//! Invariants: each change is on record in the audit log, in the transaction that made it; what is answered is decided under the tenant's
//! lock, so two who approve at the same time are two; a plan that the last approval applies is applied in that transaction.

mod message;
mod requests;
mod rules;

use jiff::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};
use tandem_contracts::r#type::v1::ErrorReason;
use tandem_domain::approval::{self, NotGranted, PlanSummary};
use tandem_server::Failure;
use tandem_storage::StoreError;

use super::entity::{approval_request, approval_rules, plan};
use super::plans::plan_name;

pub(crate) use message::{Told, request_message, rules_message};
pub(crate) use requests::{
    Deed, NewAnswer, NewRequest, request_answer, request_fetch, request_list, request_make, request_place,
};
pub(crate) use rules::{NewRules, rules_fetch, rules_update};

pub(crate) use rules::rules_of;

/// What errors call the resource.
pub(crate) const REQUEST_TYPE: &str = "tandem.authority.v1.ApprovalRequest";

/// Whether a plan may be applied, as far as approvals go.
pub(super) async fn approved(
    tx: &DatabaseTransaction,
    plan: &plan::Model,
    summary: &PlanSummary,
    at: Timestamp,
) -> Result<(), Failure> {
    let rules = approval_rules::Entity::find_by_id(plan.tenant.clone()).one(tx).await?;
    let required = rules_of(rules.as_ref())?.required(summary);
    if required.count == 0 {
        return Ok(());
    }
    let name = plan_name(&plan.tenant, &plan.hierarchy, &plan.plan);
    let why: Vec<String> = required.reasons.iter().map(|(reason, _)| reason.to_string()).collect();
    let missing = |found: usize, what: &str| Failure::Unmet {
        reason: ErrorReason::ApprovalsMissing,
        name: name.clone(),
        description: format!(
            "expected {} approvals of the plan, since {}; found {found}: {what}",
            required.count,
            why.join(" and ")
        ),
        expected: required.count.to_string(),
        found: found.to_string(),
    };
    let key = (plan.tenant.clone(), plan.hierarchy.clone(), plan.plan.clone());
    let Some(row) = approval_request::Entity::find_by_id(key).one(tx).await? else {
        return Err(missing(0, "ask for approval; in an emergency, ask and break the glass"));
    };
    let request: approval::ApprovalRequest = read("approval request", &row.body)?;
    match request.granted(at) {
        // Rules that have become stricter hold too.
        Ok(granted)
            if granted.break_glass().is_none() && granted.approvers().len() < usize::from(required.count) =>
        {
            Err(missing(granted.approvers().len(), "the rules have become stricter: ask for approval again"))
        }
        Ok(_) => Ok(()),
        Err(NotGranted::ApprovalsMissing { found, .. }) => {
            Err(missing(found, "wait for the others, or break the glass in an emergency"))
        }
        Err(over @ NotGranted::Rejected { .. }) => Err(unmet(
            ErrorReason::ApprovalRejected,
            name,
            format!("{over}: once that is settled, ask for approval again"),
        )),
        Err(over @ NotGranted::Expired { .. }) => {
            Err(unmet(ErrorReason::ApprovalExpired, name, format!("{over}: ask for approval again")))
        }
    }
}

/// A plan was applied: whoever reads its request sees it.
pub(super) async fn applied_to_request(
    tx: &DatabaseTransaction,
    plan: &plan::Model,
) -> Result<(), StoreError> {
    let mark = approval_request::Entity::update_many()
        .col_expr(approval_request::Column::Applied, Expr::value(true))
        .filter(approval_request::Column::Tenant.eq(&plan.tenant))
        .filter(approval_request::Column::Hierarchy.eq(&plan.hierarchy))
        .filter(approval_request::Column::Plan.eq(&plan.plan));
    mark.exec(tx).await?;
    Ok(())
}

fn unmet(reason: ErrorReason, name: String, description: String) -> Failure {
    Failure::Unmet { reason, name, description, expected: String::new(), found: String::new() }
}

fn written(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::corrupt(error.to_string()))
}

fn read<T: serde::de::DeserializeOwned>(what: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::corrupt(format!("{what}: {error}")))
}
