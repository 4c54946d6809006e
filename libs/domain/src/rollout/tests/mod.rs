//! A small site for tests: its devices, what they say, and whoever carries actions out there.

mod commands;
mod judging;
mod membership;
mod model;
mod pace;
mod validation;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::*;
use crate::approval::{ApprovalRequest, Granted};
use crate::id::{CollectionId, DeviceId, HierarchyId, PlanHash, PrincipalId, RolloutId, TenantId};
use crate::policy::{Membership, WorkloadSetting};
use crate::workload::{ManagementAuthority, SliderPosition, Workload};

/// That many minutes after Monday 2026-11-30, 00:00 UTC.
fn at(minute: i64) -> Timestamp {
    let monday: Timestamp = "2026-11-30T00:00Z".parse().unwrap();
    monday + jiff::SignedDuration::from_mins(minute)
}

fn device(number: usize) -> DeviceId {
    DeviceId::parse(&format!("d-{number:03}")).unwrap()
}

fn collection(id: &str) -> CollectionId {
    CollectionId::parse(id).unwrap()
}

fn ada() -> PrincipalId {
    PrincipalId::parse("ada").unwrap()
}

/// These devices, by number.
fn group(numbers: impl IntoIterator<Item = usize>) -> WaveChoice {
    WaveChoice::Group(numbers.into_iter().map(device).collect())
}

/// A lenient wave: an hour's soak, a week's deadline, 90 % must arrive, 10 % may fail, one answer is enough.
fn wave(choice: WaveChoice) -> WaveSpec {
    WaveSpec {
        choice,
        soak: Minutes(60),
        success_gate: BasisPoints(9_000),
        failure_gate: BasisPoints(1_000),
        minimum_sample: 1,
        budget: DisruptionBudget::Devices(1_000),
        deadline: Minutes(7 * 24 * 60),
        late_joiners: LateJoiners::Include,
        offline: OfflineDevices::NotYet,
    }
}

fn spec(waves: Vec<WaveSpec>) -> RolloutSpec {
    RolloutSpec {
        workload: Workload::ClientApps,
        direction: Direction::ToIntune,
        pilot_collection: collection("PS100010"),
        windows: None,
        on_failure: OnFailure::Pause,
        waves,
    }
}

fn name() -> RolloutName {
    RolloutName {
        tenant: TenantId::parse("contoso").unwrap(),
        hierarchy: HierarchyId::parse("PS1").unwrap(),
        id: RolloutId::parse("r-1").unwrap(),
        plan: PlanHash::parse("p").unwrap(),
    }
}

fn granted(plan: &str) -> Granted {
    ApprovalRequest::ask(PlanHash::parse(plan).unwrap(), ada(), 0, at(1)).granted(at(0)).unwrap()
}

fn draft(spec: RolloutSpec) -> Rollout {
    Rollout::draft(name(), spec, &[]).unwrap()
}

fn told(rollout: &Rollout, command: Command, minute: i64) -> Rollout {
    apply(rollout, &command, &ada(), at(minute), None).unwrap()
}

/// Approved and started at minute 0; no step was taken.
fn started(spec: RolloutSpec) -> Rollout {
    let submitted = told(&draft(spec), Command::Submit, 0);
    told(&told(&submitted, Command::Approve(granted("p")), 0), Command::Start, 0)
}

fn why() -> String {
    "because".to_owned()
}

/// A site, as a step sees it.
#[derive(Debug, Clone)]
struct Site {
    seen: Observations,
}

impl Site {
    /// Devices 0 to `count`, co-managed, in no pilot, heard of at minute 0; the slider at Pilot Intune.
    fn of(count: usize) -> Self {
        let seen = Observations {
            setting: Some(WorkloadSetting {
                slider: SliderPosition::PilotIntune,
                pilot_collection: Some(collection("PS100010")),
            }),
            members_read_at: Some(at(0)),
            ..Observations::default()
        };
        let mut site = Self { seen };
        (0..count).for_each(|number| site.enrol(number));
        site
    }

    fn enrol(&mut self, number: usize) {
        let observation = DeviceObservation {
            co_managed: Some(true),
            membership: Membership::NotMember,
            report: None,
            failed_at: None,
            last_contact: Some(at(0)),
            zone: None,
        };
        self.seen.devices.insert(device(number), observation);
    }

    fn of_device(&mut self, number: usize) -> &mut DeviceObservation {
        self.seen.devices.get_mut(&device(number)).unwrap()
    }

    /// Makes the changes, and reads the members again at that minute.
    fn carry_out(&mut self, actions: &[Action], minute: i64) {
        for action in actions {
            for device in &action.devices {
                self.seen.devices.get_mut(device).unwrap().membership = action.change.result();
            }
            self.seen.done.insert(action.id);
        }
        self.seen.members_read_at = Some(at(minute));
    }

    fn report(
        &mut self,
        numbers: impl IntoIterator<Item = usize>,
        authority: ManagementAuthority,
        minute: i64,
    ) {
        for number in numbers {
            let seen = self.of_device(number);
            seen.report = Some(Report { authority, at: at(minute) });
            seen.last_contact = Some(at(minute));
        }
    }

    fn arrive(&mut self, numbers: impl IntoIterator<Item = usize>, minute: i64) {
        self.report(numbers, ManagementAuthority::Intune, minute);
    }

    fn fail(&mut self, numbers: impl IntoIterator<Item = usize>, minute: i64) {
        for number in numbers {
            self.of_device(number).failed_at = Some(at(minute));
        }
    }

    /// Steps, and checks that the step goes as far as the readings lead.
    fn step(&self, rollout: &mut Rollout, minute: i64) -> Step {
        let step = super::step(rollout, &self.seen, at(minute));
        let again = super::step(&step.rollout, &self.seen, at(minute));
        assert_eq!((&again.rollout, &again.actions), (&step.rollout, &step.actions));
        assert_eq!(again.transitions, []);
        kept_apart(rollout, &step.rollout);
        *rollout = step.rollout.clone();
        step
    }

    /// Steps, and has everything carried out and read a minute later.
    fn hand_over(&mut self, rollout: &mut Rollout, minute: i64) -> Vec<Action> {
        let actions = self.step(rollout, minute).actions;
        self.carry_out(&actions, minute + 1);
        actions
    }
}

/// What is kept of a rollout, and of what a step changed, is the rollout again.
fn kept_apart(before: &Rollout, after: &Rollout) {
    let rows = before.rows_changed(&before.frame()).into_iter().map(|row| (row.device.clone(), row));
    let mut rows: BTreeMap<DeviceId, DeviceRow> = rows.collect();
    assert_eq!(before.frame().assembled(rows.values().cloned()), *before);
    assert!(!before.frame().has_devices());
    rows.extend(after.rows_changed(before).into_iter().map(|row| (row.device.clone(), row)));
    assert_eq!(after.frame().assembled(rows.into_values()), *after);
}

/// The devices of the actions, by number.
fn moved(actions: &[Action]) -> BTreeSet<usize> {
    let ids = actions.iter().flat_map(|action| &action.devices);
    ids.map(|id| id.as_str()[2..].parse().unwrap()).collect()
}

/// The phases of the waves.
fn phases(rollout: &Rollout) -> Vec<WavePhase> {
    rollout.waves().iter().map(|wave| wave.phase).collect()
}

fn standing(rollout: &Rollout, wave: usize, number: usize) -> Standing {
    rollout.waves()[wave].devices[&device(number)].standing
}
