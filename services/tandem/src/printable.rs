//! Text from outside, fit for people's eyes.

use std::borrow::Cow;

/// Text from outside, fit for one line of a terminal or a page: control and direction characters are spelt out, because
/// a device may be named after an escape sequence.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(hidden) {
        return text.into();
    }
    text.chars()
        .flat_map(|c| {
            let spelt = if hidden(c) { c.escape_default().to_string() } else { c.to_string() };
            spelt.chars().collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_spells_out_escape_sequences_and_direction_overrides() {
        assert_eq!(printable("OSL-LT-0417"), "OSL-LT-0417");
        assert_eq!(printable("Kjøkken-PC"), "Kjøkken-PC");
        assert_eq!(printable("a\u{1b}[31mb\nc\u{202e}d"), "a\\u{1b}[31mb\\nc\\u{202e}d");
    }
}
