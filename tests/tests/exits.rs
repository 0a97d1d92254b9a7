//! Whatever is typed, and whatever is in the files: birnn ends with a code that its help names and says why in one line; where the
//! request was wrong, nothing is left behind. A panic would be 101, an abort a signal.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use birnn_tests::{Sandbox, idx, listing};

/// A folder with a run, weights, pictures and data in it, and all kinds of things that are none.
struct Place {
    sandbox: Sandbox,
    before: BTreeSet<PathBuf>,
}

/// So long may a case take before it counts as hanging; one that trains on is stopped as by a user.
const PATIENCE: Duration = Duration::from_secs(60);
const ENOUGH: Duration = Duration::from_millis(700);

impl Place {
    fn new() -> Place {
        let sandbox = Sandbox::new();
        sandbox.train_small("run");
        sandbox.write("images", idx(&[12, 3, 2], &[7; 72]));
        sandbox.write("labels", idx(&[12], &[0, 1, 2].repeat(4)));
        sandbox.write("own.toml", OWN);
        sandbox.write("sweep.toml", format!("{OWN}[sweep]\nseeds = 2\n"));
        let weights = sandbox.read("run/model.safetensors");
        let header = 8 + u64::from_le_bytes(*weights.first_chunk().unwrap()) as usize;
        for length in [1, 7, 8, 9, header / 2, header, header + 1, weights.len() - 1] {
            sandbox.write(&format!("cut{length}.safetensors"), &weights[..length]);
        }
        let ckpt = sandbox.read("run/model.ckpt");
        for length in [1, 30, ckpt.len() / 2, ckpt.len() - 1] {
            sandbox.write(&format!("cut{length}.ckpt"), &ckpt[..length]);
        }
        for (name, bytes) in
            [("one", &[1][..]), ("empty", b""), ("zeros", &[0; 4096]), ("text", b"no such thing\n")]
        {
            for extension in ["toml", "safetensors", "ckpt", "png", "jpg", "pgm", "bmp"] {
                sandbox.write(&format!("{name}.{extension}"), bytes);
            }
        }
        sandbox.write("huge.pgm", "P5 4294967295 4294967295 255\n");
        sandbox.write("deep.toml", "a = ".to_owned() + &"[".repeat(100_000));
        sandbox.write("good.pgm", [b"P5 28 28 255\n".as_slice(), &[0; 390], &[255; 4], &[0; 390]].concat());
        std::fs::create_dir(sandbox.path("folder")).unwrap();
        std::fs::create_dir(sandbox.path("folder.toml")).unwrap();
        std::os::unix::fs::symlink("loop.toml", sandbox.path("loop.toml")).unwrap();
        std::os::unix::fs::symlink("none", sandbox.path("dangling.png")).unwrap();
        let before = sandbox.listing();
        Place { sandbox, before }
    }

    fn command(&self, args: &[&OsStr]) -> Command {
        let mut command = self.sandbox.command(&[]);
        command.args(args);
        command
    }

