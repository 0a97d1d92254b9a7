//! Nets that answer with values of the series themselves: gaps are filled in, and what comes next is found.

use birnn_tests::Sandbox;
use birnn_tests::server::Server;
use serde_json::Value;

use crate::json;

/// Two waves that are one another's quarter turn, of a speed of its own in each series: what is hidden in
/// one, the other tells.
fn waves(series: usize, steps: usize, value: impl Fn(usize, usize, f64) -> String) -> String {
    let mut text = "who,hour,rise,fall\n".to_owned();
    for index in 0..series {
        let speed = 0.3 + 0.05 * (index * 7 % 11) as f64;
        for step in 0..steps {
            let turn = speed * step as f64 + index as f64;
            let [rise, fall] = [turn.sin(), turn.cos()].map(|wave| 50.0 + 10.0 * wave);
            let [rise, fall] =
                [(0, rise), (1, fall)].map(|(feature, wave)| value(index, 2 * step + feature, wave));
            text += &format!("w{index},{step},{rise},{fall}\n");
        }
    }
    text
}

fn whole(_: usize, _: usize, wave: f64) -> String {
    format!("{wave:.3}")
}

/// A run of `task` on 120 series of 24 steps.
fn trained(task: &str, sets: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("waves.csv", waves(120, 24, whole));
    sandbox.write(
        "exp.toml",
        format!(
            "[task]\n{task}\n[data]\ndataset = \"table\"\ntrain = \"waves.csv\"\nid = \"who\"\ntime = \"hour\"\n\
             test_share = 0.2\nvalidation = 0.1\n\
             [model]\ncell = \"gru\"\nhidden = 16\nlayers = 1\n\
             [train]\nepochs = 15\nbatch_size = 8\noptimizer = {{ lr = 0.02 }}\n"
        ),
    );
    let mut args = vec!["train", "exp.toml", "--run-dir", "run"];
    args.extend(sets.iter().flat_map(|set| ["--set", set]));
    sandbox.birnn(&args).done();
    sandbox
}

fn eval(sandbox: &Sandbox) -> Value {
    json(&sandbox.birnn(&["eval", "run", "--json"]).done().stdout)
}

/// The net's error and that of what it reads in place of the values.
fn errors(found: &Value) -> [f64; 2] {
    ["mae", "baseline_mae"].map(|key| found["filled"][key].as_f64().unwrap())
}

