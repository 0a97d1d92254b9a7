//! Tables, from a user's own file to answers, and what cannot be read of them.

use birnn_tests::Sandbox;

use crate::ask::csv_is_json;
use crate::json;

/// A row of a long table for each step of each series, `flow` up or down with its label.
fn table(series: usize) -> String {
    let mut text = "pump,hour,site,flow,heat,state\n".to_owned();
    for index in 0..series {
        let (steps, worn) = (4 + index * 7 % 9, index.is_multiple_of(2));
        for step in 0..steps {
            let flow = if worn { 100 + 3 * step } else { 100 - 3 * step };
            let (site, state) = (index % 5, if worn { "worn" } else { "fine" });
            text += &format!("p{index},{step},s{site},{flow},0.{},{state}\n", (index * 13 + step) % 10);
        }
    }
    text
}

/// An experiment on it.
fn experiment(sandbox: &Sandbox, settings: &str) {
    sandbox.write("pumps.csv", table(60));
    sandbox.write(
        "pumps.toml",
        format!(
            "[data]\ndataset = \"table\"\ntrain = \"pumps.csv\"\nid = \"pump\"\ntime = \"hour\"\ngroup = \"site\"\n\
             features = [\"flow\", \"heat\"]\ntarget = \"state\"\ntest_share = 0.2\nvalidation = 0.2\n{settings}\n\
             [model]\ncell = \"gru\"\nhidden = 8\nlayers = 1\nreadout = \"final\"\n\
             [train]\nepochs = 12\nbatch_size = 8\noptimizer = {{ lr = 0.02 }}\n"
        ),
    );
}

/// Also of series that are asked for their own values, whose tables have no targets.
#[test]
fn groups_stay_whole_whatever_is_asked() {
    let sandbox = Sandbox::new();
    experiment(&sandbox, "split = \"group\"");
    let args = ["train", "pumps.toml", "--run-dir", "run", "--set", "train.epochs=1"];
    for (kind, set) in [("next", "model.bidirectional=false"), ("infill", "task.hide.share=0.2")] {
        let sets = ["--set", &format!("task.kind={kind}"), "--set", "model.readout=last", "--set", set];
        let train = |more: &[&str]| sandbox.birnn(&[&args[..], &sets, more].concat());
        train(&["--set", "data.group=sight"])
            .failed(2, &["pumps.csv: has no column `sight`", "`group` under [data]"]);
        let ended = train(&[]).done();
        let parted = "parted by group (3 groups to train on, 1 kept back, 1 for the test)";
        assert!(ended.stderr.contains(parted), "{kind}: {}", ended.stderr);
        // To be judged by later series it needs their values alone.
        let text = table(30);
        let later = text.lines().map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            [cells[0], cells[1], cells[3], cells[4]].join(",") + "\n"
        });
        sandbox.write("later.csv", later.collect::<String>());
        sandbox.birnn(&["eval", "run", "--set", "data.test=later.csv"]).done();
        std::fs::remove_dir_all(sandbox.path("run")).unwrap();
    }
}

