//! Several processes that train as one.
//!
//! [`Launch`] is what a launcher (torchrun, mpirun, srun, Kubernetes) says of them; [`Ranks`] is where they
//! have met, or one process alone. What they exchange goes through a [`Collective`], of which
//! [`ProcessGroup`] is libtorch's own: its store (TCPStore) to meet and to tell of failures, its process
//! group (Gloo) for numbers.
//!
//! [`Tree`] adds up vectors that the processes have between them, along one tree that does not depend on how
//! many they are: so neither do the bytes of the sum.
//!
//! Nothing that goes over the network is encrypted, and nobody is asked who they are: it is for networks that
//! can be trusted.

mod collective;
mod error;
mod launch;
mod process_group;
mod ranks;
mod shim;
mod tree;

pub use collective::Collective;
pub use error::RankError;
pub use launch::{Launch, LaunchError, Launcher};
pub use process_group::ProcessGroup;
pub use ranks::Ranks;
pub use tree::{Tree, deal, fold};
