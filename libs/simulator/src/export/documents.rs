//! What no list of devices carries: the site, and the two documents that an operator writes.

use std::fmt::Write as _;

use jiff::ToSpan;
use jiff::civil::Date;
use serde::Serialize;
use tandem_domain::policy::AutoEnrollment;
use tandem_domain::workload::{SliderPosition, Workload};

use crate::fleet::Fleet;
use crate::hierarchy::Hierarchy;
use crate::records::{AUTHORITY_INTUNE, AUTHORITY_NONE, AUTHORITY_THIRD_PARTY};

/// AdminService `wmi/SMS_Site`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SiteRow<'a> {
    #[serde(rename = "@odata.etag")]
    etag: &'a str,
    #[serde(rename = "__LAZYPROPERTIES")]
    lazy_properties: [&'static str; 0],
    #[serde(rename = "__CLASS")]
    class: &'static str,
    site_code: &'a str,
    reporting_site_code: &'static str,
    site_name: String,
    server_name: String,
    status: u32,
    #[serde(rename = "Type")]
    kind: u32,
    version: &'a str,
    build_number: Option<u32>,
}

impl<'a> SiteRow<'a> {
    pub(crate) fn of(hierarchy: &'a Hierarchy) -> Self {
        let code = hierarchy.code().as_str();
        Self {
            etag: code,
            lazy_properties: [],
            class: "SMS_Site",
            site_code: code,
            reporting_site_code: "",
            site_name: format!("Primary site {code}"),
            server_name: hierarchy.provider(),
            status: 1,
            kind: 2,
            version: hierarchy.version(),
            build_number: hierarchy.version().split('.').nth(2).and_then(|number| number.parse().ok()),
        }
    }
}

/// The co-management object of a hierarchy, as `tandem assess` reads it.
pub(crate) fn policy(hierarchy: &Hierarchy) -> String {
    let policy = hierarchy.policy();
    let mut text =
        format!("name = \"tenants/default/hierarchies/{}/coManagementPolicy\"\n", hierarchy.code());
    if let Some(enabled) = policy.enabled {
        let _ = writeln!(text, "enabled = {enabled}");
    }
    text.push_str("\n[autoEnrollment]\n");
    if let Some(mode) = policy.auto_enrollment {
        let _ = writeln!(text, "mode = \"{}\"", auto_enrollment(mode));
    }
    if let Some(collection) = &policy.auto_enrollment_collection {
        let _ = writeln!(text, "collection = \"{collection}\"");
    }
    for (workload, setting) in policy.workloads.iter() {
        let _ = write!(
            text,
            "\n[[workloads]]\nworkload = \"{}\"\nslider = \"{}\"\n",
            workload_name(workload),
            slider(setting.slider),
        );
        if let Some(collection) = &setting.pilot_collection {
            let _ = writeln!(text, "pilotCollection = \"{collection}\"");
        }
    }
    text
}

const fn auto_enrollment(mode: AutoEnrollment) -> &'static str {
    match mode {
        AutoEnrollment::None => "AUTO_ENROLLMENT_MODE_NONE",
        AutoEnrollment::Pilot => "AUTO_ENROLLMENT_MODE_PILOT",
        AutoEnrollment::All => "AUTO_ENROLLMENT_MODE_ALL",
    }
}

const fn slider(position: SliderPosition) -> &'static str {
    match position {
        SliderPosition::ConfigurationManager => "SLIDER_POSITION_CONFIGURATION_MANAGER",
        SliderPosition::PilotIntune => "SLIDER_POSITION_PILOT_INTUNE",
        SliderPosition::Intune => "SLIDER_POSITION_INTUNE",
    }
}

fn workload_name(workload: Workload) -> String {
    format!("WORKLOAD_{}", workload.id().to_uppercase())
}

/// What an operator would say of a tenant in good order; the sites' versions and the devices hold the trouble.
pub(crate) fn tenant_facts(fleet: &Fleet) -> String {
    let as_of = fleet.spec().as_of;
    let mut text = format!(
        r#"as_of = {as_of}

[tenant]
entra_plan = "p1"
intune_license_count = {licences}
unlicensed_admin_access = true
mdm_authority = "intune"
intune_subscription_state = "active"
mdm_user_scope = "all"
wip_user_scope = "none"
mdm_urls_default = true
default_enrollment_restriction_allows_windows = true
cloud = "public"
azure_subscription = true
hybrid_identity_method = "phs_sso"
entra_connect_version = "2.4.18.0"

[authority_texts]
"{AUTHORITY_INTUNE}" = "intune"
"{AUTHORITY_THIRD_PARTY}" = "third_party"
"{AUTHORITY_NONE}" = "none"
"#,
        licences = fleet.spec().devices,
    );
    for rule in ["lic.configmgr_rights", "cm.resource_access_policies_removed"] {
        let _ = write!(
            text,
            "\n[attestations.\"{rule}\"]\nattested = true\nby = \"erin@example.com\"\nat = {}T09:00:00Z\n",
            attested_on(as_of),
        );
    }
    for hierarchy in fleet.hierarchies() {
        text.push_str(&site_facts(hierarchy));
    }
    text
}

/// Some weeks before the exports.
fn attested_on(as_of: Date) -> Date {
    as_of.checked_sub(50.days()).unwrap_or(as_of)
}

fn site_facts(hierarchy: &Hierarchy) -> String {
    let code = hierarchy.code();
    format!(
        r#"
[[sites]]
hierarchy = "{code}"
site = "{code}"
entra_onboarded = true
cmg_present = true
enhanced_http_or_https = true
mp_accepts_cmg = true
client_setting_register_entra = true
client_setting_software_updates = false
ccmsetup_command_line = "CCMHOSTNAME=cmg.example.com/CCM_Proxy_MutualAuth/72057594037928694 SMSSITECODE={code}"
client_auth = "entra"
"#
    )
}
