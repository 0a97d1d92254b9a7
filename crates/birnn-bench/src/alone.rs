//! What needs a process of its own: another number of threads, the peak of memory, a busy core. This same
//! program is started again, with a command that is not for users.
//!
//! The peak of memory is read from `/proc/self/status`: a child's `getrusage` starts with the peak of its
//! parent.

use std::io::Read;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use birnn_engine::device::cpu_threads;
use clap::Subcommand;
use serde::de::DeserializeOwned;

use crate::contender::Kind;
use crate::ours::Ours;
use crate::plain::Plain;
use crate::point::{Lengths, Point, TUTORIAL};
use crate::turns::{Effort, Entry, Timed, alternate};

/// What such a process does.
#[derive(Debug, Subcommand)]
pub enum Alone {
    #[command(hide = true)]
    /// Measures birnn and libtorch at the tutorial's point, with the threads that the environment allows.
    Threads(Effort),
    #[command(hide = true)]
    /// Trains some steps and tells its peak of memory.
    Memory {
        /// By whom.
        contender: Kind,
    },
    #[command(hide = true)]
    /// Keeps a core busy until its stdin ends.
    Spin,
}

/// Steps of training until memory is looked at.
pub const STEPS: usize = 20;

/// A process that keeps a core busy as long as this value lives.
pub struct Spinner(Child);

impl Alone {
    /// Does it, and prints the result as JSON.
    pub fn run(&self) -> Result<()> {
        match self {
            Alone::Threads(effort) => {
                let timed = alternate(&mut in_process(&TUTORIAL)?, effort)?;
                println!("{}", serde_json::to_string(&timed)?);
            }
            Alone::Memory { contender } => {
                train(*contender)?;
                println!("{}", peak()?);
            }
            Alone::Spin => spin(),
        }
        Ok(())
    }
}

/// The contenders within a process, at a point.
pub fn in_process(point: &Point) -> Result<Vec<Entry<'static>>> {
    if point.lengths != Lengths::Equal {
        return Ok(vec![(Kind::Birnn, Box::new(Ours::new(point)?))]);
    }
    let (plain, ours) = (Plain::new(point)?, Ours::new(point)?);
    Ok(vec![(Kind::Libtorch, Box::new(plain)), (Kind::Birnn, Box::new(ours))])
}

/// Both at the tutorial's point, with so many threads.
pub fn with_threads(threads: usize, effort: &Effort) -> Result<Vec<Timed>> {
    let Effort { rounds, seconds, budget } = effort;
    let mut command = again("threads")?;
    command.env("OMP_NUM_THREADS", threads.to_string());
    command.args(["--rounds", &rounds.to_string(), "--seconds", &seconds.to_string()]);
    command.args(["--budget", &budget.to_string()]);
    told(&mut command)
}

/// KiB that a process takes at its most that trains by `contender`, and does nothing else.
pub fn peak_of(contender: Kind) -> Result<u64> {
    let name = if contender == Kind::Libtorch { "libtorch" } else { "birnn" };
    told(again("memory")?.arg(name))
}

impl Spinner {
    /// Starts one.
    pub fn start() -> Result<Spinner> {
        let child =
            again("spin")?.stdin(Stdio::piped()).spawn().context("cannot start this program again")?;
        Ok(Spinner(child))
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn again(command: &str) -> Result<Command> {
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    let mut again = Command::new(program);
    again.arg(command);
    Ok(again)
}

/// What a process prints.
fn told<T: DeserializeOwned>(command: &mut Command) -> Result<T> {
    let output = command.stderr(Stdio::inherit()).output().context("cannot start this program again")?;
    if !output.status.success() {
        bail!("measuring in another process failed ({})", output.status);
    }
    serde_json::from_slice(&output.stdout).context("cannot understand what another process measured")
}

fn train(contender: Kind) -> Result<()> {
    match contender {
        Kind::Birnn => {
            let mut ours = Ours::new(&TUTORIAL)?;
            (0..STEPS).try_for_each(|_| ours.step())
        }
        Kind::Libtorch => {
            tch::set_num_threads(cpu_threads());
            let mut plain = Plain::new(&TUTORIAL)?;
            (0..STEPS).try_for_each(|_| plain.step())
        }
        Kind::High | Kind::Medium => bail!("{contender} takes the memory of birnn"),
        Kind::Pytorch | Kind::Autocast | Kind::Tutorial | Kind::Packed | Kind::Padded => {
            bail!("{contender} is measured in Python")
        }
    }
}

/// The peak of this process so far, in KiB.
fn peak() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("cannot read /proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM in it")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

fn spin() -> ! {
    std::thread::spawn(|| {
        // It ends with the process that started it, however that one ends.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    loop {
        std::hint::spin_loop();
    }
}
