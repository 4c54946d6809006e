//! Merged facts of a device. Each fact's origin travels beside it, under the fact's field number.

use std::collections::BTreeMap;

use tandem_domain::facts::{DeviceFacts, EnrollmentConflict, Fact, SectionStamp};
use tandem_domain::id::{CollectionId, HierarchyId, InvalidId};
use tandem_domain::section::Source;

use super::field::{Field, invalid_id};
use super::{Violation, Violations, enum_required, number, time};
use crate::r#type::v1;

/// Field number of `mdm_enrolled_cloud`: the cloud's half of a conflict, whose other half is `mdm_enrolled`.
const MDM_ENROLLED_CLOUD: u32 = 20;

/// A stamp as a message. Whether its time was clamped is the inventory's knowledge, not the domain's.
#[must_use]
pub fn stamp_to_proto(stamp: &SectionStamp, clamped: bool) -> v1::SectionStamp {
    v1::SectionStamp {
        source: stamp.source.to_string(),
        kind: number(stamp.kind),
        key: stamp.key.clone(),
        observed_at: Some(time::to_proto(stamp.observed_at)),
        clamped,
    }
}

/// The stamp of a message; `clamped` is read from the message itself where it matters.
///
/// # Errors
/// Every field that breaks its documented shape.
pub fn stamp_from_proto(message: v1::SectionStamp) -> Result<SectionStamp, Vec<Violation>> {
    let mut violations = Violations::new();
    let source: Result<Source, InvalidId> = message.source.parse();
    let source = violations.keep(source.map_err(|e| Violation::new("source", invalid_id(&e))));
    let kind = violations.keep(enum_required("kind", message.kind));
    let observed_at = violations.keep(time::required("observed_at", message.observed_at));
    let stamp = source.zip(kind).zip(observed_at).map(|((source, kind), observed_at)| SectionStamp {
        source,
        kind,
        key: message.key,
        observed_at,
    });
    violations.finish(stamp)
}

/// Which section said each fact, while a message is read.
struct Origins {
    by_field: BTreeMap<u32, u32>,
    sections: usize,
}

impl Origins {
    /// The fact of a field, with its origin.
    fn fact<F: Field>(
        &self,
        (number, name): (u32, &str),
        proto: F::Proto,
        violations: &mut Violations,
    ) -> Option<Fact<F>> {
        let value: F = violations.field(name, proto)?;
        self.at((number, name), value, violations)
    }

    /// A text that was told and is empty. Elsewhere an empty text is as unset.
    fn empty(
        &self,
        field: (u32, &str),
        proto: Option<&String>,
        violations: &mut Violations,
    ) -> Option<Fact<String>> {
        self.at(field, proto.filter(|text| text.is_empty())?.clone(), violations)
    }

    /// The value with its origin.
    fn at<T>(&self, (number, name): (u32, &str), value: T, violations: &mut Violations) -> Option<Fact<T>> {
        let Some(&section) = self.by_field.get(&number) else {
            violations.add("origins", format!("must name the section of field {number}, {name}; found none"));
            return None;
        };
        match u8::try_from(section) {
            Ok(index) if usize::from(index) < self.sections => Some(Fact::new(value, index)),
            _ => {
                let sections = self.sections;
                let expected = format!("must name one of {sections} sections for field {number}, {name}");
                violations.add("origins", format!("{expected}; found index {section}"));
                None
            }
        }
    }
}

/// The facts that have an origin: field number, name in the domain, name in the contract.
macro_rules! facts {
    ($($number:literal $domain:ident $proto:ident),+ $(,)?) => {
        /// Field numbers and names, for a test against the descriptor.
        #[cfg(test)]
        pub(super) const FIELDS: &[(u32, &str)] = &[$(($number, stringify!($proto))),+];

        fn write_facts(facts: &DeviceFacts, message: &mut v1::DeviceFacts) {
            $(
                message.$proto = Field::write(facts.$domain.as_ref().map(|fact| &fact.value));
                if let Some(fact) = &facts.$domain {
                    message.origins.push(v1::FactOrigin { field: $number, section: fact.section.into() });
                }
            )+
        }

        fn read_facts(
            message: v1::DeviceFacts,
            origins: &Origins,
            violations: &mut Violations,
        ) -> DeviceFacts {
            let mut facts = DeviceFacts::default();
            $(
                facts.$domain = origins.fact(($number, stringify!($proto)), message.$proto, violations);
            )+
            facts
        }
    };
}

facts! {
    3 name display_name,
    6 site site,
    8 client_installed client_installed,
    9 client_version client_version,
    10 client_active client_active,
    11 client_health_flags client_health_flags,
    12 client_health_sync client_health_sync,
    13 last_site_contact last_site_contact,
    14 os_version os_version,
    15 os_kind os_kind,
    16 os_edition os_edition,
    17 join_type join_type,
    18 ad_joined ad_joined,
    19 mdm_enrolled mdm_enrolled,
    21 mdm_provisioned mdm_provisioned,
    22 policy_present policy_present,
    23 authority_text authority_text,
    24 intune_mdm_record intune_mdm_record,
    25 cloud_co_managed cloud_co_managed,
    26 enrollment_scheduled enrollment_scheduled,
    27 enrollment_failed enrollment_failed,
    28 pending_logon pending_logon,
    29 enrollment_status_code enrollment_status_code,
    30 enrollment_error_detail enrollment_error_detail,
    31 capability_text capability_text,
    32 client_features client_features,
    33 owner owner,
    34 serial_number serial_number,
    35 manufacturer manufacturer,
    36 model model,
    37 user user,
    38 last_intune_sync last_intune_sync,
    39 intune_management_state intune_management_state,
    40 compliance_state compliance_state,
    41 autopilot_registered autopilot_registered,
    42 autopilot_profile_mode autopilot_profile_mode,
    43 autopilot_profile_join autopilot_profile_join,
    44 assigned_comgmt_settings_policy assigned_comgmt_settings_policy,
    45 assigned_esp_profile_with_progress assigned_esp_profile_with_progress,
    46 autopilot_override autopilot_override,
    47 trusts_cmg_certificate trusts_cmg_certificate,
    48 dmwappushservice_present dmwappushservice_present,
    49 mdm_blocked_by_policy mdm_blocked_by_policy,
    50 registration_state registration_state,
}

