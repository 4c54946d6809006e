//! The grammar as a whole.

use clap::{CommandFactory, Parser};

use super::*;

mod approved;
mod asked;
mod drafted;
mod own_rules;
mod planned;
mod rolled_out;
mod stopped;
mod world;

#[test]
fn grammar_holds_together() {
    Cli::command().debug_assert();
}

#[test]
fn every_verb_and_every_option_has_help() {
    let mut mute = Vec::new();
    let mut open = vec![(NAME.to_owned(), Cli::command())];
    while let Some((path, command)) = open.pop() {
        if command.get_about().is_none() {
            mute.push(path.clone());
        }
        let args = command.get_arguments().filter(|arg| arg.get_help().is_none());
        mute.extend(args.map(|arg| format!("{path} {}", arg.get_id())));
        open.extend(
            command.get_subcommands().map(|verb| (format!("{path} {}", verb.get_name()), verb.clone())),
        );
    }
    assert_eq!(mute, Vec::<String>::new());
}

#[test]
fn verbs_are_those_of_the_architecture() {
    let command = Cli::command();
    let verbs: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    let expected = [
        "assess",
        "serve",
        "import",
        "tenants",
        "hierarchies",
        "sites",
        "devices",
        "collections",
        "prerequisites",
        "authority",
        "dashboard",
        "watch",
        "simulate",
        "credentials",
        "completions",
    ];
    assert_eq!(verbs, expected);
}

/// Words after `tandem`, separated by blanks.
fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once(NAME).chain(line.split_whitespace()))
}

