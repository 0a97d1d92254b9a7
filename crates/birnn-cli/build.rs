//! Tells the binary which git revision it was built from, where there is one.

use std::process::Command;

fn main() {
    // Moves with every commit and checkout; a checkout without git has none, and then nothing is to be told.
    println!("cargo::rerun-if-changed=../../.git/logs/HEAD");
    println!("cargo::rerun-if-changed=build.rs");
    let git = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output();
    if let Ok(output) = git
        && output.status.success()
    {
        println!("cargo::rustc-env=BIRNN_REVISION={}", String::from_utf8_lossy(&output.stdout).trim());
    }
}
