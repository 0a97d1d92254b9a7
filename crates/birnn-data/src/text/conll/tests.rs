use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::content::sha256;
use crate::image::idx::tests::gzip;
use crate::split::MOST_CLASSES;
use crate::text::tests::{all_are_read, one_line};

const LAST: ConllColumns = ConllColumns { token: 1, tag: None };
const SECOND: ConllColumns = ConllColumns { token: 1, tag: Some(2) };

#[test]
fn tokens_and_tags_are_read_from_their_columns() {
    all_are_read(
        &[
            ("a X\nb Y\n\nc X\n", "1: a/X b/Y | 4: c/X"),
            ("a X\nb Y", "1: a/X b/Y"),
            ("a X\r\n\r\nb Y\r\n", "1: a/X | 3: b/Y"),
            ("a X\r\r\nb Y\r\r\n", "1: a/X b/Y"),
            ("\u{feff}a X\n", "1: a/X"),
            ("\u{feff}\n\u{feff} X\n", "2: \u{feff}/X"),
            ("\n\n\na X\n\n \n\t\n\u{a0}\nb X\n\n\n", "4: a/X | 9: b/X"),
            ("a NN B-NP\nb NN I-NP\n", "1: a/B-NP b/I-NP"),
            // Runs of spaces, around and within.
            (" a   X  \n", "1: a/X"),
            // With a tab, spaces are part of a token.
            ("New York\tX\nb\tY\n", "1: New York/X b/Y"),
            (" a \t X \n", "1: a/X"),
            ("a\tX\n\nb Y\n", "1: a/X | 3: b/Y"),
            ("a\u{a0}b X\n", "1: a\u{a0}b/X"),
            ("_ _\n", "1: _/_"),
            ("a X\rY\n", "1: a/X\rY"),
            ("", "ends before its first sentence"),
            ("\n \n", "ends before its first sentence"),
            (
                "a\n",
                "line 1: has 1 column, and the token is the last of them: the tag is read from the last ..",
            ),
            (
                "a X\nb\n",
                "line 2: has 1 column, and line 1 has 2: a line is one token, its columns are parted by tabs or, in a line wi..",
            ),
            ("a X\n\nb X Y\n", "line 3: has 3 columns, and line 1 has 2: .."),
            ("a\tX\nb Y\tX Z\tQ\n", "line 2: has 3 columns, and line 1 has 2: .."),
            ("\tX\n", "line 1: its column 1, where the token is read, is empty"),
            ("a\t \n", "line 1: its column 2, where the tag is read, is empty"),
            ("a X\n\u{1b}\u{202e} b X\n", "line 2: has 3 columns, and line 1 has 2: .."),
        ],
        |text| parse_conll(text, LAST, &Labelling::Any),
    );
}

#[test]
fn what_parts_documents_and_comments_are_no_tokens() {
    all_are_read(
        &[
            ("-DOCSTART- -X- O\n\na N X\n", "3: a/X"),
            ("-DOCSTART- O\na N X\n-DOCSTART-\nb N Y\n", "2: a/X | 4: b/Y"),
            ("#begin document (x); part 000\na N X\n\n#end document\n", "2: a/X"),
            ("# id = 1\n# text = a b c d\na N X\n", "3: a/X"),
            ("# # X\na N X\n", "1: #/X a/X"),
            ("# id\n# # X\na N X\n", "2: #/X a/X"),
            ("a N X\n\n# # X\n", "1: a/X | 3: #/X"),
            ("a N X\n\n# id = 2\n", "1: a/X"),
            ("a N X\n\n# id = 2\n\nb N X\n", "1: a/X | 5: b/X"),
            ("# # X\n", "ends before its first sentence"),
            ("#tag N X\n", "1: #tag/X"),
            ("a N X\n# id = 2\n", "line 2: has 4 columns, and line 1 has 3: .."),
            ("# id 2\na\tN\tX\n\n# id 3\nb\tN\tX\n", "2: a/X | 5: b/X"),
            ("# N\tX\nb\tX\n", "1: # N/X b/X"),
        ],
        |text| parse_conll(text, LAST, &Labelling::Any),
    );
}

