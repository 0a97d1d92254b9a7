//! How probable a net finds the right ones of tokens of the samples themselves.

use std::ops::Range;

use birnn_data::{NO_CLASS, Per, Sequences, Split};
use birnn_infer::{
    Classified, Classify, Evaluation, Overflow, Predictor, TokenScore, TokenScores, TokenSums, cpu, finite,
};

use crate::predictions::{positions, ranges};
use crate::stats::{Interval, interval_of, share_interval};

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
    /// Of each sample.
    pub(crate) sums: Vec<TokenSums>,
}

/// Those of all `drawn` together.
pub(crate) fn all_of(sums: &[TokenSums], drawn: &[usize]) -> TokenSums {
    drawn.iter().fold(TokenSums::default(), |sum, &index| sum.and(&sums[index]))
}

impl TokenPredictions {
    /// Has a net of this task answer all samples of `split`; none where these are not answered so, or no
    /// token is asked for.
    ///
    /// # Errors
    ///
    /// What the net answers is no number.
    pub(crate) fn new(
        task: &Classify,
        predictor: &Predictor,
        split: &Split,
    ) -> Result<Option<TokenPredictions>, Overflow> {
        let Some(labels) = split.targets.own_tokens() else { return Ok(None) };
        let labels = labels.to_vec();
        let logits = |sequences: &Sequences| {
            let answers = predictor.answers_to_all(sequences, cpu::threads());
            finite(answers.given()).map(|()| answers.logits)
        };
        let scores = TokenScores::of(task, split, logits)?;
        let evaluation = scores.evaluation();
        let classified = evaluation.classified().filter(|_| evaluation.positions > 0);
        let Some(classified) = classified.cloned() else { return Ok(None) };
        let (scores, positions): (Vec<_>, _) = (scores.each().collect(), positions(split, Per::Step));
        let of_sample = |range: Range<usize>| scores[range].iter().copied().flatten().collect();
        let sums = ranges(&positions).map(of_sample).collect();
        Ok(Some(TokenPredictions {
            scores,
            labels,
            known: task.classes.len(),
            positions,
            evaluation,
            classified,
            sums,
        }))
    }

    /// Where the perplexity lies, and the accuracy, with 95 % confidence, as far as chance in the choice of
    /// samples goes.
    pub(crate) fn intervals(&self) -> Option<[Interval; 2]> {
        let asked: Vec<TokenSums> = self.sums.iter().copied().filter(|sums| sums.asked > 0).collect();
        let shares: Vec<(u64, u64)> = asked.iter().map(|sums| (sums.right, sums.asked)).collect();
        let perplexity = interval_of(asked.len(), |drawn| all_of(&asked, drawn).perplexity())?;
        Some([perplexity, share_interval(&shares)?])
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
            *own = own.and(&(*score).into_iter().collect());
        }
        of_tokens.into_iter().enumerate().filter(|(_, sums)| sums.asked > 0).collect()
    }
}
