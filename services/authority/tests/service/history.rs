//! Who decided when: kept from the inventory's feed, and told.

use jiff::{SignedDuration, Timestamp};
use tandem_authority::Authority;
use tandem_contracts::authority::v1::authority_service_client::AuthorityServiceClient;
use tandem_contracts::authority::v1::{
    AuthorityPeriod, CheckAuthorityRequest, GetAuthorityAtRequest, ListAuthorityPeriodsRequest,
};
use tandem_contracts::convert::time;
use tandem_contracts::r#type::v1::{
    AuthorityReason, ErrorReason, ManagementAuthority, ManagementState, SliderPosition, Workload,
};
use tandem_domain::facts::DeviceFacts;
use tandem_domain::id::{CollectionId, SiteCode};
use tandem_server::{ApiServer, LocalAuthenticator, Supervisor};
use tandem_testkit::wait::until;
use tonic::Status;
use tonic::transport::Channel;

use crate::fleet::{self, DRIFTING, MDM_ONLY, PILOT_MEMBER};
use crate::{Sandbox, now, parts, reason, sandbox};

type Client = AuthorityServiceClient<Channel>;

fn hours(hours: i64) -> Timestamp {
    now() + SignedDuration::from_hours(hours)
}

/// From, to, revisions of device and policy, and why compliance policies are where they are. Times in whole hours after [`now`]: two
/// batches of one moment are a microsecond apart.
type Line = (i64, Option<i64>, (u64, u64), AuthorityReason);

fn line(period: &AuthorityPeriod) -> Line {
    let hour = |at| time::from_proto("", at).unwrap().duration_since(now()).as_hours();
    let said = period.workloads.iter().find(|said| said.workload() == Workload::CompliancePolicies).unwrap();
    let revisions = (period.device_revision, period.policy_revision);
    (hour(period.from_time.unwrap()), period.to_time.map(hour), revisions, said.reason())
}

async fn page(
    client: &mut Client,
    device: &str,
    workload: Workload,
    page_size: i32,
    page_token: &str,
) -> Result<(Vec<AuthorityPeriod>, String), Status> {
    let request = ListAuthorityPeriodsRequest {
        parent: device.into(),
        workload: workload.into(),
        page_size,
        page_token: page_token.into(),
        consistency_token: String::new(),
    };
    let answer = client.list_authority_periods(request).await?.into_inner();
    Ok((answer.periods, answer.next_page_token))
}

/// What is said of a device's compliance policies, newest first.
async fn lines(client: &mut Client, device: &str) -> Vec<Line> {
    let (found, _) = page(client, device, Workload::CompliancePolicies, 0, "").await.unwrap();
    found.iter().map(line).collect()
}

/// Who holds a workload, since how many hours after [`now`], and whether that is when the device was first looked at; by what is kept.
async fn since(
    client: &mut Client,
    device: &str,
    workload: Workload,
) -> (ManagementAuthority, Option<i64>, bool) {
    let request = CheckAuthorityRequest {
        name: device.into(),
        workload: workload.into(),
        claimant: ManagementAuthority::Intune.into(),
        consistency_token: String::new(),
    };
    let answer = client.check_authority(request).await.unwrap().into_inner();
    let at = answer.since.map(|at| time::from_proto("", at).unwrap().duration_since(now()).as_hours());
    (answer.holder(), at, answer.since_first_look)
}

/// Until it is kept that the holder of a device's compliance policies changed at that hour.
async fn kept(client: &mut Client, device: &str, hour: i64) {
    until("it is kept", async || {
        (since(client, device, Workload::CompliancePolicies).await.1 == Some(hour)).then_some(())
    })
    .await;
}

async fn at(client: &mut Client, device: &str, moment: Timestamp) -> Result<AuthorityPeriod, Status> {
    let request = GetAuthorityAtRequest {
        name: device.into(),
        time: Some(time::to_proto(moment)),
        consistency_token: String::new(),
    };
    Ok(client.get_authority_at(request).await?.into_inner().period.unwrap())
}

/// A co-managed device of PS1 that is in those collections.
fn member_of(collections: &[&str]) -> DeviceFacts {
    DeviceFacts {
        collections: collections.iter().map(|id| CollectionId::parse(id).unwrap()).collect(),
        site: fleet::said(SiteCode::parse("PS1").unwrap()),
        ..fleet::co_managed("PS1")
    }
}

