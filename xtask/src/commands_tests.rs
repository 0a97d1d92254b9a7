//! The cargo commands that are handed over to: what they are told, and what is kept from them.

use std::collections::BTreeMap;

use super::*;
use crate::machine::made_up;

/// A machine with these variables and no others.
fn machine(vars: &[(&str, &str)]) -> Machine {
    let dir = tempfile::tempdir().unwrap();
    Machine {
        vars: vars.iter().map(|(name, value)| (name.into(), value.into())).collect(),
        ..made_up::machine(dir.path())
    }
}

fn tree() -> Tree {
    Tree { dir: "/opt/torch".into(), flavour: Flavour::Cpu }
}

/// What a command changes in the environment; none stands for removal.
fn changes(vars: &[(&str, &str)]) -> BTreeMap<String, Option<String>> {
    let text = |text: &OsStr| text.to_str().unwrap().to_owned();
    cargo(&machine(vars), "test", Some(&tree()))
        .get_envs()
        .map(|(name, value)| (text(name), value.map(text)))
        .collect()
}

#[test]
fn the_child_sees_the_libtorch_and_nothing_that_overrules_it() {
    let changes = changes(&[
        ("LIBTORCH", "/old"),
        ("LIBTORCH_USE_PYTORCH", "0"),
        ("LIBTORCH_BYPASS_VERSION_CHECK", ""),
        ("LIBTORCH_LIB", "/elsewhere"),
        ("HOME", "/home/me"),
    ]);
    let expected = [
        ("LIBTORCH", Some("/opt/torch")),
        ("LIBTORCH_BYPASS_VERSION_CHECK", None),
        ("LIBTORCH_LIB", None),
        ("LIBTORCH_USE_PYTORCH", None),
    ];
    let expected: BTreeMap<_, _> =
        expected.map(|(name, value)| (name.to_owned(), value.map(str::to_owned))).into();
    assert_eq!(changes, expected);
}

#[test]
fn what_cargo_says_of_this_crate_is_kept_from_the_child() {
    let changes = changes(&[
        ("CARGO_MANIFEST_DIR", "/xtask"),
        ("CARGO_PKG_NAME", "xtask"),
        ("CARGO_TARGET_DIR", "/target"),
        ("CARGO_HOME", "/cargo"),
    ]);
    let names: Vec<&str> = changes.keys().map(String::as_str).collect();
    assert_eq!(names, ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "LIBTORCH"]);
}

#[test]
fn own_flags_of_the_user_bring_the_library_path() {
    let path = |os, vars: &[(&str, &str)]| {
        let machine = Machine { os, ..machine(vars) };
        library_path(&machine, &tree()).map(|(name, folders)| (name, folders.into_string().unwrap()))
    };
    assert_eq!(path("linux", &[("LD_LIBRARY_PATH", "/a:/b")]), None);
    let with = |name: &'static str, folders: &str| Some((name, folders.to_owned()));
    let flags = ("RUSTFLAGS", "-Ctarget-cpu=native");
    assert_eq!(
        path("linux", &[flags, ("LD_LIBRARY_PATH", "/a:/b")]),
        with("LD_LIBRARY_PATH", "/opt/torch/lib:/a:/b")
    );
    assert_eq!(path("linux", &[flags]).unwrap().1.split(':').next(), Some("/opt/torch/lib"));
    assert_eq!(path("macos", &[("CARGO_ENCODED_RUSTDOCFLAGS", "")]).unwrap().0, "DYLD_LIBRARY_PATH");
    // Set but empty, the variable still replaces the recorded flags.
    assert_eq!(path("linux", &[("RUSTFLAGS", "")]).unwrap().0, "LD_LIBRARY_PATH");
}

#[test]
fn docs_keep_the_flags_and_deny_warnings() {
    let flags = doc_flags(&machine(&[("RUSTDOCFLAGS", "--cfg docs")]), &tree()).unwrap();
    assert!(flags.starts_with("-C\u{1f}link-arg=-Xlinker\u{1f}"), "{flags:?}");
    assert!(flags.ends_with("link-arg=/opt/torch/lib\u{1f}--cfg\u{1f}docs\u{1f}-Dwarnings"), "{flags:?}");
}

#[test]
fn train_wants_a_file_that_is_there() {
    let machine = machine(&[]);
    let error = train(&machine, "train", &[]).unwrap_err();
    assert!(error.is::<Usage>() && error.to_string().starts_with("train wants an experiment file"));
    let error = train(&machine, "train", &["nowhere.toml".into()]).unwrap_err();
    assert!(error.is::<Usage>() && error.to_string() == "nowhere.toml is not a file");
}

#[test]
fn setup_takes_one_flavour_at_most() {
    let parse = |args: &[&str]| flavour(&args.iter().map(OsString::from).collect::<Vec<_>>());
    assert_eq!(parse(&[]).unwrap(), None);
    assert_eq!(parse(&["--cpu"]).unwrap(), Some(Flavour::Cpu));
    assert_eq!(parse(&["--cuda"]).unwrap(), Some(Flavour::Cuda));
    assert!(parse(&["--cpu", "--cuda"]).unwrap_err().is::<Usage>());
    assert!(parse(&["--gpu"]).unwrap_err().is::<Usage>());
}

#[test]
fn the_program_is_where_cargo_says() {
    let messages = "{\"reason\":\"compiler-artifact\",\"executable\":null}\n\
                    {\"reason\":\"compiler-artifact\",\"executable\":\"/t/debug/birnn\"}\n\
                    {\"reason\":\"compiler-artifact\",\"executable\":\"/t/debug/birnn-torch\"}\n";
    assert_eq!(executable(messages, "birnn"), Some("/t/debug/birnn".into()));
    assert_eq!(executable(messages, "birnn-torch"), Some("/t/debug/birnn-torch".into()));
    assert_eq!(executable("{\"executable\":null}", "birnn"), None);
}
