//! Who decided a device's workloads when.

use jiff::Timestamp;
use tandem_contracts::authority::v1::{
    GetAuthorityAtRequest, GetAuthorityAtResponse, ListAuthorityPeriodsRequest, ListAuthorityPeriodsResponse,
};
use tandem_contracts::convert::{enum_optional, time};
use tandem_contracts::inventory::v1::Device;
use tandem_contracts::r#type::v1::ErrorReason;
use tandem_domain::history::{MaterialState, Past, Period, Present, of_workload, since};
use tandem_domain::id::TenantId;
use tandem_domain::workload::Workload;
use tandem_server::names::page_size;
use tandem_server::{Failure, Reach, names};
use tandem_storage::fingerprint;
use tandem_storage::page::PageToken;

use super::effective::{DEVICE, RESOURCE_TYPE};
use super::policies::paged;
use super::{Handlers, Tenant, convert};
use crate::judge::{Decided, HeldSince, World};
use crate::store::history::cursor::{named_in, named_kept};
use crate::store::history::keep::{Seen, history_begin};
use crate::store::history::past::{device_past, policy_past};

/// The kind of the page tokens.
const PERIODS: &str = "authority periods";

/// What is to be said of a device's past, oldest first.
struct Lived {
    tenant: TenantId,
    periods: Vec<Period>,
    consistency_token: String,
}

impl Handlers {
    pub(super) async fn periods_list(
        &self,
        request: ListAuthorityPeriodsRequest,
    ) -> Result<ListAuthorityPeriodsResponse, Failure> {
        let ListAuthorityPeriodsRequest { parent, workload, page_size: size, page_token, consistency_token } =
            request;
        let workload = enum_optional::<Workload>("workload", workload).map_err(convert::invalid)?;
        let size = page_size(size)?;
        let of = workload.map_or("", |workload| workload.id());
        let filter = fingerprint(&[parent.as_bytes(), of.as_bytes()]);
        let before = PageToken::decode::<i64>(&page_token, PERIODS, filter)?;
        let Lived { tenant, mut periods, consistency_token } =
            self.lived("parent", &parent, &consistency_token).await?;
        if let Some(workload) = workload {
            periods = of_workload(periods, workload);
        }
        let newest_first = periods.into_iter().rev();
        let rest =
            newest_first.filter(|period| before.is_none_or(|before| period.from.as_microsecond() < before));
        let found: Vec<Period> = rest.take(size + 1).collect();
        let next = |last: &Period| PageToken::encode(PERIODS, filter, &last.from.as_microsecond());
        let (found, next_page_token) = paged(found, size, next);
        let shown = found.iter().map(|period| convert::history::period(&tenant, period, workload));
        Ok(ListAuthorityPeriodsResponse { periods: shown.collect(), next_page_token, consistency_token })
    }

    pub(super) async fn authority_at(
        &self,
        request: GetAuthorityAtRequest,
    ) -> Result<GetAuthorityAtResponse, Failure> {
        let GetAuthorityAtRequest { name, time: at, consistency_token } = request;
        let missing = || Failure::field("time", "expected a moment, found none");
        let at = time::from_proto("time", at.ok_or_else(missing)?).map_err(convert::invalid)?;
        let now = self.clock.now();
        if at > now {
            let description = format!("expected a moment up to now, {now}, found {at}");
            return Err(Failure::field("time", description));
        }
        let Lived { tenant, periods, consistency_token } =
            self.lived("name", &name, &consistency_token).await?;
        let holds = |period: &&Period| period.from <= at && period.to.is_none_or(|to| at < to);
        match periods.iter().find(holds) {
            Some(period) => Ok(GetAuthorityAtResponse {
                period: Some(convert::history::period(&tenant, period, None)),
                consistency_token,
            }),
            None => Err(not_known(name, at, &periods)),
        }
    }

    /// What the caller may see of a device's past, at least of the world of the token.
    async fn lived(&self, field: &str, name: &str, token: &str) -> Result<Lived, Failure> {
        let [tenant, device] = names::parse(field, DEVICE, name)?;
        let reach = names::reach(tenant)?;
        let tenant = Tenant::parse(field, &format!("tenants/{tenant}"))?;
        if !self.keeps_history {
            return Err(not_kept(name));
        }
        let (found, world) = self.judgeable(&tenant, vec![name.to_owned()], token).await?;
        let consistency_token = self.token(&found.consistency_token, &world)?;
        let past = device_past(&self.store, &tenant.id, device).await?;
        let seen = found.devices.into_iter().next();
        // Of what is no more only who reaches all of the tenant is told: of others nobody knows whether they saw it.
        if seen.is_none() && (reach != Reach::Whole || past.versions.is_empty()) {
            return Err(Failure::NotFound { resource_type: RESOURCE_TYPE, name: name.to_owned() });
        }
        let past = match seen {
            Some(seen) => self.with_present(&tenant.id, past, &world, device, seen).await?,
            None => past,
        };
        Ok(Lived {
            periods: reached(past.periods(), &reach, world.as_of),
            tenant: tenant.id,
            consistency_token,
        })
    }

