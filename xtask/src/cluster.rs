//! `cluster`: one `birnn` on each of several hosts, which are network namespaces of this machine, or several
//! on this machine as it is. For trying and testing what trains on many.
//!
//! The hosts hang on one switch, a bridge in a namespace of its own; nothing of the machine's own network is
//! touched.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::commands::{ensure as ensure_libtorch, program, usage};
use crate::machine::Machine;

/// More would be a test of this machine.
const MOST: usize = 64;
/// Between one look at the processes and the next.
const GLANCE: Duration = Duration::from_millis(20);
/// Where rank 0 of hosts of their own is asked for.
const PORT: u16 = 29500;
/// What namespaces are called: this, the process that made them, and which it is.
const NAME: &str = "birnn-";

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    /// How many processes.
    size: usize,
    /// What a link carries, as `tc` has it, if less than the machine could.
    rate: Option<String>,
    /// Whether all are on this machine as it is.
    loopback: bool,
    /// The arguments of `birnn`.
    args: Vec<OsString>,
}

/// `cluster`.
pub fn run(machine: &Machine, args: &[OsString]) -> Result<ExitCode> {
    let plan = parse(args)?;
    if !plan.loopback {
        may_make_hosts(machine, plan.rate.is_some())?;
    }
    let tree = ensure_libtorch(machine)?;
    let birnn = program(machine, &tree)?;
    let signals = Signals::listen()?;
    let code = run_all(&plan, &birnn, machine.var("OMP_NUM_THREADS"), &signals)?;
    Ok(ExitCode::from(code))
}

fn parse(args: &[OsString]) -> Result<Plan> {
    const HOW: &str = "cargo xtask cluster N [--rate 1gbit] [--loopback] -- ARGS of birnn";
    let end = args.iter().position(|arg| arg == "--");
    let (own, rest) = args.split_at(end.ok_or_else(|| usage(format!("cluster wants a `--`: {HOW}")))?);
    let mut plan = Plan { size: 0, rate: None, loopback: false, args: rest[1..].to_vec() };
    let mut own = own.iter().map(|arg| arg.to_string_lossy());
    while let Some(arg) = own.next() {
        match &*arg {
            "--loopback" => plan.loopback = true,
            "--rate" => {
                let rate = own.next().filter(|rate| is_rate(rate));
                let wanted =
                    || usage("--rate wants a number and kbit, mbit or gbit, such as 1gbit".to_owned());
                plan.rate = Some(rate.ok_or_else(wanted)?.into_owned());
            }
            number => match number.parse() {
                Ok(size) if plan.size == 0 && (1..=MOST).contains(&size) => plan.size = size,
                _ => return Err(usage(format!("`{number}`: 1 to {MOST} processes: {HOW}"))),
            },
        }
    }
    if plan.size == 0 || plan.args.is_empty() {
        return Err(usage(format!("cluster wants a number and what to do: {HOW}")));
    }
    if plan.loopback && plan.rate.is_some() {
        return Err(usage(
            "--rate is for hosts with links between them, which --loopback has not".to_owned(),
        ));
    }
    Ok(plan)
}

fn is_rate(rate: &str) -> bool {
    ["kbit", "mbit", "gbit"]
        .iter()
        .filter_map(|unit| rate.strip_suffix(unit))
        .any(|number| number.parse().is_ok_and(|number: f64| number > 0.0))
}

/// Whether network namespaces can be made here, as far as can be told beforehand.
fn may_make_hosts(machine: &Machine, shaped: bool) -> Result<()> {
    const ELSE: &str = "or use --loopback: as many processes on 127.0.0.1, which wants nothing";
    if machine.os == "macos" {
        return Err(usage(format!("hosts are network namespaces, which Linux alone has; use Linux, {ELSE}")));
    }
    for (tool, wanted) in [("ip", true), ("unshare", true), ("tc", shaped)] {
        if wanted && machine.find_program(OsStr::new(tool)).is_none() {
            return Err(usage(format!("`{tool}` is not there: install iproute2 and util-linux, {ELSE}")));
        }
    }
    let id = Command::new("id").arg("-u").output().context("cannot run id")?;
    match id.stdout.trim_ascii() == b"0" {
        true => Ok(()),
        false => {
            Err(usage(format!("hosts are network namespaces, which root alone may make; be root, {ELSE}")))
        }
    }
}

/// Signals that ask this program to stop.
struct Signals {
    came: Arc<AtomicUsize>,
    last: Arc<AtomicUsize>,
}

