//! How far long work is, on standard error, for people who look at it.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Often enough to look alive.
const TICK: Duration = Duration::from_millis(120);

/// A bar over so many devices.
pub(crate) fn devices(total: u64) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total);
    styled(bar, "{bar:40} {human_pos} of {human_len} devices ({eta} left)")
}

/// A bar over sections, of which nobody knows how many there are.
pub(crate) fn sections() -> ProgressBar {
    endless("{spinner} {human_pos} sections taken ({elapsed})")
}

/// A bar over the devices that a server counts, of which nobody here knows how many there are.
pub(crate) fn counting() -> ProgressBar {
    endless("{spinner} {human_pos} devices counted so far ({elapsed})")
}

/// A bar over the devices that a server judges, whose number is set once it is known.
pub(crate) fn judging() -> ProgressBar {
    endless("{spinner} {human_pos} of {human_len} devices judged ({elapsed})")
}

fn endless(template: &str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(TICK);
    styled(bar, template)
}

/// With a template of its own, unless this release of the library reads it otherwise.
fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_read() {
        for template in [
            "{bar:40} {human_pos} of {human_len} devices ({eta} left)",
            "{spinner} {human_pos} sections taken ({elapsed})",
            "{spinner} {human_pos} devices counted so far ({elapsed})",
            "{spinner} {human_pos} of {human_len} devices judged ({elapsed})",
        ] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
