//! Reading what PyTorch wrote, and what nobody should have.
//!
//! The files in `fixtures` are made by `fixtures/make.py`, all of one net.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod common;

use std::path::Path;

use birnn_architecture::{CellKind, Hidden, ModelConfig, Readout};
use birnn_formats::{Array, InferredModel, StateDict, check, parse, pytorch, read};
use proptest::prelude::*;

use crate::common::{fixture, net, number, pickled, refused, text, tuple, weights, zipped};

#[track_caller]
fn reads(file: &str) {
    let found = InferredModel::new(read(&fixture(file)).unwrap()).unwrap();
    assert_eq!(found.weights, weights(), "{file}");
    assert_eq!((found.config.clone(), found.features, found.outputs), (net(), 4, 2), "{file}");
    check(&found.weights, &net().resolve().unwrap(), 4, 2).unwrap();
}

#[test]
fn every_way_of_saving_is_read() {
    for name in ["ordered", "dict", "legacy", "protocol4", "parameters", "no_checksums"] {
        reads(&format!("{name}.ckpt"));
    }
}

#[test]
fn every_float_is_read() {
    for name in ["double.ckpt", "half.ckpt", "bfloat16.ckpt"] {
        reads(name);
    }
    for name in ["single.safetensors", "half.safetensors", "bfloat16.safetensors"] {
        reads(name);
    }
}

#[test]
fn views_of_one_storage_are_copied_out_of_it() {
    reads("one_storage.ckpt");
    reads("one_storage_legacy.ckpt");
}

#[test]
fn weights_are_found_among_what_training_scripts_keep() {
    for name in ["under_state_dict.ckpt", "under_model.ckpt", "under_model_legacy.ckpt"] {
        reads(name);
    }
}

#[test]
fn modules_may_have_other_names() {
    reads("renamed.ckpt");
    reads("parallel.ckpt");
    let renamed = |name| InferredModel::new(read(&fixture(name)).unwrap()).unwrap().renamed;
    let pairs = |pairs: [(&str, &str); 2]| pairs.map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec();
    assert_eq!(renamed("renamed.ckpt"), pairs([("encoder.", "lstm."), ("out.", "fc.")]));
    assert_eq!(renamed("parallel.ckpt"), pairs([("module.lstm.", "lstm."), ("module.fc.", "fc.")]));
    assert!(renamed("ordered.ckpt").is_empty());
}

#[test]
fn what_is_written_is_read_and_written_again_the_same() {
    let mut weights = weights();
    weights.insert("empty".to_owned(), Array::new(vec![0, 3], Vec::new()));
    weights.insert("one".to_owned(), Array::new(Vec::new(), vec![0.1]));
    let bytes = pytorch::encode(&weights).unwrap();
    let again = parse(Path::new("x"), &bytes).unwrap();
    assert_eq!(again, weights);
    assert_eq!(pytorch::encode(&again).unwrap(), bytes);
}

proptest! {
    #[test]
    fn any_arrays_under_any_names_come_back(arrays in prop::collection::btree_map(
        ".{0,20}",
        prop::collection::vec(0..4_usize, 0..4).prop_flat_map(|shape| {
            let number = any::<f32>().prop_filter("equal to itself", |x| !x.is_nan());
            prop::collection::vec(number, shape.iter().product::<usize>())
                .prop_map(move |values| Array::new(shape.clone(), values))
        }),
        1..5,
    )) {
        prop_assert_eq!(parse(Path::new("x"), &pytorch::encode(&arrays).unwrap()).unwrap(), arrays);
    }

    #[test]
    fn no_pickle_is_more_than_an_error(pickle in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(Path::new("x"), &pickled(&pickle));
    }
}

/// Every architecture is told from its own weights.
#[test]
fn the_net_is_told_from_names_and_shapes() {
    for cell in [CellKind::Rnn, CellKind::Gru, CellKind::Lstm] {
        for layers in 1..4 {
            let (same, each) = (Hidden::Same(5), Hidden::Each { forward: 5, reverse: 3 });
            let reverse = Hidden::Reverse { reverse: 5 };
            for (bidirectional, hidden) in [(true, same), (true, each), (false, same), (false, reverse)] {
                for readout in [ModelConfig::default().readout, Readout::Attention] {
                    let config = ModelConfig {
                        cell,
                        layers,
                        bidirectional,
                        hidden,
                        readout,
                        ..ModelConfig::default()
                    };
                    let architecture = config.resolve().unwrap();
                    let zeros = |(name, shape): (String, Vec<usize>)| {
                        let values = vec![0.0; shape.iter().product()];
                        (name, Array::new(shape, values))
                    };
                    let weights = architecture.parameters(6, 4).into_iter().map(zeros).collect();
                    let found = InferredModel::new(weights).unwrap();
                    assert_eq!((found.config.clone(), found.features, found.outputs), (config, 6, 4));
                    check(&found.weights, &architecture, 6, 4).unwrap();
                }
            }
        }
    }
}

