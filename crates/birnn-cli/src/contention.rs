//! Notices when other processes use the cores that training needs, and says why it is slower than it could be.

use std::time::{Duration, Instant};

/// Watches how long this process waits for cores.
#[derive(Debug)]
pub struct Contention {
    since: Instant,
    waited: Duration,
    told: bool,
}

const INTERVAL: Duration = Duration::from_secs(3);
/// Of the time of one core. On an idle machine it is far below a hundredth.
pub const MUCH: f64 = 0.25;

impl Contention {
    /// Starts watching.
    pub fn new() -> Contention {
        Contention { since: Instant::now(), waited: waited(), told: false }
    }

    /// Says so, once, when cores had to be waited for.
    pub fn watch(&mut self) {
        let elapsed = self.since.elapsed();
        if self.told || elapsed < INTERVAL {
            return;
        }
        let waited = waited();
        let share = waited.saturating_sub(self.waited).as_secs_f64() / elapsed.as_secs_f64();
        if share > MUCH {
            self.told = true;
            tracing::warn!("other processes use the cores too: training is slower for it");
        }
        (self.since, self.waited) = (Instant::now(), waited);
    }
}

/// How long the threads of this process were ready to run and had no core, all in all: the second number of Linux's
/// `schedstat`. Zero where the system does not tell.
pub fn waited() -> Duration {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return Duration::ZERO };
    let nanoseconds = threads.flatten().filter_map(|thread| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().nth(1)?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}
