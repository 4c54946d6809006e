//! Opaque tokens for lists that are paged by key.
//!
//! A token carries the key of the last row that was handed out. The next page starts after that key, so rows that come and go
//! meanwhile are neither repeated nor skipped. A token is bound to the list (its kind) and to the filter, and damaged ones are
//! told apart. It is no secret and grants nothing: the query applies the caller's tenant and filter all the same.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fingerprint;

/// First byte of every token; a change of the layout changes it, and old tokens are then refused.
const VERSION: u8 = 1;
/// Version and checksum.
const HEADER: usize = 1 + size_of::<u64>();
/// Longest token looked at, in characters. Keys are a few ids.
const LONGEST: usize = 4096;

/// The token is damaged, of another release, or belongs to another list or filter: start the list anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the page token is damaged, or belongs to another list or filter")]
pub struct InvalidPageToken;

/// Writes and reads page tokens: lower-case hex digits, safe in a URL.
#[derive(Debug, Clone, Copy)]
pub struct PageToken;

impl PageToken {
    /// The token for the page after `key`, in the list `kind` under the filter of that hash (see [`fingerprint`]).
    ///
    /// # Panics
    /// When `key` has no JSON form. Keys are tuples or structs of ids and numbers, which always have one.
    #[must_use]
    pub fn encode(kind: &str, filter_hash: u64, key: &impl Serialize) -> String {
        let key = serde_json::to_vec(key).expect("a page key is a tuple or struct of ids and numbers");
        let mut token = vec![VERSION];
        token.extend(checksum(kind, filter_hash, &key).to_be_bytes());
        token.extend(key);
        hex(&token)
    }

    /// The key after which to go on; `None` for an empty token, which asks for the first page.
    ///
    /// # Errors
    /// [`InvalidPageToken`] unless the token was made for this list and filter.
    pub fn decode<K: DeserializeOwned>(
        token: &str,
        kind: &str,
        filter_hash: u64,
    ) -> Result<Option<K>, InvalidPageToken> {
        if token.is_empty() {
            return Ok(None);
        }
        let bytes = unhex(token).ok_or(InvalidPageToken)?;
        let (header, key) = bytes.split_at_checked(HEADER).ok_or(InvalidPageToken)?;
        if header[0] != VERSION || header[1..] != checksum(kind, filter_hash, key).to_be_bytes() {
            return Err(InvalidPageToken);
        }
        serde_json::from_slice(key).map(Some).map_err(|_| InvalidPageToken)
    }
}

fn checksum(kind: &str, filter_hash: u64, key: &[u8]) -> u64 {
    fingerprint(&[kind.as_bytes(), &filter_hash.to_be_bytes(), key])
}

/// The bytes as lower-case hex digits.
fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]);
    digits.map(char::from).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if digits.len() > LONGEST || !digits.len().is_multiple_of(2) {
        return None;
    }
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    digits.chunks_exact(2).map(|pair| Some(value(pair[0])? << 4 | value(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Key = (String, u64);

    fn token() -> String {
        PageToken::encode("devices", 7, &("d-1", 42_u64))
    }

    #[test]
    fn token_gives_back_its_key() {
        assert_eq!(PageToken::decode::<Key>(&token(), "devices", 7), Ok(Some(("d-1".to_owned(), 42))));
    }

    #[test]
    fn empty_token_is_the_first_page() {
        assert_eq!(PageToken::decode::<Key>("", "devices", 7), Ok(None));
    }

    #[test]
    fn token_of_another_list_or_filter_is_refused() {
        assert_eq!(PageToken::decode::<Key>(&token(), "collections", 7), Err(InvalidPageToken));
        assert_eq!(PageToken::decode::<Key>(&token(), "devices", 8), Err(InvalidPageToken));
    }

    #[test]
    fn token_with_any_character_changed_is_refused() {
        let token = token();
        for at in 0..token.len() {
            let mut damaged = token.clone().into_bytes();
            damaged[at] = if damaged[at] == b'0' { b'1' } else { b'0' };
            let damaged = String::from_utf8(damaged).unwrap();
            assert_eq!(PageToken::decode::<Key>(&damaged, "devices", 7), Err(InvalidPageToken), "{damaged}");
        }
    }

    #[test]
    fn text_that_is_no_token_is_refused() {
        for text in ["0", "zz", "01", "é", &"0".repeat(LONGEST + 2)] {
            assert_eq!(PageToken::decode::<Key>(text, "devices", 7), Err(InvalidPageToken));
        }
    }

    #[test]
    fn key_of_another_shape_is_refused() {
        let token = PageToken::encode("devices", 7, &"only text");
        assert_eq!(PageToken::decode::<Key>(&token, "devices", 7), Err(InvalidPageToken));
    }
}
