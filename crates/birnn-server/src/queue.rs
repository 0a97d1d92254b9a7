//! Requests wait here for a network, and are answered together.
//!
//! Those that take a moment are answered by the thread that read them: it first lets others read what has come in
//! meanwhile, and answers these with its own. So a lone client waits for no other thread, and under load batches form by
//! themselves. Larger requests, and what is to be explained, wait for threads of their own, which keep nobody from reading
//! and writing. Nothing depends on the batch, as a sequence gives the same bits alone and among others.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use axum::http::StatusCode;
use birnn_architecture::{CHARACTER_EMBEDDING, EMBEDDING};
use birnn_data::{Per, Sequences};
use birnn_infer::{Answer, Answers, Explanation, Predictor, Workspace};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::sync::oneshot::{self, error::TryRecvError};

use crate::asked::{Body, Reader, Samples};
use crate::limits::Limits;
use crate::metrics::OfModel;
use crate::problem::Problem;

/// Requests that are answered together at most: more are no quicker.
const TOGETHER: usize = 32;

/// Steps whose buffers are kept: what larger requests take is given back.
const KEPT_STEPS: usize = 4096;

/// A body of more bytes, or pixels, takes longer than a moment to read.
const MOMENT: usize = 16 << 10;

/// So many products and sums take less than a millisecond.
const MOMENTS_PRODUCTS: usize = 16_000_000;

/// Where requests wait for a network, until it is dropped and they are answered.
#[derive(Debug)]
pub(crate) struct Queue {
    answering: Arc<Answering>,
    /// As [`Answering::reader`], but what takes longer than a moment to read is refused.
    of_a_moment: Reader,
    /// The steps that are answered in a moment.
    moments_steps: usize,
    moments: Mutex<VecDeque<(Samples, Reply)>>,
    workspaces: Mutex<Vec<Workspace>>,
    jobs: mpsc::Sender<Job>,
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
    /// Begins to answer, what takes longer by so many threads.
    pub(crate) fn start(
        predictor: Predictor,
        reader: Reader,
        threads: usize,
        metrics: OfModel,
    ) -> std::io::Result<Queue> {
        let (jobs, waiting) = mpsc::channel(reader.limits.queue);
        let waiting = Arc::new(Mutex::new(waiting));
        let of_a_moment = reader.within(Limits { pixels: MOMENT as u64, ..reader.limits });
        let moments_steps = MOMENTS_PRODUCTS / products(&predictor);
        let answering = Arc::new(Answering { predictor, reader, metrics });
        for index in 0..threads.max(1) {
            let worker = Worker { answering: answering.clone(), waiting: waiting.clone() };
            thread::Builder::new().name(format!("answers {index}")).spawn(move || worker.run())?;
        }
        Ok(Queue {
            answering,
            of_a_moment,
            moments_steps,
            moments: Mutex::default(),
            workspaces: Mutex::default(),
            jobs,
        })
    }

    /// The answer to a request, once its turn has come.
    pub(crate) async fn ask(&self, question: Question, body: Body) -> Result<Told, Problem> {
        let (reply, mut answer) = oneshot::channel();
        let Some(samples) = self.of_a_moment(question, &body) else {
            self.wait(Job { question, body, reply })?;
            return answer.await.unwrap_or_else(|_| Err(broken()));
        };
        {
            let mut moments = lock(&self.moments);
            if moments.len() >= self.answering.reader.limits.queue {
                return Err(Problem::busy(FULL));
            }
            moments.push_back((samples, reply));
        }
        self.answering.metrics.waits(1);
        // Those whose requests are here already come along.
        tokio::task::yield_now().await;
        loop {
            match answer.try_recv() {
                Ok(told) => return told,
                Err(TryRecvError::Closed) => return Err(broken()),
                // Where none wait any more, another thread has it.
                Err(TryRecvError::Empty) if !self.answer_some() => break,
                Err(TryRecvError::Empty) => {}
            }
        }
        answer.await.unwrap_or_else(|_| Err(broken()))
    }

