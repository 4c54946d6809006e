//! The filter of lists and watches against the domain's, which other services use on what they keep of the same devices.

use std::collections::BTreeSet;

use tandem_contracts::convert::{self, enum_required};
use tandem_contracts::inventory::v1::{Device, ListDevicesRequest};
use tandem_contracts::r#type::v1::DeviceFilter;
use tandem_domain::filter::DeviceTraits;
use tonic::Code;

use crate::sandbox::*;

/// Devices that differ in everything that a filter looks at.
async fn fleet(sandbox: &mut Sandbox) -> Vec<Device> {
    sandbox
        .report(
            "configmgr/PS1",
            vec![
                discovery("PS1/1", "OSL-1", &sms(1)),
                discovery("PS1/2", "Bgo-Tür_2", &sms(2)),
                co_management("PS1/2", &guid(2)),
                discovery("PS1/3", "OSL%3", &sms(3)),
                console("PS1/3", "S3"),
            ],
        )
        .await;
    sandbox.report("configmgr/EU1", vec![discovery("EU1/4", "osl-4", &sms(4))]).await;
    let clouds = vec![managed(&guid(102), &guid(2), "S2"), managed(&guid(105), &guid(5), "S5")];
    sandbox.report("intune", clouds).await;
    sandbox.all().await
}

/// Filters of one condition and of two.
fn filters() -> Vec<DeviceFilter> {
    let all = DeviceFilter::default;
    let mut filters: Vec<DeviceFilter> =
        (0..=13).map(|state| DeviceFilter { states: vec![state], ..all() }).collect();
    for hierarchies in [vec!["PS1"], vec!["EU1"], vec!["AP1"], vec!["PS1", "EU1"]] {
        filters
            .push(DeviceFilter { hierarchies: hierarchies.into_iter().map(Into::into).collect(), ..all() });
    }
    filters.extend(["PS1", "EU1"].map(|site| DeviceFilter { sites: vec![site.into()], ..all() }));
    for source in ["configmgr/PS1", "configmgr/EU1", "intune", "entra", "probe"] {
        filters.push(DeviceFilter { sources: vec![source.into()], ..all() });
    }
    for text in ["", "osl", "OSL-", "TÜR", "%", "_", "\\", "5"] {
        filters.push(DeviceFilter { display_name_contains: text.into(), ..all() });
    }
    filters.extend((0..=4).map(|join_type| DeviceFilter { join_types: vec![join_type], ..all() }));
    filters.extend((0..=3).map(|os_kind| DeviceFilter { os_kinds: vec![os_kind], ..all() }));
    filters
        .extend([true, false].map(|installed| DeviceFilter { client_installed: Some(installed), ..all() }));
    let of_ps1 =
        filters.clone().into_iter().map(|filter| DeviceFilter { hierarchies: vec!["PS1".into()], ..filter });
    filters.extend(of_ps1.collect::<Vec<_>>());
    filters
}

fn taken_by_the_domain(filter: &DeviceFilter, devices: &[Device]) -> BTreeSet<String> {
    let filter = convert::filter::from_proto(filter).unwrap();
    let search = filter.name_search();
    let taken = devices.iter().filter(|device| {
        let facts = convert::facts::from_proto(device.facts.clone().unwrap()).unwrap();
        let traits = DeviceTraits::of(&facts, enum_required("state", device.state).unwrap());
        let name = facts.name.map(|name| name.value).unwrap_or_default();
        filter.takes(&traits) && search.as_ref().is_none_or(|search| search.takes(&name))
    });
    taken.map(|device| device.name.clone()).collect()
}

pub(crate) async fn filter_takes_the_devices_that_the_domain_takes() {
    let mut sandbox = Sandbox::start().await;
    let devices = fleet(&mut sandbox).await;
    let mut sizes = BTreeSet::new();
    for filter in filters() {
        let request = ListDevicesRequest {
            parent: "tenants/contoso".into(),
            filter: Some(filter.clone()),
            ..ListDevicesRequest::default()
        };
        let listed = sandbox.devices.list_devices(request).await.unwrap().into_inner().devices;
        let listed: BTreeSet<String> = listed.into_iter().map(|device| device.name).collect();
        assert_eq!(listed, taken_by_the_domain(&filter, &devices), "{filter:?}");
        sizes.insert(listed.len());
    }
    assert_eq!(sizes, (0..=devices.len()).collect(), "some filter takes each number of devices");
}

pub(crate) async fn filter_that_breaks_its_shape_is_refused() {
    let mut sandbox = Sandbox::start().await;
    let filter = Some(DeviceFilter { sites: vec!["PS10".into()], ..DeviceFilter::default() });
    let request = ListDevicesRequest { parent: "tenants/contoso".into(), filter, ..Default::default() };
    let error = sandbox.devices.list_devices(request).await.unwrap_err();
    assert_eq!(reason(&error), (Code::InvalidArgument, "INVALID_FIELD".into()));
    assert_eq!(error.message(), "filter.sites[0]: must be three letters or digits; found \"PS10\"");
}
