use proptest::prelude::*;

use super::*;

/// 1901-01-01T00:00:00Z.
const FIRST_SECOND_OF_1901: i64 = -2_177_452_800;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn read<T: for<'de> Deserialize<'de>>(json: &str) -> Result<T, String> {
    serde_json::from_str(json).map_err(|error| crate::record::json_reason(&error))
}

#[test]
fn nothing_said_is_none_in_every_convention() {
    for json in ["null", "\"\""] {
        assert_eq!(read(json), Ok(Text(None)));
        assert_eq!(read(json), Ok(TextOrNumber(None)));
        assert_eq!(read(json), Ok(Flag(None)));
        assert_eq!(read(json), Ok(Number(None)));
        assert_eq!(read(json), Ok(Moment(None)));
        assert_eq!(read(json), Ok(Code::Unsaid));
    }
    assert_eq!(read("null"), Ok(Nested::<Vec<u8>>(None)));
}

#[test]
fn flag_reads_numbers_booleans_and_their_texts() {
    for json in ["1", "true", "\"1\"", "\"true\"", "\"True\"", "1.0"] {
        assert_eq!(read(json), Ok(Flag(Some(true))), "{json}");
    }
    for json in ["0", "false", "\"0\"", "\"FALSE\""] {
        assert_eq!(read(json), Ok(Flag(Some(false))), "{json}");
    }
    assert_eq!(read::<Flag>("2"), Err("invalid value: integer `2`, expected true, false, 1 or 0".to_owned()));
    assert_eq!(
        read::<Flag>("\"yes\""),
        Err("invalid value: string \"yes\", expected true, false, 1 or 0".to_owned())
    );
    assert!(read::<Flag>("[]").is_err());
}

#[test]
fn number_reads_32_bits_and_their_text() {
    assert_eq!(read("16777301"), Ok(Number(Some(16_777_301))));
    assert_eq!(read("\"16777301\""), Ok(Number(Some(16_777_301))));
    assert_eq!(read("4294967295"), Ok(Number(Some(u32::MAX))));
    for json in ["-1", "4294967296", "1.5", "\"x\"", "true", "{}"] {
        assert!(read::<Number>(json).is_err(), "{json}");
    }
}

#[test]
fn text_refuses_other_types_and_text_or_number_keeps_numbers() {
    assert_eq!(read("\"8259\""), Ok(Text::from("8259")));
    assert_eq!(read::<Text>("5"), Err("invalid value: integer `5`, expected a text".to_owned()));
    assert_eq!(read("8259"), Ok(TextOrNumber(Some("8259".to_owned()))));
    assert_eq!(read("-1"), Ok(TextOrNumber(Some("-1".to_owned()))));
    assert!(read::<TextOrNumber>("true").is_err());
}

#[test]
fn code_reads_signed_and_unsigned_and_keeps_what_is_neither() {
    for json in ["-2145910760", "2149056536", "\"2149056536\"", "\"0x80180018\"", "\"-2145910760\""] {
        assert_eq!(read(json), Ok(Code::Known(0x8018_0018)), "{json}");
    }
    for (json, found) in [
        ("4294967296", "4294967296"),
        ("-2147483649", "-2147483649"),
        ("18446744073709551615", "18446744073709551615"),
        ("\"later\"", "later"),
    ] {
        assert_eq!(read(json), Ok(Code::OutOfRange(found.to_owned())));
    }
    assert!(read::<Code>("true").is_err());
}

#[test]
fn moment_reads_every_fraction_and_offset() {
    let expected = [
        ("2026-11-20T05:12:09Z", "2026-11-20T05:12:09Z"),
        ("2026-11-20T05:12:09", "2026-11-20T05:12:09Z"),
        ("2026-11-20T05:12:09.7Z", "2026-11-20T05:12:09.7Z"),
        ("2026-11-19T21:00:03.7156189Z", "2026-11-19T21:00:03.7156189Z"),
        ("2026-11-20T06:12:09.077+01:00", "2026-11-20T05:12:09.077Z"),
        ("2026-11-20", "2026-11-20T00:00:00Z"),
        ("1901-01-01T00:00:00Z", "1901-01-01T00:00:00Z"),
    ];
    for (text, instant) in expected {
        assert_eq!(moment(text), Ok(Some(at(instant))), "{text}");
    }
}

#[test]
fn moment_of_year_one_or_1900_is_never_and_the_far_future_is_the_last_one() {
    assert_eq!(moment("0001-01-01T00:00:00Z"), Ok(None));
    assert_eq!(moment("0001-01-01T00:00:00+01:00"), Ok(None));
    assert_eq!(moment("1900-02-01T00:00:00Z"), Ok(None));
    assert_eq!(moment("1900-02-01T00:00:00.0000000"), Ok(None));
    for text in ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59-12:00"] {
        assert_eq!(moment(text), Ok(Some(Timestamp::MAX)), "{text}");
    }
}

#[test]
fn moment_of_another_shape_is_refused() {
    for text in ["yesterday", "20.11.2026", "2026-13-01T00:00:00Z", "\u{0}"] {
        assert_eq!(moment(text), Err("a date such as 2026-11-20T05:12:09Z"), "{text}");
    }
}

#[test]
fn nested_object_is_no_array() {
    assert!(read::<Nested<(u8, u8)>>("[1,2]").is_err());
}

proptest! {
    #[test]
    fn any_text_is_a_moment_or_an_error(text in ".{0,40}") {
        let _ = moment(&text);
    }

    #[test]
    fn any_second_of_the_field_survives(second in FIRST_SECOND_OF_1901..253_000_000_000_i64) {
        let instant = Timestamp::from_second(second).unwrap();
        prop_assert_eq!(moment(&instant.to_string()), Ok(Some(instant)));
    }

    #[test]
    fn shown_text_never_splits_a_letter(text in "\\PC{0,200}") {
        prop_assert!(text.starts_with(shown(&text)));
    }
}