    /// The samples of a request that takes a moment: of one that cannot be read, it is found out elsewhere what is wrong.
    fn of_a_moment(&self, question: Question, body: &Body) -> Option<Samples> {
        if question != Question::Predict || body.bytes().len() > MOMENT {
            return None;
        }
        let samples = self.of_a_moment.read(body).ok()?;
        (self.of_a_moment.steps(&samples) <= self.moments_steps).then_some(samples)
    }

    fn wait(&self, job: Job) -> Result<(), Problem> {
        match self.jobs.try_send(job) {
            Ok(()) => {
                self.answering.metrics.waits(1);
                Ok(())
            }
            Err(TrySendError::Full(_)) => Err(Problem::busy(FULL)),
            Err(TrySendError::Closed(_)) => Err(broken()),
        }
    }

    /// Answers those that have waited longest; whether there were any.
    fn answer_some(&self) -> bool {
        let asked: Vec<(Samples, Reply)> = {
            let mut moments = lock(&self.moments);
            let count = moments.len().min(TOGETHER);
            moments.drain(..count).collect()
        };
        if asked.is_empty() {
            return false;
        }
        self.answering.metrics.waits(-(asked.len() as i64));
        let mut workspace = lock(&self.workspaces).pop().unwrap_or_default();
        if unbroken(|| self.answering.predict(&mut workspace, asked)) {
            lock(&self.workspaces).push(workspace);
        }
        true
    }
}

const FULL: &str = "too many requests wait for this network";

/// Of what another thread left behind where it failed: each holds what is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The products of one step, about: all its parameters but tables, of which a step reads a row.
fn products(predictor: &Predictor) -> usize {
    let (architecture, manifest) = (predictor.network().architecture(), predictor.manifest());
    let parameters = architecture.parameters(manifest.modality.inputs(), predictor.task().outputs());
    let is_table = |name: &str| [EMBEDDING, CHARACTER_EMBEDDING].contains(&name.trim_end_matches(".weight"));
    let of_steps = parameters.iter().filter(|(name, _)| !is_table(name));
    of_steps.map(|(_, shape)| shape.iter().product::<usize>()).sum::<usize>().max(1)
}

/// Does it, and says whether it came to its end: what it was about stays unanswered, and its client is told so; the others
/// go on.
fn unbroken(answer: impl FnOnce()) -> bool {
    let done = std::panic::catch_unwind(AssertUnwindSafe(answer)).is_ok();
    if !done {
        tracing::error!("a request made the network's answer fail; this is a defect of birnn's");
    }
    done
}

fn broken() -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the network could not answer; the server's log says why")
}

/// Answers what takes longer than a moment.
struct Worker {
    answering: Arc<Answering>,
    waiting: Arc<Mutex<mpsc::Receiver<Job>>>,
}

impl Worker {
    /// Answers until nobody can ask any more.
    fn run(&self) {
        let mut workspace = Workspace::new();
        while let Some(jobs) = self.next() {
            self.answering.metrics.waits(-(jobs.len() as i64));
            if !unbroken(|| self.answering.answer(&mut workspace, jobs)) {
                workspace = Workspace::new();
            }
        }
    }

    /// The requests to answer next.
    fn next(&self) -> Option<Vec<Job>> {
        let mut waiting = lock(&self.waiting);
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
}

/// A network, and how it is asked.
#[derive(Debug)]
struct Answering {
    predictor: Predictor,
    reader: Reader,
    metrics: OfModel,
}

impl Answering {
    fn answers(&self, workspace: &mut Workspace, sequences: &Sequences) -> Answers {
        match sequences.len() > TOGETHER || sequences.steps() > KEPT_STEPS {
            true => self.predictor.answers_to_all(sequences, 1),
            false => self.predictor.answers_to(workspace, sequences),
        }
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
