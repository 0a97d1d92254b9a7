//! Classes of steps, numbers of series and of steps: from an experiment to answers.

use birnn_tests::{Sandbox, workspace};
use serde_json::Value;

use crate::ask::csv_is_json;
use crate::json;

/// A run of one of the experiments on series made by code.
fn trained(config: &str, sets: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    let config = workspace().join("configs/series").join(config);
    let mut args = vec!["train", config.to_str().unwrap(), "--run-dir", "run", "--offline"];
    args.extend(sets.iter().flat_map(|set| ["--set", set]));
    let said = sandbox.birnn(&args).done();
    assert!(said.stdout.starts_with("Test "), "{}", said.stdout);
    sandbox.write("two.txt", "1,2,3,4,5:1,1,1,1,1:2,3,2,1,2\n5,4,3:0,1,0:7,8,9:label\n");
    sandbox
}

fn of(sandbox: &Sandbox, args: &[&str]) -> Value {
    json(&sandbox.birnn(args).done().stdout)
}

/// Their loss is of deviations, and finite where what is answered is no number of 32 bits any more.
#[test]
fn targets_that_stand_for_missing_ones_end_a_run_with_advice() {
    let sandbox = Sandbox::new();
    let row = |index: usize| match index.is_multiple_of(10) {
        true => format!("{index},1,-3.39e38\n"),
        false => format!("{index},0,0.5\n"),
    };
    sandbox.write("t.csv", format!("id,x,y\n{}", (0..60).map(row).collect::<String>()));
    let config = "[task]\nkind = \"regress\"\n[data]\ndataset = \"table\"\ntrain = \"t.csv\"\nid = \"id\"\ntarget = \"y\"\n\
                  test_share = 0.2\nvalidation = 0.2\n[model]\nreadout = \"mean\"\nhidden = 8\nlayers = 1\n[train]\nepochs = 60\n\
                  batch_size = 4\nmonitor = \"rmse\"\noptimizer = { lr = 0.1 }\n";
    sandbox.write("far.toml", config);
    sandbox
        .birnn(&["train", "far.toml", "--run-dir", "run"])
        .failed(1, &["too large for a number of 32 bits", "leave its rows out"]);
    assert!(!String::from_utf8(sandbox.read("run/metrics.jsonl")).unwrap().contains("\"rmse\":null"));
}

/// The series of wrong answers and the steps in them.
fn places(wrong: &Value) -> Vec<[u64; 2]> {
    let place = |one: &Value| ["sample", "step"].map(|key| one[key].as_u64().unwrap());
    wrong.as_array().unwrap().iter().map(place).collect()
}

/// The steps of the two series of `two.txt`.
const STEPS: [usize; 2] = [5, 3];

#[test]
fn numbers_of_series_are_learnt_and_told_in_their_units() {
    let sandbox = trained("synthetic-numbers.toml", &[]);
    let found = of(&sandbox, &["eval", "run", "--json"]);
    assert_eq!(found["samples"], 1000);
    assert!(found["r2"].as_f64().unwrap() > 0.75, "{found}");
    let (judged, rmse) = (&found["judged"][0], found["rmse"].as_f64().unwrap());
    let ends = ["low", "high"].map(|end| judged["rmse_interval"][end].as_f64().unwrap());
    assert!(
        ends[0] < rmse && rmse < ends[1] && judged["baseline_rmse"].as_f64().unwrap() > 1.5 * rmse,
        "{found}"
    );
    let largest = &found["misses"][0];
    assert!(largest["sample"].as_u64().unwrap() < 1000 && largest.get("step").is_none(), "{largest}");
    let text = sandbox.birnn(&["eval", "run"]).done().stdout;
    assert!(
        text.starts_with("synthetic-series, 1000 test series: RMSE ") && text.contains("\ndistance  "),
        "{text}"
    );

    let told = of(&sandbox, &["predict", "run", "two.txt", "--json"]);
    csv_is_json(&sandbox, "run", "two.txt");
    assert_eq!(told["targets"][0], "distance");
    let values = told["predictions"].as_array().unwrap().iter().map(|one| one["values"][0].as_f64().unwrap());
    assert!(
        values.clone().count() == 2 && values.clone().all(|value| (0.0..100.0).contains(&value)),
        "{told}"
    );
    let text = sandbox.birnn(&["predict", "run", "two.txt"]).done().stdout;
    assert!(text.starts_with("two.txt:1: distance ") && text.lines().count() == 2, "{text}");

    // As it comes back from elsewhere, it tells the same numbers.
    sandbox.birnn(&["export", "run", "net.ckpt"]).done();
    sandbox.birnn(&["import", "net.ckpt", "--out", "back.safetensors"]).done();
    let back = of(&sandbox, &["predict", "back.safetensors", "two.txt", "--json"]);
    assert_eq!(back["predictions"], told["predictions"]);
    sandbox
        .birnn(&["eval", "run", "--dataset", "japanese-vowels"])
        .failed(2, &["and `[task]` wants numbers"]);
}

#[test]
fn each_step_has_its_class_or_its_numbers() {
    let sandbox = trained("synthetic-tags.toml", &[]);
    let found = of(&sandbox, &["eval", "run", "--json"]);
    assert!(
        found["samples"].as_u64().unwrap() > 30_000 && found["macro_f1"].as_f64().unwrap() > 0.9,
        "{found}"
    );
    let told = places(&found["mistakes"]);
    assert!(!told.is_empty() && told.iter().all(|&[sample, step]| sample < 1000 && step < 70), "{told:?}");
    let told = of(&sandbox, &["predict", "run", "two.txt", "--json"]);
    csv_is_json(&sandbox, "run", "two.txt");
    for (prediction, steps) in told["predictions"].as_array().unwrap().iter().zip(STEPS) {
        let counts =
            ["tags", "probability", "probabilities"].map(|key| prediction[key].as_array().unwrap().len());
        assert_eq!(counts, [steps; 3], "{prediction}");
    }
    let text = sandbox.birnn(&["predict", "run", "two.txt"]).done().stdout;
    assert!(text.starts_with("two.txt:1: 1") && text.contains(" %)"), "{text}");

    let sandbox = trained(
        "synthetic-numbers.toml",
        &["task={ kind = \"regress\", per = \"step\" }", "train.epochs=3", "model.readout=last"],
    );
    let told = of(&sandbox, &["predict", "run", "two.txt", "--json"]);
    csv_is_json(&sandbox, "run", "two.txt");
    for (prediction, steps) in told["predictions"].as_array().unwrap().iter().zip(STEPS) {
        let values = prediction["values"].as_array().unwrap();
        assert!(
            values.len() == steps && values.iter().all(|step| step.as_array().unwrap().len() == 1),
            "{told}"
        );
    }
    let told = places(&of(&sandbox, &["eval", "run", "--json"])["misses"]);
    assert!(told.len() == 100 && told.iter().all(|&[sample, step]| sample < 1000 && step < 70), "{told:?}");
    // Whichever direction is taken away, each step's own answer is poorer for it.
    let text = sandbox.birnn(&["eval", "run"]).done().stdout;
    assert!(text.starts_with("synthetic-series, 34551 steps of 1000 test series: RMSE "), "{text}");
}

#[test]
fn a_run_goes_on_as_what_it_was() {
    let sandbox = trained("synthetic-tags.toml", &["train.epochs=1"]);
    sandbox.birnn(&["train", "--resume", "run", "--set", "train.epochs=2"]).done();
    let other = sandbox.birnn(&["train", "--resume", "run", "--set", "task.kind=regress"]);
    other.failed(2, &["task"]);
}
