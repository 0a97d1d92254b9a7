//! This project's own copies of libtorch, one per flavour, in the user's cache directory.
//!
//! A copy is put together beside its final place and moved there when it is complete, so what has the final
//! name once was complete. Whether it still is, its manifest tells.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::libtorch::{self, Flavour, Tree, VERSION};
use crate::machine::Machine;
use crate::wheels::Wheels;
use crate::{manifest, prerequisites, python};

/// A copy that is being put together has a name that starts so.
const PARTIAL: &str = ".partial-";

/// Whether a copy was there, or has just been installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Was {
    There,
    Installed,
}

/// The copy of a flavour; installed first, unless an intact one is there.
pub fn obtain(machine: &Machine, flavour: Flavour) -> Result<(Tree, Was)> {
    let cache = machine.cache_dir()?;
    let copy = cache.join(folder_name(flavour));
    libtorch::check_name(&copy)?;
    // One that is whole needs no lock, and lies perhaps where nothing may be written: its name appears when
    // all is there.
    if let Ok(tree) = inspect(&copy, flavour, machine.os) {
        return Ok((tree, Was::There));
    }
    fs::create_dir_all(&cache).with_context(|| format!("cannot make {}", cache.display()))?;
    let lock = lock(&cache)?;
    let damage = match inspect(&copy, flavour, machine.os) {
        Ok(tree) => return Ok((tree, Was::There)),
        Err(damage) => copy.exists().then_some(damage),
    };

    let wheels = Wheels::of(machine.os, machine.arch, flavour)?;
    let python = python::find(machine)?.program;
    python::require_pip(&python)?;
    if let Some(damage) = damage {
        eprintln!("{} is damaged ({damage:#}): it is removed, and installed again", copy.display());
        remove(&copy)?;
    }
    clear_partial_copies(&cache)?;
    prerequisites::require_space(machine, &cache, wheels.while_installing)?;
    announce(&wheels, flavour, &copy);

    let partial = cache.join(format!("{PARTIAL}{}", std::process::id()));
    let put_together = wheels
        .fetch(&python, &partial, &lock)
        .and_then(|()| complete(&partial, flavour, machine.os))
        .and_then(|()| {
            fs::rename(&partial, &copy)
                .with_context(|| format!("cannot move {} to {}", partial.display(), copy.display()))
        });
    if put_together.is_err() {
        // Failing here too would hide why.
        let _ = fs::remove_dir_all(&partial);
    }
    put_together?;
    sync_folder(&cache);
    Ok((inspect(&copy, flavour, machine.os)?, Was::Installed))
}

/// Looks at a tree that a set-up recorded: any libtorch will do, but one of our own must be as it was
/// installed.
pub fn inspect_recorded(tree: &Path, os: &str) -> Result<Tree> {
    match (tree.parent(), flavour_of(tree)) {
        (Some(copy), Some(flavour)) => inspect(copy, flavour, os),
        _ => libtorch::inspect(tree, os),
    }
}

/// The flavour of the copy that a tree belongs to, by where it lies; none if the tree is somebody else's.
pub fn flavour_of(tree: &Path) -> Option<Flavour> {
    [Flavour::Cpu, Flavour::Cuda]
        .into_iter()
        .find(|&flavour| tree.ends_with(Path::new("birnn").join(folder_name(flavour)).join("torch")))
}

/// Whether this is a copy that belongs to this machine's cache.
pub fn is_own_copy(machine: &Machine, tree: &Path) -> bool {
    let is_in = |cache: PathBuf| {
        [Flavour::Cpu, Flavour::Cuda]
            .iter()
            .any(|&flavour| tree == cache.join(folder_name(flavour)).join("torch"))
    };
    machine.cache_dir().is_ok_and(is_in)
}

fn folder_name(flavour: Flavour) -> String {
    let suffix = match flavour {
        Flavour::Cpu => "cpu",
        Flavour::Cuda => "cu130",
    };
    format!("libtorch-{VERSION}-{suffix}")
}