/// The facts as a message. `clamped` says of a section's index whether its time was clamped.
#[must_use]
pub fn to_proto(facts: &DeviceFacts, clamped: impl Fn(usize) -> bool) -> v1::DeviceFacts {
    let stamps = facts.sections.iter().enumerate();
    let mut message = v1::DeviceFacts {
        sections: stamps.map(|(index, stamp)| stamp_to_proto(stamp, clamped(index))).collect(),
        hierarchy: Field::write(facts.hierarchy.as_ref()),
        other_hierarchies: facts.other_hierarchies.iter().map(ToString::to_string).collect(),
        collections: facts.collections.iter().map(ToString::to_string).collect(),
        ..v1::DeviceFacts::default()
    };
    write_facts(facts, &mut message);
    if let Some(EnrollmentConflict { cloud, .. }) = facts.enrollment_conflict {
        message.mdm_enrolled_cloud = Some(cloud.value);
        message.origins.push(v1::FactOrigin { field: MDM_ENROLLED_CLOUD, section: cloud.section.into() });
    }
    message
}

/// Field numbers of the facts that say when the device was last seen.
const LAST_SEEN: [u32; 3] = [12, 13, 38];

/// Takes out when the device was last seen and when each section was read: what is left changes when more than that does.
pub fn clear_last_seen(message: &mut v1::DeviceFacts) {
    message.client_health_sync = None;
    message.last_site_contact = None;
    message.last_intune_sync = None;
    message.origins.retain(|origin| !LAST_SEEN.contains(&origin.field));
    for stamp in &mut message.sections {
        stamp.observed_at = None;
        stamp.clamped = false;
    }
}

/// The facts of a message. Origins of fields that this release does not know, or that are unset, are skipped.
///
/// # Errors
/// Every field that breaks its documented shape, and every fact without the section that said it.
pub fn from_proto(mut message: v1::DeviceFacts) -> Result<DeviceFacts, Vec<Violation>> {
    let mut violations = Violations::new();
    let stamps = std::mem::take(&mut message.sections);
    let origins = Origins {
        by_field: message.origins.iter().map(|origin| (origin.field, origin.section)).collect(),
        sections: stamps.len(),
    };
    let sections = stamps.into_iter().enumerate();
    let sections = sections
        .filter_map(|(i, stamp)| violations.keep_under(&format!("sections[{i}]"), stamp_from_proto(stamp)))
        .collect();
    let hierarchy = violations.field("hierarchy", std::mem::take(&mut message.hierarchy));
    let other_hierarchies =
        ids("other_hierarchies", &message.other_hierarchies, HierarchyId::parse, &mut violations);
    let mut collections = ids("collections", &message.collections, CollectionId::parse, &mut violations);
    // Membership is looked up by binary search.
    collections.sort_unstable();
    collections.dedup();
    let cloud =
        origins.fact((MDM_ENROLLED_CLOUD, "mdm_enrolled_cloud"), message.mdm_enrolled_cloud, &mut violations);

    let mut empty = |field, proto: &Option<String>| origins.empty(field, proto.as_ref(), &mut violations);
    let (serial_number, manufacturer, model) = (
        empty((34, "serial_number"), &message.serial_number),
        empty((35, "manufacturer"), &message.manufacturer),
        empty((36, "model"), &message.model),
    );
    let mut facts = read_facts(message, &origins, &mut violations);
    facts.serial_number = facts.serial_number.or(serial_number);
    facts.manufacturer = facts.manufacturer.or(manufacturer);
    facts.model = facts.model.or(model);
    let enrollment_conflict = match (facts.mdm_enrolled, cloud) {
        (Some(site), Some(cloud)) => Some(EnrollmentConflict { site, cloud }),
        (None, Some(_)) => {
            violations.add("mdm_enrolled_cloud", "must contradict mdm_enrolled; found that unset");
            None
        }
        (_, None) => None,
    };
    violations.finish(Some(DeviceFacts {
        sections,
        hierarchy,
        other_hierarchies,
        collections,
        enrollment_conflict,
        ..facts
    }))
}

fn ids<T>(
    field: &str,
    texts: &[String],
    parse: fn(&str) -> Result<T, InvalidId>,
    violations: &mut Violations,
) -> Vec<T> {
    let each = texts.iter().enumerate();
    each.filter_map(|(i, text)| {
        let path = || format!("{field}[{i}]");
        violations.keep(parse(text).map_err(|e| Violation::new(path(), invalid_id(&e))))
    })
    .collect()
}
