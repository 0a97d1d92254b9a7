//! How a run stands.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

/// How a run, or a session of one, stands; a string in files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Of a sweep: not begun yet.
    Waiting,
    /// It trains, or was killed and could not say so.
    Running,
    /// Trained, tested and saved.
    Done,
    /// Asked to stop, with a checkpoint made.
    Stopped {
        /// Steps of the whole run that the checkpoint stands after.
        step: usize,
    },
    /// It ended without a word, which only others can tell: the next session, or who finds it in nobody's
    /// use.
    Killed,
    /// Something became NaN or infinite, as would happen again.
    Diverged(String),
    /// For this reason.
    Failed(String),
    /// What another birnn says.
    Other(String),
}

const STOPPED: &str = "stopped at step ";
const DIVERGED: &str = "diverged: ";
const FAILED: &str = "failed: ";

impl Status {
    /// Whether it ended with an error.
    pub fn has_failed(&self) -> bool {
        matches!(self, Status::Diverged(_) | Status::Failed(_))
    }

    /// How what says this of itself ended, now that its process is gone: one that could not say so was
    /// killed.
    pub fn ended(&self) -> Status {
        if *self == Status::Running { Status::Killed } else { self.clone() }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Status::Waiting => f.write_str("waiting"),
            Status::Running => f.write_str("running"),
            Status::Done => f.write_str("done"),
            Status::Stopped { step } => write!(f, "{STOPPED}{step}"),
            Status::Killed => f.write_str("killed"),
            Status::Diverged(why) => write!(f, "{DIVERGED}{why}"),
            Status::Failed(why) => write!(f, "{FAILED}{why}"),
            Status::Other(text) => f.write_str(text),
        }
    }
}

impl FromStr for Status {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Status, Infallible> {
        let rest = |start| text.strip_prefix(start).map(str::to_owned);
        let simple = [Status::Waiting, Status::Running, Status::Done, Status::Killed];
        let stopped = || text.strip_prefix(STOPPED)?.parse().ok().map(|step| Status::Stopped { step });
        Ok(simple
            .into_iter()
            .find(|status| status.to_string() == text)
            .or_else(stopped)
            .or_else(|| rest(DIVERGED).map(Status::Diverged))
            .or_else(|| rest(FAILED).map(Status::Failed))
            .unwrap_or_else(|| Status::Other(text.to_owned())))
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Status, D::Error> {
        let Ok(status) = String::deserialize(deserializer)?.parse();
        Ok(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for (text, status) in [
            ("waiting", Status::Waiting),
            ("running", Status::Running),
            ("done", Status::Done),
            ("killed", Status::Killed),
            ("stopped at step 12", Status::Stopped { step: 12 }),
            ("diverged: step 3: the loss is NaN", Status::Diverged("step 3: the loss is NaN".to_owned())),
            ("failed: the disk is full", Status::Failed("the disk is full".to_owned())),
            ("stopped at step soon", Status::Other("stopped at step soon".to_owned())),
        ] {
            let json = serde_json::to_string(&status).unwrap();
            assert_eq!(json, format!("{text:?}"));
            assert_eq!(serde_json::from_str::<Status>(&json).unwrap(), status);
        }
    }
}
