//! Supervised background tasks: nothing runs unattended.
//!
//! A process ends in two steps. It drains: whoever serves callers takes no new ones and answers those that it has. When the last of them
//! has ended, everything else does: what answers need works until then.
//!
//! A task that ends before that, fails or panics drains the process, which ends with an error: a control plane whose follower died in
//! silence would serve stale answers for days.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::failure::BoxError;

/// How long tasks have to end after the drain began: more than a server's own drain, less than the 30 s that Kubernetes leaves.
const DRAIN_LIMIT: Duration = Duration::from_secs(25);

/// Why a task ended when it should not have.
#[derive(Debug, thiserror::Error)]
pub enum TaskEnd {
    /// It returned although nothing was draining.
    #[error("ended unexpectedly")]
    Early,
    /// It failed.
    #[error("failed: {}", crate::failure::chain(&**.0))]
    Failed(BoxError),
    /// It panicked.
    #[error("panicked: {0}")]
    Panicked(String),
    /// It did not end within the drain limit.
    #[error("did not end within {} s of draining", DRAIN_LIMIT.as_secs())]
    Stuck,
}

/// Tasks that ended when they should not have, in the order in which they did.
#[derive(Debug)]
pub struct TasksFailed(pub Vec<(String, TaskEnd)>);

impl fmt::Display for TasksFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (name, end)) in self.0.iter().enumerate() {
            let separator = if place == 0 { "" } else { "; " };
            write!(f, "{separator}task {name} {end}")?;
        }
        Ok(())
    }
}

impl std::error::Error for TasksFailed {}

/// Spawns tasks and waits for them. Clones share the same tasks.
#[derive(Debug, Clone, Default)]
pub struct Supervisor(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    draining: CancellationToken,
    ending: CancellationToken,
    serving: TaskTracker,
    tasks: TaskTracker,
    running: Mutex<BTreeMap<u64, String>>,
    next: AtomicU64,
    failed: Mutex<Vec<(String, TaskEnd)>>,
}

/// What a task may return: nothing, or whether it failed.
pub trait TaskOutput: Send + 'static {
    /// The failure, if it is one.
    fn failure(self) -> Option<BoxError>;
}

impl TaskOutput for () {
    fn failure(self) -> Option<BoxError> {
        None
    }
}

impl<E: Into<BoxError> + Send + 'static> TaskOutput for Result<(), E> {
    fn failure(self) -> Option<BoxError> {
        self.err().map(Into::into)
    }
}

impl Supervisor {
    /// A supervisor without tasks.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled when those who serve callers are to end: each watches it where it waits.
    #[must_use]
    pub fn draining(&self) -> CancellationToken {
        self.0.draining.clone()
    }

    /// Cancelled when every other task is to end: after the last caller was served.
    #[must_use]
    pub fn ending(&self) -> CancellationToken {
        self.0.ending.clone()
    }

    /// Begins to drain: asks those who serve callers to end, and then the other tasks.
    pub fn drain(&self) {
        self.0.draining.cancel();
    }

    /// Runs a task that serves callers until [`Self::draining`]. Its end before that, its failure and its panic drain everything.
    pub fn spawn_serving<F>(&self, name: impl Into<String>, task: F)
    where
        F: Future<Output: TaskOutput> + Send + 'static,
    {
        self.start(&self.0.serving, name.into(), Lasts::UntilDrain, task);
    }

    /// Runs a task that lasts until [`Self::ending`]. Its end before the drain, its failure and its panic drain everything.
    pub fn spawn<F>(&self, name: impl Into<String>, task: F)
    where
        F: Future<Output: TaskOutput> + Send + 'static,
    {
        self.start(&self.0.tasks, name.into(), Lasts::UntilDrain, task);
    }

    /// Runs a task that has no end of its own until [`Self::ending`], wherever it then waits. Otherwise as [`Self::spawn`].
    pub fn spawn_endless<F>(&self, name: impl Into<String>, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let ending = self.ending();
        self.spawn(name, async move {
            // `None`: it was to end.
            let _ = ending.run_until_cancelled(task).await;
        });
    }

    /// Runs a task that ends by itself, such as the pump of one stream. Its failure and its panic drain everything.
    pub fn spawn_short<F>(&self, name: impl Into<String>, task: F)
    where
        F: Future<Output: TaskOutput> + Send + 'static,
    {
        self.start(&self.0.tasks, name.into(), Lasts::AsItNeeds, task);
    }

