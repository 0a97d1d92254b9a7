//! How probable a net finds the right ones of tokens of the samples themselves.

use std::convert::Infallible;
use std::ops::Range;

use birnn_data::{NO_CLASS, Per, Sequences, Split};
use birnn_infer::{Classified, Classify, Evaluation, Predictor, TokenScore, TokenScores, cpu};

use crate::predictions::{positions, ranges};
use crate::stats::{Interval, interval_of};

/// The answers of a net with tokens to all samples of a split.
#[derive(Debug)]
pub struct TokenPredictions {
    /// Of each position, in the order of the samples and their steps; none where no token is asked for.
    pub scores: Vec<Option<TokenScore>>,
    /// The right ones, by their index among the tokens that are known; where none is asked for, [`NO_CLASS`].
    pub labels: Vec<u32>,
    /// How many tokens are known.
    pub known: usize,
    /// How many positions each sample has: one for each step.
    pub positions: Vec<usize>,
    /// How the net did.
    pub evaluation: Evaluation,
    /// What that tells of classes.
    pub classified: Classified,
    /// Of each sample its sums.
    pub(crate) sums: Vec<TokenSums>,
}

/// Sums over answers with tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct TokenSums {
    pub(crate) asked: u64,
    pub(crate) right: u64,
    pub(crate) loss: f64,
}

impl TokenSums {
    fn of(scores: impl Iterator<Item = TokenScore>) -> TokenSums {
        scores.fold(TokenSums::default(), |sum, TokenScore { loss, is_right }| {
            sum.and(&TokenSums { asked: 1, right: u64::from(is_right), loss: f64::from(loss) })
        })
    }

    fn and(&self, other: &TokenSums) -> TokenSums {
        TokenSums {
            asked: self.asked + other.asked,
            right: self.right + other.right,
            loss: self.loss + other.loss,
        }
    }

    /// Those of all `drawn` together.
    pub(crate) fn all(of: &[TokenSums], drawn: &[usize]) -> TokenSums {
        drawn.iter().fold(TokenSums::default(), |sum, &index| sum.and(&of[index]))
    }

    /// The mean loss, in nats.
    pub(crate) fn mean_loss(&self) -> f64 {
        self.loss / self.asked.max(1) as f64
    }

    /// e to the power of that.
    pub(crate) fn perplexity(&self) -> f64 {
        self.mean_loss().exp()
    }

    /// The share that is right.
    pub(crate) fn accuracy(&self) -> f64 {
        self.right as f64 / self.asked.max(1) as f64
    }
}

impl TokenPredictions {
    /// Has a net of this task answer all samples of `split`; none where these are not answered so, or no token is asked for.
    pub(crate) fn new(task: &Classify, predictor: &Predictor, split: &Split) -> Option<TokenPredictions> {
        let labels = split.targets.own_tokens()?.to_vec();
        let logits = |sequences: &Sequences| {
            Ok::<_, Infallible>(predictor.answers_to_all(sequences, cpu::threads()).logits)
        };
        let Ok(scores) = TokenScores::of(task, split, logits);
        let evaluation = scores.evaluation();
        let classified = evaluation.classified().filter(|_| evaluation.positions > 0)?.clone();
        let (scores, positions): (Vec<_>, _) = (scores.each().collect(), positions(split, Per::Step));
        let of_sample = |range: Range<usize>| TokenSums::of(scores[range].iter().copied().flatten());
        let sums = ranges(&positions).map(of_sample).collect();
        Some(TokenPredictions {
            scores,
            labels,
            known: task.classes.len(),
            positions,
            evaluation,
            classified,
            sums,
        })
    }

    /// Where the perplexity lies, and the accuracy, with 95 % confidence, as far as chance in the choice of samples goes.
    pub(crate) fn intervals(&self) -> Option<[Interval; 2]> {
        let of = |score: fn(&TokenSums) -> f64| {
            interval_of(self.sums.len(), |drawn| score(&TokenSums::all(&self.sums, drawn)))
        };
        Some([of(TokenSums::perplexity)?, of(TokenSums::accuracy)?])
    }

    /// The positions of each sample, as a range of all.
    pub(crate) fn of_samples(&self) -> impl Iterator<Item = Range<usize>> {
        ranges(&self.positions)
    }

    /// The position of each answer in its sample, from 0, with the answer.
    pub(crate) fn by_step(&self) -> impl Iterator<Item = (usize, TokenScore)> {
        self.of_samples()
            .flat_map(|range| self.scores[range].iter().enumerate())
            .filter_map(|(step, score)| Some((step, (*score)?)))
    }

    /// Each token that is asked for, by its index, with how it was found.
    pub(crate) fn by_token(&self) -> Vec<(usize, TokenSums)> {
        let mut of_tokens = vec![TokenSums::default(); self.known];
        for (&label, score) in self.labels.iter().zip(&self.scores).filter(|(label, _)| **label != NO_CLASS) {
            let own = &mut of_tokens[label as usize];
            *own = own.and(&TokenSums::of((*score).into_iter()));
        }
        of_tokens.into_iter().enumerate().filter(|(_, sums)| sums.asked > 0).collect()
    }
}
