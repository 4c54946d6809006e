//! What may have become of a tenant: every course that is right is followed by the model, until what is shown rules it out.

use std::collections::BTreeMap;

use tandem_contracts::r#type::v1::ErrorReason;
use tonic::Status;

use super::life::{Checked, Life};
use super::shown::Shown;
use super::table::Policy;
use super::tenant::{Command, Order, Tenant, World};
use crate::reason;

/// What may have become of a tenant, step by step.
#[derive(Clone, Copy)]
pub(super) enum Event<'a> {
    /// An order was obeyed, or refused.
    Order(&'a Order),
    /// A process looked.
    Look(usize),
    /// A process may have looked, and nobody knows how far it came.
    Part(usize),
}

impl Life {
    /// The states that the tenant may be in after one of those courses, of which one is what is shown.
    pub(super) fn follow(&mut self, courses: &[&[Event<'_>]], answer: Option<Result<(), Status>>) -> Checked {
        let policy = self.policy;
        self.follow_under(&[policy], courses, answer)
    }

    /// The same where the looks may have read one policy or the other.
    pub(super) fn follow_under(
        &mut self,
        policies: &[Option<Policy>],
        courses: &[&[Event<'_>]],
        answer: Option<Result<(), Status>>,
    ) -> Checked {
        let answer = answer.map(|answer| answer.map_err(reason));
        let (mut ends, mut notes): (Vec<Tenant>, Vec<String>) = (Vec::new(), Vec::new());
        for policy in policies {
            let world =
                World { site: &self.site, policy: policy.as_ref(), now: self.minute, shown: &self.shown };
            for course in courses {
                let mut states = self.tenants.clone();
                for event in *course {
                    let mut next: Vec<Tenant> = Vec::new();
                    for state in states {
                        let become_so = match event {
                            Event::Order(order) => ordered(&state, order, world, answer.as_ref()),
                            // Only what was obeyed, and sets something in motion, is followed by a look.
                            Event::Look(_) if !is_looked_after(course, answer.as_ref()) => Ok(vec![state]),
                            Event::Look(process) => state.looked(*process, world).map(|state| vec![state]),
                            Event::Part(process) => Ok(state.partly_looked(*process, world)),
                        };
                        match become_so {
                            Ok(states) => states.into_iter().for_each(|state| {
                                if !next.contains(&state) {
                                    next.push(state);
                                }
                            }),
                            Err(note) => notes.push(note),
                        }
                    }
                    states = next;
                }
                ends.extend(states);
            }
        }
        let is_shown = |tenant: &Tenant| {
            let by_model = tenant
                .rollouts
                .iter()
                .map(|(id, rollout)| (*id, Shown::by_model(rollout, tenant.frozen.is_some())));
            by_model.collect::<BTreeMap<_, _>>() == self.shown
        };
        let mut left: Vec<Tenant> = Vec::new();
        for end in &ends {
            if is_shown(end) && !left.contains(end) {
                left.push(end.clone());
            }
        }
        if left.is_empty() {
            let expected: Vec<String> =
                ends.iter().take(3).map(|tenant| super::check::difference(tenant, &self.shown)).collect();
            return Err(format!("{}\n{}\nanswer {answer:?}", expected.join("\nor "), notes.join("\n")));
        }
        self.tenants = left;
        Ok(())
    }
}

/// A request and its repetition are answered alike.
pub(super) fn same<T: std::fmt::Debug + PartialEq>(
    first: &Result<T, Status>,
    again: &Result<T, Status>,
) -> Checked {
    match (first, again) {
        (Ok(first), Ok(again)) if first == again => Ok(()),
        (Err(first), Err(again)) if first.message() == again.message() => Ok(()),
        _ => Err(format!("{first:?}, and again {again:?}")),
    }
}

/// What an order leaves, if it is answered as it was.
fn ordered(
    state: &Tenant,
    order: &Order,
    world: World<'_>,
    answer: Option<&Result<(), ErrorReason>>,
) -> Result<Vec<Tenant>, String> {
    match (state.ordered(order, world.site, world.now), answer) {
        (Ok(next), Some(Ok(()))) => Ok(vec![next]),
        (Err(expected), Some(Err(found))) if expected == *found || matches!(order, Order::Draft(..)) => {
            Ok(vec![state.clone()])
        }
        (expected, _) => Err(format!("expected {:?}", expected.map(|_| ()))),
    }
}

/// Whether a look follows: always, but for an order that is refused, or moves nothing.
fn is_looked_after(course: &[Event<'_>], answer: Option<&Result<(), ErrorReason>>) -> bool {
    let order = course.iter().find_map(|event| match event {
        Event::Order(order) => Some(order),
        _ => None,
    });
    match order {
        None => true,
        Some(Order::Command(
            _,
            Command::Start | Command::Resume | Command::ApproveWave(_) | Command::RollBack,
        )) => {
            matches!(answer, Some(Ok(())))
        }
        Some(_) => false,
    }
}
