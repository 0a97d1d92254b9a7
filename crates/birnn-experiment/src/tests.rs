//! What of a file, with its `--set` arguments, is refused with which words, and what it comes to.

use std::path::Path;

use crate::device::DeviceChoice;
use crate::error::ExperimentError;
use crate::invalid::Invalid;
use crate::source::Source;

fn source(text: &str, sets: &[&str]) -> Result<Source, ExperimentError> {
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    Source::parse(Path::new("exp/x.toml"), text.to_owned(), &sets)
}

/// The error of `text` with `sets` must hold every one of `parts`.
#[track_caller]
fn refused(text: &str, sets: &[&str], parts: &[&str]) {
    let error = source(text, sets).and_then(|source| source.plan()).unwrap_err().to_string();
    assert!(!error.contains('\n'), "{error}");
    for part in parts {
        assert!(error.contains(part), "no `{part}` in: {error}");
    }
}

#[test]
fn an_empty_file_is_the_tutorials_recipe_named_after_the_file() {
    let plan = source("", &[]).unwrap().plan().unwrap();
    assert_eq!((plan.name.as_str(), plan.seed), ("x", 0));
    assert_eq!((plan.train.epochs, plan.train.batch_size, plan.architecture.layers), (2, 100, 2));
}

#[test]
fn mistakes_are_told_with_file_line_and_nearest_key() {
    refused(
        "seed = 1\nname = \"a\"\n[model]\nhiden = 3\n",
        &[],
        &["exp/x.toml:4:1: ", "did you mean `hidden`?"],
    );
    refused("[model]\ncell = \"lstn\"\n", &[], &["exp/x.toml:2:8: ", "did you mean `lstm`?"]);
    refused(
        "[train]\nepochs = \"two\"\n",
        &[],
        &["exp/x.toml:2:10: train.epochs: must be a whole number, 0 or more, is \"two\""],
    );
    refused("[train]\nepochs = -1\n", &[], &["exp/x.toml:2:10: ", "-1"]);
    refused("seed = 1\n[train\n", &[], &["exp/x.toml:2:"]);
    refused("[model]\nlayers = 0\n", &[], &["exp/x.toml:2:10: model.layers: must be 1 to 100, is 0"]);
    refused("[model]\nhidden = -3\n", &[], &["exp/x.toml:2:10: "]);
    refused("[model]\nhidden = { forward = 3 }\n", &[], &["exp/x.toml:2:10: ", "`reverse` is missing"]);
    refused("[model]\nhidden = { forward = 3, revers = 3 }\n", &[], &["did you mean `reverse`?"]);
    refused("[train]\ndevice = \"gpu\"\n", &[], &["exp/x.toml:2:10: ", "`cuda:N`"]);
    refused("name = \"../up\"\n", &[], &["exp/x.toml:1:8: name: "]);
    refused("[model]\nreadout = \"sequence\"\n", &[], &["exp/x.toml:2:11: model.readout: "]);
    refused(
        "[train]\n[train.early_stop]\npatience = 2\n",
        &[],
        &["exp/x.toml:2:8: train.early_stop: ", "data.validation"],
    );
    refused("[train]\noptimizer = { lr = 0 }\n", &[], &["exp/x.toml:2:20: train.optimizer.lr: "]);
}

#[test]
fn mistakes_in_a_set_are_told_of_that_set() {
    refused(
        "",
        &["train.epochs=2", "model.layers=0"],
        &["--set model.layers=0: model.layers: must be 1 to 100"],
    );
    refused("", &["model.layres=2"], &["--set model.layres=2: ", "did you mean `layers`?"]);
    refused("", &["train.epochs=two"], &["--set train.epochs=two: "]);
    refused("", &["train.epochs"], &["--set train.epochs: expected key.path=value"]);
    refused("seed = 1", &["seed.x=2"], &["`seed` is a value"]);
    refused("", &["=2"], &["--set =2: the key is empty"]);
    refused("", &["train.'epochs=2"], &["--set train.'epochs=2: "]);
    refused("", &["train.class_weights.\"a=b.c\"=no"], &["--set train.class_weights.\"a=b.c\"=no: "]);
}

