//! Which edition of Windows a text names, and which support calendar that edition follows.

use serde::Deserialize;

/// Editions that share a support calendar (edition groups of `data/README.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EditionGroup {
    /// Home, Pro, Pro Education, Pro for Workstations.
    HomePro,
    /// Enterprise, Enterprise multi-session, Education, IoT Enterprise.
    EnterpriseEducation,
    /// Enterprise LTSC, formerly LTSB.
    EnterpriseLtsc,
    /// IoT Enterprise LTSC.
    IotEnterpriseLtsc,
}

impl EditionGroup {
    /// The fact pack's id.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::HomePro => "home_pro",
            Self::EnterpriseEducation => "enterprise_education",
            Self::EnterpriseLtsc => "enterprise_ltsc",
            Self::IotEnterpriseLtsc => "iot_enterprise_ltsc",
        }
    }

    /// Long-term servicing channel.
    #[must_use]
    pub const fn is_ltsc(self) -> bool {
        matches!(self, Self::EnterpriseLtsc | Self::IotEnterpriseLtsc)
    }
}

/// What an edition text says about support for co-management (rule `win.edition`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Edition {
    /// In the support list.
    Supported {
        /// Its support calendar.
        group: EditionGroup,
    },
    /// Not in the support list.
    Home,
    /// Neither listed nor Home: nothing may be concluded.
    Unknown,
}

impl Edition {
    /// Its support calendar; Home follows that of Pro. `None` of an edition that is not known.
    #[must_use]
    pub const fn group(self) -> Option<EditionGroup> {
        match self {
            Self::Supported { group } => Some(group),
            Self::Home => Some(EditionGroup::HomePro),
            Self::Unknown => None,
        }
    }
}

/// Reads an edition text such as Graph's `skuFamily` or `hardwareInformation.operatingSystemEdition`.
///
/// Case, spaces and punctuation do not matter, nor do a leading `Microsoft` or `Windows 10/11` and the year of an LTSC. Beside
/// the names of the rule the system's own edition ids are taken (`Professional`, `EnterpriseS`, `ServerRdsh`, …), which name
/// the same editions \[derived\]. N editions, S mode and SE are not named by the rule and stay [`Edition::Unknown`].
#[must_use]
pub fn edition(text: &str) -> Edition {
    let group = match Key::of(text).edition() {
        "pro"
        | "professional"
        | "proeducation"
        | "professionaleducation"
        | "proforworkstations"
        | "proworkstations"
        | "professionalworkstation" => EditionGroup::HomePro,
        "enterprise"
        | "enterprisemultisession"
        | "enterpriseforvirtualdesktops"
        | "serverrdsh"
        | "education"
        | "iotenterprise" => EditionGroup::EnterpriseEducation,
        "enterpriseltsc" | "enterpriseltsb" | "enterprises" => EditionGroup::EnterpriseLtsc,
        "iotenterpriseltsc" | "iotenterprises" => EditionGroup::IotEnterpriseLtsc,
        "home"
        | "homen"
        | "homesinglelanguage"
        | "core"
        | "coren"
        | "coresinglelanguage"
        | "corecountryspecific" => {
            return Edition::Home;
        }
        _ => return Edition::Unknown,
    };
    Edition::Supported { group }
}

/// The support calendar of an edition text; Home follows that of Pro. `None` for a text that names no known edition.
#[must_use]
pub fn edition_group(text: &str) -> Option<EditionGroup> {
    edition(text).group()
}

/// Longest key that is read: twice as long as any that names an edition.
const LONGEST_KEY: usize = 80;

/// A text's letters and digits in lower case.
struct Key {
    bytes: [u8; LONGEST_KEY],
    length: usize,
}

