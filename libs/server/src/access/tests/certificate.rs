//! Certificates that were acceptable when they were shown.

use std::time::{Duration, Instant};

use futures::StreamExt;
use rustls::pki_types::{ServerName, UnixTime};
use tokio::net::{TcpListener, TcpStream};
use tonic::transport::server::Connected;

use super::{Authority, LOOK};
use crate::access::tls::ServerTls;
use crate::limits::{Limits, Peer};

/// A connection of a service to a server, seen from there.
async fn connected(server: &Authority, service: &Authority) -> Peer {
    let tls = ServerTls::open(&server.files("server", Some(service))).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let mut incoming = Box::pin(tls.incoming(listener, &Limits::default()));
    let caller = server.caller(Some((service, "service")));
    let connecting = caller.connect(ServerName::try_from("localhost").unwrap(), stream);
    let (connecting, accepted) = tokio::join!(connecting, incoming.next());
    connecting.unwrap();
    accepted.unwrap().unwrap().connect_info()
}

#[tokio::test]
async fn certificate_is_accepted_until_it_ends_or_its_authority_is_withdrawn() {
    let (server, service, other) = (Authority::new(), Authority::new(), Authority::new());
    server.issue("server", &["localhost"]);
    service.issue("service", &["tandem-authority"]);
    let peer = connected(&server, &service).await;
    let (start, now) = (Instant::now(), UnixTime::now());
    let is_accepted = |looks: u32, time: UnixTime| {
        let names = peer.certificate().unwrap().names_as_of(start + LOOK * looks, time);
        names.map(|names| assert_eq!(names, ["tandem-authority"])).is_some()
    };
    assert!(is_accepted(1, now));
    let century_6 = UnixTime::since_unix_epoch(Duration::from_secs(120_000_000_000));
    assert!(!is_accepted(2, century_6), "it has ended");
    assert!(is_accepted(3, now));
    let read = |authority: &Authority| std::fs::read_to_string(authority.path("ca.pem")).unwrap();
    let (old, new) = (read(&service), read(&other));
    // An operator adds the next authority before the first is taken away.
    std::fs::write(service.path("ca.pem"), format!("{old}{new}")).unwrap();
    assert!(is_accepted(5, now));
    std::fs::write(service.path("ca.pem"), new).unwrap();
    assert!(!is_accepted(7, now), "its authority was taken away");
}
