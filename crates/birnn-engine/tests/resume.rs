//! A run that is stopped and gone on with ends in the bytes of one that was not, for every cell and at every
//! kind of step.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use birnn_data::{
    Augment, Folding, Hide, HideWhat, Images, Missing, Modality, Outputs, Per, SelfTargets, Sentences,
    Sequences, Series, Split, TargetKind, TargetScale, TargetValues, Targets, Text, Values, Wanted,
};
use birnn_engine::{
    Checkpoint, Checkpoints, Control, Device, EngineError, Hiding, Learner, Loss, Observer, Ranks, Record,
    ResumeError, Resumed, Samples, State, StepContext, TensorBoard, Trained, TrainingData, WordDropout, load,
    save, train,
};
use birnn_experiment::Source;
use birnn_infer::{Manifest, Step, Task};
use birnn_run::RunDir;
use birnn_run::disk::System;

/// libtorch has one generator for the process, and tests run side by side.
fn alone() -> MutexGuard<'static, ()> {
    static GENERATOR: Mutex<()> = Mutex::new(());
    GENERATOR.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Six steps per epoch, three epochs, with all that has a state of its own.
const EXPERIMENT: &str = r#"
seed = 7
[data]
validation = 9
[data.augment]
shift = 0.5
rotate = 10
elastic = 0.3
[model]
hidden = { forward = 5, reverse = 3 }
dropout = 0.4
[train]
device = "cpu"
epochs = 3
batch_size = 8
clip_norm = 0.5
log_every = 2
[train.optimizer]
lr = 0.02
"#;

/// What is asked of the loop, each after a step.
struct Controls<'a>(&'a [(usize, Control)]);

impl Observer for Controls<'_> {
    fn step(&mut self, step: &Step, _context: &StepContext) -> Result<Control, EngineError> {
        Ok(self
            .0
            .iter()
            .find(|(after, _)| *after == step.step)
            .map_or(Control::Continue, |(_, control)| *control))
    }
}

/// Sentences of 1 to 9 words.
fn sentences(count: usize) -> Sequences {
    let mut sentences = Sentences::default();
    for index in 0..count {
        (0..1 + index * 7 % 9)
            .for_each(|step| sentences.push(&format!("w{}", (index * 37 + step * 11) % 61)));
        sentences.end();
    }
    sentences.finish()
}

/// Images of 4 x 3, series of 1 to 9 steps, or sentences of as many words.
fn modality(source: &Source) -> Modality {
    let dataset = source.experiment().data.dataset;
    if dataset.is_text() {
        return Modality::Text(Text::of(&sentences(45), Folding::default(), 1));
    }
    match dataset.is_own() {
        false => Modality::Images { shape: [4, 3], preprocessing: None },
        true => {
            let (mean, deviation) = (vec![80.0; 3], Some(vec![90.0; 3]));
            Modality::Series(Series {
                steps: Some([1, 9]),
                missing: Missing::Last,
                deviation,
                ..Series::plain(mean)
            })
        }
    }
}

/// 45 samples of three classes, or of three numbers: the last step of an epoch sees five.
fn samples(modality: &Modality, wanted: Wanted, count: usize, augment: Option<Augment>) -> Samples {
    let value = |index: usize| (index * 37) % 241 * (index / 12 % 3);
    let sequences = match modality {
        Modality::Images { .. } => {
            let pixels = (0..count * 12).map(|index| value(index) as u8).collect();
            Images { rows: 4, cols: 3, pixels }.into()
        }
        Modality::Series(_) => {
            let lengths: Vec<usize> = (0..count).map(|index| 1 + index * 7 % 9).collect();
            let values = (0..3 * lengths.iter().sum::<usize>()).map(|index| match index % 17 {
                5 => f32::NAN,
                _ => value(index) as f32,
            });
            Sequences::new(Values::Floats(values.collect()), 3, lengths)
        }
        Modality::Text(_) => sentences(count),
    };
    let own = match wanted.kind {
        TargetKind::Classes | TargetKind::Numbers => None,
        TargetKind::Hidden => {
            Some(SelfTargets::Hidden(Hide { what: HideWhat::Points, share: 0.3, steps: 1 }))
        }
        TargetKind::Next => Some(SelfTargets::Next),
    };
    if let Some(own) = own {
        let split = match modality {
            Modality::Series(series) => series.answered_by_itself(own, sequences.clone()),
            Modality::Text(text) => text.answered_by_itself(own, sequences.clone()),
            Modality::Images { .. } => unreachable!("they are of series and texts"),
        };
        let samples = Samples::new(split, modality, None, Device::Cpu).unwrap();
        return match own {
            SelfTargets::Hidden(hide) => samples.with_hidden(Hiding::new(sequences, modality, hide).unwrap()),
            SelfTargets::Next => samples,
        };
    }
    let positions = if wanted.per == Per::Step { sequences.steps() } else { count };
    let values = match wanted.kind {
        TargetKind::Classes => {
            TargetValues::Classes((0..positions).map(|index| (index % 3) as u16).collect())
        }
        TargetKind::Numbers => TargetValues::Numbers {
            values: (0..3 * positions).map(|index| value(index) as f32).collect(),
            width: 3,
        },
        TargetKind::Hidden | TargetKind::Next => unreachable!("they are of series"),
    };
    let split = Split { sequences, targets: Targets { values, per: wanted.per } };
    let word_dropout = WordDropout { any: 0.1, rare: 0.5 };
    Samples::new(split, modality, augment, Device::Cpu).unwrap().with_word_dropout(word_dropout)
}

