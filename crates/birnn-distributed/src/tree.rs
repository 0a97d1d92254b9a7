//! Sums along one fixed binary tree, so that the order in which floats are added, and with it every bit of
//! the sum, is the same for any number of processes.
//!
//! The leaves are vectors, each of which one rank has. A rank adds up what it can alone: the nodes of the
//! tree that are all its own. Of these, slices change hands, so that each rank finishes the tree over one
//! slice, and the slices of the sum change hands. With `r` ranks of one node each, every rank sends and
//! receives `2 (r - 1) / r` of a vector, as in a ring (Thakur et al. 2005, section 4.4).

use std::ops::Range;

use crate::collective::Collective;
use crate::error::RankError;

/// How many of `total` things the holder at `index` of `holders` has, and which: one more for each of the
/// first, where they do not come out even. So whoever is first always has some, if there are any.
pub fn deal(total: usize, holders: usize, index: usize) -> Range<usize> {
    let (each, more) = (total / holders, total % holders);
    let begin = index * each + index.min(more);
    begin..begin + each + usize::from(index < more)
}

/// The tree over so many leaves, dealt to so many ranks.
#[derive(Clone, Debug)]
pub struct Tree {
    leaves: usize,
    /// Of each rank, the largest nodes that are all its own.
    nodes: Vec<Vec<Range<usize>>>,
}

impl Tree {
    /// The tree over `leaves` leaves, at least one, dealt ([`deal`]) to `size` ranks.
    pub fn new(leaves: usize, size: usize) -> Tree {
        let nodes = (0..size).map(|rank| own_nodes(0..leaves, &deal(leaves, size, rank))).collect();
        Tree { leaves, nodes }
    }

    /// The largest nodes that a rank has all the leaves of: what it adds up alone ([`fold`]). None where
    /// there are fewer leaves than ranks.
    pub fn nodes(&self, rank: usize) -> &[Range<usize>] {
        &self.nodes[rank]
    }

    /// The sum of all leaves, given those of this rank's nodes, `own [nodes, length]`.
    ///
    /// # Panics
    ///
    /// Where `own` does not hold so many values.
    pub fn sum(
        &self,
        collective: &dyn Collective,
        own: &[f32],
        length: usize,
    ) -> Result<Vec<f32>, RankError> {
        let (rank, size) = (collective.rank(), collective.size());
        let (mine, all) = (self.nodes[rank].len(), self.nodes.iter().map(Vec::len).sum::<usize>());
        assert_eq!(own.len(), mine * length, "a vector for each node");
        let slice = length.div_ceil(size).max(1);
        let mut send = Vec::with_capacity(size * mine * slice);
        for to in 0..size {
            let of = (to * slice).min(length)..((to + 1) * slice).min(length);
            for node in own.chunks_exact(length.max(1)) {
                send.extend_from_slice(&node[of.clone()]);
                send.resize(send.len() + slice - of.len(), 0.0);
            }
        }
        let mut received = vec![0.0; all * slice];
        let receive_counts: Vec<usize> = self.nodes.iter().map(|nodes| nodes.len() * slice).collect();
        collective.all_to_all(&send, &vec![mine * slice; size], &mut received, &receive_counts)?;
        let mut nodes = self.nodes.iter().flatten().zip(received.chunks_exact(slice)).peekable();
        let finished = finish(0..self.leaves, &mut nodes);
        let mut sum = vec![0.0; size * slice];
        collective.all_gather(&finished, &mut sum)?;
        sum.truncate(length);
        Ok(sum)
    }
}

/// Adds up a node of the tree: `leaf` gives what is at a leaf, `add` adds the second to the first. No more
/// values are alive at once than the tree is deep.
pub fn fold<T, E>(
    node: Range<usize>,
    leaf: &mut impl FnMut(usize) -> Result<T, E>,
    add: &mut impl FnMut(T, T) -> Result<T, E>,
) -> Result<T, E> {
    if node.len() < 2 {
        return leaf(node.start);
    }
    let middle = middle(&node);
    let left = fold(node.start..middle, leaf, add)?;
    let right = fold(middle..node.end, leaf, add)?;
    add(left, right)
}

/// Where a node of two leaves or more is parted: the first part is the larger power of two.
fn middle(node: &Range<usize>) -> usize {
    node.start + node.len().next_power_of_two() / 2
}

/// The largest nodes of the tree at `node` that lie within `own`.
fn own_nodes(node: Range<usize>, own: &Range<usize>) -> Vec<Range<usize>> {
    if node.start >= own.end || node.end <= own.start {
        return Vec::new();
    }
    if own.start <= node.start && node.end <= own.end {
        return vec![node];
    }
    let middle = middle(&node);
    [own_nodes(node.start..middle, own), own_nodes(middle..node.end, own)].concat()
}

