//! `gpu --pack DIR`: a folder that checks birnn on a machine with a GPU, PyTorch and no Rust.
//!
//! What does the checking there is `xtask/gpu/run.py` and what lies beside it; here it is put together.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::commands::{build_programs, cargo, ensure as ensure_libtorch, usage};
use crate::kit::{MOST, SUMS, inspect, megabytes, output, seal};
use crate::libtorch::{Tree, VERSION};
use crate::machine::Machine;

/// What is copied as it is: where it lies in the checkout and in the kit.
const COPIES: [(&str, &str); 11] = [
    ("xtask/gpu/run.py", "run"),
    ("xtask/gpu/checks.py", "checks.py"),
    ("xtask/gpu/place.py", "place.py"),
    ("xtask/gpu/pytorch.py", "pytorch.py"),
    ("xtask/gpu/table.py", "table.py"),
    ("configs/bilstm.toml", "configs/bilstm.toml"),
    ("configs/series/synthetic.toml", "configs/series/synthetic.toml"),
    ("configs/series/synthetic-tags.toml", "configs/series/synthetic-tags.toml"),
    ("configs/series/synthetic-numbers.toml", "configs/series/synthetic-numbers.toml"),
    ("configs/text/synthetic.toml", "configs/text/synthetic.toml"),
    ("configs/schema.json", "configs/schema.json"),
];
const PICTURES: &str = "tests/fixtures/pictures/photos";
const SHIM: &str = "xtask/gpu/waits.c";

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    pack: PathBuf,
    /// Options of `birnn data fetch`, which finds the images.
    data: Vec<OsString>,
}

/// Packs the kit into the folder that `args` name.
pub fn run(machine: &Machine, args: &[OsString]) -> Result<ExitCode> {
    let Request { pack, data } = parse(args)?;
    ensure!(
        machine.os == "linux",
        "the kit is for Linux: pack it there, on a machine like the one with the GPU"
    );
    let is_empty = fs::read_dir(&pack).map_or(!pack.exists(), |mut entries| entries.next().is_none());
    if !is_empty {
        return Err(usage(format!("{} is no new or empty folder: name another", pack.display())));
    }
    let tree = ensure_libtorch(machine)?;
    let program = build_programs(machine, &tree)?;
    // Beside its place, so that no half a kit has its name.
    let partial = beside(&pack);
    let packed = fill(machine, &tree, &program, &data, &partial).and_then(|told| {
        fs::rename(&partial, &pack)
            .with_context(|| format!("cannot move {} to {}", partial.display(), pack.display()))?;
        Ok(told)
    });
    if packed.is_err() {
        // Failing here too would hide why.
        let _ = fs::remove_dir_all(&partial);
    }
    println!("{}: {}", pack.display(), packed?);
    println!("there: copy it to the machine with the GPU, and run {}", pack.join("run").display());
    Ok(ExitCode::SUCCESS)
}

fn parse(args: &[OsString]) -> Result<Request> {
    let mut pack = None;
    let mut data = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.to_str() {
            Some("--pack") => pack = args.next().map(PathBuf::from),
            Some("--offline") => data.push(arg.clone()),
            Some("--data-dir") => match args.next() {
                Some(folder) => data.extend([arg.clone(), folder.clone()]),
                None => return Err(usage("--data-dir wants a folder".to_owned())),
            },
            _ => {
                return Err(usage(format!(
                    "gpu takes --pack DIR, --data-dir DIR and --offline, not {arg:?}"
                )));
            }
        }
    }
    let pack =
        pack.ok_or_else(|| usage("gpu wants the folder to make: cargo xtask gpu --pack DIR".to_owned()))?;
    Ok(Request { pack, data })
}

fn beside(folder: &Path) -> PathBuf {
    // Without a slash at its end, behind which the name would be one of a file within.
    let mut name = folder.components().as_path().as_os_str().to_owned();
    name.push(format!(".partial-{}", std::process::id()));
    name.into()
}

/// What `birnn` becomes for what computes with libtorch.
const TORCH: &str = "birnn-torch";

