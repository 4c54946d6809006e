//! Other rules as edits of those that are there: the options that say which change, and to what.

use std::str::FromStr;

use clap::ArgGroup;
use tandem_contracts::authority::v1::{ApprovalRules, DeviceThreshold, WorkloadApprovals};
use tandem_contracts::convert::number;
use tandem_domain::workload::Workload;

/// Which rules change.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
#[command(group = ArgGroup::new("rules")
    .args(["devices", "workload", "full_switch", "none"])
    .required(true)
    .multiple(true))]
pub(in crate::cli) struct Edits {
    /// From how many devices that change holder on how many must agree, in place of every number there: 100:1,10000:2; or none
    #[arg(long, value_name = "DEVICES:APPROVALS,...|none")]
    devices: Option<Thresholds>,
    /// How many must agree where this workload's position moves; 0: as many as the other rules ask for. Can be given once for each workload
    #[arg(long, value_name = "WORKLOAD:APPROVALS")]
    workload: Vec<WorkloadEdit>,
    /// How many must agree where a slider moves to Intune, for every co-managed device
    #[arg(long, value_name = "APPROVALS")]
    full_switch: Option<u32>,
    /// From now on nobody needs to agree to any plan, as in a trial by one administrator
    #[arg(long, conflicts_with_all = ["devices", "workload", "full_switch"])]
    none: bool,
}

/// `DEVICES:APPROVALS,...`, or `none`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Thresholds(Vec<DeviceThreshold>);

impl FromStr for Thresholds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(Vec::new()));
        }
        let expected = |part: &str| format!("expected DEVICES:APPROVALS, found `{part}`");
        let thresholds = text.split(',').map(|part| {
            let (at_least, approvals) = part.split_once(':').ok_or_else(|| expected(part))?;
            let at_least = at_least.parse().map_err(|_| expected(part))?;
            let approvals = approvals.parse().map_err(|_| expected(part))?;
            Ok(DeviceThreshold { at_least, approvals })
        });
        thresholds.collect::<Result<_, _>>().map(Self)
    }
}

/// `WORKLOAD:APPROVALS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct WorkloadEdit {
    workload: Workload,
    approvals: u32,
}

impl FromStr for WorkloadEdit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("expected WORKLOAD:APPROVALS, found `{text}`");
        let (named, approvals) = text.split_once(':').ok_or_else(expected)?;
        let approvals = approvals.parse().map_err(|_| expected())?;
        let workload = Workload::ALL.into_iter().find(|workload| workload.id() == named);
        let workload = workload.ok_or_else(|| {
            format!("expected {}, found `{named}`", Workload::ALL.map(Workload::id).join(", "))
        })?;
        Ok(Self { workload, approvals })
    }
}

impl Edits {
    /// The rules with these changed; every other one stays.
    ///
    /// # Errors
    /// A workload is to ask for two numbers at once.
    pub(super) fn made_to(self, mut rules: ApprovalRules) -> Result<ApprovalRules, String> {
        if self.none {
            let ApprovalRules { name, etag, .. } = rules;
            return Ok(ApprovalRules { name, etag, ..ApprovalRules::default() });
        }
        if let Some(Thresholds(devices)) = self.devices {
            rules.devices = devices;
        }
        for (index, WorkloadEdit { workload, approvals }) in self.workload.iter().copied().enumerate() {
            if self.workload[..index].iter().any(|earlier| earlier.workload == workload) {
                return Err(format!("expected one --workload for {workload}, found two"));
            }
            let workload = number(workload);
            rules.workloads.retain(|entry| entry.workload != workload);
            if approvals > 0 {
                rules.workloads.push(WorkloadApprovals { workload, approvals });
            }
        }
        rules.full_switch = self.full_switch.unwrap_or(rules.full_switch);
        Ok(rules)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        edits: Edits,
    }

    /// The options, separated by blanks.
    fn parse(line: &str) -> Result<Edits, String> {
        let words = std::iter::once("set").chain(line.split_whitespace());
        Line::try_parse_from(words).map(|line| line.edits).map_err(|error| error.to_string())
    }

