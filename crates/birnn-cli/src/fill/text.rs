//! The gaps of texts, filled in.

use birnn_data::name::shown;
use birnn_data::{DataConfig, Modality, TextForm, TextGaps, Unit};
use birnn_infer::Classify;

use super::Filled;
use crate::args::FillArgs;
use crate::asked::Asked;
use crate::failure::Failure;
use crate::samples::named::open;

/// What stands for a token that is missing, where nothing else is said.
const GAP: &str = "_";

/// The texts of a file with the most probable token in each gap, each by itself.
pub(super) fn filled(
    args: &FillArgs,
    asked: &Asked,
    task: &Classify,
    data: &DataConfig,
) -> Result<Filled, Failure> {
    let refused = |problem: String| Failure::request(format!("{}: {problem}", shown(&args.table)));
    let gap = args.gap.as_deref().unwrap_or(GAP);
    let options = data.text_options().map_err(Failure::request)?;
    if options.form(&args.table) != TextForm::Lines {
        let message =
            "gaps are filled in in texts that stand on lines, and by its name this holds JSON or a table";
        return Err(refused(message.to_owned()));
    }
    let unit = options.unit;
    if !unit.tokens(gap).eq([gap]) {
        let what = match unit {
            Unit::Words => "one word",
            Unit::WordsAndPunctuation => "one word or punctuation mark",
            Unit::Characters => "one character",
        };
        return Err(Failure::request(format!(
            "--gap `{gap}`: must be {what}, as the tokens of these texts are"
        )));
    }
    let read = match &asked.manifest.modality {
        Modality::Text(text) => text.folding.fold(gap),
        _ => gap.into(),
    };
    if task.classes.iter().any(|token| *token == read) {
        let message = "is a token that the net knows, and so no gap; --gap names another";
        return Err(Failure::request(format!("--gap {gap}: {message}")));
    }
    let source = open(&args.table).map_err(|error| refused(error.to_string()))?;
    let gaps = TextGaps::read(source, unit, gap).map_err(|problem| refused(problem.to_string()))?;
    let sentences = gaps.sentences();
    let (mut tokens, mut missing) = (Vec::new(), gaps.missing().peekable());
    for piece in task.pieces(sentences.lengths()) {
        let (first, end) = (sentences.steps_of(piece.start).start, sentences.steps_of(piece.end - 1).end);
        if missing.peek().is_none_or(|&token| token >= end) {
            continue;
        }
        let answers = asked.answers(&sentences.select(&piece.collect::<Vec<_>>()))?;
        while let Some(token) = missing.next_if(|&token| token < end) {
            tokens.push(task.classes[task.answer_at(&answers, token - first).class].as_str());
        }
    }
    let told = format!("{} of {} tokens", tokens.len(), sentences.steps());
    let (count, gap) = (tokens.len(), format!("`{gap}` as a token of its own (--gap names another)"));
    let text = gaps.filled(tokens.into_iter()).into_bytes();
    Ok(Filled { text, gaps: count, gap, told })
}
