//! A small net for tests.

use birnn_architecture::Inputs;
use birnn_data::{Modality, Rng};
use birnn_experiment::Experiment;

use crate::container::Entry;
use crate::manifest::Manifest;
use crate::task::Task;

/// The weights of a net of two classes for images of 3 x 2, of four hidden units, and what its file says of
/// it.
pub(crate) fn net() -> (Vec<Entry>, Manifest) {
    of(|_| ())
}

/// As [`net`], otherwise than by default.
pub(crate) fn of(change: impl FnOnce(&mut Experiment)) -> (Vec<Entry>, Manifest) {
    of_inputs(2.into(), change)
}

/// As [`of`], with weights of a net that reads these.
pub(crate) fn of_inputs(inputs: Inputs, change: impl FnOnce(&mut Experiment)) -> (Vec<Entry>, Manifest) {
    let mut experiment = Experiment::default();
    experiment.model.hidden = birnn_architecture::Hidden::Same(4);
    change(&mut experiment);
    let classes = vec!["a".to_owned(), "b".to_owned()];
    let text = experiment.to_toml().unwrap();
    let architecture = experiment.model.resolve().unwrap();
    let mut rng = Rng::new(5, 0);
    let entry = |(name, shape): (String, Vec<usize>)| {
        let count = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|_| rng.uniform(-0.5, 0.5) as f32).collect();
        Entry::floats(name, shape, &values)
    };
    let weights = architecture.parameters(inputs, classes.len()).into_iter().map(entry).collect();
    let modality = Modality::Images { shape: [3, 2], preprocessing: None };
    (weights, Manifest::new(text, modality, Task::classify(classes), serde_json::Value::Null).unwrap())
}

/// Has the description say that another experiment was its.
pub(crate) fn by(experiment: &str, manifest: &mut Manifest) {
    let Manifest { modality, task, data, .. } = manifest.clone();
    *manifest = Manifest::new(experiment.to_owned(), modality, task, data).unwrap();
}

/// The names of the classes of a net that tells such.
pub(crate) fn classes(manifest: &mut Manifest) -> &mut Vec<String> {
    match &mut manifest.task {
        Task::Classify(task) => &mut task.classes,
        Task::Regress(_) => panic!("classes were wanted"),
    }
}
