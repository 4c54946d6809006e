//! What is to be done in the hierarchy, and the word that it was.

use std::collections::BTreeMap;

use tandem_contracts::authority::v1::{
    ConfirmRolloutActionRequest, ConfirmRolloutActionResponse, ListRolloutActionsRequest,
    ListRolloutActionsResponse, MembershipChange as Change, RolloutAction, RolloutMember,
};
use tandem_contracts::inventory::v1::{Device, GetCollectionRequest};
use tandem_domain::facts::{DeviceFacts, value};
use tandem_domain::handover::{HandoverError, Member, MembershipChange, MembershipWork, handover};
use tandem_domain::id::{CollectionId, DeviceId, HierarchyId};
use tandem_domain::policy::CoManagementPolicy;
use tandem_domain::section::Source;
use tandem_domain::site::{self, SiteFacts};
use tandem_server::once::Once;
use tandem_server::{Failure, names};
use tandem_storage::fingerprint;
use tandem_storage::page::PageToken;

use super::{not_found, rollout_key};
use crate::grpc::policies::{justification, one_more, paged};
use crate::grpc::{Handlers, Tenant, convert};
use crate::store::rollouts::action::{After, Confirmation, KnownAction, action_confirm, action_list};
use crate::store::rollouts::{RolloutKey, rollout_fetch};

const ACTION: &str = "tenants/{t}/hierarchies/{h}/rollouts/{r}/actions/{a}";
const CONFIRM: &str = "tandem.authority.v1.RolloutService/ConfirmRolloutAction";

/// The kind of page tokens.
const ACTIONS: &str = "rollout_actions";

/// Actions of a page when the request says none, and at most: each has up to 500 devices, twice over as sheet and script.
const DEFAULT_PAGE: usize = 10;
const LARGEST_PAGE: usize = 20;

fn page_size(asked: i32) -> Result<usize, Failure> {
    match usize::try_from(asked) {
        Ok(0) => Ok(DEFAULT_PAGE),
        Ok(size) if size <= LARGEST_PAGE => Ok(size),
        _ => Err(Failure::field("page_size", format!("expected 0 to {LARGEST_PAGE}, found {asked}"))),
    }
}

impl Handlers {
    pub(super) async fn rollout_actions_list(
        &self,
        request: ListRolloutActionsRequest,
    ) -> Result<ListRolloutActionsResponse, Failure> {
        let (tenant, key) = rollout_key("parent", &request.parent)?;
        let size = page_size(request.page_size)?;
        let filter = fingerprint(&[request.parent.as_bytes(), &[u8::from(request.all)]]);
        let after = PageToken::decode::<After>(&request.page_token, ACTIONS, filter)?;
        rollout_fetch(&self.store, &key).await?.ok_or_else(|| not_found(&key))?;
        let found = action_list(&self.store, &key, request.all, after, one_more(size)).await?;
        let next =
            |last: &KnownAction| PageToken::encode(ACTIONS, filter, &After(last.message.sequence.into()));
        let (known, next_page_token) = paged(found, size, next);
        let mut actions = Vec::with_capacity(known.len());
        let mut site = None;
        for action in known {
            if site.is_none() {
                site = Some(self.site(&tenant, &key, &action.message.collection).await?);
            }
            actions.push(self.with_members(&tenant, &key, site.as_ref(), action).await?);
        }
        Ok(ListRolloutActionsResponse { actions, next_page_token })
    }

    /// What sheets and scripts say beside the members.
    async fn site(&self, tenant: &Tenant, key: &RolloutKey, collection: &str) -> Result<Site, Failure> {
        let surroundings = self.surroundings(tenant, "").await?;
        let known = surroundings.hierarchies.get(&key.hierarchy);
        let top = site::top(known.into_iter().flat_map(|known| known.sites.values())).cloned();
        let name = format!("{}/hierarchies/{}/collections/{collection}", tenant.name, key.hierarchy);
        let request = GetCollectionRequest { name, ..GetCollectionRequest::default() };
        let collection_name = self.collections.display_name(request).await?;
        Ok(Site { top, collection_name })
    }

