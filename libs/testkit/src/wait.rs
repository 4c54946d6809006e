//! Waiting for a condition instead of for a time.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// After this long a condition counts as one that never comes.
const LIMIT: Duration = Duration::from_secs(60);

/// How often a condition that nothing announces is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Looks until there is an answer.
///
/// # Panics
/// There is none within a minute.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = look().await {
            return answer;
        }
        assert!(started.elapsed() < LIMIT, "waited {} s in vain until {what}", LIMIT.as_secs());
        sleep(LOOK).await;
    }
}
