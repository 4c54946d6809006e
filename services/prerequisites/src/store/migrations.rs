//! The schema of this service's store. The tenant comes first in every key, so that tables partition by it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::ConnectionTrait;
use tandem_storage::{dialect, tenants};

/// Every migration, oldest first.
#[derive(Debug)]
pub(crate) struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(CustomRules), Box::new(EvaluationSettings)]
    }
}

struct CustomRules;

const TABLES: [&str; 2] = [
    tenants::TABLE,
    "CREATE TABLE custom_rules (
        tenant TEXT NOT NULL, rule TEXT NOT NULL, display_name TEXT NOT NULL, expression TEXT NOT NULL, blocking BOOLEAN NOT NULL,
        remediation TEXT NOT NULL, enabled BOOLEAN NOT NULL, revision BIGINT NOT NULL, create_time BIGINT NOT NULL,
        created_by TEXT NOT NULL, update_time BIGINT NOT NULL, updated_by TEXT NOT NULL,
        PRIMARY KEY (tenant, rule))",
];

impl MigrationName for CustomRules {
    fn name(&self) -> &str {
        "m0001_custom_rules"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CustomRules {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for statement in TABLES {
            db.execute_unprepared(&dialect(db.get_database_backend(), statement)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["custom_rules", "tenants"] {
            manager.get_connection().execute_unprepared(&format!("DROP TABLE {table}")).await?;
        }
        Ok(())
    }
}

struct EvaluationSettings;

const SETTINGS: &str = "CREATE TABLE evaluation_settings (
    tenant TEXT NOT NULL PRIMARY KEY, body BLOB NOT NULL, revision BIGINT NOT NULL, update_time BIGINT NOT NULL,
    updated_by TEXT NOT NULL)";

impl MigrationName for EvaluationSettings {
    fn name(&self) -> &str {
        "m0002_evaluation_settings"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for EvaluationSettings {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        db.execute_unprepared(&dialect(db.get_database_backend(), SETTINGS)).await.map(drop)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("DROP TABLE evaluation_settings").await.map(drop)
    }
}
