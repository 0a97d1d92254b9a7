//! What needs a process of its own: another number of threads, the peak of memory, a busy core. This same
//! program is started again, with a command that is not for users.
//!
//! The peak of memory is read from `/proc/self/status`: a child's `getrusage` starts with the peak of its
//! parent.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use birnn_engine::device::cpu_threads;
use clap::{Subcommand, ValueEnum as _};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::contender::Kind;
use crate::ours::Ours;
use crate::plain::Plain;
use crate::point::{Lengths, Point, TUTORIAL};
use crate::sweeps::LONG;
use crate::turns::{Effort, Entry, Timed, alternate};

/// What such a process does.
#[derive(Debug, Subcommand)]
pub enum Alone {
    #[command(hide = true)]
    /// Measures birnn and libtorch at the tutorial's point, with the threads that the environment allows.
    Threads(Effort),
    #[command(hide = true)]
    /// Trains some steps and tells its peak of memory, and how long they took.
    Memory {
        /// By whom.
        contender: Kind,
        /// Which of the long nets, from 0; without it the tutorial's.
        #[arg(long)]
        long: Option<usize>,
    },
    #[command(hide = true)]
    /// Keeps a core busy until its stdin ends.
    Spin,
}

/// Steps of training until memory is looked at, and of nets of long sequences.
pub const STEPS: usize = 20;
pub const LONG_STEPS: usize = 3;

/// What a process took that trains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Taken {
    /// KiB of memory at its most.
    pub kib: u64,
    /// Milliseconds of each step but the first.
    pub ms: Vec<f64>,
}

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
            Alone::Memory { contender, long } => {
                let (point, steps) = match long {
                    None => (TUTORIAL, STEPS),
                    Some(index) => {
                        let point = LONG.get(*index).context("there is no such net")?;
                        (*point, LONG_STEPS)
                    }
                };
                let ms = train(*contender, &point, steps)?;
                println!("{}", serde_json::to_string(&Taken { kib: peak()?, ms })?);
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

/// What a process takes that trains by `contender`, and does nothing else: the tutorial's net, or that of an
/// index among those of long sequences.
pub fn taken_by(contender: Kind, long: Option<usize>) -> Result<Taken> {
    let name = contender.to_possible_value().context("a contender has no name")?;
    let mut command = again("memory")?;
    command.arg(name.get_name());
    if let Some(index) = long {
        command.args(["--long", &index.to_string()]);
    }
    told(&mut command)
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

/// Milliseconds of each step but the first.
fn train(contender: Kind, point: &Point, steps: usize) -> Result<Vec<f64>> {
    let go = |step: &mut dyn FnMut() -> Result<()>| {
        step()?;
        (1..steps)
            .map(|_| {
                let start = Instant::now();
                step()?;
                Ok(1e3 * start.elapsed().as_secs_f64())
            })
            .collect()
    };
    match contender {
        Kind::Birnn => {
            let mut ours = Ours::new(point)?;
            go(&mut || ours.step())
        }
        Kind::Recomputed => {
            let mut ours = Ours::new(point)?.with_recompute(point.time.isqrt());
            go(&mut || ours.step())
        }
        Kind::Libtorch => {
            tch::set_num_threads(cpu_threads());
            let mut plain = Plain::new(point)?;
            go(&mut || plain.step())
        }
        Kind::High | Kind::Medium => bail!("{contender} takes the memory of birnn"),
        Kind::Pytorch | Kind::Autocast | Kind::Bf16 | Kind::Tutorial | Kind::Packed | Kind::Padded => {
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
