//! `birnn report`: the page of a run, from training to the file.

use birnn_tests::{Sandbox, idx};

use crate::series_of;

const SECTIONS: [&str; 6] = ["run", "training", "scores", "calibration", "mistakes", "inside"];
const FIGURES: [&str; 6] = ["loss", "rate", "speed", "reliability", "gradient", "reading"];

/// Every tag that is opened is closed, in order, and every attribute is quoted.
#[track_caller]
fn well_formed(html: &str) {
    let mut open = Vec::new();
    let mut rest = html.strip_prefix("<!DOCTYPE html>").expect("a document type");
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>').expect("an end of the tag");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        assert!(!tag.contains('<') && tag.matches('"').count().is_multiple_of(2), "<{tag}>");
        let name = tag.split_whitespace().next().unwrap_or_default();
        match name.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop(), Some(closed), "closed by <{tag}>"),
            None if tag.ends_with('/') => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?} is not closed");
}

/// What every page is: whole, with all of its parts, and in need of nothing else.
#[track_caller]
fn complete(html: &str) {
    complete_with(html, &[&SECTIONS[..], &FIGURES].concat());
}

#[track_caller]
fn complete_with(html: &str, parts: &[&str]) {
    well_formed(html);
    for id in parts {
        assert!(html.contains(&format!("id=\"{id}\"")), "no part {id}");
    }
    assert!(!html.contains("<script") && !html.contains("http:") && !html.contains("https:"));
    assert!(html.split("src=\"").skip(1).all(|source| source.starts_with("data:image/png;base64,")));
}

/// Trains on four pixels per image, of two classes with these names, into the run directory `run`.
fn train_own(sandbox: &Sandbox, classes: &str) {
    let images = |count: u32| {
        let labels: Vec<u8> = (0..count).map(|index| (index % 2) as u8).collect();
        let pixels: Vec<u8> =
            labels.iter().flat_map(|&label| [255 * label, 0, 9, 255 - 255 * label]).collect();
        (idx(&[count, 2, 2], &pixels), idx(&[count], &labels))
    };
    let ((a, b), (c, d)) = (images(40), images(10));
    for (name, bytes) in [("a", a), ("b", b), ("c", c), ("d", d)] {
        sandbox.write(name, bytes);
    }
    sandbox.write(
        "own.toml",
        format!(
            "[data]\ndataset = \"idx\"\ntrain_images = \"a\"\ntrain_labels = \"b\"\ntest_images = \"c\"\n\
             test_labels = \"d\"\nclasses = {classes}\n[model]\nhidden = 4\nlayers = 1\n[train]\n\
             device = \"cpu\"\n\
             epochs = 1\nbatch_size = 5\nlog_every = 1\n"
        ),
    );
    sandbox.birnn(&["train", "own.toml", "--run-dir", "run"]).done();
}

#[test]
fn a_run_has_its_page() {
    let sandbox = Sandbox::new();
    sandbox.train_small("run");
    let before = sandbox.listing();
    let ended = sandbox.birnn(&["report", "run"]).done();
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.contains("saved run/report.html"), "{}", ended.stderr);
    let html = sandbox.text("run/report.html");
    complete(&html);
    assert!(html.contains("<img src="));
    for part in ["Of the 1,000 idx test images", "small", "300 training images", "epochs = 2"] {
        assert!(html.contains(part), "no `{part}`");
    }
    let added: Vec<_> = sandbox.listing().difference(&before).cloned().collect();
    assert_eq!(added, [sandbox.path("run/report.html")]);

    // Made anew, it takes the place of the old one and is the same.
    sandbox.write("run/report.html", "old");
    sandbox.birnn(&["report", "run"]).done();
    assert!(sandbox.text("run/report.html") == html);

    // A file of the user's own is not replaced unasked.
    sandbox.write("mine.html", "mine");
    sandbox.birnn(&["report", "run", "--out", "mine.html"]).failed(2, &["mine.html: is there", "--force"]);
    assert_eq!(sandbox.text("mine.html"), "mine");
    sandbox.birnn(&["report", "run", "--out", "mine.html", "--force"]).done();
    assert!(sandbox.text("mine.html") == html);
}

