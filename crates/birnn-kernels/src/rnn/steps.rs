//! Which samples of a chunk take which time steps.

use std::ops::Range;

/// The rows that a chunk has at each time step. The longest samples come first, so the rows of a step are the
/// first so many of the chunk's, and no more than those of the step before it. Where values of all steps lie
/// one after the other, each step's rows begin at [`Steps::start`].
#[derive(Debug, Default)]
pub(crate) struct Steps {
    /// The length of each row's sample, the longest first.
    lengths: Vec<usize>,
    /// How many rows there are before each step, and at the end how many in all.
    starts: Vec<usize>,
}

/// How a direction goes through the steps of a sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Way {
    #[default]
    Forward,
    Reverse,
    /// Reverse, and no further than the step it begins with, the sample's last.
    ReverseOnce,
}

/// A time step as one direction takes it.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) time: usize,
    /// The rows that take it.
    pub(crate) rows: Range<usize>,
    /// The first of them that begins with it.
    pub(crate) first_new: usize,
    /// The step that those before come from; `None` where there are none.
    pub(crate) prev: Option<usize>,
}

impl Steps {
    /// Becomes those of samples of these lengths, of which none is longer than the one before.
    pub(crate) fn set(&mut self, lengths: impl Iterator<Item = usize>) {
        self.lengths.clear();
        self.lengths.extend(lengths);
        self.starts.clear();
        self.starts.push(0);
        let (mut start, mut rows) = (0, self.lengths.len());
        for time in 0..self.lengths.first().copied().unwrap_or(0) {
            while self.lengths[rows - 1] <= time {
                rows -= 1;
            }
            start += rows;
            self.starts.push(start);
        }
    }

    /// Steps of the longest sample.
    pub(crate) fn longest(&self) -> usize {
        self.starts.len() - 1
    }

    /// Samples.
    pub(crate) fn rows(&self) -> usize {
        self.lengths.len()
    }

    /// Rows of all steps.
    pub(crate) fn total(&self) -> usize {
        self.start(self.longest())
    }

    /// How many rows there are before this step.
    #[inline(always)]
    pub(crate) fn start(&self, time: usize) -> usize {
        self.starts[time]
    }

    /// How many rows there are at this step.
    #[inline(always)]
    pub(crate) fn at(&self, time: usize) -> usize {
        if time < self.longest() { self.starts[time + 1] - self.starts[time] } else { 0 }
    }

    /// The rows whose last step this is.
    #[inline(always)]
    pub(crate) fn ending(&self, time: usize) -> Range<usize> {
        self.at(time + 1)..self.at(time)
    }

    /// A row's last step.
    #[inline(always)]
    pub(crate) fn last(&self, row: usize) -> usize {
        self.lengths[row] - 1
    }

    /// Every row of every step, as it lies: the row, and the step.
    pub(crate) fn all(&self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.longest()).flat_map(|time| (0..self.at(time)).map(move |row| (row, time)))
    }

    /// The steps of `times` in the order in which a direction takes them, those that no row takes left out.
    pub(crate) fn order(&self, way: Way, times: Range<usize>) -> impl DoubleEndedIterator<Item = Step> {
        let Range { start, end } = times;
        let count = end - start;
        let steps =
            (0..count).map(move |taken| if way == Way::Forward { start + taken } else { end - 1 - taken });
        steps.map(move |time| self.taken(way, time)).filter(|step| !step.rows.is_empty())
    }

    /// A step as a direction takes it.
    #[inline(always)]
    pub(crate) fn taken(&self, way: Way, time: usize) -> Step {
        let (rows, after) = (0..self.at(time), self.at(time + 1));
        match way {
            Way::Forward => {
                let first_new = if time == 0 { 0 } else { rows.end };
                Step { time, rows, first_new, prev: time.checked_sub(1) }
            }
            Way::Reverse => Step { time, rows, first_new: after, prev: (after > 0).then_some(time + 1) },
            Way::ReverseOnce => Step { time, rows: self.ending(time), first_new: after, prev: None },
        }
    }
}

impl Step {
    /// The rows that come from another step.
    #[inline(always)]
    pub(crate) fn going_on(&self) -> Range<usize> {
        self.rows.start..self.first_new
    }

    /// The rows that begin with it.
    #[inline(always)]
    pub(crate) fn beginning(&self) -> Range<usize> {
        self.first_new..self.rows.end
    }
}
