//! Where a statement of the field is written down, so that an answer can name it.
//!
//! Invariant, tested where citations are made: file and section exist in the fact pack. Not for the public
//! documents behind the fact pack: its files name those themselves.

use std::fmt;

/// A place in the fact pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Citation {
    /// A file under `data/`, such as `states.md`.
    pub file: &'static str,
    /// A section of a text, such as `8`; the path of a key in a TOML file, such as `client_apps.exception`,
    /// where tables of a list go by their id.
    pub section: &'static str,
}

impl Citation {
    /// That section of that file.
    #[must_use]
    pub const fn new(file: &'static str, section: &'static str) -> Self {
        Self { file, section }
    }

    /// Reads what [`fmt::Display`] writes; `None` when a part is missing.
    pub(crate) fn parse(text: &'static str) -> Option<Self> {
        let (file, section) = text.split_once(' ')?;
        (!file.is_empty() && !section.is_empty()).then_some(Self { file, section })
    }
}

impl fmt::Display for Citation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.file, self.section)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Fails unless the fact pack holds the place.
    pub(crate) fn assert_exists(citation: Citation) {
        let Citation { file, section } = citation;
        let found = match file {
            "workloads.toml" => {
                workloads_key(include_str!("../data/workloads.toml").parse().unwrap(), section)
            }
            "states.md" => has_heading(include_str!("../data/states.md"), section),
            "handover.md" => has_heading(include_str!("../data/handover.md"), section),
            "leaving.md" => has_heading(include_str!("../data/leaving.md"), section),
            _ => false,
        };
        assert!(found, "expected {citation} in the fact pack, found nothing there");
    }

    fn has_heading(text: &str, section: &str) -> bool {
        let number = |line: &str| {
            let heading = line.strip_prefix("### ").or_else(|| line.strip_prefix("## "))?;
            Some(heading.split(' ').next()?.trim_end_matches('.') == section)
        };
        text.lines().filter_map(number).any(|is_it| is_it)
    }

    /// A dotted path: a table, or the id of one in a list, then a key.
    fn workloads_key(document: toml::Table, section: &str) -> bool {
        let (name, key) = section.split_once('.').expect("a table and a key");
        let listed = ["workload", "dependency"]
            .into_iter()
            .flat_map(|list| document[list].as_array().unwrap().iter().filter_map(toml::Value::as_table));
        let by_id = listed.filter(|table| table["id"].as_str() == Some(name));
        let by_name = document.get(name).and_then(toml::Value::as_table);
        by_id.chain(by_name).any(|table| table.contains_key(key))
    }

    #[test]
    fn citation_reads_as_it_prints() {
        let citation = Citation::new("states.md", "8");
        assert_eq!(citation.to_string(), "states.md 8");
        assert_eq!(Citation::parse("states.md 8"), Some(citation));
        for text in ["", "states.md", "states.md ", " 8"] {
            assert_eq!(Citation::parse(text), None, "{text:?}");
        }
    }
}
