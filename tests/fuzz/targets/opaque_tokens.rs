//! Page tokens and consistency tokens: what is accepted is read back as the same, and a token of another list is refused.
//!
//! Bytes: the first says what the rest is: 0 the text of both tokens, 1 the body of a consistency token, whose checksum is put after it,
//! 2 the key of a page, of which a token is made.

#![no_main]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tandem_server::ConsistencyToken;
use tandem_storage::page::PageToken;

const LIST: &str = "devices";
const FILTER: u64 = 7;

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = data.split_first() else { return };
    match kind % 3 {
        0 => texts(&String::from_utf8_lossy(rest)),
        1 => {
            let checksum = crc32fast::hash(rest).to_be_bytes();
            consistency(&URL_SAFE_NO_PAD.encode([rest, &checksum].concat()));
        }
        _ => page(rest),
    }
});

fn texts(text: &str) {
    consistency(text);
    let read = PageToken::decode::<Value>(text, LIST, FILTER);
    assert_eq!(matches!(read, Ok(None)), text.is_empty());
}

fn consistency(text: &str) {
    if let Ok(token) = ConsistencyToken::parse(text) {
        let again = ConsistencyToken::parse(&token.to_string());
        assert_eq!(again.ok().as_ref(), Some(&token), "{text}");
        assert_eq!(token.merge(&token), token, "{text}");
    }
}

fn page(key: &[u8]) {
    let Ok(key) = serde_json::from_slice::<Value>(key) else { return };
    // A fraction may not survive its own writing; keys are ids and whole numbers.
    if serde_json::from_str::<Value>(&key.to_string()).ok().as_ref() != Some(&key) {
        return;
    }
    let token = PageToken::encode(LIST, FILTER, &key);
    // A token that is longer than any is not looked at.
    if let Ok(read) = PageToken::decode::<Value>(&token, LIST, FILTER) {
        assert_eq!(read, Some(key));
    }
    assert!(PageToken::decode::<Value>(&token, "collections", FILTER).is_err());
    assert!(PageToken::decode::<Value>(&token, LIST, FILTER + 1).is_err());
    let _ = PageToken::decode::<(String, u64)>(&token, LIST, FILTER);
}
