//! What a person may do, and what they lack: from what the request tells of them.

use jiff::Timestamp;
use tandem_contracts::prerequisites::v1;
use tandem_domain::facts::DeviceFacts;
use tandem_domain::id::{HierarchyId, SiteCode, TenantId};
use tandem_domain::prerequisites::{
    Action, ActionCheck, Actor, HeldRole, License, Path, PerUserMfa, Report, Standing, UserCheck, UserFacts,
    actions,
};
use tandem_domain::site::SiteFacts;
use tandem_domain::tenant::TenantFacts;
use tandem_server::failure::{Failure, FieldViolation};

use super::{convert, request};

/// Most roles of a person.
const MOST_ROLES: usize = 100;
/// Most licences of a person.
const MOST_LICENSES: usize = 20;

/// Of whom a request speaks, and where.
#[derive(Debug)]
pub(crate) struct Asked {
    user: UserFacts,
    actor: Actor,
    paths: Vec<Path>,
    /// The site that they act at.
    pub(crate) site: Option<(HierarchyId, SiteCode)>,
}

/// Reads a request. Device and site must be the tenant's own.
pub(crate) fn asked(tenant: &TenantId, request: &v1::CheckPersonRequest) -> Result<Asked, Failure> {
    let own = |field: &str, found: &TenantId| match found == tenant {
        true => Ok(()),
        false => {
            Err(Failure::field(field, format!("must be of tenants/{tenant}; found one of tenants/{found}")))
        }
    };
    if !request.device.is_empty() {
        own("device", &request::tenant_of_device("device", &request.device)?)?;
    }
    let site = match request.site.is_empty() {
        true => None,
        false => {
            let (of, hierarchy, code) = request::site("site", &request.site)?;
            own("site", &of)?;
            Some((hierarchy, code))
        }
    };
    let person = request.person.clone().unwrap_or_default();
    let paths = request::paths(&request.paths)?;
    Ok(Asked { actor: actor(&person)?, user: user(&person)?, paths, site })
}

fn actor(person: &v1::Person) -> Result<Actor, Failure> {
    let Some(held) = &person.roles else { return Ok(Actor { entra_user: person.entra_user, roles: None }) };
    request::at_most("person.roles.roles", held.roles.len(), MOST_ROLES)?;
    let mut violations = Vec::new();
    let mut roles = Vec::with_capacity(held.roles.len());
    for (index, held) in held.roles.iter().enumerate() {
        match held.role.parse() {
            Ok(role) => roles.push(HeldRole { role, all_scopes: held.all_scopes }),
            Err(invalid) => violations.push(FieldViolation {
                field: format!("person.roles.roles[{index}].role"),
                description: format!("{invalid}"),
            }),
        }
    }
    match violations.is_empty() {
        true => Ok(Actor { entra_user: person.entra_user, roles: Some(roles) }),
        false => Err(Failure::InvalidFields(violations)),
    }
}

fn user(person: &v1::Person) -> Result<UserFacts, Failure> {
    let per_user_mfa = match v1::PerUserMfa::try_from(person.per_user_mfa) {
        Ok(v1::PerUserMfa::Unspecified) => None,
        Ok(v1::PerUserMfa::Disabled) => Some(PerUserMfa::Disabled),
        Ok(v1::PerUserMfa::Enabled) => Some(PerUserMfa::Enabled),
        Ok(v1::PerUserMfa::Enforced) => Some(PerUserMfa::Enforced),
        Err(_) => return Err(request::unknown("person.per_user_mfa", person.per_user_mfa)),
    };
    let intune_license = match &person.licenses {
        Some(held) => Some(licenses(&held.licenses)?.into_iter().any(License::contains_intune)),
        None => None,
    };
    Ok(UserFacts {
        administrator: person.administrator,
        intune_license,
        per_user_mfa,
        ca_mfa_covers_intune: person.ca_mfa_covers_intune,
        basic_mobility_devices: person.basic_mobility_devices,
    })
}

fn licenses(held: &[String]) -> Result<Vec<License>, Failure> {
    request::at_most("person.licenses.licenses", held.len(), MOST_LICENSES)?;
    let read = |(index, text): (usize, &String)| {
        License::ALL.into_iter().find(|license| license.id() == text).ok_or_else(|| {
            let words: Vec<&str> = License::ALL.iter().map(|license| license.id()).collect();
            let found: String = text.chars().take(80).collect();
            Failure::field(
                format!("person.licenses.licenses[{index}]"),
                format!("must be one of {}; found {found:?}", words.join(", ")),
            )
        })
    };
    held.iter().enumerate().map(read).collect()
}

/// What came of it; the token is the caller's to add.
pub(crate) fn judge(
    asked: &Asked,
    tenant: &TenantFacts,
    device: Option<&DeviceFacts>,
    site: Option<&SiteFacts>,
    as_of: Timestamp,
) -> v1::CheckPersonResponse {
    let user = UserCheck::new(&asked.user, tenant, device);
    let action = ActionCheck::new(&asked.actor, tenant, site, as_of);
    let reports = |report: &dyn Fn(Path) -> Report| {
        let reports: Vec<Report> = asked.paths.iter().map(|path| report(*path)).collect();
        convert::whole_reports(&reports)
    };
    v1::CheckPersonResponse {
        actions: actions().iter().map(|action| answer(action, &asked.actor)).collect(),
        user: reports(&|path| user.report(path)),
        action: reports(&|path| action.report(path)),
        consistency_token: String::new(),
    }
}

fn answer(action: &Action, actor: &Actor) -> v1::ActionAnswer {
    let (standing, lacking) = match action.standing(actor) {
        Standing::Allowed => (v1::Standing::Allowed, Vec::new()),
        Standing::Lacking(parts) => (v1::Standing::Lacking, parts),
        Standing::Unknown => (v1::Standing::Unknown, Vec::new()),
    };
    v1::ActionAnswer {
        action: action.id.clone(),
        title: action.title.clone(),
        standing: standing.into(),
        needed: action.needed(),
        lacking,
        rule: action.rule.clone().unwrap_or_default(),
        note: action.note.clone().unwrap_or_default(),
        source: action.source.clone(),
    }
}
