//! The services that monitoring reads. It changes nothing in them.

use tandem_client::{Connection, Stack};
use tandem_contracts::authority::v1::authority_service_client::AuthorityServiceClient;
use tandem_contracts::prerequisites::v1::fleet_evaluation_service_client::FleetEvaluationServiceClient;
use tandem_contracts::prerequisites::v1::prerequisites_service_client::PrerequisitesServiceClient;

/// What the services are called in errors and logs.
pub(crate) const AUTHORITY: &str = "authority";
pub(crate) const PREREQUISITES: &str = "prerequisites";

/// A connection to each service. They may be one and the same, where one process serves them all.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// Tenants, their surroundings, devices, and members of collections.
    pub inventory: Connection,
    /// Policies and effective authority.
    pub authority: Connection,
    /// Checks of devices.
    pub prerequisites: Connection,
}

impl Upstream {
    pub(crate) fn authority(&self) -> AuthorityServiceClient<Stack> {
        self.authority.authority()
    }

    pub(crate) fn prerequisites(&self) -> PrerequisitesServiceClient<Stack> {
        self.prerequisites.prerequisites()
    }

    pub(crate) fn evaluation(&self) -> FleetEvaluationServiceClient<Stack> {
        self.prerequisites.on_own_behalf().fleet_evaluation()
    }
}
