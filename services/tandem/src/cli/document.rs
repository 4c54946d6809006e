//! Messages that people write: files in the protobuf mapping of a message of the contracts, as `get -o json` prints it.

use std::path::Path;

use prost_reflect::DynamicMessage;
use serde::de::DeserializeSeed;
use serde_path_to_error::{Deserializer as Tracked, Track};

use super::failure::CliError;
use super::json::{Named, descriptor};

/// Reads a file whose name ends in `.json` as JSON, any other as TOML.
pub(super) fn read<M: Named>(file: &Path) -> Result<M, CliError> {
    let shown = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| CliError::Usage(format!("cannot read {shown}: {error}")))?;
    let is_json = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let message = if is_json { from_json(&text) } else { from_toml(&text) };
    message.map_err(|reason| CliError::Usage(format!("{shown}: {reason}")))
}

/// Ids of a resource name, by its pattern: `{}` stands for an id.
pub(super) fn ids<const N: usize>(name: &str, pattern: &str) -> Result<[String; N], String> {
    let expected = || format!("expected {}, found `{name}`", pattern.replace("{}", "ID"));
    let (parts, wanted): (Vec<&str>, Vec<&str>) = (name.split('/').collect(), pattern.split('/').collect());
    let fits = parts.len() == wanted.len()
        && parts.iter().zip(&wanted).all(|(part, wanted)| *wanted == "{}" || part == wanted);
    if !fits {
        return Err(expected());
    }
    let ids = parts.iter().zip(&wanted).filter(|(_, wanted)| **wanted == "{}");
    let ids: Vec<String> = ids.map(|(part, _)| (*part).to_owned()).collect();
    ids.try_into().map_err(|_| expected())
}

pub(super) fn from_json<M: Named>(text: &str) -> Result<M, String> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let mut track = Track::new();
    let message = descriptor::<M>().deserialize(Tracked::new(&mut deserializer, &mut track));
    let message = message.map_err(|error| within(track, error.to_string()))?;
    deserializer.end().map_err(|error| error.to_string())?;
    typed(&message)
}

pub(super) fn from_toml<M: Named>(text: &str) -> Result<M, String> {
    let deserializer = toml::Deserializer::parse(text).map_err(|error| toml_reason(text, None, &error))?;
    let mut track = Track::new();
    let message = descriptor::<M>().deserialize(Tracked::new(deserializer, &mut track));
    typed(&message.map_err(|error| toml_reason(text, Some(track), &error))?)
}

/// What is wrong, and in which line if one line is to blame; the error's own text draws the line over several.
fn toml_reason(text: &str, track: Option<Track>, error: &toml::de::Error) -> String {
    let message = error.message().to_owned();
    let message = match track {
        Some(track) => within(track, message),
        None => message,
    };
    // A value never begins the text: there, the whole document is blamed, and no line.
    let start = error.span().map(|span| span.start).filter(|start| *start > 0);
    match start.and_then(|start| text.get(..start)) {
        Some(before) => format!("line {}: {message}", before.matches('\n').count() + 1),
        None => message,
    }
}

/// What is wrong, and in which field if one field is to blame.
fn within(track: Track, reason: String) -> String {
    match track.path().to_string() {
        whole if whole == "." => reason,
        field => format!("{field}: {reason}"),
    }
}

fn typed<M: Named>(message: &DynamicMessage) -> Result<M, String> {
    message.transcode_to().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tandem_contracts::inventory::v1::Site;
    use tandem_contracts::r#type::v1::{CoManagementPolicy, SiteFacts};

    const SITE: &str = "tenants/{}/hierarchies/{}/sites/{}";

    #[test]
    fn field_that_the_message_lacks_is_refused_in_one_line() {
        let reason = from_toml::<CoManagementPolicy>("[[workloads]]\nslider = 7.5\n").unwrap_err();
        assert_eq!(
            reason,
            "line 2: workloads[0].slider: invalid type: floating point `7.5`, expected a string or integer"
        );
        let reason = from_toml::<CoManagementPolicy>("enabled = true\nslider = 1\n").unwrap_err();
        assert_eq!(reason, "unrecognized field name 'slider'");
        let reason = from_toml::<CoManagementPolicy>("name = \"x\"\nenabled = 1\n").unwrap_err();
        assert_eq!(reason, "line 2: enabled: invalid type: integer `1`, expected a boolean");
        let reason = from_json::<CoManagementPolicy>("{\"enabled\": \"yes\"}").unwrap_err();
        assert!(reason.ends_with("at line 1 column 17"), "{reason}");
    }

    #[test]
    fn site_that_get_prints_is_read_again() {
        let facts = SiteFacts { version: Some("2509".into()), cmg_present: Some(true), ..Default::default() };
        let site =
            Site { name: "tenants/t/hierarchies/PS1/sites/PS1".into(), facts: Some(facts), etag: "3".into() };
        assert_eq!(from_json(&crate::cli::json::pretty(&site).unwrap()), Ok(site));
    }

    #[test]
    fn name_is_taken_apart_by_its_pattern_or_refused_with_what_was_expected() {
        let found = ids::<3>("tenants/t/hierarchies/PS1/sites/EU1", SITE);
        assert_eq!(found, Ok(["t", "PS1", "EU1"].map(str::to_owned)));
        let expected = "expected tenants/ID/hierarchies/ID/sites/ID, found `PS1`";
        assert_eq!(ids::<3>("PS1", SITE), Err(expected.to_owned()));
    }
}
