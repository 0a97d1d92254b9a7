//! The processes that a launcher started for one command: how they meet, and how they end together.

use std::time::Duration;

use birnn_cli::args::LaunchArgs;
use birnn_cli::failure::{Failure, Kind, Outcome};
use birnn_cli::log::Log;
use birnn_distributed::{Launch, RankError, Ranks};
use birnn_engine::device;

use crate::failed::{Fails, OrFail};

/// Does `work` with the other processes of the launch, if there are any; all of them end as one does that
/// fails.
pub fn with(args: &LaunchArgs, log: &Log, work: impl FnOnce(&Ranks) -> Outcome) -> Outcome {
    let launch = Launch::from_env(|name| std::env::var(name).ok()).map_err(RankError::from).or_fail()?;
    let Some(launch) = launch.filter(|launch| launch.size > 1) else { return work(&Ranks::alone()) };
    if launch.rank > 0 {
        // The first speaks for all, but of what goes wrong.
        log.only_errors();
    }
    let (launcher, size) = (launch.launcher, launch.size);
    tracing::info!("{size} processes, by the variables of {launcher}; waiting for all of them");
    // Before libtorch is used at all; what it comes to is told where the device is chosen.
    let _ = device::cuda_devices();
    let ranks = Ranks::join(launch, Duration::from_secs(args.timeout)).or_fail()?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (threads, local_size) = (device::cpu_threads() as usize, ranks.local_size());
    if ranks.is_first() && local_size > 1 && threads > 1 && local_size * threads > cores {
        tracing::warn!(
            "{local_size} processes of {threads} threads each share {cores} cores here: set OMP_NUM_THREADS={}",
            (cores / local_size).max(1)
        );
    }
    let outcome = work(&ranks);
    match &outcome {
        Err(failure) if !matches!(failure.kind, Kind::Stopped(_)) => {
            ranks.announce(failure.code(), &failure.message);
            outcome.map_err(|failure| by(&ranks, failure))
        }
        _ => {
            ranks.finish();
            outcome
        }
    }
}

/// Makes sure that all processes were started with the same command.
pub fn same_command(ranks: &Ranks, command: &str) -> Outcome {
    let told = ranks.gather(command).map_err(Fails::failure)?;
    match told.iter().position(|other| *other != told[0]) {
        None => Ok(()),
        Some(rank) => Err(Failure::request(format!(
            "{} was started as `{}`, and {} as `{}`: start all processes alike",
            ranks.who(rank),
            told[rank],
            ranks.who(0),
            told[0]
        ))),
    }
}

/// The exit code of a stop: a signal may have come to some processes only, and all end as if it had come to
/// each.
pub fn agreed_code(ranks: &Ranks, own: u8) -> Result<u8, RankError> {
    let told = ranks.gather(&own.to_string())?;
    Ok(told.iter().filter_map(|code| code.parse().ok()).fold(own, u8::max))
}

/// A failure of this rank, as all others tell it; what another rank says begins with that one already.
fn by(ranks: &Ranks, failure: Failure) -> Failure {
    let own = format!("{}: ", ranks.who(ranks.rank()));
    match failure.message.starts_with("rank ") {
        true => failure,
        false => Failure { message: own + &failure.message, ..failure },
    }
}
