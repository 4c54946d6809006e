//! How the service is asked, and how a process dies in the middle of it.

use std::pin::Pin;
use std::task::{Context, Poll};

use tandem_contracts::authority::v1 as proto;
use tandem_contracts::authority::v1::rollout_wave_spec::{
    Budget as ProtoBudget, Choice as ProtoChoice, Offline as ProtoOffline,
};
use tandem_contracts::r#type::v1::{CoManagementPolicy, SliderPosition, Workload, WorkloadSetting};
use tonic::Status;

use super::site::COLLECTIONS;
use super::spec::{Budget, Choice, Late, Moved, Offline, OnFailure, Spec, WaveSpec};
use super::table::{Policy, Slider};
use super::tenant::{Command, Order};
use crate::TENANT;
use crate::effective::WORKLOADS;
use crate::fleet;
use crate::rollouts::estate::{HIERARCHY, Replica, because, group};

/// Something that comes to its end, or is gone after so many turns.
pub(super) struct Mortal<F> {
    pub(super) work: Pin<Box<F>>,
    pub(super) turns: u32,
}

impl<F: Future> Future for Mortal<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.turns == 0 {
            return Poll::Ready(None);
        }
        self.turns -= 1;
        self.work.as_mut().poll(context).map(Some)
    }
}

pub(super) fn rollout_name(id: u8) -> String {
    format!("{HIERARCHY}/rollouts/{}", ["a", "b", "c"][usize::from(id)])
}

/// The number of a rollout by its name.
pub(super) fn rollout_number(name: &str) -> u8 {
    name.as_bytes().last().unwrap() - b'a'
}

/// A policy as it is recorded or proposed.
pub(super) fn policy_message(policy: &Policy) -> CoManagementPolicy {
    let settings = WORKLOADS.into_iter().zip(policy.sliders).map(|(workload, slider): (Workload, _)| {
        let (slider, collection) = match slider {
            Slider::Manager => (SliderPosition::ConfigurationManager, ""),
            Slider::Pilot(collection) => (SliderPosition::PilotIntune, COLLECTIONS[collection]),
            Slider::Intune => (SliderPosition::Intune, ""),
        };
        WorkloadSetting {
            workload: workload.into(),
            slider: slider.into(),
            pilot_collection: collection.into(),
        }
    });
    CoManagementPolicy {
        name: fleet::POLICY.into(),
        enabled: policy.enabled,
        workloads: settings.collect(),
        ..CoManagementPolicy::default()
    }
}

fn wave_message(wave: &WaveSpec) -> proto::RolloutWaveSpec {
    let minutes = |minutes: i64| u32::try_from(minutes).unwrap();
    let share = |share: usize| u32::try_from(share).unwrap();
    let choice = match &wave.choice {
        Choice::Everybody => ProtoChoice::UpTo(10_000),
        Choice::Group(devices) => group(&devices.iter().copied().collect::<Vec<_>>()),
        Choice::Collection(id) => ProtoChoice::Collection(COLLECTIONS[*id].into()),
    };
    proto::RolloutWaveSpec {
        choice: Some(choice),
        soak_minutes: minutes(wave.soak),
        success_gate: share(wave.success),
        failure_gate: share(wave.failure),
        minimum_sample: share(wave.sample),
        budget: Some(match wave.budget {
            Budget::Devices(devices) => ProtoBudget::BudgetDevices(devices),
            Budget::Share(share) => ProtoBudget::BudgetShare(share),
        }),
        deadline_minutes: minutes(wave.deadline),
        late_joiners: match wave.late {
            Late::Include => proto::LateJoiners::Include,
            Late::NextWave => proto::LateJoiners::NextWave,
            Late::Skip => proto::LateJoiners::Skip,
        }
        .into(),
        offline: match wave.offline {
            Offline::NotYet => None,
            Offline::Exclude(limit) => Some(ProtoOffline::ExcludeAfterMinutes(minutes(limit))),
            Offline::Fail(limit) => Some(ProtoOffline::FailAfterMinutes(minutes(limit))),
        },
    }
}

