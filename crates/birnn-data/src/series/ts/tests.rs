use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::image::idx::tests::gzip;

const NONE: f32 = f32::NAN;

/// What a file holds: values of each series step by step, features, labels, classes, lines.
type Held = (Vec<Vec<f32>>, usize, Option<Vec<u16>>, Vec<String>, Vec<usize>);

fn series(sequences: &Sequences) -> Vec<Vec<f32>> {
    sequences.iter().map(|one| one.floats().unwrap().to_vec()).collect()
}

fn held(file: &SeriesFile) -> Held {
    let (labels, classes) = labelled(file);
    (series(&file.sequences), file.sequences.features(), labels, classes, file.lines.clone())
}

/// The labels of a file, and the classes that they are of.
fn labelled(file: &SeriesFile) -> (Option<Vec<u16>>, Vec<String>) {
    let Some(FileTargets { targets, names }) = &file.targets else { return (None, Vec::new()) };
    (targets.classes().map(<[u16]>::to_vec), names.clone())
}

/// The tags, each on a line, and the series.
fn text(tags: &str, data: &str) -> String {
    let tags = tags.replace(" @", "\n@");
    format!("{tags}\n@data\n{data}\n")
}

/// As [`text`], with two classes.
fn two(tags: &str, data: &str) -> String {
    text(&format!("@classLabel true a b {tags}"), data)
}

#[track_caller]
fn parsed(text: impl AsRef<[u8]>) -> SeriesFile {
    parse_ts(text.as_ref()).unwrap_or_else(|error| panic!("{error}"))
}

/// Plain and gzipped, a file must be refused with an error that holds `part`, on one line.
#[track_caller]
fn refused(text: impl AsRef<[u8]>, part: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.ts");
    for bytes in [text.as_ref(), &gzip(text.as_ref())] {
        std::fs::write(&path, bytes).unwrap();
        let error = read_ts(&path).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}: ", path.display())) && error.contains(part), "{error}");
        assert!(!error.chars().any(char::is_control) && error.len() < 800, "{error:?}");
    }
}

#[track_caller]
fn holds(text: impl AsRef<[u8]>, values: &[&[f32]], labels: &[u16]) {
    let file = parsed(text);
    let bits = |values: &[f32]| -> Vec<u32> {
        values.iter().map(|value| if value.is_nan() { u32::MAX } else { value.to_bits() }).collect()
    };
    let found: Vec<Vec<u32>> = series(&file.sequences).iter().map(|one| bits(one)).collect();
    let expected: Vec<Vec<u32>> = values.iter().map(|one| bits(one)).collect();
    assert_eq!(found, expected, "{:?}", file.sequences);
    assert_eq!(labelled(&file).0.unwrap_or_default(), labels);
}

#[test]
fn dimensions_become_features_of_steps() {
    let file = parsed(
        "# two speakers\n@problemName Vowels\n\n@timeStamps false\n@missing false\n@univariate false\n\
         @dimensions 2\n@equalLength false\n@classLabel true ann bob\n@data\n1,2,3:-1,-2,-3:bob\n\n4,5:-4,-5:ann\n",
    );
    let values = vec![vec![1.0, -1.0, 2.0, -2.0, 3.0, -3.0], vec![4.0, -4.0, 5.0, -5.0]];
    let classes = vec!["ann".to_owned(), "bob".to_owned()];
    assert_eq!(held(&file), (values, 2, Some(vec![1, 0]), classes, vec![11, 13]));
}

#[test]
fn files_have_the_digests_of_their_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.ts");
    let plain = two("", "1,2:a");
    let digests = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        read(&path).unwrap().1
    };
    let (found, zipped) = (digests(plain.as_bytes()), digests(&gzip(plain.as_bytes())));
    assert_eq!((&found.content, &found.file), (&crate::content::sha256(plain.as_bytes()), &found.content));
    assert_eq!(zipped.content, found.content);
    assert_ne!(zipped.file, found.file);
}

