//! The audit log: what is on record, and that nothing of it can be changed unseen.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use futures::TryStreamExt;
use sea_orm::ConnectionTrait;
use sea_orm_migration::{MigrationTrait, MigratorTrait, sea_orm};
use serde_json::{Value, json};
use tandem_contracts::authority::v1::{
    AuditFault, AuditRecord, ExportAuditRecordsRequest, GetAuditHeadRequest, ListAuditRecordsRequest,
    RecordAuditEventsRequest, SignedHead, UpdateCoManagementPolicyRequest, VerifyAuditRequest,
    VerifyAuditResponse,
};
use tandem_contracts::convert::time;
use tandem_contracts::r#type::v1::{AuditEvent, AuditKind, ErrorReason, Justification};
use tandem_domain::audit::{Link, Verifier};
use tandem_storage::{Database, Rows, StoreError};
use tandem_testkit::database::Place;
use tonic::Code;

use crate::fleet::{self, POLICY};
use crate::{Sandbox, TENANT, reason, sandbox};

const UPDATE: &str = "tandem.authority.v1.AuthorityService/UpdateCoManagementPolicy";

async fn records(sandbox: &mut Sandbox, wanted: ListAuditRecordsRequest) -> Vec<AuditRecord> {
    let wanted = ListAuditRecordsRequest { parent: TENANT.into(), ..wanted };
    sandbox.audit.list_audit_records(wanted).await.unwrap().into_inner().records
}

async fn all(sandbox: &mut Sandbox) -> Vec<AuditRecord> {
    records(sandbox, ListAuditRecordsRequest::default()).await
}

/// Later than any time.
const NO_MOMENT: prost_types::Timestamp = prost_types::Timestamp { seconds: i64::MAX, nanos: 999_999_999 };

/// An event of another service.
fn event(number: u64) -> AuditEvent {
    AuditEvent {
        id: format!("{number:032x}"),
        tenant: TENANT.into(),
        time: Some(time::to_proto("2026-11-20T07:00:00Z".parse().unwrap())),
        kind: AuditKind::Write.into(),
        method: "tandem.inventory.v1.TenantService/UpdateTenant".into(),
        principal: format!("token:{number}"),
        origin: "192.0.2.7".into(),
        outcome: "OK".into(),
        resource: TENANT.into(),
        count: 1,
        ..AuditEvent::default()
    }
}

async fn record(sandbox: &mut Sandbox, numbers: std::ops::Range<u64>) {
    let request = RecordAuditEventsRequest { events: numbers.map(event).collect() };
    sandbox.audit.record_audit_events(request).await.unwrap();
}

async fn verify(sandbox: &mut Sandbox, heads: Vec<SignedHead>) -> VerifyAuditResponse {
    let request = VerifyAuditRequest { parent: TENANT.into(), heads };
    sandbox.audit.verify_audit(request).await.unwrap().into_inner()
}

async fn head(sandbox: &mut Sandbox) -> SignedHead {
    let request = GetAuditHeadRequest { parent: TENANT.into() };
    sandbox.audit.get_audit_head(request).await.unwrap().into_inner().head.unwrap()
}

fn fault(answer: &VerifyAuditResponse) -> (AuditFault, u64) {
    (answer.fault(), answer.fault_sequence)
}

