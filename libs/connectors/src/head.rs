//! The head of a JSON file: as much as tells what it is.
//!
//! Reading stops at the first record once the context is known. Where `value` comes before the context, or there is no
//! context, the rest of the file is passed over without being kept.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use crate::page::{self, Allowance};
use crate::record::Fault;

/// Names of an object's members. Classes have less than 100; extended discovery adds some.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Members {
    names: BTreeSet<String>,
    /// `__CLASS`: the wmi route's own word for what the record is.
    pub(crate) class: Option<String>,
}

impl Members {
    /// Further names tell nothing more.
    const KEPT: usize = 1000;

    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    pub(crate) fn note(&mut self, name: String) {
        if self.names.len() < Self::KEPT {
            self.names.insert(name);
        }
    }

    /// Nothing but what OData puts around an answer.
    pub(crate) fn are_of_the_envelope(&self) -> bool {
        self.names.iter().all(|name| name.starts_with("@odata."))
    }

    /// Some names, for a message.
    pub(crate) fn some_names(&self) -> String {
        let some: Vec<String> =
            self.names.iter().take(5).map(|n| format!("`{}`", crate::value::shown(n))).collect();
        some.join(", ")
    }
}

/// What is under `value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// No such member.
    Absent,
    /// An array: its first record, if it has one.
    Records(Option<Members>),
    /// An object with those members, or a scalar with none.
    Other(Members),
}

/// The head of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// `@odata.context`.
    pub(crate) context: Option<String>,
    /// What is under `value`, or the file itself where it is an array.
    pub(crate) value: Value,
    /// Members at the top.
    pub(crate) members: Members,
    /// The file is an array of records.
    pub(crate) is_array: bool,
}

/// Reads the head of a JSON file.
///
/// # Errors
/// Where and why the file breaks before it tells what it is. A page that breaks later is no error here: reading it says so.
pub(crate) fn read(path: &Path) -> Result<Head, Fault> {
    let (source, allowance) = page::open(path)?;
    let mut deserializer = serde_json::Deserializer::from_reader(source);
    let mut sniffing = Sniffing {
        head: Head { context: None, value: Value::Absent, members: Members::default(), is_array: false },
        allowance,
        enough: false,
    };
    let ended = (&mut deserializer).deserialize_any(Top(&mut sniffing)).and_then(|()| deserializer.end());
    let Sniffing { head, enough, .. } = sniffing;
    let telling = match head.value {
        Value::Absent => false,
        Value::Records(None) => head.context.is_some(),
        Value::Records(Some(_)) | Value::Other(_) => true,
    };
    match ended {
        Err(error) if !enough && !telling => Err(page::broken(&error, ".")),
        _ => Ok(head),
    }
}

struct Sniffing {
    head: Head,
    allowance: Allowance,
    /// Reading stopped because the rest tells nothing more.
    enough: bool,
}

impl Sniffing {
    fn stop<E: Error>(&mut self) -> Result<(), E> {
        self.enough = true;
        Err(E::custom("enough is known"))
    }

    /// Takes the first record and stops, or passes over the others.
    fn records<'de, A: SeqAccess<'de>>(&mut self, mut records: A, enough: bool) -> Result<(), A::Error> {
        self.head.value = Value::Records(None);
        if let Some(first) = records.next_element::<Box<RawValue>>()? {
            self.head.value = Value::Records(Some(serde_json::from_str(first.get()).unwrap_or_default()));
        }
        if enough {
            return self.stop();
        }
        loop {
            self.allowance.renew();
            if records.next_element::<IgnoredAny>()?.is_none() {
                return Ok(());
            }
        }
    }
}

/// The whole file.
struct Top<'a>(&'a mut Sniffing);

impl<'de> Visitor<'de> for Top<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, records: A) -> Result<(), A::Error> {
        self.0.head.is_array = true;
        self.0.records(records, true)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            self.0.allowance.renew();
            match name.as_str() {
                "value" => map.next_value_seed(UnderValue(self.0))?,
                "@odata.context" => self.0.head.context = map.next_value::<Word>()?.0,
                "__CLASS" => self.0.head.members.class = map.next_value::<Word>()?.0,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            self.0.head.members.note(name);
            if self.0.head.context.is_some() && self.0.head.value != Value::Absent {
                return self.0.stop();
            }
        }
        Ok(())
    }
}

/// What is under `value`.
struct UnderValue<'a>(&'a mut Sniffing);

impl<'de> DeserializeSeed<'de> for UnderValue<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for UnderValue<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, records: A) -> Result<(), A::Error> {
        let enough = self.0.head.context.is_some();
        self.0.records(records, enough)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        self.0.head.value = Value::Other(MembersVisitor.visit_map(map)?);
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.0.head.value = Value::Other(Members::default());
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        self.visit_unit()
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Members::default();
        while let Some(name) = map.next_key::<String>()? {
            if name == "__CLASS" {
                members.class = map.next_value::<Word>()?.0;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
            members.note(name);
        }
        Ok(members)
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

/// A text; anything else is passed over.
struct Word(Option<String>);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str(raw.get()).ok()))
    }
}
