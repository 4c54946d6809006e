//! The tables that this library keeps in every database, in a migration log of its own, beside the service's.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::ConnectionTrait;

use crate::dialect;

pub(crate) struct SharedTables;

#[async_trait::async_trait]
impl MigratorTrait for SharedTables {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(IncarnationAndRequests), Box::new(Outbox)]
    }

    fn migration_table_name() -> DynIden {
        "tandem_migrations".into_iden()
    }
}

struct IncarnationAndRequests;

const TABLES: [&str; 3] = [
    // At most one row: `id` can hold nothing but 1.
    "CREATE TABLE tandem_incarnation (
        id INTEGER PRIMARY KEY CHECK (id = 1), incarnation BIGINT NOT NULL)",
    "CREATE TABLE tandem_requests (
        tenant TEXT NOT NULL, request_id TEXT NOT NULL, method TEXT NOT NULL, request_hash BIGINT NOT NULL,
        response BLOB NOT NULL, created_at BIGINT NOT NULL,
        PRIMARY KEY (tenant, request_id))",
    "CREATE INDEX tandem_requests_age ON tandem_requests (created_at)",
];

impl MigrationName for IncarnationAndRequests {
    fn name(&self) -> &str {
        "m0001_incarnation_and_requests"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for IncarnationAndRequests {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for statement in TABLES {
            db.execute_unprepared(&dialect(db.get_database_backend(), statement)).await?;
        }
        Ok(())
    }
}

struct Outbox;

const OUTBOX: &str = "CREATE TABLE tandem_outbox (
    put_at BIGINT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (put_at, id))";

impl MigrationName for Outbox {
    fn name(&self) -> &str {
        "m0002_outbox"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Outbox {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        db.execute_unprepared(&dialect(db.get_database_backend(), OUTBOX)).await.map(drop)
    }
}
