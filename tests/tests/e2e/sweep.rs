//! Sweeps: each run is one like any other, what was stopped or killed goes on, what fails does not stop the
//! rest.

use birnn_tests::{SMALL, SYNTHETIC, Sandbox};
use serde_json::Value;

const GRID: &str = "
[sweep]
seeds = 2
[sweep.grid]
model.cell = [\"rnn\", \"gru\"]
";

fn swept(extra: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write_experiment(
        "x.toml",
        format!("{}\n{extra}", SMALL.replace("limit = 300", "limit = 300\nvalidation = 50")),
    );
    sandbox
}

fn rows(stdout: &str) -> Vec<Vec<String>> {
    stdout
        .lines()
        .map(|line| line.split("  ").map(str::trim).filter(|c| !c.is_empty()).map(str::to_owned).collect())
        .collect()
}

#[test]
fn each_run_is_the_one_that_train_would_make() {
    let sandbox = swept(GRID);
    assert_eq!(
        sandbox.birnn(&["config", "check", "x.toml"]).done().stdout,
        "x.toml: ok, a sweep of 4 runs\n"
    );
    let ended = sandbox.birnn(&["sweep", "x.toml"]).done();
    let rows = rows(&ended.stdout);
    assert_eq!(rows[0], ["model.cell", "runs", "validation, %", "test, %", "training, s"]);
    assert_eq!(rows.len(), 3, "{}", ended.stdout);
    assert!(rows[1..].iter().all(|row| row[1] == "2" && row[2].contains(" ± ") && row[3].contains(" ± ")));
    let page = sandbox.text("sweeps/x/001/sweep.html");
    assert!(page.contains("4 of 4 runs are done") && page.contains("href=\"004/\""));

    let sets = ["--set", "model.cell=gru", "--set", "seed=1"];
    sandbox.birnn(&[&["train", "x.toml", "--run-dir", "alone/x/001/004"][..], &sets].concat()).done();
    // As deep in folders, since its experiment names the data from there.
    for file in ["model.safetensors", "metrics.jsonl", "config.toml"] {
        assert!(
            sandbox.read(&format!("sweeps/x/001/004/{file}"))
                == sandbox.read(&format!("alone/x/001/004/{file}")),
            "{file}"
        );
    }
    sandbox.birnn(&["eval", "sweeps/x/001/004"]).done();
}

#[test]
fn a_sweep_that_is_killed_goes_on_and_ends_the_same() {
    let sandbox = swept(GRID);
    sandbox.birnn(&["sweep", "x.toml", "--run-dir", "whole"]).done();
    let files = |sweep: &str| -> Vec<Vec<u8>> {
        (1..=4).map(|run| sandbox.read(&format!("{sweep}/{run:03}/model.safetensors"))).collect()
    };
    // Within the first run, and before there was one.
    for (index, at) in [40, 12].into_iter().enumerate() {
        let name = format!("killed{index}");
        let killed = sandbox
            .command(&["sweep", "x.toml", "--run-dir", &name])
            .env("BIRNN_FAULT", format!("KILL@{at}"))
            .output();
        assert!(killed.unwrap().status.code().is_none());
        assert!(!sandbox.path(&format!("{name}/001/model.safetensors")).exists());
        let ended = sandbox.birnn(&["sweep", "--resume", &name]).done();
        assert_eq!(rows(&ended.stdout).len(), 3);
        assert!(files(&name) == files("whole"));
        // Nothing is left to do, and nothing is done.
        let again = sandbox.birnn(&["sweep", "--resume", &name, "--json"]).done();
        assert!(!again.stderr.contains("epoch 1/2"), "{}", again.stderr);
        let found: Value = serde_json::from_str(&again.stdout).unwrap();
        assert_eq!(found["runs"].as_array().unwrap().len(), 4);
        assert_eq!(found["settings"][0]["accuracy"]["runs"], 2);
        assert_eq!(found["settings"][0]["settings"]["model.cell"].as_str().map(str::len), Some(3));
        assert!(files(&name) == files("whole"));
    }
}

#[test]
fn a_sweep_is_gone_on_with_only_as_what_it_was() {
    let sandbox = swept("[sweep.grid]\nmodel.hidden = [2, { forward = 3, reverse = 2 }]\n");
    sandbox.birnn(&["sweep", "x.toml", "--run-dir", "s"]).done();
    let text = sandbox.text("s/sweep.toml");
    sandbox.write("s/sweep.toml", text.replace("forward = 3", "forward = 4"));
    sandbox
        .birnn(&["sweep", "--resume", "s"])
        .failed(2, &["s/002: its model.hidden.forward is not what sweep.toml asks for"]);
    sandbox.write("s/sweep.toml", text.replace("seed = 0", "seed = 5"));
    sandbox.birnn(&["sweep", "--resume", "s"]).failed(2, &["s/001: its seed is not"]);
    sandbox.write("s/sweep.toml", text.replace("epochs = 2", "epochs = 3"));
    sandbox.birnn(&["sweep", "--resume", "s"]).failed(2, &["s/001: its train.epochs is not"]);
    sandbox.write("s/sweep.toml", text.replace("2, {", "{"));
    sandbox.birnn(&["sweep", "--resume", "s"]).failed(2, &["s/001: its model.hidden"]);
    sandbox.write("s/sweep.toml", text.replace(", { forward = 3, reverse = 2 }", ""));
    sandbox.birnn(&["sweep", "--resume", "s"]).failed(2, &["s/002: sweep.toml asks for 1 runs"]);
    // More of the same is welcome, and what was damaged is mended.
    sandbox.write("s/001/metrics.jsonl", "junk");
    sandbox.write("s/sweep.toml", text.replace("reverse = 2 }]", "reverse = 2 }, 4]"));
    let ended = sandbox.birnn(&["sweep", "--resume", "s"]).done();
    let rows = rows(&ended.stdout);
    assert_eq!(rows.len(), 4, "{}", ended.stdout);
    assert!(rows[1..].iter().all(|row| row[1] == "1"), "{}", ended.stdout);
    assert!(ended.stderr.starts_with("1 of 3 runs are done\n"), "{}", ended.stderr);
}

/// A run whose account of itself cannot be read is not taken for one that is still to be trained.
#[test]
fn a_run_that_cannot_say_how_it_stands_is_named() {
    let sandbox = swept("[sweep]\nseeds = 2\n");
    sandbox.birnn(&["sweep", "x.toml", "--run-dir", "s"]).done();
    let meta = sandbox.text("s/001/meta.json");
    sandbox.write("s/001/meta.json", "{\"name\": 3}");
    let before = sandbox.listing();
    let ways_out = "; put back a copy of it, or move it away";
    let parts = ["s/001/meta.json: is not what a run says of itself: ", ways_out];
    sandbox.birnn(&["sweep", "--resume", "s"]).failed(2, &parts);
    assert_eq!(sandbox.listing(), before);
    std::fs::remove_file(sandbox.path("s/001/meta.json")).unwrap();
    std::fs::create_dir(sandbox.path("s/001/meta.json")).unwrap();
    sandbox.birnn(&["sweep", "--resume", "s"]).failed(2, &["s/001/meta.json: ", ways_out]);
    // Both ways lead out.
    std::fs::remove_dir(sandbox.path("s/001/meta.json")).unwrap();
    let ended = sandbox.birnn(&["sweep", "--resume", "s"]).done();
    assert!(ended.stderr.starts_with("1 of 2 runs are done\n"), "{}", ended.stderr);
    sandbox.write("s/001/meta.json", meta);
    let ended = sandbox.birnn(&["sweep", "--resume", "s"]).done();
    assert!(ended.stderr.starts_with("2 of 2 runs are done\n"), "{}", ended.stderr);
}

#[test]
fn a_run_that_diverges_does_not_stop_the_others() {
    let sandbox = swept("[sweep.grid]\ntrain.optimizer.lr = [1e38, 0.01]\n");
    let ended = sandbox.birnn(&["sweep", "x.toml", "--run-dir", "s"]);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("error: run s/001: step "), "{}", ended.stderr);
    assert!(
        ended.stderr.ends_with("error: 1 of 2 runs failed; s/sweep.html tells which\n"),
        "{}",
        ended.stderr
    );
    assert_eq!(rows(&ended.stdout)[1][..2], ["0.01", "1"], "{}", ended.stdout);
    let page = sandbox.text("s/sweep.html");
    assert!(page.contains("1 of 2 runs are done, 1 failed.") && page.contains("the training has diverged"));
    // It would diverge again.
    let again = sandbox.birnn(&["sweep", "--resume", "s"]);
    assert_eq!((again.code, again.stderr.contains("run 1 of 2")), (1, false), "{}", again.stderr);
}

