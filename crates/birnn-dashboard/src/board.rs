//! What the dashboard shows, apart from how it is drawn and where it comes from.

use std::collections::VecDeque;
use std::time::Duration;

use birnn_infer::{Epoch, Headline, Step};

use crate::curve::Curve;
use crate::misread::Misread;
use crate::run_info::RunInfo;

/// Misread samples that are kept: as many as a large screen holds.
const KEPT: usize = 32;

/// All that is on the screen.
#[derive(Debug)]
pub struct Board {
    /// The run.
    pub run: RunInfo,
    /// The newest step, over the whole run.
    pub step: usize,
    /// The epoch that it is of, from 1.
    pub epoch: usize,
    /// Its learning rate.
    pub rate: f64,
    /// Since this session's first step.
    pub elapsed: Duration,
    /// Loss of training batches by step.
    pub loss: Curve,
    /// What the net is first judged by, on training batches, by step.
    pub score: Curve,
    /// How it is told; the value is that of the newest batch.
    pub headline: Option<Headline>,
    /// Step, loss and score of each evaluation on the validation samples.
    pub validation: Vec<[f64; 3]>,
    /// Samples per second, by seconds elapsed.
    pub speed: Curve,
    /// The same, smoothed, now; zero before the first figure.
    pub speed_now: f64,
    /// The newest first.
    pub misread: VecDeque<Misread>,
    /// The last lines of the log.
    pub log: Vec<String>,
}

impl Board {
    /// Before the first step.
    pub fn new(run: RunInfo) -> Board {
        Board {
            step: run.before,
            // Of a run that is through there is no further one.
            epoch: (run.before / run.steps.max(1) + 1).min(run.epochs),
            run,
            rate: 0.0,
            elapsed: Duration::ZERO,
            loss: Curve::new(),
            score: Curve::new(),
            headline: None,
            validation: Vec::new(),
            speed: Curve::new(),
            speed_now: 0.0,
            misread: VecDeque::new(),
            log: Vec::new(),
        }
    }

    /// Records a step.
    pub fn record_step(&mut self, step: &Step) {
        (self.step, self.epoch, self.rate) = (step.step, step.epoch, step.rate);
    }

    /// Records how the net does on the batch of the newest step.
    pub fn record_score(&mut self, headline: Headline) {
        self.score.push(self.step as f64, headline.value);
        self.headline = Some(headline);
    }

    /// Records how an epoch ended.
    pub fn record_epoch(&mut self, epoch: &Epoch) {
        if let Some(found) = &epoch.validation {
            let headline = found.headline();
            self.validation.push([epoch.step as f64, found.loss, headline.value]);
            self.headline.get_or_insert(headline);
        }
    }

    /// Records that so many `samples` were trained on in `time`.
    pub fn record_speed(&mut self, samples: usize, time: Duration) {
        let speed = samples as f64 / time.as_secs_f64();
        if !speed.is_finite() {
            return;
        }
        self.speed.push(self.elapsed.as_secs_f64(), speed);
        // Smoothed over about a second: a figure that jumps cannot be read.
        self.speed_now = if self.speed_now == 0.0 { speed } else { 0.85 * self.speed_now + 0.15 * speed };
    }

    /// Puts misread samples before those that there are.
    pub fn add_misread(&mut self, found: Vec<Misread>) {
        found.into_iter().rev().for_each(|one| self.misread.push_front(one));
        self.misread.truncate(KEPT);
    }

    /// The share of the run that is done, from 0 to 1.
    pub fn share(&self) -> f64 {
        let all = self.run.epochs.saturating_mul(self.run.steps).max(1);
        (self.step as f64 / all as f64).clamp(0.0, 1.0)
    }

    /// How long the rest will take if it goes as it did in this session; `None` before there is anything to
    /// go by.
    pub fn left(&self) -> Option<Duration> {
        let done = self.step.checked_sub(self.run.before).filter(|&done| done > 0)?;
        let rest = self.run.epochs.saturating_mul(self.run.steps).saturating_sub(self.step);
        Duration::try_from_secs_f64(self.elapsed.as_secs_f64() / done as f64 * rest as f64).ok()
    }
}

