//! Transactions, and what opening a database gives.

use sea_orm::ConnectionTrait;
use tandem_storage::{Database, Rows, StoreError};
use tandem_testkit::database::Place;

use crate::schema::{Counters, count, increment};

async fn open(place: &Place) -> Database {
    Database::open::<Counters>(&place.of("counters")).await.unwrap()
}

pub(crate) async fn concurrent_writers_keep_every_increment() {
    let place = Place::new().await;
    let database = open(&place).await;

    let writers = (0..8).map(|_| {
        let database = database.clone();
        tokio::spawn(async move {
            for _ in 0..25 {
                // Reads, then writes what it read plus one: an update is lost unless the transactions are one after the other.
                database.write(Rows::OfEveryTenant, |tx| Box::pin(increment(tx))).await?;
            }
            Ok::<_, StoreError>(())
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap().unwrap();
    }

    assert_eq!(count(&database.reader(Rows::OfEveryTenant)).await, 200);
}

pub(crate) async fn two_openings_of_one_database_keep_every_increment() {
    let place = Place::new().await;
    let (one, two) = (open(&place).await, open(&place).await);

    let write = |database: Database| async move {
        for _ in 0..25 {
            database.write(Rows::OfEveryTenant, |tx| Box::pin(increment(tx))).await?;
        }
        Ok::<_, StoreError>(())
    };
    let (first, second) = tokio::join!(write(one.clone()), write(two));
    first.unwrap();
    second.unwrap();

    assert_eq!(count(&one.reader(Rows::OfEveryTenant)).await, 50);
}

#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the rule forbids it")]
    Forbidden,
    #[error("the store failed")]
    Store(#[from] StoreError),
}

pub(crate) async fn error_in_the_work_leaves_nothing_behind() {
    let place = Place::new().await;
    let database = open(&place).await;

    let outcome: Result<(), Refusal> = database
        .write(Rows::OfEveryTenant, |tx| {
            Box::pin(async move {
                increment(tx).await?;
                Err(Refusal::Forbidden)
            })
        })
        .await;

    assert!(matches!(outcome, Err(Refusal::Forbidden)), "{outcome:?}");
    assert_eq!(count(&database.reader(Rows::OfEveryTenant)).await, 0);
    database.write(Rows::OfEveryTenant, |tx| Box::pin(increment(tx))).await.unwrap();
    assert_eq!(count(&database.reader(Rows::OfEveryTenant)).await, 1);
}

pub(crate) async fn dropped_write_leaves_nothing_behind_and_frees_the_writer() {
    let place = Place::new().await;
    let database = open(&place).await;

    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let begun = std::sync::Mutex::new(Some(begun));
    let stuck = database.write(Rows::OfEveryTenant, |tx| {
        let begun = begun.lock().unwrap().take();
        Box::pin(async move {
            increment(tx).await?;
            begun.unwrap().send(()).unwrap();
            std::future::pending::<Result<(), StoreError>>().await
        })
    });
    tokio::select! {
        _ = stuck => unreachable!("the work never ends"),
        started = has_begun => started.unwrap(),
    }

    database.write(Rows::OfEveryTenant, |tx| Box::pin(increment(tx))).await.unwrap();
    assert_eq!(count(&database.reader(Rows::OfEveryTenant)).await, 1);
}

pub(crate) async fn collision_is_tried_again_and_given_up_in_the_end() {
    let place = Place::new().await;
    let database = open(&place).await;
    let calls = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));

    let outcome: Result<(), StoreError> = database
        .write(Rows::OfEveryTenant, |_| {
            let calls = calls.clone();
            Box::pin(async move {
                calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                Err(StoreError::Serialization(sea_orm::DbErr::Custom("deadlock".into())))
            })
        })
        .await;

    assert!(matches!(outcome, Err(StoreError::Serialization(_))), "{outcome:?}");
    assert_eq!(calls.load(std::sync::atomic::Ordering::Relaxed), 5);
}

pub(crate) async fn reopened_database_keeps_its_data_and_incarnation() {
    let place = Place::new().await;
    let database = open(&place).await;
    let incarnation = database.incarnation();
    database.write(Rows::OfEveryTenant, |tx| Box::pin(increment(tx))).await.unwrap();
    database.close().await.unwrap();

    let database = open(&place).await;

    assert_eq!(
        (database.incarnation(), count(&database.reader(Rows::OfEveryTenant)).await),
        (incarnation, 1)
    );
}

pub(crate) async fn two_databases_have_two_incarnations() {
    let (one, two) = (Place::new().await, Place::new().await);
    assert_ne!(open(&one).await.incarnation(), open(&two).await.incarnation());
}

pub(crate) async fn reader_refuses_to_change_anything() {
    let place = Place::new().await;
    let database = open(&place).await;
    database.reader(Rows::OfEveryTenant).execute_unprepared("DELETE FROM counter").await.unwrap_err();
    database.ping().await.unwrap();
}

pub(crate) async fn second_row_with_a_unique_key_is_a_conflict() {
    let place = Place::new().await;
    let database = open(&place).await;
    let outcome: Result<(), StoreError> = database
        .write(Rows::OfEveryTenant, |tx| {
            Box::pin(async move {
                tx.execute_unprepared("INSERT INTO counter (id, value) VALUES (1, 0)").await?;
                Ok(())
            })
        })
        .await;
    assert!(matches!(outcome, Err(StoreError::Conflict(_))), "{outcome:?}");
}
