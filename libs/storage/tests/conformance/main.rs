//! What every service relies on, the same on both databases.
#![allow(clippy::unwrap_used, reason = "tests and what they share")]

mod bulk;
mod migrations;
mod outbox;
mod requests;
mod schema;
mod transactions;

tandem_testkit::both_databases!(
    bulk::rows_of_every_type_arrive_whole,
    bulk::any_number_of_rows_arrives,
    bulk::known_key_is_refused_kept_or_replaced_as_said,
    bulk::columns_of_different_lengths_are_refused,
    bulk::listed_values_are_found_and_gathered,
    bulk::columns_are_gathered_side_by_side,
    migrations::failing_migration_takes_back_the_ones_before_it,
    migrations::replicas_that_start_together_make_one_schema,
    migrations::migration_that_is_taken_back_can_be_made_again,
    migrations::services_of_one_place_do_not_see_each_other,
    outbox::messages_wait_oldest_first_until_they_are_removed,
    requests::replayed_request_gets_the_first_answer_and_has_no_second_effect,
    requests::copies_of_a_request_at_once_have_one_effect,
    requests::id_used_for_other_content_or_another_method_is_refused,
    requests::same_id_in_another_tenant_is_another_request,
    requests::forgetting_removes_the_oldest_answers_up_to_the_bound,
    transactions::concurrent_writers_keep_every_increment,
    transactions::two_openings_of_one_database_keep_every_increment,
    transactions::error_in_the_work_leaves_nothing_behind,
    transactions::dropped_write_leaves_nothing_behind_and_frees_the_writer,
    transactions::collision_is_tried_again_and_given_up_in_the_end,
    transactions::reopened_database_keeps_its_data_and_incarnation,
    transactions::two_databases_have_two_incarnations,
    transactions::reader_refuses_to_change_anything,
    transactions::second_row_with_a_unique_key_is_a_conflict,
);
