//! The GPU kit as a folder: what lies in it, what must be so of its program, and its list of SHA-256.
//!
//! It has to run where there is no Rust and no checkout, on another system than it was packed on: so its
//! program is looked at for the libraries and the glibc that it asks for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// What a kit may take on disk.
pub const MOST: u64 = 62 << 20;
/// The list that `run` verifies first. `sha256sum --check` reads it too.
pub const SUMS: &str = "SHA256SUMS";

/// What every machine with libtorch has, and nothing else, the program may ask the loader for.
const LIBRARIES: [&str; 12] = [
    "ld-linux",
    "libc.so",
    "libc10",
    "libdl.so",
    "libgcc_s.so",
    "libgomp",
    "libm.so",
    "libpthread.so",
    "librt.so",
    "libstdc++.so",
    "libtorch.so",
    "libtorch_cpu.so",
];
/// Of a kit that is too large, so many files are named.
const NAMED: usize = 3;

/// Runs a program of the system's and gives what it printed; `package` is what to install where it is not
/// there.
pub fn output(command: &mut Command, package: &str) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| {
        format!("cannot run {name}: install it (Debian, Ubuntu: apt install {package}), and try again")
    })?;
    if !output.status.success() {
        let said =
            String::from_utf8_lossy(&output.stderr).trim().lines().last().unwrap_or_default().to_owned();
        bail!("{name} ended with {}: {said}", output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Looks whether a program runs beside any libtorch, wherever that lies; gives the glibc that it needs.
pub fn inspect(program: &Path) -> Result<String> {
    check_dynamic(&output(Command::new("readelf").arg("-d").arg(program), "binutils")?)?;
    let symbols = output(Command::new("objdump").arg("-T").arg(program), "binutils")?;
    newest_glibc(&symbols).with_context(|| format!("{} asks for no glibc", program.display()))
}

/// The dynamic section, as `readelf -d` prints it: known libraries, and no path that `LD_LIBRARY_PATH` could
/// not overrule.
fn check_dynamic(readelf: &str) -> Result<()> {
    for line in readelf.lines() {
        let value = line.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map(|(value, _)| value);
        match value {
            Some(library) if line.contains("(NEEDED)") => {
                ensure!(
                    LIBRARIES.iter().any(|known| library.starts_with(known)),
                    "the program needs {library}, which a machine with PyTorch need not have: link it in, or \
                     not at all"
                );
            }
            Some(path) if line.contains("(RPATH)") => bail!(
                "the program looks for libtorch in {path} first, whatever LD_LIBRARY_PATH says: link it with \
                 --enable-new-dtags"
            ),
            _ => {}
        }
    }
    Ok(())
}

/// The newest version of glibc among the symbols, as `objdump -T` prints them.
fn newest_glibc(objdump: &str) -> Option<String> {
    let versions = objdump.split("GLIBC_").skip(1).filter_map(|text| {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let numbers: Option<Vec<u32>> = text[..end].split('.').map(|part| part.parse().ok()).collect();
        numbers
    });
    let newest = versions.max()?;
    Some(newest.iter().map(u32::to_string).collect::<Vec<_>>().join("."))
}

/// The files of a kit, as paths from `folder` on, in order.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(within) = folders.pop() {
        let dir = folder.join(&within);
        for entry in fs::read_dir(&dir).with_context(|| format!("cannot list {}", dir.display()))? {
            let path = within.join(entry?.file_name());
            if folder.join(&path).is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    Ok(files)
}

/// Writes the list of the kit's files, last of all, and gives their size together; an error where that is
/// more than `most`.
pub fn seal(folder: &Path, most: u64) -> Result<u64> {
    let files = files(folder)?;
    let mut sizes = Vec::new();
    for path in &files {
        let file = folder.join(path);
        let size = file.metadata().with_context(|| format!("cannot find {}", file.display()))?.len();
        sizes.push((size, path.display().to_string()));
    }
    let total = sizes.iter().map(|(size, _)| size).sum();
    if total > most {
        sizes.sort_by(|a, b| b.cmp(a));
        let largest: Vec<String> =
            sizes.iter().take(NAMED).map(|(size, name)| format!("{name} {}", megabytes(*size))).collect();
        bail!(
            "the kit takes {}, more than {}: make its largest files smaller ({})",
            megabytes(total),
            megabytes(most),
            largest.join(", ")
        );
    }
    let sums = output(Command::new("sha256sum").current_dir(folder).arg("--").args(&files), "coreutils")?;
    let list = folder.join(SUMS);
    fs::write(&list, sums).with_context(|| format!("cannot write {}", list.display()))?;
    Ok(total)
}

/// A size as people read it.
pub fn megabytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

// Elsewhere there are other linkers, and no kit is packed.
#[cfg(test)]
#[cfg(target_os = "linux")]
#[path = "kit_tests.rs"]
mod tests;
