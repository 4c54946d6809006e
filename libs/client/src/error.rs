//! What a failed call says, read from its status.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use tandem_contracts::r#type::v1::ErrorReason;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::effect;

/// A field that breaks its documented shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldViolation {
    /// The field's path in the request.
    pub field: String,
    /// What was expected, and what was found.
    pub description: String,
}

/// The resource that an error is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The full name of its message, such as `tandem.inventory.v1.Tenant`.
    pub resource_type: String,
    /// Its name.
    pub name: String,
}

/// A failed call. `Display` is one line for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// The gRPC code.
    pub code: Code,
    /// The published reason, without its prefix: `RESOURCE_NOT_FOUND`. Empty when the server gave none, as when nothing answers.
    pub reason: String,
    /// What happened, for people.
    pub message: String,
    /// Fields that break their documented shape.
    pub violations: Vec<FieldViolation>,
    /// The resource that the error is about.
    pub resource: Option<Resource>,
    /// When to try again. Unset: trying again is not known to help.
    pub retry_after: Option<Duration>,
    /// The id under which the server's log has the request.
    pub trace_id: Option<String>,
    /// The facts of the reason, such as `expected` and `found`.
    pub metadata: BTreeMap<String, String>,
    /// Of a change: it may have been made, or not. To send it again may make it twice, unless it names itself (`request_id`). Unset: it was
    /// not made.
    pub is_effect_unknown: bool,
}

impl ApiError {
    /// The published reason; `None` when there is none, or this release does not know it.
    #[must_use]
    pub fn known_reason(&self) -> Option<ErrorReason> {
        ErrorReason::from_str_name(&format!("ERROR_REASON_{}", self.reason))
    }
}

impl From<Status> for ApiError {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let is_effect_unknown = effect::is_unknown(&status);
        let info = details.error_info().cloned();
        let mut metadata: BTreeMap<String, String> =
            info.iter().flat_map(|info| info.metadata.clone()).collect();
        let violations = details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default();
        Self {
            code: status.code(),
            message: message(&status),
            violations: violations
                .iter()
                .map(|v| FieldViolation { field: v.field.clone(), description: v.description.clone() })
                .collect(),
            resource: details
                .resource_info()
                .map(|r| Resource { resource_type: r.resource_type.clone(), name: r.resource_name.clone() }),
            retry_after: details.retry_info().and_then(|retry| retry.retry_delay),
            trace_id: metadata.remove("trace_id"),
            metadata,
            is_effect_unknown,
            reason: info.map(|info| info.reason).unwrap_or_default(),
        }
    }
}

/// The server's message; where nothing answered, what happened down to the operating system's word for it.
fn message(status: &Status) -> String {
    let mut text = match status.message() {
        "" => status.code().description().to_owned(),
        message => message.to_owned(),
    };
    let mut cause = status.source();
    while let Some(error) = cause {
        let word = error.to_string();
        // Transports repeat themselves from layer to layer, and one layer has nothing to say.
        if word != "transport error" && !text.contains(&word) {
            text.push_str(": ");
            text.push_str(&word);
        }
        cause = error.source();
    }
    text
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, line) in self.message.split(char::is_control).filter(|line| !line.is_empty()).enumerate()
        {
            write!(f, "{}{line}", if place == 0 { "" } else { " " })?;
        }
        if self.is_effect_unknown {
            f.write_str("; whether the change was made is not known")?;
        }
        let reason = match self.reason.as_str() {
            "" => format!("{:?}", self.code),
            reason => reason.to_owned(),
        };
        match &self.trace_id {
            Some(trace) => write!(f, " ({reason}, trace {trace})"),
            None => write!(f, " ({reason})"),
        }
    }
}

impl Error for ApiError {}

#[cfg(test)]
mod tests {
    use super::*;
    use tandem_server::Failure;

    fn plain(code: Code, reason: &str, message: &str) -> ApiError {
        ApiError {
            code,
            reason: reason.into(),
            message: message.into(),
            violations: Vec::new(),
            resource: None,
            retry_after: None,
            trace_id: None,
            metadata: BTreeMap::new(),
            is_effect_unknown: false,
        }
    }

    fn of(failure: Failure) -> ApiError {
        Status::from(failure).into()
    }

    #[test]
    fn violations_of_a_request_are_read() {
        let violation = FieldViolation {
            field: "page_size".into(),
            description: "expected 0 to 1000, found 1001".into(),
        };
        let message = "page_size: expected 0 to 1000, found 1001";
        let expected = ApiError {
            violations: vec![violation],
            ..plain(Code::InvalidArgument, "INVALID_FIELD", message)
        };
        let error = of(Failure::field("page_size", "expected 0 to 1000, found 1001"));
        assert_eq!(error, expected);
        assert_eq!(error.known_reason(), Some(ErrorReason::InvalidField));
    }

    #[test]
    fn resource_that_is_missing_is_read() {
        let (resource_type, name) = ("tandem.inventory.v1.Tenant", "tenants/contoso");
        let resource = Resource { resource_type: resource_type.into(), name: name.into() };
        let message = "nothing is named `tenants/contoso`";
        let expected =
            ApiError { resource: Some(resource), ..plain(Code::NotFound, "RESOURCE_NOT_FOUND", message) };
        let error = of(Failure::NotFound { resource_type, name: name.into() });
        assert_eq!(error, expected);
        assert_eq!(error.to_string(), "nothing is named `tenants/contoso` (RESOURCE_NOT_FOUND)");
    }

    #[test]
    fn time_to_try_again_and_facts_are_read() {
        let facts = [("asked", "90"), ("seen", "88")];
        let message = "revision 90 is not seen yet: the newest is 88";
        let expected = ApiError {
            retry_after: Some(Duration::from_millis(100)),
            metadata: facts.map(|(key, fact)| (key.into(), fact.into())).into(),
            ..plain(Code::Unavailable, "NOT_YET_CONSISTENT", message)
        };
        assert_eq!(of(Failure::NotYetConsistent { asked: 90, seen: 88 }), expected);
    }

    #[test]
    fn status_without_details_or_message_still_says_what_happened() {
        let error = ApiError::from(Status::new(Code::Unimplemented, ""));
        assert_eq!(error.to_string(), "Operation is not implemented or not supported (Unimplemented)");
        assert_eq!(error.known_reason(), None);
    }

    #[test]
    fn message_of_many_lines_is_shown_on_one() {
        let error = ApiError::from(Status::unknown("first\r\nsecond\tthird"));
        assert_eq!(error.to_string(), "first second third (Unknown)");
    }
}
