//! The operations listener: `/metrics` for Prometheus, `/livez` and `/readyz` for whoever runs the process.
//!
//! Plain HTTP on purpose, since it holds no tenant data. Alive means that the process answers; ready, that every named check
//! passes. A draining process is alive and not ready.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::metrics::Metrics;

/// The content type of Prometheus text.
const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The state of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// Passes.
    Ready,
    /// Does not pass, and why: an operator reads it.
    NotReady(String),
}

/// The named checks that make a process ready. Clones share the same checks.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<watch::Sender<BTreeMap<String, Check>>>);

impl Readiness {
    /// Without checks: ready.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a check that does not pass until it is said to.
    #[must_use]
    pub fn check(&self, name: impl Into<String>) -> NamedCheck {
        let check = NamedCheck { name: name.into(), readiness: self.clone() };
        check.not_ready("starting");
        check
    }

    /// Whether every check passes.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        all_pass(&self.0.borrow())
    }

    /// Every check with its state, by name.
    #[must_use]
    pub fn checks(&self) -> BTreeMap<String, Check> {
        self.0.borrow().clone()
    }

    /// Waits until every check passes.
    pub async fn ready(&self) {
        // The sender lives as long as `self`, so waiting ends with readiness alone.
        let _ = self.0.subscribe().wait_for(all_pass).await;
    }
}

fn all_pass(checks: &BTreeMap<String, Check>) -> bool {
    checks.values().all(|check| *check == Check::Ready)
}

/// One check, held by the part of the process that it speaks for.
#[derive(Debug, Clone)]
pub struct NamedCheck {
    name: String,
    readiness: Readiness,
}

impl NamedCheck {
    /// The check passes from now on.
    pub fn ready(&self) {
        self.set(Check::Ready);
    }

    /// The check does not pass from now on.
    pub fn not_ready(&self, why: impl Into<String>) {
        self.set(Check::NotReady(why.into()));
    }

    fn set(&self, check: Check) {
        self.readiness.0.send_if_modified(|checks| {
            checks.insert(self.name.clone(), check.clone()).is_none_or(|before| before != check)
        });
    }
}

#[derive(Debug, Clone)]
struct Operations {
    metrics: Metrics,
    readiness: Readiness,
}

/// The three paths.
pub fn router(metrics: Metrics, readiness: Readiness) -> Router {
    Router::new()
        .route("/metrics", get(rendered))
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readiness_report))
        .with_state(Operations { metrics, readiness })
}

/// Serves the three paths until `shutdown`.
///
/// # Errors
/// The listener fails.
pub async fn serve(
    listener: TcpListener,
    metrics: Metrics,
    readiness: Readiness,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(listener, router(metrics, readiness)).with_graceful_shutdown(shutdown).await
}

async fn rendered(State(operations): State<Operations>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, PROMETHEUS_TEXT)], operations.metrics.render())
}

async fn readiness_report(State(operations): State<Operations>) -> impl IntoResponse {
    let checks = operations.readiness.checks();
    let status = if all_pass(&checks) { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let line = |(name, check): (String, Check)| match check {
        Check::Ready => format!("{name}: ready\n"),
        Check::NotReady(why) => format!("{name}: not ready, {why}\n"),
    };
    (status, checks.into_iter().map(line).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    async fn answer(router: &Router, path: &str) -> (u16, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn process_is_ready_when_every_check_passes() {
        let readiness = Readiness::new();
        let (database, follower) = (readiness.check("database"), readiness.check("follower"));
        let router = router(Metrics::for_tests(), readiness.clone());
        database.ready();
        assert_eq!(
            answer(&router, "/readyz").await,
            (503, "database: ready\nfollower: not ready, starting\n".into())
        );
        follower.ready();
        readiness.ready().await;
        assert_eq!(answer(&router, "/readyz").await, (200, "database: ready\nfollower: ready\n".into()));
        follower.not_ready("draining");
        assert!(!readiness.is_ready());
        assert_eq!(answer(&router, "/readyz").await.0, 503);
        assert_eq!(answer(&router, "/livez").await, (200, "ok\n".into()));
    }

    #[tokio::test]
    async fn metrics_and_no_other_paths_are_served() {
        let router = router(Metrics::for_tests(), Readiness::new());
        assert_eq!(answer(&router, "/metrics").await, (200, String::new()));
        assert_eq!(answer(&router, "/tenants").await.0, 404);
    }

    #[tokio::test]
    async fn listener_serves_until_the_shutdown() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        serve(listener, Metrics::for_tests(), Readiness::new(), async {}).await.unwrap();
    }
}
