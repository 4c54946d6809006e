//! Who decides what on the sample fleet. Expected values follow from the policy and the facts by the assessment's reasons.

use futures::TryStreamExt;
use tandem_contracts::authority::v1::{
    BatchGetEffectiveAuthorityRequest, Drift, DriftCause, EffectiveAuthority, GetEffectiveAuthorityRequest,
    ReportedAuthority, StreamEffectiveAuthorityRequest, StreamEffectiveAuthorityResponse, WorkloadAuthority,
};
use tandem_contracts::convert::time;
use tandem_contracts::r#type::v1::{
    AuthorityReason as Why, DeviceFilter, ErrorReason, ManagementAuthority as Who, ManagementState, Workload,
};
use tandem_server::ConsistencyToken;
use tonic::Code;

use crate::fleet::{DRIFTING, INTUNE_SAID, MDM_ONLY, PILOT_MEMBER, POLICY_UNKNOWN, SITE_SAID};
use crate::{Sandbox, TENANT, reason, sandbox, sandbox_with_policy};

pub(crate) const WORKLOADS: [Workload; 7] = [
    Workload::CompliancePolicies,
    Workload::WindowsUpdatePolicies,
    Workload::ResourceAccessPolicies,
    Workload::EndpointProtection,
    Workload::DeviceConfiguration,
    Workload::OfficeClickToRunApps,
    Workload::ClientApps,
];

/// Authority and reason of the seven workloads, in the order of the contract.
fn workloads(decisions: [(Who, Why); 7]) -> Vec<WorkloadAuthority> {
    let decided = WORKLOADS.into_iter().zip(decisions);
    let message = |(workload, (authority, reason)): (Workload, (Who, Why))| WorkloadAuthority {
        workload: workload.into(),
        authority: authority.into(),
        reason: reason.into(),
        ..WorkloadAuthority::default()
    };
    decided.map(message).collect()
}

/// What one source reported of some workloads.
fn reported(source: &str, at: &str, said: &[(Workload, Who)]) -> Vec<ReportedAuthority> {
    let message = |(workload, authority): &(Workload, Who)| ReportedAuthority {
        workload: (*workload).into(),
        authority: (*authority).into(),
        source: source.into(),
        observed_at: Some(time::to_proto(at.parse().unwrap())),
    };
    said.iter().map(message).collect()
}

/// All seven, as a site reports them.
fn reported_by_site(said: [Who; 7]) -> Vec<ReportedAuthority> {
    let said: Vec<_> = WORKLOADS.into_iter().zip(said).collect();
    reported("configmgr/PS1", SITE_SAID, &said)
}

/// Compliance should be at Configuration Manager, and this source says that it is at Intune. Nobody said when the slider moved, nor anything
/// else that explains it.
pub(crate) fn compliance_drift(source: &str, at: &str) -> Drift {
    Drift {
        workload: Workload::CompliancePolicies.into(),
        effective: Who::ConfigurationManager.into(),
        reported: Who::Intune.into(),
        source: source.into(),
        observed_at: Some(time::to_proto(at.parse().unwrap())),
        since: Some(time::to_proto(at.parse().unwrap())),
        cause: DriftCause::Unknown.into(),
        explanation: "nothing that is known explains it".into(),
    }
}

fn co_managed(device: &str, device_revision: u64, policy_revision: u64) -> EffectiveAuthority {
    EffectiveAuthority {
        device: device.into(),
        device_revision,
        policy_revision,
        state: ManagementState::CoManaged.into(),
        co_managed_query: true,
        co_managed_prose: true,
        co_managed_cloud: true,
        autopilot_override_unknown: true,
        ..EffectiveAuthority::default()
    }
}

fn pilot_member() -> EffectiveAuthority {
    let (cm, intune) = (Who::ConfigurationManager, Who::Intune);
    EffectiveAuthority {
        workloads: workloads([
            (intune, Why::PilotMember),
            (Who::Unknown, Why::MembershipUnknown),
            (intune, Why::BundledWithDeviceConfiguration),
            (intune, Why::BundledWithDeviceConfiguration),
            (intune, Why::SliderIntune),
            (cm, Why::SliderConfigurationManager),
            (cm, Why::SliderConfigurationManager),
        ]),
        reported: reported_by_site([intune, cm, intune, intune, intune, cm, cm]),
        capability_value: "12335".into(),
        ..co_managed(PILOT_MEMBER, 11, 1)
    }
}

