//! Which services a server may serve: those of the contracts, each bounded in the same way.

use std::convert::Infallible;

use tandem_contracts::{authority, inventory, monitoring, prerequisites};
use tonic::body::Body;
use tonic::server::NamedService;
use tower::Service;

/// Largest message taken or sent. The largest are ingest batches and pages: 1,000 devices of at most some 10 kB each. Clients
/// have the same limit, so more than this would be refused there anyway.
pub const MAX_MESSAGE_BYTES: usize = 16 * 1024 * 1024;

/// A service of the contracts, as generated. Only these have permissions in the descriptor set, so only these can be served.
pub trait ContractService:
    Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible, Future: Send>
    + NamedService
    + Clone
    + Send
    + Sync
    + 'static
{
    /// The same service, bounded by [`MAX_MESSAGE_BYTES`].
    #[must_use]
    fn bounded(self) -> Self;
}

macro_rules! contract_services {
    ($($module:path: $handler:ident, $server:ident;)*) => {$(
        const _: () = {
            use $module::{$handler, $server};

            impl<T: $handler> ContractService for $server<T> {
                fn bounded(self) -> Self {
                    self.max_decoding_message_size(MAX_MESSAGE_BYTES).max_encoding_message_size(MAX_MESSAGE_BYTES)
                }
            }
        };
    )*};
}

contract_services! {
    inventory::v1::tenant_service_server: TenantService, TenantServiceServer;
    inventory::v1::hierarchy_service_server: HierarchyService, HierarchyServiceServer;
    inventory::v1::device_service_server: DeviceService, DeviceServiceServer;
    inventory::v1::collection_service_server: CollectionService, CollectionServiceServer;
    prerequisites::v1::custom_rule_service_server: CustomRuleService, CustomRuleServiceServer;
    prerequisites::v1::fleet_evaluation_service_server: FleetEvaluationService, FleetEvaluationServiceServer;
    prerequisites::v1::prerequisites_service_server: PrerequisitesService, PrerequisitesServiceServer;
    authority::v1::authority_service_server: AuthorityService, AuthorityServiceServer;
    authority::v1::audit_service_server: AuditService, AuditServiceServer;
    authority::v1::plan_service_server: PlanService, PlanServiceServer;
    authority::v1::approval_service_server: ApprovalService, ApprovalServiceServer;
    authority::v1::rollout_service_server: RolloutService, RolloutServiceServer;
    monitoring::v1::monitoring_service_server: MonitoringService, MonitoringServiceServer;
}
