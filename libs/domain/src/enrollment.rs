//! Enrolment error codes: what each means, whose business it is, and how it is mended.
//!
//! Table: `data/enrollment_errors.csv` (each row names its source; class and whether to retry are our judgement \[derived\]).
//! Codes are unsigned 32 bits here; sources also write them signed or in hexadecimal.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::table;

/// Sorted by code.
static ERRORS: LazyLock<Vec<EnrollmentError>> = LazyLock::new(|| {
    let mut errors: Vec<EnrollmentError> = table::rows(include_str!("../data/enrollment_errors.csv"));
    errors.sort_by_key(|error| error.code);
    errors
});

/// What kind of thing went wrong, hence who can mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// Passes by itself.
    Transient,
    /// Settings of the tenant, the service or the site.
    Configuration,
    /// Sign-in and authorisation.
    Auth,
    /// The device itself.
    Device,
    /// The way between device and cloud.
    Network,
    /// Licences.
    License,
}

impl ErrorClass {
    /// The fact pack's id.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Configuration => "configuration",
            Self::Auth => "auth",
            Self::Device => "device",
            Self::Network => "network",
            Self::License => "license",
        }
    }
}

/// Whether another attempt can succeed although nobody mended anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retryable {
    /// It can.
    Yes,
    /// It cannot.
    No,
    /// It depends.
    Maybe,
}

impl Retryable {
    /// The fact pack's id.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Maybe => "maybe",
        }
    }
}

/// A known code: a row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct EnrollmentError {
    /// The code.
    #[serde(rename = "decimal")]
    pub code: u32,
    /// The vendor's symbol. `None`: the vendor prints none.
    #[serde(borrow)]
    pub symbol: Option<&'static str>,
    /// What happened.
    pub meaning: &'static str,
    /// What kind of thing that is.
    pub class: ErrorClass,
    /// How it is mended.
    pub remediation: &'static str,
    /// Whether another attempt can succeed.
    pub retryable: Retryable,
    /// Disputes and caveats; empty where there are none.
    pub notes: &'static str,
}

/// Every known code, ascending.
#[must_use]
pub fn errors() -> &'static [EnrollmentError] {
    &ERRORS
}

/// What is known of a code; `None`: no table lists it.
#[must_use]
pub fn lookup(code: u32) -> Option<&'static EnrollmentError> {
    let index = ERRORS.binary_search_by_key(&code, |error| error.code).ok()?;
    ERRORS.get(index)
}

/// Every code of a symbol, whatever its case. Two for the disputed symbols: sources give "user cancelled" and "MDM not
/// configured" different numbers, and both are accepted. A bracketed remark of the table is no part of the symbol.
#[must_use]
pub fn by_symbol(symbol: &str) -> Vec<&'static EnrollmentError> {
    let wanted = symbol.trim();
    let names = |written: &str| {
        let bare = written.split_once(" (").map_or(written, |(bare, _)| bare);
        written.eq_ignore_ascii_case(wanted) || bare.eq_ignore_ascii_case(wanted)
    };
    ERRORS.iter().filter(|error| error.symbol.is_some_and(names)).collect()
}

/// Reads a code as text: decimal, unsigned or signed, or hexadecimal with `0x`. Text without `0x` is always decimal.
#[must_use]
pub fn parse_code(text: &str) -> Option<u32> {
    let text = text.trim();
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        // from_str_radix would take a sign.
        Some(digits) if digits.bytes().all(|b| b.is_ascii_hexdigit()) => u32::from_str_radix(digits, 16).ok(),
        Some(_) => None,
        None => normalise(text.parse().ok()?),
    }
}

/// A code given as a number, signed or unsigned 32 bits; `None` when it is neither.
#[must_use]
pub fn normalise(number: i64) -> Option<u32> {
    let signed = || i32::try_from(number).ok().map(i32::cast_unsigned);
    u32::try_from(number).ok().or_else(signed)
}

