//! How long a request may wait for the world that it asks for.

use std::time::Duration;

use tonic::metadata::MetadataMap;

/// The deadline of a caller who sets none or a longer one: a fleet of a million is counted anew in about that time.
const LONGEST: Duration = Duration::from_secs(30);

/// The least that is left of a deadline for the answer's way back: timers count milliseconds, and a client that retries hands its
/// last attempt whatever little its earlier ones left.
const WAY_BACK: Duration = Duration::from_millis(20);

/// How long the request with this metadata may wait: nine tenths of its deadline, so that "not yet consistent" is still heard.
#[must_use]
pub fn waiting_time(metadata: &MetadataMap) -> Duration {
    let deadline = metadata.get("grpc-timeout").and_then(|text| timeout(text.to_str().ok()?));
    let deadline = deadline.unwrap_or(LONGEST).min(LONGEST);
    deadline.saturating_sub((deadline / 10).max(WAY_BACK))
}

/// A timeout as the protocol writes it: up to eight digits and a unit.
fn timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let amount: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(amount.saturating_mul(3600))),
        "M" => Some(Duration::from_secs(amount.saturating_mul(60))),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(header: Option<&str>) -> Duration {
        let mut metadata = MetadataMap::new();
        if let Some(text) = header {
            metadata.insert("grpc-timeout", text.parse().unwrap());
        }
        waiting_time(&metadata)
    }

    #[test]
    fn wait_ends_before_the_callers_deadline() {
        for (header, millis) in [
            (Some("10S"), 9_000),
            (Some("500m"), 450),
            (Some("50000u"), 30),
            (Some("15m"), 0),
            (Some("1H"), 27_000),
            (Some("10 S"), 27_000),
            (None, 27_000),
        ] {
            assert_eq!(waiting(header), Duration::from_millis(millis), "{header:?}");
        }
    }
}
