//! Spans as they leave a process, without a network.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, HeaderValue};
use opentelemetry::trace::{SpanId, SpanKind, Status, TracerProvider};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tracing_subscriber::EnvFilter;

use super::conventions::Conventional;
use super::{Collector, TARGET, Traces, TracesError, provider, receive, record, send};
use crate::LogFormat;
use crate::logs::{no_requests, subscriber};

const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
const SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const NOT_SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
const METHOD: &str = "tandem.inventory.v1.TenantService/GetTenant";

#[derive(Debug, Clone, Default)]
struct Kept(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Kept {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}

/// What leaves a process that does that, in the order in which it ended.
fn exported(ratio: f64, does: impl FnOnce()) -> Vec<SpanData> {
    let kept = Kept::default();
    let collector = Collector { endpoint: None, ratio, service: "tandem-tests" };
    let provider = provider(&collector).with_simple_exporter(Conventional::new(kept.clone())).build();
    let filter = EnvFilter::new("off");
    let subscriber =
        subscriber(LogFormat::Json, filter, std::io::sink, Some(provider.tracer("tandem")), no_requests);
    record();
    tracing::subscriber::with_default(subscriber, does);
    let spans = kept.0.lock().unwrap();
    spans.clone()
}

fn headers(traceparent: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(
        http::HeaderName::from_static("traceparent"),
        HeaderValue::from_static(traceparent),
    )])
}

fn attributes(span: &SpanData) -> BTreeMap<String, String> {
    span.attributes.iter().map(|said| (said.key.to_string(), said.value.to_string())).collect()
}

fn expected(attributes: &[(&str, &str)]) -> BTreeMap<String, String> {
    attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn request_is_a_server_span_under_its_callers() {
    let spans = exported(1.0, || {
        let span = receive(&headers(SAMPLED), TRACE, Some(METHOD));
        span.record("outcome", "OK");
    });
    let [span] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!(
        (span.name.as_ref(), &span.span_kind, span.span_context.trace_id(), span.parent_span_id),
        (METHOD, &SpanKind::Server, TRACE.into(), SpanId::from_hex("00f067aa0ba902b7").unwrap())
    );
    assert_eq!(
        attributes(span),
        expected(&[("rpc.method", METHOD), ("rpc.response.status_code", "OK"), ("rpc.system.name", "grpc"),])
    );
    assert_eq!(span.status, Status::Unset);
}

#[test]
fn failure_of_the_server_is_an_error_and_a_refusal_is_none() {
    let spans = exported(1.0, || {
        for code in ["INTERNAL", "NOT_FOUND"] {
            let span = receive(&HeaderMap::new(), TRACE, None);
            span.record("outcome", code);
        }
    });
    let found: Vec<_> = spans.iter().map(|span| (span.name.as_ref(), span.status.clone())).collect();
    assert_eq!(found, [("_OTHER", Status::error("")), ("_OTHER", Status::Unset)]);
}

#[test]
fn request_without_a_trace_begins_the_one_that_its_logs_name() {
    let spans = exported(1.0, || {
        let damaged = HeaderMap::from_iter([(
            http::HeaderName::from_static("traceparent"),
            HeaderValue::from_static("00-00000000000000000000000000000000-00f067aa0ba902b7-01"),
        )]);
        for (headers, trace_id) in [(HeaderMap::new(), TRACE), (damaged, 7)] {
            receive(&headers, trace_id, Some(METHOD));
        }
    });
    let found: Vec<_> = spans.iter().map(|s| (s.span_context.trace_id(), s.parent_span_id)).collect();
    assert_eq!(found, [(TRACE.into(), SpanId::INVALID), (7.into(), SpanId::INVALID)]);
}

#[test]
fn attempt_is_the_parent_of_what_it_leads_to() {
    let mut sent = HeaderMap::new();
    let spans = exported(1.0, || {
        let server = receive(&headers(SAMPLED), TRACE, Some(METHOD));
        let attempt = server
            .in_scope(|| tracing::info_span!(target: TARGET, "rpc", otel.kind = "client", otel.name = "a/B"));
        assert!(send(&attempt, &mut sent, Some(TRACE)));
    });
    let [attempt, server] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!(
        (attempt.name.as_ref(), &attempt.span_kind, attempt.parent_span_id),
        ("a/B", &SpanKind::Client, server.span_context.span_id())
    );
    let own = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{}-01", attempt.span_context.span_id());
    assert_eq!(sent, HeaderMap::from_iter([("traceparent".parse().unwrap(), own.parse().unwrap())]));
}

#[test]
fn statement_is_named_by_operation_and_table_without_its_text() {
    let statements = [
        ("SELECT \"revision\" FROM \"tenants\" WHERE \"tenant\" = $1", "SELECT tenants"),
        ("INSERT INTO members (a) SELECT rows.* FROM unnest($1::text[]) AS rows", "INSERT members"),
        ("UPDATE tenants SET revision = revision WHERE tenant = $1", "UPDATE tenants"),
        ("DELETE FROM inventory.members WHERE record_no = ANY ($3)", "DELETE members"),
        (
            "SELECT x FROM (SELECT DISTINCT unnest($2) AS wanted) AS asked \
             CROSS JOIN LATERAL (SELECT x FROM records WHERE k = asked.wanted OFFSET 0) AS found",
            "SELECT records",
        ),
        ("select 1", "SELECT"),
    ];
    let spans = exported(1.0, || {
        receive(&HeaderMap::new(), TRACE, None).in_scope(|| {
            for (text, _) in statements {
                tracing::info_span!(
                    target: "sea_orm::database::transaction",
                    "sea_orm.query_one",
                    otel.kind = "client",
                    db.system = "postgresql",
                    db.operation = "EXECUTE",
                    db.statement = text,
                    otel.status_code = "OK",
                );
            }
            tracing::info_span!(target: "sea_orm::database::transaction", "sea_orm.commit", otel.kind = "client",
                db.system = "postgresql", exception.message = "duplicate key", otel.status_code = "ERROR");
        });
    });
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_ref()).collect();
    let expected_names: Vec<&str> =
        statements.iter().map(|(_, name)| *name).chain(["COMMIT", "_OTHER"]).collect();
    assert_eq!(names, expected_names);
    assert_eq!(
        attributes(&spans[0]),
        expected(&[
            ("db.collection.name", "tenants"),
            ("db.operation.name", "SELECT"),
            ("db.system.name", "postgresql"),
        ])
    );
    let commit = &spans[statements.len()];
    assert_eq!(
        (attributes(commit), commit.status.clone()),
        (expected(&[("db.operation.name", "COMMIT"), ("db.system.name", "postgresql")]), Status::error(""))
    );
}

