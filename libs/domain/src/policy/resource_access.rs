//! Where the slider of resource access can stand, by the versions of a hierarchy's sites.

use crate::authority::resource_access_fixed;
use crate::configmgr::era;
use crate::site::SiteFacts;

/// What the versions of a hierarchy's sites say of the slider of resource access
/// (`workloads.toml resource_access_policies.forced_to_intune_since_site_version`).
///
/// The newest site decides: the fact names one version for one slider, and with sites of two versions the newer console no
/// longer offers it \[derived\].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceAccessSlider {
    /// Every site is known to be older than 2403.
    Movable,
    /// A site is of version 2403 or later.
    FixedAtIntune {
        /// The newest version, as given.
        version: String,
    },
    /// No site of 2403 or later is known, and the version of one is not, or no site is.
    Unknown,
}

impl ResourceAccessSlider {
    /// It is known to be fixed at Intune.
    #[must_use]
    pub const fn is_fixed(&self) -> bool {
        matches!(self, Self::FixedAtIntune { .. })
    }

    /// What the sites of one hierarchy say.
    #[must_use]
    pub fn of<'a>(sites: impl IntoIterator<Item = &'a SiteFacts>) -> Self {
        let sites: Vec<&SiteFacts> = sites.into_iter().collect();
        let newest = sites.iter().filter_map(|site| site.version.as_deref()).max_by_key(|text| era(text));
        let is = |answer| move |site: &&SiteFacts| resource_access_fixed(Some(site)) == answer;
        match newest {
            Some(version) if sites.iter().any(is(Some(true))) => {
                Self::FixedAtIntune { version: version.to_owned() }
            }
            Some(_) if sites.iter().all(is(Some(false))) => Self::Movable,
            _ => Self::Unknown,
        }
    }
}
