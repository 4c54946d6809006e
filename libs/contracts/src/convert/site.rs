//! Facts about a site. Its code comes from outside: it is part of the site's name.

use tandem_domain::id::SiteCode;
use tandem_domain::site::SiteFacts;

use super::field::Field;
use super::{Violation, Violations};
use crate::r#type::v1;

/// The facts as a message, without the site's code.
#[must_use]
pub fn to_proto(facts: &SiteFacts) -> v1::SiteFacts {
    v1::SiteFacts {
        parent: Field::write(facts.parent.as_ref()),
        display_name: facts.name.clone(),
        version: facts.version.clone(),
        entra_onboarded: facts.entra_onboarded,
        cmg_present: facts.cmg_present,
        enhanced_http_or_https: facts.enhanced_http_or_https,
        mp_accepts_cmg: facts.mp_accepts_cmg,
        client_setting_register_entra: facts.client_setting_register_entra,
        client_setting_software_updates: facts.client_setting_software_updates,
        ccmsetup_command_line: facts.ccmsetup_command_line.clone(),
        client_auth: Field::write(facts.client_auth.as_ref()),
    }
}

/// The facts of a message about that site.
///
/// # Errors
/// Every field that breaks its documented shape.
pub fn from_proto(message: v1::SiteFacts, site: SiteCode) -> Result<SiteFacts, Vec<Violation>> {
    let mut violations = Violations::new();
    let facts = SiteFacts {
        site,
        parent: violations.field("parent", message.parent),
        name: violations.field("display_name", message.display_name),
        version: violations.field("version", message.version),
        entra_onboarded: message.entra_onboarded,
        cmg_present: message.cmg_present,
        enhanced_http_or_https: message.enhanced_http_or_https,
        mp_accepts_cmg: message.mp_accepts_cmg,
        client_setting_register_entra: message.client_setting_register_entra,
        client_setting_software_updates: message.client_setting_software_updates,
        ccmsetup_command_line: violations.field("ccmsetup_command_line", message.ccmsetup_command_line),
        client_auth: violations.field("client_auth", message.client_auth),
    };
    violations.finish(Some(facts))
}
