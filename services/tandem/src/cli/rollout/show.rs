//! Where a rollout stands, as a page for people: what it does, why it stands where it does, its waves, what happens next, what is to be done.

use tandem_contracts::authority::v1::{
    Rollout, RolloutApproval, RolloutCause, RolloutCauseKind, RolloutWave, RolloutWaveEvent, RolloutWavePhase,
};
use tandem_contracts::convert::enum_optional;
use tandem_domain::workload::{SliderPosition, Workload};

use super::next::{self, Surroundings};
use super::spec;
use crate::cli::failure::CliError;
use crate::cli::screen::{Column, Paint, Row, Screen};
use crate::cli::words::{self, NOTHING};

const WAVES: [Column; 11] = [
    Column::Number("WAVE"),
    Column::Text("TAKES"),
    Column::Number("DEVICES"),
    Column::Number("WAITING"),
    Column::Number("HANDED OVER"),
    Column::Number("ARRIVED"),
    Column::Number("FAILING"),
    Column::Number("SKIPPED"),
    Column::Number("SILENT"),
    Column::Text("PHASE"),
    Column::Text("WHY"),
];

/// The page.
pub(super) fn page(
    screen: &mut Screen<'_>,
    rollout: &Rollout,
    surroundings: &Surroundings,
) -> Result<(), CliError> {
    let said = rollout.spec.clone().unwrap_or_default();
    screen.details(details(rollout, surroundings))?;
    screen.section("Waves", &WAVES, waves(rollout))?;
    screen.section("How they are judged", &spec::GATES, spec::gates(&said))?;
    let next = next::outlook(rollout, surroundings);
    let title = screen.painted(Paint::Strong, "Next");
    screen.line(&format!("\n{title}"))?;
    for line in &next.happens {
        let line = screen.painted(Paint::Changed, &format!("  {line}"));
        screen.line(&line)?;
    }
    for step in &next.steps {
        step.show(screen, &rollout.name, &rollout.hash)?;
    }
    Ok(())
}

fn details(rollout: &Rollout, surroundings: &Surroundings) -> Vec<[String; 2]> {
    let said = rollout.spec.clone().unwrap_or_default();
    let mut rows = Vec::new();
    let mut more = |label: &str, text: String| rows.push([label.to_owned(), text]);
    more("Rollout", rollout.name.clone());
    more("Moves", spec::moves(&said));
    more("Phase", words::rollout_phase(rollout.phase));
    more("Why", why(rollout));
    if let Some(freeze) = surroundings.freeze() {
        let (since, by) = (words::moment(freeze.since), words::text(&freeze.by));
        more("Frozen", format!("since {since} by {by}: {}", words::text(&freeze.why)));
    }
    if rollout.held_since.is_some() {
        more("Clocks", format!("stand still since {}", words::moment(rollout.held_since)));
    }
    more("Devices", drafted(rollout.devices));
    for (label, text) in approval(rollout.approval.as_ref()) {
        more(label, text);
    }
    let windows = said.windows.as_ref().map(spec::windows).unwrap_or_default();
    let labels = std::iter::once("Windows").chain(std::iter::repeat(""));
    for (label, window) in labels.zip(windows) {
        more(label, window);
    }
    more("A failure", spec::on_failure(&said));
    more("Made", format!("{} by {}", words::moment(rollout.create_time), words::text(&rollout.created_by)));
    more("Changed", words::moment(rollout.update_time));
    more("Hash", rollout.hash.clone());
    rows
}

fn drafted(devices: Option<u64>) -> String {
    match devices {
        Some(devices) => format!("{devices}, as counted when it was drafted"),
        None => "nobody could say how many when it was drafted".to_owned(),
    }
}

/// The approvals that it needs and has, with their labels.
fn approval(approval: Option<&RolloutApproval>) -> Vec<(&'static str, String)> {
    let Some(approval) = approval else { return Vec::new() };
    let asked = words::text(&approval.requester);
    let mut rows = match approval.required {
        0 => vec![("Approvals", format!("none needed; submitted by {asked}"))],
        required => {
            let (given, until) = (approval.given.len(), words::moment(approval.expire_time));
            vec![("Approvals", format!("{given} of {required}, asked for by {asked}; good until {until}"))]
        }
    };
    let labels = std::iter::once("Since").chain(std::iter::repeat(""));
    rows.extend(labels.zip(approval.reasons.clone()));
    let given = approval.given.iter();
    rows.extend(
        given.map(|given| {
            ("Approved", format!("{} by {}", words::moment(given.time), words::text(&given.by)))
        }),
    );
    if let Some(broken) = &approval.break_glass {
        let (time, by) = (words::moment(broken.time), words::text(&broken.by));
        rows.push(("Glass broken", format!("{time} by {by}: {}", words::text(&broken.why))));
    }
    rows
}

