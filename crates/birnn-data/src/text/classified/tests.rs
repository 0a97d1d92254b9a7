use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::image::idx::tests::gzip;
use crate::text::tests::{all_are_read, told};

fn json() -> TextForm {
    TextForm::Json { text: "text".to_owned(), label: "label".to_owned() }
}

fn table(delimiter: u8) -> TextForm {
    TextForm::Table { text: "text".to_owned(), label: "label".to_owned(), delimiter }
}

/// Each text must be read in this form as it is told.
#[track_caller]
fn all_of(form: &TextForm, unit: Unit, labelling: &Labelling, cases: &[(&str, &str)]) {
    all_are_read(cases, |text| parse_texts(text, form, unit, labelling));
    all_are_read(cases, |text| read_texts(gzip(text).as_slice(), form, unit, labelling));
}

#[test]
fn a_class_stands_before_its_text() {
    all_of(
        &TextForm::Lines,
        Unit::Words,
        &Labelling::Any,
        &[
            ("X a b\nY c\n", "1 X: a b | 2 Y: c"),
            ("\u{feff}X\ta  b\r\n\r\n \n Y c ", "1 X: a b | 4 Y: c"),
            ("10 a\n9 b\n", "1 10: a | 2 9: b"),
            ("X a\u{a0}b\u{85}c\n", "1 X: a b c"),
            ("X a\nY\n", "line 2: is `Y` alone: a line begins with a class, and behind it comes the text"),
            ("\n", "ends before its first sentence"),
        ],
    );
    all_of(&TextForm::Lines, Unit::Characters, &Labelling::Any, &[("X  a bé \r\n", "1 X: a   b é")]);
    all_of(
        &TextForm::Lines,
        Unit::WordsAndPunctuation,
        &Labelling::Any,
        &[
            ("X It's dull, isn’t it?\n", "1 X: It's dull , isn’t it ?"),
            ("X 'tis 3.14, 1,000 or v1.2a...\n", "1 X: ' tis 3.14 , 1,000 or v1.2a . . ."),
            ("X e-mail\u{a0}\u{e9}te\u{301} (_)日本\n", "1 X: e - mail \u{e9}te\u{301} ( _ ) 日本"),
        ],
    );
    all_of(&TextForm::Lines, Unit::Words, &Labelling::None, &[("X a b\n\nc\n", "1: X a b | 3: c")]);
    let error = parse_texts(b"X a\nY \xe9", &TextForm::Lines, Unit::Words, &Labelling::Any).unwrap_err();
    assert!(error.to_string().starts_with("line 2: is not UTF-8 text: "), "{error}");
    let error =
        parse_texts(b"__label__a b\n__label__a __label__b c", &TextForm::Lines, Unit::Words, &Labelling::Any);
    assert!(
        error
            .unwrap_err()
            .to_string()
            .starts_with("line 2: has the classes `__label__a` and `__label__b`, and")
    );
    let error =
        parse_texts(b"\xff\xfeX\0 \0a\0", &TextForm::Lines, Unit::Words, &Labelling::Any).unwrap_err();
    assert!(error.to_string().contains("the mark of UTF-16"), "{error}");
}

#[test]
fn objects_in_json_have_a_text_and_a_class() {
    all_of(
        &json(),
        Unit::Words,
        &Labelling::Any,
        &[
            (
                "{\"text\": \"a b\", \"label\": \"X Y\", \"id\": [1, {}]}\n\n{\"label\":3,\"text\":\"c\"}",
                "1 X Y: a b | 3 3: c",
            ),
            ("{\"text\":\"a\\nb\",\"label\":true}\r\n", "1 true: a b"),
            ("{\"text\":\"a\",\"label\":-1.5}", "1 -1.5: a"),
            (
                "{\"text\":\"a\"}",
                "line 1: has no key `label`, which `label` under [data] names; there are text",
            ),
            ("{}", "line 1: has no key `text`, which `text` under [data] names; there is none"),
            ("{\"text\":[],\"label\":1}", "line 1: its `text` is not a string, and a text is one"),
            ("{\"text\":\"a\",\"label\":null}", "line 1: its `label` is neither a string nor a number, .."),
            ("{\"text\":\" \",\"label\":1}", "line 1: its text is empty: leave it out"),
            ("{\"text\":\"a\",\"label\":\" \"}", "line 1: its class is empty, and each text has one"),
            (
                "[\n",
                "line 1: is not an object in JSON (`{\"text\": \"...\"}`), as each line is: invalid type: seq..",
            ),
            (
                "{\"text\":\"a\",\"label\":1} q",
                "line 1: is not an object in JSON (`{\"text\": \"...\"}`), as each line is: trailing characters",
            ),
            ("\"\\u001b[1m\u{202e}\"", "line 1: is not an object in JSON .."),
            (
                "{\"\\u001b\": 1}",
                "line 1: has no key `text`, which `text` under [data] names; there are \\u001b",
            ),
        ],
    );
    all_of(&json(), Unit::Words, &Labelling::None, &[("{\"text\": \"a b\"}", "1: a b")]);
    all_of(&json(), Unit::Characters, &Labelling::None, &[("{\"text\": \" a b \"}", "1: a   b")]);
}

