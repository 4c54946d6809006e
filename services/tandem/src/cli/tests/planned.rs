//! A change of authority in a hierarchy of the sample fleet: planned, read, applied, handed over.

use serde_json::{Value, json};

use super::world::World;

/// LB1 has three devices, all of them co-managed, and nothing moved yet.
pub(super) const LB1: &str = "authority plan LB1 --set device_configuration=intune --complete \
                   --deployed-at-intune device_configuration --autopatch no";

/// A plan as a program reads it, and as the command line names it.
pub(super) struct Planned {
    pub(super) plan: Value,
    pub(super) name: String,
    pub(super) hash: String,
}

impl Planned {
    pub(super) async fn ask(world: &World, line: &str) -> Self {
        let plan = world.json(line).await;
        let text = |field: &str| plan[field].as_str().unwrap().to_owned();
        let name = text("name").replace("tenants/default/hierarchies/", "").replace("/plans/", "/");
        Self { name, hash: text("hash"), plan }
    }

    pub(super) fn application(&self) -> String {
        format!("authority apply {} --hash {}", self.name, self.hash)
    }

    /// An output without what is of this run alone.
    pub(super) fn settled(&self, text: &str) -> String {
        let (_, id) = self.name.split_once('/').unwrap();
        let revision = format!("revision {}", self.plan["content"]["inventoryRevision"].as_str().unwrap());
        text.replace(&self.hash, "HASH").replace(id, "ID").replace(&revision, "revision R")
    }
}

