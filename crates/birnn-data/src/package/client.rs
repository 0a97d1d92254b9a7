//! pip and npm, asked for one package's archive, and held to limits.
//!
//! A shell stands between birnn and the client. It reads from birnn, notices its end, and kills the group.
//! The other way, a signal that the system sends to a child whose parent dies, is Linux's alone and takes
//! `unsafe`.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::elsewhere::{Client, Package};
use crate::fetch::one_line;

/// What a client is held to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Without anything new on the disk. An index that has to fetch the package itself first takes its time.
    pub(crate) idle: Duration,
    /// From start to end.
    pub(crate) whole: Duration,
    /// Bytes that it may have in the folder at a time: the package, and with npm its cache.
    pub(crate) bytes: u64,
    /// Variables that it has besides the user's; a test's settings of an index.
    pub(crate) variables: &'static [(&'static str, &'static str)],
}

pub(crate) const LIMITS: Limits = Limits {
    idle: Duration::from_secs(60),
    whole: Duration::from_secs(15 * 60),
    bytes: 256 << 20,
    variables: &[],
};

const POLL: Duration = Duration::from_millis(50);
/// What a shell says of a program that is not there.
const NOT_FOUND: i32 = 127;
/// Of what a client has to say.
const LONGEST_ANSWER: usize = 300;

/// Fetches the archive of `package` into `room`, where the client also keeps what it needs meanwhile. The
/// error is what the client answers, in one line.
pub(super) fn fetch(
    package: &Package,
    room: &Path,
    limits: &Limits,
    received: &mut dyn FnMut(u64),
) -> Result<PathBuf, String> {
    let room = std::path::absolute(room).map_err(|error| error.to_string())?;
    let into = room.join("package");
    ask(package.client, &arguments(package, &room, &into), &into, &room, limits, received)?;
    result(package.client, &into)
}

/// Whether `client` is there. The error is what keeps it from working, in one line.
pub(crate) fn check(client: Client, limits: &Limits) -> Result<(), String> {
    let room = tempfile::tempdir().map_err(|error| error.to_string())?;
    let words: &[&str] = match client {
        Client::Pip => &["-m", "pip", "--version"],
        Client::Npm => &["--version"],
    };
    let arguments: Vec<OsString> = words.iter().map(OsString::from).collect();
    ask(client, &arguments, &room.path().join("package"), room.path(), limits, &mut |_| ())
}

/// Runs the client in the folder `at`, which is made in `room`.
fn ask(
    client: Client,
    arguments: &[OsString],
    at: &Path,
    room: &Path,
    limits: &Limits,
    received: &mut dyn FnMut(u64),
) -> Result<(), String> {
    let temporary = room.join("tmp");
    for folder in [at, &temporary] {
        std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    }
    if client == Client::Npm {
        // Otherwise the folders above are searched for a project, whose settings would count, whoever made
        // them.
        std::fs::write(at.join("package.json"), "{}").map_err(|error| error.to_string())?;
    }
    let programs = programs(client, std::env::var_os("PYTHON"));
    for program in &programs {
        let mut command = guarded(program, arguments);
        command
            // Otherwise a file pip.py where the user happens to be would run instead; and an npm that does
            // not know of destinations leaves the archive where it runs.
            .current_dir(at)
            .envs(["TMPDIR", "TEMP", "TMP"].map(|name| (name, &temporary)))
            // Settings of the user's that make sense for a Python environment; nothing is installed here.
            .envs([("PIP_USER", "0"), ("PIP_REQUIRE_VIRTUALENV", "0")])
            .envs(limits.variables.iter().copied());
        let (status, said) = run(command, room, limits, received)?;
        match status.code() {
            Some(0) => return Ok(()),
            Some(NOT_FOUND) => (),
            _ => return Err(complaint(client, &said).unwrap_or_else(|| status.to_string())),
        }
    }
    let names: Vec<_> = programs.iter().map(crate::name::text).collect();
    Err(format!("not installed: no {}", names.join(" or ")))
}

/// What may run the client, the first that is there. A Python that the user chose is not replaced.
fn programs(client: Client, python: Option<OsString>) -> Vec<OsString> {
    match (client, python.filter(|name| !name.is_empty())) {
        // A path, and not a name to be looked for, is meant from where the user is.
        (Client::Pip, Some(path)) if Path::new(&path).components().count() > 1 => {
            vec![std::path::absolute(&path).map_or(path, PathBuf::into_os_string)]
        }
        (Client::Pip, Some(name)) => vec![name],
        (Client::Pip, None) => ["python3", "python"].map(OsString::from).into(),
        (Client::Npm, _) => vec!["npm".into()],
    }
}

/// The settings here are about trying again: a machine without an index is to be told from one in seconds.
/// npm would wait 70 of them. Its cache is in `room`, so that its progress can be seen and nothing of it is
/// left.
fn arguments(package: &Package, room: &Path, into: &Path) -> Vec<OsString> {
    let Package { client, name, version, .. } = package;
    let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
    match client {
        Client::Pip => [
            words(&["-m", "pip", "download", "--no-input", "--disable-pip-version-check", "--retries", "1"]),
            words(&["--progress-bar", "off", "--no-deps", "--only-binary=:all:", "--dest"]),
            vec![into.into(), format!("{name}=={version}").into()],
        ]
        .concat(),
        Client::Npm => [
            words(&["pack", "--ignore-scripts", "--fetch-retries=1", "--fetch-retry-mintimeout=1000"]),
            words(&["--update-notifier=false", "--cache"]),
            vec![room.join("cache").into(), "--pack-destination".into(), into.into()],
            vec![format!("{name}@{version}").into()],
        ]
        .concat(),
    }
}

