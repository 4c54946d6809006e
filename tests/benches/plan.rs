//! What planning and applying a change of policy takes with many devices, against the same with 10,000.
//!
//! The authority as `tandem serve` has it (SQLite, every commit synced), asked over TCP on loopback, with two tenants' worth of devices
//! that a generated inventory sends it (`tests/src/generated.rs`): `TANDEM_BENCH_DEVICES` (default 1,000,000) and 10,000. Both fleets are
//! counted before anything is timed. Rounds alternate between the two; each times `CreatePlan` and `ApplyPlan` together, of
//!
//! - `all`: client apps to Intune for all, from a pilot;
//! - `pilot`: Office to a pilot of a collection that no policy names, a fifth of the devices, which overlaps three other pilots.
//!
//! What the first plan of each says is compared with deciding device by device. `TANDEM_BENCH_ROUNDS` (default 40) rounds of each. Last line:
//! `plan ratio=R ours=X yardstick=Y unit=ms devices=N`: X and Y are the sums of both changes' medians, R = X / Y.

use std::collections::BTreeSet;
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use tandem_authority::{Authority, Parts};
use tandem_client::Connection;
use tandem_contracts::authority::v1::approval_service_client::ApprovalServiceClient;
use tandem_contracts::authority::v1::authority_service_client::AuthorityServiceClient;
use tandem_contracts::authority::v1::plan_service_client::PlanServiceClient;
use tandem_contracts::authority::v1::{
    ApplyPlanRequest, ApprovalRules, CreatePlanRequest, Plan, UpdateApprovalRulesRequest,
    UpdateCoManagementPolicyRequest,
};
use tandem_contracts::convert;
use tandem_contracts::inventory::v1::device_service_server::DeviceServiceServer;
use tandem_contracts::inventory::v1::hierarchy_service_server::HierarchyServiceServer;
use tandem_contracts::inventory::v1::tenant_service_server::TenantServiceServer;
use tandem_contracts::r#type::v1::CoManagementPolicy as PolicyMessage;
use tandem_domain::authority::effective_authority;
use tandem_domain::id::{CollectionId, SiteCode};
use tandem_domain::policy::{CoManagementPolicy, Surroundings, WorkloadSetting};
use tandem_domain::site::SiteFacts;
use tandem_domain::tenant::TenantFacts;
use tandem_domain::workload::{PerWorkload, SliderPosition, Workload};
use tandem_server::{ApiServer, Clock, LocalAuthenticator, Supervisor};
use tandem_storage::{Durability, Location};
use tandem_testkit::serve;
use tandem_tests::generated::{self, COLLECTIONS, Generated, HIERARCHY, UNUSED};
use tempfile::TempDir;
use tonic::Code;
use tonic::transport::Channel;

type Failure = Box<dyn Error + Send + Sync>;

/// As `tandem` has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The fleet that the large one is compared with.
const SMALL: u64 = 10_000;

const TENANT: &str = "tenants/bench";

