//! What time it is, as far as a record can say.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// 9999-12-31T23:59:59Z, after which dates have five digits; before 1970 there are none for us.
const LAST: Duration = Duration::from_secs(253_402_300_799);

/// The nearest time to now that can be written down: a clock can be set to anything.
pub fn now() -> SystemTime {
    sayable(SystemTime::now())
}

/// Seconds from 1970 to [`now`].
pub(crate) fn seconds() -> f64 {
    now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

fn sayable(time: SystemTime) -> SystemTime {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    UNIX_EPOCH + since.min(LAST)
}

#[cfg(test)]
mod tests {
    use super::*;

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
