//! Log lines that name the request they were written for.
//!
//! A span would do the same, and cost every request as much as answering some of them does. Instead whoever serves requests tells about the present
//! one where a line is written, which is seldom.

use std::fmt::{self, Write};

use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Takes a fact of a request: its name and its value.
pub type Tell<'a> = dyn FnMut(&str, &dyn fmt::Display) + 'a;

/// Tells the facts of the request that the present task works for; nothing, where it works for none.
pub type Describe = fn(&mut Tell<'_>);

/// Nobody serves requests here.
pub fn no_requests(_: &mut Tell<'_>) {}

/// How the facts of a request are written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Style {
    /// ` name="value"` at the end of the line.
    Text,
    /// An object `request` at the end of that of the line.
    Json,
}

/// A format whose lines name their request.
#[derive(Debug)]
pub(crate) struct OfRequests<F> {
    pub(crate) lines: F,
    pub(crate) style: Style,
    pub(crate) describe: Describe,
}

impl<S, N, F> FormatEvent<S, N> for OfRequests<F>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut facts = String::new();
        (self.describe)(&mut |name, value| self.style.add(&mut facts, name, value));
        if facts.is_empty() {
            return self.lines.format_event(context, writer, event);
        }
        let mut line = String::new();
        self.lines.format_event(context, Writer::new(&mut line), event)?;
        match self.style {
            Style::Text => writeln!(writer, "{}{facts}", line.trim_end()),
            Style::Json => {
                let object = line.trim_end().strip_suffix('}').ok_or(fmt::Error)?;
                writeln!(writer, "{object},\"request\":{{{facts}}}}}")
            }
        }
    }
}

impl Style {
    fn add(self, facts: &mut String, name: &str, value: &dyn fmt::Display) {
        // Texts of callers are among them: none ends a line, or begins another fact.
        let value = value.to_string();
        match self {
            Self::Text => _ = write!(facts, " {name}={value:?}"),
            Self::Json => {
                let comma = if facts.is_empty() { "" } else { "," };
                let value = serde_json::Value::from(value);
                _ = write!(facts, "{comma}\"{name}\":{value}");
            }
        }
    }
}
