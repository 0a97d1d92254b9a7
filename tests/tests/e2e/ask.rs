//! Asking a trained network: eval, predict, and what else reads without training.

use birnn_tests::{DIGITS, Sandbox, gzip, idx, workspace};
use serde_json::Value;

use crate::json;

/// Two classes that a net of any size tells apart: ink on the left, ink on the right. 4 rows of 6 pixels.
fn sides(count: usize) -> (Vec<u8>, Vec<u8>) {
    let labels: Vec<u8> = (0..count).map(|index| (index % 3 == 0) as u8).collect();
    let row = |label: u8| if label == 0 { [255, 200, 0, 0, 0, 0] } else { [0, 0, 0, 0, 200, 255] };
    let pixels: Vec<u8> = labels.iter().flat_map(|&label| row(label).repeat(4)).collect();
    (idx(&[count as u32, 4, 6], &pixels), idx(&[count as u32], &labels))
}

#[test]
fn a_users_own_images_are_trained_on_evaluated_and_named() {
    let sandbox = Sandbox::new();
    let (train_images, train_labels) = sides(200);
    let (test_images, test_labels) = sides(50);
    sandbox.write("own/data/a", &train_images);
    sandbox.write("own/data/b.gz", gzip(&train_labels));
    sandbox.write("own/data/c.gz", gzip(&test_images));
    sandbox.write("own/data/d", &test_labels);
    sandbox.write(
        "own/sides.toml",
        "[data]\ndataset = \"idx\"\ntrain_images = \"data/a\"\ntrain_labels = \"data/b.gz\"\n\
         test_images = \"data/c.gz\"\ntest_labels = \"data/d\"\nclasses = [\"left\", \"right\"]\n\
         validation = 20\n\
         [model]\nhidden = 8\nreadout = \"mean\"\n[train]\nepochs = 10\nbatch_size = 20\n\
         optimizer = { lr = 0.02 }\n",
    );
    sandbox.birnn(&["train", "own/sides.toml", "--run-dir", "run"]).done();
    for split in ["test", "validation", "train"] {
        let found = json(&sandbox.birnn(&["eval", "run", "--split", split, "--json"]).done().stdout);
        assert_eq!((found["accuracy"].as_f64(), found["split"].as_str()), (Some(1.0), Some(split)));
    }
    let text = sandbox.birnn(&["eval", "run"]).done().stdout;
    assert!(text.contains("left") && text.contains("accuracy 100.00 %"), "{text}");

    // A picture of exactly the net's size, and a large one, dark on light.
    sandbox.write("left.pgm", [b"P5 6 4 255\n".as_slice(), &[255, 200, 0, 0, 0, 0].repeat(4)].concat());
    let found = json(&sandbox.birnn(&["predict", "run", "left.pgm", "--json"]).done().stdout);
    assert_eq!(found["predictions"][0]["class"], "left");
    assert!(found["predictions"][0]["probability"].as_f64().unwrap() > 0.9);
    let header = csv_is_json(&sandbox, "run", "left.pgm");
    assert_eq!(header, "image,class,probability,probability_left,probability_right");
    let text = sandbox.birnn(&["predict", "run/model.safetensors", "left.pgm", "left.pgm"]).done().stdout;
    assert!(text.starts_with("left.pgm: left (") && text.lines().count() == 2, "{text}");

    let other = sandbox.birnn(&["eval", "run", "--dataset", "synthetic"]);
    other.failed(2, &["run/model.safetensors: is for 4 x 6 images of 2 classes", "28 x 28 images of 10"]);
}

