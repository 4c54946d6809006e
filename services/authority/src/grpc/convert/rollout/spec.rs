//! What a rollout is to do.

use std::collections::BTreeSet;

use jiff::civil::Time;
use tandem_contracts::authority::v1 as proto;
use tandem_contracts::authority::v1::rollout_wave_spec::{Budget, Choice, Offline};
use tandem_contracts::convert::{Violation, Violations, enum_required, number};
use tandem_domain::id::{CollectionId, DeviceId, TenantId};
use tandem_domain::rollout::{
    BasisPoints, Day, Direction, DisruptionBudget, LateJoiners, MAX_WAVES, MaintenanceWindows, Minutes,
    OfflineDevices, OnFailure, RolloutPhase, RolloutSpec, WaveChoice, WaveSpec, WeeklyWindow, Zone,
};

/// The deadline of a wave that says none.
const DEADLINE: Minutes = Minutes::of_hours(7 * 24);

/// Most devices of a group, as the contract says.
const LARGEST_GROUP: usize = 10_000;

/// Most windows, as the contract says.
const MOST_WINDOWS: usize = 50;

/// Waves that are read of a request: some more than there may be, so that their number is refused by its own rule.
const WAVES_READ: usize = MAX_WAVES + 1;

/// A rollout's spec in a tenant.
///
/// # Errors
/// Every field that breaks its documented shape. Whether it can be meant is the domain's to say.
pub(crate) fn spec_from(
    message: proto::RolloutSpec,
    tenant: &TenantId,
) -> Result<RolloutSpec, Vec<Violation>> {
    let mut violations = Violations::new();
    let workload = violations.keep(enum_required("workload", message.workload));
    let direction = match message.direction() {
        proto::RolloutDirection::ToIntune => Some(Direction::ToIntune),
        proto::RolloutDirection::ToConfigurationManager => Some(Direction::ToConfigurationManager),
        proto::RolloutDirection::Unspecified => {
            violations.add("direction", "must say where the workload moves; found unspecified");
            None
        }
    };
    let on_failure = match message.on_failure() {
        proto::OnWaveFailure::Unspecified | proto::OnWaveFailure::Pause => OnFailure::Pause,
        proto::OnWaveFailure::RollBack => OnFailure::RollBack,
        proto::OnWaveFailure::Stop => OnFailure::Stop,
    };
    let pilot_collection = violations.keep(pilot(&message.pilot_collection));
    let windows = message.windows.map(|windows| violations.keep_under("windows", windows_from(windows)));
    let read = message.waves.into_iter().take(WAVES_READ).enumerate();
    let waves: Vec<_> = read
        .filter_map(|(index, wave)| {
            violations.keep_under(&format!("waves[{index}]"), wave_from(wave, tenant))
        })
        .collect();
    let spec = (|| {
        let windows = match windows {
            None => None,
            Some(read) => Some(read?),
        };
        Some(RolloutSpec {
            workload: workload?,
            direction: direction?,
            pilot_collection: pilot_collection?,
            windows,
            on_failure,
            waves,
        })
    })();
    violations.finish(spec)
}

fn collection(field: &str, id: &str) -> Result<CollectionId, Violation> {
    CollectionId::parse(id).map_err(|error| Violation::new(field, error.to_string()))
}

/// Direct rules cannot be added to built-in collections.
fn pilot(id: &str) -> Result<CollectionId, Violation> {
    let field = "pilot_collection";
    if id.get(..3).is_some_and(|site| site.eq_ignore_ascii_case("SMS")) {
        let description = format!(
            "must be a collection of your own; found the built-in {id}, whose members no rule changes"
        );
        return Err(Violation::new(field, description));
    }
    collection(field, id)
}

