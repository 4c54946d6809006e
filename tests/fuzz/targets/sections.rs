//! Sections of any shape, without a database: what is read of them is written as it was read, merging them does not hang on their order,
//! and every judgement of the merged device is made.
//!
//! Bytes: for each section its source, whether its message is drawn or taken as it comes, and that message.

#![no_main]

use std::collections::BTreeSet;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use prost::Message;
use prost_reflect::MessageDescriptor;
use tandem_contracts::convert::section::Report;
use tandem_contracts::convert::{facts, section};
use tandem_contracts::r#type::v1;
use tandem_domain::authority::effective_authority;
use tandem_domain::id::HierarchyId;
use tandem_domain::merge::merge;
use tandem_domain::policy::{CoManagementPolicy, Surroundings};
use tandem_domain::prerequisites::{Path, evaluate_device};
use tandem_domain::section::{Section, Source};
use tandem_domain::state::management_state;
use tandem_domain::tenant::TenantFacts;
use tandem_fuzz::{Draw, bytes_of, descriptor};

/// Sections of a device: one of each class, and some twice.
const SECTIONS: usize = 12;

static SECTION: LazyLock<MessageDescriptor> = LazyLock::new(|| descriptor("tandem.type.v1.Section"));

static SOURCES: LazyLock<[Source; 5]> = LazyLock::new(|| {
    let site = |id| Source::ConfigMgr(HierarchyId::parse(id).expect("an id"));
    [site("PS1"), site("PS2"), Source::Intune, Source::Entra, Source::Probe]
});

fuzz_target!(|data: &[u8]| {
    let mut draw = Draw::new(data);
    let mut sections = Vec::new();
    while sections.len() < SECTIONS && !draw.is_empty() {
        let Ok(said) = said(&mut draw) else { break };
        sections.extend(said);
    }
    judge(&sections);
});

fn said(draw: &mut Draw<'_>) -> arbitrary::Result<Option<Section>> {
    let source = &SOURCES[usize::from(draw.byte()?) % SOURCES.len()];
    let bytes = match draw.byte()? % 4 {
        0 => draw.raw()?,
        _ => bytes_of(&draw.message(&SECTION)?),
    };
    let Ok(message) = v1::Section::decode(bytes.as_slice()) else { return Ok(None) };
    match section::from_proto(message, source) {
        Ok(report) => {
            assert_eq!(section::from_proto(section::to_proto(&report), source).as_ref(), Ok(&report));
            Ok(match report {
                Report::Said { section, .. } => Some(section),
                Report::Removed(_) => None,
            })
        }
        Err(violations) => {
            assert!(!violations.is_empty(), "refused without a reason: {bytes:?}");
            Ok(None)
        }
    }
}

fn judge(sections: &[Section]) {
    let device = merge(sections, &[]);
    assert_eq!(merge(sections.iter().rev(), &[]), device, "in the other order: {sections:?}");
    assert_eq!(facts::from_proto(facts::to_proto(&device, |_| false)).as_ref(), Ok(&device));
    let tenant = TenantFacts::default();
    let _ = management_state(&device, &tenant);
    let (policy, complete_collections) = (CoManagementPolicy::default(), BTreeSet::new());
    let surroundings = Surroundings {
        tenant: &tenant,
        site: None,
        policy: Some(&policy),
        complete_collections: &complete_collections,
    };
    let _ = effective_authority(&device, &surroundings);
    for path in Path::ALL {
        let _ = evaluate_device(&device, &surroundings, path, Draw::now());
    }
}
