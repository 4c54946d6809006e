//! When an issuer is asked, and what is in use between.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use http::header::{AUTHORIZATION, CACHE_CONTROL};
use http::{HeaderMap, Response};
use serde_json::json;

use super::issuer::{DOCUMENT, Issuer, KEYS, UNKNOWN_KEY, id, public};
use super::{claims, signed, signing_key};
use crate::access::Access;
use crate::access::issuer::COOLDOWN;
use crate::access::tokens::AccessTokens;
use crate::principal::Credentials;

#[tokio::test]
async fn tokens_of_unknown_keys_cause_one_look_together_and_the_next_one_later() {
    let issuer = Issuer::there();
    let (tokens, keys) = issuer.tokens();
    let all_at = async |tokens: &AccessTokens, token: &dyn Fn(usize) -> String, moment: Instant| {
        let sent: Vec<String> = (0..100).map(token).collect();
        let answers = join_all(sent.iter().map(|token| tokens.principal_at(token, moment))).await;
        let mut answers: Vec<String> = answers.into_iter().map(id).collect();
        answers.dedup();
        answers
    };
    let checked = async {
        issuer.readiness.ready().await;
        assert_eq!(issuer.asked(), [DOCUMENT, KEYS]);
        // An issuer signs with a key that it has just published.
        let next = signing_key();
        issuer.publish(&[("k1", &issuer.key), ("k2", &next)]);
        let start = Instant::now();
        let of_next = |_| issuer.token("k2", &next);
        assert_eq!(all_at(&tokens, &of_next, start).await, ["token:ada"]);
        assert_eq!(issuer.asked(), [DOCUMENT, KEYS]);
        // Others name keys that there never were.
        let of_nobody = |number: usize| issuer.token(&format!("made-up-{number}"), &next);
        let early = start + COOLDOWN - Duration::from_millis(1);
        assert_eq!(all_at(&tokens, &of_nobody, early).await, [UNKNOWN_KEY]);
        assert_eq!(issuer.asked(), Vec::<String>::new());
        assert_eq!(all_at(&tokens, &of_nobody, start + COOLDOWN).await, [UNKNOWN_KEY]);
        assert_eq!(issuer.asked(), [DOCUMENT, KEYS]);
        assert_eq!(all_at(&tokens, &of_next, start + COOLDOWN).await, ["token:ada"]);
        assert_eq!(issuer.asked(), Vec::<String>::new());
    };
    tokio::select! {
        () = checked => {}
        () = keys.keep(issuer.check.clone()) => panic!("it ended"),
    }
}

#[tokio::test]
async fn token_that_is_wrong_otherwise_causes_no_look() {
    let issuer = Issuer::there();
    let (tokens, keys) = issuer.tokens();
    keys.look(&issuer.check).await.unwrap();
    issuer.asked();
    // Nobody looks: a token that caused a look would wait.
    let expired = signed(&issuer.key, "k1", &claims(json!({ "iss": issuer.url(), "exp": 1 })));
    for token in [expired.as_str(), "", "a.b.c", &"x".repeat(20_000)] {
        assert!(id(tokens.principal(token).await).starts_with("the call carries no credentials"));
    }
    assert_eq!(issuer.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn key_that_an_issuer_withdraws_takes_its_tokens_with_it() {
    let issuer = Issuer::there();
    let (tokens, keys) = issuer.tokens();
    let next = signing_key();
    let (old, new) = (issuer.token("k1", &issuer.key), issuer.token("k2", &next));
    let now = Instant::now();
    issuer.publish(&[("k1", &issuer.key), ("k2", &next)]);
    keys.look(&issuer.check).await.unwrap();
    assert_eq!([&old, &new].map(|token| id(tokens.principal_as_of(token, now))), ["token:ada", "token:ada"]);
    // The same keys in another order: what was checked is remembered.
    let before = keys.keys().unwrap();
    issuer.publish(&[("k2", &next), ("k1", &issuer.key)]);
    keys.look(&issuer.check).await.unwrap();
    assert!(Arc::ptr_eq(&before, &keys.keys().unwrap()));
    issuer.publish(&[("k2", &next)]);
    keys.look(&issuer.check).await.unwrap();
    assert_eq!([&old, &new].map(|token| id(tokens.principal_as_of(token, now))), [UNKNOWN_KEY, "token:ada"]);
}

#[tokio::test]
async fn issuer_may_come_late_and_go_again() {
    let mut issuer = Issuer::away();
    let (trust, listen) = (issuer.trust(), "127.0.0.1:50051".parse().unwrap());
    let doors = Access { tls: None, tokens: Some(&trust) }.open(listen).unwrap();
    let keys = doors.issuer.clone().unwrap();
    let (token, unknown) = (issuer.token("k1", &issuer.key), issuer.token("k2", &issuer.key));
    let caller = async |token: &str| {
        let headers = HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {token}").parse().unwrap())]);
        id(doors.authenticator.authenticate(Credentials { headers: &headers, names: &[] }).await)
    };
    let away = "token issuer does not answer";
    assert_eq!(caller(&token).await, away);
    assert_eq!(keys.look(&issuer.check).await, None);
    let why = issuer.waits_for().unwrap();
    assert!(
        why.starts_with(&format!("https://{}{DOCUMENT} does not give the keys", issuer.address)),
        "{why}"
    );
    assert_eq!(caller(&token).await, away);
    issuer.come();
    assert!(keys.look(&issuer.check).await.is_some());
    assert_eq!((issuer.waits_for(), caller(&token).await), (None, "token:ada".to_owned()));
    // What was read stays in use; whether a key is unknown cannot be told.
    issuer.go().await;
    assert_eq!(keys.look(&issuer.check).await, None);
    assert_eq!((issuer.waits_for(), caller(&token).await), (None, "token:ada".to_owned()));
    tokio::select! {
        answer = caller(&unknown) => assert_eq!(answer, away),
        () = keys.keep(issuer.check.clone()) => panic!("it ended"),
    }
}

#[tokio::test]
async fn keys_are_used_as_long_as_their_issuer_says_within_bounds() {
    let issuer = Issuer::there();
    let (_, keys) = issuer.tokens();
    let set = json!({ "keys": [public("k1", &issuer.key)] }).to_string();
    let mut periods = Vec::new();
    for said in [None, Some("max-age=1200"), Some("no-store"), Some("public, max-age=86400")] {
        let mut response = Response::new(set.clone());
        response.headers_mut().extend(said.map(|said| (CACHE_CONTROL, said.parse().unwrap())));
        issuer.answer(KEYS, response);
        periods.push(keys.look(&issuer.check).await.unwrap().as_secs());
    }
    assert_eq!(periods, [900, 1200, 300, 3600]);
}
