//! A claim, and what became of it.

use tandem_contracts::authority::v1 as proto;
use tandem_contracts::convert::{enum_required, number, number_or_unspecified, time};
use tandem_domain::authority::{Claimant, Pilot, WayOut, ways_out};
use tandem_domain::id::{CollectionId, HierarchyId};
use tandem_domain::workload::{ManagementAuthority, SliderPosition, Workload};
use tandem_server::Failure;

use super::invalid;
use crate::grpc::check::Checked;

/// Which workload somebody wants to act on, and for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::grpc) struct Claim {
    workload: Workload,
    claimant: Claimant,
}

/// What a request claims.
pub(in crate::grpc) fn claim(workload: i32, claimant: i32) -> Result<Claim, Failure> {
    let workload = enum_required("workload", workload).map_err(invalid)?;
    let claimant = match enum_required("claimant", claimant).map_err(invalid)? {
        ManagementAuthority::ConfigurationManager => Claimant::ConfigurationManager,
        ManagementAuthority::Intune => Claimant::Intune,
        other @ (ManagementAuthority::ThirdPartyMdm
        | ManagementAuthority::None
        | ManagementAuthority::Unknown) => {
            let expected = format!("expected configuration_manager or intune, found {other}");
            return Err(Failure::field("claimant", expected));
        }
    };
    Ok(Claim { workload, claimant })
}

/// The answer to a claim on a device of that tenant.
pub(in crate::grpc) fn checked(
    tenant: &str,
    claim: Claim,
    checked: Checked,
) -> proto::CheckAuthorityResponse {
    let Checked { device_revision, decided, world, consistency_token } = checked;
    let Claim { workload, claimant } = claim;
    let reason = decided.reasons[workload];
    let hierarchy = decided.hierarchy.as_ref();
    let policy = world.policies.of(hierarchy).map(|known| &known.policy);
    let known = world.surroundings.complete_collections(hierarchy);
    let place = Place { tenant, hierarchy };
    let since = decided.since.get(workload);
    let ways = ways_out(workload, claimant, reason, policy, known);
    proto::CheckAuthorityResponse {
        allowed: claimant.holds(reason),
        holder: number(reason.authority()),
        reason: number(reason),
        ways_out: ways.into_iter().map(|way| place.way_out(way)).collect(),
        device_revision,
        policy_revision: decided.policy_revision,
        consistency_token,
        since: since.map(|(at, _)| time::to_proto(at)),
        since_first_look: since.is_some_and(|(_, first_look)| first_look),
    }
}

/// Where collections have their names.
struct Place<'a> {
    tenant: &'a str,
    hierarchy: Option<&'a HierarchyId>,
}

impl Place<'_> {
    fn collection(&self, id: &CollectionId) -> String {
        // Whoever has a pilot has a policy, which is a hierarchy's.
        let hierarchy = self.hierarchy.map_or("", HierarchyId::as_str);
        format!("tenants/{}/hierarchies/{hierarchy}/collections/{id}", self.tenant)
    }

    fn way_out(&self, way: WayOut) -> proto::WayOut {
        use proto::WayOutKind as Kind;
        match way {
            WayOut::ReportClient => of_kind(Kind::ReportClient),
            WayOut::InstallClient => of_kind(Kind::InstallClient),
            WayOut::Enroll => of_kind(Kind::Enroll),
            WayOut::ImportSiteRecord => of_kind(Kind::ImportSiteRecord),
            WayOut::DeliverPolicy => of_kind(Kind::DeliverPolicy),
            WayOut::ProvisionMdm => of_kind(Kind::ProvisionMdm),
            WayOut::LiftAutopilotOverride => of_kind(Kind::LiftAutopilotOverride),
            WayOut::SetUpCoManagement => of_kind(Kind::SetUpCoManagement),
            WayOut::MoveSlider { workload, to } => {
                proto::WayOut { workload: number(workload), slider: number(to), ..of_kind(Kind::MoveSlider) }
            }
            WayOut::JoinPilot(pilot) => self.pilot(Kind::JoinPilot, &pilot),
            WayOut::LeavePilot(pilot) => self.pilot(Kind::LeavePilot, &pilot),
            WayOut::RecordPolicy => of_kind(Kind::RecordPolicy),
            WayOut::ReportSiteVersion => of_kind(Kind::ReportSiteVersion),
            WayOut::ImportMembers { workload, collection } => proto::WayOut {
                workload: number(workload),
                collection: self.collection(&collection),
                ..of_kind(Kind::ImportMembers)
            },
        }
    }

    fn pilot(&self, kind: proto::WayOutKind, pilot: &Pilot) -> proto::WayOut {
        let Pilot { workload, collection, begins } = pilot;
        proto::WayOut {
            workload: number(*workload),
            slider: number_or_unspecified(begins.then_some(SliderPosition::PilotIntune)),
            collection: collection.as_ref().map(|id| self.collection(id)).unwrap_or_default(),
            ..of_kind(kind)
        }
    }
}

fn of_kind(kind: proto::WayOutKind) -> proto::WayOut {
    proto::WayOut { kind: kind.into(), ..proto::WayOut::default() }
}
