//! How a command ends when it does not end well.

use birnn_data::{DataError, FileProblem};
use birnn_engine::{DeviceError, EngineError, ExperimentError, ResumeError, RunDirError, WeightsError};
use birnn_formats::FormatError;

/// One line for the user, the place in an experiment file below it, and the exit code: 1 when the run failed, 2 when the request was wrong, above 128 when a signal
/// stopped it.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub code: u8,
    /// What went wrong and what to do.
    pub message: String,
}

/// What every command returns.
pub type Outcome = Result<(), Failure>;

impl Failure {
    /// The run failed.
    pub fn run(message: impl ToString) -> Failure {
        Failure { code: 1, message: message.to_string() }
    }

    /// The request was wrong.
    pub fn request(message: impl ToString) -> Failure {
        Failure { code: 2, message: message.to_string() }
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Failure {
        match &error {
            // A missing file of the user's own is a wrong request, a full disk is not.
            DataError::File(file) => match &file.problem {
                FileProblem::Io(io) if io.kind() != std::io::ErrorKind::NotFound => Failure::run(error),
                _ => Failure::request(error),
            },
            DataError::Config(_) => Failure::request(error),
            DataError::Unobtainable(_) => Failure::run(error),
        }
    }
}

impl From<RunDirError> for Failure {
    fn from(error: RunDirError) -> Failure {
        match error {
            RunDirError::Io { .. } | RunDirError::Unmakeable { .. } => Failure::run(error),
            _ => Failure::request(error),
        }
    }
}

impl From<ResumeError> for Failure {
    fn from(error: ResumeError) -> Failure {
        match error {
            ResumeError::RunDir(error) => error.into(),
            ResumeError::Engine(error) => error.into(),
            ResumeError::Experiment(error) => error.into(),
            error => Failure::request(error),
        }
    }
}

impl From<ExperimentError> for Failure {
    fn from(error: ExperimentError) -> Failure {
        match error.excerpt() {
            Some(excerpt) => Failure::request(format!("{error}\n{excerpt}")),
            None => Failure::request(error),
        }
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

wrong_request!(DeviceError, WeightsError, FormatError);

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Failure {
        Failure::run(error)
    }
}
