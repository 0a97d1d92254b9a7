//! `--progress dashboard`: a run on the whole screen. What is shown ([`board`]) is apart from how ([`draw`]) and where
//! ([`screen`]).

mod board;
mod curve;
mod digits;
mod draw;
mod ink;
mod keys;
mod plot;
mod screen;

use std::io;
use std::time::{Duration, Instant};

use birnn_engine::{Batch, EngineError, Epoch, Learner, Look, Observer, Step, Wish};
use ratatui::crossterm::event;
use signal_hook::consts::SIGINT;
use signal_hook::low_level;
use tch::{Kind, TchError, Tensor};

use self::board::{Board, Misread};
use self::ink::Ink;
use self::keys::{Asked, asked};
use self::screen::Canvas;
pub use self::screen::Screen;
use crate::log::Log;
use crate::show::Facts;

/// Between two looks at the device, the keys and the clock; what they cost is to be lost in the steps between.
const INTERVAL: Duration = Duration::from_millis(125);
/// Between two lots of misread images: they are to be looked at.
const MISREAD_INTERVAL: Duration = Duration::from_secs(1);
/// Of the log, at most: a pane holds fewer.
const LINES: usize = 60;
const MOST_MISREAD_AT_ONCE: usize = 8;

/// Shows training on the whole screen, and hears keys.
#[derive(Debug)]
pub struct Dashboard {
    log: Log,
    board: Board,
    ink: Ink,
    /// Gone once it cannot be drawn on.
    canvas: Option<Canvas>,
    /// Whether keys can be heard.
    hears: bool,
    start: Instant,
    /// The last look, and what came since; evaluations do not count as training.
    looked: Instant,
    images: usize,
    training: Duration,
    losses: Vec<(usize, Tensor)>,
    /// When the last step, or the evaluation after it, was done.
    done: Instant,
    misread: Option<Instant>,
}

impl Dashboard {
    /// Takes the screen.
    pub fn open(screen: &Screen, log: &Log, facts: Facts) -> io::Result<Dashboard> {
        let canvas = screen.open()?;
        let now = Instant::now();
        let mut dashboard = Dashboard {
            log: log.clone(),
            board: Board::new(facts),
            ink: Ink { colours: crate::log::colours() },
            canvas: Some(canvas),
            hears: true,
            start: now,
            looked: now,
            images: 0,
            training: Duration::ZERO,
            losses: Vec::new(),
            done: now,
            misread: None,
        };
        dashboard.draw();
        Ok(dashboard)
    }

    /// A screen that cannot be drawn on is given back; training goes on without.
    fn draw(&mut self) {
        self.board.said = self.log.last_held(LINES);
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
    fn look(&mut self, look: &Look) -> Result<(), EngineError> {
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
            self.board.misread(misread(
                look.batch,
                &called,
                &wrong[..wrong.len().min(MOST_MISREAD_AT_ONCE)],
            )?);
        }
        Ok(())
    }

    /// What keys since the last look ask for.
    fn ask(&mut self) -> Wish {
        let mut wish = Wish::GoOn;
        while self.hears && self.canvas.is_some() {
            let read = || if event::poll(Duration::ZERO)? { event::read().map(Some) } else { Ok(None) };
            match read() {
                Ok(None) => break,
                Ok(Some(event)) => match asked(&event) {
                    Some(Asked::Save) => {
                        tracing::info!("checkpoint of step {}, as asked for", self.board.step);
                        wish = wish.max(Wish::Save);
                    }
                    // As Ctrl-C does, exit code included.
                    Some(Asked::Stop) => {
                        // What follows has no say: twice would be at once.
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
        self.board.at(step);
        self.images += step.images;
        self.losses.push((step.step, look.pass.loss.shallow_clone()));
        let now = Instant::now();
        self.training += now - self.done;
        self.done = now;
        if now - self.looked < INTERVAL {
            return Ok(Wish::GoOn);
        }
        self.looked = now;
        self.look(look)?;
        self.board.went(std::mem::take(&mut self.images), std::mem::take(&mut self.training));
        let wish = self.ask();
        self.draw();
        Ok(wish)
    }

    fn epoch(&mut self, epoch: &Epoch, _learner: &Learner) -> Result<(), EngineError> {
        self.board.ended(epoch);
        // Epochs can be shorter than what there is between two looks.
        if self.looked.elapsed() >= INTERVAL {
            self.draw();
        }
        self.done = Instant::now();
        Ok(())
    }
}

/// The images of a batch at the places `wrong`, with what they were `called`.
fn misread(batch: &Batch, called: &Tensor, wrong: &[i64]) -> Result<Vec<Misread>, TchError> {
    let places = Tensor::f_from_slice(wrong)?.f_to_device(called.device())?;
    let chosen = |tensor: &Tensor| tensor.f_index_select(0, &places);
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
