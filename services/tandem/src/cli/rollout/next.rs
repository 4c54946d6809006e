//! What happens next to a rollout and when, and what a person has to do. Read off its phases; nothing is decided here.

use tandem_contracts::authority::v1::{
    Freeze, ListRolloutActionsRequest, MembershipChange, OnWaveFailure, Rollout, RolloutAction,
    RolloutCauseKind, RolloutPhase, RolloutWave, RolloutWavePhase, RolloutWaveSpec,
};
use tandem_domain::workload::Workload;

use super::spec;
use super::step::Step;
use crate::cli::failure::CliError;
use crate::cli::freeze;
use crate::cli::session::Session;
use crate::cli::words;

/// What a rollout says nothing of, and people have to know.
#[derive(Debug, Clone, Default)]
pub(super) struct Surroundings {
    freeze: Freeze,
    /// The first action that is to be done, and whether there are more.
    open: Option<(RolloutAction, bool)>,
}

impl Surroundings {
    /// Reads them; of one that does not move nothing is to be done.
    pub(super) async fn read(rollout: &Rollout, session: &Session<'_>) -> Result<Self, CliError> {
        // The tenant is the rollout's, which a resource name may say.
        let (tenant, _) = rollout.name.split_once("/hierarchies/").unwrap_or_default();
        let freeze = freeze::get(tenant, session).await?;
        let open = match rollout.phase() {
            RolloutPhase::Running | RolloutPhase::RollingBack => first_open(&rollout.name, session).await?,
            _ => None,
        };
        Ok(Self { freeze, open })
    }

    #[cfg(test)]
    pub(super) fn known(freeze: Freeze, open: Option<(RolloutAction, bool)>) -> Self {
        Self { freeze, open }
    }

    /// The freeze, while it holds.
    pub(super) fn freeze(&self) -> Option<&Freeze> {
        Some(&self.freeze).filter(|freeze| freeze.frozen)
    }
}

async fn first_open(rollout: &str, session: &Session<'_>) -> Result<Option<(RolloutAction, bool)>, CliError> {
    let request = ListRolloutActionsRequest {
        parent: rollout.to_owned(),
        page_size: 1,
        page_token: String::new(),
        all: false,
    };
    let page = session.connection.rollouts().list_rollout_actions(request).await?.into_inner();
    let more = !page.next_page_token.is_empty();
    Ok(page.actions.into_iter().next().map(|first| (first, more)))
}

/// What is ahead of a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Outlook {
    /// What happens, and when.
    pub(super) happens: Vec<String>,
    /// What a person has to do, or may.
    pub(super) steps: Vec<Step>,
}

impl Outlook {
    fn of(happens: &str, steps: impl IntoIterator<Item = Step>) -> Self {
        Self { happens: vec![happens.to_owned()], steps: steps.into_iter().collect() }
    }

    fn with(mut self, happens: String) -> Self {
        self.happens.push(happens);
        self
    }
}

/// Whether it passed, or somebody approved it.
pub(super) fn is_done(wave: &RolloutWave) -> bool {
    matches!(wave.phase(), RolloutWavePhase::Passed | RolloutWavePhase::Approved)
}

/// What is ahead of it.
pub(super) fn outlook(rollout: &Rollout, surroundings: &Surroundings) -> Outlook {
    match rollout.phase() {
        RolloutPhase::Draft => Outlook::of("nothing, before it is submitted", [Step::Submit]),
        RolloutPhase::PendingApproval => pending(rollout),
        RolloutPhase::Ready => ready(rollout, surroundings),
        RolloutPhase::Running | RolloutPhase::RollingBack if surroundings.freeze().is_some() => {
            let waits = "nothing, while the tenant is frozen: no clock runs, and nothing is to be done";
            Outlook::of(waits, [Step::Unfreeze])
        }
        RolloutPhase::Running => running(rollout, surroundings),
        RolloutPhase::Paused => paused(rollout, surroundings),
        RolloutPhase::RollingBack => rolling_back(surroundings),
        RolloutPhase::Completed => over("every wave is done"),
        RolloutPhase::Failed => over("it ended with the failure; what was handed over stays"),
        RolloutPhase::RolledBack => over("everything that it handed over was taken back"),
        RolloutPhase::Cancelled => over("it was given up; what was handed over stays"),
        RolloutPhase::Unspecified => Outlook::default(),
    }
}

