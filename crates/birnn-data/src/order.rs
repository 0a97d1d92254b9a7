//! The order in which an epoch shows the samples.

use crate::rng::Rng;

/// A permutation of `0..len` that depends on `seed` and `epoch` alone (Fisher and Yates, in Durstenfeld's
/// form).
pub fn epoch_order(seed: u64, epoch: u64, len: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..len as u32).collect();
    shuffle(&mut order, &mut Rng::new(seed, epoch));
    order
}

/// As [`epoch_order`], sequences of about the same length in the same batch: what computes with padding
/// wastes little on it. What fills no batch is cut off the order and stays last. Within every fifty batches
/// of the others, or a quarter of them where that is less, sequences are sorted by length; then the batches
/// are put in a random order.
///
/// # Panics
///
/// Where `batch` is 0.
pub fn grouped_order(seed: u64, epoch: u64, lengths: &[usize], batch: usize) -> Vec<u32> {
    let mut order = epoch_order(seed, epoch, lengths.len());
    let full = order.len() / batch;
    let rest = order.split_off(full * batch);
    order
        .chunks_mut(batch * (full / 4).clamp(1, MOST_SORTED))
        .for_each(|block| block.sort_by_key(|&sample| lengths[sample as usize]));
    let batches: Vec<&[u32]> = order.chunks_exact(batch).collect();
    let mut places: Vec<u32> = (0..batches.len() as u32).collect();
    shuffle(&mut places, &mut Rng::new(seed ^ GROUPED, epoch));
    places.iter().flat_map(|&place| batches[place as usize]).copied().chain(rest).collect()
}

/// Batches that are sorted together at most: enough for sequences of about the same length to meet. Were all
/// of them sorted together, the same ones would meet in each epoch.
const MOST_SORTED: usize = 50;
/// Sets the order of batches apart from that of samples.
const GROUPED: u64 = 0x6772_6f75_7065_6400;

pub(crate) fn shuffle(items: &mut [u32], rng: &mut Rng) {
    for last in (1..items.len()).rev() {
        items.swap(last, rng.below(last + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A change here would break every run that is to be repeated.
    #[test]
    fn the_order_never_changes() {
        assert_eq!(epoch_order(0, 0, 10), [1, 9, 6, 2, 0, 8, 5, 7, 4, 3]);
        assert_eq!(epoch_order(0, 1, 10), [4, 6, 1, 9, 5, 3, 7, 0, 8, 2]);
        assert_eq!(epoch_order(7, 0, 10), [7, 3, 6, 1, 5, 9, 4, 8, 0, 2]);
    }

    #[test]
    fn every_sample_comes_once() {
        for len in [0, 1, 2, 1000] {
            let mut order = epoch_order(3, 4, len);
            order.sort_unstable();
            assert!(order.into_iter().eq(0..len as u32));
        }
    }

    #[test]
    fn batches_hold_sequences_of_about_the_same_length() {
        let lengths: Vec<usize> = (0..1003).map(|sample| 1 + sample * 7919 % 97).collect();
        let spread = |order: &[u32]| -> usize {
            let of = |batch: &[u32]| {
                let lengths = || batch.iter().map(|&sample| lengths[sample as usize]);
                lengths().max().unwrap() - lengths().min().unwrap()
            };
            order.chunks(10).map(of).sum()
        };
        let grouped = |epoch| grouped_order(5, epoch, &lengths, 10);
        assert!(spread(&grouped(0)) * 10 < spread(&epoch_order(5, 0, 1003)));
        assert_eq!(grouped(0), grouped(0));
        assert_ne!(grouped(0), grouped(1));
        let mut all = grouped(2);
        all.sort_unstable();
        assert!(all.into_iter().eq(0..1003));
        assert!(grouped_order(5, 0, &[], 10).is_empty());
        assert_eq!(grouped_order(5, 0, &[4, 2, 9], usize::MAX), epoch_order(5, 0, 3));
    }

    #[test]
    fn other_sequences_meet_in_each_epoch() {
        // 16 batches of 10, and 3 more.
        let lengths: Vec<usize> = (1..=163).collect();
        let batches = |epoch| {
            let order = grouped_order(5, epoch, &lengths, 10);
            let sorted = |batch: &[u32]| {
                let mut batch = batch.to_vec();
                batch.sort_unstable();
                batch
            };
            let rest = sorted(&order[160..]);
            let mut full: Vec<_> = order[..160].chunks(10).map(sorted).collect();
            full.sort();
            (full, rest)
        };
        let (first, rest) = batches(0);
        assert!((1..10).all(|epoch| batches(epoch).0 != first), "the same batches in another order");
        assert!((1..10).any(|epoch| batches(epoch).1 != rest), "the same ones are left over");
        let longest = |epoch| batches(epoch).1.contains(&162);
        assert!(!(0..10).all(longest), "the longest is always left over");
        let mut all = [first.concat(), rest].concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..163));
    }

    #[test]
    #[should_panic(expected = "zero")]
    fn no_batch_is_empty() {
        grouped_order(0, 0, &[1], 0);
    }

    #[test]
    fn every_place_is_as_likely() {
        let mut seen = [[0_u32; 4]; 4];
        for epoch in 0..4000 {
            for (position, sample) in epoch_order(0, epoch, 4).into_iter().enumerate() {
                seen[position][sample as usize] += 1;
            }
        }
        assert!(seen.iter().flatten().all(|count| (900..1100).contains(count)), "{seen:?}");
    }
}