/// Puts everything into `folder`; gives what there is to tell.
fn fill(machine: &Machine, tree: &Tree, program: &Path, data: &[OsString], folder: &Path) -> Result<String> {
    for within in ["bin", "lib", "configs/series", "configs/text", "pictures", "data"] {
        let folder = folder.join(within);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    for (from, to) in COPIES {
        copy(&machine.root.join(from), &folder.join(to))?;
    }
    make_executable(&folder.join("run"))?;
    let pictures = machine.root.join(PICTURES);
    for entry in fs::read_dir(&pictures).with_context(|| format!("cannot list {}", pictures.display()))? {
        let entry = entry?;
        copy(&entry.path(), &folder.join("pictures").join(entry.file_name()))?;
    }
    for name in ["birnn", TORCH] {
        let (from, to) = (program.with_file_name(name), folder.join("bin").join(name));
        output(Command::new("strip").arg("-o").arg(to).arg(from), "binutils")?;
    }
    let glibc = inspect(&folder.join("bin").join(TORCH))?;
    compile_shim(machine, &folder.join("lib/libwaits.so"))?;
    let images = images(machine, tree, program, data, folder)?;
    let commit = commit(machine);
    // By hand: nothing in it has to be escaped.
    let about = format!(
        "{{\"commit\": \"{commit}\", \"arch\": \"{}\", \"glibc\": \"{glibc}\", \"images\": \"{images}\"}}\n",
        machine.arch
    );
    write(&folder.join("about.json"), &about)?;
    write(&folder.join("README.txt"), &readme(machine, &commit, &glibc, images))?;
    let size = seal(folder, MOST)?;
    Ok(format!("{}, glibc {glibc} or newer, {images}, commit {commit}", megabytes(size)))
}

fn readme(machine: &Machine, commit: &str, glibc: &str, images: &str) -> String {
    let arch = machine.arch;
    let lines = [
        &format!("birnn's GPU kit, packed from commit {commit}:"),
        "what birnn does on an NVIDIA GPU, beside PyTorch. It wants",
        &format!("Linux on {arch}, glibc {glibc} or newer, Python 3.8 or newer"),
        &format!("with torch {VERSION} and CUDA 13, and no Rust."),
        "",
        "  ./run                        every check on the first GPU; the table is in results/",
        "  ./run --device cpu --quick   is the kit itself in order?",
        "  ./run --help",
        "",
        &format!("Images: {images}. {SUMS} lists every file; run verifies them first."),
        "",
    ];
    lines.join("\n")
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    // Only what is in them: files of a store may be read-only, and these are to be deleted one day.
    let bytes = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    fs::write(to, bytes).with_context(|| format!("cannot write {}", to.display()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn make_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("cannot make {} executable", path.display()))
}

/// Compiles what counts waits for the GPU, by the compiler that compiles the C++ bindings.
fn compile_shim(machine: &Machine, to: &Path) -> Result<()> {
    let chosen = machine.var("CXX").map_or("c++".into(), OsStr::to_string_lossy);
    let mut words = chosen.split_whitespace();
    let mut compiler = Command::new(words.next().unwrap_or("c++"));
    compiler.args(words).args(["-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o"]).arg(to);
    compiler.args(["-x", "c"]).arg(machine.root.join(SHIM)).args(["-x", "none", "-ldl"]);
    output(&mut compiler, "g++").map(drop)
}

/// The names of MNIST's files, in the order in which `birnn data fetch` lists them.
const MNIST: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];
/// What `birnn` ends with where MNIST is not to be had; an altered file, for one, is a 2.
const NOT_OBTAINABLE: i32 = 1;

/// Brings MNIST into the kit, from wherever birnn has it; where it is nowhere, synthetic digits.
fn images(
    machine: &Machine,
    tree: &Tree,
    program: &Path,
    options: &[OsString],
    folder: &Path,
) -> Result<&'static str> {
    let mut fetch = Command::new(program);
    fetch.args(["data", "fetch"]).args(options);
    let found = fetch.stderr(Stdio::inherit()).output().context("cannot run birnn")?;
    if found.status.success() {
        let to = folder.join("data/mnist");
        fs::create_dir_all(&to).with_context(|| format!("cannot make {}", to.display()))?;
        let listed = String::from_utf8(found.stdout).context("the paths of MNIST are not UTF-8")?;
        let paths: Vec<&Path> = listed
            .lines()
            .filter_map(|line| line.split_once("  "))
            .map(|(_, path)| Path::new(path))
            .collect();
        ensure!(paths.len() == MNIST.len(), "birnn names {} files of MNIST, not four", paths.len());
        for (path, name) in paths.into_iter().zip(MNIST) {
            ensure!(
                path.is_file(),
                "{} is no file of its own: the kit wants MNIST as four files; name their folder: --data-dir",
                path.display()
            );
            copy(path, &to.join(kept_name(path, name)?))?;
        }
        return Ok("MNIST");
    }
    // A folder that was named and is wrong is no reason to take something else.
    if options.iter().any(|option| option == "--data-dir") {
        bail!("there is no MNIST to pack, as said above: correct --data-dir, or leave it out");
    }
    if found.status.code() != Some(NOT_OBTAINABLE) {
        bail!("MNIST cannot be packed, as said above: mend that, or name another folder: --data-dir");
    }
    eprintln!("packing synthetic digits in place of MNIST");
    let mut draw = cargo(machine, "run", Some(tree));
    draw.args(["--quiet", "--package", "birnn-data", "--example", "synthetic", "--"]);
    let drawn = draw.arg(folder.join("data/synthetic")).status().context("cannot run cargo")?;
    ensure!(drawn.success(), "the synthetic digits were not written: see above");
    Ok("synthetic digits")
}

