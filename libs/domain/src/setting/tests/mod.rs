//! Expected values are written from `data/workloads.toml` and states.md 7 and 8.

mod kinds;
mod on_device;

use proptest::prelude::*;
use proptest::sample::select;

use super::Applicability::{Applies, Depends, DoesNotApply};
use super::*;
use crate::authority::strategies::{World, co_managed_client, device_facts, said, setting, world};
use crate::authority::{Reason, effective_authority};
use crate::facts::{DeviceFacts, OsKind, OsVersion};
use crate::workload::ManagementAuthority::{ConfigurationManager, Intune, ThirdPartyMdm, Unknown};
use crate::workload::Workload::*;
use crate::workload::{ManagementAuthority, SliderPosition, Workload};

/// A site whose hierarchy moved those workloads.
fn moved(workloads: &[Workload]) -> World {
    workloads.iter().fold(World::with_site_version(Some("2309")), |world, &workload| {
        world.slider(workload, setting(SliderPosition::Intune, None))
    })
}

fn kind(id: &str) -> &'static SettingKind {
    resolve_setting(id).unwrap()
}

fn ask(id: &str, facts: &DeviceFacts, world: &World) -> SettingOnDevice {
    let authority = effective_authority(facts, &world.surroundings());
    setting_on_device(kind(id), &authority, facts, world.site.as_ref())
}

/// Holder and second manager on an ordinary co-managed device.
fn holders(id: &str, world: &World) -> (ManagementAuthority, Option<ManagementAuthority>) {
    let answer = ask(id, &co_managed_client(), world);
    (answer.holder, answer.also)
}

fn applicability(id: &str, exception: SettingException, facts: &DeviceFacts, world: &World) -> Applicability {
    let answer = ask(id, facts, world);
    answer.exceptions.iter().find(|judged| judged.exception == exception).unwrap().applicability
}

fn windows(build: Option<u32>) -> DeviceFacts {
    let os = OsVersion { major: 10, minor: 0, build, revision: None };
    DeviceFacts { os_kind: said(OsKind::Client), os_version: said(os), ..co_managed_client() }
}

/// A device whose client found an MDM that is not Intune.
fn coexisting() -> DeviceFacts {
    DeviceFacts { authority_text: said("VMware AirWatch".to_owned()), ..co_managed_client() }
}

proptest! {
    #[test]
    fn governed_setting_is_held_by_whom_the_workload_decided(
        kind in select(setting_kinds()), facts in device_facts(), world in world(),
    ) {
        let authority = effective_authority(&facts, &world.surroundings());
        // The strategy hands out a copy; answers point into the table.
        let kind = resolve_setting(kind.id).unwrap();
        let answer = setting_on_device(kind, &authority, &facts, world.site.as_ref());
        if let GovernedBy::Workload(workload) = kind.governed_by {
            let decision = authority.workloads[workload];
            prop_assert_eq!(answer.holder, decision.authority);
            prop_assert_eq!(answer.because, Because::Workload { workload, reason: decision.reason });
        }
        let judged: Vec<_> = answer.exceptions.iter().map(|judged| judged.exception).collect();
        prop_assert_eq!(&judged, &kind.exceptions);
    }

    #[test]
    fn second_manager_comes_from_an_exception_that_applies(
        kind in select(setting_kinds()), facts in device_facts(), world in world(),
    ) {
        let answer = ask(kind.id, &facts, &world);
        let applying = answer.exceptions.iter().filter(|judged| judged.applicability == Applies);
        let expected = applying.filter_map(|judged| judged.exception.also_acts()).next();
        prop_assert_eq!(answer.also, expected.filter(|other| *other != answer.holder));
        if answer.also.is_some() {
            // Two may act only where both are there and the sliders were asked.
            prop_assert!([Intune, ConfigurationManager].contains(&answer.holder));
            prop_assert!(facts.enrolled());
        }
    }

    #[test]
    fn information_protection_has_two_authors_exactly_between_the_moves(
        facts in device_facts(), world in world(),
    ) {
        let authority = effective_authority(&facts, &world.surroundings());
        let [protection, configuration] = [EndpointProtection, DeviceConfiguration]
            .map(|workload| authority.workloads[workload].authority);
        let answer = ask("windows_information_protection", &facts, &world);
        let between = protection == Intune && configuration == ConfigurationManager;
        prop_assert_eq!(answer.also.is_some(), between);
    }
}
