//! Every RPC by every role, and with every defect of a caller's credentials.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use prost_reflect::MethodDescriptor;
use serde_json::{Value, json};
use tandem_client::{Addresses, Connection, TlsFiles};
use tandem_server::access::roles::Role;
use tandem_testkit::wait::until;
use tandem_tests::credentials::{Credentials, SigningKey};
use tandem_tests::raw::{call, methods, path, request};
use tandem_tests::system::{Processes, SERVICES};
use tonic::{Code, Status};

use crate::estate::{CONTOSO, Estate, FABRIKAM};
use crate::table::{Row, TABLE};

/// How a call was met.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Met {
    /// By its handler, whatever that answered.
    LetThrough,
    Denied,
    Unauthenticated,
    NoConnection,
}

impl fmt::Debug for Met {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LetThrough => "let through",
            Self::Denied => "denied",
            Self::Unauthenticated => "unauthenticated",
            Self::NoConnection => "no connection",
        })
    }
}

/// What a server refuses it explains; a failure without details comes from the transport.
fn met(status: Option<&Status>) -> Met {
    match status.map(|status| (status.code(), status.details().is_empty())) {
        Some((_, true)) => Met::NoConnection,
        Some((Code::PermissionDenied, _)) => Met::Denied,
        Some((Code::Unauthenticated, _)) => Met::Unauthenticated,
        Some((Code::Internal | Code::Unknown | Code::Unimplemented | Code::Unavailable, _)) => {
            panic!("{status:?}")
        }
        _ => Met::LetThrough,
    }
}

/// Each method with its row.
fn rows() -> Vec<(MethodDescriptor, &'static Row)> {
    let row = |method: &MethodDescriptor| TABLE.iter().find(|row| row.method == path(method));
    methods()
        .into_iter()
        .map(|method| {
            let row = row(&method).unwrap();
            (method, row)
        })
        .collect()
}

pub(crate) async fn every_method_has_a_row() {
    let methods: Vec<String> = methods().iter().map(path).collect();
    let rows: BTreeSet<String> = TABLE.iter().map(|row| row.method.to_owned()).collect();
    assert_eq!(rows.len(), TABLE.len(), "a method has two rows");
    assert_eq!(methods.iter().cloned().collect::<BTreeSet<_>>(), rows);
}

/// How each method meets a caller who asks in a tenant.
async fn meet(estate: &Estate, caller: &Connection, tenant: &str) -> BTreeMap<&'static str, Met> {
    let mut all = BTreeMap::new();
    for (method, row) in rows() {
        let message = request(&method, &estate.filled(row.request, tenant));
        let (_, status) = call(caller, &method, &message).await;
        all.insert(row.method, met(status.as_ref()));
    }
    all
}

fn expected(of: impl Fn(&Row) -> Met) -> BTreeMap<&'static str, Met> {
    TABLE.iter().map(|row| (row.method, of(row))).collect()
}

fn names_a_tenant(row: &Row) -> bool {
    row.request.contains("{t}")
}

pub(crate) async fn table_holds() {
    let estate = Estate::new().await;
    for role in Role::ALL.map(Role::name) {
        let caller = estate.caller(role, &[CONTOSO]);
        let allowed = |row: &Row| row.roles.contains(&role);
        let own = expected(|row| if allowed(row) { Met::LetThrough } else { Met::Denied });
        assert_eq!(meet(&estate, &caller, CONTOSO).await, own, "{role} in a tenant of theirs");
        let other = expected(|row| match allowed(row) && !names_a_tenant(row) {
            true => Met::LetThrough,
            false => Met::Denied,
        });
        assert_eq!(meet(&estate, &caller, FABRIKAM).await, other, "{role} in another tenant");
        assert_eq!(
            meet(&estate, &caller, "no-such-tenant").await,
            other,
            "{role} in a tenant that is not there"
        );
    }
    // A service reads everything, tells the audit log, and changes nothing else.
    let service = connection(&estate, &estate.processes.credentials.identity("authority"));
    let reads = expected(|row| {
        let tells = row.method.ends_with("/RecordAuditEvents");
        if tells || row.roles.contains(&"reader") { Met::LetThrough } else { Met::Denied }
    });
    assert_eq!(meet(&estate, &service, CONTOSO).await, reads, "a service");
}

/// Without a token, with those files.
fn connection(estate: &Estate, tls: &TlsFiles) -> Connection {
    let [inventory, prerequisites, authority, monitoring] =
        SERVICES.map(|service| estate.processes.address(service));
    let addresses = Addresses {
        inventory: &inventory,
        prerequisites: &prerequisites,
        authority: &authority,
        monitoring: &monitoring,
    };
    Connection::connect_lazy_each(&addresses, tls).unwrap()
}

