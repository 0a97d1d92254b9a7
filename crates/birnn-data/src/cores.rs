//! Work that is shared among all processors.

use std::sync::{Mutex, PoisonError};
use std::thread;

/// Does this with each part, on all processors, or on as many as the system gives threads for.
pub(crate) fn on_all_cores<T: Send>(parts: impl Iterator<Item = T> + Send, work: impl Fn(T) + Sync) {
    let parts = Mutex::new(parts);
    let next = || parts.lock().unwrap_or_else(PoisonError::into_inner).next();
    let take = || {
        while let Some(part) = next() {
            work(part);
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let start = |_| thread::Builder::new().spawn_scoped(scope, take).ok();
        (1..threads).map_while(start).for_each(drop);
        take();
    });
}
