//! From a plan to samples in memory: found, downloaded, verified, split.

use sha2::{Digest, Sha256};

use crate::config::{DataPlan, Fallback, Source};
use crate::error::{ConfigError, DataError};
use crate::event::Event;
use crate::image::raw::RawImages;
use crate::image::synthetic;
use crate::locations::Locations;
use crate::modality::Modality;
use crate::obtain::obtain;
use crate::own::read_own;
use crate::provenance::Provenance;
use crate::sequences::Values;
use crate::series::own::read_series;
use crate::series::standardise::Series;
use crate::split::Split;
use crate::whole::{Whole, WholeKind};
use crate::{check, content, series};

/// Data that is ready to be trained on.
#[derive(Debug)]
pub struct Splits {
    /// To learn from.
    pub train: Split,
    /// To judge by while training; may be empty.
    pub validation: Split,
    /// To judge by at the end.
    pub test: Split,
    /// The names of the classes.
    pub classes: Vec<String>,
    /// What the samples are of, and how a net reads them.
    pub modality: Modality,
    /// Where it all came from.
    pub provenance: Provenance,
    /// What can be, but hardly is what was meant, by the setting that it is about.
    pub warnings: Vec<ConfigError>,
}

/// The digits are the same in every run, as a file's would be.
const SYNTHETIC_SEED: u64 = 0;

/// Brings the data of `plan` into memory, from disk, mirrors or code, and verifies all of it.
pub fn load(
    plan: &DataPlan,
    locations: &Locations,
    on_event: &mut dyn FnMut(Event),
) -> Result<Splits, DataError> {
    let whole = match &plan.source {
        Source::Synthetic => draw(plan.limit).prepare(plan),
        Source::Files(files) => read_own(files)?.prepare(plan),
        Source::SyntheticSeries => make(plan.limit),
        Source::Series(files) => read_series(files, plan.missing)?,
        Source::Published(published) => match (obtain(published, plan, locations, on_event), plan.fallback) {
            (Err(DataError::Unobtainable(reason)), Fallback::Synthetic) => {
                on_event(Event::Substituted { dataset: published.name, reason: &reason.to_string() });
                let stand_in = draw(plan.limit).prepare(plan);
                Whole { substitute_for: Some(published.name.to_owned()), ..stand_in }
            }
            (whole, _) => whole?,
        },
    };
    let mut warnings = Vec::new();
    let sorted = check::is_sorted_by_class(&whole.train.labels);
    let known = check::classes_in(&whole.train.labels);
    let train = whole.train.first(plan.limit);
    if plan.source.is_own() {
        warnings.extend(check::overlap(&train, &whole.test, &plan.source));
    }
    let (train, validation) = train.keep_back(plan.validation, plan.source.noun())?;
    let provenance = Provenance {
        dataset: whole.dataset.to_owned(),
        substitute_for: whole.substitute_for,
        files: whole.files,
        train: train.len(),
        validation: validation.len(),
        test: whole.test.len(),
        sha256: digest([&train, &validation, &whole.test]),
    };
    warnings.extend(check::untrained(&train.labels, &whole.classes, &known, sorted, plan));
    let modality = match whole.kind {
        WholeKind::Images { shape, preprocessing } => {
            Modality::Images { shape, preprocessing: Some(preprocessing) }
        }
        WholeKind::Series => {
            warnings.extend(check::never_known(&train.sequences));
            Modality::Series(Series::of(&train.sequences, plan.missing, plan.standardise))
        }
    };
    let (test, classes) = (whole.test, whole.classes);
    Ok(Splits { train, validation, test, classes, modality, provenance, warnings })
}

fn digest(splits: [&Split; 3]) -> String {
    let mut hash = Sha256::new();
    for split in splits {
        match split.sequences.values() {
            Values::Bytes(bytes) => hash.update(bytes),
            Values::Floats(floats) => {
                split.sequences.lengths().for_each(|length| hash.update((length as u64).to_le_bytes()));
                floats.iter().for_each(|value| hash.update(value.to_le_bytes()));
            }
        }
        hash.update(&split.labels);
    }
    content::hexadecimal(&hash.finalize())
}

