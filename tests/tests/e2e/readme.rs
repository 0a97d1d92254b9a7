//! README and the guide, as a reader would follow them: every shell command is run, on fewer images.

use std::process::Command;

use birnn_tests::docs::{Page, guide, page, write_cats};
use birnn_tests::{Sandbox, idx, workspace};

/// On a machine with a network, few images are quick too.
const FEW: [&str; 7] =
    ["--offline", "--set", "train.epochs=1", "--set", "data.validation=0.1", "--set", "data.limit=100"];
const FEW_RUNS: [&str; 4] = ["--set", "sweep.seeds=1", "--set", "sweep.grid.model={hidden=[4,8]}"];

/// A folder in which the commands work: the repository's, as far as they name it, and what the reader brings.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    for folder in ["configs", "crates", "tests"] {
        std::os::unix::fs::symlink(workspace().join(folder), sandbox.path(folder)).unwrap();
    }
    // A four-pixel wide stroke: not a good 1, but a picture.
    let row = [[255; 12].as_slice(), &[0; 4], &[255; 12]].concat();
    sandbox.write("digit.png", [b"P5 28 28 255\n".to_vec(), row.repeat(28)].concat());
    write_cats(&sandbox);
    for page in ["docs/guide/series.md", "docs/guide/gaps.md", "docs/guide/text.md"].map(page) {
        for text in page.blocks_in("toml") {
            if let Some(name) = text.lines().next().and_then(|line| line.strip_prefix("# ")) {
                sandbox.write(name, &text);
            }
        }
        run_python(&sandbox, &page);
    }
    sandbox
}

/// Runs the Python of a page, but for what wants NumPy or pandas, which not every machine has.
fn run_python(sandbox: &Sandbox, page: &Page) {
    let is_plain = |text: &String| !text.contains("import numpy") && !text.contains("import pandas");
    for text in page.blocks_in("python").filter(is_plain) {
        sandbox.write("write.py", text);
        let ended = Command::new("python3").arg("write.py").current_dir(sandbox.path("")).status().unwrap();
        assert!(ended.success());
    }
}

/// The arguments of birnn that a command of the documentation stands for; `None` where it is something else
/// that xtask does.
fn arguments(command: &str) -> Option<Vec<&str>> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let ["cargo", "xtask", task, rest @ ..] = words.as_slice() else { panic!("what is `{command}`?") };
    let help = std::fs::read_to_string(workspace().join("xtask/src/help.txt")).unwrap();
    assert!(help.contains(&format!("\n  {task} ")), "`{command}`: xtask has no such task");
    match (*task, rest) {
        ("run", ["--", rest @ ..]) => {
            let reads_data = ["eval", "report", "compare", "import", "data"].contains(&rest[0]);
            Some([rest, if reads_data { &["--offline"][..] } else { &[] }].concat())
        }
        // No others can stand in for published series.
        ("train", [config])
            if (config.starts_with("configs/series/") || config.starts_with("configs/text/"))
                && !config.ends_with("/synthetic.toml") =>
        {
            Some(vec!["config", "check", config])
        }
        ("train" | "sweep", rest) => {
            let mut args = [&[*task][..], rest].concat();
            // A resumed run is what it was.
            match (args.contains(&"--resume"), *task) {
                (true, _) => args.push("--offline"),
                (false, "train") => args.extend(FEW),
                (false, _) => args.extend(FEW.iter().chain(&FEW_RUNS)),
            }
            Some(args)
        }
        // This very test is part of `test`; the others take minutes and change the machine.
        (
            "test" | "check" | "setup" | "bench" | "study" | "witness" | "torture" | "fuzz" | "cluster",
            rest,
        ) => {
            for option in rest.iter().filter(|word| word.starts_with("--")) {
                assert!(help.contains(option), "`{command}`: xtask's help does not know {option}");
            }
            None
        }
        _ => panic!("what is `{command}`?"),
    }
}

#[test]
fn the_commands_work() {
    let sandbox = sandbox();
    // In the reader's order: the guide takes README's runs for granted.
    for page in guide() {
        let mut ran = 0;
        for line in page.blocks_in("sh").collect::<String>().lines() {
            let command = line.split(" # ").next().unwrap().trim();
            let piped = |begin: &str, end: &str| command.strip_prefix(begin)?.split_once(end);
            let given = piped("echo \"", "\" | ").or_else(|| piped("printf '", "' | "));
            let (input, command) = given.unwrap_or(("", command));
            let Some(args) = arguments(command) else { continue };
            let ended = sandbox.birnn_given(&args, &input.replace("\\n", "\n"));
            assert_eq!(ended.code, 0, "{}: {command}: {}", page.name.display(), ended.stderr);
            ran += 1;
        }
        println!("{}: {ran} commands", page.name.display());
        assert!(ran >= 5 || page.name.starts_with("docs"), "only {ran} commands");
    }
}

#[test]
fn the_python_of_own_data_writes_what_is_trained_on() {
    let (sandbox, page) = (Sandbox::new(), page("docs/guide/own-data.md"));
    run_python(&sandbox, &page);
    assert_eq!(sandbox.read("cats/test-labels"), idx(&[40], &[0, 1].repeat(20)));
    let of_idx = |text: &String| text.contains("dataset = \"idx\"");
    sandbox.write("cats.toml", page.blocks_in("toml").find(of_idx).unwrap());
    let trained = sandbox.birnn(&["train", "cats.toml", "--set", "train.epochs=1"]).done();
    assert!(!trained.stderr.contains("warning"), "{}", trained.stderr);
}

/// Numbers apart, the quick start prints what README says.
#[test]
fn the_quick_start_prints_what_readme_shows() {
    let sandbox = sandbox();
    let args =
        ["train", "configs/bilstm.toml", "--offline", "--set", "data.limit=100", "--set", "train.epochs=1"];
    let ended = sandbox.birnn(&args).done();
    let printed = without_numbers(&(ended.stderr + &ended.stdout));
    // Synthetic digits stand in for MNIST.
    let printed = printed.replace("; synthetic:", "; mnist:").replace(" (synthetic digits, not mnist)", "");
    let shown = page("README.md").section("## What it prints").blocks_in("text").next().unwrap();
    for line in without_numbers(&shown).lines() {
        assert!(printed.lines().any(|printed| printed == line), "no `{line}` in:\n{printed}");
    }
}

/// With `#` in the place of each number.
fn without_numbers(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' if plain.ends_with('#') => {}
            '0'..='9' if plain.ends_with("#.") => {
                plain.pop();
            }
            '0'..='9' => plain.push('#'),
            c => plain.push(c),
        }
    }
    plain
}

#[test]
fn readme_is_short() {
    let lines = page("README.md").text.lines().count();
    assert!(lines < 120, "{lines} lines: move something to docs/guide");
}
