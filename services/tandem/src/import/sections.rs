//! Sections of records.

use std::collections::VecDeque;

use jiff::Timestamp;
use tandem_client::Connection;
use tandem_connectors::Refusal;
use tandem_contracts::convert::section::{Removal, Report, to_proto};
use tandem_contracts::inventory::v1::{ReportDevicesRequest, ReportDevicesResponse};
use tandem_domain::id::TenantId;
use tandem_domain::section::{Section, Source};

use super::stream::AckedStream;
use super::{ImportError, Progress};

/// Sections of one batch: below the contract's limit; larger ones no longer go faster.
const SECTIONS_AT_ONCE: usize = 2_000;

/// Streams sections in the order in which they were read.
pub(super) struct SectionImport<'a> {
    stream: AckedStream<ReportDevicesRequest, ReportDevicesResponse>,
    batch: ReportDevicesRequest,
    source: Option<Source>,
    observed_at: Timestamp,
    progress: Progress<'a>,
    sequence: u64,
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
        let mut client = connection.devices();
        let stream = AckedStream::open("reporting devices", move |requests| async move {
            client.report_devices(requests).await
        });
        let batch =
            ReportDevicesRequest { parent: format!("tenants/{tenant}"), ..ReportDevicesRequest::default() };
        Self { stream, batch, source: None, observed_at, progress, sequence: 0, taken: Taken::default() }
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
        if self.batch.sections.len() >= SECTIONS_AT_ONCE
            || self.source.as_ref().is_some_and(|now| *now != source)
        {
            self.send().await?;
        }
        if self.batch.sections.is_empty() {
            self.batch.source = source.to_string();
            self.source = Some(source);
        }
        // Of two sections of one record and time the later one in the exports counts.
        self.sequence += 1;
        self.batch.sections.push(to_proto(&report(self.sequence)));
        Ok(())
    }

    async fn send(&mut self) -> Result<(), ImportError> {
        if self.batch.sections.is_empty() {
            return Ok(());
        }
        let parent = self.batch.parent.clone();
        let next = ReportDevicesRequest { parent, ..ReportDevicesRequest::default() };
        let batch =
            ReportDevicesRequest { sequence: self.sequence, ..std::mem::replace(&mut self.batch, next) };
        let keys = batch.sections.iter().map(|section| section.key.clone()).collect();
        self.taken.keys.push_back((batch.source.clone(), keys));
        let (taken, progress) = (&mut self.taken, self.progress);
        self.stream.send(batch, |answer| taken.answer(answer, progress)).await
    }

    /// Sends what is left. Answers the number of sections taken, what was refused, and the world that holds it all.
    pub(super) async fn finish(mut self) -> Result<(u64, Vec<Refusal>, Option<String>), ImportError> {
        self.send().await?;
        let (mut taken, progress) = (self.taken, self.progress);
        self.stream.finish(|answer| taken.answer(answer, progress)).await?;
        Ok((taken.sections, taken.refused, taken.token))
    }
}