/// The name under which the kit looks for a file of MNIST, whatever it is called here.
fn kept_name(path: &Path, name: &str) -> Result<String> {
    let mut start = [0; 2];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.with_context(|| format!("cannot read {}", path.display()))?;
    Ok(if start == [0x1f, 0x8b] { format!("{name}.gz") } else { name.to_owned() })
}

/// The commit of the checkout, and whether anything in it has changed since.
fn commit(machine: &Machine) -> String {
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        output(git.arg("-C").arg(&machine.root).args(args), "git").ok().map(|text| text.trim().to_owned())
    };
    match (git(&["rev-parse", "HEAD"]), git(&["status", "--porcelain"])) {
        (Some(commit), Some(changes)) if changes.is_empty() => commit,
        (Some(commit), _) => format!("{commit}, with changes"),
        (None, _) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Request> {
        parse(&args.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn options_say_where_and_of_what() {
        let request = parsed(&["--offline", "--pack", "kit", "--data-dir", "/d"]).unwrap();
        let data = ["--offline", "--data-dir", "/d"].map(OsString::from).to_vec();
        assert_eq!(request, Request { pack: "kit".into(), data });
        for wrong in [&[][..], &["--pack"], &["kit"], &["--pack", "kit", "--data-dir"], &["--run"]] {
            assert!(parsed(wrong).unwrap_err().is::<crate::commands::Usage>(), "{wrong:?}");
        }
    }

    #[test]
    fn the_kit_is_made_beside_its_folder_and_not_in_it() {
        let expected = format!("kits/kit.partial-{}", std::process::id());
        for folder in ["kits/kit", "kits/kit/", "kits/kit//"] {
            assert_eq!(beside(folder.as_ref()), Path::new(&expected));
        }
    }

    #[test]
    fn files_of_mnist_get_the_names_that_the_kit_looks_for() {
        let dir = tempfile::tempdir().unwrap();
        let named = |bytes: &[u8]| {
            let path = dir.path().join("train-images.idx3-ubyte");
            fs::write(&path, bytes).unwrap();
            kept_name(&path, MNIST[0])
        };
        assert_eq!(named(&[0, 0, 8, 3]).unwrap(), "train-images-idx3-ubyte");
        assert_eq!(named(&[0x1f, 0x8b, 8]).unwrap(), "train-images-idx3-ubyte.gz");
        assert!(named(&[]).unwrap_err().to_string().starts_with("cannot read "));
    }

    #[test]
    fn a_folder_with_something_in_it_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let machine = crate::machine::made_up::machine(dir.path());
        let error = run(&machine, &["--pack".into(), dir.path().into()]).unwrap_err();
        assert!(error.to_string().ends_with("is no new or empty folder: name another"), "{error}");
    }
}
