use std::io;

use super::chart::Ink;
use super::*;
use crate::assess::example;

fn page(head: &AssessmentHead, devices: &[DeviceAssessment]) -> String {
    let page = page::Page::new(head, devices, "").expect("figures are JSON");
    page.render().expect("the template renders")
}

fn example_page() -> String {
    page(&example::head(), &example::devices())
}

/// Every value of an attribute, in order.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let marker = format!(" {name}=\"");
    page.split(marker.as_str())
        .skip(1)
        .filter_map(|rest| rest.split_once('"'))
        .map(|(value, _)| value)
        .collect()
}

#[test]
fn page_with_hostile_device_names_has_only_its_own_scripts() {
    let page = example_page();
    assert_eq!(page.matches("<script").count(), page.matches("</script>").count());
    // One per chart, the library and the page's own.
    assert_eq!(page.matches("<script").count(), page.matches("data-figure=").count() + 2);
    assert!(
        page.contains("&#60;/script&#62;&#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62;"),
        "the name is shown as text"
    );
    assert!(!page.contains('\u{202e}') && !page.contains('\u{1b}'), "invisible characters are spelt out");
}

#[test]
fn page_with_hostile_chart_labels_keeps_them_inside_their_json() {
    let attack = "</script><img src=x onerror=alert(1)>";
    let mut head = example::head();
    head.totals.os_versions.insert(attack.into(), 3);
    head.totals.states.insert(attack.into(), 4);
    head.totals.blockers[0].rule = attack.into();
    head.totals.blockers[0].remediation = attack.into();
    head.inputs.refused[0].reason = attack.to_owned();
    head.identity_conflicts[0].value = attack.to_owned();
    head.sites[0].site = attack.to_owned();
    head.totals.enrollment_errors[0].code = attack.to_owned();
    let page = page(&head, &example::devices());
    assert!(!page.contains("<img"), "a label became an element");
    // In a figure both escapings hold: plotly sees text, the browser sees no tag.
    assert!(page.contains(r"\u0026lt;/script\u0026gt;\u0026lt;img src=x onerror=alert(1)\u0026gt;"));
    for figure in page.split("type=\"application/json\"").skip(1) {
        let (_, json) = figure.split_once('>').expect("the element opens");
        let (json, _) = json.split_once("</script>").expect("the element ends");
        serde_json::from_str::<serde_json::Value>(json).expect("a figure is whole JSON");
    }
}

#[test]
fn page_without_its_library_names_no_other_host() {
    let page = example_page();
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("url("));
    assert_eq!(attributes(&page, "src"), Vec::<&str>::new());
    assert!(attributes(&page, "href").iter().all(|target| target.starts_with('#') || *target == "data:,"));
}

#[test]
fn page_forbids_every_foreign_source() {
    assert_eq!(
        attributes(&example_page(), "content")[1],
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    );
}

#[test]
fn page_links_lead_to_places_that_exist_once() {
    let page = example_page();
    let ids = attributes(&page, "id");
    let mut distinct = ids.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), ids.len(), "an id stands twice");
    for target in attributes(&page, "href").iter().filter_map(|target| target.strip_prefix('#')) {
        assert!(ids.contains(&target), "nothing is called {target}");
    }
}

#[test]
fn every_chart_is_followed_by_a_table_with_caption_and_scopes() {
    let page = example_page();
    let charts: Vec<&str> = page.split("<figure>").skip(1).collect();
    assert_eq!(charts.len(), 8);
    for chart in charts {
        let (_, after) = chart.split_once("</figure>").expect("the figure ends");
        let (before_next, _) = after.split_once("</div>").expect("the block ends");
        assert!(before_next.contains("<caption>") && before_next.contains("scope=\"row\""), "{before_next}");
    }
    assert!(!page.contains("<th>"), "a heading without scope");
}

#[test]
fn page_lists_at_most_its_rows_and_names_the_rest() {
    let devices = vec![example::device("OSL-LT-0417"); DEVICE_ROWS + 1];
    let mut head = example::head();
    head.totals.devices = 1_000_000;
    let page = page(&head, &devices);
    assert_eq!(page.matches("<bdi>").count(), DEVICE_ROWS);
    assert!(page.contains("2,000 of 1,000,000 devices, by name."));
    assert!(page.contains("998,000 more are in the JSON output, which lists every device."));
}

#[test]
fn page_lists_devices_by_name_whatever_its_case_and_those_without_one_last() {
    let mut nameless = example::device("");
    nameless.name = None;
    let devices = [nameless, example::device("b"), example::device("C"), example::device("A")];
    let page = page(&example::head(), &devices);
    let names: Vec<&str> = page
        .split("<bdi>")
        .skip(1)
        .filter_map(|rest| rest.split_once("</bdi>"))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["A", "b", "C", "(no name)"]);
}

