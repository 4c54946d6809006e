//! One tenant with a hierarchy, and devices whose answers can be worked out from the rules by hand.
//!
//! All is judged at noon of 2026-11-20, UTC.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tandem_contracts::convert;
use tandem_contracts::inventory::v1::{Device, GetSurroundingsResponse, HierarchySurroundings};
use tandem_contracts::r#type::v1::CoManagementPolicy as PolicyMessage;
use tandem_domain::facts::{
    DeviceFacts, Fact, JoinType, MdmProvider, OsKind, OsVersion, Owner, SectionStamp,
};
use tandem_domain::id::{HierarchyId, SiteCode};
use tandem_domain::policy::{AutoEnrollment, CoManagementPolicy};
use tandem_domain::section::SectionKind;
use tandem_domain::site::SiteFacts;
use tandem_domain::tenant::{EntraPlan, TenantFacts};

pub(crate) const TENANT: &str = "tenants/contoso";

/// The revision of the inventory's world.
pub(crate) const REVISION: u64 = 40;

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn as_of() -> Timestamp {
    at("2026-11-20T12:00:00Z")
}

pub(crate) fn name_of(id: &str) -> String {
    format!("{TENANT}/devices/{id}")
}

fn said<T>(value: T) -> Option<Fact<T>> {
    Some(Fact::new(value, 0))
}

fn word(text: &str) -> Option<Fact<String>> {
    said(text.to_owned())
}

fn os(text: &str) -> Option<Fact<OsVersion>> {
    said(OsVersion::parse(text).unwrap())
}

fn code() -> SiteCode {
    SiteCode::parse("PS1").unwrap()
}

/// A hybrid joined Windows 11 25H2 Enterprise with a healthy client, not enrolled: nothing stands in its way on path 1.
pub(crate) fn eligible() -> DeviceFacts {
    DeviceFacts {
        sections: vec![SectionStamp {
            source: "configmgr/PS1".parse().unwrap(),
            kind: SectionKind::Discovery,
            key: "PS1/16777301".into(),
            observed_at: at("2026-11-20T04:00:00Z"),
        }],
        name: word("OSL-LT-0417"),
        hierarchy: Some(HierarchyId::parse("PS1").unwrap()),
        site: said(code()),
        client_installed: said(true),
        client_health_flags: said(7),
        client_health_sync: said(at("2026-11-19T12:00:00Z")),
        os_version: os("10.0.26200.7171"),
        os_kind: said(OsKind::Client),
        os_edition: word("Enterprise"),
        join_type: said(JoinType::HybridJoined),
        ad_joined: said(true),
        mdm_enrolled: said(false),
        autopilot_registered: said(false),
        dmwappushservice_present: said(true),
        mdm_blocked_by_policy: said(false),
        ..DeviceFacts::default()
    }
}

/// Merely registered, on a Windows 10 22H2 whose servicing ended, and nobody says how its client is.
pub(crate) fn outdated() -> DeviceFacts {
    DeviceFacts {
        name: word("OSL-LT-0099"),
        client_health_flags: None,
        client_health_sync: None,
        os_version: os("10.0.19045.5000"),
        join_type: said(JoinType::EntraRegistered),
        ad_joined: said(false),
        ..eligible()
    }
}

/// A personal device beside a third-party MDM.
pub(crate) fn coexisting() -> DeviceFacts {
    DeviceFacts {
        name: word("BER-LT-0001"),
        mdm_enrolled: said(true),
        authority_text: word("VMware AirWatch"),
        owner: said(Owner::Personal),
        ..eligible()
    }
}

/// Nobody says whether MDM is blocked on it; another hierarchy has it, of which no policy and no site are known.
pub(crate) fn unverified() -> DeviceFacts {
    DeviceFacts {
        name: word("TOS-LT-0042"),
        hierarchy: Some(HierarchyId::parse("AP1").unwrap()),
        site: said(SiteCode::parse("AP1").unwrap()),
        mdm_blocked_by_policy: None,
        ..eligible()
    }
}

/// The four devices by name, as the inventory has them.
pub(crate) fn devices() -> BTreeMap<String, Device> {
    let all = [
        ("d-coexisting", 31, coexisting()),
        ("d-eligible", 32, eligible()),
        ("d-outdated", 33, outdated()),
        ("d-unverified", 34, unverified()),
    ];
    let message = |(id, revision, facts): (&str, u64, DeviceFacts)| {
        let name = name_of(id);
        let facts = Some(convert::facts::to_proto(&facts, |_| false));
        (name.clone(), Device { name, revision, facts, state: 0, keys: Vec::new() })
    };
    all.into_iter().map(message).collect()
}

/// A tenant of which little is known.
fn tenant() -> TenantFacts {
    TenantFacts {
        entra_plan: Some(EntraPlan::Free),
        authority_texts: [
            ("Microsoft Intune".to_owned(), MdmProvider::Intune),
            ("VMware AirWatch".to_owned(), MdmProvider::ThirdParty),
        ]
        .into(),
        ..TenantFacts::default()
    }
}

/// A site in support; of its settings, only that of the registration is known, and it is off.
fn site() -> SiteFacts {
    SiteFacts {
        version: Some("2509".into()),
        client_setting_register_entra: Some(false),
        ..SiteFacts::unknown(code())
    }
}

pub(crate) fn surroundings() -> GetSurroundingsResponse {
    GetSurroundingsResponse {
        revision: 30,
        unchanged: false,
        tenant: Some(convert::tenant::to_proto(&tenant())),
        hierarchies: vec![
            HierarchySurroundings { hierarchy: "AP1".into(), ..HierarchySurroundings::default() },
            HierarchySurroundings {
                hierarchy: "PS1".into(),
                sites: [("PS1".to_owned(), convert::site::to_proto(&site()))].into(),
                complete_collections: Vec::new(),
            },
        ],
        consistency_token: String::new(),
    }
}

/// The policy of `PS1`: automatic enrolment of all, every slider at Configuration Manager. Nobody said that of `AP1`.
pub(crate) fn policy() -> PolicyMessage {
    let policy = CoManagementPolicy {
        enabled: Some(true),
        auto_enrollment: Some(AutoEnrollment::All),
        ..CoManagementPolicy::default()
    };
    PolicyMessage {
        name: format!("{TENANT}/hierarchies/PS1/coManagementPolicy"),
        revision: 5,
        ..convert::policy::to_proto(&policy)
    }
}
