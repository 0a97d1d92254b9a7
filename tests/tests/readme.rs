//! The README's commands, as a reader would type them, on fewer images.
#![expect(clippy::unwrap_used, reason = "tests")]

use birnn_tests::{Sandbox, workspace};
use serde_json::Value;

/// The lines of the README's shell blocks, comments taken off.
fn commands() -> Vec<String> {
    let readme = std::fs::read_to_string(workspace().join("README.md")).unwrap();
    let blocks = readme.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let lines = blocks.flat_map(str::lines).map(|line| line.split(" # ").next().unwrap().trim().to_owned());
    lines.filter(|line| !line.is_empty()).collect()
}

#[test]
fn the_readmes_commands_work() {
    let sandbox = Sandbox::new();
    for folder in ["configs", "crates", "tests"] {
        std::os::unix::fs::symlink(workspace().join(folder), sandbox.path(folder)).unwrap();
    }
    // A four-pixel wide stroke: not a good 1, but a picture.
    let row = [[255; 12].as_slice(), &[0; 4], &[255; 12]].concat();
    sandbox.write("digit.png", [b"P5 28 28 255\n".to_vec(), row.repeat(28)].concat());
    let help = std::fs::read_to_string(workspace().join("xtask/src/help.txt")).unwrap();
    let mut ran = 0;
    for command in commands() {
        let words: Vec<&str> = command.split_whitespace().collect();
        let ["cargo", "xtask", task, rest @ ..] = words.as_slice() else { panic!("what is `{command}`?") };
        assert!(help.contains(&format!("\n  {task} ")), "`{command}`: xtask has no such task");
        let mut args = match (*task, rest) {
            ("train" | "sweep", rest) => [&[*task][..], rest].concat(),
            ("run", ["--", rest @ ..]) => rest.to_vec(),
            // This very test is part of it.
            ("test" | "check" | "setup", _) => continue,
            _ => panic!("what is `{command}`?"),
        };
        if ["train", "sweep"].contains(&args[0]) {
            args.extend(["--offline", "--set", "train.epochs=1", "--set", "data.validation=10"]);
            args.extend(["--set", "data.limit=100"]);
        }
        if args[0] == "sweep" {
            args.extend(["--set", "sweep.seeds=1", "--set", "sweep.grid.model={hidden=[4,8]}"]);
        }
        let ended = sandbox.birnn(&args);
        assert_eq!(ended.code, 0, "{command}: {}", ended.stderr);
        ran += 1;
    }
    assert!(ran >= 5, "only {ran} of the README's commands were found");
}

/// Every setting that the schema knows must be in docs/settings.md.
#[test]
fn every_setting_is_documented() {
    fn settings(schema: &Value, prefix: &str, found: &mut Vec<String>) {
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            found.push(format!("{prefix}{name}"));
            settings(schema, &format!("{prefix}{name}."), found);
        }
    }
    let documented = std::fs::read_to_string(workspace().join("docs/settings.md")).unwrap();
    let schema = Sandbox::new().birnn(&["config", "schema"]).done().stdout;
    let mut keys = Vec::new();
    settings(&serde_json::from_str(&schema).unwrap(), "", &mut keys);
    for key in &keys {
        // A table of its own is documented by its keys, `train.early_stop` by its one value.
        let is_documented =
            [format!("`{key}`"), format!("`{key}.")].iter().any(|key| documented.contains(key));
        let parent = key.strip_suffix(".patience").unwrap_or(key);
        assert!(is_documented || documented.contains(&format!("`{parent}`")), "`{key}`");
    }
    assert!(keys.len() > 30, "{}", keys.len());
}
