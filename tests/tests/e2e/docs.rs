//! The documentation against the program: what pages say of settings, options, JSON, files, messages and
//! figures.
//!
//! docs/reference/cli.md is written by `BLESS=1 cargo xtask test -p birnn-tests --test e2e docs`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use birnn_tests::docs::{Page, anchor, guide, page, pages, quoted, write_cats};
use birnn_tests::exits::EXIT_CODES;
use birnn_tests::{SYNTHETIC, Sandbox, listing, workspace};
use serde_json::Value;

#[test]
fn links_lead_somewhere() {
    let (pages, root, mut links) = (pages(), workspace().canonicalize().unwrap(), 0);
    for page in &pages {
        let name = page.name.display();
        // A link may be broken over two lines.
        for link in page.prose().join(" ").split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            links += 1;
            if link.starts_with("http") {
                continue;
            }
            let (path, wanted) = link.split_once('#').unwrap_or((link, ""));
            let target = match path {
                "" => root.join(&page.name),
                path => root.join(&page.name).parent().unwrap().join(path),
            };
            let target = target.canonicalize().unwrap_or_else(|_| panic!("{name}: {link} leads nowhere"));
            if wanted.is_empty() {
                continue;
            }
            let target = pages.iter().find(|page| root.join(&page.name) == target).unwrap();
            let mut headings = target.prose().into_iter().filter_map(|line| Some(line.split_once("# ")?.1));
            assert!(headings.any(|heading| anchor(heading) == wanted), "{name}: no heading for {link}");
        }
    }
    assert!(links > 50, "{links}");
}

#[test]
fn every_page_can_be_found() {
    let (index, readme) = (page("docs/README.md").text, page("README.md").text);
    for page in pages().iter().filter(|page| page.name.starts_with("docs")) {
        let path = page.name.to_str().unwrap();
        let name = path.strip_prefix("docs/").unwrap();
        let is_indexed = name == "README.md" || index.contains(&format!("]({name})"));
        assert!(is_indexed, "docs/README.md: {name} is missing");
        let is_near = !name.starts_with("guide/") || readme.contains(&format!("]({path})"));
        assert!(is_near, "README.md: {path} is missing");
    }
}

#[test]
fn lines_fit_a_screen() {
    // Written by programs, or grown line by line.
    let others = ["docs/bench/README.md", "docs/study/README.md", "docs/reference/cli.md", "CHANGELOG.md"]
        .map(Path::new);
    for page in pages().iter().filter(|page| !others.contains(&page.name.as_path())) {
        // What the bench says of its machine is of its making, too.
        let is_written = |line: &&str| !line.starts_with('|') && !line.contains("; fused multiply-adds ");
        for line in page.text.lines().filter(is_written) {
            assert!(line.chars().count() <= 120, "{}: {line}", page.name.display());
        }
    }
}

/// As wide as rustfmt makes code, which leaves comments as they are. Tables and lone links cannot be broken.
#[test]
fn comments_fit_the_width_of_code() {
    let setting = page("rustfmt.toml").text;
    let width = setting.lines().find_map(|line| line.strip_prefix("max_width = ")).unwrap();
    let width: usize = width.parse().unwrap();
    for path in rust_files(&["crates", "tests", "xtask"]) {
        let source = std::fs::read_to_string(&path).unwrap();
        let comments = source.lines().filter(|line| line.trim_start().starts_with("//"));
        for line in comments.filter(|line| !line.contains("//! |") && !line.contains("](http")) {
            assert!(line.chars().count() <= width, "{}: {line}", path.display());
        }
    }
}

/// Those below these folders of the workspace.
fn rust_files(folders: &[&str]) -> impl Iterator<Item = PathBuf> {
    let files = folders.iter().flat_map(|folder| listing(&workspace().join(folder)));
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
}

#[test]
fn toml_is_an_experiment() {
    let sandbox = Sandbox::new();
    let workspace_manifest = page("Cargo.toml").text;
    let mut checked = 0;
    for page in pages() {
        for block in page.blocks_in("toml") {
            let name = page.name.display();
            if block.starts_with("# Cargo.toml\n") {
                for line in block.lines().filter(|line| line.starts_with("tch = ")) {
                    assert!(workspace_manifest.contains(&format!("\n{line}\n")), "{name}: {line}");
                }
                for line in block.lines().filter(|line| line.starts_with("birnn-")) {
                    let crate_name = line.split(' ').next().unwrap();
                    assert!(workspace().join("crates").join(crate_name).is_dir(), "{name}: {line}");
                }
                continue;
            }
            sandbox.write("block.toml", &block);
            let ended = sandbox.birnn(&["config", "check", "block.toml"]);
            assert_eq!(ended.code, 0, "{name}: {}{block}", ended.stderr);
            checked += 1;
        }
    }
    assert!(checked >= 3, "{checked}");
}

