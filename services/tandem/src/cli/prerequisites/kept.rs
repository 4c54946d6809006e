//! `tandem prerequisites devices|parts|evaluation`: what is kept of a fleet, and how far it is.

use std::time::Duration;

use tandem_client::ApiError;
use tandem_contracts::inventory::v1::GetSurroundingsRequest;
use tandem_contracts::prerequisites::v1::list_summary_devices_request::Number;
use tandem_contracts::prerequisites::v1::{
    Benefit, BenefitNumber, BenefitReach, ConcernKind, CustomOutcome, CustomRuleNumber, Eligibility,
    EvaluationRun, FleetPart, FleetSummary, GetEvaluationSettingsRequest, GetFleetEvaluationRequest,
    GetFleetEvaluationResponse, ListFleetSummariesRequest, ListFleetSummariesResponse,
    ListSummaryDevicesRequest, ListSummaryDevicesResponse, Outcome, Path, RuleNumber, Verdict,
};
use tandem_contracts::r#type::v1::ErrorReason;
use tandem_domain::enrollment;
use tandem_domain::id::HierarchyId;
use tokio::time::Instant;
use tonic::Code;

use super::{custom, of_hierarchy};
use crate::cli::failure::CliError;
use crate::cli::listing::{Limit, list};
use crate::cli::progress;
use crate::cli::screen::{Column, Row, Screen};
use crate::cli::session::Session;
use crate::cli::waiting::seconds;
use crate::cli::words::{self, NOTHING};

/// How often a fleet that is being judged is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// Which devices to list.
#[derive(Debug, clap::Args)]
pub(crate) struct DevicesArgs {
    #[command(flatten)]
    number: NumberArgs,
    /// Of rules and verdicts: on this path; unset: path1
    #[arg(long, value_parser = words::paths())]
    path: Option<Path>,
    /// Only devices of this hierarchy
    #[arg(long)]
    hierarchy: Option<HierarchyId>,
    #[command(flatten)]
    limit: Limit,
    #[command(flatten)]
    waiting: Waiting,
}

/// How long to wait for a fleet that is being judged.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Waiting {
    /// Wait at most so many seconds while the fleet is being judged
    #[arg(long, value_name = "SECONDS", default_value = "600", value_parser = seconds)]
    timeout: Duration,
}

impl Default for Waiting {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(600) }
    }
}

/// Whether to wait for it.
#[derive(Debug, clap::Args)]
pub(crate) struct EvaluationArgs {
    /// Wait until every device is judged as it is known now
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    waiting: Waiting,
}

/// Behind which number they are; none: every device.
#[derive(Debug, clap::Args)]
struct NumberArgs {
    /// Devices that this rule stops
    #[arg(long, value_name = "RULE", group = "number")]
    rule: Option<String>,
    /// Of a rule: devices of which it is not known
    #[arg(long, requires = "rule", conflicts_with = "alone")]
    unknown: bool,
    /// Of a rule: devices that no other blocking rule stops
    #[arg(long, requires = "rule")]
    alone: bool,
    /// Devices with this verdict
    #[arg(long, group = "number", value_parser = words::verdicts())]
    verdict: Option<Verdict>,
    /// Devices of this eligibility
    #[arg(long, group = "number", value_parser = words::eligibilities())]
    eligibility: Option<Eligibility>,
    /// Devices that have a benefit; with --reach, that are so far from it
    #[arg(long, group = "number", value_parser = words::benefits())]
    benefit: Option<Benefit>,
    /// How far from the benefit
    #[arg(long, requires = "benefit", value_parser = words::reaches())]
    reach: Option<BenefitReach>,
    /// Devices with this finding beside the rules
    #[arg(long, group = "number", value_parser = words::concerns())]
    concern: Option<ConcernKind>,
    /// Devices that are eligible as far as is known, where a fact behind a blocking rule is missing
    #[arg(long, group = "number")]
    unverified: bool,
    /// Devices that do not satisfy this rule of your own
    #[arg(long, value_name = "ID", group = "number")]
    custom_rule: Option<String>,
    /// Of a rule of your own: devices of which it came to this instead
    #[arg(long, requires = "custom_rule", value_parser = words::custom_outcomes())]
    outcome: Option<CustomOutcome>,
    /// Devices with this verdict of the rules of your own
    #[arg(long, group = "number", value_parser = words::verdicts())]
    custom_verdict: Option<Verdict>,
    /// Devices whose last attempt to enrol ended with this code, such as 0x80180018
    #[arg(long, value_name = "CODE", group = "number", value_parser = code, allow_negative_numbers = true)]
    error: Option<u32>,
}

