use std::path::Path;

use super::*;
use crate::config::{DataConfig, SplitBy};
use crate::image::idx::tests::gzip;
use crate::load::Splits;
use crate::load::tests::{at, load_quietly};
use crate::modality::Modality;
use crate::targets::{TargetKind, Wanted};
use crate::text::scheme::Scheme;

const TAGS: Wanted = Wanted { kind: TargetKind::Classes, per: Per::Step };
const CLASSES: Wanted = Wanted { kind: TargetKind::Classes, per: Per::Sequence };

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let zipped = name.ends_with(".gz");
        std::fs::write(path, if zipped { gzip(text.as_bytes()) } else { text.as_bytes().to_vec() }).unwrap();
    }
    folder
}

/// What these settings, of which paths are relative to the folder, come to.
fn plan(settings: &str, folder: &Path, wanted: Wanted) -> Result<DataPlan, String> {
    let mut config: DataConfig = toml::from_str(settings).unwrap();
    config.anchor(folder);
    config.resolve_for(wanted).map_err(|error| error.to_string())
}

/// The data that they name.
fn loaded(settings: &str, folder: &Path, wanted: Wanted) -> Result<Splits, String> {
    let plan = plan(settings, folder, wanted)?;
    load_quietly(&plan, &at(folder, true)).map_err(|error| error.to_string())
}

/// What cannot be of these files, without the folder.
#[track_caller]
fn refused(files: &[(&str, &str)], settings: &str, wanted: Wanted) -> String {
    let folder = folder(files);
    let error = loaded(settings, folder.path(), wanted).unwrap_err();
    error.replace(&format!("{}/", folder.path().display()), "")
}

/// Sentences for people: `a/X b/Y` of tags, `X: a b` of classes.
fn told(splits: &Splits, split: &crate::Split) -> Vec<String> {
    let names = splits.outputs.classes().unwrap();
    let label = |at: usize| &names[usize::from(split.labels().unwrap()[at])];
    let sentence = |index: usize| {
        let words = split.sequences.get(index).words();
        match split.targets.per {
            Per::Sequence => format!("{}: {}", label(index), words.collect::<Vec<_>>().join(" ")),
            Per::Step => {
                let steps = split.sequences.steps_of(index);
                let pairs = words.zip(steps).map(|(word, step)| format!("{word}/{}", label(step)));
                pairs.collect::<Vec<_>>().join(" ")
            }
        }
    };
    (0..split.len()).map(sentence).collect()
}

const PARALLEL: [(&str, &str); 9] = [
    ("train/seq.in", "play some jazz\n\nrate it five\n"),
    ("train/seq.out", "O O B-genre\n\nO O B-rating\n"),
    ("train/label", "play\n\nrate\n"),
    ("test/seq.in.gz", "play rock\n"),
    ("test/seq.out", "O B-genre\n"),
    ("test/label", "play\n"),
    ("valid/seq.in", "rate this\n"),
    ("valid/seq.out", "O O\n"),
    ("valid/label", "rate\n"),
];

/// Settings that name them, and of what kind their answers are.
fn parallel(labels: &str) -> String {
    format!(
        "dataset = \"lines\"\ntrain = \"train/seq.in\"\ntest = \"test/seq.in.gz\"\nvalidation_file = \"valid/seq.in\"\n\
         train_labels = \"train/{labels}\"\ntest_labels = \"test/{labels}\"\nvalidation_labels = \"valid/{labels}\""
    )
}

#[test]
fn parallel_files_have_tags_or_classes() {
    let folder = folder(&PARALLEL);
    let splits = loaded(&parallel("seq.out"), folder.path(), TAGS).unwrap();
    assert_eq!(told(&splits, &splits.train), ["play/O some/O jazz/B-genre", "rate/O it/O five/B-rating"]);
    assert_eq!(told(&splits, &splits.test), ["play/O rock/B-genre"]);
    assert_eq!(told(&splits, &splits.validation), ["rate/O this/O"]);
    assert!(splits.warnings.is_empty(), "{:?}", splits.warnings);
    assert!(matches!(&splits.modality, Modality::Text(text) if text.words.contains(&"jazz".to_owned())));
    let names = splits.provenance.files.iter().map(|file| file.path.strip_prefix(folder.path()).unwrap());
    let read =
        ["train/seq.in", "train/seq.out", "test/seq.in.gz", "test/seq.out", "valid/seq.in", "valid/seq.out"];
    assert!(names.eq(read.map(Path::new)));

    let splits = loaded(&parallel("label"), folder.path(), CLASSES).unwrap();
    assert_eq!(told(&splits, &splits.train), ["play: play some jazz", "rate: rate it five"]);
    assert_eq!(told(&splits, &splits.validation), ["rate: rate this"]);
}

