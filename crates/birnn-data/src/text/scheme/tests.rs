use super::*;

const KINDS: [&str; 2] = ["A", "B"];

fn split(tags: &str) -> Vec<&str> {
    tags.split_whitespace().collect()
}

/// Such as `A 0-2, B 2-3`.
fn shown(spans: &[Span<&str>]) -> String {
    let shown = spans.iter().map(|span| format!("{} {}-{}", span.kind, span.begin, span.end));
    shown.collect::<Vec<_>>().join(", ")
}

/// All sequences of up to so many classes.
fn sequences(classes: usize, longest: usize) -> Vec<Vec<usize>> {
    let (mut all, mut last) = (Vec::new(), vec![Vec::new()]);
    for _ in 0..longest {
        let longer = |sequence: &Vec<usize>| {
            let sequence = sequence.clone();
            (0..classes).map(move |class| sequence.iter().copied().chain([class]).collect())
        };
        last = last.iter().flat_map(longer).collect();
        all.extend(last.iter().cloned());
    }
    all
}

/// Each scheme with all tags of two types, and all sequences of them up to some length.
fn all() -> impl Iterator<Item = (TagSet, Vec<Vec<usize>>)> {
    Scheme::ALL.into_iter().map(|scheme| {
        let tags = TagSet::new(scheme, &scheme.tags(&KINDS)).unwrap();
        let found = sequences(tags.names().len(), 4);
        (tags, found)
    })
}

fn named(tags: &TagSet, classes: &[usize]) -> Vec<String> {
    classes.iter().map(|&class| tags.names()[class].clone()).collect()
}

#[test]
fn spans_are_read_strictly_and_as_conlleval_does() {
    use Scheme::{Iob1, Iob2, Iobes};
    let cases = [
        (Iob2, "O O", "", ""),
        (Iob2, "B-A I-A O B-B", "A 0-2, B 3-4", "A 0-2, B 3-4"),
        (Iob2, "B-A B-A I-A", "A 0-1, A 1-3", "A 0-1, A 1-3"),
        (Iob2, "I-A I-A O", "", "A 0-2"),
        (Iob2, "B-A I-B I-B", "A 0-1", "A 0-1, B 1-3"),
        (Iob2, "O I-A B-A", "A 2-3", "A 1-2, A 2-3"),
        (Iob2, "B-A-B I-A-B I-A", "A-B 0-2", "A-B 0-2, A 2-3"),
        (Iob1, "I-A I-A B-A O", "A 0-2, A 2-3", "A 0-2, A 2-3"),
        (Iob1, "I-A I-B B-B I-B", "A 0-1, B 1-2, B 2-4", "A 0-1, B 1-2, B 2-4"),
        (Iob1, "I-A B-A I-B", "A 0-1, A 1-2, B 2-3", "A 0-1, A 1-2, B 2-3"),
        (Iob1, "B-A I-A O", "A 1-2", "A 0-2"),
        (Iob1, "O B-A B-A", "A 2-3", "A 1-2, A 2-3"),
        (Iob1, "I-A B-B O", "A 0-1", "A 0-1, B 1-2"),
        (Iob1, "I-A B-A B-B", "A 0-1", "A 0-1, A 1-2, B 2-3"),
        (Iobes, "S-A B-A I-A E-A O", "A 0-1, A 1-4", "A 0-1, A 1-4"),
        (Iobes, "U-A B-A M-A L-A O", "A 0-1, A 1-4", "A 0-1, A 1-4"),
        (Iobes, "B-A E-A B-A E-A S-A", "A 0-2, A 2-4, A 4-5", "A 0-2, A 2-4, A 4-5"),
        (Iobes, "B-A I-A O", "", "A 0-2"),
        (Iobes, "B-A B-A E-A", "A 1-3", "A 0-1, A 1-3"),
        (Iobes, "E-A E-A I-A", "", "A 0-1, A 1-2, A 2-3"),
        (Iobes, "S-A I-A E-A", "A 0-1", "A 0-1, A 1-3"),
        (Iobes, "B-A I-B E-B", "", "A 0-1, B 1-3"),
        (Iobes, "", "", ""),
    ];
    for (scheme, tags, strict, conlleval) in cases {
        let read = |reading| shown(&scheme.spans(&split(tags), reading).unwrap());
        assert_eq!(read(SpanReading::Strict), strict, "{scheme}, strict: {tags}");
        assert_eq!(read(SpanReading::Conlleval), conlleval, "{scheme}, conlleval: {tags}");
    }
}

