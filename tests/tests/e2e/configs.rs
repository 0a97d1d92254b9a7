//! Experiment files: what is said of broken ones, word by word, and the schema that editors check them by.

use birnn_tests::{Sandbox, workspace};
use serde_json::Value;

/// A broken experiment and what is said of it.
struct Case<'a> {
    name: &'a str,
    text: String,
    sets: Vec<&'a str>,
    said: &'a str,
}

/// Those of `fixtures/broken-configs.txt`.
fn cases(text: &str) -> Vec<Case<'_>> {
    let case = |text| {
        let (name, rest): (&str, &str) = str::split_once(text, '\n').unwrap();
        let (given, said) = rest.split_once("---\n").unwrap();
        let (sets, lines): (Vec<&str>, Vec<&str>) =
            given.lines().partition(|line| line.starts_with("--set "));
        Case { name, text: lines.join("\n") + "\n", sets, said: said.trim_end() }
    };
    text.split("=== ").skip(1).map(case).collect()
}

/// `None` where it is refused in just these words.
fn otherwise(case: &Case) -> Option<String> {
    let sandbox = Sandbox::new();
    sandbox.write("exp.toml", &case.text);
    let mut args = vec!["config", "check", "exp.toml"];
    args.extend(case.sets.iter().flat_map(|set| set.splitn(2, ' ')));
    let ended = sandbox.birnn(&args);
    let is_right = (ended.code, ended.stdout.as_str(), ended.stderr.trim_end()) == (2, "", case.said);
    (!is_right).then(|| format!("{}: {} {}\n{}", case.name, ended.code, ended.stdout, ended.stderr))
}

