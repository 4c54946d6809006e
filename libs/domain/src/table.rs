//! Reads the published tables that are embedded in the crate.

use csv::StringRecord;
use serde::Deserialize;

/// Every row of an embedded table, in file order. Rows borrow their text: the records are leaked, once per table and process,
/// because the tables live as long as the program does.
///
/// # Panics
/// When the embedded table does not parse, which the tests of each table exclude.
pub(crate) fn rows<T: Deserialize<'static>>(text: &'static str) -> Vec<T> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers: &'static StringRecord =
        Box::leak(Box::new(reader.headers().expect("embedded table has a header").clone()));
    reader
        .records()
        .map(|record| {
            let record: &'static StringRecord =
                Box::leak(Box::new(record.expect("embedded table is well-formed")));
            record.deserialize(Some(headers)).expect("embedded table has the expected columns")
        })
        .collect()
}