impl Signals {
    fn listen() -> Result<Signals> {
        let signals = Signals { came: Arc::default(), last: Arc::default() };
        let (came, last) = (signals.came.clone(), signals.last.clone());
        let mut listened = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])
            .context("cannot listen for signals")?;
        std::thread::spawn(move || {
            for kind in listened.forever() {
                last.store(kind as usize, Ordering::SeqCst);
                came.fetch_add(1, Ordering::SeqCst);
            }
        });
        Ok(signals)
    }
}

/// Starts the processes, shows what they say, and hands signals on to them; gives the exit code of the worst.
fn run_all(plan: &Plan, birnn: &Command, threads: Option<&OsStr>, signals: &Signals) -> Result<u8> {
    let network = (!plan.loopback).then(|| Network::up(plan)).transpose()?;
    let [master, port] = match &network {
        Some(_) => [address(0).to_string(), PORT.to_string()],
        // One that is free now.
        None => {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
            [Ipv4Addr::LOCALHOST.to_string(), listener.local_addr()?.port().to_string()]
        }
    };
    let mut ranks = Ranks::default();
    for rank in 0..plan.size {
        let mut command = match &network {
            Some(network) => network.on(rank, birnn.get_program()),
            None => Command::new(birnn.get_program()),
        };
        let local = if plan.loopback { [rank, plan.size] } else { [0, 1] };
        command
            .args(&plan.args)
            .envs(birnn.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .env("RANK", rank.to_string())
            .env("WORLD_SIZE", plan.size.to_string())
            .env("LOCAL_RANK", local[0].to_string())
            .env("LOCAL_WORLD_SIZE", local[1].to_string())
            .env("MASTER_ADDR", &master)
            .env("MASTER_PORT", &port)
            // Hosts that share cores have no more; and as many on any number of hosts, as bytes depend on it.
            .env("OMP_NUM_THREADS", threads.unwrap_or(OsStr::new("1")));
        ranks.start(rank, command)?;
    }
    let code = ranks.wait(signals);
    drop(network);
    Ok(code)
}

/// Processes that were started; those that are left are killed when this goes.
#[derive(Default)]
struct Ranks {
    children: Vec<(Child, Option<ExitStatus>)>,
    shown: Vec<JoinHandle<()>>,
}

impl Ranks {
    /// Starts one, in a process group of its own: a terminal's Ctrl-C comes to it by way of this program, and
    /// once.
    fn start(&mut self, rank: usize, mut command: Command) -> Result<()> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child =
            command.spawn().with_context(|| format!("cannot run {}", command.get_program().display()))?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        self.children.push((child, None));
        if let (Some(out), Some(err)) = (out, err) {
            self.shown.push(std::thread::spawn(move || show(rank, out, std::io::stdout())));
            self.shown.push(std::thread::spawn(move || show(rank, err, std::io::stderr())));
        }
        Ok(())
    }

    /// Waits for all; each signal that comes is handed on, the third as SIGKILL.
    fn wait(mut self, signals: &Signals) -> u8 {
        let mut handed_on = 0;
        loop {
            for (child, ended) in &mut self.children {
                if ended.is_none() {
                    *ended = child.try_wait().unwrap_or_default();
                }
            }
            if self.children.iter().all(|(_, ended)| ended.is_some()) {
                break;
            }
            let came = signals.came.load(Ordering::SeqCst);
            if came > handed_on {
                handed_on = came;
                let signal = if came > 2 { 9 } else { signals.last.load(Ordering::SeqCst) };
                let left = self.children.iter().filter(|(_, ended)| ended.is_none());
                let ids = left.map(|(child, _)| child.id().to_string());
                let _ =
                    Command::new("kill").arg(format!("-{signal}")).args(ids).stderr(Stdio::null()).status();
            }
            std::thread::sleep(GLANCE);
        }
        self.shown.drain(..).for_each(|shown| drop(shown.join()));
        worst(self.children.iter().filter_map(|(_, ended)| *ended))
    }
}

