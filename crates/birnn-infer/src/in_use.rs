//! How a net that looks ahead does in use, where nothing of what comes is there to be read.

use birnn_data::{NO_CLASS, Part, SelfTargets, Sequences, Split, TargetValues, Targets};

use crate::task::{Evaluation, Task, pieces};

/// A net that looks ahead, judged twice on the same steps.
#[derive(Clone, Debug, PartialEq)]
pub struct InUse {
    /// The steps that it was judged on.
    pub steps: usize,
    /// Given whole series, as in training: a net that also reads backwards has read what it is asked for.
    pub whole: Evaluation,
    /// Given of each series the steps so far, and no others.
    pub so_far: Evaluation,
}

impl InUse {
    /// Judges a net whose task is the next step by at most so many steps of the series, taken evenly, by the
    /// logits that it gives for sequences; `None` for nets of other tasks, and where no series has two steps.
    ///
    /// # Errors
    ///
    /// Those of `logits`.
    pub fn of<E>(
        task: &Task,
        split: &Split,
        most: usize,
        mut logits: impl FnMut(&Sequences) -> Result<Vec<f32>, E>,
    ) -> Result<Option<InUse>, E> {
        if task.self_targets() != Some(SelfTargets::Next) {
            return Ok(None);
        }
        let width = task.outputs();
        // All but the last step of each, after which nothing is known.
        let steps = split.sequences.lengths().enumerate();
        let steps = steps.flat_map(|(sample, steps)| (0..steps - 1).map(move |step| (sample, step)));
        let tokens = split.targets.own_tokens();
        let is_asked = |&(sample, step): &(usize, usize)| {
            tokens.is_none_or(|tokens| tokens[split.sequences.steps_of(sample).start + step] != NO_CLASS)
        };
        let all: Vec<(usize, usize)> = steps.filter(is_asked).collect();
        let count = all.len().min(most);
        let chosen: Vec<(usize, usize)> = (0..count).map(|index| all[index * all.len() / count]).collect();
        let positions: Vec<usize> =
            chosen.iter().map(|&(sample, step)| split.sequences.steps_of(sample).start + step).collect();
        let rows = |values: &[f32], at: &[usize]| -> Vec<f32> {
            at.iter().flat_map(|row| values[row * width..(row + 1) * width].iter().copied()).collect()
        };
        let kind = SelfTargets::Next.kind();
        let values = match (split.targets.own_tokens(), split.targets.numbers()) {
            (Some(labels), _) => {
                TargetValues::SelfClasses { labels: positions.iter().map(|&at| labels[at]).collect(), kind }
            }
            (None, numbers) => TargetValues::SelfNumbers {
                values: rows(numbers.unwrap_or_default(), &positions),
                width,
                kind,
            },
        };
        let wanted = Targets { values, per: split.targets.per };
        let judged = |outputs: Vec<f32>| task.evaluate(&outputs.into(), &wanted);

        // Parts of series that are answered as `steps` has it, and of each the answer to the chosen step.
        let mut answers = |steps: &dyn Fn(usize, usize) -> usize| {
            let part = |&(sample, step): &(usize, usize)| Part { sample, steps: 0..steps(sample, step) };
            let parts: Vec<Part> = chosen.iter().map(part).collect();
            let mut outputs = Vec::with_capacity(count * width);
            for piece in pieces(width, parts.iter().map(|part| part.steps.len())) {
                let answered = split.sequences.parts(&parts[piece.clone()]);
                let of_step =
                    |(index, &(_, step)): (usize, &(usize, usize))| answered.steps_of(index).start + step;
                let at: Vec<usize> = chosen[piece].iter().enumerate().map(of_step).collect();
                outputs.extend(rows(&logits(&answered)?, &at));
            }
            Ok(outputs)
        };
        let whole = judged(answers(&|sample, _| split.sequences.steps_of(sample).len())?);
        let so_far = judged(answers(&|_, step| step + 1)?);
        Ok((count > 0).then_some(InUse { steps: count, whole, so_far }))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::path::Path;

    use birnn_architecture::CellKind;
    use birnn_data::{Missing, Modality, Per, Series, TargetScale, Values};
    use birnn_experiment::RegressionLoss;

    use super::*;
    use crate::container::encode;
    use crate::made_up;
    use crate::predictor::Predictor;
    use crate::task::Regress;

    /// A net of two features that looks ahead, and series for it.
    fn net(cell: CellKind, bidirectional: bool) -> (Predictor, Sequences) {
        let (weights, mut manifest) = made_up::of(|experiment| {
            experiment.model.cell = cell;
            experiment.model.bidirectional = bidirectional;
            experiment.model.readout = birnn_architecture::Readout::Sequence;
        });
        let series =
            Series { missing: Missing::Past, deviation: Some(vec![2.0; 2]), ..Series::plain(vec![1.0; 2]) };
        manifest.modality = Modality::Series(series);
        let names = ["a", "b"].map(str::to_owned).to_vec();
        let scale = TargetScale { names, mean: vec![0.0; 2], deviation: vec![2.0; 2] };
        let (per, loss, self_targets) = (Per::Step, RegressionLoss::Squared, Some(SelfTargets::Next));
        manifest.task = Task::Regress(Regress { scale, per, loss, self_targets });
        let bytes = encode(&manifest.of_weights(), &weights).unwrap();
        let values =
            (0..2 * 20).map(|index| if index % 9 == 4 { f32::NAN } else { (index * 37 % 23) as f32 });
        let sequences = Sequences::new(Values::Floats(values.collect()), 2, [1, 7, 12]);
        (Predictor::from_bytes(Path::new("net"), &bytes).unwrap(), sequences)
    }

    const CELLS: [CellKind; 3] = [CellKind::Rnn, CellKind::Gru, CellKind::Lstm];

    /// An answer is unchanged, to the bit, when a later step changes; of a net that reads backwards too, it
    /// is not.
    #[test]
    fn a_net_of_one_direction_knows_nothing_of_what_comes() {
        for cell in CELLS {
            for (bidirectional, leaks) in [(false, false), (true, true)] {
                let (predictor, series) = net(cell, bidirectional);
                let before = predictor.logits_of_all(&series, 1);
                let Values::Floats(values) = series.values() else { panic!("numbers were wanted") };
                let mut changed = values.clone();
                // From the sixth step of the last series on.
                changed[2 * (8 + 5)..].fill(9.0);
                let changed = Sequences::new(Values::Floats(changed), 2, series.lengths());
                let after = predictor.logits_of_all(&changed, 1);
                let earlier = 2 * 8..2 * (8 + 5);
                assert_eq!(before[earlier.clone()] != after[earlier], leaks, "{cell:?}, {bidirectional}");
                assert_ne!(before[2 * (8 + 5)..], after[2 * (8 + 5)..]);
            }
        }
    }

    #[test]
    fn a_net_of_one_direction_does_in_use_as_in_training() {
        for cell in CELLS {
            let (predictor, series) = net(cell, false);
            let Modality::Series(read) = &predictor.manifest().modality else { panic!("series were wanted") };
            let split = read.answered_by_itself(SelfTargets::Next, series.clone());
            let in_use = |predictor: &Predictor, most| {
                let logits = |series: &Sequences| Ok::<_, Infallible>(predictor.logits_of_all(series, 2));
                InUse::of(predictor.task(), &split, most, logits).unwrap().unwrap()
            };
            let found = in_use(&predictor, 1000);
            assert_eq!((found.steps, &found.whole), (17, &found.so_far));
            let all =
                predictor.task().evaluate(&predictor.answers_to_all(&split.sequences, 1), &split.targets);
            assert_eq!(all.regressed().unwrap().filled, found.whole.regressed().unwrap().filled);
            assert_eq!(in_use(&predictor, 5).steps, 5);
            let found = in_use(&net(cell, true).0, 1000);
            assert_ne!(found.whole, found.so_far);
        }
    }
}
