//! Which devices: the conditions on what a device is. Names of collections are the caller's to read: who is in them is asked of
//! whoever keeps the members.

use tandem_domain::filter::DeviceFilter;
use tandem_domain::id::{HierarchyId, InvalidId, SiteCode};
use tandem_domain::section::Source;
use tandem_domain::state::ManagementState;

use super::field::invalid_id;
use super::{Enumerated, Violation, Violations, enum_optional};
use crate::r#type::v1;

/// Most values of a list of names.
const MOST_NAMES: usize = 100;

/// Most values of the lists of words: as many as there are.
const MOST_STATES: usize = ManagementState::ALL.len();
const MOST_JOIN_TYPES: usize = 4;
const MOST_OS_KINDS: usize = 3;

/// Longest text that names are searched for, in characters.
const LONGEST_SEARCH: usize = 256;

/// The conditions of a message, but for its collections, of which only the number is checked.
///
/// # Errors
/// Every field that breaks its documented shape.
pub fn from_proto(message: &v1::DeviceFilter) -> Result<DeviceFilter, Vec<Violation>> {
    let mut violations = Violations::new();
    let counts = [
        ("states", message.states.len(), MOST_STATES),
        ("hierarchies", message.hierarchies.len(), MOST_NAMES),
        ("sites", message.sites.len(), MOST_NAMES),
        ("collections", message.collections.len(), MOST_NAMES),
        ("sources", message.sources.len(), MOST_NAMES),
        ("join_types", message.join_types.len(), MOST_JOIN_TYPES),
        ("os_kinds", message.os_kinds.len(), MOST_OS_KINDS),
    ];
    for (field, found, most) in counts {
        if found > most {
            violations.add(field, format!("must have at most {most} values; found {found}"));
        }
    }
    violations.at_most("display_name_contains", &message.display_name_contains, LONGEST_SEARCH);
    let states = words(&mut violations, "states", first(&message.states, MOST_STATES));
    let filter = DeviceFilter {
        // The unspecified state stands for any.
        states: states.into_iter().collect::<Option<Vec<_>>>().unwrap_or_default(),
        hierarchies: names(
            &mut violations,
            "hierarchies",
            first(&message.hierarchies, MOST_NAMES),
            HierarchyId::parse,
        ),
        sites: names(&mut violations, "sites", first(&message.sites, MOST_NAMES), SiteCode::parse),
        sources: names(&mut violations, "sources", first(&message.sources, MOST_NAMES), |text| {
            text.parse::<Source>()
        }),
        display_name_contains: message.display_name_contains.clone(),
        join_types: words(&mut violations, "join_types", first(&message.join_types, MOST_JOIN_TYPES)),
        os_kinds: words(&mut violations, "os_kinds", first(&message.os_kinds, MOST_OS_KINDS)),
        client_installed: message.client_installed,
    };
    violations.finish(Some(filter))
}

/// The values of a list that are looked at: of one that is too long no more than it may have, since each may be a violation.
fn first<T>(list: &[T], most: usize) -> &[T] {
    &list[..list.len().min(most)]
}

fn words<E: Enumerated>(violations: &mut Violations, field: &str, numbers: &[i32]) -> Vec<Option<E>> {
    let each = numbers.iter().enumerate();
    each.filter_map(|(at, number)| violations.keep(enum_optional(&format!("{field}[{at}]"), *number)))
        .collect()
}

fn names<T>(
    violations: &mut Violations,
    field: &str,
    texts: &[String],
    parse: impl Fn(&str) -> Result<T, InvalidId>,
) -> Vec<T> {
    let read = |(at, text): (usize, &String)| {
        parse(text).map_err(|error| Violation::new(format!("{field}[{at}]"), invalid_id(&error)))
    };
    texts.iter().enumerate().filter_map(|named| violations.keep(read(named))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tandem_domain::facts::{JoinType, OsKind};

    #[test]
    fn every_field_becomes_its_condition() {
        let message = v1::DeviceFilter {
            states: vec![3, 8],
            hierarchies: vec!["PS1".into()],
            sites: vec!["EU1".into()],
            collections: vec!["tenants/t/collections/pilot".into()],
            sources: vec!["configmgr/PS1".into(), "intune".into()],
            display_name_contains: "OSL".into(),
            join_types: vec![4, 0],
            os_kinds: vec![1, 0],
            client_installed: Some(false),
        };
        let hierarchy = HierarchyId::parse("PS1").unwrap();
        let expected = DeviceFilter {
            states: vec![ManagementState::CoManaged, ManagementState::Failed],
            hierarchies: vec![hierarchy.clone()],
            sites: vec![SiteCode::parse("EU1").unwrap()],
            sources: vec![Source::ConfigMgr(hierarchy), Source::Intune],
            display_name_contains: "OSL".into(),
            join_types: vec![Some(JoinType::HybridJoined), None],
            os_kinds: vec![Some(OsKind::Client), None],
            client_installed: Some(false),
        };
        assert_eq!(from_proto(&message), Ok(expected));
    }

    #[test]
    fn list_that_is_too_long_has_no_more_violations_than_values_allowed() {
        let message = v1::DeviceFilter { states: vec![99; 10_000], ..v1::DeviceFilter::default() };
        let found = from_proto(&message).unwrap_err();
        assert_eq!(found.len(), 1 + MOST_STATES);
        assert_eq!(found[0], Violation::new("states", "must have at most 13 values; found 10000"));
    }

    #[test]
    fn unspecified_state_is_any() {
        let message = v1::DeviceFilter { states: vec![3, 0], ..Default::default() };
        assert_eq!(from_proto(&message), Ok(DeviceFilter::default()));
    }

    #[test]
    fn everything_that_breaks_its_shape_is_told() {
        let message = v1::DeviceFilter {
            states: vec![3, 99],
            hierarchies: vec!["PS1".into(), "-".into()],
            sites: vec!["PS10".into()],
            collections: vec![String::new(); 101],
            sources: vec!["jamf".into()],
            display_name_contains: "x".repeat(257),
            join_types: vec![0; 5],
            os_kinds: vec![-1],
            client_installed: None,
        };
        let found: Vec<String> = from_proto(&message).unwrap_err().iter().map(ToString::to_string).collect();
        let expected = [
            "collections: must have at most 100 values; found 101",
            "join_types: must have at most 4 values; found 5",
            "display_name_contains: must have at most 256 characters; found 257",
            "states[1]: must be a value of the enumeration; found the unknown number 99",
            "hierarchies[1]: must be 1 to 64 of A-Z a-z 0-9 . _ -, starting with a letter or digit; found \"-\"",
            "sites[0]: must be three letters or digits; found \"PS10\"",
            "sources[0]: must be configmgr/<hierarchy>, intune, entra or probe; found \"jamf\"",
            "os_kinds[0]: must be a value of the enumeration; found the unknown number -1",
        ];
        assert_eq!(found, expected);
    }
}
