//! The schema of the authority's store. The tenant comes first in every key, so that tables partition by it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::ConnectionTrait;
use tandem_storage::dialect;

/// Every migration, oldest first.
#[derive(Debug)]
pub(crate) struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(Policies),
            Box::new(AuditLog),
            Box::new(Plans),
            Box::new(Approvals),
            Box::new(PolicyChanges),
            Box::new(Rollouts),
            Box::new(History),
            Box::new(RolloutDevices),
        ]
    }
}

struct Policies;

const TABLES: [&str; 3] = [
    tandem_storage::tenants::TABLE,
    // `body` is the encoded message with what the hierarchy says and nothing of ours; the columns beside it are ours. `update_time` is in
    // microseconds since 1970.
    "CREATE TABLE policies (
        tenant TEXT NOT NULL, hierarchy TEXT NOT NULL, body BLOB NOT NULL, etag BIGINT NOT NULL, revision BIGINT NOT NULL,
        update_time BIGINT NOT NULL, updated_by TEXT NOT NULL,
        PRIMARY KEY (tenant, hierarchy))",
    // What was ever recorded. The last column of the key gives the newest first.
    "CREATE TABLE policy_revisions (
        tenant TEXT NOT NULL, hierarchy TEXT NOT NULL, revision BIGINT NOT NULL, body BLOB NOT NULL, etag BIGINT NOT NULL,
        update_time BIGINT NOT NULL, updated_by TEXT NOT NULL,
        PRIMARY KEY (tenant, hierarchy, revision))",
];

impl MigrationName for Policies {
    fn name(&self) -> &str {
        "m0001_policies"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Policies {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for statement in TABLES {
            db.execute_unprepared(&dialect(db.get_database_backend(), statement)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["policy_revisions", "policies", "tenants"] {
            manager.get_connection().execute_unprepared(&format!("DROP TABLE {table}")).await?;
        }
        Ok(())
    }
}

struct AuditLog;

const AUDIT_TABLES: [&str; 7] = [
    // Where each tenant's chain ends; whoever adds to it locks this row first.
    "CREATE TABLE audit_chains (
        tenant TEXT NOT NULL PRIMARY KEY, sequence BIGINT NOT NULL, hash TEXT NOT NULL)",
    // The entry is what is hashed; what stands beside it is for finding it. `time` is in microseconds since 1970.
    "CREATE TABLE audit_records (
        tenant TEXT NOT NULL, sequence BIGINT NOT NULL, event_id TEXT NOT NULL, time BIGINT NOT NULL, kind INTEGER NOT NULL,
        method TEXT NOT NULL, principal TEXT NOT NULL, resource TEXT NOT NULL, previous TEXT NOT NULL, entry TEXT NOT NULL,
        hash TEXT NOT NULL,
        PRIMARY KEY (tenant, sequence))",
    "CREATE UNIQUE INDEX audit_records_by_event ON audit_records (tenant, event_id)",
    "CREATE INDEX audit_records_by_principal ON audit_records (tenant, principal, sequence)",
    "CREATE INDEX audit_records_by_method ON audit_records (tenant, method, sequence)",
    "CREATE INDEX audit_records_by_resource ON audit_records (tenant, resource, sequence)",
    // Heads that were given out. `time` is in seconds since 1970, as it is signed.
    "CREATE TABLE audit_heads (
        tenant TEXT NOT NULL, sequence BIGINT NOT NULL, hash TEXT NOT NULL, time BIGINT NOT NULL, public_key BLOB NOT NULL,
        signature BLOB NOT NULL,
        PRIMARY KEY (tenant, sequence))",
];

