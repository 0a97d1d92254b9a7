//! The description beside weights, which [`Description`](crate::Description) wrote: what net they are of, and
//! what its images were like.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use birnn_data::name::shown;
use birnn_data::{MOST_CLASSES, Modality, Preprocessing, Recorded, Series, check_class_names};
use birnn_experiment::{ExperimentError, Source};
use birnn_formats::short_name;
use birnn_infer::{Classify, LARGEST_SIDE, Task};

use crate::description::{Description, description_path};

/// Bytes of a description, far more than any needs.
const LARGEST: u64 = 1 << 24;

/// A description that was found beside weights.
#[derive(Debug)]
pub struct Beside {
    /// The file.
    pub path: PathBuf,
    /// What it says.
    pub description: Description,
    /// Its experiment as it is written there.
    written: Source,
}

impl Beside {
    /// The one beside `weights`. What is no description of birnn's is told of and passed over.
    pub fn of(weights: &Path) -> Option<Beside> {
        let path = description_path(weights);
        if !path.is_file() {
            return None;
        }
        match read(&path) {
            Ok((description, written)) => Some(Beside { path, description, written }),
            Err(problem) => {
                let problem = short_name(&problem);
                tracing::warn!(
                    "{}: passed over, as birnn cannot read a net's description in it: {problem}",
                    shown(&path)
                );
                None
            }
        }
    }

    /// Its experiment, `sets` applied.
    pub fn source(&self, sets: &[String]) -> Result<Source, ExperimentError> {
        self.written.with(sets)
    }

    /// What the images were like, as far as `source` has the experiment's own; where it differs, it is right.
    pub fn preprocessing(&self, source: &Source) -> Option<Preprocessing> {
        let (now, then) = (&source.experiment().data, &self.written.experiment().data);
        let mut images = self.description.preprocessing?;
        if now.invert != then.invert {
            images = images.inverted();
        }
        images.transposed ^= now.transpose.unwrap_or(false) != then.transpose.unwrap_or(false);
        if source.is_set("data.framing") {
            images.framing = now.framing.unwrap_or(images.framing);
        }
        Some(images)
    }

    /// The data set that synthetic digits stood in for, if they did.
    pub fn substitute_for(&self) -> Option<&str> {
        Recorded(&self.description.data).substitute_for()
    }
}

fn read(path: &Path) -> Result<(Description, Source), String> {
    let mut text = String::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(LARGEST).read_to_string(&mut text).map_err(|error| error.to_string())?;
    let found: Description = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let can_be = |size: usize| (1..=LARGEST_SIDE).contains(&size);
    let fits = match found.modality() {
        Some(Modality::Images { shape: [rows, columns], .. }) => can_be(rows) && can_be(columns),
        Some(Modality::Series(_) | Modality::Text(_)) => can_be(found.columns),
        None => {
            let series = found.series.as_ref().map_or(Ok(()), Series::check);
            let contradiction = || "it says neither what images nor what series the net reads".to_owned();
            return Err(series.err().unwrap_or_else(contradiction));
        }
    };
    if !fits {
        let rows = found.rows.map_or_else(String::new, |rows| format!("{rows} x "));
        return Err(format!("{rows}{} values cannot be", found.columns));
    }
    match Task::try_from(found.task.clone())? {
        Task::Classify(Classify { classes, .. }) => {
            if !(1..=MOST_CLASSES).contains(&classes.len()) {
                return Err(format!("{} classes cannot be", classes.len()));
            }
            check_class_names(&classes).map_err(|problem| format!("classes: {problem}"))?;
        }
        Task::Regress(task) => task.scale.check()?,
    }
    let source =
        Source::parse(path, found.experiment.clone(), &[]).map_err(|error| format!("experiment: {error}"))?;
    source.plan().map_err(|error| format!("experiment: {error}"))?;
    Ok((found, source))
}
