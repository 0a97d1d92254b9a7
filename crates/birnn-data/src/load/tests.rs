//! Data sets as they are loaded.

use std::path::{Path, PathBuf};

use super::*;
use crate::config::{Portion, SplitBy, UserFiles};
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
    assert_eq!((shape(&splits), splits.outputs.count()), ([2, 3], 2));
    assert_eq!(
        (splits.train.labels().unwrap(), splits.test.labels().unwrap()),
        (&[0, 1, 1, 0][..], &[1, 0][..])
    );
    assert_eq!(splits.provenance.files.len(), 4);
    // What is kept back, or left out, is other data.
    let digest = |plan: &DataPlan| load_quietly(plan, &at(folder.path(), true)).unwrap().provenance.sha256;
    let plan = own(folder.path());
    assert_eq!(digest(&plan), splits.provenance.sha256);
    assert_ne!(digest(&DataPlan { validation: Portion::Count(1), ..plan.clone() }), splits.provenance.sha256);
    assert_ne!(digest(&DataPlan { limit: 3, ..plan.clone() }), splits.provenance.sha256);
    let dim = |level: u8| {
        write(folder.path(), &[("a", idx(&[4, 2, 3], &[level; 24]))]);
        let warnings = load_quietly(&plan, &at(folder.path(), true)).unwrap().warnings;
        let told = format!("data.dataset: no training image has a pixel lighter than {level}, of levels");
        warnings.iter().any(|warning| warning.to_string().starts_with(&told))
    };
    assert!(dim(16) && !dim(32));
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
    let plan = DataPlan { validation: Portion::Count(1), limit: 3, ..own(folder.path()) };
    let splits = load_quietly(&plan, &at(folder.path(), true)).unwrap();
    assert_eq!((splits.provenance.train, splits.provenance.validation, splits.provenance.test), (2, 1, 2));
    let plan = DataPlan { validation: Portion::Count(3), ..plan };
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
    assert!(events[0].starts_with("Substituted") && events[0].contains("neither found nor"), "{events:?}");
}

/// Real MNIST, where `$BIRNN_DATA_DIR` or the cache has it. What is in `$BIRNN_DATA_DIR` must be found.
#[test]
fn mnist_is_mnist() {
    let named = std::env::var_os("BIRNN_DATA_DIR").map(PathBuf::from).unwrap_or_default();
    let there = ["mnist", "MNIST/raw"].iter().any(|folder| named.join(folder).is_dir());
    let plan =
        crate::DataConfig { validation: Portion::Count(5000), ..Default::default() }.resolve().unwrap();
    match load_quietly(&plan, &Locations::new(None, true)) {
        Ok(splits) => {
            assert_eq!(
                (shape(&splits), splits.provenance.train, splits.provenance.test),
                ([28, 28], 55_000, 10_000)
            );
            assert_eq!(splits.test.labels().unwrap()[..5], [7, 2, 1, 0, 4]);
        }
        Err(DataError::Unobtainable(_)) if !there => crate::skipped("no MNIST here"),
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
        (Dataset::Covid3Month, [140, 61], 1, "84 steps of 1 value, standardised"),
        (Dataset::SpokenDigits, [2700, 300], 10, "6 to 88 steps of 13 values, standardised"),
    ] {
        let wanted = dataset.published().unwrap().wanted();
        let plan = crate::DataConfig { dataset, ..Default::default() }.resolve_for(wanted).unwrap();
        match load_quietly(&plan, &Locations::new(None, true)) {
            Ok(splits) => {
                assert_eq!([splits.train.len(), splits.test.len()], counts, "{dataset:?}");
                assert_eq!(splits.outputs.count(), classes, "{dataset:?}");
                assert_eq!(splits.modality.to_string(), described);
                assert!(splits.warnings.is_empty(), "{:?}", splits.warnings);
            }
            Err(DataError::Unobtainable(_)) if !there => crate::skipped(&format!("no {dataset:?} here")),
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
    assert_eq!(splits.outputs.classes().unwrap(), ["b", "a"], "in the order of the training file");
    assert_eq!(
        (splits.test.labels().unwrap(), splits.validation.len(), splits.train.len()),
        (&[1, 0][..], 2, 2)
    );
    // Of the two that are trained on.
    let Modality::Series(series) = splits.modality else { panic!("series were wanted") };
    let known: Vec<f32> =
        splits.train.sequences.iter().flat_map(|one| one.floats().unwrap().to_vec()).collect();
    assert_eq!(series.mean, [known.iter().sum::<f32>() / known.len() as f32]);
}

#[test]
fn one_file_of_series_is_a_data_set_and_how_it_was_divided_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("all.ts"), SERIES).unwrap();
    let text = "dataset = \"ts\"\ntrain = \"all.ts\"\ntest_share = 0.5\nwindow = { length = 2 }";
    let mut config: crate::DataConfig = toml::from_str(text).unwrap();
    config.anchor(folder.path());
    let splits = load_quietly(&config.resolve().unwrap(), &at(folder.path(), true)).unwrap();
    assert_eq!((splits.train.len(), splits.test.len(), splits.provenance.files.len()), (2, 2, 1));
    let record = serde_json::to_value(&splits.provenance).unwrap();
    let division = serde_json::json!({
        "by": "random", "of": 4, "test_share": 0.5, "window": { "length": 2 }, "steps_left_out": 1
    });
    assert_eq!(record["division"], division);
}

