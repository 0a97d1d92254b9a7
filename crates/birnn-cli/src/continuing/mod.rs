//! `birnn continue`: what comes next, by a net that learnt to look ahead.

mod ahead;
mod series;
mod text;

use birnn_data::name::shown;
use birnn_data::{Modality, SelfTargets, escape};
use birnn_infer::{Overflow, Task};

use crate::args::ContinueArgs;
use crate::asked::predictor_on_the_cpu;
use crate::failure::{Failure, Outcome};
use crate::output::print;

/// Samples that are continued together, and the steps that these have at most, if they are several.
const TOGETHER: usize = 32;
const STEPS_TOGETHER: usize = 16_384;

/// Parts of samples with so many steps each, one after the other.
fn together(lengths: impl Iterator<Item = usize>) -> Vec<usize> {
    let (mut counts, mut steps) = (Vec::new(), 0);
    for length in lengths {
        match counts.last_mut() {
            Some(count) if *count < TOGETHER && steps + length <= STEPS_TOGETHER => *count += 1,
            _ => {
                counts.push(1);
                steps = 0;
            }
        }
        steps += length;
    }
    counts
}

/// Prints what follows each series, or each text.
pub fn run(args: &ContinueArgs) -> Outcome {
    let (_, predictor) = predictor_on_the_cpu(&args.run, args.precision.precision)?;
    let (run, manifest) = (shown(&args.run), predictor.manifest());
    if manifest.task.self_targets() != Some(SelfTargets::Next) {
        return Err(Failure::request(format!(
            "{run}: a net of task `{}` learnt nothing of what comes next; `kind = \"next\"` under [task] makes a net that \
             does",
            manifest.task.kind().name(),
        )));
    }
    let data = &manifest.experiment().data;
    if manifest.reads_what_it_is_asked() {
        tracing::warn!(
            "{run}: this net was trained to read what it is asked for (task.leak = \"show\"); what follows is of no use"
        );
    }
    match (&manifest.modality, &manifest.task) {
        (Modality::Series(series), Task::Regress(task)) => {
            if let Some(option) = args.of_text() {
                let message = "is about texts: of a series there is one answer to what comes next";
                return Err(Failure::request(format!("{option}: {message}")));
            }
            print(&series::table(args, &predictor, (series, task), data)?)
        }
        (Modality::Text(_), Task::Classify(task)) => {
            text::each(args, &predictor, task, data, |text| print(&format!("{}\n", escape::line(text))))
        }
        _ => Err(Failure::request(format!("{run}: its weights are of a net that cannot be"))),
    }
}

/// That the net has answered what is no number.
fn overflowed(args: &ContinueArgs, why: Overflow) -> Failure {
    Failure::request(format!("{}: {why}", shown(&args.run)))
}

impl ContinueArgs {
    /// An option that is given and is about texts alone.
    fn of_text(&self) -> Option<&'static str> {
        let given = [("--temperature", self.temperature.is_some()), ("--seed", self.seed.is_some())];
        given.into_iter().find(|(_, given)| *given).map(|(option, _)| option)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_sample_is_continued_alone() {
        let counts = |lengths: &[usize]| together(lengths.iter().copied());
        assert_eq!(counts(&[5; 70]), [32, 32, 6]);
        assert_eq!(counts(&[10_000, 6_000, 385, 20_000, 1]), [2, 1, 1, 1]);
        assert!(counts(&[]).is_empty());
    }
}
