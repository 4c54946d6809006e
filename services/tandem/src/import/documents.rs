//! What operators' documents say together: several tenant facts files are one, and each hierarchy has one policy.
//!
//! Files add up field by field. Where two contradict each other, the first in name order counts and the other's word is
//! refused in a line that names both: nobody would see which of the two an answer came from.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tandem_connectors::{AsOf, Exports, Item, Kind, Refusal, Summary};
use tandem_domain::id::{HierarchyId, SiteCode};
use tandem_domain::policy::CoManagementPolicy;
use tandem_domain::site::SiteFacts;
use tandem_domain::tenant::TenantFacts;

/// What the documents of a folder say.
#[derive(Debug, Default)]
pub struct Documents {
    /// Of the tenant. `None`: no file.
    pub(super) facts: Option<TenantFacts>,
    /// When the exports were made.
    pub as_of: Option<AsOf>,
    /// Of sites.
    pub(super) sites: BTreeMap<(HierarchyId, SiteCode), SiteFacts>,
    /// The policy of each hierarchy that has a file.
    pub(super) policies: BTreeMap<HierarchyId, CoManagementPolicy>,
    refused: Vec<(Kind, Refusal)>,
}

impl Documents {
    /// Reads the documents, and no page to its end.
    #[must_use]
    pub fn read(exports: &Exports) -> Self {
        let (mut facts, mut policies) = (Vec::new(), Vec::new());
        let summary = exports.read(Timestamp::UNIX_EPOCH, &mut |item| match item {
            Item::TenantFile { facts: said, as_of, sites } => {
                facts.push((said, as_of, sites));
                ControlFlow::Continue(())
            }
            Item::Policy { hierarchy, policy } => {
                policies.push((hierarchy, policy));
                ControlFlow::Continue(())
            }
            Item::Site { .. } => ControlFlow::Continue(()),
            // Documents and sites come before everything else.
            _ => ControlFlow::Break(()),
        });
        let mut gathering = Gathering::default();
        for (file, (facts, as_of, sites)) in files(&summary, Kind::TenantFacts).zip(facts) {
            gathering.tenant_file(file, &facts, as_of, sites);
        }
        for (file, (hierarchy, policy)) in files(&summary, Kind::CoManagementPolicy).zip(policies) {
            gathering.policy(file, hierarchy, policy);
        }
        gathering.finish()
    }

    /// Enters what was refused into the account of the files.
    pub(super) fn account(self, summary: &mut Summary) {
        for (kind, refusal) in self.refused {
            if let Some(file) = summary.files.iter_mut().find(|file| file.file == refusal.file) {
                file.refused += 1;
                // A policy is taken or refused as a whole.
                file.records = if kind == Kind::CoManagementPolicy { 0 } else { file.records };
            }
            summary.refused.push(refusal);
        }
    }
}

/// The files of a kind that were understood, in the order in which their items came.
fn files(summary: &Summary, kind: Kind) -> impl Iterator<Item = &str> {
    let understood = summary.files.iter().filter(move |file| file.kind == kind && file.records > 0);
    understood.map(|file| file.file.as_str())
}

#[derive(Default)]
struct Gathering {
    tenant: Option<Gathered>,
    as_of: Option<(String, AsOf)>,
    sites: BTreeMap<(HierarchyId, SiteCode), Gathered>,
    policies: BTreeMap<HierarchyId, (String, CoManagementPolicy)>,
    refused: Vec<(Kind, Refusal)>,
}

/// Facts as an object, each with the file that said it first.
#[derive(Default)]
struct Gathered {
    said: Map<String, Value>,
    by: BTreeMap<String, String>,
}

impl Gathering {
    fn tenant_file(
        &mut self,
        file: &str,
        facts: &TenantFacts,
        as_of: Option<AsOf>,
        sites: Vec<(HierarchyId, SiteFacts)>,
    ) {
        if let Some(as_of) = as_of {
            self.as_of(file, as_of);
        }
        let refused = self.tenant.get_or_insert_default().add(file, "", object(facts));
        self.refuse(Kind::TenantFacts, refused);
        for (hierarchy, facts) in sites {
            let place = format!("sites.{hierarchy}/{}.", facts.site);
            let gathered = self.sites.entry((hierarchy, facts.site.clone())).or_default();
            let refused = gathered.add(file, &place, object(&facts));
            self.refuse(Kind::TenantFacts, refused);
        }
    }

