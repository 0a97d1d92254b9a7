//! Drives the real `birnn` binary, in a folder of its own, with nothing of the user's environment.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

pub mod docs;
pub mod exits;
pub mod server;
pub mod torture;
pub mod volume;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use birnn_data::{LabelledImages, splitmix, synthetic};
use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

/// The documentation's Rust, compiled and run as examples of this crate.
#[cfg(doctest)]
mod examples {
    #[doc = include_str!("../../README.md")]
    struct Readme;
    #[doc = include_str!("../../docs/guide/library.md")]
    struct Library;
}

/// How long a test waits for what takes a second, on a machine that does much else.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until this holds, and fails with what `else_say` says where it does not for [`PATIENCE`].
#[track_caller]
pub fn wait_until(mut holds: impl FnMut() -> bool, else_say: impl FnOnce() -> String) {
    let start = Instant::now();
    while !holds() {
        if start.elapsed() > PATIENCE {
            panic!("{}", else_say());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A folder to run birnn in.
#[derive(Debug)]
pub struct Sandbox {
    folder: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code.
    pub code: i32,
    /// Its results.
    pub stdout: String,
    /// What it said besides.
    pub stderr: String,
}

impl Sandbox {
    /// An empty folder.
    pub fn new() -> Sandbox {
        Sandbox { folder: tempfile::tempdir().unwrap() }
    }

    /// The folder, or something in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a file there; folders on the way are made.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// What a file there holds.
    pub fn read(&self, name: &str) -> Vec<u8> {
        let path = self.path(name);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// As [`Sandbox::read`], of text.
    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    /// Every file and folder there, so that a test can tell what was left behind.
    pub fn listing(&self) -> BTreeSet<PathBuf> {
        listing(self.folder.path())
    }

    /// Runs birnn there, without data sets or a cache from outside.
    pub fn birnn(&self, args: &[&str]) -> Ended {
        self.birnn_with(args, &[])
    }

    /// The command that [`Sandbox::birnn`] runs.
    pub fn command(&self, args: &[&str]) -> Command {
        self.command_of(binary(), args)
    }

    /// As [`Sandbox::command`], of another program.
    pub fn command_of(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_remove("BIRNN_DATA_DIR")
            .env_remove("BIRNN_FAULT")
            .env_remove("BIRNN_INSTRUCTIONS")
            .env_remove("NO_COLOR")
            .env_remove("PYTHON")
            .env_remove("RUST_LOG")
            // Set for what cargo starts, and a hint in a message depends on it.
            .env_remove("CARGO")
            // What ends in one line is to end in one line.
            .env_remove("RUST_BACKTRACE")
            .env("XDG_CACHE_HOME", self.path("cache"))
            // Tests run side by side, and libtorch's threads wait for each other by spinning.
            .env("OMP_NUM_THREADS", "1");
        command
    }

    /// As [`Sandbox::birnn`], with these variables.
    pub fn birnn_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Ended {
        let output = self.command(args).envs(variables.iter().copied()).output().unwrap();
        Ended::of(args, output)
    }

    /// As [`Sandbox::birnn`], with `input` as its standard input.
    pub fn birnn_given(&self, args: &[&str], input: &str) -> Ended {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // Who refuses before it has read anything may have ended by now.
        let written = child.stdin.take().unwrap().write_all(input.as_bytes());
        assert!(written.as_ref().err().is_none_or(|err| err.kind() == ErrorKind::BrokenPipe), "{written:?}");
        Ended::of(args, child.wait_with_output().unwrap())
    }

    /// Writes [`SMALL`], or what became of it, with its digits beside it.
    pub fn write_experiment(&self, name: &str, text: impl AsRef<[u8]>) {
        digits().iter().for_each(|(file, bytes)| self.write(file, bytes));
        self.write(name, text);
    }

    /// Trains a small net on a few digits into the run directory `run`.
    pub fn train_small(&self, run: &str) -> Ended {
        self.write_experiment("small.toml", SMALL);
        self.birnn(&["train", "small.toml", "--run-dir", run]).done()
    }
}

/// Numbers that look random and are the same each time: SplitMix64 (Steele et al. 2014).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A sequence of its own for each seed and index.
    pub fn new(seed: u64, index: usize) -> Random {
        let mut random = Random(seed << 32 ^ index as u64);
        // Neighbouring indices start next to each other.
        random = Random(random.next());
        random
    }

    fn next(&mut self) -> u64 {
        let next = splitmix(self.0);
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        next
    }

    /// Below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// Every file and folder in `folder`.
pub fn listing(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path.clone());
            }
            found.insert(path);
        }
    }
    found
}

impl Default for Sandbox {
    fn default() -> Sandbox {
        Sandbox::new()
    }
}

