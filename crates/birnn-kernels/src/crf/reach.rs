//! Which tags there can be at all, so many steps from an end of a sequence.

use super::numbers::{BLOCK, Block, LEAST, Table};

/// What a number of each tag must be at least: [`LEAST`] where the tag can be reached, else zero.
pub(super) struct Reach {
    blocks: usize,
    /// `[steps, blocks]`; the last is of all steps that follow.
    least: Vec<Block>,
}

impl Reach {
    /// From the logarithms of the first row and of a step's table, for so many steps, at least one.
    pub(super) fn new(first: &[Block], table: &Table, tags: usize, steps: usize) -> Reach {
        let possible = |log: f64| log > f64::NEG_INFINITY;
        let blocks = first.len();
        let mut reached: Vec<bool> = first.as_flattened()[..tags].iter().copied().map(possible).collect();
        let mut reach = Reach { blocks, least: Vec::new() };
        reach.push(&reached);
        // Until nothing changes, which is soon: it cannot any more.
        for _ in 1..steps {
            let is_reached = |to| (0..tags).any(|from| reached[from] && possible(table.get(from, to)));
            let next: Vec<bool> = (0..tags).map(is_reached).collect();
            if next == reached {
                break;
            }
            reach.push(&next);
            reached = next;
        }
        reach
    }

    /// Of the row so many steps from the first.
    #[inline(always)]
    pub(super) fn least(&self, steps: usize) -> &[Block] {
        let last = self.least.len() / self.blocks - 1;
        &self.least[steps.min(last) * self.blocks..][..self.blocks]
    }

    fn push(&mut self, reached: &[bool]) {
        let start = self.least.len();
        self.least.resize(start + self.blocks, [0.0; BLOCK]);
        let least = self.least[start..].as_flattened_mut();
        least.iter_mut().zip(reached).filter(|(_, reached)| **reached).for_each(|(least, _)| *least = LEAST);
    }
}
