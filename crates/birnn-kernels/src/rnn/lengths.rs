//! How long the sequences of a batch are.

/// The lengths of the sequences of a batch, in time steps, at least one each.
#[derive(Clone, Copy, Debug)]
pub enum Lengths<'a> {
    /// `batch` sequences of `time` steps.
    Equal {
        /// Sequences, at least one.
        batch: usize,
        /// Time steps of each.
        time: usize,
    },
    /// Those of each sequence.
    Each(&'a [usize]),
}

impl Lengths<'_> {
    /// How many sequences.
    pub fn batch(&self) -> usize {
        match *self {
            Lengths::Equal { batch, .. } => batch,
            Lengths::Each(lengths) => lengths.len(),
        }
    }

    /// Steps of all sequences.
    pub fn steps(&self) -> usize {
        match *self {
            Lengths::Equal { batch, time } => batch * time,
            Lengths::Each(lengths) => lengths.iter().sum(),
        }
    }

    /// Of each sequence in turn.
    pub fn each(&self) -> impl Iterator<Item = usize> {
        (0..self.batch()).map(|sample| match *self {
            Lengths::Equal { time, .. } => time,
            Lengths::Each(lengths) => lengths[sample],
        })
    }
}
