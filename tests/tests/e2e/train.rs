//! Training, from the experiment file to what the run leaves behind.

use birnn_tests::{SYNTHETIC, Sandbox, mnist, workspace};
use serde_json::Value;

use crate::json;

/// The accuracy in the tutorial's line, in percent.
fn accuracy(stdout: &str) -> f64 {
    let line = stdout.strip_prefix("Test Accuracy of the model on the 10000 test images: ").unwrap();
    line.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_run_leaves_all_it_promises() {
    let sandbox = Sandbox::new();
    sandbox.write("small.toml", SYNTHETIC);
    let ended = sandbox.birnn(&["train", "small.toml", "--run-dir", "run"]).done();
    assert!(ended.stdout.starts_with("Test Accuracy of the model on the 10000 test images: "));
    assert!(ended.stdout.ends_with(" %\n") && ended.stdout.lines().count() == 1, "{}", ended.stdout);
    assert_eq!(ended.stderr.lines().filter(|line| line.starts_with("epoch ")).count(), 2, "{}", ended.stderr);
    assert!(!ended.stderr.contains(['\x1b', '\r']), "no terminal, no cursor movement: {:?}", ended.stderr);

    let meta = json(&sandbox.text("run/meta.json"));
    assert_eq!((&meta["status"], &meta["seed"], &meta["device"]), (&"done".into(), &0.into(), &"cpu".into()));
    assert_eq!(meta["data"]["dataset"], "synthetic");
    let metrics = sandbox.text("run/metrics.jsonl");
    let events: Vec<Value> = metrics.lines().map(json).collect();
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    // 300 images in steps of 50, every second one logged.
    assert_eq!(names, ["data", "step", "step", "step", "epoch", "step", "step", "step", "epoch", "test"]);
    let test = 100.0 * events.last().unwrap()["accuracy"].as_f64().unwrap();
    assert!((test - accuracy(&ended.stdout)).abs() < 0.006);
    assert!(sandbox.text("run/train.log").contains("epoch 2/2"));
    assert!(sandbox.path("run/checkpoints/last.safetensors").is_file());
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_does_not() {
    let sandbox = Sandbox::new();
    sandbox.train_small("a");
    sandbox.birnn(&["train", "a/config.toml", "--run-dir", "b"]).done();
    sandbox.birnn(&["train", "small.toml", "--run-dir", "c", "--set", "seed=1"]).done();
    let weights = |run: &str| sandbox.read(&format!("{run}/model.safetensors"));
    assert!(weights("a") == weights("b"), "the resolved config repeats the run");
    assert!(weights("a") != weights("c"));
}

#[test]
fn what_stands_in_for_mnist_is_said_first_last_and_in_every_file() {
    let sandbox = Sandbox::new();
    let config = workspace().join("configs/quick.toml");
    let ended = sandbox
        .birnn(&[
            "train",
            config.to_str().unwrap(),
            "--offline",
            "--run-dir",
            "run",
            "--set",
            "data.limit=100",
            "--set",
            "train.epochs=1",
        ])
        .done();
    let first = ended.stderr.lines().next().unwrap();
    assert!(first.starts_with("warning: TRAINING ON SYNTHETIC DIGITS, NOT ON MNIST: "), "{first}");
    assert!(
        ended.stderr.lines().last().unwrap().contains("SYNTHETIC DIGITS, NOT ON MNIST"),
        "{}",
        ended.stderr
    );
    assert!(ended.stdout.contains("(synthetic digits, not mnist)"), "{}", ended.stdout);
    for file in ["config.toml", "meta.json", "metrics.jsonl", "train.log", "model.safetensors"] {
        let text = String::from_utf8_lossy(&sandbox.read(&format!("run/{file}"))).to_lowercase();
        assert!(text.contains("synthetic") && text.contains("mnist"), "{file} keeps it to itself");
    }
}

#[test]
fn runs_are_numbered_and_never_overwritten() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "tiny.toml",
        "name = \"n\"\n[data]\ndataset = \"synthetic\"\nlimit = 20\n[model]\nhidden = 2\n",
    );
    sandbox.birnn(&["train", "tiny.toml"]).done();
    let first = sandbox.read("runs/n/001/meta.json");
    sandbox.birnn(&["train", "tiny.toml"]).done();
    assert!(sandbox.path("runs/n/002/model.safetensors").is_file());
    assert_eq!(sandbox.read("runs/n/001/meta.json"), first);
    sandbox
        .birnn(&["train", "tiny.toml", "--run-dir", "runs/n/001"])
        .failed(2, &["runs/n/001: is not empty"]);
}

