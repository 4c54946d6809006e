//! Places that requests and connections hold while they last: so many in all, and so many of one holder.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A number of places. Taking one neither waits nor locks.
#[derive(Debug)]
pub(super) struct Places {
    all: u64,
    taken: AtomicU64,
}

impl Places {
    pub(super) fn new(all: u64) -> Arc<Self> {
        Arc::new(Self { all, taken: AtomicU64::new(0) })
    }

    /// How many there are.
    pub(super) const fn all(&self) -> u64 {
        self.all
    }

    /// A place. `None`: all are taken.
    pub(super) fn take(self: &Arc<Self>) -> Option<Taken> {
        let mut taken = Taken { places: Arc::clone(self), number: 0 };
        taken.grow(1).then_some(taken)
    }

    /// None yet of the places that [`Taken::grow`] takes.
    pub(super) fn none(self: &Arc<Self>) -> Taken {
        Taken { places: Arc::clone(self), number: 0 }
    }
}

/// Places that are given back with this.
#[derive(Debug)]
pub(super) struct Taken {
    places: Arc<Places>,
    number: u64,
}

impl Taken {
    /// Takes so many more. Whether they were there; none is taken otherwise.
    pub(super) fn grow(&mut self, more: u64) -> bool {
        let within = |taken: u64| taken.checked_add(more).filter(|taken| *taken <= self.places.all);
        let grown = self.places.taken.try_update(Ordering::Relaxed, Ordering::Relaxed, within).is_ok();
        self.number += if grown { more } else { 0 };
        grown
    }

    /// Gives them all back.
    pub(super) fn clear(&mut self) {
        if self.number > 0 {
            self.places.taken.fetch_sub(self.number, Ordering::Relaxed);
            self.number = 0;
        }
    }

    /// How many they are.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// How many there are in all.
    pub(super) fn all(&self) -> u64 {
        self.places.all
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.clear();
    }
}

/// How many places each holder has. Only who has one is known, so the places in all bound what is kept.
#[derive(Debug)]
pub(super) struct Shares<K>(Mutex<HashMap<K, u64>>);

impl<K: Eq + Hash + Clone> Shares<K> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(HashMap::new())))
    }

    /// One more for that holder. `None`: it has `most` already.
    pub(super) fn take(self: &Arc<Self>, holder: &K, most: u64) -> Option<Share<K>> {
        // What a panic left behind is whole: each step is one change.
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match held.get_mut(holder) {
            Some(number) if *number >= most => return None,
            Some(number) => *number += 1,
            None => {
                held.insert(holder.clone(), 1);
            }
        }
        Some(Share { shares: Arc::clone(self), holder: holder.clone() })
    }
}

impl<K: Eq + Hash> Shares<K> {
    fn give_back<Q: Eq + Hash + ?Sized>(&self, holder: &Q)
    where
        K: Borrow<Q>,
    {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match held.get_mut(holder) {
            Some(number) if *number > 1 => *number -= 1,
            _ => {
                held.remove(holder);
            }
        }
    }
}

/// A place of a holder, given back with this.
#[derive(Debug)]
pub(super) struct Share<K: Eq + Hash> {
    shares: Arc<Shares<K>>,
    holder: K,
}

impl<K: Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        self.shares.give_back(&self.holder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_that_is_given_back_is_taken_again() {
        let places = Places::new(2);
        let (first, second) = (places.take(), places.take());
        assert!(first.is_some() && second.is_some() && places.take().is_none());
        drop(first);
        assert!(places.take().is_some());
    }

    #[test]
    fn places_that_are_not_all_there_are_not_taken_at_all() {
        let places = Places::new(10);
        let mut taken = places.none();
        assert!(taken.grow(8) && !taken.grow(3) && taken.grow(2));
        assert_eq!(taken.number(), 10);
        taken.clear();
        assert!(places.none().grow(10));
    }

    #[test]
    fn holder_has_its_share_and_is_forgotten_with_its_last_place() {
        let shares = Shares::new();
        let ada = [shares.take(&"ada", 2), shares.take(&"ada", 2)];
        assert!(ada.iter().all(Option::is_some) && shares.take(&"ada", 2).is_none());
        let grace = shares.take(&"grace", 2);
        assert!(grace.is_some());
        drop((ada, grace));
        assert_eq!(shares.0.lock().unwrap().len(), 0);
    }

    #[test]
    fn places_taken_from_many_threads_are_never_more_than_there_are() {
        let (places, most) = (Places::new(3), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..10_000 {
                        let taken = places.take();
                        most.fetch_max(places.taken.load(Ordering::Relaxed), Ordering::Relaxed);
                        drop(taken);
                    }
                });
            }
        });
        assert!(most.into_inner() <= 3);
        assert_eq!(places.taken.load(Ordering::Relaxed), 0);
    }
}
