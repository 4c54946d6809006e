//! What kind of call each RPC is, read from the contracts' descriptor set.

use std::collections::HashMap;
use std::sync::LazyLock;

use prost::Message;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use prost_types::FileDescriptorSet;
use tandem_contracts::DESCRIPTOR_SET;

/// What kind of call an RPC is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One request, one answer, nothing changes: may be sent again.
    Read,
    /// One request, one answer, something may change.
    Write,
    /// Streams in one direction or both: lasts as long as it lasts.
    Stream,
}

/// How the names of methods begin that change nothing.
const READS: [&str; 12] = [
    "Get",
    "List",
    "BatchGet",
    "Check",
    "BatchCheck",
    "Lookup",
    "Summarize",
    "Forecast",
    "Explain",
    "Decode",
    "Verify",
    "Resolve",
];

/// What is known of an RPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Method {
    /// Its name as metrics and traces have it, such as `tandem.inventory.v1.DeviceService/GetDevice`.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The field of its request that makes it idempotent, if it has one.
    request_id: Option<u32>,
}

impl Method {
    /// Whether a request names itself, so that the server knows one that it has answered before. `framed`: the message as gRPC frames it.
    pub(crate) fn is_named(&self, framed: &[u8]) -> bool {
        let Some(field) = self.request_id else { return false };
        let mut message = framed.get(FRAME..).unwrap_or_default();
        while let Ok((tag, wire_type)) = decode_key(&mut message) {
            if tag == field && wire_type == WireType::LengthDelimited {
                return decode_varint(&mut message).is_ok_and(|length| length > 0);
            }
            if skip_field(wire_type, tag, &mut message, DecodeContext::default()).is_err() {
                break;
            }
        }
        false
    }
}

/// Bytes before a message: whether it is compressed, and how long it is.
const FRAME: usize = 5;

/// The name of that field in the contracts.
const REQUEST_ID: &str = "request_id";

/// What the contracts do not know is left alone, as streams are. It has no name of its own: callers chose it.
static OTHER: LazyLock<Method> =
    LazyLock::new(|| Method { name: "other".into(), kind: Kind::Stream, request_id: None });

static METHODS: LazyLock<HashMap<String, Method>> = LazyLock::new(|| {
    // An unreadable set cannot be built in (a test reads it); without kinds, calls would merely have no defaults.
    let files = FileDescriptorSet::decode(DESCRIPTOR_SET).unwrap_or_default().file;
    let request_ids: HashMap<String, u32> = files
        .iter()
        .flat_map(|file| {
            file.message_type.iter().filter_map(|message| {
                let field = message.field.iter().find(|field| field.name() == REQUEST_ID)?;
                Some((format!(".{}.{}", file.package(), message.name()), field.number().unsigned_abs()))
            })
        })
        .collect();
    let mut methods = HashMap::new();
    for file in &files {
        for service in &file.service {
            for method in &service.method {
                let name = format!("{}.{}/{}", file.package(), service.name(), method.name());
                let kind = match method.client_streaming() || method.server_streaming() {
                    true => Kind::Stream,
                    false if READS.iter().any(|verb| is_verb_of(verb, method.name())) => Kind::Read,
                    false => Kind::Write,
                };
                let request_id = request_ids.get(method.input_type()).copied();
                methods.insert(format!("/{name}"), Method { name, kind, request_id });
            }
        }
    }
    methods
});

/// Whether a method's name is that verb and then a noun: `Get` is the verb of `GetDevice`, not of `Getaway`.
fn is_verb_of(verb: &str, method: &str) -> bool {
    method.strip_prefix(verb).is_some_and(|noun| noun.starts_with(|c: char| c.is_ascii_uppercase()))
}

/// The RPC at a gRPC path.
pub(crate) fn method(path: &str) -> &'static Method {
    METHODS.get(path).unwrap_or(&OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn named(kind: Kind) -> BTreeSet<&'static str> {
        METHODS
            .iter()
            .filter(|(_, method)| method.kind == kind)
            .filter_map(|(path, _)| path.rsplit('/').next())
            .collect()
    }

    #[test]
    fn writes_and_streams_of_the_contracts_are_told_from_reads() {
        assert_eq!(
            named(Kind::Write),
            BTreeSet::from([
                "ApplyPlan",
                "ApprovePlan",
                "BreakGlass",
                "ApproveRollout",
                "ApproveRolloutWave",
                "BreakRolloutGlass",
                "CancelRollout",
                "ConfirmRolloutAction",
                "CreateCollection",
                "CreateCustomRule",
                "CreatePlan",
                "CreateRollout",
                "CreateTenant",
                "DeleteCollection",
                "DeleteCustomRule",
                "FreezeTenant",
                "PauseRollout",
                "RecordAuditEvents",
                "RejectPlan",
                "RequestApproval",
                "UpdateApprovalRules",
                "ResumeRollout",
                "RollBackRollout",
                "StartRollout",
                "SubmitRollout",
                "UnfreezeTenant",
                "UpdateCoManagementPolicy",
                "UpdateCollection",
                "UpdateCollectionMembers",
                "UpdateCustomRule",
                "UpdateEvaluationSettings",
                "UpdateHierarchy",
                "UpdateSite",
                "UpdateTenant",
                "WithdrawRollout",
            ])
        );
        assert_eq!(
            named(Kind::Stream),
            BTreeSet::from([
                "ExportAuditRecords",
                "ImportCollections",
                "ReportDevices",
                "StreamEffectiveAuthority",
                "WatchDashboard",
                "WatchDevices"
            ])
        );
        for read in
            ["GetTenant", "ListDevices", "BatchGetDevices", "CheckDevice", "LookupDevice", "SummarizeFleet"]
        {
            assert!(named(Kind::Read).contains(read), "{read}");
        }
    }

    #[test]
    fn method_outside_the_contracts_is_left_alone() {
        assert_eq!(
            *method("/grpc.health.v1.Health/Check"),
            Method { name: "other".into(), kind: Kind::Stream, request_id: None }
        );
    }

    #[test]
    fn method_is_named_without_the_first_slash() {
        let name = "tandem.inventory.v1.DeviceService/GetDevice";
        let expected = Method { name: name.into(), kind: Kind::Read, request_id: None };
        assert_eq!(*method("/tandem.inventory.v1.DeviceService/GetDevice"), expected);
    }

    #[test]
    fn request_that_names_itself_is_told_from_one_that_does_not() {
        use tandem_contracts::inventory::v1::{Tenant, UpdateTenantRequest};
        let update = method("/tandem.inventory.v1.TenantService/UpdateTenant");
        let framed = |request_id: &str| {
            let tenant = Tenant { name: "tenants/contoso".into(), ..Tenant::default() };
            let request = UpdateTenantRequest { tenant: Some(tenant), request_id: request_id.into() };
            [vec![0; FRAME], request.encode_to_vec()].concat()
        };
        assert!(update.is_named(&framed("4f0c")));
        assert!(!update.is_named(&framed("")));
        assert!(!update.is_named(&[]));
        assert!(!update.is_named(&[0, 0, 0, 0, 9, 0xff, 0xff]));
        assert!(!method("/tandem.inventory.v1.TenantService/GetTenant").is_named(&framed("4f0c")));
    }
}
