//! Any value of the domain, drawn from a sequence of numbers: shorter and smaller numbers give plainer values, so that a failing
//! case shrinks.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;
use tandem_domain::facts::{DeviceFacts, EnrollmentConflict, Fact, OsVersion, SectionStamp};
use tandem_domain::id::{CollectionId, HierarchyId, SiteCode};
use tandem_domain::policy::{CoManagementPolicy, WorkloadSetting};
use tandem_domain::section::{
    ClientFeatures, CoManagementState, ConsoleDevice, DirectoryDevice, Discovery, ManagedDevice, Probe,
    Section, SectionBody, SectionKind, Source,
};
use tandem_domain::site::SiteFacts;
use tandem_domain::tenant::{Attestation, TenantFacts};
use tandem_domain::workload::PerWorkload;

use crate::convert::section::{Removal, Report};
use crate::convert::{Enumerated, enum_required};

/// Any value of a type.
pub(super) fn any_value<T: Drawn + std::fmt::Debug>() -> impl Strategy<Value = T> {
    prop::collection::vec(any::<u64>(), 0..400).prop_map(|numbers| T::draw(&mut Numbers { numbers, next: 0 }))
}

pub(super) struct Numbers {
    numbers: Vec<u64>,
    next: usize,
}

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        let number = self.numbers.get(self.next).copied().unwrap_or_default();
        self.next += 1;
        number % bound
    }
}

pub(super) trait Drawn: Sized {
    fn draw(numbers: &mut Numbers) -> Self;
}

impl<T: Drawn> Drawn for Option<T> {
    fn draw(numbers: &mut Numbers) -> Self {
        (numbers.below(3) != 0).then(|| T::draw(numbers))
    }
}

impl<T: Drawn> Drawn for Vec<T> {
    fn draw(numbers: &mut Numbers) -> Self {
        (0..numbers.below(4)).map(|_| T::draw(numbers)).collect()
    }
}

impl<T: Drawn> Drawn for BTreeMap<String, T> {
    fn draw(numbers: &mut Numbers) -> Self {
        (0..numbers.below(4)).map(|_| (String::draw(numbers), T::draw(numbers))).collect()
    }
}

impl Drawn for bool {
    fn draw(numbers: &mut Numbers) -> Self {
        numbers.below(2) == 1
    }
}

impl Drawn for u32 {
    fn draw(numbers: &mut Numbers) -> Self {
        u32::try_from(numbers.below(1 << 32)).unwrap()
    }
}

impl Drawn for u64 {
    fn draw(numbers: &mut Numbers) -> Self {
        numbers.below(u64::MAX)
    }
}

/// Never empty: an empty text is "not said".
impl Drawn for String {
    fn draw(numbers: &mut Numbers) -> Self {
        const LETTERS: [char; 8] = ['a', 'Z', '0', ' ', '/', '"', 'ü', '字'];
        (0..=numbers.below(8)).map(|_| LETTERS[usize::try_from(numbers.below(8)).unwrap()]).collect()
    }
}

/// From 1901 on: moments of year 1 and of 1900 are "never".
impl Drawn for Timestamp {
    fn draw(numbers: &mut Numbers) -> Self {
        let span = u64::try_from(Timestamp::MAX.as_second() + 2_177_452_800).unwrap();
        let seconds = i64::try_from(numbers.below(span)).unwrap() - 2_177_452_800;
        Timestamp::new(seconds, i32::try_from(numbers.below(1_000_000_000)).unwrap()).unwrap()
    }
}

fn label(numbers: &mut Numbers, letters: u64) -> String {
    const LETTERS: &[u8; 4] = b"P1xZ";
    (0..letters).map(|_| char::from(LETTERS[usize::try_from(numbers.below(4)).unwrap()])).collect()
}

impl Drawn for SiteCode {
    fn draw(numbers: &mut Numbers) -> Self {
        Self::parse(&label(numbers, 3)).unwrap()
    }
}

impl Drawn for HierarchyId {
    fn draw(numbers: &mut Numbers) -> Self {
        Self::parse(&label(numbers, 5)).unwrap()
    }
}

impl Drawn for CollectionId {
    fn draw(numbers: &mut Numbers) -> Self {
        Self::parse(&label(numbers, 8)).unwrap()
    }
}

macro_rules! drawn_words {
    ($($word:ty => $count:literal),+ $(,)?) => {
        $(impl Drawn for $word {
            fn draw(numbers: &mut Numbers) -> Self {
                word(numbers, $count)
            }
        })+
    };
}

