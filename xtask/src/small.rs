//! `small`: `birnn` without libtorch as one small file, on Linux statically linked, which needs nothing else
//! to answer.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::commands::{cargo, succeeds, usage};
use crate::kit::megabytes;
use crate::machine::Machine;

/// Beside `target/debug`, whose files cargo would otherwise take turns with.
const TARGET_DIR: &str = "target/small";

/// Compiles it, and says where it is.
pub fn run(machine: &Machine, args: &[OsString]) -> Result<ExitCode> {
    if !args.is_empty() {
        return Err(usage("small takes no arguments".to_owned()));
    }
    let folder = machine.root.join(TARGET_DIR);
    let mut build = cargo(machine, "build", None);
    build
        .args(["--package", "birnn-cli", "--bin", "birnn", "--profile", "small", "--target-dir"])
        .arg(&folder);
    let mut built = folder.clone();
    if let Some(target) = static_target(machine) {
        // Named, so that the flags are not those of what runs while it is compiled.
        build.args(["--target", &target]);
        let mut flags = machine.var("RUSTFLAGS").unwrap_or_default().to_owned();
        flags.push(" -C target-feature=+crt-static");
        build.env("RUSTFLAGS", flags).env_remove("CARGO_ENCODED_RUSTFLAGS");
        built.push(target);
    }
    if !succeeds("birnn, small", &mut build)? {
        return Ok(ExitCode::FAILURE);
    }
    let program: PathBuf = built.join("small/birnn");
    let size = program.metadata().with_context(|| format!("{} is not there", program.display()))?.len();
    println!("{}: {}", program.display(), megabytes(size));
    Ok(ExitCode::SUCCESS)
}

/// The target whose C library can be linked into a program.
fn static_target(machine: &Machine) -> Option<String> {
    (machine.os == "linux").then(|| format!("{}-unknown-linux-gnu", machine.arch))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::made_up;

    #[test]
    fn it_is_static_where_the_system_allows() {
        let dir = tempfile::tempdir().unwrap();
        let mut machine = made_up::machine(dir.path());
        assert!(static_target(&machine).is_some_and(|target| target.ends_with("-unknown-linux-gnu")));
        machine.os = "macos";
        assert_eq!(static_target(&machine), None);
        assert!(run(&machine, &["fast".into()]).unwrap_err().is::<crate::commands::Usage>());
    }
}
