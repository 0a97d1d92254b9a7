//! The data that a trained net is to be judged by: its run's own, wherever it is now, or another data set.
//!
//! A run's `config.toml` has relative paths, its weights absolute ones. The first is for a project that is
//! moved, the second for weights that were taken out of it. Whichever exists is used.

use std::path::{Path, PathBuf};

use birnn_data::{
    ConfigError, DataConfig, DataPlan, Dataset, Ground, Modality, OwnFormat, Per, SelfTargets, Series,
    Source as DataSource,
};
use birnn_experiment::{Experiment, ExperimentError, Source};
use birnn_run::CONFIG;

use crate::manifest::Manifest;
use crate::task::Task;

/// Why it is not known which data is meant.
#[derive(Debug, thiserror::Error)]
pub enum NetDataError {
    /// A setting of the data is wrong, or the user's own files are not where they are said to be.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// The experiment of the weights cannot be read, or not be written down.
    #[error("{0}")]
    Unreadable(String),
    /// The weights are from elsewhere, and read series or sentences of nobody knows what; which of them, and
    /// a data set of such files.
    #[error(
        "which {0} weights from elsewhere are for is not known; name some, such as --set data.dataset={1} \
         --set data.train=FILE --set data.test=FILE"
    )]
    Unknown(&'static str, &'static str),
    /// A setting is to be changed that is no setting of the data.
    #[error(
        "--set {0}: only which data it is can be changed here, such as data.test_images, and for `eval` what is hidden, as task.hide \
         has it; all else is the run's"
    )]
    Outside(String),
    /// A setting is to be changed that says how the net reads samples, which it learnt in training; and what
    /// these are called.
    #[error("--set {0}: how {1} are read belongs to the net, which was trained so; leave it out")]
    OfTheNet(&'static str, &'static str),
    /// A setting is to be changed that says which samples of the run's own data it does not learn from.
    #[error(
        "--set {0}: which samples were kept back was decided when the net was trained, and the others it has learnt from; leave \
         it out, or name other data"
    )]
    KeptBack(&'static str),
}

/// Settings of the data that say how a net reads samples, which it learnt in training: they belong to it, and
/// are not to be changed afterwards.
pub const OF_THE_NET: [&str; 10] = [
    "data.missing",
    "data.missing_mask",
    "data.standardise",
    "data.unit",
    "data.normal_form",
    "data.lowercase",
    "data.merge_digits",
    "data.min_count",
    "data.vectors",
    "data.vector_words",
];

/// Settings of the data that say which samples are kept back from training. Who names the same data again
/// gets around that, and has asked for it.
const KEPT_BACK: [&str; 3] = ["data.validation", "data.split", "data.test_share"];

/// Those by which that is drawn, where any are.
const DRAWN_BY: [&str; 8] = [
    "data.group",
    "data.id",
    "data.time",
    "data.skip_lines",
    "data.limit",
    "data.window",
    "data.window.length",
    "data.window.stride",
];

/// The data settings of the run of `weights`: as these have them, its own files where its `config.toml` says
/// that they are, changed as `sets` ask, and by `take_files`.
pub fn data_of_run(
    manifest: &Manifest,
    weights: &Path,
    sets: &[String],
    take_files: impl FnOnce(&mut Source) -> Result<(), ExperimentError>,
) -> Result<DataConfig, NetDataError> {
    let mut experiment = manifest.experiment().clone();
    let written = folder_of(weights).and_then(|folder| Source::read(&folder.join(CONFIG), &[]).ok());
    if let Some(written) = written.filter(|_| experiment.data.dataset.is_own()) {
        experiment.data.take_paths(&written.experiment().data);
    }
    // They are in its weights.
    (experiment.data.vectors, experiment.data.vector_words) = (None, None);
    // Without a folder, paths in `sets` are relative to where the user is.
    let name = weights.file_name().map_or(weights, Path::new);
    let parse = |experiment: &Experiment| -> Result<Source, NetDataError> {
        let text = experiment.to_toml().map_err(|error| NetDataError::Unreadable(error.to_string()))?;
        Ok(Source::parse(name, text, sets)?)
    };
    let mut source = parse(&experiment)?;
    if source.is_set("data.test") {
        // It is judged by that file, and no longer by a share of the one that it learnt from.
        experiment.data.test_share = None;
        source = parse(&experiment)?;
    }
    if manifest.recorded().is_import() && !source.is_set("data.dataset") {
        // What stands there is a placeholder: who imports them need not say what they are for.
        let files = match (experiment.data.dataset, manifest.task.wanted().per) {
            (Dataset::SyntheticSeries, _) => Some("ts"),
            (Dataset::SyntheticText, Per::Step) if manifest.task.self_targets().is_none() => Some("conll"),
            (Dataset::SyntheticText, _) => Some("texts"),
            _ => None,
        };
        if let Some(files) = files {
            return Err(NetDataError::Unknown(manifest.modality.noun(), files));
        }
    }
    if source.is_set("data.dataset") {
        // The files are those of the data set that was, and so is what there is to say of its kind alone.
        let kind = |data: &DataConfig| (data.is_series(), data.dataset.is_text());
        let before = kind(&experiment.data);
        experiment.data = experiment.data.without_files();
        if kind(&source.experiment().data) != before {
            let DataConfig { dataset, validation, limit, .. } = experiment.data;
            experiment.data = DataConfig { dataset, validation, limit, ..DataConfig::default() };
        }
        source = parse(&experiment)?;
    }
    if let Some(other) = source.set_outside("data") {
        return Err(NetDataError::Outside(other.to_owned()));
    }
    let has_names = matches!(&manifest.modality, Modality::Series(series) if series.names.is_some());
    let features = has_names.then_some("data.features");
    if let Some(key) = OF_THE_NET.into_iter().chain(features).find(|key| source.is_set(key)) {
        return Err(NetDataError::OfTheNet(key, manifest.modality.noun()));
    }
    let is_other_data =
        ["data.dataset", "data.train", "data.train_images"].iter().any(|key| source.is_set(key));
    let trained = experiment.data.resolve_for(manifest.task.wanted());
    let is_divided = trained.is_ok_and(|plan| plan.test_share.is_some() || !plan.validation.is_none());
    let drawn_by = DRAWN_BY.into_iter().filter(|_| is_divided);
    let mut kept_back = KEPT_BACK.into_iter().chain(drawn_by).filter(|_| !is_other_data);
    if let Some(key) = kept_back.find(|key| source.is_set(key)) {
        return Err(NetDataError::KeptBack(key));
    }
    take_files(&mut source)?;
    let data = source.experiment().data.clone();
    // How it was trained is not asked again.
    data.resolve_for(manifest.task.wanted()).map_err(|invalid| source.locate(invalid.into()))?;
    Ok(as_read(manifest, data))
}

