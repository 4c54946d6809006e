//! The rule catalogue as a list: by id, filtered, in pages.

use std::sync::LazyLock;

use tandem_contracts::prerequisites::v1::{ListRulesRequest, ListRulesResponse};
use tandem_domain::prerequisites::{Rule, catalogue};
use tandem_server::failure::Failure;
use tandem_server::names::page_size;
use tandem_storage::fingerprint;
use tandem_storage::page::PageToken;

use super::{convert, request};

/// What page tokens of this list are bound to, beside its filter.
const LIST: &str = "prerequisites.rules";

static BY_ID: LazyLock<Vec<&'static Rule>> = LazyLock::new(|| {
    let mut rules: Vec<&'static Rule> = catalogue().iter().collect();
    rules.sort_unstable_by_key(|rule| rule.id);
    rules
});

/// A page of the rules of a path and scope.
pub(crate) fn list(asked: &ListRulesRequest) -> Result<ListRulesResponse, Failure> {
    let path = request::path("path", asked.path)?;
    let scope = request::scope("scope", asked.scope)?;
    let size = page_size(asked.page_size)?;
    let filter = fingerprint(&[&asked.path.to_be_bytes(), &asked.scope.to_be_bytes()]);
    let last: Option<String> = PageToken::decode(&asked.page_token, LIST, filter)?;

    let start = last.map_or(0, |last| BY_ID.partition_point(|rule| rule.id <= last.as_str()));
    let mut wanted = BY_ID[start..].iter().filter(|rule| {
        path.is_none_or(|path| rule.is_on(path)) && scope.is_none_or(|scope| rule.scope == scope)
    });
    let page: Vec<&Rule> = wanted.by_ref().take(size).copied().collect();
    let next_page_token = match (page.last(), wanted.next()) {
        (Some(last), Some(_)) => PageToken::encode(LIST, filter, &last.id),
        _ => String::new(),
    };
    Ok(ListRulesResponse { rules: page.into_iter().map(convert::rule).collect(), next_page_token })
}