#[test]
fn headers_are_written_in_many_ways() {
    let data = "1,2:a\n3,4:b";
    for tags in [
        "@timestamps false",
        "@TIMESTAMPS FALSE",
        "@univariate true",
        "@univariate True",
        "@univariate false",
        "@dimension 1",
        "@dimensions 1",
        "@Dimensions\t  1  ",
        "@univariate true @dimensions 1",
        "@equallength true",
        "@equalLength true @seriesLength 2",
        "@serieslength 2",
        "@targetLabel false",
        "@missing true",
        "@missing whatever @problemname with several words",
        "@unknown 7 @another",
        "@unknown @unknown",
        "\n\n# a comment\n  % another",
    ] {
        holds(two(tags, data), &[&[1.0, 2.0], &[3.0, 4.0]], &[0, 1]);
    }
    let usual = two("@univariate true", data);
    let windows = format!("\u{feff}{}", usual.replace('\n', " \t\r\n"));
    let latin = [b"# Sch\xe4fer\n%\xff\n", usual.as_bytes()].concat();
    let unended = usual.trim_end();
    for text in [windows.as_bytes(), &latin, unended.as_bytes(), &gzip(unended.as_bytes())] {
        holds(text, &[&[1.0, 2.0], &[3.0, 4.0]], &[0, 1]);
    }
}

#[test]
fn values_are_numbers_or_missing() {
    let one = |values: &str, expected: &[f32]| holds(two("", &format!("{values}:a")), &[expected], &[0]);
    one("1,-2.5,+3,.5,5.,2e-3,1E2", &[1.0, -2.5, 3.0, 0.5, 5.0, 0.002, 100.0]);
    one(" 1 ,\t2", &[1.0, 2.0]);
    one("?,NaN,nan,NAN,,1", &[NONE, NONE, NONE, NONE, NONE, 1.0]);
    one("1,", &[1.0, NONE]);
    one("?", &[NONE]);
    one("3.4028234e38,1e-60,0.1", &[f32::MAX, 0.0, 0.1]);
    for (value, part) in [
        ("x", "line 3, column 3: `x` is not a number; a value is one, such as -1.5"),
        ("1;2", "`1;2` is not a number"),
        ("1 2", "column 3: `1 2` is not a number"),
        ("0x10", "`0x10` is not a number"),
        ("(0,1)", "`(0` is not a number"),
        ("@data", "`@data` is not a number"),
        ("inf", "line 3, column 3: `inf` is not finite in 32 bits"),
        ("-Infinity", "`-Infinity` is not finite"),
        ("3.5e38", "`3.5e38` is not finite"),
        ("\u{1b}[31m", "`\\u001b[31m` is not a number"),
        ("\u{e9}\u{e9}", "`\u{e9}\u{e9}` is not a number"),
    ] {
        refused(two("", &format!("1,{value}:a")), part);
    }
    refused(two("", "  é, x:a"), "line 3, column 3: `é`");
    refused(two("", &format!("{}:a", "x".repeat(5000))), &format!("`{}...` is not a number", "x".repeat(40)));
}

#[test]
fn labels_are_those_of_the_header() {
    let labels = |tags: &str, data: &str| {
        let file = parsed(text(tags, data));
        let (labels, classes) = labelled(&file);
        (labels, classes.join(" "))
    };
    let four = "1:10\n2:9\n3:9\n4:-1.5";
    assert_eq!(
        labels("@classLabel true 10 9 -1.5 x", four),
        (Some(vec![0, 1, 1, 2]), "10 9 -1.5 x".to_owned())
    );
    // Named by none, in order of their numbers, or else of their names.
    assert_eq!(labels("@classLabel true", four), (Some(vec![2, 1, 1, 0]), "-1.5 9 10".to_owned()));
    assert_eq!(labels("@classLabel true", "1:b\n2: 10 \n3:9"), (Some(vec![2, 0, 1]), "10 9 b".to_owned()));
    assert_eq!(labels("@classLabel true", "1:1.0\n2:1\n3:1.0"), (Some(vec![1, 0, 1]), "1 1.0".to_owned()));
    assert_eq!(labels("@classLabel false", "1\n2"), (None, String::new()));
    assert_eq!(labels("@classLabel FALSE", "1:\n2 : "), (None, String::new()));

    refused(
        two("", "1,2:a\n1,2:c"),
        "line 4, column 5: its label `c` is none of the classes of the header, a, b",
    );
    refused(two("", "1:A"), "its label `A` is none");
    refused(text("@classLabel true 1 2", "1:1.0"), "its label `1.0` is none");
    let names: Vec<String> = (0..20).map(|index| format!("class{index}")).collect();
    refused(text(&format!("@classLabel true {}", names.join(" ")), "1:c"), "class9 and 10 more");
    for (data, column) in [("1,2", 4), ("1,2:", 5), ("1:2,3", 6)] {
        refused(two("", data), &format!("line 3, column {column}: a series without its class"));
    }
    refused(
        two("@dimensions 2", "1:2"),
        "column 2: has 1 dimensions before its class, parted by `:`; expected 2",
    );
}

