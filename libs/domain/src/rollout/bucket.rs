//! The bucket of a device: its fixed place in every rollout by percentage.
//!
//! Tenant and device alone decide it, so the same device is in the same bucket for ever: it is never chosen twice, whatever the
//! rollout, the process or the version of Tandem, and who was in the first per cent once is there again next time.
//!
//! The hash is a contract. It is version 5 of RFC 9562's UUIDs (SHA-1) in the namespace `b7a3f2c4-5d0e-5e0b-9c57-3a1d0e6f8b21`
//! of the text `<tenant>/<device>`, which is unambiguous since neither id contains a slash. Its first 48 bits, which carry no
//! version, are read as a big-endian number; the bucket is that modulo 10,000. The modulo favours no bucket by more than one in
//! 10^10.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::id::{DeviceId, TenantId};

/// How many buckets there are: one is a hundredth of a per cent.
pub const BUCKETS: u16 = 10_000;

/// Drawn once; never to be changed.
const NAMESPACE: Uuid = Uuid::from_u128(0xb7a3_f2c4_5d0e_5e0b_9c57_3a1d_0e6f_8b21);

/// A device's fixed place, from 0 to 9,999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Bucket(u16);

impl Bucket {
    /// The bucket of a tenant's device.
    #[must_use]
    pub fn of(tenant: &TenantId, device: &DeviceId) -> Self {
        let hash = Uuid::new_v5(&NAMESPACE, format!("{tenant}/{device}").as_bytes());
        let number = hash.as_u128() >> 80;
        Self((number % u128::from(BUCKETS)) as u16)
    }

    /// The bucket of that number. `None`: it is none.
    #[must_use]
    pub const fn of_number(number: u16) -> Option<Self> {
        if number < BUCKETS { Some(Self(number)) } else { None }
    }

    /// From 0 to 9,999.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(tenant: &str, device: &str) -> u16 {
        Bucket::of(&TenantId::parse(tenant).unwrap(), &DeviceId::parse(device).unwrap()).number()
    }

    /// Computed apart from this code, with Python's `uuid.uuid5`. A change here moves devices between waves that run.
    #[test]
    fn bucket_is_what_it_always_was() {
        let found = [("contoso", "d-1"), ("contoso", "d-2"), ("fabrikam", "d-1"), ("contoso.eu", "OSL-2417")]
            .map(|(tenant, device)| bucket(tenant, device));
        assert_eq!(found, [8435, 6330, 3652, 8302]);
    }

    /// 100,000 devices over 100 groups of 100 buckets: 1,000 expected in each, with a standard deviation below 32.
    #[test]
    fn buckets_are_filled_evenly() {
        for tenant in ["contoso", "fabrikam"] {
            let mut filled = [0_u32; 100];
            for device in 0..100_000 {
                filled[usize::from(bucket(tenant, &format!("device-{device}")) / 100)] += 1;
            }
            let furthest = filled.iter().map(|count| count.abs_diff(1_000)).max();
            assert!(furthest < Some(160), "{filled:?}");
        }
    }

    /// Two tenants share no order: one tenant's first per cent is not another's.
    #[test]
    fn tenants_share_no_order() {
        let first = |tenant, device| bucket(tenant, &format!("device-{device}")) < 1_000;
        let both = (0..10_000).filter(|&d| first("contoso", d) && first("fabrikam", d)).count();
        assert!((50..200).contains(&both), "{both} of 10,000, expected about 100");
    }
}
