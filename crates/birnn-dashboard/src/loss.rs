//! A loss as text.

/// Four decimals, or four significant digits where the loss has diverged.
pub(crate) fn text(loss: f64) -> String {
    if loss.abs() < 1e5 { format!("{loss:.4}") } else { format!("{loss:.3e}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_short_whatever_its_size() {
        let texts = [0.0, 1.234_56, 99_999.0, 1e5, -3.25e12, f64::NAN].map(text);
        assert_eq!(texts, ["0.0000", "1.2346", "99999.0000", "1.000e5", "-3.250e12", "NaN"]);
    }
}