impl Ended {
    fn of(args: &[&str], output: Output) -> Ended {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let code = output.status.code().unwrap_or_else(|| panic!("birnn {args:?}: {}", output.status));
        Ended { code, stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// The command must have ended well.
    #[track_caller]
    pub fn done(self) -> Ended {
        assert_eq!(self.code, 0, "{}", self.stderr);
        self
    }

    /// The command must have ended with this code, and its last error, one line with at most an excerpt of
    /// an experiment file below it, must hold all `parts`.
    #[track_caller]
    pub fn failed(self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, code, "{}{}", self.stdout, self.stderr);
        assert_eq!(self.stdout, "");
        let (last, before) = last_error(&self.stderr).unwrap_or_default();
        assert!(last.starts_with("error: "), "{}", self.stderr);
        let one = sums_up(last) || !before.iter().any(|line| line.starts_with("error: "));
        assert!(one, "more than one error: {}", self.stderr);
        for part in parts {
            assert!(last.contains(part), "no `{part}` in: {last}");
        }
    }
}

/// The last line of what was said, and those before it; excerpts of experiment files are left out.
fn last_error(said: &str) -> Option<(&str, Vec<&str>)> {
    let is_excerpt =
        |line: &&str| line.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit()).starts_with('|');
    let mut lines: Vec<&str> = said.lines().filter(|line| !is_excerpt(line)).collect();
    lines.pop().map(|last| (last, lines))
}

/// Whether an error is about several pictures or runs, each of which had an error of its own.
fn sums_up(error: &str) -> bool {
    error.ends_with(" could not be read") || error.contains(" runs failed; ")
}

macro_rules! small {
    ($dataset:expr) => {
        concat!(
            "[data]\n",
            $dataset,
            "limit = 300\n\n[model]\nhidden = 8\n\n",
            "[train]\ndevice = \"cpu\"\nepochs = 2\nbatch_size = 50\nlog_every = 2\n"
        )
    };
}

macro_rules! digits {
    () => {
        "dataset = \"idx\"\ntrain_images = \"idx-digits/train-images\"\ntrain_labels = \"idx-digits/train-labels\"\n\
         test_images = \"idx-digits/test-images\"\ntest_labels = \"idx-digits/test-labels\"\n"
    };
}

/// The digits that [`Sandbox::write_experiment`] puts beside an experiment, as its `[data]` names them: 300,
/// and 1000 to test with.
pub const DIGITS: &str = digits!();

/// An experiment of a second, on [`DIGITS`].
pub const SMALL: &str = small!(digits!());

/// As [`SMALL`], with 10,000 test images, which birnn draws each time.
pub const SYNTHETIC: &str = small!("dataset = \"synthetic\"\n");

/// The files of [`DIGITS`].
fn digits() -> &'static [(String, Vec<u8>); 4] {
    static DIGITS: OnceLock<[(String, Vec<u8>); 4]> = OnceLock::new();
    DIGITS.get_or_init(|| {
        let of = |part: &str, first, count| {
            let LabelledImages { images, labels } = synthetic::digits(0, first, count);
            let shape = [count as u32, images.rows as u32, images.cols as u32];
            let name = |what: &str| format!("idx-digits/{part}-{what}");
            [(name("images"), idx(&shape, &images.pixels)), (name("labels"), idx_labels(&labels))]
        };
        let ([a, b], [c, d]) = (of("train", 0, 300), of("test", 60_000, 1000));
        [a, b, c, d]
    })
}

/// The root of the workspace.
pub fn workspace() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    // Where cargo runs the tests, which a copied `target` was not compiled for.
    let manifest_dir = || std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").into());
    ROOT.get_or_init(|| Path::new(&manifest_dir()).parent().unwrap().to_owned())
}

/// Says that a test has not looked at what is not here, which is shown though the test passes.
pub fn skipped(why: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

/// The folder that holds real MNIST, if the user has named one that does.
pub fn mnist() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("BIRNN_DATA_DIR")?);
    [folder.join("mnist"), folder.join("MNIST/raw")].iter().any(|data| data.is_dir()).then_some(folder)
}

/// An IDX file of labels, which are bytes there.
pub fn idx_labels(labels: &[u16]) -> Vec<u8> {
    let bytes: Vec<u8> = labels.iter().map(|&label| label.try_into().unwrap()).collect();
    idx(&[bytes.len() as u32], &bytes)
}

/// An IDX file of bytes: its header, then the values, fitting together or not.
pub fn idx(dimensions: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
    bytes.extend(dimensions.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend(values);
    bytes
}

/// Compresses.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The binary that users start, built with `birnn-torch` beside it by the first test that asks for it: cargo
/// builds other packages' binaries for no test.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        // Set by cargo for this very test; ring's build script looks at such, and would be run anew each
        // time.
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_of_this_crate(name)) {
            cargo.env_remove(name);
        }
        let output = cargo
            .args(["build", "--quiet", "--workspace", "--bin", "birnn", "--bin", "birnn-torch"])
            .arg("--message-format=json-render-diagnostics")
            .current_dir(workspace())
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(output.status.success());
        let messages = output.stdout.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        let executable = messages.filter_map(|line| {
            let message: serde_json::Value = serde_json::from_slice(line).unwrap();
            Some(PathBuf::from(message["executable"].as_str()?))
        });
        executable.into_iter().find(|path| path.ends_with("birnn")).unwrap()
    })
}

/// Whether cargo set a variable for the crate that runs.
fn is_of_this_crate(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    [&b"CARGO_PKG_"[..], b"CARGO_MANIFEST_", b"CARGO_BIN_", b"CARGO_CRATE_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}
