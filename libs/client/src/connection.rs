//! A connection to a system, and the typed client of each service over it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use tandem_contracts::authority::v1::approval_service_client::ApprovalServiceClient;
use tandem_contracts::authority::v1::audit_service_client::AuditServiceClient;
use tandem_contracts::authority::v1::authority_service_client::AuthorityServiceClient;
use tandem_contracts::authority::v1::plan_service_client::PlanServiceClient;
use tandem_contracts::authority::v1::rollout_service_client::RolloutServiceClient;
use tandem_contracts::inventory::v1::collection_service_client::CollectionServiceClient;
use tandem_contracts::inventory::v1::device_service_client::DeviceServiceClient;
use tandem_contracts::inventory::v1::hierarchy_service_client::HierarchyServiceClient;
use tandem_contracts::inventory::v1::tenant_service_client::TenantServiceClient;
use tandem_contracts::monitoring::v1::monitoring_service_client::MonitoringServiceClient;
use tandem_contracts::prerequisites::v1::custom_rule_service_client::CustomRuleServiceClient;
use tandem_contracts::prerequisites::v1::fleet_evaluation_service_client::FleetEvaluationServiceClient;
use tandem_contracts::prerequisites::v1::prerequisites_service_client::PrerequisitesServiceClient;
use tonic::transport::{Channel, Endpoint};

use crate::pool::Pool;
use crate::stack::{CallerSource, Stack};
use crate::tls::{TlsConnections, TlsFileError, TlsFiles};

/// Largest message sent or taken: what servers take and send.
pub const MAX_MESSAGE_BYTES: usize = 16 * 1024 * 1024;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a silent connection is probed, also between calls: less than the idle limits of common load balancers.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);

/// How long a probe may stay unanswered before its connection counts as lost.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes in flight per stream and per connection: pages and watches do not wait a round trip for each 64 KiB.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address is no `http://host:port` or `https://host:port`.
    #[error(
        "expected an address such as http://127.0.0.1:50051 or https://tandem.example:50051, found `{0}`"
    )]
    Address(String),
    /// A file of certificates or keys cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsFileError),
    /// The token holds characters that no header may.
    #[error("the token holds characters that a header cannot carry")]
    Token,
    /// The token would be sent in plain text to another machine.
    #[error("the token would be sent unencrypted to {0}: expected an https address, or one of this machine")]
    Exposed(String),
    /// The server cannot be reached.
    #[error("cannot connect to {address}")]
    Unreachable {
        /// The address.
        address: String,
        /// Why.
        source: tonic::transport::Error,
    },
}

/// A connection to a system: to one server of all services, or to a server of each. Clones share connections and retry budgets.
#[derive(Debug, Clone)]
pub struct Connection(Arc<Stacks>);

/// What leads to each service.
#[derive(Debug, Clone)]
struct Stacks {
    inventory: Stack,
    prerequisites: Stack,
    authority: Stack,
    monitoring: Stack,
}

/// The addresses of a system's services.
#[derive(Debug, Clone, Copy)]
pub struct Addresses<'a> {
    /// Of the inventory.
    pub inventory: &'a str,
    /// Of prerequisites.
    pub prerequisites: &'a str,
    /// Of the authority.
    pub authority: &'a str,
    /// Of monitoring.
    pub monitoring: &'a str,
}

/// An endpoint with the settings of every connection, for callers that bring a connector of their own.
///
/// # Errors
/// The address is no `http://host:port` or `https://host:port`.
pub fn endpoint(address: &str) -> Result<Endpoint, ConnectError> {
    let invalid = || ConnectError::Address(address.to_owned());
    let uri: http::Uri = address.parse().map_err(|_| invalid())?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
        return Err(invalid());
    }
    Ok(Endpoint::from(uri)
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW))
}

/// Connects with the first call. An `https` address has TLS, an `http` address none.
fn connect_lazy(address: &str, tls: &TlsFiles) -> Result<Stack, ConnectError> {
    let endpoint = endpoint(address)?;
    let (exposed, another) = (exposed(&endpoint), lazy(endpoint, tls)?);
    Ok(Stack::new(Pool::new(another(), Some(another)), exposed))
}

/// What makes connections to an endpoint, each with its first call.
fn lazy(endpoint: Endpoint, tls: &TlsFiles) -> Result<Box<dyn Fn() -> Channel + Send + Sync>, ConnectError> {
    Ok(match encrypted(&endpoint, tls)? {
        Some(connections) => Box::new(move || endpoint.connect_with_connector_lazy(connections.clone())),
        None => Box::new(move || endpoint.connect_lazy()),
    })
}

