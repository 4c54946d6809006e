//! A service's schema in the small: one counter.

use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};
use sea_orm_migration::prelude::*;
use tandem_storage::StoreError;

pub(crate) struct NoTables;

#[async_trait::async_trait]
impl MigratorTrait for NoTables {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        Vec::new()
    }
}

pub(crate) struct Counters;

#[async_trait::async_trait]
impl MigratorTrait for Counters {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(CreateCounter)]
    }
}

pub(crate) struct SecondFails;

#[async_trait::async_trait]
impl MigratorTrait for SecondFails {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(CreateCounter), Box::new(Broken)]
    }
}

struct CreateCounter;

impl MigrationName for CreateCounter {
    fn name(&self) -> &str {
        "m0001_counter"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateCounter {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        db.execute_unprepared("CREATE TABLE counter (id INTEGER PRIMARY KEY, value BIGINT NOT NULL)").await?;
        db.execute_unprepared("INSERT INTO counter (id, value) VALUES (1, 0)").await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("DROP TABLE counter").await?;
        Ok(())
    }
}

struct Broken;

impl MigrationName for Broken {
    fn name(&self) -> &str {
        "m0002_broken"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Broken {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("ALTER TABLE absent ADD COLUMN more TEXT").await?;
        Ok(())
    }
}

pub(crate) async fn count(connection: &impl ConnectionTrait) -> i64 {
    let select = Statement::from_string(connection.get_database_backend(), "SELECT value FROM counter");
    connection.query_one_raw(select).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

/// Orders the writers of the counter, as the lock of a tenant's row does.
pub(crate) async fn lock(tx: &DatabaseTransaction) -> Result<(), StoreError> {
    tx.execute_unprepared("UPDATE counter SET value = value WHERE id = 1").await?;
    Ok(())
}

/// Reads and writes in two statements under the lock, as a merge does.
pub(crate) async fn increment(tx: &DatabaseTransaction) -> Result<(), StoreError> {
    lock(tx).await?;
    let next = count(tx).await + 1;
    let update = Statement::from_sql_and_values(
        tx.get_database_backend(),
        "UPDATE counter SET value = $1 WHERE id = 1",
        [next.into()],
    );
    tx.execute_raw(update).await?;
    Ok(())
}
