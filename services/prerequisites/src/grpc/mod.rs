//! The contract of this service: thin handlers. Each reads its request, asks the world, lets the domain judge, and answers.

pub(crate) mod convert;
mod custom;
mod custom_rules;
mod enrollment_error;
mod evaluation;
mod person;
pub(crate) mod request;
mod rules;
mod settings;

use std::sync::Arc;

use jiff::Timestamp;
use tandem_contracts::prerequisites::v1::prerequisites_service_server::PrerequisitesService;
use tandem_contracts::prerequisites::v1::{
    BatchCheckDevicesRequest, BatchCheckDevicesResponse, CheckDeviceRequest, CheckDeviceResponse,
    CheckHierarchyRequest, CheckHierarchyResponse, CheckPersonRequest, CheckPersonResponse, CheckSiteRequest,
    CheckSiteResponse, CheckTenantRequest, CheckTenantResponse, DeviceCheck, ExplainEnrollmentErrorRequest,
    ExplainEnrollmentErrorResponse, ForecastFleetRequest, ForecastFleetResponse, ListRulesRequest,
    ListRulesResponse, SummarizeFleetRequest, SummarizeFleetResponse,
};
use tandem_contracts::r#type::v1::DeviceFilter;
use tandem_domain::id::TenantId;
use tandem_domain::prerequisites::{
    Freshness, MaximumAges, Path, Report, SiteCheck, TenantCheck, evaluate_hierarchy,
};
use tandem_server::failure::Failure;
use tandem_server::names::TenantName;
use tandem_server::waiting::waiting_time;
use tandem_server::{Clock, ConsistencyToken};
use tonic::{Request, Response, Status};

use crate::evaluation::Fleets;
use crate::forecast::{FleetForecast, foresee};
use crate::judge::{Whole, judge};
use crate::store::Store;
use crate::summary::{Counts, summarize};
use crate::world::{KnownDevice, Sources, World};

/// Serves the contract.
#[derive(Debug, Clone)]
pub struct Handlers {
    pub(crate) store: Store,
    sources: Sources,
    pub(crate) clock: Clock,
    pub(crate) fleets: Fleets,
}

impl Handlers {
    pub(crate) const fn new(store: Store, sources: Sources, clock: Clock, fleets: Fleets) -> Self {
        Self { store, sources, clock, fleets }
    }

    fn question(
        &self,
        paths: &[i32],
        problems_only: bool,
        as_of: Option<Asked>,
        view: i32,
    ) -> Result<Question, Failure> {
        Ok(Question {
            paths: request::paths(paths)?,
            problems_only,
            as_of: self.moment(as_of)?,
            whole: request::is_whole(view)?,
        })
    }

    /// The moment that a request asks about.
    fn moment(&self, as_of: Option<Asked>) -> Result<Timestamp, Failure> {
        request::moment("as_of", as_of, self.clock.now())
    }

    /// What surrounds the devices of a fleet, of which every hierarchy that its filter names is there.
    async fn world_of_fleet(
        &self,
        tenant: &TenantId,
        filter: Option<&DeviceFilter>,
        token: &ConsistencyToken,
    ) -> Result<World, Failure> {
        let hierarchies = request::hierarchies(filter)?;
        let world = self.sources.judging_world(tenant, token).await?;
        let reached = TenantName::of_id(tenant.as_str())?;
        for hierarchy in &hierarchies {
            reached.check_hierarchy(hierarchy.as_str())?;
            world.has_hierarchy(tenant, hierarchy)?;
        }
        Ok(world)
    }
}

/// A moment as a request names it.
type Asked = prost_types::Timestamp;

/// What is to be said of each device of a request.
struct Question {
    paths: Vec<Path>,
    problems_only: bool,
    /// One moment for the whole request.
    as_of: Timestamp,
    whole: bool,
}

