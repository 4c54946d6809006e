//! Policies are recorded, read and listed.

use tandem_contracts::authority::v1::CapabilityLayout;
use tandem_contracts::authority::v1::{
    DecodeCapabilityValueRequest, DecodeCapabilityValueResponse, Encryption, GetCoManagementPolicyRequest,
    ListCoManagementPoliciesRequest, ListCoManagementPolicyRevisionsRequest, UpdateCoManagementPolicyRequest,
};
use tandem_contracts::convert::time;
use tandem_contracts::r#type::v1::{
    CoManagementPolicy, ErrorReason, SliderPosition, Workload, WorkloadSetting,
};
use tonic::Code;

use crate::effective::WORKLOADS;
use crate::fleet::{self, POLICY};
use crate::{Sandbox, TENANT, now, reason, sandbox, sandbox_with_policy};

/// The sample policy as it must be stored.
fn stored(etag: &str, revision: u64) -> CoManagementPolicy {
    let given = fleet::policy();
    let entry = |workload: Workload| {
        let set = given.workloads.iter().find(|setting| setting.workload == i32::from(workload));
        set.cloned().unwrap_or(WorkloadSetting {
            workload: workload.into(),
            slider: SliderPosition::ConfigurationManager.into(),
            pilot_collection: String::new(),
        })
    };
    CoManagementPolicy {
        workloads: WORKLOADS.map(entry).into(),
        etag: etag.into(),
        revision,
        update_time: Some(time::to_proto(now())),
        updated_by: "local".into(),
        ..given
    }
}

async fn policy_get(sandbox: &mut Sandbox) -> CoManagementPolicy {
    let request = GetCoManagementPolicyRequest { name: POLICY.into(), ..Default::default() };
    sandbox.client.get_co_management_policy(request).await.unwrap().into_inner().policy.unwrap()
}

pub(crate) async fn policy_that_nobody_recorded_is_not_found() {
    let mut sandbox = sandbox().await;
    let request = GetCoManagementPolicyRequest { name: POLICY.into(), ..Default::default() };
    let status = sandbox.client.get_co_management_policy(request).await.unwrap_err();
    assert_eq!((status.code(), reason(status)), (Code::NotFound, ErrorReason::ResourceNotFound));
}

pub(crate) async fn policy_recorded_is_answered_and_read_back_whole() {
    let mut sandbox = sandbox().await;
    let answer = sandbox.record(fleet::policy()).await.unwrap();
    assert_eq!(answer.policy, Some(stored("1", 1)));
    assert_eq!(policy_get(&mut sandbox).await, stored("1", 1));
}

pub(crate) async fn policy_of_an_unknown_hierarchy_is_not_recorded() {
    let mut sandbox = sandbox().await;
    let name = "tenants/contoso/hierarchies/XX1/coManagementPolicy".to_owned();
    let status = sandbox.record(CoManagementPolicy { name, ..fleet::policy() }).await.unwrap_err();
    assert_eq!(status.message(), "nothing is named `tenants/contoso/hierarchies/XX1`");
    assert_eq!(reason(status), ErrorReason::ResourceNotFound);
}

pub(crate) async fn policy_that_a_console_could_not_hold_names_the_rule() {
    let mut sandbox = sandbox().await;
    let mut policy = fleet::policy();
    policy.workloads[1].pilot_collection.clear();
    let status = sandbox.record(policy).await.unwrap_err();
    assert_eq!(
        status.message(),
        "policy.workloads[1].pilot_collection: windows_update_policies is at pilot_intune and needs a pilot \
         collection of its own; found none"
    );
    assert_eq!(reason(status), ErrorReason::InvalidField);
}

pub(crate) async fn request_without_a_policy_is_refused() {
    let mut sandbox = sandbox().await;
    let request = UpdateCoManagementPolicyRequest::default();
    let status = sandbox.client.update_co_management_policy(request).await.unwrap_err();
    assert_eq!(status.message(), "policy: must be set; found nothing");
}