#[test]
fn layers_without_biases_have_zeros() {
    let mut without = weights();
    without.retain(|name, _| !name.starts_with("lstm.bias"));
    let found = InferredModel::new(without.clone()).unwrap();
    assert!(found.without_biases && !InferredModel::new(weights()).unwrap().without_biases);
    check(&found.weights, &net().resolve().unwrap(), 4, 2).unwrap();
    assert_eq!(found.weights["lstm.bias_hh_l0_reverse"], Array::new(vec![12], vec![0.0; 12]));
    // One of them missing is another matter.
    without.insert("lstm.bias_ih_l0".to_owned(), Array::new(vec![12], vec![0.0; 12]));
    let found = InferredModel::new(without).unwrap();
    assert!(!found.without_biases);
    assert_eq!(check(&found.weights, &net().resolve().unwrap(), 4, 2).unwrap_err().missing.len(), 3);
}

#[test]
fn what_does_not_fit_is_listed_by_name() {
    let mut changed = weights();
    changed.remove("lstm.bias_hh_l0").unwrap();
    changed.insert("lstm.extra".to_owned(), Array::new(vec![1], vec![0.0]));
    changed.insert("fc.bias".to_owned(), Array::new(vec![2, 1], vec![0.0; 2]));
    let found = InferredModel::new(changed).unwrap();
    let mismatch = check(&found.weights, &net().resolve().unwrap(), 4, 2).unwrap_err();
    assert_eq!(
        mismatch.to_string(),
        "missing: `lstm.bias_hh_l0`; unexpected: `lstm.extra`; misshapen: `fc.bias` is [2, 1] and should be \
         [2]"
    );
    let other = ModelConfig { layers: 2, ..net() }.resolve().unwrap();
    assert_eq!(check(&found.weights, &other, 4, 2).unwrap_err().missing.len(), 9);
}

