//! The contract of this service: thin handlers. Each reads its request, asks the world, lets the domain judge, and answers.

pub(crate) mod convert;
mod enrollment_error;
pub(crate) mod request;
mod rules;

use jiff::Timestamp;
use tandem_contracts::prerequisites::v1::prerequisites_service_server::PrerequisitesService;
use tandem_contracts::prerequisites::v1::{
    BatchCheckDevicesRequest, BatchCheckDevicesResponse, CheckDeviceRequest, CheckDeviceResponse,
    CheckSiteRequest, CheckSiteResponse, CheckTenantRequest, CheckTenantResponse, DeviceCheck,
    ExplainEnrollmentErrorRequest, ExplainEnrollmentErrorResponse, ListRulesRequest, ListRulesResponse,
    SummarizeFleetRequest, SummarizeFleetResponse,
};
use tandem_domain::prerequisites::{Path, Report, SiteCheck, TenantCheck};
use tandem_server::failure::Failure;
use tandem_server::names::TenantName;
use tandem_server::{Clock, ConsistencyToken};
use tonic::{Request, Response, Status};

use crate::judge::judge;
use crate::summary::summarize;
use crate::world::{KnownDevice, Sources, World};

/// Serves the contract.
#[derive(Debug, Clone)]
pub struct Handlers {
    sources: Sources,
    clock: Clock,
}

impl Handlers {
    pub(crate) const fn new(sources: Sources, clock: Clock) -> Self {
        Self { sources, clock }
    }

    fn question(&self, paths: &[i32], problems_only: bool) -> Result<Question, Failure> {
        Ok(Question { paths: request::paths(paths)?, problems_only, as_of: self.clock.now() })
    }
}

/// What is to be said of each device of a request.
struct Question {
    paths: Vec<Path>,
    problems_only: bool,
    /// One moment for the whole request.
    as_of: Timestamp,
}

impl Question {
    fn answer(&self, device: KnownDevice, world: &World) -> DeviceCheck {
        let judgement = judge(&device.facts, &world.around(&device.facts), &self.paths, self.as_of);
        convert::device_check(device.name, device.revision, &judgement, self.problems_only)
    }
}

#[tonic::async_trait]
impl PrerequisitesService for Handlers {
    async fn list_rules(
        &self,
        request: Request<ListRulesRequest>,
    ) -> Result<Response<ListRulesResponse>, Status> {
        Ok(Response::new(rules::list(request.get_ref())?))
    }

    async fn check_device(
        &self,
        request: Request<CheckDeviceRequest>,
    ) -> Result<Response<CheckDeviceResponse>, Status> {
        let request = request.into_inner();
        let tenant = request::tenant_of_device("name", &request.name)?;
        let question = self.question(&request.paths, request.problems_only)?;
        let token = ConsistencyToken::parse(&request.consistency_token)?;
        let (device, seen) = self.sources.device(&tenant, request.name, &token).await?;
        let world = self.sources.world(&tenant, &token).await?;
        let consistency_token = world.token().merge(&seen).to_string();
        let check = Some(question.answer(device, &world));
        Ok(Response::new(CheckDeviceResponse { check, consistency_token }))
    }

    async fn batch_check_devices(
        &self,
        request: Request<BatchCheckDevicesRequest>,
    ) -> Result<Response<BatchCheckDevicesResponse>, Status> {
        let request = request.into_inner();
        let tenant = request::tenant("parent", &request.parent)?;
        request::device_names(&tenant, &request.names)?;
        let question = self.question(&request.paths, request.problems_only)?;
        let token = ConsistencyToken::parse(&request.consistency_token)?;
        let batch = self.sources.devices(&tenant, request.names, &token).await?;
        let world = self.sources.world(&tenant, &token).await?;
        let consistency_token = world.token().merge(&batch.seen).to_string();
        let checks = batch.devices.into_iter().map(|device| question.answer(device, &world)).collect();
        Ok(Response::new(BatchCheckDevicesResponse { checks, not_found: batch.not_found, consistency_token }))
    }

    async fn check_site(
        &self,
        request: Request<CheckSiteRequest>,
    ) -> Result<Response<CheckSiteResponse>, Status> {
        let request = request.into_inner();
        let (tenant, hierarchy, code) = request::site("name", &request.name)?;
        let paths = request::paths(&request.paths)?;
        let token = ConsistencyToken::parse(&request.consistency_token)?;
        let world = self.sources.world(&tenant, &token).await?;
        let site = world.site(&request.name, &hierarchy, &code)?;
        let check = SiteCheck::new(site, world.policy(&hierarchy), world.tenant(), self.clock.now());
        let reports: Vec<Report> = paths.into_iter().map(|path| check.report(path)).collect();
        Ok(Response::new(CheckSiteResponse {
            site: request.name,
            paths: convert::whole_reports(&reports),
            consistency_token: world.token().to_string(),
        }))
    }

    async fn check_tenant(
        &self,
        request: Request<CheckTenantRequest>,
    ) -> Result<Response<CheckTenantResponse>, Status> {
        let request = request.into_inner();
        let tenant = request::tenant("name", &request.name)?;
        let paths = request::paths(&request.paths)?;
        let token = ConsistencyToken::parse(&request.consistency_token)?;
        let world = self.sources.world(&tenant, &token).await?;
        let check = TenantCheck::new(world.tenant(), self.clock.now());
        let reports: Vec<Report> = paths.into_iter().map(|path| check.report(path)).collect();
        Ok(Response::new(CheckTenantResponse {
            tenant: request.name,
            paths: convert::whole_reports(&reports),
            consistency_token: world.token().to_string(),
        }))
    }

    async fn summarize_fleet(
        &self,
        request: Request<SummarizeFleetRequest>,
    ) -> Result<Response<SummarizeFleetResponse>, Status> {
        let request = request.into_inner();
        let tenant = request::tenant("parent", &request.parent)?;
        let path = request::path("path", request.path)?.unwrap_or(Path::Path1);
        let hierarchies = request::hierarchies(request.filter.as_ref())?;
        let token = ConsistencyToken::parse(&request.consistency_token)?;
        let world = self.sources.world(&tenant, &token).await?;
        let reached = TenantName::of_id(tenant.as_str())?;
        for hierarchy in &hierarchies {
            reached.check_hierarchy(hierarchy.as_str())?;
            world.has_hierarchy(&tenant, hierarchy)?;
        }
        let snapshot = self.sources.snapshot(request.parent, request.filter, &token).await?;
        let (summary, seen) = summarize(snapshot, &world, path, self.clock.now()).await?;
        Ok(Response::new(convert::fleet(&summary, world.token().merge(&seen).to_string())))
    }

    async fn explain_enrollment_error(
        &self,
        request: Request<ExplainEnrollmentErrorRequest>,
    ) -> Result<Response<ExplainEnrollmentErrorResponse>, Status> {
        Ok(Response::new(enrollment_error::explain(&request.get_ref().code)?))
    }
}