#[test]
fn gaps_are_filled_in_and_nothing_else_is_changed() {
    let sandbox = trained("kind = \"infill\"\nhide = { share = 0.2 }", &[]);
    let found = eval(&sandbox);
    // A fifth of 24 x 2 values of 24 series.
    assert_eq!(found["samples"], 24 * 10);
    let [mae, baseline] = errors(&found);
    assert!(mae < 0.5 * baseline, "{mae}, and {baseline} without the net");
    let text = sandbox.birnn(&["eval", "run"]).done().stdout;
    assert!(text.starts_with("table, 240 hidden values of 24 test series: MAE "), "{text}");
    assert!(text.ends_with("\nhidden: 20 % of what is there, each by itself\n"), "{text}");
    let said = sandbox.birnn(&["fill", "run", "waves.csv"]).done();
    assert!(said.stderr.contains("waves.csv: nothing in it is a gap"), "{}", said.stderr);
    let same = sandbox.birnn(&["eval", "run", "--json"]).done().stdout;
    assert_eq!(errors(&json(&same)), [mae, baseline], "what is hidden is the same each time");
    sandbox.birnn(&["report", "run"]).done();
    assert!(sandbox.text("run/report.html").contains("hidden values of 24 test series"));

    let again = ["train", "exp.toml", "--run-dir", "again", "--set", "seed=1", "--set", "train.epochs=1"];
    sandbox.birnn(&again).done();
    let told = sandbox.birnn(&["compare", "run", "again"]).done().stdout;
    assert!(told.contains("its MAE is lower by"), "{told}");
    let others = ["train", "exp.toml", "--run-dir", "mean", "--set", "data.missing=mean"];
    sandbox.birnn(&others).done();
    sandbox.birnn(&["compare", "run", "mean"]).failed(2, &["run and mean cannot be compared"]);

    // Other series, a fifth of them missing.
    let is_gap = |index: usize, at: usize| (index * 31 + at * 7).is_multiple_of(5);
    let gap = |index, at, wave| if is_gap(index, at) { String::new() } else { whole(index, at, wave) };
    let (all, gaps) = (waves(10, 24, whole), waves(10, 24, gap));
    sandbox.write("gaps.csv", &gaps);
    let said = sandbox.birnn(&["fill", "run", "gaps.csv", "filled.csv"]).done();
    assert!(said.stderr.contains(" of 480 values of 10 series, 240 steps"), "{}", said.stderr);
    let filled = sandbox.text("filled.csv");
    let mut off = Vec::new();
    for (line, (filled, (gaps, all))) in filled.lines().zip(gaps.lines().zip(all.lines())).enumerate() {
        for (filled, (gap, all)) in filled.split(',').zip(gaps.split(',').zip(all.split(','))) {
            match gap {
                "" => off.push((filled.parse::<f64>().unwrap() - all.parse::<f64>().unwrap()).abs()),
                known => assert_eq!(filled, known, "line {line}"),
            }
        }
    }
    assert!(off.len() == 96 && off.iter().sum::<f64>() / 96.0 < 2.0, "of waves 10 high: {off:?}");
    assert_eq!(sandbox.birnn_given(&["fill", "run", "-"], &gaps).done().stdout, filled, "in a pipe");
    assert_eq!(sandbox.birnn_given(&["fill", "run", "-"], &all).done().stdout, all, "without a gap");
    let told = json(&sandbox.birnn_given(&["predict", "run", "-", "--json"], &gaps).done().stdout);
    let first = told["predictions"][0]["values"][0].clone();
    let own: Vec<f64> =
        filled.lines().nth(1).unwrap().split(',').skip(2).map(|v| v.parse().unwrap()).collect();
    let near = |index: usize| (first[index].as_f64().unwrap() - own[index]).abs() < 1e-3;
    assert!(near(0) && near(1), "{first}, {own:?}");

    // The file is not touched without leave, and one that cannot be filled leaves nothing behind.
    sandbox.birnn(&["fill", "run", "gaps.csv", "filled.csv"]).failed(2, &["filled.csv: ", "--force"]);
    sandbox.write("bad.csv", "who,hour,rise,fall\na,0,1,2\na,1,x,\n");
    let bad = sandbox.birnn(&["fill", "run", "bad.csv", "out.csv"]);
    bad.failed(2, &["bad.csv: line 3, column 3 (`rise`): "]);
    assert!(!sandbox.path("out.csv").exists());
    // More hidden than in training, and less.
    let mae = |hidden: &str| {
        let told = sandbox.birnn(&["eval", "run", "--set", hidden, "--json"]).done().stdout;
        let found = json(&told);
        (found["samples"].as_u64().unwrap(), found["filled"]["mae"].as_f64().unwrap())
    };
    let ((few, near), (many, far)) = (mae("task.hide.share=0.1"), mae("task.hide.share=0.6"));
    assert!(many > 5 * few && far > near, "{few}, {near}; {many}, {far}");
    // A key is the same key however it is written.
    for hidden in ["\"task\".hide.share=0.6", "task . hide.share = 0.6", "task.hide = { share = 0.6 }"] {
        assert_eq!(mae(hidden), (many, far), "{hidden}");
    }
    sandbox.birnn(&["export", "run", "net.ckpt"]).done();
    for hidden in ["task.hide.share=0.6", "\"task\".hide.share=0.6", "task.hide={ share = 0.6 }"] {
        let import = ["import", "net.ckpt", "--out", "x.safetensors", "--set", hidden];
        let told = ["--set ", "hide", "net.ckpt.json beside the weights says it; change it there"];
        sandbox.birnn(&import).failed(2, &told);
    }
    sandbox
        .birnn(&["eval", "run", "--set", "task.hide.share=2"])
        .failed(2, &["task.hide.share: ", "less than 1"]);
    sandbox
        .birnn(&["compare", "run", "run", "--set", "task.hide.share=0.5"])
        .failed(2, &["task.hide.share=0.5"]);
    let one = ["train", "exp.toml", "--run-dir", "no", "--set", "task.hide.what=features"];
    let one = [&one[..], &["--set", "data.features=[\"rise\"]"]].concat();
    sandbox.birnn(&one).failed(2, &["task.hide.what: ", "these series have one"]);
    assert!(!sandbox.path("no").exists());
}

