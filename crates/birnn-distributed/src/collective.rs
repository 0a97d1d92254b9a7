//! What processes that train as one exchange, whoever carries it.

use std::fmt::Debug;

use crate::error::RankError;

/// The processes of a training as one of them sees them. All of them make the same calls in the same order,
/// and each returns once what it is to receive is there.
pub trait Collective: Debug {
    /// Which one this is, from 0.
    fn rank(&self) -> usize;

    /// How many there are.
    fn size(&self) -> usize;

    /// Sends each rank its part of `send`, and receives each rank's part for this one: `send_counts` and
    /// `receive_counts` say how many values the parts have, rank by rank.
    fn all_to_all(
        &self,
        send: &[f32],
        send_counts: &[usize],
        receive: &mut [f32],
        receive_counts: &[usize],
    ) -> Result<(), RankError>;

    /// The values of all ranks one after the other, `[size, own]`; each has as many.
    fn all_gather(&self, own: &[f32], all: &mut [f32]) -> Result<(), RankError>;

    /// Makes `bytes` what they are on rank `from`; they are as many everywhere.
    fn broadcast(&self, bytes: &mut [u8], from: usize) -> Result<(), RankError>;
}
