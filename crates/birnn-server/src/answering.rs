//! What a network answers, as clients get it.

use axum::http::StatusCode;
use birnn_data::{SelfTargets, Sequences};
use birnn_infer::{Answer, Answers, Predictor, Task, Workspace, finite};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use crate::asked::{Reader, Samples};
use crate::metrics::OfModel;
use crate::problem::Problem;

/// Samples and steps whose buffers are kept: what larger requests take is given back.
const KEPT_SAMPLES: usize = 32;
const KEPT_STEPS: usize = 4096;

/// What is answered to a request, as JSON: an array of predictions, or an explanation.
pub(crate) type Told = Box<RawValue>;

/// Whoever waits for it.
pub(crate) type Reply = oneshot::Sender<Result<Told, Problem>>;

/// At most so many lengths of parts of a sequence are explained.
const FORMING: usize = 64;

/// What is told of a sample, as clients get it.
#[derive(Serialize)]
struct OfSample<'a, T> {
    /// Of a sentence.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tokens: Vec<&'a str>,
    #[serde(flatten)]
    told: T,
}

fn told(answer: &impl Serialize) -> Result<Told, Problem> {
    serde_json::value::to_raw_value(answer).map_err(|error| {
        tracing::error!("an answer cannot be written as JSON: {error}");
        broken()
    })
}

/// Why a network is not asked here: it answers each token of a text with all that it knows, and its
/// probability.
pub(crate) fn refusal(task: &Task) -> Option<Problem> {
    let detail = match (task, task.self_targets()?) {
        (Task::Regress(_), _) => return None,
        (Task::Classify(_), SelfTargets::Hidden(_)) => {
            "the network fills in what is hidden in a text, which `birnn fill` asks it for"
        }
        (Task::Classify(_), SelfTargets::Next) => {
            "the network continues texts, which `birnn continue` asks it for"
        }
    };
    Some(Problem::unanswerable(detail))
}

/// What a client is told whose request made the network fail.
pub(crate) fn broken() -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the network could not answer; the server's log says why")
}

/// A network, and how it is asked.
#[derive(Debug)]
pub(crate) struct Answering {
    pub(crate) predictor: Predictor,
    pub(crate) reader: Reader,
    pub(crate) metrics: OfModel,
}

impl Answering {
    fn answers(&self, workspace: &mut Workspace, sequences: &Sequences) -> Answers {
        match sequences.len() > KEPT_SAMPLES || sequences.steps() > KEPT_STEPS {
            true => self.predictor.answers_to_all(sequences, 1),
            false => self.predictor.answers_to(workspace, sequences),
        }
    }

    /// Answers requests, together.
    pub(crate) fn predict(&self, workspace: &mut Workspace, asked: Vec<(Samples, Reply)>) {
        if asked.is_empty() {
            return;
        }
        let sequences = self.reader.gather(asked.iter().map(|(samples, _)| samples));
        self.metrics.answers(sequences.len());
        let (task, modality) = (self.predictor.task(), &self.predictor.manifest().modality);
        let answers = self.answers(workspace, &sequences);
        let (mut each, mut begin) = (sequences.iter(), 0);
        for (samples, reply) in asked {
            let first = begin;
            let own = each.by_ref().take(self.reader.count(&samples));
            let predictions = own.map(|sequence| {
                let positions = begin..begin + task.per().positions(sequence.steps());
                begin = positions.end;
                let answer = task.answer_to((modality, sequence), &answers, positions);
                OfSample { tokens: sequence.words().collect(), told: answer }
            });
            let predictions: Vec<OfSample<'_, Answer<'_>>> = predictions.collect();
            let told = match finite(&answers.given()[first * task.outputs()..begin * task.outputs()]) {
                Ok(()) => told(&predictions),
                Err(why) => Err(Problem::unanswerable(why.to_string())),
            };
            // Whoever has gone meanwhile needs no answer.
            drop(reply.send(told));
        }
    }

    /// What the one sample of a request is, and how that came about.
    pub(crate) fn explain(&self, samples: &Samples) -> Result<Told, Problem> {
        if self.predictor.task().self_targets().is_some() {
            let kind = self.predictor.task().kind().name();
            return Err(Problem::unanswerable(format!(
                "what a network answers that was trained to {kind} is not explained; ask it at `predict`"
            )));
        }
        let count = self.reader.count(samples);
        if count != 1 {
            return Err(Problem::unanswerable(format!(
                "one sample is explained at a time, and these are {count}"
            )));
        }
        let sequence = self.reader.gather(std::iter::once(samples));
        let (steps, most) = (sequence.steps(), self.reader.limits.explained);
        if steps > most {
            return Err(Problem::unanswerable(format!("{steps} steps, and at most {most} are explained")));
        }
        self.metrics.answers(1);
        let answers = self.predictor.answers_to_all(&sequence, 1);
        finite(answers.given()).map_err(|why| Problem::unanswerable(why.to_string()))?;
        // As the answer forms, parts of the sequence are read that are half as long on average, from both
        // ends.
        let most = (self.reader.limits.steps / steps.max(1)).clamp(2, FORMING);
        // Its buffers are many times those of a sequence, and are given back.
        let explanation = self.predictor.explain(&mut Workspace::new(), &sequence, most);
        told(&OfSample { tokens: sequence.get(0).words().collect(), told: explanation })
    }
}
