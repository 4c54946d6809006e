//! Tokio's clock while a life is lived: it stands still, and goes on only where the product waits for it.

use std::cell::Cell;
use std::sync::mpsc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::unbounded_channel;

/// How long something may take before it counts as waiting for the clock.
const WAITS: Duration = Duration::from_millis(60);

/// How far the clock then goes at once: pauses of the product are some hundred milliseconds.
const LEAP: Duration = Duration::from_millis(250);

/// Of so many leaps without an end something counts as one that hangs.
const MOST_LEAPS: u32 = 200;

/// The product rests ten times as long as a look took.
const RESTS: u32 = 11;

thread_local! {
    /// How often anything came to its end, and how far the clock went meanwhile.
    static ENDED: Cell<u64> = const { Cell::new(0) };
    static LEAPS: Cell<u32> = const { Cell::new(0) };
}

/// Something came to its end. What rests because of the time that it took rests no longer.
pub(super) async fn ended() {
    ENDED.set(ENDED.get() + 1);
    let leaps = LEAPS.replace(0);
    if leaps > 0 {
        tokio::time::advance(LEAP * leaps * RESTS).await;
    }
}

/// Runs to the end, in a runtime of its own.
pub(super) fn run<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime: Runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let (done, is_done) = mpsc::channel::<()>();
    let (tick, mut ticks) = unbounded_channel();
    // As long as a thread of the runtime is busy, its clock does not go on by itself.
    runtime.spawn_blocking(move || {
        while is_done.recv_timeout(WAITS) == Err(mpsc::RecvTimeoutError::Timeout) {
            if tick.send(()).is_err() {
                break;
            }
        }
    });
    LEAPS.set(0);
    let pump = async {
        let mut before = (ENDED.get(), 0);
        while ticks.recv().await.is_some() {
            let now = ENDED.get();
            before = if before.0 == now { (now, before.1 + 1) } else { (now, 0) };
            if before.1 > MOST_LEAPS {
                return;
            }
            if before.1 > 0 {
                LEAPS.set(LEAPS.get() + 1);
                tokio::time::advance(LEAP).await;
            }
        }
    };
    let outcome = runtime.block_on(async {
        tokio::select! {
            biased;
            outcome = work => outcome,
            () = pump => Err("it hangs".to_owned()),
        }
    });
    drop(done);
    runtime.shutdown_background();
    outcome
}