    /// Waits for `shutdown` or for a task to fail, then drains and waits for every task to end.
    ///
    /// # Errors
    /// The tasks that ended when they should not have.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) -> Result<(), TasksFailed> {
        tokio::select! {
            () = shutdown => self.drain(),
            () = self.0.draining.cancelled() => {}
        }
        self.join().await
    }

    /// Waits for the drain to begin and for every task to end.
    ///
    /// # Errors
    /// The tasks that ended when they should not have, or not at all.
    pub async fn join(&self) -> Result<(), TasksFailed> {
        self.0.draining.cancelled().await;
        let ending = async {
            self.0.serving.close();
            self.0.serving.wait().await;
            self.0.ending.cancel();
            self.0.tasks.close();
            self.0.tasks.wait().await;
        };
        let ended = tokio::time::timeout(DRAIN_LIMIT, ending).await;
        self.0.ending.cancel();
        let mut failed = std::mem::take(&mut *lock(&self.0.failed));
        if ended.is_err() {
            failed.extend(lock(&self.0.running).values().map(|name| (name.clone(), TaskEnd::Stuck)));
        }
        if failed.is_empty() { Ok(()) } else { Err(TasksFailed(failed)) }
    }

    fn start<F>(&self, tracker: &TaskTracker, name: String, lasts: Lasts, task: F)
    where
        F: Future<Output: TaskOutput> + Send + 'static,
    {
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        lock(&self.0.running).insert(number, name.clone());
        let shared = Arc::clone(&self.0);
        let span = tracing::error_span!(parent: None, "task", name);
        let supervised = async move {
            // A task that panicked is not looked at again, and the process drains: nothing sees what it left half-done.
            let end = match AssertUnwindSafe(task).catch_unwind().await {
                Err(panic) => Some(TaskEnd::Panicked(panic_text(&*panic))),
                Ok(output) => match output.failure() {
                    Some(error) => Some(TaskEnd::Failed(error)),
                    None if lasts == Lasts::UntilDrain && !shared.draining.is_cancelled() => {
                        Some(TaskEnd::Early)
                    }
                    None => None,
                },
            };
            lock(&shared.running).remove(&number);
            if let Some(end) = end {
                tracing::error!(end = %end, "task ended, draining");
                lock(&shared.failed).push((name, end));
                shared.draining.cancel();
            }
        };
        tracker.spawn(supervised.instrument(span));
    }
}

/// How long a task is expected to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lasts {
    UntilDrain,
    AsItNeeds,
}

/// Waits until the process is asked to end: an interrupt, or a termination signal where there is one.
///
/// # Errors
/// The signals cannot be listened to.
pub async fn shutdown_signal() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Nothing panics while it holds these locks, and their data is whole at every moment.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    fn until_drain(supervisor: &Supervisor) -> impl Future<Output = ()> + Send + 'static {
        supervisor.ending().cancelled_owned()
    }

    #[tokio::test]
    async fn tasks_that_end_when_asked_end_well() {
        let supervisor = Supervisor::new();
        supervisor.spawn("follower", until_drain(&supervisor));
        supervisor.spawn_short("pump", async { Ok::<(), BoxError>(()) });
        assert!(supervisor.run(async {}).await.is_ok());
    }

    #[tokio::test]
    async fn everything_else_works_until_the_last_caller_is_served() {
        let supervisor = Supervisor::new();
        let (served, is_served) = tokio::sync::oneshot::channel();
        let (asked, is_asked) = tokio::sync::oneshot::channel();
        supervisor.spawn("follower", {
            let ending = supervisor.ending();
            async move {
                ending.cancelled().await;
                assert_eq!(is_served.await, Ok("answer"));
            }
        });
        supervisor.spawn_serving("api", {
            let (draining, ending) = (supervisor.draining(), supervisor.ending());
            async move {
                draining.cancelled().await;
                is_asked.await.unwrap();
                assert!(!ending.is_cancelled());
                served.send("answer").unwrap();
            }
        });
        let (ended, ()) = tokio::join!(supervisor.run(async {}), async { asked.send(()).unwrap() });
        assert!(ended.is_ok(), "{ended:?}");
    }

    #[tokio::test]
    async fn task_that_ends_early_drains_the_others() {
        let supervisor = Supervisor::new();
        supervisor.spawn("follower", until_drain(&supervisor));
        supervisor.spawn("poller", async {});
        let failed = supervisor.run(pending()).await.unwrap_err();
        assert_eq!(failed.to_string(), "task poller ended unexpectedly");
    }

    #[tokio::test]
    async fn task_that_panics_drains_the_others() {
        let supervisor = Supervisor::new();
        supervisor.spawn("follower", until_drain(&supervisor));
        async fn pump() {
            panic!("no such section: {}", 7)
        }
        supervisor.spawn_short("pump", pump());
        let failed = supervisor.run(pending()).await.unwrap_err();
        assert_eq!(failed.to_string(), "task pump panicked: no such section: 7");
    }

    #[tokio::test]
    async fn task_that_fails_while_draining_is_reported() {
        let supervisor = Supervisor::new();
        let drained = until_drain(&supervisor);
        supervisor.spawn("writer", async {
            drained.await;
            Err::<(), BoxError>("disk full".into())
        });
        let failed = supervisor.run(async {}).await.unwrap_err();
        assert_eq!(failed.to_string(), "task writer failed: disk full");
    }

    #[tokio::test(start_paused = true)]
    async fn task_that_does_not_end_is_named_after_the_limit() {
        let supervisor = Supervisor::new();
        supervisor.spawn("stuck", pending::<()>());
        supervisor.spawn("follower", until_drain(&supervisor));
        let failed = supervisor.run(async {}).await.unwrap_err();
        assert_eq!(failed.to_string(), "task stuck did not end within 25 s of draining");
    }
}
