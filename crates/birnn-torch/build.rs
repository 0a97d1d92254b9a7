//! Tells the binary which git revision it was built from, where there is one.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Moves with every commit and checkout; a checkout without git has none, and then nothing is to be told.
    // It is asked for, as it lies elsewhere in a worktree, and a file that is missing would be a change each
    // time.
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"])
        && Path::new(&log).exists()
    {
        println!("cargo::rerun-if-changed={log}");
    }
    // An archive of birnn that lies within another project's checkout is at none of that project's revisions.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().ok();
    let is_ours =
        git(&["rev-parse", "--show-toplevel"]).and_then(|top| Path::new(&top).canonicalize().ok()) == root;
    if let Some(revision) = git(&["rev-parse", "--short=12", "HEAD"]).filter(|_| is_ours) {
        println!("cargo::rustc-env=BIRNN_REVISION={revision}");
    }
}

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
