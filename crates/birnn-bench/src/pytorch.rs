//! PyTorch as a contender: one Python for the whole run, asked by a line of JSON, answering by another.

use std::cell::RefCell;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, anyhow, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::contender::{Contender, Kind};
use crate::digits;
use crate::point::Point;

const SCRIPT: &str = include_str!("pytorch.py");
/// Its folder is where Python looks for modules first, so it must have no library's name.
const SCRIPT_NAME: &str = "birnn_bench.py";
/// libtorch's, so that what differs is not the library.
const TORCH: &str = "2.11";

/// The user's Python with a folder that holds the script and digits for torchvision.
pub struct Home {
    python: OsString,
    folder: tempfile::TempDir,
    /// The data set whose digits the tutorial's loop reads.
    pub digits: String,
}

/// A Python that waits for a request.
pub struct Python {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// What it says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Versions {
    /// PyTorch's version.
    pub torch: String,
    /// torchvision's, where it is installed.
    pub torchvision: Option<String>,
    /// Threads that PyTorch computes with.
    pub threads: usize,
}

/// A task of the script, among other contenders.
pub struct Remote<'a> {
    python: &'a RefCell<Python>,
    task: &'static str,
}

impl Home {
    /// Writes what a Python needs.
    pub fn new(python: &Path) -> Result<Home> {
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let script = folder.path().join(SCRIPT_NAME);
        std::fs::write(&script, SCRIPT).with_context(|| format!("cannot write {}", script.display()))?;
        let digits = digits::lay_out(folder.path())?;
        Ok(Home { python: python.into(), folder, digits })
    }

    /// Starts a Python, and makes sure that its PyTorch can be compared.
    pub fn start(&self) -> Result<(Python, Versions)> {
        let script: PathBuf = self.folder.path().join(SCRIPT_NAME);
        let mut child = Command::new(&self.python)
            .arg(script)
            .arg(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| {
                format!("cannot run {}: --python wants a Python with PyTorch 2.11", self.python.display())
            })?;
        let (requests, answers) = (child.stdin.take(), child.stdout.take().context("no stdout of Python's")?);
        let mut python = Python { child, requests, answers: BufReader::new(answers) };
        let versions = python
            .ask::<Versions>(json!({ "cmd": "versions" }))
            .and_then(Versions::comparable)
            .with_context(|| format!("{} cannot be compared with", self.python.display()))?;
        Ok((python, versions))
    }
}

impl Versions {
    fn comparable(self) -> Result<Versions> {
        let version = &self.torch;
        if version.strip_prefix(TORCH).is_some_and(|rest| rest.starts_with('.')) {
            return Ok(self);
        }
        bail!("it has torch {version}, and torch {TORCH} is what birnn's libtorch belongs to");
    }
}

impl Python {
    /// Makes nets and batches of a point ready, and forgets those before.
    pub fn prepare(&mut self, tasks: &[&str], point: &Point) -> Result<()> {
        let mut value = serde_json::to_value(point)?;
        value["lengths"] = point.each_length().into();
        self.ask(json!({ "cmd": "prepare", "tasks": tasks, "point": value })).map(|Nothing {}| ())
    }

    /// Makes an evaluation of so many images ready, `size` at a time.
    pub fn prepare_evaluation(&mut self, point: &Point, images: usize, size: usize) -> Result<()> {
        let mut point = serde_json::to_value(Point { batch: size, ..*point })?;
        point["images"] = images.into();
        self.ask(json!({ "cmd": "prepare", "tasks": [EVALUATION], "point": point })).map(|Nothing {}| ())
    }

    /// KiB that the process has taken at its most, after so many steps of a prepared task.
    pub fn memory(&mut self, task: &str, steps: usize) -> Result<u64> {
        self.ask(json!({ "cmd": "memory", "task": task, "steps": steps })).map(|Memory { kib }| kib)
    }

    fn ask<T: DeserializeOwned>(&mut self, request: Value) -> Result<T> {
        let requests = self.requests.as_mut().context("Python's stdin is closed")?;
        writeln!(requests, "{request}")
            .context("the program named by --python has ended; what it said, if it is a Python, is above")?;
        let mut line = String::new();
        if self.answers.read_line(&mut line).context("cannot read Python's answer")? == 0 {
            bail!("the program named by --python has ended; what it said, if it is a Python, is above");
        }
        answer(&line)
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // At the end of its input it ends by itself.
        drop(self.requests.take());
        let _ = self.child.wait();
    }
}

/// The evaluation's name in the script.
pub const EVALUATION: &str = "evaluation";

/// A kind's name in the script.
pub fn task(kind: Kind) -> &'static str {
    match kind {
        Kind::Tutorial => "tutorial",
        Kind::Autocast => "autocast",
        Kind::Bf16 => "bf16",
        Kind::Packed => "packed",
        Kind::Padded => "padded",
        Kind::Birnn | Kind::Recomputed | Kind::High | Kind::Medium | Kind::Libtorch | Kind::Pytorch => {
            "pytorch"
        }
    }
}

impl<'a> Remote<'a> {
    /// A task that is prepared.
    pub fn new(python: &'a RefCell<Python>, task: &'static str) -> Self {
        Remote { python, task }
    }
}

impl Contender for Remote<'_> {
    fn turn(&mut self, seconds: f64) -> Result<Vec<f64>> {
        let Times { ms } =
            self.python.borrow_mut().ask(json!({ "cmd": "turn", "task": self.task, "seconds": seconds }))?;
        if ms.is_empty() { Err(anyhow!("Python timed no step")) } else { Ok(ms) }
    }
}

#[derive(Deserialize)]
struct Nothing {}

#[derive(Deserialize)]
struct Times {
    ms: Vec<f64>,
}

#[derive(Deserialize)]
struct Memory {
    kib: u64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer<T> {
    Error { error: String },
    Done(T),
}

fn answer<T: DeserializeOwned>(line: &str) -> Result<T> {
    match serde_json::from_str(line) {
        Ok(Answer::Done(value)) => Ok(value),
        Ok(Answer::Error { error }) => Err(anyhow!(error)),
        Err(_) => Err(anyhow!("not an answer of the script: {}", line.trim_end())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_values_errors_or_refused() {
        assert_eq!(answer::<Times>(r#"{"ms": [1.5, 2]}"#).unwrap().ms, [1.5, 2.0]);
        answer::<Nothing>("{}").unwrap();
        let error = answer::<Nothing>(r#"{"error": "ValueError: no"}"#).err().unwrap();
        assert_eq!(error.to_string(), "ValueError: no");
        let error = answer::<Times>("hello\n").err().unwrap();
        assert_eq!(error.to_string(), "not an answer of the script: hello");
    }

    #[test]
    fn another_torch_is_refused() {
        let versions = |torch: &str| Versions { torch: torch.to_owned(), torchvision: None, threads: 1 };
        for torch in ["2.11.0", "2.11.0+cpu", "2.11.1"] {
            assert!(versions(torch).comparable().is_ok());
        }
        for torch in ["2.1.0", "2.110.0", "2.12.0", "1.13"] {
            let error = versions(torch).comparable().unwrap_err().to_string();
            assert!(error.starts_with(&format!("it has torch {torch}, and torch 2.11")), "{error}");
        }
    }
}
