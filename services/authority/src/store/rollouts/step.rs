//! What became of a rollout by itself, and what it gives out to be done.
//!
//! A step is decided outside of the transaction, from a rollout of a revision and from a freeze. Kept it is only if both are as they were, and
//! if whoever decided it still steps the tenant's rollouts: else nothing changes, and the rollout is stepped anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect, Statement,
};
use tandem_domain::rollout::{Action, ActionId, Freeze, MembershipChange, Rollout, Step};
use tandem_server::Failure;
use tandem_storage::bulk::{Column, Insert, List, one_of};
use tandem_storage::{Rows, StoreError};

use super::devices::devices_write;
use super::lease::{Lease, lock_held};
use super::row::{Part, approving, close_actions, damaged, filled, find, record, replace, sizes};
use super::{KnownRollout, RolloutKey, freeze};
use crate::store::Store;
use crate::store::entity::{rollout, rollout_action};

/// Who acts where nobody called.
const BY_ITSELF: &str = "service:authority";

/// What is kept of an action that was given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GivenOut {
    pub(crate) id: ActionId,
    pub(crate) open: bool,
    pub(crate) confirmed: bool,
}

/// Everything that a rollout gave out, by sequence.
pub(crate) type GivenOuts = BTreeMap<u32, GivenOut>;

/// A step, and what it was decided by.
#[derive(Debug, Clone)]
pub(crate) struct Stepped {
    pub(crate) before: KnownRollout,
    pub(crate) freeze: Option<Freeze>,
    pub(crate) lease: Lease,
    pub(crate) step: Step,
    pub(crate) at: Timestamp,
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// It is kept.
    Yes,
    /// Something else changed meanwhile, and nothing of it is kept.
    Lost,
}

/// Which of a step's actions are to be done: those that were not confirmed. One that comes back is not given out again below one that was
/// done since.
pub(crate) fn to_do<'a>(actions: &'a [Action], given: &'a GivenOuts) -> impl Iterator<Item = &'a Action> {
    let done = given.iter().rev().find(|(_, given)| given.confirmed).map(|(sequence, _)| *sequence);
    actions.iter().filter(move |action| match given.get(&action.sequence) {
        Some(known) => !known.confirmed && (known.open || done.is_none_or(|done| action.sequence > done)),
        None => true,
    })
}

/// Everything that a rollout gave out.
pub(crate) async fn given_out(store: &Store, key: &RolloutKey) -> Result<GivenOuts, StoreError> {
    read(&store.reader(key.tenant.as_str()), key).await
}

async fn read(db: &impl ConnectionTrait, key: &RolloutKey) -> Result<GivenOuts, StoreError> {
    use rollout_action::Column as C;
    let query = rollout_action::Entity::find()
        .select_only()
        .columns([C::Sequence, C::Action, C::Open, C::ConfirmTime])
        .filter(C::Tenant.eq(key.tenant.as_str()))
        .filter(C::Hierarchy.eq(key.hierarchy.as_str()))
        .filter(C::Rollout.eq(key.rollout.as_str()));
    let rows: Vec<(i64, String, bool, Option<i64>)> = query.into_tuple().all(db).await?;
    let given = rows.into_iter().map(|(sequence, id, open, confirmed)| {
        let sequence = u32::try_from(sequence).map_err(|error| damaged("sequence of an action", error))?;
        let id = ActionId::try_from(id).map_err(|error| damaged("action", error))?;
        Ok((sequence, GivenOut { id, open, confirmed: confirmed.is_some() }))
    });
    given.collect()
}

/// Whether a step changes anything that is kept.
pub(crate) fn is_news(before: &Rollout, step: &Step, given: &GivenOuts) -> bool {
    let open = given.iter().filter(|(_, given)| given.open).map(|(sequence, _)| *sequence);
    step.rollout != *before || !to_do(&step.actions, given).map(|action| action.sequence).eq(open)
}

/// Keeps a step together with what it gives out; answers the rollout as it is then. `None`: something else changed meanwhile, and nothing of
/// it is kept.
pub(crate) async fn step_keep(store: &Store, stepped: Stepped) -> Result<Option<Rollout>, Failure> {
    let tenant = stepped.before.key.tenant.clone();
    let stepped = Arc::new(stepped);
    let commit = store.database.write(Rows::Of(tenant.as_str()), |tx| {
        let stepped = Arc::clone(&stepped);
        Box::pin(async move { kept(tx, &stepped).await })
    });
    let kept = commit.await?;
    let rollout =
        || Arc::try_unwrap(stepped).map_or_else(|shared| shared.step.rollout.clone(), |own| own.step.rollout);
    Ok((kept == Kept::Yes).then(rollout))
}