impl Key {
    /// The key of a text; one that is too long names nothing.
    fn of(text: &str) -> Self {
        let mut key = Self { bytes: [0; LONGEST_KEY], length: 0 };
        let letters = text.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase());
        for byte in letters {
            match key.bytes.get_mut(key.length) {
                Some(place) => *place = byte,
                None => return Self { length: 0, ..key },
            }
            key.length += 1;
        }
        key
    }

    /// Without the product's name and without the year of a long-term release.
    fn edition(&mut self) -> &str {
        let key = self.as_str();
        let rest = key.strip_prefix("microsoft").unwrap_or(key);
        let rest = match rest.strip_prefix("windows") {
            Some(rest) => rest.strip_prefix("10").or_else(|| rest.strip_prefix("11")).unwrap_or(rest),
            None => rest,
        };
        let start = self.length - rest.len();
        let has_digits = rest.bytes().any(|byte| byte.is_ascii_digit());
        if has_digits && (rest.contains("ltsc") || rest.contains("ltsb")) {
            let mut kept = start;
            for at in start..self.length {
                if let Some(byte) = self.bytes.get(at).copied().filter(u8::is_ascii_alphabetic) {
                    self.bytes[kept] = byte;
                    kept += 1;
                }
            }
            self.length = kept;
        }
        self.as_str().get(start..).unwrap_or_default()
    }

    fn as_str(&self) -> &str {
        // Letters and digits of ASCII are text.
        self.bytes.get(..self.length).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAMED_BY_THE_RULE: [(&str, EditionGroup); 9] = [
        ("Enterprise", EditionGroup::EnterpriseEducation),
        ("Enterprise multi-session", EditionGroup::EnterpriseEducation),
        ("Education", EditionGroup::EnterpriseEducation),
        ("IoT Enterprise", EditionGroup::EnterpriseEducation),
        ("Pro", EditionGroup::HomePro),
        ("Pro Education", EditionGroup::HomePro),
        ("Pro for Workstations", EditionGroup::HomePro),
        ("Enterprise LTSC", EditionGroup::EnterpriseLtsc),
        ("IoT Enterprise LTSC", EditionGroup::IotEnterpriseLtsc),
    ];

    #[test]
    fn editions_of_the_rule_are_supported() {
        for (text, group) in NAMED_BY_THE_RULE {
            assert_eq!(edition(text), Edition::Supported { group }, "{text}");
            assert_eq!(edition_group(text), Some(group), "{text}");
        }
    }

    #[test]
    fn other_spellings_name_the_same_editions() {
        for (text, group) in [
            ("EnterpriseMultiSession", EditionGroup::EnterpriseEducation),
            ("ServerRdsh", EditionGroup::EnterpriseEducation),
            ("Microsoft Windows 11 Enterprise", EditionGroup::EnterpriseEducation),
            ("IoTEnterprise", EditionGroup::EnterpriseEducation),
            ("PROFESSIONAL", EditionGroup::HomePro),
            ("ProfessionalWorkstation", EditionGroup::HomePro),
            ("Windows 10 Enterprise 2016 LTSB", EditionGroup::EnterpriseLtsc),
            ("Windows 10 Enterprise LTSC 2021", EditionGroup::EnterpriseLtsc),
            ("EnterpriseS", EditionGroup::EnterpriseLtsc),
            ("Windows 11 IoT Enterprise LTSC 2024", EditionGroup::IotEnterpriseLtsc),
            ("IoTEnterpriseS", EditionGroup::IotEnterpriseLtsc),
        ] {
            assert_eq!(edition(text), Edition::Supported { group }, "{text}");
        }
    }

    #[test]
    fn home_is_unsupported_but_has_a_calendar() {
        for text in ["Home", "Windows 11 Home", "home single language", "Core", "CoreSingleLanguage"] {
            assert_eq!(edition(text), Edition::Home, "{text}");
            assert_eq!(edition_group(text), Some(EditionGroup::HomePro), "{text}");
        }
    }

    #[test]
    fn any_other_text_is_unknown() {
        for text in [
            "",
            "  ",
            "Windows 11",
            "SE",
            "Pro N",
            "Team",
            "Enterprise Evaluation",
            "ServerStandard",
            "LTSC",
            "4",
        ] {
            assert_eq!(edition(text), Edition::Unknown, "{text:?}");
            assert_eq!(edition_group(text), None, "{text:?}");
        }
    }

    #[test]
    fn text_of_any_length_is_read() {
        assert_eq!(edition(&format!("Enterprise{}", "x".repeat(200))), Edition::Unknown);
        assert_eq!(edition_group(&format!("Pro{}", " ".repeat(200))), Some(EditionGroup::HomePro));
    }

    proptest! {
        #[test]
        fn product_name_and_case_do_not_matter(
            row in 0..NAMED_BY_THE_RULE.len(),
            prefix in prop::sample::select(vec!["", "Windows ", "Windows 10 ", "Windows 11 ", "Microsoft Windows 11 "]),
            upper: bool,
        ) {
            let (name, group) = NAMED_BY_THE_RULE[row];
            let text = format!("{prefix}{name}");
            let text = if upper { text.to_uppercase() } else { text.to_lowercase() };
            prop_assert_eq!(edition_group(&text), Some(group));
        }
    }
}