fn source(sets: &[&str]) -> Source {
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    Source::parse(Path::new("x.toml"), EXPERIMENT.to_owned(), &sets).unwrap()
}

fn manifest(source: &Source) -> Manifest {
    let names = ["a", "b", "c"].map(str::to_owned).to_vec();
    let plan = source.plan().unwrap().task;
    let outputs = match plan.wanted.kind {
        TargetKind::Classes => Outputs::Classes(names),
        TargetKind::Next | TargetKind::Hidden if source.experiment().data.dataset.is_text() => {
            let Modality::Text(text) = modality(source) else { unreachable!("of text") };
            Outputs::Classes(text.words)
        }
        TargetKind::Numbers | TargetKind::Hidden | TargetKind::Next => {
            Outputs::Numbers(TargetScale { names, mean: vec![80.0; 3], deviation: vec![90.0; 3] })
        }
    };
    Manifest::new(
        source.experiment().to_toml().unwrap(),
        modality(source),
        Task::new(plan, outputs),
        serde_json::json!({ "dataset": "made up" }),
    )
    .unwrap()
}

/// Trains into `run`, from its checkpoint where there is one, until the end or the step `stop`.
fn go(run: &RunDir, source: &Source, stop: usize, checkpoint: Option<Checkpoint>) -> Trained {
    controlled(run, source, &[(stop, Control::Stop)], checkpoint)
}

/// As [`go`], with controls of any kind.
fn controlled(
    run: &RunDir,
    source: &Source,
    controls: &[(usize, Control)],
    checkpoint: Option<Checkpoint>,
) -> Trained {
    let plan = source.plan().unwrap();
    let manifest = manifest(source);
    let task = manifest.task.clone();
    let modality = modality(source);
    let of = |count, augment| samples(&modality, plan.task.wanted, count, augment);
    let validation = if plan.data.validation.is_none() { 0 } else { 9 };
    let (train_samples, validation) = (of(45, plan.data.augment), of(validation, None));
    let mut loss = Loss::new(&task, plan.architecture.head, &plan.train, Device::Cpu).unwrap();
    if let Some(weights) = &plan.train.class_weights {
        let weights = weights.resolve(manifest.task.classes(), &[9, 15, 21]).unwrap();
        loss = loss.weighted(&weights, Device::Cpu).unwrap();
    }
    // Whatever a checkpoint does not bring back would be other numbers.
    let seed = plan.seed + u32::from(checkpoint.is_some());
    let mut learner =
        Learner::new(&plan.architecture, task, loss, modality.inputs(), seed, Device::Cpu).unwrap();
    let data = TrainingData { train: train_samples, validation };
    let mut state = match &checkpoint {
        Some(checkpoint) => {
            assert!(checkpoint.resume_records(run).unwrap().is_empty());
            checkpoint.restore(&mut learner).unwrap()
        }
        None => State::new(&plan.train, &learner).unwrap(),
    };
    let record = Record::open(run, &manifest.data);
    let board = TensorBoard::open(run, &manifest, &learner, &data.validation, state.step);
    let checkpoints = Checkpoints::new(run, manifest).unwrap();
    let mut observers: Vec<Box<dyn Observer + '_>> =
        vec![Box::new(record.unwrap()), Box::new(board.unwrap()), Box::new(Controls(controls))];
    let trained =
        train(&plan, &Ranks::alone(), &mut learner, &data, &mut state, Some(&checkpoints), &mut observers)
            .unwrap();
    if trained != Trained::Stopped {
        checkpoints.save_final(&learner).unwrap();
    }
    trained
}