    fn as_of(&mut self, file: &str, as_of: AsOf) {
        let (first, counts) = self.as_of.get_or_insert_with(|| (file.to_owned(), as_of));
        if *counts != as_of {
            let line = contradiction(file, "as_of".to_owned(), first, &moment(*counts), &moment(as_of));
            self.refused.push((Kind::TenantFacts, line));
        }
    }

    fn policy(&mut self, file: &str, hierarchy: HierarchyId, policy: CoManagementPolicy) {
        let reason = |first: &str| {
            format!("another co-management policy of hierarchy {hierarchy} than {first}, which counts")
        };
        match self.policies.get(&hierarchy) {
            None => {
                self.policies.insert(hierarchy, (file.to_owned(), policy));
            }
            Some((first, counts)) if *counts != policy => {
                let refusal =
                    Refusal { file: file.to_owned(), place: "name".to_owned(), reason: reason(first) };
                self.refused.push((Kind::CoManagementPolicy, refusal));
            }
            Some(_) => {}
        }
    }

    fn refuse(&mut self, kind: Kind, refused: Vec<Refusal>) {
        self.refused.extend(refused.into_iter().map(|refusal| (kind, refusal)));
    }

    fn finish(self) -> Documents {
        let sites = self.sites.into_iter().filter_map(|(name, gathered)| Some((name, gathered.facts()?)));
        Documents {
            facts: self.tenant.and_then(Gathered::facts),
            as_of: self.as_of.map(|(_, as_of)| as_of),
            sites: sites.collect(),
            policies: self.policies.into_iter().map(|(hierarchy, (_, policy))| (hierarchy, policy)).collect(),
            refused: self.refused,
        }
    }
}

impl Gathered {
    /// Adds what a file says. Answers what contradicts an earlier one; `place` is where the object lies in the file.
    fn add(&mut self, file: &str, place: &str, said: Map<String, Value>) -> Vec<Refusal> {
        let mut refused = Vec::new();
        for (field, value) in said {
            match (self.said.get_mut(&field), value) {
                (_, Value::Null) => {}
                // Maps of texts and attestations: each entry is a fact of its own.
                (Some(Value::Object(known)), Value::Object(more)) => {
                    for (key, value) in more {
                        let name = format!("{field}.{key}");
                        match known.get(&key) {
                            Some(counts) if *counts != value => {
                                let first = self.by.get(&name).map_or(file, String::as_str);
                                let (counts, value) = (counts.to_string(), value.to_string());
                                let place = format!("{place}{name}");
                                refused.push(contradiction(file, place, first, &counts, &value));
                            }
                            Some(_) => {}
                            None => {
                                known.insert(key, value);
                                self.by.insert(name, file.to_owned());
                            }
                        }
                    }
                }
                (Some(counts), value) if *counts != value => {
                    let first = self.by.get(&field).map_or(file, String::as_str);
                    let (counts, value) = (counts.to_string(), value.to_string());
                    refused.push(contradiction(file, format!("{place}{field}"), first, &counts, &value));
                }
                (Some(_), _) => {}
                (None, value) => {
                    let keys = value.as_object().into_iter().flat_map(Map::keys);
                    self.by.extend(keys.map(|key| (format!("{field}.{key}"), file.to_owned())));
                    self.by.insert(field.clone(), file.to_owned());
                    self.said.insert(field, value);
                }
            }
        }
        refused
    }

    fn facts<T: DeserializeOwned>(self) -> Option<T> {
        // Every value is one that the facts have written themselves.
        serde_json::from_value(Value::Object(self.said)).ok()
    }
}

fn object(facts: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(facts) {
        Ok(Value::Object(said)) => said,
        // Facts are structures of texts, numbers and maps with text keys.
        _ => Map::new(),
    }
}

fn contradiction(file: &str, place: String, first: &str, counts: &str, found: &str) -> Refusal {
    let reason = format!("contradicts {first}, which counts: expected {counts}; found {found}");
    Refusal { file: file.to_owned(), place, reason }
}