#[test]
fn parallel_files_that_do_not_fit_are_told_of_by_the_one_to_mend() {
    let with = |name: &str, text: &'static str| {
        PARALLEL.map(|(file, own)| (file, if file == name { text } else { own }))
    };
    for (files, labels, wanted, said) in [
        (
            with("test/seq.out", "O\n"),
            "seq.out",
            TAGS,
            "test/seq.out: line 1: has 1 tag for the 2 tokens of that",
        ),
        (
            with("train/label", "play\n"),
            "label",
            CLASSES,
            "train/label: line 3: has no class for the sentence of",
        ),
        (
            with("valid/label", "book\n"),
            "label",
            CLASSES,
            "valid/label: line 1: the class `book` is none of the",
        ),
        (
            with("train/label", "a\n\na\n"),
            "label",
            CLASSES,
            "train/label: all its sentences are of the class `a`: ",
        ),
        (
            with("train/seq.out", "O O O\n\nO O O\n"),
            "seq.out",
            TAGS,
            "train/seq.out: all its tokens are of the class `O`: there is nothing",
        ),
        (with("train/seq.in", "\n"), "seq.out", TAGS, "train/seq.in: ends before its first sentence"),
    ] {
        let error = refused(&files, &parallel(labels), wanted);
        assert!(error.starts_with(said), "{error}");
    }
    for (gone, key) in [
        ("valid/label", "data.validation_labels"),
        ("test/seq.in.gz", "data.test"),
        ("train/label", "data.train_labels"),
    ] {
        let files: Vec<_> = PARALLEL.into_iter().filter(|(name, _)| *name != gone).collect();
        let error = refused(&files, &parallel("label"), CLASSES);
        assert!(
            error.starts_with(&format!("{gone}: no such file; ")) && error.contains(&format!("--set {key}=")),
            "{error}"
        );
    }
}

#[test]
fn spans_of_parallel_files_are_rewritten() {
    let files = [
        ("a", "new york city\nin rome\n"),
        ("b", "I-loc I-loc I-loc\nO I-loc\n"),
        ("c", "in rome\n"),
        ("d", "O I-loc\n"),
    ];
    let settings =
        "dataset = \"lines\"\ntrain = \"a\"\ntrain_labels = \"b\"\ntest = \"c\"\ntest_labels = \"d\"\n";
    let folder = folder(&files);
    let load = |more: &str| {
        let mut plan = plan(&format!("{settings}{more}"), folder.path(), TAGS).unwrap();
        plan.text.learnt = Some(Scheme::Iobes);
        load_quietly(&plan, &at(folder.path(), true)).map_err(|error| error.to_string())
    };
    let splits = load("scheme = \"iob1\"").unwrap();
    assert_eq!(told(&splits, &splits.train)[0], "new/B-loc york/I-loc city/E-loc");
    assert_eq!(told(&splits, &splits.test), ["in/O rome/S-loc"]);
    let error = load("scheme = \"iob2\"").unwrap_err();
    assert!(error.contains("b: line 1: `I-loc` stands first, where IOB2 has `B-loc`; "), "{error}");
    let splits = load("scheme = \"iob2\"\nrepair_tags = true").unwrap();
    assert_eq!(told(&splits, &splits.test), ["in/O rome/S-loc"]);
}

/// Lines of words that are read in several are none of its tokens.
#[test]
fn a_tag_that_cannot_be_is_told_with_the_sentence_of_conllu() {
    let row = |id: &str, tag: &str| format!("{id}\tx\t_\t_\t{tag}\t_\t0\t_\t_\t_\n");
    let text = format!("# one\n{}{}{}\n", row("1-2", "_"), row("1", "O"), row("2", "I-a"));
    let folder = folder(&[("a.conllu", &text)]);
    let settings =
        "dataset = \"conllu\"\ntrain = \"a.conllu\"\ntest = \"a.conllu\"\ntags = \"xpos\"\nscheme = \"iob2\"";
    let mut plan = plan(settings, folder.path(), TAGS).unwrap();
    plan.text.learnt = Some(Scheme::Iob2);
    let error = load_quietly(&plan, &at(folder.path(), true)).unwrap_err().to_string();
    assert!(error.contains("a.conllu: line 3: `I-a` stands after `O`"), "{error}");
}

