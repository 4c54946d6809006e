//! A collector of traces: receives OTLP over gRPC, and shows each trace as a tree.

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use prost_reflect::prost::Message;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

/// A running collector. It lasts as long as the runtime that it was started on.
#[derive(Debug, Clone)]
pub struct Collector {
    address: SocketAddr,
    received: Received,
}

/// A span as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The process that it is of, such as `tandem-inventory`.
    pub service: String,
    /// What the span says of its place, such as `SERVER`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The trace, as 32 hex digits.
    pub trace: String,
    /// The span, as 16 hex digits.
    pub id: String,
    /// The span above it. Empty: the trace begins here.
    pub parent: String,
    /// When it began, in nanoseconds of the Unix epoch.
    pub began: u64,
    /// What it says, as texts.
    pub attributes: Vec<(String, String)>,
}

#[derive(Debug, Clone, Default)]
struct Received {
    spans: Arc<Mutex<Vec<Span>>>,
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Collector {
    /// Listens at a free port.
    ///
    /// # Panics
    /// It cannot.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let received = Received::default();
        let service = TraceServiceServer::new(received.clone());
        let server = Server::builder().add_service(service);
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        Self { address, received }
    }

    /// What an `otlp_endpoint` is set to.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every span that was received.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        self.received.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every byte of the messages that were received.
    #[must_use]
    pub fn received(&self) -> Vec<u8> {
        self.received.bytes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The trace of that id below the span `parent`: a line for each span, children below their parent in the order in which they began.
    #[must_use]
    pub fn tree(&self, trace: &str, parent: &str) -> String {
        let mut spans = self.spans();
        spans.retain(|span| span.trace == trace);
        spans.sort_by_key(|span| span.began);
        let mut tree = String::new();
        below(&spans, parent, 0, &mut tree);
        tree
    }
}

fn below(spans: &[Span], parent: &str, depth: usize, tree: &mut String) {
    for Span { service, kind, name, id, .. } in spans.iter().filter(|span| span.parent == parent) {
        let _ = writeln!(tree, "{:indent$}{service} {kind} {name}", "", indent = 2 * depth);
        below(spans, id, depth + 1, tree);
    }
}

#[tonic::async_trait]
impl TraceService for Received {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let bytes = request.get_ref().encode_to_vec();
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
        let mut received = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        for of_resource in request.into_inner().resource_spans {
            let resource = of_resource.resource.unwrap_or_default();
            let service = texts(resource.attributes).into_iter().find(|(key, _)| key == "service.name");
            let service = service.map(|(_, name)| name).unwrap_or_default();
            for span in of_resource.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans) {
                received.push(Span {
                    service: service.clone(),
                    kind: span.kind().as_str_name().trim_start_matches("SPAN_KIND_").to_owned(),
                    trace: hex(&span.trace_id),
                    id: hex(&span.span_id),
                    parent: hex(&span.parent_span_id),
                    began: span.start_time_unix_nano,
                    attributes: texts(span.attributes),
                    name: span.name,
                });
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn texts(attributes: Vec<KeyValue>) -> Vec<(String, String)> {
    let text = |said: KeyValue| {
        let value = match said.value.and_then(|value| value.value) {
            Some(any_value::Value::StringValue(text)) => text,
            other => format!("{other:?}"),
        };
        (said.key, value)
    };
    attributes.into_iter().map(text).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
