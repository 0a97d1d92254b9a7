//! A trained net that the user named, to be asked.

use std::path::{Path, PathBuf};

use birnn_data::name::{shown, typed};
use birnn_data::{ConfigError, Modality, Sequences, Series, Splits};
use birnn_experiment::DeviceChoice;
use birnn_infer::{Answers, Manifest, Predictor, Task, WeightsError, WeightsProblem, cpu, finite};
use birnn_kernels::Precision;
use birnn_run::{WEIGHTS, weights_of};

use crate::args::DataLocation;
use crate::failure::{Failure, Outcome};

/// A trained net, or several that are asked as one, and who works out its answers.
pub struct Asked {
    /// The file that it was read from.
    pub weights: PathBuf,
    /// What the file says of itself.
    pub manifest: Manifest,
    /// What it is asked for.
    pub task: Task,
    /// The others that are asked with it: their files, and what these say of themselves, as nets of what the
    /// first reads.
    pub others: Vec<(PathBuf, Manifest)>,
    answers: Box<Answering>,
}

/// The answers to some sequences, one after the other.
pub type Answering = dyn Fn(&Sequences) -> Result<Answers, Failure>;

impl Asked {
    /// The net of a run directory, or of a weights file, to be asked on the CPU with products of this
    /// precision.
    pub fn on_the_cpu(run: &Path, precision: Precision) -> Result<Asked, Failure> {
        let (weights, predictor) = predictor_on_the_cpu(run, precision)?;
        let manifest = predictor.manifest().clone();
        let answers = move |sequences: &Sequences| Ok(predictor.answers_to_all(sequences, cpu::threads()));
        Ok(Asked::of(weights, manifest, Box::new(answers)))
    }

    /// A net that was read from `weights`, and is asked by `answers`. Says so where something stood in for
    /// its data.
    pub fn new(weights: PathBuf, manifest: Manifest, answers: Box<Answering>) -> Asked {
        warn_of_substitution(&weights, &manifest);
        Asked::of(weights, manifest, answers)
    }

    fn of(weights: PathBuf, manifest: Manifest, answers: Box<Answering>) -> Asked {
        Asked { task: manifest.task.clone(), weights, manifest, others: Vec::new(), answers }
    }

    /// The first and these others, which must have the same task, asked as one about what the first reads.
    pub fn with_others(self, others: Vec<Asked>) -> Result<Asked, Failure> {
        if let Some(other) = others.iter().find(|other| other.task != self.task) {
            return Err(Failure::request(format!(
                "{}: asked for something else than {}; an ensemble is of nets of the same classes or targets, trained \
                 on the same data",
                shown(&other.weights),
                shown(&self.weights)
            )));
        }
        for other in &others {
            let read = [other, &self].map(|net| what_it_reads(&net.manifest));
            if let [Some(own), Some(first)] = read
                && own != first
            {
                return Err(Failure::request(format!(
                    "{}: reads {own}, and {} {first}; an ensemble is of nets that read the same",
                    shown(&other.weights),
                    shown(&self.weights)
                )));
            }
        }
        let others: Vec<Asked> = others.into_iter().map(|net| net.reading_what(&self)).collect();
        let named = others.iter().map(|net| (net.weights.clone(), net.manifest.clone())).collect();
        let task = self.task.clone();
        let (weights, manifest) = (self.weights.clone(), self.manifest.clone());
        let answers = move |sequences: &Sequences| {
            let nets = std::iter::once(&self).chain(&others);
            let answers: Vec<Answers> =
                nets.map(|net| net.answers(sequences)).collect::<Result<_, Failure>>()?;
            task.mean(&answers).ok_or_else(|| {
                Failure::request(
                    "--ensemble: a conditional random field tags a sentence as a whole, of which there is no mean; take \
                     nets with `head = \"linear\"`",
                )
            })
        };
        Ok(Asked { others: named, ..Asked::of(weights, manifest, Box::new(answers)) })
    }

    /// The same net, to be asked about what the `first` reads: images with rows and columns exchanged, or
    /// light and dark, where it learnt from them so.
    fn reading_what(self, first: &Asked) -> Asked {
        let conversion = match first.manifest.conversion_to(&self.manifest) {
            Some(conversion) if conversion.is_none() => return self,
            Some(conversion) => conversion,
            None => {
                tracing::warn!(
                    "{}: `data.transpose` or `data.invert` is not as that of {}, and whether they learnt from the same \
                     files is not known: it is handed the images as that one reads them",
                    shown(&self.weights),
                    shown(&first.weights)
                );
                return self;
            }
        };
        tracing::info!(
            "{}: reads the images of {} {conversion}",
            shown(&self.weights),
            shown(&first.weights)
        );
        let (weights, mut manifest) = (self.weights.clone(), self.manifest.clone());
        // Of these it is a net of what the first reads.
        if let (Modality::Images { shape, preprocessing }, Modality::Images { preprocessing: read, .. }) =
            (&mut manifest.modality, &first.manifest.modality)
        {
            *shape = conversion.shape(*shape);
            *preprocessing = match first.manifest.recorded().has_same_files(self.manifest.recorded()) {
                true => *read,
                false => preprocessing.map(|images| conversion.preprocessing(images)),
            };
        }
        Asked::of(
            weights,
            manifest,
            Box::new(move |sequences| self.answers(&conversion.sequences(sequences))),
        )
    }