#[test]
fn samples_to_judge_by_that_are_learnt_from_are_told_of() {
    let folder = folder(&[("a", "x O\n\ny B-a\n"), ("b", "z O\n"), ("c", "y B-a\n\nw O\n")]);
    let settings = "dataset = \"conll\"\ntrain = \"a\"\ntest = \"b\"\nvalidation_file = \"c\"";
    let splits = loaded(settings, folder.path(), TAGS).unwrap();
    let warnings: Vec<String> = splits.warnings.iter().map(ToString::to_string).collect();
    let told = "data.validation_file: 1 of 2 validation sentences are in `data.train` too";
    assert!(matches!(&warnings[..], [warning] if warning.starts_with(told)), "{warnings:?}");
}

#[test]
fn tags_that_training_lacks_are_told_of_and_no_error() {
    let files = [("a", "x O\n\ny B-a\n"), ("b", "x B-c\ny I-c\n"), ("c", "z B-d\n")];
    let settings = "dataset = \"conll\"\ntrain = \"a\"\ntest = \"b\"\nvalidation_file = \"c\"";
    let folder = folder(&files);
    let splits = loaded(settings, folder.path(), TAGS).unwrap();
    assert_eq!(splits.outputs.classes().unwrap(), ["B-a", "B-c", "B-d", "I-c", "O"]);
    assert_eq!(told(&splits, &splits.test), ["x/B-c y/I-c"]);
    let warnings: Vec<String> = splits.warnings.iter().map(ToString::to_string).collect();
    let never = "in no training sentence: the net cannot learn what it never sees, and will get";
    assert_eq!(
        warnings,
        [
            format!("data.test: its tags `B-c`, `I-c` are {never} them wrong"),
            format!("data.validation_file: its tag `B-d` is {never} it wrong")
        ]
    );
    // A net that is judged knows the tags that it knows.
    let known = |tags: &[&str]| {
        let mut plan = plan(settings, folder.path(), TAGS).unwrap();
        plan.text.known = Some(tags.iter().map(|&tag| tag.to_owned()).collect());
        load_quietly(&plan, &at(folder.path(), true)).map_err(|error| error.to_string())
    };
    let tags = ["O", "I-c", "B-a", "B-c", "B-d", "B-e"];
    let splits = known(&tags).unwrap();
    assert_eq!(splits.outputs.classes().unwrap(), tags);
    assert_eq!(told(&splits, &splits.test), ["x/B-c y/I-c"]);
    assert!(known(&["O", "B-a"]).unwrap_err().contains("b: line 1: the class `B-c` is none of"));
}

#[test]
fn more_tags_than_there_may_be_are_refused() {
    let file = |from: usize, to: usize| (from..to).map(|tag| format!("x T{tag}\n")).collect::<String>();
    let (train, test) = (file(0, 60_000), file(50_000, 70_000));
    let settings = "dataset = \"conll\"\ntrain = \"a\"\ntest = \"b\"";
    let error = refused(&[("a", &train), ("b", &test)], settings, TAGS);
    assert_eq!(error, format!("b: `T65536` is one class more than the {MOST_CLASSES} that there may be"));
}

#[test]
fn texts_are_read_as_their_names_end() {
    let json = "{\"text\": \"fine film\", \"label\": \"pos\"}\n{\"text\": \"bad\", \"label\": \"neg\"}\n";
    let files = [
        ("a.jsonl", json),
        ("a.json.gz", json),
        ("a.ndjson", json),
        ("a.csv", "label,text\npos,fine film\nneg,bad\n"),
        ("a.CSV", "label,text\npos,fine film\nneg,bad\n"),
        ("a.tsv", "label\ttext\npos\tfine film\nneg\tbad\n"),
        ("a.txt", "pos fine film\nneg bad\n"),
        ("a", "pos fine film\nneg bad\n"),
        ("train.all.gz", "pos\tfine film\nneg bad\n"),
        ("a/pos.txt", "fine film\n"),
        ("a/neg.txt", "bad\n"),
    ];
    for (name, text) in files.into_iter().filter(|(name, _)| !name.contains('/')) {
        let folder = folder(&[(name, text), ("test", "neg so bad\n")]);
        let settings = format!("dataset = \"texts\"\ntrain = \"{name}\"\ntest = \"test\"");
        let splits = loaded(&settings, folder.path(), CLASSES).unwrap();
        assert_eq!(told(&splits, &splits.train), ["pos: fine film", "neg: bad"], "{name}");
        assert_eq!(told(&splits, &splits.test), ["neg: so bad"]);
        assert_eq!((splits.provenance.dataset.as_str(), splits.provenance.files.len()), ("texts", 2));
    }
    let folder = folder(&files[9..]);
    let settings = "dataset = \"texts\"\ntrain = \"a\"\ntest = \"a\"\nunit = \"characters\"";
    let splits = loaded(settings, folder.path(), CLASSES).unwrap();
    assert_eq!(told(&splits, &splits.train), ["neg: b a d", "pos: f i n e   f i l m"]);
    assert_eq!(splits.provenance.files.len(), 4);
    let same = splits.warnings[0].to_string();
    assert!(
        same.starts_with("data.test: 2 of 2 test sentences are in `data.train` too (the first is "),
        "{same}"
    );
}