#[test]
fn callers_choice_is_followed_and_a_share_of_the_others_kept() {
    let begun = |traceparent: Option<&'static str>| {
        move || drop(receive(&traceparent.map(headers).unwrap_or_default(), TRACE, Some(METHOD)))
    };
    assert_eq!(exported(0.0, begun(None)).len(), 0);
    assert_eq!(exported(0.0, begun(Some(SAMPLED))).len(), 1);
    assert_eq!(exported(1.0, begun(Some(NOT_SAMPLED))).len(), 0);
}

#[test]
fn call_that_nobody_asked_for_is_not_traced_and_passes_its_id_on() {
    let mut sent = HeaderMap::new();
    let spans = exported(1.0, || {
        let attempt = tracing::info_span!(target: TARGET, "rpc", otel.kind = "client");
        assert!(send(&attempt, &mut sent, Some(TRACE)));
    });
    assert_eq!(spans, []);
    let header = sent["traceparent"].to_str().unwrap();
    assert!(
        header.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && header.ends_with("-00"),
        "{header}"
    );
}

#[test]
fn background_work_is_a_trace_with_links_to_what_it_serves() {
    let spans = exported(1.0, || {
        let one = receive(&headers(SAMPLED), TRACE, Some(METHOD));
        let two = receive(&HeaderMap::new(), 7, Some(METHOD));
        let work = one.in_scope(|| tracing::info_span!(target: TARGET, parent: None, "ingest"));
        work.follows_from(&one);
        work.follows_from(&two);
    });
    let work = spans.iter().find(|span| span.name == "ingest").unwrap();
    assert_eq!((work.parent_span_id, &work.span_kind), (SpanId::INVALID, &SpanKind::Internal));
    let links: Vec<_> = work.links.iter().map(|link| link.span_context.trace_id()).collect();
    assert_eq!(links, [TRACE.into(), 7.into()]);
}

#[test]
fn log_events_are_no_part_of_spans() {
    let spans = exported(1.0, || {
        let span = receive(&headers(SAMPLED), TRACE, Some(METHOD));
        span.in_scope(|| tracing::error!(tenant = "contoso", "batch refused"));
    });
    assert_eq!((spans.len(), spans[0].events.len(), spans[0].status.clone()), (1, 0, Status::Unset));
}

#[tokio::test]
async fn collector_that_cannot_be_one_is_refused() {
    let to = |endpoint, ratio| Traces::to(&Collector { endpoint, ratio, service: "tandem-tests" });
    assert!(to(None, 1.0).unwrap().tracer().is_none());
    for endpoint in ["127.0.0.1:4317", "https://collector:4317", "http://", ""] {
        let error = to(Some(endpoint), 1.0).unwrap_err();
        let expected =
            format!("otlp_endpoint: expected an address such as http://127.0.0.1:4317, found `{endpoint}`");
        assert_eq!(error.to_string(), expected);
    }
    for ratio in [-0.1, 1.1, f64::NAN] {
        assert!(matches!(to(None, ratio), Err(TracesError::Ratio(_))), "{ratio}");
    }
}
