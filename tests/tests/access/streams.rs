//! Streams that are open when what allowed them is withdrawn.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tandem_client::{Connection, TlsFiles};
use tandem_contracts::inventory::v1::{
    ReportDevicesRequest, ReportDevicesResponse, WatchDevicesRequest, WatchDevicesResponse,
};
use tandem_testkit::reason;
use tandem_tests::credentials::{Credentials, SigningKey};
use tandem_tests::system::Processes;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt;

use crate::estate::{CONTOSO, Estate, rename};

const TENANT: &str = "tenants/contoso";

/// After this long a stream counts as one that never ends.
const LIMIT: Duration = Duration::from_secs(60);

fn assign(file: &Path, who: &[(&str, &str)]) {
    let assignment = |(who, limit): &(&str, &str)| {
        format!(
            "[[assignment]]\nwho = [\"sub:{who}\"]\nrole = \"full_administrator\"\ntenants = [\"contoso\"]\n{limit}\n"
        )
    };
    std::fs::write(file, who.iter().map(assignment).collect::<String>()).unwrap();
}

/// A watch of everything that its caller sees, past its first message.
async fn watch(caller: &Connection) -> Streaming<WatchDevicesResponse> {
    let request = WatchDevicesRequest { parent: TENANT.into(), ..Default::default() };
    let mut watch = caller.devices().watch_devices(request).await.unwrap().into_inner();
    watch.message().await.unwrap().unwrap();
    watch
}

/// A report of nothing yet, whose first batch is acknowledged.
async fn report(
    caller: &Connection,
) -> (mpsc::Sender<ReportDevicesRequest>, Streaming<ReportDevicesResponse>) {
    let (batches, sent) = mpsc::channel(1);
    let first = ReportDevicesRequest {
        parent: TENANT.into(),
        source: "configmgr/PS1".into(),
        sequence: 1,
        ..Default::default()
    };
    batches.send(first).await.unwrap();
    let mut answers = caller.devices().report_devices(ReceiverStream::new(sent)).await.unwrap().into_inner();
    answers.message().await.unwrap().unwrap();
    (batches, answers)
}

/// How a stream ends.
async fn end<T>(stream: &mut Streaming<T>) -> Status {
    let ending = async {
        loop {
            if let Err(status) = stream.message().await.map(|message| message.expect("it does not just end"))
            {
                return status;
            }
        }
    };
    tokio::time::timeout(LIMIT, ending).await.expect("the stream ends")
}

fn refused(code: Code, reason: &str) -> (Code, String) {
    (code, reason.to_owned())
}

pub(crate) async fn stream_ends_when_what_allowed_it_is_withdrawn() {
    let folder = tempfile::tempdir().unwrap();
    let (assignments, authorities) = (folder.path().join("assignments.toml"), folder.path().join("ca.pem"));
    let all = [("removed", ""), ("narrowed", "hierarchies = [\"PS1\", \"PS2\"]")];
    assign(&assignments, &all);
    let mut processes = Processes::new().await;
    // Services of another authority are accepted too, at first.
    let other = Credentials::make(&folder.path().join("other"));
    let read = |credentials: &Credentials| std::fs::read_to_string(credentials.ca()).unwrap();
    let (own, both) = (read(&processes.credentials), read(&processes.credentials) + &read(&other));
    std::fs::write(&authorities, both).unwrap();
    processes.configure("TANDEM_TOKENS__ASSIGNMENTS", assignments.to_str().unwrap());
    processes.configure("TANDEM_TLS__CLIENT_CA", authorities.to_str().unwrap());
    let estate = Estate::of(processes).await;
    let credentials = &estate.processes.credentials;

    let assigned = |who: &str| {
        let claims = estate.claims("", &[], &json!({ "sub": who, "roles": [], "tandem_tenants": [] }));
        estate.processes.connection_with(&credentials.signed(&claims))
    };
    let (removed, narrowed) = (assigned("removed"), assigned("narrowed"));
    let administrator = |changed| estate.claims("full_administrator", &[CONTOSO], &changed);
    let key = SigningKey::new();
    credentials.publish(&key, true);
    let keyed = estate.processes.connection_with(&key.signed(&administrator(json!({}))));
    // Clocks may differ by a minute, so that this token has another quarter of one.
    let soon = jiff::Timestamp::now().as_second() - 45;
    let expiring = credentials.signed(&administrator(json!({ "exp": soon })));
    let expiring = estate.processes.connection_with(&expiring);
    let certificate = TlsFiles { ca: credentials.authority().ca, ..other.identity("authority") };
    let certified = Connection::connect_lazy(&estate.processes.address("inventory"), &certificate).unwrap();

    let mut of_expiring = watch(&expiring).await;
    let (mut of_removed, mut of_narrowed) = (watch(&removed).await, watch(&narrowed).await);
    let (_batches, mut reported) = report(&removed).await;
    let mut of_certified = watch(&certified).await;
    let mut of_key = tandem_testkit::wait::until("the new key is known", async || {
        let request = WatchDevicesRequest { parent: TENANT.into(), ..Default::default() };
        keyed.devices().watch_devices(request).await.ok()
    })
    .await
    .into_inner();
    let mut of_nobody_withdrawn = watch(&estate.administrator).await;

    assign(&assignments, &[("narrowed", "hierarchies = [\"PS1\"]")]);
    for status in [end(&mut of_removed).await, end(&mut reported).await] {
        assert_eq!(reason(&status), refused(Code::PermissionDenied, "PERMISSION_DENIED"), "{status}");
    }
    let status = end(&mut of_narrowed).await;
    assert_eq!(reason(&status), refused(Code::PermissionDenied, "PERMISSION_DENIED"), "{status}");
    assert_eq!(status.get_details_error_info().unwrap().metadata["name"], TENANT);
    // What is left is seen by whoever asks again.
    watch(&narrowed).await;

    credentials.publish(&key, false);
    let status = end(&mut of_key).await;
    assert_eq!(reason(&status), refused(Code::Unauthenticated, "UNAUTHENTICATED"), "{status}");

    std::fs::write(&authorities, own).unwrap();
    let status = end(&mut of_certified).await;
    assert_eq!(reason(&status), refused(Code::Unauthenticated, "UNAUTHENTICATED"), "{status}");
    assert!(status.message().contains("certificate"), "{status}");

    let status = end(&mut of_expiring).await;
    assert_eq!(reason(&status), refused(Code::Unauthenticated, "UNAUTHENTICATED"), "{status}");
    assert!(status.message().ends_with("the access token has expired"), "{status}");

    // Everybody else goes on.
    rename(&estate.administrator, CONTOSO, "PS1", 0).await;
    let told = async { while of_nobody_withdrawn.message().await.unwrap().unwrap().changed.is_empty() {} };
    tokio::time::timeout(LIMIT, told).await.expect("the change is told");
}
