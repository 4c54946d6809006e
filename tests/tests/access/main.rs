//! Who is let in and what they see, over the real processes with TLS: every RPC by every role and with every defect of a caller's
//! credentials; tenants and parts of tenants kept apart.
#![allow(clippy::unwrap_used, reason = "tests and what they share")]

mod audit;
mod cached;
mod certificates;
mod crash;
mod estate;
mod isolation;
mod matrix;
mod scopes;
mod secrets;
mod streams;
mod table;
mod writes;

use std::process::ExitCode;

use tandem_testkit::suite::Suite;

fn main() -> ExitCode {
    if let Some(ended) = crash::as_service() {
        return ended;
    }
    Suite::new()
        .test("every_method_has_a_row_and_every_row_its_method", matrix::every_method_has_a_row)
        .with_containers(
            "changes_of_every_service_are_in_the_log_of_their_tenant",
            audit::changes_of_every_service_are_in_the_log_of_their_tenant,
        )
        .with_containers(
            "refusals_of_every_service_are_on_record",
            audit::refusals_of_every_service_are_on_record,
        )
        .with_containers(
            "change_is_made_while_the_log_is_away_and_on_record_afterwards",
            audit::change_is_made_while_the_log_is_away_and_on_record_afterwards,
        )
        .with_containers("caller_is_let_through_exactly_where_the_table_says", matrix::table_holds)
        .with_containers("defect_of_credentials_is_refused_by_every_method", matrix::defects_are_refused)
        .with_containers(
            "tenant_is_out_of_reach_of_whoever_acts_in_another",
            isolation::tenants_are_kept_apart,
        )
        .test(
            "every_method_that_changes_something_has_a_write",
            writes::every_method_that_changes_something_has_a_write,
        )
        .with_containers(
            "write_to_another_tenant_changes_nothing_of_it",
            writes::writes_to_another_tenant_change_nothing,
        )
        .with_containers(
            "cached_state_of_a_tenant_is_out_of_reach_of_another",
            cached::cached_state_of_a_tenant_is_out_of_reach_of_another,
        )
        .with_containers(
            "renewed_certificate_of_a_server_is_shown_without_a_restart",
            certificates::renewed_certificate_of_a_server_is_shown_without_a_restart,
        )
        .with_containers(
            "certificate_of_a_renewed_authority_is_accepted_without_a_restart",
            certificates::certificate_of_a_renewed_authority_is_accepted_without_a_restart,
        )
        .with_containers(
            "database_shows_nothing_to_whoever_names_no_tenant",
            isolation::database_shows_nothing_to_whoever_names_no_tenant,
        )
        .with_containers(
            "caller_of_a_part_sees_it_as_if_there_were_nothing_else",
            scopes::part_is_all_there_is,
        )
        .with_containers(
            "change_of_a_hidden_device_changes_nothing_that_is_seen",
            scopes::hidden_change_is_unseen,
        )
        .with_containers(
            "secrets_are_in_nothing_that_processes_tell",
            secrets::secrets_are_in_nothing_that_processes_tell,
        )
        .with_containers(
            "secrets_are_not_in_the_words_of_a_start_that_fails",
            secrets::secrets_are_not_in_the_words_of_a_start_that_fails,
        )
        .test("secrets_are_not_in_the_words_of_a_panic", secrets::secrets_are_not_in_the_words_of_a_panic)
        .with_containers(
            "stream_ends_when_what_allowed_it_is_withdrawn",
            streams::stream_ends_when_what_allowed_it_is_withdrawn,
        )
        .run()
}
