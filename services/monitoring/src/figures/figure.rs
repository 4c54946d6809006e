//! The vocabulary of the dashboard: one value per figure, as the tiles' comments in the contract define them. Keys are the words
//! of `services/tandem/docs/assessment.md`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use tandem_contracts::monitoring::v1::Tile;
use tandem_domain::authority::Reason;
use tandem_domain::enrollment;
use tandem_domain::prerequisites::Verdict;
use tandem_domain::state::{Eligibility, EnrollmentCategory, FunnelStage, ManagementState};
use tandem_domain::windows::OsGroup;
use tandem_domain::workload::{ManagementAuthority, Workload};

/// The three readings of "co-managed" (`libs/domain/data/states.md` 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Reading {
    Query,
    Prose,
    Cloud,
}

impl Reading {
    const ALL: [Self; 3] = [Self::Query, Self::Prose, Self::Cloud];

    const fn id(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Prose => "prose",
            Self::Cloud => "cloud",
        }
    }
}

/// Why somebody should look at a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Attention {
    /// Being retired, wiped or deleted.
    Leaving,
    /// Site and cloud disagree about enrolment.
    EnrollmentConflict,
    /// Other hierarchies keep a record of it too.
    SeveralHierarchies,
    /// Its capability value has bits that no published table names.
    UnknownBits,
}

impl Attention {
    const ALL: [Self; 4] =
        [Self::Leaving, Self::EnrollmentConflict, Self::SeveralHierarchies, Self::UnknownBits];

    const fn id(self) -> &'static str {
        match self {
            Self::Leaving => "leaving",
            Self::EnrollmentConflict => "enrollment_conflict",
            Self::SeveralHierarchies => "several_hierarchies",
            Self::UnknownBits => "unknown_bits",
        }
    }
}

/// What a number of the dashboard counts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Figure {
    Devices,
    State(ManagementState),
    CoManaged(Reading),
    Eligibility(Eligibility),
    EligibleUnverified,
    OsGroup(OsGroup),
    OsVersion(String),
    FunnelExclusive(FunnelStage),
    FunnelCumulative(FunnelStage),
    EnrollmentStatus(EnrollmentCategory),
    EnrollmentError(u32),
    WorkloadTransition(Workload),
    WorkloadReported(Workload),
    Authority(Workload, ManagementAuthority),
    AuthorityReason(Workload, Reason),
    Drift(Workload),
    /// By rule id; borrowed from the catalogue where it has the rule.
    Blocker(Cow<'static, str>),
    Verdict(Verdict),
    Attention(Attention),
}

/// The figures whose keys are fixed words, by tile and key.
static FIXED: LazyLock<HashMap<(Tile, String), Figure>> =
    LazyLock::new(|| fixed().into_iter().map(|figure| ((figure.tile(), figure.key()), figure)).collect());

impl Figure {
    pub(crate) const fn tile(&self) -> Tile {
        match self {
            Self::Devices => Tile::Devices,
            Self::State(_) => Tile::State,
            Self::CoManaged(_) => Tile::CoManaged,
            Self::Eligibility(_) | Self::EligibleUnverified => Tile::Eligibility,
            Self::OsGroup(_) => Tile::OsGroup,
            Self::OsVersion(_) => Tile::OsVersion,
            Self::FunnelExclusive(_) => Tile::FunnelExclusive,
            Self::FunnelCumulative(_) => Tile::FunnelCumulative,
            Self::EnrollmentStatus(_) => Tile::EnrollmentStatus,
            Self::EnrollmentError(_) => Tile::EnrollmentError,
            Self::WorkloadTransition(_) => Tile::WorkloadTransition,
            Self::WorkloadReported(_) => Tile::WorkloadReported,
            Self::Authority(..) => Tile::Authority,
            Self::AuthorityReason(..) => Tile::AuthorityReason,
            Self::Drift(_) => Tile::Drift,
            Self::Blocker(_) => Tile::Blocker,
            Self::Verdict(_) => Tile::Verdict,
            Self::Attention(_) => Tile::Attention,
        }
    }

    pub(crate) fn key(&self) -> String {
        match self {
            Self::Devices => "all".into(),
            Self::State(state) => state.id().into(),
            Self::CoManaged(reading) => reading.id().into(),
            Self::Eligibility(eligibility) => eligibility.id().into(),
            Self::EligibleUnverified => "eligible_unverified".into(),
            Self::OsGroup(group) => group.id().into(),
            Self::OsVersion(name) => name.clone(),
            Self::FunnelExclusive(stage) | Self::FunnelCumulative(stage) => stage.id().into(),
            Self::EnrollmentStatus(category) => category.id().into(),
            Self::EnrollmentError(code) => enrollment::hex(*code),
            Self::WorkloadTransition(workload) | Self::WorkloadReported(workload) | Self::Drift(workload) => {
                workload.id().into()
            }
            Self::Authority(workload, authority) => format!("{workload}/{authority}"),
            Self::AuthorityReason(workload, reason) => format!("{workload}/{reason}"),
            Self::Blocker(rule) => rule.clone().into_owned(),
            Self::Verdict(verdict) => verdict.id().into(),
            Self::Attention(attention) => attention.id().into(),
        }
    }

