//! The test samples that several runs can be compared by.

use birnn_data::name::text;
use birnn_data::{
    AugmentConfig, Conversion, DataConfig, Modality, Portion, Sequence, Sequences, Split, SplitBy, Splits,
    Values, Wanted,
};
use birnn_infer::Task;

use super::ComparedRun;

/// Why runs cannot be compared.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotComparable {
    /// There is no run.
    #[error("nothing to compare")]
    NoRuns,
    /// Two runs are for samples of other sets, shapes or classes, or their test samples differ.
    #[error(
        "{a} and {b} cannot be compared, for there are no test {what} for both: {of_a}; {of_b}{}",
        if .of_a == .of_b { format!("; they are not the same {}", .what) } else { String::new() }
    )]
    OtherSamples {
        /// The one run, as the user named it.
        a: String,
        /// The other.
        b: String,
        /// What the samples are called, such as `images`.
        what: &'static str,
        /// The samples of the one, in words.
        of_a: String,
        /// The samples of the other.
        of_b: String,
    },
    /// Nets that answer with values or tokens of the samples themselves.
    #[error(
        "{a} and {b} cannot be compared: they are asked for other values of the samples (task.hide), are told otherwise what \
         these are (data.standardise, data.missing), or learnt from other samples (data.limit, data.validation, data.window), \
         by whose deviations errors are told and by whose words perplexities are"
    )]
    OtherAsked {
        /// The one run, as the user named it.
        a: String,
        /// The other.
        b: String,
    },
}

/// The data of each run, of which the test samples are the same.
#[derive(Debug)]
pub struct TestSamples {
    /// Each different data configuration once, with the first run that reads it so.
    loaded: Vec<(DataConfig, usize, Splits)>,
    /// For each run the index of its data.
    of_run: Vec<usize>,
}

/// Loads the test samples of all runs, by `load` each different data configuration once, as few of the other
/// samples as can be.
///
/// # Errors
///
/// When the test samples are not the same for all runs; as far as that can be told from the descriptions in
/// their weights, before anything is loaded. And as `load` fails.
pub fn common_test_samples<E: From<NotComparable>>(
    runs: &[ComparedRun],
    mut load: impl FnMut(&ComparedRun, &DataConfig) -> Result<Splits, E>,
) -> Result<TestSamples, E> {
    let first = runs.first().ok_or(NotComparable::NoRuns)?;
    if let Some(other) = runs.iter().find(|other| have_other_samples(first, other)) {
        return Err(NotComparable::between(first, other).into());
    }
    let mut samples = TestSamples { loaded: Vec::new(), of_run: Vec::new() };
    for (own, run) in runs.iter().enumerate() {
        let config = test_samples_alone(&run.data, run.manifest.task.wanted());
        let is_known =
            |(other, of, _): &(DataConfig, usize, Splits)| *other == config && read_alike(&runs[*of], run);
        let known = samples.loaded.iter().position(is_known);
        let index = match known {
            Some(index) => index,
            None => {
                let splits = load(run, &config)?;
                samples.loaded.push((config, own, splits));
                samples.loaded.len() - 1
            }
        };
        let [own, of_first] = [index, 0].map(|index| &samples.loaded[index].2.test);
        // As the nets learnt from them, or, as `--set` may say, one like the other.
        let own_reading = first.manifest.conversion_to(&run.manifest);
        let mut conversions = [Some(Conversion::default()), own_reading].into_iter().flatten();
        if !conversions.any(|conversion| are_same(own, of_first, conversion)) {
            return Err(NotComparable::between(first, run).into());
        }
        samples.of_run.push(index);
    }
    Ok(samples)
}

/// Whether samples are the same, once the second were converted to what a net reads of the first, also where
/// values are missing, which are not equal to themselves.
fn are_same(a: &Split, b: &Split, from_b: Conversion) -> bool {
    let converted = from_b.sequences(&b.sequences);
    let (own, other) = (&a.sequences, converted.as_ref());
    let values = match (own.values(), other.values()) {
        (Values::Bytes(a), Values::Bytes(b)) => a == b,
        (Values::Floats(a), Values::Floats(b)) => {
            a.iter().map(|value| value.to_bits()).eq(b.iter().map(|value| value.to_bits()))
        }
        (Values::Tokens(..), Values::Tokens(..)) => words(own).eq(words(other)),
        _ => false,
    };
    values
        && a.targets.are_same(&b.targets)
        && own.features() == other.features()
        && own.lengths().eq(other.lengths())
}

/// The words of all sentences, one after the other.
fn words(sequences: &Sequences) -> impl Iterator<Item = &str> {
    sequences.iter().flat_map(Sequence::words)
}

