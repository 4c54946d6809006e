//! Every fact of a device as a line of a table: what is believed, who said so and when.
//!
//! Read by reflection, so that a fact that the contracts gain is shown without a line here.

use prost_reflect::{DynamicMessage, FieldDescriptor, ReflectMessage, Value};

use tandem_contracts::r#type::v1::{ClientFeatures, DeviceFacts, OsVersion, SectionStamp};
use tandem_domain::section::SectionKind;

use super::devices::windows;
use super::failure::CliError;
use super::json::dynamic;
use super::screen::Row;
use super::words;

/// What is about the other facts, and not a fact.
const NOT_FACTS: [&str; 2] = ["sections", "origins"];

/// Name, value and record of every fact that somebody said.
pub(super) fn rows(facts: &DeviceFacts) -> Result<Vec<Row>, CliError> {
    let message = dynamic(facts)?;
    let said = message.fields().filter(|(field, _)| !NOT_FACTS.contains(&field.name()));
    let mut said: Vec<(FieldDescriptor, String)> =
        said.map(|(field, value)| (field.clone(), text(&field, value))).collect();
    said.sort_by_key(|(field, _)| field.number());
    let rows =
        said.into_iter().map(|(field, value)| vec![field.name().to_owned(), value, from(facts, &field)]);
    Ok(rows.collect())
}

/// The record that said a fact: its number among [`records`], and its source.
fn from(facts: &DeviceFacts, field: &FieldDescriptor) -> String {
    let origin = facts.origins.iter().find(|origin| origin.field == field.number());
    let said = origin.and_then(|origin| Some((origin.section, facts.sections.get(origin.section as usize)?)));
    said.map_or_else(
        || words::NOTHING.to_owned(),
        |(number, section)| format!("{} ({})", number + 1, section.source),
    )
}

/// The records that took part, numbered as the facts name them.
pub(super) fn records(facts: &DeviceFacts) -> Vec<Row> {
    facts.sections.iter().enumerate().map(|(index, section)| record(index + 1, section)).collect()
}

fn record(number: usize, section: &SectionStamp) -> Row {
    let clamped = if section.clamped { " (reported a later time)" } else { "" };
    vec![
        number.to_string(),
        section.source.clone(),
        words::word(section.kind, SectionKind::id).to_owned(),
        section.key.clone(),
        format!("{}{clamped}", words::moment(section.observed_at)),
    ]
}

fn text(field: &FieldDescriptor, value: &Value) -> String {
    match value {
        Value::Bool(holds) => words::yes_no(*holds),
        Value::String(said) => said.clone(),
        Value::U32(number) => number.to_string(),
        Value::EnumNumber(number) => words::enumeration(field, *number),
        Value::List(items) => items.iter().map(|item| text(field, item)).collect::<Vec<_>>().join(", "),
        Value::Message(message) => submessage(message),
        // No fact has another type; the next one that does is shown as it is.
        other => format!("{other:?}"),
    }
}

fn submessage(message: &DynamicMessage) -> String {
    let shown = match message.descriptor().full_name() {
        "google.protobuf.Timestamp" => message.transcode_to().map(|at| words::moment(Some(at))),
        "tandem.type.v1.OsVersion" => {
            message.transcode_to::<OsVersion>().map(|version| version_text(&version))
        }
        "tandem.type.v1.ClientFeatures" => {
            message.transcode_to::<ClientFeatures>().map(|_| features(message))
        }
        _ => Ok(message.to_string()),
    };
    shown.unwrap_or_else(|error| error.to_string())
}

fn version_text(version: &OsVersion) -> String {
    let parts = [Some(version.major), Some(version.minor), version.build, version.revision];
    let numbers = parts.iter().flatten().map(ToString::to_string).collect::<Vec<_>>().join(".");
    match windows(version) {
        name if name == numbers => numbers,
        name => format!("{name} ({numbers})"),
    }
}

/// Flags of Graph: true is Intune, false Configuration Manager.
fn features(message: &DynamicMessage) -> String {
    let of = |intune: bool| {
        let flags = message.fields().filter(|(_, value)| value.as_bool() == Some(intune));
        flags.map(|(field, _)| field.name().to_owned()).collect::<Vec<_>>().join(", ")
    };
    format!("intune: {}; configuration_manager: {}", words::text(&of(true)), words::text(&of(false)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tandem_contracts::convert;
    use tandem_contracts::r#type::v1::FactOrigin;

    #[test]
    fn facts_are_shown_with_who_said_them() {
        let noon = prost_types::Timestamp { seconds: 1_763_640_000, nanos: 0 };
        let stamp = |source: &str, kind: SectionKind, key: &str| SectionStamp {
            source: source.into(),
            kind: convert::number(kind),
            key: key.into(),
            observed_at: Some(noon),
            clamped: false,
        };
        let facts = DeviceFacts {
            sections: vec![
                stamp("configmgr/PS1", SectionKind::Discovery, "PS1/16777301"),
                stamp("intune", SectionKind::ManagedDeviceBeta, "7f0c"),
            ],
            origins: vec![
                FactOrigin { field: 8, section: 0 },
                FactOrigin { field: 12, section: 0 },
                FactOrigin { field: 16, section: 1 },
                FactOrigin { field: 32, section: 1 },
            ],
            collections: vec!["PS100042".into(), "SMS00001".into()],
            client_installed: Some(false),
            client_health_sync: Some(noon),
            os_version: Some(OsVersion { major: 10, minor: 0, build: Some(26100), revision: None }),
            os_kind: 1,
            join_type: 2,
            client_features: Some(ClientFeatures {
                compliance_policy: Some(true),
                modern_apps: Some(false),
                ..Default::default()
            }),
            ..Default::default()
        };
        let features = "intune: compliance_policy; configuration_manager: modern_apps";
        let expected = [
            ["collections", "PS100042, SMS00001", "–"],
            ["client_installed", "no", "1 (configmgr/PS1)"],
            ["client_health_sync", "2025-11-20T12:00:00Z", "1 (configmgr/PS1)"],
            ["os_version", "Windows 11 24H2 (10.0.26100)", "–"],
            ["os_kind", "client", "–"],
            ["join_type", "azureADJoined", "–"],
            ["client_features", features, "2 (intune)"],
        ];
        // The join type is field 17: an origin for 16 is about another fact.
        assert_eq!(rows(&facts).unwrap(), expected);
    }

    #[test]
    fn record_whose_time_was_set_back_says_so() {
        let noon = prost_types::Timestamp { seconds: 1_763_640_000, nanos: 0 };
        let section = SectionStamp {
            source: "configmgr/PS1".into(),
            kind: convert::number(SectionKind::Discovery),
            key: "PS1/16777301".into(),
            observed_at: Some(noon),
            clamped: true,
        };
        let facts = DeviceFacts { sections: vec![section], ..Default::default() };
        let at = "2025-11-20T12:00:00Z (reported a later time)";
        assert_eq!(records(&facts), [["1", "configmgr/PS1", "SMS_R_System", "PS1/16777301", at]]);
    }
}
