//! Expressions that are rules, and those that are none, with what is said of them.

use tandem_domain::facts::{JoinType, OsKind, OsVersion};
use tandem_domain::id::{CollectionId, HierarchyId};
use tandem_domain::prerequisites::catalogue;

use super::*;
use tandem_domain::facts::Fact;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A hybrid joined Windows 11 24H2 with a client, of which nobody says whether MDM is blocked.
fn device() -> DeviceFacts {
    DeviceFacts {
        name: Some(Fact::new("OSL-LT-0417".into(), 0)),
        hierarchy: Some(HierarchyId::parse("PS1").unwrap()),
        collections: vec![CollectionId::parse("PS100042").unwrap()],
        client_installed: Some(Fact::new(true, 0)),
        client_health_flags: Some(Fact::new(7, 0)),
        last_intune_sync: Some(Fact::new(at("2026-11-20T06:00:00.25Z"), 0)),
        os_version: Some(Fact::new(OsVersion::parse("10.0.26100.1000").unwrap(), 0)),
        os_kind: Some(Fact::new(OsKind::Client, 0)),
        join_type: Some(Fact::new(JoinType::HybridJoined, 0)),
        ..DeviceFacts::default()
    }
}

fn outcome(expression: &str) -> CustomOutcome {
    let rule = CustomRule::parse(expression).unwrap_or_else(|problems| panic!("{expression}: {problems:?}"));
    rule.outcome(&device(), &TenantFacts::default(), at("2026-11-20T12:00:00Z"))
}

fn problems(expression: &str) -> Vec<String> {
    let refused = CustomRule::parse(expression).err().unwrap_or_else(|| panic!("{expression} is a rule"));
    refused.iter().map(ToString::to_string).collect()
}

#[test]
fn facts_are_in_the_order_of_their_names() {
    assert!(FACTS.is_sorted_by_key(|fact| fact.name));
}

#[test]
fn every_fact_of_a_device_that_the_catalogue_reads_can_be_asked_about() {
    // Who decides a workload is the authority's to say; the other is three facts, which are there.
    let elsewhere = ["device.effective_authority", "device.serial_model_manufacturer_present"];
    let read = catalogue().iter().flat_map(|rule| rule.facts.iter());
    let missing: BTreeSet<&str> = read
        .copied()
        .filter(|id| id.starts_with("device.") && !elsewhere.contains(id))
        .filter(|id| facts::fact(id.trim_start_matches("device.")).is_none())
        .collect();
    assert_eq!(missing, BTreeSet::new());
}

#[test]
fn rule_is_true_or_false_of_what_is_said() {
    for expression in [
        "true",
        "device.client_installed",
        "device.os_build >= 22000 && device.os_kind == 'client'",
        "device.join_type in ['azureADJoined', 'hybridAzureADJoined']",
        "device.os_build in [26100, 26200]",
        "'PS100042' in device.collections",
        "size(device.collections) == 1 && size(device.other_hierarchies) == 0",
        "device.name.startsWith('OSL-') && device.name.endsWith('0417') && device.name.contains('LT')",
        "now - device.last_intune_sync < duration('24h')",
        "device.last_intune_sync > timestamp('2026-11-20T00:00:00Z')",
        "device.last_intune_sync + duration('6h') > now - duration('1s')",
        "!has(device.mdm_blocked_by_policy)",
        "has(device.os_build) ? device.os_build > 19045 : false",
        "device.client_health_flags % 2 == 1 && -device.client_health_flags < 0",
        "device.name + '!' == 'OSL-LT-0417!'",
        "1.5 < 2.0",
    ] {
        assert_eq!(outcome(expression), CustomOutcome::Satisfied, "{expression}");
        let other = format!("!({expression})");
        assert_eq!(outcome(&other), CustomOutcome::Unsatisfied, "{other}");
    }
}

