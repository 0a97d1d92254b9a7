//! The page of a net that answers with tokens of the samples themselves: hidden ones, or next ones.

use askama::Template;
use birnn_data::{Modality, NO_CLASS, SelfTargets};
use birnn_infer::{Classify, Task, TokenSums, cpu, loss_by_counting, significant};

use super::{BIRNN, Head, drawn_whole, leak, state_gradients};
use crate::chart::{Axis, Chart, Line, Side, escaped};
use crate::error::ReportError;
use crate::figure::{Figure, Table};
use crate::heat_map::shade;
use crate::inside;
use crate::number::number;
use crate::run::Run;
use crate::scores::{one_of_test, percent};
use crate::stats::Interval;
use crate::token_predictions::TokenPredictions;
use crate::words::Words;

#[derive(Template)]
#[template(path = "tokens.html")]
struct Page {
    head: Head,
    words: Words,
    /// How many tokens are asked for and which, and of how many samples.
    count: String,
    samples: String,
    scores: Table,
    /// Where the intervals are from.
    chance: String,
    by_step: Option<Figure>,
    hardest: Table,
    /// Samples from beginning to end.
    whole: Vec<String>,
    state_gradients: Figure,
    birnn: &'static str,
}

/// Tokens that are listed as the hardest.
const HARDEST: usize = 20;
/// A mean over fewer answers is not drawn.
const FEW: u64 = 20;
/// Samples with fewer answers than this are easiest or hardest by chance.
const SHORT: u64 = 5;
/// The darkest shade is of losses from here on, in nats: what is found with a probability of 1 in 1,000.
const DARKEST: f64 = 6.9;

pub(super) fn page(run: &Run, predictions: &TokenPredictions, words: Words) -> Result<String, ReportError> {
    let task = run.predictor.task();
    let counting = match &run.predictor.manifest().modality {
        Modality::Text(text) => loss_by_counting(&text.counts(run.train), &predictions.labels),
        Modality::Images { .. } | Modality::Series(_) => None,
    };
    let count = format!("{} {}", number(predictions.evaluation.positions as f64), task.counted());
    let page = Page {
        head: Head::new(run, &summary(predictions, run, counting, words), words),
        words,
        count,
        samples: number(run.test.len() as f64),
        scores: scores(predictions, counting),
        chance: drawn_whole(words),
        by_step: by_step(predictions, behind(task), words),
        hardest: hardest(predictions, task.classes()),
        whole: whole(run, predictions, words),
        state_gradients: state_gradients(run, words),
        birnn: BIRNN,
    };
    Ok(page.render()?)
}

/// The result in a sentence.
fn summary(predictions: &TokenPredictions, run: &Run, counting: Option<f64>, words: Words) -> String {
    let counting = counting.map_or_else(String::new, |loss| {
        format!(
            " Who answers with each token as often as training data has it has perplexity {}.",
            significant(loss.exp())
        )
    });
    format!(
        "{}Of the {} {} of {} {} test {}, the net finds {} as the most probable one; perplexity {}, loss {:.4}.{counting}",
        leak(run),
        number(predictions.evaluation.positions as f64),
        run.predictor.task().counted(),
        number(run.test.len() as f64),
        run.provenance.dataset,
        words.samples,
        percent(predictions.classified.accuracy),
        significant(predictions.evaluation.headline().value),
        predictions.evaluation.loss,
    )
}

/// As [`SelfTargets::behind`].
fn behind(task: &Task) -> usize {
    task.self_targets().map_or(0, SelfTargets::behind)
}

fn scores(predictions: &TokenPredictions, counting: Option<f64>) -> Table {
    let [of_perplexity, of_accuracy] = predictions.intervals().map_or([None; 2], |of| of.map(Some));
    let net = if of_perplexity.is_some() { "the net (95 % interval)" } else { "the net" };
    let with = |shown: String, interval: Option<Interval>, show: fn(f64) -> String| match interval {
        None => shown,
        Some(Interval { low, high }) => format!("{shown} ({} to {})", show(low), show(high)),
    };
    let without = |show: fn(f64) -> String| counting.map_or_else(String::new, show);
    let rows = vec![
        vec![
            "perplexity".to_owned(),
            with(significant(predictions.evaluation.headline().value), of_perplexity, significant),
            without(|loss| significant(loss.exp())),
        ],
        vec![
            "loss, in nats".to_owned(),
            format!("{:.4}", predictions.evaluation.loss),
            without(|loss| format!("{loss:.4}")),
        ],
        vec![
            "accuracy".to_owned(),
            with(percent(predictions.classified.accuracy), of_accuracy, percent),
            String::new(),
        ],
    ];
    Table::new("Scores", &["", net, "by counting tokens"], rows)
}

