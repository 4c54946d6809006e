//! A fleet: from an index to a device.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tandem_domain::facts::{JoinType, Owner};

use crate::device::{Serial, SimulatedDevice, SiteRecord};
use crate::draw::{Aspect, Draw, unit};
use crate::hierarchy::{ALL_SYSTEMS, AUTO_ENROLLMENT, Hierarchy};
use crate::shares::{self, WHOLE};
use crate::situation::Situation;
use crate::spec::{FleetSpec, InvalidSpec};

/// The first ResourceID of a site; built-in records lie below.
const FIRST_RESOURCE_ID: u64 = 16_777_301;
/// Ordinary collections: one for each so many devices, within bounds. Large estates have thousands (scale: no limit found).
const DEVICES_PER_COLLECTION: u64 = 250;
const ORDINARY_COLLECTIONS: (u64, u64) = (64, 2_000);
/// The number of memberships varies evenly between these parts of the mean.
const MEMBERSHIP_SPREAD: (f64, f64) = (0.5, 1.5);
/// Clients talk to their site every hour (scale: policy poll 60 minutes); half a day covers nights.
const ACTIVE_HOURS: i64 = 12;
/// The site's threshold of activity, in days; Configuration Manager's default.
const INACTIVE_AFTER_DAYS: u32 = 7;
/// How long ago the former hierarchy heard of a moved device, in days: longer than any silence at the present one.
const FORMER_CONTACT_DAYS: (u32, u32) = (shares::STALE_DAYS.1 + 10, 400);
/// Age of records, in days.
const RECORD_DAYS: (u32, u32) = (420, 1_500);
/// Digits of serial numbers: no letters that look like digits.
const SERIAL_DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKLMNPQRSTVWXY";
/// The cities whose names devices carry, by hierarchy.
const CITIES: [&str; 6] = ["OSL", "FRA", "SIN", "BOS", "LYS", "NRT"];

/// A checked specification with what follows from it.
#[derive(Debug, Clone)]
pub struct Fleet {
    spec: FleetSpec,
    hierarchies: Vec<Hierarchy>,
    /// When the exports were made.
    pub(crate) exported_at: Timestamp,
    total_weight: u64,
    /// Collections of a managing hierarchy's record on average.
    memberships: f64,
}

impl Fleet {
    /// Checks and lays out.
    ///
    /// # Errors
    /// [`InvalidSpec`] with what was expected and found.
    pub fn new(spec: FleetSpec) -> Result<Self, InvalidSpec> {
        spec.check()?;
        let memberships = memberships_of_a_record(&spec);
        // Drawing distinct collections needs room.
        let room = (memberships * MEMBERSHIP_SPREAD.1).ceil() as u64 * 2 + 2;
        let (least, most) = ORDINARY_COLLECTIONS;
        let ordinary = (spec.devices / DEVICES_PER_COLLECTION).clamp(least, most).max(room) as u32;
        let hierarchies =
            spec.hierarchies.iter().map(|h| Hierarchy::new(h, ordinary)).collect::<Result<_, _>>()?;
        let exported_at = instant(spec.as_of).ok_or(InvalidSpec::AsOf { found: spec.as_of })?;
        let total_weight = spec.hierarchies.iter().map(|h| u64::from(h.weight)).sum();
        Ok(Self { spec, hierarchies, exported_at, total_weight, memberships })
    }

    /// As it was asked for.
    #[must_use]
    pub fn spec(&self) -> &FleetSpec {
        &self.spec
    }

    /// In the order of the specification.
    #[must_use]
    pub fn hierarchies(&self) -> &[Hierarchy] {
        &self.hierarchies
    }

    /// The device at an index: a pure function of specification and index. Indexes of the fleet are `0..devices`.
    #[must_use]
    pub fn device(&self, index: u64) -> SimulatedDevice {
        let draw = Draw::new(self.spec.seed, index);
        let situation = situation(draw);
        let join = draw.pick(Aspect::Join, situation.joins());
        let home = self.home(draw);
        let stale = draw.chance(Aspect::Stale, shares::STALE);
        let personal = draw.chance(Aspect::Owner, situation.personal());
        let mut device = SimulatedDevice {
            index,
            situation,
            name: name(index, home, situation),
            entra_device_id: (join != JoinType::None).then(|| draw.guid(Aspect::EntraId)),
            sms_id: situation.has_client().then(|| draw.guid(Aspect::SmsId)),
            smbios_guid: draw.guid(Aspect::SmbiosGuid),
            serial: self.serial(index),
            join,
            ad_joined: matches!(join, JoinType::HybridJoined | JoinType::None),
            owner: if personal { Owner::Personal } else { Owner::Company },
            windows: draw.pick(Aspect::Windows, situation.windows()),
            stale,
            user: user(index, situation, draw),
            hardware: draw.pick(Aspect::Model, &shares::MODELS),
            drift: drift(situation, draw),
            site: None,
            former_site: None,
            intune: None,
        };
        if situation.at_site() {
            device.site = Some(self.site_record(&device, home, draw));
            device.former_site = self.former_record(&device, home, draw);
        }
        device.intune = self.intune_record(&device, draw);
        device
    }

