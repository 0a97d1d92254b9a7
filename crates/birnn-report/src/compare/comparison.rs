//! The predictions of several nets for the same samples: which is correct where, and what follows from it.
//!
//! P-values are corrected for all pairs, even where only those with the best network are shown: the best was
//! chosen by the same predictions.

use serde::Serialize;

use crate::error::ReportError;
use crate::predictions::Predictions;
use crate::stats::{Interval, difference, holm, mcnemar, wilson};

/// How nets do on the same samples, each by itself, and every two side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The number of samples.
    pub samples: u64,
    /// One per net.
    pub scores: Vec<Score>,
    /// Every two nets, the one that comes first as A.
    pub pairs: Vec<Pair>,
}

/// How one net does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Score {
    /// Samples that are classified correctly.
    pub correct: u64,
    /// Their share of all samples.
    pub accuracy: f64,
    /// Its 95 % interval ([`wilson`]).
    pub interval: Interval,
    /// Mean cross-entropy per sample, in nats.
    pub loss: f64,
}

/// Two nets side by side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// The index of the one net.
    pub a: usize,
    /// The index of the other.
    pub b: usize,
    /// Samples that A alone classifies correctly.
    pub only_a: u64,
    /// Samples that B alone classifies correctly.
    pub only_b: u64,
    /// A's accuracy less B's.
    pub difference: f64,
    /// Its 95 % interval ([`difference`]).
    pub interval: Interval,
    /// The p-value of [`mcnemar`], as a logarithm.
    pub log10_p: f64,
    /// The same, corrected for the number of pairs ([`holm`]).
    pub log10_p_holm: f64,
}

/// What samples say of two nets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// They classify the very same samples correctly.
    Same,
    /// Two equally good nets could well differ as much.
    Undecided,
    /// The first is better.
    ABetter,
    /// The second is better.
    BBetter,
}

/// The significance level: a difference counts when chance makes one as large in fewer tests than this share.
pub const LEVEL: f64 = 0.05;

impl Comparison {
    /// From each net's predictions for the same samples, in the same order.
    ///
    /// # Errors
    ///
    /// When they are not the same samples, or there are none.
    pub fn new(predictions: &[Predictions]) -> Result<Comparison, ReportError> {
        let labels = |of: &Predictions| {
            of.predictions.iter().map(|answer| (answer.sample, answer.label)).collect::<Vec<_>>()
        };
        let scores =
            predictions.iter().map(Score::new).collect::<Option<Vec<_>>>().ok_or(ReportError::NoSamples)?;
        let first = predictions.first().ok_or(ReportError::NoSamples)?;
        if predictions.iter().any(|other| labels(other) != labels(first)) {
            return Err(ReportError::OtherSamples);
        }
        let mut pairs = Vec::new();
        for (a, of_a) in predictions.iter().enumerate() {
            pairs.extend((a + 1..predictions.len()).map(|b| Pair::new([a, b], [of_a, &predictions[b]])));
        }
        let adjusted = holm(&pairs.iter().map(|pair| pair.log10_p).collect::<Vec<_>>());
        for (pair, adjusted) in pairs.iter_mut().zip(adjusted) {
            pair.log10_p_holm = adjusted;
        }
        Ok(Comparison { samples: first.predictions.len() as u64, scores, pairs })
    }

    /// The net with the most correct predictions; of several, the first.
    pub fn best(&self) -> usize {
        let most = self.scores.iter().map(|score| score.correct).max();
        self.scores.iter().position(|score| Some(score.correct) == most).unwrap_or(0)
    }

    /// The net `a` beside each other one. Corrected for all pairs nonetheless: which nets are looked at was
    /// not settled before the predictions were seen.
    pub fn beside(&self, a: usize) -> Vec<Pair> {
        let with_a = self.pairs.iter().filter(|pair| pair.a == a || pair.b == a);
        with_a.map(|pair| if pair.a == a { *pair } else { pair.turned() }).collect()
    }
}

impl Score {
    fn new(predictions: &Predictions) -> Option<Score> {
        let found = &predictions.evaluation;
        let correct = found.classified().correct;
        let interval = wilson(correct, found.weight)?;
        Some(Score { correct, accuracy: found.headline().value, interval, loss: found.loss })
    }
}

impl Pair {
    fn new([a, b]: [usize; 2], [of_a, of_b]: [&Predictions; 2]) -> Pair {
        let both = || of_a.predictions.iter().zip(&of_b.predictions);
        let only_a = both().filter(|(a, b)| a.is_correct() && !b.is_correct()).count() as u64;
        let only_b = both().filter(|(a, b)| !a.is_correct() && b.is_correct()).count() as u64;
        let samples = of_a.predictions.len() as u64;
        let log10_p = mcnemar(only_a, only_b);
        Pair {
            a,
            b,
            only_a,
            only_b,
            difference: (only_a as f64 - only_b as f64) / samples as f64,
            interval: difference(only_a, only_b, samples),
            log10_p,
            log10_p_holm: log10_p,
        }
    }

