//! What every process of birnn's begins and ends with.

use std::process::ExitCode;

use birnn_infer::cpu::{self, Unobeyable};

use crate::args::{self, Command};
use crate::failure::{Failure, Kind, Outcome, without_panic};
use crate::log::{self, Log};

/// Parses the command line, does `work`, and ends as the outcome says.
pub fn main(work: impl FnOnce(Command, Log) -> Outcome) -> ExitCode {
    answer_signals();
    flush_subnormals();
    without_panic(|| {
        let args = args::parse();
        let log = log::start();
        match ready(&args.command).and_then(|()| work(args.command, log)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                let Failure { kind, message, excerpt } = &failure;
                match kind {
                    Kind::Stopped(_) => tracing::info!("{message}"),
                    Kind::Run | Kind::Request => tracing::error!(excerpt = excerpt.as_deref(), "{message}"),
                }
                ExitCode::from(failure.code())
            }
        }
    })
}

/// What no command can do without.
fn ready(command: &Command) -> Outcome {
    // Where there is none, libtorch's libraries would end the process in words of their own.
    std::env::current_dir()
        .map_err(|_| Failure::request("the working directory is gone; change to one that is there"))?;
    match (cpu::configure_from_env(), command) {
        // It tells of that among all else.
        (Err(Unobeyable::Threads(_)), Command::Doctor(_)) => Ok(()),
        (configured, _) => configured.map_err(Failure::request),
    }
}

/// With libtorch or without, what is computed is the same bits: subnormal numbers are zeros in both binaries.
#[expect(unsafe_code, reason = "the mode holds for all that this thread and those after it compute")]
fn flush_subnormals() {
    // SAFETY: nothing in the process takes subnormal numbers for more than values of floats; what changing
    // the mode means under Rust's rules is said where it is done.
    unsafe {
        birnn_kernels::flush_subnormals();
    }
}

/// A file that grows past `ulimit -f` ends a process, unless it asks for an error instead. And where memory
/// does not suffice, Rust and libtorch may abort, which is a failed run like any other, whatever the command.
/// The library that aborts has by then said in words of its own what it could not have; only the last line is
/// ours.
#[expect(unsafe_code, reason = "one signal is ignored, and the handler of the other does what a handler may")]
fn answer_signals() {
    extern "C" fn aborted(_: libc::c_int) {
        const MESSAGE: &str =
            "error: birnn had to be aborted, most likely for want of memory; free some, or ask for less\n";
        // SAFETY: both may be called in a handler; the bytes are static.
        unsafe {
            libc::write(libc::STDERR_FILENO, MESSAGE.as_ptr().cast(), MESSAGE.len());
            libc::_exit(1);
        }
    }
    let aborted: extern "C" fn(libc::c_int) = aborted;
    // SAFETY: the handler is a function of the kind that is asked for.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        libc::signal(libc::SIGABRT, aborted as libc::sighandler_t);
    }
}
