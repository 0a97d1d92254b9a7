//! A share of what was answered, with its interval, whether answers are independent or many are of one
//! sequence.

use super::bootstrap::share_interval;
use super::interval::{Interval, wilson};

/// A share of positions, with how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Share {
    pub(crate) part: u64,
    pub(crate) whole: u64,
    /// Its 95 % interval; `None` where nothing was counted, or of positions of fewer than six
    /// sequences that are not all right or all wrong.
    pub(crate) interval: Option<Interval>,
}

impl Share {
    /// Of positions that have nothing to do with each other.
    pub(crate) fn independent(part: u64, whole: u64) -> Share {
        Share { part, whole, interval: wilson(part, whole) }
    }

    /// So many shares of positions, which each sequence has so many of (`sequences`): of each position which
    /// share it counts in, and whether as part of it. Where a sequence has but one, they are independent;
    /// else sequences are drawn whole.
    pub(crate) fn all(
        count: usize,
        sequences: &[usize],
        mut positions: impl Iterator<Item = (usize, bool)>,
    ) -> Vec<Share> {
        if sequences.iter().all(|&positions| positions == 1) {
            let mut of = vec![(0, 0); count];
            positions.for_each(|(share, counts)| add(&mut of[share], counts));
            return of.into_iter().map(|(part, whole)| Share::independent(part, whole)).collect();
        }
        let mut of = vec![vec![(0, 0); sequences.len()]; count];
        for (sequence, &own) in sequences.iter().enumerate() {
            positions.by_ref().take(own).for_each(|(share, counts)| add(&mut of[share][sequence], counts));
        }
        let share = |of: Vec<(u64, u64)>| {
            let (part, whole) = of.iter().fold((0, 0), |(part, whole), own| (part + own.0, whole + own.1));
            Share { part, whole, interval: share_interval(&of) }
        };
        of.into_iter().map(share).collect()
    }

    /// From 0 to 1; not a number where nothing was counted.
    pub(crate) fn value(&self) -> f64 {
        self.part as f64 / self.whole as f64
    }
}

fn add((part, whole): &mut (u64, u64), counts: bool) {
    *part += u64::from(counts);
    *whole += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_position_counts_in_its_share() {
        let positions = [(0, true), (1, false), (0, false), (0, true), (1, true)];
        let counts = |sequences: &[usize]| -> Vec<(u64, u64, bool)> {
            let all = Share::all(3, sequences, positions.into_iter());
            all.iter().map(|share| (share.part, share.whole, share.interval.is_some())).collect()
        };
        assert_eq!(counts(&[1; 5]), [(2, 3, true), (1, 2, true), (0, 0, false)]);
        assert_eq!(counts(&[2, 3]), [(2, 3, false), (1, 2, false), (0, 0, false)]);
        assert_eq!(counts(&[5]), [(2, 3, false), (1, 2, false), (0, 0, false)]);
        assert_eq!(Share::all(2, &[1; 5], positions.into_iter())[0].interval, wilson(2, 3));
        // Of six such sequences.
        let Share { part, whole, interval } = Share::all(2, &[5; 6], positions.repeat(6).into_iter())[0];
        assert!(
            (part, whole) == (12, 18) && interval.is_some() && interval != wilson(12, 18),
            "{interval:?}"
        );
    }
}
