//! Images of the user's own: pictures are prepared as they were, mistakes in them are found by content, and
//! they are found again where a project was moved.

use std::path::Path;

use birnn_data::{Images, LabelledImages, synthetic};
use birnn_tests::{Ended, Sandbox, gzip, idx, idx_labels};
use serde_json::Value;

const SIDE: u32 = 28;

/// Writes an experiment on own images, `exp.toml` and its four files, into `folder`.
fn write(sandbox: &Sandbox, folder: &str, train: &LabelledImages, test: &LabelledImages, settings: &str) {
    for (name, split) in [("train", train), ("test", test)] {
        let count = split.labels.len() as u32;
        sandbox.write(&format!("{folder}/{name}-images"), idx(&[count, SIDE, SIDE], &split.images.pixels));
        sandbox.write(&format!("{folder}/{name}-labels"), idx_labels(&split.labels));
    }
    sandbox.write(
        &format!("{folder}/exp.toml"),
        format!(
            "[data]\ndataset = \"idx\"\ntrain_images = \"train-images\"\ntrain_labels = \"train-labels\"\n\
             test_images = \"test-images\"\ntest_labels = \"test-labels\"\n{settings}\n\
             [model]\ncell = \"gru\"\nhidden = 24\nlayers = 1\nreadout = \"final\"\n\
             [train]\ndevice = \"cpu\"\nepochs = 3\nbatch_size = 20\nclip_norm = 1.0\n\
             optimizer = {{ lr = 0.01 }}\n"
        ),
    );
}

/// Digits whose pixels `change` made something else of, image by image.
fn digits(first: u64, count: usize, change: impl Fn(&[u8]) -> Vec<u8>) -> LabelledImages {
    let mut split = synthetic::digits(5, first, count);
    let size = (SIDE * SIDE) as usize;
    split.images.pixels = split.images.pixels.chunks_exact(size).flat_map(change).collect();
    split
}

fn inverted(image: &[u8]) -> Vec<u8> {
    image.iter().map(|value| 255 - value).collect()
}

fn transposed(image: &[u8]) -> Vec<u8> {
    let side = SIDE as usize;
    (0..image.len()).map(|index| image[index % side * side + index / side]).collect()
}

/// Dark ink on paper that is none too white, and has a grain.
fn on_grey_paper(image: &[u8]) -> Vec<u8> {
    image
        .iter()
        .enumerate()
        .map(|(index, value)| 215 + (index * 7 % 9) as u8 - (u32::from(*value) * 180 / 255) as u8)
        .collect()
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {}", ended.stdout))
}

/// Whoever asks for the test images themselves, as pictures of any size on either ground, gets the accuracy
/// of the test.
#[test]
fn pictures_of_test_images_are_named_as_the_test_images_are() {
    let as_is = |image: &[u8]| image.to_vec();
    type Change = fn(&[u8]) -> Vec<u8>;
    // How the files hold the digits, the settings, and how a picture of one looks.
    let cases: [(Change, &str, Change); 6] = [
        (inverted, "", as_is),
        (on_grey_paper, "", as_is),
        (transposed, "", transposed),
        (transposed, "transpose = true", as_is),
        (inverted, "invert = true", as_is),
        (as_is, "framing = \"resize\"", as_is),
    ];
    for (stored, settings, shown) in cases {
        let sandbox = Sandbox::new();
        let (train, test) = (digits(0, 1500, stored), digits(10_000, 60, stored));
        write(&sandbox, "own", &train, &test, settings);
        sandbox.birnn(&["train", "own/exp.toml", "--run-dir", "run"]).done();
        let accuracy = json(&sandbox.birnn(&["eval", "run", "--json"]).done())["accuracy"].as_f64().unwrap();
        assert!(accuracy > 0.4, "{settings}: {accuracy}");
        let description: Value = serde_json::from_str(&sandbox.text("run/model.ckpt.json")).unwrap();
        let said = description["pictures"].as_str().unwrap().to_owned();

        let originals = digits(10_000, 60, shown);
        for (ground, scale) in [("dark", 1), ("light", 1), ("dark", 10), ("light", 10)] {
            let folder = format!("{ground}-{scale}");
            for (index, &label) in originals.labels.iter().enumerate() {
                let image = originals.images.get(index);
                let image = if ground == "dark" { image.to_vec() } else { inverted(image) };
                sandbox.write(&format!("{folder}/{index:02}-{label}.pgm"), pgm(&image, scale));
            }
            let ended = sandbox.birnn(&["predict", "run", &folder, "--json"]).done();
            assert!(ended.stderr.contains(&said), "{}", ended.stderr);
            let found = json(&ended);
            let predictions = found["predictions"].as_array().unwrap();
            let is_right = |found: &&Value| {
                let name = Path::new(found["image"].as_str().unwrap()).file_stem().unwrap().to_str().unwrap();
                name.ends_with(&format!("-{}", found["class"].as_str().unwrap()))
            };
            let share = predictions.iter().filter(is_right).count() as f64 / predictions.len() as f64;
            // A net that learnt for a moment is unsure of some, and framing moves a digit by fractions of a
            // pixel; as what they are not, pictures are named by chance.
            assert!((share - accuracy).abs() < 0.06, "{settings}, {folder}: {share} and {accuracy}");
        }
    }
}