#[test]
fn there_are_as_many_classes_as_two_bytes_have_values() {
    let names: Vec<String> = (0..=MOST_CLASSES).map(|index| format!("c{index:05}")).collect();
    let all: String = names.iter().map(|name| format!("1:{name}\n")).collect();
    let but_one = all.rsplit_once("1:").unwrap().0;
    let named_before = format!("@classLabel true {}", names[..MOST_CLASSES].join(" "));
    for tags in [named_before.as_str(), "@classLabel true"] {
        let file = parsed(text(tags, but_one));
        let (labels, classes) = labelled(&file);
        assert_eq!(classes.len(), MOST_CLASSES);
        let named = |&label: &u16| classes[usize::from(label)].clone();
        assert_eq!(labels.unwrap().iter().map(named).collect::<Vec<_>>(), names[..MOST_CLASSES]);
    }
    refused(
        text("@classLabel true", &all),
        "line 65539, column 3: `c65536` is one class more than the 65536",
    );
    let column = named_before.len() + 2;
    refused(
        text(&format!("@classLabel true {}", names.join(" ")), ""),
        &format!("line 1, column {column}: `c65536` is one class"),
    );
}

#[test]
fn series_are_held_against_the_header_and_each_other() {
    for (tags, data, part) in [
        (
            "@univariate true",
            "1,2:3,4:a",
            "line 4, column 5: has 2 dimensions before its class, parted by `:`; expected 1, as the header says",
        ),
        (
            "@dimensions 3",
            "1:2:a",
            "line 4, column 4: has 2 dimensions before its class, parted by `:`; expected 3, as the header",
        ),
        ("@dimensions 99999999999999", "1:2:a", "expected 99999999999999"),
        (
            "@univariate false",
            "1:2:a\n1:2:3:b",
            "line 5, column 5: has 3 dimensions before its class, parted by `:`; expected 2, as the first series has",
        ),
        ("@dimensions 2", "1,2:3:a", "line 4, column 5: its dimension 2 has 1 steps, and its first one 2"),
        ("@dimensions 2", "1: :a", "line 4, column 3: a dimension without values"),
        ("@dimensions 1", ":a", "line 4, column 1: a dimension without values"),
        (
            "@equalLength true",
            "1,2:a\n1,2,3:b",
            "line 5, column 1: has 3 steps; expected 2, as the first series has",
        ),
        ("@seriesLength 3", "1,2:a", "line 4, column 1: has 2 steps; expected 3, as the header says"),
        ("@equalLength true @seriesLength 3", "1,2:a", "line 5, column 1: has 2 steps; expected 3"),
    ] {
        refused(two(tags, data), part);
    }
    refused(
        text("@classLabel false @univariate true", "1,2:3,4"),
        "has 2 dimensions, parted by `:`; expected 1",
    );
    holds(two("@equalLength false", "1,2:a\n1,2,3:b"), &[&[1.0, 2.0], &[1.0, 2.0, 3.0]], &[0, 1]);
    holds(two("", "1,2:a\n1,2,3:b"), &[&[1.0, 2.0], &[1.0, 2.0, 3.0]], &[0, 1]);
    // The length of the longest, or of what they were cut to.
    holds(two("@equalLength false @seriesLength 3", "1:a\n2,2:b"), &[&[1.0], &[2.0, 2.0]], &[0, 1]);
}

