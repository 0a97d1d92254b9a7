//! Any bytes, gzipped or not, are series of numbers or an error of one line, with a header and without, in
//! memory that their length bounds.
#![no_main]

mod memory;

use birnn_data::{FileTargets, Sequence, Sequences, parse_series_lines, parse_ts};
use libfuzzer_sys::fuzz_target;

/// Bytes of memory for each byte of text, such as those of a line `1` with its value, its length, its number
/// and a label that there is none of, while lists of them grow; and for any text, buffers included.
const PER_BYTE: usize = 96;
const ALWAYS: usize = 1 << 20;
/// The most that DEFLATE can make of a byte.
const LARGEST_RATIO: usize = 1032;
const FEATURES: usize = 2;

fuzz_target!(|bytes: &[u8]| {
    let text = if bytes.starts_with(&[0x1f, 0x8b]) { LARGEST_RATIO * bytes.len() } else { bytes.len() };
    let most = PER_BYTE * text + ALWAYS;
    match memory::within(most, || parse_ts(bytes)) {
        Ok(file) => {
            check(&file.sequences, &file.lines);
            if let Some(FileTargets { targets, names }) = &file.targets {
                assert_eq!(targets.len(), file.sequences.len());
                let labels = targets.classes().unwrap_or_default();
                assert!(labels.iter().all(|&label| usize::from(label) < names.len()));
                assert!(targets.numbers().unwrap_or_default().iter().all(|number| number.is_finite()));
            }
        }
        Err(error) => one_line(&error.to_string()),
    }
    match memory::within(most, || parse_series_lines(bytes, FEATURES)) {
        Ok(series) => {
            check(&series.sequences, &series.lines);
            assert_eq!((series.labels.len(), series.sequences.features()), (series.lines.len(), FEATURES));
        }
        Err(error) => one_line(&error.to_string()),
    }
});

fn check(series: &Sequences, lines: &[usize]) {
    assert!(!series.is_empty() && series.lengths().all(|steps| steps > 0));
    assert_eq!(lines.len(), series.len());
    assert!(lines.is_sorted_by(|one, next| one < next));
    let values = series.iter().filter_map(Sequence::floats);
    assert!(values.flatten().all(|value| !value.is_infinite()));
}

fn one_line(error: &str) {
    assert!(error.len() < 2000 && !error.chars().any(char::is_control), "{error:?}");
}