pub(crate) async fn etag_that_is_not_current_is_a_mismatch() {
    let mut sandbox = sandbox_with_policy().await;
    let seen = policy_get(&mut sandbox).await;
    assert_eq!(sandbox.record(seen.clone()).await.unwrap().policy, Some(stored("2", 2)));
    let status = sandbox.record(seen).await.unwrap_err();
    assert_eq!((status.code(), reason(status)), (Code::Aborted, ErrorReason::EtagMismatch));
}

pub(crate) async fn request_repeated_with_its_id_answers_as_the_first_did() {
    let mut sandbox = sandbox().await;
    let request = UpdateCoManagementPolicyRequest {
        policy: Some(fleet::policy()),
        request_id: "r-1".into(),
        ..Default::default()
    };
    let first = sandbox.client.update_co_management_policy(request.clone()).await.unwrap().into_inner();
    let again = sandbox.client.update_co_management_policy(request.clone()).await.unwrap().into_inner();
    assert_eq!(again, first);

    let other = CoManagementPolicy { enabled: Some(false), ..fleet::policy() };
    let reused = UpdateCoManagementPolicyRequest { policy: Some(other), ..request };
    let status = sandbox.client.update_co_management_policy(reused).await.unwrap_err();
    assert_eq!(reason(status), ErrorReason::RequestIdReused);
}

pub(crate) async fn revisions_are_listed_newest_first_page_by_page() {
    let mut sandbox = sandbox_with_policy().await;
    for _ in 0..2 {
        sandbox.record(fleet::policy()).await.unwrap();
    }
    let (mut pages, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListCoManagementPolicyRevisionsRequest {
            parent: POLICY.into(),
            page_size: 2,
            page_token,
            ..Default::default()
        };
        let page = sandbox.client.list_co_management_policy_revisions(request).await.unwrap().into_inner();
        pages.push(page.revisions);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(pages, [vec![stored("3", 3), stored("2", 2)], vec![stored("1", 1)]]);
}

pub(crate) async fn policies_are_listed_by_name_page_by_page() {
    let mut sandbox = sandbox_with_policy().await;
    let name = "tenants/contoso/hierarchies/EU1/coManagementPolicy".to_owned();
    sandbox.record(CoManagementPolicy { name: name.clone(), ..fleet::policy() }).await.unwrap();
    let request =
        ListCoManagementPoliciesRequest { parent: TENANT.into(), page_size: 1, ..Default::default() };
    let first = sandbox.client.list_co_management_policies(request.clone()).await.unwrap().into_inner();
    assert_eq!(first.policies, [CoManagementPolicy { name, ..stored("1", 2) }]);
    let request = ListCoManagementPoliciesRequest { page_token: first.next_page_token, ..request };
    let second = sandbox.client.list_co_management_policies(request).await.unwrap().into_inner();
    assert_eq!((second.policies, second.next_page_token), (vec![stored("1", 1)], String::new()));
}

pub(crate) async fn capability_value_is_decoded() {
    let mut sandbox = sandbox().await;
    let request = DecodeCapabilityValueRequest { value: "0x2003".into() };
    let answer = sandbox.client.decode_capability_value(request).await.unwrap().into_inner();
    let expected = DecodeCapabilityValueResponse {
        value: 8195,
        policy_present: true,
        moved: vec![Workload::CompliancePolicies.into()],
        encryption: Encryption::NotMoved.into(),
        unknown_bits: 0,
        layout: CapabilityLayout::Current.into(),
    };
    assert_eq!(answer, expected);
    for value in ["NULL".to_owned(), "1".repeat(33)] {
        let request = DecodeCapabilityValueRequest { value };
        let status = sandbox.client.decode_capability_value(request).await.unwrap_err();
        assert_eq!(reason(status), ErrorReason::InvalidField);
    }
}