async fn kept(tx: &DatabaseTransaction, stepped: &Stepped) -> Result<Kept, Failure> {
    let Stepped { before: KnownRollout { key, revision, rollout }, freeze, lease, step, at } = stepped;
    if !lock_held(tx, lease).await? || freeze::find(tx, key.tenant.as_str()).await? != *freeze {
        return Ok(Kept::Lost);
    }
    let (row, frame) = find(tx, key).await?;
    if row.revision != *revision {
        return Ok(Kept::Lost);
    }
    if step.rollout != **rollout {
        // An earlier release kept devices with the frame: all of them get their rows.
        let rows = match frame.has_devices() {
            true => step.rollout.rows_changed(&step.rollout.frame()),
            false => step.rollout.rows_changed(rollout),
        };
        devices_write(tx, key, &rows).await?;
        let whole = Part::Whole(&step.rollout);
        let next = filled(row.clone(), whole, approving(&row)?.as_ref(), &sizes(&row)?, *at)?;
        let etag = row.etag + i64::from(!step.transitions.is_empty());
        let next = rollout::Model { revision: revision + 1, etag, ..next };
        if !replace(tx, *revision, &next).await? {
            return Ok(Kept::Lost);
        }
        if !step.transitions.is_empty() || step.rollout.batches().len() != rollout.batches().len() {
            record(tx, (&row, &next), None, Some(BY_ITSELF)).await?;
        }
    }
    give_out(tx, key, &step.actions, *at).await?;
    Ok(Kept::Yes)
}

/// The actions are what is to be done now, and no others.
async fn give_out(
    tx: &DatabaseTransaction,
    key: &RolloutKey,
    actions: &[Action],
    at: Timestamp,
) -> Result<(), StoreError> {
    let given = read(tx, key).await?;
    let (known, new): (Vec<&Action>, Vec<&Action>) =
        to_do(actions, &given).partition(|action| given.contains_key(&action.sequence));
    close_actions(tx, key).await?;
    let known = known.iter().map(|action| i64::from(action.sequence)).collect();
    open(tx, key, known).await?;
    insert(tx, key, &new, at).await
}

/// The actions of these sequences are to be done now.
async fn open(tx: &DatabaseTransaction, key: &RolloutKey, sequences: Vec<i64>) -> Result<(), StoreError> {
    if sequences.is_empty() {
        return Ok(());
    }
    let engine = tx.get_database_backend();
    let update = Statement::from_sql_and_values(
        engine,
        format!(
            "UPDATE rollout_actions SET open = TRUE
             WHERE tenant = $1 AND hierarchy = $2 AND rollout = $3 AND sequence {}",
            one_of(engine, 4)
        ),
        [
            key.tenant.as_str().into(),
            key.hierarchy.as_str().into(),
            key.rollout.as_str().into(),
            List::BigInt(sequences).into_value(engine),
        ],
    );
    tx.execute_raw(update).await?;
    Ok(())
}

async fn insert(
    tx: &DatabaseTransaction,
    key: &RolloutKey,
    new: &[&Action],
    at: Timestamp,
) -> Result<(), StoreError> {
    let texts =
        |text: &dyn Fn(&Action) -> String| Column::Text(new.iter().map(|action| text(action)).collect());
    let flags =
        |flag: &dyn Fn(&Action) -> bool| Column::Bool(new.iter().map(|action| flag(action)).collect());
    let devices = |action: &Action| {
        let ids: Vec<&str> = action.devices.iter().map(|device| device.as_str()).collect();
        serde_json::Value::from(ids).to_string()
    };
    let waves = new.iter().map(|action| i32::try_from(action.wave).unwrap_or(i32::MAX));
    let insert = Insert::into("rollout_actions")
        .shared("tenant", key.tenant.as_str())
        .shared("hierarchy", key.hierarchy.as_str())
        .shared("rollout", key.rollout.as_str())
        .shared("open", true)
        .shared("give_time", at.as_microsecond())
        .column("sequence", Column::BigInt(new.iter().map(|action| i64::from(action.sequence)).collect()))
        .column("action", texts(&|action| action.id.to_string()))
        .column("wave", Column::Int(waves.collect()))
        .column("collection", texts(&|action| action.collection.to_string()))
        .column("adds", flags(&|action| action.change == MembershipChange::Add))
        .column("takes_back", flags(&|action| action.takes_back))
        .column("devices", texts(&devices));
    insert.execute(tx).await
}

#[cfg(test)]
mod tests {
    use tandem_domain::id::CollectionId;

    use super::*;

    fn id(number: u32) -> ActionId {
        ActionId::try_from(format!("00000000-0000-4000-8000-{number:012}")).unwrap()
    }

    fn action(sequence: u32) -> Action {
        Action {
            id: id(sequence),
            sequence,
            wave: 0,
            collection: CollectionId::parse("PS100010").unwrap(),
            change: MembershipChange::Add,
            devices: Vec::new(),
            takes_back: false,
        }
    }

    fn given(all: &[(u32, bool, bool)]) -> GivenOuts {
        let given = |&(sequence, open, confirmed)| (sequence, GivenOut { id: id(sequence), open, confirmed });
        all.iter().map(given).collect()
    }

    fn open(actions: &[u32], known: &[(u32, bool, bool)]) -> Vec<u32> {
        let actions: Vec<Action> = actions.iter().copied().map(action).collect();
        to_do(&actions, &given(known)).map(|action| action.sequence).collect()
    }

    #[test]
    fn what_was_confirmed_is_not_to_be_done_again() {
        assert_eq!(open(&[0, 1, 2], &[(0, true, true), (1, true, false)]), [1, 2]);
    }

    #[test]
    fn action_that_comes_back_is_not_given_out_below_one_that_was_done() {
        // Closed since nobody had to do it any more, and open again.
        assert_eq!(open(&[0, 2], &[(0, false, false), (1, true, true)]), [2]);
        assert_eq!(open(&[0, 2], &[(0, false, false), (1, true, false)]), [0, 2]);
    }
}
