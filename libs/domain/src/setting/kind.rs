//! The kinds of setting, and what governs each: `data/setting_kinds.csv`.

use std::fmt;
use std::sync::LazyLock;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::SettingException;
use crate::citation::Citation;
use crate::table;
use crate::workload::Workload;

static KINDS: LazyLock<Vec<SettingKind>> =
    LazyLock::new(|| table::rows(include_str!("../../data/setting_kinds.csv")));

/// What decides who holds a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GovernedBy {
    /// The slider of that workload.
    Workload(Workload),
    /// No workload: a feature that stays with Configuration Manager wherever the sliders stand.
    ConfigurationManager,
    /// The fact pack does not say.
    NotDocumented,
}

impl GovernedBy {
    /// The workload's id, `configuration_manager` or `not_documented`.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Workload(workload) => workload.id(),
            Self::ConfigurationManager => "configuration_manager",
            Self::NotDocumented => "not_documented",
        }
    }
}

impl fmt::Display for GovernedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// A kind of policy, feature or setting: a row of the table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SettingKind {
    /// Its stable name, such as `vpn_profile`.
    pub id: &'static str,
    /// Its name for people.
    pub display_name: &'static str,
    /// What decides who holds it.
    #[serde(deserialize_with = "governed_by")]
    pub governed_by: GovernedBy,
    /// What is documented to deviate, in the order in which answers list it.
    #[serde(deserialize_with = "exceptions")]
    pub exceptions: Vec<SettingException>,
    /// Where the fact pack says what governs it.
    #[serde(deserialize_with = "citation")]
    pub source: Citation,
    /// What else is to be known; our own readings are marked `[derived]`.
    pub note: Option<&'static str>,
}

/// A name that no kind of setting has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind of setting: expected one of {}, found {found:?}", expected())]
pub struct UnknownSettingKind {
    /// The name as given, cut to 80 characters.
    pub found: String,
}

/// Every kind, in the order of the table.
#[must_use]
pub fn setting_kinds() -> &'static [SettingKind] {
    &KINDS
}

/// What governs the kind of setting of that id, with its documented exceptions.
///
/// # Errors
/// [`UnknownSettingKind`], which lists the ids that exist.
pub fn resolve_setting(id: &str) -> Result<&'static SettingKind, UnknownSettingKind> {
    let known = KINDS.iter().find(|kind| kind.id == id);
    known.ok_or_else(|| UnknownSettingKind { found: id.chars().take(80).collect() })
}

fn expected() -> String {
    KINDS.iter().map(|kind| kind.id).collect::<Vec<_>>().join(", ")
}

fn governed_by<'de: 'static, D: Deserializer<'de>>(cell: D) -> Result<GovernedBy, D::Error> {
    let id = <&'static str>::deserialize(cell)?;
    let apart = [GovernedBy::ConfigurationManager, GovernedBy::NotDocumented];
    let mut all = Workload::ALL.into_iter().map(GovernedBy::Workload).chain(apart);
    all.find(|governed_by| governed_by.id() == id)
        .ok_or_else(|| D::Error::custom(format!("expected what governs, found {id:?}")))
}

/// Ids with spaces between them.
fn exceptions<'de: 'static, D: Deserializer<'de>>(cell: D) -> Result<Vec<SettingException>, D::Error> {
    let read = |id| {
        let known = SettingException::ALL.into_iter().find(|exception| exception.id() == id);
        known.ok_or_else(|| D::Error::custom(format!("expected an exception, found {id:?}")))
    };
    <&'static str>::deserialize(cell)?.split_whitespace().map(read).collect()
}

fn citation<'de: 'static, D: Deserializer<'de>>(cell: D) -> Result<Citation, D::Error> {
    let text = <&'static str>::deserialize(cell)?;
    Citation::parse(text)
        .ok_or_else(|| D::Error::custom(format!("expected a file and section, found {text:?}")))
}