/// A command that ends with this process, however that ends: whoever waits for an input that never comes
/// notices its end, and kills all that was started. All are in one group, so that they can be killed
/// together.
fn guarded(program: &OsStr, arguments: &[OsString]) -> Command {
    use std::os::unix::process::CommandExt;

    const GUARD: &str = "exec 3<&0; \"$@\" 3<&- </dev/null & client=$!; \
                         { read -r _ <&3; kill -9 0; } >/dev/null 2>&1 & wait \"$client\"";
    let mut command = Command::new("/bin/sh");
    command.args(["-c", GUARD, "sh"]).arg(program).args(arguments).stdin(Stdio::piped()).process_group(0);
    command
}

/// A client that is running. It does not outlive this.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw) {
            // Those that are left of it: what it started, and the one who waits.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a command to its end, and returns what it said on standard error besides; or kills it.
fn run(
    mut command: Command,
    room: &Path,
    limits: &Limits,
    received: &mut dyn FnMut(u64),
) -> Result<(ExitStatus, String), String> {
    let path = room.join("said");
    let said = File::create(&path).map_err(|error| error.to_string())?;
    let spawned = command.stdout(Stdio::null()).stderr(said).spawn();
    let mut running = Running(spawned.map_err(|error| error.to_string())?);
    let start = Instant::now();
    let (mut bytes, mut changed) = (0, start);
    loop {
        if let Some(status) = running.0.try_wait().map_err(|error| error.to_string())? {
            let mut text = Vec::new();
            let said = File::open(&path).map(|file| file.take(1 << 20).read_to_end(&mut text));
            said.and_then(|read| read).map_err(|error| error.to_string())?;
            return Ok((status, String::from_utf8_lossy(&text).into_owned()));
        }
        let now = size(room);
        if now > limits.bytes {
            return Err(format!("more than the {} bytes that such a package may have", limits.bytes));
        }
        if now != bytes {
            (bytes, changed) = (now, Instant::now());
            received(bytes);
        }
        if changed.elapsed() > limits.idle {
            return Err(format!("nothing came for {} s, so that it was ended", limits.idle.as_secs_f32()));
        }
        if start.elapsed() > limits.whole {
            return Err(format!("not done after {} s, so that it was ended", limits.whole.as_secs_f32()));
        }
        std::thread::sleep(POLL);
    }
}

/// Bytes of all files in a folder.
fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => size(&entry.path()),
        _ => entry.metadata().map_or(0, |metadata| metadata.len()),
    });
    sizes.sum()
}

/// The one archive in the folder that the client was to put it into.
fn result(client: Client, folder: &Path) -> Result<PathBuf, String> {
    let extension = match client {
        Client::Pip => "whl",
        Client::Npm => "tgz",
    };
    let entries = std::fs::read_dir(folder).map_err(|error| error.to_string())?;
    let archives: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_file() && path.extension().is_some_and(|found| found == extension))
        .collect();
    match <[PathBuf; 1]>::try_from(archives) {
        Ok([archive]) => Ok(archive),
        Err(archives) => Err(format!("it brought {} archives, not one", archives.len())),
    }
}

/// What of all that a client said tells best why it failed: pip's last line, and npm's first that is no code
/// and no line of its own source.
fn complaint(client: Client, said: &str) -> Option<String> {
    let lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = match client {
        Client::Pip => {
            let last = lines.clone().next_back()?.trim_start_matches("ERROR: ").to_owned();
            // What pip says in the end is that it found nothing, also where it reached nobody.
            let broken = lines.filter_map(|line| line.split_once("connection broken by ")).next_back();
            let broken = broken.map(|(_, reason)| reason.rsplit_once(">: ").map_or(reason, |(_, end)| end));
            match broken {
                Some(reason) => format!("{last}: {}", reason.split("')").next().unwrap_or(reason)),
                None => last,
            }
        }
        Client::Npm => {
            const CODES: [&str; 5] = ["code ", "syscall ", "errno ", "at ", "A complete log"];
            let strip = |line: &'_ str| -> String {
                let line = line.strip_prefix("npm").map_or(line, str::trim_start);
                ["error", "ERR!"]
                    .iter()
                    .find_map(|word| line.strip_prefix(word))
                    .unwrap_or(line)
                    .trim()
                    .to_owned()
            };
            let told = lines.filter(|line| !line.starts_with("npm warn") && !line.starts_with("npm WARN"));
            let mut told = told.map(strip).filter(|line| line.contains(' '));
            told.find(|line| !CODES.iter().any(|code| line.starts_with(code)))?
        }
    };
    let line = one_line(&line);
    Some(match line.char_indices().nth(LONGEST_ANSWER) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    })
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
