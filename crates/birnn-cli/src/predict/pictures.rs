//! Pictures, prepared as a net's training images were.

use std::path::{Path, PathBuf};

use birnn_data::name::shown;
use birnn_data::picture::{FindError, Pictures};
use birnn_data::{Images, Preprocessing, name, picture};

use super::{Answers, Sample};
use crate::failure::Failure;

/// How pictures are prepared for the net: as its training images were, or as well as can be guessed aloud.
pub(super) fn preprocessing(known: Option<Preprocessing>, weights: &Path) -> Preprocessing {
    let preprocessing = known.unwrap_or_default();
    match known {
        Some(_) => tracing::info!("pictures are prepared as its training images were: {preprocessing}"),
        None => tracing::warn!(
            "{0}: it is not known what its training images were like; pictures are prepared as MNIST's: \
             {preprocessing}; to say otherwise: birnn export {0} net.ckpt, then birnn import net.ckpt --out \
             net.safetensors --set data.invert=true --set data.framing=resize, as it was",
            shown(&weights)
        ),
    }
    preprocessing
}

/// Answers for every picture that can be read.
pub(super) fn each(
    given: &[PathBuf],
    shape: [usize; 2],
    preprocessing: Preprocessing,
    answers: &mut Answers<'_>,
) -> Result<(), Failure> {
    let [rows, cols] = shape;
    for given in given {
        if is_of_series(given) {
            let problem = "the net reads images, and this is of series: ask a net that reads those";
            answers.fail(Sample::Picture { image: given.clone() }, problem.to_owned());
            continue;
        }
        let pictures = match pictures(given) {
            Ok(pictures) => pictures,
            Err(error) => {
                answers.fail(Sample::Picture { image: given.clone() }, error.to_string());
                continue;
            }
        };
        for image in pictures {
            match picture::read(&image, shape, &preprocessing) {
                Err(error) => answers.fail(Sample::Picture { image }, error.problem),
                Ok(pixels) => {
                    let pixels = Images { rows, cols, pixels }.into();
                    answers.answer(vec![Sample::Picture { image }], &pixels)?;
                }
            }
        }
    }
    Ok(())
}

/// Whether it is what a net that reads series would be given.
fn is_of_series(given: &Path) -> bool {
    let name = given.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    name == "-" || name.ends_with(".ts") || name.ends_with(".ts.gz")
}

/// The pictures that are meant; what a folder has beside them is told of.
fn pictures(given: &Path) -> Result<Vec<PathBuf>, FindError> {
    let Pictures { paths, other_files, folders } = picture::find(given)?;
    for (left_out, what) in [(other_files, "files that are no pictures by their names"), (folders, "folders")]
    {
        if !left_out.is_empty() {
            let names: Vec<_> = left_out.iter().filter_map(|path| path.file_name()).map(name::text).collect();
            let (folder, count, names) = (shown(given), left_out.len(), name::first(&names));
            tracing::info!("{folder}: left out {count} {what}: {names}");
        }
    }
    Ok(paths)
}