/// The page, the ONNX file, `predict` and what the state dict has beside it say the same of pictures.
#[test]
fn what_pictures_are_like_is_told_everywhere() {
    let sandbox = Sandbox::new();
    write(&sandbox, "own", &digits(0, 100, inverted), &digits(500, 20, inverted), "framing = \"resize\"");
    sandbox.birnn(&["train", "own/exp.toml", "--run-dir", "run", "--set", "train.epochs=1"]).done();
    let said = "dark on light, scaled as a whole, and inverted where they are the other way round";
    sandbox.birnn(&["report", "run"]).done();
    sandbox.birnn(&["export", "run", "net.onnx"]).done();
    for file in ["run/model.ckpt.json", "run/report.html", "net.onnx"] {
        let bytes = sandbox.read(file);
        assert!(bytes.windows(said.len()).any(|part| part == said.as_bytes()), "{file}");
    }
    sandbox.write("a.pgm", pgm(&digits(500, 1, inverted).images.pixels, 2));
    let ended = sandbox.birnn(&["predict", "run", "a.pgm"]).done();
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
}

/// Pictures in folders are turned as those that the net learnt from, be they as large as these or not.
#[test]
fn a_net_of_turned_pictures_is_asked_about_turned_ones() {
    let sandbox = Sandbox::new();
    let bar = |at: usize, is_flat: bool| -> Vec<u8> {
        let place = |pixel: usize| if is_flat { pixel / 28 } else { pixel % 28 };
        (0..784).map(|pixel| if (at..at + 3).contains(&place(pixel)) { 250 } else { 5 }).collect()
    };
    for index in 0..20 {
        let at = 1 + index * 7 % 24;
        sandbox.write(&format!("bars/flat/{index}.pgm"), pgm(&bar(at, true), 1));
        sandbox.write(&format!("bars/tall/{index}.pgm"), pgm(&bar(at, false), 1));
    }
    let settings = "[data]\ndataset = \"folder\"\ntrain = \"bars\"\ntest_share = 0.2\nshape = [28, 28]\ntranspose = true\n\
                    [model]\ncell = \"gru\"\nhidden = 16\nlayers = 1\nreadout = \"final\"\n\
                    [train]\nepochs = 15\nbatch_size = 8\noptimizer = { lr = 0.01 }\n";
    sandbox.write("bars.toml", settings);
    sandbox.birnn(&["train", "bars.toml", "--run-dir", "run"]).done();
    // What macOS leaves beside pictures is none.
    sandbox.write("bars/flat/._0.pgm", "no picture");
    for class in ["flat", "tall"] {
        let told = json(&sandbox.birnn(&["predict", "run", &format!("bars/{class}"), "--json"]).done());
        let classes: Vec<&Value> =
            told["predictions"].as_array().unwrap().iter().map(|one| &one["class"]).collect();
        assert_eq!(classes, vec![class; 20]);
    }
    // Bars on neither ground: what is asked about could not be told to be inverted.
    for index in 0..20 {
        let mixed: Vec<u8> = (0..784).map(|pixel| ((pixel * 37 + index * 101) % 251) as u8).collect();
        sandbox.write(&format!("noise/{}/{index}.pgm", index % 2), pgm(&mixed, 1));
    }
    let inverted = ["train", "bars.toml", "--set", "data.train=noise", "--set", "data.transpose=false"];
    sandbox
        .birnn(&[&inverted[..], &["--set", "data.invert=true"]].concat())
        .failed(2, &["data.invert: these images are on no common ground"]);
    sandbox
        .birnn(&[&inverted[..], &["--set", "data.framing=mnist"]].concat())
        .failed(2, &["data.framing: these images are on no common ground"]);
}

