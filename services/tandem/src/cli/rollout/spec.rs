//! What a rollout is to do, as people read it.

use tandem_contracts::authority::v1::rollout_wave_spec::{Budget, Choice, Offline};
use tandem_contracts::authority::v1::{
    MaintenanceWindows, RolloutSpec, RolloutWaveSpec, Weekday, WeeklyWindow,
};
use tandem_domain::workload::Workload;

use crate::cli::screen::{Column, Row};
use crate::cli::words::{self, NOTHING};

/// Minutes of a wave's deadline where it says none: a week.
const USUAL_DEADLINE: u32 = 10_080;

/// The columns of [`gates`].
pub(super) const GATES: [Column; 9] = [
    Column::Text("WAVES"),
    Column::Text("SOAKS"),
    Column::Text("PASSES FROM"),
    Column::Text("FAILS ABOVE"),
    Column::Text("NOT BEFORE"),
    Column::Text("AT ONCE"),
    Column::Text("WAITS FOR A PERSON AFTER"),
    Column::Text("LATE JOINERS"),
    Column::Text("SILENT DEVICES"),
];

/// What moves, where to, and by which membership.
pub(super) fn moves(spec: &RolloutSpec) -> String {
    let (workload, target) =
        (words::word(spec.workload, Workload::id), words::rollout_direction(spec.direction));
    format!("{workload} to {target}, by membership of {}", spec.pilot_collection)
}

/// Which devices a wave takes.
pub(super) fn takes(wave: &RolloutWaveSpec) -> String {
    match &wave.choice {
        Some(Choice::Collection(id)) => format!("members of {id}"),
        Some(Choice::UpTo(share)) => format!("up to {}", percent(*share)),
        Some(Choice::Devices(group)) => format!("{} named", devices(group.devices.len() as u64)),
        None => NOTHING.to_owned(),
    }
}

/// What a failed wave does.
pub(super) fn on_failure(spec: &RolloutSpec) -> String {
    match words::on_wave_failure(spec.on_failure) {
        unspecified if unspecified == NOTHING => "pause".to_owned(),
        said => said,
    }
}

/// How waves are judged, one row for each run of waves that are judged alike.
pub(super) fn gates(spec: &RolloutSpec) -> Vec<Row> {
    let mut runs: Vec<(usize, usize, Row)> = Vec::new();
    for (place, wave) in spec.waves.iter().enumerate() {
        let gates = gates_of(wave);
        match runs.last_mut() {
            Some((_, last, same)) if *same == gates => *last = place,
            _ => runs.push((place, place, gates)),
        }
    }
    let row = |(first, last, gates): (usize, usize, Row)| {
        let waves = if first == last { first.to_string() } else { format!("{first}-{last}") };
        std::iter::once(waves).chain(gates).collect()
    };
    runs.into_iter().map(row).collect()
}

fn gates_of(wave: &RolloutWaveSpec) -> Row {
    let deadline = if wave.deadline_minutes == 0 { USUAL_DEADLINE } else { wave.deadline_minutes };
    let at_once = match wave.budget {
        None | Some(Budget::BudgetShare(10_000)) => "all".to_owned(),
        Some(Budget::BudgetDevices(count)) => devices(count.into()),
        Some(Budget::BudgetShare(share)) => percent(share),
    };
    let silent = match wave.offline {
        None => "are waited for".to_owned(),
        Some(Offline::ExcludeAfterMinutes(minutes)) => format!("do not count after {}", length(minutes)),
        Some(Offline::FailAfterMinutes(minutes)) => format!("fail after {}", length(minutes)),
    };
    let late = match words::late_joiners(wave.late_joiners) {
        unspecified if unspecified == NOTHING => "include".to_owned(),
        said => said,
    };
    vec![
        length(wave.soak_minutes),
        percent(wave.success_gate),
        percent(wave.failure_gate),
        format!("{} answered", wave.minimum_sample.max(1)),
        at_once,
        length(deadline),
        late,
        silent,
    ]
}