fn wave_from(message: proto::RolloutWaveSpec, tenant: &TenantId) -> Result<WaveSpec, Vec<Violation>> {
    let mut violations = Violations::new();
    let late_joiners = match message.late_joiners() {
        proto::LateJoiners::Unspecified | proto::LateJoiners::Include => LateJoiners::Include,
        proto::LateJoiners::NextWave => LateJoiners::NextWave,
        proto::LateJoiners::Skip => LateJoiners::Skip,
    };
    let choice = match message.choice {
        Some(Choice::Collection(id)) => {
            violations.keep(collection("collection", &id).map(WaveChoice::Collection))
        }
        Some(Choice::UpTo(share)) => Some(WaveChoice::Percentage { up_to: BasisPoints(share) }),
        Some(Choice::Devices(group)) => {
            violations.keep_under("devices", group_from(&group, tenant)).map(WaveChoice::Group)
        }
        None => {
            violations.add("choice", "must say which devices the wave takes; found nothing");
            None
        }
    };
    let wave = choice.map(|choice| WaveSpec {
        choice,
        soak: Minutes(message.soak_minutes),
        success_gate: BasisPoints(message.success_gate),
        failure_gate: BasisPoints(message.failure_gate),
        minimum_sample: message.minimum_sample.max(1),
        budget: match message.budget {
            None => DisruptionBudget::Share(BasisPoints::ALL),
            Some(Budget::BudgetDevices(count)) => DisruptionBudget::Devices(count),
            Some(Budget::BudgetShare(share)) => DisruptionBudget::Share(BasisPoints(share)),
        },
        deadline: if message.deadline_minutes == 0 { DEADLINE } else { Minutes(message.deadline_minutes) },
        late_joiners,
        offline: match message.offline {
            None => OfflineDevices::NotYet,
            Some(Offline::ExcludeAfterMinutes(limit)) => OfflineDevices::ExcludeAfter(Minutes(limit)),
            Some(Offline::FailAfterMinutes(limit)) => OfflineDevices::FailAfter(Minutes(limit)),
        },
    });
    violations.finish(wave)
}

fn group_from(group: &proto::DeviceGroup, tenant: &TenantId) -> Result<BTreeSet<DeviceId>, Vec<Violation>> {
    let mut violations = Violations::new();
    let found = group.devices.len();
    if found > LARGEST_GROUP {
        violations.add("devices", format!("must have at most {LARGEST_GROUP} names; found {found}"));
    }
    let prefix = format!("tenants/{tenant}/devices/");
    let devices = group.devices.iter().take(LARGEST_GROUP).enumerate().filter_map(|(index, name)| {
        let id = name.strip_prefix(&prefix).and_then(|id| DeviceId::parse(id).ok());
        let shown: String = name.chars().take(80).collect();
        let id = id.ok_or_else(|| {
            let description = format!("must be `{prefix}{{d}}`; found `{shown}`");
            Violation::new(format!("devices[{index}]"), description)
        });
        violations.keep(id)
    });
    let devices = devices.collect();
    violations.finish(Some(devices))
}

fn windows_from(message: proto::MaintenanceWindows) -> Result<MaintenanceWindows, Vec<Violation>> {
    let mut violations = Violations::new();
    let found = message.weekly.len();
    if found > MOST_WINDOWS {
        violations.add("weekly", format!("must have at most {MOST_WINDOWS} windows; found {found}"));
    }
    let fallback = match message.fallback_zone.as_str() {
        "" => Some(Zone::utc()),
        text => {
            let zone = Zone::parse(text).map_err(|error| Violation::new("fallback_zone", error.to_string()));
            violations.keep(zone)
        }
    };
    let weekly = message.weekly.into_iter().take(MOST_WINDOWS).enumerate();
    let weekly = weekly
        .filter_map(|(index, window)| {
            violations.keep_under(&format!("weekly[{index}]"), window_from(&window))
        })
        .collect();
    violations.finish(fallback.map(|fallback| MaintenanceWindows { weekly, fallback }))
}

fn window_from(message: &proto::WeeklyWindow) -> Result<WeeklyWindow, Vec<Violation>> {
    let mut violations = Violations::new();
    let mut days = BTreeSet::new();
    for (index, number) in message.days.iter().enumerate() {
        // Monday is 1, as in ISO 8601.
        let place = usize::try_from(*number).ok().and_then(|number| number.checked_sub(1));
        match place.and_then(|place| Day::ALL.get(place)) {
            Some(day) => _ = days.insert(*day),
            None => {
                violations.add(format!("days[{index}]"), format!("must be a day; found the number {number}"))
            }
        }
    }
    let opens = violations.keep(time(&message.opens));
    let length = Minutes(message.length_minutes);
    violations.finish(opens.map(|opens| WeeklyWindow { days, opens, length }))
}

