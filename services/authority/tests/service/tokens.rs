//! A reader who passes a consistency token never sees an older world.

use tandem_contracts::authority::v1::GetEffectiveAuthorityRequest;
use tandem_contracts::r#type::v1::{AuthorityReason, ErrorReason};
use tandem_server::ConsistencyToken;
use tandem_server::consistency::Service;

use crate::effective::get;
use crate::fleet::{self, PILOT_MEMBER};
use crate::{Sandbox, reason, sandbox_with_policy};

async fn refusal(sandbox: &mut Sandbox, token: String) -> ErrorReason {
    let request = GetEffectiveAuthorityRequest { name: PILOT_MEMBER.into(), consistency_token: token };
    reason(sandbox.client.get_effective_authority(request).await.unwrap_err())
}

pub(crate) async fn answer_names_the_world_of_both_services() {
    let mut sandbox = sandbox_with_policy().await;
    let recorded = sandbox.record(fleet::policy()).await.unwrap();
    let request = GetEffectiveAuthorityRequest { name: PILOT_MEMBER.into(), ..Default::default() };
    let answer = sandbox.client.get_effective_authority(request).await.unwrap().into_inner();
    let ours = ConsistencyToken::parse(&recorded.consistency_token).unwrap();
    let expected = sandbox.inventory.world().world().merge(&ours);
    assert_eq!(ConsistencyToken::parse(&answer.consistency_token).unwrap(), expected);
    // What was answered can be asked for.
    get(&mut sandbox, PILOT_MEMBER, &answer.consistency_token).await;
}

pub(crate) async fn token_ahead_of_this_service_is_not_yet_consistent() {
    let mut sandbox = sandbox_with_policy().await;
    let recorded = sandbox.record(fleet::policy()).await.unwrap();
    let mark = ConsistencyToken::parse(&recorded.consistency_token).unwrap().get(Service::Authority).unwrap();
    let token = |incarnation, revision| {
        ConsistencyToken::default().with(Service::Authority, incarnation, revision).to_string()
    };
    let ahead = token(mark.incarnation, mark.revision + 1);
    assert_eq!(refusal(&mut sandbox, ahead).await, ErrorReason::NotYetConsistent);
    let of_another_life = token(mark.incarnation.wrapping_add(1), 1);
    assert_eq!(refusal(&mut sandbox, of_another_life).await, ErrorReason::IncarnationChanged);
}

pub(crate) async fn token_ahead_of_the_inventory_is_refused_in_its_words() {
    let mut sandbox = sandbox_with_policy().await;
    let token = |incarnation, revision| {
        ConsistencyToken::default().with(Service::Inventory, incarnation, revision).to_string()
    };
    assert_eq!(refusal(&mut sandbox, token(7, 15)).await, ErrorReason::NotYetConsistent);
    assert_eq!(refusal(&mut sandbox, token(8, 1)).await, ErrorReason::IncarnationChanged);
}

pub(crate) async fn damaged_token_asks_nobody() {
    let mut sandbox = sandbox_with_policy().await;
    sandbox.inventory.world().away = true;
    assert_eq!(refusal(&mut sandbox, "damaged".into()).await, ErrorReason::InvalidConsistencyToken);
}

pub(crate) async fn token_of_a_later_inventory_reads_the_surroundings_anew() {
    let mut sandbox = sandbox_with_policy().await;
    get(&mut sandbox, PILOT_MEMBER, "").await;
    let token = {
        // The site is upgraded to a version that fixes resource access at Intune.
        let mut world = sandbox.inventory.world();
        world.revision += 1;
        world.surroundings_revision = world.revision;
        let site = world.hierarchies[1].sites.get_mut("PS1").unwrap();
        site.version = Some("2403".into());
        world.token()
    };
    let reason = get(&mut sandbox, PILOT_MEMBER, &token).await.workloads[2].reason;
    assert_eq!(reason, i32::from(AuthorityReason::ResourceAccessFixed));
}
