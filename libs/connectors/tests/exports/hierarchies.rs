//! Which hierarchy a page belongs to.

use tandem_domain::site::SiteFacts;

use super::*;

fn page(host: &str, class: &str, records: &str) -> String {
    let context = format!("https://{host}/AdminService/wmi/$metadata#{class}");
    format!(r#"{{"@odata.context":"{context}","value":[{records}]}}"#)
}

fn keys(files: &[(&str, &str)]) -> Vec<(String, String)> {
    let (items, summary) = read(files);
    assert_eq!(lines(&summary.refused), []);
    items
        .into_iter()
        .filter_map(|item| match item {
            Item::Section(section) => Some((section.source.to_string(), section.key)),
            _ => None,
        })
        .collect()
}

fn key(source: &str, key: &str) -> (String, String) {
    (source.to_owned(), key.to_owned())
}

const TREE: &str = r#"{"SiteCode":"PS1","ReportingSiteCode":"CAS","SiteName":"Oslo","Version":"5.00.9141.1000"},
                      {"SiteCode":"CAS","ReportingSiteCode":""}"#;

#[test]
fn hierarchy_is_named_by_its_top_site_whatever_the_host() {
    let files = [
        ("a.json", page("cas01", "SMS_Site", TREE)),
        ("b.json", page("cas01", "SMS_R_System", r#"{"ResourceID":1}"#)),
        ("c.json", page("CAS02.example.com", "SMS_R_System", r#"{"ResourceID":2}"#)),
        ("d.json", page("cas02.example.com:443", "SMS_Site", TREE)),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    assert_eq!(keys(&files), [key("configmgr/CAS", "CAS/1"), key("configmgr/CAS", "CAS/2")]);
    let exports = Exports::open(folder(&[("a.json", files[0].1.as_bytes())]).path()).unwrap();
    assert_eq!(exports.hierarchies(), [hierarchy("CAS")]);
}

#[test]
fn sites_are_handed_on_with_what_the_class_says() {
    let (items, _) = read(&[("a.json", &page("cas01", "SMS_Site", TREE))]);
    let oslo = SiteFacts {
        parent: Some(site("CAS")),
        name: some("Oslo"),
        version: some("5.00.9141.1000"),
        ..SiteFacts::unknown(site("PS1"))
    };
    let expected = [oslo, SiteFacts::unknown(site("CAS"))]
        .map(|facts| Item::Site { hierarchy: hierarchy("CAS"), facts });
    assert_eq!(items, expected);
}

#[test]
fn host_without_a_sites_page_takes_the_site_code_of_its_records() {
    let device = page(
        "p1",
        "SMS_CombinedDeviceResources",
        r#"{"ResourceID":1,"SiteCode":null},{"ResourceID":2,"SiteCode":"PS1"}"#,
    );
    let discovery = page("p1", "SMS_R_System", r#"{"ResourceID":1,"SMSAssignedSites":["PS9"]}"#);
    let other = page("p2", "SMS_R_System", r#"{"ResourceID":1,"SMSAssignedSites":["PS2"]}"#);
    let found = keys(&[("a.json", &device), ("b.json", &discovery), ("c.json", &other)]);
    let expected = [
        key("configmgr/PS1", "PS1/1"),
        key("configmgr/PS2", "PS2/1"),
        key("configmgr/PS1", "PS1/1"),
        key("configmgr/PS1", "PS1/2"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn page_without_a_context_joins_the_hierarchy_that_lists_its_site() {
    let tree = page("cas01", "SMS_Site", TREE);
    let device = r#"{"value":[{"MachineId":7,"SiteCode":"PS1","IsClient":true}]}"#;
    let bare = r#"{"value":[{"ResourceID":8,"Obsolete":0}]}"#;
    assert_eq!(keys(&[("a.json", device), ("t.json", &tree)]), [key("configmgr/CAS", "CAS/7")]);
    assert_eq!(keys(&[("a.json", bare), ("t.json", &tree)]), [key("configmgr/CAS", "CAS/8")]);
}

#[test]
fn record_keys_name_the_site_whose_provider_answered() {
    let namespace = |site: &str, resource: u32, more: &str| {
        format!(r#"{{"__NAMESPACE":"root\\sms\\site_{site}","ResourceID":{resource}{more}}}"#)
    };
    let tree = page("cas01", "SMS_Site", TREE);
    let other = page("ps101", "SMS_Site", TREE);
    let at_the_top = page("cas01", "SMS_R_System", &namespace("CAS", 1, ""));
    let second_host = page("cas02", "SMS_R_System", &namespace("CAS", 2, ""));
    let below = page("ps101", "SMS_R_System", &namespace("PS1", 1, ""));
    let unnamed = page("ps201", "SMS_CombinedDeviceResources", r#"{"ResourceID":1,"SiteCode":"PS1"}"#);
    let members =
        page("ps101", "SMS_FullCollectionMembership", &namespace("PS1", 1, r#","CollectionID":"PS100042""#));
    let files = [
        ("a.json", tree.as_str()),
        ("b.json", &other),
        ("c.json", &at_the_top),
        ("d.json", &second_host),
        ("e.json", &below),
        ("f.json", &unnamed),
        ("g.json", &members),
    ];
    assert_eq!(
        keys(&files),
        [
            key("configmgr/CAS", "CAS/1"),
            key("configmgr/CAS", "CAS/2"),
            key("configmgr/CAS", "PS1/1"),
            key("configmgr/CAS", "PS1/1"),
        ]
    );
    let members: Vec<Item> =
        read(&files).0.into_iter().filter(|item| matches!(item, Item::Members { .. })).collect();
    let expected = Item::Members {
        hierarchy: hierarchy("CAS"),
        collection: collection("PS100042"),
        keys: vec!["PS1/1".to_owned()],
        first: true,
        last: true,
        // The provider at the top did not say who is in it.
        complete: false,
    };
    assert_eq!(members, [expected]);
}

#[test]
fn records_of_two_sites_with_one_resource_id_stay_apart() {
    let tree = r#"{"SiteCode":"CAS","ReportingSiteCode":""},{"SiteCode":"PS1","ReportingSiteCode":"CAS"},
                  {"SiteCode":"PS2","ReportingSiteCode":"CAS"}"#;
    let device = |host: &str, site: &str| {
        page(host, "SMS_CombinedDeviceResources", &format!(r#"{{"ResourceID":1,"SiteCode":"{site}"}}"#))
    };
    let found = keys(&[
        ("a.json", &page("ps101", "SMS_Site", tree)),
        ("b.json", &device("ps101", "PS1")),
        ("c.json", &device("ps201", "PS2")),
    ]);
    assert_eq!(found, [key("configmgr/CAS", "PS1/1"), key("configmgr/CAS", "PS2/1")]);
}

#[test]
fn page_of_an_unknown_hierarchy_is_refused() {
    let page = page("p1", "SMS_R_System", r#"{"ResourceID":1}"#);
    let reason = "no hierarchy: expected a sites page of the same provider or a `SiteCode` in its records; found neither";
    assert_eq!(refused(&[("a.json", &page)]), [line("a.json", ".", reason)]);
}
