//! What a user writes under `[data]`, and the plan that data is loaded by.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;
use crate::error::ConfigError;
use crate::image::augment::{Augment, AugmentConfig};
use crate::image::preprocessing::{Framing, Preprocessing};
use crate::image::synthetic;
use crate::modality::SampleKind;
use crate::published::Published;
use crate::series;
use crate::series::missing::Missing;
use crate::split::MOST_CLASSES;

/// The `[data]` table as written. [`DataConfig::resolve`] checks it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// Which images or series.
    pub dataset: Dataset,
    /// What to train on when the data set can be neither found nor downloaded.
    pub fallback: Fallback,
    /// Training samples kept back to judge by, as many of each class as its share.
    pub validation: usize,
    /// Only the first so many training samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub limit: Option<usize>,
    /// Of images: whether light and dark are exchanged in all of them as they are read.
    #[serde(skip_serializing_if = "is_false")]
    pub invert: bool,
    /// Of images: whether rows and columns are exchanged as they are read; where absent, as the data set
    /// needs it to be upright: EMNIST's are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transpose: Option<bool>,
    /// Of images: how they are framed, and so a picture that the net is to name; where absent, as is known of the
    /// data set, or as the training images show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub framing: Option<Framing>,
    /// Of images: how far those to train on are varied each time they are seen.
    #[serde(skip_serializing_if = "AugmentConfig::is_off")]
    pub augment: AugmentConfig,
    /// `idx`: the file with the training images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_images: Option<PathBuf>,
    /// `idx`: the file with their labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_labels: Option<PathBuf>,
    /// `idx`: the file with the test images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_images: Option<PathBuf>,
    /// `idx`: the file with their labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_labels: Option<PathBuf>,
    /// `idx`: the names of the classes; numbers where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = MOST_CLASSES), extend("uniqueItems" = true))]
    pub classes: Option<Vec<String>>,
    /// `ts`: the file with the training series.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train: Option<PathBuf>,
    /// `ts`: the file with the test series.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<PathBuf>,
    /// Of series: whether each feature is read less its mean, in standard deviations, both those of the training
    /// series; they are where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standardise: Option<bool>,
    /// Of series: what is read where a value is missing.
    #[serde(skip_serializing_if = "Missing::is_default")]
    pub missing: Missing,
}

/// What may stand in for a published data set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fallback {
    /// Nothing: it is an error.
    #[default]
    None,
    /// Digits drawn by code.
    Synthetic,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// A data set to load, with nothing left to decide.
#[derive(Clone, Debug)]
pub struct DataPlan {
    /// Where the samples come from.
    pub source: Source,
    /// Whether light and dark are exchanged in all images.
    pub invert: bool,
    /// Whether rows and columns are exchanged in all images; where it is not said, as makes them upright.
    pub transpose: Option<bool>,
    /// How the images are framed, where it is said.
    pub framing: Option<Framing>,
    /// What stands in for a published data set that cannot be had.
    pub fallback: Fallback,
    /// Training samples kept back to judge by.
    pub validation: usize,
    /// At most so many training samples, those kept back included.
    pub limit: usize,
    /// How training images are varied, where they are.
    pub augment: Option<Augment>,
    /// Whether series are read in standard deviations from the mean.
    pub standardise: bool,
    /// What is read where a value of a series is missing.
    pub missing: Missing,
}

/// Where samples come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Published files of images or series.
    Published(&'static Published),
    /// Digits drawn by code.
    Synthetic,
    /// Four files of the user's own images.
    Files(UserFiles),
    /// Series made by code.
    SyntheticSeries,
    /// Two files of the user's own series.
    Series(SeriesFiles),
}

impl Source {
    /// Whether the samples are series of numbers, and not images.
    pub fn is_series(&self) -> bool {
        match self {
            Source::Published(published) => published.is_series(),
            Source::Synthetic | Source::Files(_) => false,
            Source::SyntheticSeries | Source::Series(_) => true,
        }
    }

