//! `cargo xtask`: set-up, training, tests and checks, from a fresh machine on.
//!
//! The order in which to read: [`commands`] says what each command does, [`choice`] which libtorch is used,
//! [`install`] how one is fetched, [`cargo_config`] how plain cargo commands come to know of it; [`fuzz`],
//! [`gpu`], [`cross`] and [`cluster`] stand apart.
//!
//! This crate never depends on `tch`: it has to work before there is a libtorch, and it is built in seconds.

#[cfg(not(unix))]
compile_error!("birnn is for Linux and macOS: there are no other systems that it was ever built on");

mod apt;
mod browser;
mod cargo_config;
mod choice;
mod cluster;
mod commands;
mod cross;
mod fuzz;
mod gpu;
mod install;
mod kit;
mod libtorch;
mod machine;
mod manifest;
mod prerequisites;
mod python;
mod small;
mod wheels;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;

use machine::Machine;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    match dispatch(&args) {
        Ok(code) => code,
        Err(error) if error.is::<commands::Usage>() => {
            eprintln!("error: {error} (`cargo xtask help` lists what there is)");
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[OsString]) -> Result<ExitCode> {
    let Some((command, rest)) = args.split_first() else {
        return Ok(help());
    };
    let machine = Machine::this();
    match command.to_str() {
        Some("help" | "--help" | "-h") => Ok(help()),
        Some(
            "setup" | "check" | "torture" | "fuzz" | "witness" | "browser" | "small" | "gpu" | "cross"
            | "cluster",
        ) if asks_for_help(rest) => Ok(help()),
        // They are told by programs that nobody has built yet.
        Some("train" | "sweep" | "run" | "test" | "bench" | "study" | "load")
            if asks_for_help(rest) && cargo_config::recorded(&machine.root).is_none() =>
        {
            println!(
                "docs/reference/cli.md has the options of birnn's commands. Here they are told once `cargo xtask setup` is done."
            );
            Ok(ExitCode::SUCCESS)
        }
        Some("setup") => commands::setup(&machine, rest),
        Some(command @ ("train" | "sweep")) => commands::train(&machine, command, rest),
        Some("run") => commands::run(&machine, rest),
        Some("test") => commands::test(&machine, rest),
        Some("torture") => commands::torture(&machine, rest),
        Some("witness") => commands::witness(&machine, rest),
        Some("browser") => browser::run(&machine, rest),
        Some("small") => small::run(&machine, rest),
        Some("bench") => commands::bench(&machine, rest),
        Some("study") => commands::study(&machine, rest),
        Some("load") => commands::load(&machine, rest),
        Some("fuzz") => fuzz::run(&machine, rest),
        Some("gpu") => gpu::run(&machine, rest),
        Some("cross") => cross::run(&machine, rest),
        Some("cluster") => cluster::run(&machine, rest),
        Some("check") if rest.is_empty() => commands::check(&machine),
        Some("check") => Err(commands::usage("check takes no arguments".to_owned())),
        _ => Err(commands::usage(format!("there is no command `{}`", command.display()))),
    }
}

fn help() -> ExitCode {
    // Whoever reads the first lines alone has what he wants.
    let _ = std::io::stdout().write_all(include_bytes!("help.txt"));
    ExitCode::SUCCESS
}

fn asks_for_help(args: &[OsString]) -> bool {
    args.iter().any(|arg| arg == "--help" || arg == "-h")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_command_is_a_usage_error() {
        let error = dispatch(&["trian".into()]).unwrap_err();
        assert!(error.is::<commands::Usage>());
        assert_eq!(error.to_string(), "there is no command `trian`");
    }
}
