//! The page holds together: for browsers, for screen readers, and against names that are markup.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod text;

use std::collections::HashSet;
use std::path::Path;

use birnn_architecture::{Hidden, Readout};
use birnn_data::{
    Images, Missing, Modality, Per, Provenance, Rng, SelfTargets, Sequences, Series, Split, TargetScale,
    TargetValues, Targets, Values,
};
use birnn_experiment::{Experiment, RegressionLoss};
use birnn_infer::container::{Entry, encode};
use birnn_infer::{Classify, Manifest, Metric, Predictor, Regress, Task};
use birnn_report::{
    Outcome, Records, ReportError, Run, Scored, StateGradients, Sweep, SweepRun, page, sweep_page,
};
use birnn_run::Status;
use roxmltree::{Document, Node, ParsingOptions};

const HOSTILE: &str = "</title><script>alert(1)</script>\"'&";

fn split(count: u8) -> Split {
    let pixels = (0..count).flat_map(|image| [image, 0, 255, 51, 7, 0]).collect();
    let labels = (0..u16::from(count)).map(|image| image % 2).collect();
    Split::classified(Images { rows: 3, cols: 2, pixels }.into(), labels)
}

fn images() -> Modality {
    Modality::Images { shape: [3, 2], preprocessing: None }
}

/// Series of these lengths, of two classes in turns, of values in units of their own of which some are
/// missing.
fn series(features: usize, lengths: &[usize]) -> Split {
    let mut rng = Rng::new(2, 0);
    let count = features * lengths.iter().sum::<usize>();
    let value = |index: usize| match index % 11 {
        5 => f32::NAN,
        _ => (rng.uniform(-1.0, 1.0) * 1000_f64.powi((index % features) as i32)) as f32,
    };
    let values = Values::Floats((0..count).map(value).collect());
    Split {
        sequences: Sequences::new(values, features, lengths.iter().copied()),
        targets: Targets::of_sequences((0..lengths.len()).map(|index| (index % 2) as u16).collect()),
    }
}

/// How a net reads them.
fn reads(split: &Split) -> Modality {
    match split.sequences.to_images() {
        Some(_) => images(),
        None => Modality::Series(Series::of(&split.sequences, Missing::Interpolate, true)),
    }
}

/// A net of two classes for images of 3 x 2 or as `told`, as it is drawn, and what its file says of it once
/// that is changed.
fn net_told(
    classes: &[&str],
    change: impl FnOnce(&mut Experiment),
    told: impl FnOnce(&mut Manifest),
) -> Predictor {
    let mut experiment = Experiment::default();
    experiment.model.hidden = Hidden::Same(4);
    change(&mut experiment);
    let classes: Vec<String> = classes.iter().map(ToString::to_string).collect();
    let mut rng = Rng::new(1, 0);
    let entry = |(name, shape): (String, Vec<usize>)| {
        let count = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|_| rng.uniform(-0.5, 0.5) as f32).collect();
        Entry::floats(name, shape, &values)
    };
    let data = serde_json::json!({ "dataset": "mnist", "train": 60_000, "validation": 0, "sha256": "x" });
    let text = experiment.to_toml().unwrap();
    let mut manifest = Manifest::new(text, images(), Task::classify(classes), data).unwrap();
    told(&mut manifest);
    let (features, outputs) = (manifest.modality.inputs(), manifest.task.outputs());
    let parameters = experiment.model.resolve().unwrap().parameters(features, outputs);
    let weights: Vec<Entry> = parameters.into_iter().map(entry).collect();
    Predictor::from_bytes(Path::new("net"), &encode(&manifest, &weights).unwrap()).unwrap()
}

fn net(classes: &[&str], change: impl FnOnce(&mut Experiment)) -> Predictor {
    net_told(classes, change, |_| ())
}

fn provenance() -> Provenance {
    Provenance {
        dataset: "mnist".to_owned(),
        substitute_for: None,
        files: Vec::new(),
        train: 60_000,
        validation: 0,
        test: 20,
        division: None,
        sha256: "x".to_owned(),
    }
}

fn make(predictor: &Predictor, records: &Records, provenance: &Provenance) -> String {
    make_of(predictor, records, provenance, &split(20))
}

