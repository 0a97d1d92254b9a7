//! Any text, with any `--set` arguments (its lines after the first NUL), is a plan or an error of one line.
#![no_main]

use std::path::Path;

use birnn_experiment::Source;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (text, sets) = text.split_once('\0').unwrap_or((text, ""));
    let sets: Vec<String> = sets.lines().map(str::to_owned).collect();
    let source = Source::parse(Path::new("fuzzed.toml"), text.to_owned(), &sets);
    match source.and_then(|source| source.plan().map(|_| source)) {
        Ok(source) => {
            let written = source.experiment().to_toml().expect("a plan can be written");
            let again =
                Source::parse(Path::new("fuzzed.toml"), written, &[]).expect("what is written is read");
            assert_eq!(again.experiment().to_toml().ok(), source.experiment().to_toml().ok());
        }
        Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
    }
});
