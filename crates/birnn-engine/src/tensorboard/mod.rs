//! `events.out.tfevents.0.birnn`: what TensorBoard shows of a run: losses, accuracy, rate and speed; how
//! weights and gradients are spread after each epoch; the confusion matrix and the surest mistakes; settings
//! and results side by side.
//!
//! It says when things happened, so that two runs of one experiment do not write the same bytes, as with
//! `timing.jsonl`.

mod picture;
mod proto;
mod record;

use std::io;

use birnn_data::{SKETCH, Sequences, sketch};
use birnn_experiment::leaves;
use birnn_infer::{Classified, Detail, Epoch, Evaluation, Manifest, NumberScore, Regressed, Step, Task};
use birnn_run::clock::seconds;
use birnn_run::{EVENTS, FileError, RecordFile, RunDir};
use serde_json::Value as Json;
use tch::Tensor;

use self::picture::{Canvas, ON_SHEET, matrix, sheet};
use self::proto::{
    Experiment, HParamInfo, HParams, Kind, MetricInfo, MetricName, SessionEndInfo, SessionStartInfo, Setting,
    Value,
};
use self::record::{histogram, hparams, image, scalar, summary, text, version};
use crate::error::EngineError;
use crate::learner::Learner;
use crate::observer::{Control, Observer, StepContext};
use crate::samples::Samples;

/// Appends to a run's event file.
#[derive(Debug)]
pub struct TensorBoard<'a> {
    file: RecordFile,
    /// What epochs are judged by.
    validation: &'a Samples,
    /// Of the last step.
    gradient: Option<Tensor>,
}

/// What runs are compared by.
fn metrics(task: &Task) -> &'static [&'static str] {
    match task {
        Task::Classify(_) => &["accuracy/test", "loss/test", "accuracy/validation", "loss/validation"],
        Task::Regress(_) => &["rmse/test", "loss/test", "rmse/validation", "loss/validation"],
    }
}

impl TensorBoard<'_> {
    /// Goes on with the file where the run did, else begins it, with the settings of the experiment and the
    /// weights as they are after `step` steps.
    pub fn open<'a>(
        run: &RunDir,
        manifest: &Manifest,
        learner: &Learner,
        validation: &'a Samples,
        step: usize,
    ) -> Result<TensorBoard<'a>, EngineError> {
        let board = TensorBoard { file: run.records().get(EVENTS)?, validation, gradient: None };
        if !board.file.is_empty() {
            return Ok(board);
        }
        let settings = leaves(&manifest.experiment().to_json());
        let known = settings.iter().filter_map(|(key, value)| Some((key, setting(value)?)));
        let known: Vec<(&String, Kind)> = known.filter(|(key, _)| *key != "name").collect();
        let metric = |tag: &str| MetricInfo { name: Some(MetricName { tag: tag.to_owned() }) };
        let info = |(key, kind): &(&String, Kind)| HParamInfo { name: (*key).clone(), r#type: type_of(kind) };
        let experiment = Experiment {
            hparam_infos: known.iter().map(info).collect(),
            metric_infos: metrics(&manifest.task).iter().copied().map(metric).collect(),
        };
        let settings = known.into_iter().map(|(key, kind)| (key.clone(), Setting { kind: Some(kind) }));
        let session = SessionStartInfo { hparams: settings.collect(), start_time_secs: seconds() };
        let mut values = vec![
            hparams("experiment", HParams::Experiment(experiment)),
            hparams("session_start_info", HParams::SessionStartInfo(session)),
            text("experiment".to_owned(), format!("```toml\n{}```\n", manifest.experiment_toml())),
        ];
        values.extend(weights(learner)?);
        board.write(&[version(), summary(step, values)])?;
        Ok(board)
    }

    /// The result on the test samples, after so many steps: the run is done.
    pub fn test(&self, step: usize, found: &Evaluation, samples: &Samples) -> Result<(), EngineError> {
        let mut values = self.evaluation("test", found, samples)?;
        let end = SessionEndInfo { status: 1, end_time_secs: seconds() };
        values.push(hparams("session_end_info", HParams::SessionEndInfo(end)));
        self.write(&[summary(step, values)])
    }

    /// All that an evaluation tells: scores, and of classes the confusion matrix and the surest mistakes.
    fn evaluation(
        &self,
        split: &str,
        found: &Evaluation,
        samples: &Samples,
    ) -> Result<Vec<Value>, EngineError> {
        let mut values = vec![scalar(&format!("loss/{split}"), found.loss)];
        match &found.detail {
            Detail::Classify(detail) => values.extend(self.classified(split, detail, samples)?),
            Detail::Regress(detail) => values.extend(regressed(split, detail)),
        }
        Ok(values)
    }

    fn classified(
        &self,
        split: &str,
        detail: &Classified,
        samples: &Samples,
    ) -> Result<Vec<Value>, EngineError> {
        let draw = |tag: &str, canvas: &Canvas| {
            let png = canvas.png().map_err(self.io())?;
            Ok::<_, EngineError>(image(format!("{tag}/{split}"), png, canvas.shape()))
        };
        let accuracy = scalar(&format!("accuracy/{split}"), detail.accuracy);
        if let Some(perplexity) = detail.perplexity {
            return Ok(vec![accuracy, scalar(&format!("perplexity/{split}"), perplexity)]);
        }
        let mut values = vec![accuracy, scalar(&format!("macro_f1/{split}"), detail.macro_f1)];
        if !detail.confusion.0.is_empty() {
            values.push(draw("confusion", &matrix(&detail.confusion))?);
        }
        values.extend(detail.f1().map(|f1| scalar(&format!("f1/{split}"), f1)));
        if samples.lexicon().is_some() {
            // Of words there is no picture.
            return Ok(values);
        }
        let shown = &detail.mistakes[..detail.mistakes.len().min(ON_SHEET)];
        let misread =
            shown.iter().map(|mistake| Ok(drawn(&samples.fetch(samples.of_position(mistake.sample))?)));
        let misread = misread.collect::<Result<Vec<_>, EngineError>>()?;
        let shape = misread.first().map_or(SKETCH, |(_, shape)| *shape);
        let misread: Vec<Vec<u8>> = misread.into_iter().map(|(pixels, _)| pixels).collect();
        let misread = sheet(&misread, shape);
        let name = |class: usize| detail.classes.get(class).map_or("?", |score| score.class.as_str());
        let mut list = "Of those in `misread`, from left to right, then down:\n\n".to_owned();
        for mistake in shown {
            let (is, called) = (name(mistake.label), name(mistake.class));
            let share = 100.0 * mistake.probability;
            list += &format!("1. {is}, called {called}, {share:.1} %, number {}\n", mistake.sample);
        }
        values.extend([draw("misread", &misread)?, text(format!("misread_list/{split}"), list)]);
        Ok(values)
    }

    /// One write, so that a reader never sees half of it.
    fn write(&self, records: &[Vec<u8>]) -> Result<(), EngineError> {
        Ok(self.file.append(&records.concat())?)
    }

    fn io(&self) -> impl FnOnce(io::Error) -> FileError + use<'_> {
        FileError::of(self.file.path())
    }
}

