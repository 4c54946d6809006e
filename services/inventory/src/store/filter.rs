//! A device filter as a condition on the device table: one place serves lists, watches and collection rules. It takes the same
//! devices as `tandem_domain::filter`, which the services use that keep devices in memory.

use prost::Message;
use sea_orm::sea_query::{Expr, ExprTrait, LikeExpr, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter};
use tandem_contracts::r#type::v1::DeviceFilter;
use tandem_domain::filter::folded;
use tandem_server::failure::Failure;
use tandem_server::names::{self, TenantName};

use super::entity::{collection, device, member, own_member, record};

/// A collection as a filter names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CollectionName {
    /// The hierarchy; empty for Tandem's own.
    pub(crate) hierarchy: String,
    /// The id.
    pub(crate) collection: String,
}

impl CollectionName {
    /// Reads `tenants/{t}/collections/{c}` or `tenants/{t}/hierarchies/{h}/collections/{c}`; answers the tenant too.
    pub(crate) fn parse(field: &str, name: &str) -> Result<(String, Self), Failure> {
        if name.split('/').nth(2) == Some("hierarchies") {
            let [tenant, hierarchy, collection] =
                names::parse(field, "tenants/{t}/hierarchies/{h}/collections/{c}", name)?;
            Ok((
                tenant.to_owned(),
                Self { hierarchy: hierarchy.to_owned(), collection: collection.to_owned() },
            ))
        } else {
            let [tenant, collection] = names::parse(field, "tenants/{t}/collections/{c}", name)?;
            Ok((tenant.to_owned(), Self { hierarchy: String::new(), collection: collection.to_owned() }))
        }
    }
}

/// The condition that a device row meets exactly if the filter takes the device.
pub(crate) async fn condition(
    connection: &impl ConnectionTrait,
    tenant: &str,
    filter: &DeviceFilter,
) -> Result<Condition, Failure> {
    let mut all = plain_conditions(tenant, filter);
    if !filter.collections.is_empty() {
        let mut any = Condition::any();
        for name in &filter.collections {
            let (named_tenant, name) = CollectionName::parse("filter.collections", name)?;
            if named_tenant != tenant {
                return Err(Failure::field(
                    "filter.collections",
                    format!("expected a collection of tenants/{tenant}"),
                ));
            }
            any = any.add(membership(connection, tenant, &name).await?);
        }
        all = all.add(any);
    }
    Ok(all)
}

/// The condition that a device row meets exactly if the caller who named the tenant reaches the device.
pub(crate) async fn reached(
    connection: &impl ConnectionTrait,
    tenant: &TenantName,
) -> Result<Condition, Failure> {
    let Some(parts) = tenant.reach().parts() else { return Ok(Condition::all()) };
    // Without parts nothing is reached.
    let mut any = Condition::any().add(nothing());
    for part in parts {
        let filter = DeviceFilter {
            hierarchies: part.hierarchies.iter().cloned().collect(),
            collections: part.collections.iter().map(|name| format!("{tenant}/{name}")).collect(),
            ..DeviceFilter::default()
        };
        any = any.add(condition(connection, tenant.id(), &filter).await?);
    }
    Ok(any)
}

/// Everything but collections.
fn plain_conditions(tenant: &str, filter: &DeviceFilter) -> Condition {
    let mut all = Condition::all();
    // The unspecified state stands for any.
    if !filter.states.is_empty() && !filter.states.contains(&0) {
        all = all.add(device::Column::State.is_in(filter.states.iter().copied()));
    }
    if !filter.hierarchies.is_empty() {
        all = all.add(device::Column::Hierarchy.is_in(filter.hierarchies.iter().map(String::as_str)));
    }
    if !filter.sites.is_empty() {
        all = all.add(device::Column::Site.is_in(filter.sites.iter().map(String::as_str)));
    }
    if !filter.join_types.is_empty() {
        all = all.add(device::Column::JoinType.is_in(filter.join_types.iter().copied()));
    }
    if !filter.os_kinds.is_empty() {
        all = all.add(device::Column::OsKind.is_in(filter.os_kinds.iter().copied()));
    }
    if let Some(installed) = filter.client_installed {
        all = all.add(device::Column::Client.eq(client_column(Some(installed))));
    }
    if !filter.display_name_contains.is_empty() {
        let sought = folded(&filter.display_name_contains);
        let escaped = sought.replace('!', "!!").replace('%', "!%").replace('_', "!_");
        let pattern = LikeExpr::new(format!("%{escaped}%")).escape('!');
        all = all.add(Expr::col((device::Entity, device::Column::FoldedName)).like(pattern));
    }
    if !filter.sources.is_empty() {
        let mut records = of_this_device(tenant);
        records.and_where(record::Column::Source.is_in(filter.sources.iter().map(String::as_str)));
        all = all.add(Expr::exists(records));
    }
    all
}

/// How the client column spells "installed", "not installed" and "nobody said".
pub(crate) const fn client_column(installed: Option<bool>) -> i32 {
    match installed {
        Some(true) => 1,
        Some(false) => 2,
        None => 0,
    }
}

/// Records of the device at hand, as a subquery.
fn of_this_device(tenant: &str) -> SelectStatement {
    Query::select()
        .expr(Expr::val(1))
        .from(record::Entity)
        .and_where(record::Column::Tenant.eq(tenant))
        .and_where(
            Expr::col((record::Entity, record::Column::Device))
                .equals((device::Entity, device::Column::Device)),
        )
        .to_owned()
}

/// Never met.
fn nothing() -> Expr {
    Expr::val(1).eq(0)
}

/// The device at hand is in that collection. A collection that nobody made has no members.
async fn membership(
    connection: &impl ConnectionTrait,
    tenant: &str,
    name: &CollectionName,
) -> Result<Condition, Failure> {
    let Some(row) = collection::Entity::find()
        .filter(collection::Column::Tenant.eq(tenant))
        .filter(collection::Column::Hierarchy.eq(name.hierarchy.as_str()))
        .filter(collection::Column::Collection.eq(name.collection.as_str()))
        .one(connection)
        .await?
    else {
        return Ok(Condition::any().add(nothing()));
    };
    members_of(tenant, &row)
}

/// The device at hand is a member of that collection.
pub(crate) fn members_of(tenant: &str, row: &collection::Model) -> Result<Condition, Failure> {
    if !row.hierarchy.is_empty() {
        let mut records = of_this_device(tenant);
        let members = Query::select()
            .column(member::Column::RecordNo)
            .from(member::Entity)
            .and_where(member::Column::Tenant.eq(tenant))
            .and_where(member::Column::CollectionNo.eq(row.collection_no))
            .to_owned();
        records.and_where(Expr::col((record::Entity, record::Column::RecordNo)).in_subquery(members));
        return Ok(Condition::any().add(Expr::exists(records)));
    }
    let named = Query::select()
        .column(own_member::Column::Device)
        .from(own_member::Entity)
        .and_where(own_member::Column::Tenant.eq(tenant))
        .and_where(own_member::Column::CollectionNo.eq(row.collection_no))
        .to_owned();
    let mut any =
        Condition::any().add(Expr::col((device::Entity, device::Column::Device)).in_subquery(named));
    if let Some(rule) = &row.rule {
        let rule = DeviceFilter::decode(rule.as_slice()).map_err(Failure::internal)?;
        any = any.add(plain_conditions(tenant, &rule));
    }
    Ok(any)
}
