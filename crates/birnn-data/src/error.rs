//! What can be wrong with data.

use std::fmt;
use std::path::PathBuf;

use crate::file_error::FileError;
use crate::name::shown;

/// Why there is no data to train on.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file is not what it should be.
    #[error(transparent)]
    File(#[from] FileError),
    /// A setting does not fit the data.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A published data set is not on disk and could not be downloaded.
    #[error("{}; {}", .0, .0.stand_in())]
    Unobtainable(Box<Unobtainable>),
}

/// What was tried to have a published data set.
#[derive(Debug)]
pub struct Unobtainable {
    /// Its name in a config.
    pub dataset: String,
    /// The first file that is missing.
    pub file: String,
    /// The folders that were searched.
    pub searched: Vec<PathBuf>,
    /// The folders in each of them that were searched too.
    pub within: Vec<String>,
    /// Files there that have none of the names that were looked for, and look as if they were meant.
    pub alike: Vec<PathBuf>,
    /// Each address of a mirror with its answer.
    pub answers: Vec<(String, String)>,
    /// Each package with the answer of what was to fetch it.
    pub packages: Vec<(String, String)>,
    /// Whether downloading was ruled out.
    pub offline: bool,
    /// Whether there is a mirror or a package to download it from.
    pub published: bool,
    /// Whether it is of series, and not of images.
    pub is_series: bool,
}

/// A setting that cannot be, by its dotted key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {message}")]
pub struct ConfigError {
    /// The key as a user would write it, such as `data.limit`.
    pub key: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl ConfigError {
    pub(crate) fn new(key: &str, message: impl Into<String>) -> ConfigError {
        ConfigError { key: format!("data.{key}"), message: message.into() }
    }
}

impl Unobtainable {
    /// What there is to train on without it.
    fn stand_in(&self) -> &'static str {
        match self.is_series {
            false => "or, where digits drawn by code will do, set `fallback = \"synthetic\"` under [data]",
            true => {
                "or, where series made by code will do, set `dataset = \"synthetic-series\"` under [data]"
            }
        }
    }
}

impl fmt::Display for Unobtainable {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Unobtainable {
            dataset,
            file,
            searched,
            within,
            alike,
            answers,
            packages,
            offline,
            published,
            ..
        } = self;
        let listed = |paths: &[PathBuf]| {
            paths.iter().map(|path| shown(&path).to_string()).collect::<Vec<_>>().join(", ")
        };
        let (last, others) =
            within.split_last().map_or(("", String::new()), |(last, others)| (last, others.join(", ")));
        write!(
            f,
            "{dataset} can be neither found nor downloaded: no {file}[.gz] in {}, nor in {others} or \
             {last} there; ",
            listed(searched)
        )?;
        if !alike.is_empty() {
            write!(f, "what is there and has another name: {}; ", listed(alike))?;
        }
        if !published {
            f.write_str("it comes as one archive, which is not downloaded: unpack it there")?;
        } else if *offline {
            f.write_str("offline, so no mirror and no package index was asked")?;
        } else {
            let joined = |answers: &[(String, String)]| {
                answers.iter().map(|(who, answer)| format!("{who}: {answer}")).collect::<Vec<_>>().join("; ")
            };
            let asked = [("mirrors", answers), ("packages", packages)];
            let asked = asked.iter().filter(|(_, answers)| !answers.is_empty());
            let asked: Vec<String> =
                asked.map(|(who, answers)| format!("{who}: {}", joined(answers))).collect();
            f.write_str(&asked.join("; "))?;
        }
        f.write_str(
            "; put the files into one of these folders, or name another with --data-dir or $BIRNN_DATA_DIR",
        )
    }
}
