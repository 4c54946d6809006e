//! Rules of a tenant's own, written in CEL over the facts of a device.
//!
//! - [`facts`]: what a rule may ask about, with its type.
//! - [`check`]: the types of an expression, so that what is accepted cannot fail by its types.
//! - [`CustomRule`]: a rule that was parsed and checked, and its outcome of a device.
//! - [`dry_run`]: its outcomes of a fleet.
//! - [`enabled`]: the rules of a tenant that devices are judged by, and what comes of them of a device.
//! - [`counts`]: what came of them of a fleet.
//!
//! A rule is an expression that is true of a device that satisfies it. It is unknown where a fact that decides it is missing: never a
//! pass. Its cost is bounded before it runs: its text and the number of its nodes are capped, comprehensions, maps and functions that are
//! not listed are refused. An expression that still fails, as by a division by zero, says so of that device and of no other.

mod check;
pub(crate) mod counts;
pub(crate) mod dry_run;
pub(crate) mod enabled;
pub mod facts;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::sync::Arc;

use cel::{Context, Env, ExecutionError, Program, Value};
use jiff::Timestamp;
use tandem_domain::facts::DeviceFacts;
use tandem_domain::tenant::TenantFacts;

use facts::{FACTS, FactDeclaration, timestamp};

/// Longest expression, in bytes.
pub const MOST_BYTES: usize = 4096;

/// Most nodes of an expression: names, literals, operators and calls.
pub const MOST_NODES: usize = 200;

/// What reading the deepest expression takes, many times over.
const READING_STACK: usize = 64 << 20;

/// Why an expression is no rule, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line and column, from 1, in characters. `None`: of the whole.
    pub position: Option<(usize, usize)>,
    /// What was expected and found.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some((line, column)) => write!(f, "line {line}, column {column}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// Why an expression is no rule, in one text; `None`: it is one.
pub(crate) fn problem_of(expression: &str) -> Option<String> {
    CustomRule::parse(expression).err().map(|problems| in_one_text(&problems))
}

/// Problems in one text.
pub(crate) fn in_one_text(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// What became of a rule of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CustomOutcome {
    /// It is true.
    Satisfied,
    /// It is false.
    Unsatisfied,
    /// A fact that decides it is missing: its name, without `device.`.
    Unknown {
        /// The fact.
        missing: String,
    },
    /// It cannot be computed.
    Failed {
        /// Why.
        why: String,
    },
}

/// What kind of outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CustomOutcomeKind {
    /// The rule is true.
    Satisfied,
    /// It is false.
    Unsatisfied,
    /// A fact that decides it is missing.
    Unknown,
    /// It cannot be computed.
    Failed,
}

impl CustomOutcomeKind {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Satisfied, Self::Unsatisfied, Self::Unknown, Self::Failed];

    /// Its place among them.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl CustomOutcome {
    /// Of what kind it is.
    #[must_use]
    pub const fn kind(&self) -> CustomOutcomeKind {
        match self {
            Self::Satisfied => CustomOutcomeKind::Satisfied,
            Self::Unsatisfied => CustomOutcomeKind::Unsatisfied,
            Self::Unknown { .. } => CustomOutcomeKind::Unknown,
            Self::Failed { .. } => CustomOutcomeKind::Failed,
        }
    }
}

/// A rule that was parsed and checked.
pub struct CustomRule {
    program: Program,
    env: Arc<Env>,
    facts: Vec<&'static FactDeclaration>,
    nodes: usize,
    asks_for_now: bool,
}

impl fmt::Debug for CustomRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CustomRule").field("nodes", &self.nodes).finish_non_exhaustive()
    }
}

impl CustomRule {
    /// Reads an expression and checks it against the types of the facts.
    ///
    /// # Errors
    /// Every problem of its grammar, or the first of its types, with its position.
    pub fn parse(expression: &str) -> Result<Self, Vec<Problem>> {
        let now = |error: io::Error| {
            Err(vec![Problem { position: None, what: format!("cannot be read now: {error}") }])
        };
        Self::try_parse(expression).unwrap_or_else(now)
    }

    /// The same, where not being able to read now is another thing than not being a rule.
    pub(crate) fn try_parse(expression: &str) -> io::Result<Result<Self, Vec<Problem>>> {
        let whole = |what: String| vec![Problem { position: None, what }];
        if expression.len() > MOST_BYTES {
            let found = expression.len();
            return Ok(Err(whole(format!("must have at most {MOST_BYTES} bytes; found {found}"))));
        }
        if expression.trim().is_empty() {
            return Ok(Err(whole("must be an expression that is true of a device; found none".to_owned())));
        }
        // Texts are read by recursion, up to a depth that needs more stack than a worker has.
        let reading = || Self::read(expression);
        let read = std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("custom rule".to_owned()).stack_size(READING_STACK);
            thread.spawn_scoped(scope, reading).map(std::thread::ScopedJoinHandle::join)
        });
        match read {
            Ok(Ok(read)) => Ok(read),
            Ok(Err(_)) => Ok(Err(whole(
                "must be an expression that can be read; reading this one broke off".to_owned(),
            ))),
            Err(error) => Err(error),
        }
    }

    fn read(expression: &str) -> Result<Self, Vec<Problem>> {
        // Options are values that no fact has.
        let env = Arc::new(Env::stdlib().with_optional_support(false));
        let program = env.compile(expression).map_err(|errors| {
            let problem = |error: cel::ParseError| Problem {
                position: usize::try_from(error.pos.0).ok().zip(usize::try_from(error.pos.1).ok()),
                what: error.msg,
            };
            errors.errors.into_iter().map(problem).collect::<Vec<_>>()
        })?;
        let checked = check::check(&program).map_err(|problem| vec![problem])?;
        let used: BTreeSet<&str> = checked.facts;
        let facts = FACTS.iter().filter(|fact| used.contains(fact.name)).collect();
        Ok(Self { program, env, facts, nodes: checked.nodes, asks_for_now: checked.asks_for_now })
    }

    /// The facts that it asks about.
    #[must_use]
    pub fn facts(&self) -> &[&'static FactDeclaration] {
        &self.facts
    }

    /// How many nodes it has: what it costs at most.
    #[must_use]
    pub const fn nodes(&self) -> usize {
        self.nodes
    }

    /// Whether it asks for the moment of judging.
    #[must_use]
    pub const fn asks_for_now(&self) -> bool {
        self.asks_for_now
    }

    /// What becomes of it of a device at a moment.
    #[must_use]
    pub fn outcome(&self, device: &DeviceFacts, tenant: &TenantFacts, now: Timestamp) -> CustomOutcome {
        let said =
            self.facts.iter().filter_map(|fact| Some((fact.name.to_owned(), (fact.of)(device, tenant)?)));
        let said: std::collections::HashMap<String, Value> = said.collect();
        let mut context = Context::with_env(Arc::clone(&self.env));
        context.add_variable_from_value("device", said);
        if let Some(now) = timestamp(now) {
            context.add_variable_from_value("now", now);
        }
        match self.program.execute(&context) {
            Ok(Value::Bool(true)) => CustomOutcome::Satisfied,
            Ok(Value::Bool(false)) => CustomOutcome::Unsatisfied,
            Ok(other) => {
                CustomOutcome::Failed { why: format!("must be true or false; found {}", other.type_of()) }
            }
            Err(ExecutionError::NoSuchKey(missing)) => {
                CustomOutcome::Unknown { missing: missing.to_string() }
            }
            Err(error) => CustomOutcome::Failed { why: error.to_string() },
        }
    }
}
