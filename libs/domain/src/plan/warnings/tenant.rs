//! What is known of the tenant beside its policies, and who needs workloads at Intune.

use super::WarningKind;
use crate::workload::{PerWorkload, Workload};

/// What the operator said of the tenant, as far as warnings depend on it. Every field: `None` is "nobody said", and keeps the
/// warning, conditionally.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlanFacts {
    /// The matching policy or app exists in Intune and is assigned to the devices that move: what the rule
    /// `cm.intune_counterpart_ready` has an operator attest.
    pub deployed_at_intune: PerWorkload<Option<bool>>,
    /// The same at Configuration Manager, for devices that go back.
    pub deployed_at_configuration_manager: PerWorkload<Option<bool>>,
    /// Conditional Access asks whether these devices are compliant.
    pub conditional_access: Option<bool>,
    /// Windows Autopatch has these devices.
    pub autopatch: Option<bool>,
    /// Apps of the new Microsoft Store are deployed from Intune.
    pub store_apps: Option<bool>,
    /// Devices come in by Autopilot into co-management.
    pub autopilot: Option<bool>,
    /// A settings policy of Autopilot has the override.
    pub autopilot_override: Option<bool>,
}

impl PlanFacts {
    pub(super) const fn used(&self, consumer: Consumer) -> Option<bool> {
        match consumer {
            Consumer::ConditionalAccess => self.conditional_access,
            Consumer::WindowsAutopatch => self.autopatch,
            Consumer::StoreApps => self.store_apps,
        }
    }
}

/// Who needs workloads at Intune: `[[dependency]]` of `workloads.toml`. Each accepts Pilot Intune, for members. What the removal
/// of settings needs is said by warnings of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Consumer {
    ConditionalAccess,
    WindowsAutopatch,
    StoreApps,
}

impl Consumer {
    pub(super) const ALL: [Self; 3] = [Self::ConditionalAccess, Self::WindowsAutopatch, Self::StoreApps];

    /// What it needs, in the order of [`Workload::ALL`].
    pub(super) const fn needs(self) -> &'static [Workload] {
        match self {
            Self::ConditionalAccess => &[Workload::CompliancePolicies],
            Self::WindowsAutopatch => &[
                Workload::WindowsUpdatePolicies,
                Workload::DeviceConfiguration,
                Workload::OfficeClickToRunApps,
            ],
            Self::StoreApps => &[Workload::ClientApps],
        }
    }

    pub(super) const fn warning(self) -> WarningKind {
        match self {
            Self::ConditionalAccess => WarningKind::ConditionalAccessNeedsCompliance,
            Self::WindowsAutopatch => WarningKind::AutopatchNeedsThree,
            Self::StoreApps => WarningKind::StoreAppsNeedClientApps,
        }
    }

    pub(super) const fn question(self) -> &'static str {
        match self {
            Self::ConditionalAccess => "whether Conditional Access asks for compliance",
            Self::WindowsAutopatch => "whether Windows Autopatch has these devices",
            Self::StoreApps => "whether Microsoft Store apps are deployed from Intune",
        }
    }
}
