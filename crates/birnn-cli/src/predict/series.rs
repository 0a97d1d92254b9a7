//! Series of numbers, from files or from standard input.

use std::path::{Path, PathBuf};

use birnn_data::{FileProblem, Missing, MissingValue, Series, SeriesLines, read_series_lines};

use super::{Answers, Sample};
use crate::failure::Failure;

/// Answers for every series of every file that can be read; `-` is standard input.
pub(super) fn each(files: &[PathBuf], net: &Series, answers: &mut Answers<'_>) -> Result<(), Failure> {
    for file in files {
        let sample = |line| Sample::Series { file: file.clone(), line };
        let SeriesLines { mut sequences, lines, .. } = match read(file, net.features()) {
            Ok(found) => found,
            Err(problem) => {
                answers.fail(sample(None), problem.to_string());
                continue;
            }
        };
        let gap = |index: usize| match net.missing {
            Missing::Refuse => MissingValue::first(sequences.get(index)),
            Missing::Mean | Missing::Last | Missing::Interpolate => None,
        };
        let mut known = Vec::with_capacity(lines.len());
        for (index, &line) in lines.iter().enumerate() {
            match gap(index) {
                Some(value) => answers.fail(sample(Some(line)), refused(value)),
                None => known.push(index),
            }
        }
        if known.len() < lines.len() {
            sequences = sequences.select(&known);
        }
        let samples = known.iter().map(|&index| sample(Some(lines[index]))).collect();
        answers.answer(samples, &sequences)?;
    }
    Ok(())
}

fn refused(value: MissingValue) -> String {
    format!(
        "{value}; the net was trained with `data.missing = \"refuse\"`: fill the gap, or train one with \"mean\", \
         \"last\" or \"interpolate\""
    )
}

fn read(file: &Path, features: usize) -> Result<SeriesLines, FileProblem> {
    match file.to_str() {
        Some("-") => read_series_lines(std::io::stdin().lock(), features),
        _ => read_series_lines(birnn_data::open_file(file)?, features),
    }
}
