//! Tables that are read as they come, by nets of one direction: the answers, and the errors, of whole series.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use birnn_tests::{Sandbox, gzip};
use serde_json::Value;

use crate::json;

/// Series of two waves, some values of which are missing, and for each row whether the first wave rises.
fn table(series: std::ops::Range<usize>, steps: usize) -> String {
    let mut text = "who,hour,rise,fall,goes\n".to_owned();
    for index in series {
        let speed = 0.3 + 0.05 * (index * 7 % 11) as f64;
        for step in 0..steps {
            let turn = speed * step as f64 + index as f64;
            let [rise, fall] = [turn.sin(), turn.cos()].map(|wave| format!("{:.3}", 50.0 + 10.0 * wave));
            let rise = if (index + step) % 9 < 2 { String::new() } else { rise };
            let goes = if turn.cos() > 0.0 { "up" } else { "down" };
            text += &format!("w{index},{step},{rise},{fall},{goes}\n");
        }
    }
    text
}

/// A run of `task` on such, its target this column.
fn trained(task: &str, target: &str, features: &str, sets: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("train.csv", table(0..40, 24));
    sandbox.write("test.csv", table(40..52, 90));
    sandbox.write(
        "exp.toml",
        format!(
            "[task]\n{task}\n[data]\ndataset = \"table\"\ntrain = \"train.csv\"\ntest = \"test.csv\"\nid = \"who\"\n\
             time = \"hour\"\nmissing = \"past\"\nfeatures = {features}\n{target}\n\
             [model]\ncell = \"gru\"\nhidden = 8\nlayers = 2\nbidirectional = false\nreadout = \"sequence\"\n\
             [train]\nepochs = 2\nbatch_size = 8\n"
        ),
    );
    let mut args = vec!["train", "exp.toml", "--run-dir", "run"];
    args.extend(sets.iter().flat_map(|set| ["--set", set]));
    sandbox.birnn(&args).done();
    sandbox
}

/// That what a net tells of the test table as it comes is what it tells of it as a whole.
#[track_caller]
fn as_the_whole(sandbox: &Sandbox, scores: &[&str]) {
    let whole = json(&sandbox.birnn(&["eval", "run", "--json"]).done().stdout);
    let stream = json(&sandbox.birnn(&["eval", "run", "--stream", "test.csv", "--json"]).done().stdout);
    assert_eq!((&stream["split"], &stream["dataset"]), (&"stream".into(), &"test.csv".into()));
    for score in [&["samples", "loss"], scores].concat() {
        let (one, other) = (&stream[score], &whole[score]);
        assert!(!one.is_null() && near(one, other), "{score}: {one}, and {other} as a whole");
    }
    let text = sandbox.birnn(&["eval", "run", "--stream", "test.csv"]).done().stdout;
    assert!(text.contains(" of 12 series as they come: "), "{text}");

    let whole = json(&sandbox.birnn(&["predict", "run", "test.csv", "--json"]).done().stdout);
    let told = sandbox.birnn(&["predict", "run", "test.csv", "--stream"]).done().stdout;
    let rows: Vec<Vec<&str>> = told.lines().skip(1).map(|row| row.split(',').collect()).collect();
    assert_eq!(rows.len(), 12 * 90);
    for (index, row) in rows.iter().enumerate() {
        let (series, step) = (&whole["predictions"][index / 90], index % 90);
        assert_eq!(row[..2], [series["id"].as_str().unwrap(), &(step + 1).to_string()]);
        match &series["tags"] {
            Value::Null => {
                let values = series["values"][step].as_array().unwrap();
                let own = row[2..].iter().map(|value| value.parse::<f64>().unwrap());
                assert!(
                    values.iter().zip(own).all(|(one, other)| near(one, &other.into())),
                    "{row:?}: {values:?}"
                );
            }
            tags => assert_eq!(row[2], tags[step].as_str().unwrap()),
        }
    }
    // Row by row, from somewhere else, they are the same bytes; with Windows' line ends and gzipped, too.
    let text = sandbox.text("test.csv");
    for given in [text.clone(), text.replace('\n', "\r\n")] {
        let given = sandbox.birnn_given(&["predict", "run", "--stream", "-"], &given);
        assert_eq!(given.done().stdout, told);
    }
    sandbox.write("test.csv.gz", gzip(text.as_bytes()));
    assert_eq!(sandbox.birnn(&["predict", "run", "--stream", "test.csv.gz"]).done().stdout, told);
}

