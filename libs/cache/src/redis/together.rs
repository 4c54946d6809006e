//! Single devices that are asked for while Redis answers about others: once it has, it is asked for all of them together.
//!
//! Of each tenant one such request is on its way at a time, so a process that is asked about little waits for nobody, and one that is asked about
//! much spends a request on many. Whoever waits is asked for after it began to wait: its answer is as new as one of its own.
//!
//! One of those who wait makes the request for all, the *lead*. It may give up at any moment: the lead goes on to the next then, with all that it
//! was to ask for. Nobody waits longer than [`TURN`] for others: a server that takes longer to answer is asked by each for itself, as if there were
//! no others.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

/// How long one waits for others: a tenth of what a reader has, so that there is time for a request of its own. A server that is well answers within
/// less.
pub(super) const TURN: Duration = Duration::from_millis(2);

/// Who is asked for at once.
#[derive(Debug)]
pub(super) struct Together<T>(Arc<Mutex<Tenants<T>>>);

/// Those who wait, of each tenant that a request is on its way for.
type Tenants<T> = HashMap<Arc<str>, Vec<Waiting<T>>>;

#[derive(Debug)]
struct Waiting<T> {
    id: Arc<str>,
    told: oneshot::Sender<Told<T>>,
}

#[derive(Debug)]
enum Told<T> {
    Answer(Option<T>),
    Lead(Lead<T>),
}

/// A request that is to be made, also for others. With it, the next one's turn comes.
#[derive(Debug)]
struct Lead<T> {
    tenants: Arc<Mutex<Tenants<T>>>,
    tenant: Arc<str>,
    others: Vec<Waiting<T>>,
}

impl<T> Together<T> {
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    /// The answer about one device. `ask` answers about several, in their order, at most `most` at once.
    pub(super) async fn ask_for<F: Future<Output = Option<Vec<T>>>>(
        &self,
        tenant: &str,
        id: &str,
        most: usize,
        ask: impl Fn(Vec<Arc<str>>) -> F,
    ) -> Option<T> {
        let mut lead = match self.join(tenant, id) {
            Ok(lead) => lead,
            Err(is_told) => match timeout(TURN, is_told).await {
                Ok(Ok(Told::Answer(answer))) => return answer,
                Ok(Ok(Told::Lead(lead))) => lead,
                Ok(Err(_)) | Err(_) => return ask(vec![id.into()]).await?.into_iter().next(),
            },
        };
        let later = lead.others.split_off(lead.others.len().min(most.saturating_sub(1)));
        if !later.is_empty() {
            let mut tenants = lock(&lead.tenants);
            tenants.entry(Arc::clone(&lead.tenant)).or_default().splice(..0, later);
        }
        let mut ids = vec![id.into()];
        ids.extend(lead.others.iter().map(|other| Arc::clone(&other.id)));
        let number = ids.len();
        let answers = ask(ids).await.filter(|answers| answers.len() == number);
        let others = mem::take(&mut lead.others);
        drop(lead);
        let mut answers = answers.map(Vec::into_iter);
        let mut next = || answers.as_mut().and_then(Iterator::next);
        let answer = next();
        for other in others {
            // Who gave up needs no answer.
            let _ = other.told.send(Told::Answer(next()));
        }
        answer
    }

    fn join(&self, tenant: &str, id: &str) -> Result<Lead<T>, oneshot::Receiver<Told<T>>> {
        let mut tenants = lock(&self.0);
        if let Some(waiting) = tenants.get_mut(tenant) {
            let (told, is_told) = oneshot::channel();
            waiting.push(Waiting { id: id.into(), told });
            return Err(is_told);
        }
        let tenant: Arc<str> = tenant.into();
        tenants.insert(Arc::clone(&tenant), Vec::new());
        drop(tenants);
        Ok(Lead { tenants: Arc::clone(&self.0), tenant, others: Vec::new() })
    }
}