#[test]
fn every_experiment_file_trains() {
    let sandbox = Sandbox::new();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(workspace().join("configs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        sandbox.birnn(&["config", "check", path.to_str().unwrap()]).done();
        let small = [
            "data.dataset=synthetic",
            "data.limit=200",
            "train.epochs=1",
            "train.device=cpu",
            "model.hidden=8",
        ];
        let mut args = vec!["train", path.to_str().unwrap()];
        small.iter().for_each(|set| args.extend(["--set", set]));
        if std::fs::read_to_string(&path).unwrap().contains("\nvalidation = ") {
            args.extend(["--set", "data.validation=50"]);
        }
        sandbox.birnn(&args).done();
        assert!(sandbox.path(&format!("runs/{name}/001/model.safetensors")).is_file());
        names.push(name);
    }
    names.sort_unstable();
    let expected = [
        "best",
        "bigru",
        "bilstm",
        "bilstm-final",
        "birnn",
        "fashion",
        "fast",
        "lstm",
        "quick",
        "sweep",
        "synthetic",
    ];
    assert_eq!(names, expected);
}

#[test]
fn the_best_epoch_is_kept_and_stops_the_run() {
    let sandbox = Sandbox::new();
    sandbox.write_experiment("small.toml", birnn_tests::SMALL);
    // A rate that makes everything worse after some epoch.
    let sets =
        ["data.validation=100", "train.epochs=30", "train.early_stop.patience=2", "train.optimizer.lr=0.3"];
    let mut args = vec!["train", "small.toml", "--run-dir", "run"];
    sets.iter().for_each(|set| args.extend(["--set", set]));
    let ended = sandbox.birnn(&args).done();
    assert!(ended.stderr.contains("stopping early"), "{}", ended.stderr);
    let metrics = sandbox.text("run/metrics.jsonl");
    let losses: Vec<f64> = metrics
        .lines()
        .map(json)
        .filter(|event| event["event"] == "epoch")
        .map(|epoch| epoch["validation"]["loss"].as_f64().unwrap())
        .collect();
    let best = losses.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(losses.iter().position(|&loss| loss == best).unwrap() + 3, losses.len());
    let found = sandbox.birnn(&["eval", "run", "--split", "validation", "--json"]).done();
    assert!(
        (json(&found.stdout)["loss"].as_f64().unwrap() - best).abs() < 1e-4,
        "the best weights are the final ones"
    );
    assert!(sandbox.read("run/model.safetensors") == sandbox.read("run/checkpoints/best.safetensors"));
    let longer = sandbox.birnn(&["train", "--resume", "run", "--set", "train.epochs=60"]).done();
    assert!(
        longer.stderr.contains("nothing is left to train, whatever train.epochs is"),
        "{}",
        longer.stderr
    );
}

#[test]
fn a_net_trained_on_digits_reads_digits() {
    let sandbox = Sandbox::new();
    let config = workspace().join("configs/quick.toml");
    let mut args =
        vec!["train", config.to_str().unwrap(), "--run-dir", "run", "--offline", "--device", "cpu"];
    let (data, least) = match &mnist() {
        Some(folder) => (vec![("BIRNN_DATA_DIR", folder.to_str().unwrap().to_owned())], 85.0),
        None => {
            eprintln!("no MNIST here: on synthetic digits instead");
            args.extend(["--set", "data.dataset=synthetic"]);
            (Vec::new(), 75.0)
        }
    };
    let data: Vec<(&str, &str)> = data.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let ended = sandbox.birnn_with(&args, &data).done();
    assert!(accuracy(&ended.stdout) > least, "{}", ended.stdout);
}

/// Of all runs, one on real data must not be judged by digits drawn by code.
#[test]
fn a_run_is_never_evaluated_on_a_substitute() {
    let Some(folder) = mnist() else { return birnn_tests::skipped("no MNIST here") };
    let sandbox = Sandbox::new();
    let config = workspace().join("configs/quick.toml");
    let mut args =
        vec!["train", config.to_str().unwrap(), "--run-dir", "run", "--data-dir", folder.to_str().unwrap()];
    args.extend(["--offline", "--set", "data.limit=50", "--set", "train.epochs=1"]);
    sandbox.birnn(&args).done();
    assert!(sandbox.text("run/config.toml").contains("fallback = \"none\""));
    sandbox.birnn(&["eval", "run", "--offline"]).failed(1, &["mnist can be neither found nor downloaded"]);
}
