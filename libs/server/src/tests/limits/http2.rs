//! What HTTP/2 itself bounds.

use h2::Reason;
use http::StatusCode;

use super::*;

const GET_TENANT: &str = "/tandem.inventory.v1.TenantService/GetTenant";

#[tokio::test(start_paused = true)]
async fn headers_with_the_longest_token_are_taken_and_twice_as_many_refused() {
    let mut bare = Bare::start(Limits::default()).await;
    let token = format!("Bearer {}", "x".repeat(16 * 1024));
    let other = "x".repeat(12 * 1024);
    let (answer, mut body) = bare.begin(GET_TENANT, &[("authorization", &token), ("x-other", &other)]).await;
    body.send_data(framed(b""), true).unwrap();
    assert_eq!(answer.await.unwrap().status(), StatusCode::OK);
    let (answer, _body) = bare.begin(GET_TENANT, &[("authorization", &token), ("x-other", &token)]).await;
    assert_eq!(answer.await.unwrap().status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    // The connection lives on.
    let (answer, mut body) = bare.begin(GET_TENANT, &[]).await;
    body.send_data(framed(b""), true).unwrap();
    assert_eq!(answer.await.unwrap().status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn connection_that_opens_and_resets_at_once_is_ended() {
    let mut bare = Bare::start(Limits::default()).await;
    let mut requests = bare.requests.clone();
    let mut ended = None;
    // As many as one connection may have open, sent before the server runs.
    for _ in 0..100 {
        let request = http::Request::post(format!("http://in-process{GET_TENANT}")).body(()).unwrap();
        match requests.send_request(request, false) {
            Ok((_, mut body)) => body.send_reset(Reason::CANCEL),
            Err(error) => ended = Some(error),
        }
    }
    settled().await;
    let ended = match ended {
        Some(error) => error,
        None => std::future::poll_fn(|cx| bare.requests.poll_ready(cx)).await.unwrap_err(),
    };
    assert_eq!((ended.is_go_away(), ended.reason()), (true, Some(Reason::ENHANCE_YOUR_CALM)), "{ended}");
}
