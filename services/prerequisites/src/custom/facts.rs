//! The facts of a device that rules may ask about.

use std::sync::Arc;

use cel::Value;
use chrono::{DateTime, FixedOffset};
use jiff::Timestamp;
use tandem_domain::facts::{DeviceFacts, Fact, JoinType, MdmProvider, OsKind, Owner, copied};
use tandem_domain::state::mdm_provider;
use tandem_domain::tenant::TenantFacts;

/// What kind of value a fact has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FactType {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int,
    /// A text.
    String,
    /// Several texts.
    Strings,
    /// A moment.
    Timestamp,
}

impl FactType {
    /// CEL's name of the type.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::String => "string",
            Self::Strings => "list(string)",
            Self::Timestamp => "timestamp",
        }
    }
}

/// A fact.
#[derive(Debug, Clone, Copy)]
pub struct FactDeclaration {
    /// `client_installed` of `device.client_installed`.
    pub name: &'static str,
    /// What kind of value it has.
    pub of_type: FactType,
    /// What it says.
    pub meaning: &'static str,
    /// Its value; `None`: nobody said.
    pub(super) of: fn(&DeviceFacts, &TenantFacts) -> Option<Value>,
}

fn truth(fact: &Option<Fact<bool>>) -> Option<Value> {
    copied(fact).map(Value::Bool)
}

fn number(fact: &Option<Fact<u32>>) -> Option<Value> {
    copied(fact).map(|number| Value::Int(number.into()))
}

fn word(text: &str) -> Value {
    Value::String(Arc::new(text.to_owned()))
}

fn text(fact: &Option<Fact<String>>) -> Option<Value> {
    fact.as_ref().map(|fact| word(&fact.value))
}

fn moment(fact: &Option<Fact<Timestamp>>) -> Option<Value> {
    copied(fact).and_then(timestamp)
}

/// A moment as CEL has it; `None`: beyond its years.
pub(super) fn timestamp(at: Timestamp) -> Option<Value> {
    let nanoseconds = u32::try_from(at.subsec_nanosecond().rem_euclid(1_000_000_000)).ok()?;
    let seconds = at.as_second() - i64::from(at.subsec_nanosecond() < 0);
    let at: DateTime<FixedOffset> = DateTime::from_timestamp(seconds, nanoseconds)?.fixed_offset();
    Some(Value::Timestamp(at))
}

macro_rules! facts {
    ($($name:ident: $kind:ident, $meaning:literal, $of:expr;)*) => {
        /// Every fact, by name.
        pub static FACTS: &[FactDeclaration] = &[$(FactDeclaration {
            name: stringify!($name),
            of_type: FactType::$kind,
            meaning: $meaning,
            of: $of,
        },)*];
    };
}

