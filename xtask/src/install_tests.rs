//! Installing by a pip that is a shell script, and what becomes of a copy that was damaged.

use super::*;
use crate::machine::made_up;

/// A Python whose pip makes what the real one would, and counts how often it was asked.
const PYTHON: &str = r#"
[ "$1" = -c ] && { echo 3.12; echo; exit; }
[ "$3" = --version ] && { echo pip 24.0; exit; }
home=$(dirname "$0")/..
echo x >> "$home/calls"
while [ $# -gt 0 ]; do
  [ "$1" = --target ] && to=$2
  shift
done
cd "$to"
mkdir -p torch/lib torch/include/torch/csrc/api/include/torch torch/nn torch-2.11.0.dist-info sympy
echo "__version__ = '2.11.0+cu130'" > torch/version.py
touch torch/__init__.py torch/include/torch/csrc/api/include/torch/torch.h sympy/__init__.py
for name in cpu cuda cuda_linalg nvshmem python; do echo $name > torch/lib/libtorch_$name.so; done
echo licence > torch-2.11.0.dist-info/LICENSE
"#;

struct Site {
    dir: tempfile::TempDir,
    machine: Machine,
}

impl Site {
    fn new(python: &str) -> Site {
        let dir = tempfile::tempdir().unwrap();
        let machine = made_up::machine(dir.path());
        // Scripts need the usual tools.
        made_up::add_program(dir.path(), "python3", &format!("PATH=/usr/bin:/bin\n{python}"));
        Site { dir, machine }
    }

    fn obtain(&self, flavour: Flavour) -> Result<Was> {
        let (tree, was) = obtain(&self.machine, flavour)?;
        assert_eq!(tree, Tree { dir: self.copy(flavour).join("torch"), flavour });
        Ok(was)
    }

    fn copy(&self, flavour: Flavour) -> PathBuf {
        self.dir.path().join("cache/birnn").join(folder_name(flavour))
    }

    fn installations(&self) -> usize {
        fs::read_to_string(self.dir.path().join("calls")).map_or(0, |text| text.lines().count())
    }

    fn in_cache(&self) -> Vec<String> {
        let names = entries(&self.dir.path().join("cache/birnn")).unwrap();
        let mut names: Vec<String> =
            names.iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }
}

#[test]
fn a_copy_is_installed_once() {
    let site = Site::new(PYTHON);
    assert_eq!(site.obtain(Flavour::Cpu).unwrap(), Was::Installed);
    assert_eq!(site.obtain(Flavour::Cpu).unwrap(), Was::There);
    assert_eq!(site.installations(), 1);
    assert_eq!(site.in_cache(), [".lock", "libtorch-2.11.0-cpu"]);
    // The other flavour stands beside it.
    assert_eq!(site.obtain(Flavour::Cuda).unwrap(), Was::Installed);
    assert_eq!(site.obtain(Flavour::Cpu).unwrap(), Was::There);
    assert_eq!(site.installations(), 2);
}

#[test]
fn only_what_a_build_needs_is_kept() {
    let site = Site::new(PYTHON);
    site.obtain(Flavour::Cpu).unwrap();
    site.obtain(Flavour::Cuda).unwrap();
    let has = |flavour, path: &str| site.copy(flavour).join(path).exists();
    for flavour in [Flavour::Cpu, Flavour::Cuda] {
        assert!(has(flavour, "torch-2.11.0.dist-info/LICENSE"));
        for gone in ["tmp", "sympy", "torch/nn", "torch/__init__.py", "torch/lib/libtorch_python.so"] {
            assert!(!has(flavour, gone), "{gone}");
        }
    }
    for cuda in
        ["torch/lib/libtorch_cuda.so", "torch/lib/libtorch_cuda_linalg.so", "torch/lib/libtorch_nvshmem.so"]
    {
        assert!(has(Flavour::Cuda, cuda) && !has(Flavour::Cpu, cuda), "{cuda}");
    }
}

#[test]
fn a_damaged_copy_is_installed_again() {
    let damages: [fn(&Path); 3] = [
        |copy| fs::write(copy.join("torch/lib/libtorch_cpu.so"), "c").unwrap(),
        |copy| fs::remove_file(copy.join("torch/version.py")).unwrap(),
        |copy| fs::remove_file(copy.join(manifest::FILE)).unwrap(),
    ];
    for damage in damages {
        let site = Site::new(PYTHON);
        site.obtain(Flavour::Cpu).unwrap();
        let tree = site.copy(Flavour::Cpu).join("torch");
        inspect_recorded(&tree, "linux").unwrap();
        damage(&site.copy(Flavour::Cpu));
        inspect_recorded(&tree, "linux").unwrap_err();
        assert_eq!(site.obtain(Flavour::Cpu).unwrap(), Was::Installed);
        inspect_recorded(&tree, "linux").unwrap();
    }
}

#[test]
fn what_an_interrupted_set_up_left_is_cleared() {
    let site = Site::new(PYTHON);
    let left = site.dir.path().join("cache/birnn/.partial-1/torch");
    fs::create_dir_all(&left).unwrap();
    site.obtain(Flavour::Cpu).unwrap();
    assert_eq!(site.in_cache(), [".lock", "libtorch-2.11.0-cpu"]);
}

#[test]
fn a_failed_installation_leaves_nothing_and_says_why() {
    let failing = PYTHON.replace("echo x >>", "echo 'ERROR: no route' >&2; echo hint >&2; exit 1; echo x >>");
    let site = Site::new(&failing);
    let error = site.obtain(Flavour::Cpu).unwrap_err().to_string();
    assert!(error.starts_with("pip could not fetch libtorch (no route): mend the connection"), "{error}");
    assert!(!error.contains('\n'));
    assert_eq!(site.in_cache(), [".lock"]);
}

#[test]
fn something_else_from_pip_is_not_kept() {
    let site = Site::new(&PYTHON.replace("2.11.0+cu130", "2.12.0"));
    let error = format!("{:#}", site.obtain(Flavour::Cpu).unwrap_err());
    assert!(error.contains("is libtorch 2.12.0, and birnn needs exactly 2.11.0"), "{error}");
    assert_eq!(site.in_cache(), [".lock"]);
}

#[test]
fn without_python_a_damaged_copy_is_not_removed_in_vain() {
    let site = Site::new(PYTHON);
    site.obtain(Flavour::Cpu).unwrap();
    fs::remove_file(site.copy(Flavour::Cpu).join(manifest::FILE)).unwrap();
    fs::remove_file(site.dir.path().join("bin/python3")).unwrap();
    assert!(site.obtain(Flavour::Cpu).unwrap_err().to_string().starts_with("no Python"));
    assert!(site.copy(Flavour::Cpu).exists());
}

#[test]
fn two_set_ups_at_once_install_once() {
    let site = Site::new(&PYTHON.replace("home=", "sleep 0.3\nhome="));
    let mut outcomes = std::thread::scope(|scope| {
        let both = [(); 2].map(|()| scope.spawn(|| site.obtain(Flavour::Cpu).unwrap()));
        both.map(|thread| thread.join().unwrap())
    });
    outcomes.sort_by_key(|was| *was == Was::Installed);
    assert_eq!(outcomes, [Was::There, Was::Installed]);
    assert_eq!(site.installations(), 1);
}

#[test]
fn only_our_own_copies_have_a_flavour_by_name() {
    let flavour = |tree: &str| flavour_of(Path::new(tree));
    assert_eq!(flavour("/cache/birnn/libtorch-2.11.0-cpu/torch"), Some(Flavour::Cpu));
    assert_eq!(flavour("/cache/birnn/libtorch-2.11.0-cu130/torch"), Some(Flavour::Cuda));
    for other in
        ["/opt/libtorch-2.11.0-cpu/torch", "/cache/birnn/libtorch-2.9.0-cpu/torch", "/site/torch", "/"]
    {
        assert_eq!(flavour(other), None, "{other}");
    }
}
