//! What people may say, against the table; and what a refusal says.

use super::*;

fn commands() -> Vec<Command> {
    vec![
        Command::Submit,
        Command::Approve(granted("p")),
        Command::Withdraw,
        Command::Start,
        Command::Pause { why: why() },
        Command::Resume,
        Command::ApproveWave { wave: 0, why: why() },
        Command::RollBack { why: why() },
        Command::Cancel { why: why() },
    ]
}

/// A rollout whose only wave is inconclusive, in that phase.
fn in_phase(phase: RolloutPhase) -> Rollout {
    let mut rollout = draft(spec(vec![wave(group([0]))]));
    rollout.phase = phase;
    rollout.waves[0].phase = WavePhase::Inconclusive;
    rollout
}

fn frozen() -> Freeze {
    Freeze { by: ada(), why: why(), since: at(0) }
}

#[test]
fn every_command_in_every_phase_does_what_the_table_says() {
    for &phase in RolloutPhase::ALL {
        for command in commands() {
            let event = command.event();
            let found = apply(&in_phase(phase), &command, &ada(), at(1), None);
            let expected = next_rollout_phase(phase, event).ok_or(CommandRefused::NotAllowed {
                command: event,
                expected: allowed_from(event),
                found: phase,
            });
            assert_eq!(found.map(|next| next.phase()), expected, "{phase} {event}");
        }
    }
}

#[test]
fn frozen_tenant_carries_out_only_what_hands_nothing_over() {
    for &phase in RolloutPhase::ALL {
        for command in commands() {
            let event = command.event();
            let found =
                apply(&in_phase(phase), &command, &ada(), at(1), Some(&frozen())).map(|next| next.phase());
            match next_rollout_phase(phase, event) {
                Some(next) if event.is_allowed_when_frozen() => assert_eq!(found, Ok(next)),
                Some(_) => {
                    assert_eq!(found, Err(CommandRefused::Frozen { command: event, freeze: frozen() }));
                }
                None => assert_eq!(found.unwrap_err().reason(), "ROLLOUT_COMMAND_NOT_ALLOWED"),
            }
        }
    }
}

#[test]
fn refusal_says_what_was_expected_and_found() {
    let found = apply(&in_phase(RolloutPhase::Draft), &Command::Resume, &ada(), at(1), None).unwrap_err();
    assert_eq!(found.to_string(), "resume: expected a rollout that is paused; found draft");
    let found = apply(&in_phase(RolloutPhase::Draft), &Command::RollBack { why: why() }, &ada(), at(1), None);
    assert_eq!(
        found.unwrap_err().to_string(),
        "roll_back: expected a rollout that is running or paused; found draft"
    );
}

#[test]
fn approvals_of_another_content_are_refused() {
    let waiting = in_phase(RolloutPhase::PendingApproval);
    let refused = apply(&waiting, &Command::Approve(granted("q")), &ada(), at(1), None).unwrap_err();
    let hash = |text| PlanHash::parse(text).unwrap();
    assert_eq!(refused, CommandRefused::PlanChanged { expected: hash("p"), found: hash("q") });
}

#[test]
fn only_the_current_wave_is_approved_and_only_if_it_is_inconclusive() {
    let approve = |rollout: &Rollout, wave| {
        apply(rollout, &Command::ApproveWave { wave, why: why() }, &ada(), at(1), None)
    };
    let mut rollout = in_phase(RolloutPhase::Running);
    assert_eq!(approve(&rollout, 1), Err(CommandRefused::NotTheCurrentWave { expected: Some(0), found: 1 }));
    for &phase in WavePhase::ALL {
        rollout.waves[0].phase = phase;
        match approve(&rollout, 0) {
            Ok(next) => {
                assert_eq!((phase, next.waves[0].phase), (WavePhase::Inconclusive, WavePhase::Approved));
                let approval = WaveApproval { by: ada(), why: why(), at: at(1) };
                assert_eq!(next.waves[0].approval, Some(approval));
            }
            Err(CommandRefused::NotTheCurrentWave { expected: None, .. }) => assert!(phase.is_done()),
            Err(refused) => {
                assert_eq!(refused, CommandRefused::WaveNotInconclusive { wave: 0, found: phase });
            }
        }
    }
}

#[test]
fn command_that_asks_for_a_reason_takes_no_blank_one() {
    let blank = || " \t".to_owned();
    for (phase, command) in [
        (RolloutPhase::Running, Command::Pause { why: blank() }),
        (RolloutPhase::Running, Command::ApproveWave { wave: 0, why: blank() }),
        (RolloutPhase::Running, Command::RollBack { why: blank() }),
        (RolloutPhase::Draft, Command::Cancel { why: blank() }),
    ] {
        let refused = apply(&in_phase(phase), &command, &ada(), at(1), None).unwrap_err();
        assert_eq!(refused, CommandRefused::ReasonMissing { command: command.event() });
    }
}

#[test]
fn paused_rollout_says_who_paused_it_and_why_until_it_goes_on() {
    let paused = told(&in_phase(RolloutPhase::Running), Command::Pause { why: " rain ".into() }, 5);
    let because = Because::Asked { by: ada(), why: "rain".into() };
    assert_eq!((paused.because(), paused.held_since()), (Some(&because), Some(at(5))));
    let approved = told(&paused, Command::ApproveWave { wave: 0, why: why() }, 6);
    assert_eq!((approved.phase(), approved.because()), (RolloutPhase::Paused, Some(&because)));
    assert_eq!(told(&approved, Command::Resume, 7).held_since(), None);
}
