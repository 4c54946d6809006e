//! The words that people write and read, as `docs/assessment.md` lists them, to and from the contracts' numbers.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use prost_reflect::{FieldDescriptor, Kind};
use tandem_contracts::authority::v1 as authority;
use tandem_contracts::convert::{Enumerated, enum_optional, time};
use tandem_contracts::monitoring::v1::Tile;
use tandem_contracts::prerequisites::v1 as prerequisites;
use tandem_contracts::prerequisites::v1::{Path, Scope};
use tandem_contracts::r#type::v1::AuditKind;
use tandem_domain::facts::{JoinType, OsKind};
use tandem_domain::identity::KeyKind;
use tandem_domain::section::SourceKind;
use tandem_domain::state::ManagementState;
use tandem_domain::workload::Workload;

/// Shown where nothing was said.
pub(crate) const NOTHING: &str = "–";

/// Shown for a number that this release does not know: a newer server's word.
const NEWER: &str = "unknown";

/// Ways into co-management.
pub(crate) const PATHS: [(&str, Path); 5] = [
    ("path1", Path::Path1),
    ("path2", Path::Path2),
    ("autopilot", Path::Autopilot),
    ("coexistence", Path::Coexistence),
    ("autopatch", Path::Autopatch),
];

/// What rules are about.
pub(crate) const SCOPES: [(&str, Scope); 5] = [
    ("tenant", Scope::Tenant),
    ("site", Scope::Site),
    ("device", Scope::Device),
    ("user", Scope::User),
    ("action", Scope::Action),
];

/// What findings amount to.
const VERDICTS: [(&str, prerequisites::Verdict); 4] = [
    ("ready", prerequisites::Verdict::Ready),
    ("blocked", prerequisites::Verdict::Blocked),
    ("unknown", prerequisites::Verdict::Unknown),
    ("not_applicable", prerequisites::Verdict::NotApplicable),
];

/// What co-management unlocks.
const BENEFITS: [(&str, prerequisites::Benefit); 7] = [
    ("conditional_access", prerequisites::Benefit::ConditionalAccess),
    ("remote_actions", prerequisites::Benefit::RemoteActions),
    ("client_health", prerequisites::Benefit::ClientHealth),
    ("entra_link", prerequisites::Benefit::EntraLink),
    ("autopilot", prerequisites::Benefit::Autopilot),
    ("endpoint_analytics", prerequisites::Benefit::EndpointAnalytics),
    ("autopatch", prerequisites::Benefit::Autopatch),
];

/// How far a benefit is.
const REACHES: [(&str, prerequisites::BenefitReach); 4] = [
    ("unlocked", prerequisites::BenefitReach::Unlocked),
    ("one_step_away", prerequisites::BenefitReach::OneStepAway),
    ("locked", prerequisites::BenefitReach::Locked),
    ("unknown", prerequisites::BenefitReach::Unknown),
];

/// Kinds of findings beside the rules.
const CONCERNS: [(&str, prerequisites::ConcernKind); 8] = [
    ("registered_only", prerequisites::ConcernKind::RegisteredOnly),
    ("registration_key_conflict", prerequisites::ConcernKind::RegistrationKeyConflict),
    ("registration_approval_pending", prerequisites::ConcernKind::RegistrationApprovalPending),
    ("leaving", prerequisites::ConcernKind::Leaving),
    ("several_hierarchies", prerequisites::ConcernKind::SeveralHierarchies),
    ("twins", prerequisites::ConcernKind::Twins),
    ("enrollment_conflict", prerequisites::ConcernKind::EnrollmentConflict),
    ("mdm_blocked", prerequisites::ConcernKind::MdmBlocked),
];

/// By what a fleet is taken apart.
const FLEET_PARTS: [(&str, prerequisites::FleetPart); 4] = [
    ("hierarchy", prerequisites::FleetPart::Hierarchy),
    ("site", prerequisites::FleetPart::Site),
    ("collection", prerequisites::FleetPart::Collection),
    ("path", prerequisites::FleetPart::Path),
];

