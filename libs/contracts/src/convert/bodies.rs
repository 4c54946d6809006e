//! What a section says, class by class. Names are the same on both sides, and all fields are optional.

use tandem_domain::section as domain;

use super::Violations;
use super::field::Field;
use super::time::not_never;
use crate::r#type::v1;

/// The content of one class or entity.
pub(super) trait Body {
    /// Its message.
    type Proto;

    fn write(&self) -> Self::Proto;

    /// The content; what is wrong is kept in `violations`.
    fn read(proto: Self::Proto, violations: &mut Violations) -> Self;
}

/// Of the fields under `told`, an empty text is an answer of its own; elsewhere it is as unset.
macro_rules! body {
    ($name:ident { $($field:ident),+ $(,)? }) => {
        body!($name { $($field),+ } told {});
    };
    ($name:ident { $($field:ident),+ $(,)? } told { $($told:ident),* $(,)? }) => {
        impl Body for domain::$name {
            type Proto = v1::$name;

            fn write(&self) -> v1::$name {
                v1::$name { $($field: Field::write(self.$field.as_ref()),)+ $($told: self.$told.clone(),)* }
            }

            fn read(proto: v1::$name, violations: &mut Violations) -> Self {
                Self {
                    $($field: violations.field(stringify!($field), proto.$field),)+
                    $($told: violations.told(stringify!($told), proto.$told),)*
                }
            }
        }
    };
}

body!(Discovery {
    name,
    sms_unique_identifier,
    smbios_guid,
    client,
    active,
    client_version,
    operating_system,
    domain_or_workgroup,
    assigned_site,
    last_logon_user,
    last_discovered,
} told { distinguished_name });
body!(ConsoleDevice {
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
body!(CoManagementState {
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
body!(ManagedDevice {
    entra_device_id,
    device_name,
    owner_type,
    operating_system,
    os_version,
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
} told { serial_number, manufacturer, model });
body!(DirectoryDevice { device_id, display_name, trust_type, device_ownership });
body!(Probe {
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

/// Graph's "never" is a moment of year 1 or of 1900; the contract asks for unset, and a sender that passes it on means the same.
pub(super) fn without_never(mut device: domain::ManagedDevice) -> domain::ManagedDevice {
    device.enrolled_at = device.enrolled_at.filter(not_never);
    device.last_sync = device.last_sync.filter(not_never);
    device.client_health_sync = device.client_health_sync.filter(not_never);
    device
}