impl Drop for Ranks {
    fn drop(&mut self) {
        for (child, ended) in &mut self.children {
            if ended.is_none() {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    }
}

/// Shows what a process says, line by line, with its rank before it.
fn show(rank: usize, said: impl std::io::Read, mut to: impl Write) {
    let mut said = BufReader::new(said);
    let mut line = Vec::new();
    while said.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        let mut shown = format!("[{rank}] ").into_bytes();
        shown.append(&mut line);
        if !shown.ends_with(b"\n") {
            shown.push(b'\n');
        }
        // In one piece, so that lines of several do not mix.
        let _ = to.write_all(&shown).and_then(|()| to.flush());
    }
}

/// As shells have it: 128 and the number of the signal that ended a process.
fn code(ended: ExitStatus) -> u8 {
    let code = ended.code().or_else(|| ended.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// A failure is worse than a stop, and a stop than an end; of the same kind, the first rank's. A process that
/// a signal itself ended has made no checkpoint, and failed.
fn worst(ended: impl Iterator<Item = ExitStatus>) -> u8 {
    let severity = |ended: ExitStatus| match ended.code() {
        Some(0) => 0,
        Some(130 | 143) => 1,
        _ => 2,
    };
    ended.reduce(|worst, next| if severity(next) > severity(worst) { next } else { worst }).map_or(0, code)
}

/// The address of a rank's host.
fn address(rank: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, 0, rank as u8 + 1)
}

/// Hosts as network namespaces on one switch; they are taken down when this goes.
struct Network {
    /// How all the namespaces' names begin.
    prefix: String,
    size: usize,
}

impl Network {
    fn up(plan: &Plan) -> Result<Network> {
        remove_leftovers();
        let prefix = format!("{NAME}{}-", std::process::id());
        let network = Network { prefix, size: plan.size };
        for line in network.commands(plan.rate.as_deref()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let output = Command::new(words[0]).args(&words[1..]).output();
            let output = output.with_context(|| format!("cannot run {}", words[0]))?;
            let said = String::from_utf8_lossy(&output.stderr);
            ensure!(
                output.status.success(),
                "`{line}` failed ({}): hosts cannot be made here; --loopback wants none",
                said.lines().next().unwrap_or_default().trim()
            );
        }
        Ok(network)
    }

    /// What makes them, in order.
    fn commands(&self, rate: Option<&str>) -> Vec<String> {
        let Network { prefix, size } = self;
        let switch = format!("{prefix}sw");
        let mut commands = vec![
            format!("ip netns add {switch}"),
            format!("ip -n {switch} link add br0 type bridge"),
            format!("ip -n {switch} link set br0 up"),
        ];
        for rank in 0..*size {
            let (host, port, address) = (self.host(rank), format!("port{rank}"), address(rank));
            commands.extend([
                format!("ip netns add {host}"),
                format!("ip link add {port} netns {switch} type veth peer name eth0 netns {host}"),
                format!("ip -n {switch} link set {port} master br0 up"),
                format!("ip -n {host} addr add {address}/24 dev eth0"),
                format!("ip -n {host} link set eth0 up"),
                format!("ip -n {host} link set lo up"),
            ]);
            // Both ways: what the host sends, and what the switch sends it.
            if let Some(rate) = rate {
                let shaped = |name: &str, device: &str| {
                    format!(
                        "tc -n {name} qdisc add dev {device} root tbf rate {rate} burst 128kb latency 100ms"
                    )
                };
                commands.extend([shaped(&host, "eth0"), shaped(&switch, &port)]);
            }
        }
        commands
    }

    fn host(&self, rank: usize) -> String {
        format!("{}{rank}", self.prefix)
    }

    /// What runs a program on the host of a rank, which is called so there.
    fn on(&self, rank: usize, program: &OsStr) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.host(rank), "unshare", "--uts", "sh", "-c"]);
        command.arg(format!("hostname host{rank} && exec \"$@\"")).arg("sh").arg(program);
        command
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let hosts = (0..self.size).map(|rank| self.host(rank));
        hosts.chain([format!("{}sw", self.prefix)]).for_each(|name| remove(&name));
    }
}

/// Removes a namespace, if it is there.
fn remove(name: &str) {
    let _ = Command::new("ip").args(["netns", "del", name]).stderr(Stdio::null()).status();
}

/// Removes what was left by processes that were killed and are gone.
fn remove_leftovers() {
    let Ok(found) = std::fs::read_dir("/run/netns") else { return };
    let names = found.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    for name in names {
        let process = name.strip_prefix(NAME).and_then(|rest| rest.split('-').next());
        let is_gone = |process: &str| {
            process.bytes().all(|byte| byte.is_ascii_digit()) && !Path::new("/proc").join(process).exists()
        };
        if process.is_some_and(is_gone) {
            remove(&name);
        }
    }
}

#[cfg(test)]
#[path = "cluster_tests.rs"]
mod tests;
