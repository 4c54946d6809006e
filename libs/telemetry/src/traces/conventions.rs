//! What spans are called outside: the semantic conventions of OpenTelemetry (1.45, of RPC and of databases).
//!
//! Applied where spans leave the process, on the exporter's thread: no request waits for it.
//!
//! - The span `request` of a server becomes a SERVER span named by its method. Who called is in the logs, by the trace's id, and not here.
//! - A statement, which sea-orm's `tracing-spans` records, becomes a CLIENT span named by its operation and table. Its text goes no further:
//!   it is long, and no one has to trust that it never holds a value. Errors of the database go no further either: they may quote one.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanKind, Status};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use super::{METHOD, REQUEST};

/// How the names of sea-orm's spans begin.
const STATEMENT: &str = "sea_orm.";

/// What stands for a method that no contract has: callers choose its name.
const OTHER_METHOD: &str = "_OTHER";

/// Codes of answers that are a server's own failure, and not one that its caller asked for.
const SERVER_ERRORS: [&str; 6] =
    ["DATA_LOSS", "DEADLINE_EXCEEDED", "INTERNAL", "UNAVAILABLE", "UNIMPLEMENTED", "UNKNOWN"];

/// An exporter whose spans keep to the conventions.
#[derive(Debug)]
pub(super) struct Conventional<E>(E);

impl<E> Conventional<E> {
    pub(super) const fn new(exporter: E) -> Self {
        Self(exporter)
    }
}

impl<E: SpanExporter> SpanExporter for Conventional<E> {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        batch.iter_mut().for_each(name);
        self.0.export(batch).await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

fn name(span: &mut SpanData) {
    if span.name == REQUEST {
        name_request(span);
    } else if let Some(kind) = span.name.strip_prefix(STATEMENT) {
        let kind = kind.to_owned();
        name_statement(span, &kind);
    }
}

fn name_request(span: &mut SpanData) {
    let said = std::mem::take(&mut span.attributes);
    let text = |key: &str| said.iter().find(|said| said.key.as_str() == key).map(|said| said.value.as_str());
    let method = text(METHOD).map_or_else(|| OTHER_METHOD.to_owned(), |method| method.into_owned());
    let mut attributes =
        vec![KeyValue::new("rpc.system.name", "grpc"), KeyValue::new(METHOD, method.clone())];
    if let Some(code) = text("outcome").map(|code| code.into_owned()) {
        if SERVER_ERRORS.contains(&code.as_str()) {
            span.status = Status::error("");
            attributes.push(KeyValue::new("error.type", code.clone()));
        }
        attributes.push(KeyValue::new("rpc.response.status_code", code));
    }
    span.span_kind = SpanKind::Server;
    span.name = method.into();
    span.attributes = attributes;
}

fn name_statement(span: &mut SpanData, kind: &str) {
    let said = std::mem::take(&mut span.attributes);
    let text = |key: &str| said.iter().find(|said| said.key.as_str() == key).map(|said| said.value.as_str());
    let statement = text("db.statement");
    let words = || words(statement.as_deref().unwrap_or_default());
    let operation = match words().next() {
        Some(operation) => operation.to_ascii_uppercase(),
        // `begin`, `commit` and `rollback` have no text.
        None => kind.to_ascii_uppercase(),
    };
    let mut attributes = vec![KeyValue::new("db.operation.name", operation.clone())];
    if let Some(system) = text("db.system") {
        attributes.push(KeyValue::new("db.system.name", system.into_owned()));
    }
    let table = table(words());
    let name = match table {
        Some(table) => {
            attributes.push(KeyValue::new("db.collection.name", table.to_owned()));
            format!("{operation} {table}")
        }
        None => operation,
    };
    span.status = match &span.status {
        Status::Error { .. } => Status::error(""),
        // That all went well is for whoever asked to say.
        Status::Ok | Status::Unset => Status::Unset,
    };
    span.name = name.into();
    span.attributes = attributes;
}

/// The words of a statement, without the quotes of names.
fn words(statement: &str) -> impl Iterator<Item = &str> {
    let is_between = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | ';');
    statement.split(is_between).filter(|word| !word.is_empty()).map(|word| word.trim_matches('"'))
}

/// The first table that a statement names. What follows `FROM` may also be a function or a statement in brackets: then it is the next one.
fn table<'a>(words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let is_before =
        |word: &str| ["FROM", "INTO", "UPDATE", "JOIN"].iter().any(|w| word.eq_ignore_ascii_case(w));
    let is_no_table = |word: &str| {
        ["SELECT", "unnest", "json_each", "LATERAL", "ONLY", "SET"]
            .iter()
            .any(|w| word.eq_ignore_ascii_case(w))
    };
    let mut words = words.peekable();
    while let Some(word) = words.next() {
        if is_before(word)
            && let Some(table) = words.peek().filter(|word| !is_no_table(word))
        {
            // Without its schema, which is the service's.
            return table.rsplit('.').next().map(|table| table.trim_matches('"'));
        }
    }
    None
}
