//! Series of numbers of unequal lengths, from a user's own files to answers.

use birnn_tests::{Sandbox, gzip};
use serde_json::Value;

use crate::json;

const HEADER: &str = "@problemName updown\n@univariate false\n@dimensions 2\n@equalLength false\n\
                      @classLabel true up down\n@data\n";

/// The features of a series that goes up or down, in units of their own.
fn series(index: usize) -> (String, &'static str) {
    let (steps, up) = (4 + index * 7 % 11, index.is_multiple_of(3));
    let level = |step: usize| if up { step } else { steps - step };
    let join = |value: &dyn Fn(usize) -> String| (0..steps).map(value).collect::<Vec<_>>().join(",");
    let rise = join(&|step| format!("{}", 1000 + 40 * level(step) + index * 31 % 17));
    let noise = join(&|step| format!("{:.3}", ((index * 13 + step * 7) % 10) as f32 / 1e3));
    (format!("{rise}:{noise}"), if up { "up" } else { "down" })
}

fn file(series_of: impl Iterator<Item = usize>) -> String {
    let line = |index| {
        let (features, label) = series(index);
        format!("{features}:{label}\n")
    };
    HEADER.to_owned() + &series_of.map(line).collect::<String>()
}

/// A trained net, `run`, with its experiment and data under `own`.
fn trained(settings: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("own/train.ts", file(0..120));
    sandbox.write("own/test.ts.gz", gzip(file(200..240).as_bytes()));
    sandbox.write(
        "own/updown.toml",
        format!(
            "[data]\ndataset = \"ts\"\ntrain = \"train.ts\"\ntest = \"test.ts.gz\"\nvalidation = 20\n{settings}\n\
             [model]\nhidden = 8\nlayers = 1\nreadout = \"final\"\n[train]\nepochs = 12\nbatch_size = 10\n\
             group_by_length = true\nmonitor = \"macro-f1\"\nclass_weights = {{ up = 2.0 }}\n\
             optimizer = {{ lr = 0.02 }}\n"
        ),
    );
    sandbox.birnn(&["train", "own/updown.toml", "--run-dir", "run"]).done();
    sandbox
}

#[test]
fn a_users_own_series_are_trained_on_evaluated_and_named() {
    let sandbox = trained("");
    for split in ["test", "validation", "train"] {
        let found = json(&sandbox.birnn(&["eval", "run", "--split", split, "--json"]).done().stdout);
        let scores = ["accuracy", "macro_f1"].map(|name| found[name].as_f64().unwrap());
        assert!(scores.iter().all(|score| (0.95..=1.0).contains(score)), "{split}: {found}");
    }
    let text = sandbox.birnn(&["eval", "run"]).done().stdout;
    assert!(text.starts_with("ts, 40 test series: accuracy ") && text.contains(" %, macro F1 "), "{text}");
    sandbox.birnn(&["report", "run"]).done();
    let page = sandbox.text("run/report.html");
    assert!(page.contains("series") && !page.contains("SYNTHETIC"));
    sandbox.birnn(&["train", "own/updown.toml", "--run-dir", "other", "--set", "seed=1"]).done();
    let text = sandbox.birnn(&["compare", "run", "other"]).done().stdout;
    assert!(text.contains("40 test series of ts"), "{text}");

    // By file and line, in the order of the file, whatever else is in the batch.
    let found = json(&sandbox.birnn(&["predict", "run", "own/test.ts.gz", "--json"]).done().stdout);
    let predictions = found["predictions"].as_array().unwrap();
    assert_eq!(predictions.len(), 40);
    for (index, prediction) in predictions.iter().enumerate() {
        assert_eq!(
            (&prediction["file"], &prediction["line"]),
            (&"own/test.ts.gz".into(), &(index + 7).into())
        );
    }
    let right = |(index, prediction): (usize, &Value)| prediction["class"] == series(200 + index).1;
    assert!(predictions.iter().enumerate().filter(|&each| right(each)).count() >= 38, "{found}");
    sandbox.write("one.ts", file(203..204));
    let alone = json(&sandbox.birnn(&["predict", "run", "one.ts", "--json"]).done().stdout);
    assert_eq!(alone["predictions"][0]["probabilities"], predictions[3]["probabilities"], "the same bits");
}

/// What `birnn predict run -` says to some lines.
fn from_stdin(sandbox: &Sandbox, lines: &str) -> (i32, String, String) {
    let ended = sandbox.birnn_given(&["predict", "run", "-"], lines);
    (ended.code, ended.stdout, ended.stderr)
}

