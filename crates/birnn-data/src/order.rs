//! The order in which an epoch shows the samples.

use crate::rng::Rng;

/// A permutation of `0..len` that depends on `seed` and `epoch` alone (Fisher and Yates, in Durstenfeld's
/// form).
pub fn epoch_order(seed: u64, epoch: u64, len: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..len as u32).collect();
    shuffle(&mut order, &mut Rng::new(seed, epoch));
    order
}

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
