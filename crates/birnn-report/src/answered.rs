//! What a net answers for samples, whatever its task.

use birnn_data::Split;
use birnn_infer::{Predictor, Task, cpu, finite};

use crate::error::ReportError;
use crate::number_predictions::NumberPredictions;
use crate::predictions::Predictions;
use crate::token_predictions::TokenPredictions;

/// The answers for all samples of a split.
#[derive(Debug)]
pub enum Answered {
    /// Classes.
    Classes(Predictions),
    /// Numbers.
    Numbers(NumberPredictions),
    /// Tokens of the samples themselves.
    Tokens(TokenPredictions),
}

impl Answered {
    /// Asks the net for all samples of `split`, which are of the kind that it reads.
    ///
    /// # Errors
    ///
    /// There are none, they have other targets than the net answers with, or what it answers is no number.
    pub fn new(predictor: &Predictor, split: &Split) -> Result<Answered, ReportError> {
        if split.is_empty() {
            return Err(ReportError::NoSamples);
        }
        let task = predictor.task();
        if split.targets.wanted() != task.wanted() {
            return Err(ReportError::OtherTargets);
        }
        let answers = || {
            let answers = predictor.answers_to_all(&split.sequences, cpu::threads());
            finite(answers.given()).map(|()| answers)
        };
        let answered = match task {
            Task::Classify(task) if task.self_targets.is_some() => {
                let answered = TokenPredictions::new(task, predictor, split)?.map(Answered::Tokens);
                return answered.ok_or(ReportError::NothingAsked);
            }
            Task::Classify(of) => Predictions::new((task, of), &answers()?, split).map(Answered::Classes),
            Task::Regress(of) => {
                let modality = &predictor.manifest().modality;
                NumberPredictions::new((task, of), answers()?, modality, split).map(Answered::Numbers)
            }
        };
        answered.ok_or(ReportError::OtherTargets)
    }
}
