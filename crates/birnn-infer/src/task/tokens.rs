//! Tokens of the sequence itself, of which there may be as many as a language has words: each answer is kept
//! as what it comes to, since the logits of all of them would take more memory than there is.

use std::ops::Range;

use birnn_data::{NO_CLASS, Sequences, Split};

use super::classify::{Classified, Classify, largest};
use super::evaluation::{Detail, Evaluation};
use crate::metrics::CrossEntropy;

/// What answers with tokens come to, position by position.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TokenScores {
    /// `[positions, 2]`: the loss in nats, and 1 where the most probable token is the right one, else 0;
    /// where none is asked for, no numbers.
    values: Vec<f32>,
}

/// Logits that are worked out at a time, about, where there may be as many as a language has words.
pub const LOGITS: usize = 1 << 24;

/// What an answer with a token comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TokenScore {
    /// Less the logarithm of the probability of the right one, in nats.
    pub loss: f32,
    /// Whether the most probable one is the right one.
    pub is_right: bool,
}

/// The highest perplexity that is told: infinity is no number of JSON, and where none is told accuracy would
/// be taken for it. Of several there is still a mean.
const MOST_PERPLEXITY: f64 = 1e300;

/// Sums over answers with tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TokenSums {
    /// Tokens that were asked for.
    pub asked: u64,
    /// How many of them the net found the most probable ones.
    pub right: u64,
    /// Their losses, in nats.
    pub loss: f64,
}

impl TokenSums {
    /// Of both together.
    pub fn and(&self, other: &TokenSums) -> TokenSums {
        let TokenSums { asked, right, loss } = *other;
        TokenSums { asked: self.asked + asked, right: self.right + right, loss: self.loss + loss }
    }

    /// The mean loss, in nats; 0 of none.
    pub fn mean_loss(&self) -> f64 {
        self.loss / self.asked.max(1) as f64
    }

    /// e to the power of that; 1e300 where that is more.
    pub fn perplexity(&self) -> f64 {
        match self.mean_loss().exp() {
            more if more > MOST_PERPLEXITY => MOST_PERPLEXITY,
            perplexity => perplexity,
        }
    }

    /// The share that is right; 0 of none.
    pub fn accuracy(&self) -> f64 {
        self.right as f64 / self.asked.max(1) as f64
    }

    /// What an evaluation tells of them.
    pub(super) fn evaluation(&self) -> Evaluation {
        let perplexity = (self.asked > 0).then(|| self.perplexity());
        let (correct, accuracy) = (self.right, self.accuracy());
        let detail = Classified { correct, accuracy, perplexity, ..Classified::default() };
        Evaluation { positions: self.asked, loss: self.mean_loss(), detail: Detail::Classify(detail) }
    }
}

impl FromIterator<TokenScore> for TokenSums {
    fn from_iter<T: IntoIterator<Item = TokenScore>>(scores: T) -> TokenSums {
        scores.into_iter().fold(TokenSums::default(), |sum, TokenScore { loss, is_right }| {
            sum.and(&TokenSums { asked: 1, right: u64::from(is_right), loss: f64::from(loss) })
        })
    }
}

impl TokenScores {
    /// Those of all of `split`, some samples at a time; `logits` gives the net's for sequences.
    ///
    /// # Errors
    ///
    /// Those of `logits`.
    pub fn of<E>(
        task: &Classify,
        split: &Split,
        mut logits: impl FnMut(&Sequences) -> Result<Vec<f32>, E>,
    ) -> Result<TokenScores, E> {
        let tokens = split.targets.own_tokens().unwrap_or_default();
        let mut scores = TokenScores::default();
        for piece in task.pieces(split.sequences.lengths()) {
            let of = |sample: usize| split.sequences.steps_of(sample);
            let tokens = &tokens[of(piece.start).start..of(piece.end - 1).end];
            let sequences = split.sequences.select(&piece.collect::<Vec<_>>());
            scores.add(task, &logits(&sequences)?, tokens);
        }
        Ok(scores)
    }

    /// Of each position; none where no token is asked for.
    pub fn each(&self) -> impl Iterator<Item = Option<TokenScore>> {
        // A loss that is no number must show; a right answer is a number wherever one is asked for.
        let score = |&[loss, right]: &[f32; TokenScores::WIDTH]| {
            (!right.is_nan()).then_some(TokenScore { loss, is_right: right > 0.0 })
        };
        self.values.as_chunks().0.iter().map(score)
    }

    /// Numbers of each position.
    pub const WIDTH: usize = 2;

    /// The numbers, such as another process takes up again by [`TokenScores::from_values`].
    pub fn into_values(self) -> Vec<f32> {
        self.values
    }

    /// Of these numbers, `[positions, WIDTH]`.
    pub fn from_values(values: Vec<f32>) -> TokenScores {
        TokenScores { values }
    }

