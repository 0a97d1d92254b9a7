//! Tools for another processor from Debian's packages, unpacked into the cache folder; from Ubuntu's, too,
//! where the active compiler has the other machine's library, which Ubuntu does not package.
//!
//! Nothing is installed: apt works on lists and a cache of its own there, so that no rights are needed and
//! the machine stays as it is. What the packages need of others is taken from the machine where it is
//! installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::cross::{TARGET, Tools};
use crate::kit::output;
use crate::machine::Machine;

/// gcc, what it links to, and the emulator, with all that they need.
const GCC_AND_QEMU: [&str; 3] = ["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross", "qemu-user-static"];
/// Debian's current compiler, kept for its web browsers; it brings this machine's standard library.
const RUST: &str = "rustc-web";
/// The other machine's, for the same compiler. It is linked to and never run here: without its needs.
const RUST_LIBRARY: &str = "libstd-rust-web-dev:arm64";
/// Written last: what has it is complete.
const COMPLETE: &str = "complete";

/// The tools, from the cache folder; fetched first, unless they are there. The error says why they cannot be.
pub fn fetched(machine: &Machine, has_rust: bool) -> Result<Tools> {
    ensure!(machine.arch == "x86_64", "packages are fetched on x86-64 alone");
    for program in ["apt-get", "dpkg-deb"] {
        ensure!(
            machine.find_program(program.as_ref()).is_some(),
            "there is no {program} to fetch packages with"
        );
    }
    let cache = machine.cache_dir()?;
    let folder = cache.join(if has_rust { "cross-aarch64" } else { "cross-aarch64-rust" });
    if !folder.join(COMPLETE).is_file() {
        let size = if has_rust { 120 } else { 300 };
        eprintln!("fetching tools for aarch64, once, into {}: {size} MB to download", folder.display());
        // What an interrupted call left.
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("{} cannot be removed", folder.display()))?;
        }
        fetch(&folder, has_rust)?;
        fs::write(folder.join(COMPLETE), "")
            .with_context(|| format!("{} cannot be written", folder.display()))?;
    }
    let root = folder.join("root");
    let qemu = ["usr/bin/qemu-aarch64-static", "usr/bin/qemu-aarch64"].map(|name| root.join(name));
    Ok(Tools {
        rustc: (!has_rust).then(|| folder.join("rustc")),
        gcc: folder.join("aarch64-linux-gnu-gcc"),
        qemu: qemu.into_iter().find(|path| path.is_file()).context("the packages have no qemu-aarch64")?,
        libraries: root.join("usr/aarch64-linux-gnu"),
    })
}

