//! libtorch as it is published: PyTorch's wheels, and how pip is asked for them.
//!
//! Only libraries and headers are of interest, so the wheels are those for one fixed Python, whichever one
//! runs pip.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal};
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::libtorch::{Flavour, VERSION};
use crate::python;

/// The wheels that make one flavour of libtorch on one kind of machine.
#[derive(Debug)]
pub struct Wheels {
    /// pip's names of the platform, each accepted.
    tags: Vec<String>,
    /// What is asked for.
    requirements: Vec<String>,
    /// Whether what PyTorch asks for in turn is needed too.
    dependencies: bool,
    /// To be downloaded, in MB.
    pub download: u64,
    /// On the disk in the end, in MB.
    pub installed: u64,
    /// On the disk at most while it is installed, with pip's own copies, in MB.
    pub while_installing: u64,
}

impl Wheels {
    /// The wheels for a machine.
    pub fn of(os: &str, arch: &str, flavour: Flavour) -> Result<Wheels> {
        let torch = format!("torch=={VERSION}");
        let wheels = match (os, arch, flavour) {
            ("linux", "x86_64" | "aarch64", Flavour::Cpu) => Wheels {
                tags: manylinux(arch),
                // The one Linux wheel is a CUDA build. Without its CUDA libraries it is a CPU build, but its
                // core was linked to these two and does not load without them.
                requirements: vec![
                    torch,
                    "nvidia-cuda-runtime==13.0.*".to_owned(),
                    "nvidia-cuda-cupti==13.0.*".to_owned(),
                ],
                dependencies: false,
                download: 550,
                installed: 550,
                while_installing: 2_500,
            },
            ("linux", "x86_64" | "aarch64", Flavour::Cuda) => Wheels {
                tags: manylinux(arch),
                requirements: vec![torch],
                dependencies: true,
                download: 2_750,
                installed: 4_000,
                while_installing: 10_000,
            },
            ("macos", "aarch64", Flavour::Cpu) => plain("macosx_11_0_arm64", torch),
            ("macos", "aarch64", Flavour::Cuda) => {
                bail!("there is no CUDA on macOS: run `cargo xtask setup --cpu`")
            }
            _ => bail!(
                "pip has no {flavour} build of libtorch {VERSION} for {os} on {arch}: unpack or build one, \
                 and set LIBTORCH to it"
            ),
        };
        Ok(wheels)
    }

    /// What pip is told, to put the wheels into `target`.
    fn arguments(&self, target: &Path) -> Vec<OsString> {
        let mut arguments: Vec<OsString> =
            ["install", "--no-input", "--disable-pip-version-check"].map(OsString::from).into();
        if !self.dependencies {
            arguments.push("--no-deps".into());
        }
        arguments.push("--only-binary=:all:".into());
        for tag in &self.tags {
            arguments.extend(["--platform".into(), tag.into()]);
        }
        arguments.extend(
            [
                "--implementation",
                "cp",
                "--python-version",
                "3.12",
                "--abi",
                "cp312",
                "--no-compile",
                "--target",
            ]
            .map(OsString::from),
        );
        arguments.push(target.into());
        arguments.extend(self.requirements.iter().map(OsString::from));
        arguments
    }

    /// Has pip put the wheels into `target`. pip shows how it gets on, on standard error, in detail to a
    /// terminal only.
    ///
    /// As long as pip runs it holds `lock` too, even where this program is killed and pip is not.
    pub fn fetch(&self, python: &Path, target: &Path, lock: &File) -> Result<()> {
        let empty_input = lock.try_clone().context("cannot share the lock with pip")?;
        // pip unpacks into a temporary folder first; /tmp may be small, and is not cleared when pip is
        // killed.
        let temporary = target.join("tmp");
        std::fs::create_dir_all(&temporary)
            .with_context(|| format!("cannot make {}", temporary.display()))?;
        let mut pip = python::pip(python, target);
        pip.args(self.arguments(target))
            .envs(["TMPDIR", "TEMP", "TMP"].map(|name| (name, &temporary)))
            .stdin(empty_input)
            .stdout(std::io::stderr())
            .stderr(Stdio::piped());
        if !std::io::stderr().is_terminal() {
            pip.arg("--quiet");
        }
        let mut child = pip.spawn().with_context(|| format!("cannot run {}", python.display()))?;
        let mut complaint = String::new();
        if let Some(stderr) = child.stderr.take() {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                eprintln!("{line}");
                if line.starts_with("ERROR: ") || !complaint.starts_with("ERROR: ") && !line.trim().is_empty()
                {
                    complaint = line;
                }
            }
        }
        let status = child.wait().context("cannot wait for pip")?;
        if status.success() {
            return Ok(());
        }
        if complaint.is_empty() {
            complaint = status.to_string();
        }
        bail!(
            "pip could not fetch libtorch ({}): mend the connection (pip's settings, such as HTTPS_PROXY, \
             are honoured) and try again, or set LIBTORCH to an unpacked libtorch {VERSION}",
            complaint.trim_start_matches("ERROR: ")
        );
    }
}

