//! A running system that has the sample fleet, and verbs asked of it.

use std::path::Path;

use clap::Parser;
use jiff::Timestamp;
use tandem_connectors::Exports;
use tandem_contracts::authority::v1::{ApprovalRules, UpdateApprovalRulesRequest};
use tandem_monitoring::FollowMode;
use tandem_server::Clock;
use tandem_storage::Durability;
use tempfile::TempDir;

use crate::cli::authority::AuthorityCommand;
use crate::cli::*;
use crate::sandbox::{Options as SandboxOptions, Sandbox};

/// A system that has the sample fleet.
pub(super) struct World {
    pub(super) sandbox: Sandbox,
    pub(super) folder: TempDir,
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
            cache_bytes: 0,
        })
        .await
        .unwrap();
        let fleet = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/sample/fleet");
        let (exports, tenant) = (Exports::open(&fleet).unwrap(), TenantId::parse("default").unwrap());
        crate::import::import(sandbox.connection(), &tenant, exports, as_of, &|_| {}).await.unwrap();
        Self { sandbox, folder }
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
    pub(super) async fn told(
        &self,
        line: &str,
        said: Option<&str>,
    ) -> (String, String, Result<(), (u8, String)>) {
        let words = std::iter::once(NAME).chain(line.split_whitespace());
        let Cli { options, command } = Cli::try_parse_from(words).unwrap();
        let (mut out, mut notes) = (Vec::new(), Vec::new());
        let screen = Screen::new(options.output, &mut out, &mut notes);
        let connection = self.sandbox.connection().clone();
        let mut session = Session { connection, tenant: options.tenant, screen };
        let ended = match command {
            Command::Authority(AuthorityCommand::Apply(args)) => {
                let mut person = said.map(str::as_bytes);
                Box::pin(apply::run_before(person.as_mut(), args, &mut session)).await
            }
            command => Box::pin(ask(command, &mut session)).await,
        };
        let ended = ended.map_err(|error| (error.exit_code(), error.line().unwrap_or_default()));
        (String::from_utf8(out).unwrap(), String::from_utf8(notes).unwrap(), ended)
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
