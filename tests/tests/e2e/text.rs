//! Words: taggers of sentences, from files to answers.

use birnn_tests::{Sandbox, gzip};

use crate::ask::csv_is_json;
use crate::json;

/// Sentences in columns: a number, the word, and its tag. Whether a name is a person's is told by the word
/// behind it.
fn sentences(count: usize, seed: usize) -> String {
    let (names, people, places) = (["ana", "bo", "cy", "di"], ["said", "laughed"], ["harbour", "street"]);
    let mut text = String::from("-DOCSTART- -X- O\n\n");
    for index in 0..count {
        let draw = |of: usize, salt: usize| (index * 7919 + seed * 104_729 + salt * 31) % 2003 % of;
        let is_person = draw(2, 1) == 0;
        let behind = if is_person { people[draw(2, 2)] } else { places[draw(2, 3)] };
        let kind = if is_person { "person" } else { "place" };
        text += &format!("1 the O\n2 {} B-{kind}\n", names[draw(4, 4)]);
        if draw(3, 5) == 0 {
            text += &format!("3 {} I-{kind}\n", names[draw(4, 6)]);
        }
        text += &format!("4 {behind} O\n\n");
    }
    text
}

const EXPERIMENT: &str = r#"
name = "names"
[task]
kind = "tag"
scheme = "iob2"
[data]
dataset = "conll"
train = "train.txt"
test = "test.txt.gz"
validation = 30
columns = { token = 2, tag = 3 }
[model]
cell = "lstm"
layers = 1
hidden = 8
head = "crf"
input_dropout = 0.1
[model.embedding]
width = 6
characters = { width = 4, hidden = 4 }
[train]
device = "cpu"
epochs = 6
batch_size = 16
monitor = "f1"
group_by_length = true
[train.optimizer]
lr = 0.02
"#;

/// A folder with a tagger that was trained.
pub(crate) fn trained() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("names.toml", EXPERIMENT);
    sandbox.write("train.txt", sentences(300, 0));
    sandbox.write("test.txt.gz", gzip(sentences(60, 1).as_bytes()));
    let ended = sandbox.birnn(&["train", "names.toml", "--run-dir", "run"]).done();
    assert!(ended.stdout.starts_with("Test F1 of the model on the "), "{}", ended.stdout);
    sandbox
}

#[test]
fn a_tagger_learns_what_the_words_around_tell() {
    let sandbox = trained();
    let evaluation = json(&sandbox.birnn(&["eval", "run", "--json"]).done().stdout);
    let f1 = evaluation["spans"]["strict"]["all"]["f1"].as_f64().unwrap();
    assert!(f1 > 0.95, "{f1}");
    assert_eq!(evaluation["spans"]["illegal"], 0, "what the scheme forbids is not answered");
    let table = sandbox.birnn(&["eval", "run"]).done().stdout;
    assert!(table.contains("F1 ") && table.contains("\nperson") && table.contains("\nall "), "{table}");
    let report = sandbox.birnn(&["report", "run"]).done();
    assert!(report.code == 0);
}

/// Whatever stands in the text beside its tokens stays, byte for byte.
#[test]
fn sentences_are_given_back_with_columns_added() {
    let sandbox = trained();
    let text =
        "-DOCSTART- -X- O\n\n1\tthe\tx\r\n2\tana\ty\r\n3\tsaid\tz\r\n \n1 the x\n2 unknown y\n3 street z";
    let told = sandbox.birnn_given(&["predict", "run", "-"], text);
    assert_eq!(told.code, 0, "{}", told.stderr);
    let warning = "each line was read as one token";
    assert!(!told.stderr.contains(warning), "{}", told.stderr);
    let whole = sandbox.birnn_given(&["predict", "run", "-"], "1 the ana said\n\n2 the street\n");
    assert!(whole.stderr.contains(warning) && whole.stdout.lines().count() == 3, "{}", whole.stderr);
    let lines: Vec<&str> = told.stdout.split('\n').collect();
    assert_eq!(lines.len(), text.split('\n').count());
    for (line, was) in lines.iter().zip(text.split('\n')) {
        let was = was.trim_end_matches('\r');
        assert!(line.starts_with(was), "{line:?}, not {was:?}");
        let added = line.trim_end_matches('\r')[was.len()..].split(['\t', ' ']).count() - 1;
        assert_eq!(
            added,
            if was.contains(['x', 'y', 'z']) && !was.contains("-X-") { 2 } else { 0 },
            "{line:?}"
        );
    }
    assert!(lines[3].starts_with("2\tana\ty\tB-person\t0.") && lines[3].ends_with('\r'), "{:?}", lines[3]);
    // Nothing is lost of a long text, and answers do not depend on what else there is.
    let long = text.to_owned() + "\n\n" + &sentences(2100, 3);
    let all = sandbox.birnn_given(&["predict", "run", "-"], &long).done().stdout;
    assert!(all.starts_with(&told.stdout), "{}", &all[..300]);
    assert_eq!(all.matches('\n').count(), long.matches('\n').count());
}

