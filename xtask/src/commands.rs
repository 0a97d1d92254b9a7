//! What each command does: see to libtorch, then hand over to cargo.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};

use crate::choice::{self, Source};
use crate::install::Was;
use crate::libtorch::{Flavour, Tree, VERSION};
use crate::machine::Machine;
use crate::{cargo_config, prerequisites};

/// A request that makes no sense, as opposed to one that failed.
#[derive(Debug)]
pub struct Usage(String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// A [`Usage`] error.
pub fn usage(message: String) -> anyhow::Error {
    Usage(message).into()
}

/// `setup`: finds or installs libtorch, records it, and says which it is.
pub fn setup(machine: &Machine, args: &[OsString]) -> Result<ExitCode> {
    let (_, report) = set_up(machine, flavour(args)?)?;
    println!("{report}");
    for name in ["LIBTORCH_USE_PYTORCH", "LIBTORCH_BYPASS_VERSION_CHECK", "LIBTORCH_INCLUDE", "LIBTORCH_LIB"]
    {
        if machine.var(name).is_some() {
            eprintln!("note: {name} is set in your shell; plain cargo commands obey it, so unset it");
        }
    }
    println!("next: cargo xtask train configs/bilstm.toml");
    Ok(ExitCode::SUCCESS)
}

/// `train` and `sweep`: `birnn` with that command and these arguments.
pub fn train(machine: &Machine, command: &str, args: &[OsString]) -> Result<ExitCode> {
    let first = args.first().ok_or_else(|| {
        usage(format!("{command} wants an experiment file: cargo xtask {command} configs/bilstm.toml"))
    })?;
    // Better said now than after the first build.
    let is_option = first.as_encoded_bytes().starts_with(b"-");
    if !is_option && !Path::new(first).is_file() {
        return Err(usage(format!("{} is not a file", first.display())));
    }
    birnn(machine, [OsString::from(command)].iter().chain(args))
}

/// `run`: `birnn` with these arguments.
pub fn run(machine: &Machine, args: &[OsString]) -> Result<ExitCode> {
    let args = args.strip_prefix(&[OsString::from("--")]).unwrap_or(args);
    birnn(machine, args)
}

/// `test`: all tests and doc examples.
pub fn test(machine: &Machine, args: &[OsString]) -> Result<ExitCode> {
    let tree = ensure(machine)?;
    let mut cargo = cargo(machine, "test", Some(&tree));
    // Beside --workspace, a selection of packages would select nothing.
    let selects = |arg: &OsString| {
        let arg = arg.as_encoded_bytes();
        arg.starts_with(b"-p") || arg.starts_with(b"--package")
    };
    if !args.iter().take_while(|arg| *arg != "--").any(selects) {
        cargo.arg("--workspace");
    }
    // Each test runs in the folder of its package, where a relative path means another place.
    if let Some(Ok(folder)) = machine.var("BIRNN_DATA_DIR").map(std::path::absolute) {
        cargo.env("BIRNN_DATA_DIR", folder);
    }
    hand_over(cargo.args(args))
}

/// `torture`: runs killed, failed and damaged in every way, and what became of them.
pub fn torture(machine: &Machine, args: &[OsString]) -> Result<ExitCode> {
    become_program(machine, &["torture"], args)
}

/// `witness`: PyTorch and onnxruntime on what birnn writes, and the other way round.
pub fn witness(machine: &Machine, args: &[OsString]) -> Result<ExitCode> {
    become_program(machine, &["witness"], args)
}

/// `bench`: how quick training is on this machine. It answers `--help` itself, as it has options of its own.
pub fn bench(machine: &Machine, args: &[OsString]) -> Result<ExitCode> {
    become_program(machine, &["birnn-bench"], args)
}

/// `study`: what is said of nets that read both ways, measured; with what it starts.
pub fn study(machine: &Machine, args: &[OsString]) -> Result<ExitCode> {
    become_program(machine, &["birnn-study", "birnn", "birnn-torch", "birnn-bench"], args)
}

/// `load`: how many answers a server gives, and how soon; with what it starts.
pub fn load(machine: &Machine, args: &[OsString]) -> Result<ExitCode> {
    become_program(machine, &["birnn-load", "birnn"], args)
}

/// `check`: what must hold before a change is merged, cheapest first.
pub fn check(machine: &Machine) -> Result<ExitCode> {
    if !succeeds("format", cargo(machine, "fmt", None).args(["--all", "--check"]))? {
        return Ok(ExitCode::FAILURE);
    }
    let tree = ensure(machine)?;
    let mut clippy = cargo(machine, "clippy", Some(&tree));
    clippy.args(["--workspace", "--all-targets", "--", "-D", "warnings"]);
    let mut doc = cargo(machine, "doc", Some(&tree));
    doc.args(["--workspace", "--no-deps"]).env("CARGO_ENCODED_RUSTDOCFLAGS", doc_flags(machine, &tree)?);
    let all_is_well = succeeds("lints", &mut clippy)? && succeeds("docs", &mut doc)?;
    Ok(if all_is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What `setup`'s only option asks for.
fn flavour(args: &[OsString]) -> Result<Option<Flavour>> {
    match args {
        [] => Ok(None),
        [arg] if arg == "--cpu" => Ok(Some(Flavour::Cpu)),
        [arg] if arg == "--cuda" => Ok(Some(Flavour::Cuda)),
        _ => Err(usage("setup takes --cpu or --cuda, or nothing".to_owned())),
    }
}

/// Sees to it that there is a libtorch, and says nothing if there was one.
pub(crate) fn ensure(machine: &Machine) -> Result<Tree> {
    if let Some(Ok(tree)) = choice::recorded(machine) {
        return Ok(tree);
    }
    let (tree, report) = set_up(machine, None)?;
    eprintln!("{report}");
    Ok(tree)
}

/// Chooses and records a libtorch; with it comes what there is to tell about it.
fn set_up(machine: &Machine, wanted: Option<Flavour>) -> Result<(Tree, String)> {
    prerequisites::require_compiler(machine)?;
    let (tree, source) = choice::choose(machine, wanted)?;
    let changed = cargo_config::record(&machine.root, &tree)?;
    let origin = match source {
        Source::Variable => "from LIBTORCH",
        Source::Recorded => "as set up before",
        Source::Python => "the active Python's",
        Source::Copy(Was::There) => "from the cache",
        Source::Copy(Was::Installed) => "just installed",
    };
    let mut report = format!("libtorch {VERSION}, {} build, {origin}: {}", tree.flavour, tree.dir.display());
    if changed {
        report.push_str(
            "\nrecorded in .cargo/libtorch.toml; the first build with it compiles the C++ bindings: about \
             five minutes on two cores, once",
        );
    }
    let asked = wanted.is_some() || source == Source::Variable;
    if !asked && machine.os == "linux" && tree.flavour == Flavour::Cpu && (machine.has_nvidia_driver)() {
        report.push_str(
            "\nan NVIDIA driver is here: `cargo xtask setup --cuda` changes to a build that uses the GPU",
        );
    }
    Ok((tree, report))
}

/// What users start, and `birnn-torch`, which it becomes and which lies beside it.
const BIRNN: [&str; 2] = ["birnn", "birnn-torch"];

fn birnn<'a>(machine: &Machine, args: impl IntoIterator<Item = &'a OsString>) -> Result<ExitCode> {
    become_program(machine, &BIRNN, args)
}

/// Builds these programs, and becomes the first. It runs where the user is, so that paths mean what the user
/// means.
pub(crate) fn become_program<'a>(
    machine: &Machine,
    names: &[&str],
    args: impl IntoIterator<Item = &'a OsString>,
) -> Result<ExitCode> {
    let tree = ensure(machine)?;
    hand_over(just_built(machine, &tree, names)?.args(args))
}

/// `birnn`, just built.
pub(crate) fn program(machine: &Machine, tree: &Tree) -> Result<Command> {
    just_built(machine, tree, &BIRNN)
}

fn just_built(machine: &Machine, tree: &Tree, names: &[&str]) -> Result<Command> {
    let mut command = Command::new(build(machine, tree, names)?);
    if let Some((name, folders)) = library_path(machine, tree) {
        command.env(name, folders);
    }
    Ok(command)
}

/// Builds `birnn` and `birnn-torch`, and says where `birnn` is.
pub(crate) fn build_programs(machine: &Machine, tree: &Tree) -> Result<PathBuf> {
    build(machine, tree, &BIRNN)
}

/// Builds these programs of the workspace, and says where the first is.
///
/// Of the whole workspace, and not by cargo's `run`: a library that one package asks less of than the tests
/// do would be compiled again for it, and with it all that stands on it.
fn build(machine: &Machine, tree: &Tree, names: &[&str]) -> Result<PathBuf> {
    let mut build = cargo(machine, "build", Some(tree));
    build.args(["--workspace", "--message-format=json-render-diagnostics"]);
    build.args(names.iter().flat_map(|name| ["--bin", name]));
    let output = build.stderr(Stdio::inherit()).output().with_context(|| cannot_run(&build))?;
    let (status, name) = (output.status, names[0]);
    anyhow::ensure!(status.success(), "{name} was not built (cargo ended with {status}): see above");
    executable(&String::from_utf8_lossy(&output.stdout), name)
        .with_context(|| format!("cargo does not say where {name} is"))
}

/// The program of this name, among the messages of cargo's.
fn executable(messages: &str, name: &str) -> Option<PathBuf> {
    let rests = messages.split("\"executable\":\"").skip(1);
    let paths = rests.filter_map(|rest| Some(Path::new(rest.split_once('"')?.0)));
    let path = paths.into_iter().find(|path| path.ends_with(name))?;
    (!path.as_os_str().as_encoded_bytes().contains(&b'\\')).then(|| path.into())
}

/// A cargo command on this workspace that finds the libtorch, just as plain cargo will by
/// `.cargo/libtorch.toml`.
///
/// The variables that build scripts look at must have the same values in both, or they would run again each
/// time one follows the other, and compile for minutes.
pub(crate) fn cargo(machine: &Machine, command: &str, tree: Option<&Tree>) -> Command {
    let mut cargo = Command::new(machine.var("CARGO").unwrap_or(OsStr::new("cargo")));
    if !is_inside(&machine.root) {
        // cargo reads the configuration of where it is started.
        cargo.arg("--config").arg(machine.root.join(".cargo/config.toml"));
    }
    cargo.arg(command).arg("--manifest-path").arg(machine.root.join("Cargo.toml"));
    for name in machine.vars.keys().filter(|name| is_of_this_crate(name)) {
        cargo.env_remove(name);
    }
    let Some(tree) = tree else { return cargo };
    for name in machine.vars.keys() {
        // Two of these act by being there at all, others point elsewhere.
        if name.as_encoded_bytes().starts_with(b"LIBTORCH_") {
            cargo.env_remove(name);
        }
    }
    cargo.env("LIBTORCH", &tree.dir);
    if let Some((name, folders)) = library_path(machine, tree) {
        cargo.env(name, folders);
    }
    cargo
}

/// Whether cargo set a variable for this very program; as ring's, some build scripts look at such.
fn is_of_this_crate(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    [&b"CARGO_PKG_"[..], b"CARGO_MANIFEST_", b"CARGO_BIN_", b"CARGO_CRATE_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

fn is_inside(root: &Path) -> bool {
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    matches!((here, root.canonicalize()), (Ok(here), Ok(root)) if here.starts_with(&root))
}

/// The variable by which the loader finds libtorch where no rpath says so, as the user's flags replace the
/// recorded ones.
fn library_path(machine: &Machine, tree: &Tree) -> Option<(&'static str, OsString)> {
    let flags = ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTDOCFLAGS", "CARGO_ENCODED_RUSTDOCFLAGS"];
    if !flags.iter().any(|name| machine.vars.contains_key(OsStr::new(name))) {
        return None;
    }
    search_path(machine, tree)
}

/// The variable by which the loader finds libtorch, whatever the program was linked with.
pub(crate) fn search_path(machine: &Machine, tree: &Tree) -> Option<(&'static str, OsString)> {
    let name = if machine.os == "macos" { "DYLD_LIBRARY_PATH" } else { "LD_LIBRARY_PATH" };
    let before = machine.var(name).into_iter().flat_map(std::env::split_paths);
    let folders = std::iter::once(tree.lib()).chain(before);
    // It fails on a folder with the separator in its name, which `inspect` refuses.
    Some((name, std::env::join_paths(folders).ok()?))
}

/// The recorded flags and the user's, and every warning an error.
fn doc_flags(machine: &Machine, tree: &Tree) -> Result<String> {
    let mut flags = cargo_config::rpath(tree)?;
    if let Some(own) = machine.var("RUSTDOCFLAGS") {
        flags.extend(own.to_string_lossy().split_whitespace().map(str::to_owned));
    }
    flags.push("-Dwarnings".to_owned());
    Ok(flags.join("\u{1f}"))
}

pub(crate) fn succeeds(title: &str, command: &mut Command) -> Result<bool> {
    eprintln!("== {title}");
    Ok(command.status().with_context(|| cannot_run(command))?.success())
}

/// Ends this program in favour of another one, so that signals and the exit code are the other's.
fn hand_over(command: &mut Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    Err(command.exec()).with_context(|| cannot_run(command))
}

fn cannot_run(command: &Command) -> String {
    format!("cannot run {}", command.get_program().display())
}

#[cfg(test)]
#[path = "commands_tests.rs"]
mod tests;