fn draw(limit: usize) -> RawImages {
    RawImages {
        dataset: "synthetic",
        substitute_for: None,
        train: synthetic::digits(SYNTHETIC_SEED, 0, synthetic::TRAIN.min(limit)),
        test: synthetic::digits(SYNTHETIC_SEED, synthetic::TRAIN as u64, synthetic::TEST),
        classes: synthetic::classes(),
        files: Vec::new(),
        stored: Some(synthetic::STORED),
    }
}

fn make(limit: usize) -> Whole {
    let made = |first: usize, count: usize| {
        let (sequences, labels) = series::synthetic::series(SYNTHETIC_SEED, first as u64, count);
        Split { sequences, labels }
    };
    Whole {
        dataset: "synthetic-series",
        substitute_for: None,
        train: made(0, series::synthetic::TRAIN.min(limit)),
        test: made(series::synthetic::TRAIN, series::synthetic::TEST),
        classes: series::synthetic::classes(),
        files: Vec::new(),
        kind: WholeKind::Series,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::config::UserFiles;
    use crate::dataset::Dataset;
    use crate::image::idx::tests::idx;
    use crate::obtain::tests::published;

    /// The four files of a tiny data set of two classes.
    pub(crate) fn files() -> [(&'static str, Vec<u8>); 4] {
        [
            ("a", idx(&[4, 2, 3], &[1; 24])),
            ("b", idx(&[4], &[0, 1, 1, 0])),
            ("c", idx(&[2, 2, 3], &[2; 12])),
            ("d", idx(&[2], &[1, 0])),
        ]
    }

    pub(crate) fn write(folder: &Path, files: &[(&str, Vec<u8>)]) {
        std::fs::create_dir_all(folder).unwrap();
        for (name, bytes) in files {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
    }

    fn own(folder: &Path) -> DataPlan {
        let path = |name| folder.join(name);
        let files = UserFiles {
            train_images: path("a"),
            train_labels: path("b"),
            test_images: path("c"),
            test_labels: path("d"),
            classes: None,
        };
        DataPlan { source: Source::Files(files), ..crate::DataConfig::default().resolve().unwrap() }
    }

    pub(crate) fn at(folder: &Path, offline: bool) -> Locations {
        Locations { folders: vec![folder.join("first"), folder.join("second")], offline }
    }

    fn shape(splits: &Splits) -> [usize; 2] {
        let Modality::Images { shape, .. } = splits.modality else { panic!("images were wanted") };
        shape
    }

    pub(crate) fn load_quietly(plan: &DataPlan, locations: &Locations) -> Result<Splits, DataError> {
        load(plan, locations, &mut |_| ())
    }

    #[test]
    fn four_files_of_any_size_are_a_data_set() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &files());
        let splits = load_quietly(&own(folder.path()), &at(folder.path(), true)).unwrap();
        assert_eq!((shape(&splits), splits.classes.len()), ([2, 3], 2));
        assert_eq!((splits.train.labels, splits.test.labels), (vec![0, 1, 1, 0], vec![1, 0]));
        assert_eq!(splits.provenance.files.len(), 4);
        // What is kept back, or left out, is other data.
        let digest =
            |plan: &DataPlan| load_quietly(plan, &at(folder.path(), true)).unwrap().provenance.sha256;
        let plan = own(folder.path());
        assert_eq!(digest(&plan), splits.provenance.sha256);
        assert_ne!(digest(&DataPlan { validation: 1, ..plan.clone() }), splits.provenance.sha256);
        assert_ne!(digest(&DataPlan { limit: 3, ..plan }), splits.provenance.sha256);
    }

    /// With one of the four files replaced, the error must name that file and hold `part`.
    #[track_caller]
    fn refused(name: &str, bytes: Vec<u8>, part: &str) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &files());
        write(folder.path(), &[(name, bytes)]);
        let error = load_quietly(&own(folder.path()), &at(folder.path(), true)).unwrap_err().to_string();
        let path = folder.path().join(name).display().to_string();
        assert!(error.starts_with(&path) && error.contains(part), "{error}");
    }

    #[test]
    fn files_that_do_not_fit_together_are_refused() {
        refused("b", idx(&[3], &[0, 1, 1]), "holds 3 labels for the 4 images of ");
        refused("d", idx(&[2], &[1, 9]), "the label at index 1 is 9, and there are 2 classes");
        refused("c", idx(&[2, 3, 2], &[2; 12]), "its images have 3 x 2, those of ");
        refused("a", idx(&[4], &[0, 1, 1, 0]), "not an IDX file of images");
        refused("d", idx(&[2, 2, 3], &[2; 12]), "not an IDX file of labels");
    }

    #[test]
    fn validation_is_taken_from_the_first_images() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &files());
        let plan = DataPlan { validation: 1, limit: 3, ..own(folder.path()) };
        let splits = load_quietly(&plan, &at(folder.path(), true)).unwrap();
        assert_eq!(
            (splits.provenance.train, splits.provenance.validation, splits.provenance.test),
            (2, 1, 2)
        );
        let plan = DataPlan { validation: 3, ..plan };
        let error = load_quietly(&plan, &at(folder.path(), true)).unwrap_err();
        assert!(matches!(error, DataError::Config(error) if error.key == "data.validation"));
    }

    #[test]
    fn synthetic_digits_stand_in_only_when_told_to_and_say_so() {
        let folder = tempfile::tempdir().unwrap();
        let plan = DataPlan { fallback: Fallback::Synthetic, limit: 20, ..published(&[]) };
        let mut events = Vec::new();
        let splits = load(&plan, &at(folder.path(), true), &mut |event| {
            events.push(format!("{event:?}"));
        })
        .unwrap();
        assert_eq!(splits.provenance.dataset, "synthetic");
        assert_eq!(splits.provenance.substitute_for.as_deref(), Some("tiny"));
        assert_eq!((splits.provenance.train, splits.provenance.test), (20, 10_000));
        assert!(
            events[0].starts_with("Substituted") && events[0].contains("neither found nor"),
            "{events:?}"
        );
    }

    /// Real MNIST, where `$BIRNN_DATA_DIR` or the cache has it. What is in `$BIRNN_DATA_DIR` must be found.
    #[test]
    fn mnist_is_mnist() {
        let named = std::env::var_os("BIRNN_DATA_DIR").map(PathBuf::from).unwrap_or_default();
        let there = ["mnist", "MNIST/raw"].iter().any(|folder| named.join(folder).is_dir());
        let plan = crate::DataConfig { validation: 5000, ..Default::default() }.resolve().unwrap();
        match load_quietly(&plan, &Locations::new(None, true)) {
            Ok(splits) => {
                assert_eq!(
                    (shape(&splits), splits.provenance.train, splits.provenance.test),
                    ([28, 28], 55_000, 10_000)
                );
                assert_eq!(splits.test.labels[..5], [7, 2, 1, 0, 4]);
            }
            Err(DataError::Unobtainable(_)) if !there => eprintln!("skipped: no MNIST here"),
            Err(error) => panic!("{error}"),
        }
    }

    /// Real series, where `$BIRNN_DATA_DIR` or the cache has them. What is in `$BIRNN_DATA_DIR` must be found.
    #[test]
    fn published_series_are_what_they_are() {
        let named = std::env::var_os("BIRNN_DATA_DIR").map(PathBuf::from).unwrap_or_default();
        let there = named.join("ts").is_dir();
        for (dataset, counts, classes, described) in [
            (Dataset::JapaneseVowels, [270, 370], 9, "7 to 26 steps of 12 values, standardised"),
            (Dataset::Plaid, [537, 537], 11, "100 to 1344 steps of 1 value, standardised"),
            (Dataset::ItalyPowerDemand, [67, 1029], 2, "24 steps of 1 value, standardised"),
        ] {
            let plan = crate::DataConfig { dataset, ..Default::default() }.resolve().unwrap();
            match load_quietly(&plan, &Locations::new(None, true)) {
                Ok(splits) => {
                    assert_eq!([splits.train.len(), splits.test.len()], counts, "{dataset:?}");
                    assert_eq!(splits.classes.len(), classes, "{dataset:?}");
                    assert_eq!(splits.modality.to_string(), described);
                    assert!(splits.warnings.is_empty(), "{:?}", splits.warnings);
                }
                Err(DataError::Unobtainable(_)) if !there => eprintln!("skipped: no {dataset:?} here"),
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn own_series(folder: &Path, train: &str, test: &str, more: &str) -> Result<Splits, String> {
        std::fs::write(folder.join("train.ts"), train).unwrap();
        std::fs::write(folder.join("test.ts"), test).unwrap();
        let text = format!("dataset = \"ts\"\ntrain = \"train.ts\"\ntest = \"test.ts\"\n{more}");
        let mut config: crate::DataConfig = toml::from_str(&text).unwrap();
        config.anchor(folder);
        let plan = config.resolve().map_err(|error| error.to_string())?;
        load_quietly(&plan, &at(folder, true)).map_err(|error| error.to_string())
    }

    const SERIES: &str = "@classLabel true b a\n@data\n1,2,3:b\n4:a\n5,6:b\n7,8:a\n";

    #[test]
    fn two_files_of_series_are_a_data_set() {
        let folder = tempfile::tempdir().unwrap();
        let splits =
            own_series(folder.path(), SERIES, "@classLabel true a b\n@data\n9,9:a\n2:b\n", "validation = 2")
                .unwrap();
        assert_eq!(splits.classes, ["b", "a"], "in the order of the training file");
        assert_eq!((splits.test.labels, splits.validation.len(), splits.train.len()), (vec![1, 0], 2, 2));
        // Of the two that are trained on.
        let Modality::Series(series) = splits.modality else { panic!("series were wanted") };
        let known: Vec<f32> =
            splits.train.sequences.iter().flat_map(|one| one.floats().unwrap().to_vec()).collect();
        assert_eq!(series.mean, [known.iter().sum::<f32>() / known.len() as f32]);
    }

    #[test]
    fn series_that_do_not_fit_together_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let head = "@classLabel true b a\n@data\n";
        for (train, test, more, part) in [
            (
                SERIES,
                "@classLabel true b a c\n@data\n1:b\n2:c\n",
                "",
                "test.ts: line 4: the class `c` is none of",
            ),
            (
                SERIES,
                "@classLabel true b a\n@data\n1:2:b\n",
                "",
                "test.ts: its series have 2 values per step, those",
            ),
            (SERIES, "@classLabel false\n@data\n1,2\n", "", "test.ts: has no labels"),
            (
                SERIES,
                &format!("{head}1,?:b\n"),
                "",
                "test.ts: line 3: the value at step 2 of feature 1 is missing; `missing` under [data]",
            ),
            (
                "@classLabel true\n@data\n1:b\n2:b\n",
                SERIES,
                "",
                "train.ts: all its series are of the class `b`: there is nothing to tell apart",
            ),
            (SERIES, SERIES, "validation = 4", "data.validation: 4 series cannot be kept back of 4 training"),
        ] {
            let error = own_series(folder.path(), train, test, more).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        let filled =
            own_series(folder.path(), SERIES, &format!("{head}1,?:b\n"), "missing = \"last\"").unwrap();
        assert!(filled.test.sequences.get(0).floats().unwrap()[1].is_nan(), "filled in where it is read");
        let same = own_series(folder.path(), SERIES, SERIES, "").unwrap();
        let told = same.warnings[0].to_string();
        assert!(told.starts_with("data.test: 4 of 4 test series are training series too"), "{told}");
    }

    #[test]
    fn features_without_a_value_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let head = "@classLabel true b a\n@data\n";
        for (lines, starts) in [
            ("1,?:?,?:2,3:b\n1:?:2:a\n", "feature 2 is missing in all training series: 0 is read there"),
            ("?:?:2:b\n?:?:2:a\n", "features 1, 2 are missing in all"),
        ] {
            let (train, test) = (format!("{head}{lines}"), format!("{head}7:8:9:a\n"));
            let splits = own_series(folder.path(), &train, &test, "missing = \"last\"").unwrap();
            let told = splits.warnings[0].to_string();
            assert!(told.starts_with(&format!("data.missing: {starts}")), "{told}");
        }
    }

    #[test]
    fn series_made_by_code_need_no_file() {
        let config =
            crate::DataConfig { dataset: Dataset::SyntheticSeries, limit: Some(50), ..Default::default() };
        let folder = tempfile::tempdir().unwrap();
        let splits = load_quietly(&config.resolve().unwrap(), &at(folder.path(), true)).unwrap();
        assert_eq!((splits.train.len(), splits.provenance.dataset.as_str()), (50, "synthetic-series"));
        assert!(splits.train.sequences.common_length().is_none());
    }
}
