//! Four processes over PostgreSQL and Redis, and what happens to them: what was acknowledged is there, nothing is twice, and everything comes back by
//! itself.
#![allow(clippy::unwrap_used, reason = "tests and what they share")]

mod writes;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use tandem_client::{ApiError, Connection};
use tandem_contracts::authority::v1::{
    AuditFault, BatchGetEffectiveAuthorityRequest, ListAuditRecordsRequest,
    ListCoManagementPolicyRevisionsRequest, UpdateCoManagementPolicyRequest, VerifyAuditRequest,
};
use tandem_contracts::inventory::v1::GetTenantRequest;
use tandem_contracts::r#type::v1::{AuditEvent, CoManagementPolicy, ErrorReason};
use tandem_testkit::containers::{RedisCluster, Restart};
use tandem_testkit::suite::Suite;
use tandem_testkit::wait::until;
use tandem_tests::load::calls;
use tandem_tests::process::Process;
use tandem_tests::reports::{FeedStart, HIERARCHY, TENANT, check, devices, make_tenant, rename, report};
use tandem_tests::system::{Processes, SERVICES};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Devices that are reported while something happens.
const DEVICES: u32 = 6_000;

async fn inventory() -> (Processes, Connection, FeedStart) {
    let mut processes = Processes::new().await;
    processes.start("inventory");
    processes.ready().await;
    let connection = processes.connection();
    let start = make_tenant(&connection).await;
    (processes, connection, start)
}

/// Reports the devices while `happens` runs, which is told how many were acknowledged; then reads everything back.
async fn report_while(
    connection: &Connection,
    start: &FeedStart,
    happens: impl AsyncFnOnce(&mut watch::Receiver<u32>),
) {
    let progress = watch::Sender::new(0);
    let mut acknowledged = progress.subscribe();
    let (seen, ()) = tokio::join!(report(connection, 0..DEVICES, &progress), happens(&mut acknowledged));
    assert_eq!(*progress.borrow(), DEVICES);
    check(connection, start, 0..DEVICES, seen).await;
}

async fn until_acknowledged(acknowledged: &mut watch::Receiver<u32>, count: u32) {
    acknowledged.wait_for(|acknowledged| *acknowledged >= count).await.unwrap();
}

async fn inventory_that_is_killed_again_and_again_keeps_what_it_acknowledged() {
    let (mut processes, connection, start) = inventory().await;
    report_while(&connection, &start, async |acknowledged| {
        for count in [500, 2_000, 4_000] {
            until_acknowledged(acknowledged, count).await;
            processes.take("inventory").kill();
            processes.start("inventory");
        }
    })
    .await;
}

async fn postgres_that_is_restarted_or_killed_loses_nothing() {
    let (mut processes, connection, start) = inventory().await;
    report_while(&connection, &start, async |acknowledged| {
        for (count, how) in [(1_000, Restart::Stopped), (3_000, Restart::Killed)] {
            until_acknowledged(acknowledged, count).await;
            processes.restart_postgres(how).await;
        }
    })
    .await;
    processes.ready().await;
}

async fn postgres_that_stands_still_for_ten_seconds_is_waited_for() {
    let (mut processes, connection, start) = inventory().await;
    report_while(&connection, &start, async |acknowledged| {
        until_acknowledged(acknowledged, 1_000).await;
        processes.postgres.pause().await;
        let inventory = processes.running("inventory");
        // The fault lasts as long as it lasts.
        let paused = tokio::time::sleep(Duration::from_secs(10));
        let told = until("the inventory says so", async || {
            inventory.readiness().await.filter(|(code, _)| *code == 503)
        });
        let ((_, said), ()) = tokio::join!(told, paused);
        assert!(said.contains("database: not ready"), "{said}");
        processes.postgres.unpause().await;
        processes.ready().await;
    })
    .await;
}

async fn synchronous_standby_takes_over_with_everything_that_was_acknowledged() {
    let (mut processes, connection, start) = inventory().await;
    let standby = processes.postgres.synchronous_standby().await;
    report_while(&connection, &start, async |acknowledged| {
        until_acknowledged(acknowledged, 1_000).await;
        processes.postgres.kill().await;
        // As long as the standby is one, nobody takes its word for the fleet's.
        processes.database.lead_to(standby.address());
        let inventory = processes.running("inventory");
        until("the inventory says so", async || {
            inventory
                .readiness()
                .await
                .filter(|(code, said)| *code == 503 && said.contains("database: not ready"))
        })
        .await;
        standby.promote().await;
        processes.move_to(standby);
        processes.ready().await;
    })
    .await;
}

