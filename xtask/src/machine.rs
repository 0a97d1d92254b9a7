//! What the tasks know of the machine they run on, as a value, so that tests can make up machines of their
//! own.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// A machine: its environment variables and kind, and the checkout on it.
pub struct Machine {
    /// The environment variables of this process.
    pub vars: BTreeMap<OsString, OsString>,
    /// The root of the workspace.
    pub root: PathBuf,
    /// Operating system, as in [`std::env::consts::OS`]; `linux-musl` apart, since no libtorch is built for
    /// it.
    pub os: &'static str,
    /// Processor, as in [`std::env::consts::ARCH`].
    pub arch: &'static str,
    /// Whether an NVIDIA driver is there. Asked for only when it matters.
    pub has_nvidia_driver: fn() -> bool,
    /// How much room there is where a folder lies, if that can be told. Tests do not depend on the disk they
    /// run on.
    pub free_megabytes: fn(&Path) -> Option<u64>,
}

impl Machine {
    /// The machine this program runs on.
    pub fn this() -> Machine {
        Machine {
            vars: std::env::vars_os().collect(),
            root: root(std::env::var_os("CARGO_MANIFEST_DIR").as_deref()),
            os: if cfg!(target_env = "musl") { "linux-musl" } else { std::env::consts::OS },
            arch: std::env::consts::ARCH,
            has_nvidia_driver,
            free_megabytes,
        }
    }

    /// The value of an environment variable; empty counts as unset.
    pub fn var(&self, name: &str) -> Option<&OsStr> {
        let value = self.vars.get(OsStr::new(name))?;
        (!value.is_empty()).then_some(value)
    }

    /// Where a program is found: on `PATH`, or, given with a directory, as it stands; from every directory.
    pub fn find_program(&self, name: &OsStr) -> Option<PathBuf> {
        let found = match Path::new(name).components().count() {
            2.. => Some(PathBuf::from(name)).filter(|path| is_program(path)),
            _ => std::env::split_paths(self.var("PATH")?)
                .map(|folder| folder.join(name))
                .find(|path| is_program(path)),
        };
        found.and_then(|path| std::path::absolute(path).ok())
    }

    /// This project's folder in the user's cache directory.
    pub fn cache_dir(&self) -> Result<PathBuf> {
        // A relative XDG_CACHE_HOME is to be ignored, says the specification.
        let absolute = |name: &str| self.var(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home =
            || absolute("HOME").context("HOME is not set, so there is no cache directory for libtorch");
        let base = match self.os {
            "macos" => home()?.join("Library").join("Caches"),
            _ => match absolute("XDG_CACHE_HOME") {
                Some(folder) => folder,
                None => home()?.join(".cache"),
            },
        };
        Ok(base.join("birnn"))
    }
}

/// The root of the checkout that `cargo xtask` was called in: `manifest_dir` is what cargo says when it runs
/// this program. What was so when it was compiled is of another checkout where `target` was copied or is
/// shared.
fn root(manifest_dir: Option<&OsStr>) -> PathBuf {
    const HERE: &str = env!("CARGO_MANIFEST_DIR");
    // Another program's, where this one is run by hand from within it.
    let of_this = |folder: &&Path| folder.ends_with("xtask") && folder.join("Cargo.toml").is_file();
    let folder = manifest_dir.map(Path::new).filter(of_this).unwrap_or(Path::new(HERE));
    folder.parent().unwrap_or(folder).to_owned()
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

fn has_nvidia_driver() -> bool {
    if Path::new("/proc/driver/nvidia/version").exists() {
        return true;
    }
    // In containers and under WSL only the driver's library shows. ldconfig is rarely on a user's PATH.
    Command::new("/sbin/ldconfig")
        .arg("-p")
        .output()
        .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("libcuda.so.1"))
}

fn free_megabytes(folder: &Path) -> Option<u64> {
    let output = Command::new("df").arg("-Pk").arg(folder).output().ok()?;
    output.status.success().then(|| available(&String::from_utf8_lossy(&output.stdout)))?
}

/// The column "Available" of `df -Pk`, in megabytes, counted from the one with the percent sign, since names
/// may contain spaces.
fn available(df: &str) -> Option<u64> {
    let columns: Vec<&str> = df.lines().nth(1)?.split_whitespace().collect();
    let percent = columns.iter().position(|column| column.ends_with('%'))?;
    let kilobytes: u64 = columns.get(percent.checked_sub(1)?)?.parse().ok()?;
    Some(kilobytes * 1024 / 1_000_000)
}

/// Machines for tests.
#[cfg(test)]
pub mod made_up {
    use super::*;