#[test]
fn series_are_named_from_standard_input() {
    let sandbox = trained("");
    let (code, said, _) = from_stdin(
        &sandbox,
        "1000,1040,1080,1120,1160:0,0,0,0,0\n\n1200,1160,1120,1080,1040:0,0,0,0,0:label\n",
    );
    assert_eq!(code, 0);
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("-:1: up (") && lines[1].starts_with("-:3: down ("), "{said}");
    for (lines, part) in [("", "-: "), ("1,2,3\n", "-: line 1"), ("1,2:3,x\n", "-: line 1")] {
        let (code, _, said) = from_stdin(&sandbox, lines);
        assert!(code == 2 && said.contains(part), "{lines:?}: {said}");
    }
    // One that is missing something is told of, and the others are answered.
    let (code, said, errors) = from_stdin(&sandbox, "1,2:3,?\n1000,1040,1080,1120,1160:0,0,0,0,0\n");
    assert!(code == 2 && said.starts_with("-:2: up"), "{said}");
    assert!(
        errors.contains("-:1: the value at step 2 of feature 2 is missing; the net reads series with")
            && errors.contains("1 of 2 samples could not be read"),
        "{errors}"
    );
}

#[test]
fn what_is_missing_is_filled_in_as_the_net_learnt_it() {
    let sandbox = trained("missing = \"interpolate\"");
    let (code, whole, _) = from_stdin(&sandbox, "1000,1040,1080:0.001,0.002,0.003\n");
    let (_, filled, _) = from_stdin(&sandbox, "1000,?,1080:0.001,,0.003\n");
    assert_eq!((code, &whole), (0, &filled));
}

#[test]
fn series_that_moved_are_found_and_others_are_refused() {
    let sandbox = trained("");
    let [from, to] = ["own", "elsewhere"].map(|name| sandbox.path(name));
    std::fs::rename(from, to).unwrap();
    let lost = sandbox.birnn(&["eval", "run"]);
    lost.failed(2, &["own/train.ts: no such file", "--set data.train=PATH", "--data-dir"]);
    sandbox.birnn(&["eval", "run", "--data-dir", "elsewhere"]).done();
    // From where the user is, not from the run's folder.
    let moved = ["--set", "data.train=elsewhere/train.ts", "--set", "data.test=elsewhere/test.ts.gz"];
    let longer = ["train", "--resume", "run", "--set", "train.epochs=30"];
    sandbox.birnn(&[longer.as_slice(), &moved].concat()).done();

    sandbox.write("flat.ts", "@univariate true\n@classLabel true up down\n@data\n1,2,3:up\n");
    let sets = ["--set", "data.train=flat.ts", "--set", "data.test=flat.ts", "--set", "data.validation=0"];
    let other = sandbox.birnn(&[["eval", "run"].as_slice(), &sets].concat());
    other.failed(
        2,
        &["is for series of 2 values per step, of 2 classes, these are series of 1 value per step"],
    );
    sandbox.birnn(&["eval", "run", "--dataset", "synthetic"]).failed(2, &["these are 28 x 28 images"]);
    sandbox.birnn(&["predict", "run", "none.ts"]).failed(2, &["none.ts: "]);
    // What the net learnt with is not to be changed when it is asked.
    for (set, key) in [("data.missing=mean", "data.missing"), ("data.standardise=false", "data.standardise")]
    {
        let args = ["eval", "run", "--data-dir", "elsewhere", "--set", set];
        sandbox.birnn(&args).failed(2, &[&format!("--set {key}: how series are read belongs to the net")]);
    }
    // Nor what it is judged by, to what it has learnt from.
    let args =
        ["eval", "run", "--data-dir", "elsewhere", "--split", "validation", "--set", "data.validation=0.5"];
    sandbox.birnn(&args).failed(2, &["--set data.validation: which samples were kept back was decided"]);
    sandbox.train_small("images");
    sandbox
        .birnn(&["predict", "images", "elsewhere/train.ts"])
        .failed(2, &["the net reads images, and this is"]);
    let other = sandbox.birnn(&["eval", "images", "--dataset", "synthetic-series"]);
    other.failed(2, &["is for 28 x 28 images of 10 classes, these are series of 3 values per step"]);
}

