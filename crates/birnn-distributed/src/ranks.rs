//! The processes of a training, or one alone.

use std::time::Duration;

use crate::collective::Collective;
use crate::error::RankError;
use crate::launch::Launch;
use crate::process_group::ProcessGroup;

/// The processes of a training as one of them sees them. One alone is the first of one, and exchanges
/// nothing.
#[derive(Debug, Default)]
pub struct Ranks {
    group: Option<ProcessGroup>,
}

impl Ranks {
    /// One process.
    pub fn alone() -> Ranks {
        Ranks::default()
    }

    /// Meets the others of a launch, if there are any. No exchange takes longer than `timeout`.
    pub fn join(launch: Launch, timeout: Duration) -> Result<Ranks, RankError> {
        match launch.size {
            1 => Ok(Ranks::alone()),
            _ => Ok(Ranks { group: Some(ProcessGroup::join(launch, timeout)?) }),
        }
    }

    /// Which of them this is, from 0.
    pub fn rank(&self) -> usize {
        self.group.as_ref().map_or(0, Collective::rank)
    }

    /// How many there are.
    pub fn size(&self) -> usize {
        self.group.as_ref().map_or(1, Collective::size)
    }

    /// Which of its host's processes this is, from 0.
    pub fn local_rank(&self) -> usize {
        self.group.as_ref().map_or(0, ProcessGroup::local_rank)
    }

    /// How many of them are on this host.
    pub fn local_size(&self) -> usize {
        self.group.as_ref().map_or(1, ProcessGroup::local_size)
    }

    /// Whether this is the one that writes files and shows how it goes.
    pub fn is_first(&self) -> bool {
        self.rank() == 0
    }

    /// A rank and its host, for people.
    pub fn who(&self, rank: usize) -> String {
        self.group.as_ref().map_or_else(String::new, |group| group.who(rank))
    }

    /// What they exchange goes through; none where there is no other.
    pub fn collective(&self) -> Option<&dyn Collective> {
        self.group.as_ref().map(|group| group as &dyn Collective)
    }

    /// The parts of something that the ranks have between them, joined in their order.
    pub fn join_floats(&self, own: Vec<f32>, lengths: &[usize]) -> Result<Vec<f32>, RankError> {
        let Some(group) = &self.group else { return Ok(own) };
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let mut padded = own;
        padded.resize(longest, 0.0);
        let mut all = vec![0.0; longest * group.size()];
        group.all_gather(&padded, &mut all)?;
        let parts = lengths.iter().enumerate().map(|(rank, &length)| &all[rank * longest..][..length]);
        Ok(parts.flatten().copied().collect())
    }

    /// What rank 0 has, on all ranks: it says `Some`, the others need not.
    pub fn from_first(&self, own: Option<&[u8]>) -> Result<Vec<u8>, RankError> {
        let mut bytes = own.unwrap_or_default().to_vec();
        let Some(group) = &self.group else { return Ok(bytes) };
        let mut length = (bytes.len() as u64).to_le_bytes();
        group.broadcast(&mut length, 0)?;
        bytes.resize(u64::from_le_bytes(length) as usize, 0);
        group.broadcast(&mut bytes, 0)?;
        Ok(bytes)
    }

    /// What each rank says, in their order.
    pub fn gather(&self, text: &str) -> Result<Vec<String>, RankError> {
        match &self.group {
            Some(group) => group.gather(text),
            None => Ok(vec![text.to_owned()]),
        }
    }

    /// Tells the others that this rank fails ([`ProcessGroup::announce`]).
    pub fn announce(&self, code: u8, why: &str) {
        if let Some(group) = &self.group {
            group.announce(code, why);
        }
    }

    /// Ends with the others, when all is done.
    pub fn finish(self) {
        if let Some(group) = self.group {
            group.finish();
        }
    }
}
