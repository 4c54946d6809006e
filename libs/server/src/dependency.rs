//! What another service's error means to the caller of this one.
//!
//! Facts about the caller's own request pass through: a name that nothing has, a token that is damaged, a watch that must start
//! anew. Everything else says that this service cannot answer: it is unavailable, or has a defect.

use tandem_contracts::r#type::v1::{ErrorReason, Permission};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::failure::{Failure, FieldViolation};
use crate::status::DOMAIN;

/// The resources of the contracts, by the full names of their messages.
const RESOURCE_TYPES: [&str; 12] = [
    "tandem.authority.v1.ApprovalRequest",
    "tandem.authority.v1.DesiredPolicy",
    "tandem.authority.v1.Plan",
    "tandem.authority.v1.Rollout",
    "tandem.authority.v1.RolloutAction",
    "tandem.inventory.v1.Collection",
    "tandem.inventory.v1.Device",
    "tandem.inventory.v1.Hierarchy",
    "tandem.inventory.v1.Site",
    "tandem.inventory.v1.Tenant",
    "tandem.prerequisites.v1.Rule",
    "tandem.type.v1.CoManagementPolicy",
];

/// What stands for the type of a resource that this release does not know.
const UNKNOWN_RESOURCE_TYPE: &str = "tandem.Resource";

impl Failure {
    /// Reads the status with which `dependency` (such as `inventory`) answered a call made for this request.
    #[must_use]
    pub fn from_dependency(dependency: &'static str, status: Status) -> Self {
        let details = status.get_error_details();
        passed_through(&details).unwrap_or_else(|| match status.code() {
            Code::DeadlineExceeded => Self::DeadlineExceeded,
            // Cancelled: the connection went away under the call. Exhausted: it sheds load. Both pass.
            Code::Unavailable | Code::Cancelled | Code::ResourceExhausted => {
                Self::unavailable(dependency, status)
            }
            // A cause of its own has only what the transport made up: the connection broke under the call.
            Code::Unknown | Code::Internal if std::error::Error::source(&status).is_some() => {
                Self::unavailable(dependency, status)
            }
            _ => Self::internal(status),
        })
    }
}