#[cfg(test)]
pub mod made_up {
    use birnn_data::Modality;

    use super::*;
    use crate::misread::Wrong;

    /// A board in the middle of a run.
    pub fn board() -> Board {
        let run = RunInfo {
            name: "bilstm".to_owned(),
            architecture: "2 x LSTM 128+128, readout last".to_owned(),
            device: "cpu".to_owned(),
            run: "runs/bilstm/001".to_owned(),
            classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"].map(str::to_owned).to_vec(),
            modality: Modality::Images { shape: [28, 28], preprocessing: None },
            samples: 60_000,
            epochs: 4,
            steps: 600,
            before: 0,
        };
        let mut board = Board::new(run);
        for step in 1..=1500 {
            let x = f64::from(step);
            let wave = (x / 7.0).sin() * (x / 31.0).cos();
            board.loss.push(x, (2.3 * (-x / 150.0).exp() + 0.06) * (1.0 + 0.2 * wave));
            board.score.push(x, 1.0 - (0.9 * (-x / 130.0).exp() + 0.02) * (1.0 + 0.2 * wave));
            board.elapsed = Duration::from_millis(35 * step as u64);
            if step % 4 == 0 {
                board.record_speed(400, Duration::from_secs_f64(0.14 * (1.0 + 0.05 * wave)));
            }
        }
        (board.step, board.epoch, board.rate) = (1500, 3, 3e-3);
        board.validation = vec![[600.0, 0.21, 0.94], [1200.0, 0.09, 0.974]];
        // A ring, and a stroke.
        let draw = |ink: &dyn Fn(f64, f64) -> f64| {
            let at = |index: usize| (((index % 28) as f64 - 13.5) / 9.0, ((index / 28) as f64 - 13.5) / 10.0);
            (0..784).map(|index| (255.0 * ink(at(index).0, at(index).1).clamp(0.0, 1.0)) as u8).collect()
        };
        let ring = draw(&|x, y| 1.6 - 5.0 * (x.hypot(y) - 0.8).abs());
        let stroke = draw(&|x, y| if y.abs() < 1.0 { 1.6 - 6.0 * (x + y * 0.3).abs() } else { 0.0 });
        board.add_misread(
            (0..8)
                .map(|index| Misread::Picture {
                    pixels: if index % 2 == 0 { Vec::clone(&ring) } else { Vec::clone(&stroke) },
                    wrong: Wrong { label: index % 2, class: (3 + index) % 10 },
                })
                .collect(),
        );
        board.log = vec![
            "epoch 1/4: loss 0.3955, validation loss 0.2100, accuracy 94.00 %, lr 3.00e-3, 24.9 s, 2412 \
             images/s"
                .to_owned(),
            "warning: other processes use the cores too: training is slower for it".to_owned(),
        ];
        board
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::misread::Wrong;

    #[test]
    fn what_is_left_goes_by_this_session_alone() {
        let mut board = made_up::board();
        assert_eq!(board.left(), Some(Duration::from_millis(35 * 900)));
        assert_eq!(board.share(), 0.625);
        board.run.before = 1500;
        assert_eq!(board.left(), None, "nothing to go by");
        (board.run.before, board.step) = (900, 2400);
        assert_eq!((board.left(), board.share()), (Some(Duration::ZERO), 1.0));
    }

    #[test]
    fn the_newest_misread_samples_come_first_and_are_not_kept_for_ever() {
        let mut board = made_up::board();
        let one = |class| Misread::Picture { pixels: Vec::new(), wrong: Wrong { label: 0, class } };
        board.add_misread((0..40).map(one).collect());
        board.add_misread(vec![one(50), one(51)]);
        assert!(board.misread.iter().take(4).cloned().eq([50, 51, 0, 1].map(one)));
        assert_eq!(board.misread.len(), KEPT);
    }
}