fn inspect(copy: &Path, flavour: Flavour, os: &str) -> Result<Tree> {
    ensure!(copy.is_dir(), "{} is not there", copy.display());
    manifest::verify(copy, flavour)?;
    let tree = libtorch::inspect(&copy.join("torch"), os)?;
    ensure!(tree.flavour == flavour, "{} is a {} build", copy.display(), tree.flavour);
    Ok(tree)
}

/// Waits until no other set-up works in the cache. The lock ends with the last handle to the file.
fn lock(cache: &Path) -> Result<File> {
    let path = cache.join(".lock");
    let unlockable = || {
        format!(
            "cannot lock {}; XDG_CACHE_HOME names a folder that can be written, and locked",
            path.display()
        )
    };
    let file = File::create(&path).with_context(unlockable)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            eprintln!("waiting for another set-up, which works in {}", cache.display());
            file.lock().with_context(unlockable)?;
        }
        Err(TryLockError::Error(error)) => return Err(error).with_context(unlockable),
    }
    Ok(file)
}

/// Removes what interrupted set-ups left. Whoever makes a partial copy holds the lock, so those that lie here
/// while it is ours belong to nobody.
fn clear_partial_copies(cache: &Path) -> Result<()> {
    for path in entries(cache)? {
        let name = path.file_name().unwrap_or_default();
        if name.as_encoded_bytes().starts_with(PARTIAL.as_bytes()) {
            eprintln!("removing {}, left by a set-up that was interrupted", path.display());
            remove(&path)?;
        }
    }
    Ok(())
}

fn announce(wheels: &Wheels, flavour: Flavour, copy: &Path) {
    eprintln!(
        "Installing libtorch {VERSION} ({flavour} build), once for all checkouts, into {}:\n\
         about {} MB to download with pip, {} MB on disk; a minute on a fast line, longer on a slow one.",
        copy.display(),
        wheels.download,
        wheels.installed
    );
}

/// Makes what pip installed into a copy, down to the manifest.
fn complete(partial: &Path, flavour: Flavour, os: &str) -> Result<()> {
    prune(partial, flavour)?;
    let tree = libtorch::inspect(&partial.join("torch"), os)
        .context("what pip installed is not the libtorch that was asked for")?;
    ensure!(
        tree.flavour == flavour,
        "pip installed a {} build of libtorch, not the {flavour} build",
        tree.flavour
    );
    manifest::write(partial, flavour)
}

/// Removes what only Python needs, and from a CPU build what only CUDA needs. Licences stay.
fn prune(copy: &Path, flavour: Flavour) -> Result<()> {
    let torch = copy.join("torch");
    retain(copy, |name| {
        let licences =
            name.ends_with(".dist-info") && (name.starts_with("torch-") || name.starts_with("nvidia_"));
        licences || ["torch", "torch.libs", "nvidia"].contains(&name)
    })?;
    retain(&torch, |name| ["lib", ".dylibs", "include", "version.py"].contains(&name))?;
    retain(&torch.join("lib"), |name| {
        let for_cuda = name.starts_with("libtorch_cuda") || name.starts_with("libtorch_nvshmem");
        let for_python = name.starts_with("libtorch_python") || name.starts_with("torch_python");
        !for_python && (flavour == Flavour::Cuda || !for_cuda)
    })
}

/// Removes from a folder what is not to be kept.
fn retain(folder: &Path, keep: impl Fn(&str) -> bool) -> Result<()> {
    for path in entries(folder)? {
        if !path.file_name().and_then(OsStr::to_str).is_some_and(&keep) {
            remove(&path)?;
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .with_context(|| format!("cannot list {}", folder.display()))
}

fn remove(path: &Path) -> Result<()> {
    let removed = match path.is_dir() && !path.is_symlink() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    };
    removed.with_context(|| format!("cannot remove {}", path.display()))
}

/// Has the new name of a folder's entry survive a power cut. Not every system can; then it is installed
/// again.
fn sync_folder(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

#[cfg(test)]
#[path = "install_tests.rs"]
mod tests;