/// Words of the contract are numbered from 1 without gaps.
fn word<E: Enumerated>(numbers: &mut Numbers, count: u64) -> E {
    enum_required("word", i32::try_from(1 + numbers.below(count)).unwrap()).unwrap()
}

drawn_words!(
    SectionKind => 8,
    tandem_domain::facts::JoinType => 4,
    tandem_domain::facts::OsKind => 3,
    tandem_domain::facts::Owner => 2,
    tandem_domain::facts::MdmProvider => 3,
    tandem_domain::tenant::EntraPlan => 3,
    tandem_domain::tenant::MdmAuthority => 3,
    tandem_domain::tenant::SubscriptionState => 7,
    tandem_domain::tenant::UserScope => 3,
    tandem_domain::tenant::Cloud => 3,
    tandem_domain::tenant::HybridIdentityMethod => 4,
    tandem_domain::site::ClientAuth => 3,
    tandem_domain::policy::AutoEnrollment => 3,
    tandem_domain::workload::SliderPosition => 3,
);

macro_rules! drawn_fields {
    ($name:ident { $($field:ident),+ $(,)? }) => {
        impl Drawn for $name {
            fn draw(numbers: &mut Numbers) -> Self {
                Self { $($field: Drawn::draw(numbers)),+ }
            }
        }
    };
}

drawn_fields!(OsVersion { major, minor, build, revision });
drawn_fields!(SectionStamp { source, kind, key, observed_at });
drawn_fields!(ClientFeatures {
    inventory,
    compliance_policy,
    device_configuration,
    modern_apps,
    resource_access,
    windows_update_for_business,
    endpoint_protection,
    office_apps,
});
drawn_fields!(Discovery {
    name,
    sms_unique_identifier,
    smbios_guid,
    client,
    active,
    client_version,
    operating_system,
    distinguished_name,
    domain_or_workgroup,
    assigned_site,
    last_logon_user,
    last_discovered,
});
drawn_fields!(ConsoleDevice {
    name,
    sms_id,
    site_code,
    domain,
    client_version,
    is_client,
    is_active,
    device_os,
    device_os_build,
    device_owner,
    serial_number,
    smbios_guid,
    entra_device_id,
    primary_user,
    last_active,
    last_policy_request,
    last_ddr,
});
drawn_fields!(CoManagementState {
    name,
    site_code,
    mdm_enrolled,
    mdm_provisioned,
    authority,
    policy_present,
    mdm_workloads,
    entra_device_id,
    hybrid_joined,
    entra_joined,
    enrollment_scheduled,
    enrollment_failed,
    pending_logon,
    enrollment_status_code,
    enrollment_error_detail,
});
drawn_fields!(ManagedDevice {
    entra_device_id,
    device_name,
    owner_type,
    operating_system,
    os_version,
    serial_number,
    manufacturer,
    model,
    management_agent,
    management_state,
    registration_state,
    enrollment_type,
    compliance_state,
    enrolled_at,
    last_sync,
    user_principal_name,
    join_type,
    autopilot_enrolled,
    sku_family,
    operating_system_edition,
    client_features,
    client_health_state,
    client_health_error,
    client_health_sync,
    client_identifier,
    client_version,
});
drawn_fields!(DirectoryDevice { device_id, display_name, trust_type, device_ownership });
drawn_fields!(Probe {
    entra_device_id,
    sms_id,
    client_health_flags,
    client_health_sync,
    os_edition,
    trusts_cmg_certificate,
    dmwappushservice_present,
    mdm_blocked_by_policy,
    autopilot_registered,
    autopilot_profile_mode,
    autopilot_profile_join,
    assigned_comgmt_settings_policy,
    assigned_esp_profile_with_progress,
    autopilot_override,
});
drawn_fields!(Section { source, key, observed_at, body });
drawn_fields!(Removal { source, key, observed_at, sequence, reason });
drawn_fields!(Attestation { attested, by, at, expires });
drawn_fields!(TenantFacts {
    entra_plan,
    intune_license_count,
    unlicensed_admin_access,
    mdm_authority,
    intune_subscription_state,
    mdm_user_scope,
    wip_user_scope,
    mdm_urls_default,
    default_enrollment_restriction_allows_windows,
    cloud,
    azure_subscription,
    hybrid_identity_method,
    entra_connect_version,
    authority_texts,
    attestations,
});
drawn_fields!(SiteFacts {
    site,
    parent,
    name,
    version,
    entra_onboarded,
    cmg_present,
    enhanced_http_or_https,
    mp_accepts_cmg,
    client_setting_register_entra,
    client_setting_software_updates,
    ccmsetup_command_line,
    client_auth,
});
drawn_fields!(WorkloadSetting { slider, pilot_collection });
drawn_fields!(CoManagementPolicy { enabled, auto_enrollment, auto_enrollment_collection, workloads });

