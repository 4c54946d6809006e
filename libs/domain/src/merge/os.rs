//! Windows version, kind and edition.

use crate::facts::{Fact, OsKind, OsVersion};

use super::readings::{Readings, says};

/// `device.os_build`: Graph `osVersion`; the site's build. Only where none of them carries a build is the `major.minor` in the
/// site's text taken: it tells Windows 7 from 10, but not 10 from 11.
pub(super) fn version(readings: &Readings<'_>) -> Option<Fact<OsVersion>> {
    let site = &readings.site;
    let candidates = [
        says(readings.beta, |d| parse(d.os_version.as_deref()?)),
        says(readings.v1, |d| parse(d.os_version.as_deref()?)),
        says(site.device, |d| parse(d.device_os_build.as_deref()?)),
        says(site.combined, |d| parse(d.device_os_build.as_deref()?)),
        says(site.discovery, |d| version_in_text(d.operating_system.as_deref()?)),
        says(site.device, |d| version_in_text(d.device_os.as_deref()?)),
        says(site.combined, |d| version_in_text(d.device_os.as_deref()?)),
    ];
    let known = || candidates.into_iter().flatten();
    known().find(|fact| fact.value.build.is_some()).or_else(|| known().next())
}

/// A version 0.x is a default that stands for "not reported" \[derived\].
fn parse(text: &str) -> Option<OsVersion> {
    OsVersion::parse(text).filter(|version| version.major > 0)
}

/// The version at the end of texts such as `Microsoft Windows NT Workstation 10.0` or `... 6.1 (Tablet Edition)`.
fn version_in_text(text: &str) -> Option<OsVersion> {
    text.split_whitespace().rev().find_map(parse)
}

/// `device.os_kind`: the site's text; Graph's `operatingSystem`, which is "Windows" for every Windows, only where only Intune
/// knows the device \[derived\].
pub(super) fn kind(readings: &Readings<'_>) -> Option<Fact<OsKind>> {
    let site = says(readings.site.discovery, |d| kind_of_text(d.operating_system.as_deref()?))
        .or_else(|| readings.site.console(|d| kind_of_text(d.device_os.as_deref()?)));
    if site.is_some() || readings.managing.is_some() {
        return site;
    }
    readings.intune(|d| kind_of_text(d.operating_system.as_deref()?))
}

/// Systems whose names may contain "Server" or "Workstation" without being Windows, and Windows that is no desktop \[derived\].
const NOT_WINDOWS: [&str; 12] = [
    "linux",
    "ubuntu",
    "debian",
    "mac os",
    "macos",
    "os x",
    "unix",
    "solaris",
    "android",
    "windowsphone",
    "windows phone",
    "windows mobile",
];

/// Reads the kind from a name of an operating system. Discovery writes `Microsoft Windows NT Workstation 10.0`,
/// `Microsoft Windows NT Advanced Server 10.0` and names such as `Windows 11 Enterprise 10.0`.
fn kind_of_text(text: &str) -> Option<OsKind> {
    let text = text.trim().to_ascii_lowercase();
    let contains = |name: &str| text.contains(name);
    match () {
        () if says_nothing(&text) => None,
        () if NOT_WINDOWS.into_iter().any(contains) => Some(OsKind::Other),
        () if contains("server") => Some(OsKind::Server),
        () if contains("workstation") || contains("windows") => Some(OsKind::Client),
        () => Some(OsKind::Other),
    }
}

/// `device.os_edition`: Graph beta `skuFamily`, `hardwareInformation.operatingSystemEdition`; the device's own word goes before
/// both \[derived\].
pub(super) fn edition(readings: &Readings<'_>) -> Option<Fact<String>> {
    let said = |text: &Option<String>| text.clone().filter(|text| !says_nothing(text.trim()));
    says(readings.probe, |p| said(&p.os_edition))
        .or_else(|| readings.intune(|d| said(&d.sku_family)))
        .or_else(|| readings.intune(|d| said(&d.operating_system_edition)))
}

fn says_nothing(text: &str) -> bool {
    text.is_empty() || text.eq_ignore_ascii_case("unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_of_text_follows_the_names_of_discovery_and_graph() {
        let expected = [
            ("Microsoft Windows NT Workstation 10.0", Some(OsKind::Client)),
            ("Microsoft Windows NT Workstation 6.1 (Tablet Edition)", Some(OsKind::Client)),
            ("Windows 11 Enterprise 10.0", Some(OsKind::Client)),
            ("Windows", Some(OsKind::Client)),
            ("Microsoft Windows NT Advanced Server 10.0", Some(OsKind::Server)),
            ("Microsoft Windows NT Server 10.0", Some(OsKind::Server)),
            ("Red Hat Enterprise Linux Server 7.9", Some(OsKind::Other)),
            ("macOS 14.5", Some(OsKind::Other)),
            ("iOS", Some(OsKind::Other)),
            ("Unknown", None),
        ];
        assert_eq!(expected.map(|(text, _)| (text, kind_of_text(text))), expected);
    }

    #[test]
    fn version_in_text_is_the_last_number_and_has_no_build() {
        let windows_10 = OsVersion { major: 10, minor: 0, build: None, revision: None };
        let windows_7 = OsVersion { major: 6, minor: 1, build: None, revision: None };
        assert_eq!(version_in_text("Microsoft Windows NT Workstation 10.0"), Some(windows_10));
        assert_eq!(version_in_text("Windows 11 Enterprise 10.0"), Some(windows_10));
        assert_eq!(version_in_text("Microsoft Windows NT Workstation 6.1 (Tablet Edition)"), Some(windows_7));
        assert_eq!(version_in_text("Windows 11 Enterprise"), None);
    }
}
