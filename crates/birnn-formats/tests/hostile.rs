//! Files that are small and ask for much: memory and time stay a small multiple of their length.

mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use birnn_formats::{InferredModel, parse};

use crate::common::{number, pickled, refused, text, tuple, zipped};

const TENSOR: &[u8] = b"ctorch._utils\n_rebuild_tensor_v2\n";

/// The opcodes of a tensor of the storage `0`.
fn tensor(class: &str, count: i64, shape: &[i64], stride: &[i64]) -> Vec<u8> {
    let storage =
        [&text("storage"), format!("ctorch\n{class}\n").as_bytes(), &text("0"), &text("cpu"), &number(count)]
            .concat();
    [TENSOR, b"((", &storage, b"tQ", &number(0), &tuple(shape), &tuple(stride), b"\x89NtR"].concat()
}

/// Pickles in which a few bytes, again and again, ask for a copy of what is long.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let again = |start: &[u8], step: &[u8], times: usize| {
        pickled(&[start, b"(", &step.repeat(times), b"t."].concat())
    };
    let long = text(&"x".repeat(1 << 20));
    // Memo 0 a function, memo 1 its arguments.
    let items = [
        b"ccollections\nOrderedDict\nq\x000NN\x86q\x020](".as_slice(),
        &b"h\x02".repeat(100_000),
        b"e\x85q\x010",
    ]
    .concat();
    let name =
        [&text("torch"), b"q\x000".as_slice(), &text(&format!("{}Storage", "x".repeat(1 << 20))), b"q\x010"]
            .concat();
    let storage = |class: &str, key: &[u8]| {
        [b"(".as_slice(), &text("storage"), class.as_bytes(), key, &text("cpu"), b"K\x01tq\x000"].concat()
    };
    let dimensions = [
        TENSOR,
        b"q\x000(",
        &storage("ctorch\nFloatStorage\n", &text("0")),
        b"h\x00QK\x00](",
        &b"K\x01".repeat(100_000),
        b"eq\x03h\x03tq\x010",
    ]
    .concat();
    vec![
        ("an OrderedDict of the same items", again(&items, b"h\x00h\x01R", 100_000)),
        ("a long name", again(&name, b"h\x00h\x01\x93", 100_000)),
        (
            "a long name of a storage",
            again(
                &storage(&format!("ctorch\n{}Storage\n", "x".repeat(1 << 20)), &text("0")),
                b"h\x00Q",
                100_000,
            ),
        ),
        ("a long key", again(&storage("ctorch\nFloatStorage\n", &long), b"h\x00Q", 100_000)),
        ("a long shape", again(&dimensions, b"h\x00h\x01R", 100_000)),
        ("empty lists", again(b"", b"]", 4_000_000)),
        ("a number in the memo beyond all values", pickled(b"Nr\xff\xff\xff\xff.")),
    ]
}

#[test]
fn a_short_pickle_builds_no_more_than_its_length_allows() {
    for (what, bytes) in bombs() {
        let start = Instant::now();
        let error = parse(Path::new("x"), &bytes).unwrap_err().to_string();
        assert!(error.len() < 500 && !error.contains('\n'), "{what}: {error}");
        // Without a bound it would be minutes; a machine may be slow.
        assert!(start.elapsed() < Duration::from_secs(20), "{what} took {:?}", start.elapsed());
    }
    refused(&bombs()[0].1, "far more values than its length has room for");
}

#[test]
fn what_a_pickler_writes_is_within_the_budget() {
    // The densest there is: a byte for each value, or two for each list.
    for values in
        [b"N".repeat(100_000), b")".repeat(100_000), b"]\x94".repeat(100_000), b"}\x94N\x85".repeat(50_000)]
    {
        let pickle = [
            b"}".as_slice(),
            &text("w"),
            &tensor("FloatStorage", 1, &[1], &[1]),
            b"s",
            &text("history"),
            b"](",
            &values,
            b"es.",
        ];
        let file =
            zipped(&[("a/data.pkl", &[b"\x80\x02", &pickle.concat()[..]].concat()), ("a/data/0", &[0; 4])]);
        refused(&file, "`history` in its state dict is no tensor");
    }
}

/// A file with a tensor `w`, of a storage with one number.
fn one(shape: &[i64], stride: &[i64]) -> Vec<u8> {
    let pickle =
        [b"\x80\x02}".as_slice(), &text("w"), &tensor("FloatStorage", 1, shape, stride), b"s."].concat();
    zipped(&[("a/data.pkl", &pickle), ("a/data/0", &[0; 4])])
}