#[test]
fn a_net_of_a_table_finds_its_columns_by_name() {
    let sandbox = Sandbox::new();
    experiment(&sandbox, "split = \"group\"");
    let told = sandbox.birnn(&["train", "pumps.toml", "--run-dir", "run"]).done();
    assert!(told.stderr.contains("parted by group (3 groups to train on, 1 kept back, 1 for the test)"));
    let division = json(sandbox.text("run/metrics.jsonl").lines().next().unwrap())["division"].clone();
    assert_eq!((&division["by"], &division["groups"]), (&"group".into(), &serde_json::json!([3, 1, 1])));
    let found = json(&sandbox.birnn(&["eval", "run", "--json"]).done().stdout);
    assert!(found["accuracy"].as_f64().unwrap() > 0.9, "{found}");
    // Other columns, in another order, rows and series mixed, no target.
    let asked = "heat,flow,more,hour,pump\n0.1,97,x,1,b\n0.2,103,y,1,a\n0.3,100,,0,a\n0.4,100,,0,b\n0.1,106,,2,a\n\
                 0.1,94,,2,b\n0.1,109,,3,a\n0.1,91,,3,b\n";
    sandbox.write("asked.csv", asked);
    let text = sandbox.birnn(&["predict", "run", "asked.csv"]).done().stdout;
    assert!(text.starts_with("asked.csv:b: fine (") && text.contains("asked.csv:a: worn ("), "{text}");
    let piped = sandbox.birnn_given(&["predict", "run", "-"], asked).done().stdout;
    assert_eq!(piped, text.replace("asked.csv:", "-:"));
    let found = json(&sandbox.birnn(&["predict", "run", "asked.csv", "--json"]).done().stdout);
    csv_is_json(&sandbox, "run", "asked.csv");
    // Of what is refused there is no row, and of two files there is one header.
    sandbox.write("gaps.csv", "heat,flow,hour,pump\n0.1,,0,c\n");
    let told = sandbox.birnn(&["predict", "run", "gaps.csv", "asked.csv", "--csv"]);
    let headers = told.stdout.matches("file,line,id,").count();
    assert_eq!((told.code, told.stdout.lines().count(), headers), (2, 3, 1), "{}", told.stderr);
    let first = &found["predictions"][0];
    assert_eq!((&first["id"], &first["line"], &first["class"]), (&"b".into(), &2.into(), &"fine".into()));
    let [worn, fine] = ["100,103,106,109:0.3,0.2,0.1,0.1\n", "100,97,94,91:0.4,0.1,0.1,0.1\n"];
    let lines = sandbox.birnn(&["predict", "run", "asked.csv"]).done().stdout;
    sandbox.write("asked.ts", format!("{fine}{worn}"));
    let same = sandbox.birnn(&["predict", "run", "asked.ts"]).done().stdout;
    assert_eq!(same.replace("asked.ts:1", "asked.csv:b").replace("asked.ts:2", "asked.csv:a"), lines);
    sandbox.write("asked.jsonl", "{\"pump\": \"a\", \"flow\": 1}\n");
    let guessed = "(read as a table, as its name has no ending of another format)";
    sandbox
        .birnn(&["predict", "run", "asked.jsonl"])
        .failed(2, &["asked.jsonl: has no column `pump`", guessed]);
    sandbox.write("other.csv", asked.replace("flow", "flov"));
    let named = "other.csv: has no column `flow`, which the net reads; did you mean `flov`?";
    sandbox.birnn(&["predict", "run", "other.csv"]).failed(2, &[named]);
}