fn over(how: &str) -> Outlook {
    Outlook::of(&format!("nothing more: {how}"), [])
}

fn pending(rollout: &Rollout) -> Outlook {
    let approval = rollout.approval.clone().unwrap_or_default();
    let missing = (approval.required as usize).saturating_sub(approval.given.len());
    let (plural, until) = (if missing == 1 { "" } else { "s" }, words::moment(approval.expire_time));
    let waits = format!(
        "it waits for {missing} more approval{plural}, of others than {}, until {until}; then it is to be withdrawn and \
         submitted again",
        words::text(&approval.requester)
    );
    Outlook::of(&waits, [Step::Approve, Step::BreakGlass])
}

fn ready(rollout: &Rollout, surroundings: &Surroundings) -> Outlook {
    if surroundings.freeze().is_some() {
        return Outlook::of("nothing, and it cannot start, while the tenant is frozen", [Step::Unfreeze]);
    }
    let said = rollout.spec.clone().unwrap_or_default();
    let (workload, pilot) = (words::word(said.workload, Workload::id), &said.pilot_collection);
    let waits = format!(
        "nothing, before it is started; the slider of {workload} has to stand at pilot_intune with {pilot} then, or it pauses \
         at once"
    );
    Outlook::of(&waits, [Step::Start])
}

fn paused(rollout: &Rollout, surroundings: &Surroundings) -> Outlook {
    let said = rollout.spec.clone().unwrap_or_default();
    let cause = rollout.cause.clone().unwrap_or_default();
    let waits = "nothing, until a person says so: nothing is handed over, and the clocks stand still";
    let mut outlook = Outlook::of(waits, []);
    match cause.kind() {
        RolloutCauseKind::SliderMoved => outlook.steps.push(Step::MoveSlider {
            workload: words::word(said.workload, Workload::id),
            collection: said.pilot_collection,
        }),
        RolloutCauseKind::WaveFailed => {
            outlook.steps.push(Step::Devices(cause.wave.unwrap_or_default(), None));
        }
        _ => {}
    }
    if let Some((place, wave, _)) = current(rollout)
        && wave.phase() == RolloutWavePhase::Inconclusive
    {
        outlook.steps.push(Step::ApproveWave(place));
    }
    if surroundings.freeze().is_some() {
        outlook = outlook.with("while the tenant is frozen it can only be cancelled".to_owned());
        outlook.steps = vec![Step::Unfreeze, Step::Cancel];
        return outlook;
    }
    outlook.steps.extend([Step::Resume, Step::RollBack, Step::Cancel]);
    outlook
}

fn rolling_back(surroundings: &Surroundings) -> Outlook {
    match &surroundings.open {
        Some((action, more)) => {
            let outlook = Outlook::of(&to_be_done(action, *more), [Step::Actions]);
            outlook.with("it is rolled back once the site was read after that, and says so".to_owned())
        }
        None => {
            let unread =
                "it is rolled back once the site was read again, and says that everything is taken back";
            Outlook::of(unread, [Step::Import])
        }
    }
}

/// The first wave that is not done.
fn current(rollout: &Rollout) -> Option<(u32, &RolloutWave, RolloutWaveSpec)> {
    let place = rollout.current_wave?;
    let wave = rollout.waves.get(place as usize)?;
    let said = rollout.spec.as_ref().and_then(|said| said.waves.get(place as usize));
    Some((place, wave, said.cloned().unwrap_or_default()))
}