/// The same series, as each format has them, are the same data.
#[test]
fn series_are_the_same_in_any_format() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("series.ts"), SERIES).unwrap();
    let long = "who,state,value\n1,b,1\n1,b,2\n1,b,3\n2,a,4\n3,b,5\n3,b,6\n4,a,7\n4,a,8\n";
    std::fs::write(folder.path().join("long.csv"), long).unwrap();
    let wide = "state,a,b,c\nb,1,2,3\na,4,,\nb,5,6,\na,7,8,\n";
    std::fs::write(folder.path().join("wide.csv"), wide).unwrap();
    let read = |dataset: &str, file: &str, more: &str| {
        let head = format!("dataset = \"{dataset}\"\ntrain = \"{file}\"\ntest_share = 0.5\n");
        let mut config: crate::DataConfig = toml::from_str(&(head + more)).unwrap();
        config.anchor(folder.path());
        load_quietly(&config.resolve().unwrap(), &at(folder.path(), true)).unwrap()
    };
    let ts = read("ts", "series.ts", "");
    let classes = "target = \"state\"\nclasses = [\"b\", \"a\"]\n";
    for (file, more) in [("long.csv", "id = \"who\""), ("wide.csv", "layout = \"wide\"")] {
        let table = read("table", file, &format!("{classes}{more}"));
        assert_eq!((&table.train, &table.test), (&ts.train, &ts.test), "{file}");
        assert_eq!(table.provenance.sha256, ts.provenance.sha256);
        assert_eq!(table.outputs, ts.outputs);
    }
    let Modality::Series(series) = read("table", "long.csv", &format!("{classes}id = \"who\"")).modality
    else {
        panic!("series were wanted");
    };
    assert_eq!(series.names, Some(vec!["value".to_owned()]));
}

