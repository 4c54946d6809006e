//! Consistency tokens: which world an answer is of, so that a later read can ask for at least that world.
//!
//! To callers the text is opaque. Within: a version, then for each service that took part its database's incarnation (which changes
//! when the database is restored) and a revision, then a checksum. The checksum tells damage, not forgery: a token grants
//! nothing, it can only make a read wait or fail. Revisions count per tenant, so a token is of use in the tenant that it came from.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::display::Base64Display;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::failure::Failure;

/// First byte of the token; another layout takes another number.
const VERSION: u8 = 1;

/// A service's number, incarnation and revision.
const ENTRY: usize = 1 + 8 + 8;

/// Longest text that can be a token: of more, not a byte is decoded.
const MAX_TEXT: usize = 256;

/// A service with revisions of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Service {
    /// `tandem.inventory.v1`.
    Inventory = 1,
    /// `tandem.prerequisites.v1`.
    Prerequisites = 2,
    /// `tandem.authority.v1`.
    Authority = 3,
    /// `tandem.monitoring.v1`.
    Monitoring = 4,
}

impl Service {
    /// By number, from 1 on.
    const ALL: [Self; 4] = [Self::Inventory, Self::Prerequisites, Self::Authority, Self::Monitoring];

    fn of_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|service| *service as u8 == number)
    }

    const fn place(self) -> usize {
        self as usize - 1
    }
}

/// How far a service was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Which life of its database; marks of different incarnations cannot be compared.
    pub incarnation: u64,
    /// The revision, within that incarnation and tenant.
    pub revision: u64,
}

/// A world: how far each service was. The default asks for nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConsistencyToken([Option<Mark>; Service::ALL.len()]);

impl ConsistencyToken {
    /// Reads a token from a request. Empty text is the token that asks for nothing.
    ///
    /// # Errors
    /// [`Failure::InvalidConsistencyToken`] when the text is not what a service gave.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        decode(text).ok_or(Failure::InvalidConsistencyToken)
    }

    /// This world with that service at that revision.
    #[must_use]
    pub fn with(mut self, service: Service, incarnation: u64, revision: u64) -> Self {
        self.0[service.place()] = Some(Mark { incarnation, revision });
        self
    }

    /// How far that service was; `None`: any world of it will do.
    #[must_use]
    pub fn get(&self, service: Service) -> Option<Mark> {
        self.0[service.place()]
    }

    /// The world that is at least both: per service the later revision. Where the incarnations differ, `newer` has the word.
    #[must_use]
    pub fn merge(mut self, newer: &Self) -> Self {
        for (ours, newer) in self.0.iter_mut().zip(newer.0) {
            *ours = match (*ours, newer) {
                (Some(ours), Some(newer))
                    if ours.incarnation == newer.incarnation && ours.revision > newer.revision =>
                {
                    Some(ours)
                }
                (ours, newer) => newer.or(ours),
            };
        }
        self
    }

    /// Checks that a service which has seen `seen` is at least at this world.
    ///
    /// # Errors
    /// [`Failure::IncarnationChanged`] when the token is of another life of the database;
    /// [`Failure::NotYetConsistent`] when it is of a later revision.
    pub fn check(&self, service: Service, seen: Mark) -> Result<(), Failure> {
        match self.get(service) {
            Some(asked) if asked.incarnation != seen.incarnation => Err(Failure::IncarnationChanged),
            Some(asked) if asked.revision > seen.revision => {
                Err(Failure::NotYetConsistent { asked: asked.revision, seen: seen.revision })
            }
            _ => Ok(()),
        }
    }
}

/// The text to send. The token that asks for nothing is empty.
impl fmt::Display for ConsistencyToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.iter().all(Option::is_none) {
            return Ok(());
        }
        let mut bytes = Vec::with_capacity(1 + self.0.len() * ENTRY + 4);
        bytes.push(VERSION);
        for (service, mark) in Service::ALL.into_iter().zip(self.0) {
            let Some(Mark { incarnation, revision }) = mark else { continue };
            bytes.push(service as u8);
            bytes.extend(incarnation.to_be_bytes());
            bytes.extend(revision.to_be_bytes());
        }
        bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
        Base64Display::new(&bytes, &URL_SAFE_NO_PAD).fmt(f)
    }
}

impl FromStr for ConsistencyToken {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        Self::parse(text)
    }
}