/// `image` as a PGM that shows each pixel as a square of `scale` pixels.
fn pgm(image: &[u8], scale: u32) -> Vec<u8> {
    let (side, scale) = (SIDE * scale, scale as usize);
    let wide = image.chunks_exact(SIDE as usize).flat_map(|row| {
        let row: Vec<u8> = row.iter().flat_map(|&value| vec![value; scale]).collect();
        row.repeat(scale)
    });
    [format!("P5 {side} {side} 255\n").into_bytes(), wide.collect()].concat()
}

/// `birnn train` of own images that `settings` and splits make doubtful must say `part`.
#[track_caller]
fn warned(train: &LabelledImages, test: &LabelledImages, settings: &str, part: &str) {
    let sandbox = Sandbox::new();
    write(&sandbox, "own", train, test, settings);
    let ended =
        sandbox.birnn(&["train", "own/exp.toml", "--run-dir", "run", "--set", "train.epochs=1"]).done();
    let is_said = |line: &str| line.starts_with("warning: ") && line.contains(part);
    assert!(ended.stderr.lines().any(is_said), "no `{part}` in: {}", ended.stderr);
}

#[test]
fn what_is_hardly_meant_is_told_by_its_setting() {
    let as_is = |image: &[u8]| image.to_vec();
    let (train, test) = (digits(0, 200, as_is), digits(150, 100, as_is));
    warned(
        &train,
        &test,
        "",
        "own/exp.toml:5:15: data.test_images: 50 of 100 test images are in `data.train_images` too (the first is \
         test image 0, training image 150)",
    );
    let mut sorted = train.clone();
    let mut order: Vec<usize> = (0..200).collect();
    order.sort_by_key(|&index| train.labels[index]);
    sorted.labels = order.iter().map(|&index| train.labels[index]).collect();
    sorted.images.pixels = order.iter().flat_map(|&index| train.images.get(index)).copied().collect();
    let test = digits(500, 50, as_is);
    warned(&sorted, &test, "limit = 50", "own/exp.toml:7:9: data.limit: the images are sorted by class");
    warned(
        &train,
        &test,
        "classes = [\"0\",\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"ten\"]",
        "data.dataset: no training image is of class `ten`",
    );
}

