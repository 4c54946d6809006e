//! This service's messages, to and from the domain.

pub(super) mod decommission;
pub(super) mod history;
pub(super) mod plan;
pub(super) mod rollout;
#[cfg(test)]
mod tests;
mod ways_out;

use tandem_contracts::authority::v1 as proto;
use tandem_contracts::convert::{self, Violation, number, number_or_unspecified, time};
use tandem_contracts::inventory::v1::Device;
use tandem_contracts::r#type::v1::CoManagementPolicy;
use tandem_domain::authority as domain;
use tandem_domain::authority::{DriftCause, DriftExplanation};
use tandem_domain::capability::{CapabilityValue, Encryption, Layout};
use tandem_domain::facts::{DeviceFacts, Fact, value};
use tandem_domain::policy::InvalidPolicy;
use tandem_domain::workload::{ManagementAuthority, PerWorkload};
use tandem_server::Failure;
use tandem_server::failure::FieldViolation;

use crate::judge::{Judgement, World};

/// A field of the request breaks its documented shape.
pub(super) fn invalid(violation: Violation) -> Failure {
    Failure::field(violation.field, violation.description)
}

/// What a caller wants recorded, in its normal form: an entry for each workload, and nothing that the store adds.
pub(super) fn recordable(message: CoManagementPolicy) -> Result<CoManagementPolicy, Failure> {
    let entries: Vec<i32> = message.workloads.iter().map(|entry| entry.workload).collect();
    let policy = convert::policy::from_proto(message).map_err(|violations| {
        let under = violations.into_iter().map(|violation| violation.under("policy"));
        let fields = under.map(|Violation { field, description }| FieldViolation { field, description });
        Failure::InvalidFields(fields.collect())
    })?;
    policy.validate().map_err(|broken| Failure::field(place_of(&broken, &entries), broken.to_string()))?;
    Ok(convert::policy::to_proto(&policy))
}

/// The field that breaks a rule of the console.
fn place_of(broken: &InvalidPolicy, entries: &[i32]) -> String {
    match broken {
        InvalidPolicy::PilotWithoutCollection { workload } => {
            let index = entries.iter().position(|entry| *entry == number(*workload)).unwrap_or_default();
            format!("policy.workloads[{index}].pilot_collection")
        }
        InvalidPolicy::AutoEnrollmentWithoutCollection => "policy.auto_enrollment.collection".to_owned(),
    }
}

/// A device of the inventory: its name and its facts. One that breaks the contract is a defect of the inventory, or of a later
/// release; it is never judged by half.
pub(crate) fn device(device: Device) -> Result<(String, DeviceFacts), Failure> {
    let facts = convert::facts::from_proto(device.facts.unwrap_or_default()).map_err(|violations| {
        let violations: Vec<_> = violations.iter().map(ToString::to_string).collect();
        Failure::internal(format!("facts of {} break the contract: {}", device.name, violations.join("; ")))
    })?;
    Ok((device.name, facts))
}

pub(super) use ways_out::{checked, claim};

/// Judges devices of the inventory, in their order.
pub(super) fn judged_all(
    world: &World,
    devices: Vec<Device>,
) -> Result<Vec<proto::EffectiveAuthority>, Failure> {
    let judged = devices.into_iter().map(|message| {
        let revision = message.revision;
        let (name, facts) = device(message)?;
        Ok(effective_authority(name, revision, &facts, &world.judge(&facts)))
    });
    judged.collect()
}

/// Everything that is to be said of one device.
pub(super) fn effective_authority(
    device: String,
    device_revision: u64,
    facts: &DeviceFacts,
    judgement: &Judgement,
) -> proto::EffectiveAuthority {
    let Judgement { policy_revision, state, co_managed, effective, desired, reported, drift } = judgement;
    let value_of_site = reported.site.as_ref().and_then(|site| site.value.as_ref().ok());
    proto::EffectiveAuthority {
        device,
        device_revision,
        policy_revision: *policy_revision,
        state: number(*state),
        workloads: effective
            .workloads
            .iter()
            .map(|(workload, decision)| proto::WorkloadAuthority {
                workload: number(workload),
                authority: number(decision.authority),
                reason: number(decision.reason),
                desired: number_or_unspecified(desired.as_ref().map(|desired| desired[workload].authority())),
                desired_reason: number_or_unspecified(desired.as_ref().map(|desired| desired[workload])),
            })
            .collect(),
        co_managed_query: co_managed.query,
        co_managed_prose: co_managed.prose,
        co_managed_cloud: co_managed.cloud,
        leaving: effective.leaving,
        autopilot_override_unknown: effective.autopilot_override_unknown,
        reported: reports(facts, reported),
        drift: drift.iter().map(self::drift).collect(),
        capability_value: value(&facts.capability_text).cloned().unwrap_or_default(),
        unknown_bits: value_of_site.map_or(0, |value| value.unknown_bits),
    }
}