fn drifting() -> EffectiveAuthority {
    let (cm, intune) = (Who::ConfigurationManager, Who::Intune);
    // Bit 8 speaks for resource access and endpoint protection, whose own bits are clear in 8203.
    let by_site = reported_by_site([intune, cm, intune, intune, intune, cm, cm]);
    let by_intune = reported(
        "intune",
        INTUNE_SAID,
        &[
            (Workload::CompliancePolicies, intune),
            (Workload::ResourceAccessPolicies, cm),
            (Workload::DeviceConfiguration, intune),
        ],
    );
    let mut workloads = pilot_member().workloads;
    workloads[0].authority = cm.into();
    workloads[0].reason = Why::PilotNotMember.into();
    EffectiveAuthority {
        workloads,
        reported: [by_site, by_intune].concat(),
        drift: vec![compliance_drift("configmgr/PS1", SITE_SAID), compliance_drift("intune", INTUNE_SAID)],
        capability_value: "8203".into(),
        ..co_managed(DRIFTING, 12, 1)
    }
}

/// Of a hierarchy without a known policy. Its only site is of a version that fixes resource access at Intune.
fn policy_unknown() -> EffectiveAuthority {
    let mut decisions = [(Who::Unknown, Why::PolicyUnknown); 7];
    decisions[2] = (Who::Intune, Why::ResourceAccessFixed);
    EffectiveAuthority { workloads: workloads(decisions), ..co_managed(POLICY_UNKNOWN, 13, 0) }
}

/// Enrolled without the client, and about to be retired.
fn mdm_only() -> EffectiveAuthority {
    EffectiveAuthority {
        device: MDM_ONLY.into(),
        device_revision: 14,
        state: ManagementState::MdmOnly.into(),
        workloads: workloads([(Who::Intune, Why::MdmOnly); 7]),
        leaving: true,
        ..EffectiveAuthority::default()
    }
}

pub(crate) async fn get(sandbox: &mut Sandbox, name: &str, token: &str) -> EffectiveAuthority {
    let (name, consistency_token) = (name.to_owned(), token.to_owned());
    let request = GetEffectiveAuthorityRequest { name, consistency_token };
    let answer = sandbox.client.get_effective_authority(request).await.unwrap().into_inner();
    answer.effective_authority.unwrap()
}

pub(crate) async fn each_device_is_answered_whole() {
    let mut sandbox = sandbox_with_policy().await;
    for expected in [pilot_member(), drifting(), policy_unknown(), mdm_only()] {
        assert_eq!(get(&mut sandbox, &expected.device, "").await, expected);
    }
}

pub(crate) async fn slider_that_is_recorded_decides_at_once() {
    let mut sandbox = sandbox().await;
    let before = get(&mut sandbox, PILOT_MEMBER, "").await;
    assert_eq!(
        (before.policy_revision, before.workloads),
        (0, workloads([(Who::Unknown, Why::PolicyUnknown); 7]))
    );
    sandbox.record(crate::fleet::policy()).await.unwrap();
    assert_eq!(get(&mut sandbox, PILOT_MEMBER, "").await, pilot_member());
}

pub(crate) async fn batch_is_answered_in_the_order_asked_for_with_the_missing_apart() {
    let mut sandbox = sandbox_with_policy().await;
    let missing = "tenants/contoso/devices/d9".to_owned();
    let request = BatchGetEffectiveAuthorityRequest {
        parent: TENANT.into(),
        names: vec![MDM_ONLY.into(), missing.clone(), PILOT_MEMBER.into()],
        consistency_token: String::new(),
    };
    let answer = sandbox.client.batch_get_effective_authority(request).await.unwrap().into_inner();
    assert_eq!(answer.effective_authorities, [mdm_only(), pilot_member()]);
    assert_eq!(answer.not_found, [missing]);
}

