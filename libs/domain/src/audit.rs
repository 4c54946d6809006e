//! The chain of the audit log: whoever keeps its head finds out when anything before it was rewritten.
//!
//! A record's hash is the SHA-256, in lowercase hexadecimal, of `{previous hash}\n{sequence}\n{entry}`: of the text as it was recorded, to the byte, so
//! that whoever verifies needs no canonical form of it. The first record follows 64 zeros.
//!
//! Invariant, with a property test: a chain in which any text, hash, or order was changed, or from whose middle a record was taken, does not verify. Of
//! one that was cut at its end, or computed anew from some record on, only a kept head tells.
//!
//! Not for: what an entry says, and who signs heads.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What the first record of a chain follows.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// One record of a chain; in an export a JSON object of these fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Its place, from 1 on.
    pub sequence: u64,
    /// Hash of the record before.
    #[serde(rename = "previous_hash")]
    pub previous: String,
    /// What it says.
    pub entry: String,
    /// Its hash.
    pub hash: String,
}

impl Link {
    /// The record that follows a head and says that.
    #[must_use]
    pub fn after(head: &Head, entry: String) -> Self {
        let sequence = head.sequence + 1;
        let hash = hash(&head.hash, sequence, &entry);
        Self { sequence, previous: head.hash.clone(), entry, hash }
    }

    /// The head of the chain that ends here.
    #[must_use]
    pub fn head(&self) -> Head {
        Head { sequence: self.sequence, hash: self.hash.clone() }
    }
}

/// Where a chain ends: place and hash of its last record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The place; 0 of an empty chain.
    pub sequence: u64,
    /// The hash.
    pub hash: String,
}

impl Default for Head {
    /// That of an empty chain.
    fn default() -> Self {
        Self { sequence: 0, hash: GENESIS.to_owned() }
    }
}

/// The hash of a record.
#[must_use]
pub fn hash(previous: &str, sequence: u64, entry: &str) -> String {
    let digest = Sha256::new()
        .chain_update(previous)
        .chain_update("\n")
        .chain_update(sequence.to_string())
        .chain_update("\n")
        .chain_update(entry)
        .finalize();
    digest.iter().fold(String::with_capacity(GENESIS.len()), |mut text, byte| {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or_default());
        }
        text
    })
}

/// Why a chain is not what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The record's hash is not that of what it says.
    Hash,
    /// The record does not follow from the one before.
    Link,
    /// A record is missing.
    Gap,
    /// The chain ends before a head that was kept.
    Truncated,
    /// The record is not the one that a kept head names.
    Head,
}

/// Where a chain is first not what it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("record {sequence}: expected {expected}, found {found}")]
pub struct Fault {
    /// The place.
    pub sequence: u64,
    /// In which way.
    pub kind: FaultKind,
    /// What was expected there.
    pub expected: String,
    /// What was found there.
    pub found: String,
}

impl Fault {
    fn new(sequence: u64, kind: FaultKind, expected: impl ToString, found: impl ToString) -> Self {
        Self { sequence, kind, expected: expected.to_string(), found: found.to_string() }
    }
}

/// Reads a chain from its first record on, against heads that were kept.
#[derive(Debug, Clone)]
pub struct Verifier {
    head: Head,
    /// By place, the last first.
    kept: Vec<Head>,
}

impl Verifier {
    /// A verifier of a whole chain.
    #[must_use]
    pub fn new(mut kept: Vec<Head>) -> Self {
        kept.sort_unstable_by(|a, b| (b.sequence, &b.hash).cmp(&(a.sequence, &a.hash)));
        Self { head: Head::default(), kept }
    }

    /// Reads the next record.
    ///
    /// # Errors
    /// It is not what it was.
    pub fn read(&mut self, link: &Link) -> Result<(), Fault> {
        let sequence = self.head.sequence + 1;
        if link.sequence != sequence {
            return Err(Fault::new(sequence, FaultKind::Gap, sequence, link.sequence));
        }
        if link.previous != self.head.hash {
            return Err(Fault::new(sequence, FaultKind::Link, &self.head.hash, &link.previous));
        }
        let computed = hash(&link.previous, sequence, &link.entry);
        if link.hash != computed {
            return Err(Fault::new(sequence, FaultKind::Hash, computed, &link.hash));
        }
        while let Some(kept) = self.kept.pop_if(|kept| kept.sequence <= sequence) {
            if kept != link.head() {
                return Err(Fault::new(kept.sequence, FaultKind::Head, kept.hash, &link.hash));
            }
        }
        self.head = link.head();
        Ok(())
    }