fn make_of(predictor: &Predictor, records: &Records, provenance: &Provenance, test: &Split) -> String {
    let weights = Path::new("run/model.safetensors");
    page(&Run { weights, predictor, records, provenance, train: &test.sequences, test }).unwrap()
}

/// A net for samples as these, and its page.
fn page_of(test: &Split, classes: &[&str], change: impl FnOnce(&mut Experiment)) -> String {
    let predictor = net_told(classes, change, |told| told.modality = reads(test));
    make_of(&predictor, &records("run"), &provenance(), test)
}

fn records(name: &str) -> Records {
    let validation = r#"{"images":10,"correct":5,"accuracy":0.5,"loss":0.7,"classes":[],"confusion":[]}"#;
    records_with(name, validation)
}

/// As [`records`], of a net that tells numbers.
fn records_of_numbers() -> Records {
    records_with("run", r#"{"samples":10,"loss":0.7,"rmse":0.5,"mae":0.25,"r2":0.1,"numbers":[]}"#)
}

fn records_with(name: &str, validation: &str) -> Records {
    let folder = tempfile::tempdir().unwrap();
    let step = |step: usize| {
        format!(
            r#"{{"event":"step","step":{step},"epoch":1,"rate":0.1,"images":5,"loss":{}}}"#,
            3.0 / step as f64
        )
    };
    let epoch = format!(
        r#"{{"event":"epoch","epoch":1,"step":900,"train_loss":0.6,"rate":0.1,"validation":{validation}}}"#
    );
    let mut lines: Vec<String> = (1..900).map(step).collect();
    lines.push(epoch);
    std::fs::write(folder.path().join("metrics.jsonl"), lines.join("\n")).unwrap();
    let timing = r#"{"epoch":1,"seconds":1.5,"images_per_second":100.0}"#;
    std::fs::write(folder.path().join("timing.jsonl"), timing).unwrap();
    let session = serde_json::json!({
        "command": ["birnn", "train", name], "from_step": 0, "status": "done",
        "start": "2026-01-01T00:00:00Z", "end": null, "host": name,
        "cpu": { "threads": 1, "instructions": "avx512" }, "birnn": "0.1.0", "revision": null,
    });
    let meta = serde_json::json!({
        "name": name, "seed": 1, "device": "cpu", "libtorch": "2.11.0", "status": name, "sessions": [session],
        "data": {},
    });
    std::fs::write(folder.path().join("meta.json"), meta.to_string()).unwrap();
    let records = Records::read(folder.path());
    assert!(records.problems.is_empty(), "{:?}", records.problems);
    records
}

fn parse(page: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Document::parse_with_options(page, options).unwrap()
}

fn named<'a>(document: &'a Document, name: &'static str) -> impl Iterator<Item = Node<'a, 'a>> {
    document.descendants().filter(move |node| node.has_tag_name(name))
}

#[test]
fn names_that_are_markup_stay_text() {
    let predictor = net(&[HOSTILE, "b"], |_| ());
    let html = make(&predictor, &records(HOSTILE), &provenance());
    assert!(!html.contains("<script") && !html.contains("alert(1)</"), "markup got through");
    let document = parse(&html);
    let title = named(&document, "title").next().unwrap().text().unwrap();
    assert_eq!(title, format!("{HOSTILE}: report of a run"));
    assert!(named(&document, "th").any(|cell| cell.text() == Some(HOSTILE)));
}

fn loads_nothing(document: &Document) {
    for node in document.descendants() {
        let loads = ["src", "href", "srcset", "data", "action"].map(|name| node.attribute(name));
        for target in loads.into_iter().flatten() {
            assert!(target.starts_with("data:image/png;base64,") || target.starts_with('#'), "{target}");
        }
        assert!(!["script", "link", "iframe", "object", "form"].contains(&node.tag_name().name()));
    }
}

