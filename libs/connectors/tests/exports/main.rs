//! The readers over folders of files, as a caller sees them.

#![expect(clippy::unwrap_used, reason = "a test that cannot make its input has failed")]

mod documents;
mod hierarchies;
mod members;
mod properties;
mod refused;
mod sections;
mod skipped;

use std::ops::ControlFlow;
use std::path::Path;

use jiff::Timestamp;
use tandem_connectors::{Exports, Item, Refusals, Summary};
use tandem_domain::id::{CollectionId, HierarchyId, SiteCode};
use tandem_domain::section::{Section, SectionBody, Source};
use tempfile::TempDir;

/// A folder with those files; a `/` in a name makes a folder in it.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    folder
}

fn read_folder(folder: &Path) -> (Vec<Item>, Summary) {
    let mut items = Vec::new();
    let summary = Exports::open(folder).unwrap().read(observed_at(), &mut |item| {
        items.push(item);
        ControlFlow::Continue(())
    });
    (items, summary)
}

/// What reading those files hands on.
fn read(files: &[(&str, &str)]) -> (Vec<Item>, Summary) {
    let bytes: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    read_folder(folder(&bytes).path())
}

/// The refused lines of those files: file, place, reason.
fn refused(files: &[(&str, &str)]) -> Vec<(String, String, String)> {
    lines(&read(files).1.refused)
}

fn lines(refusals: &Refusals) -> Vec<(String, String, String)> {
    let line = |r: &tandem_connectors::Refusal| (r.file.clone(), r.place.clone(), r.reason.clone());
    refusals.lines().iter().map(line).collect()
}

fn line(file: &str, place: &str, reason: &str) -> (String, String, String) {
    (file.to_owned(), place.to_owned(), reason.to_owned())
}

/// An AdminService page of the wmi route.
fn wmi(class: &str, records: &str) -> String {
    let context = format!("https://cm01.example.com/AdminService/wmi/$metadata#{class}");
    format!(r#"{{"@odata.context":"{context}","value":[{records}]}}"#)
}

/// A sites page whose top site is PS1.
fn sites() -> String {
    wmi("SMS_Site", r#"{"SiteCode":"PS1","ReportingSiteCode":"","Version":"5.00.9141.1000"}"#)
}

/// A Graph page.
fn graph(version: &str, entity: &str, records: &str) -> String {
    let context = format!("https://graph.microsoft.com/{version}/$metadata#{entity}");
    format!(r#"{{"@odata.context":"{context}","value":[{records}]}}"#)
}

fn observed_at() -> Timestamp {
    at("2026-11-20T23:59:59Z")
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn hierarchy(text: &str) -> HierarchyId {
    HierarchyId::parse(text).unwrap()
}

fn collection(text: &str) -> CollectionId {
    CollectionId::parse(text).unwrap()
}

fn site(text: &str) -> SiteCode {
    SiteCode::parse(text).unwrap()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// A section of hierarchy PS1.
fn site_section(resource: u32, body: SectionBody) -> Item {
    let source = Source::ConfigMgr(hierarchy("PS1"));
    Item::Section(Section { source, key: format!("PS1/{resource}"), observed_at: observed_at(), body })
}

fn cloud_section(source: Source, key: &str, body: SectionBody) -> Item {
    Item::Section(Section { source, key: key.to_owned(), observed_at: observed_at(), body })
}

/// Only sections and removals.
fn records(items: Vec<Item>) -> Vec<Item> {
    items.into_iter().filter(|i| matches!(i, Item::Section(_) | Item::RecordRemoved { .. })).collect()
}
