//! Requests that are answered in a moment, by the thread that read them.
//!
//! It first lets those go on that are ready to, and answers what they have been asked with its own. So a lone
//! client waits for no other thread, and under load batches form by themselves.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use birnn_infer::Workspace;
use tokio::sync::oneshot::{self, error::TryRecvError};

use crate::answering::{Answering, Reply, Told, broken};
use crate::asked::{Asked, Body, Samples};
use crate::effort::Effort;
use crate::problem::Problem;
use crate::queue::{FULL, TOGETHER, lock, unbroken};

/// The most that a request of a moment takes, as [`Effort`] has it: about a millisecond.
const MOMENT: usize = 16_000_000;

/// The most that those take together that are answered at once: nothing is read and written meanwhile.
const AT_ONCE: usize = 4 * MOMENT;

/// A body of more bytes takes longer to read.
const SMALL: usize = 16 << 10;

/// Where they wait.
#[derive(Debug)]
pub(crate) struct Moments {
    answering: Arc<Answering>,
    effort: Effort,
    waiting: Mutex<VecDeque<Moment>>,
    workspaces: Mutex<Vec<Workspace>>,
}

#[derive(Debug)]
struct Moment {
    samples: Samples,
    effort: usize,
    reply: Reply,
}

impl Moments {
    pub(crate) fn new(answering: Arc<Answering>) -> Moments {
        let effort = Effort::of(&answering.predictor);
        Moments { answering, effort, waiting: Mutex::default(), workspaces: Mutex::default() }
    }

    /// The samples of a request, and what they take, where it takes no longer than a moment.
    pub(crate) fn read(&self, body: &Body) -> Result<Option<(Samples, usize)>, Problem> {
        let reader = &self.answering.reader;
        let is_short = |effort: &usize| *effort <= MOMENT;
        match body {
            Body::Picture(file) | Body::Json(file) if file.len() > SMALL => Ok(None),
            Body::Picture(file) => {
                let effort = Some(self.effort.of_picture(file)).filter(is_short);
                effort.map(|effort| Ok((reader.read(body)?, effort))).transpose()
            }
            Body::Json(json) => {
                let asked = Asked::parse(json)?;
                let effort = self.effort.of_asked(&asked).filter(is_short);
                effort.map(|effort| Ok((reader.samples(asked)?, effort))).transpose()
            }
        }
    }