/// What `predict --csv` says has a row for each answer of `predict --json`, which it is held against. Gives
/// the header.
pub(crate) fn csv_is_json(sandbox: &Sandbox, run: &str, file: &str) -> String {
    let told = json(&sandbox.birnn(&["predict", run, file, "--json"]).done().stdout);
    let table = sandbox.birnn(&["predict", run, file, "--csv"]).done().stdout;
    let mut lines = table.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    let mut expected: Vec<Vec<Value>> = Vec::new();
    for sample in told["predictions"].as_array().unwrap() {
        let place = |key: &&str| Some(sample.get(*key)?.clone());
        let place: Vec<Value> = match sample.get("image") {
            Some(image) => vec![image.clone()],
            None => ["file", "line", "id"].iter().map(|key| place(key).unwrap_or(Value::from(""))).collect(),
        };
        let window: Vec<usize> = sample
            .get("steps")
            .map(|steps| serde_json::from_value(steps.clone()).unwrap())
            .unwrap_or_default();
        if !header.contains(&"step".to_owned()) {
            let steps = window.into_iter().map(Value::from);
            let answer =
                ["class", "probability", "probabilities", "values"].iter().filter_map(|key| sample.get(*key));
            expected.push(place.into_iter().chain(steps).chain(answer.flat_map(list)).collect());
            continue;
        }
        let (first, of_steps) = (
            window.first().copied().unwrap_or(1),
            ["tokens", "tags", "probability", "probabilities", "values"],
        );
        let of_steps: Vec<&Value> = of_steps.iter().filter_map(|key| sample.get(*key)).collect();
        // Of the steps of a series, also which row of its table each is, where they are rows of one.
        let of_series = header.contains(&"row".to_owned());
        let row = |step: usize| sample.get("rows").map_or(Value::from(""), |rows| rows[step].clone());
        for step in 0..of_steps[0].as_array().unwrap().len() {
            let answer = of_steps.iter().flat_map(|all| list(&all[step]));
            let step = [Value::from(first + step)].into_iter().chain(of_series.then(|| row(step)));
            expected.push(place.iter().cloned().chain(step).chain(answer).collect());
        }
    }
    let lines: Vec<Vec<String>> = lines.collect();
    assert_eq!(lines.len(), expected.len(), "{table}");
    for (found, expected) in lines.iter().zip(&expected) {
        assert_eq!((found.len(), header.len()), (expected.len(), expected.len()), "{found:?}: {header:?}");
        for (found, expected) in found.iter().zip(expected) {
            match expected {
                Value::String(text) => assert_eq!(found, text),
                number => assert_eq!(found.parse::<f32>().unwrap(), number.as_f64().unwrap() as f32),
            }
        }
    }
    header.join(",")
}

#[test]
fn several_nets_are_asked_as_one() {
    let sandbox = Sandbox::new();
    let net = format!(
        "[data]\n{DIGITS}limit = 200\n[model]\nhidden = 8\nlayers = 1\n[train]\nepochs = 2\nbatch_size = 20\n"
    );
    sandbox.write_experiment("net.toml", &net);
    for seed in ["0", "1"] {
        let (set, run) = (format!("seed={seed}"), format!("run{seed}"));
        sandbox.birnn(&["train", "net.toml", "--run-dir", &run, "--set", &set]).done();
    }
    let eval = |args: &[&str]| json(&sandbox.birnn(&[&["eval", "--json"], args].concat()).done().stdout);
    let loss = |found: &Value| found["loss"].as_f64().unwrap();
    let alone = ["run0", "run1"].map(|run| loss(&eval(&[run])));

    // The mean of a net and itself is its own answer.
    assert!((loss(&eval(&["run0", "run0", "--ensemble"])) - alone[0]).abs() < 1e-6);
    // Cross-entropy is convex in probabilities: the mean is not worse than its members are on average.
    let both = eval(&["run0", "run1", "--ensemble"]);
    assert!(loss(&both) < (alone[0] + alone[1]) / 2.0, "{both} {alone:?}");
    assert!(loss(&both) > 0.0 && both["ensemble"] == serde_json::json!(["run1/model.safetensors"]), "{both}");
    let told = sandbox.birnn(&["eval", "run0", "run1", "--ensemble"]).done().stdout;
    assert!(told.contains("by the mean of 2 nets"), "{told}");

    // One that learnt from columns is handed columns, whichever is first; so it is where they are compared.
    let sets = ["--set", "data.transpose=true", "--set", "data.invert=true"];
    sandbox.birnn(&[&["train", "net.toml", "--run-dir", "columns"], &sets[..]].concat()).done();
    let rows_first = sandbox.birnn(&["eval", "run0", "columns", "--ensemble", "--json"]).done();
    assert!(rows_first.stderr.contains("reads the images of run0/model.safetensors transposed and inverted"));
    let columns_first = eval(&["columns", "run0", "--ensemble"]);
    assert_eq!(loss(&json(&rows_first.stdout)), loss(&columns_first));
    let compared = json(&sandbox.birnn(&["compare", "run0", "columns", "--json"]).done().stdout);
    let accuracy = |run: usize| compared["runs"][run]["accuracy"].clone();
    assert_eq!([accuracy(0), accuracy(1)], ["run0", "columns"].map(|run| eval(&[run])["accuracy"].clone()));

    sandbox.birnn(&["eval", "run0", "run1"]).failed(2, &["several nets", "--ensemble", "birnn compare"]);
    sandbox.birnn(&["eval", "run0", "--ensemble"]).failed(2, &["--ensemble: name two nets at least"]);
    let tags = "[task]\nkind = \"tag\"\nscheme = \"iob2\"\n[data]\ndataset = \"synthetic-text\"\nlimit = 100\n\
                [model]\nhidden = 8\nlayers = 1\nhead = \"crf\"\n[model.embedding]\nwidth = 8\n\
                [train]\nepochs = 1\nbatch_size = 20\n";
    sandbox.write("tags.toml", tags);
    sandbox.birnn(&["train", "tags.toml", "--run-dir", "tags"]).done();
    sandbox.birnn(&["eval", "run0", "tags", "--ensemble"]).failed(2, &["asked for something else than run0"]);
    sandbox
        .birnn(&["eval", "tags", "tags", "--ensemble"])
        .failed(2, &["conditional random field", "no mean"]);
}

