//! How a net does on classes, for people.

use std::borrow::Cow;
use std::fmt::Write;

use birnn_data::escape;
use birnn_infer::{
    Classified, Evaluation, KnownWords, MOST_CONFUSED, ReadingScores, SpanScore, SpanScores, significant,
};

use super::ByCounting;

/// How a net finds the tokens of texts themselves.
pub(super) fn of_tokens(
    found: &Evaluation,
    detail: &Classified,
    by_counting: Option<&ByCounting>,
    of: &str,
) -> String {
    let counting = by_counting.map_or_else(String::new, |by_counting| {
        format!("; {} by counting tokens", significant(by_counting.perplexity))
    });
    let (headline, accuracy) = (found.headline(), 100.0 * detail.accuracy);
    format!("{of}: {headline}{counting}, loss {:.4}, accuracy {accuracy:.2} %\n", found.loss)
}

/// Scores of all and of each class, and the confusion matrix. `what` several of what is answered are called.
pub(super) fn table(
    found: &Evaluation,
    detail: &Classified,
    words: Option<&KnownWords>,
    of: &str,
    what: &str,
) -> String {
    let classes = detail.classes.iter().map(|score| &score.class);
    let names: Vec<Cow<str>> = classes.map(|name| escape::line(name)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max("class".len());
    let f1 = detail.f1().map_or_else(String::new, |f1| format!("F1 {:.2} %, ", 100.0 * f1));
    let mut text = format!(
        "{of}: {f1}accuracy {:.2} %, macro F1 {:.2} %, loss {:.4}\n\n",
        100.0 * detail.accuracy,
        100.0 * detail.macro_f1,
        found.loss
    );
    detail.spans.iter().for_each(|found| spans(found, &mut text));
    if let Some(KnownWords { known, unknown }) = words {
        // Writing into a string does not fail.
        let _ = writeln!(
            text,
            "known words {:.2} % of {}, unknown words {:.2} % of {}\n",
            100.0 * known.accuracy,
            known.words,
            100.0 * unknown.accuracy,
            unknown.words
        );
    }
    // Writing into a string does not fail.
    let _ = writeln!(text, "{:width$}  precision    recall        f1  {what:>6}", "class");
    let was_called = |class: usize| detail.confusion.0.iter().any(|row| row[class] > 0);
    for (class, score) in detail.classes.iter().enumerate() {
        // Of a class that nothing is of, and nothing was called, there is no score, and it counts in no mean.
        let is_there = score.samples > 0 || score.precision > 0.0 || was_called(class);
        let of = |share: f64| if is_there { format!("{:.2} %", 100.0 * share) } else { "-".to_owned() };
        let [precision, recall, f1] = [score.precision, score.recall, score.f1].map(of);
        let name = escape::line(&score.class);
        let _ = writeln!(text, "{name:width$}  {precision:>9}  {recall:>8}  {f1:>8}  {:6}", score.samples);
    }
    if detail.confusion.0.is_empty() {
        let _ = writeln!(text, "\nconfusion: left out, of more than {MOST_CONFUSED} classes");
        return text;
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

/// Scores of the spans that tags mark, and how conlleval reads them where it reads them otherwise.
fn spans(found: &SpanScores, text: &mut String) {
    let SpanScores { strict: ReadingScores { all, types }, conlleval, illegal } = found;
    let names: Vec<Cow<str>> = types.iter().map(|score| escape::line(&score.kind)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max("span".len());
    let _ = writeln!(text, "{:width$}  precision    recall        f1  {:>6}", "span", "spans");
    let mut row = |name: &str, score: &SpanScore| {
        let [precision, recall, f1] = [score.precision, score.recall, score.f1].map(|share| 100.0 * share);
        let spans = score.spans;
        let _ = writeln!(text, "{name:width$}  {precision:7.2} %  {recall:6.2} %  {f1:6.2} %  {spans:6}");
    };
    names.iter().zip(types).for_each(|(name, of_type)| row(name, &of_type.score));
    row("all", all);
    if conlleval.all != *all {
        let [precision, recall, f1] =
            [conlleval.all.precision, conlleval.all.recall, conlleval.all.f1].map(|share| 100.0 * share);
        let _ = writeln!(
            text,
            "as conlleval reads them: precision {precision:.2} %, recall {recall:.2} %, F1 {f1:.2} %; {illegal} predicted \
             tags break the scheme"
        );
    }
    text.push('\n');
}
