//! The contract of what is kept of fleets: how far it is, the parts of a fleet, the devices behind a number.

use std::sync::Arc;
use std::time::Duration;

use prost::Message;
use tandem_contracts::convert::time;
use tandem_contracts::prerequisites::v1;
use tandem_contracts::prerequisites::v1::fleet_evaluation_service_server::FleetEvaluationService;
use tandem_contracts::prerequisites::v1::list_summary_devices_request::Number as Asked;
use tandem_contracts::r#type::v1::DeviceFilter;
use tandem_domain::benefit::{Benefit, Reach};
use tandem_domain::concern::ConcernKind;
use tandem_domain::prerequisites::{DeviceRule, Path, Severity, Verdict};
use tandem_domain::state::Eligibility;
use tandem_fleet::{Cause, Counting, Page, Run, TenantCount, Wanted};
use tandem_server::ConsistencyToken;
use tandem_server::failure::Failure;
use tandem_server::names::{TenantName, page_size};
use tandem_server::principal_of;
use tandem_server::waiting::waiting_time;
use tandem_storage::fingerprint;
use tandem_storage::page::PageToken;
use tonic::{Request, Response, Status};

use super::{Handlers, convert, request};
use crate::custom::CustomOutcomeKind;
use crate::custom::counts::CustomCounts;
use crate::custom::enabled::EnabledRules;
use crate::evaluation::Number;
use crate::evaluation::parts::{FleetPart, PartSummary, PartsAsked, summaries};
use crate::summary::Counts;

/// The lists that page tokens belong to.
const SUMMARIES: &str = "fleet_summaries";
const DEVICES: &str = "summary_devices";

/// Rules that are named of a part.
const NAMED_RULES: usize = 3;

#[tonic::async_trait]
impl FleetEvaluationService for Handlers {
    async fn get_fleet_evaluation(
        &self,
        request: Request<v1::GetFleetEvaluationRequest>,
    ) -> Result<Response<v1::GetFleetEvaluationResponse>, Status> {
        let waiting = waiting_time(request.metadata());
        let request = request.into_inner();
        let tenant = TenantName::parse("parent", &request.parent)?;
        let count = self.fleets.count(&tenant).await?;
        if !request.consistency_token.is_empty() {
            count.covers(&ConsistencyToken::parse(&request.consistency_token)?, waiting).await?;
        }
        let counting = count.counting();
        let consistency_token = counting.covered.as_ref().map(ToString::to_string).unwrap_or_default();
        let evaluation = Some(evaluation(counting));
        Ok(Response::new(v1::GetFleetEvaluationResponse { evaluation, consistency_token }))
    }

    async fn list_fleet_summaries(
        &self,
        request: Request<v1::ListFleetSummariesRequest>,
    ) -> Result<Response<v1::ListFleetSummariesResponse>, Status> {
        let waiting = waiting_time(request.metadata());
        Ok(Response::new(self.summaries(request.into_inner(), waiting).await?))
    }

    async fn list_summary_devices(
        &self,
        request: Request<v1::ListSummaryDevicesRequest>,
    ) -> Result<Response<v1::ListSummaryDevicesResponse>, Status> {
        let waiting = waiting_time(request.metadata());
        Ok(Response::new(self.listing(request.into_inner(), waiting).await?))
    }

    async fn get_evaluation_settings(
        &self,
        request: Request<v1::GetEvaluationSettingsRequest>,
    ) -> Result<Response<v1::GetEvaluationSettingsResponse>, Status> {
        Ok(Response::new(self.settings_get(request.into_inner()).await?))
    }

    async fn update_evaluation_settings(
        &self,
        request: Request<v1::UpdateEvaluationSettingsRequest>,
    ) -> Result<Response<v1::UpdateEvaluationSettingsResponse>, Status> {
        let by = principal_of(&request).id.clone();
        Ok(Response::new(self.settings_update(request.into_inner(), by).await?))
    }
}

impl Handlers {
    /// The whole fleet from what is kept of it. `None`: it is not kept, or not judged once, and has to be judged for the answer.
    pub(super) async fn kept_summary(
        &self,
        tenant: &TenantName,
        filter: Option<&DeviceFilter>,
        (path, whole): (Path, bool),
        token: &ConsistencyToken,
        waiting: Duration,
    ) -> Result<Option<v1::SummarizeFleetResponse>, Failure> {
        let Some(count) = self.fleets.followed(tenant.as_str()) else { return Ok(None) };
        let wanted = Wanted::of(tenant, filter.unwrap_or(&DeviceFilter::default()))?;
        if count.counting().covered.is_none() {
            return Ok(None);
        }
        count.covers(token, waiting).await?;
        let selection = count.select(self.fleets.sources(), &wanted).await?;
        let basis = self.sources.basis(tenant.id()).await?;
        let counted = count.read();
        let within = counted.within(&selection, counted.reached(&selection));
        let numbers =
            counted.index.numbers_of(within.as_ref(), |number| number.path().is_none_or(|of| of == path));
        let counts = Counts::of(path, whole, Arc::clone(&basis.rules), &numbers);
        let mut answer = convert::fleet(&counts.summary, counted.world(&selection).to_string());
        answer.evaluated_at = Some(time::to_proto(counted.counted_at));
        drop(counted);
        convert::custom::add_to_fleet(&mut answer, &counts.custom);
        if let Some(whole) = &counts.whole {
            convert::whole::add_to_fleet(&mut answer, whole);
        }
        Ok(Some(answer))
    }