/// Whether numbers are the same but for their last digits, one by one.
fn near(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| near(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|((key, one), (same, other))| key == same && near(one, other))
        }
        (Value::Number(one), Value::Number(other)) => {
            let [one, other] = [one, other].map(|number| number.as_f64().unwrap());
            (one - other).abs() <= 1e-6 * one.abs().max(1.0)
        }
        (one, other) => one == other,
    }
}

#[test]
fn what_comes_next_is_found_as_steps_come() {
    let sandbox = trained("kind = \"next\"", "", "[\"rise\", \"fall\"]", &[]);
    as_the_whole(&sandbox, &["rmse", "mae", "r2", "numbers", "filled", "judged"]);

    // An answer is there before the next step is.
    let mut command = sandbox.command(&["predict", "run", "-", "--stream"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut given, mut told) =
        (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()).lines());
    given.write_all(b"who,hour,rise,fall\n").unwrap();
    for step in 1..=3 {
        writeln!(given, "a,{step},{},50", 50 + step).unwrap();
        given.flush().unwrap();
        if step == 1 {
            assert_eq!(told.next().unwrap().unwrap(), "series,step,rise,fall");
        }
        let row = told.next().unwrap().unwrap();
        assert!(row.starts_with(&format!("a,{step},")), "{row}");
    }
    drop(given);
    assert!(child.wait().unwrap().success());
    assert!(told.next().is_none());

    // `continue` goes on from what it has read, and finds what is told of the last step.
    let long = sandbox.text("test.csv");
    let first = |rows: usize| long.lines().take(rows + 1).map(|row| format!("{row}\n")).collect::<String>();
    let told = sandbox.birnn_given(&["predict", "run", "-", "--stream"], &first(90)).done().stdout;
    let next = sandbox.birnn_given(&["continue", "run", "-"], &first(90)).done().stdout;
    let values = |row: &str| row.split(',').skip(2).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(values(next.lines().last().unwrap()), values(told.lines().last().unwrap()));
}

#[test]
fn steps_are_tagged_as_they_come() {
    let sandbox = trained("kind = \"tag\"", "target = \"goes\"", "[\"rise\"]", &[]);
    as_the_whole(&sandbox, &["accuracy", "macro_f1", "classes", "confusion"]);
    sandbox.write("other.csv", "who,hour,rise,goes\na,1,2,sideways\n");
    sandbox
        .birnn(&["eval", "run", "--stream", "other.csv"])
        .failed(2, &["other.csv: line 2, column 4 (`goes`): the class `sideways` is none of "]);
}

