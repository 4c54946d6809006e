//! Rules of one's own, and how old evidence may be, at the command line.

use serde_json::{Value, json};

use super::world::World;

const RULE: &str = "tenants/default/customRules/build-24h2";

fn devices(count: &Value) -> u64 {
    count.as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn rule_of_ones_own_is_tried_kept_enabled_counted_and_deleted() {
    let world = World::with_the_sample().await;
    let tried = world.json("prerequisites try device.os_build>=26100").await;
    let made = world
        .json("prerequisites custom set build-24h2 device.os_build>=26100 --severity blocking --remediation update")
        .await;
    assert_eq!((&made["name"], &made["enabled"]), (&json!(RULE), &json!(false)));
    // Nobody is judged by it yet.
    assert_eq!(world.json("prerequisites check --fleet").await["customRules"], json!([]));
    let enabled = world.ask("prerequisites custom enable build-24h2").await.unwrap();
    assert!(enabled.contains("unsatisfied") && enabled.contains("Enabled"), "{enabled}");

    let fleet = world.json("prerequisites check --fleet").await;
    let counted = &fleet["customRules"][0];
    for outcome in ["satisfied", "unsatisfied", "unknown", "failed"] {
        assert_eq!(counted[outcome], tried[outcome]["devices"], "{outcome}");
    }
    assert!(devices(&counted["unsatisfied"]) > 0 && devices(&counted["unknown"]) > 0, "{counted}");
    let listed = world.json("prerequisites devices --custom-rule build-24h2").await;
    let listed = listed["devices"].as_array().unwrap();
    assert_eq!(listed.len() as u64, devices(&counted["unsatisfied"]));
    let unknown = world.json("prerequisites devices --custom-rule build-24h2 --outcome unknown").await;
    assert_eq!(unknown["devices"].as_array().unwrap().len() as u64, devices(&counted["unknown"]));
    let blocked = world.json("prerequisites devices --custom-verdict blocked").await;
    assert_eq!(blocked["devices"].as_array().unwrap(), listed);
    let device = listed[0]["device"].as_str().unwrap();
    let found = world.json(&format!("prerequisites check {device}")).await;
    assert_eq!(found["customFindings"][0]["outcome"], "CUSTOM_OUTCOME_UNSATISFIED");
    let told = world.ask(&format!("prerequisites check {device}")).await.unwrap();
    assert!(told.contains("Rules of your own: blocked"), "{told}");

    // What is left out stays as it is.
    let renamed = world.json("prerequisites custom set build-24h2 --display-name 24H2").await;
    assert_eq!(
        (&renamed["displayName"], &renamed["expression"], &renamed["severity"], &renamed["enabled"]),
        (&json!("24H2"), &json!("device.os_build>=26100"), &json!("SEVERITY_BLOCKING"), &json!(true))
    );
    assert_eq!(world.json("prerequisites custom list").await["customRules"], json!([renamed]));
    world.ask("prerequisites custom disable build-24h2").await.unwrap();
    assert_eq!(world.json("prerequisites check --fleet").await["customRules"], json!([]));
    world.ask("prerequisites custom delete build-24h2").await.unwrap();
    let (code, said) = world.ask("prerequisites custom show build-24h2").await.unwrap_err();
    assert_eq!((code, said.contains(RULE)), (4, true), "{said}");
    world.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn rule_that_is_none_is_refused_with_its_place() {
    let world = World::with_the_sample().await;
    let (code, said) = world.ask("prerequisites custom set odd device.os_build>'old'").await.unwrap_err();
    assert_eq!((code, said.contains("line 1, column 16")), (1, true), "{said}");
    let (code, said) = world.ask("prerequisites custom set odd --display-name odd").await.unwrap_err();
    assert_eq!((code, said.contains("a new one needs its expression")), (2, true), "{said}");
    assert_eq!(world.json("prerequisites custom list").await["customRules"], json!([]));
    world.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn word_of_a_source_is_believed_as_long_as_is_said() {
    let world = World::with_the_sample().await;
    // Devices, and those of which it is not known whether they are joined.
    let unknown = async || {
        let fleet = world.json("prerequisites check --fleet --as-of 2026-11-25").await;
        let rules = fleet["rules"].as_array().unwrap();
        let joined = rules.iter().find(|of| of["rule"] == "entra.joined");
        (devices(&fleet["devices"]), joined.map_or(0, |of| devices(&of["unknown"])))
    };
    let (all, before) = unknown().await;
    assert!(before < all, "{before} of {all}");
    let every = "--set configmgr=1d --set intune=1d --set entra=1d --set probe=1d";
    world.ask(&format!("prerequisites ages {every}")).await.unwrap();
    // Everything was said on the 20th or before.
    assert_eq!(unknown().await, (all, all));
    let kept = world.json("prerequisites ages --clear configmgr --clear intune --clear entra").await;
    assert_eq!(kept["maximumAges"], json!([{"source": "probe", "maximumAge": "86400s"}]));
    world.ask("prerequisites ages --clear probe").await.unwrap();
    assert_eq!(unknown().await, (all, before));
    world.sandbox.stop().await.unwrap();
}
