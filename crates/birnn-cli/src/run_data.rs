//! The data of a run that was trained before: where it is now, and whether it is still the same.
//!
//! A run's `config.toml` has relative paths, its weights absolute ones. The first is for a project that is
//! moved, the second for weights that were taken out of it. Whichever exists is used.

use std::path::{Path, PathBuf};

use birnn_data::name::shown;
use birnn_data::{DataConfig, Dataset, Ground, Splits};
use birnn_experiment::{Experiment, Source};
use birnn_infer::Manifest;

use crate::args::{DataSets, Place};
use crate::failure::Failure;

/// The data settings of a run: as its weights have them, its own files where its config.toml says that they
/// are, and changed as `sets` ask.
pub fn config(
    manifest: &Manifest,
    weights: &Path,
    sets: &DataSets,
    place: &Place,
) -> Result<DataConfig, Failure> {
    let mut experiment = manifest.experiment().map_err(Failure::run)?;
    let written = folder_of(weights).and_then(|folder| Source::read(&folder.join("config.toml"), &[]).ok());
    if let Some(written) = written.filter(|_| experiment.data.dataset == Dataset::Idx) {
        experiment.data.take_paths(&written.experiment.data);
    }
    // Without a folder, paths in `sets` are relative to where the user is.
    let name = weights.file_name().map_or(weights, Path::new);
    let parse = |experiment: &Experiment| -> Result<Source, Failure> {
        Ok(Source::parse(name, experiment.to_toml().map_err(Failure::run)?, &sets.sets)?)
    };
    let mut source = parse(&experiment)?;
    if source.is_set("data.dataset") {
        // The files are those of the data set that was.
        experiment.data = experiment.data.without_files();
        source = parse(&experiment)?;
    }
    if let Some(other) = source.set_outside("data") {
        return Err(Failure::request(format!(
            "--set {other}: only what the images are can be changed here, such as data.test_images; all else is the run's"
        )));
    }
    place.take_files(&mut source)?;
    source.plan()?;
    Ok(source.experiment.data)
}

/// The whole of another data set, its images as dark or light and as upright as those that the net learnt
/// from.
pub fn named(name: &str, manifest: &Manifest) -> DataConfig {
    let has_name = |dataset: &Dataset| dataset.published().is_some_and(|published| published.name == name);
    let dataset = Dataset::PUBLISHED.into_iter().find(has_name).unwrap_or(Dataset::Synthetic);
    let config = DataConfig { dataset, ..DataConfig::default() };
    let Some(net) = manifest.preprocessing else { return config };
    let stored = config.resolve().is_ok_and(|plan| plan.stored_transposed());
    DataConfig { invert: net.ground == Ground::Light, transpose: Some(stored != net.transposed), ..config }
}

/// Says so where images are shown to a net otherwise than those that it learnt from.
pub fn warn_of_preprocessing(weights: &Path, manifest: &Manifest, splits: &Splits) {
    let (Some(net), now) = (manifest.preprocessing, splits.preprocessing) else { return };
    if (net.ground, net.transposed) != (now.ground, now.transposed) {
        tracing::warn!(
            "{}: learnt from images {net}; these are {now}: data.invert and data.transpose say how they are read",
            shown(&weights)
        );
    }
}

/// Says so where files have other content than when the run was trained.
pub fn warn_of_change(run: &Path, manifest: &Manifest, splits: &Splits) {
    let files = &splits.provenance.files;
    let changed = manifest.changed_files(&serde_json::json!({ "files": files }));
    let names: Vec<String> = changed.into_iter().map(|place| shown(&files[place].path).to_string()).collect();
    if !names.is_empty() {
        tracing::warn!(
            "{}: its data is not what it was when the run was trained; other content: {}",
            shown(&run),
            names.join(", ")
        );
    }
}

/// The directory of the run that a weights file lies in, if it lies in one.
pub fn folder_of(weights: &Path) -> Option<PathBuf> {
    weights.ancestors().skip(1).take(2).find(|path| path.join("config.toml").is_file()).map(Path::to_owned)
}
