//! Pages: the token names the last item of the page before, and belongs to one list under one filter.

use serde::Serialize;
use serde::de::DeserializeOwned;
use tandem_server::failure::Failure;
use tandem_server::names;
use tandem_storage::page::PageToken;

/// What a list request asks for.
#[derive(Debug)]
pub(crate) struct Page<K> {
    /// The list, as far as tokens go.
    kind: &'static str,
    /// What else the token belongs to.
    filter: u64,
    /// The last item of the page before.
    pub(crate) after: Option<K>,
    /// How many items.
    pub(crate) size: usize,
}

impl<K: Serialize + DeserializeOwned> Page<K> {
    /// Reads the two fields of a list request; `of` is everything else that makes it the same list.
    pub(crate) fn read(
        kind: &'static str,
        of: &[&[u8]],
        page_size: i32,
        page_token: &str,
    ) -> Result<Self, Failure> {
        let filter = tandem_storage::fingerprint(of);
        let after = PageToken::decode(page_token, kind, filter)?;
        Ok(Self { kind, filter, after, size: names::page_size(page_size)? })
    }

    /// One more than the page holds, so that it is seen whether another follows.
    pub(crate) const fn limit(&self) -> u64 {
        self.size as u64 + 1
    }

    /// Cuts the extra item off and makes the token of the next page, if there is one.
    pub(crate) fn finish<T>(&self, items: &mut Vec<T>, key: impl Fn(&T) -> K) -> String {
        if items.len() <= self.size {
            return String::new();
        }
        items.truncate(self.size);
        items.last().map(|last| PageToken::encode(self.kind, self.filter, &key(last))).unwrap_or_default()
    }
}

/// The last part of a resource name.
pub(crate) fn last_part(name: &str) -> String {
    name.rsplit('/').next().unwrap_or(name).to_owned()
}