#[test]
fn squares_of_a_device_are_numbered_and_every_number_has_its_workload() {
    let page = example_page();
    let (_, legend) = page.split_once("class=\"legend numbered\"").expect("the legend is there");
    let (legend, _) = legend.split_once("</ol>").expect("the legend ends");
    let named: Vec<&str> = legend
        .split("<li>")
        .skip(1)
        .filter_map(|rest| rest.split_once("</li>"))
        .map(|(name, _)| name)
        .collect();
    let names = tandem_domain::workload::Workload::ALL.map(tandem_domain::workload::Workload::display_name);
    assert_eq!(named, names);
    let (_, strip) = page.split_once("class=\"strip\"").expect("a device has squares");
    let (strip, _) = strip.split_once("</span>").expect("the squares end");
    let numbers: Vec<&str> =
        strip.split("</i>").filter_map(|square| square.rsplit_once('>')).map(|(_, number)| number).collect();
    assert_eq!(numbers, ["1", "2", "3", "4", "5", "6", "7"]);
}

#[test]
fn identity_conflict_shows_names_where_there_are_any() {
    let page = example_page();
    let (_, conflicts) = page.split_once("id=\"identity\"").expect("the chapter is there");
    let (conflicts, _) = conflicts.split_once("</section>").expect("the chapter ends");
    for shown in [
        ">OSL-LT-0417<",
        ">BGO-DT-0031, configmgr/PS1 PS1/16777301<",
        ">tenants/default/devices/91aa<",
        ">configmgr/EU1 EU1/16777219<",
    ] {
        assert!(conflicts.contains(shown), "{shown}: {conflicts}");
    }
}

#[test]
fn blocker_shows_what_its_rule_asks_for_beside_its_remedy() {
    let page = example_page();
    let (_, blockers) = page.split_once("id=\"blockers\"").expect("the chapter is there");
    let (blockers, _) = blockers.split_once("</section>").expect("the chapter ends");
    for rule in &example::head().totals.blockers {
        let rule =
            tandem_domain::prerequisites::rule(&rule.rule).expect("the catalogue has the example's rules");
        let condition = rule.condition.replace('<', "&#60;").replace('>', "&#62;").replace('\'', "&#39;");
        assert!(blockers.contains(&format!("<dt>Satisfied when</dt> <dd>{condition}</dd>")), "{}", rule.id);
    }
}

#[test]
fn style_keeps_the_layout_of_narrow_screens_off_paper() {
    let style = include_str!("../../../templates/assessment/style.css");
    let conditions: Vec<&str> =
        style.lines().filter(|line| line.contains("max-width: ") && line.starts_with("@media")).collect();
    assert_eq!(
        conditions,
        ["@media screen and (max-width: 1000px) {", "@media screen and (max-width: 760px) {"]
    );
}

#[test]
fn page_of_an_empty_fleet_says_so_without_charts() {
    let head = AssessmentHead {
        schema: super::super::model::SCHEMA.into(),
        as_of: example::as_of(),
        inputs: Default::default(),
        totals: Default::default(),
        tenant: Default::default(),
        hierarchies: Vec::new(),
        sites: Vec::new(),
        identity_conflicts: Vec::new(),
    };
    let page = page(&head, &[]);
    assert!(page.contains("Co-management of 0 devices") && page.contains("No devices."));
    // The funnel and the workloads always have their rows.
    assert_eq!(page.matches("<figure>").count(), 2);
    assert!(!page.contains("NaN"));
}

#[test]
fn write_page_embeds_the_chart_library_once() {
    let mut out = Vec::new();
    write_page(&mut out, &example::head(), &example::devices()).expect("a vector takes everything");
    let page = String::from_utf8(out).expect("a page is UTF-8");
    assert_eq!(page.matches("* plotly.js v").count(), 1);
    assert!(page.ends_with("</html>"), "{}", &page[page.len() - 40..]);
}

#[test]
fn write_page_reports_an_output_that_takes_no_more() {
    let mut little = [0_u8; 64];
    let error = write_page(&mut little[..], &example::head(), &[]).expect_err("64 bytes are too few");
    assert_eq!(error.kind(), io::ErrorKind::WriteZero);
}

#[test]
fn swatches_of_the_style_sheet_have_the_colours_of_the_bars() {
    let style = include_str!("../../../templates/assessment/style.css");
    for ink in Ink::ALL {
        assert!(style.contains(&format!("--{}: {};", ink.class(), ink.colour())), "{ink:?}");
    }
}
