use proptest::prelude::*;

use super::*;
use crate::form::tests::{DEFLATED, npy, npy_in, zip};
use crate::image::idx::tests::gzip;
use crate::targets::Wanted;

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn integers(values: &[i64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Text of two characters at most, as NumPy has it.
fn text(values: &[&str]) -> Vec<u8> {
    let points = |value: &&str| {
        let mut points: Vec<u32> = value.chars().map(u32::from).collect();
        points.resize(2, 0);
        points
    };
    values.iter().flat_map(points).flat_map(u32::to_le_bytes).collect()
}

/// Series of 2, 1 and 3 steps, of two features.
const VALUES: [f32; 12] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, f32::NAN];

fn flat() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("X", npy("<f4", "(6, 2)", &floats(&VALUES))),
        ("lengths", npy("<i8", "(3,)", &integers(&[2, 1, 3]))),
        ("y", npy("<i8", "(3,)", &integers(&[10, 2, 10]))),
    ]
}

/// [`flat`] with these arrays in place of those of their names, or beside them.
fn flat_with(others: Vec<(&'static str, Vec<u8>)>) -> Vec<(&'static str, Vec<u8>)> {
    let mut arrays = flat();
    arrays.retain(|(name, _)| others.iter().all(|(other, _)| other != name));
    arrays.into_iter().chain(others).collect()
}

fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let names: Vec<String> = arrays.iter().map(|(name, _)| format!("{name}.npy")).collect();
    let entries =
        names.iter().zip(arrays).map(|(name, (_, array))| (name.as_str(), array.as_slice(), DEFLATED));
    zip(&entries.collect::<Vec<_>>())
}

fn wanted(kind: TargetKind, per: Per) -> NpzOptions {
    NpzOptions { wanted: Some(Wanted { kind, per }), ..NpzOptions::default() }
}

/// What a class for each series is looked for by.
fn by() -> NpzOptions {
    wanted(TargetKind::Classes, Per::Sequence)
}

fn bits(file: &SeriesFile) -> (Vec<u32>, Vec<usize>) {
    let Values::Floats(values) = file.sequences.values() else { panic!("numbers were wanted") };
    (values.iter().map(|value| value.to_bits()).collect(), file.sequences.lengths().collect())
}

