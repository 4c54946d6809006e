//! When the inventory is asked for surroundings, and what becomes of its answers.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use tandem_contracts::inventory::v1 as proto;
use tandem_contracts::inventory::v1::tenant_service_server::{TenantService, TenantServiceServer};
use tandem_contracts::r#type::v1 as types;
use tandem_domain::id::{CollectionId, HierarchyId, SiteCode};
use tandem_domain::site::SiteFacts;
use tandem_server::Supervisor;
use tandem_server::consistency::Service;
use tonic::{Code, Request, Response, Status};

use super::{serve, token, world_of};
use crate::fleet::{HierarchySurroundings, SurroundingsReader, TRUSTED_FOR, TenantSurroundings, World};

const TENANT: &str = "tenants/contoso";

/// Answers what it holds, as the inventory does, and notes the revision that each caller knew.
#[derive(Debug, Clone, Default)]
struct Tenants(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    incarnation: u64,
    revision: u64,
    changed: u64,
    version: String,
    known: Vec<u64>,
}

impl Tenants {
    fn with(self, change: impl FnOnce(&mut State)) -> Self {
        change(&mut self.0.lock().unwrap());
        self
    }

    fn known(&self) -> Vec<u64> {
        self.0.lock().unwrap().known.clone()
    }
}

/// The world in which the site got its version.
fn tenants() -> Tenants {
    Tenants::default().with(|state| {
        *state = State { incarnation: 7, revision: 9, changed: 5, version: "2309".into(), known: Vec::new() };
    })
}

#[tonic::async_trait]
impl TenantService for Tenants {
    async fn get_surroundings(
        &self,
        request: Request<proto::GetSurroundingsRequest>,
    ) -> Result<Response<proto::GetSurroundingsResponse>, Status> {
        let mut state = self.0.lock().unwrap();
        let known = request.into_inner().known_revision;
        state.known.push(known);
        let unchanged = known != 0 && known >= state.changed;
        let site = types::SiteFacts { version: Some(state.version.clone()), ..Default::default() };
        let hierarchy = proto::HierarchySurroundings {
            hierarchy: "PS1".into(),
            sites: HashMap::from([("PS1".into(), site)]),
            complete_collections: vec!["PS100014".into()],
        };
        Ok(Response::new(proto::GetSurroundingsResponse {
            revision: state.changed,
            unchanged,
            tenant: (!unchanged).then(Default::default),
            hierarchies: if unchanged { Vec::new() } else { vec![hierarchy] },
            consistency_token: token(Service::Inventory, state.incarnation, state.revision),
        }))
    }

    async fn create_tenant(
        &self,
        _: Request<proto::CreateTenantRequest>,
    ) -> Result<Response<proto::CreateTenantResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_tenant(
        &self,
        _: Request<proto::GetTenantRequest>,
    ) -> Result<Response<proto::GetTenantResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_tenants(
        &self,
        _: Request<proto::ListTenantsRequest>,
    ) -> Result<Response<proto::ListTenantsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn update_tenant(
        &self,
        _: Request<proto::UpdateTenantRequest>,
    ) -> Result<Response<proto::UpdateTenantResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

fn reader(tenants: &Tenants) -> (Supervisor, SurroundingsReader) {
    let (supervisor, connection) = serve(TenantServiceServer::new(tenants.clone()));
    let world_of: fn(&str) -> Option<World> = |token| world_of(Service::Inventory, token);
    (supervisor, SurroundingsReader::new(&connection, world_of))
}

/// What the reader must make of the answer.
fn surroundings(revision: u64, version: &str, consistency_token: String) -> TenantSurroundings {
    let code = SiteCode::parse("PS1").unwrap();
    let facts = SiteFacts { version: Some(version.into()), ..SiteFacts::unknown(code.clone()) };
    let hierarchy = HierarchySurroundings {
        sites: HashMap::from([(code, facts)]),
        complete_collections: BTreeSet::from([CollectionId::parse("PS100014").unwrap()]),
    };
    TenantSurroundings {
        revision,
        hierarchies: HashMap::from([(HierarchyId::parse("PS1").unwrap(), hierarchy)]),
        consistency_token,
        ..TenantSurroundings::default()
    }
}

#[tokio::test(start_paused = true)]
async fn reading_is_trusted_for_a_second() {
    let tenants = tenants();
    let (_server, reader) = reader(&tenants);
    let first = reader.get(TENANT, "").await.unwrap();
    assert_eq!(*first, surroundings(5, "2309", token(Service::Inventory, 7, 9)));
    assert_eq!(reader.get(TENANT, "").await.unwrap(), first);
    assert_eq!(tenants.known(), [0]);

    tokio::time::advance(TRUSTED_FOR).await;
    assert_eq!(reader.get(TENANT, "").await.unwrap(), first);
    assert_eq!(tenants.known(), [0, 5]);
}

#[tokio::test(start_paused = true)]
async fn token_of_a_later_world_asks_at_once() {
    let tenants = tenants();
    let (_server, reader) = reader(&tenants);
    reader.get(TENANT, "").await.unwrap();
    reader.get(TENANT, &token(Service::Inventory, 7, 9)).await.unwrap();
    reader.get(TENANT, &token(Service::Authority, 1, 99)).await.unwrap();
    assert_eq!(tenants.known(), [0]);

    let tenants =
        tenants.with(|state| (state.revision, state.changed, state.version) = (12, 11, "2509".into()));
    let later = token(Service::Inventory, 7, 12);
    assert_eq!(*reader.get(TENANT, &later).await.unwrap(), surroundings(11, "2509", later));
    assert_eq!(tenants.known(), [0, 5]);
}

#[tokio::test(start_paused = true)]
async fn unchanged_surroundings_are_of_the_later_world() {
    let tenants = tenants();
    let (_server, reader) = reader(&tenants);
    reader.get(TENANT, "").await.unwrap();
    let tenants = tenants.with(|state| state.revision = 12);
    let later = token(Service::Inventory, 7, 12);
    for _ in 0..2 {
        assert_eq!(*reader.get(TENANT, &later).await.unwrap(), surroundings(5, "2309", later.clone()));
    }
    assert_eq!(tenants.known(), [0, 5]);
}

#[tokio::test(start_paused = true)]
async fn inventory_that_was_restored_is_asked_in_full() {
    let tenants = tenants();
    let (_server, reader) = reader(&tenants);
    reader.get(TENANT, "").await.unwrap();
    let tenants =
        tenants.with(|state| (state.incarnation, state.revision, state.version) = (8, 6, "2403".into()));
    tokio::time::advance(TRUSTED_FOR).await;
    let restored = surroundings(5, "2403", token(Service::Inventory, 8, 6));
    assert_eq!(*reader.get(TENANT, "").await.unwrap(), restored);
    assert_eq!(tenants.known(), [0, 5, 0]);
}

#[tokio::test(start_paused = true)]
async fn inventory_behind_the_token_is_unavailable() {
    let (_server, reader) = reader(&tenants());
    let status = reader.get(TENANT, &token(Service::Inventory, 7, 10)).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.message(), "expected revision 10 of incarnation 7, found 9 of 7");
}

#[tokio::test(start_paused = true)]
async fn callers_at_the_same_time_share_one_call() {
    let tenants = tenants();
    let (_server, reader) = reader(&tenants);
    let callers = (0..20).map(|_| reader.get(TENANT, ""));
    for answer in futures::future::join_all(callers).await {
        assert_eq!(answer.unwrap().revision, 5);
    }
    assert_eq!(tenants.known(), [0]);
}
