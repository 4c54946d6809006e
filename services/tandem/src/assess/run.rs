//! The work of `tandem assess`: exports into a sandbox of the four services, and their answers out of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use tandem_client::Connection;
use tandem_connectors::{AsOf, Exports, OpenError, Summary};
use tandem_domain::id::TenantId;
use tandem_domain::tenant::TenantFacts;
use tandem_monitoring::FollowMode;
use tandem_server::Clock;
use tandem_server::failure::BoxError;
use tandem_storage::Durability;
use tempfile::TempDir;

use super::collect::{CollectError, DeviceReader};
use super::head;
use super::model::{AssessmentHead, InputFile, Inputs, RefusedInput, SkippedRecords, UnusedFile};
use crate::import::{self, Documents, ImportError};
use crate::sandbox::{Options, Sandbox};

/// The tenant that an assessment is made in; it lives as long as the assessment.
const TENANT: &str = "default";

/// What an assessment is made of.
#[derive(Debug, Clone)]
pub struct Request {
    /// The folder of exports.
    pub folder: PathBuf,
    /// When they were made. Unset: what the tenant facts say, else now.
    pub as_of: Option<AsOf>,
}

/// What an assessment is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// Sections were taken so far.
    Reading(u64),
    /// The fleet is being counted.
    Counting,
    /// Devices were written so far, of so many.
    Writing(u64, u64),
}

