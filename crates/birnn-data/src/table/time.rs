//! Times, by which the rows of a series are ordered.

/// A time of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Time {
    /// A whole number.
    Whole(i64),
    /// Another number.
    Number(f64),
    /// Nanoseconds since 1970; 64 bits would end in 2262 and begin in 1677.
    Date(i128),
}

/// What the times of a table are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Whole,
    Number,
    Date,
}

/// The times of rows, by which these are ordered.
#[derive(Debug, Default)]
pub(super) struct Times {
    kind: Option<Kind>,
    /// In the order of time.
    keys: Vec<i128>,
}

impl Time {
    /// A number, or a date as ISO 8601 writes it.
    pub(super) fn parse(text: &str) -> Option<Time> {
        // A float does not tell nanoseconds of this century apart.
        if let Ok(number) = text.parse() {
            return Some(Time::Whole(number));
        }
        match text.parse() {
            Ok(number) => Time::of(number),
            Err(_) => nanoseconds(text).map(Time::Date),
        }
    }

    /// A number; none where it is not one.
    pub(super) fn of(number: f64) -> Option<Time> {
        (!number.is_nan()).then_some(Time::Number(number))
    }

    /// Whether it is a date, and no number.
    pub(super) fn is_date(self) -> bool {
        matches!(self, Time::Date(_))
    }

    /// Whether it is before another; none where one is a date and the other is not.
    pub(super) fn is_before(self, other: Time) -> Option<bool> {
        let number = |time| match time {
            Time::Whole(number) => number as f64,
            Time::Number(number) => number,
            Time::Date(nanoseconds) => nanoseconds as f64,
        };
        match (self, other) {
            (Time::Whole(own), Time::Whole(other)) => Some(own < other),
            (Time::Date(own), Time::Date(other)) => Some(own < other),
            (own, other) if own.is_date() == other.is_date() => Some(number(own) < number(other)),
            _ => None,
        }
    }
}

impl Times {
    /// Adds a time; none where it is a date among numbers, or a number among dates. Says whether it is later
    /// than the one before.
    pub(super) fn push(&mut self, time: Time) -> Option<bool> {
        let key = match (time, self.kind) {
            (Time::Date(key), None | Some(Kind::Date)) => {
                self.kind = Some(Kind::Date);
                key
            }
            (Time::Whole(number), None | Some(Kind::Whole)) => {
                self.kind = Some(Kind::Whole);
                number.into()
            }
            (Time::Whole(number), Some(Kind::Number)) => in_order(number as f64).into(),
            (Time::Number(number), None | Some(Kind::Number)) => {
                self.kind = Some(Kind::Number);
                in_order(number).into()
            }
            (Time::Number(number), Some(Kind::Whole)) => {
                self.keys.iter_mut().for_each(|key| *key = in_order(*key as f64).into());
                self.kind = Some(Kind::Number);
                in_order(number).into()
            }
            (Time::Date(_), Some(Kind::Whole | Kind::Number)) => return None,
            (Time::Whole(_) | Time::Number(_), Some(Kind::Date)) => return None,
        };
        let is_later = self.keys.last().is_none_or(|&last| last < key);
        self.keys.push(key);
        Some(is_later)
    }

    /// That of a row, to be compared with others; none where there are no times.
    pub(super) fn of_row(&self, row: u32) -> Option<i128> {
        self.keys.get(row as usize).copied()
    }
}

/// An integer for a number that is not NaN, in the same order.
fn in_order(number: f64) -> i64 {
    // Both zeros are the same time.
    let bits = (number + 0.0).to_bits() as i64;
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

/// Nanoseconds since 1970 of `2026-01-31`, with a time of day behind a `T` or a blank, as `23:59`, `23:59:59`
/// or `23:59:59.123`, and with `Z` or an offset such as `+01:00` behind that.
fn nanoseconds(text: &str) -> Option<i128> {
    let (date, time) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], text[at + 1..].trim_start()),
        None => (text, "00:00"),
    };
    let (year, rest) = date.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let days = days(whole(year, 4)?, whole(month, 2)?, whole(day, 2)?)?;
    let seconds = days * 86_400;
    let (time, offset) = match time.find(['Z', 'z', '+', '-']) {
        Some(at) => (time[..at].trim_end(), offset(&time[at..])?),
        None => (time, 0),
    };
    let mut parts = time.splitn(3, ':');
    let (hour, minute) = (within(parts.next()?, 23)?, within(parts.next()?, 59)?);
    let (second, nanoseconds) = match parts.next() {
        None => (0, 0),
        Some(text) => {
            let (second, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
            // A leap second is the one after it.
            (within(second, 60)?, of_a_second(fraction)?)
        }
    };
    let seconds = seconds + hour * 3600 + minute * 60 + second - offset;
    Some(i128::from(seconds) * NANO + i128::from(nanoseconds))
}

