//! Any bytes, gzipped or not, are the arrays of series of numbers or an error of one line, whatever is wanted
//! of them, in memory that their length bounds.
#![no_main]

mod memory;

use birnn_data::{NpzOptions, Per, TargetKind, Wanted, parse_npz};
use libfuzzer_sys::fuzz_target;

/// Bytes of memory for each byte of an array, such as those of a name of four while lists and tables of them
/// grow; the most that DEFLATE can make of a byte; and for any file, buffers included.
const PER_BYTE: usize = 128 * 1032;
const ALWAYS: usize = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    for kind in [TargetKind::Classes, TargetKind::Numbers] {
        for per in [Per::Sequence, Per::Step] {
            let options = NpzOptions { wanted: Some(Wanted { kind, per }), ..NpzOptions::default() };
            match memory::within(PER_BYTE * bytes.len() + ALWAYS, || parse_npz(bytes, &options)) {
                Ok(file) => {
                    let series = &file.sequences;
                    assert!(!series.is_empty() && series.lengths().all(|steps| steps > 0));
                    assert_eq!(file.lines.len(), series.len());
                    let values = series.iter().filter_map(|one| one.floats());
                    assert!(values.flatten().all(|value| !value.is_infinite()));
                    for names in [&file.ids, &file.groups].into_iter().flatten() {
                        assert_eq!(names.len(), series.len());
                    }
                    if let Some(found) = file.targets {
                        let positions = match found.targets.per {
                            Per::Sequence => series.len(),
                            Per::Step => series.steps(),
                        };
                        assert_eq!(found.targets.len(), positions);
                        let labels = found.targets.classes().unwrap_or_default();
                        assert!(labels.iter().all(|&label| usize::from(label) < found.names.len()));
                        let numbers = found.targets.numbers().unwrap_or_default();
                        assert!(numbers.iter().all(|number| number.is_finite()));
                    }
                }
                Err(error) => {
                    let error = error.to_string();
                    assert!(error.len() < 2000 && !error.chars().any(char::is_control), "{error:?}");
                }
            }
        }
    }
});
