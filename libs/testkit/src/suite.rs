//! A harness for tests that run on both databases, or that need a container engine.
//!
//! The standard harness cannot say at run time that a test was left out. This one counts tests that need an engine as ignored where there
//! is none, and as failed where `TANDEM_REQUIRE_CONTAINERS=1` promises one.

use std::process::ExitCode;
use std::sync::OnceLock;

use libtest_mimic::{Arguments, Trial};
use tokio::runtime::{Builder, Runtime};

use crate::database::{ENGINE, Engine};
use crate::{containers, database};

/// The tests of one target.
#[derive(Debug, Default)]
pub struct Suite {
    trials: Vec<Trial>,
}

impl Suite {
    /// A suite without tests.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A test that needs nothing but itself.
    #[must_use]
    pub fn test<F, T>(mut self, name: &str, test: F) -> Self
    where
        F: Fn() -> T + Send + 'static,
        T: Future<Output = ()>,
    {
        self.trials.push(Trial::test(name, move || {
            runtime().block_on(test());
            Ok(())
        }));
        self
    }

    /// A test that runs once on SQLite and once on PostgreSQL; it gets its databases of [`database::Place::new`].
    #[must_use]
    pub fn on_both_databases<F, T>(mut self, name: &str, test: F) -> Self
    where
        F: Fn() -> T + Send + Clone + 'static,
        T: Future<Output = ()>,
    {
        for engine in [Engine::Sqlite, Engine::Postgres] {
            let test = test.clone();
            let run = move || {
                runtime().block_on(ENGINE.scope(engine, test()));
                Ok(())
            };
            let name = format!("{name}::{engine}");
            self.trials.push(if engine == Engine::Postgres {
                containers::trial(&name, run)
            } else {
                Trial::test(name, run)
            });
        }
        self
    }

    /// A test that needs containers.
    #[must_use]
    pub fn with_containers<F, T>(mut self, name: &str, test: F) -> Self
    where
        F: Fn() -> T + Send + 'static,
        T: Future<Output = ()>,
    {
        self.trials.push(containers::trial(name, move || {
            runtime().block_on(test());
            Ok(())
        }));
        self
    }

    /// Runs what the command line asks for, and takes down what the tests had in common.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let conclusion = libtest_mimic::run(&Arguments::from_args(), self.trials);
        database::take_down();
        conclusion.exit_code()
    }
}

/// A runtime like that of a service, for one test.
fn runtime() -> Runtime {
    build(Builder::new_multi_thread().worker_threads(2))
}

/// The runtime of what tests have in common: it outlives each of them.
pub(crate) fn common_runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| build(Builder::new_multi_thread().worker_threads(1)))
}

fn build(builder: &mut Builder) -> Runtime {
    match builder.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => panic!("no runtime for the test: {error}"),
    }
}

/// The `main` of a target whose tests run on both databases, each named by its path: `both_databases!(replays::first, replays::second);`
/// What runs once, with databases of its own choice, comes after a semicolon.
#[macro_export]
macro_rules! both_databases {
    ($($test:path),+ $(,)? $(; $($alone:path),+ $(,)?)?) => {
        fn main() -> ::std::process::ExitCode {
            $crate::suite::Suite::new()
                $(.on_both_databases(&stringify!($test).replace(' ', ""), $test))+
                $($(.test(&stringify!($alone).replace(' ', ""), $alone))+)?
                .run()
        }
    };
}