/// At 1 its policy is recorded, with a pilot that the device is in; at 2 it leaves the pilot; at 3 the slider moves on to Intune; at 4 the device
/// is gone.
async fn lived() -> Sandbox {
    let mut sandbox = sandbox().await;
    sandbox.authority.start_tasks();
    kept(&mut sandbox.client, PILOT_MEMBER, 0).await;
    sandbox.hand.set(hours(1));
    sandbox.record(fleet::policy()).await.unwrap();
    kept(&mut sandbox.client, PILOT_MEMBER, 1).await;
    sandbox.hand.set(hours(2));
    sandbox.inventory.change(fleet::device(PILOT_MEMBER, 0, &member_of(&[])));
    kept(&mut sandbox.client, PILOT_MEMBER, 2).await;
    sandbox.hand.set(hours(3));
    let mut policy = fleet::policy();
    policy.workloads[0].slider = SliderPosition::Intune.into();
    sandbox.record(policy).await.unwrap();
    sandbox
}

const LIVED: [Line; 4] = [
    (3, None, (15, 2), AuthorityReason::SliderIntune),
    (2, Some(3), (15, 1), AuthorityReason::PilotNotMember),
    (1, Some(2), (11, 1), AuthorityReason::PilotMember),
    (0, Some(1), (11, 0), AuthorityReason::PolicyUnknown),
];

pub(crate) async fn each_change_of_device_policy_and_members_is_told_with_its_time() {
    let mut sandbox = lived().await;
    assert_eq!(lines(&mut sandbox.client, PILOT_MEMBER).await, LIVED);
    let (all, _) = page(&mut sandbox.client, PILOT_MEMBER, Workload::Unspecified, 0, "").await.unwrap();
    let newest = &all[0];
    assert_eq!(newest.hierarchy, "tenants/contoso/hierarchies/PS1");
    assert_eq!(newest.state(), ManagementState::CoManaged);
    assert_eq!(newest.workloads.len(), 7);
    assert!(!newest.first_look && all.last().unwrap().first_look);
    // What it reported is in the version that it was reported in.
    let reported =
        all.last().unwrap().workloads.iter().find(|said| said.workload() == Workload::DeviceConfiguration);
    assert_eq!(reported.unwrap().reported(), ManagementAuthority::Intune);
}

pub(crate) async fn moment_of_the_past_is_answered_from_what_was_known_then() {
    let mut sandbox = lived().await;
    let client = &mut sandbox.client;
    for (hour, expected) in [(0, 3), (1, 2), (2, 1)] {
        let moment = hours(hour) + SignedDuration::from_mins(30);
        assert_eq!(line(&at(client, PILOT_MEMBER, moment).await.unwrap()), LIVED[expected], "{hour}");
    }
    let early = at(client, PILOT_MEMBER, hours(-1)).await.unwrap_err();
    assert_eq!(reason(early), ErrorReason::HistoryNotKnown);
    let future = at(client, PILOT_MEMBER, hours(9)).await.unwrap_err();
    assert_eq!(reason(future), ErrorReason::InvalidField);
    let nobody = at(client, "tenants/contoso/devices/none", hours(2)).await.unwrap_err();
    assert_eq!(reason(nobody), ErrorReason::ResourceNotFound);
    let request = GetAuthorityAtRequest { name: PILOT_MEMBER.into(), ..Default::default() };
    assert_eq!(reason(client.get_authority_at(request).await.unwrap_err()), ErrorReason::InvalidField);
}

pub(crate) async fn device_that_is_gone_has_a_past_and_no_present() {
    let mut sandbox = lived().await;
    sandbox.hand.set(hours(4));
    sandbox.inventory.remove(PILOT_MEMBER);
    sandbox.inventory.change(fleet::device(
        DRIFTING,
        0,
        &DeviceFacts { mdm_enrolled: None, ..member_of(&[]) },
    ));
    let client = &mut sandbox.client;
    // The feed says one thing after the other.
    kept(client, DRIFTING, 4).await;
    assert_eq!(lines(client, PILOT_MEMBER).await[0], (3, Some(4), (15, 2), AuthorityReason::SliderIntune));
    sandbox.hand.set(hours(6));
    let gone = at(client, PILOT_MEMBER, hours(5)).await.unwrap_err();
    assert_eq!(reason(gone), ErrorReason::HistoryNotKnown);
    let before = hours(2) + SignedDuration::from_mins(30);
    assert_eq!(line(&at(client, PILOT_MEMBER, before).await.unwrap()).3, AuthorityReason::PilotNotMember);
}

