//! `birnn compare`: runs held against each other.

use birnn_tests::{Sandbox, idx};
use serde_json::Value;

use crate::{json, series_of};

/// Trains `small.toml` into `run`, changed by `sets`.
fn train(sandbox: &Sandbox, run: &str, sets: &[&str]) {
    sandbox.write_experiment("small.toml", birnn_tests::SMALL);
    let sets = sets.iter().flat_map(|set| ["--set", set]);
    let args: Vec<&str> = ["train", "small.toml", "--run-dir", run].into_iter().chain(sets).collect();
    sandbox.birnn(&args).done();
}

/// Words of the line that starts with `name`.
#[track_caller]
fn line<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name));
    let line = line.unwrap_or_else(|| panic!("no line `{name}` in:\n{text}"));
    line[name.len()..].split_whitespace().collect()
}

/// The seed of a run that is not finished is free for one that is.
#[test]
fn half_a_training_does_not_stand_for_its_seed() {
    let sandbox = Sandbox::new();
    for (run, seed) in [("half", "seed=0"), ("a", "seed=0"), ("b", "seed=1")] {
        train(&sandbox, run, &[seed]);
    }
    sandbox
        .write("half/meta.json", sandbox.text("half/meta.json").replace("\"done\"", "\"stopped at step 3\""));
    let found = json(&sandbox.birnn(&["compare", "half", "a", "b", "--json"]).done().stdout);
    assert_eq!(found["seed_groups"][0]["runs"], json(r#"["B", "C"]"#), "{found}");
}

#[test]
fn what_differs_in_settings_and_results_is_told() {
    let sandbox = Sandbox::new();
    train(&sandbox, "a", &[]);
    train(&sandbox, "b", &["seed=1", "model.cell=gru", "train.clip_norm=2", "train.epochs=30"]);
    train(&sandbox, "c", &["seed=1", "model.cell=gru", "train.clip_norm=2", "train.epochs=30", "seed=2"]);
    let text = sandbox.birnn(&["compare", "a", "b"]).done().stdout;
    assert_eq!(line(&text, "A "), ["a"]);
    assert_eq!(line(&text, "B "), ["b"]);
    for (key, values) in [
        ("model.cell ", ["lstm", "gru"]),
        ("seed ", ["0", "1"]),
        ("train.clip_norm ", ["-", "2.0"]),
        ("train.epochs ", ["2", "30"]),
        ("epochs run ", ["2", "30"]),
        ("device ", ["cpu", "cpu"]),
    ] {
        assert_eq!(line(&text, key), values, "{key} in:\n{text}");
    }
    assert!(!text.contains("model.hidden") && !text.contains("libtorch"), "the same in both:\n{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    assert!(text.contains("takes several seeds of each"), "{text}");

    // As JSON the same, and as eval counts it.
    let ended = sandbox.birnn(&["compare", "a", "b", "c", "--json"]).done();
    let found = json(&ended.stdout);
    assert_eq!(found["settings"]["model.cell"], json(r#"["lstm", "gru", "gru"]"#));
    assert_eq!(found["settings"]["train.clip_norm"], json("[null, 2.0, 2.0]"));
    assert_eq!(found["settings"].as_object().unwrap().len(), 4);
    for (index, run) in ["a", "b", "c"].iter().enumerate() {
        let evaluated = json(&sandbox.birnn(&["eval", run, "--json"]).done().stdout);
        let of_run = &found["runs"][index];
        for key in ["accuracy", "correct", "weights"] {
            assert_eq!(of_run[key], evaluated[key], "{run}: {key}");
        }
        assert!(of_run["seconds"].as_f64().unwrap() > 0.0);
    }
    assert_eq!(found["seed_groups"].as_array().unwrap().len(), 1);
    assert_eq!(found["seed_groups"][0]["runs"], json(r#"["B", "C"]"#));

    // The counts are those of the samples that eval calls mistakes of one run alone.
    let pair = &found["pairs"][0];
    let mistakes = |run: &str| -> std::collections::BTreeSet<u64> {
        let found = json(&sandbox.birnn(&["eval", run, "--json"]).done().stdout);
        found["mistakes"].as_array().unwrap().iter().map(|one| one["sample"].as_u64().unwrap()).collect()
    };
    let (of_a, of_b) = (mistakes("a"), mistakes("b"));
    assert_eq!((pair["a"].as_str(), pair["b"].as_str()), (Some("A"), Some("B")));
    assert_eq!(pair["only_a"], of_b.difference(&of_a).count());
    assert_eq!(pair["only_b"], of_a.difference(&of_b).count());
    assert_eq!(pair["verdict"], "b-better", "more epochs, and {pair}");
    assert_eq!(found["pairs"].as_array().unwrap().len(), 3);
}

#[test]
fn runs_that_are_the_same_or_differ_in_their_seed_are_said_to() {
    let sandbox = Sandbox::new();
    train(&sandbox, "a", &[]);
    train(&sandbox, "b", &[]);
    train(&sandbox, "c", &["seed=1"]);
    for other in ["a", "b"] {
        let text = sandbox.birnn(&["compare", "a", other]).done().stdout;
        assert!(text.contains("No setting differs."), "{text}");
        assert!(text.contains("A and B are right on the very same images"), "{text}");
        assert!(line(&text, "A less B").ends_with(&["0", "0", "1.000"]), "{text}");
    }
    let text = sandbox.birnn(&["compare", "a", "c"]).done().stdout;
    assert!(text.contains("A, B differ in their seeds alone: accuracy "), "{text}");
    assert!(text.contains("chance of a seed") && !text.contains("several seeds"), "{text}");
    // Many at once: each beside the best.
    let text = sandbox.birnn(&["compare", "a", "b", "c", "a", "c"]).done().stdout;
    assert_eq!(text.lines().filter(|line| line.contains(" less ")).count(), 4, "{text}");
}

#[test]
fn a_run_that_is_not_finished_says_so() {
    let sandbox = Sandbox::new();
    train(&sandbox, "a", &[]);
    train(&sandbox, "b", &[]);
    std::fs::remove_file(sandbox.path("b/model.safetensors")).unwrap();
    let meta =
        sandbox.text("b/meta.json").replace("\"status\": \"done\"", "\"status\": \"stopped at step 9\"");
    sandbox.write("b/meta.json", meta);
    let ended = sandbox.birnn(&["compare", "a", "b"]).done();
    assert!(ended.stdout.contains("B  b  (not finished: stopped at step 9)"), "{}", ended.stdout);
    assert_eq!(line(&ended.stdout, "weights "), ["model.safetensors", "last.safetensors"]);
    assert!(ended.stderr.contains("the run is not finished: using b/checkpoints/"), "{}", ended.stderr);
    // Weights alone, with no run around them, do as well.
    std::fs::copy(sandbox.path("a/model.safetensors"), sandbox.path("alone.safetensors")).unwrap();
    let found = json(&sandbox.birnn(&["compare", "a", "alone.safetensors", "--json"]).done().stdout);
    assert_eq!(found["runs"][1]["epochs"], Value::Null);
    assert_eq!(found["runs"][1]["accuracy"], found["runs"][0]["accuracy"]);
}

#[test]
fn other_images_are_refused_with_both_runs_named() {
    let sandbox = Sandbox::new();
    train(&sandbox, "digits", &[]);
    let own = |name: &str, ink: u8, classes: &str| {
        let labels: Vec<u8> = (0..40).map(|index| index % 2).collect();
        let pixels: Vec<u8> = labels.iter().flat_map(|&label| [ink * label, 0, 9, 255 - label]).collect();
        sandbox.write(&format!("{name}/images"), idx(&[40, 2, 2], &pixels));
        sandbox.write(&format!("{name}/labels"), idx(&[40], &labels));
        let files = ["train", "test"]
            .map(|split| format!("{split}_images = \"{name}/images\"\n{split}_labels = \"{name}/labels\"\n"));
        sandbox.write(
            &format!("{name}.toml"),
            format!(
                "[data]\ndataset = \"idx\"\n{}classes = {classes}\n[model]\nhidden = 4\nlayers = 1\n[train]\n\
                 device = \"cpu\"\nepochs = 1\nbatch_size = 5\n",
                files.concat()
            ),
        );
        sandbox.birnn(&["train", &format!("{name}.toml"), "--run-dir", &format!("run-{name}")]).done();
    };
    own("one", 255, r#"["a", "b"]"#);
    own("two", 200, r#"["a", "b"]"#);
    own("three", 255, r#"["a", "c"]"#);
    own("four", 255, r#"["a", "b"]"#);
    let refused = |a: &str, b: &str, parts: &[&str]| {
        let start = format!("{a} and {b} cannot be compared");
        let parts: Vec<&str> = std::iter::once(start.as_str()).chain(parts.iter().copied()).collect();
        sandbox.birnn(&["compare", a, b]).failed(2, &parts);
    };
    refused(
        "digits",
        "run-one",
        &["idx train-images, 28 x 28, classes 0, 1", "idx images, 2 x 2, classes a, b"],
    );
    refused("run-one", "run-two", &["they are not the same images"]);
    refused("run-one", "run-three", &["classes a, b", "classes a, c"]);
    // The same images in other files are the same.
    sandbox.birnn(&["compare", "run-one", "run-four"]).done();

    // The files of a run that are not what they were.
    sandbox.write("four/images", idx(&[40, 2, 2], &[7; 160]));
    refused("run-one", "run-four", &["they are not the same images"]);
    let ended = sandbox.birnn(&["compare", "run-four", "run-four"]).done();
    assert!(ended.stderr.contains("run-four: its data is not what it was"), "{}", ended.stderr);

    let failed = |args: &[&str], parts: &[&str]| sandbox.birnn(args).failed(2, parts);
    failed(&["compare", "digits", "none"], &["none: "]);
    let ended = sandbox.birnn(&["compare", "digits"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("2 values required"), "{}", ended.stderr);
}

/// Of numbers and of steps the sequences are drawn anew, and nothing is said of tests of classes.
#[test]
fn runs_of_every_task_are_compared() {
    let sandbox = Sandbox::new();
    let mut told_apart = false;
    for (task, headline, unit) in [
        ("kind = \"regress\"", "rmse", "RMSE "),
        ("kind = \"regress\"\nper = \"step\"", "rmse", "RMSE "),
        ("kind = \"tag\"", "accuracy", "accuracy, % "),
    ] {
        sandbox.write("task.toml", series_of(task));
        let runs = [("a", "train.epochs=1"), ("b", "train.epochs=8"), ("c", "seed=1")];
        for (run, set) in runs {
            std::fs::remove_dir_all(sandbox.path(run)).ok();
            sandbox.birnn(&["train", "task.toml", "--run-dir", run, "--set", set]).done();
        }
        let text = sandbox.birnn(&["compare", "a", "b"]).done().stdout;
        assert_eq!(line(&text, unit).len(), 2, "{text}");
        assert!(text.contains("Series by series (series drawn anew") && !text.contains("McNemar"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        let found = json(&sandbox.birnn(&["compare", "a", "b", "c", "--json"]).done().stdout);
        assert_eq!(found["samples"], 1000);
        for (index, run) in ["a", "b", "c"].iter().enumerate() {
            let evaluated = json(&sandbox.birnn(&["eval", run, "--json"]).done().stdout);
            let of_run = &found["runs"][index];
            assert_eq!(of_run[headline], evaluated[headline], "{run}");
            let interval = if headline == "rmse" { "rmse_interval" } else { "interval" };
            let ends = ["low", "high"].map(|end| of_run[interval][end].as_f64().unwrap());
            let value = of_run[headline].as_f64().unwrap();
            assert!(ends[0] <= value && value <= ends[1], "{of_run}");
            if headline == "rmse" {
                assert_eq!(of_run[interval], evaluated["judged"][0][interval], "{run}");
            }
        }
        let pair = &found["pairs"][0];
        let ends = |key: &str| ["low", "high"].map(|end| pair[key][end].as_f64().unwrap());
        let ([low, high], [widest, highest]) = (ends("interval"), ends("interval_widened"));
        assert!(widest <= low && high <= highest, "{pair}");
        let better = if headline == "rmse" { widest > 0.0 } else { highest < 0.0 };
        assert_eq!(pair["verdict"] == "b-better", better, "{pair}");
        told_apart |= better;
        assert!(pair.get("p").is_none() && pair.get("only_a").is_none(), "{pair}");
    }
    assert!(told_apart, "one of the nets that learnt for longer is found to be better");
    // Numbers of sequences are none of steps.
    sandbox.write("task.toml", series_of("kind = \"regress\""));
    sandbox.birnn(&["train", "task.toml", "--run-dir", "numbers"]).done();
    sandbox.birnn(&["compare", "a", "numbers"]).failed(2, &["a and numbers cannot be compared", "distance"]);
}