pub(crate) async fn policy_is_on_record_with_what_was_before_and_why() {
    let mut sandbox = sandbox().await;
    sandbox.record(fleet::policy()).await.unwrap();
    let mut policy = fleet::policy();
    policy.enabled = Some(false);
    let why = Justification { reason: "site is retired".into(), ticket: "CHG-7".into() };
    let request = UpdateCoManagementPolicyRequest {
        policy: Some(policy),
        request_id: "r-1".into(),
        justification: Some(why.clone()),
    };
    sandbox.client.update_co_management_policy(request.clone()).await.unwrap();
    // Repeated, it changes nothing.
    sandbox.client.update_co_management_policy(request).await.unwrap();

    let found = all(&mut sandbox).await;
    assert_eq!(found.iter().map(|record| record.sequence).collect::<Vec<_>>(), [2, 1]);
    let [second, first] = [0, 1].map(|place| found[place].event.clone().unwrap());
    assert_eq!((first.before.as_str(), second.before == first.after), ("", true));
    let said: Value = serde_json::from_str(&second.after).unwrap();
    assert_eq!(
        [&said["name"], &said["enabled"], &said["etag"], &said["updatedBy"]],
        [&json!(POLICY), &json!(false), &json!("2"), &json!("local")]
    );
    let AuditEvent { id, time, trace_id, .. } = second.clone();
    assert_eq!((id.len(), time.is_some(), trace_id.len()), (32, true, 32));
    let expected = AuditEvent {
        id,
        time,
        trace_id,
        tenant: TENANT.into(),
        kind: AuditKind::Write.into(),
        method: UPDATE.into(),
        principal: "local".into(),
        outcome: "OK".into(),
        resource: POLICY.into(),
        before: first.after,
        after: second.after.clone(),
        justification: Some(why),
        count: 1,
        ..AuditEvent::default()
    };
    assert_eq!(second, expected);
}

pub(crate) async fn policy_that_is_refused_leaves_no_record_of_a_change() {
    let mut sandbox = sandbox().await;
    let mut policy = fleet::policy();
    policy.etag = "7".into();
    sandbox.record(policy).await.unwrap_err();
    assert_eq!(all(&mut sandbox).await, []);
}

pub(crate) async fn event_of_another_service_is_taken_once() {
    let mut sandbox = sandbox().await;
    record(&mut sandbox, 0..3).await;
    record(&mut sandbox, 2..4).await;
    let request = RecordAuditEventsRequest { events: vec![event(4), event(4)] };
    sandbox.audit.record_audit_events(request).await.unwrap();
    let found = all(&mut sandbox).await;
    let events: Vec<AuditEvent> = found.into_iter().rev().filter_map(|record| record.event).collect();
    assert_eq!(events, (0..5).map(event).collect::<Vec<_>>());
}

pub(crate) async fn event_of_another_form_is_refused_and_the_others_with_it() {
    let mut sandbox = sandbox().await;
    let wrong = [
        (AuditEvent { id: "7".into(), ..event(1) }, "events[1].id: expected 32 hexadecimal digits"),
        (
            AuditEvent { tenant: "contoso".into(), ..event(1) },
            "events[1].tenant: expected `tenants/{t}`, found `contoso`",
        ),
        (
            AuditEvent { time: Some(NO_MOMENT), ..event(1) },
            "events[1].time: must be in the years 1 to 9999; found 9223372036854775807 seconds since 1970",
        ),
        (
            AuditEvent { principal: "x".repeat(1025), ..event(1) },
            "events[1].principal: expected at most 1024 characters, found 1025",
        ),
    ];
    for (wrong, expected) in wrong {
        let request = RecordAuditEventsRequest { events: vec![event(0), wrong] };
        let status = sandbox.audit.record_audit_events(request).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::InvalidArgument, expected));
    }
    let damaged = AuditEvent { after: "{".into(), ..event(1) };
    let request = RecordAuditEventsRequest { events: vec![event(0), damaged] };
    let status = sandbox.audit.record_audit_events(request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(all(&mut sandbox).await, []);
}

