//! Rows and tables of weights, as numbers of one kind or another.
//!
//! [`Linear`] ones are the weights themselves. What is below the least `f64` is lost, and what has lost
//! something may be all there is a step later. So every number of a row that is not zero of necessity must be
//! at least [`LEAST`]: what is lost of it, a few of the least `f64`, is then not to be seen in it, however
//! the rest of the sequence weighs it. [`Log`] ones are logarithms, and lose nothing.

use super::Crf;
use crate::vecmath::exp_f64;

/// Values of a block.
pub(super) const BLOCK: usize = 8;

/// Rows are padded to blocks, so that no loop over one has a remainder.
pub(super) type Block = [f64; BLOCK];

/// The least that a linear number may be, unless it is zero of necessity. Products of two such numbers, of
/// which there are many, are far above the least `f64` (2e-308).
pub(super) const LEAST: f64 = 1e-100;

/// As many blocks as are taken to exponentials in one loop, which the compiler then makes vectors of, as it
/// does not of one block.
const BUNCH: usize = 8;

/// Independent sums of a product, so that one addition need not wait for another.
const SUMS: usize = 4;

/// All parameters, as numbers of one kind.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    pub(super) start: Vec<Block>,
    pub(super) end: Vec<Block>,
    /// Rows are the tags from, columns those to.
    pub(super) forward: Table,
    /// Rows are the tags to, columns those from.
    pub(super) backward: Table,
}

/// A square table over all tags, padded: for each block of columns its rows, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// Padded.
    rows: usize,
    panels: Vec<Block>,
}

/// How weights are written. Padding is a weight of zero.
pub(super) trait Numbers {
    /// The parameters.
    fn weights(crf: &Crf) -> &Weights;

    /// Of the weight with this logarithm.
    fn of_log(log: f64) -> f64;

    /// Its logarithm.
    fn log(number: f64) -> f64;

    /// The weight itself.
    fn weight(number: f64) -> f64;

    fn product(a: f64, b: f64) -> f64;

    fn inverse(number: f64) -> f64;

    fn sum(row: &[Block]) -> f64;

    /// The product of a row by a table.
    fn apply(table: &Table, row: &[Block], product: &mut [Block]);

    /// Whether a number that must be `least`, or is zero of necessity where that is zero, has lost nothing.
    fn exact(number: f64, least: f64) -> bool;

    /// Adds the weights, summed over pairs of a row and the one after it, `from * table * to`, to `sums`.
    fn add_pairs(table: &Table, from: &[Block], to: &[Block], sums: &mut Table);
}

/// The weights themselves.
pub(super) struct Linear;

/// Their logarithms.
pub(super) struct Log;

impl Weights {
    /// Each by itself.
    #[inline(always)]
    pub(super) fn map(&mut self, map: impl Fn(f64) -> f64 + Copy) {
        let Weights { start, end, forward, backward } = self;
        for blocks in [start, end, &mut forward.panels, &mut backward.panels] {
            blocks.as_flattened_mut().iter_mut().for_each(|value| *value = map(*value));
        }
    }
}

impl Table {
    /// Padded with logarithms of zero.
    pub(super) fn new(tags: usize, value: impl Fn(usize, usize) -> f64) -> Table {
        let rows = tags.next_multiple_of(BLOCK);
        let mut panels = vec![[f64::NEG_INFINITY; BLOCK]; rows / BLOCK * rows];
        for column in 0..tags {
            for row in 0..tags {
                panels[column / BLOCK * rows + row][column % BLOCK] = value(row, column);
            }
        }
        Table { rows, panels }
    }

    pub(super) fn get(&self, row: usize, column: usize) -> f64 {
        self.panels[column / BLOCK * self.rows + row][column % BLOCK]
    }

    /// One row, in blocks.
    #[inline(always)]
    pub(super) fn copy_row(&self, row: usize, blocks: &mut [Block]) {
        blocks.iter_mut().zip(self.panels()).for_each(|(block, panel)| *block = panel[row]);
    }

    /// The rows of each block of columns.
    #[inline(always)]
    fn panels(&self) -> impl Iterator<Item = &[Block]> {
        self.panels.chunks_exact(self.rows)
    }