/// Adds up what is left of the tree at `node`, of whose parts the sums come in the order of the leaves.
fn finish<'a>(
    node: Range<usize>,
    nodes: &mut std::iter::Peekable<impl Iterator<Item = (&'a Range<usize>, &'a [f32])>>,
) -> Vec<f32> {
    if let Some((_, sum)) = nodes.next_if(|(there, _)| **there == node) {
        return sum.to_vec();
    }
    let middle = middle(&node);
    let mut left = finish(node.start..middle, nodes);
    let right = finish(middle..node.end, nodes);
    left.iter_mut().zip(&right).for_each(|(left, right)| *left += right);
    left
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Barrier, Mutex};

    use proptest::prelude::*;

    use super::*;

    /// Ranks that are threads of one process, with a table between them.
    #[derive(Clone, Debug)]
    struct Threads {
        rank: usize,
        table: Arc<Vec<Mutex<Vec<f32>>>>,
        barrier: Arc<Barrier>,
    }

    impl Threads {
        /// What each of `size` ranks comes to.
        fn each<T: Send>(size: usize, work: impl Fn(&Threads) -> T + Sync) -> Vec<T> {
            let table = Arc::new((0..size).map(|_| Mutex::default()).collect());
            let barrier = Arc::new(Barrier::new(size));
            let ranks = (0..size).map(|rank| Threads {
                rank,
                table: Arc::clone(&table),
                barrier: Arc::clone(&barrier),
            });
            let work = &work;
            std::thread::scope(|scope| {
                let ranks: Vec<_> = ranks.map(|rank| scope.spawn(move || work(&rank))).collect();
                ranks.into_iter().map(|rank| rank.join().unwrap()).collect()
            })
        }

        /// Shows all ranks what this one has, and each of theirs to `take`.
        fn show(&self, own: &[f32], mut take: impl FnMut(usize, &[f32])) {
            *self.table[self.rank].lock().unwrap() = own.to_vec();
            self.barrier.wait();
            self.table.iter().enumerate().for_each(|(rank, shown)| take(rank, &shown.lock().unwrap()));
            self.barrier.wait();
        }
    }

    impl Collective for Threads {
        fn rank(&self) -> usize {
            self.rank
        }

        fn size(&self) -> usize {
            self.table.len()
        }

        fn all_to_all(
            &self,
            send: &[f32],
            send_counts: &[usize],
            receive: &mut [f32],
            receive_counts: &[usize],
        ) -> Result<(), RankError> {
            assert_eq!(send.len(), send_counts.iter().sum::<usize>());
            assert_eq!(receive.len(), receive_counts.iter().sum::<usize>());
            let mut receive = receive.iter_mut();
            self.show(send, |rank, shown| {
                // A rank sends all others as much.
                let count = receive_counts[rank];
                assert_eq!(shown.len(), count * self.size());
                shown[self.rank * count..][..count]
                    .iter()
                    .for_each(|&value| *receive.next().unwrap() = value);
            });
            Ok(())
        }

        fn all_gather(&self, own: &[f32], all: &mut [f32]) -> Result<(), RankError> {
            self.show(own, |rank, shown| all[rank * own.len()..][..own.len()].copy_from_slice(shown));
            Ok(())
        }

        fn broadcast(&self, _bytes: &mut [u8], _from: usize) -> Result<(), RankError> {
            unreachable!("a tree has no use for it")
        }
    }

    /// The leaves' sum by so many ranks: on each of them.
    fn sums(leaves: &[Vec<f32>], size: usize) -> Vec<Vec<u32>> {
        let (tree, length) = (Tree::new(leaves.len(), size), leaves[0].len());
        Threads::each(size, |rank| {
            let add = &mut |mut left: Vec<f32>, right: Vec<f32>| {
                left.iter_mut().zip(right).for_each(|(left, right)| *left += right);
                Ok::<_, RankError>(left)
            };
            let nodes = tree.nodes(rank.rank()).iter();
            let own =
                nodes.map(|node| fold(node.clone(), &mut |leaf| Ok(leaves[leaf].clone()), add).unwrap());
            let own: Vec<f32> = own.flatten().collect();
            tree.sum(rank, &own, length).unwrap().into_iter().map(f32::to_bits).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_sum_is_the_same_bits_by_any_number_of_ranks(
            seeds in prop::collection::vec(any::<u32>(), 1..12),
            length in 1_usize..20,
        ) {
            // Of very different sizes, so that another order would be seen.
            let value = |seed: u32, index: usize| {
                let mixed = (seed ^ index as u32).wrapping_mul(0x9e37_79b9);
                (mixed as f32 / 2.0_f32.powi(31) - 1.0) * 2.0_f32.powi((mixed % 30) as i32)
            };
            let leaves: Vec<Vec<f32>> =
                seeds.iter().map(|&seed| (0..length).map(|index| value(seed, index)).collect()).collect();
            let alone = &sums(&leaves, 1)[0];
            for size in [2, 3, 4, 5, 13] {
                for sum in sums(&leaves, size) {
                    prop_assert_eq!(&sum, alone, "{} ranks", size);
                }
            }
        }

        #[test]
        fn all_is_dealt_in_order_and_evenly(total in 0_usize..50, holders in 1_usize..9) {
            let dealt: Vec<_> = (0..holders).map(|index| deal(total, holders, index)).collect();
            prop_assert_eq!(dealt.iter().cloned().flatten().collect::<Vec<_>>(), (0..total).collect::<Vec<_>>());
            let sizes = dealt.iter().map(Range::len);
            prop_assert!(sizes.clone().max().unwrap() - sizes.clone().min().unwrap() <= 1);
            prop_assert_eq!(sizes.clone().max(), dealt.first().map(Range::len));
        }
    }

    #[test]
    fn a_rank_has_as_few_nodes_as_can_be() {
        let nodes = |leaves, size| format!("{:?}", Tree::new(leaves, size).nodes);
        assert_eq!(nodes(8, 2), "[[0..4], [4..8]]");
        assert_eq!(nodes(8, 3), "[[0..2, 2..3], [3..4, 4..6], [6..8]]");
        assert_eq!(nodes(2, 3), "[[0..1], [1..2], []]");
        assert_eq!(nodes(1, 1), "[[0..1]]");
    }
}