/// Of unequal lengths, with values missing. What is missing equals nothing, and its run can be compared for
/// all that.
#[test]
fn a_run_of_series_has_its_page_and_is_compared() {
    let sandbox = Sandbox::new();
    let lines = |count: usize| -> String {
        let line = |index: usize| {
            let values: Vec<String> =
                (0..4 + index % 5).map(|step| format!("{}", step * (1 + index % 2))).collect();
            format!("{},?:{}\n", values.join(","), ["up", "steep"][index % 2])
        };
        (0..count).map(line).collect()
    };
    for (name, count) in [("train.ts", 40), ("test.ts", 12)] {
        sandbox.write(name, format!("@classLabel true up steep\n@data\n{}", lines(count)));
    }
    sandbox.write(
        "series.toml",
        "[data]\ndataset = \"ts\"\ntrain = \"train.ts\"\ntest = \"test.ts\"\nmissing = \"last\"\nvalidation = 10\n\
         [model]\nhidden = 4\nlayers = 1\n[train]\ndevice = \"cpu\"\nepochs = 2\nbatch_size = 5\nlog_every = 1\n\
         monitor = \"macro-f1\"\n",
    );
    for (run, seed) in [("a", "seed=1"), ("b", "seed=2")] {
        sandbox.birnn(&["train", "series.toml", "--run-dir", run, "--set", seed]).done();
    }
    sandbox.birnn(&["report", "a"]).done();
    let html = sandbox.text("a/report.html");
    complete(&html);
    assert!(!html.contains("<img"));
    for part in ["Of the 12 ts test series", "id=\"length\"", "id=\"macro-f1\"", "1 value is missing"] {
        assert!(html.contains(part), "no `{part}`");
    }
    let text = sandbox.birnn(&["compare", "a", "b"]).done().stdout;
    assert!(text.contains("On the 12 test series of ts:") && text.contains("Series by series"), "{text}");
}

