//! Tables that are read as they come, step by step, by a net of one direction.

use std::path::{Path, PathBuf};

use birnn_data::name::shown;
use birnn_data::{DataConfig, FileProblem, Series, Table, TablePiece, Wanted, each_piece};
use birnn_experiment::DeviceChoice;
use birnn_infer::{Predictor, Task};
use birnn_kernels::Precision;

use crate::asked::{asked_by_steps, refuse_gpu};
use crate::failure::{Failure, Outcome};
use crate::samples::series::{csv_source, refused};

/// A net that is asked step by step.
pub struct Stepwise {
    /// The file that it was read from.
    pub weights: PathBuf,
    /// What it learnt from.
    pub data: DataConfig,
    predictor: Predictor,
}

/// Some steps of a series, and what the net makes of them.
pub struct Answered {
    /// The steps.
    pub piece: TablePiece,
    /// Their values, `[steps, features]`, in their own units.
    pub values: Vec<f32>,
    /// What is missing filled in as the net reads it.
    pub filled: Vec<f32>,
    /// Its logits for each, `[steps, outputs]`.
    pub outputs: Vec<f32>,
}

/// Why no more is read.
enum Stopped {
    Problem(FileProblem),
    Failure(Failure),
}

impl From<FileProblem> for Stopped {
    fn from(problem: FileProblem) -> Stopped {
        Stopped::Problem(problem)
    }
}

impl Stepwise {
    /// The net of `run`, where it can be asked so.
    pub fn open(run: &Path, device: DeviceChoice, precision: Precision) -> Result<Stepwise, Failure> {
        refuse_gpu("what is read as it comes", device)?;
        let (weights, predictor) = asked_by_steps(run, precision)?;
        let data = predictor.manifest().experiment().map(|experiment| experiment.data).unwrap_or_default();
        let net = Stepwise { weights, data, predictor };
        net.series()?;
        net.predictor.streams().map_err(|why| net.refuse(&why.to_string()))?;
        Ok(net)
    }

    /// What it is asked for.
    pub fn task(&self) -> &Task {
        self.predictor.task()
    }

    /// How it reads series.
    pub fn series(&self) -> Result<&Series, Failure> {
        match &self.predictor.manifest().modality {
            birnn_data::Modality::Series(series) => Ok(series),
            other => Err(self.refuse(&format!(
                "it reads {}, and what is read as it comes is a table of numbers",
                other.noun()
            ))),
        }
    }

    fn refuse(&self, why: &str) -> Failure {
        Failure::request(format!(
            "{}: --stream: this net cannot answer step by step: {why}",
            shown(&self.weights)
        ))
    }

    /// Gives `take` the steps of `file`, with the targets that are wanted, at most so many at a time.
    pub fn each(
        &self,
        file: &Path,
        table: &Table,
        wanted: Option<Wanted>,
        most: usize,
        mut take: impl FnMut(Answered) -> Outcome,
    ) -> Outcome {
        let series = self.series()?;
        let streams = || self.predictor.streams().map_err(|why| self.refuse(&why.to_string()));
        let mut reading = streams()?;
        let each = |piece: TablePiece| {
            if piece.begin == 0 {
                reading = streams().map_err(Stopped::Failure)?;
            }
            let (found, features) = (piece.steps.features(), series.features());
            let problem = match found == features {
                true => refused(piece.steps.get(0), piece.begin, series),
                false => {
                    Some(format!("its series have {found} values per step, and the net reads {features}"))
                }
            };
            if let Some(problem) = problem {
                let of = piece.id.as_ref().map_or_else(String::new, |id| format!(" of series {id}"));
                return Err(Stopped::Failure(Failure::request(format!("{}{of}: {problem}", shown(&file)))));
            }
            let values = piece.steps.get(0).floats().unwrap_or_default().to_vec();
            // What is missing may be known from long before.
            let behind = reading.known().len();
            let filled = series.filled(&[reading.known(), &values].concat()).split_off(behind);
            let outputs = reading.read(&piece.steps);
            take(Answered { piece, values, filled, outputs }).map_err(Stopped::Failure)
        };
        let others = "no other is read as it comes; without --stream it is read whole";
        let read = match csv_source(file, others) {
            Ok(source) => each_piece(source, (table, &file.to_string_lossy()), wanted, most, each),
            Err(problem) => Err(Stopped::Problem(problem)),
        };
        read.map_err(|stopped| match stopped {
            Stopped::Problem(problem) => Failure::request(format!("{}: {problem}", shown(&file))),
            Stopped::Failure(failure) => failure,
        })
    }
}
