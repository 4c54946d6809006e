//! The fleet on days to come.

use jiff::Timestamp;
use tandem_contracts::convert::time;
use tandem_contracts::prerequisites::v1::{
    CheckDeviceRequest, ForecastFleetRequest, ForecastPoint, Path, SupportEnd, SupportKind, Verdict,
    VerdictCount,
};

use crate::fakes::world_token;
use crate::fixture::{TENANT, as_of, at, name_of};
use crate::sandbox::{client, invalid, refused};

fn request(until: &str) -> ForecastFleetRequest {
    ForecastFleetRequest {
        parent: TENANT.into(),
        until: Some(time::to_proto(at(until))),
        ..ForecastFleetRequest::default()
    }
}

fn verdicts(point: &ForecastPoint) -> Vec<(Verdict, u64)> {
    point
        .verdicts
        .iter()
        .map(|VerdictCount { verdict, devices }| (Verdict::try_from(*verdict).unwrap(), *devices))
        .collect()
}

fn moments(points: &[ForecastPoint]) -> Vec<Timestamp> {
    points.iter().map(|point| time::required("at", point.at).unwrap()).collect()
}

#[tokio::test]
async fn support_ends_and_what_follows_are_foretold() {
    let asked = ForecastFleetRequest { step_days: 366, ..request("2029-06-30T00:00:00Z") };
    let answer = client().await.forecast_fleet(asked).await.unwrap().into_inner();
    assert_eq!((answer.devices, answer.consistency_token), (4, world_token()));
    assert_eq!(
        moments(&answer.points),
        [as_of(), at("2027-11-21T12:00:00Z"), at("2028-11-21T12:00:00Z"), at("2029-06-30T00:00:00Z")]
    );
    let now = [(Verdict::Ready, 2), (Verdict::Blocked, 1), (Verdict::Unknown, 1)];
    assert_eq!(verdicts(&answer.points[0]), now);
    assert_eq!(verdicts(&answer.points[1]), now);
    // Windows 11 25H2 Enterprise is serviced until 2028-10-10: every device is out of servicing afterwards.
    assert_eq!(verdicts(&answer.points[2]), [(Verdict::Blocked, 4)]);
    let moved = |point: &ForecastPoint| -> Vec<(String, u64)> {
        point.rules.iter().map(|rule| (rule.rule.clone(), rule.unsatisfied)).collect()
    };
    // Health of three clients is older than 30 days then; of the fourth nothing is known.
    assert_eq!(moved(&answer.points[1]), [("cm.client_healthy".to_owned(), 3)]);
    assert_eq!(
        moved(&answer.points[2]),
        [("win.serviced_version".to_owned(), 4), ("cm.client_healthy".to_owned(), 3)]
    );
    let end = |kind: SupportKind, version: &str, edition_group: &str, last_day: &str| SupportEnd {
        kind: kind.into(),
        version: version.into(),
        edition_group: edition_group.into(),
        last_day: last_day.into(),
        devices: 3,
    };
    assert_eq!(
        answer.support_ends,
        [
            end(SupportKind::Site, "2509", "", "2027-05-12"),
            end(SupportKind::Windows, "Windows 11 25H2", "enterprise_education", "2028-10-10"),
        ]
    );
}

#[tokio::test]
async fn device_is_judged_at_the_day_asked_for() {
    let judged = async |as_of: &str| {
        let request = CheckDeviceRequest {
            name: name_of("d-eligible"),
            paths: vec![Path::Path1.into()],
            as_of: Some(time::to_proto(at(as_of))),
            ..CheckDeviceRequest::default()
        };
        client().await.check_device(request).await.unwrap().into_inner().check.unwrap().paths[0].verdict()
    };
    assert_eq!(judged("2028-10-10T23:59:59Z").await, Verdict::Ready);
    assert_eq!(judged("2028-10-11T00:00:00Z").await, Verdict::Blocked);
}

#[tokio::test]
async fn forecast_that_has_no_end_or_too_many_points_is_refused() {
    let mut client = client().await;
    let mut refusal_of = async |request: ForecastFleetRequest| refused(client.forecast_fleet(request).await);
    let endless = ForecastFleetRequest { until: None, ..request("2030-01-01T00:00:00Z") };
    assert_eq!(refusal_of(endless).await, invalid("until", "must be set: the last moment of the forecast"));
    for until in ["2026-11-20T12:00:00Z", "2040-01-01T00:00:00Z"] {
        let expected = format!(
            "must be later than the first moment, 2026-11-20T12:00:00Z, by at most ten years; found {until}"
        );
        assert_eq!(refusal_of(request(until)).await, invalid("until", &expected));
    }
    let daily = ForecastFleetRequest { step_days: 1, ..request("2028-11-20T12:00:00Z") };
    assert_eq!(
        refusal_of(daily).await,
        invalid("step_days", "must make at most 400 points; 1 days make 732")
    );
    let backwards = ForecastFleetRequest { step_days: -1, ..request("2028-11-20T12:00:00Z") };
    assert_eq!(refusal_of(backwards).await, invalid("step_days", "must be 0 to 366; found -1"));
}
