//! The production engine: how its connections are set up, how its schema is made, and what its error codes mean.
//!
//! Each service has a schema of its own in one database, and sees nothing else: the schema is its connections' search path.
//!
//! Write transactions read what is committed (READ COMMITTED). That is enough because whoever writes first locks its tenant's row: what a
//! later statement reads of that tenant cannot change any more before the commit.

use std::io;
use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sea_orm::sqlx::{self, ConnectOptions, Connection, Row};
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, RuntimeErr, Statement};

use crate::StoreError;
use crate::error::Class;

/// Connections of one process that write. Writers of one tenant wait for its row one behind the other; more connections serve more
/// tenants at once.
const WRITERS: u32 = 8;
/// Connections of one process that read.
const READERS: u32 = 8;
/// How long a call waits for a connection: a restart of the server takes seconds, and callers have deadlines.
const WAIT: Duration = Duration::from_secs(5);
/// A connection without work for this long is closed.
const IDLE: Duration = Duration::from_secs(300);
/// A connection that was used within this time is not tested before it is used again.
const FRESH: Duration = Duration::from_secs(1);
/// Longest name of a schema, in bytes: the server cuts off what is longer.
const LONGEST_NAME: usize = 63;

/// What is set on every connection. Times are in milliseconds, those of TCP in seconds.
const SETTINGS: [(&str, &str); 6] = [
    // The longest batches take seconds.
    ("statement_timeout", "30000"),
    // Whoever waits longer for a row begins anew.
    ("lock_timeout", "5000"),
    // Between two statements of a transaction this process computes for less than a second. One that is gone without a word (its
    // network is cut) must not hold its tenant's row.
    ("idle_in_transaction_session_timeout", "15000"),
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
];

/// The pools of a database, whose writer and readers are opened lazily: no connection is made before it is needed.
pub(crate) fn open(url: &str, schema: &str) -> Result<(DatabaseConnection, DatabaseConnection), StoreError> {
    check_name(schema)?;
    let options: PgConnectOptions = url.parse().map_err(connection_error)?;
    let options = options
        .application_name(&format!("tandem-{schema}"))
        .options(SETTINGS)
        .options([("search_path", schema)])
        .disable_statement_logging();
    let reader = options.clone().options([("default_transaction_read_only", "on")]);
    Ok((pool(WRITERS, options).into(), pool(READERS, reader).into()))
}

fn pool(connections: u32, options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections)
        .min_connections(0)
        .acquire_timeout(WAIT)
        .idle_timeout(IDLE)
        .test_before_acquire(false)
        .after_connect(|connection, _| Box::pin(refuse_standby(connection)))
        .before_acquire(|connection, meta| {
            Box::pin(async move { Ok(meta.idle_for < FRESH || connection.ping().await.is_ok()) })
        })
        .connect_lazy_with(options)
}

/// A standby takes no writes, and its answers are old: after a failover an address may lead to one for a while.
async fn refuse_standby(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let row = sqlx::query("SELECT pg_is_in_recovery()").fetch_one(connection).await?;
    if row.try_get::<bool, _>(0)? {
        return Err(sqlx::Error::Io(io::Error::other("the server is a standby, expected the primary")));
    }
    Ok(())
}

/// Makes the schema where missing, and holds everybody else who would bring it up to date until the transaction ends: replicas may start
/// together. Migrations may take as long as they need.
pub(crate) async fn claim_schema(tx: &DatabaseTransaction, schema: &str) -> Result<(), DbErr> {
    let statement = |sql: &str, values: Vec<sea_orm::Value>| {
        Statement::from_sql_and_values(tx.get_database_backend(), sql, values)
    };
    tx.execute_unprepared("SET LOCAL lock_timeout = 0").await?;
    tx.execute_unprepared("SET LOCAL statement_timeout = 0").await?;
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
    tx.query_one_raw(statement(lock, vec![format!("tandem schema {schema}").into()])).await?;
    // Asked first: making what is there already takes a right that an operator who made it himself need not give.
    let there = "SELECT to_regnamespace($1) IS NOT NULL";
    let row = tx.query_one_raw(statement(there, vec![schema.into()])).await?;
    if !row.map_or(Ok(false), |row| row.try_get_by_index(0))? {
        tx.execute_unprepared(&format!("CREATE SCHEMA {schema}")).await?;
    }
    Ok(())
}

/// A name that needs no quotes anywhere.
fn check_name(schema: &str) -> Result<(), StoreError> {
    let plain = schema.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain && schema.starts_with(|c: char| c.is_ascii_lowercase()) && schema.len() <= LONGEST_NAME {
        return Ok(());
    }
    Err(StoreError::Unavailable(DbErr::Custom(format!(
        "expected a schema name of lower-case letters, digits and underscores, at most {LONGEST_NAME} long; found {schema:?}"
    ))))
}

fn connection_error(error: sqlx::Error) -> StoreError {
    StoreError::Unavailable(DbErr::Conn(RuntimeErr::SqlxError(error.into())))
}

/// Reads an SQLSTATE (postgresql.org/docs/current/errcodes-appendix.html): five characters, of which two are its class.
pub(crate) fn class(state: &str) -> Class {
    match (state, state.get(..2).unwrap_or_default()) {
        // unique_violation
        ("23505", _) => Class::Conflict,
        // serialization_failure, deadlock_detected, lock_not_available
        ("40001" | "40P01" | "55P03", _) => Class::Serialization,
        // data_corrupted, index_corrupted
        ("XX001" | "XX002", _) => Class::Corrupt,
        // read_only_sql_transaction: a primary that became a standby. query_canceled: the statement's time was up.
        // idle_in_transaction_session_timeout: this process was stopped for too long.
        ("25006" | "57014" | "25P03", _) => Class::Unavailable,
        // connection exception, invalid authorization, invalid catalog name, insufficient resources, operator intervention, system error
        (_, "08" | "28" | "3D" | "53" | "57" | "58") => Class::Unavailable,
        _ => Class::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_by_themselves_or_by_their_class() {
        // too_many_connections, disk_full, admin_shutdown, cannot_connect_now, connection_failure, io_error; then foreign_key_violation,
        // undefined_table
        for (state, expected) in [
            ("23505", Class::Conflict),
            ("40001", Class::Serialization),
            ("40P01", Class::Serialization),
            ("55P03", Class::Serialization),
            ("53300", Class::Unavailable),
            ("53100", Class::Unavailable),
            ("57P01", Class::Unavailable),
            ("57P03", Class::Unavailable),
            ("08006", Class::Unavailable),
            ("58030", Class::Unavailable),
            ("25006", Class::Unavailable),
            ("XX001", Class::Corrupt),
            ("23503", Class::Other),
            ("42P01", Class::Other),
            ("", Class::Other),
        ] {
            assert_eq!(class(state), expected, "{state}");
        }
    }

    #[test]
    fn schema_name_that_would_need_quotes_is_refused() {
        assert!(check_name("inventory").is_ok());
        for name in ["", "Inventory", "a b", "1a", "a;b", &"a".repeat(64)] {
            let error = check_name(name).unwrap_err();
            assert!(matches!(error, StoreError::Unavailable(_)), "{name}: {error:?}");
        }
    }

    #[test]
    fn text_that_is_no_address_is_refused() {
        assert!(matches!(open("inventory.db", "inventory"), Err(StoreError::Unavailable(_))));
    }
}
