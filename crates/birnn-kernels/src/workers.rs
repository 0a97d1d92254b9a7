//! The threads that share the work, and the instructions that they do it with.
//!
//! A pool of our own with jobs cut by count, not by load: rayon's threads take jobs in any order, but a job's
//! result does not depend on which thread takes it.

use std::sync::Arc;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::isa::{Instructions, Job};

/// Values that one job takes of long vectors: so few that the workers end at about the same time.
pub(crate) const PIECE: usize = 1 << 14;

/// Threads, and the vector instructions that they compute with. Cheap to clone; the threads sleep when there
/// is nothing to do, and end with the last clone.
#[derive(Clone, Debug)]
pub struct Workers {
    count: usize,
    instructions: Instructions,
    /// None for one worker, which is the caller's thread.
    pool: Option<Arc<ThreadPool>>,
}

impl Workers {
    /// `count` threads, at least one. Where the system refuses them, the work is still cut into so many
    /// parts, so that results are the same.
    pub fn new(count: usize, instructions: Instructions) -> Workers {
        let count = count.max(1);
        let pool = || ThreadPoolBuilder::new().num_threads(count).build().ok().map(Arc::new);
        Workers { count, instructions, pool: if count > 1 { pool() } else { None } }
    }

    /// How many parts work is cut into.
    pub fn count(&self) -> usize {
        self.count
    }

    /// What they compute with, where what is computed is not laid out for other instructions.
    pub fn instructions(&self) -> Instructions {
        self.instructions
    }

    /// Does all `jobs` with these instructions, in any order, and comes back when they are done.
    pub(crate) fn share<J: Job + Send>(&self, instructions: Instructions, jobs: Vec<J>) {
        match &self.pool {
            Some(pool) if jobs.len() > 1 => pool.scope(|scope| {
                for job in jobs {
                    scope.spawn(move |_| instructions.run(job));
                }
            }),
            _ => jobs.into_iter().for_each(|job| instructions.run(job)),
        }
    }
}