#[test]
fn texts_have_names_of_their_own() {
    let files = [("a.csv", "s;t\n1;fine\n2;bad\n"), ("b.jsonl", "{\"t\": \"good\", \"s\": 1}\n")];
    let settings = "dataset = \"texts\"\ntrain = \"a.csv\"\ntest = \"b.jsonl\"\ntext = \"t\"\nlabel = \"s\"\ndelimiter = \";\"";
    let folder = folder(&files);
    let splits = loaded(settings, folder.path(), CLASSES).unwrap();
    assert_eq!(told(&splits, &splits.test), ["1: good"]);
}

/// A net that learnt elsewhere has its classes in an order of its own.
#[test]
fn classes_of_texts_are_in_the_order_of_the_net_that_is_judged() {
    let folder = folder(&[("a", "pos fine\nneg bad\n")]);
    let mut plan =
        plan("dataset = \"texts\"\ntrain = \"a\"\ntest = \"a\"\n", folder.path(), CLASSES).unwrap();
    for (known, expected) in [(["pos", "neg"], ["pos", "neg"]), (["good", "bad"], ["neg", "pos"])] {
        plan.text.known = Some(known.map(str::to_owned).to_vec());
        let splits = load_quietly(&plan, &at(folder.path(), true)).unwrap();
        assert_eq!(splits.outputs.classes().unwrap(), expected);
        assert_eq!(told(&splits, &splits.test), ["pos: fine", "neg: bad"]);
    }
}

#[test]
fn texts_that_cannot_be_are_refused() {
    let train = ("a", "pos fine\nneg bad\n");
    let settings = "dataset = \"texts\"\ntrain = \"a\"\ntest = \"b\"\n";
    for (test, said) in [
        ("pos fine\nmixed so so\n", "b: line 2: the class `mixed` is none of the training file's: neg, pos"),
        ("pos\n", "b: line 1: is `pos` alone: a line begins with a class"),
        ("", "b: ends before its first sentence"),
    ] {
        let error = refused(&[train, ("b", test)], settings, CLASSES);
        assert!(error.starts_with(said), "{error}");
    }
    let error = refused(&[train], settings, CLASSES);
    assert!(error.starts_with("b: no such file; say where it is now: --set data.test=PATH"), "{error}");
    let error = refused(&[train, ("b/README.md", "")], settings, CLASSES);
    assert!(error.starts_with("b: has no file that ends in `.txt`"), "{error}");
    let error = refused(&[("a", "pos fine\npos bad\n"), ("b", "pos bad\n")], settings, CLASSES);
    assert_eq!(error, "a: all its sentences are of the class `pos`: there is nothing to tell apart");
    let error = refused(
        &[("a.jsonl", "{\"text\": \"a\"}\n"), train],
        &settings.replace("\"a\"", "\"a.jsonl\""),
        CLASSES,
    );
    assert!(
        error.starts_with("a.jsonl: line 1: has no key `label`, which `label` under [data] names"),
        "{error}"
    );
}

#[test]
fn a_share_of_the_training_file_is_for_the_test() {
    let text: String =
        (0..40).map(|line| format!("{} text{line}\n", if line % 2 == 0 { "a" } else { "b" })).collect();
    let folder = folder(&[("a", text.as_str()), ("b", "a other\n"), ("seq.in", &text), ("seq.out", &text)]);
    for (settings, wanted) in [
        ("dataset = \"texts\"\ntrain = \"a\"\n", CLASSES),
        ("dataset = \"lines\"\ntrain = \"seq.in\"\ntrain_labels = \"seq.out\"\n", TAGS),
    ] {
        let load = |more: &str| {
            loaded(&format!("{settings}test_share = 0.2\n{more}"), folder.path(), wanted).unwrap()
        };
        let sizes =
            |splits: &Splits| [&splits.train, &splits.validation, &splits.test].map(crate::Split::len);
        assert_eq!(sizes(&load("validation = 4")), [28, 4, 8]);
        assert_eq!(sizes(&load("validation = 0.25")), [24, 8, 8]);
        assert_eq!(load("").provenance.division.unwrap().by, SplitBy::Random);
    }
    let kept_back = "dataset = \"texts\"\ntrain = \"a\"\ntest_share = 0.2\nvalidation_file = \"b\"";
    assert_eq!(loaded(kept_back, folder.path(), CLASSES).unwrap().validation.len(), 1);
}

