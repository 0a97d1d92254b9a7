use super::*;
use crate::text::forms::Sentences;

fn text(sentence: &str, folding: Folding) -> Text {
    let mut sentences = Sentences::default();
    sentence.split(' ').for_each(|token| sentences.push(token));
    sentences.end();
    Text::of(&sentences.finish(), folding, 1)
}

fn plan(beyond: usize, frozen: bool) -> VectorsPlan {
    VectorsPlan { path: PathBuf::from("vectors"), beyond: Some(beyond), width: 2, frozen }
}

/// A word, and its vector if it has one.
type Known = (String, Option<[f32; 2]>);

/// The words that are known then, each with its vector if it has one, and how many are rare.
#[track_caller]
fn known(file: &[u8], plan: &VectorsPlan, sentence: &str, folding: Folding) -> (Vec<Known>, usize) {
    let (text, vectors) = parse_vectors(file, plan, text(sentence, folding)).unwrap();
    assert_eq!(text.check(), Ok(()));
    let of = |row: u32| {
        let position = vectors.rows.iter().position(|&other| other == row)?;
        Some([vectors.values[2 * position], vectors.values[2 * position + 1]])
    };
    let words = text.words.iter().zip(1..).map(|(word, row)| (word.clone(), of(row)));
    (words.collect(), text.rare)
}

fn words(of: &[(&str, Option<[f32; 2]>)]) -> Vec<Known> {
    of.iter().map(|&(word, vector)| (word.to_owned(), vector)).collect()
}

const GLOVE: &str = "the 1 2\n, 3 4\nof -5e-1 +.25\nGraz 7 8\ngraz 9 10\n";
const PLAIN: Folding = Folding { normal_form: None, lowercase: false, merge_digits: false };

/// The same vectors with how many there are before them, as text and as bytes.
fn counted() -> Vec<u8> {
    [b"5 2\n", GLOVE.as_bytes()].concat()
}

fn binary() -> Vec<u8> {
    let mut bytes = b"5 2\n".to_vec();
    for line in GLOVE.lines() {
        let mut fields = line.split(' ');
        bytes.extend(fields.next().unwrap().bytes());
        bytes.push(b' ');
        fields.for_each(|field| bytes.extend(field.parse::<f32>().unwrap().to_le_bytes()));
        bytes.push(b'\n');
    }
    bytes
}

#[test]
fn every_format_gives_the_same_vectors() {
    let expected =
        words(&[("the", Some([1.0, 2.0])), ("of", Some([-0.5, 0.25])), ("cat", None), ("sat", None)]);
    let windows = GLOVE.replace('\n', " \r\n");
    let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut zipped, &binary()).unwrap();
    let marked = ["\u{feff}", GLOVE].concat().into_bytes();
    let marked_count = [b"\xef\xbb\xbf", counted().as_slice()].concat();
    let files = [
        GLOVE.into(),
        marked,
        marked_count,
        windows.into_bytes(),
        counted(),
        binary(),
        zipped.finish().unwrap(),
    ];
    for file in files {
        let found = known(&file, &plan(0, false), "the of the of the cat sat", PLAIN);
        assert_eq!(found, (expected.clone(), 2), "{}", String::from_utf8_lossy(&file));
    }
}

/// Whatever its bytes are: the first of a value may be that of a line's end.
#[test]
fn bytes_are_not_taken_for_lines() {
    let mut file = b"2 2\nthe ".to_vec();
    let value = f32::from_le_bytes(*b"\n\x00\x80\x3f");
    file.extend([value, 2.0].iter().flat_map(|value| value.to_le_bytes()));
    file.extend(b"\ncat ");
    file.extend([3.0_f32, 4.0].iter().flat_map(|value| value.to_le_bytes()));
    let found = known(&file, &plan(0, false), "the cat", PLAIN).0;
    assert_eq!(found, words(&[("cat", Some([3.0, 4.0])), ("the", Some([value, 2.0]))]));
}

#[test]
fn words_of_the_file_are_known_beside_those_of_the_sentences() {
    let of = |vector: [f32; 2]| Some(vector);
    let found = known(GLOVE.as_bytes(), &plan(2, false), "the cat cat dog", PLAIN);
    let expected = [
        ("cat", None),
        ("the", of([1.0, 2.0])),
        (",", of([3.0, 4.0])),
        ("of", of([-0.5, 0.25])),
        ("dog", None),
    ];
    assert_eq!(found, (words(&expected), 1), "what is rare and has no vector is the last");
    let found = known(GLOVE.as_bytes(), &plan(1, true), "the cat cat dog", PLAIN);
    assert_eq!(found, (words(&[("the", of([1.0, 2.0])), (",", of([3.0, 4.0]))]), 0));
    let (_, vectors) = parse_vectors(GLOVE.as_bytes(), &plan(1, true), text("the of", PLAIN)).unwrap();
    assert_eq!((vectors.rows[0], &vectors.values[..2]), (Lexicon::UNKNOWN, &[0.25, 1.125][..]), "their mean");
}