// What a panic left behind is whole: each step is one change.
fn lock<T>(tenants: &Mutex<Tenants<T>>) -> MutexGuard<'_, Tenants<T>> {
    tenants.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Drop for Lead<T> {
    fn drop(&mut self) {
        let mut tenants = lock(&self.tenants);
        let waiting = tenants.get_mut(&self.tenant).map(mem::take).unwrap_or_default();
        let waiting = mem::take(&mut self.others).into_iter().chain(waiting);
        let mut waiting = waiting.filter(|waiting| !waiting.told.is_closed());
        let Some(next) = waiting.next() else {
            tenants.remove(&self.tenant);
            return;
        };
        drop(tenants);
        let (tenants, tenant) = (Arc::clone(&self.tenants), Arc::clone(&self.tenant));
        // One that has given up meanwhile drops the lead, which goes on to the next.
        drop(next.told.send(Told::Lead(Self { tenants, tenant, others: waiting.collect() })));
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::pin::pin;

    use futures::poll;
    use tokio::sync::Semaphore;

    use super::*;

    /// Answers each id with itself, once it is let.
    struct Server {
        asked: RefCell<Vec<Vec<String>>>,
        answers: Semaphore,
        is_away: Cell<bool>,
    }

    impl Default for Server {
        fn default() -> Self {
            Self { asked: RefCell::default(), answers: Semaphore::new(0), is_away: Cell::new(false) }
        }
    }

    impl Server {
        async fn ask(&self, ids: Vec<Arc<str>>) -> Option<Vec<String>> {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            self.asked.borrow_mut().push(ids.clone());
            self.answers.acquire().await.unwrap().forget();
            (!self.is_away.get()).then_some(ids)
        }

        fn answer(&self) {
            self.answers.add_permits(1);
        }

        fn asked(&self) -> Vec<String> {
            self.asked.borrow().iter().map(|ids| ids.join(" ")).collect()
        }
    }

    async fn find(together: &Together<String>, server: &Server, tenant: &str, id: &str) -> Option<String> {
        together.ask_for(tenant, id, 3, |ids| server.ask(ids)).await
    }

    fn is_idle(together: &Together<String>) -> bool {
        lock(&together.0).is_empty()
    }

    #[tokio::test]
    async fn those_who_come_meanwhile_are_asked_for_together() {
        let (together, server) = (Together::new(), Server::default());
        let find = |tenant, id| Box::pin(find(&together, &server, tenant, id));
        let (mut a, mut b, mut c) = (find("t", "a"), find("t", "b"), find("t", "c"));
        let (mut d, mut e, mut other) = (find("t", "d"), find("t", "e"), find("u", "a"));
        for one in [&mut a, &mut b, &mut c, &mut d, &mut e, &mut other] {
            assert!(poll!(one).is_pending());
        }
        assert_eq!(server.asked(), ["a", "a"], "tenants do not wait for each other");
        server.answer();
        assert_eq!(a.await.as_deref(), Some("a"));
        assert!(poll!(&mut b).is_pending());
        assert_eq!(server.asked(), ["a", "a", "b c d"], "no more at once than allowed");
        // That of the other tenant waited first.
        server.answer();
        assert_eq!(other.await.as_deref(), Some("a"));
        server.answer();
        assert_eq!((b.await.as_deref(), d.await.as_deref()), (Some("b"), Some("d")));
        assert!(poll!(&mut e).is_pending());
        server.answer();
        assert_eq!((e.await.as_deref(), c.await.as_deref()), (Some("e"), Some("c")));
        assert_eq!(server.asked(), ["a", "a", "b c d", "e"]);
        assert!(is_idle(&together));
    }

    #[tokio::test]
    async fn whoever_gives_up_keeps_nobody_waiting() {
        let (together, server) = (Together::new(), Server::default());
        let find = |id| Box::pin(find(&together, &server, "t", id));
        let (mut a, mut b, mut c) = (find("a"), find("b"), find("c"));
        for one in [&mut a, &mut b, &mut c] {
            assert!(poll!(one).is_pending());
        }
        // In the middle of its request; then one that has the lead and does not know yet.
        drop(a);
        drop(b);
        assert!(poll!(&mut c).is_pending());
        assert_eq!(server.asked(), ["a", "c"]);
        // Two that are asked for together, of whom the one that asks gives up.
        let (mut d, mut e) = (find("d"), find("e"));
        assert!(poll!(&mut d).is_pending() && poll!(&mut e).is_pending());
        server.answer();
        assert_eq!(c.await.as_deref(), Some("c"));
        assert!(poll!(&mut d).is_pending());
        drop(d);
        assert!(poll!(&mut e).is_pending());
        assert_eq!(server.asked(), ["a", "c", "d e", "e"]);
        server.answer();
        assert_eq!(e.await.as_deref(), Some("e"));
        assert!(is_idle(&together));
    }

    #[tokio::test(start_paused = true)]
    async fn server_that_takes_long_is_asked_by_each() {
        let (together, server) = (Together::new(), Server::default());
        let find = |id| Box::pin(find(&together, &server, "t", id));
        let (mut a, mut b, mut c) = (find("a"), find("b"), find("c"));
        assert!(poll!(&mut a).is_pending() && poll!(&mut b).is_pending());
        tokio::time::advance(TURN).await;
        assert!(poll!(&mut b).is_pending() && poll!(&mut c).is_pending());
        assert_eq!(server.asked(), ["a", "b"]);
        for _ in 0..2 {
            server.answer();
        }
        assert_eq!((b.await.as_deref(), a.await.as_deref()), (Some("b"), Some("a")));
        assert!(poll!(&mut c).is_pending());
        assert_eq!(server.asked(), ["a", "b", "c"]);
        server.answer();
        assert_eq!(c.await.as_deref(), Some("c"));
        assert!(is_idle(&together));
    }

    #[tokio::test]
    async fn no_answer_is_none_for_all() {
        let (together, server) = (Together::new(), Server::default());
        server.is_away.set(true);
        let (mut a, mut b) =
            (pin!(find(&together, &server, "t", "a")), pin!(find(&together, &server, "t", "b")));
        assert!(poll!(&mut a).is_pending() && poll!(&mut b).is_pending());
        server.answer();
        assert_eq!(a.await, None);
        assert!(poll!(&mut b).is_pending());
        server.answer();
        assert_eq!(b.await, None);
        assert!(is_idle(&together));
    }
}
