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

/// A bar for work of which nobody knows the end.
pub(crate) fn sections() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(TICK);
    styled(bar, "{spinner} {human_pos} sections taken ({elapsed})")
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
        ] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