facts! {
    ad_joined: Bool, "joined to Active Directory", |d, _| truth(&d.ad_joined);
    assigned_comgmt_settings_policy: Bool, "a co-management settings policy is assigned through a device group", |d, _| truth(&d.assigned_comgmt_settings_policy);
    assigned_esp_profile_with_progress: Bool, "an enrolment status page with progress is assigned", |d, _| truth(&d.assigned_esp_profile_with_progress);
    authority_text: String, "the site's `Authority` text, as written", |d, _| text(&d.authority_text);
    autopilot_override: Bool, "the winning co-management settings policy has the override", |d, _| truth(&d.autopilot_override);
    autopilot_profile_join: String, "the Autopilot profile's join", |d, _| text(&d.autopilot_profile_join);
    autopilot_profile_mode: String, "the Autopilot profile's mode", |d, _| text(&d.autopilot_profile_mode);
    autopilot_registered: Bool, "registered with Autopilot", |d, _| truth(&d.autopilot_registered);
    client_active: Bool, "the site counts the client as active", |d, _| truth(&d.client_active);
    client_health_flags: Int, "sum of the client's health flags", |d, _| number(&d.client_health_flags);
    client_health_sync: Timestamp, "when the client's health was last sent", |d, _| moment(&d.client_health_sync);
    client_installed: Bool, "the Configuration Manager client is installed", |d, _| truth(&d.client_installed);
    client_version: String, "the client's version, such as `5.00.9141.1011`", |d, _| text(&d.client_version);
    cloud_co_managed: Bool, "the cloud counts it as managed by both", |d, _| truth(&d.cloud_co_managed);
    collections: Strings, "ids of the managing hierarchy's collections that contain it", |d, _| {
        d.hierarchy.as_ref().map(|_| Value::List(Arc::new(d.collections.iter().map(|id| word(id.as_str())).collect())))
    };
    compliance_state: String, "Graph's `complianceState`", |d, _| text(&d.compliance_state);
    dmwappushservice_present: Bool, "the push service exists", |d, _| truth(&d.dmwappushservice_present);
    enrollment_failed: Bool, "enrolment failed", |d, _| truth(&d.enrollment_failed);
    enrollment_scheduled: Bool, "enrolment is scheduled", |d, _| truth(&d.enrollment_scheduled);
    enrollment_status_code: Int, "result of the last attempt to enrol, unsigned 32 bits; 0 is success", |d, _| number(&d.enrollment_status_code);
    hierarchy: String, "the hierarchy that manages the client", |d, _| d.hierarchy.as_ref().map(|id| word(id.as_str()));
    intune_management_state: String, "Graph's `managementState`", |d, _| text(&d.intune_management_state);
    join_type: String, "`none`, `azureADJoined`, `azureADRegistered` or `hybridAzureADJoined`", |d, _| copied(&d.join_type).map(|of| word(JoinType::id(of)));
    last_intune_sync: Timestamp, "last check-in with Intune", |d, _| moment(&d.last_intune_sync);
    last_site_contact: Timestamp, "newest contact with the site", |d, _| moment(&d.last_site_contact);
    manufacturer: String, "the manufacturer", |d, _| text(&d.manufacturer);
    mdm_blocked_by_policy: Bool, "a policy blocks MDM", |d, _| truth(&d.mdm_blocked_by_policy);
    mdm_enrolled: Bool, "enrolled with an MDM", |d, _| truth(&d.mdm_enrolled);
    mdm_provider: String, "`none`, `intune` or `third_party`", |d, t| mdm_provider(d, t).map(|of| word(provider(of)));
    mdm_provisioned: Bool, "MDM provisioning completed", |d, _| truth(&d.mdm_provisioned);
    model: String, "the model", |d, _| text(&d.model);
    name: String, "the device's name", |d, _| text(&d.name);
    os_build: Int, "the build of the system, such as 26100", |d, _| copied(&d.os_version).and_then(|of| of.build).map(|build| Value::Int(build.into()));
    os_edition: String, "the edition, as written", |d, _| text(&d.os_edition);
    os_kind: String, "`client`, `server` or `other`", |d, _| copied(&d.os_kind).map(|of| word(kind(of)));
    os_version: String, "the version's numbers, such as `10.0.26100.1000`", |d, _| copied(&d.os_version).map(|of| word(&of.to_string()));
    other_hierarchies: Strings, "other hierarchies that keep a record of it", |d, _| {
        Some(Value::List(Arc::new(d.other_hierarchies.iter().map(|id| word(id.as_str())).collect())))
    };
    owner: String, "`company` or `personal`", |d, _| copied(&d.owner).map(|of| word(owner(of)));
    pending_logon: Bool, "enrolment waits for a sign-in", |d, _| truth(&d.pending_logon);
    policy_present: Bool, "the co-management policy reached the client", |d, _| truth(&d.policy_present);
    registration_state: String, "Graph's `deviceRegistrationState`", |d, _| text(&d.registration_state);
    serial_number: String, "the serial number, as written", |d, _| text(&d.serial_number);
    site: String, "the site that the client is assigned to", |d, _| d.site.as_ref().map(|of| word(of.value.as_str()));
    trusts_cmg_certificate: Bool, "the gateway's certificate is trusted", |d, _| truth(&d.trusts_cmg_certificate);
    user: String, "primary or last user", |d, _| text(&d.user);
}

const fn provider(of: MdmProvider) -> &'static str {
    match of {
        MdmProvider::None => "none",
        MdmProvider::Intune => "intune",
        MdmProvider::ThirdParty => "third_party",
    }
}

const fn kind(of: OsKind) -> &'static str {
    match of {
        OsKind::Client => "client",
        OsKind::Server => "server",
        OsKind::Other => "other",
    }
}

const fn owner(of: Owner) -> &'static str {
    match of {
        Owner::Company => "company",
        Owner::Personal => "personal",
    }
}

/// The fact of that name.
pub(super) fn fact(name: &str) -> Option<&'static FactDeclaration> {
    FACTS.binary_search_by(|fact| fact.name.cmp(name)).ok().map(|at| &FACTS[at])
}
