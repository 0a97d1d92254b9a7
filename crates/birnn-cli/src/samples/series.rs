//! Series of numbers, from files or from standard input.

use std::io::{self, Read, stdin};
use std::ops::Range;
use std::path::{Path, PathBuf};

use birnn_data::{
    Arrays, DataConfig, Dataset, FileProblem, Layout, NpzOptions, Per, Sequences, Series, SeriesFile,
    SeriesLines, Table, picture, read_csv, read_npz, read_series_lines, read_table,
};
use birnn_infer::other_features;

use super::named::{ends_with, is_npz, is_standard, is_table, is_ts, open};
use super::{Place, Sample, Unread};
use crate::failure::{Failure, Outcome};

/// Windows that are cut at a time.
const WINDOWS: usize = 1024;

/// The series of a file.
pub(crate) struct Found {
    pub(crate) sequences: Sequences,
    /// The line of each, or its number.
    pub(crate) lines: Vec<usize>,
    /// What each is called, where the file says it.
    pub(crate) ids: Option<Vec<String>>,
    /// Of a long table, the row that each of all steps is, from 0.
    rows: Option<Vec<u32>>,
}

/// Every series of every file, a file at a time; `-` is standard input. They are cut as those of `data`,
/// which the net learnt from, and answered whole or step by step.
pub(super) fn each(
    files: &[PathBuf],
    net: &Series,
    per: Per,
    data: &DataConfig,
    take: &mut dyn FnMut(Vec<Sample>, &Sequences) -> Outcome,
) -> Result<Vec<Unread>, Failure> {
    let mut unread = Vec::new();
    for file in files {
        let Found { sequences, lines, ids, rows } = match read(file, net, data) {
            Ok(found) => found,
            Err(problem) => {
                let sample = Sample::Series { file: file.clone(), place: None };
                unread.push(Unread { sample, error: problem });
                continue;
            }
        };
        let rows = rows.filter(|_| per == Per::Step);
        let begins: Vec<usize> = (0..lines.len()).map(|series| sequences.steps_of(series).start).collect();
        let place = |series: usize, steps: Range<usize>| {
            let id = ids.as_ref().map(|ids| ids[series].clone());
            let own = |rows: &Vec<u32>| {
                let rows = &rows[begins[series] + steps.start..begins[series] + steps.end];
                rows.iter().map(|&row| row as usize + 1).collect()
            };
            Place { line: lines[series], id, steps: None, rows: rows.as_ref().map(own) }
        };
        let whole = |series: usize| place(series, 0..sequences.get(series).steps());
        let sample = |place| Sample::Series { file: file.clone(), place: Some(place) };
        let mut known = Vec::with_capacity(lines.len());
        for series in 0..lines.len() {
            match net.refuses(sequences.get(series)) {
                Some(error) => unread.push(Unread { sample: sample(whole(series)), error }),
                None => known.push(series),
            }
        }
        let of_known = (known.len() < lines.len()).then(|| sequences.select(&known));
        let of_known = of_known.as_ref().unwrap_or(&sequences);
        let Some(window) = data.window else {
            let samples = known.iter().map(|&series| sample(whole(series))).collect();
            take(samples, of_known)?;
            continue;
        };
        let (parts, left_out) = window.cut(of_known.lengths());
        if left_out > 0 {
            let file = birnn_data::name::shown(file);
            tracing::info!("{file}: {left_out} steps of series are in no window, and are left out");
        }
        // Windows that overlap are many times the file.
        for some in parts.chunks(WINDOWS) {
            let samples = some.iter().map(|part| {
                let steps = Some([part.steps.start + 1, part.steps.end]);
                sample(Place { steps, ..place(known[part.sample], part.steps.clone()) })
            });
            take(samples.collect(), &of_known.parts(some))?;
        }
    }
    Ok(unread)
}

/// The same of several: the first of the reasons.
pub(crate) fn first_refused(series: &Sequences, net: &Series) -> Result<(), String> {
    series.iter().find_map(|one| net.refuses(one)).map_or(Ok(()), Err)
}

/// Reads a file in the format that its name ends with; from standard input a table, where the net learnt from
/// one.
pub(crate) fn read(file: &Path, net: &Series, data: &DataConfig) -> Result<Found, String> {
    let features = net.features();
    if file.is_dir() || picture::is_picture(file) {
        let what = if file.is_dir() { "a folder" } else { "a picture" };
        return Err(format!(
            "is {what}, and the net reads series, from .ts, .csv, .tsv, .parquet and .npz files"
        ));
    }
    let told = |problem: FileProblem, format: &str| match (&problem, is_of_series(file)) {
        (FileProblem::Io(_), _) | (_, true) => problem.to_string(),
        _ => format!("{problem} (read as {format}, as its name has no ending of another format)"),
    };
    let found = if is_npz(file) {
        // What there is to be found out need not be there.
        let arrays = Arrays { y: None, ..data.arrays.clone() };
        let options = NpzOptions { arrays, features: Some(features), ..NpzOptions::default() };
        read_npz(file, &options).map_err(|error| error.problem.to_string())?
    } else if is_table(file) || data.dataset == Dataset::Table && !is_ts(file) {
        let table = data.table_to_ask(Some(net)).map_err(|error| error.to_string())?;
        let mut found = read_given_table(file, &table).map_err(|problem| told(problem, "a table"))?;
        if table.layout == Layout::Long {
            let in_order = || (0..).take(found.sequences.steps()).collect();
            found.rows = Some(found.rows.take().unwrap_or_else(in_order));
        }
        found
    } else {
        let lines = open(file).map_err(FileProblem::Io).and_then(|file| read_series_lines(file, features));
        let SeriesLines { sequences, lines, .. } = lines.map_err(|problem| told(problem, "a .ts file"))?;
        return Ok(Found { sequences, lines, ids: None, rows: None });
    };
    let SeriesFile { sequences, lines, ids, rows, .. } = found;
    match other_features(sequences.features(), features, is_table(file).then_some(data)) {
        Some(problem) => Err(problem),
        None => Ok(Found { sequences, lines, ids, rows }),
    }
}

/// A CSV file, or standard input; `others` says what there is for files of other formats.
pub(crate) fn csv_source(file: &Path, others: &str) -> Result<Box<dyn Read>, FileProblem> {
    if ends_with(file, &[".parquet", ".npz", ".ts"]) {
        let message = format!("is no CSV file, and {others}");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message).into());
    }
    Ok(open(file)?)
}

/// Whether a file is of series by its name; standard input is.
pub(super) fn is_of_series(file: &Path) -> bool {
    is_npz(file) || is_ts(file) || is_table(file) || is_standard(file)
}

/// Reads a table, from a file or from standard input.
pub(super) fn read_given_table(given: &Path, table: &Table) -> Result<SeriesFile, FileProblem> {
    match is_standard(given) {
        true => read_csv(stdin().lock(), table),
        false => read_table(given, table).map_err(|error| error.problem),
    }
}