async fn services_start_in_any_order() {
    let mut processes = Processes::new().await;
    processes.database.cut();
    for service in ["monitoring", "authority", "prerequisites", "inventory"] {
        processes.start(service);
    }
    for service in ["authority", "inventory"] {
        let process = processes.running(service);
        until("it says that its database is away", async || {
            process
                .readiness()
                .await
                .filter(|(code, said)| *code == 503 && said.contains("database: not ready"))
        })
        .await;
    }
    processes.database.heal();
    processes.ready().await;
    make_tenant(&processes.connection()).await;
}

/// Replicas of one service, each with a connection of its own.
async fn replicas(processes: &mut Processes, service: &str, under: &[&str]) -> (Process, Connection) {
    let mut replica = processes.replica(service, under);
    replica.ready().await;
    let connection = processes.connection_to(&replica);
    (replica, connection)
}

async fn replicas_that_race_on_the_same_devices_make_each_once() {
    let (mut processes, one, start) = inventory().await;
    let (_replica, two) = replicas(&mut processes, "inventory", &[]).await;
    let progress = watch::Sender::new(0);
    let (first, second) =
        tokio::join!(report(&one, 0..DEVICES / 2, &progress), report(&two, 0..DEVICES / 2, &progress));
    let seen = if first.revision > second.revision { first } else { second };
    check(&two, &start, 0..DEVICES / 2, seen).await;
}

async fn replica_whose_clock_is_an_hour_behind_changes_no_order() {
    let (mut processes, one, start) = inventory().await;
    let (_replica, two) = replicas(&mut processes, "inventory", &["faketime", "-f", "-1h"]).await;
    let progress = watch::Sender::new(0);
    let half = DEVICES / 4;
    let (first, second) =
        tokio::join!(report(&one, 0..half, &progress), report(&two, half..2 * half, &progress));
    let seen = if first.revision > second.revision { first } else { second };
    check(&one, &start, 0..2 * half, seen).await;
}

async fn replicas_that_race_on_a_policy_record_every_change_once() {
    let (mut processes, ..) = inventory().await;
    processes.start("authority");
    processes.ready().await;
    let one = processes.connection();
    let (_replica, two) = {
        let mut replica = processes.replica("authority", &[]);
        replica.ready().await;
        let connection = processes.connection_to(&replica);
        (replica, connection)
    };
    // Each writes against the etag that it read last: of two that read the same, one wins.
    let write = async |connection: &Connection| {
        let mut etag = String::new();
        let mut won = 0_u64;
        while won < 20 {
            let policy = CoManagementPolicy {
                name: format!("{HIERARCHY}/coManagementPolicy"),
                enabled: Some(won.is_multiple_of(2)),
                etag: etag.clone(),
                ..CoManagementPolicy::default()
            };
            let request = UpdateCoManagementPolicyRequest { policy: Some(policy), ..Default::default() };
            match connection.authority().update_co_management_policy(request).await {
                Ok(answer) => {
                    won += 1;
                    etag = answer.into_inner().policy.unwrap().etag;
                }
                Err(status) => {
                    let error = ApiError::from(status);
                    assert_eq!(error.known_reason(), Some(ErrorReason::EtagMismatch), "{error}");
                    let request = tandem_contracts::authority::v1::GetCoManagementPolicyRequest {
                        name: format!("{HIERARCHY}/coManagementPolicy"),
                        ..Default::default()
                    };
                    let answer = connection.authority().get_co_management_policy(request).await.unwrap();
                    etag = answer.into_inner().policy.unwrap().etag;
                }
            }
        }
        won
    };
    let (first, second) = tokio::join!(write(&one), write(&two));
    let request = ListCoManagementPolicyRevisionsRequest {
        parent: format!("{HIERARCHY}/coManagementPolicy"),
        page_size: 1000,
        ..Default::default()
    };
    let answer = two.authority().list_co_management_policy_revisions(request).await.unwrap().into_inner();
    let revisions: Vec<u64> = answer.revisions.iter().map(|recorded| recorded.revision).collect();
    let expected: Vec<u64> = (1..=first + second).rev().collect();
    assert_eq!(revisions, expected, "each change once, newest first");
    check_audit_log(&one, first + second).await;
}