/// A wheel that is a CPU build already and brings all it needs.
fn plain(tag: &str, torch: String) -> Wheels {
    Wheels {
        tags: vec![tag.to_owned()],
        requirements: vec![torch],
        dependencies: false,
        download: 120,
        installed: 500,
        while_installing: 1_200,
    }
}

/// Every tag of a Linux wheel that PyTorch or NVIDIA uses. pip takes no newer tag to include the older ones.
fn manylinux(arch: &str) -> Vec<String> {
    let mut tags: Vec<String> = (17..=28).map(|minor| format!("manylinux_2_{minor}_{arch}")).collect();
    tags.push(format!("manylinux2014_{arch}"));
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(os: &str, arch: &str, flavour: Flavour) -> String {
        let arguments = Wheels::of(os, arch, flavour).unwrap().arguments(Path::new("/to"));
        let words: Vec<_> = arguments.iter().map(|word| word.to_str().unwrap()).collect();
        words.join(" ")
    }

    const FIXED: &str =
        "--implementation cp --python-version 3.12 --abi cp312 --no-compile --target /to torch==2.11.0";

    #[test]
    fn the_linux_cpu_build_takes_two_companions_and_no_more() {
        for arch in ["x86_64", "aarch64"] {
            let line = arguments("linux", arch, Flavour::Cpu);
            let start = "install --no-input --disable-pip-version-check --no-deps --only-binary=:all: \
                --platform ";
            assert!(line.starts_with(start), "{line}");
            let end = format!("{FIXED} nvidia-cuda-runtime==13.0.* nvidia-cuda-cupti==13.0.*");
            assert!(line.ends_with(&end), "{line}");
            for tag in ["manylinux_2_17", "manylinux_2_25", "manylinux_2_28", "manylinux2014"] {
                assert!(line.contains(&format!("--platform {tag}_{arch} ")), "{line}");
            }
        }
    }

    #[test]
    fn the_cuda_build_takes_all_that_pytorch_asks_for() {
        let line = arguments("linux", "x86_64", Flavour::Cuda);
        assert!(!line.contains("--no-deps"), "{line}");
        assert!(line.ends_with(FIXED), "{line}");
    }

    #[test]
    fn on_macos_one_wheel_is_all() {
        let line = arguments("macos", "aarch64", Flavour::Cpu);
        let end = format!("--platform macosx_11_0_arm64 {FIXED}");
        assert!(line.contains("--no-deps") && line.ends_with(&end), "{line}");
    }

    #[test]
    fn what_is_not_published_is_an_error_with_a_way_out() {
        let problem = |os, arch, flavour| Wheels::of(os, arch, flavour).unwrap_err().to_string();
        assert!(problem("macos", "aarch64", Flavour::Cuda).contains("setup --cpu"));
        for (os, arch) in
            [("macos", "x86_64"), ("linux-musl", "x86_64"), ("linux", "riscv64"), ("freebsd", "x86_64")]
        {
            let problem = problem(os, arch, Flavour::Cpu);
            assert!(
                problem.contains(&format!("for {os} on {arch}: ")) && problem.contains("LIBTORCH"),
                "{problem}"
            );
        }
        assert!(problem("freebsd", "x86_64", Flavour::Cuda).starts_with("pip has no CUDA build"));
    }
}
