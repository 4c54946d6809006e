//! A running system that has the sample fleet, and verbs asked of it.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use clap::Parser;
use jiff::Timestamp;
use tandem_client::Connection;
use tandem_connectors::Exports;
use tandem_contracts::authority::v1::{ApprovalRules, UpdateApprovalRulesRequest};
use tandem_contracts::r#type::v1::Permission;
use tandem_monitoring::FollowMode;
use tandem_server::in_process::in_process;
use tandem_server::{Authenticator, Clock, Credentials, Failure, Principal};
use tandem_storage::Durability;
use tempfile::TempDir;

use crate::cli::*;
use crate::sandbox::{Options as SandboxOptions, Sandbox};

/// What a verb prints and remarks, and how it ends.
type Told = (String, String, Result<(), (u8, String)>);

/// Everybody is that person.
struct Person(Arc<Principal>);

impl Authenticator for Person {
    fn authenticate<'a>(
        &'a self,
        _: Credentials<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Arc<Principal>, Failure>> + Send + 'a>> {
        Box::pin(std::future::ready(Ok(Arc::clone(&self.0))))
    }
}

/// A system that has the sample fleet.
pub(super) struct World {
    pub(super) sandbox: Sandbox,
    pub(super) folder: TempDir,
    /// Connections of others than the local principal. Kept: one whose last caller went away would take its server, and the system, along.
    others: Mutex<BTreeMap<String, Connection>>,
}

impl World {
    pub(super) async fn with_the_sample() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let as_of: Timestamp = "2026-11-20T23:59:59Z".parse().unwrap();
        let sandbox = Sandbox::start(SandboxOptions {
            data_folder: folder.path().to_owned(),
            durability: Durability::Scratch,
            clock: Clock::fixed(as_of),
            follow: FollowMode::OnDemand,
            following: None,
            history: None,
            cache_bytes: 0,
        })
        .await
        .unwrap();
        let fleet = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/sample/fleet");
        let (exports, tenant) = (Exports::open(&fleet).unwrap(), TenantId::parse("default").unwrap());
        crate::import::import(sandbox.connection(), &tenant, exports, as_of, &|_| {}).await.unwrap();
        Self { sandbox, folder, others: Mutex::default() }
    }

    /// What the verb prints, or its exit code and its line.
    pub(super) async fn ask(&self, line: &str) -> Result<String, (u8, String)> {
        let (printed, ended) = self.answer(line).await;
        ended.map(|()| printed)
    }

    /// What the verb prints, and how it ends.
    pub(super) async fn answer(&self, line: &str) -> (String, Result<(), (u8, String)>) {
        let (printed, _, ended) = self.told(line, None).await;
        (printed, ended)
    }

    /// What the verb prints and remarks, and how it ends. `said`: what a person says who is asked; without one, nobody can be asked.
    pub(super) async fn told(&self, line: &str, said: Option<&str>) -> Told {
        told(self.sandbox.connection().clone(), line, said).await
    }

    /// The same, asked by somebody of that name who may approve and plan.
    pub(super) async fn told_by(&self, name: &str, line: &str, said: Option<&str>) -> Told {
        told(self.connection_of(name), line, said).await
    }

    fn connection_of(&self, name: &str) -> Connection {
        let mut others = self.others.lock().unwrap();
        others.entry(name.to_owned()).or_insert_with(|| self.connect(name)).clone()
    }

    fn connect(&self, name: &str) -> Connection {
        use Permission::{AuthorityApprove, AuthorityPlan, AuthorityRead, DevicesRead, TenantsRead};
        let may = [TenantsRead, DevicesRead, AuthorityRead, AuthorityPlan, AuthorityApprove];
        let server = self.sandbox.server(Person(Arc::new(Principal::with_permissions(name, may))));
        let (connector, incoming) = in_process();
        let supervisor = self.sandbox.supervisor();
        let draining = supervisor.draining().cancelled_owned();
        supervisor.spawn(format!("api of {name}"), server.serve(incoming, draining));
        let endpoint = tandem_client::endpoint("http://tandem.in-process").unwrap();
        Connection::from_channels(move || endpoint.connect_with_connector_lazy(connector.clone()))
    }

    /// What the verb answers to programs.
    pub(super) async fn json(&self, line: &str) -> serde_json::Value {
        serde_json::from_str(&self.ask(&format!("{line} -o json")).await.unwrap()).unwrap()
    }

    /// From now on, plans are applied without anybody's approval.
    pub(super) async fn without_approvals(&self) {
        let rules =
            ApprovalRules { name: "tenants/default/approvalRules".into(), ..ApprovalRules::default() };
        let request = UpdateApprovalRulesRequest { rules: Some(rules), ..Default::default() };
        self.sandbox.connection().approvals().update_approval_rules(request).await.unwrap();
    }

    /// A file of that content.
    pub(super) fn file(&self, name: &str, content: &str) -> String {
        let file = self.folder.path().join(name);
        std::fs::write(&file, content).unwrap();
        file.display().to_string()
    }
}

async fn told(connection: Connection, line: &str, said: Option<&str>) -> Told {
    let words = std::iter::once(NAME).chain(line.split_whitespace());
    let Cli { options, command } = Cli::try_parse_from(words).unwrap();
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    let screen = Screen::new(options.output, &mut out, &mut notes);
    let person = said.map(|said| Box::new(said.as_bytes()) as Box<dyn BufRead>);
    let mut session = Session { connection, tenant: options.tenant, screen, person };
    let ended = Box::pin(ask(command, &mut session)).await;
    drop(session);
    let ended = ended.map_err(|error| (error.exit_code(), error.line().unwrap_or_default()));
    (String::from_utf8(out).unwrap(), String::from_utf8(notes).unwrap(), ended)
}
