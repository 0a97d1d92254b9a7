//! Ranks make sure that they are about the same run, before it begins and at each checkpoint.

use birnn_data::PATH_SETTINGS;
use birnn_distributed::Ranks;
use birnn_experiment::differing;
use serde_json::Value;
use tch::{TchError, Tensor};

use crate::average::Average;
use crate::error::EngineError;
use crate::learner::Learner;
use crate::state::State;

/// How many differences are told.
const MOST_TOLD: usize = 3;

/// Makes sure that all ranks say the same of what they are about to do. Where files lie, and which of a
/// host's GPUs computes, may be another thing on each.
pub(crate) fn same_facts(ranks: &Ranks, facts: &Value) -> Result<(), EngineError> {
    let told = ranks.gather(&facts.to_string())?;
    let told: Vec<Value> = told.iter().map(|text| serde_json::from_str(text).unwrap_or_default()).collect();
    let first = &told[0];
    for (rank, other) in told.iter().enumerate() {
        let differences: Vec<String> = differing(&[other.clone(), first.clone()])
            .into_iter()
            .filter(|(key, _)| !is_its_own(key))
            .map(|(key, values)| format!("{key} is {} and {}", shown(&values[0]), shown(&values[1])))
            .collect();
        if !differences.is_empty() {
            let more = differences.len().saturating_sub(MOST_TOLD);
            let more = if more > 0 { format!("; and {more} more") } else { String::new() };
            let differences = differences[..differences.len().min(MOST_TOLD)].join("; ") + &more;
            return Err(EngineError::RanksDiffer { who: ranks.who(rank), first: ranks.who(0), differences });
        }
    }
    Ok(())
}

/// Makes sure that all ranks have come to the same parameters, moments and average.
pub(crate) fn same_parameters(ranks: &Ranks, learner: &Learner, state: &State) -> Result<(), EngineError> {
    if ranks.size() == 1 {
        return Ok(());
    }
    let told = ranks.gather(&checksum(learner, state)?)?;
    match told.iter().position(|other| *other != told[0]) {
        None => Ok(()),
        Some(rank) => {
            Err(EngineError::RanksDrifted { who: ranks.who(rank), first: ranks.who(0), step: state.step })
        }
    }
}

/// Of all that steps change and the next one reads.
pub(crate) fn checksum(learner: &Learner, state: &State) -> Result<String, TchError> {
    let sum = |sum: u32, tensor: &Tensor| -> Result<u32, TchError> {
        let values = Vec::<f32>::try_from(tensor.f_detach()?.f_reshape([-1])?)?;
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Ok(crc32c::crc32c_append(sum, &bytes))
    };
    let average = state.average.iter().flat_map(Average::parameters);
    let tensors = learner.parameters().iter().chain(state.optimizer.moments()).chain(average);
    Ok(format!("{:08x}", tensors.into_iter().try_fold(0, sum)?))
}

/// Whether ranks may differ in it.
fn is_its_own(key: &str) -> bool {
    let setting = key.strip_prefix("experiment.").unwrap_or_default();
    setting == "train.device" || PATH_SETTINGS.contains(&setting)
}

fn shown(value: &Option<Value>) -> String {
    value.as_ref().map_or_else(|| "absent".to_owned(), ToString::to_string)
}
