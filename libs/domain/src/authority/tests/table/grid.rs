//! A table over every combination of some dimensions: decided by ordered rows, printed as few rows that do not overlap.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// What can be told apart of one thing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dimension {
    pub(super) name: &'static str,
    pub(super) values: &'static [&'static str],
}

/// What a row decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) authority: &'static str,
    pub(super) reason: &'static str,
    /// The step or note of states.md 8, or `derived`.
    pub(super) step: &'static str,
}

/// An outcome for every combination.
pub(super) struct Grid {
    dimensions: &'static [Dimension],
    outcomes: Vec<Outcome>,
}

/// Every combination, as places in the dimensions' values; the last dimension counts fastest.
pub(super) fn combinations(dimensions: &[Dimension]) -> impl Iterator<Item = Vec<usize>> + use<> {
    let sizes: Vec<usize> = dimensions.iter().map(|dimension| dimension.values.len()).collect();
    (0..sizes.iter().product()).map(move |number| {
        let mut rest = number;
        let mut at: Vec<usize> = sizes
            .iter()
            .rev()
            .map(|size| {
                let place = rest % size;
                rest /= size;
                place
            })
            .collect();
        at.reverse();
        at
    })
}

impl Grid {
    /// Reads ordered rows `step | value of each dimension | authority | reason`, where the first that matches decides. A value is
    /// `any`, or one or more with ` / ` between them. Every combination has to be decided, and every row has to decide one.
    pub(super) fn decided(dimensions: &'static [Dimension], rows: &'static str) -> Self {
        let rows: Vec<Vec<&'static str>> = rows
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| line.split('|').map(str::trim).collect())
            .collect();
        let mut used = vec![false; rows.len()];
        for row in &rows {
            assert_eq!(row.len(), dimensions.len() + 3, "{row:?}");
            for (dimension, cell) in dimensions.iter().zip(&row[1..]) {
                let known = |value: &str| value == "any" || dimension.values.contains(&value);
                assert!(cell.split(" / ").all(known), "{}: {cell}", dimension.name);
            }
        }
        let outcomes = combinations(dimensions)
            .map(|at| {
                let matches = |row: &Vec<&'static str>| {
                    dimensions.iter().zip(&at).zip(&row[1..]).all(|((dimension, &place), cell)| {
                        *cell == "any" || cell.split(" / ").any(|value| value == dimension.values[place])
                    })
                };
                let place = rows.iter().position(matches).expect("a row for every combination");
                used[place] = true;
                let row = &rows[place];
                let end = row.len();
                Outcome { authority: row[end - 2], reason: row[end - 1], step: row[0] }
            })
            .collect();
        let unused: Vec<_> = rows.iter().zip(used).filter(|(_, used)| !used).collect();
        assert!(unused.is_empty(), "rows that decide nothing: {unused:?}");
        Self { dimensions, outcomes }
    }

    pub(super) fn at(&self, at: &[usize]) -> &Outcome {
        let number = self
            .dimensions
            .iter()
            .zip(at)
            .fold(0, |number, (dimension, place)| number * dimension.values.len() + place);
        &self.outcomes[number]
    }

    pub(super) fn describe(&self, at: &[usize]) -> String {
        let named = |(dimension, place): (&Dimension, &usize)| {
            format!("{} {}", dimension.name, dimension.values[*place])
        };
        self.dimensions.iter().zip(at).map(named).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn reasons(&self) -> BTreeSet<&'static str> {
        self.outcomes.iter().map(|outcome| outcome.reason).collect()
    }

    /// Rows that do not overlap and cover everything, with how many combinations each covers.
    pub(super) fn markdown(&self) -> String {
        let names: Vec<&str> = self.dimensions.iter().map(|dimension| dimension.name).collect();
        let rule = "---|".repeat(names.len() + 4);
        let mut text =
            format!("| {} | authority | reason | states.md 8 | covers |\n|{rule}\n", names.join(" | "));
        self.rows(self.dimensions, &self.outcomes, &mut Vec::new(), 1, &mut text);
        text
    }

    /// Values of one dimension are one row where everything after them is alike.
    fn rows(
        &self,
        rest: &[Dimension],
        outcomes: &[Outcome],
        cells: &mut Vec<String>,
        covers: usize,
        text: &mut String,
    ) {
        let Some((dimension, rest)) = rest.split_first() else {
            let Outcome { authority, reason, step } = outcomes[0];
            // Writing to a string cannot fail.
            let _ = writeln!(text, "| {} | {authority} | {reason} | {step} | {covers} |", cells.join(" | "));
            return;
        };
        let parts: Vec<&[Outcome]> = outcomes.chunks(outcomes.len() / dimension.values.len()).collect();
        for (place, part) in parts.iter().enumerate() {
            if parts[..place].contains(part) {
                continue;
            }
            let alike = parts.iter().zip(dimension.values).filter(|(other, _)| *other == part);
            let alike: Vec<&str> = alike.map(|(_, value)| *value).collect();
            let all = alike.len() == parts.len();
            cells.push(if all { "any".to_owned() } else { alike.join(" / ") });
            self.rows(rest, part, cells, covers * alike.len(), text);
            cells.pop();
        }
    }
}