    async fn with_members(
        &self,
        tenant: &Tenant,
        key: &RolloutKey,
        site: Option<&Site>,
        action: KnownAction,
    ) -> Result<RolloutAction, Failure> {
        let KnownAction { message, devices } = action;
        let name = |device: &DeviceId| format!("{}/devices/{device}", tenant.name);
        let read = self.devices.named(&tenant.name, devices.iter().map(name).collect(), "").await?;
        let mut members = members(&key.hierarchy, read.devices)?;
        let unknown_members =
            devices.iter().map(name).filter(|device| !members.contains_key(device)).collect();
        let mut message = RolloutAction { unknown_members, ..message };
        if let Some(site) = site.filter(|_| message.open) {
            site.describe(&mut message, members.values())?;
        }
        let mut listed: Vec<RolloutMember> = devices
            .iter()
            .filter_map(|device| {
                let device = name(device);
                let Member { resource_id, name } = members.remove(&device)?;
                Some(RolloutMember { device, resource_id, device_name: name })
            })
            .collect();
        listed.sort_by_key(|member| member.resource_id);
        Ok(RolloutAction { members: listed, ..message })
    }

    pub(super) async fn rollout_action_confirm(
        &self,
        request: ConfirmRolloutActionRequest,
        by: String,
    ) -> Result<ConfirmRolloutActionResponse, Failure> {
        let at = self.clock.now();
        let content = ConfirmRolloutActionRequest { request_id: String::new(), ..request.clone() };
        let once = Once::new(&request.request_id, CONFIRM, &content, at)?;
        let why = justification(request.justification)?;
        let [tenant, hierarchy, rollout, action] = names::parse("name", ACTION, &request.name)?;
        let name = format!("tenants/{tenant}/hierarchies/{hierarchy}/rollouts/{rollout}");
        let (_, key) = rollout_key("name", &name)?;
        let confirmation = Confirmation { key, action: action.to_owned(), by, why, at };
        let action = action_confirm(&self.store, confirmation, once).await?;
        self.rollouts.nudge();
        Ok(ConfirmRolloutActionResponse { action: Some(action) })
    }
}

/// What sheets and scripts say beside the members.
struct Site {
    top: Option<SiteFacts>,
    collection_name: String,
}

impl Site {
    /// Adds the sheet and the script to an action.
    fn describe<'a>(
        &self,
        action: &mut RolloutAction,
        members: impl Iterator<Item = &'a Member>,
    ) -> Result<(), Failure> {
        let Some(work) = self.work(action, members.cloned().collect())? else { return Ok(()) };
        action.csv = work.csv();
        match work.script() {
            Ok(script) => action.script = script,
            Err(unsafe_) => action.script_obstacle = unsafe_.to_string(),
        }
        Ok(())
    }

    /// The work of an action; `None`: it has no members.
    fn work(&self, action: &RolloutAction, members: Vec<Member>) -> Result<Option<MembershipWork>, Failure> {
        let collection = CollectionId::parse(&action.collection).map_err(Failure::internal)?;
        let (add, remove) = match action.change() {
            Change::Remove => (Vec::new(), members),
            Change::Add | Change::Unspecified => (members, Vec::new()),
        };
        let change =
            MembershipChange { collection, collection_name: self.collection_name.clone(), add, remove };
        // No slider moves: of the policy nothing is to be carried.
        let policy = CoManagementPolicy::default();
        let work = handover(Some(&policy), &policy, &[change], self.top.as_ref());
        let work = work.map_err(|error: HandoverError| Failure::internal(error.to_string()))?;
        Ok(work.memberships.into_iter().next())
    }
}

/// The devices as the hierarchy knows them, by name: those of which a record there is known.
fn members(hierarchy: &HierarchyId, devices: Vec<Device>) -> Result<BTreeMap<String, Member>, Failure> {
    let mut members = BTreeMap::new();
    for device in devices {
        let (device, facts) = convert::device(device)?;
        if let Some(resource_id) = resource_id(hierarchy, &facts) {
            let name = value(&facts.name).cloned().unwrap_or_default();
            members.insert(device, Member { resource_id, name });
        }
    }
    Ok(members)
}

/// `ResourceID` of a device's record in a hierarchy: the last part of the key of any section of it, the newest first.
fn resource_id(hierarchy: &HierarchyId, facts: &DeviceFacts) -> Option<u32> {
    let of_hierarchy = facts
        .sections
        .iter()
        .filter(|stamp| matches!(&stamp.source, Source::ConfigMgr(of) if of == hierarchy));
    let ids = of_hierarchy.filter_map(|stamp| {
        let id: u32 = stamp.key.rsplit('/').next()?.parse().ok()?;
        // What the cmdlets take.
        let usable = id > 0 && i32::try_from(id).is_ok();
        usable.then_some((stamp.observed_at, id))
    });
    ids.max_by_key(|(observed_at, _)| *observed_at).map(|(_, id)| id)
}
