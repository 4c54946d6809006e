//! A world: what is true at the site, what was read of it, who carries actions out, and the rollout as it is kept.

use std::collections::BTreeMap;

use proptest::test_runner::TestCaseError;

use super::super::*;
use super::always;

/// Devices that there may be, by number. The last ones enrol later.
pub(super) const DEVICES: usize = 14;

type Checked = Result<(), TestCaseError>;

/// What may happen.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    /// Time passes and two controllers step; after a crash neither keeps anything.
    Step { minutes: i64, crash: bool },
    /// A third controller, whose readings are those of the step before, is the first to keep what it found.
    StepOnOldReadings,
    /// For once everything goes as it should.
    Obey,
    /// So many of the actions given out are carried out.
    CarryOut(usize),
    /// Whoever carries actions out forgets those that are not done.
    LoseOutbox,
    /// The site's members are read.
    ReadMembers,
    /// Those report the target.
    Arrive(Vec<usize>),
    /// It reports that the other one decides.
    ReportOtherwise(usize),
    /// It fails.
    Fail(usize),
    /// Its failure stands no longer.
    Mend(usize),
    /// It is heard of.
    Hear(usize),
    /// A person commands.
    Command(Command),
    /// A person freezes the tenant, or thaws it.
    FreezeOrThaw,
    /// The slider is where membership decides, or is moved.
    Slider { there: bool },
    /// A device comes into the inventory.
    Enrol(usize),
    /// A device leaves the inventory for good.
    Leave(usize),
    /// It is read to be co-managed, or not.
    CoManaged(usize, Option<bool>),
    /// It enters a collection that waves choose by.
    Join(usize, usize),
}

/// The collections that waves choose by.
pub(super) fn collections() -> [CollectionId; 2] {
    [collection("PS100020"), collection("PS100021")]
}

pub(super) struct World {
    rollout: Rollout,
    site: Site,
    old: Observations,
    minute: i64,
    /// Who is in the pilot, truly.
    truth: BTreeMap<DeviceId, Membership>,
    /// Who was at first.
    began: BTreeMap<DeviceId, Membership>,
    outbox: BTreeMap<u32, Action>,
    last_done: Option<u32>,
}

impl World {
    /// Ten devices, some of them where the rollout would bring them already; all others are where they start from.
    pub(super) fn new(spec: RolloutSpec, already: &BTreeSet<usize>) -> Self {
        let made = spec.direction.change();
        let truth: BTreeMap<_, _> = (0..DEVICES)
            .map(|n| (device(n), if already.contains(&n) { made } else { made.reverse() }.result()))
            .collect();
        let mut site = Site::of(0);
        site.seen.collections =
            collections().into_iter().map(|id| (id, (0..3).map(device).collect())).collect();
        let rollout = started(spec);
        let mut world = Self {
            rollout,
            old: site.seen.clone(),
            site,
            minute: 0,
            began: truth.clone(),
            truth,
            outbox: BTreeMap::new(),
            last_done: None,
        };
        (0..10).for_each(|number| world.enrol(number));
        world
    }

    pub(super) const fn rollout(&self) -> &Rollout {
        &self.rollout
    }

    /// Everyone who is still there is where they were at first.
    pub(super) fn is_as_it_began(&self) -> bool {
        let mut there = self.truth.iter().filter(|(device, _)| !self.site.seen.gone.contains(*device));
        there.all(|(device, membership)| self.began[device] == *membership)
    }

    pub(super) fn happen(&mut self, deed: Deed) -> Checked {
        let minute = self.minute;
        match deed {
            Deed::Step { minutes, crash } => {
                self.minute += minutes;
                self.step(!crash)?;
            }
            Deed::StepOnOldReadings => {
                let old = self.old.clone();
                self.step_on(&old, true)?;
            }
            Deed::Obey => self.obey()?,
            Deed::CarryOut(count) => (0..count).for_each(|_| self.carry_out_next()),
            Deed::LoseOutbox => self.outbox.clear(),
            Deed::ReadMembers => self.read_members(),
            Deed::Arrive(numbers) => {
                let target = self.rollout.spec().direction.target();
                self.report(numbers, target);
            }
            Deed::ReportOtherwise(number) => {
                let other = match self.rollout.spec().direction {
                    Direction::ToIntune => ManagementAuthority::ConfigurationManager,
                    Direction::ToConfigurationManager => ManagementAuthority::Intune,
                };
                self.report([number], other);
            }
            Deed::Fail(number) => self.edit(number, |seen| seen.failed_at = Some(at(minute))),
            Deed::Mend(number) => self.edit(number, |seen| seen.failed_at = None),
            Deed::Hear(number) => self.edit(number, |seen| seen.last_contact = Some(at(minute))),
            Deed::Command(command) => self.command(command)?,
            Deed::FreezeOrThaw => self.freeze_or_thaw(),
            Deed::Slider { there } => self.slide(there),
            Deed::Enrol(number) => self.enrol(number),
            Deed::Leave(number) => {
                self.site.seen.devices.remove(&device(number));
                self.site.seen.gone.insert(device(number));
            }
            Deed::CoManaged(number, co_managed) => self.edit(number, |seen| seen.co_managed = co_managed),
            Deed::Join(number, place) => {
                self.site
                    .seen
                    .collections
                    .entry(collections()[place].clone())
                    .or_default()
                    .insert(device(number));
            }
        }
        Ok(())
    }