    async fn summaries(
        &self,
        request: v1::ListFleetSummariesRequest,
        waiting: Duration,
    ) -> Result<v1::ListFleetSummariesResponse, Failure> {
        let tenant = TenantName::parse("parent", &request.parent)?;
        let part = fleet_part(request.part)?;
        let asked_path = request::path("path", request.path)?;
        if let Some(path) = asked_path.filter(|_| part == FleetPart::Path) {
            let found = format!("must be unset where every path is counted; found {}", path.id());
            return Err(Failure::field("path", found));
        }
        let page_size = page_size(request.page_size)?;
        let filter = request.filter.unwrap_or_default();
        let wanted = Wanted::of(&tenant, &filter)?;
        let bound = [request.parent.as_bytes(), &request.part.to_le_bytes(), &request.path.to_le_bytes()];
        let bound = fingerprint(&[&bound[..], &[&filter.encode_to_vec()]].concat());
        let after: Option<String> = PageToken::decode(&request.page_token, SUMMARIES, bound)?;
        let token = ConsistencyToken::parse(&request.consistency_token)?;
        let count = self.judged(&tenant, &filter, &token, waiting).await?;
        let selection = count.select(self.fleets.sources(), &wanted).await?;
        let counted = count.read();
        let within = counted.within(&selection, counted.reached(&selection));
        let asked = PartsAsked {
            tenant: &tenant,
            part,
            path: asked_path.unwrap_or(Path::Path1),
            within: within.as_ref(),
            after: after.as_deref(),
            page_size,
        };
        let (parts, ended) = summaries(&counted.index, &asked);
        let next_page_token =
            ended.map(|ended| PageToken::encode(SUMMARIES, bound, &ended)).unwrap_or_default();
        Ok(v1::ListFleetSummariesResponse {
            summaries: parts.iter().map(summary).collect(),
            next_page_token,
            evaluated_at: Some(time::to_proto(counted.counted_at)),
            consistency_token: counted.world(&selection).to_string(),
        })
    }

    async fn listing(
        &self,
        request: v1::ListSummaryDevicesRequest,
        waiting: Duration,
    ) -> Result<v1::ListSummaryDevicesResponse, Failure> {
        let tenant = TenantName::parse("parent", &request.parent)?;
        let is_own = matches!(request.number, Some(Asked::CustomRule(_) | Asked::CustomVerdict(_)));
        let basis = match is_own {
            true => self.sources.basis(tenant.id()).await?,
            false => Arc::default(),
        };
        let number = number(&request, &basis.rules)?;
        let page_size = page_size(request.page_size)?;
        let mut token = ConsistencyToken::parse(&request.consistency_token)?;
        if is_own {
            // Of those rules every device has been asked then.
            token = token.merge(&basis.world());
        }
        let filter = request.filter.clone().unwrap_or_default();
        let wanted = Wanted::of(&tenant, &filter)?;
        let list = v1::ListSummaryDevicesRequest {
            page_size: 0,
            page_token: String::new(),
            consistency_token: String::new(),
            ..request.clone()
        };
        let bound = fingerprint(&[&list.encode_to_vec()]);
        let after: Option<String> = PageToken::decode(&request.page_token, DEVICES, bound)?;
        let count = self.judged(&tenant, &filter, &token, waiting).await?;
        let selection = count.select(self.fleets.sources(), &wanted).await?;
        let counted = count.read();
        let within = counted.within(&selection, counted.reached(&selection));
        // A rule that changed meanwhile is counted in another state already, of some devices.
        if let Number::Custom(revision, _) = number {
            let of_rule = |of: &Number| {
                matches!(of, Number::Devices) || matches!(of, Number::Custom(at, _) if *at == revision)
            };
            let numbers = counted.index.numbers_of(within.as_ref(), of_rule);
            let counts = CustomCounts::of(Arc::clone(&basis.rules), &numbers);
            if counts.rules().any(|(rule, _, pending)| rule.revision == revision && pending > 0) {
                return Err(Failure::NotYetConsistent { asked: basis.mark().revision, seen: revision });
            }
        }
        let page = counted.index.page(&number, within.as_ref(), after.as_deref(), page_size);
        // A number that never counted a device counts none.
        let page = page.unwrap_or(Page { devices: Vec::new(), total: 0, more: false });
        let last = page.devices.last().filter(|_| page.more);
        let next_page_token =
            last.map(|last| PageToken::encode(DEVICES, bound, &last.device.as_ref())).unwrap_or_default();
        let devices = page.devices.into_iter().map(|listed| v1::SummaryDevice {
            device: format!("{tenant}/devices/{}", listed.device),
            display_name: listed.display_name,
        });
        Ok(v1::ListSummaryDevicesResponse {
            devices: devices.collect(),
            total: page.total,
            next_page_token,
            consistency_token: counted.world(&selection).to_string(),
        })
    }

