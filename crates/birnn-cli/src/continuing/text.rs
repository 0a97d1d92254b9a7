//! What follows texts, token by token.

use birnn_data::name::shown;
use birnn_data::{DataConfig, Per, Rng, Sentences, Text, Unit};
use birnn_infer::Classify;

use crate::args::ContinueArgs;
use crate::asked::Asked;
use crate::failure::{Failure, Outcome};
use crate::samples::sentences::read;

/// Gives `take` each text with what follows it.
///
/// Each token is drawn from the probabilities that the net gives, those to the power of 1 over the temperature; at 0 it is the
/// most probable one. What is drawn depends on the seed and on which text of the file it is, and on no other text.
pub(super) fn each(
    args: &ContinueArgs,
    asked: &Asked,
    (text, task): (&Text, &Classify),
    data: &DataConfig,
    mut take: impl FnMut(&str) -> Outcome,
) -> Outcome {
    let temperature = args.temperature.unwrap_or(0.0);
    if !(temperature >= 0.0 && temperature.is_finite()) {
        return Err(Failure::request(format!("--temperature {temperature}: must be a number of 0 or more")));
    }
    let file = read(&args.table, data, Per::Step)
        .map_err(|problem| Failure::request(format!("{}: {problem}", shown(&args.table))))?;
    let unit = data.text_options().map(|options| options.unit).unwrap_or_default();
    let [_, most] = text.steps;
    let (mut known, mut draws): (Vec<Vec<String>>, Vec<Rng>) = (Vec::new(), Vec::new());
    for (index, one) in file.sequences.iter().enumerate() {
        known.push(one.words().map(str::to_owned).collect());
        draws.push(Rng::new(args.seed.unwrap_or(0), index as u64));
    }
    for _ in 0..args.steps.get() {
        let mut recent = Sentences::default();
        for tokens in &known {
            tokens[tokens.len().saturating_sub(most)..].iter().for_each(|token| recent.push(token));
            recent.end();
        }
        let (recent, outputs) = (recent.finish(), task.classes.len());
        for piece in task.pieces(recent.lengths()) {
            let first = recent.steps_of(piece.start).start;
            let logits = asked.answers(&recent.select(&piece.clone().collect::<Vec<_>>()))?.logits;
            for index in piece {
                let last = recent.steps_of(index).end - 1 - first;
                let own = &logits[last * outputs..(last + 1) * outputs];
                let drawn = drawn(task, own, temperature, &mut draws[index]);
                known[index].push(task.classes[drawn].clone());
            }
        }
    }
    let between = if unit == Unit::Characters { "" } else { " " };
    known.iter().try_for_each(|tokens| take(&tokens.join(between)))
}

/// A class by its probability.
fn drawn(task: &Classify, logits: &[f32], temperature: f64, rng: &mut Rng) -> usize {
    if temperature == 0.0 {
        return task.answer(logits).class;
    }
    let scaled: Vec<f32> = logits.iter().map(|&logit| (f64::from(logit) / temperature) as f32).collect();
    let mut left = rng.uniform(0.0, 1.0);
    let probabilities = task.probabilities(&scaled);
    let class = probabilities.iter().position(|probability| {
        left -= probability;
        left < 0.0
    });
    // What is left by rounding is the last one's.
    class.unwrap_or(probabilities.len() - 1)
}
