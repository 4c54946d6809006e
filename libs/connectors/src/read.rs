//! One reading of all exports: pages in, items out.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use tandem_domain::id::{CollectionId, HierarchyId};
use tandem_domain::section::{Section, SectionKind, Source};
use tandem_domain::site::SiteFacts;

use crate::exports::{Exports, Input};
use crate::item::Item;
use crate::kind::Kind;
use crate::ledger::{Ledger, NoDevice, SiteKey};
use crate::members::{MemberLists, Members};
use crate::page::{self, Extent};
use crate::record::{self, Counted, Fault, Needed};
use crate::records::{
    CloudRow, CoManagementRow, CollectionRecord, ConsoleRecord, DirectoryRecord, DiscoveryRecord,
    ManagedDeviceRecord, MembershipRow, SiteRecord, SiteRow,
};
use crate::summary::{FileSummary, Summary};

/// Keys in one [`Item::Members`]: a few hundred kilobytes of text.
const MEMBERS_AT_ONCE: usize = 10_000;

/// The longest key that the inventory takes (`tandem.type.v1.Section.key`), in characters.
const LONGEST_KEY: usize = 256;

/// What records cannot be without.
const DEVICE_ID: Needed = Needed { members: &["id"], what: "the device's id" };
const COLLECTION_ID: Needed = Needed { members: &["CollectionID"], what: "the collection's id" };
const RESOURCE: Needed = Needed { members: &["ResourceID", "MachineId"], what: "the resource's number" };

/// What became of a record.
enum Taken {
    /// Understood, and handed on or skipped.
    Used,
    /// Understood, and of no use.
    Unused,
    /// Handed on, and the callback wants no more.
    Stopped,
}

/// Takes one record; what is left out of it is noted.
type Take<'a, T> = &'a mut dyn FnMut(T, &mut Vec<Fault>) -> Result<Taken, Fault>;

type Sink<'a> = &'a mut dyn FnMut(Item) -> ControlFlow<()>;

/// Reads everything; see [`Exports::read`].
pub(crate) fn read(exports: &Exports, observed_at: Timestamp, sink: Sink<'_>) -> Summary {
    let summary = exports.opened.clone();
    let lists = MemberLists::default();
    let mut pass = Pass { exports, observed_at, sink, summary, ledger: Ledger::default(), lists };
    // Stopped or not, the account is of what was read.
    let flow = pass.everything();
    let Pass { mut summary, ledger, .. } = pass;
    if flow.is_continue() {
        let missing: Vec<_> = summary.paging.missing().collect();
        missing.into_iter().for_each(|line| summary.warnings.push(line));
    }
    summary.files.sort_by(|a, b| a.file.cmp(&b.file));
    summary.skipped = ledger.skipped;
    summary.duplicates = ledger.duplicates;
    summary
}

/// Reads a sites page while the exports are opened: hierarchies are named by what it says.
pub(crate) fn sites(input: &Input, summary: &mut Summary) -> Vec<SiteFacts> {
    let mut sites = Vec::new();
    let _ = page(input, summary, &mut |record: SiteRecord, notes| {
        sites.push(record.facts(notes)?);
        Ok(Taken::Used)
    });
    sites
}

/// Reads the records of a page, and accounts for it. Breaks when the callback wants no more; else, whether the page is known
/// to be all of its answer.
fn page<T: DeserializeOwned>(
    input: &Input,
    summary: &mut Summary,
    take: Take<'_, T>,
) -> ControlFlow<(), bool> {
    let mut file = FileSummary::of(input);
    let mut counted = Counted::default();
    let mut flow = ControlFlow::Continue(());
    let ended = page::read_records(&input.path, input.shape, &mut |place, raw| {
        let mut notes = Vec::new();
        let taken = record::parse(raw).and_then(|record| take(record, &mut notes));
        for note in notes {
            if note.counted {
                counted.add(note, place);
            } else {
                summary.warnings.push(note.at(&input.file, place));
            }
        }
        match taken {
            Ok(taken) => {
                file.records += 1;
                file.unused += u64::from(matches!(taken, Taken::Unused));
                if matches!(taken, Taken::Stopped) {
                    flow = ControlFlow::Break(());
                }
            }
            Err(fault) => {
                file.refused += 1;
                summary.refused.push(fault.over(raw).at(&input.file, place));
            }
        }
        flow
    });
    counted.lines(&input.file).for_each(|line| summary.warnings.push(line));
    if let Ok(extent) = ended {
        summary.paging.note(input, extent);
    }
    let mut whole = ended == Ok(Extent::Whole);
    if let Err(fault) = ended {
        file.refused += 1;
        summary.refused.push(fault.at(&input.file, ""));
    }
    whole &= file.refused == 0;
    summary.files.push(file);
    flow?;
    ControlFlow::Continue(whole)
}

