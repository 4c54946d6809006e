//! Who decides a workload on a device: written by hand from states.md 8 of the fact pack and its notes, sharing nothing with the code that
//! decides it in the product.

use tandem_contracts::r#type::v1::{AuthorityReason as Why, ManagementAuthority as Who};

/// The workloads in the order of the contract.
pub(super) const COMPLIANCE: usize = 0;
pub(super) const UPDATES: usize = 1;
pub(super) const RESOURCE_ACCESS: usize = 2;
pub(super) const ENDPOINT: usize = 3;
pub(super) const CONFIGURATION: usize = 4;
pub(super) const APPS: usize = 6;

/// Who decides, and by which rule.
pub(super) type Decided = (Who, Why);

/// What is known of a device. `None`: nobody said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Traits {
    pub(super) client: Option<bool>,
    pub(super) enrolled: Option<bool>,
    /// Its MDM is another than Intune.
    pub(super) other_mdm: bool,
    /// A hierarchy has a record of it.
    pub(super) record: bool,
    pub(super) policy: Option<bool>,
    pub(super) provisioned: Option<bool>,
    pub(super) overridden: Option<bool>,
}

/// Where a slider stands; a pilot has the number of its collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slider {
    Manager,
    Pilot(usize),
    Intune,
}

/// A hierarchy's policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Policy {
    /// Co-management is set up.
    pub(super) enabled: Option<bool>,
    pub(super) sliders: [Slider; 7],
}

/// The first row that fits decides. Columns: client, enrolled, another MDM, record at a site, policy, provisioned, override; y: yes, n: no,
/// ?: nobody said, and a dot: any of them. The number is that of states.md 8; what is derived follows from its notes.
const DEVICE: [(&str, Option<Why>); 14] = [
    // 0, and its like: an MDM that is not Intune, without the client, is managed by neither.
    ("n n? . . . . .", Some(Why::Unmanaged)),
    ("n y y . . . .", Some(Why::Unmanaged)),
    // 1
    ("y . y . . . .", Some(Why::Coexistence)),
    // 2
    ("n y n . . . .", Some(Why::MdmOnly)),
    // 3
    ("y n? n . . . .", Some(Why::NotEnrolled)),
    // Notes: nobody said whether the client is there. The query rule does not ask for it.
    ("? n? . . . . .", Some(Why::ClientUnknown)),
    ("? y y . . . .", Some(Why::ClientUnknown)),
    ("? y n . n? . .", Some(Why::ClientUnknown)),
    ("? y n . y n? .", Some(Why::ClientUnknown)),
    // Notes: no site knows it.
    (". y n n . . .", Some(Why::NoSiteRecord)),
    // 3b
    ("y y n y n? . .", Some(Why::PolicyAbsent)),
    ("y y n y y n? .", Some(Why::NotProvisioned)),
    // 4
    (". y n y y y y", Some(Why::AutopilotOverride)),
    // 5 to 9: the sliders decide.
    (". y n y y y n?", None),
];

fn letter(said: Option<bool>) -> char {
    match said {
        Some(true) => 'y',
        Some(false) => 'n',
        None => '?',
    }
}

/// What decides all workloads of a device alike; `None`: its sliders do.
fn by_device(traits: &Traits) -> Option<Why> {
    let said = [
        traits.client,
        traits.enrolled,
        Some(traits.other_mdm),
        Some(traits.record),
        traits.policy,
        traits.provisioned,
        traits.overridden,
    ];
    let fits = |row: &str| {
        let cells = row.split_whitespace().zip(said);
        cells.into_iter().all(|(cell, said)| cell == "." || cell.contains(letter(said)))
    };
    let row = DEVICE.iter().find(|(row, _)| fits(row));
    row.unwrap_or_else(|| panic!("no row for {traits:?}")).1
}

/// Whether a device counts as co-managed: the query rule of states.md 2, and no coexistence. `None`: nobody can say.
pub(super) fn co_managed(traits: &Traits) -> Option<bool> {
    let query = [traits.enrolled, traits.policy, traits.provisioned].iter().all(|said| *said == Some(true));
    match traits.client {
        Some(true) if traits.other_mdm => Some(false),
        Some(false) if query => Some(true),
        _ if query && !traits.other_mdm => Some(true),
        None => None,
        Some(_) => Some(false),
    }
}

