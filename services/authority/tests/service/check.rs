//! Whether a manager may act on the sample fleet. Expected values follow from the policy and the facts by the assessment's reasons.

use tandem_contracts::authority::v1::{
    CheckAuthorityRequest, CheckAuthorityResponse, WayOut, WayOutKind as Kind,
};
use tandem_contracts::r#type::v1::{
    AuthorityReason as Why, ErrorReason, ManagementAuthority as Who, SliderPosition, Workload,
};
use tandem_server::ConsistencyToken;
use tonic::{Code, Status};

use crate::fleet::{self, DRIFTING, MDM_ONLY, PILOT_MEMBER, POLICY_UNKNOWN};
use crate::{Sandbox, reason, sandbox, sandbox_with_policy};

const PILOT: &str = "tenants/contoso/hierarchies/PS1/collections/PS100014";
const UNREAD: &str = "tenants/contoso/hierarchies/PS1/collections/PS100020";

fn request(name: &str, workload: Workload, claimant: Who, token: &str) -> CheckAuthorityRequest {
    CheckAuthorityRequest {
        name: name.into(),
        workload: workload.into(),
        claimant: claimant.into(),
        consistency_token: token.into(),
    }
}

pub(crate) async fn check(
    sandbox: &mut Sandbox,
    name: &str,
    workload: Workload,
    claimant: Who,
    token: &str,
) -> Result<CheckAuthorityResponse, Status> {
    let request = request(name, workload, claimant, token);
    Ok(sandbox.client.check_authority(request).await?.into_inner())
}

