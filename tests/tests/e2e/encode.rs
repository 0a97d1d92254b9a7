//! `birnn encode`: states of pictures and series, by the names that they are known by, in a file that is
//! whole.

use birnn_tests::Sandbox;
use safetensors::SafeTensors;

/// What a safetensors file of states holds: their shape and bytes, the ids, and lengths where there are such.
#[derive(Debug, PartialEq)]
struct Encoded {
    shape: Vec<usize>,
    states: Vec<u8>,
    ids: Vec<String>,
    lengths: Option<Vec<i64>>,
}

fn read(sandbox: &Sandbox, name: &str) -> Encoded {
    let bytes = sandbox.read(name);
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    let states = file.tensor("states").unwrap();
    let lengths = file.tensor("lengths").ok().map(|lengths| {
        lengths.data().chunks_exact(8).map(|bytes| i64::from_le_bytes(bytes.try_into().unwrap())).collect()
    });
    Encoded {
        shape: states.shape().to_vec(),
        states: states.data().to_vec(),
        ids: serde_json::from_str(&metadata.metadata().as_ref().unwrap()["ids"]).unwrap(),
        lengths,
    }
}

fn picture(column: usize) -> Vec<u8> {
    let row: Vec<u8> = (0..28).map(|x| if (column..column + 4).contains(&x) { 255 } else { 0 }).collect();
    [b"P5 28 28 255\n".to_vec(), row.repeat(28)].concat()
}

#[test]
fn pictures_are_encoded_as_they_are_alone() {
    let sandbox = Sandbox::new();
    sandbox.train_small("run");
    // More than are handed on at once.
    for index in 0..70 {
        sandbox.write(&format!("some/{index:02}.pgm"), picture(4 + index % 16));
    }
    let ended = sandbox.birnn(&["encode", "run", "some", "--out", "all.safetensors"]).done();
    let all = read(&sandbox, "all.safetensors");
    let width = all.shape[1];
    let said = format!("saved all.safetensors: 70 x {width} states of 70 images, read and encoded at ");
    assert!(ended.stderr.contains(&said) && ended.stdout.is_empty(), "{}", ended.stderr);
    assert_eq!((all.shape[0], all.ids[0].as_str(), all.ids[69].as_str()), (70, "some/00.pgm", "some/69.pgm"));
    assert_eq!(all.lengths, None);
    sandbox.birnn(&["encode", "run/model.safetensors", "some/69.pgm", "--out", "one.safetensors"]).done();
    assert_eq!(read(&sandbox, "one.safetensors").states, all.states[69 * width * 4..]);

    sandbox.birnn(&["encode", "run", "some", "--per", "step", "--out", "steps.safetensors"]).done();
    let steps = read(&sandbox, "steps.safetensors");
    assert_eq!((steps.shape, steps.lengths), (vec![70 * 28, width], Some(vec![28; 70])));

    for (out, begin) in [("a.npz", b"PK\x03\x04"), ("a.parquet", b"PAR1")] {
        sandbox.birnn(&["encode", "run", "some", "--out", out]).done();
        assert_eq!(sandbox.read(out)[..4], *begin, "{out}");
    }
}

#[test]
fn series_are_encoded_by_file_and_line() {
    let sandbox = Sandbox::new();
    let experiment = "[data]\ndataset = \"synthetic-series\"\nlimit = 200\n[model]\nhidden = 8\nreadout = \"final\"\n\
                      [train]\nepochs = 1\n";
    sandbox.write("x.toml", experiment);
    sandbox.birnn(&["train", "x.toml", "--run-dir", "run"]).done();
    let lines = "1,2:3,4:5,6\n\n7:8:9\n";
    sandbox.write("some.ts", lines);
    sandbox.birnn(&["encode", "run", "some.ts", "--per", "step", "--out", "file.safetensors"]).done();
    let file = read(&sandbox, "file.safetensors");
    assert_eq!((file.shape.as_slice(), file.lengths.as_deref()), (&[3, 16][..], Some(&[2, 1][..])));
    assert_eq!(file.ids, ["some.ts:1", "some.ts:3"]);
    let given = ["encode", "run", "-", "--per", "step", "--out", "given.safetensors"];
    sandbox.birnn_given(&given, lines).done();
    let given = read(&sandbox, "given.safetensors");
    assert_eq!((given.states, given.ids), (file.states, vec!["-:1".to_owned(), "-:3".to_owned()]));
}

#[test]
fn what_cannot_be_read_hides_no_other_and_what_is_there_stays() {
    let sandbox = Sandbox::new();
    sandbox.train_small("run");
    sandbox.write("a.pgm", picture(3));
    sandbox.write("broken.png", "no picture");
    let ended =
        sandbox.birnn(&["encode", "run", "a.pgm", "broken.png", "none.png", "--out", "a.safetensors"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.ends_with("error: 2 of 3 samples could not be read\n"), "{}", ended.stderr);
    assert_eq!(read(&sandbox, "a.safetensors").ids, ["a.pgm"]);

    let before = sandbox.listing();
    let whole = sandbox.read("a.safetensors");
    let encode = |file: &str, rest: &[&str]| sandbox.birnn(&[&["encode", "run", file], rest].concat());
    encode("none.png", &["--out", "b.npz"]).failed(2, &["none.png: No such file"]);
    encode("a.pgm", &["--out", "b.csv"])
        .failed(2, &["b.csv: the ending says what is written: .npz, .parquet or"]);
    encode("a.pgm", &["--out", "a.safetensors"]).failed(2, &["a.safetensors: is there already", "--force"]);
    encode("a.pgm", &["--out", "no/a.npz"]).failed(2, &["no/a.npz: there is no such folder"]);
    encode("some.ts", &["--out", "b.npz"]).failed(2, &["some.ts: the net reads images"]);
    for at in 1..=2 {
        let fault = format!("ENOSPC@{at}");
        let args = ["encode", "run", "a.pgm", "--out", "a.safetensors", "--force", "--per", "step"];
        sandbox.birnn_with(&args, &[("BIRNN_FAULT", &fault)]).failed(1, &["a.safetensors: No space left"]);
    }
    assert!(sandbox.listing() == before && sandbox.read("a.safetensors") == whole);
    encode("a.pgm", &["--out", "a.safetensors", "--force", "--per", "step"]).done();
    assert_eq!(read(&sandbox, "a.safetensors").lengths, Some(vec![28]));
}
