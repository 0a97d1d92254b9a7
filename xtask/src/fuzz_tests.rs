use super::*;
use crate::commands::Usage;

fn ask(args: &[&str]) -> Result<(u32, Vec<&'static str>)> {
    let (seconds, targets) = asked(&args.iter().map(OsString::from).collect::<Vec<_>>())?;
    Ok((seconds, targets.into_iter().map(|(target, ..)| target).collect()))
}

#[test]
fn all_targets_run_for_a_minute_unless_told_otherwise() {
    let all: Vec<&str> = TARGETS.iter().map(|(target, ..)| *target).collect();
    assert_eq!(ask(&[]).unwrap(), (60, all.clone()));
    assert_eq!(ask(&["600"]).unwrap(), (600, all));
    assert_eq!(ask(&["600", "table", "npz"]).unwrap(), (600, vec!["table", "npz"]));
}

#[test]
fn what_is_no_time_or_no_target_is_refused() {
    for (args, told) in [
        (&["0"][..], "fuzz takes first how many seconds each target is to run"),
        (&["npz"], "fuzz takes first how many seconds each target is to run"),
        (&["9", "csv"], "fuzz has no target `csv`; there are idx, checkpoint, config, weights, "),
    ] {
        let error = ask(args).unwrap_err();
        assert!(error.is::<Usage>() && error.to_string().starts_with(told), "{args:?}: {error}");
    }
}

#[test]
fn every_target_is_run() {
    let files = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fuzz/targets")).unwrap();
    let names = files.map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned());
    let mut there: Vec<String> = names.filter(|name| name != "memory").collect();
    let mut run = TARGETS.map(|(target, ..)| target.to_owned()).to_vec();
    there.sort();
    run.sort();
    assert_eq!(there, run);
}