impl Observer for TensorBoard<'_> {
    fn step(&mut self, step: &Step, context: &StepContext) -> Result<Control, EngineError> {
        self.gradient = Some(context.output.gradient.shallow_clone());
        if let Some(loss) = step.loss {
            let values = vec![scalar("loss/step", loss), scalar("learning_rate", step.rate)];
            self.write(&[summary(step.step, values)])?;
        }
        Ok(Control::Continue)
    }

    fn epoch(&mut self, epoch: &Epoch, learner: &Learner) -> Result<(), EngineError> {
        let mut values = vec![
            scalar("loss/train", epoch.train_loss),
            scalar("samples_per_second", epoch.timing.samples_per_second),
        ];
        if let Some(found) = &epoch.validation {
            values.extend(self.evaluation("validation", found, self.validation)?);
        }
        values.extend(weights(learner)?);
        if let Some(gradient) = &self.gradient {
            values.extend(gradients(learner, gradient)?);
        }
        self.write(&[summary(epoch.step, values)])
    }
}

/// The scores of all numbers together, and of several each its own.
fn regressed(split: &str, detail: &Regressed) -> Vec<Value> {
    let scores = [("rmse", detail.rmse), ("mae", detail.mae), ("r2", detail.r2)];
    let mut values: Vec<Value> =
        scores.iter().map(|(name, value)| scalar(&format!("{name}/{split}"), *value)).collect();
    if let [_, _, ..] = detail.numbers.as_slice() {
        let of =
            |number: &NumberScore| Some(scalar(&format!("rmse_{}/{split}", number.target), number.rmse?));
        values.extend(detail.numbers.iter().filter_map(of));
    }
    values
}

/// A sample as a grey image, with its rows and columns: an image as it is, a series as lines.
fn drawn(one: &Sequences) -> (Vec<u8>, [usize; 2]) {
    let sample = one.get(0);
    match sample.bytes() {
        Some(pixels) => (pixels.to_vec(), [sample.steps(), sample.features]),
        None => (sketch(sample), SKETCH),
    }
}

/// How the weights are spread.
fn weights(learner: &Learner) -> Result<Vec<Value>, EngineError> {
    let of = |(name, tensor): (&str, &Tensor)| {
        let values = Vec::<f32>::try_from(tensor.f_detach()?.f_view(-1)?)?;
        Ok(histogram(format!("weights/{name}"), &values))
    };
    learner.named_parameters().map(of).collect()
}

/// How the gradient of a step, clipped where that is asked for, is spread.
fn gradients(learner: &Learner, gradient: &Tensor) -> Result<Vec<Value>, EngineError> {
    let all = Vec::<f32>::try_from(gradient)?;
    let mut rest = &all[..];
    let of = |(name, tensor): (&str, &Tensor)| {
        let (values, after) = rest.split_at(tensor.numel());
        rest = after;
        histogram(format!("gradients/{name}"), values)
    };
    Ok(learner.named_parameters().map(of).collect())
}

/// A setting as TensorBoard knows it; nothing where it is off.
fn setting(value: &Json) -> Option<Kind> {
    match value {
        Json::Bool(value) => Some(Kind::Bool(*value)),
        Json::Number(value) => Some(Kind::Number(value.as_f64()?)),
        Json::String(value) => Some(Kind::String(value.clone())),
        _ => None,
    }
}

fn type_of(kind: &Kind) -> i32 {
    match kind {
        Kind::String(_) => 1,
        Kind::Bool(_) => 2,
        Kind::Number(_) => 3,
    }
}
