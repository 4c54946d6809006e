//! The sources' value conventions, one type each. `null`, `""` and an absent member are "not said": the inner `None`.
//! Where a rule asks whether a text is empty, [`TextOrEmpty`] tells "empty" from "not said".
//!
//! Source: fact pack, admin_service.md 4 and 7, graph_managed_device.md 7.

use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use jiff::fmt::temporal::Pieces;
use jiff::tz::Offset;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Unexpected, Visitor};
use tandem_domain::enrollment;

/// Text, as written.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) Option<String>);

/// Text of which "empty" is an answer: `null` and `""` are the empty text, and only an absent member is "not said".
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct TextOrEmpty(pub(crate) Option<String>);

/// Text or a number, kept as text: properties of which the sources show both.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct TextOrNumber(pub(crate) Option<String>);

/// A yes or no: `true`, `false`, `1`, `0`, or the same as text.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flag(pub(crate) Option<bool>);

/// An unsigned 32-bit number, or the same as decimal text.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number(pub(crate) Option<u32>);

/// A date: 0 to 9 fraction digits; `Z`, an offset, or neither, which is UTC. Year 1 says "never", and so does the year 1900,
/// which Intune shows for an agent that it heard nothing of (`data/workloads.toml`, `monitoring_trap`): both are `None`. So is
/// what lies between \[derived\]. The far end of year 9999 is the last timestamp.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) Option<Timestamp>);

/// A result code that is written signed or unsigned 32 bits, as a number or as text.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) enum Code {
    /// Not said.
    #[default]
    Unsaid,
    /// Normalised.
    Known(u32),
    /// What was found instead of 32 bits.
    OutOfRange(String),
}

/// A JSON object of that shape. Without it, `serde` would also read an array by position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Nested<T>(pub(crate) Option<T>);

impl<T> Default for Nested<T> {
    fn default() -> Self {
        Self(None)
    }
}

/// Dates up to this year stand for "never": nothing that is managed was there.
const LAST_YEAR_OF_NEVER: i16 = 1900;

/// Reads a date by the rules of [`Moment`]; the error is the text's shape.
pub(crate) fn moment(text: &str) -> Result<Option<Timestamp>, &'static str> {
    const SHAPE: &str = "a date such as 2026-11-20T05:12:09Z";
    let pieces = Pieces::parse(text).map_err(|_| SHAPE)?;
    if pieces.date().year() <= LAST_YEAR_OF_NEVER {
        return Ok(None);
    }
    let read = DateTime::from_parts(pieces.date(), pieces.time().unwrap_or(Time::midnight()));
    let offset = pieces.to_numeric_offset().unwrap_or(Offset::UTC);
    // From then on, only the far end of year 9999 lies outside the range of timestamps.
    Ok(Some(offset.to_timestamp(read).unwrap_or(Timestamp::MAX)))
}

/// Makes the visitor of a scalar convention: every JSON scalar in one place, anything else a type error.
macro_rules! scalar {
    ($name:ident, $expected:literal,
     text($text:ident) $from_text:expr, number($number:ident) $from_number:expr, flag($flag:ident) $from_flag:expr) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Scalar;

                impl Visitor<'_> for Scalar {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expected)
                    }

                    fn visit_unit<E: Error>(self) -> Result<$name, E> {
                        Ok($name::default())
                    }

                    fn visit_str<E: Error>(self, $text: &str) -> Result<$name, E> {
                        if $text.is_empty() {
                            return Ok($name::default());
                        }
                        let read: Option<$name> = $from_text;
                        read.ok_or_else(|| E::invalid_value(Unexpected::Str(shown($text)), &self))
                    }

                    fn visit_i64<E: Error>(self, number: i64) -> Result<$name, E> {
                        let $number = i128::from(number);
                        let read: Option<$name> = $from_number;
                        read.ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
                    }

                    fn visit_u64<E: Error>(self, number: u64) -> Result<$name, E> {
                        let $number = i128::from(number);
                        let read: Option<$name> = $from_number;
                        read.ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
                    }

                    // Whole numbers beyond 64 bits come as floating point.
                    fn visit_f64<E: Error>(self, number: f64) -> Result<$name, E> {
                        let $number = number as i128;
                        let read: Option<$name> = if number.fract() == 0.0 { $from_number } else { None };
                        read.ok_or_else(|| E::invalid_value(Unexpected::Float(number), &self))
                    }

                    fn visit_bool<E: Error>(self, $flag: bool) -> Result<$name, E> {
                        let read: Option<$name> = $from_flag;
                        read.ok_or_else(|| E::invalid_type(Unexpected::Bool($flag), &self))
                    }
                }

                deserializer.deserialize_any(Scalar)
            }
        }
    };
}

scalar!(Text, "a text",
    text(t) Some(Text::from(t)), number(_n) None, flag(_f) None);
scalar!(TextOrNumber, "a text or a whole number",
    text(t) Some(TextOrNumber(Some(t.to_owned()))), number(n) Some(TextOrNumber(Some(n.to_string()))), flag(_f) None);
scalar!(Flag, "true, false, 1 or 0",
    text(t) flag_text(t), number(n) flag_number(n), flag(f) Some(Flag(Some(f))));
scalar!(Number, "a whole number of 32 bits",
    text(t) t.trim().parse().ok().map(|n| Number(Some(n))), number(n) u32::try_from(n).ok().map(|n| Number(Some(n))),
    flag(_f) None);
scalar!(Moment, "a date such as 2026-11-20T05:12:09Z",
    text(t) moment(t).ok().map(Moment), number(_n) None, flag(_f) None);
scalar!(Code, "a code of 32 bits",
    text(t) Some(enrollment::parse_code(t).map_or_else(|| Code::OutOfRange(shown(t).to_owned()), Code::Known)),
    number(n) Some(code_number(n)), flag(_f) None);

impl<'de> Deserialize<'de> for TextOrEmpty {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Text::deserialize(deserializer).map(|text| Self(Some(text.0.unwrap_or_default())))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Some(text.to_owned()))
    }
}

fn flag_text(text: &str) -> Option<Flag> {
    let said = match text.trim() {
        "1" => true,
        "0" => false,
        word if word.eq_ignore_ascii_case("true") => true,
        word if word.eq_ignore_ascii_case("false") => false,
        _ => return None,
    };
    Some(Flag(Some(said)))
}

fn flag_number(number: i128) -> Option<Flag> {
    match number {
        0 => Some(Flag(Some(false))),
        1 => Some(Flag(Some(true))),
        _ => None,
    }
}

fn code_number(number: i128) -> Code {
    let known = i64::try_from(number).ok().and_then(enrollment::normalise);
    known.map_or_else(|| Code::OutOfRange(number.to_string()), Code::Known)
}

/// The head of a text that goes into a message.
pub(crate) fn shown(text: &str) -> &str {
    const SHOWN: usize = 80;
    text.char_indices().nth(SHOWN).map_or(text, |(end, _)| &text[..end])
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Nested<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
            type Value = Nested<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(Nested(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(|read| Nested(Some(read)))
            }
        }

        deserializer.deserialize_any(Object(PhantomData))
    }
}

#[cfg(test)]
mod tests;
