//! Collections and their members.

use super::*;

fn row(collection: &str, resource: u32) -> String {
    format!(
        r#"{{"CollectionID":"{collection}","ResourceID":{resource},"IsDirect":null,"Name":"A","IsClient":true}}"#
    )
}

fn rows(rows: &[(&str, u32)]) -> String {
    let rows: Vec<String> = rows.iter().map(|(collection, resource)| row(collection, *resource)).collect();
    wmi("SMS_FullCollectionMembership", &rows.join(","))
}

fn members(id: &str, keys: &[&str], complete: bool) -> Item {
    Item::Members {
        hierarchy: hierarchy("PS1"),
        collection: collection(id),
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        first: true,
        last: true,
        complete,
    }
}

#[test]
fn collections_and_their_members_are_gathered_over_all_pages() {
    let collections = wmi(
        "SMS_Collection",
        r#"{"CollectionID":"PS100042","Name":"Pilot","CollectionType":2,"MemberCount":3,"LimitToCollectionID":"SMS00001"},
           {"CollectionID":"PS100043","Name":"Pilot","CollectionType":2,"MemberCount":0,"LimitToCollectionID":"SMS00001"},
           {"CollectionID":"SMS00001","Name":"All Systems","CollectionType":2,"MemberCount":612,"LimitToCollectionID":""},
           {"CollectionID":"PS1000AA","Name":"All Users","CollectionType":1,"MemberCount":1}"#,
    );
    let first = rows(&[("PS100042", 9), ("PS1000BB", 1), ("PS1000AA", 77)]);
    let second = rows(&[("PS100042", 2), ("SMS00001", 2), ("PS100042", 9), ("PS100042", 5)]);
    let (items, summary) =
        read(&[("1.json", &first), ("2.json", &second), ("c.json", &collections), ("s.json", &sites())]);
    let record = |id: &str, name: &str, limiting: Option<&str>, member_count| Item::Collection {
        hierarchy: hierarchy("PS1"),
        id: collection(id),
        name: some(name),
        limiting: limiting.map(collection),
        member_count: Some(member_count),
    };
    let expected = [
        record("PS100042", "Pilot", Some("SMS00001"), 3),
        record("PS100043", "Pilot", Some("SMS00001"), 0),
        record("SMS00001", "All Systems", None, 612),
        members("PS100042", &["PS1/2", "PS1/5", "PS1/9"], true),
        members("PS100043", &[], true),
        members("PS1000BB", &["PS1/1"], true),
        members("SMS00001", &["PS1/2"], false),
    ];
    assert_eq!(items[1..], expected);
    let counts: Vec<_> =
        summary.files.iter().map(|f| (f.file.as_str(), f.records, f.unused, f.refused)).collect();
    assert_eq!(counts, [("1.json", 3, 1, 0), ("2.json", 4, 0, 0), ("c.json", 4, 1, 0), ("s.json", 1, 0, 0)]);
}

#[test]
fn members_come_in_parts_that_say_where_the_list_opens_and_closes() {
    let all: Vec<(&str, u32)> = (0..25_000).map(|resource| ("PS100042", resource)).collect();
    let (items, _) = read(&[("m.json", &rows(&all)), ("s.json", &sites())]);
    let parts: Vec<_> = items[1..]
        .iter()
        .map(|item| match item {
            Item::Members { keys, first, last, complete, .. } => (keys.len(), *first, *last, *complete),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        parts,
        [(10_000, true, false, true), (10_000, false, false, true), (5_000, false, true, true)]
    );
}

#[test]
fn members_beside_a_broken_page_are_not_complete() {
    let good = rows(&[("PS100042", 9)]);
    let (items, summary) =
        read(&[("1.json", &good), ("2.json", &good[..good.len() - 3]), ("s.json", &sites())]);
    assert_eq!(items[1..], [members("PS100042", &["PS1/9"], false)]);
    assert_eq!(summary.refused.total(), 1);
}

#[test]
fn members_without_a_count_are_complete_only_on_pages_that_are_whole_answers() {
    let complete = |page: &str| {
        let (items, summary) = read(&[("1.json", page), ("s.json", &sites())]);
        assert_eq!(lines(&summary.refused), []);
        items[1..].to_vec()
    };
    let whole = rows(&[("PS100042", 9)]);
    assert_eq!(complete(&whole), [members("PS100042", &["PS1/9"], true)]);
    let more =
        format!(r#"{},"@odata.nextLink":"https://cm01.example.com/next"}}"#, &whole[..whole.len() - 1]);
    assert_eq!(complete(&more), [members("PS100042", &["PS1/9"], false)]);
    let bare = format!(r#"[{}]"#, row("PS100042", 9));
    assert_eq!(complete(&bare), [members("PS100042", &["PS1/9"], false)]);
}

#[test]
fn members_that_are_no_devices_are_left_out_and_still_counted_as_read() {
    let collections =
        wmi("SMS_Collection", r#"{"CollectionID":"SMS00001","CollectionType":2,"MemberCount":4}"#);
    let page = wmi(
        "SMS_FullCollectionMembership",
        r#"{"CollectionID":"SMS00001","ResourceID":1,"IsObsolete":true},
           {"CollectionID":"SMS00001","ResourceID":2,"IsDecommissioned":1},
           {"CollectionID":"SMS00001","ResourceID":3,"IsClient":false,"SMSID":null,"Name":"x86 Unknown Computer"},
           {"CollectionID":"SMS00001","ResourceID":4}"#,
    );
    let device = wmi("SMS_R_System", r#"{"ResourceID":1},{"ResourceID":2},{"ResourceID":3}"#);
    let (items, summary) =
        read(&[("c.json", &collections), ("d.json", &device), ("m.json", &page), ("s.json", &sites())]);
    assert_eq!(items[2..], [members("SMS00001", &["PS1/4"], true)]);
    let skipped = summary.skipped;
    assert_eq!((skipped.obsolete, skipped.decommissioned, skipped.unknown_computer), (1, 1, 1));
}