/// Why there is no assessment.
#[derive(Debug, thiserror::Error)]
pub enum AssessError {
    /// The folder cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The services did not start.
    #[error("the services did not start")]
    Start(#[source] BoxError),
    /// The exports could not be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The answers could not be collected.
    #[error(transparent)]
    Collect(#[from] CollectError),
}

/// An assessment whose services still run, so that devices can be read from it.
#[derive(Debug)]
pub struct Assessment {
    /// Everything but the devices.
    pub head: AssessmentHead,
    sandbox: Sandbox,
    facts: TenantFacts,
    token: String,
    // Goes last: the databases lie in it.
    _scratch: Scratch,
}

/// The folder of an assessment's databases. It goes with the assessment, also with one that is given up half-way.
#[derive(Debug)]
struct Scratch(TempDir);

impl Scratch {
    fn new() -> std::io::Result<Self> {
        Ok(Self(tempfile::Builder::new().prefix("tandem-assess-").tempdir()?))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A connection that is being opened right now, on a thread that nobody can stop, may make a file while the folder is emptied.
        const ATTEMPTS: usize = 50;
        const PAUSE: Duration = Duration::from_millis(20);
        for _ in 0..ATTEMPTS {
            if std::fs::remove_dir_all(self.0.path()).is_ok() {
                return;
            }
            std::thread::sleep(PAUSE);
        }
    }
}

/// Services that are ready to take the exports.
#[derive(Debug)]
pub(crate) struct Started {
    exports: Exports,
    as_of: Timestamp,
    sandbox: Sandbox,
    scratch: Scratch,
}

/// Makes an assessment.
///
/// # Errors
/// The folder cannot be opened, or a service failed. Input that was refused is no error: it is listed in the head.
pub async fn assess(
    request: &Request,
    doing: &(dyn Fn(Doing) + Send + Sync),
) -> Result<Assessment, AssessError> {
    Box::pin(Started::over(open(&request.folder).await?, request.as_of).await?.assess(doing)).await
}

impl Started {
    /// Starts the services for these exports. To be let come to its end: given up half-way, it may leave a folder behind.
    pub(crate) async fn over(exports: Exports, as_of: Option<AsOf>) -> Result<Self, AssessError> {
        let dated =
            tokio::task::spawn_blocking(move || (as_of.or_else(|| Documents::read(&exports).as_of), exports));
        let (as_of, exports) = dated.await.map_err(|error| AssessError::Start(error.into()))?;
        let as_of = as_of.map_or_else(Timestamp::now, AsOf::instant);
        let scratch = Scratch::new().map_err(|error| AssessError::Start(error.into()))?;
        let sandbox = Sandbox::start(Options {
            data_folder: scratch.0.path().to_owned(),
            // Nobody outlives the assessment to miss what a power cut takes.
            durability: Durability::Scratch,
            clock: Clock::fixed(as_of),
            follow: FollowMode::OnDemand,
            following: None,
            // Each device is read a few times and never again: following the import costs what those reads save. Measured over
            // 20,000 devices, four runs each: 26.8 s of processor and 375 MiB without, 28.0 s and 392 MiB with 256 MiB of cache.
            cache_bytes: 0,
            // It ends with the answer.
            history: None,
        })
        .await
        .map_err(AssessError::Start)?;
        Ok(Self { exports, as_of, sandbox, scratch })
    }

    /// Takes the exports and asks for everything but the devices. May be given up at any time.
    pub(crate) async fn assess(
        self,
        doing: &(dyn Fn(Doing) + Send + Sync),
    ) -> Result<Assessment, AssessError> {
        let Self { exports, as_of, sandbox, scratch } = self;
        let tenant = TenantId::parse(TENANT).map_err(|e| AssessError::Start(e.into()))?;
        let progress = |sections| doing(Doing::Reading(sections));
        let imported = import::import(sandbox.connection(), &tenant, exports, as_of, &progress).await?;
        doing(Doing::Counting);
        let token = imported.consistency_token;
        let inputs = inputs(imported.summary);
        // Many calls at once make a large future: it stands apart from its caller's.
        let collecting = Box::pin(head::collect(sandbox.connection(), &tenant, &token, as_of, inputs));
        let (head, facts) = collecting.await?;
        Ok(Assessment { head, sandbox, facts, token, _scratch: scratch })
    }
}

/// Opens the folder of exports.
pub(crate) async fn open(folder: &Path) -> Result<Exports, AssessError> {
    let folder = folder.to_owned();
    let opened = tokio::task::spawn_blocking(move || Exports::open(&folder)).await;
    Ok(opened.map_err(|error| AssessError::Start(error.into()))??)
}

impl Assessment {
    /// A reader of the devices, in name order.
    #[must_use]
    pub fn devices(&self) -> DeviceReader {
        DeviceReader::new(
            self.connection(),
            format!("tenants/{TENANT}"),
            self.token.clone(),
            self.facts.clone(),
        )
    }

    /// To the services of this assessment.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        self.sandbox.connection()
    }

    /// Some input was refused.
    #[must_use]
    pub fn refused_input(&self) -> bool {
        !self.head.inputs.refused.is_empty()
    }

    /// Stops the services.
    ///
    /// # Errors
    /// A task had failed.
    pub async fn finish(self) -> Result<(), BoxError> {
        self.sandbox.stop().await
    }
}

/// What was read, and what was not, as documented.
pub(crate) fn inputs(summary: Summary) -> Inputs {
    let line = |refusal: &tandem_connectors::Refusal| RefusedInput {
        file: refusal.file.clone(),
        place: refusal.place.clone(),
        reason: refusal.reason.clone(),
    };
    let mut refused: Vec<RefusedInput> = summary.refused.lines().iter().map(line).collect();
    let unlisted = summary.refused.total().saturating_sub(refused.len() as u64);
    if unlisted > 0 {
        let reason = format!("{unlisted} more refused lines are not listed");
        refused.push(RefusedInput { file: String::new(), place: String::new(), reason });
    }
    Inputs {
        files: summary
            .files
            .into_iter()
            .map(|file| InputFile {
                file: file.file,
                kind: file.kind.id().into(),
                records: file.records,
                refused: file.refused,
            })
            .collect(),
        refused,
        unused: summary
            .unused
            .into_iter()
            .map(|unused| UnusedFile { file: unused.file, kind: unused.kind.id().into() })
            .collect(),
        skipped_records: SkippedRecords {
            obsolete: summary.skipped.obsolete,
            decommissioned: summary.skipped.decommissioned,
            unknown_computer: summary.skipped.unknown_computer,
        },
        warnings: summary.warnings.lines().iter().map(line).collect(),
    }
}
