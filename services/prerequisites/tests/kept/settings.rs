//! How old evidence may be.

use tandem_contracts::convert::time;
use tandem_contracts::prerequisites::v1::fleet_evaluation_service_client::FleetEvaluationServiceClient;
use tandem_contracts::prerequisites::v1::list_summary_devices_request::Number;
use tandem_contracts::prerequisites::v1::prerequisites_service_client::PrerequisitesServiceClient;
use tandem_contracts::prerequisites::v1::{
    CheckDeviceRequest, EvaluationSettings, EvidenceAge, GetEvaluationSettingsRequest,
    ListSummaryDevicesRequest, Outcome, RuleNumber, UpdateEvaluationSettingsRequest, Verdict, View,
};
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::fakes::Inventory;
use crate::fixture::{TENANT, as_of, at, name_of};
use crate::sandbox::{channel_over, not_found, refusal, refused};

const HOUR: i64 = 3600;

type Fleets = FleetEvaluationServiceClient<Channel>;

fn name() -> String {
    format!("{TENANT}/evaluationSettings")
}

fn age(source: &str, seconds: i64) -> EvidenceAge {
    EvidenceAge { source: source.into(), maximum_age: Some(prost_types::Duration { seconds, nanos: 0 }) }
}

async fn set(
    fleets: &mut Fleets,
    maximum_ages: Vec<EvidenceAge>,
    etag: &str,
) -> Result<(EvaluationSettings, String), Status> {
    let settings = EvaluationSettings { name: name(), maximum_ages, etag: etag.into(), ..Default::default() };
    let request =
        UpdateEvaluationSettingsRequest { evaluation_settings: Some(settings), request_id: String::new() };
    let answer = fleets.update_evaluation_settings(request).await?.into_inner();
    Ok((answer.evaluation_settings.unwrap(), answer.consistency_token))
}

async fn read(fleets: &mut Fleets) -> EvaluationSettings {
    let request = GetEvaluationSettingsRequest { name: name(), ..GetEvaluationSettingsRequest::default() };
    fleets.get_evaluation_settings(request).await.unwrap().into_inner().evaluation_settings.unwrap()
}

pub(crate) async fn settings_are_read_back_as_they_were_set() {
    let mut fleets = Fleets::new(channel_over(Inventory::new()).await);
    assert_eq!(read(&mut fleets).await, EvaluationSettings { name: name(), ..Default::default() });
    let ages = vec![age("intune", 720 * HOUR), age("probe", HOUR)];
    let (kept, _) = set(&mut fleets, ages.clone(), "").await.unwrap();
    let expected = EvaluationSettings {
        name: name(),
        maximum_ages: ages,
        etag: "1".into(),
        update_time: Some(time::to_proto(as_of())),
        updated_by: "local".into(),
    };
    assert_eq!((&kept, read(&mut fleets).await), (&expected, expected.clone()));
    let (emptied, _) = set(&mut fleets, vec![], "1").await.unwrap();
    assert_eq!((emptied.maximum_ages, emptied.etag.as_str()), (vec![], "2"));
    let stale = set(&mut fleets, vec![age("intune", HOUR)], "1").await.unwrap_err();
    assert_eq!(stale.code(), Code::Aborted);
    let request = GetEvaluationSettingsRequest {
        name: "tenants/fabrikam/evaluationSettings".into(),
        ..Default::default()
    };
    assert_eq!(
        refused(fleets.get_evaluation_settings(request).await),
        not_found("tandem.inventory.v1.Tenant", "tenants/fabrikam")
    );
}

pub(crate) async fn ages_that_are_wrong_are_all_named() {
    let mut fleets = Fleets::new(channel_over(Inventory::new()).await);
    let ages = vec![
        age("graph", HOUR),
        age("intune", 5),
        age("probe", HOUR),
        age("probe", HOUR),
        age("entra", 3661 * 24 * HOUR),
    ];
    let error = tandem_client::ApiError::from(set(&mut fleets, ages, "").await.unwrap_err());
    let found: Vec<String> =
        error.violations.iter().map(|found| format!("{}: {}", found.field, found.description)).collect();
    let of = |at: usize, field: &str| format!("evaluation_settings.maximum_ages[{at}].{field}");
    assert_eq!(
        found,
        [
            format!("{}: must be configmgr, intune, entra or probe; found `graph`", of(0, "source")),
            format!(
                "{}: must be whole seconds, 1 hour to 3660 days; found 5.000000000 s",
                of(1, "maximum_age")
            ),
            format!("{}: must be there once; found probe again", of(3, "source")),
            format!(
                "{}: must be whole seconds, 1 hour to 3660 days; found 316310400.000000000 s",
                of(4, "maximum_age")
            ),
        ]
    );
    let unset = UpdateEvaluationSettingsRequest::default();
    let expected = refusal(Code::InvalidArgument, "INVALID_FIELD", Some("evaluation_settings: must be set"));
    assert_eq!(refused(fleets.update_evaluation_settings(unset).await), expected);
    assert_eq!(read(&mut fleets).await.etag, "");
}

/// The site spoke of every device at 4 o'clock of the day that is judged at noon.
pub(crate) async fn stale_evidence_is_unknown_of_a_device_and_of_the_fleet() {
    let channel = channel_over(Inventory::new()).await;
    let (mut fleets, mut checks) = (Fleets::new(channel.clone()), PrerequisitesServiceClient::new(channel));
    let unknown = RuleNumber { rule: "entra.joined".into(), outcome: Outcome::Unknown.into(), alone: false };
    let asked = |consistency_token: String| ListSummaryDevicesRequest {
        parent: TENANT.into(),
        number: Some(Number::Rule(unknown.clone())),
        consistency_token,
        ..ListSummaryDevicesRequest::default()
    };
    let (_, token) = set(&mut fleets, vec![age("configmgr", 9 * HOUR)], "").await.unwrap();
    assert_eq!(fleets.list_summary_devices(asked(token)).await.unwrap().into_inner().total, 0);
    let (_, token) = set(&mut fleets, vec![age("configmgr", 7 * HOUR)], "").await.unwrap();
    assert_eq!(fleets.list_summary_devices(asked(token)).await.unwrap().into_inner().total, 4);

    let request =
        CheckDeviceRequest { name: name_of("d-eligible"), view: View::Whole.into(), ..Default::default() };
    let check = checks.check_device(request.clone()).await.unwrap().into_inner().check.unwrap();
    let report = &check.paths[0];
    assert_eq!(report.verdict(), Verdict::Unknown);
    let joined = report.findings.iter().find(|finding| finding.rule == "entra.joined").unwrap();
    assert_eq!(
        (joined.outcome(), joined.missing_facts.as_slice()),
        (Outcome::Unknown, &["device.join_type".to_owned()][..])
    );
    assert_eq!(joined.stale_facts, ["device.join_type"]);
    // What was said is shown all the same, with how old it may be.
    let said = joined.evidence.iter().find(|evidence| evidence.fact == "device.join_type").unwrap();
    assert_eq!((said.value.as_str(), said.source.as_str()), ("hybridAzureADJoined", "configmgr/PS1"));
    assert_eq!(said.maximum_age.map(|age| age.seconds), Some(7 * HOUR));
    // Believed at its last moment.
    let as_of = Some(time::to_proto(at("2026-11-20T11:00:00Z")));
    let check = checks
        .check_device(CheckDeviceRequest { as_of, ..request })
        .await
        .unwrap()
        .into_inner()
        .check
        .unwrap();
    assert_eq!(check.paths[0].verdict(), Verdict::Ready);
}
