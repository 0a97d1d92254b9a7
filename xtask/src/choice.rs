//! Which libtorch is used: the user's, the recorded one, Python's, or this project's own copy, in this order.

use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::install::{self, Was};
use crate::libtorch::{self, Flavour, Tree};
use crate::machine::Machine;
use crate::{cargo_config, python};

/// Where a chosen libtorch comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The user's `LIBTORCH`.
    Variable,
    /// What the last set-up recorded.
    Recorded,
    /// The PyTorch of the active Python.
    Python,
    /// This project's own copy.
    Copy(Was),
}

/// The recorded libtorch, unless the user's `LIBTORCH` overrules it; an error where it is broken.
///
/// This is all that a run needs once it is set up.
pub fn recorded(machine: &Machine) -> Option<Result<Tree>> {
    if users_own(machine).is_some() {
        return None;
    }
    let dir = cargo_config::recorded(&machine.root)?;
    Some(install::inspect_recorded(&dir, machine.os))
}

/// Chooses a libtorch, installing one if there is none.
pub fn choose(machine: &Machine, wanted: Option<Flavour>) -> Result<(Tree, Source)> {
    if let Some(dir) = users_own(machine) {
        return Ok((inspect_users_own(machine, dir, wanted)?, Source::Variable));
    }
    let before = cargo_config::recorded(&machine.root).and_then(|dir| install::flavour_of(&dir));
    match recorded(machine) {
        Some(Ok(tree)) if wanted.is_none_or(|wanted| tree.flavour == wanted) => {
            return Ok((tree, Source::Recorded));
        }
        Some(Err(problem)) => {
            eprintln!("the libtorch of the last set-up cannot be used any more: {problem:#}");
            // It may have come from there, and cargo would go on obeying the variable.
            if before.is_none() {
                eprintln!("choosing another one; if LIBTORCH is set in your shell, unset it");
            }
        }
        _ => {}
    }
    if let Some(tree) = of_python(machine, wanted) {
        return Ok((tree, Source::Python));
    }
    // A damaged copy is replaced by one of its kind, whoever asked for that once.
    let flavour = wanted.or(before).unwrap_or_else(|| default_flavour(machine));
    let (tree, was) = install::obtain(machine, flavour)?;
    Ok((tree, Source::Copy(was)))
}

/// What fits the machine, where the user says nothing.
fn default_flavour(machine: &Machine) -> Flavour {
    // pip has CUDA builds for Linux alone.
    match machine.os == "linux" && (machine.has_nvidia_driver)() {
        true => Flavour::Cuda,
        false => Flavour::Cpu,
    }
}

/// `LIBTORCH`, if the user set it.
///
/// Cargo sets it too, to what is recorded, before it starts this program. So a value that equals what is
/// recorded is nobody's wish, and neither is this machine's own copy, which a record that changed meanwhile
/// may have named.
fn users_own(machine: &Machine) -> Option<PathBuf> {
    let dir = PathBuf::from(machine.var("LIBTORCH")?);
    let of_cargo =
        install::is_own_copy(machine, &dir) || cargo_config::recorded(&machine.root).as_ref() == Some(&dir);
    (!of_cargo).then_some(dir)
}

fn inspect_users_own(machine: &Machine, dir: PathBuf, wanted: Option<Flavour>) -> Result<Tree> {
    let shown = dir.display();
    let way_out = "correct it, or unset LIBTORCH to have one found or installed";
    // Build scripts run elsewhere, where a relative path means another place.
    ensure!(dir.is_absolute(), "LIBTORCH={shown} is not an absolute path: {way_out}");
    let tree = libtorch::inspect(&dir, machine.os)
        .map_err(|problem| anyhow::anyhow!("LIBTORCH={shown} cannot be used ({problem:#}): {way_out}"))?;
    let fits = wanted.is_none_or(|wanted| tree.flavour == wanted);
    ensure!(fits, "LIBTORCH={shown} is a {} build, which is not what was asked for: {way_out}", tree.flavour);
    Ok(tree)
}

/// The active Python's PyTorch, if it can be used. One that cannot is no error: there are other ways.
fn of_python(machine: &Machine, wanted: Option<Flavour>) -> Option<Tree> {
    let torch = python::find(machine).ok()?.torch?;
    let usable = libtorch::inspect(&torch, machine.os).and_then(|tree| {
        let fits = wanted.is_none_or(|wanted| tree.flavour == wanted);
        ensure!(fits, "it is a {} build", tree.flavour);
        Ok(tree)
    });
    match usable {
        Ok(tree) => Some(tree),
        Err(problem) => {
            eprintln!("not using the PyTorch in {}: {problem:#}", torch.display());
            None
        }
    }
}

#[cfg(test)]
#[path = "choice_tests.rs"]
mod tests;