    /// Runs birnn with `args`, in which `OUT` stands for a name of this case's own, and looks at how it ends.
    fn try_one(&self, number: usize, args: &[&OsStr], variables: &[(&str, &str)]) -> Result<(), String> {
        let out = format!("out{number}");
        let args: Vec<_> = args
            .iter()
            .map(|arg| match arg.to_str() {
                Some(text) => text.replace("OUT", &out).into(),
                None => (*arg).to_owned(),
            })
            .collect();
        let args: Vec<&OsStr> = args.iter().map(AsRef::as_ref).collect();
        let mut command = self.command(&args);
        command
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let stopped = stop_when_enough(&child, self.sandbox.path(&out).join("train.log"));
        let output = child.wait_with_output().unwrap();
        stopped.join().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let wrong = |what: &str| Err(format!("{args:?} {variables:?}: {what}: {}\n{said}", output.status));
        let Some(code) = output.status.code() else { return wrong("ended by a signal") };
        if ![0, 1, 2, 130, 143].contains(&code) {
            return wrong("a code of no meaning");
        }
        if said.contains("fault of birnn's") || said.contains("panicked") {
            return wrong("a panic");
        }
        let harmless = |c: char| c == '\n' || !c.is_control();
        if !said.chars().all(harmless) {
            return wrong("control characters");
        }
        let is_excerpt =
            |line: &&str| line.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit()).starts_with('|');
        // clap's own errors have their usage below them, and where nothing is asked for there is help.
        let told = said.lines().rev().find(|line| !is_excerpt(line)).unwrap_or_default();
        if [1, 2].contains(&code)
            && !told.starts_with("error: ")
            && !said.contains("'--help'")
            && !said.contains("Usage: ")
        {
            return wrong("the last line is no error");
        }
        if code == 2 && !self.left_behind(&out).is_empty() {
            return wrong(&format!("left behind: {:?}", self.left_behind(&out)));
        }
        Ok(())
    }

    /// What is there by the name of a case.
    fn left_behind(&self, out: &str) -> Vec<PathBuf> {
        let all = listing(&self.sandbox.path("")).into_iter();
        all.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(out)))
            .collect()
    }

    /// Tries all cases, as many at once as there are cores, and tells of all that end badly.
    fn try_all(&self, cases: &[Case]) {
        let (next, cores) =
            (AtomicUsize::new(0), std::thread::available_parallelism().map_or(1, usize::from));
        let problems: Vec<String> = std::thread::scope(|scope| {
            let worker = || {
                let mut problems = Vec::new();
                while let Some((number, case)) =
                    cases.get(next.fetch_add(1, Ordering::Relaxed)).map(|case| (number_of(cases, case), case))
                {
                    let args: Vec<&OsStr> = case.args.iter().map(AsRef::as_ref).collect();
                    problems.extend(self.try_one(number, &args, &case.variables).err());
                }
                problems
            };
            let workers: Vec<_> = (0..cores.max(2)).map(|_| scope.spawn(worker)).collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
        });
        assert!(problems.is_empty(), "{} of {}:\n{}", problems.len(), cases.len(), problems.join("\n"));
        let mut after = self.sandbox.listing();
        after.retain(|path| {
            !path.strip_prefix(self.sandbox.path("")).unwrap().to_string_lossy().starts_with("out")
        });
        assert_eq!(after, self.before);
    }
}

/// One call of birnn.
struct Case {
    args: Vec<std::ffi::OsString>,
    variables: Vec<(&'static str, &'static str)>,
}

fn number_of(cases: &[Case], case: &Case) -> usize {
    cases.iter().position(|other| std::ptr::eq(other, case)).unwrap()
}

/// A case, its arguments parted by spaces.
fn case(line: &str) -> Case {
    Case {
        args: line.split(' ').filter(|arg| !arg.is_empty()).map(Into::into).collect(),
        variables: Vec::new(),
    }
}

