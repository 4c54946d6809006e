//! TLS of the API listener. Its certificate may change under it; whoever connects after that sees the new one.
//!
//! Callers need no certificate of their own, since most bring a token. One that is shown must come from the configured authority.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::certificate::{ClientCertificate, Verifier};
use super::reload::Reloaded;
use super::{FileError, Files, named};
use crate::limits::{Admitted, Connections, Entry, Limits};

/// How long a handshake may take: several round trips between continents, and no longer, since it holds a connection's place.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

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
    listening: Arc<Reloaded<Listening>>,
}

/// What the files make up.
struct Listening {
    config: Arc<ServerConfig>,
    /// What checks the certificates of callers.
    verifier: Verifier,
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
        Ok(Self { listening: Arc::new(Reloaded::open(watched, move || configured(&files))?) })
    }

    /// The connections of a listener that the limits let in and whose handshakes succeeded, in the order in which these end.
    pub fn incoming(
        self,
        listener: TcpListener,
        limits: &Limits,
    ) -> impl Stream<Item = io::Result<Admitted<TlsStream<TcpStream>>>> + Send + use<> {
        let connections = Arc::new(Connections::new(limits));
        // Whoever has a place may shake hands: nobody waits for the handshakes of others.
        let at_once = connections.all();
        let handshake = move |accepted: io::Result<(TcpStream, Entry)>| {
            let listening = Arc::clone(&self.listening);
            async move {
                match accepted {
                    Ok((stream, entry)) => shaken(listening, stream, entry).await.map(Ok),
                    Err(error) => Some(Err(error)),
                }
            }
        };
        connections.accept(listener).map(handshake).buffer_unordered(at_once).filter_map(std::future::ready)
    }
}

/// A connection after its handshake. `None`: it did not succeed.
async fn shaken(
    listening: Arc<Reloaded<Listening>>,
    stream: TcpStream,
    entry: Entry,
) -> Option<Admitted<TlsStream<TcpStream>>> {
    let address = entry.address();
    let acceptor = TlsAcceptor::from(Arc::clone(&listening.current().config));
    // Whoever reaches the port can cause what fails here.
    match tokio::time::timeout(HANDSHAKE_LIMIT, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            let shown = stream.get_ref().1.peer_certificates().map(<[_]>::to_vec);
            let certificate = shown.map(|chain| {
                let verifier = |listening: &Listening| listening.verifier.clone();
                Arc::new(ClientCertificate::accepted(chain, listening, verifier))
            });
            Some(Admitted::new(stream, entry, certificate))
        }
        Ok(Err(error)) => {
            tracing::debug!(%address, %error, "handshake failed");
            None
        }
        Err(_) => {
            tracing::debug!(%address, "handshake took too long");
            None
        }
    }
}

fn configured(files: &TlsFiles) -> Result<Listening, FileError> {
    let provider = Arc::new(default_provider());
    let cannot = |source: rustls::Error| named(&files.certificate, "the certificate of that key", source);
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let builder = builder.map_err(cannot)?;
    let (builder, verifier) = match &files.client_ca {
        None => (builder.with_no_client_auth(), None),
        Some(ca) => {
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
            (builder.with_client_cert_verifier(Arc::clone(&verifier)), Some(verifier))
        }
    };
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| named(&files.key, "a private key in PEM", error))?;
    let mut config = builder.with_single_cert(certificates(&files.certificate)?, key).map_err(cannot)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(Listening { config: Arc::new(config), verifier })
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