/// A page for browsers, screen readers and offline use alike, with these figures and no others.
#[track_caller]
fn is_whole_for_sentences(html: &str, figures: &[&str], pictures: bool) {
    assert!(!html.contains("http:") && !html.contains("https:") && !html.contains("url("));
    assert!(!html.contains("NaN") && !html.contains("\"inf"), "a number that is none is drawn");
    let document = parse(html);
    loads_nothing(&document);
    assert_eq!(document.root_element().attribute("lang"), Some("en"));
    let mut level = 0;
    for node in document.descendants().filter(Node::is_element) {
        if let Some(found) = node.tag_name().name().strip_prefix('h').and_then(|n| n.parse::<usize>().ok()) {
            assert!(found <= level + 1, "h{found} after h{level}: {:?}", node.text());
            level = found;
        }
    }
    let ids: Vec<&str> = document.descendants().filter_map(|node| node.attribute("id")).collect();
    let unique: HashSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len(), "{ids:?}");
    for node in document.descendants() {
        for target in node.attribute("aria-labelledby").into_iter().flat_map(str::split_whitespace) {
            assert!(unique.contains(target), "{target}");
        }
        if let Some(target) = node.attribute("href") {
            assert!(unique.contains(&target[1..]), "{target}");
        }
    }
    assert_eq!(named(&document, "img").count() > 0, pictures);
    assert!(named(&document, "img").all(|image| image.attribute("alt").is_some_and(|alt| !alt.is_empty())));
    assert!(
        named(&document, "table").all(|table| table.first_element_child().unwrap().has_tag_name("caption"))
    );
    assert!(named(&document, "th").all(|cell| cell.attribute("scope").is_some()));
    for drawing in named(&document, "svg").filter(|svg| svg.attribute("aria-hidden").is_none()) {
        assert_eq!(drawing.attribute("role"), Some("img"));
        let told: Vec<&str> = drawing.children().map(|child| child.tag_name().name()).take(2).collect();
        assert_eq!(told, ["title", "desc"]);
        let figure = drawing.parent().unwrap();
        let beside = |name| figure.children().any(|child| child.has_tag_name(name));
        // A figure of results has its numbers besides, a sample that is shown has its range in words.
        let words = drawing.children().nth(1).unwrap().text().unwrap();
        assert!(beside("figcaption"), "{words}");
        assert!(beside("details") || words.contains("time step"), "{words}");
    }
    let found: Vec<&str> = named(&document, "figure").filter_map(|figure| figure.attribute("id")).collect();
    let found: Vec<&str> = found.into_iter().filter(|id| !id.starts_with("example-")).collect();
    assert_eq!(found, figures);
}

/// As [`is_whole_for_sentences`], with single samples drawn from beginning to end.
#[track_caller]
fn is_whole(html: &str, figures: &[&str], pictures: bool) {
    is_whole_for_sentences(html, figures, pictures);
    let followed = ["id=\"example-1\"", "id=\"whole-1-title\""].iter().filter(|id| html.contains(**id));
    assert_eq!(followed.count(), 1, "single samples from beginning to end");
}

const FIGURES: [&str; 7] = ["loss", "accuracy", "rate", "speed", "reliability", "gradient", "reading"];
const UNEQUAL: [&str; 8] =
    ["loss", "accuracy", "rate", "speed", "length", "reliability", "gradient", "reading"];

#[test]
fn a_screen_reader_finds_its_way() {
    let predictor = net(&["a", "b"], |_| ());
    is_whole(&make(&predictor, &records("run"), &provenance()), &FIGURES, true);
}

/// Whatever their lengths and features, with values missing, and by readouts that leave states out.
#[test]
fn series_have_the_same_page() {
    let equal = [7; 20];
    let unequal: Vec<usize> = (0..30).map(|index| 1 + index * 7 % 40).collect();
    let long = [1, 1344, 700, 20];
    for (features, lengths, figures) in [
        (3, &equal[..], &FIGURES[..]),
        (3, &unequal, &UNEQUAL),
        (1, &unequal, &UNEQUAL),
        (12, &[3, 4, 5, 6], &UNEQUAL),
        (2, &long, &UNEQUAL),
        (2, &[1, 1], &FIGURES),
        (1, &[1], &FIGURES),
    ] {
        for readout in [Readout::Last, Readout::Final, Readout::Attention] {
            let test = series(features, lengths);
            let html = page_of(&test, &["a", HOSTILE], |experiment| {
                (experiment.model.readout, experiment.model.layers) = (readout, 2);
            });
            assert!(!html.contains("<script"), "markup got through");
            is_whole(&html, figures, false);
            assert!(html.len() < 500_000, "{features} x {lengths:?}: {} bytes", html.len());
        }
    }
}

