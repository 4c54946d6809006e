//! Why a call fails, in the words of the contract: one variant for each `ErrorReason`.
//!
//! `Display` is the message that the caller reads; it never holds a cause. Causes are reached through `source`, for the log.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use tandem_contracts::r#type::v1::{ErrorReason, Permission};

/// A cause of any type.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A field of a request that breaks its documented shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldViolation {
    /// The field's path in the request, such as `tenant.name` or `devices[3].key`.
    pub field: String,
    /// What was expected, and what was found.
    pub description: String,
}

impl fmt::Display for FieldViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.description)
    }
}

/// Why a call fails.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Fields break their documented shape.
    #[error("{}", listed(.0))]
    InvalidFields(Vec<FieldViolation>),
    /// The page token is damaged, or belongs to another list or filter.
    #[error("the page token is damaged, or belongs to another list or filter")]
    InvalidPageToken,
    /// The consistency token is damaged.
    #[error("the consistency token is damaged")]
    InvalidConsistencyToken,
    /// Nothing has that name.
    #[error("nothing is named `{name}`")]
    NotFound {
        /// The full name of the resource's message, such as `tandem.inventory.v1.Tenant`.
        resource_type: &'static str,
        /// The name asked for.
        name: String,
    },
    /// Something has that name already.
    #[error("`{name}` exists already")]
    AlreadyExists {
        /// The full name of the resource's message.
        resource_type: &'static str,
        /// The name asked for.
        name: String,
    },
    /// The request's `etag` is not the resource's current one.
    #[error("`{name}` has changed: its etag is `{expected}`, the request has `{found}`")]
    EtagMismatch {
        /// The resource's name.
        name: String,
        /// The current etag.
        expected: String,
        /// The etag of the request.
        found: String,
    },
    /// The `request_id` was used for a different request.
    #[error("the request id `{request_id}` was used for a different request")]
    RequestIdReused {
        /// The id.
        request_id: String,
    },
    /// The database was restored since the token was given.
    #[error("the database was restored since the token was given")]
    IncarnationChanged,
    /// A watch asked to resume before what is still kept.
    #[error("revision {asked} is no longer kept: the oldest is {oldest}")]
    RevisionTooOld {
        /// The revision to resume after.
        asked: u64,
        /// The oldest revision that a watch can resume after.
        oldest: u64,
    },
    /// The service has not yet seen what the consistency token asks for.
    #[error("revision {asked} is not seen yet: the newest is {seen}")]
    NotYetConsistent {
        /// The revision of the token.
        asked: u64,
        /// The newest revision that this service has seen.
        seen: u64,
    },
    /// A service or database that the answer needs does not answer.
    #[error("{dependency} does not answer")]
    DependencyUnavailable {
        /// Which one, in the words of the architecture: `inventory`, `database`.
        dependency: &'static str,
        /// The cause, for the log alone.
        source: BoxError,
    },
    /// A published limit was reached.
    #[error("the limit {limit} is {allowed}, found {found}")]
    LimitExceeded {
        /// The limit's published name.
        limit: &'static str,
        /// Its value.
        allowed: u64,
        /// What the request would need.
        found: u64,
    },
    /// A limit of the server that others share, or of one caller's part in it, is reached for now.
    #[error("the limit {limit} of this server is {allowed}, and is reached: try again later")]
    Refused {
        /// The limit's published name: a key of the table `limits` of the configuration.
        limit: &'static str,
        /// Its value.
        allowed: u64,
        /// After how long to try again.
        retry: Duration,
    },
    /// The devices of a tenant are still being counted.
    #[error("the devices are still being counted, {devices} so far{}", .why.as_ref().map(|why| format!(": {why}")).unwrap_or_default())]
    FleetNotCounted {
        /// How many are.
        devices: u64,
        /// Why it does not get on, if it does not.
        why: Option<String>,
    },
    /// The resource is not in a state that allows it, by a rule with a reason of its own.
    #[error("{description}")]
    Unmet {
        /// The published reason.
        reason: ErrorReason,
        /// The name of the resource.
        name: String,
        /// What was expected, what was found, and what to do.
        description: String,
        /// What was expected, for programs; empty: nothing that has a text.
        expected: String,
        /// What was found, for programs.
        found: String,
    },
    /// The resource still has dependants.
    #[error("`{name}` is in use by {by}")]
    InUse {
        /// The resource's name.
        name: String,
        /// Who uses it.
        by: String,
    },
    /// The caller lacks a permission.
    #[error("the caller lacks the permission {}", .permission.as_str_name())]
    PermissionDenied {
        /// The permission that the RPC declares.
        permission: Permission,
    },
    /// The caller may not act in that tenant, whether or not there is one.
    #[error("the caller may not act in the tenant `{tenant}`")]
    TenantDenied {
        /// The tenant's id.
        tenant: String,
    },
    /// The caller's permission covers a part of the tenant alone, and the call needs more, or something outside of that part.
    #[error("the caller's permission is limited to a part of the tenant that does not cover `{name}`")]
    ScopeDenied {
        /// The name of what would have to be covered, whether or not there is such.
        name: String,
    },
    /// The call carries no credentials that this server accepts, and why not.
    #[error("the call carries no credentials that this server accepts: {0}")]
    Unauthenticated(&'static str),
    /// Nothing is served under the path that was called.
    #[error("nothing is served under the path that was called")]
    UnknownMethod,
    /// What was sent is not a message of the contract.
    #[error(
        "what was sent is not a message of the contract: expected protobuf as the method's request, uncompressed"
    )]
    MalformedMessage,
    /// A message is larger than what a server takes.
    #[error("the message is larger than {allowed} bytes: send less in one message")]
    MessageTooLarge {
        /// Bytes of the largest that is taken.
        allowed: u64,
    },
    /// A message was begun and did not come.
    #[error("the message did not come within {allowed} s of its beginning: send less in one message")]
    MessageTooSlow {
        /// Seconds in which one must have come.
        allowed: u64,
    },
    /// The message is compressed in a way that the server does not take.
    #[error("the message is compressed in a way that this server does not take: send it uncompressed")]
    UnknownEncoding,
    /// The call's deadline passed before the answer was ready.
    #[error("the deadline passed before the answer was ready")]
    DeadlineExceeded,
    /// A defect of Tandem.
    #[error("internal error")]
    Internal {
        /// The cause, for the log alone.
        source: BoxError,
    },
}

