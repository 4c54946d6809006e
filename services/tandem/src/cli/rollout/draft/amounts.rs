//! Shares, lengths of time and budgets as people write them, and as the contract counts them.

use std::str::FromStr;

use tandem_contracts::authority::v1::rollout_wave_spec::Budget as Contract;

/// Hundredths of a per cent that are everything.
const EVERYTHING: u32 = 10_000;

/// A share of 0 to 100 per cent, in hundredths of a per cent: `5`, `2.5`, `0.01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli::rollout) struct Share(pub(in crate::cli::rollout) u32);

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        hundredths(text).filter(|share| *share <= EVERYTHING).map(Self).ok_or_else(|| {
            format!("expected 0 to 100 per cent with at most two decimals, such as 5 or 2.5, found `{text}`")
        })
    }
}

/// A decimal number with at most two decimals, times a hundred.
fn hundredths(text: &str) -> Option<u32> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "00"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(decimals) || decimals.len() > 2 {
        return None;
    }
    let whole: u32 = whole.parse().ok()?;
    let decimals: u32 = format!("{decimals:0<2}").parse().ok()?;
    whole.checked_mul(100)?.checked_add(decimals)
}

/// A length of time in whole minutes: `2d`, `12h`, `90m`; `0` is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli::rollout) struct Length(pub(in crate::cli::rollout) u32);

impl FromStr for Length {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let units = [("d", 24 * 60), ("h", 60), ("m", 1)];
        let found = units.iter().find_map(|(unit, minutes)| Some((text.strip_suffix(unit)?, *minutes)));
        let minutes = match (text, found) {
            ("0", _) => Some(0),
            (_, Some((number, minutes))) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                number.parse::<u32>().ok().and_then(|number| number.checked_mul(minutes))
            }
            _ => None,
        };
        minutes
            .map(Self)
            .ok_or_else(|| format!("expected days, hours or minutes, such as 2d, 12h or 90m, found `{text}`"))
    }
}

/// How many devices may be in motion at once: `50`, or `10%` of the wave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli::rollout) struct Budget(pub(in crate::cli::rollout) Contract);

impl FromStr for Budget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let budget = match text.strip_suffix('%') {
            Some(share) => share.parse().ok().map(|Share(share)| Contract::BudgetShare(share)),
            None => text.parse().ok().map(Contract::BudgetDevices),
        };
        let nothing = [Contract::BudgetShare(0), Contract::BudgetDevices(0)];
        budget.filter(|budget| !nothing.contains(budget)).map(Self).ok_or_else(|| {
            format!("expected at least one device or a share of the wave, such as 50 or 10%, found `{text}`")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn share_is_read_to_the_hundredth_of_a_per_cent() {
        let table = [
            ("5", 500),
            ("100", 10_000),
            ("2.5", 250),
            ("0.01", 1),
            ("99.99", 9999),
            ("0", 0),
            ("7.10", 710),
        ];
        for (text, share) in table {
            assert_eq!(text.parse(), Ok(Share(share)), "{text}");
        }
        for text in ["", "100.01", "101", "-1", "+1", "1.", ".5", "1.234", "1,5", "5%", "4294967296"] {
            let expected = format!(
                "expected 0 to 100 per cent with at most two decimals, such as 5 or 2.5, found `{text}`"
            );
            assert_eq!(text.parse::<Share>(), Err(expected));
        }
    }

    #[test]
    fn length_is_a_number_of_days_hours_or_minutes() {
        for (text, minutes) in [("2d", 2880), ("12h", 720), ("90m", 90), ("0", 0), ("0d", 0)] {
            assert_eq!(text.parse(), Ok(Length(minutes)), "{text}");
        }
        for text in ["", "2", "d", "1.5d", "-1d", "+1d", "2 d", "2D", "1d12h", "4294967295d"] {
            let expected = format!("expected days, hours or minutes, such as 2d, 12h or 90m, found `{text}`");
            assert_eq!(text.parse::<Length>(), Err(expected));
        }
    }

    #[test]
    fn budget_is_a_number_or_a_share_and_never_nothing() {
        assert_eq!("50".parse(), Ok(Budget(Contract::BudgetDevices(50))));
        assert_eq!("12.5%".parse(), Ok(Budget(Contract::BudgetShare(1250))));
        for text in ["", "0", "0%", "101%", "-1", "many", "%"] {
            let expected = format!(
                "expected at least one device or a share of the wave, such as 50 or 10%, found `{text}`"
            );
            assert_eq!(text.parse::<Budget>(), Err(expected));
        }
    }
}