impl Question {
    fn answer(&self, device: KnownDevice, world: &World) -> DeviceCheck {
        let surroundings = world.around(&device.facts);
        let judgement = judge(&device.facts, &surroundings, &world.basis.ages, &self.paths, self.as_of);
        let mut check = convert::device_check(device.name, device.revision, &judgement, self.problems_only);
        let freshness = Freshness::of(&device.facts, &world.basis.ages, self.as_of);
        convert::add_stale_facts(&mut check, &judgement, &freshness, &surroundings);
        let rules = &world.basis.rules;
        let outcomes = rules.outcomes(&device.facts, world.tenant(), self.as_of);
        convert::custom::add_to_check(&mut check, rules, &outcomes, self.problems_only);
        if self.whole {
            let whole = Whole::of(&device.facts, &surroundings, self.as_of);
            convert::whole::add_to_check(&mut check, &whole, &device.facts, &surroundings, &world.basis.ages);
        }
        check
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
        let question = self.question(&request.paths, request.problems_only, request.as_of, request.view)?;
        let token = ConsistencyToken::parse(&request.consistency_token)?;
        let world = self.sources.judging_world(&tenant, &token).await?;
        let (device, seen) = self.sources.device(&tenant, request.name, &token, &world.basis.ages).await?;
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
        let question = self.question(&request.paths, request.problems_only, request.as_of, request.view)?;
        if question.whole {
            request::at_most_in_whole_view(request.names.len())?;
        }
        let token = ConsistencyToken::parse(&request.consistency_token)?;
        let world = self.sources.judging_world(&tenant, &token).await?;
        let batch = self.sources.devices(&tenant, request.names, &token, &world.basis.ages).await?;
        let consistency_token = world.token().merge(&batch.seen).to_string();
        let mut checks = Vec::with_capacity(batch.devices.len());
        let mut turn = world.basis.turn();
        for device in batch.devices {
            checks.push(question.answer(device, &world));
            turn.judged().await;
        }
        Ok(Response::new(BatchCheckDevicesResponse { checks, not_found: batch.not_found, consistency_token }))
    }

    async fn check_site(
        &self,
        request: Request<CheckSiteRequest>,
    ) -> Result<Response<CheckSiteResponse>, Status> {
        let request = request.into_inner();
        let (tenant, hierarchy, code) = request::site("name", &request.name)?;
        let paths = request::paths(&request.paths)?;
        let (as_of, whole) = (self.moment(request.as_of)?, request::is_whole(request.view)?);
        let token = ConsistencyToken::parse(&request.consistency_token)?;
        let world = self.sources.world(&tenant, &token).await?;
        let site = world.site(&request.name, &hierarchy, &code)?;
        let policy = world.policy(&hierarchy);
        let check = SiteCheck::new(site, policy, world.tenant(), as_of);
        let reports: Vec<Report> = paths.into_iter().map(|path| check.report(path)).collect();
        let mut paths = convert::whole_reports(&reports);
        if whole {
            convert::whole::add_of_surroundings(&mut paths, world.tenant(), Some(site), policy);
        }
        Ok(Response::new(CheckSiteResponse {
            site: request.name,
            paths,
            consistency_token: world.token().to_string(),
        }))
    }

    async fn check_hierarchy(
        &self,
        request: Request<CheckHierarchyRequest>,
    ) -> Result<Response<CheckHierarchyResponse>, Status> {
        let request = request.into_inner();
        let (tenant, hierarchy) = request::hierarchy("name", &request.name)?;
        let paths = request::paths(&request.paths)?;
        let as_of = self.moment(request.as_of)?;
        let token = ConsistencyToken::parse(&request.consistency_token)?;
        let world = self.sources.world(&tenant, &token).await?;
        let (sites, policy) = (world.sites(&tenant, &hierarchy)?, world.policy(&hierarchy));
        let report = |path| {
            let report = evaluate_hierarchy(sites.values().copied(), policy, world.tenant(), path, as_of);
            convert::hierarchy_report(&request.name, &report)
        };
        let paths = paths.into_iter().map(report).collect();
        let consistency_token = world.token().to_string();
        Ok(Response::new(CheckHierarchyResponse { hierarchy: request.name, paths, consistency_token }))
    }

    async fn check_tenant(
        &self,
        request: Request<CheckTenantRequest>,
    ) -> Result<Response<CheckTenantResponse>, Status> {
        let request = request.into_inner();
        let tenant = request::tenant("name", &request.name)?;
        let paths = request::paths(&request.paths)?;
        let (as_of, whole) = (self.moment(request.as_of)?, request::is_whole(request.view)?);
        let token = ConsistencyToken::parse(&request.consistency_token)?;
        let world = self.sources.world(&tenant, &token).await?;
        let check = TenantCheck::new(world.tenant(), as_of);
        let reports: Vec<Report> = paths.into_iter().map(|path| check.report(path)).collect();
        let mut paths = convert::whole_reports(&reports);
        if whole {
            convert::whole::add_of_surroundings(&mut paths, world.tenant(), None, None);
        }
        Ok(Response::new(CheckTenantResponse {
            tenant: request.name,
            paths,
            consistency_token: world.token().to_string(),
        }))
    }

