//! Stopping a run and going on with it, as a user does.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use birnn_tests::torture::{Limits, torture};
use birnn_tests::{Ended, Sandbox, idx, wait_until};

use crate::json;

/// The short form of `cargo xtask torture`.
#[test]
fn a_run_survives_kills_power_cuts_faults_and_damage() {
    let limits = Limits { stride: 17, ways: 1, kills: 10, remains: 1, resumed: 1, bits: 1, seed: 1 };
    let counts = torture(limits, &|part| println!("{part}"));
    assert!(counts.operations > 150 && counts.kills_at_operations >= 12 && counts.faults >= 8, "{counts:?}");
    let cuts = counts.power_cuts;
    assert!(cuts.of_runs > 20 && cuts.of_resumed > 10 && cuts.remains > 20, "{counts:?}");
    assert!(counts.kills_at_random >= 10 && counts.flips > 5000 && counts.truncations > 100, "{counts:?}");
}

/// Starts training in the background, and waits until `metrics.jsonl` has so many lines.
fn started(sandbox: &Sandbox, args: &[&str], lines: usize) -> Child {
    let child = sandbox.command(args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let text = || std::fs::read_to_string(sandbox.path("run/metrics.jsonl")).unwrap_or_default();
    wait_until(|| text().lines().count() >= lines, || "nothing was trained".to_owned());
    child
}

fn signal(child: &Child, name: &str) {
    let done =
        std::process::Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
    assert!(done.success());
}

fn ended(child: Child) -> Ended {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap_or_else(|| panic!("{}", output.status));
    Ended { code, stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Some seconds of steps.
const LONG: &str = r#"
[data]
dataset = "idx"
train_images = "a"
train_labels = "b"
test_images = "a"
test_labels = "b"
[model]
hidden = 8
[train]
device = "cpu"
epochs = 300
batch_size = 10
log_every = 1
"#;

fn long() -> Sandbox {
    let sandbox = Sandbox::new();
    let pixels: Vec<u8> = (0..50 * 12).map(|index: u32| ((index * 73) % 251) as u8).collect();
    sandbox.write("a", idx(&[50, 4, 3], &pixels));
    sandbox.write("b", idx(&[50], &[0, 1].repeat(25)));
    sandbox.write("long.toml", LONG);
    sandbox
}

#[test]
fn signals_stop_a_run_that_then_goes_on() {
    let sandbox = long();
    sandbox.birnn(&["train", "long.toml", "--run-dir", "whole"]).done();
    let mut child = started(&sandbox, &["train", "long.toml", "--run-dir", "run"], 20);
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        signal(&child, name);
        let ended = ended(child);
        assert_eq!((ended.code, ended.stdout.as_str()), (code, ""), "{}", ended.stderr);
        let last = ended.stderr.lines().last().unwrap();
        assert!(
            last.starts_with("stopped at step ") && last.contains(" of 1500, which is saved; "),
            "{last}"
        );
        assert!(last.ends_with("to go on: birnn train --resume run"), "{last}");
        let meta = json(&sandbox.text("run/meta.json"));
        assert!(meta["status"].as_str().unwrap().starts_with("stopped at step "), "{meta}");
        let lines = sandbox.text("run/metrics.jsonl").lines().count();
        child = started(&sandbox, &["train", "--resume", "run"], lines + 20);
    }
    assert_eq!(ended(child).code, 0);
    for file in ["metrics.jsonl", "model.safetensors"] {
        assert!(sandbox.read(&format!("run/{file}")) == sandbox.read(&format!("whole/{file}")), "{file}");
    }
    let meta = json(&sandbox.text("run/meta.json"));
    let sessions = meta["sessions"].as_array().unwrap();
    let from: Vec<u64> = sessions.iter().map(|session| session["from_step"].as_u64().unwrap()).collect();
    // Of 20 lines every sixth is an epoch's.
    assert!(from.len() == 3 && from.is_sorted() && from[1] >= 17, "{from:?}");
    let log = sandbox.text("run/train.log");
    assert_eq!(log.matches(": stopped at step ").count(), 2, "each stop leaves its trace: {log}");
    assert_eq!((&meta["status"], &sessions[2]["status"]), (&"done".into(), &"done".into()));
}

/// What is said to be typed can be pasted.
#[test]
fn the_way_to_go_on_can_be_typed_whatever_the_folder_is_called() {
    let sandbox = long();
    sandbox.birnn(&["train", "long.toml", "--run-dir", "my run's", "--set", "train.epochs=1"]).done();
    std::fs::remove_file(sandbox.path("my run's/model.safetensors")).unwrap();
    let again = sandbox.birnn(&["train", "long.toml", "--run-dir", "my run's"]);
    again.failed(2, &[r"--resume 'my run'\''s'"]);
}

/// Runs go below a folder, not below what only looks like one; it is said before data is read.
#[test]
fn a_place_where_no_run_can_be_is_told_by_its_name() {
    let sandbox = long();
    std::os::unix::fs::symlink("/nowhere/at/all", sandbox.path("runs")).unwrap();
    sandbox.birnn(&["train", "long.toml"]).failed(2, &["runs is a link that leads nowhere"]);
    std::fs::remove_file(sandbox.path("runs")).unwrap();
    sandbox.write("runs/long", "");
    sandbox.birnn(&["train", "long.toml"]).failed(2, &["runs/long is no folder"]);
    sandbox.birnn(&["train", "long.toml", "--run-dir", "long.toml/x"]).failed(2, &["long.toml is no folder"]);
}

/// Somebody takes the folder away under a run, and another run has its name: neither writes into the other's.
#[test]
fn a_run_whose_folder_was_taken_away_writes_nothing_into_the_next() {
    let sandbox = long();
    let child = started(&sandbox, &["train", "long.toml", "--run-dir", "run"], 20);
    // Held still, while the other begins and ends.
    signal(&child, "STOP");
    std::fs::rename(sandbox.path("run"), sandbox.path("moved")).unwrap();
    sandbox
        .birnn(&["train", "long.toml", "--run-dir", "run", "--set", "train.epochs=1", "--set", "seed=7"])
        .done();
    let others = |name: &str| sandbox.read(&format!("run/{name}"));
    let names = ["model.safetensors", "meta.json", "checkpoints/last.safetensors"];
    let before = names.map(others);
    signal(&child, "CONT");
    ended(child).failed(1, &["run: was removed or renamed"]);
    assert!(names.map(others) == before, "the other run is as it was");
}

#[test]
fn a_run_that_goes_on_is_locked_and_can_be_looked_at() {
    let sandbox = long();
    let endless = ["train", "long.toml", "--run-dir", "run", "--set", "train.epochs=1000000"];
    let mut child = started(&sandbox, &endless, 20);
    sandbox.birnn(&["train", "--resume", "run"]).failed(2, &["run: is in use by another process"]);
    sandbox.birnn(&["train", "long.toml", "--run-dir", "run"]).failed(2, &["run: is in use"]);
    // Held still, lest it save just then.
    signal(&child, "STOP");
    let looked = sandbox.birnn(&["eval", "run"]).done();
    assert!(looked.stderr.contains("the run is not finished: using run/checkpoints/"), "{}", looked.stderr);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_finished_run_that_lost_its_weights_says_so() {
    let sandbox = Sandbox::new();
    sandbox.train_small("run");
    std::fs::remove_file(sandbox.path("run/model.safetensors")).unwrap();
    let looked = sandbox.birnn(&["eval", "run"]).done().stderr;
    assert!(
        looked.contains("warning: run: its model.safetensors is gone: using run/checkpoints/"),
        "{looked}"
    );
}

#[test]
fn a_second_signal_ends_a_run_at_once() {
    let sandbox = long();
    // Steps of some seconds: long sequences.
    sandbox.write("a", idx(&[50, 1000, 1], &[100; 50 * 1000]));
    let sets = ["--set", "model.hidden=100", "--set", "train.batch_size=50"];
    let args = [&["train", "long.toml", "--run-dir", "run"][..], &sets].concat();
    let child = started(&sandbox, &args, 1);
    signal(&child, "INT");
    std::thread::sleep(Duration::from_millis(100));
    signal(&child, "TERM");
    let start = Instant::now();
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.signal(), Some(15), "{} {said}", ended.status);
    assert!(!said.contains("stopped at step"), "{said}");
    assert!(start.elapsed() < Duration::from_secs(5));
    // It was at its first step: there is nothing to go on from, and that is said.
    let ended = sandbox.birnn(&["train", "--resume", "run", "--set", "train.epochs=1"]).done();
    assert!(
        ended.stderr.contains("there is no checkpoint yet: starting from the beginning"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_run_goes_on_for_longer_as_if_it_had_been_meant_to() {
    let sandbox = Sandbox::new();
    sandbox.train_small("run");
    sandbox.birnn(&["train", "small.toml", "--run-dir", "whole", "--set", "train.epochs=4"]).done();
    let ended = sandbox.birnn(&["train", "--resume", "run", "--set", "train.epochs=4"]).done();
    assert!(ended.stdout.starts_with("Test Accuracy"), "{}", ended.stdout);
    assert!(ended.stderr.contains("step 12 of 24"), "{}", ended.stderr);
    for file in ["metrics.jsonl", "model.safetensors", "config.toml"] {
        // The heading of config.toml names the run, and both are of one experiment.
        assert!(sandbox.read(&format!("run/{file}")) == sandbox.read(&format!("whole/{file}")), "{file}");
    }
    // Once more, it has nothing to do, says so, and leaves everything as it was, but for what a power cut
    // left.
    let (before, files) = (sandbox.read("run/metrics.jsonl"), sandbox.listing());
    sandbox.write("run/checkpoints/.last.safetensors.partial", "half a checkpoint");
    let ended = sandbox.birnn(&["train", "--resume", "run"]).done();
    assert!(ended.stderr.contains("nothing is left to train"), "{}", ended.stderr);
    assert!(ended.stdout.starts_with("Test Accuracy"), "{}", ended.stdout);
    assert_eq!((sandbox.read("run/metrics.jsonl"), sandbox.listing()), (before, files));
    // A decaying rate depends on the length of the run.
    sandbox
        .birnn(&["train", "small.toml", "--run-dir", "linear", "--set", "train.schedule.kind=linear"])
        .done();
    let ended = sandbox.birnn(&["train", "--resume", "linear", "--set", "train.epochs=3"]).done();
    assert!(ended.stderr.contains("warning: from here on the learning rate follows a run of 3 epochs"));
}

#[test]
fn other_instructions_are_warned_of() {
    let sandbox = Sandbox::new();
    sandbox.train_small("run");
    let resume = |epochs: &str, variables: &[(&str, &str)]| {
        let more = format!("train.epochs={epochs}");
        sandbox.birnn_with(&["train", "--resume", "run", "--set", &more], variables).done().stderr
    };
    let baseline = ("BIRNN_INSTRUCTIONS", "baseline");
    for said in [resume("2", &[baseline]), resume("3", &[])] {
        assert!(!said.contains("round otherwise"), "{said}");
    }
    let other = resume("4", &[baseline]);
    assert!(other.contains("goes on with 1 and baseline, which can round otherwise"), "{other}");
    assert!(other.contains("set OMP_NUM_THREADS=1 BIRNN_INSTRUCTIONS="), "{other}");
}

#[test]
fn instructions_that_are_not_there_are_refused() {
    let ended = Sandbox::new().birnn_with(&["doctor"], &[("BIRNN_INSTRUCTIONS", "mmx")]);
    ended.failed(
        2,
        &["BIRNN_INSTRUCTIONS: no vector instructions called `mmx` here; there are: ", "baseline"],
    );
}

#[test]
fn what_would_be_another_run_is_refused_key_by_key() {
    let sandbox = long();
    sandbox.birnn(&["train", "long.toml", "--run-dir", "run", "--set", "train.epochs=2"]).done();
    let before = sandbox.listing();
    let refused = |args: &[&str], parts: &[&str]| {
        let args = [&["train", "--resume", "run"], args].concat();
        sandbox.birnn(&args).failed(2, parts);
    };
    refused(
        &["--set", "train.optimizer.lr=0.1", "--set", "model.hidden=9"],
        &["run: the run would not be the same: model.hidden was 8 and is 9; train.optimizer.lr was 0.003 \
             and is 0.1; "],
    );
    refused(
        &["--set", "train.epochs=1"],
        &["run: train.epochs is 1, and 2 epochs are done already; 2 is the least"],
    );
    refused(&["--set", "train.epochs=0"], &["--set train.epochs=0: train.epochs: must be at least 1"]);
    sandbox.birnn(&["train", "--resume", "none"]).failed(2, &["none: is no run directory"]);
    let file = "run/checkpoints/last.safetensors";
    sandbox.birnn(&["train", "--resume", file]).failed(2, &["is no run directory", "; did you mean run?"]);
    sandbox.birnn(&["train", "--resume", "long.toml"]).failed(2, &["long.toml: is no run directory"]);
    sandbox.birnn(&["train", "--resume", "."]).failed(2, &[".: is no run directory"]);
    for args in [["long.toml", "--resume", "run"], ["--resume", "run", "--device=cpu"]] {
        let ended = sandbox.birnn(&[&["train"][..], &args].concat());
        assert!(ended.code == 2 && ended.stderr.contains("cannot be used with"), "{}", ended.stderr);
    }

    let config = sandbox.text("run/config.toml");
    sandbox.write("run/config.toml", config.replace("seed = 0", "seed = 1"));
    refused(&[], &["run: the run would not be the same: seed was 0 and is 1; "]);
    sandbox.write("run/config.toml", config.replace("seed = 0", "sed = 0"));
    refused(&[], &["run/config.toml:", "did you mean `seed`?"]);
    // Without it, the checkpoint knows.
    std::fs::remove_file(sandbox.path("run/config.toml")).unwrap();
    sandbox.birnn(&["train", "--resume", "run"]).done();
    assert_eq!(sandbox.text("run/config.toml"), config);

    let labels = sandbox.read("b");
    sandbox.write("b", idx(&[50], &[1, 0].repeat(25)));
    refused(
        &[],
        &[
            "run: the run would not be the same: its data has other content now: ",
            "; put that back, or say where it is",
        ],
    );
    // Where they lie is no difference, nor what they are called.
    sandbox.write("moved/other", labels);
    let moved = sandbox.path("moved/other").display().to_string();
    let [train, test] = ["train", "test"].map(|split| format!("data.{split}_labels={moved}"));
    sandbox.birnn(&["train", "--resume", "run", "--set", &train, "--set", &test]).done();
    std::fs::remove_dir_all(sandbox.path("moved")).unwrap();
    assert_eq!(sandbox.listing(), before);
}

#[test]
fn a_damaged_checkpoint_is_named_and_passed_over() {
    let sandbox = long();
    let args = ["train", "long.toml", "--set", "train.epochs=3", "--run-dir"];
    sandbox.birnn(&[&args[..], &["whole"]].concat()).done();
    let damage = |name: &str| {
        let name = format!("run/checkpoints/{name}.safetensors");
        let mut bytes = sandbox.read(&name);
        let offset = bytes.len() - 9;
        bytes[offset] ^= 4;
        sandbox.write(&name, bytes);
    };
    sandbox.birnn(&[&args[..], &["run"]].concat()).done();
    damage("last");
    // Who is refused has moved nothing.
    let before = sandbox.listing();
    sandbox.birnn(&["train", "--resume", "run", "--set", "seed=3"]).failed(2, &["seed was 0 and is 3"]);
    assert_eq!(sandbox.listing(), before);
    let ended = sandbox.birnn(&["train", "--resume", "run"]).done();
    let said =
        "warning: passed over run/checkpoints/last.safetensors: its content does not match its SHA-256";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
    assert!(ended.stderr.contains("previous.safetensors: step 10 of 15"), "{}", ended.stderr);
    for file in ["metrics.jsonl", "model.safetensors"] {
        assert!(sandbox.read(&format!("run/{file}")) == sandbox.read(&format!("whole/{file}")), "{file}");
    }
    let log = sandbox.text("run/train.log");
    assert_eq!(log.matches("epoch 3/3: ").count(), 1, "{log}");
    assert!(sandbox.path("run/checkpoints/last.safetensors.damaged").is_file());

    assert!(
        ended.stderr.contains("it is kept as run/checkpoints/last.safetensors.damaged"),
        "{}",
        ended.stderr
    );

    damage("last");
    damage("previous");
    let names = [
        "run: no checkpoint can be used: ",
        "last.safetensors: its content",
        "previous.safetensors: its content",
    ];
    sandbox.birnn(&["train", "--resume", "run"]).failed(2, &names);
    sandbox.birnn(&["train", "--resume", "run"]).failed(2, &names);
}

#[test]
fn a_record_that_was_altered_or_lost_is_told_and_keeps_nothing_from_going_on() {
    let sandbox = Sandbox::new();
    sandbox.train_small("run");
    let altered = sandbox.text("run/metrics.jsonl").replacen("step", "Step", 1);
    sandbox.write("run/metrics.jsonl", &altered);
    std::fs::remove_file(sandbox.path("run/timing.jsonl")).unwrap();
    let resume = |more: &[&str]| sandbox.birnn(&[&["train", "--resume", "run"], more].concat()).done();
    let ended = resume(&[]);
    for part in [
        "warning: run/metrics.jsonl is not what it was at the checkpoint; it is kept as \
         run/metrics.jsonl.damaged, and begun anew",
        "warning: run/timing.jsonl is gone; it is begun anew",
    ] {
        assert!(ended.stderr.contains(part), "no `{part}` in: {}", ended.stderr);
    }
    assert_eq!(ended.stderr.matches("warning").count(), 2, "{}", ended.stderr);
    assert_eq!(sandbox.text("run/metrics.jsonl.damaged"), altered);
    // Nothing was left to train, and still it is told only once.
    assert!(!resume(&[]).stderr.contains("warning"));
    let events = |text: &str| text.lines().map(|line| json(line)["event"].clone()).collect::<Vec<_>>();
    assert_eq!(events(&sandbox.text("run/metrics.jsonl")), ["data", "test"]);
    // What is kept is not written over.
    sandbox.write("run/metrics.jsonl", "");
    std::fs::remove_file(sandbox.path("run/events.out.tfevents.0.birnn")).unwrap();
    let ended = resume(&["--set", "train.epochs=3"]);
    assert!(ended.stderr.contains("it is kept as run/metrics.jsonl.damaged.2, and"), "{}", ended.stderr);
    assert_eq!(sandbox.text("run/metrics.jsonl.damaged"), altered);
    let events = events(&sandbox.text("run/metrics.jsonl"));
    assert!(events[0] == "data" && events.contains(&"epoch".into()), "{events:?}");
    let board = sandbox.read("run/events.out.tfevents.0.birnn");
    assert!(board.windows(13).any(|window| window == b"brain.Event:2"), "TensorBoard would not read it");
    sandbox.birnn(&["report", "run"]).done();
}

#[test]
fn a_run_whose_checkpoints_were_deleted_is_not_started_anew_over_its_results() {
    let sandbox = long();
    sandbox.birnn(&["train", "long.toml", "--set", "train.epochs=2", "--run-dir", "run"]).done();
    std::fs::remove_file(sandbox.path("run/checkpoints/last.safetensors")).unwrap();
    std::fs::remove_file(sandbox.path("run/checkpoints/previous.safetensors")).unwrap();
    let refused = || {
        let before = sandbox.read("run/metrics.jsonl");
        let parts = ["run: its checkpoints are gone; ", "train anew: birnn train run/config.toml"];
        sandbox.birnn(&["train", "--resume", "run"]).failed(2, &parts);
        assert!(sandbox.read("run/metrics.jsonl") == before);
    };
    refused();
    // The final weights are not the only sign of it.
    std::fs::remove_file(sandbox.path("run/model.safetensors")).unwrap();
    refused();
    std::fs::remove_file(sandbox.path("run/meta.json")).unwrap();
    refused();
    std::fs::remove_dir(sandbox.path("run/checkpoints")).unwrap();
    std::fs::remove_file(sandbox.path("run/timing.jsonl")).unwrap();
    refused();
}

/// `sets` must make training diverge, which ends it, and leaves the checkpoint of the step before.
#[track_caller]
fn diverges(sets: &[&str], parts: &[&str]) {
    let sandbox = Sandbox::new();
    sandbox.write_experiment("small.toml", birnn_tests::SMALL);
    let mut args = vec!["train", "small.toml", "--run-dir", "run", "--set", "train.checkpoint_every=1"];
    sets.iter().for_each(|set| args.extend(["--set", set]));
    let ended = sandbox.birnn(&args);
    let last = ended.stderr.lines().last().unwrap_or_default().to_owned();
    ended.failed(1, &[&["error: step ", "the training has diverged", "train.optimizer.lr"], parts].concat());
    let step: usize = last["error: step ".len()..].split(':').next().unwrap().parse().unwrap();
    // The one before, and all it holds is finite.
    let checkpoint = sandbox.read("run/checkpoints/last.safetensors");
    let tensors = safetensors::SafeTensors::deserialize(&checkpoint).unwrap();
    for (name, view) in tensors.iter().filter(|(_, view)| view.dtype() == safetensors::Dtype::F32) {
        let mut values = view.data().chunks(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()));
        assert!(values.all(f32::is_finite), "{name}");
    }
    let kept = birnn_engine::Checkpoint::read(&sandbox.path("run/checkpoints/last.safetensors")).unwrap();
    assert_eq!(kept.step(), step - 1);
    let meta = json(&sandbox.text("run/meta.json"));
    assert!(meta["status"].as_str().unwrap().starts_with("diverged: step "), "{meta}");
    assert!(!sandbox.path("run/model.safetensors").exists());
}

#[test]
fn a_training_that_diverges_stops_and_says_where() {
    let relu = ["model.cell=rnn", "model.nonlinearity=relu"];
    let sgd = "train.optimizer={ kind = \"sgd\", lr = 300, momentum = 0.99 }";
    diverges(&[&relu[..], &[sgd]].concat(), &[]);
    let rising = "train.schedule.warmup_steps=3";
    diverges(&["train.optimizer.lr=1e38", rising], &[]);
}

/// What is kept for the way back, and what is recomputed, changes no bit; a run may go on with another
/// choice.
#[test]
fn what_is_recomputed_changes_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write_experiment("small.toml", birnn_tests::SMALL);
    // Sixty rows make products of a few steps each, and so several segments.
    let train = |run: &str, more: &[&str]| {
        let args = ["train", "small.toml", "--run-dir", run, "--set", "train.batch_size=120"];
        sandbox.birnn(&[&args, more].concat()).done();
    };
    let weights = |run: &str| {
        let file = sandbox.read(&format!("{run}/model.safetensors"));
        let tensors = safetensors::SafeTensors::deserialize(&file).unwrap();
        let bytes =
            |(name, view): (String, safetensors::tensor::TensorView<'_>)| (name, view.data().to_vec());
        tensors.tensors().into_iter().map(bytes).collect::<std::collections::BTreeMap<_, _>>()
    };
    train("kept", &[]);
    train("recomputed", &["--set", "train.recompute=5"]);
    train("changed", &["--set", "train.recompute=9", "--set", "train.epochs=1"]);
    let again = ["train", "--resume", "changed", "--set", "train.epochs=2", "--set", "train.recompute=0"];
    sandbox.birnn(&again).done();
    for run in ["recomputed", "changed"] {
        assert!(weights(run) == weights("kept"), "{run}");
        assert_eq!(
            sandbox.text(&format!("{run}/metrics.jsonl")),
            sandbox.text("kept/metrics.jsonl"),
            "{run}"
        );
    }
}

#[test]
fn a_wrong_fault_is_told() {
    let sandbox = Sandbox::new();
    sandbox.write("x.toml", "");
    sandbox
        .birnn_with(&["train", "x.toml"], &[("BIRNN_FAULT", "EIO")])
        .failed(2, &["BIRNN_FAULT=EIO: expected"]);
}
