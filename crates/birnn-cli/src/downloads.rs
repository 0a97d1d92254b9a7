//! Downloads of data sets: a bar on a terminal, and a line per file.

use birnn_data::Event;
use birnn_data::name::shown;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Shows what happens while a data set is looked for and downloaded.
#[derive(Debug)]
pub struct Downloads {
    bars: MultiProgress,
    bar: ProgressBar,
}

impl Downloads {
    /// Nothing is shown yet.
    pub fn new(bars: &MultiProgress) -> Downloads {
        Downloads { bars: bars.clone(), bar: ProgressBar::hidden() }
    }

    /// Shows an event, in the order in which they come.
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
                    "{dataset}: {because}; trying {package}, which is given up if nothing comes for \
                     {seconds} s"
                );
                // A package client does not say how much there is to come.
                self.bar = self
                    .bars
                    .add(ProgressBar::no_length().with_style(style("{spinner} {bytes} {bytes_per_sec}")));
            }
            Event::Downloading { url, bytes } => {
                tracing::info!("downloading {url}");
                let style = style("[{wide_bar}] {bytes}/{total_bytes} {bytes_per_sec} {eta} left");
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
                // If no other source does better, the error names this one again.
                tracing::debug!("{source}: {answer}");
            }
            Event::Waiting { folder } => {
                tracing::info!("waiting for another process that downloads into {}", shown(&folder));
            }
            Event::Vectors { told } => tracing::info!("{told}"),
            Event::Substituted { dataset, reason } => {
                tracing::warn!("TRAINING ON SYNTHETIC DIGITS, NOT ON {}: {reason}", dataset.to_uppercase());
            }
        }
    }
}

/// The style of a bar. A template that indicatif does not take is no reason to do without a bar.
fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template);
    style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}