/// A token that says that it needs no signature.
fn unsigned(token: &str) -> String {
    let header = BASE64_URL_SAFE_NO_PAD.encode(json!({ "alg": "none" }).to_string());
    format!("{header}.{}.", token.split('.').nth(1).unwrap())
}

/// Tokens that must not be accepted, of a caller who may do everything.
fn defective(estate: &Estate) -> Vec<(&'static str, String)> {
    let credentials = &estate.processes.credentials;
    let now = jiff::Timestamp::now().as_second();
    let with = |changed: &Value| credentials.signed(&estate.claims("full_administrator", &["*"], changed));
    let everything = estate.claims("full_administrator", &["*"], &Value::Null);
    let good = with(&Value::Null);
    let parts: Vec<&str> = good.split('.').collect();
    let more = estate.claims("full_administrator", &["*"], &json!({ "sub": "somebody else" }));
    let tampered = BASE64_URL_SAFE_NO_PAD.encode(more.to_string());
    vec![
        ("expired", with(&json!({ "exp": now - 3600 }))),
        ("not valid yet", with(&json!({ "nbf": now + 3600 }))),
        ("for another audience", with(&json!({ "aud": "graph" }))),
        ("of another issuer", with(&json!({ "iss": "https://login.example/other" }))),
        ("of nobody", with(&json!({ "sub": "" }))),
        ("unsigned", unsigned(&good)),
        ("signed by the public key as a secret", credentials.signed_by_the_public_key(&everything)),
        ("tampered with", format!("{}.{tampered}.{}", parts[0], parts[2])),
        (
            "signed by a key of nobody",
            SigningKey::new().signed(&estate.claims("full_administrator", &["*"], &Value::Null)),
        ),
        ("no token at all", "x".to_owned()),
    ]
}

pub(crate) async fn defects_are_refused() {
    let mut processes = Processes::new().await;
    // It guesses more often than anybody honest.
    processes.configure("TANDEM_LIMITS__REFUSED_LOGINS_BURST", "100000");
    let estate = Estate::of(processes).await;
    let unauthenticated = expected(|_| Met::Unauthenticated);
    for (defect, token) in defective(&estate) {
        let caller = estate.processes.connection_with(&token);
        assert_eq!(meet(&estate, &caller, CONTOSO).await, unauthenticated, "a token that is {defect}");
    }
    let nobody = connection(&estate, &estate.processes.credentials.authority());
    assert_eq!(meet(&estate, &nobody, CONTOSO).await, unauthenticated, "without a token");
    key_is_revoked(&estate, &unauthenticated).await;
    let folder = tempfile::tempdir().unwrap();
    let other = Credentials::make(folder.path());
    let stranger =
        TlsFiles { ca: estate.processes.credentials.authority().ca, ..other.identity("authority") };
    // There is no call without a connection, so one method of each server stands for all.
    let stranger = connection(&estate, &stranger);
    for service in SERVICES {
        let of_service = |(_, row): &(_, &Row)| row.method.contains(&format!(".{service}."));
        let (method, row) = rows().into_iter().find(of_service).unwrap();
        let message = request(&method, &estate.filled(row.request, CONTOSO));
        let (_, status) = call(&stranger, &method, &message).await;
        assert_eq!(met(status.as_ref()), Met::NoConnection, "a stranger's certificate at {service}");
    }
}

/// A key that the issuer takes away takes its tokens with it.
async fn key_is_revoked(estate: &Estate, unauthenticated: &BTreeMap<&'static str, Met>) {
    let (credentials, key) = (&estate.processes.credentials, SigningKey::new());
    let token = key.signed(&estate.claims("full_administrator", &["*"], &Value::Null));
    let caller = estate.processes.connection_with(&token);
    let allowed = |row: &Row| row.roles.contains(&"full_administrator");
    let accepted = expected(|row| if allowed(row) { Met::LetThrough } else { Met::Denied });
    for (is_there, all) in [(true, &accepted), (false, unauthenticated)] {
        credentials.publish(&key, is_there);
        until("every service has read the keys again", async || {
            for (method, row) in rows() {
                let message = request(&method, &estate.filled(row.request, CONTOSO));
                let (_, status) = call(&caller, &method, &message).await;
                if met(status.as_ref()) != all[row.method] {
                    return None;
                }
            }
            Some(())
        })
        .await;
    }
}
