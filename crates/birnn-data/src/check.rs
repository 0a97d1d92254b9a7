//! What data can be that hardly is what was meant, found by its content.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use crate::config::{DataPlan, OwnFiles, OwnFormat, Source, SplitBy};
use crate::error::ConfigError;
use crate::modality::SampleKind;
use crate::name;
use crate::sequences::{Sequence, SequenceValues, Sequences, Values};
use crate::split::{MOST_CLASSES, Split};
use crate::text::classified::Unit;

/// Test samples that are training samples: whatever the files are called, and however they came to hold the
/// same.
pub(crate) fn overlap(train: &Split, test: &Split, plan: &DataPlan) -> Option<ConfigError> {
    let what = plan.source.noun();
    // A net that is asked about another file can have learnt from a part of its own alone.
    let (key, known) = match (&plan.source, plan.test_share) {
        (_, Some(_)) => ("test_share", format!("are training {what}")),
        (Source::Own(_), None) => ("test", "are in `data.train`".to_owned()),
        (_, None) => ("test_images", "are in `data.train_images`".to_owned()),
    };
    learnt_from(train, test, plan, (key, "test", &known))
}

/// The same of samples to judge by while training, which have a file of their own.
pub(crate) fn validation_overlap(train: &Split, validation: &Split, plan: &DataPlan) -> Option<ConfigError> {
    learnt_from(train, validation, plan, ("validation_file", "validation", "are in `data.train`"))
}

/// What there is to say where some of the `part` that this key has are training samples, which are `known`
/// so.
fn learnt_from(
    train: &Split,
    judged: &Split,
    plan: &DataPlan,
    (key, part, known): (&'static str, &str, &str),
) -> Option<ConfigError> {
    let index_of: HashMap<_, usize> =
        contents(train).rev().map(|(index, content)| (content, index)).collect();
    let mut seen = contents(judged).filter_map(|(index, content)| Some((index, *index_of.get(&content)?)));
    let (first, same) = seen.next()?;
    let (what, one) = (plan.source.noun(), plan.source.singular());
    let (count, all) = (1 + seen.count(), judged.len());
    let message = format!(
        "{count} of {all} {part} {what} {known} too (the first is {part} {one} {first}, training {one} {same}): how a \
         net does on what it learnt from says nothing of others"
    );
    Some(ConfigError::new(key, message))
}

/// What each sequence holds, with its index.
fn contents(split: &Split) -> impl DoubleEndedIterator<Item = (usize, Content<'_>)> {
    (0..split.len()).map(|index| (index, Content(split.sequences.get(index).values)))
}

/// What a sequence holds, bit for bit.
struct Content<'a>(SequenceValues<'a>);

impl PartialEq for Content<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self.0, other.0) {
            (SequenceValues::Bytes(own), SequenceValues::Bytes(other)) => own == other,
            (SequenceValues::Floats(own), SequenceValues::Floats(other)) => {
                own.iter().map(|number| number.to_bits()).eq(other.iter().map(|number| number.to_bits()))
            }
            // Indices are those of a file's own forms.
            (SequenceValues::Tokens(own, of), SequenceValues::Tokens(other, of_other)) => {
                own.len() == other.len()
                    && own.iter().zip(other).all(|(&own, &other)| of.get(own) == of_other.get(other))
            }
            (SequenceValues::Bytes(_) | SequenceValues::Floats(_) | SequenceValues::Tokens(..), _) => false,
        }
    }
}

impl Eq for Content<'_> {}

impl Hash for Content<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.0 {
            SequenceValues::Bytes(bytes) => bytes.hash(state),
            SequenceValues::Floats(floats) => floats.iter().for_each(|number| number.to_bits().hash(state)),
            SequenceValues::Tokens(tokens, forms) => {
                tokens.iter().for_each(|&token| forms.get(token).hash(state));
            }
        }
    }
}

/// Whether the samples of each class come one after the other, so that the first ones are of a few classes
/// alone.
pub(crate) fn is_sorted_by_class(labels: &[u16]) -> bool {
    let mut seen = vec![false; MOST_CLASSES];
    let mut classes = 0;
    for (index, &label) in labels.iter().enumerate() {
        let begins = index == 0 || labels[index - 1] != label;
        if begins && std::mem::replace(&mut seen[usize::from(label)], true) {
            return false;
        }
        classes += usize::from(begins);
    }
    classes > 1
}

