//! What an enrolment error code means, from whichever form it was met in.

use tandem_contracts::prerequisites::v1::ExplainEnrollmentErrorResponse;
use tandem_domain::enrollment::{self, EnrollmentError};
use tandem_server::failure::Failure;

use super::convert;

/// Longest code, in characters: symbols are the longest form.
const LONGEST_CODE: usize = 64;

const RESOURCE_TYPE: &str = "tandem.prerequisites.v1.EnrollmentError";

const FORMS: &str = "must be a 32-bit code in decimal, signed decimal or hexadecimal after 0x, or a symbol such as \
                     MENROLL_E_USERLICENSE";

/// Every entry of the published tables that the text can mean.
pub(crate) fn explain(code: &str) -> Result<ExplainEnrollmentErrorResponse, Failure> {
    let length = code.chars().count();
    if length > LONGEST_CODE {
        return Err(Failure::field(
            "code",
            format!("must have at most {LONGEST_CODE} characters; found {length}"),
        ));
    }
    let (is_code, meant): (bool, Vec<&EnrollmentError>) = match enrollment::parse_code(code) {
        Some(number) => (true, enrollment::lookup(number).into_iter().collect()),
        None => (has_the_form_of_a_symbol(code.trim()), enrollment::by_symbol(code)),
    };
    if !meant.is_empty() {
        let errors = meant.into_iter().map(convert::enrollment_error).collect();
        return Ok(ExplainEnrollmentErrorResponse { errors });
    }
    if is_code {
        let name = code.trim().to_owned();
        return Err(Failure::NotFound { resource_type: RESOURCE_TYPE, name });
    }
    Err(Failure::field("code", format!("{FORMS}; found {code:?}")))
}

/// Words of letters and digits between underscores, the first a letter: every published symbol has this form.
fn has_the_form_of_a_symbol(text: &str) -> bool {
    text.contains('_')
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.split('_').all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_symbol_has_the_form_of_one() {
        let symbols = enrollment::errors().iter().filter_map(|error| error.symbol);
        // A bracketed remark of the table is no part of the symbol.
        let bare = symbols.map(|symbol| symbol.split(" (").next().unwrap());
        let odd: Vec<&str> = bare.filter(|symbol| !has_the_form_of_a_symbol(symbol)).collect();
        assert_eq!(odd, [""; 0]);
    }

    #[test]
    fn text_without_the_form_of_a_symbol_is_told_apart() {
        for text in ["", "banana", "_E", "E_", "A__B", "1_A", "0x80180018Z", "MENROLL E"] {
            assert!(!has_the_form_of_a_symbol(text), "{text}");
        }
    }
}
