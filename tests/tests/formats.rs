//! Weights that come from elsewhere, and go there.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::PathBuf;

use birnn_tests::{SMALL, Sandbox, workspace};
use serde_json::Value;

/// A file that PyTorch wrote, for the tests of birnn-formats.
fn fixture(name: &str) -> String {
    let path: PathBuf = workspace().join("crates/birnn-formats/tests/fixtures").join(name);
    path.to_str().unwrap().to_owned()
}

/// What eval says of a file, its name left out.
fn evaluation(sandbox: &Sandbox, weights: &str) -> Value {
    let mut found: Value =
        serde_json::from_str(&sandbox.birnn(&["eval", weights, "--json"]).done().stdout).unwrap();
    found.as_object_mut().unwrap().remove("weights");
    found
}

#[test]
fn a_state_dict_goes_out_and_comes_back_the_same() {
    let sandbox = Sandbox::new();
    sandbox.train_small("run");
    let expected = evaluation(&sandbox, "run");
    for file in ["out.ckpt", "out.pt", "out.PTH"] {
        let ended = sandbox.birnn(&["export", "run", file]).done();
        assert!(
            ended.stderr.contains(&format!("saved {file}")) && ended.stdout.is_empty(),
            "{}",
            ended.stderr
        );
        let back = format!("{file}.safetensors");
        sandbox.birnn(&["import", file, "--config", "small.toml", "--out", &back]).done();
        assert_eq!(evaluation(&sandbox, &back), expected);
    }
    assert_eq!(sandbox.read("out.pt"), sandbox.read("run/model.ckpt"));
    let ended = sandbox.birnn(&["export", "run", "out.safetensors"]).done();
    assert!(!ended.stderr.contains("in Python it is of"));
    sandbox
        .birnn(&["import", "out.safetensors", "--out", "x.ckpt"])
        .failed(2, &["is a weights file of birnn's"]);
    assert_eq!(sandbox.read("out.safetensors"), sandbox.read("run/model.safetensors"));

    // Where its data is missing, it is not judged by other data.
    sandbox.write("mnist.toml", SMALL.replace("\"synthetic\"", "\"mnist\"\nfallback = \"synthetic\""));
    sandbox.birnn(&["import", "out.ckpt", "--config", "mnist.toml", "--out", "mnist.safetensors"]).done();
    sandbox.birnn(&["eval", "mnist.safetensors", "--offline"]).failed(1, &["mnist can be neither found"]);

    // A checkpoint has more in it than weights.
    sandbox.birnn(&["export", "run/checkpoints/last.safetensors", "last.safetensors"]).done();
    assert_eq!(evaluation(&sandbox, "last.safetensors"), expected);
    // From elsewhere straight to elsewhere.
    sandbox.birnn(&["export", "run", "a.onnx"]).done();
    sandbox.birnn(&["import", "out.ckpt", "--config", "small.toml", "--out", "b.onnx"]).done();
    assert_eq!(sandbox.read("a.onnx").len().abs_diff(sandbox.read("b.onnx").len()) / 1000, 0);
}

#[test]
fn what_net_it_is_is_told_from_the_weights_alone() {
    let sandbox = Sandbox::new();
    let ended = sandbox.birnn(&["import", &fixture("renamed.ckpt"), "--out", "net.safetensors"]).done();
    assert_eq!(
        ended.stdout,
        "[model]\ncell = \"lstm\"\nbidirectional = true\nlayers = 1\nhidden = 3\ndropout = 0.0\nreadout = \"last\"\n"
    );
    for part in
        ["its `encoder` is birnn's `lstm`", "its `out` is birnn's `fc`", "weights do not tell how", "4 x 4"]
    {
        assert!(ended.stderr.contains(part), "no `{part}` in: {}", ended.stderr);
    }
    let sets = ["--set", "model.readout=mean", "--force", "--classes", "left,right"];
    let ended = sandbox
        .birnn(&[&["import", &fixture("half.ckpt"), "--out", "net.safetensors"], sets.as_slice()].concat())
        .done();
    assert!(
        ended.stdout.contains("readout = \"mean\"") && !ended.stderr.contains("do not tell"),
        "{}",
        ended.stderr
    );
    sandbox.write("x.pgm", [b"P5 4 4 255\n".as_slice(), &[0, 0, 255, 0].repeat(4)].concat());
    let ended = sandbox.birnn(&["predict", "net.safetensors", "x.pgm"]).done();
    assert!(
        ["x.pgm: left (", "x.pgm: right ("].iter().any(|start| ended.stdout.starts_with(start)),
        "{}",
        ended.stdout
    );
    let half = fixture("half.ckpt");
    sandbox
        .birnn(&["import", &half, "--out", "y.onnx", "--classes", "a,b,c"])
        .failed(2, &["--classes: 3 names for a net of 2 classes"]);
}