/// Features of which no training series has a value.
pub(crate) fn never_known(train: &Sequences, names: Option<&[String]>) -> Option<ConfigError> {
    let mut known = vec![false; train.features()];
    match train.values() {
        Values::Bytes(_) | Values::Tokens(..) => return None,
        Values::Floats(all) => {
            for step in all.chunks_exact(known.len()) {
                known.iter_mut().zip(step).for_each(|(known, value)| *known |= !value.is_nan());
            }
        }
    }
    let never = known.iter().enumerate().filter(|&(_, known)| !known);
    let never: Vec<String> = never.map(|(feature, _)| called(names, feature)).collect();
    let what = match never.as_slice() {
        [] => return None,
        [one] => format!("feature {one} is"),
        several => format!("features {} are", name::first(several)),
    };
    let message = format!("{what} missing in all training series: 0 is read there, and nothing learnt of it");
    Some(ConfigError::new("missing", message))
}

/// A feature or target by its name or, where it has none, by its number.
fn called(names: Option<&[String]>, index: usize) -> String {
    match names.and_then(|names| names.get(index)) {
        Some(name) => format!("`{}`", name.escape_debug()),
        None => (index + 1).to_string(),
    }
}

/// Values, `[positions, width]`, so large that 32 bits hardly tell them apart, such as times in seconds since
/// 1970: `what` they are, a feature or a target.
pub(crate) fn hardly_told_apart(
    what: &str,
    values: &[f32],
    width: usize,
    names: Option<&[String]>,
) -> Option<ConfigError> {
    /// Up to here all whole numbers are told apart.
    const WHOLE: f32 = 16_777_216.0;
    /// So many different values say enough.
    const ENOUGH: f32 = 1000.0;
    // All columns at once, as they lie; of a number and none the number is the least and the most.
    let mut ranges = vec![(f32::INFINITY, f32::NEG_INFINITY); width];
    // Series that are asked for their own values have no targets: a width of 0.
    for position in values.chunks_exact(width.max(1)) {
        for ((least, most), &value) in ranges.iter_mut().zip(position) {
            (*least, *most) = (least.min(value), most.max(value));
        }
    }
    ranges.into_iter().enumerate().find_map(|(index, (least, most))| {
        let largest = least.abs().max(most.abs());
        let apart = largest.next_up() - largest;
        if least > most || largest < WHOLE || most - least >= ENOUGH * apart {
            return None;
        }
        let message = format!(
            "the values of {what} {} are {least} to {most}, where numbers of 32 bits are {apart} apart: take off what all of \
             them have in common, or leave it out",
            called(names, index)
        );
        Some(ConfigError::new("train", message))
    })
}

/// Which labels there are.
pub(crate) fn classes_in(labels: &[u16]) -> Vec<bool> {
    let mut seen = vec![false; MOST_CLASSES];
    labels.iter().for_each(|&label| seen[usize::from(label)] = true);
    seen
}

/// Classes of which no sample was left in `labels` to train on; of those that are `known` there were some in
/// the file, among so many samples.
pub(crate) fn untrained(
    labels: &[u16],
    classes: &[String],
    (known, of): (&[bool], usize),
    sorted: bool,
    plan: &DataPlan,
) -> Option<ConfigError> {
    let seen = classes_in(labels);
    // Of tags that only other files have, their reader tells.
    let is_told = matches!(&plan.source, Source::Own(files) if files.format.kind() == SampleKind::Text);
    let missing: Vec<usize> =
        (0..classes.len()).filter(|&class| !seen[class] && (known[class] || !is_told)).collect();
    if missing.is_empty() {
        return None;
    }
    let named: Vec<String> =
        missing.iter().map(|&class| format!("`{}`", classes[class].escape_debug())).collect();
    let (what, one) = (plan.source.noun(), plan.source.singular());
    let without =
        format!("no training {one} is of class {}, and the net will never name it", name::first(&named));
    let limit = plan.limit;
    // Of windows there are more than samples.
    let is_limited = limit < if plan.window.is_some() { usize::MAX } else { of };
    Some(match missing.iter().any(|&class| known[class]) {
        false => ConfigError::new("dataset", without),
        true if !is_limited => {
            let key = match () {
                () if plan.split != SplitBy::Random => "split",
                () if plan.test_share.is_some() => "test_share",
                () if plan.validation.is_none() && plan.window.is_some() => "window",
                () => "validation",
            };
            ConfigError::new(key, format!("of those that are not kept back or left out, {without}"))
        }
        true if sorted => ConfigError::new(
            "limit",
            format!(
                "the {what} are sorted by class, and these are the first {limit}: {without}; \
                 shuffle the files"
            ),
        ),
        true => ConfigError::new("limit", format!("of the first {limit}, {without}")),
    })
}

