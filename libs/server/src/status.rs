//! The one place that builds `tonic::Status`: failure in, code and `google.rpc` details out.
//!
//! Every status has one `ErrorInfo` (the published reason, domain `tandem`, facts as metadata, the trace id). Causes are logged
//! here, once, and never sent. Text that callers chose is shortened: details travel in a header, and headers are bounded.

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use tandem_contracts::r#type::v1::ErrorReason;
use tonic::metadata::MetadataValue;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::contract_service::MAX_MESSAGE_BYTES;
use crate::failure::{Failure, FieldViolation, chain};
use crate::limits::Unread;
use crate::trace;

/// The domain of every `ErrorInfo`.
pub const DOMAIN: &str = "tandem";

/// When to ask again for a revision that is about to arrive: followers poll several times a second.
const CONSISTENCY_RETRY: Duration = Duration::from_millis(100);

/// When to ask again while a dependency is away: long enough for a restart to show, short enough for a person to wait.
const DEPENDENCY_RETRY: Duration = Duration::from_secs(1);

/// Violations sent. Clients accept 16 KiB of headers by default, and details are sent as base64: twenty of the longest fit.
const MAX_VIOLATIONS: usize = 20;

/// Longest text sent in one place, in bytes.
const MAX_TEXT: usize = 256;

/// Longest field path sent, in bytes.
const MAX_FIELD: usize = 128;

/// Longest message sent, in bytes.
const MAX_MESSAGE: usize = 1024;

/// The reason as `ErrorInfo` has it: the published name without its prefix.
#[must_use]
pub fn reason_text(reason: ErrorReason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix("ERROR_REASON_").unwrap_or(name)
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        log_cause(&failure);
        let (code, reason) = kind(&failure);
        let mut details = ErrorDetails::new();
        details.set_error_info(reason_text(reason), DOMAIN, metadata(&failure));
        add_details(&failure, &mut details);
        let mut status =
            Status::with_error_details(code, shortened(&failure.to_string(), MAX_MESSAGE), details);
        if matches!(failure, Failure::UnknownEncoding) {
            status.metadata_mut().insert(ACCEPTED, MetadataValue::from_static("identity"));
        }
        status
    }
}

/// How the framework begins to say that what came is no message of the contract. It says so with the code of a defect.
const MALFORMED: [&str; 5] = [
    "failed to decode Protobuf message",
    "Missing request message",
    "Unexpected EOF decoding stream",
    "Error decompressing",
    "protocol error:",
];

/// Where an answer says which encodings are taken: gRPC wants it wherever one was not.
const ACCEPTED: &str = "grpc-accept-encoding";

/// How the framework begins to say that it does not take an encoding.
const ENCODED: &str = "Content is compressed with";

impl Failure {
    /// Why a message of a caller could not be read; `None`: the caller's end is gone, and there is nobody to tell.
    #[must_use]
    pub fn of_unread(status: &Status) -> Option<Self> {
        match status.code() {
            Code::OutOfRange => Some(Self::MessageTooLarge { allowed: MAX_MESSAGE_BYTES as u64 }),
            Code::ResourceExhausted => unread(status).map(Unread::failure),
            Code::Internal if MALFORMED.iter().any(|begin| status.message().starts_with(begin)) => {
                Some(Self::MalformedMessage)
            }
            _ => None,
        }
    }

    /// What the framework answered in the place of a handler: a code without details.
    pub(crate) fn of_framework(status: Status) -> Option<Self> {
        Self::of_unread(&status).or_else(|| match status.code() {
            Code::Unimplemented if status.message().starts_with(ENCODED) => Some(Self::UnknownEncoding),
            Code::Unimplemented => Some(Self::UnknownMethod),
            Code::Internal | Code::Unknown => Some(Self::internal(status)),
            _ => None,
        })
    }
}

/// Why a message was given up on its way. What leads it to its reader wraps it more than once.
fn unread(status: &Status) -> Option<Unread> {
    let mut cause = status.source();
    while let Some(error) = cause {
        if let Some(unread) = error.downcast_ref() {
            return Some(*unread);
        }
        cause = error.source();
    }
    None
}