struct Pass<'a> {
    exports: &'a Exports,
    observed_at: Timestamp,
    sink: Sink<'a>,
    summary: Summary,
    ledger: Ledger,
    lists: MemberLists,
}

impl<'a> Pass<'a> {
    fn everything(&mut self) -> ControlFlow<()> {
        self.documents()?;
        self.pages(Kind::Collections, Self::collection)?;
        self.memberships()?;
        self.pages(Kind::Discovery, |pass, input, row: DiscoveryRecord, notes| {
            pass.site_row(input, row, SectionKind::Discovery, notes)
        })?;
        self.pages(Kind::Device, |pass, input, row: ConsoleRecord, notes| {
            pass.site_row(input, row, SectionKind::Device, notes)
        })?;
        self.pages(Kind::CombinedDevice, |pass, input, row: ConsoleRecord, notes| {
            pass.site_row(input, row, SectionKind::CombinedDevice, notes)
        })?;
        self.pages(Kind::CoManagementState, |pass, input, row: CoManagementRow, notes| {
            pass.site_row(input, row, SectionKind::CoManagementState, notes)
        })?;
        self.pages(Kind::DirectoryDevices, |pass, _, row: DirectoryRecord, notes| {
            pass.cloud_row(row, Source::Entra, SectionKind::DirectoryDevice, notes)
        })?;
        self.pages(Kind::ManagedDevicesV1, |pass, _, row: ManagedDeviceRecord, notes| {
            pass.cloud_row(row, Source::Intune, SectionKind::ManagedDeviceV1, notes)
        })?;
        self.pages(Kind::ManagedDevicesBeta, |pass, _, row: ManagedDeviceRecord, notes| {
            pass.cloud_row(row, Source::Intune, SectionKind::ManagedDeviceBeta, notes)
        })
    }

    /// What opening has read already.
    fn documents(&mut self) -> ControlFlow<()> {
        let exports = self.exports;
        for (_, file) in &exports.tenant_files {
            let (facts, sites) = (file.facts.clone(), file.sites.clone());
            (self.sink)(Item::TenantFile { facts, as_of: file.as_of, sites })?;
        }
        for (hierarchy, facts) in &exports.sites {
            let hierarchy = exports.hierarchies[*hierarchy].clone();
            (self.sink)(Item::Site { hierarchy, facts: facts.clone() })?;
        }
        for file in &exports.policies {
            (self.sink)(Item::Policy { hierarchy: file.hierarchy.clone(), policy: file.policy.clone() })?;
        }
        ControlFlow::Continue(())
    }

    /// Reads the pages of a kind, by name.
    fn pages<T: DeserializeOwned>(
        &mut self,
        kind: Kind,
        take: fn(&mut Self, &'a Input, T, &mut Vec<Fault>) -> Result<Taken, Fault>,
    ) -> ControlFlow<()> {
        let exports = self.exports;
        for input in exports.pages.iter().filter(|input| input.kind == kind) {
            // The summary is lent to the page while the records go through the rest of the pass.
            let mut summary = std::mem::take(&mut self.summary);
            let flow = page(input, &mut summary, &mut |record, notes| take(self, input, record, notes));
            self.summary = summary;
            if let (false, Some(provider), Kind::CollectionMembers) = (flow?, input.provider, kind) {
                self.lists.in_part(provider);
            }
        }
        ControlFlow::Continue(())
    }

    fn emit(&mut self, item: Item) -> Taken {
        match (self.sink)(item) {
            ControlFlow::Continue(()) => Taken::Used,
            ControlFlow::Break(()) => Taken::Stopped,
        }
    }

    fn hierarchy(&self, provider: usize) -> &'a HierarchyId {
        &self.exports.hierarchies[self.exports.providers[provider].hierarchy]
    }

    /// `<site code of the provider>/<ResourceID>`.
    fn key(&self, (provider, resource): SiteKey) -> String {
        format!("{}/{resource}", self.exports.providers[provider].site)
    }

    fn collection(
        &mut self,
        input: &'a Input,
        record: CollectionRecord,
        notes: &mut Vec<Fault>,
    ) -> Result<Taken, Fault> {
        const ID: &str = "CollectionID";
        let provider = provider_of(input)?;
        let text = record.id.0.as_deref().ok_or_else(|| Fault::missing(COLLECTION_ID))?;
        let id = CollectionId::parse(text).map_err(|error| Fault::new(ID, error.to_string()))?;
        if !record.is_of_devices() {
            self.lists.other_collection(provider, &id);
            return Ok(Taken::Unused);
        }
        let member_count = record.member_count.0.map(u64::from);
        self.lists.collection(provider, &id, member_count);
        let limiting = record::name(record.limiting.0.as_deref(), "LimitToCollectionID", notes);
        let hierarchy = self.hierarchy(provider).clone();
        Ok(self.emit(Item::Collection { hierarchy, id, name: record.name.0, limiting, member_count }))
    }