/// Downloads and unpacks.
fn fetch(folder: &Path, has_rust: bool) -> Result<()> {
    let (lists, packages, root) = (folder.join("lists"), folder.join("packages"), folder.join("root"));
    let cache = folder.join("cache");
    for folder in [&lists.join("partial"), &cache.join("archives/partial"), &packages, &root] {
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    let apt = |args: &[&str]| {
        let mut apt = Command::new("apt-get");
        apt.current_dir(&packages).env("LC_ALL", "C").arg("-q");
        // Only the library is the other machine's, and not every archive has both.
        let machines = if has_rust { "amd64" } else { "amd64,arm64" };
        apt.arg(format!("-oAPT::Architectures={machines}"));
        apt.args(["-oDebug::NoLocking=1", "-oAPT::Sandbox::User="]);
        // Where no server answers, that is soon to be known.
        apt.args(["-oAcquire::Retries=0", "-oAcquire::http::Timeout=20", "-oAcquire::https::Timeout=20"]);
        for (name, folder) in [("-oDir::State::Lists=", &lists), ("-oDir::Cache=", &cache)] {
            let mut option = std::ffi::OsString::from(name);
            option.push(folder);
            apt.arg(option);
        }
        output(apt.args(args), "apt")
    };
    apt(&["update"])?;
    let mut wanted = GCC_AND_QEMU.to_vec();
    if !has_rust {
        wanted.push(RUST);
    }
    let simulated = apt(&[&["install", "--simulate", "--no-install-recommends"], &wanted[..]].concat())?;
    let mut names = needed(&simulated);
    if !has_rust {
        names.push(RUST_LIBRARY);
    }
    apt(&[&["download"], &names[..]].concat())?;
    for entry in
        fs::read_dir(&packages).with_context(|| format!("{} cannot be listed", packages.display()))?
    {
        let package = entry?.path();
        output(Command::new("dpkg-deb").arg("-x").arg(&package).arg(&root), "dpkg")?;
    }
    fs::remove_dir_all(&packages).with_context(|| format!("{} cannot be removed", packages.display()))?;
    for folder in [&lists, &cache] {
        fs::remove_dir_all(folder).with_context(|| format!("{} cannot be removed", folder.display()))?;
    }
    prune(&root.join("usr/bin"))?;
    // Absolute names in the linker's scripts are looked for in there, and headers where Debian has them.
    let headers = quoted(&root.join("usr/aarch64-linux-gnu/include"))?;
    let sysroot = format!(" --sysroot={} -isystem {headers}", quoted(&root)?);
    wrap(&root, "usr/bin/aarch64-linux-gnu-gcc", &sysroot, &folder.join("aarch64-linux-gnu-gcc"))?;
    if !has_rust {
        let library = root.join("usr/lib/rustlib").join(TARGET).join("lib");
        ensure!(library.is_dir(), "the packages' compiler has no {}", library.display());
        wrap(&root, "usr/bin/rustc", "", &folder.join("rustc"))?;
    }
    Ok(())
}

/// Removes emulators of other processors, which are most of what was unpacked.
fn prune(programs: &Path) -> Result<()> {
    for entry in fs::read_dir(programs).with_context(|| format!("{} cannot be listed", programs.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("qemu-") && !["qemu-aarch64", "qemu-aarch64-static"].contains(&&*name) {
            fs::remove_file(entry.path()).with_context(|| format!("{name} cannot be removed"))?;
        }
    }
    Ok(())
}

/// The packages that apt would install, by what `apt-get --simulate` prints.
fn needed(simulated: &str) -> Vec<&str> {
    let lines = simulated.lines().filter_map(|line| line.strip_prefix("Inst "));
    lines.filter_map(|line| line.split_whitespace().next()).collect()
}

/// Writes a script that starts a program of `root` with the libraries there.
fn wrap(root: &Path, program: &str, options: &str, script: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    ensure!(
        root.join(program).is_file(),
        "the packages bring no {program}, or it is installed and the rest is not: then install the rest"
    );
    let libraries = quoted(&root.join("usr/lib/x86_64-linux-gnu"))?;
    let program = quoted(&root.join(program))?;
    let text = format!("#!/bin/sh\nLD_LIBRARY_PATH={libraries} exec {program}{options} \"$@\"\n");
    fs::write(script, text)
        .and_then(|()| fs::set_permissions(script, fs::Permissions::from_mode(0o755)))
        .with_context(|| format!("{} cannot be written", script.display()))
}

/// A path as a word of a shell's.
fn quoted(path: &Path) -> Result<String> {
    match path.to_str() {
        Some(text) if !text.contains(['\'', '\n', ':']) => Ok(format!("'{text}'")),
        _ => bail!("{} has a character that scripts and loaders do not take", PathBuf::from(path).display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::made_up;

    #[test]
    fn what_apt_would_install_is_told_from_what_it_prints() {
        let text = "Reading package lists...\nInst gcc-12-cross-base (12.2.0 Debian:12 [all])\n\
                    Inst qemu-user-static [1:7.1] (1:7.2 Debian:12 [amd64])\n\
                    Conf gcc-12-cross-base (12.2.0)\n";
        assert_eq!(needed(text), ["gcc-12-cross-base", "qemu-user-static"]);
    }

    #[test]
    fn a_script_hands_on_arguments_libraries_and_options() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("a root");
        fs::create_dir_all(root.join("usr/bin")).unwrap();
        let script = dir.path().join("tool");
        let missing = wrap(&root, "usr/bin/tool", "", &script).unwrap_err().to_string();
        assert!(missing.starts_with("the packages bring no usr/bin/tool, or"), "{missing}");
        fs::write(root.join("usr/bin/tool"), "#!/bin/sh\necho \"$LD_LIBRARY_PATH|$1|$2|$#\"\n").unwrap();
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(root.join("usr/bin/tool"), fs::Permissions::from_mode(0o755)).unwrap();
        wrap(&root, "usr/bin/tool", " --x", &script).unwrap();
        let said = output(Command::new(&script).arg("b c"), "sh").unwrap();
        assert_eq!(said, format!("{}/usr/lib/x86_64-linux-gnu|--x|b c|2\n", root.display()));
    }

    #[test]
    fn without_apt_nothing_is_fetched() {
        let dir = tempfile::tempdir().unwrap();
        let error = fetched(&made_up::machine(dir.path()), true).unwrap_err().to_string();
        assert_eq!(error, "there is no apt-get to fetch packages with");
        assert!(!dir.path().join("cache/birnn").exists());
    }
}
