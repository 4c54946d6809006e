//! Who may do what on the way to co-management, and what somebody lacks: `data/actions.toml`, which names its sources.
//!
//! Name spaces of roles are never compared: a Global Administrator of the directory is none of a site.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use serde::Deserialize;

/// A role, `namespace:name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct RoleName(String);

/// The systems that give roles.
const NAMESPACES: [&str; 6] = ["ad", "azure", "configmgr", "entra", "graph", "intune"];
/// Longest role name.
const LONGEST_ROLE: usize = 128;

/// A text that is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a role is `namespace:name` with one of the name spaces ad, azure, configmgr, entra, graph and intune and a name of lower-case letters, digits and underscores, such as `configmgr:full_administrator`; found {found:?}"
)]
pub struct InvalidRole {
    found: String,
}

impl FromStr for RoleName {
    type Err = InvalidRole;

    fn from_str(text: &str) -> Result<Self, InvalidRole> {
        let named = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        match text.split_once(':') {
            Some((space, name))
                if text.len() <= LONGEST_ROLE && NAMESPACES.contains(&space) && named(name) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(InvalidRole { found: text.chars().take(80).collect() }),
        }
    }
}

impl TryFrom<String> for RoleName {
    type Error = InvalidRole;

    /// As the data writes it: also `namespace:*`, any role of a system.
    fn try_from(text: String) -> Result<Self, InvalidRole> {
        let any = text.strip_suffix(":*").is_some_and(|space| NAMESPACES.contains(&space));
        if any { Ok(Self(text)) } else { text.parse() }
    }
}

impl RoleName {
    fn stands_for(&self, wanted: &Self) -> bool {
        match wanted.0.strip_suffix('*') {
            Some(space) => self.0.starts_with(space),
            None => self == wanted,
        }
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.strip_suffix(":*") {
            Some(space) => write!(f, "any {space} role"),
            None => f.write_str(&self.0),
        }
    }
}

/// A role that somebody holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRole {
    /// Which.
    pub role: RoleName,
    /// It is given with the security scope All; `None`: nobody said. Of Configuration Manager's roles only.
    pub all_scopes: Option<bool>,
}

/// Whoever is about to act.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Actor {
    /// A user of the directory; `None`: nobody said.
    pub entra_user: Option<bool>,
    /// Every role that they hold; `None`: nobody said.
    pub roles: Option<Vec<HeldRole>>,
}

/// One thing that an act needs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Need {
    any_of: Vec<RoleName>,
    #[serde(default)]
    all_scopes: bool,
}

impl Need {
    fn text(&self) -> String {
        let roles: Vec<String> = self.any_of.iter().map(ToString::to_string).collect();
        let scope = if self.all_scopes { " with the security scope All" } else { "" };
        format!("{}{scope}", roles.join(" or "))
    }

    /// Whether the roles meet it; `None`: what is known does not decide.
    fn is_met(&self, roles: &[HeldRole]) -> Option<bool> {
        let held = roles.iter().filter(|held| self.any_of.iter().any(|wanted| held.role.stands_for(wanted)));
        if !self.all_scopes {
            return Some(held.count() > 0);
        }
        let mut undecided = false;
        for role in held {
            match role.all_scopes {
                Some(true) => return Some(true),
                Some(false) => {}
                None => undecided = true,
            }
        }
        if undecided { None } else { Some(false) }
    }
}

/// Something that somebody may be about to do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// Its name, such as `enable_co_management`.
    pub id: String,
    /// What is done.
    pub title: String,
    /// The rule of the catalogue that guards it, where one does.
    pub rule: Option<String>,
    /// Where the roles are published.
    pub source: String,
    /// What else is to be known about it.
    pub note: Option<String>,
    #[serde(default)]
    entra_user: bool,
    needs: Vec<Need>,
}

/// Whether somebody may do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// They hold everything that is needed.
    Allowed,
    /// They lack these parts, each for a reader.
    Lacking(Vec<String>),
    /// Nobody said enough about them.
    Unknown,
}

impl Action {
    /// What is needed, for a reader.
    #[must_use]
    pub fn needed(&self) -> String {
        self.parts().collect::<Vec<_>>().join("; ")
    }

    fn parts(&self) -> impl Iterator<Item = String> {
        let user = self.entra_user.then(|| USER.to_owned());
        user.into_iter().chain(self.needs.iter().map(Need::text))
    }

    /// Whether somebody may do it. A part that is known to be lacking decides, whatever else is not known.
    #[must_use]
    pub fn standing(&self, actor: &Actor) -> Standing {
        let user = self.entra_user.then(|| (USER.to_owned(), actor.entra_user));
        let roles = self.needs.iter().map(|need| {
            let met = actor.roles.as_ref().and_then(|roles| need.is_met(roles));
            (need.text(), met)
        });
        let parts: Vec<(String, Option<bool>)> = user.into_iter().chain(roles).collect();
        let lacking: Vec<String> =
            parts.iter().filter(|(_, met)| *met == Some(false)).map(|(text, _)| text.clone()).collect();
        match (lacking.is_empty(), parts.iter().all(|(_, met)| *met == Some(true))) {
            (false, _) => Standing::Lacking(lacking),
            (true, true) => Standing::Allowed,
            (true, false) => Standing::Unknown,
        }
    }
}

/// The part that no role gives.
const USER: &str = "a user of the directory";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "action")]
    actions: Vec<Action>,
}

static ACTIONS: LazyLock<Vec<Action>> = LazyLock::new(|| {
    let document: Document = toml::from_str(include_str!("../../data/actions.toml"))
        .expect("the embedded table of actions is well-formed: tested");
    document.actions
});

/// Every act of the table, in its order.
#[must_use]
pub fn actions() -> &'static [Action] {
    &ACTIONS
}

/// The act of that name.
#[must_use]
pub fn action(id: &str) -> Option<&'static Action> {
    ACTIONS.iter().find(|action| action.id == id)
}

/// The act that a rule of the catalogue guards.
#[must_use]
pub fn guarded_by(rule_id: &str) -> Option<&'static Action> {
    ACTIONS.iter().find(|action| action.rule.as_deref() == Some(rule_id))
}
