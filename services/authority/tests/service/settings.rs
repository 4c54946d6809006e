//! What governs settings, and who holds them on the sample fleet. Expected values follow from the fact pack and from who decides there.

use tandem_contracts::authority::v1::{
    ExceptionApplicability, HolderBasis, ListSettingKindsRequest, ResolveSettingRequest,
    ResolveSettingResponse, SettingGovernor, SettingOnDevice,
};
use tandem_contracts::r#type::v1::{AuthorityReason, ErrorReason, ManagementAuthority, Workload};
use tonic::{Code, Status};

use crate::fleet::{MDM_ONLY, PILOT_MEMBER};
use crate::{Sandbox, reason, sandbox, sandbox_with_policy};

async fn resolve(sandbox: &mut Sandbox, kind: &str, device: &str) -> Result<ResolveSettingResponse, Status> {
    let request = ResolveSettingRequest { kind: kind.into(), device: device.into(), ..Default::default() };
    Ok(sandbox.client.resolve_setting(request).await?.into_inner())
}

pub(crate) async fn kinds_are_listed_with_what_governs_them() {
    let mut sandbox = sandbox().await;
    let answer =
        sandbox.client.list_setting_kinds(ListSettingKindsRequest::default()).await.unwrap().into_inner();
    let of = |id: &str| {
        let kind = answer.kinds.iter().find(|kind| kind.id == id).unwrap();
        (kind.governor(), kind.workload())
    };
    assert_eq!(of("wifi_profile"), (SettingGovernor::Workload, Workload::ResourceAccessPolicies));
    assert_eq!(of("settings_catalog_policy"), (SettingGovernor::Workload, Workload::DeviceConfiguration));
    assert_eq!(of("other_feature"), (SettingGovernor::ConfigurationManager, Workload::Unspecified));
}

pub(crate) async fn kind_without_a_device_is_answered_alone() {
    let mut sandbox = sandbox().await;
    let answer = resolve(&mut sandbox, "intune_app", "").await.unwrap();
    let kind = answer.kind.unwrap();
    assert_eq!((kind.governor(), kind.workload()), (SettingGovernor::Workload, Workload::ClientApps));
    assert_eq!((answer.on_device, answer.consistency_token), (None, String::new()));
}

/// Device configuration stands at Intune there, and carries resource access along.
pub(crate) async fn setting_is_held_by_whom_its_workload_is() {
    let mut sandbox = sandbox_with_policy().await;
    let answer = resolve(&mut sandbox, "wifi_profile", PILOT_MEMBER).await.unwrap();
    assert!(!answer.consistency_token.is_empty());
    let held = answer.on_device.unwrap();
    let SettingOnDevice { explanation, exceptions, .. } = held.clone();
    assert!(!explanation.is_empty());
    let expected = SettingOnDevice {
        device: PILOT_MEMBER.into(),
        holder: ManagementAuthority::Intune.into(),
        basis: HolderBasis::Workload.into(),
        reason: AuthorityReason::BundledWithDeviceConfiguration.into(),
        autopilot_override_unknown: true,
        device_revision: 11,
        policy_revision: 1,
        explanation,
        exceptions: exceptions.clone(),
        ..SettingOnDevice::default()
    };
    assert_eq!(held, expected);
    let fixed = exceptions.iter().map(|exception| (exception.id.as_str(), exception.applicability()));
    assert_eq!(fixed.collect::<Vec<_>>(), [("resource_access_fixed", ExceptionApplicability::DoesNotApply)]);
}

pub(crate) async fn feature_outside_the_workloads_is_held_by_configuration_manager() {
    let mut sandbox = sandbox_with_policy().await;
    let held = resolve(&mut sandbox, "other_feature", PILOT_MEMBER).await.unwrap().on_device.unwrap();
    assert_eq!(
        (held.holder(), held.basis(), held.reason()),
        (
            ManagementAuthority::ConfigurationManager,
            HolderBasis::OutsideWorkloads,
            AuthorityReason::Unspecified
        )
    );
    let held = resolve(&mut sandbox, "other_feature", MDM_ONLY).await.unwrap().on_device.unwrap();
    assert_eq!(
        (held.holder(), held.basis(), held.reason()),
        (ManagementAuthority::Intune, HolderBasis::Device, AuthorityReason::MdmOnly)
    );
}

pub(crate) async fn kind_or_device_that_nothing_has_is_refused() {
    let mut sandbox = sandbox().await;
    let status = resolve(&mut sandbox, "wallpaper", "").await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("wifi_profile"), "{status}");
    let status = resolve(&mut sandbox, "wifi_profile", "tenants/contoso/devices/d9").await.unwrap_err();
    assert_eq!(reason(status), ErrorReason::ResourceNotFound);
}