#[test]
fn headers_that_cannot_be_followed_are_refused() {
    for (tags, part) in [
        (
            "@timestamps true",
            "line 2, column 1: its series have timestamps, and steps are read as evenly spaced",
        ),
        (
            "@targetLabel true",
            "line 2, column 1: its series cannot have both a class (`@classLabel true`) and a",
        ),
        (
            "@timestamps maybe",
            "line 2, column 13: `@timeStamps` is followed by `true` or `false`, and here by `maybe`",
        ),
        (
            "@univariate",
            "line 2, column 12: `@univariate` is followed by `true` or `false`, and here by nothing",
        ),
        ("@equallength 1", "`@equalLength` is followed by `true` or `false`, and here by `1`"),
        (
            "@dimensions 0",
            "line 2, column 13: `@dimensions` is followed by a whole number from 1, and here by `0`",
        ),
        ("@dimension -2", "`@dimensions` is followed by a whole number from 1, and here by `-2`"),
        ("@seriesLength 99999999999999999999", "`@seriesLength` is followed by a whole number"),
        ("@dimensions 1 @dimension 1", "line 3, column 1: a second `@dimensions`"),
        ("@classlabel false", "line 2, column 1: a second `@classLabel`"),
        (
            "@univariate true @dimensions 3",
            "line 3, column 1: `@univariate true` and 3 dimensions (`@dimensions`): one of",
        ),
        ("@dimensions 3 @univariate true", "line 3, column 1: `@univariate true` and 3"),
        ("\n1,2,3", "line 2, column 1: `1,2,3` stands in the header of a `.ts` file"),
        (
            "@data 1,2,3",
            "line 2, column 7: `@data` stands alone, and the series on the lines below it; here follows `1,2,3`",
        ),
    ] {
        refused(two(tags, "1:a"), part);
    }
    refused(text("@classLabel true a b a", "1:a"), "line 1, column 22: the class `a` is named twice");
    refused(
        text("@classLabel", "1:a"),
        "`@classLabel` is followed by `true` or `false`, and here by nothing",
    );
    refused(text("@classLabel a b", "1:a"), "and here by `a`");
    refused(
        text("@univariate true", "1:a"),
        "line 2, column 1: the header has no `@classLabel` before its `@data`",
    );
}

#[test]
fn what_is_no_such_file_is_refused() {
    refused("", "ends before a line `@data`");
    refused("# nothing\n", "ends before a line `@data`");
    refused("@classLabel false\n", "ends before a line `@data`");
    refused(two("", ""), "ends before the first series");
    refused(two("", "# 1:a"), "ends before the first series");
    refused("<html>not found</html>", "line 1, column 1: `<html>not found</html>` stands in the header");
    refused("1,2,3:a\n", "line 1, column 1: `1,2,3:a` stands in the header");
    refused(b"PK\x03\x04\xff\xff", "line 1, column 5: is not UTF-8 text: save the file as UTF-8");
    refused(
        [two("", "1:a").as_bytes(), b"1,\xc3\xa9\xff:b\n"].concat(),
        "line 4, column 4: is not UTF-8 text: save the file as UTF-8",
    );
    refused("@\u{202e}\n\u{202e}", "`\\u202e` stands in the header");
}

#[test]
fn damaged_compression_is_told_apart() {
    let whole = gzip(two("", &"1,2,3:a\n".repeat(100)).as_bytes());
    for length in [3, 12, whole.len() / 2, whole.len() - 1] {
        let error = parse_ts(&whole[..length]).unwrap_err().to_string();
        assert!(error.contains("its gzip compression is damaged"), "{length}: {error}");
    }
}

#[test]
fn lines_and_texts_have_limits() {
    let limited = |text: &str, line, all| {
        decode(Cursor::new(text), Limits { line, all }).map(|_| ()).map_err(|error| error.to_string())
    };
    let text = two("", "1,2,3:a\n4:b");
    let longest = "@classLabel true a b \n".len();
    let all = text.len() as u64;
    assert_eq!(limited(&text, longest, all), Ok(()));
    let error = limited(&text, longest - 1, all).unwrap_err();
    assert_eq!(
        error,
        format!("line 1, column 1: is longer than the {} bytes that a line may have", longest - 1)
    );
    let error = limited(&text, longest, all - 1).unwrap_err();
    assert_eq!(error, format!("holds more than the {} bytes that such a file may", all - 1));
    let comment = format!("# {}\n{text}", "long ".repeat(longest));
    assert!(
        limited(&comment, longest, 2 * comment.len() as u64)
            .unwrap_err()
            .contains("line 1, column 1: is longer")
    );
}

#[test]
fn a_bomb_is_put_down() {
    let bomb = gzip(&vec![b' '; LIMITS.line + 1]);
    assert!(bomb.len() < 1 << 20);
    let error = parse_ts(&bomb).unwrap_err().to_string();
    assert_eq!(error, "line 1, column 1: is longer than the 67108864 bytes that a line may have");
}