    #[inline(always)]
    fn panels_mut(&mut self) -> impl Iterator<Item = &mut [Block]> {
        self.panels.chunks_exact_mut(self.rows)
    }
}

impl Numbers for Linear {
    #[inline(always)]
    fn weights(crf: &Crf) -> &Weights {
        &crf.linear
    }

    #[inline(always)]
    fn of_log(log: f64) -> f64 {
        exp_f64(log)
    }

    #[inline(always)]
    fn log(number: f64) -> f64 {
        number.ln()
    }

    #[inline(always)]
    fn weight(number: f64) -> f64 {
        number
    }

    #[inline(always)]
    fn product(a: f64, b: f64) -> f64 {
        a * b
    }

    #[inline(always)]
    fn inverse(number: f64) -> f64 {
        1.0 / number
    }

    #[inline(always)]
    fn sum(row: &[Block]) -> f64 {
        let mut sums = [0.0; BLOCK];
        for block in row {
            sums = zip(sums, *block, |sum, value| sum + value);
        }
        across(sums, |a, b| a + b)
    }

    #[inline(always)]
    fn apply(table: &Table, row: &[Block], product: &mut [Block]) {
        let (row, _) = row.as_flattened().as_chunks::<SUMS>();
        for (product, panel) in product.iter_mut().zip(table.panels()) {
            let mut sums = [[0.0; BLOCK]; SUMS];
            for (values, weights) in row.iter().zip(panel.as_chunks::<SUMS>().0) {
                for (sum, (value, weights)) in sums.iter_mut().zip(values.iter().zip(weights)) {
                    *sum = zip(*sum, *weights, |sum, weight| sum + value * weight);
                }
            }
            let [a, b, c, d] = sums;
            *product = zip(zip(a, b, |a, b| a + b), zip(c, d, |c, d| c + d), |a, c| a + c);
        }
    }

    #[inline(always)]
    fn exact(number: f64, least: f64) -> bool {
        number >= least
    }

    #[inline(always)]
    fn add_pairs(table: &Table, from: &[Block], to: &[Block], sums: &mut Table) {
        let blocks = table.rows / BLOCK;
        for (block, (panel, sums)) in table.panels().zip(sums.panels_mut()).enumerate() {
            let rows = panel.as_chunks::<SUMS>().0.iter().zip(sums.as_chunks_mut::<SUMS>().0);
            for (group, (weights, sums)) in rows.enumerate() {
                let mut products = [[0.0; BLOCK]; SUMS];
                for (from, to) in from.chunks_exact(blocks).zip(to.chunks_exact(blocks)) {
                    let values = from.as_flattened().as_chunks::<SUMS>().0[group];
                    for (product, value) in products.iter_mut().zip(values) {
                        *product = zip(*product, to[block], |sum, to| sum + value * to);
                    }
                }
                for (sum, (product, weights)) in sums.iter_mut().zip(products.iter().zip(weights)) {
                    *sum =
                        zip(*sum, zip(*product, *weights, |product, weight| product * weight), |a, b| a + b);
                }
            }
        }
    }
}

impl Numbers for Log {
    #[inline(always)]
    fn weights(crf: &Crf) -> &Weights {
        &crf.log
    }

    #[inline(always)]
    fn of_log(log: f64) -> f64 {
        log
    }

    #[inline(always)]
    fn log(number: f64) -> f64 {
        number
    }

    #[inline(always)]
    fn weight(number: f64) -> f64 {
        exp_f64(number)
    }

    #[inline(always)]
    fn product(a: f64, b: f64) -> f64 {
        a + b
    }

    #[inline(always)]
    fn inverse(number: f64) -> f64 {
        -number
    }

    #[inline(always)]
    fn sum(row: &[Block]) -> f64 {
        let most = within(most(row));
        let mut sums = [0.0; BLOCK];
        for bunch in row.chunks(BUNCH) {
            let mut terms = [[0.0; BLOCK]; BUNCH];
            let terms = &mut terms[..bunch.len()];
            for (term, block) in terms.iter_mut().zip(bunch) {
                *term = block.map(|value| value - most);
            }
            exponentials(terms);
            for term in terms {
                sums = zip(sums, *term, |sum, term| sum + term);
            }
        }
        most + across(sums, |a, b| a + b).ln()
    }

