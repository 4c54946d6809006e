//! What only the server of production does: it encrypts, and it may stand still.
#![allow(clippy::unwrap_used, reason = "tests and what they share")]

use std::process::ExitCode;

use sea_orm_migration::prelude::*;
use tandem_storage::{Database, Location, StoreError};
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

fn main() -> ExitCode {
    Suite::new()
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