    /// Where the chain was read up to.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// There are no more records.
    ///
    /// # Errors
    /// A head that was kept is further on.
    pub fn end(self) -> Result<Head, Fault> {
        match self.kept.first() {
            Some(last) => Err(Fault::new(
                self.head.sequence + 1,
                FaultKind::Truncated,
                format!("records up to {}", last.sequence),
                "the end",
            )),
            None => Ok(self.head),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chain(entries: &[String]) -> Vec<Link> {
        let mut head = Head::default();
        let link = |entry: &String| {
            let link = Link::after(&head, entry.clone());
            head = link.head();
            link
        };
        entries.iter().map(link).collect()
    }

    fn verify(chain: &[Link], kept: Vec<Head>) -> Result<Head, Fault> {
        let mut verifier = Verifier::new(kept);
        chain.iter().try_for_each(|link| verifier.read(link))?;
        verifier.end()
    }

    fn kind(verified: Result<Head, Fault>) -> (u64, FaultKind) {
        let fault = verified.unwrap_err();
        (fault.sequence, fault.kind)
    }

    fn three() -> Vec<Link> {
        chain(&["a".to_owned(), "b".to_owned(), "c".to_owned()])
    }

    #[test]
    fn hash_is_the_one_that_other_programs_compute() {
        // printf '%s\n1\n{}' 000…000 | sha256sum
        let expected = "857ee6299d26533d1f5f46c02209ae8bc34dc4898a8a9545493946b4ea59d6f3";
        assert_eq!(hash(GENESIS, 1, "{}"), expected);
    }

    #[test]
    fn chain_as_it_was_recorded_verifies_with_its_heads() {
        let chain = three();
        let heads: Vec<Head> = chain.iter().map(Link::head).collect();
        assert_eq!(verify(&chain, heads.clone()), Ok(heads[2].clone()));
        assert_eq!(verify(&[], Vec::new()), Ok(Head::default()));
    }

    #[test]
    fn each_change_is_told_by_its_place_and_kind() {
        let mut changed = three();
        changed[1].entry = "B".to_owned();
        assert_eq!(kind(verify(&changed, Vec::new())), (2, FaultKind::Hash));
        changed[1].hash = hash(&changed[1].previous, 2, "B");
        assert_eq!(kind(verify(&changed, Vec::new())), (3, FaultKind::Link));
        let mut missing = three();
        missing.remove(1);
        assert_eq!(kind(verify(&missing, Vec::new())), (2, FaultKind::Gap));
    }

    #[test]
    fn chain_that_was_computed_anew_or_cut_is_told_by_a_kept_head_alone() {
        let kept = || vec![three()[2].head()];
        let anew = chain(&["a".to_owned(), "B".to_owned(), "c".to_owned()]);
        assert!(verify(&anew, Vec::new()).is_ok());
        assert_eq!(kind(verify(&anew, kept())), (3, FaultKind::Head));
        assert!(verify(&three()[..2], Vec::new()).is_ok());
        assert_eq!(kind(verify(&three()[..2], kept())), (3, FaultKind::Truncated));
    }

    proptest! {
        #[test]
        fn chain_with_any_change_does_not_verify(
            entries in prop::collection::vec(".{0,20}", 2..12),
            at in any::<prop::sample::Index>(),
            how in 0..5_u8,
        ) {
            let whole = chain(&entries);
            let head = whole[whole.len() - 1].head();
            let at = at.index(whole.len());
            let mut changed = whole.clone();
            match how {
                0 => changed[at].entry.push(' '),
                1 => changed[at].hash = GENESIS.to_owned(),
                2 => changed[at].sequence += 1,
                3 => drop(changed.remove(at)),
                _ => changed.swap(at, (at + 1) % whole.len()),
            }
            prop_assert!(verify(&changed, vec![head]).is_err());
        }
    }
}
