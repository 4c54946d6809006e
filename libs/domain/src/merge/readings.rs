//! Puts the sections of one device in order and picks the records that speak for it: the managing hierarchy's, and one of each
//! other source.

use jiff::Timestamp;

use super::claim::{self, HierarchyClaim};
use crate::facts::Fact;
use crate::id::HierarchyId;
use crate::section::{
    CoManagementState, ConsoleDevice, DirectoryDevice, Discovery, ManagedDevice, Probe, Section, SectionBody,
    Source,
};

/// [`Fact::section`] counts to 255. A device has a handful of sections, so the limit only bounds broken input.
const MAX_SECTIONS: usize = 256;

/// One section's content and its index.
#[derive(Debug)]
pub(super) struct Reading<'a, T> {
    body: &'a T,
    section: u8,
}

impl<T> Clone for Reading<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Reading<'_, T> {}

/// The field as a fact, if the section was read and says it.
pub(super) fn says<T, U>(
    reading: Option<Reading<'_, T>>,
    field: impl FnOnce(&T) -> Option<U>,
) -> Option<Fact<U>> {
    let reading = reading?;
    field(reading.body).map(|value| Fact::new(value, reading.section))
}

/// The sections of one Configuration Manager record.
#[derive(Debug, Default)]
pub(super) struct SiteReadings<'a> {
    pub(super) discovery: Option<Reading<'a, Discovery>>,
    pub(super) device: Option<Reading<'a, ConsoleDevice>>,
    pub(super) combined: Option<Reading<'a, ConsoleDevice>>,
    pub(super) co_management: Option<Reading<'a, CoManagementState>>,
}

impl SiteReadings<'_> {
    /// `v1.0/Device` first, then `SMS_CombinedDeviceResources`: two readings of one list.
    pub(super) fn console<U>(&self, field: impl Fn(&ConsoleDevice) -> Option<U>) -> Option<Fact<U>> {
        says(self.device, &field).or_else(|| says(self.combined, &field))
    }

    /// What the site says: `SMS_R_System.Client`, then `IsClient` of the console's list.
    pub(super) fn client_installed(&self) -> Option<Fact<bool>> {
        says(self.discovery, |d| d.client).or_else(|| self.console(|d| d.is_client))
    }

    /// Newest sign of the client. `AgentTime` counts only where the console's list has none: Active Directory discovery renews it
    /// for machines whose client is long gone \[derived\].
    pub(super) fn last_contact(&self) -> Option<Fact<Timestamp>> {
        let newest = |d: &ConsoleDevice| {
            [d.last_policy_request, d.last_active, d.last_ddr].into_iter().flatten().max()
        };
        let device = says(self.device, newest);
        let combined = says(self.combined, newest);
        let later = match (device, combined) {
            (Some(device), Some(combined)) if combined.value > device.value => Some(combined),
            (device, combined) => device.or(combined),
        };
        later.or_else(|| says(self.discovery, |d| d.last_discovered))
    }
}

/// The record that site facts come from.
#[derive(Debug, Clone, Copy)]
pub(super) struct ManagingRecord<'a> {
    pub(super) hierarchy: &'a HierarchyId,
    pub(super) key: &'a str,
}

/// Everything that was said, by the place where it was said.
#[derive(Debug, Default)]
pub(super) struct Readings<'a> {
    /// In the order that [`Fact::section`] counts.
    pub(super) sections: Vec<&'a Section>,
    pub(super) managing: Option<ManagingRecord<'a>>,
    /// What each hierarchy says of the device, by id.
    pub(super) claims: Vec<HierarchyClaim>,
    pub(super) other_hierarchies: Vec<&'a HierarchyId>,
    /// The managing record's sections.
    pub(super) site: SiteReadings<'a>,
    pub(super) beta: Option<Reading<'a, ManagedDevice>>,
    pub(super) v1: Option<Reading<'a, ManagedDevice>>,
    pub(super) directory: Option<Reading<'a, DirectoryDevice>>,
    pub(super) probe: Option<Reading<'a, Probe>>,
}

impl<'a> Readings<'a> {
    pub(super) fn of(sections: Vec<&'a Section>) -> Self {
        let mut readings = Self { sections: in_order(sections), ..Self::default() };
        let mut hierarchies = Vec::new();
        for record in speaking_records(&readings.sections) {
            let mut site = SiteReadings::default();
            for &(section, index) in &record {
                let index = u8::try_from(index).unwrap_or(u8::MAX);
                place(section, index, &mut site, &mut readings);
            }
            if let Some(&(section, _)) = record.first()
                && let Source::ConfigMgr(hierarchy) = &section.source
            {
                hierarchies.push((ManagingRecord { hierarchy, key: &section.key }, site));
            }
        }
        readings.choose_hierarchy(hierarchies);
        readings
    }