fn code(text: &str) -> Result<u32, String> {
    let expected = "expected a code such as 0x80180018, 2149056536 or -2145910760";
    enrollment::parse_code(text).ok_or_else(|| format!("{expected}, found `{text}`"))
}

impl NumberArgs {
    fn number(self, session: &Session<'_>) -> Option<Number> {
        let Self {
            rule,
            unknown,
            alone,
            verdict,
            eligibility,
            benefit,
            reach,
            concern,
            unverified,
            custom_rule,
            outcome: custom_outcome,
            custom_verdict,
            error,
        } = self;
        let custom = custom_rule.map(|rule| {
            let outcome = custom_outcome.unwrap_or(CustomOutcome::Unsatisfied).into();
            Number::CustomRule(CustomRuleNumber { rule: custom::name(&rule, session), outcome })
        });
        let outcome = if unknown { Outcome::Unknown } else { Outcome::Unsatisfied };
        let rule = rule.map(|rule| Number::Rule(RuleNumber { rule, outcome: outcome.into(), alone }));
        let benefit = benefit.map(|benefit| {
            let reach = reach.unwrap_or(BenefitReach::Unlocked).into();
            Number::Benefit(BenefitNumber { benefit: benefit.into(), reach })
        });
        rule.or(benefit)
            .or(verdict.map(|of| Number::Verdict(of.into())))
            .or(eligibility.map(|of| Number::Eligibility(of.into())))
            .or(concern.map(|of| Number::Concern(of.into())))
            .or(unverified.then_some(Number::EligibleUnverified(true)))
            .or(custom)
            .or(custom_verdict.map(|of| Number::CustomVerdict(of.into())))
            .or(error.map(Number::EnrollmentError))
    }
}

/// What to take apart, and by what.
#[derive(Debug, clap::Args)]
pub(crate) struct PartsArgs {
    /// By what
    #[arg(long, value_parser = words::fleet_parts())]
    by: FleetPart,
    /// Verdicts of this path; unset: path1; not by path
    #[arg(long, value_parser = words::paths())]
    path: Option<Path>,
    /// Only devices of this hierarchy
    #[arg(long)]
    hierarchy: Option<HierarchyId>,
    #[command(flatten)]
    limit: Limit,
    #[command(flatten)]
    waiting: Waiting,
}

/// Lists devices.
pub(super) async fn devices(args: DevicesArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    let filter = of_hierarchy(args.hierarchy, session).await?;
    let consistency_token = world_of_now(session).await?;
    until_judged(session, &consistency_token, args.waiting).await?;
    let request = ListSummaryDevicesRequest {
        consistency_token,
        parent: session.parent(),
        path: args.path.unwrap_or(Path::Unspecified).into(),
        number: args.number.number(session),
        filter,
        ..ListSummaryDevicesRequest::default()
    };
    let mut client = session.connection.fleet_evaluation();
    let columns = ["DEVICE", "NAME"].map(Column::Text);
    list(&mut session.screen, args.limit, &columns, device_rows, async |page_size, page_token| {
        let request = ListSummaryDevicesRequest { page_size, page_token, ..request.clone() };
        client.list_summary_devices(request).await
    })
    .await
}

fn device_rows(page: &ListSummaryDevicesResponse) -> Vec<Row> {
    let devices = page.devices.iter();
    devices.map(|of| vec![words::last_part(&of.device), words::text(&of.display_name)]).collect()
}

/// Lists the parts of the fleet.
pub(super) async fn parts(args: PartsArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    let filter = of_hierarchy(args.hierarchy, session).await?;
    let consistency_token = world_of_now(session).await?;
    until_judged(session, &consistency_token, args.waiting).await?;
    let by = args.by;
    let request = ListFleetSummariesRequest {
        consistency_token,
        parent: session.parent(),
        part: by.into(),
        path: args.path.unwrap_or(Path::Unspecified).into(),
        filter,
        ..ListFleetSummariesRequest::default()
    };
    let mut client = session.connection.fleet_evaluation();
    let columns = [
        Column::Text("PART"),
        Column::Number("DEVICES"),
        Column::Number("READY"),
        Column::Number("BLOCKED"),
        Column::Number("UNKNOWN"),
        Column::Number("NOT APPLICABLE"),
        Column::Text("WHAT STOPS MOST"),
    ];
    let rows =
        |page: &ListFleetSummariesResponse| page.summaries.iter().map(|part| part_row(by, part)).collect();
    list(&mut session.screen, args.limit, &columns, rows, async |page_size, page_token| {
        let request = ListFleetSummariesRequest { page_size, page_token, ..request.clone() };
        client.list_fleet_summaries(request).await
    })
    .await
}

