//! What requests ask for, checked against the contract's shapes.

use jiff::{SignedDuration, Timestamp};
use tandem_contracts::convert::time;
use tandem_contracts::prerequisites::v1;
use tandem_contracts::r#type::v1::DeviceFilter;
use tandem_domain::id::{DeviceId, HierarchyId, InvalidId, SiteCode, TenantId};
use tandem_domain::prerequisites::{Path, Scope};
use tandem_server::failure::{Failure, FieldViolation};
use tandem_server::names;

use super::convert;

/// The paths of a request that names none: those that every device is asked about. The other two are profiles that an
/// organisation opts into.
pub(crate) const DEFAULT_PATHS: [Path; 3] = [Path::Path1, Path::Path2, Path::Coexistence];

/// Most paths of a request: as many as there are.
const MOST_PATHS: usize = Path::ALL.len();

/// Most names of a batch: as many devices as a page has.
const MOST_NAMES: usize = names::MAX_PAGE_SIZE;

const DEVICE: &str = "tenants/{t}/devices/{d}";
const HIERARCHY: &str = "tenants/{t}/hierarchies/{h}";
const SITE: &str = "tenants/{t}/hierarchies/{h}/sites/{s}";

/// The tenant of a name such as `tenants/{t}`.
pub(crate) fn tenant(field: &str, name: &str) -> Result<TenantId, Failure> {
    let [tenant] = names::parse(field, names::TenantName::PATTERN, name)?;
    id(field, TenantId::parse(tenant))
}

/// The tenant of a device's name.
pub(crate) fn tenant_of_device(field: &str, name: &str) -> Result<TenantId, Failure> {
    let [tenant, device] = names::parse(field, DEVICE, name)?;
    id(field, DeviceId::parse(device))?;
    id(field, TenantId::parse(tenant))
}

/// A site's name, taken apart.
pub(crate) fn site(field: &str, name: &str) -> Result<(TenantId, HierarchyId, SiteCode), Failure> {
    let [tenant, hierarchy, site] = names::parse(field, SITE, name)?;
    let tenant = id(field, TenantId::parse(tenant))?;
    let hierarchy = id(field, HierarchyId::parse(hierarchy))?;
    Ok((tenant, hierarchy, id(field, SiteCode::parse(site))?))
}

/// A hierarchy's name, taken apart.
pub(crate) fn hierarchy(field: &str, name: &str) -> Result<(TenantId, HierarchyId), Failure> {
    let [tenant, hierarchy] = names::parse(field, HIERARCHY, name)?;
    Ok((id(field, TenantId::parse(tenant))?, id(field, HierarchyId::parse(hierarchy))?))
}

/// The hierarchies that a filter names.
pub(crate) fn hierarchies(filter: Option<&DeviceFilter>) -> Result<Vec<HierarchyId>, Failure> {
    let named = filter.map(|filter| filter.hierarchies.as_slice()).unwrap_or_default();
    let parse =
        |(at, text): (usize, &String)| id(&format!("filter.hierarchies[{at}]"), HierarchyId::parse(text));
    named.iter().enumerate().map(parse).collect()
}

fn id<T>(field: &str, parsed: Result<T, InvalidId>) -> Result<T, Failure> {
    parsed.map_err(|invalid| Failure::field(field, invalid.to_string()))
}

/// Checks the names of a batch: devices of that tenant, not too many. Every wrong one is named.
pub(crate) fn device_names(parent: &TenantId, device_names: &[String]) -> Result<(), Failure> {
    at_most("names", device_names.len(), MOST_NAMES)?;
    let mut violations = Vec::new();
    for (index, name) in device_names.iter().enumerate() {
        let field = format!("names[{index}]");
        match tenant_of_device(&field, name) {
            Ok(tenant) if tenant == *parent => {}
            Ok(tenant) => violations.push(FieldViolation {
                field,
                description: format!("must be a device of tenants/{parent}; found one of tenants/{tenant}"),
            }),
            Err(Failure::InvalidFields(found)) => violations.extend(found),
            Err(other) => return Err(other),
        }
    }
    if violations.is_empty() { Ok(()) } else { Err(Failure::InvalidFields(violations)) }
}

