//! What is of one tenant is out of reach of whoever acts in another, whichever way they ask.

use prost_reflect::{DynamicMessage, Value};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tandem_tests::raw::{call, methods, path, request};
use tonic::Code;

use crate::estate::{CONTOSO, Estate, FABRIKAM, key, mark};
use crate::table::TABLE;

/// Every RPC, asked by fabrikam's full administrator: in fabrikam as it is meant; then with each text of the request in turn taken from
/// contoso's, so that names of both are mixed in every way that one place allows. No answer and no error may hold a thing of contoso's.
pub(crate) async fn tenants_are_kept_apart() {
    let estate = Estate::new().await;
    let caller = estate.caller("full_administrator", &[FABRIKAM]);
    let secrets = [mark(CONTOSO), key(CONTOSO, 0), key(CONTOSO, 12)];
    let mut asked = 0;
    for method in methods() {
        let row = TABLE.iter().find(|row| row.method == path(&method)).unwrap();
        let own = request(&method, &estate.filled(row.request, FABRIKAM));
        let other = request(&method, &estate.filled(row.request, CONTOSO));
        for message in [own.clone()].into_iter().chain(mixed(&own, &other)) {
            let (answers, status) = call(&caller, &method, &message).await;
            let bytes: Vec<u8> = answers.concat();
            let said = status.as_ref().map(|status| format!("{status:?}")).unwrap_or_default();
            for secret in &secrets {
                let is_told = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
                let is_asked = format!("{message:?}").contains(secret.as_str());
                assert!(!is_told && (is_asked || !said.contains(secret)), "{}: {message:?}", row.method);
            }
            let code = status.map_or(Code::Ok, |status| status.code());
            assert!(!matches!(code, Code::Internal | Code::Unknown), "{}: {said}", row.method);
            asked += 1;
        }
    }
    assert!(asked > 2 * TABLE.len() - 10, "{asked}");
    // And contoso's own administrator sees them, so that the search is known to find what is there.
    let theirs = estate.caller("full_administrator", &[CONTOSO]);
    let method = methods().into_iter().find(|method| method.name() == "ListDevices").unwrap();
    let (answers, _) = call(&theirs, &method, &request(&method, r#"{"parent": "tenants/contoso"}"#)).await;
    let found = answers.concat();
    assert!(secrets.iter().all(|secret| found.windows(secret.len()).any(|part| part == secret.as_bytes())));
}

/// Each table of each service that has a tenant in it is behind the database's own wall, whatever a query forgets.
pub(crate) async fn database_shows_nothing_to_whoever_names_no_tenant() {
    let estate = Estate::new().await;
    let postgres = &estate.processes.postgres;
    let tables = "SELECT table_schema || '.' || table_name FROM information_schema.columns
        WHERE column_name = 'tenant' AND table_schema IN ('inventory', 'prerequisites', 'authority') ORDER BY 1";
    let tables = postgres.column::<String>("postgres", tables).await;
    assert!(tables.len() >= 14, "{tables:?}");
    let direct = sea_orm::Database::connect(postgres.url("postgres")).await.unwrap();
    for table in tables {
        let query = Statement::from_string(DbBackend::Postgres, format!("SELECT tenant FROM {table}"));
        assert_eq!(direct.query_all_raw(query).await.unwrap().len(), 0, "{table}");
    }
    // There is something to be seen, by a superuser.
    assert_eq!(postgres.count("postgres", "inventory.devices").await, 12);
}

/// One message with each of its texts in turn taken from another of the same form, where they differ.
pub(crate) fn mixed(one: &DynamicMessage, other: &DynamicMessage) -> Vec<DynamicMessage> {
    let mut messages = Vec::new();
    for place in 0..texts(&mut one.clone()).len() {
        let mut mixed = one.clone();
        let (theirs, mine) = (texts(&mut other.clone())[place].clone(), &mut texts(&mut mixed)[place]);
        if **mine != theirs {
            **mine = theirs;
            messages.push(mixed);
        }
    }
    messages
}

/// Every text of a message, in an order of its own.
fn texts(message: &mut DynamicMessage) -> Vec<&mut String> {
    message.fields_mut().flat_map(|(_, value)| texts_of(value)).collect()
}

fn texts_of(value: &mut Value) -> Vec<&mut String> {
    match value {
        Value::String(text) => vec![text],
        Value::List(values) => values.iter_mut().flat_map(texts_of).collect(),
        Value::Map(values) => values.values_mut().flat_map(texts_of).collect(),
        Value::Message(message) => texts(message),
        _ => Vec::new(),
    }
}