fn main() -> ExitCode {
    let result = run();
    let printed = match &result {
        Ok(line) => writeln!(io::stdout(), "{line}"),
        Err(error) => writeln!(io::stderr(), "plan bench failed: {error}"),
    };
    if result.is_ok() && printed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run() -> Result<String, Failure> {
    tokio::runtime::Runtime::new()?.block_on(bench())
}

fn setting(name: &str, default: u64) -> Result<u64, Failure> {
    match std::env::var(name) {
        Ok(text) => Ok(text.parse().map_err(|error| format!("{name} {text:?}: {error}"))?),
        Err(_) => Ok(default),
    }
}

async fn bench() -> Result<String, Failure> {
    let devices = setting("TANDEM_BENCH_DEVICES", 1_000_000)?.max(1);
    let rounds = setting("TANDEM_BENCH_ROUNDS", 40)?.max(1);
    let mut fleets = [System::start(devices).await?, System::start(SMALL).await?];
    let changes = [("all", all_to_intune()), ("pilot", unused_pilot())];
    let mut took = [[Vec::new(), Vec::new()], [Vec::new(), Vec::new()]];
    for (change, (name, proposed)) in changes.iter().enumerate() {
        for fleet in &mut fleets {
            fleet.check(name, proposed).await?;
        }
        for _ in 0..rounds {
            for (fleet, took) in fleets.iter_mut().zip(&mut took) {
                took[change].push(fleet.plan_and_apply(proposed).await?);
            }
        }
    }
    let mut sums = [Duration::ZERO; 2];
    for (change, (name, _)) in changes.iter().enumerate() {
        let [large, small] = [0, 1].map(|fleet| Spread::of(&mut took[fleet][change]));
        note(&format!("{name}: {} at {devices}, {} at {SMALL}", large.line(), small.line()));
        sums[0] += large.median;
        sums[1] += small.median;
    }
    let [ours, yardstick] = sums.map(milliseconds);
    Ok(format!(
        "plan ratio={:.2} ours={ours:.2} yardstick={yardstick:.2} unit=ms devices={devices}",
        ours / yardstick
    ))
}

/// How long a change took.
struct Spread {
    median: Duration,
    slowest: Duration,
}

impl Spread {
    fn of(took: &mut [Duration]) -> Self {
        took.sort_unstable();
        Self {
            median: took.get(took.len() / 2).copied().unwrap_or_default(),
            slowest: took.last().copied().unwrap_or_default(),
        }
    }

    fn line(&self) -> String {
        format!("median {:.2} ms, slowest {:.2} ms", milliseconds(self.median), milliseconds(self.slowest))
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Three pilots, resource access where the site's version fixes it.
fn configured() -> CoManagementPolicy {
    let pilot = |number| WorkloadSetting {
        slider: SliderPosition::PilotIntune,
        pilot_collection: Some(generated::collection(number)),
    };
    CoManagementPolicy {
        enabled: Some(true),
        workloads: PerWorkload::from_fn(|workload| match workload {
            Workload::CompliancePolicies => pilot(1),
            Workload::WindowsUpdatePolicies => pilot(2),
            Workload::ClientApps => pilot(3),
            Workload::ResourceAccessPolicies => {
                WorkloadSetting { slider: SliderPosition::Intune, pilot_collection: None }
            }
            _ => WorkloadSetting::default(),
        }),
        ..CoManagementPolicy::default()
    }
}

fn all_to_intune() -> CoManagementPolicy {
    let mut proposed = configured();
    proposed.workloads[Workload::ClientApps].slider = SliderPosition::Intune;
    proposed
}

fn unused_pilot() -> CoManagementPolicy {
    let mut proposed = configured();
    proposed.workloads[Workload::OfficeClickToRunApps] = WorkloadSetting {
        slider: SliderPosition::PilotIntune,
        pilot_collection: CollectionId::parse(UNUSED).ok(),
    };
    proposed
}

fn message(policy: &CoManagementPolicy) -> PolicyMessage {
    let name = format!("{TENANT}/hierarchies/{HIERARCHY}/coManagementPolicy");
    PolicyMessage { name, ..convert::policy::to_proto(policy) }
}

/// An authority and its devices.
struct System {
    devices: u64,
    plans: PlanServiceClient<Channel>,
    _supervisor: Supervisor,
    _folder: TempDir,
}

impl System {
    async fn start(devices: u64) -> Result<Self, Failure> {
        let (supervisor, folder) = (Supervisor::new(), tempfile::tempdir()?);
        let all = Generated { devices };
        let inventory = ApiServer::new(LocalAuthenticator::default())
            .add_service(TenantServiceServer::new(all))
            .add_service(HierarchyServiceServer::new(all))
            .add_service(DeviceServiceServer::new(all));
        let location = Location::Sqlite {
            file: folder.path().join("authority.db"),
            durability: Durability::Full,
            most_bytes: None,
        };
        let authority = Authority::open(Parts {
            database: location,
            inventory: Connection::from_channel(serve(&supervisor, "inventory", inventory)),
            cache: None,
            clock: Clock::system(),
            supervisor: supervisor.clone(),
            signing_key: None,
            heads_file: None,
            history: None,
        })
        .await?;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = authority.serve_on(ApiServer::new(LocalAuthenticator::default()));
        let incoming = tonic::transport::server::TcpIncoming::from(listener).with_nodelay(Some(true));
        let served = server.serve(incoming, supervisor.draining().cancelled_owned());
        supervisor.spawn("authority", async move { served.await.map_err(Box::new) });
        let channel = tandem_client::endpoint(&format!("http://{address}"))?.connect().await?;
        let policy =
            UpdateCoManagementPolicyRequest { policy: Some(message(&configured())), ..Default::default() };
        AuthorityServiceClient::new(channel.clone()).update_co_management_policy(policy).await?;
        let rules = ApprovalRules { name: format!("{TENANT}/approvalRules"), ..Default::default() };
        let rules = UpdateApprovalRulesRequest { rules: Some(rules), ..Default::default() };
        ApprovalServiceClient::new(channel.clone()).update_approval_rules(rules).await?;
        let plans = PlanServiceClient::new(channel);
        Ok(Self { devices, plans, _supervisor: supervisor, _folder: folder })
    }

    async fn plan(&mut self, proposed: &CoManagementPolicy) -> Result<Plan, Failure> {
        let request = CreatePlanRequest { proposed: Some(message(proposed)), ..Default::default() };
        let answer = self.plans.create_plan(request).await?.into_inner();
        Ok(answer.plan.ok_or("an answer without a plan")?)
    }

    async fn apply(&mut self, plan: Plan) -> Result<(), Failure> {
        let configured_revision = plan.content.unwrap_or_default().configured_revision;
        let Plan { name, hash, .. } = plan;
        self.plans
            .apply_plan(ApplyPlanRequest { name, hash, configured_revision, ..Default::default() })
            .await?;
        Ok(())
    }

    async fn plan_and_apply(&mut self, proposed: &CoManagementPolicy) -> Result<Duration, Failure> {
        let begun = Instant::now();
        let plan = self.plan(proposed).await?;
        self.apply(plan).await?;
        Ok(begun.elapsed())
    }

    /// Whether a plan counts what deciding device by device counts. The first waits until the devices are counted.
    async fn check(&mut self, name: &str, proposed: &CoManagementPolicy) -> Result<(), Failure> {
        let plan = loop {
            let request = CreatePlanRequest { proposed: Some(message(proposed)), ..Default::default() };
            match self.plans.create_plan(request).await {
                Ok(answer) => break answer.into_inner().plan.unwrap_or_default(),
                Err(status) if status.code() == Code::Unavailable => note(status.message()),
                Err(status) => return Err(status.into()),
            }
        };
        let content = plan.content.unwrap_or_default();
        let found: Vec<(i32, u64)> =
            content.workloads.iter().map(|impact| (impact.workload, impact.changing)).collect();
        let expected = one_by_one(self.devices, proposed);
        let changing: Vec<(i32, u64)> = Workload::ALL
            .into_iter()
            .zip(&expected)
            .filter(|(workload, _)| found.iter().any(|(of, _)| *of == convert::number(*workload)))
            .map(|(workload, changing)| (convert::number(workload), *changing))
            .collect();
        let uncounted: u64 =
            expected.iter().sum::<u64>() - changing.iter().map(|(_, count)| count).sum::<u64>();
        if found != changing || uncounted > 0 || content.devices != self.devices {
            let expected = format!("expected {changing:?} and {uncounted} more of {}", self.devices);
            return Err(format!("{name}: {expected}, found {found:?} of {}", content.devices).into());
        }
        note(&format!("{name}: {} of {} devices change holder", content.devices_affected, self.devices));
        Ok(())
    }
}

/// How many devices change holder, by workload.
fn one_by_one(devices: u64, proposed: &CoManagementPolicy) -> Vec<u64> {
    let complete: BTreeSet<CollectionId> =
        (0..COLLECTIONS).map(generated::collection).chain(CollectionId::parse(UNUSED)).collect();
    let (tenant, base) = (TenantFacts::default(), configured());
    let site = SiteCode::parse(HIERARCHY)
        .ok()
        .map(|code| SiteFacts { version: Some("2503".into()), ..SiteFacts::unknown(code) });
    let now = Surroundings {
        tenant: &tenant,
        site: site.as_ref(),
        policy: Some(&base),
        complete_collections: &complete,
    };
    let then = Surroundings { policy: Some(proposed), ..now };
    let mut changing = vec![0; Workload::ALL.len()];
    for number in 0..devices {
        let facts = generated::facts(number);
        let (before, after) = (effective_authority(&facts, &now), effective_authority(&facts, &then));
        for (count, workload) in changing.iter_mut().zip(Workload::ALL) {
            *count += u64::from(before.workloads[workload].authority != after.workloads[workload].authority);
        }
    }
    changing
}

fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