    /// Position of the managing hierarchy, by weight.
    fn home(&self, draw: Draw) -> usize {
        let mut left = draw.below(Aspect::Hierarchy, self.total_weight);
        for (position, hierarchy) in self.spec.hierarchies.iter().enumerate() {
            match left.checked_sub(u64::from(hierarchy.weight)) {
                Some(rest) => left = rest,
                None => return position,
            }
        }
        0
    }

    fn site_record(&self, device: &SimulatedDevice, home: usize, draw: Draw) -> SiteRecord {
        let hierarchy = &self.hierarchies[home];
        let collections = self.collections(device.situation, hierarchy, draw);
        let last_contact = device.situation.has_client().then(|| self.last_seen(device.stale, draw));
        SiteRecord {
            hierarchy: home,
            resource_id: resource_id(device.index, home),
            client_version: device.situation.has_client().then(|| client_version(hierarchy, draw)),
            active: device.situation.has_client() && !device.stale,
            created: self.days_ago(Aspect::Created, RECORD_DAYS, draw),
            last_contact,
            co_management: self.co_management_row(device, hierarchy, &collections, draw),
            collections,
        }
    }

    /// What the hierarchy kept that the device has left: its client counts as installed until the record ages out.
    fn former_record(&self, device: &SimulatedDevice, home: usize, draw: Draw) -> Option<SiteRecord> {
        let could_move = device.situation.at_intune() && self.hierarchies.len() > 1;
        if !could_move || draw.unit(Aspect::Moved) >= shares::moved() {
            return None;
        }
        let former = (home + 1) % self.hierarchies.len();
        Some(SiteRecord {
            hierarchy: former,
            resource_id: resource_id(device.index, former),
            client_version: Some(self.hierarchies[former].client_version()),
            active: false,
            created: self.days_ago(Aspect::Created, RECORD_DAYS, draw),
            last_contact: Some(self.days_ago(Aspect::FormerContact, FORMER_CONTACT_DAYS, draw)),
            co_management: None,
            collections: vec![ALL_SYSTEMS],
        })
    }

    fn collections(&self, situation: Situation, hierarchy: &Hierarchy, draw: Draw) -> Vec<u32> {
        let mut member = vec![ALL_SYSTEMS];
        if situation.in_enrollment_scope() {
            member.push(AUTO_ENROLLMENT);
            let ring = draw.below(Aspect::Ring, u64::from(WHOLE));
            let pilots = hierarchy.pilots().filter(|(w, _)| ring < u64::from(shares::pilot(*w)));
            member.extend(pilots.map(|(_, position)| position));
        }
        let (least, most) = MEMBERSHIP_SPREAD;
        let wanted = self.memberships * (least + (most - least) * draw.unit(Aspect::MembershipTotal));
        // Rounded up as often as its fraction says, so that the mean is kept.
        let wanted = (wanted + draw.unit(Aspect::MembershipFraction)).floor() as usize;
        let ordinary = hierarchy.ordinary();
        for n in 0..wanted.saturating_sub(member.len()) {
            // Squared: a few collections are large, most are small.
            let drawn = unit(draw.nth(Aspect::Membership, n as u64));
            let mut position = (drawn * drawn * f64::from(ordinary)) as u32 % ordinary;
            let taken = |position| member.contains(&(hierarchy.first_ordinary() + position));
            if taken(position) {
                // Anywhere instead, so that small fleets do not fill their first collections in a row.
                position = (draw.nth(Aspect::MembershipAgain, n as u64) % u64::from(ordinary)) as u32;
            }
            while taken(position) {
                position = (position + 1) % ordinary;
            }
            member.push(hierarchy.first_ordinary() + position);
        }
        member.sort_unstable();
        member
    }

    /// Its own, a neighbour's or none. Depends on the pair's draws only, so that both neighbours agree.
    fn serial(&self, index: u64) -> Serial {
        let first = index & !1;
        let pair = Draw::new(self.spec.seed, first);
        let in_fleet = first + 1 < self.spec.devices;
        // Where one source has both, their serial number is ambiguous. Two that no source has together would be taken for one device.
        let at_intune = |index| situation(Draw::new(self.spec.seed, index)).at_intune();
        if in_fleet
            && pair.chance(Aspect::SharedSerial, shares::SHARED_SERIAL)
            && at_intune(first)
            && at_intune(first + 1)
        {
            let text = self.own_serial(first);
            return if index == first { Serial::Own(text) } else { Serial::Shared(text) };
        }
        let own = Draw::new(self.spec.seed, index);
        if own.chance(Aspect::Placeholder, shares::PLACEHOLDER_SERIAL) {
            let n = own.below(Aspect::PlaceholderText, shares::PLACEHOLDER_SERIALS.len() as u64);
            return Serial::Placeholder(shares::PLACEHOLDER_SERIALS[n as usize]);
        }
        Serial::Own(self.own_serial(index))
    }