    /// A Linux machine whose home, cache, `PATH` and checkout are folders in `dir`, with no program at all.
    pub fn machine(dir: &Path) -> Machine {
        for folder in ["home", "cache", "bin", "root/.cargo"] {
            std::fs::create_dir_all(dir.join(folder)).unwrap();
        }
        let vars = [("HOME", "home"), ("XDG_CACHE_HOME", "cache"), ("PATH", "bin")];
        Machine {
            vars: vars.map(|(name, folder)| (name.into(), dir.join(folder).into())).into(),
            root: dir.join("root"),
            os: "linux",
            arch: "x86_64",
            has_nvidia_driver: || false,
            free_megabytes: |_| None,
        }
    }

    /// Puts a shell script on the machine's `PATH`.
    pub fn add_program(dir: &Path, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = dir.join("bin").join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_the_checkout_that_cargo_runs_in() {
        let dir = tempfile::tempdir().unwrap();
        let other = dir.path().join("other/xtask");
        std::fs::create_dir_all(&other).unwrap();
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        assert_eq!(root(Some(other.as_os_str())), here, "no crate lies there");
        std::fs::write(other.join("Cargo.toml"), "").unwrap();
        assert_eq!(root(Some(other.as_os_str())), dir.path().join("other"));
        assert_eq!(root(Some(dir.path().as_os_str())), here);
        assert_eq!(root(None), here);
    }

    #[test]
    fn the_cache_is_where_each_system_keeps_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut machine = made_up::machine(dir.path());
        assert_eq!(machine.cache_dir().unwrap(), dir.path().join("cache/birnn"));
        machine.vars.insert("XDG_CACHE_HOME".into(), "relative".into());
        assert_eq!(machine.cache_dir().unwrap(), dir.path().join("home/.cache/birnn"));
        machine.os = "macos";
        assert_eq!(machine.cache_dir().unwrap(), dir.path().join("home/Library/Caches/birnn"));
        machine.vars.insert("HOME".into(), "".into());
        assert!(machine.cache_dir().unwrap_err().to_string().starts_with("HOME is not set"));
    }

    #[test]
    fn only_an_executable_file_is_a_program() {
        let dir = tempfile::tempdir().unwrap();
        let machine = made_up::machine(dir.path());
        made_up::add_program(dir.path(), "tool", "exit 0");
        std::fs::write(dir.path().join("bin/note"), "text").unwrap();
        assert_eq!(machine.find_program(OsStr::new("tool")), Some(dir.path().join("bin/tool")));
        assert_eq!(machine.find_program(OsStr::new("note")), None);
        assert_eq!(machine.find_program(OsStr::new("absent")), None);
        let with_folder = dir.path().join("bin/tool");
        assert_eq!(machine.find_program(with_folder.as_os_str()), Some(with_folder));
    }

    #[test]
    fn free_space_is_read_from_df() {
        let df = "Filesystem 1024-blocks Used Available Capacity Mounted on\n\
                  my disk 100 50 2000000 5% /mnt/my disk\n";
        assert_eq!(available(df), Some(2048));
        assert_eq!(available("Filesystem\n"), None);
        assert_eq!(available(""), None);
        assert!(free_megabytes(Path::new("/")).is_some());
        assert_eq!(free_megabytes(Path::new("/there/is/none")), None);
    }
}
