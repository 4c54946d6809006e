//! Bad input: one line each, and everything beside it is read.

use tandem_connectors::OpenError;
use tandem_domain::section::{DirectoryDevice, Discovery};

use super::*;

const MANAGED: &str = "deviceManagement/managedDevices";

fn directory(name: &str) -> SectionBody {
    SectionBody::DirectoryDevice(DirectoryDevice { display_name: some(name), ..DirectoryDevice::default() })
}

#[test]
fn folder_that_cannot_be_read_is_an_error_with_its_reason() {
    let folder = folder(&[("notes.txt", b"x"), ("file", b"")]);
    let path = |name: &str| folder.path().join(name);
    let message = |path: &Path| Exports::open(path).unwrap_err().to_string();
    let shown = |name: &str| path(name).display().to_string();
    assert_eq!(
        message(&path("gone")),
        format!("{} does not exist; expected a folder of exports", shown("gone"))
    );
    assert_eq!(
        message(&path("file")),
        format!("{} is not a folder; expected a folder of exports", shown("file"))
    );
    assert!(matches!(Exports::open(folder.path()), Err(OpenError::Empty(empty)) if empty == folder.path()));
}

#[test]
fn broken_page_keeps_the_records_before_the_break() {
    let page = "{\"@odata.context\":\"https://graph.microsoft.com/v1.0/$metadata#devices\",\n\"value\":[\n\
                {\"id\":\"a\",\"displayName\":\"A\"},\n{\"id\":\"b\",}\n]}";
    let (items, summary) = read(&[("a.json", page)]);
    assert_eq!(records(items), [cloud_section(Source::Entra, "a", directory("A"))]);
    assert_eq!(lines(&summary.refused), [line("a.json", "4:11", "key must be a string")]);
    assert_eq!((summary.files[0].records, summary.files[0].refused), (1, 1));
}

const MORE: &str =
    "expected the end of the file; found more (records of a line each are no page: put them in an array)";