impl Failure {
    /// One field breaks its documented shape.
    pub fn field(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self::InvalidFields(vec![FieldViolation { field: field.into(), description: description.into() }])
    }

    /// Checks the etag that a caller has seen; empty: whichever.
    ///
    /// # Errors
    /// [`Failure::EtagMismatch`] when the resource of that name has another one by now.
    pub fn check_etag(name: impl Into<String>, given: &str, current: &str) -> Result<(), Self> {
        if given.is_empty() || given == current {
            return Ok(());
        }
        Err(Self::EtagMismatch { name: name.into(), expected: current.to_owned(), found: given.to_owned() })
    }

    /// A defect of Tandem, with its cause.
    pub fn internal(source: impl Into<BoxError>) -> Self {
        Self::Internal { source: source.into() }
    }

    /// Something that the answer needs does not answer.
    pub fn unavailable(dependency: &'static str, source: impl Into<BoxError>) -> Self {
        Self::DependencyUnavailable { dependency, source: source.into() }
    }
}

/// Violations named in the message itself; `BadRequest` has more.
const MESSAGE_VIOLATIONS: usize = 3;

fn listed(violations: &[FieldViolation]) -> String {
    let mut text: Vec<String> = violations.iter().take(MESSAGE_VIOLATIONS).map(ToString::to_string).collect();
    if violations.len() > MESSAGE_VIOLATIONS {
        text.push(format!("{} more", violations.len() - MESSAGE_VIOLATIONS));
    }
    text.join("; ")
}

/// An error with everything that caused it, outermost first, in one line: for logs and for people at a terminal.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_violations_in_a_message_are_counted_after_the_third() {
        let violation = |n: usize| FieldViolation { field: format!("f{n}"), description: "bad".into() };
        let failure = Failure::InvalidFields((1..=5).map(violation).collect());
        assert_eq!(failure.to_string(), "f1: bad; f2: bad; f3: bad; 2 more");
    }

    #[test]
    fn message_of_an_internal_failure_leaves_its_cause_out() {
        let failure = Failure::internal("connection to 10.0.0.7 refused");
        assert_eq!(failure.to_string(), "internal error");
        assert_eq!(failure.source().map(ToString::to_string), Some("connection to 10.0.0.7 refused".into()));
    }
}
