//! A run of which another process keeps the files: what it is, by what that process says.

use std::path::{Path, PathBuf};

use birnn_data::name::shown;
use birnn_distributed::{RankError, Ranks};
use birnn_experiment::{ExperimentError, Source};
use birnn_infer::WeightsError;
use birnn_run::{CONFIG, FileError, MetaError};
use serde::{Deserialize, Serialize};

use crate::checkpoint::Checkpoint;
use crate::resume::Resumed;

/// A run of which another process keeps the files.
#[derive(Debug)]
pub struct Joined {
    pub(crate) source: Source,
    /// What there is of it already, where it goes on.
    pub(crate) before: Option<Before>,
}

/// How a run stands that goes on.
#[derive(Debug)]
pub(crate) struct Before {
    /// Where it goes on, if it came to a checkpoint.
    pub(crate) checkpoint: Option<Checkpoint>,
    /// The data set that digits drawn by code stood in for when it began, if they did.
    pub(crate) substitute_for: Option<String>,
}

/// Why a run could not be handed over, or taken.
#[derive(Debug, thiserror::Error)]
pub enum HandOverError {
    /// The other processes cannot be had.
    #[error(transparent)]
    Rank(#[from] RankError),
    /// How the run stands cannot be read.
    #[error(transparent)]
    Meta(#[from] MetaError),
    /// The checkpoint cannot be read again.
    #[error(transparent)]
    File(#[from] FileError),
    /// The experiment cannot be written down.
    #[error("{0}")]
    Unwritable(#[from] toml::ser::Error),
    /// What came is no experiment.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// What came is no checkpoint.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// What came is something else.
    #[error("what rank 0 says of the run makes no sense here ({0}): all processes need the same birnn")]
    Garbled(serde_json::Error),
}

/// What goes before the checkpoint.
#[derive(Serialize, Deserialize)]
struct Account {
    run: PathBuf,
    experiment: String,
    substitute_for: Option<String>,
    /// The path of the checkpoint, where there is one.
    checkpoint: Option<PathBuf>,
}

impl Joined {
    /// A new run of an experiment.
    pub fn new(source: Source) -> Joined {
        Joined { source, before: None }
    }

    /// Hands a run that goes on over to the other processes: no disk is shared.
    pub fn hand_over(resumed: &Resumed, ranks: &Ranks) -> Result<(), HandOverError> {
        if ranks.size() == 1 {
            return Ok(());
        }
        let checkpoint = resumed.checkpoint.as_ref().map(|checkpoint| checkpoint.path.clone());
        let bytes = match &checkpoint {
            Some(path) => std::fs::read(path).map_err(FileError::of(path))?,
            None => Vec::new(),
        };
        let account = Account {
            run: resumed.run.path().to_owned(),
            experiment: resumed.source.experiment().to_toml()?,
            substitute_for: resumed.substitute_for()?,
            checkpoint,
        };
        ranks.from_first(Some(&serde_json::to_vec(&account).map_err(HandOverError::Garbled)?))?;
        ranks.from_first(Some(&bytes))?;
        tracing::info!("handed {} over to the other processes", shown(resumed.run.path()));
        Ok(())
    }

    /// Takes a run that goes on from the first process.
    pub fn take(ranks: &Ranks) -> Result<Joined, HandOverError> {
        let account: Account =
            serde_json::from_slice(&ranks.from_first(None)?).map_err(HandOverError::Garbled)?;
        let bytes = ranks.from_first(None)?;
        let source = Source::parse(&Path::new(&account.run).join(CONFIG), account.experiment, &[])?;
        let checkpoint = account.checkpoint.map(|path| Checkpoint::parse(&path, &bytes)).transpose()?;
        let before = Before { checkpoint, substitute_for: account.substitute_for };
        Ok(Joined { source, before: Some(before) })
    }
}
