//! A rollout in a hierarchy of the sample fleet: approved, started, carried out and given up.

use serde_json::json;

use super::world::World;

/// The pilot of client_apps in PS1 is where its slider stands.
pub(super) const DRAFT: &str =
    "authority rollout draft PS1/apps --workload client_apps --to intune --percent 5,100 --soak 12h";

/// Words of a refusal without the trace, and of an answer without its hash.
pub(super) fn settled(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let is_hash = |word: &str| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let lines = word.split('\n').map(|word| if is_hash(word) { "HASH" } else { word });
        words.push(lines.collect::<Vec<_>>().join("\n"));
    }
    let text = words.join(" ");
    let Some((before, after)) = text.split_once(", trace ") else { return text };
    let after = after.split_once(')').map_or("", |(_, after)| after);
    format!("{before}){after}")
}

/// What somebody says, and it is done.
async fn done(world: &World, by: &str, line: &str) -> String {
    let (text, _, ended) = world.told_by(by, line, None).await;
    assert_eq!(ended, Ok(()), "{line}");
    settled(&text)
}

/// How somebody is refused.
async fn refused(world: &World, by: &str, line: &str) -> (u8, String) {
    let (_, _, ended) = world.told_by(by, line, None).await;
    let (code, said) = ended.unwrap_err();
    (code, settled(&said))
}

async fn hash(world: &World) -> String {
    world.json("authority rollout get PS1/apps").await["hash"].as_str().unwrap().to_owned()
}

/// What happens next, and what can be done.
fn next(text: &str) -> &str {
    text.split_once("\nNext\n").map_or("", |(_, next)| next)
}

/// The page of the rollout, with these details beside the usual ones, these rows of waves and this rest.
fn page(details: &[&str], waves: [&str; 4], next: &[&str]) -> String {
    let usual = [
        " Rollout    tenants/default/hierarchies/PS1/rollouts/apps",
        " Moves      client_apps to intune, by membership of PS100043",
    ];
    let judged = [
        "",
        "How they are judged",
        " WAVES   SOAKS   PASSES FROM   FAILS ABOVE   NOT BEFORE   AT ONCE   WAITS FOR A PERSON AFTER   LATE JOINERS   SILENT DEVICES",
        "─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────",
        " 0-1     12h     95 %          2 %           1 answered   all       7d                         include        are waited for",
        "",
        "Next",
    ];
    let made = [
        " A failure  pause",
        " Made       2026-11-20T23:59:59Z by ada",
        " Changed    2026-11-20T23:59:59Z",
        " Hash       HASH",
        "",
        "Waves",
    ];
    let lines =
        usual.iter().chain(details).chain(&made).chain(&waves).chain(&judged).chain(next).chain(&[""]);
    lines.copied().collect::<Vec<_>>().join("\n")
}

/// Waves of a rollout that did not start.
const WAITING: [&str; 4] = [
    " WAVE   TAKES           DEVICES   WAITING   HANDED OVER   ARRIVED   FAILING   SKIPPED   SILENT   PHASE     WHY",
    "───────────────────────────────────────────────────────────────────────────────────────────────────────────────",
    "    0   up to 5 %      about 10         –             –         –         –         –        –   waiting   –",
    "    1   up to 100 %   about 356         –             –         –         –         –        –   waiting   –",
];

/// Waves of a rollout that did.
const BEGUN: [&str; 4] = [
    " WAVE   TAKES           DEVICES   WAITING   HANDED OVER   ARRIVED   FAILING   SKIPPED   SILENT   PHASE          WHY",
    "─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────",
    "    0   up to 5 %            10         0             2         0         0         8        0   handing_over   it began",
    "    1   up to 100 %   about 356         –             –         –         –         –        –   waiting        –",
];

const GET: &str = "`tandem authority rollout get PS1/apps` shows where it stands";

