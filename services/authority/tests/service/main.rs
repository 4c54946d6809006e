//! The service over real gRPC within the process, the same on both databases, against an inventory that answers what a test tells it.
#![allow(clippy::unwrap_used, reason = "tests")]

mod approvals;
mod audit;
mod check;
mod drift;
mod effective;
mod fleet;
mod history;
mod inventory;
mod model;
mod plans;
mod policies;
mod rollouts;
mod same;
mod settings;
mod tokens;

use std::path::Path;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use tandem_authority::{Authority, Parts, SigningKey};
use tandem_cache::DeviceStateCache;
use tandem_client::{ApiError, Connection};
use tandem_contracts::authority::v1::approval_service_client::ApprovalServiceClient;
use tandem_contracts::authority::v1::audit_service_client::AuditServiceClient;
use tandem_contracts::authority::v1::authority_service_client::AuthorityServiceClient;
use tandem_contracts::authority::v1::plan_service_client::PlanServiceClient;
use tandem_contracts::authority::v1::rollout_service_client::RolloutServiceClient;
use tandem_contracts::authority::v1::{UpdateCoManagementPolicyRequest, UpdateCoManagementPolicyResponse};
use tandem_contracts::inventory::v1::device_service_server::DeviceServiceServer;
use tandem_contracts::inventory::v1::hierarchy_service_server::HierarchyServiceServer;
use tandem_contracts::inventory::v1::tenant_service_server::TenantServiceServer;
use tandem_contracts::r#type::v1::{CoManagementPolicy, ErrorReason};
use tandem_server::process::Pinged;
use tandem_server::{ApiServer, Clock, ClockHand, LocalAuthenticator, Supervisor};
use tandem_testkit::database::Place;
use tonic::Status;
use tonic::transport::Channel;

use inventory::Inventory;

const TENANT: &str = "tenants/contoso";

const TWO_YEARS: SignedDuration = SignedDuration::from_hours(2 * 366 * 24);

/// Everything runs until this is dropped.
struct Sandbox {
    inventory: Inventory,
    /// Without retries: a refusal is seen as it is.
    client: AuthorityServiceClient<Channel>,
    authority: Authority,
    supervisor: Supervisor,
    /// Of further principals: a server in the process ends with its last channel, and everything with it.
    channels: Mutex<Vec<Channel>>,
    audit: AuditServiceClient<Channel>,
    plans: PlanServiceClient<Channel>,
    approvals: ApprovalServiceClient<Channel>,
    rollouts: RolloutServiceClient<Channel>,
    place: Place,
    clock: Clock,
    hand: ClockHand,
    _keys: tempfile::TempDir,
}

fn now() -> Timestamp {
    "2026-11-20T08:00:00Z".parse().unwrap()
}

/// The service without a cache, before that inventory.
fn parts(place: &Place, inventory: &Inventory, supervisor: &Supervisor, clock: Clock, keys: &Path) -> Parts {
    let server = ApiServer::new(LocalAuthenticator::default())
        .add_service(TenantServiceServer::new(inventory.clone()))
        .add_service(HierarchyServiceServer::new(inventory.clone()))
        .add_service(DeviceServiceServer::new(inventory.clone()));
    Parts {
        database: place.of("authority"),
        inventory: Connection::from_channel(tandem_testkit::serve(supervisor, "inventory", server)),
        cache: None,
        clock,
        supervisor: supervisor.clone(),
        signing_key: Some(SigningKey::read_or_make(&keys.join("key.pem")).unwrap()),
        heads_file: None,
        history: Some(TWO_YEARS),
    }
}

/// The service before the sample fleet, with no policy recorded.
async fn sandbox() -> Sandbox {
    sandbox_with(None).await
}

/// The same with the states of devices in a cache.
async fn sandbox_with(cache: Option<Arc<dyn DeviceStateCache>>) -> Sandbox {
    let inventory = Inventory::of_sample_fleet();
    let supervisor = Supervisor::new();
    let (place, keys) = (Place::new().await, tempfile::tempdir().unwrap());
    let (clock, hand) = Clock::movable(now());
    let parts = parts(&place, &inventory, &supervisor, clock, keys.path());
    let authority = Authority::open(Parts { cache, ..parts }).await.unwrap();
    // Without an auditor: of calls, only what handlers put on record themselves is.
    let server = authority.serve_on(ApiServer::new(LocalAuthenticator::default()));
    let channel = tandem_testkit::serve(&supervisor, "authority", server);
    let client = AuthorityServiceClient::new(channel.clone());
    let (plans, audit) = (PlanServiceClient::new(channel.clone()), AuditServiceClient::new(channel.clone()));
    let approvals = ApprovalServiceClient::new(channel.clone());
    let rollouts = RolloutServiceClient::new(channel);
    Sandbox {
        inventory,
        client,
        audit,
        plans,
        approvals,
        rollouts,
        authority,
        supervisor,
        channels: Mutex::default(),
        place,
        clock,
        hand,
        _keys: keys,
    }
}