    /// Whether they are in files of the user's own.
    pub fn is_own(&self) -> bool {
        matches!(self, Source::Files(_) | Source::Series(_))
    }

    /// What several samples are called.
    pub fn noun(&self) -> &'static str {
        self.kind().noun()
    }

    /// What one sample is called.
    pub fn singular(&self) -> &'static str {
        self.kind().singular()
    }

    fn kind(&self) -> SampleKind {
        if self.is_series() { SampleKind::Series } else { SampleKind::Images }
    }

    /// Rows and columns of an image and the names of the classes, as far as they are known without reading a
    /// file.
    pub fn known(&self) -> Option<([usize; 2], Vec<String>)> {
        let classes = match self {
            Source::Published(published) => published.kind.class_names()?,
            Source::Synthetic => synthetic::classes(),
            Source::Files(_) | Source::SyntheticSeries | Source::Series(_) => return None,
        };
        // MNIST's shape is that of all its family.
        Some(([synthetic::SIDE; 2], classes))
    }

    /// How many training samples there are, as far as it is known without reading a file.
    fn samples(&self) -> Option<usize> {
        match self {
            Source::Published(published) => published.train,
            Source::Synthetic => Some(synthetic::TRAIN),
            Source::SyntheticSeries => Some(series::synthetic::TRAIN),
            Source::Files(_) | Source::Series(_) => None,
        }
    }
}

impl DataPlan {
    /// Whether it is known that the files have columns as rows.
    pub fn stored_transposed(&self) -> bool {
        let Source::Published(published) = &self.source else { return false };
        published.kind.stored().is_some_and(|stored| stored.transposed)
    }

    /// What the images are like, as far as it is known without reading a file.
    pub fn preprocessing(&self) -> Option<Preprocessing> {
        let stored = match &self.source {
            Source::Published(published) => published.kind.stored()?,
            Source::Synthetic => synthetic::STORED,
            Source::Files(_) | Source::SyntheticSeries | Source::Series(_) => return None,
        };
        let known = stored.preprocessing(self.invert, self.transpose.unwrap_or(stored.transposed));
        Some(Preprocessing { framing: self.framing.unwrap_or(known.framing), ..known })
    }
}

/// A user's own series.
#[derive(Clone, Debug)]
pub struct SeriesFiles {
    /// The training series.
    pub train: PathBuf,
    /// The test series.
    pub test: PathBuf,
}

/// A user's own images.
#[derive(Clone, Debug)]
pub struct UserFiles {
    /// The training images.
    pub train_images: PathBuf,
    /// Their labels.
    pub train_labels: PathBuf,
    /// The test images.
    pub test_images: PathBuf,
    /// Their labels.
    pub test_labels: PathBuf,
    /// The names of the classes.
    pub classes: Option<Vec<String>>,
}

/// The settings that are paths of the user's own files, by their dotted keys.
pub const PATH_SETTINGS: [&str; 6] = [
    "data.train_images",
    "data.train_labels",
    "data.test_images",
    "data.test_labels",
    "data.train",
    "data.test",
];

/// Those of the user's own images.
const IDX_PATHS: [&str; 4] = ["train_images", "train_labels", "test_images", "test_labels"];
/// Those of the user's own series.
const SERIES_PATHS: [&str; 2] = ["train", "test"];

/// Whether each class has a name, and one of its own.
///
/// # Errors
///
/// What is wrong, on one line.
pub fn check_class_names(classes: &[String]) -> Result<(), String> {
    if classes.iter().any(String::is_empty) {
        return Err("each must have a name, and one is empty".to_owned());
    }
    let mut seen = HashSet::new();
    match classes.iter().find(|name| !seen.insert(*name)) {
        Some(twice) => Err(format!("`{twice}` is named twice")),
        None => Ok(()),
    }
}

