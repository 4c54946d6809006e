//! Messages that wait.

use tandem_storage::outbox::{Message, oldest, put, remove, waiting};
use tandem_storage::{Database, Rows, StoreError};
use tandem_testkit::database::Place;

use crate::schema::Counters;

fn message(id: &str, put_at: i64) -> Message {
    Message { id: id.to_owned(), put_at, body: id.as_bytes().to_vec() }
}

async fn change<F>(database: &Database, work: F)
where
    F: for<'c> Fn(&'c sea_orm::DatabaseTransaction) -> tandem_storage::BoxFuture<'c, Result<(), StoreError>>
        + Send
        + Sync,
{
    database.write(Rows::OfEveryTenant, work).await.unwrap();
}

pub(crate) async fn messages_wait_oldest_first_until_they_are_removed() {
    let place = Place::new().await;
    let database = Database::open::<Counters>(&place.of("counters")).await.unwrap();
    let reader = database.reader(Rows::OfEveryTenant);
    change(&database, |tx| {
        Box::pin(async move { put(tx, &[message("b", 2), message("c", 3), message("a", 1)]).await })
    })
    .await;
    // The same one again.
    change(&database, |tx| Box::pin(async move { put(tx, &[message("b", 2)]).await })).await;
    assert_eq!(waiting(&reader).await.unwrap(), 3);
    assert_eq!(oldest(&reader, 2).await.unwrap(), [message("a", 1), message("b", 2)]);
    change(&database, |tx| Box::pin(async move { remove(tx, &[message("a", 1), message("c", 3)]).await }))
        .await;
    assert_eq!(oldest(&reader, 10).await.unwrap(), [message("b", 2)]);
}
