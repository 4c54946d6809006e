//! The effective authority on every device that a filter takes.

use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use tandem_contracts::authority::v1::{StreamEffectiveAuthorityRequest, StreamEffectiveAuthorityResponse};
use tandem_server::Failure;
use tonic::Status;

use super::{Handlers, Tenant, convert};
use crate::devices::DeviceBatch;
use crate::judge::World;

impl Handlers {
    /// One world judges the whole stream, so that its answers can be counted together. Batches go on as they come: a slow
    /// reader slows the inventory down, and nothing piles up here.
    pub(super) async fn effective_stream(
        &self,
        request: StreamEffectiveAuthorityRequest,
    ) -> Result<BoxStream<'static, Result<StreamEffectiveAuthorityResponse, Status>>, Failure> {
        let tenant = Tenant::parse("parent", &request.parent)?;
        let world = self.world(&tenant, &request.consistency_token).await?;
        let batches = self.devices.snapshot(&tenant.name, request.filter, request.consistency_token).await?;
        let handlers = self.clone();
        let answers = batches.map(move |batch| handlers.judged_batch(&world, batch?));
        Ok(answers.map_err(Status::from).boxed())
    }

    /// Until the inventory says up to where it has sent, a batch is known to be of the world of its surroundings or later.
    fn judged_batch(
        &self,
        world: &World,
        batch: DeviceBatch,
    ) -> Result<StreamEffectiveAuthorityResponse, Failure> {
        let inventory = match batch.consistency_token.as_str() {
            "" => &world.surroundings.consistency_token,
            said => said,
        };
        Ok(StreamEffectiveAuthorityResponse {
            consistency_token: self.token(inventory, world)?,
            effective_authorities: convert::judged_all(world, batch.devices)?,
        })
    }
}