#[test]
fn numbers_of_steps_are_found_as_they_come() {
    let task = "kind = \"regress\"\nper = \"step\"";
    let sandbox = trained(task, "target = \"fall\"", "[\"rise\"]", &[]);
    as_the_whole(&sandbox, &["rmse", "mae", "r2", "numbers", "judged"]);

    let refused = |file: &str, text: &str, parts: &[&str]| {
        sandbox.write(file, text);
        sandbox.birnn(&["eval", "run", "--stream", file]).failed(2, parts);
    };
    refused(
        "back.csv",
        "who,hour,rise,fall\na,2,1,1\na,1,1,1\n",
        &["back.csv: line 3, column 2 (`hour`): is not after"],
    );
    refused(
        "split.csv",
        "who,hour,rise,fall\na,1,1,1\nb,1,1,1\na,2,1,1\n",
        &["split.csv: line 4", "series ended in line 2"],
    );
    refused("none.csv", "who,hour,fall\na,1,1\n", &["none.csv: ", "no column `rise`"]);
    refused("a.npz", "", &["a.npz: is no CSV file"]);
    sandbox
        .birnn(&["predict", "run", "--stream", "test.csv", "train.csv"])
        .failed(2, &["--stream: one file"]);
    // An option that would do nothing, and a program that does without this.
    let ignored = sandbox.birnn(&["eval", "run", "--stream", "test.csv", "--data-dir", "."]);
    assert!(ignored.code == 2 && ignored.stderr.contains("--data-dir"), "{}", ignored.stderr);
    // What was learnt from says little.
    let said = sandbox.birnn(&["eval", "run", "--stream", "train.csv"]).done().stderr;
    assert!(said.contains("train.csv: the net learnt from this file"), "{said}");
    assert!(!sandbox.birnn(&["eval", "run", "--stream", "test.csv"]).done().stderr.contains("learnt from"));
    // What came before is told.
    let told = sandbox.birnn(&["predict", "run", "split.csv", "--stream"]).stdout;
    assert_eq!(told.lines().count(), 3, "{told}");
}

#[test]
fn a_net_that_needs_what_comes_later_says_so() {
    let refused_of = |task: &str, target: &str, sets: &[&str], why: &str| {
        let sandbox = trained(task, target, "[\"rise\"]", sets);
        for args in [["predict", "run", "test.csv", "--stream"], ["eval", "run", "--stream", "test.csv"]] {
            sandbox.birnn(&args).failed(2, &["cannot answer step by step: ", why]);
        }
    };
    let refused = |sets: &[&str], why: &str| {
        refused_of("kind = \"tag\"", "target = \"goes\"", sets, why);
    };
    refused_of("kind = \"infill\"", "", &["train.epochs=1"], "it learnt to fill gaps in (`birnn fill`)");
    refused(&["model.bidirectional=true", "train.epochs=1"], "it reads from the end to the beginning");
    refused(&["data.missing=interpolate", "train.epochs=1"], "`data.missing = \"interpolate\"`");
}

/// A step that a net cannot be asked about ends the table, and not before it: from a file as from standard
/// input.
#[test]
fn steps_before_one_that_is_refused_are_answered() {
    let whole = &["data.missing=mean", "train.epochs=1"];
    let sandbox = trained("kind = \"tag\"", "target = \"goes\"", "[\"fall\"]", whole);
    let retold = [
        "train",
        "exp.toml",
        "--run-dir",
        "strict",
        "--set",
        "data.missing=refuse",
        "--set",
        "train.epochs=1",
    ];
    sandbox.birnn(&retold).done();
    let text = "who,hour,fall\na,1,50\na,2,51\na,3,\na,4,50\n";
    sandbox.write("gap.csv", text);
    let file = sandbox.birnn(&["predict", "strict", "gap.csv", "--stream"]);
    let input = sandbox.birnn_given(&["predict", "strict", "-", "--stream"], text);
    assert_eq!((file.code, input.code), (2, 2));
    assert_eq!(file.stdout.lines().count(), 3, "{}", file.stdout);
    assert_eq!(file.stdout, input.stdout);
    assert!(file.stderr.contains("gap.csv of series a: the value at step 3"), "{}", file.stderr);
}

/// Who reads no more ends it, though there is no end of what is given.
#[test]
fn it_ends_when_nobody_reads() {
    let sandbox = trained("kind = \"next\"", "", "[\"rise\", \"fall\"]", &["train.epochs=1"]);
    let mut command = sandbox.command(&["predict", "run", "-", "--stream"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut given = child.stdin.take().unwrap();
    drop(child.stdout.take());
    let _ = given.write_all(b"who,hour,rise,fall\n");
    let mut step = 0;
    // A pipe holds some thousand rows: it must end long before that.
    while writeln!(given, "a,{step},50,50").and_then(|()| given.flush()).is_ok() {
        step += 1;
        assert!(step < 1_000_000, "it goes on");
    }
    assert!(child.wait().unwrap().success());
}