#[test]
fn no_product_of_lengths_overflows() {
    for shape in [&[1 << 40, 1 << 40][..], &[1 << 32, 1 << 32], &[i64::MAX, 2], &[1 << 62], &[i64::MAX; 8]] {
        refused(&one(shape, &vec![0; shape.len()]), "lies outside of its storage");
    }
    refused(&one(&[1 << 30], &[0]), "elements of the tensor `w` overlap");
    assert!(
        parse(Path::new("x"), &one(&[0, i64::MAX, i64::MAX], &[0, 0, 0])).unwrap()["w"].values().is_empty()
    );
}

#[test]
fn one_number_under_many_names_is_not_copied_for_each() {
    let floats = 1 << 16;
    let shared = |names: usize| {
        let mut pickle = [
            b"\x80\x02}".as_slice(),
            &text("w"),
            &tensor("FloatStorage", floats, &[floats], &[1]),
            b"q\x00s",
        ]
        .concat();
        (0..names).for_each(|name| pickle.extend([&text(&name.to_string()), b"h\x00s".as_slice()].concat()));
        pickle.push(b'.');
        zipped(&[("a/data.pkl", &pickle), ("a/data/0", &vec![0; 4 * floats as usize])])
    };
    assert_eq!(parse(Path::new("x"), &shared(3)).unwrap().len(), 4);
    refused(&shared(100), "share their numbers so often");
}

/// A safetensors file with `header` and so many zeros.
fn safetensors(header: &str, bytes: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; bytes]].concat()
}

#[test]
fn a_length_without_numbers_is_not_believed() {
    let head = r#""lstm.weight_hh_l0":{"dtype":"F32","shape":[4,1],"data_offsets":[0,16]},"fc.bias":{"dtype":"F32","shape":[2],"data_offsets":[16,24]}"#;
    for (name, shape, other) in [
        (
            "lstm.weight_ih_l0",
            "[2305843009213693952,0]",
            r#""fc.weight":{"dtype":"F32","shape":[2,1],"data_offsets":[24,32]}"#,
        ),
        (
            "fc.weight",
            "[1152921504606846976,0]",
            r#""lstm.weight_ih_l0":{"dtype":"F32","shape":[2,1],"data_offsets":[24,32]}"#,
        ),
    ] {
        let header = format!(
            r#"{{{head},{other},"{name}":{{"dtype":"F32","shape":{shape},"data_offsets":[32,32]}}}}"#
        );
        let weights = parse(Path::new("x"), &safetensors(&header, 32)).unwrap();
        let error = InferredModel::new(weights).unwrap_err().to_string();
        assert!(
            error.contains(&format!("`{name}` is [")) && error.contains("with no number in it"),
            "{error}"
        );
    }
    let overflow = r#"{"w":{"dtype":"F32","shape":[1099511627776,1099511627776],"data_offsets":[0,0]}}"#;
    refused(&safetensors(overflow, 0), "no safetensors file");
}

#[test]
fn names_of_a_file_are_shown_escaped() {
    refused(&one_of("\u{1b}[31mRED\u{1b}[0mStorage"), r"it names `torch.\u001b[31mRED\u001b[0mStorage`");
    refused(&safetensors("{\"\u{1b}[31m\":1}", 0), r"no safetensors file");
    refused(&zipped(&[("a\u{1b}[2J/../data.pkl", b"")]), r"\u001b[2J");
    let header = "{\"\u{1b}[2J\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}"
        .replace('\u{1b}', "\\u001b");
    let error = parse(Path::new("x"), &safetensors(&header, 8)).unwrap_err().to_string();
    assert!(!error.chars().any(char::is_control), "{error:?}");
}

fn one_of(class: &str) -> Vec<u8> {
    pickled(&[b"}".as_slice(), &text("w"), &tensor(class, 1, &[1], &[1]), b"s."].concat())
}

/// An archive that claims a directory of so many entries.
#[test]
fn a_directory_of_an_archive_is_no_larger_than_the_archive() {
    let many = 3_000_000_u64;
    let mut file = [b"PK\x03\x04".as_slice(), &vec![0; many as usize]].concat();
    let start = file.len() as u64;
    let (number, long) = (|n: u16| n.to_le_bytes().to_vec(), |n: u32| n.to_le_bytes().to_vec());
    file.extend(
        [b"PK\x06\x06".as_slice(), &44_u64.to_le_bytes(), &number(45), &number(45), &long(0), &long(0)]
            .concat(),
    );
    file.extend([many, many, 46 * many, start].iter().flat_map(|n| n.to_le_bytes()));
    file.extend([b"PK\x06\x07".as_slice(), &long(0), &start.to_le_bytes(), &long(1)].concat());
    file.extend([b"PK\x05\x06".as_slice(), &[0; 4], &[0xff; 12], &[0; 2]].concat());
    refused(&file, "a zip archive that is damaged or cut short");
}