fn time(text: &str) -> Result<Time, Violation> {
    let time = (text.len() == 5).then(|| Time::strptime("%H:%M", text).ok()).flatten();
    let shown: String = text.chars().take(20).collect();
    time.ok_or_else(|| Violation::new("opens", format!("must be HH:MM, 00:00 to 23:59; found `{shown}`")))
}

/// A phase that rollouts are asked for by; `None`: any.
///
/// # Errors
/// A number that this release does not know.
pub(crate) fn phase_of(field: &str, number: i32) -> Result<Option<RolloutPhase>, Violation> {
    let known = proto::RolloutPhase::try_from(number);
    let known = known.map_err(|_| {
        Violation::new(
            field,
            format!("must be a value of the enumeration; found the unknown number {number}"),
        )
    })?;
    Ok(RolloutPhase::ALL.iter().copied().find(|phase| super::shown::phase(*phase) == known))
}

/// A spec as its message.
pub(super) fn spec_to(spec: &RolloutSpec, tenant: &TenantId) -> proto::RolloutSpec {
    let direction = match spec.direction {
        Direction::ToIntune => proto::RolloutDirection::ToIntune,
        Direction::ToConfigurationManager => proto::RolloutDirection::ToConfigurationManager,
    };
    let on_failure = match spec.on_failure {
        OnFailure::Pause => proto::OnWaveFailure::Pause,
        OnFailure::RollBack => proto::OnWaveFailure::RollBack,
        OnFailure::Stop => proto::OnWaveFailure::Stop,
    };
    proto::RolloutSpec {
        workload: number(spec.workload),
        direction: direction.into(),
        pilot_collection: spec.pilot_collection.to_string(),
        windows: spec.windows.as_ref().map(windows_to),
        on_failure: on_failure.into(),
        waves: spec.waves.iter().map(|wave| wave_to(wave, tenant)).collect(),
    }
}

fn wave_to(wave: &WaveSpec, tenant: &TenantId) -> proto::RolloutWaveSpec {
    let late_joiners = match wave.late_joiners {
        LateJoiners::Include => proto::LateJoiners::Include,
        LateJoiners::NextWave => proto::LateJoiners::NextWave,
        LateJoiners::Skip => proto::LateJoiners::Skip,
    };
    let name = |device: &DeviceId| format!("tenants/{tenant}/devices/{device}");
    proto::RolloutWaveSpec {
        choice: Some(match &wave.choice {
            WaveChoice::Collection(id) => Choice::Collection(id.to_string()),
            WaveChoice::Percentage { up_to } => Choice::UpTo(up_to.0),
            WaveChoice::Group(devices) => {
                Choice::Devices(proto::DeviceGroup { devices: devices.iter().map(name).collect() })
            }
        }),
        soak_minutes: wave.soak.0,
        success_gate: wave.success_gate.0,
        failure_gate: wave.failure_gate.0,
        minimum_sample: wave.minimum_sample,
        budget: Some(match wave.budget {
            DisruptionBudget::Devices(count) => Budget::BudgetDevices(count),
            DisruptionBudget::Share(share) => Budget::BudgetShare(share.0),
        }),
        deadline_minutes: wave.deadline.0,
        late_joiners: late_joiners.into(),
        offline: match wave.offline {
            OfflineDevices::NotYet => None,
            OfflineDevices::ExcludeAfter(Minutes(limit)) => Some(Offline::ExcludeAfterMinutes(limit)),
            OfflineDevices::FailAfter(Minutes(limit)) => Some(Offline::FailAfterMinutes(limit)),
        },
    }
}

