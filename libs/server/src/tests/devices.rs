//! Devices as the tests need them: streams of both kinds.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::stream::{self, Stream, StreamExt};
use tandem_contracts::inventory::v1 as inventory;
use tonic::{Request, Response, Status, Streaming};

use crate::failure::Failure;

/// The tenant whose watch never stops telling something.
pub(super) const TALKATIVE: &str = "tenants/talkative";

/// Bytes of each message of that watch.
pub(super) const MESSAGE_BYTES: u64 = 10_000;

/// A report is acknowledged at once. A watch is silent, but that of [`TALKATIVE`].
#[derive(Debug, Clone, Default)]
pub(super) struct Devices {
    /// Messages that watches sent.
    pub(super) told: Arc<AtomicU64>,
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

fn unserved<T>() -> Result<Response<T>, Status> {
    Err(Failure::UnknownMethod.into())
}

#[tonic::async_trait]
impl inventory::device_service_server::DeviceService for Devices {
    type ReportDevicesStream = Answers<inventory::ReportDevicesResponse>;
    type WatchDevicesStream = Answers<inventory::WatchDevicesResponse>;

    async fn report_devices(
        &self,
        request: Request<Streaming<inventory::ReportDevicesRequest>>,
    ) -> Result<Response<Self::ReportDevicesStream>, Status> {
        let acknowledged = |read: Result<inventory::ReportDevicesRequest, Status>| match read {
            Ok(read) => {
                Ok(inventory::ReportDevicesResponse { sequence: read.sequence, ..Default::default() })
            }
            Err(status) => Err(Failure::of_unread(&status).unwrap_or(Failure::DeadlineExceeded).into()),
        };
        Ok(Response::new(request.into_inner().map(acknowledged).boxed()))
    }

    async fn watch_devices(
        &self,
        request: Request<inventory::WatchDevicesRequest>,
    ) -> Result<Response<Self::WatchDevicesStream>, Status> {
        if request.get_ref().parent != TALKATIVE {
            return Ok(Response::new(stream::pending().boxed()));
        }
        let told = Arc::clone(&self.told);
        let messages = stream::repeat_with(move || {
            told.fetch_add(1, Ordering::Relaxed);
            let resume_token = "x".repeat(MESSAGE_BYTES as usize);
            let bookmark = Some(inventory::Bookmark { resume_token, ..Default::default() });
            Ok(inventory::WatchDevicesResponse { bookmark, ..Default::default() })
        });
        Ok(Response::new(messages.boxed()))
    }

    async fn get_device(
        &self,
        _: Request<inventory::GetDeviceRequest>,
    ) -> Result<Response<inventory::GetDeviceResponse>, Status> {
        unserved()
    }

    async fn lookup_device(
        &self,
        _: Request<inventory::LookupDeviceRequest>,
    ) -> Result<Response<inventory::LookupDeviceResponse>, Status> {
        unserved()
    }

    async fn list_devices(
        &self,
        _: Request<inventory::ListDevicesRequest>,
    ) -> Result<Response<inventory::ListDevicesResponse>, Status> {
        unserved()
    }

    async fn batch_get_devices(
        &self,
        _: Request<inventory::BatchGetDevicesRequest>,
    ) -> Result<Response<inventory::BatchGetDevicesResponse>, Status> {
        unserved()
    }

    async fn list_identity_conflicts(
        &self,
        _: Request<inventory::ListIdentityConflictsRequest>,
    ) -> Result<Response<inventory::ListIdentityConflictsResponse>, Status> {
        unserved()
    }
}