fn decode(text: &str) -> Option<ConsistencyToken> {
    if text.len() > MAX_TEXT {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (body, checksum) = bytes.split_last_chunk::<4>()?;
    let (version, entries) = body.split_first()?;
    if *version != VERSION || u32::from_be_bytes(*checksum) != crc32fast::hash(body) {
        return None;
    }
    let (entries, rest) = entries.as_chunks::<ENTRY>();
    if !rest.is_empty() || entries.is_empty() {
        return None;
    }
    let mut token = ConsistencyToken::default();
    for entry in entries {
        let (number, mark) = entry.split_first()?;
        let (incarnation, revision) = mark.split_first_chunk::<8>()?;
        let revision = revision.first_chunk::<8>()?;
        let mark =
            Mark { incarnation: u64::from_be_bytes(*incarnation), revision: u64::from_be_bytes(*revision) };
        let place = &mut token.0[Service::of_number(*number)?.place()];
        if place.replace(mark).is_some() {
            return None;
        }
    }
    Some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> ConsistencyToken {
        ConsistencyToken::default().with(Service::Inventory, 7, 1_000_000).with(
            Service::Authority,
            u64::MAX,
            0,
        )
    }

    #[test]
    fn token_read_back_is_the_same_world() {
        let text = world().to_string();
        assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{text}");
        let read = ConsistencyToken::parse(&text).unwrap();
        assert_eq!(read, world());
        assert_eq!(read.get(Service::Inventory), Some(Mark { incarnation: 7, revision: 1_000_000 }));
        assert_eq!(read.get(Service::Monitoring), None);
    }

    #[test]
    fn empty_text_asks_for_nothing() {
        assert_eq!(ConsistencyToken::parse("").unwrap(), ConsistencyToken::default());
        assert_eq!(ConsistencyToken::default().to_string(), "");
    }

    #[test]
    fn token_with_any_character_changed_or_lost_is_damaged() {
        let text = world().to_string();
        for place in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            let lost = format!("{}{}", &text[..place], &text[place + 1..]);
            for damaged in [changed, lost] {
                let failure = ConsistencyToken::parse(&damaged).unwrap_err();
                assert!(matches!(failure, Failure::InvalidConsistencyToken), "{damaged}: {failure:?}");
            }
        }
    }

    #[test]
    fn token_of_another_version_or_service_is_refused() {
        for body in
            [vec![], vec![VERSION], [&[9][..], &[1; ENTRY]].concat(), [&[VERSION][..], &[9; ENTRY]].concat()]
        {
            let text = URL_SAFE_NO_PAD.encode([&body[..], &crc32fast::hash(&body).to_be_bytes()].concat());
            assert!(ConsistencyToken::parse(&text).is_err(), "{body:?}");
        }
        assert!(ConsistencyToken::parse(&"A".repeat(1_000_000)).is_err());
    }

    #[test]
    fn merged_world_is_at_least_both() {
        let one = ConsistencyToken::default().with(Service::Inventory, 7, 5).with(Service::Authority, 1, 9);
        let two = ConsistencyToken::default().with(Service::Inventory, 7, 8).with(Service::Authority, 1, 2);
        let both = ConsistencyToken::default().with(Service::Inventory, 7, 8).with(Service::Authority, 1, 9);
        assert_eq!(one.merge(&two), both);
        assert_eq!(two.merge(&one), both);
    }

    #[test]
    fn merged_world_of_two_incarnations_is_the_newer_one() {
        let before = ConsistencyToken::default().with(Service::Inventory, 7, 500);
        let after = ConsistencyToken::default().with(Service::Inventory, 8, 3);
        assert_eq!(before.merge(&after), after);
    }

    #[test]
    fn world_is_checked_against_what_the_service_has_seen() {
        let asked = ConsistencyToken::default().with(Service::Inventory, 7, 5);
        let at = |incarnation, revision| asked.check(Service::Inventory, Mark { incarnation, revision });
        assert!(at(7, 5).is_ok());
        assert!(matches!(at(7, 4).unwrap_err(), Failure::NotYetConsistent { asked: 5, seen: 4 }));
        assert!(matches!(at(8, 9).unwrap_err(), Failure::IncarnationChanged));
        assert!(asked.check(Service::Authority, Mark { incarnation: 1, revision: 0 }).is_ok());
    }
}