/// Why it is in its phase, on one line.
fn why(rollout: &Rollout) -> String {
    let Some(cause) = &rollout.cause else { return "it is a new draft".to_owned() };
    match cause.kind() {
        RolloutCauseKind::Asked if cause.why.is_empty() => format!("{} said so", words::text(&cause.by)),
        RolloutCauseKind::Asked => format!("{} said so: {}", words::text(&cause.by), cause.why),
        RolloutCauseKind::WaveFailed => {
            let place = cause.wave.unwrap_or_default();
            let wave = rollout.waves.get(place as usize).cloned().unwrap_or_default();
            format!("wave {place} failed: {}", event(&wave))
        }
        RolloutCauseKind::SliderMoved => slider_moved(cause),
        RolloutCauseKind::WavesDone => "every wave passed or was approved".to_owned(),
        RolloutCauseKind::RollbackConfirmed => {
            "everything that was handed over is seen to be taken back".to_owned()
        }
        RolloutCauseKind::Unspecified => NOTHING.to_owned(),
    }
}

fn slider_moved(cause: &RolloutCause) -> String {
    match enum_optional("", cause.slider) {
        Ok(Some(SliderPosition::PilotIntune)) => {
            "the slider has another pilot collection, and membership of this one decides nothing".to_owned()
        }
        _ => format!(
            "the slider stands at {}, where membership of the pilot collection decides nothing",
            words::word(cause.slider, SliderPosition::id)
        ),
    }
}

/// What brought a wave where it stands.
fn event(wave: &RolloutWave) -> String {
    let text = match wave.event() {
        RolloutWaveEvent::Unspecified => NOTHING,
        RolloutWaveEvent::Begin => "it began",
        RolloutWaveEvent::NothingToMove => "no device of it can be handed over",
        RolloutWaveEvent::HandedOver => "the site has every membership",
        RolloutWaveEvent::SoakOver => "the soak time is over",
        RolloutWaveEvent::SuccessGateMet => "enough devices arrived",
        RolloutWaveEvent::FailureGateBroken => "too many devices fail",
        RolloutWaveEvent::FailuresFillBudget => "failing devices are all that may be in motion at once",
        RolloutWaveEvent::DeadlinePassed => "neither gate decided in time",
        RolloutWaveEvent::SampleTooSmall => "fewer devices answered than a gate needs",
        RolloutWaveEvent::ApprovedByPerson => {
            let approval = wave.approval.clone().unwrap_or_default();
            return format!("{} approved it: {}", words::text(&approval.by), words::text(&approval.why));
        }
        RolloutWaveEvent::TriedAgain => "it is tried again",
    };
    text.to_owned()
}

fn waves(rollout: &Rollout) -> Vec<Row> {
    let said = rollout.spec.clone().unwrap_or_default();
    let specs = said.waves.iter().map(Some).chain(std::iter::repeat(None));
    let waves = rollout.waves.iter().zip(specs).zip(0_u32..);
    waves
        .map(|((wave, said), place)| {
            let takes = said.map_or_else(|| NOTHING.to_owned(), spec::takes);
            row_of_wave(place, takes, wave)
        })
        .collect()
}

fn row_of_wave(place: u32, takes: String, wave: &RolloutWave) -> Row {
    let handed_over = wave.pending + wave.at_target + wave.failing;
    let all = handed_over + wave.chosen + wave.skipped + wave.excluded;
    // Of a wave that did not begin the draft's count is all that is known.
    let has_begun = wave.phase() != RolloutWavePhase::Waiting;
    let counted = |count: u64| if has_begun { count.to_string() } else { NOTHING.to_owned() };
    let devices = match (has_begun, wave.devices) {
        (true, _) => all.to_string(),
        (false, Some(expected)) => format!("about {expected}"),
        (false, None) => NOTHING.to_owned(),
    };
    vec![
        place.to_string(),
        takes,
        devices,
        counted(wave.chosen),
        counted(handed_over),
        counted(wave.at_target),
        counted(wave.failing),
        counted(wave.skipped),
        counted(wave.excluded),
        words::wave_phase(wave.phase),
        event(wave),
    ]
}

/// A rollout on one line.
pub(super) fn row(rollout: &Rollout) -> Row {
    let said = rollout.spec.clone().unwrap_or_default();
    let done = rollout.waves.iter().filter(|wave| next::is_done(wave)).count();
    vec![
        words::last_part(&rollout.name),
        words::word(said.workload, Workload::id).to_owned(),
        words::rollout_direction(said.direction),
        words::rollout_phase(rollout.phase),
        why(rollout),
        format!("{done} of {}", rollout.waves.len()),
        rollout.devices.map_or_else(|| NOTHING.to_owned(), |devices| devices.to_string()),
        words::moment(rollout.create_time),
        words::text(&rollout.created_by),
    ]
}