/// First what the site passed on, then what Intune did; of each, the workloads that the report speaks of.
fn reports(facts: &DeviceFacts, reported: &domain::Reported) -> Vec<proto::ReportedAuthority> {
    let site = reported
        .site
        .as_ref()
        .and_then(|site| site.value.as_ref().ok())
        .map(|value| with_carried(value.reported()));
    let by_site = reports_of(facts, &facts.capability_text, site.as_ref());
    let by_cloud = reports_of(facts, &facts.client_features, reported.cloud.as_ref());
    by_site.into_iter().chain(by_cloud).collect()
}

/// The bit of device configuration speaks for what moves along with it, whose own bits may be clear (dispute
/// `device_configuration_bundle_bits`).
fn with_carried(flags: PerWorkload<Option<bool>>) -> PerWorkload<Option<bool>> {
    PerWorkload::from_fn(|workload| {
        let carried = workload.included_in().is_some_and(|carrier| flags[carrier] == Some(true));
        if carried { Some(true) } else { flags[workload] }
    })
}

fn reports_of<T>(
    facts: &DeviceFacts,
    report: &Option<Fact<T>>,
    flags: Option<&PerWorkload<Option<bool>>>,
) -> Vec<proto::ReportedAuthority> {
    let stamp = report.as_ref().and_then(|fact| facts.origin(fact));
    let Some((stamp, flags)) = stamp.zip(flags) else {
        return Vec::new();
    };
    let said = flags.iter().filter_map(|(workload, moved)| {
        let authority =
            if (*moved)? { ManagementAuthority::Intune } else { ManagementAuthority::ConfigurationManager };
        Some(proto::ReportedAuthority {
            workload: number(workload),
            authority: number(authority),
            source: stamp.source.to_string(),
            observed_at: Some(time::to_proto(stamp.observed_at)),
        })
    });
    said.collect()
}

/// One difference between effective and reported.
pub(super) fn drift((drift, explained): &(domain::Drift, DriftExplanation)) -> proto::Drift {
    let cause = match explained.cause {
        DriftCause::NotCheckedInSince { .. } => proto::DriftCause::NotCheckedInSince,
        DriftCause::ThirdPartyMdm { .. } => proto::DriftCause::ThirdPartyMdm,
        DriftCause::Override { .. } => proto::DriftCause::Override,
        DriftCause::PolicyNotReceived(_) => proto::DriftCause::PolicyNotReceived,
        DriftCause::Unknown => proto::DriftCause::Unknown,
    };
    proto::Drift {
        workload: number(drift.workload),
        effective: number(drift.effective),
        reported: number(drift.reported),
        source: drift.source.to_string(),
        observed_at: Some(time::to_proto(drift.observed_at)),
        since: Some(time::to_proto(explained.since)),
        cause: cause.into(),
        explanation: explained.cause.explanation().to_owned(),
    }
}

/// A capability value, bit by bit.
pub(super) fn capability(value: CapabilityValue) -> proto::DecodeCapabilityValueResponse {
    let decoded = value.decode();
    let moved = decoded.moved.iter().filter(|(_, moved)| **moved);
    let encryption = match decoded.encryption {
        Encryption::NotMoved => proto::Encryption::NotMoved,
        Encryption::Moved => proto::Encryption::Moved,
        Encryption::Unknown => proto::Encryption::Unknown,
    };
    let layout = match decoded.layout {
        Layout::Legacy => proto::CapabilityLayout::Legacy,
        Layout::Current => proto::CapabilityLayout::Current,
    };
    proto::DecodeCapabilityValueResponse {
        value: value.0,
        policy_present: decoded.policy_present,
        moved: moved.map(|(workload, _)| number(workload)).collect(),
        encryption: encryption.into(),
        unknown_bits: decoded.unknown_bits,
        layout: layout.into(),
    }
}