    fn thresholds<const N: usize>(numbers: [(u64, u32); N]) -> Vec<DeviceThreshold> {
        numbers.map(|(at_least, approvals)| DeviceThreshold { at_least, approvals }).into()
    }

    fn workloads<const N: usize>(numbers: [(Workload, u32); N]) -> Vec<WorkloadApprovals> {
        numbers
            .map(|(workload, approvals)| WorkloadApprovals { workload: number(workload), approvals })
            .into()
    }

    fn base() -> ApprovalRules {
        ApprovalRules {
            name: "tenants/t/approvalRules".into(),
            devices: thresholds([(100, 1), (10_000, 2)]),
            workloads: workloads([(Workload::DeviceConfiguration, 1)]),
            full_switch: 2,
            etag: "4".into(),
            updated_by: "ada".into(),
            ..ApprovalRules::default()
        }
    }

    #[test]
    fn edits_change_the_rules_that_they_name_and_no_other() {
        use Workload::{ClientApps, DeviceConfiguration};
        let none = ApprovalRules { name: base().name, etag: "4".into(), ..ApprovalRules::default() };
        let table = [
            ("--devices 50:3", ApprovalRules { devices: thresholds([(50, 3)]), ..base() }),
            ("--devices 1:1,500:2", ApprovalRules { devices: thresholds([(1, 1), (500, 2)]), ..base() }),
            ("--devices none", ApprovalRules { devices: Vec::new(), ..base() }),
            (
                "--workload client_apps:2",
                ApprovalRules { workloads: workloads([(DeviceConfiguration, 1), (ClientApps, 2)]), ..base() },
            ),
            (
                "--workload device_configuration:3",
                ApprovalRules { workloads: workloads([(DeviceConfiguration, 3)]), ..base() },
            ),
            (
                "--workload device_configuration:0 --workload client_apps:0",
                ApprovalRules { workloads: Vec::new(), ..base() },
            ),
            ("--full-switch 0", ApprovalRules { full_switch: 0, ..base() }),
            (
                "--full-switch 1 --devices none",
                ApprovalRules { full_switch: 1, devices: Vec::new(), ..base() },
            ),
            ("--none", none),
        ];
        for (line, expected) in table {
            assert_eq!(parse(line).unwrap().made_to(base()), Ok(expected), "{line}");
        }
    }

    #[test]
    fn edit_that_says_nothing_sensible_is_refused_with_expected_and_found() {
        let all = Workload::ALL.map(Workload::id).join(", ");
        let table = [
            ("", "required arguments were not provided".to_owned()),
            ("--devices 100", "expected DEVICES:APPROVALS, found `100`".to_owned()),
            ("--devices 100:1,", "expected DEVICES:APPROVALS, found ``".to_owned()),
            ("--devices 100:-1", "expected DEVICES:APPROVALS, found `100:-1`".to_owned()),
            ("--devices many:1", "expected DEVICES:APPROVALS, found `many:1`".to_owned()),
            ("--devices None", "expected DEVICES:APPROVALS, found `None`".to_owned()),
            ("--workload client_apps", "expected WORKLOAD:APPROVALS, found `client_apps`".to_owned()),
            ("--workload client_apps:", "expected WORKLOAD:APPROVALS, found `client_apps:`".to_owned()),
            ("--workload apps:1", format!("expected {all}, found `apps`")),
            ("--full-switch two", "invalid value 'two'".to_owned()),
            ("--none --full-switch 1", "cannot be used with".to_owned()),
            ("--none --devices none", "cannot be used with".to_owned()),
        ];
        for (line, expected) in table {
            let said = parse(line).unwrap_err();
            assert!(said.contains(&expected), "{line}: {said}");
        }
        let twice = parse("--workload client_apps:1 --workload client_apps:2").unwrap();
        let expected = "expected one --workload for client_apps, found two";
        assert_eq!(twice.made_to(base()), Err(expected.to_owned()));
    }
}
