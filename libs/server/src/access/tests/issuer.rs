//! An issuer that is asked for its keys over real connections: it answers what each test tells it to.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use http::{Response, Uri};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tandem_telemetry::operations::{Check, NamedCheck, Readiness};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{Authority, claims, signed, signing_key};
use crate::access::issuer::{IssuerKeys, TOKEN_ISSUER};
use crate::access::tokens::{AccessTokens, TokenTrust};
use crate::failure::Failure;
use crate::principal::Principal;

pub(super) const DOCUMENT: &str = "/contoso/v2.0/.well-known/openid-configuration";
pub(super) const KEYS: &str = "/contoso/keys";

/// What an issuer answers by path, and what it was asked.
#[derive(Default)]
pub(super) struct Answers {
    pub(super) by_path: Mutex<BTreeMap<&'static str, Response<String>>>,
    asked: Mutex<Vec<String>>,
}

pub(super) async fn answer(State(answers): State<Arc<Answers>>, uri: Uri) -> Response<String> {
    answers.asked.lock().unwrap().push(uri.path().to_owned());
    answers
        .by_path
        .lock()
        .unwrap()
        .get(uri.path())
        .cloned()
        .unwrap_or_else(|| Response::builder().status(404).body(String::new()).unwrap())
}

/// Connections of a listener after their handshake.
struct Handshaken {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for Handshaken {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.listener.accept().await.unwrap();
            // A caller that trusts others ends it here.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// An issuer with a certificate of its own authority, at an address that is kept for it while it is away.
pub(super) struct Issuer {
    authority: Authority,
    pub(super) address: SocketAddr,
    pub(super) socket: Option<TcpSocket>,
    answers: Arc<Answers>,
    serving: JoinSet<()>,
    pub(super) key: EncodingKey,
    pub(super) check: NamedCheck,
    pub(super) readiness: Readiness,
}

impl Issuer {
    /// It has one key, `k1`, and nobody listens yet.
    pub(super) fn away() -> Self {
        let authority = Authority::new();
        authority.issue("issuer", &["127.0.0.1"]);
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let readiness = Readiness::new();
        let issuer = Self {
            authority,
            address: socket.local_addr().unwrap(),
            socket: Some(socket),
            answers: Arc::default(),
            serving: JoinSet::new(),
            key: signing_key(),
            check: readiness.check(TOKEN_ISSUER),
            readiness,
        };
        issuer.say(DOCUMENT, &issuer.document());
        issuer.publish(&[("k1", &issuer.key)]);
        issuer
    }

    pub(super) fn there() -> Self {
        let mut issuer = Self::away();
        issuer.come();
        issuer
    }

    pub(super) fn come(&mut self) {
        let listener = self.socket.take().unwrap().listen(128).unwrap();
        let chain = vec![CertificateDer::from_pem_file(self.authority.path("issuer.pem")).unwrap()];
        let key = PrivateKeyDer::from_pem_file(self.authority.path("issuer.key")).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&self.answers));
        let listener = Handshaken { listener, acceptor: TlsAcceptor::from(Arc::new(config)) };
        self.serving.spawn(async { axum::serve(listener, router).await.unwrap() });
    }

    pub(super) async fn go(&mut self) {
        self.serving.shutdown().await;
    }

    pub(super) fn url(&self) -> String {
        format!("https://{}/contoso/v2.0", self.address)
    }

    pub(super) fn document(&self) -> Value {
        json!({ "issuer": self.url(), "jwks_uri": format!("https://{}{KEYS}", self.address) })
    }

    pub(super) fn answer(&self, path: &'static str, response: Response<String>) {
        self.answers.by_path.lock().unwrap().insert(path, response);
    }

    pub(super) fn say(&self, path: &'static str, body: &Value) {
        self.answer(path, Response::new(body.to_string()));
    }

    pub(super) fn publish(&self, keys: &[(&str, &EncodingKey)]) {
        let keys: Vec<Value> = keys.iter().map(|(id, key)| public(id, key)).collect();
        self.say(KEYS, &json!({ "keys": keys }));
    }

    pub(super) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.answers.asked.lock().unwrap())
    }

    pub(super) fn trust(&self) -> TokenTrust {
        let ca = Some(self.authority.path("ca.pem"));
        TokenTrust { issuer: self.url(), audience: "tandem".into(), keys: None, ca, assignments: None }
    }

    pub(super) fn tokens(&self) -> (AccessTokens, Arc<IssuerKeys>) {
        let tokens = AccessTokens::open(&self.trust()).unwrap();
        let issuer = tokens.issuer().unwrap();
        (tokens, issuer)
    }

    /// A token that is accepted if the key of that id is the issuer's.
    pub(super) fn token(&self, id: &str, key: &EncodingKey) -> String {
        signed(key, id, &claims(json!({ "iss": self.url() })))
    }

    /// Why it is not ready; `None`: it is.
    pub(super) fn waits_for(&self) -> Option<String> {
        match self.readiness.checks().remove(TOKEN_ISSUER).unwrap() {
            Check::Ready => None,
            Check::NotReady(why) => Some(why),
        }
    }

    /// Why its keys cannot be read.
    pub(super) async fn refused(&self) -> String {
        let (tokens, issuer) = self.tokens();
        assert_eq!(issuer.look(&self.check).await, None);
        let token = self.token("k1", &self.key);
        assert_eq!(id(tokens.principal(&token).await), "token issuer does not answer");
        self.waits_for().unwrap()
    }
}

pub(super) fn public(id: &str, key: &EncodingKey) -> Value {
    let mut jwk = Jwk::from_encoding_key(key, Algorithm::ES256).unwrap();
    jwk.common.key_id = Some(id.to_owned());
    serde_json::to_value(jwk).unwrap()
}

/// Who it is, or why that is not said.
pub(super) fn id(answer: Result<Arc<Principal>, Failure>) -> String {
    answer.map_or_else(|failure| failure.to_string(), |principal| principal.id.clone())
}

pub(super) const UNKNOWN_KEY: &str = "the call carries no credentials that this server accepts: the access token names a key that is not in the key \
                           set of this server";
