//! Random lives of a tenant against a small model of it: what is kept and answered is what the model says, whatever happens in which order.
//!
//! - `deed`: what may happen. `life`: lets it happen, to the service and to the model; `asking`: how the service is asked.
//! - `table`: who decides what. `spec`, `rollout`, `wave`: what a rollout does. `tenant`: all of a tenant's rollouts, its freeze, its lease.
//! - `policies`, `courses`, `finale`, `clock`: parts of a life. `past`: the same of what is kept of the past, in a test of its own.
//! - `site`: the hierarchy as it is, and what the inventory was told. `shown`, `check`: what is compared.
//!
//! The model shares no code with the product. Where processes die or race, several outcomes are right: the model keeps all of them until
//! something that is shown rules them out, and one must be left.
//!
//! A sequence is drawn from its number alone. `TANDEM_MODEL_SEQUENCES` says how many, `TANDEM_MODEL_FIRST` the first number: a failure names
//! both. Tokio's clock stands still, so what the product trusts or rests by it is the same in every run.

mod asking;
mod check;
mod clock;
mod courses;
mod deed;
mod finale;
mod life;
pub(crate) mod past;
mod policies;
mod rollout;
mod shown;
mod site;
mod spec;
mod table;
mod tenant;
mod wave;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use life::Life;

/// Sequences of an ordinary run: as many as take some ten seconds in a debug build.
const SEQUENCES: u64 = 24;

/// Deeds of a sequence, at most.
const LONGEST: usize = 50;

/// What came out, over all sequences: so that a run shows what it has seen.
type Seen = BTreeMap<String, u64>;

fn number_of(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

/// Lives one life.
fn live(deeds: Vec<deed::Deed>, seen: &Mutex<Seen>) -> Result<(), TestCaseError> {
    let phases = clock::run(Life::live(deeds)).map_err(TestCaseError::fail)?;
    let mut seen = seen.lock().unwrap();
    phases.into_iter().for_each(|phase| *seen.entry(phase).or_default() += 1);
    Ok(())
}

/// For whoever watches a long run.
#[expect(
    clippy::print_stderr,
    reason = "a run of thousands shows what it has seen, and a failure before it is shrunk"
)]
fn tell(text: &str) {
    eprintln!("{text}");
}

/// Draws the sequence of that number, lives it, and shrinks it if that goes wrong.
fn draw(number: u64, seen: &Mutex<Seen>) -> Result<(), String> {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    let config = Config { cases: 1, failure_persistence: None, max_shrink_iters: 250, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let is_shrinking = std::cell::Cell::new(false);
    let outcome = runner.run(&deed::any_life(LONGEST), |deeds| {
        let told = deeds.iter().map(|deed| format!("    {deed:?},\n")).collect::<String>();
        let lived = live(deeds, seen);
        if let Err(error) = &lived
            && !is_shrinking.replace(true)
        {
            tell(&format!("sequence {number} goes wrong, and is being shrunk: {error}\n{told}"));
        }
        lived
    });
    outcome.map_err(|error| match error {
        TestError::Fail(reason, deeds) => {
            let deeds: Vec<_> = deeds.iter().map(|deed| format!("    {deed:?},\n")).collect();
            format!(
                "sequence {number} (TANDEM_MODEL_FIRST={number} TANDEM_MODEL_SEQUENCES=1): {reason}\nat its shortest:\n{}",
                deeds.concat()
            )
        }
        TestError::Abort(reason) => format!("sequence {number}: {reason}"),
    })
}

pub(crate) async fn random_lives_are_what_the_model_says() {
    let (first, count) = (number_of("TANDEM_MODEL_FIRST", 0), number_of("TANDEM_MODEL_SEQUENCES", SEQUENCES));
    let (next, failures, seen) = (AtomicU64::new(first), Mutex::new(Vec::new()), Mutex::default());
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while failures.lock().unwrap().is_empty() {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= first + count {
                        break;
                    }
                    if let Err(failure) = draw(number, &seen) {
                        failures.lock().unwrap().push(failure);
                    }
                }
            });
        }
    });
    let seconds = started.elapsed().as_secs_f64();
    tell(&format!("{count} sequences in {seconds:.1} s: {:?}", seen.lock().unwrap()));
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
