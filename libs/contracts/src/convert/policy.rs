//! The co-management object of a hierarchy. Its name, etag, revision and last change are its service's, and stay unset here.

use tandem_domain::id::CollectionId;
use tandem_domain::policy::{AutoEnrollment, CoManagementPolicy, WorkloadSetting};
use tandem_domain::workload::{PerWorkload, Workload};

use super::field::invalid_id;
use super::{Violation, Violations, enum_optional, enum_required, number, number_or_unspecified};
use crate::r#type::v1;

/// What the policy says, with an entry for each of the seven workloads.
#[must_use]
pub fn to_proto(policy: &CoManagementPolicy) -> v1::CoManagementPolicy {
    let said = policy.auto_enrollment.is_some() || policy.auto_enrollment_collection.is_some();
    v1::CoManagementPolicy {
        enabled: policy.enabled,
        auto_enrollment: said.then(|| v1::AutoEnrollment {
            mode: number_or_unspecified(policy.auto_enrollment),
            collection: text(policy.auto_enrollment_collection.as_ref()),
        }),
        workloads: policy
            .workloads
            .iter()
            .map(|(workload, setting)| v1::WorkloadSetting {
                workload: number(workload),
                slider: number(setting.slider),
                pilot_collection: text(setting.pilot_collection.as_ref()),
            })
            .collect(),
        ..v1::CoManagementPolicy::default()
    }
}

/// What the message says. Whether the console could hold it is for [`CoManagementPolicy::validate`].
///
/// # Errors
/// Every field that breaks its documented shape, and every entry after a workload's first.
pub fn from_proto(message: v1::CoManagementPolicy) -> Result<CoManagementPolicy, Vec<Violation>> {
    let mut violations = Violations::new();
    let auto_enrollment = message.auto_enrollment.unwrap_or_default();
    let mode = violations.keep(enum_optional::<AutoEnrollment>("auto_enrollment.mode", auto_enrollment.mode));
    let collection = collection("auto_enrollment.collection", &auto_enrollment.collection, &mut violations);

    let mut workloads = PerWorkload::<WorkloadSetting>::default();
    let mut seen: PerWorkload<Option<usize>> = PerWorkload::default();
    for (index, entry) in message.workloads.into_iter().enumerate() {
        let path = format!("workloads[{index}]");
        let Some((workload, setting)) = violations.keep_under(&path, setting_from_proto(entry)) else {
            continue;
        };
        match seen[workload] {
            Some(first) => {
                let expected = format!("must name each workload once; found {workload} already");
                violations.add(format!("{path}.workload"), format!("{expected} in workloads[{first}]"));
            }
            None => {
                seen[workload] = Some(index);
                workloads[workload] = setting;
            }
        }
    }
    violations.finish(Some(CoManagementPolicy {
        enabled: message.enabled,
        auto_enrollment: mode.flatten(),
        auto_enrollment_collection: collection,
        workloads,
    }))
}

fn setting_from_proto(entry: v1::WorkloadSetting) -> Result<(Workload, WorkloadSetting), Vec<Violation>> {
    let mut violations = Violations::new();
    let workload = violations.keep(enum_required("workload", entry.workload));
    let slider = violations.keep(enum_optional("slider", entry.slider));
    let pilot_collection = collection("pilot_collection", &entry.pilot_collection, &mut violations);
    let setting = WorkloadSetting { slider: slider.flatten().unwrap_or_default(), pilot_collection };
    violations.finish(workload.map(|workload| (workload, setting)))
}

fn text(collection: Option<&CollectionId>) -> String {
    collection.map_or_else(String::new, ToString::to_string)
}

fn collection(field: &str, text: &str, violations: &mut Violations) -> Option<CollectionId> {
    if text.is_empty() {
        return None;
    }
    violations.keep(CollectionId::parse(text).map_err(|e| Violation::new(field, invalid_id(&e))))
}