#[test]
fn series_to_ask_about_need_no_header() {
    let asked = |text: &str, features: usize| {
        let found = parse_series_lines(text.as_bytes(), features).map_err(|error| error.to_string())?;
        assert_eq!(found.sequences.features(), features);
        let labels = found.labels.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>();
        Ok::<_, String>((series(&found.sequences), labels.join(" "), found.lines))
    };
    let ones = |lengths: &[usize]| lengths.iter().map(|&length| vec![1.0; length]).collect::<Vec<_>>();
    for (text, features, lengths, labels, lines) in [
        ("1,1\n1\n\n# no\n1,1,1", 1, vec![2, 1, 3], "  ", vec![1, 2, 5]),
        ("\u{feff}1,1:a b\r\n1:?\r\n", 1, vec![2, 1], "a b ?", vec![1, 2]),
        ("1:1:x\n1,1:1,1\n1:1:", 2, vec![2, 4, 2], "x  ", vec![1, 2, 3]),
        ("@classLabel true a b\n@data\n1,1:z\n1", 1, vec![2, 1], "z ", vec![3, 4]),
        ("@univariate true\n@data\n1:z", 1, vec![1], "z", vec![3]),
        ("#\n@classLabel false\n@dimensions 2\n@data\n1:1\n1:1:z", 2, vec![2, 2], " z", vec![5, 6]),
    ] {
        let expected = (ones(&lengths), labels.to_owned(), lines);
        assert_eq!(asked(text, features), Ok(expected), "{text}");
    }
    assert_eq!(parse_series_lines(&gzip(b"1,1"), 1).unwrap().lines, [1]);
    for (text, features, part) in [
        ("", 1, "ends before the first series"),
        ("@classLabel false\n", 1, "ends before the first series"),
        ("@classLabel false\n@data\n", 1, "ends before the first series"),
        ("1,2:3,4", 1, "line 1, column 5: has 2 dimensions, parted by `:`; expected 1, as are to be read"),
        ("1,2:3,4", 3, "line 1, column 8: has 2 dimensions, parted by `:`; expected 3, as are to be read"),
        ("1:2:3:4", 2, "has 4 dimensions"),
        (
            "@dimensions 2\n@classLabel false\n@data\n1:1",
            1,
            "line 1, column 1: the net reads series of 1 values per step, this file says 2",
        ),
        (
            "@univariate true\n@data\n1:1",
            2,
            "line 1, column 1: the net reads series of 2 values per step, this",
        ),
        ("1\n@data", 1, "line 2, column 1: `@data` is not a number"),
        ("@timeStamps true\n", 1, "line 1, column 1: its series have timestamps"),
        ("a,b", 1, "`a` is not a number"),
    ] {
        let error = asked(text, features).unwrap_err();
        assert!(error.contains(part), "{text}: {error}");
    }
}

/// Text without end, a piece at a time, as from a pipe.
struct Endless(Vec<u8>);

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = buffer.len().min(self.0.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        Ok(count)
    }
}

#[test]
fn series_are_read_as_they_come() {
    let endless = |text: &str| read_series_lines(Endless(text.into()), 1).unwrap_err().to_string();
    assert_eq!(
        endless("1:2:3\n"),
        "line 1, column 3: has 3 dimensions, parted by `:`; expected 1, as are to be read"
    );
    assert_eq!(
        endless(&" ".repeat(1 << 16)),
        "line 1, column 1: is longer than the 67108864 bytes that a line may have"
    );
    let cut = &gzip(b"1,1\n1\n")[..20];
    let error = read_series_lines(cut, 1).unwrap_err().to_string();
    assert!(error.starts_with("its gzip compression is damaged: "), "{error}");
}

