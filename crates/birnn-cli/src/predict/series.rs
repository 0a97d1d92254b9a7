//! Series of numbers, from files or from standard input.

use std::io::Read;
use std::path::{Path, PathBuf};

use birnn_data::{FileProblem, Missing, Series, SeriesLines, parse_series_lines};

use super::{Answers, Sample};
use crate::failure::Failure;

/// Answers for every series of every file that can be read; `-` is standard input.
pub(super) fn each(files: &[PathBuf], net: &Series, answers: &mut Answers<'_>) -> Result<(), Failure> {
    for file in files {
        let sample = |line| Sample::Series { file: file.clone(), line };
        let found = match read(file, net) {
            Ok(found) => found,
            Err(problem) => {
                answers.fail(sample(None), problem.to_string());
                continue;
            }
        };
        let SeriesLines { sequences, lines, .. } = found;
        let is_missing = |index: usize| {
            let values = sequences.get(index).floats().unwrap_or_default();
            net.missing == Missing::Refuse && values.iter().any(|value| value.is_nan())
        };
        let (refused, known): (Vec<usize>, Vec<usize>) =
            (0..lines.len()).partition(|&index| is_missing(index));
        for index in refused {
            let problem = "a value is missing, and the net was trained with `data.missing = \"refuse\"`";
            answers.fail(sample(Some(lines[index])), problem.to_owned());
        }
        let samples = known.iter().map(|&index| sample(Some(lines[index]))).collect();
        answers.answer(samples, &sequences.select(&known))?;
    }
    Ok(())
}

fn read(file: &Path, net: &Series) -> Result<SeriesLines, FileProblem> {
    let mut bytes = Vec::new();
    match file.to_str() {
        Some("-") => std::io::stdin().lock().read_to_end(&mut bytes)?,
        _ => birnn_data::open_file(file)?.read_to_end(&mut bytes)?,
    };
    parse_series_lines(&bytes, net.features())
}
