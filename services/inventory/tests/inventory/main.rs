//! The inventory over its real gRPC interface, the same on both databases.
#![allow(clippy::unwrap_used, reason = "tests and what they share")]

mod collections;
mod concurrency;
mod filter;
mod identity;
mod reports;
mod resources;
mod sandbox;
mod watch;

tandem_testkit::both_databases!(
    concurrency::reports_that_arrive_at_once_are_all_there_when_they_are_acknowledged,
    concurrency::replicas_that_race_on_the_same_devices_make_each_once,
    collections::members_named_before_their_records_are_members_afterwards,
    collections::replaced_members_leave_and_only_changed_devices_get_a_revision,
    collections::surroundings_name_complete_collections_and_say_when_nothing_changed,
    collections::lists_of_one_stream_find_devices_that_were_reported_between_them,
    collections::own_collection_holds_static_members_and_those_of_its_rule,
    filter::filter_takes_the_devices_that_the_domain_takes,
    filter::filter_that_breaks_its_shape_is_refused,
    identity::records_with_one_entra_id_are_one_device_whoever_comes_first,
    identity::late_key_merges_two_devices_and_the_absorbed_one_is_gone,
    identity::second_record_of_one_source_with_one_entra_id_is_a_conflict,
    identity::claimant_takes_the_key_when_its_holder_is_removed,
    identity::shared_serial_joins_nobody_and_placeholders_are_no_keys,
    identity::removed_record_leaves_a_tombstone_and_may_come_back,
    identity::removal_is_harmless_in_any_order,
    identity::claimant_joins_when_the_record_that_stood_in_its_way_is_removed,
    identity::open_conflict_names_the_device_that_its_holder_became,
    identity::static_membership_follows_a_device_into_the_one_that_it_turned_out_to_be,
    reports::reported_device_is_found_by_every_key_in_any_spelling,
    reports::older_section_and_replay_are_superseded,
    reports::report_that_only_refreshes_a_last_seen_time_takes_no_revision,
    reports::oversized_batch_is_refused_with_its_limit,
    reports::time_far_ahead_is_set_to_receipt_and_flagged,
    reports::what_was_said_from_the_future_is_not_newer_when_it_is_said_again,
    reports::bad_section_is_refused_and_the_others_are_stored,
    reports::report_of_an_unknown_hierarchy_or_source_is_refused,
    reports::acknowledged_token_reads_its_own_write,
    reports::large_batches_of_a_stream_are_stored_in_order_up_to_the_first_that_fails,
    resources::tenant_is_made_once,
    resources::site_is_changed_only_with_its_current_etag,
    resources::pages_hold_everything_once_and_tokens_belong_to_their_list,
    resources::mapping_an_authority_text_moves_its_devices_into_coexistence,
    watch::watch_is_snapshot_then_deltas_with_what_left,
    watch::watch_resumes_where_its_token_says,
    watch::filtered_watch_says_what_left_the_filter,
    watch::token_of_another_database_asks_for_a_new_snapshot,
    watch::watch_of_an_own_collection_follows_its_members_and_its_rule,
);
