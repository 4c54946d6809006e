//! Long lists: fetched and shown page by page, so that a million devices need no more memory than a thousand.

use tonic::{Response, Status};

use tandem_contracts::{authority, inventory, monitoring, prerequisites};

use super::failure::CliError;
use super::json::{self, Named, PageParts};
use super::screen::{Column, Row, Screen};

/// Items of a page: the contracts' maximum.
const PAGE_SIZE: u64 = 1000;

/// How much of a list to show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::Args)]
pub(crate) struct Limit {
    /// Show at most N; unset: all
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
}

/// An answer that holds one page of a list.
pub(crate) trait Page: Named {
    /// The field of the items, as the contract names it.
    const ITEMS: &'static str;

    /// How many items there are.
    fn items(&self) -> usize;

    /// For the next page; empty after the last.
    fn next_page_token(&self) -> &str;
}

macro_rules! pages {
    ($($message:ty: $items:ident),* $(,)?) => {$(
        impl Page for $message {
            const ITEMS: &'static str = stringify!($items);

            fn items(&self) -> usize {
                self.$items.len()
            }

            fn next_page_token(&self) -> &str {
                &self.next_page_token
            }
        }
    )*}
}

pages!(
    inventory::v1::ListDevicesResponse: devices,
    inventory::v1::ListIdentityConflictsResponse: conflicts,
    inventory::v1::ListTenantsResponse: tenants,
    inventory::v1::ListHierarchiesResponse: hierarchies,
    inventory::v1::ListSitesResponse: sites,
    inventory::v1::ListCollectionsResponse: collections,
    inventory::v1::ListCollectionMembersResponse: devices,
    prerequisites::v1::ListRulesResponse: rules,
    prerequisites::v1::ListCustomRulesResponse: custom_rules,
    prerequisites::v1::ListRuleFactsResponse: facts,
    prerequisites::v1::ListFleetSummariesResponse: summaries,
    prerequisites::v1::ListSummaryDevicesResponse: devices,
    authority::v1::ListCoManagementPoliciesResponse: policies,
    authority::v1::ListCoManagementPolicyRevisionsResponse: revisions,
    authority::v1::ListAuditRecordsResponse: records,
    authority::v1::ListDriftResponse: devices,
    authority::v1::ListAuthorityPeriodsResponse: periods,
    authority::v1::ListPlansResponse: plans,
    authority::v1::ListApprovalRequestsResponse: approval_requests,
    authority::v1::ListRolloutsResponse: rollouts,
    authority::v1::ListRolloutDevicesResponse: devices,
    authority::v1::ListRolloutActionsResponse: actions,
    monitoring::v1::ListFigureDevicesResponse: devices,
);

/// Shows a list: one table a page for people; for programs one object that holds every page's items.
///
/// `fetch` gets the size of a page and the token of the page before.
pub(crate) async fn list<P: Page>(
    screen: &mut Screen<'_>,
    limit: Limit,
    columns: &[Column],
    rows: impl Fn(&P) -> Vec<Row>,
    mut fetch: impl AsyncFnMut(i32, String) -> Result<Response<P>, Status>,
) -> Result<(), CliError> {
    let mut left = limit.limit.unwrap_or(u64::MAX);
    let mut token = String::new();
    let mut is_first = true;
    loop {
        // At most a thousand: always in range.
        let size = i32::try_from(left.min(PAGE_SIZE)).unwrap_or_default();
        let page = fetch(size, std::mem::take(&mut token)).await?.into_inner();
        left = left.saturating_sub(page.items() as u64);
        token = page.next_page_token().to_owned();
        // A server may answer an empty page before the last; it is not the end.
        let is_last = token.is_empty() || left == 0;
        if screen.is_json() {
            json_page(screen, &page, is_first, is_last)?;
        } else if page.items() > 0 || (is_first && is_last) {
            screen.table(columns, rows(&page))?;
        }
        if is_last {
            break;
        }
        is_first &= page.items() == 0;
    }
    if !screen.is_json() && !token.is_empty() {
        screen.note("there are more: raise --limit, or leave it out, to see them")?;
    }
    Ok(())
}

