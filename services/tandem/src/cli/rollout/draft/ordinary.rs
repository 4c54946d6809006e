//! The ordinary rollout as options: one workload, waves of collections and of shares of the fleet, each judged alike.

use clap::{ArgGroup, ValueEnum};
use tandem_contracts::authority::v1::{
    OnWaveFailure, RolloutDirection, RolloutSpec, RolloutWaveSpec, rollout_wave_spec::Choice,
};
use tandem_contracts::convert::number;
use tandem_domain::id::CollectionId;
use tandem_domain::workload::{ManagementAuthority, Workload};

use super::amounts::{Budget, Length, Share};
use crate::cli::check::Manager;
use crate::cli::words;

/// What is to move, and how.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "The ordinary rollout")]
#[command(group = ArgGroup::new("waves").args(["collection", "percent"]).multiple(true))]
pub(super) struct Ordinary {
    /// The workload that moves
    #[arg(long, value_parser = words::workloads(), requires_all = ["to", "waves"])]
    workload: Option<Workload>,
    /// The manager that it moves to: to Intune devices join the pilot collection, to Configuration Manager they leave it
    #[arg(long, value_name = "MANAGER", requires = "workload")]
    to: Option<Manager>,
    /// The workload's pilot collection in the hierarchy; unset: the one that its slider stands at
    #[arg(long, value_name = "COLLECTION", requires = "workload")]
    pilot: Option<CollectionId>,
    /// A wave of the members of this collection of the hierarchy. Can be given several times; these waves come first, in that order
    #[arg(long, value_name = "COLLECTION", requires = "workload")]
    collection: Vec<CollectionId>,
    /// A wave for each of these shares of the hierarchy's devices, in per cent, cumulative and rising: 5,20,100
    #[arg(long, value_name = "SHARE,...", value_delimiter = ',', requires = "workload")]
    percent: Vec<Share>,
    /// How long each wave is watched after the site has every membership of it: days, hours or minutes such as 2d, 12h, 90m, or 0
    #[arg(long, value_name = "TIME", default_value = "1d")]
    soak: Length,
    /// A wave passes when this share of its devices, in per cent, reports the workload at the target
    #[arg(long, value_name = "SHARE", default_value = "95")]
    success: Share,
    /// A wave fails when more than this share of the devices handed over, in per cent, fails; 0: when any does
    #[arg(long, value_name = "SHARE", default_value = "2")]
    failure: Share,
    /// No wave passes or fails before so many of its devices have answered, well or ill
    #[arg(long, value_name = "DEVICES", default_value = "1", value_parser = clap::value_parser!(u32).range(1..))]
    minimum_sample: u32,
    /// How many devices may be in motion at once: a number, or a share of the wave such as 10%; unset: all of the wave
    #[arg(long, value_name = "DEVICES|SHARE%")]
    budget: Option<Budget>,
    /// How long after its begin a wave that did not pass or fail waits for a person
    #[arg(long, value_name = "TIME", default_value = "7d")]
    deadline: Length,
    /// What a failed wave does to the rollout
    #[arg(long, value_enum, default_value_t = OnFailure::Pause)]
    on_failure: OnFailure,
}

/// What a failed wave does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnFailure {
    /// It waits for a person
    Pause,
    /// It is rolled back
    RollBack,
    /// It ends; what was handed over stays
    Stop,
}

impl Ordinary {
    /// The workload; `None`: a file says it.
    pub(super) const fn workload(&self) -> Option<Workload> {
        self.workload
    }

    /// The pilot collection, if one is named.
    pub(super) const fn pilot(&self) -> Option<&CollectionId> {
        self.pilot.as_ref()
    }

