//! Pictures, prepared as a net's training images were.

use std::path::{Path, PathBuf};

use birnn_data::name::shown;
use birnn_data::picture::{FindError, Pictures};
use birnn_data::{DataConfig, Dataset, Images, Preprocessing, Sequences, SeriesFile, name, picture};
use birnn_infer::Manifest;

use super::named::{is_standard, is_table};
use super::series::{is_of_series, read_given_table};
use super::{Place, Sample, Unread};
use crate::failure::{Failure, Outcome};

/// Says how pictures are prepared for the net: as its training images were, or as well as can be guessed.
pub(super) fn tell(manifest: &Manifest, preprocessing: Preprocessing, weights: &Path) {
    match manifest.guessed_preprocessing(weights) {
        None => tracing::info!("pictures are prepared as its training images were: {preprocessing}"),
        Some(guess) => tracing::warn!("{}: {guess}", shown(&weights)),
    }
}

/// Pictures that are handed on at once.
const BATCH: usize = 64;

/// Every picture, made an image of `shape`.
pub(super) fn each(
    given: &[PathBuf],
    shape: [usize; 2],
    preprocessing: Preprocessing,
    data: &DataConfig,
    take: &mut dyn FnMut(Vec<Sample>, &Sequences) -> Outcome,
) -> Result<Vec<Unread>, Failure> {
    let [rows, cols] = shape;
    let (mut samples, mut pixels, mut unread) = (Vec::new(), Vec::new(), Vec::new());
    let hand_on = |take: &mut dyn FnMut(Vec<Sample>, &Sequences) -> Outcome,
                   samples: &mut Vec<Sample>,
                   pixels: &mut Vec<u8>| {
        let images = Images { rows, cols, pixels: std::mem::take(pixels) };
        if samples.is_empty() { Ok(()) } else { take(std::mem::take(samples), &images.into()) }
    };
    for given in given {
        if data.dataset == Dataset::Table && (is_table(given) || is_standard(given)) {
            hand_on(take, &mut samples, &mut pixels)?;
            match of_table(given, shape, data) {
                Ok((samples, images)) => take(samples, &images)?,
                Err(error) => {
                    let sample = Sample::Series { file: given.clone(), place: None };
                    unread.push(Unread { sample, error });
                }
            }
            continue;
        }
        let mut refuse =
            |image: PathBuf, error| unread.push(Unread { sample: Sample::Picture { image }, error });
        if is_of_series(given) {
            let problem = "the net reads images, and this is of series: ask a net that reads those";
            refuse(given.clone(), problem.to_owned());
            continue;
        }
        let pictures = match pictures(given) {
            Ok(pictures) => pictures,
            Err(error) => {
                refuse(given.clone(), error.to_string());
                continue;
            }
        };
        for image in pictures {
            match picture::read(&image, shape, &preprocessing) {
                Err(error) => refuse(image, error.problem),
                Ok(read) => {
                    samples.push(Sample::Picture { image });
                    pixels.extend(read);
                }
            }
            if samples.len() == BATCH {
                hand_on(take, &mut samples, &mut pixels)?;
            }
        }
    }
    hand_on(take, &mut samples, &mut pixels)?;
    Ok(unread)
}

/// The images of a table like the one that the net learnt from.
fn of_table(given: &Path, shape: [usize; 2], data: &DataConfig) -> Result<(Vec<Sample>, Sequences), String> {
    let table = data.table_to_ask(None).map_err(|error| error.to_string())?;
    let file = read_given_table(given, &table).map_err(|problem| problem.to_string())?;
    let images = data.as_read(file.sequences.to_images().ok_or("holds no images")?);
    if [images.rows, images.cols] != shape {
        return Err(format!("its images have {} x {} pixels", images.rows, images.cols));
    }
    let SeriesFile { lines, ids, .. } = file;
    let sample = |(index, &line): (usize, &usize)| {
        let id = ids.as_ref().map(|ids| ids[index].clone());
        Sample::Series { file: given.to_owned(), place: Some(Place { line, id, steps: None, rows: None }) }
    };
    Ok((lines.iter().enumerate().map(sample).collect(), images.into()))
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