fn json_page<P: Page>(
    screen: &mut Screen<'_>,
    page: &P,
    is_first: bool,
    is_last: bool,
) -> Result<(), CliError> {
    let PageParts { name, items, rest } = json::page(page, P::ITEMS)?;
    let mut text = String::new();
    for (index, item) in items.iter().enumerate() {
        match (is_first, index) {
            (true, 0) => text.push_str(&format!("{{\"{name}\":[\n")),
            _ => text.push_str(",\n"),
        }
        text.push_str(item);
    }
    if is_last {
        if is_first && items.is_empty() {
            text.push_str(&format!("{{\"{name}\":["));
        }
        text.push_str("\n]");
        for (name, value) in rest {
            text.push_str(&format!(",\"{name}\":{value}"));
        }
        text.push_str("}\n");
    }
    screen.part(&text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::screen::Output;
    use tandem_contracts::inventory::v1::ListCollectionMembersResponse;

    /// Five members, in the pages that are asked for.
    async fn members(output: Output, limit: Option<u64>) -> (String, String, Vec<i32>) {
        let (mut out, mut notes, mut sizes) = (Vec::new(), Vec::new(), Vec::new());
        let mut screen = Screen::new(output, &mut out, &mut notes);
        let fetch = async |size: i32, token: String| {
            sizes.push(size);
            let from: usize = token.parse().unwrap_or_default();
            // The server gives two at most, whatever is asked.
            let to = 5.min(from + 2.min(usize::try_from(size).unwrap()));
            let page = ListCollectionMembersResponse {
                devices: (from..to).map(|n| format!("tenants/t/devices/d{n}")).collect(),
                next_page_token: if to < 5 { to.to_string() } else { String::new() },
                ..ListCollectionMembersResponse::default()
            };
            Ok(Response::new(page))
        };
        let rows =
            |page: &ListCollectionMembersResponse| page.devices.iter().map(|d| vec![d.clone()]).collect();
        list(&mut screen, Limit { limit }, &[Column::Text("DEVICE")], rows, fetch).await.unwrap();
        (String::from_utf8(out).unwrap(), String::from_utf8(notes).unwrap(), sizes)
    }

    #[tokio::test]
    async fn list_of_several_pages_is_one_object() {
        let (out, _, sizes) = members(Output::Json, None).await;
        let written: serde_json::Value = serde_json::from_str(&out).unwrap();
        let expected = serde_json::json!({
            "devices": (0..5).map(|n| format!("tenants/t/devices/d{n}")).collect::<Vec<_>>(),
            "nextPageToken": "",
            "consistencyToken": "",
        });
        assert_eq!((written, sizes), (expected, vec![1000, 1000, 1000]));
    }

    #[tokio::test]
    async fn list_that_is_cut_says_so() {
        let (out, notes, sizes) = members(Output::Table, Some(3)).await;
        let expected = [
            " DEVICE",
            "──────────────────────",
            " tenants/t/devices/d0",
            " tenants/t/devices/d1",
            " DEVICE",
            "──────────────────────",
            " tenants/t/devices/d2",
            "",
        ];
        assert_eq!(out, expected.join("\n"));
        assert_eq!(notes, "there are more: raise --limit, or leave it out, to see them\n");
        assert_eq!(sizes, [3, 1]);
    }

    #[tokio::test]
    async fn list_that_is_cut_gives_programs_the_token_of_the_next_page() {
        let (out, notes, _) = members(Output::Json, Some(2)).await;
        let written: serde_json::Value = serde_json::from_str(&out).unwrap();
        let expected = serde_json::json!({"devices": ["tenants/t/devices/d0", "tenants/t/devices/d1"], "nextPageToken": "2", "consistencyToken": ""});
        assert_eq!((written, notes.as_str()), (expected, ""));
    }

    #[tokio::test]
    async fn list_without_items_is_an_object_too() {
        let (mut out, mut notes) = (Vec::new(), Vec::new());
        let mut screen = Screen::new(Output::Json, &mut out, &mut notes);
        let fetch = async |_: i32, _: String| Ok(Response::new(ListCollectionMembersResponse::default()));
        list(&mut screen, Limit::default(), &[], |_| Vec::new(), fetch).await.unwrap();
        let written: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(written, serde_json::json!({"devices": [], "nextPageToken": "", "consistencyToken": ""}));
    }
}