fn running(rollout: &Rollout, surroundings: &Surroundings) -> Outlook {
    let Some((place, wave, said)) = current(rollout) else {
        return Outlook::of("it is completed when it is looked at next", []);
    };
    let deadline = format!(
        "at {} wave {place} waits for a person, if neither gate decided before",
        words::moment(wave.deadline_time)
    );
    match wave.phase() {
        RolloutWavePhase::Waiting => {
            let waits = format!(
                "wave {place} begins once it is known where the slider stands, and which devices the waves up to it choose"
            );
            Outlook::of(&waits, [Step::Import])
        }
        RolloutWavePhase::HandingOver => handing_over(rollout, (place, wave), surroundings).with(deadline),
        RolloutWavePhase::Soaking => {
            let soaked = words::moment(wave.soaked_time);
            let waits = format!("wave {place} soaks until {soaked}; then its gates decide");
            Outlook::of(&waits, failing(place, wave)).with(deadline)
        }
        RolloutWavePhase::Judging => {
            let counted = wave.chosen + wave.pending + wave.at_target + wave.failing;
            let waits = format!(
                "wave {place} passes once {} of its {} report the workload at the target ({} do, {} have not answered)",
                spec::percent(said.success_gate),
                spec::devices(counted),
                wave.at_target,
                wave.pending
            );
            let mut outlook = Outlook::of(&waits, failing(place, wave)).with(deadline);
            // Where no connector reads the systems, their answers come with the next exports.
            outlook.steps.extend((wave.pending > 0).then_some(Step::Import));
            outlook
        }
        RolloutWavePhase::Inconclusive => {
            let waits = format!("nothing, before a person looks at wave {place}");
            Outlook::of(&waits, [Step::Devices(place, None), Step::ApproveWave(place), Step::RollBack])
        }
        RolloutWavePhase::Failed => {
            let then = rollout.spec.as_ref().map(|spec| spec.on_failure());
            let becomes = match then {
                Some(OnWaveFailure::RollBack) => "it is rolled back",
                Some(OnWaveFailure::Stop) => "it ends",
                _ => "it pauses",
            };
            Outlook::of(&format!("{becomes}, as wave {place} failed"), [])
        }
        RolloutWavePhase::Passed | RolloutWavePhase::Approved | RolloutWavePhase::Unspecified => {
            Outlook::default()
        }
    }
}

fn handing_over(
    rollout: &Rollout,
    (place, wave): (u32, &RolloutWave),
    surroundings: &Surroundings,
) -> Outlook {
    let mut outlook = Outlook::default();
    if let Some((action, more)) = &surroundings.open {
        outlook.happens.push(to_be_done(action, *more));
        outlook.steps.push(Step::Actions);
    } else if wave.unconfigured > 0 {
        outlook.happens.push(format!(
            "the site is to be read again, completely: {} handed over, and not seen to be so there",
            are(wave.unconfigured)
        ));
        outlook.steps.push(Step::Import);
    }
    if wave.chosen > 0 {
        let has_windows = rollout.spec.as_ref().is_some_and(|said| said.windows.is_some());
        let window = if has_windows { ", for a maintenance window" } else { "" };
        outlook.happens.push(format!(
            "{} to be handed over: for room in what may be in motion at once{window}, or for a reading that is missing",
            wait(wave.chosen)
        ));
    }
    outlook.happens.push(format!("wave {place} soaks once the site is seen to have every membership"));
    outlook.steps.extend(failing(place, wave));
    outlook
}

/// What is to be done at the site.
fn to_be_done(action: &RolloutAction, more: bool) -> String {
    let count = action.members.len() + action.unknown_members.len();
    let change = match action.change() {
        MembershipChange::Remove => "leave",
        MembershipChange::Add | MembershipChange::Unspecified => "join",
    };
    let rest = if more { "; more actions follow it" } else { "" };
    format!(
        "action {} is to be done at the site, and confirmed: {} {change} {}{rest}",
        action.sequence,
        spec::devices(count as u64),
        action.collection
    )
}

/// Devices that fail are looked at before their wave is judged.
fn failing(place: u32, wave: &RolloutWave) -> Option<Step> {
    (wave.failing > 0).then_some(Step::Devices(place, None))
}

fn are(count: u64) -> String {
    let verb = if count == 1 { "is" } else { "are" };
    format!("{} {verb}", spec::devices(count))
}

fn wait(count: u64) -> String {
    let verb = if count == 1 { "waits" } else { "wait" };
    format!("{} {verb}", spec::devices(count))
}