/// Real files, where `$BIRNN_DATA_DIR` has them: which, how many series, features, the shortest and the
/// longest, and classes.
#[test]
fn files_of_the_archives_are_read() {
    let Some(folder) = std::env::var_os("BIRNN_DATA_DIR").map(|folder| Path::new(&folder).join("ts")) else {
        return crate::skipped("BIRNN_DATA_DIR is not set");
    };
    if !folder.is_dir() {
        return crate::skipped("no folder `ts` in BIRNN_DATA_DIR");
    }
    for (name, counts, features, steps, classes) in [
        ("JapaneseVowels_TRAIN.ts", [270, 370], 12, [7, 29], "1 2 3 4 5 6 7 8 9"),
        ("PLAID_TRAIN.ts.gz", [537, 537], 1, [100, 1344], "0 1 2 3 4 5 6 7 8 9 10"),
        ("ItalyPowerDemand_TRAIN.ts", [67, 1029], 1, [24, 24], "1 2"),
        ("BasicMotions_TRAIN.ts", [40, 40], 6, [100, 100], "Standing Running Walking Badminton"),
        ("GunPoint_TRAIN.ts", [50, 150], 1, [150, 150], "1 2"),
        ("ArrowHead_TRAIN.ts", [36, 175], 1, [251, 251], "0 1 2"),
    ] {
        let mut lengths = Vec::new();
        for (name, count) in [name.to_owned(), name.replace("TRAIN", "TEST")].iter().zip(counts) {
            let file = read_ts(&folder.join(name)).unwrap();
            assert_eq!((file.sequences.len(), file.sequences.features()), (count, features), "{name}");
            let (labels, found) = labelled(&file);
            assert_eq!((file.lines.len(), found.join(" ").as_str()), (count, classes), "{name}");
            let labels = labels.unwrap();
            assert!((0..found.len()).all(|class| labels.contains(&(class as u16))), "{name}");
            lengths.extend(file.sequences.lengths());
        }
        assert_eq!([lengths.iter().min(), lengths.iter().max()], steps.each_ref().map(Some), "{name}");
    }
    let vowels = read_ts(&folder.join("JapaneseVowels_TRAIN.ts")).unwrap();
    assert_eq!(vowels.sequences.get(0).floats().unwrap()[..2], [1.860936, -0.207383]);
    let numbers = read_ts(&folder.join("Covid3Month_TRAIN.ts")).unwrap().targets.unwrap().targets;
    assert_eq!((numbers.len(), numbers.numbers().unwrap()[1]), (140, 0.077_586_204));
}

/// Series of so many features as a file has them, the label behind each.
fn written(series: &[(Vec<f32>, u16)], features: usize, missing: &str, end: &str) -> String {
    let mut text = format!("@dimensions {features}{end}@classLabel true x y z{end}@data{end}");
    for (values, label) in series {
        for feature in 0..features {
            let values = values.iter().skip(feature).step_by(features);
            let values: Vec<String> = values
                .map(|value| if value.is_nan() { missing.to_owned() } else { value.to_string() })
                .collect();
            write!(text, "{}:", values.join(",")).unwrap();
        }
        write!(text, "{}{end}", ["x", "y", "z"][usize::from(*label)]).unwrap();
    }
    text
}

fn value() -> impl Strategy<Value = f32> {
    use proptest::num::f32::{NORMAL, SUBNORMAL, ZERO};
    prop_oneof![8 => NORMAL | SUBNORMAL | ZERO, 1 => Just(NONE)]
}

fn some_series() -> impl Strategy<Value = (usize, Vec<(Vec<f32>, u16)>)> {
    (1_usize..4).prop_flat_map(|features| {
        let values = proptest::collection::vec(value(), features..6 * features);
        let whole = values.prop_map(move |mut values| {
            values.truncate(values.len() / features * features);
            values
        });
        (Just(features), proptest::collection::vec((whole, 0_u16..3), 1..6))
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        (features, series) in some_series(),
        missing in prop_oneof!["\\?", "NaN", " nan "],
        end in prop_oneof!["\n", "\r\n", " \n# comment\n\n"],
    ) {
        let text = written(&series, features, &missing, &end);
        let values: Vec<&[f32]> = series.iter().map(|(values, _)| values.as_slice()).collect();
        let labels: Vec<u16> = series.iter().map(|(_, label)| *label).collect();
        holds(&text, &values, &labels);
        holds(gzip(text.as_bytes()), &values, &labels);
    }

    #[test]
    fn any_bytes_end_in_series_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let starts = ["", "@classLabel true\n@data\n", "@classLabel false\n@data\n"].map(str::as_bytes);
        for start in starts.into_iter().chain([[0x1f, 0x8b, 8, 0].as_slice()]) {
            let _ = parse_ts(&[start, &bytes].concat());
            let _ = parse_series_lines(&[start, &bytes].concat(), 2);
        }
    }

    #[test]
    fn any_text_ends_in_series_or_an_error_of_one_line(
        text in "(@dimensions 2|@classLabel true( a)?|@classLabel false|@equalLength true|@data|[12]|\\?|[a:,é\u{202e}]| |\n){0,40}"
    ) {
        let text = format!("@classLabel true\n@data\n{text}");
        for start in [0, "@classLabel true\n@data\n".len()] {
            let bytes = &text.as_bytes()[start..];
            let errors = [parse_ts(bytes).err(), parse_series_lines(bytes, 2).err()];
            for error in errors.into_iter().flatten() {
                let error = error.to_string();
                prop_assert!(!error.chars().any(char::is_control) && error.len() < 800, "{:?}", error);
            }
        }
    }
}
