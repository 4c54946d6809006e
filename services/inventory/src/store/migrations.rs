//! The inventory's schema. The tenant comes first in every key, so that tables partition by it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;
use tandem_storage::dialect;

/// Every migration, oldest first.
#[derive(Debug)]
pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(First)]
    }
}

struct First;

impl MigrationName for First {
    fn name(&self) -> &'static str {
        "m0001_devices"
    }
}

/// The tables and indexes, in order. Written for both databases; see [`dialect`].
const UP: [&str; 20] = [
    // `revision` counts the commits that anybody is told of, `writes` all of them; whoever writes locks this row first.
    // `surroundings_revision` is the commit that last touched what surrounds devices.
    "CREATE TABLE tenants (
        tenant TEXT NOT NULL PRIMARY KEY,
        display_name TEXT NOT NULL,
        facts BLOB NOT NULL,
        etag BIGINT NOT NULL,
        revision BIGINT NOT NULL,
        surroundings_revision BIGINT NOT NULL,
        next_number BIGINT NOT NULL,
        writes BIGINT NOT NULL)",
    "CREATE TABLE hierarchies (
        tenant TEXT NOT NULL, hierarchy TEXT NOT NULL, display_name TEXT NOT NULL, etag BIGINT NOT NULL,
        PRIMARY KEY (tenant, hierarchy))",
    "CREATE TABLE sites (
        tenant TEXT NOT NULL, hierarchy TEXT NOT NULL, site TEXT NOT NULL, facts BLOB NOT NULL, etag BIGINT NOT NULL,
        PRIMARY KEY (tenant, hierarchy, site))",
    // A record is what a source keeps under one key of its own. `device` is empty until a section of it arrives: members of
    // collections may be named before. `body` has the identity keys that it brings, granted or not, and its sections.
    "CREATE TABLE records (
        tenant TEXT NOT NULL, record_no BIGINT NOT NULL, source TEXT NOT NULL, record_key TEXT NOT NULL, device TEXT NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (tenant, record_no))",
    "CREATE UNIQUE INDEX records_by_key ON records (tenant, source, record_key)",
    "CREATE INDEX records_by_device ON records (tenant, device)",
    // Strong keys have one holder; a hardware key that a second record of one source claimed is ambiguous and joins nobody.
    "CREATE TABLE device_keys (
        tenant TEXT NOT NULL, kind INTEGER NOT NULL, value TEXT NOT NULL, device TEXT NOT NULL, ambiguous BOOLEAN NOT NULL,
        PRIMARY KEY (tenant, kind, value))",
    "CREATE INDEX device_keys_by_device ON device_keys (tenant, device)",
    // The merge of a device's facets, beside the columns that filters use. The revision index *is* the change feed.
    "CREATE TABLE devices (
        tenant TEXT NOT NULL, device TEXT NOT NULL, revision BIGINT NOT NULL, removed BOOLEAN NOT NULL,
        folded_name TEXT NOT NULL, state INTEGER NOT NULL, hierarchy TEXT NOT NULL, site TEXT NOT NULL,
        join_type INTEGER NOT NULL, os_kind INTEGER NOT NULL, client INTEGER NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY (tenant, device))",
    "CREATE UNIQUE INDEX devices_by_revision ON devices (tenant, revision, device)",
    // `hierarchy` is empty for Tandem's own collections.
    "CREATE TABLE collections (
        tenant TEXT NOT NULL, collection_no BIGINT NOT NULL, hierarchy TEXT NOT NULL, collection TEXT NOT NULL,
        display_name TEXT NOT NULL, rule BLOB, limiting_collection TEXT NOT NULL, site_member_count BIGINT,
        members_complete BOOLEAN NOT NULL, observed_at BIGINT, etag BIGINT NOT NULL,
        PRIMARY KEY (tenant, collection_no))",
    "CREATE UNIQUE INDEX collections_by_name ON collections (tenant, hierarchy, collection)",
    // Members of imported collections, by record. Tandem's own name devices, in `own_members`.
    "CREATE TABLE members (
        tenant TEXT NOT NULL, collection_no BIGINT NOT NULL, record_no BIGINT NOT NULL,
        PRIMARY KEY (tenant, collection_no, record_no))",
    "CREATE INDEX members_by_record ON members (tenant, record_no)",
    "CREATE TABLE own_members (
        tenant TEXT NOT NULL, collection_no BIGINT NOT NULL, device TEXT NOT NULL,
        PRIMARY KEY (tenant, collection_no, device))",
    "CREATE INDEX own_members_by_device ON own_members (tenant, device)",
    "CREATE TABLE identity_conflicts (
        tenant TEXT NOT NULL, conflict_no BIGINT NOT NULL, kind INTEGER NOT NULL, value TEXT NOT NULL, holder TEXT NOT NULL,
        claimant TEXT NOT NULL, source TEXT NOT NULL, record_key TEXT NOT NULL, explanation TEXT NOT NULL,
        first_seen BIGINT NOT NULL,
        PRIMARY KEY (tenant, conflict_no), UNIQUE (tenant, kind, value, source, record_key))",
    "CREATE INDEX identity_conflicts_by_record ON identity_conflicts (tenant, source, record_key)",
    "CREATE INDEX identity_conflicts_by_holder ON identity_conflicts (tenant, holder)",
    "CREATE INDEX identity_conflicts_by_claimant ON identity_conflicts (tenant, claimant)",
];

