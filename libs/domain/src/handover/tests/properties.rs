//! What holds for every change and every policy.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::powershell::literal;
use super::*;

/// What means something to PowerShell or to a spreadsheet.
const TELLING: [&str; 13] =
    ["'", "''", "\u{2018}", "\u{2019}", "$(x)", "`", "\n", "\r", "\"", ";", "=", "+", "-"];

/// Names of all kinds.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        vec(select(TELLING.as_slice()), 0..8).prop_map(|parts| parts.concat()),
        "[=+@\\-' \t][A-Za-z,\"]{0,8}",
        "PC-[0-9]{1,5}",
    ]
}

/// A change of up to some batches, given in any order and with repetitions.
fn membership_change() -> impl Strategy<Value = MembershipChange> {
    let members = btree_map(1..=i32::MAX.cast_unsigned(), (name(), any::<bool>()), 1..350);
    (members, name()).prop_map(|(members, collection_name)| {
        let side = |wanted| {
            let chosen = members.iter().filter(move |(_, (_, adds))| *adds == wanted);
            let mut side: Vec<_> = chosen.map(|(id, (name, _))| member(*id, name)).collect();
            side.extend(side.first().cloned());
            side.reverse();
            side
        };
        MembershipChange { collection_name, ..change("PS100042", side(true), side(false)) }
    })
}

/// A policy that the console can hold, in a hierarchy where it is set up.
fn valid_policy() -> impl Strategy<Value = CoManagementPolicy> {
    let id = || select(vec!["PS100041", "PS100042", "PS100043"]);
    let sliders = [SliderPosition::ConfigurationManager, SliderPosition::PilotIntune, SliderPosition::Intune];
    let setting = (select(sliders.to_vec()), id(), any::<bool>()).prop_map(|(slider, pilot, kept)| {
        at(slider, Some(pilot).filter(|_| kept || slider == SliderPosition::PilotIntune))
    });
    let modes = [AutoEnrollment::None, AutoEnrollment::Pilot, AutoEnrollment::All];
    let enrollment = (option::weighted(0.9, select(modes.to_vec())), id());
    (vec(setting, 7), enrollment).prop_map(|(settings, (mode, enrolled))| CoManagementPolicy {
        enabled: Some(true),
        auto_enrollment: mode,
        auto_enrollment_collection: (mode == Some(AutoEnrollment::Pilot)).then(|| collection(enrolled)),
        workloads: crate::workload::PerWorkload::from_fn(|workload| settings[workload.index()].clone()),
    })
}

/// What an expression of [`literal`] is worth in PowerShell. Panics where it is anything but strings and
/// characters in a row.
fn evaluated(expression: &str) -> String {
    let inner = expression.strip_prefix('(').map_or(expression, |rest| rest.strip_suffix(')').unwrap());
    let mut units: Vec<u16> = Vec::new();
    let mut rest = inner;
    loop {
        if let Some(code) = rest.strip_prefix("[char]0x") {
            units.push(u16::from_str_radix(&code[..4], 16).unwrap());
            rest = &code[4..];
        } else {
            rest = rest.strip_prefix('\'').unwrap();
            loop {
                let (text, after) = rest.split_once('\'').unwrap();
                units.extend(text.encode_utf16());
                rest = after;
                // A second quote stands for one; anything else ends the string.
                let Some(after) = rest.strip_prefix('\'') else { break };
                units.push(u16::from(b'\''));
                rest = after;
            }
        }
        match rest.strip_prefix(" + ") {
            Some(after) => rest = after,
            None => break,
        }
    }
    assert_eq!(rest, "", "something follows the literal in {expression}");
    String::from_utf16(&units).unwrap()
}

fn is_plain_script(script: &str) -> bool {
    script.chars().all(|c| matches!(c, ' '..='~' | '\n'))
}

/// The ids of every call of that function, call by call.
fn batches_in(script: &str, function: &str) -> Vec<Vec<String>> {
    let start = format!("{function} -ResourceId ");
    let calls = script.lines().filter_map(|line| line.strip_prefix(&start));
    calls.map(|ids| ids.split(", ").map(str::to_owned).collect()).collect()
}

/// What a console that did the steps holds.
fn done(steps: &[ConsoleStep], mut policy: CoManagementPolicy) -> CoManagementPolicy {
    for step in steps {
        match step.action.clone() {
            ConsoleAction::Enable => policy.enabled = Some(true),
            ConsoleAction::SetAutoEnrollment { to, .. } => policy.auto_enrollment = Some(to),
            ConsoleAction::SetAutoEnrollmentCollection { to, .. } => {
                policy.auto_enrollment_collection = Some(to);
            }
            ConsoleAction::SetSlider { workload, to, .. } => policy.workloads[workload].slider = to,
            ConsoleAction::SetStagingCollection { workload, to, .. } => {
                policy.workloads[workload].pilot_collection = Some(to);
            }
            ConsoleAction::Confirm => {}
        }
    }
    policy
}

