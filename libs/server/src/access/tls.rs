//! TLS of the API listener. Its certificate may change under it; whoever connects after that sees the new one.
//!
//! Callers need no certificate of their own, since most bring a token. One that is shown must come from the configured authority.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{Stream, StreamExt};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

use super::reload::Reloaded;
use super::{FileError, Files, named};
use crate::listen::incoming;

/// How long a handshake may take: several round trips between continents, and no longer, since it holds a place.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// Handshakes at once; more wait to be accepted.
const HANDSHAKES: usize = 1024;

/// HTTP/2, which gRPC needs.
const ALPN: &[u8] = b"h2";

/// The files of a listener's TLS, in PEM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The listener's certificate, followed by those between it and its authority.
    pub certificate: PathBuf,
    /// The private key of that certificate.
    pub key: PathBuf,
    /// The authority whose certificates say which service calls. Unset: callers bring tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ca: Option<PathBuf>,
}

/// TLS of a listener.
pub struct ServerTls {
    config: Reloaded<Arc<ServerConfig>>,
}

impl std::fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerTls").finish_non_exhaustive()
    }
}

impl ServerTls {
    /// Reads the files.
    ///
    /// # Errors
    /// One cannot be used.
    pub fn open(files: &TlsFiles) -> Result<Self, FileError> {
        let mut watched: Files = vec![files.certificate.clone(), files.key.clone()];
        watched.extend(files.client_ca.clone());
        let files = files.clone();
        Ok(Self { config: Reloaded::open(watched, move || configured(&files).map(Arc::new))? })
    }

    /// The connections of a listener whose handshakes succeeded, in the order in which these end.
    pub fn incoming(self, listener: TcpListener) -> impl Stream<Item = io::Result<Secured>> + Send {
        let handshake = move |accepted: io::Result<TcpStream>| {
            let acceptor = TlsAcceptor::from(Arc::clone(&*self.config.current()));
            async move {
                let connection = match accepted {
                    Ok(connection) => connection,
                    Err(error) => return Some(Err(error)),
                };
                let address = connection.peer_addr().ok();
                match tokio::time::timeout(HANDSHAKE_LIMIT, acceptor.accept(connection)).await {
                    Ok(Ok(stream)) => Some(Ok(Secured::new(address, stream))),
                    Ok(Err(error)) => {
                        // Whoever reaches the port can cause these.
                        tracing::debug!(?address, %error, "handshake failed");
                        None
                    }
                    Err(_) => {
                        tracing::debug!(?address, "handshake took too long");
                        None
                    }
                }
            }
        };
        incoming(listener).map(handshake).buffer_unordered(HANDSHAKES).filter_map(std::future::ready)
    }
}

fn configured(files: &TlsFiles) -> Result<ServerConfig, FileError> {
    let provider = Arc::new(default_provider());
    let cannot = |source: rustls::Error| named(&files.certificate, "the certificate of that key", source);
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let builder = match (&files.client_ca, builder.map_err(cannot)?) {
        (None, builder) => builder.with_no_client_auth(),
        (Some(ca), builder) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(ca)? {
                roots
                    .add(certificate)
                    .map_err(|error| named(ca, "the authority of client certificates", error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .allow_unauthenticated()
                .build()
                .map_err(|error| named(ca, "the authority of client certificates", error))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| named(&files.key, "a private key in PEM", error))?;
    let mut config = builder.with_single_cert(certificates(&files.certificate)?, key).map_err(cannot)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(config)
}

/// The certificates of a file, of which there is one at least.
pub(super) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, FileError> {
    let unusable = |error| named(file, "certificates in PEM", error);
    let found: Vec<_> = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|error| unusable(crate::failure::BoxError::from(error)))?;
    if found.is_empty() {
        return Err(unusable("it has none".into()));
    }
    Ok(found)
}

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Default)]
pub struct Peer {
    /// Its address.
    pub address: Option<SocketAddr>,
    /// The DNS names that its certificate proves. Empty: it showed none.
    pub names: Arc<[String]>,
}

/// A connection after its handshake.
#[derive(Debug)]
pub struct Secured {
    stream: TlsStream<TcpStream>,
    peer: Peer,
}

impl Secured {
    fn new(address: Option<SocketAddr>, stream: TlsStream<TcpStream>) -> Self {
        let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let names = shown.and_then(|certificate| webpki::EndEntityCert::try_from(certificate).ok());
        let names = names.map(|certificate| certificate.valid_dns_names().map(str::to_owned).collect());
        Self { stream, peer: Peer { address, names: names.unwrap_or_default() } }
    }
}

impl Connected for Secured {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for Secured {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Secured {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