/// What can only be known beside the data.
#[test]
fn a_run_that_cannot_be_does_not_stop_the_others() {
    let sandbox = swept("[sweep.grid]\ntrain.class_weights = [{ x = 2.0 }, \"balanced\"]\n");
    let ended = sandbox.birnn(&["sweep", "x.toml", "--run-dir", "s"]);
    let parts = ["error: run s/001: ", "x: is none of the classes", "error: 1 of 2 runs failed"];
    assert!(ended.code == 1 && parts.iter().all(|part| ended.stderr.contains(part)), "{}", ended.stderr);
    assert!(sandbox.path("s/002/model.safetensors").is_file());
}

#[test]
fn a_run_that_cannot_be_gone_on_with_does_not_stop_the_others() {
    let sandbox = swept("[sweep]\nseeds = 2\n");
    sandbox.birnn(&["sweep", "x.toml", "--run-dir", "s"]).done();
    std::fs::remove_file(sandbox.path("s/001/model.safetensors")).unwrap();
    for name in ["last", "previous"] {
        sandbox.write(&format!("s/001/checkpoints/{name}.safetensors"), "damaged");
    }
    std::fs::remove_dir_all(sandbox.path("s/002")).unwrap();
    let ended = sandbox.birnn(&["sweep", "--resume", "s"]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("s/001: no checkpoint can be used: "), "{}", ended.stderr);
    assert!(
        ended.stderr.ends_with("error: 1 of 2 runs failed; s/sweep.html tells which\n"),
        "{}",
        ended.stderr
    );
    assert!(sandbox.text("s/sweep.html").contains("1 of 2 runs are done, 1 failed."));
    assert!(sandbox.path("s/002/model.safetensors").is_file());
}