/// A case: the device, its revision and that of its policy, the workload, and why it is held.
type Case = (&'static str, u64, u64, Workload, Why);

/// Asks for both claimants, and compares all but the world, which is that of both services.
async fn compare(sandbox: &mut Sandbox, case: Case, holder: Who, ways: [Vec<WayOut>; 2]) {
    let (name, device_revision, policy_revision, workload, why) = case;
    for (claimant, ways_out) in [Who::ConfigurationManager, Who::Intune].into_iter().zip(ways) {
        let found = check(sandbox, name, workload, claimant, "").await.unwrap();
        let world = ConsistencyToken::parse(&found.consistency_token).unwrap();
        let expected = CheckAuthorityResponse {
            allowed: holder == claimant,
            holder: holder.into(),
            reason: why.into(),
            ways_out,
            device_revision,
            policy_revision,
            consistency_token: found.consistency_token.clone(),
            since: None,
            since_first_look: false,
        };
        assert_eq!(found, expected, "{case:?} for {claimant:?}");
        assert!(world.get(tandem_server::consistency::Service::Inventory).is_some());
        assert!(world.get(tandem_server::consistency::Service::Authority).is_some());
    }
}

fn way(kind: Kind) -> WayOut {
    WayOut { kind: kind.into(), ..WayOut::default() }
}

fn moved(workload: Workload, to: SliderPosition) -> WayOut {
    WayOut { workload: workload.into(), slider: to.into(), ..way(Kind::MoveSlider) }
}

/// Of a pilot that there is.
fn pilot(kind: Kind, workload: Workload, collection: &str) -> WayOut {
    WayOut { workload: workload.into(), collection: collection.into(), ..way(kind) }
}

/// Of one that would have to begin, with a collection that nobody has named.
fn new_pilot(kind: Kind, workload: Workload) -> WayOut {
    WayOut { workload: workload.into(), slider: SliderPosition::PilotIntune.into(), ..way(kind) }
}

pub(crate) async fn claim_is_answered_with_holder_reason_and_ways_out() {
    let (cm, intune) = (SliderPosition::ConfigurationManager, SliderPosition::Intune);
    let (compliance, updates) = (Workload::CompliancePolicies, Workload::WindowsUpdatePolicies);
    let (endpoint, device) = (Workload::EndpointProtection, Workload::DeviceConfiguration);
    let office = Workload::OfficeClickToRunApps;
    let mut sandbox = sandbox_with_policy().await;
    let back = |workload| vec![new_pilot(Kind::LeavePilot, workload), moved(workload, cm)];
    compare(
        &mut sandbox,
        (PILOT_MEMBER, 11, 1, compliance, Why::PilotMember),
        Who::Intune,
        [vec![pilot(Kind::LeavePilot, compliance, PILOT), moved(compliance, cm)], vec![]],
    )
    .await;
    let bundled = (PILOT_MEMBER, 11, 1, endpoint, Why::BundledWithDeviceConfiguration);
    compare(&mut sandbox, bundled, Who::Intune, [back(device), vec![]]).await;
    let moved_for_all = (PILOT_MEMBER, 11, 1, device, Why::SliderIntune);
    compare(&mut sandbox, moved_for_all, Who::Intune, [back(device), vec![]]).await;
    compare(
        &mut sandbox,
        (PILOT_MEMBER, 11, 1, office, Why::SliderConfigurationManager),
        Who::ConfigurationManager,
        [vec![], vec![new_pilot(Kind::JoinPilot, office), moved(office, intune)]],
    )
    .await;
    compare(
        &mut sandbox,
        (DRIFTING, 12, 1, compliance, Why::PilotNotMember),
        Who::ConfigurationManager,
        [vec![], vec![pilot(Kind::JoinPilot, compliance, PILOT), moved(compliance, intune)]],
    )
    .await;
    let fixed = (POLICY_UNKNOWN, 13, 0, Workload::ResourceAccessPolicies, Why::ResourceAccessFixed);
    compare(&mut sandbox, fixed, Who::Intune, [vec![], vec![]]).await;
    let mdm_only = (MDM_ONLY, 14, 0, updates, Why::MdmOnly);
    compare(&mut sandbox, mdm_only, Who::Intune, [vec![way(Kind::InstallClient)], vec![]]).await;
}

pub(crate) async fn unknown_holder_allows_nobody_and_says_what_is_missing() {
    let mut sandbox = sandbox_with_policy().await;
    let updates = Workload::WindowsUpdatePolicies;
    let import = || vec![pilot(Kind::ImportMembers, updates, UNREAD)];
    let unread = (PILOT_MEMBER, 11, 1, updates, Why::MembershipUnknown);
    compare(&mut sandbox, unread, Who::Unknown, [import(), import()]).await;
    let record = || vec![way(Kind::RecordPolicy)];
    let unsaid = (POLICY_UNKNOWN, 13, 0, updates, Why::PolicyUnknown);
    compare(&mut sandbox, unsaid, Who::Unknown, [record(), record()]).await;
}

pub(crate) async fn claim_that_is_none_is_refused_before_anybody_is_asked() {
    let mut sandbox = sandbox().await;
    sandbox.inventory.world().away = true;
    let apps = Workload::ClientApps;
    let of = |name: &str, workload: Workload, claimant| request(name, workload, claimant, "");
    let cases = [
        (
            of(PILOT_MEMBER, apps, Who::Unspecified),
            "claimant: must be a value of the enumeration; found unspecified",
        ),
        (
            of(PILOT_MEMBER, apps, Who::ThirdPartyMdm),
            "claimant: expected configuration_manager or intune, found third_party_mdm",
        ),
        (of(PILOT_MEMBER, apps, Who::None), "claimant: expected configuration_manager or intune, found none"),
        (
            of(PILOT_MEMBER, apps, Who::Unknown),
            "claimant: expected configuration_manager or intune, found unknown",
        ),
        (
            CheckAuthorityRequest { claimant: 6, ..of(PILOT_MEMBER, apps, Who::Intune) },
            "claimant: must be a value of the enumeration; found the unknown number 6",
        ),
        (
            of(PILOT_MEMBER, Workload::Unspecified, Who::Intune),
            "workload: must be a value of the enumeration; found unspecified",
        ),
        (of("d1", apps, Who::Intune), "name: expected `tenants/{t}/devices/{d}`, found `d1`"),
    ];
    for (request, expected) in cases {
        let status = sandbox.client.check_authority(request).await.unwrap_err();
        assert_eq!(status.message(), expected);
        assert_eq!(reason(status), ErrorReason::InvalidField);
    }
}

pub(crate) async fn device_that_nothing_has_is_not_found() {
    let mut sandbox = sandbox().await;
    let name = "tenants/contoso/devices/d9";
    let status = check(&mut sandbox, name, Workload::ClientApps, Who::Intune, "").await.unwrap_err();
    assert_eq!((status.code(), reason(status)), (Code::NotFound, ErrorReason::ResourceNotFound));
}

pub(crate) async fn inventory_that_is_away_allows_nobody() {
    let mut sandbox = sandbox().await;
    sandbox.inventory.world().away = true;
    let status = check(&mut sandbox, PILOT_MEMBER, Workload::ClientApps, Who::Intune, "").await.unwrap_err();
    assert_eq!((status.code(), reason(status)), (Code::Unavailable, ErrorReason::DependencyUnavailable));
}

pub(crate) async fn slider_that_is_recorded_decides_at_once() {
    let mut sandbox = sandbox().await;
    let apps = Workload::ClientApps;
    let unsaid = (PILOT_MEMBER, 11, 0, apps, Why::PolicyUnknown);
    let record = || vec![way(Kind::RecordPolicy)];
    compare(&mut sandbox, unsaid, Who::Unknown, [record(), record()]).await;
    sandbox.record(fleet::policy()).await.unwrap();
    let found = check(&mut sandbox, PILOT_MEMBER, apps, Who::ConfigurationManager, "").await.unwrap();
    assert_eq!((found.allowed, found.policy_revision), (true, 1));
}

pub(crate) async fn token_is_checked_as_everywhere() {
    let mut sandbox = sandbox_with_policy().await;
    let world = sandbox.inventory.world().world();
    let recorded = sandbox.record(fleet::policy()).await.unwrap();
    let ours = ConsistencyToken::parse(&recorded.consistency_token).unwrap();
    let found = check(&mut sandbox, PILOT_MEMBER, Workload::ClientApps, Who::Intune, "").await.unwrap();
    let expected = world.merge(&ours);
    assert_eq!(ConsistencyToken::parse(&found.consistency_token).unwrap(), expected);

    use tandem_server::consistency::Service::{Authority, Inventory};
    let (mine, theirs) = (ours.get(Authority).unwrap(), world.get(Inventory).unwrap());
    let of = |service, incarnation, revision| {
        ConsistencyToken::default().with(service, incarnation, revision).to_string()
    };
    for (token, expected) in [
        ("damaged".to_owned(), ErrorReason::InvalidConsistencyToken),
        (of(Authority, mine.incarnation, mine.revision + 1), ErrorReason::NotYetConsistent),
        (of(Authority, mine.incarnation.wrapping_add(1), 1), ErrorReason::IncarnationChanged),
        (of(Inventory, theirs.incarnation, theirs.revision + 1), ErrorReason::NotYetConsistent),
        (of(Inventory, theirs.incarnation + 1, 1), ErrorReason::IncarnationChanged),
    ] {
        let refused = check(&mut sandbox, PILOT_MEMBER, Workload::ClientApps, Who::Intune, &token).await;
        assert_eq!(reason(refused.unwrap_err()), expected, "{token}");
    }
}