/// So many changes of policies are in the audit log, each once, and its chain is whole.
async fn check_audit_log(connection: &Connection, changes: u64) {
    let request = ListAuditRecordsRequest {
        parent: TENANT.into(),
        page_size: 1000,
        method: "tandem.authority.v1.AuthorityService/UpdateCoManagementPolicy".into(),
        ..Default::default()
    };
    let answer = connection.audit().list_audit_records(request).await.unwrap().into_inner();
    let made =
        answer.records.into_iter().filter_map(|record| record.event).filter(|event| event.outcome == "OK");
    let etag = |event: AuditEvent| {
        let policy: serde_json::Value = serde_json::from_str(&event.after).unwrap();
        policy["etag"].as_str().unwrap().parse::<u64>().unwrap()
    };
    let etags: Vec<u64> = made.map(etag).collect();
    assert_eq!(etags, (1..=changes).rev().collect::<Vec<_>>(), "each change is on record once");
    let request = VerifyAuditRequest { parent: TENANT.into(), heads: Vec::new() };
    let verified = connection.audit().verify_audit(request).await.unwrap().into_inner();
    assert_eq!(verified.fault(), AuditFault::Unspecified, "{verified:?}");
}

async fn link_that_is_cut_is_told_and_heals() {
    let (mut processes, connection, _) = inventory().await;
    processes.start("prerequisites");
    processes.start("authority");
    processes.ready().await;
    let check_tenant = async || {
        let request = tandem_contracts::prerequisites::v1::CheckTenantRequest {
            name: TENANT.into(),
            ..Default::default()
        };
        connection.prerequisites().check_tenant(request).await
    };
    check_tenant().await.unwrap();
    processes.links["inventory"].cut();
    let error = until("prerequisites cannot ask", async || check_tenant().await.err()).await;
    let error = ApiError::from(error);
    assert_eq!(error.known_reason(), Some(ErrorReason::DependencyUnavailable), "{error}");
    // The inventory itself is asked over another link.
    let request = GetTenantRequest { name: TENANT.into(), ..Default::default() };
    connection.tenants().get_tenant(request).await.unwrap();
    processes.links["inventory"].heal();
    until("prerequisites can ask again", async || check_tenant().await.ok()).await;
}

/// Devices that the authority is asked about while its cache fails.
const ASKED: u32 = 100;

/// Changes a device and asks the authority at once about all of them: the answers are about the devices as the inventory has them.
async fn check_answers(connection: &Connection, time: u32) {
    let consistency_token = rename(connection, time % ASKED, time).await;
    let expected: BTreeMap<String, u64> =
        devices(connection).await.into_iter().map(|device| (device.name, device.revision)).collect();
    let request = BatchGetEffectiveAuthorityRequest {
        parent: TENANT.into(),
        names: expected.keys().cloned().collect(),
        consistency_token,
    };
    let answer = connection.authority().batch_get_effective_authority(request).await.unwrap().into_inner();
    assert_eq!(answer.not_found, Vec::<String>::new());
    let found: BTreeMap<String, u64> = answer
        .effective_authorities
        .into_iter()
        .map(|answer| (answer.device, answer.device_revision))
        .collect();
    assert_eq!(found, expected);
}

/// Asks until the authority takes devices from its cache again.
async fn until_cached(
    processes: &mut Processes,
    connection: &Connection,
    times: &mut std::ops::RangeFrom<u32>,
) {
    let authority = processes.running("authority");
    let hits = r#"tandem_cache_reads_total{result="hit"}"#;
    let before = authority.metric(hits).await;
    until("the cache is used", async || {
        check_answers(connection, times.next()?).await;
        // Without a token of its own world a question is answered from whatever the cache has.
        let names = devices(connection).await.into_iter().map(|device| device.name).collect();
        let request =
            BatchGetEffectiveAuthorityRequest { parent: TENANT.into(), names, ..Default::default() };
        connection.authority().batch_get_effective_authority(request).await.unwrap();
        (authority.metric(hits).await > before).then_some(())
    })
    .await;
}

async fn redis_that_is_killed_paused_or_flushed_changes_no_answer_and_is_used_again() {
    let (mut processes, connection, _) = inventory().await;
    processes.start("authority");
    processes.ready().await;
    report(&connection, 0..ASKED, &watch::Sender::new(0)).await;
    let mut times = 1..;
    until_cached(&mut processes, &connection, &mut times).await;

    processes.redis.kill().await;
    check_answers(&connection, times.next().unwrap()).await;
    processes.redis.revive().await;
    until_cached(&mut processes, &connection, &mut times).await;

    processes.redis.pause().await;
    check_answers(&connection, times.next().unwrap()).await;
    processes.redis.resume().await;
    until_cached(&mut processes, &connection, &mut times).await;

    processes.redis.command(&["FLUSHALL"]).await;
    check_answers(&connection, times.next().unwrap()).await;
    until_cached(&mut processes, &connection, &mut times).await;
}