    /// The figure of a tile and key; `None` when there is no such figure. Keys of open vocabularies (versions, error codes, rule
    /// ids) are taken in the spelling that the dashboard uses.
    pub(crate) fn of(tile: Tile, key: &str) -> Option<Self> {
        match tile {
            Tile::OsVersion => Some(Self::OsVersion(key.to_owned())),
            Tile::EnrollmentError => enrollment::parse_code(key)
                .filter(|code| enrollment::hex(*code) == key)
                .map(Self::EnrollmentError),
            Tile::Blocker => Some(Self::Blocker(Cow::Owned(key.to_owned()))),
            _ => FIXED.get(&(tile, key.to_owned())).cloned(),
        }
    }

    /// Its key is one of a fixed set of words, so that it exists even while no device was ever counted in it.
    pub(crate) const fn is_fixed(&self) -> bool {
        !matches!(self, Self::OsVersion(_) | Self::EnrollmentError(_) | Self::Blocker(_))
    }
}

fn fixed() -> Vec<Figure> {
    const AUTHORITIES: [ManagementAuthority; 5] = [
        ManagementAuthority::ConfigurationManager,
        ManagementAuthority::Intune,
        ManagementAuthority::ThirdPartyMdm,
        ManagementAuthority::None,
        ManagementAuthority::Unknown,
    ];
    const OS_GROUPS: [OsGroup; 3] =
        [OsGroup::Windows7And8, OsGroup::Windows10LowerThan1709, OsGroup::Windows10From1709];
    let mut figures = vec![Figure::Devices, Figure::EligibleUnverified];
    figures.extend(ManagementState::ALL.map(Figure::State));
    figures.extend(Reading::ALL.map(Figure::CoManaged));
    figures.extend(Eligibility::ALL.map(Figure::Eligibility));
    figures.extend(OS_GROUPS.map(Figure::OsGroup));
    figures.extend(FunnelStage::ALL.map(Figure::FunnelExclusive));
    figures.extend(FunnelStage::ALL.map(Figure::FunnelCumulative));
    figures.extend(EnrollmentCategory::ALL.map(Figure::EnrollmentStatus));
    figures.extend(Verdict::ALL.map(Figure::Verdict));
    figures.extend(Attention::ALL.map(Figure::Attention));
    for workload in Workload::ALL {
        figures.extend([
            Figure::WorkloadTransition(workload),
            Figure::WorkloadReported(workload),
            Figure::Drift(workload),
        ]);
        figures.extend(AUTHORITIES.map(|authority| Figure::Authority(workload, authority)));
        figures.extend(Reason::ALL.map(|reason| Figure::AuthorityReason(workload, reason)));
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figure_of_its_own_tile_and_key_is_itself() {
        let open = [
            Figure::OsVersion("Windows 11 24H2".into()),
            Figure::EnrollmentError(0x8018_0018),
            Figure::Blocker("win.serviced_version".into()),
        ];
        for figure in fixed().into_iter().chain(open) {
            assert_eq!(Figure::of(figure.tile(), &figure.key()), Some(figure));
        }
    }

    #[test]
    fn keys_are_the_words_of_the_assessment() {
        use Workload::CompliancePolicies;
        for (figure, tile, key) in [
            (Figure::Devices, Tile::Devices, "all"),
            (Figure::State(ManagementState::CoManaged), Tile::State, "co_managed"),
            (Figure::Eligibility(Eligibility::NeedsOsUpdate), Tile::Eligibility, "needsOsUpdate"),
            (Figure::EligibleUnverified, Tile::Eligibility, "eligible_unverified"),
            (Figure::OsGroup(OsGroup::Windows10From1709), Tile::OsGroup, "windows_10_1709_and_later"),
            (Figure::EnrollmentError(0x8018_0018), Tile::EnrollmentError, "0x80180018"),
            (Figure::Drift(Workload::ClientApps), Tile::Drift, "client_apps"),
            (
                Figure::Authority(CompliancePolicies, ManagementAuthority::Intune),
                Tile::Authority,
                "compliance_policies/intune",
            ),
            (
                Figure::AuthorityReason(CompliancePolicies, Reason::PilotMember),
                Tile::AuthorityReason,
                "compliance_policies/pilot_member",
            ),
        ] {
            assert_eq!((figure.tile(), figure.key()), (tile, key.to_owned()));
        }
    }

    #[test]
    fn key_that_no_tile_uses_is_no_figure() {
        for (tile, key) in [
            (Tile::Unspecified, "all"),
            (Tile::Devices, ""),
            (Tile::State, "Co_managed"),
            (Tile::Authority, "compliance_policies"),
            (Tile::EnrollmentError, "2149056536"),
            (Tile::EnrollmentError, "0x8018001a"),
        ] {
            assert_eq!(Figure::of(tile, key), None, "{tile:?} {key}");
        }
    }
}