#[test]
fn a_project_can_be_moved() {
    let sandbox = Sandbox::new();
    let as_is = |image: &[u8]| image.to_vec();
    write(&sandbox, "old/exp", &digits(0, 100, as_is), &digits(500, 50, as_is), "");
    let within = |folder: &str, args: &[&str]| {
        let output = sandbox.command(args).current_dir(sandbox.path(folder)).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ended {
            code: output.status.code().unwrap(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    };
    within("old", &["train", "exp/exp.toml"]).done();
    let before = json(&within("old", &["eval", "runs/exp/001", "--json"]).done());
    std::fs::rename(sandbox.path("old"), sandbox.path("new")).unwrap();
    let accuracy = |args: &[&str]| json(&within("new", args).done())["accuracy"].clone();
    assert_eq!(accuracy(&["eval", "runs/exp/001", "--json"]), before["accuracy"]);
    within("new", &["report", "runs/exp/001"]).done();
    within("new", &["compare", "runs/exp/001", "runs/exp/001"]).done();
    within("new", &["train", "--resume", "runs/exp/001", "--set", "train.epochs=4"]).done();
    let before = accuracy(&["eval", "runs/exp/001", "--json"]);

    // Where the data alone is elsewhere, the error says how to tell.
    std::fs::rename(sandbox.path("new/exp"), sandbox.path("new/data")).unwrap();
    let lost =
        &["exp/train-images: no such file; say where it is now: --set data.train_images=PATH, or --data-dir"];
    for command in ["eval", "report"] {
        within("new", &[command, "runs/exp/001"]).failed(2, lost);
    }
    within("new", &["compare", "runs/exp/001", "runs/exp/001"]).failed(2, lost);
    assert_eq!(accuracy(&["eval", "runs/exp/001", "--json", "--data-dir", "data"]), before);
    let files = ["train_images", "train_labels", "test_images", "test_labels"];
    let sets = files.map(|key| format!("--set=data.{key}=data/{}", key.replace('_', "-")));
    let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
    assert_eq!(accuracy(&[["eval", "runs/exp/001", "--json"].as_slice(), &sets].concat()), before);
    // Some of the four under their names are not the data.
    sandbox.write("new/part/train-images", b"");
    within("new", &["eval", "runs/exp/001", "--data-dir", "part"])
        .failed(2, &["part: some of the data's files are here under their names", "`train-labels` is not"]);
    within("new", &["eval", "runs/exp/001", "--set", "train.epochs=3"])
        .failed(2, &["--set train.epochs=3: only which data it is can be changed here"]);
}

/// A net that learnt from inverted images is not shown others in silence.
#[test]
fn images_are_shown_as_the_net_learnt_them() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "e.toml",
        "[data]\ndataset = \"synthetic\"\nlimit = 2000\ninvert = true\n[model]\n\
        hidden = 16\nreadout = \"final\"\n",
    );
    sandbox.birnn(&["train", "e.toml", "--run-dir", "run", "--set", "train.device=cpu"]).done();
    let accuracy = |args: &[&str]| {
        let ended = sandbox.birnn(&[["eval", "run", "--json"].as_slice(), args].concat()).done();
        (
            json(&ended)["accuracy"].clone(),
            ended.stderr.contains("warning: run/model.safetensors: learnt from images dark on light"),
        )
    };
    let own = accuracy(&[]);
    assert!(!own.1);
    assert_eq!(accuracy(&["--dataset", "synthetic"]), own);
    let other = accuracy(&["--set", "data.invert=false"]);
    assert!(other.1 && other.0 != own.0);
}

#[test]
fn data_that_changed_is_told_of() {
    let sandbox = Sandbox::new();
    let as_is = |image: &[u8]| image.to_vec();
    let (train, test) = (digits(0, 100, as_is), digits(500, 50, as_is));
    write(&sandbox, "exp", &train, &test, "");
    sandbox.birnn(&["train", "exp/exp.toml", "--run-dir", "run"]).done();
    assert!(!sandbox.birnn(&["eval", "run"]).done().stderr.contains("warning"));
    write(&sandbox, "exp", &train, &digits(700, 50, as_is), "");
    for args in [&["eval", "run"][..], &["report", "run"], &["compare", "run", "run"]] {
        let told = sandbox.birnn(args).done().stderr;
        assert!(
            told.contains("warning: run: its data is not what it was when the run was trained"),
            "{told}"
        );
        assert!(told.contains("exp/test-images, ") && !told.contains("train-images"), "{told}");
    }
}