fn windows_to(windows: &MaintenanceWindows) -> proto::MaintenanceWindows {
    let weekly = windows.weekly.iter().map(|window| proto::WeeklyWindow {
        days: (1..)
            .zip(Day::ALL)
            .filter(|(_, day)| window.days.contains(day))
            .map(|(number, _)| number)
            .collect(),
        opens: window.opens.strftime("%H:%M").to_string(),
        length_minutes: window.length.0,
    });
    proto::MaintenanceWindows { weekly: weekly.collect(), fallback_zone: windows.fallback.name().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant() -> TenantId {
        TenantId::parse("contoso").unwrap()
    }

    fn whole() -> proto::RolloutSpec {
        let wave = |choice| proto::RolloutWaveSpec {
            choice: Some(choice),
            soak_minutes: 60,
            success_gate: 9_000,
            failure_gate: 500,
            minimum_sample: 3,
            budget: Some(Budget::BudgetDevices(20)),
            deadline_minutes: 1_440,
            late_joiners: proto::LateJoiners::NextWave.into(),
            offline: Some(Offline::FailAfterMinutes(600)),
        };
        proto::RolloutSpec {
            workload: tandem_contracts::r#type::v1::Workload::ClientApps.into(),
            direction: proto::RolloutDirection::ToConfigurationManager.into(),
            pilot_collection: "PS100010".into(),
            windows: Some(proto::MaintenanceWindows {
                weekly: vec![proto::WeeklyWindow {
                    days: vec![proto::Weekday::Monday.into(), proto::Weekday::Sunday.into()],
                    opens: "22:30".into(),
                    length_minutes: 240,
                }],
                fallback_zone: "Europe/Oslo".into(),
            }),
            on_failure: proto::OnWaveFailure::Stop.into(),
            waves: vec![
                wave(Choice::Devices(proto::DeviceGroup {
                    devices: vec!["tenants/contoso/devices/d1".into()],
                })),
                wave(Choice::Collection("PS100020".into())),
                wave(Choice::UpTo(10_000)),
            ],
        }
    }

    #[test]
    fn spec_reads_back_as_it_was_written() {
        let read = spec_from(whole(), &tenant()).unwrap();
        assert_eq!(spec_to(&read, &tenant()), whole());
        assert_eq!(read.windows.unwrap().weekly[0].days, BTreeSet::from([Day::Monday, Day::Sunday]));
    }

    #[test]
    fn what_is_unset_is_what_the_contract_says() {
        let wave = proto::RolloutWaveSpec {
            choice: Some(Choice::UpTo(100)),
            success_gate: 9_500,
            ..proto::RolloutWaveSpec::default()
        };
        let read = wave_from(wave, &tenant()).unwrap();
        let expected = WaveSpec {
            choice: WaveChoice::Percentage { up_to: BasisPoints(100) },
            soak: Minutes(0),
            success_gate: BasisPoints(9_500),
            failure_gate: BasisPoints(0),
            minimum_sample: 1,
            budget: DisruptionBudget::Share(BasisPoints(10_000)),
            deadline: Minutes(10_080),
            late_joiners: LateJoiners::Include,
            offline: OfflineDevices::NotYet,
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn every_field_of_another_shape_is_named() {
        let mut message = whole();
        message.workload = 0;
        message.direction = 0;
        message.pilot_collection = "SMS00001".into();
        let windows = message.windows.as_mut().unwrap();
        windows.fallback_zone = "Atlantis".into();
        windows.weekly[0].days = vec![8];
        windows.weekly[0].opens = "24:00".into();
        message.waves[0].choice =
            Some(Choice::Devices(proto::DeviceGroup { devices: vec!["tenants/fabrikam/devices/d1".into()] }));
        message.waves[1].choice = Some(Choice::Collection("a b".into()));
        message.waves[2].choice = None;
        let violations = spec_from(message, &tenant()).unwrap_err();
        let fields: Vec<_> = violations.iter().map(|violation| violation.field.as_str()).collect();
        let expected = [
            "workload",
            "direction",
            "pilot_collection",
            "windows.fallback_zone",
            "windows.weekly[0].days[0]",
            "windows.weekly[0].opens",
            "waves[0].devices.devices[0]",
            "waves[1].collection",
            "waves[2].choice",
        ];
        assert_eq!(fields, expected);
    }
}