fn moment(as_of: AsOf) -> String {
    match as_of {
        AsOf::Day(day) => day.to_string(),
        AsOf::Instant(instant) => instant.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)]) -> (Documents, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let documents = Documents::read(&Exports::open(folder.path()).unwrap());
        let line = |refusal: &Refusal| format!("{}: {}: {}", refusal.file, refusal.place, refusal.reason);
        let lines = documents.refused.iter().map(|(_, refusal)| line(refusal)).collect();
        (documents, lines)
    }

    #[test]
    fn tenant_files_add_up_field_by_field() {
        let both = "
            as_of = 2026-11-20
            [tenant]
            entra_plan = \"p1\"
            mdm_authority = \"intune\"
            [authority_texts]
            \"AirWatch\" = \"third_party\"
            \"None\" = \"none\"
            [attestations.\"lic.configmgr_rights\"]
            attested = true
            by = \"erin\"
            at = 2026-10-01T09:00:00Z
            [[sites]]
            hierarchy = \"PS1\"
            site = \"PS1\"
            cmg_present = true
            entra_onboarded = false";
        let first = "
            as_of = 2026-11-20
            [tenant]
            entra_plan = \"p1\"
            [authority_texts]
            \"AirWatch\" = \"third_party\"
            [[sites]]
            hierarchy = \"PS1\"
            site = \"PS1\"
            cmg_present = true";
        let second = "
            [tenant]
            entra_plan = \"p1\"
            mdm_authority = \"intune\"
            [authority_texts]
            \"None\" = \"none\"
            [attestations.\"lic.configmgr_rights\"]
            attested = true
            by = \"erin\"
            at = 2026-10-01T09:00:00Z
            [[sites]]
            hierarchy = \"PS1\"
            site = \"PS1\"
            entra_onboarded = false";
        let (expected, _) = read(&[("tenant.toml", both)]);
        let (added, lines) = read(&[("a.toml", first), ("b.toml", second)]);
        assert_eq!(
            (added.facts, added.as_of, added.sites, lines),
            (expected.facts, expected.as_of, expected.sites, Vec::new())
        );
    }

    #[test]
    fn contradiction_names_both_files_and_the_first_counts() {
        let first = "
            as_of = 2026-11-20
            [tenant]
            entra_plan = \"p1\"
            [authority_texts]
            \"AirWatch\" = \"third_party\"
            [[sites]]
            hierarchy = \"PS1\"
            site = \"PS1\"
            cmg_present = true";
        let second = "
            as_of = 2026-11-21
            [tenant]
            entra_plan = \"p2\"
            intune_license_count = 7
            [authority_texts]
            \"AirWatch\" = \"none\"
            [[sites]]
            hierarchy = \"PS1\"
            site = \"PS1\"
            cmg_present = false";
        let with_licenses =
            first.replace("entra_plan = \"p1\"", "entra_plan = \"p1\"\nintune_license_count = 7");
        let (expected, _) = read(&[("tenant.toml", &with_licenses)]);
        let (added, lines) = read(&[("a.toml", first), ("b.toml", second)]);
        assert_eq!((added.facts, added.as_of, added.sites), (expected.facts, expected.as_of, expected.sites));
        let refused = [
            "b.toml: as_of: contradicts a.toml, which counts: expected 2026-11-20; found 2026-11-21",
            "b.toml: authority_texts.AirWatch: contradicts a.toml, which counts: expected \"third_party\"; found \"none\"",
            "b.toml: entra_plan: contradicts a.toml, which counts: expected \"p1\"; found \"p2\"",
            "b.toml: sites.PS1/PS1.cmg_present: contradicts a.toml, which counts: expected true; found false",
        ];
        assert_eq!(lines, refused);
    }

    #[test]
    fn policy_that_differs_from_an_earlier_one_of_its_hierarchy_is_refused() {
        let policy = |hierarchy: &str, enabled: bool| {
            format!("name = \"tenants/t/hierarchies/{hierarchy}/coManagementPolicy\"\nenabled = {enabled}\n")
        };
        let (documents, lines) = read(&[
            ("a.toml", &policy("PS1", true)),
            ("b.toml", &policy("PS1", true)),
            ("c.toml", &policy("EU1", false)),
            ("d.toml", &policy("PS1", false)),
        ]);
        let enabled: Vec<(&str, Option<bool>)> = documents
            .policies
            .iter()
            .map(|(hierarchy, policy)| (hierarchy.as_str(), policy.enabled))
            .collect();
        assert_eq!(enabled, [("EU1", Some(false)), ("PS1", Some(true))]);
        let refused =
            ["d.toml: name: another co-management policy of hierarchy PS1 than a.toml, which counts"];
        assert_eq!(lines, refused);
    }
}
