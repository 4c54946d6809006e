//! The service: parse, call, map.

use tandem_contracts::authority::v1 as proto;
use tandem_contracts::authority::v1::rollout_service_server::RolloutService;
use tandem_server::principal_of;
use tandem_server::waiting::waiting_time;
use tonic::{Request, Response, Status};

use crate::grpc::Handlers;

#[tonic::async_trait]
impl RolloutService for Handlers {
    async fn create_rollout(
        &self,
        request: Request<proto::CreateRolloutRequest>,
    ) -> Result<Response<proto::CreateRolloutResponse>, Status> {
        let (created_by, limit) = (principal_of(&request).id.clone(), waiting_time(request.metadata()));
        Ok(Response::new(self.rollout_create(request.into_inner(), created_by, limit).await?))
    }

    async fn get_rollout(
        &self,
        request: Request<proto::GetRolloutRequest>,
    ) -> Result<Response<proto::GetRolloutResponse>, Status> {
        Ok(Response::new(self.rollout_get(request.into_inner()).await?))
    }

    async fn list_rollouts(
        &self,
        request: Request<proto::ListRolloutsRequest>,
    ) -> Result<Response<proto::ListRolloutsResponse>, Status> {
        Ok(Response::new(self.rollouts_list(request.into_inner()).await?))
    }

    async fn submit_rollout(
        &self,
        request: Request<proto::SubmitRolloutRequest>,
    ) -> Result<Response<proto::SubmitRolloutResponse>, Status> {
        let (by, limit) = (principal_of(&request).id.clone(), waiting_time(request.metadata()));
        let rollout = self.rollout_command(request.into_inner(), by, limit).await?;
        Ok(Response::new(proto::SubmitRolloutResponse { rollout }))
    }

    async fn approve_rollout(
        &self,
        request: Request<proto::ApproveRolloutRequest>,
    ) -> Result<Response<proto::ApproveRolloutResponse>, Status> {
        let (by, limit) = (principal_of(&request).id.clone(), waiting_time(request.metadata()));
        let rollout = self.rollout_command(request.into_inner(), by, limit).await?;
        Ok(Response::new(proto::ApproveRolloutResponse { rollout }))
    }

    async fn break_rollout_glass(
        &self,
        request: Request<proto::BreakRolloutGlassRequest>,
    ) -> Result<Response<proto::BreakRolloutGlassResponse>, Status> {
        let (by, limit) = (principal_of(&request).id.clone(), waiting_time(request.metadata()));
        let rollout = self.rollout_command(request.into_inner(), by, limit).await?;
        Ok(Response::new(proto::BreakRolloutGlassResponse { rollout }))
    }

    async fn withdraw_rollout(
        &self,
        request: Request<proto::WithdrawRolloutRequest>,
    ) -> Result<Response<proto::WithdrawRolloutResponse>, Status> {
        let (by, limit) = (principal_of(&request).id.clone(), waiting_time(request.metadata()));
        let rollout = self.rollout_command(request.into_inner(), by, limit).await?;
        Ok(Response::new(proto::WithdrawRolloutResponse { rollout }))
    }

    async fn start_rollout(
        &self,
        request: Request<proto::StartRolloutRequest>,
    ) -> Result<Response<proto::StartRolloutResponse>, Status> {
        let (by, limit) = (principal_of(&request).id.clone(), waiting_time(request.metadata()));
        let rollout = self.rollout_command(request.into_inner(), by, limit).await?;
        Ok(Response::new(proto::StartRolloutResponse { rollout }))
    }

    async fn pause_rollout(
        &self,
        request: Request<proto::PauseRolloutRequest>,
    ) -> Result<Response<proto::PauseRolloutResponse>, Status> {
        let (by, limit) = (principal_of(&request).id.clone(), waiting_time(request.metadata()));
        let rollout = self.rollout_command(request.into_inner(), by, limit).await?;
        Ok(Response::new(proto::PauseRolloutResponse { rollout }))
    }

    async fn resume_rollout(
        &self,
        request: Request<proto::ResumeRolloutRequest>,
    ) -> Result<Response<proto::ResumeRolloutResponse>, Status> {
        let (by, limit) = (principal_of(&request).id.clone(), waiting_time(request.metadata()));
        let rollout = self.rollout_command(request.into_inner(), by, limit).await?;
        Ok(Response::new(proto::ResumeRolloutResponse { rollout }))
    }

    async fn approve_rollout_wave(
        &self,
        request: Request<proto::ApproveRolloutWaveRequest>,
    ) -> Result<Response<proto::ApproveRolloutWaveResponse>, Status> {
        let (by, limit) = (principal_of(&request).id.clone(), waiting_time(request.metadata()));
        let rollout = self.rollout_command(request.into_inner(), by, limit).await?;
        Ok(Response::new(proto::ApproveRolloutWaveResponse { rollout }))
    }

    async fn roll_back_rollout(
        &self,
        request: Request<proto::RollBackRolloutRequest>,
    ) -> Result<Response<proto::RollBackRolloutResponse>, Status> {
        let (by, limit) = (principal_of(&request).id.clone(), waiting_time(request.metadata()));
        let rollout = self.rollout_command(request.into_inner(), by, limit).await?;
        Ok(Response::new(proto::RollBackRolloutResponse { rollout }))
    }

    async fn cancel_rollout(
        &self,
        request: Request<proto::CancelRolloutRequest>,
    ) -> Result<Response<proto::CancelRolloutResponse>, Status> {
        let (by, limit) = (principal_of(&request).id.clone(), waiting_time(request.metadata()));
        let rollout = self.rollout_command(request.into_inner(), by, limit).await?;
        Ok(Response::new(proto::CancelRolloutResponse { rollout }))
    }

    async fn list_rollout_devices(
        &self,
        request: Request<proto::ListRolloutDevicesRequest>,
    ) -> Result<Response<proto::ListRolloutDevicesResponse>, Status> {
        Ok(Response::new(self.rollout_devices_list(request.into_inner()).await?))
    }

    async fn list_rollout_actions(
        &self,
        request: Request<proto::ListRolloutActionsRequest>,
    ) -> Result<Response<proto::ListRolloutActionsResponse>, Status> {
        Ok(Response::new(self.rollout_actions_list(request.into_inner()).await?))
    }

    async fn confirm_rollout_action(
        &self,
        request: Request<proto::ConfirmRolloutActionRequest>,
    ) -> Result<Response<proto::ConfirmRolloutActionResponse>, Status> {
        let by = principal_of(&request).id.clone();
        Ok(Response::new(self.rollout_action_confirm(request.into_inner(), by).await?))
    }

    async fn freeze_tenant(
        &self,
        request: Request<proto::FreezeTenantRequest>,
    ) -> Result<Response<proto::FreezeTenantResponse>, Status> {
        let by = principal_of(&request).id.clone();
        Ok(Response::new(self.tenant_freeze(request.into_inner(), by).await?))
    }

    async fn unfreeze_tenant(
        &self,
        request: Request<proto::UnfreezeTenantRequest>,
    ) -> Result<Response<proto::UnfreezeTenantResponse>, Status> {
        let by = principal_of(&request).id.clone();
        Ok(Response::new(self.tenant_unfreeze(request.into_inner(), by).await?))
    }

    async fn get_freeze(
        &self,
        request: Request<proto::GetFreezeRequest>,
    ) -> Result<Response<proto::GetFreezeResponse>, Status> {
        Ok(Response::new(self.freeze_get(request.into_inner()).await?))
    }
}