    /// Adds the answers that are in `logits [positions, tokens]`, where the right ones are `labels`.
    ///
    /// # Panics
    ///
    /// Where there are not as many logits.
    pub fn add(&mut self, task: &Classify, logits: &[f32], labels: &[u32]) {
        let outputs = task.classes.len();
        assert_eq!(logits.len(), labels.len() * outputs, "the logits of as many answers");
        for (logits, &label) in logits.chunks_exact(outputs).zip(labels) {
            let found = match label {
                NO_CLASS => [f32::NAN; TokenScores::WIDTH],
                label => {
                    let label = label as usize;
                    [CrossEntropy::of(logits, label) as f32, f32::from(u8::from(largest(logits) == label))]
                }
            };
            self.values.extend(found);
        }
    }

    /// How a net did that gave these answers.
    pub fn evaluation(&self) -> Evaluation {
        self.each().flatten().collect::<TokenSums>().evaluation()
    }
}

/// The mean loss, in nats, of who knows no context and answers with each token by how often training data has
/// it, `counts`, and once more (Laplace's rule), where the right ones are `labels`; none where no token is
/// asked for.
pub fn loss_by_counting(counts: &[u64], labels: &[u32]) -> Option<f64> {
    let all = (counts.iter().sum::<u64>() + counts.len() as u64) as f64;
    let asked = || labels.iter().filter(|&&label| label != NO_CLASS);
    let loss = |&label: &u32| (all / (counts[label as usize] + 1) as f64).ln();
    let count = asked().count();
    (count > 0).then(|| asked().map(loss).sum::<f64>() / count as f64)
}

impl Classify {
    /// Parts of samples that have so many answers each, one after the other: as many samples as have not too
    /// many logits together, one at least.
    pub fn pieces(&self, answers: impl Iterator<Item = usize>) -> Vec<Range<usize>> {
        pieces(self.classes.len(), answers)
    }
}

/// As [`Classify::pieces`], of so many outputs.
pub(crate) fn pieces(outputs: usize, answers: impl Iterator<Item = usize>) -> Vec<Range<usize>> {
    let most = (LOGITS / outputs.max(1)).max(1);
    let (mut pieces, mut held) = (Vec::<Range<usize>>::new(), 0);
    for (sample, count) in answers.enumerate() {
        match pieces.last_mut() {
            Some(piece) if held + count <= most => piece.end += 1,
            _ => {
                pieces.push(sample..sample + 1);
                held = 0;
            }
        }
        held += count;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use birnn_data::Per;

    use super::*;

    fn abc() -> Classify {
        Classify::new(["a", "b", "c"].map(str::to_owned).to_vec(), Per::Step)
    }

    #[test]
    fn what_is_not_asked_for_does_not_count() {
        let mut scores = TokenScores::default();
        scores.add(&abc(), &[1.0, 2.0, 3.0, 9.0, 0.0, 0.0], &[2, NO_CLASS]);
        scores.add(&abc(), &[0.0, 0.0, 0.0], &[1]);
        let found = scores.evaluation();
        // softmax([1, 2, 3]) at its last, and a third.
        let expected = (-(0.665_240_94_f64.ln()) + 3.0_f64.ln()) / 2.0;
        assert_eq!(found.positions, 2);
        assert!((found.loss - expected).abs() < 1e-6, "{}", found.loss);
        let detail = found.classified().unwrap();
        assert_eq!((detail.correct, detail.accuracy), (1, 0.5));
        assert_eq!(detail.perplexity, Some(found.loss.exp()));
        assert_eq!(TokenScores::from_values(scores.clone().into_values()).evaluation(), found);
    }

    #[test]
    fn a_perplexity_is_a_number() {
        let of = |loss: f64| TokenSums { asked: 1, right: 0, loss }.perplexity();
        assert_eq!(of(8000.0), MOST_PERPLEXITY);
        assert!(of(f64::NAN).is_nan());
    }

    #[test]
    fn a_loss_that_is_no_number_shows() {
        let mut scores = TokenScores::default();
        scores.add(&abc(), &[f32::NAN, 2.0, 3.0], &[2]);
        assert!(scores.evaluation().loss.is_nan());
        assert_eq!(TokenScores::default().evaluation().positions, 0);
    }

    #[test]
    fn counting_knows_what_is_frequent() {
        // Of 8 with one each more: 5, 2 and 1.
        let found = loss_by_counting(&[4, 1, 0], &[0, NO_CLASS, 2]).unwrap();
        assert!((found - ((8.0_f64 / 5.0).ln() + 8.0_f64.ln()) / 2.0).abs() < 1e-12, "{found}");
        assert_eq!(loss_by_counting(&[4, 1, 0], &[NO_CLASS]), None);
    }

    #[test]
    fn pieces_are_no_larger_than_they_may_be() {
        let task = Classify::new(vec![String::new(); LOGITS / 10], Per::Step);
        assert_eq!(task.pieces([4, 4, 4, 20, 1].into_iter()), [0..2, 2..3, 3..4, 4..5]);
        assert!(task.pieces(std::iter::empty()).is_empty());
    }
}
