//! Tenant facts: what no export carries, written by an operator in TOML or JSON. Unknown keys are refused, because a misspelt
//! fact would silently stay unknown.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use tandem_domain::configmgr;
use tandem_domain::facts::MdmProvider;
use tandem_domain::id::{HierarchyId, SiteCode};
use tandem_domain::prerequisites::attestable_rules;
use tandem_domain::site::{ClientAuth, SiteFacts};
use tandem_domain::tenant::{Attestation, TenantFacts, unless_unknown};

use crate::document::{Node, Wrong, in_order, read_past_errors, toml_fault};
use crate::item::AsOf;
use crate::record::{self, Fault, Format, reason_in};
use crate::value;

/// A tenant facts file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TenantFile {
    pub(crate) facts: TenantFacts,
    pub(crate) as_of: Option<AsOf>,
    pub(crate) sites: Vec<(HierarchyId, SiteFacts)>,
}

/// Reads the TOML form.
///
/// # Errors
/// Line, column and reason of everything that is wrong.
pub(crate) fn from_toml(text: &str) -> Result<TenantFile, Vec<Fault>> {
    let read = toml::from_str::<Document>(text).map(TenantFile::from);
    read.map_err(|error| all_faults(Format::Toml, Node::of_toml(text), toml_fault(text, &error)))
}

/// Reads the JSON form.
///
/// # Errors
/// Path and reason of everything that is wrong.
pub(crate) fn from_json(text: &str) -> Result<TenantFile, Vec<Fault>> {
    let read = record::parse::<Document>(text).map(TenantFile::from);
    read.map_err(|first| all_faults(Format::Json, Node::of_json(text), first))
}

/// Everything that is wrong; the first fault alone, where the document can be read no further.
fn all_faults(format: Format, document: Option<Node>, first: Fault) -> Vec<Fault> {
    let faults = document.map(|document| read_past_errors(document, |value| read(format, value)).faults);
    faults.filter(|faults| !faults.is_empty()).map_or_else(|| vec![first], in_order)
}

fn read(format: Format, value: serde_json::Value) -> Result<Document, Wrong> {
    let read = serde_path_to_error::deserialize(value);
    read.map_err(|error: serde_path_to_error::Error<serde_json::Error>| {
        Wrong::new(error.path(), reason_in(format, error.inner()))
    })
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "tenant facts")]
struct Document {
    as_of: Option<AsOf>,
    tenant: TenantFacts,
    authority_texts: BTreeMap<String, Provider>,
    attestations: BTreeMap<AttestedRule, AttestationEntry>,
    sites: Vec<SiteEntry>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, expecting = "an attestation: a table or object of attested, by, at")]
struct AttestationEntry {
    attested: bool,
    by: String,
    at: Instant,
    #[serde(default)]
    expires: Option<Instant>,
}

/// [`SiteFacts`] with their hierarchy: a flattened structure could not refuse unknown keys.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, expecting = "a site: a table or object of hierarchy, site")]
struct SiteEntry {
    hierarchy: HierarchyId,
    site: SiteCode,
    #[serde(default)]
    parent: Option<SiteCode>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default, deserialize_with = "site_version")]
    version: Option<String>,
    #[serde(default)]
    entra_onboarded: Option<bool>,
    #[serde(default)]
    cmg_present: Option<bool>,
    #[serde(default)]
    enhanced_http_or_https: Option<bool>,
    #[serde(default)]
    mp_accepts_cmg: Option<bool>,
    #[serde(default)]
    client_setting_register_entra: Option<bool>,
    #[serde(default)]
    client_setting_software_updates: Option<bool>,
    #[serde(default)]
    ccmsetup_command_line: Option<String>,
    #[serde(default, deserialize_with = "unless_unknown")]
    client_auth: Option<ClientAuth>,
}

impl From<Document> for TenantFile {
    fn from(document: Document) -> Self {
        let mut facts = document.tenant;
        let texts = document.authority_texts.into_iter();
        facts.authority_texts.extend(texts.filter_map(|(text, provider)| Some((text, provider.0?))));
        let attestations = document.attestations.into_iter();
        facts.attestations.extend(attestations.map(|(rule, said)| (rule.0, said.into())));
        let sites = document.sites.into_iter().map(<(HierarchyId, SiteFacts)>::from).collect();
        Self { facts, as_of: document.as_of, sites }
    }
}

