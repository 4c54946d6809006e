//! Sections of records.
//!
//! Exports of a hierarchy come class by class, so the sections of one record lie far apart. They are held back and sent together,
//! as far as the memory for that goes: a device that is merged once instead of three times costs the inventory a third.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;
use prost::Message;
use tandem_client::{AckedStream, Connection};
use tandem_connectors::Refusal;
use tandem_contracts::convert::section::{Removal, Report, to_proto};
use tandem_contracts::inventory::v1::{ReportDevicesRequest, ReportDevicesResponse};
use tandem_contracts::r#type::v1;
use tandem_domain::id::TenantId;
use tandem_domain::section::{Section, Source};
use tonic::Response;

use super::{ImportError, Progress};

/// What is being done, where that fails.
const STREAM: &str = "reporting devices";

/// Sections of one batch: below the contract's limit; larger ones no longer go faster.
const SECTIONS_AT_ONCE: usize = 4_000;

/// Bytes of sections that are held back at most: those of some 300,000 records. Beyond that, what is held is sent, and later
/// sections of those records follow on their own.
const HELD_BACK_BYTES: usize = 128 * 1024 * 1024;

/// Sections of a hierarchy's records, held back until the classes that follow were read.
#[derive(Default)]
struct HeldBack {
    /// Encoded sections per record, in the order in which the records were first met.
    records: Vec<(Source, Vec<Vec<u8>>)>,
    /// Places in `records` by source and key.
    places: HashMap<(Source, String), usize>,
    bytes: usize,
}

impl HeldBack {
    fn hold(&mut self, source: Source, section: &v1::Section) {
        let encoded = section.encode_to_vec();
        self.bytes += encoded.len();
        let place = *self.places.entry((source.clone(), section.key.clone())).or_insert_with(|| {
            self.records.push((source, Vec::new()));
            self.records.len() - 1
        });
        self.records[place].1.push(encoded);
    }
}

/// Streams sections: those of one record together, records in the order in which they were read.
pub(super) struct SectionImport<'a> {
    stream: AckedStream<ReportDevicesRequest, ReportDevicesResponse>,
    batch: ReportDevicesRequest,
    source: Option<Source>,
    observed_at: Timestamp,
    progress: Progress<'a>,
    sequence: u64,
    batches: u64,
    held_back: HeldBack,
    taken: Taken,
}

/// What was acknowledged.
#[derive(Default)]
struct Taken {
    sections: u64,
    token: Option<String>,
    refused: Vec<Refusal>,
    /// Keys of the batches under way, to name what was refused.
    keys: VecDeque<(String, Vec<String>)>,
}

impl Taken {
    fn answer(&mut self, answer: ReportDevicesResponse, progress: Progress<'_>) {
        self.sections += u64::from(answer.applied) + u64::from(answer.superseded);
        self.token = Some(answer.consistency_token);
        let (source, keys) = self.keys.pop_front().unwrap_or_default();
        for refused in answer.refused {
            let key = keys.get(refused.index as usize).map(String::as_str).unwrap_or_default();
            let place = format!("{source} {key} {}", refused.field);
            self.refused.push(Refusal { file: String::new(), place, reason: refused.reason });
        }
        progress(self.sections);
    }
}

impl<'a> SectionImport<'a> {
    pub(super) fn new(
        connection: &Connection,
        tenant: &TenantId,
        observed_at: Timestamp,
        progress: Progress<'a>,
    ) -> Self {
        let client = connection.devices();
        let stream = AckedStream::open(move |requests| {
            let mut client = client.clone();
            async move { client.report_devices(requests).await.map(Response::into_inner) }
        });
        let batch =
            ReportDevicesRequest { parent: format!("tenants/{tenant}"), ..ReportDevicesRequest::default() };
        Self {
            stream,
            batch,
            source: None,
            observed_at,
            progress,
            sequence: 0,
            batches: 0,
            held_back: HeldBack::default(),
            taken: Taken::default(),
        }
    }

    pub(super) async fn section(&mut self, section: Section) -> Result<(), ImportError> {
        let source = section.source.clone();
        self.push(source, |sequence| Report::Said { section, sequence }).await
    }

    pub(super) async fn removed(
        &mut self,
        source: Source,
        key: String,
        reason: &'static str,
    ) -> Result<(), ImportError> {
        let (of, observed_at) = (source.clone(), self.observed_at);
        let reason = Some(reason.to_owned());
        self.push(of, |sequence| Report::Removed(Removal { source, key, observed_at, sequence, reason }))
            .await
    }

    async fn push(&mut self, source: Source, report: impl FnOnce(u64) -> Report) -> Result<(), ImportError> {
        // Of two sections of one record and time the later one in the exports counts.
        self.sequence += 1;
        let section = to_proto(&report(self.sequence));
        if source.hierarchy().is_none() {
            // Nothing of a hierarchy comes after the first section of the cloud.
            self.release().await?;
            return self.add(source, section).await;
        }
        self.held_back.hold(source, &section);
        if self.held_back.bytes >= HELD_BACK_BYTES { self.release().await } else { Ok(()) }
    }

    /// Sends what was held back.
    async fn release(&mut self) -> Result<(), ImportError> {
        for (source, sections) in std::mem::take(&mut self.held_back).records {
            for encoded in sections {
                let section = v1::Section::decode(encoded.as_slice());
                // They were encoded here.
                let section = section.map_err(|_| ImportError::Unacknowledged("holding sections back"))?;
                self.add(source.clone(), section).await?;
            }
        }
        Ok(())
    }

    /// Adds a section to the batch.
    async fn add(&mut self, source: Source, section: v1::Section) -> Result<(), ImportError> {
        if self.batch.sections.len() >= SECTIONS_AT_ONCE
            || self.source.as_ref().is_some_and(|now| *now != source)
        {
            self.send().await?;
        }
        if self.batch.sections.is_empty() {
            self.batch.source = source.to_string();
            self.source = Some(source);
        }
        self.batch.sections.push(section);
        Ok(())
    }

    async fn send(&mut self) -> Result<(), ImportError> {
        if self.batch.sections.is_empty() {
            return Ok(());
        }
        let parent = self.batch.parent.clone();
        let next = ReportDevicesRequest { parent, ..ReportDevicesRequest::default() };
        self.batches += 1;
        let batch =
            ReportDevicesRequest { sequence: self.batches, ..std::mem::replace(&mut self.batch, next) };
        let keys = batch.sections.iter().map(|section| section.key.clone()).collect();
        self.taken.keys.push_back((batch.source.clone(), keys));
        let (taken, progress) = (&mut self.taken, self.progress);
        self.stream
            .send(batch, |answer| taken.answer(answer, progress))
            .await
            .map_err(ImportError::of_stream(STREAM))
    }

    /// Sends what is left. Answers the number of sections taken, what was refused, and the world that holds it all.
    pub(super) async fn finish(mut self) -> Result<(u64, Vec<Refusal>, Option<String>), ImportError> {
        self.release().await?;
        self.send().await?;
        let (mut taken, progress) = (self.taken, self.progress);
        self.stream
            .finish(|answer| taken.answer(answer, progress))
            .await
            .map_err(ImportError::of_stream(STREAM))?;
        Ok((taken.sections, taken.refused, taken.token))
    }
}
