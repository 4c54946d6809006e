//! Bad input to `tandem assess`: one clear line for each fault, everything else is assessed, and scripts see it by the exit code.
#![allow(clippy::unwrap_used, reason = "tests and what they share")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use tandem_tests::binary::tandem;
use tempfile::TempDir;

/// Some input was refused.
const REFUSED: i32 = 3;
/// The command line cannot be followed.
const USAGE: i32 = 2;

/// Deep enough to overflow the stack of any parser that recurses.
const DEPTH: usize = 100_000;

/// Each file of the sample with a fault: where, and words of the reason.
const FAULTS: [(&str, &str, &[&str]); 6] = [
    ("broken-page.json", "3:", &["key must be a string"]),
    ("broken.toml", "2:", &[]),
    ("empty.json", "1:1", &["empty", "0 bytes"]),
    ("missing-field.json", "value[0].id", &["missing field `id`"]),
    ("unknown-member.json", "workloads[0].slider", &["SLIDER_POSITION_SIDEWAYS"]),
    ("wrong-kind.json", ".", &["expected a page of Graph or AdminService", "`people`"]),
];

/// Devices of the good pages, and of the good records beside bad ones.
const GOOD_DEVICES: [&str; 4] = ["BEFORE-THE-BREAK", "BESIDE-NO-ID", "GOOD-GRAPH", "GOOD-SITE"];

/// What a run said, after checking that it never panicked.
struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: Vec<String>,
}

fn assess(folder: &Path, more: &[&str]) -> Run {
    let mut command = tandem();
    command.arg("assess").arg(folder).args(["-o", "json"]).args(more).stdin(Stdio::null());
    let Output { status, stdout, stderr } = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    for text in [&stdout, &stderr] {
        assert!(!text.contains("panicked") && !text.contains("RUST_BACKTRACE"), "{text}");
    }
    Run { code: status.code(), stdout, stderr: stderr.lines().map(str::to_owned).collect() }
}

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_bad")
}

/// A folder with the two good pages and these files.
fn beside_good_pages(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for good in ["good-graph.json", "good-adminservice.json"] {
        fs::copy(sample().join(good), folder.path().join(good)).unwrap();
    }
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

fn answer(run: &Run) -> serde_json::Value {
    serde_json::from_str(&run.stdout).unwrap()
}

fn device_names(run: &Run) -> BTreeSet<String> {
    let devices = answer(run)["devices"].as_array().unwrap().clone();
    devices.iter().map(|device| device["name"].as_str().unwrap().to_owned()).collect()
}

/// `refused: <file>: <place>: <reason>`, taken apart.
fn refused_line(line: &str) -> Option<(String, String, String)> {
    let (file, rest) = line.strip_prefix("refused: ")?.split_once(": ")?;
    let (place, reason) = rest.split_once(": ")?;
    Some((file.to_owned(), place.to_owned(), reason.to_owned()))
}

fn refused_lines(run: &Run) -> Vec<(String, String, String)> {
    let mut lines: Vec<_> = run
        .stderr
        .iter()
        .map(|line| {
            refused_line(line)
                .unwrap_or_else(|| panic!("expected refused: file: place: reason, found {line}"))
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn bad_input_of_each_kind_is_refused_in_one_line_and_the_rest_is_assessed() {
    let run = assess(&sample(), &["--as-of", "2026-11-20"]);
    assert_eq!(run.code, Some(REFUSED), "{:#?}", run.stderr);
    let lines = refused_lines(&run);
    let files: Vec<&str> = lines.iter().map(|(file, ..)| file.as_str()).collect();
    assert_eq!(files, FAULTS.map(|(file, ..)| file), "one line for each fault");
    for ((file, place, reason), (_, expected, words)) in lines.iter().zip(FAULTS) {
        let at = if expected.ends_with(':') { place.starts_with(expected) } else { place == expected };
        assert!(at, "{file}: expected the place {expected}, found {place}");
        for word in words {
            assert!(reason.contains(word), "{file}: expected {word} in the reason, found {reason}");
        }
        assert!(!reason.is_empty(), "{file}: expected a reason");
    }
    assert_eq!(device_names(&run), BTreeSet::from(GOOD_DEVICES.map(str::to_owned)));
}

#[test]
fn answer_lists_the_same_refused_lines_as_standard_error() {
    let run = assess(&sample(), &["--as-of", "2026-11-20"]);
    let text = |line: &serde_json::Value, key: &str| line[key].as_str().unwrap().to_owned();
    let listed = answer(&run)["inputs"]["refused"].as_array().unwrap().clone();
    let mut listed: Vec<_> =
        listed.iter().map(|line| (text(line, "file"), text(line, "place"), text(line, "reason"))).collect();
    listed.sort();
    assert_eq!(listed, refused_lines(&run));
    assert_eq!(listed.len(), FAULTS.len());
}

#[test]
fn deep_nesting_is_refused_in_one_line() {
    let nested = format!("{}{}", "[".repeat(DEPTH), "]".repeat(DEPTH));
    let objects = r#"{"a":"#.repeat(DEPTH);
    let toml = format!("as_of = {nested}");
    for (name, content) in [("nested.json", &nested), ("objects.json", &objects), ("nested.toml", &toml)] {
        let folder = beside_good_pages(&[(name, content.as_bytes())]);
        let run = assess(folder.path(), &["--as-of", "2026-11-20"]);
        assert_eq!(run.code, Some(REFUSED), "{name}: {:?}", run.stderr.first());
        let lines = refused_lines(&run);
        assert_eq!(lines.len(), 1, "{name}");
        assert_eq!(lines[0].0, name);
        assert!(lines[0].2.len() < 1000, "{name}: the line repeats its input: {} bytes", lines[0].2.len());
        assert_eq!(device_names(&run), BTreeSet::from(["GOOD-GRAPH".to_owned(), "GOOD-SITE".to_owned()]));
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_in_one_line() {
    // Every byte value, in an order without structure.
    let noise: Vec<u8> = (0..65_536_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for (name, content) in
        [("noise.json", noise.as_slice()), ("noise.toml", noise.as_slice()), ("zeros.json", &[0; 4096])]
    {
        let folder = beside_good_pages(&[(name, content)]);
        let run = assess(folder.path(), &["--as-of", "2026-11-20"]);
        assert_eq!(run.code, Some(REFUSED), "{name}: {:?}", run.stderr);
        let files: Vec<String> = refused_lines(&run).into_iter().map(|(file, ..)| file).collect();
        assert_eq!(files, [name]);
    }
}

#[test]
fn folder_that_cannot_be_assessed_is_a_usage_error_in_one_line() {
    let empty = tempfile::tempdir().unwrap();
    for folder in [sample().join("no-such-folder"), sample().join("good-graph.json"), empty.path().to_owned()]
    {
        let run = assess(&folder, &[]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(USAGE), ""), "{:?}", run.stderr);
        assert_eq!(run.stderr.len(), 1, "{:?}", run.stderr);
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        assert!(run.stderr[0].contains(&name), "expected {name} in {:?}", run.stderr);
    }
}

#[test]
fn date_that_is_none_is_a_usage_error_that_repeats_it() {
    let run = assess(&sample(), &["--as-of", "nonsense"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(USAGE), ""));
    assert!(run.stderr[0].contains("nonsense") && run.stderr[0].contains("--as-of"), "{:?}", run.stderr);
}
