//! What people read beside a figure: from the published tables, by the figure alone.

use tandem_domain::enrollment;
use tandem_domain::prerequisites;
use tandem_domain::windows::OsGroup;
use tandem_domain::workload::Workload;

use super::figure::Figure;

/// The texts of a figure. Empty where the key says it, or where no table has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Description {
    pub(crate) label: &'static str,
    pub(crate) meaning: &'static str,
    pub(crate) remediation: &'static str,
    pub(crate) severity: &'static str,
}

/// The texts of a figure.
pub(crate) fn describe(figure: &Figure) -> Description {
    match figure {
        Figure::EnrollmentError(code) => {
            enrollment::lookup(*code).map_or_else(Description::default, |error| Description {
                label: error.symbol.unwrap_or_default(),
                meaning: error.meaning,
                remediation: error.remediation,
                severity: error.class.id(),
            })
        }
        Figure::Blocker(rule) => {
            prerequisites::rule(rule).map_or_else(Description::default, |rule| Description {
                label: "",
                meaning: rule.condition,
                remediation: rule.remediation,
                severity: rule.severity.id(),
            })
        }
        Figure::OsGroup(group) => labelled(os_group(*group)),
        Figure::WorkloadTransition(workload)
        | Figure::WorkloadReported(workload)
        | Figure::Drift(workload) => labelled(Workload::display_name(*workload)),
        _ => Description::default(),
    }
}

fn labelled(label: &'static str) -> Description {
    Description { label, ..Description::default() }
}

/// The vendor's names of the groups (states.md 4.1).
const fn os_group(group: OsGroup) -> &'static str {
    match group {
        OsGroup::Windows7And8 => "Windows 7 & 8.x",
        OsGroup::Windows10LowerThan1709 => "Windows 10 lower than 1709",
        OsGroup::Windows10From1709 => "Windows 10 1709 and later",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enrollment_error_is_described_by_its_row_of_the_table() {
        let row = enrollment::lookup(0x8018_0018).unwrap();
        assert_eq!(
            describe(&Figure::EnrollmentError(0x8018_0018)),
            Description {
                label: "MENROLL_E_USERLICENSE",
                meaning: row.meaning,
                remediation: row.remediation,
                severity: "license",
            }
        );
    }

    #[test]
    fn enrollment_error_that_no_table_has_is_not_described() {
        assert_eq!(describe(&Figure::EnrollmentError(0xDEAD_BEEF)), Description::default());
    }

    #[test]
    fn blocker_is_described_by_the_catalogue() {
        let rule = prerequisites::rule("win.serviced_version").unwrap();
        let expected = Description {
            label: "",
            meaning: rule.condition,
            remediation: rule.remediation,
            severity: "blocking",
        };
        assert_eq!(describe(&Figure::Blocker("win.serviced_version".into())), expected);
    }
}
