//! What a request is, as far as limits tell requests apart.

use std::collections::HashMap;
use std::sync::LazyLock;

use prost_reflect::DescriptorPool;
use tandem_contracts::DESCRIPTOR_SET;

/// Whether the server is well, asked once: answered whatever the load, since whoever asks would restart a server that does not answer.
const HEALTH_CHECK: &str = "/grpc.health.v1.Health/Check";

/// Whether the server is well, told for as long as somebody listens.
const HEALTH_WATCH: &str = "/grpc.health.v1.Health/Watch";

/// What reflection's paths begin with, in both versions.
const REFLECTION: &str = "/grpc.reflection.";

/// What a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(super) pool: Pool,
    /// The caller sends one message, and not as many as it likes.
    pub(super) asks_once: bool,
}

/// Where a request's place is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pool {
    /// It needs none.
    Free,
    /// It has one answer.
    Requests,
    /// It is a stream.
    Streams,
    /// It is a stream of a caller who need not be known.
    OpenStreams,
}

impl Kind {
    const UNARY: Self = Self { pool: Pool::Requests, asks_once: true };

    /// Whether it is a stream of a caller who must be known.
    pub(crate) const fn is_stream(self) -> bool {
        matches!(self.pool, Pool::Streams)
    }

    /// The kind of the RPC at a path. What nobody serves is answered at once, as a request is.
    pub(crate) fn of_path(path: &str) -> Self {
        static STREAMS: LazyLock<HashMap<String, Kind>> = LazyLock::new(streams);
        match path {
            HEALTH_CHECK => Self { pool: Pool::Free, asks_once: true },
            HEALTH_WATCH => Self { pool: Pool::OpenStreams, asks_once: true },
            _ if path.starts_with(REFLECTION) => Self { pool: Pool::OpenStreams, asks_once: false },
            _ => STREAMS.get(path).copied().unwrap_or(Self::UNARY),
        }
    }
}

/// The RPCs of the contracts that stream. A server whose contracts cannot be read does not start.
fn streams() -> HashMap<String, Kind> {
    let Ok(pool) = DescriptorPool::decode(DESCRIPTOR_SET) else { return HashMap::new() };
    let methods = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>());
    let streams = methods.filter(|method| method.is_client_streaming() || method.is_server_streaming());
    let kind = |method: prost_reflect::MethodDescriptor| {
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        (path, Kind { pool: Pool::Streams, asks_once: !method.is_client_streaming() })
    };
    streams.map(kind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_of_a_path_follows_the_contract() {
        let of = |path| {
            let Kind { pool, asks_once } = Kind::of_path(path);
            (pool, asks_once)
        };
        assert_eq!(of("/tandem.inventory.v1.TenantService/GetTenant"), (Pool::Requests, true));
        assert_eq!(of("/tandem.inventory.v1.DeviceService/WatchDevices"), (Pool::Streams, true));
        assert_eq!(of("/tandem.inventory.v1.DeviceService/ReportDevices"), (Pool::Streams, false));
        assert_eq!(of("/grpc.health.v1.Health/Check"), (Pool::Free, true));
        assert_eq!(of("/grpc.health.v1.Health/Watch"), (Pool::OpenStreams, true));
        let reflection = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
        assert_eq!(of(reflection), (Pool::OpenStreams, false));
        assert_eq!(of("/nobody/serves"), (Pool::Requests, true));
    }
}
