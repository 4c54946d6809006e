//! What governs a kind of setting, and who holds it on a device.

use tandem_contracts::authority::v1 as proto;
use tandem_contracts::convert::number;
use tandem_domain::setting::{
    Applicability, Because, ExceptionOnDevice, GovernedBy, SettingException, SettingKind, SettingOnDevice,
    resolve_setting, setting_kinds,
};
use tandem_server::names::page_size;
use tandem_server::{Failure, names};
use tandem_storage::fingerprint;
use tandem_storage::page::PageToken;

use super::effective::{DEVICE, RESOURCE_TYPE};
use super::policies::paged;
use super::{Handlers, Tenant, convert};
use crate::judge::World;

/// The kind of page tokens.
const KINDS: &str = "setting_kinds";

/// A page of the kinds, in the order of the table.
pub(super) fn kinds(
    request: &proto::ListSettingKindsRequest,
) -> Result<proto::ListSettingKindsResponse, Failure> {
    let size = page_size(request.page_size)?;
    let filter = fingerprint(&[]);
    let start = PageToken::decode::<usize>(&request.page_token, KINDS, filter)?.unwrap_or_default();
    let kinds = setting_kinds().iter().enumerate().skip(start).take(size + 1).collect();
    let (page, next_page_token) =
        paged(kinds, size, |(place, _)| PageToken::encode(KINDS, filter, &(place + 1)));
    let kinds = page.into_iter().map(|(_, kind)| kind_message(kind)).collect();
    Ok(proto::ListSettingKindsResponse { kinds, next_page_token })
}

impl Handlers {
    pub(super) async fn setting_resolve(
        &self,
        request: proto::ResolveSettingRequest,
    ) -> Result<proto::ResolveSettingResponse, Failure> {
        let kind =
            resolve_setting(&request.kind).map_err(|unknown| Failure::field("kind", unknown.to_string()))?;
        let mut answer =
            proto::ResolveSettingResponse { kind: Some(kind_message(kind)), ..Default::default() };
        if !request.device.is_empty() {
            let (on_device, token) = self.setting_held(kind, request).await?;
            answer.on_device = Some(on_device);
            answer.consistency_token = token;
        }
        Ok(answer)
    }

    /// Who holds it on the device of the request, and the world of that.
    async fn setting_held(
        &self,
        kind: &'static SettingKind,
        request: proto::ResolveSettingRequest,
    ) -> Result<(proto::SettingOnDevice, String), Failure> {
        let proto::ResolveSettingRequest { device: name, consistency_token: token, .. } = request;
        let [tenant, _] = names::parse("device", DEVICE, &name)?;
        let tenant = Tenant::parse("device", &format!("tenants/{tenant}"))?;
        let policies = self.policies(&tenant, &token).await?;
        let found = self.devices.named(&tenant.name, vec![name.clone()], &token).await?;
        let world = World {
            policies,
            surroundings: self.surroundings(&tenant, &token).await?,
            as_of: self.clock.now(),
        };
        let missing = || Failure::NotFound { resource_type: RESOURCE_TYPE, name };
        let device = found.devices.into_iter().next().ok_or_else(missing)?;
        let device_revision = device.revision;
        let (name, facts) = convert::device(device)?;
        let (held, policy_revision) = world.holder_of(kind, &facts);
        let message =
            proto::SettingOnDevice { device: name, device_revision, policy_revision, ..held_message(&held) };
        Ok((message, self.token(&found.consistency_token, &world)?))
    }
}

fn kind_message(kind: &SettingKind) -> proto::SettingKind {
    let (governor, workload) = match kind.governed_by {
        GovernedBy::Workload(workload) => (proto::SettingGovernor::Workload, number(workload)),
        GovernedBy::ConfigurationManager => (proto::SettingGovernor::ConfigurationManager, 0),
        GovernedBy::NotDocumented => (proto::SettingGovernor::NotDocumented, 0),
    };
    proto::SettingKind {
        id: kind.id.to_owned(),
        display_name: kind.display_name.to_owned(),
        governor: governor.into(),
        workload,
        exceptions: kind.exceptions.iter().map(|exception| exception_message(*exception)).collect(),
        source: kind.source.to_string(),
        note: kind.note.unwrap_or_default().to_owned(),
    }
}

fn exception_message(exception: SettingException) -> proto::SettingException {
    proto::SettingException {
        id: exception.id().to_owned(),
        text: exception.text().to_owned(),
        source: exception.source().to_string(),
        ..Default::default()
    }
}

fn judged_message(judged: &ExceptionOnDevice) -> proto::SettingException {
    let (applicability, depends_on) = match judged.applicability {
        Applicability::Applies => (proto::ExceptionApplicability::Applies, ""),
        Applicability::DoesNotApply => (proto::ExceptionApplicability::DoesNotApply, ""),
        Applicability::Depends { on } => (proto::ExceptionApplicability::Depends, on),
    };
    proto::SettingException {
        applicability: applicability.into(),
        depends_on: depends_on.to_owned(),
        ..exception_message(judged.exception)
    }
}

fn held_message(held: &SettingOnDevice) -> proto::SettingOnDevice {
    let (basis, reason) = match held.because {
        Because::Workload { reason, .. } => (proto::HolderBasis::Workload, number(reason)),
        Because::Device { reason } => (proto::HolderBasis::Device, number(reason)),
        Because::OutsideWorkloads => (proto::HolderBasis::OutsideWorkloads, 0),
        Because::NotDocumented => (proto::HolderBasis::NotDocumented, 0),
    };
    proto::SettingOnDevice {
        holder: number(held.holder),
        also: held.also.map(number).unwrap_or_default(),
        basis: basis.into(),
        reason,
        explanation: held.because.explanation().to_owned(),
        autopilot_override_unknown: held.autopilot_override_unknown,
        exceptions: held.exceptions.iter().map(judged_message).collect(),
        ..Default::default()
    }
}