/// `path`, written relative to `folder`, as an absolute one.
pub fn anchored(path: &Path, folder: &Path) -> PathBuf {
    let joined = folder.join(path);
    let whole = std::path::absolute(&joined).unwrap_or(joined);
    if !path.components().any(|part| part == Component::ParentDir) {
        return whole;
    }
    // For people `a/../b` is b, but only as far as no link is in between.
    let real = whole.parent().and_then(|folder| folder.canonicalize().ok()).zip(whole.file_name());
    real.map_or_else(|| without_parents(&whole), |(folder, name)| folder.join(name))
}

/// A path to what is not there, each `..` taken with the name before it.
fn without_parents(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

impl DataConfig {
    /// Makes paths absolute that were written relative to `folder`, so that the config means the same
    /// anywhere.
    pub fn anchor(&mut self, folder: &Path) {
        for path in self.paths_mut().into_iter().filter_map(|(_, path)| path.as_mut()) {
            *path = anchored(path, folder);
        }
    }

    /// Makes paths relative to `folder` where both lie in `project`, so that the whole of it can be moved.
    /// `folder` and `project` are there.
    pub fn relate(&mut self, folder: &Path, project: &Path) {
        // A link on the way to the folder would lead `..` elsewhere.
        let (Ok(real_folder), Ok(real_project)) = (folder.canonicalize(), project.canonicalize()) else {
            return;
        };
        let Ok(down) = real_folder.strip_prefix(&real_project) else { return };
        let up: PathBuf = down.components().map(|_| "..").collect();
        for path in self.paths_mut().into_iter().filter_map(|(_, path)| path.as_mut()) {
            let within = path.strip_prefix(project).or_else(|_| path.strip_prefix(&real_project));
            if let Ok(within) = within {
                *path = up.join(within);
            }
        }
    }

    /// Takes each path from `other` whose file is there.
    pub fn take_paths(&mut self, other: &DataConfig) {
        for ((_, own), (_, other)) in self.paths_mut().into_iter().zip(other.paths()) {
            if let Some(path) = other.as_ref().filter(|path| path.is_file()) {
                *own = Some(path.clone());
            }
        }
    }

    /// Checks every setting that can be checked before the data is at hand.
    pub fn resolve(&self) -> Result<DataPlan, ConfigError> {
        let source = match (self.dataset.published(), self.dataset) {
            (Some(published), _) => Source::Published(published),
            (None, Dataset::Idx) => Source::Files(self.files()?),
            (None, Dataset::Ts) => Source::Series(self.series()?),
            (None, Dataset::SyntheticSeries) => Source::SyntheticSeries,
            (None, _) => Source::Synthetic,
        };
        if let Some((key, whose)) = self.foreign(&source) {
            return Err(ConfigError::new(key, format!("belongs to {whose} alone")));
        }
        if self.fallback != Fallback::None && source.is_own() {
            return Err(ConfigError::new(
                "fallback",
                "stands in for a published data set, not for your own files",
            ));
        }
        if self.fallback != Fallback::None && source.is_series() {
            let message = "digits drawn by code stand in for images alone; \
                           `dataset = \"synthetic-series\"` are series made by code";
            return Err(ConfigError::new("fallback", message));
        }
        let limit = self.limit.unwrap_or(usize::MAX);
        if limit == 0 {
            return Err(ConfigError::new("limit", "must be at least 1, is 0"));
        }
        let most = limit.min(source.samples().unwrap_or(usize::MAX));
        if self.validation >= most {
            let (count, what) = (self.validation, source.noun());
            let message = format!("{count} {what} cannot be kept back of {most} training {what}");
            return Err(ConfigError::new("validation", message));
        }
        Ok(DataPlan {
            source,
            invert: self.invert,
            transpose: self.transpose,
            framing: self.framing,
            fallback: self.fallback,
            validation: self.validation,
            limit,
            augment: self.augment.resolve()?,
            standardise: self.standardise.unwrap_or(true),
            missing: self.missing,
        })
    }

    /// The first setting that is about data of another kind than `source`, and about which.
    fn foreign(&self, source: &Source) -> Option<(&'static str, &'static str)> {
        let given = |key: &'static str, is_given: bool| is_given.then_some(key);
        let named = |keys: &'static [&str]| {
            let paths = self.paths();
            let found = paths.iter().find(|(key, path)| keys.contains(key) && path.is_some());
            found.map(|&(key, _)| key)
        };
        let idx = || named(&IDX_PATHS).or(given("classes", self.classes.is_some()));
        let series = || {
            given("standardise", self.standardise.is_some())
                .or(given("missing", self.missing != Missing::default()))
        };
        let images = || {
            given("invert", self.invert)
                .or(given("transpose", self.transpose.is_some()))
                .or(given("framing", self.framing.is_some()))
                .or(given("augment", !self.augment.is_off()))
        };
        let of = |key: Option<&'static str>, whose: &'static str| key.map(|key| (key, whose));
        let idx = || of(idx().filter(|_| !matches!(source, Source::Files(_))), "`dataset = \"idx\"`");
        let ts = || {
            of(named(&SERIES_PATHS).filter(|_| !matches!(source, Source::Series(_))), "`dataset = \"ts\"`")
        };
        let other = || if source.is_series() { of(images(), "images") } else { of(series(), "series") };
        idx().or_else(ts).or_else(other)
    }

    fn series(&self) -> Result<SeriesFiles, ConfigError> {
        let path = |key: &str, path: &Option<PathBuf>| {
            let missing = || format!("`ts` wants two files, and `data.{key}` is missing");
            path.clone().ok_or_else(|| ConfigError::new("dataset", missing()))
        };
        Ok(SeriesFiles { train: path("train", &self.train)?, test: path("test", &self.test)? })
    }

    fn files(&self) -> Result<UserFiles, ConfigError> {
        let [train_images, train_labels, test_images, test_labels, ..] = self.paths().map(|(key, path)| {
            let missing = || format!("`idx` wants four files, and `data.{key}` is missing");
            path.clone().ok_or_else(|| ConfigError::new("dataset", missing()))
        });
        if let Some(classes) = &self.classes {
            if !(2..=MOST_CLASSES).contains(&classes.len()) {
                let message = format!("must be 2 to {MOST_CLASSES} names, are {}", classes.len());
                return Err(ConfigError::new("classes", message));
            }
            check_class_names(classes).map_err(|message| ConfigError::new("classes", message))?;
        }
        Ok(UserFiles {
            train_images: train_images?,
            train_labels: train_labels?,
            test_images: test_images?,
            test_labels: test_labels?,
            classes: self.classes.clone(),
        })
    }

    /// The settings that are paths of the user's own files, by their keys, in the order of [`PATH_SETTINGS`].
    pub fn paths(&self) -> [(&'static str, &Option<PathBuf>); 6] {
        [
            ("train_images", &self.train_images),
            ("train_labels", &self.train_labels),
            ("test_images", &self.test_images),
            ("test_labels", &self.test_labels),
            ("train", &self.train),
            ("test", &self.test),
        ]
    }

    pub(crate) fn paths_mut(&mut self) -> [(&'static str, &mut Option<PathBuf>); 6] {
        [
            ("train_images", &mut self.train_images),
            ("train_labels", &mut self.train_labels),
            ("test_images", &mut self.test_images),
            ("test_labels", &mut self.test_labels),
            ("train", &mut self.train),
            ("test", &mut self.test),
        ]
    }

    /// Without files of the user's own.
    pub fn without_files(self) -> DataConfig {
        let mut without = DataConfig { classes: None, ..self };
        without.paths_mut().into_iter().for_each(|(_, path)| *path = None);
        without
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: &str = "dataset = \"idx\"\ntrain_images = \"a\"\ntrain_labels = \"b\"\n\
                         test_images = \"c\"\ntest_labels = \"d\"\n";

    const SERIES: &str = "dataset = \"ts\"\ntrain = \"a\"\ntest = \"b\"\n";

    fn parse(text: &str) -> DataConfig {
        toml::from_str(text).unwrap()
    }

    #[track_caller]
    fn refused(text: &str, key: &str) {
        assert_eq!(parse(text).resolve().unwrap_err().key, key);
    }

    #[test]
    fn impossible_settings_are_refused_by_key() {
        refused("limit = 0", "data.limit");
        refused("train_images = \"a\"", "data.train_images");
        refused("train = \"a\"", "data.train");
        refused("dataset = \"ts\"\ntrain = \"a\"", "data.dataset");
        refused(&format!("{SERIES}train_images = \"a\""), "data.train_images");
        refused(&format!("{SERIES}classes = [\"a\", \"b\"]"), "data.classes");
        refused(&format!("{SERIES}invert = true"), "data.invert");
        refused(&format!("{SERIES}[augment]\nshift = 1"), "data.augment");
        refused(&format!("{SERIES}fallback = \"synthetic\""), "data.fallback");
        refused("dataset = \"synthetic-series\"\nfallback = \"synthetic\"", "data.fallback");
        refused("dataset = \"synthetic-series\"\nvalidation = 1000000", "data.validation");
        refused("standardise = false", "data.standardise");
        refused("missing = \"mean\"", "data.missing");
        refused("dataset = \"synthetic\"\nclasses = [\"a\", \"b\"]", "data.classes");
        refused("dataset = \"idx\"\ntrain_images = \"a\"", "data.dataset");
        refused("validation = 60000", "data.validation");
        refused("limit = 10\nvalidation = 10", "data.validation");
        refused(&format!("{FILES}classes = [\"a\", \"\"]"), "data.classes");
        refused(&format!("{FILES}classes = [\"a\"]"), "data.classes");
        refused(&format!("{FILES}classes = [\"a\", \"b\", \"a\"]"), "data.classes");
        refused(&format!("{FILES}fallback = \"synthetic\""), "data.fallback");
    }

    #[test]
    fn the_default_is_all_of_mnist() {
        let plan = parse("").resolve().unwrap();
        assert!(matches!(plan.source, Source::Published(published) if published.name == "mnist"));
        assert_eq!((plan.validation, plan.limit, plan.fallback), (0, usize::MAX, Fallback::None));
    }

    #[test]
    fn paths_within_a_project_move_with_it() {
        let project = tempfile::tempdir().unwrap();
        let run = project.path().join("runs/x/001");
        std::fs::create_dir_all(&run).unwrap();
        let mut config = parse(FILES);
        config.anchor(&project.path().join("exp"));
        config.test_labels = Some("/elsewhere/d".into());
        config.relate(&run, project.path());
        let paths: Vec<&PathBuf> = config.paths().into_iter().filter_map(|(_, path)| path.as_ref()).collect();
        assert_eq!(
            paths,
            ["../../../exp/a", "../../../exp/b", "../../../exp/c", "/elsewhere/d"].map(Path::new)
        );
        // A run elsewhere has nothing to be relative to.
        let mut config = parse(FILES);
        config.anchor(Path::new("/experiments"));
        let before = config.clone();
        config.relate(&run, &project.path().join("runs/y"));
        assert_eq!(config, before);
    }

    #[test]
    fn anchored_paths_mean_the_same_anywhere() {
        let mut config = parse(FILES);
        config.train_labels = Some("/elsewhere/b".into());
        config.anchor(Path::new("/experiments"));
        let Source::Files(files) = config.resolve().unwrap().source else { panic!() };
        assert_eq!(files.train_images, Path::new("/experiments/a"));
        assert_eq!(files.train_labels, Path::new("/elsewhere/b"));
        config.anchor(Path::new("/other"));
        assert_eq!(config.train_images, Some("/experiments/a".into()));
    }
}
