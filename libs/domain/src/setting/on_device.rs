//! Who holds a setting on one device, and which exceptions apply there.

use super::{GovernedBy, SettingException, SettingKind};
use crate::authority::{EffectiveAuthority, Reason, resource_access_fixed};
use crate::facts::{DeviceFacts, OsKind, copied};
use crate::site::SiteFacts;
use crate::workload::Workload::{
    ClientApps, CompliancePolicies, DeviceConfiguration, EndpointProtection, OfficeClickToRunApps,
    WindowsUpdatePolicies,
};
use crate::workload::{ManagementAuthority, Workload};

/// First build of Windows 10 1903 (`data/windows_releases.csv`); Windows 11 counts as later \[derived\].
const WINDOWS_10_1903: u32 = 18362;

/// What the exceptions of a workload hang on where its authority is not known.
const UNDECIDED: Applicability = Applicability::Depends { on: "who decides the workload on this device" };

/// Whether an exception applies on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Applicability {
    /// It does.
    Applies,
    /// It does not.
    DoesNotApply,
    /// It hangs on something that Tandem does not know. Never to be read as "does not apply".
    Depends {
        /// What would have to be known.
        on: &'static str,
    },
}

impl Applicability {
    /// The word that outputs use.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Applies => "applies",
            Self::DoesNotApply => "does_not_apply",
            Self::Depends { .. } => "depends",
        }
    }
}

/// A documented exception, judged on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ExceptionOnDevice {
    /// The exception.
    pub exception: SettingException,
    /// Whether it applies.
    pub applicability: Applicability,
}

/// Why the holder holds a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Because {
    /// The authority over its workload decided.
    Workload {
        /// The workload.
        workload: Workload,
        /// Why the authority is where it is.
        reason: Reason,
    },
    /// The state of the whole device decided, whatever governs the setting.
    Device {
        /// What is the matter with the device.
        reason: Reason,
    },
    /// No workload covers it: it stays with Configuration Manager.
    OutsideWorkloads,
    /// The fact pack does not say who holds it on such a device.
    NotDocumented,
}

impl Because {
    /// The reason as a sentence for people.
    #[must_use]
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::Workload { reason, .. } | Self::Device { reason } => reason.explanation(),
            Self::OutsideWorkloads => {
                "no co-management workload covers it, so it stays with Configuration Manager wherever the \
                 sliders stand"
            }
            Self::NotDocumented => "not documented",
        }
    }
}

/// Who holds a setting on a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingOnDevice {
    /// The kind of setting that was asked for.
    pub kind: &'static SettingKind,
    /// Who holds it.
    pub holder: ManagementAuthority,
    /// Another manager that may act beside the holder, by an exception that applies; `None`: none that is
    /// known to.
    pub also: Option<ManagementAuthority>,
    /// Why the holder holds it.
    pub because: Because,
    /// Nobody said whether an Autopilot settings policy overrides the slider that decided; that counts as "no
    /// override".
    pub autopilot_override_unknown: bool,
    /// Every documented exception of the kind, in its order.
    pub exceptions: Vec<ExceptionOnDevice>,
}

/// Who holds a setting of that kind on a device, why, and which exceptions apply there.
///
/// `authority` is what [`crate::authority::effective_authority`] decided for the same device; `site` is the
/// device's site, if it is known.
#[must_use]
pub fn setting_on_device(
    kind: &'static SettingKind,
    authority: &EffectiveAuthority,
    facts: &DeviceFacts,
    site: Option<&SiteFacts>,
) -> SettingOnDevice {
    let device = Device { authority, facts, site };
    let (holder, because) = device.holder(kind);
    let exceptions: Vec<_> = kind
        .exceptions
        .iter()
        .map(|&exception| ExceptionOnDevice { exception, applicability: device.judge(kind, exception) })
        .collect();
    let applying = exceptions.iter().filter(|judged| judged.applicability == Applicability::Applies);
    let also = applying.filter_map(|judged| judged.exception.also_acts()).find(|other| *other != holder);
    let by_workload = matches!(because, Because::Workload { .. });
    SettingOnDevice {
        kind,
        holder,
        also,
        because,
        autopilot_override_unknown: by_workload && authority.autopilot_override_unknown,
        exceptions,
    }
}

/// Where a workload is, as far as an exception asks: exceptions are about devices that the two managers share.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    Intune,
    ConfigurationManager,
    NotCoManaged,
    Unknown,
}

const fn stands(reason: Reason) -> Stands {
    match reason {
        Reason::Unmanaged
        | Reason::Coexistence
        | Reason::MdmOnly
        | Reason::NotEnrolled
        | Reason::PolicyAbsent
        | Reason::NotProvisioned => Stands::NotCoManaged,
        Reason::AutopilotOverride
        | Reason::ResourceAccessFixed
        | Reason::BundledWithDeviceConfiguration
        | Reason::SliderIntune
        | Reason::PilotMember => Stands::Intune,
        Reason::PilotNotMember | Reason::SliderConfigurationManager => Stands::ConfigurationManager,
        Reason::ClientUnknown
        | Reason::NoSiteRecord
        | Reason::PolicyUnknown
        | Reason::SiteVersionUnknown
        | Reason::MembershipUnknown => Stands::Unknown,
    }
}

