//! The threads that share the work, and the instructions that they do it with.

use std::sync::Arc;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::simd::{Instructions, Work};

/// Threads, and the vector instructions that they compute with. Cheap to clone; the threads sleep when there is nothing to
/// do, and end with the last clone.
#[derive(Clone, Debug)]
pub struct Workers {
    count: usize,
    instructions: Instructions,
    /// None for one worker, which is the caller's thread.
    pool: Option<Arc<ThreadPool>>,
}

impl Workers {
    /// `count` threads, at least one. Where the system refuses them, the work is still cut into so many parts, so that
    /// results are the same.
    pub fn new(count: usize, instructions: Instructions) -> Workers {
        let count = count.max(1);
        let pool = || ThreadPoolBuilder::new().num_threads(count).build().ok().map(Arc::new);
        Workers { count, instructions, pool: if count > 1 { pool() } else { None } }
    }

    /// How many parts work is cut into.
    pub fn count(&self) -> usize {
        self.count
    }

    /// What they compute with.
    pub fn instructions(&self) -> Instructions {
        self.instructions
    }

    /// Does all of `jobs`, in any order, and comes back when they are done.
    pub(crate) fn share<W: Work + Send>(&self, jobs: Vec<W>) {
        let instructions = self.instructions;
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