pub(crate) async fn records_are_listed_newest_first_by_what_is_asked_for() {
    let mut sandbox = sandbox().await;
    record(&mut sandbox, 0..5).await;
    let wanted = ListAuditRecordsRequest { principal: "token:3".into(), ..Default::default() };
    let sequences =
        |records: Vec<AuditRecord>| records.iter().map(|record| record.sequence).collect::<Vec<_>>();
    assert_eq!(sequences(records(&mut sandbox, wanted).await), [4]);
    let of_kind = |kind: AuditKind| ListAuditRecordsRequest { kind: kind.into(), ..Default::default() };
    assert_eq!(sequences(records(&mut sandbox, of_kind(AuditKind::Refusal)).await), Vec::<u64>::new());
    assert_eq!(sequences(records(&mut sandbox, of_kind(AuditKind::Write)).await), [5, 4, 3, 2, 1]);
    let at = |text: &str| Some(time::to_proto(text.parse().unwrap()));
    let before = ListAuditRecordsRequest { to: at("2026-11-20T07:00:00Z"), ..Default::default() };
    assert_eq!(sequences(records(&mut sandbox, before).await), Vec::<u64>::new());
    let from = ListAuditRecordsRequest { from: at("2026-11-20T07:00:00Z"), ..Default::default() };
    assert_eq!(sequences(records(&mut sandbox, from).await), [5, 4, 3, 2, 1]);

    let mut pages = Vec::new();
    let mut request = ListAuditRecordsRequest { parent: TENANT.into(), page_size: 2, ..Default::default() };
    loop {
        let page = sandbox.audit.list_audit_records(request.clone()).await.unwrap().into_inner();
        pages.push(sequences(page.records));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(pages, [vec![5, 4], vec![3, 2], vec![1]]);
    request.principal = "token:3".into();
    let status = sandbox.audit.list_audit_records(request.clone()).await.unwrap_err();
    assert_eq!(reason(status), ErrorReason::InvalidPageToken);
    let never = ListAuditRecordsRequest { page_token: String::new(), from: Some(NO_MOMENT), ..request };
    let status = sandbox.audit.list_audit_records(never).await.unwrap_err();
    assert_eq!(
        status.message(),
        "from: must be in the years 1 to 9999; found 9223372036854775807 seconds since 1970"
    );
}

pub(crate) async fn export_is_a_chain_that_anybody_can_verify() {
    let mut sandbox = sandbox().await;
    record(&mut sandbox, 0..1000).await;
    record(&mut sandbox, 1000..1500).await;
    let head = head(&mut sandbox).await;
    let request = ExportAuditRecordsRequest { parent: TENANT.into(), after_sequence: 0 };
    let batches = sandbox.audit.export_audit_records(request).await.unwrap().into_inner();
    let batches: Vec<_> = batches.try_collect().await.unwrap();
    assert_eq!(batches.iter().map(|batch| batch.records.len()).collect::<Vec<_>>(), [1000, 500]);
    let mut verifier = Verifier::new(Vec::new());
    for AuditRecord { sequence, previous_hash: previous, entry, hash, .. } in
        batches.into_iter().flat_map(|batch| batch.records)
    {
        verifier.read(&Link { sequence, previous, entry, hash }).unwrap();
    }
    let end = verifier.end().unwrap();
    assert_eq!((end.sequence, end.hash), (1500, head.hash));
    let rest = ExportAuditRecordsRequest { parent: TENANT.into(), after_sequence: 1499 };
    let rest = sandbox.audit.export_audit_records(rest).await.unwrap().into_inner();
    let rest: Vec<_> = rest.try_collect().await.unwrap();
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].records[0].sequence, 1500);
}

/// As the contract says that heads are signed.
pub(crate) async fn head_is_signed_and_an_empty_chain_has_none() {
    let mut sandbox = sandbox().await;
    let request = GetAuditHeadRequest { parent: TENANT.into() };
    let status = sandbox.audit.get_audit_head(request).await.unwrap_err();
    assert_eq!(reason(status), ErrorReason::ResourceNotFound);
    record(&mut sandbox, 0..2).await;
    let head = head(&mut sandbox).await;
    assert_eq!((head.tenant.as_str(), head.sequence), (TENANT, 2));
    let seconds = head.time.unwrap().seconds;
    let text = format!("tandem-audit-head\n{TENANT}\n2\n{}\n{seconds}", head.hash);
    let key = UnparsedPublicKey::new(&ED25519, &head.public_key);
    key.verify(text.as_bytes(), &head.signature).unwrap();
}

/// Changes rows past the service.
pub(crate) async fn tamper(place: &Place, sql: &'static str) {
    struct Nothing;
    impl MigratorTrait for Nothing {
        fn migrations() -> Vec<Box<dyn MigrationTrait>> {
            Vec::new()
        }

        fn migration_table_name() -> sea_orm::DynIden {
            sea_orm::sea_query::IntoIden::into_iden("no_migrations")
        }
    }
    let database = Database::open::<Nothing>(&place.of("authority")).await.unwrap();
    let written = database.write(Rows::OfEveryTenant, |tx| {
        Box::pin(async move {
            assert!(tx.execute_unprepared(sql).await?.rows_affected() > 0, "{sql}");
            Ok::<(), StoreError>(())
        })
    });
    written.await.unwrap();
}

