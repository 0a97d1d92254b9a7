//! What time it is, as far as a record can say.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// 9999-12-31T23:59:59Z, after which dates have five digits; before 1970 there are none for us.
const LAST: Duration = Duration::from_secs(253_402_300_799);

/// Now, in UTC, such as `2026-11-26T09:00:00Z`.
pub fn now() -> String {
    humantime::format_rfc3339_seconds(sayable(SystemTime::now())).to_string()
}

/// As [`now`], to the microsecond.
pub fn precisely() -> String {
    humantime::format_rfc3339_micros(sayable(SystemTime::now())).to_string()
}

/// The nearest time that can be written down: a clock can be set to anything.
fn sayable(time: SystemTime) -> SystemTime {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    UNIX_EPOCH + since.min(LAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_clock_says_a_time() {
        let said = |time: SystemTime| humantime::format_rfc3339_seconds(sayable(time)).to_string();
        let days = |days: u64| Duration::from_secs(86_400 * days);
        assert_eq!(said(UNIX_EPOCH), "1970-01-01T00:00:00Z");
        assert_eq!(said(UNIX_EPOCH + days(20_000)), "2024-10-04T00:00:00Z");
        assert_eq!(said(UNIX_EPOCH - days(1)), "1970-01-01T00:00:00Z");
        assert_eq!(said(UNIX_EPOCH + LAST), "9999-12-31T23:59:59Z");
        for beyond in [days(3_000_000), Duration::from_secs(i64::MAX as u64)] {
            assert_eq!(said(UNIX_EPOCH + beyond), "9999-12-31T23:59:59Z");
        }
    }
}
