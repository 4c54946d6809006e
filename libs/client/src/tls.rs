//! TLS of connections to `https` addresses.
//!
//! The files are read for each connection that is made, of which there are few: a certificate that was renewed is shown at the next.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower::Service;

/// HTTP/2, which gRPC needs.
const ALPN: &[u8] = b"h2";

/// The port of `https` addresses that name none.
const HTTPS: u16 = 443;

/// The files of a caller's TLS, in PEM.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsFiles {
    /// The authority of the servers' certificates. Unset: those that the operating system trusts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// The caller's own certificate, by which a service is known. Unset: it shows none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// The private key of that certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
}

/// A file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be used as {what}: {why}", .path.display())]
pub struct TlsFileError {
    path: PathBuf,
    what: &'static str,
    why: String,
}

impl TlsFiles {
    /// What they make up.
    ///
    /// # Errors
    /// One cannot be used, or a certificate lacks its key.
    pub(crate) fn config(&self) -> Result<ClientConfig, TlsFileError> {
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(Path::new("this build"), "TLS", error))?
            .with_root_certificates(self.roots()?);
        let mut config = match (&self.certificate, &self.key) {
            (None, None) => builder.with_no_client_auth(),
            (Some(certificate), Some(key)) => {
                let private = PrivateKeyDer::from_pem_file(key)
                    .map_err(|error| unusable(key, "a private key in PEM", error))?;
                builder
                    .with_client_auth_cert(certificates(certificate)?, private)
                    .map_err(|error| unusable(certificate, "the certificate of that key", error))?
            }
            (Some(file), None) | (None, Some(file)) => {
                return Err(unusable(file, "the caller's identity", "expected a certificate and its key"));
            }
        };
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(config)
    }

    fn roots(&self) -> Result<RootCertStore, TlsFileError> {
        let mut roots = RootCertStore::empty();
        match &self.ca {
            Some(ca) => {
                for certificate in certificates(ca)? {
                    roots
                        .add(certificate)
                        .map_err(|error| unusable(ca, "the authority of servers' certificates", error))?;
                }
            }
            // Those that cannot be read are of no use to anybody; without any, no server is trusted.
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        Ok(roots)
    }
}

/// The certificates of a file, of which there is one at least.
fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFileError> {
    let found: Vec<_> = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|error| unusable(file, "certificates in PEM", error))?;
    if found.is_empty() {
        return Err(unusable(file, "certificates in PEM", "it has none"));
    }
    Ok(found)
}

fn unusable(path: &Path, what: &'static str, why: impl ToString) -> TlsFileError {
    TlsFileError { path: path.into(), what, why: why.to_string() }
}

/// Makes connections with TLS.
#[derive(Debug, Clone)]
pub(crate) struct TlsConnections(pub(crate) Arc<TlsFiles>);

impl Service<Uri> for TlsConnections {
    type Response = TokioIo<TlsStream<TcpStream>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let files = Arc::clone(&self.0);
        Box::pin(async move {
            let config = files.config().map_err(io::Error::other)?;
            // A URI writes an IPv6 address in brackets.
            let host =
                uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
            let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
            let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(HTTPS))).await?;
            stream.set_nodelay(true)?;
            TlsConnector::from(Arc::new(config)).connect(name, stream).await.map(TokioIo::new)
        })
    }
}
