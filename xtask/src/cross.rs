//! `cross`: what needs no libtorch, for ARM64 on another processor. The kernels' tests run in an emulator.
//!
//! Vectors are where a mistake shows on one processor alone, and NEON is one that few who work on birnn have.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::Result;

use crate::apt;
use crate::commands::{cargo, succeeds, usage};
use crate::machine::Machine;

/// The kind of machine that is compiled for.
pub const TARGET: &str = "aarch64-unknown-linux-gnu";
/// Beside `target/debug`, whose files cargo would otherwise take turns with.
const TARGET_DIR: &str = "target/aarch64";
/// What to do where something is missing and cannot be fetched.
const WAY_OUT: &str = "install them (rustup target add aarch64-unknown-linux-gnu; Debian, Ubuntu: apt \
                       install gcc-aarch64-linux-gnu qemu-user), and try again";

/// What compiles for the other machine and runs what was compiled.
#[derive(Debug, PartialEq, Eq)]
pub struct Tools {
    /// A compiler in place of the active one, which cannot.
    pub rustc: Option<PathBuf>,
    /// gcc, which links, and compiles the C of others' crates.
    pub gcc: PathBuf,
    /// The emulator.
    pub qemu: PathBuf,
    /// Where the other machine's libraries are.
    pub libraries: PathBuf,
}

/// Compiles and tests. Where the tools cannot be had it says so and ends with 2, so that nobody takes it for
/// a test that passed or failed.
pub fn run(machine: &Machine, args: &[OsString]) -> Result<ExitCode> {
    if !args.is_empty() {
        return Err(usage("cross takes no arguments".to_owned()));
    }
    if machine.os != "linux" || machine.arch == "aarch64" {
        return Err(usage(
            "cross is for Linux on another processor than ARM64; here, `cargo xtask test`".to_owned(),
        ));
    }
    let tools = match installed(machine) {
        Some(tools) => tools,
        None => match apt::fetched(machine, has_target(machine)) {
            Ok(tools) => tools,
            Err(reason) => {
                eprintln!("aarch64 was not checked: its tools are not here, and {reason:#}: {WAY_OUT}");
                return Ok(ExitCode::from(2));
            }
        },
    };
    let test = ["--package", "birnn-kernels", "--lib"];
    let checked = succeeds(
        "birnn-data compiles for aarch64",
        command(machine, &tools, "check").args(["-p", "birnn-data"]),
    )? && succeeds(
        "birnn-kernels' tests on aarch64",
        // An emulator takes many times as long for each.
        command(machine, &tools, "test").args(test).env("PROPTEST_CASES", "16"),
    )?;
    if checked {
        println!("aarch64: birnn-data compiles, birnn-kernels' tests pass in {}", tools.qemu.display());
    }
    Ok(if checked { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The tools as users install them.
fn installed(machine: &Machine) -> Option<Tools> {
    let find = |name: &str| machine.find_program(OsStr::new(name));
    let tools = Tools {
        rustc: None,
        gcc: find("aarch64-linux-gnu-gcc")?,
        qemu: find("qemu-aarch64").or_else(|| find("qemu-aarch64-static"))?,
        libraries: "/usr/aarch64-linux-gnu".into(),
    };
    has_target(machine).then_some(tools)
}

/// Whether the active compiler has the other machine's standard library.
fn has_target(machine: &Machine) -> bool {
    let rustc = machine.var("RUSTC").unwrap_or(OsStr::new("rustc"));
    let Some(rustc) = machine.find_program(rustc) else { return false };
    let mut ask = Command::new(rustc);
    let answer = ask.args(["--print", "target-libdir", "--target", TARGET]).stdin(Stdio::null()).output();
    answer.is_ok_and(|answer| {
        let folder = PathBuf::from(String::from_utf8_lossy(&answer.stdout).trim());
        answer.status.success() && fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
    })
}

/// A cargo command for the other machine.
fn command(machine: &Machine, tools: &Tools, command: &str) -> Command {
    let mut cargo = cargo(machine, command, None);
    cargo.args(["--target", TARGET, "--target-dir"]).arg(machine.root.join(TARGET_DIR));
    if let Some(rustc) = &tools.rustc {
        cargo.env("RUSTC", rustc);
    }
    cargo.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", &tools.gcc);
    cargo.env("CC_aarch64_unknown_linux_gnu", &tools.gcc);
    // As an array, since a string is cut at each space.
    let runner = [tools.qemu.as_path(), Path::new("-L"), &tools.libraries].map(|word| format!("{word:?}"));
    cargo.arg("--config").arg(format!("target.{TARGET}.runner=[{}]", runner.join(", ")));
    cargo
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::made_up;

    #[test]
    fn tools_are_taken_when_all_are_there() {
        let dir = tempfile::tempdir().unwrap();
        let machine = made_up::machine(dir.path());
        let library = dir.path().join("std");
        made_up::add_program(
            dir.path(),
            "rustc",
            &format!("[ $2 = target-libdir ] && echo {}", library.display()),
        );
        made_up::add_program(dir.path(), "aarch64-linux-gnu-gcc", "");
        assert!(!has_target(&machine), "rustc names the folder also where it is not");
        fs::create_dir(&library).unwrap();
        assert!(!has_target(&machine));
        fs::write(library.join("libstd-1.rlib"), "").unwrap();
        assert!(has_target(&machine));
        assert_eq!(installed(&machine), None, "no emulator");
        made_up::add_program(dir.path(), "qemu-aarch64-static", "");
        let tools = installed(&machine).unwrap();
        assert_eq!((tools.rustc, tools.qemu), (None, dir.path().join("bin/qemu-aarch64-static")));
    }

    #[test]
    fn arguments_and_other_machines_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let machine = made_up::machine(dir.path());
        let refused = |machine: &Machine, args: &[OsString]| {
            run(machine, args).unwrap_err().is::<crate::commands::Usage>()
        };
        assert!(refused(&machine, &["x".into()]));
        assert!(refused(&Machine { arch: "aarch64", ..made_up::machine(dir.path()) }, &[]));
        assert!(refused(&Machine { os: "macos", ..made_up::machine(dir.path()) }, &[]));
    }

    /// The runner's words reach cargo as they are, with a space within one too.
    #[test]
    fn cargo_is_told_of_every_tool() {
        let dir = tempfile::tempdir().unwrap();
        let tools = Tools {
            rustc: Some("/c/rustc".into()),
            gcc: "/c/gcc".into(),
            qemu: "/my qemu".into(),
            libraries: "/l".into(),
        };
        let command = command(&made_up::machine(dir.path()), &tools, "test");
        let words: Vec<&str> = command.get_args().map(|word| word.to_str().unwrap()).collect();
        let runner = r#"target.aarch64-unknown-linux-gnu.runner=["/my qemu", "-L", "/l"]"#;
        assert_eq!(words.last(), Some(&runner));
        assert!(words.contains(&TARGET));
        let rustc = command.get_envs().find(|(name, _)| *name == "RUSTC").unwrap();
        assert_eq!(rustc.1, Some(OsStr::new("/c/rustc")));
    }
}
