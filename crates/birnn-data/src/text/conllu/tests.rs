use std::path::PathBuf;

use super::*;
use crate::text::tests::{all_are_read, told};

/// Lines of CoNLL-U of what they begin with, a word, and three tags: `1 a N n root`.
fn conllu(text: &str) -> String {
    let line = |line: &str| match line.split(' ').collect::<Vec<_>>()[..] {
        [id, form, upos, xpos, deprel] if !id.starts_with('#') => {
            [id, form, "_", upos, xpos, "_", "0", deprel, "_", "_"].join("\t")
        }
        _ => line.to_owned(),
    };
    text.lines().map(|one| line(one) + "\n").collect()
}

#[test]
fn words_are_read_with_the_tags_of_a_column() {
    all_are_read(
        &[
            ("# text = a b\n1 a N n root\n2 b V v obj\n\n1 c N n root\n", "2: a/N b/V | 5: c/N"),
            ("1-2 ab _ _ _\n1 a N n root\n2 b V v obj\n", "2: a/N b/V"),
            ("0.1 q _ _ _\n1 a N n root\n1.1 q _ _ _\n2 b V v obj\n", "2: a/N b/V"),
            ("# a\n\n1 a N n root\n\n\n", "3: a/N"),
            ("1 a N n root\n# a\n2 b N n root\n", "1: a/N b/N"),
            ("1 # N n root\n", "1: #/N"),
            ("1 _ N n root\n", "1: _/N"),
            ("1 a _ n root\n", "line 1: its UPOS is `_`, which is none: .."),
            ("1-2 a _ n root\n", "ends before its first sentence"),
            ("1 a N\n", "line 1: has 1 column parted by tabs, and a line of CoNLL-U ten; .."),
            (
                "x a N n root\n",
                "line 1: begins with `x`, and a line of CoNLL-U with the number of a word: ..",
            ),
            ("1- a N n root\n", "line 1: begins with `1-`, .."),
            ("1.x a N n root\n", "line 1: begins with `1.x`, .."),
            (" a N n root\n", "line 1: begins with nothing, .."),
            ("1  N n root\n", "line 1: its column 2, where the token is read, is empty"),
        ],
        |text| {
            parse_conllu(conllu(str::from_utf8(text).unwrap()).as_bytes(), ConlluTag::Upos, &Labelling::Any)
        },
    );
    for (tag, expected) in [
        (ConlluTag::Xpos, "1: a/n b/v"),
        (ConlluTag::Deprel, "line 2: its DEPREL is `_`, which is none: .."),
        (ConlluTag::Feats, "1: a/_ b/_"),
    ] {
        all_are_read(&[("1 a N n root\n2 b V v _\n", expected)], |text| {
            let text = conllu(str::from_utf8(text).unwrap()).replace('\n', "\r\n");
            read_conllu(text.as_bytes(), tag, &Labelling::Any)
        });
    }
    let asked = conllu("1 a _ n root\n2 b V v _\n");
    assert_eq!(told(parse_conllu(asked.as_bytes(), ConlluTag::Upos, &Labelling::None)), "1: a b");
}

/// The Turkish Web Treebank, where `$BIRNN_DATA_DIR` has it.
#[test]
fn a_treebank_is_read() {
    let Some(folder) = std::env::var_os("BIRNN_DATA_DIR").map(PathBuf::from) else {
        return crate::skipped("BIRNN_DATA_DIR is not set");
    };
    for (name, sentences, tags) in [("turkish/web.conllu.gz", 2541, 14), ("turkish/wiki.conllu.gz", 2310, 14)]
    {
        let path = folder.join(name);
        if !path.exists() {
            crate::skipped(&format!("no `{name}` in BIRNN_DATA_DIR"));
            continue;
        }
        let begin = std::time::Instant::now();
        let (file, _) = read(&path, ConlluTag::Upos, &Labelling::Any, Encoding::UTF_8).unwrap();
        println!("{name}: {} tokens, {:?}", file.sequences.steps(), begin.elapsed());
        assert_eq!((file.sequences.len(), file.targets.unwrap().names.len()), (sentences, tags), "{name}");
    }
}
