//! A tenant's own rules as they are kept, the same on both databases, over real gRPC within the process.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, also in what it shares with others")]

#[path = "../rpc/fakes.rs"]
#[allow(dead_code, reason = "shared with another target, which needs more of it")]
mod fakes;
#[path = "../rpc/fixture.rs"]
#[allow(dead_code, reason = "shared with another target, which needs more of it")]
mod fixture;
mod judged;
mod rules;
#[path = "../rpc/sandbox.rs"]
#[allow(dead_code, reason = "shared with another target, which needs more of it")]
mod sandbox;
mod settings;

tandem_testkit::both_databases!(
    rules::rule_is_read_back_as_it_was_made,
    rules::rules_are_listed_by_id_in_pages,
    rules::rule_that_is_there_is_not_made_again,
    rules::update_replaces_everything_and_keeps_who_made_it,
    rules::etag_that_is_not_current_changes_nothing,
    rules::rule_that_is_deleted_is_gone,
    rules::repeated_request_answers_as_the_first_did,
    rules::copies_of_a_request_that_arrive_together_have_one_effect,
    rules::tenant_has_fifty_rules_at_most,
    rules::what_is_no_rule_is_refused_with_its_position,
    rules::rules_are_of_one_tenant,
    rules::rules_outlive_the_process,
    judged::device_is_judged_by_rules_that_are_enabled,
    judged::blocking_rules_make_the_verdict,
    judged::rule_that_fails_changes_nothing_of_the_others,
    judged::fleet_is_counted_by_each_rule_whether_it_is_kept_or_not,
    judged::devices_behind_a_rule_are_listed_once_all_are_judged_by_it,
    judged::rule_of_another_replica_is_judged_by,
    judged::rule_that_is_disabled_is_counted_no_more,
    judged::number_of_a_rule_that_is_not_enabled_is_refused,
    settings::settings_are_read_back_as_they_were_set,
    settings::ages_that_are_wrong_are_all_named,
    settings::stale_evidence_is_unknown_of_a_device_and_of_the_fleet,
);
