//! Any bytes, gzipped or not, are a table of series or images or an error of one line, whatever its columns
//! are said to be, in memory that their length bounds.
#![no_main]

mod memory;

use birnn_data::{
    CellProblem, FileProblem, Layout, Per, Sequence, SeriesFile, Table, TableProblem, TargetKind, Values, Wanted, each_piece,
    parse_table,
};
use libfuzzer_sys::fuzz_target;

/// Bytes of memory for each byte of text, such as those of a row that is a series of its own, with its name
/// and its group, while lists and tables of them grow; the most that DEFLATE can make of a byte; and for any
/// text, buffers included.
const PER_BYTE: usize = 256;
const LARGEST_RATIO: usize = 1032;
const ALWAYS: usize = 2 << 20;

fuzz_target!(|bytes: &[u8]| {
    // The crate that reads Parquet panics at damage. That is caught, and would end the fuzzing all the same.
    if bytes.starts_with(b"PAR1") {
        return;
    }
    let text = if bytes.starts_with(&[0x1f, 0x8b]) { LARGEST_RATIO * bytes.len() } else { bytes.len() };
    let name = |name: &str| Some(name.to_owned());
    let long = Table {
        id: name("id"),
        time: name("t"),
        group: name("g"),
        target: vec!["y".to_owned()],
        ..Table::default()
    };
    let wide = Table { layout: Layout::Wide, target: vec!["y".to_owned()], ..Table::default() };
    let features = Some(vec!["a".to_owned(), "b".to_owned()]);
    let tables = [
        Table { target: vec!["y".to_owned()], skip_lines: 1, ..Table::default() },
        Table { features: features.clone(), ..long.clone() },
        long,
        Table { features, id: name("id"), ..wide.clone() },
        Table { shape: Some([1, 2]), ..wide.clone() },
        wide,
    ];
    for table in tables {
        for kind in [TargetKind::Classes, TargetKind::Numbers] {
            let per = match table.layout {
                Layout::Long => Per::Step,
                Layout::Wide => Per::Sequence,
            };
            for wanted in [None, Some(Wanted { kind, per: Per::Sequence }), Some(Wanted { kind, per })] {
                match memory::within(PER_BYTE * text + ALWAYS, || parse_table(bytes, &table, wanted)) {
                    Ok(file) => {
                        check(&file);
                        let held = PER_BYTE * text + ALWAYS;
                        memory::within(held, || as_it_comes(bytes, &table, wanted, &file));
                    }
                    Err(error) => is_told(&error),
                }
            }
        }
    }
});

fn is_told(error: &FileProblem) {
    let error = error.to_string();
    assert!(error.len() < 2000 && !error.chars().any(char::is_control), "{error:?}");
}

/// Read as it comes, a table whose rows are in order has the values of the whole.
fn as_it_comes(bytes: &[u8], table: &Table, wanted: Option<Wanted>, whole: &SeriesFile) {
    if table.layout == Layout::Wide || wanted.is_some_and(|wanted| wanted.per == Per::Sequence) {
        return;
    }
    let (mut values, mut numbers, mut count) = (Vec::new(), Vec::new(), 0);
    let read = each_piece(bytes, (table, "a.csv"), wanted, 3, |piece| {
        values.extend(piece.steps.iter().filter_map(Sequence::floats).flatten().map(|value| value.to_bits()));
        let own = piece.targets.as_ref();
        count += own.map_or(0, |own| own.targets.len());
        numbers.extend(own.and_then(|own| own.targets.numbers()).unwrap_or_default().to_vec());
        Ok::<_, FileProblem>(())
    });
    if let Err(error) = read {
        is_told(&error);
        // Rows in another order are no error there, and one here.
        let FileProblem::Table(problem) = error else { panic!("{error}") };
        let is_of_order =
            matches!(*problem, TableProblem::Cell { problem: CellProblem::Backwards | CellProblem::Ended(_), .. });
        assert!(is_of_order, "{problem}");
        return;
    }
    let Values::Floats(all) = whole.sequences.values() else { unreachable!("a table of numbers") };
    assert!(values.iter().copied().eq(all.iter().map(|value| value.to_bits())));
    if let Some(own) = &whole.targets {
        assert_eq!(count, own.targets.len());
        assert_eq!(numbers, own.targets.numbers().unwrap_or_default());
    }
}

fn check(file: &SeriesFile) {
    let series = &file.sequences;
    assert!(!series.is_empty() && series.lengths().all(|steps| steps > 0));
    assert_eq!(file.lines.len(), series.len());
    let mut values = series.iter().filter_map(Sequence::floats).flatten();
    assert!(values.all(|value| !value.is_infinite()));
    for names in [&file.ids, &file.groups].into_iter().flatten() {
        assert_eq!(names.len(), series.len());
    }
    let Some(found) = &file.targets else { return };
    let positions = match found.targets.per {
        Per::Sequence => series.len(),
        Per::Step => series.steps(),
    };
    assert_eq!(found.targets.len(), positions);
    let labels = found.targets.classes().unwrap_or_default();
    assert!(labels.iter().all(|&label| usize::from(label) < found.names.len()));
    assert!(found.targets.numbers().unwrap_or_default().iter().all(|number| number.is_finite()));
}