impl TestSamples {
    /// The data of the run of this index.
    ///
    /// # Panics
    ///
    /// When there is no such run.
    pub fn of(&self, run: usize) -> &Splits {
        &self.loaded[self.of_run[run]].2
    }
}

impl NotComparable {
    fn between(a: &ComparedRun, b: &ComparedRun) -> NotComparable {
        if answer_otherwise(a, b) && a.manifest.task.wanted() == b.manifest.task.wanted() {
            return NotComparable::OtherAsked { a: text(&a.run), b: text(&b.run) };
        }
        let nouns = [a, b].map(|run| run.manifest.modality.noun());
        let what = if nouns[0] == nouns[1] { nouns[0] } else { "samples" };
        let (of_a, of_b) = (a.samples(), b.samples());
        NotComparable::OtherSamples { a: text(&a.run), b: text(&b.run), what, of_a, of_b }
    }
}

/// Whether that can be told without the samples.
fn have_other_samples(a: &ComparedRun, b: &ComparedRun) -> bool {
    // Under the names `idx` and `ts` go all files of a user's own.
    let is_named = |run: &ComparedRun| !run.data.dataset.is_own();
    let other_set = is_named(a) && is_named(b) && a.data.dataset != b.data.dataset;
    let conversion = a.manifest.conversion_to(&b.manifest).unwrap_or_default();
    let [one, other] = [a, b].map(|run| &run.manifest.modality);
    let is_other_size = match (one.shape(), other.shape()) {
        (Some(one), Some(other)) => conversion.shape(one) != other,
        (None, None) => one.features() != other.features(),
        _ => true,
    };
    other_set
        || is_other_size
        || a.manifest.task.wanted() != b.manifest.task.wanted()
        || a.manifest.task.names() != b.manifest.task.names()
        || answer_otherwise(a, b)
}

/// Whether the nets read the same data in one way, as far as that is the net's to say: in which scheme tags
/// are, which columns come after each other, and what values of its own stand for.
fn read_alike(a: &ComparedRun, b: &ComparedRun) -> bool {
    let scheme = |run: &ComparedRun| match &run.manifest.task {
        Task::Classify(task) => task.scheme,
        Task::Regress(_) => None,
    };
    let [one, other] = [a, b].map(|run| &run.manifest.modality);
    let columns = match (one, other) {
        (Modality::Series(one), Modality::Series(other)) => one.columns == other.columns,
        _ => true,
    };
    columns && scheme(a) == scheme(b) && (a.manifest.task.self_targets().is_none() || one == other)
}

/// Whether nets that answer with values of the samples themselves are asked for others, or how far these are
/// off from other ones.
fn answer_otherwise(a: &ComparedRun, b: &ComparedRun) -> bool {
    let [one, other] = [a, b].map(|run| run.manifest.task.self_targets());
    one != other || one.is_some() && a.manifest.modality != b.manifest.modality
}

/// The same data with as few as can be of the samples that are not asked for.
fn test_samples_alone(data: &DataConfig, wanted: Wanted) -> DataConfig {
    let (validation, augment) = (Portion::default(), AugmentConfig::default());
    let alone = DataConfig { validation, limit: Some(1), augment, ..data.clone() };
    // Where none are kept back, it says how test samples are taken, or nothing.
    let is_shared = alone.resolve_for(wanted).is_ok_and(|plan| plan.test_share.is_some());
    DataConfig { split: if is_shared { data.split } else { SplitBy::default() }, ..alone }
}

#[cfg(test)]
mod tests {
    use birnn_data::{Dataset, Fallback, Locations, Missing, Preprocessing, Sequences, Series, Targets};

    use super::super::run::made_up::run;
    use super::*;

    fn synthetic(path: &str, test: usize) -> ComparedRun {
        let mut run = run(path, |_| ());
        run.data.dataset = Dataset::Synthetic;
        run.data.fallback = Fallback::None;
        run.data.limit = Some(test);
        run
    }

    #[derive(Debug, PartialEq)]
    enum Error {
        Samples(NotComparable),
        Load,
    }

    impl From<NotComparable> for Error {
        fn from(error: NotComparable) -> Error {
            Error::Samples(error)
        }
    }

    fn load(config: &DataConfig) -> Result<Splits, Error> {
        let plan = config.resolve().map_err(|_| Error::Load)?;
        birnn_data::load(&plan, &Locations::new(None, true), &mut |_| ()).map_err(|_| Error::Load)
    }