/// Tiles of the dashboard, in its order.
pub(crate) const TILES: [(&str, Tile); 18] = [
    ("devices", Tile::Devices),
    ("state", Tile::State),
    ("co_managed", Tile::CoManaged),
    ("eligibility", Tile::Eligibility),
    ("os_group", Tile::OsGroup),
    ("os_version", Tile::OsVersion),
    ("funnel_exclusive", Tile::FunnelExclusive),
    ("funnel_cumulative", Tile::FunnelCumulative),
    ("enrollment_status", Tile::EnrollmentStatus),
    ("enrollment_error", Tile::EnrollmentError),
    ("workload_transition", Tile::WorkloadTransition),
    ("workload_reported", Tile::WorkloadReported),
    ("authority", Tile::Authority),
    ("authority_reason", Tile::AuthorityReason),
    ("drift", Tile::Drift),
    ("blocker", Tile::Blocker),
    ("verdict", Tile::Verdict),
    ("attention", Tile::Attention),
];

/// Where rollouts stand.
pub(crate) const ROLLOUT_PHASES: [(&str, authority::RolloutPhase); 10] = [
    ("draft", authority::RolloutPhase::Draft),
    ("pending_approval", authority::RolloutPhase::PendingApproval),
    ("ready", authority::RolloutPhase::Ready),
    ("running", authority::RolloutPhase::Running),
    ("paused", authority::RolloutPhase::Paused),
    ("rolling_back", authority::RolloutPhase::RollingBack),
    ("completed", authority::RolloutPhase::Completed),
    ("failed", authority::RolloutPhase::Failed),
    ("rolled_back", authority::RolloutPhase::RolledBack),
    ("cancelled", authority::RolloutPhase::Cancelled),
];

/// What is to be thought of devices of a rollout.
pub(crate) const STANDINGS: [(&str, authority::DeviceStanding); 10] = [
    ("chosen", authority::DeviceStanding::Chosen),
    ("skipped_already_there", authority::DeviceStanding::SkippedAlreadyThere),
    ("skipped_not_co_managed", authority::DeviceStanding::SkippedNotCoManaged),
    ("skipped_gone", authority::DeviceStanding::SkippedGone),
    ("excluded", authority::DeviceStanding::Excluded),
    ("pending", authority::DeviceStanding::Pending),
    ("at_target", authority::DeviceStanding::AtTarget),
    ("failing_errored", authority::DeviceStanding::FailingErrored),
    ("failing_drifted", authority::DeviceStanding::FailingDrifted),
    ("failing_silent", authority::DeviceStanding::FailingSilent),
];

/// Every join type; the domain has no list of its own.
const JOIN_TYPES: [JoinType; 4] =
    [JoinType::None, JoinType::EntraJoined, JoinType::EntraRegistered, JoinType::HybridJoined];

/// Management states on the command line.
pub(crate) fn states() -> impl TypedValueParser<Value = ManagementState> {
    one_of(ManagementState::ALL.map(|state| (state.id(), state)))
}

/// Join types on the command line: Graph's names.
pub(crate) fn join_types() -> impl TypedValueParser<Value = JoinType> {
    one_of(JOIN_TYPES.map(|join| (join.id(), join)))
}

/// Kinds of system on the command line.
pub(crate) fn os_kinds() -> impl TypedValueParser<Value = OsKind> {
    one_of([("client", OsKind::Client), ("server", OsKind::Server), ("other", OsKind::Other)])
}

/// Kinds of records of the audit log on the command line.
pub(crate) fn audit_kinds() -> impl TypedValueParser<Value = AuditKind> {
    one_of([("read", AuditKind::Read), ("write", AuditKind::Write), ("refusal", AuditKind::Refusal)])
}

/// Kinds of keys on the command line.
pub(crate) fn key_kinds() -> impl TypedValueParser<Value = KeyKind> {
    one_of(KeyKind::ALL.map(|kind| (kind.id(), kind)))
}

/// Workloads on the command line.
pub(crate) fn workloads() -> impl TypedValueParser<Value = Workload> {
    one_of(Workload::ALL.map(|workload| (workload.id(), workload)))
}

/// Answers on the command line.
pub(crate) fn answers() -> impl TypedValueParser<Value = bool> {
    one_of([("yes", true), ("no", false)])
}

/// Paths on the command line.
pub(crate) fn paths() -> impl TypedValueParser<Value = Path> {
    one_of(PATHS)
}

/// Scopes on the command line.
pub(crate) fn scopes() -> impl TypedValueParser<Value = Scope> {
    one_of(SCOPES)
}

/// Verdicts on the command line.
pub(crate) fn verdicts() -> impl TypedValueParser<Value = prerequisites::Verdict> {
    one_of(VERDICTS)
}

