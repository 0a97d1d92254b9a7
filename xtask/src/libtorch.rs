//! What a usable libtorch is: one of exactly the right version, complete, whose libraries find their own.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// The one version that the workspace's `tch` speaks.
pub const VERSION: &str = "2.11.0";

/// What a libtorch computes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// Processors only.
    Cpu,
    /// Processors and NVIDIA GPUs.
    Cuda,
}

impl fmt::Display for Flavour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Flavour::Cpu => "CPU",
            Flavour::Cuda => "CUDA",
        })
    }
}

/// A libtorch that passed [`inspect`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// The directory that holds `lib` and `include`; what `LIBTORCH` is set to.
    pub dir: PathBuf,
    /// What it computes on.
    pub flavour: Flavour,
}

impl Tree {
    /// Where its libraries are.
    pub fn lib(&self) -> PathBuf {
        self.dir.join("lib")
    }
}

/// Whether libraries can be loaded from a directory of this name.
pub fn check_name(dir: &Path) -> Result<()> {
    let text =
        dir.to_str().with_context(|| format!("{} is not UTF-8, which cargo asks for", dir.display()))?;
    ensure!(
        !text.contains(':'),
        "{text} contains a colon, which separates the directories that libraries are loaded from"
    );
    Ok(())
}

/// Looks whether `dir` holds a libtorch that birnn can be built with; the error says in one line what is
/// wrong.
pub fn inspect(dir: &Path, os: &str) -> Result<Tree> {
    let lib = dir.join("lib");
    let core = lib.join(core_library(os));
    ensure!(core.is_file(), "{} is missing", core.display());
    let header = dir.join("include/torch/csrc/api/include/torch/torch.h");
    ensure!(header.is_file(), "{} is missing", header.display());
    let version = version(dir)?;
    ensure!(
        is_wanted(&version),
        "{} is libtorch {version}, and birnn needs exactly {VERSION}",
        dir.display()
    );
    check_name(dir)?;

    // The test by which torch-sys decides to link the CUDA part.
    let cuda = Some(lib.join("libtorch_cuda.so")).filter(|path| path.is_file());
    for library in [Some(&core), cuda.as_ref()].into_iter().flatten() {
        let missing = missing_libraries(library, os);
        if !missing.is_empty() {
            bail!("{} does not find {}", library.display(), missing.join(", "));
        }
    }
    Ok(Tree { dir: dir.to_owned(), flavour: if cuda.is_some() { Flavour::Cuda } else { Flavour::Cpu } })
}

/// The library without which nothing is a libtorch.
pub fn core_library(os: &str) -> &'static str {
    match os {
        "macos" => "libtorch_cpu.dylib",
        _ => "libtorch_cpu.so",
    }
}

/// Reads the version from where each distribution keeps it: the archive in `build-version`, the wheel in
/// `version.py`.
fn version(dir: &Path) -> Result<String> {
    if let Ok(text) = fs::read_to_string(dir.join("build-version")) {
        return Ok(text.trim().to_owned());
    }
    fs::read_to_string(dir.join("version.py")).ok().and_then(|text| version_in_python(&text)).with_context(
        || format!("{} does not say its version, neither in build-version nor in version.py", dir.display()),
    )
}

/// `2.11.0+cu130` from the line `__version__ = '2.11.0+cu130'`.
fn version_in_python(text: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with("__version__"))?;
    let (_, value) = line.split_once('=')?;
    let version = value.trim().trim_matches(['\'', '"']);
    (!version.is_empty()).then(|| version.to_owned())
}

/// Whether a version is the wanted one; what follows a `+` only says how it was built.
fn is_wanted(version: &str) -> bool {
    version.split('+').next() == Some(VERSION)
}

/// What the loader would not find, were a program linked to `library` started.
///
/// A CUDA wheel needs the libraries of NVIDIA's wheels even for work on the CPU. Where there is no `ldd`, or
/// it cannot tell, nothing is missing: macOS's wheel brings all it needs.
fn missing_libraries(library: &Path, os: &str) -> Vec<String> {
    if os != "linux" {
        return Vec::new();
    }
    match Command::new("ldd").arg(library).output() {
        Ok(output) if output.status.success() => not_found(&String::from_utf8_lossy(&output.stdout)),
        _ => Vec::new(),
    }
}

/// The names that `ldd` marks `not found`. The driver's own library may be absent: only GPU work needs it.
fn not_found(ldd: &str) -> Vec<String> {
    let mut names: Vec<String> = ldd
        .lines()
        .filter(|line| line.ends_with("=> not found"))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|&name| name != "libcuda.so.1")
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Trees for tests.
#[cfg(test)]
pub mod made_up {
    use super::*;