/// The service before the sample fleet, with the sample policy recorded as revision 1.
async fn sandbox_with_policy() -> Sandbox {
    let mut sandbox = sandbox().await;
    sandbox.record(fleet::policy()).await.unwrap();
    sandbox
}

impl Sandbox {
    async fn record(
        &mut self,
        policy: CoManagementPolicy,
    ) -> Result<UpdateCoManagementPolicyResponse, Status> {
        let request = UpdateCoManagementPolicyRequest { policy: Some(policy), ..Default::default() };
        Ok(self.client.update_co_management_policy(request).await?.into_inner())
    }
}

/// The published reason of a refusal.
fn reason(status: Status) -> ErrorReason {
    let error = ApiError::from(status);
    error.known_reason().unwrap_or_else(|| panic!("no published reason: {error}"))
}

async fn service_that_is_open_answers_a_ping_until_it_is_closed() {
    let sandbox = sandbox().await;
    sandbox.authority.ping().await.unwrap();
    sandbox.authority.close().await.unwrap();
    assert!(sandbox.authority.ping().await.is_err());
}

tandem_testkit::both_databases!(
    service_that_is_open_answers_a_ping_until_it_is_closed,
    approvals::tenant_has_the_default_rules_until_somebody_sets_others,
    approvals::rules_that_cannot_be_meant_are_refused,
    approvals::plan_that_nobody_approved_is_not_applied,
    approvals::plan_is_applied_once_enough_others_approved_it,
    approvals::last_approval_applies_the_plan_without_its_requester,
    approvals::approval_that_does_not_count_is_refused_by_its_reason,
    approvals::plan_that_was_rejected_is_not_applied,
    approvals::glass_is_broken_with_a_reason_and_stays_visible,
    approvals::plan_whose_base_changed_is_approved_and_not_applied,
    approvals::stricter_rules_hold_for_what_was_approved_before,
    approvals::slider_that_says_nothing_of_its_own_needs_nobody,
    approvals::setting_co_management_up_moves_what_the_policy_keeps,
    approvals::frozen_tenant_adopts_nothing,
    approvals::world_of_rules_alone_can_be_asked_for,
    approvals::approval_is_on_record_with_who_and_what,
    approvals::requests_are_listed_newest_first,
    audit::policy_is_on_record_with_what_was_before_and_why,
    audit::policy_that_is_refused_leaves_no_record_of_a_change,
    audit::event_of_another_service_is_taken_once,
    audit::event_of_another_form_is_refused_and_the_others_with_it,
    audit::records_are_listed_newest_first_by_what_is_asked_for,
    audit::export_is_a_chain_that_anybody_can_verify,
    audit::head_is_signed_and_an_empty_chain_has_none,
    audit::chain_that_was_changed_is_told_with_its_place,
    audit::chain_that_was_cut_is_told_by_its_row_and_by_a_kept_head,
    audit::head_that_nobody_signed_so_is_told,
    audit::logs_of_tenants_are_apart,
    check::claim_is_answered_with_holder_reason_and_ways_out,
    check::unknown_holder_allows_nobody_and_says_what_is_missing,
    check::claim_that_is_none_is_refused_before_anybody_is_asked,
    check::device_that_nothing_has_is_not_found,
    check::inventory_that_is_away_allows_nobody,
    check::slider_that_is_recorded_decides_at_once,
    check::token_is_checked_as_everywhere,
    drift::devices_with_drift_are_listed_alone,
    drift::drift_of_one_workload_leaves_the_others_out,
    drift::pages_of_every_size_together_list_each_device_once,
    drift::page_that_is_full_reads_no_further,
    drift::device_that_goes_between_two_pages_is_not_missed_by_the_rest,
    drift::call_that_finds_too_little_says_where_to_go_on,
    drift::page_token_of_another_workload_is_refused,
    drift::hierarchy_without_policy_never_drifts,
    drift::drift_says_since_when_and_why,
    effective::each_device_is_answered_whole,
    effective::slider_that_is_recorded_decides_at_once,
    effective::batch_is_answered_in_the_order_asked_for_with_the_missing_apart,
    effective::batch_of_another_tenants_devices_is_refused_before_anybody_is_asked,
    effective::batch_of_more_than_1000_names_is_refused,
    effective::device_that_nothing_has_is_not_found,
    effective::inventory_that_is_away_makes_the_answer_unavailable,
    effective::stream_answers_every_device_once_with_the_world_of_each_batch,
    effective::stream_passes_the_filter_on,
    history::each_change_of_device_policy_and_members_is_told_with_its_time,
    history::moment_of_the_past_is_answered_from_what_was_known_then,
    history::device_that_is_gone_has_a_past_and_no_present,
    history::pages_of_every_size_together_tell_each_period_once,
    history::check_says_since_when_the_holder_holds,
    history::device_that_nobody_kept_begins_when_it_is_asked_about,
    history::process_that_comes_after_goes_on_where_the_one_before_was,
    history::policy_that_nobody_records_is_named_as_unknown,
    model::past::past_is_what_the_model_said_then,
    plans::plan_counts_what_each_workload_does,
    plans::plan_asked_for_again_is_the_same,
    plans::plan_of_a_device_that_changed_is_another,
    plans::what_the_operator_says_ends_a_warning,
    plans::policy_that_no_hierarchy_can_hold_names_its_rules,
    plans::hierarchy_without_policy_counts_from_unknown,
    plans::plan_applied_is_what_is_desired,
    plans::application_repeated_with_its_id_answers_as_the_first_did,
    plans::application_is_on_record,
    plans::anything_different_from_what_was_planned_is_refused,
    plans::plans_are_listed_newest_first_page_by_page,
    plans::handover_is_the_work_between_configured_and_desired,
    plans::change_of_surroundings_counts_the_fleet_anew,
    plans::inventory_that_is_away_counts_nothing,
    plans::device_is_told_where_it_is_desired,
    plans::way_out_says_who_does_what_and_what_is_in_the_way,
    policies::policy_that_nobody_recorded_is_not_found,
    policies::policy_recorded_is_answered_and_read_back_whole,
    policies::policy_of_an_unknown_hierarchy_is_not_recorded,
    policies::policy_that_a_console_could_not_hold_names_the_rule,
    policies::request_without_a_policy_is_refused,
    policies::etag_that_is_not_current_is_a_mismatch,
    policies::request_repeated_with_its_id_answers_as_the_first_did,
    policies::revisions_are_listed_newest_first_page_by_page,
    policies::policies_are_listed_by_name_page_by_page,
    policies::capability_value_is_decoded,
    rollouts::rollout_goes_from_draft_to_completed,
    rollouts::steps_and_commands_are_on_record,
    rollouts::action_is_data_sheet_and_script,
    rollouts::broken_failure_gate_takes_back_exactly_what_was_handed_over,
    rollouts::pause_holds_everything_and_puts_the_clocks_off,
    rollouts::freeze_stops_everything_until_it_is_ended,
    rollouts::freeze_between_two_looks_puts_the_clocks_off,
    rollouts::rollout_that_needs_approval_waits_for_somebody_else,
    rollouts::inconclusive_wave_is_approved_by_a_person,
    rollouts::readings_of_the_world_are_followed,
    rollouts::refusals::rollout_that_cannot_be_meant_has_a_reason_of_its_own,
    rollouts::refusals::fields_of_another_shape_are_named,
    rollouts::refusals::second_rollout_of_a_workload_is_refused,
    rollouts::refusals::command_that_the_phase_does_not_allow_is_refused,
    rollouts::refusals::stale_etag_is_a_mismatch_and_a_repeated_request_is_answered_once,
    rollouts::refusals::action_is_confirmed_in_its_order_and_while_it_counts,
    rollouts::replicas::replicas_that_race_give_each_action_out_once,
    rollouts::replicas::replica_that_is_gone_is_followed_by_another,
    rollouts::replicas::action_that_a_crash_lost_is_given_out_again,
    rollouts::replicas::rollout_waits_while_the_inventory_is_away,
    settings::kinds_are_listed_with_what_governs_them,
    settings::kind_without_a_device_is_answered_alone,
    settings::setting_is_held_by_whom_its_workload_is,
    settings::feature_outside_the_workloads_is_held_by_configuration_manager,
    settings::kind_or_device_that_nothing_has_is_refused,
    same::answer_is_that_of_get_effective_authority_whatever_is_kept,
    same::device_that_the_cache_holds_is_not_asked_for,
    tokens::answer_names_the_world_of_both_services,
    tokens::token_ahead_of_this_service_is_not_yet_consistent,
    tokens::token_ahead_of_the_inventory_is_refused_in_its_words,
    tokens::damaged_token_asks_nobody,
    tokens::token_of_a_later_inventory_reads_the_surroundings_anew;
    model::random_lives_are_what_the_model_says,
);