#[test]
fn images_of_a_table_are_those_of_idx_files() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &files());
    let table = |labels: &[u8], level: u8| {
        let row = |label: &u8| format!("{label}{}\n", format!(",{level}").repeat(6));
        format!("label,p0,p1,p2,p3,p4,p5\n{}", labels.iter().map(row).collect::<String>()).into_bytes()
    };
    write(folder.path(), &[("e", table(&[0, 1, 1, 0], 1)), ("f", table(&[1, 0], 2))]);
    let text = "dataset = \"table\"\nlayout = \"wide\"\ntarget = \"label\"\nshape = [2, 3]\n\
                train = \"e\"\ntest = \"f\"";
    let mut config: crate::DataConfig = toml::from_str(text).unwrap();
    config.anchor(folder.path());
    let found = load_quietly(&config.resolve().unwrap(), &at(folder.path(), true)).unwrap();
    let idx = load_quietly(&own(folder.path()), &at(folder.path(), true)).unwrap();
    assert_eq!((&found.train, &found.test, &found.outputs), (&idx.train, &idx.test, &idx.outputs));
    assert_eq!((&found.modality, found.provenance.sha256), (&idx.modality, idx.provenance.sha256));
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
    let filled = own_series(folder.path(), SERIES, &format!("{head}1,?:b\n"), "missing = \"last\"").unwrap();
    assert!(filled.test.sequences.get(0).floats().unwrap()[1].is_nan(), "filled in where it is read");
    let same = own_series(folder.path(), SERIES, SERIES, "").unwrap();
    let told = same.warnings[0].to_string();
    assert!(told.starts_with("data.test: 4 of 4 test series are in `data.train` too"), "{told}");
}

#[test]
fn a_test_table_has_the_classes_and_columns_of_the_training_table() {
    let folder = tempfile::tempdir().unwrap();
    let read = |train: &str, test: &str, more: &str| {
        write(folder.path(), &[("a.csv", train.into()), ("b.csv", test.into())]);
        let text =
            format!("dataset = \"table\"\ntrain = \"a.csv\"\ntest = \"b.csv\"\ntarget = \"y\"\n{more}");
        let mut config: crate::DataConfig = toml::from_str(&text).unwrap();
        config.anchor(folder.path());
        load_quietly(&config.resolve().unwrap(), &at(folder.path(), true)).map_err(|error| error.to_string())
    };
    let wide = "layout = \"wide\"";
    let found = read("a,b,y\n1,2,k\n3,4,l\n", "y,fold,b,a\nl,9,6,5\n", wide).unwrap();
    assert_eq!(found.test.sequences.get(0).floats(), Some(&[5.0, 6.0][..]));
    assert_eq!(found.test.labels(), Some(&[1][..]));
    let found =
        read("x_0,z_0,x_1,z_1,y\n1,2,3,4,k\n1,2,3,4,l\n", "x_0,z_0,x_1,z_1,y\n1,2,3,5,k\n", wide).unwrap();
    let warning = found.warnings[0].to_string();
    assert!(warning.starts_with("data.features: absent") && warning.contains("[\"x\", \"z\"]"), "{warning}");
    // Named features are told by their steps, too.
    let named = "layout = \"wide\"\nfeatures = [\"x\", \"z\"]";
    let train = "x_0,z_0,x_1,z_1,y\n1,2,3,4,k\n1,2,3,4,l\n";
    let found = read(train, "x_0,z_0,x_1,z_1,y\n1,2,3,5,k\n", named).unwrap();
    assert!(!found.warnings.iter().any(|warning| warning.to_string().starts_with("data.features")));
    let error = read(train, "x_1,z_1,y\n3,5,k\n", named).unwrap_err();
    assert!(error.contains("b.csv: has no column `x_0`, which"), "{error}");
    let error = read("a,b,y\n1,2,k\n3,4,l\n", "a,b,y\n1,2,k\n1,2,m\n", wide).unwrap_err();
    let message = "b.csv: line 3, column 3 (`y`): the class `m` is none of k, l: those are `classes` under [data] \
                   or, without it, the training file's";
    assert!(error.ends_with(message), "{error}");
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
    // Whole groups that are kept back do not count.
    let config = crate::DataConfig { validation: Portion::Share(0.1), split: SplitBy::Group, ..config };
    let splits = load_quietly(&config.resolve().unwrap(), &at(folder.path(), true)).unwrap();
    assert_eq!(splits.train.len(), 50);
}