/// What running text has is parted as it was in training, wherever the net is asked.
#[test]
fn words_and_punctuation_are_apart() {
    let sandbox = Sandbox::new();
    let line = |index: usize| match index % 2 {
        0 => "yes It's good, I say no.\n",
        _ => "no It's bad, I say no.\n",
    };
    sandbox.write("texts.txt", (0..200).map(line).collect::<String>());
    let experiment = |unit: &str| {
        format!(
            "[data]\ndataset = \"texts\"\ntrain = \"texts.txt\"\ntest_share = 0.2\nunit = \"{unit}\"\n\
             [model]\nhidden = 4\nlayers = 1\nreadout = \"max\"\n[model.embedding]\nwidth = 8\n[train]\nepochs = 20\nbatch_size = 8\n\
             device = \"cpu\"\noptimizer = {{ lr = 0.02 }}\n"
        )
    };
    sandbox.write("words.toml", experiment("words"));
    let marked = "data.unit: 320 of 800 training words end in a punctuation mark, as `";
    let ended = sandbox.birnn(&["train", "words.toml", "--run-dir", "words"]).done();
    assert!(ended.stderr.contains(marked), "{}", ended.stderr);
    sandbox.write("apart.toml", experiment("words-and-punctuation"));
    let ended = sandbox.birnn(&["train", "apart.toml", "--run-dir", "apart"]).done();
    assert!(!ended.stderr.contains("data.unit"), "{}", ended.stderr);
    sandbox.write("asked.txt", "good\nbad\nSo good!\n");
    let told = json(&sandbox.birnn(&["predict", "apart", "asked.txt", "--json"]).done().stdout);
    let classes: Vec<&str> =
        (0..3).map(|index| told["predictions"][index]["class"].as_str().unwrap()).collect();
    assert_eq!(classes, ["yes", "no", "yes"]);
    assert_eq!(told["predictions"][2]["tokens"], serde_json::json!(["So", "good", "!"]));
    assert_eq!(
        csv_is_json(&sandbox, "apart", "asked.txt"),
        "file,line,id,class,probability,probability_no,probability_yes"
    );
}

#[test]
fn tokens_come_with_their_tags_in_json() {
    let sandbox = trained();
    sandbox.write("asked.txt", "1 the\n2 ana\n3 said\n\n1 the\n2 street\n");
    let header = csv_is_json(&sandbox, "run", "asked.txt");
    assert!(
        header.starts_with("file,line,id,step,token,class,probability,probability_B-person,"),
        "{header}"
    );
    let told = sandbox.birnn_given(&["predict", "run", "--json", "-"], "1 the\n2 ana\n3 said\n\n");
    let found = &json(&told.done().stdout)["predictions"][0];
    assert_eq!(found["tokens"], serde_json::json!(["the", "ana", "said"]));
    assert_eq!(found["tags"], serde_json::json!(["O", "B-person", "O"]));
    let sums: Vec<f64> = found["probabilities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step.as_array().unwrap().iter().map(|p| p.as_f64().unwrap()).sum())
        .collect();
    assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-5), "{sums:?}");
}

/// And nothing is made of it.
#[test]
fn a_mistake_in_a_file_is_told_by_its_line() {
    let sandbox = Sandbox::new();
    sandbox.write("names.toml", EXPERIMENT);
    sandbox.write("test.txt.gz", gzip(sentences(60, 1).as_bytes()));
    for (text, said) in [
        (&b"1 the O\n2 ana\n\n"[..], "train.txt: line 2: has 2 columns"),
        (
            b"1 the O\n2 ana I-person\n\n",
            "train.txt: line 2: `I-person` stands after `O`, where IOB2 has `B-person`",
        ),
        (b"1 the O\n2 ana X\n\n", "train.txt: line 2: found `X`, where a tag of IOB2 is"),
        (b"1 the O\n\n2 caf\xe9 O\n\n", "train.txt: line 3: is not UTF-8 text"),
        (b"\n\n", "train.txt: ends before its first sentence"),
    ] {
        sandbox.write("train.txt", text);
        let ended = sandbox.birnn(&["train", "names.toml", "--run-dir", "run"]);
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        assert!(ended.stderr.contains(said), "{}, not {said}", ended.stderr);
        assert!(!sandbox.path("run").exists());
    }
}

