//! Why a command ended without success: one line for people, one number for scripts.

use std::io;

use tandem_client::{ApiError, ConnectError};
use tandem_contracts::r#type::v1::ErrorReason;
use tonic::{Code, Status};

/// The server or the work failed.
const FAILED: u8 = 1;
/// The command was written wrongly: also clap's own number.
const USAGE: u8 = 2;
/// Some input was refused; the rest was taken.
const REFUSED: u8 = 3;
/// What was asked for is not there.
const NOT_FOUND: u8 = 4;
/// What was asked about is not allowed; the answer has been shown.
const NOT_ALLOWED: u8 = 5;

/// Something would change, or differs, and the command was asked to say so; the answer has been shown.
const DIFFERENT: u8 = 6;

/// Why a command ended without success.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The server refused or failed.
    #[error("{0}")]
    Api(Box<ApiError>),
    /// There is no connection.
    #[error("{0}")]
    Connect(#[from] ConnectError),
    /// The command asks for what cannot be, beyond what its grammar excludes.
    #[error("{0}")]
    Usage(String),
    /// Nothing has that name.
    #[error("{0}")]
    NotFound(String),
    /// The work failed.
    #[error("{0}")]
    Failed(String),
    /// So many lines of input were refused; they have been shown.
    #[error("{0}")]
    Refused(String),
    /// The answer is no, and has been shown.
    #[error("not allowed")]
    NotAllowed,
    /// Something would change or differs, and has been shown.
    #[error("something is different")]
    Different,
    /// The server refused, and the command knows a way that the server does not.
    #[error("{0}")]
    Advised(Box<ApiError>, String),
    /// The answer could not be written.
    #[error("cannot write the answer: {0}")]
    Write(#[from] io::Error),
}

impl From<Status> for CliError {
    fn from(status: Status) -> Self {
        ApiError::from(status).into()
    }
}

impl From<ApiError> for CliError {
    fn from(error: ApiError) -> Self {
        Self::Api(Box::new(error))
    }
}

impl CliError {
    /// The number that scripts see.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Api(error) | Self::Advised(error, _) if error.code == Code::NotFound => NOT_FOUND,
            // Who reads through `head` has what they wanted.
            Self::Write(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Self::Connect(ConnectError::Address(_) | ConnectError::Exposed(_)) | Self::Usage(_) => USAGE,
            Self::Refused(_) => REFUSED,
            Self::NotFound(_) => NOT_FOUND,
            Self::NotAllowed => NOT_ALLOWED,
            Self::Different => DIFFERENT,
            Self::Advised(..) | Self::Api(_) | Self::Connect(_) | Self::Failed(_) | Self::Write(_) => FAILED,
        }
    }

    /// What happened and what to do about it; `None` when nothing is worth saying.
    pub(crate) fn line(&self) -> Option<String> {
        if self.exit_code() == 0 || matches!(self, Self::NotAllowed | Self::Different) {
            return None;
        }
        let mut line = match self {
            Self::Connect(error) => with_last_cause(error),
            other => one_line(&other.to_string()),
        };
        if let Some(hint) = self.hint() {
            line.push_str("; ");
            line.push_str(&hint);
        }
        Some(line)
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Api(error) => api_hint(error),
            Self::Advised(_, advice) => Some(advice.clone()),
            Self::Connect(ConnectError::Unreachable { .. }) => {
                Some("start a server with `tandem serve`, or name another with --server".to_owned())
            }
            Self::Connect(ConnectError::Token) => Some("expected one line in the --token-file".to_owned()),
            _ => None,
        }
    }
}

/// An error and the innermost reason for it, where the operating system speaks.
fn with_last_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let message = error.to_string();
    let last = std::iter::successors(error.source(), |cause| cause.source()).last();
    one_line(&last.map_or_else(|| message.clone(), |cause| format!("{message}: {cause}")))
}