#[test]
fn what_is_no_net_of_ours_is_refused() {
    let refused = |change: &dyn Fn(&mut StateDict), part: &str| {
        let mut changed = weights();
        change(&mut changed);
        let error = InferredModel::new(changed).unwrap_err().to_string();
        assert!(error.contains(part), "no `{part}` in: {error}");
    };
    let array = |shape: &[usize]| Array::new(shape.to_vec(), vec![0.0; shape.iter().product()]);
    refused(
        &|w| {
            w.insert("lstm.weight_hr_l0".to_owned(), array(&[2, 3]));
        },
        "`lstm.weight_hr_l0`: it has a projection",
    );
    refused(&|w| w.retain(|name, _| name.starts_with("fc")), "no recurrent layers are in it");
    refused(&|w| w.retain(|name, _| !name.starts_with("fc")), "there is no head in it: no `fc.weight`");
    refused(
        &|w| {
            w.insert("gru.weight_ih_l0".to_owned(), array(&[3, 4]));
        },
        "several recurrent modules",
    );
    refused(
        &|w| {
            let head = w.remove("fc.weight").unwrap();
            w.insert("a.weight".to_owned(), head.clone());
            w.insert("b.weight".to_owned(), head);
        },
        "several matrices could be its head, `a`, `b`; ",
    );
    refused(
        &|w| {
            let head = w.remove("fc.weight").unwrap();
            w.insert("out.weight".to_owned(), head);
            w.insert("out.bias".to_owned(), array(&[2]));
        },
        "two of its weights would be `fc.bias`",
    );
    refused(
        &|w| {
            w.insert("lstm.weight_ih_l0".to_owned(), array(&[6, 4]));
        },
        "6 rows for 3 hidden units",
    );
    refused(
        &|w| {
            w.insert("lstm.weight_hh_l0".to_owned(), array(&[12, 0]));
        },
        "`lstm.weight_hh_l0` is [12, 0], with no number in it",
    );
    refused(
        &|w| {
            w.insert("lstm.weight_hh_l0".to_owned(), array(&[12]));
        },
        "is no matrix",
    );
    refused(
        &|w| {
            w.insert("fc.bias".to_owned(), Array::new(vec![2], vec![0.0, f32::NAN]));
        },
        "`fc.bias` has values that are not finite",
    );
    let file = std::fs::read(fixture("single.safetensors")).unwrap();
    let begin = file.windows(11).position(|bytes| bytes == br#"dtype":"F32"#).unwrap();
    let integers = [&file[..begin], br#"dtype":"I32"#, &file[begin + 11..]].concat();
    let error =
        InferredModel::new(parse(Path::new("x.safetensors"), &integers).unwrap()).unwrap_err().to_string();
    assert!(error.contains("has integers, which are no weights"), "{error}");
}

#[test]
fn nothing_is_run_and_nothing_overlaps() {
    let refused = |name: &str, part: &str| refused(&std::fs::read(fixture(name)).unwrap(), part);
    for name in ["hostile_system.ckpt", "hostile_system_legacy.ckpt"] {
        refused(name, "it names `posix.system`, which is no part of weights; nothing of it was run");
    }
    refused("whole_model.ckpt", "it names `__main__.Net`");
    refused("hostile_overlap.ckpt", "the tensors `lstm.bias_ih_l0` and `lstm.bias_hh_l0` overlap in storage");
    refused(
        "hostile_expanded.ckpt",
        "elements of the tensor `fc.weight` overlap: in Python, save `{name: tensor.clone()",
    );
}

/// Whatever happens to a file, reading it gives an error or, where the format has no checksum for it, other
/// weights: it never hangs, panics, or takes more memory.
#[test]
fn damaged_files_are_errors() {
    for name in ["ordered.ckpt", "legacy.ckpt", "protocol4.ckpt", "single.safetensors"] {
        let good = std::fs::read(fixture(name)).unwrap();
        for length in 0..good.len() {
            assert!(parse(Path::new("x"), &good[..length]).is_err(), "{name} cut to {length} bytes");
        }
        for index in 0..good.len() {
            let mut bytes = good.clone();
            bytes[index] ^= 1 << (index % 8);
            let read = parse(Path::new("x"), &bytes);
            let checked = name.ends_with(".ckpt") && name != "legacy.ckpt";
            assert!(
                !checked || read.is_err() || read.unwrap() == weights(),
                "{name}: byte {index} is not noticed"
            );
        }
    }
}

#[test]
fn what_is_no_file_of_weights_is_refused() {
    refused(b"", "it is empty");
    refused(b"just a text", "neither a state dict that torch.save wrote nor a safetensors file");
    refused(b"\xff\xff\xff\xff\xff\xff\xff\x7f{}", "no safetensors file");
    refused(b"PK\x03\x04", "a zip archive that is damaged or cut short");
    refused(&zipped(&[("word/document.xml", b"x")]), "no `data.pkl`");
    let missing = read(Path::new("no/such/file")).unwrap_err().to_string();
    assert!(missing.starts_with("no/such/file: No such file"), "{missing}");
    assert!(read(Path::new("/")).unwrap_err().to_string().contains("/: is not a file"));
}

/// A file with one tensor of a storage that is said to have `count` numbers and has four.
fn one(class: &str, count: i64, offset: i64, shape: &[i64], stride: &[i64]) -> Vec<u8> {
    let class = format!("ctorch\n{class}\n");
    let pickle = [
        b"\x80\x02}".as_slice(),
        &text("w"),
        b"ctorch._utils\n_rebuild_tensor_v2\n((",
        &text("storage"),
        class.as_bytes(),
        &text("0"),
        &text("cpu"),
        &number(count),
        b"tQ",
        &number(offset),
        &tuple(shape),
        &tuple(stride),
        b"\x89NtRs.",
    ];
    zipped(&[("a/data.pkl", &pickle.concat()), ("a/data/0", &[0; 16])])
}

#[test]
fn a_tensor_lies_within_its_storage_or_is_refused() {
    let four = |offset, shape: &[i64], stride: &[i64]| one("FloatStorage", 4, offset, shape, stride);
    let read = parse(Path::new("x"), &four(0, &[2, 2], &[1, 2])).unwrap();
    assert_eq!(read["w"], Array::new(vec![2, 2], vec![0.0; 4]));
    for (offset, shape, stride) in [
        (0, &[5][..], &[1][..]),
        (1, &[4], &[1]),
        (5, &[0], &[1]),
        (0, &[3], &[2]),
        (0, &[2, 2], &[3, 2]),
        (i64::MAX, &[4], &[1]),
        (0, &[i64::MAX, i64::MAX], &[1, 1]),
        (0, &[2], &[i64::MAX]),
    ] {
        refused(&four(offset, shape, stride), "lies outside of its storage");
    }
    for (offset, shape, stride) in [
        (-1, &[4][..], &[1][..]),
        (0, &[-4], &[1]),
        (0, &[4], &[-1]),
        (0, &[4], &[1, 1]),
        (0, &[1; 9], &[1; 9]),
    ] {
        refused(&four(offset, shape, stride), "a tensor that is not described as one");
    }
    refused(&four(0, &[4], &[0]), "overlap");
    refused(&four(0, &[2, 2], &[1, 1]), "overlap");
    // Many times nothing is nothing, and is soon done with.
    assert!(parse(Path::new("x"), &four(0, &[i64::MAX, 0], &[1, 1])).unwrap()["w"].values().is_empty());
    refused(
        &one("FloatStorage", 1 << 60, 0, &[1 << 60], &[1]),
        "storage 0 has 16 bytes, and 1152921504606846976",
    );
    refused(&one("FloatStorage", 3, 0, &[3], &[1]), "storage 0 has 16 bytes, and 3 numbers in it");
    refused(&one("FloatStorage", -1, 0, &[4], &[1]), "a storage that is not described as one");
    refused(&one("ComplexDoubleStorage", 1, 0, &[1], &[1]), "`w` is a ComplexDoubleStorage");
    // Counters stand beside weights, and are to be named as what does not belong.
    assert_eq!(parse(Path::new("x"), &one("LongStorage", 2, 0, &[2], &[1])).unwrap()["w"].values(), [0.0; 2]);
}

#[test]
fn hostile_pickles_are_refused() {
    let refused = |pickle: &[u8], part: &str| refused(&pickled(pickle), part);
    refused(b"cos\nsystem\n(X\x04\0\0\0truetR.", "it names `os.system`");
    refused(b"\x8c\x02os\x8c\x06system\x93.", "it names `os.system`");
    refused(b"c__builtin__\neval\n.", "it names `builtins.eval`");
    refused(b"ctorch.hub\nload\n.", "it names `torch.hub.load`");
    refused(b"c../../x\n\x1b[2Jy\n.", "it names `../../x.\\u001b[2Jy`");
    refused(b"(ios\nsystem\n.", "opcode 0x69");
    refused(b".", "an operation without its operands");
    refused(b"(.", "an operation without its operands");
    refused(b"(0.", "an operation without its operands");
    refused(b"}K\x01s.", "an operation without its operands");
    refused(b"t.", "an operation without its operands");
    refused(b"N", "it ends within its pickle");
    refused(b"X\xff\xff\xff\xffabc", "it ends within its pickle");
    refused(b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc", "it ends within its pickle");
    refused(b"h\x07.", "a reference to nothing");
    refused(b"N(K\x01K\x02K\x03u.", "a key without a value");
    refused(b"NN\x86Q.", "a storage that is not described as one");
    refused(b"NNR.", "a call");
    refused(b"ctorch._utils\n_rebuild_tensor_v2\n)R.", "a tensor that is not described as one");
    refused(b"N.", "it holds no dict");
    refused(b"}.", "there are no weights in it");
    refused(b"}X\x05\0\0\0modelNs.", "its keys are `model`");
    // A dict in itself, and a tuple in a tuple in a tuple.
    refused(b"}q\x00X\x05\0\0\0modelh\x00s.", "there are no weights in it");
    let deep = [b"N".as_slice(), &[0x85; 1_000_000], b"."].concat();
    refused(&deep, "it holds no dict");
    refused(&[b'N'; 5 << 20], "has more than 4194304 bytes, and so more than weights");
}

#[test]
fn hostile_archives_are_refused() {
    let good = std::fs::read(fixture("ordered.ckpt")).unwrap();
    let pickle: &[u8] = b"\x80\x02}.";
    refused(&zipped(&[("../a/data.pkl", pickle)]), "its entry `../a/data.pkl` points out of it");
    refused(&zipped(&[("/a/data.pkl", pickle)]), "points out of it");
    refused(&zipped(&[("a/data.pkl", pickle), ("a\\..\\..\\b", b"")]), "points out of it");
    refused(&zipped(&[("a/data.pkl", pickle), ("b/data.pkl", pickle)]), "no `data.pkl`");
    refused(&zipped(&[("a/data.pkl", pickle), ("a/byteorder", b"big")]), "big-endian");
    // Says that it is deflated.
    let mut deflated = good.clone();
    let entries: Vec<usize> =
        (0..good.len() - 4).filter(|&at| good[at..].starts_with(b"PK\x01\x02")).collect();
    deflated[entries[0] + 10] = 8;
    refused(&deflated, "is compressed or encrypted, which torch.save never does");
    // Two entries at the same offset: what makes a small archive unpack to a large one.
    let mut twice = good.clone();
    let header = 42..46;
    let first: Vec<u8> = good[entries[4]..][header.clone()].to_vec();
    twice[entries[5]..][header].copy_from_slice(&first);
    refused(&twice, "overlap");
    // Says that it holds four gigabytes.
    let mut large = good;
    large[entries[4] + 20..entries[4] + 28].fill(0xfe);
    refused(&large, "");
}
