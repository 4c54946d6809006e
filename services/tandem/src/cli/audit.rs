//! `tandem authority audit`: who did what, and whether the log is what it was.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tandem_contracts::authority::v1::{
    AuditFault, AuditRecord, ExportAuditRecordsRequest, GetAuditHeadRequest, ListAuditRecordsRequest,
    ListAuditRecordsResponse, SignedHead, VerifyAuditRequest, VerifyAuditResponse,
};
use tandem_contracts::convert::time;
use tandem_contracts::r#type::v1::{AuditEvent, AuditKind};
use tandem_domain::audit::{Head, Link, Verifier};

use super::failure::CliError;
use super::json;
use super::listing::{Limit, list};
use super::screen::{Column, Row};
use super::session::Session;
use super::{document, words};

/// What to ask of the audit log.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum AuditCommand {
    /// List who did what, newest first
    List {
        #[command(flatten)]
        log: Log,
        /// Only of this principal
        #[arg(long, value_name = "ID")]
        principal: Option<String>,
        /// Only of this RPC, such as tandem.authority.v1.AuthorityService/UpdateCoManagementPolicy
        #[arg(long, value_name = "METHOD")]
        method: Option<String>,
        /// Only of this kind
        #[arg(long, value_parser = words::audit_kinds())]
        kind: Option<AuditKind>,
        /// Only about this resource
        #[arg(long, value_name = "NAME")]
        resource: Option<String>,
        /// Only from this time on, such as 2026-11-27T08:00:00Z
        #[arg(long, value_name = "TIME")]
        from: Option<Timestamp>,
        /// Only from before this time
        #[arg(long, value_name = "TIME")]
        to: Option<Timestamp>,
        #[command(flatten)]
        limit: Limit,
    },
    /// Print the records as JSON, one a line, oldest first
    Export {
        #[command(flatten)]
        log: Log,
        /// Only records after this one
        #[arg(long, value_name = "SEQUENCE", default_value_t = 0)]
        after: u64,
    },
    /// Sign where the log ends now; keep the answer of `-o json` where whoever runs the database cannot change it
    Head {
        #[command(flatten)]
        log: Log,
    },
    /// Have the whole log read again, and compare it with heads that were kept; ends with 1 if it is not what it was
    Verify {
        #[command(flatten)]
        log: Log,
        /// Heads as JSON, one a line: of `head -o json`, or the file that the service appends them to
        #[arg(long, value_name = "FILE")]
        heads: Option<PathBuf>,
        /// Read this export instead, without asking a server
        #[arg(long, value_name = "FILE")]
        export: Option<PathBuf>,
    },
}

/// Which log.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Log {
    /// The log of what is of no tenant, such as logins that were refused, instead of the tenant's
    #[arg(long)]
    no_tenant: bool,
}

impl Log {
    fn parent(self, session: &Session<'_>) -> String {
        if self.no_tenant { "tenants/-".to_owned() } else { session.parent() }
    }
}

/// Does it.
pub(super) async fn run(command: AuditCommand, session: &mut Session<'_>) -> Result<(), CliError> {
    let mut client = session.connection.audit();
    match command {
        AuditCommand::List { log, principal, method, kind, resource, from, to, limit } => {
            let filter = ListAuditRecordsRequest {
                parent: log.parent(session),
                principal: principal.unwrap_or_default(),
                method: method.unwrap_or_default(),
                kind: kind.unwrap_or_default().into(),
                resource: resource.unwrap_or_default(),
                from: from.map(time::to_proto),
                to: to.map(time::to_proto),
                ..Default::default()
            };
            show_list(&filter, limit, session).await
        }
        AuditCommand::Export { log, after } => {
            let request = ExportAuditRecordsRequest { parent: log.parent(session), after_sequence: after };
            let mut batches = client.export_audit_records(request).await?.into_inner();
            while let Some(batch) = batches.message().await? {
                for record in batch.records {
                    session.screen.line(&exported(record)?)?;
                }
            }
            Ok(())
        }
        AuditCommand::Head { log } => {
            let request = GetAuditHeadRequest { parent: log.parent(session) };
            let head = client.get_audit_head(request).await?.into_inner().head.unwrap_or_default();
            match session.screen.is_json() {
                // On one line, so that lines can be gathered in a file.
                true => session.screen.line(&json::line(&head)?),
                false => session.screen.details(described(&head)),
            }
        }
        AuditCommand::Verify { heads, export: Some(export), .. } => {
            let read = verify_export(&export, &read_heads(heads.as_deref())?)?;
            session.screen.line(&format!("{} records are as they were", read.sequence))
        }
        AuditCommand::Verify { log, heads, export: None } => {
            let parent = log.parent(session);
            let heads = read_heads(heads.as_deref())?;
            let heads = heads.into_iter().filter(|head| head.tenant == parent).collect();
            let answer = client.verify_audit(VerifyAuditRequest { parent, heads }).await?.into_inner();
            session.screen.show(&answer, |screen, answer| screen.details(verified(answer)))?;
            match answer.fault() {
                AuditFault::Unspecified => Ok(()),
                _ => Err(CliError::Failed(format!(
                    "the audit log is not what it was from record {} on",
                    answer.fault_sequence
                ))),
            }
        }
    }
}