/// The address of an endpoint, where others than this machine can read what is sent there.
fn exposed(endpoint: &Endpoint) -> Option<String> {
    let uri = endpoint.uri();
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let is_here =
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback());
    (uri.scheme_str() != Some("https") && !is_here).then(|| uri.to_string())
}

/// What connects to an `https` address, if it is one.
fn encrypted(endpoint: &Endpoint, tls: &TlsFiles) -> Result<Option<TlsConnections>, ConnectError> {
    if endpoint.uri().scheme_str() != Some("https") {
        return Ok(None);
    }
    // What cannot be used is told now, not with the first call.
    tls.config()?;
    Ok(Some(TlsConnections(Arc::new(tls.clone()))))
}

impl Connection {
    /// Connects to a server. An `https` address has TLS, an `http` address none.
    ///
    /// # Errors
    /// The address has the wrong form, a file of `tls` cannot be used, or nothing answers there.
    pub async fn connect(address: &str, tls: &TlsFiles) -> Result<Self, ConnectError> {
        let endpoint = endpoint(address)?;
        let channel = match encrypted(&endpoint, tls)? {
            Some(connections) => endpoint.connect_with_connector(connections).await,
            None => endpoint.connect().await,
        };
        let unreachable = |source| ConnectError::Unreachable { address: address.to_owned(), source };
        let channel = channel.map_err(unreachable)?;
        let exposed = exposed(&endpoint);
        Ok(Self::of(Stack::new(Pool::new(channel, Some(lazy(endpoint, tls)?)), exposed)))
    }

    /// Connects with the first call, and again whenever the connection is lost: for services, which start in any order.
    ///
    /// # Errors
    /// The address has the wrong form, or a file of `tls` cannot be used.
    pub fn connect_lazy(address: &str, tls: &TlsFiles) -> Result<Self, ConnectError> {
        Ok(Self::of(connect_lazy(address, tls)?))
    }

    /// Over a channel of the caller's own, such as one within the process. It has room for [`crate::STREAMS_PER_CONNECTION`] streams.
    #[must_use]
    pub fn from_channel(channel: Channel) -> Self {
        Self::of(Stack::new(Pool::new(channel, None), None))
    }

    /// Over connections of the caller's own, such as those within the process: each is made with its first call.
    #[must_use]
    pub fn from_channels(another: impl Fn() -> Channel + Send + Sync + 'static) -> Self {
        Self::of(Stack::new(Pool::new(another(), Some(Box::new(another))), None))
    }

    /// One server of all services.
    fn of(stack: Stack) -> Self {
        Self(Arc::new(Stacks {
            inventory: stack.clone(),
            prerequisites: stack.clone(),
            authority: stack.clone(),
            monitoring: stack,
        }))
    }

    /// To a system whose services have an address each. Connects as [`Self::connect_lazy`].
    ///
    /// # Errors
    /// An address has the wrong form, or a file of `tls` cannot be used.
    pub fn connect_lazy_each(addresses: &Addresses<'_>, tls: &TlsFiles) -> Result<Self, ConnectError> {
        Ok(Self(Arc::new(Stacks {
            inventory: connect_lazy(addresses.inventory, tls)?,
            prerequisites: connect_lazy(addresses.prerequisites, tls)?,
            authority: connect_lazy(addresses.authority, tls)?,
            monitoring: connect_lazy(addresses.monitoring, tls)?,
        })))
    }

    fn stacks(&mut self) -> [&mut Stack; 4] {
        let Stacks { inventory, prerequisites, authority, monitoring } = Arc::make_mut(&mut self.0);
        [inventory, prerequisites, authority, monitoring]
    }

    /// What leads to a service of the contracts, for calls for which no stub is at hand; `None`: there is no service of that full name.
    #[must_use]
    pub fn to_service(&self, name: &str) -> Option<Stack> {
        let Stacks { inventory, prerequisites, authority, monitoring } = &*self.0;
        let package = name.strip_prefix("tandem.")?.split('.').next()?;
        let stack = match package {
            "inventory" => inventory,
            "prerequisites" => prerequisites,
            "authority" => authority,
            "monitoring" => monitoring,
            _ => return None,
        };
        Some(stack.clone())
    }

