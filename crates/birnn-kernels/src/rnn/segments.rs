//! Segments of the steps of a direction, of which one at a time has its gates and cells in memory: the others
//! are recomputed on the way back, each from the state before it (Chen et al. 2016, "Training deep nets with
//! sublinear memory cost").

use std::ops::Range;

use super::steps::{Steps, Way};

/// What a pass keeps for the one back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Keep {
    /// No pass back follows.
    #[default]
    Nothing,
    /// All steps.
    All,
    /// The states between segments of so many steps or a few more.
    Segments(usize),
}

/// Rows that make a product for the weights' gradients deep enough.
const DEEP: usize = 256;

/// Whether the weights' gradients wait for no more than so many rows. They wait for as many steps as make a
/// deep product, and no longer, so that the gates are still in the cache.
pub(crate) fn is_deep(rows: usize) -> bool {
    rows >= DEEP
}

/// The segments of a direction, in the order in which it takes them, each but the first of `least` steps at
/// least. They end where products for the weights' gradients do, so that what is added up together, and with
/// it every bit, is the same whatever they are: few rows make long segments.
pub(crate) fn segments(steps: &Steps, way: Way, least: usize) -> Vec<Range<usize>> {
    let longest = steps.longest();
    let whole = 0..longest;
    if way == Way::ReverseOnce || least >= longest {
        return vec![whole];
    }
    let mut found = Vec::new();
    // As the pass back goes through them.
    let mut rest = whole;
    let mut segment = 0;
    let mut product: Option<Range<usize>> = None;
    for taken in 0..longest {
        let time = if way == Way::Forward { longest - 1 - taken } else { taken };
        let times = match product {
            None => time..time + 1,
            Some(Range { start, end }) => start.min(time)..end.max(time + 1),
        };
        product = (!is_deep(steps.start(times.end) - steps.start(times.start))).then_some(times);
        segment += 1;
        if (product.is_none() && segment >= least) || taken + 1 == longest {
            let (own, others) = match way {
                Way::Forward => (time..rest.end, rest.start..time),
                _ => (rest.start..time + 1, time + 1..rest.end),
            };
            found.push(own);
            rest = others;
            segment = 0;
        }
    }
    found.reverse();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ends of the segments, each where the next begins.
    #[track_caller]
    fn check(lengths: &[usize], way: Way, least: usize, expected: &[(usize, usize)]) {
        let mut steps = Steps::default();
        steps.set(lengths.iter().copied());
        let found: Vec<_> =
            segments(&steps, way, least).iter().map(|times| (times.start, times.end)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn segments_end_where_products_do() {
        // 64 rows: products of 4 steps.
        let rows = [10; 64];
        check(&rows, Way::Forward, 1, &[(0, 2), (2, 6), (6, 10)]);
        check(&rows, Way::Reverse, 1, &[(8, 10), (4, 8), (0, 4)]);
        check(&rows, Way::Forward, 5, &[(0, 2), (2, 10)]);
        check(&rows, Way::Forward, 10, &[(0, 10)]);
        check(&rows, Way::ReverseOnce, 1, &[(0, 10)]);
        // So few rows that all steps make one product.
        check(&[9, 4], Way::Reverse, 2, &[(0, 9)]);
    }
}
