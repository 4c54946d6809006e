//! What the whole view adds: evidence, the way into co-management, benefits, findings beside the rules.

use jiff::SignedDuration;
use tandem_contracts::convert::{facts, number, time};
use tandem_contracts::prerequisites::v1;
use tandem_domain::benefit::{Benefit, BenefitReport, Need, Reach};
use tandem_domain::concern::{Concern, ConcernKind};
use tandem_domain::enrollment;
use tandem_domain::facts::DeviceFacts;
use tandem_domain::journey::{Journey, REMOTE_SYSTEMS, Step};
use tandem_domain::policy::{CoManagementPolicy, Surroundings};
use tandem_domain::prerequisites::{
    Evidence, MaximumAges, Outcome, Rule, Witness, device_evidence, rule, surroundings_evidence,
};
use tandem_domain::site::SiteFacts;
use tandem_domain::tenant::TenantFacts;

use super::{enrollment_error, path, severity};
use crate::judge::Whole;
use crate::summary::whole::{Mend, WholeSummary};

/// Adds to what was found about a device.
pub(crate) fn add_to_check(
    check: &mut v1::DeviceCheck,
    whole: &Whole,
    facts: &DeviceFacts,
    surroundings: &Surroundings<'_>,
    ages: &MaximumAges,
) {
    add_evidence(&mut check.paths, Some((facts, ages)), |rule| device_evidence(rule, facts, surroundings));
    check.journey = Some(journey(&whole.journey));
    check.benefits = whole.benefits.iter().map(benefit_report).collect();
    check.concerns = whole.concerns.iter().map(|of| concern(of, facts)).collect();
}

/// Adds to what was found about a tenant, or about a site under its policy.
pub(crate) fn add_of_surroundings(
    reports: &mut [v1::PathReport],
    tenant: &TenantFacts,
    site: Option<&SiteFacts>,
    policy: Option<&CoManagementPolicy>,
) {
    add_evidence(reports, None, |rule| surroundings_evidence(rule, tenant, site, policy));
}

