//! How quick a step of training is, and whether others use the cores meanwhile.

use std::time::{Duration, Instant};

use birnn_data::Modality;
use birnn_engine::{Device, EngineError, Learner, Loss, Samples, contention};
use birnn_experiment::{Experiment, Invalid};
use birnn_infer::Task;

use crate::item::Item;

/// At least so long, and so often, that one disturbed step does not decide.
const TIMED: Duration = Duration::from_millis(300);
const STEPS: usize = 3;

/// Why nothing can be trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// The default experiment is not valid.
    #[error("{}", .0.message)]
    Experiment(Invalid),
    /// A step fails.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Times a step of the default net, and sees whether the cores are free meanwhile.
pub(crate) fn examine(items: &mut Vec<Item>) -> Result<(), TrainingError> {
    const NAME: &str = "training";
    match timed() {
        Ok(Timed { images, fastest, waited }) => {
            let epoch = fastest * (60_000.0 / images as f64);
            items.push(Item::ok(
                NAME,
                format!(
                    "on the CPU, gradients of {images} images in {:.0} ms with the default net: an epoch of \
                     MNIST in {epoch:.0} s",
                    1e3 * fastest
                ),
            ));
            items.push(load(waited, std::fs::read_to_string("/proc/loadavg").ok().as_deref()));
            Ok(())
        }
        Err(error) => {
            let remedy =
                "run `cargo xtask setup` and build anew; if that does not help, report it with all of this";
            items.push(Item::problem(NAME, error.to_string(), remedy));
            Err(error)
        }
    }
}

/// `waited` is how many threads waited for a core, on average over the time.
fn load(waited: f64, average: Option<&str>) -> Item {
    const NAME: &str = "load";
    let average = average.and_then(|text| text.split_whitespace().next());
    let average = average.map_or_else(String::new, |load| format!("load average {load}; "));
    if waited > contention::NOTICEABLE {
        let text = format!(
            "{average}other processes use the cores too: while steps were timed, {waited:.1} threads waited \
             for one"
        );
        return Item::note(
            NAME,
            text,
            "training is slower in proportion: stop them, or use fewer threads (OMP_NUM_THREADS)",
        );
    }
    Item::ok(NAME, format!("{average}the cores were free while steps were timed"))
}

struct Timed {
    images: usize,
    /// In seconds.
    fastest: f64,
    waited: f64,
}

fn timed() -> Result<Timed, TrainingError> {
    let plan = Experiment::default().resolve().map_err(TrainingError::Experiment)?;
    let images = plan.train.batch_size;
    let classes: Vec<String> = (0..10).map(|digit| digit.to_string()).collect();
    let digits = birnn_data::synthetic::digits(0, 0, images);
    let modality = Modality::Images { shape: [digits.images.rows, digits.images.cols], preprocessing: None };
    let samples = Samples::new(digits.into(), &modality, None, Device::Cpu).map_err(EngineError::from)?;
    let task = Task::classify(classes);
    let loss =
        Loss::new(&task, plan.architecture.head, &plan.train, Device::Cpu).map_err(EngineError::from)?;
    let mut learner = Learner::new(&plan.architecture, task, loss, modality.inputs(), 0, Device::Cpu)?;
    let order = samples.order(0, 0, None).map_err(EngineError::from)?;
    let batch = samples.batch(&order, 0, images, 0).map_err(EngineError::from)?;
    let (start, before) = (Instant::now(), contention::waited());
    let (mut fastest, mut steps) = (f64::INFINITY, 0);
    while steps < STEPS || start.elapsed() < TIMED {
        let step = Instant::now();
        let _output = learner.gradients(&batch, 0)?;
        fastest = fastest.min(step.elapsed().as_secs_f64());
        steps += 1;
    }
    let waited = contention::waited().saturating_sub(before).as_secs_f64() / start.elapsed().as_secs_f64();
    Ok(Timed { images, fastest, waited })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::State;

    #[test]
    fn busy_cores_are_told_of() {
        let free = load(0.01, Some("0.20 0.3 0.4 1/2 3"));
        assert_eq!(free, Item::ok("load", "load average 0.20; the cores were free while steps were timed"));
        let busy = load(0.6, None);
        assert!(busy.state == State::Note && busy.finding.contains("0.6 threads waited"), "{busy:?}");
    }
}
