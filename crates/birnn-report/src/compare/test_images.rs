//! The test images that several runs can be compared by.

use birnn_data::name::text;
use birnn_data::{AugmentConfig, DataConfig, Splits};

use super::ComparedRun;

/// Why runs cannot be compared.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotComparable {
    /// There is no run.
    #[error("nothing to compare")]
    NoRuns,
    /// Two runs are for images of other sets, shapes or classes, or their test images differ.
    #[error(
        "{a} and {b} cannot be compared, for there are no test images for both: {of_a}; {of_b}{}",
        if .of_a == .of_b { "; they are not the same images" } else { "" }
    )]
    OtherImages {
        /// The one run, as the user named it.
        a: String,
        /// The other.
        b: String,
        /// The images of the one, in words.
        of_a: String,
        /// The images of the other.
        of_b: String,
    },
}

/// The data of each run, of which the test images are the same.
#[derive(Debug)]
pub struct TestImages {
    /// Each different data configuration once.
    loaded: Vec<(DataConfig, Splits)>,
    /// For each run the index of its data.
    of_run: Vec<usize>,
}

/// Loads the test images of all runs, by `load` each different data configuration once, as few of the other
/// images as can be.
///
/// # Errors
///
/// When the test images are not the same for all runs; as far as that can be told from the descriptions in
/// their weights, before anything is loaded. And as `load` fails.
pub fn common_test_images<E: From<NotComparable>>(
    runs: &[ComparedRun],
    mut load: impl FnMut(&DataConfig) -> Result<Splits, E>,
) -> Result<TestImages, E> {
    let first = runs.first().ok_or(NotComparable::NoRuns)?;
    if let Some(other) = runs.iter().find(|other| have_other_images(first, other)) {
        return Err(NotComparable::between(first, other).into());
    }
    let mut images = TestImages { loaded: Vec::new(), of_run: Vec::new() };
    for run in runs {
        let config = test_images_alone(&run.data);
        let known = images.loaded.iter().position(|(other, _)| *other == config);
        let index = match known {
            Some(index) => index,
            None => {
                let splits = load(&config)?;
                images.loaded.push((config, splits));
                images.loaded.len() - 1
            }
        };
        if images.loaded[index].1.test != images.loaded[0].1.test {
            return Err(NotComparable::between(first, run).into());
        }
        images.of_run.push(index);
    }
    Ok(images)
}

impl TestImages {
    /// The data of the run of this index.
    ///
    /// # Panics
    ///
    /// When there is no such run.
    pub fn of(&self, run: usize) -> &Splits {
        &self.loaded[self.of_run[run]].1
    }
}

impl NotComparable {
    fn between(a: &ComparedRun, b: &ComparedRun) -> NotComparable {
        NotComparable::OtherImages { a: text(&a.run), b: text(&b.run), of_a: a.images(), of_b: b.images() }
    }
}

/// Whether that can be told without the images.
fn have_other_images(a: &ComparedRun, b: &ComparedRun) -> bool {
    // Under the name `idx` go all files of a user's own.
    let is_named = |run: &ComparedRun| !run.data.dataset.is_own();
    let other_set = is_named(a) && is_named(b) && a.data.dataset != b.data.dataset;
    let kind = |run: &ComparedRun| (run.manifest.shape(), run.manifest.modality.features());
    other_set || kind(a) != kind(b) || a.manifest.classes != b.manifest.classes
}

/// The same data with as few as can be of the images that are not asked for.
fn test_images_alone(data: &DataConfig) -> DataConfig {
    DataConfig { validation: 0, limit: Some(1), augment: AugmentConfig::default(), ..data.clone() }
}

#[cfg(test)]
mod tests {
    use birnn_data::Dataset;
    use birnn_data::{Fallback, Locations};

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
        Images(NotComparable),
        Load,
    }

    impl From<NotComparable> for Error {
        fn from(error: NotComparable) -> Error {
            Error::Images(error)
        }
    }

    fn load(config: &DataConfig) -> Result<Splits, Error> {
        let plan = config.resolve().map_err(|_| Error::Load)?;
        birnn_data::load(&plan, &Locations::new(None, true), &mut |_| ()).map_err(|_| Error::Load)
    }

    /// How often data is loaded for runs, and what comes of it.
    fn images(runs: &[ComparedRun]) -> (usize, Result<TestImages, Error>) {
        let mut loads = 0;
        let images = common_test_images(runs, |config| {
            loads += 1;
            load(config)
        });
        (loads, images)
    }

    #[test]
    fn the_same_data_is_loaded_once() {
        let (loads, images) = images(&[synthetic("a", 5), synthetic("b", 7)]);
        let images = images.unwrap();
        assert_eq!(loads, 1, "training images alone differ");
        assert_eq!(images.of(0).test, images.of(1).test);
    }

    #[test]
    fn other_images_are_refused_before_they_are_loaded() {
        assert_eq!(images(&[]).1.unwrap_err(), Error::Images(NotComparable::NoRuns));
        let mut other = run("b", |_| ());
        other.manifest.classes.pop();
        let (loads, refused) = images(&[run("a", |_| ()), other]);
        let Err(Error::Images(error)) = refused else { panic!("{refused:?}") };
        let expected = "a and b cannot be compared, for there are no test images for both: mnist, 2 x 2, \
                        classes a, b; mnist, 2 x 2, classes a";
        assert_eq!((loads, error.to_string().as_str()), (0, expected));
        let (loads, refused) = images(&[run("a", |_| ()), synthetic("b", 5)]);
        assert!(loads == 0 && refused.unwrap_err() != Error::Load);
    }

    #[test]
    fn images_that_differ_by_content_are_refused() {
        let mut inverted = synthetic("b", 5);
        inverted.data.invert = true;
        let (loads, refused) = images(&[synthetic("a", 5), inverted]);
        let Err(Error::Images(error)) = refused else { panic!("{refused:?}") };
        assert!(loads == 2 && error.to_string().ends_with("; they are not the same images"), "{error}");
    }
}
