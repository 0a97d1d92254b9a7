//! Whether data is what a net is for, decided before it is asked.

use std::fmt;
use std::path::{Path, PathBuf};

use birnn_architecture::Head;
use birnn_data::name::{first, shown, typed};
use birnn_data::{
    DataConfig, Dataset, IllegalTag, Modality, Per, Preprocessing, Recorded, Series, Splits, TargetValues,
    Wanted,
};

use crate::manifest::Manifest;
use crate::task::Task;

/// What there is to say of series of so many values per step that a net for `features` of them cannot read,
/// which were read as the table of `data`, if they were.
pub fn other_features(found: usize, features: usize, data: Option<&DataConfig>) -> Option<String> {
    let of_no_table = match data.is_some_and(|data| data.dataset != Dataset::Table) {
        true => ": each column was read as a value, as the net's experiment describes no table",
        false => "",
    };
    (found != features).then(|| {
        format!("its series have {found} values per step, and the net reads {features}{of_no_table}")
    })
}

/// Why a net cannot be judged by some data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsuited {
    /// The images are of another size, the series have other features, the data is of another kind (images,
    /// series, text), another thing is asked for, or there are more or fewer classes or numbers.
    #[error("is for {net}, these are {data}; name a net for these, or other data")]
    Shape {
        /// What the net is for.
        net: String,
        /// The same of the data.
        data: String,
    },
    /// The classes, or the numbers, are the same in another order, and would be judged wrongly.
    #[error(
        "its {what} are in the order {}, the data's in {}; `data.classes` says which class is which, in a .ts file its \
         line `@classLabel`, and `data.target` the order of numbers",
        first(.net), first(.data)
    )]
    Order {
        /// Classes or numbers.
        what: &'static str,
        /// The net's.
        net: Vec<String>,
        /// The data's.
        data: Vec<String>,
    },
    /// It never gives some of the tags.
    #[error(transparent)]
    Forbidden(Box<ForbiddenTags>),
}

/// Tags that a conditional random field never gives.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "of the {part} {noun} number {sequence}, at step {}: {tag}, and a conditional random field gives nothing else: mend the \
     data, let no window part a span, or, to have it give any tag, --set task.constrain=false",
    tag.at + 1
)]
pub struct ForbiddenTags {
    /// Of which part.
    pub part: &'static str,
    /// What its sequences are called.
    pub noun: &'static str,
    /// Which of them, from 1.
    pub sequence: usize,
    /// The first of its tags that cannot stand there.
    pub tag: IllegalTag,
}

/// What can be, but hardly is what was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataWarning {
    /// The classes, or the numbers, have other names.
    Names {
        /// Classes or numbers.
        what: &'static str,
        /// The net's.
        net: Vec<String>,
        /// The data's.
        data: Vec<String>,
    },
    /// The images are shown to the net otherwise than those that it learnt from.
    Preprocessing {
        /// Those that it learnt from.
        net: Preprocessing,
        /// These.
        data: Preprocessing,
    },
    /// Series are much shorter or longer than those that the net learnt from.
    Steps {
        /// The fewest and the most steps of those that it learnt from.
        net: [usize; 2],
        /// Of these.
        data: [usize; 2],
    },
    /// Files have other content than when the net was trained.
    Changed {
        /// Which.
        files: Vec<PathBuf>,
        /// Whether the test samples are a share of what is to learn from: now it is another one.
        share: bool,
    },
    /// The same files are parted into other groups than when the net was trained, as an earlier birnn read
    /// them.
    Divided,
}

impl fmt::Display for DataWarning {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            DataWarning::Names { what, net, data } => write!(
                f,
                "its {what} are {}, the data's {}: they are taken for each other in this order",
                first(net),
                first(data)
            ),
            DataWarning::Preprocessing { net, data } => write!(
                f,
                "learnt from images {net}; these are {data}: data.invert and data.transpose say how they are \
                 read"
            ),
            DataWarning::Steps { net, data } => write!(
                f,
                "learnt from series of {} to {} steps; these have {} to {}",
                net[0], net[1], data[0], data[1]
            ),
            DataWarning::Changed { files, share } => {
                let names: Vec<String> = files.iter().map(|path| shown(path).to_string()).collect();
                let names = names.join(", ");
                write!(f, "its data is not what it was when the run was trained; other content: {names}")?;
                match share {
                    true => {
                        f.write_str("; the test samples are a share of it, divided anew: the net may have learnt from some")
                    }
                    false => Ok(()),
                }
            }
            DataWarning::Divided => f.write_str(
                "its data is parted into other groups than when the run was trained: the net may have learnt from samples of the \
                 test; train it anew",
            ),
        }
    }
}

