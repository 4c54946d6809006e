//! Which hierarchy a page of the AdminService belongs to.
//!
//! Pages of one provider host belong together. The host's hierarchy is the code of the top site among its `SMS_Site` records;
//! without a sites page it is the `SiteCode` that its records carry. Hosts with the same top site are one hierarchy.
//!
//! Record keys begin with the provider's site, because a ResourceID is unique only within a site (fact pack, admin_service.md
//! 6.1): two sites of one hierarchy may give it to two devices. See [`Evidence::provider`].

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use tandem_domain::id::SiteCode;
use tandem_domain::site::SiteFacts;

use crate::exports::Input;
use crate::page;
use crate::record;
use crate::records::SiteEvidence;

/// The top site of a host's sites page: the one without a site above it, or the only one.
pub(crate) fn top_site(sites: &[SiteFacts]) -> Option<&SiteCode> {
    match sites {
        [only] => Some(&only.site),
        sites => sites.iter().find(|site| site.parent.is_none()).map(|site| &site.site),
    }
}

/// How often records name a site as theirs.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    site_codes: BTreeMap<SiteCode, u32>,
    namespaces: BTreeMap<SiteCode, u32>,
    assigned: BTreeMap<SiteCode, u32>,
}

impl Evidence {
    /// Records of a page that are looked at. They name the same few sites over and over; reading a page of hundreds of
    /// megabytes twice to count them all would tell nothing more.
    const LOOKED_AT: u32 = 1000;

    /// Looks at the head of a page. What cannot be read tells nothing here; reading the page says why.
    pub(crate) fn gather(&mut self, input: &Input) {
        let mut left = Self::LOOKED_AT;
        let _ = page::read_records(&input.path, input.shape, &mut |_, raw| {
            if let Ok(said) = record::parse::<SiteEvidence>(raw) {
                for (counts, site) in [
                    (&mut self.site_codes, said.site_code()),
                    (&mut self.namespaces, said.namespace()),
                    (&mut self.assigned, said.assigned()),
                ] {
                    if let Some(site) = site {
                        *counts.entry(site).or_default() += 1;
                    }
                }
            }
            left -= 1;
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
    }

    /// The site that the records name: their `SiteCode`, if they agree on one. Where they name several (a provider at the top
    /// of several sites) or none, the wmi namespace, then the most frequent code, then the assigned site \[derived\].
    pub(crate) fn site(&self) -> Option<&SiteCode> {
        if let (1, Some(site)) = (self.site_codes.len(), self.site_codes.keys().next()) {
            return Some(site);
        }
        [&self.namespaces, &self.site_codes, &self.assigned].into_iter().find_map(most_frequent)
    }

    /// The site whose provider answered: the wmi namespace says it. Without one, a host that shares its hierarchy with others
    /// is taken for the provider of the one site that its records name \[derived\]. `None`: the top site's.
    pub(crate) fn provider(&self, shared: bool) -> Option<&SiteCode> {
        most_frequent(&self.namespaces).or_else(|| match self.site_codes.len() {
            1 if shared => self.site_codes.keys().next(),
            _ => None,
        })
    }
}

/// Of equally frequent ones, the first by name.
fn most_frequent(counts: &BTreeMap<SiteCode, u32>) -> Option<&SiteCode> {
    counts.iter().rev().max_by_key(|(_, count)| **count).map(|(site, _)| site)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> SiteCode {
        SiteCode::parse(text).unwrap()
    }

    fn site(own: &str, parent: Option<&str>) -> SiteFacts {
        SiteFacts { parent: parent.map(code), ..SiteFacts::unknown(code(own)) }
    }

    #[test]
    fn top_site_has_no_site_above_it_or_is_alone() {
        let pages = [
            vec![site("PS1", Some("CAS")), site("CAS", None), site("PS2", Some("CAS"))],
            vec![site("PS1", Some("CAS"))],
            vec![site("PS1", Some("CAS")), site("PS2", Some("CAS"))],
            vec![],
        ];
        let tops = pages.each_ref().map(|sites| top_site(sites).map(SiteCode::as_str));
        assert_eq!(tops, [Some("CAS"), Some("PS1"), None, None]);
    }

    #[test]
    fn records_of_several_sites_leave_the_word_to_the_namespace() {
        let mut evidence = Evidence::default();
        assert_eq!(evidence.site(), None);
        evidence.assigned.insert(code("PS9"), 1);
        assert_eq!(evidence.site(), Some(&code("PS9")));
        evidence.site_codes.extend([(code("PS1"), 5), (code("PS2"), 5), (code("PS3"), 1)]);
        assert_eq!(evidence.site(), Some(&code("PS1")));
        evidence.namespaces.insert(code("CAS"), 1);
        assert_eq!(evidence.site(), Some(&code("CAS")));
        evidence.site_codes = BTreeMap::from([(code("PS2"), 1)]);
        assert_eq!(evidence.site(), Some(&code("PS2")));
    }
}