/// The failure that is the caller's as much as ours.
fn passed_through(details: &ErrorDetails) -> Option<Failure> {
    let info = details.error_info().filter(|info| info.domain == DOMAIN)?;
    let number = |key: &str| info.metadata.get(key)?.parse::<u64>().ok();
    match ErrorReason::from_str_name(&format!("ERROR_REASON_{}", info.reason))? {
        ErrorReason::InvalidField => {
            let violations = details.bad_request()?.field_violations.iter();
            let violations = violations
                .map(|v| FieldViolation { field: v.field.clone(), description: v.description.clone() });
            Some(Failure::InvalidFields(violations.collect()))
        }
        ErrorReason::InvalidPageToken => Some(Failure::InvalidPageToken),
        ErrorReason::InvalidConsistencyToken => Some(Failure::InvalidConsistencyToken),
        ErrorReason::ResourceNotFound => {
            let resource = details.resource_info()?;
            let known = RESOURCE_TYPES.into_iter().find(|known| *known == resource.resource_type);
            Some(Failure::NotFound {
                resource_type: known.unwrap_or(UNKNOWN_RESOURCE_TYPE),
                name: resource.resource_name.clone(),
            })
        }
        ErrorReason::IncarnationChanged => Some(Failure::IncarnationChanged),
        ErrorReason::RevisionTooOld => {
            Some(Failure::RevisionTooOld { asked: number("asked")?, oldest: number("oldest")? })
        }
        ErrorReason::NotYetConsistent => {
            Some(Failure::NotYetConsistent { asked: number("asked")?, seen: number("seen")? })
        }
        ErrorReason::PermissionDenied => {
            if let Some(tenant) = info.metadata.get("tenant") {
                return Some(Failure::TenantDenied { tenant: tenant.clone() });
            }
            if let Some(name) = info.metadata.get("name") {
                return Some(Failure::ScopeDenied { name: name.clone() });
            }
            let permission = Permission::from_str_name(info.metadata.get("permission")?)?;
            Some(Failure::PermissionDenied { permission })
        }
        // Services change nothing in each other on a caller's behalf, so these speak of our own calls.
        ErrorReason::ResourceAlreadyExists
        | ErrorReason::EtagMismatch
        | ErrorReason::RequestIdReused
        | ErrorReason::ResourceInUse
        | ErrorReason::FleetNotCounted
        | ErrorReason::PlanHashMismatch
        | ErrorReason::PlanBaseChanged
        | ErrorReason::PlanAlreadyApplied
        | ErrorReason::ApprovalsMissing
        | ErrorReason::ApprovalExpired
        | ErrorReason::ApprovalRejected
        | ErrorReason::SelfApproval
        | ErrorReason::AlreadyApproved
        | ErrorReason::ApprovalPlanChanged
        | ErrorReason::NoApprovalNeeded
        | ErrorReason::ApprovalPending
        | ErrorReason::ApprovalReasonMissing
        | ErrorReason::RolloutCollectionUnknown
        | ErrorReason::RolloutWorkloadMoving
        | ErrorReason::RolloutCommandNotAllowed
        | ErrorReason::TenantFrozen
        | ErrorReason::TenantNotFrozen
        | ErrorReason::RolloutPlanChanged
        | ErrorReason::RolloutWaveNotCurrent
        | ErrorReason::RolloutWaveNotInconclusive
        | ErrorReason::RolloutWaveCount
        | ErrorReason::RolloutWaveEmpty
        | ErrorReason::RolloutWaveDuplicate
        | ErrorReason::RolloutPercentagesDoNotAddUp
        | ErrorReason::RolloutWindowNeverOpens
        | ErrorReason::RolloutWindowTooLong
        | ErrorReason::RolloutShareOutOfRange
        | ErrorReason::RolloutGatesContradict
        | ErrorReason::RolloutSampleOutOfReach
        | ErrorReason::RolloutBudgetOfNothing
        | ErrorReason::RolloutDeadlineBeforeSoak
        | ErrorReason::RolloutOfflineAtOnce
        | ErrorReason::RolloutActionOutOfOrder
        | ErrorReason::RolloutActionSuperseded
        | ErrorReason::HistoryNotKnown
        | ErrorReason::UnknownMethod
        | ErrorReason::MalformedMessage => None,
        // Credentials and limits of the other service are ours to have right; its defects are no news to the caller.
        ErrorReason::Unauthenticated
        | ErrorReason::LimitExceeded
        | ErrorReason::DependencyUnavailable
        | ErrorReason::DeadlineExceeded
        | ErrorReason::Internal
        | ErrorReason::Unspecified => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_resource_type_is_a_message_of_the_contracts() {
        let pool = prost_reflect::DescriptorPool::decode(tandem_contracts::DESCRIPTOR_SET).unwrap();
        let unknown: Vec<_> =
            RESOURCE_TYPES.into_iter().filter(|name| pool.get_message_by_name(name).is_none()).collect();
        assert_eq!(unknown, Vec::<&str>::new());
    }

    fn passed(failure: Failure) -> String {
        format!("{:?}", Failure::from_dependency("inventory", Status::from(failure)))
    }

    #[test]
    fn name_that_the_dependency_does_not_know_keeps_its_resource() {
        let missing = || Failure::NotFound {
            resource_type: "tandem.inventory.v1.Tenant",
            name: "tenants/contoso".into(),
        };
        assert_eq!(passed(missing()), format!("{:?}", missing()));
    }

    #[test]
    fn facts_about_the_callers_request_pass_through() {
        let failures: [fn() -> Failure; 8] = [
            || Failure::field("filter.name", "expected at most 256 characters, found 300"),
            || Failure::InvalidPageToken,
            || Failure::InvalidConsistencyToken,
            || Failure::IncarnationChanged,
            || Failure::RevisionTooOld { asked: 3, oldest: 40 },
            || Failure::NotYetConsistent { asked: 90, seen: 88 },
            || Failure::PermissionDenied { permission: Permission::DevicesRead },
            || Failure::TenantDenied { tenant: "fabrikam".into() },
        ];
        for failure in failures {
            assert_eq!(passed(failure()), format!("{:?}", failure()));
        }
    }

    #[test]
    fn dependency_that_is_away_is_unavailable() {
        for status in [
            Status::unavailable("tcp connect error"),
            Status::cancelled("operation was canceled"),
            Status::from(Failure::unavailable("database", "locked")),
            Status::from(Failure::LimitExceeded { limit: "streams", allowed: 1, found: 2 }),
        ] {
            let failure = Failure::from_dependency("inventory", status);
            assert!(
                matches!(failure, Failure::DependencyUnavailable { dependency: "inventory", .. }),
                "{failure:?}"
            );
        }
    }

    #[test]
    fn deadline_of_the_dependency_is_ours() {
        let failure = Failure::from_dependency("inventory", Status::deadline_exceeded("timeout expired"));
        assert!(matches!(failure, Failure::DeadlineExceeded), "{failure:?}");
    }

    #[test]
    fn other_errors_of_the_dependency_are_our_defect() {
        for status in [
            Status::invalid_argument("without details"),
            Status::unimplemented(""),
            Status::from(Failure::Unauthenticated("the access token has expired")),
            Status::from(Failure::RequestIdReused { request_id: "r".into() }),
        ] {
            let failure = Failure::from_dependency("inventory", status);
            assert!(matches!(failure, Failure::Internal { .. }), "{failure:?}");
        }
    }
}
