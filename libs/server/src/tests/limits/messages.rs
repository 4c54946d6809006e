//! Messages that come slowly, not at all, or compressed; answers that are not read.

use std::num::NonZeroU64;

use futures::StreamExt;
use tonic::Code;

use super::*;
use crate::tests::devices::{MESSAGE_BYTES, TALKATIVE};
use crate::tests::status::{Sent, plain};

const GET_TENANT: &str = "/tandem.inventory.v1.TenantService/GetTenant";
const REPORT: &str = "/tandem.inventory.v1.DeviceService/ReportDevices";

fn too_slow() -> Sent {
    plain(
        Code::ResourceExhausted,
        "LIMIT_EXCEEDED",
        "the message did not come within 30 s of its beginning: send less in one message",
        &[("limit", "message_seconds"), ("allowed", "30")],
    )
}

#[tokio::test(start_paused = true)]
async fn request_whose_message_does_not_come_in_time_is_given_up() {
    let mut bare = Bare::start(Limits::default()).await;
    // Nothing, a part, and a whole message without the end that says that it is all.
    let whole = framed(b"");
    for part in [&b""[..], &whole[..3], &whole[..]] {
        let before = tokio::time::Instant::now();
        let (answer, mut body) = bare.begin(GET_TENANT, &[]).await;
        body.send_data(bytes::Bytes::copy_from_slice(part), false).unwrap();
        let status = status_of(answer).await;
        assert_eq!(Sent::traced(&status), too_slow(), "{part:?}");
        assert_eq!(before.elapsed().as_secs(), 30);
    }
}

#[tokio::test(start_paused = true)]
async fn stream_may_be_silent_between_messages_and_not_within_one() {
    let mut bare = Bare::start(Limits::default()).await;
    let (answer, mut body) = bare.begin(REPORT, &[]).await;
    let mut answers = answer.await.unwrap().into_body();
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(3600)).await;
        body.send_data(framed(b""), false).unwrap();
        let acknowledged = answers.data().await.unwrap().unwrap();
        answers.flow_control().release_capacity(acknowledged.len()).unwrap();
        assert_eq!(acknowledged, framed(b""));
    }
    // One is whole, and another begun with it.
    body.send_data([&framed(b"")[..], &[0, 0]].concat().into(), false).unwrap();
    assert_eq!(answers.data().await.unwrap().unwrap(), framed(b""));
    let before = tokio::time::Instant::now();
    assert!(answers.data().await.is_none());
    assert_eq!(Sent::traced(&trailers(&mut answers).await), too_slow());
    assert_eq!(before.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn unfinished_messages_have_so_much_room_in_all_and_small_ones_always() {
    let receiving_bytes = NonZeroU64::new(100_000).unwrap();
    let mut bare = Bare::start(Limits { receiving_bytes, ..Limits::default() }).await;
    let large = framed(&[0; 200_000]);
    // The first fills the room and does not go on, so the second finds none.
    let (first, mut body) = bare.begin(GET_TENANT, &[]).await;
    send(&mut body, large.slice(..64 * 1024 + 90_000)).await;
    settled().await;
    let (second, mut other) = bare.begin(GET_TENANT, &[]).await;
    send(&mut other, large.slice(..64 * 1024 + 20_000)).await;
    let refused = status_of(second).await;
    assert_eq!(Sent::traced(&refused), Sent::refused("receiving_bytes", "100000", Duration::from_secs(1)));
    let (small, mut whole) = bare.begin(REPORT, &[]).await;
    let mut acknowledged = small.await.unwrap().into_body();
    whole.send_data(framed(b""), true).unwrap();
    assert_eq!(acknowledged.data().await.unwrap().unwrap(), framed(b""));
    // Once the first is given up there is room again: this one fails for what it says.
    drop((first, body));
    settled().await;
    let (third, mut body) = bare.begin(GET_TENANT, &[]).await;
    send(&mut body, large.slice(..64 * 1024 + 20_000)).await;
    settled().await;
    body.send_reset(h2::Reason::CANCEL);
    drop(third);
}

/// Sends as the windows allow it.
async fn send(body: &mut SendStream<bytes::Bytes>, mut bytes: bytes::Bytes) {
    while !bytes.is_empty() {
        body.reserve_capacity(bytes.len());
        let ready = std::future::poll_fn(|cx| body.poll_capacity(cx)).await.unwrap().unwrap();
        body.send_data(bytes.split_to(ready.min(bytes.len())), false).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn compressed_message_is_refused_with_what_is_taken() {
    let mut bare = Bare::start(Limits::default()).await;
    let (answer, mut body) = bare.begin(GET_TENANT, &[("grpc-encoding", "gzip")]).await;
    body.send_data(bytes::Bytes::from_static(b"\x01\0\0\0\x01x"), true).unwrap();
    let head = answer.await.unwrap();
    assert_eq!(head.headers()["grpc-accept-encoding"], "identity");
    let status = Status::from_header_map(head.headers()).unwrap();
    let expected = plain(
        Code::Unimplemented,
        "MALFORMED_MESSAGE",
        "the message is compressed in a way that this server does not take: send it uncompressed",
        &[],
    );
    assert_eq!(Sent::traced(&status), expected);
    // One that does not say how.
    let (answer, mut body) = bare.begin(GET_TENANT, &[]).await;
    body.send_data(bytes::Bytes::from_static(b"\x01\0\0\0\x01x"), true).unwrap();
    let expected = plain(
        Code::InvalidArgument,
        "MALFORMED_MESSAGE",
        "what was sent is not a message of the contract: expected protobuf as the method's request, uncompressed",
        &[],
    );
    assert_eq!(Sent::traced(&status_of(answer).await), expected);
}

/// What the server is ahead of its caller is what the caller's window allows, and goes on when the caller reads.
#[tokio::test(start_paused = true)]
async fn answers_that_are_not_read_stay_unmade() {
    let devices = Devices::default();
    let told = Arc::clone(&devices.told);
    let server = ApiServer::new(LocalAuthenticator::default());
    let service = inventory::device_service_server::DeviceServiceServer::new(devices);
    let running = Running::serving(server.add_service(service));
    let request = inventory::WatchDevicesRequest { parent: TALKATIVE.into(), ..Default::default() };
    let mut watching = super::devices(&running).watch_devices(request).await.unwrap().into_inner();
    settled().await;
    let ahead = told.load(Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(told.load(Ordering::Relaxed), ahead);
    // The client's window is tonic's default, of 64 KiB or some MiB.
    assert!(ahead * MESSAGE_BYTES < 4 << 20, "{ahead} messages");
    for _ in 0..2 * ahead {
        watching.next().await.unwrap().unwrap();
    }
    assert!(told.load(Ordering::Relaxed) >= 2 * ahead);
    drop(watching);
    running.stopped().await;
}
