//! What only the server of production does: it encrypts, it may stand still, and it holds statements to the rows of their tenant.
#![allow(clippy::unwrap_used, reason = "tests and what they share")]

use std::process::ExitCode;

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use sea_orm_migration::prelude::*;
use tandem_storage::{Database, Location, Rows, StoreError};
use tandem_testkit::certificates::Certificates;
use tandem_testkit::containers::Postgres;
use tandem_testkit::suite::Suite;

struct NoTables;

#[async_trait::async_trait]
impl MigratorTrait for NoTables {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        Vec::new()
    }
}

/// Notes of tenants.
struct Notes;

#[async_trait::async_trait]
impl MigratorTrait for Notes {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(CreateNotes)]
    }
}

struct CreateNotes;

impl MigrationName for CreateNotes {
    fn name(&self) -> &str {
        "m0001_notes"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateNotes {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = "CREATE TABLE notes (tenant TEXT NOT NULL PRIMARY KEY, note TEXT NOT NULL)";
        manager.get_connection().execute_unprepared(table).await.map(drop)
    }
}

fn main() -> ExitCode {
    Suite::new()
        .with_containers(
            "statement_that_forgot_its_tenant_sees_and_changes_that_of_its_transaction_alone",
            statement_that_forgot_its_tenant_sees_and_changes_that_of_its_transaction_alone,
        )
        .with_containers(
            "server_is_known_by_the_authority_that_the_address_names",
            server_is_known_by_the_authority_that_the_address_names,
        )
        .with_containers(
            "server_that_stands_still_is_unavailable_until_it_goes_on",
            server_that_stands_still_is_unavailable_until_it_goes_on,
        )
        .run()
}

/// A statement as it stands, in a transaction of those rows.
async fn run(database: &Database, rows: Rows<'_>, sql: &'static str) -> Result<u64, StoreError> {
    database
        .write(rows, move |tx| Box::pin(async move { Ok(tx.execute_unprepared(sql).await?.rows_affected()) }))
        .await
}

/// What a query without a condition sees.
async fn seen(database: &Database, rows: Rows<'_>) -> Vec<(String, String)> {
    let query = Statement::from_string(DbBackend::Postgres, "SELECT tenant, note FROM notes ORDER BY tenant");
    let rows = database.reader(rows).query_all_raw(query).await.unwrap();
    rows.iter().map(|row| (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap())).collect()
}

async fn statement_that_forgot_its_tenant_sees_and_changes_that_of_its_transaction_alone() {
    let postgres = Postgres::start().await;
    let location = Location::Postgres { url: postgres.url("postgres"), schema: "notes".into() };
    let database = Database::open::<Notes>(&location).await.unwrap();
    let (contoso, fabrikam) = (Rows::Of("contoso"), Rows::Of("fabrikam"));
    run(&database, contoso, "INSERT INTO notes VALUES ('contoso', 'first')").await.unwrap();
    run(&database, fabrikam, "INSERT INTO notes VALUES ('fabrikam', 'first')").await.unwrap();
    let note = |tenant: &str, note: &str| (tenant.to_owned(), note.to_owned());

    assert_eq!(run(&database, contoso, "UPDATE notes SET note = 'changed'").await.unwrap(), 1);
    assert_eq!(seen(&database, contoso).await, [note("contoso", "changed")]);
    assert_eq!(seen(&database, fabrikam).await, [note("fabrikam", "first")]);
    let both = [note("contoso", "changed"), note("fabrikam", "first")];
    assert_eq!(seen(&database, Rows::OfEveryTenant).await, both);
    for foreign in ["INSERT INTO notes VALUES ('nobody', 'x')", "UPDATE notes SET tenant = 'nobody'"] {
        let refused = run(&database, contoso, foreign).await.unwrap_err();
        assert!(format!("{refused:?}").contains("row-level security"), "{refused:?}");
    }
    assert_eq!(run(&database, contoso, "DELETE FROM notes").await.unwrap(), 1);
    assert_eq!(seen(&database, Rows::OfEveryTenant).await, [note("fabrikam", "first")]);
    // Nor does the tables' owner see anything who says nothing of a tenant, as a program would that goes past this library.
    let direct = sea_orm::Database::connect(postgres.url("postgres")).await.unwrap();
    let query = Statement::from_string(DbBackend::Postgres, "SELECT tenant FROM notes.notes");
    assert_eq!(direct.query_all_raw(query).await.unwrap().len(), 0);
}

async fn server_that_stands_still_is_unavailable_until_it_goes_on() {
    let postgres = Postgres::start().await;
    let location = Location::Postgres { url: postgres.url("postgres"), schema: "still".into() };
    let database = Database::open::<NoTables>(&location).await.unwrap();
    // Its connection is in use, and so not tested before the next use.
    database.ping().await.unwrap();
    postgres.pause().await;
    let silent = database.ping().await;
    assert!(matches!(silent, Err(StoreError::Unavailable(_))), "{silent:?}");
    postgres.unpause().await;
    database.ping().await.unwrap();
}

async fn server_is_known_by_the_authority_that_the_address_names() {
    let (postgres, certificates, others) =
        (Postgres::start().await, Certificates::make(), Certificates::make());
    postgres.encrypt(&certificates).await;
    let open = async |options: &str| {
        let url = format!("{}?{options}", postgres.url("postgres"));
        Database::open::<NoTables>(&Location::Postgres { url, schema: "encrypted".into() }).await
    };
    let database =
        open(&format!("sslmode=verify-full&sslrootcert={}", certificates.ca.display())).await.unwrap();
    database.ping().await.unwrap();
    let encrypted = "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'tandem-encrypted'";
    let found = postgres.column::<bool>("postgres", encrypted).await;
    assert!(!found.is_empty() && found.iter().all(|ssl| *ssl), "{found:?}");
    let stranger = open(&format!("sslmode=verify-full&sslrootcert={}", others.ca.display())).await;
    assert!(matches!(stranger, Err(StoreError::Unavailable(_))), "{stranger:?}");
    let plain = open("sslmode=disable").await;
    assert!(matches!(plain, Err(StoreError::Unavailable(_))), "{plain:?}");
}
