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
