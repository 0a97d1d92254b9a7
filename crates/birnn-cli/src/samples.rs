//! The samples that a user names, pictures, series or sentences, read as a net's training data was.

pub(crate) mod named;
mod pictures;
pub(crate) mod sentences;
pub(crate) mod series;

use std::fmt;
use std::path::{Path, PathBuf};

use birnn_data::{DataConfig, Modality, Per, Preprocessing, Sequences, Series, name};
use birnn_infer::Manifest;
use serde::Serialize;

use crate::failure::{Failure, Outcome};
use crate::output::csv_cell;

/// Where a sample is, by which it is known.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Sample {
    /// A file.
    Picture {
        /// The file.
        #[serde(serialize_with = "name::serialize")]
        image: PathBuf,
    },
    /// One of a file's.
    Series {
        /// The file; `-` is standard input.
        #[serde(serialize_with = "name::serialize")]
        file: PathBuf,
        /// Of a file that cannot be read there is none.
        #[serde(flatten)]
        place: Option<Place>,
    },
}

/// Where a series is in its file.
#[derive(Serialize)]
pub struct Place {
    /// The line that it begins in, from 1.
    line: usize,
    /// What it is called, where the file says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Its first and its last step, from 1, where it is a window of a longer one.
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<[usize; 2]>,
    /// Of a long table, where each step is answered: the row that each is, from 1 behind the header.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<Vec<usize>>,
}

/// A sample that could not be read.
#[derive(Serialize)]
pub struct Unread {
    /// The sample, or the file.
    #[serde(flatten)]
    pub sample: Sample,
    /// Why.
    pub error: String,
}

/// How a net has samples read.
pub struct Reading<'a> {
    /// What they are.
    pub kind: ReadingKind<'a>,
    /// The data that the net learnt from, which says how tables and long series are read.
    pub data: &'a DataConfig,
}

/// What a net reads.
#[derive(Clone, Copy)]
pub enum ReadingKind<'a> {
    /// Pictures, made images of so many rows and columns.
    Pictures([usize; 2], Preprocessing),
    /// Series, as the net reads them, answered whole or step by step.
    Series(&'a Series, Per),
    /// Sentences or texts, answered whole or token by token.
    Text(Per),
}

impl Reading<'_> {
    /// For the net of `weights`. Says how pictures are prepared.
    pub fn of<'a>(manifest: &'a Manifest, weights: &Path) -> Reading<'a> {
        let kind = match &manifest.modality {
            Modality::Images { shape, preprocessing } => {
                let preprocessing = preprocessing.unwrap_or_default();
                pictures::tell(manifest, preprocessing, weights);
                ReadingKind::Pictures(*shape, preprocessing)
            }
            Modality::Series(series) => ReadingKind::Series(series, manifest.task.per()),
            Modality::Text(_) => ReadingKind::Text(manifest.task.per()),
        };
        Reading { kind, data: &manifest.experiment().data }
    }

    /// Reads every sample of `given`, in this order. `take` is given those that can be read, some at a time,
    /// with their sequences; the others are returned, with the reason.
    ///
    /// # Errors
    ///
    /// Those of `take`.
    pub fn each(
        &self,
        given: &[PathBuf],
        mut take: impl FnMut(Vec<Sample>, &Sequences) -> Outcome,
    ) -> Result<Vec<Unread>, Failure> {
        match self.kind {
            ReadingKind::Pictures(shape, preprocessing) => {
                pictures::each(given, shape, preprocessing, self.data, &mut take)
            }
            ReadingKind::Series(net, per) => series::each(given, net, per, self.data, &mut take),
            ReadingKind::Text(per) => sentences::each(given, self.data, per, &mut take),
        }
    }
}

