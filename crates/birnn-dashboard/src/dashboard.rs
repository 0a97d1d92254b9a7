//! A run on the whole screen: fetches what is shown, draws it, and hears keys.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use birnn_engine::{Control, EngineError, Learner, Observer, StepContext};
use birnn_infer::{Epoch, Step};
use ratatui::crossterm::event;
use signal_hook::consts::SIGINT;
use signal_hook::low_level;
use tch::Tensor;

use crate::board::Board;
use crate::console::Console;
use crate::draw;
use crate::ink::Ink;
use crate::keys::{Action, action};
use crate::misread::misread;
use crate::run_info::RunInfo;
use crate::screen::{Canvas, Screen};

/// Between two looks at the device, the keys and the clock, so that their cost is small beside the steps'.
const INTERVAL: Duration = Duration::from_millis(125);
/// Between two lots of misread samples, so that there is time to look at them.
const MISREAD_INTERVAL: Duration = Duration::from_secs(1);
/// Most lines of the log: a pane holds fewer.
const LINES: usize = 60;

/// Shows training on the whole screen, and hears keys.
#[derive(Debug)]
pub(crate) struct Dashboard {
    console: Arc<dyn Console>,
    board: Board,
    ink: Ink,
    /// `None` once it cannot be drawn on.
    canvas: Option<Canvas>,
    /// Whether keys can be heard.
    hears: bool,
    start: Instant,
    /// When values were last fetched, and what came since; evaluations do not count as training.
    fetched: Instant,
    samples: usize,
    training: Duration,
    losses: Vec<(usize, Tensor)>,
    /// When the last step, or the evaluation after it, was done.
    done: Instant,
    misread: Option<Instant>,
}

impl Dashboard {
    /// Takes the terminal.
    pub(crate) fn open(screen: &Screen, console: Arc<dyn Console>, run: RunInfo) -> io::Result<Dashboard> {
        let canvas = screen.open()?;
        let now = Instant::now();
        let mut dashboard = Dashboard {
            ink: Ink { colours: console.colours() },
            console,
            board: Board::new(run),
            canvas: Some(canvas),
            hears: true,
            start: now,
            fetched: now,
            samples: 0,
            training: Duration::ZERO,
            losses: Vec::new(),
            done: now,
            misread: None,
        };
        dashboard.draw();
        Ok(dashboard)
    }

    /// A terminal that cannot be drawn on is given back; training goes on without.
    fn draw(&mut self) {
        self.board.log = self.console.last_held(LINES);
        self.board.elapsed = self.start.elapsed();
        let (board, ink) = (&self.board, self.ink);
        if let Some(canvas) = &mut self.canvas
            && let Err(error) = canvas.draw(|frame| draw::draw(frame, board, ink))
        {
            self.canvas = None;
            tracing::warn!("the dashboard cannot be drawn: {error}");
        }
    }

    /// Fetches from the device what is to be shown.
    fn fetch(&mut self, context: &StepContext) -> Result<(), EngineError> {
        let (steps, losses): (Vec<usize>, Vec<Tensor>) = self.losses.drain(..).unzip();
        let losses = Vec::<f32>::try_from(Tensor::f_stack(&losses, 0)?)?;
        for (&step, loss) in steps.iter().zip(losses) {
            self.board.loss.push(step as f64, f64::from(loss));
        }
        let task = context.learner.task();
        let answers = context.learner.answers(&context.output.logits, context.batch)?;
        let found = task.evaluate(&answers, &context.batch.targets(task.wanted())?);
        self.board.record_score(found.headline());
        let mistakes = found.classified().map_or(&[][..], |found| &found.mistakes);
        if !mistakes.is_empty() && self.misread.is_none_or(|last| last.elapsed() >= MISREAD_INTERVAL) {
            self.misread = Some(Instant::now());
            let found = misread(context.batch, task.per(), mistakes, &self.board.run.modality)?;
            self.board.add_misread(found);
        }
        Ok(())
    }

    /// What the keys pressed since the last call ask for.
    fn poll_keys(&mut self) -> Control {
        let mut control = Control::Continue;
        while self.hears && self.canvas.is_some() {
            let read = || if event::poll(Duration::ZERO)? { event::read().map(Some) } else { Ok(None) };
            match read() {
                Ok(None) => break,
                Ok(Some(event)) => match action(&event) {
                    Some(Action::Save) => {
                        tracing::info!("checkpoint of step {}, as asked for", self.board.step);
                        control = control.max(Control::Save);
                    }
                    // As Ctrl-C does, exit code included.
                    Some(Action::Stop) => {
                        // Later keys count for nothing: a second signal would end the process at once.
                        self.hears = false;
                        if let Err(error) = low_level::raise(SIGINT) {
                            tracing::warn!("cannot be stopped by this key: {error}");
                        }
                    }
                    None => {}
                },
                // There is still Ctrl-C.
                Err(_) => self.hears = false,
            }
        }
        control
    }
}

impl Observer for Dashboard {
    fn step(&mut self, step: &Step, context: &StepContext) -> Result<Control, EngineError> {
        self.board.record_step(step);
        self.samples += step.samples;
        self.losses.push((step.step, context.output.loss.shallow_clone()));
        let now = Instant::now();
        self.training += now - self.done;
        self.done = now;
        if now - self.fetched < INTERVAL {
            return Ok(Control::Continue);
        }
        self.fetched = now;
        self.fetch(context)?;
        self.board.record_speed(std::mem::take(&mut self.samples), std::mem::take(&mut self.training));
        let control = self.poll_keys();
        self.draw();
        Ok(control)
    }

    fn epoch(&mut self, epoch: &Epoch, _learner: &Learner) -> Result<(), EngineError> {
        self.board.record_epoch(epoch);
        // Epochs can be shorter than the interval.
        if self.fetched.elapsed() >= INTERVAL {
            self.draw();
        }
        self.done = Instant::now();
        Ok(())
    }
}
