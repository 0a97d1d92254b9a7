//! The runs of an experiment's sweep, each checked.

use crate::error::ExperimentError;
use crate::invalid::Invalid;
use crate::source::Source;
use crate::sweep::Trial;

impl Source {
    /// The runs of the experiment's sweep, each of them checked; those with the same settings follow each
    /// other.
    pub fn trials(&self) -> Result<Vec<Trial>, ExperimentError> {
        let sweep = self.experiment.sweep.clone().unwrap_or_default();
        let trials = sweep.trials(self.experiment.seed).map_err(|invalid| self.locate(invalid))?;
        for trial in trials.chunk_by(|a, b| a.settings == b.settings).map(|same| &same[0]) {
            self.with(&trial.sets()).and_then(|source| source.plan()).map_err(|error| {
                let error = error.to_string();
                let culprit = trial.settings.iter().find(|(key, _)| error.contains(key.as_str()));
                let table = |key: &str| if sweep.is_in_grid(key) { "grid" } else { "random" };
                let key =
                    culprit.map_or("sweep".to_owned(), |(key, _)| format!("sweep.{}.{key}", table(key)));
                self.locate(Invalid { key, message: error })
            })?;
        }
        Ok(trials)
    }
}