/// Text without line breaks and other control characters.
fn one_line(text: &str) -> String {
    let parts = text.split(char::is_control).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ")
}

/// What the caller can do, by the published reason.
fn api_hint(error: &ApiError) -> Option<String> {
    use ErrorReason as R;
    let hint = match error.known_reason() {
        Some(R::ResourceNotFound) => return missing_hint(error),
        Some(R::ResourceAlreadyExists) => "choose another id",
        Some(R::EtagMismatch) => "read it anew, apply the change to that, and send it again",
        Some(R::IncarnationChanged | R::RevisionTooOld | R::InvalidPageToken) => {
            "start anew, without --resume"
        }
        Some(R::NotYetConsistent | R::DependencyUnavailable) => return Some(try_again(error)),
        Some(R::FleetNotCounted) => "counting goes on meanwhile: ask again, or wait longer with --timeout",
        Some(R::PlanBaseChanged) => "`tandem authority plan` makes one",
        Some(R::ApprovalReasonMissing) => "say it with --reason",
        Some(R::InvalidField) if violates(error, "justification.reason") => "say it with --reason",
        Some(R::TenantFrozen) => {
            "`tandem authority unfreeze` does, `tandem authority freeze --show` shows why"
        }
        Some(R::PermissionDenied) => "ask for that permission, or use another token with --token-file",
        Some(R::Unauthenticated) => "name a file that holds a valid token with --token-file",
        Some(R::DeadlineExceeded) => "try again, or ask for less at once",
        Some(R::Internal) => "the server's log has the cause under that trace",
        None if error.code == Code::Unavailable => "check that the server runs, and try again",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn violates(error: &ApiError, field: &str) -> bool {
    error.violations.iter().any(|violation| violation.field == field)
}

fn try_again(error: &ApiError) -> String {
    match error.retry_after {
        Some(pause) => format!("try again after {} s", pause.as_secs_f64()),
        None => "try again in a moment".to_owned(),
    }
}

/// How to find what is there instead.
fn missing_hint(error: &ApiError) -> Option<String> {
    let kind = error.resource.as_ref()?.resource_type.rsplit('.').next()?;
    let hint = match kind {
        "Tenant" => "name another with --tenant, or import its exports with `tandem import`",
        "Device" => "`tandem devices list` shows what is there",
        "Collection" => "`tandem collections list` shows what is there",
        "CoManagementPolicy" => "record it with `tandem authority policy set`",
        "Plan" => "`tandem authority plans list HIERARCHY` shows what is there",
        "ApprovalRequest" => {
            "nobody asked for its approval: `tandem authority approvals request PLAN --hash HASH` does"
        }
        "DesiredPolicy" => {
            "nothing is desired until a plan is applied: make one with `tandem authority plan HIERARCHY`"
        }
        "Rollout" => "`tandem authority rollout list HIERARCHY` shows what is there",
        "RolloutAction" => "`tandem authority rollout actions ROLLOUT --all` shows what is there",
        "Hierarchy" => "`tandem hierarchies list` shows what is there",
        "Site" => "`tandem sites list HIERARCHY` shows what is there",
        "Figure" => "`tandem dashboard` shows the figures",
        _ => return None,
    };
    Some(hint.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tandem_client::{Connection, TlsFiles};
    use tandem_server::Failure;

    fn of(failure: Failure) -> (u8, Option<String>) {
        let error = CliError::from(Status::from(failure));
        (error.exit_code(), error.line())
    }

    fn line(code: u8, text: &str) -> (u8, Option<String>) {
        (code, Some(text.to_owned()))
    }

    #[test]
    fn missing_device_says_where_to_look_and_exits_with_four() {
        let failure = Failure::NotFound {
            resource_type: "tandem.inventory.v1.Device",
            name: "tenants/default/devices/x".to_owned(),
        };
        let expected = "nothing is named `tenants/default/devices/x` (RESOURCE_NOT_FOUND); `tandem devices list` shows what is there";
        assert_eq!(of(failure), line(4, expected));
    }

    #[test]
    fn field_violation_says_expected_and_found() {
        let expected = "filter.sites: expected at most 100, found 101 (INVALID_FIELD)";
        assert_eq!(of(Failure::field("filter.sites", "expected at most 100, found 101")), line(1, expected));
    }

    #[test]
    fn answer_that_is_not_there_yet_says_when_to_try_again() {
        let mut error = ApiError::from(Status::from(Failure::NotYetConsistent { asked: 90, seen: 88 }));
        error.retry_after = Some(Duration::from_millis(250));
        let expected =
            "revision 90 is not seen yet: the newest is 88 (NOT_YET_CONSISTENT); try again after 0.25 s";
        assert_eq!(CliError::Api(Box::new(error)).line().as_deref(), Some(expected));
    }

    #[test]
    fn server_message_of_many_lines_becomes_one() {
        let error = CliError::from(Status::unknown("first\r\nsecond"));
        assert_eq!((error.exit_code(), error.line()), line(1, "first second (Unknown)"));
        let error = CliError::Failed("a\nb\u{1b}[2J".to_owned());
        assert_eq!(error.line().as_deref(), Some("a b [2J"));
    }

    #[tokio::test]
    async fn server_that_is_not_there_is_named_with_the_reason_and_what_to_do() {
        // Port 1 of the loopback: reserved, nobody listens.
        let error = CliError::from(
            Connection::connect("http://127.0.0.1:1", &TlsFiles::default()).await.unwrap_err(),
        );
        let expected = "cannot connect to http://127.0.0.1:1: Connection refused (os error 111); \
                        start a server with `tandem serve`, or name another with --server";
        assert_eq!((error.exit_code(), error.line()), line(1, expected));
    }

    #[tokio::test]
    async fn address_of_another_form_is_a_mistake_in_the_command() {
        let error =
            CliError::from(Connection::connect("localhost:50051", &TlsFiles::default()).await.unwrap_err());
        let expected = "expected an address such as http://127.0.0.1:50051 or https://tandem.example:50051, \
                        found `localhost:50051`";
        assert_eq!((error.exit_code(), error.line()), line(2, expected));
    }

    #[test]
    fn reader_that_went_away_is_no_failure() {
        let error = CliError::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((error.exit_code(), error.line()), (0, None));
    }

    #[test]
    fn answer_that_is_no_exits_with_five_and_has_said_so_already() {
        assert_eq!((CliError::NotAllowed.exit_code(), CliError::NotAllowed.line()), (5, None));
    }

    #[test]
    fn answer_that_shows_a_difference_exits_with_six_and_has_said_so_already() {
        assert_eq!((CliError::Different.exit_code(), CliError::Different.line()), (6, None));
    }

    #[test]
    fn fleet_that_is_not_counted_says_what_to_do_about_it() {
        let why = Some("inventory does not answer".to_owned());
        let expected = "the devices are still being counted, 4000 so far: inventory does not answer (FLEET_NOT_COUNTED); \
                        counting goes on meanwhile: ask again, or wait longer with --timeout";
        assert_eq!(of(Failure::FleetNotCounted { devices: 4000, why }), line(1, expected));
    }

    #[test]
    fn refusal_with_an_advice_is_said_with_it() {
        let error = ApiError::from(Status::from(Failure::field("proposed.workloads", "expected intune")));
        let advised = CliError::Advised(Box::new(error), "add --complete".to_owned());
        let expected = "proposed.workloads: expected intune (INVALID_FIELD); add --complete";
        assert_eq!((advised.exit_code(), advised.line()), line(1, expected));
    }

    #[test]
    fn refused_input_exits_with_three() {
        let error = CliError::Refused("2 lines of input were refused".to_owned());
        assert_eq!((error.exit_code(), error.line()), line(3, "2 lines of input were refused"));
    }
}