    /// Eight characters, unique: multiplying by an odd number permutes the numbers of 35 bits.
    fn own_serial(&self, index: u64) -> String {
        const ODD: u64 = 0x0005_DEEC_E66D;
        let shuffled = (index ^ (self.spec.seed & 0xFF_FFFF)).wrapping_mul(ODD) & ((1 << 35) - 1);
        let digit = |n: u32| char::from(SERIAL_DIGITS[(shuffled >> (5 * n)) as usize & 31]);
        std::iter::once('T').chain((0..7).rev().map(digit)).collect()
    }

    pub(crate) fn days_ago(&self, aspect: Aspect, (from, below): (u32, u32), draw: Draw) -> Timestamp {
        const DAY: u64 = 24 * 60 * 60;
        let span = u64::from(below - from) * DAY;
        self.seconds_ago(u64::from(from) * DAY + draw.below(aspect, span))
    }

    pub(crate) fn seconds_ago(&self, seconds: u64) -> Timestamp {
        // The specification bounds the day, and no age is above a few years.
        let ago = SignedDuration::from_secs(seconds as i64);
        self.exported_at.checked_sub(ago).unwrap_or(self.exported_at)
    }

    fn last_seen(&self, stale: bool, draw: Draw) -> Timestamp {
        if stale {
            self.days_ago(Aspect::LastContact, shares::STALE_DAYS, draw)
        } else {
            self.seconds_ago(draw.below(Aspect::LastContact, ACTIVE_HOURS as u64 * 60 * 60))
        }
    }
}

const _: () = assert!(shares::STALE_DAYS.0 > INACTIVE_AFTER_DAYS, "a stale client is inactive at its site");

/// Six in the evening, so that a day's contacts lie within it.
fn instant(as_of: Date) -> Option<Timestamp> {
    as_of.at(18, 0, 0, 0).to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// So many that the average over all devices is the asked one: devices without a site have none, moved ones one more.
fn memberships_of_a_record(spec: &FleetSpec) -> f64 {
    let share = |holds: fn(Situation) -> bool| f64::from(shares::of_situations(holds)) / f64::from(WHOLE);
    let both = share(|s| s.at_site() && s.at_intune());
    let former = if spec.hierarchies.len() > 1 { both * shares::moved() } else { 0.0 };
    ((spec.memberships_per_device - former) / share(Situation::at_site)).max(0.0)
}

fn situation(draw: Draw) -> Situation {
    draw.pick(Aspect::Situation, &shares::SITUATIONS)
}

/// The exclusive or makes hierarchies use each other's numbers for different devices, as real ones do.
fn resource_id(index: u64, hierarchy: usize) -> u32 {
    (FIRST_RESOURCE_ID + (index ^ hierarchy as u64)) as u32
}

fn name(index: u64, home: usize, situation: Situation) -> String {
    match situation {
        Situation::MdmOnly => format!("DESKTOP-{index:07}"),
        Situation::Server => format!("{}-SRV-{index:07}", CITIES[home % CITIES.len()]),
        _ => format!("{}-PC-{index:07}", CITIES[home % CITIES.len()]),
    }
}

fn user(index: u64, situation: Situation, draw: Draw) -> Option<String> {
    let has_user = !matches!(situation, Situation::Server | Situation::Unmanaged);
    (has_user && !draw.chance(Aspect::HasUser, shares::USERLESS)).then(|| format!("user{index:07}"))
}

fn client_version(hierarchy: &Hierarchy, draw: Draw) -> String {
    // A 2303 client, behind every site version that is still likely to be simulated.
    const OUTDATED: &str = "5.00.9106.1022";
    if draw.chance(Aspect::OutdatedClient, shares::OUTDATED_CLIENT) {
        OUTDATED.to_owned()
    } else {
        hierarchy.client_version()
    }
}

fn drift(situation: Situation, draw: Draw) -> Option<tandem_domain::workload::Workload> {
    let drifts = situation == Situation::CoManaged && draw.chance(Aspect::Drift, shares::DRIFT);
    let n = draw.below(Aspect::DriftWorkload, shares::DRIFT_WORKLOADS.len() as u64);
    drifts.then(|| shares::DRIFT_WORKLOADS[n as usize])
}
