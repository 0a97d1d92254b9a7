//! One data set in each of the formats that it can come in: the same weights, to the bit, and the same
//! answers.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::path::Path;
use std::sync::Arc;

use birnn_data::{LabelledImages, png, synthetic};
use birnn_tests::{Sandbox, gzip, idx, idx_labels};
use parquet::data_type::{ByteArray, ByteArrayType, FloatType, Int64Type};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use safetensors::SafeTensors;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::json;

const SIDE: usize = 28;

/// The tensors of the weights that an experiment with this `[data]` comes to, by name.
fn trained(sandbox: &Sandbox, name: &str, data: &str, rest: &str) -> BTreeMap<String, Vec<u8>> {
    sandbox.write(&format!("{name}.toml"), format!("{data}\n{rest}"));
    let run = format!("run-{name}");
    sandbox.birnn(&["train", &format!("{name}.toml"), "--run-dir", &run]).done();
    let bytes = sandbox.read(&format!("{run}/model.safetensors"));
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    tensors.iter().map(|(name, view)| (name.to_owned(), view.data().to_vec())).collect()
}

/// The experiments whose `[data]` is told must come to the same weights.
#[track_caller]
fn same(sandbox: &Sandbox, experiments: &[(&str, &str)], rest: &str) {
    let mut weights = experiments.iter().map(|(name, data)| trained(sandbox, name, data, rest));
    let first = weights.next().unwrap();
    assert!(first.len() > 4, "{} tensors", first.len());
    for (other, (name, _)) in weights.zip(&experiments[1..]) {
        assert!(first == other, "{} and {name} differ", experiments[0].0);
    }
}

/// Digits as IDX files, as PNG files in a folder for each class, numbered across the classes, and as Kaggle
/// has them: a row of a CSV file each, `label,pixel0,..`.
fn write_digits(sandbox: &Sandbox, split: &str, digits: &LabelledImages) {
    let LabelledImages { images, labels } = digits;
    let count = labels.len() as u32;
    sandbox.write(&format!("{split}-images"), idx(&[count, SIDE as u32, SIDE as u32], &images.pixels));
    sandbox.write(&format!("{split}-labels"), idx_labels(labels));
    let mut rows =
        (0..SIDE * SIDE).fold("label".to_owned(), |row, pixel| row + &format!(",pixel{pixel}")) + "\n";
    for (index, label) in labels.iter().enumerate() {
        rows += &images.get(index).iter().fold(label.to_string(), |row, level| row + &format!(",{level}"));
        rows.push('\n');
        let picture = png(images.get(index), [SIDE; 2]).unwrap();
        sandbox.write(&format!("{split}/{label}/{index}.png"), picture);
    }
    sandbox.write(&format!("{split}.csv"), rows);
}

#[test]
fn digits_are_learnt_alike_from_idx_files_folders_of_pictures_and_tables() {
    let sandbox = Sandbox::new();
    write_digits(&sandbox, "train", &synthetic::digits(3, 0, 300));
    write_digits(&sandbox, "test", &synthetic::digits(3, 300, 60));
    let experiments = [
        (
            "idx",
            "[data]\ndataset = \"idx\"\ntrain_images = \"train-images\"\ntrain_labels = \"train-labels\"\n\
             test_images = \"test-images\"\ntest_labels = \"test-labels\"\nvalidation = 50",
        ),
        ("folder", "[data]\ndataset = \"folder\"\ntrain = \"train\"\ntest = \"test\"\nvalidation = 50"),
        (
            "kaggle",
            "[data]\ndataset = \"table\"\nlayout = \"wide\"\ntrain = \"train.csv\"\ntest = \"test.csv\"\n\
             target = \"label\"\nshape = [28, 28]\nvalidation = 50",
        ),
    ];
    let rest = "[model]\ncell = \"gru\"\nhidden = 8\nlayers = 1\n[train]\ndevice = \"cpu\"\nepochs = 2\nbatch_size = 20\n";
    same(&sandbox, &experiments, rest);

    let evaluated = |run: &str| json(&sandbox.birnn(&["eval", run, "--json"]).done().stdout);
    assert_eq!(evaluated("run-idx")["confusion"], evaluated("run-folder")["confusion"]);
    sandbox.birnn(&["report", "run-folder"]).done();
    sandbox.birnn(&["compare", "run-idx", "run-folder"]).done();
    let listed = sandbox.birnn(&["data", "verify", "folder.toml"]).done();
    assert_eq!(listed.stdout.lines().count(), 2, "{}", listed.stdout);
    // A picture more, and it is other data.
    sandbox.write("test/3/999.png", png(&[7; SIDE * SIDE], [SIDE; 2]).unwrap());
    let told = sandbox.birnn(&["eval", "run-folder"]).done().stderr;
    assert!(told.contains("test"), "{told}");
    // Where they went to another folder, they are found there.
    std::fs::create_dir(sandbox.path("elsewhere")).unwrap();
    for split in ["train", "test"] {
        std::fs::rename(sandbox.path(split), sandbox.path(&format!("elsewhere/{split}"))).unwrap();
    }
    sandbox.birnn(&["eval", "run-folder"]).failed(2, &["train: no such file", "--set data.train=PATH"]);
    sandbox.birnn(&["eval", "run-folder", "--data-dir", "elsewhere"]).done();
}