#[test]
fn columns_can_be_named() {
    all_are_read(
        &[
            ("a X\n", "1: a/X"),
            ("a X q\n\nb Y q r\n", "1: a/X | 3: b/Y"),
            (
                "a\n",
                "line 1: has 1 column, and the tag is read from column 2; `columns` under [data] says which ..",
            ),
            ("a X q\nNew York Y q\n", "line 2: has 4 columns, and line 1 has 3: .."),
            ("a\t\tX\n", "line 1: its column 2, where the tag is read, is empty"),
        ],
        |text| parse_conll(text, SECOND, &Labelling::Any),
    );
    for (columns, expected) in [
        (ConllColumns { token: 3, tag: Some(1) }, "1: c/a f/d"),
        (ConllColumns { token: 2, tag: None }, "1: b/c e/f"),
        (
            ConllColumns { token: 3, tag: None },
            "line 1: has 3 columns, and the token is the last of them: ..",
        ),
        (
            ConllColumns { token: 4, tag: Some(1) },
            "line 1: has 3 columns, and the token is read from column 4; ..",
        ),
        (ConllColumns { token: 0, tag: None }, "line 1: columns are counted from 1: .."),
        (ConllColumns { token: 1, tag: Some(0) }, "line 1: columns are counted from 1: .."),
    ] {
        all_are_read(&[("a b c\nd e f\n", expected)], |text| parse_conll(text, columns, &Labelling::Any));
    }
    let columns: ConllColumns = toml::from_str("tag = 3").unwrap();
    assert_eq!(columns, ConllColumns { token: 1, tag: Some(3) });
}

#[test]
fn a_net_is_asked_about_tokens_alone() {
    all_are_read(
        &[
            ("a\nb\n\nc\n", "1: a b | 4: c"),
            ("a X\n\nb Y Z\n", "1: a | 3: b"),
            ("# a comment\na\n", "2: a"),
            ("a\nNew York\n", "line 2: has 2 columns, and line 1 has 1: .."),
            ("a\t\n", "1: a"),
        ],
        |text| read_conll(text, SECOND, &Labelling::None),
    );
}

#[test]
fn tags_are_of_few_classes() {
    let two = Labelling::Of(vec!["Y".to_owned(), "X".to_owned()]);
    all_are_read(
        &[
            ("a X\nb X\n", "1: a/X b/X"),
            ("a X\nb Z\n", "line 2: the class `Z` is none of the training file's: Y, X"),
        ],
        |text| parse_conll(text, LAST, &two),
    );
    let file = parse_conll(b"a X\n", LAST, &two).unwrap();
    assert_eq!(file.targets.unwrap().names, ["Y", "X"]);
    let many: String = (0..=MOST_CLASSES).map(|tag| format!("a {tag}\u{7}\n")).collect();
    let found = parse_conll(many.as_bytes(), LAST, &Labelling::Any).unwrap_err();
    assert_eq!(
        one_line(&found.to_string()),
        "line 65537: `65536\\u0007` is one class more than the 65536 that there may be"
    );
}

#[test]
fn files_are_read_by_their_content() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("train.txt");
    let text = "a X\n\nb \u{e9}\n".as_bytes();
    for bytes in [text, &gzip(text)] {
        std::fs::write(&path, bytes).unwrap();
        let (file, digests) = read(&path, LAST, &Labelling::Any, Encoding::UTF_8).unwrap();
        assert_eq!((file.lines.as_slice(), file.unit), (&[1, 3][..], "line"));
        assert_eq!(digests, Digests { content: sha256(text), file: sha256(bytes) });
    }
    std::fs::write(&path, b"a X\nb \xe9\n").unwrap();
    let error = read(&path, LAST, &Labelling::Any, Encoding::UTF_8).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{}: line 2: is not UTF-8 text: ", path.display())), "{error}");
    let error = read_conll(&gzip(text)[..20], LAST, &Labelling::Any).unwrap_err().to_string();
    assert!(error.starts_with("its gzip compression is damaged: "), "{error}");
    let endless = std::io::repeat(b'a');
    let error = read_conll(endless, LAST, &Labelling::Any).unwrap_err().to_string();
    assert_eq!(error, "line 1: is longer than the 67108864 bytes that a line may have");
}