/// The code as people write it: `0x80180018`.
#[must_use]
pub fn hex(code: u32) -> String {
    format!("0x{code:08X}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const USER_LICENSE: u32 = 0x8018_0018;

    #[test]
    fn every_row_of_the_table_parses_and_codes_are_unique() {
        assert_eq!(errors().len(), 82);
        assert!(errors().is_sorted_by(|a, b| a.code < b.code));
    }

    #[test]
    fn decimal_and_hex_columns_name_the_same_code() {
        let mut reader = csv::Reader::from_reader(include_str!("../data/enrollment_errors.csv").as_bytes());
        for record in reader.records() {
            let record = record.unwrap();
            let code = parse_code(&record[0]).unwrap();
            assert_eq!(parse_code(&record[1]), Some(code));
            assert_eq!(hex(code), &record[1]);
            assert_eq!(lookup(code).map(|error| error.code), Some(code));
        }
    }

    #[test]
    fn classes_and_retries_count_as_in_the_table() {
        let mut classes: BTreeMap<&str, usize> = BTreeMap::new();
        let mut retries: BTreeMap<&str, usize> = BTreeMap::new();
        for error in errors() {
            *classes.entry(error.class.id()).or_default() += 1;
            *retries.entry(error.retryable.id()).or_default() += 1;
        }
        let expected = [
            ("auth", 14),
            ("configuration", 14),
            ("device", 25),
            ("license", 1),
            ("network", 9),
            ("transient", 19),
        ];
        assert_eq!(classes, BTreeMap::from(expected));
        assert_eq!(retries, BTreeMap::from([("maybe", 32), ("no", 30), ("yes", 20)]));
    }

    #[test]
    fn licence_error_is_known_whole() {
        let expected = EnrollmentError {
            code: USER_LICENSE,
            symbol: Some("MENROLL_E_USERLICENSE"),
            meaning: "the user's licence state blocks enrolment",
            class: ErrorClass::License,
            remediation: "assign an Intune licence to the user",
            retryable: Retryable::No,
            notes: "SDK header spells it MENROLL_E_USER_LICENSE",
        };
        assert_eq!(lookup(USER_LICENSE), Some(&expected));
    }

    #[test]
    fn code_without_a_symbol_is_known_by_its_meaning() {
        let found = lookup(0xCAA1_0001).unwrap();
        assert_eq!((found.symbol, found.class, found.retryable), (None, ErrorClass::Auth, Retryable::Yes));
    }

    #[test]
    fn code_that_no_table_lists_is_none() {
        for code in [0, 1, 0x8018_FFFF, u32::MAX] {
            assert_eq!(lookup(code), None, "{code}");
        }
    }

    #[test]
    fn disputed_symbols_have_both_codes() {
        let codes = |symbol| by_symbol(symbol).into_iter().map(|error| error.code).collect::<Vec<_>>();
        assert_eq!(codes("MENROLL_E_USER_CANCELED"), [0x8018_002A, 0x8018_0030]);
        assert_eq!(codes("menroll_e_mdm_not_configured "), [0x8018_002B, 0x8018_0031]);
        assert_eq!(codes("MENROLL_E_USERLICENSE"), [USER_LICENSE]);
        assert_eq!(codes("ERROR_TIMEOUT"), [0x8007_05B4]);
        assert_eq!(codes("ERROR_TIMEOUT (HRESULT form)"), [0x8007_05B4]);
        assert_eq!(codes(""), [0_u32; 0]);
    }

    #[test]
    fn code_text_reads_in_every_spelling() {
        for text in ["2149056536", "-2145910760", "0x80180018", "0X80180018", " 0x80180018\t"] {
            assert_eq!(parse_code(text), Some(USER_LICENSE), "{text:?}");
        }
        assert_eq!(parse_code("0"), Some(0));
        assert_eq!(parse_code("-1"), Some(u32::MAX));
    }

    #[test]
    fn code_text_of_other_shapes_is_none() {
        for text in
            ["", "0x", "0x+1", "0x-1", "-0x1", "4294967296", "-2147483649", "0x180180018", "8018001Z", "1.0"]
        {
            assert_eq!(parse_code(text), None, "{text:?}");
        }
    }

    #[test]
    fn numbers_outside_32_bits_are_none() {
        assert_eq!(normalise(4_294_967_296), None);
        assert_eq!(normalise(-2_147_483_649), None);
        assert_eq!(normalise(4_294_967_295), Some(u32::MAX));
        assert_eq!(normalise(-2_147_483_648), Some(0x8000_0000));
    }

    proptest! {
        #[test]
        fn any_code_survives_every_spelling(code: u32) {
            prop_assert_eq!(parse_code(&code.to_string()), Some(code));
            prop_assert_eq!(parse_code(&code.cast_signed().to_string()), Some(code));
            prop_assert_eq!(parse_code(&hex(code)), Some(code));
            prop_assert_eq!(normalise(i64::from(code)), Some(code));
            prop_assert_eq!(normalise(i64::from(code.cast_signed())), Some(code));
        }
    }
}
