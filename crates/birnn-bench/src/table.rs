//! Markdown tables and the numbers in them.

use crate::turns::Timed;

/// A table; all columns but the first hold numbers.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let row = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let names: Vec<String> = head.iter().map(|&name| name.to_owned()).collect();
    let rule: Vec<String> =
        (0..head.len()).map(|column| if column == 0 { "---" } else { "---:" }.to_owned()).collect();
    [row(&names), row(&rule)].into_iter().chain(rows.iter().map(|cells| row(cells))).collect()
}

/// Two or three digits that count.
pub fn number(value: f64) -> String {
    match value {
        ..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// A median and its quartiles.
pub fn spread(timed: &[Timed], contender: crate::contender::Kind) -> String {
    match timed.iter().find(|timed| timed.contender == contender) {
        Some(Timed { ms, .. }) => {
            format!("{} [{}-{}]", number(ms.median), number(ms.p25), number(ms.p75))
        }
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::made_up::timed;
    use crate::contender::Kind;

    #[test]
    fn a_table_is_markdown() {
        let rows = [vec!["a".to_owned(), "1".to_owned()]];
        assert_eq!(table(&["net", "ms"], &rows), "| net | ms |\n| --- | ---: |\n| a | 1 |\n");
    }

    #[test]
    fn numbers_have_the_digits_that_count() {
        assert_eq!([0.5, 9.876, 12.34, 987.6].map(number), ["0.50", "9.88", "12.3", "988"]);
        assert_eq!(spread(&timed(&[(Kind::Birnn, 20.0)]), Kind::Birnn), "20.0 [18.0-22.0]");
        assert_eq!(spread(&[], Kind::Birnn), "");
    }
}
