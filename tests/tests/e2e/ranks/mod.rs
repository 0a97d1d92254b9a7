//! Training by several processes, as a launcher starts them, on this machine: the same bytes as by one.

mod faults;

use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use birnn_tests::{PATIENCE, Sandbox, idx, wait_until};

use crate::json;

/// What those that do not answer are given, in seconds.
const TIMEOUT: &str = "6";

/// Images and a net that draws much: for dropout at each step, and for how each image is varied.
const DIGITS: &str = r#"
[data]
dataset = "idx"
train_images = "images"
train_labels = "labels"
test_images = "images"
test_labels = "labels"
limit = 130
validation = 21
[model]
cell = "lstm"
hidden = 6
dropout = 0.3
[train]
device = "cpu"
epochs = 2
batch_size = 22
shards = 4
clip_norm = 0.5
log_every = 1
checkpoint_every = 2
"#;

/// The last batch has one image, and none for all ranks but the first.
const VARIED: &[&str] = &[
    "data.limit=132",
    "model.cell=gru",
    "model.dropout=0",
    "data.augment={shift=2.0,rotate=10.0}",
    "train.checkpoint_every=3",
    "train.ema_decay=0.9",
];

/// A folder with images of three classes, and the experiments.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let pixels: Vec<u8> = (0..140 * 8 * 6).map(|index: u32| (index * index % 251) as u8).collect();
    sandbox.write("images", idx(&[140, 8, 6], &pixels));
    sandbox.write("labels", idx(&[140], &[0, 1, 2, 1].repeat(35)));
    sandbox.write("x.toml", DIGITS);
    sandbox.write("y.toml", NUMBERS);
    sandbox
}

/// Series of unequal lengths, in groups of like length, and numbers to be told of them.
const NUMBERS: &str = r#"
[task]
kind = "regress"
[data]
dataset = "synthetic-series"
limit = 120
validation = 25
[model]
cell = "gru"
layers = 1
hidden = 6
readout = "final"
[train]
device = "cpu"
epochs = 2
batch_size = 22
shards = 4
group_by_length = true
monitor = "rmse"
log_every = 1
checkpoint_every = 2
"#;

const CLASSES: &[&str] = &["task.kind=classify", "train.monitor=loss", "model.dropout=0.2", "model.layers=2"];

/// Sentences with tags, that a conditional random field finds all together.
const TAGS: &[&str] = &[
    "task={ kind = \"tag\", scheme = \"iob2\" }",
    "data={ dataset = \"synthetic-text\", limit = 120, validation = 25 }",
    "model.readout=last",
    "model.head=crf",
    "model.embedding={ width = 6, characters = { width = 4, hidden = 3 }, word_dropout = 0.1 }",
    "model.input_dropout=0.2",
    "model.output_dropout=0.3",
    "train.monitor=f1",
];

/// Processes that were started as one job.
struct Job {
    sandbox_name: String,
    children: Vec<(Child, Option<ExitStatus>)>,
}

/// How a process of a job ended.
#[derive(Debug)]
struct Rank {
    /// As shells have it: 128 and the number of a signal.
    code: i32,
    stdout: String,
    stderr: String,
}

/// A port that nobody has, and that nobody is given who asks for any.
fn port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + (std::process::id() * 61 % 18_000) as u16;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed) % 4000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Starts so many processes of a job of `size`, with what `each` changes for a rank.
fn start_some(
    sandbox: &Sandbox,
    (count, size): (usize, usize),
    args: &[&str],
    mut each: impl FnMut(usize, &mut Command),
) -> Job {
    let port = port().to_string();
    let name = format!("job{port}");
    let children = (0..count).map(|rank| {
        let [out, err] = ["out", "err"].map(|kind| {
            let path = sandbox.path(&format!("{name}/{rank}.{kind}"));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::File::create(path).unwrap()
        });
        let rank_text = rank.to_string();
        let mut command = sandbox.command(args);
        command
            .envs([("RANK", &*rank_text), ("LOCAL_RANK", &*rank_text)])
            .envs([("WORLD_SIZE", size.to_string()), ("LOCAL_WORLD_SIZE", size.to_string())])
            .envs([("MASTER_ADDR", "127.0.0.1"), ("MASTER_PORT", &*port)]);
        each(rank, &mut command);
        command.stdin(Stdio::null()).stdout(out).stderr(err);
        (command.spawn().unwrap(), None)
    });
    let children = children.collect();
    Job { sandbox_name: name, children }
}

fn start(sandbox: &Sandbox, size: usize, args: &[&str]) -> Job {
    start_some(sandbox, (size, size), args, |_, _| {})
}

