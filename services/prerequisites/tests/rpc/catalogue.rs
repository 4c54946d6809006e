//! The rule catalogue, and the meaning of enrolment error codes.

use tandem_contracts::prerequisites::v1::{
    EnrollmentError, ExplainEnrollmentErrorRequest, ListRulesRequest, Path, Scope,
};
use tonic::Code;

use crate::sandbox::{Client, client, invalid, not_found, refusal, refused};

async fn rule_ids(client: &mut Client, request: ListRulesRequest) -> (Vec<String>, String) {
    let page = client.list_rules(request).await.unwrap().into_inner();
    (page.rules.into_iter().map(|rule| rule.rule).collect(), page.next_page_token)
}

#[tokio::test]
async fn pages_of_rules_make_up_the_whole_catalogue_by_id() {
    let mut client = client().await;
    let (whole, end) = rule_ids(&mut client, ListRulesRequest::default()).await;
    assert_eq!((whole.len(), end.as_str()), (fact_pack_rules(), ""));
    assert!(whole.is_sorted());

    let mut collected = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListRulesRequest { page_size: 10, page_token, ..ListRulesRequest::default() };
        let (page, next) = rule_ids(&mut client, request).await;
        assert!(page.len() == 10 || next.is_empty(), "{page:?}");
        collected.extend(page);
        page_token = next;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(collected, whole);
}

/// The rules of the fact pack, counted in its text.
fn fact_pack_rules() -> usize {
    include_str!("../../../../libs/domain/data/prerequisites.toml")
        .lines()
        .filter(|line| line.trim() == "[[rule]]")
        .count()
}

#[tokio::test]
async fn rules_of_a_path_and_scope_are_listed_alone() {
    let request = ListRulesRequest {
        path: Path::Coexistence.into(),
        scope: Scope::Device.into(),
        ..ListRulesRequest::default()
    };
    let (rules, end) = rule_ids(&mut client().await, request).await;
    let expected = [
        "cm.client_installed",
        "coex.company_owned",
        "coex.third_party_detected",
        "entra.joined",
        "win.minimum_1709",
    ];
    assert_eq!((rules, end.as_str()), (expected.map(String::from).to_vec(), ""));
}

#[tokio::test]
async fn page_that_ends_with_the_last_rule_of_a_filter_is_the_last() {
    let request = ListRulesRequest {
        path: Path::Coexistence.into(),
        scope: Scope::Tenant.into(),
        page_size: 1,
        ..ListRulesRequest::default()
    };
    assert_eq!(
        rule_ids(&mut client().await, request).await,
        (vec!["lic.configmgr_rights".to_owned()], String::new())
    );
}

#[tokio::test]
async fn page_token_of_another_filter_is_refused() {
    let mut client = client().await;
    let first = ListRulesRequest { page_size: 1, ..ListRulesRequest::default() };
    let (_, page_token) = rule_ids(&mut client, first).await;
    let other = ListRulesRequest { scope: Scope::Site.into(), page_token, ..ListRulesRequest::default() };
    let about = "page_token: the page token is damaged, or belongs to another list or filter";
    assert_eq!(
        refused(client.list_rules(other).await),
        refusal(Code::InvalidArgument, "INVALID_PAGE_TOKEN", Some(about))
    );
    let unknown = ListRulesRequest { scope: 9, ..ListRulesRequest::default() };
    assert_eq!(
        refused(client.list_rules(unknown).await),
        invalid("scope", "must be a value of the enumeration; found the unknown number 9")
    );
}

async fn explained(client: &mut Client, code: &str) -> Vec<EnrollmentError> {
    let request = ExplainEnrollmentErrorRequest { code: code.to_owned() };
    client.explain_enrollment_error(request).await.unwrap().into_inner().errors
}

#[tokio::test]
async fn code_of_any_form_is_explained_alike() {
    let mut client = client().await;
    let licence = EnrollmentError {
        code: 2_149_056_536,
        hex: "0x80180018".into(),
        symbol: "MENROLL_E_USERLICENSE".into(),
        meaning: "the user's licence state blocks enrolment".into(),
        error_class: "license".into(),
        remediation: "assign an Intune licence to the user".into(),
        retryable: "no".into(),
    };
    for code in ["2149056536", "-2145910760", "0x80180018", "menroll_e_userlicense"] {
        assert_eq!(explained(&mut client, code).await, std::slice::from_ref(&licence), "{code}");
    }
}

#[tokio::test]
async fn disputed_symbol_has_both_codes() {
    let errors = explained(&mut client().await, "MENROLL_E_USER_CANCELED").await;
    assert_eq!(errors.into_iter().map(|error| error.hex).collect::<Vec<_>>(), ["0x8018002A", "0x80180030"]);
}

#[tokio::test]
async fn code_that_no_table_has_is_not_found_and_text_that_is_no_code_is_refused() {
    let mut client = client().await;
    let forms = "must be a 32-bit code in decimal, signed decimal or hexadecimal after 0x, or a symbol such as \
                 MENROLL_E_USERLICENSE";
    let table = "tandem.prerequisites.v1.EnrollmentError";
    let long = "9".repeat(65);
    for (code, expected) in [
        ("0x8018FFFF", not_found(table, "0x8018FFFF")),
        ("0", not_found(table, "0")),
        ("MENROLL_E_BANANA", not_found(table, "MENROLL_E_BANANA")),
        ("banana", invalid("code", &format!("{forms}; found \"banana\""))),
        ("", invalid("code", &format!("{forms}; found \"\""))),
        ("4294967296", invalid("code", &format!("{forms}; found \"4294967296\""))),
        (&long, invalid("code", "must have at most 64 characters; found 65")),
    ] {
        let request = ExplainEnrollmentErrorRequest { code: code.to_owned() };
        assert_eq!(refused(client.explain_enrollment_error(request).await), expected, "{code}");
    }
}