impl Manifest {
    /// What there is to say where synthetic digits stood in for what the net was to be trained on.
    pub fn substitution(&self) -> Option<String> {
        let dataset = self.recorded().substitute_for()?.to_uppercase();
        Some(format!("trained on SYNTHETIC DIGITS, NOT ON {dataset}"))
    }

    /// What there is to say of pictures where it is not known what the training images of the net in
    /// `weights` were like.
    pub fn guessed_preprocessing(&self, weights: &Path) -> Option<String> {
        let Modality::Images { preprocessing: None, .. } = self.modality else { return None };
        Some(format!(
            "it is not known what its training images were like; pictures are prepared as MNIST's: {}; to say otherwise: \
             birnn export {1} net.ckpt, then birnn import net.ckpt --out net.safetensors --set data.invert=true --set \
             data.framing=resize, as it was",
            Preprocessing::default(),
            typed(weights)
        ))
    }

    /// Whether the net is for such samples and classes, and what there is to say of it where it is.
    ///
    /// # Errors
    ///
    /// Where its answers would be none, or be judged wrongly.
    pub fn suits(&self, splits: &Splits) -> Result<Vec<DataWarning>, Unsuited> {
        let (net, data) = (self.task.wanted(), splits.test.targets.wanted());
        let (own, names) = (self.task.names(), splits.outputs.names());
        let size = |modality: &Modality| (modality.shape(), modality.features());
        if (net, own.len(), size(&self.modality)) != (data, names.len(), size(&splits.modality)) {
            let (net, data) = (told(&self.modality, net, own), told(&splits.modality, data, names));
            return Err(Unsuited::Shape { net, data });
        }
        let mut warnings = Vec::new();
        if own != names {
            let (what, net, data) = (net.kind.noun(), own.to_vec(), names.to_vec());
            if net.iter().all(|name| data.contains(name)) {
                return Err(Unsuited::Order { what, net, data });
            }
            warnings.push(DataWarning::Names { what, net, data });
        }
        warnings.extend(match (&self.modality, &splits.modality) {
            (
                Modality::Images { preprocessing: Some(net), .. },
                Modality::Images { preprocessing: Some(data), .. },
            ) => preprocessing_warning(*net, *data),
            (Modality::Series(net), Modality::Series(_)) => steps_warning(net, splits),
            _ => None,
        });
        match self.forbidden_tags(splits) {
            Some(forbidden) => Err(Unsuited::Forbidden(forbidden.into())),
            None => Ok(warnings),
        }
    }

    /// The first sequence whose tags its conditional random field would never give, as their scheme forbids
    /// them: their loss is infinite.
    pub fn forbidden_tags(&self, splits: &Splits) -> Option<ForbiddenTags> {
        let Task::Classify(task) = &self.task else { return None };
        let (Some(_), Ok(Some(tags))) = (self.task.legal_tags(), task.tag_set()) else { return None };
        if self.experiment().model.head != Head::Crf {
            return None;
        }
        let parts = [("training", &splits.train), ("validation", &splits.validation), ("test", &splits.test)];
        parts.into_iter().find_map(|(part, split)| {
            let TargetValues::Classes(classes) = &split.targets.values else { return None };
            let mut rest = classes.as_slice();
            split.sequences.lengths().enumerate().find_map(|(index, steps)| {
                let own = rest.split_off(..steps)?;
                if own.iter().any(|&class| usize::from(class) >= task.classes.len()) {
                    return None;
                }
                let tag = tags.first_illegal(own)?;
                Some(ForbiddenTags { part, sequence: index + 1, noun: self.modality.noun(), tag })
            })
        })
    }

