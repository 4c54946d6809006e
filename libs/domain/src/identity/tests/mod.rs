//! Identity against an in-memory registry that applies placements as the inventory does.

mod decisions;
mod keys;
mod properties;
mod registry;

use crate::id::HierarchyId;
use crate::section::Source;

use super::{IdentityKey, KeyKind, RecordIdentity};

fn site(name: &str) -> Source {
    Source::ConfigMgr(HierarchyId::parse(name).unwrap())
}

/// A key of that kind, told apart by a small number.
fn key(kind: KeyKind, number: u8) -> IdentityKey {
    let text = match kind {
        KeyKind::SerialNumber => format!("7QX4M{number:02}"),
        _ => format!("0d7b6c51-4a3f-4b18-8f2d-{number:012x}"),
    };
    IdentityKey::new(kind, &text).unwrap()
}

fn entra(number: u8) -> IdentityKey {
    key(KeyKind::EntraDeviceId, number)
}

fn sms(number: u8) -> IdentityKey {
    key(KeyKind::SmsClientId, number)
}

fn serial(number: u8) -> IdentityKey {
    key(KeyKind::SerialNumber, number)
}

/// An Intune record: its own id is a key of it.
fn intune(number: u8, keys: &[IdentityKey]) -> RecordIdentity {
    let id = key(KeyKind::IntuneDeviceId, number);
    let record_key = id.value().to_owned();
    RecordIdentity::new(Source::Intune, record_key, keys.iter().cloned().chain([id]))
}

fn ps1(number: u8, keys: &[IdentityKey]) -> RecordIdentity {
    RecordIdentity::new(site("PS1"), format!("PS1/{number}"), keys.iter().cloned())
}

fn directory(number: u8) -> RecordIdentity {
    RecordIdentity::new(Source::Entra, entra(number).value(), [entra(number)])
}
