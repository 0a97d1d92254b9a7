//! The runs of an experiment's sweep, each checked.

use crate::error::ExperimentError;
use crate::invalid::Invalid;
use crate::source::Source;
use crate::sweep::{Trial, overlap};

impl Source {
    /// The runs of the experiment's sweep, each of them checked; those with the same settings follow each
    /// other.
    pub fn trials(&self) -> Result<Vec<Trial>, ExperimentError> {
        let sweep = self.experiment().sweep.clone().unwrap_or_default();
        let trials = sweep.trials(self.experiment().seed).map_err(|invalid| self.locate(invalid))?;
        for trial in trials.chunk_by(|a, b| a.settings == b.settings).map(|same| &same[0]) {
            self.check(trial).map_err(|error| {
                let table = |key: &str| if sweep.is_in_grid(key) { "grid" } else { "random" };
                let key = self
                    .culprit(trial, &error)
                    .map_or("sweep".to_owned(), |key| format!("sweep.{}.{key}", table(key)));
                self.locate(Invalid { key, message: error.to_string() })
            })?;
        }
        Ok(trials)
    }

    fn check(&self, trial: &Trial) -> Result<(), ExperimentError> {
        self.of_trial(trial)?.plan().map(|_| ())
    }

    /// The key of the setting that is to blame for a trial's `error`: the one that it is about, or else one
    /// without which there would be none.
    fn culprit<'a>(&self, trial: &'a Trial, error: &ExperimentError) -> Option<&'a str> {
        let keys = || trial.settings.iter().map(|(key, _)| key.as_str());
        let wrong = error.key().unwrap_or_default();
        keys().find(|key| overlap(wrong, key)).or_else(|| {
            keys().find(|key| {
                let others = trial.settings.iter().filter(|(other, _)| other != key).cloned();
                self.check(&Trial { settings: others.collect(), seed: trial.seed }).is_ok()
            })
        })
    }
}
