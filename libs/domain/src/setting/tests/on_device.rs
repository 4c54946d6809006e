//! Settings on devices, by hand.

use super::*;

#[test]
fn setting_of_a_moved_workload_is_answered_whole() {
    let world = moved(&[ClientApps]);
    let expected = SettingOnDevice {
        kind: kind("intune_app"),
        holder: Intune,
        also: Some(ConfigurationManager),
        because: Because::Workload { workload: ClientApps, reason: Reason::SliderIntune },
        autopilot_override_unknown: true,
        exceptions: vec![ExceptionOnDevice {
            exception: SettingException::ClientAppsNotExclusive,
            applicability: Applies,
        }],
    };
    assert_eq!(ask("intune_app", &co_managed_client(), &world), expected);
}

#[test]
fn both_managers_may_deploy_apps_only_where_client_apps_moved() {
    for id in ["intune_app", "configmgr_application", "microsoft_store_winget_app"] {
        assert_eq!(holders(id, &moved(&[ClientApps])), (Intune, Some(ConfigurationManager)), "{id}");
        assert_eq!(holders(id, &moved(&[])), (ConfigurationManager, None), "{id}");
        // Without the client there is no second manager.
        let cloud_only = DeviceFacts { client_installed: said(false), ..co_managed_client() };
        let answer = ask(id, &cloud_only, &moved(&[ClientApps]));
        assert_eq!((answer.holder, answer.also), (Intune, None), "{id}");
    }
}

#[test]
fn information_protection_has_two_authors_between_the_two_moves() {
    let id = "windows_information_protection";
    assert_eq!(holders(id, &moved(&[])), (ConfigurationManager, None));
    assert_eq!(holders(id, &moved(&[EndpointProtection])), (ConfigurationManager, Some(Intune)));
    assert_eq!(holders(id, &moved(&[DeviceConfiguration])), (Intune, None));
    assert_eq!(holders(id, &moved(&[EndpointProtection, DeviceConfiguration])), (Intune, None));
}

#[test]
fn marked_baseline_keeps_applying_and_unmarked_one_depends_on_the_mark() {
    let world = moved(&[DeviceConfiguration]);
    assert_eq!(
        holders("configuration_baseline_always_applied", &world),
        (Intune, Some(ConfigurationManager))
    );
    assert_eq!(holders("configuration_baseline", &world), (Intune, None));
    let mark = applicability(
        "configuration_baseline",
        SettingException::BaselineMayAlwaysApply,
        &co_managed_client(),
        &world,
    );
    let on = "whether the baseline is marked 'always apply, even for co-managed clients'";
    assert_eq!(mark, Depends { on });
    assert_eq!(holders("configuration_baseline_always_applied", &moved(&[])), (ConfigurationManager, None));
}

#[test]
fn scripts_run_anyway_from_windows_10_1903_on() {
    let on = "the Windows build of the device";
    let server = DeviceFacts { os_kind: said(OsKind::Server), ..windows(Some(20348)) };
    let old = OsVersion { major: 6, minor: 1, build: Some(7601), revision: None };
    let not_enrolled = DeviceFacts { mdm_enrolled: said(false), ..windows(Some(22631)) };
    for (facts, expected, also) in [
        (windows(Some(17763)), DoesNotApply, None),
        (windows(Some(18362)), Applies, Some(Intune)),
        (windows(Some(26100)), Applies, Some(Intune)),
        (windows(None), Depends { on }, None),
        (co_managed_client(), Depends { on }, None),
        (DeviceFacts { os_version: said(old), ..windows(None) }, DoesNotApply, None),
        (server, DoesNotApply, None),
        (not_enrolled, DoesNotApply, None),
    ] {
        let answer = ask("intune_powershell_script", &facts, &moved(&[]));
        let judged = answer.exceptions[0].applicability;
        assert_eq!((answer.holder, judged, answer.also), (ConfigurationManager, expected, also), "{facts:?}");
    }
    let answer = ask("intune_powershell_script", &windows(Some(18362)), &moved(&[ClientApps]));
    assert_eq!((answer.holder, answer.also), (Intune, None));
}

#[test]
fn build_of_windows_10_1903_is_that_of_the_table() {
    let release = crate::windows::release_of(18362).unwrap();
    assert_eq!((release.product, release.version), ("Windows 10", "1903"));
}

#[test]
fn catalog_policy_with_antivirus_settings_follows_device_configuration() {
    let world = moved(&[EndpointProtection]);
    assert_eq!(holders("settings_catalog_policy", &world), (ConfigurationManager, None));
    assert_eq!(holders("endpoint_security_antivirus_policy", &world), (Intune, None));
    let judged = applicability(
        "settings_catalog_policy",
        SettingException::SettingsCatalogWhateverItContains,
        &co_managed_client(),
        &world,
    );
    assert_eq!(judged, Applies);
}

#[test]
fn antivirus_in_a_restrictions_profile_is_not_documented_on_a_co_managed_device() {
    let id = "antivirus_in_device_restrictions";
    let everything = moved(&Workload::ALL);
    let answer = ask(id, &co_managed_client(), &everything);
    assert_eq!((answer.holder, answer.because), (Unknown, Because::NotDocumented));
    assert_eq!(answer.exceptions[0].applicability, Applies);
    let not_enrolled = DeviceFacts { mdm_enrolled: said(false), ..co_managed_client() };
    let answer = ask(id, &not_enrolled, &everything);
    let because = Because::Device { reason: Reason::NotEnrolled };
    assert_eq!((answer.holder, answer.because), (ConfigurationManager, because));
    assert_eq!(ask(id, &coexisting(), &everything).holder, Unknown);
}

