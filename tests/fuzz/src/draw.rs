//! Messages drawn from bytes: of the contract's shape, with texts that mean something to the services.
//!
//! Random bytes are seldom a message, and a message of random texts is refused at its first name. So what is drawn says names that are
//! there, ids of the field, words of earlier answers, and sometimes anything at all.

use arbitrary::{Result, Unstructured};
use jiff::Timestamp;
use prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};
use tandem_contracts::inventory::v1::{CreateTenantRequest, Hierarchy, Tenant, UpdateHierarchyRequest};

use crate::{HIERARCHY, TENANT};

/// Messages within messages that are drawn: the contracts nest no deeper, and `Struct`s of the protocol are not among them.
const DEEPEST: u8 = 8;

/// Words of earlier answers that are kept.
const REMEMBERED: usize = 64;

/// Texts of fields of that name: few, so that they meet, and mostly good ones.
const WORDS: &[(&str, &[&str])] = &[
    ("key", &["1", "2", "3"]),
    ("source", &["configmgr/PS1", "intune", "entra", "probe"]),
    ("entra_device_id", ENTRA),
    ("device_id", ENTRA),
    ("sms_id", CLIENTS),
    ("sms_unique_identifier", CLIENTS),
    ("client_identifier", CLIENTS),
    ("smbios_guid", &["03000200-0400-0500-0006-000700080009", "4c4c4544-0042-3510-8051-c4c04f4b5831"]),
    ("serial_number", &["SN-0001", "SN-0002", "To be filled by O.E.M."]),
    ("site_code", SITES),
    ("assigned_site", SITES),
    ("sites", SITES),
    ("hierarchies", &["PS1", "PS2"]),
    ("client_version", &["5.00.9128.1007", "5.00.9096.1000", "4"]),
    ("os_version", &["10.0.26100.4652", "10.0.19045.5"]),
    ("device_os_build", &["10.0.26100.4652", "10.0.19045.5"]),
    ("mdm_workloads", &["8193", "12543", "1073741824", "4294967296"]),
    ("owner_type", &["company", "personal"]),
    ("device_ownership", &["Company", "Personal"]),
    ("management_agent", &["configurationManagerClientMdm", "mdm", "configurationManagerClient", "eas"]),
    ("client_health_state", &["healthy", "installed", "unhealthy"]),
    ("join_type", &["azureADJoined", "hybridAzureADJoined", "azureADRegistered"]),
    ("trust_type", &["AzureAd", "ServerAd", "Workplace"]),
];

const ENTRA: &[&str] = &[
    "6c3a1f52-7d1b-4a3c-9e50-0123456789a1",
    "{6C3A1F52-7D1B-4A3C-9E50-0123456789A2}",
    "00000000-0000-0000-0000-000000000000",
];
const CLIENTS: &[&str] =
    &["GUID:6C3A1F52-7D1B-4A3C-9E50-0123456789B1", "GUID:6C3A1F52-7D1B-4A3C-9E50-0123456789B2"];
const SITES: &[&str] = &["PS1", "EU1"];

/// Texts that some field of some request takes, or nearly.
const TEXTS: &[&str] = &[
    "",
    TENANT,
    "tenants/00000000/hierarchies/PS1",
    "tenants/00000000/hierarchies/PS1/sites/PS1",
    "tenants/00000000/hierarchies/PS1/coManagementPolicy",
    "tenants/00000000/hierarchies/PS1/collections/SMS00001",
    "tenants/00000000/collections/pilot",
    "tenants/00000000/devices/d",
    "intune",
    "PS1",
    "SMS00001",
    "16777219",
    "5.00.9128.1007",
    "10.0.26100.4652",
    "Microsoft Windows NT Workstation 10.0",
    "0x80180026",
    "-2145910746",
    "1073741824",
    "2026-11-20T08:00:00Z",
    "Intune",
    "%",
    "a_b\\'\"",
    "\u{1f5a5}\u{fe0f}",
    "..",
    "*",
];

/// Draws from the bytes of one input.
pub struct Draw<'a> {
    bytes: Unstructured<'a>,
    /// The fields of earlier answers with their texts.
    remembered: Vec<(String, String)>,
    /// Whether what no contract allows may be drawn. A message of many fields would otherwise seldom be without.
    strange: bool,
}

