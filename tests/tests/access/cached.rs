//! What caches hold of one tenant is out of reach of whoever acts in another: generated over what is really in the cache.

use std::collections::{BTreeMap, BTreeSet};

use tandem_client::Connection;
use tandem_contracts::monitoring::v1::{GetDashboardRequest, Tile};
use tandem_testkit::wait::until;
use tandem_tests::raw::{call, methods, path, request};
use tonic::Code;

use crate::estate::{CONTOSO, Estate, FABRIKAM, key, mark};
use crate::table::TABLE;

/// The keys of the device-state cache by tenant: of each either what is known of its epoch (empty), or a device's id. A key of another form
/// fails: whoever adds one decides here whose it is.
async fn keys(estate: &Estate) -> BTreeMap<String, BTreeSet<String>> {
    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for key in estate.processes.redis.command(&["KEYS", "*"]).await.lines().filter(|line| !line.is_empty()) {
        let of_cache = key.strip_prefix("tandem:cache:1:{").and_then(|rest| rest.split_once("}:"));
        let (tenant, rest) =
            of_cache.unwrap_or_else(|| panic!("a key of a form that this test does not know: {key}"));
        let (length, tenant) = tenant.split_once(':').unwrap();
        assert_eq!(length, tenant.len().to_string(), "{key}");
        let device = match rest.strip_prefix("device:") {
            Some(device) => device,
            None => rest.strip_prefix("epoch").unwrap_or_else(|| panic!("an unknown key {key}")),
        };
        keys.entry(tenant.to_owned()).or_default().insert(device.to_owned());
    }
    keys
}

/// Every RPC that names a device or the tenant, asked about a device by its id, in a tenant. Answers every byte that came, and how often
/// the call was answered at all.
async fn ask(
    estate: &Estate,
    caller: &Connection,
    tenant: &str,
    device: &str,
) -> (Vec<u8>, BTreeSet<&'static str>) {
    let (mut bytes, mut answered) = (Vec::new(), BTreeSet::new());
    for method in methods() {
        let row = TABLE.iter().find(|row| row.method == path(&method)).unwrap();
        if !row.request.contains("{t}") {
            continue;
        }
        let text = row.request.replace("{d}", device);
        let (answers, status) = call(caller, &method, &request(&method, &estate.filled(&text, tenant))).await;
        bytes.extend(answers.concat());
        let code = status.as_ref().map_or(Code::Ok, |status| status.code());
        if let Some(status) = &status {
            bytes.extend(format!("{status:?}").into_bytes());
        }
        if code == Code::Ok && !answers.is_empty() {
            answered.insert(row.method);
        }
    }
    (bytes, answered)
}

/// Waits until monitoring has judged every device of contoso, so that it asks about none by itself any more.
async fn counted(owner: &Connection) {
    until("every device is counted", async || {
        let request = GetDashboardRequest { parent: format!("tenants/{CONTOSO}"), ..Default::default() };
        let figures = owner.monitoring().get_dashboard(request).await.ok()?.into_inner().figures;
        figures.iter().any(|figure| figure.tile() == Tile::Devices && figure.devices == 6).then_some(())
    })
    .await;
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

pub(crate) async fn cached_state_of_a_tenant_is_out_of_reach_of_another() {
    let estate = Estate::new().await;
    let (theirs, caller) =
        (estate.caller("full_administrator", &[CONTOSO]), estate.caller("full_administrator", &[FABRIKAM]));
    let cached = until("the cache holds every device", async || {
        let keys = keys(&estate).await;
        // Six devices, and the epoch.
        [CONTOSO, FABRIKAM]
            .iter()
            .all(|tenant| keys.get(*tenant).is_some_and(|keys| keys.len() == 7))
            .then_some(keys)
    })
    .await;
    assert_eq!(cached.keys().collect::<Vec<_>>(), [CONTOSO, FABRIKAM]);
    let secrets = [mark(CONTOSO), key(CONTOSO, 0), key(CONTOSO, 12)];
    // Whatever processes keep of contoso, they have now: its own administrator has asked for all of it.
    counted(&theirs).await;
    for device in cached[CONTOSO].iter().filter(|device| !device.is_empty()) {
        let (bytes, answered) = ask(&estate, &theirs, CONTOSO, device).await;
        assert!(has(&bytes, &secrets[0]), "its owner sees it");
        assert!(answered.len() > 20, "{answered:?}");
    }
    let redis = &estate.processes.redis;
    redis.command(&["CONFIG", "SET", "slowlog-max-len", "1000000"]).await;
    redis.command(&["CONFIG", "SET", "slowlog-log-slower-than", "0"]).await;
    redis.command(&["SLOWLOG", "RESET"]).await;
    let mut asked = 0;
    for device in &cached[CONTOSO] {
        // The rest of the key as it stands, too: under fabrikam's prefix it leads nowhere.
        let raw = format!("{{7:contoso}}:device:{device}");
        for (tenant, device) in [(CONTOSO, device), (FABRIKAM, device), (FABRIKAM, &raw)] {
            let (bytes, answered) = ask(&estate, &caller, tenant, device).await;
            for secret in &secrets {
                assert!(
                    !has(&bytes, secret) || tenant == CONTOSO && *secret == secrets[1],
                    "{tenant} {device}"
                );
            }
            assert!(tenant == FABRIKAM || answered.is_empty(), "{answered:?}");
            asked += 1;
        }
    }
    assert_eq!(asked, 21);
    let told = redis.command(&["SLOWLOG", "GET", "-1"]).await;
    let is_told = |told: &str, tenant: &str, device: &str| {
        let key = format!("tandem:cache:1:{{{}:{tenant}}}:device:{device}", tenant.len());
        told.lines().any(|line| line == key)
    };
    let mut devices = cached[CONTOSO].iter().filter(|device| !device.is_empty());
    assert_eq!(devices.find(|device| is_told(&told, CONTOSO, device)), None, "nobody looked at it");
    // Whoever is asked about a device by its owner looks there, which is told.
    until("a look at the cache is told", async || {
        let own = cached[FABRIKAM].iter().find(|device| !device.is_empty()).unwrap();
        ask(&estate, &caller, FABRIKAM, own).await;
        is_told(&redis.command(&["SLOWLOG", "GET", "-1"]).await, FABRIKAM, own).then_some(())
    })
    .await;
}
