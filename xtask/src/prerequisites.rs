//! What has to be there before anything is downloaded: a C++ compiler and room on the disk.
//! (Python and pip are in [`crate::python`].)

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail, ensure};

use crate::machine::Machine;

/// Checks that the compiler that will be asked to compile the C++ bindings exists and compiles C++17.
pub fn require_compiler(machine: &Machine) -> Result<()> {
    let way_out = match machine.os {
        "macos" => "run `xcode-select --install`",
        _ => {
            "install one (Debian, Ubuntu: apt install g++; Fedora: dnf install gcc-c++), or set CXX to its \
             path"
        }
    };
    // CXX may carry arguments or a wrapper, as in `ccache g++`.
    let chosen = machine.var("CXX").map(OsStr::to_string_lossy);
    let words: Vec<&str> = chosen.as_deref().unwrap_or("c++").split_whitespace().collect();
    let Some((name, arguments)) = words.split_first() else {
        bail!("CXX is blank: set it to a C++ compiler, or unset it");
    };
    let Some(program) = machine.find_program(OsStr::new(name)) else {
        if chosen.is_some() {
            bail!("CXX={} names no program: correct or unset it", words.join(" "));
        }
        // The build would look for c++ alone.
        for other in ["g++", "clang++"] {
            if machine.find_program(OsStr::new(other)).is_some() {
                bail!("there is a C++ compiler, {other}, but none called c++: export CXX={other}");
            }
        }
        bail!("no C++ compiler (c++) on PATH: {way_out}");
    };
    ensure!(
        compiles(&program, arguments),
        "{} does not compile C++17 with the standard library: {way_out}",
        program.display()
    );
    Ok(())
}

fn compiles(program: &Path, arguments: &[&str]) -> bool {
    let child = Command::new(program)
        .args(arguments)
        .args(["-std=c++17", "-x", "c++", "-fsyntax-only", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    child.is_ok_and(|mut child| {
        // A compiler that stops before it has read everything says so by its exit status.
        if let Some(mut input) = child.stdin.take() {
            let _ = input.write_all(b"#include <optional>\nstd::optional<int> value;\n");
        }
        child.wait().is_ok_and(|status| status.success())
    })
}

/// Checks that `megabytes` fit where `folder` lies. Where that cannot be told, they do.
pub fn require_space(machine: &Machine, folder: &Path, megabytes: u64) -> Result<()> {
    match (machine.free_megabytes)(folder) {
        Some(free) if free < megabytes => bail!(
            "{} has {free} MB free, and installing libtorch takes {megabytes} MB: make room, \
             or set XDG_CACHE_HOME to a folder on a larger disk",
            folder.display()
        ),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::made_up;

    /// What is said of a machine with these programs, empty if nothing.
    fn complaint(programs: &[(&str, &str)], cxx: Option<&str>) -> String {
        let dir = tempfile::tempdir().unwrap();
        let mut machine = made_up::machine(dir.path());
        for (name, script) in programs {
            made_up::add_program(dir.path(), name, script);
        }
        if let Some(cxx) = cxx {
            machine.vars.insert("CXX".into(), cxx.into());
        }
        let complaint = match require_compiler(&machine) {
            Ok(()) => String::new(),
            Err(error) => error.to_string(),
        };
        assert!(!complaint.contains('\n'), "{complaint}");
        complaint
    }

    #[test]
    fn a_compiler_that_compiles_is_enough() {
        assert_eq!(complaint(&[("c++", "exit 0")], None), "");
        assert_eq!(complaint(&[("mine", "[ $1 = -m64 ]")], Some("mine -m64")), "");
    }

    #[test]
    fn what_is_missing_is_said_with_a_way_out() {
        assert!(complaint(&[], None).starts_with("no C++ compiler (c++) on PATH: install one"));
        let dir = tempfile::tempdir().unwrap();
        let machine = Machine { os: "macos", ..made_up::machine(dir.path()) };
        let error = require_compiler(&machine).unwrap_err().to_string();
        assert!(error.ends_with("on PATH: run `xcode-select --install`"), "{error}");
        assert!(complaint(&[("g++", "exit 0")], None).ends_with("none called c++: export CXX=g++"));
        assert!(complaint(&[("c++", "exit 1")], None).contains("does not compile C++17"));
        let both = [("c++", "exit 0")];
        assert_eq!(complaint(&both, Some("icpc")), "CXX=icpc names no program: correct or unset it");
        assert_eq!(complaint(&both, Some(" ")), "CXX is blank: set it to a C++ compiler, or unset it");
    }

    #[test]
    fn too_little_space_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let mut machine = made_up::machine(dir.path());
        let mut complaint = |free| {
            machine.free_megabytes = free;
            require_space(&machine, dir.path(), 550).map_err(|error| error.to_string())
        };
        assert_eq!(complaint(|_| Some(550)), Ok(()));
        assert_eq!(complaint(|_| None), Ok(()));
        let error = complaint(|_| Some(549)).unwrap_err();
        assert!(
            error.contains("has 549 MB free, and installing libtorch takes 550 MB: make room"),
            "{error}"
        );
    }
}
