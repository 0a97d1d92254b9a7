//! Memory that requests may take, all together.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Given out in KiB.
#[derive(Clone, Debug)]
pub(crate) struct Room(Arc<Semaphore>);

impl Room {
    pub(crate) fn new(bytes: usize) -> Room {
        Room(Arc::new(Semaphore::new(bytes.div_ceil(1024))))
    }

    /// So many bytes, given back when what this returns is dropped; `None` where there are not so many.
    pub(crate) fn take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let wanted = u32::try_from(bytes.div_ceil(1024)).ok()?;
        self.0.clone().try_acquire_many_owned(wanted).ok()
    }

    /// Makes what was taken so many bytes, if it is less; `None` where there are not so many.
    pub(crate) fn grow(&self, taken: &mut OwnedSemaphorePermit, bytes: usize) -> Option<()> {
        let more = bytes.div_ceil(1024).saturating_sub(taken.num_permits());
        if more > 0 {
            taken.merge(self.take(1024 * more)?);
        }
        Some(())
    }
}