/// What must be the same: every tensor of the last checkpoint, the metrics, the final weights.
fn ending(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let checkpoint = read("checkpoints/last.safetensors");
    let tensors = safetensors::SafeTensors::deserialize(&checkpoint).unwrap();
    let mut found: Vec<_> =
        tensors.iter().map(|(name, view)| (name.to_owned(), view.data().to_vec())).collect();
    found.sort();
    found.extend(["metrics.jsonl", "model.safetensors"].map(|name| (name.to_owned(), read(name))));
    found
}

/// The lengths of the records for TensorBoard, each with its step. What else there is depends on the clock.
fn events(folder: &Path) -> Vec<(usize, Vec<u8>)> {
    let bytes = std::fs::read(folder.join("events.out.tfevents.0.birnn")).unwrap();
    let mut rest = &bytes[..];
    let mut found = Vec::new();
    while !rest.is_empty() {
        let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
        let event = &rest[12..12 + length];
        // The time is the first field, of nine bytes; then the step, unless it is 0, as in the first two.
        let step = if event[9] == 0x10 { event[10..12].to_vec() } else { Vec::new() };
        found.push((length, step));
        rest = &rest[16 + length..];
    }
    found
}

/// A run with `sets`, stopped after each of `stops` in turn, must end as the one that is not stopped at all.
#[track_caller]
fn same(sets: &[&str], stops: &[usize]) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let source = source(sets);
    let whole = RunDir::chosen(&path("whole"), Arc::new(System)).unwrap();
    assert!(matches!(go(&whole, &source, usize::MAX, None), Trained::Done { epochs: 3, .. }));

    let run = RunDir::chosen(&path("stopped"), Arc::new(System)).unwrap();
    run.write("config.toml", source.experiment().to_toml().unwrap().as_bytes()).unwrap();
    let mut held = (run, None);
    for &stop in stops.iter().chain([&usize::MAX]) {
        let (run, checkpoint) = held;
        let trained = go(&run, &source, stop, checkpoint);
        // A stop after the very last step has nothing left to stop.
        assert_eq!(trained == Trained::Stopped, stop < 18, "{sets:?}: stop at {stop}");
        drop(run);
        let Resumed { run, checkpoint, .. } = Resumed::open(&path("stopped"), &[], Arc::new(System)).unwrap();
        assert_eq!(checkpoint.as_ref().unwrap().step(), stop.min(18));
        held = (run, checkpoint);
    }
    for (found, expected) in ending(&path("stopped")).iter().zip(&ending(&path("whole"))) {
        assert!(
            found == expected,
            "{sets:?} stopped at {stops:?}: `{}` differs from `{}`",
            found.0,
            expected.0
        );
    }
    assert_eq!(ending(&path("stopped")).len(), ending(&path("whole")).len());
    assert_eq!(events(&path("stopped")), events(&path("whole")), "{sets:?} stopped at {stops:?}");
}

/// Step 1; within an epoch; an epoch's last step, which is its boundary; the last step but one, and the last.
const STOPS: [usize; 6] = [1, 3, 6, 8, 17, 18];

#[test]
fn every_cell_goes_on_in_the_same_bytes_from_any_step() {
    let _alone = alone();
    for cell in ["model.cell=lstm", "model.cell=gru", "model.cell=rnn"] {
        for stop in STOPS {
            same(&[cell], &[stop]);
        }
        same(&[cell], &STOPS[..5]);
    }
}

#[test]
fn every_rule_schedule_and_readout_goes_on_in_the_same_bytes() {
    let _alone = alone();
    let sgd = "train.optimizer={ kind = \"sgd\", lr = 0.1, momentum = 0.9, nesterov = true }";
    for sets in [
        [sgd, "train.schedule={ kind = \"one-cycle\" }", "model.readout=attention"],
        [
            "train.optimizer.kind=adamw",
            "train.schedule={ kind = \"linear\", warmup_steps = 5 }",
            "model.readout=max",
        ],
        [
            "train.optimizer={ kind = \"sgd\", lr = 0.1 }",
            "train.schedule.kind=cosine",
            "train.checkpoint_every=2",
        ],
    ] {
        same(&sets, &[4, 12, 13]);
    }
}

/// The values of a file's tensors, whose names begin so, without that beginning.
fn values(file: &Path, prefix: &str) -> BTreeMap<String, Vec<u8>> {
    let bytes = std::fs::read(file).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let own = |(name, view): (&str, safetensors::tensor::TensorView)| {
        Some((name.strip_prefix(prefix)?.to_owned(), view.data().to_vec()))
    };
    tensors.iter().filter_map(own).collect()
}

