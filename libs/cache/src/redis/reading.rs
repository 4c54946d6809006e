//! How readers are answered: from this process, or by one `MGET` for as many as ask.

use std::sync::Arc;
use std::time::SystemTime;

use redis::FromRedisValue;
use tokio::time::timeout;

use super::RedisCache;
use super::attempt::Attempt;
use super::layout::{Keys, View, state};
use crate::port::{Epoch, Found, Position};

/// Entries of one read: some 2 MB.
const READ_AT_ONCE: usize = 1000;

impl RedisCache {
    pub(super) async fn get(
        &self,
        tenant: &str,
        ids: &[&str],
        at_least: Option<Position>,
        now: SystemTime,
    ) -> Option<Vec<Option<Found>>> {
        let heard = self.hints.as_ref().and_then(|hints| hints.newest(tenant));
        let held = self.near.as_ref().and_then(|near| near.held(tenant, ids, at_least, heard, now));
        if let Some((epoch, mut held)) = held.filter(|(_, held)| held.iter().any(Option::is_some)) {
            let missing = ids.iter().zip(&held).filter(|(_, held)| held.is_none());
            let missing: Vec<&str> = missing.map(|(id, _)| *id).collect();
            if missing.is_empty() {
                return Some(held);
            }
            let (present, found) = self.fetch(tenant, &missing, at_least, now).await?;
            if present == epoch {
                for (gap, found) in held.iter_mut().filter(|held| held.is_none()).zip(found) {
                    *gap = found;
                }
                return Some(held);
            }
        }
        self.fetch(tenant, ids, at_least, now).await.map(|(_, found)| found)
    }

    /// A state that may be answered again.
    pub(super) fn at_hand(
        &self,
        tenant: &str,
        id: &str,
        at_least: Option<Position>,
        now: SystemTime,
    ) -> Option<Found> {
        let near = self.near.as_ref()?;
        let heard = self.hints.as_ref().and_then(|hints| hints.newest(tenant));
        let (_, held) = near.held(tenant, &[id], at_least, heard, now)?;
        held.into_iter().next()?
    }

    /// What Redis answers about one device, together with others that are asked for at the same time.
    pub(super) async fn fetch_one(
        &self,
        tenant: &str,
        id: &str,
        at_least: Option<Position>,
        now: SystemTime,
    ) -> Option<Option<Found>> {
        let ask = |ids: Vec<Arc<str>>| async move {
            let ids: Vec<&str> = ids.iter().map(|id| &**id).collect();
            let (view, found) = self.read(tenant, &ids, now).await?;
            Some(found.into_iter().map(|found| (view, found)).collect())
        };
        let (view, found) = self.together.ask_for(tenant, id, READ_AT_ONCE, ask).await?;
        view.is_trusted(at_least, now).then_some(found)
    }

    /// What Redis answers, in which epoch.
    async fn fetch(
        &self,
        tenant: &str,
        ids: &[&str],
        at_least: Option<Position>,
        now: SystemTime,
    ) -> Option<(Epoch, Vec<Option<Found>>)> {
        let mut found = Vec::with_capacity(ids.len());
        let mut epoch = None;
        let no_ids: [&[&str]; 1] = [&[]];
        let chunks = ids.chunks(READ_AT_ONCE).chain(no_ids.into_iter().filter(|_| ids.is_empty()));
        for ids in chunks {
            let (view, here) = self.read(tenant, ids, now).await?;
            let is_same_epoch = *epoch.get_or_insert(view.epoch) == view.epoch;
            if !is_same_epoch || !view.is_trusted(at_least, now) {
                return None;
            }
            found.extend(here);
        }
        Some((epoch?, found))
    }

    /// The epoch and what is known of the devices, of one moment. It is answered again while its watermark is young enough for anybody.
    async fn read(&self, tenant: &str, ids: &[&str], now: SystemTime) -> Option<(View, Vec<Option<Found>>)> {
        let mut attempt = Attempt::start(&self.reading, &self.link)?;
        let live = attempt.over(self.link.now()?);
        let keys = Keys::of(tenant);
        let mut command = redis::cmd("MGET");
        command.arg(keys.meta());
        for id in ids {
            command.arg(keys.device(id));
        }
        let answer = timeout(self.read_patience, live.ask(&command)).await.ok()?;
        let answer = attempt.end(answer).ok()?;
        let mut slots = Vec::<Option<Vec<u8>>>::from_redis_value(answer).ok()?.into_iter();
        let view = View::read(&slots.next()??)?;
        let found: Vec<_> = slots.map(|slot| state(&slot?, view.epoch)).collect();
        if found.len() != ids.len() {
            return None;
        }
        if let Some(near) = self.near.as_ref().filter(|_| view.is_trusted(None, now)) {
            near.see(tenant, view, ids, &found);
        }
        Some((view, found))
    }
}
