//! Two binaries: who only asks a net needs no libtorch, and gets the same answers.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use birnn_tests::{Sandbox, binary};

/// The libraries that the loader would load for a program.
fn libraries(program: &Path) -> String {
    let output = Command::new(program).env("LD_TRACE_LOADED_OBJECTS", "1").output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn birnn_itself_is_not_linked_with_libtorch() {
    let libraries_of = |name| libraries(&binary().with_file_name(name));
    let (birnn, torch) = (libraries_of("birnn"), libraries_of("birnn-torch"));
    assert!(birnn.contains("libc.so") && !birnn.contains("torch"), "{birnn}");
    assert!(torch.contains("libtorch_cpu"), "{torch}");
}

/// Byte for byte, whichever binary asks.
#[test]
fn both_binaries_give_the_same_answers() {
    let sandbox = Sandbox::new();
    let pixels: Vec<u8> = (0..28 * 28).map(|place| (place * 7 % 256) as u8).collect();
    sandbox.write("a.pgm", [b"P5 28 28 255\n".as_slice(), &pixels].concat());
    for (cell, readout) in [("lstm", "last"), ("gru", "mean"), ("rnn", "max"), ("lstm", "attention")] {
        sandbox.write(
            "net.toml",
            format!(
                "[data]\ndataset = \"synthetic\"\nlimit = 200\n[model]\ncell = \"{cell}\"\nhidden = 16\n\
                 readout = \"{readout}\"\n[train]\nepochs = 1\n"
            ),
        );
        let run = format!("{cell}-{readout}");
        sandbox.birnn(&["train", "net.toml", "--run-dir", &run]).done();
        let torch = binary().with_file_name("birnn-torch");
        for ask in [&["predict", &run, "a.pgm", "--json"][..], &["eval", &run, "--json"]] {
            let args = [ask, &["--device", "cpu"]].concat();
            let answers = |program| {
                let output = sandbox.command_of(program, &args).output().unwrap();
                assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
                String::from_utf8(output.stdout).unwrap()
            };
            assert_eq!(answers(binary()), answers(&torch), "{args:?}");
        }
    }
}

#[test]
fn without_its_other_half_it_says_what_is_missing() {
    let sandbox = Sandbox::new();
    let alone = sandbox.path("birnn");
    std::fs::copy(binary(), &alone).unwrap();
    std::fs::set_permissions(&alone, std::fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new(&alone).args(["doctor"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.starts_with("error: ") && error.contains("birnn-torch: "), "{error}");
    assert!(error.contains("`cargo build` makes both"), "{error}");
}
