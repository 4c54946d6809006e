//! Chance without state: every draw is a function of seed, device and what is being decided.
//!
//! The mixing function is written out here because the bytes of a fleet must never change with a library's version. It is the
//! finaliser of SplitMix64 (Steele, Lea, Flood 2014): statistically sound for a simulation, worthless as a secret.

use uuid::Uuid;

use crate::shares::{Share, WHOLE};

/// What is being decided. A number, once given, keeps its meaning: changing one changes every fleet.
#[derive(Debug, Clone, Copy)]
#[repr(u64)]
pub(crate) enum Aspect {
    Situation = 1,
    Hierarchy = 2,
    Join = 3,
    Windows = 4,
    Owner = 5,
    Stale = 6,
    LastContact = 7,
    LastSync = 8,
    Created = 9,
    Enrolled = 10,
    SharedSerial = 11,
    Placeholder = 12,
    PlaceholderText = 13,
    EntraId = 14,
    SmsId = 15,
    SmbiosGuid = 16,
    IntuneId = 17,
    HasUser = 18,
    Model = 19,
    Moved = 20,
    FormerContact = 21,
    StateRow = 22,
    StatusCode = 23,
    StatusSign = 24,
    OutdatedClient = 25,
    Ring = 26,
    MembershipTotal = 27,
    MembershipFraction = 28,
    Membership = 29,
    MembershipAgain = 30,
    Drift = 31,
    DriftWorkload = 32,
    Leaving = 33,
    Compliance = 34,
    Storage = 35,
    Encrypted = 36,
}

/// The draws of one device.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draw {
    key: u64,
}

/// 2^64 divided by the golden ratio: the step between two inputs of the mixing function.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

impl Draw {
    pub(crate) fn new(seed: u64, index: u64) -> Self {
        Self { key: mix(mix(seed.wrapping_add(STEP)) ^ index.wrapping_mul(STEP)) }
    }

    pub(crate) fn number(self, aspect: Aspect) -> u64 {
        self.nth(aspect, 0)
    }

    /// The draw of that number within an aspect that needs several. At most 2^32 of them.
    pub(crate) fn nth(self, aspect: Aspect, n: u64) -> u64 {
        mix(self.key.wrapping_add(STEP.wrapping_mul((aspect as u64) << 32 | n)))
    }

    /// In `0.0..1.0`.
    pub(crate) fn unit(self, aspect: Aspect) -> f64 {
        unit(self.number(aspect))
    }

    /// In `0..bound`; `bound` is not 0. The bias of the remainder is below 2^-32 for every bound in use.
    pub(crate) fn below(self, aspect: Aspect, bound: u64) -> u64 {
        self.number(aspect) % bound.max(1)
    }

    /// True for that share of devices, in parts of [`WHOLE`].
    pub(crate) fn chance(self, aspect: Aspect, share: u32) -> bool {
        self.below(aspect, u64::from(WHOLE)) < u64::from(share)
    }

    /// One of a table whose shares add up to [`WHOLE`].
    pub(crate) fn pick<T: Copy>(self, aspect: Aspect, table: &[Share<T>]) -> T {
        let mut left = self.below(aspect, u64::from(WHOLE));
        for &(value, share) in table {
            match left.checked_sub(u64::from(share)) {
                Some(rest) => left = rest,
                None => return value,
            }
        }
        // Not reached: a test proves that every table adds up.
        table[table.len() - 1].0
    }

    /// A random id (version 4) of the device's own.
    pub(crate) fn guid(self, aspect: Aspect) -> Uuid {
        let bytes = (u128::from(self.nth(aspect, 0)) << 64) | u128::from(self.nth(aspect, 1));
        uuid::Builder::from_random_bytes(bytes.to_be_bytes()).into_uuid()
    }
}

pub(crate) fn unit(number: u64) -> f64 {
    // 53 bits are what a double holds exactly.
    (number >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixing_matches_the_published_sequence() {
        // First outputs of SplitMix64 seeded with 1234567, as published with the generator.
        let outputs: Vec<u64> =
            (1..=3_u64).map(|n| mix(1_234_567_u64.wrapping_add(STEP.wrapping_mul(n)))).collect();
        assert_eq!(
            outputs,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn pick_takes_the_whole_table_in_its_shares() {
        let table = [("a", 7_000), ("b", 0), ("c", 3_000)];
        let picked =
            |text| (0..50_000).filter(|&i| Draw::new(9, i).pick(Aspect::Join, &table) == text).count();
        assert!(picked("a").abs_diff(35_000) < 500, "{}", picked("a"));
        assert_eq!(picked("b"), 0);
    }

    #[test]
    fn draws_differ_by_seed_index_aspect_and_number() {
        let draws = [
            Draw::new(1, 1).number(Aspect::Situation),
            Draw::new(2, 1).number(Aspect::Situation),
            Draw::new(1, 2).number(Aspect::Situation),
            Draw::new(1, 1).number(Aspect::Join),
            Draw::new(1, 1).nth(Aspect::Situation, 1),
        ];
        let distinct: std::collections::BTreeSet<u64> = draws.into_iter().collect();
        assert_eq!(distinct.len(), draws.len());
    }

    #[test]
    fn guid_is_of_version_4() {
        assert_eq!(Draw::new(1, 1).guid(Aspect::EntraId).get_version_num(), 4);
    }
}
