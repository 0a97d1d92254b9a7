//! How a command ends when it does not end well.

use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use birnn_convert::{ExportError, ImportError, Unwritable};
use birnn_data::{DataError, FileProblem, escape};
use birnn_experiment::ExperimentError;
use birnn_infer::{ManifestError, NetDataError, SaveError, WeightsError, WeightsProblem};
use birnn_report::ReportError;
use birnn_report::compare::NotComparable;
use birnn_run::disk::FaultError;
use birnn_run::{FileError, NoWeights, RunDirError};

/// How a command failed.
#[derive(Debug)]
pub struct Failure {
    /// Whose fault it was, if anyone's.
    pub kind: Kind,
    /// What went wrong and what to do, in one line.
    pub message: String,
    /// The place in an experiment file, in lines of its own.
    pub excerpt: Option<String>,
}

/// What a command that did not end well ended by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What was asked for could be, and failed.
    Run,
    /// What was asked for cannot be.
    Request,
    /// It was stopped, as the user wished; with an exit code above 128.
    Stopped(u8),
}

/// What every command returns.
pub type Outcome = Result<(), Failure>;

impl Failure {
    /// Of a kind.
    pub fn new(kind: Kind, message: impl ToString) -> Failure {
        Failure { kind, message: message.to_string(), excerpt: None }
    }

    /// The run failed.
    pub fn run(message: impl ToString) -> Failure {
        Failure::new(Kind::Run, message)
    }

    /// The request was wrong.
    pub fn request(message: impl ToString) -> Failure {
        Failure::new(Kind::Request, message)
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        match self.kind {
            Kind::Run => 1,
            Kind::Request => 2,
            Kind::Stopped(code) => code,
        }
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Failure {
        match &error {
            // A missing file of the user's own is a wrong request, a full disk is not.
            DataError::File(file) => of_file(&file.problem, &error),
            DataError::Config(_) => Failure::request(error),
            DataError::Unobtainable(_) => Failure::run(error),
        }
    }
}

/// That a file cannot be read, told so.
pub fn of_file(problem: &FileProblem, told: impl ToString) -> Failure {
    match problem {
        FileProblem::Io(io) if !is_misnamed(io) => Failure::run(told),
        _ => Failure::request(told),
    }
}

/// Whether a path is to blame, and not the disk.
fn is_misnamed(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{InvalidInput, IsADirectory, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | InvalidInput | IsADirectory | NotADirectory)
}

impl From<RunDirError> for Failure {
    fn from(error: RunDirError) -> Failure {
        match error {
            RunDirError::Unmakeable { ref source, .. }
                if source.kind() == std::io::ErrorKind::AlreadyExists =>
            {
                Failure::request(error)
            }
            RunDirError::Io { .. } | RunDirError::Unmakeable { .. } => Failure::run(error),
            _ => Failure::request(error),
        }
    }
}

impl From<ExperimentError> for Failure {
    fn from(error: ExperimentError) -> Failure {
        Failure { excerpt: error.excerpt().map(str::to_owned), ..Failure::request(error) }
    }
}

/// Errors that always mean a wrong request.
macro_rules! wrong_request {
    ($($error:ty),*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Failure {
                Failure::request(error)
            }
        }
    )*};
}

wrong_request!(FaultError, ManifestError, NoWeights, NotComparable, Unwritable);

impl From<WeightsError> for Failure {
    fn from(error: WeightsError) -> Failure {
        match &error.problem {
            WeightsProblem::Io(io) if !is_misnamed(io) => Failure::run(error),
            _ => Failure::request(error),
        }
    }
}

impl From<NetDataError> for Failure {
    fn from(error: NetDataError) -> Failure {
        match error {
            NetDataError::Experiment(error) => error.into(),
            NetDataError::Unreadable(_) => Failure::run(error),
            NetDataError::Unknown(..)
            | NetDataError::Outside(_)
            | NetDataError::OfTheNet(..)
            | NetDataError::KeptBack(_) => Failure::request(error),
        }
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Failure {
        match error {
            ImportError::Experiment(error) => error.into(),
            ImportError::Weights(error) => error.into(),
            error => Failure::request(error),
        }
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Failure {
        match error {
            ReportError::NoSamples
            | ReportError::OtherSamples
            | ReportError::OtherTargets
            | ReportError::NothingAsked
            | ReportError::Overflow(_) => Failure::request(error),
            _ => Failure::run(error),
        }
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Failure {
        Failure::run(error)
    }
}

impl From<SaveError> for Failure {
    fn from(error: SaveError) -> Failure {
        match error {
            SaveError::Manifest { .. } => Failure::request(error),
            SaveError::File(_) => Failure::run(error),
        }
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Failure {
        match error {
            ExportError::Save(error) => error.into(),
            // What it is has no such form.
            ExportError::Encode { .. } => Failure::request(error),
            ExportError::File(_) => Failure::run(error),
        }
    }
}

/// Does the work; a panic, which is a fault of birnn's own, ends in one line and exit code 1 like any
/// failure. With `$RUST_BACKTRACE` the usual account of it follows.
pub fn without_panic(work: impl FnOnce() -> ExitCode) -> ExitCode {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if birnn_data::panic_is_caught() {
            return;
        }
        let what = panic.payload_as_str().unwrap_or("an unknown error");
        let location = panic.location().map_or_else(String::new, |location| format!(" at {location}"));
        let said = format!(
            "this is a fault of birnn's, not of yours; please report it with what you typed: {what}{location}"
        );
        // Not by way of the log, which may be what panicked.
        let _ = writeln!(std::io::stderr(), "error: {}", escape::line(&said));
        if std::env::var_os("RUST_BACKTRACE").is_some_and(|value| !value.is_empty() && value != "0") {
            usual(panic);
        }
    }));
    // Nothing of what the work had in hand is looked at afterwards.
    std::panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or(ExitCode::FAILURE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failed_run() {
        assert_eq!(without_panic(|| ExitCode::from(2)), ExitCode::from(2));
        assert_eq!(without_panic(|| panic!("on purpose\nand in two lines")), ExitCode::FAILURE);
        // That of the tests again.
        let _ = std::panic::take_hook();
    }

    #[test]
    fn what_cannot_be_anywhere_is_a_wrong_request() {
        assert_eq!(Failure::from(ManifestError::TooLarge { size: 2, largest: 1 }).code(), 2);
        assert_eq!(Failure::from(ManifestError::Unreadable("x".to_owned())).code(), 2);
        let full = std::io::Error::from_raw_os_error(28);
        assert_eq!(Failure::from(FileError::of("x")(full)).code(), 1);
    }
}
