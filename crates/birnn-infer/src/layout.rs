//! Which tensors a weights file or a checkpoint holds.

use std::collections::BTreeMap;

use birnn_architecture::Architecture;
use birnn_experiment::TrainPlan;
use safetensors::tensor::{Dtype, Metadata};

use crate::manifest::Manifest;

/// What the two vectors of an optimizer's state are called in a checkpoint.
pub const MOMENTS: [&str; 2] = ["optimizer.first", "optimizer.second"];
/// The sum of the epoch's losses so far.
pub const LOSS_SUM: &str = "training.loss_sum";
/// Before the names of the weights' moving average.
pub const AVERAGE: &str = "average.";
/// Before the names of the best weights so far.
pub const BEST: &str = "best.";
/// The records that checkpoints of format 4 and before hold, whatever a run records today.
pub const RECORDS_OF_FORMAT_4: [&str; 4] =
    ["metrics.jsonl", "timing.jsonl", "train.log", "events.out.tfevents.0.birnn"];
/// Before the names of records, in checkpoints of format 4 and before.
pub const RECORD: &str = "records.";

/// The tensors that a file must hold, with their shapes where these are given.
type Layout = BTreeMap<String, (Dtype, Option<Vec<usize>>)>;

impl Manifest {
    /// Every tensor that a file with this description must hold, with its size where that is given.
    fn layout(&self, architecture: &Architecture, plan: &TrainPlan) -> Layout {
        let weights = architecture.parameters(self.modality.inputs(), self.task.outputs());
        let floats = |name: String, shape| (name, (Dtype::F32, Some(shape)));
        let mut layout: Layout = weights.iter().cloned().map(|(name, shape)| floats(name, shape)).collect();
        if let Some(progress) = &self.training {
            let trained = || weights.iter().filter(|(name, _)| architecture.is_trained(name));
            let count = trained().map(|(_, shape)| shape.iter().product::<usize>()).sum();
            let moments = MOMENTS.into_iter().zip(plan.algorithm.moments(count));
            layout.extend(moments.map(|(name, length)| floats(name.to_owned(), vec![length])));
            layout.extend([floats(LOSS_SUM.to_owned(), Vec::new())]);
            let groups = [(AVERAGE, plan.ema_decay.is_some()), (BEST, progress.best.is_some())];
            for (prefix, _) in groups.into_iter().filter(|(_, is_there)| *is_there) {
                let of_group = trained().cloned();
                layout.extend(of_group.map(|(name, shape)| floats(format!("{prefix}{name}"), shape)));
            }
            if progress.records.is_none() {
                layout.extend(RECORDS_OF_FORMAT_4.map(|name| (format!("{RECORD}{name}"), (Dtype::U8, None))));
            }
        }
        layout
    }

    /// Whether the tensors are those of the net, and of its training where there is one.
    pub(crate) fn compare(
        &self,
        tensors: &Metadata,
        architecture: &Architecture,
        plan: &TrainPlan,
    ) -> Result<(), String> {
        self.check_inputs(architecture)?;
        self.check_task(architecture)?;
        let layout = self.layout(architecture, plan);
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
