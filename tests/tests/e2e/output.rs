//! What is written and printed is neither lost nor bent, whatever files, names and limits there are.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use birnn_tests::{Ended, Sandbox, idx};

use crate::json;

/// Runs birnn with a name that is no text.
fn birnn(sandbox: &Sandbox, args: &[&OsStr]) -> Ended {
    let output = sandbox.command(&[]).args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[test]
fn a_name_that_is_no_utf_8_is_told_by_its_bytes() {
    let sandbox = Sandbox::new();
    sandbox.train_small("run");
    let odd = |bytes: &'static [u8]| OsStr::from_bytes(bytes);
    std::fs::rename(sandbox.path("run"), sandbox.path("").join(odd(b"r\xe9"))).unwrap();
    let picture = [b"P5 28 28 255\n".as_slice(), &[0; 390], &[255; 4], &[0; 390]].concat();
    sandbox.write("p/good.pgm", &picture);
    std::fs::write(sandbox.path("p").join(odd(b"caf\xe9.pgm")), &picture).unwrap();
    std::fs::write(sandbox.path("p").join(odd(b"bad\xff.pgm")), "").unwrap();

    let predict = ["predict".as_ref(), odd(b"r\xe9"), "p".as_ref()];
    let ended = birnn(&sandbox, &[&predict[..], &["--json".as_ref()]].concat());
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    let found = json(&ended.stdout);
    assert_eq!(found["weights"], "r\\xE9/model.safetensors");
    let images = |key: &str| -> Vec<String> {
        found[key].as_array().unwrap().iter().map(|one| one["image"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(images("predictions"), ["p/caf\\xE9.pgm", "p/good.pgm"]);
    assert_eq!(images("errors"), ["p/bad\\xFF.pgm"]);
    let ended = birnn(&sandbox, &predict);
    assert!(ended.stdout.starts_with("p/caf\\xE9.pgm: "), "{}", ended.stdout);
    assert!(ended.stderr.contains("p/bad\\xFF.pgm: "), "{}", ended.stderr);

    let found = json(&birnn(&sandbox, &["eval".as_ref(), odd(b"r\xe9"), "--json".as_ref()]).done().stdout);
    assert_eq!(found["weights"], "r\\xE9/model.safetensors");
    let args = ["compare".as_ref(), odd(b"r\xe9"), odd(b"r\xe9/model.safetensors"), "--json".as_ref()];
    let found = json(&birnn(&sandbox, &args).done().stdout);
    assert_eq!(
        (&found["runs"][0]["run"], &found["runs"][0]["weights"]),
        (&"r\\xE9".into(), &"r\\xE9/model.safetensors".into())
    );
    let args = ["doctor".as_ref(), "--json".as_ref(), "--data-dir".as_ref(), odd(b"d\xe9")];
    assert!(birnn(&sandbox, &args).done().stdout.contains("d\\\\xE9 (not there)"));
    let args = ["train".as_ref(), "small.toml".as_ref(), "--run-dir".as_ref(), odd(b"n\xe9w")];
    birnn(&sandbox, &args).done();
    let meta = std::fs::read_to_string(sandbox.path("").join(odd(b"n\xe9w/meta.json"))).unwrap();
    assert_eq!(json(&meta)["sessions"][0]["command"][4], "n\\xE9w");
}

#[test]
fn own_data_whose_path_no_experiment_can_hold_is_refused_before_there_is_a_run() {
    let sandbox = Sandbox::new();
    let folder = sandbox.path("").join(OsStr::from_bytes(b"d\xe9"));
    std::fs::create_dir(&folder).unwrap();
    let own = "[data]\ndataset = \"idx\"\ntrain_images = \"i\"\ntrain_labels = \"l\"\ntest_images = \"i\"\n\
        test_labels = \"l\"\n";
    for (name, bytes) in
        [("i", idx(&[4, 2, 2], &[0, 255].repeat(8))), ("l", idx(&[4], &[0, 1, 0, 1])), ("x.toml", own.into())]
    {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    let before = sandbox.listing();
    for args in [
        &["train", "x.toml", "--run-dir", "run"] as &[&str],
        &["sweep", "x.toml", "--set", "sweep.seeds=2"],
        &["config", "show", "x.toml"],
    ] {
        let output = sandbox.command(args).current_dir(&folder).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        let last = said.lines().last().unwrap_or_default();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(last.starts_with("error: ") && last.contains("/d\\xE9/i: this name is no UTF-8"), "{said}");
        assert_eq!(sandbox.listing(), before, "{args:?}");
    }
}

/// Names of classes that would end a line, and clear and recolour a terminal.
const CLASSES: &str = r#"["a\nb", "\u001b[2J\u001b[31m", "\u202ecba\u009b31m"]"#;

#[test]
fn names_do_nothing_to_a_terminal() {
    let sandbox = Sandbox::new();
    sandbox.write("i\x1b[1m", idx(&[12, 28, 28], &[7; 12 * 784]));
    sandbox.write("l", idx(&[12], &[0, 1, 2].repeat(4)));
    sandbox.write(
        "x.toml",
        format!(
            "[data]\ndataset = \"idx\"\ntrain_images = \"i\\u001b[1m\"\ntrain_labels = \"l\"\n\
             test_images = \"i\\u001b[1m\"\n\
             test_labels = \"l\"\nclasses = {CLASSES}\n[model]\nhidden = 4\n[train]\ndevice = \"cpu\"\n\
             epochs = 1\n"
        ),
    );
    sandbox.birnn(&["train", "x.toml", "--run-dir", "run\n\x1b[1m"]).done();
    let mut other = sandbox.text("x.toml");
    other.push_str("batch_size = 3\n");
    sandbox.write("y.toml", other);
    sandbox.birnn(&["train", "y.toml", "--run-dir", "other"]).done();
    sandbox.write("p\x07\n.pgm", [b"P5 28 28 255\n".as_slice(), &[0; 390], &[255; 4], &[0; 390]].concat());
    let harmless = |text: &str| {
        assert!(text.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'), "{text:?}");
    };
    let run = "run\n\x1b[1m";
    for args in [
        &["train", "x.toml", "--run-dir", run] as &[&str],
        &["eval", run],
        &["eval", run, "--json"],
        &["predict", run, "p\x07\n.pgm"],
        &["compare", run, "other"],
        &["compare", run, "other", "--json"],
        &["config", "check", "x.toml"],
        &["config", "show", "x.toml"],
        &["data", "verify", "x.toml"],
        &["eval", "no\x1b[2Jne"],
        &["no\x1b[2Jne"],
        &["eval", "run", "--device", "\x1b[2J"],
    ] {
        let ended = sandbox.birnn(args);
        harmless(&ended.stdout);
        harmless(&ended.stderr);
    }
    harmless(&sandbox.text("run\n\x1b[1m/train.log"));
    // A line stays a line.
    let table = sandbox.birnn(&["eval", run]).done().stdout;
    assert_eq!(table.matches("a\\nb ").count(), 2, "{table}");
    let predicted = sandbox.birnn(&["predict", run, "p\x07\n.pgm"]).done().stdout;
    assert!(predicted.starts_with("p\\u0007\\n.pgm: ") && predicted.lines().count() == 1, "{predicted}");
    // What is written out is still what it was.
    let found = json(&sandbox.birnn(&["eval", run, "--json"]).done().stdout);
    assert_eq!(found["classes"][2]["class"], "\u{202e}cba\u{9b}31m");
    let shown = sandbox.birnn(&["config", "show", "x.toml"]).done().stdout;
    sandbox.write("shown.toml", &shown);
    sandbox.birnn(&["config", "check", "shown.toml"]).done();
}

#[test]
fn a_file_that_is_replaced_stays_where_it_is_and_whose_it_is() {
    let sandbox = Sandbox::new();
    sandbox.train_small("run");
    std::fs::create_dir(sandbox.path("elsewhere")).unwrap();
    let long = format!("{}.onnx", "n".repeat(250));
    for (name, args) in [
        ("x.onnx", ["export", "run", "LINK", "--force"]),
        ("x.ckpt", ["export", "run", "LINK", "--force"]),
        (long.as_str(), ["export", "run", "LINK", "--force"]),
        ("x.html", ["report", "run", "--out=LINK", "--force"]),
        ("y.safetensors", ["import", "run/model.ckpt", "--out=LINK", "--force"]),
    ] {
        let (file, link) = (format!("elsewhere/{name}"), name);
        sandbox.write(&file, "old");
        std::fs::set_permissions(sandbox.path(&file), PermissionsExt::from_mode(0o640)).unwrap();
        symlink(&file, sandbox.path(link)).unwrap();
        let args = args.map(|arg| arg.replace("LINK", link));
        sandbox.birnn(&args.each_ref().map(String::as_str)).done();
        assert!(sandbox.path(link).is_symlink(), "{name}: the link is gone");
        assert!(sandbox.read(&file) != b"old", "{name}: the file is the old one");
        assert_eq!(sandbox.path(&file).metadata().unwrap().permissions().mode() & 0o7777, 0o640, "{name}");
    }
    assert_eq!(
        std::fs::read_dir(sandbox.path("elsewhere")).unwrap().count(),
        5,
        "nothing else is left behind"
    );
    // A link to nowhere is a file still to be made; one into no folder is an error that says which.
    symlink("elsewhere/new.onnx", sandbox.path("new.onnx")).unwrap();
    sandbox.birnn(&["export", "run", "new.onnx"]).done();
    assert!(sandbox.path("new.onnx").is_symlink() && sandbox.path("elsewhere/new.onnx").is_file());
    symlink("none/new.onnx", sandbox.path("lost.onnx")).unwrap();
    sandbox.birnn(&["export", "run", "lost.onnx"]).failed(1, &["none/new.onnx: No such file"]);
    sandbox
        .birnn(&["report", "run", "--out", "/dev/null", "--force"])
        .failed(2, &["/dev/null: is no file that can be replaced"]);
    // Beside a state dict goes a file of a longer name.
    let long = format!("{}.ckpt", "n".repeat(250));
    sandbox.birnn(&["export", "run", &long]).failed(2, &["the name leaves no room for `.json`"]);
    assert!(!sandbox.path(&long).exists());
}

/// What a shell makes of `script`, in which `$BIRNN` stands for the binary.
fn shell(sandbox: &Sandbox, script: &str) -> Ended {
    let command = sandbox.command(&[]);
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).current_dir(sandbox.path("")).env("BIRNN", command.get_program());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let output = shell.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap_or_else(|| panic!("{script}: {}", output.status));
    Ended { code, stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[test]
fn limits_and_lost_places_end_in_one_line() {
    let sandbox = Sandbox::new();
    sandbox.train_small("run");
    shell(&sandbox, "ulimit -f 8; \"$BIRNN\" train small.toml --run-dir limited")
        .failed(1, &["limited/", ": File too large (os error 27)", "go on: birnn train --resume limited"]);
    sandbox.birnn(&["train", "--resume", "limited"]).done();
    shell(&sandbox, "ulimit -f 1; \"$BIRNN\" export run x.onnx").failed(1, &["x.onnx: File too large"]);
    assert!(!sandbox.path("x.onnx").exists());
    for command in ["eval run", "doctor", "train small.toml"] {
        let ended =
            shell(&sandbox, &format!("mkdir gone && cd gone && rmdir ../gone && \"$BIRNN\" {command}"));
        assert_eq!(ended.stderr, "error: the working directory is gone; change to one that is there\n");
        ended.failed(2, &[]);
    }
    shell(&sandbox, "\"$BIRNN\" predict run none.png 2>/dev/full").failed_silently(2);
    shell(&sandbox, "\"$BIRNN\" config show small.toml >/dev/full").failed(1, &["stdout: No space left"]);
    // Nobody reads what it says, and it goes on.
    shell(&sandbox, "\"$BIRNN\" train small.toml --run-dir piped 2>&1 | true").done();
    shell(&sandbox, "\"$BIRNN\" train small.toml --run-dir closed 2>&- >&-").done();
    assert!(sandbox.path("closed/model.safetensors").is_file());
}

trait Silent {
    fn failed_silently(self, code: i32);
}

impl Silent for Ended {
    #[track_caller]
    fn failed_silently(self, code: i32) {
        assert_eq!((self.code, self.stderr.as_str()), (code, ""));
    }
}

#[test]
fn where_a_run_cannot_be_written_the_page_can_go_elsewhere() {
    let sandbox = Sandbox::new();
    sandbox.train_small("run");
    for (fault, said) in [("EACCES@1", "Permission denied"), ("EROFS@1", "Read-only file system")] {
        sandbox
            .birnn_with(&["report", "run"], &[("BIRNN_FAULT", fault)])
            .failed(1, &["run/report.html: ", said, "; for a page elsewhere: --out FILE"]);
    }
    sandbox.birnn(&["report", "run", "--out", "page.html"]).done();
}

#[test]
fn a_checkpoint_of_another_birnn_is_no_damaged_one() {
    let sandbox = Sandbox::new();
    sandbox.train_small("run");
    let name = "run/checkpoints/last.safetensors";
    let good = sandbox.read(name);
    let format = |bytes: &[u8], format: &str| {
        let offset = bytes.windows(11).position(|part| part == b"\\\"format\\\":").unwrap() + 11;
        let mut other = bytes.to_vec();
        other[offset..=offset].copy_from_slice(format.as_bytes());
        other
    };
    for (number, who) in [("9", "a newer birnn reads it"), ("1", "meta.json names reads it")] {
        sandbox.write(name, format(&good, number));
        let before = sandbox.listing();
        let parts = ["last.safetensors: its format is ", number, who];
        sandbox.birnn(&["train", "--resume", "run"]).failed(2, &parts);
        sandbox.birnn(&["eval", name]).failed(2, &parts);
        assert_eq!(sandbox.listing(), before, "nothing is set aside");
    }
    sandbox.write(name, good);
    sandbox.birnn(&["train", "--resume", "run"]).done();
}
