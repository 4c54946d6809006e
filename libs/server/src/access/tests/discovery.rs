//! What of an issuer is believed.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use http::Response;
use http::header::LOCATION;
use serde_json::json;
use tandem_telemetry::operations::Readiness;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::issuer::{Answers, DOCUMENT, Issuer, KEYS, UNKNOWN_KEY, answer, id, public};
use super::{Authority, claims, signed, signing_key};
use crate::access::discovery::LARGEST;
use crate::access::issuer::TOKEN_ISSUER;
use crate::access::tokens::{AccessTokens, TokenTrust};
use crate::failure::chain;

#[tokio::test]
async fn keys_of_an_issuer_are_those_that_its_document_names() {
    let issuer = Issuer::there();
    let (tokens, keys) = issuer.tokens();
    assert_eq!(issuer.waits_for().as_deref(), Some("starting"));
    assert!(keys.look(&issuer.check).await.is_some());
    assert_eq!(issuer.waits_for(), None);
    assert_eq!(issuer.asked(), [DOCUMENT, KEYS]);
    assert_eq!(id(tokens.principal(&issuer.token("k1", &issuer.key)).await), "token:ada");
    assert!(id(tokens.principal(&issuer.token("k1", &signing_key())).await).ends_with("is wrong"));
}

#[tokio::test]
async fn issuer_with_a_certificate_of_another_authority_is_refused() {
    let issuer = Issuer::there();
    let other = Authority::new();
    for ca in [None, Some(other.path("ca.pem"))] {
        let tokens = AccessTokens::open(&TokenTrust { ca, ..issuer.trust() }).unwrap();
        assert_eq!(tokens.issuer().unwrap().look(&issuer.check).await, None);
        let why = issuer.waits_for().unwrap();
        assert!(why.contains("invalid peer certificate"), "{why}");
    }
    assert_eq!(issuer.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn document_of_another_issuer_is_refused() {
    let issuer = Issuer::there();
    let mut document = issuer.document();
    document["issuer"] = json!("https://login.example/fabrikam/v2.0");
    issuer.say(DOCUMENT, &document);
    let expected = format!(
        "https://{}{DOCUMENT} does not give the keys of the token issuer: it describes another issuer: expected `{}`, as configured, \
         found `https://login.example/fabrikam/v2.0`",
        issuer.address,
        issuer.url()
    );
    assert_eq!(issuer.refused().await, expected);
    assert_eq!(issuer.asked(), [DOCUMENT]);
}

#[tokio::test]
async fn keys_that_anybody_on_the_way_could_change_are_not_read() {
    let issuer = Issuer::there();
    let mut document = issuer.document();
    document["jwks_uri"] = json!("http://login.example/keys");
    issuer.say(DOCUMENT, &document);
    let expected = "its `jwks_uri` cannot be asked: expected https://…, or on loopback http://…, found `http://login.example/keys`";
    let refused = issuer.refused().await;
    assert!(refused.ends_with(expected), "{refused}");
    assert_eq!(issuer.asked(), [DOCUMENT]);
}

#[tokio::test]
async fn redirect_is_not_followed() {
    for path in [DOCUMENT, KEYS] {
        let issuer = Issuer::there();
        issuer.say("/elsewhere", &issuer.document());
        let elsewhere = Response::builder().status(302).header(LOCATION, "/elsewhere").body(String::new());
        issuer.answer(path, elsewhere.unwrap());
        let refused = issuer.refused().await;
        assert!(refused.ends_with("expected status 200, found 302: redirects are not followed"), "{refused}");
        assert!(!issuer.asked().contains(&"/elsewhere".to_owned()));
    }
}

#[tokio::test]
async fn answer_that_is_too_long_or_no_key_set_is_refused() {
    let huge = json!({ "keys": [], "more": "x".repeat(LARGEST) }).to_string();
    let limit = format!("expected at most {LARGEST} bytes: ");
    for (path, body, why) in [
        (DOCUMENT, huge.as_str(), limit.as_str()),
        (DOCUMENT, "{}", "missing field `issuer`"),
        (KEYS, huge.as_str(), limit.as_str()),
        (KEYS, "<html>", "expected value at line 1"),
        (KEYS, r#"{"keys":[]}"#, "it has no key for the signatures of tokens"),
    ] {
        let issuer = Issuer::there();
        issuer.answer(path, Response::new(body.to_owned()));
        let refused = issuer.refused().await;
        let expected =
            format!("https://{}{path} does not give the keys of the token issuer: {why}", issuer.address);
        assert!(refused.starts_with(&expected), "{refused}");
    }
}

#[tokio::test(start_paused = true)]
async fn issuer_that_takes_too_long_is_given_up() {
    let mut issuer = Issuer::away();
    // It takes connections and says nothing, so that time passes by itself.
    let _listener = issuer.socket.take().unwrap().listen(128).unwrap();
    assert!(issuer.refused().await.ends_with("no answer within 5 s"));
}

#[tokio::test]
async fn key_of_every_tenant_signs_for_ours_and_that_of_another_issuer_does_not() {
    let issuer = Issuer::there();
    let key_of = |id: &str, of: String| {
        // As Microsoft Entra's: without an algorithm, with the issuer for which it signs.
        let mut key = public(id, &issuer.key);
        key.as_object_mut().unwrap().remove("alg");
        key["issuer"] = json!(of);
        key
    };
    let keys = [
        key_of("every", format!("https://{}/{{tenantid}}/v2.0", issuer.address)),
        key_of("ours", issuer.url()),
        key_of("other", format!("https://{}/fabrikam/v2.0", issuer.address)),
        key_of("elsewhere", "https://login.example/{tenantid}/v2.0".to_owned()),
    ];
    issuer.say(KEYS, &json!({ "keys": keys }));
    let (tokens, keys) = issuer.tokens();
    keys.look(&issuer.check).await.unwrap();
    let of = |kid: &str| id(tokens.principal_as_of(&issuer.token(kid, &issuer.key), Instant::now()));
    assert_eq!(
        ["every", "ours", "other", "elsewhere"].map(of),
        ["token:ada", "token:ada", UNKNOWN_KEY, UNKNOWN_KEY]
    );
}

#[tokio::test]
async fn issuer_on_this_machine_may_be_asked_in_plain_text() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (key, answers) = (signing_key(), Arc::new(Answers::default()));
    let document = json!({ "issuer": url, "jwks_uri": format!("{url}{KEYS}") }).to_string();
    let set = json!({ "keys": [public("k1", &key)] }).to_string();
    for (path, body) in [("/.well-known/openid-configuration", document), (KEYS, set)] {
        answers.by_path.lock().unwrap().insert(path, Response::new(body));
    }
    let router = Router::new().fallback(answer).with_state(answers);
    let mut serving = JoinSet::new();
    serving.spawn(async { axum::serve(listener, router).await.unwrap() });
    let trust = TokenTrust {
        issuer: url.clone(),
        audience: "tandem".into(),
        keys: None,
        ca: None,
        assignments: None,
    };
    let tokens = AccessTokens::open(&trust).unwrap();
    tokens.issuer().unwrap().look(&Readiness::new().check(TOKEN_ISSUER)).await.unwrap();
    let token = signed(&key, "k1", &claims(json!({ "iss": url })));
    assert_eq!(id(tokens.principal(&token).await), "token:ada");
}

#[test]
fn trust_without_a_place_for_keys_or_with_two_is_refused() {
    let trust = |issuer: &str| TokenTrust {
        issuer: issuer.into(),
        audience: "tandem".into(),
        keys: None,
        ca: None,
        assignments: None,
    };
    let error = |trust: TokenTrust| chain(&AccessTokens::open(&trust).err().unwrap());
    for issuer in [
        "http://login.example/contoso",
        "contoso",
        "",
        "https://login.example/?a=b",
        "https://login.example/#a",
    ] {
        let expected = format!(
            "`tokens` does not say where the issuer's keys come from: expected `keys`, a file with them, or an issuer https://… (on \
             loopback also http://…) from which they are read, found the issuer `{issuer}` and no `keys`"
        );
        assert_eq!(error(trust(issuer)), expected);
    }
    let both = TokenTrust {
        keys: Some("keys.json".into()),
        ca: Some("ca.pem".into()),
        ..trust("https://login.example")
    };
    let expected = "`tokens` says twice where the issuer's keys come from: expected `keys`, a file with them, or `ca`, the authority of \
                    an issuer from which they are read, found both; leave one out";
    assert_eq!(error(both), expected);
    let missing = TokenTrust { ca: Some("nowhere/ca.pem".into()), ..trust("https://login.example") };
    assert!(error(missing).starts_with("nowhere/ca.pem cannot be used as certificates in PEM: "));
}
