//! Any bytes, gzipped or not, are sentences, texts or words' vectors, in whatever form, or an error of one
//! line, in memory that their length bounds; and they are written as they were where nothing is added to
//! them.
#![no_main]

mod memory;

use birnn_data::{
    ConllColumns, ConllForm, ConllText, ConlluTag, FileProblem, FileTargets, Folding, Labelling, Per, Sentences,
    SeriesFile, Text, TextForm, Unit, VectorsPlan, parse_conll, parse_conllu, parse_lines, parse_texts, parse_vectors,
    read_lines,
};
use libfuzzer_sys::fuzz_target;

/// Bytes of memory for each byte of text, such as those of the name of a column of one character, in a header
/// that lacks the one that is asked for, while lists of them grow; the most that DEFLATE can make of a byte;
/// and for any text, buffers included.
const PER_BYTE: usize = 256;
const LARGEST_RATIO: usize = 1032;
const ALWAYS: usize = 2 << 20;
const GZIP: [u8; 2] = [0x1f, 0x8b];

fuzz_target!(|bytes: &[u8]| {
    // What is said of sentences stands behind them, where anything does.
    let mut parts = bytes.splitn(2, |&byte| byte == 0);
    let sentences = parts.next().unwrap_or_default();
    let answers = parts.next().unwrap_or(sentences);
    let named = Labelling::Of(vec!["O".to_owned(), "B".to_owned()]);
    for labelling in [Labelling::None, Labelling::Any, named] {
        for (token, tag) in [(1, None), (1, Some(2)), (2, Some(1)), (0, None)] {
            check(bytes, || parse_conll(bytes, ConllColumns { token, tag }, &labelling));
        }
        for tag in [ConlluTag::Upos, ConlluTag::Xpos, ConlluTag::Deprel] {
            check(bytes, || parse_conllu(bytes, tag, &labelling));
        }
        for per in [Per::Step, Per::Sequence] {
            check(bytes, || parse_lines(sentences, Some((answers, per)), &labelling));
        }
        let [text, label] = ["text", "label"].map(str::to_owned);
        let forms = [
            TextForm::Lines,
            TextForm::Json { text: text.clone(), label: label.clone() },
            TextForm::Table { text, label, delimiter: b',' },
        ];
        for form in forms {
            for unit in [Unit::Words, Unit::Characters] {
                check(bytes, || parse_texts(bytes, &form, unit, &labelling));
            }
        }
    }
    check(bytes, || read_lines(bytes));
    for frozen in [false, true] {
        let plan = VectorsPlan { path: "vectors".into(), beyond: Some(usize::MAX), width: 2, frozen };
        match memory::within(most(bytes), || parse_vectors(bytes, &plan, known())) {
            Ok((text, vectors)) => {
                text.check().unwrap();
                assert_eq!(vectors.values.len(), 2 * vectors.rows.len());
                assert!(vectors.values.iter().all(|value| value.is_finite()));
            }
            Err(error) => one_line(&error.to_string()),
        }
    }
    for form in [ConllForm::Columns { token: 1 }, ConllForm::Columns { token: 2 }, ConllForm::Conllu] {
        match memory::within(most(bytes), || written(bytes, form)) {
            Ok(text) => assert!(bytes.starts_with(&GZIP) || text == bytes, "{form:?}"),
            Err(error) => one_line(&error.to_string()),
        }
    }
});

/// The words of a training sentence.
fn known() -> Text {
    let mut sentences = Sentences::default();
    ["a", "B", "the"].iter().for_each(|token| sentences.push(token));
    sentences.end();
    Text::of(&sentences.finish(), Folding::default(), 1)
}

/// The memory that reading these bytes may take.
fn most(bytes: &[u8]) -> usize {
    // Either of two texts may be gzipped.
    let is_zipped = bytes.windows(2).any(|pair| pair == GZIP);
    let text = if is_zipped { LARGEST_RATIO * bytes.len() } else { bytes.len() };
    PER_BYTE * text + ALWAYS
}

fn check(bytes: &[u8], read: impl FnOnce() -> Result<SeriesFile, FileProblem>) {
    let SeriesFile { sequences, targets, lines, .. } = match memory::within(most(bytes), read) {
        Ok(file) => file,
        Err(error) => return one_line(&error.to_string()),
    };
    assert!(!sequences.is_empty() && sequences.lengths().all(|tokens| tokens > 0));
    assert!(lines.len() == sequences.len() && lines.is_sorted_by(|one, next| one < next));
    assert!(sequences.iter().all(|one| one.words().all(|word| !word.is_empty())));
    if let Some(FileTargets { targets, names }) = targets {
        let expected = if targets.per == Per::Step { sequences.steps() } else { sequences.len() };
        let labels = targets.classes().expect("classes");
        assert_eq!(labels.len(), expected);
        assert!(labels.iter().all(|&label| usize::from(label) < names.len()));
    }
}

/// What is written of a text without a column being added.
fn written(bytes: &[u8], form: ConllForm) -> Result<Vec<u8>, FileProblem> {
    let mut text = Vec::new();
    for block in ConllText::new(bytes, form)? {
        let block = block?;
        assert!(block.tokens().all(|token| !token.is_empty()) && block.tokens().count() == block.len());
        block.write(&mut text, &[]).expect("memory");
    }
    Ok(text)
}

fn one_line(error: &str) {
    assert!(error.len() < 2000 && !error.chars().any(char::is_control), "{error:?}");
}