impl Sample {
    /// The columns of a CSV table that say which sample of this kind a row is of.
    pub fn columns(kind: &Modality) -> &'static str {
        match kind {
            Modality::Images { .. } => "image",
            Modality::Series(_) | Modality::Text(_) => "file,line,id",
        }
    }

    /// Its cells there; empty where it has no such.
    pub fn cells(&self) -> String {
        match self {
            Sample::Picture { image } => csv_cell(&name::text(image)).into_owned(),
            Sample::Series { file, place } => {
                let (line, id) = match place {
                    Some(Place { line, id, .. }) => (line.to_string(), id.as_deref().unwrap_or_default()),
                    None => (String::new(), ""),
                };
                format!("{},{line},{}", csv_cell(&name::text(file)), csv_cell(id))
            }
        }
    }

    /// The row of its table that a step of it is, from 1, where that is known.
    pub fn row(&self, step: usize) -> Option<usize> {
        match self {
            Sample::Series { place: Some(Place { rows: Some(rows), .. }), .. } => rows.get(step).copied(),
            Sample::Series { .. } | Sample::Picture { .. } => None,
        }
    }

    /// Which step of its series is its first, from 1: another than that where it is a window of a longer one.
    pub fn first_step(&self) -> usize {
        match self {
            Sample::Series { place: Some(Place { steps: Some([first, _]), .. }), .. } => *first,
            Sample::Series { .. } | Sample::Picture { .. } => 1,
        }
    }
}

impl Unread {
    /// Whether it is a file, of whose samples nothing is known.
    fn is_file(&self) -> bool {
        matches!(self.sample, Sample::Series { place: None, .. })
    }
}

/// How a command ends that had `read` samples read, and could not read the others. That there are none of
/// either is no success.
pub fn outcome(read: usize, unread: &[Unread]) -> Outcome {
    match unread {
        [] if read == 0 => Err(Failure::request("there are no samples in these files; name others")),
        [] => Ok(()),
        [only] if read == 0 => Err(Failure::request(only)),
        unread => {
            unread.iter().for_each(|error| tracing::error!("{error}"));
            let files = unread.iter().filter(|unread| unread.is_file()).count();
            let samples = unread.len() - files;
            let of_samples = format!("{samples} of {} samples", read + samples);
            let of_files = format!("{files} file{}", if files == 1 { "" } else { "s" });
            let which = match (files, samples) {
                (0, _) => of_samples,
                (_, 0) => of_files,
                _ => format!("{of_files} and {of_samples}"),
            };
            Err(Failure::request(format!("{which} could not be read")))
        }
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Sample::Picture { image } => f.write_str(&name::text(image)),
            Sample::Series { file, place: None } => f.write_str(&name::text(file)),
            Sample::Series { file, place: Some(place) } => write!(f, "{}:{place}", name::text(file)),
        }
    }
}

/// For people: `7`, `pump 3` or `7, steps 101 to 200`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.id {
            Some(id) => f.write_str(id)?,
            None => write!(f, "{}", self.line)?,
        }
        match self.steps {
            Some([first, last]) => write!(f, ", steps {first} to {last}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.sample, self.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_was_given_nothing_to_read_fails() {
        let picture = || Sample::Picture { image: "0.png".into() };
        let file = || Sample::Series { file: "a.csv".into(), place: None };
        for (read, pictures, files, said) in [
            (3, 0, 0, None),
            (0, 0, 0, Some("there are no samples in these files; name others")),
            (0, 1, 0, Some("0.png: damaged")),
            (0, 2, 0, Some("2 of 2 samples could not be read")),
            (3, 1, 0, Some("1 of 4 samples could not be read")),
            (60, 0, 1, Some("1 file could not be read")),
            (60, 1, 2, Some("2 files and 1 of 61 samples could not be read")),
        ] {
            let lost = (0..pictures).map(|_| picture()).chain((0..files).map(|_| file()));
            let lost: Vec<Unread> =
                lost.map(|sample| Unread { sample, error: "damaged".to_owned() }).collect();
            let ended = outcome(read, &lost).map_err(|failure| (failure.code(), failure.message));
            assert_eq!(ended.err(), said.map(|said| (2, said.to_owned())), "{read}, {pictures}, {files}");
        }
    }
}