#[test]
fn a_tag_that_the_net_does_not_know_is_told_by_its_own_line() {
    let sandbox = trained();
    sandbox.write("other.txt", "1 the O\n\n1 the O\n2 ana B-person\n3 said O\n4 Graz B-town\n");
    sandbox
        .birnn(&["eval", "run", "--set", "data.test=other.txt"])
        .failed(2, &["other.txt: line 6: the class `B-town`"]);
}

/// What others learnt of words that no training sentence has is known where the net is asked, and needs no
/// file then.
#[test]
fn vectors_from_a_file_tell_of_words_that_are_new() {
    let sandbox = Sandbox::new();
    // No sentence to learn from has Eve, and her vector is a name's.
    let names = ["ana", "bo", "cy", "di", "eve"].map(|name| format!("{name} 2 -2\n")).concat();
    let others = "the -1 1\nsaid -1 3\nlaughed -1 3\nharbour -3 1\nstreet -3 1\n";
    sandbox.write("vectors.txt", format!("{others}{names}"));
    sandbox.write(
        "names.toml",
        EXPERIMENT.replace("width = 6\ncharacters = { width = 4, hidden = 4 }", "width = 2"),
    );
    sandbox.write("train.txt", sentences(300, 0));
    sandbox.write("test.txt.gz", gzip(sentences(60, 1).as_bytes()));
    let train = |run: &str, sets: &[&str]| {
        let sets = sets.iter().flat_map(|set| ["--set", *set]);
        let args = ["train", "names.toml", "--run-dir", run].into_iter().chain(sets);
        sandbox.birnn(&args.collect::<Vec<_>>())
    };
    let vectors = "data.vectors=vectors.txt";
    for (run, sets) in [
        ("kept", &[vectors, "model.embedding.freeze=true"][..]),
        ("moved", &[vectors, "data.vector_words=9"]),
    ] {
        let told = train(run, sets).done().stderr;
        let line = "vectors.txt: vectors of 9 of the 9 words of the training sentences and of 1 others";
        assert!(told.contains(line), "{told}");
    }
    let refused = train("wide", &[vectors, "model.embedding.width=3"]);
    assert_eq!(refused.code, 2);
    assert!(
        refused.stderr.contains("vectors.txt: its vectors have 2 values, and `width`"),
        "{}",
        refused.stderr
    );
    let refused = train("absent", &["data.vectors=glove.txt"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("--set data.vectors=PATH"), "{}", refused.stderr);
    assert!(!sandbox.path("wide").exists() && !sandbox.path("absent").exists());

    std::fs::remove_file(sandbox.path("vectors.txt")).unwrap();
    for run in ["kept", "moved"] {
        // Ana's vector was Eve's before training, and Zed's is nobody's.
        let told = |name: &str| {
            let sentence = format!("1 the\n2 {name}\n3 said\n\n");
            sandbox.birnn_given(&["predict", run, "-"], &sentence).done().stdout.replace(name, "")
        };
        assert_eq!(told("eve") == told("ana"), run == "kept", "{}{}", told("eve"), told("ana"));
        assert_ne!(told("eve"), told("zed"));
        let evaluation = json(&sandbox.birnn(&["eval", run, "--json"]).done().stdout);
        assert!(evaluation["spans"]["strict"]["all"]["f1"].as_f64().unwrap() > 0.9, "{evaluation}");
    }
}

#[test]
fn text_in_another_encoding_is_read_as_it_is_said() {
    let sandbox = Sandbox::new();
    let latin =
        |text: &str| text.replace("ana", "\u{e9}ve").chars().map(|letter| letter as u8).collect::<Vec<u8>>();
    sandbox.write("names.toml", EXPERIMENT.replace("[model]", "encoding = \"latin1\"\n[model]"));
    sandbox.write("train.txt", latin(&sentences(300, 0)));
    sandbox.write("test.txt.gz", gzip(&latin(&sentences(60, 1))));
    sandbox.birnn(&["train", "names.toml", "--run-dir", "run"]).done();
    let weights = std::fs::read(sandbox.path("run/model.safetensors")).unwrap();
    let name = "\u{e9}ve".as_bytes();
    assert!(weights.windows(name.len()).any(|bytes| bytes == name), "its vocabulary has the name in UTF-8");

    sandbox.write("train.txt", gzip(b"1 \x93\xfa O\n\n2 \xfd\xff O\n\n"));
    let ended =
        sandbox.birnn(&["train", "names.toml", "--run-dir", "none", "--set", "data.encoding=shift_jis"]);
    ended.failed(2, &["train.txt: line 3: is not text in Shift_JIS, which `encoding`"]);
}

/// The same sentences, and each run's tags for them.
#[test]
fn taggers_are_compared_by_the_sentences_of_their_test() {
    let sandbox = trained();
    sandbox
        .birnn(&["train", "names.toml", "--run-dir", "other", "--set", "seed=1", "--set", "train.epochs=1"])
        .done();
    let found = json(&sandbox.birnn(&["compare", "run", "other", "--json"]).done().stdout);
    assert_eq!(found["runs"].as_array().map(Vec::len), Some(2), "{found}");
    let table = sandbox.birnn(&["compare", "run", "other"]).done().stdout;
    assert!(table.contains("F1"), "{table}");
    sandbox.write("test.txt.gz", gzip(sentences(60, 2).as_bytes()));
    sandbox.birnn(&["train", "names.toml", "--run-dir", "elsewhere", "--set", "data.test=train.txt"]).done();
    let refused = sandbox.birnn(&["compare", "run", "elsewhere"]);
    refused.failed(2, &["cannot be compared", "they are not the same sentences"]);
}

/// Of one file, in two schemes that have the same tags, of which each means something else.
#[test]
fn taggers_of_unlike_schemes_are_not_compared() {
    let sandbox = Sandbox::new();
    let sentences =
        "ana B-person\nbo B-person\ncy I-person\nsaid O\n\nrye B-place\ndee B-place\nold I-place\nis O\n\n";
    sandbox.write("train.txt", sentences.repeat(20));
    sandbox.write("test.txt", sentences);
    for (run, scheme) in [("one", "iob1"), ("two", "iob2")] {
        let experiment = format!(
            "task = {{ kind = \"tag\", scheme = \"{scheme}\" }}\ndata = {{ dataset = \"conll\", train = \"train.txt\", \
             test = \"test.txt\", scheme = \"iob2\" }}\nmodel = {{ layers = 1, hidden = 4 }}\ntrain = {{ epochs = 1 }}\n"
        );
        sandbox.write("x.toml", experiment);
        sandbox.birnn(&["train", "x.toml", "--run-dir", run]).done();
    }
    for runs in [["one", "two"], ["two", "one"]] {
        let refused = sandbox.birnn(&[&["compare"], &runs[..]].concat());
        refused.failed(2, &["cannot be compared", "classes as IOB1 ", "classes as IOB2 "]);
    }
}

/// The others are answered.
#[test]
fn a_file_that_cannot_be_read_is_told_of_in_the_end() {
    let sandbox = trained();
    sandbox.write("good.txt", "1 the\n2 ana\n3 said\n\n");
    sandbox.write("bad.txt", b"1 the\n2 caf\xe9\n\n");
    let ended = sandbox.birnn(&["predict", "run", "bad.txt", "none.txt", "good.txt"]);
    assert!(ended.stdout.contains("2 ana B-person "), "{}", ended.stdout);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    for said in ["bad.txt: line 2: is not UTF-8", "none.txt: ", "2 files could not be read"] {
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
}

/// What nobody has said of the embedding is the same when it is said: a run's own config.toml repeats it, and
/// it goes on as it began.
#[test]
fn an_experiment_without_an_embedding_is_repeated_and_gone_on_with() {
    let sandbox = Sandbox::new();
    let text = birnn_tests::SYNTHETIC.replace("\"synthetic\"", "\"synthetic-text\"");
    sandbox.write("x.toml", format!("task = {{ kind = \"tag\" }}\n{text}"));
    let train = |args: &[&str]| sandbox.birnn(&[&["train"], args].concat()).done();
    train(&["x.toml", "--run-dir", "run"]);
    train(&["run/config.toml", "--run-dir", "again"]);
    train(&["x.toml", "--run-dir", "on", "--set", "train.epochs=1"]);
    train(&["--resume", "on", "--set", "train.epochs=2"]);
    for run in ["again", "on"] {
        assert_eq!(sandbox.text("run/metrics.jsonl"), sandbox.text(&format!("{run}/metrics.jsonl")), "{run}");
    }
}