/// A label takes two bytes where one does not do, from the file to the answers; of so many classes there is
/// no confusion matrix.
#[test]
fn there_can_be_more_classes_than_a_byte_has_values() {
    let sandbox = Sandbox::new();
    // Two steps of each series.
    let row = |series: usize| format!("{series},{},c{:03}\n", series % 300, series % 300);
    let rows = |series: usize| (0..2 * series).map(|index| row(index / 2));
    sandbox.write("train.csv", "id,x,kind\n".to_owned() + &rows(900).collect::<String>());
    sandbox.write("test.csv", "id,x,kind\n".to_owned() + &rows(600).collect::<String>());
    let text = "[data]\ndataset = \"table\"\ntrain = \"train.csv\"\ntest = \"test.csv\"\nid = \"id\"\n\
                features = [\"x\"]\ntarget = \"kind\"\n[model]\nhidden = 32\nlayers = 1\nTASK[train]\nepochs = 30\n\
                batch_size = 30\noptimizer = { lr = 0.02 }\n";
    sandbox.write("whole.toml", text.replace("TASK", ""));
    sandbox.write("steps.toml", text.replace("TASK", "head = \"crf\"\n[task]\nkind = \"tag\"\n"));
    for run in ["whole", "steps"] {
        sandbox.birnn(&["train", &format!("{run}.toml"), "--run-dir", run]).done();
        let told = sandbox.birnn(&["eval", run]).done().stdout;
        assert!(told.contains("confusion: left out, of more than 256 classes"), "{told}");
        let found = json(&sandbox.birnn(&["eval", run, "--json"]).done().stdout);
        assert_eq!((&found["confusion"], found["classes"].as_array().unwrap().len()), (&json("[]"), 300));
        assert!(found["accuracy"].as_f64().unwrap() > 0.02, "{run}: {}", found["accuracy"]);
        csv_is_json(&sandbox, run, "test.csv");
        let answers = sandbox.birnn(&["predict", run, "test.csv", "--csv"]).done().stdout;
        let column = if run == "steps" { 5 } else { 3 };
        let high = answers.lines().skip(1).filter(|line| line.split(',').nth(column) > Some("c256")).count();
        assert!(high > 20, "{run}: {high} answers are of classes beyond a byte");
        sandbox.birnn(&["report", run]).done();
        sandbox.birnn(&["compare", run, run]).done();
        let weights = format!("{run}.safetensors");
        sandbox.birnn(&["export", run, "net.ckpt", "--force"]).done();
        sandbox.birnn(&["import", "net.ckpt", "--out", &weights]).done();
        let again = sandbox.birnn(&["predict", &weights, "test.csv", "--csv"]).done().stdout;
        assert_eq!(again, answers, "{run}");
    }
    let many = (0..10_000).map(|step| format!("1,{step},c{}\n", step / 2)).collect::<String>();
    for file in ["train.csv", "test.csv"] {
        sandbox.write(file, "id,x,kind\n".to_owned() + &many);
    }
    let told = ["model.head: a conditional random field knows 4096 tags at most, and these are 5000"];
    sandbox.birnn(&["train", "steps.toml", "--run-dir", "no"]).failed(2, &told);
}

