//! Databases for tests: empty ones, on the engine that a test runs on.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use tandem_storage::Location;
use tempfile::TempDir;

use crate::containers::{Postgres, USER};
use crate::suite::common_runtime;

tokio::task_local! {
    /// The engine that the running test is for.
    pub(crate) static ENGINE: Engine;
}

/// A database engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Embedded.
    Sqlite,
    /// In a container.
    Postgres,
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        })
    }
}

impl Engine {
    /// The engine that the running test is for; SQLite outside a suite.
    #[must_use]
    pub fn current() -> Self {
        ENGINE.try_with(|engine| *engine).unwrap_or(Self::Sqlite)
    }
}

/// A place where nothing is yet: a folder, or a database of a server that tests share. A folder goes with its place.
#[derive(Debug)]
pub struct Place {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Folder(TempDir),
    Database(String),
}

impl Place {
    /// A new place on the engine of the running test.
    ///
    /// # Panics
    /// It cannot be made.
    pub async fn new() -> Self {
        let kind = match Engine::current() {
            Engine::Sqlite => match tempfile::tempdir() {
                Ok(folder) => Kind::Folder(folder),
                Err(error) => panic!("no folder for the test: {error}"),
            },
            Engine::Postgres => Kind::Database(new_database().await),
        };
        Self { kind }
    }

    /// Where a service of that name has its database there.
    #[must_use]
    pub fn of(&self, service: &str) -> Location {
        match &self.kind {
            Kind::Folder(folder) => Location::scratch(folder.path().join(format!("{service}.db"))),
            Kind::Database(url) => Location::Postgres { url: url.clone(), schema: service.to_owned() },
        }
    }
}

/// The server that the tests of a target share.
static SERVER: Mutex<Option<Postgres>> = Mutex::new(None);

/// A new database on the shared server.
async fn new_database() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    // Containers live on a runtime that outlives the test.
    let made = tokio::task::spawn_blocking(move || {
        let mut shared = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
        common_runtime().block_on(async {
            let server = match shared.take() {
                Some(server) => server,
                // What these tests write need not survive the machine.
                None => Postgres::start_with(&["fsync=off", "full_page_writes=off"]).await,
            };
            let server = shared.insert(server);
            server.execute("postgres", &format!("CREATE DATABASE {name} OWNER {USER}")).await;
            server.url(&name)
        })
    });
    match made.await {
        Ok(url) => url,
        Err(error) => panic!("no database for the test: {error}"),
    }
}

/// Removes the shared server.
pub(crate) fn take_down() {
    let server = SERVER.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(server) = server {
        common_runtime().block_on(server.remove());
    }
}
