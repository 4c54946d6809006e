//! How far a workload reaches into the fleet by a policy, and how a plan changes that.

use std::collections::BTreeSet;

use crate::id::CollectionId;
use crate::policy::{CoManagementPolicy, ResourceAccessSlider};
use crate::workload::{PerWorkload, SliderPosition, Workload};

/// Which devices Intune has a workload on, by the sliders that decide it. Ordered by how many these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// None.
    ConfigurationManager,
    /// Members of a pilot.
    Pilot,
    /// Every co-managed device.
    Intune,
}

impl Reach {
    pub(super) const fn of(slider: SliderPosition) -> Self {
        match slider {
            SliderPosition::ConfigurationManager => Self::ConfigurationManager,
            SliderPosition::PilotIntune => Self::Pilot,
            SliderPosition::Intune => Self::Intune,
        }
    }
}

/// What a plan does to one workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    /// Before; `None`: nobody said.
    pub(super) from: Option<Reach>,
    /// After.
    pub(super) to: Reach,
    /// Pilots before and after, and a collection decides that did not: devices may come.
    pilots_added: bool,
    /// Pilots before and after, and a collection decides no longer: devices may go.
    pilots_removed: bool,
}

impl Change {
    /// Some device may come to Intune.
    pub(super) fn gains(&self) -> bool {
        let rises = self.from.map_or(self.to > Reach::ConfigurationManager, |from| from < self.to);
        rises || self.pilots_added
    }

    /// Some device may go back. From a position that nobody said none is known to.
    pub(super) fn returns(&self) -> bool {
        self.from.is_some_and(|from| from > self.to) || self.pilots_removed
    }

    /// Either of them.
    pub(super) fn is_a_move(&self) -> bool {
        self.gains() || self.returns()
    }
}

/// What a plan does to every workload.
#[derive(Debug, Clone)]
pub(super) struct Changes {
    workloads: PerWorkload<Change>,
    own_slider_moved: PerWorkload<bool>,
}

impl Changes {
    pub(super) fn between(
        base: Option<&CoManagementPolicy>,
        proposed: &CoManagementPolicy,
        resource_access: &ResourceAccessSlider,
    ) -> Self {
        let change = |workload| {
            let before = base.map(|policy| deciding(policy, workload, resource_access));
            // Whether there are sliders nobody said: one at Configuration Manager says the same either way.
            let is_known = |from: &Reach| {
                base.is_some_and(|base| base.enabled.is_some()) || *from == Reach::ConfigurationManager
            };
            let before = before.filter(|(from, _)| is_known(from));
            let (to, pilots) = deciding(proposed, workload, resource_access);
            let old = before.as_ref().filter(|(from, _)| (*from, to) == (Reach::Pilot, Reach::Pilot));
            Change {
                from: before.as_ref().map(|(from, _)| *from),
                to,
                pilots_added: old.is_some_and(|(_, old)| !pilots.is_subset(old)),
                pilots_removed: old.is_some_and(|(_, old)| !old.is_subset(&pilots)),
            }
        };
        let moved =
            |workload| base.is_none_or(|base| base.workloads[workload] != proposed.workloads[workload]);
        Self { workloads: PerWorkload::from_fn(change), own_slider_moved: PerWorkload::from_fn(moved) }
    }

    pub(super) fn of(&self, workload: Workload) -> &Change {
        &self.workloads[workload]
    }

    /// The workload's own slider or pilot collection is not where it was known to be.
    pub(super) fn slider_moved(&self, workload: Workload) -> bool {
        self.own_slider_moved[workload]
    }

    /// The workloads of such changes.
    pub(super) fn those(&self, test: impl Fn(&Change) -> bool) -> Vec<Workload> {
        self.workloads.iter().filter(|(_, change)| test(change)).map(|(workload, _)| workload).collect()
    }
}

/// How far the sliders that decide a workload reach, its own and that of what carries it, and by which pilots.
///
/// Without co-management set up there are no sliders, and everything is at Configuration Manager \[derived\].
fn deciding<'a>(
    policy: &'a CoManagementPolicy,
    workload: Workload,
    resource_access: &ResourceAccessSlider,
) -> (Reach, BTreeSet<Option<&'a CollectionId>>) {
    if policy.enabled == Some(false) {
        return (Reach::ConfigurationManager, BTreeSet::new());
    }
    if workload == Workload::ResourceAccessPolicies && resource_access.is_fixed() {
        return (Reach::Intune, BTreeSet::new());
    }
    let settings = || workload.included_in().into_iter().chain([workload]).map(|w| &policy.workloads[w]);
    let reach = settings().map(|setting| Reach::of(setting.slider)).max();
    let pilots = settings().filter(|setting| setting.slider == SliderPosition::PilotIntune);
    let pilots = pilots.map(|setting| setting.pilot_collection.as_ref()).collect();
    (reach.unwrap_or(Reach::ConfigurationManager), pilots)
}
