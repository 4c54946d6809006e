//! Freezes everything in a tenant, and thaws it.

use std::time::Duration;

use tandem_contracts::authority::v1::{
    FreezeTenantRequest, FreezeTenantResponse, GetFreezeRequest, GetFreezeResponse, UnfreezeTenantRequest,
    UnfreezeTenantResponse,
};
use tandem_server::once::Once;
use tandem_server::{Failure, names};

use super::commands::reason;
use super::principal;
use crate::grpc::policies::justification;
use crate::grpc::{Handlers, Tenant};
use crate::store::rollouts::freeze::{FreezeOrder, freeze_fetch, freeze_message, freeze_set};

/// Who stops everything waits so long for the inventory at most.
const BELIEVED_AFTER: Duration = Duration::from_secs(1);

const FREEZE: &str = "tenants/{t}/freeze";
const BEGIN: &str = "tandem.authority.v1.RolloutService/FreezeTenant";
const END: &str = "tandem.authority.v1.RolloutService/UnfreezeTenant";

impl Handlers {
    pub(super) async fn tenant_freeze(
        &self,
        request: FreezeTenantRequest,
        by: String,
    ) -> Result<FreezeTenantResponse, Failure> {
        let at = self.clock.now();
        let content = FreezeTenantRequest { request_id: String::new(), ..request.clone() };
        let once = Once::new(&request.request_id, BEGIN, &content, at)?;
        let tenant = Tenant::parse("name", &request.name)?;
        // A mistyped name would seem to stop everything. While nobody can say which tenants there are, it is believed.
        let known = tokio::time::timeout(BELIEVED_AFTER, self.surroundings(&tenant, ""));
        if let Ok(Err(unknown @ Failure::NotFound { .. })) = known.await {
            return Err(unknown);
        }
        let tenant = tenant.id;
        let freeze = Some(reason(&request.justification)?);
        let why = justification(request.justification)?;
        let order = FreezeOrder { tenant, freeze, by: principal(&by)?, why, at };
        let freeze = freeze_set(&self.store, order, once).await?;
        self.rollouts.nudge();
        Ok(FreezeTenantResponse { freeze: Some(freeze) })
    }

    pub(super) async fn tenant_unfreeze(
        &self,
        request: UnfreezeTenantRequest,
        by: String,
    ) -> Result<UnfreezeTenantResponse, Failure> {
        let at = self.clock.now();
        let content = UnfreezeTenantRequest { request_id: String::new(), ..request.clone() };
        let once = Once::new(&request.request_id, END, &content, at)?;
        let tenant = Tenant::parse("name", &request.name)?.id;
        let why = justification(request.justification)?;
        let order = FreezeOrder { tenant, freeze: None, by: principal(&by)?, why, at };
        let freeze = freeze_set(&self.store, order, once).await?;
        self.rollouts.nudge();
        Ok(UnfreezeTenantResponse { freeze: Some(freeze) })
    }

    pub(super) async fn freeze_get(&self, request: GetFreezeRequest) -> Result<GetFreezeResponse, Failure> {
        let [tenant] = names::parse("name", FREEZE, &request.name)?;
        let tenant = Tenant::parse("name", &format!("tenants/{tenant}"))?.id;
        let freeze = freeze_fetch(&self.store, &tenant).await?;
        Ok(GetFreezeResponse { freeze: Some(freeze_message(tenant.as_str(), freeze.as_ref(), true)) })
    }
}