#[test]
fn what_does_not_fit_is_named_and_nothing_is_written() {
    let sandbox = Sandbox::new();
    sandbox.train_small("run");
    sandbox.write(
        "gru.toml",
        format!("{SMALL}\n[train.optimizer]\nlr = 0.1\n").replace("hidden = 8", "cell = \"gru\""),
    );
    sandbox.write("net.ckpt", "");
    sandbox.write("word.ckpt", b"PK\x03\x04");
    let before = sandbox.listing();
    let refused = |args: &[&str], parts: &[&str]| sandbox.birnn(args).failed(2, parts);
    refused(
        &["import", "run/model.ckpt", "--config", "gru.toml", "--out", "x.safetensors"],
        &[
            "run/model.ckpt: these look like 2 x LSTM 8+8",
            "gru.toml is 2 x GRU 128+128",
            "missing: `gru.bias_hh_l0`",
        ],
    );
    for (set, part) in [
        ("model.layers=1", "unexpected: `lstm.bias_hh_l1`"),
        ("model.bidirectional=false", "`fc.weight` is [10, 16] and should be [10, 8]"),
        ("model.hidden=9", "misshapen: `fc.weight`"),
        ("model.readout=attention", "missing: `attention.bias`"),
        ("data.dataset=idx", "data.train_images"),
    ] {
        let config = ["--config", "small.toml", "--set", set, "--out", "x.safetensors"];
        refused(&[&["import", "run/model.ckpt"], config.as_slice()].concat(), &[part]);
    }
    refused(&["import", "none.ckpt", "--out", "x.onnx"], &["none.ckpt: No such file"]);
    refused(&["import", "net.ckpt", "--out", "x.onnx"], &["net.ckpt: it is empty"]);
    refused(&["import", "word.ckpt", "--out", "x.onnx"], &["word.ckpt: a zip archive that is damaged"]);
    refused(&["import", "small.toml", "--out", "x.onnx"], &["small.toml: neither a state dict"]);
    refused(&["import", "run", "--out", "x.onnx"], &["run: is not a file"]);
    refused(
        &["import", "run/model.ckpt", "--out", "x.txt"],
        &["x.txt: the extension says what is written: .ckpt"],
    );
    refused(&["export", "run", "x"], &["x: the extension says"]);
    refused(&["export", "run", "net.ckpt"], &["net.ckpt: is there already", "--force"]);
    refused(
        &["eval", "run/model.ckpt"],
        &["bring a PyTorch state dict in first: birnn import run/model.ckpt"],
    );
    refused(
        &["export", "run", "no/folder/x.onnx"],
        &["no/folder/x.onnx: there is no such folder; make it first"],
    );
    std::fs::create_dir(sandbox.path("d.onnx")).unwrap();
    refused(&["export", "run", "d.onnx", "--force"], &["d.onnx: is a folder"]);
    std::fs::remove_dir(sandbox.path("d.onnx")).unwrap();
    assert_eq!(sandbox.listing(), before);
}

#[test]
fn hostile_files_are_refused_and_do_nothing() {
    let sandbox = Sandbox::new();
    let before = sandbox.listing();
    for (file, part) in [
        ("hostile_system.ckpt", "it names `posix.system`"),
        ("hostile_system_legacy.ckpt", "it names `posix.system`"),
        ("whole_model.ckpt", "save `model.state_dict()` alone"),
        ("hostile_overlap.ckpt", "overlap in storage"),
        ("hostile_expanded.ckpt", "overlap"),
    ] {
        sandbox.birnn(&["import", &fixture(file), "--out", "x.safetensors"]).failed(2, &[file, part]);
    }
    assert_eq!(sandbox.listing(), before);
}

/// A disk that fails, or a process that is killed, at any file operation leaves the old file or none.
#[test]
#[cfg(unix)]
fn a_file_is_written_whole_or_not_at_all() {
    let sandbox = Sandbox::new();
    sandbox.train_small("run");
    sandbox.birnn(&["export", "run", "x.ckpt"]).done();
    let old = sandbox.read("x.ckpt");
    for file in ["x.ckpt", "x.safetensors", "x.onnx"] {
        for at in 1..8 {
            let fault = format!("ENOSPC@{at}");
            let ended = sandbox.birnn_with(&["export", "run", file, "--force"], &[("BIRNN_FAULT", &fault)]);
            if ended.code == 0 {
                assert!(at > 4, "only {at} operations");
                break;
            }
            assert_eq!(ended.code, 1);
            assert!(ended.stderr.contains(&format!("{file}: No space left")), "{}", ended.stderr);
            assert!(!sandbox.path(&format!(".{file}.partial")).exists());
            assert_eq!(sandbox.read("x.ckpt"), old);
        }
    }
}