/// Stops a child that trains on, as Ctrl-C does: one that logs to `log` hears of it. One that takes too long is killed, which is then
/// a signal.
fn stop_when_enough(child: &Child, log: PathBuf) -> std::thread::JoinHandle<()> {
    let id = rustix::process::Pid::from_child(child);
    std::thread::spawn(move || {
        let start = Instant::now();
        let mut training = None;
        // Gone once it has been waited for; numbers are not used again so soon.
        while rustix::process::test_kill_process(id).is_ok() {
            if training.is_none() && log.exists() {
                training = Some(Instant::now());
            }
            if training.is_some_and(|since| since.elapsed() > ENOUGH) {
                let _ = rustix::process::kill_process(id, rustix::process::Signal::INT);
                // Twice would be at once.
                training = Some(Instant::now() + PATIENCE);
            }
            if start.elapsed() > PATIENCE {
                let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    })
}

const OWN: &str = r#"
[data]
dataset = "idx"
train_images = "images"
train_labels = "labels"
test_images = "images"
test_labels = "labels"
[model]
hidden = 3
[train]
device = "cpu"
epochs = 1
batch_size = 5
"#;

const COUNTS: [&str; 13] = [
    "seed",
    "data.validation",
    "data.limit",
    "model.layers",
    "model.hidden",
    "train.epochs",
    "train.batch_size",
    "train.log_every",
    "train.checkpoint_every",
    "train.schedule.warmup_steps",
    "train.early_stop.patience",
    "sweep.seeds",
    "model.hidden.forward",
];

const NUMBERS: [&str; 13] = [
    "model.dropout",
    "train.label_smoothing",
    "train.clip_norm",
    "train.optimizer.lr",
    "train.optimizer.eps",
    "train.optimizer.weight_decay",
    "train.optimizer.momentum",
    "data.augment.shift",
    "data.augment.rotate",
    "data.augment.scale",
    "data.augment.shear",
    "data.augment.elastic",
    "train.optimizer.betas",
];

#[test]
fn every_setting_with_every_number() {
    let place = Place::new();
    let mut cases = Vec::new();
    let mut of = |sets: &str| {
        let sets: Vec<String> = sets.split(' ').map(|set| format!("--set {set}")).collect();
        let command =
            if sets[0].contains("sweep.") { "config check own.toml" } else { "train own.toml --run-dir OUT" };
        cases.push(case(&format!("{command} {}", sets.join(" "))));
    };
    for key in COUNTS {
        for value in ["0", "9223372036854775807", "-1"] {
            of(&format!("{key}={value}"));
        }
    }
    for key in NUMBERS {
        for value in ["0.99999999", "nan", "inf", "1e-46"] {
            match key {
                "train.optimizer.betas" => of(&format!("{key}=[{value},{value}]")),
                "train.optimizer.momentum" => of(&format!("train.optimizer.kind=sgd {key}={value}")),
                _ => of(&format!("{key}={value}")),
            }
        }
    }
    of("train.optimizer.lr=1e38 train.optimizer.kind=sgd");
    of("train.optimizer.eps=1e-45");
    of("train.epochs=9223372036854775807 train.schedule.kind=one-cycle");
    of("train.epochs=9223372036854775807 train.schedule.kind=linear train.batch_size=9223372036854775807");
    of("train.batch_size=9223372036854775807 data.augment.shift=1000 data.augment.elastic=1000");
    of("model.layers=100 model.hidden=65536");
    of("data.validation=11 train.early_stop.patience=9223372036854775807");
    of("train.device=cuda:18446744073709551615");
    of("train.device=cuda:99999999999999999999");
    place.try_all(&cases);
}

#[test]
fn every_command_with_every_kind_of_file() {
    let place = Place::new();
    let mut cases = Vec::new();
    let mut files: Vec<String> = std::fs::read_dir(place.sandbox.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !["run", "cache", "own.toml", "sweep.toml"].contains(&name.as_str()))
        .collect();
    files.sort();
    files.extend(
        ["/dev/null", "none", "/", ".", "..", "run/config.toml", "run/metrics.jsonl"].map(str::to_owned),
    );
    for file in &files {
        let mut of = |line: &str| cases.push(case(&line.replace("FILE", file)));
        let is = |extension: &str| file.ends_with(extension);
        let strange = ["images", "folder", "/dev/null", "none", "/"].contains(&file.as_str());
        if is(".toml") || strange {
            of("train FILE --run-dir OUT --offline");
            of("config show FILE");
        }
        if is(".safetensors") || is(".ckpt") || strange {
            of("eval FILE");
            of("import FILE --out OUT.safetensors");
        }
        if is(".png") || is(".jpg") || is(".pgm") || is(".bmp") || strange {
            of("predict run FILE");
        }
        if strange {
            of("train --resume FILE");
            of("sweep --resume FILE");
            of("report FILE --out OUT.html");
            of("compare run FILE");
            of("export FILE OUT.onnx");
            of("data verify FILE --offline");
            of("train own.toml --run-dir OUT --set data.train_images=FILE");
            of("train own.toml --run-dir OUT --set data.test_labels=FILE");
        }
    }
    place.try_all(&cases);
}

#[test]
fn every_flag_with_what_it_is_not_for() {
    let place = Place::new();
    let long = "n".repeat(256);
    let lines = [
        "",
        "--",
        "train",
        "train own.toml --run-dir",
        "train own.toml --run-dir own.toml",
        "train own.toml --run-dir /dev/null",
        "train own.toml --run-dir /dev/full/OUT",
        "train own.toml --run-dir run",
        "train own.toml --run-dir /proc/OUT",
        &format!("train own.toml --run-dir OUT{long}"),
        &format!("train own.toml --set name={long} --run-dir OUT"),
        "train own.toml --resume run",
        "train --resume run --set train.epochs=0",
        "train --resume run --set seed=5",
        "train --resume run/checkpoints",
        "train own.toml --progress dashboard --run-dir OUT",
        "train own.toml --progress loud --run-dir OUT",
        "train own.toml --data-dir /dev/null --run-dir OUT",
        "train own.toml --set = --run-dir OUT",
        "train own.toml --set a.b.c.d.e=1 --run-dir OUT",
        "train own.toml --set data=1 --run-dir OUT",
        "train own.toml --set model=[] --run-dir OUT",
        "train own.toml --set data.classes=[] --run-dir OUT",
        "train own.toml --set data.classes=[\"a\",\"b\"] --run-dir OUT",
        "train own.toml --set name=.. --run-dir OUT",
        "sweep own.toml --run-dir OUT",
        "sweep sweep.toml --run-dir run",
        "sweep sweep.toml --set sweep.grid.model.hidden=[0,1] --run-dir OUT",
        "sweep sweep.toml --set sweep.grid.nothing=[0,1] --run-dir OUT",
        "sweep sweep.toml --set sweep.grid.model.hidden=[] --run-dir OUT",
        "eval run --split validation",
        "eval run --split all",
        "eval run --dataset cifar",
        "eval run --device cuda:9",
        "eval run --data-dir none --dataset mnist --offline",
        "predict run",
        "predict run *.none",
        "predict run [",
        "predict run good.pgm good.pgm none.png dangling.png",
        "predict none good.pgm",
        "report run --out own.toml",
        "report run --out none/OUT",
        "report run --out /dev/null --force",
        "report run --out folder --force",
        "report run/model.safetensors",
        "compare run",
        "compare run run/model.safetensors none",
        "export run OUT",
        "export run OUT.tar",
        "export run none/OUT.onnx",
        "export run OUT.onnx/",
        &format!("export run OUT{long}.onnx"),
        "import run/model.ckpt --out OUT.safetensors --classes a",
        "import run/model.ckpt --out OUT.safetensors --config own.toml",
        "import run/model.ckpt --out OUT.safetensors --set model.layers=9",
        "import run/model.safetensors --out OUT.safetensors",
        "data",
        "data fetch own.toml --data-dir /dev/null",
        "data verify --offline --data-dir none",
        "config check",
        "config check none own.toml",
        "config show own.toml --set train.optimizer.lr=nan",
        "completions csh",
        "doctor --data-dir none",
        "help me",
    ];
    let mut cases: Vec<Case> = lines.into_iter().map(case).collect();
    for name in
        [&b"caf\xe9"[..], b"a\nb", b"\x1b[2J\x07", "\u{202e}gnp".as_bytes(), b"", b"-", b"--", &[b'n'; 5000]]
    {
        let name = OsStr::from_bytes(name);
        let args: [&[&OsStr]; 7] = [
            &["train".as_ref(), name],
            &[
                "train".as_ref(),
                "own.toml".as_ref(),
                "--run-dir".as_ref(),
                "own.toml".as_ref(),
                "--set".as_ref(),
                name,
            ],
            &["train".as_ref(), "--resume".as_ref(), name],
            &["eval".as_ref(), name, "--json".as_ref()],
            &["predict".as_ref(), "run".as_ref(), name],
            &["compare".as_ref(), "run".as_ref(), name],
            &[name],
        ];
        let case = |args: &[&OsStr]| Case {
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            variables: Vec::new(),
        };
        cases.extend(args.map(case));
    }
    for variable in [
        ("OMP_NUM_THREADS", "0"),
        ("OMP_NUM_THREADS", "-3"),
        ("OMP_NUM_THREADS", "many"),
        ("OMP_NUM_THREADS", "300"),
        ("BIRNN_INSTRUCTIONS", "sse9"),
        ("BIRNN_FAULT", "EIO"),
        ("BIRNN_DATA_DIR", "/dev/null"),
        ("RUST_LOG", "((("),
        ("COLUMNS", "0"),
        ("TERM", ""),
        ("XDG_CACHE_HOME", "relative"),
        ("HOME", ""),
        ("CUDA_VISIBLE_DEVICES", "x"),
    ] {
        let train = case("train own.toml --run-dir OUT");
        cases.push(Case { variables: vec![variable], ..train });
    }
    place.try_all(&cases);
}