/// A class for each step, in turns of five, or numbers of these names, which are all the same at times.
fn targets(sequences: &Sequences, names: &[&str], per: Per) -> Targets {
    let count = match per {
        Per::Sequence => sequences.len(),
        Per::Step => sequences.steps(),
    };
    let values = match names {
        [] => TargetValues::Classes((0..count).map(|step| (step / 5 % 2) as u16).collect()),
        names => TargetValues::Numbers {
            values: (0..count * names.len()).map(|index| 100.0 - (index * 7 % 13) as f32).collect(),
            width: names.len(),
        },
    };
    Targets { values, per }
}

/// The page of a net that tells classes of steps, or numbers.
fn page_of_task(test: &Split, task: Task, records: &Records) -> String {
    let readout = if task.per() == Per::Step { Readout::Sequence } else { Readout::Final };
    let told = |told: &mut Manifest| (told.modality, told.task) = (reads(test), task);
    let predictor = net_told(&[], |experiment| experiment.model.readout = readout, told);
    make_of(&predictor, records, &provenance(), test)
}

fn tagger(classes: &[&str]) -> Task {
    Task::Classify(Classify::new(classes.iter().map(ToString::to_string).collect(), Per::Step))
}

fn regressor(names: &[&str], per: Per) -> Task {
    let scale = TargetScale {
        names: names.iter().map(ToString::to_string).collect(),
        mean: vec![90.0; names.len()],
        deviation: vec![4.0; names.len()],
    };
    Task::Regress(Regress { scale, per, loss: RegressionLoss::Squared, self_targets: None })
}

const LENGTHS: [&[usize]; 5] = [&[7; 20], &[1, 40, 8, 15, 22, 29, 36, 3], &[1, 1344, 700, 20], &[1, 1], &[1]];

/// Whatever the lengths: of one step, of thousands, of one series alone.
#[test]
fn taggers_have_a_page() {
    for lengths in LENGTHS {
        let sequences = series(2, lengths).sequences;
        let test = Split { targets: targets(&sequences, &[], Per::Step), sequences };
        let html = page_of_task(&test, tagger(&["a", HOSTILE]), &records("run"));
        assert!(!html.contains("<script"), "markup got through");
        let unequal = test.sequences.common_length().is_none();
        let figures: &[&str] = match unequal {
            true => &["loss", "accuracy", "rate", "speed", "length", "reliability", "gradient"],
            false => &["loss", "accuracy", "rate", "speed", "reliability", "gradient"],
        };
        is_whole(&html, figures, false);
        assert!(html.len() < 500_000, "{lengths:?}: {} bytes", html.len());
        assert_eq!(html.contains(">time steps in all<"), unequal, "of how many steps a bar is");
        let steps = test.sequences.steps();
        if steps == 140 {
            for part in [
                "Of the 140 time steps of 20 mnist test series, the net classifies",
                "Scores on 140 time steps of 20 test series",
                "One row per class of a time step",
                "chance in the choice of test series goes (Efron 1979",
                "Series from beginning to end",
                "the most often wrong",
                ">truth<",
                "Series are counted from 0, their time steps from 1.",
                "2 classes for each step",
                "Share of the 10 time steps of the series kept back",
            ] {
                assert!(html.contains(part), "no `{part}`");
            }
            assert!(!html.contains("Wilson"));
        }
    }
}