#[test]
fn file_of_another_form_is_refused_with_one_reason() {
    let context = "https://cm01.example.com/AdminService/wmi/$metadata#SMS_R_System";
    let no_value = format!(r#"{{"@odata.context":"{context}","@odata.count":2}}"#);
    let files = [
        ("a.json", no_value.as_str()),
        ("b.json", "{\"ResourceID\":1,\"Obsolete\":0}\n{\"ResourceID\":2,\"Obsolete\":0}\n"),
        ("c.json", r#"{"value":[{"ResourceID":1,"Client":1,"Na"#),
        ("d.json", r#"{"tenant":5}"#),
        ("e.toml", "tenant = 5\n"),
        ("f.toml", "[sites]\nhierarchy = \"PS1\"\n"),
        ("g.toml", "[tenant]\nintune_license_count = \"many\"\n"),
        ("h.json", r#"{"attestations":{"lic.configmgr_rights":true}}"#),
        ("i.json", r#"{"as_of":"2026-11-20","tenant":{"entra_plan":"p1""#),
        ("j.json", r#"{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#devices","value":null}"#),
    ];
    let tenant = |a_map: &str| format!("invalid type: integer `5`, expected {a_map} of tenant facts");
    let attestation = "invalid type: boolean `true`, expected an attestation: an object of attested, by, at";
    let expected = [
        line("a.json", ".", "expected records under `value`; found no `value`, and no record instead of it"),
        line("b.json", "2:1", MORE),
        line("c.json", "1:40", "the file is cut off: it ends within a string"),
        line("d.json", "tenant", &tenant("an object")),
        line("e.toml", "1:10", &tenant("a table")),
        line("f.toml", "1:1", "invalid type: table, expected an array"),
        line("g.toml", "2:24", "invalid type: string \"many\", expected a whole number of 32 bits"),
        line("h.json", "attestations.lic.configmgr_rights", attestation),
        line("i.json", "1:49", "the file is cut off: it ends within an object"),
        line("j.json", "1:83", "invalid type: null, expected an array of records"),
    ];
    let mut found = refused(&files);
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn page_that_ends_early_or_goes_on_is_refused_at_its_end() {
    let page = graph("v1.0", "devices", r#"{"id":"a","displayName":"A"}"#);
    let cut = &page[..page.len() - 1];
    let more = format!("{page}x");
    let (items, summary) = read(&[("a.json", cut), ("b.json", &more)]);
    assert_eq!(records(items).len(), 2);
    let expected = [
        line("a.json", &format!("1:{}", cut.len()), "the file is cut off: it ends within an object"),
        line("b.json", &format!("1:{}", more.len()), MORE),
    ];
    assert_eq!(lines(&summary.refused), expected);
}

#[test]
fn bad_records_are_refused_by_field_and_the_rest_goes_on() {
    let page = graph(
        "beta",
        MANAGED,
        r#"{"deviceName":"A"},{"id":""},{"id":5},{"id":"ok"},null,["id"],{"id":null},
           {"id":"a","lastSyncDateTime":"soon"},{"id":"a","autopilotEnrolled":2},
           {"id":"a","configurationManagerClientHealthState":{"lastSyncDateTime":7}},
           {"id":"a","configurationManagerClientEnabledFeatures":[true]},{"id":"a","id":"b"}"#,
    );
    let expected = [
        line("g.json", "value[0].id", "missing field `id`"),
        line("g.json", "value[1].id", "expected the device's id; found `\"\"`"),
        line("g.json", "value[2].id", "invalid value: integer `5`, expected a text"),
        line("g.json", "value[4]", "expected an object; found `null`"),
        line("g.json", "value[5]", "expected an object; found `[\"id\"]`"),
        line("g.json", "value[6].id", "expected the device's id; found `null`"),
        line(
            "g.json",
            "value[7].lastSyncDateTime",
            "invalid value: string \"soon\", expected a date such as 2026-11-20T05:12:09Z",
        ),
        line(
            "g.json",
            "value[8].autopilotEnrolled",
            "invalid value: integer `2`, expected true, false, 1 or 0",
        ),
        line(
            "g.json",
            "value[9].configurationManagerClientHealthState.lastSyncDateTime",
            "invalid value: integer `7`, expected a date such as 2026-11-20T05:12:09Z",
        ),
        line(
            "g.json",
            "value[10].configurationManagerClientEnabledFeatures",
            "invalid type: array, expected an object",
        ),
        line("g.json", "value[11]", "duplicate field `id`"),
    ];
    let (items, summary) = read(&[("g.json", &page)]);
    assert_eq!(lines(&summary.refused), expected);
    assert_eq!(records(items).len(), 1);
    assert_eq!((summary.files[0].records, summary.files[0].refused), (1, 11));
}

#[test]
fn site_rows_without_their_key_are_refused() {
    let files = [
        ("c.json", wmi("SMS_Collection", r#"{"Name":"A"},{"CollectionID":"a b"},{"CollectionID":""}"#)),
        ("d.json", wmi("SMS_R_System", r#"{"Name":"A"},{"ResourceID":-1},{"MachineId":null}"#)),
        ("m.json", wmi("SMS_FullCollectionMembership", r#"{"ResourceID":1},{"CollectionID":"PS100042"}"#)),
        (
            "s.json",
            wmi("SMS_Site", r#"{"SiteCode":"PS1"},{"SiteName":"A"},{"SiteCode":"PS10"},{"SiteCode":""}"#),
        ),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let label =
        "collection id must be 1 to 64 of A-Z a-z 0-9 . _ -, starting with a letter or digit; found \"a b\"";
    let expected = [
        line("s.json", "value[1].SiteCode", "missing field `SiteCode`"),
        line("s.json", "value[2].SiteCode", "site code must be three letters or digits; found \"PS10\""),
        line("s.json", "value[3].SiteCode", "expected the site's code; found `\"\"`"),
        line("c.json", "value[0].CollectionID", "missing field `CollectionID`"),
        line("c.json", "value[1].CollectionID", label),
        line("c.json", "value[2].CollectionID", "expected the collection's id; found `\"\"`"),
        line("m.json", "value[0].CollectionID", "missing field `CollectionID`"),
        line("m.json", "value[1].ResourceID", "missing field `ResourceID` or `MachineId`"),
        line("d.json", "value[0].ResourceID", "missing field `ResourceID` or `MachineId`"),
        line(
            "d.json",
            "value[1].ResourceID",
            "invalid value: integer `-1`, expected a whole number of 32 bits",
        ),
        line("d.json", "value[2].MachineId", "expected the resource's number; found `null`"),
    ];
    assert_eq!(refused(&files), expected);
}

#[test]
fn values_without_meaning_are_left_out_with_a_warning() {
    let page = wmi(
        "SMS_Client_ComanagementState",
        r#"{"MachineId":1,"SiteCode":"PS10","EnrollmentStatusCode":99999999999}"#,
    );
    let (items, summary) = read(&[("c.json", &page), ("s.json", &sites())]);
    assert_eq!(records(items), [site_section(1, SectionBody::CoManagementState(Default::default()))]);
    let expected = [
        line(
            "c.json",
            "value[0].SiteCode",
            "site code must be three letters or digits; found \"PS10\"; left out",
        ),
        line(
            "c.json",
            "value[0].EnrollmentStatusCode",
            "expected a code of 32 bits, signed or unsigned; found `99999999999`; left out",
        ),
    ];
    assert_eq!((lines(&summary.warnings), summary.refused.total()), (expected.to_vec(), 0));
}

#[test]
fn members_and_versions_that_nobody_knows_are_one_warning_per_text_and_file() {
    let page = |records: &str| graph("beta", MANAGED, records);
    let first = page(
        r#"{"id":"a","managementAgent":"mdm","joinType":"unknownFutureValue","osVersion":"10.0.26100.7019"},
           {"id":"b","managementAgent":"futureAgent","osVersion":"Windows 12"},
           {"id":"c","managementAgent":"futureAgent","operatingSystem":"macOS","osVersion":"15.6 (24G84)"},
           {"id":"d","managementAgent":"otherAgent","configurationManagerClientHealthState":{"state":"asleep"}}"#,
    );
    let second = page(r#"{"id":"e","managementAgent":"futureAgent"}"#);
    let site = wmi(
        "SMS_CombinedDeviceResources",
        r#"{"ResourceID":1,"ClientVersion":"new","DeviceOSBuild":""},{"ResourceID":2,"ClientVersion":"new"}"#,
    );
    let sites = wmi("SMS_Site", r#"{"SiteCode":"PS1","Version":"banana"}"#);
    let rows = wmi(
        "SMS_Client_ComanagementState",
        r#"{"ResourceID":1,"MDMWorkloads":"abc"},{"ResourceID":2,"MDMWorkloads":"8193"},{"ResourceID":3,"MDMWorkloads":"0x2001"}"#,
    );
    let files =
        [("a.json", &first), ("b.json", &second), ("d.json", &site), ("m.json", &rows), ("s.json", &sites)];
    let (items, summary) = read(&files.map(|(name, text)| (name, text.as_str())));
    assert_eq!((records(items).len(), summary.refused.total()), (10, 0));
    let member =
        |found: &str| format!("expected a known member; found {found:?}; kept, and nothing is read from it");
    let version = |example: &str, found: &str| {
        format!("expected a version such as {example}; found {found:?}; kept, and nothing is read from it")
    };
    let both = |reason: String| format!("{reason}; the first of 2 records");
    let expected = [
        line("s.json", "value[0].Version", &version("5.00.9141.1000", "banana")),
        line("d.json", "value[0].ClientVersion", &both(version("5.00.9141.1011", "new"))),
        line(
            "m.json",
            "value[0].MDMWorkloads",
            "expected a capability value such as 8193; found \"abc\"; kept, and nothing is read from it",
        ),
        line("a.json", "value[3].configurationManagerClientHealthState.state", &member("asleep")),
        line("a.json", "value[1].managementAgent", &both(member("futureAgent"))),
        line("a.json", "value[3].managementAgent", &member("otherAgent")),
        line("a.json", "value[1].osVersion", &version("10.0.26100.7019", "Windows 12")),
        line("b.json", "value[0].managementAgent", &member("futureAgent")),
    ];
    assert_eq!(lines(&summary.warnings), expected);
}

#[test]
fn files_that_are_no_json_or_of_no_known_kind_are_refused() {
    const EXPECTED: &str = "expected a page of Graph or AdminService, a co-management policy or tenant facts";
    let utf16: Vec<u8> =
        [0xFF, 0xFE].into_iter().chain("{}".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let folder = folder(&[
        ("a.json", b""),
        ("b.json", b"hello"),
        ("c.json", br#"{"people":[]}"#),
        ("d.json", &utf16),
        ("e.json", b"\x80\x81"),
        ("f.toml", b"as_of = 2026-11-20\nas_of = = 2\n"),
        ("g.toml", b"color = 1"),
        ("h.toml", b"\xFF"),
        ("i.json", b"{\"value\":[{\"id\":\"\xFF\"}]}"),
        ("ok.json", graph("v1.0", "devices", r#"{"id":"a","displayName":"A"}"#).as_bytes()),
    ]);
    let (items, summary) = read_folder(folder.path());
    assert_eq!(items, [cloud_section(Source::Entra, "a", directory("A"))]);
    let expected = [
        line("a.json", "1:1", "the file is empty (0 bytes)"),
        line("b.json", "1:1", "expected JSON"),
        line("c.json", ".", &format!("{EXPECTED}; found members `people`")),
        line("d.json", "1:1", "expected UTF-8; found UTF-16 (byte order mark)"),
        line("e.json", "1:1", "expected JSON"),
        line("f.toml", "2:9", "string values must be quoted"),
        line("g.toml", ".", "expected tenant facts or a co-management policy; found keys `color`"),
        line("h.toml", "1:1", "expected UTF-8"),
    ];
    let found = lines(&summary.refused);
    assert_eq!(found[..5], expected[..5]);
    assert_eq!(found[5].1, expected[5].1);
    assert_eq!(found[6..8], expected[6..8]);
    assert_eq!((found[8].0.as_str(), found.len()), ("i.json", 9));
}

#[test]
fn deep_nesting_is_an_error_or_passed_over() {
    const DEPTH: usize = 100_000;
    let open = "[".repeat(DEPTH);
    let close = "]".repeat(DEPTH);
    let nested = format!("{open}{close}");
    let page = graph(
        "v1.0",
        "devices",
        &format!(r#"{{"id":"a","displayName":"A","odd":{nested}}},{nested},{{"id":{nested}}}"#),
    );
    let folder = folder(&[
        ("a.json", nested.as_bytes()),
        ("b.json", open.as_bytes()),
        ("c.json", page.as_bytes()),
        ("d.json", format!(r#"{{"as_of":"2026-11-20","tenant":{nested}}}"#).as_bytes()),
        ("e.json", format!(r#"{{"enabled":true,"workloads":{nested}}}"#).as_bytes()),
        ("f.toml", format!("as_of = {nested}").as_bytes()),
        ("g.json", r#"{"a":"#.repeat(DEPTH).as_bytes()),
    ]);
    let (items, summary) = read_folder(folder.path());
    assert_eq!(records(items), [cloud_section(Source::Entra, "a", directory("A"))]);
    let mut places: Vec<(String, String)> =
        lines(&summary.refused).into_iter().map(|(file, place, _)| (file, place)).collect();
    places.sort();
    let files: Vec<&str> = places.iter().map(|(file, _)| file.as_str()).collect();
    assert_eq!(files, ["a.json", "b.json", "c.json", "c.json", "d.json", "e.json", "f.toml", "g.json"]);
    assert_eq!((places[2].1.as_str(), places[3].1.as_str()), ("value[1]", "value[2].id"));
    let of_files = |names: &[&str]| {
        let lines = lines(&summary.refused).into_iter().filter(|(file, ..)| names.contains(&file.as_str()));
        lines.map(|(_, place, reason)| format!("{place}: {reason}")).collect::<Vec<_>>()
    };
    let deeper = |place: &str, levels: usize| format!("{place}: nested deeper than {levels} levels");
    assert_eq!(of_files(&["a.json"]), [deeper("1:129", 128)]);
    assert_eq!(of_files(&["f.toml"]), [deeper("1:89", 80)]);
}

#[test]
fn refused_lines_beyond_the_limit_are_counted() {
    let bad = vec![r#"{"deviceId":"b"}"#; 10_005].join(",");
    let (_, summary) = read(&[("a.json", &graph("v1.0", "devices", &bad))]);
    let refused = &summary.refused;
    assert_eq!((refused.lines().len(), refused.total(), summary.files[0].refused), (10_000, 10_005, 10_005));
}

#[test]
fn key_longer_than_the_inventory_takes_is_refused() {
    let page = graph("v1.0", "devices", &format!(r#"{{"id":"{}"}}"#, "é".repeat(257)));
    let reason = "expected at most 256 characters; found 257";
    assert_eq!(refused(&[("a.json", &page)]), [line("a.json", "value[0].id", reason)]);
}

#[cfg(unix)]
#[test]
fn loops_of_links_end_and_linked_files_are_read_once() {
    use std::os::unix::fs::symlink;

    let page = wmi("SMS_R_System", r#"{"ResourceID":1}"#);
    let folder = folder(&[("in/a.json", page.as_bytes()), ("in/s.json", sites().as_bytes())]);
    let path = folder.path();
    symlink(path, path.join("in/up")).unwrap();
    symlink(path.join("in"), path.join("again")).unwrap();
    symlink(path.join("in/a.json"), path.join("b.json")).unwrap();
    symlink(path.join("nowhere"), path.join("c.json")).unwrap();
    symlink(path.join("loop.json"), path.join("loop.json")).unwrap();
    let (items, summary) = read_folder(path);
    assert_eq!(records(items), [site_section(1, SectionBody::Discovery(Discovery::default()))]);
    let mut refused: Vec<String> = summary.refused.lines().iter().map(|r| r.file.clone()).collect();
    refused.sort();
    assert_eq!(refused, ["c.json", "loop.json"]);
    let nowhere = path.join("nowhere");
    let reason = format!("cannot be read: it is a link to {}, which is not there", nowhere.display());
    assert_eq!(lines(&summary.refused)[0], line("c.json", ".", &reason));
}
