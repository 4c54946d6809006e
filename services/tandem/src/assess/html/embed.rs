//! Carrying hostile text safely into the two places of the page that HTML escaping does not cover.

use plotly::Plot;
use serde::Serialize;

use crate::printable::printable;

/// JSON for the inside of a script element: no character of it can end the element or open a comment.
///
/// The characters replaced stand only inside JSON strings, where the escape means the same.
pub(super) fn script_json(value: &impl Serialize) -> serde_json::Result<String> {
    let json = serde_json::to_string(value)?;
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' => safe.push_str("\\u003c"),
            '>' => safe.push_str("\\u003e"),
            '&' => safe.push_str("\\u0026"),
            '\u{2028}' => safe.push_str("\\u2028"),
            '\u{2029}' => safe.push_str("\\u2029"),
            _ => safe.push(c),
        }
    }
    Ok(safe)
}

/// Text for a chart: plotly.js reads a few tags (`<b>`, `<a href>`) in labels, so the text must not look like one.
pub(super) fn plotly_text(text: &str) -> String {
    printable(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// plotly.js as the crate embeds it, without its script tags and without the mathematics typesetter that comes beside it.
///
/// `None` when the crate's text does not look as expected: then the page has no charts, and its tables say the same.
pub(super) fn chart_library() -> Option<String> {
    let sources = Plot::offline_js_sources();
    let (_, rest) = sources.split_once("<script type=\"text/javascript\">")?;
    let (library, _) = rest.split_once("</script>")?;
    library.contains("plotly.js v").then(|| library.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_json_cannot_end_its_element() {
        assert_eq!(
            script_json(&["</script><!--", "a&b\u{2028}"]).expect("strings are JSON"),
            r#"["\u003c/script\u003e\u003c!--","a\u0026b\u2028"]"#
        );
    }

    #[test]
    fn plotly_text_shows_tags_as_text() {
        assert_eq!(plotly_text("<a href=\"x\">A&B</a>"), "&lt;a href=\"x\"&gt;A&amp;B&lt;/a&gt;");
    }

    #[test]
    fn chart_library_is_plotly_alone() {
        let library = chart_library().expect("the crate embeds plotly.js");
        assert!(library.contains("plotly.js v3."), "{}", &library[..200]);
        assert!(!library.contains("</script"), "the library would end its own element");
        assert!(library.len() < 5_000_000, "{} bytes: the typesetter came along", library.len());
    }
}
