//! Set-based statements.

use sea_orm::{ConnectionTrait, FromQueryResult, Statement};
use tandem_storage::bulk::{Column, Insert, List, from_listed, gathered, gathered_values, one_of};
use tandem_storage::{Database, Rows, StoreError, dialect};
use tandem_testkit::database::Place;

use crate::schema::NoTables;

#[derive(Debug, PartialEq, Eq, FromQueryResult)]
struct Member {
    tenant: String,
    device: i64,
    kind: i32,
    known: bool,
    name: String,
    body: Vec<u8>,
}

fn member(device: i64, name: &str, body: &[u8]) -> Member {
    let (tenant, name, body) = ("contoso".into(), name.into(), body.into());
    Member { tenant, device, kind: 3, known: device % 2 == 0, name, body }
}

async fn open() -> (Place, Database) {
    let place = Place::new().await;
    let database = Database::open::<NoTables>(&place.of("members")).await.unwrap();
    let made: Result<_, StoreError> = database
        .write(Rows::OfEveryTenant, |tx| {
            Box::pin(async move {
                let sql = "CREATE TABLE member (tenant TEXT NOT NULL, device BIGINT NOT NULL, kind INTEGER NOT NULL,
                           known BOOLEAN NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (tenant, device))";
                tx.execute_unprepared(&dialect(tx.get_database_backend(), sql)).await?;
                Ok(())
            })
        })
        .await;
    made.unwrap();
    (place, database)
}

fn rows(members: &[Member]) -> Insert<'static> {
    Insert::into("member")
        .shared("tenant", "contoso")
        .column("device", Column::BigInt(members.iter().map(|m| m.device).collect()))
        .column("kind", Column::Int(members.iter().map(|m| m.kind).collect()))
        .column("known", Column::Bool(members.iter().map(|m| m.known).collect()))
        .column("name", Column::Text(members.iter().map(|m| m.name.clone()).collect()))
        .column("body", Column::Bytes(members.iter().map(|m| m.body.clone()).collect()))
}

async fn insert(database: &Database, rows: Insert<'static>) -> Result<(), StoreError> {
    database.write(Rows::OfEveryTenant, move |tx| Box::pin(rows.clone().execute(tx))).await
}

async fn all(database: &Database) -> Vec<Member> {
    let reader = &database.reader(Rows::OfEveryTenant);
    let sql = "SELECT * FROM member ORDER BY device";
    let statement = Statement::from_string(reader.get_database_backend(), sql);
    Member::find_by_statement(statement).all(reader).await.unwrap()
}

pub(crate) async fn rows_of_every_type_arrive_whole() {
    let (_place, database) = open().await;
    let members =
        [member(i64::MIN, "", &[]), member(2, "it's \"x\" ü", &[0, 255]), member(i64::MAX, "?1", &[1])];
    insert(&database, rows(&members)).await.unwrap();
    assert_eq!(all(&database).await, members);
}

pub(crate) async fn any_number_of_rows_arrives() {
    let (_place, database) = open().await;
    // Every length of statement, the longest more than once.
    let members: Vec<Member> =
        (0..2 * 512 + 64 + 3 * 8 + 5).map(|device| member(device, "n", &[7])).collect();
    insert(&database, rows(&members)).await.unwrap();
    assert_eq!(all(&database).await, members);
    insert(&database, rows(&[])).await.unwrap();
}

pub(crate) async fn known_key_is_refused_kept_or_replaced_as_said() {
    let (_place, database) = open().await;
    insert(&database, rows(&[member(1, "first", &[1])])).await.unwrap();
    let newer = [member(1, "second", &[2]), member(2, "new", &[3])];
    let refused = insert(&database, rows(&newer)).await.unwrap_err();
    assert!(matches!(refused, StoreError::Conflict(_)), "{refused:?}");
    assert_eq!(all(&database).await, [member(1, "first", &[1])]);

    insert(&database, rows(&newer).or_keep()).await.unwrap();
    assert_eq!(all(&database).await, [member(1, "first", &[1]), member(2, "new", &[3])]);

    insert(&database, rows(&newer).or_replace(&["tenant", "device"], &["name"])).await.unwrap();
    assert_eq!(all(&database).await, [member(1, "second", &[1]), member(2, "new", &[3])]);
}

pub(crate) async fn columns_of_different_lengths_are_refused() {
    let (_place, database) = open().await;
    let uneven = rows(&[member(1, "a", &[])]).column("extra", Column::Int(vec![1, 2]));
    let refused = insert(&database, uneven).await.unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused:?}");
}

pub(crate) async fn listed_values_are_found_and_gathered() {
    let (_place, database) = open().await;
    let members: Vec<Member> = (1..=4).map(|device| member(device, &format!("d{device}"), &[])).collect();
    insert(&database, rows(&members)).await.unwrap();
    let reader = &database.reader(Rows::OfEveryTenant);
    let engine = reader.get_database_backend();
    let found = async |column: &str, list: List| {
        let sql =
            format!("SELECT {} FROM member WHERE {column} {}", gathered(engine, "device"), one_of(engine, 1));
        let statement = Statement::from_sql_and_values(engine, sql, [list.into_value(engine)]);
        let row = reader.query_one_raw(statement).await.unwrap();
        gathered_values::<i64>(engine, row.as_ref(), 0).unwrap()
    };
    assert_eq!(found("device", List::BigInt(vec![4, 2, 9])).await, [2, 4]);
    let looked_up = async |column: &str, list: List| {
        let from = from_listed(engine, ("member", "*"), "tenant = $1", column, 2);
        let sql = format!("SELECT device, name {from} ORDER BY device");
        let values = ["contoso".into(), list.into_value(engine)];
        let rows = reader.query_all_raw(Statement::from_sql_and_values(engine, sql, values)).await.unwrap();
        rows.iter().map(|row| row.try_get_by_index::<i64>(0).unwrap()).collect::<Vec<_>>()
    };
    // Each row once, however often its value is listed.
    assert_eq!(looked_up("device", List::BigInt(vec![4, 2, 9, 4])).await, [2, 4]);
    assert_eq!(looked_up("name", List::Text(vec!["d3".into(), "x".into()])).await, [3]);
    assert_eq!(found("name", List::Text(vec!["d1".into(), "x\"".into()])).await, [1]);
    assert!(found("name", List::Text(vec!["d5".into()])).await.is_empty());
    assert!(List::BigInt(Vec::new()).is_empty());
}

pub(crate) async fn columns_are_gathered_side_by_side() {
    let (_place, database) = open().await;
    insert(&database, rows(&[member(1, "a\"", &[]), member(2, "b", &[])])).await.unwrap();
    let reader = &database.reader(Rows::OfEveryTenant);
    let engine = reader.get_database_backend();
    let columns =
        ["device", "name", "CASE WHEN known THEN 1 ELSE 0 END"].map(|column| gathered(engine, column));
    let sql = format!("SELECT {} FROM member", columns.join(", "));
    let row = reader.query_one_raw(Statement::from_string(engine, sql)).await.unwrap();
    assert_eq!(gathered_values::<i64>(engine, row.as_ref(), 0).unwrap(), [1, 2]);
    assert_eq!(gathered_values::<String>(engine, row.as_ref(), 1).unwrap(), ["a\"", "b"]);
    assert_eq!(gathered_values::<i32>(engine, row.as_ref(), 2).unwrap(), [0, 1]);
    assert!(gathered_values::<i64>(engine, row.as_ref(), 1).is_err());
    assert!(gathered_values::<i64>(engine, None, 0).unwrap().is_empty());
}
