//! Schemas, up and down.

use sea_orm::ConnectionTrait;
use tandem_storage::{Database, Rows, StoreError};
use tandem_testkit::database::Place;

use crate::schema::{Counters, NoTables, SecondFails, count, increment};

pub(crate) async fn failing_migration_takes_back_the_ones_before_it() {
    let place = Place::new().await;
    let error = Database::open::<SecondFails>(&place.of("counters")).await.unwrap_err();
    assert!(matches!(error, StoreError::Migration(_)), "{error:?}");

    // The first one would fail on a table that is already there.
    let database = Database::open::<Counters>(&place.of("counters")).await.unwrap();
    assert_eq!(count(&database.reader(Rows::OfEveryTenant)).await, 0);
}

pub(crate) async fn replicas_that_start_together_make_one_schema() {
    let place = Place::new().await;
    let starting = (0..8).map(|_| {
        let location = place.of("counters");
        tokio::spawn(async move { Database::open::<Counters>(&location).await })
    });
    let mut incarnations = Vec::new();
    for started in starting.collect::<Vec<_>>() {
        let database = started.await.unwrap().unwrap();
        incarnations.push(database.incarnation());
        database.write(Rows::OfEveryTenant, |tx| Box::pin(increment(tx))).await.unwrap();
    }
    incarnations.dedup();
    assert_eq!(incarnations.len(), 1);
    let database = Database::open::<Counters>(&place.of("counters")).await.unwrap();
    assert_eq!(count(&database.reader(Rows::OfEveryTenant)).await, 8);
}

pub(crate) async fn migration_that_is_taken_back_can_be_made_again() {
    let place = Place::new().await;
    let database = Database::open::<Counters>(&place.of("counters")).await.unwrap();
    let incarnation = database.incarnation();
    database.write(Rows::OfEveryTenant, |tx| Box::pin(increment(tx))).await.unwrap();
    database.close().await.unwrap();

    Database::migrate_down::<Counters>(&place.of("counters"), None).await.unwrap();
    let database = Database::open::<NoTables>(&place.of("counters")).await.unwrap();
    database.reader(Rows::OfEveryTenant).execute_unprepared("SELECT value FROM counter").await.unwrap_err();
    database.close().await.unwrap();

    let database = Database::open::<Counters>(&place.of("counters")).await.unwrap();
    assert_eq!(
        (database.incarnation(), count(&database.reader(Rows::OfEveryTenant)).await),
        (incarnation, 0)
    );
}

pub(crate) async fn services_of_one_place_do_not_see_each_other() {
    let place = Place::new().await;
    let one = Database::open::<Counters>(&place.of("one")).await.unwrap();
    let two = Database::open::<Counters>(&place.of("two")).await.unwrap();
    one.write(Rows::OfEveryTenant, |tx| Box::pin(increment(tx))).await.unwrap();
    assert_eq!(
        (count(&one.reader(Rows::OfEveryTenant)).await, count(&two.reader(Rows::OfEveryTenant)).await),
        (1, 0)
    );
    assert_ne!(one.incarnation(), two.incarnation());
}