impl<'a> Draw<'a> {
    /// From those bytes.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes: Unstructured::new(bytes), remembered: Vec::new(), strange: false }
    }

    /// The time of the services.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn now() -> Timestamp {
        Timestamp::from_second(1_795_000_000).expect("a moment of 2026")
    }

    /// What every tenant has before its input: itself, and a hierarchy.
    pub(crate) fn base() -> [(&'static str, &'static str, Vec<u8>); 2] {
        let tenant = Tenant { name: TENANT.to_owned(), ..Tenant::default() };
        let hierarchy =
            Hierarchy { name: format!("{TENANT}/hierarchies/{HIERARCHY}"), ..Hierarchy::default() };
        let create = CreateTenantRequest { tenant: Some(tenant), ..CreateTenantRequest::default() };
        let update = UpdateHierarchyRequest {
            hierarchy: Some(hierarchy),
            allow_missing: true,
            ..UpdateHierarchyRequest::default()
        };
        [
            ("TenantService", "CreateTenant", create.encode_to_vec()),
            ("HierarchyService", "UpdateHierarchy", update.encode_to_vec()),
        ]
    }

    /// Whether nothing is left to draw from.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// A number below 256.
    ///
    /// # Errors
    /// The bytes have ended.
    pub fn byte(&mut self) -> Result<u8> {
        self.bytes.arbitrary()
    }

    /// Bytes as they are.
    ///
    /// # Errors
    /// The bytes have ended.
    pub fn raw(&mut self) -> Result<Vec<u8>> {
        let length = usize::from(self.bytes.arbitrary::<u16>()?).min(self.bytes.len());
        Ok(self.bytes.bytes(length)?.to_vec())
    }

    /// Keeps the texts of an answer to say them again.
    pub fn remember(&mut self, answer: &DynamicMessage, aliased: impl Fn(&str) -> String + Copy) {
        for (field, value) in answer.fields() {
            self.remember_value(field.name(), value, aliased);
        }
    }

    fn remember_value(&mut self, field: &str, value: &Value, aliased: impl Fn(&str) -> String + Copy) {
        match value {
            Value::String(text) if !text.is_empty() && self.remembered.len() < REMEMBERED => {
                self.remembered.push((field.to_owned(), aliased(text)));
            }
            Value::Message(message) => self.remember(message, aliased),
            Value::List(values) => values.iter().for_each(|value| self.remember_value(field, value, aliased)),
            _ => {}
        }
    }

    /// A message of that type.
    ///
    /// # Errors
    /// The bytes have ended.
    pub fn message(&mut self, of: &MessageDescriptor) -> Result<DynamicMessage> {
        self.strange = self.one_in(4)?;
        self.nested(of, 0)
    }

    fn nested(&mut self, of: &MessageDescriptor, depth: u8) -> Result<DynamicMessage> {
        let mut message = DynamicMessage::new(of.clone());
        if depth == DEEPEST {
            return Ok(message);
        }
        if of.full_name() == "google.protobuf.Timestamp" {
            message.set_field_by_name("seconds", Value::I64(self.seconds()?));
            message.set_field_by_name(
                "nanos",
                Value::I32(if self.strange && self.one_in(8)? { self.bytes.arbitrary()? } else { 0 }),
            );
            return Ok(message);
        }
        for field in self.chosen(of)? {
            // What is asked for, or spoken of, is nearly always named: without a name there is nothing but a refusal.
            let needed = matches!(field.name(), "parent" | "name" | "key" | "observed_at" | "source")
                || field.containing_oneof().is_some_and(|of| !of.is_synthetic());
            let said = if needed { !self.strange || !self.one_in(8)? } else { self.one_in(2)? };
            if said {
                let value = self.field(&field, depth)?;
                message.set_field(&field, value);
            }
        }
        Ok(message)
    }

    /// The fields that may be said: of alternatives, one.
    fn chosen(&mut self, of: &MessageDescriptor) -> Result<Vec<FieldDescriptor>> {
        let is_alternative =
            |field: &FieldDescriptor| field.containing_oneof().is_some_and(|of| !of.is_synthetic());
        let mut fields: Vec<_> = of.fields().filter(|field| !is_alternative(field)).collect();
        for alternatives in of.oneofs().filter(|of| !of.is_synthetic()) {
            let alternatives: Vec<_> = alternatives.fields().collect();
            fields.push(self.bytes.choose(&alternatives)?.clone());
        }
        Ok(fields)
    }

    fn field(&mut self, field: &FieldDescriptor, depth: u8) -> Result<Value> {
        if field.is_map() {
            let Kind::Message(entry) = field.kind() else { return Ok(Value::Map(Default::default())) };
            let (key, value) = (MapKey::String(self.text("key")?), entry.map_entry_value_field());
            return Ok(Value::Map([(key, self.single(&value, depth)?)].into()));
        }
        if !field.is_list() {
            return self.single(field, depth);
        }
        let values = (0..self.length()?).map(|_| self.single(field, depth)).collect::<Result<Vec<_>>>()?;
        // Longer than any list may be, at the price of one value.
        let long = self.strange && !values.is_empty() && self.one_in(16)?;
        Ok(Value::List(if long { values.into_iter().cycle().take(1001).collect() } else { values }))
    }

    fn single(&mut self, field: &FieldDescriptor, depth: u8) -> Result<Value> {
        Ok(match field.kind() {
            Kind::Message(of) => Value::Message(self.nested(&of, depth + 1)?),
            Kind::String => Value::String(self.text(field.name())?),
            Kind::Bytes => Value::Bytes(self.raw()?.into()),
            Kind::Bool => Value::Bool(self.bytes.arbitrary()?),
            Kind::Enum(of) => {
                let numbers: Vec<_> = of.values().map(|value| value.number()).collect();
                let known = *self.bytes.choose(&numbers)?;
                Value::EnumNumber(if self.strange && self.one_in(8)? {
                    self.bytes.arbitrary()?
                } else {
                    known
                })
            }
            Kind::Double => Value::F64(self.bytes.arbitrary()?),
            Kind::Float => Value::F32(self.bytes.arbitrary()?),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(self.number()? as i32),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(self.number()? as i64),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(self.number()? as u32),
            Kind::Uint64 | Kind::Fixed64 => Value::U64(self.number()?),
        })
    }

    fn text(&mut self, field: &str) -> Result<String> {
        if self.strange && self.one_in(4)? {
            return self.strange_text();
        }
        if field == "parent" {
            return Ok(TENANT.to_owned());
        }
        if let Some((_, words)) = WORDS.iter().find(|(of, _)| *of == field) {
            return Ok((*self.bytes.choose(words)?).to_owned());
        }
        let kind = self.byte()? % 4;
        // `next_page_token` comes back as `page_token`.
        let known: Vec<_> = self.remembered.iter().filter(|(of, _)| of.ends_with(field)).collect();
        match kind {
            0 | 1 if !known.is_empty() => Ok(self.bytes.choose(&known)?.1.clone()),
            2 if !self.remembered.is_empty() => Ok(self.bytes.choose(&self.remembered)?.1.clone()),
            // Tokens, and what else only earlier answers say.
            _ if field.ends_with("token") || field == "etag" => Ok(String::new()),
            _ => Ok((*self.bytes.choose(TEXTS)?).to_owned()),
        }
    }

    /// Too long, or anything.
    fn strange_text(&mut self) -> Result<String> {
        let length: u16 = self.bytes.arbitrary()?;
        if self.one_in(4)? {
            return Ok("x".repeat(usize::from(length) % 5000));
        }
        let length = (usize::from(length) % 64).min(self.bytes.len());
        Ok(String::from_utf8_lossy(self.bytes.bytes(length)?).into_owned())
    }

    /// Mostly small.
    fn number(&mut self) -> Result<u64> {
        Ok(match self.byte()? % 8 {
            0..=4 => u64::from(self.byte()? % 16),
            5 => 1000 + u64::from(self.byte()? % 2),
            6 => *self.bytes.choose(&[u64::MAX, i64::MAX as u64, i64::MIN as u64, u64::from(u32::MAX)])?,
            _ => self.bytes.arbitrary()?,
        })
    }

    /// Within some minutes of now: there the order of what is said matters.
    fn seconds(&mut self) -> Result<i64> {
        let now = Self::now().as_second();
        if !self.strange || !self.one_in(4)? {
            return Ok(now - 120 + i64::from(self.byte()? % 4) * 60);
        }
        let ends = [0, -1, i64::MAX, i64::MIN, 253_402_300_799, -62_135_596_800, now + 86_400];
        Ok(*self.bytes.choose(&ends)?)
    }

    fn length(&mut self) -> Result<u8> {
        Ok(self.byte()? % 4)
    }

    fn one_in(&mut self, of: u8) -> Result<bool> {
        Ok(self.byte()? % of == 0)
    }
}

/// A drawn message as it is sent.
#[must_use]
pub fn bytes_of(message: &DynamicMessage) -> Vec<u8> {
    message.encode_to_vec()
}

/// The type of a message of the contracts by its whole name.
///
/// # Panics
/// There is none.
#[must_use]
pub fn descriptor(name: &str) -> MessageDescriptor {
    let pool = prost_reflect::DescriptorPool::decode(tandem_contracts::DESCRIPTOR_SET);
    let found = pool.expect("the descriptor set is one").get_message_by_name(name);
    found.unwrap_or_else(|| panic!("no message {name}"))
}