async fn cluster_node_that_is_lost_changes_no_answer_and_is_used_again() {
    let (mut processes, cluster) = (Processes::new().await, RedisCluster::start().await);
    processes.configure("TANDEM_CACHE_URL", &cluster.urls().join(","));
    processes.configure("TANDEM_CACHE_CLUSTER", "true");
    processes.start("inventory");
    processes.start("authority");
    processes.ready().await;
    let connection = processes.connection();
    make_tenant(&connection).await;
    report(&connection, 0..ASKED, &watch::Sender::new(0)).await;
    let mut times = 1..;
    until_cached(&mut processes, &connection, &mut times).await;

    // The node with everything that is kept of the tenant.
    let tenant = TENANT.trim_start_matches("tenants/");
    cluster.kill(&format!("tandem:cache:1:{{{}:{tenant}}}:epoch", tenant.len())).await;
    check_answers(&connection, times.next().unwrap()).await;
    cluster.revive().await;
    until_cached(&mut processes, &connection, &mut times).await;
}

async fn process_that_is_asked_to_end_answers_what_it_took_on() {
    let (mut processes, connection, start) = inventory().await;
    let progress = watch::Sender::new(0);
    let mut acknowledged = progress.subscribe();
    let ends = async {
        until_acknowledged(&mut acknowledged, 500).await;
        let mut inventory = processes.take("inventory");
        let status = inventory.terminate().await;
        assert!(status.success(), "{status}: {}", inventory.log());
        processes.start("inventory");
    };
    let (seen, ()) = tokio::join!(report(&connection, 0..DEVICES, &progress), ends);
    check(&connection, &start, 0..DEVICES, seen).await;
}

/// Devices that are asked about while services are replaced.
const LOADED: u32 = 20;

/// As Kubernetes rolls a deployment: the next replica is ready before the one before it is asked to end.
async fn rolling_restart_of_every_service_fails_no_call() {
    let (mut processes, connection, _) = inventory().await;
    for service in ["prerequisites", "authority", "monitoring"] {
        processes.start(service);
    }
    processes.ready().await;
    report(&connection, 0..LOADED, &watch::Sender::new(0)).await;
    let names: Vec<String> = devices(&connection).await.into_iter().map(|device| device.name).collect();
    let (client, stop) = (processes.connection_over_links(), CancellationToken::new());
    let rolling = async {
        let mut replicas = Vec::new();
        for service in SERVICES {
            let mut replica = processes.replica(service, &[]);
            replica.ready().await;
            processes.links[service].lead_to(replica.api);
            replicas.push(replica);
            let mut before = processes.take(service);
            let status = before.terminate().await;
            assert!(status.success(), "{service}: {status}: {}", before.log());
        }
        stop.cancel();
        replicas
    };
    let (calls, _replicas) = tokio::join!(calls(&client, &names, &stop), rolling);
    for (kind, calls) in calls {
        assert_eq!(calls.failed, Vec::<String>::new(), "{kind}");
        assert!(calls.answered > 0, "{kind}");
    }
}

fn main() -> ExitCode {
    macro_rules! faults {
        ($($fault:ident),+ $(,)?) => {
            Suite::new()$(.with_containers(stringify!($fault), $fault))+
        };
    }
    faults!(
        inventory_that_is_killed_again_and_again_keeps_what_it_acknowledged,
        postgres_that_is_restarted_or_killed_loses_nothing,
        postgres_that_stands_still_for_ten_seconds_is_waited_for,
        synchronous_standby_takes_over_with_everything_that_was_acknowledged,
        services_start_in_any_order,
        replicas_that_race_on_the_same_devices_make_each_once,
        replica_whose_clock_is_an_hour_behind_changes_no_order,
        replicas_that_race_on_a_policy_record_every_change_once,
        link_that_is_cut_is_told_and_heals,
        redis_that_is_killed_paused_or_flushed_changes_no_answer_and_is_used_again,
        cluster_node_that_is_lost_changes_no_answer_and_is_used_again,
        process_that_is_asked_to_end_answers_what_it_took_on,
        rolling_restart_of_every_service_fails_no_call,
    )
    .with_containers(
        "change_without_a_name_that_meets_a_drain_is_whole_and_its_caller_knows",
        writes::change_without_a_name_that_meets_a_drain_is_whole_and_its_caller_knows,
    )
    .with_containers(
        "change_without_a_name_that_meets_a_kill_is_whole_and_its_caller_knows",
        writes::change_without_a_name_that_meets_a_kill_is_whole_and_its_caller_knows,
    )
    .run()
}
