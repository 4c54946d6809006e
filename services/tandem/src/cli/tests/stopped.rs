//! Everything in a tenant stopped, and the ways out of co-management.

use serde_json::json;

use super::world::World;

/// How a verb is refused, without the trace.
async fn refused(world: &World, line: &str) -> (u8, String) {
    let (code, said) = world.ask(line).await.unwrap_err();
    let untraced = said.split_once(", trace ").and_then(|(before, after)| {
        let (_, after) = after.split_once(')')?;
        Some(format!("{before}){after}"))
    });
    (code, untraced.unwrap_or(said))
}

#[tokio::test]
async fn frozen_tenant_moves_nothing_until_it_is_unfrozen() {
    let world = World::with_the_sample().await;
    world.without_approvals().await;
    let free = " Freeze  tenants/default/freeze\n Frozen  no\n";
    assert_eq!(world.ask("authority freeze --show").await, Ok(free.to_owned()));
    let nothing =
        "expected a frozen tenant; found one that is not: nothing is to be done (TENANT_NOT_FROZEN)";
    assert_eq!(refused(&world, "authority unfreeze").await, (1, nothing.to_owned()));

    let draft = "authority rollout draft PS1/apps --workload client_apps --to intune --percent 5";
    for line in [draft, "authority rollout submit PS1/apps"] {
        world.ask(line).await.unwrap();
    }
    let frozen = [
        " Freeze  tenants/default/freeze",
        " Frozen  since 2026-11-20T23:59:59Z by local",
        " Why     outage",
        "",
        "No rollout of the tenant hands anything over, takes anything back or is judged, and no plan is applied. What was carried \
         out at the sites before stays.",
        "",
        "To end it:",
        "  tandem authority unfreeze",
        "",
    ]
    .join("\n");
    let freeze = "authority freeze --reason outage --ticket INC-7";
    assert_eq!(world.ask(freeze).await, Ok(frozen.clone()));
    assert_eq!(world.ask("authority freeze --show").await, Ok(frozen));
    let advice = "`tandem authority unfreeze` does, `tandem authority freeze --show` shows why";
    let twice = format!(
        "expected a tenant that is not frozen; found it frozen by local since 2026-11-20T23:59:59Z because of `outage`: \
         nothing is to be done, or unfreeze it first (TENANT_FROZEN); {advice}"
    );
    assert_eq!(refused(&world, freeze).await, (1, twice));
    let start = format!(
        "start: expected a tenant that is not frozen; found it frozen by local since 2026-11-20T23:59:59Z: because of \
         `outage`; unfreeze the tenant first (TENANT_FROZEN); {advice}"
    );
    assert_eq!(refused(&world, "authority rollout start PS1/apps").await, (1, start));
    let text = world.ask("authority rollout get PS1/apps").await.unwrap();
    let told = "\n Frozen     since 2026-11-20T23:59:59Z by local: outage\n";
    let next = "\nNext\n  nothing, and it cannot start, while the tenant is frozen\n\nTo end the freeze:\n  tandem authority \
                unfreeze\n";
    assert!(text.contains(told) && text.ends_with(next), "{text}");

    let thawed = [
        " Freeze  tenants/default/freeze",
        " Frozen  no more; it was since 2026-11-20T23:59:59Z by local",
        "",
        "Rollouts go on, their clocks put off by as long as that held; plans may be applied.",
        "",
    ];
    assert_eq!(world.ask("authority unfreeze --reason mended").await, Ok(thawed.join("\n")));
    assert_eq!(world.json("authority freeze --show").await["frozen"], json!(false));
    world.ask("authority rollout start PS1/apps").await.unwrap();
    world.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn tenant_that_nobody_knows_is_not_frozen() {
    let world = World::with_the_sample().await;
    let (exit, error) = refused(&world, "authority freeze --reason outage --tenant contoso").await;
    assert_eq!(exit, 4);
    assert!(error.contains("tenants/contoso") && error.contains("RESOURCE_NOT_FOUND"), "{error}");
    let (text, remarks, ended) = world.told("authority freeze --show --tenant contoso", None).await;
    assert_eq!(text, " Freeze  tenants/contoso/freeze\n Frozen  no\n");
    let doubt = "the inventory knows no tenant `contoso`, so nothing of it moves: if you mean another, name it with --tenant; \
                 `tandem tenants list` shows what is there\n";
    assert_eq!((remarks.as_str(), ended), (doubt, Ok(())));
    world.sandbox.stop().await.unwrap();
}

const WORKLOAD: &str = "authority decommission workload client_apps --hierarchy PS1";

#[tokio::test]
async fn way_out_of_a_workload_is_laid_down_and_followed() {
    let world = World::with_the_sample().await;
    world.without_approvals().await;
    let expected = [
        "The way out of co-management: client_apps in PS1",
        " State       blocked",
        " Devices     348",
        " Steps done  0 of 3",
        "",
        "What has to hold from the first step to the last",
        " HOLDS   WHAT                     WHY NOT                                                                   SOURCE",
        "───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────",
        " yes     policy_known             –                                                                         handover.md 6",
        " no      site_policies_deployed   nobody said: whether the policies of Configuration Manager are deployed   workloads.toml switching.before_switch",
        " no      no_override              nobody said: whether a settings policy of Autopilot has the override      states.md 8",
        "",
        "Steps, in this order",
        " NO.   STEP             WHO      WHAT IS DONE                                                    STATE     DONE   SOURCE",
        "───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────",
        "   1   adopt_policy     tandem   adopt a policy that has at Configuration Manager: Client apps   blocked   –      handover.md 1",
        "   2   return_slider    person   set the slider of Client apps to Configuration Manager          pending   –      workloads.toml switching.switch_back_allowed",
        "   3   devices_return   device   the devices report at Configuration Manager: Client apps        pending   –      handover.md 5",
        "",
        "What is in the way of step 1",
        "  ! site_policies_deployed: nobody said: whether the policies of Configuration Manager are deployed",
        "  ! no_override: nobody said: whether a settings policy of Autopilot has the override",
        "",
        "What is left behind",
        "  ! PowerShell scripts of Intune go on running on Windows 10 1903 and later, as long as the device is enrolled: client_apps",
        "    scripts_of_intune (workloads.toml client_apps.exception)",
        "",
        "To say what no source reports, if it is so:",
        "  --deployed-at-configuration-manager WORKLOAD   its policies are deployed there, once for each workload",
        "  --autopilot-override no                        no settings policy of Autopilot has the override",
        "",
    ];
    assert_eq!(world.ask(WORKLOAD).await, Ok(expected.join("\n")));
    let hierarchies = "expected --hierarchy with one of AP1, EU1, LB1, NO1, PS1";
    let line = "authority decommission workload client_apps";
    assert_eq!(refused(&world, line).await, (2, hierarchies.to_owned()));

    let said = format!("{WORKLOAD} --deployed-at-configuration-manager client_apps --autopilot-override no");
    let text = world.ask(&said).await.unwrap();
    let next = "\nTo make the plan of step 1:\n  tandem authority plan PS1 --set client_apps=configuration_manager --complete\n";
    assert!(text.ends_with(next) && text.contains("\n State       pending\n"), "{text}");
    let plan = world.json("authority plan PS1 --set client_apps=configuration_manager --complete").await;
    let (name, hash) = (plan["name"].as_str().unwrap(), plan["hash"].as_str().unwrap());
    world.ask(&format!("authority apply {name} --hash {hash}")).await.unwrap();
    let text = world.ask(&said).await.unwrap();
    let next = "\nNow step 2: set the slider of Client apps to Configuration Manager\n";
    assert!(text.ends_with(next) && text.contains("\n Steps done  1 of 3\n"), "{text}");
    assert_eq!(world.json(&said).await["steps"][0]["state"], json!("DECOMMISSION_STATE_DONE"));
    world.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn way_out_of_devices_is_of_the_hierarchy_that_has_them() {
    let world = World::with_the_sample().await;
    let text = world.ask("authority decommission devices OSL-LT-A-01").await.unwrap();
    assert!(
        text.starts_with("The way out of co-management: 1 device of PS1\n State       blocked\n"),
        "{text}"
    );
    let (code, said) = refused(&world, "authority decommission devices OSL-LT-A-01 --hierarchy LB1").await;
    assert!(said.starts_with("devices[0]: expected a device of hierarchy LB1, found tenants/"), "{said}");
    assert_eq!(code, 1);
    let text = world.ask("authority decommission hierarchy LB1").await.unwrap();
    let say = "\nTo say what no source reports, if it is so:\n  tandem sites update FILE                       the version of each site\n";
    assert!(text.ends_with(say) && text.contains(" Steps done  8 of 13\n"), "{text}");
    assert_eq!(refused(&world, "authority decommission hierarchy NOP").await.0, 4);
    world.sandbox.stop().await.unwrap();
}