    /// With a bearer token in every call.
    ///
    /// # Errors
    /// The token holds characters that a header cannot carry, or would be sent in plain text to another machine.
    pub fn with_token(mut self, token: &str) -> Result<Self, ConnectError> {
        let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| ConnectError::Token)?;
        // Never shown by anything that prints headers.
        value.set_sensitive(true);
        for stack in self.stacks() {
            if let Some(address) = &stack.exposed {
                return Err(ConnectError::Exposed(address.clone()));
            }
            stack.token = Some(value.clone());
        }
        Ok(self)
    }

    /// With the header by which `source` says for whom a call is made: a service passes on who calls it with
    /// `tandem_server::caller::on_behalf`.
    #[must_use]
    pub fn with_caller_source(mut self, source: fn() -> Option<(HeaderName, HeaderValue, bool)>) -> Self {
        for stack in self.stacks() {
            stack.caller_source = Some(source);
        }
        self
    }

    /// The same, on nobody's behalf: for what is kept and answers many callers.
    #[must_use]
    pub fn on_own_behalf(&self) -> Self {
        let mut own = self.clone();
        for stack in own.stacks() {
            stack.caller_source = None;
        }
        own
    }

    /// Where it is found for whom a call to the inventory is made.
    pub(crate) fn caller_source(&self) -> Option<CallerSource> {
        self.0.inventory.caller_source
    }

    /// With the trace id that `source` finds, where [`crate::with_trace_id`] gives none: a service passes on the trace of the
    /// request that it serves with `tandem_server::trace::current_id`.
    #[must_use]
    pub fn with_trace_source(mut self, source: fn() -> Option<String>) -> Self {
        for stack in self.stacks() {
            stack.trace_source = Some(source);
        }
        self
    }

    /// With another deadline than [`crate::DEFAULT_DEADLINE`] for calls of one request and one answer that set none, and for the opening of
    /// streams.
    #[must_use]
    pub fn with_default_deadline(mut self, deadline: Duration) -> Self {
        for stack in self.stacks() {
            stack.default_deadline = deadline;
        }
        self
    }
}

macro_rules! typed_clients {
    ($($(#[$doc:meta])* $name:ident: $client:ident of $service:ident;)*) => {
        impl Connection {$(
            $(#[$doc])*
            #[must_use]
            pub fn $name(&self) -> $client<Stack> {
                $client::new(self.0.$service.clone())
                    .max_decoding_message_size(MAX_MESSAGE_BYTES)
                    .max_encoding_message_size(MAX_MESSAGE_BYTES)
            }
        )*}
    };
}

typed_clients! {
    /// Tenants and what is known of them.
    tenants: TenantServiceClient of inventory;
    /// Hierarchies and their sites.
    hierarchies: HierarchyServiceClient of inventory;
    /// Devices and what is known of them.
    devices: DeviceServiceClient of inventory;
    /// Collections and their members.
    collections: CollectionServiceClient of inventory;
    /// What keeps a device from being co-managed.
    prerequisites: PrerequisitesServiceClient of prerequisites;
    /// Rules of a tenant's own.
    custom_rules: CustomRuleServiceClient of prerequisites;
    /// How a whole fleet stands, and who is behind each number.
    fleet_evaluation: FleetEvaluationServiceClient of prerequisites;
    /// Which manager decides a workload.
    authority: AuthorityServiceClient of authority;
    /// Who did what.
    audit: AuditServiceClient of authority;
    /// What a policy would do, and its adoption.
    plans: PlanServiceClient of authority;
    /// Who must agree to a plan, and who has.
    approvals: ApprovalServiceClient of authority;
    /// A workload moves in waves.
    rollouts: RolloutServiceClient of authority;
    /// How the fleet is doing.
    monitoring: MonitoringServiceClient of monitoring;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_of_another_form_is_refused() {
        for address in ["127.0.0.1:50051", "ftp://tandem.example:443", "http://", "/etc/passwd", ""] {
            let error = endpoint(address).unwrap_err();
            let expected =
                "expected an address such as http://127.0.0.1:50051 or https://tandem.example:50051";
            assert_eq!(error.to_string(), format!("{expected}, found `{address}`"));
        }
    }

    #[tokio::test]
    async fn token_that_no_header_carries_is_refused_without_showing_it() {
        let connection = Connection::connect_lazy("http://127.0.0.1:1", &TlsFiles::default()).unwrap();
        let error = connection.clone().with_token("line\nbreak").unwrap_err();
        assert_eq!(error.to_string(), "the token holds characters that a header cannot carry");
        let shown = format!("{:?}", connection.with_token("secret").unwrap());
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[tokio::test]
    async fn token_is_not_sent_in_plain_text_to_another_machine() {
        let with_token = |address: &str| {
            Connection::connect_lazy(address, &TlsFiles::default()).unwrap().with_token("secret").map(|_| ())
        };
        for address in
            ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1", "https://tandem.example:1"]
        {
            assert!(with_token(address).is_ok(), "{address}");
        }
        for address in ["http://tandem.example:1/", "http://10.1.2.3:1/", "http://localhost.example:1/"] {
            let expected = format!(
                "the token would be sent unencrypted to {address}: expected an https address, or one of this machine"
            );
            assert_eq!(with_token(address).unwrap_err().to_string(), expected);
        }
    }
}
