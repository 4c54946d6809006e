//! `tandem authority rollout confirm`: somebody says that actions were carried out.

use std::collections::BTreeSet;
use std::str::FromStr;

use tandem_contracts::authority::v1::{
    ConfirmRolloutActionRequest, ListRolloutActionsResponse, RolloutAction,
};
use tandem_contracts::r#type::v1::Justification;
use tonic::Status;
use uuid::Uuid;

use super::actions::{COLUMNS, every, row};
use super::command::advised;
use super::step::Step;
use super::{RolloutRef, short};
use crate::cli::failure::CliError;
use crate::cli::session::Session;
use crate::cli::why::Why;

/// What was carried out.
#[derive(Debug, clap::Args)]
pub(crate) struct ConfirmArgs {
    /// The rollout as HIERARCHY/ID, or its resource name
    #[arg(value_name = "ROLLOUT")]
    rollout: RolloutRef,
    /// Actions by their number such as 7, by a run of numbers such as 0-3, or by their id
    #[arg(value_name = "ACTION", required = true)]
    actions: Vec<Which>,
    #[command(flatten)]
    why: Why,
}

/// Actions as people name them.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Which {
    Numbers(u32, u32),
    Id(String),
}

impl FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(id) = Uuid::parse_str(text) {
            return Ok(Self::Id(id.to_string()));
        }
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let number = |text: &str| text.parse::<u32>().ok();
        match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Ok(Self::Numbers(first, last)),
            _ => Err(format!("expected a number such as 7, a run such as 0-3, or an id, found `{text}`")),
        }
    }
}

impl Which {
    fn is(&self, action: &RolloutAction) -> bool {
        match self {
            Self::Numbers(first, last) => (*first..=*last).contains(&action.sequence),
            Self::Id(id) => action.name.ends_with(&format!("/actions/{id}")),
        }
    }
}

/// Confirms them in their order, and shows what is confirmed. What is refused ends it; what was confirmed before stays so.
pub(super) async fn run(args: ConfirmArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    let ConfirmArgs { rollout, actions: wanted, why } = args;
    let (name, why) = (rollout.name(&session.tenant), Justification::from(why));
    let found = found(&name, &wanted, session).await?;
    let (mut confirmed, mut refused) = (Vec::new(), None);
    for action in found {
        match confirm(&action, &why, session).await {
            // The answer has no members; the list had.
            Ok(done) => confirmed.push(RolloutAction {
                members: action.members,
                unknown_members: action.unknown_members,
                ..done
            }),
            Err(refusal) => {
                refused = Some(advised(refusal.into(), &name));
                break;
            }
        }
    }
    if !confirmed.is_empty() {
        let list = ListRolloutActionsResponse { actions: confirmed, next_page_token: String::new() };
        session.screen.show(&list, |screen, list| {
            screen.table(&COLUMNS, list.actions.iter().map(row).collect())?;
            if refused.is_some() {
                return Ok(());
            }
            screen
                .line("\nTandem believes it once the site was read after that, completely, and says so.")?;
            Step::Import.show(screen, &name, "")?;
            Step::Get.show(screen, &name, "")
        })?;
    }
    refused.map_or(Ok(()), Err)
}

/// The actions that are meant, in their order. Those that are to be done are few, and looked through first.
async fn found(name: &str, wanted: &[Which], session: &Session<'_>) -> Result<Vec<RolloutAction>, CliError> {
    let is_enough = |actions: &[RolloutAction]| missing(actions, wanted).is_none();
    let mut actions = every(name, false, session, is_enough).await?;
    if !is_enough(&actions) {
        actions = every(name, true, session, is_enough).await?;
    }
    if let Some(missing) = missing(&actions, wanted) {
        let rollout = short(name);
        return Err(CliError::NotFound(format!(
            "{rollout} gave out no action {missing}; `tandem authority rollout actions {rollout} --all` shows what is there"
        )));
    }
    Ok(actions.into_iter().filter(|action| wanted.iter().any(|which| which.is(action))).collect())
}

/// The first that is meant and not among them.
fn missing(actions: &[RolloutAction], wanted: &[Which]) -> Option<String> {
    let given: BTreeSet<u32> = actions.iter().map(|action| action.sequence).collect();
    wanted.iter().find_map(|which| match which {
        Which::Numbers(first, last) => {
            (*first..=*last).find(|number| !given.contains(number)).map(|number| number.to_string())
        }
        Which::Id(id) => (!actions.iter().any(|action| which.is(action))).then(|| id.clone()),
    })
}

async fn confirm(
    action: &RolloutAction,
    why: &Justification,
    session: &Session<'_>,
) -> Result<RolloutAction, Status> {
    let request = ConfirmRolloutActionRequest {
        name: action.name.clone(),
        // Sent again after a broken connection, it is confirmed once.
        request_id: Uuid::new_v4().to_string(),
        justification: Some(why.clone()),
    };
    let answer = session.connection.rollouts().confirm_rollout_action(request).await?.into_inner();
    Ok(answer.action.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_named_by_number_run_or_id() {
        let id = "0b5e7a52-6d0c-5c39-9a51-6f3f2f0d9a11";
        assert_eq!("7".parse(), Ok(Which::Numbers(7, 7)));
        assert_eq!("0-3".parse(), Ok(Which::Numbers(0, 3)));
        assert_eq!(id.to_uppercase().parse(), Ok(Which::Id(id.to_owned())));
        for text in ["", "-1", "3-0", "1-", "a", "1,2", "0x1"] {
            let expected =
                format!("expected a number such as 7, a run such as 0-3, or an id, found `{text}`");
            assert_eq!(text.parse::<Which>(), Err(expected));
        }
    }

    #[test]
    fn actions_are_told_by_what_names_them() {
        let id = "0b5e7a52-6d0c-5c39-9a51-6f3f2f0d9a11";
        let name = format!("tenants/t/hierarchies/PS1/rollouts/apps/actions/{id}");
        let action = RolloutAction { name, sequence: 3, ..RolloutAction::default() };
        assert!(Which::Id(id.into()).is(&action) && Which::Numbers(0, 3).is(&action));
        assert!(!Which::Id(id[1..].into()).is(&action) && !Which::Numbers(4, 9).is(&action));
    }

    #[test]
    fn first_action_that_is_missing_is_named() {
        let actions: Vec<RolloutAction> =
            (0..3).map(|sequence| RolloutAction { sequence, ..RolloutAction::default() }).collect();
        let missing = |wanted: &[Which]| missing(&actions, wanted);
        assert_eq!(missing(&[Which::Numbers(0, 2), Which::Numbers(1, 1)]), None);
        assert_eq!(missing(&[Which::Numbers(1, 7)]).as_deref(), Some("3"));
        assert_eq!(missing(&[Which::Numbers(5, 7)]).as_deref(), Some("5"));
        assert_eq!(missing(&[Which::Id("0b5e".into())]).as_deref(), Some("0b5e"));
    }
}