#[test]
fn rule_that_a_missing_fact_decides_is_unknown_and_no_other() {
    let unknown = |missing: &str| CustomOutcome::Unknown { missing: missing.into() };
    assert_eq!(outcome("!device.mdm_blocked_by_policy"), unknown("mdm_blocked_by_policy"));
    assert_eq!(outcome("device.client_installed && device.owner == 'company'"), unknown("owner"));
    // What decides without it is not unknown, on whichever side it is.
    assert_eq!(outcome("device.owner == 'company' || device.client_installed"), CustomOutcome::Satisfied);
    assert_eq!(outcome("device.owner == 'company' && !device.client_installed"), CustomOutcome::Unsatisfied);
}

#[test]
fn rule_that_cannot_be_computed_says_why() {
    for expression in
        ["1 / (device.client_health_flags - 7) == 1", "9223372036854775807 + device.os_build > 0"]
    {
        assert!(
            matches!(outcome(expression), CustomOutcome::Failed { .. }),
            "{expression}: {:?}",
            outcome(expression)
        );
    }
}

#[test]
fn expression_of_the_wrong_type_is_refused_where_it_is_wrong() {
    for (expression, expected) in [
        ("device.os_build", "line 1, column 7: expected bool, found int"),
        ("device.os_builds > 1", "line 1, column 7: expected a fact of a device, found `device.os_builds`"),
        (
            "device.os_build > '22000'",
            "line 1, column 17: expected operands that `>` takes, found int and string",
        ),
        (
            "device.client_installed &&\n  device.os_build",
            "line 1, column 25: expected operands that `&&` takes, found bool and int",
        ),
        (
            "clients > 1",
            "line 1, column 1: expected `now` or a fact such as `device.join_type`, found `clients`",
        ),
        (
            "device.os_build == null",
            "line 1, column 20: expected `has(device.…)` to ask whether somebody said a fact, found null",
        ),
        (
            "device.name.matches('^OSL')",
            "line 1, column 20: expected one of size, contains, startsWith, endsWith, timestamp and duration, found `matches`",
        ),
        (
            "device.last_intune_sync > timestamp('yesterday')",
            "line 1, column 37: expected a moment such as `2026-11-20T00:00:00Z`, found `yesterday`",
        ),
        (
            "now - device.last_intune_sync < duration('2 days')",
            "line 1, column 42: expected a span such as `720h`, `90m` or `1h30m`, found `2 days`",
        ),
        ("device.collections.exists(c, c == 'PS100042')", "expected no comprehension"),
        ("[1, 'a'] == [1, 'a']", "line 1, column 5: expected int, found string"),
        ("{'a': 1} == {'a': 1}", "expected a comparison of facts, found a map or message"),
    ] {
        let found = problems(expression);
        assert!(found.len() == 1 && found[0].contains(expected), "{expression}: {found:?}");
    }
}

#[test]
fn text_that_is_no_expression_is_refused_where_it_breaks() {
    let found = CustomRule::parse("device.os_build >\n  ").unwrap_err();
    assert!(found.iter().any(|problem| problem.position.is_some()), "{found:?}");
    assert_eq!(problems("  \n"), ["must be an expression that is true of a device; found none"]);
}

#[test]
fn expression_that_is_too_long_or_has_too_many_nodes_is_refused() {
    let of = |terms: usize| vec!["true"; terms].join(" && ");
    assert_eq!(CustomRule::parse(&of(100)).unwrap().nodes(), 199);
    let many = problems(&of(101));
    assert!(many[0].contains("must have at most 200 nodes: found more"), "{many:?}");
    assert_eq!(problems(&of(600)), [format!("must have at most 4096 bytes; found {}", of(600).len())]);
    // However deep it is nested, it is refused and not run into.
    assert!(CustomRule::parse(&format!("{}true{}", "(".repeat(2000), ")".repeat(2000))).is_err());
    assert!(CustomRule::parse(&format!("{}true", "true ? true : ".repeat(290))).is_err());
    // Of so many negations none is left.
    assert_eq!(CustomRule::parse(&format!("{}true", "!".repeat(4000))).unwrap().nodes(), 1);
}

#[test]
fn rule_names_the_facts_that_it_asks_about() {
    let rule = CustomRule::parse("has(device.owner) && device.os_build > 1 && device.os_build < 9").unwrap();
    let names: Vec<&str> = rule.facts().iter().map(|fact| fact.name).collect();
    assert_eq!(names, ["os_build", "owner"]);
}
