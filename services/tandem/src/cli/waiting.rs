//! The wait for an answer while the devices of a large fleet are still being counted.

use std::time::Duration;

use tandem_client::{ApiError, DEFAULT_DEADLINE};
use tandem_contracts::r#type::v1::ErrorReason;
use tokio::time::Instant;
use tonic::{Code, Status};

/// How long one question waits for the count, so that people see it grow.
const GLIMPSE: Duration = Duration::from_secs(5);

/// Asks, with a deadline for each question, until the devices are counted or the time is over. `counted` hears how many are.
///
/// A server that does not even say how far it is gets one question with a longer deadline: the answer itself may take its time.
pub(super) async fn until_counted<T>(
    limit: Duration,
    mut ask: impl AsyncFnMut(Duration) -> Result<T, Status>,
    counted: impl Fn(u64),
) -> Result<T, ApiError> {
    let end = Instant::now() + limit;
    let mut deadline = GLIMPSE;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let error = match ask(deadline.min(left)).await {
            Ok(answer) => return Ok(answer),
            Err(status) => ApiError::from(status),
        };
        let pause = match error.known_reason() {
            Some(ErrorReason::FleetNotCounted) => {
                counted(error.metadata.get("devices").and_then(|devices| devices.parse().ok()).unwrap_or(0));
                error.retry_after.unwrap_or_default()
            }
            _ if error.code == Code::DeadlineExceeded && deadline == GLIMPSE => {
                deadline = DEFAULT_DEADLINE;
                Duration::ZERO
            }
            _ => return Err(error),
        };
        if Instant::now() + pause >= end {
            return Err(error);
        }
        tokio::time::sleep(pause).await;
    }
}

/// Seconds on the command line.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds @ 1..) => Ok(Duration::from_secs(seconds)),
        _ => Err(format!("expected a number of seconds from 1 on, found `{text}`")),
    }
}

/// A number of days or hours, in seconds.
pub(crate) fn days_or_hours(text: &str) -> Result<i64, String> {
    let unit = |suffix, seconds: i64| text.strip_suffix(suffix).map(|number| (number, seconds));
    let (number, seconds) = unit("d", 24 * 3600).or_else(|| unit("h", 3600)).unwrap_or_default();
    let said = number.parse::<u32>().ok().filter(|number| *number > 0);
    // No number of either overflows.
    said.map(|number| i64::from(number) * seconds)
        .ok_or_else(|| format!("expected a number of days or hours, such as 3d or 12h, found `{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_a_number_of_days_or_hours() {
        let table = [("3d", 259_200), ("12h", 43_200), ("1h", 3600), ("4294967295d", 371_085_174_288_000)];
        for (text, seconds) in table {
            assert_eq!(days_or_hours(text), Ok(seconds), "{text}");
        }
        for text in ["", "7", "d", "0d", "0h", "1.5d", "-1d", "3 d", "3D", "5m", "1d12h", "4294967296d"] {
            let expected = format!("expected a number of days or hours, such as 3d or 12h, found `{text}`");
            assert_eq!(days_or_hours(text), Err(expected));
        }
    }
    use std::cell::RefCell;
    use tandem_server::Failure;

    fn counting(devices: u64) -> Status {
        Failure::FleetNotCounted { devices, why: None }.into()
    }

    /// What is answered to questions with answers in that order, the last for ever; the numbers heard, the deadlines, and the seconds that
    /// passed. A question that waits for the count takes its whole deadline.
    async fn asked(
        limit: u64,
        answers: Vec<Result<u8, Status>>,
    ) -> (Result<u8, ApiError>, Vec<u64>, Vec<u64>, u64) {
        let heard: RefCell<Vec<u64>> = RefCell::default();
        let (mut deadlines, mut answers) = (Vec::new(), answers.into_iter());
        let begun = Instant::now();
        let ask = async |deadline: Duration| {
            deadlines.push(deadline.as_secs());
            let answer = answers.next().unwrap();
            if answer.is_err() {
                tokio::time::sleep(deadline).await;
            }
            answer
        };
        let answer =
            until_counted(Duration::from_secs(limit), ask, |devices| heard.borrow_mut().push(devices));
        let answer = answer.await;
        (answer, heard.take(), deadlines, begun.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn counting_fleet_is_asked_again_until_it_is_counted() {
        let answers = vec![Err(counting(4000)), Err(counting(9000)), Ok(7)];
        let expected = (Ok(7), vec![4000, 9000], vec![5, 5, 5], 12);
        assert_eq!(asked(60, answers).await, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn wait_ends_with_its_limit_and_says_how_many_were_counted() {
        let answers = (1..).map(|thousands| Err(counting(thousands * 1000))).take(9).collect();
        let (answer, heard, deadlines, seconds) = asked(14, answers).await;
        let error = answer.unwrap_err();
        assert_eq!(error.known_reason(), Some(ErrorReason::FleetNotCounted));
        assert_eq!(error.metadata.get("devices").map(String::as_str), Some("3000"));
        assert_eq!((heard, deadlines, seconds), (vec![1000, 2000, 3000], vec![5, 5, 2], 14));
    }

    #[tokio::test(start_paused = true)]
    async fn server_that_is_slow_gets_one_longer_question() {
        let slow = || Err(Status::deadline_exceeded("slow"));
        assert_eq!(asked(60, vec![slow(), Ok(7)]).await, (Ok(7), vec![], vec![5, 30], 5));
        let (answer, heard, deadlines, seconds) = asked(60, vec![slow(), slow()]).await;
        assert_eq!(answer.unwrap_err().code, Code::DeadlineExceeded);
        assert_eq!((heard, deadlines, seconds), (vec![], vec![5, 30], 35));
    }

    #[tokio::test(start_paused = true)]
    async fn other_refusals_end_the_wait_at_once() {
        let refused = Failure::field("proposed", "must be set; found nothing");
        let (answer, heard, deadlines, _) = asked(60, vec![Err(refused.into())]).await;
        assert_eq!(answer.unwrap_err().known_reason(), Some(ErrorReason::InvalidField));
        assert_eq!((heard, deadlines), (vec![], vec![5]));
    }

    #[test]
    fn time_is_a_number_of_seconds() {
        assert_eq!(seconds("90"), Ok(Duration::from_secs(90)));
        for text in ["0", "-1", "1.5", "5m", ""] {
            assert_eq!(seconds(text), Err(format!("expected a number of seconds from 1 on, found `{text}`")));
        }
    }
}