/// Series and times mixed, and some series in windows: each answer says which row it is of.
#[test]
fn answers_to_steps_say_which_row_they_are_of() {
    let sandbox = Sandbox::new();
    experiment(&sandbox, "");
    let asked =
        "heat,flow,hour,pump\n0.1,97,1,b\n0.2,103,1,a\n0.3,100,0,a\n0.4,100,0,b\n0.1,106,2,a\n0.1,94,2,b\n";
    sandbox.write("asked.csv", asked);
    sandbox.write("order.csv", "flow,heat,hour,pump\n1,2,0,a\n1,2,1,a\n1,2,0,b\n");
    sandbox.write("plain.ts", "1,2:1,2\n");
    let train = |run: &str, sets: &[&str]| {
        let args = ["train", "pumps.toml", "--run-dir", run, "--set", "train.epochs=1"];
        sandbox
            .birnn(&[&args[..], &["--set", "task.kind=tag", "--set", "model.readout=last"], sets].concat())
            .done();
    };
    train("whole", &[]);
    train("windows", &["--set", "data.window={ length = 2, stride = 1 }", "--set", "data.split=group"]);
    // The id, the step and the row of each answer.
    let rows = |run: &str, file: &str| {
        let header = csv_is_json(&sandbox, run, file);
        assert!(header.starts_with("file,line,id,step,row,class,probability"), "{header}");
        let table = sandbox.birnn(&["predict", run, file, "--csv"]).done().stdout;
        let cells = |line: &str| line.split(',').skip(2).take(3).collect::<String>();
        table.lines().skip(1).map(cells).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(rows("whole", "asked.csv"), "b14 b21 b36 a13 a22 a35");
    assert_eq!(rows("windows", "asked.csv"), "b14 b21 b21 b36 a13 a22 a22 a35");
    assert_eq!(rows("whole", "order.csv"), "a11 a22 b13");
    assert_eq!(rows("whole", "plain.ts"), "1 2");
}

#[test]
fn windows_are_asked_as_they_were_trained_on() {
    let sandbox = Sandbox::new();
    experiment(&sandbox, "window = { length = 4, stride = 2 }");
    let told = sandbox.birnn(&["train", "pumps.toml", "--run-dir", "run", "--set", "train.epochs=1"]).done();
    let leak = "pumps.toml: data.split: windows overlap";
    assert!(told.stderr.contains("data.split: windows overlap"), "no `{leak}` in {}", told.stderr);
    sandbox.write(
        "asked.csv",
        "pump,hour,flow,heat\n".to_owned()
            + &(0..7).fold(String::new(), |all, hour| all + &format!("a,{hour},{},0.1\n", 100 + hour)),
    );
    let text = sandbox.birnn(&["predict", "run", "asked.csv"]).done().stdout;
    let places = text.lines().map(|line| line.rsplit_once(": ").unwrap().0);
    assert_eq!(places.collect::<Vec<_>>(), ["asked.csv:a, steps 1 to 4", "asked.csv:a, steps 3 to 6"]);
    let header = csv_is_json(&sandbox, "run", "asked.csv");
    assert!(header.starts_with("file,line,id,first_step,last_step,class,"), "{header}");
}

#[test]
fn a_bad_cell_is_told_with_its_file_line_and_column() {
    let sandbox = Sandbox::new();
    experiment(&sandbox, "");
    let text = table(60) + "p60,0,s0,1OO,0.5,worn";
    let line = text.lines().count();
    sandbox.write("pumps.csv", text);
    let told = format!("pumps.csv: line {line}, column 4 (`flow`): `1OO` is not a number");
    for command in ["train", "data"] {
        let args =
            if command == "data" { &["data", "verify", "pumps.toml"][..] } else { &["train", "pumps.toml"] };
        sandbox.birnn(args).failed(2, &[&told]);
    }
    sandbox
        .birnn(&["train", "pumps.toml", "--set", "data.train=."])
        .failed(2, &["is a folder, and `data.train` names a file"]);
    let sets = ["train", "pumps.toml", "--set", "data.target=stat"];
    sandbox
        .birnn(&sets)
        .failed(2, &["has no column `stat`, which `target` under [data] names; did you mean `state`?"]);
}

/// Values are handed over by their place, and so nets of other columns are not asked together.
#[test]
fn nets_of_other_columns_are_no_ensemble() {
    let sandbox = Sandbox::new();
    experiment(&sandbox, "");
    let sets = ["--set", "train.epochs=1", "--set", "data.features=[\"heat\",\"flow\"]"];
    sandbox.birnn(&[&["train", "pumps.toml", "--run-dir", "a"], &sets[..2]].concat()).done();
    sandbox.birnn(&[&["train", "pumps.toml", "--run-dir", "b"], &sets[..]].concat()).done();
    sandbox.birnn(&["eval", "a", "b", "--ensemble"]).failed(
        2,
        &[
            "reads the columns heat, flow, and",
            "the columns flow, heat; an ensemble is of nets that read the same",
        ],
    );
}

/// Nobody is judged by what he learnt from without being told so.
#[test]
fn what_was_kept_back_stays_kept_back() {
    let sandbox = Sandbox::new();
    let rows = |from: usize| {
        let row = |pump: usize| {
            let step = |hour: usize| {
                format!(
                    "p{pump},{hour},{},{}\n",
                    pump * 31 % 17 + hour,
                    if pump.is_multiple_of(2) { "a" } else { "b" }
                )
            };
            (0..4).map(step).collect::<String>()
        };
        "pump,hour,flow,state\n".to_owned() + &(from..from + 30).map(row).collect::<String>()
    };
    sandbox.write("one.csv", rows(0));
    sandbox.write("other.csv", rows(40));
    sandbox.write(
        "exp.toml",
        "[data]\ndataset = \"table\"\ntrain = \"one.csv\"\nid = \"pump\"\ntime = \"hour\"\ntarget = \"state\"\ntest_share = 0.3\n\
         [model]\nhidden = 4\nlayers = 1\n[train]\nepochs = 1\n",
    );
    let train = |run: &str, set: &str| {
        sandbox.birnn(&["train", "exp.toml", "--run-dir", run, "--set", set]).done();
    };
    train("a", "seed=0");
    train("b", "seed=1");
    train("apart", "data.split=group");
    train("elsewhere", "data.train=other.csv");
    // Drawn anew, the test would have samples that were learnt from.
    for set in ["data.id=hour", "data.limit=5", "data.window.length=2", "data.split=group"] {
        sandbox.birnn(&["eval", "a", "--set", set]).failed(2, &["which samples were kept back was decided"]);
    }
    sandbox
        .birnn(&["eval", "a", "--set", "data.test=other.csv", "--split", "train"])
        .failed(2, &["the run's test was a share of its file"]);
    let told = |runs: &[&str]| {
        sandbox
            .birnn(&[&["eval"], runs, &["--ensemble"]].concat())
            .done()
            .stderr
            .contains("had other samples to learn from")
    };
    assert!(!told(&["a", "b"]));
    assert!(told(&["a", "apart"]) && told(&["apart", "a"]) && told(&["a", "elsewhere"]));
    // A file that was learnt from, under another name too.
    let files = ["--set", "data.test=other.csv"];
    let asked = sandbox.birnn(&[&["compare", "a", "elsewhere"][..], &files].concat()).done();
    assert!(
        asked.stderr.contains("data.test: 30 of 30 test series are in `data.train` too"),
        "{}",
        asked.stderr
    );
    let asked = sandbox.birnn(&[&["report", "elsewhere"][..], &files].concat()).done();
    assert!(asked.stderr.contains("data.test: 30 of 30 test series"), "{}", asked.stderr);
    // A file that has grown since.
    assert!(!sandbox.birnn(&["eval", "a"]).done().stderr.contains("warning"));
    let more = rows(80);
    sandbox.write("one.csv", rows(0) + more.split_once('\n').unwrap().1);
    for command in ["eval", "report"] {
        let asked = sandbox.birnn(&[command, "a"]).done();
        let told =
            "one.csv; the test samples are a share of it, divided anew: the net may have learnt from some";
        assert!(asked.stderr.contains(told), "{}", asked.stderr);
    }
}

/// What the scheme of the tags forbids is told before anything is trained, and not by a loss that is
/// infinite.
#[test]
fn tags_that_their_scheme_forbids_are_refused_before_training() {
    let sandbox = Sandbox::new();
    let write = |tags: &[&str]| {
        let row = |index: usize| {
            format!("e{},{},{},{}\n", index / 6, index % 6, index % 7, tags[index % tags.len()])
        };
        sandbox.write("events.csv", "id,t,x,tag\n".to_owned() + &(0..60).map(row).collect::<String>());
    };
    sandbox.write(
        "events.toml",
        "[task]\nkind = \"tag\"\nscheme = \"iob2\"\n[data]\ndataset = \"table\"\ntrain = \"events.csv\"\nid = \"id\"\n\
         time = \"t\"\ntarget = \"tag\"\ntest_share = 0.3\n[model]\nhidden = 4\nlayers = 1\n[train]\nepochs = 1\n",
    );
    let train = |run: &str, sets: &[&str]| {
        let sets = sets.iter().flat_map(|set| ["--set", set]);
        let args: Vec<&str> = ["train", "events.toml", "--run-dir", run].into_iter().chain(sets).collect();
        sandbox.birnn(&args)
    };
    write(&["walk", "run"]);
    train("run", &[])
        .failed(2, &["events.toml:3:10: task.scheme: of the classes: found `run`, where a tag of IOB2 is"]);
    write(&["O", "B-x", "I-x"]);
    let crf = "model.head=crf";
    train("run", &[crf, "data.window.length=2"]).failed(
        2,
        &["events.toml:3:10: task.scheme: of the training series number", "at step 1: `I-x` stands first"],
    );
    assert!(!sandbox.path("run").exists());
    train("run", &[crf, "data.window.length=2", "task.constrain=false"]).done();
    train("whole", &[crf]).done();
    write(&["O", "I-x", "B-x"]);
    sandbox.birnn(&["eval", "whole"]).failed(2, &["at step 2: `I-x` stands after `O`, where IOB2 has `B-x`"]);
}
