//! Which tensors a weights file or a checkpoint holds.

use std::collections::BTreeMap;

use safetensors::tensor::{Dtype, Metadata};

use crate::about::About;
use crate::experiment::Experiment;
use crate::run_dir::RECORDS;

/// Names in a checkpoint that no weight has; records are in those of format 4 and before.
pub(crate) const LOSS_SUM: &str = "training.loss_sum";
pub(crate) const BEST: &str = "best.";
pub(crate) const RECORD: &str = "records.";

/// The tensors that a file must hold, with their shapes where these are given.
type Layout = BTreeMap<String, (Dtype, Option<Vec<usize>>)>;

impl About {
    /// Every tensor that a file with this description must hold, with its size where that is given.
    fn layout(&self, experiment: &Experiment) -> Result<Layout, String> {
        let architecture = experiment.model.resolve().map_err(|error| error.to_string())?;
        let weights = architecture.parameters(self.shape[1], self.classes.len());
        let floats = |name: String, shape| (name, (Dtype::F32, Some(shape)));
        let mut layout: Layout = weights.iter().cloned().map(|(name, shape)| floats(name, shape)).collect();
        if let Some(place) = &self.training {
            let rule = experiment.train.resolve().map_err(|error| error.message)?.rule;
            let count = weights.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
            layout.extend(rule.moments(count).map(|(name, length)| floats(name.to_owned(), vec![length])));
            layout.extend([floats(LOSS_SUM.to_owned(), Vec::new())]);
            if place.best.is_some() {
                let best = weights.into_iter().map(|(name, shape)| floats(format!("{BEST}{name}"), shape));
                layout.extend(best);
            }
            if place.records.is_none() {
                layout.extend(RECORDS.map(|name| (format!("{RECORD}{name}"), (Dtype::U8, None))));
            }
        }
        Ok(layout)
    }

    /// Whether the tensors are those of the net, and of its training where there is one.
    pub(crate) fn compare(&self, tensors: &Metadata, experiment: &Experiment) -> Result<(), String> {
        let layout = self.layout(experiment)?;
        let mut found = tensors.tensors();
        for (name, (dtype, shape)) in &layout {
            let info = found.remove(name).ok_or_else(|| format!("the tensor `{name}` is missing"))?;
            if info.dtype != *dtype || shape.as_ref().is_some_and(|shape| *shape != info.shape) {
                let shape = shape.clone().unwrap_or_else(|| vec![info.shape.iter().product()]);
                return Err(format!(
                    "the tensor `{name}` is {:?} {:?} and should be {dtype:?} {shape:?}",
                    info.dtype, info.shape
                ));
            }
        }
        match found.keys().min() {
            Some(name) => Err(format!("the tensor `{name}` is none of the net that it describes")),
            None => Ok(()),
        }
    }
}
