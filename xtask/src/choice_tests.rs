//! The order of choice, on made-up machines.

use std::fs;
use std::path::Path;

use super::*;
use crate::machine::made_up::{self, add_program};

use libtorch::made_up::tree as make_tree;

/// A machine with a Python that has a PyTorch in `site/torch`, and whose pip installs a CPU build.
struct Site {
    dir: tempfile::TempDir,
    machine: Machine,
}

impl Site {
    fn new() -> Site {
        let dir = tempfile::tempdir().unwrap();
        let machine = made_up::machine(dir.path());
        make_tree(&dir.path().join("wheel/torch"), "2.11.0", Flavour::Cpu);
        add_program(
            dir.path(),
            "python3",
            r#"PATH=/usr/bin:/bin
here=$(dirname "$(dirname "$0")")
[ "$1" = -c ] && { echo 3.12; [ -d "$here/site/torch" ] && echo "$here/site/torch"; exit 0; }
[ "$3" = --version ] && { echo pip 24.0; exit; }
while [ "$1" != --target ]; do shift; done
cp -r "$here/wheel/." "$2""#,
        );
        Site { dir, machine }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn tree(&self, name: &str, version: &str, flavour: Flavour) -> PathBuf {
        make_tree(&self.path(name), version, flavour);
        self.path(name)
    }

    fn set_libtorch(&mut self, dir: &Path) {
        self.machine.vars.insert("LIBTORCH".into(), dir.into());
    }

    /// Records a tree, and sets the variable as cargo then does.
    fn record(&mut self, dir: &Path) {
        let tree = Tree { dir: dir.to_owned(), flavour: Flavour::Cpu };
        cargo_config::record(&self.machine.root, &tree).unwrap();
        self.set_libtorch(dir);
    }

    fn chosen(&self, wanted: Option<Flavour>) -> (String, Source) {
        let (tree, source) = choose(&self.machine, wanted).unwrap();
        let name = tree.dir.strip_prefix(self.dir.path()).unwrap();
        (name.to_str().unwrap().to_owned(), source)
    }

    fn error(&self, wanted: Option<Flavour>) -> String {
        let error = format!("{:#}", choose(&self.machine, wanted).unwrap_err());
        assert!(!error.contains('\n'), "{error}");
        error
    }
}

const COPY: &str = "cache/birnn/libtorch-2.11.0-cpu/torch";

fn of(name: &str, source: Source) -> (String, Source) {
    (name.to_owned(), source)
}

#[test]
fn the_order_is_variable_record_python_copy() {
    let mut site = Site::new();
    assert_eq!(site.chosen(None), of(COPY, Source::Copy(Was::Installed)));
    assert_eq!(site.chosen(None), of(COPY, Source::Copy(Was::There)));
    site.tree("site/torch", "2.11.0+cpu", Flavour::Cpu);
    assert_eq!(site.chosen(None), of("site/torch", Source::Python));
    site.record(&site.path(COPY));
    assert_eq!(site.chosen(None), of(COPY, Source::Recorded));
    let mine = site.tree("mine", "2.11.0", Flavour::Cpu);
    site.set_libtorch(&mine);
    assert_eq!(site.chosen(None), of("mine", Source::Variable));
}

#[test]
fn a_variable_that_cannot_be_used_is_an_error() {
    let mut site = Site::new();
    let old = site.tree("old", "2.10.0+cpu", Flavour::Cpu);
    site.set_libtorch(&old);
    let shown = old.display();
    assert_eq!(
        site.error(None),
        format!(
            "LIBTORCH={shown} cannot be used ({shown} is libtorch 2.10.0+cpu, and birnn needs exactly \
             2.11.0): correct it, or unset LIBTORCH to have one found or installed"
        )
    );
    let cpu = site.tree("cpu", "2.11.0", Flavour::Cpu);
    site.set_libtorch(&cpu);
    assert!(site.error(Some(Flavour::Cuda)).contains("is a CPU build, which is not what was asked for"));
    site.set_libtorch(Path::new("relative/torch"));
    assert!(site.error(None).contains("is not an absolute path"));
    site.set_libtorch(&site.path("nowhere"));
    assert!(site.error(None).contains("libtorch_cpu.so is missing"));
}

#[test]
fn what_cargo_set_is_not_the_users_wish() {
    let mut site = Site::new();
    let recorded = site.tree("recorded", "2.11.0", Flavour::Cpu);
    site.record(&recorded);
    assert_eq!(site.chosen(None), of("recorded", Source::Recorded));
    // So an option overrules it,
    let cuda = site.tree("site/torch", "2.11.0", Flavour::Cuda);
    assert_eq!(site.chosen(Some(Flavour::Cuda)), of("site/torch", Source::Python));
    // and when it is gone, another is found.
    fs::remove_dir_all(&recorded).unwrap();
    fs::remove_dir_all(&cuda).unwrap();
    assert_eq!(site.chosen(None), of(COPY, Source::Copy(Was::Installed)));
}

#[test]
fn a_broken_copy_on_record_is_installed_again() {
    let mut site = Site::new();
    site.chosen(None);
    site.record(&site.path(COPY));
    fs::write(site.path(COPY).join("lib/libtorch_cpu.so"), "c").unwrap();
    assert!(recorded(&site.machine).unwrap().is_err());
    assert_eq!(site.chosen(None), of(COPY, Source::Copy(Was::Installed)));
    assert_eq!(site.chosen(None), of(COPY, Source::Recorded));
}

#[test]
fn a_pytorch_that_does_not_fit_is_passed_over() {
    for (version, flavour, wanted) in
        [("2.12.0", Flavour::Cpu, None), ("2.11.0+cu130", Flavour::Cuda, Some(Flavour::Cpu))]
    {
        let site = Site::new();
        site.tree("site/torch", version, flavour);
        assert_eq!(site.chosen(wanted), of(COPY, Source::Copy(Was::Installed)));
    }
}

#[test]
fn the_driver_decides_where_nobody_else_does() {
    let mut site = Site::new();
    assert_eq!(default_flavour(&site.machine), Flavour::Cpu);
    site.machine.has_nvidia_driver = || true;
    assert_eq!(default_flavour(&site.machine), Flavour::Cuda);
    // The wheel of this site is a CPU build, so the CUDA copy is refused: it was asked for, and for no other.
    assert!(site.error(None).contains("pip installed a CPU build of libtorch, not the CUDA build"));
    site.machine.os = "macos";
    assert_eq!(default_flavour(&site.machine), Flavour::Cpu);
}