impl From<AttestationEntry> for Attestation {
    fn from(said: AttestationEntry) -> Self {
        let expires = said.expires.map(|instant| instant.0);
        Self { attested: said.attested, by: said.by, at: said.at.0, expires }
    }
}

impl From<SiteEntry> for (HierarchyId, SiteFacts) {
    fn from(said: SiteEntry) -> Self {
        let facts = SiteFacts {
            site: said.site,
            parent: said.parent,
            name: said.name,
            version: said.version,
            entra_onboarded: said.entra_onboarded,
            cmg_present: said.cmg_present,
            enhanced_http_or_https: said.enhanced_http_or_https,
            mp_accepts_cmg: said.mp_accepts_cmg,
            client_setting_register_entra: said.client_setting_register_entra,
            client_setting_software_updates: said.client_setting_software_updates,
            ccmsetup_command_line: said.ccmsetup_command_line,
            client_auth: said.client_auth,
        };
        (said.hierarchy, facts)
    }
}

/// What an `Authority` text means; `unknown` is as good as not listed.
#[derive(Debug, serde::Deserialize)]
struct Provider(#[serde(deserialize_with = "unless_unknown")] Option<MdmProvider>);

/// The id of a rule that an operator's word decides. A misspelt one would attest nothing in silence.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct AttestedRule(String);

impl<'de> Deserialize<'de> for AttestedRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = String::deserialize(deserializer)?;
        if attestable_rules().any(|rule| rule.id == id) {
            return Ok(Self(id));
        }
        let ids: Vec<&str> = attestable_rules().map(|rule| rule.id).collect();
        let (found, ids) = (value::shown(&id), ids.join(", "));
        Err(D::Error::custom(format!("expected a rule that is attested ({ids}); found {found:?}")))
    }
}

/// A version of the site, in one of its two spellings.
fn site_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let said: Option<String> = unless_unknown(deserializer)?;
    match said {
        Some(text) if configmgr::era(&text).is_none() => {
            const SHAPE: &str = "a site version such as 2509 or a build such as 5.00.9141.1000";
            Err(D::Error::custom(format!("expected {SHAPE}; found {:?}", value::shown(&text))))
        }
        said => Ok(said),
    }
}

/// A moment; a date alone is its first second, UTC.
#[derive(Debug)]
struct Instant(Timestamp);

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = DateText::deserialize(deserializer)?.0;
        instant(&text).map(Self).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for AsOf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const DATE_LENGTH: usize = "2026-11-20".len();
        let text = DateText::deserialize(deserializer)?.0;
        if text.len() == DATE_LENGTH
            && let Ok(day) = text.parse::<Date>()
        {
            return Ok(Self::Day(day));
        }
        instant(&text).map(Self::Instant).map_err(D::Error::custom)
    }
}

fn instant(text: &str) -> Result<Timestamp, String> {
    const SHAPE: &str = "a date such as 2026-11-20 or 2026-11-20T05:12:09Z";
    value::moment(text)
        .ok()
        .flatten()
        .ok_or_else(|| format!("expected {SHAPE}; found {:?}", value::shown(text)))
}

/// A date's text: a string, or TOML's own type of dates, which `toml` presents as a map of one member.
struct DateText(String);

impl<'de> Deserialize<'de> for DateText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DateVisitor;

        impl<'de> Visitor<'de> for DateVisitor {
            type Value = DateText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a date")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<DateText, E> {
                Ok(DateText(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DateText, A::Error> {
                const TOML_DATE: &str = "$__toml_private_datetime";
                if map.next_key::<String>()?.is_none_or(|key| key != TOML_DATE) {
                    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                    return Err(A::Error::custom("expected a date; found a table or object"));
                }
                map.next_value().map(DateText)
            }
        }

        deserializer.deserialize_any(DateVisitor)
    }
}

#[cfg(test)]
mod tests;