/// Pictures of any size and on white paper are prepared for training as they are when a net is asked.
#[test]
fn pictures_are_named_as_the_test_pictures_are_judged() {
    let sandbox = Sandbox::new();
    let write = |split: &str, digits: &LabelledImages| {
        for (index, label) in digits.labels.iter().enumerate() {
            let side = [40, 57, 84][index % 3];
            let pixels: Vec<u8> = (0..side * side)
                .map(|at| {
                    255 - digits.images.get(index)[at / side * SIDE / side * SIDE + at % side * SIDE / side]
                })
                .collect();
            sandbox.write(&format!("{split}/d{label}/{index}.png"), png(&pixels, [side; 2]).unwrap());
        }
    };
    write("train", &synthetic::digits(5, 0, 900));
    write("test", &synthetic::digits(5, 900, 60));
    let data = "[data]\ndataset = \"folder\"\ntrain = \"train\"\ntest = \"test\"\nframing = \"mnist\"";
    let rest = "[model]\ncell = \"gru\"\nhidden = 24\nlayers = 1\nreadout = \"final\"\n[train]\ndevice = \"cpu\"\nepochs = 3\n\
                batch_size = 20\noptimizer = { lr = 0.01 }\n";
    trained(&sandbox, "pets", data, rest);
    let accuracy =
        json(&sandbox.birnn(&["eval", "run-pets", "--json"]).done().stdout)["accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.4, "{accuracy}");
    let found = json(&sandbox.birnn(&["predict", "run-pets", "test/*/*.png", "--json"]).done().stdout);
    let predictions = found["predictions"].as_array().unwrap();
    let is_right = |found: &&serde_json::Value| {
        let folder = Path::new(found["image"].as_str().unwrap()).parent().unwrap();
        folder.file_name().unwrap().to_str() == found["class"].as_str()
    };
    let right = predictions.iter().filter(is_right).count();
    assert_eq!(right as f64 / predictions.len() as f64, accuracy);

    sandbox.write("train/d3/broken.png", b"\x89PNG\r\n\x1a\nno more");
    let broken = sandbox.birnn(&["train", "pets.toml", "--run-dir", "other"]);
    broken.failed(2, &["train/d3/broken.png: "]);
    assert!(!sandbox.path("other").exists());
}

/// Series of two features that rise or fall, of 3 to 9 steps, with here and there a gap.
struct Series {
    steps: Vec<[f32; 2]>,
    label: &'static str,
}

fn series(range: std::ops::Range<usize>) -> Vec<Series> {
    let one = |index: usize| {
        let (length, up) = (3 + index * 5 % 7, index.is_multiple_of(3));
        let step = |step: usize| {
            let level = if up { step } else { length - step } as f32;
            let gap = (index * 11 + step * 5).is_multiple_of(13);
            [100.0 + 2.5 * level + (index % 7) as f32, if gap { f32::NAN } else { level * 0.125 }]
        };
        Series { steps: (0..length).map(step).collect(), label: if up { "up" } else { "down" } }
    };
    range.map(one).collect()
}

/// As a `.ts` file.
fn ts(all: &[Series]) -> String {
    let column = |one: &Series, feature: usize| {
        let cells = one.steps.iter().map(|step| step[feature]);
        cells
            .map(|value| if value.is_nan() { "?".to_owned() } else { value.to_string() })
            .collect::<Vec<_>>()
            .join(",")
    };
    let line = |one: &Series| format!("{}:{}:{}\n", column(one, 0), column(one, 1), one.label);
    format!(
        "@univariate false\n@dimensions 2\n@equalLength false\n@classLabel true down up\n@data\n{}",
        all.iter().map(line).collect::<String>()
    )
}

/// As a `.npz` file: padded or one after the other.
fn npz(all: &[Series], padded: bool) -> Vec<u8> {
    let longest = all.iter().map(|one| one.steps.len()).max().unwrap();
    let steps: Vec<[f32; 2]> = all
        .iter()
        .flat_map(|one| {
            let padding = if padded { longest - one.steps.len() } else { 0 };
            one.steps.iter().copied().chain(std::iter::repeat_n([-1.0; 2], padding))
        })
        .collect();
    let values = steps.iter().flatten().flat_map(|value| value.to_le_bytes()).collect();
    let shape =
        if padded { format!("({}, {longest}, 2)", all.len()) } else { format!("({}, 2)", steps.len()) };
    let lengths = all.iter().flat_map(|one| (one.steps.len() as i64).to_le_bytes()).collect();
    let labels = all.iter().flat_map(|one| {
        let mut letters: Vec<u32> = one.label.chars().map(u32::from).collect();
        letters.resize(4, 0);
        letters.into_iter().flat_map(u32::to_le_bytes)
    });
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let arrays: [(&str, &str, String, Vec<u8>); 3] = [
        ("X", "<f4", shape, values),
        ("lengths", "<i8", format!("({},)", all.len()), lengths),
        ("y", "<U4", format!("({},)", all.len()), labels.collect()),
    ];
    for (name, kind, shape, content) in arrays {
        archive.start_file(format!("{name}.npy"), stored).unwrap();
        let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
        archive.write_all(b"\x93NUMPY\x01\0").unwrap();
        archive.write_all(&(header.len() as u16).to_le_bytes()).unwrap();
        archive.write_all(header.as_bytes()).unwrap();
        archive.write_all(&content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// As a table with a row for each step, `series,t,rise,level,label`.
fn long(all: &[Series]) -> String {
    let rows = all.iter().enumerate().flat_map(|(id, one)| {
        let row = move |(step, [rise, level]): (usize, &[f32; 2])| {
            let cell = |value: f32| if value.is_nan() { String::new() } else { value.to_string() };
            format!("{id},{step},{},{},{}\n", cell(*rise), cell(*level), one.label)
        };
        one.steps.iter().enumerate().map(row)
    });
    format!("series,t,rise,level,label\n{}", rows.collect::<String>())
}

/// As a table with a row for each series, of at most nine steps: `label,rise_0,..,level_0,..`.
fn wide(all: &[Series]) -> String {
    let cells = |values: &mut dyn Iterator<Item = String>| values.collect::<Vec<_>>().join(",");
    let names = |name: &str| cells(&mut (0..9).map(|step| format!("{name}_{step}")));
    let row = |one: &Series| {
        let cell = |step: usize, feature: usize| match one.steps.get(step).map(|step| step[feature]) {
            Some(value) if !value.is_nan() => value.to_string(),
            _ => String::new(),
        };
        let of = |feature: usize| cells(&mut (0..9).map(|step| cell(step, feature)));
        format!("{},{},{}\n", one.label, of(0), of(1))
    };
    format!("label,{},{}\n{}", names("rise"), names("level"), all.iter().map(row).collect::<String>())
}

/// The long table as Parquet.
fn parquet(all: &[Series]) -> Vec<u8> {
    let schema =
        "message m { required int64 series; required int64 t; optional float rise; optional float level;
                  required byte_array label (utf8); }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let steps = || {
        all.iter().enumerate().flat_map(|(id, one)| one.steps.iter().enumerate().map(move |at| (id, one, at)))
    };
    let ids: Vec<i64> = steps().map(|(id, ..)| id as i64).collect();
    let times: Vec<i64> = steps().map(|(_, _, (step, _))| step as i64).collect();
    let labels: Vec<ByteArray> = steps().map(|(_, one, _)| ByteArray::from(one.label)).collect();
    let mut file = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut file, schema, Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for whole in [&ids, &times] {
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(whole, None, None).unwrap();
        column.close().unwrap();
    }
    for feature in 0..2 {
        let all: Vec<f32> = steps().map(|(_, _, (_, values))| values[feature]).collect();
        let known: Vec<f32> = all.iter().copied().filter(|value| !value.is_nan()).collect();
        let defined: Vec<i16> = all.iter().map(|value| i16::from(!value.is_nan())).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<FloatType>().write_batch(&known, Some(&defined), None).unwrap();
        column.close().unwrap();
    }
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<ByteArrayType>().write_batch(&labels, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    file
}

const OF_SERIES: &str = "[model]\ncell = \"gru\"\nhidden = 8\nlayers = 1\nreadout = \"final\"\n[train]\ndevice = \"cpu\"\n\
                         epochs = 4\nbatch_size = 10\noptimizer = { lr = 0.02 }\n";

#[test]
fn series_are_learnt_alike_from_every_format() {
    let sandbox = Sandbox::new();
    for (split, range) in [("train", 0..90), ("test", 200..230)] {
        let all = series(range);
        sandbox.write(&format!("{split}.ts"), ts(&all));
        sandbox.write(&format!("{split}.npz"), npz(&all, split == "train"));
        sandbox.write(&format!("flat-{split}.npz"), npz(&all, split == "test"));
        sandbox.write(&format!("long-{split}.csv"), long(&all));
        sandbox.write(&format!("wide-{split}.csv.gz"), gzip(wide(&all).as_bytes()));
        sandbox.write(&format!("{split}.parquet"), parquet(&all));
    }
    let of = |dataset: &str, train: &str, test: &str| {
        format!(
            "[data]\ndataset = \"{dataset}\"\ntrain = \"{train}\"\ntest = \"{test}\"\nvalidation = 10\n\
             missing = \"interpolate\"\nmissing_mask = true"
        )
    };
    let by_step = "\nid = \"series\"\ntime = \"t\"\ntarget = \"label\"";
    let by_series = "\nlayout = \"wide\"\nfeatures = [\"rise\", \"level\"]\ntarget = \"label\"";
    let experiments = [
        ("ts", of("ts", "train.ts", "test.ts")),
        ("npz", of("npz", "train.npz", "test.npz")),
        ("flat", of("npz", "flat-train.npz", "flat-test.npz")),
        ("long", of("table", "long-train.csv", "long-test.csv") + by_step),
        ("wide", of("table", "wide-train.csv.gz", "wide-test.csv.gz") + by_series),
        ("parquet", of("table", "train.parquet", "test.parquet") + by_step),
    ];
    let experiments = experiments.each_ref().map(|(name, data)| (*name, data.as_str()));
    same(&sandbox, &experiments, OF_SERIES);

    // Whatever it was trained on, a net is asked in each format.
    let answers = |run: &str, file: &str| {
        let found = json(&sandbox.birnn(&["predict", run, file, "--json"]).done().stdout);
        let all = found["predictions"].as_array().unwrap();
        all.iter().map(|one| one["probabilities"].clone()).collect::<Vec<_>>()
    };
    let expected = answers("run-ts", "test.ts");
    assert_eq!(expected.len(), 30);
    for run in ["run-ts", "run-npz"] {
        for file in ["test.ts", "test.npz", "flat-test.npz"] {
            assert_eq!(answers(run, file), expected, "{run}, {file}");
        }
    }
    sandbox.birnn(&["compare", "run-ts", "run-npz"]).done();
    sandbox.birnn(&["report", "run-npz"]).done();
    let page = sandbox.text("run-npz/report.html");
    assert!(page.contains("and the net reads which they are"));
    sandbox.birnn(&["export", "run-npz", "net.ckpt"]).done();
    sandbox.birnn(&["import", "net.ckpt", "--out", "back.safetensors"]).done();
    assert_eq!(answers("back.safetensors", "test.npz"), expected);
    sandbox.birnn(&["export", "run-npz", "net.onnx"]).done();
    let keep = ["eval", "run-npz", "--set", "data.missing_mask=false"];
    sandbox.birnn(&keep).failed(2, &["--set data.missing_mask: how series are read belongs to the net"]);

    // What is wrong with a file is told by its array.
    sandbox.write("bad.npz", &npz(&series(0..9), true)[..200]);
    sandbox.birnn(&["predict", "run-ts", "bad.npz"]).failed(2, &["bad.npz: a zip archive that is damaged"]);
    let args = ["train", "npz.toml", "--run-dir", "other", "--set", "data.arrays.y=labels"];
    sandbox.birnn(&args).failed(2, &["train.npz: has no array `labels`, and holds X, lengths, y"]);
    let refused = ["train", "npz.toml", "--run-dir", "other", "--set", "data.missing=refuse", "--set"];
    let refused = [&refused[..], &["data.missing_mask=false"]].concat();
    sandbox.birnn(&refused).failed(2, &["train.npz: series ", ": the value at step "]);
}
