//! Requests wait here for a network, and are answered together by those who are free.
//!
//! A worker takes the request that has waited longest, and those behind it that are there already: alone nobody
//! waits for others, and under load batches form by themselves. Nothing depends on the batch, as a sequence gives
//! the same bits alone and among others.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use axum::http::StatusCode;
use birnn_data::{Per, Sequences};
use birnn_infer::{Answer, Answers, Explanation, Predictor, Workspace};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::sync::oneshot;

use crate::asked::{Body, Reader, Samples};
use crate::metrics::OfModel;
use crate::problem::Problem;

/// Requests that are answered together at most: more are no quicker.
const TOGETHER: usize = 32;

/// Steps whose buffers a worker keeps: what larger requests take is given back.
const KEPT_STEPS: usize = 4096;

/// Where requests wait for a network, until it is dropped and they are answered.
#[derive(Debug)]
pub(crate) struct Queue {
    jobs: mpsc::Sender<Job>,
    metrics: OfModel,
}

/// What is answered to a request, as JSON: an array of predictions, or an explanation.
pub(crate) type Told = Box<RawValue>;

type Reply = oneshot::Sender<Result<Told, Problem>>;

/// What is asked about the samples of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// What they are.
    Predict,
    /// What the one that there is is, and how that came about.
    Explain,
}

#[derive(Debug)]
struct Job {
    question: Question,
    body: Body,
    reply: Reply,
}

/// At most so many lengths of parts of a sequence are explained.
const FORMING: usize = 64;

/// An explanation as clients get it.
#[derive(Serialize)]
struct Explained<'a> {
    /// Of a sentence.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tokens: Vec<&'a str>,
    #[serde(flatten)]
    explanation: Explanation<'a>,
}

fn told(answer: &impl Serialize) -> Result<Told, Problem> {
    serde_json::value::to_raw_value(answer).map_err(|error| {
        tracing::error!("an answer cannot be written as JSON: {error}");
        broken()
    })
}

/// A prediction as clients get it.
#[derive(Serialize)]
struct Prediction<'a> {
    /// Of a sentence.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tokens: Vec<&'a str>,
    #[serde(flatten)]
    answer: Answer<'a>,
}

impl Queue {
    /// Begins to answer by so many threads.
    pub(crate) fn start(
        predictor: Arc<Predictor>,
        reader: Arc<Reader>,
        threads: usize,
        metrics: OfModel,
    ) -> std::io::Result<Queue> {
        let (jobs, waiting) = mpsc::channel(reader.limits.queue);
        let waiting = Arc::new(Mutex::new(waiting));
        for index in 0..threads.max(1) {
            let worker = Worker {
                predictor: predictor.clone(),
                reader: reader.clone(),
                waiting: waiting.clone(),
                metrics: metrics.clone(),
            };
            thread::Builder::new().name(format!("answers {index}")).spawn(move || worker.run())?;
        }
        Ok(Queue { jobs, metrics })
    }

    /// The answer to a request, once its turn has come.
    pub(crate) async fn ask(&self, question: Question, body: Body) -> Result<Told, Problem> {
        let (reply, answer) = oneshot::channel();
        match self.jobs.try_send(Job { question, body, reply }) {
            Ok(()) => self.metrics.waits(1),
            Err(TrySendError::Full(_)) => {
                return Err(Problem::busy("too many requests wait for this network"));
            }
            Err(TrySendError::Closed(_)) => return Err(broken()),
        }
        answer.await.unwrap_or_else(|_| Err(broken()))
    }
}

fn broken() -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the network could not answer; the server's log says why")
}

struct Worker {
    predictor: Arc<Predictor>,
    reader: Arc<Reader>,
    waiting: Arc<Mutex<mpsc::Receiver<Job>>>,
    metrics: OfModel,
}

impl Worker {
    /// Answers until nobody can ask any more.
    fn run(&self) {
        let mut workspace = Workspace::new();
        while let Some(jobs) = self.next() {
            self.metrics.waits(-(jobs.len() as i64));
            // What it was about stays unanswered, and its client is told so; the others go on.
            let answered = std::panic::catch_unwind(AssertUnwindSafe(|| self.answer(&mut workspace, jobs)));
            if answered.is_err() {
                workspace = Workspace::new();
                tracing::error!("a request made the network's answer fail; this is a defect of birnn's");
            }
        }
    }

    fn answers(&self, workspace: &mut Workspace, sequences: &Sequences) -> Answers {
        match sequences.len() > TOGETHER || sequences.steps() > KEPT_STEPS {
            true => self.predictor.answers_to_all(sequences, 1),
            false => self.predictor.answers_to(workspace, sequences),
        }
    }

    /// The requests to answer next.
    fn next(&self) -> Option<Vec<Job>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut jobs = vec![waiting.blocking_recv()?];
        // What is to be explained takes longer than all else: it is one worker's last, and others do the next.
        while jobs.len() < TOGETHER
            && jobs.last().is_some_and(|job| job.question == Question::Predict)
            && let Ok(job) = waiting.try_recv()
        {
            jobs.push(job);
        }
        Some(jobs)
    }

    fn answer(&self, workspace: &mut Workspace, jobs: Vec<Job>) {
        let (mut asked, mut explained) = (Vec::with_capacity(jobs.len()), Vec::new());
        for Job { question, body, reply } in jobs {
            // Whoever has gone needs no answer.
            if reply.is_closed() {
                continue;
            }
            match (self.reader.read(&body), question) {
                (Ok(samples), Question::Predict) => asked.push((samples, reply)),
                (Ok(samples), Question::Explain) => explained.push((samples, reply)),
                (Err(problem), _) => drop(reply.send(Err(problem))),
            }
        }
        self.predict(workspace, asked);
        // These take longer, and nobody else is to wait for them.
        for (samples, reply) in explained {
            if !reply.is_closed() {
                drop(reply.send(self.explain(&samples)));
            }
        }
    }

    fn predict(&self, workspace: &mut Workspace, asked: Vec<(Samples, Reply)>) {
        if asked.is_empty() {
            return;
        }
        let sequences = self.reader.gather(asked.iter().map(|(samples, _)| samples));
        self.metrics.answers(sequences.len());
        let (task, modality) = (self.predictor.task(), &self.predictor.manifest().modality);
        let answers = self.answers(workspace, &sequences);
        let (mut each, mut begin) = (sequences.iter(), 0);
        for (samples, reply) in asked {
            let own = each.by_ref().take(self.reader.count(&samples));
            let predictions = own.map(|sequence| {
                let count = if task.per() == Per::Step { sequence.steps() } else { 1 };
                let positions = begin..begin + count;
                begin = positions.end;
                let answer = task.answer_to((modality, sequence), &answers, positions);
                Prediction { tokens: sequence.words().collect(), answer }
            });
            let predictions: Vec<Prediction<'_>> = predictions.collect();
            // Whoever has gone meanwhile needs no answer.
            drop(reply.send(told(&predictions)));
        }
    }

    fn explain(&self, samples: &Samples) -> Result<Told, Problem> {
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
        // As the answer forms, parts of the sequence are read that are half as long on average, from both ends.
        let most = (self.reader.limits.steps / steps.max(1)).clamp(2, FORMING);
        // Its buffers are many times those of a sequence, and are given back.
        let explanation = self.predictor.explain(&mut Workspace::new(), &sequence, most);
        told(&Explained { tokens: sequence.get(0).words().collect(), explanation })
    }
}