    /// The rollout of that pilot collection.
    pub(super) fn spec(&self, pilot_collection: String) -> RolloutSpec {
        let direction = match self.to.map(|Manager(claimant)| claimant.authority()) {
            Some(ManagementAuthority::Intune) => RolloutDirection::ToIntune,
            Some(ManagementAuthority::ConfigurationManager) => RolloutDirection::ToConfigurationManager,
            _ => RolloutDirection::Unspecified,
        };
        let on_failure = match self.on_failure {
            OnFailure::Pause => OnWaveFailure::Pause,
            OnFailure::RollBack => OnWaveFailure::RollBack,
            OnFailure::Stop => OnWaveFailure::Stop,
        };
        let collections = self.collection.iter().map(|id| Choice::Collection(id.to_string()));
        let shares = self.percent.iter().map(|Share(share)| Choice::UpTo(*share));
        RolloutSpec {
            workload: self.workload.map_or(0, number),
            direction: direction.into(),
            pilot_collection,
            windows: None,
            on_failure: on_failure.into(),
            waves: collections.chain(shares).map(|choice| self.wave(choice)).collect(),
        }
    }

    fn wave(&self, choice: Choice) -> RolloutWaveSpec {
        RolloutWaveSpec {
            choice: Some(choice),
            soak_minutes: self.soak.0,
            success_gate: self.success.0,
            failure_gate: self.failure.0,
            minimum_sample: self.minimum_sample,
            budget: self.budget.map(|Budget(budget)| budget),
            deadline_minutes: self.deadline.0,
            ..RolloutWaveSpec::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use tandem_contracts::authority::v1::rollout_wave_spec::Budget as Contract;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        ordinary: Ordinary,
    }

    fn parse(line: &str) -> Result<RolloutSpec, clap::Error> {
        let words = std::iter::once("draft").chain(line.split_whitespace());
        Line::try_parse_from(words).map(|line| line.ordinary.spec("PS100043".to_owned()))
    }

    #[test]
    fn what_is_left_out_is_the_ordinary_case() {
        let wave = |share| RolloutWaveSpec {
            choice: Some(Choice::UpTo(share)),
            soak_minutes: 1440,
            success_gate: 9500,
            failure_gate: 200,
            minimum_sample: 1,
            deadline_minutes: 10_080,
            ..RolloutWaveSpec::default()
        };
        let expected = RolloutSpec {
            workload: 7,
            direction: RolloutDirection::ToIntune.into(),
            pilot_collection: "PS100043".into(),
            windows: None,
            on_failure: OnWaveFailure::Pause.into(),
            waves: vec![wave(500), wave(2000), wave(10_000)],
        };
        assert_eq!(parse("--workload client_apps --to intune --percent 5,20,100").unwrap(), expected);
    }

    #[test]
    fn what_is_said_is_said_of_every_wave_and_collections_come_first() {
        let line = "--workload compliance_policies --to configuration_manager --percent 100 --collection PS100020 \
                    --collection PS100021 --soak 12h --success 90 --failure 0 --minimum-sample 10 --budget 25% \
                    --deadline 3d --on-failure roll-back";
        let spec = parse(line).unwrap();
        let wave = |choice| RolloutWaveSpec {
            choice: Some(choice),
            soak_minutes: 720,
            success_gate: 9000,
            failure_gate: 0,
            minimum_sample: 10,
            budget: Some(Contract::BudgetShare(2500)),
            deadline_minutes: 4320,
            ..RolloutWaveSpec::default()
        };
        let choices = [
            Choice::Collection("PS100020".into()),
            Choice::Collection("PS100021".into()),
            Choice::UpTo(10_000),
        ];
        assert_eq!(spec.waves, choices.map(wave));
        let expected = (1, RolloutDirection::ToConfigurationManager, OnWaveFailure::RollBack);
        assert_eq!((spec.workload, spec.direction(), spec.on_failure()), expected);
    }

    #[test]
    fn half_a_rollout_is_refused() {
        for line in [
            "--workload client_apps --to intune",
            "--workload client_apps --percent 5",
            "--to intune --percent 5",
            "--workload client_apps --to intune --percent 5,,20",
            "--workload client_apps --to intune --percent 101",
            "--workload apps --to intune --percent 5",
            "--workload client_apps --to nobody --percent 5",
            "--workload client_apps --to intune --percent 5 --minimum-sample 0",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
