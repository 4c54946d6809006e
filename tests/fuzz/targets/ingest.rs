//! Batches of any sections into an inventory: whatever was reported, reporting the same again changes nothing.
//!
//! Bytes: batches, each with its source and its sections. After them every device and every conflict is read, the same batches are sent
//! again, and all of it is read once more.

#![no_main]

use std::sync::{LazyLock, Mutex};

use libfuzzer_sys::fuzz_target;
use prost::Message;
use prost_reflect::MessageDescriptor;
use tandem_contracts::inventory::v1::{
    ListDevicesRequest, ListDevicesResponse, ListIdentityConflictsRequest, ListIdentityConflictsResponse,
    ReportDevicesRequest, ReportDevicesResponse,
};
use tandem_contracts::r#type::v1::Section;
use tandem_fuzz::{Draw, System, TENANT, bytes_of, descriptor};

/// Batches of an input, and sections of a batch: enough for two devices to meet, part and be removed.
const BATCHES: usize = 4;
const SECTIONS: u8 = 4;

/// Who may speak.
const SOURCES: [&str; 4] = ["configmgr/PS1", "intune", "entra", "probe"];

static SYSTEM: LazyLock<Mutex<System>> = LazyLock::new(|| Mutex::new(System::start()));
static SECTION: LazyLock<MessageDescriptor> = LazyLock::new(|| descriptor("tandem.type.v1.Section"));

fuzz_target!(|data: &[u8]| {
    let mut draw = Draw::new(data);
    let mut batches = Vec::new();
    while batches.len() < BATCHES && !draw.is_empty() {
        let Ok(batch) = batch(&mut draw, batches.len()) else { break };
        batches.push(batch);
    }
    if batches.is_empty() {
        return;
    }
    let mut system = SYSTEM.lock().expect("a panic ends the process");
    system.renew();
    report(&system, &batches);
    let before = world(&system);
    let applied: u32 = report(&system, &batches).iter().map(|answer| answer.applied).sum();
    assert_eq!(world(&system), before, "reported again: {batches:?}");
    assert_eq!(applied, 0, "reported again, {applied} sections counted as new: {batches:?}");
});

fn batch(draw: &mut Draw<'_>, at: usize) -> arbitrary::Result<ReportDevicesRequest> {
    let source = SOURCES[usize::from(draw.byte()?) % SOURCES.len()];
    let sections = 1 + draw.byte()? % SECTIONS;
    let section = |_| {
        let message = bytes_of(&draw.message(&SECTION)?);
        Ok(Section::decode(message.as_slice()).expect("what is drawn is a message"))
    };
    Ok(ReportDevicesRequest {
        parent: TENANT.to_owned(),
        source: source.to_owned(),
        sequence: at as u64 + 1,
        sections: (0..sections).map(section).collect::<arbitrary::Result<_>>()?,
    })
}

fn report(system: &System, batches: &[ReportDevicesRequest]) -> Vec<ReportDevicesResponse> {
    let method = system.methods().named("DeviceService", "ReportDevices");
    let answer = system.call(method, batches.iter().map(Message::encode_to_vec).collect());
    let _ = method.checked(&answer);
    assert!(answer.failed.is_none(), "sections are refused one by one: {answer:?}");
    let acknowledged: Vec<_> = answer
        .messages
        .iter()
        .map(|message| ReportDevicesResponse::decode(message.clone()).expect("an acknowledgement"))
        .collect();
    let sequences: Vec<_> = acknowledged.iter().map(|answer| answer.sequence).collect();
    let sent: Vec<_> = batches.iter().map(|batch| batch.sequence).collect();
    assert_eq!(sequences, sent);
    acknowledged
}

/// Everything that there is to see of what was reported.
fn world(system: &System) -> (ListDevicesResponse, ListIdentityConflictsResponse) {
    let devices = ListDevicesRequest { parent: TENANT.to_owned(), page_size: 1000, ..Default::default() };
    let conflicts =
        ListIdentityConflictsRequest { parent: TENANT.to_owned(), page_size: 1000, ..Default::default() };
    (read(system, "ListDevices", &devices), read(system, "ListIdentityConflicts", &conflicts))
}

fn read<R: Message + Default>(system: &System, method: &str, request: &impl Message) -> R {
    let method = system.methods().named("DeviceService", method);
    let answer = system.call(method, vec![request.encode_to_vec()]);
    let _ = method.checked(&answer);
    let message = answer.messages.first().unwrap_or_else(|| panic!("{}: {answer:?}", method.path()));
    R::decode(message.clone()).expect("the answer of the method")
}
