//! Numbers as text.

/// As [`number`], with as many decimals as it takes to tell values apart that are so far from each other.
pub(crate) fn number_apart(value: f64, apart: f64) -> String {
    let wanted = (-apart.log10()).ceil().clamp(0.0, 9.0);
    let size = value.abs();
    let has = if size >= 1000.0 { 0.0 } else { 2.0 - size.log10().floor() };
    if !value.is_finite() || apart.is_nan() || apart <= 0.0 || wanted <= has || size >= 1e12 {
        return number(value);
    }
    let text = format!("{size:.*}", wanted as usize);
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
    let (sign, whole) =
        (if value < 0.0 { "-" } else { "" }, whole.parse().map_or_else(|_| whole.to_owned(), grouped));
    format!("{sign}{}", trimmed(&format!("{whole}.{decimals}")))
}

/// A number for people: three significant digits, or all of a whole number.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return "not a number".to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    if size >= 1000.0 || (size >= 1.0 && (value - value.round()).abs() < 1e-9) {
        return grouped(value.round());
    }
    if size < 1e-4 {
        let text = format!("{value:.2e}");
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{power}", trimmed(digits));
    }
    let decimals = (2 - size.log10().floor() as i32).max(0) as usize;
    trimmed(&format!("{value:.decimals$}")).to_owned()
}

/// A whole number, its digits in threes.
fn grouped(value: f64) -> String {
    if value.abs() >= 1e15 {
        return format!("{value:.2e}");
    }
    let digits = format!("{:.0}", value.abs());
    let mut text = String::from(if value < 0.0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn trimmed(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_near_each_other_are_told_apart() {
        for (value, apart, expected) in [
            (98.85, 0.05, "98.85"),
            (99.0, 0.05, "99"),
            (1013.05, 0.05, "1,013.05"),
            (1013.999, 0.05, "1,014"),
            (-1013.05, 0.05, "-1,013.05"),
            (0.123456, 0.5, "0.123"),
            (0.0, 0.05, "0"),
            (-0.001, 0.0001, "-0.001"),
            (-0.98854, 0.00005, "-0.98854"),
            (-0.3123, 0.0005, "-0.3123"),
            (123.4, 20.0, "123"),
            (5.0, f64::NAN, "5"),
            (5e12, 0.5, "5,000,000,000,000"),
        ] {
            assert_eq!(number_apart(value, apart), expected, "{value} {apart}");
        }
    }

    #[test]
    fn numbers_are_short() {
        let texts =
            [0.0, 1.0, 0.5, 0.123456, 12.345, 123.4, 1234567.0, 0.000012, -3.0, 1e20, f64::NAN].map(number);
        assert_eq!(
            texts,
            ["0", "1", "0.5", "0.123", "12.3", "123", "1,234,567", "1.2e-5", "-3", "1.00e20", "not a number"]
        );
    }
}