/// EMNIST's files hold columns as rows, and letters are counted from 1.
#[test]
fn emnist_is_taken_from_its_files() {
    let sandbox = Sandbox::new();
    let put = |set: &str, part: &str, split: &LabelledImages| {
        let count = split.labels.len() as u32;
        let images = gzip(&idx(&[count, SIDE, SIDE], &split.images.pixels));
        sandbox.write(&format!("data/EMNIST/raw/emnist-{set}-{part}-images-idx3-ubyte.gz"), images);
        sandbox.write(
            &format!("data/EMNIST/raw/emnist-{set}-{part}-labels-idx1-ubyte"),
            idx_labels(&split.labels),
        );
    };
    let (train, test) = (digits(0, 1000, transposed), digits(9000, 60, transposed));
    for (part, split) in [("train", &train), ("test", &test)] {
        put("digits", part, split);
        put("letters", part, split);
    }
    sandbox
        .write("e.toml", "[data]\ndataset = \"emnist-digits\"\n[model]\nhidden = 16\nreadout = \"final\"\n");
    let at = ["--data-dir", "data", "--offline", "--set", "train.epochs=1"];
    sandbox.birnn(&[["train", "e.toml", "--run-dir", "run"].as_slice(), &at].concat()).done();
    let preprocessing = |run: &str| {
        let text = sandbox.text(&format!("{run}/model.ckpt.json"));
        serde_json::from_str::<Value>(&text).unwrap()["preprocessing"].clone()
    };
    assert_eq!(
        preprocessing("run"),
        serde_json::json!({ "ground": "dark", "levels": [0, 255], "transposed": false, "framing": "emnist" })
    );
    // As other tools hand it on, and as who trains them has it.
    let raw = ["--run-dir", "raw", "--set", "data.transpose=false"];
    sandbox.birnn(&[["train", "e.toml"].as_slice(), &raw, &at].concat()).done();
    assert_eq!(preprocessing("raw")["transposed"], true);

    let letters = ["train", "e.toml", "--set", "data.dataset=emnist-letters"];
    sandbox.birnn(&[letters.as_slice(), &at].concat()).failed(
        2,
        &[
            "emnist-letters-train-labels-idx1-ubyte: the label at index ",
            " is 0, and there are 26 classes, counted from 1",
        ],
    );
    let small =
        LabelledImages { images: Images { rows: 14, cols: 56, ..test.images.clone() }, ..test.clone() };
    sandbox.write(
        "data/EMNIST/raw/emnist-digits-test-images-idx3-ubyte.gz",
        gzip(&idx(&[60, 14, 56], &small.images.pixels)),
    );
    let wrong = ["train", "e.toml"];
    sandbox.birnn(&[wrong.as_slice(), &at].concat()).failed(
        2,
        &["emnist-digits-test-images-idx3-ubyte.gz: its images have 14 x 56 pixels, and those of the data \
            set 28 x 28"],
    );
    let absent = ["train", "e.toml", "--set", "data.dataset=emnist-bymerge"];
    sandbox.birnn(&[absent.as_slice(), &at].concat()).failed(
        1,
        &[
            "emnist-bymerge can be neither found nor downloaded",
            "it comes as one archive, which is not downloaded",
        ],
    );
}

/// What `--data-dir` names is the data of the run from then on, but for what a `--set` names.
#[test]
fn a_folder_of_own_files_is_recorded() {
    let sandbox = Sandbox::new();
    let as_is = |image: &[u8]| image.to_vec();
    write(&sandbox, "one", &digits(0, 100, as_is), &digits(500, 50, as_is), "");
    write(&sandbox, "two", &digits(200, 90, as_is), &digits(700, 50, as_is), "");
    let ended = sandbox.birnn(&["train", "one/exp.toml", "--data-dir", "two", "--run-dir", "run"]).done();
    assert!(ended.stderr.contains("90 training images"), "{}", ended.stderr);
    assert!(sandbox.text("run/config.toml").contains("\"../two/train-images\""));
    assert!(!sandbox.birnn(&["eval", "run"]).done().stderr.contains("warning"));
    sandbox.birnn(&["train", "--resume", "run", "--set", "train.epochs=4"]).done();
    sandbox.birnn(&["train", "--resume", "run", "--data-dir", "one"]).failed(
        2,
        &["its data has other content now: train-images, train-labels, test-images, test-labels; "],
    );
    let accuracy =
        |args: &[&str]| json(&sandbox.birnn(&[["eval", "run", "--json"].as_slice(), args].concat()).done());
    let own = ["--set", "data.test_images=one/test-images", "--set", "data.test_labels=one/test-labels"];
    let other = accuracy(&own);
    assert_ne!(other["loss"], accuracy(&[])["loss"]);
    assert_eq!(accuracy(&[["--data-dir", "two"].as_slice(), &own].concat())["loss"], other["loss"]);
    sandbox.birnn(&["eval", "run", "--data-dir", "none"]).failed(2, &["none: there is no such folder"]);

    // Paths that a sweep tries are from where the user is, as every path on the command line.
    let grid = "sweep.grid.data.test_images=[\"one/test-images\",\"two/test-images\"]";
    sandbox.birnn(&["sweep", "one/exp.toml", "--set", grid, "--set", "train.epochs=1"]).done();
    let before = sandbox.listing();
    let absent = "sweep.grid.data.test_images=[\"one/test-images\",\"two/none\"]";
    sandbox.birnn(&["sweep", "one/exp.toml", "--set", absent]).failed(2, &["two/none: no such file"]);
    let within = "sweep.grid.data={test_images=[\"one/test-images\",\"two/none\"]}";
    sandbox.birnn(&["sweep", "one/exp.toml", "--set", within]).failed(2, &["two/none: no such file"]);
    assert_eq!(sandbox.listing(), before);
}

