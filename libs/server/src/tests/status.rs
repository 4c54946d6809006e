//! Every failure becomes the status that the contract publishes for it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tandem_contracts::r#type::v1::{ErrorReason, Permission};
use tonic::{Code, Status};
use tonic_types::{ErrorDetail, StatusExt};

use crate::failure::{Failure, FieldViolation};
use crate::status::reason_text;
use crate::trace::{CURRENT, Ongoing, TraceId};

/// A status taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sent {
    code: i32,
    message: String,
    reason: String,
    domain: String,
    metadata: BTreeMap<String, String>,
    fields: Vec<(String, String)>,
    unmet: Vec<(String, String, String)>,
    resource: Option<(String, String, String)>,
    retry: Option<Duration>,
}

fn sent(failure: Failure) -> Sent {
    taken_apart(&Status::from(failure))
}

pub(super) fn taken_apart(status: &Status) -> Sent {
    let mut sent =
        Sent { code: status.code() as i32, message: status.message().to_owned(), ..Default::default() };
    for detail in status.check_error_details_vec().unwrap() {
        match detail {
            ErrorDetail::ErrorInfo(info) => {
                sent.reason = info.reason;
                sent.domain = info.domain;
                sent.metadata = info.metadata.into_iter().collect();
            }
            ErrorDetail::BadRequest(bad) => {
                sent.fields = bad.field_violations.into_iter().map(|v| (v.field, v.description)).collect();
            }
            ErrorDetail::PreconditionFailure(failed) => {
                let unmet = failed.violations.into_iter();
                sent.unmet = unmet.map(|v| (v.r#type, v.subject, v.description)).collect();
            }
            ErrorDetail::ResourceInfo(r) => {
                sent.resource = Some((r.resource_type, r.resource_name, r.description));
            }
            ErrorDetail::RetryInfo(retry) => sent.retry = retry.retry_delay,
            other => panic!("unexpected detail {other:?}"),
        }
    }
    sent
}

impl Sent {
    /// What a request was answered, without the trace id that it has.
    pub(super) fn traced(status: &Status) -> Self {
        let mut sent = taken_apart(status);
        assert!(sent.metadata.remove("trace_id").is_some(), "{sent:?} has no trace");
        sent
    }

    /// What is expected of a request over a limit that others share.
    pub(super) fn refused(limit: &str, allowed: &str, retry: Duration) -> Self {
        let message =
            format!("the limit {limit} of this server is {allowed}, and is reached: try again later");
        let metadata = [("limit", limit), ("allowed", allowed)];
        of_retry(plain(Code::ResourceExhausted, "LIMIT_EXCEEDED", &message, &metadata), retry)
    }
}

/// What is expected of a failure, apart from the details that only some have.
pub(super) fn plain(code: Code, reason: &str, message: &str, metadata: &[(&str, &str)]) -> Sent {
    Sent {
        code: code as i32,
        message: message.into(),
        reason: reason.into(),
        domain: "tandem".into(),
        metadata: metadata.iter().map(|(key, fact)| ((*key).into(), (*fact).into())).collect(),
        ..Default::default()
    }
}

fn of_fields(mut sent: Sent, fields: &[(&str, &str)]) -> Sent {
    sent.fields = fields.iter().map(|(field, text)| ((*field).into(), (*text).into())).collect();
    sent
}

fn of_resource(mut sent: Sent, name: &str) -> Sent {
    sent.resource = Some(("tandem.inventory.v1.Tenant".into(), name.into(), sent.message.clone()));
    sent
}

fn of_unmet(mut sent: Sent, kind: &str, subject: &str) -> Sent {
    sent.unmet = vec![(kind.into(), subject.into(), sent.message.clone())];
    sent
}

fn of_retry(mut sent: Sent, after: Duration) -> Sent {
    sent.retry = Some(after);
    sent
}

fn bad_requests() -> Vec<(Failure, Sent)> {
    let page = "the page token is damaged, or belongs to another list or filter";
    let token = "the consistency token is damaged";
    let shape = "expected 0 to 1000, found 1001";
    vec![
        (
            Failure::field("page_size", shape),
            of_fields(
                plain(Code::InvalidArgument, "INVALID_FIELD", &format!("page_size: {shape}"), &[]),
                &[("page_size", shape)],
            ),
        ),
        (
            Failure::InvalidPageToken,
            of_fields(plain(Code::InvalidArgument, "INVALID_PAGE_TOKEN", page, &[]), &[("page_token", page)]),
        ),
        (
            Failure::InvalidConsistencyToken,
            of_fields(
                plain(Code::InvalidArgument, "INVALID_CONSISTENCY_TOKEN", token, &[]),
                &[("consistency_token", token)],
            ),
        ),
    ]
}

fn about_resources() -> Vec<(Failure, Sent)> {
    let (resource_type, name) = ("tandem.inventory.v1.Tenant", "tenants/contoso");
    vec![
        (
            Failure::NotFound { resource_type, name: name.into() },
            of_resource(
                plain(Code::NotFound, "RESOURCE_NOT_FOUND", "nothing is named `tenants/contoso`", &[]),
                name,
            ),
        ),
        (
            Failure::AlreadyExists { resource_type, name: name.into() },
            of_resource(
                plain(
                    Code::AlreadyExists,
                    "RESOURCE_ALREADY_EXISTS",
                    "`tenants/contoso` exists already",
                    &[],
                ),
                name,
            ),
        ),
        (
            Failure::EtagMismatch { name: name.into(), expected: "8".into(), found: "7".into() },
            of_unmet(
                plain(
                    Code::Aborted,
                    "ETAG_MISMATCH",
                    "`tenants/contoso` has changed: its etag is `8`, the request has `7`",
                    &[("name", name), ("expected", "8"), ("found", "7")],
                ),
                "ETAG",
                name,
            ),
        ),
        (
            Failure::FleetNotCounted { devices: 4000, why: Some("inventory does not answer".into()) },
            of_retry(
                plain(
                    Code::Unavailable,
                    "FLEET_NOT_COUNTED",
                    "the devices are still being counted, 4000 so far: inventory does not answer",
                    &[("devices", "4000"), ("why", "inventory does not answer")],
                ),
                Duration::from_secs(1),
            ),
        ),
        (
            Failure::InUse { name: name.into(), by: "tenants/contoso/devices/1".into() },
            of_unmet(
                plain(
                    Code::FailedPrecondition,
                    "RESOURCE_IN_USE",
                    "`tenants/contoso` is in use by tenants/contoso/devices/1",
                    &[("name", name), ("by", "tenants/contoso/devices/1")],
                ),
                "DEPENDANTS",
                name,
            ),
        ),
    ]
}

fn about_worlds() -> Vec<(Failure, Sent)> {
    let failed = Code::FailedPrecondition;
    vec![
        (
            Failure::RequestIdReused { request_id: "r-1".into() },
            of_unmet(
                plain(
                    failed,
                    "REQUEST_ID_REUSED",
                    "the request id `r-1` was used for a different request",
                    &[("request_id", "r-1")],
                ),
                "REQUEST_ID",
                "r-1",
            ),
        ),
        (
            Failure::IncarnationChanged,
            of_unmet(
                plain(
                    failed,
                    "INCARNATION_CHANGED",
                    "the database was restored since the token was given",
                    &[],
                ),
                "INCARNATION",
                "database",
            ),
        ),
        (
            Failure::RevisionTooOld { asked: 3, oldest: 40 },
            of_unmet(
                plain(
                    failed,
                    "REVISION_TOO_OLD",
                    "revision 3 is no longer kept: the oldest is 40",
                    &[("asked", "3"), ("oldest", "40")],
                ),
                "REVISION",
                "watch",
            ),
        ),
        (
            Failure::NotYetConsistent { asked: 90, seen: 88 },
            of_retry(
                plain(
                    Code::Unavailable,
                    "NOT_YET_CONSISTENT",
                    "revision 90 is not seen yet: the newest is 88",
                    &[("asked", "90"), ("seen", "88")],
                ),
                Duration::from_millis(100),
            ),
        ),
        (
            Failure::unavailable("inventory", "connection to 10.0.0.7 refused"),
            of_retry(
                plain(
                    Code::Unavailable,
                    "DEPENDENCY_UNAVAILABLE",
                    "inventory does not answer",
                    &[("dependency", "inventory")],
                ),
                Duration::from_secs(1),
            ),
        ),
    ]
}

fn about_callers() -> Vec<(Failure, Sent)> {
    let permission = "PERMISSION_TENANTS_WRITE";
    vec![
        (
            Failure::LimitExceeded { limit: "members_per_collection", allowed: 1000, found: 1001 },
            plain(
                Code::ResourceExhausted,
                "LIMIT_EXCEEDED",
                "the limit members_per_collection is 1000, found 1001",
                &[("limit", "members_per_collection"), ("allowed", "1000"), ("found", "1001")],
            ),
        ),
        (
            Failure::Refused { limit: "requests", allowed: 7, retry: Duration::from_millis(250) },
            Sent::refused("requests", "7", Duration::from_millis(250)),
        ),
        (
            Failure::PermissionDenied { permission: Permission::TenantsWrite },
            plain(
                Code::PermissionDenied,
                "PERMISSION_DENIED",
                "the caller lacks the permission PERMISSION_TENANTS_WRITE",
                &[("permission", permission)],
            ),
        ),
        (
            Failure::TenantDenied { tenant: "fabrikam".into() },
            plain(
                Code::PermissionDenied,
                "PERMISSION_DENIED",
                "the caller may not act in the tenant `fabrikam`",
                &[("tenant", "fabrikam")],
            ),
        ),
        (
            Failure::Unauthenticated("the access token has expired"),
            plain(
                Code::Unauthenticated,
                "UNAUTHENTICATED",
                "the call carries no credentials that this server accepts: the access token has expired",
                &[],
            ),
        ),
        (
            Failure::UnknownMethod,
            plain(
                Code::Unimplemented,
                "UNKNOWN_METHOD",
                "nothing is served under the path that was called",
                &[],
            ),
        ),
        (
            Failure::MalformedMessage,
            plain(
                Code::InvalidArgument,
                "MALFORMED_MESSAGE",
                "what was sent is not a message of the contract: expected protobuf as the method's request, uncompressed",
                &[],
            ),
        ),
        (
            Failure::MessageTooLarge { allowed: 1000 },
            plain(
                Code::ResourceExhausted,
                "LIMIT_EXCEEDED",
                "the message is larger than 1000 bytes: send less in one message",
                &[("limit", "message_bytes"), ("allowed", "1000")],
            ),
        ),
        (
            Failure::MessageTooSlow { allowed: 30 },
            plain(
                Code::ResourceExhausted,
                "LIMIT_EXCEEDED",
                "the message did not come within 30 s of its beginning: send less in one message",
                &[("limit", "message_seconds"), ("allowed", "30")],
            ),
        ),
        (
            Failure::UnknownEncoding,
            plain(
                Code::Unimplemented,
                "MALFORMED_MESSAGE",
                "the message is compressed in a way that this server does not take: send it uncompressed",
                &[],
            ),
        ),
        (
            Failure::DeadlineExceeded,
            plain(
                Code::DeadlineExceeded,
                "DEADLINE_EXCEEDED",
                "the deadline passed before the answer was ready",
                &[],
            ),
        ),
        (
            Failure::internal("password of the database is hunter2"),
            plain(Code::Internal, "INTERNAL", "internal error", &[]),
        ),
    ]
}

/// Rules of plans, approvals and rollouts: one failure says any of them.
fn about_rules() -> Vec<(Failure, Sent)> {
    let name = "tenants/contoso/hierarchies/PS1/plans/7";
    let description = "expected 3, found 4: make a new plan";
    let rules = [
        (ErrorReason::PlanHashMismatch, "PLAN_HASH_MISMATCH"),
        (ErrorReason::PlanBaseChanged, "PLAN_BASE_CHANGED"),
        (ErrorReason::PlanAlreadyApplied, "PLAN_ALREADY_APPLIED"),
        (ErrorReason::ApprovalsMissing, "APPROVALS_MISSING"),
        (ErrorReason::ApprovalExpired, "APPROVAL_EXPIRED"),
        (ErrorReason::ApprovalRejected, "APPROVAL_REJECTED"),
        (ErrorReason::SelfApproval, "SELF_APPROVAL"),
        (ErrorReason::AlreadyApproved, "ALREADY_APPROVED"),
        (ErrorReason::ApprovalPlanChanged, "APPROVAL_PLAN_CHANGED"),
        (ErrorReason::NoApprovalNeeded, "NO_APPROVAL_NEEDED"),
        (ErrorReason::ApprovalPending, "APPROVAL_PENDING"),
        (ErrorReason::ApprovalReasonMissing, "APPROVAL_REASON_MISSING"),
        (ErrorReason::RolloutCollectionUnknown, "ROLLOUT_COLLECTION_UNKNOWN"),
        (ErrorReason::RolloutWorkloadMoving, "ROLLOUT_WORKLOAD_MOVING"),
        (ErrorReason::RolloutCommandNotAllowed, "ROLLOUT_COMMAND_NOT_ALLOWED"),
        (ErrorReason::TenantFrozen, "TENANT_FROZEN"),
        (ErrorReason::TenantNotFrozen, "TENANT_NOT_FROZEN"),
        (ErrorReason::RolloutPlanChanged, "ROLLOUT_PLAN_CHANGED"),
        (ErrorReason::RolloutWaveNotCurrent, "ROLLOUT_WAVE_NOT_CURRENT"),
        (ErrorReason::RolloutWaveNotInconclusive, "ROLLOUT_WAVE_NOT_INCONCLUSIVE"),
        (ErrorReason::RolloutWaveCount, "ROLLOUT_WAVE_COUNT"),
        (ErrorReason::RolloutWaveEmpty, "ROLLOUT_WAVE_EMPTY"),
        (ErrorReason::RolloutWaveDuplicate, "ROLLOUT_WAVE_DUPLICATE"),
        (ErrorReason::RolloutPercentagesDoNotAddUp, "ROLLOUT_PERCENTAGES_DO_NOT_ADD_UP"),
        (ErrorReason::RolloutWindowNeverOpens, "ROLLOUT_WINDOW_NEVER_OPENS"),
        (ErrorReason::RolloutWindowTooLong, "ROLLOUT_WINDOW_TOO_LONG"),
        (ErrorReason::RolloutShareOutOfRange, "ROLLOUT_SHARE_OUT_OF_RANGE"),
        (ErrorReason::RolloutGatesContradict, "ROLLOUT_GATES_CONTRADICT"),
        (ErrorReason::RolloutSampleOutOfReach, "ROLLOUT_SAMPLE_OUT_OF_REACH"),
        (ErrorReason::RolloutBudgetOfNothing, "ROLLOUT_BUDGET_OF_NOTHING"),
        (ErrorReason::RolloutDeadlineBeforeSoak, "ROLLOUT_DEADLINE_BEFORE_SOAK"),
        (ErrorReason::RolloutOfflineAtOnce, "ROLLOUT_OFFLINE_AT_ONCE"),
        (ErrorReason::RolloutActionOutOfOrder, "ROLLOUT_ACTION_OUT_OF_ORDER"),
        (ErrorReason::RolloutActionSuperseded, "ROLLOUT_ACTION_SUPERSEDED"),
        (ErrorReason::HistoryNotKnown, "HISTORY_NOT_KNOWN"),
    ];
    let told = |(reason, text)| {
        let failure = Failure::Unmet {
            reason,
            name: name.into(),
            description: description.into(),
            expected: "3".into(),
            found: "4".into(),
        };
        let facts = [("name", name), ("expected", "3"), ("found", "4")];
        (failure, of_unmet(plain(Code::FailedPrecondition, text, description, &facts), text, name))
    };
    rules.map(told).into()
}

fn every_failure() -> Vec<(Failure, Sent)> {
    let rows = [bad_requests(), about_resources(), about_worlds(), about_callers(), about_rules()];
    rows.into_iter().flatten().collect()
}

#[test]
fn every_failure_becomes_its_published_status() {
    for (failure, expected) in every_failure() {
        assert_eq!(sent(failure), expected);
    }
}

#[test]
fn every_reason_of_the_contract_is_produced_by_a_failure() {
    let produced: BTreeSet<String> =
        every_failure().into_iter().map(|(failure, _)| sent(failure).reason).collect();
    let published: BTreeSet<String> = (0..=64)
        .filter_map(|number| ErrorReason::try_from(number).ok())
        .filter(|reason| *reason != ErrorReason::Unspecified)
        .map(|reason| reason_text(reason).to_owned())
        .collect();
    assert_eq!(produced, published);
    assert_eq!(published.len(), 55);
}

#[test]
fn failure_of_a_request_carries_its_trace_id() {
    let trace = TraceId::random();
    let expected =
        plain(Code::Internal, "INTERNAL", "internal error", &[("trace_id", trace.to_string().as_str())]);
    assert_eq!(
        CURRENT.sync_scope(Ongoing::new(trace, "a/B".into()), || sent(Failure::internal("cause"))),
        expected
    );
}

#[test]
fn text_of_any_length_leaves_the_details_within_a_header() {
    let violation = |n: usize| FieldViolation {
        field: format!("devices[{n}].{}", "field".repeat(1000)),
        description: "äöü".repeat(100_000),
    };
    let status = Status::from(Failure::InvalidFields((0..1000).map(violation).collect()));
    // Details travel as base64, a third longer, and non-ASCII bytes of a message as three characters each.
    assert!(status.details().len() * 4 / 3 + status.message().len() * 3 < 16 * 1024);
    assert_eq!(status.get_details_bad_request().unwrap().field_violations.len(), 20);
    let name = format!("tenants/{}", "x".repeat(1_000_000));
    let status = Status::from(Failure::NotFound { resource_type: "tandem.inventory.v1.Tenant", name });
    assert!(status.details().len() < 2048 && status.message().len() <= 1024);
}
