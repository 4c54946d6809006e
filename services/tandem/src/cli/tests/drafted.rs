//! Rollouts drafted of files, and drafts that cannot be.

use super::rolled_out::{DRAFT, settled};
use super::world::World;

#[tokio::test]
async fn spec_of_a_file_is_drafted_and_its_mistakes_are_named() {
    let world = World::with_the_sample().await;
    world.ask(DRAFT).await.unwrap();
    // What is written for programs is read again.
    let spec = world.json("authority rollout get PS1/apps").await["spec"].clone();
    let file = world.file("apps.json", &spec.to_string());
    let again = world.json(&format!("authority rollout draft PS1/again --file {file}")).await;
    assert_eq!(again["spec"], world.json("authority rollout get PS1/apps").await["spec"]);

    let known = "workload = \"WORKLOAD_CLIENT_APPS\"\n";
    let direction = "direction = \"ROLLOUT_DIRECTION_TO_INTUNE\"\npilotCollection = \"PS100043\"\n";
    let wave = "[[waves]]\nupTo = 500\nsuccessGate = 9500\nminimumSample = 900\n";
    let sample = "spec.waves[0]: expected a minimum sample of 1 to 10; found 900: lower it, or the gates could never decide \
                  (ROLLOUT_SAMPLE_OUT_OF_REACH)";
    let missing = "spec.direction: must say where the workload moves; found unspecified; spec.pilot_collection: collection id must \
                   be 1 to 64 of A-Z a-z 0-9 . _ -, starting with a letter or digit; found \"\" (INVALID_FIELD)";
    let number = "waves[0].upTo: invalid type: boolean `true`, expected a 32-bit unsigned integer or decimal string at line 1 \
                  column 24";
    let table = [
        (
            "a.toml",
            "workload = \"client_apps\"\n",
            2,
            "line 1: workload: unrecognized enum value 'client_apps'",
        ),
        ("b.toml", &format!("{known}pilots = 1\n"), 2, "unrecognized field name 'pilots'"),
        (
            "c.toml",
            &format!("{known}[[waves]]\nupTo = \"five\"\n"),
            2,
            "line 3: waves[0].upTo: invalid digit found in string",
        ),
        ("d.json", "{\"waves\": [{\"upTo\": true}]}", 2, number),
        ("e.toml", &format!("{known}{direction}{wave}"), 1, sample),
        ("f.toml", known, 1, missing),
    ];
    for (name, text, code, expected) in table {
        let file = world.file(name, text);
        let refused = world.ask(&format!("authority rollout draft PS1/file --file {file}")).await;
        let refused =
            refused.map_err(|(code, said)| (code, settled(&said.replace(&format!("{file}: "), ""))));
        assert_eq!(refused, Err((code, expected.to_owned())), "{name}");
    }
    world.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn example_of_the_manual_is_drafted() {
    let world = World::with_the_sample().await;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rollout.toml");
    let text = world.ask(&format!("authority rollout draft PS1/example --file {file}")).await.unwrap();
    let begin = [
        " Rollout    tenants/default/hierarchies/PS1/rollouts/example",
        " Moves      client_apps to intune, by membership of PS100043",
        " Phase      draft",
        " Why        it is a new draft",
        " Devices    366, as counted when it was drafted",
        " Windows    saturday, sunday from 22:00 for 4h (Europe/Oslo)",
        " A failure  roll_back",
    ];
    let judged = [
        " 0       1d      95 %          0 %           1 answered   all          7d                         include        are waited for",
        " 1       2d      95 %          2 %           5 answered   10 devices   14d                        include        are waited for",
        " 2       2d      90 %          5 %           5 answered   10 %         7d                         skip           do not count after 14d",
    ];
    assert!(text.starts_with(&begin.join("\n")) && text.contains(&judged.join("\n")), "{text}");
    world.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn draft_that_cannot_be_is_refused_with_what_to_do() {
    let world = World::with_the_sample().await;
    let unknown =
        "expected --pilot with the pilot collection of client_apps: nobody said what is configured in AP1";
    let slider = "expected the slider of client_apps in LB1 at pilot_intune with a pilot collection, found it at \
                  configuration_manager: a rollout moves devices by membership of that collection; name it with --pilot, and \
                  move the slider there before the start with `tandem authority plan LB1 --set \
                  client_apps=pilot_intune:COLLECTION`";
    let collection = "expected a collection of the hierarchy PS1, found `NOP00001`, which it does not have: import its \
                      collections, or name another (ROLLOUT_COLLECTION_UNKNOWN); `tandem collections list` shows what is there";
    let shares = "spec.waves[1]: expected a share above 20.00 % and at most 100.00 %; found 5.00 %: shares are cumulative: raise \
                  them from wave to wave (ROLLOUT_PERCENTAGES_DO_NOT_ADD_UP)";
    let hierarchy = "nothing is named `tenants/default/hierarchies/NOP` (RESOURCE_NOT_FOUND); `tandem hierarchies list` shows \
                     what is there";
    for (rest, code, expected) in [
        ("AP1/x --percent 5", 2, unknown),
        ("LB1/x --percent 5", 2, slider),
        ("PS1/x --percent 5 --collection NOP00001", 1, collection),
        ("PS1/x --percent 20,5", 1, shares),
        ("NOP/x --percent 5", 4, hierarchy),
    ] {
        let line = format!("authority rollout draft {rest} --workload client_apps --to intune");
        let refused = world.ask(&line).await.map_err(|(code, said)| (code, settled(&said)));
        assert_eq!(refused, Err((code, expected.to_owned())), "{line}");
    }
    let nothing = "nothing is named `tenants/default/hierarchies/PS1/rollouts/nope` (RESOURCE_NOT_FOUND); `tandem authority \
                   rollout list HIERARCHY` shows what is there";
    let refused =
        world.ask("authority rollout get PS1/nope").await.map_err(|(code, said)| (code, settled(&said)));
    assert_eq!(refused, Err((4, nothing.to_owned())));

    // Two of one workload do not move at once.
    world.without_approvals().await;
    for id in ["a", "b"] {
        let draft = DRAFT.replace("PS1/apps", &format!("PS1/{id}"));
        world.ask(&draft).await.unwrap();
        world.ask(&format!("authority rollout submit PS1/{id}")).await.unwrap();
    }
    world.ask("authority rollout start PS1/a").await.unwrap();
    let (code, said) = world.ask("authority rollout start PS1/b").await.unwrap_err();
    let advice = "; `tandem authority rollout list PS1` shows it";
    assert!(said.contains("(ROLLOUT_WORKLOAD_MOVING") && said.ends_with(advice), "{said}");
    assert_eq!(code, 1);
    world.sandbox.stop().await.unwrap();
}