#[test]
fn what_is_illegal_is_said() {
    use Scheme::{Iob1, Iob2, Iobes};
    let cases = [
        (Iob2, "O I-NP", 1, "`I-NP` stands after `O`, where IOB2 has `B-NP`"),
        (Iob2, "I-NP I-NP", 0, "`I-NP` stands first, where IOB2 has `B-NP`"),
        (Iob2, "B-NP I-NP I-VP", 2, "`I-VP` stands after `I-NP`, where IOB2 has `B-VP`"),
        (Iob1, "O B-NP", 1, "`B-NP` stands after `O`, where IOB1 has `I-NP`"),
        (Iob1, "I-NP B-VP", 1, "`B-VP` stands after `I-NP`, where IOB1 has `I-VP`"),
        (Iobes, "E-NP", 0, "`E-NP` stands first, where IOBES has `B-NP` or `S-NP`"),
        (Iobes, "S-NP I-NP", 1, "`I-NP` stands after `S-NP`, where IOBES has `B-NP` or `S-NP`"),
        (Iobes, "O B-NP O", 2, "`O` stands after `B-NP`, where IOBES has `I-NP` or `E-NP`"),
        (Iobes, "M-NP", 0, "`M-NP` stands first, where IOBES has `B-NP` or `S-NP`"),
        (Iobes, "B-NP E-VP", 1, "`E-VP` stands after `B-NP`, where IOBES has `I-NP` or `E-NP`"),
        (Iobes, "O B-NP", 1, "`B-NP` stands last, where IOBES has `S-NP`"),
        (Iobes, "B-NP I-NP", 1, "`I-NP` stands last, where IOBES has `E-NP`"),
    ];
    for (scheme, tags, at, expected) in cases {
        let found = scheme.first_illegal(&split(tags)).unwrap().unwrap();
        assert_eq!((found.at, found.to_string().as_str()), (at, expected), "{scheme}: {tags}");
        let problem = scheme.convert(&split(tags), scheme).unwrap_err();
        assert_eq!((problem.at(), problem.to_string().as_str()), (at, expected), "{scheme}: {tags}");
    }
}

#[test]
fn what_is_no_tag_of_the_scheme_is_an_error() {
    let iob = "`O`, `B-TYPE` or `I-TYPE`";
    let cases = [
        (Scheme::Iob2, "X-NP", format!("found `X-NP`, where a tag of IOB2 is {iob}")),
        (Scheme::Iob1, "E-NP", format!("found `E-NP`, where a tag of IOB1 is {iob}")),
        (Scheme::Iob2, "", format!("found nothing, where a tag of IOB2 is {iob}")),
        (
            Scheme::Iobes,
            "B",
            "found `B`, where a tag of IOBES is `O`, `B-TYPE`, `I-TYPE`, `E-TYPE` or `S-TYPE`".to_owned(),
        ),
    ];
    for (scheme, tag, expected) in cases {
        let problem = TagSet::new(scheme, &["O", tag]).unwrap_err();
        assert_eq!((problem.at(), problem.to_string()), (1, expected));
    }
    for tag in ["B-", "-NP", "o", "0", "b-NP", "BNP", "O-NP", "NP", " B-NP", "M-NP"] {
        assert!(Scheme::Iob2.spans(&[tag], SpanReading::Strict).is_err(), "{tag}");
    }
}

#[test]
fn tags_are_converted() {
    let cases = [
        ["I-A I-A O I-B", "B-A I-A O B-B", "B-A E-A O S-B"],
        ["I-A B-A I-A", "B-A B-A I-A", "S-A B-A E-A"],
        ["I-A I-B B-B I-A", "B-A B-B B-B B-A", "S-A S-B S-B S-A"],
        ["I-A I-A I-A", "B-A I-A I-A", "B-A I-A E-A"],
        ["O I-A-B O", "O B-A-B O", "O S-A-B O"],
        ["", "", ""],
    ];
    for case in cases {
        for (from, tags) in Scheme::ALL.into_iter().zip(case) {
            for (to, expected) in Scheme::ALL.into_iter().zip(case) {
                assert_eq!(
                    from.convert(&split(tags), to).unwrap(),
                    split(expected),
                    "{from} to {to}: {tags}"
                );
            }
        }
    }
    let bilou = split("U-A B-A M-A L-A");
    assert_eq!(Scheme::Iobes.convert(&bilou, Scheme::Iobes).unwrap(), split("S-A B-A I-A E-A"));
    let repaired = Scheme::Iob2.repair(&split("O I-A I-A I-B"), Scheme::Iob2).unwrap();
    assert_eq!(repaired, split("O B-A I-A B-B"));
}

#[test]
fn sequences_are_converted_there_and_back_or_refused() {
    for (tags, sequences) in all() {
        let scheme = tags.scheme();
        for classes in sequences {
            let names = named(&tags, &classes);
            let read = scheme.spans(&names, SpanReading::Conlleval).unwrap();
            let is_legal = tags.first_illegal(&classes).is_none();
            for to in Scheme::ALL {
                let repaired = scheme.repair(&names, to).unwrap();
                assert_eq!(to.first_illegal(&repaired), Ok(None), "{scheme} to {to}: {names:?}");
                assert_eq!(to.spans(&repaired, SpanReading::Strict).unwrap(), read, "{names:?}");
                assert_eq!(scheme.convert(&names, to).ok(), is_legal.then(|| repaired.clone()));
                let back = to.convert(&repaired, scheme).unwrap();
                assert_eq!(back == names, is_legal, "{scheme} to {to}: {names:?}");
            }
        }
    }
}