#[track_caller]
fn parsed(arrays: &[(&'static str, Vec<u8>)], options: &NpzOptions) -> SeriesFile {
    parse_npz(&npz(arrays), options).unwrap()
}

#[test]
fn flat_and_padded_series_of_any_type_are_the_same() {
    let expected = parsed(&flat(), &by());
    let (values, lengths) = bits(&expected);
    assert_eq!((values.len(), lengths), (12, vec![2, 1, 3]));
    assert!(f32::from_bits(values[11]).is_nan());
    let targets = expected.targets.clone().unwrap();
    assert_eq!(
        (targets.names.as_slice(), targets.targets.classes()),
        (&["2".to_owned(), "10".to_owned()][..], Some(&[1, 0, 1][..]))
    );

    // Padding may be anything, the infinite included.
    let infinite = f32::INFINITY;
    let padded = [&VALUES[..4], &[infinite, 0.0], &VALUES[4..6], &[0.0; 4], &VALUES[6..]].concat();
    let doubles =
        |values: &[f32]| values.iter().flat_map(|&value| f64::from(value).to_le_bytes()).collect::<Vec<u8>>();
    let in_fortran_order: Vec<f32> =
        (0..2).flat_map(|feature| VALUES.iter().skip(feature).step_by(2)).copied().collect();
    let big: Vec<u8> = VALUES.iter().flat_map(|value| value.to_be_bytes()).collect();
    for x in [
        npy("<f4", "(3, 3, 2)", &floats(&padded)),
        npy("<f8", "(3, 3, 2)", &doubles(&padded)),
        npy_in("True", "<f4", "(6, 2)", &floats(&in_fortran_order)),
        npy(">f4", "(6, 2)", &big),
    ] {
        let found = parsed(&flat_with(vec![("X", x)]), &by());
        assert_eq!(bits(&found), bits(&expected));
        assert_eq!((found.targets, found.lines), (expected.targets.clone(), vec![1, 2, 3]));
    }
    let bytes = parsed(
        &[("X", npy("|i1", "(2, 3)", &[1, 2, 255, 4, 5, 6])), ("y", npy("|b1", "(2,)", &[1, 0]))],
        &by(),
    );
    assert_eq!(bits(&bytes), ([1.0, 2.0, -1.0, 4.0, 5.0, 6.0].map(f32::to_bits).to_vec(), vec![3, 3]));
}

#[test]
fn targets_are_of_sequences_or_steps_classes_or_numbers() {
    let of = |y: Vec<u8>, options: &NpzOptions| {
        let FileTargets { targets, names } = parsed(&flat_with(vec![("y", y)]), options).targets.unwrap();
        (targets, names.join(" "))
    };
    let classes = |labels: &[u16], per| Targets { values: TargetValues::Classes(labels.to_vec()), per };
    let numbers = |values: &[f32], width, per| Targets {
        values: TargetValues::Numbers { values: values.to_vec(), width },
        per,
    };

    let words = npy("<U2", "(3,)", &text(&["é", "b", "é"]));
    assert_eq!(of(words, &by()), (classes(&[1, 0, 1], Per::Sequence), "b é".to_owned()));
    let bytes = npy("|S2", "(3, 1)", b"b\0a\0b\0");
    assert_eq!(of(bytes, &by()), (classes(&[1, 0, 1], Per::Sequence), "a b".to_owned()));
    let steps = || npy("<i8", "(6,)", &integers(&[0, 0, 1, 1, 0, 1]));
    let per_step = (classes(&[0, 0, 1, 1, 0, 1], Per::Step), "0 1".to_owned());
    assert_eq!(of(steps(), &by()), per_step);
    assert_eq!(of(steps(), &wanted(TargetKind::Classes, Per::Step)), per_step);
    let regress = wanted(TargetKind::Numbers, Per::Sequence);
    let three = npy("<f4", "(3,)", &floats(&[0.5, 1.5, 2.5]));
    assert_eq!(of(three, &regress), (numbers(&[0.5, 1.5, 2.5], 1, Per::Sequence), "target".to_owned()));
    let pairs = npy("<f4", "(3, 2)", &floats(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
    assert_eq!(
        of(pairs, &regress),
        (numbers(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2, Per::Sequence), "target_1 target_2".to_owned())
    );

    // What stands at padding is no class.
    let x = npy("<f4", "(2, 2)", &floats(&[1.0, 2.0, 3.0, 0.0]));
    let y = npy("<f8", "(2, 2)", &[1.0, 2.0, 1.0, f64::NAN].map(f64::to_le_bytes).concat());
    let arrays = [("X", x), ("y", y), ("lengths", npy("<f4", "(2,)", &floats(&[2.0, 1.0])))];
    let padded = parsed(&arrays, &wanted(TargetKind::Classes, Per::Step)).targets.unwrap();
    assert_eq!((padded.targets, padded.names.join(" ")), (classes(&[0, 1, 0], Per::Step), "1 2".to_owned()));
}

#[test]
fn arrays_have_the_names_that_are_said() {
    let names = |x: &str, ids: &str| Arrays {
        x: Some(x.to_owned()),
        y: Some("label".to_owned()),
        ids: Some(ids.to_owned()),
        ..Arrays::default()
    };
    let mut arrays = flat();
    arrays[0].0 = "values";
    arrays[2].0 = "label";
    arrays.push(("who", npy("<U2", "(3,)", &text(&["ab", "c", "ab"]))));
    arrays.push(("groups", npy("<i8", "(3,)", &integers(&[7, 7, 8]))));
    let of = |arrays: &[(&str, Vec<u8>)], named: Arrays| {
        let classes = Some(["2", "10", "3"].map(str::to_owned).to_vec());
        parse_npz(&npz(arrays), &NpzOptions { arrays: named, classes, ..by() })
    };
    let found = of(&arrays, names("values", "who")).unwrap();
    assert_eq!(found.ids.unwrap(), ["ab", "c", "ab"]);
    assert_eq!(found.groups.unwrap(), ["7", "7", "8"]);
    assert_eq!(found.targets.unwrap().names, ["2", "10", "3"]);
    let error = of(&arrays, names("values", "ids")).unwrap_err().to_string();
    assert_eq!(
        error,
        "has no array `ids`, and holds groups, label, lengths, values, who; `arrays` under [data] names them"
    );
    // To ask a net, no target is needed.
    assert!(parsed(&flat()[..2], &by()).targets.is_none());
}

/// So a package's file is kept that was downloaded.
#[test]
fn labels_without_end_are_no_classes() {
    let count = MOST_LABELS as usize + 1;
    let x = npy("<f4", &format!("({count}, 1)"), &vec![0; 4 * count]);
    let labels: Vec<u8> = (0..count as i32).flat_map(i32::to_le_bytes).collect();
    let y = npy("<i4", &format!("({count},)"), &labels);
    let error = parse_npz(&npz(&[("X", x), ("y", y)]), &by()).unwrap_err().to_string();
    assert!(error.contains("more than 131072 values; numbers are learned by"), "{error}");
}

#[test]
fn a_gzipped_archive_is_read() {
    let bytes = npz(&flat());
    let plain = parse_npz(&bytes, &by()).unwrap();
    let zipped = parse_npz(&gzip(&bytes), &by()).unwrap();
    assert_eq!((bits(&plain), plain.targets), (bits(&zipped), zipped.targets));
    let zeros = gzip(&npz(&[("X", npy("|i1", "(4194304, 1)", &vec![0; 4 << 20]))]));
    let error = parse_npz(&zeros, &by()).unwrap_err().to_string();
    assert!(error.contains("holds more than"), "{error}");
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let refused = |arrays: Vec<(&'static str, Vec<u8>)>, options: &NpzOptions, part: &str| {
        let error = parse_npz(&npz(&arrays), options).unwrap_err().to_string();
        assert!(error.contains(part), "no `{part}` in: {error}");
    };

    let classes = Some(["2", "3"].map(str::to_owned).to_vec());
    let steps = |lengths: &[i64]| npy("<i8", &format!("({},)", lengths.len()), &integers(lengths));
    let x = |values: &[f32], shape: &str| npy("<f4", shape, &floats(values));
    for (array, part) in [
        (
            ("X", npy("|O", "(3,)", b"cos\nsystem")),
            "`X.npy`: its elements are of NumPy's type `|O`; expected numbers",
        ),
        (
            ("X", x(&VALUES, "(6, 2, 1, 1)")),
            "`X` has the shape [6, 2, 1, 1]; expected [series, steps, features]",
        ),
        (("X", x(&[], "(0, 2)")), "promises `X` [0, 2], which is nothing"),
        (("X", npy("<U2", "(3, 2)", &text(&["a"; 6]))), "`X` is of text; expected numbers"),
        (("X", x(&VALUES[..4], "(6, 2)")), "it has more or fewer bytes than its header tells"),
        (("X", x(&VALUES, "(9223372036854775807, 4)")), "promises more than any array holds"),
        (
            ("X", x(&[f32::INFINITY; 12], "(6, 2)")),
            "series 1: the value at step 1 of feature 1 is not finite",
        ),
        (("lengths", steps(&[2, 1, 4])), "`lengths` comes to 7 steps, and `X` has 6"),
        (("lengths", steps(&[2, 0, 4])), "`lengths` at index 1 is no number of steps from 1 to 6"),
        (("lengths", steps(&[2, -1, 4])), "`lengths` at index 1 is no number"),
        (("lengths", npy("<i8", "(3, 1)", &integers(&[2, 1, 3]))), "it has several dimensions"),
        (("y", steps(&[1, 2])), "`y` has the shape [2], and `X` is of 3 series, 6 steps in all"),
        (("y", npy("<f4", "(3,)", &floats(&[1.0, f32::NAN, 2.0]))), "`y` of series 2 is nothing"),
        (
            ("y", npy("<U2", "(3,)", &text(&["a\n", "\0b", ""]))),
            "`y` of series 3 is nothing; expected a class",
        ),
        (("y", npy("<U2", "(3,)", &text(&["a", "NA", "b"]))), "`y` of series 2 is `NA`; expected a class"),
        (("ids", steps(&[1, 2])), "`ids` has the shape [2]"),
        (("ids", npy("<f4", "(3,)", &floats(&[1.0, f32::NAN, 2.0]))), "`ids` of series 2 is missing"),
        (("groups", npy("<U2", "(3,)", &text(&["a", "b", ""]))), "`groups` of series 3 is missing"),
    ] {
        refused(flat_with(vec![array]), &by(), part);
    }
    refused(
        flat(),
        &NpzOptions { classes, ..by() },
        "`y` of series 1 is `10`; expected one of the classes 2, 3",
    );
    let many: Vec<i64> = (0..70_000).collect();
    refused(
        vec![("X", x(&vec![0.0; 70_000], "(70000, 1)")), ("y", steps(&many))],
        &by(),
        "`y` of series 65537 is `65536`, one class more than the 65536",
    );
    let numbers = wanted(TargetKind::Numbers, Per::Sequence);
    refused(
        flat_with(vec![("y", npy("<f4", "(3,)", &floats(&[1.0, 2.0, f32::INFINITY])))]),
        &numbers,
        "`y` of series 3 is not a finite number",
    );
    refused(flat()[1..].to_vec(), &by(), "has no array `X`, and holds lengths, y");
    assert!(parse_npz(b"PK", &by()).unwrap_err().to_string().contains("a zip archive"));
}

proptest! {
    /// Arrays with some of their bytes changed, under checksums that agree.
    #[test]
    fn whatever_the_arrays_are_no_byte_is_a_panic(
        array in 0_usize..4,
        changes in proptest::collection::vec((0_usize..140, any::<u8>()), 1..4),
        cut in 0_usize..200,
        steps in any::<bool>(),
        numbers in any::<bool>(),
    ) {
        let words = npy("<U2", "(3,)", &text(&["é", "b", "é"]));
        let mut arrays = flat_with(vec![("y", words), ("ids", npy("|S1", "(3,)", b"abc"))]);
        let bytes = &mut arrays[array].1;
        for (at, byte) in changes {
            if let Some(changed) = bytes.get_mut(at) {
                *changed = byte;
            }
        }
        bytes.truncate(cut.max(60));
        let kind = if numbers { TargetKind::Numbers } else { TargetKind::Classes };
        let options = wanted(kind, if steps { Per::Step } else { Per::Sequence });
        if let Err(error) = parse_npz(&npz(&arrays), &options) {
            let error = error.to_string();
            prop_assert!(error.len() < 2000 && !error.chars().any(char::is_control), "{:?}", error);
        }
    }
}