    /// Which files of its run's own data, as it is now, have other content than when it was trained, if any
    /// have. One of another name was asked for in place of the run's, and is none that has changed.
    pub fn changed(&self, splits: &Splits) -> Option<DataWarning> {
        let files = &splits.provenance.files;
        let changed = self.changed_files(&serde_json::json!({ "files": files }));
        let is_its_own = |index: &usize| {
            let name = self.data["files"][*index]["name"].as_str();
            name.is_none_or(|name| name == files[*index].name)
        };
        let changed = changed.into_iter().filter(is_its_own);
        let files: Vec<PathBuf> = changed.map(|index| files[index].path.clone()).collect();
        if files.is_empty() {
            // A test file of its own is no part of what was parted.
            let division = splits.provenance.division.as_ref();
            let groups = division.filter(|of| of.test_share.is_some()).and_then(|of| of.groups);
            // What is kept back may be none, where it is not asked for.
            let differ = |(before, [.., now]): ([u64; 3], [usize; 3])| before[2] != now as u64;
            let before = Some(self.recorded()).filter(|recorded| recorded.has_test_share());
            let before = before.and_then(Recorded::groups);
            return before.zip(groups).filter(|&both| differ(both)).map(|_| DataWarning::Divided);
        }
        let share = splits.provenance.division.as_ref().is_some_and(|division| division.test_share.is_some());
        Some(DataWarning::Changed { files, share })
    }
}

/// What a net is for, or data is of.
fn told(modality: &Modality, wanted: Wanted, names: &[String]) -> String {
    let per = match wanted.per {
        Per::Sequence => "",
        Per::Step => " for each step",
    };
    let outputs = format!("{} {}{per}", names.len(), wanted.kind.noun());
    match modality {
        Modality::Images { shape: [rows, cols], .. } => {
            format!("{rows} x {cols} images of {outputs}")
        }
        Modality::Series(series) => {
            let (features, s) = (series.features(), if series.features() == 1 { "" } else { "s" });
            format!("series of {features} value{s} per step, of {outputs}")
        }
        Modality::Text(_) => format!("sentences of {outputs}"),
    }
}

fn preprocessing_warning(net: Preprocessing, data: Preprocessing) -> Option<DataWarning> {
    let differs = (net.ground, net.transposed) != (data.ground, data.transposed);
    differs.then_some(DataWarning::Preprocessing { net, data })
}

/// Twice as long as any that the net learnt from, or half as long, is something else.
fn steps_warning(net: &Series, splits: &Splits) -> Option<DataWarning> {
    let lengths = || splits.test.sequences.lengths();
    let (net, data) = (net.steps?, [lengths().min()?, lengths().max()?]);
    let differs = data[1] > net[1].saturating_mul(2) || data[0].saturating_mul(2) < net[0];
    differs.then_some(DataWarning::Steps { net, data })
}

#[cfg(test)]
mod tests {
    use birnn_data::{DataConfig, Dataset, Division, Locations, Sequences, Split, SplitBy, Values};

    use super::*;
    use crate::made_up;
    use crate::task::Task;

    /// Drawn digits, and a net for them.
    fn digits() -> (Manifest, Splits) {
        let config = DataConfig { dataset: Dataset::Synthetic, limit: Some(10), ..DataConfig::default() };
        let plan = config.resolve().unwrap();
        let splits = birnn_data::load(&plan, &Locations::new(None, true), &mut |_| ()).unwrap();
        let (_, mut manifest) = made_up::net();
        manifest.modality = splits.modality.clone();
        manifest.task = Task::classify(splits.outputs.names().to_vec());
        (manifest, splits)
    }

    fn series() -> Series {
        Series { steps: Some([7, 29]), ..Series::plain(vec![0.0; 2]) }
    }

    #[test]
    fn series_of_another_length_are_warned_of() {
        let (mut manifest, mut splits) = digits();
        manifest.modality = Modality::Series(series());
        splits.modality = manifest.modality.clone();
        let mut told = |lengths: &[usize]| {
            let values = vec![0.0; 2 * lengths.iter().sum::<usize>()];
            let sequences = Sequences::new(Values::Floats(values), 2, lengths.iter().copied());
            splits.test = Split::classified(sequences, vec![0; lengths.len()]);
            manifest.suits(&splits).unwrap().iter().map(ToString::to_string).collect::<String>()
        };
        assert_eq!(told(&[4, 58]), "");
        let expected = |steps: &str| format!("learnt from series of 7 to 29 steps; these have {steps}");
        assert_eq!(told(&[3, 9]), expected("3 to 9"));
        assert_eq!(told(&[9, 59]), expected("9 to 59"));
        // As no training leaves it.
        manifest.modality = Modality::Series(Series { steps: Some([1, usize::MAX]), ..series() });
        assert!(manifest.suits(&splits).unwrap().is_empty());
    }