impl Drawn for Source {
    fn draw(numbers: &mut Numbers) -> Self {
        match numbers.below(4) {
            0 => Self::Intune,
            1 => Self::Entra,
            2 => Self::Probe,
            _ => Self::ConfigMgr(HierarchyId::draw(numbers)),
        }
    }
}

impl Drawn for SectionBody {
    fn draw(numbers: &mut Numbers) -> Self {
        match numbers.below(8) {
            0 => Self::Discovery(Drawn::draw(numbers)),
            1 => Self::Device(Drawn::draw(numbers)),
            2 => Self::CombinedDevice(Drawn::draw(numbers)),
            3 => Self::CoManagementState(Drawn::draw(numbers)),
            4 => Self::ManagedDeviceV1(Drawn::draw(numbers)),
            5 => Self::ManagedDeviceBeta(Drawn::draw(numbers)),
            6 => Self::DirectoryDevice(Drawn::draw(numbers)),
            _ => Self::Probe(Drawn::draw(numbers)),
        }
    }
}

impl Drawn for Report {
    fn draw(numbers: &mut Numbers) -> Self {
        if numbers.below(5) == 0 {
            Self::Removed(Drawn::draw(numbers))
        } else {
            Self::Said { section: Drawn::draw(numbers), sequence: Drawn::draw(numbers) }
        }
    }
}

impl Drawn for PerWorkload<WorkloadSetting> {
    fn draw(numbers: &mut Numbers) -> Self {
        Self::from_fn(|_| Drawn::draw(numbers))
    }
}

macro_rules! drawn_facts {
    ($($field:ident),+ $(,)?) => {
        /// As the merge leaves them: a fact names one of the sections, collections are sorted, and a conflict's first half is the
        /// fact itself.
        impl Drawn for DeviceFacts {
            fn draw(numbers: &mut Numbers) -> Self {
                let mut sections: Vec<SectionStamp> = Drawn::draw(numbers);
                sections.push(Drawn::draw(numbers));
                let count = sections.len() as u64;
                let mut collections: Vec<CollectionId> = Drawn::draw(numbers);
                collections.sort_unstable();
                collections.dedup();
                $(let $field = fact(numbers, count);)+
                let cloud: Option<Fact<bool>> = fact(numbers, count);
                let hierarchy = Drawn::draw(numbers);
                let other_hierarchies = Drawn::draw(numbers);
                let mdm_enrolled: Option<Fact<bool>> = fact(numbers, count);
                let enrollment_conflict =
                    mdm_enrolled.zip(cloud).map(|(site, cloud)| EnrollmentConflict { site, cloud });
                Self {
                    sections, hierarchy, other_hierarchies, collections, mdm_enrolled, enrollment_conflict, $($field),+
                }
            }
        }
    };
}

fn fact<T: Drawn>(numbers: &mut Numbers, sections: u64) -> Option<Fact<T>> {
    let value: Option<T> = Drawn::draw(numbers);
    value.map(|value| Fact::new(value, u8::try_from(numbers.below(sections)).unwrap()))
}

drawn_facts!(
    name,
    site,
    client_installed,
    client_version,
    client_active,
    client_health_flags,
    client_health_sync,
    last_site_contact,
    os_version,
    os_kind,
    os_edition,
    join_type,
    ad_joined,
    mdm_provisioned,
    policy_present,
    authority_text,
    intune_mdm_record,
    cloud_co_managed,
    enrollment_scheduled,
    enrollment_failed,
    pending_logon,
    enrollment_status_code,
    enrollment_error_detail,
    capability_text,
    client_features,
    owner,
    serial_number,
    manufacturer,
    model,
    user,
    last_intune_sync,
    intune_management_state,
    registration_state,
    compliance_state,
    autopilot_registered,
    autopilot_profile_mode,
    autopilot_profile_join,
    assigned_comgmt_settings_policy,
    assigned_esp_profile_with_progress,
    autopilot_override,
    trusts_cmg_certificate,
    dmwappushservice_present,
    mdm_blocked_by_policy,
);