#[test]
fn a_part_of_a_set_key_in_quotes_may_have_dots() {
    let sets = [
        "train.class_weights.\"U.S. = 1\"=2.5",
        "train.class_weights.'b'=0.5",
        "train.class_weights.don't=4",
        "train.class_weights.é è=5",
        "\"seed\"=3",
    ];
    let source = source("", &sets).unwrap();
    let weights = source.experiment().train.class_weights.as_ref().unwrap();
    assert_eq!(
        serde_json::to_value(weights).unwrap(),
        serde_json::json!({ "U.S. = 1": 2.5, "b": 0.5, "don't": 4.0, "é è": 5.0 })
    );
    assert_eq!(source.experiment().seed, 3);
}

proptest::proptest! {
    /// Whatever is written, no span of it is out of bounds.
    #[test]
    fn any_text_ends_in_an_experiment_or_in_one_line_and_an_excerpt(
        pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..12),
        set in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..8),
    ) {
        let set = set.concat();
        for sets in [&[] as &[&str], &[&set], &[&format!("model.cell={set}"), &format!("data.{set}")]] {
            if let Err(error) = source(&pieces.concat(), sets).and_then(|source| source.plan()) {
                assert_eq!(error.to_string().lines().count(), 1, "{error}");
                assert!(error.excerpt().is_none_or(|excerpt| excerpt.lines().count() == 3), "{error}");
            }
        }
    }
}

/// What TOML, experiments and trouble are made of.
const PIECES: [&str; 24] = [
    "[model]\n",
    "[train.",
    "[[data]]\n",
    "hidden",
    "layers",
    " = ",
    "=",
    "0",
    "-1",
    "\"é\"",
    "\"",
    "\"\"\"",
    "é",
    "\u{85}",
    "\u{feff}",
    "\r\n",
    "\n",
    "\t",
    "]",
    "{",
    "}",
    ",",
    ".",
    "# x\n",
];

#[test]
fn sets_apply_in_order_and_need_no_quotes() {
    let sets = ["model.cell=gru", "train.epochs=3", "train.epochs=4", "model.hidden={forward=3,reverse=2}"];
    let source = source("[model]\ncell = \"rnn\" # the cell\n", &sets).unwrap();
    let plan = source.plan().unwrap();
    assert_eq!(plan.train.epochs, 4);
    assert_eq!((plan.architecture.forward, plan.architecture.reverse), (Some(3), Some(2)));
}

#[test]
fn what_is_written_out_reads_back_the_same() {
    let sets = ["train.clip_norm=1.0", "train.schedule.kind=one-cycle", "train.optimizer.kind=sgd"];
    let first = source("seed = 5", &sets).unwrap();
    let first = first.experiment();
    let text = first.to_toml().unwrap();
    assert_eq!(source(&text, &[]).unwrap().experiment().to_toml().unwrap(), text);
    for default in ["momentum = 0.0", "nesterov = false", "weight_decay = 0.0", "clip_norm = 1.0", "seed = 5"]
    {
        assert!(text.contains(default), "no `{default}` in:\n{text}");
    }
}

/// Of every task and kind of data: the experiment that a run keeps is one that can be run.
#[test]
fn what_is_written_out_can_be_run_again() {
    let texts = "[data]\ndataset = \"texts\"\ntrain = \"a\"\ntest = \"b\"\n";
    let series = "[data]\ndataset = \"synthetic-series\"\n";
    for (task, data, one_way) in [
        ("classify", "", false),
        ("classify", texts, false),
        ("tag", series, false),
        ("regress", series, false),
        ("infill", series, false),
        ("infill", texts, false),
        ("next", series, true),
        ("next", texts, true),
    ] {
        let model = if one_way { "[model]\nbidirectional = false\n" } else { "" };
        let first = source(&format!("[task]\nkind = \"{task}\"\n{data}{model}"), &[]).unwrap();
        let text = first.experiment().to_toml().unwrap();
        let again = source(&text, &[]).unwrap();
        assert!(again.plan().is_ok(), "{:?}: {text}", again.plan().err());
        assert_eq!(again.experiment().to_toml().unwrap(), text);
    }
}

