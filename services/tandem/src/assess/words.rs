//! The documented words and figures as people read them: labels, one-line meanings, order, and what they mean for action.
//!
//! A word that is not listed here (a newer rule, a release, a path) is still shown, after the listed ones.

use std::borrow::Cow;

use super::model::Counts;

#[cfg(test)]
mod tests;

/// What a word means for whoever reads it: presentation colours by this, and only by this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Where the device should be.
    Done,
    /// On its way by itself.
    Moving,
    /// Somebody has to act.
    Attention,
    /// Outside of co-management.
    Outside,
    /// The facts at hand do not say.
    Unknown,
}

/// A word of the vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// As documented.
    pub(crate) word: &'static str,
    /// As people read it.
    pub(crate) label: &'static str,
    /// One line; empty where the label says it all.
    pub(crate) meaning: &'static str,
    /// What it means for the reader.
    pub(crate) tone: Tone,
}

const fn entry(word: &'static str, label: &'static str, tone: Tone, meaning: &'static str) -> Entry {
    Entry { word, label, meaning, tone }
}

/// The words of one field, in the order in which they are shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vocabulary(pub(crate) &'static [Entry]);

/// A word with its count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) label: String,
    pub(crate) meaning: &'static str,
    pub(crate) tone: Tone,
    pub(crate) devices: u64,
}

impl Vocabulary {
    /// The entry of a word, if it is listed.
    pub(crate) fn entry(self, word: &str) -> Option<&'static Entry> {
        self.0.iter().find(|entry| entry.word == word)
    }

    /// The word as people read it; an unlisted word with its underscores opened.
    pub(crate) fn label(self, word: &str) -> Cow<'static, str> {
        self.entry(word).map_or_else(|| word.replace('_', " ").into(), |entry| entry.label.into())
    }

    /// The words that count at least one device, in order.
    pub(crate) fn counted(self, counts: &Counts) -> Vec<Counted> {
        let listed = self.0.iter().filter_map(|entry| {
            let devices = *counts.get(entry.word)?;
            Some(Counted { label: entry.label.into(), meaning: entry.meaning, tone: entry.tone, devices })
        });
        let unlisted = counts.iter().filter(|(word, _)| self.entry(word).is_none()).map(|(word, devices)| {
            let label = self.label(word).into_owned();
            Counted { label, meaning: "", tone: Tone::Unknown, devices: *devices }
        });
        listed.chain(unlisted).filter(|counted| counted.devices > 0).collect()
    }
}

/// `state`, from the goal outwards.
pub(crate) const STATES: Vocabulary = Vocabulary(&[
    entry("co_managed", "Co-managed", Tone::Done, "client, enrolment and policy; provisioned"),
    entry(
        "enrolled_not_provisioned",
        "Enrolled, not provisioned",
        Tone::Moving,
        "client, enrolment and policy; MDM not provisioned",
    ),
    entry("mdm_plus_client", "Enrolled with client", Tone::Moving, "no co-management policy on the client"),
    entry("enrolling", "Enrolling", Tone::Moving, "an enrolment attempt was made"),
    entry("scheduled", "Scheduled", Tone::Moving, "enrolment is scheduled"),
    entry("pending_sign_in", "Waiting for sign-in", Tone::Attention, "enrolment needs somebody to sign in"),
    entry("failed", "Enrolment failed", Tone::Attention, "the last attempt failed"),
    entry(
        "joined_client",
        "Joined, not enrolled",
        Tone::Outside,
        "client on a joined or hybrid joined device",
    ),
    entry("client_only", "Client only", Tone::Outside, "client on a device that is not joined"),
    entry("mdm_only", "Intune only", Tone::Outside, "enrolled in Intune, no client"),
    entry("coexistence", "Third-party MDM", Tone::Outside, "client beside a third-party MDM"),
    entry("unmanaged", "Unmanaged", Tone::Outside, "neither client nor enrolment"),
    entry("unknown", "Unknown", Tone::Unknown, "no source says whether the client is installed"),
]);

