//! What people say to a rollout.

use std::time::Duration;

use metrics::counter;
use prost::Message;
use tandem_contracts::authority::v1 as proto;
use tandem_contracts::r#type::v1::Justification;
use tandem_domain::id::PlanHash;
use tandem_server::Failure;
use tandem_server::once::Once;

use super::{not_found, principal, rollout_key};
use crate::grpc::Handlers;
use crate::grpc::policies::justification;
use crate::store::rollouts::command::{Commanded, Order, rollout_command};
use crate::store::rollouts::{rollout_fetch, rollout_spec};

/// How long a command that sets a rollout in motion waits for the first look at it.
const FIRST_LOOK: Duration = Duration::from_secs(2);

/// What every command says.
pub(super) struct Said {
    name: String,
    etag: String,
    request_id: String,
    justification: Option<Justification>,
}

/// A request that is a command.
pub(super) trait CommandRequest: Message + Clone {
    const METHOD: &'static str;

    /// The command itself.
    ///
    /// # Errors
    /// Something that it needs is not said.
    fn order(&self) -> Result<Order, Failure>;

    /// What it says besides.
    fn said(self) -> Said;

    /// The same without its id.
    fn unnamed(self) -> Self;
}

macro_rules! command {
    ($request:ident, $method:literal, |$it:ident| $order:expr) => {
        impl CommandRequest for proto::$request {
            const METHOD: &'static str = concat!("tandem.authority.v1.RolloutService/", $method);

            fn order(&self) -> Result<Order, Failure> {
                let $it = self;
                $order
            }

            fn said(self) -> Said {
                let Self { name, etag, request_id, justification, .. } = self;
                Said { name, etag, request_id, justification }
            }

            fn unnamed(self) -> Self {
                Self { request_id: String::new(), ..self }
            }
        }
    };
}

command!(SubmitRolloutRequest, "SubmitRollout", |_it| Ok(Order::Submit));
command!(ApproveRolloutRequest, "ApproveRollout", |it| Ok(Order::Approve {
    hash: hash(&it.hash)?,
    break_glass: None
}));
command!(BreakRolloutGlassRequest, "BreakRolloutGlass", |it| Ok(Order::Approve {
    hash: hash(&it.hash)?,
    break_glass: Some(reason(&it.justification)?)
}));
command!(WithdrawRolloutRequest, "WithdrawRollout", |_it| Ok(Order::Withdraw));
command!(StartRolloutRequest, "StartRollout", |_it| Ok(Order::Start));
command!(PauseRolloutRequest, "PauseRollout", |it| Ok(Order::Pause { why: reason(&it.justification)? }));
command!(ResumeRolloutRequest, "ResumeRollout", |_it| Ok(Order::Resume));
command!(ApproveRolloutWaveRequest, "ApproveRolloutWave", |it| Ok(Order::ApproveWave {
    wave: it.wave as usize,
    why: reason(&it.justification)?
}));
command!(RollBackRolloutRequest, "RollBackRollout", |it| Ok(Order::RollBack {
    why: reason(&it.justification)?
}));
command!(CancelRolloutRequest, "CancelRollout", |it| Ok(Order::Cancel { why: reason(&it.justification)? }));

/// The hash of what the caller has read.
fn hash(said: &str) -> Result<PlanHash, Failure> {
    PlanHash::parse(said).map_err(|_| {
        Failure::field("hash", "must be set to that of the rollout as it was read; found nothing, or no hash")
    })
}

/// Why, where it must be said.
pub(super) fn reason(said: &Option<Justification>) -> Result<String, Failure> {
    let reason = said.as_ref().map(|why| why.reason.trim()).unwrap_or_default();
    match reason {
        "" => Err(Failure::field("justification.reason", "must say why; found nothing")),
        reason => Ok(reason.to_owned()),
    }
}

impl Handlers {
    /// Carries a command out; `limit`: how long it may wait for the fleet to be counted, where it asks for that. Answers the rollout as it is then; of one that is to move now, once it was looked at.
    pub(super) async fn rollout_command<R: CommandRequest>(
        &self,
        request: R,
        by: String,
        limit: Duration,
    ) -> Result<Option<proto::Rollout>, Failure> {
        let at = self.clock.now();
        let (order, content) = (request.order()?, request.clone().unnamed());
        let Said { name, etag, request_id, justification: why } = request.said();
        let once = Once::new(&request_id, R::METHOD, &content, at)?;
        let why = justification(why)?;
        let (tenant, key) = rollout_key("name", &name)?;
        // How many must agree is a matter of how many devices there are now, not when it was drafted.
        let sizes = match order {
            Order::Submit | Order::Start => {
                let spec = rollout_spec(&self.store, &key).await?.ok_or_else(|| not_found(&key))?;
                Some(self.wave_sizes(&tenant, &key.hierarchy, &spec, "", limit).await?)
            }
            _ => None,
        };
        let breaks_glass = matches!(order, Order::Approve { break_glass: Some(_), .. });
        let moves = matches!(
            order,
            Order::Start | Order::Resume | Order::ApproveWave { .. } | Order::RollBack { .. }
        );
        let commanded = Commanded { key: key.clone(), etag, order, sizes, by: principal(&by)?, why, at };
        let rollout = rollout_command(&self.store, commanded, once).await?;
        if breaks_glass {
            counter!("tandem_authority_glass_broken_total").increment(1);
        }
        if !moves {
            self.rollouts.nudge();
            return Ok(Some(rollout));
        }
        match tokio::time::timeout(FIRST_LOOK, self.rollouts.look(&key.tenant)).await {
            Ok(Ok(_)) => {}
            // The controller looks at it as soon as it can, and tells what is in the way.
            Ok(Err(_)) | Err(_) => self.rollouts.nudge(),
        }
        Ok(rollout_fetch(&self.store, &key).await?.or(Some(rollout)))
    }
}