async fn show_list(
    filter: &ListAuditRecordsRequest,
    limit: Limit,
    session: &mut Session<'_>,
) -> Result<(), CliError> {
    let mut client = session.connection.audit();
    let columns = [
        Column::Number("RECORD"),
        Column::Text("TIME"),
        Column::Text("WHO"),
        Column::Text("WHAT"),
        Column::Text("ABOUT"),
        Column::Text("OUTCOME"),
        Column::Number("TIMES"),
        Column::Text("WHY"),
    ];
    let rows = |page: &ListAuditRecordsResponse| page.records.iter().map(row).collect();
    list(&mut session.screen, limit, &columns, rows, async |page_size, page_token| {
        client.list_audit_records(ListAuditRecordsRequest { page_size, page_token, ..filter.clone() }).await
    })
    .await
}

fn row(record: &AuditRecord) -> Row {
    let AuditEvent { time, principal, method, resource, outcome, failure, count, justification, .. } =
        record.event.clone().unwrap_or_default();
    let why = justification.unwrap_or_default();
    let why = [why.reason, why.ticket].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>();
    let outcome = if failure.is_empty() { outcome } else { failure };
    vec![
        record.sequence.to_string(),
        words::moment(time),
        words::text(&principal),
        words::text(&words::last_part(&method)),
        words::text(&resource),
        words::text(&outcome),
        count.to_string(),
        words::text(&why.join(", ")),
    ]
}

fn exported(record: AuditRecord) -> Result<String, CliError> {
    let AuditRecord { sequence, previous_hash: previous, entry, hash, .. } = record;
    let line = serde_json::to_string(&Link { sequence, previous, entry, hash });
    line.map_err(|error| CliError::Failed(error.to_string()))
}

fn described(head: &SignedHead) -> Vec<[String; 2]> {
    let signed = if head.signature.is_empty() { "no: the service has no key" } else { "yes" };
    vec![
        ["Log".to_owned(), head.tenant.clone()],
        ["Records".to_owned(), head.sequence.to_string()],
        ["Hash".to_owned(), head.hash.clone()],
        ["Time".to_owned(), words::moment(head.time)],
        ["Signed".to_owned(), signed.to_owned()],
    ]
}

fn verified(answer: &VerifyAuditResponse) -> Vec<[String; 2]> {
    let mut rows = vec![
        ["Records as they were".to_owned(), answer.verified.to_string()],
        ["Heads compared".to_owned(), answer.heads.to_string()],
    ];
    let fault = match answer.fault() {
        AuditFault::Unspecified => {
            rows.push(["Fault".to_owned(), "none".to_owned()]);
            return rows;
        }
        AuditFault::Hash => "a record says something else than it did",
        AuditFault::Link => "a record does not follow from the one before",
        AuditFault::Gap => "a record is missing",
        AuditFault::Truncated => "records are missing at the end",
        AuditFault::Head => "a record is not the one that a kept head names",
        AuditFault::Signature => "a kept head is not signed by this service",
    };
    rows.extend([
        ["Fault".to_owned(), fault.to_owned()],
        ["At record".to_owned(), answer.fault_sequence.to_string()],
        ["Expected".to_owned(), answer.expected.clone()],
        ["Found".to_owned(), answer.found.clone()],
    ]);
    rows
}

fn lines(file: &Path) -> Result<Vec<String>, CliError> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| CliError::Usage(format!("cannot read {}: {error}", file.display())))?;
    Ok(text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect())
}

fn read_heads(file: Option<&Path>) -> Result<Vec<SignedHead>, CliError> {
    let Some(file) = file else { return Ok(Vec::new()) };
    let head = |(number, line): (usize, String)| {
        let refused = |reason| CliError::Usage(format!("{}: line {}: {reason}", file.display(), number + 1));
        document::from_json(&line).map_err(refused)
    };
    lines(file)?.into_iter().enumerate().map(head).collect()
}

