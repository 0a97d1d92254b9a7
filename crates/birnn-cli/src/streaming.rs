//! Tables that are read as they come, step by step, by a net of one direction.

use std::path::{Path, PathBuf};

use birnn_data::name::shown;
use birnn_data::{
    DataConfig, FileProblem, FileTargets, Modality, Part, SelfTargets, Sequences, Series, Table, TablePiece,
    Wanted, each_piece,
};
use birnn_experiment::DeviceChoice;
use birnn_infer::{Predictor, Streams, Task, finite, other_features};
use birnn_kernels::Precision;

use crate::asked::{predictor_on_the_cpu, refuse_gpu};
use crate::failure::{Failure, Outcome, of_file};
use crate::samples::series::csv_source;

/// A net that is asked step by step.
pub struct Stepwise {
    /// The file that it was read from.
    pub weights: PathBuf,
    /// What it learnt from.
    pub data: DataConfig,
    predictor: Predictor,
}

/// Some steps of a series, and what the net makes of them.
pub struct AnsweredSteps {
    /// What the series is called, where the table says it.
    pub id: Option<String>,
    /// How many steps of it came before.
    pub begin: usize,
    /// What they are to be answered with, where that is wanted.
    pub targets: Option<FileTargets>,
    /// Their values, `[steps, features]`, in their own units.
    pub values: Vec<f32>,
    /// What is missing filled in as the net reads it.
    pub filled: Vec<f32>,
    /// Its logits for each, `[steps, outputs]`.
    pub outputs: Vec<f32>,
}

/// Why no more is read.
enum Stopped {
    /// Nobody wants more.
    Enough,
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
        let (weights, predictor) = predictor_on_the_cpu(run, precision)?;
        let data = predictor.manifest().experiment().data.clone();
        let net = Stepwise { weights, data, predictor };
        net.series()?;
        if let Some(SelfTargets::Hidden(_)) = net.task().self_targets() {
            return Err(
                net.refuse("it learnt to fill gaps in (`birnn fill`), and what comes later tells of them")
            );
        }
        net.streams()?;
        Ok(net)
    }

    /// What it is asked for.
    pub fn task(&self) -> &Task {
        self.predictor.task()
    }

    /// How it reads series.
    pub fn series(&self) -> Result<&Series, Failure> {
        match &self.predictor.manifest().modality {
            Modality::Series(series) => Ok(series),
            other => {
                let noun = other.noun();
                Err(self.refuse(&format!("it reads {noun}, and a table of numbers is read as it comes")))
            }
        }
    }

    fn streams(&self) -> Result<Streams<'_>, Failure> {
        self.predictor.streams().map_err(|why| self.refuse(&why.to_string()))
    }

    fn refuse(&self, why: &str) -> Failure {
        let net = shown(&self.weights);
        Failure::request(format!("{net}: --stream: this net cannot answer step by step: {why}"))
    }

    /// Gives `take` the steps of `file`, with the targets that are wanted, at most so many at a time, as long
    /// as it wants more.
    pub fn each(
        &self,
        file: &Path,
        (table, wanted): (&Table, Option<Wanted>),
        most: usize,
        mut take: impl FnMut(AnsweredSteps) -> Result<bool, Failure>,
    ) -> Outcome {
        let series = self.series()?;
        let mut streams = self.streams()?;
        let each = |piece: TablePiece| {
            if piece.begin == 0 {
                streams = self.streams().map_err(Stopped::Failure)?;
            }
            let of = piece.id.as_ref().map_or_else(String::new, |id| format!(" of series {id}"));
            let refused =
                |why: String| Err(Stopped::Failure(Failure::request(format!("{}{of}: {why}", shown(&file)))));
            if let Some(problem) = other_features(piece.steps.features(), series.features(), Some(&self.data))
            {
                return refused(problem);
            }
            let problem = series.refuses_at(piece.steps.get(0), piece.begin);
            let good = problem.as_ref().map_or(piece.steps.steps(), |(step, _)| *step);
            if good > 0 {
                let steps = piece.steps.parts(&[Part { sample: 0, steps: 0..good }]);
                let TablePiece { id, begin, targets, .. } = piece;
                let answered = answered(&mut streams, series, &steps);
                if let Err(why) = finite(&answered.outputs) {
                    return refused(why.to_string());
                }
                // Where steps are refused, nothing is made of the targets of those before.
                let targets = targets.filter(|_| problem.is_none());
                if !take(AnsweredSteps { id, begin, targets, ..answered }).map_err(Stopped::Failure)? {
                    return Err(Stopped::Enough);
                }
            }
            problem.map_or(Ok(()), |(_, why)| refused(why))
        };
        let others = "no other is read as it comes; without --stream it is read whole";
        let read = match csv_source(file, others) {
            Ok(source) => each_piece(source, (table, &file.to_string_lossy()), wanted, most, each),
            Err(problem) => Err(Stopped::Problem(problem)),
        };
        match read {
            Ok(()) | Err(Stopped::Enough) => Ok(()),
            Err(Stopped::Problem(problem)) => Err(of_file(&problem, format!("{}: {problem}", shown(&file)))),
            Err(Stopped::Failure(failure)) => Err(failure),
        }
    }
}

/// What a net makes of the steps that come next.
fn answered(streams: &mut Streams, series: &Series, steps: &Sequences) -> AnsweredSteps {
    let values = steps.get(0).floats().unwrap_or_default().to_vec();
    // What is missing may be known from long before.
    let behind = streams.known().len();
    let filled = series.filled(&[streams.known(), &values].concat()).split_off(behind);
    let outputs = streams.read(steps);
    AnsweredSteps { id: None, begin: 0, targets: None, values, filled, outputs }
}