/// Eligibilities on the command line: Graph's names, and `unknown`.
pub(crate) fn eligibilities() -> impl TypedValueParser<Value = prerequisites::Eligibility> {
    use prerequisites::Eligibility as E;
    let all = [
        E::Comanaged,
        E::Eligible,
        E::EligibleButNotAzureAdJoined,
        E::NeedsOsUpdate,
        E::Ineligible,
        E::ScheduledForEnrollment,
        E::Unknown,
    ];
    one_of(all.map(|of| (eligibility(of.into()), of)))
}

/// Benefits on the command line.
pub(crate) fn benefits() -> impl TypedValueParser<Value = prerequisites::Benefit> {
    one_of(BENEFITS)
}

/// How far benefits are, on the command line.
pub(crate) fn reaches() -> impl TypedValueParser<Value = prerequisites::BenefitReach> {
    one_of(REACHES)
}

/// Kinds of findings beside the rules, on the command line.
pub(crate) fn concerns() -> impl TypedValueParser<Value = prerequisites::ConcernKind> {
    one_of(CONCERNS)
}

/// By what to take a fleet apart, on the command line.
pub(crate) fn fleet_parts() -> impl TypedValueParser<Value = prerequisites::FleetPart> {
    one_of(FLEET_PARTS)
}

/// Kinds of sources on the command line.
pub(crate) fn source_kinds() -> impl TypedValueParser<Value = SourceKind> {
    one_of(SourceKind::ALL.map(|kind| (kind.id(), kind)))
}

/// How much a rule of one's own weighs, on the command line.
pub(crate) fn severities() -> impl TypedValueParser<Value = prerequisites::Severity> {
    use prerequisites::Severity::{Blocking, Warning};
    one_of([("blocking", Blocking), ("warning", Warning)])
}

/// What came of a rule of one's own, on the command line.
pub(crate) fn custom_outcomes() -> impl TypedValueParser<Value = prerequisites::CustomOutcome> {
    use prerequisites::CustomOutcome::{Failed, Satisfied, Unknown, Unsatisfied};
    one_of([("satisfied", Satisfied), ("unsatisfied", Unsatisfied), ("unknown", Unknown), ("failed", Failed)])
}

/// Multifactor authentication of one user, on the command line.
pub(crate) fn per_user_mfa() -> impl TypedValueParser<Value = prerequisites::PerUserMfa> {
    use prerequisites::PerUserMfa::{Disabled, Enabled, Enforced};
    one_of([("disabled", Disabled), ("enabled", Enabled), ("enforced", Enforced)])
}

/// Tiles on the command line.
pub(crate) fn tiles() -> impl TypedValueParser<Value = Tile> {
    one_of(TILES)
}

/// Phases of rollouts on the command line.
pub(crate) fn rollout_phases() -> impl TypedValueParser<Value = authority::RolloutPhase> {
    one_of(ROLLOUT_PHASES)
}

/// Standings of devices on the command line.
pub(crate) fn standings() -> impl TypedValueParser<Value = authority::DeviceStanding> {
    one_of(STANDINGS)
}