/// A project can be moved with a sweep over files in it, and the sweep goes on.
#[test]
fn a_sweep_over_files_moves_with_its_project() {
    let sandbox = Sandbox::new();
    let as_is = |image: &[u8]| image.to_vec();
    write(&sandbox, "old/one", &digits(0, 60, as_is), &digits(500, 50, as_is), "");
    // Paths of a file are relative to it, in whatever table they are.
    let whole = "{ dataset = \"idx\", train_images = \"train-images\", train_labels = \"train-labels\", \
                 test_images = \"test-images\", test_labels = \"test-labels\" }";
    let whole = format!("{}\n[sweep.grid]\ndata = [{whole}]\n", sandbox.text("old/one/exp.toml"));
    sandbox.write("old/one/whole.toml", whole);
    let birnn = |project: &str, args: &[&str]| {
        let output = sandbox.command(args).current_dir(sandbox.path(project)).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let (grid, short) = ("sweep.grid.data.test_images=[\"one/test-images\"]", "train.epochs=1");
    birnn("old", &["sweep", "one/exp.toml", "--set", grid, "--set", short, "--run-dir", "s"]);
    birnn("old", &["sweep", "one/whole.toml", "--set", short, "--run-dir", "w"]);
    for lost in ["old/s/001", "old/w/001"] {
        std::fs::remove_dir_all(sandbox.path(lost)).unwrap();
    }
    std::fs::rename(sandbox.path("old"), sandbox.path("new")).unwrap();
    birnn("new", &["sweep", "--resume", "s"]);
    birnn("new/one", &["sweep", "--resume", "../w"]);
    for found in ["new/s/001", "new/w/001"] {
        assert!(sandbox.path(&format!("{found}/model.safetensors")).is_file(), "{found}");
    }
}

/// What is looked at before a sweep's first run is what its runs are trained on: the files under
/// `--data-dir`, whatever else of the data varies.
#[test]
fn a_sweep_looks_at_the_files_that_its_runs_have() {
    let sandbox = Sandbox::new();
    let as_is = |image: &[u8]| image.to_vec();
    write(&sandbox, "one", &digits(0, 100, as_is), &digits(500, 50, as_is), "");
    write(&sandbox, "two", &digits(200, 90, as_is), &digits(700, 50, as_is), "");
    std::fs::remove_file(sandbox.path("one/test-images")).unwrap();
    let sets = ["--set", "sweep.grid.data.limit=[40,50]", "--set", "train.epochs=1"];
    let ended = sandbox.birnn(&[&["sweep", "one/exp.toml", "--data-dir", "two"][..], &sets].concat()).done();
    assert_eq!(ended.stderr.matches("50 test images").count(), 2, "{}", ended.stderr);
}

/// A pipe has no end and no length: nobody waits for it.
#[test]
fn what_is_no_file_is_refused() {
    let sandbox = Sandbox::new();
    let as_is = |image: &[u8]| image.to_vec();
    write(&sandbox, "own", &digits(0, 20, as_is), &digits(500, 10, as_is), "");
    std::fs::remove_file(sandbox.path("own/test-images")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(sandbox.path("own/test-images")).status().unwrap();
    assert!(made.success());
    sandbox
        .birnn(&["train", "own/exp.toml"])
        .failed(2, &["own/test-images: is a pipe, and a file is wanted"]);
}
