//! Bad input of every kind: one line that names the place, exit code 2, and nothing left behind. More of
//! experiment files is in `configs.rs`.

use birnn_tests::{Sandbox, gzip, idx};

/// Training with this experiment file must be refused with an error that holds `parts`.
#[track_caller]
fn refused(config: &str, parts: &[&str]) {
    let sandbox = Sandbox::new();
    sandbox.write("x.toml", config);
    let before = sandbox.listing();
    sandbox.birnn(&["train", "x.toml", "--offline"]).failed(2, parts);
    assert_eq!(sandbox.listing(), before);
}

#[test]
fn experiment_files() {
    refused("[model]\nhiden = 3", &["x.toml:2:1: ", "unknown key `hiden`", "did you mean `hidden`?"]);
    refused("[modle]", &["x.toml:1:", "did you mean `model`?"]);
    refused("[train]\nepochs = \"two\"", &["x.toml:2:10: train.epochs: must be a whole number"]);
    refused("[train]\nepochs = 0", &["x.toml:2:10: train.epochs: must be at least 1"]);
    refused("[model]\nlayers = 0", &["x.toml:2:10: model.layers: "]);
    refused("[model]\ncell = \"lstm\"\nnonlinearity = \"relu\"", &["x.toml:3:16: model.nonlinearity: "]);
    refused("[data]\ndataset = \"cifar\"", &["x.toml:2:11: ", "`fashion-mnist`"]);
    refused("[data]\ndataset = \"idx\"", &["x.toml:2:11: data.dataset: ", "`data.train_images` is missing"]);
    refused(
        "[data]\ndataset = \"synthetic\"\nlimit = 10\nvalidation = 10",
        &["x.toml:4:14: data.validation: 10 images"],
    );
    refused("seed = 1\nseed = 2", &["x.toml:2:1: `seed` is written twice"]);
    refused("seed = -1", &["x.toml:1:8: "]);
    refused("what is this", &["x.toml:1:"]);
    refused("name = \"a/b\"", &["x.toml:1:8: name: "]);
}

#[test]
fn command_lines() {
    let sandbox = Sandbox::new();
    sandbox.write("x.toml", "");
    sandbox.write("run/config.toml", "");
    let before = sandbox.listing();
    sandbox
        .birnn(&["train", "none.toml"])
        .failed(2, &["none.toml: No such file", "; name an experiment file"]);
    let hint = "(os error 21); it is a run: to go on with it, --resume run";
    sandbox.birnn(&["train", "run"]).failed(2, &["run: ", hint]);
    sandbox.birnn(&["train", "."]).failed(2, &[".: Is a directory"]);
    sandbox
        .birnn(&["train", "x.toml", "--set", "train.epochs=0"])
        .failed(2, &["--set train.epochs=0: train.epochs: "]);
    sandbox
        .birnn(&["train", "x.toml", "--set", "epochs=1"])
        .failed(2, &["--set epochs=1: unknown key `epochs`"]);
    sandbox.birnn(&["data", "verify", "--set", "seed=1"]).failed(2, &["--set changes an experiment"]);
    sandbox
        .birnn(&["train", "x.toml", "--data-dir", "x.toml"])
        .failed(2, &["--data-dir x.toml: it is no folder; name the one that it is in"]);
    for args in [
        vec![],
        vec!["trian"],
        vec!["train"],
        vec!["train", "x.toml", "--device", "gpu"],
        vec!["eval", "--json"],
    ] {
        let ended = sandbox.birnn(&args);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{args:?}");
    }
    assert_eq!(sandbox.listing(), before);
}

#[test]
fn cuda_where_there_is_none() {
    let sandbox = Sandbox::new();
    sandbox.write("x.toml", "[data]\ndataset = \"synthetic\"\n[train]\ndevice = \"cuda:7\"\n");
    let before = sandbox.listing();
    // Without a driver, or without an eighth GPU: a machine with eight is not tested on.
    sandbox.birnn(&["train", "x.toml"]).failed(2, &["x.toml:4:10: train.device: no "]);
    sandbox.birnn(&["train", "x.toml", "--device", "cuda:9"]).failed(2, &["--device: no "]);
    assert_eq!(sandbox.listing(), before);
}

/// Training on these four files, of which the others are good, must be refused with the name of the bad one.
#[track_caller]
fn data_refused(name: &str, bytes: Vec<u8>, parts: &[&str]) {
    let sandbox = Sandbox::new();
    sandbox.write("a", idx(&[4, 2, 3], &[1; 24]));
    sandbox.write("b", idx(&[4], &[0, 1, 1, 0]));
    sandbox.write("c", idx(&[2, 2, 3], &[2; 12]));
    sandbox.write("d", idx(&[2], &[1, 0]));
    sandbox.write(name, bytes);
    sandbox.write(
        "x.toml",
        "data = { dataset = \"idx\", train_images = \"a\", train_labels = \"b\", test_images = \"c\", \
         test_labels = \"d\" }",
    );
    let before = sandbox.listing();
    let path = sandbox.path(name).display().to_string();
    sandbox.birnn(&["train", "x.toml"]).failed(2, &[&[path.as_str()], parts].concat());
    assert_eq!(sandbox.listing(), before);
}

