use std::io;

use serde_json::Value;

use super::*;
use crate::assess::example;

/// Written by hand after `docs/assessment.md`: every member once, in the documented order.
const DOCUMENTED: &str = include_str!("documented.json");

fn documented_head() -> AssessmentHead {
    serde_json::from_str(DOCUMENTED).expect("the documented shape")
}

fn documented_devices() -> Vec<DeviceAssessment> {
    #[derive(Deserialize)]
    struct Devices {
        devices: Vec<DeviceAssessment>,
    }
    serde_json::from_str::<Devices>(DOCUMENTED).expect("the documented shape").devices
}

fn written(head: &AssessmentHead, devices: Vec<Result<DeviceAssessment, io::Error>>) -> String {
    let mut out = Vec::new();
    write_json(&mut out, head, devices.into_iter()).expect("a vector takes everything");
    String::from_utf8(out).expect("JSON is UTF-8")
}

#[test]
fn write_json_prints_the_documented_object() {
    let text = written(&documented_head(), documented_devices().into_iter().map(Ok).collect());
    let found: Value = serde_json::from_str(&text).expect("one JSON object");
    let expected: Value = serde_json::from_str(DOCUMENTED).expect("the documented shape");
    assert_eq!(found, expected);
}

#[test]
fn write_json_keeps_the_documented_order_of_members() {
    let text = written(&documented_head(), documented_devices().into_iter().map(Ok).collect());
    // Maps are sorted by key; the example's maps are written in that order, so the texts differ in white space alone.
    let dense = |text: &str| text.split_whitespace().collect::<String>();
    assert_eq!(dense(&text), dense(DOCUMENTED));
}

#[test]
fn write_json_of_no_devices_is_a_whole_object() {
    let found: Value = serde_json::from_str(&written(&example::head(), Vec::new())).expect("one JSON object");
    assert_eq!(found["devices"], Value::Array(Vec::new()));
}

#[test]
fn write_json_prints_one_device_a_line() {
    let devices = example::devices();
    let text = written(&example::head(), devices.iter().cloned().map(Ok).collect());
    let lines: Vec<DeviceAssessment> = text
        .lines()
        .skip(1)
        .take(devices.len())
        .map(|line| serde_json::from_str(line.trim_end_matches(',')).expect("a device"))
        .collect();
    assert_eq!(lines, devices);
}

#[test]
fn write_json_stops_at_a_device_that_cannot_be_had() {
    let mut out = Vec::new();
    let devices = [Ok(example::device("OSL-LT-0417")), Err(io::Error::other("the feed broke"))];
    let error =
        write_json(&mut out, &example::head(), devices.into_iter()).expect_err("the second device fails");
    assert!(matches!(error, WriteJsonError::Device(_)), "{error:?}");
    serde_json::from_slice::<Value>(&out).expect_err("half an assessment must not parse");
}

#[test]
fn write_json_reports_an_output_that_takes_no_more() {
    let mut little = [0_u8; 64];
    let devices = std::iter::empty::<Result<DeviceAssessment, io::Error>>();
    let error = write_json(&mut little[..], &example::head(), devices).expect_err("64 bytes are too few");
    assert!(matches!(error, WriteJsonError::Write(_)), "{error:?}");
}

#[test]
fn refused_line_leaves_out_what_does_not_apply() {
    let line = |file: &str, place: &str| {
        let (file, place) = (file.to_owned(), place.to_owned());
        RefusedInput { file, place, reason: "missing field `id`".to_owned() }.line()
    };
    assert_eq!(line("page.json", "value[3].id"), "refused: page.json: value[3].id: missing field `id`");
    assert_eq!(line("", ""), "refused: missing field `id`");
}
