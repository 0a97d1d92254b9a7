//! A run on the whole screen: fetches what is shown, draws it, and hears keys.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use birnn_data::{Modality, Per, Sequence, sketch};
use birnn_engine::{Batch, Control, EngineError, Learner, Observer, StepContext};
use birnn_infer::{Epoch, Mistake, Step};
use ratatui::crossterm::event;
use signal_hook::consts::SIGINT;
use signal_hook::low_level;
use tch::{TchError, Tensor};

use crate::board::{Board, Misread};
use crate::console::Console;
use crate::draw;
use crate::ink::Ink;
use crate::keys::{Action, action};
use crate::run_info::RunInfo;
use crate::screen::{Canvas, Screen};

/// Between two looks at the device, the keys and the clock, so that their cost is small beside the steps'.
const INTERVAL: Duration = Duration::from_millis(125);
/// Between two lots of misread samples, so that there is time to look at them.
const MISREAD_INTERVAL: Duration = Duration::from_secs(1);
/// Most lines of the log: a pane holds fewer.
const LINES: usize = 60;
const MOST_MISREAD_AT_ONCE: usize = 8;

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
        let found = task.evaluate(&answers, &context.batch.targets(task.per())?);
        self.board.record_score(found.headline());
        let mistakes = found.classified().map_or(&[][..], |found| &found.mistakes);
        if !mistakes.is_empty() && self.misread.is_none_or(|last| last.elapsed() >= MISREAD_INTERVAL) {
            self.misread = Some(Instant::now());
            let shown = &mistakes[..mistakes.len().min(MOST_MISREAD_AT_ONCE)];
            let found = misread(context.batch, task.per(), shown, &self.board.run.modality)?;
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

/// Pictures of a batch's samples with mistakes in them, each with its label and the class that the net called it.
fn misread(
    batch: &Batch,
    per: Per,
    mistakes: &[Mistake],
    modality: &Modality,
) -> Result<Vec<Misread>, TchError> {
    if let Modality::Text(_) = modality {
        // Of words there is no picture.
        return Ok(Vec::new());
    }
    let of = |&Mistake { sample, label, class, .. }: &Mistake| {
        let values = batch.sequence(batch.of_position(sample, per))?;
        let pixels = match modality {
            Modality::Images { .. } => values.iter().map(|value| (value * 255.0) as u8).collect(),
            Modality::Series(series) => sketch(Sequence::of_series(&values, series.inputs())),
            Modality::Text(_) => Vec::new(),
        };
        Ok(Misread { label, class, pixels })
    };
    mistakes.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use birnn_data::{SKETCH, Series};
    use birnn_engine::Device;

    use super::*;

    fn mistake(sample: usize, label: usize, class: usize) -> Mistake {
        Mistake { sample, label, class, probability: 0.9 }
    }

    #[test]
    fn misread_images_come_with_what_they_are_and_were_called() {
        let input =
            Tensor::from_slice(&[0.0_f32, 0.2, 0.4, 0.6, 0.8, 1.0]).view([3, 1, 2]).to_device(Device::Cpu);
        let batch = Batch {
            input,
            tokens: None,
            lengths: None,
            target: Tensor::from_slice(&[7_i64, 8, 9]),
            positions: 3,
            first_step: 0,
        };
        let modality = Modality::Images { shape: [1, 2], preprocessing: None };
        let found = misread(&batch, Per::Sequence, &[mistake(0, 7, 1), mistake(2, 9, 3)], &modality).unwrap();
        let expected = [(7, 1, vec![0, 51]), (9, 3, vec![204, 255])];
        assert_eq!(found, expected.map(|(label, class, pixels)| Misread { label, class, pixels }));
    }

    #[test]
    fn of_a_misread_series_its_own_steps_are_drawn() {
        let input = Tensor::from_slice(&[9.0_f32, 9.0, 0.0, 1.0, 9.0]).view([5, 1]);
        let lengths = Some(vec![2, 2, 1]);
        let batch = Batch {
            input,
            tokens: None,
            lengths,
            target: Tensor::from_slice(&[7_i64, 8, 9]),
            positions: 3,
            first_step: 0,
        };
        let series = Series { steps: Some([1, 2]), ..Series::plain(vec![0.0]) };
        let series = Modality::Series(series);
        let found = misread(&batch, Per::Sequence, &[mistake(1, 8, 1)], &series).unwrap();
        assert_eq!(found[0].pixels, sketch(Sequence::of_series(&[0.0, 1.0], 1)));
        // Of its steps the third and the fourth.
        let of_steps =
            [2, 3].map(|step| misread(&batch, Per::Step, &[mistake(step, 8, 1)], &series).unwrap());
        assert!(of_steps.iter().all(|one| *one == found));
        assert_eq!(found[0].pixels.len(), SKETCH[0] * SKETCH[1]);
    }
}
