//! Calls birnn with anything at all, many calls at once, and looks at how each ends.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::{PATIENCE, Sandbox, idx, last_error, listing, sums_up};

/// A folder with a run, weights, pictures and data in it, and all kinds of things that are none.
#[derive(Debug)]
pub struct Fixture {
    /// The folder.
    pub sandbox: Sandbox,
    before: BTreeSet<PathBuf>,
}

/// Those that docs/reference/exit-codes.md explains.
pub const EXIT_CODES: [i32; 5] = [0, 1, 2, 130, 143];

/// A case that trains on is stopped as by a user after it.
const ENOUGH: Duration = Duration::from_millis(400);

impl Fixture {
    /// Trains the run, and puts the rest beside it.
    pub fn new() -> Fixture {
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
        Fixture { sandbox, before }
    }

    /// Runs birnn with `args`, in which `OUT` stands for a name of this case's own, and looks at how it ends.
    fn try_one(&self, number: usize, args: &[&OsStr], variables: &[(&str, &str)]) -> Result<(), String> {
        // All of one length, so that none starts with another.
        let out = format!("out{number:04}");
        let args: Vec<_> = args
            .iter()
            .map(|arg| match arg.to_str() {
                Some(text) => text.replace("OUT", &out).into(),
                None => (*arg).to_owned(),
            })
            .collect();
        let args: Vec<&OsStr> = args.iter().map(AsRef::as_ref).collect();
        let mut command = self.sandbox.command(&[]);
        command
            .args(&args)
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
        if !EXIT_CODES.contains(&code) {
            return wrong("a code of no meaning");
        }
        if said.contains("fault of birnn's") || said.contains("panicked") {
            return wrong("a panic");
        }
        let harmless = |c: char| c == '\n' || !c.is_control();
        if !said.chars().all(harmless) {
            return wrong("control characters");
        }
        // clap's own errors have their usage below them, and where nothing is asked for there is help.
        let of_clap = said.contains("'--help'") || said.contains("Usage: ");
        if [1, 2].contains(&code) && !of_clap {
            let begun = self.sandbox.path(&out).join("train.log").exists();
            if let Err(problem) = says_why(&said, begun) {
                return wrong(problem);
            }
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
    pub fn try_all(&self, cases: &[Case]) {
        let (next, cores) =
            (AtomicUsize::new(0), std::thread::available_parallelism().map_or(1, usize::from));
        let problems: Vec<String> = std::thread::scope(|scope| {
            let worker = || {
                let mut problems = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(number) else { break };
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
#[derive(Debug)]
pub struct Case {
    /// Its arguments; `OUT` stands for a name of the case's own.
    pub args: Vec<OsString>,
    /// Environment variables.
    pub variables: Vec<(&'static str, &'static str)>,
}

/// A case, its arguments parted by spaces.
pub fn case(line: &str) -> Case {
    Case {
        args: line.split(' ').filter(|arg| !arg.is_empty()).map(Into::into).collect(),
        variables: Vec::new(),
    }
}

/// Whether the last thing said, but for an excerpt of an experiment file below it, is an error in one line.
/// Where no run had `begun`, there is nothing else than what is said on the way to one.
pub fn says_why(said: &str, begun: bool) -> Result<(), &'static str> {
    let Some((last, before)) = last_error(said) else { return Err("nothing is said") };
    if !last.starts_with("error: ") {
        return Err("the last line is no error");
    }
    let each = sums_up(last);
    let on_the_way = |line: &&str| {
        ON_THE_WAY.iter().any(|start| line.starts_with(start)) || each && line.starts_with("error: ")
    };
    match begun || before.iter().all(on_the_way) {
        true => Ok(()),
        false => Err("why is not said in one line"),
    }
}

/// How lines begin that come before an error and are no part of it.
const ON_THE_WAY: [&str; 3] = ["warning: ", "own: ", "pictures are prepared as "];

/// Stops a child that trains on, as Ctrl-C does: one that logs to `log` hears of it. One that takes too
/// long is killed, which is then a signal.
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

impl Default for Fixture {
    fn default() -> Fixture {
        Fixture::new()
    }
}

/// An experiment with data of the folder's own.
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