    /// A folder that looks like a libtorch.
    pub fn tree(dir: &Path, version: &str, flavour: Flavour) {
        fs::create_dir_all(dir.join("lib")).unwrap();
        fs::create_dir_all(dir.join("include/torch/csrc/api/include/torch")).unwrap();
        fs::write(dir.join("lib/libtorch_cpu.so"), "core").unwrap();
        fs::write(dir.join("include/torch/csrc/api/include/torch/torch.h"), "header").unwrap();
        fs::write(dir.join("version.py"), format!("debug = False\n__version__ = '{version}'\n")).unwrap();
        if flavour == Flavour::Cuda {
            fs::write(dir.join("lib/libtorch_cuda.so"), "cuda").unwrap();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_pytorch_writes_them() {
        let text = "from typing import Optional\n\n__all__ = ['__version__', 'debug']\n\
                    __version__ = '2.11.0+cu130'\ndebug = False\n";
        assert_eq!(version_in_python(text).as_deref(), Some("2.11.0+cu130"));
        assert_eq!(version_in_python("__version__ = \"2.11.0\"").as_deref(), Some("2.11.0"));
        assert_eq!(version_in_python("version = '2.11.0'"), None);
        assert_eq!(version_in_python("__version__ = ''"), None);
    }

    #[test]
    fn only_the_very_version_is_wanted() {
        for version in ["2.11.0", "2.11.0+cpu", "2.11.0+cu130"] {
            assert!(is_wanted(version), "{version}");
        }
        for version in ["2.11.1", "2.11", "2.1.0", "12.11.0", "2.11.0a0+git70d99e9", "2.11.0.post1", ""] {
            assert!(!is_wanted(version), "{version}");
        }
    }

    fn problem(change: impl Fn(&Path)) -> String {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("torch");
        made_up::tree(&tree, "2.11.0", Flavour::Cpu);
        assert!(inspect(&tree, "linux").is_ok());
        change(&tree);
        inspect(&tree, "linux").unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_with_a_tree_is_said() {
        let remove = |name: &'static str| move |tree: &Path| fs::remove_file(tree.join(name)).unwrap();
        assert!(problem(remove("lib/libtorch_cpu.so")).ends_with("lib/libtorch_cpu.so is missing"));
        let header = "include/torch/csrc/api/include/torch/torch.h";
        assert!(problem(remove(header)).ends_with("torch.h is missing"));
        assert!(problem(remove("version.py")).contains("does not say its version"));
        let newer = problem(|tree| fs::write(tree.join("version.py"), "__version__ = '2.12.0'").unwrap());
        assert!(newer.ends_with("torch is libtorch 2.12.0, and birnn needs exactly 2.11.0"), "{newer}");
        // The archive's file outranks the wheel's.
        let older = problem(|tree| fs::write(tree.join("build-version"), "2.10.0+cpu\n").unwrap());
        assert!(older.contains("is libtorch 2.10.0+cpu,"), "{older}");
    }

    #[test]
    fn a_colon_in_the_path_is_refused_where_it_would_split_it() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("a:b");
        made_up::tree(&tree, "2.11.0", Flavour::Cpu);
        assert!(inspect(&tree, "linux").unwrap_err().to_string().contains("contains a colon"));
    }

    #[test]
    fn the_cuda_library_makes_the_flavour() {
        let dir = tempfile::tempdir().unwrap();
        for flavour in [Flavour::Cpu, Flavour::Cuda] {
            made_up::tree(dir.path(), "2.11.0+cu130", flavour);
            let expected = Tree { dir: dir.path().to_owned(), flavour };
            assert_eq!(inspect(dir.path(), "linux").unwrap(), expected);
        }
    }

    /// All that macOS does differently; there is no `ldd`, and the wheel needs no companions.
    #[test]
    fn on_macos_the_core_has_another_name() {
        let dir = tempfile::tempdir().unwrap();
        made_up::tree(dir.path(), "2.11.0", Flavour::Cpu);
        let error = inspect(dir.path(), "macos").unwrap_err().to_string();
        assert!(error.ends_with("lib/libtorch_cpu.dylib is missing"), "{error}");
        fs::rename(dir.path().join("lib/libtorch_cpu.so"), dir.path().join("lib/libtorch_cpu.dylib"))
            .unwrap();
        assert_eq!(inspect(dir.path(), "macos").unwrap().flavour, Flavour::Cpu);
    }

    #[test]
    fn companions_that_are_not_found_are_named_once() {
        let ldd = "\tlibc.so.6 => /lib/libc.so.6 (0x7f)\n\tlibcudart.so.13 => not found\n\
                   \tlibcupti.so.13 => not found\n\tlibcuda.so.1 => not found\n\
                   \tlibcudart.so.13 => not found\n";
        assert_eq!(not_found(ldd), ["libcudart.so.13", "libcupti.so.13"]);
        assert!(not_found("\tlinux-vdso.so.1 (0x7f)\n").is_empty());
    }
}