#[tokio::test]
async fn plan_of_the_sample_is_shown_whole() {
    let world = World::with_the_sample().await;
    let planned = Planned::ask(&world, LB1).await;
    let (text, remarks, ended) = world.told(LB1, None).await;
    let expected = [
        " Plan   tenants/default/hierarchies/LB1/plans/ID",
        " Hash   HASH",
        " Base   configured revision 2, nothing is desired yet",
        " Fleet  3 devices, revision R",
        " Made   2026-11-20T23:59:59Z by local",
        " Said   deployed at Intune: device_configuration, Autopatch: no",
        "",
        "Changes",
        "  ~ resource_access_policies  configuration_manager -> intune",
        "  ~ endpoint_protection       configuration_manager -> intune",
        "  ~ device_configuration      configuration_manager -> intune",
        "",
        "resource_access_policies: 3 of 3 devices change holder",
        " DEVICES   STATE        BEFORE                          AFTER                                       WHAT HAPPENS",
        "───────────────────────────────────────────────────────────────────────────────────────────────────────────────────",
        "       3   co_managed   unknown: site_version_unknown   intune: bundled_with_device_configuration   changes holder",
        "",
        "endpoint_protection: 3 of 3 devices change holder",
        " DEVICES   STATE        BEFORE                                                AFTER                                       WHAT HAPPENS",
        "─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────",
        "       3   co_managed   configuration_manager: slider_configuration_manager   intune: bundled_with_device_configuration   changes holder",
        "",
        "device_configuration: 3 of 3 devices change holder",
        " DEVICES   STATE        BEFORE                                                AFTER                   WHAT HAPPENS",
        "─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────",
        "       3   co_managed   configuration_manager: slider_configuration_manager   intune: slider_intune   changes holder",
        "",
        "Warnings",
        "  ! a site is not updated to 2403 while resource access policies of Configuration Manager exist, wherever the slider stands: resource_access_policies",
        "    resource_access_blocks_upgrade (workloads.toml resource_access_policies.upgrade_trap)",
        "  ! the recommended order begins with compliance_policies, which these workloads overtake: resource_access_policies, endpoint_protection, device_configuration",
        "    compliance_first (workloads.toml recommended_order.first)",
        "  ! a baseline of Configuration Manager keeps applying only if it is marked 'always apply, even for co-managed clients': device_configuration",
        "    baselines_need_mark (workloads.toml device_configuration.on_switch_to_intune)",
        "  ! policies of Configuration Manager stay on the device until those of Intune overwrite them at the next check-in: endpoint_protection",
        "    endpoint_policies_stay_until_overwritten (workloads.toml endpoint_protection.on_switch_to_intune)",
        "  ! antivirus settings in a device restrictions profile of Intune are outside this slider; antivirus policies of Endpoint security are inside it: endpoint_protection",
        "    antivirus_in_device_restrictions (workloads.toml endpoint_protection.on_switch_to_intune)",
        "  ! devices follow when they poll their policy, every 60 minutes by default: resource_access_policies, endpoint_protection, device_configuration",
        "    clients_poll (states.md 6)",
        "",
        "Warnings that depend on what nobody said",
        "  ! target policy not confirmed as deployed: without the matching policies of Intune nobody manages these workloads after the move: resource_access_policies, endpoint_protection",
        "    intune_policy_not_confirmed (workloads.toml switching.before_switch); depends on whether they are deployed",
        "",
        "Verified",
        "  holds  every device of the hierarchy has exactly one holder of each workload, before and after",
        "  holds  no workload is at Configuration Manager on a device where device configuration, which carries it, is at Intune",
        "",
        "Plan: 3 devices change holder (of 3), 0 held back, 7 warnings",
        "",
        "To adopt exactly this plan:",
        "  tandem authority apply LB1/ID --hash HASH",
        "",
    ];
    assert_eq!((planned.settled(&text), ended), (expected.join("\n"), Ok(())));
    let carried = "where device_configuration stands and carries it along (workloads.toml device_configuration.on_switch_to_intune)";
    let expected = format!(
        "--complete sets resource_access_policies to intune, {carried}\n\
         --complete sets endpoint_protection to intune, {carried}\n"
    );
    assert_eq!(remarks, expected);
    let again = world.answer(&format!("{LB1} --detailed-exitcode")).await;
    assert_eq!(again, (text, Err((6, String::new()))));
    world.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn plan_is_applied_by_its_hash_handed_over_and_found_configured() {
    let world = World::with_the_sample().await;
    world.without_approvals().await;
    let planned = Planned::ask(&world, LB1).await;
    for line in ["authority desired LB1", "authority diff LB1", "authority handover LB1"] {
        let (code, said) = world.ask(line).await.unwrap_err();
        assert!(said.ends_with("make one with `tandem authority plan HIERARCHY`"), "{line}: {said}");
        assert_eq!(code, 4, "{line}");
    }

    let text = world.ask(&format!("{} --ticket CHG-9", planned.application())).await.unwrap();
    let desired = [
        " Desired              tenants/default/hierarchies/LB1/desiredPolicy",
        " Co-management        set up",
        " Automatic enrolment  all",
        " Revision             6",
        " Plan                 tenants/default/hierarchies/LB1/plans/ID",
        " Applied              2026-11-20T23:59:59Z by local",
        "",
        "Workloads",
        " WORKLOAD                   SLIDER                  PILOT COLLECTION",
        "─────────────────────────────────────────────────────────────────────",
        " compliance_policies        configuration_manager   –",
        " windows_update_policies    configuration_manager   –",
        " resource_access_policies   intune                  –",
        " endpoint_protection        intune                  –",
        " device_configuration       intune                  –",
        " office_click_to_run_apps   configuration_manager   –",
        " client_apps                configuration_manager   –",
        "",
    ]
    .join("\n");
    assert_eq!(planned.settled(&world.ask("authority desired LB1").await.unwrap()), desired);
    let handover = world.ask("authority handover LB1").await.unwrap();
    assert_eq!(planned.settled(&text), format!("{desired}\n{handover}"));
    let step = "   4   Administration > Cloud Services > Cloud Attach (2103 and older: Co-management) > the co-management object > \
                Properties               confirm with OK\n";
    assert!(
        handover.starts_with("Hand-over: from configured revision 2 to desired revision 6\n\nSteps\n"),
        "{handover}"
    );
    assert!(handover.contains(step), "{handover}");
    assert!(handover.contains("\n [ ]   the workload moved "), "{handover}");

    let (text, ended) = world.answer("authority diff LB1 --detailed-exitcode").await;
    assert_eq!(ended, Err((6, String::new())));
    let expected =
        "\n3 positions are not as desired; `tandem authority handover` shows what is to be done.\n";
    assert!(text.ends_with(expected), "{text}");

    // Somebody did the work, and recorded what the console says.
    let desired = world.json("authority desired LB1").await;
    let file = world.file("policy.json", &desired["policy"].to_string());
    world.ask(&format!("authority policy set {file}")).await.unwrap();
    let text = world.ask("authority diff LB1 --detailed-exitcode").await.unwrap();
    assert!(text.ends_with("\nThe hierarchy is configured as desired.\n"), "{text}");
    let expected = "Hand-over: from configured revision 7 to desired revision 6\n\
                    Nothing is to be done: the hierarchy is configured as desired.\n";
    assert_eq!(world.ask("authority handover LB1").await, Ok(expected.to_owned()));
    let text = world.ask("authority plan LB1 --from desired --detailed-exitcode").await.unwrap();
    assert!(text.contains("\nNo changes: what is proposed is what is configured.\n"), "{text}");
    world.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn plan_that_nobody_has_read_is_not_applied() {
    let world = World::with_the_sample().await;
    world.without_approvals().await;
    let planned = Planned::ask(&world, LB1).await;
    let apply = format!("authority apply {}", planned.name);
    let (text, _, ended) = world.told(&apply, None).await;
    let expected = "expected --hash with the hash of the plan as it was read: nobody can be asked here";
    assert_eq!((text.as_str(), ended), ("", Err((2, expected.to_owned()))));
    // A program cannot be asked either.
    let (_, _, ended) = world.told(&format!("{apply} -o json"), Some("yes\n")).await;
    assert_eq!(ended, Err((2, expected.to_owned())));
    let (_, _, ended) = world.told(&format!("{apply} --hash 3fa9"), Some("yes\n")).await;
    let (code, said) = ended.unwrap_err();
    assert_eq!((code, said.contains("(PLAN_HASH_MISMATCH")), (1, true), "{said}");

    let shown = world.ask(&format!("authority plans get {}", planned.name)).await.unwrap();
    let (text, remarks, ended) = world.told(&apply, Some("no\n")).await;
    assert_eq!((&text, remarks.as_str()), (&shown, "only `yes` applies this plan:\n"));
    assert_eq!(ended, Err((1, "nothing was done: expected `yes`, found `no`".to_owned())));
    assert_eq!(world.ask("authority desired LB1").await.unwrap_err().0, 4);

    let (text, _, ended) = world.told(&apply, Some("yes\n")).await;
    assert_eq!(ended, Ok(()));
    assert!(text.starts_with(&format!("{shown} Desired ")), "{text}");
    let desired = world.json("authority desired LB1").await;
    assert_eq!(desired["plan"], planned.plan["name"]);
    let (code, said) = world.ask(&planned.application()).await.unwrap_err();
    assert_eq!((code, said.contains("(PLAN_ALREADY_APPLIED")), (1, true), "{said}");
    world.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn position_that_the_version_fixes_is_refused_or_completed_on_demand() {
    let world = World::with_the_sample().await;
    world.without_approvals().await;
    let line = "authority plan PS1 --set compliance_policies=intune";
    let (code, said) = world.ask(line).await.unwrap_err();
    let refusal = "proposed.workloads[2].slider: resource_access_fixed: resource_access_policies: expected intune, where \
                   the slider is fixed on site version 5.00.9141.1000, found configuration_manager (workloads.toml \
                   resource_access_policies.forced_to_intune_since_site_version): set resource_access_policies to intune: \
                   on this version it is there on every co-managed device, and does not come back (INVALID_FIELD";
    let advice = "; --complete sets what is fixed at intune, or carried there, to intune";
    assert!(said.starts_with(refusal) && said.ends_with(advice), "{said}");
    assert_eq!(code, 1);

    let planned = Planned::ask(&world, &format!("{line} --complete")).await;
    let content = &planned.plan["content"];
    let moved: Vec<(&Value, &Value)> = content["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| (&change["workload"]["after"]["workload"], &change["workload"]["after"]["slider"]))
        .collect();
    let intune = json!("SLIDER_POSITION_INTUNE");
    let (compliance, access) =
        (json!("WORKLOAD_COMPLIANCE_POLICIES"), json!("WORKLOAD_RESOURCE_ACCESS_POLICIES"));
    assert_eq!(moved, [(&compliance, &intune), (&access, &intune)]);
    assert_eq!((&content["devices"], &content["devicesAffected"]), (&json!("366"), &json!("132")));

    // The slider is not there to be moved: nothing is left to do about it.
    world.ask(&planned.application()).await.unwrap();
    let diff = world.json("authority diff PS1").await;
    let differing: Vec<&Value> = diff["positions"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|position| position["as_desired"] == json!(false) || position["fixed"] == json!(true))
        .collect();
    let position = |position: &str, configured: &str, desired: &str, fixed: bool| {
        json!({
            "position": position,
            "configured": configured,
            "desired": desired,
            "fixed": fixed,
            "as_desired": fixed,
        })
    };
    let expected = [
        position("compliance_policies", "pilot_intune:PS100042", "intune, keeping PS100042", false),
        position("resource_access_policies", "configuration_manager", "intune", true),
    ];
    assert_eq!(differing, expected.iter().collect::<Vec<_>>());
    world.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn proposal_of_a_file_is_the_same_plan_and_has_to_be_of_the_hierarchy() {
    let world = World::with_the_sample().await;
    let planned = Planned::ask(&world, LB1).await;
    let mut policy = planned.plan["content"]["proposed"].clone();
    let facts = "--deployed-at-intune device_configuration --autopatch no";
    let file = world.file("policy.json", &policy.to_string());
    let again = Planned::ask(&world, &format!("authority plan LB1 --file {file} {facts}")).await;
    assert_eq!(again.plan, planned.plan);

    let (code, said) = world.ask(&format!("authority plan PS1 --file {file}")).await.unwrap_err();
    let expected = format!("{file}: name: expected the policy of PS1, found that of LB1");
    assert_eq!((code, said), (2, expected));
    policy["name"] = json!("");
    let unnamed = world.file("unnamed.json", &policy.to_string());
    let again = Planned::ask(&world, &format!("authority plan LB1 --file {unnamed} {facts}")).await;
    assert_eq!(again.plan, planned.plan);
    // What a file says is not completed: the refusal is the answer.
    let file = world.file("carried.toml", "[[workloads]]\nworkload = 5\nslider = 3\n");
    let (code, said) = world.ask(&format!("authority plan LB1 --file {file}")).await.unwrap_err();
    assert_eq!(
        (code, said.contains("bundled_with_device_configuration"), said.contains("--complete")),
        (1, true, false)
    );
    world.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn start_of_a_proposal_is_configured_else_desired_and_what_it_leaves_out_is_said() {
    let world = World::with_the_sample().await;
    world.without_approvals().await;
    // Nobody recorded a policy of AP1.
    let first = "authority plan AP1 --enable --auto-enrollment all --complete";
    let (_, remarks, ended) = world.told(first, None).await;
    let unknown = "nobody said what is configured in AP1: this proposal starts with every workload at configuration_manager\n";
    assert!(remarks.starts_with(unknown) && ended.is_ok(), "{remarks}");
    world.ask(&Planned::ask(&world, first).await.application()).await.unwrap();
    let (_, remarks, _) = world.told("authority plan AP1 --set client_apps=intune", None).await;
    let desired = "nobody said what is configured in AP1: this proposal starts from what is desired\n";
    assert_eq!(remarks, desired);
    assert_eq!(world.ask("authority plan AP1 --from configured").await.unwrap_err().0, 4);

    world.ask(&Planned::ask(&world, LB1).await.application()).await.unwrap();
    let line = "authority plan LB1 --set client_apps=intune";
    let (_, remarks, _) = world.told(line, None).await;
    let left_out = "what is desired of LB1 is not configured there yet, and this proposal leaves it out; \
                    `--from desired` starts from it\n";
    assert_eq!(remarks, left_out);
    let moved = async |line: &str| {
        let plan = Planned::ask(&world, line).await.plan;
        plan["content"]["changes"].as_array().unwrap().len()
    };
    assert_eq!((moved(line).await, moved(&format!("{line} --from desired")).await), (1, 4));
    world.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn script_that_creates_a_first_policy_is_shown_or_written() {
    let world = World::with_the_sample().await;
    world.without_approvals().await;
    let none = "name = \"tenants/default/hierarchies/AP1/coManagementPolicy\"\nenabled = false\n";
    let none = world.file("none.toml", none);
    world.ask(&format!("authority policy set {none}")).await.unwrap();
    let first = "authority plan AP1 --enable --auto-enrollment all --complete";
    world.ask(&Planned::ask(&world, first).await.application()).await.unwrap();

    let handover = world.json("authority handover AP1").await;
    let script = handover["handover"]["creationScript"].as_str().unwrap();
    assert!(script.contains("New-CMCoManagementPolicy"), "{script}");
    let shown = world.ask("authority handover AP1").await.unwrap();
    assert!(
        shown.contains(&format!(
            "\nThe script that creates the policy, before the steps\n{}\n",
            script.trim_end()
        )),
        "{shown}"
    );
    let file = world.folder.path().join("create.ps1");
    let (shown, remarks, ended) =
        world.told(&format!("authority handover AP1 --script {}", file.display()), None).await;
    assert_eq!((remarks, ended), (format!("the script is in {}\n", file.display()), Ok(())));
    assert!(!shown.contains("New-CMCoManagementPolicy"), "{shown}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), script);

    world.ask(&Planned::ask(&world, LB1).await.application()).await.unwrap();
    let other = world.folder.path().join("other.ps1");
    let (code, said) =
        world.ask(&format!("authority handover LB1 --script {}", other.display())).await.unwrap_err();
    assert_eq!((code, said.as_str()), (1, "there is no script to write: none is needed"));
    assert!(!other.exists());
    world.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn plans_of_a_hierarchy_are_listed_and_read() {
    let world = World::with_the_sample().await;
    assert_eq!(world.ask("authority plans list LB1").await, Ok("none\n".to_owned()));
    let planned = Planned::ask(&world, LB1).await;
    let expected = [
        " PLAN                               MADE                   BY      WHAT IT DOES                                              APPLIED   BY",
        "──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────",
        " ID   2026-11-20T23:59:59Z   local   3 devices change holder (of 3), 0 held back, 7 warnings   –         –",
        "",
    ];
    let listed = world.ask("authority plans list LB1").await.unwrap();
    assert_eq!(planned.settled(&listed), expected.join("\n"));
    let listed = world.json("authority plans list LB1").await;
    assert_eq!(listed["plans"], json!([planned.plan]));
    assert_eq!(world.json(&format!("authority plans get {}", planned.name)).await, planned.plan);
    for line in
        ["authority plans list NOP", "authority plans get LB1/nope", "authority apply LB1/nope --hash 3fa9"]
    {
        assert_eq!(world.ask(line).await.unwrap_err().0, 4, "{line}");
    }
    world.sandbox.stop().await.unwrap();
}
