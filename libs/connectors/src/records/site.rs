//! `SMS_Site`, and what other records say of the site that keeps them.

use serde::Deserialize;
use tandem_domain::configmgr;
use tandem_domain::id::SiteCode;
use tandem_domain::site::SiteFacts;

use crate::record::{self, Fault, Needed, name};
use crate::value::Text;

/// A site.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct SiteRecord {
    site_code: Text,
    /// Empty at the top.
    reporting_site_code: Text,
    site_name: Text,
    version: Text,
}

impl SiteRecord {
    /// The facts that the class carries.
    ///
    /// # Errors
    /// No site code, or none of its shape.
    pub(crate) fn facts(self, notes: &mut Vec<Fault>) -> Result<SiteFacts, Fault> {
        const CODE: &str = "SiteCode";
        let code = self
            .site_code
            .0
            .ok_or_else(|| Fault::missing(Needed { members: &[CODE], what: "the site's code" }))?;
        if let Some(version) = self.version.0.as_deref().filter(|version| configmgr::era(version).is_none()) {
            record::version(Some(version), "5.00.9141.1000", "Version", notes);
        }
        let site = SiteCode::parse(&code).map_err(|error| Fault::new(CODE, error.to_string()))?;
        Ok(SiteFacts {
            parent: name(self.reporting_site_code.0.as_deref(), "ReportingSiteCode", notes),
            name: self.site_name.0,
            version: self.version.0,
            ..SiteFacts::unknown(site)
        })
    }
}

/// What any record may say of its provider's site.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SiteEvidence {
    #[serde(rename = "SiteCode")]
    site_code: Text,
    #[serde(rename = "SMSAssignedSites")]
    assigned: Option<Vec<Text>>,
    /// `root\sms\site_PS1`: the wmi route repeats it in every record.
    #[serde(rename = "__NAMESPACE")]
    namespace: Text,
}

impl SiteEvidence {
    /// `SiteCode`: the site that the record belongs to.
    pub(crate) fn site_code(&self) -> Option<SiteCode> {
        SiteCode::parse(self.site_code.0.as_deref()?).ok()
    }

    /// The site whose provider answered.
    pub(crate) fn namespace(&self) -> Option<SiteCode> {
        let (_, code) = self.namespace.0.as_deref()?.rsplit_once("site_")?;
        SiteCode::parse(code).ok()
    }

    /// The first assigned site.
    pub(crate) fn assigned(&self) -> Option<SiteCode> {
        SiteCode::parse(self.assigned.as_ref()?.first()?.0.as_deref()?).ok()
    }
}
