//! Requests wait here for a network, and are answered together.
//!
//! Those that take a [moment](crate::moments) are answered by the thread that read them. Others, and what is
//! to be explained, wait for threads of their own, which keep nobody from reading and writing: each takes
//! what has waited longest, and what is behind it already. Nothing depends on the batch, as a sequence gives
//! the same bits alone and among others.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use birnn_infer::{Predictor, Workspace};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::answering::{Answering, Reply, Told, broken, refusal};
use crate::asked::{Body, Reader};
use crate::metrics::OfModel;
use crate::moments::Moments;
use crate::problem::Problem;

/// Requests that are answered together at most: more are no quicker.
pub(crate) const TOGETHER: usize = 32;

/// Bytes of their bodies at most, unless one alone has more: so long do others wait behind them.
const BYTES_TOGETHER: usize = 64 << 10;

/// Where requests wait for a network, until it is dropped and they are answered.
#[derive(Debug)]
pub(crate) struct Queue {
    /// Why nothing is answered, where nothing is.
    refusal: Option<Problem>,
    metrics: OfModel,
    moments: Moments,
    jobs: mpsc::Sender<Job>,
}

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
    /// The room that the body takes, held as long as it is.
    _room: OwnedSemaphorePermit,
}

impl Queue {
    /// Begins to answer, what takes longer than a moment by so many threads.
    pub(crate) fn start(
        predictor: Predictor,
        reader: Reader,
        threads: usize,
        metrics: OfModel,
    ) -> std::io::Result<Queue> {
        let refusal = refusal(predictor.task());
        let (jobs, waiting) = mpsc::channel(reader.limits.queue);
        let waiting = Arc::new(Mutex::new(Waiting { jobs: waiting, first: None }));
        let answering = Arc::new(Answering { predictor, reader, metrics: metrics.clone() });
        for index in 0..threads.max(1) {
            let worker = Worker { answering: answering.clone(), waiting: waiting.clone() };
            thread::Builder::new().name(format!("answers {index}")).spawn(move || worker.run())?;
        }
        Ok(Queue { refusal, metrics, moments: Moments::new(answering), jobs })
    }

    /// The answer to a request, once its turn has come, whose body takes so much room.
    pub(crate) async fn ask(
        &self,
        question: Question,
        body: Body,
        room: OwnedSemaphorePermit,
    ) -> Result<Told, Problem> {
        if let Some(problem) = &self.refusal {
            return Err(problem.clone());
        }
        if question == Question::Predict
            && let Some(moment) = self.moments.read(&body)?
        {
            return self.moments.ask(moment).await;
        }
        let (reply, answer) = oneshot::channel();
        match self.jobs.try_send(Job { question, body, reply, _room: room }) {
            Ok(()) => self.metrics.waits(1),
            Err(TrySendError::Full(_)) => return Err(Problem::busy(FULL)),
            Err(TrySendError::Closed(_)) => return Err(broken()),
        }
        answer.await.unwrap_or_else(|_| Err(broken()))
    }
}

pub(crate) const FULL: &str = "too many requests wait for this network";

/// Of what another thread left behind where it failed: each holds what is whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does it, and says whether it came to its end: what it was about stays unanswered, and its client is told
/// so; the others go on.
pub(crate) fn unbroken(answer: impl FnOnce()) -> bool {
    let done = std::panic::catch_unwind(AssertUnwindSafe(answer)).is_ok();
    if !done {
        tracing::error!("a request made the network's answer fail; this is a defect of birnn's");
    }
    done
}

/// What waits for workers.
struct Waiting {
    jobs: mpsc::Receiver<Job>,
    /// What comes before these, as it was too much for those that were taken before it.
    first: Option<Job>,
}

/// Answers what takes longer than a moment.
struct Worker {
    answering: Arc<Answering>,
    waiting: Arc<Mutex<Waiting>>,
}

impl Worker {
    /// Answers until nobody can ask any more.
    fn run(&self) {
        let mut workspace = Workspace::new();
        while let Some(jobs) = self.next() {
            self.answering.metrics.waits(-(jobs.len() as i64));
            if !unbroken(|| self.answer(&mut workspace, jobs)) {
                workspace = Workspace::new();
            }
        }
    }

    /// The requests to answer next.
    fn next(&self) -> Option<Vec<Job>> {
        let mut waiting = lock(&self.waiting);
        let first = match waiting.first.take() {
            Some(job) => job,
            None => waiting.jobs.blocking_recv()?,
        };
        let mut bytes = first.body.len();
        let mut jobs = vec![first];
        // What is to be explained takes longer than all else: it is one worker's last, and others do the
        // next.
        while jobs.len() < TOGETHER
            && jobs.last().is_some_and(|job| job.question == Question::Predict)
            && let Ok(job) = waiting.jobs.try_recv()
        {
            bytes += job.body.len();
            if bytes > BYTES_TOGETHER {
                waiting.first = Some(job);
                break;
            }
            jobs.push(job);
        }
        Some(jobs)
    }

    fn answer(&self, workspace: &mut Workspace, jobs: Vec<Job>) {
        let (mut asked, mut explained) = (Vec::with_capacity(jobs.len()), Vec::new());
        for Job { question, body, reply, _room } in jobs {
            // Whoever has gone needs no answer.
            if reply.is_closed() {
                continue;
            }
            match (self.answering.reader.read(&body), question) {
                (Ok(samples), Question::Predict) => asked.push((samples, reply)),
                (Ok(samples), Question::Explain) => explained.push((samples, reply)),
                (Err(problem), _) => drop(reply.send(Err(problem))),
            }
        }
        self.answering.predict(workspace, asked);
        // These take longer, and nobody else is to wait for them.
        for (samples, reply) in explained {
            if !reply.is_closed() {
                drop(reply.send(self.answering.explain(&samples)));
            }
        }
    }
}