/// A legal sequence of any scheme is one way to part tokens into spans.
#[test]
fn readings_agree_on_legal_sequences_and_schemes_on_what_can_be_marked() {
    let mut marked = Vec::new();
    for (tags, sequences) in all() {
        let mut of_scheme = Vec::new();
        for classes in sequences.iter().filter(|classes| tags.illegal(classes) == 0) {
            let [strict, conlleval] =
                [SpanReading::Strict, SpanReading::Conlleval].map(|reading| tags.spans(classes, reading));
            assert_eq!(strict, conlleval, "{}: {:?}", tags.scheme(), named(&tags, classes));
            of_scheme.push((classes.len(), strict));
        }
        of_scheme.sort();
        let all = of_scheme.len();
        of_scheme.dedup();
        assert_eq!(of_scheme.len(), all, "{}", tags.scheme());
        marked.push(of_scheme);
    }
    assert_eq!(marked[0], marked[1]);
    assert_eq!(marked[1], marked[2]);
    assert!(marked[0].len() > 50, "{}", marked[0].len());
}

#[test]
fn what_may_stand_where_is_what_is_not_illegal() {
    for (tags, sequences) in all() {
        let (legal, count) = (tags.legal(), tags.names().len());
        let fits = |classes: &[usize]| {
            let last = classes[classes.len() - 1];
            let pairs = classes.windows(2).all(|pair| legal.transitions[pair[0] * count + pair[1]]);
            legal.start[classes[0]] && pairs && legal.end[last]
        };
        for classes in &sequences {
            let first = tags.first_illegal(classes);
            assert_eq!(first.is_none(), fits(classes), "{}: {:?}", tags.scheme(), named(&tags, classes));
            assert_eq!(first.is_none(), tags.illegal(classes) == 0);
            let by_name = tags.scheme().first_illegal(&named(&tags, classes)).unwrap();
            assert_eq!(first, by_name);
        }
    }
}

/// `always` says whether there is a legal sequence of each length.
#[test]
fn there_is_always_a_legal_sequence_where_it_is_said() {
    let cases = [
        (Scheme::Iob2, "O I-A", true),
        (Scheme::Iob2, "B-A I-A", true),
        (Scheme::Iob2, "I-A I-B", false),
        (Scheme::Iob1, "B-A I-A", true),
        (Scheme::Iob1, "B-A B-B", false),
        (Scheme::Iobes, "B-A I-A E-A S-A", true),
        (Scheme::Iobes, "B-A I-A E-A", false),
        (Scheme::Iobes, "O B-A", true),
    ];
    for (scheme, names, expected) in cases {
        let tags = TagSet::new(scheme, &split(names)).unwrap();
        let is_there = |length: usize| {
            let of_length = sequences(tags.names().len(), length);
            of_length.iter().any(|classes| classes.len() == length && tags.illegal(classes) == 0)
        };
        assert_eq!(tags.legal().always(), expected, "{scheme}: {names}");
        assert_eq!((1..=4).all(is_there), expected, "{scheme}: {names}");
        // With so few tags, four steps are enough for each that has a place.
        let count = tags.names().len();
        let legal: Vec<_> = sequences(count, 4).into_iter().filter(|of| tags.illegal(of) == 0).collect();
        let never: Vec<usize> = (0..count).filter(|tag| !legal.iter().any(|of| of.contains(tag))).collect();
        assert_eq!(tags.legal().never(), never, "{scheme}: {names}");
    }
}

#[test]
fn a_set_has_its_types_sorted() {
    let tags = TagSet::new(Scheme::Iobes, &["S-loc", "O", "U-loc", "E-a-b", "B-PER"]).unwrap();
    assert_eq!(tags.kinds(), ["PER", "a-b", "loc"]);
    assert_eq!([0, 1, 2, 3, 4].map(|class| tags.kind(class)), [Some(2), None, Some(2), Some(1), Some(0)]);
    let spans = tags.spans(&[0_u8, 1, 2], SpanReading::Strict);
    assert_eq!(spans, [Span { begin: 0, end: 1, kind: 2 }, Span { begin: 2, end: 3, kind: 2 }]);
    assert_eq!(Scheme::Iob1.tags(&KINDS), ["O", "B-A", "I-A", "B-B", "I-B"]);
    assert_eq!(Scheme::Iobes.tags(&["x"]), ["O", "B-x", "I-x", "E-x", "S-x"]);
}

#[test]
fn a_scheme_is_named_as_experiments_have_it() {
    for scheme in Scheme::ALL {
        let json = serde_json::json!(scheme.name());
        assert_eq!(serde_json::to_value(scheme).unwrap(), json);
        assert_eq!(serde_json::from_value::<Scheme>(json).unwrap(), scheme);
        assert_eq!(scheme.to_string().to_lowercase(), scheme.name());
    }
}
