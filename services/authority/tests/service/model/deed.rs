//! What may happen to a tenant, and how often.

use std::collections::BTreeSet;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;

use super::site::{CHOSEN, DEVICES, Report};
use super::spec::{Budget, Choice, Late, Moved, Offline, OnFailure, Spec, WaveSpec};
use super::table::{APPS, COMPLIANCE, CONFIGURATION, ENDPOINT, Policy, RESOURCE_ACCESS, Slider, UPDATES};
use super::tenant::{Command, Order};

/// Rollouts that there may be: `a`, `b` and `c`.
pub(super) const ROLLOUTS: u8 = 3;

/// How something is asked of a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Once,
    /// Again with the same id.
    Twice,
    /// The process dies after so many turns, wherever it is by then; another one is asked the same with the same id.
    Dying(u32),
    /// While the other replica looks at rollouts.
    Racing,
}

/// What may be different of a device.
#[derive(Debug, Clone, Copy)]
pub(super) enum Trait {
    Client(Option<bool>),
    Enrolled(Option<bool>),
    OtherMdm(bool),
    Record(bool),
    Policy(Option<bool>),
    Provisioned(Option<bool>),
    Overridden(Option<bool>),
}

/// How the open actions of a rollout are carried out in the hierarchy.
#[derive(Debug, Clone, Copy)]
pub(super) enum Effort {
    All,
    /// Only on the first device of the first.
    Partly,
    Twice,
}

/// What happens. Replicas are 0 and 1; devices go by their numbers, times by minutes.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    /// Time passes.
    Pass(i64),
    /// A replica looks at rollouts.
    Look(usize),
    /// Both do at once.
    LookTogether,
    /// One does and dies after so many turns.
    LookDying(usize, u32),
    /// One does while the inventory is away.
    LookInVain(usize),
    /// A process dies, and another takes its place.
    Die(usize),
    /// Something is asked of a replica.
    Ask(usize, How, Order),
    /// A rollout is drafted, submitted and started.
    Launch(u8, Spec),
    /// A policy with one slider elsewhere, or set up or not, is recorded.
    Slide(usize, How, usize, Slider),
    Enable(usize, How, Option<bool>),
    /// A plan is made, and the last one that was made is adopted.
    Plan(usize, Policy),
    Apply(usize, How),
    /// Somebody else puts a device into a collection, or takes it out.
    Member(u32, usize, bool),
    /// A device's collections are read, or all members of a collection.
    ReadDevice(u32),
    Read(usize),
    ComeOrGo(u32),
    Become(u32, Trait),
    /// A device reports; of so many minutes ago, or ahead of time.
    Report(u32, Report, i64),
    Version(Option<bool>),
    /// What a rollout wants is carried out, whether or not anybody says so.
    CarryOut(u8, Effort),
    /// Once everything goes as it should: carried out, confirmed, read, reported, and looked at an hour later.
    Obey,
}

pub(super) fn any_slider() -> impl Strategy<Value = Slider> {
    prop_oneof![2 => Just(Slider::Manager), 4 => (0..3_usize).prop_map(Slider::Pilot), 2 => Just(Slider::Intune)]
}

/// Workloads whose sliders move: the two that rollouts move the least, as that ends what they do.
fn any_workload() -> impl Strategy<Value = usize> {
    prop_oneof![
        6 => select(vec![COMPLIANCE, UPDATES, RESOURCE_ACCESS, ENDPOINT]),
        1 => select(vec![APPS, CONFIGURATION])
    ]
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let sliders = proptest::array::uniform7(any_slider());
    (proptest::bool::weighted(0.8), sliders, any::<bool>()).prop_map(|(enabled, mut sliders, is_whole)| {
        if is_whole {
            // What may be adopted anywhere.
            sliders[RESOURCE_ACCESS] = Slider::Intune;
            sliders[ENDPOINT] = Slider::Intune;
        }
        Policy { enabled: Some(enabled), sliders }
    })
}