/// Who holds what, by rule.
fn holder(why: Why) -> Who {
    match why {
        Why::Unmanaged => Who::None,
        Why::Coexistence => Who::ThirdPartyMdm,
        Why::MdmOnly
        | Why::AutopilotOverride
        | Why::ResourceAccessFixed
        | Why::BundledWithDeviceConfiguration
        | Why::SliderIntune
        | Why::PilotMember => Who::Intune,
        Why::NotEnrolled
        | Why::PolicyAbsent
        | Why::NotProvisioned
        | Why::PilotNotMember
        | Why::SliderConfigurationManager => Who::ConfigurationManager,
        _ => Who::Unknown,
    }
}

/// Decides the seven workloads. `policy`: `None` while nobody recorded any. `fixed`: the site is of 2403 or later; `None`: of a version that
/// nobody said. `member`: whether the device is in a collection; `None`: not all of its members are known.
pub(super) fn decide(
    traits: &Traits,
    policy: Option<&Policy>,
    fixed: Option<bool>,
    member: impl Fn(usize) -> Option<bool>,
) -> [Decided; 7] {
    let by_device = by_device(traits);
    std::array::from_fn(|workload| {
        let why = by_device.unwrap_or_else(|| by_sliders(policy, fixed, &member, workload));
        (holder(why), why)
    })
}

/// Steps 7 to 9 for one slider alone.
fn own(policy: Option<&Policy>, member: &impl Fn(usize) -> Option<bool>, workload: usize) -> Why {
    let Some(policy) = policy else { return Why::PolicyUnknown };
    match (policy.enabled, policy.sliders[workload]) {
        // Nothing is set up, or the slider is where it is without being set up.
        (Some(false), _) | (_, Slider::Manager) => Why::SliderConfigurationManager,
        (None, _) => Why::PolicyUnknown,
        (Some(true), Slider::Intune) => Why::SliderIntune,
        (Some(true), Slider::Pilot(collection)) => match member(collection) {
            Some(true) => Why::PilotMember,
            Some(false) => Why::PilotNotMember,
            None => Why::MembershipUnknown,
        },
    }
}

/// Steps 5 to 9.
fn by_sliders(
    policy: Option<&Policy>,
    fixed: Option<bool>,
    member: &impl Fn(usize) -> Option<bool>,
    workload: usize,
) -> Why {
    let own_says = own(policy, member, workload);
    if workload != RESOURCE_ACCESS && workload != ENDPOINT {
        return own_says;
    }
    let carrier = own(policy, member, CONFIGURATION);
    let is_resource_access = workload == RESOURCE_ACCESS;
    match (is_resource_access.then_some(fixed).flatten(), holder(carrier), holder(own_says)) {
        (Some(true), _, _) => Why::ResourceAccessFixed,
        (_, Who::Intune, _) => Why::BundledWithDeviceConfiguration,
        (_, _, Who::Intune) => own_says,
        _ if own_says == Why::PolicyUnknown => own_says,
        _ if is_resource_access && fixed.is_none() => Why::SiteVersionUnknown,
        // As long as device configuration may be at Intune, what it carries may be too.
        (_, Who::Unknown, _) => carrier,
        _ => own_says,
    }
}

/// Whether a policy may be adopted in a hierarchy of that version: of the sub-workloads none stands elsewhere than Intune where device
/// configuration or the version has it there; every pilot has its collection here.
pub(super) fn can_be_adopted(policy: &Policy, fixed: Option<bool>) -> bool {
    let elsewhere = |workload: usize| policy.sliders[workload] != Slider::Intune;
    let carried = policy.sliders[CONFIGURATION] == Slider::Intune;
    policy.enabled == Some(false)
        || !((carried && (elsewhere(RESOURCE_ACCESS) || elsewhere(ENDPOINT)))
            || (fixed == Some(true) && elsewhere(RESOURCE_ACCESS)))
}