#[test]
fn rows_have_a_text_and_a_class() {
    all_of(
        &table(b','),
        Unit::Words,
        &Labelling::Any,
        &[
            (
                "id,text,label\n1,a b,X\n2,\"c, \"\"d\"\"\n e\",Y\n3,f,X\n",
                "2 X: a b | 3 Y: c, \"d\" e | 5 X: f",
            ),
            ("text,label\r\na,X\r\n", "2 X: a"),
            ("text,class\na,X\n", "has no column `label`, which `label` under [data] names; .."),
            ("text,label\na,X\n,Y\n", "line 3: its text is empty: leave it out"),
            ("text,label\na,\n", "line 2: its class is empty, and each text has one"),
            ("text,label\n", "ends before its first sentence"),
            ("", "ends before its header, the names of its columns"),
            ("text\tlabel\na\tX\n", "its header is one cell, .."),
            ("text,label\na,b,X\n", "line 2: has 3 cells, and the header 2"),
        ],
    );
    all_of(&table(b'\t'), Unit::Words, &Labelling::Any, &[("text\tlabel\na, b\tX Y\n", "2 X Y: a, b")]);
    all_of(
        &table(b','),
        Unit::Words,
        &Labelling::None,
        &[("text\na b\n", "2: a b"), ("q,text\nc,a\n", "2: a")],
    );
}

#[test]
fn a_folder_has_a_file_for_each_class() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    let read =
        |labelling: &Labelling| read_classes(folder.path(), Unit::Characters, labelling, Encoding::UTF_8);
    let failed = |labelling: &Labelling| read(labelling).unwrap_err().to_string();
    write("README.md", b"no class");
    write("._Y.txt", b"\0\0");
    assert!(failed(&Labelling::Any).contains(": has no file that ends in `.txt`, and is read as a folder "));
    write("Y.txt", "c\nü d\n".as_bytes());
    write("X.TXT.gz", &gzip(b"a b\r\n\r\n"));
    let Folder { texts, files, others } = read(&Labelling::Any).unwrap();
    assert_eq!((texts.unit, told(Ok(texts))), ("text", "1 X: a   b | 2 Y: c | 3 Y: ü   d".to_owned()));
    let names = files.iter().map(|(path, _)| path.file_name().unwrap().to_str().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), ["X.TXT.gz", "Y.txt"]);
    assert_eq!(others, [folder.path().join("README.md")]);
    let known = Labelling::Of(vec!["X".to_owned()]);
    assert!(failed(&known).ends_with("Y.txt: line 1: the class `Y` is none of the training file's: X"));
    write("Z.txt", b" \n");
    assert!(failed(&Labelling::Any).ends_with("Z.txt: ends before its first text"));
    write("Z.TXT", b"c\n");
    assert!(failed(&Labelling::Any).contains(": has two files of the class `Z` by their names"));
    let none = read_classes(&folder.path().join("none"), Unit::Words, &Labelling::Any, Encoding::UTF_8);
    assert!(none.is_err());
}

/// Real files, where `$BIRNN_DATA_DIR` has them.
#[test]
fn texts_of_others_are_read() {
    let Some(folder) = std::env::var_os("BIRNN_DATA_DIR").map(PathBuf::from) else {
        return crate::skipped("BIRNN_DATA_DIR is not set");
    };
    if folder.join("names").is_dir() {
        let begin = std::time::Instant::now();
        let folder = folder.join("names");
        let read = read_classes(&folder, Unit::Characters, &Labelling::Any, Encoding::UTF_8).unwrap();
        let file = read.texts;
        println!("names: {} characters, {:?}", file.sequences.steps(), begin.elapsed());
        let names = file.targets.unwrap().names;
        assert_eq!((file.sequences.len(), names.len(), names[0].as_str()), (20_050, 18, "Arabic"));
    }
    for (name, count, classes) in [
        ("sent/TREC.train.all", 5452, 6),
        ("sent/TREC.test.all", 500, 6),
        ("sent/stsa.binary.train.gz", 6920, 2),
        ("sent/rt-polarity.all.gz", 10_662, 2),
    ] {
        let path = folder.join(name);
        if !path.exists() {
            crate::skipped(&format!("no `{name}` in BIRNN_DATA_DIR"));
            continue;
        }
        let begin = std::time::Instant::now();
        let read = read(&path, &TextForm::Lines, Unit::Words, &Labelling::Any, Encoding::UTF_8);
        println!("{name}: {:?}", begin.elapsed());
        let file = read.map(|(file, _)| file).unwrap_or_else(|error| {
            println!("{}", error.problem);
            // Some of them are Latin-1.
            let mut bytes = Vec::new();
            let file = fs::File::open(&path).unwrap();
            crate::content::unzipped(file).unwrap().0.read_to_end(&mut bytes).unwrap();
            let text: String = bytes.iter().copied().map(char::from).collect();
            parse_texts(text.as_bytes(), &TextForm::Lines, Unit::Words, &Labelling::Any).unwrap()
        });
        assert_eq!((file.sequences.len(), file.targets.unwrap().names.len()), (count, classes), "{name}");
    }
}

proptest! {
    #[test]
    fn any_text_ends_in_texts_or_an_error_of_one_line(
        text in "(text|label|,|\"|\\{|\\}|:|1| |\t|\n|\r|\\\\|\u{202e}|\u{1b}){0,40}"
    ) {
        for form in [TextForm::Lines, json(), table(b',')] {
            for labelling in [Labelling::Any, Labelling::None] {
                told(parse_texts(text.as_bytes(), &form, Unit::Characters, &labelling));
                told(parse_texts(format!("text,label\n{text}").as_bytes(), &form, Unit::Words, &labelling));
            }
        }
    }

    #[test]
    fn any_bytes_end_in_texts_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        for form in [TextForm::Lines, json(), table(b'\t')] {
            told(parse_texts(&bytes, &form, Unit::Words, &Labelling::Any));
        }
    }
}