#[test]
fn images_and_labels() {
    let good = gzip(&idx(&[4, 2, 3], &[1; 24]));
    data_refused("a", b"".to_vec(), &["ends after 0"]);
    data_refused("a", b"<html>404</html>".to_vec(), &["not an IDX file of images"]);
    data_refused("a", idx(&[4, 2, 3], &[1; 23]), &["promises"]);
    data_refused("a", idx(&[4, 2, 3], &[1; 25]), &["goes on after the 40 bytes"]);
    data_refused("a", idx(&[u32::MAX; 3], &[1; 24]), &["4294967295 x 4294967295 x 4294967295 values"]);
    data_refused("a", idx(&[0, 2, 3], &[]), &["which is nothing"]);
    data_refused("a", good[..good.len() - 5].to_vec(), &["gzip"]);
    data_refused("a", [good.as_slice(), b"more"].concat(), &["gzip"]);
    data_refused("a", gzip(&idx(&[4, 2, 3], &vec![1; 64 << 20])), &["goes on after the 40 bytes"]);
    data_refused("b", idx(&[5], &[0, 1, 1, 0, 0]), &["holds 5 labels for the 4 images of "]);
    data_refused("d", idx(&[2], &[1, 200]), &["the label at index 1 is 200, and there are 2 classes"]);
    data_refused("c", idx(&[2, 3, 2], &[2; 12]), &["its images have 3 x 2"]);
}

#[test]
fn an_altered_published_file() {
    let sandbox = Sandbox::new();
    sandbox.write("data/mnist/train-images-idx3-ubyte.gz", gzip(&idx(&[2, 28, 28], &[1; 2 * 784])));
    sandbox.write("x.toml", "data = { fallback = \"synthetic\" }");
    let before = sandbox.listing();
    let parts = ["data/mnist/train-images-idx3-ubyte.gz: not the published file", "ba891046e650"];
    sandbox.birnn(&["train", "x.toml", "--data-dir", "data", "--offline"]).failed(2, &parts);
    sandbox.birnn(&["data", "verify", "--data-dir", "data"]).failed(2, &parts);
    assert_eq!(sandbox.listing(), before);
}

#[test]
fn missing_data_without_a_fallback_is_a_failed_run() {
    let sandbox = Sandbox::new();
    sandbox.write("x.toml", "");
    let before = sandbox.listing();
    let parts = ["mnist can be neither", "cache/birnn, nor in mnist, ", "offline", "--data-dir", "fallback"];
    sandbox.birnn(&["train", "x.toml", "--offline"]).failed(1, &parts);
    // What a file allows, the command line can forbid.
    sandbox.write("y.toml", "data = { fallback = \"synthetic\" }");
    sandbox.birnn(&["train", "y.toml", "--offline", "--set", "data.fallback=none"]).failed(1, &parts);
    std::fs::remove_file(sandbox.path("y.toml")).unwrap();
    assert_eq!(sandbox.listing(), before);
}

#[test]
fn weights_and_pictures() {
    let sandbox = Sandbox::new();
    sandbox.train_small("run");
    let weights = sandbox.read("run/model.safetensors");
    sandbox.write("short", &weights[..weights.len() - 1]);
    let mut flipped = weights.clone();
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    sandbox.write("flipped", &flipped);
    sandbox.write("empty/x", "");
    sandbox.write("text", "no picture");
    sandbox.write("blank.pgm", [b"P5 30 30 255\n".as_slice(), &[255; 900]].concat());
    sandbox.write("good.pgm", [b"P5 28 28 255\n".as_slice(), &[0; 390], &[255; 4], &[0; 390]].concat());
    let before = sandbox.listing();
    sandbox.birnn(&["eval", "none"]).failed(2, &["none: there is no such run"]);
    sandbox.birnn(&["eval", "empty"]).failed(2, &["empty: holds no weights (model.safetensors"]);
    sandbox.birnn(&["eval", "text"]).failed(2, &["text: not a weights file of birnn, or one cut short"]);
    sandbox.birnn(&["eval", "short"]).failed(2, &["short: its tensors take "]);
    sandbox.birnn(&["eval", "flipped"]).failed(2, &["flipped: its content does not match its SHA-256"]);
    sandbox.birnn(&["predict", "run", "none.png"]).failed(2, &["none.png: No such file"]);
    sandbox.birnn(&["predict", "run", "text"]).failed(2, &["text: "]);
    sandbox.birnn(&["predict", "run", "blank.pgm"]).failed(2, &["blank.pgm: no ink found"]);
    assert_eq!(sandbox.listing(), before);
}

#[test]
fn a_folder_that_cannot_be_written() {
    let sandbox = Sandbox::new();
    sandbox.write_experiment("x.toml", birnn_tests::SMALL);
    sandbox.write("file", "");
    sandbox.birnn(&["train", "x.toml", "--run-dir", "file/run"]).failed(2, &["file/run: file is no folder"]);
    let before = std::fs::read(sandbox.path("file")).unwrap();
    assert!(before.is_empty());
}
