//! Everything in a tenant stopped, and the ways out of co-management.

use super::world::World;

#[tokio::test]
async fn frozen_tenant_moves_nothing_until_it_is_unfrozen() {
    let world = World::with_the_sample().await;
    for line in [
        "authority freeze --show",
        "authority unfreeze",
        "authority freeze --reason outage --ticket INC-7",
        "authority freeze --reason again",
        "authority freeze --show",
        "authority rollout draft PS1/apps --workload client_apps --to intune --percent 5",
        "authority unfreeze --reason mended",
        "authority freeze --show --tenant contoso",
    ] {
        println!("{line}: {:?}", world.told(line, None).await);
    }
    panic!("whole outputs");
}

#[tokio::test]
async fn way_out_is_laid_down_for_what_leaves() {
    let world = World::with_the_sample().await;
    for line in [
        "authority decommission hierarchy LB1",
        "authority decommission workload client_apps --hierarchy PS1",
        "authority decommission workload client_apps",
        "authority decommission devices OSL-LT-A-01",
        "authority decommission devices OSL-LT-A-01 --hierarchy LB1",
    ] {
        let (text, remarks, ended) = world.told(line, None).await;
        println!("{line}:\n{text}{remarks}{ended:?}");
    }
    panic!("whole outputs");
}
