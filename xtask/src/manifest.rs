//! The list of files that makes an installed copy of libtorch complete, and the check against it.
//!
//! A text file: one line that says what the copy is, then each file's size and path. It is written last, so a
//! copy without one was never finished, and a copy that differs from it was damaged afterwards.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::libtorch::{Flavour, VERSION};

/// The manifest's name within a copy.
pub const FILE: &str = "manifest.txt";

/// Folders of a copy that libraries lie in; the latter two are of some systems' wheels.
const LIBRARIES: [&str; 3] = ["lib", "torch.libs", ".dylibs"];

/// Lists all that lies in `copy` and writes the manifest to disk, after the libraries.
pub fn write(copy: &Path, flavour: Flavour) -> Result<()> {
    let mut paths = Vec::new();
    list(copy, Path::new(""), &mut paths)?;
    paths.sort();
    let mut text = header(flavour, paths.len());
    for path in &paths {
        let file = copy.join(path);
        // A power cut must not leave a library of the right size and no content behind a finished manifest.
        if path.components().any(|part| LIBRARIES.iter().any(|folder| part.as_os_str() == *folder)) {
            fs::File::open(&file)
                .and_then(|opened| opened.sync_all())
                .with_context(|| format!("cannot write {} to disk", file.display()))?;
        }
        let size = size(&file)?;
        let path = path.to_str().with_context(|| format!("{} is not UTF-8", file.display()))?;
        text.push_str(&format!("{size} {path}\n"));
    }
    let manifest = copy.join(FILE);
    fs::File::create(&manifest)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .with_context(|| format!("cannot write {}", manifest.display()))
}

/// Checks that every file of the manifest is there, in its full size. The error names the first that is not.
///
/// Only sizes are looked at, so this costs milliseconds and can be done on every run.
pub fn verify(copy: &Path, flavour: Flavour) -> Result<()> {
    let manifest = copy.join(FILE);
    let text =
        fs::read_to_string(&manifest).with_context(|| format!("cannot read {}", manifest.display()))?;
    let files: Vec<&str> = text.lines().skip(1).collect();
    ensure!(
        text.starts_with(&header(flavour, files.len())) && text.ends_with('\n'),
        "{} is not the list of a complete {flavour} copy of libtorch {VERSION}",
        manifest.display()
    );
    for line in files {
        let Some((expected, path)) = line.split_once(' ') else {
            bail!("{} has the broken line `{line}`", manifest.display());
        };
        let file = copy.join(path);
        let found = size(&file)?;
        ensure!(
            found.to_string() == expected,
            "{} has {found} bytes, and should have {expected}",
            file.display()
        );
    }
    Ok(())
}

fn header(flavour: Flavour, files: usize) -> String {
    format!("libtorch {VERSION} {flavour}, {files} files\n")
}

fn size(file: &Path) -> Result<u64> {
    let data = fs::metadata(file).with_context(|| format!("cannot find {}", file.display()))?;
    Ok(data.len())
}

/// Collects the files under `copy/folder`, as paths from `copy` on.
fn list(copy: &Path, folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    let dir = copy.join(folder);
    for entry in fs::read_dir(&dir).with_context(|| format!("cannot list {}", dir.display()))? {
        let path = folder.join(entry?.file_name());
        if copy.join(&path).is_dir() {
            list(copy, &path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A copy with a manifest, changed by `damage`: what the check says of it.
    fn after(damage: impl Fn(&Path)) -> Result<()> {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in [("torch/lib/liba.so", "12345"), ("torch/include/a b.h", "1"), ("note", "")] {
            fs::create_dir_all(dir.path().join(path).parent().unwrap()).unwrap();
            fs::write(dir.path().join(path), text).unwrap();
        }
        write(dir.path(), Flavour::Cpu).unwrap();
        damage(dir.path());
        verify(dir.path(), Flavour::Cpu)
    }

    fn problem(damage: impl Fn(&Path)) -> String {
        format!("{:#}", after(damage).unwrap_err())
    }

    #[test]
    fn a_whole_copy_passes() {
        after(|_| ()).unwrap();
        // What came later is nobody's damage.
        after(|copy| fs::write(copy.join("extra"), "x").unwrap()).unwrap();
    }

    #[test]
    fn a_missing_or_cut_file_is_named() {
        let lib = "torch/lib/liba.so";
        assert!(problem(|copy| fs::remove_file(copy.join(lib)).unwrap()).contains("liba.so"));
        let cut = problem(|copy| fs::write(copy.join(lib), "123").unwrap());
        assert!(cut.ends_with("liba.so has 3 bytes, and should have 5"), "{cut}");
        assert!(problem(|copy| fs::remove_file(copy.join("torch/include/a b.h")).unwrap()).contains("a b.h"));
    }

    #[test]
    fn no_manifest_or_half_a_one_is_no_copy() {
        assert!(problem(|copy| fs::remove_file(copy.join(FILE)).unwrap()).contains("cannot read"));
        let text = |copy: &Path| fs::read_to_string(copy.join(FILE)).unwrap();
        // Cut after a line, within a line, and within the header.
        for keep in [40, 31, 5] {
            let cut = problem(|copy| fs::write(copy.join(FILE), &text(copy)[..keep]).unwrap());
            assert!(cut.contains("is not the list of a complete CPU copy"), "{cut}");
        }
    }

    #[test]
    fn a_copy_of_the_other_flavour_is_not_this_one() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), Flavour::Cuda).unwrap();
        assert!(verify(dir.path(), Flavour::Cpu).is_err());
        verify(dir.path(), Flavour::Cuda).unwrap();
    }
}
