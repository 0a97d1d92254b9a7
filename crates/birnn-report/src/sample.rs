//! A sample as a page shows it: the picture of an image, the lines of a series.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use birnn_data::Sequence;

use crate::chart::{Bands, Strip, Strips, escaped, stretches, together_when_large};
use crate::directions::{ADDED, AddedToAnswers};
use crate::number::number;
use crate::words::Words;

/// More features than this would be too many to look at.
const DRAWN: usize = 8;

/// What a series is to be answered with, and is, step by step: drawn below it.
#[derive(Debug, Default)]
pub(crate) struct Below {
    pub(crate) lines: Vec<Strip>,
    pub(crate) bands: Option<Bands>,
    /// How to read it.
    pub(crate) caption: String,
    /// Of a sentence: what each direction adds to the answers.
    pub(crate) added: Option<AddedToAnswers>,
}

/// Small, for a gallery: an element that tells whoever does not see it that it is `title`, and of a series
/// its length and its range. `id` is its own on the page.
pub(crate) fn small(
    sample: Sequence<'_>,
    below: Below,
    id: &str,
    title: &str,
    words: Words,
) -> io::Result<String> {
    if sample.tokens().is_some() {
        return Ok(sentence(sample, &below, title));
    }
    match strips(sample, below, words) {
        None => picture(sample, title),
        Some(strips) => Ok(strips.small().finish(id, title, &described(sample, &strips, words))),
    }
}

/// As [`small`], but of a series with axes and a caption.
pub(crate) fn large(
    sample: Sequence<'_>,
    below: Below,
    id: &str,
    title: &str,
    words: Words,
) -> io::Result<String> {
    if sample.tokens().is_some() {
        return Ok(large_sentence(sample, &below, title, words));
    }
    let how_to_read = below.caption.clone();
    let Some(strips) = strips(sample, below, words) else { return picture(sample, title) };
    let description = described(sample, &strips, words);
    let thinned = match (together_when_large(strips.steps), &strips.bands) {
        (1, _) => String::new(),
        (together, None) => {
            format!(" Of each {together} steps in a row the lowest and the highest value are drawn.")
        }
        (together, Some(_)) => format!(
            " Of each {together} steps in a row the lowest and the highest value are drawn, and the commonest class."
        ),
    };
    let scale = match strips.lines.len() {
        1 => "",
        lines if lines > sample.features => " Each strip has a scale of its own.",
        _ => " Each feature has a scale of its own.",
    };
    let caption = escaped(&format!("{title}: {description}{scale}{thinned}{how_to_read}"));
    let svg = strips.large().finish(id, title, &description);
    Ok(format!("<figure class=\"series\">{svg}<figcaption>{caption}</figcaption></figure>"))
}

/// How long a series or a sentence is; nothing of images, which are all the same.
pub(crate) fn length(sample: Sequence<'_>, words: Words) -> Option<String> {
    (sample.floats().is_some() || sample.tokens().is_some()).then(|| steps(sample, words))
}

/// How to read a sentence with its tags.
pub(crate) const TAGGED: &str =
    " Below each token stands its tag; where the answer is another, the answer, and the tag in brackets.";

/// A sentence with its caption, and the numbers that are drawn in it.
fn large_sentence(sample: Sequence<'_>, below: &Below, title: &str, words: Words) -> String {
    let (text, length) = (sentence(sample, below, title), steps(sample, words));
    let tagged = if below.bands.is_some() { TAGGED } else { "" };
    let (how_to_read, numbers) = match (&below.added, &below.bands) {
        (Some(added), Some(Bands { classes, answer, .. })) => {
            let tokens = sample.words().zip(answer.iter().map(|&class| classes[class].as_str()));
            let table = added.table(tokens, words.step);
            (ADDED, format!("<details><summary>The numbers of the bars</summary>{table}</details>"))
        }
        _ => ("", String::new()),
    };
    let caption = escaped(&format!("{title}: {length}.{tagged}{how_to_read}"));
    format!("<figure class=\"series\">{text}<figcaption>{caption}</figcaption>{numbers}</figure>")
}

/// The tokens of a sentence, with the tag of each where there are such, wrong ones marked.
fn sentence(sample: Sequence<'_>, below: &Below, title: &str) -> String {
    let tag = |step: usize| -> Option<(String, bool)> {
        let Bands { classes, truth, answer } = below.bands.as_ref()?;
        let (truth, answer) = (*truth.get(step)?, *answer.get(step)?);
        let told = match truth == answer {
            true => classes[truth].clone(),
            false => format!("{} ({})", classes[answer], classes[truth]),
        };
        Some((told, truth != answer))
    };
    let tokens = sample.words().enumerate().map(|(step, word)| {
        let (tag, is_wrong) = tag(step).unwrap_or_default();
        let (title, bars) = below.added.as_ref().and_then(|added| added.below(step)).unwrap_or_default();
        let element = if is_wrong { "mark" } else { "span" };
        let (word, tag) = (escaped(word), escaped(&tag));
        format!("<{element} class=\"token\"{title}>{word}<small>{tag}</small>{bars}</{element}>")
    });
    let tokens: Vec<String> = tokens.collect();
    format!("<p class=\"sentence\" title=\"{}\">{}</p>", escaped(title), tokens.join(" "))
}