/// Classes of steps, and numbers: what is of their task, and nothing of another.
#[test]
fn runs_of_every_task_have_their_pages() {
    let sandbox = Sandbox::new();
    let common = ["run", "training", "loss", "rmse", "scores", "misses", "inside", "gradient", "length"];
    let of_numbers = |more: &[&'static str]| [&common[..], &["scatter-1", "residuals-1"], more].concat();
    for (name, task, parts, told, other) in [
        (
            "tag",
            "kind = \"tag\"",
            vec!["scores", "calibration", "mistakes", "whole", "inside", "length", "reliability", "gradient"],
            "time steps of 1,000 synthetic-series test series, the net classifies",
            "id=\"reading\"",
        ),
        (
            "regress",
            "kind = \"regress\"",
            of_numbers(&["reading", "example-1"]),
            "On the 1,000 synthetic-series test series, the net predicts distance with RMSE ",
            "id=\"whole\"",
        ),
        (
            "steps",
            "kind = \"regress\"\nper = \"step\"",
            of_numbers(&["whole", "whole-1-title"]),
            "time steps of 1,000 synthetic-series test series, the net predicts wave with RMSE ",
            "id=\"reading\"",
        ),
    ] {
        sandbox.write("task.toml", series_of(task));
        sandbox.birnn(&["train", "task.toml", "--run-dir", name]).done();
        sandbox.birnn(&["report", name]).done();
        let html = sandbox.text(&format!("{name}/report.html"));
        complete_with(&html, &parts);
        assert!(html.contains(told), "no `{told}`");
        assert!(!html.contains(other), "`{other}` on the page of {name}");
        if name != "tag" {
            // As eval has it.
            let evaluated = sandbox.birnn(&["eval", name]).done().stdout;
            let rmse = evaluated.split_once("RMSE ").and_then(|(_, rest)| rest.split_once(',')).unwrap().0;
            assert!(html.contains(&format!("RMSE {rmse} (95")), "no RMSE {rmse}");
        }
    }
}

#[test]
fn records_that_are_gone_or_damaged_cost_their_part_alone() {
    let sandbox = Sandbox::new();
    train_own(&sandbox, r#"["a", "b"]"#);
    std::fs::remove_file(sandbox.path("run/timing.jsonl")).expect("there was one");
    sandbox.write("run/meta.json", "{\"name\": 3}");
    let metrics = sandbox.text("run/metrics.jsonl");
    let half = metrics.lines().take(4).collect::<Vec<_>>().join("\n") + "\n{\"event\": \"st";
    sandbox.write("run/metrics.jsonl", half);
    let ended = sandbox.birnn(&["report", "run"]).done();
    let html = sandbox.text("run/report.html");
    well_formed(&html);
    for problem in ["run/metrics.jsonl:5: ", "run/timing.jsonl: ", "run/meta.json:1: "] {
        assert!(html.contains(problem), "no `{problem}` on the page");
        assert!(ended.stderr.contains(problem), "{}", ended.stderr);
    }
    assert!(html.contains("id=\"loss\"") && !html.contains("id=\"speed\""));
}

#[test]
fn names_that_are_markup_stay_text() {
    let sandbox = Sandbox::new();
    train_own(&sandbox, r#"["<script>alert('x')</script>", "\"&"]"#);
    let meta =
        sandbox.text("run/meta.json").replace("\"name\": \"own\"", "\"name\": \"<img src=x onerror=y>\"");
    sandbox.write("run/meta.json", meta);
    sandbox.birnn(&["report", "run"]).done();
    let html = sandbox.text("run/report.html");
    complete(&html);
    assert!(html.contains("alert(") && html.contains("onerror=y"), "the names are not shown");
    assert!(!html.contains("<img src=x"), "markup got through");
}

#[test]
fn what_stands_in_for_the_data_is_said_first() {
    let sandbox = Sandbox::new();
    let args = ["train", "x.toml", "--run-dir", "run", "--offline"];
    sandbox.write(
        "x.toml",
        "[data]\nfallback = \"synthetic\"\nlimit = 100\n[model]\nhidden = 4\n[train]\ndevice = \"cpu\"\n\
         epochs = 1\n",
    );
    sandbox.birnn(&args).done();
    let ended = sandbox.birnn(&["report", "run", "--offline"]).done();
    assert!(ended.stderr.contains("SYNTHETIC DIGITS"), "{}", ended.stderr);
    let html = sandbox.text("run/report.html");
    let banner = html.find("Trained on synthetic digits, not on mnist").expect("a banner");
    assert!(banner < html.find("accuracy").expect("a result"), "the result comes before the warning");
}

#[test]
fn a_page_that_cannot_be_made_leaves_nothing() {
    let sandbox = Sandbox::new();
    train_own(&sandbox, r#"["a", "b"]"#);
    sandbox.write("run/report.html", "old");
    let before = sandbox.listing();
    for fault in ["EIO@1", "ENOSPC@2", "ENOSPC@3", "EIO@4", "EACCES@5"] {
        sandbox
            .birnn_with(&["report", "run"], &[("BIRNN_FAULT", fault)])
            .failed(1, &["run/report.html: ", "os error"]);
        assert_eq!(sandbox.text("run/report.html"), "old", "{fault}");
        assert_eq!(sandbox.listing(), before, "{fault}");
    }
    let failed = |args: &[&str], parts: &[&str]| {
        sandbox.birnn(args).failed(2, parts);
        assert_eq!(sandbox.listing(), before);
    };
    failed(&["report", "none"], &["none: is no run directory"]);
    failed(&["report", "run/model.safetensors"], &["model.safetensors: is no run directory"]);
    failed(&["report", "run/checkpoints"], &["run/checkpoints: holds no weights"]);
    failed(&["report", "run", "--out", "run"], &["run: is a folder"]);
    failed(
        &["report", "run", "--out", "none/x.html"],
        &["none/x.html: there is no such folder; make it first"],
    );
}
