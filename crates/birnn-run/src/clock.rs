//! What time it is, as far as a record can say.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// 9999-12-31T23:59:59Z, after which dates have five digits; before 1970 there are none for us.
const LAST: Duration = Duration::from_secs(253_402_300_799);

/// The nearest time to now that can be written down, in UTC, such as `2026-11-26T09:00:00Z`: a clock can be
/// set to anything.
pub fn now() -> String {
    humantime::format_rfc3339_seconds(sayable(SystemTime::now())).to_string()
}

/// As [`now`], to the microsecond.
pub fn precisely() -> String {
    humantime::format_rfc3339_micros(sayable(SystemTime::now())).to_string()
}

/// Seconds from 1970 to now.
pub fn seconds() -> f64 {
    sayable(SystemTime::now()).duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

fn sayable(time: SystemTime) -> SystemTime {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    UNIX_EPOCH + since.min(LAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_last_times_that_a_clock_says_can_be_written() {
        let at = |seconds| {
            humantime::format_rfc3339_seconds(sayable(UNIX_EPOCH + Duration::from_secs(seconds))).to_string()
        };
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert_eq!(at(86_400 * 20_000), "2024-10-04T00:00:00Z");
        assert_eq!(at(253_402_300_799), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn any_clock_says_a_time() {
        let days = |days: u64| Duration::from_secs(86_400 * days);
        for known in [UNIX_EPOCH, UNIX_EPOCH + days(20_000), UNIX_EPOCH + LAST] {
            assert_eq!(sayable(known), known);
        }
        assert_eq!(sayable(UNIX_EPOCH - days(1)), UNIX_EPOCH);
        for beyond in [days(3_000_000), Duration::from_secs(i64::MAX as u64)] {
            assert_eq!(sayable(UNIX_EPOCH + beyond), UNIX_EPOCH + LAST);
        }
    }
}