    /// What is said of a net for digits that was changed so.
    fn told(change: impl FnOnce(&mut Manifest)) -> Result<Vec<String>, String> {
        let (mut manifest, splits) = digits();
        change(&mut manifest);
        let found = manifest.suits(&splits);
        found.map(|all| all.iter().map(ToString::to_string).collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_would_be_judged_wrongly_is_refused() {
        assert_eq!(told(|_| ()), Ok(Vec::new()));
        let images = |shape| Modality::Images { shape, preprocessing: None };
        let error = told(|net| net.modality = images([8, 8])).unwrap_err();
        let expected =
            "is for 8 x 8 images of 10 classes, these are 28 x 28 images of 10 classes; name a net";
        assert!(error.starts_with(expected), "{error}");
        let error = told(|net| net.modality = Modality::Series(series())).unwrap_err();
        let expected = "is for series of 2 values per step, of 10 classes, these are 28 x 28 images of 10";
        assert!(error.starts_with(expected), "{error}");
        assert!(told(|net| drop(made_up::classes(net).pop())).unwrap_err().contains("images of 9 classes"));
        let error = told(|net| made_up::classes(net).reverse()).unwrap_err();
        assert!(error.starts_with("its classes are in the order 9, 8"), "{error}");
    }

    #[test]
    fn what_is_hardly_meant_is_warned_of() {
        let warnings = told(|net| made_up::classes(net)[3] = "three".to_owned()).unwrap();
        assert!(warnings.len() == 1 && warnings[0].contains("are taken for each other"), "{warnings:?}");
        let turned = |net: &mut Manifest| {
            let Modality::Images { preprocessing: Some(net), .. } = &mut net.modality else { panic!() };
            net.transposed = !net.transposed;
        };
        let unknown = |net: &mut Manifest| {
            let Modality::Images { preprocessing, .. } = &mut net.modality else { panic!() };
            *preprocessing = None;
        };
        let warnings = told(turned).unwrap();
        assert!(warnings.len() == 1 && warnings[0].starts_with("learnt from images"), "{warnings:?}");
        assert_eq!(told(unknown), Ok(Vec::new()), "nobody knows");
    }

    #[test]
    fn a_file_of_other_content_is_named() {
        let (mut manifest, mut splits) = digits();
        let file = |content: &str| serde_json::json!({ "content_sha256": content });
        manifest.data = serde_json::json!({ "files": [file("a"), file("b")] });
        for (name, content_sha256) in [("one", "a"), ("two", "c")] {
            let (path, content_sha256) = (PathBuf::from(name), content_sha256.to_owned());
            let file = birnn_data::VerifiedFile { path, name: name.to_owned(), content_sha256 };
            splits.provenance.files.push(file);
        }
        let found = manifest.changed(&splits);
        assert_eq!(found, Some(DataWarning::Changed { files: vec!["two".into()], share: false }));
        manifest.data["files"][1]["name"] = "old".into();
        assert_eq!(manifest.changed(&splits), None);
        manifest.data["files"][1]["name"] = "two".into();
        assert_eq!(manifest.changed(&splits), found);
        // As of a run that parted series by themselves, and not by their groups.
        let groups = |groups: [usize; 3]| {
            let (by, groups) = (SplitBy::Group, Some(groups));
            Some(Division { by, of: 10, test_share: Some(0.2), window: None, steps_left_out: None, groups })
        };
        splits.provenance.files.truncate(1);
        splits.provenance.division = groups([2, 0, 1]);
        for (before, expected) in [([24, 6, 10], Some(DataWarning::Divided)), ([1, 1, 1], None)] {
            manifest.data["division"] = serde_json::to_value(groups(before)).unwrap();
            assert_eq!(manifest.changed(&splits), expected);
        }
        manifest.data["division"] = serde_json::to_value(groups([24, 6, 10])).unwrap();
        splits.provenance.division = splits.provenance.division.map(|of| Division { test_share: None, ..of });
        assert_eq!(manifest.changed(&splits), None);
        manifest.data = serde_json::Value::Null;
        assert_eq!(manifest.changed(&splits), None);
    }
}
