//! Rollouts and deeds by chance, weighted so that lives go far.

use jiff::civil::Time;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;

use super::super::*;
use super::world::{DEVICES, Deed, collections};

fn any_choice() -> impl Strategy<Value = WaveChoice> {
    prop_oneof![
        2 => btree_set(0..DEVICES, 1..6).prop_map(group),
        2 => select(vec![1_000, 2_500, 5_000, 7_500, 10_000])
            .prop_map(|up_to| WaveChoice::Percentage { up_to: BasisPoints(up_to) }),
        1 => select(collections().to_vec()).prop_map(WaveChoice::Collection),
    ]
}

fn any_budget() -> impl Strategy<Value = DisruptionBudget> {
    prop_oneof![
        (1..5_u32).prop_map(DisruptionBudget::Devices),
        select(vec![1, 2_500, 5_000, 10_000]).prop_map(|share| DisruptionBudget::Share(BasisPoints(share))),
    ]
}

fn any_offline() -> impl Strategy<Value = OfflineDevices> {
    prop_oneof![
        Just(OfflineDevices::NotYet),
        (60..1_000_u32).prop_map(|limit| OfflineDevices::ExcludeAfter(Minutes(limit))),
        (60..1_000_u32).prop_map(|limit| OfflineDevices::FailAfter(Minutes(limit))),
    ]
}

prop_compose! {
    fn any_wave()(
        choice in any_choice(),
        soak in 0..180_u32,
        spare in 1..3_000_u32,
        (success, failure) in select(vec![(10_000, 0), (9_000, 1_000), (5_000, 5_000), (1, 3_000)]),
        minimum_sample in 1..4_u32,
        budget in any_budget(),
        late_joiners in select(vec![LateJoiners::Include, LateJoiners::NextWave, LateJoiners::Skip]),
        offline in any_offline(),
    ) -> WaveSpec {
        WaveSpec {
            choice,
            soak: Minutes(soak),
            success_gate: BasisPoints(success),
            failure_gate: BasisPoints(failure),
            minimum_sample,
            budget,
            deadline: Minutes(soak + spare),
            late_joiners,
            offline,
        }
    }
}

fn any_windows() -> impl Strategy<Value = Option<MaintenanceWindows>> {
    let weekly = |days: BTreeSet<Day>, hour| WeeklyWindow {
        days,
        opens: Time::constant(hour, 0, 0, 0),
        length: Minutes(300),
    };
    let windows = (btree_set(select(&Day::ALL), 1..7), 0..24_i8).prop_map(move |(days, hour)| {
        MaintenanceWindows { weekly: vec![weekly(days, hour)], fallback: Zone::utc() }
    });
    proptest::option::weighted(0.3, windows)
}

/// A rollout that can be meant.
pub(super) fn any_spec() -> impl Strategy<Value = RolloutSpec> {
    let to = select(vec![Direction::ToIntune, Direction::ToConfigurationManager]);
    let on_failure = select(vec![OnFailure::Pause, OnFailure::RollBack, OnFailure::Stop]);
    let parts = (vec(any_wave(), 1..4), to, on_failure, any_windows());
    parts.prop_filter_map("a rollout that can be meant", |(waves, direction, on_failure, windows)| {
        let spec = RolloutSpec { direction, on_failure, windows, ..spec(waves) };
        spec.validate(&[]).is_ok().then_some(spec)
    })
}

fn any_command() -> impl Strategy<Value = Command> {
    prop_oneof![
        2 => Just(Command::Pause { why: why() }),
        4 => Just(Command::Resume),
        4 => (0..3_usize).prop_map(|wave| Command::ApproveWave { wave, why: why() }),
        2 => Just(Command::RollBack { why: why() }),
        1 => select(vec![Command::Submit, Command::Withdraw, Command::Start, Command::Approve(granted("p"))]),
    ]
}

fn any_deed() -> impl Strategy<Value = Deed> {
    let device = || 0..DEVICES;
    prop_oneof![
        12 => (0..200_i64, any::<bool>()).prop_map(|(minutes, crash)| Deed::Step { minutes, crash }),
        4 => Just(Deed::Obey),
        2 => Just(Deed::StepOnOldReadings),
        5 => (1..4_usize).prop_map(Deed::CarryOut),
        1 => Just(Deed::LoseOutbox),
        8 => Just(Deed::ReadMembers),
        6 => vec(device(), 1..6).prop_map(Deed::Arrive),
        1 => device().prop_map(Deed::ReportOtherwise),
        3 => device().prop_map(Deed::Fail),
        1 => device().prop_map(Deed::Mend),
        2 => device().prop_map(Deed::Hear),
        3 => any_command().prop_map(Deed::Command),
        1 => Just(Deed::FreezeOrThaw),
        1 => any::<bool>().prop_map(|there| Deed::Slider { there }),
        1 => device().prop_map(Deed::Enrol),
        1 => device().prop_map(Deed::Leave),
        1 => (device(), proptest::option::of(any::<bool>()))
            .prop_map(|(device, co_managed)| Deed::CoManaged(device, co_managed)),
        1 => (device(), 0..2_usize).prop_map(|(device, collection)| Deed::Join(device, collection)),
    ]
}

/// What happens to a rollout, in order.
pub(super) fn any_deeds() -> impl Strategy<Value = Vec<Deed>> {
    vec(any_deed(), 1..120)
}

/// How actions may be given out, carried out, forgotten and read, in any order.
pub(super) fn any_handover() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        3 => (1..10_i64).prop_map(|minutes| Deed::Step { minutes, crash: false }),
        2 => Just(Deed::ReadMembers),
        1 => Just(Deed::CarryOut(1)),
        1 => Just(Deed::LoseOutbox),
        1 => Just(Deed::StepOnOldReadings),
    ];
    vec(deed, 1..10)
}