/// Reads an export from its first record on. Heads of other logs are left aside.
fn verify_export(file: &Path, heads: &[SignedHead]) -> Result<Head, CliError> {
    let failed =
        |line: usize, reason: String| CliError::Failed(format!("{}: line {line}: {reason}", file.display()));
    let records = lines(file)?;
    let read = |(number, line): (usize, &String)| {
        serde_json::from_str::<Link>(line).map_err(|error| failed(number + 1, error.to_string()))
    };
    let records = records.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?;
    let tenant = records.first().map(|record| tenant_of(&record.entry)).unwrap_or_default();
    let kept = heads.iter().filter(|head| head.tenant == tenant && head.sequence > 0);
    let kept = kept.map(|head| Head { sequence: head.sequence, hash: head.hash.clone() }).collect();
    let mut verifier = Verifier::new(kept);
    for (number, link) in records.iter().enumerate() {
        verifier.read(link).map_err(|fault| failed(number + 1, fault.to_string()))?;
    }
    verifier.end().map_err(|fault| CliError::Failed(format!("{}: {fault}", file.display())))
}

/// Whose log an entry is of.
fn tenant_of(entry: &str) -> String {
    let value: Option<serde_json::Value> = serde_json::from_str(entry).ok();
    value.and_then(|value| Some(value.get("tenant")?.as_str()?.to_owned())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tandem_contracts::r#type::v1::Justification;

    fn exported_chain(entries: &[&str]) -> Vec<String> {
        let mut head = Head::default();
        let line = |entry: &&str| {
            let link = Link::after(&head, (*entry).to_owned());
            head = link.head();
            let Link { sequence, previous, entry, hash } = link;
            let record = AuditRecord { sequence, previous_hash: previous, entry, hash, event: None };
            exported(record).unwrap()
        };
        entries.iter().map(line).collect()
    }

    fn file(folder: &tempfile::TempDir, lines: &[String]) -> PathBuf {
        let file = folder.path().join("export.jsonl");
        std::fs::write(&file, lines.join("\n")).unwrap();
        file
    }

    const ENTRIES: [&str; 2] =
        [r#"{"tenant":"tenants/contoso","count":1}"#, r#"{"tenant":"tenants/contoso","count":2}"#];

    #[test]
    fn export_is_verified_without_a_server() {
        let folder = tempfile::tempdir().unwrap();
        let lines = exported_chain(&ENTRIES);
        let head = verify_export(&file(&folder, &lines), &[]).unwrap();
        assert_eq!(head.sequence, 2);
        let kept = SignedHead {
            tenant: "tenants/contoso".into(),
            sequence: 2,
            hash: head.hash,
            ..Default::default()
        };
        let other = SignedHead { tenant: "tenants/fabrikam".into(), sequence: 9, ..Default::default() };
        assert!(verify_export(&file(&folder, &lines), &[kept.clone(), other]).is_ok());
        let cut = verify_export(&file(&folder, &lines[..1]), &[kept]).unwrap_err().to_string();
        assert!(cut.ends_with("record 2: expected records up to 2, found the end"), "{cut}");
        let changed: Vec<String> =
            lines.iter().map(|line| line.replace(r#"\"count\":1"#, r#"\"count\":7"#)).collect();
        let changed = verify_export(&file(&folder, &changed), &[]).unwrap_err().to_string();
        assert!(changed.contains("line 1: record 1: expected "), "{changed}");
    }

    #[test]
    fn record_is_shown_on_one_line() {
        let event = AuditEvent {
            time: Some(prost_types::Timestamp { seconds: 1_763_640_000, nanos: 0 }),
            principal: "token:ada".into(),
            method: "tandem.authority.v1.AuthorityService/UpdateCoManagementPolicy".into(),
            resource: "tenants/t/hierarchies/PS1/coManagementPolicy".into(),
            outcome: "ABORTED".into(),
            failure: "ETAG_MISMATCH".into(),
            count: 3,
            justification: Some(Justification { reason: "pilot".into(), ticket: "CHG-7".into() }),
            ..AuditEvent::default()
        };
        let record = AuditRecord { sequence: 41, event: Some(event), ..AuditRecord::default() };
        let expected = [
            "41",
            "2025-11-20T12:00:00Z",
            "token:ada",
            "UpdateCoManagementPolicy",
            "tenants/t/hierarchies/PS1/coManagementPolicy",
            "ETAG_MISMATCH",
            "3",
            "pilot, CHG-7",
        ];
        assert_eq!(row(&record), expected);
    }

    #[test]
    fn fault_is_shown_with_its_place_expected_and_found() {
        let answer = VerifyAuditResponse {
            verified: 6,
            fault: AuditFault::Hash.into(),
            fault_sequence: 7,
            expected: "ab".into(),
            found: "cd".into(),
            heads: 1,
        };
        let expected = [
            ["Records as they were", "6"],
            ["Heads compared", "1"],
            ["Fault", "a record says something else than it did"],
            ["At record", "7"],
            ["Expected", "ab"],
            ["Found", "cd"],
        ];
        assert_eq!(verified(&answer), expected.map(|row| row.map(str::to_owned)));
    }
}