/// An excerpt of an experiment file with a mistake is one that a test of its own knows.
#[test]
fn excerpts_are_real() {
    let cases = page("tests/fixtures/broken-configs.txt").text;
    let excerpts = pages().into_iter().flat_map(|page| page.blocks());
    let excerpts: Vec<_> = excerpts.filter(|block| block.text.starts_with("error: exp.toml")).collect();
    assert!(!excerpts.is_empty());
    for excerpt in excerpts {
        assert!(cases.contains(excerpt.text.trim_end()), "no case prints\n{}", excerpt.text);
    }
}

#[test]
fn the_command_line_reference_is_current() {
    let sandbox = Sandbox::new();
    let mut text = "# Command line\n\nThis page is what the programs print. It is written by \
                    `BLESS=1 cargo xtask test -p birnn-tests --test e2e docs`;\nto change it, edit \
                    [`args.rs`](../../crates/birnn-cli/src/args.rs) or \
                    [`help.txt`](../../xtask/src/help.txt).\nSee also [exit codes](exit-codes.md), \
                    [environment variables](environment.md) and [JSON output](json.md).\n"
        .to_owned();
    let mut add = |title: &str, help: &str| {
        text += &format!("\n## `{title}`\n\n```text\n{}\n```\n", help.trim_end());
    };
    add("cargo xtask", &page("xtask/src/help.txt").text);
    add_help(&sandbox, &[], &mut add);
    let path = workspace().join("docs/reference/cli.md");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(text == committed, "write it anew: BLESS=1 cargo xtask test -p birnn-tests --test e2e docs");
}

/// The help of a command, then that of its subcommands.
fn add_help(sandbox: &Sandbox, command: &[&str], add: &mut impl FnMut(&str, &str)) {
    let help = sandbox.birnn(&[command, &["--help"]].concat()).done().stdout;
    let lines: Vec<_> = help.lines().flat_map(|line| wrapped(line, 116)).collect();
    add(&[&["birnn"], command].concat().join(" "), &lines.join("\n"));
    let Some((_, subcommands)) = help.split_once("\nCommands:\n") else { return };
    let subcommands = subcommands.lines().take_while(|line| !line.is_empty());
    for subcommand in
        subcommands.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help")
    {
        add_help(sandbox, &[command, &[subcommand]].concat(), add);
    }
}

/// A line as several, each with the indent of the first; a column of explanations keeps its own.
fn wrapped(line: &str, width: usize) -> Vec<String> {
    let line = line.trim_end();
    let text = line.trim_start();
    let own = line.len() - text.len();
    // `  train        Train the network ...`
    let indent =
        text.find("  ").map_or(own, |gap| own + gap + text[gap..].len() - text[gap..].trim_start().len());
    let (mut lines, mut current) = (Vec::new(), String::new());
    for word in line.split_inclusive(' ') {
        if !current.trim().is_empty() && current.len() + word.trim_end().len() > width {
            lines.push(current.trim_end().to_owned());
            current = " ".repeat(indent);
        }
        current += word;
    }
    lines.push(current.trim_end().to_owned());
    lines
}

/// Every setting that the schema knows must be in docs/reference/settings.md.
#[test]
fn every_setting_is_documented() {
    fn settings(schema: &Value, prefix: &str, found: &mut Vec<String>) {
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            found.push(format!("{prefix}{name}"));
            settings(schema, &format!("{prefix}{name}."), found);
        }
    }
    let documented = page("docs/reference/settings.md").text;
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

