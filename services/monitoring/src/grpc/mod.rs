//! The contract of monitoring: thin handlers.

mod convert;
mod watch;

use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use tandem_contracts::monitoring::v1::monitoring_service_server::MonitoringService;
use tandem_contracts::monitoring::v1::{
    GetDashboardRequest, GetDashboardResponse, ListFigureDevicesRequest, ListFigureDevicesResponse,
    WatchDashboardRequest, WatchDashboardResponse,
};
use tandem_fleet::{Followers, Page};
use tandem_server::failure::Failure;
use tandem_server::names::TenantName;
use tandem_server::waiting::waiting_time;
use tonic::{Request, Response, Status};

use self::convert::{DashboardQuery, ListingQuery};
use self::watch::Watching;
use crate::judge::Judge;

/// Serves the contract of monitoring.
#[derive(Debug, Clone)]
pub struct Handlers {
    pub(crate) followers: Followers<Judge>,
}

#[tonic::async_trait]
impl MonitoringService for Handlers {
    async fn get_dashboard(
        &self,
        request: Request<GetDashboardRequest>,
    ) -> Result<Response<GetDashboardResponse>, Status> {
        let waiting = waiting_time(request.metadata());
        let query = DashboardQuery::try_from(request.into_inner())?;
        Ok(Response::new(self.dashboard(query, waiting).await?))
    }

    async fn list_figure_devices(
        &self,
        request: Request<ListFigureDevicesRequest>,
    ) -> Result<Response<ListFigureDevicesResponse>, Status> {
        let waiting = waiting_time(request.metadata());
        let query = ListingQuery::try_from(request.into_inner())?;
        Ok(Response::new(self.listing(query, waiting).await?))
    }

    type WatchDashboardStream = BoxStream<'static, Result<WatchDashboardResponse, Status>>;

    async fn watch_dashboard(
        &self,
        request: Request<WatchDashboardRequest>,
    ) -> Result<Response<Self::WatchDashboardStream>, Status> {
        let waiting = waiting_time(request.metadata());
        let watching = Watching::start(self.followers.clone(), request.into_inner(), waiting).await?;
        Ok(Response::new(watching.stream().boxed()))
    }
}

impl Handlers {
    async fn dashboard(
        &self,
        query: DashboardQuery,
        waiting: Duration,
    ) -> Result<GetDashboardResponse, Failure> {
        let count = self.followers.count(&query.tenant).await?;
        count.covers(&query.token, waiting).await?;
        let selection = count.select(self.followers.sources(), &query.wanted).await?;
        let lag = count.counting().lag;
        Ok(convert::dashboard(&count.read(), &selection, lag))
    }

    async fn listing(
        &self,
        query: ListingQuery,
        waiting: Duration,
    ) -> Result<ListFigureDevicesResponse, Failure> {
        let count = self.followers.count(&query.tenant).await?;
        count.covers(&query.token, waiting).await?;
        let selection = count.select(self.followers.sources(), &query.wanted).await?;
        let counted = count.read();
        let reached = counted.reached(&selection);
        let is_seen = reached.as_ref().is_none_or(|reached| counted.index.number(&query.figure, reached) > 0);
        let within = counted.within(&selection, reached);
        let page =
            counted.index.page(&query.figure, within.as_ref(), query.after.as_deref(), query.page_size);
        // A figure that counts nobody whom the reader may see is as one that never counted anybody.
        let page = page.filter(|_| is_seen);
        let page = match page {
            Some(page) => page,
            // Its key is a word of the tile: it exists, and counts nobody.
            None if query.figure.is_fixed() => Page { devices: Vec::new(), total: 0, more: false },
            None => return Err(query.not_found()),
        };
        Ok(query.answer(page, &counted, &selection))
    }
}

/// Reads the tenant of a request.
fn tenant_of(parent: &str) -> Result<TenantName, Failure> {
    TenantName::parse("parent", parent)
}