#[test]
fn what_cannot_be_swept_is_refused_before_anything_is_made() {
    let sandbox = Sandbox::new();
    sandbox.write("x.toml", SYNTHETIC);
    sandbox.birnn(&["sweep", "x.toml"]).failed(2, &["x.toml: has no [sweep] that says what to vary"]);
    sandbox
        .birnn(&["sweep", "x.toml", "--set", "sweep.seeds=0"])
        .failed(2, &["sweep.seeds: must be at least 1"]);
    sandbox
        .birnn(&["sweep", "x.toml", "--set", "sweep.grid.model.hidden=[4,0]"])
        .failed(2, &["model.hidden"]);
    let absent = ["sweep", "x.toml", "--set", "sweep.seeds=2", "--offline", "--set", "data.dataset=kmnist"];
    sandbox.birnn(&absent).failed(1, &["kmnist can be neither found nor downloaded"]);
    let device = ["sweep", "x.toml", "--set", "sweep.grid.train.device=[\"cpu\",\"cuda:99\"]"];
    sandbox.birnn(&device).failed(2, &["train.device: "]);
    let option = ["sweep", "x.toml", "--set", "sweep.seeds=2", "--device", "cuda:99"];
    sandbox.birnn(&option).failed(2, &["--device: "]);
    sandbox.train_small("run");
    sandbox.birnn(&["sweep", "--resume", "run"]).failed(2, &["run: holds no sweep.toml"]);
    assert!(!sandbox.path("sweeps").exists());
}

#[test]
fn the_lowest_error_comes_first() {
    let sandbox = Sandbox::new();
    let grid = "\n[sweep]\nseeds = 2\n[sweep.grid]\ntrain.epochs = [1, 12]\n";
    sandbox.write("x.toml", crate::series_of("kind = \"regress\"") + grid);
    let ended = sandbox.birnn(&["sweep", "x.toml", "--run-dir", "s"]).done();
    let rows = rows(&ended.stdout);
    assert_eq!(rows[0], ["train.epochs", "runs", "validation RMSE", "test RMSE", "training, s"]);
    let found: Value =
        serde_json::from_str(&sandbox.birnn(&["sweep", "--resume", "s", "--json"]).done().stdout).unwrap();
    let means = [0, 1].map(|index| found["settings"][index]["validation"]["mean"].as_f64().unwrap());
    assert!(means[0] <= means[1], "{found}");
    assert!(found["settings"][0]["rmse"]["mean"].is_f64() && found["runs"][0]["outcome"]["rmse"].is_f64());
    let page = sandbox.text("s/sweep.html");
    for part in ["reaches RMSE ", "the lowest first", "RMSE by setting", "RMSE by train.epochs"] {
        assert!(page.contains(part), "no `{part}`");
    }
    assert!(!page.contains("ccuracy"), "{page}");
}

/// What a setting's default is can depend on another one, which the sweep varies.
#[test]
fn each_run_has_the_defaults_of_its_own_settings() {
    let sandbox = swept(
        "[sweep.grid]\ntrain.optimizer.kind = [\"adam\", \"adamw\", \"sgd\"]\nmodel.cell = [\"rnn\", \"gru\"]\n",
    );
    let base = ["--set", "model.cell=rnn", "--set", "train.epochs=1"];
    sandbox.birnn(&[&["sweep", "x.toml", "--run-dir", "s"], &base[..]].concat()).done();
    for (run, kind, cell) in [("002", "adamw", "rnn"), ("006", "sgd", "gru")] {
        let [kind, cell] = [format!("train.optimizer.kind={kind}"), format!("model.cell={cell}")];
        let sets = ["--set", "train.epochs=1", "--set", &kind, "--set", &cell];
        sandbox.birnn(&[&["train", "x.toml", "--run-dir", run], &sets[..]].concat()).done();
        assert!(
            sandbox.read(&format!("s/{run}/metrics.jsonl")) == sandbox.read(&format!("{run}/metrics.jsonl")),
            "{run}"
        );
    }
}
