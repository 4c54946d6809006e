//! Handing an adopted policy over: the difference between desired and configured as exact work for the
//! hierarchy.
//!
//! Sliders, staging collections and automatic enrolment are set by a person in the console ([`ConsoleStep`]),
//! because no cmdlet for them is documented; only a first policy whose sliders are all fully on or off can be
//! created by script ([`Creation`]). Members of collections are added and removed by script
//! ([`MembershipWork`]). Nothing here reaches a hierarchy: texts are made, and somebody runs them. Source:
//! the fact pack's handover.md; sections are cited where they are used.
//!
//! Invariants, each with a property test: every member of a change is in exactly one batch; a name of a
//! device or collection changes nothing in a script but the one literal that it is written in, and reads back
//! from it; a sheet reads back as it was written, and no cell of it is a formula; a hierarchy that is as
//! desired gets no work; the console steps, done, make it so.
//!
//! Not for: whether a plan is wise, or which devices a wave takes.

mod check;
mod cmdlets;
mod console;
mod creation;
mod membership;
mod powershell;
mod sheet;
mod warning;

#[cfg(test)]
mod tests;

pub use check::{Check, CheckAfter, checks};
pub use cmdlets::{CmdletSupport, CmdletsUnsafe};
pub use console::{ConsoleAction, ConsoleStep};
pub use creation::{Creation, CreationObstacle};
pub use membership::{InvalidMembership, Member, MembershipAction, MembershipChange, MembershipWork};
pub use warning::Warning;

use crate::authority::resource_access_fixed;
use crate::policy::{CoManagementPolicy, InvalidPolicy};
use crate::site::SiteFacts;

/// Why there is no hand-over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandoverError {
    /// The desired policy is one that the console could not hold.
    #[error(transparent)]
    Policy(#[from] InvalidPolicy),
    /// A change of members that no script can carry.
    #[error(transparent)]
    Membership(#[from] InvalidMembership),
}

/// The work that carries an adopted policy into its hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// What a person does in the console, in order. Empty: nothing.
    pub console: Vec<ConsoleStep>,
    /// How the hierarchy comes by its first policy.
    pub creation: Creation,
    /// Members to add and remove, one per collection. Empty: none.
    pub memberships: Vec<MembershipWork>,
    /// What to know before and while doing it.
    pub warnings: Vec<Warning>,
    /// What to verify afterwards.
    pub checks: Vec<&'static Check>,
}

impl Handover {
    /// Nothing is to be done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.console.is_empty() && self.creation == Creation::NotNeeded && self.memberships.is_empty()
    }

    /// The members of all collections as one sheet; see [`MembershipWork::csv`].
    #[must_use]
    pub fn csv(&self) -> String {
        sheet::write(&self.memberships)
    }
}

/// What is known when the work is worked out.
#[derive(Clone, Copy)]
struct Task<'a> {
    configured: Option<&'a CoManagementPolicy>,
    desired: &'a CoManagementPolicy,
    site: Option<&'a SiteFacts>,
}

impl Task<'_> {
    /// Co-management is set up in the hierarchy; `None`: nobody said.
    fn set_up(&self) -> Option<bool> {
        self.configured.and_then(|policy| policy.enabled)
    }

    /// The adopted policy says that co-management shall not be set up.
    fn turns_off(&self) -> bool {
        self.desired.enabled == Some(false)
    }

    /// Whether the slider of resource access is gone; `None`: the site's version is not known.
    fn resource_access_fixed(&self) -> Option<bool> {
        resource_access_fixed(self.site)
    }
}

/// Works out what carries `desired` into the hierarchy.
///
/// `configured` is what the hierarchy's sliders were last read as; `None`, or a policy that does not say
/// whether co-management is set up: nobody said, so every position is set and nothing is taken for done. A
/// desired policy that does not say whether it is set up means that it is. `site` is the hierarchy's top
/// site: its version decides what the console and the cmdlets can do.
///
/// # Errors
/// [`HandoverError`] for a desired policy or a membership change that cannot be carried out as it stands.
pub fn handover(
    configured: Option<&CoManagementPolicy>,
    desired: &CoManagementPolicy,
    memberships: &[MembershipChange],
    site: Option<&SiteFacts>,
) -> Result<Handover, HandoverError> {
    desired.validate()?;
    let memberships = membership::work(memberships, &CmdletSupport::of(site))?;
    let task = Task { configured, desired, site };
    let creation = creation::creation(task);
    let console = console::steps(task, &creation);
    let mut handover = Handover { console, creation, memberships, warnings: Vec::new(), checks: Vec::new() };
    handover.warnings = warning::warnings(task, &handover);
    handover.checks = check::after(&handover);
    Ok(handover)
}
