//! Samples of a training batch that the net has wrong: what of them is shown.

use birnn_data::{Modality, Per, Sequence, Text, TokenBatch, escape, sketch};
use birnn_engine::Batch;
use birnn_infer::Mistake;
use tch::TchError;

/// A sample of a training batch that the net has wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Misread {
    /// Of an image or a series a picture, row by row, 0 to 255.
    Picture {
        /// What is shown.
        pixels: Vec<u8>,
        /// What it is called.
        wrong: Wrong,
    },
    /// The beginning of a text, in one line and escaped.
    Text {
        /// What is shown.
        beginning: String,
        /// What it is called.
        wrong: Wrong,
    },
    /// A sentence, whose tokens have a tag each.
    Tagged {
        /// Its tokens, escaped.
        tokens: Vec<String>,
        /// By the place of their tokens, in order.
        wrong: Vec<(usize, Wrong)>,
    },
}

/// A class that is not the true one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The index of the true class.
    pub label: usize,
    /// The index of the class that the net calls it.
    pub class: usize,
}

/// So many samples of a batch are shown.
const MOST: usize = 8;
/// Characters of a text, as it is written, and of a token.
const BEGINNING: usize = 300;
const TOKEN: usize = 24;

impl From<&Mistake> for Wrong {
    fn from(&Mistake { label, class, .. }: &Mistake) -> Wrong {
        Wrong { label, class }
    }
}

/// Of a batch's samples those with the first of these mistakes, which are the surest.
pub fn misread(
    batch: &Batch,
    per: Per,
    mistakes: &[Mistake],
    modality: &Modality,
) -> Result<Vec<Misread>, TchError> {
    match (modality, &batch.tokens, per) {
        (Modality::Text(text), Some(tokens), Per::Sequence) => Ok(texts(batch, tokens, text, mistakes)),
        (Modality::Text(text), Some(tokens), Per::Step) => Ok(tagged(batch, tokens, text, mistakes)),
        _ => mistakes.iter().take(MOST).map(|mistake| picture(batch, per, mistake, modality)).collect(),
    }
}

/// A picture of the sample that a mistake is in.
fn picture(batch: &Batch, per: Per, mistake: &Mistake, modality: &Modality) -> Result<Misread, TchError> {
    let values = batch.sequence(batch.of_position(mistake.sample, per))?;
    let pixels = match modality {
        Modality::Images { .. } => values.iter().map(|value| (value * 255.0) as u8).collect(),
        Modality::Series(series) => sketch(Sequence::of_series(&values, series.inputs())),
        // Of words there is no picture.
        Modality::Text(_) => Vec::new(),
    };
    Ok(Misread::Picture { pixels, wrong: mistake.into() })
}

/// How texts begin.
fn texts(batch: &Batch, tokens: &TokenBatch, text: &Text, mistakes: &[Mistake]) -> Vec<Misread> {
    let of = |mistake: &Mistake| {
        let own = batch.steps_of(mistake.sample);
        // Each token has a character, so these are enough.
        let words = tokens.written(text, own.start..own.end.min(own.start + BEGINNING));
        // Texts that are read by characters have their spaces among them.
        let is_of_characters = words.iter().all(|word| word.chars().nth(1).is_none());
        let beginning = words.join(if is_of_characters { "" } else { " " });
        Misread::Text { beginning: escape::short(&beginning, BEGINNING), wrong: mistake.into() }
    };
    mistakes.iter().take(MOST).map(of).collect()
}

