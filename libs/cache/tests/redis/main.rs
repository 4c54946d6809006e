//! The Redis adapter against real servers: the suite of all adapters, the one invariant under any order of events, and faults.
#![allow(clippy::unwrap_used, reason = "tests and what they share")]

mod any_order;
mod cluster_faults;
mod faults;
mod hints;
mod observer;
mod promises;
#[path = "../world/mod.rs"]
mod world;

use std::process::ExitCode;

use tandem_testkit::suite::Suite;

fn main() -> ExitCode {
    Suite::new()
        .with_containers("promises::server_keeps_every_promise", promises::server_keeps_every_promise)
        .with_containers(
            "promises::server_with_a_near_layer_keeps_every_promise",
            promises::server_with_a_near_layer_keeps_every_promise,
        )
        .with_containers("promises::cluster_keeps_every_promise", promises::cluster_keeps_every_promise)
        .with_containers(
            "promises::encrypted_server_keeps_every_promise",
            promises::encrypted_server_keeps_every_promise,
        )
        .with_containers("any_order::trusted_state_is_right", any_order::trusted_state_is_right)
        .with_containers("faults::killed", faults::killed_server_costs_nothing_and_comes_back)
        .with_containers("faults::paused", faults::paused_server_costs_nothing_and_comes_back)
        .with_containers("faults::never_there", faults::server_that_was_never_there_costs_nothing)
        .with_containers("faults::flushed", faults::flushed_server_answers_nothing_of_before)
        .with_containers("faults::back_in_time", faults::server_back_in_time_confirms_nothing_it_lost)
        .with_containers(
            "faults::stays_back_in_time",
            faults::second_follower_does_not_hide_what_the_first_lost,
        )
        .with_containers("faults::left_epoch", faults::epoch_that_was_left_does_not_come_back)
        .with_containers("faults::near", faults::near_layer_answers_what_its_watermark_covers_and_no_longer)
        .with_containers("faults::full", faults::full_server_confirms_nothing)
        .with_containers("faults::evicting", faults::evicting_server_answers_less_but_nothing_stale)
        .with_containers("faults::expiry", faults::every_key_expires)
        .with_containers("hints::server", hints::hint_is_heard_by_others_also_after_the_server_was_gone)
        .with_containers("hints::cluster", hints::hint_is_heard_over_any_node_that_is_left)
        .with_containers("hints::near", hints::near_layer_answers_nothing_older_than_what_it_was_told_of)
        .with_containers("cluster_faults::killed", cluster_faults::killed_master_comes_back)
        .with_containers("cluster_faults::spread", cluster_faults::tenants_spread_over_masters)
        .run()
}
