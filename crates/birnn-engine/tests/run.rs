//! A run made by a program other than the command line: prepared, begun, stopped, gone on with, done.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use std::path::Path;
use std::sync::Arc;

use birnn_data::Locations;
use birnn_engine::run::{Destination, Outcome, Prepared, Trainer};
use birnn_engine::{Control, Device, EngineError, Observer, Resumed, StepContext};
use birnn_experiment::Source;
use birnn_infer::Step;
use birnn_run::disk::System;

const EXPERIMENT: &str = "
[data]
dataset = \"synthetic\"
limit = 60
[model]
hidden = 4
[train]
device = \"cpu\"
epochs = 2
batch_size = 20
";

/// Asks to stop after a step.
struct Stop(usize);

impl Observer for Stop {
    fn step(&mut self, step: &Step, _context: &StepContext) -> Result<Control, EngineError> {
        Ok(if step.step == self.0 { Control::Stop } else { Control::Continue })
    }
}

fn prepared(source: &Source, resumed: Option<Resumed>) -> Prepared {
    let plan = source.plan().unwrap();
    let splits = birnn_data::load(&plan.data, &Locations::new(None, true), &mut |_| ()).unwrap();
    Prepared::new(source, plan, Device::Cpu, splits, resumed).unwrap()
}

/// Trains into `folder`, or goes on there, until the step `stop` or the end.
fn train(folder: &Path, stop: usize) -> Outcome {
    let (source, resumed) = match folder.exists() {
        true => {
            let resumed = Resumed::open(folder, &[], Arc::new(System)).unwrap();
            (resumed.source.clone(), Some(resumed))
        }
        false => (Source::parse(Path::new("made-up.toml"), EXPERIMENT.to_owned(), &[]).unwrap(), None),
    };
    let trainer = Trainer { command: vec!["test".to_owned()], version: "0".to_owned(), revision: None };
    let destination = Destination::Chosen(folder.to_owned());
    let run = prepared(&source, resumed).open(&destination, Arc::new(System), trainer).unwrap();
    assert_eq!((run.samples(), run.steps()), (60, 3));
    run.train(vec![Box::new(Stop(stop))]).unwrap()
}

#[test]
fn a_run_stops_and_goes_on_as_the_run_that_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let [whole, stopped] = ["whole", "stopped"].map(|name| folder.path().join(name));
    assert!(matches!(train(&whole, usize::MAX), Outcome::Done(found) if found.weight > 0));
    assert!(matches!(train(&stopped, 2), Outcome::Stopped { step: 2, total: 6 }));
    assert!(!stopped.join("model.safetensors").exists());
    assert!(matches!(train(&stopped, usize::MAX), Outcome::Done(_)));
    for name in ["model.safetensors", "model.ckpt", "metrics.jsonl"] {
        let read = |run: &Path| std::fs::read(run.join(name)).unwrap();
        assert!(read(&whole) == read(&stopped), "{name}");
    }
    let meta = std::fs::read_to_string(stopped.join("meta.json")).unwrap();
    assert!(meta.contains("stopped at step 2") && meta.contains("\"done\""), "{meta}");
}