    /// The nets that are asked.
    pub fn nets(&self) -> impl Iterator<Item = (&Path, &Manifest)> {
        let others = self.others.iter().map(|(weights, manifest)| (&**weights, manifest));
        std::iter::once((&*self.weights, &self.manifest)).chain(others)
    }

    /// Its answers to sequences of the kind that it reads, one after the other.
    pub fn answers(&self, sequences: &Sequences) -> Result<Answers, Failure> {
        let answers = (self.answers)(sequences)?;
        // What several say was looked at as each said it; the mean of no probability at all is no number.
        if self.others.is_empty() {
            finite(answers.given())
                .map_err(|why| Failure::request(format!("{}: {why}", shown(&self.weights))))?;
        }
        Ok(answers)
    }
}

/// The net of a run directory, or of a weights file, to be asked on the CPU with products of this precision.
/// Says so where something stood in for its data.
pub fn predictor_on_the_cpu(run: &Path, precision: Precision) -> Result<(PathBuf, Predictor), Failure> {
    let (weights, predictor) = predictor_of(run, precision)?;
    warn_of_substitution(&weights, predictor.manifest());
    Ok((weights, predictor))
}

/// The net of a run directory, or of a weights file, and the file that it was read from, with products of
/// this precision.
pub fn predictor_of(run: &Path, precision: Precision) -> Result<(PathBuf, Predictor), Failure> {
    let weights = weights_of(run)?;
    let predictor = Predictor::with_precision(&weights, precision).map_err(|error| unusable(run, error))?;
    Ok((weights, predictor))
}

/// Refuses a GPU to what is birnn-infer's to answer, which knows the CPU alone.
pub fn refuse_gpu(what: &str, device: DeviceChoice) -> Outcome {
    match device {
        DeviceChoice::Auto | DeviceChoice::Cpu => Ok(()),
        DeviceChoice::Cuda(_) => Err(Failure::request(format!(
            "--device: {what} is computed on the CPU; a GPU's answers differ in rounding alone; leave --device \
             out"
        ))),
    }
}

/// Says so where synthetic digits stood in for what a net was to be trained on.
pub fn warn_of_substitution(weights: &Path, manifest: &Manifest) {
    if let Some(substitution) = manifest.substitution() {
        tracing::warn!("{}: {substitution}", shown(&weights));
    }
}

/// Why the weights of `run` cannot be used, and what can be done.
pub fn unusable(run: &Path, error: WeightsError) -> Failure {
    match run.is_dir() {
        true => Failure::request(format!(
            "{error}; name another of its weights files ({}), or write it anew: {}",
            WEIGHTS.join(", "),
            resume_command("train", run, None)
        )),
        false if matches!(error.problem, WeightsProblem::Unusable(_)) => {
            Failure::request(format!("{error}; take an intact copy of the file"))
        }
        false => error.into(),
    }
}

/// What there is to type to go on with a run or a sweep, the way that the user started this process,
/// with the data where it was told to be.
pub fn resume_command(command: &str, folder: &Path, data: Option<&DataLocation>) -> String {
    let program = if std::env::var_os("CARGO").is_some() { "cargo xtask" } else { "birnn" };
    let data = data.map(DataLocation::options).unwrap_or_default();
    format!("{program} {command} --resume {}{data}", typed(folder))
}

/// What a net reads of a sample, where the number of values does not tell and it is known: which columns, or
/// what a token is.
fn what_it_reads(manifest: &Manifest) -> Option<String> {
    match &manifest.modality {
        Modality::Series(Series { names, .. }) => Some(format!("the columns {}", names.as_ref()?.join(", "))),
        Modality::Text(_) => Some(manifest.experiment().data.unit.noun().to_owned()),
        Modality::Images { .. } => None,
    }
}

/// Says what there is to say of the test samples of data that the user named.
pub fn tell_of_the_test(splits: &Splits) {
    let of_the_test = |warning: &&ConfigError| matches!(&*warning.key, "data.test" | "data.test_images");
    splits.warnings.iter().filter(of_the_test).for_each(|warning| tracing::warn!("{warning}"));
}

/// Refuses data that the net of `weights` is not for, and says so where it hardly is what was meant. Of its
/// run's `own` data that also goes for what has changed.
pub fn check_data(run: &Path, weights: &Path, manifest: &Manifest, splits: &Splits, own: bool) -> Outcome {
    let net = shown(&weights);
    let warnings = manifest.suits(splits).map_err(|error| Failure::request(format!("{net}: {error}")))?;
    warnings.iter().for_each(|warning| tracing::warn!("{net}: {warning}"));
    if let Some(warning) = manifest.changed(splits).filter(|_| own) {
        tracing::warn!("{}: {warning}", shown(&run));
    }
    Ok(())
}