pub(crate) async fn pages_of_every_size_together_tell_each_period_once() {
    let mut sandbox = lived().await;
    let client = &mut sandbox.client;
    assert_eq!(lines(client, PILOT_MEMBER).await, LIVED);
    for size in 1..6 {
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            let (periods, next) =
                page(client, PILOT_MEMBER, Workload::CompliancePolicies, size, &token).await.unwrap();
            assert!(periods.len() <= usize::try_from(size).unwrap());
            found.extend(periods.iter().map(line));
            token = next;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(found, LIVED, "{size}");
    }
    let (_, token) = page(client, PILOT_MEMBER, Workload::CompliancePolicies, 1, "").await.unwrap();
    let other = page(client, PILOT_MEMBER, Workload::ClientApps, 1, &token).await.unwrap_err();
    assert_eq!(reason(other), ErrorReason::InvalidPageToken);
}

pub(crate) async fn check_says_since_when_the_holder_holds() {
    let mut sandbox = lived().await;
    let client = &mut sandbox.client;
    // Intune's at 1, Configuration Manager's at 2, Intune's again since 3.
    let expected = (ManagementAuthority::Intune, Some(3), false);
    assert_eq!(since(client, PILOT_MEMBER, Workload::CompliancePolicies).await, expected);
    let expected = (ManagementAuthority::Intune, Some(1), false);
    assert_eq!(since(client, PILOT_MEMBER, Workload::DeviceConfiguration).await, expected);
    let expected = (ManagementAuthority::Intune, Some(0), true);
    assert_eq!(since(client, MDM_ONLY, Workload::ClientApps).await, expected);
}

/// Nothing is kept before the tasks run but what is asked about: that is kept with the answer.
pub(crate) async fn device_that_nobody_kept_begins_when_it_is_asked_about() {
    let mut sandbox = sandbox().await;
    sandbox.hand.set(hours(2));
    let expected = [(2, None, (11, 0), AuthorityReason::PolicyUnknown)];
    assert_eq!(lines(&mut sandbox.client, PILOT_MEMBER).await, expected);
    assert_eq!(line(&at(&mut sandbox.client, PILOT_MEMBER, hours(2)).await.unwrap()), expected[0]);
    assert_eq!(since(&mut sandbox.client, PILOT_MEMBER, Workload::CompliancePolicies).await.1, Some(2));
    assert_eq!(since(&mut sandbox.client, DRIFTING, Workload::CompliancePolicies).await.1, None);
}

/// The service over the same database and inventory in a process that comes after.
async fn another(sandbox: &Sandbox, supervisor: &Supervisor) -> (Authority, Client) {
    let keys = tempfile::tempdir().unwrap();
    let parts = parts(&sandbox.place, &sandbox.inventory, supervisor, sandbox.clock, keys.path());
    let authority = Authority::open(parts).await.unwrap();
    let server = authority.serve_on(ApiServer::new(LocalAuthenticator::default()));
    let client = AuthorityServiceClient::new(tandem_testkit::serve(supervisor, "another", server));
    (authority, client)
}

pub(crate) async fn process_that_comes_after_goes_on_where_the_one_before_was() {
    let sandbox = lived().await;
    sandbox.supervisor.drain();
    sandbox.supervisor.join().await.unwrap();
    // While nobody follows, one device goes and another changes.
    sandbox.hand.set(hours(7));
    sandbox.inventory.remove(PILOT_MEMBER);
    sandbox.inventory.change(fleet::device(
        DRIFTING,
        0,
        &DeviceFacts { mdm_enrolled: None, ..member_of(&[]) },
    ));
    let supervisor = Supervisor::new();
    let (authority, mut client) = another(&sandbox, &supervisor).await;
    authority.start_tasks();
    let first = (3, Some(7), (15, 2), AuthorityReason::SliderIntune);
    kept(&mut client, DRIFTING, 7).await;
    // That a device is gone shows when the whole snapshot was seen.
    until("the device that is gone has ended", async || {
        lines(&mut client, PILOT_MEMBER).await[0].1.map(|_| ())
    })
    .await;
    sandbox.hand.set(hours(9));
    assert_eq!(lines(&mut client, PILOT_MEMBER).await[0], first);
    let expected = [
        (7, None, (17, 2), AuthorityReason::NotEnrolled),
        (3, Some(7), (12, 2), AuthorityReason::SliderIntune),
    ];
    assert_eq!(lines(&mut client, DRIFTING).await[..2], expected);
}

pub(crate) async fn policy_that_nobody_records_is_named_as_unknown() {
    let mut sandbox = sandbox().await;
    sandbox.authority.start_tasks();
    let expected = [(0, None, (13, 0), AuthorityReason::PolicyUnknown)];
    assert_eq!(lines(&mut sandbox.client, fleet::POLICY_UNKNOWN).await, expected);
}
