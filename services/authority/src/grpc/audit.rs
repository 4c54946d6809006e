//! The audit log as a contract: events of other services come in, records go out, and whoever asks has the chain read again.

use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use prost::Message;
use tandem_contracts::authority::v1 as proto;
use tandem_contracts::authority::v1::SignedHead;
use tandem_contracts::convert::time;
use tandem_contracts::r#type::v1::AuditEvent;
use tandem_domain::audit::{Fault, FaultKind, Head, Link, Verifier};
use tandem_domain::id::TenantId;
use tandem_server::Failure;
use tandem_server::names::{self, MAX_PAGE_SIZE, TenantName, page_size};
use tandem_storage::page::PageToken;
use tandem_storage::{StoreError, fingerprint};
use tonic::Status;

use super::policies::{one_more, paged};
use super::{Handlers, convert};
use crate::audit::{self, entry, heads, signing};
use crate::store::audit::{NO_TENANT, audit_end, audit_heads_given, audit_list, audit_page};

/// Most events of one request, and heads of another.
const MOST: usize = 1000;

/// The kind of page tokens.
const RECORDS: &str = "audit_records";

/// Longest texts of an event, in characters: what the gates of services cut to, and whole resources before and after.
const LONGEST_TEXT: usize = 1024;
const LONGEST_JSON: usize = 64 * 1024;

/// The id of the tenant of a log, or that of what is of none.
fn log_of(field: &str, name: &str) -> Result<String, Failure> {
    let [id] = names::parse(field, TenantName::PATTERN, name)?;
    if id != NO_TENANT {
        TenantId::parse(id).map_err(|error| Failure::field(field, error.to_string()))?;
    }
    Ok(id.to_owned())
}

impl Handlers {
    pub(super) async fn audit_record(
        &self,
        request: proto::RecordAuditEventsRequest,
    ) -> Result<proto::RecordAuditEventsResponse, Failure> {
        check_number("events", request.events.len())?;
        for (index, event) in request.events.iter().enumerate() {
            check(&format!("events[{index}]"), event)?;
        }
        audit::record(&self.store, request.events).await?;
        Ok(proto::RecordAuditEventsResponse {})
    }

    pub(super) async fn audit_list(
        &self,
        request: proto::ListAuditRecordsRequest,
    ) -> Result<proto::ListAuditRecordsResponse, Failure> {
        let tenant = log_of("parent", &request.parent)?;
        check_times([("from".to_owned(), request.from), ("to".to_owned(), request.to)])?;
        let size = page_size(request.page_size)?;
        let wanted =
            proto::ListAuditRecordsRequest { page_size: 0, page_token: String::new(), ..request.clone() };
        let filter = fingerprint(&[&wanted.encode_to_vec()]);
        let before = PageToken::decode::<i64>(&request.page_token, RECORDS, filter)?;
        let found = audit_list(&self.store, &tenant, &request, before, one_more(size)).await?;
        let (page, next_page_token) =
            paged(found, size, |link| PageToken::encode(RECORDS, filter, &link.sequence));
        let records = page.into_iter().map(|link| record(link, true)).collect::<Result<_, _>>()?;
        Ok(proto::ListAuditRecordsResponse { records, next_page_token })
    }

    pub(super) fn audit_export(
        &self,
        request: &proto::ExportAuditRecordsRequest,
    ) -> Result<BoxStream<'static, Result<proto::ExportAuditRecordsResponse, Status>>, Failure> {
        let tenant = log_of("parent", &request.parent)?;
        let pages = self.audit_pages(tenant, request.after_sequence);
        let batch = |page: Vec<Link>| {
            let records = page.into_iter().map(|link| record(link, false)).collect::<Result<_, _>>()?;
            Ok(proto::ExportAuditRecordsResponse { records })
        };
        Ok(pages.and_then(move |page| std::future::ready(batch(page))).map_err(Status::from).boxed())
    }

    /// A tenant's records after that one, in pages, oldest first.
    fn audit_pages(&self, tenant: String, after: u64) -> BoxStream<'static, Result<Vec<Link>, Failure>> {
        let store = self.store.clone();
        let pages = futures::stream::try_unfold(after, move |after| {
            let (store, tenant) = (store.clone(), tenant.clone());
            async move {
                let page = audit_page(&store, &tenant, after, MAX_PAGE_SIZE as u64).await?;
                let last = page.last().map(|link| link.sequence);
                Ok::<_, Failure>(last.map(|last| (page, last)))
            }
        });
        pages.boxed()
    }

    pub(super) async fn audit_head(
        &self,
        request: proto::GetAuditHeadRequest,
    ) -> Result<proto::GetAuditHeadResponse, Failure> {
        let tenant = log_of("parent", &request.parent)?;
        let head = audit_end(&self.store, &tenant).await?;
        let head = head
            .ok_or_else(|| Failure::NotFound { resource_type: heads::HEAD, name: request.parent.clone() })?;
        let signed = heads::signed(&tenant, head, self.signing_key.as_ref(), Timestamp::now());
        Ok(proto::GetAuditHeadResponse { head: Some(signed) })
    }

    pub(super) async fn audit_verify(
        &self,
        request: proto::VerifyAuditRequest,
    ) -> Result<proto::VerifyAuditResponse, Failure> {
        let tenant = log_of("parent", &request.parent)?;
        check_number("heads", request.heads.len())?;
        for (index, head) in request.heads.iter().enumerate() {
            check_head(&format!("heads[{index}]"), head, &request.parent)?;
        }
        let given = audit_heads_given(&self.store, &tenant).await?;
        let given = given.into_iter().map(|row| SignedHead {
            tenant: request.parent.clone(),
            sequence: row.sequence.unsigned_abs(),
            hash: row.hash,
            time: Some(prost_types::Timestamp { seconds: row.time, nanos: 0 }),
            public_key: row.public_key,
            signature: row.signature,
        });
        let kept: Vec<SignedHead> = request.heads.into_iter().chain(given).collect();
        let heads = u32::try_from(kept.len()).unwrap_or(u32::MAX);
        if let Some(fault) = kept.iter().find_map(|head| self.signature_fault(head)) {
            return Ok(proto::VerifyAuditResponse { heads, ..fault });
        }
        let kept = kept.into_iter().map(|head| Head { sequence: head.sequence, hash: head.hash });
        let kept = kept.chain(audit_end(&self.store, &tenant).await?).collect();
        let answer = self.audit_read(tenant, Verifier::new(kept)).await?;
        Ok(proto::VerifyAuditResponse { heads, ..answer })
    }

    /// Reads a whole chain.
    async fn audit_read(
        &self,
        tenant: String,
        mut verifier: Verifier,
    ) -> Result<proto::VerifyAuditResponse, Failure> {
        let mut pages = self.audit_pages(tenant, 0);
        while let Some(page) = pages.try_next().await? {
            for link in &page {
                if let Err(fault) = verifier.read(link) {
                    return Ok(faulty(verifier.head().sequence, fault));
                }
            }
        }
        let verified = verifier.head().sequence;
        Ok(match verifier.end() {
            Ok(_) => proto::VerifyAuditResponse { verified, ..Default::default() },
            Err(fault) => faulty(verified, fault),
        })
    }

    /// What is wrong with the signature of a head. One without a signature is taken as its keeper has it.
    fn signature_fault(&self, head: &SignedHead) -> Option<proto::VerifyAuditResponse> {
        if head.signature.is_empty() {
            return None;
        }
        let own = self.signing_key.as_ref().map(signing::SigningKey::public_key).unwrap_or_default();
        let (expected, found) = if !own.is_empty() && own != head.public_key {
            ("a signature of this service's key", "one of another key")
        } else if !signing::is_signed(head) {
            ("a signature of what the head says", "another")
        } else {
            return None;
        };
        Some(proto::VerifyAuditResponse {
            fault: proto::AuditFault::Signature.into(),
            fault_sequence: head.sequence,
            expected: expected.to_owned(),
            found: found.to_owned(),
            ..Default::default()
        })
    }
}

