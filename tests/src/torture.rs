//! Kills runs, fails their file operations, cuts their power, and alters their checkpoints; resumes them, and
//! holds what they end in against a run that nothing happened to. Whatever differs is a panic that says
//! where.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use birnn_engine::Checkpoint;
use safetensors::SafeTensors;

use crate::{Random, Sandbox, idx, listing};

mod power;

use self::power::power_cuts;

pub use self::power::PowerCuts;

/// How far to go.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of a run's file operations, each so-many-th is killed at and made to fail.
    pub stride: usize,
    /// Of each such operation, ways to fail: all six, or fewer in turns.
    pub ways: usize,
    /// Kills at random instants.
    pub kills: usize,
    /// For each operation, things that a power cut there may leave.
    pub remains: usize,
    /// Of each kind, resumed runs whose power is cut again.
    pub resumed: usize,
    /// Of each header byte, the bits flipped.
    pub bits: u32,
    /// Decides what is random.
    pub seed: u64,
}

/// What was done, all of it survived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// File operations of an undisturbed run.
    pub operations: usize,
    /// Kills at file operations.
    pub kills_at_operations: usize,
    /// Kills at random instants.
    pub kills_at_random: usize,
    /// Failed file operations.
    pub faults: usize,
    /// Power cuts.
    pub power_cuts: PowerCuts,
    /// Bits flipped in a checkpoint.
    pub flips: usize,
    /// Lengths that a checkpoint was cut to.
    pub truncations: usize,
}

/// Does all of it; `say` hears of each part when it is done.
pub fn torture(limits: Limits, say: &dyn Fn(&str)) -> Counts {
    let mut counts = Counts::default();
    let short = Victims::new(3);
    (counts.operations, counts.kills_at_operations) = kill_at_operations(&short, limits);
    say(&format!(
        "killed at {} moments around the {} file operations of a run: the same bytes",
        counts.kills_at_operations, counts.operations
    ));
    counts.faults = fail_operations(&short, limits, counts.operations);
    say(&format!(
        "{} failed file operations: an error, the checkpoint intact, the same bytes",
        counts.faults
    ));
    let cuts = power_cuts(&short, limits);
    counts.power_cuts = cuts;
    say(&format!(
        "power lost before {} operations of runs and {} of resumed runs, with {} different things left on \
         the disk: no checkpoint older than the last that was flushed, the same bytes",
        cuts.of_runs, cuts.of_resumed, cuts.remains
    ));
    let long = Victims::new(12);
    counts.kills_at_random = kill_at_random(&long, limits);
    say(&format!("killed at {} random instants: the same bytes", counts.kills_at_random));
    (counts.flips, counts.truncations) = alter(&short, limits);
    say(&format!(
        "a checkpoint with {} flipped bits, one at a time, and cut to {} lengths: each detected",
        counts.flips, counts.truncations
    ));
    counts
}

/// Runs of one length, one of each kind, each with what it ends in undisturbed.
struct Victims {
    sandbox: Sandbox,
    epochs: usize,
    undisturbed: Vec<Ending>,
    tried: AtomicUsize,
}

/// Images by each kind of cell, series of unequal lengths, numbers for each of their steps, and tags of
/// words.
const KINDS: [&str; 6] = ["lstm", "gru", "rnn", "series", "numbers", "tags"];

/// Everything that a run is made of: dropout, clipping, validation, a schedule, checkpoints within an epoch.
/// Series with all that such data alone has.
fn experiment(kind: &str) -> String {
    let (data, model, train) = match kind {
        "numbers" => (
            "dataset = \"synthetic-series\"\nlimit = 45",
            String::new(),
            "group_by_length = true\nmonitor = \"rmse\"",
        ),
        "tags" => (
            "dataset = \"synthetic-text\"\nlimit = 45",
            "head = \"crf\"\ninput_dropout = 0.2\noutput_dropout = 0.3\nembedding = { width = 4, characters = { width = 3, hidden = 2 } }"
                .to_owned(),
            "group_by_length = true\nmonitor = \"f1\"",
        ),
        "series" => (
            "dataset = \"ts\"\ntrain = \"a.ts\"\ntest = \"b.ts\"\nmissing = \"interpolate\"",
            "readout = \"attention\"".to_owned(),
            "label_smoothing = 0.1\ngroup_by_length = true\nclass_weights = \"balanced\"\nmonitor = \"macro-f1\"\n\
             ema_decay = 0.9",
        ),
        cell => (
            "dataset = \"idx\"\ntrain_images = \"a\"\ntrain_labels = \"b\"\ntest_images = \"c\"\ntest_labels = \"d\"",
            format!("cell = \"{cell}\""),
            "label_smoothing = 0.1",
        ),
    };
    let task = match kind {
        "numbers" => "[task]\nkind = \"regress\"\nper = \"step\"\nloss = \"huber\"\n",
        "tags" => "[task]\nkind = \"tag\"\nscheme = \"iob2\"\n",
        _ => "",
    };
    format!(
        r#"
{task}[data]
{data}
validation = 12

[model]
{model}
hidden = {{ forward = 5, reverse = 3 }}
dropout = 0.3

[train]
{train}
device = "cpu"
batch_size = 8
clip_norm = 1.0
log_every = 2
checkpoint_every = 4

[train.optimizer]
lr = 0.02

[train.schedule]
kind = "cosine"
"#
    )
}