    fn memberships(&mut self) -> ControlFlow<()> {
        self.pages(Kind::CollectionMembers, Self::membership)?;
        let providers: Vec<usize> =
            self.exports.providers.iter().map(|provider| provider.hierarchy).collect();
        for members in std::mem::take(&mut self.lists).drain(&providers) {
            self.members(members)?;
        }
        ControlFlow::Continue(())
    }

    fn membership(
        &mut self,
        input: &'a Input,
        row: MembershipRow,
        _: &mut Vec<Fault>,
    ) -> Result<Taken, Fault> {
        const COLLECTION: &str = "CollectionID";
        let provider = provider_of(input)?;
        let resource = resource(row.resource_id())?;
        let text = row.collection.0.as_deref().ok_or_else(|| Fault::missing(COLLECTION_ID))?;
        let of_devices = self
            .lists
            .row(provider, text, resource)
            .map_err(|error| Fault::new(COLLECTION, error.to_string()))?;
        if !of_devices {
            return Ok(Taken::Unused);
        }
        if let Some(why) = row.standing().no_device() {
            // Nothing of a record is handed on before the memberships, so there is nothing to take back.
            self.ledger.skip((provider, resource), why);
        }
        Ok(Taken::Used)
    }

    /// Hands on one collection's members, without the records that are no devices.
    fn members(&mut self, members: Members) -> ControlFlow<()> {
        let Members { hierarchy, collection, mut rows, complete } = members;
        rows.retain(|key| !self.ledger.is_no_device(*key));
        let mut parts: VecDeque<&[SiteKey]> = rows.chunks(MEMBERS_AT_ONCE).collect();
        if parts.is_empty() {
            parts.push_back(&[]);
        }
        let mut first = true;
        while let Some(part) = parts.pop_front() {
            part.iter().for_each(|key| self.ledger.member(*key));
            let item = Item::Members {
                hierarchy: self.exports.hierarchies[hierarchy].clone(),
                collection: collection.clone(),
                keys: part.iter().map(|key| self.key(*key)).collect(),
                first,
                last: parts.is_empty(),
                complete,
            };
            (self.sink)(item)?;
            first = false;
        }
        ControlFlow::Continue(())
    }

    fn site_row<R: SiteRow>(
        &mut self,
        input: &'a Input,
        row: R,
        kind: SectionKind,
        notes: &mut Vec<Fault>,
    ) -> Result<Taken, Fault> {
        let key = (provider_of(input)?, resource(row.resource_id())?);
        if let Some(why) = row.standing().no_device() {
            return Ok(self.no_device(key, why));
        }
        if self.ledger.is_no_device(key) {
            return Ok(Taken::Used);
        }
        self.ledger.site_section(key, kind);
        let source = Source::ConfigMgr(self.hierarchy(key.0).clone());
        let body = row.body(kind, notes);
        Ok(self.emit(Item::Section(Section {
            source,
            key: self.key(key),
            observed_at: self.observed_at,
            body,
        })))
    }

    fn no_device(&mut self, key: SiteKey, why: NoDevice) -> Taken {
        if !self.ledger.skip(key, why) {
            return Taken::Used;
        }
        let source = Source::ConfigMgr(self.hierarchy(key.0).clone());
        self.emit(Item::RecordRemoved { source, key: self.key(key), reason: why.reason() })
    }

    fn cloud_row<R: CloudRow>(
        &mut self,
        mut row: R,
        source: Source,
        kind: SectionKind,
        notes: &mut Vec<Fault>,
    ) -> Result<Taken, Fault> {
        let key = row.id().ok_or_else(|| Fault::missing(DEVICE_ID))?;
        let length = key.chars().count();
        if length > LONGEST_KEY {
            let reason = format!("expected at most {LONGEST_KEY} characters; found {length}");
            return Err(Fault::new("id", reason));
        }
        self.ledger.cloud_section(&key, kind);
        let body = row.body(kind, notes);
        Ok(self.emit(Item::Section(Section { source, key, observed_at: self.observed_at, body })))
    }
}

fn resource(id: Option<u32>) -> Result<u32, Fault> {
    id.ok_or_else(|| Fault::missing(RESOURCE))
}

/// Pages without a hierarchy were refused when the exports were opened.
fn provider_of(input: &Input) -> Result<usize, Fault> {
    input.provider.ok_or_else(|| Fault::new("", "no hierarchy"))
}
