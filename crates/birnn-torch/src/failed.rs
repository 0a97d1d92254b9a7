//! How the errors of those who use libtorch end a command.

use birnn_cli::failure::Failure;
use birnn_distributed::RankError;
use birnn_engine::run::{HandOverError, RunError};
use birnn_engine::sweep::SweepError;
use birnn_engine::{CheckpointError, EngineError, ResumeError};
use birnn_model::ModelError;
use birnn_run::{FileError, MetaError};

/// An error that a command can end with.
pub trait Fails {
    /// How it then ends.
    fn failure(self) -> Failure;
}

/// A result whose error a command can end with.
pub trait OrFail<T> {
    /// With the failure in place of the error.
    fn or_fail(self) -> Result<T, Failure>;
}

impl<T, E: Fails> OrFail<T> for Result<T, E> {
    fn or_fail(self) -> Result<T, Failure> {
        self.map_err(Fails::failure)
    }
}

/// A failure, as an error that those of libraries become where a library asks for one of the caller's.
pub struct Failed(pub Failure);

impl<E: Fails> From<E> for Failed {
    fn from(error: E) -> Failed {
        Failed(error.failure())
    }
}

impl Fails for EngineError {
    fn failure(self) -> Failure {
        match self {
            EngineError::Rank(error) => error.failure(),
            // What was asked for cannot be, on any machine.
            EngineError::RanksDiffer { .. }
            | EngineError::Manifest(_)
            | EngineError::Save(_)
            | EngineError::Model(ModelError::Architecture(_)) => Failure::request(self),
            _ => Failure::run(self),
        }
    }
}

impl Fails for ResumeError {
    fn failure(self) -> Failure {
        match self {
            ResumeError::RunDir(error) => error.into(),
            ResumeError::Checkpoint(CheckpointError::File(error)) => error.into(),
            ResumeError::Experiment(error) => error.into(),
            error => Failure::request(error),
        }
    }
}

impl Fails for RunError {
    fn failure(self) -> Failure {
        match self {
            RunError::Resume(error) => error.failure(),
            RunError::Experiment(error) => error.into(),
            RunError::RunDir(error) => error.into(),
            RunError::Manifest(error) => error.into(),
            RunError::File(error) => error.into(),
            RunError::Engine(error) => error.failure(),
            RunError::Unwritable(error) => Failure::request(error),
        }
    }
}

impl Fails for SweepError {
    fn failure(self) -> Failure {
        match self {
            SweepError::RunDir(error) => error.into(),
            SweepError::Experiment(error) => error.into(),
            SweepError::File(error) => error.into(),
            SweepError::Meta(error) => error.failure(),
            SweepError::Unwritable(_) | SweepError::Differs { .. } | SweepError::NotAsked { .. } => {
                Failure::request(self)
            }
        }
    }
}

impl Fails for RankError {
    fn failure(self) -> Failure {
        match &self {
            RankError::Launch(_) | RankError::NoGloo { .. } => Failure::request(self),
            // As on the rank that failed.
            RankError::Failed { code: 2, .. } => Failure::request(self),
            _ => Failure::run(self),
        }
    }
}

impl Fails for HandOverError {
    fn failure(self) -> Failure {
        match self {
            HandOverError::Rank(error) => error.failure(),
            HandOverError::Meta(error) => error.failure(),
            HandOverError::File(error) => error.into(),
            HandOverError::Experiment(error) => error.into(),
            HandOverError::Weights(error) => error.into(),
            HandOverError::Unwritable(_) | HandOverError::Garbled(_) => Failure::request(self),
        }
    }
}

impl Fails for FileError {
    fn failure(self) -> Failure {
        self.into()
    }
}

impl Fails for MetaError {
    fn failure(self) -> Failure {
        Failure::request(self)
    }
}