#[test]
fn nets_of_numbers_have_a_page() {
    let names = ["n", HOSTILE, "a name that is as long as few names are", "d", "e", "f", "g"];
    for (per, lengths) in
        [Per::Sequence, Per::Step].into_iter().flat_map(|per| LENGTHS.map(|lengths| (per, lengths)))
    {
        for count in [1, 2, names.len()] {
            let sequences = series(2, lengths).sequences;
            let test = Split { targets: targets(&sequences, &names[..count], per), sequences };
            let html = page_of_task(&test, regressor(&names[..count], per), &records_of_numbers());
            assert!(!html.contains("<script"), "markup got through");
            let drawn = (1..=count.min(6)).flat_map(|n| [format!("scatter-{n}"), format!("residuals-{n}")]);
            let own = (test.sequences.common_length().is_none()).then(|| "length".to_owned());
            let of_net =
                ["gradient", "reading"].into_iter().filter(|id| (per, *id) != (Per::Step, "reading"));
            let figures: Vec<String> = ["loss", "rmse", "rate", "speed"]
                .map(str::to_owned)
                .into_iter()
                .chain(drawn)
                .chain(own)
                .chain(of_net.map(str::to_owned))
                .collect();
            is_whole(&html, &figures.iter().map(String::as_str).collect::<Vec<_>>(), false);
            assert!(html.len() < 1_500_000, "{lengths:?}: {} bytes", html.len());
            assert_eq!(html.contains("Of the last 1 targets there are no figures"), count == 7);
            for part in ["in standard deviations of the training targets", "baseline RMSE", "Largest errors"]
            {
                assert!(html.contains(part), "no `{part}`");
            }
            let body = html.split_once("<body").unwrap().1;
            let (before, after) = body.split_once("<pre").unwrap();
            let words = before.to_owned() + after;
            let other =
                ["Confusion", "accuracy", "classif", "Wilson", "Cross-entropy", "answered", "furthest"];
            let other = other.into_iter().find(|word| words.contains(word));
            assert_eq!(other, None);
        }
    }
}

/// The worst answer is shown first, with what it should have been.
#[test]
fn the_answer_furthest_off_comes_first() {
    for (per, own, positions, which) in [
        (Per::Sequence, None, 20, "test series 11, 7 time steps"),
        (Per::Step, None, 140, "time step 5 of test series 1; drawn are 1 to 7"),
        // What comes next is of the step after the one that answers.
        (Per::Step, Some(SelfTargets::Next), 140, "time step 6 of test series 1; drawn are 1 to 7"),
    ] {
        // What a series is asked of itself has as many numbers as it has features.
        let sequences = series(if own.is_some() { 1 } else { 2 }, &[7; 20]).sequences;
        let mut values = vec![90.0; positions];
        values[11] = -1000.0;
        let values = match own {
            None => TargetValues::Numbers { values, width: 1 },
            Some(own) => TargetValues::SelfNumbers { values, width: 1, kind: own.kind() },
        };
        let test = Split { targets: Targets { values, per }, sequences };
        let mut task = regressor(&["n"], per);
        if let Task::Regress(task) = &mut task {
            task.self_targets = own;
        }
        let html = page_of_task(&test, task, &Records::default());
        let first = html.split_once("<ul class=\"gallery\">").unwrap().1.split_once("</li>").unwrap().0;
        // Own values are told as what they are, and asked for as how far they are off what is read in their
        // place.
        let is = if own.is_none() { "is <strong>-1000.000</strong>" } else { "is <strong>-999.650</strong>" };
        assert!(first.contains(is) && first.contains(which), "{first}");
        // Of the first step nothing is asked that comes next.
        assert!(own.is_none() || first.contains("s0\" points=\"29.3,"), "{first}");
    }
}

#[test]
fn other_targets_are_refused() {
    let test = series(2, &[7; 4]);
    let predictor = net_told(
        &[],
        |_| (),
        |told| {
            (told.modality, told.task) = (reads(&test), regressor(&["n"], Per::Sequence));
        },
    );
    let (weights, records, provenance) = (Path::new("w"), Records::default(), provenance());
    let run = Run {
        weights,
        predictor: &predictor,
        records: &records,
        provenance: &provenance,
        train: &test.sequences,
        test: &test,
    };
    assert!(matches!(page(&run), Err(ReportError::OtherTargets)));
}