/// What is hidden from a net of the task `infill` when it is judged: as its experiment has it, changed as
/// `sets` ask, which are about nothing else.
///
/// # Errors
///
/// Where the net is of another task, or a setting cannot be.
pub fn hidden_of_run(manifest: &Manifest, sets: &[String]) -> Result<SelfTargets, NetDataError> {
    let source = Source::parse(Path::new(CONFIG), manifest.experiment_toml().to_owned(), sets)?;
    let task = source.experiment().task.resolve().map_err(|invalid| source.locate(invalid))?;
    let features = if let Modality::Series(series) = &manifest.modality { series.features() } else { 0 };
    source.experiment().suits_hiding(features).map_err(|invalid| source.locate(invalid))?;
    match task.self_targets {
        Some(own @ SelfTargets::Hidden(_)) => Ok(own),
        _ => Err(NetDataError::Outside(sets.join(" --set "))),
    }
}

/// The whole of another data set, its images as dark or light and as upright as those that the net learnt
/// from.
pub fn data_set_for(manifest: &Manifest, dataset: Dataset) -> DataConfig {
    let config = DataConfig { dataset, ..DataConfig::default() };
    let net = match &manifest.modality {
        Modality::Images { preprocessing: Some(net), .. } if !dataset.is_series() && !dataset.is_text() => {
            *net
        }
        Modality::Images { .. } | Modality::Text(_) => return config,
        Modality::Series(_) => return as_read(manifest, config),
    };
    let stored = config.resolve_for(manifest.task.wanted()).is_ok_and(|plan| plan.stored_transposed());
    DataConfig { invert: net.ground == Ground::Light, transpose: Some(stored != net.transposed), ..config }
}

/// Series with as much missing as the net can read.
fn as_read(manifest: &Manifest, data: DataConfig) -> DataConfig {
    match &manifest.modality {
        Modality::Series(net) if data.is_series() => {
            // Its columns are those that the net learnt from, in their order.
            let features = match data.dataset {
                Dataset::Table => net.names.clone().or(data.features),
                _ => data.features,
            };
            DataConfig { missing: Some(net.missing), features, ..data }
        }
        _ => data,
    }
}

impl Manifest {
    /// The plan by which this data is loaded for the net to be judged by.
    ///
    /// # Errors
    ///
    /// Where a setting cannot be.
    pub fn plan(&self, data: &DataConfig) -> Result<DataPlan, ConfigError> {
        let mut plan = data.resolve_for(self.task.wanted())?;
        plan.judges = true;
        // Steps are read in the order in which it learnt them.
        if let (Modality::Series(Series { columns, .. }), DataSource::Own(files)) =
            (&self.modality, &mut plan.source)
            && let OwnFormat::Table(table) = &mut files.format
        {
            table.columns.clone_from(columns);
        }
        // Which words it knows, and what it makes of them, the net says.
        plan.text.vectors = None;
        if let Task::Classify(task) = &self.task {
            // Which rare tags a file has is the file's; which ones there are, the net's.
            plan.text.known = Some(task.classes.clone());
            plan.text.learnt = task.scheme;
        }
        // What is read in place of a value, and which tokens there are, the net says too.
        if let Some(own) = self.task.self_targets() {
            (plan.self_targets, plan.read_as) = (Some(own), Some(self.modality.clone()));
        }
        Ok(plan)
    }
}

/// The directory of the run that a weights file lies in, if it lies in one.
pub fn folder_of(weights: &Path) -> Option<PathBuf> {
    weights.ancestors().skip(1).take(2).find(|path| path.join(CONFIG).is_file()).map(Path::to_owned)
}