#[tokio::test]
async fn rollout_is_drafted_approved_by_another_and_started() {
    let world = World::with_the_sample().await;
    let draft = [
        " Phase      draft",
        " Why        it is a new draft",
        " Devices    366, as counted when it was drafted",
    ];
    let submit = [
        "  nothing, before it is submitted",
        "",
        "To ask for the approvals that it needs:",
        "  tandem authority rollout submit PS1/apps",
    ];
    assert_eq!(done(&world, "ada", DRAFT).await, page(&draft, WAITING, &submit));

    let pending = |phase: &'static str, given: &'static str| {
        [phase, given, " Devices    366, as counted when it was drafted"]
    };
    let asked = [
        " Approvals  0 of 1, asked for by ada; good until 2026-11-27T23:59:59Z",
        " Since      366 devices are affected, 100 or more: 1",
    ];
    let approve = [
        "  it waits for 1 more approval, of others than ada, until 2026-11-27T23:59:59Z; then it is to be withdrawn and submitted again",
        "",
        "To approve exactly this rollout, as somebody other than its requester:",
        "  tandem authority rollout approve PS1/apps --hash HASH",
        "",
        "In an emergency, to go ahead without them, on record and with an alert:",
        "  tandem authority rollout break-glass PS1/apps --hash HASH --reason TEXT",
    ];
    let waiting: Vec<&str> =
        pending(" Phase      pending_approval", " Why        ada said so").into_iter().chain(asked).collect();
    let submitted = page(&waiting, WAITING, &approve);
    assert_eq!(done(&world, "ada", "authority rollout submit PS1/apps --reason pilot").await, submitted);

    let approve = format!("authority rollout approve PS1/apps --hash {}", hash(&world).await);
    let own = "expected an approver other than the requester; found ada: ask somebody else (SELF_APPROVAL)";
    assert_eq!(refused(&world, "ada", &approve).await, (1, own.to_owned()));
    let not_allowed = |command: &str, expected: &str, found: &str| {
        let refused = format!(
            "{command}: expected a rollout that is {expected}; found {found}: read the rollout, and look at what its phase \
             allows (ROLLOUT_COMMAND_NOT_ALLOWED); {GET}"
        );
        (1, refused)
    };
    let start = "authority rollout start PS1/apps";
    assert_eq!(refused(&world, "ada", start).await, not_allowed("start", "ready", "pending_approval"));
    let nobody = "expected --hash with the hash of the rollout as it was read: nobody can be asked here";
    let unread = "authority rollout approve PS1/apps";
    assert_eq!(refused(&world, "bo", unread).await, (2, nobody.to_owned()));

    let (text, remarks, ended) = world.told_by("bo", unread, Some("yes\n")).await;
    let ready = [
        " Approvals  1 of 1, asked for by ada; good until 2026-11-27T23:59:59Z",
        " Since      366 devices are affected, 100 or more: 1",
        " Approved   2026-11-20T23:59:59Z by bo",
    ];
    let begin = [
        "  nothing, before it is started; the slider of client_apps has to stand at pilot_intune with PS100043 then, or it pauses at once",
        "",
        "To begin:",
        "  tandem authority rollout start PS1/apps",
    ];
    let details: Vec<&str> =
        pending(" Phase      ready", " Why        bo said so").into_iter().chain(ready).collect();
    let approved = page(&details, WAITING, &begin);
    assert_eq!((settled(&text), ended), (format!("{submitted}{approved}"), Ok(())));
    assert_eq!(remarks, "only `yes` approves this rollout:\n");
    assert_eq!(refused(&world, "cy", &approve).await, not_allowed("approve", "pending_approval", "ready"));

    let running = [
        "  action 0 is to be done at the site, and confirmed: 2 devices join PS100043",
        "  wave 0 soaks once the site is seen to have every membership",
        "  at 2026-11-27T23:59:59Z wave 0 waits for a person, if neither gate decided before",
        "",
        "To see what is to be done at the site:",
        "  tandem authority rollout actions PS1/apps",
    ];
    let details: Vec<&str> =
        pending(" Phase      running", " Why        ada said so").into_iter().chain(ready).collect();
    let started = page(&details, BEGUN, &running);
    assert_eq!(done(&world, "ada", start).await, started);
    assert_eq!(settled(&world.ask("authority rollout get PS1/apps").await.unwrap()), started);
    let listed = [
        " ROLLOUT   WORKLOAD      TO       PHASE     WHY           WAVES DONE   DEVICES   MADE                   BY",
        "────────────────────────────────────────────────────────────────────────────────────────────────────────────",
        " apps      client_apps   intune   running   ada said so   0 of 2           366   2026-11-20T23:59:59Z   ada",
        "",
    ];
    let list = "authority rollout list PS1 --workload client_apps --phase running";
    assert_eq!(world.ask(list).await, Ok(listed.join("\n")));
    world.sandbox.stop().await.unwrap();
}

