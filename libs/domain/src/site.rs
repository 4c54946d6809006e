//! Facts about a Configuration Manager site. Every field: `None` is "nobody said".
//!
//! Fact ids and their sources: `data/prerequisites.toml`, `site.…`. What the co-management object says is in
//! [`crate::policy`].

use serde::{Deserialize, Serialize};

use crate::id::SiteCode;

/// How clients prove themselves to the site over the internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// Entra ID.
    Entra,
    /// Certificates of an own PKI.
    Pki,
    /// Site-issued tokens.
    Token,
}

/// What is known of one site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteFacts {
    /// Its code.
    pub site: SiteCode,
    /// The site above it; unset for the top site.
    #[serde(default)]
    pub parent: Option<SiteCode>,
    /// Its display name.
    #[serde(default)]
    pub name: Option<String>,
    /// `site.version`: a version such as `2509` or a build such as `5.00.9141.1000`.
    #[serde(default)]
    pub version: Option<String>,
    /// `site.entra_onboarded`.
    #[serde(default)]
    pub entra_onboarded: Option<bool>,
    /// `site.cmg_present`.
    #[serde(default)]
    pub cmg_present: Option<bool>,
    /// `site.enhanced_http_or_https`.
    #[serde(default)]
    pub enhanced_http_or_https: Option<bool>,
    /// `site.mp_accepts_cmg`.
    #[serde(default)]
    pub mp_accepts_cmg: Option<bool>,
    /// `site.client_setting_register_entra`.
    #[serde(default)]
    pub client_setting_register_entra: Option<bool>,
    /// `site.client_setting_software_updates`.
    #[serde(default)]
    pub client_setting_software_updates: Option<bool>,
    /// `site.ccmsetup_command_line`.
    #[serde(default)]
    pub ccmsetup_command_line: Option<String>,
    /// `site.client_auth`.
    #[serde(default)]
    pub client_auth: Option<ClientAuth>,
}

impl SiteFacts {
    /// A site of which nothing but the code is known.
    #[must_use]
    pub const fn unknown(site: SiteCode) -> Self {
        Self {
            site,
            parent: None,
            name: None,
            version: None,
            entra_onboarded: None,
            cmg_present: None,
            enhanced_http_or_https: None,
            mp_accepts_cmg: None,
            client_setting_register_entra: None,
            client_setting_software_updates: None,
            ccmsetup_command_line: None,
            client_auth: None,
        }
    }
}

/// A hierarchy's top site: the only one of its sites that reports to no other. `None`: none is, or several may be \[derived\].
pub fn top<'a>(sites: impl IntoIterator<Item = &'a SiteFacts>) -> Option<&'a SiteFacts> {
    let mut tops = sites.into_iter().filter(|site| site.parent.is_none());
    let top = tops.next()?;
    tops.next().is_none().then_some(top)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(code: &str, parent: Option<&str>) -> SiteFacts {
        let parsed = |code: &str| SiteCode::parse(code).unwrap();
        SiteFacts { parent: parent.map(parsed), ..SiteFacts::unknown(parsed(code)) }
    }

    #[test]
    fn top_site_is_the_only_one_without_a_parent() {
        let (central, primary, other) = (site("CAS", None), site("PS1", Some("CAS")), site("PS2", None));
        assert_eq!(top([&primary, &central]), Some(&central));
        assert_eq!(top([&central, &other]), None);
        assert_eq!(top([&primary]), None);
        assert_eq!(top([]), None);
    }
}
