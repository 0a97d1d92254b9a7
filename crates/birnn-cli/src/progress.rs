//! Progress of training and downloads, on stderr.

use std::fmt::Write;

use birnn_data::Event;
use birnn_data::name::shown;
use birnn_engine::{EngineError, Epoch, Learner, Look, Observer, Step, Timing, Wish};
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use crate::contention::Contention;
use crate::failure::Failure;
use crate::show::Facts;

/// A line per epoch.
#[derive(Debug)]
pub struct Lines {
    epochs: usize,
    contention: Contention,
}

/// A bar for all of a training.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
    epochs: usize,
    loss: Option<f64>,
}

/// Shows downloads: a bar on a terminal, and a line per file.
#[derive(Debug)]
pub struct Obtaining {
    bars: MultiProgress,
    bar: ProgressBar,
}

impl Lines {
    /// For so many epochs.
    pub fn new(epochs: usize) -> Lines {
        Lines { epochs, contention: Contention::new() }
    }
}

impl Bar {
    /// For the whole run, of which a part may be done already. Off a terminal it cannot be seen.
    pub fn new(bars: &MultiProgress, facts: &Facts) -> Result<Bar, Failure> {
        let Facts { epochs, images, steps, before, .. } = *facts;
        // There may be more than can be counted.
        let seen = images.saturating_mul(before) / steps.max(1);
        let rate = |state: &ProgressState, out: &mut dyn Write| {
            let _ = write!(out, "{:.0} images/s", state.per_sec());
        };
        let style = style("{msg} [{wide_bar}] {percent}% {rate} {eta} left")?.with_key("rate", rate);
        let bar = bars.add(
            ProgressBar::new(epochs.saturating_mul(images) as u64)
                .with_style(style)
                .with_position(seen as u64),
        );
        // What was seen before took no time now.
        bar.reset_eta();
        Ok(Bar { bar, epochs, loss: None })
    }
}

impl Observer for Lines {
    fn step(&mut self, _step: &Step, _look: &Look) -> Result<Wish, EngineError> {
        self.contention.watch();
        Ok(Wish::GoOn)
    }

    fn epoch(&mut self, epoch: &Epoch, _learner: &Learner) -> Result<(), EngineError> {
        let Epoch { train_loss, rate, timing: Timing { seconds, images_per_second, .. }, .. } = epoch;
        let validation = epoch.validation.as_ref().map_or_else(String::new, |found| {
            let loss = readable(found.loss);
            format!(", validation loss {loss}, accuracy {:.2} %", 100.0 * found.accuracy)
        });
        tracing::info!(
            "epoch {}/{}: loss {}{validation}, lr {rate:.2e}, {seconds:.1} s, {images_per_second:.0} images/s",
            epoch.epoch,
            self.epochs,
            readable(*train_loss)
        );
        Ok(())
    }
}

impl Observer for Bar {
    fn step(&mut self, step: &Step, _look: &Look) -> Result<Wish, EngineError> {
        self.loss = step.loss.or(self.loss);
        let loss = self.loss.map_or_else(String::new, |loss| format!(" loss {}", readable(loss)));
        self.bar.set_message(format!("epoch {}/{}{loss} lr {:.2e}", step.epoch, self.epochs, step.rate));
        self.bar.inc(step.images as u64);
        Ok(Wish::GoOn)
    }
}

/// Four digits behind the point, or as many in all where a loss has gone astray.
fn readable(loss: f64) -> String {
    if loss.abs() < 1e5 { format!("{loss:.4}") } else { format!("{loss:.3e}") }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Obtaining {
    /// Nothing shown yet.
    pub fn new(bars: &MultiProgress) -> Obtaining {
        Obtaining { bars: bars.clone(), bar: ProgressBar::hidden() }
    }

    /// Shows what happens.
    pub fn show(&mut self, event: &Event) {
        match event {
            Event::Missing { dataset, mirrors, patience } => {
                let mirrors =
                    if *mirrors == 1 { "its mirror".to_owned() } else { format!("its {mirrors} mirrors") };
                let seconds = patience.as_secs();
                tracing::info!(
                    "{dataset}: not on this machine; asking {mirrors}, {seconds} s at most if none answers"
                );
            }
            Event::Asking { dataset, because, package, patience } => {
                let seconds = patience.as_secs();
                tracing::info!(
                    "{dataset}: {because}; trying {package}, which is given up if nothing comes for {seconds} s"
                );
                // How much there is to come, a package does not tell.
                let style = style("{spinner} {bytes} {bytes_per_sec}");
                let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
                self.bar = self.bars.add(ProgressBar::no_length().with_style(style));
            }
            Event::Downloading { url, bytes } => {
                tracing::info!("downloading {url}");
                let template = "[{wide_bar}] {bytes}/{total_bytes} {bytes_per_sec} {eta} left";
                // A download without a bar is still a download.
                let style = style(template).unwrap_or_else(|_| ProgressStyle::default_bar());
                self.bar = self.bars.add(ProgressBar::no_length().with_style(style));
                if let Some(bytes) = bytes {
                    self.bar.set_length(*bytes);
                }
            }
            Event::Received { bytes } => self.bar.set_position(*bytes),
            Event::Downloaded { path } => {
                self.bar.finish_and_clear();
                tracing::info!("saved {}", shown(&path));
            }
            Event::Failed { source, answer } => {
                self.bar.finish_and_clear();
                // Told of again where nobody else does better.
                tracing::debug!("{source}: {answer}");
            }
            Event::Waiting { folder } => {
                tracing::info!("waiting for another process that downloads into {}", shown(&folder));
            }
            Event::Substituted { dataset, reason } => {
                tracing::warn!("TRAINING ON SYNTHETIC DIGITS, NOT ON {}: {reason}", dataset.to_uppercase());
            }
        }
    }
}

fn style(template: &str) -> Result<ProgressStyle, Failure> {
    let style = ProgressStyle::with_template(template).map_err(Failure::run)?;
    Ok(style.progress_chars("=> "))
}
