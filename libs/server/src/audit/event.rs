//! What goes on record of a call.

use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderMap;
use jiff::Timestamp;
use tandem_contracts::convert::time;
use tandem_contracts::r#type::v1::{Audit, AuditEvent, AuditKind};
use tandem_telemetry::metrics::grpc_status;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::{Auditor, NO_TENANT, Recording};
use crate::caller::{CALL, Call, Seen};
use crate::outcome::code_of;
use crate::permission::Declared;
use crate::principal::Principal;
use crate::trace::{self, TraceId};

/// Longest text of a caller's that is kept, in bytes.
const LONGEST: usize = 512;

/// What the gate has seen of a call to an RPC of the contracts. Dropped without [`Self::settle`], its caller is gone; what it changed
/// meanwhile is on record all the same.
#[derive(Debug)]
pub(crate) struct Sighting {
    /// `None`: nothing is put on record, or it is settled.
    auditor: Option<Auditor>,
    declared: Declared,
    origin: Option<IpAddr>,
    trace: TraceId,
    /// Who it is, once that is known.
    pub(crate) principal: Option<Arc<Principal>>,
    /// The call, once its caller may make it.
    pub(crate) call: Option<Arc<Call>>,
}

/// What is to become of an ended call.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Forget,
    /// Counted together with others like it, soon.
    Note(AuditKind),
    /// Before it is answered.
    Record {
        is_alike: bool,
    },
}

impl Sighting {
    pub(crate) const fn new(
        auditor: Option<Auditor>,
        declared: Declared,
        origin: Option<IpAddr>,
        trace: TraceId,
    ) -> Self {
        Self { auditor, declared, origin, trace, principal: None, call: None }
    }

    pub(crate) const fn declared(&self) -> &Declared {
        &self.declared
    }

    /// What its call has to remember for the log.
    pub(crate) fn seen(&self) -> Option<Seen> {
        (self.declared.audit != Audit::Refusals)
            .then(|| Seen::new(Arc::clone(&self.declared.method), self.origin))
    }

    /// Whether it is put on record with the first part of its answer: a stream that changes things tells only with its first message what it is about.
    pub(crate) fn waits_for_a_part(&self, headers: &HeaderMap) -> bool {
        self.auditor.is_some() && self.declared.audit == Audit::BulkWrites && code_of(headers).is_none()
    }

    /// Notes the call as its contract declares. `Some`: it changed something, and is not to be answered before that is on record.
    /// `headers`: those of its answer, or its trailers.
    pub(crate) fn settle(mut self, headers: &HeaderMap) -> Option<Recording> {
        let auditor = self.auditor.take()?;
        // What is answered well has no status yet.
        let code = code_of(headers).unwrap_or(Code::Ok);
        match self.verdict(code) {
            Verdict::Forget => None,
            Verdict::Note(kind) => {
                auditor.note(self.failed(kind, code, headers), true);
                None
            }
            Verdict::Record { is_alike } => {
                let event = self.event(AuditKind::Write, Code::Ok);
                Some(Box::pin(async move { auditor.record(event, is_alike).await }))
            }
        }
    }

    fn verdict(&self, code: Code) -> Verdict {
        let is_recorded = || self.call.as_ref().and_then(|call| call.seen()).is_some_and(Seen::is_recorded);
        match (self.declared.audit, code) {
            (_, Code::Unauthenticated | Code::PermissionDenied) => Verdict::Note(AuditKind::Refusal),
            (Audit::Unspecified | Audit::Refusals, _) => Verdict::Forget,
            (Audit::Reads, Code::Ok) => Verdict::Note(AuditKind::Read),
            (Audit::Reads, _) => Verdict::Forget,
            (Audit::Writes, Code::Ok) if is_recorded() => Verdict::Forget,
            (Audit::Writes, Code::Ok) => Verdict::Record { is_alike: false },
            (Audit::BulkWrites, Code::Ok) => Verdict::Record { is_alike: true },
            // Of what was never begun there can be any number; a counter has it.
            (Audit::Writes | Audit::BulkWrites, Code::ResourceExhausted) => Verdict::Forget,
            (Audit::Writes | Audit::BulkWrites, _) => Verdict::Note(AuditKind::Write),
        }
    }

    fn event(&self, kind: AuditKind, code: Code) -> AuditEvent {
        let call = self.call.as_ref();
        let tenant = call.and_then(|call| call.tenant());
        AuditEvent {
            tenant: tenant.map_or_else(|| NO_TENANT.to_owned(), |tenant| format!("tenants/{tenant}")),
            kind: kind.into(),
            method: self.declared.method.to_string(),
            principal: self.principal.as_ref().map(|principal| cut(&principal.id)).unwrap_or_default(),
            origin: self.origin.map(|origin| origin.to_string()).unwrap_or_default(),
            trace_id: self.trace.to_string(),
            outcome: grpc_status(code.into()).to_owned(),
            resource: call.and_then(|call| call.seen()).map(|seen| cut(&seen.resource())).unwrap_or_default(),
            ..made_now()
        }
    }

    /// The event of a call that was answered with an error, or read something.
    fn failed(&self, kind: AuditKind, code: Code, headers: &HeaderMap) -> AuditEvent {
        let mut event = self.event(kind, code);
        let info = Status::from_header_map(headers).and_then(|status| status.get_details_error_info());
        let Some(info) = info else { return event };
        event.failure = info.reason;
        if let Some(tenant) = info.metadata.get("tenant") {
            event.resource = cut(&format!("tenants/{tenant}"));
        } else if let Some(name) = info.metadata.get("name") {
            event.resource = cut(name);
            // Whoever is refused a part of a tenant is somebody of that tenant.
            if kind == AuditKind::Refusal && event.tenant == NO_TENANT {
                event.tenant = name.split('/').take(2).collect::<Vec<_>>().join("/");
            }
        }
        event
    }
}

impl Drop for Sighting {
    fn drop(&mut self) {
        let Some(auditor) = self.auditor.take() else { return };
        if self.call.is_some() && matches!(self.declared.audit, Audit::Writes | Audit::BulkWrites) {
            auditor.note(self.event(AuditKind::Write, Code::Cancelled), true);
        }
    }
}

/// The event of the change that the present call makes, for a handler that puts it on record together with the change: with what was there before
/// and what is there now. It then tells so by [`recorded`]. Outside of a call it is an act of the service itself.
#[must_use]
pub fn event(tenant: &str, resource: &str) -> AuditEvent {
    let call = CALL.try_with(Arc::clone).ok();
    let seen = call.as_ref().and_then(|call| call.seen());
    AuditEvent {
        tenant: format!("tenants/{tenant}"),
        kind: AuditKind::Write.into(),
        method: seen.map(|seen| seen.method.to_string()).unwrap_or_default(),
        principal: call.as_ref().map(|call| cut(&call.principal.id)).unwrap_or_default(),
        origin: seen.and_then(|seen| seen.origin).map(|origin| origin.to_string()).unwrap_or_default(),
        trace_id: trace::current_id().unwrap_or_default(),
        outcome: grpc_status(Code::Ok.into()).to_owned(),
        resource: resource.to_owned(),
        ..made_now()
    }
}

/// The present call has been put on record by its handler.
pub fn recorded() {
    let _ = CALL.try_with(|call| call.seen().map(Seen::set_recorded));
}

fn made_now() -> AuditEvent {
    AuditEvent {
        id: format!("{:032x}", rand::random::<u128>()),
        time: Some(time::to_proto(Timestamp::now())),
        count: 1,
        ..AuditEvent::default()
    }
}

/// The beginning of a text that a caller chose.
fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}