fn any_wave(choice: Choice) -> impl Strategy<Value = WaveSpec> {
    let gates = select(vec![(10_000, 0), (9_000, 1_000), (5_000, 5_000), (5_000, 2_500)]);
    let budget = prop_oneof![
        2 => (1..4_u32).prop_map(Budget::Devices),
        1 => select(vec![3_000, 10_000]).prop_map(Budget::Share)
    ];
    let offline = prop_oneof![3 => Just(Offline::NotYet), 1 => Just(Offline::Exclude(90)), 1 => Just(Offline::Fail(90))];
    let late = select(vec![Late::Include, Late::Include, Late::NextWave, Late::Skip]);
    (gates, budget, offline, late, select(vec![0, 60]), select(vec![1, 1, 1, 2]), select(vec![200, 10_080]))
        .prop_map(move |((success, failure), budget, offline, late, soak, sample, deadline)| WaveSpec {
            choice: choice.clone(),
            soak,
            success,
            failure,
            sample,
            budget,
            deadline,
            late,
            offline,
        })
}

/// Waves of groups, of a collection, and of everybody else, in that order; some of which cannot be meant.
pub(super) fn any_spec() -> impl Strategy<Value = Spec> {
    let group = btree_set(1..=DEVICES, 1..3_usize).prop_map(|devices: BTreeSet<u32>| Choice::Group(devices));
    let choices = (
        proptest::option::of(group),
        proptest::option::weighted(0.3, Just(Choice::Collection(CHOSEN))),
        proptest::option::weighted(0.8, Just(Choice::Everybody)),
    );
    let choices = choices.prop_map(|(group, collection, rest)| {
        let all: Vec<Choice> = [group, collection, rest].into_iter().flatten().collect();
        if all.is_empty() { vec![Choice::Everybody] } else { all }
    });
    let waves = choices.prop_flat_map(|choices| choices.into_iter().map(any_wave).collect::<Vec<_>>());
    let on_failure = select(vec![OnFailure::Pause, OnFailure::RollBack, OnFailure::Stop]);
    let moved = prop_oneof![2 => Just(Moved::Apps), 1 => Just(Moved::Configuration)];
    (moved, proptest::bool::weighted(0.7), on_failure, waves).prop_map(
        |(moved, to_intune, on_failure, waves)| Spec {
            moved,
            to_intune,
            pilot: if moved == Moved::Apps { 0 } else { 1 },
            on_failure,
            waves,
        },
    )
}

fn any_command() -> impl Strategy<Value = Command> {
    prop_oneof![
        1 => Just(Command::Submit),
        1 => Just(Command::Withdraw),
        2 => Just(Command::Start),
        3 => Just(Command::Pause),
        5 => Just(Command::Resume),
        4 => (0..3_u32).prop_map(Command::ApproveWave),
        5 => Just(Command::RollBack),
        1 => Just(Command::Cancel),
    ]
}

fn any_order() -> impl Strategy<Value = Order> {
    // Mostly of the one that was there from the beginning.
    let id = || prop_oneof![3 => Just(0), 2 => 1..ROLLOUTS];
    prop_oneof![
        1 => (id(), any_spec()).prop_map(|(id, spec)| Order::Draft(id, spec)),
        8 => (id(), any_command()).prop_map(|(id, command)| Order::Command(id, command)),
        4 => (id(), 0..6_usize).prop_map(|(id, sequence)| Order::Confirm(id, sequence)),
        1 => Just(Order::Freeze),
        2 => Just(Order::Thaw),
    ]
}

fn any_how() -> impl Strategy<Value = How> {
    prop_oneof![
        6 => Just(How::Once),
        1 => Just(How::Twice),
        2 => (0..40_u32).prop_map(How::Dying),
        2 => Just(How::Racing)
    ]
}

