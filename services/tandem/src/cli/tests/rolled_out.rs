//! A rollout in a hierarchy of the sample fleet: drafted, approved, started, carried out and given up.

use serde_json::{Value, json};

use super::world::World;

/// The pilot of client_apps in PS1 is where its slider stands.
const DRAFT: &str =
    "authority rollout draft PS1/apps --workload client_apps --to intune --percent 5,100 --soak 12h";

/// Words of a refusal without the trace, and of an answer without its hash.
fn settled(text: &str) -> String {
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

#[tokio::test]
async fn rollout_goes_from_its_draft_to_its_first_wave() {
    let world = World::with_the_sample().await;
    let text = done(&world, "ada", DRAFT).await;
    println!("{text}");
    let text = done(&world, "ada", "authority rollout submit PS1/apps --reason pilot").await;
    println!("{text}");
    let line = format!("authority rollout approve PS1/apps --hash {}", hash(&world).await);
    println!("{:?}", refused(&world, "ada", &line).await);
    println!("{:?}", refused(&world, "ada", "authority rollout start PS1/apps").await);
    let (text, remarks, ended) =
        world.told_by("bo", "authority rollout approve PS1/apps", Some("yes\n")).await;
    println!("{text}{remarks}{ended:?}");
    println!("{:?}", refused(&world, "bo", &line).await);
    println!("{}", done(&world, "ada", "authority rollout start PS1/apps").await);
    println!("{}", world.ask("authority rollout list PS1").await.unwrap());
    println!("{}", world.ask("authority rollout devices PS1/apps --limit 3").await.unwrap());
    println!("{}", world.ask("authority rollout actions PS1/apps").await.unwrap());
    let (sheet, script) = (world.folder.path().join("apps.csv"), world.folder.path().join("apps.ps1"));
    let line =
        format!("authority rollout actions PS1/apps --csv {} --script {}", sheet.display(), script.display());
    let (text, remarks, ended) = world.told(&line, None).await;
    println!("{text}{remarks}{ended:?}");
    println!("{}", std::fs::read_to_string(&sheet).unwrap());
    println!("{}", std::fs::read_to_string(&script).unwrap());
    println!("{:?}", world.ask("authority rollout confirm PS1/apps 0-7").await);
    println!("{}", world.ask("authority rollout confirm PS1/apps 0").await.unwrap());
    println!("{}", world.ask("authority rollout actions PS1/apps").await.unwrap());
    println!("{}", world.ask("authority rollout actions PS1/apps --all").await.unwrap());
    println!("{:?}", world.answer(&line).await);
    println!("{}", world.ask("authority rollout get PS1/apps").await.unwrap());
    println!("{}", done(&world, "ada", "authority rollout pause PS1/apps --reason lunch").await);
    println!("{:?}", refused(&world, "ada", "authority rollout pause PS1/apps --reason lunch").await);
    println!("{:?}", refused(&world, "ada", "authority rollout approve-wave PS1/apps 1 --reason seen").await);
    println!("{:?}", refused(&world, "ada", "authority rollout approve-wave PS1/apps 0 --reason seen").await);
    println!("{}", done(&world, "ada", "authority rollout resume PS1/apps").await);
    println!("{}", done(&world, "ada", "authority rollout roll-back PS1/apps --reason broken").await);
    println!("{}", done(&world, "ada", "authority rollout cancel PS1/apps --reason wrong").await);
    panic!("whole outputs");
}

#[tokio::test]
async fn spec_of_a_file_is_drafted_and_its_mistakes_are_named() {
    let world = World::with_the_sample().await;
    for (name, text) in [
        ("a.toml", "workload = \"client_apps\"\n"),
        ("b.toml", "workload = \"WORKLOAD_CLIENT_APPS\"\npilots = 1\n"),
        ("c.toml", "workload = \"WORKLOAD_CLIENT_APPS\"\n[[waves]]\nupTo = \"five\"\n"),
        ("d.toml", "workload = \"WORKLOAD_CLIENT_APPS\"\n[[waves]]\nup_to = 500\n"),
        ("e.json", "{\"waves\": [{\"upTo\": true}]}"),
        (
            "f.toml",
            "workload = \"WORKLOAD_CLIENT_APPS\"\ndirection = \"ROLLOUT_DIRECTION_TO_INTUNE\"\npilotCollection = \"PS100043\"\n[[waves]]\nupTo = 500\nsuccessGate = 9500\nminimumSample = 900\n",
        ),
    ] {
        let file = world.file(name, text);
        println!("{name}: {:?}", world.ask(&format!("authority rollout draft PS1/file --file {file}")).await);
    }
    for line in [
        "authority rollout draft PS1/x --workload device_configuration --to intune --percent 5",
        "authority rollout draft LB1/x --workload client_apps --to intune --percent 5",
        "authority rollout draft AP1/x --workload client_apps --to intune --percent 5",
        "authority rollout draft PS1/x --workload client_apps --to intune --percent 5 --collection NOP00001",
        "authority rollout draft PS1/x --workload client_apps --to intune --percent 20,5",
        "authority rollout draft NOP/x --workload client_apps --to intune --percent 20,5",
        "authority rollout get PS1/nope",
    ] {
        println!("{line}: {:?}", world.ask(line).await);
    }
    let _: (Value, Value) = (json!(1), json!(2));
    panic!("whole outputs");
}
