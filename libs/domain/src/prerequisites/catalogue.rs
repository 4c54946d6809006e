//! The catalogue: rules, facts and non-requirements as the fact pack writes them.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// A way into co-management, or beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Path {
    /// An existing Configuration Manager client is enrolled into Intune.
    Path1,
    /// An internet-based device is in Intune first and receives the client.
    Path2,
    /// Autopilot into co-management, by an Intune co-management settings policy.
    Autopilot,
    /// Configuration Manager beside a third-party MDM.
    Coexistence,
    /// Optional profile: Windows Autopatch shall take the device.
    Autopatch,
}

impl Path {
    /// All five, in the order of the fact pack.
    pub const ALL: [Self; 5] =
        [Self::Path1, Self::Path2, Self::Autopilot, Self::Coexistence, Self::Autopatch];

    /// Position in [`Self::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The fact pack's id.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Path1 => "path1",
            Self::Path2 => "path2",
            Self::Autopilot => "autopilot",
            Self::Coexistence => "coexistence",
            Self::Autopatch => "autopatch",
        }
    }

    /// The path of that id.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|path| path.id() == id)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// What a rule speaks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The tenant as a whole.
    Tenant,
    /// One Configuration Manager site.
    Site,
    /// One device.
    Device,
    /// One person; not evaluated here.
    User,
    /// Something that somebody is about to do; not evaluated here.
    Action,
}

impl Scope {
    /// The fact pack's id.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Site => "site",
            Self::Device => "device",
            Self::User => "user",
            Self::Action => "action",
        }
    }
}

/// What an unsatisfied rule means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The path does not work.
    Blocking,
    /// The path works; something beside it may not.
    Warning,
}

impl Severity {
    /// The fact pack's id.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Blocking => "blocking",
            Self::Warning => "warning",
        }
    }
}

/// The part of the field that a rule belongs to: who has to mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// Licences.
    Licensing,
    /// The site and its client.
    ConfigurationManager,
    /// The directory.
    EntraId,
    /// Intune.
    Intune,
    /// The operating system.
    Windows,
    /// Roles of whoever acts.
    Permissions,
}

impl Area {
    /// The fact pack's id.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Licensing => "licensing",
            Self::ConfigurationManager => "configuration_manager",
            Self::EntraId => "entra_id",
            Self::Intune => "intune",
            Self::Windows => "windows",
            Self::Permissions => "permissions",
        }
    }
}

/// One prerequisite, as the fact pack writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its name, such as `entra.joined`.
    pub id: &'static str,
    /// Who has to mend it.
    pub area: Area,
    /// What it speaks about.
    pub scope: Scope,
    /// The paths that need it.
    pub paths: &'static [Path],
    /// What failing it means.
    pub severity: Severity,
    /// When it is satisfied, for a reader.
    pub condition: &'static str,
    /// The ids of the facts that decide it.
    pub facts: &'static [&'static str],
    /// What mends it.
    pub remediation: &'static str,
    /// No exported data decides it: an operator's word does.
    pub attestation: bool,
    /// Where the rule comes from.
    pub source: &'static str,
    /// What else is to be known about it.
    pub note: Option<&'static str>,
    /// The act that it guards; rules of scope action only.
    pub action: Option<&'static str>,
    /// Its version: the day of the catalogue, such as `2026-11-22`.
    pub version: &'static str,
}

impl Rule {
    /// Whether the path needs it.
    #[must_use]
    pub fn is_on(&self, path: Path) -> bool {
        self.paths.contains(&path)
    }
}

/// A fact that rules name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactDefinition {
    /// Its name, such as `device.join_type`.
    pub id: String,
    /// Its shape, for a reader.
    #[serde(rename = "type")]
    pub shape: String,
    /// Who says it.
    pub origin: String,
}

/// Something that is often asked for and must never be reported as missing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NonRequirement {
    /// Its name.
    pub id: String,
    /// What is not needed, and when.
    pub statement: String,
    /// Who says so.
    pub source: String,
}

/// The file's layout.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema_version: u32,
    as_of: toml::value::Datetime,
    #[serde(rename = "fact")]
    facts: Vec<FactDefinition>,
    #[serde(rename = "rule")]
    rules: Vec<WrittenRule>,
    #[serde(rename = "non_requirement")]
    non_requirements: Vec<NonRequirement>,
}

/// A rule as it stands in the file; the members are those of [`Rule`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    id: String,
    area: Area,
    scope: Scope,
    paths: Vec<Path>,
    severity: Severity,
    condition: String,
    facts: Vec<String>,
    remediation: String,
    #[serde(default)]
    attestation: bool,
    source: String,
    note: Option<String>,
    action: Option<String>,
}

impl WrittenRule {
    /// Texts are leaked: the catalogue is read once and lives as long as the process, and findings of a hundred thousand
    /// devices then point to it for nothing.
    fn read(self, version: &'static str) -> Rule {
        let leak = |text: String| -> &'static str { text.leak() };
        Rule {
            id: leak(self.id),
            area: self.area,
            scope: self.scope,
            paths: self.paths.leak(),
            severity: self.severity,
            condition: leak(self.condition),
            facts: self.facts.into_iter().map(leak).collect::<Vec<_>>().leak(),
            remediation: leak(self.remediation),
            attestation: self.attestation,
            source: leak(self.source),
            note: self.note.map(leak),
            action: self.action.map(leak),
            version,
        }
    }
}

struct Catalogue {
    facts: Vec<FactDefinition>,
    rules: Vec<Rule>,
    non_requirements: Vec<NonRequirement>,
}

/// The only layout of the file that this reader knows.
const SCHEMA_VERSION: u32 = 1;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let document: Document = toml::from_str(include_str!("../../data/prerequisites.toml"))
        .expect("the embedded catalogue is well-formed: tested");
    assert_eq!(
        document.schema_version, SCHEMA_VERSION,
        "the embedded catalogue has the known layout: tested"
    );
    let version: &'static str = document.as_of.to_string().leak();
    Catalogue {
        facts: document.facts,
        rules: document.rules.into_iter().map(|written| written.read(version)).collect(),
        non_requirements: document.non_requirements,
    }
});

static BY_ID: LazyLock<HashMap<&'static str, &'static Rule>> =
    LazyLock::new(|| CATALOGUE.rules.iter().map(|rule| (rule.id, rule)).collect());

/// Every rule, in the order of the fact pack; also those of scope user and action.
#[must_use]
pub fn catalogue() -> &'static [Rule] {
    &CATALOGUE.rules
}

/// The rule of that id.
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    BY_ID.get(id).copied()
}

/// Every fact that rules name.
#[must_use]
pub fn fact_definitions() -> &'static [FactDefinition] {
    &CATALOGUE.facts
}

/// What must never be reported as missing.
#[must_use]
pub fn non_requirements() -> &'static [NonRequirement] {
    &CATALOGUE.non_requirements
}