    /// The past of a device up to what it is now. Of a device of which nothing was kept, this is kept.
    async fn with_present(
        &self,
        tenant: &TenantId,
        mut past: Past,
        world: &World,
        id: &str,
        device: Device,
    ) -> Result<Past, Failure> {
        let device_revision = device.revision;
        let (_, facts) = convert::device(device)?;
        let policies = policy_past(&self.store, tenant).await?;
        let hierarchy = facts.hierarchy.as_ref();
        let named = named_in(&policies.named, hierarchy);
        let state = MaterialState::of(&facts, &world.surroundings.of(&facts, None), named);
        if past.versions.is_empty() {
            let revision = i64::try_from(device_revision).unwrap_or(i64::MAX);
            let seen = Seen { device: id.to_owned(), revision, state: state.clone() };
            history_begin(&self.store, tenant, seen, world.as_of).await?;
            past = device_past(&self.store, tenant, id).await?;
        }
        if let Some((id, known)) = hierarchy.and_then(|id| policies.policies.get_key_value(id)) {
            // It may be another one than any that was kept.
            past.policies.entry(id.clone()).or_insert_with(|| known.clone());
        }
        let complete = world.surroundings.complete_collections(hierarchy);
        let complete = named.intersection(complete).cloned().collect();
        let kept = named_kept(&self.store, tenant).await?;
        past.see(world.as_of, Present { device_revision, state, complete }, named_in(&kept, hierarchy));
        Ok(past)
    }

    /// Since when each workload of a device is held by whom it is held now; nothing of a workload whose holder is another one than was kept.
    pub(super) async fn held_since(
        &self,
        tenant: &TenantId,
        device: &str,
        decided: &Decided,
    ) -> Result<HeldSince, Failure> {
        // Whoever reaches a part of the tenant is not told of what the device was outside of it.
        if !self.keeps_history || names::reach(tenant.as_str())? != Reach::Whole {
            return Ok(HeldSince::default());
        }
        let periods = device_past(&self.store, tenant, device).await?.periods();
        let Some(last) = periods.last() else { return Ok(HeldSince::default()) };
        let as_kept =
            |workload| last.answer.reasons[workload].authority() == decided.reasons[workload].authority();
        Ok(HeldSince::from_fn(|workload| since(&periods, workload).filter(|_| as_kept(workload))))
    }
}

/// What a caller may be told, of periods oldest first. While it was another hierarchy's, the device was not a limited caller's to see; and of whom
/// collections limit nobody knows whether they saw it before: they are told the present.
fn reached(mut periods: Vec<Period>, reach: &Reach, now: Timestamp) -> Vec<Period> {
    let Some(parts) = reach.parts() else { return periods };
    if parts.iter().any(|part| !part.collections.is_empty()) {
        let present = periods.pop().filter(|last| last.to.is_none());
        let present = present.map(|last| Period { from: now.max(last.from), is_first_look: true, ..last });
        return present.into_iter().collect();
    }
    let is_reached =
        |period: &Period| period.answer.hierarchy.as_ref().is_some_and(|id| reach.has_hierarchy(id.as_str()));
    periods.retain(is_reached);
    periods
}

fn not_kept(name: &str) -> Failure {
    Failure::Unmet {
        reason: ErrorReason::HistoryNotKnown,
        name: name.to_owned(),
        description: "expected history to be kept, found that it is not: set `history.keep_days` of the service to more than 0"
            .to_owned(),
        expected: String::new(),
        found: String::new(),
    }
}

fn not_known(name: String, at: Timestamp, periods: &[Period]) -> Failure {
    let (expected, description) = match periods.first() {
        Some(first) if at < first.from => (
            first.from.to_string(),
            format!("expected a moment from {} on, `{name}` is known, found {at}", first.from),
        ),
        _ => {
            let gone = periods.iter().filter_map(|period| period.to).filter(|to| *to <= at).max();
            let gone = gone.map(|at| at.to_string()).unwrap_or_default();
            (
                String::new(),
                format!(
                    "expected a moment at which `{name}` existed, found {at}: it was no more from {gone} on"
                ),
            )
        }
    };
    Failure::Unmet {
        reason: ErrorReason::HistoryNotKnown,
        name,
        description,
        expected,
        found: at.to_string(),
    }
}