#[test]
fn json_is_as_documented() {
    let sandbox = Sandbox::new();
    write_cats(&sandbox);
    for (run, set) in [("a", "seed=1"), ("b", "seed=2"), ("c", "model.hidden=4")] {
        let few = ["train", "cats.toml", "--set", "train.epochs=1", "--set", "data.validation=10"];
        sandbox
            .birnn(&[&few[..], &["--run-dir", run, "--set", set, "--set", "train.log_every=1"]].concat())
            .done();
    }
    let sweep = ["sweep", "cats.toml", "--json", "--set", "train.epochs=1", "--set", "data.validation=10"];
    let grid = ["--set", "sweep.seeds=2", "--set", "sweep.grid.model={hidden=[4,8]}"];
    sandbox.write("picture.pgm", [b"P5 8 8 255\n".as_slice(), &[200; 32], &[0; 32]].concat());
    let printed = |args: &[&str]| serde_json::from_str(&sandbox.birnn(args).stdout).unwrap();

    let reference = page("docs/reference/json.md");
    let documented = |command: &str| outline(&reference, &format!("## `birnn {command} --json`"));
    let mut wrong = Vec::new();
    for (command, printed) in [
        ("eval", printed(&["eval", "a", "--json"])),
        ("predict", printed(&["predict", "a", "picture.pgm", "none.pgm", "--json"])),
        ("runs", printed(&["runs", ".", "--json"])),
        ("compare", printed(&["compare", "a", "b", "c", "--json"])),
        ("sweep", printed(&[&sweep[..], &grid].concat())),
        ("doctor", printed(&["doctor", "--json"])),
    ] {
        differ(&documented(command)[0], &printed, command, &mut wrong);
    }
    // Of numbers it is as above, but for what has a section of its own.
    sandbox.write("series.toml", crate::series_of("kind = \"regress\""));
    for (run, set) in [("d", "seed=1"), ("e", "seed=2")] {
        sandbox.birnn(&["train", "series.toml", "--run-dir", run, "--set", set]).done();
    }
    let (mut expected, own) = (
        documented("compare").remove(0),
        outline(&reference, "## `birnn compare --json` of numbers").remove(0),
    );
    for part in ["runs", "pairs", "seed_groups"] {
        let members = expected[part][0].as_object_mut().unwrap();
        members.retain(|key, _| !OF_CLASSES.contains(&key.as_str()));
        members.extend(own[part][0].as_object().unwrap().clone());
    }
    differ(&expected, &printed(&["compare", "d", "e", "--json"]), "compare of numbers", &mut wrong);
    let (mut expected, own) =
        (documented("eval").remove(0), nth_outline(&reference, "## `birnn eval --json`", 1).remove(0));
    let members = expected.as_object_mut().unwrap();
    members.retain(|key, _| !EVALUATED_OF_CLASSES.contains(&key.as_str()));
    members.extend(own.as_object().unwrap().clone());
    differ(&expected, &printed(&["eval", "d", "--json"]), "eval of numbers", &mut wrong);

    let reference = page("docs/reference/run-directory.md");
    let lines = |file: &str| -> Vec<Value> {
        sandbox.text(file).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let of_event = |documented: &[Value], event: &Value| {
        documented.iter().find(|known| known["event"] == *event).unwrap_or_else(|| panic!("{event}")).clone()
    };
    let documented = outline(&reference, "## `metrics.jsonl`");
    for line in lines("a/metrics.jsonl") {
        let event = &line["event"];
        differ(&of_event(&documented, event), &line, &format!("metrics.jsonl: {event}"), &mut wrong);
    }
    differ(
        &outline(&reference, "## `timing.jsonl`")[0],
        &lines("a/timing.jsonl")[0],
        "timing.jsonl",
        &mut wrong,
    );
    for file in ["meta.json", "model.ckpt.json"] {
        let written = serde_json::from_slice(&sandbox.read(&format!("a/{file}"))).unwrap();
        differ(&outline(&reference, &format!("## `{file}`"))[0], &written, file, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What `compare` tells of nets that classify samples alone.
const OF_CLASSES: [&str; 9] =
    ["correct", "accuracy", "interval", "only_a", "only_b", "p", "p_holm", "log10_p", "log10_p_holm"];

/// What `eval` tells of nets that classify alone.
const EVALUATED_OF_CLASSES: [&str; 6] =
    ["correct", "accuracy", "macro_f1", "classes", "confusion", "mistakes"];

/// The JSON below a heading, one value or several.
fn outline(page: &Page, heading: &str) -> Vec<Value> {
    nth_outline(page, heading, 0)
}

/// The same of the block of this index below the heading.
fn nth_outline(page: &Page, heading: &str, index: usize) -> Vec<Value> {
    let text = page.section(heading).blocks_in("json").nth(index);
    let text = text.unwrap_or_else(|| panic!("{heading}: no JSON"));
    let values = serde_json::Deserializer::from_str(&text).into_iter().collect::<Result<_, _>>();
    values.unwrap_or_else(|error| panic!("{heading}: {error}"))
}

/// Notes where the keys of `real` are not those of `documented`. Null is a value that is not known.
fn differ(documented: &Value, real: &Value, path: &str, wrong: &mut Vec<String>) {
    match (documented, real) {
        (_, Value::Null) => {}
        (Value::Object(documented), Value::Object(real)) => {
            if let Some(any) = documented.get("<key>") {
                return real.values().for_each(|value| differ(any, value, path, wrong));
            }
            for key in real.keys().chain(documented.keys()).collect::<BTreeSet<_>>() {
                match (documented.get(key), real.get(key)) {
                    (Some(documented), Some(real)) => {
                        differ(documented, real, &format!("{path}.{key}"), wrong);
                    }
                    (None, _) => wrong.push(format!("{path}.{key} is not documented")),
                    (_, None) => wrong.push(format!("{path}.{key} is documented and not there")),
                }
            }
        }
        (Value::Array(documented), Value::Array(real)) => {
            let documented = documented.first().unwrap_or(&Value::Null);
            real.iter().for_each(|value| differ(documented, value, &format!("{path}[]"), wrong));
        }
        (Value::Object(_) | Value::Array(_), _) | (_, Value::Object(_) | Value::Array(_)) => {
            wrong.push(format!("{path} is {real}"));
        }
        _ => {}
    }
}

#[test]
fn files_of_a_run_are_documented() {
    let sandbox = Sandbox::new();
    sandbox.write_experiment("small.toml", birnn_tests::SMALL);
    sandbox.birnn(&["train", "small.toml", "--run-dir", "run", "--set", "data.validation=30"]).done();
    sandbox.birnn(&["report", "run"]).done();
    let shown = page("docs/reference/run-directory.md").blocks_in("text").next().unwrap();
    let documented: BTreeSet<_> =
        shown.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
    let mut there = BTreeSet::new();
    for path in listing(&sandbox.path("run")) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        there.insert(if path.is_dir() { name + "/" } else { name });
    }
    assert_eq!(documented, there.iter().map(String::as_str).collect());
}

#[test]
fn exit_codes_are_documented() {
    let documented = page("docs/reference/exit-codes.md");
    let documented: Vec<i32> = documented.first_cells().iter().filter_map(|cell| cell.parse().ok()).collect();
    assert_eq!(documented, EXIT_CODES);
    let help = Sandbox::new().birnn(&["--help"]).done().stdout;
    let (_, said) = help.split_once("Exit codes: ").unwrap();
    let said: Vec<i32> =
        said.lines().next().unwrap().split([' ', ',']).filter_map(|word| word.parse().ok()).collect();
    assert_eq!(said, EXIT_CODES);
}

/// The Rust of the crates and of xtask, without tests; strings that are broken over lines are joined.
fn sources() -> String {
    let mut text = String::new();
    for path in rust_files(&["crates", "xtask"]) {
        let is_source = path.components().any(|part| part.as_os_str() == "src")
            && !path.to_string_lossy().contains("tests.rs");
        if is_source {
            let source = std::fs::read_to_string(&path).unwrap();
            text += source.split("#[cfg(test)]").next().unwrap();
        }
    }
    let mut parts = text.split("\\\n");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |joined, part| joined + part.trim_start())
}

/// Where a test finds no Python, it says so.
#[test]
fn the_picture_of_the_confusion_is_drawn_as_the_guide_says() {
    let sandbox = Sandbox::new();
    sandbox.write("x.toml", SYNTHETIC);
    sandbox.birnn(&["train", "x.toml", "--run-dir", "run"]).done();
    let told = sandbox.birnn(&["eval", "run", "--json"]).done().stdout;
    // Also of a net that makes no mistake.
    let classes = r#"[{"class": "a"}, {"class": "b"}]"#;
    let right = format!(
        r#"{{"dataset": "d", "samples": 3, "split": "test", "accuracy": 1, "classes": {classes}, "confusion": [[1, 0], [0, 2]]}}"#
    );
    for json in [told, right] {
        sandbox.write("told.json", json);
        let script = workspace().join("docs/confusion.py");
        let given = std::fs::File::open(sandbox.path("told.json")).unwrap();
        let Ok(drawn) = Command::new("python3").arg(script).stdin(given).output() else {
            return birnn_tests::skipped("there is no python3");
        };
        let svg = String::from_utf8_lossy(&drawn.stdout);
        assert!(drawn.status.success() && svg.trim_end().ends_with("</svg>"), "{drawn:?}");
    }
}

#[test]
fn environment_variables_are_documented() {
    let (sources, documented) = (sources(), page("docs/reference/environment.md").text);
    let mut read = BTreeSet::new();
    for call in ["env::var(\"", "env::var_os(\"", "machine.var(\"", "self.var(\"", "VARIABLE: &str = \""] {
        read.extend(sources.split(call).skip(1).map(|rest| rest.split('"').next().unwrap()));
    }
    assert!(read.len() >= 12, "{read:?}");
    // What cargo says of the build, and of where xtask lies, is no user's.
    for name in read.iter().filter(|name| !name.starts_with("CARGO_")) {
        assert!(documented.contains(&format!("`{name}`")), "{name} is not documented");
    }
    let help = page("xtask/src/help.txt").text;
    let tables = page("docs/reference/environment.md");
    for name in tables.first_cells().into_iter().flat_map(quoted) {
        assert!(sources.contains(name) || help.contains(name), "{name} is documented, and nothing reads it");
    }
}

#[test]
fn messages_are_real() {
    let sources = sources();
    let messages = page("docs/guide/troubleshooting.md").section("## Messages of birnn");
    let messages: Vec<_> = messages.first_cells().into_iter().flat_map(quoted).map(str::to_owned).collect();
    assert!(messages.len() >= 10, "{}", messages.len());
    for message in messages {
        assert!(is_printed(&sources, &message), "nothing prints `{message}`");
    }
}

/// Whether a message is in the sources; `...` is a few words that vary.
fn is_printed(sources: &str, message: &str) -> bool {
    const FEW: usize = 120;
    let mut parts = message.split("...").filter(|part| !part.is_empty());
    let first = parts.next().unwrap();
    let parts: Vec<_> = parts.collect();
    sources.match_indices(first).any(|(at, _)| {
        let mut rest = &sources[at + first.len()..];
        parts.iter().all(|part| match rest.find(part) {
            Some(found) if found <= FEW => {
                rest = &rest[found + part.len()..];
                true
            }
            _ => false,
        })
    })
}

#[test]
fn every_figure_has_its_command() {
    const UNITS: [&str; 12] =
        ["%", "ms", "s", "min", "GFLOP/s", "GFLOP", "MiB", "GiB", "MB", "GB", "times", "kills"];
    // Not measured: the level of intervals, a threshold.
    const SET: [&str; 2] = ["95 %", "1 %"];
    let known = page("docs/reference/figures.md");
    let known: BTreeSet<_> = words(&known.text).collect();
    let mut checked = 0;
    for page in guide() {
        let mut text = page.prose().join(" ");
        for shown in page.blocks_in("text").filter(|_| page.name == Path::new("README.md")) {
            text += &shown;
        }
        // Written by the bench itself.
        if let (Some(start), Some(end)) = (text.find("<!-- bench -->"), text.find("<!-- /bench -->")) {
            text.replace_range(start..end, "");
        }
        let words: Vec<_> = words(&text).collect();
        for pair in words.windows(2) {
            let [number, unit] = [pair[0], pair[1]];
            if !number.starts_with(|c: char| c.is_ascii_digit()) || !UNITS.contains(&unit) {
                continue;
            }
            let figure = format!("{number} {unit}");
            checked += 1;
            let is_known = SET.contains(&figure.as_str()) || known.contains(number);
            assert!(is_known, "{}: {figure} is not in docs/reference/figures.md", page.name.display());
        }
        // Before a figure with its unit, others of the same.
        for four in words.windows(4) {
            let [first, between, number, unit] = [four[0], four[1], four[2], four[3]];
            let are_numbers =
                [first, number].iter().all(|word| word.starts_with(|c: char| c.is_ascii_digit()));
            if !are_numbers || !UNITS.contains(&unit) || !["±", "to", "and", "or"].contains(&between) {
                continue;
            }
            checked += 1;
            let told = four.join(" ");
            assert!(
                known.contains(first),
                "{}: the first of {told} is not in docs/reference/figures.md",
                page.name.display()
            );
        }
    }
    assert!(checked > 40, "{checked}");
}

/// Words without the punctuation around them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().map(|word| word.trim_matches(['(', ')', ',', ';', ':', '*', '"', '.']))
}

/// The commands of docs/reference/figures.md are ones that there are.
#[test]
fn commands_of_figures_exist() {
    let help = page("xtask/src/help.txt").text;
    let figures = page("docs/reference/figures.md");
    let prose = figures.prose().join("\n");
    let commands: Vec<_> = quoted(&prose).filter(|quoted| quoted.contains("cargo xtask")).collect();
    assert!(commands.len() > 10, "{}", commands.len());
    for command in commands {
        let task = command.split("cargo xtask ").nth(1).unwrap().split(' ').next().unwrap();
        assert!(help.contains(&format!("\n  {task} ")), "`{command}`");
        for config in command.split(' ').filter(|word| word.ends_with(".toml")) {
            assert!(workspace().join(config).is_file(), "`{command}`");
        }
    }
}