/// What two runs must have alike, byte for byte.
#[derive(Debug, PartialEq, Eq)]
struct Ending {
    weights: Vec<u8>,
    best: Vec<u8>,
    metrics: String,
    /// Weights, best weights, moments and sums of the last checkpoint.
    tensors: BTreeMap<String, Vec<u8>>,
    /// The names in the run's directory.
    files: Vec<String>,
    /// How many lines there are in the log for each epoch.
    epochs: Vec<usize>,
}

/// A `.ts` file of so many series: three classes, two features, 1 to 9 steps, values missing here and there.
fn series(count: usize) -> String {
    let value = |index: usize| match index % 17 {
        5 => "?".to_owned(),
        _ => format!("{}", (index * 73) % 251),
    };
    let line = |index: usize| {
        let steps = 1 + index * 7 % 9;
        let feature =
            |first: usize| (0..steps).map(|step| value(first + step * (1 + index % 3))).collect::<Vec<_>>();
        format!("{}:{}:{}\n", feature(index).join(","), feature(31 * index).join(","), index % 3)
    };
    let header = "@univariate false\n@dimensions 2\n@equalLength false\n@classLabel true 0 1 2\n@data\n";
    (0..count).fold(header.to_owned(), |text, index| text + &line(index))
}

impl Victims {
    fn new(epochs: usize) -> Victims {
        let sandbox = Sandbox::new();
        for (images, labels, count) in [("a", "b", 60), ("c", "d", 12)] {
            let pixels: Vec<u8> =
                (0..count * 20).map(|index: u32| ((index * 73) % 251 * (index / 20 % 3)) as u8).collect();
            let classes: Vec<u8> = (0..count).map(|index| (index % 3) as u8).collect();
            sandbox.write(images, idx(&[count, 5, 4], &pixels));
            sandbox.write(labels, idx(&[count], &classes));
        }
        for (name, count) in [("a.ts", 60), ("b.ts", 12)] {
            sandbox.write(name, series(count));
        }
        for kind in KINDS {
            sandbox.write(&format!("{kind}.toml"), experiment(kind));
        }
        let mut victims = Victims { sandbox, epochs, undisturbed: Vec::new(), tried: AtomicUsize::new(0) };
        side_by_side(|index| {
            let Some(kind) = KINDS.get(index) else { return false };
            let (status, said) = victims.run(kind, kind, None, None);
            assert_eq!(status.code(), Some(0), "{kind}: an undisturbed run: {said}");
            true
        });
        victims.undisturbed = KINDS.iter().map(|kind| victims.ending(kind)).collect();
        victims
    }

    /// A new name for a run, and its kind.
    fn next(&self) -> (String, usize) {
        let number = self.tried.fetch_add(1, Ordering::Relaxed);
        (format!("run{number}"), number % KINDS.len())
    }

    /// Starts a run, or goes on with it where there is something to go on with; `fault` is one of
    /// `$BIRNN_FAULT`, and `patience` the time until it is killed. Gives its end and its last words.
    fn run(
        &self,
        run: &str,
        kind: &str,
        fault: Option<&str>,
        patience: Option<Duration>,
    ) -> (ExitStatus, String) {
        let epochs = format!("train.epochs={}", self.epochs);
        let experiment = format!("{kind}.toml");
        let mut command = match self.sandbox.path(run).join("config.toml").exists() {
            true => self.sandbox.command(&["train", "--resume", run]),
            false => {
                let args = ["train", &experiment, "--run-dir", run, "--set", &epochs];
                self.sandbox.command(&args)
            }
        };
        command.envs(fault.map(|fault| ("BIRNN_FAULT", fault)));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        if let Some(patience) = patience {
            std::thread::sleep(patience);
            // It may have ended already.
            let _ = child.kill();
        }
        let output = child.wait_with_output().unwrap();
        (output.status, String::from_utf8(output.stderr).unwrap())
    }