#[test]
fn what_comes_next_is_found_by_a_net_that_has_not_read_it() {
    let sandbox = trained("kind = \"next\"", &["model.bidirectional=false"]);
    let found = eval(&sandbox);
    assert_eq!(found["samples"], 24 * 23 * 2, "of each series all steps but the first");
    let [mae, baseline] = errors(&found);
    assert!(mae < 0.5 * baseline && found.get("in_use").is_none(), "{found}");
    let all = waves(10, 30, whole);
    let known: String = all
        .lines()
        .filter(|line| {
            line.split(',').nth(1).is_none_or(|hour| hour.parse::<usize>().map_or(true, |hour| hour < 24))
        })
        .flat_map(|line| [line, "\n"])
        .collect();
    let told = sandbox.birnn_given(&["continue", "run", "-", "--steps", "6"], &known).done().stdout;
    let mut lines = told.lines();
    assert_eq!(lines.next(), Some("series,step,rise,fall"));
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    assert_eq!((rows.len(), rows[6][..2].to_vec()), (60, vec!["w1", "1"]));
    let mut off = 0.0;
    for row in &rows {
        let hour = (23 + row[1].parse::<usize>().unwrap()).to_string();
        let truth = all.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let truth = truth.into_iter().find(|truth| truth[0] == row[0] && truth[1] == hour).unwrap();
        off += (row[2].parse::<f64>().unwrap() - truth[2].parse::<f64>().unwrap()).abs() / 60.0;
    }
    // Who answers the mean of such a wave is off by 6.4.
    assert!(off < 4.0, "{off}");
    let again = ["train", "exp.toml", "--run-dir", "again", "--set", "seed=1", "--set", "train.epochs=1"];
    sandbox.birnn(&[&again[..], &["--set", "model.bidirectional=false"]].concat()).done();
    assert!(sandbox.birnn(&["compare", "run", "again"]).done().stdout.contains("RMSE"));
    sandbox.birnn(&["report", "run"]).done();
    sandbox.birnn(&["fill", "run", "waves.csv"]).failed(2, &["task `next`", "kind = \"infill\""]);
}

/// Trained all the same, it looks perfect, and in use it is worse than what it reads.
#[test]
fn a_net_that_reads_what_it_is_asked_for_is_marked() {
    let sandbox = trained("kind = \"next\"\nleak = \"show\"", &[]);
    let found = eval(&sandbox);
    let mae = |of: &str| found["in_use"][of]["mae"].as_f64().unwrap();
    assert!(mae("whole") < 0.2 * mae("so_far"), "{found}");
    let text = sandbox.birnn(&["eval", "run"]).done().stdout;
    assert!(text.contains("THIS NET READS WHAT IT IS ASKED FOR"), "{text}");
    // The values of all of them: there are few enough.
    let counted = text.split_once(" next values").unwrap().0.rsplit(' ').next().unwrap();
    assert!(text.contains(&format!("In use, of {counted} of these: ")), "{text}");
    sandbox.birnn(&["report", "run"]).done();
    assert!(sandbox.text("run/report.html").contains("This net has read what it is asked for"));
    assert!(sandbox.birnn(&["runs", "."]).done().stdout.contains("next (leak)"));
    let said = sandbox.birnn(&["compare", "run", "run"]);
    assert!(said.stderr.contains("this net has read what it is asked for"), "{}", said.stderr);
    assert!(said.stdout.contains("(HAS READ WHAT IT IS ASKED FOR: "), "{}", said.stdout);
    let said = sandbox.birnn(&["continue", "run", "waves.csv"]).done();
    assert!(said.stderr.contains("what follows is of no use"), "{}", said.stderr);
}