/// `eligibility`.
pub(crate) const ELIGIBILITY: Vocabulary = Vocabulary(&[
    entry("comanaged", "Co-managed", Tone::Done, "enrolled already"),
    entry("scheduledForEnrollment", "Scheduled for enrolment", Tone::Moving, "enrolment is scheduled"),
    entry("eligible", "Eligible", Tone::Moving, "nothing known stands in the way"),
    entry("needsOsUpdate", "Needs a Windows update", Tone::Attention, "its Windows release is too old"),
    entry(
        "eligibleButNotAzureAdJoined",
        "Needs a join",
        Tone::Attention,
        "only the right Entra ID join is missing",
    ),
    entry("ineligible", "Ineligible", Tone::Outside, "no client, another MDM, or another blocking rule"),
    entry("unknown", "Unknown", Tone::Unknown, "the facts at hand do not decide"),
]);

/// `categories.enrollment_status`.
pub(crate) const ENROLLMENT_STATUS: Vocabulary = Vocabulary(&[
    entry("success_hybrid_joined", "Success, hybrid joined", Tone::Done, ""),
    entry("success_joined", "Success, Entra joined", Tone::Done, ""),
    entry("enrolling_hybrid_joined", "Enrolling, hybrid joined", Tone::Moving, ""),
    entry("pending_user_sign_in", "Pending user sign-in", Tone::Attention, ""),
    entry("failure_hybrid_joined", "Failure, hybrid joined", Tone::Attention, ""),
    entry("failure_joined", "Failure, Entra joined", Tone::Attention, ""),
    entry("failure_other", "Failure, not joined", Tone::Attention, ""),
]);

/// `categories.os_group`.
pub(crate) const OS_GROUPS: Vocabulary = Vocabulary(&[
    entry("windows_10_1709_and_later", "Windows 10 1709 and later", Tone::Done, "Windows 11 included"),
    entry(
        "windows_10_lower_than_1709",
        "Windows 10 before 1709",
        Tone::Attention,
        "too old for automatic enrolment",
    ),
    entry("windows_7_and_8", "Windows 7 and 8.x", Tone::Attention, "cannot be co-managed"),
]);

/// `authority.*.authority`.
pub(crate) const AUTHORITIES: Vocabulary = Vocabulary(&[
    entry("configuration_manager", "Configuration Manager", Tone::Moving, ""),
    entry("intune", "Intune", Tone::Done, ""),
    entry("third_party_mdm", "Third-party MDM", Tone::Attention, ""),
    entry("none", "None", Tone::Outside, ""),
    entry("unknown", "Unknown", Tone::Unknown, ""),
]);

/// `authority.*.reason`, in the order in which they are tried.
pub(crate) const REASONS: Vocabulary = Vocabulary(&[
    entry("client_unknown", "client unknown", Tone::Unknown, ""),
    entry("unmanaged", "unmanaged", Tone::Outside, ""),
    entry("coexistence", "third-party MDM", Tone::Attention, ""),
    entry("mdm_only", "no client", Tone::Done, ""),
    entry("not_enrolled", "not enrolled", Tone::Moving, ""),
    entry("no_site_record", "no site record", Tone::Unknown, ""),
    entry("policy_absent", "no policy on the client", Tone::Moving, ""),
    entry("not_provisioned", "not provisioned", Tone::Moving, ""),
    entry("autopilot_override", "Autopilot override", Tone::Done, ""),
    entry("resource_access_fixed", "fixed at Intune since 2403", Tone::Done, ""),
    entry("bundled_with_device_configuration", "moved with device configuration", Tone::Done, ""),
    entry("slider_intune", "slider at Intune", Tone::Done, ""),
    entry("pilot_member", "in the pilot", Tone::Done, ""),
    entry("pilot_not_member", "not in the pilot", Tone::Moving, ""),
    entry("slider_configuration_manager", "slider at Configuration Manager", Tone::Moving, ""),
    entry("policy_unknown", "sliders unknown", Tone::Unknown, ""),
    entry("site_version_unknown", "site version unknown", Tone::Unknown, ""),
    entry("membership_unknown", "pilot members unknown", Tone::Unknown, ""),
]);