/// When devices may be handed over, one line each.
pub(super) fn windows(windows: &MaintenanceWindows) -> Vec<String> {
    let zone = if windows.fallback_zone.is_empty() { "UTC" } else { &windows.fallback_zone };
    let line = |window: &WeeklyWindow| {
        let days: Vec<String> = window
            .days
            .iter()
            .map(|day| {
                Weekday::try_from(*day)
                    .map_or_else(|_| NOTHING.to_owned(), |day| words::lowered(day.as_str_name(), "WEEKDAY_"))
            })
            .collect();
        format!("{} from {} for {} ({zone})", days.join(", "), window.opens, length(window.length_minutes))
    };
    windows.weekly.iter().map(line).collect()
}

/// Hundredths of a per cent as per cent: `2.5 %`.
pub(super) fn percent(share: u32) -> String {
    match (share / 100, share % 100) {
        (whole, 0) => format!("{whole} %"),
        (whole, rest) if rest % 10 == 0 => format!("{whole}.{} %", rest / 10),
        (whole, rest) => format!("{whole}.{rest:02} %"),
    }
}

/// Minutes in the largest unit that leaves nothing over, as the options of `draft` take them.
pub(super) fn length(minutes: u32) -> String {
    match minutes {
        0 => "not at all".to_owned(),
        minutes if minutes % (24 * 60) == 0 => format!("{}d", minutes / (24 * 60)),
        minutes if minutes % 60 == 0 => format!("{}h", minutes / 60),
        minutes => format!("{minutes}m"),
    }
}

pub(super) fn devices(number: u64) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} device{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tandem_contracts::authority::v1::LateJoiners;

    fn wave(choice: Choice) -> RolloutWaveSpec {
        RolloutWaveSpec {
            choice: Some(choice),
            soak_minutes: 1440,
            success_gate: 9500,
            failure_gate: 250,
            ..RolloutWaveSpec::default()
        }
    }

    #[test]
    fn waves_that_are_judged_alike_share_a_row() {
        let other = RolloutWaveSpec {
            soak_minutes: 90,
            failure_gate: 1,
            minimum_sample: 20,
            budget: Some(Budget::BudgetDevices(50)),
            deadline_minutes: 4320,
            late_joiners: LateJoiners::NextWave.into(),
            offline: Some(Offline::ExcludeAfterMinutes(1440)),
            ..wave(Choice::UpTo(10_000))
        };
        let spec = RolloutSpec {
            waves: vec![wave(Choice::Collection("PS100020".into())), wave(Choice::UpTo(500)), other],
            ..RolloutSpec::default()
        };
        let expected = [
            ["0-1", "1d", "95 %", "2.5 %", "1 answered", "all", "7d", "include", "are waited for"],
            [
                "2",
                "90m",
                "95 %",
                "0.01 %",
                "20 answered",
                "50 devices",
                "3d",
                "next_wave",
                "do not count after 1d",
            ],
        ];
        assert_eq!(gates(&spec), expected);
        let taken: Vec<String> = spec.waves.iter().map(takes).collect();
        assert_eq!(taken, ["members of PS100020", "up to 5 %", "up to 100 %"]);
        assert_eq!(on_failure(&spec), "pause");
    }

    #[test]
    fn windows_are_shown_with_their_days_and_zone() {
        let weekly = vec![WeeklyWindow {
            days: vec![Weekday::Monday.into(), Weekday::Sunday.into()],
            opens: "22:30".into(),
            length_minutes: 240,
        }];
        let said = MaintenanceWindows { weekly, fallback_zone: "Europe/Oslo".into() };
        assert_eq!(windows(&said), ["monday, sunday from 22:30 for 4h (Europe/Oslo)"]);
        let said = MaintenanceWindows { fallback_zone: String::new(), ..said };
        assert_eq!(windows(&said), ["monday, sunday from 22:30 for 4h (UTC)"]);
    }
}
