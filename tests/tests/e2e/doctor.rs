//! `birnn doctor`: what it finds, and what it says to do.

use birnn_tests::Sandbox;
use serde_json::Value;

/// What doctor says of `name`: state, finding, remedy.
#[track_caller]
fn item(report: &Value, name: &str) -> [String; 3] {
    let items = report["items"].as_array().unwrap();
    let item = items.iter().find(|item| item["name"] == name);
    let item = item.unwrap_or_else(|| panic!("no `{name}` in {report}"));
    ["state", "text", "remedy"].map(|key| item[key].as_str().unwrap_or_default().to_owned())
}

/// What it says as JSON.
fn report(sandbox: &Sandbox, args: &[&str], variables: &[(&str, &str)]) -> Value {
    let args = [&["doctor", "--json"], args].concat();
    serde_json::from_str(&sandbox.birnn_with(&args, variables).done().stdout).unwrap()
}

#[test]
fn everything_is_looked_at_and_nothing_left_behind() {
    let sandbox = Sandbox::new();
    let text = sandbox.birnn(&["doctor"]).done().stdout;
    let found = report(&sandbox, &[], &[]);
    for name in [
        "libtorch",
        "cuda",
        "cpu",
        "threads",
        "training",
        "load",
        "data folders",
        "mnist",
        "fashion-mnist",
        "kmnist",
        "runs",
        "downloads",
    ] {
        let [state, finding, remedy] = item(&found, name);
        assert!(["ok", "note", "problem"].contains(&state.as_str()), "{name}: {state}");
        assert!(!finding.is_empty() && (state == "ok") == remedy.is_empty(), "{name}: {found}");
        assert!(
            text.lines().any(|line| line.split_whitespace().collect::<Vec<_>>().join(" ").contains(name))
        );
    }
    assert_eq!(found["can_train"], true);
    assert!(item(&found, "libtorch")[1].starts_with("2.11.0, "), "{found}");
    let [state, _, remedy] = item(&found, "mnist");
    assert_eq!(state, "note");
    assert!(remedy.starts_with("`birnn data fetch`"), "{remedy}");
    assert!(text.starts_with("birnn 0.") && text.contains("\n    ") && text.contains("  -> "), "{text}");
    assert!(sandbox.listing().is_empty());
}

#[test]
fn what_is_wrong_is_a_problem_with_its_remedy_and_no_failure() {
    let sandbox = Sandbox::new();
    let gone = sandbox.path("gone");
    let found = report(&sandbox, &[], &[("BIRNN_DATA_DIR", gone.to_str().unwrap())]);
    let [state, text, remedy] = item(&found, "data folders");
    assert_eq!(state, "problem");
    assert!(text.contains("gone (not there)") && remedy.contains("BIRNN_DATA_DIR"), "{found}");

    sandbox.write("data/kmnist/train-images-idx3-ubyte.gz", "no such thing");
    let found = report(&sandbox, &["--data-dir", "data"], &[]);
    assert_eq!(item(&found, "data folders")[0], "ok");
    let [state, text, remedy] = item(&found, "kmnist");
    assert_eq!(state, "problem", "{found}");
    assert!(text.contains("data/kmnist/train-images-idx3-ubyte.gz: ") && remedy.contains("fetch"), "{found}");

    sandbox.write("runs", "a file where runs should go");
    let [state, text, _] = item(&report(&sandbox, &[], &[]), "runs");
    assert!(state == "problem" && text.contains("is no folder"), "{text}");
}

#[test]
fn what_is_overruled_is_told() {
    let sandbox = Sandbox::new();
    let found = report(&sandbox, &[], &[("BIRNN_INSTRUCTIONS", "baseline"), ("OMP_NUM_THREADS", "1")]);
    assert!(item(&found, "cpu")[1].contains("computes with baseline"), "{found}");
    let [_, text, _] = item(&found, "threads");
    assert!(text.starts_with("1 to compute with") && text.ends_with("OMP_NUM_THREADS is 1"), "{text}");
}

#[test]
fn data_that_is_there_is_verified() {
    let Some(folder) = birnn_tests::mnist() else {
        birnn_tests::skipped("no MNIST here");
        return;
    };
    let found = report(&Sandbox::new(), &["--data-dir", folder.to_str().unwrap()], &[]);
    let [state, text, _] = item(&found, "mnist");
    assert!(state == "ok" && text.starts_with("found and verified in "), "{text}");
}
