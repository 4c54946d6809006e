//! Expected values come from the fact pack's rules and the sample records' own members.

mod claims;
mod hierarchies;
mod rules;
mod samples;

use jiff::Timestamp;

use crate::id::HierarchyId;
use crate::section::{
    CoManagementState, ConsoleDevice, DirectoryDevice, Discovery, ManagedDevice, Probe, Section, SectionBody,
    Source,
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn hierarchy(name: &str) -> HierarchyId {
    HierarchyId::parse(name).unwrap()
}

fn site(name: &str) -> Source {
    Source::ConfigMgr(hierarchy(name))
}

const READ: &str = "2026-11-20T23:59:59Z";

fn section(source: Source, key: &str, body: SectionBody) -> Section {
    Section { source, key: key.to_owned(), observed_at: at(READ), body }
}

fn discovery(body: Discovery) -> Section {
    section(site("PS1"), "PS1/1", SectionBody::Discovery(body))
}

fn console(body: ConsoleDevice) -> Section {
    section(site("PS1"), "PS1/1", SectionBody::Device(body))
}

fn combined(body: ConsoleDevice) -> Section {
    section(site("PS1"), "PS1/1", SectionBody::CombinedDevice(body))
}

fn state(body: CoManagementState) -> Section {
    section(site("PS1"), "PS1/1", SectionBody::CoManagementState(body))
}

fn beta(body: ManagedDevice) -> Section {
    section(Source::Intune, "i-1", SectionBody::ManagedDeviceBeta(body))
}

fn v1(body: ManagedDevice) -> Section {
    section(Source::Intune, "i-1", SectionBody::ManagedDeviceV1(body))
}

fn directory(body: DirectoryDevice) -> Section {
    section(Source::Entra, "e-1", SectionBody::DirectoryDevice(body))
}

fn probe(body: Probe) -> Section {
    section(Source::Probe, "p-1", SectionBody::Probe(body))
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}