/// Accepts one of these words, which help and completions list.
fn one_of<W, const N: usize>(words: [(&'static str, W); N]) -> impl TypedValueParser<Value = W>
where
    W: Copy + Send + Sync + 'static,
{
    PossibleValuesParser::new(words.map(|(word, _)| word)).try_map(move |found: String| {
        let meant = words.iter().find(|(word, _)| *word == found);
        meant.map(|(_, meaning)| *meaning).ok_or("expected one of the words that the help lists")
    })
}

/// The word of a shared enumeration's number.
pub(crate) fn word<E: Enumerated>(number: i32, id: impl Fn(E) -> &'static str) -> &'static str {
    match enum_optional::<E>("", number) {
        Ok(Some(value)) => id(value),
        Ok(None) => NOTHING,
        Err(_) => NEWER,
    }
}

/// A name of the contract as a word: `VERDICT_NOT_APPLICABLE` is `not_applicable`.
pub(crate) fn lowered(name: &str, prefix: &str) -> String {
    match name.strip_prefix(prefix).unwrap_or(name) {
        "UNSPECIFIED" => NOTHING.to_owned(),
        word => word.to_ascii_lowercase(),
    }
}

/// The word of any enumeration of the contracts, found by reflection.
pub(crate) fn enumeration(field: &FieldDescriptor, number: i32) -> String {
    let Kind::Enum(kind) = field.kind() else { return number.to_string() };
    if kind.name() == "JoinType" {
        return word(number, JoinType::id).to_owned();
    }
    let unspecified = kind.default_value();
    let prefix = unspecified.name().trim_end_matches("UNSPECIFIED");
    kind.get_value(number).map_or_else(|| number.to_string(), |word| lowered(word.name(), prefix))
}

macro_rules! own_words {
    ($($(#[$doc:meta])* $name:ident: $word:ty, $prefix:literal;)*) => {$(
        $(#[$doc])*
        pub(crate) fn $name(number: i32) -> String {
            <$word>::try_from(number).map_or_else(|_| NEWER.to_owned(), |word| lowered(word.as_str_name(), $prefix))
        }
    )*}
}

own_words! {
    /// A path.
    path: prerequisites::Path, "PATH_";
    /// What a rule is about.
    scope: prerequisites::Scope, "SCOPE_";
    /// How much a rule weighs.
    severity: prerequisites::Severity, "SEVERITY_";
    /// Whether a rule holds.
    outcome: prerequisites::Outcome, "OUTCOME_";
    /// What came of a rule of one's own.
    custom_outcome: prerequisites::CustomOutcome, "CUSTOM_OUTCOME_";
    /// What findings amount to.
    verdict: prerequisites::Verdict, "VERDICT_";
    /// A benefit.
    benefit: prerequisites::Benefit, "BENEFIT_";
    /// How far a benefit is.
    benefit_reach: prerequisites::BenefitReach, "BENEFIT_REACH_";
    /// A kind of finding beside the rules.
    concern_kind: prerequisites::ConcernKind, "CONCERN_KIND_";
    /// Why many devices are judged at once.
    evaluation_cause: prerequisites::EvaluationCause, "EVALUATION_CAUSE_";
    /// What leaves support.
    support_kind: prerequisites::SupportKind, "SUPPORT_KIND_";
    /// Whether somebody may do something.
    person_standing: prerequisites::Standing, "STANDING_";
    /// How encryption stands.
    encryption: authority::Encryption, "ENCRYPTION_";
    /// A layout of capability values.
    layout: authority::CapabilityLayout, "CAPABILITY_LAYOUT_";
    /// What became of a request for approval.
    approval_state: authority::ApprovalState, "APPROVAL_STATE_";
    /// Where a rollout stands.
    rollout_phase: authority::RolloutPhase, "ROLLOUT_PHASE_";
    /// Which manager a rollout moves its workload to.
    rollout_direction: authority::RolloutDirection, "ROLLOUT_DIRECTION_TO_";
    /// What a failed wave does.
    on_wave_failure: authority::OnWaveFailure, "ON_WAVE_FAILURE_";
    /// What becomes of devices that come late.
    late_joiners: authority::LateJoiners, "LATE_JOINERS_";
    /// Where a wave stands.
    wave_phase: authority::RolloutWavePhase, "ROLLOUT_WAVE_PHASE_";
    /// What is to be thought of a device of a rollout.
    standing: authority::DeviceStanding, "DEVICE_STANDING_";
    /// Where a way out stands.
    decommission_state: authority::DecommissionState, "DECOMMISSION_STATE_";
    /// A tile of the dashboard.
    tile: Tile, "TILE_";
}

/// An eligibility, in Graph's spelling as everywhere in Tandem's outputs.
pub(crate) fn eligibility(number: i32) -> &'static str {
    use tandem_contracts::prerequisites::v1::Eligibility as Contract;
    use tandem_domain::state::Eligibility;
    let known = match Contract::try_from(number) {
        Ok(Contract::Unspecified) => return NOTHING,
        Ok(Contract::Comanaged) => Eligibility::CoManaged,
        Ok(Contract::Eligible) => Eligibility::Eligible,
        Ok(Contract::EligibleButNotAzureAdJoined) => Eligibility::EligibleButNotAzureAdJoined,
        Ok(Contract::NeedsOsUpdate) => Eligibility::NeedsOsUpdate,
        Ok(Contract::Ineligible) => Eligibility::Ineligible,
        Ok(Contract::ScheduledForEnrollment) => Eligibility::ScheduledForEnrollment,
        Ok(Contract::Unknown) | Err(_) => Eligibility::Unknown,
    };
    known.id()
}

/// A text, or the sign for none.
pub(crate) fn text(said: &str) -> String {
    if said.is_empty() { NOTHING.to_owned() } else { said.to_owned() }
}

/// A yes or a no.
pub(crate) fn yes_no(holds: bool) -> String {
    if holds { "yes" } else { "no" }.to_owned()
}

/// A point in time, in UTC.
pub(crate) fn moment(said: Option<prost_types::Timestamp>) -> String {
    let said = said.and_then(|said| time::from_proto("", said).ok());
    said.map_or_else(|| NOTHING.to_owned(), |said| said.to_string())
}

/// The last part of a resource name: the device's id of `tenants/{t}/devices/{d}`.
pub(crate) fn last_part(name: &str) -> String {
    name.rsplit('/').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse<P: TypedValueParser>(parser: &P, text: &str) -> Option<P::Value> {
        parser.parse_ref(&clap::Command::new("tandem"), None, text.as_ref()).ok()
    }

    #[test]
    fn words_of_the_assessment_are_read() {
        assert_eq!(
            parse(&states(), "enrolled_not_provisioned"),
            Some(ManagementState::EnrolledNotProvisioned)
        );
        assert_eq!(parse(&join_types(), "hybridAzureADJoined"), Some(JoinType::HybridJoined));
        assert_eq!(parse(&key_kinds(), "sms_client_id"), Some(KeyKind::SmsClientId));
        assert_eq!(parse(&workloads(), "client_apps"), Some(Workload::ClientApps));
        assert_eq!((parse(&answers(), "yes"), parse(&answers(), "no")), (Some(true), Some(false)));
        assert_eq!(parse(&paths(), "path2"), Some(Path::Path2));
        assert_eq!(parse(&scopes(), "device"), Some(Scope::Device));
        assert_eq!(parse(&tiles(), "os_group"), Some(Tile::OsGroup));
    }

    #[test]
    fn word_that_is_not_listed_is_refused() {
        assert_eq!(parse(&states(), "comanaged"), None);
        assert_eq!(parse(&workloads(), "CLIENT_APPS"), None);
        assert_eq!(parse(&tiles(), ""), None);
    }

    #[test]
    fn words_that_are_read_are_the_words_that_are_shown() {
        for (word, value) in PATHS {
            assert_eq!(path(value.into()), word);
        }
        for (word, value) in SCOPES {
            assert_eq!(scope(value.into()), word);
        }
        for (word, value) in TILES {
            assert_eq!(tile(value.into()), word);
        }
        for (word, value) in ROLLOUT_PHASES {
            assert_eq!(rollout_phase(value.into()), word);
        }
        for (word, value) in STANDINGS {
            assert_eq!(standing(value.into()), word);
        }
        for (word, value) in VERDICTS {
            assert_eq!(verdict(value.into()), word);
        }
        for (word, value) in BENEFITS {
            assert_eq!(benefit(value.into()), word);
        }
        for (word, value) in REACHES {
            assert_eq!(benefit_reach(value.into()), word);
        }
        for (word, value) in CONCERNS {
            assert_eq!(concern_kind(value.into()), word);
        }
    }

    #[test]
    fn every_tile_of_the_contract_has_a_word() {
        let known = (1..).map_while(|number| Tile::try_from(number).ok()).collect::<Vec<_>>();
        assert_eq!(TILES.map(|(_, tile)| tile).to_vec(), known);
    }

    #[test]
    fn every_phase_and_standing_of_the_contract_has_a_word() {
        let known: Vec<_> =
            (1..).map_while(|number| authority::RolloutPhase::try_from(number).ok()).collect();
        assert_eq!(ROLLOUT_PHASES.map(|(_, phase)| phase).to_vec(), known);
        let known: Vec<_> =
            (1..).map_while(|number| authority::DeviceStanding::try_from(number).ok()).collect();
        assert_eq!(STANDINGS.map(|(_, standing)| standing).to_vec(), known);
    }

    #[test]
    fn number_without_a_word_is_shown_as_nothing_or_unknown() {
        assert_eq!(word(0, ManagementState::id), "–");
        assert_eq!(word(3, ManagementState::id), "co_managed");
        assert_eq!(word(99, ManagementState::id), "unknown");
        assert_eq!(verdict(0), "–");
        assert_eq!(verdict(4), "not_applicable");
        assert_eq!(verdict(99), "unknown");
        assert_eq!(eligibility(3), "eligibleButNotAzureAdJoined");
    }

    #[test]
    fn moment_is_shown_in_utc() {
        let noon = prost_types::Timestamp { seconds: 1_763_640_000, nanos: 0 };
        assert_eq!(moment(Some(noon)), "2025-11-20T12:00:00Z");
        assert_eq!(moment(None), "–");
    }
}
