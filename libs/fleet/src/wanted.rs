//! Whose devices a request asks about, within what its caller may see.

use std::collections::BTreeSet;

use tandem_contracts::convert::{Violation, filter};
use tandem_contracts::r#type::v1;
use tandem_domain::filter::DeviceFilter;
use tandem_domain::id::HierarchyId;
use tandem_server::failure::{Failure, FieldViolation};
use tandem_server::grant::Scope;
use tandem_server::names::{self, TenantName};

/// Which devices a reader asks about.
#[derive(Debug)]
pub struct Wanted {
    /// What they are.
    pub filter: DeviceFilter,
    /// Names of collections, of any of which they are members. Empty: whatever they are members of.
    pub collections: BTreeSet<String>,
    /// Whom the reader may see. `None`: everybody.
    pub reached: Option<Vec<Part>>,
}

/// A part of a tenant.
#[derive(Debug)]
pub struct Part {
    /// The hierarchies whose devices are in it.
    pub hierarchies: DeviceFilter,
    /// Names of collections, of any of which they are members. Empty: whatever they are members of.
    pub collections: BTreeSet<String>,
}

impl Wanted {
    /// What the field `filter` of a request about that tenant asks for, of what its caller may see.
    ///
    /// # Errors
    /// The filter breaks the contract, or names a collection of another tenant.
    pub fn of(tenant: &TenantName, filter: &v1::DeviceFilter) -> Result<Self, Failure> {
        let conditions = filter::from_proto(filter).map_err(|violations| {
            let violations = violations.into_iter().map(|violation| violation.under("filter"));
            let violations = violations
                .map(|Violation { field, description }| FieldViolation { field, description })
                .collect();
            Failure::InvalidFields(violations)
        })?;
        for (at, name) in filter.collections.iter().enumerate() {
            check_collection(tenant, &format!("filter.collections[{at}]"), name)?;
        }
        let collections = filter.collections.iter().cloned().collect();
        Ok(Self { filter: conditions, collections, reached: reached(tenant) })
    }
}

/// Whom the reader may see.
fn reached(tenant: &TenantName) -> Option<Vec<Part>> {
    let part = |part: &Scope| {
        // What can be no hierarchy's id has no devices; a part of such alone has none.
        let hierarchies: Vec<_> =
            part.hierarchies.iter().filter_map(|id| HierarchyId::parse(id).ok()).collect();
        if hierarchies.is_empty() && !part.hierarchies.is_empty() {
            return None;
        }
        let collections = part.collections.iter().map(|name| format!("{tenant}/{name}")).collect();
        let hierarchies = DeviceFilter { hierarchies, ..Default::default() };
        Some(Part { hierarchies, collections })
    };
    Some(tenant.reach().parts()?.iter().filter_map(part).collect())
}

/// Refuses a name that is no collection's of the tenant.
fn check_collection(tenant: &TenantName, field: &str, name: &str) -> Result<(), Failure> {
    let of = if name.split('/').nth(2) == Some("hierarchies") {
        let [of, _, _] = names::parse(field, "tenants/{t}/hierarchies/{h}/collections/{c}", name)?;
        of
    } else {
        let [of, _] = names::parse(field, "tenants/{t}/collections/{c}", name)?;
        of
    };
    if of == tenant.id() {
        return Ok(());
    }
    Err(Failure::field(field, format!("expected a collection of {tenant}")))
}
