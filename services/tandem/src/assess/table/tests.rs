use super::*;
use crate::assess::example;
use crate::assess::model::{IdentityConflict, RefusedInput};

fn printed(head: &AssessmentHead, colour: bool) -> String {
    let mut out = Vec::new();
    write_table(&mut out, head, Style { colour }).expect("a vector takes everything");
    String::from_utf8(out).expect("tables are UTF-8")
}

/// The text without its ANSI sequences.
fn uncoloured(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| plain + part.split_once('m').map_or("", |(_, rest)| rest))
}

fn section<'a>(text: &'a str, title: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!("\n\n{title}\n")).expect("the section is there");
    rest.split_once("\n\n").map_or(rest, |(section, _)| section)
}

#[test]
fn table_of_the_example_reads_as_checked_by_hand() {
    // Every figure of the text was compared with `example.rs`, and every share worked out from them.
    assert_eq!(printed(&example::head(), false), include_str!("expected.txt"));
}

#[test]
fn assessment_of_this_very_moment_is_dated_to_the_second() {
    let mut head = example::head();
    head.as_of = "2026-11-20T12:34:56.789012345Z".parse().expect("an instant");
    let text = printed(&head, false);
    assert_eq!(text.lines().next(), Some("Assessment of 444 devices as of 2026-11-20T12:34:56Z"));
}

#[test]
fn table_is_at_most_a_hundred_columns_wide_whatever_the_names() {
    let mut head = example::head();
    head.totals.devices = u64::MAX;
    for counts in head.totals.authority.values_mut() {
        counts.values_mut().for_each(|devices| *devices = 1_000_000);
    }
    head.inputs.refused[0].file = "a".repeat(300);
    head.identity_conflicts[0].value = "b".repeat(300);
    let widest = printed(&head, false).lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(usize::from(WIDTH)), "{widest:?}");
}

#[test]
fn colour_adds_nothing_but_colour() {
    let (plain, coloured) = (printed(&example::head(), false), printed(&example::head(), true));
    assert!(!plain.contains('\u{1b}'));
    assert!(coloured.contains('\u{1b}'));
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&uncoloured(&coloured)), words(&plain));
}

#[test]
fn text_from_outside_cannot_drive_the_terminal() {
    let mut head = example::head();
    head.inputs.refused[0].reason = "found \u{1b}]0;owned\u{7}".to_owned();
    head.identity_conflicts[0].value = "\u{1b}[2J".to_owned();
    head.totals.os_versions.insert("\u{1b}[31m".into(), 1);
    let text = printed(&head, false);
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    assert!(section(&text, "Refused input").contains("found \\u{1b}]0;owned\\u{7}"));
}

#[test]
fn long_lists_show_twenty_lines_and_count_the_rest() {
    let mut head = example::head();
    let line = |number: u32| RefusedInput {
        file: "page.json".to_owned(),
        place: format!("value[{number}]"),
        reason: "missing field `id`".to_owned(),
    };
    head.inputs.refused = (0..25).map(line).collect();
    let conflict: IdentityConflict = head.identity_conflicts[0].clone();
    head.identity_conflicts = vec![conflict; 22];
    head.totals.identity_conflicts = 22;
    let text = printed(&head, false);
    let refused = section(&text, "Refused input");
    assert!(refused.starts_with("25 lines were refused; the rest was assessed\n"), "{refused}");
    assert!(refused.contains("value[19]") && !refused.contains("value[20]"), "{refused}");
    assert!(refused.ends_with("… and 5 lines more: see -o json"), "{refused}");
    assert!(section(&text, "Identity conflicts").ends_with("… and 2 lines more: see -o json"));
}

#[test]
fn table_of_an_empty_fleet_says_none() {
    let head = AssessmentHead {
        schema: crate::assess::model::SCHEMA.into(),
        as_of: example::as_of(),
        inputs: Default::default(),
        totals: Default::default(),
        tenant: Default::default(),
        hierarchies: Vec::new(),
        sites: Vec::new(),
        identity_conflicts: Vec::new(),
    };
    let text = printed(&head, false);
    assert!(text.starts_with("Assessment of 0 devices as of 2026-11-20T23:59:59Z\n"), "{text}");
    assert_eq!(section(&text, "States"), " none");
    assert_eq!(section(&text, "Blockers").lines().last(), Some(" none"));
    assert_eq!(section(&text, "Refused input"), " none");
}