    /// How often data is loaded for runs, and what comes of it.
    fn samples(runs: &[ComparedRun]) -> (usize, Result<TestSamples, Error>) {
        let mut loads = 0;
        let samples = common_test_samples(runs, |_, config| {
            loads += 1;
            load(config)
        });
        (loads, samples)
    }

    #[test]
    fn the_same_data_is_loaded_once() {
        let (loads, samples) = samples(&[synthetic("a", 5), synthetic("b", 7)]);
        let samples = samples.unwrap();
        assert_eq!(loads, 1, "training samples alone differ");
        assert_eq!(samples.of(0).test, samples.of(1).test);
    }

    #[test]
    fn other_samples_are_refused_before_they_are_loaded() {
        assert_eq!(samples(&[]).1.unwrap_err(), Error::Samples(NotComparable::NoRuns));
        let mut other = run("b", |_| ());
        other.manifest.task = Task::classify(vec!["a".to_owned()]);
        let (loads, refused) = samples(&[run("a", |_| ()), other]);
        let Err(Error::Samples(error)) = refused else { panic!("{refused:?}") };
        let expected = "a and b cannot be compared, for there are no test images for both: mnist, 2 x 2, \
                        classes a, b; mnist, 2 x 2, classes a";
        assert_eq!((loads, error.to_string().as_str()), (0, expected));
        let (loads, refused) = samples(&[run("a", |_| ()), synthetic("b", 5)]);
        assert!(loads == 0 && refused.unwrap_err() != Error::Load);
    }

    #[test]
    fn images_that_are_read_otherwise_are_the_same_and_others_are_refused() {
        let mut otherwise = synthetic("b", 5);
        (otherwise.data.invert, otherwise.data.transpose) = (true, Some(true));
        let reads = |images: Preprocessing| Modality::Images { shape: [2, 2], preprocessing: Some(images) };
        let mut upright = synthetic("a", 5);
        upright.manifest.modality = reads(Preprocessing::default());
        otherwise.manifest.modality = reads(Preprocessing::default().transposed().inverted());
        let runs = [upright, otherwise];
        let (loads, same) = samples(&runs);
        let same = same.unwrap();
        assert!(loads == 2 && same.of(0).test != same.of(1).test, "each reads its own");
        let mut told = synthetic("b", 5);
        told.manifest.modality = runs[1].manifest.modality.clone();
        assert!(samples(&[synthetic("a", 5), told]).1.is_ok(), "--set says that one is as the other");
        let others = common_test_samples(&runs, |_, config| {
            let mut splits = load(config)?;
            if config.invert {
                splits.test = splits.test.select(&[1, 0]);
            }
            Ok(splits)
        });
        let Err(Error::Samples(error)) = others else { panic!("{others:?}") };
        assert!(error.to_string().ends_with("; they are not the same images"), "{error}");
    }

    /// Of what is missing, no value equals another.
    #[test]
    fn series_with_missing_values_are_the_same_as_themselves() {
        let series = |values: [f32; 4], lengths: [usize; 2]| Split {
            sequences: Sequences::new(Values::Floats(values.to_vec()), 1, lengths),
            targets: Targets::of_sequences(vec![0, 1]),
        };
        let one = || series([1.0, f32::NAN, 3.0, 4.0], [1, 3]);
        assert!(are_same(&one(), &one(), Conversion::default()));
        for other in [
            series([1.0, 2.0, 3.0, 4.0], [1, 3]),
            series([1.0, f32::NAN, 3.0, 4.0], [2, 2]),
            Split { targets: Targets::of_sequences(vec![1, 0]), ..one() },
        ] {
            assert!(!are_same(&one(), &other, Conversion::default()), "{other:?}");
        }
    }

    #[test]
    fn series_are_told_from_images_and_from_other_series() {
        let series = |path: &str, features: usize| {
            let mut run = run(path, |experiment| experiment.data.dataset = Dataset::SyntheticSeries);
            let (mean, missing) = (vec![0.0; features], Missing::Refuse);
            run.manifest.modality = Modality::Series(Series { missing, ..Series::plain(mean) });
            run
        };
        let refused = |a: ComparedRun, b: ComparedRun| {
            let (loads, refused) = samples(&[a, b]);
            let Err(Error::Samples(error)) = refused else { panic!("{refused:?}") };
            assert_eq!(loads, 0);
            error.to_string()
        };
        let error = refused(series("a", 2), series("b", 3));
        assert!(error.contains("no test series for both") && error.contains("3 values per step"), "{error}");
        let error = refused(series("a", 2), run("b", |_| ()));
        assert!(error.contains("no test samples for both") && error.contains("2 x 2"), "{error}");
    }
}
