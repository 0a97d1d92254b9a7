//! How one net does by itself.

use birnn_infer::{Filled, Headline, Metric, NumberScore};
use serde::Serialize;

use crate::answered::Answered;
use crate::number_predictions::NumberPredictions;
use crate::predictions::Predictions;
use crate::stats::{Interval, ScoreIntervals};
use crate::token_predictions::TokenPredictions;

/// How one net does, by its task.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Score {
    /// On classes.
    Classes(ClassesScore),
    /// On numbers.
    Numbers(NumbersScore),
    /// On tokens of the samples themselves.
    Tokens(PerplexityScore),
}

/// How a net does on classes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ClassesScore {
    /// Samples, or steps, that are classified correctly.
    pub correct: u64,
    /// Their share of all.
    pub accuracy: f64,
    /// Of tags that mark spans, the F1 of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub f1: Option<f64>,
    /// The 95 % interval of the accuracy: [`wilson`](crate::stats::wilson) where a sample has one class; of
    /// steps by drawing samples anew, and none of fewer than six samples.
    pub interval: Option<Interval>,
    /// Mean cross-entropy of a sample, or of a step, in nats.
    pub loss: f64,
}

/// How a net does on numbers; of several each score is the mean of theirs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NumbersScore {
    /// The root of the mean squared error, in their units.
    pub rmse: f64,
    /// The mean absolute error, in their units.
    pub mae: f64,
    /// The share of their variance that the answers explain.
    pub r2: f64,
    /// The 95 % intervals of these three, by drawing samples anew; none of fewer than six samples.
    #[serde(flatten)]
    pub intervals: Option<ScoreIntervals>,
    /// Of each number.
    pub numbers: Vec<NumberScore>,
    /// Of values of the samples themselves, by which such nets are judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filled: Option<Filled>,
    /// Mean error that training lowered, in standard deviations of the training targets.
    pub loss: f64,
}

/// How a net does on tokens of the samples themselves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PerplexityScore {
    /// e to the power of the loss.
    pub perplexity: f64,
    /// Its 95 % interval, by drawing samples anew; none of fewer than six samples.
    pub interval: Option<Interval>,
    /// The share of tokens that are the most probable one.
    pub accuracy: f64,
    /// Mean cross-entropy of a token, in nats.
    pub loss: f64,
}

impl Score {
    pub(super) fn new(answered: &Answered) -> Score {
        match answered {
            Answered::Classes(predictions) => Score::Classes(ClassesScore::new(predictions)),
            Answered::Numbers(predictions) => Score::Numbers(NumbersScore::new(predictions)),
            Answered::Tokens(predictions) => Score::Tokens(PerplexityScore::new(predictions)),
        }
    }

    /// The one number by which the net is first judged.
    pub fn headline(&self) -> Headline {
        let (metric, value) = match self {
            Score::Classes(ClassesScore { f1: Some(value), .. }) => (Metric::F1, *value),
            Score::Classes(score) => (Metric::Accuracy, score.accuracy),
            Score::Numbers(NumbersScore { filled: Some(filled), .. }) => (Metric::Mae, filled.mae),
            Score::Numbers(score) => (Metric::Rmse, score.rmse),
            Score::Tokens(score) => (Metric::Perplexity, score.perplexity),
        };
        Headline { metric, value }
    }

    /// The loss of the net on the samples.
    pub fn loss(&self) -> f64 {
        match self {
            Score::Classes(score) => score.loss,
            Score::Numbers(score) => score.loss,
            Score::Tokens(score) => score.loss,
        }
    }

    /// Leaves out the F1 of spans, so that the net is judged as one that tells none.
    pub(super) fn leave_spans(&mut self) {
        if let Score::Classes(score) = self {
            score.f1 = None;
        }
    }
}

impl ClassesScore {
    fn new(predictions: &Predictions) -> ClassesScore {
        let Predictions { evaluation, classified, .. } = predictions;
        ClassesScore {
            correct: classified.correct,
            accuracy: classified.accuracy,
            f1: classified.f1(),
            interval: predictions.accuracy().and_then(|share| share.interval),
            loss: evaluation.loss,
        }
    }
}

impl NumbersScore {
    fn new(predictions: &NumberPredictions) -> NumbersScore {
        let NumberPredictions { evaluation, regressed, .. } = predictions;
        NumbersScore {
            rmse: regressed.rmse,
            mae: regressed.mae,
            r2: regressed.r2,
            intervals: predictions.intervals(),
            numbers: regressed.numbers.clone(),
            filled: regressed.filled,
            loss: evaluation.loss,
        }
    }
}

impl PerplexityScore {
    fn new(predictions: &TokenPredictions) -> PerplexityScore {
        let TokenPredictions { evaluation, classified, .. } = predictions;
        PerplexityScore {
            perplexity: evaluation.headline().value,
            interval: predictions.intervals().map(|[perplexity, _]| perplexity),
            accuracy: classified.accuracy,
            loss: evaluation.loss,
        }
    }
}