    /// The answer to such a request.
    pub(crate) async fn ask(&self, (samples, effort): (Samples, usize)) -> Result<Told, Problem> {
        let (reply, mut answer) = oneshot::channel();
        self.put(Moment { samples, effort, reply })?;
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

    fn put(&self, moment: Moment) -> Result<(), Problem> {
        let mut waiting = lock(&self.waiting);
        if waiting.len() >= self.answering.reader.limits.queue {
            // Those have gone who would have answered these.
            let before = waiting.len();
            waiting.retain(|moment| !moment.reply.is_closed());
            self.wait(waiting.len() as i64 - before as i64);
        }
        if waiting.len() >= self.answering.reader.limits.queue {
            return Err(Problem::busy(FULL));
        }
        self.wait(1);
        waiting.push_back(moment);
        Ok(())
    }

    fn wait(&self, more: i64) {
        self.answering.metrics.waits(more);
    }

    /// Those that have waited longest, as many as are answered at once.
    fn take(&self) -> Vec<Moment> {
        let mut waiting = lock(&self.waiting);
        let mut effort = 0;
        let fits = |moment: &&Moment| {
            effort += moment.effort;
            effort <= AT_ONCE
        };
        let count = waiting.iter().take(TOGETHER).take_while(fits).count();
        self.wait(-(count as i64));
        waiting.drain(..count).collect()
    }

    /// Answers some of those that wait; whether there were any.
    fn answer_some(&self) -> bool {
        let taken = self.take();
        if taken.is_empty() {
            return false;
        }
        // Whoever has gone needs no answer.
        let asked = taken.into_iter().filter(|moment| !moment.reply.is_closed());
        let asked = asked.map(|moment| (moment.samples, moment.reply)).collect();
        let mut workspace = lock(&self.workspaces).pop().unwrap_or_default();
        if unbroken(|| self.answering.predict(&mut workspace, asked)) {
            lock(&self.workspaces).push(workspace);
        }
        true
    }
}

impl Drop for Moments {
    fn drop(&mut self) {
        self.wait(-(lock(&self.waiting).len() as i64));
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::path::Path;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use axum::body::Bytes;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use birnn_data::{Unit, png};
    use birnn_infer::Predictor;

    use super::*;
    use crate::asked::Reader;
    use crate::limits::Limits;
    use crate::metrics::Metrics;

    fn digits(limits: Limits) -> (Moments, Arc<Metrics>) {
        let weights =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../birnn-formats/examples/digits.safetensors");
        let predictor = Predictor::open(&weights).unwrap();
        let reader = Reader { modality: predictor.manifest().modality.clone(), unit: Unit::Words, limits };
        let metrics = Metrics::new();
        let answering = Answering { predictor, reader, metrics: metrics.of_model("digits") };
        (Moments::new(Arc::new(answering)), metrics)
    }

    fn image(index: usize) -> Vec<u8> {
        (0..28 * 28).map(|at| ((at * 31 + index * 7919) % 251) as u8).collect()
    }

    fn picture(pixels: &[u8], shape: [usize; 2]) -> Body {
        Body::Picture(Bytes::from(png(pixels, shape).unwrap()))
    }

    fn pixels(count: usize, spaces: usize) -> Body {
        let all: Vec<String> =
            (0..count).map(|index| format!("\"{}\"", STANDARD.encode(image(index)))).collect();
        Body::Json(Bytes::from(format!("{{\"pixels\": [{}]}}{}", all.join(","), " ".repeat(spaces))))
    }

    #[test]
    fn a_moment_is_a_small_body_that_is_answered_soon() {
        let (moments, _) = digits(Limits::default());
        let is_one =
            |body: &Body| moments.read(body).map(|moment| moment.is_some()).map_err(|problem| problem.detail);
        let json = |text: &str| Body::Json(Bytes::from(text.to_owned()));
        assert_eq!(is_one(&picture(&image(0), [28, 28])), Ok(true));
        assert_eq!(is_one(&pixels(1, 0)), Ok(true));
        assert_eq!(is_one(&pixels(8, 0)), Ok(true));
        // Its images are many, its bytes, or its pixels.
        assert_eq!(is_one(&pixels(12, 0)), Ok(false));
        assert_eq!(is_one(&pixels(1, SMALL)), Ok(false));
        assert_eq!(is_one(&picture(&vec![9; 256 * 256], [256, 256])), Ok(false));
        assert_eq!(is_one(&picture(&[9; 200], [1, 200])), Ok(false));
        assert_eq!(is_one(&json("{\"images\": [\"\"]}")), Ok(false));
        // It is known at once what is wrong with it.
        assert!(
            is_one(&json("{")).is_err_and(|detail| detail.starts_with("the body cannot be read as JSON: "))
        );
        assert!(
            is_one(&json("{\"sentences\": [\"a\"]}")).is_err_and(|detail| detail.contains("reads images"))
        );
    }

    /// Among others, on several threads, to the bit.
    #[tokio::test(flavor = "multi_thread", worker_threads = 3)]
    async fn each_gets_its_own_answer() {
        let (moments, metrics) = digits(Limits::default());
        let moments = Arc::new(moments);
        let all: Vec<_> = (0..300)
            .map(|index| {
                let moments = moments.clone();
                tokio::spawn(async move {
                    let moment = moments.read(&picture(&image(index), [28, 28])).unwrap().unwrap();
                    moments.ask(moment).await.unwrap().get().to_owned()
                })
            })
            .collect();
        for (index, told) in all.into_iter().enumerate() {
            let (reply, mut alone) = oneshot::channel();
            let samples = moments.answering.reader.read(&picture(&image(index), [28, 28])).unwrap();
            moments.answering.predict(&mut Workspace::new(), vec![(samples, reply)]);
            assert_eq!(told.await.unwrap(), alone.try_recv().unwrap().unwrap().get(), "{index}");
        }
        assert!(metrics.text().contains("birnn_requests_waiting{model=\"digits\"} 0"), "{}", metrics.text());
    }

    /// A client that has gone takes nobody's place.
    #[tokio::test]
    async fn who_has_gone_is_not_waited_for() {
        let (moments, metrics) = digits(Limits { queue: 2, ..Limits::default() });
        let ask = || moments.ask(moments.read(&pixels(1, 0)).unwrap().unwrap());
        let is_waiting = |count: usize| {
            let told = format!("birnn_requests_waiting{{model=\"digits\"}} {count}");
            metrics.text().contains(&told)
        };
        let mut nobody = Context::from_waker(Waker::noop());
        for _ in 0..2 {
            assert!(pin!(ask()).poll(&mut nobody).is_pending());
        }
        assert!(is_waiting(2));
        assert!(ask().await.is_ok());
        assert!(is_waiting(0));
        let (first, second) = (pin!(ask()), pin!(ask()));
        assert!(first.poll(&mut nobody).is_pending() && second.poll(&mut nobody).is_pending());
        assert_eq!(ask().await.unwrap_err().detail, format!("{FULL}; ask again in a second"));
    }
}
