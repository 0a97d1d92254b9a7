//! The networks that are served: from their files, by name, exchanged for newer ones while they are asked.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use birnn_data::Unit;
use birnn_infer::{Precision, Predictor, WeightsError, cpu};
use birnn_page::About;
use birnn_run::{NoWeights, find_weights, weights_of};

use crate::asked::Reader;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::queue::Queue;

/// Why networks cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// There are no weights.
    #[error(transparent)]
    NoWeights(#[from] NoWeights),
    /// They cannot be used.
    #[error("{error}")]
    Weights {
        /// The run, or the file, that was named.
        run: PathBuf,
        /// Why.
        error: WeightsError,
    },
    /// Two would have one name.
    #[error("two networks would be called `{0}`; give one another name: NAME=RUN")]
    Twice(String),
    /// It cannot stand in a path.
    #[error("`{0}` is no name for a network: letters, digits, `-`, `_` and `.`; give it one: NAME=RUN")]
    Name(String),
    /// Threads cannot be had.
    #[error("no threads to answer with: {0}")]
    Threads(std::io::Error),
}

/// A network to serve, as a user names it: `RUN` or `NAME=RUN`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// What it is to be called; where it is not said, as its file is, and a run as its experiment.
    pub name: Option<String>,
    /// A run directory, or a weights file.
    pub run: PathBuf,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Models {
    all: BTreeMap<String, Model>,
    precision: Precision,
    limits: Limits,
    metrics: Arc<Metrics>,
}

#[derive(Debug)]
struct Model {
    run: PathBuf,
    current: RwLock<Arc<Loaded>>,
    /// What was found last and could not be used, be it that there was no file.
    refused: Mutex<Option<Option<Stamp>>>,
}

/// A network as its file was when it was read. It answers until the last who asked it has gone.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// What clients are told of it.
    pub(crate) about: About,
    pub(crate) queue: Queue,
    stamp: Option<Stamp>,
}

/// By what a file is told from the one that was there before: one of the same length and time is another
/// where it was put in its place, and who may read it is a change, too.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    weights: PathBuf,
    written: Option<SystemTime>,
    length: u64,
    inode: [u64; 2],
    changed: [i64; 2],
}

impl Models {
    /// Reads them all.
    pub(crate) fn open(
        named: &[Named],
        precision: Precision,
        limits: Limits,
        metrics: Arc<Metrics>,
    ) -> Result<Models, ModelError> {
        let mut all = BTreeMap::new();
        for Named { name, run } in named {
            let (stamp, predictor) = read(run, precision)?;
            let name = name.clone().unwrap_or_else(|| usual_name(run, &predictor));
            if !can_be_name(&name) {
                return Err(ModelError::Name(name));
            }
            if all.contains_key(&name) {
                return Err(ModelError::Twice(name));
            }
            let loaded = Loaded::new(&name, run, stamp, predictor, limits, &metrics)?;
            let current = RwLock::new(Arc::new(loaded));
            all.insert(name, Model { run: run.clone(), current, refused: Mutex::default() });
        }
        Ok(Models { all, precision, limits, metrics })
    }

    /// The network of a name, as it is now.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Loaded>> {
        self.all.get(name).map(Model::loaded)
    }

    /// All as they are now, by name.
    pub(crate) fn each(&self) -> impl Iterator<Item = Arc<Loaded>> {
        self.all.values().map(Model::loaded)
    }

    /// Takes the files that are there now in place of those that were, where they are others or `all` are
    /// wanted. One that cannot be used is told of, and the network that is there goes on.
    pub(crate) fn refresh(&self, all: bool) {
        for (name, model) in &self.all {
            let stamp = stamp_of(&model.run);
            let mut refused = model.refused.lock().unwrap_or_else(PoisonError::into_inner);
            let is_known = stamp == model.loaded().stamp || refused.as_ref() == Some(&stamp);
            if is_known && !all {
                continue;
            }
            let loaded = read(&model.run, self.precision).and_then(|(stamp, predictor)| {
                Loaded::new(name, &model.run, stamp, predictor, self.limits, &self.metrics)
            });
            self.metrics.reloaded(name, loaded.is_ok());
            match loaded {
                Ok(loaded) => {
                    *refused = None;
                    tracing::info!("{name}: took new weights, {}", loaded.about.sha256);
                    *model.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(loaded);
                }
                Err(error) => {
                    tracing::error!(
                        "{name}: the new weights cannot be used, and the old ones go on: {error}"
                    );
                    // Told once, and not at every look.
                    *refused = Some(stamp);
                }
            }
        }
    }
}

impl Model {
    fn loaded(&self) -> Arc<Loaded> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn stamp_of(run: &Path) -> Option<Stamp> {
    let weights = find_weights(run).ok()?;
    let known = weights.metadata().ok()?;
    let inode = [known.dev(), known.ino()];
    let changed = [known.ctime(), known.ctime_nsec()];
    Some(Stamp { weights, written: known.modified().ok(), length: known.len(), inode, changed })
}

fn read(run: &Path, precision: Precision) -> Result<(Option<Stamp>, Predictor), ModelError> {
    let weights = weights_of(run)?;
    // Before it is read: of a file that is exchanged meanwhile the next look finds another.
    let stamp = stamp_of(run);
    let predictor = Predictor::with_precision(&weights, precision)
        .map_err(|error| ModelError::Weights { run: run.to_owned(), error })?;
    Ok((stamp, predictor))
}

/// The name of its file, where that is its own and can be one; else that of its experiment.
fn usual_name(run: &Path, predictor: &Predictor) -> String {
    let file = run.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let of_run = run.is_dir() || file == "model";
    if !of_run && can_be_name(&file) {
        return file;
    }
    predictor.manifest().experiment().name.clone().unwrap_or(file)
}

/// Whether a network can be called so in a path.
fn can_be_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !name.is_empty() && !name.starts_with('.') && name.chars().all(is_plain)
}

impl Loaded {
    fn new(
        name: &str,
        run: &Path,
        stamp: Option<Stamp>,
        predictor: Predictor,
        limits: Limits,
        metrics: &Metrics,
    ) -> Result<Loaded, ModelError> {
        let manifest = predictor.manifest();
        let doubts = [manifest.substitution(), manifest.guessed_preprocessing(run)];
        doubts.into_iter().flatten().for_each(|doubt| tracing::warn!("{name}: {doubt}"));
        let about = About::new(name, manifest, predictor.network().architecture().to_string());
        let unit = about.unit.unwrap_or(Unit::Words);
        let reader = Reader { modality: manifest.modality.clone(), unit, limits };
        let queue = Queue::start(predictor, reader, cpu::threads(), metrics.of_model(name));
        Ok(Loaded { about, queue: queue.map_err(ModelError::Threads)?, stamp })
    }
}
