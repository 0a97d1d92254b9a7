//! The experiment of weights that came with none.

use std::path::Path;

use birnn_data::{Dataset, SelfTargets};
use birnn_experiment::{Experiment, ExperimentError, HideConfig, Source, TaskConfig};
use birnn_formats::InferredModel;
use birnn_infer::{Classify, Regress, Task};

/// What the weights at `path` tell of it, for some task on data of some kind, with `sets` applied.
pub(crate) fn inferred(
    path: &Path,
    found: &InferredModel,
    dataset: Dataset,
    task: TaskConfig,
    sets: &[String],
) -> Result<Source, ExperimentError> {
    let name = Some("imported".to_owned());
    let mut experiment = Experiment { name, model: found.config.clone(), task, ..Experiment::default() };
    experiment.data.dataset = dataset;
    // It names no path that TOML could not hold.
    Source::parse(path, experiment.to_toml().unwrap_or_default(), sets)
}

/// A task as experiments have it.
pub(crate) fn config_of(task: &Task) -> TaskConfig {
    let usual = TaskConfig { kind: task.kind(), ..TaskConfig::default() };
    match task {
        Task::Classify(Classify { scheme, constrain, .. }) => {
            TaskConfig { scheme: *scheme, constrain: scheme.map(|_| *constrain), ..usual }
        }
        Task::Regress(Regress { loss, per, self_targets, .. }) => TaskConfig {
            per: Some(*per).filter(|_| self_targets.is_none()),
            loss: Some(*loss),
            hide: match self_targets {
                Some(SelfTargets::Hidden(hide)) => Some(HideConfig::from(*hide)),
                Some(SelfTargets::Next) | None => None,
            },
            ..usual
        },
    }
}
