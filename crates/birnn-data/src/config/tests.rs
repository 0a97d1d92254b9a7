use std::path::{Path, PathBuf};

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
    refused("window = { length = 2 }", "data.window");
    refused("split = \"time\"\nvalidation = 0.1", "data.split");
    refused("test_share = 0.1", "data.test_share");
    for (more, key) in [
        ("test_share = 0.1", "data.test_share"),
        ("window = { length = 0 }", "data.window"),
        ("window = { length = 2, stride = 0 }", "data.window"),
        ("split = \"time\"\nvalidation = 5", "data.validation"),
    ] {
        refused(&format!("{SERIES}{more}"), key);
    }
    for share in ["0.0", "1.0"] {
        refused(&format!("dataset = \"ts\"\ntrain = \"a\"\ntest_share = {share}"), "data.test_share");
    }
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
fn tables_that_cannot_be_are_refused_by_key() {
    let table = |more: &str, key: &str| {
        refused(&format!("dataset = \"table\"\ntrain = \"a\"\ntest = \"b\"\n{more}"), key);
    };
    table("", "data.dataset");
    table("target = [\"a\", \"b\"]", "data.target");
    for (more, key) in [
        ("shape = [2, 2]", "data.shape"),
        ("layout = \"wide\"\ntime = \"t\"", "data.time"),
        ("layout = \"wide\"\nshape = [0, 2]", "data.shape"),
        ("layout = \"wide\"\nshape = [2, 2]\nmissing = \"mean\"", "data.missing"),
        ("layout = \"wide\"\nshape = [2, 2]\nsplit = \"group\"\nvalidation = 0.1", "data.split"),
        ("id = \"a\"", "data.target"),
        ("id = \"i\"\nfeatures = [\"x\", \"i\"]", "data.features"),
        ("features = []", "data.features"),
        ("features = [\"x\", \"x\"]", "data.features"),
        ("delimiter = \";;\"", "data.delimiter"),
        ("delimiter = \"\"", "data.delimiter"),
        ("classes = [\"a\"]", "data.classes"),
        ("invert = true", "data.invert"),
    ] {
        table(&format!("target = \"a\"\n{more}"), key);
    }
    refused(&format!("{SERIES}target = \"a\""), "data.target");
    refused(&format!("{SERIES}skip_lines = 1"), "data.skip_lines");
    // Whole series can be groups of their own, by the one column.
    let whole =
        "dataset = \"table\"\ntrain = \"a\"\ntest_share = 0.1\ntarget = \"a\"\nid = \"i\"\ngroup = \"i\"";
    assert!(parse(whole).resolve().is_ok());
}

#[test]
fn what_is_kept_back_is_a_number_or_a_share() {
    for (text, portion) in
        [("5", Portion::Count(5)), ("0.25", Portion::Share(0.25)), ("0", Portion::Count(0))]
    {
        let config = parse(&format!("{SERIES}validation = {text}"));
        assert_eq!(config.resolve().unwrap().validation, portion);
        assert_eq!(toml::from_str::<DataConfig>(&toml::to_string(&config).unwrap()).unwrap(), config);
    }
    for text in ["-1", "0.0", "1.5", "true"] {
        assert!(toml::from_str::<DataConfig>(&format!("validation = {text}")).is_err(), "{text}");
    }
}

#[test]
fn settings_of_arrays_folders_and_gaps_are_checked() {
    let npz = "dataset = \"npz\"\ntrain = \"a\"\ntest_share = 0.2\n";
    let folder = "dataset = \"folder\"\ntrain = \"a\"\ntest = \"b\"\n";
    refused("arrays = { x = \"values\" }", "data.arrays");
    refused("shape = [3, 3]", "data.shape");
    refused(&format!("{SERIES}shape = [3, 3]"), "data.shape");
    refused(&format!("{npz}shape = [3, 3]"), "data.shape");
    refused(&format!("{folder}arrays = {{ y = \"labels\" }}"), "data.arrays");
    refused(&format!("{folder}shape = [3, 0]"), "data.shape");
    refused(&format!("{folder}classes = [\"a\"]"), "data.classes");
    refused(&format!("{folder}missing_mask = true"), "data.missing_mask");
    refused(&format!("{npz}missing_mask = true"), "data.missing_mask");
    refused(&format!("{npz}invert = true"), "data.invert");
    refused("dataset = \"npz\"\ntrain = \"a\"", "data.dataset");
    for text in [npz, folder] {
        assert!(parse(&format!("{text}classes = [\"a\", \"b\"]")).resolve().is_ok());
    }
    assert!(parse(&format!("{npz}missing = \"mean\"\nmissing_mask = true")).resolve().unwrap().missing_mask);
    let shared = parse("dataset = \"spoken-digits\"").resolve().unwrap();
    assert_eq!(shared.test_share, Some(0.1));
}

#[test]
fn another_data_set_is_divided_as_before() {
    let config = parse(
        "dataset = \"table\"\ntrain = \"a\"\ntest_share = 0.2\ntarget = \"y\"\ngroup = \"g\"\nsplit = \"group\"\n\
         window = { length = 5 }",
    );
    let DataConfig { split, window, train, group, .. } = config.clone().without_files();
    assert_eq!((split, window, train, group), (SplitBy::Group, config.window, None, None));
    // Of windows it is not known how many there are.
    parse("dataset = \"japanese-vowels\"\nwindow = { length = 5 }\nvalidation = 300").resolve().unwrap();
    refused("dataset = \"japanese-vowels\"\nvalidation = 300", "data.validation");
    refused("dataset = \"folder\"\ntrain = \"a\"\ntest = \"b\"\nshape = [5000, 5]", "data.shape");
}

#[test]
fn the_default_is_all_of_mnist() {
    let plan = parse("").resolve().unwrap();
    assert!(matches!(plan.source, Source::Published(published) if published.name == "mnist"));
    assert_eq!((plan.validation, plan.limit, plan.fallback), (Portion::Count(0), usize::MAX, Fallback::None));
}

#[test]
fn paths_within_a_project_move_with_it() {
    let project = tempfile::tempdir().unwrap();
    let run = project.path().join("runs/x/001");
    std::fs::create_dir_all(&run).unwrap();
    let mut config = parse(FILES);
    config.anchor(&project.path().join("exp"));
    config.test_labels = Some("/elsewhere/d".into());
    config.relate(&relative_to(&run, project.path()).unwrap());
    let paths: Vec<&PathBuf> = config.paths().into_iter().filter_map(|(_, path)| path.as_ref()).collect();
    assert_eq!(paths, ["../../../exp/a", "../../../exp/b", "../../../exp/c", "/elsewhere/d"].map(Path::new));
    // A run elsewhere has nothing to be relative to.
    assert!(relative_to(&run, &project.path().join("exp")).is_none());
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
