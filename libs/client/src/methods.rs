//! What kind of call each RPC is, read from the contracts' descriptor set.

use std::collections::HashMap;
use std::sync::LazyLock;

use prost::Message;
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
const READS: [&str; 9] =
    ["Get", "List", "BatchGet", "Check", "BatchCheck", "Lookup", "Summarize", "Explain", "Decode"];

/// What is known of an RPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Method {
    /// Its name as metrics and traces have it, such as `tandem.inventory.v1.DeviceService/GetDevice`.
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// What the contracts do not know is left alone, as streams are. It has no name of its own: callers chose it.
static OTHER: LazyLock<Method> = LazyLock::new(|| Method { name: "other".into(), kind: Kind::Stream });

static METHODS: LazyLock<HashMap<String, Method>> = LazyLock::new(|| {
    // An unreadable set cannot be built in (a test reads it); without kinds, calls would merely have no defaults.
    let files = FileDescriptorSet::decode(DESCRIPTOR_SET).unwrap_or_default().file;
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
                methods.insert(format!("/{name}"), Method { name, kind });
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
                "CreateCollection",
                "CreateTenant",
                "DeleteCollection",
                "UpdateCoManagementPolicy",
                "UpdateCollection",
                "UpdateCollectionMembers",
                "UpdateHierarchy",
                "UpdateSite",
                "UpdateTenant",
            ])
        );
        assert_eq!(
            named(Kind::Stream),
            BTreeSet::from([
                "ImportCollections",
                "ReportDevices",
                "StreamEffectiveAuthority",
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
            Method { name: "other".into(), kind: Kind::Stream }
        );
    }

    #[test]
    fn method_is_named_without_the_first_slash() {
        let name = "tandem.inventory.v1.DeviceService/GetDevice";
        let expected = Method { name: name.into(), kind: Kind::Read };
        assert_eq!(*method("/tandem.inventory.v1.DeviceService/GetDevice"), expected);
    }
}
