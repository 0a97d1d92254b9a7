//! A run made by a program other than the command line: prepared, begun, stopped, gone on with, done.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use std::path::Path;
use std::sync::Arc;

use birnn_data::{Images, Locations, Modality, Splits};
use birnn_engine::run::{Destination, Outcome, Prepared, RunError, Start, Trainer};
use birnn_engine::{Control, Device, EngineError, Observer, Ranks, Resumed, StepContext};
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

fn source(sets: &[&str]) -> Source {
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    Source::parse(Path::new("made-up.toml"), EXPERIMENT.to_owned(), &sets).unwrap()
}

/// A new run in `folder`.
fn new(source: Source, folder: &Path) -> Start {
    Start::New(source, Destination::Chosen(folder.to_owned()))
}

/// `start`, prepared on its data, which `change` may make another.
#[expect(clippy::result_large_err, reason = "made a few times in each test")]
fn prepared(start: Start, change: impl FnOnce(&mut Splits)) -> Result<Prepared, RunError> {
    let plan = start.source().plan().unwrap();
    let mut splits = birnn_data::load(&plan.data, &Locations::new(None, true), &mut |_| ()).unwrap();
    change(&mut splits);
    Prepared::new(start, Device::Cpu, splits)
}

/// Trains into `folder`, or goes on there, until the step `stop` or the end.
fn train(folder: &Path, stop: usize) -> Outcome {
    let start = match folder.exists() {
        true => Start::Resumed(Resumed::open(folder, &[], Arc::new(System)).unwrap()),
        false => new(source(&[]), folder),
    };
    let trainer = Trainer { command: vec!["test".to_owned()], version: "0".to_owned(), revision: None };
    let run = prepared(start, |_| ()).unwrap().open(Arc::new(System), trainer, &Ranks::alone()).unwrap();
    assert_eq!((run.samples(), run.steps()), (60, 3));
    run.train(vec![Box::new(Stop(stop))], &Ranks::alone()).unwrap()
}

#[test]
fn a_run_stops_and_goes_on_as_the_run_that_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let [whole, stopped] = ["whole", "stopped"].map(|name| folder.path().join(name));
    assert!(matches!(train(&whole, usize::MAX), Outcome::Done(found) if found.positions > 0));
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

/// What the command line refuses and warns of, any program is refused and can say.
#[test]
fn a_run_is_refused_and_warned_of_whoever_asks_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let one_row = |splits: &mut Splits| {
        splits.modality = Modality::Images { shape: [1, 784], preprocessing: None };
        for split in [&mut splits.train, &mut splits.validation, &mut splits.test] {
            let Some(images) = split.sequences.to_images() else { continue };
            let cols = images.rows * images.cols;
            split.sequences = Images { rows: 1, cols, ..images }.into();
        }
    };
    let refused = prepared(new(source(&["model.readout=final"]), &run), one_row).unwrap_err();
    assert!(refused.to_string().starts_with("--set model.readout=final: model.readout: "), "{refused}");
    assert!(prepared(new(source(&["model.readout=mean"]), &run), one_row).unwrap().warnings().is_empty());
    let warned = prepared(new(source(&["train.schedule.warmup_steps=9"]), &run), |_| ()).unwrap();
    let said: Vec<String> = warned.warnings().iter().map(ToString::to_string).collect();
    assert!(said.len() == 1 && said[0].contains("warmup_steps: the run has 6 steps"), "{said:?}");
}