    #[inline(always)]
    fn apply(table: &Table, row: &[Block], product: &mut [Block]) {
        largest(table, row, product);
        for (product, panel) in product.iter_mut().zip(table.panels()) {
            let most = product.map(within);
            let mut sums = [0.0; BLOCK];
            for (values, weights) in row.iter().zip(panel.as_chunks::<BLOCK>().0) {
                let mut terms = [[0.0; BLOCK]; BLOCK];
                for (term, (value, weights)) in terms.iter_mut().zip(values.iter().zip(weights)) {
                    *term = zip(*weights, most, |weight, most| value + weight - most);
                }
                exponentials(&mut terms);
                for term in &terms {
                    sums = zip(sums, *term, |sum, term| sum + term);
                }
            }
            *product = zip(most, sums, |most, sum| most + sum.ln());
        }
    }

    #[inline(always)]
    fn exact(_: f64, _: f64) -> bool {
        true
    }

    #[inline(always)]
    fn add_pairs(table: &Table, from: &[Block], to: &[Block], sums: &mut Table) {
        let blocks = table.rows / BLOCK;
        for (block, (panel, sums)) in table.panels().zip(sums.panels_mut()).enumerate() {
            for (from, to) in from.chunks_exact(blocks).zip(to.chunks_exact(blocks)) {
                let panel = panel.as_chunks::<BLOCK>().0.iter().zip(sums.as_chunks_mut::<BLOCK>().0);
                for (values, (weights, sums)) in from.iter().zip(panel) {
                    let mut terms = [[0.0; BLOCK]; BLOCK];
                    for (term, (value, weights)) in terms.iter_mut().zip(values.iter().zip(weights)) {
                        *term = zip(*weights, to[block], |weight, to| value + weight + to);
                    }
                    exponentials(&mut terms);
                    for (sum, term) in sums.iter_mut().zip(&terms) {
                        *sum = zip(*sum, *term, |sum, term| sum + term);
                    }
                }
            }
        }
    }
}

/// For each column of a table the largest sum of its weights and the values of a row.
#[inline(always)]
pub(super) fn largest(table: &Table, row: &[Block], sums: &mut [Block]) {
    for (sums, panel) in sums.iter_mut().zip(table.panels()) {
        let mut most = [f64::NEG_INFINITY; BLOCK];
        for (value, weights) in row.as_flattened().iter().zip(panel) {
            most = zip(most, *weights, |most, weight| larger(most, value + weight));
        }
        *sums = most;
    }
}

/// A row in blocks, padded with logarithms of zero.
pub(super) fn padded(row: &[f64]) -> Vec<Block> {
    let mut blocks = vec![[f64::NEG_INFINITY; BLOCK]; row.len().div_ceil(BLOCK)];
    blocks.as_flattened_mut()[..row.len()].copy_from_slice(row);
    blocks
}

/// The larger of both, the first where the second is not a number.
#[inline(always)]
pub(super) fn larger(a: f64, b: f64) -> f64 {
    if b > a { b } else { a }
}

#[inline(always)]
pub(super) fn zip(a: Block, b: Block, map: impl Fn(f64, f64) -> f64) -> Block {
    let mut both = a;
    both.iter_mut().zip(b).for_each(|(a, b)| *a = map(*a, b));
    both
}

/// The largest of a row.
#[inline(always)]
pub(super) fn most(row: &[Block]) -> f64 {
    let mut most = [f64::NEG_INFINITY; BLOCK];
    for block in row {
        most = zip(most, *block, larger);
    }
    across(most, larger)
}

/// Replaces scores by their exponentials.
#[inline(always)]
fn exponentials(blocks: &mut [Block]) {
    blocks.as_flattened_mut().iter_mut().for_each(|value| *value = exp_f64(*value));
}

/// What can be taken from logarithms of which it is the largest: nothing where all are of zero.
#[inline(always)]
pub(super) fn within(most: f64) -> f64 {
    if most == f64::NEG_INFINITY { 0.0 } else { most }
}

/// All of a block in one, in an order that halves it.
#[inline(always)]
fn across(block: Block, join: impl Fn(f64, f64) -> f64) -> f64 {
    let [a, b, c, d, e, f, g, h] = block;
    join(join(join(a, e), join(c, g)), join(join(b, f), join(d, h)))
}