    /// Beta first, then v1.0 of the same record: v1.0 lacks fields and member names.
    pub(super) fn intune<U>(&self, field: impl Fn(&ManagedDevice) -> Option<U>) -> Option<Fact<U>> {
        says(self.beta, &field).or_else(|| says(self.v1, &field))
    }

    /// Takes the site's facts from the hierarchy that is believed: [`super::claim`]. `hierarchies` comes by id.
    fn choose_hierarchy(&mut self, mut hierarchies: Vec<(ManagingRecord<'a>, SiteReadings<'a>)>) {
        let claim = |(record, site): &(ManagingRecord<'a>, SiteReadings<'a>)| HierarchyClaim {
            hierarchy: record.hierarchy.clone(),
            client_installed: site.client_installed().map(|fact| fact.value),
            last_contact: site.last_contact().map(|fact| fact.value),
        };
        self.claims = hierarchies.iter().map(claim).collect();
        if let Some(place) = claim::deciding(&self.claims) {
            let (managing, site) = hierarchies.remove(place);
            (self.managing, self.site) = (Some(managing), site);
        }
        self.other_hierarchies = hierarchies.iter().map(|(record, _)| record.hierarchy).collect();
    }
}

/// Puts a section where its source and class belong; a class that the source cannot have is ignored.
fn place<'a>(section: &'a Section, index: u8, site: &mut SiteReadings<'a>, readings: &mut Readings<'a>) {
    fn at<T>(body: &T, section: u8) -> Option<Reading<'_, T>> {
        Some(Reading { body, section })
    }
    match (&section.source, &section.body) {
        (Source::ConfigMgr(_), SectionBody::Discovery(body)) => site.discovery = at(body, index),
        (Source::ConfigMgr(_), SectionBody::Device(body)) => site.device = at(body, index),
        (Source::ConfigMgr(_), SectionBody::CombinedDevice(body)) => site.combined = at(body, index),
        (Source::ConfigMgr(_), SectionBody::CoManagementState(body)) => site.co_management = at(body, index),
        (Source::Intune, SectionBody::ManagedDeviceBeta(body)) => readings.beta = at(body, index),
        (Source::Intune, SectionBody::ManagedDeviceV1(body)) => readings.v1 = at(body, index),
        (Source::Entra, SectionBody::DirectoryDevice(body)) => readings.directory = at(body, index),
        (Source::Probe, SectionBody::Probe(body)) => readings.probe = at(body, index),
        _ => {}
    }
}

/// The defined order: by source (clouds and probe before hierarchies, so that [`MAX_SECTIONS`] could only cut hierarchies),
/// record, class. Of several sections of one class and record the newest stays. The content breaks the last tie, which only
/// contradicting duplicates reach.
fn in_order(mut ordered: Vec<&Section>) -> Vec<&Section> {
    let by_place = |s: &&Section| (matches!(s.source, Source::ConfigMgr(_)), s.body.kind());
    ordered.sort_by(|a, b| {
        let ((a_site, a_kind), (b_site, b_kind)) = (by_place(a), by_place(b));
        a_site
            .cmp(&b_site)
            .then_with(|| a.source.cmp(&b.source))
            .then_with(|| a.key.cmp(&b.key))
            .then_with(|| a_kind.cmp(&b_kind))
            .then_with(|| b.observed_at.cmp(&a.observed_at))
            .then_with(|| if a.body == b.body { std::cmp::Ordering::Equal } else { by_content(a, b) })
    });
    ordered.dedup_by(|later, kept| {
        later.source == kept.source && later.key == kept.key && later.body.kind() == kept.body.kind()
    });
    ordered.truncate(MAX_SECTIONS);
    ordered
}

fn by_content(a: &Section, b: &Section) -> std::cmp::Ordering {
    format!("{:?}", a.body).cmp(&format!("{:?}", b.body))
}

/// One record per source, as sections with their indexes. Identity allows no second record of a source on a device; should there
/// be one, the newest observed wins, then the first key.
fn speaking_records<'a>(ordered: &[&'a Section]) -> Vec<Vec<(&'a Section, usize)>> {
    let mut chosen: Vec<Vec<(&Section, usize)>> = Vec::new();
    let mut start = 0;
    for chunk in ordered.chunk_by(|a, b| a.source == b.source && a.key == b.key) {
        let record: Vec<_> = chunk.iter().copied().zip(start..).collect();
        start += chunk.len();
        match chosen.last_mut() {
            Some(rival) if same_source(rival, &record) => {
                if observed(&record) > observed(rival) {
                    *rival = record;
                }
            }
            _ => chosen.push(record),
        }
    }
    chosen
}

fn same_source(a: &[(&Section, usize)], b: &[(&Section, usize)]) -> bool {
    a.first().map(|(section, _)| &section.source) == b.first().map(|(section, _)| &section.source)
}

fn observed(record: &[(&Section, usize)]) -> Option<Timestamp> {
    record.iter().map(|(section, _)| section.observed_at).max()
}