/// Of words that white space parts, the share that may have a punctuation mark at their end: where marks
/// stand by themselves, these are abbreviations.
const MARKED: f64 = 0.05;

/// Words of texts that are other words to a net by the mark that stands behind them.
pub(crate) fn punctuation_in_words(sequences: &Sequences, plan: &DataPlan) -> Option<ConfigError> {
    let Source::Own(OwnFiles { format: OwnFormat::Texts(options), .. }) = &plan.source else { return None };
    if options.unit != Unit::Words {
        return None;
    }
    let (mut all, mut marked, mut first) = (0, 0, None);
    for word in sequences.iter().flat_map(Sequence::words) {
        all += 1;
        let bare = word.trim_end_matches(['.', ',', ';', ':', '!', '?']);
        if bare.len() < word.len() && bare.ends_with(char::is_alphanumeric) {
            marked += 1;
            first.get_or_insert((word, bare));
        }
    }
    let (word, bare) = first.filter(|_| f64::from(marked) > MARKED * f64::from(all))?;
    let (word, bare) = (word.escape_debug(), bare.escape_debug());
    let message = format!(
        "{marked} of {all} training words end in a punctuation mark, as `{word}` does, which is another word than \
         `{bare}`: unit = \"words-and-punctuation\" parts them"
    );
    Some(ConfigError::new("unit", message))
}

/// Whole numbers up to which there may be classes that are called so.
const NUMBERED: usize = 20;