impl MigrationName for AuditLog {
    fn name(&self) -> &str {
        "m0002_audit_log"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for AuditLog {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for statement in AUDIT_TABLES {
            db.execute_unprepared(&dialect(db.get_database_backend(), statement)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["audit_heads", "audit_records", "audit_chains"] {
            manager.get_connection().execute_unprepared(&format!("DROP TABLE {table}")).await?;
        }
        Ok(())
    }
}

struct Plans;

const PLAN_TABLES: [&str; 3] = [
    // `content` is the encoded message that `hash` is of; `plan` is the beginning of it. Times are in microseconds since 1970.
    "CREATE TABLE plans (
        tenant TEXT NOT NULL, hierarchy TEXT NOT NULL, plan TEXT NOT NULL, hash TEXT NOT NULL, content BLOB NOT NULL,
        create_time BIGINT NOT NULL, created_by TEXT NOT NULL, apply_time BIGINT, applied_by TEXT,
        PRIMARY KEY (tenant, hierarchy, plan))",
    "CREATE INDEX plans_by_time ON plans (tenant, hierarchy, create_time, plan)",
    // `body` is the encoded policy of the plan.
    "CREATE TABLE desired_policies (
        tenant TEXT NOT NULL, hierarchy TEXT NOT NULL, body BLOB NOT NULL, plan TEXT NOT NULL, revision BIGINT NOT NULL,
        update_time BIGINT NOT NULL, updated_by TEXT NOT NULL,
        PRIMARY KEY (tenant, hierarchy))",
];

impl MigrationName for Plans {
    fn name(&self) -> &str {
        "m0003_plans"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Plans {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for statement in PLAN_TABLES {
            db.execute_unprepared(&dialect(db.get_database_backend(), statement)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["desired_policies", "plans"] {
            manager.get_connection().execute_unprepared(&format!("DROP TABLE {table}")).await?;
        }
        Ok(())
    }
}

struct Approvals;

const APPROVAL_TABLES: [&str; 3] = [
    // `body` is the rules as JSON. A tenant without a row has the defaults.
    "CREATE TABLE approval_rules (
        tenant TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL, etag BIGINT NOT NULL, update_time BIGINT NOT NULL,
        updated_by TEXT NOT NULL)",
    // One per plan: `body` is the request and its answers as JSON, `reasons` a list of texts.
    "CREATE TABLE approval_requests (
        tenant TEXT NOT NULL, hierarchy TEXT NOT NULL, plan TEXT NOT NULL, body TEXT NOT NULL, reasons TEXT NOT NULL,
        why TEXT NOT NULL, ticket TEXT NOT NULL, create_time BIGINT NOT NULL, apply_when_approved BOOLEAN NOT NULL,
        apply_problem TEXT NOT NULL, applied BOOLEAN NOT NULL,
        PRIMARY KEY (tenant, hierarchy, plan))",
    "CREATE INDEX approval_requests_by_time ON approval_requests (tenant, hierarchy, create_time, plan)",
];

impl MigrationName for Approvals {
    fn name(&self) -> &str {
        "m0004_approvals"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Approvals {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for statement in APPROVAL_TABLES {
            db.execute_unprepared(&dialect(db.get_database_backend(), statement)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["approval_requests", "approval_rules"] {
            manager.get_connection().execute_unprepared(&format!("DROP TABLE {table}")).await?;
        }
        Ok(())
    }
}

struct PolicyChanges;

impl MigrationName for PolicyChanges {
    fn name(&self) -> &str {
        "m0005_policy_changes"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for PolicyChanges {
    /// `changes` is a JSON object: by workload, when what decides it last changed, in microseconds since 1970. Of policies that were recorded
    /// before, nobody said.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let add = "ALTER TABLE policies ADD COLUMN changes TEXT NOT NULL DEFAULT '{}'";
        manager.get_connection().execute_unprepared(add).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("ALTER TABLE policies DROP COLUMN changes").await?;
        Ok(())
    }
}

struct Rollouts;

const ROLLOUT_TABLES: [&str; 7] = [
    // `state` is the rollout as the domain reads it, `approval` the approvals that were asked for, `shown` the encoded message without what the
    // other columns say. `revision` grows with every change, `etag` with every change of a phase; `moving`: it was started and is not
    // over. Times are in microseconds since 1970.
    "CREATE TABLE rollouts (
        tenant TEXT NOT NULL, hierarchy TEXT NOT NULL, rollout TEXT NOT NULL, workload TEXT NOT NULL, phase TEXT NOT NULL,
        moving BOOLEAN NOT NULL, revision BIGINT NOT NULL, etag BIGINT NOT NULL, state TEXT NOT NULL, approval TEXT,
        shown BLOB NOT NULL, create_time BIGINT NOT NULL, created_by TEXT NOT NULL, update_time BIGINT NOT NULL,
        PRIMARY KEY (tenant, hierarchy, rollout))",
    "CREATE INDEX rollouts_by_time ON rollouts (tenant, hierarchy, create_time, rollout)",
    // A workload of a hierarchy is moved by one rollout at a time.
    "CREATE UNIQUE INDEX rollouts_moving ON rollouts (tenant, hierarchy, workload) WHERE moving",
    // What was given out to be done. `devices`: their ids as JSON. `open`: it is to be done now.
    "CREATE TABLE rollout_actions (
        tenant TEXT NOT NULL, hierarchy TEXT NOT NULL, rollout TEXT NOT NULL, sequence BIGINT NOT NULL, action TEXT NOT NULL,
        wave INTEGER NOT NULL, collection TEXT NOT NULL, adds BOOLEAN NOT NULL, takes_back BOOLEAN NOT NULL, devices TEXT NOT NULL,
        open BOOLEAN NOT NULL, give_time BIGINT NOT NULL, confirm_time BIGINT, confirmed_by TEXT,
        PRIMARY KEY (tenant, hierarchy, rollout, sequence))",
    "CREATE UNIQUE INDEX rollout_actions_by_id ON rollout_actions (tenant, hierarchy, rollout, action)",
    // A tenant has a row while it is frozen.
    "CREATE TABLE freezes (
        tenant TEXT NOT NULL PRIMARY KEY, frozen_by TEXT NOT NULL, why TEXT NOT NULL, since BIGINT NOT NULL)",
    // Which process steps the tenant's rollouts, and until when. `fence` grows with every change of holder. Whoever writes anything of the
    // tables above locks this row first.
    "CREATE TABLE leases (
        tenant TEXT NOT NULL PRIMARY KEY, holder TEXT NOT NULL, fence BIGINT NOT NULL, expire_time BIGINT NOT NULL)",
];

impl MigrationName for Rollouts {
    fn name(&self) -> &str {
        "m0006_rollouts"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Rollouts {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for statement in ROLLOUT_TABLES {
            db.execute_unprepared(&dialect(db.get_database_backend(), statement)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["leases", "freezes", "rollout_actions", "rollouts"] {
            manager.get_connection().execute_unprepared(&format!("DROP TABLE {table}")).await?;
        }
        Ok(())
    }
}

struct History;

const HISTORY_TABLES: [&str; 5] = [
    // What of a device its decisions depend on, as JSON, from one moment up to another; of the current version there is no other moment. Times
    // are in microseconds since 1970. `first_look`: nobody had looked before.
    "CREATE TABLE device_states (
        tenant TEXT NOT NULL, device TEXT NOT NULL, from_time BIGINT NOT NULL, to_time BIGINT, revision BIGINT NOT NULL,
        first_look BOOLEAN NOT NULL, state TEXT NOT NULL,
        PRIMARY KEY (tenant, device, from_time))",
    "CREATE UNIQUE INDEX device_states_now ON device_states (tenant, device) WHERE to_time IS NULL",
    "CREATE INDEX device_states_ended ON device_states (to_time) WHERE to_time IS NOT NULL",
    // The collections of a hierarchy whose members were known completely from that moment on, as a JSON list of ids: of those alone that a policy
    // ever named.
    "CREATE TABLE complete_collections (
        tenant TEXT NOT NULL, hierarchy TEXT NOT NULL, from_time BIGINT NOT NULL, collections TEXT NOT NULL,
        PRIMARY KEY (tenant, hierarchy, from_time))",
    // How far the inventory's feed was kept, and which process keeps it until when. `last_time`: the newest moment of all versions. `complete`:
    // every device was looked at once. `basis` says what states were read by, `named` the collections that are kept of a device, as JSON.
    "CREATE TABLE history_cursors (
        tenant TEXT NOT NULL PRIMARY KEY, holder TEXT NOT NULL, fence BIGINT NOT NULL, expire_time BIGINT NOT NULL,
        last_time BIGINT NOT NULL, complete BOOLEAN NOT NULL, resume_token TEXT NOT NULL, basis TEXT NOT NULL, named TEXT NOT NULL)",
];

impl MigrationName for History {
    fn name(&self) -> &str {
        "m0007_history"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for History {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for statement in HISTORY_TABLES {
            db.execute_unprepared(&dialect(db.get_database_backend(), statement)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["history_cursors", "complete_collections", "device_states"] {
            manager.get_connection().execute_unprepared(&format!("DROP TABLE {table}")).await?;
        }
        Ok(())
    }
}

struct RolloutDevices;

const ROLLOUT_DEVICE_TABLES: [&str; 2] = [
    // The devices of rollouts, each in one wave; `rollouts.state` has none since. `batch`: the sequence of the action that hands it over, -1
    // before; `handed_over_at` is 0 then. `standing` is its number in the contract.
    "CREATE TABLE rollout_devices (
        tenant TEXT NOT NULL, hierarchy TEXT NOT NULL, rollout TEXT NOT NULL, device TEXT NOT NULL, wave INTEGER NOT NULL,
        bucket INTEGER NOT NULL, batch BIGINT NOT NULL, handed_over_at BIGINT NOT NULL, configured BOOLEAN NOT NULL,
        arrived BOOLEAN NOT NULL, standing INTEGER NOT NULL,
        PRIMARY KEY (tenant, hierarchy, rollout, device))",
    "CREATE INDEX rollout_devices_by_wave ON rollout_devices (tenant, hierarchy, rollout, wave, device)",
];

impl MigrationName for RolloutDevices {
    fn name(&self) -> &str {
        "m0008_rollout_devices"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for RolloutDevices {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for statement in ROLLOUT_DEVICE_TABLES {
            db.execute_unprepared(&dialect(db.get_database_backend(), statement)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("DROP TABLE rollout_devices").await?;
        Ok(())
    }
}
