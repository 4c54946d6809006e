//! What rollouts are told of a device beside its class and collections, in some 40 bytes.

use jiff::Timestamp;
use tandem_domain::authority::dated_reports;
use tandem_domain::facts::{DeviceFacts, Fact, copied};
use tandem_domain::rollout::Report;
use tandem_domain::workload::{ManagementAuthority, PerWorkload, Workload};

/// A moment in microseconds since 1970; the least: none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moment(i64);

impl Moment {
    const NONE: Self = Self(i64::MIN);

    fn of(at: Option<Timestamp>) -> Self {
        at.map_or(Self::NONE, |at| Self(at.as_microsecond()))
    }

    fn get(self) -> Option<Timestamp> {
        if self == Self::NONE { None } else { Timestamp::from_microsecond(self.0).ok() }
    }
}

/// What a workload's last report said, and which of the two ways carried it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    First(ManagementAuthority),
    Second(ManagementAuthority),
}

/// What a device last said, and when it was heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    said: PerWorkload<Said>,
    /// Reports come in two sections at most, and those of one are of one moment.
    said_at: [Moment; 2],
    contact_at: Moment,
    failed_at: Moment,
}

impl Reading {
    /// What its facts say.
    pub(crate) fn of(facts: &DeviceFacts) -> Self {
        let reports = dated_reports(facts);
        let mut said_at = [Moment::NONE; 2];
        let said = PerWorkload::from_fn(|workload| {
            let Some((authority, at)) = reports[workload] else { return Said::Nothing };
            let at = Moment::of(Some(at));
            if said_at[0] == Moment::NONE || said_at[0] == at {
                said_at[0] = at;
                Said::First(authority)
            } else {
                said_at[1] = at;
                Said::Second(authority)
            }
        });
        let contacts = [copied(&facts.last_site_contact), copied(&facts.last_intune_sync)];
        Self {
            said,
            said_at,
            contact_at: Moment::of(contacts.into_iter().flatten().max()),
            failed_at: Moment::of(failure(facts)),
        }
    }

    /// The last report of a workload.
    pub(crate) fn report(&self, workload: Workload) -> Option<Report> {
        let (authority, way) = match self.said[workload] {
            Said::Nothing => return None,
            Said::First(authority) => (authority, 0),
            Said::Second(authority) => (authority, 1),
        };
        Some(Report { authority, at: self.said_at[way].get()? })
    }

    /// The newest contact with either manager.
    pub(crate) fn contact_at(&self) -> Option<Timestamp> {
        self.contact_at.get()
    }

    /// When a failure of its enrolment was last said that still stands: a device whose enrolment fails takes no policy over from Intune
    /// \[derived\].
    pub(crate) fn failed_at(&self) -> Option<Timestamp> {
        self.failed_at.get()
    }
}

fn failure(facts: &DeviceFacts) -> Option<Timestamp> {
    let failed: &Fact<bool> = facts.enrollment_failed.as_ref().filter(|failed| failed.value)?;
    Some(facts.origin(failed)?.observed_at)
}

#[cfg(test)]
mod tests {
    use tandem_domain::facts::SectionStamp;
    use tandem_domain::id::HierarchyId;
    use tandem_domain::section::{ClientFeatures, SectionKind, Source};

    use super::*;

    const SITE_SAID: &str = "2026-11-20T06:00:00Z";
    const INTUNE_SAID: &str = "2026-11-20T07:30:00Z";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn stamp(source: Source, kind: SectionKind, observed_at: &str) -> SectionStamp {
        SectionStamp { source, kind, key: "PS1/7".into(), observed_at: at(observed_at) }
    }

    /// The site said compliance and client apps at Intune (1 + 2 + 64 in the newer layout), Intune later client apps alone at the site.
    fn facts() -> DeviceFacts {
        let site = Source::ConfigMgr(HierarchyId::parse("PS1").unwrap());
        DeviceFacts {
            sections: vec![
                stamp(site, SectionKind::CoManagementState, SITE_SAID),
                stamp(Source::Intune, SectionKind::ManagedDeviceV1, INTUNE_SAID),
            ],
            capability_text: Some(Fact::new("8259".to_owned(), 0)),
            client_features: Some(Fact::new(
                ClientFeatures { modern_apps: Some(false), ..ClientFeatures::default() },
                1,
            )),
            last_site_contact: Some(Fact::new(at(SITE_SAID), 0)),
            last_intune_sync: Some(Fact::new(at(INTUNE_SAID), 1)),
            ..DeviceFacts::default()
        }
    }

    #[test]
    fn newest_report_of_each_workload_is_read_back_with_its_moment() {
        let reading = Reading::of(&facts());
        let said = |authority, when| Some(Report { authority, at: at(when) });
        let (site, intune) = (ManagementAuthority::ConfigurationManager, ManagementAuthority::Intune);
        assert_eq!(reading.report(Workload::CompliancePolicies), said(intune, SITE_SAID));
        assert_eq!(reading.report(Workload::ClientApps), said(site, INTUNE_SAID));
        assert_eq!(reading.contact_at(), Some(at(INTUNE_SAID)));
        assert_eq!(reading.failed_at(), None);
    }

    #[test]
    fn failure_stands_as_long_as_it_is_said() {
        let failed = |value| DeviceFacts { enrollment_failed: Some(Fact::new(value, 0)), ..facts() };
        assert_eq!(Reading::of(&failed(true)).failed_at(), Some(at(SITE_SAID)));
        assert_eq!(Reading::of(&failed(false)).failed_at(), None);
        let silent = Reading::of(&DeviceFacts::default());
        assert_eq!((silent.report(Workload::ClientApps), silent.contact_at()), (None, None));
    }
}
