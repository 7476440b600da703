//! The commands on one real broker: a campaign's beginning, everything that is refused by name, the
//! result in all its forms, several campaigns in one process, a password, and Kafka's own consumer.
//!
//! One broker serves all cases, in turn: starting it takes longer than most of them do.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says where it fails by panicking")]

mod exposition;
mod kit;
mod site;
mod storm;

#[path = "kafka/begin.rs"]
mod begin;
#[path = "kafka/check.rs"]
mod check;
#[path = "check/findings.rs"]
mod findings;
#[path = "kafka/metrics.rs"]
mod metrics;
#[path = "kafka/refused.rs"]
mod refused;
#[path = "kafka/result.rs"]
mod result;
#[path = "kafka/secured.rs"]
mod secured;

use kit::Scratch;

#[test]
fn the_commands_on_kafka_do_what_they_say_and_refuse_by_name() {
    let kafka = secured::broker().start();
    let scratch = Scratch::new();
    begin::a_campaign_begins_once_and_its_keys_are_made_with_it(&kafka, &scratch);
    begin::two_may_begin_at_once(&kafka, &scratch);
    begin::a_founding_that_was_cut_short_is_finished(&kafka, &scratch);
    begin::an_extension_reaches_a_running_edge(&kafka, &scratch);
    begin::several_campaigns_run_in_one_process(&kafka, &scratch);
    metrics::both_kinds_of_process_export_exactly_what_the_table_says(&kafka, &scratch);
    check::a_check_finds_what_is_in_order(&kafka, &scratch);
    check::a_check_finds_all_that_is_wrong(&kafka, &scratch);
    refused::processes_say_what_is_wrong_with_their_configuration(&kafka, &scratch);
    refused::topics_that_are_not_as_they_must_be_are_refused_by_key(&kafka, &scratch);
    refused::ballots_made_anew_under_kept_tallies_are_refused(&kafka, &scratch);
    result::a_recount_equals_the_live_tally_and_an_independent_digest(&kafka, &scratch);
    result::kafkas_own_consumer_and_the_schema_alone_show_a_ballot(&kafka, &scratch);
    secured::a_password_is_passed_on_and_a_wrong_one_is_told(&kafka, &scratch);
    refused::a_cluster_that_does_not_answer_is_told_in_bounded_time(&kafka, &scratch);
    check::a_check_of_a_dead_broker_ends_soon(&kafka, &scratch);
}