/// What a run came to, and how it went.
fn trained(sets: &[&str]) -> (tempfile::TempDir, Vec<serde_json::Value>) {
    let folder = tempfile::tempdir().unwrap();
    let run = RunDir::chosen(&folder.path().join("run"), Arc::new(System)).unwrap();
    go(&run, &source(sets), usize::MAX, None);
    let metrics = std::fs::read_to_string(run.path().join("metrics.jsonl")).unwrap();
    let events = metrics.lines().map(|line| serde_json::from_str(line).unwrap());
    let epochs = events.filter(|event: &serde_json::Value| event["event"] == "epoch").collect();
    (folder, epochs)
}

#[test]
fn an_average_of_the_weights_is_what_a_run_comes_to() {
    let _alone = alone();
    for validation in ["data.validation=9", "data.validation=0"] {
        for stops in [&[4, 12, 17][..], &[18]] {
            same(&["train.ema_decay=0.9", validation], stops);
        }
    }
    let (plain, plain_epochs) = trained(&[]);
    let (averaged, epochs) = trained(&["train.ema_decay=0.9"]);
    for (epoch, plain) in epochs.iter().zip(&plain_epochs) {
        assert_eq!(epoch["train_loss"], plain["train_loss"], "training does not know of it");
        assert_ne!(epoch["validation"]["loss"], plain["validation"]["loss"], "it is what is evaluated");
    }
    let file = |folder: &tempfile::TempDir, name: &str| folder.path().join("run").join(name);
    let (last, result) = ("checkpoints/last.safetensors", "model.safetensors");
    let of_result = |folder| values(&file(folder, result), "");
    assert_eq!(of_result(&averaged), values(&file(&averaged, last), "best."));

    let (alone, _) = trained(&["train.ema_decay=0.9", "data.validation=0"]);
    let average = values(&file(&alone, last), "average.");
    assert_eq!(of_result(&alone), average);
    // A checkpoint is asked for it, and goes on from what is trained.
    let asked = |name| {
        let (learner, manifest) = load(&file(&alone, name), Device::Cpu).unwrap();
        let copy = alone.path().join("copy.safetensors");
        save(&System, &copy, &learner, &manifest).unwrap();
        values(&copy, "")
    };
    assert!(asked(last) == average && asked(result) == average);
    let raw = values(&file(&alone, last), "");
    assert!(average.iter().any(|(name, average)| raw[name] != *average), "training goes on from others");
    let without = values(&file(&plain, last), "");
    let trained_weights = values(&file(&averaged, last), "");
    assert!(average.keys().all(|name| trained_weights[name] == without[name]));

    // One that keeps nothing of itself is the weights.
    let (at_once, epochs) = trained(&["train.ema_decay=0"]);
    assert_eq!((of_result(&at_once), epochs), (of_result(&plain), plain_epochs));
}

/// Of unequal lengths, with values missing, grouped by length, classes weighted.
#[test]
fn series_of_any_lengths_go_on_in_the_same_bytes() {
    let _alone = alone();
    for others in [
        ["model.readout=final", "model.cell=gru", "train.monitor=loss"],
        ["model.readout=attention", "train.group_by_length=true", "train.class_weights=balanced"],
        ["model.readout=mean", "train.monitor=macro-f1", "train.early_stop.patience=3"],
    ] {
        let data = ["data={ dataset = \"ts\", train = \"a\", test = \"b\", validation = 9 }"];
        let sets: Vec<&str> = data.into_iter().chain(others).collect();
        for stops in [&STOPS[..5], &[4], &[18]] {
            same(&sets, stops);
        }
    }
}

/// With what is drawn of words, before the recurrent layers and behind them, and with what tags have to
/// themselves.
#[test]
fn sentences_go_on_in_the_same_bytes() {
    let _alone = alone();
    let text = [
        "data={ dataset = \"synthetic-text\", validation = 9 }",
        "task.kind=tag",
        "model.head=crf",
        "model.input_dropout=0.3",
        "model.output_dropout=0.4",
        "model.embedding={ width = 6, characters = { width = 4, hidden = 3 } }",
        "train.group_by_length=true",
    ];
    same(&text, &STOPS);
    let next = [
        "data={ dataset = \"texts\", train = \"a\", test = \"b\", validation = 9 }",
        "task.kind=next",
        "model={ bidirectional = false, hidden = 5 }",
        "train.group_by_length=true",
    ];
    same(&next, &STOPS[..5]);
    let infill = [next[0], "task.kind=infill", "task.hide={ what = \"blocks\", share = 0.3, steps = 2 }"];
    same(&infill, &STOPS[..5]);
    // With vectors that are not trained, and have no moments, no average and no best.
    let frozen = ["data.vectors=\"v\"", "model.embedding.freeze=true", "train.ema_decay=0.9"];
    same(&[&text[..], &frozen].concat(), &STOPS);
}

