//! A sample as a page shows it: the picture of an image, the lines of a series.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use birnn_data::Sequence;

use crate::chart::{Strip, Strips, escaped, together_when_large};
use crate::number::number;
use crate::words::Words;

/// More features than this would be too many to look at.
const DRAWN: usize = 8;

/// Small, for a gallery: an element that tells whoever does not see it that it is `title`, and of a series its length
/// and its range. `id` is its own on the page.
pub(crate) fn small(sample: Sequence<'_>, id: &str, title: &str, words: Words) -> io::Result<String> {
    match strips(sample, words) {
        None => picture(sample, title),
        Some(strips) => Ok(strips.small().finish(id, title, &described(sample, &strips, words))),
    }
}

/// As [`small`], but of a series with axes and a caption.
pub(crate) fn large(sample: Sequence<'_>, id: &str, title: &str, words: Words) -> io::Result<String> {
    let Some(strips) = strips(sample, words) else { return picture(sample, title) };
    let description = described(sample, &strips, words);
    let thinned = match together_when_large(strips.steps) {
        1 => String::new(),
        together => format!(" Of each {together} steps in a row the lowest and the highest value are drawn."),
    };
    let scale = if strips.lines.len() > 1 { " Each feature has a scale of its own." } else { "" };
    let caption = escaped(&format!("{title}: {description}{scale}{thinned}"));
    let svg = strips.large().finish(id, title, &description);
    Ok(format!("<figure class=\"series\">{svg}<figcaption>{caption}</figcaption></figure>"))
}

/// How long a series is; nothing of images, which are all the same.
pub(crate) fn length(sample: Sequence<'_>, words: Words) -> Option<String> {
    sample.floats().map(|_| steps(sample, words))
}

/// A grey PNG within its element.
fn picture(image: Sequence<'_>, title: &str) -> io::Result<String> {
    let png = birnn_data::png(image.bytes().unwrap_or_default(), [image.steps(), image.features])?;
    let (data, alt) = (STANDARD.encode(png), escaped(title));
    Ok(format!("<img src=\"data:image/png;base64,{data}\" alt=\"{alt}\"/>"))
}

/// The first features of a series, in units of their own.
fn strips(sample: Sequence<'_>, words: Words) -> Option<Strips> {
    let (values, features) = (sample.floats()?, sample.features);
    let strip = |feature: usize| Strip {
        name: format!("feature {}", feature + 1),
        values: values.iter().skip(feature).step_by(features).map(|&value| f64::from(value)).collect(),
    };
    let lines = (0..features.min(DRAWN)).map(strip).collect();
    Some(Strips { steps: sample.steps(), label: words.position, lines })
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
    let mut text = match &strips.lines[..] {
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
    text
}

#[cfg(test)]
mod tests {
    use birnn_data::{Missing, Modality, Series};

    use super::*;

    fn words() -> Words {
        let series = Series { steps: None, missing: Missing::Mean, mean: vec![0.0], deviation: None };
        Words::of(&Modality::Series(series))
    }

    #[track_caller]
    fn is_described(values: &[f32], features: usize, expected: &str) {
        let sample = Sequence::of_series(values, features);
        assert_eq!(described(sample, &strips(sample, words()).unwrap(), words()), expected);
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
        let drawn = strips(sample, words()).unwrap();
        assert_eq!(drawn.lines.len(), DRAWN);
        assert!(
            described(sample, &drawn, words()).ends_with("8 from 7 to 27. 2 more features are not drawn.")
        );
    }

    #[test]
    fn a_long_series_stays_small_and_says_so() {
        let long: Vec<f32> = (0..8 * 1344).map(|value| (value as f32).sin()).collect();
        let sample = Sequence::of_series(&long, 8);
        let html = large(sample, "x", "Test <series> 1", words()).unwrap();
        assert!(html.contains("Of each 14 steps in a row the lowest and the highest"), "{html}");
        assert!(html.len() < 25_000 && !html.contains("<series>"), "{}", html.len());
        assert!(small(sample, "x", "y", words()).unwrap().len() < 12_000);
        assert_eq!(length(sample, words()).unwrap(), "1,344 time steps");
    }
}
