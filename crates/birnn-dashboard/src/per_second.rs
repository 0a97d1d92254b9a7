//! How many in a second, as text.

/// Whole numbers, and of few two digits.
pub(crate) fn text(rate: f64) -> String {
    match rate {
        10.0.. => format!("{rate:.0}"),
        1.0.. => format!("{rate:.1}"),
        _ => format!("{rate:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_in_a_second_are_not_none() {
        assert_eq!([0.4, 3.0, 12.4, 4567.8].map(text), ["0.40", "3.0", "12", "4568"]);
    }
}
