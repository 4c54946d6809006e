//! Replays of requests.

use tandem_storage::requests::{RecallError, Request, forget, recall, remember};
use tandem_storage::{Database, Rows, StoreError};
use tandem_testkit::database::Place;

use crate::schema::{Counters, count, increment, lock};

const REQUEST: Request<'static> =
    Request { tenant: "contoso", request_id: "r-1", method: "Policies/Update", request_hash: u64::MAX };

/// A mutation as a service writes it: the effect once, the answer as often as it is asked for.
async fn serve(database: &Database, request: Request<'static>) -> Result<Vec<u8>, RecallError> {
    database
        .write(Rows::OfEveryTenant, |tx| {
            Box::pin(async move {
                lock(tx).await?;
                if let Some(answer) = recall(tx, &request).await? {
                    return Ok(answer);
                }
                increment(tx).await?;
                let answer = vec![u8::try_from(count(tx).await).unwrap()];
                remember(tx, &request, &answer, 1_000).await?;
                Ok(answer)
            })
        })
        .await
}

async fn open() -> (Place, Database) {
    let place = Place::new().await;
    let database = Database::open::<Counters>(&place.of("counters")).await.unwrap();
    (place, database)
}

pub(crate) async fn replayed_request_gets_the_first_answer_and_has_no_second_effect() {
    let (_place, database) = open().await;
    assert_eq!(serve(&database, REQUEST).await.unwrap(), [1]);
    assert_eq!(serve(&database, REQUEST).await.unwrap(), [1]);
    assert_eq!(count(&database.reader(Rows::OfEveryTenant)).await, 1);
}

pub(crate) async fn copies_of_a_request_at_once_have_one_effect() {
    let (_place, database) = open().await;
    let copies: Vec<_> = (0..16)
        .map(|_| {
            let database = database.clone();
            tokio::spawn(async move { serve(&database, REQUEST).await })
        })
        .collect();
    for copy in copies {
        assert_eq!(copy.await.unwrap().unwrap(), [1]);
    }
    assert_eq!(count(&database.reader(Rows::OfEveryTenant)).await, 1);
}

pub(crate) async fn id_used_for_other_content_or_another_method_is_refused() {
    let (_place, database) = open().await;
    serve(&database, REQUEST).await.unwrap();
    for other in [Request { request_hash: 7, ..REQUEST }, Request { method: "Plans/Adopt", ..REQUEST }] {
        let error = serve(&database, other).await.unwrap_err();
        assert!(
            matches!(&error, RecallError::RequestIdReused { method } if method == "Policies/Update"),
            "{error:?}"
        );
    }
    assert_eq!(count(&database.reader(Rows::OfEveryTenant)).await, 1);
}

pub(crate) async fn same_id_in_another_tenant_is_another_request() {
    let (_place, database) = open().await;
    assert_eq!(serve(&database, REQUEST).await.unwrap(), [1]);
    assert_eq!(serve(&database, Request { tenant: "fabrikam", ..REQUEST }).await.unwrap(), [2]);
}

pub(crate) async fn forgetting_removes_the_oldest_answers_up_to_the_bound() {
    let (_place, database) = open().await;
    let outcome: Result<_, StoreError> = database
        .write(Rows::OfEveryTenant, |tx| {
            Box::pin(async move {
                for (id, at) in [("a", 10), ("b", 20), ("c", 30)] {
                    remember(tx, &Request { request_id: id, ..REQUEST }, b"", at).await?;
                }
                let first = forget(tx, 30, 1).await?;
                let left =
                    recall(tx, &Request { request_id: "b", ..REQUEST }).await.is_ok_and(|a| a.is_some());
                let rest = forget(tx, 30, 10).await?;
                let kept =
                    recall(tx, &Request { request_id: "c", ..REQUEST }).await.is_ok_and(|a| a.is_some());
                Ok((first, left, rest, kept))
            })
        })
        .await;
    assert_eq!(outcome.unwrap(), (1, true, 1, true));
}
