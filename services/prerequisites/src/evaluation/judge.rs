//! Judges the devices of a fleet as the inventory sends them.

use std::sync::Arc;

use tandem_contracts::inventory::v1::Device;
use tandem_domain::filter::DeviceTraits;
use tandem_domain::state::management_state;
use tandem_fleet::{Counted, Judge, Own, World};
use tandem_server::Clock;
use tandem_server::consistency::Service;
use tandem_server::failure::Failure;
use tokio_util::task::AbortOnDropHandle;

use super::number::{Number, numbers};
use crate::basis::{Bases, Basis};
use crate::world::{KnownDevice, known};

/// Judges by the catalogue and what is kept of the tenant, at the time of the clock.
#[derive(Debug, Clone)]
pub(crate) struct FleetJudge {
    pub(crate) clock: Clock,
    pub(crate) bases: Bases,
}

impl Judge for FleetJudge {
    type Key = Number;
    type Own = Basis;
    const SERVICE: Option<Service> = Some(Service::Prerequisites);

    async fn own(&self, tenant: &str) -> Result<Own<Basis>, Failure> {
        let value = self.bases.of(tenant.rsplit('/').next().unwrap_or_default()).await?;
        let mark = Some(value.mark()).filter(|mark| mark.revision > 0);
        Ok(Own { value, mark })
    }

    /// On a task of its own: judging takes a processor, and another batch may take the other.
    async fn judge(
        &self,
        _: &str,
        world: Arc<World<Basis>>,
        devices: Vec<Device>,
    ) -> Result<Vec<Counted<Number>>, Failure> {
        let clock = self.clock;
        let judging = AbortOnDropHandle::new(tokio::spawn(async move {
            let as_of = clock.now();
            let mut counted = Vec::with_capacity(devices.len());
            let mut turn = world.own.turn();
            for device in devices {
                counted.push(count(known(device)?, &world, as_of));
                turn.judged().await;
            }
            Ok(counted)
        }));
        judging.await.map_err(Failure::internal)?
    }
}

fn count(device: KnownDevice, world: &World<Basis>, as_of: jiff::Timestamp) -> Counted<Number> {
    let KnownDevice { name, revision, facts } = device;
    let surroundings = world.around(&facts);
    let (keys, valid_until) = numbers(&facts, &surroundings, &world.own, as_of);
    Counted {
        device: name.rsplit('/').next().unwrap_or_default().into(),
        traits: DeviceTraits::of(&facts, management_state(&facts, surroundings.tenant)),
        display_name: facts.name.map(|name| name.value).unwrap_or_default(),
        revision,
        collections: facts.collections,
        keys,
        valid_until,
    }
}
