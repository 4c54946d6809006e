//! Verbs asked of a running system that has the sample fleet.

use super::world::World;

#[tokio::test]
async fn name_that_nothing_has_exits_with_four_and_is_said() {
    let world = World::with_the_sample().await;
    let nothing = [
        ("devices list --hierarchy NOP", "hierarchies/NOP"),
        ("devices list --source configmgr/NOP", "hierarchies/NOP"),
        ("devices list --collection nope", "collections/nope"),
        ("devices list --site NOP", "`NOP`"),
        ("devices get NOPE", "`NOPE`"),
        ("devices lookup serial_number NOPE", "NOPE"),
        ("collections list --hierarchy NOP", "hierarchies/NOP"),
        ("collections members nope", "collections/nope"),
        ("collections update nope --display-name x", "collections/nope"),
        ("prerequisites check --fleet --hierarchy NOP", "hierarchies/NOP"),
        ("prerequisites check --site PS1/NOP", "sites/NOP"),
        ("prerequisites forecast --until 2027-03-31 --hierarchy NOP", "hierarchies/NOP"),
        ("prerequisites person --site PS1/NOP", "sites/NOP"),
        ("prerequisites explain NOPE", "`NOPE`"),
        ("authority list --hierarchy NOP", "hierarchies/NOP"),
        ("authority policy history NOP", "hierarchies/NOP"),
        ("dashboard --hierarchy NOP", "hierarchies/NOP"),
        ("watch --once --hierarchy NOP", "hierarchies/NOP"),
        ("sites list NOP", "hierarchies/NOP"),
        ("hierarchies get NOP", "hierarchies/NOP"),
        ("hierarchies list --tenant nope", "tenants/nope"),
        ("authority policy list --tenant nope", "tenants/nope"),
        ("authority drift --tenant nope", "tenants/nope"),
    ];
    for (line, name) in nothing {
        let (code, said) = world.ask(line).await.unwrap_err();
        assert_eq!((code, said.contains(name)), (4, true), "{line}: {said}");
    }
    world.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn site_and_hierarchy_that_hold_no_device_are_no_mistake() {
    let world = World::with_the_sample().await;
    // LB1 has no page of sites, but devices; EU2 is a site that is listed.
    for line in
        ["devices list --site LB1", "devices list --site EU2", "devices list --hierarchy LB1 --state failed"]
    {
        assert!(world.ask(line).await.is_ok(), "{line}");
    }
    world.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn lists_of_devices_show_names_to_people_and_the_contract_to_programs() {
    let world = World::with_the_sample().await;
    for (line, column) in [
        ("authority drift --limit 1", 1),
        ("collections members PS1/PS100042 --limit 1", 1),
        ("devices conflicts --limit 1", 3),
    ] {
        let table = world.ask(line).await.unwrap();
        let row: Vec<&str> = table
            .lines()
            .nth(2)
            .unwrap()
            .split("  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
            .collect();
        assert!(row[column].contains('-'), "{line}: {row:?}");
        assert_ne!(row[column].len(), 36, "{line}: {row:?}");
    }
    let members = world.json("collections members PS1/PS100042 --limit 1").await;
    assert_eq!(members["devices"].as_array().unwrap().len(), 1);
    world.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn facts_of_a_site_are_read_changed_and_written_back() {
    let world = World::with_the_sample().await;
    let mut site = world.json("sites get PS1 PS1").await;
    site["facts"]["cmgPresent"] = serde_json::json!(false);
    let file = world.folder.path().join("site.json");
    std::fs::write(&file, site.to_string()).unwrap();
    let line = format!("sites update {}", file.display());
    let written = world.json(&line).await;
    assert_eq!((&written["name"], &written["facts"]), (&site["name"], &site["facts"]));
    // The etag of the file is no longer the current one.
    let (code, said) = world.ask(&line).await.unwrap_err();
    assert_eq!((code, said.contains("ETAG_MISMATCH")), (1, true), "{said}");
    let listed = world.json("sites list PS1").await;
    assert_eq!(listed["sites"], serde_json::json!([written]));
    world.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn tenant_and_hierarchies_are_listed_named_and_read() {
    let world = World::with_the_sample().await;
    let mut tenant = world.json("tenants get").await;
    tenant["displayName"] = "Contoso".into();
    let file = world.folder.path().join("tenant.json");
    std::fs::write(&file, tenant.to_string()).unwrap();
    world.ask(&format!("tenants update {}", file.display())).await.unwrap();
    let listed = world.json("tenants list").await;
    assert_eq!(listed["tenants"][0]["displayName"], "Contoso");
    assert_eq!(listed["tenants"][0]["facts"], tenant["facts"]);

    world.ask("hierarchies update PS1 --display-name Oslo").await.unwrap();
    let listed = world.json("hierarchies list").await;
    let named: Vec<(&str, &str)> = listed["hierarchies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap(), one["displayName"].as_str().unwrap()))
        .collect();
    let expected = [
        ("tenants/default/hierarchies/AP1", "AP1"),
        ("tenants/default/hierarchies/EU1", "EU1"),
        ("tenants/default/hierarchies/LB1", "LB1"),
        ("tenants/default/hierarchies/NO1", "NO1"),
        ("tenants/default/hierarchies/PS1", "Oslo"),
    ];
    assert_eq!(named, expected);
    world.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn policies_of_every_hierarchy_are_listed() {
    let world = World::with_the_sample().await;
    let listed = world.json("authority policy list").await;
    let names: Vec<&str> = listed["policies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|policy| policy["name"].as_str().unwrap())
        .collect();
    let expected = ["EU1", "LB1", "NO1", "PS1"]
        .map(|code| format!("tenants/default/hierarchies/{code}/coManagementPolicy"));
    assert_eq!(names, expected);
    world.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn update_of_a_collection_changes_only_what_was_asked_for() {
    let world = World::with_the_sample().await;
    world.ask("collections create pilot --state co_managed").await.unwrap();
    let named = world.json("collections update pilot --display-name Pilot").await;
    let rule = |written: &serde_json::Value| written["rule"]["states"].clone();
    assert_eq!(
        (&named["displayName"], rule(&named)),
        (&"Pilot".into(), serde_json::json!(["MANAGEMENT_STATE_CO_MANAGED"]))
    );
    let ruled = world.json("collections update pilot --state failed").await;
    assert_eq!(
        (&ruled["displayName"], rule(&ruled)),
        (&"Pilot".into(), serde_json::json!(["MANAGEMENT_STATE_FAILED"]))
    );
    let expected = "expected --display-name or an option that says which devices, found neither";
    assert_eq!(world.ask("collections update pilot").await, Err((2, expected.to_owned())));
    world.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn manager_that_does_not_decide_exits_with_five_and_the_way_out() {
    let world = World::with_the_sample().await;
    let check = "authority check OSL-LT-A-01 client_apps --as";
    let allowed = world.json(&format!("{check} intune")).await;
    assert_eq!(
        (&allowed["allowed"], &allowed["reason"]),
        (&true.into(), &"AUTHORITY_REASON_PILOT_MEMBER".into())
    );
    let (printed, ended) = world.answer(&format!("{check} configuration-manager -o json")).await;
    assert_eq!(ended, Err((5, String::new())));
    let refused: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let pilot = "tenants/default/hierarchies/PS1/collections/PS100043";
    let expected = serde_json::json!([
        {
            "kind": "WAY_OUT_KIND_LEAVE_PILOT",
            "workload": "WORKLOAD_CLIENT_APPS",
            "slider": "SLIDER_POSITION_UNSPECIFIED",
            "collection": pilot
        },
        {
            "kind": "WAY_OUT_KIND_MOVE_SLIDER",
            "workload": "WORKLOAD_CLIENT_APPS",
            "slider": "SLIDER_POSITION_CONFIGURATION_MANAGER",
            "collection": ""
        },
    ]);
    let read = |field: &str| refused[field].clone();
    assert_eq!((read("holder"), read("waysOut")), ("MANAGEMENT_AUTHORITY_INTUNE".into(), expected));
    let (table, ended) = world.answer(&format!("{check} configuration_manager")).await;
    assert_eq!(ended, Err((5, String::new())));
    assert!(table.contains(&format!("take the device out of {pilot}, the pilot of client_apps")), "{table}");
    world.sandbox.stop().await.unwrap();
}