    /// The same, B first.
    fn turned(self) -> Pair {
        let Interval { low, high } = self.interval;
        Pair {
            a: self.b,
            b: self.a,
            only_a: self.only_b,
            only_b: self.only_a,
            difference: -self.difference,
            interval: Interval { low: -high, high: -low },
            ..self
        }
    }

    /// What follows from the p-value corrected for the number of pairs, at [`LEVEL`].
    pub fn verdict(&self) -> Verdict {
        match (self.only_a, self.only_b) {
            (0, 0) => Verdict::Same,
            _ if self.log10_p_holm >= LEVEL.log10() => Verdict::Undecided,
            (a, b) if a > b => Verdict::ABetter,
            _ => Verdict::BBetter,
        }
    }
}

#[cfg(test)]
pub(super) mod made_up {
    use super::*;
    use crate::predictions::Prediction;
    use crate::records::made_up::evaluation;
    use crate::stats::Calibration;

    /// The predictions of a net for samples of class 1: `r` is correct, all else is wrong.
    pub(in super::super) fn predictions(right: &str) -> Predictions {
        let prediction = |(sample, right): (usize, char)| Prediction {
            sample,
            label: 1,
            class: usize::from(right == 'r'),
            probability: 0.9,
            p_true: 0.9,
        };
        let predictions: Vec<Prediction> = right.chars().enumerate().map(prediction).collect();
        let (samples, correct) = (predictions.len() as u64, right.matches('r').count() as u64);
        let evaluation = evaluation(samples, correct, 0.5);
        Predictions { predictions, evaluation, calibration: Calibration::new(&[], 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::made_up::predictions;
    use super::*;

    #[test]
    fn samples_that_one_alone_is_right_on_decide() {
        let found = Comparison::new(&[predictions("rrrrr--r--"), predictions("rr---r---r")]).unwrap();
        assert_eq!(found.samples, 10);
        assert_eq!((found.scores[0].correct, found.scores[1].correct), (6, 4));
        let [pair] = found.pairs[..] else { panic!("{found:?}") };
        assert_eq!((pair.a, pair.b, pair.only_a, pair.only_b), (0, 1, 4, 2));
        assert!((pair.difference - 0.2).abs() < 1e-12);
        assert_eq!(pair.interval, difference(4, 2, 10));
        assert_eq!((pair.log10_p, pair.log10_p_holm), (mcnemar(4, 2), mcnemar(4, 2)));
        assert_eq!(pair.verdict(), Verdict::Undecided);
    }

    #[test]
    fn better_worse_and_the_same_are_told_apart() {
        let (good, bad) = (predictions(&"r".repeat(12)), predictions(&format!("rr{}", "-".repeat(10))));
        let found = Comparison::new(&[bad, good, predictions(&"r".repeat(12))]).unwrap();
        let verdicts: Vec<Verdict> = found.pairs.iter().map(Pair::verdict).collect();
        assert_eq!(verdicts, [Verdict::BBetter, Verdict::BBetter, Verdict::Same]);
        assert_eq!(found.best(), 1);
        let beside = found.beside(1);
        assert_eq!(beside.iter().map(|pair| (pair.a, pair.b)).collect::<Vec<_>>(), [(1, 0), (1, 2)]);
        assert_eq!(beside[0].verdict(), Verdict::ABetter);
        assert_eq!((beside[0].only_a, beside[0].only_b), (10, 0));
        assert!(beside[0].interval.low > 0.0 && beside[0].difference > 0.8, "{:?}", beside[0]);
    }

    /// 7 to 0 would do alone (p = 0.016), and does not beside others.
    #[test]
    fn many_nets_are_held_to_more() {
        let with = |others: usize| {
            let mut nets = vec![predictions(&"r".repeat(7))];
            nets.extend((0..others).map(|_| predictions(&"-".repeat(7))));
            Comparison::new(&nets).unwrap().pairs[0].verdict()
        };
        assert_eq!(with(1), Verdict::ABetter);
        assert_eq!(with(3), Verdict::Undecided);
    }

    #[test]
    fn other_samples_are_refused() {
        let refused = |nets: &[Predictions]| Comparison::new(nets).unwrap_err();
        assert!(matches!(refused(&[predictions("rr"), predictions("rrr")]), ReportError::OtherSamples));
        let mut other = predictions("rr");
        other.predictions[1].label = 0;
        assert!(matches!(refused(&[predictions("rr"), other]), ReportError::OtherSamples));
        assert!(matches!(refused(&[predictions("")]), ReportError::NoSamples));
        assert!(matches!(refused(&[]), ReportError::NoSamples));
    }
}
