//! How many connections, and how long without a use.

use std::io::ErrorKind;
use std::net::SocketAddr;

use futures::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::*;
use crate::limits::{Admitted, Connections};
use crate::listen::incoming;

/// A connection from that address of this machine.
async fn connected(from: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    socket.connect(to).await.unwrap()
}

/// Whether the other end has closed it.
async fn is_closed(mut stream: TcpStream) -> bool {
    match stream.read(&mut [0]).await {
        Ok(read) => read == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

#[tokio::test]
async fn connection_over_a_bound_is_closed_at_once_and_counted() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let rendered = recorder.handle();
    let _measured = metrics::set_default_local_recorder(&recorder);
    // Four of one address on loopback.
    let limits = Limits { connections: count(5), connections_per_address: count(1), ..Limits::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    let mut incoming = Box::pin(incoming(listener, &limits));
    let mut held = Vec::new();
    for _ in 0..4 {
        let (near, far) = tokio::join!(connected("127.0.0.1", to), incoming.next());
        held.push((near, far.unwrap().unwrap()));
    }
    let fifth = connected("127.0.0.1", to).await;
    let (near, far) = tokio::join!(connected("127.0.0.2", to), incoming.next());
    let other = (near, far.unwrap().unwrap());
    assert!(is_closed(fifth).await);
    let sixth = connected("127.0.0.3", to).await;
    drop(held.pop());
    let (near, far) = tokio::join!(connected("127.0.0.3", to), incoming.next());
    // The sixth came while five were there, or when one had gone.
    let last = (near, far.unwrap().unwrap());
    drop((other, last, sixth));
    let text = rendered.render();
    let line = "tandem_refused_total{limit=\"connections_per_address\"} 1";
    assert!(text.lines().any(|found| found == line), "no {line:?} in\n{text}");
}

#[tokio::test(start_paused = true)]
async fn places_of_connections_come_back_with_them() {
    let limits = Limits { connections: count(2), connections_per_address: count(1), ..Limits::default() };
    let connections = Connections::new(&limits);
    let entry = |address: &str| connections.entry(address.parse().unwrap());
    let first = entry("192.0.2.1:1");
    assert!(first.is_some() && entry("192.0.2.1:2").is_none());
    // Of IPv6 a whole subnet is one address, and an address of IPv4 in its clothes is that address.
    let second = entry("[2001:db8::1]:1");
    assert!(second.is_some() && entry("192.0.2.7:1").is_none());
    drop(first);
    assert!(entry("[2001:db8::2]:1").is_none());
    assert!(entry("[::ffff:192.0.2.1]:1").is_some());
    let third = entry("[2001:db8:0:1::1]:1");
    assert!(third.is_some());
}

/// The ends of a connection of one address.
fn admitted(limits: &Limits) -> (DuplexStream, Admitted<DuplexStream>) {
    let (near, far) = tokio::io::duplex(1024);
    let entry = Connections::new(limits).entry("192.0.2.1:1".parse().unwrap()).unwrap();
    (near, Admitted::new(far, entry, None))
}

#[tokio::test(start_paused = true)]
async fn connection_whose_first_request_does_not_come_is_closed_though_it_sends() {
    let (mut near, mut far) = admitted(&Limits::default());
    let before = tokio::time::Instant::now();
    let sending = async {
        loop {
            tokio::time::sleep(Duration::from_secs(10)).await;
            near.write_all(b"x").await.unwrap();
        }
    };
    let reading = async { far.read_to_end(&mut Vec::new()).await.unwrap_err().kind() };
    let kind = tokio::select! {
        kind = reading => kind,
        () = sending => unreachable!(),
    };
    assert_eq!((kind, before.elapsed().as_secs()), (ErrorKind::TimedOut, 60));
}

#[tokio::test(start_paused = true)]
async fn connection_lasts_as_long_as_its_streams_and_is_closed_when_it_is_of_no_use() {
    let (mut requests, mut ended, _tasks) = served(&Limits::default(), 0).await;
    let watching = asked(&mut requests, "DeviceService/WatchDevices", framed(b""));
    let (answer, body) = (watching.0.await.unwrap(), watching.1);
    tokio::time::sleep(Duration::from_secs(10 * 3600)).await;
    assert!(ended.try_recv().is_err());
    let before = tokio::time::Instant::now();
    drop((answer, body));
    let at = ended.await.unwrap();
    let idle = at.duration_since(before).as_secs();
    assert!((1800..=1860).contains(&idle), "{idle}");
}

/// A bare client of a connection that lets it send windows of so many bytes, when that ended, and what runs it.
async fn served(
    limits: &Limits,
    window: u32,
) -> (SendRequest<bytes::Bytes>, tokio::sync::oneshot::Receiver<tokio::time::Instant>, Supervisor) {
    let (near, far) = admitted(limits);
    let tenants = inventory::tenant_service_server::TenantServiceServer::new(crate::tests::Tenants);
    let devices = inventory::device_service_server::DeviceServiceServer::new(Devices::default());
    let server = ApiServer::new(LocalAuthenticator::default()).add_service(tenants).add_service(devices);
    let tasks = Supervisor::new();
    tasks.spawn_short("server", async move {
        let incoming =
            futures::stream::iter([Ok::<_, std::io::Error>(far)]).chain(futures::stream::pending());
        server.serve(Box::pin(incoming), std::future::pending()).await.map_err(crate::tests::boxed)
    });
    let mut builder = h2::client::Builder::new();
    let (requests, connection) =
        builder.initial_window_size(window).handshake::<_, bytes::Bytes>(near).await.unwrap();
    let (ended, has_ended) = tokio::sync::oneshot::channel();
    tasks.spawn_short("client", async move {
        let _ = connection.await;
        let _ = ended.send(tokio::time::Instant::now());
        Ok::<(), std::io::Error>(())
    });
    (requests, has_ended, tasks)
}

fn asked(
    requests: &mut SendRequest<bytes::Bytes>,
    method: &str,
    message: bytes::Bytes,
) -> (ResponseFuture, SendStream<bytes::Bytes>) {
    let request = http::Request::post(format!("http://in-process/tandem.inventory.v1.{method}"))
        .header("content-type", "application/grpc")
        .body(())
        .unwrap();
    let (answer, mut body) = requests.send_request(request, false).unwrap();
    body.send_data(message, true).unwrap();
    (answer, body)
}

#[tokio::test(start_paused = true)]
async fn connection_whose_answers_are_not_read_is_closed() {
    // It allows no byte of any answer.
    let (mut requests, ended, _tasks) = served(&Limits::default(), 0).await;
    let before = tokio::time::Instant::now();
    let (answer, _body) = asked(&mut requests, "TenantService/GetTenant", framed(b""));
    let answer = answer.await.unwrap();
    let at = ended.await.unwrap();
    let seconds = at.duration_since(before).as_secs();
    assert!((60..=120).contains(&seconds), "{seconds}");
    drop(answer);
}
