//! Two binaries: who only asks a net, or looks at what a run came to, needs no libtorch, and gets the same
//! answers.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use birnn_tests::{DIGITS, Sandbox, binary};

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
        sandbox.write_experiment(
            "net.toml",
            format!(
                "[data]\n{DIGITS}limit = 200\n[model]\ncell = \"{cell}\"\nhidden = 16\n\
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

/// `birnn` where nothing lies beside it.
fn alone(sandbox: &Sandbox) -> PathBuf {
    let alone = sandbox.path("birnn");
    std::fs::copy(binary(), &alone).unwrap();
    std::fs::set_permissions(&alone, std::fs::Permissions::from_mode(0o755)).unwrap();
    alone
}

/// Also where there is a GPU: their answers are the processor's.
#[test]
fn reports_and_comparisons_need_birnn_alone() {
    let sandbox = Sandbox::new();
    sandbox.train_small("run");
    let alone = alone(&sandbox);
    let ended = |program: &Path, args: &[&str]| {
        let output = sandbox.command_of(program, args).output().unwrap();
        let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        (output.status.code(), stdout, stderr)
    };
    let (code, _, stderr) = ended(&alone, &["report", "run"]);
    assert_eq!(code, Some(0), "{stderr}");
    let html = sandbox.text("run/report.html");
    assert!(html.trim_end().ends_with("</html>") && html.contains("id=\"gradient\""), "{} bytes", html.len());
    let row = [[0; 12].as_slice(), &[255; 4], &[0; 12]].concat();
    sandbox.write("a.pgm", [b"P5 28 28 255\n".to_vec(), row.repeat(28)].concat());
    for ask in [&["runs", "."][..], &["encode", "run", "a.pgm", "--out", "a.npz"]] {
        let (code, _, stderr) = ended(&alone, ask);
        assert_eq!(code, Some(0), "{ask:?}: {stderr}");
    }
    let (code, text, stderr) =
        ended(&alone, &["compare", "run", "run/model.safetensors", "--device", "auto"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(text.contains("A and B are right on the very same images"), "{text}");
    for ask in [&["report", "run"][..], &["compare", "run", "run"]] {
        let (code, _, stderr) = ended(&alone, &[ask, &["--device", "cuda"]].concat());
        assert_eq!(code, Some(2), "{ask:?}");
        assert!(stderr.starts_with("error: --device: ") && stderr.contains("leave --device out"), "{stderr}");
        let torch = binary().with_file_name("birnn-torch");
        let (code, _, stderr) = ended(&torch, ask);
        assert!(code == Some(2) && stderr.contains("this needs no libtorch"), "{ask:?}: {stderr}");
    }
}

#[test]
fn without_its_other_half_it_says_what_is_missing() {
    let sandbox = Sandbox::new();
    let alone = alone(&sandbox);
    let output = Command::new(&alone).args(["doctor"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.starts_with("error: ") && error.contains("birnn-torch: "), "{error}");
    assert!(error.contains("`cargo build` makes both"), "{error}");
}