#[test]
fn numbers_and_answers_of_each_step_go_on_in_the_same_bytes() {
    let _alone = alone();
    for others in [
        ["task={ kind = \"regress\", loss = \"huber\" }", "model.readout=mean", "train.monitor=r2"],
        ["task={ kind = \"regress\", per = \"step\" }", "train.group_by_length=true", "train.monitor=rmse"],
        ["task.kind=tag", "train.class_weights=balanced", "train.monitor=macro-f1"],
        ["task.kind=infill", "task.hide.share=0.3", "train.monitor=mae"],
        ["task.kind=tag", "model={ bidirectional = false, hidden = { reverse = 5 } }", "train.ema_decay=0.9"],
        ["task.kind=next", "model={ bidirectional = false, hidden = 5 }", "train.ema_decay=0.9"],
    ] {
        let data = ["data={ dataset = \"ts\", train = \"a\", test = \"b\", validation = 9 }"];
        let sets: Vec<&str> = data.into_iter().chain(others).collect();
        for stops in [&STOPS[..5], &[4], &[18]] {
            same(&sets, stops);
        }
    }
}

/// Where the last epoch is worse than one before, that one's weights must come back from the checkpoint.
#[test]
fn the_best_epoch_outlives_a_stop() {
    let _alone = alone();
    // Which of these rates does it depends on how sums are rounded.
    let rates = [1.5, 2.0, 3.0, 5.0, 10.0, 20.0].map(|rate| format!("train.optimizer.lr={rate}"));
    let worsens = |rate: &&String| {
        let folder = tempfile::tempdir().unwrap();
        let run = RunDir::chosen(&folder.path().join("run"), Arc::new(System)).unwrap();
        let trained = go(&run, &source(&[rate.as_str()]), usize::MAX, None);
        matches!(trained, Trained::Done { epochs: 3, kept: 1 | 2 })
    };
    let rate = rates.iter().find(worsens).expect("at one of these rates the last epoch is not the best");
    same(&[rate.as_str()], &[13, 16]);
}

#[test]
fn a_run_stopped_at_every_step_is_the_same_run() {
    let _alone = alone();
    same(&[], &(1..18).collect::<Vec<_>>());
}

#[test]
fn a_wished_checkpoint_is_made_and_changes_nothing() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let source = source(&[]);
    let run = |name| RunDir::chosen(&path(name), Arc::new(System)).unwrap();
    go(&run("whole"), &source, usize::MAX, None);
    // Within an epoch, at the end of one, at the end of all.
    let saves = [1, 2, 6, 9, 18].map(|step| (step, Control::Save));
    assert!(matches!(controlled(&run("saved"), &source, &saves, None), Trained::Done { epochs: 3, .. }));
    assert!(ending(&path("saved")) == ending(&path("whole")));

    controlled(&run("stopped"), &source, &[(3, Control::Save), (5, Control::Stop)], None);
    let made = ["previous", "last"].map(|name| {
        Checkpoint::read(&path("stopped").join(format!("checkpoints/{name}.safetensors"))).unwrap().step()
    });
    assert_eq!(made, [3, 5]);
}

#[test]
fn another_libtorch_or_other_data_is_refused_by_key() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let run = RunDir::chosen(&folder.path().join("run"), Arc::new(System)).unwrap();
    let source = source(&[]);
    run.write("config.toml", source.experiment().to_toml().unwrap().as_bytes()).unwrap();
    go(&run, &source, 4, None);
    drop(run);
    let resumed = Resumed::open(&folder.path().join("run"), &[], Arc::new(System)).unwrap();
    resumed.verify(&manifest(&source)).unwrap();
    let refused = |now: Manifest, key: &str| match resumed.verify(&now) {
        Err(ResumeError::Differs { differences, .. }) => assert_eq!(differences, [key]),
        other => panic!("{other:?}"),
    };
    let mut now = manifest(&source);
    now.libtorch = Some("2.99.0".to_owned());
    refused(now, "libtorch was \"2.11.0\" and is \"2.99.0\"");
    let mut now = manifest(&source);
    now.data = serde_json::json!({ "dataset": "other" });
    refused(now, "data.dataset was \"made up\" and is \"other\"");
}