/// Texts of letters that go on in one way alone, but for what a word begins with, and an experiment of this
/// task on them.
fn letters(task: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let words = ["abcde", "fghij", "klmno", "pqrst"];
    let line = |index: usize| {
        let word = |place: usize| words[(index * 7 + place * place * 3 + place) % 4];
        (0..5).map(word).collect::<Vec<_>>().join(" ")
    };
    sandbox.write("lines.txt", (0..400).map(|index| line(index) + "\n").collect::<String>());
    let experiment = format!(
        "[task]\n{task}\n[data]\ndataset = \"texts\"\ntrain = \"lines.txt\"\nunit = \"characters\"\n\
         test_share = 0.2\nvalidation = 0.1\n[model]\ncell = \"gru\"\nhidden = 16\nlayers = 1\n\
         [model.embedding]\nwidth = 8\n[train]\nepochs = 4\nbatch_size = 8\nmonitor = \"accuracy\"\n\
         optimizer = {{ lr = 0.02 }}\n"
    );
    sandbox.write("exp.toml", experiment);
    sandbox
}

#[test]
fn gaps_of_texts_are_filled_in() {
    let sandbox = letters("kind = \"infill\"\nhide = { what = \"blocks\", share = 0.2, steps = 2 }");
    sandbox.birnn(&["train", "exp.toml", "--run-dir", "run", "--set", "train.epochs=12"]).done();
    let found = eval(&sandbox);
    // A fifth of 29 letters.
    assert_eq!(found["samples"], 80 * 6);
    assert!(found["accuracy"].as_f64().unwrap() > 0.9, "{found}");
    let text = sandbox.birnn(&["eval", "run"]).done().stdout;
    assert!(text.starts_with("texts, 480 hidden tokens of 80 test sentences: perplexity 1."), "{text}");
    let gaps = "ab__e fgh_j\r\n\r\n_lmno\n";
    let told = sandbox.birnn_given(&["fill", "run", "-"], gaps).done();
    assert_eq!(told.stdout, "abcde fghij\r\n\r\nklmno\n");
    assert!(told.stderr.contains("filled in: 4 of 16 tokens"), "{}", told.stderr);
    let told = sandbox.birnn_given(&["fill", "run", "-", "--gap", "?"], "ab?de").done().stdout;
    assert_eq!(told, "abcde");
    sandbox
        .birnn_given(&["fill", "run", "-", "--gap", "ab"], "abc")
        .failed(2, &["--gap `ab`: ", "character"]);
    let server = Server::start(&sandbox, &["letters=run"]);
    for question in ["predict", "explain"] {
        let path = format!("POST /v1/models/letters/{question}");
        let (status, told) = server.ask(&path, "application/json", br#"{"sentences": ["abc"]}"#);
        assert!(status == 422 && told["detail"].as_str().unwrap().contains("`birnn fill`"), "{told}");
    }
    sandbox.write("gaps.jsonl", "{\"a_text\": \"ab_de\"}\n");
    sandbox.birnn(&["fill", "run", "gaps.jsonl"]).failed(2, &["gaps.jsonl: ", "lines"]);
    sandbox.birnn_given(&["fill", "run", "-", "--gap", "a"], "abc").failed(2, &["--gap a: ", "knows"]);
    sandbox
        .birnn(&["eval", "run", "--set", "task.hide={ what = \"features\" }"])
        .failed(2, &["task.hide.what: \"features\" are those of series, and a text has none"]);
    // Of letters that it does not know nothing is asked.
    sandbox.write("digits.txt", "12345\n67890\n");
    sandbox
        .birnn(&["eval", "run", "--set", "data.test=digits.txt"])
        .failed(2, &["data.test: its 2 sentences leave nothing to ask for"]);
}

/// A mistake in the settings, and not a net that is perfect.
#[test]
fn where_there_is_nothing_to_ask_for_nothing_is_trained() {
    let sandbox = Sandbox::new();
    sandbox.write("names.txt", (0..40).map(|index| format!("name{}\n", index % 8)).collect::<String>());
    sandbox.write(
        "rows.csv",
        (0..40).fold("id,x\n".to_owned(), |text, index| text + &format!("{index},{index}\n")),
    );
    let train = |task: &str, data: &str| {
        let text = format!(
            "[task]\nkind = \"next\"\n{task}\n[data]\n{data}\ntest_share = 0.2\n[model]\nbidirectional = false\nhidden = 4\n\
             [train]\nepochs = 1\n"
        );
        sandbox.write("exp.toml", text);
        sandbox.birnn(&["train", "exp.toml", "--run-dir", "run"])
    };
    train("", "dataset = \"texts\"\ntrain = \"names.txt\"").failed(
        2,
        &["leave nothing to ask for: none has a token behind another one", "unit = \"characters\""],
    );
    train("", "dataset = \"table\"\ntrain = \"rows.csv\"\nid = \"id\"")
        .failed(2, &["leave nothing to ask for: none has a value in a step behind another one"]);
    assert!(!sandbox.path("run").exists());
    train("", "dataset = \"table\"\ntrain = \"rows.csv\"").failed(2, &["test_share"]);
}

#[test]
fn texts_are_gone_on_with_letter_by_letter() {
    let sandbox = letters("kind = \"next\"");
    let one_way = ["train", "exp.toml", "--run-dir", "run", "--set", "model.bidirectional=false"];
    sandbox.birnn(&[&one_way[..], &["--set", "train.epochs=3"]].concat()).done();
    sandbox.birnn(&["train", "--resume", "run", "--set", "train.epochs=4"]).done();
    let found = eval(&sandbox);
    // Of each line 29 letters, and what follows the first 28.
    assert_eq!(found["samples"], 80 * 28);
    let (accuracy, loss) = (found["accuracy"].as_f64().unwrap(), found["loss"].as_f64().unwrap());
    // Four of 28 are one of four words' beginnings: 0.2 nats in the mean.
    assert!(accuracy > 0.85 && loss < 0.35, "{accuracy}, {loss}");
    let text = sandbox.birnn(&["eval", "run"]).done().stdout;
    assert!(text.starts_with("texts, 2240 next tokens of 80 test sentences: perplexity 1."), "{text}");

    let told =
        sandbox.birnn_given(&["continue", "run", "-", "--steps", "4"], "abcde f\nabcde p\n").done().stdout;
    assert_eq!(told, "abcde fghij\nabcde pqrst\n");
    let drawn = |seed: &str| {
        let args = ["continue", "run", "-", "--steps", "40", "--temperature", "1", "--seed", seed];
        sandbox.birnn_given(&args, "abcde \nabcde \n").done().stdout
    };
    assert_eq!(drawn("1"), drawn("1"));
    assert_ne!(drawn("1"), drawn("2"));
    let both: Vec<String> = drawn("1").lines().map(str::to_owned).collect();
    assert_ne!(both[0], both[1], "each text has draws of its own");
    for json in [&[][..], &["--json"]] {
        sandbox
            .birnn_given(&[&["predict", "run", "-"], json].concat(), "abc\n")
            .failed(2, &["birnn continue"]);
    }
    sandbox.birnn(&["export", "run", "net.html"]).failed(2, &["net.html: a page shows classes"]);
    sandbox.birnn(&["report", "run"]).done();
    let page = sandbox.text("run/report.html");
    assert!(page.contains("by counting tokens") && page.contains("class=\"token wrong"));
    let counting = found["by_counting"]["perplexity"].as_f64().unwrap();
    // Of 21 characters the blank is a seventh.
    assert!((15.0..21.0).contains(&counting), "{counting}");
    let again = ["train", "exp.toml", "--run-dir", "again", "--set", "seed=1", "--set", "train.epochs=1"];
    sandbox.birnn(&[&again[..], &["--set", "model.bidirectional=false"]].concat()).done();
    let told = sandbox.birnn(&["compare", "run", "again"]).done().stdout;
    assert!(told.contains(" is better than ") && told.contains("its perplexity is lower by"), "{told}");

    let nothing = sandbox.birnn(&["continue", "run", "-", "--steps", "0"]);
    assert!(nothing.stderr.contains("'--steps <STEPS>': 0 is not in 1.."), "{}", nothing.stderr);
    let cold = ["continue", "run", "-", "--temperature", "-1"];
    sandbox.birnn_given(&cold, "abc").failed(2, &["--temperature -1: "]);

    // Both ways: perfect, until nothing comes after.
    let leak = ["train", "exp.toml", "--run-dir", "leak", "--set", "task.leak=show"];
    sandbox.birnn(&leak).done();
    let found = json(&sandbox.birnn(&["eval", "leak", "--json"]).done().stdout);
    let loss = |of: &str| found["in_use"][of]["loss"].as_f64().unwrap();
    assert!(loss("whole") < 0.05 && loss("so_far") > 5.0 * loss("whole"), "{found}");
}

/// Three hundred words, each of which is followed by one: more than a byte can tell apart.
#[test]
fn words_are_filled_in_and_gone_on_with() {
    const WORDS: usize = 300;
    let word = |index: usize| format!("w{}", index % WORDS);
    let line = |index: usize| (0..8).map(|step| word(index * 37 + step)).collect::<Vec<_>>().join(" ") + "\n";
    let (lines, sandbox) = ((0..900).map(line).collect::<String>(), Sandbox::new());
    sandbox.write("lines.txt", lines);
    let train = |run: &str, task: &str, bidirectional: bool| {
        let experiment = format!(
            "[task]\n{task}\n[data]\ndataset = \"texts\"\ntrain = \"lines.txt\"\ntest_share = 0.1\n[model]\n\
             cell = \"gru\"\nhidden = 48\nlayers = 1\nbidirectional = {bidirectional}\n[model.embedding]\nwidth = 32\n\
             rare_word_dropout = 0\n[train]\nepochs = 8\nbatch_size = 16\noptimizer = {{ lr = 0.01 }}\n"
        );
        sandbox.write("exp.toml", experiment);
        sandbox.birnn(&["train", "exp.toml", "--run-dir", run]).done();
        let found = json(&sandbox.birnn(&["eval", run, "--json"]).done().stdout);
        let close =
            (found["perplexity"].as_f64().unwrap() / found["loss"].as_f64().unwrap().exp() - 1.0).abs();
        assert!(found["accuracy"].as_f64().unwrap() > 0.9 && close < 1e-9, "{found}");
    };
    train("fill", "kind = \"infill\"\nhide = { share = 0.15 }", true);
    let told = sandbox.birnn_given(&["fill", "fill", "-"], "w10 _ w12\nw298 w299 _ w1\n").done();
    assert_eq!(told.stdout, "w10 w11 w12\nw298 w299 w0 w1\n");
    train("next", "kind = \"next\"", false);
    let told = sandbox.birnn_given(&["continue", "next", "-", "--steps", "3"], "w280 w281\nw7\n").done();
    assert_eq!(told.stdout, "w280 w281 w282 w283 w284\nw7 w8 w9 w10\n");
    let listed = json(&sandbox.birnn(&["runs", ".", "--json"]).done().stdout);
    assert!(
        listed.as_array().unwrap().iter().all(|run| run["headline"]["metric"] == "perplexity"),
        "{listed}"
    );
}
