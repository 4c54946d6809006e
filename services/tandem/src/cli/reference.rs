//! What lies in a hierarchy, as people write it: `HIERARCHY/ID`, or the resource name; and as advices write it back.

use tandem_domain::id::{HierarchyId, TenantId};

use super::document;

/// The tenant that is asked about unless another is named.
const USUAL_TENANT: &str = "default";

/// Something of a hierarchy. Its kind has the pattern of its name, `tenants/{}/hierarchies/{}/…/{}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reference {
    Name(String),
    Short(HierarchyId, String),
}

impl Reference {
    /// Reads what people write.
    ///
    /// # Errors
    /// What was expected, and found.
    pub(super) fn parse(text: &str, pattern: &str) -> Result<Self, String> {
        if text.starts_with("tenants/") {
            return Ok(Self::Name(text.to_owned()));
        }
        match text.split_once('/') {
            Some((hierarchy, id)) if !id.is_empty() && !id.contains('/') => {
                let hierarchy = HierarchyId::parse(hierarchy).map_err(|error| error.to_string())?;
                Ok(Self::Short(hierarchy, id.to_owned()))
            }
            _ => Err(format!("expected HIERARCHY/ID or {}, found `{text}`", pattern.replace("{}", "ID"))),
        }
    }

    /// The resource name.
    pub(super) fn name(&self, tenant: &TenantId, pattern: &str) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Short(hierarchy, id) => [tenant.as_str(), hierarchy.as_str(), id]
                .iter()
                .fold(pattern.to_owned(), |name, part| name.replacen("{}", part, 1)),
        }
    }
}

/// A resource as shortly as its tenant allows.
pub(super) fn short(name: &str, pattern: &str) -> String {
    match document::ids(name, pattern) {
        Ok([tenant, hierarchy, id]) if tenant == USUAL_TENANT => format!("{hierarchy}/{id}"),
        _ => name.to_owned(),
    }
}

/// The hierarchy of a resource as verbs take it, with its tenant unless that is the usual one.
pub(super) fn hierarchy_of(name: &str, pattern: &str) -> String {
    match document::ids(name, pattern) {
        Ok([tenant, hierarchy, _]) if tenant == USUAL_TENANT => hierarchy,
        Ok([tenant, hierarchy, _]) => format!("{hierarchy} --tenant {tenant}"),
        Err(_) => "HIERARCHY".to_owned(),
    }
}

/// What a command about a tenant says of it: nothing where it is the usual one.
pub(super) fn tenant_option(tenant: &str) -> String {
    match tenant {
        USUAL_TENANT => String::new(),
        other => format!(" --tenant {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = "tenants/{}/hierarchies/{}/plans/{}";

    #[test]
    fn resource_is_told_by_the_shape_of_the_text() {
        let tenant = TenantId::parse("t").unwrap();
        let name = |text: &str| Reference::parse(text, PLAN).map(|found| found.name(&tenant, PLAN));
        assert_eq!(name("PS1/3f"), Ok("tenants/t/hierarchies/PS1/plans/3f".to_owned()));
        let full = "tenants/u/hierarchies/PS1/plans/3f";
        assert_eq!(name(full), Ok(full.to_owned()));
        for text in ["PS1", "PS1/", "PS1/plans/3f"] {
            let expected =
                format!("expected HIERARCHY/ID or tenants/ID/hierarchies/ID/plans/ID, found `{text}`");
            assert_eq!(name(text), Err(expected));
        }
        assert!(name("P S/3f").is_err());
    }

    #[test]
    fn advice_names_the_tenant_where_it_is_not_the_usual_one() {
        let (usual, other) =
            ("tenants/default/hierarchies/PS1/plans/3f", "tenants/contoso/hierarchies/PS1/plans/3f");
        assert_eq!((short(usual, PLAN), short(other, PLAN)), ("PS1/3f".to_owned(), other.to_owned()));
        let expected = ("PS1".to_owned(), "PS1 --tenant contoso".to_owned());
        assert_eq!((hierarchy_of(usual, PLAN), hierarchy_of(other, PLAN)), expected);
        assert_eq!(tenant_option("contoso"), " --tenant contoso");
        assert_eq!(tenant_option("default"), "");
    }
}