const NANO: i128 = 1_000_000_000;

/// A whole number of so many digits.
fn whole(text: &str, digits: usize) -> Option<i64> {
    let are_digits = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    are_digits.then(|| text.parse().ok()).flatten()
}

fn within(text: &str, most: i64) -> Option<i64> {
    whole(text, 2).filter(|&number| number <= most)
}

/// Nanoseconds of the digits behind a point; what is finer is left out.
fn of_a_second(digits: &str) -> Option<i64> {
    let are_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let nine: String = digits.chars().chain(std::iter::repeat('0')).take(9).collect();
    are_digits.then(|| nine.parse().ok()).flatten()
}

/// Seconds that `Z`, `+01:00`, `+0100` or `+01` are ahead of UTC.
fn offset(text: &str) -> Option<i64> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits: String = text[1..].split(':').collect();
    let (hours, minutes) = digits.split_at_checked(2)?;
    let minutes = if minutes.is_empty() { 0 } else { within(minutes, 59)? };
    Some(sign * (within(hours, 23)? * 3600 + minutes * 60))
}

/// Days from 1970-01-01 to a date (H. Hinnant, chrono-compatible low-level date algorithms).
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let in_month = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=in_month).contains(&day) {
        return None;
    }
    // Years that begin in March end with the day that a leap year has more.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_nanoseconds_since_1970() {
        for (text, seconds) in [
            ("1970-01-01", 0),
            ("1970-01-02", 86_400),
            ("1969-12-31T23:59:59", -1),
            ("2000-02-29", 951_782_400),
            ("1659-01-01", -9_814_176_000),
            ("9999-12-31", 253_402_214_400),
            ("2026-11-27 02:03:04", 1_795_744_984),
            ("2026-11-27T02:03:04Z", 1_795_744_984),
            ("2026-11-27T03:03:04+01:00", 1_795_744_984),
            ("2026-11-27T03:03:04 +0100", 1_795_744_984),
            ("2026-11-26T23:03:04-03", 1_795_744_984),
            ("2026-11-27T02:03", 1_795_744_980),
        ] {
            assert_eq!(nanoseconds(text), Some(seconds * NANO), "{text}");
        }
        assert_eq!(nanoseconds("1970-01-01 00:00:01.0250001"), Some(1_025_000_100));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "2026",
            "2026-1-1",
            "2026-13-01",
            "2026-02-29",
            "2026-04-31",
            "2026-01-00",
            "01.02.2026",
            "2026-01-01T",
            "2026-01-01T24:00",
            "2026-01-01T12",
            "2026-01-01T12:00:61",
            "2026-01-01T12:00:00.",
            "2026-01-01T12:00+1",
            "2026-01-01T12:00+25:00",
            "é026-01-01",
            "2026-01-01 é",
            "",
        ] {
            assert_eq!(nanoseconds(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_in_their_order() {
        let later = |texts: &[&str]| {
            let mut times = Times::default();
            let pushed: Vec<_> = texts.iter().map(|text| times.push(Time::parse(text).unwrap())).collect();
            (pushed, (0..texts.len() as u32).map(|row| times.of_row(row)).is_sorted_by(|a, b| a < b))
        };
        for rising in [
            &["-inf", "-2.5", "-1", "0", "1e-300", "3", "10", "inf"][..],
            &["-1", "0", "0.5", "1"],
            &["1700000000000000000", "1700000000000000001"],
            &["2026-01-01", "2026-01-01T00:00:00.000000001"],
        ] {
            assert_eq!(later(rising), (vec![Some(true); rising.len()], true), "{rising:?}");
        }
        assert_eq!(later(&["0", "-0.0"]).0, [Some(true), Some(false)]);
        assert_eq!(later(&["1", "2026-01-01"]).0[1], None);
        let mut times = Times::default();
        assert_eq!(
            ["2026-01-01", "1"].map(|text| times.push(Time::parse(text).unwrap())),
            [Some(true), None]
        );
        assert_eq!((Time::parse("nan"), Time::parse("noon")), (None, None));
    }
}
