use std::io::Cursor;

use proptest::prelude::*;

use super::*;
use crate::image::idx::tests::gzip;
use crate::text::tests::one_line;

const FIRST: ConllForm = ConllForm::Columns { token: 1 };

/// A text with the number of each token in its sentence, and `0.5`, added to it; or what is wrong with it.
fn annotated(text: &[u8], form: ConllForm) -> String {
    let mut written = Vec::new();
    for block in ConllText::new(text, form).unwrap() {
        let block = match block {
            Ok(block) => block,
            Err(error) => return one_line(&error.to_string()),
        };
        let tags: Vec<String> = block.tokens().map(|token| format!("<{token}>")).collect();
        let half = vec!["0.5".to_owned(); block.len()];
        let columns = [("Tag", &tags), ("Confidence", &half)];
        let columns = columns.map(|(name, values)| AddedColumn { name, values });
        block.write(&mut written, &columns).unwrap();
    }
    String::from_utf8(written).unwrap()
}

/// A text, and the line and the length of each sentence.
type Written = (Vec<u8>, Vec<(usize, usize)>);

/// What is written of a text without a column being added, and its sentences, each with its line.
fn same(text: &[u8], form: ConllForm) -> Result<Written, FileProblem> {
    let (mut written, mut sentences) = (Vec::new(), Vec::new());
    for block in ConllText::new(text, form)? {
        let block = block?;
        assert_eq!((block.tokens().count(), block.is_empty()), (block.len(), block.line().is_none()));
        sentences.extend(block.line().map(|line| (line, block.len())));
        block.write(&mut written, &[])?;
    }
    Ok((written, sentences))
}

#[test]
fn columns_are_added_and_nothing_else_changes() {
    for (text, expected) in [
        ("a\n", "a <a> 0.5\n"),
        ("a", "a <a> 0.5"),
        ("a X\r\nb Y\r\n\r\nc X", "a X <a> 0.5\r\nb Y <b> 0.5\r\n\r\nc X <c> 0.5"),
        ("a\tX\nb\tY\n", "a\tX\t<a>\t0.5\nb\tY\t<b>\t0.5\n"),
        // What is empty is a column too.
        ("a\t\n", "a\t\t<a>\t0.5\n"),
        (" a  X  \n", " a  X <a> 0.5  \n"),
        ("New York\tX \n", "New York\tX \t<New_York>\t0.5\n"),
        ("\u{feff}a X\n", "\u{feff}a X <a> 0.5\n"),
        ("\n\n \t\na X\n\n\n \n", "\n\n \t\na X <a> 0.5\n\n\n \n"),
        (
            "-DOCSTART- -X-\n\n# id = 1\n# # X\na b X\n",
            "-DOCSTART- -X-\n\n# id = 1\n# # X <#> 0.5\na b X <a> 0.5\n",
        ),
        ("# alone\n\na X\n", "# alone\n\na X <a> 0.5\n"),
        ("", ""),
        ("\r\n", "\r\n"),
        (
            "a X\nb\n",
            "line 2: has 1 column, and line 1 has 2: a line is one token, its columns are parted by tabs or, in a line without one, by \
                       spaces, and an empty line ends a sentence",
        ),
    ] {
        assert_eq!(annotated(text.as_bytes(), FIRST), expected, "{text:?}");
        assert_eq!(annotated(&gzip(text.as_bytes()), FIRST), expected, "{text:?}");
    }
    assert_eq!(annotated(b"X\ta\n", ConllForm::Columns { token: 2 }), "X\ta\t<a>\t0.5\n");
    assert!(
        annotated(b"a\n", ConllForm::Columns { token: 2 })
            .starts_with("line 1: has 1 column, and the token ")
    );
    assert!(annotated(&gzip(b"a\nb\n")[..20], FIRST).starts_with("its gzip compression is damaged: "));
}

#[test]
fn conllu_has_a_place_for_what_else_is_said() {
    let line =
        |id: &str, miscellaneous: &str| format!("{id}\ta|b c\t_\tN\t_\t_\t0\troot\t_\t{miscellaneous}\n");
    let added = "Tag=<a_b_c>|Confidence=0.5";
    for (id, before, after) in [
        ("1", "_", added.to_owned()),
        ("1", "", added.to_owned()),
        ("1", "SpaceAfter=No", format!("SpaceAfter=No|{added}")),
        ("1", "SpaceAfter=No \r", format!("SpaceAfter=No|{added} \r")),
        ("1", "_\r", format!("{added}\r")),
        ("1-2", "_", "_".to_owned()),
        ("1.1", "SpaceAfter=No", "SpaceAfter=No".to_owned()),
    ] {
        let around = |line: String| format!("# text = x\n{line}\n# end\n");
        assert_eq!(
            annotated(around(line(id, before)).as_bytes(), ConllForm::Conllu),
            around(line(id, &after))
        );
    }
}