fn part_row(by: FleetPart, part: &FleetSummary) -> Row {
    let verdict = |of: Verdict| {
        let found = part.verdicts.iter().find(|count| count.verdict() == of);
        found.map_or(0, |count| count.devices).to_string()
    };
    // `hierarchies/PS1/sites/PS1` is PS1/PS1.
    let mut names = part.part.split('/').skip(3).step_by(2);
    let name = match (names.next(), names.next()) {
        (Some(hierarchy), Some(part)) => format!("{hierarchy}/{part}"),
        (Some(hierarchy), None) => hierarchy.to_owned(),
        (None, _) if by == FleetPart::Path => words::path(part.path),
        (None, _) => "(none)".to_owned(),
    };
    let stopping = part.rules.iter().filter(|rule| rule.unsatisfied > 0);
    let stopping: Vec<String> =
        stopping.map(|rule| format!("{} ({})", rule.rule, rule.unsatisfied)).collect();
    vec![
        name,
        part.devices.to_string(),
        verdict(Verdict::Ready),
        verdict(Verdict::Blocked),
        verdict(Verdict::Unknown),
        verdict(Verdict::NotApplicable),
        words::text(&stopping.join(", ")),
    ]
}

/// Says how far the fleet is judged; with `wait`, once everything is that is known now.
pub(super) async fn evaluation(args: EvaluationArgs, session: &mut Session<'_>) -> Result<(), CliError> {
    if args.wait {
        let token = world_of_now(session).await?;
        until_judged(session, &token, args.waiting).await?;
    }
    let answer = asked(session, "").await?;
    session.screen.show(&answer, shown)
}

async fn asked(session: &Session<'_>, token: &str) -> Result<GetFleetEvaluationResponse, ApiError> {
    let request = GetFleetEvaluationRequest { parent: session.parent(), consistency_token: token.to_owned() };
    let answer = session.connection.fleet_evaluation().get_fleet_evaluation(request).await;
    Ok(answer.map_err(ApiError::from)?.into_inner())
}

/// The world that the inventory has now: what is asked about is at least of it.
pub(super) async fn world_of_now(session: &Session<'_>) -> Result<String, CliError> {
    // All that is wanted is the token: no revision is as late as this one.
    let request = GetSurroundingsRequest {
        parent: session.parent(),
        known_revision: u64::MAX,
        ..GetSurroundingsRequest::default()
    };
    Ok(session.connection.tenants().get_surroundings(request).await?.into_inner().consistency_token)
}

/// The world of the rules of one's own and of the evaluation settings, as they are now.
async fn own_world(session: &Session<'_>) -> Result<String, CliError> {
    let name = format!("{}/evaluationSettings", session.parent());
    let request = GetEvaluationSettingsRequest { name, ..GetEvaluationSettingsRequest::default() };
    let answer = session.connection.fleet_evaluation().get_evaluation_settings(request).await?;
    Ok(answer.into_inner().consistency_token)
}

/// Whether the fleet is judged as far as these worlds.
async fn reached(session: &Session<'_>, worlds: [&str; 2]) -> Result<(), ApiError> {
    for world in worlds {
        asked(session, world).await?;
    }
    Ok(())
}