/// Adds its evidence to each finding.
fn add_evidence(
    reports: &mut [v1::PathReport],
    facts: Option<(&DeviceFacts, &MaximumAges)>,
    of: impl Fn(&'static Rule) -> Vec<Evidence>,
) {
    for finding in reports.iter_mut().flat_map(|report| &mut report.findings) {
        let found = rule(&finding.rule).map(&of).unwrap_or_default();
        finding.evidence = found.into_iter().map(|of| evidence(of, facts)).collect();
    }
}

/// A fact that a rule read. The facts of the device say which source a section is of.
fn evidence(of: Evidence, facts: Option<(&DeviceFacts, &MaximumAges)>) -> v1::Evidence {
    let duration = |age: SignedDuration| prost_types::Duration { seconds: age.as_secs(), nanos: 0 };
    let message = v1::Evidence {
        fact: of.fact.to_owned(),
        maximum_age: of.maximum_age.map(duration),
        ..v1::Evidence::default()
    };
    let Some((value, witness)) = of.said else { return message };
    let (source, observed_at) = match witness {
        Witness::Section(section) => {
            let stamp =
                facts.and_then(|(facts, ages)| Some((facts.sections.get(usize::from(section))?, ages)));
            let Some((stamp, ages)) = stamp else { return v1::Evidence { value, ..message } };
            // The rule's own age, or that of the source: whichever is sooner.
            let maximum_age = [of.maximum_age, ages.of(&stamp.source)].into_iter().flatten().min();
            return v1::Evidence {
                value,
                source: stamp.source.to_string(),
                observed_at: Some(time::to_proto(stamp.observed_at)),
                maximum_age: maximum_age.map(duration),
                ..message
            };
        }
        Witness::Operator => ("operator".to_owned(), None),
        Witness::Unrecorded | Witness::Derived => (String::new(), None),
    };
    v1::Evidence { value, source, observed_at, ..message }
}

fn journey(of: &Journey) -> v1::Journey {
    v1::Journey {
        state: number(of.state),
        path: of.path.map_or(v1::Path::Unspecified, path).into(),
        because: of.because.to_owned(),
        gateway_needed: of.gateway.map(|gateway| gateway.needed),
        gateway_because: of.gateway.map_or_else(String::new, |gateway| gateway.because.to_owned()),
        note: REMOTE_SYSTEMS.to_owned(),
        steps: of.steps.iter().map(step).collect(),
    }
}

fn step(of: &Step) -> v1::Step {
    v1::Step {
        phase: of.phase.id().to_owned(),
        what: of.what.to_owned(),
        owner: of.owner.map_or_else(String::new, |area| area.id().to_owned()),
        severity: severity(of.severity).into(),
        rule: of.rule.map_or_else(String::new, |rule| rule.id.to_owned()),
        to_find_out: of.to_find_out.iter().map(ToString::to_string).collect(),
        makes_possible: of.makes_possible.to_owned(),
    }
}

/// The benefit in the contract.
pub(crate) const fn benefit(of: Benefit) -> v1::Benefit {
    match of {
        Benefit::ConditionalAccess => v1::Benefit::ConditionalAccess,
        Benefit::RemoteActions => v1::Benefit::RemoteActions,
        Benefit::ClientHealth => v1::Benefit::ClientHealth,
        Benefit::EntraLink => v1::Benefit::EntraLink,
        Benefit::Autopilot => v1::Benefit::Autopilot,
        Benefit::EndpointAnalytics => v1::Benefit::EndpointAnalytics,
        Benefit::Autopatch => v1::Benefit::Autopatch,
    }
}

/// How far a benefit is, in the contract.
pub(crate) const fn reach(of: Reach) -> v1::BenefitReach {
    match of {
        Reach::Unlocked => v1::BenefitReach::Unlocked,
        Reach::OneStepAway => v1::BenefitReach::OneStepAway,
        Reach::Locked => v1::BenefitReach::Locked,
        Reach::Unknown => v1::BenefitReach::Unknown,
    }
}

fn benefit_report(of: &BenefitReport) -> v1::BenefitReport {
    v1::BenefitReport {
        benefit: benefit(of.benefit).into(),
        reach: reach(of.reach()).into(),
        needs: of.needs.iter().map(need).collect(),
    }
}

fn need(of: &Need) -> v1::BenefitNeed {
    let message = v1::BenefitNeed { what: of.what.to_owned(), ..v1::BenefitNeed::default() };
    match &of.outcome {
        Outcome::Satisfied | Outcome::NotApplicable { .. } => {
            v1::BenefitNeed { outcome: v1::Outcome::Satisfied.into(), ..message }
        }
        Outcome::Unsatisfied { expected, found } => v1::BenefitNeed {
            outcome: v1::Outcome::Unsatisfied.into(),
            expected: expected.to_string(),
            found: found.to_string(),
            ..message
        },
        Outcome::Unknown { missing } => v1::BenefitNeed {
            outcome: v1::Outcome::Unknown.into(),
            missing_facts: missing.iter().map(ToString::to_string).collect(),
            ..message
        },
    }
}

/// The kind of finding in the contract.
pub(crate) const fn concern_kind(of: ConcernKind) -> v1::ConcernKind {
    match of {
        ConcernKind::RegisteredOnly => v1::ConcernKind::RegisteredOnly,
        ConcernKind::RegistrationKeyConflict => v1::ConcernKind::RegistrationKeyConflict,
        ConcernKind::RegistrationApprovalPending => v1::ConcernKind::RegistrationApprovalPending,
        ConcernKind::Leaving => v1::ConcernKind::Leaving,
        ConcernKind::SeveralHierarchies => v1::ConcernKind::SeveralHierarchies,
        ConcernKind::Twins => v1::ConcernKind::Twins,
        ConcernKind::EnrollmentConflict => v1::ConcernKind::EnrollmentConflict,
        ConcernKind::MdmBlocked => v1::ConcernKind::MdmBlocked,
    }
}

fn concern(of: &Concern, facts: &DeviceFacts) -> v1::Concern {
    let stamps = of.sections.iter().filter_map(|section| facts.sections.get(usize::from(*section)));
    v1::Concern {
        kind: concern_kind(of.kind).into(),
        seen: of.seen.clone(),
        r#where: stamps.map(|stamp| facts::stamp_to_proto(stamp, false)).collect(),
        remedy: of.kind.remedy().to_owned(),
    }
}

/// Adds to the counts of a fleet.
pub(crate) fn add_to_fleet(answer: &mut v1::SummarizeFleetResponse, whole: &WholeSummary) {
    answer.mends = whole.mends().iter().map(mend).collect();
    answer.benefits = Benefit::ALL.into_iter().map(|of| benefit_summary(of, whole)).collect();
    let concerns = whole.concerns();
    answer.concerns = concerns
        .map(|(kind, devices)| v1::ConcernCount { kind: concern_kind(kind).into(), devices })
        .collect();
    let (codes, others) = whole.enrollment_errors();
    answer.enrollment_errors = codes
        .into_iter()
        .map(|(code, devices)| v1::EnrollmentErrorCount {
            code,
            hex: enrollment::hex(code),
            devices,
            meaning: enrollment::lookup(code).map(enrollment_error),
        })
        .collect();
    answer.other_enrollment_errors = others;
}

fn mend(of: &Mend) -> v1::Mend {
    v1::Mend {
        rule: of.rule.id.to_owned(),
        remediation: of.rule.remediation.to_owned(),
        stops: of.stops,
        alone: of.alone,
        mended: of.mended,
    }
}

fn benefit_summary(of: Benefit, whole: &WholeSummary) -> v1::BenefitSummary {
    let devices = |reach| whole.benefit(of, reach);
    v1::BenefitSummary {
        benefit: benefit(of).into(),
        unlocked: devices(Reach::Unlocked),
        one_step_away: devices(Reach::OneStepAway),
        locked: devices(Reach::Locked),
        unknown: devices(Reach::Unknown),
    }
}
