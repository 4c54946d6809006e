//! By what else a tenant's devices are judged, as callers read and change it.

use tandem_contracts::prerequisites::v1;
use tandem_server::ConsistencyToken;
use tandem_server::failure::Failure;
use tandem_server::names;
use tandem_server::once::Once;

use super::{Handlers, convert, request};
use crate::store::settings::{NewSettings, settings_fetch, settings_update};
use crate::store::world;

const SETTINGS: &str = "tenants/{t}/evaluationSettings";
const UPDATE: &str = "tandem.prerequisites.v1.FleetEvaluationService/UpdateEvaluationSettings";

fn tenant(field: &str, name: &str) -> Result<String, Failure> {
    let [tenant] = names::parse(field, SETTINGS, name)?;
    Ok(request::tenant(field, &format!("tenants/{tenant}"))?.to_string())
}

impl Handlers {
    pub(super) async fn settings_get(
        &self,
        request: v1::GetEvaluationSettingsRequest,
    ) -> Result<v1::GetEvaluationSettingsResponse, Failure> {
        let tenant = tenant("name", &request.name)?;
        let token = ConsistencyToken::parse(&request.consistency_token)?;
        self.check_tenant_exists(&tenant).await?;
        let seen = self.store.at_least(&tenant, &token).await?;
        let settings = settings_fetch(&self.store, &tenant).await?;
        let consistency_token = world(seen).to_string();
        Ok(v1::GetEvaluationSettingsResponse { evaluation_settings: Some(settings), consistency_token })
    }

    pub(super) async fn settings_update(
        &self,
        request: v1::UpdateEvaluationSettingsRequest,
        by: String,
    ) -> Result<v1::UpdateEvaluationSettingsResponse, Failure> {
        let at = self.clock.now();
        let content = v1::UpdateEvaluationSettingsRequest { request_id: String::new(), ..request.clone() };
        let once = Once::new(&request.request_id, UPDATE, &content, at)?;
        let unset = || Failure::field("evaluation_settings", "must be set");
        let settings = request.evaluation_settings.ok_or_else(unset)?;
        let tenant = tenant("evaluation_settings.name", &settings.name)?;
        convert::settings::ages(&settings.maximum_ages)?;
        self.check_tenant_exists(&tenant).await?;
        settings_update(&self.store, NewSettings { tenant, settings, by, at }, once).await
    }
}