#[test]
fn pictures_are_named_one_by_one_by_folder_and_by_pattern() {
    let sandbox = Sandbox::new();
    sandbox.train_small("run");
    let picture = |column: usize| {
        let row: Vec<u8> = (0..28).map(|x| if (column..column + 4).contains(&x) { 255 } else { 0 }).collect();
        [b"P5 28 28 255\n".to_vec(), row.repeat(28)].concat()
    };
    sandbox.write("some/b.pgm", picture(12));
    sandbox.write("some/a.PGM", picture(8));
    sandbox.write("some/notes.txt", "no picture");
    sandbox.write("some/c.png", "no picture either");
    sandbox.write("empty/notes.txt", "");
    let named = |ended: &birnn_tests::Ended| -> Vec<String> {
        ended.stdout.lines().map(|line| line.split(": ").next().unwrap().to_owned()).collect()
    };
    for given in ["some", "some/*.[pP][gGn]*"] {
        let ended = sandbox.birnn(&["predict", "run", given, "none.png"]);
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        assert_eq!(named(&ended), ["some/a.PGM", "some/b.pgm"]);
        let errors: Vec<_> = ended.stderr.lines().rev().collect();
        assert_eq!(errors[0], "error: 2 of 4 samples could not be read");
        assert!(errors[1].starts_with("error: none.png: No such file"), "{}", ended.stderr);
        assert!(errors[2].starts_with("error: some/c.png: "), "{}", ended.stderr);
    }
    let ended = sandbox.birnn(&["predict", "run", "some", "--json"]);
    let found = json(&ended.stdout);
    assert_eq!((ended.code, found["predictions"].as_array().unwrap().len()), (2, 2));
    assert_eq!(found["errors"][0]["image"], "some/c.png");
    let sum: f64 = found["predictions"][0]["probabilities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|share| share.as_f64().unwrap())
        .sum();
    assert!((sum - 1.0).abs() < 1e-5, "{sum}");
    sandbox
        .birnn(&["predict", "run", "empty"])
        .failed(2, &["empty: no pictures in this folder itself (*.png, ", "'empty/*/*'"]);
    sandbox.birnn(&["predict", "run", "x*.png"]).failed(2, &["x*.png: no file is called so"]);
    sandbox.birnn(&["predict", "run", "x[.png"]).failed(2, &["x[.png: as a pattern: "]);
    sandbox.birnn(&["predict", "run", "x/[.png"]).failed(2, &["x/[.png: as a pattern: "]);
}

/// A name is any bytes; those that are no UTF-8 are found as others are.
#[test]
#[cfg(target_os = "linux")]
fn a_pattern_finds_names_that_are_no_utf_8() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let sandbox = Sandbox::new();
    sandbox.train_small("run");
    let picture = [
        b"P5 28 28 255\n".to_vec(),
        [[0; 12], [255; 4].repeat(3).try_into().unwrap()].concat().repeat(33)[..784].to_vec(),
    ]
    .concat();
    for name in [b"a.pgm".as_slice(), b"b\xe9.pgm", b"d\xea/c.pgm", b"d\xea/e/f\xff.pgm"] {
        let path = sandbox.path("gl").join(OsStr::from_bytes(name));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &picture).unwrap();
    }
    for (pattern, expected) in [
        (b"gl/*.pgm".as_slice(), &[r"gl/a.pgm", r"gl/b\xE9.pgm"][..]),
        (b"gl/b?.*", &[r"gl/b\xE9.pgm"]),
        (b"gl/d*/[c]*", &[r"gl/d\xEA/c.pgm"]),
        (b"gl/d\xea/*.pgm", &[r"gl/d\xEA/c.pgm"]),
        (b"./g[l]/**/f*", &[r"./gl/d\xEA/e/f\xFF.pgm"]),
        (b"gl/**/*.pgm", &[r"gl/a.pgm", r"gl/b\xE9.pgm", r"gl/d\xEA/c.pgm", r"gl/d\xEA/e/f\xFF.pgm"]),
    ] {
        let mut command = sandbox.command(&["predict", "run"]);
        let output = command.arg(OsStr::from_bytes(pattern)).output().unwrap();
        let (stdout, stderr) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
        let named: Vec<&str> = stdout.lines().map(|line| line.split(": ").next().unwrap()).collect();
        assert_eq!(named, expected, "{}: {stderr}", String::from_utf8_lossy(pattern));
    }
}