    /// What is kept of a tenant's fleet, which is kept from now on, at least of the world of the token.
    async fn judged(
        &self,
        tenant: &TenantName,
        filter: &DeviceFilter,
        token: &ConsistencyToken,
        waiting: Duration,
    ) -> Result<Arc<TenantCount<Number>>, Failure> {
        let id = request::tenant("parent", tenant.as_str())?;
        self.world_of_fleet(&id, Some(filter), token).await?;
        let count = self.fleets.count(tenant).await?;
        let Err(failure) = count.covers(token, waiting).await else { return Ok(count) };
        // A world that is not there yet is one thing, a fleet that was never judged another.
        let Counting { covered, run, last_error, .. } = count.counting();
        Err(match covered {
            Some(_) => failure,
            None => Failure::FleetNotCounted { devices: run.map_or(0, |run| run.judged), why: last_error },
        })
    }
}

fn evaluation(counting: Counting) -> v1::FleetEvaluation {
    let Counting { covered, devices, pending, run, lag, last_error } = counting;
    v1::FleetEvaluation {
        devices,
        pending,
        complete: covered.is_some(),
        run: run.map(evaluation_run),
        // A lag is some milliseconds to an outage.
        lag: prost_types::Duration::try_from(lag).ok(),
        problem: last_error.unwrap_or_default(),
    }
}

fn evaluation_run(run: Run) -> v1::EvaluationRun {
    let cause = match run.cause {
        Cause::Snapshot => v1::EvaluationCause::Snapshot,
        Cause::Tenant => v1::EvaluationCause::Tenant,
        Cause::Hierarchies => v1::EvaluationCause::Hierarchies,
        Cause::Own => v1::EvaluationCause::Own,
    };
    v1::EvaluationRun {
        cause: cause.into(),
        began_at: Some(time::to_proto(run.began_at)),
        ended_at: run.ended_at.map(time::to_proto),
        judged: run.judged,
        total: run.total,
    }
}

fn summary(part: &PartSummary) -> v1::FleetSummary {
    let answer = convert::fleet(&part.summary, String::new());
    v1::FleetSummary {
        part: part.name.clone(),
        path: convert::path(part.path).into(),
        devices: answer.devices,
        verdicts: answer.verdicts,
        eligibility: answer.eligibility,
        rules: answer.rules.into_iter().take(NAMED_RULES).collect(),
    }
}

/// By what a fleet is taken apart.
fn fleet_part(number: i32) -> Result<FleetPart, Failure> {
    match v1::FleetPart::try_from(number) {
        Ok(v1::FleetPart::Hierarchy) => Ok(FleetPart::Hierarchy),
        Ok(v1::FleetPart::Site) => Ok(FleetPart::Site),
        Ok(v1::FleetPart::Collection) => Ok(FleetPart::Collection),
        Ok(v1::FleetPart::Path) => Ok(FleetPart::Path),
        Ok(v1::FleetPart::Unspecified) => {
            Err(Failure::field("part", "must be set: hierarchy, site, collection or path"))
        }
        Err(_) => Err(request::unknown("part", number)),
    }
}