#[test]
fn what_is_added_parts_no_columns() {
    let values = ["", "B X\t\n\u{2028}|"].map(str::to_owned);
    let added = [AddedColumn { name: "Tag", values: &values }];
    let mut written = Vec::new();
    let block = ConllText::new(&b"a\nb"[..], FIRST).unwrap().next().unwrap().unwrap();
    block.write(&mut written, &added).unwrap();
    assert_eq!(String::from_utf8(written).unwrap(), "a _\nb B_X___|");
}

/// A source that fails if it is asked further than what was given.
struct Given<'a>(Cursor<&'a [u8]>);

impl Read for Given<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::other("read ahead")),
            count => Ok(count),
        }
    }
}

#[test]
fn a_sentence_is_there_when_its_end_is() {
    let mut text = ConllText::new(Given(Cursor::new(b"\na\nb\n\nc\n-DOCSTART-\n\nd")), FIRST).unwrap();
    let mut next =
        || text.next().map(|block| block.map(|block| (block.line(), block.len())).map_err(|e| e.to_string()));
    assert_eq!(next(), Some(Ok((Some(2), 2))));
    assert_eq!(next(), Some(Ok((Some(5), 1))));
    assert_eq!(next(), Some(Err("read ahead".to_owned())));
    assert_eq!(next(), None);
}

/// Real files, where `$BIRNN_DATA_DIR` has them, and how many sentences they have.
#[test]
fn real_files_stay_what_they_are() {
    let Some(folder) = std::env::var_os("BIRNN_DATA_DIR").map(std::path::PathBuf::from) else {
        return crate::skipped("BIRNN_DATA_DIR is not set");
    };
    for (name, form, count) in [
        ("conll2000/train.txt.gz", FIRST, 8936),
        ("wnut17/wnut17train.conll", FIRST, 3394),
        ("turkish/wiki.conllu.gz", ConllForm::Conllu, 2310),
    ] {
        let Ok(bytes) = std::fs::read(folder.join(name)) else {
            crate::skipped(&format!("no `{name}` in BIRNN_DATA_DIR"));
            continue;
        };
        let mut text = Vec::new();
        unzipped(bytes.as_slice()).unwrap().0.read_to_end(&mut text).unwrap();
        let begin = std::time::Instant::now();
        let (written, sentences) = same(&bytes, form).unwrap();
        println!("{name}: {:?}", begin.elapsed());
        assert!(written == text, "{name}");
        assert_eq!(sentences.len(), count, "{name}");
    }
}

proptest! {
    #[test]
    fn any_text_is_written_as_it_was(text in "(a X|# |#|-DOCSTART-|a|\t| |\r|\n|\n|\n\n|é|\u{feff}){0,40}") {
        for (token, form) in [(1, FIRST), (2, ConllForm::Columns { token: 2 })] {
            match same(text.as_bytes(), form) {
                Ok((written, sentences)) => {
                    prop_assert_eq!(String::from_utf8(written).unwrap(), text.clone());
                    let columns = ConllColumns { token, tag: None };
                    let read = crate::parse_conll(text.as_bytes(), columns, &crate::Labelling::None);
                    let found = read.map(|file| file.lines.into_iter().zip(file.sequences.lengths()).collect());
                    prop_assert_eq!(found.unwrap_or_else(|_| Vec::new()), sentences);
                }
                Err(error) => drop(one_line(&error.to_string())),
            }
        }
    }

    #[test]
    fn any_rows_of_conllu_are_written_as_they_were(
        rows in proptest::collection::vec(
            ("(1|2-3|1\\.1)", "[^\\s]{1,3}", "(\n|\r\n|\n\n|\n# é\n|\r\n \r\n)"), 0..10)
    ) {
        let row = |(id, form, end): &(String, String, String)| {
            format!("{id}\t{form}\t_\tN\t_\t_\t_\t_\t_\t_{end}")
        };
        let text: String = rows.iter().map(row).collect();
        let (written, _) = same(text.as_bytes(), ConllForm::Conllu).unwrap();
        prop_assert_eq!(String::from_utf8(written).unwrap(), text);
    }

    #[test]
    fn any_bytes_are_written_as_they_were_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        for form in [FIRST, ConllForm::Conllu] {
            match same(&bytes, form) {
                Ok((written, _)) => prop_assert_eq!(&written, &bytes),
                Err(error) => drop(one_line(&error.to_string())),
            }
        }
    }
}