proptest! {
    // Each case is some hundred members.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_member_is_in_exactly_one_batch(change in membership_change()) {
        let work = work_on(Some("2509"), change.clone());
        let script = work.script().unwrap();
        for (action, members, function) in [
            (MembershipAction::Add, &change.add, "Add-Batch"),
            (MembershipAction::Remove, &change.remove, "Remove-Batch"),
        ] {
            let wanted: BTreeMap<u32, ()> = members.iter().map(|member| (member.resource_id, ())).collect();
            let batched: Vec<u32> = work.batches(action).flatten().map(|member| member.resource_id).collect();
            prop_assert_eq!(&batched, &wanted.keys().copied().collect::<Vec<_>>());
            prop_assert!(work.batches(action).all(|batch| (1..=100).contains(&batch.len())));
            // The script says the same, in the type that the cmdlet takes.
            let written = |id: &u32| match action {
                MembershipAction::Add => id.to_string(),
                MembershipAction::Remove => format!("'{id}'"),
            };
            let called = batches_in(&script, function);
            prop_assert!(called.iter().all(|batch| batch.len() <= 100));
            prop_assert_eq!(called.concat(), batched.iter().map(written).collect::<Vec<_>>());
        }
    }

    #[test]
    fn names_change_nothing_in_a_script_but_their_literal(change in membership_change(), device in name()) {
        let harmless = |member: &Member| Member { name: device.clone(), ..member.clone() };
        let other = MembershipChange {
            collection_name: "x".to_owned(),
            add: change.add.iter().map(harmless).collect(),
            remove: change.remove.iter().map(harmless).collect(),
            ..change.clone()
        };
        let script = work_on(None, change.clone()).script().unwrap();
        prop_assert!(is_plain_script(&script));
        let written = format!("$collectionName = {}", literal(&change.collection_name));
        let lines: Vec<&str> = script.lines().filter(|line| line.starts_with("$collectionName = ")).collect();
        prop_assert_eq!(&lines, &[written.as_str()]);
        let expected = work_on(None, other).script().unwrap();
        prop_assert_eq!(script.replacen(&written, "$collectionName = 'x'", 1), expected);
    }

    #[test]
    fn sheet_reads_back_and_holds_no_formula(change in membership_change()) {
        let work = work_on(None, change.clone());
        let csv = work.csv();
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        // Exactly one mark is taken away.
        let text = |cell: &str| cell.strip_prefix('\'').unwrap_or(cell).to_owned();
        let mut read = Vec::new();
        for record in reader.records() {
            let record = record.unwrap();
            let starts = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
            let computed = |cell: &str| cell.trim_start().starts_with(starts);
            prop_assert!(!record.iter().any(computed), "{:?}", record);
            prop_assert_eq!((&record[0], text(&record[1])), ("PS100042", change.collection_name.clone()));
            read.push((record[2].to_owned(), member(record[3].parse().unwrap(), &text(&record[4]))));
        }
        let expected: Vec<_> = MembershipAction::ALL
            .into_iter()
            .flat_map(|action| work.members(action).iter().map(move |m| (action.id().to_owned(), m.clone())))
            .collect();
        prop_assert_eq!(read, expected);
    }
}

proptest! {
    #[test]
    fn literal_is_plain_and_worth_the_name(name in name()) {
        let expression = literal(&name);
        prop_assert!(expression.chars().all(|c| matches!(c, ' '..='~')), "{}", expression);
        prop_assert_eq!(evaluated(&expression), name);
    }

    #[test]
    fn hierarchy_as_desired_gets_no_work(policy in valid_policy(), version in select(vec!["2309", "2509"])) {
        let same = handover(Some(&policy), &policy, &[], Some(&site(Some(version)))).unwrap();
        prop_assert!(same.is_empty());
        prop_assert_eq!((same.warnings, same.checks), (vec![], vec![]));
    }

    #[test]
    fn steps_done_make_it_so(
        configured in valid_policy(), desired in valid_policy(), version in select(vec!["2309", "2509"]),
    ) {
        let site = site(Some(version));
        let work = handover(Some(&configured), &desired, &[], Some(&site)).unwrap();
        let after = done(&work.console, configured.clone());
        for workload in Workload::ALL {
            let gone = workload == Workload::ResourceAccessPolicies && version == "2509";
            let expected = if gone { &configured } else { &desired };
            prop_assert_eq!(after.workloads[workload].slider, expected.workloads[workload].slider);
            let kept = configured.workloads[workload].pilot_collection.clone();
            let wanted = expected.workloads[workload].pilot_collection.clone();
            prop_assert_eq!(&after.workloads[workload].pilot_collection, &wanted.or(kept));
        }
        prop_assert_eq!(after.auto_enrollment, desired.auto_enrollment.or(configured.auto_enrollment));
        prop_assert!(handover(Some(&after), &desired, &[], Some(&site)).unwrap().console.is_empty());
    }

    #[test]
    fn first_policy_is_scripted_only_with_whole_sliders_and_all_flags(desired in valid_policy()) {
        let absent = CoManagementPolicy { enabled: Some(false), ..CoManagementPolicy::default() };
        let work = handover(Some(&absent), &desired, &[], Some(&site(Some("2309")))).unwrap();
        match work.creation {
            Creation::Script { text } => {
                let pilots = desired.workloads.iter().filter(|(_, w)| w.slider == SliderPosition::PilotIntune);
                prop_assert_eq!(pilots.count(), 0);
                let on = desired.workloads.iter().filter(|(_, w)| w.slider == SliderPosition::Intune).count();
                let is_flag = |line: &&str| line.contains("WorkloadEnabled = ");
                let flags: Vec<&str> = text.lines().filter(is_flag).collect();
                prop_assert_eq!(flags.len(), 7);
                prop_assert_eq!(flags.iter().filter(|flag| flag.ends_with("$true")).count(), on);
                prop_assert!(is_plain_script(&text) && !text.contains("Set-CM"));
            }
            Creation::ConsoleOnly { obstacles } => {
                prop_assert!(!obstacles.is_empty());
                prop_assert_eq!(&work.console[0].action, &ConsoleAction::Enable);
            }
            Creation::NotNeeded => prop_assert!(false, "expected a first policy, found none needed"),
        }
    }
}