/// What is known of the device that is asked about.
struct Device<'a> {
    authority: &'a EffectiveAuthority,
    facts: &'a DeviceFacts,
    site: Option<&'a SiteFacts>,
}

impl Device<'_> {
    fn reason(&self, workload: Workload) -> Reason {
        self.authority.workloads[workload].reason
    }

    fn stands(&self, workload: Workload) -> Stands {
        stands(self.reason(workload))
    }

    fn holder(&self, kind: &SettingKind) -> (ManagementAuthority, Because) {
        match kind.governed_by {
            GovernedBy::Workload(workload) => {
                let decision = self.authority.workloads[workload];
                (decision.authority, Because::Workload { workload, reason: decision.reason })
            }
            GovernedBy::ConfigurationManager => self.outside_workloads(kind),
            GovernedBy::NotDocumented => self.not_documented(),
        }
    }

    /// A feature that no slider moves. What decides the whole device decides all workloads alike, so any of
    /// them tells.
    fn outside_workloads(&self, kind: &SettingKind) -> (ManagementAuthority, Because) {
        let reason = self.reason(CompliancePolicies);
        let has = |exception| kind.exceptions.contains(&exception);
        match reason {
            Reason::Unmanaged | Reason::MdmOnly | Reason::ClientUnknown => by_device(reason),
            Reason::Coexistence if has(SettingException::OffInCoexistence) => by_device(reason),
            Reason::Coexistence if !has(SettingException::KeptInCoexistence) => {
                (ManagementAuthority::Unknown, Because::NotDocumented)
            }
            _ => (ManagementAuthority::ConfigurationManager, Because::OutsideWorkloads),
        }
    }

    /// Without a documented slider only a state of the whole device says who holds it: one manager, or none.
    fn not_documented(&self) -> (ManagementAuthority, Because) {
        let reason = self.reason(CompliancePolicies);
        match stands(reason) {
            // States.md 7 says what is switched off; a setting of Intune is not in that list.
            Stands::NotCoManaged if reason != Reason::Coexistence => by_device(reason),
            _ => (ManagementAuthority::Unknown, Because::NotDocumented),
        }
    }

    fn judge(&self, kind: &SettingKind, exception: SettingException) -> Applicability {
        use Applicability::{Applies, Depends};
        match exception {
            SettingException::BaselineResultMayCount => {
                let on = "whether Intune's compliance policy requires the result of Configuration Manager";
                self.at_intune(CompliancePolicies, Depends { on })
            }
            SettingException::ConditionalAccessNeedsCompliance => {
                self.at_configuration_manager(CompliancePolicies, Applies)
            }
            SettingException::BaselineMayAlwaysApply => {
                let on = "whether the baseline is marked 'always apply, even for co-managed clients'";
                self.at_intune(DeviceConfiguration, Depends { on })
            }
            SettingException::BaselineAlwaysApplies => self.at_intune(DeviceConfiguration, Applies),
            SettingException::ResourceAccessFixed => self.resource_access_fixed(),
            SettingException::SettingsCatalogWhateverItContains => self.about_sliders(Applies),
            SettingException::AntivirusInDeviceRestrictions => self.antivirus(kind),
            SettingException::RemovalNeedsFullIntune => self.removal(&[DeviceConfiguration]),
            SettingException::EndpointProtectionRemovalNeedsBoth => {
                self.removal(&[EndpointProtection, DeviceConfiguration])
            }
            SettingException::EarlierPolicyStaysUntilOverwritten => {
                let on =
                    "whether Intune's policies have overwritten the earlier ones since the workload moved";
                self.at_intune(EndpointProtection, Depends { on })
            }
            SettingException::WindowsInformationProtectionFromBoth => self.information_protection(),
            SettingException::SoftwareUpdateSettingStays => self.software_update_setting(),
            SettingException::InstalledWindowsVersionStays => self.installed_stays(WindowsUpdatePolicies),
            SettingException::InstalledOfficeVersionStays => self.installed_stays(OfficeClickToRunApps),
            SettingException::ConfigmgrOfficeDeploymentsSkipped | SettingException::OfficeUpdatesTakeADay => {
                self.at_intune(OfficeClickToRunApps, Applies)
            }
            SettingException::ClientAppsNotExclusive => self.at_intune(ClientApps, Applies),
            SettingException::IntuneScriptsRunAnyway => {
                self.at_configuration_manager(ClientApps, self.windows_10_1903())
            }
            SettingException::StoreAppsNeedClientApps => self.at_configuration_manager(ClientApps, Applies),
            SettingException::KeptInCoexistence | SettingException::OffInCoexistence => self.coexistence(),
        }
    }

    /// An exception of a workload that moved.
    fn at_intune(&self, workload: Workload, then: Applicability) -> Applicability {
        match self.stands(workload) {
            Stands::Intune => then,
            Stands::ConfigurationManager | Stands::NotCoManaged => Applicability::DoesNotApply,
            Stands::Unknown => UNDECIDED,
        }
    }

    /// An exception of a workload that did not move.
    fn at_configuration_manager(&self, workload: Workload, then: Applicability) -> Applicability {
        match self.stands(workload) {
            Stands::ConfigurationManager => then,
            Stands::Intune | Stands::NotCoManaged => Applicability::DoesNotApply,
            Stands::Unknown => UNDECIDED,
        }
    }

    /// An exception about which slider governs a setting, wherever that stands: it needs a co-managed device.
    fn about_sliders(&self, then: Applicability) -> Applicability {
        match self.reason(DeviceConfiguration) {
            Reason::ClientUnknown | Reason::NoSiteRecord => {
                Applicability::Depends { on: "whether the device is co-managed" }
            }
            reason if stands(reason) == Stands::NotCoManaged => Applicability::DoesNotApply,
            _ => then,
        }
    }

    fn antivirus(&self, kind: &SettingKind) -> Applicability {
        let on = "whether antivirus settings are written in a device restrictions profile";
        self.about_sliders(match kind.governed_by {
            GovernedBy::NotDocumented => Applicability::Applies,
            _ => Applicability::Depends { on },
        })
    }

    fn resource_access_fixed(&self) -> Applicability {
        self.about_sliders(match resource_access_fixed(self.site) {
            Some(true) => Applicability::Applies,
            Some(false) => Applicability::DoesNotApply,
            None => Applicability::Depends { on: "the version of the device's site" },
        })
    }

    /// Whether Intune leaves settings on the device because one of these is not fully at Intune. A workload
    /// that device configuration carries stands as device configuration does \[derived\].
    fn removal(&self, needed: &[Workload]) -> Applicability {
        let any = |test: fn(Reason) -> bool| needed.iter().any(|workload| test(self.reason(*workload)));
        if any(|reason| stands(reason) == Stands::NotCoManaged) {
            Applicability::DoesNotApply
        } else if any(|r| r == Reason::PilotMember || stands(r) == Stands::ConfigurationManager) {
            Applicability::Applies
        } else if any(|reason| stands(reason) == Stands::Unknown) {
            UNDECIDED
        } else if any(|reason| reason == Reason::AutopilotOverride) {
            Applicability::Depends {
                on: "where the sliders stand that the Autopilot settings policy overrides",
            }
        } else {
            Applicability::DoesNotApply
        }
    }

    fn information_protection(&self) -> Applicability {
        match (self.stands(EndpointProtection), self.stands(DeviceConfiguration)) {
            (Stands::Intune, Stands::ConfigurationManager) => Applicability::Applies,
            (_, Stands::Intune | Stands::NotCoManaged) | (Stands::ConfigurationManager, _) => {
                Applicability::DoesNotApply
            }
            _ => UNDECIDED,
        }
    }

    fn software_update_setting(&self) -> Applicability {
        let setting = self.site.and_then(|site| site.client_setting_software_updates);
        let on = "whether the client setting for software updates is still on for this device";
        self.at_intune(
            WindowsUpdatePolicies,
            match setting {
                Some(true) => Applicability::Applies,
                Some(false) => Applicability::DoesNotApply,
                None => Applicability::Depends { on },
            },
        )
    }

    fn installed_stays(&self, workload: Workload) -> Applicability {
        let on = "whether Intune installed a newer version before the workload came back";
        self.at_configuration_manager(workload, Applicability::Depends { on })
    }

    fn windows_10_1903(&self) -> Applicability {
        let unknown = Applicability::Depends { on: "the Windows build of the device" };
        match (copied(&self.facts.os_kind), copied(&self.facts.os_version)) {
            (Some(OsKind::Server | OsKind::Other), _) => Applicability::DoesNotApply,
            (_, Some(os)) if (os.major, os.minor) != (10, 0) => Applicability::DoesNotApply,
            (Some(OsKind::Client), Some(os)) => match os.build {
                Some(build) if build >= WINDOWS_10_1903 => Applicability::Applies,
                Some(_) => Applicability::DoesNotApply,
                None => unknown,
            },
            _ => unknown,
        }
    }

    fn coexistence(&self) -> Applicability {
        match self.reason(CompliancePolicies) {
            Reason::Coexistence => Applicability::Applies,
            Reason::ClientUnknown => Applicability::Depends { on: "whether the client is installed" },
            _ => Applicability::DoesNotApply,
        }
    }
}

fn by_device(reason: Reason) -> (ManagementAuthority, Because) {
    (reason.authority(), Because::Device { reason })
}