/// The code and reason of a failure, as the contract's `ErrorReason` publishes them.
fn kind(failure: &Failure) -> (Code, ErrorReason) {
    match failure {
        Failure::InvalidFields(_) => (Code::InvalidArgument, ErrorReason::InvalidField),
        Failure::InvalidPageToken => (Code::InvalidArgument, ErrorReason::InvalidPageToken),
        Failure::InvalidConsistencyToken => (Code::InvalidArgument, ErrorReason::InvalidConsistencyToken),
        Failure::NotFound { .. } => (Code::NotFound, ErrorReason::ResourceNotFound),
        Failure::AlreadyExists { .. } => (Code::AlreadyExists, ErrorReason::ResourceAlreadyExists),
        Failure::EtagMismatch { .. } => (Code::Aborted, ErrorReason::EtagMismatch),
        Failure::RequestIdReused { .. } => (Code::FailedPrecondition, ErrorReason::RequestIdReused),
        Failure::IncarnationChanged => (Code::FailedPrecondition, ErrorReason::IncarnationChanged),
        Failure::RevisionTooOld { .. } => (Code::FailedPrecondition, ErrorReason::RevisionTooOld),
        Failure::NotYetConsistent { .. } => (Code::Unavailable, ErrorReason::NotYetConsistent),
        Failure::DependencyUnavailable { .. } => (Code::Unavailable, ErrorReason::DependencyUnavailable),
        Failure::LimitExceeded { .. }
        | Failure::Refused { .. }
        | Failure::MessageTooLarge { .. }
        | Failure::MessageTooSlow { .. } => (Code::ResourceExhausted, ErrorReason::LimitExceeded),
        Failure::FleetNotCounted { .. } => (Code::Unavailable, ErrorReason::FleetNotCounted),
        Failure::Unmet { reason, .. } => (Code::FailedPrecondition, *reason),
        Failure::InUse { .. } => (Code::FailedPrecondition, ErrorReason::ResourceInUse),
        Failure::PermissionDenied { .. } | Failure::TenantDenied { .. } | Failure::ScopeDenied { .. } => {
            (Code::PermissionDenied, ErrorReason::PermissionDenied)
        }
        Failure::Unauthenticated(_) => (Code::Unauthenticated, ErrorReason::Unauthenticated),
        Failure::UnknownMethod => (Code::Unimplemented, ErrorReason::UnknownMethod),
        Failure::MalformedMessage => (Code::InvalidArgument, ErrorReason::MalformedMessage),
        Failure::UnknownEncoding => (Code::Unimplemented, ErrorReason::MalformedMessage),
        Failure::DeadlineExceeded => (Code::DeadlineExceeded, ErrorReason::DeadlineExceeded),
        Failure::Internal { .. } => (Code::Internal, ErrorReason::Internal),
    }
}

/// The facts of a failure, and the trace id of the request that it belongs to.
fn metadata(failure: &Failure) -> HashMap<String, String> {
    let facts: Vec<(&str, String)> = match failure {
        Failure::EtagMismatch { name, expected, found } => {
            vec![("name", name.clone()), ("expected", expected.clone()), ("found", found.clone())]
        }
        Failure::RequestIdReused { request_id } => vec![("request_id", request_id.clone())],
        Failure::RevisionTooOld { asked, oldest } => {
            vec![("asked", asked.to_string()), ("oldest", oldest.to_string())]
        }
        Failure::NotYetConsistent { asked, seen } => {
            vec![("asked", asked.to_string()), ("seen", seen.to_string())]
        }
        Failure::DependencyUnavailable { dependency, .. } => vec![("dependency", (*dependency).to_owned())],
        Failure::LimitExceeded { limit, allowed, found } => {
            let limit = (*limit).to_owned();
            vec![("limit", limit), ("allowed", allowed.to_string()), ("found", found.to_string())]
        }
        Failure::Refused { limit, allowed, .. } => {
            vec![("limit", (*limit).to_owned()), ("allowed", allowed.to_string())]
        }
        Failure::MessageTooLarge { allowed } => {
            vec![("limit", "message_bytes".to_owned()), ("allowed", allowed.to_string())]
        }
        Failure::MessageTooSlow { allowed } => {
            vec![("limit", "message_seconds".to_owned()), ("allowed", allowed.to_string())]
        }
        Failure::FleetNotCounted { devices, why } => {
            let why = why.iter().map(|why| ("why", why.clone()));
            [("devices", devices.to_string())].into_iter().chain(why).collect()
        }
        Failure::Unmet { name, expected, found, .. } => {
            let told = [("name", name), ("expected", expected), ("found", found)];
            told.into_iter()
                .filter(|(_, fact)| !fact.is_empty())
                .map(|(key, fact)| (key, fact.clone()))
                .collect()
        }
        Failure::InUse { name, by } => vec![("name", name.clone()), ("by", by.clone())],
        Failure::PermissionDenied { permission } => {
            vec![("permission", permission.as_str_name().to_owned())]
        }
        Failure::TenantDenied { tenant } => vec![("tenant", tenant.clone())],
        Failure::ScopeDenied { name } => vec![("name", name.clone())],
        Failure::InvalidFields(_)
        | Failure::InvalidPageToken
        | Failure::InvalidConsistencyToken
        | Failure::NotFound { .. }
        | Failure::AlreadyExists { .. }
        | Failure::IncarnationChanged
        | Failure::Unauthenticated(_)
        | Failure::UnknownMethod
        | Failure::MalformedMessage
        | Failure::UnknownEncoding
        | Failure::DeadlineExceeded
        | Failure::Internal { .. } => Vec::new(),
    };
    let trace = trace::current_id().map(|id| ("trace_id", id));
    facts.into_iter().chain(trace).map(|(key, fact)| (key.to_owned(), shortened(&fact, MAX_TEXT))).collect()
}