/// What SQLite's planner is told of the tables (sqlite.org/fileformat2.html, `sqlite_stat1`): rows, then rows per value of each
/// longer prefix of the index. (The key of a table of bodies is an index that SQLite names.) It plans an empty database otherwise, takes a tenant for selective, and reads whole tables where
/// an index answers. The figures are of a fleet of a million; only their proportions matter.
const STATISTICS: [(&str, &str, &str); 11] = [
    ("records", "sqlite_autoindex_records_1", "1000000 1000000 1"),
    ("records", "records_by_key", "1000000 1000000 500000 1"),
    ("records", "records_by_device", "1000000 1000000 2"),
    ("device_keys", "device_keys", "1000000 1000000 250000 1"),
    ("device_keys", "device_keys_by_device", "1000000 1000000 4"),
    ("devices", "sqlite_autoindex_devices_1", "1000000 1000000 1"),
    ("devices", "devices_by_revision", "1000000 1000000 1000 1"),
    ("identity_conflicts", "identity_conflicts", "10000 10000 1"),
    ("identity_conflicts", "identity_conflicts_by_record", "10000 10000 5000 2"),
    ("identity_conflicts", "identity_conflicts_by_holder", "10000 10000 2"),
    ("identity_conflicts", "identity_conflicts_by_claimant", "10000 10000 2"),
];

/// Tables in the order in which they can be dropped.
const TABLES: [&str; 10] = [
    "identity_conflicts",
    "own_members",
    "members",
    "collections",
    "devices",
    "device_keys",
    "records",
    "sites",
    "hierarchies",
    "tenants",
];

#[async_trait::async_trait]
impl MigrationTrait for First {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for statement in UP {
            connection.execute_unprepared(&dialect(manager.get_database_backend(), statement)).await?;
        }
        if manager.get_database_backend() == DbBackend::Sqlite {
            // Makes the table of statistics; the second one makes this connection read them.
            connection.execute_unprepared("ANALYZE").await?;
            for (table, index, statistics) in STATISTICS {
                let row = format!("INSERT INTO sqlite_stat1 VALUES ('{table}', '{index}', '{statistics}')");
                connection.execute_unprepared(&row).await?;
            }
            connection.execute_unprepared("ANALYZE sqlite_schema").await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES {
            manager.get_connection().execute_unprepared(&format!("DROP TABLE {table}")).await?;
        }
        Ok(())
    }
}
