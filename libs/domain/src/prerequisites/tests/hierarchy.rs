//! The sites of a hierarchy together.

use proptest::prelude::*;

use super::cases::{as_of, good_policy, good_site, good_tenant, satisfied, unknown, unsatisfied};
use crate::id::SiteCode;
use crate::prerequisites::{
    Finding, HierarchyReport, Path, SiteRule, Verdict, WorstFinding, evaluate_hierarchy, evaluate_site, rule,
};
use crate::site::SiteFacts;

fn code(code: &str) -> SiteCode {
    SiteCode::parse(code).unwrap()
}

fn site(site: &str, spoil: impl FnOnce(&mut SiteFacts)) -> SiteFacts {
    let mut facts = SiteFacts { site: code(site), ..good_site() };
    spoil(&mut facts);
    facts
}

fn judged(sites: &[SiteFacts]) -> HierarchyReport {
    evaluate_hierarchy(sites.iter(), Some(&good_policy()), &good_tenant(), Path::Path1, as_of())
}

fn of<'a>(report: &'a HierarchyReport, rule: &str) -> &'a WorstFinding {
    report.findings.iter().find(|worst| worst.finding.rule.id == rule).unwrap()
}

#[test]
fn worst_site_of_each_rule_is_shown_and_named() {
    let old = |site: &mut SiteFacts| site.version = Some("2403".to_owned());
    let silent = |site: &mut SiteFacts| site.version = None;
    let report = judged(&[site("AAA", |_| ()), site("BBB", silent), site("CCC", old), site("DDD", old)]);
    let expected = WorstFinding {
        finding: Finding::new(
            rule("cm.supported_version").unwrap(),
            unsatisfied("a site version in support", "2403, support ended on 2025-10-22"),
        ),
        sites: vec![code("CCC"), code("DDD")],
    };
    assert_eq!(*of(&report, "cm.supported_version"), expected);
    let good = WorstFinding {
        finding: Finding::new(rule("cm.co_management_enabled").unwrap(), satisfied()),
        sites: ["AAA", "BBB", "CCC", "DDD"].map(code).into(),
    };
    assert_eq!(*of(&report, "cm.co_management_enabled"), good);
    assert_eq!(report.verdict, Verdict::Blocked);
    use Verdict::{Blocked, Ready, Unknown};
    let verdicts = [("AAA", Ready), ("BBB", Unknown), ("CCC", Blocked), ("DDD", Blocked)];
    assert_eq!(report.sites, verdicts.map(|(site, verdict)| (code(site), verdict)));
    let without_the_old = judged(&[site("BBB", silent), site("AAA", |_| ())]);
    assert_eq!(of(&without_the_old, "cm.supported_version").finding.outcome, unknown(&["site.version"]));
    assert_eq!(without_the_old.verdict, Verdict::Unknown);
}

#[test]
fn hierarchy_of_which_no_site_is_known_is_unknown() {
    let report = judged(&[]);
    assert_eq!((report.verdict, report.findings, report.sites), (Verdict::Unknown, vec![], vec![]));
}

proptest! {
    /// The verdict is that of the worst site, whichever rules the sites fail.
    #[test]
    fn verdict_is_the_worst_of_the_sites(spoiled in prop::collection::vec(prop::array::uniform4(any::<Option<bool>>()), 1..6)) {
        let sites: Vec<SiteFacts> = spoiled.iter().enumerate().map(|(at, flags)| site(&format!("S{at:02}"), |site| {
            [site.entra_onboarded, site.cmg_present, site.enhanced_http_or_https, site.client_setting_register_entra] = *flags;
        })).collect();
        for path in Path::ALL {
            let report = evaluate_hierarchy(sites.iter(), Some(&good_policy()), &good_tenant(), path, as_of());
            let verdict = |site| evaluate_site(site, Some(&good_policy()), &good_tenant(), path, as_of()).verdict();
            let order = [Verdict::Blocked, Verdict::Unknown, Verdict::Ready, Verdict::NotApplicable];
            let worst = order.into_iter().find(|of| sites.iter().any(|site| verdict(site) == *of));
            prop_assert_eq!(Some(report.verdict), worst);
            prop_assert_eq!(report.findings.len(), SiteRule::on(path).len());
        }
    }
}