/// Whether what is read before, or around, makes tokens easier: the mean loss by their place.
fn by_step(predictions: &TokenPredictions, behind: usize, words: Words) -> Option<Figure> {
    let mut of_steps: Vec<(u64, f64)> = Vec::new();
    for (step, score) in predictions.by_step().map(|(step, score)| (step + behind, score)) {
        if of_steps.len() <= step {
            of_steps.resize(step + 1, (0, 0.0));
        }
        of_steps[step].0 += 1;
        of_steps[step].1 += f64::from(score.loss);
    }
    let points = of_steps.iter().zip(1..).filter(|((count, _), _)| *count >= FEW);
    let points: Vec<_> =
        points.map(|((count, loss), step)| (f64::from(step), loss / *count as f64)).collect();
    let last = points.last().filter(|_| points.len() > 1)?.0;
    let Words { steps, samples, position, .. } = words;
    let caption = format!(
        "The mean loss of the {samples}' {steps} by where in their {} they are, from 1; places with fewer than {FEW} answers \
         are left out. Where it falls, what was read before helps.",
        words.sample
    );
    let y = Side::new("loss in nats", Axis::linear(points.iter().map(|point| point.1), true, false));
    let chart = Chart {
        id: "by-place".to_owned(),
        title: "Loss by place".to_owned(),
        caption,
        x: Side::new(position, Axis::counting(1.0, last)),
        y,
        lines: vec![Line::new("test", points)],
    };
    Some(chart.figure())
}

/// The tokens that the loss is made of, most of it first.
fn hardest(predictions: &TokenPredictions, known: &[String]) -> Table {
    let mut of_tokens = predictions.by_token();
    of_tokens.sort_by(|(_, one), (_, other)| other.loss.total_cmp(&one.loss));
    let all = predictions.evaluation.loss * predictions.evaluation.positions as f64;
    let row = |(token, sums): &(usize, TokenSums)| {
        vec![
            shown(&known[*token]),
            number(sums.asked as f64),
            format!("{:.3}", sums.mean_loss()),
            percent(sums.accuracy()),
            percent(sums.loss / all),
        ]
    };
    let columns = ["token", "asked for", "mean loss", "found first", "share of all loss"];
    let rows = of_tokens.iter().take(HARDEST).map(row).collect();
    Table::new("The tokens that cost most", &columns, rows)
}

/// A token that would not be seen otherwise.
fn shown(token: &str) -> String {
    match token.trim().is_empty() {
        true => format!("\u{201c}{token}\u{201d}"),
        false => token.to_owned(),
    }
}

/// The sample that is hardest, one in the middle, and the easiest, each token that is asked for shaded by its
/// loss.
fn whole(run: &Run, predictions: &TokenPredictions, words: Words) -> Vec<String> {
    let Task::Classify(task) = run.predictor.task() else { return Vec::new() };
    let sums = predictions.sums.iter().enumerate();
    let mut by_loss: Vec<usize> =
        sums.filter(|(_, sums)| sums.asked >= SHORT).map(|(sample, _)| sample).collect();
    let loss = |sample: &usize| predictions.sums[*sample].mean_loss();
    by_loss.sort_by(|one, other| loss(one).total_cmp(&loss(other)));
    let chosen = inside::worth_a_look(&by_loss, ["the hardest", "the easiest"]).into_iter();
    chosen.map(|chosen| sentence(task, (run, predictions), chosen, words)).collect()
}

fn sentence(
    task: &Classify,
    (run, predictions): (&Run, &TokenPredictions),
    (sample, which): (usize, &str),
    words: Words,
) -> String {
    let sequences = run.test.sequences.select(&[sample]);
    let logits = run.predictor.answers_to_all(&sequences, cpu::threads()).logits;
    let begin = run.test.sequences.steps_of(sample).start;
    let behind = behind(run.predictor.task());
    let token = |(step, word): (usize, &str)| -> String {
        let asked = step.checked_sub(behind).map(|at| (at, predictions.labels[begin + at]));
        let Some((at, label)) = asked.filter(|(_, label)| *label != NO_CLASS) else {
            return format!("<span class=\"token\">{}</span>", escaped(&shown(word)));
        };
        let own = &logits[at * predictions.known..(at + 1) * predictions.known];
        let answer = task.answer(own);
        let p_true = task.probabilities(own)[label as usize];
        let (right, first) = (&task.classes[label as usize], &task.classes[answer.class]);
        let title = format!(
            "{}: {}; most probable: {}, {}",
            shown(right),
            percent(p_true),
            shown(first),
            percent(answer.probability)
        );
        let below = if answer.class == label as usize { String::new() } else { escaped(&shown(first)) };
        format!(
            "<span class=\"token {}\" title=\"{}\">{}<small>{below}</small></span>",
            shade("wrong", (-p_true.ln()).min(DARKEST), DARKEST),
            escaped(&title),
            escaped(&shown(right)),
        )
    };
    let sequence = sequences.get(0);
    let tokens: Vec<String> = sequence.words().enumerate().map(token).collect();
    let title = one_of_test(sample, words);
    let sums = &predictions.sums[sample];
    let (loss, perplexity) = (sums.mean_loss(), significant(sums.perplexity()));
    let caption = format!("{title}, {which}: mean loss {loss:.3}, perplexity {perplexity}.");
    format!(
        "<figure class=\"series\"><p class=\"sentence\" title=\"{}\">{}</p><figcaption>{}</figcaption></figure>",
        escaped(&title),
        tokens.join(" "),
        escaped(&caption)
    )
}