/// Waits until a fleet that is kept is judged as far as that world. One that was never judged is not waited for: a summary of it is judged
/// for the answer.
pub(super) async fn until_caught_up(session: &Session<'_>, token: &str) -> Result<(), CliError> {
    match asked(session, "").await {
        Ok(answer) if !answer.evaluation.as_ref().is_some_and(|evaluation| evaluation.complete) => Ok(()),
        Ok(_) => until_judged(session, token, Waiting::default()).await,
        Err(error) if error.code == Code::PermissionDenied => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Waits until a fleet is judged as far as that world, and shows meanwhile how far it is. Whoever may not know that of a whole tenant does not
/// wait here: what they ask for waits as long as its deadline.
async fn until_judged(session: &Session<'_>, token: &str, waiting: Waiting) -> Result<(), CliError> {
    let end = Instant::now() + waiting.timeout;
    let own = own_world(session).await?;
    let bar = progress::judging();
    loop {
        let evaluation = match asked(session, "").await {
            Ok(answer) => answer.evaluation.unwrap_or_default(),
            Err(error) if error.code == Code::PermissionDenied => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let run = evaluation.run.unwrap_or_default();
        let (judged, total) = match run.ended_at {
            Some(_) => {
                (evaluation.devices - evaluation.pending.min(evaluation.devices), Some(evaluation.devices))
            }
            None => (run.judged, run.total),
        };
        total.into_iter().for_each(|total| bar.set_length(total));
        bar.set_position(judged);
        if evaluation.complete && run.ended_at.is_some() && evaluation.pending == 0 {
            match reached(session, [token, &own]).await {
                Ok(()) => {
                    bar.finish_and_clear();
                    return Ok(());
                }
                Err(error) if error.known_reason() == Some(ErrorReason::NotYetConsistent) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if Instant::now() >= end {
            bar.finish_and_clear();
            let problem = if evaluation.problem.is_empty() { "it gets on" } else { &evaluation.problem };
            let seconds = waiting.timeout.as_secs();
            return Err(CliError::Failed(format!(
                "the fleet is not judged after {seconds} s: {judged} devices so far, {problem}; wait longer with --timeout"
            )));
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn shown(screen: &mut Screen<'_>, answer: &GetFleetEvaluationResponse) -> Result<(), CliError> {
    let evaluation = answer.evaluation.clone().unwrap_or_default();
    let lag = evaluation.lag.and_then(|lag| Duration::try_from(lag).ok()).unwrap_or_default();
    let goes_on = evaluation.run.as_ref().is_some_and(|run| run.ended_at.is_none());
    let stands = match (evaluation.complete, evaluation.pending) {
        (false, _) => "being judged for the first time".to_owned(),
        (true, 0) if goes_on => "being judged anew".to_owned(),
        (true, 0) => "every device is judged".to_owned(),
        (true, pending) => format!("{pending} devices are to be judged again"),
    };
    screen.details(vec![
        ["Devices".to_owned(), evaluation.devices.to_string()],
        ["Stands".to_owned(), stands],
        ["Last judging of many".to_owned(), evaluation.run.as_ref().map_or_else(|| NOTHING.to_owned(), run)],
        ["Behind by".to_owned(), format!("{:.1} s", lag.as_secs_f64())],
        ["Problem".to_owned(), words::text(&evaluation.problem)],
    ])
}

fn run(run: &EvaluationRun) -> String {
    let total = run.total.map_or_else(|| "some".to_owned(), |total| total.to_string());
    let began = words::moment(run.began_at);
    let cause = words::evaluation_cause(run.cause);
    match run.ended_at {
        Some(ended) => format!("{cause}: {total} devices, {began} to {}", words::moment(Some(ended))),
        None => format!("{cause}: {} of {total} devices since {began}", run.judged),
    }
}

#[cfg(test)]
mod tests {
    use tandem_contracts::prerequisites::v1::{FleetEvaluation, RuleSummary, VerdictCount};

    use super::*;
    use crate::cli::screen::{Output, shown as shown_on};

    #[test]
    fn part_is_shown_on_one_line() {
        let part = FleetSummary {
            part: "tenants/contoso/hierarchies/PS1/collections/PS100042".into(),
            path: Path::Path1.into(),
            devices: 7,
            verdicts: vec![
                VerdictCount { verdict: Verdict::Ready.into(), devices: 4 },
                VerdictCount { verdict: Verdict::Blocked.into(), devices: 3 },
            ],
            rules: vec![
                RuleSummary { rule: "entra.joined".into(), unsatisfied: 3, ..RuleSummary::default() },
                RuleSummary { rule: "win.mdm_not_blocked".into(), unknown: 4, ..RuleSummary::default() },
            ],
            ..FleetSummary::default()
        };
        assert_eq!(
            part_row(FleetPart::Collection, &part),
            ["PS1/PS100042", "7", "4", "3", "0", "0", "entra.joined (3)"]
        );
        let whole = FleetSummary { part: String::new(), rules: Vec::new(), ..part };
        assert_eq!(part_row(FleetPart::Path, &whole)[0], "path1");
        assert_eq!(part_row(FleetPart::Hierarchy, &whole)[0], "(none)");
    }

    #[test]
    fn fleet_that_is_being_judged_says_how_far_it_is() {
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let run = EvaluationRun {
            cause: 2,
            began_at: at(1_795_867_200),
            judged: 250,
            total: Some(1000),
            ..EvaluationRun::default()
        };
        let evaluation = FleetEvaluation {
            devices: 1000,
            pending: 750,
            complete: true,
            run: Some(run),
            ..FleetEvaluation::default()
        };
        let answer = GetFleetEvaluationResponse { evaluation: Some(evaluation), ..Default::default() };
        let text = shown_on(Output::Table, |screen| shown(screen, &answer));
        assert!(text.contains("750 devices are to be judged again"), "{text}");
        assert!(text.contains("tenant: 250 of 1000 devices since 2026-11-28T12:00:00Z"), "{text}");
    }
}