    /// Lets a run come to its end, which must be the undisturbed one's.
    fn finish(&self, run: &str, kind: usize, what: &str) {
        let (status, said) = self.run(run, KINDS[kind], None, None);
        assert_eq!(status.code(), Some(0), "{what}: {said}");
        let (found, expected) = (self.ending(run), &self.undisturbed[kind]);
        assert_eq!(found.metrics, expected.metrics, "{what}: other metrics");
        assert_eq!((&found.files, &found.epochs), (&expected.files, &expected.epochs), "{what}: {said}");
        assert!(found == *expected, "{what}: other weights or moments");
        std::fs::remove_dir_all(self.sandbox.path(run)).unwrap();
    }

    fn ending(&self, run: &str) -> Ending {
        let read = |name: &str| self.sandbox.read(&format!("{run}/{name}"));
        let checkpoint = read("checkpoints/last.safetensors");
        let tensors = SafeTensors::deserialize(&checkpoint).unwrap();
        let tensors = tensors.iter();
        let folder = self.sandbox.path(run);
        // Of this run alone: others come and go meanwhile.
        let listing = listing(&folder).into_iter();
        let files = listing.filter_map(|path| Some(path.strip_prefix(&folder).ok()?.display().to_string()));
        let log = self.sandbox.text(&format!("{run}/train.log"));
        let timing = self.sandbox.text(&format!("{run}/timing.jsonl"));
        assert_eq!(timing.lines().count(), self.epochs, "one line per epoch: {timing}");
        Ending {
            weights: read("model.safetensors"),
            best: read("checkpoints/best.safetensors"),
            metrics: self.sandbox.text(&format!("{run}/metrics.jsonl")),
            tensors: tensors.map(|(name, view)| (name.to_owned(), view.data().to_vec())).collect(),
            files: files.collect(),
            epochs: (1..=self.epochs)
                .map(|epoch| log.matches(&format!("epoch {epoch}/{}: ", self.epochs)).count())
                .collect(),
        }
    }
}

/// A kill before, within and after each operation, and one more while the run goes on. The numbers of
/// operations and of kills.
fn kill_at_operations(victims: &Victims, limits: Limits) -> (usize, usize) {
    let (kills, operations) = (AtomicUsize::new(0), AtomicUsize::new(0));
    side_by_side(|index| {
        let at = 1 + index * limits.stride;
        let (run, kind) = victims.next();
        let (status, said) = victims.run(&run, KINDS[kind], Some(&format!("KILL@{at}")), None);
        if status.code() == Some(0) {
            return false;
        }
        assert_eq!(status.signal(), Some(9), "operation {at}: {said}");
        operations.fetch_max(at, Ordering::Relaxed);
        kills.fetch_add(1, Ordering::Relaxed);
        let again = 1 + Random::new(limits.seed, index).below(40);
        if victims.run(&run, KINDS[kind], Some(&format!("KILL@{again}")), None).0.signal() == Some(9) {
            kills.fetch_add(1, Ordering::Relaxed);
        }
        victims.finish(&run, kind, &format!("killed at operation {at}, then at {again}"));
        true
    });
    (operations.into_inner(), kills.into_inner())
}