pub(super) fn any_trait() -> impl Strategy<Value = Trait> {
    let mostly = || prop_oneof![4 => Just(Some(true)), 1 => Just(Some(false)), 1 => Just(None)];
    prop_oneof![
        mostly().prop_map(Trait::Client),
        mostly().prop_map(Trait::Enrolled),
        proptest::bool::weighted(0.4).prop_map(Trait::OtherMdm),
        proptest::bool::weighted(0.7).prop_map(Trait::Record),
        mostly().prop_map(Trait::Policy),
        mostly().prop_map(Trait::Provisioned),
        select(vec![None, Some(false), Some(true)]).prop_map(Trait::Overridden),
    ]
}

fn any_report() -> impl Strategy<Value = Report> {
    let moved = || proptest::bool::weighted(0.6);
    (any::<bool>(), moved(), moved(), proptest::bool::weighted(0.2))
        .prop_map(|(by_cloud, apps, configuration, failed)| Report { by_cloud, apps, configuration, failed })
}

fn any_deed() -> impl Strategy<Value = Deed> {
    let replica = || 0..2_usize;
    let device = || 1..=DEVICES;
    let happens = prop_oneof![
        3 => (1..100_i64).prop_map(Deed::Pass),
        2 => (device(), 0..4_usize, any::<bool>()).prop_map(|(device, id, is)| Deed::Member(device, id, is)),
        1 => device().prop_map(Deed::ReadDevice),
        3 => select(vec![0, 0, 1, 1, 2, CHOSEN]).prop_map(Deed::Read),
        1 => device().prop_map(Deed::ComeOrGo),
        2 => (device(), any_trait()).prop_map(|(device, what)| Deed::Become(device, what)),
        5 => (device(), any_report(), select(vec![0, 0, 0, 1, 5, 40, -2, -30]))
            .prop_map(|(device, report, ago)| Deed::Report(device, report, ago)),
        3 => (0..ROLLOUTS, select(vec![Effort::All, Effort::All, Effort::Partly, Effort::Twice]))
            .prop_map(|(id, effort)| Deed::CarryOut(id, effort)),
        5 => Just(Deed::Obey),
    ];
    let asked = prop_oneof![
        5 => replica().prop_map(Deed::Look),
        2 => Just(Deed::LookTogether),
        2 => (replica(), 0..40_u32).prop_map(|(replica, turns)| Deed::LookDying(replica, turns)),
        1 => replica().prop_map(Deed::LookInVain),
        1 => replica().prop_map(Deed::Die),
        8 => (replica(), any_how(), any_order()).prop_map(|(replica, how, order)| Deed::Ask(replica, how, order)),
        2 => (0..ROLLOUTS, any_spec()).prop_map(|(id, spec)| Deed::Launch(id, spec)),
    ];
    let policies = prop_oneof![
        4 => (replica(), any_how(), any_workload(), any_slider())
            .prop_map(|(replica, how, workload, slider)| Deed::Slide(replica, how, workload, slider)),
        1 => (replica(), any_how(), select(vec![Some(true), Some(true), Some(false), None]))
            .prop_map(|(replica, how, enabled)| Deed::Enable(replica, how, enabled)),
        2 => (replica(), any_policy()).prop_map(|(replica, policy)| Deed::Plan(replica, policy)),
        2 => (replica(), any_how()).prop_map(|(replica, how)| Deed::Apply(replica, how)),
        1 => select(vec![Some(false), Some(true), None]).prop_map(Deed::Version),
    ];
    prop_oneof![5 => happens, 4 => asked, 2 => policies]
}

/// A life of a tenant: mostly with a rollout from its beginning.
pub(super) fn any_life(longest: usize) -> impl Strategy<Value = Vec<Deed>> {
    let first = proptest::option::weighted(0.8, any_spec().prop_map(|spec| Deed::Launch(0, spec)));
    (first, vec(any_deed(), 1..longest)).prop_map(|(first, mut deeds)| {
        deeds.splice(0..0, first);
        deeds
    })
}