/// Of images nothing is said on a page about series, and of steps nothing on one about images.
#[test]
fn words_are_those_of_the_samples() {
    let with = |test: &Split| {
        let html = page_of(test, &["a", "b"], |_| ());
        // The experiment has settings of images in any case.
        let (before, after) = html.split_once("<pre").unwrap();
        before.split_once("<body").unwrap().1.to_owned() + after.split_once("</pre>").unwrap().1
    };
    let of_images = with(&split(20));
    for part in [
        "Of the 20 mnist test images, the net classifies",
        "Scores on 20 test images",
        "One row per class of an image",
        "<caption>Images by class and answer",
        "The same for single images:",
        "row, from above",
        "first rows, from above",
        "rows shown",
        "reads from the top row down",
        "Images are counted from 0",
        "alt=\"Test image ",
    ] {
        assert!(of_images.contains(part), "no `{part}`");
    }
    assert!(!of_images.contains("series") && !of_images.contains("steps shown"));
    let unequal = with(&series(3, &[3, 9, 4, 9, 21, 30, 8, 2]));
    for part in [
        "Of the 8 mnist test series, the net classifies",
        "One row per class of a series",
        "<caption>Series by class and answer",
        "share of the series",
        "share of each series shown",
        "first steps",
        "reads from the first step to the last",
        "each is divided into 20 equal parts",
        "of each the same share is shown",
        "Series are counted from 0",
        "time steps of 3 values: feature 1 from ",
    ] {
        assert!(unequal.contains(part), "no `{part}`");
    }
    let equal = with(&series(1, &[6; 8]));
    assert!(equal.contains("time steps shown") && !equal.contains("have different lengths"));
    for html in [unequal, equal] {
        // Those of the confusion matrix.
        let html = html.replace("One row per class", "").replace("A row read", "");
        let other =
            ["image", " row ", " rows", "pixel", "picture"].into_iter().find(|word| html.contains(word));
        assert_eq!(other, None);
    }
}

#[test]
fn what_was_not_recorded_is_said_to_be_missing() {
    let predictor = net(&["a", "b"], |experiment| experiment.model.bidirectional = false);
    let records = Records::read(Path::new("nowhere"));
    let html = make(&predictor, &records, &provenance());
    for part in
        ["nowhere/metrics.jsonl: ", "nowhere/timing.jsonl: ", "nowhere/meta.json: ", "hold nothing to draw"]
    {
        assert!(html.contains(part), "no {part}");
    }
    parse(&html);
}