/// Operations fail in several ways, once and from then on. The number of faults.
fn fail_operations(victims: &Victims, limits: Limits, operations: usize) -> usize {
    let ways = ["EIO@", "ENOSPC@", "EACCES@"].into_iter().flat_map(|way| [(way, ""), (way, "+")]);
    let ways: Vec<_> = ways.collect();
    let faults = AtomicUsize::new(0);
    side_by_side(|index| {
        let (way, lasting) = ways[index % ways.len()];
        let at = 1 + index / limits.ways * limits.stride;
        if at > operations {
            return false;
        }
        let fault = format!("{way}{at}{lasting}");
        let (run, kind) = victims.next();
        let (status, said) = victims.run(&run, KINDS[kind], Some(&fault), None);
        if status.code() == Some(0) {
            // Cells differ in how often an epoch is the best so far.
            return true;
        }
        assert_eq!(status.code(), Some(1), "{fault}: {said}");
        let last = said.lines().last().unwrap_or_default();
        assert!(last.starts_with("error: ") && last.contains(&run), "{fault}: {said}");
        assert!(last.contains("os error"), "{fault}: {said}");
        let names = ["last", "previous"].map(|name| format!("{run}/checkpoints/{name}.safetensors"));
        let kept: Vec<_> =
            names.iter().map(|name| victims.sandbox.path(name)).filter(|path| path.exists()).collect();
        assert!(kept.iter().all(|path| Checkpoint::read(path).is_ok()), "{fault}: a damaged checkpoint");
        faults.fetch_add(1, Ordering::Relaxed);
        victims.finish(&run, kind, &fault);
        true
    });
    faults.into_inner()
}

/// Kills runs at random instants, each as often as it takes to come to its end.
fn kill_at_random(victims: &Victims, limits: Limits) -> usize {
    let kills = AtomicUsize::new(0);
    side_by_side(|index| {
        let (run, kind) = victims.next();
        let mut times = Vec::new();
        loop {
            let random = &mut Random::new(limits.seed + 1, index << 10 | times.len());
            let milliseconds = 100 + random.below(500) as u64;
            let (status, said) =
                victims.run(&run, KINDS[kind], None, Some(Duration::from_millis(milliseconds)));
            if status.code() == Some(0) {
                break;
            }
            assert_eq!(status.signal(), Some(9), "killed after {times:?}, then: {said}");
            times.push(milliseconds);
            if kills.fetch_add(1, Ordering::Relaxed) + 1 >= limits.kills {
                break;
            }
        }
        victims.finish(&run, kind, &format!("killed after {times:?} milliseconds"));
        kills.load(Ordering::Relaxed) < limits.kills
    });
    kills.into_inner()
}

/// Alters a checkpoint in every way that a disk might. The numbers of flips and of truncations.
fn alter(victims: &Victims, limits: Limits) -> (usize, usize) {
    let good = victims.sandbox.read(&format!("{}/checkpoints/last.safetensors", KINDS[0]));
    let (start, metadata) = SafeTensors::read_metadata(&good).unwrap();
    let header = 8 + start;
    let data_bits = (good.len() - header) * 8;
    let bits: Vec<usize> = (0..header)
        .flat_map(|byte| (0..limits.bits).map(move |bit| byte * 8 + (byte + bit as usize) % 8))
        .chain((0..1000).map(|index| header * 8 + Random::new(limits.seed + 2, index).below(data_bits)))
        .collect();
    let mut ends: Vec<usize> = metadata.tensors().values().map(|info| header + info.data_offsets.1).collect();
    ends.extend([0, 8, header]);
    let mut lengths: Vec<usize> =
        ends.iter().flat_map(|&end| [end.saturating_sub(1), end, end + 1]).collect();
    lengths.retain(|&length| length < good.len());
    lengths.sort_unstable();
    lengths.dedup();
    let folder = tempfile::tempdir().unwrap();
    let is_read = |path: &Path, bytes: &[u8]| {
        std::fs::write(path, bytes).unwrap();
        Checkpoint::read(path).is_ok()
    };
    assert!(is_read(&folder.path().join("good"), &good));
    side_by_side(|index| {
        let path = folder.path().join(format!("{:?}", std::thread::current().id()));
        for &bit in bits.iter().skip(index * 64).take(64) {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_read(&path, &bytes), "bit {} of byte {} of {header} + data", bit % 8, bit / 8);
        }
        index * 64 < bits.len()
    });
    for &length in &lengths {
        assert!(!is_read(&folder.path().join("short"), &good[..length]), "{length} of {} bytes", good.len());
    }
    assert!(!is_read(&folder.path().join("long"), &[good.as_slice(), b"\0"].concat()));
    (bits.len(), lengths.len())
}

/// Runs `job` with 0, 1, 2 and so on, on all cores, until one answers that there are no more.
fn side_by_side(job: impl Fn(usize) -> bool + Sync) {
    let (next, done) = (AtomicUsize::new(0), AtomicBool::new(false));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    if !job(next.fetch_add(1, Ordering::Relaxed)) {
                        done.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
}
