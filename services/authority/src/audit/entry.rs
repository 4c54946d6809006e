//! An event as the text that is hashed. The form is the log's own and stays as it is: fields may come to it, at its end, and none may go.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tandem_contracts::convert::time;
use tandem_contracts::r#type::v1::{AuditEvent, AuditKind, Justification};
use tandem_storage::StoreError;

/// Fields in their order. What is empty is left out.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    id: String,
    tenant: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    kind: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    method: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    principal: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    origin: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    trace_id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    outcome: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    failure: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    resource: String,
    /// JSON as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reason: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    ticket: String,
    count: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_time: Option<String>,
}

/// The text of an event.
///
/// # Errors
/// `before` or `after` is no JSON.
pub(crate) fn write(event: &AuditEvent) -> Result<String, StoreError> {
    let AuditEvent { id, tenant, method, principal, origin, trace_id, outcome, failure, resource, .. } =
        event.clone();
    let Justification { reason, ticket } = event.justification.clone().unwrap_or_default();
    let at = |at: prost_types::Timestamp| time::from_proto("time", at).ok().map(|at| at.to_string());
    let entry = Entry {
        id,
        tenant,
        time: event.time.and_then(at),
        kind: kind_name(event.kind()).to_owned(),
        method,
        principal,
        origin,
        trace_id,
        outcome,
        failure,
        resource,
        before: json(&event.before)?,
        after: json(&event.after)?,
        reason,
        ticket,
        count: event.count,
        last_time: event.last_time.and_then(at),
    };
    serde_json::to_string(&entry).map_err(damaged)
}

/// The event of a text.
///
/// # Errors
/// It is none.
pub(crate) fn read(text: &str) -> Result<AuditEvent, StoreError> {
    let entry: Entry = serde_json::from_str(text).map_err(damaged)?;
    let at = |at: String| at.parse().map(time::to_proto).map_err(damaged);
    let raw = |raw: Option<Box<RawValue>>| raw.map(|raw| raw.get().to_owned()).unwrap_or_default();
    let justification = Justification { reason: entry.reason, ticket: entry.ticket };
    Ok(AuditEvent {
        id: entry.id,
        tenant: entry.tenant,
        time: entry.time.map(at).transpose()?,
        kind: kind_of(&entry.kind).into(),
        method: entry.method,
        principal: entry.principal,
        origin: entry.origin,
        trace_id: entry.trace_id,
        outcome: entry.outcome,
        failure: entry.failure,
        resource: entry.resource,
        before: raw(entry.before),
        after: raw(entry.after),
        justification: (justification != Justification::default()).then_some(justification),
        count: entry.count,
        last_time: entry.last_time.map(at).transpose()?,
    })
}

/// A text of JSON as it is; empty: nothing.
fn json(text: &str) -> Result<Option<Box<RawValue>>, StoreError> {
    let raw = (!text.is_empty()).then(|| RawValue::from_string(text.to_owned()));
    raw.transpose().map_err(damaged)
}

fn damaged(error: impl std::fmt::Display) -> StoreError {
    StoreError::corrupt(format!("audit entry: {error}"))
}

const KINDS: [AuditKind; 3] = [AuditKind::Read, AuditKind::Write, AuditKind::Refusal];

const fn kind_name(kind: AuditKind) -> &'static str {
    match kind {
        AuditKind::Unspecified => "unspecified",
        AuditKind::Read => "read",
        AuditKind::Write => "write",
        AuditKind::Refusal => "refusal",
    }
}

fn kind_of(name: &str) -> AuditKind {
    KINDS.into_iter().find(|kind| kind_name(*kind) == name).unwrap_or(AuditKind::Unspecified)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timestamp(text: &str) -> Option<prost_types::Timestamp> {
        Some(time::to_proto(text.parse().unwrap()))
    }

    fn event() -> AuditEvent {
        AuditEvent {
            id: "0123456789abcdef0123456789abcdef".into(),
            tenant: "tenants/contoso".into(),
            time: timestamp("2026-11-27T08:30:00.25Z"),
            kind: AuditKind::Write.into(),
            method: "tandem.authority.v1.AuthorityService/UpdateCoManagementPolicy".into(),
            principal: "token:ada \"A\"".into(),
            origin: "192.0.2.7".into(),
            trace_id: "4bf92f3577b34da6a3ce929d0e0e4736".into(),
            outcome: "OK".into(),
            failure: String::new(),
            resource: "tenants/contoso/hierarchies/PS1/coManagementPolicy".into(),
            before: String::new(),
            after: r#"{"enabled": true}"#.into(),
            justification: Some(Justification { reason: "pilot".into(), ticket: "CHG-7".into() }),
            count: 1,
            last_time: None,
        }
    }

    #[test]
    fn event_is_written_with_its_fields_in_order() {
        let expected = concat!(
            r#"{"id":"0123456789abcdef0123456789abcdef","tenant":"tenants/contoso","time":"2026-11-27T08:30:00.25Z","#,
            r#""kind":"write","method":"tandem.authority.v1.AuthorityService/UpdateCoManagementPolicy","#,
            r#""principal":"token:ada \"A\"","origin":"192.0.2.7","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","#,
            r#""outcome":"OK","resource":"tenants/contoso/hierarchies/PS1/coManagementPolicy","#,
            r#""after":{"enabled": true},"reason":"pilot","ticket":"CHG-7","count":1}"#
        );
        assert_eq!(write(&event()).unwrap(), expected);
    }

    #[test]
    fn event_that_was_written_reads_as_it_was() {
        let alike = AuditEvent {
            count: 900,
            last_time: timestamp("2026-11-27T08:31:00Z"),
            kind: AuditKind::Refusal.into(),
            after: String::new(),
            justification: None,
            ..event()
        };
        for event in [event(), alike] {
            assert_eq!(read(&write(&event).unwrap()).unwrap(), event);
        }
    }

    #[test]
    fn text_that_is_no_entry_is_damage() {
        assert!(read("{}").is_err());
    }
}
