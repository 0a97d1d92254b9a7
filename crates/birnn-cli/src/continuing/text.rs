//! What follows texts, token by token.

use birnn_data::name::shown;
use birnn_data::{DataConfig, Per, Rng, Sentences, Unit};
use birnn_infer::{Classify, Predictor};

use super::ahead::{Ahead, ToRead};
use super::{overflowed, together};
use crate::args::ContinueArgs;
use crate::failure::{Failure, Outcome};
use crate::samples::sentences::read;

/// Gives `take` each text with what follows it.
///
/// Each token is drawn from the probabilities that the net gives, those to the power of 1 over the
/// temperature; at 0 it is the most probable one. What is drawn depends on the seed and on which text of the
/// file it is, and on no other text.
pub(super) fn each(
    args: &ContinueArgs,
    predictor: &Predictor,
    task: &Classify,
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
    let between = if unit == Unit::Characters { "" } else { " " };
    let mut texts: Vec<(Vec<String>, Rng)> = Vec::new();
    for (index, one) in file.sequences.iter().enumerate() {
        let rng = Rng::new(args.seed.unwrap_or(0), index as u64);
        texts.push((one.words().map(str::to_owned).collect(), rng));
    }
    let mut rest = texts.as_mut_slice();
    for count in together(file.sequences.lengths()) {
        let (together, others) = rest.split_at_mut(count);
        rest = others;
        let mut ahead = Ahead::new(predictor);
        for _ in 0..args.steps {
            let logits = ahead.logits(|to_read| {
                let mut steps = Sentences::default();
                for (tokens, _) in &*together {
                    let begin = if to_read == ToRead::All { 0 } else { tokens.len() - 1 };
                    tokens[begin..].iter().for_each(|token| steps.push(token));
                    steps.end();
                }
                steps.finish()
            });
            let logits = logits.map_err(|why| overflowed(args, why))?;
            for ((tokens, rng), logits) in together.iter_mut().zip(logits.chunks_exact(task.classes.len())) {
                tokens.push(task.classes[drawn(task, logits, temperature, rng)].clone());
            }
        }
        together.iter().try_for_each(|(tokens, _)| take(&tokens.join(between)))?;
    }
    Ok(())
}

/// A class by its probability.
fn drawn(task: &Classify, logits: &[f32], temperature: f64, rng: &mut Rng) -> usize {
    if temperature == 0.0 {
        return task.answer(logits).class;
    }
    let scaled: Vec<f32> = logits.iter().map(|&logit| (f64::from(logit) / temperature) as f32).collect();
    if !scaled.iter().all(|logit| logit.is_finite()) {
        // So cold that all others are out of the question.
        return task.answer(logits).class;
    }
    let mut left = rng.uniform(0.0, 1.0);
    let probabilities = task.probabilities(&scaled);
    let class = probabilities.iter().position(|probability| {
        left -= probability;
        left < 0.0
    });
    // What is left by rounding is the last one's.
    class.unwrap_or(probabilities.len() - 1)
}

#[cfg(test)]
mod tests {
    use birnn_data::Per;

    use super::*;

    #[test]
    fn next_to_no_temperature_is_as_none() {
        let task = Classify::new(["a", "b", "c"].map(str::to_owned).into(), Per::Step);
        for temperature in [0.0, 1e-40, 1e-300] {
            assert_eq!(drawn(&task, &[1.0, 3.0, 2.0], temperature, &mut Rng::new(0, 0)), 1, "{temperature}");
        }
    }
}
