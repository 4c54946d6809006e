//! Who was given which role, where: a file of the operator's, read again when it changes.
//!
//! ```toml
//! [[assignment]]
//! who = ["group:8d5c1f2e-…", "sub:ada"]
//! role = "operator"
//! tenants = ["contoso"]
//! hierarchies = ["PS1"]
//! collections = ["hierarchies/PS1/collections/PS100014", "collections/pilot"]
//! ```
//!
//! As in Configuration Manager, an assignment is a role, limited to parts of the hierarchy and to collections; without either it holds in the
//! whole tenant. Several add up, with each other and with what the token itself says. A key that is unknown is an error, so that a limit that
//! is misspelt does not become none.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use serde::Deserialize;

use super::roles::Role;
use super::{FileError, named};
use crate::caller::MOST_SCOPE_BYTES;
use crate::failure::BoxError;
use crate::grant::{Grant, Scope, Tenants};
use crate::names;

/// What the file is to be, in errors.
const WHAT: &str = "assignments of roles";

/// What stands for every tenant.
pub(super) const EVERY_TENANT: &str = "*";

/// The claims by which an assignment knows somebody: the word before the colon.
const KINDS: [&str; 5] = ["sub", "oid", "group", "role", "client"];

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default, rename = "assignment")]
    assignments: Vec<Assignment>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Assignment {
    who: Vec<String>,
    role: String,
    tenants: Vec<String>,
    hierarchies: Option<BTreeSet<String>>,
    collections: Option<BTreeSet<String>>,
}

/// Assignments by who has them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Assignments(HashMap<String, Vec<Grant>>);

impl Assignments {
    /// Reads a file.
    pub(super) fn read(file: &Path) -> Result<Self, FileError> {
        let text = std::fs::read_to_string(file).map_err(|error| named(file, WHAT, error))?;
        Self::parse(&text).map_err(|error| named(file, WHAT, error))
    }

    fn parse(text: &str) -> Result<Self, BoxError> {
        let document: Document = toml::from_str(text)?;
        let mut by_who: HashMap<String, Vec<Grant>> = HashMap::new();
        for (at, assignment) in document.assignments.into_iter().enumerate() {
            let wrong = |why: String| format!("assignment {}: {why}", at + 1);
            let grant = grant(&assignment).map_err(wrong)?;
            if assignment.who.is_empty() {
                return Err(wrong("`who` is empty".to_owned()).into());
            }
            for who in assignment.who {
                check_who(&who).map_err(wrong)?;
                by_who.entry(who).or_default().push(grant.clone());
            }
        }
        Ok(Self(by_who))
    }

    /// What was given to somebody of whom those claims are known, each as the file names it.
    pub(super) fn of(&self, known: impl IntoIterator<Item = String>) -> Vec<Grant> {
        known.into_iter().filter_map(|who| self.0.get(&who)).flatten().cloned().collect()
    }
}

fn check_who(who: &str) -> Result<(), String> {
    match who.split_once(':') {
        Some((kind, value)) if KINDS.contains(&kind) && !value.is_empty() => Ok(()),
        _ => Err(format!("expected `KIND:VALUE` with a kind of {}, found `{who}`", KINDS.join(", "))),
    }
}

fn grant(assignment: &Assignment) -> Result<Grant, String> {
    let roles = Role::ALL.map(Role::name).join(", ");
    let role = Role::of_name(&assignment.role)
        .ok_or_else(|| format!("expected a role of {roles}, found `{}`", assignment.role))?;
    for (field, limit) in [("hierarchies", &assignment.hierarchies), ("collections", &assignment.collections)]
    {
        // Without the key there is no limit. A limit to nothing is a mistake, and must not become none.
        if limit.as_ref().is_some_and(BTreeSet::is_empty) {
            return Err(format!("`{field}` is empty: leave it out for all of them"));
        }
    }
    let scope = Scope {
        hierarchies: assignment.hierarchies.clone().unwrap_or_default(),
        collections: assignment.collections.clone().unwrap_or_default(),
    };
    check_scope(&scope)?;
    let tenants = match assignment.tenants.as_slice() {
        [] => return Err(format!("`tenants` is empty; `{EVERY_TENANT}` is every tenant")),
        [every] if every == EVERY_TENANT => Tenants::All,
        ids => {
            for id in ids {
                check("tenants", "{t}", id)?;
            }
            Tenants::Only(ids.iter().cloned().collect())
        }
    };
    Ok(Grant::new(role.permissions(), tenants, scope))
}