pub(crate) async fn batch_of_another_tenants_devices_is_refused_before_anybody_is_asked() {
    let mut sandbox = sandbox().await;
    sandbox.inventory.world().away = true;
    let request = BatchGetEffectiveAuthorityRequest {
        parent: TENANT.into(),
        names: vec![PILOT_MEMBER.into(), "tenants/fabrikam/devices/d1".into(), "d2".into()],
        consistency_token: String::new(),
    };
    let status = sandbox.client.batch_get_effective_authority(request).await.unwrap_err();
    assert_eq!(
        status.message(),
        "names[1]: expected a device of `tenants/contoso`, found `tenants/fabrikam/devices/d1`; \
         names[2]: expected `tenants/{t}/devices/{d}`, found `d2`"
    );
}

pub(crate) async fn batch_of_more_than_1000_names_is_refused() {
    let mut sandbox = sandbox().await;
    let request = BatchGetEffectiveAuthorityRequest {
        parent: TENANT.into(),
        names: vec![PILOT_MEMBER.into(); 1001],
        consistency_token: String::new(),
    };
    let status = sandbox.client.batch_get_effective_authority(request).await.unwrap_err();
    assert_eq!(status.message(), "names: expected at most 1000 names, found 1001");
}

pub(crate) async fn device_that_nothing_has_is_not_found() {
    let mut sandbox = sandbox().await;
    let name = "tenants/contoso/devices/d9".to_owned();
    let request = GetEffectiveAuthorityRequest { name, ..Default::default() };
    let status = sandbox.client.get_effective_authority(request).await.unwrap_err();
    assert_eq!((status.code(), reason(status)), (Code::NotFound, ErrorReason::ResourceNotFound));
}

pub(crate) async fn inventory_that_is_away_makes_the_answer_unavailable() {
    let mut sandbox = sandbox().await;
    sandbox.inventory.world().away = true;
    let request = GetEffectiveAuthorityRequest { name: PILOT_MEMBER.into(), ..Default::default() };
    let status = sandbox.client.get_effective_authority(request).await.unwrap_err();
    assert_eq!((status.code(), reason(status)), (Code::Unavailable, ErrorReason::DependencyUnavailable));
}

async fn streamed(
    sandbox: &mut Sandbox,
    filter: Option<DeviceFilter>,
) -> Vec<StreamEffectiveAuthorityResponse> {
    let request = StreamEffectiveAuthorityRequest { parent: TENANT.into(), filter, ..Default::default() };
    let batches = sandbox.client.stream_effective_authority(request).await.unwrap().into_inner();
    batches.try_collect().await.unwrap()
}

pub(crate) async fn stream_answers_every_device_once_with_the_world_of_each_batch() {
    let mut sandbox = sandbox_with_policy().await;
    let recorded = sandbox.record(crate::fleet::policy()).await.unwrap();
    let ours = ConsistencyToken::parse(&recorded.consistency_token).unwrap();
    let world = sandbox.inventory.world().world().merge(&ours).to_string();
    let of_policy_2 = |device| EffectiveAuthority { policy_revision: 2, ..device };
    let batch = |effective_authorities| StreamEffectiveAuthorityResponse {
        effective_authorities,
        consistency_token: world.clone(),
    };
    let expected = [
        batch(vec![of_policy_2(pilot_member()), of_policy_2(drifting())]),
        batch(vec![policy_unknown(), mdm_only()]),
        batch(vec![]),
    ];
    assert_eq!(streamed(&mut sandbox, None).await, expected);
}

pub(crate) async fn stream_passes_the_filter_on() {
    let mut sandbox = sandbox_with_policy().await;
    let filter = DeviceFilter { hierarchies: vec!["EU1".into()], ..DeviceFilter::default() };
    let batches = streamed(&mut sandbox, Some(filter)).await;
    let devices: Vec<_> = batches.into_iter().flat_map(|batch| batch.effective_authorities).collect();
    assert_eq!(devices, [policy_unknown()]);
}