/// The number that a request names.
fn number(request: &v1::ListSummaryDevicesRequest, rules: &EnabledRules) -> Result<Number, Failure> {
    let path = request::path("path", request.path)?.unwrap_or(Path::Path1);
    match &request.number {
        None => Ok(Number::Devices),
        Some(Asked::Rule(rule)) => rule_number(path, rule),
        Some(Asked::Verdict(number)) => {
            let of = asked("verdict", *number, Verdict::ALL, |of| convert::verdict(of).into())?;
            Ok(Number::Verdict(path, of))
        }
        Some(Asked::Eligibility(number)) => {
            let of = asked("eligibility", *number, Eligibility::ALL, |of| convert::eligibility(of).into())?;
            Ok(Number::Eligibility(of))
        }
        Some(Asked::Benefit(v1::BenefitNumber { benefit, reach })) => {
            let benefit =
                asked("benefit.benefit", *benefit, Benefit::ALL, |of| convert::whole::benefit(of).into())?;
            let reach = asked("benefit.reach", *reach, Reach::ALL, |of| convert::whole::reach(of).into())?;
            Ok(Number::Benefit(benefit, reach))
        }
        Some(Asked::Concern(number)) => {
            let of =
                asked("concern", *number, ConcernKind::ALL, |of| convert::whole::concern_kind(of).into())?;
            Ok(Number::Concern(of))
        }
        Some(Asked::EnrollmentError(0)) => {
            Err(Failure::field("enrollment_error", "must not be 0, which is success"))
        }
        Some(Asked::EnrollmentError(code)) => Ok(Number::EnrollmentResult(*code)),
        Some(Asked::EligibleUnverified(true)) => Ok(Number::EligibleUnverified),
        Some(Asked::EligibleUnverified(false)) => Err(Failure::field("eligible_unverified", "must be true")),
        Some(Asked::CustomRule(asked)) => custom_number(asked, rules),
        Some(Asked::CustomVerdict(number)) => {
            let amounts_to = [Verdict::Ready, Verdict::Blocked, Verdict::Unknown];
            let of = asked("custom_verdict", *number, amounts_to, |of| convert::verdict(of).into())?;
            Ok(Number::CustomVerdict(of))
        }
    }
}

fn custom_number(asked: &v1::CustomRuleNumber, rules: &EnabledRules) -> Result<Number, Failure> {
    let Some(rule) = rules.rules.iter().find(|rule| rule.name == asked.rule) else {
        let found: String = asked.rule.chars().take(MOST_SHOWN).collect();
        let expected = format!("must name a rule of the tenant's own that is enabled; found `{found}`");
        return Err(Failure::field("custom_rule.rule", expected));
    };
    let outcome = match v1::CustomOutcome::try_from(asked.outcome) {
        Ok(v1::CustomOutcome::Unspecified | v1::CustomOutcome::Unsatisfied) => CustomOutcomeKind::Unsatisfied,
        Ok(v1::CustomOutcome::Satisfied) => CustomOutcomeKind::Satisfied,
        Ok(v1::CustomOutcome::Unknown) => CustomOutcomeKind::Unknown,
        Ok(v1::CustomOutcome::Failed) => CustomOutcomeKind::Failed,
        Err(_) => return Err(request::unknown("custom_rule.outcome", asked.outcome)),
    };
    Ok(Number::Custom(rule.revision, outcome))
}

/// The value of an enumeration that a number means.
fn asked<T: Copy, const N: usize>(
    field: &str,
    number: i32,
    all: [T; N],
    to: impl Fn(T) -> i32,
) -> Result<T, Failure> {
    match all.into_iter().find(|of| to(*of) == number) {
        Some(found) => Ok(found),
        None if number == 0 => Err(Failure::field(field, "must be set")),
        None => Err(request::unknown(field, number)),
    }
}

/// The longest rule id that is repeated in an error, in characters.
const MOST_SHOWN: usize = 80;

fn rule_number(path: Path, asked: &v1::RuleNumber) -> Result<Number, Failure> {
    let on = DeviceRule::on(path);
    let place = on.iter().position(|rule| rule.id() == asked.rule);
    let Some((place, rule)) = place.map(|place| (place, on[place])) else {
        let found: String = asked.rule.chars().take(MOST_SHOWN).collect();
        let expected = format!("must be a rule of scope device on {}; found `{found}`", path.id());
        return Err(Failure::field("rule.rule", expected));
    };
    match (v1::Outcome::try_from(asked.outcome), asked.alone) {
        (Ok(v1::Outcome::Unspecified | v1::Outcome::Unsatisfied), false) => {
            Ok(Number::Unsatisfied(path, rule))
        }
        (Ok(v1::Outcome::Unspecified | v1::Outcome::Unsatisfied), true)
            if rule.rule().severity == Severity::Blocking =>
        {
            Ok(Number::StoppedBy(path, 1 << place))
        }
        (Ok(v1::Outcome::Unspecified | v1::Outcome::Unsatisfied), true) => {
            Err(Failure::field("rule.alone", format!("must be unset: {} only warns", rule.id())))
        }
        (Ok(v1::Outcome::Unknown), false) => Ok(Number::Unknown(path, rule)),
        (Ok(v1::Outcome::Unknown), true) => {
            Err(Failure::field("rule.alone", "must be unset with an outcome other than unsatisfied"))
        }
        (Ok(v1::Outcome::Satisfied | v1::Outcome::NotApplicable), _) => {
            Err(Failure::field("rule.outcome", "must be unsatisfied or unknown: others are not kept"))
        }
        (Err(_), _) => Err(request::unknown("rule.outcome", asked.outcome)),
    }
}
