//! Notices when other processes use the cores that training needs, and says why it is slower than it could
//! be.

use std::time::{Duration, Instant};

use birnn_engine::contention::{NOTICEABLE, waited};

/// Watches how long this process waits for cores.
#[derive(Debug)]
pub(crate) struct Contention {
    since: Instant,
    waited: Duration,
    warned: bool,
}

const INTERVAL: Duration = Duration::from_secs(3);

impl Contention {
    /// Starts watching.
    pub(crate) fn new() -> Contention {
        Contention { since: Instant::now(), waited: waited(), warned: false }
    }

    /// Warns, once, when cores had to be waited for.
    pub(crate) fn watch(&mut self) {
        let elapsed = self.since.elapsed();
        if self.warned || elapsed < INTERVAL {
            return;
        }
        let waited = waited();
        let share = waited.saturating_sub(self.waited).as_secs_f64() / elapsed.as_secs_f64();
        if share > NOTICEABLE {
            self.warned = true;
            tracing::warn!("other processes use the cores too: training is slower for it");
        }
        (self.since, self.waited) = (Instant::now(), waited);
    }
}