/// What the command line changed stays changed when more comes, which alone may change it again.
#[test]
fn more_sets_keep_what_was_changed_before() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a", "b", "c", "d"] {
        std::fs::write(folder.path().join(name), "").unwrap();
    }
    let text = "[data]\ndataset = \"idx\"\ntrain_images = \"a\"\ntrain_labels = \"b\"\ntest_images = \"c\"\n\
                test_labels = \"d\"\n";
    let mut first = source(text, &["train.epochs=3"]).unwrap().on(DeviceChoice::Cuda(1)).unwrap();
    assert!(first.take_files(folder.path()).unwrap());
    let with = |sets: &[&str]| {
        let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
        first.with(&sets).unwrap()
    };
    let more = with(&["data.limit=5"]);
    let experiment = more.experiment();
    assert_eq!((experiment.train.epochs, experiment.train.device), (3, DeviceChoice::Cuda(1)));
    assert_eq!(experiment.data.test_labels, Some(folder.path().join("d")));
    let error = more.locate(Invalid { key: "train.device".to_owned(), message: "there is none".to_owned() });
    assert_eq!((error.to_string().as_str(), error.excerpt()), ("--device: there is none", None));
    let other = with(&["train.device=cpu", "data.test_labels=/e"]);
    let experiment = other.experiment();
    assert_eq!(experiment.train.device, DeviceChoice::Cpu);
    assert_eq!(experiment.data.test_labels, Some("/e".into()));
    assert_eq!(experiment.data.test_images, Some(folder.path().join("c")));
}

#[test]
fn files_that_moved_are_taken_together_and_vectors_by_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let there = |name: &str| std::fs::write(folder.path().join(name), "").unwrap();
    let text = "[data]\ndataset = \"conll\"\ntrain = \"/x/a\"\ntest = \"/x/b\"\nvectors = \"/x/v\"\n";
    let taken = || {
        let mut source = source(text, &[]).unwrap();
        let any = source.take_files(folder.path()).map_err(|error| error.to_string())?;
        let paths = source.experiment().data.paths().into_iter().filter_map(|(_, path)| path.as_ref());
        let moved =
            paths.filter(|path| path.starts_with(folder.path())).map(|path| path.file_name().unwrap());
        Ok::<_, String>((any, moved.map(|name| name.to_str().unwrap().to_owned()).collect::<String>()))
    };
    assert_eq!(taken(), Ok((false, String::new())));
    there("v");
    assert_eq!(taken(), Ok((true, "v".to_owned())));
    there("a");
    let error = taken().unwrap_err();
    assert!(error.contains("`b` is not, or stands for two; name it with --set data.test=PATH"), "{error}");
    there("b");
    assert_eq!(taken(), Ok((true, "abv".to_owned())));
}

#[test]
fn a_file_that_is_not_utf_8_is_told_with_the_place_and_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.toml");
    std::fs::write(&path, b"seed = 1\nname = \"caf\xe9\"\n").unwrap();
    let error = Source::read(&path, &[]).unwrap_err().to_string();
    assert_eq!(error, format!("{}:2:12: a character is not UTF-8; save the file as UTF-8", path.display()));
}

/// However the key is written, and in whichever table.
#[test]
fn an_argument_is_about_what_its_key_and_value_name() {
    let about = |argument: &str, key: &str| Source::is_about(argument, key);
    for argument in [
        "task.hide.share=0.5",
        "task.hide={ share = 0.5 }",
        "task = { hide = { share = 0.5 } }",
        "\"task\" . 'hide'.share=0.5",
    ] {
        assert!(about(argument, "task.hide") && about(argument, "task.hide.share"), "{argument}");
        assert!(about(argument, "task") && !about(argument, "task.kind"), "{argument}");
    }
    assert!(!about("task.hidden=1", "task.hide") && !about("\"task.hide\".share=1", "task.hide"));
    assert!(about("data.test=a b.csv", "data.test") && !about("data.test", "data.test"));
    let set = source("", &["data.dataset=fashion-mnist", "\"data\".dataset=mnist", "seed=2"]).unwrap();
    assert_eq!(set.set_about("data"), Some("\"data\".dataset=mnist"));
    assert_eq!(set.set_about("train"), None);
}
