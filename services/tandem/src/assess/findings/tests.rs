use super::*;
use crate::assess::example;
use crate::assess::model::Word;

fn blocker(rule: &'static str, severity: &'static str, path: &'static str, devices: u64) -> Blocker {
    Blocker {
        rule: rule.into(),
        scope: "device".into(),
        severity: severity.into(),
        path: path.into(),
        devices,
        remediation: "mend it".into(),
    }
}

#[test]
fn fleet_blockers_of_two_paths_are_one_row_and_blocking_comes_first() {
    let blockers = [
        blocker("warns", "warning", "path1", 90),
        blocker("small", "blocking", "path1", 1),
        blocker("large", "blocking", "path1", 5),
        blocker("large", "blocking", "path2", 7),
    ];
    let row = |rule, blocking, devices: &[(&'static str, u64)]| FleetBlocker {
        rule,
        scope: "device",
        blocking,
        condition: "",
        remediation: "mend it",
        devices: devices.iter().copied().collect(),
    };
    let rows = fleet_blockers(&blockers);
    assert_eq!(
        rows,
        [
            row("large", true, &[("path1", 5), ("path2", 7)]),
            row("small", true, &[("path1", 1)]),
            row("warns", false, &[("path1", 90)]),
        ]
    );
    assert_eq!(rows[0].most_devices(), 7);
}

#[test]
fn rule_of_the_catalogue_says_what_it_asks_for() {
    let blockers = [blocker("win.minimum_1709", "blocking", "path1", 3)];
    let found: Vec<&str> = fleet_blockers(&blockers).iter().map(|row| row.condition).collect();
    assert_eq!(found, ["build >= 16299 (Windows 10 1709)"]);
}

#[test]
fn problems_of_two_paths_are_one_row_and_not_applicable_paths_are_left_out() {
    let finding = |rule: &'static str, severity: &'static str| UnsatisfiedRule {
        rule: rule.into(),
        severity: severity.into(),
        expected: "this".into(),
        found: "that".into(),
        remediation: "mend it".into(),
    };
    let report = |verdict: &'static str, rules: Vec<UnsatisfiedRule>, unknown: Vec<Word>| PathReport {
        verdict: verdict.into(),
        unsatisfied: rules,
        unknown,
    };
    let (warns, blocks) = (finding("warns", "warning"), finding("blocks", "blocking"));
    let prerequisites: Prerequisites = [
        ("coexistence".into(), report("not_applicable", vec![blocks.clone()], vec!["open".into()])),
        ("path1".into(), report("blocked", vec![warns.clone(), blocks.clone()], vec!["open".into()])),
        ("path2".into(), report("blocked", vec![blocks.clone()], vec!["open".into()])),
    ]
    .into();
    assert_eq!(
        problems(&prerequisites),
        [
            Problem { finding: &blocks, paths: vec!["path1", "path2"] },
            Problem { finding: &warns, paths: vec!["path1"] },
        ]
    );
    assert_eq!(undecided(&prerequisites), [Undecided { rule: "open", paths: vec!["path1", "path2"] }]);
}

#[test]
fn surroundings_name_the_tenant_every_site_with_its_version_and_hierarchies_without_one() {
    let mut head = example::head();
    head.sites[1].site = "HAM".to_owned();
    head.sites[1].version = None;
    let names: Vec<String> = surroundings(&head).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        ["Tenant", "Site PS1 (2509)", "Site HAM of EU1 (version unknown)", "Hierarchy LB1 (no site known)"]
    );
}