/// Paths to co-management.
pub(crate) const PATHS: Vocabulary = Vocabulary(&[
    entry("path1", "Path 1", Tone::Done, "an existing client is enrolled into Intune"),
    entry("path2", "Path 2", Tone::Done, "a device in Intune receives the client"),
    entry("coexistence", "Coexistence", Tone::Outside, "the client beside a third-party MDM"),
]);

/// `prerequisites.*.verdict`.
pub(crate) const VERDICTS: Vocabulary = Vocabulary(&[
    entry("ready", "Ready", Tone::Done, "no blocking rule is unsatisfied or unknown"),
    entry("blocked", "Blocked", Tone::Attention, "a blocking rule is unsatisfied"),
    entry("unknown", "Unknown", Tone::Unknown, "a blocking rule is unknown"),
    entry("not_applicable", "Not applicable", Tone::Outside, ""),
]);

/// The three readings of "co-managed", with what tells each from the others.
pub(crate) const READINGS: [(&str, &str, &str); 3] = [
    ("query", "Query rule", "enrolled, policy present, provisioned; the count used throughout"),
    ("prose", "Prose rule", "enrolled and policy present; also those not provisioned yet"),
    ("cloud", "Cloud view", "Intune's record names both; runs ahead of or behind the site"),
];

/// Grouped by thousands: `12,345`.
pub(crate) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A part of a whole in percent. What is not nothing never reads as 0.0 %, what is not everything never as 100.0 %.
pub(crate) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    // Widened: a count times a thousand must not overflow.
    let (part, whole) = (u128::from(part), u128::from(whole));
    let tenths = (part * 2000 + whole) / (whole * 2);
    match tenths {
        0 if part > 0 => "< 0.1 %".to_owned(),
        1000 if part < whole => "> 99.9 %".to_owned(),
        _ => format!("{}.{} %", tenths / 10, tenths % 10),
    }
}

/// One noun or the other: `1 device`, `2 devices`.
pub(crate) fn counted_noun(value: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(value), if value == 1 { one } else { many })
}

/// The most frequent first; equals by word, so that one fleet always reads the same.
pub(crate) fn most_frequent(counts: &Counts) -> Vec<(&str, u64)> {
    let mut sorted: Vec<(&str, u64)> =
        counts.iter().map(|(word, devices)| (word.as_ref(), *devices)).collect();
    sorted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    sorted
}

/// Windows versions, the newest first; a build that no table names stands before every release.
pub(crate) fn newest_first(counts: &Counts) -> Vec<(&str, u64)> {
    let mut sorted: Vec<(&str, u64)> =
        counts.iter().map(|(version, devices)| (version.as_ref(), *devices)).collect();
    sorted.sort_by_cached_key(|(version, _)| std::cmp::Reverse(version_order(version)));
    sorted
}

/// A part of a version's name.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    Text(&'a str),
    Number(u64),
}

/// By product and release: 2004 is older than 20H2, which is the second half of 2020, and 8.1 older than 10.
fn version_order(version: &str) -> Vec<Part<'_>> {
    let part = |text| match half_year(text) {
        Some(month) => Part::Number(month),
        None => str::parse(text).map_or(Part::Text(text), Part::Number),
    };
    let product = version.strip_prefix("build ").unwrap_or(version);
    product.split([' ', '.']).map(part).collect()
}

/// `20H2` as the year and month of the older spelling: 2012.
fn half_year(text: &str) -> Option<u64> {
    let (year, half) = text.split_once('H')?;
    let (year, half): (u64, u64) = (year.parse().ok()?, half.parse().ok()?);
    (text.len() == 4).then_some(year * 100 + half * 6)
}