/// What is exported for PyTorch comes back as the net that it was, standardisation and classes included.
#[test]
fn a_net_of_series_comes_back_from_pytorchs_file() {
    let sandbox = trained("");
    sandbox.birnn(&["export", "run", "net.ckpt"]).done();
    sandbox.birnn(&["import", "net.ckpt", "--out", "back.safetensors"]).done();
    let answers = |net: &str| -> Value {
        json(&sandbox.birnn(&["predict", net, "own/test.ts.gz", "--json"]).done().stdout)["predictions"]
            .clone()
    };
    assert_eq!(answers("run"), answers("back.safetensors"));
    // Without the description it reads what it is given, and says so.
    std::fs::remove_file(sandbox.path("net.ckpt.json")).unwrap();
    let bare = sandbox.birnn(&["import", "net.ckpt", "--series", "--out", "bare.safetensors"]).done();
    assert!(bare.stderr.contains("values as they are, not standardised"), "{}", bare.stderr);
    assert_ne!(answers("run"), answers("bare.safetensors"));
    // What is said of missing values is done.
    let bare = |net: &str, more: &[&str]| {
        sandbox.birnn(&[&["import", "net.ckpt", "--series", "--out", net], more].concat())
    };
    let numbers = bare("numbers.safetensors", &["--set", "task.kind=regress"]).done().stderr;
    let told =
        "numbers as its head gives them, not standardised (else net.ckpt.json, as `birnn export` writes it)";
    assert!(numbers.contains(told), "{numbers}");
    bare("m.safetensors", &["--set", "data.missing=mean"]).failed(2, &["--mean"]);
    bare("m.safetensors", &["--set", "data.missing=mean", "--mean=0.5"]).done();
    let outputs = |net: &str, table: &str| {
        sandbox.write("asked.csv", table);
        json(&sandbox.birnn(&["predict", net, "asked.csv", "--json"]).done().stdout)["predictions"][0]["probabilities"]
            .clone()
    };
    assert_eq!(outputs("m.safetensors", "a,b\n1,\n2,1\n"), outputs("m.safetensors", "a,b\n1,0.5\n2,1\n"));
    // A mean is of values, not of what tells which are missing.
    let mask = ["--set", "data.missing=last", "--set", "data.missing_mask=true"];
    bare("mask.safetensors", &mask).done();
    bare("less.safetensors", &[&mask[..], &["--mean=0.5"]].concat()).done();
    let near = |one: Value, other: Value| {
        let numbers = |answer: Value| serde_json::from_value::<Vec<f64>>(answer).unwrap();
        numbers(one).into_iter().zip(numbers(other)).all(|(one, other)| (one - other).abs() < 1e-4)
    };
    assert!(near(outputs("mask.safetensors", "a\n1.5\n2\n"), outputs("less.safetensors", "a\n2\n2.5\n")));
    let twice =
        ["import", "net.ckpt", "--config", "run/config.toml", "--mean", "1", "--out", "twice.safetensors"];
    sandbox.birnn(&twice).failed(2, &["--mean and --std: its series are standardised already"]);
    sandbox.train_small("images");
    let other = ["import", "images/model.ckpt", "--series", "--out", "other.safetensors"];
    sandbox.birnn(&other).failed(2, &["--series: its config, or the description beside it"]);
}

/// Made by code, so that it needs no file; a net of no use would not get there.
#[test]
fn synthetic_series_are_learnt() {
    let sandbox = Sandbox::new();
    let config = birnn_tests::workspace().join("configs/series/synthetic.toml");
    sandbox.birnn(&["train", config.to_str().unwrap(), "--run-dir", "run", "--offline"]).done();
    let found = json(&sandbox.birnn(&["eval", "run", "--json"]).done().stdout);
    assert!(found["accuracy"].as_f64().unwrap() > 0.9, "{found}");
}

/// A net of rectified units grows with every step that it reads: of two steps it answers, of many no number
/// is left.
#[test]
fn an_answer_that_is_no_number_is_refused() {
    let sandbox = Sandbox::new();
    let file = |steps: usize| {
        let line = |index: usize| {
            let up = index.is_multiple_of(2);
            let value = |step: usize| format!("{}", if up { 1 + step } else { 9 - step % 5 + index });
            let values: Vec<String> = (0..steps).map(value).collect();
            format!("{}:{}\n", values.join(","), if up { "up" } else { "down" })
        };
        "@univariate true\n@classLabel true up down\n@data\n".to_owned()
            + &(0..20).map(line).collect::<String>()
    };
    sandbox.write("short.ts", file(2));
    sandbox.write("long.ts", file(80));
    let settings = "name = \"own\"\n[data]\ndataset = \"ts\"\ntrain = \"short.ts\"\ntest = \"short.ts\"\n\
                    [model]\ncell = \"rnn\"\nnonlinearity = \"relu\"\nlayers = 1\nhidden = 16\nreadout = \"mean\"\n\
                    [train]\nepochs = 1\nbatch_size = 20\noptimizer = { kind = \"sgd\", lr = 1e5 }\n";
    sandbox.write("own.toml", settings);
    sandbox.birnn(&["train", "own.toml", "--run-dir", "run"]).done();
    let none = &["which is no number: what it adds up has overflowed"];
    sandbox.birnn(&["eval", "run", "--set", "data.test=long.ts"]).failed(2, none);
    sandbox.birnn(&["predict", "run", "long.ts"]).failed(2, none);
    for per in ["step", "sequence"] {
        sandbox.birnn(&["encode", "run", "long.ts", "--per", per, "--out", "s.npz"]).failed(2, none);
        assert!(!sandbox.path("s.npz").exists());
    }
    sandbox.birnn(&["predict", "run", "short.ts"]).done();
    sandbox
        .birnn(&["train", "own.toml", "--set", "data.test=long.ts"])
        .failed(1, &["step 1: the test loss is "]);
    // Whoever looks later is told of it, and of nothing that is damaged.
    let listed = sandbox.birnn(&["runs", "--json"]).done();
    let status = json(&listed.stdout)[0]["status"].as_str().unwrap().to_owned();
    assert!(status.starts_with("diverged: step 1: the test loss is "), "{status}");
}