fn check_scope(scope: &Scope) -> Result<(), String> {
    let found = scope.bytes();
    if found > MOST_SCOPE_BYTES {
        return Err(format!(
            "expected names of hierarchies and collections of at most {MOST_SCOPE_BYTES} bytes, found {found}"
        ));
    }
    for id in &scope.hierarchies {
        check("hierarchies", "{h}", id)?;
    }
    for name in &scope.collections {
        let own = names::parse::<1>("collections", "collections/{c}", name);
        if own.is_err() {
            let patterns = "hierarchies/{h}/collections/{c}";
            names::parse::<2>("collections", patterns, name)
                .map_err(|failure| format!("{failure}, and it is no `collections/{{c}}` either"))?;
        }
    }
    Ok(())
}

fn check(field: &str, pattern: &str, id: &str) -> Result<(), String> {
    if id == EVERY_TENANT {
        return Err(format!("{field}: `{EVERY_TENANT}` stands alone"));
    }
    names::parse::<1>(field, pattern, id).map(drop).map_err(|failure| failure.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = r#"
        [[assignment]]
        who = ["group:g1", "sub:ada"]
        role = "operator"
        tenants = ["contoso"]
        hierarchies = ["PS1"]
        collections = ["hierarchies/PS1/collections/PS100014", "collections/pilot"]

        [[assignment]]
        who = ["sub:ada"]
        role = "reader"
        tenants = ["*"]
    "#;

    fn limited() -> Grant {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let scope = Scope {
            hierarchies: owned(&["PS1"]),
            collections: owned(&["collections/pilot", "hierarchies/PS1/collections/PS100014"]),
        };
        Grant::new(Role::Operator.permissions(), Tenants::Only(["contoso".to_owned()].into()), scope)
    }

    #[test]
    fn assignments_of_whoever_is_named_add_up() {
        let assignments = Assignments::parse(TWO).unwrap();
        let everywhere = Grant::new(Role::Reader.permissions(), Tenants::All, Scope::default());
        let of = |known: &[&str]| assignments.of(known.iter().map(|who| (*who).to_owned()));
        assert_eq!(of(&["sub:ada"]), [limited(), everywhere]);
        assert_eq!(of(&["sub:bob", "group:g1"]), [limited()]);
        assert_eq!(of(&["sub:g1", "group:ada", "ada"]), []);
    }

    #[test]
    fn file_that_is_not_understood_whole_is_refused() {
        let with = |line: &str| {
            let text = format!(
                "[[assignment]]\nwho = [\"sub:ada\"]\nrole = \"reader\"\ntenants = [\"contoso\"]\n{line}"
            );
            Assignments::parse(&text).unwrap_err().to_string()
        };
        assert!(with("hierarchy = [\"PS1\"]").contains("unknown field `hierarchy`"));
        assert_eq!(
            with("hierarchies = []"),
            "assignment 1: `hierarchies` is empty: leave it out for all of them"
        );
        assert!(with("hierarchies = [\"PS 1\"]").starts_with("assignment 1: hierarchies: expected `{h}`"));
        assert!(with("collections = [\"SMS00001\"]").starts_with("assignment 1: collections: expected"));
        for (text, why) in [
            ("who = []\nrole = \"reader\"\ntenants = [\"a\"]", "assignment 1: `who` is empty"),
            (
                "who = [\"ada\"]\nrole = \"reader\"\ntenants = [\"a\"]",
                "assignment 1: expected `KIND:VALUE` with a kind of sub, oid, group, role, client, found `ada`",
            ),
            (
                "who = [\"sub:a\"]\nrole = \"root\"\ntenants = [\"a\"]",
                "assignment 1: expected a role of reader, connector, operator, approver, auditor, full_administrator, \
                 found `root`",
            ),
            (
                "who = [\"sub:a\"]\nrole = \"reader\"\ntenants = []",
                "assignment 1: `tenants` is empty; `*` is every tenant",
            ),
            (
                "who = [\"sub:a\"]\nrole = \"reader\"\ntenants = [\"a\", \"*\"]",
                "assignment 1: tenants: `*` stands alone",
            ),
        ] {
            let error = Assignments::parse(&format!("[[assignment]]\n{text}")).unwrap_err();
            assert_eq!(error.to_string(), why);
        }
    }

    #[test]
    fn file_without_assignments_gives_nobody_anything() {
        assert_eq!(Assignments::parse("").unwrap(), Assignments::default());
    }
}