fn spec_message(spec: &Spec) -> proto::RolloutSpec {
    let workload = match spec.moved {
        Moved::Apps => Workload::ClientApps,
        Moved::Configuration => Workload::DeviceConfiguration,
    };
    let direction = if spec.to_intune {
        proto::RolloutDirection::ToIntune
    } else {
        proto::RolloutDirection::ToConfigurationManager
    };
    let on_failure = match spec.on_failure {
        OnFailure::Pause => proto::OnWaveFailure::Pause,
        OnFailure::RollBack => proto::OnWaveFailure::RollBack,
        OnFailure::Stop => proto::OnWaveFailure::Stop,
    };
    proto::RolloutSpec {
        workload: workload.into(),
        direction: direction.into(),
        pilot_collection: COLLECTIONS[spec.pilot].into(),
        on_failure: on_failure.into(),
        waves: spec.waves.iter().map(wave_message).collect(),
        ..proto::RolloutSpec::default()
    }
}

/// What a request says beside the order itself.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) request_id: String,
    /// The world that it is to be decided in.
    pub(super) token: String,
    /// The name of the action that it confirms.
    pub(super) action: String,
}

macro_rules! command {
    ($client:ident, $request:ident, $method:ident, $id:expr, $said:ident $(, $field:ident: $value:expr)?) => {{
        let request = proto::$request {
            name: rollout_name($id),
            request_id: $said.request_id,
            justification: because("so it goes"),
            $($field: $value,)?
            ..Default::default()
        };
        $client.$method(request).await.map(drop)
    }};
}

/// Asks a replica for something.
pub(super) async fn ask(replica: &Replica, order: Order, said: Said) -> Result<(), Status> {
    let mut client = replica.rollouts.clone();
    let (request_id, justification) = (said.request_id.clone(), because("so it goes"));
    match order {
        Order::Draft(id, spec) => {
            let (name, spec) = (rollout_name(id), Some(spec_message(&spec)));
            let consistency_token = said.token;
            let request =
                proto::CreateRolloutRequest { name, spec, request_id, justification, consistency_token };
            client.create_rollout(request).await.map(drop)
        }
        Order::Confirm(..) => {
            let request = proto::ConfirmRolloutActionRequest { name: said.action, request_id, justification };
            client.confirm_rollout_action(request).await.map(drop)
        }
        Order::Freeze => {
            let request = proto::FreezeTenantRequest { name: TENANT.into(), request_id, justification };
            client.freeze_tenant(request).await.map(drop)
        }
        Order::Thaw => {
            let request = proto::UnfreezeTenantRequest { name: TENANT.into(), request_id, justification };
            client.unfreeze_tenant(request).await.map(drop)
        }
        Order::Command(id, Command::Submit) => {
            command!(client, SubmitRolloutRequest, submit_rollout, id, said)
        }
        Order::Command(id, Command::Withdraw) => {
            command!(client, WithdrawRolloutRequest, withdraw_rollout, id, said)
        }
        Order::Command(id, Command::Start) => command!(client, StartRolloutRequest, start_rollout, id, said),
        Order::Command(id, Command::Pause) => command!(client, PauseRolloutRequest, pause_rollout, id, said),
        Order::Command(id, Command::Resume) => {
            command!(client, ResumeRolloutRequest, resume_rollout, id, said)
        }
        Order::Command(id, Command::ApproveWave(wave)) => {
            command!(client, ApproveRolloutWaveRequest, approve_rollout_wave, id, said, wave: wave)
        }
        Order::Command(id, Command::RollBack) => {
            command!(client, RollBackRolloutRequest, roll_back_rollout, id, said)
        }
        Order::Command(id, Command::Cancel) => {
            command!(client, CancelRolloutRequest, cancel_rollout, id, said)
        }
    }
}

/// Waits until whatever another process had begun to write is written, or is not: the database takes one writer at a time.
pub(super) async fn wait_for_writers(replica: &Replica) {
    let name = format!("{HIERARCHY}/rollouts/none/actions/00000000-0000-4000-8000-000000000000");
    let request = proto::ConfirmRolloutActionRequest { name, ..Default::default() };
    replica.rollouts.clone().confirm_rollout_action(request).await.unwrap_err();
}