/// Real files, where `$BIRNN_DATA_DIR` has them: which, the columns of tokens and tags, how many sentences,
/// how many tokens, how many tags.
#[test]
fn files_of_shared_tasks_are_read() {
    let Some(folder) = std::env::var_os("BIRNN_DATA_DIR").map(PathBuf::from) else {
        return crate::skipped("BIRNN_DATA_DIR is not set");
    };
    for (name, sentences, tokens, tags) in [
        ("conll2000/train.txt.gz", 8936, 211_727, 22),
        ("conll2000/dev.txt.gz", 1844, 44_352, 18),
        ("conll2000/test.txt.gz", 2012, 47_377, 19),
        ("wnut17/wnut17train.conll", 3394, 62_730, 13),
        ("wnut17/emerging.dev.conll", 1009, 15_733, 13),
        ("wnut17/emerging.test.annotated", 1287, 23_394, 13),
    ] {
        let path = folder.join(name);
        if !path.exists() {
            crate::skipped(&format!("no `{name}` in BIRNN_DATA_DIR"));
            continue;
        }
        let begin = std::time::Instant::now();
        let (file, _) = read(&path, LAST, &Labelling::Any, Encoding::UTF_8).unwrap();
        println!("{name}: {:?}", begin.elapsed());
        let names = file.targets.as_ref().map_or(0, |targets| targets.names.len());
        assert_eq!(
            (file.sequences.len(), file.sequences.steps(), names),
            (sentences, tokens, tags),
            "{name}"
        );
    }
}

/// Sentences of tokens and tags, each with what stands between them in a line, and what ends a line.
fn written(sentences: &[Vec<(String, String)>], between: &str, end: &str) -> String {
    let line = |(token, tag): &(String, String)| format!("{token}{between}{tag}{end}");
    sentences.iter().map(|sentence| sentence.iter().map(line).collect::<String>() + end).collect()
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        sentences in proptest::collection::vec(
            proptest::collection::vec(("[^\\s#\u{feff}-]{1,5}", "[A-Z]{1,3}"), 1..5), 1..5),
        between in prop_oneof![Just(" "), Just("\t"), Just("  "), Just("\tq\t")],
        end in prop_oneof![Just("\n"), Just("\r\n")],
    ) {
        let text = written(&sentences, between, end);
        let file = parse_conll(text.as_bytes(), LAST, &Labelling::Any).unwrap();
        let targets = file.targets.unwrap();
        let tags = targets.targets.classes().unwrap().iter();
        let found: Vec<(&str, &str)> = file.sequences.iter().flat_map(crate::Sequence::words)
            .zip(tags.map(|&tag| targets.names[usize::from(tag)].as_str())).collect();
        let expected: Vec<(&str, &str)> =
            sentences.iter().flatten().map(|(token, tag)| (token.as_str(), tag.as_str())).collect();
        prop_assert_eq!(found, expected);
        let lengths: Vec<usize> = file.sequences.lengths().collect();
        prop_assert_eq!(lengths, sentences.iter().map(Vec::len).collect::<Vec<_>>());
    }

    #[test]
    fn any_text_ends_in_sentences_or_an_error_of_one_line(
        text in "(a X\n|# |#|-DOCSTART-|a|\t| |\r|\n|\u{202e}|\u{1b}|\u{feff}){0,40}"
    ) {
        for labelling in [Labelling::Any, Labelling::None] {
            for columns in [LAST, SECOND] {
                if let Err(error) = parse_conll(text.as_bytes(), columns, &labelling) {
                    one_line(&error.to_string());
                }
            }
        }
    }
}