#[test]
fn words_are_looked_for_as_they_are_and_then_in_small_letters() {
    let of = |sentence, folding| known(GLOVE.as_bytes(), &plan(0, false), sentence, folding).0;
    assert_eq!(of("The", PLAIN), words(&[("The", Some([1.0, 2.0]))]));
    assert_eq!(of("Graz", PLAIN), words(&[("Graz", Some([7.0, 8.0]))]));
    assert_eq!(of("GRAZ graz", PLAIN), words(&[("GRAZ", Some([9.0, 10.0])), ("graz", Some([9.0, 10.0]))]));
    let small = Folding { lowercase: true, ..PLAIN };
    assert_eq!(
        of("Graz", small),
        words(&[("graz", Some([7.0, 8.0]))]),
        "the first of those that are the same"
    );
    let (_, vectors) = parse_vectors(GLOVE.as_bytes(), &plan(0, false), text("The of cat", PLAIN)).unwrap();
    assert_eq!(vectors.found, FoundVectors { words: 3, known: 2, by_lowercase: 1, beyond: 0 });
    // However late it comes, the word itself counts.
    let late = known(b"a 1 2\nA 3 4\n", &plan(0, false), "A a", PLAIN).0;
    assert_eq!(late, words(&[("A", Some([3.0, 4.0])), ("a", Some([1.0, 2.0]))]));
}

#[test]
fn lines_of_several_words_are_passed_over() {
    let found = known(b"the 1 2\nthe cat 3 4\ncat 5 6\n", &plan(9, false), "cat", PLAIN).0;
    assert_eq!(found, words(&[("cat", Some([5.0, 6.0])), ("the", Some([1.0, 2.0]))]));
    let first = known(b"2 2\nNew York 3 4\ncat 5 6\n", &plan(9, false), "cat", PLAIN).0;
    assert_eq!(
        first,
        words(&[("cat", Some([5.0, 6.0]))]),
        "as text, though no number is behind the first word"
    );
}

#[test]
fn what_is_no_file_of_vectors_is_refused() {
    let refused = |file: &[u8]| {
        let error = parse_vectors(file, &plan(9, false), text("the cat", PLAIN)).unwrap_err();
        error.to_string()
    };
    let cases: [(&[u8], &str); 14] = [
        (b"", "does not begin with a vector"),
        (b"the\n", "does not begin with a vector"),
        (b"the cat sat\n", "does not begin with a vector"),
        (b"the 1 2 3\n", "its vectors have 3 values, and `width` under [model.embedding] is 2: set it to 3"),
        (b"5 300\nthe 1 2\n", "its vectors have 300 values"),
        (b"the 1 2\ncat 3\n", "line 2: has 1 numbers behind its word, and a vector has 2"),
        (b"the 1 2\ndog 3", "line 2: has 1 numbers behind its word"),
        (b"2 2\nthe 1 2 3\ncat 3 4 5\n", "line 2: has 3 numbers behind its word, and a vector has 2"),
        (b"the 1 2\ncat 3 x\x1b\n", "line 2: `x\\u001b` is not a number"),
        (b"the 1 2\ncat 3 inf\n", "line 2: `inf` is not a number"),
        (b"4 2\nthe 1 2\ncat 1 2\n", "its first line promises 4 vectors, and it ends after 2"),
        (b"\xba\x16\x4f\x2f rest", "is a whole model of fastText"),
        (b"Katze 1 2\n", "has a vector for none of the 2 words"),
        (
            b"2 2\nthe \x00\x00\x80\x3f\x00\x00\x00\x40\ncat \x00",
            "its first line promises 2 vectors, and it ends after 1",
        ),
    ];
    for (file, expected) in cases {
        let found = refused(file);
        assert!(found.starts_with(expected), "{found}");
    }
    let mut bytes = binary();
    let nan = bytes.len() - 9;
    bytes[nan..nan + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    assert_eq!(refused(&bytes), "its vector 5 has a value that is not a number");
    let endless = [b"the ".as_slice(), &vec![b'1'; 1 << 21]].concat();
    assert!(refused(&endless).starts_with("has more than 1048576 bytes"), "{}", refused(&endless));
}
