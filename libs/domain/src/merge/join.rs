//! How the device is known to the directory and to Active Directory.

use crate::facts::{Fact, JoinType};

use super::readings::{Readings, says};

/// `device.join_type`: Graph beta `joinType`, or directory `trustType`, or the site's two flags; the first that says more than
/// unknown. [`JoinType::None`] only if no source says joined or registered, and both site flags are 0 or the directory id is
/// all zeros \[derived\].
pub(super) fn join_type(readings: &Readings<'_>) -> Option<Fact<JoinType>> {
    readings
        .intune(|d| of_graph(d.join_type.as_deref()?))
        .or_else(|| says(readings.directory, |d| of_trust_type(d.trust_type.as_deref()?)))
        .or_else(|| {
            // states.md 4.3 tests the hybrid flag first.
            says(readings.site.co_management, |row| match (row.hybrid_joined, row.entra_joined) {
                (Some(true), _) => Some(JoinType::HybridJoined),
                (_, Some(true)) => Some(JoinType::EntraJoined),
                _ => None,
            })
        })
        .or_else(|| not_joined(readings))
}

/// Graph's member names; `unknown` and names that nobody knows say nothing.
fn of_graph(member: &str) -> Option<JoinType> {
    match member {
        "azureADJoined" => Some(JoinType::EntraJoined),
        "azureADRegistered" => Some(JoinType::EntraRegistered),
        "hybridAzureADJoined" => Some(JoinType::HybridJoined),
        _ => None,
    }
}

/// The directory's `trustType`: `ServerAd` is hybrid, `Workplace` is registered only.
fn of_trust_type(text: &str) -> Option<JoinType> {
    match text {
        "AzureAd" => Some(JoinType::EntraJoined),
        "Workplace" => Some(JoinType::EntraRegistered),
        "ServerAd" => Some(JoinType::HybridJoined),
        _ => None,
    }
}

fn not_joined(readings: &Readings<'_>) -> Option<Fact<JoinType>> {
    let flags = says(readings.site.co_management, |row| {
        (row.hybrid_joined == Some(false) && row.entra_joined == Some(false)).then_some(JoinType::None)
    });
    flags.or_else(|| zero_directory_id(readings))
}

/// A source that carries a real id contradicts the zeros of another: then the answer stays unknown \[derived\].
fn zero_directory_id(readings: &Readings<'_>) -> Option<Fact<JoinType>> {
    let site = &readings.site;
    let ids = [
        says(readings.beta, |d| zeros(d.entra_device_id.as_deref())),
        says(readings.v1, |d| zeros(d.entra_device_id.as_deref())),
        says(readings.directory, |d| zeros(d.device_id.as_deref())),
        says(site.co_management, |row| zeros(row.entra_device_id.as_deref())),
        says(site.device, |d| zeros(d.entra_device_id.as_deref())),
        says(site.combined, |d| zeros(d.entra_device_id.as_deref())),
        says(readings.probe, |p| zeros(p.entra_device_id.as_deref())),
    ];
    let known = || ids.iter().flatten();
    if known().any(|id| !id.value) {
        return None;
    }
    known().next().map(|id| Fact::new(JoinType::None, id.section))
}

/// Whether a directory id is all zeros: no identity, and "not joined" (graph_managed_device.md 7) \[derived\].
fn zeros(id: Option<&str>) -> Option<bool> {
    let id = id?.trim().trim_start_matches('{').trim_end_matches('}');
    (!id.is_empty()).then(|| id.chars().all(|c| matches!(c, '0' | '-')))
}

/// `device.ad_joined`: `SMS_R_System.DistinguishedName` is not empty \[derived\]. Without a discovery record, or where the record
/// lacks the member, nobody says.
pub(super) fn ad_joined(readings: &Readings<'_>) -> Option<Fact<bool>> {
    says(readings.site.discovery, |d| Some(!d.distinguished_name.as_deref()?.trim().is_empty()))
}
