//! The user's Python: which one it is, whether it has pip, and whether it has a PyTorch.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::machine::Machine;

/// Says the version and, where PyTorch is installed, its folder; without importing it, which takes seconds.
/// The empty entry of the path is the current directory, where anything may be called `torch`.
const PROBE: &str = "\
import importlib.util, os, sys
print('%d.%d' % sys.version_info[:2])
sys.path = [entry for entry in sys.path if entry]
found = importlib.util.find_spec('torch')
print(os.path.dirname(found.origin) if found and found.origin else '')";

/// A Python that is new enough.
#[derive(Debug)]
pub struct Python {
    /// The interpreter.
    pub program: PathBuf,
    /// The folder of the PyTorch it has.
    pub torch: Option<PathBuf>,
}

/// Finds `$PYTHON`, or else `python3` or `python`, of version 3.8 or newer.
pub fn find(machine: &Machine) -> Result<Python> {
    let way_out = "install one (Debian, Ubuntu: apt install python3 python3-pip; macOS: brew install \
                   python), or set PYTHON to its path";
    if let Some(name) = machine.var("PYTHON") {
        match machine.find_program(name).map(|program| probe(&program)) {
            Some(Some(python)) => return Ok(python),
            _ => {
                bail!("PYTHON={} is not a Python 3.8 or newer that runs: correct or unset it", name.display())
            }
        }
    }
    ["python3", "python"]
        .iter()
        .filter_map(|name| machine.find_program(OsStr::new(name)))
        .find_map(|program| probe(&program))
        .ok_or_else(|| anyhow::anyhow!("no Python 3.8 or newer among python3 and python on PATH: {way_out}"))
}

/// Python's pip, run in `folder` to put something there: without settings of the user's that make sense for a
/// Python environment, and contradict --target.
pub fn pip(python: &Path, folder: &Path) -> Command {
    let mut pip = Command::new(python);
    pip.args(["-m", "pip"])
        .envs([("PIP_USER", "0"), ("PIP_REQUIRE_VIRTUALENV", "0")])
        // It warns of harm to the system's Python, which nothing is put into.
        .env("PIP_ROOT_USER_ACTION", "ignore")
        // Otherwise a file pip.py where the user happens to be would run instead.
        .current_dir(folder);
    pip
}

/// Checks that Python's pip is there and can be told which platforms' wheels to take.
pub fn require_pip(python: &Path) -> Result<()> {
    let shown = python.display();
    let output = Command::new(python).args(["-m", "pip", "--version"]).stdin(Stdio::null()).output();
    let text = match &output {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout),
        _ => bail!(
            "{shown} has no pip: run `{shown} -m ensurepip` (Debian, Ubuntu: apt install python3-pip), \
             or set PYTHON to a Python that has it"
        ),
    };
    match version(text.split_whitespace().nth(1).unwrap_or_default()) {
        Some(found) if found >= (20, 3) => Ok(()),
        _ => bail!("pip 20.3 or newer is needed: run `{shown} -m pip install --upgrade pip`"),
    }
}

fn probe(program: &Path) -> Option<Python> {
    let output = Command::new(program).args(["-c", PROBE]).stdin(Stdio::null()).output().ok()?;
    if !output.status.success() {
        return None;
    }
    let text = String::from_utf8(output.stdout).ok()?;
    let mut lines = text.lines();
    if version(lines.next()?)? < (3, 8) {
        return None;
    }
    let torch = lines.next().filter(|line| !line.is_empty()).map(PathBuf::from);
    Some(Python { program: program.to_owned(), torch })
}

/// The first two numbers of a version.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim().split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::made_up;

    fn find_with(programs: &[(&str, &str)], python: Option<&str>) -> Result<Python> {
        let dir = tempfile::tempdir().unwrap();
        let mut machine = made_up::machine(dir.path());
        for (name, script) in programs {
            made_up::add_program(dir.path(), name, script);
        }
        if let Some(python) = python {
            machine.vars.insert("PYTHON".into(), python.into());
        }
        find(&machine)
    }

    #[test]
    fn the_first_python_that_is_new_enough_is_taken() {
        let old = ("python3", "echo 3.7; echo");
        let broken = ("python3", "exit 127");
        let new = ("python", "echo 3.12; echo /site/torch");
        for first in [old, broken] {
            let python = find_with(&[first, new], None).unwrap();
            assert!(python.program.ends_with("python"));
            assert_eq!(python.torch, Some(PathBuf::from("/site/torch")));
        }
        assert_eq!(find_with(&[("python3", "echo 3.8; echo")], None).unwrap().torch, None);
    }

    #[test]
    fn no_python_is_one_line_with_a_way_out() {
        let error = find_with(&[("python3", "echo 3.7; echo")], None).unwrap_err().to_string();
        assert!(
            error.starts_with("no Python 3.8 or newer among python3 and python on PATH: install"),
            "{error}"
        );
        assert!(!error.contains('\n'));
    }

    #[test]
    fn the_users_choice_is_not_replaced() {
        let programs = [("python3", "echo 3.12; echo"), ("mine", "echo 3.7; echo")];
        let error = find_with(&programs, Some("mine")).unwrap_err().to_string();
        assert!(error.starts_with("PYTHON=mine is not"), "{error}");
        let error = find_with(&programs, Some("absent")).unwrap_err().to_string();
        assert!(error.starts_with("PYTHON=absent is not"), "{error}");
    }

    #[test]
    fn pip_must_be_there_and_not_ancient() {
        let dir = tempfile::tempdir().unwrap();
        made_up::machine(dir.path());
        let with_pip = |script: &str| {
            made_up::add_program(dir.path(), "python3", script);
            require_pip(&dir.path().join("bin/python3")).map_err(|error| error.to_string())
        };
        assert!(with_pip("exit 1").unwrap_err().contains("has no pip: run"));
        assert!(with_pip("echo pip 20.0.2 from /lib").unwrap_err().starts_with("pip 20.3 or newer"));
        with_pip("echo 'pip 23.2.1 from /lib (python 3.11)'").unwrap();
        with_pip("echo pip 26.0 from /lib").unwrap();
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert_eq!(version("3.11"), Some((3, 11)));
        assert!(version("3.11") > version("3.8"));
        assert_eq!(version("three"), None);
    }
}