pub(crate) async fn chain_that_was_changed_is_told_with_its_place() {
    let mut sandbox = sandbox().await;
    record(&mut sandbox, 0..5).await;
    let whole = verify(&mut sandbox, Vec::new()).await;
    assert_eq!(whole, VerifyAuditResponse { verified: 5, heads: 0, ..Default::default() });
    let kept = head(&mut sandbox).await;
    record(&mut sandbox, 5..7).await;
    let whole = verify(&mut sandbox, vec![kept.clone()]).await;
    assert_eq!(whole, VerifyAuditResponse { verified: 7, heads: 1, ..Default::default() });

    tamper(
        &sandbox.place,
        "UPDATE audit_records SET entry = replace(entry, 'token:3', 'token:9') WHERE sequence = 4",
    )
    .await;
    let answer = verify(&mut sandbox, Vec::new()).await;
    assert_eq!((fault(&answer), answer.verified), ((AuditFault::Hash, 4), 3));
}

pub(crate) async fn chain_that_was_cut_is_told_by_its_row_and_by_a_kept_head() {
    let mut sandbox = sandbox().await;
    record(&mut sandbox, 0..5).await;
    let kept = head(&mut sandbox).await;
    tamper(&sandbox.place, "DELETE FROM audit_records WHERE sequence > 3").await;
    assert_eq!(fault(&verify(&mut sandbox, Vec::new()).await), (AuditFault::Truncated, 4));
    tamper(
        &sandbox.place,
        "UPDATE audit_chains SET sequence = 3, hash = (SELECT hash FROM audit_records WHERE sequence = 3)",
    )
    .await;
    // Whoever can change everything in the database is told by what they cannot reach.
    assert_eq!(fault(&verify(&mut sandbox, Vec::new()).await), (AuditFault::Unspecified, 0));
    assert_eq!(fault(&verify(&mut sandbox, vec![kept.clone()]).await), (AuditFault::Truncated, 4));
    record(&mut sandbox, 10..12).await;
    assert_eq!(fault(&verify(&mut sandbox, vec![kept]).await), (AuditFault::Head, 5));
}

pub(crate) async fn head_that_nobody_signed_so_is_told() {
    let mut sandbox = sandbox().await;
    record(&mut sandbox, 0..2).await;
    let kept = head(&mut sandbox).await;
    let forged = SignedHead { hash: "ab".repeat(32), ..kept.clone() };
    assert_eq!(fault(&verify(&mut sandbox, vec![forged]).await), (AuditFault::Signature, 2));
    let of_another_key = SignedHead { public_key: vec![7; 32], ..kept.clone() };
    assert_eq!(fault(&verify(&mut sandbox, vec![of_another_key]).await), (AuditFault::Signature, 2));
    let foreign = SignedHead { tenant: "tenants/fabrikam".into(), ..kept };
    let request = VerifyAuditRequest { parent: TENANT.into(), heads: vec![foreign] };
    let status = sandbox.audit.verify_audit(request).await.unwrap_err();
    assert_eq!(
        status.message(),
        "heads[0].tenant: expected a head of `tenants/contoso`, found one of `tenants/fabrikam`"
    );
}

pub(crate) async fn logs_of_tenants_are_apart() {
    let mut sandbox = sandbox().await;
    record(&mut sandbox, 0..2).await;
    let of_none = AuditEvent { tenant: "tenants/-".into(), ..event(7) };
    let of_another = AuditEvent { tenant: "tenants/fabrikam".into(), ..event(8) };
    let request = RecordAuditEventsRequest { events: vec![of_none.clone(), of_another] };
    sandbox.audit.record_audit_events(request).await.unwrap();
    assert_eq!(all(&mut sandbox).await.len(), 2);
    let request = ListAuditRecordsRequest { parent: "tenants/-".into(), ..Default::default() };
    let found = sandbox.audit.list_audit_records(request).await.unwrap().into_inner().records;
    let found: Vec<_> = found.into_iter().map(|record| (record.sequence, record.event)).collect();
    assert_eq!(found, [(1, Some(of_none))]);
}
