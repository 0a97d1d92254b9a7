//! Whether other processes use the cores that this one needs.

use std::time::Duration;

/// The share of one core's time above which waiting for a core slows training down noticeably. On an idle
/// machine the share is far below a hundredth.
pub const NOTICEABLE: f64 = 0.25;

/// How long the threads of this process were ready to run and had no core, summed over threads: the second
/// number of Linux's `schedstat`. Zero where the system does not tell.
pub fn waited() -> Duration {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return Duration::ZERO };
    let nanoseconds = threads.flatten().filter_map(|thread| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().nth(1)?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}