/// Classes that were found in a user's own series and are numbers, as a measured value has them.
pub(crate) fn numbers_as_classes(classes: &[String], plan: &DataPlan) -> Option<ConfigError> {
    let Source::Own(files) = &plan.source else { return None };
    if files.format.class_names().is_some() || files.format.kind() != SampleKind::Series {
        return None;
    }
    let number = |class: &String| class.parse::<f64>().ok();
    let numbers: Vec<f64> = classes.iter().map(number).collect::<Option<_>>()?;
    // 1.0 and 2.0 are what becomes of 1 and 2 in a column of floats.
    let fractional = numbers.iter().position(|number| number.fract() != 0.0);
    let shown = &classes[fractional.or((classes.len() > NUMBERED).then_some(0))?];
    let key = match &files.format {
        OwnFormat::Table(_) => "target",
        OwnFormat::Ts
        | OwnFormat::Npz(_)
        | OwnFormat::Folder { .. }
        | OwnFormat::Conll(_)
        | OwnFormat::Conllu(_)
        | OwnFormat::Lines(_)
        | OwnFormat::Texts(_) => "train",
    };
    let message = format!(
        "its {} classes are numbers, such as {}, and are told apart like names; to have them estimated: \
         `kind = \"regress\"` under [task]",
        classes.len(),
        shown.escape_debug()
    );
    Some(ConfigError::new(key, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::images::{Images, LabelledImages};

    /// Images of two pixels.
    fn split(pixels: &[u8]) -> Split {
        let images = Images { rows: 1, cols: 2, pixels: pixels.to_vec() };
        LabelledImages { labels: vec![0; images.len()], images }.into()
    }

    #[test]
    fn test_images_that_were_trained_on_are_counted() {
        let train = split(&[1, 2, 3, 4, 5, 6]);
        let plan = crate::DataConfig::default().resolve().unwrap();
        let told = |test: &[u8]| overlap(&train, &split(test), &plan).map(|error| error.to_string());
        assert_eq!(told(&[2, 1, 4, 3]), None);
        assert_eq!(told(&[]), None);
        let told = told(&[9, 9, 5, 6, 3, 4]).unwrap();
        assert!(
            told.starts_with(
                "data.test_images: 2 of 3 test images are in `data.train_images` too (the first is test image 1, \
                 training image 2)"
            ),
            "{told}"
        );
    }

    #[test]
    fn classes_that_are_measured_are_told_of() {
        let told = |dataset: &str, classes: &[&str]| {
            let text =
                format!("dataset = \"{dataset}\"\ntrain = \"a.csv\"\ntest_share = 0.5\ntarget = \"y\"");
            let text = text.replace("\ntarget", if dataset == "table" { "\ntarget" } else { "\n#" });
            let plan = toml::from_str::<crate::DataConfig>(&text).unwrap().resolve().unwrap();
            let classes: Vec<String> = classes.iter().map(|&class| class.to_owned()).collect();
            numbers_as_classes(&classes, &plan).map(|error| error.to_string())
        };
        for classes in [&["1", "2"][..], &["1.0", "2.0"], &["1.5", "two"], &["a", "b"]] {
            assert_eq!(told("table", classes), None, "{classes:?}");
        }
        let message = "its 2 classes are numbers, such as 1.5, and are told apart like names; to have them estimated: \
                       `kind = \"regress\"` under [task]";
        assert_eq!(told("table", &["1", "1.5"]).unwrap(), format!("data.target: {message}"));
        assert_eq!(told("npz", &["1", "1.5"]).unwrap(), format!("data.train: {message}"));
        let many: Vec<String> = (0..21).map(|class| class.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!((told("table", &many[..20]), told("table", &many).is_some()), (None, true));
    }

    #[test]
    fn samples_may_be_sorted_by_class() {
        for (labels, sorted) in [
            (&[0, 0, 1, 1, 2][..], true),
            (&[2, 2, 0, 1], true),
            (&[0, 1, 0], false),
            (&[0, 0], false),
            (&[], false),
        ] {
            assert_eq!(is_sorted_by_class(labels), sorted, "{labels:?}");
        }
    }

    #[test]
    fn classes_without_training_images_are_named() {
        let classes: Vec<String> = (0..13).map(|class| format!("c{class}")).collect();
        let all: Vec<u16> = (0..13).collect();
        let told = |labels: &[u16], file: &[u16], limit: usize| {
            let plan = DataPlan { limit, ..crate::DataConfig::default().resolve().unwrap() };
            let sorted = is_sorted_by_class(file);
            untrained(labels, &classes, (&classes_in(file), file.len()), sorted, &plan)
                .map(|error| error.to_string())
        };
        assert_eq!(told(&all, &all, usize::MAX), None);
        for (labels, file, limit, starts) in [
            (&all[..12], &all[..12], usize::MAX, "data.dataset: no training image is of class `c12`, and"),
            (
                &all[..12],
                &all,
                usize::MAX,
                "data.validation: of those that are not kept back or left out, no training",
            ),
            (
                &all[..12],
                &all,
                12,
                "data.limit: the images are sorted by class, and these are the first 12: no",
            ),
            (&all[..12], &all, 13, "data.validation: of those that are not kept back"),
            (&all[..12], &[&all[..], &[0]].concat(), 12, "data.limit: of the first 12, no training image"),
        ] {
            let told = told(labels, file, limit).unwrap();
            assert!(told.starts_with(starts), "{told}");
        }
        let many = told(&[0, 0], &all, 2).unwrap();
        assert!(many.contains("`c1`, `c2`, ") && many.contains(" more, and"), "{many}");
    }

    #[test]
    fn numbers_too_large_for_32_bits_are_told() {
        let of =
            |values: &[f32]| hardly_told_apart("feature", values, 2, Some(&["t".to_owned(), "x".to_owned()]));
        let day: Vec<f32> = (0..2000).flat_map(|step| [1.7e9 + 43.0 * step as f32, step as f32]).collect();
        let told = of(&day).unwrap();
        assert_eq!(told.key, "data.train");
        assert!(told.message.starts_with("the values of feature `t` are 1700000000 to "), "{}", told.message);
        assert!(told.message.contains("numbers of 32 bits are 128 apart"), "{}", told.message);
        let year: Vec<f32> = (0..2000).flat_map(|step| [1.7e9 + 16e3 * step as f32, f32::NAN]).collect();
        assert_eq!(of(&year), None);
        assert_eq!(of(&[5.0, 16_777_215.0, 5.0, 16_777_215.0]), None);
        assert!(of(&[5.0, 2e7, 5.0, 2e7]).is_some(), "what was several may have become one");
        assert_eq!(of(&[]), None);
        assert_eq!(hardly_told_apart("target", &[], 0, None), None);
    }
}
