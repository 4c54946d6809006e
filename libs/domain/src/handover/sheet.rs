//! Members as a sheet: RFC 4180, and no cell that a spreadsheet would compute.

use std::borrow::Cow;

use csv::{Terminator, WriterBuilder};

use super::{MembershipAction, MembershipWork};

/// What starts a formula in the common spreadsheets, also in the full-width forms that some of them accept.
const FORMULA_STARTS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// What marks a cell as text. A name that begins with it is marked too, so that exactly one is to be taken
/// away.
const TEXT_MARK: char = '\'';

const HEADER: [&str; 5] = ["collection_id", "collection_name", "action", "resource_id", "device_name"];

pub(super) fn write(works: &[MembershipWork]) -> String {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(HEADER).expect("memory takes every record of the header's length");
    for work in works {
        let (id, name) = (work.collection().as_str(), as_text(work.collection_name()));
        for action in MembershipAction::ALL {
            for member in work.members(action) {
                let resource_id = member.resource_id.to_string();
                let row = [id, &name, action.id(), &resource_id, &as_text(&member.name)];
                writer.write_record(row).expect("memory takes every record of the header's length");
            }
        }
    }
    let bytes = writer.into_inner().expect("memory is flushed");
    String::from_utf8(bytes).expect("cells are text, and so is what stands between them")
}

/// The cell that a spreadsheet takes for that text. Leading space does not keep every spreadsheet from seeing
/// a formula.
fn as_text(text: &str) -> Cow<'_, str> {
    let formula = text.trim_start().starts_with(FORMULA_STARTS);
    let control = text.starts_with(|c: char| c.is_control());
    if formula || control || text.starts_with(TEXT_MARK) {
        Cow::Owned(format!("{TEXT_MARK}{text}"))
    } else {
        Cow::Borrowed(text)
    }
}
