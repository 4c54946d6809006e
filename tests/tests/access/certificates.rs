//! Certificates that are renewed under a running server.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tandem_client::{Connection, TlsFiles};
use tandem_contracts::inventory::v1::{GetTenantRequest, WatchDevicesRequest};
use tandem_testkit::wait::until;
use tandem_tests::credentials::Credentials;
use tandem_tests::system::Processes;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::estate::{CONTOSO, Estate, rename};

fn certificate(file: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(file).unwrap()
}

/// The certificate that a server shows to whoever connects now.
async fn shown(estate: &Estate, service: &str) -> CertificateDer<'static> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate(&estate.processes.credentials.ca())).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let address = estate.processes.address(service);
    let (host, port) = address.strip_prefix("https://").unwrap().split_once(':').unwrap();
    let stream = TcpStream::connect((host, port.parse().unwrap())).await.unwrap();
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

async fn answers(connection: &Connection) -> bool {
    let request = GetTenantRequest { name: format!("tenants/{CONTOSO}"), ..Default::default() };
    connection.tenants().get_tenant(request).await.is_ok()
}

pub(crate) async fn renewed_certificate_of_a_server_is_shown_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    // Who may show a certificate stays the same: what is renewed is the server's.
    let authorities = folder.path().join("ca.pem");
    let mut processes = Processes::new().await;
    std::fs::copy(processes.credentials.ca(), &authorities).unwrap();
    processes.configure("TANDEM_TLS__CLIENT_CA", authorities.to_str().unwrap());
    let estate = Estate::of(processes).await;
    let credentials = &estate.processes.credentials;
    let file = credentials.identity("inventory").certificate.unwrap();
    let first = certificate(&file);
    assert_eq!(shown(&estate, "inventory").await, first);
    let request = WatchDevicesRequest { parent: format!("tenants/{CONTOSO}"), ..Default::default() };
    let mut watch = estate.administrator.devices().watch_devices(request).await.unwrap().into_inner();
    watch.message().await.unwrap().unwrap();

    credentials.renew();
    let second = certificate(&file);
    assert_ne!(first, second);
    until("the renewed certificate is shown", async || {
        (shown(&estate, "inventory").await == second).then_some(())
    })
    .await;
    // The connection from before goes on: its stream lives, and calls on it are answered.
    assert!(answers(&estate.administrator).await);
    rename(&estate.administrator, CONTOSO, "PS1", 0).await;
    until("the watch tells of the change", async || {
        (!watch.message().await.unwrap().unwrap().changed.is_empty()).then_some(())
    })
    .await;
    // And a new one is trusted by whoever trusts the authority.
    assert!(answers(&estate.processes.connection()).await);
}

pub(crate) async fn certificate_of_a_renewed_authority_is_accepted_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let authorities = folder.path().join("ca.pem");
    let mut processes = Processes::new().await;
    let next = Credentials::make(&folder.path().join("next"));
    let read = |credentials: &Credentials| std::fs::read_to_string(credentials.ca()).unwrap();
    let (old, new) = (read(&processes.credentials), read(&next));
    std::fs::write(&authorities, &old).unwrap();
    processes.configure("TANDEM_TLS__CLIENT_CA", authorities.to_str().unwrap());
    let estate = Estate::of(processes).await;
    let server = || estate.processes.credentials.authority().ca;
    let connect = |credentials: &Credentials| {
        let shown = TlsFiles { ca: server(), ..credentials.identity("monitoring") };
        Connection::connect_lazy(&estate.processes.address("inventory"), &shown).unwrap()
    };
    let before = connect(&estate.processes.credentials);
    assert!(answers(&before).await);
    assert!(!answers(&connect(&next)).await, "nobody knows the next authority yet");

    std::fs::write(&authorities, format!("{old}{new}")).unwrap();
    until("the next authority is known", async || answers(&connect(&next)).await.then_some(())).await;
    assert!(answers(&before).await, "the first is accepted as well");

    std::fs::write(&authorities, &new).unwrap();
    until("the first authority is known no more", async || {
        (!answers(&connect(&estate.processes.credentials)).await).then_some(())
    })
    .await;
    // Nor on the connection that was made while it was.
    until("the connection from before is of no use", async || (!answers(&before).await).then_some(())).await;
    assert!(answers(&connect(&next)).await);
}