fn faulty(verified: u64, fault: Fault) -> proto::VerifyAuditResponse {
    let kind = match fault.kind {
        FaultKind::Hash => proto::AuditFault::Hash,
        FaultKind::Link => proto::AuditFault::Link,
        FaultKind::Gap => proto::AuditFault::Gap,
        FaultKind::Truncated => proto::AuditFault::Truncated,
        FaultKind::Head => proto::AuditFault::Head,
    };
    proto::VerifyAuditResponse {
        verified,
        fault: kind.into(),
        fault_sequence: fault.sequence,
        expected: fault.expected,
        found: fault.found,
        heads: 0,
    }
}

/// A record; read, where its reader wants the event. An entry that is none is told as it is: its chain says whether it was changed.
fn record(link: Link, with_event: bool) -> Result<proto::AuditRecord, StoreError> {
    let Link { sequence, previous, entry, hash } = link;
    let event = with_event.then(|| entry::read(&entry)).and_then(Result::ok);
    Ok(proto::AuditRecord { sequence, previous_hash: previous, entry, hash, event })
}

fn check_number(field: &str, found: usize) -> Result<(), Failure> {
    match found {
        0..=MOST => Ok(()),
        _ => Err(Failure::field(field, format!("expected at most {MOST}, found {found}"))),
    }
}

/// Times that are no moment are refused where they are read.
fn check_times(times: [(String, Option<prost_types::Timestamp>); 2]) -> Result<(), Failure> {
    for (field, time) in times {
        time.map(|time| time::from_proto(&field, time)).transpose().map_err(convert::invalid)?;
    }
    Ok(())
}

/// An event as other services send it.
fn check(field: &str, event: &AuditEvent) -> Result<(), Failure> {
    let at = |name: &str| format!("{field}.{name}");
    log_of(&at("tenant"), &event.tenant)?;
    if event.id.len() != 32 || !event.id.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(Failure::field(at("id"), "expected 32 hexadecimal digits"));
    }
    check_times([(at("time"), event.time), (at("last_time"), event.last_time)])?;
    let texts = [
        ("method", &event.method),
        ("principal", &event.principal),
        ("origin", &event.origin),
        ("trace_id", &event.trace_id),
        ("outcome", &event.outcome),
        ("failure", &event.failure),
        ("resource", &event.resource),
    ];
    for (name, text) in texts {
        let found = text.chars().count();
        if found > LONGEST_TEXT {
            let description = format!("expected at most {LONGEST_TEXT} characters, found {found}");
            return Err(Failure::field(at(name), description));
        }
    }
    for (name, json) in [("before", &event.before), ("after", &event.after)] {
        if json.len() > LONGEST_JSON {
            let description = format!("expected at most {LONGEST_JSON} bytes, found {}", json.len());
            return Err(Failure::field(at(name), description));
        }
    }
    let written = entry::write(event);
    written.map(drop).map_err(|error| Failure::field(field, error.to_string()))
}

fn check_head(field: &str, head: &SignedHead, tenant: &str) -> Result<(), Failure> {
    if head.tenant != tenant {
        let description = format!("expected a head of `{tenant}`, found one of `{}`", head.tenant);
        return Err(Failure::field(format!("{field}.tenant"), description));
    }
    if head.sequence == 0 {
        return Err(Failure::field(format!("{field}.sequence"), "expected a place from 1 on, found 0"));
    }
    Ok(())
}
