//! Sizes in bytes, as text.

/// Bytes of a mebibyte.
pub(crate) const MIB: u64 = 1 << 20;

/// Such as `1.5 GiB`.
pub(crate) fn text(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut size, mut unit) = (count as f64, 0);
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        (size, unit) = (size / 1024.0, unit + 1);
    }
    let digits = if size < 10.0 && unit > 0 { 1 } else { 0 };
    format!("{size:.digits$} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        let shown = [0, 1023, 1024, 10 * 1024, 1536 * MIB, u64::MAX].map(text);
        assert_eq!(shown, ["0 B", "1023 B", "1.0 KiB", "10 KiB", "1.5 GiB", "16777216 TiB"]);
    }
}
