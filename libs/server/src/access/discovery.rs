//! OpenID Connect Discovery: an issuer says under its own address where its keys are.
//!
//! Only the issuer that is configured is believed: over TLS, or from this machine; without following redirects; in answers of bounded
//! size and time; and only if the document names that issuer as its own, so that none can speak for another.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL};
use http::uri::Scheme;
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;
use tokio::time::timeout;

use super::issuer::TrustError;
use super::reload::Reloaded;
use super::tls::certificates;
use super::tokens::TokenTrust;
use super::{AccessError, FileError, named};
use crate::failure::BoxError;

/// How long one answer may take, from the name's look-up to its last byte: many round trips, and less than callers commonly wait.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);

/// Longest answer: over ten times Microsoft Entra's keys with their certificates.
pub(super) const LARGEST: usize = 256 * 1024;

/// Where an issuer describes itself, under its own address.
const DOCUMENT: &str = "/.well-known/openid-configuration";

/// What addresses may be asked.
const ADDRESSES: &str = "https://…, or on loopback http://…";

/// What the document must say.
#[derive(Deserialize)]
struct Document {
    issuer: String,
    jwks_uri: String,
}

/// A key set as an issuer publishes it.
pub(super) struct Published {
    pub(super) from: Uri,
    pub(super) text: Bytes,
    /// How long it may be used without asking again, where the issuer says so.
    pub(super) max_age: Option<Duration>,
}

/// An issuer's keys cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{from} does not give the keys of the token issuer")]
pub(super) struct LookError {
    pub(super) from: Uri,
    pub(super) source: BoxError,
}

/// An issuer that can be asked for its keys.
pub(super) struct Discovery {
    issuer: String,
    document: Uri,
    tls: Reloaded<ClientConfig>,
}

impl Discovery {
    /// Asks nobody yet.
    pub(super) fn open(trust: &TokenTrust) -> Result<Self, AccessError> {
        let issuer = &trust.issuer;
        let document = match issuer.contains(['?', '#']) {
            true => None,
            false => address(&format!("{}{DOCUMENT}", issuer.strip_suffix('/').unwrap_or(issuer))),
        };
        let document = document.ok_or_else(|| TrustError::Nowhere { issuer: issuer.clone() })?;
        let ca = trust.ca.clone();
        let tls = Reloaded::open(ca.iter().cloned().collect(), move || configured(ca.as_deref()))?;
        Ok(Self { issuer: issuer.clone(), document, tls })
    }

    /// Reads the document, and the keys that it names.
    pub(super) async fn key_set(&self) -> Result<Published, LookError> {
        let from = &self.document;
        let refused = |source: BoxError| LookError { from: from.clone(), source };
        let (_, text) = self.answer(from).await?;
        let document: Document = serde_json::from_slice(&text).map_err(|error| refused(error.into()))?;
        if document.issuer != self.issuer {
            let (expected, found) = (&self.issuer, document.issuer);
            return Err(refused(
                format!("it describes another issuer: expected `{expected}`, as configured, found `{found}`")
                    .into(),
            ));
        }
        let keys = address(&document.jwks_uri).ok_or_else(|| {
            refused(
                format!(
                    "its `jwks_uri` cannot be asked: expected {ADDRESSES}, found `{}`",
                    document.jwks_uri
                )
                .into(),
            )
        })?;
        let (headers, text) = self.answer(&keys).await?;
        Ok(Published { from: keys, text, max_age: max_age(&headers) })
    }

    async fn answer(&self, from: &Uri) -> Result<(HeaderMap, Bytes), LookError> {
        let late = |_| format!("no answer within {} s", DEADLINE.as_secs()).into();
        let answer = timeout(DEADLINE, self.ask(from)).await.map_err(late).flatten();
        answer.map_err(|source| LookError { from: from.clone(), source })
    }

    async fn ask(&self, from: &Uri) -> Result<(HeaderMap, Bytes), BoxError> {
        // A client for each question: the next one comes long after a connection would have gone idle. Its connection ends with it.
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(ClientConfig::clone(&self.tls.current()))
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new()).build::<_, Empty<Bytes>>(connector);
        let request = Request::get(from.clone()).header(ACCEPT, "application/json").body(Empty::new())?;
        let (head, body) = client.request(request).await?.into_parts();
        if head.status != StatusCode::OK {
            return Err(format!(
                "expected status 200, found {}: redirects are not followed",
                head.status.as_u16()
            )
            .into());
        }
        let body = Limited::new(body, LARGEST).collect().await;
        let body = body.map_err(|error| format!("expected at most {LARGEST} bytes: {error}"))?;
        Ok((head.headers, body.to_bytes()))
    }
}

/// Whom to trust as a server.
fn configured(ca: Option<&Path>) -> Result<ClientConfig, FileError> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(ca) => {
            for certificate in certificates(ca)? {
                roots
                    .add(certificate)
                    .map_err(|error| named(ca, "the authority of the token issuer", error))?;
            }
        }
        // Those that cannot be read are of no use to anybody; without any, no issuer is trusted.
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| named(Path::new("this build"), "TLS", error))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// An address that may be asked: with TLS, or on this machine. It carries no user and password, which errors would show.
fn address(text: &str) -> Option<Uri> {
    let uri: Uri = text.parse().ok()?;
    let authority = uri.authority()?;
    let host = authority.host().trim_matches(['[', ']']);
    let here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback());
    let safe = uri.scheme() == Some(&Scheme::HTTPS) || (uri.scheme() == Some(&Scheme::HTTP) && here);
    (safe && !authority.as_str().contains('@')).then_some(uri)
}

/// How long an answer may be used, as its `Cache-Control` says. One that is not to be kept may be used for no time.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let directives = values.flat_map(|value| value.split(',')).map(|part| part.trim().to_ascii_lowercase());
    let ages = directives.filter_map(|directive| match directive.as_str() {
        "no-cache" | "no-store" => Some(Duration::ZERO),
        other => other.strip_prefix("max-age=")?.trim_matches('"').parse().ok().map(Duration::from_secs),
    });
    ages.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_has_tls_or_is_on_this_machine() {
        for good in [
            "https://login.example/contoso/v2.0",
            "https://10.0.0.7:8443/keys?p=1",
            "http://127.0.0.1:8080/keys",
            "http://127.9.9.9/keys",
            "http://[::1]:8080/keys",
            "http://localhost/keys",
        ] {
            assert_eq!(address(good).map(|uri| uri.to_string()).as_deref(), Some(good));
        }
        for wrong in [
            "http://login.example/contoso",
            "http://127.0.0.1.example/keys",
            "http://10.0.0.7/keys",
            "http://localhost.example/keys",
            "https://ada:secret@login.example/",
            "http://login.example@127.0.0.1/",
            "ftp://127.0.0.1/keys",
            "file:///etc/keys.json",
            "/keys",
            "login.example",
            "",
        ] {
            assert_eq!(address(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn age_of_an_answer_is_the_shortest_that_it_names() {
        let of = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CACHE_CONTROL, http::HeaderValue::from_static(value));
            }
            max_age(&headers).map(|age| age.as_secs())
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["public"]), None);
        assert_eq!(of(&["public, Max-Age=600"]), Some(600));
        assert_eq!(of(&["max-age=600", "max-age=\"60\""]), Some(60));
        assert_eq!(of(&["max-age=600, no-store"]), Some(0));
        assert_eq!(of(&["max-age=soon, s-maxage=5"]), None);
    }
}