    /// Two controllers step; both agree, and at most one of them keeps what it found.
    fn step(&mut self, keep: bool) -> Checked {
        let seen = self.site.seen.clone();
        self.step_on(&seen, keep)?;
        self.old = seen;
        Ok(())
    }

    fn step_on(&mut self, seen: &Observations, keep: bool) -> Checked {
        let now = at(self.minute);
        let found = super::super::step(&self.rollout, seen, now);
        let other = super::super::step(&self.rollout, seen, now);
        proptest::prop_assert_eq!(&found, &other);
        always::check_step(&self.rollout, &found, seen, now)?;
        if keep {
            let stored = serde_json::to_string(&found.rollout).unwrap();
            self.rollout = serde_json::from_str(&stored).unwrap();
            proptest::prop_assert_eq!(&self.rollout, &found.rollout, "what is stored is what is read");
            for action in found.actions {
                if self.last_done.is_none_or(|last| last < action.sequence) {
                    self.outbox.entry(action.sequence).or_insert(action);
                }
            }
        }
        self.check_rolled_back()
    }

    pub(super) fn command(&mut self, command: Command) -> Checked {
        let freeze = self.site.seen.freeze.as_ref();
        let before = self.rollout.clone();
        if let Ok(next) = apply(&before, &command, &ada(), at(self.minute), freeze) {
            always::check_command(&before, &next, &command)?;
            self.rollout = next;
        }
        Ok(())
    }

    /// Carries out the next action, and never one that came before another that was done.
    fn carry_out_next(&mut self) {
        let Some((sequence, action)) = self.outbox.pop_first() else {
            return;
        };
        if self.last_done.is_some_and(|last| last >= sequence) {
            return;
        }
        for device in &action.devices {
            self.truth.insert(device.clone(), action.change.result());
        }
        self.site.seen.done.insert(action.id);
        self.last_done = Some(sequence);
    }

    fn read_members(&mut self) {
        for (device, seen) in &mut self.site.seen.devices {
            seen.membership = self.truth[device];
        }
        self.site.seen.members_read_at = Some(at(self.minute));
    }

    fn report(&mut self, numbers: impl IntoIterator<Item = usize>, authority: ManagementAuthority) {
        let now = at(self.minute);
        for number in numbers {
            self.edit(number, |seen| {
                seen.report = Some(Report { authority, at: now });
                seen.last_contact = Some(now);
            });
        }
    }

    fn edit(&mut self, number: usize, edit: impl FnOnce(&mut DeviceObservation)) {
        if let Some(seen) = self.site.seen.devices.get_mut(&device(number)) {
            edit(seen);
        }
    }

    fn enrol(&mut self, number: usize) {
        let seen = &self.site.seen;
        if !seen.devices.contains_key(&device(number)) && !seen.gone.contains(&device(number)) {
            self.site.enrol(number);
            let (now, membership) = (at(self.minute), self.truth[&device(number)]);
            self.edit(number, |seen| {
                seen.membership = membership;
                seen.last_contact = Some(now);
            });
        }
    }

    fn freeze_or_thaw(&mut self) {
        let freeze = self.site.seen.freeze.take();
        if freeze.is_none() {
            self.site.seen.freeze = Freeze::begin(None, ada(), &why(), at(self.minute)).ok();
        }
    }

    fn slide(&mut self, there: bool) {
        let slider = if there { SliderPosition::PilotIntune } else { SliderPosition::Intune };
        self.site.seen.setting =
            Some(WorkloadSetting { slider, pilot_collection: Some(collection("PS100010")) });
    }

    /// A turn in which everything is done, read and reported; a person approves what the gates cannot decide.
    pub(super) fn obey(&mut self) -> Checked {
        self.step(true)?;
        self.minute += 1;
        self.happen(Deed::CarryOut(100))?;
        self.read_members();
        self.minute += 1;
        self.happen(Deed::Arrive((0..DEVICES).collect()))?;
        if let Some(wave) = self.rollout.current_wave() {
            self.command(Command::ApproveWave { wave, why: why() })?;
        }
        self.minute += 60;
        Ok(())
    }

    /// Whoever still has something to carry out does so: it must not undo a rollback that is done.
    pub(super) fn settle(&mut self) -> Checked {
        self.happen(Deed::CarryOut(100))?;
        self.check_rolled_back()
    }

    fn check_rolled_back(&self) -> Checked {
        if self.rollout.phase() == RolloutPhase::RolledBack {
            proptest::prop_assert!(self.is_as_it_began(), "{:?}, began {:?}", self.truth, self.began);
        }
        Ok(())
    }
}