/// Drawn, printed and as photographed: the first letter of each file's name is what it shows. The net is the
/// example's.
#[test]
fn digits_that_people_draw_are_read() {
    let sandbox = Sandbox::new();
    let net = workspace().join("crates/birnn-formats/examples/digits.safetensors");
    for folder in ["drawn", "fonts", "photos"] {
        let pictures = workspace().join("tests/fixtures/pictures").join(folder);
        let given = ["predict", net.to_str().unwrap(), pictures.to_str().unwrap(), "--json"];
        let found = json(&sandbox.birnn(&given).done().stdout);
        let predictions = found["predictions"].as_array().unwrap();
        let is_right = |prediction: &&Value| {
            let name = prediction["image"].as_str().unwrap().rsplit('/').next().unwrap();
            name.starts_with(prediction["class"].as_str().unwrap())
        };
        let right = predictions.iter().filter(is_right).count();
        assert_eq!(predictions.len(), 10, "{folder}");
        assert!(right >= 8, "{folder}: {right} of 10");
    }
}

#[test]
fn evaluation_repeats_what_training_found() {
    let sandbox = Sandbox::new();
    sandbox.train_small("run");
    let metrics = sandbox.text("run/metrics.jsonl");
    let mut trained = json(metrics.lines().last().unwrap());
    let mut found = json(&sandbox.birnn(&["eval", "run", "--json"]).done().stdout);
    for key in ["event", "weights", "dataset", "split", "mistakes"] {
        trained.as_object_mut().unwrap().remove(key);
        found.as_object_mut().unwrap().remove(key);
    }
    assert_eq!(found, trained);
    sandbox
        .birnn(&["eval", "run", "--split", "validation"])
        .failed(2, &["--split: the run kept no validation images"]);
}

#[test]
fn configs_are_shown_with_every_default() {
    let sandbox = Sandbox::new();
    sandbox.write("e.toml", "seed = 3");
    let shown = sandbox.birnn(&["config", "show", "e.toml", "--set", "model.cell=gru"]).done().stdout;
    for line in
        ["name = \"e\"", "seed = 3", "cell = \"gru\"", "hidden = 128", "lr = 0.003", "dataset = \"mnist\""]
    {
        assert!(shown.contains(line), "no `{line}` in:\n{shown}");
    }
    for (value, origin) in
        [("seed = 3 ", " # e.toml:1"), ("cell = \"gru\" ", " # --set"), ("lr = 0.003 ", " # default")]
    {
        let is_told = |line: &str| line.starts_with(value) && line.ends_with(origin);
        assert!(shown.lines().any(is_told), "no `{value}{origin}` in:\n{shown}");
    }
    // What was shown is the same experiment, every value of which comes from the file.
    sandbox.write("shown.toml", &shown);
    let again = sandbox.birnn(&["config", "show", "shown.toml"]).done().stdout;
    let values = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split(" # ").next().unwrap_or_default().trim().to_owned()).collect()
    };
    assert_eq!(values(&again), values(&shown));
    assert!(!again.contains("# default") && !again.contains("# --set"), "{again}");
}

#[test]
fn help_version_and_completions_work_anywhere() {
    let sandbox = Sandbox::new();
    let help = sandbox.birnn(&["--help"]).done().stdout;
    for word in
        ["train", "eval", "predict", "compare", "doctor", "data", "config", "BIRNN_DATA_DIR", "Exit codes"]
    {
        assert!(help.contains(word), "no `{word}` in:\n{help}");
    }
    assert!(sandbox.birnn(&["--version"]).done().stdout.starts_with("birnn 0."));
    assert!(sandbox.birnn(&["completions", "bash"]).done().stdout.contains("_birnn"));
    assert!(sandbox.listing().is_empty());
}

#[test]
fn data_is_verified_where_it_lies() {
    let sandbox = Sandbox::new();
    sandbox
        .birnn(&["data", "verify"])
        .failed(1, &["mnist can be neither found nor downloaded", "cache/birnn, nor in mnist, "]);
    if let Some(folder) = birnn_tests::mnist() {
        let ended = sandbox.birnn(&["data", "verify", "--data-dir", folder.to_str().unwrap()]).done();
        assert_eq!(ended.stdout.lines().count(), 4);
        let published = "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db  ";
        assert!(ended.stdout.starts_with(published), "{}", ended.stdout);
    } else {
        birnn_tests::skipped("no MNIST here");
    }
    assert!(sandbox.listing().is_empty());
}