#[test]
fn settings_of_text_that_cannot_be_are_refused_by_key() {
    let lines =
        "dataset = \"lines\"\ntrain = \"a\"\ntrain_labels = \"b\"\ntest = \"c\"\ntest_labels = \"d\"\n";
    let texts = "dataset = \"texts\"\ntrain = \"a\"\ntest = \"b\"\n";
    let numbers = Wanted { kind: TargetKind::Numbers, per: Per::Sequence };
    let missing =
        "data.dataset: `lines` wants a file with the tags, or the classes, of the sentences of `data.";
    for (settings, wanted, said) in [
        (
            "dataset = \"lines\"".to_owned(),
            TAGS,
            "data.dataset: `lines` wants four files, and `data.train` is missing",
        ),
        (
            "dataset = \"lines\"\ntest_share = 0.1".to_owned(),
            TAGS,
            "data.dataset: `lines` wants two files, and `data.train`",
        ),
        (
            lines.replace("train_labels", "#"),
            TAGS,
            &format!("{missing}train`, and `data.train_labels` is missing"),
        ),
        (
            lines.replace("test_labels", "#"),
            TAGS,
            &format!("{missing}test`, and `data.test_labels` is missing"),
        ),
        (
            format!("{lines}validation_file = \"e\""),
            TAGS,
            &format!("{missing}validation_file`, and `data.validation_labels`"),
        ),
        (
            lines.replace("test =", "test_share = 0.1\n#"),
            TAGS,
            "data.test_labels: is about the sentences of `data.test`, which is",
        ),
        (
            format!("{lines}validation_labels = \"e\""),
            TAGS,
            "data.validation_labels: is about the sentences of `data.validation_file`",
        ),
        (lines.to_owned(), numbers, "data.dataset: `lines` are tags or classes, and `[task]` wants numbers"),
        (format!("{lines}unit = \"characters\""), TAGS, "data.unit: belongs to `dataset = \"texts\"` alone"),
        (
            texts.to_owned(),
            TAGS,
            "data.dataset: `texts` have a class each, and `[task]` wants a class for each step",
        ),
        (
            texts.to_owned(),
            numbers,
            "data.dataset: `texts` have a class each, and `[task]` wants numbers for each",
        ),
        (
            format!("{texts}text = \"\""),
            CLASSES,
            "data.text: must be the name of a key or a column, and is empty",
        ),
        (
            format!("{texts}label = \"\""),
            CLASSES,
            "data.label: must be the name of a key or a column, and is empty",
        ),
        (format!("{texts}delimiter = \"::\""), CLASSES, "data.delimiter: must be one ASCII character"),
        (
            format!("{texts}train_labels = \"c\""),
            CLASSES,
            "data.train_labels: belongs to `dataset = \"idx\"` or `\"lines\"` alone",
        ),
        (
            format!("{texts}columns = {{ token = 2 }}"),
            CLASSES,
            "data.columns: belongs to `dataset = \"conll\"` alone",
        ),
        (
            format!("{texts}skip_lines = 1"),
            CLASSES,
            "data.skip_lines: belongs to `dataset = \"table\"` alone",
        ),
        (
            format!("{texts}validation = 1\nvalidation_file = \"c\""),
            CLASSES,
            "data.validation: `validation_file` names the samples to judge by",
        ),
        (
            "dataset = \"synthetic-text\"\nvalidation_file = \"c\"".to_owned(),
            CLASSES,
            "data.validation_file: belongs to `dataset = \"conll\"`, `\"conllu\"`, `\"lines\"` or `\"texts\"` alone",
        ),
    ] {
        let error = plan(&settings, Path::new("/"), wanted).unwrap_err();
        assert!(error.starts_with(said), "{error}\n{said}");
    }
    let config: DataConfig =
        toml::from_str(&format!("{lines}validation_file = \"e\"\nvalidation_labels = \"f\"")).unwrap();
    let mut anchored = config.clone();
    anchored.anchor(Path::new("/data"));
    assert_eq!(anchored.validation_labels.as_deref(), Some(Path::new("/data/f")));
    assert_eq!(toml::from_str::<DataConfig>(&toml::to_string(&config).unwrap()).unwrap(), config);
}
