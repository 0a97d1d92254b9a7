//! What time it is, in UTC, as it is written down.

use std::time::SystemTime;

/// Now, such as `2026-11-26T09:00:00Z`.
pub fn now() -> String {
    to_the_second(birnn_engine::clock::now())
}

/// As [`now`], to the microsecond.
pub fn precisely() -> String {
    humantime::format_rfc3339_micros(birnn_engine::clock::now()).to_string()
}

fn to_the_second(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn the_first_and_last_times_that_a_clock_says_can_be_written() {
        let at = |seconds| to_the_second(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert_eq!(at(86_400 * 20_000), "2024-10-04T00:00:00Z");
        assert_eq!(at(253_402_300_799), "9999-12-31T23:59:59Z");
    }
}
