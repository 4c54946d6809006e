//! What the model says of the past, with the tasks running that keep it: at every moment, who decided what on each device.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tandem_contracts::authority::v1::{
    CheckAuthorityRequest, GetAuthorityAtRequest, UpdateCoManagementPolicyRequest,
};
use tandem_contracts::convert::time;
use tandem_contracts::r#type::v1::{ManagementAuthority as Who, Workload};
use tandem_server::{Clock, Supervisor};
use tandem_testkit::database::Place;
use tandem_testkit::wait::until;

use super::asking::policy_message;
use super::site::Site;
use super::table::{Decided, Policy, Slider};
use super::{deed, number_of};
use crate::TWO_YEARS;
use crate::effective::WORKLOADS;
use crate::inventory::Inventory;
use crate::now;
use crate::rollouts::estate::{Replica, at, device as name, served};

/// Pasts of an ordinary run, and changes in each.
const PASTS: u64 = 2;
const CHANGES: usize = 14;

/// The device that tells how far the feed has come: it says one thing after the other.
const MARKER: u32 = 8;

/// What changes.
#[derive(Debug, Clone)]
enum Change {
    Slide(usize, Slider),
    Enable(Option<bool>),
    Member(u32, usize, bool),
    Become(u32, deed::Trait),
    ComeOrGo(u32),
}

fn any_change() -> impl Strategy<Value = Change> {
    let device = || 1..MARKER;
    let enabled = select(vec![Some(true), Some(true), Some(false), None]);
    prop_oneof![
        4 => (0..7_usize, deed::any_slider()).prop_map(|(workload, slider)| Change::Slide(workload, slider)),
        1 => enabled.prop_map(Change::Enable),
        4 => (device(), 0..3_usize, any::<bool>()).prop_map(|(device, id, is)| Change::Member(device, id, is)),
        3 => (device(), deed::any_trait()).prop_map(|(device, what)| Change::Become(device, what)),
        2 => device().prop_map(Change::ComeOrGo),
    ]
}

/// Who decided what on each device that was there.
type Decisions = BTreeMap<u32, [Decided; 7]>;

fn decisions(site: &Site, policy: Option<&Policy>) -> Decisions {
    let all = site
        .there()
        .map(|(number, device)| (number, site.decide(number, policy.filter(|_| device.traits.record))));
    all.collect()
}

async fn record(replica: &Replica, policy: &Policy) {
    let request =
        UpdateCoManagementPolicyRequest { policy: Some(policy_message(policy)), ..Default::default() };
    replica.policies.clone().update_co_management_policy(request).await.unwrap();
}

/// Everything that the inventory has said by now is kept.
async fn kept(replica: &Replica, site: &mut Site, minute: i64) {
    let marker = site.device(MARKER);
    // Nobody but the one decides all, and then nobody but the other.
    let is_alone = marker.traits.client == Some(false);
    (marker.traits.client, marker.traits.enrolled) = (Some(is_alone), Some(!is_alone));
    site.tell(MARKER);
    let is_kept = async || (since(replica, MARKER, Workload::ClientApps).await? == minute).then_some(());
    until("the feed is kept", is_kept).await;
}

/// The minute since which a workload is held by whom it is held, as far as that is kept.
async fn since(replica: &Replica, device: u32, workload: Workload) -> Option<i64> {
    let request = CheckAuthorityRequest {
        name: name(device),
        workload: workload.into(),
        claimant: Who::Intune.into(),
        consistency_token: String::new(),
    };
    let since = replica.policies.clone().check_authority(request).await.unwrap().into_inner().since?;
    Some(time::from_proto("", since).unwrap().duration_since(now()).as_mins())
}

/// What was so at half past a minute, as it is told; nothing where the device was not there.
async fn told(replica: &Replica, device: u32, minute: i64) -> Option<[Decided; 7]> {
    let moment = at(minute) + SignedDuration::from_secs(30);
    let request = GetAuthorityAtRequest {
        name: name(device),
        time: Some(time::to_proto(moment)),
        consistency_token: String::new(),
    };
    let period = replica.policies.clone().get_authority_at(request).await.ok()?.into_inner().period?;
    let said = WORKLOADS.map(|workload| {
        let said = period.workloads.iter().find(|said| said.workload() == workload).unwrap();
        (said.authority(), said.reason())
    });
    Some(said)
}

async fn live(number: u64) {
    let mut seed = [1; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    let mut runner =
        TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let changes = proptest::collection::vec(any_change(), CHANGES).new_tree(&mut runner).unwrap().current();
    let (inventory, supervisor) = (Inventory::of_sample_fleet(), Supervisor::new());
    let mut site = Site::new(inventory.clone());
    site.come_or_go(MARKER);
    for (member, collection) in [(1, 0), (2, 1)] {
        site.member(member, collection, true);
        site.read(collection, 0);
    }
    let (clock, hand) = Clock::movable(now());
    let place = Place::new().await;
    let channel = served(&inventory, &supervisor);
    let replica = Replica::before(&place, channel, supervisor, clock, Some(TWO_YEARS)).await;
    replica.authority.start_tasks();
    let mut pasts: BTreeMap<i64, Decisions> = BTreeMap::new();
    kept(&replica, &mut site, 0).await;
    pasts.insert(0, decisions(&site, None));
    // From the first policy on every pilot is named, and its members are kept: until then nobody knows who they were.
    let mut minute = 1;
    hand.set(at(minute));
    let mut policy = Policy { enabled: Some(true), sliders: [0, 1, 2, 0, 0, 0, 0].map(Slider::Pilot) };
    record(&replica, &policy).await;
    for (member, workload) in [(1, Workload::CompliancePolicies), (2, Workload::WindowsUpdatePolicies)] {
        until("the pilots are kept", async || {
            (since(&replica, member, workload).await? == minute).then_some(())
        })
        .await;
    }
    kept(&replica, &mut site, minute).await;
    pasts.insert(minute, decisions(&site, Some(&policy)));
    for change in &changes {
        minute += 1;
        hand.set(at(minute));
        match change {
            Change::Slide(workload, slider) => policy.sliders[*workload] = *slider,
            Change::Enable(enabled) => policy.enabled = *enabled,
            Change::Member(device, collection, is_member) => {
                site.member(*device, *collection, *is_member);
                site.read(*collection, minute);
            }
            Change::Become(device, what) => site.become_so(*device, *what),
            Change::ComeOrGo(device) => site.come_or_go(*device),
        }
        if matches!(change, Change::Slide(..) | Change::Enable(_)) {
            record(&replica, &policy).await;
        }
        kept(&replica, &mut site, minute).await;
        pasts.insert(minute, decisions(&site, Some(&policy)));
    }
    hand.set(at(minute + 1));
    for (minute, expected) in &pasts {
        for device in 1..MARKER {
            let found = told(&replica, device, *minute).await;
            assert_eq!(
                found.as_ref(),
                expected.get(&device),
                "device {device} in minute {minute} of past {number}, after {changes:?}"
            );
        }
    }
    replica.die();
}

pub(crate) async fn past_is_what_the_model_said_then() {
    let first = number_of("TANDEM_MODEL_FIRST", 0);
    for number in first..first + number_of("TANDEM_MODEL_PASTS", PASTS) {
        live(number).await;
    }
}
