use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::image::idx::tests::gzip;
use crate::text::tests::{all_are_read, one_line, told};

#[test]
fn tags_stand_on_the_line_of_their_sentence() {
    for (sentences, tags, expected) in [
        ("a b\nc\n", "X Y\nX\n", "1: a/X b/Y | 2: c/X"),
        ("a b\nc", "X Y\nX", "1: a/X b/Y | 2: c/X"),
        (" a  b \r\nc\r\n", "X\tY\r\n X\r\n", "1: a/X b/Y | 2: c/X"),
        ("\u{feff}a\n", "\u{feff}X\n", "1: a/X"),
        ("a\n\nb\n\n\n", "X\n \nY", "1: a/X | 3: b/Y"),
        ("a\u{a0}b c\n", "X Y\n", "1: a\u{a0}b/X c/Y"),
        ("a b\nc d\n", "X Y\nX\n", "line 2: has 1 tag for the 2 tokens of that line in -"),
        ("a b\nc\n", "X Y\nX Y\n", "line 2: has 2 tags for the 1 token of that line in -"),
        ("a\nb\n", "X\n", "line 2: has 0 tags for the 1 token of that line in -"),
        ("a\nb\n", "X\n\n\n", "line 2: has 0 tags for the 1 token of that line in -"),
        ("a\n", "X\nY\n", "line 2: has 1 tag for the 0 tokens of that line in -"),
        ("a\n\nb\n", "X\nY\n", "line 2: has 1 tag for the 0 tokens of that line in -"),
        ("\n", "\n", "ends before its first sentence"),
    ] {
        let beside = Some((tags.as_bytes(), Per::Step));
        assert_eq!(
            told(parse_lines(sentences.as_bytes(), beside, &Labelling::Any)),
            expected,
            "{sentences:?}"
        );
        let (sentences, tags) = (gzip(sentences.as_bytes()), gzip(tags.as_bytes()));
        assert_eq!(told(parse_lines(&sentences, Some((&tags, Per::Step)), &Labelling::Any)), expected);
    }
}

#[test]
fn a_class_stands_on_the_line_of_its_sentence() {
    for (sentences, classes, expected) in [
        ("a b\nc\n", "X\nY Z\n", "1 X: a b | 2 Y Z: c"),
        ("\na b\n", "\n X \r\n", "2 X: a b"),
        ("a\nb\n", "X\n", "line 2: has no class for the sentence of that line in -"),
        ("a\n\n", "X\nX\n", "line 2: has a class, and that line in - has no token"),
    ] {
        let beside = Some((classes.as_bytes(), Per::Sequence));
        assert_eq!(
            told(parse_lines(sentences.as_bytes(), beside, &Labelling::Any)),
            expected,
            "{sentences:?}"
        );
    }
    let known = Labelling::Of(vec!["X".to_owned()]);
    let found = told(parse_lines(b"a\nb", Some((b"X\nY", Per::Sequence)), &known));
    assert_eq!(found, "line 2: the class `Y` is none of the training file's: X");
}

#[test]
fn a_net_is_asked_about_sentences_alone() {
    all_are_read(&[("a b\n\nc\n", "1: a b | 3: c"), ("", "ends before its first sentence")], |text| {
        read_lines(text)
    });
    assert_eq!(told(parse_lines(b"a b", Some((b"X", Per::Step)), &Labelling::None)), "1: a b");
}

#[test]
fn an_error_names_both_files() {
    let folder = tempfile::tempdir().unwrap();
    let [sentences, tags] = ["seq.in", "seq.out"].map(|name| folder.path().join(name));
    fs::write(&sentences, "a b\nc\n").unwrap();
    fs::write(&tags, "X Y\n").unwrap();
    let asked = Some((tags.as_path(), Per::Step));
    let error = read(&sentences, asked, &Labelling::Any, Encoding::UTF_8).unwrap_err().to_string();
    let [sentences_shown, tags_shown] = [&sentences, &tags].map(|path| path.display());
    assert_eq!(
        error,
        format!("{tags_shown}: line 2: has 0 tags for the 1 token of that line in {sentences_shown}")
    );
    fs::write(&tags, "X Y\nX\n").unwrap();
    let (file, digests) = read(&sentences, asked, &Labelling::Any, Encoding::UTF_8).unwrap();
    assert_eq!(told(Ok(file)), "1: a/X b/Y | 2: c/X");
    assert_eq!(digests.len(), 2);
    assert_eq!(digests[1].content, crate::content::sha256(b"X Y\nX\n"));
    assert_eq!(read(&sentences, None, &Labelling::Any, Encoding::UTF_8).unwrap().1.len(), 1);
}

#[test]
fn lines_come_as_they_are_read() {
    let text = "\u{feff}a  b\r\n\n \nc\td";
    let lines = |bytes: &[u8]| {
        let lines = LineText::new(bytes).unwrap().map(|line| line.map(|tokens| tokens.join(" ")));
        lines.collect::<Result<Vec<_>, _>>().map_err(|problem| problem.to_string())
    };
    let expected = Ok(["a b", "", "", "c d"].map(str::to_owned).to_vec());
    assert_eq!(lines(text.as_bytes()), expected);
    assert_eq!(lines(&gzip(text.as_bytes())), expected);
    let mut broken = LineText::new(&b"a\n\xff\nb\n"[..]).unwrap();
    assert!(matches!(broken.next(), Some(Ok(_))) && matches!(broken.next(), Some(Err(_))));
    assert!(broken.next().is_none());
    let cut = lines(&gzip(text.as_bytes())[..20]).unwrap_err();
    assert!(cut.starts_with("its gzip compression is damaged: "), "{cut}");
}

/// SNIPS, where `$BIRNN_DATA_DIR` has it.
#[test]
fn slots_and_intents_are_read() {
    let Some(folder) = std::env::var_os("BIRNN_DATA_DIR").map(|folder| PathBuf::from(folder).join("snips"))
    else {
        return crate::skipped("BIRNN_DATA_DIR is not set");
    };
    if !folder.is_dir() {
        return crate::skipped("no folder `snips` in BIRNN_DATA_DIR");
    }
    for (part, count, tags) in [("train", 13_084, 72), ("valid", 700, 70), ("test", 700, 70)] {
        let path = |name: &str| folder.join(part).join(name);
        for (name, per, classes) in [("seq.out", Per::Step, tags), ("label", Per::Sequence, 7)] {
            let begin = std::time::Instant::now();
            let (file, _) =
                read(&path("seq.in"), Some((&path(name), per)), &Labelling::Any, Encoding::UTF_8).unwrap();
            println!("snips/{part}, {name}: {} tokens, {:?}", file.sequences.steps(), begin.elapsed());
            assert_eq!(
                (file.sequences.len(), file.targets.unwrap().names.len()),
                (count, classes),
                "{part} {name}"
            );
        }
    }
}

proptest! {
    #[test]
    fn any_texts_end_in_sentences_or_an_error_of_one_line(
        sentences in "(a| |\t|\n|\r|é|\u{202e}|\u{feff}){0,12}",
        tags in "(X| |\t|\n|\r|\u{1b}){0,12}",
    ) {
        for per in [Per::Step, Per::Sequence] {
            told(parse_lines(sentences.as_bytes(), Some((tags.as_bytes(), per)), &Labelling::Any));
        }
    }

    #[test]
    fn any_bytes_end_in_sentences_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        if let Err(error) = parse_lines(&bytes, Some((&bytes, Per::Step)), &Labelling::Any) {
            one_line(&error.to_string());
        }
    }
}
