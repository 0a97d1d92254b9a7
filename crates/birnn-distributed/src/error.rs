//! Why processes cannot train as one, or no longer.

use std::time::Duration;

use crate::launch::LaunchError;

/// Why processes cannot train as one, or no longer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RankError {
    /// It cannot be told which of them this is.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// The libtorch in use was built without what they would talk by.
    #[error(
        "{size} processes were started, and the libtorch in use has no process group (Gloo), so that one can train \
         and several cannot: use the libtorch that `cargo xtask setup` installs"
    )]
    NoGloo {
        /// How many there are.
        size: usize,
    },
    /// Rank 0's host and port lead nowhere.
    #[error(
        "rank 0 is not to be reached at {master} ({said}): see that it was started, that MASTER_ADDR and MASTER_PORT \
         are its host and port, and that no firewall is between; --timeout says how long it is waited for"
    )]
    Unreachable {
        /// Host and port.
        master: String,
        /// What the system said.
        said: String,
    },
    /// Rank 0 does not find itself where all are told to look for it.
    #[error(
        "rank 0 does not reach itself at {master} ({said}): set MASTER_ADDR to a name or an address of the host that it runs on, \
         the same for all processes"
    )]
    NotHere {
        /// Host and port.
        master: String,
        /// What the system said.
        said: String,
    },
    /// Rank 0 cannot have its port.
    #[error(
        "port {port} cannot be had ({said}): set MASTER_PORT to one that is free, the same for all processes"
    )]
    NoPort {
        /// The port.
        port: u16,
        /// What the system said.
        said: String,
    },
    /// Not all came.
    #[error(
        "{} not joined within {} s: {} of {size} processes are there; start all of them, or allow for more time with \
         --timeout SECONDS", ranks(.missing), .timeout.as_secs(), .size - .missing.len()
    )]
    Missing {
        /// Those that did not.
        missing: Vec<usize>,
        /// How many there should be.
        size: usize,
        /// How long they were waited for.
        timeout: Duration,
    },
    /// Another rank failed, and said why.
    #[error("{}{why}", if .who.is_empty() { String::new() } else { format!("{who}: ") })]
    Failed {
        /// Its rank and host; empty where the reason says it.
        who: String,
        /// In its words.
        why: String,
        /// The exit code that it ends with.
        code: u8,
    },
    /// Others are gone without a word.
    #[error("{who}: {how}")]
    Lost {
        /// Their ranks, hosts and processes.
        who: String,
        /// As far as can be told.
        how: &'static str,
    },
    /// All are there, and what they exchange does not arrive.
    #[error("{who}: the exchange with the other ranks failed: {said}")]
    Broken {
        /// This rank and its host.
        who: String,
        /// What libtorch says.
        said: String,
    },
}

fn ranks(ranks: &[usize]) -> String {
    let list = ranks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if let [_] = ranks { format!("rank {list} has") } else { format!("ranks {list} have") }
}
