//! A run on the whole screen: fetches what is shown, draws it, and hears keys.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use birnn_engine::{Batch, EngineError, Epoch, Learner, Look, Observer, Step, Wish};
use ratatui::crossterm::event;
use signal_hook::consts::SIGINT;
use signal_hook::low_level;
use tch::{Kind, TchError, Tensor};

use crate::board::{Board, Misread};
use crate::console::Console;
use crate::draw;
use crate::ink::Ink;
use crate::keys::{Action, action};
use crate::run_info::RunInfo;
use crate::screen::{Canvas, Screen};

/// Between two looks at the device, the keys and the clock, so that their cost is small beside the steps'.
const INTERVAL: Duration = Duration::from_millis(125);
/// Between two lots of misread images, so that there is time to look at them.
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
    images: usize,
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
            images: 0,
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
    fn fetch(&mut self, look: &Look) -> Result<(), EngineError> {
        let (steps, losses): (Vec<usize>, Vec<Tensor>) = self.losses.drain(..).unzip();
        let losses = Vec::<f32>::try_from(Tensor::f_stack(&losses, 0)?)?;
        for (&step, loss) in steps.iter().zip(losses) {
            self.board.loss.push(step as f64, f64::from(loss));
        }
        let called = look.pass.logits.f_argmax(-1, false)?;
        let wrong = Vec::<i64>::try_from(called.f_ne_tensor(&look.batch.labels)?.f_nonzero()?.f_view(-1)?)?;
        let images = look.batch.labels.size()[0] as f64;
        self.board.accuracy.push(self.board.step as f64, 1.0 - wrong.len() as f64 / images);
        if !wrong.is_empty() && self.misread.is_none_or(|last| last.elapsed() >= MISREAD_INTERVAL) {
            self.misread = Some(Instant::now());
            self.board.add_misread(misread(
                look.batch,
                &called,
                &wrong[..wrong.len().min(MOST_MISREAD_AT_ONCE)],
            )?);
        }
        Ok(())
    }

    /// What the keys pressed since the last call ask for.
    fn poll_keys(&mut self) -> Wish {
        let mut wish = Wish::GoOn;
        while self.hears && self.canvas.is_some() {
            let read = || if event::poll(Duration::ZERO)? { event::read().map(Some) } else { Ok(None) };
            match read() {
                Ok(None) => break,
                Ok(Some(event)) => match action(&event) {
                    Some(Action::Save) => {
                        tracing::info!("checkpoint of step {}, as asked for", self.board.step);
                        wish = wish.max(Wish::Save);
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
        wish
    }
}

impl Observer for Dashboard {
    fn step(&mut self, step: &Step, look: &Look) -> Result<Wish, EngineError> {
        self.board.record_step(step);
        self.images += step.images;
        self.losses.push((step.step, look.pass.loss.shallow_clone()));
        let now = Instant::now();
        self.training += now - self.done;
        self.done = now;
        if now - self.fetched < INTERVAL {
            return Ok(Wish::GoOn);
        }
        self.fetched = now;
        self.fetch(look)?;
        self.board.record_speed(std::mem::take(&mut self.images), std::mem::take(&mut self.training));
        let wish = self.poll_keys();
        self.draw();
        Ok(wish)
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

/// The images of a batch at the indices `wrong`, with the classes that the net called them.
fn misread(batch: &Batch, called: &Tensor, wrong: &[i64]) -> Result<Vec<Misread>, TchError> {
    let indices = Tensor::f_from_slice(wrong)?.f_to_device(called.device())?;
    let chosen = |tensor: &Tensor| tensor.f_index_select(0, &indices);
    let bytes = chosen(&batch.input)?.f_mul_scalar(255.0)?.f_to_kind(Kind::Uint8)?.f_view(-1)?;
    let pixels = Vec::<u8>::try_from(bytes)?;
    let classes = |tensor: &Tensor| Vec::<i64>::try_from(chosen(tensor)?);
    let answers = classes(&batch.labels)?.into_iter().zip(classes(called)?);
    let images = pixels.chunks_exact(pixels.len() / wrong.len());
    Ok(images
        .zip(answers)
        .map(|(pixels, (label, class))| Misread {
            label: label as usize,
            class: class as usize,
            pixels: pixels.to_owned(),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use birnn_engine::Device;

    use super::*;

    #[test]
    fn misread_images_come_with_what_they_are_and_were_called() {
        let input =
            Tensor::from_slice(&[0.0_f32, 0.2, 0.4, 0.6, 0.8, 1.0]).view([3, 1, 2]).to_device(Device::Cpu);
        let batch = Batch { input, labels: Tensor::from_slice(&[7_i64, 8, 9]) };
        let found = misread(&batch, &Tensor::from_slice(&[1_i64, 8, 3]), &[0, 2]).unwrap();
        let expected = [(7, 1, vec![0, 51]), (9, 3, vec![204, 255])];
        assert_eq!(found, expected.map(|(label, class, pixels)| Misread { label, class, pixels }));
    }
}
