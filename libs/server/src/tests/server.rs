//! Health, reflection and the drain of a whole server.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_reflection::pb::{v1, v1alpha};
use tonic_types::StatusExt;

use super::{ByWord, Running, get};
use crate::principal::LocalAuthenticator;

const SERVED: [&str; 4] = [
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
    "tandem.inventory.v1.TenantService",
];

fn named(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.into() }
}

fn status(answer: &HealthCheckResponse) -> ServingStatus {
    ServingStatus::try_from(answer.status).unwrap()
}

#[tokio::test]
async fn health_of_the_server_and_each_service_is_open_to_everybody() {
    let running = Running::start(ByWord);
    let mut health = HealthClient::new(running.channel.clone());
    for service in ["", "tandem.inventory.v1.TenantService"] {
        let answer = health.check(named(service)).await.unwrap().into_inner();
        assert_eq!(status(&answer), ServingStatus::Serving, "{service}");
    }
    let unknown = health.check(named("tandem.inventory.v1.DeviceService")).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    drop(health);
    running.stopped().await;
}

#[tokio::test]
async fn reflection_v1_lists_what_is_served_and_describes_it() {
    use v1::server_reflection_request::MessageRequest;
    use v1::server_reflection_response::MessageResponse;

    let running = Running::start(LocalAuthenticator::default());
    let mut reflection = v1::server_reflection_client::ServerReflectionClient::new(running.channel.clone());
    let ask = |message_request| v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(message_request),
    };
    let requests = futures::stream::iter([
        ask(MessageRequest::ListServices(String::new())),
        ask(MessageRequest::FileContainingSymbol("tandem.inventory.v1.TenantService".into())),
        ask(MessageRequest::FileContainingSymbol("grpc.health.v1.Health".into())),
    ]);
    let answers: Vec<_> =
        reflection.server_reflection_info(requests).await.unwrap().into_inner().collect().await;
    let mut answers = answers.into_iter().map(|answer| answer.unwrap().message_response.unwrap());
    let Some(MessageResponse::ListServicesResponse(list)) = answers.next() else { panic!("no list") };
    let listed: BTreeSet<&str> = list.service.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(listed, BTreeSet::from(SERVED));
    for answer in answers {
        assert!(matches!(answer, MessageResponse::FileDescriptorResponse(_)), "{answer:?}");
    }
    drop(reflection);
    running.stopped().await;
}

#[tokio::test]
async fn reflection_v1alpha_lists_what_is_served() {
    use v1alpha::server_reflection_request::MessageRequest;
    use v1alpha::server_reflection_response::MessageResponse;

    let running = Running::start(LocalAuthenticator::default());
    let mut reflection =
        v1alpha::server_reflection_client::ServerReflectionClient::new(running.channel.clone());
    let request = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let requests = futures::stream::iter([request]);
    let mut answers = reflection.server_reflection_info(requests).await.unwrap().into_inner();
    let answer = answers.next().await.unwrap().unwrap().message_response.unwrap();
    let MessageResponse::ListServicesResponse(list) = answer else { panic!("no list") };
    let listed: BTreeSet<&str> = list.service.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(listed, BTreeSet::from(SERVED));
    drop((reflection, answers));
    running.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn draining_server_says_so_and_ends_streams_after_their_grace() {
    let running = Running::start(LocalAuthenticator::default());
    let mut health = HealthClient::new(running.channel.clone());
    let mut watch = health.watch(named("")).await.unwrap().into_inner();
    assert_eq!(status(&watch.next().await.unwrap().unwrap()), ServingStatus::Serving);
    let before = tokio::time::Instant::now();
    running.stop.cancel();
    assert_eq!(status(&watch.next().await.unwrap().unwrap()), ServingStatus::NotServing);
    let end = watch.next().await.unwrap().unwrap_err();
    assert_eq!(end.code(), Code::Unavailable);
    assert_eq!(end.get_details_error_info().unwrap().reason, "DEPENDENCY_UNAVAILABLE");
    running.stopped().await;
    assert!(before.elapsed() < Duration::from_secs(3), "{:?}", before.elapsed());
}

#[tokio::test(start_paused = true)]
async fn draining_server_gives_up_requests_after_its_limit() {
    let running = Running::start(LocalAuthenticator::default());
    let mut tenants = running.tenants();
    let stop = running.stop.clone();
    let before = tokio::time::Instant::now();
    let waiting = async {
        let request = get("tenants/slow");
        tokio::time::timeout(Duration::from_secs(60), tenants.get_tenant(request)).await
    };
    let stopping = async {
        // The request is under way once the paused clock moves.
        tokio::time::sleep(Duration::from_millis(1)).await;
        stop.cancel();
        running.tasks.run(async {}).await.unwrap();
        before.elapsed()
    };
    let (_, stopped_after) = futures::join!(waiting, stopping);
    assert!((20..21).contains(&stopped_after.as_secs()), "{stopped_after:?}");
}
