//! Periods of the past.

use tandem_contracts::authority::v1 as proto;
use tandem_contracts::convert::{number, number_or_unspecified, time};
use tandem_domain::history::Period;
use tandem_domain::id::TenantId;
use tandem_domain::workload::Workload;

/// A period, of one workload or of all.
pub(in crate::grpc) fn period(
    tenant: &TenantId,
    period: &Period,
    workload: Option<Workload>,
) -> proto::AuthorityPeriod {
    let answer = &period.answer;
    let workloads = answer.reasons.iter().filter(|(known, _)| workload.is_none_or(|wanted| wanted == *known));
    let workloads = workloads.map(|(workload, reason)| proto::PastAuthority {
        workload: number(workload),
        authority: number(reason.authority()),
        reason: number(*reason),
        reported: number_or_unspecified(answer.reported[workload]),
    });
    let hierarchy = answer.hierarchy.as_ref().map(|id| format!("tenants/{tenant}/hierarchies/{id}"));
    proto::AuthorityPeriod {
        from_time: Some(time::to_proto(period.from)),
        to_time: period.to.map(time::to_proto),
        first_look: period.is_first_look,
        hierarchy: hierarchy.unwrap_or_default(),
        state: number(answer.state),
        workloads: workloads.collect(),
        device_revision: period.device_revision,
        policy_revision: period.policy_revision,
    }
}
