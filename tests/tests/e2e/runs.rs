//! `birnn runs`: every run is listed, whatever became of it, and what is wrong with one hides no other.

use birnn_tests::{SMALL, Sandbox};
use serde_json::Value;

use super::json;

#[test]
fn runs_are_listed_whatever_became_of_them() {
    let sandbox = Sandbox::new();
    sandbox.birnn(&["runs"]).failed(2, &["runs: there is no such folder; "]);
    std::fs::create_dir(sandbox.path("runs")).unwrap();
    let ended = sandbox.birnn(&["runs"]).done();
    assert_eq!((ended.stdout.as_str(), ended.stderr.lines().count()), ("", 1), "{}", ended.stderr);
    assert_eq!(sandbox.birnn(&["runs", "--json"]).done().stdout, "[]\n");

    let kept_back = SMALL.replace("limit = 300", "limit = 300\nvalidation = 50");
    sandbox.write_experiment("x.toml", format!("{kept_back}\n[sweep]\nseeds = 2\n"));
    sandbox.write("y.toml", &kept_back);
    sandbox.birnn(&["sweep", "x.toml", "--run-dir", "runs/sweep"]).done();
    sandbox.birnn(&["train", "y.toml", "--set", "seed=9"]).done();
    let fault = [("BIRNN_FAULT", "KILL@40")];
    let killed = sandbox.command(&["train", "y.toml"]).envs(fault).output().unwrap();
    assert!(killed.status.code().is_none());
    sandbox.birnn(&["train", "y.toml", "--set", "train.optimizer.lr=1e38"]).failed(1, &["diverged"]);

    let listed = |args: &[&str]| json(&sandbox.birnn(&[&["runs", "--json"], args].concat()).done().stdout);
    let column = |found: &Value, key: &str| -> Vec<Value> {
        found.as_array().unwrap().iter().map(|run| run[key].clone()).collect()
    };
    let all = listed(&[]);
    let folders = ["runs/sweep/001", "runs/sweep/002", "runs/y/001", "runs/y/002", "runs/y/003"];
    assert_eq!(column(&all, "run"), folders);
    assert_eq!(column(&all, "seed"), [0, 1, 9, 0, 0]);
    assert_eq!(column(&all, "status")[..4], ["done", "done", "done", "killed"]);
    assert!(all[4]["status"].as_str().unwrap().starts_with("diverged: "), "{all}");
    let evaluated = json(&sandbox.birnn(&["eval", "runs/y/001", "--json"]).done().stdout);
    let test = serde_json::json!({"metric": "accuracy", "value": evaluated["accuracy"], "split": "test"});
    assert_eq!(all[2]["headline"], test);
    assert_eq!(column(&listed(&["--status", "done", "--sort", "seed", "--reverse"]), "seed"), [9, 1, 0]);
    assert_eq!(column(&listed(&["--name", "sweep"]), "run"), folders[..2]);
    assert_eq!(
        column(&json(&sandbox.birnn(&["runs", "runs/y/002", "--json"]).done().stdout), "run"),
        ["runs/y/002"]
    );
    let none = sandbox.birnn(&["runs", "--data", "mnist"]).done();
    assert_eq!(none.stdout, "");
    assert!(none.stderr.contains("runs: none of its 5 runs is asked for"), "{}", none.stderr);

    // What is damaged, foreign or gone is listed, and told of.
    sandbox.write("runs/sweep/001/meta.json", "{\"name\": 3}");
    std::fs::remove_file(sandbox.path("runs/y/001/config.toml")).unwrap();
    let before = sandbox.listing();
    let ended = sandbox.birnn(&["runs"]);
    assert_eq!(ended.code, 2);
    assert_eq!(ended.stdout.lines().count(), 6, "{}", ended.stdout);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert!(lines[1].contains("runs/sweep/001/meta.json:1: "), "{}", lines[1]);
    assert!(lines[3].contains("done; runs/y/001/config.toml: "), "{}", lines[3]);
    assert_eq!(ended.stderr, "error: 2 of 5 could not be read\n");
    assert_eq!(sandbox.listing(), before, "looking leaves nothing behind");
}