/// A grey PNG within its element.
fn picture(image: Sequence<'_>, title: &str) -> io::Result<String> {
    let png = birnn_data::png(image.bytes().unwrap_or_default(), [image.steps(), image.features])?;
    let (data, alt) = (STANDARD.encode(png), escaped(title));
    Ok(format!("<img src=\"data:image/png;base64,{data}\" alt=\"{alt}\"/>"))
}

/// The first features of a series, in units of their own, and what is below them.
fn strips(sample: Sequence<'_>, below: Below, words: Words) -> Option<Strips> {
    let (values, features) = (sample.floats()?, sample.features);
    let strip = |feature: usize| Strip {
        name: format!("feature {}", feature + 1),
        lines: vec![values.iter().skip(feature).step_by(features).map(|&value| f64::from(value)).collect()],
    };
    let lines = (0..features.min(DRAWN)).map(strip).chain(below.lines).collect();
    Some(Strips { steps: sample.steps(), label: words.position, lines, bands: below.bands })
}

fn steps(sample: Sequence<'_>, words: Words) -> String {
    match sample.steps() {
        1 => format!("1 {}", words.step),
        steps => format!("{} {}", number(steps as f64), words.steps),
    }
}

/// Such as `37 time steps of 2 values. feature 1 from 0.1 to 3; feature 2 always 7. 4 values are missing.`
fn described(sample: Sequence<'_>, strips: &Strips, words: Words) -> String {
    let range = |strip: &Strip| match strip.range() {
        None => "missing throughout".to_owned(),
        Some((low, high)) if low == high => format!("always {}", number(low)),
        Some((low, high)) => format!("from {} to {}", number(low), number(high)),
    };
    let steps = steps(sample, words);
    let (features, below) = strips.lines.split_at(sample.features.min(DRAWN));
    let mut text = match features {
        [only] => format!("{steps}, {}.", range(only)),
        lines => {
            let ranges: Vec<String> =
                lines.iter().map(|strip| format!("{} {}", strip.name, range(strip))).collect();
            format!("{steps} of {} values: {}.", sample.features, ranges.join("; "))
        }
    };
    if sample.features > DRAWN {
        text += &format!(" {} more features are not drawn.", sample.features - DRAWN);
    }
    let values = sample.floats().unwrap_or_default();
    match values.iter().filter(|value| !value.is_finite()).count() {
        0 => {}
        1 => text += " 1 value is missing.",
        missing => text += &format!(" {} values are missing.", number(missing as f64)),
    }
    below.iter().for_each(|strip| text += &format!(" {}: {}.", strip.name, range(strip)));
    if let Some(Bands { classes, truth, answer }) = &strips.bands {
        text += &format!(" Truth: {}. Answer: {}.", in_turn(classes, truth), in_turn(classes, answer));
    }
    text
}

/// More stretches than this are not told of one by one.
const TOLD: usize = 12;

/// Such as `walk, freeze, walk`.
fn in_turn(classes: &[String], of: &[usize]) -> String {
    let stretches = stretches(of);
    let more = match stretches.len().saturating_sub(TOLD) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let told: Vec<&str> = stretches.iter().take(TOLD).map(|(class, _)| classes[*class].as_str()).collect();
    format!("{}{more}", told.join(", "))
}

#[cfg(test)]
mod tests {
    use birnn_data::{Missing, Modality, Series};

    use super::*;

    fn words() -> Words {
        let series = Series { missing: Missing::Mean, ..Series::plain(vec![0.0]) };
        Words::of(&Modality::Series(series))
    }

    #[track_caller]
    fn is_described(values: &[f32], features: usize, expected: &str) {
        let sample = Sequence::of_series(values, features);
        assert_eq!(described(sample, &strips(sample, Below::default(), words()).unwrap(), words()), expected);
    }

    #[test]
    fn a_series_is_told_in_words() {
        const NONE: f32 = f32::NAN;
        is_described(&[3.0], 1, "1 time step, always 3.");
        is_described(&[3.0, NONE, -0.25], 1, "3 time steps, from -0.25 to 3. 1 value is missing.");
        is_described(
            &[1.0, NONE, 5.0, NONE],
            2,
            "2 time steps of 2 values: feature 1 from 1 to 5; feature 2 missing throughout. 2 values are missing.",
        );
        let many: Vec<f32> = (0..30).map(|value| value as f32).collect();
        let sample = Sequence::of_series(&many, 10);
        let drawn = strips(sample, Below::default(), words()).unwrap();
        assert_eq!(drawn.lines.len(), DRAWN);
        assert!(
            described(sample, &drawn, words()).ends_with("8 from 7 to 27. 2 more features are not drawn.")
        );
    }

    #[test]
    fn a_long_series_stays_small_and_says_so() {
        let long: Vec<f32> = (0..8 * 1344).map(|value| (value as f32).sin()).collect();
        let sample = Sequence::of_series(&long, 8);
        let html = large(sample, Below::default(), "x", "Test <series> 1", words()).unwrap();
        assert!(html.contains("Of each 14 steps in a row the lowest and the highest"), "{html}");
        assert!(html.len() < 25_000 && !html.contains("<series>"), "{}", html.len());
        assert!(small(sample, Below::default(), "x", "y", words()).unwrap().len() < 12_000);
        assert_eq!(length(sample, words()).unwrap(), "1,344 time steps");
    }
}