    async fn summarize_fleet(
        &self,
        request: Request<SummarizeFleetRequest>,
    ) -> Result<Response<SummarizeFleetResponse>, Status> {
        let waiting = waiting_time(request.metadata());
        let request = request.into_inner();
        let tenant = request::tenant("parent", &request.parent)?;
        let path = request::path("path", request.path)?.unwrap_or(Path::Path1);
        let is_of_now = request.as_of.is_none();
        let (as_of, whole) = (self.moment(request.as_of)?, request::is_whole(request.view)?);
        let token = ConsistencyToken::parse(&request.consistency_token)?;
        let world = self.world_of_fleet(&tenant, request.filter.as_ref(), &token).await?;
        if is_of_now {
            let reached = TenantName::of_id(tenant.as_str())?;
            let asked = (path, whole);
            let kept = self.kept_summary(&reached, request.filter.as_ref(), asked, &token, waiting).await?;
            if let Some(answer) = kept {
                return Ok(Response::new(answer));
            }
        }
        let snapshot = self.sources.snapshot(request.parent, request.filter, &token).await?;
        let counts = Counts::new(path, whole, Arc::clone(&world.basis.rules));
        let (counts, seen) = summarize(snapshot, &world, path, as_of, counts).await?;
        let mut answer = convert::fleet(&counts.summary, world.token().merge(&seen).to_string());
        convert::custom::add_to_fleet(&mut answer, &counts.custom);
        if let Some(whole) = &counts.whole {
            convert::whole::add_to_fleet(&mut answer, whole);
        }
        Ok(Response::new(answer))
    }

    async fn forecast_fleet(
        &self,
        request: Request<ForecastFleetRequest>,
    ) -> Result<Response<ForecastFleetResponse>, Status> {
        let request = request.into_inner();
        let tenant = request::tenant("parent", &request.parent)?;
        let path = request::path("path", request.path)?.unwrap_or(Path::Path1);
        let moments = request::moments(&request, self.clock.now())?;
        let token = ConsistencyToken::parse(&request.consistency_token)?;
        let world = self.world_of_fleet(&tenant, request.filter.as_ref(), &token).await?;
        let snapshot = self.sources.snapshot(request.parent, request.filter, &token).await?;
        let (forecast, seen) = foresee(snapshot, &world, FleetForecast::new(path, moments)).await?;
        Ok(Response::new(convert::forecast(&forecast, world.token().merge(&seen).to_string())))
    }

    async fn check_person(
        &self,
        request: Request<CheckPersonRequest>,
    ) -> Result<Response<CheckPersonResponse>, Status> {
        let request = request.into_inner();
        let tenant = request::tenant("parent", &request.parent)?;
        let asked = person::asked(&tenant, &request)?;
        let as_of = self.moment(request.as_of)?;
        let token = ConsistencyToken::parse(&request.consistency_token)?;
        let (device, seen) = match request.device.is_empty() {
            true => (None, ConsistencyToken::default()),
            false => {
                let ages = MaximumAges::default();
                let (device, seen) = self.sources.device(&tenant, request.device, &token, &ages).await?;
                (Some(device.facts), seen)
            }
        };
        let world = self.sources.world(&tenant, &token).await?;
        let site = match &asked.site {
            Some((hierarchy, code)) => Some(world.site(&request.site, hierarchy, code)?),
            None => None,
        };
        let mut answer = person::judge(&asked, world.tenant(), device.as_ref(), site, as_of);
        answer.consistency_token = world.token().merge(&seen).to_string();
        Ok(Response::new(answer))
    }

    async fn explain_enrollment_error(
        &self,
        request: Request<ExplainEnrollmentErrorRequest>,
    ) -> Result<Response<ExplainEnrollmentErrorResponse>, Status> {
        Ok(Response::new(enrollment_error::explain(&request.get_ref().code)?))
    }
}