/// Sentences with all mistakes in them.
fn tagged(batch: &Batch, tokens: &TokenBatch, text: &Text, mistakes: &[Mistake]) -> Vec<Misread> {
    let mut chosen: Vec<usize> = Vec::new();
    for mistake in mistakes {
        let sentence = batch.of_position(mistake.sample, Per::Step);
        if chosen.len() < MOST && !chosen.contains(&sentence) {
            chosen.push(sentence);
        }
    }
    let of = |sentence: usize| {
        let own = batch.steps_of(sentence);
        let inside = mistakes.iter().filter(|mistake| own.contains(&mistake.sample));
        let mut wrong: Vec<(usize, Wrong)> =
            inside.map(|mistake| (mistake.sample - own.start, mistake.into())).collect();
        wrong.sort_by_key(|(token, _)| *token);
        let words = tokens.written(text, own);
        Misread::Tagged { tokens: words.iter().map(|word| escape::short(word, TOKEN)).collect(), wrong }
    };
    chosen.into_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use birnn_data::{Folding, SKETCH, Sentences, Series};
    use birnn_engine::Device;
    use tch::Tensor;

    use super::*;

    fn mistake(sample: usize, label: usize, class: usize) -> Mistake {
        Mistake { sample, label, class, probability: 0.9 }
    }

    #[test]
    fn misread_images_come_with_what_they_are_and_were_called() {
        let input =
            Tensor::from_slice(&[0.0_f32, 0.2, 0.4, 0.6, 0.8, 1.0]).view([3, 1, 2]).to_device(Device::Cpu);
        let batch = Batch {
            input,
            tokens: None,
            lengths: None,
            target: Tensor::from_slice(&[7_i64, 8, 9]),
            positions: 3,
            first_step: 0,
        };
        let modality = Modality::Images { shape: [1, 2], preprocessing: None };
        let found = misread(&batch, Per::Sequence, &[mistake(0, 7, 1), mistake(2, 9, 3)], &modality).unwrap();
        let expected = [(7, 1, vec![0, 51]), (9, 3, vec![204, 255])];
        assert_eq!(
            found,
            expected.map(|(label, class, pixels)| Misread::Picture { pixels, wrong: Wrong { label, class } })
        );
    }

    #[test]
    fn of_a_misread_series_its_own_steps_are_drawn() {
        let input = Tensor::from_slice(&[9.0_f32, 9.0, 0.0, 1.0, 9.0]).view([5, 1]);
        let lengths = Some(vec![2, 2, 1]);
        let batch = Batch {
            input,
            tokens: None,
            lengths,
            target: Tensor::from_slice(&[7_i64, 8, 9]),
            positions: 3,
            first_step: 0,
        };
        let series = Series { steps: Some([1, 2]), ..Series::plain(vec![0.0]) };
        let series = Modality::Series(series);
        let found = misread(&batch, Per::Sequence, &[mistake(1, 8, 1)], &series).unwrap();
        let pixels = sketch(Sequence::of_series(&[0.0, 1.0], 1));
        assert_eq!(pixels.len(), SKETCH[0] * SKETCH[1]);
        assert_eq!(found, [Misread::Picture { pixels, wrong: Wrong { label: 8, class: 1 } }]);
        // Of its steps the third and the fourth.
        let of_steps =
            [2, 3].map(|step| misread(&batch, Per::Step, &[mistake(step, 8, 1)], &series).unwrap());
        assert!(of_steps.iter().all(|one| *one == found));
    }

    /// The net's vocabulary, and a batch of these sentences.
    fn batch_of(sentences: &[&[&str]]) -> (Modality, Batch) {
        let mut read = Sentences::default();
        for tokens in sentences {
            tokens.iter().for_each(|token| read.push(token));
            read.end();
        }
        let read = read.finish();
        let text = Text::of(&read, Folding { lowercase: true, merge_digits: true, ..Folding::default() }, 1);
        let lexicon = text.lexicon(read.forms().unwrap());
        // A word that is dropped is still shown.
        let forms = read.iter().flat_map(|sentence| sentence.tokens().unwrap()).copied();
        let tokens = TokenBatch::new(forms, &lexicon, |position, _| position % 2 == 0);
        let batch = Batch {
            input: Tensor::from_slice::<f32>(&[]),
            tokens: Some(tokens),
            lengths: Some(read.lengths().collect()),
            target: Tensor::from_slice::<i64>(&[]),
            positions: 0,
            first_step: 0,
        };
        (Modality::Text(text), batch)
    }

    #[test]
    fn a_misread_text_is_told_by_its_beginning() {
        let long = vec!["Wort"; 200];
        let (modality, batch) = batch_of(&[&["Good", "\u{1b}[2J", "1999"], &["a", " ", "日"], &long]);
        let mistakes = [mistake(2, 0, 1), mistake(0, 1, 0), mistake(1, 0, 1)];
        let found = misread(&batch, Per::Sequence, &mistakes, &modality).unwrap();
        let long = format!("{}...", "Wort ".repeat(60));
        let expected = [(long.as_str(), 0, 1), ("Good \\u001b[2J 1999", 1, 0), ("a 日", 0, 1)];
        let expected = expected.map(|(beginning, label, class)| Misread::Text {
            beginning: beginning.to_owned(),
            wrong: Wrong { label, class },
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn a_mistagged_sentence_comes_once_with_all_mistakes_in_it() {
        let long = "é".repeat(30);
        let (modality, batch) = batch_of(&[&["Ana", "said"], &["in", "Bo\n", &long]]);
        // The surest first, which is of the second sentence.
        let mistakes = [mistake(4, 2, 1), mistake(0, 1, 0), mistake(3, 0, 2)];
        let found = misread(&batch, Per::Step, &mistakes, &modality).unwrap();
        let of = |tokens: &[&str], wrong: &[(usize, usize, usize)]| Misread::Tagged {
            tokens: tokens.iter().map(ToString::to_string).collect(),
            wrong: wrong.iter().map(|&(at, label, class)| (at, Wrong { label, class })).collect(),
        };
        let cut = format!("{}...", "é".repeat(24));
        let second = of(&["in", "Bo\\n", &cut], &[(1, 0, 2), (2, 2, 1)]);
        assert_eq!(found, [second, of(&["Ana", "said"], &[(0, 1, 0)])]);
    }

    #[test]
    fn no_more_are_shown_than_can_be_looked_at() {
        let sentences = vec![&["a", "b"][..]; 20];
        let (modality, batch) = batch_of(&sentences);
        let mistakes: Vec<Mistake> = (0..40).map(|position| mistake(position, 0, 1)).collect();
        for (per, of_each) in [(Per::Step, Some(2)), (Per::Sequence, None)] {
            let found = misread(&batch, per, &mistakes[..20], &modality).unwrap();
            assert_eq!(found.len(), MOST);
            let wrong = |one: &Misread| match one {
                Misread::Tagged { wrong, .. } => Some(wrong.len()),
                _ => None,
            };
            assert!(found.iter().all(|one| wrong(one) == of_each));
        }
    }
}
