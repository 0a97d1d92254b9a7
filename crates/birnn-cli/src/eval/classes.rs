//! How a net does on classes, for people.

use std::fmt::Write;

use birnn_data::escape;
use birnn_infer::{Classified, Evaluation};

/// Scores of all and of each class, and the confusion matrix. `what` several of what is answered are called.
pub(super) fn table(found: &Evaluation, detail: &Classified, of: &str, what: &str) -> String {
    let classes = detail.classes.iter().map(|score| &score.class);
    let names: Vec<_> = classes.map(|name| escape::line(name)).collect();
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
    // Numbers name their columns themselves.
    let is_number = names.iter().enumerate().all(|(class, name)| *name == class.to_string());
    let digits = names.len().saturating_sub(1).to_string().len();
    let label = |class: usize, name: &str| match is_number {
        true => name.to_owned(),
        false => format!("{class:digits$} {name}"),
    };
    let numbered = if is_number { "" } else { ", numbered as the rows are" };
    let _ = writeln!(text, "\nconfusion: one row per label, one column per prediction{numbered}");
    let width = if is_number { width } else { width + digits + 1 };
    let cell = detail.confusion.0.iter().flatten().max().map_or(1, |most| most.to_string().len()).max(2);
    let _ = write!(text, "{:width$}", "");
    for column in 0..names.len() {
        let _ = write!(text, " {column:>cell$}");
    }
    text.push('\n');
    for (class, (name, row)) in names.iter().zip(&detail.confusion.0).enumerate() {
        let _ = write!(text, "{:width$}", label(class, name));
        for count in row {
            let _ = write!(text, " {count:>cell$}");
        }
        text.push('\n');
    }
    text
}