#[test]
fn removal_needs_the_sliders_fully_at_intune() {
    let pilot = setting(SliderPosition::PilotIntune, Some("C1"));
    let in_pilot = DeviceFacts { collections: vec!["C1".parse().unwrap()], ..co_managed_client() };
    let removal = SettingException::RemovalNeedsFullIntune;
    let piloted = moved(&[]).slider(DeviceConfiguration, pilot.clone());
    for (world, expected) in
        [(moved(&[]), Applies), (piloted, Applies), (moved(&[DeviceConfiguration]), DoesNotApply)]
    {
        assert_eq!(applicability("policy_removal", removal, &in_pilot, &world), expected);
    }
    let both = SettingException::EndpointProtectionRemovalNeedsBoth;
    for (world, expected) in [
        (moved(&[EndpointProtection]), Applies),
        (moved(&[EndpointProtection]).slider(DeviceConfiguration, pilot.clone()), Applies),
        (moved(&[EndpointProtection, DeviceConfiguration]), DoesNotApply),
    ] {
        assert_eq!(applicability("firewall", both, &in_pilot, &world), expected);
    }
    let overriding = DeviceFacts { autopilot_override: said(true), ..co_managed_client() };
    let on = "where the sliders stand that the Autopilot settings policy overrides";
    assert_eq!(applicability("policy_removal", removal, &overriding, &moved(&[])), Depends { on });
}

#[test]
fn software_update_client_setting_does_not_follow_the_slider() {
    let id = "software_update_client_setting";
    let stays = SettingException::SoftwareUpdateSettingStays;
    let on = "whether the client setting for software updates is still on for this device";
    for (said, expected) in [(Some(true), Applies), (Some(false), DoesNotApply), (None, Depends { on })] {
        let mut world = moved(&[WindowsUpdatePolicies]);
        world.site.as_mut().unwrap().client_setting_software_updates = said;
        let answer = ask(id, &co_managed_client(), &world);
        assert_eq!((answer.holder, answer.because), (ConfigurationManager, Because::OutsideWorkloads));
        assert_eq!(applicability(id, stays, &co_managed_client(), &world), expected);
        assert_eq!(applicability("feature_update_deferral", stays, &co_managed_client(), &world), expected);
    }
}

#[test]
fn resource_access_is_fixed_by_the_version_of_the_site() {
    let fixed = SettingException::ResourceAccessFixed;
    let on = "the version of the device's site";
    for (version, holder, expected) in [
        (Some("2309"), ConfigurationManager, DoesNotApply),
        (Some("2403"), Intune, Applies),
        (None, Unknown, Depends { on }),
    ] {
        let world = World::with_site_version(version);
        assert_eq!(ask("vpn_profile", &co_managed_client(), &world).holder, holder);
        assert_eq!(applicability("vpn_profile", fixed, &co_managed_client(), &world), expected);
    }
}

#[test]
fn exceptions_of_the_other_workloads_follow_their_authority() {
    let judged = |id, exception, world: &World| applicability(id, exception, &co_managed_client(), world);
    let all = moved(&Workload::ALL);
    let nothing = moved(&[]);
    for (id, exception, at_intune, at_site) in [
        (
            "device_compliance_state",
            SettingException::ConditionalAccessNeedsCompliance,
            DoesNotApply,
            Applies,
        ),
        ("microsoft_store_winget_app", SettingException::StoreAppsNeedClientApps, DoesNotApply, Applies),
        (
            "configmgr_microsoft_365_apps_deployment",
            SettingException::ConfigmgrOfficeDeploymentsSkipped,
            Applies,
            DoesNotApply,
        ),
        ("microsoft_365_apps_updates", SettingException::OfficeUpdatesTakeADay, Applies, DoesNotApply),
    ] {
        assert_eq!(
            (judged(id, exception, &all), judged(id, exception, &nothing)),
            (at_intune, at_site),
            "{id}"
        );
    }
    for (id, exception, intune_side) in [
        ("compliance_policy", SettingException::BaselineResultMayCount, true),
        ("firewall", SettingException::EarlierPolicyStaysUntilOverwritten, true),
        ("quality_update_deferral", SettingException::InstalledWindowsVersionStays, false),
        ("microsoft_365_apps_updates", SettingException::InstalledOfficeVersionStays, false),
    ] {
        let (depends, not) = if intune_side { (&all, &nothing) } else { (&nothing, &all) };
        assert_eq!(judged(id, exception, depends).id(), "depends", "{id}");
        assert_eq!(judged(id, exception, not), DoesNotApply, "{id}");
    }
}

#[test]
fn feature_outside_the_workloads_stays_with_configuration_manager() {
    let everything = moved(&Workload::ALL);
    for id in ["hardware_inventory", "software_metering", "other_feature"] {
        let answer = ask(id, &co_managed_client(), &everything);
        assert_eq!(
            (answer.holder, answer.because),
            (ConfigurationManager, Because::OutsideWorkloads),
            "{id}"
        );
    }
    let cloud_only = DeviceFacts { client_installed: said(false), ..co_managed_client() };
    let answer = ask("other_feature", &cloud_only, &everything);
    let because = Because::Device { reason: Reason::MdmOnly };
    assert_eq!((answer.holder, answer.because), (Intune, because));
}

#[test]
fn coexistence_keeps_what_the_fact_pack_lists_and_nothing_else_is_known() {
    let holder = |id| ask(id, &coexisting(), &moved(&[])).holder;
    for id in [
        "hardware_inventory",
        "software_inventory",
        "asset_intelligence",
        "software_metering",
        "power_management_reports",
    ] {
        assert_eq!(holder(id), ConfigurationManager, "{id}");
    }
    assert_eq!(holder("software_update_client_setting"), ThirdPartyMdm);
    assert_eq!(holder("vpn_profile"), ThirdPartyMdm);
    assert_eq!(holder("other_feature"), Unknown);
}