#[test]
fn commands_of_the_manual_are_understood() {
    let lines = [
        "assess exports --as-of 2026-11-20 --html page.html -o json",
        "serve --data folder --listen 127.0.0.1:0",
        "import exports --as-of 2026-11-20",
        "devices list --state co_managed --state failed --hierarchy PS1 --limit 5",
        "devices get OSL-LT-0417",
        "devices lookup serial_number 5CG1234ABC",
        "devices conflicts -o json",
        "collections list --hierarchy PS1",
        "collections get PS1/PS100042",
        "collections members pilot",
        "collections create pilot --name-contains OSL",
        "collections add pilot OSL-LT-0417 OSL-LT-0418",
        "collections remove pilot OSL-LT-0417",
        "collections delete pilot",
        "prerequisites rules --path path1 --scope device",
        "prerequisites check OSL-LT-0417 --path path1 --path path2 --all",
        "prerequisites check --site PS1/PS1 --as-of 2027-03-01",
        "prerequisites check --sites PS1 --path path2",
        "prerequisites check --tenant-rules",
        "prerequisites check --fleet --path coexistence --hierarchy PS1",
        "prerequisites devices --rule win.serviced_version --alone --path path1 --hierarchy PS1 --limit 10",
        "prerequisites devices --rule win.mdm_not_blocked --unknown -o json",
        "prerequisites devices --benefit autopilot --reach one_step_away",
        "prerequisites devices --error -2145910760",
        "prerequisites devices",
        "prerequisites parts --by collection --path path2 --hierarchy PS1",
        "prerequisites devices --unverified --timeout 30",
        "prerequisites evaluation --wait",
        "prerequisites try device.client_installed --validate-only",
        "prerequisites facts --limit 5",
        "prerequisites ages",
        "prerequisites ages --set intune=30d --set configmgr=36h --clear probe",
        "prerequisites custom set build-24h2 'device.os_build>=26100' --severity blocking --remediation update",
        "prerequisites custom set build-24h2 --display-name 24H2",
        "prerequisites custom list -o json",
        "prerequisites custom show build-24h2",
        "prerequisites custom enable build-24h2",
        "prerequisites custom disable build-24h2",
        "prerequisites custom delete build-24h2",
        "prerequisites devices --custom-rule build-24h2 --outcome unknown",
        "prerequisites devices --custom-verdict blocked",
        "prerequisites explain OSL-LT-0417 --as-of 2027-03-01",
        "prerequisites forecast --until 2027-03-31 --step 7 --path path1 --hierarchy PS1",
        "prerequisites attest lic.configmgr_rights --by erin@example.com --expires 2027-12-31",
        "prerequisites attest lic.configmgr_rights --withdraw",
        "prerequisites person --role configmgr:full_administrator=all --license ems --entra-user yes --administrator --site PS1/PS1",
        "prerequisites errors -2145910760",
        "prerequisites errors 0x80180018 -o json",
        "authority get OSL-LT-0417",
        "authority check OSL-LT-0417 client_apps --as configuration-manager",
        "authority check OSL-LT-0417 client_apps --as intune -o json",
        "authority list --site PS1 -o json",
        "tenants list --limit 5",
        "tenants get -o json",
        "tenants update tenant.toml",
        "hierarchies list",
        "hierarchies get PS1",
        "hierarchies update PS1 --display-name Oslo",
        "sites list PS1",
        "sites get PS1 EU1",
        "sites update site.toml",
        "collections update pilot --display-name Pilot --state co_managed",
        "prerequisites check --site PS1/PS1 --path path2",
        "prerequisites check --tenant-rules --path path1",
        "authority policy list",
        "authority policy get PS1",
        "authority policy set policy.toml",
        "authority policy history PS1 --limit 1",
        "authority plan PS1 --file policy.toml --timeout 600",
        "authority plan PS1 --set client_apps=intune --set compliance_policies=pilot_intune:PS100042 --complete",
        "authority plan PS1 --enable --auto-enrollment pilot:PS10003F --detailed-exitcode",
        "authority plan PS1 --from desired --set client_apps=intune --conditional-access no -o json",
        "authority plans list PS1 --limit 5",
        "authority plans get PS1/3fa9",
        "authority apply PS1/3fa9 --hash 3fa9c0 --reason pilot --ticket CHG-9",
        "authority apply tenants/default/hierarchies/PS1/plans/3fa9",
        "authority approvals list PS1 --limit 5",
        "authority approvals get PS1/3fa9",
        "authority approvals request PS1/3fa9 --hash 3fa9c0 --valid-for 3d --apply-when-approved --reason pilot --ticket CHG-9",
        "authority approvals rules",
        "authority approvals rules set --devices 100:1,10000:2 --workload device_configuration:1 --full-switch 2",
        "authority approvals rules set --none --reason trial",
        "authority approve PS1/3fa9 --hash 3fa9c0 --reason pilot --ticket CHG-9",
        "authority approve PS1/3fa9",
        "authority reject PS1/3fa9 --hash 3fa9c0 --reason freeze",
        "authority break-glass PS1/3fa9 --hash 3fa9c0 --reason outage --ticket INC-7",
        "authority desired PS1",
        "authority diff PS1 --detailed-exitcode",
        "authority handover PS1 --script create.ps1",
        "authority rollout draft PS1/apps --workload client_apps --to intune --percent 5,20,100 --soak 2d --minimum-sample 10",
        "authority rollout draft PS1/apps --workload client_apps --to configuration-manager --pilot PS100043 --collection PS100020 \
         --success 90 --failure 5 --budget 10% --deadline 14d --on-failure roll-back --reason pilot --ticket CHG-9",
        "authority rollout draft tenants/default/hierarchies/PS1/rollouts/apps --file apps.toml --timeout 600",
        "authority rollout list PS1 --workload client_apps --phase running --limit 5",
        "authority rollout get PS1/apps -o json",
        "authority rollout devices PS1/apps --wave 0 --standing failing_errored --limit 5",
        "authority rollout submit PS1/apps --reason pilot",
        "authority rollout approve PS1/apps --hash 3fa9c0 --reason pilot --ticket CHG-9",
        "authority rollout approve PS1/apps",
        "authority rollout break-glass PS1/apps --hash 3fa9c0 --reason outage",
        "authority rollout withdraw PS1/apps",
        "authority rollout start PS1/apps",
        "authority rollout pause PS1/apps --reason lunch",
        "authority rollout resume PS1/apps",
        "authority rollout approve-wave PS1/apps 0 --reason seen",
        "authority rollout roll-back PS1/apps --reason broken",
        "authority rollout cancel PS1/apps --reason wrong --ticket CHG-9",
        "authority rollout actions PS1/apps --all --limit 5",
        "authority rollout actions PS1/apps --csv apps.csv --script apps.ps1",
        "authority rollout confirm PS1/apps 0-3 7 0b5e7a52-6d0c-5c39-9a51-6f3f2f0d9a11 --ticket CHG-9",
        "authority rollout states -o json",
        "authority freeze --reason outage --ticket INC-7",
        "authority freeze --show",
        "authority unfreeze --reason mended",
        "authority decommission hierarchy PS1 --keys-saved yes --autopatch no --timeout 600",
        "authority decommission workload client_apps --hierarchy PS1 --deployed-at-configuration-manager client_apps",
        "authority decommission devices OSL-LT-0417 OSL-LT-0418 -o json",
        "authority drift --workload client_apps",
        "authority history OSL-LT-0417 --workload client_apps --limit 5",
        "authority history OSL-LT-0417 --at 2026-11-27T08:00:00Z",
        "authority decode 0x2043",
        "authority resolve",
        "authority resolve wifi_profile OSL-LT-0417",
        "authority audit list --kind refusal --no-tenant --from 2026-11-27T08:00:00Z",
        "authority audit export --after 7",
        "authority audit head -o json",
        "authority audit verify --heads heads.jsonl",
        "dashboard",
        "dashboard --hierarchy PS1 -o json",
        "dashboard devices state co_managed --hierarchy PS1 --limit 10",
        "dashboard watch --hierarchy PS1 -o json",
        "dashboard --hierarchy PS1 watch --once",
        "watch --state co_managed --resume token --once",
        "simulate --devices 1000 --seed 7 --out exports",
        "completions bash",
        "--server http://127.0.0.1:1 --tenant contoso --token-file token dashboard",
    ];
    for line in lines {
        assert!(parse(line).is_ok(), "{line}: {}", parse(line).unwrap_err());
    }
}

