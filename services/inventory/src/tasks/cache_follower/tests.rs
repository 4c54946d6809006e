//! The follower and the reader of devices together: whatever state the cache is in, answers are the inventory's.
//!
//! The follower is driven a round at a time; the cache's clock stands still, so that no watermark ages under a test.

mod estate;

use tandem_cache::DeviceStateCache;
use tokio::sync::watch;

use self::estate::{Estate, named, renamed, sections};
use super::tenant::Progress;

/// Bytes enough for every device of a test.
const PLENTY: u64 = 1 << 24;

#[tokio::test]
async fn cache_at_the_head_holds_and_answers_what_the_inventory_does() {
    let mut estate = Estate::start(PLENTY).await;
    estate.catch_up().await;
    let token = estate.report(sections(1..=3)).await;
    estate.catch_up().await;
    assert_eq!(estate.held(&token).await, Some(3));
    estate.check_answers(&token).await;
}

#[tokio::test]
async fn acknowledged_write_is_read_with_its_token_before_the_cache_hears_of_it() {
    let mut estate = Estate::start(PLENTY).await;
    let token = estate.report(sections(1..=2)).await;
    estate.catch_up().await;
    let acknowledged = estate.report(vec![renamed(1, "OSL-NEW")]).await;

    assert_eq!(estate.held(&acknowledged).await, None, "the cache is behind");
    estate.check_answers(&acknowledged).await;
    assert_eq!(estate.display_names(&acknowledged).await, ["OSL-2", "OSL-NEW"]);
    assert_eq!(estate.display_names(&token).await, ["OSL-1", "OSL-2"], "an older world may lag");

    estate.catch_up().await;
    assert_eq!(estate.held(&acknowledged).await, Some(2));
    assert_eq!(estate.display_names(&acknowledged).await, ["OSL-2", "OSL-NEW"]);
}

#[tokio::test]
async fn removed_device_leaves_the_cache_and_the_answers() {
    let mut estate = Estate::start(PLENTY).await;
    estate.report(sections(1..=3)).await;
    estate.catch_up().await;
    let names = estate.names().await;
    let token = estate.report(vec![estate::removed(2)]).await;
    estate.check_answers_about(&names, &token).await;
    estate.catch_up().await;
    assert_eq!(estate.held(&token).await, Some(2));
    estate.check_answers_about(&names, &token).await;
}

#[tokio::test]
async fn fleet_that_was_there_before_the_cache_is_told() {
    let mut estate = Estate::start(PLENTY).await;
    let token = estate.report(sections(1..=1500)).await;
    assert_eq!(estate.follower.round().await, Progress::Filling);
    assert_eq!(estate.held(&token).await, Some(1000));
    estate.check_answers(&token).await;
    assert_eq!(estate.follower.round().await, Progress::AtHead);
    assert_eq!(estate.held(&token).await, Some(1500));
}

#[tokio::test]
async fn feed_of_several_pages_moves_the_watermark_at_its_end() {
    let mut estate = Estate::start(PLENTY).await;
    estate.catch_up().await;
    estate.report(sections(1..=800)).await;
    let token = estate.report(sections(801..=1600)).await;
    assert_eq!(estate.follower.round().await, Progress::Behind);
    assert_eq!(estate.held(&token).await, None);
    estate.check_answers(&token).await;
    // A device of the page that was told changes before the next page is.
    let token = estate.report(vec![renamed(1, "OSL-NEW")]).await;
    estate.catch_up().await;
    assert_eq!(estate.held(&token).await, Some(1600));
    estate.check_answers(&token).await;
}

#[tokio::test]
async fn cleared_cache_is_filled_anew() {
    let mut estate = Estate::start(PLENTY).await;
    let token = estate.report(sections(1..=3)).await;
    estate.catch_up().await;
    estate.cache.clear("contoso").await.unwrap();
    estate.check_answers(&token).await;
    assert_eq!(estate.held(&token).await, None);
    // The first round finds the epoch gone, the second begins one.
    estate.catch_up().await;
    estate.catch_up().await;
    assert_eq!(estate.held(&token).await, Some(3));
    estate.check_answers(&token).await;
}

#[tokio::test]
async fn failing_cache_fails_no_answer_and_is_told_what_it_missed() {
    let mut estate = Estate::start(PLENTY).await;
    estate.report(sections(1..=2)).await;
    estate.catch_up().await;
    estate.cache.set_away(true);
    let token = estate.report(sections(3..=4)).await;
    assert_eq!(estate.follower.round().await, Progress::AtHead, "the next look is soon enough");
    estate.check_answers(&token).await;
    estate.cache.set_away(false);
    estate.check_answers(&token).await;
    estate.catch_up().await;
    assert_eq!(estate.held(&token).await, Some(4));
    estate.check_answers(&token).await;
}

#[tokio::test]
async fn devices_that_do_not_fit_are_answered_by_the_inventory() {
    let mut estate = Estate::start(4096).await;
    let token = estate.report(sections(1..=100)).await;
    estate.catch_up().await;
    let held = estate.held(&token).await.unwrap();
    assert!(held < 100, "{held}");
    estate.check_answers(&token).await;
}

#[tokio::test]
async fn tenant_made_later_is_followed_from_the_next_round_on() {
    let mut estate = Estate::start(PLENTY).await;
    estate.catch_up().await;
    assert!(!estate.cache.is_followed("fabrikam").await);
    estate.make_tenant("fabrikam").await;
    estate.catch_up().await;
    assert!(estate.cache.is_followed("fabrikam").await);
}

#[tokio::test]
async fn task_follows_until_the_drain() {
    let estate = Estate::start(PLENTY).await;
    let mut advanced = estate.cache.advanced();
    estate.start_tasks();
    let token = estate.report(sections(1..=3)).await;
    let head = estate::revision(&token);
    let reached = advanced.wait_for(|through| *through >= head);
    let _: watch::Ref<'_, u64> =
        tokio::time::timeout(std::time::Duration::from_secs(30), reached).await.unwrap().unwrap();
    estate.check_answers(&token).await;
    assert_eq!(named(&estate.answer(&token).await).len(), 3);
    estate.stop().await;
}
