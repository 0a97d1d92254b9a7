//! A progress bar over all of a run.

use std::fmt::Write;

use birnn_engine::{Control, EngineError, Observer, StepContext};
use birnn_infer::Step;
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use crate::loss;
use crate::per_second;
use crate::run_info::RunInfo;

/// Counts training samples, and shows the newest loss.
#[derive(Debug)]
pub(crate) struct Bar {
    bar: ProgressBar,
    epochs: usize,
    loss: Option<f64>,
}

impl Bar {
    /// For the whole run, of which a part may be done already. Off a terminal it cannot be seen.
    pub(crate) fn new(bars: &MultiProgress, run: &RunInfo) -> Bar {
        let RunInfo { epochs, samples, steps, before, .. } = *run;
        // More samples than can be counted are no reason to overflow.
        let seen = samples.saturating_mul(before) / steps.max(1);
        let what = run.modality.noun();
        let rate = move |state: &ProgressState, out: &mut dyn Write| {
            let _ = write!(out, "{} {what}/s", per_second::text(state.per_sec()));
        };
        let style = style("{msg} [{wide_bar}] {percent}% {rate} {eta} left").with_key("rate", rate);
        let bar = bars.add(
            ProgressBar::new(epochs.saturating_mul(samples) as u64)
                .with_style(style)
                .with_position(seen as u64),
        );
        // What was seen before took no time now.
        bar.reset_eta();
        Bar { bar, epochs, loss: None }
    }
}

impl Observer for Bar {
    fn step(&mut self, step: &Step, _context: &StepContext) -> Result<Control, EngineError> {
        self.loss = step.loss.or(self.loss);
        let loss = self.loss.map_or_else(String::new, |loss| format!(" loss {}", loss::text(loss)));
        self.bar.set_message(format!("epoch {}/{}{loss} lr {:.2e}", step.epoch, self.epochs, step.rate));
        self.bar.inc(step.samples as u64);
        Ok(Control::Continue)
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The style of a bar. A template that indicatif does not take is no reason to do without a bar.
fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template);
    style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}
