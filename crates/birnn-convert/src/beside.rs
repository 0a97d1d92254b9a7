//! The description beside weights, which [`Description`](crate::Description) wrote: what net they are of, and
//! what its images were like.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use birnn_data::name::shown;
use birnn_data::{
    Dataset, MOST_CLASSES, Modality, Preprocessing, Recorded, Series, Text, Unit, check_class_names, escape,
};
use birnn_experiment::{ExperimentError, Source};
use birnn_formats::InferredModel;
use birnn_infer::{Classify, LARGEST_SIDE, Task};

use crate::description::{Description, description_path};
use crate::inferred::{config_of, inferred};

/// Bytes of a description: it may list a million words.
const LARGEST: u64 = 1 << 27;

/// Characters of what is wrong with one, at most: with the way out.
const LONGEST_PROBLEM: usize = 1000;

/// Keys by which a file is known for a description, whatever is wrong with it.
const OWN_KEYS: [&str; 6] = ["classes", "regress", "rows", "series", "text", "experiment"];

/// Characters of a word that is named.
const LONGEST_WORD: usize = 40;

/// A description that was found beside weights.
#[derive(Debug)]
pub struct Beside {
    /// The file.
    pub path: PathBuf,
    /// What it says.
    pub description: Description,
    /// Its experiment as it is written there, or where it is not as the weights tell it.
    written: Source,
}

impl Beside {
    /// The one beside `weights`, in which `found` was found. What is no description of birnn's is told of and
    /// passed over.
    ///
    /// # Errors
    ///
    /// What is wrong with one that was meant to be such.
    pub fn of(weights: &Path, found: &InferredModel) -> Result<Option<Beside>, String> {
        let path = description_path(weights);
        if !path.is_file() {
            return Ok(None);
        }
        let text = text_of(&path);
        let is_meant = |text: &String| OWN_KEYS.iter().any(|key| text.contains(&format!("\"{key}\"")));
        let is_meant = text.as_ref().is_ok_and(is_meant);
        match text.and_then(|text| read(&path, &text, found)) {
            Ok((description, written)) => {
                if let Some(problem) = description.text.as_ref().and_then(unread) {
                    tracing::warn!("{}: {problem}", shown(&path));
                }
                let keys: Vec<&str> = description.unknown.keys().map(String::as_str).collect();
                if !keys.is_empty() {
                    let keys = escape::short(&keys.join(", "), LONGEST_PROBLEM);
                    tracing::warn!(
                        "{}: passed over, as a description has no such keys: {keys}",
                        shown(&path)
                    );
                }
                Ok(Some(Beside { path, description, written }))
            }
            Err(problem) => {
                let (path, problem) = (shown(&path), escape::short(&problem, LONGEST_PROBLEM));
                if is_meant {
                    return Err(format!(
                        "{path}: birnn cannot read the net's description in it: {problem}; mend it, move it away, or say with \
                         --config what net it is"
                    ));
                }
                tracing::warn!(
                    "{path}: passed over, as birnn cannot read a net's description in it: {problem}"
                );
                Ok(None)
            }
        }
    }

    /// Its experiment, `sets` applied.
    pub fn source(&self, sets: &[String]) -> Result<Source, ExperimentError> {
        self.written.with(sets)
    }

    /// Whether it has the experiment, and so what leaves no trace in weights.
    pub fn tells_experiment(&self) -> bool {
        !self.description.experiment.is_empty()
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

/// That it knows words which no token is read as, if it does.
fn unread(text: &Text) -> Option<String> {
    let words = || text.unread();
    let word = words().next()?;
    Some(format!(
        "{} of the {} words that it knows, such as {}, are never read: tokens are brought to other letters or digits \
         before (`lowercase`, `merge_digits`)",
        words().count(),
        text.words.len(),
        escape::short(word, LONGEST_WORD)
    ))
}

fn text_of(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(LARGEST).read_to_string(&mut text).map_err(|error| error.to_string())?;
    Ok(text)
}

fn read(path: &Path, text: &str, weights: &InferredModel) -> Result<(Description, Source), String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let found: Description = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let can_be = |size: usize| (1..=LARGEST_SIDE).contains(&size);
    let fits = match found.modality() {
        Some(Modality::Images { shape: [rows, columns], .. }) => can_be(rows) && can_be(columns),
        Some(Modality::Series(_)) => can_be(found.columns),
        // How wide its vectors are, the weights tell.
        Some(Modality::Text(_)) => true,
        None => {
            let series = found.series.as_ref().map_or(Ok(()), Series::check);
            let text = found.text.as_ref().map_or(Ok(()), Text::check);
            let contradiction = || "it does not say what images, series or words the net reads".to_owned();
            return Err(series.and(text).err().unwrap_or_else(contradiction));
        }
    };
    if !fits {
        let rows = found.rows.map_or_else(String::new, |rows| format!("{rows} x "));
        return Err(format!("{rows}{} values cannot be", found.columns));
    }
    let task = Task::try_from(found.task.clone())?;
    match &task {
        Task::Classify(Classify { classes, .. }) => {
            if !(1..=MOST_CLASSES).contains(&classes.len()) {
                return Err(format!("{} classes cannot be", classes.len()));
            }
            check_class_names(classes).map_err(|problem| format!("classes: {problem}"))?;
        }
        Task::Regress(task) => task.scale.check()?,
    }
    let other = found.unit.filter(|unit| *unit != Unit::default());
    if let (Some(_), Some(unit), true) = (&found.text, other, found.experiment.is_empty()) {
        return Err(format!(
            "unit: of a net whose tokens are {} an `experiment` is wanted, whose `[data]` says `dataset = \"texts\"` \
             and `unit`",
            unit.noun()
        ));
    }
    let source = match &found.text {
        Some(_) if found.experiment.is_empty() => {
            inferred(path, weights, Dataset::SyntheticText, config_of(&task), &[])
        }
        None if found.experiment.is_empty() => return Err("it has no `experiment`".to_owned()),
        _ => Source::parse(path, found.experiment.clone(), &[]),
    };
    let source = source.map_err(|error| format!("experiment: {error}"))?;
    source
        .experiment()
        .resolve()
        .map_err(|invalid| format!("experiment: {}: {}", invalid.key, invalid.message))?;
    if found.unit.is_some_and(|unit| unit != source.experiment().data.unit) {
        return Err("unit: it is not that of its `experiment`, whose `data.unit` says it".to_owned());
    }
    Ok((found, source))
}