#[test]
fn mistakes_are_shown_where_they_are() {
    let text = std::fs::read_to_string(workspace().join("tests/fixtures/broken-configs.txt")).unwrap();
    let cases = cases(&text);
    assert!(cases.len() >= 70, "{}", cases.len());
    // Each is a process, which takes a while to load libtorch.
    let shard = cases.len().div_ceil(std::thread::available_parallelism().map_or(1, usize::from));
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let check = |cases: &[Case]| cases.iter().filter_map(otherwise).collect::<Vec<_>>();
        let threads: Vec<_> = cases.chunks(shard).map(|cases| scope.spawn(move || check(cases))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An editor shows the lines of a file, and a terminal cells: a tab is as wide as a letter, and a long line
/// is cut.
#[test]
fn what_is_shown_is_fit_for_a_terminal() {
    let sandbox = Sandbox::new();
    sandbox.write("exp.toml", "[model]\n\tlayers\t=\t0\r\n");
    let ended = sandbox.birnn(&["config", "check", "exp.toml"]);
    assert!(ended.stderr.ends_with("\n  |\n2 |  layers = 0\n  |           ^\n"), "{}", ended.stderr);
    let names = format!("[\"{}\"]", "x".repeat(5000));
    sandbox.write("exp.toml", format!("data = {{ classes = {names} }}"));
    let ended = sandbox.birnn(&["config", "check", "exp.toml"]);
    assert!(ended.stderr.lines().all(|line| line.len() < 120), "{}", ended.stderr);
    let set = "name=a\x1b[31m\nb";
    let ended = sandbox.birnn(&["config", "check", "exp.toml", "--set", set]);
    assert!(!ended.stderr.contains('\x1b') && ended.stderr.lines().count() == 4, "{}", ended.stderr);
}

#[test]
fn what_depends_on_the_images_is_told_of_its_setting_too() {
    let sandbox = Sandbox::new();
    sandbox.write("a", birnn_tests::idx(&[4, 1, 3], &[1; 12]));
    sandbox.write("b", birnn_tests::idx(&[4], &[0, 1, 1, 0]));
    sandbox.write("c", birnn_tests::idx(&[2, 1, 3], &[2; 6]));
    sandbox.write("d", birnn_tests::idx(&[2], &[1, 0]));
    let files = "data = { dataset = \"idx\", train_images = \"a\", train_labels = \"b\", \
        test_images = \"c\", test_labels = \"d\" }";
    for readout in ["last", "final"] {
        sandbox.write("exp.toml", format!("{files}\nmodel.readout = \"{readout}\"\n"));
        let parts =
            ["exp.toml:2:17: model.readout: ", "these have one (of images each row is one); use `mean`"];
        sandbox.birnn(&["train", "exp.toml"]).failed(2, &parts);
    }
    let set = ["train", "exp.toml", "--set", "data.validation=4"];
    sandbox
        .birnn(&set)
        .failed(2, &["--set data.validation=4: data.validation: 4 images cannot be kept back of 4"]);
    sandbox.write(
        "exp.toml",
        format!("{files}\nmodel = {{ readout = \"mean\", hidden = 2 }}\ntrain.schedule.warmup_steps = 9\n"),
    );
    let ended = sandbox.birnn(&["train", "exp.toml", "--run-dir", "run"]).done();
    let warning = "warning: exp.toml:3:31: train.schedule.warmup_steps: the run has 2 steps, so the rate \
        never gets up to";
    assert!(ended.stderr.contains(warning), "{}", ended.stderr);
}

#[test]
fn settings_that_hardly_are_what_was_meant_are_warned_of() {
    let sandbox = Sandbox::new();
    let files = "train_images = \"a\"\ntrain_labels = \"b\"\ntest_images = \"a\"\ntest_labels = \"b\"\n";
    for (text, warning) in [
        (
            "data.validation = 10\ntrain.early_stop.patience = 4\ntrain.epochs = 4\n".to_owned(),
            "warning: exp.toml:2:29: train.early_stop.patience: ",
        ),
        (format!("[data]\ndataset = \"idx\"\n{files}"), "warning: exp.toml:5:15: data.test_images: "),
        (
            "[task]\nkind = \"next\"\nleak = \"show\"\n[data]\ndataset = \"synthetic-series\"\n[model]\n\
             bidirectional = false\n"
                .to_owned(),
            "warning: exp.toml:3:8: task.leak: there is nothing to show: ",
        ),
        (
            "[task]\nkind = \"infill\"\nhide = { what = \"blocks\", steps = 30 }\n[data]\ndataset = \"table\"\n\
             train = \"a.csv\"\ntest = \"b.csv\"\nwindow = { length = 24, stride = 24 }\n"
                .to_owned(),
            "warning: exp.toml:3:35: task.hide.steps: a block ends with its window, which has 24 steps",
        ),
        (
            "[task]\nkind = \"infill\"\n[data]\ndataset = \"table\"\ntrain = \"a.csv\"\ntest = \"b.csv\"\n\
             target = \"load\"\n"
                .to_owned(),
            "warning: exp.toml:7:10: data.target: this task learns the features themselves",
        ),
        (
            "[task]\nkind = \"regress\"\n[data]\ndataset = \"table\"\ntrain = \"a.csv\"\ntest = \"b.csv\"\n\
             target = \"load\"\nclasses = [\"a\", \"b\"]\n"
                .to_owned(),
            "warning: exp.toml:8:11: data.classes: this task has no classes",
        ),
        (
            "[task]\nkind = \"tag\"\nscheme = \"iob2\"\nconstrain = true\n[data]\ndataset = \"synthetic-text\"\n".to_owned(),
            "warning: exp.toml:4:13: task.constrain: only a net with `head = \"crf\"`",
        ),
    ] {
        sandbox.write("exp.toml", text);
        let ended = sandbox.birnn(&["config", "check", "exp.toml"]).done();
        assert_eq!(ended.stdout, "exp.toml: ok\n");
        assert!(ended.stderr.starts_with(warning), "{}", ended.stderr);
    }
}

#[test]
fn the_committed_schema_is_the_one_that_is_printed() {
    let printed = Sandbox::new().birnn(&["config", "schema"]).done().stdout;
    let path = workspace().join("configs/schema.json");
    let committed = std::fs::read_to_string(path).unwrap();
    assert!(printed == committed, "write it anew: birnn config schema > configs/schema.json");
}

#[test]
fn every_config_names_its_schema_and_is_good() {
    let sandbox = Sandbox::new();
    for (folder, schema, least) in [
        ("configs", "./schema.json", 8),
        ("configs/series", "../schema.json", 4),
        ("configs/text", "../schema.json", 7),
    ] {
        let mut found = 0;
        for entry in std::fs::read_dir(workspace().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                let text = std::fs::read_to_string(&path).unwrap();
                assert!(text.starts_with(&format!("#:schema {schema}\n")), "{}", path.display());
                let ended = sandbox.birnn(&["config", "check", path.to_str().unwrap()]).done();
                assert_eq!(ended.stderr, "");
                found += 1;
            }
        }
        assert!(found >= least, "{folder}: {found}");
    }
}

/// The default that the schema tells of each setting is the one that is in force.
#[test]
fn the_schemas_defaults_are_those_in_force() {
    let sandbox = Sandbox::new();
    sandbox.write("exp.toml", "");
    let schema: Value = serde_json::from_str(&sandbox.birnn(&["config", "schema"]).done().stdout).unwrap();
    let shown = sandbox.birnn(&["config", "show", "exp.toml"]).done().stdout;
    let (mut table, mut compared) = (&schema, 0);
    for line in shown.lines() {
        if let Some(header) = line.strip_prefix('[') {
            let keys = header.trim_end_matches(']').split('.');
            table = keys.fold(&schema, |schema, key| &schema["properties"][key]);
        } else if let Some((key, value)) = line.split(" # ").next().unwrap().split_once(" = ") {
            let default = &table["properties"][key]["default"];
            if !default.is_null() {
                // Values of one line are the same in TOML and JSON.
                assert_eq!(&serde_json::from_str::<Value>(value.trim()).unwrap(), default, "{key}");
                compared += 1;
            }
        }
    }
    assert!(compared >= 18, "{compared} of {shown}");
}