fn add_details(failure: &Failure, details: &mut ErrorDetails) {
    match failure {
        Failure::InvalidFields(violations) => {
            for FieldViolation { field, description } in violations.iter().take(MAX_VIOLATIONS) {
                details
                    .add_bad_request_violation(shortened(field, MAX_FIELD), shortened(description, MAX_TEXT));
            }
        }
        Failure::InvalidPageToken => {
            details.add_bad_request_violation("page_token", failure.to_string());
        }
        Failure::InvalidConsistencyToken => {
            details.add_bad_request_violation("consistency_token", failure.to_string());
        }
        Failure::NotFound { resource_type, name } | Failure::AlreadyExists { resource_type, name } => {
            let text = shortened(&failure.to_string(), MAX_TEXT);
            details.set_resource_info(*resource_type, shortened(name, MAX_TEXT), "", text);
        }
        Failure::EtagMismatch { name, .. } => unmet(details, failure, "ETAG", name),
        Failure::RequestIdReused { request_id } => unmet(details, failure, "REQUEST_ID", request_id),
        Failure::IncarnationChanged => unmet(details, failure, "INCARNATION", "database"),
        Failure::RevisionTooOld { .. } => unmet(details, failure, "REVISION", "watch"),
        Failure::InUse { name, .. } => unmet(details, failure, "DEPENDANTS", name),
        Failure::Unmet { reason, name, .. } => unmet(details, failure, reason_text(*reason), name),
        Failure::FleetNotCounted { .. } => {
            details.set_retry_info(Some(DEPENDENCY_RETRY));
        }
        Failure::NotYetConsistent { .. } => {
            details.set_retry_info(Some(CONSISTENCY_RETRY));
        }
        Failure::DependencyUnavailable { .. } => {
            details.set_retry_info(Some(DEPENDENCY_RETRY));
        }
        Failure::Refused { retry, .. } => {
            details.set_retry_info(Some(*retry));
        }
        Failure::LimitExceeded { .. }
        | Failure::PermissionDenied { .. }
        | Failure::TenantDenied { .. }
        | Failure::ScopeDenied { .. }
        | Failure::Unauthenticated(_)
        | Failure::UnknownMethod
        | Failure::MalformedMessage
        | Failure::MessageTooLarge { .. }
        | Failure::MessageTooSlow { .. }
        | Failure::UnknownEncoding
        | Failure::DeadlineExceeded
        | Failure::Internal { .. } => {}
    }
}

fn unmet(details: &mut ErrorDetails, failure: &Failure, kind: &str, subject: &str) {
    let text = shortened(&failure.to_string(), MAX_TEXT);
    details.add_precondition_failure_violation(kind, shortened(subject, MAX_TEXT), text);
}

/// The beginning of a text that may be of any length.
fn shortened(text: &str, longest: usize) -> String {
    if text.len() <= longest {
        return text.to_owned();
    }
    let mut end = longest - '…'.len_utf8();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

fn log_cause(failure: &Failure) {
    let trace_id = trace::current_id().unwrap_or_default();
    match failure {
        Failure::Internal { source } => {
            tracing::error!(trace_id, cause = chain(&**source), "internal error");
        }
        Failure::DependencyUnavailable { dependency, source } => {
            tracing::warn!(trace_id, dependency, cause = chain(&**source), "dependency unavailable");
        }
        _ => {}
    }
}