#[test]
fn mistakes_in_the_command_exit_with_two() {
    for line in [
        "",
        "device list",
        "devices list --limit 0",
        "devices get",
        "authority check OSL-LT-0417 client_apps",
        "authority check OSL-LT-0417 client_apps --as none",
        "authority check OSL-LT-0417 apps --as intune",
        "authority plan PS1",
        "authority plan PS1 --complete",
        "authority plan PS1 --file policy.toml --set client_apps=intune",
        "authority plan PS1 --file policy.toml --complete",
        "authority plan PS1 --set client_apps=intune --timeout 0",
        "authority apply PS1 --hash 3fa9c0",
        "authority approvals",
        "authority approvals request PS1/3fa9 --hash 3fa9c0 --valid-for 3",
        "authority approvals rules set",
        "authority approvals rules set --none --full-switch 1",
        "authority reject PS1/3fa9 --hash 3fa9c0",
        "authority break-glass PS1/3fa9 --hash 3fa9c0",
        "authority rollout draft PS1/apps",
        "authority rollout draft apps --workload client_apps --to intune --percent 5",
        "authority rollout draft PS1/apps --workload client_apps --to intune",
        "authority rollout draft PS1/apps --file apps.toml --percent 5",
        "authority rollout draft PS1/apps --file apps.toml --soak 2d",
        "authority rollout pause PS1/apps",
        "authority rollout roll-back PS1/apps",
        "authority rollout cancel PS1/apps",
        "authority rollout approve-wave PS1/apps --reason seen",
        "authority rollout break-glass PS1/apps --hash 3fa9c0",
        "authority rollout actions PS1/apps --all --csv apps.csv",
        "authority rollout confirm PS1/apps",
        "authority rollout confirm PS1/apps 3-0",
        "authority freeze",
        "authority freeze --show --reason outage",
        "authority freeze --show --ticket INC-7",
        "authority decommission",
        "authority decommission devices",
        "dashboard devices tiles x",
        "--tenant a/b dashboard",
    ] {
        assert_eq!(parse(line).map_err(|error| error.exit_code()).err(), Some(2), "{line}");
    }
}

#[test]
fn options_are_taken_before_and_after_the_verb() {
    for line in ["--tenant contoso -o json devices conflicts", "devices conflicts -o json --tenant contoso"] {
        let options = parse(line).unwrap().options;
        assert_eq!((options.tenant.as_str(), options.output), ("contoso", Output::Json), "{line}");
    }
}