/// A rollout of the sample that runs, without anybody's approval.
async fn running() -> World {
    let world = World::with_the_sample().await;
    world.without_approvals().await;
    for line in [DRAFT, "authority rollout submit PS1/apps", "authority rollout start PS1/apps"] {
        world.ask(line).await.unwrap();
    }
    world
}

const ACTIONS: [&str; 2] = [
    " ACTION   WAVE   WHAT TO DO        DEVICES                   GIVEN OUT              STATE",
    "      0      0   add to PS100043   2: OSL-LT-I-02, VM-C-02   2026-11-20T23:59:59Z   ",
];

#[tokio::test]
async fn what_is_to_be_done_is_shown_written_and_confirmed() {
    let world = Box::pin(running()).await;
    let [heading, row] = ACTIONS;
    let open = [
        heading,
        "───────────────────────────────────────────────────────────────────────────────────────────────",
        &format!("{row}to be done"),
        "",
        "Once that is done at the site:",
        "  tandem authority rollout confirm PS1/apps 0",
        "",
    ]
    .join("\n");
    assert_eq!(world.ask("authority rollout actions PS1/apps").await, Ok(open.clone()));
    let (sheet, script) = (world.folder.path().join("apps.csv"), world.folder.path().join("apps.ps1"));
    let write =
        format!("authority rollout actions PS1/apps --csv {} --script {}", sheet.display(), script.display());
    let remarks = format!("the sheet is in {}\na script is in {}\n", sheet.display(), script.display());
    assert_eq!(world.told(&write, None).await, (open, remarks, Ok(())));
    let rows = [
        "collection_id,collection_name,action,resource_id,device_name",
        "PS100043,Co-mgmt pilot - client apps,add,16777365,OSL-LT-I-02",
        "PS100043,Co-mgmt pilot - client apps,add,16777656,VM-C-02",
        "",
    ];
    assert_eq!(std::fs::read_to_string(&sheet).unwrap(), rows.join("\r\n"));
    let script = std::fs::read_to_string(&script).unwrap();
    assert!(script.contains("\nAdd-Batch -ResourceId 16777365, 16777656\n"), "{script}");
    let json = world.json("authority rollout actions PS1/apps").await;
    assert_eq!(
        (&json["actions"][0]["csv"], &json["actions"][0]["script"]),
        (&json!(rows.join("\r\n")), &json!(script))
    );

    let none = "PS1/apps gave out no action 1; `tandem authority rollout actions PS1/apps --all` shows what is there";
    let refused = world.ask("authority rollout confirm PS1/apps 0-7").await;
    assert_eq!(refused, Err((4, none.to_owned())));
    let confirmed = [
        heading,
        "────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────",
        &format!("{row}confirmed 2026-11-20T23:59:59Z by local"),
        "",
    ]
    .join("\n");
    let then = [
        "",
        "Tandem believes it once the site was read after that, completely, and says so.",
        "",
        "To tell Tandem what both systems say now:",
        "  tandem import EXPORTS_DIR",
        "",
        "To see where it stands:",
        "  tandem authority rollout get PS1/apps",
        "",
    ];
    let confirm = "authority rollout confirm PS1/apps 0 --ticket CHG-9";
    assert_eq!(world.ask(confirm).await, Ok(format!("{confirmed}{}", then.join("\n"))));
    assert_eq!(world.ask("authority rollout actions PS1/apps").await, Ok("none\n".to_owned()));
    assert_eq!(world.ask("authority rollout actions PS1/apps --all").await, Ok(confirmed));
    let nothing = "there is nothing to write: nothing is to be done now";
    assert_eq!(world.ask(&write).await, Err((1, nothing.to_owned())));
    let get = world.ask("authority rollout get PS1/apps").await.unwrap();
    let unread = [
        "  the site is to be read again, completely: 2 devices are handed over, and not seen to be so there",
        "  wave 0 soaks once the site is seen to have every membership",
        "  at 2026-11-27T23:59:59Z wave 0 waits for a person, if neither gate decided before",
        "",
        "To tell Tandem what both systems say now:",
        "  tandem import EXPORTS_DIR",
        "",
    ];
    assert_eq!(next(&get), unread.join("\n"));

    let devices = world.ask("authority rollout devices PS1/apps --standing pending").await.unwrap();
    let names: Vec<&str> =
        devices.lines().skip(2).filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(names, ["VM-C-02", "OSL-LT-I-02"]);
    let skipped =
        world.json("authority rollout devices PS1/apps --wave 0 --standing skipped_not_co_managed").await;
    assert_eq!(skipped["devices"].as_array().map(Vec::len), Some(8));
    world.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn rollout_is_paused_resumed_taken_back_and_given_up() {
    let world = Box::pin(running()).await;
    let text = world.ask("authority rollout pause PS1/apps --reason lunch").await.unwrap();
    let paused = " Phase      paused\n Why        local said so: lunch\n Clocks     stand still since 2026-11-20T23:59:59Z\n";
    assert!(text.contains(paused), "{text}");
    let expected = [
        "  nothing, until a person says so: nothing is handed over, and the clocks stand still",
        "",
        "To go on, and try a failed wave again:",
        "  tandem authority rollout resume PS1/apps",
        "",
        "To take back what was handed over:",
        "  tandem authority rollout roll-back PS1/apps --reason TEXT",
        "",
        "To give it up, and leave everything as it is:",
        "  tandem authority rollout cancel PS1/apps --reason TEXT",
        "",
    ];
    assert_eq!(next(&text), expected.join("\n"));
    for (line, said) in [
        (
            "approve-wave PS1/apps 1 --reason seen",
            "expected the current wave, 0; found 1: look at the current wave (ROLLOUT_WAVE_NOT_CURRENT)",
        ),
        (
            "approve-wave PS1/apps 0 --reason seen",
            "waves[0]: expected it to be inconclusive; found handing_over: it waits for nobody (ROLLOUT_WAVE_NOT_INCONCLUSIVE)",
        ),
    ] {
        let (code, found) = world.ask(&format!("authority rollout {line}")).await.unwrap_err();
        assert_eq!((code, settled(&found)), (1, format!("{said}; {GET}")));
    }
    let (code, said) = world.ask("authority rollout pause PS1/apps --reason=").await.unwrap_err();
    let expected = "justification.reason: must say why; found nothing (INVALID_FIELD); say it with --reason";
    assert_eq!((code, settled(&said)), (1, expected.to_owned()));
    let resumed = world.json("authority rollout resume PS1/apps").await;
    assert_eq!(resumed["phase"], json!("ROLLOUT_PHASE_RUNNING"));

    let text = world.ask("authority rollout roll-back PS1/apps --reason broken").await.unwrap();
    let expected = [
        "  action 1 is to be done at the site, and confirmed: 2 devices leave PS100043",
        "  it is rolled back once the site was read after that, and says so",
        "",
        "To see what is to be done at the site:",
        "  tandem authority rollout actions PS1/apps",
        "",
    ];
    assert_eq!(next(&text), expected.join("\n"));
    let (code, said) = world.ask("authority rollout confirm PS1/apps 0").await.unwrap_err();
    let advice = "; `tandem authority rollout actions PS1/apps` shows what is to be done";
    assert!(said.contains("(ROLLOUT_ACTION_SUPERSEDED") && said.ends_with(advice), "{said}");
    assert_eq!(code, 1);
    let text = world.ask("authority rollout cancel PS1/apps --reason wrong").await.unwrap();
    assert_eq!(next(&text), "  nothing more: it was given up; what was handed over stays\n");
    world.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn single_administrator_breaks_the_glass_or_withdraws() {
    let world = World::with_the_sample().await;
    for line in [DRAFT, "authority rollout submit PS1/apps", "authority rollout withdraw PS1/apps"] {
        world.ask(line).await.unwrap();
    }
    assert_eq!(world.json("authority rollout get PS1/apps").await["phase"], json!("ROLLOUT_PHASE_DRAFT"));
    world.ask("authority rollout submit PS1/apps").await.unwrap();
    let glass =
        format!("authority rollout break-glass PS1/apps --hash {} --reason alone", hash(&world).await);
    let text = world.ask(&glass).await.unwrap();
    let broken = "\n Glass broken  2026-11-20T23:59:59Z by local: alone\n";
    assert!(text.contains(broken) && text.contains("\n Phase         ready\n"), "{text}");
    world.sandbox.stop().await.unwrap();
}