/// Checks how many entries a list has.
pub(crate) fn at_most(field: &str, found: usize, most: usize) -> Result<(), Failure> {
    match found <= most {
        true => Ok(()),
        false => Err(Failure::field(field, format!("must have at most {most} entries; found {found}"))),
    }
}

/// Most names of a batch in the whole view: an answer says much of each.
const MOST_NAMES_WHOLE: usize = 100;

/// Checks how many devices are asked about in the whole view.
pub(crate) fn at_most_in_whole_view(found: usize) -> Result<(), Failure> {
    match found <= MOST_NAMES_WHOLE {
        true => Ok(()),
        false => Err(Failure::field(
            "names",
            format!("must have at most {MOST_NAMES_WHOLE} entries in the whole view; found {found}"),
        )),
    }
}

/// The paths asked for, each once, in the order asked for. None, and each that is unspecified: [`DEFAULT_PATHS`].
pub(crate) fn paths(numbers: &[i32]) -> Result<Vec<Path>, Failure> {
    if numbers.is_empty() {
        return Ok(DEFAULT_PATHS.to_vec());
    }
    at_most("paths", numbers.len(), MOST_PATHS)?;
    let mut paths = Vec::with_capacity(MOST_PATHS);
    for (index, number) in numbers.iter().enumerate() {
        let asked = path(&format!("paths[{index}]"), *number)?;
        let asked = asked.map_or(DEFAULT_PATHS.to_vec(), |path| vec![path]);
        for path in asked {
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
    }
    Ok(paths)
}

/// The path of a number; `None`: unspecified.
pub(crate) fn path(field: &str, number: i32) -> Result<Option<Path>, Failure> {
    v1::Path::try_from(number).map(convert::path_asked).map_err(|_| unknown(field, number))
}

/// The scope of a number; `None`: unspecified.
pub(crate) fn scope(field: &str, number: i32) -> Result<Option<Scope>, Failure> {
    v1::Scope::try_from(number).map(convert::scope_asked).map_err(|_| unknown(field, number))
}

/// The moment to judge at: the one asked for, else `now`.
pub(crate) fn moment(
    field: &str,
    asked: Option<prost_types::Timestamp>,
    now: Timestamp,
) -> Result<Timestamp, Failure> {
    let Some(asked) = asked else { return Ok(now) };
    time::from_proto(field, asked)
        .map_err(|violation| Failure::field(&violation.field, violation.description.clone()))
}

/// Whether the whole view is asked for.
pub(crate) fn is_whole(number: i32) -> Result<bool, Failure> {
    match v1::View::try_from(number) {
        Ok(v1::View::Unspecified | v1::View::Basic) => Ok(false),
        Ok(v1::View::Whole) => Ok(true),
        Err(_) => Err(unknown("view", number)),
    }
}

/// Days between two points of a forecast that says nothing of it.
const DEFAULT_STEP_DAYS: i32 = 30;
/// Most days between two points of a forecast.
const MOST_STEP_DAYS: i32 = 366;
/// Most points of a forecast.
const MOST_POINTS: usize = 400;
/// The longest forecast, ten years.
const LONGEST_FORECAST: SignedDuration = SignedDuration::from_hours(24 * 3653);

/// The moments of a forecast: from the first, a step apart, and the last.
pub(crate) fn moments(request: &v1::ForecastFleetRequest, now: Timestamp) -> Result<Vec<Timestamp>, Failure> {
    // Nobody asks for a fraction of a second of now.
    let from = moment("from", request.from, Timestamp::from_second(now.as_second()).unwrap_or(now))?;
    let until = match request.until {
        Some(_) => moment("until", request.until, now)?,
        None => return Err(Failure::field("until", "must be set: the last moment of the forecast")),
    };
    if until <= from || until.duration_since(from) > LONGEST_FORECAST {
        let expected =
            format!("must be later than the first moment, {from}, by at most ten years; found {until}");
        return Err(Failure::field("until", expected));
    }
    let days = match request.step_days {
        0 => DEFAULT_STEP_DAYS,
        days @ 1..=MOST_STEP_DAYS => days,
        found => {
            return Err(Failure::field("step_days", format!("must be 0 to {MOST_STEP_DAYS}; found {found}")));
        }
    };
    let step = SignedDuration::from_hours(24 * i64::from(days));
    let mut moments: Vec<Timestamp> = std::iter::successors(Some(from), |at| at.checked_add(step).ok())
        .take_while(|at| *at < until)
        .collect();
    moments.push(until);
    if moments.len() > MOST_POINTS {
        let found = moments.len();
        return Err(Failure::field(
            "step_days",
            format!("must make at most {MOST_POINTS} points; {days} days make {found}"),
        ));
    }
    Ok(moments)
}

pub(crate) fn unknown(field: &str, number: i32) -> Failure {
    Failure::field(field, format!("must be a value of the enumeration; found the unknown number {number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(paths: &[v1::Path]) -> Vec<i32> {
        paths.iter().map(|path| (*path).into()).collect()
    }

    fn violations<T: std::fmt::Debug>(refused: Result<T, Failure>) -> Vec<String> {
        match refused.unwrap_err() {
            Failure::InvalidFields(found) => found.iter().map(ToString::to_string).collect(),
            other => panic!("expected violations, found {other:?}"),
        }
    }

    #[test]
    fn request_without_paths_asks_for_the_three_of_every_device() {
        assert_eq!(paths(&[]).unwrap(), [Path::Path1, Path::Path2, Path::Coexistence]);
        assert_eq!(paths(&[0]).unwrap(), [Path::Path1, Path::Path2, Path::Coexistence]);
    }

    #[test]
    fn path_asked_for_twice_is_judged_once_where_it_came_first() {
        let asked =
            numbers(&[v1::Path::Autopatch, v1::Path::Path2, v1::Path::Unspecified, v1::Path::Autopatch]);
        assert_eq!(paths(&asked).unwrap(), [Path::Autopatch, Path::Path2, Path::Path1, Path::Coexistence]);
    }

    #[test]
    fn paths_that_are_unknown_or_too_many_are_refused() {
        assert_eq!(
            violations(paths(&[1, 77])),
            ["paths[1]: must be a value of the enumeration; found the unknown number 77"]
        );
        assert_eq!(violations(paths(&[1; 6])), ["paths: must have at most 5 entries; found 6"]);
    }

    #[test]
    fn names_of_a_batch_that_are_wrong_are_all_named() {
        let contoso = TenantId::parse("contoso").unwrap();
        let names = ["tenants/contoso/devices/d-1", "tenants/fabrikam/devices/d-2", "d-3"].map(String::from);
        assert_eq!(
            violations(device_names(&contoso, &names)),
            [
                "names[1]: must be a device of tenants/contoso; found one of tenants/fabrikam",
                "names[2]: expected `tenants/{t}/devices/{d}`, found `d-3`",
            ]
        );
        let many = vec![names[0].clone(); 1001];
        assert_eq!(
            violations(device_names(&contoso, &many)),
            ["names: must have at most 1000 entries; found 1001"]
        );
        assert!(device_names(&contoso, &many[..1000]).is_ok());
    }

    #[test]
    fn site_of_a_name_is_taken_apart_and_its_code_checked() {
        let (tenant, hierarchy, code) = site("name", "tenants/contoso/hierarchies/PS1/sites/PS2").unwrap();
        assert_eq!((tenant.as_str(), hierarchy.as_str(), code.as_str()), ("contoso", "PS1", "PS2"));
        assert_eq!(
            violations(site("name", "tenants/contoso/hierarchies/PS1/sites/PS22")),
            ["name: site code must be three letters or digits; found \"PS22\""]
        );
    }
}