impl Job {
    fn signal(&self, rank: usize, name: &str) {
        let id = self.children[rank].0.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// How all of them ended, within `PATIENCE`; none is left.
    fn ended(mut self, sandbox: &Sandbox) -> Vec<Rank> {
        let start = Instant::now();
        while self.children.iter_mut().any(|(child, ended)| {
            *ended = ended.or_else(|| child.try_wait().unwrap());
            ended.is_none()
        }) {
            assert!(start.elapsed() < PATIENCE, "a process is left: {:#?}", self.said(sandbox));
            std::thread::sleep(Duration::from_millis(10));
        }
        self.said(sandbox)
    }

    fn said(&self, sandbox: &Sandbox) -> Vec<Rank> {
        let said = |rank, kind| sandbox.text(&format!("{}/{rank}.{kind}", self.sandbox_name));
        let code = |ended: &ExitStatus| ended.code().unwrap_or_else(|| 128 + ended.signal().unwrap());
        let ranks = self.children.iter().enumerate();
        ranks
            .map(|(rank, (_, ended))| Rank {
                code: ended.as_ref().map_or(-1, code),
                stdout: said(rank, "out"),
                stderr: said(rank, "err"),
            })
            .collect()
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        for (child, ended) in &mut self.children {
            if ended.is_none() {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    }
}

/// Ends well on all ranks, of which the first alone tells anything.
#[track_caller]
fn done(ranks: &[Rank]) {
    for (index, rank) in ranks.iter().enumerate() {
        assert_eq!(rank.code, 0, "{ranks:#?}");
        assert!(index == 0 || rank.stdout.is_empty() && rank.stderr.is_empty(), "{ranks:#?}");
    }
    assert!(ranks[0].stdout.starts_with("Test "), "{ranks:#?}");
}

/// Each rank fails with this code, in one line that holds all of `parts`.
#[track_caller]
fn failed(ranks: &[Rank], codes: &[i32], parts: &[&str]) {
    assert_eq!(ranks.iter().map(|rank| rank.code).collect::<Vec<_>>(), codes, "{ranks:#?}");
    for rank in ranks.iter().filter(|rank| [1, 2].contains(&rank.code)) {
        let errors: Vec<&str> = rank.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
        let libtorch_is_silent = !rank.stderr.contains("[c10d]");
        assert!(errors.len() == 1 && rank.stdout.is_empty() && libtorch_is_silent, "{ranks:#?}");
        for part in parts {
            assert!(errors[0].contains(part), "no `{part}` in {ranks:#?}");
        }
    }
}

/// Waits until a run has come so far.
fn wait_for_step(sandbox: &Sandbox, run: &str, step: usize) {
    let text = || std::fs::read_to_string(sandbox.path(&format!("{run}/metrics.jsonl"))).unwrap_or_default();
    wait_until(|| text().lines().count() >= step, || format!("nothing was trained: {}", text()));
}

#[track_caller]
fn same(sandbox: &Sandbox, run: &str, other: &str) {
    for file in ["metrics.jsonl", "model.safetensors"] {
        let [one, two] = [run, other].map(|run| sandbox.read(&format!("{run}/{file}")));
        assert!(one == two, "{run} and {other} differ in {file}");
    }
}

fn with_sets<'a>(args: &[&'a str], sets: &[&'a str]) -> Vec<&'a str> {
    let sets = sets.iter().flat_map(|set| ["--set", *set]);
    args.iter().copied().chain(sets).collect()
}

/// Trains with 1, 2, 3 and 4 processes.
fn same_by_any(experiment: &str, sets: &[&str]) {
    let sandbox = sandbox();
    sandbox.birnn(&with_sets(&["train", experiment, "--run-dir", "run1"], sets)).done();
    for size in 2..=4 {
        let run = format!("run{size}");
        let job = start(&sandbox, size, &with_sets(&["train", experiment, "--run-dir", &run], sets));
        done(&job.ended(&sandbox));
        same(&sandbox, "run1", &run);
    }
}

#[test]
fn an_lstm_with_dropout_and_clipping_is_the_same_by_any_number_of_processes() {
    same_by_any("x.toml", &[]);
}

#[test]
fn a_gru_on_varied_images_is_the_same_by_any_number_of_processes() {
    same_by_any("x.toml", VARIED);
}

#[test]
fn a_classifier_of_unequal_series_is_the_same_by_any_number_of_processes() {
    same_by_any("y.toml", CLASSES);
}

#[test]
fn a_regression_is_the_same_by_any_number_of_processes() {
    same_by_any("y.toml", &[]);
}

#[test]
fn a_tagger_is_the_same_by_any_number_of_processes() {
    same_by_any("y.toml", TAGS);
}

/// Long enough that something can happen meanwhile.
const LONG: &[&str] = &["train.epochs=400", "model.dropout=0.1"];

#[test]
fn a_run_that_is_stopped_goes_on_with_another_number_of_processes() {
    let sandbox = sandbox();
    let train = |run| with_sets(&["train", "x.toml", "--run-dir", run], LONG);
    let job = start(&sandbox, 2, &train("run"));
    wait_for_step(&sandbox, "run", 20);
    // One of them alone hears of it, as where a host is told to shut down.
    job.signal(1, "TERM");
    let ranks = job.ended(&sandbox);
    let codes: Vec<i32> = ranks.iter().map(|rank| rank.code).collect();
    assert_eq!(codes, [143, 143], "{ranks:#?}");
    let last = ranks[0].stderr.lines().last().unwrap();
    assert!(last.starts_with("stopped at step ") && last.ends_with("birnn train --resume run"), "{last}");
    assert!(ranks[1].stderr.is_empty(), "{ranks:#?}");

    // With more processes, killed after a checkpoint; then with one.
    let lines = sandbox.text("run/metrics.jsonl").lines().count();
    let job = start(&sandbox, 3, &["train", "--resume", "run", "--timeout", TIMEOUT]);
    wait_for_step(&sandbox, "run", lines + 20);
    job.signal(2, "KILL");
    failed(&job.ended(&sandbox), &[1, 1, 137], &["rank 2 on ", "is gone", "birnn train --resume run"]);
    let epochs = sandbox.text("run/metrics.jsonl").lines().filter(|line| line.contains("train_loss")).count();
    let until = format!("train.epochs={}", epochs + 2);
    sandbox.birnn(&["train", "--resume", "run", "--set", &until]).done();
    sandbox.birnn(&with_sets(&train("whole"), &[&until])).done();
    same(&sandbox, "whole", "run");
    let sessions = json(&sandbox.text("run/meta.json"))["sessions"].as_array().unwrap().len();
    assert_eq!(sessions, 3);
    sandbox.birnn(&["eval", "run"]).done();
}

/// Each run is done once, and is the one that one process makes; that of a process that is killed is taken up
/// by another.
#[test]
fn the_runs_of_a_sweep_are_shared_out() {
    let sandbox = sandbox();
    sandbox.write("x.toml", DIGITS.to_owned() + "[sweep]\nseeds = 12\n");
    let sets = ["train.epochs=30", "train.shards=1"];
    let job = start(&sandbox, 3, &with_sets(&["sweep", "x.toml", "--run-dir", "swept"], &sets));
    // Which run it has is up to chance.
    let runs =
        || (1..=12).filter(|run| sandbox.path(&format!("swept/{run:03}/metrics.jsonl")).exists()).count();
    wait_until(|| runs() >= 3, || format!("three runs at once: {:#?}", job.said(&sandbox)));
    job.signal(1, "KILL");
    let ranks = job.ended(&sandbox);
    let codes: Vec<i32> = ranks.iter().map(|rank| rank.code).collect();
    assert_eq!(codes, [0, 137, 0], "{ranks:#?}");
    assert!(ranks[0].stdout.lines().count() == 2 && ranks[2].stdout.is_empty(), "{ranks:#?}");
    assert!(sandbox.text("swept/sweep.html").contains("12 of 12 runs are done"));
    assert!(!sandbox.path("swept/claims").exists());

    sandbox.birnn(&with_sets(&["sweep", "x.toml", "--run-dir", "alone"], &sets)).done();
    let mut sessions = Vec::new();
    for run in 1..=12 {
        same(&sandbox, &format!("alone/{run:03}"), &format!("swept/{run:03}"));
        let meta = json(&sandbox.text(&format!("swept/{run:03}/meta.json")));
        sessions.push(meta["sessions"].as_array().unwrap().len());
    }
    sessions.sort_unstable();
    let mut expected = [1; 12];
    expected[11] = 2;
    assert_eq!(sessions, expected, "one was taken up again, and no other was trained twice");
}

#[test]
fn what_a_launcher_says_must_make_sense() {
    let sandbox = sandbox();
    for command in ["train", "sweep"] {
        let ended = sandbox.birnn_with(&[command, "x.toml"], &[("RANK", "2"), ("WORLD_SIZE", "2")]);
        ended.failed(2, &["RANK is 2, and there are 2 processes"]);
    }
    let job = start_some(&sandbox, (2, 2), &["sweep"], |rank, command| {
        command.args(if rank == 0 { &["x.toml"][..] } else { &["--resume", "none"] });
    });
    failed(
        &job.ended(&sandbox),
        &[2, 2],
        &["rank 1 on ", "was started as `sweep --resume`", "`sweep CONFIG`"],
    );
    assert!(!sandbox.path("sweeps").exists() && !sandbox.path("runs").exists());
}