#[test]
fn data_that_is_not_what_it_seems_is_told_of() {
    let records = Records::default();
    let banners = |predictor: &Predictor, provenance: &Provenance| {
        let html = make(predictor, &records, provenance);
        let document = parse(&html);
        let banners = named(&document, "p").filter(|node| node.attribute("class") == Some("banner"));
        banners.map(|banner| banner.text().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let plain = net(&["a", "b"], |_| ());
    assert!(banners(&plain, &provenance()).is_empty());
    let other = Provenance { sha256: "y".to_owned(), ..provenance() };
    assert!(banners(&plain, &other)[0].contains("are not those that the run was trained"));
    let drawn = Provenance { substitute_for: Some("mnist".to_owned()), ..provenance() };
    assert!(banners(&plain, &drawn)[0].contains("synthetic digits, not by mnist"));
    let substituted = net_told(&["a", "b"], |_| (), |told| told.data["substitute_for"] = "mnist".into());
    assert!(banners(&substituted, &provenance())[0].contains("Trained on synthetic digits, not on mnist"));
}

#[test]
fn every_kind_of_net_has_its_page() {
    for readout in [Readout::Last, Readout::Final, Readout::Mean, Readout::Max, Readout::Attention] {
        for layers in [1, 3] {
            let predictor = net(&["a", "b"], |experiment| {
                (experiment.model.readout, experiment.model.layers) = (readout, layers);
            });
            parse(&make(&predictor, &Records::default(), &provenance()));
            let gradients = StateGradients::new(&predictor, &split(20));
            assert_eq!(gradients.directions.len(), if layers == 1 { 2 } else { 4 });
            for direction in &gradients.directions {
                let read = direction.norms.iter().flatten().count();
                let top = direction.layer == layers - 1;
                assert_eq!(read, if readout == Readout::Last && direction.reverse && top { 1 } else { 3 });
            }
        }
    }
}

/// A mean over images does not depend on how many there are, nor on what is in their batch.
#[test]
fn the_gradient_norm_is_that_of_single_images() {
    let predictor = net(&["a", "b"], |_| ());
    let norms = |split: &Split| StateGradients::new(&predictor, split).directions.remove(0).norms;
    let all = norms(&split(2));
    let single = |image: usize| norms(&split(2).select(&[image]));
    for ((all, a), b) in all.iter().zip(single(0)).zip(single(1)) {
        let mean = (a.unwrap() + b.unwrap()) / 2.0;
        assert!((all.unwrap() - mean).abs() < 1e-6 * mean, "{all:?} {mean}");
    }
}

/// A part of a short series that no step begins in is within a step: that nothing is read there is said of
/// what the readout leaves out, and of nothing else.
#[test]
fn series_of_fewer_steps_than_parts_are_drawn_in_all_parts() {
    let caption = |readout| {
        let html = page_of(&series(3, &[3, 4, 5, 6]), &["a", "b"], |net| net.model.readout = readout);
        let document = parse(&html);
        let figure = named(&document, "figure").find(|figure| figure.attribute("id") == Some("gradient"));
        let caption = figure.unwrap().children().find(|child| child.has_tag_name("figcaption")).unwrap();
        caption.text().unwrap().to_owned()
    };
    for readout in [Readout::Final, Readout::Mean, Readout::Max, Readout::Attention] {
        let caption = caption(readout);
        assert!(caption.contains("each is divided into 20 equal parts"), "{caption}");
        assert!(!caption.contains("only these are drawn"), "{readout:?}: {caption}");
    }
    let caption = caption(Readout::Last);
    let read = " Of the top layer, reverse direction, 6 of 20 parts hold states that this net's readout uses";
    assert!(caption.contains(read) && caption.matches("only these are drawn").count() == 1, "{caption}");
}

/// Each step counts in the parts that it covers.
#[test]
fn the_gradient_norm_of_a_part_is_that_of_its_steps() {
    let test = series(2, &[3, 6]);
    let predictor = net_told(&["a", "b"], |_| (), |told| told.modality = reads(&test));
    let norms = |split: &Split| StateGradients::new(&predictor, split).directions.remove(0).norms;
    let [short, long] = [0, 1].map(|index| norms(&test.select(&[index])));
    for (part, norm) in norms(&test).into_iter().enumerate() {
        let mean = (short[part * 3 / 20].unwrap() + long[part * 6 / 20].unwrap()) / 2.0;
        assert!((norm.unwrap() - mean).abs() < 1e-6 * mean, "{part}: {norm:?} {mean}");
    }
}

#[test]
fn without_images_there_is_no_page() {
    let predictor = net(&["a", "b"], |_| ());
    let (weights, records, provenance) = (Path::new("w"), Records::default(), provenance());
    let empty = split(0);
    let run = Run {
        weights,
        predictor: &predictor,
        records: &records,
        provenance: &provenance,
        train: &empty.sequences,
        test: &empty,
    };
    assert!(matches!(page(&run), Err(ReportError::NoSamples)));
}

/// Keys, values and states of a sweep come from files, too.
#[test]
fn a_sweeps_page_is_whole_and_loads_nothing() {
    let run = |folder: &str, value: &str, accuracy: Option<f64>| {
        let outcome = accuracy.map(|value| {
            let test = Scored { metric: Metric::Accuracy, value };
            Outcome { validation: None, test, loss: 0.1, seconds: Some(2.0) }
        });
        let settings =
            vec![("model.hidden".to_owned(), value.parse::<u32>().map_or(value.into(), Into::into))];
        let (folder, status) = (folder.to_owned(), Status::Failed(HOSTILE.to_owned()));
        let reads_what_it_is_asked = false;
        (SweepRun { folder, settings, seed: 1, status, outcome, reads_what_it_is_asked }, Records::default())
    };
    let runs = || [run("001", "4", Some(0.9)), run("002", "8", Some(0.8)), run("003", HOSTILE, None)];
    for count in 0..=3 {
        let sweep = Sweep::new(HOSTILE.to_owned(), runs().into_iter().take(count).collect());
        let html = sweep_page(&sweep, HOSTILE).unwrap();
        assert!(!html.contains("<script") && !html.contains("http:") && !html.contains("https:"));
        let document = parse(&html);
        assert_eq!(named(&document, "h1").next().unwrap().text().unwrap(), format!("{HOSTILE}: sweep"));
        let links: Vec<_> = named(&document, "a").filter_map(|link| link.attribute("href")).collect();
        let folders = links.iter().filter(|link| !link.starts_with('#')).count();
        assert_eq!(folders, count);
        // One setting that is no number leaves no axis to draw it on.
        assert_eq!(html.contains("Accuracy by model.hidden"), count == 2);
        assert!(html.contains("not all runs kept validation samples"));
    }
}
