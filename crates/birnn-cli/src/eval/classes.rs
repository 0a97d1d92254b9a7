//! How a net does on classes, for people.

use std::borrow::Cow;
use std::fmt::Write;

use birnn_data::escape;
use birnn_infer::{Classified, Evaluation};

/// Scores of all and of each class, and the confusion matrix. `what` several of what is answered are called.
pub(super) fn table(found: &Evaluation, detail: &Classified, of: &str, what: &str) -> String {
    let classes = detail.classes.iter().map(|score| &score.class);
    let names: Vec<Cow<str>> = classes.map(|name| escape::line(name)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max("class".len());
    let mut text = format!(
        "{of}: accuracy {:.2} %, macro F1 {:.2} %, loss {:.4}\n\n",
        100.0 * detail.accuracy,
        100.0 * detail.macro_f1,
        found.loss
    );
    // Writing into a string does not fail.
    let _ = writeln!(text, "{:width$}  precision   recall       f1  {what:>6}", "class");
    for score in &detail.classes {
        let [precision, recall, f1] = [score.precision, score.recall, score.f1].map(|share| 100.0 * share);
        let name = escape::line(&score.class);
        let _ = writeln!(
            text,
            "{name:width$}  {precision:7.2} %  {recall:4.2} %  {f1:4.2} %  {:6}",
            score.samples
        );
    }
    // Columns are numbered, and so are rows, but where the classes are these numbers.
    let digits = names.len().saturating_sub(1).to_string().len();
    let is_number = names.iter().enumerate().all(|(class, name)| *name == class.to_string());
    let (rows, width, numbered) = match is_number {
        true => (names, width, ""),
        false => {
            let rows = names.iter().enumerate().map(|(class, name)| format!("{class:digits$} {name}").into());
            (rows.collect(), width + digits + 1, ", numbered as the rows are")
        }
    };
    let _ = writeln!(text, "\nconfusion: one row per label, one column per prediction{numbered}");
    let most = detail.confusion.0.iter().flatten().max().map_or(0, |most| most.to_string().len());
    let cell = most.max(digits).max(2);
    let _ = write!(text, "{:width$}", "");
    for column in 0..rows.len() {
        let _ = write!(text, " {column:>cell$}");
    }
    text.push('\n');
    for (label, row) in rows.iter().zip(&detail.confusion.0) {
        let _ = write!(text, "{label:width$}");
        for count in row {
            let _ = write!(text, " {count:>cell$}");
        }
        text.push('\n');
    }
    text
}
