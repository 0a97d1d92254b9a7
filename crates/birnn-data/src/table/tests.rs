use std::io::{Read, Write};
use std::sync::Arc;

use ::parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;

use super::csv::{CsvRows, Limits};
use super::*;
use crate::config::DataConfig;
use crate::sequences::Values;
use crate::targets::{Per, TargetKind, TargetValues, Targets};

const CLASSES: Option<Wanted> = Some(Wanted { kind: TargetKind::Classes, per: Per::Sequence });
const NUMBERS: Option<Wanted> = Some(Wanted { kind: TargetKind::Numbers, per: Per::Sequence });
const CLASS_OF_STEPS: Option<Wanted> = Some(Wanted { kind: TargetKind::Classes, per: Per::Step });
const NUMBERS_OF_STEPS: Option<Wanted> = Some(Wanted { kind: TargetKind::Numbers, per: Per::Step });

/// A table as these settings under `[data]` describe it.
pub(crate) fn table(settings: &str, wanted: Option<Wanted>) -> Table {
    let text = format!("dataset = \"table\"\ntrain = \"a\"\ntest = \"b\"\n{settings}");
    let config: DataConfig = toml::from_str(&text).unwrap();
    let wanted = wanted.unwrap_or_default();
    config.table_of(wanted)
}

fn parsed(text: &str, settings: &str, wanted: Option<Wanted>) -> Result<SeriesFile, String> {
    parse_table(text.as_bytes(), &table(settings, wanted), wanted).map_err(|error| error.to_string())
}

/// The values of each series.
fn values(file: &SeriesFile) -> Vec<Vec<f32>> {
    file.sequences.iter().map(|sequence| sequence.floats().unwrap().to_vec()).collect()
}

/// The class of each target.
fn classes(file: &SeriesFile) -> Vec<&str> {
    let targets = file.targets.as_ref().unwrap();
    targets
        .targets
        .classes()
        .unwrap()
        .iter()
        .map(|&class| targets.names[usize::from(class)].as_str())
        .collect()
}

const LONG: &str = "id = \"pump\"\ntime = \"hour\"\ntarget = \"state\"\n";

#[test]
fn a_long_table_has_a_row_for_each_step() {
    let text = "hour,pump,flow,heat,state\n1,p2,10,0.5,worn\n2,p2,11,0.25,worn\n1,p1,7,1e-1,fine\n";
    let file = parsed(text, LONG, CLASSES).unwrap();
    assert_eq!(values(&file), [vec![10.0, 0.5, 11.0, 0.25], vec![7.0, 0.1]]);
    assert_eq!((classes(&file), file.lines.as_slice()), (vec!["worn", "fine"], &[2, 4][..]));
    assert_eq!(file.targets.as_ref().unwrap().names, ["fine", "worn"]);
    assert_eq!(file.features, Some(vec!["flow".to_owned(), "heat".to_owned()]));
    assert_eq!((file.ids, file.groups), (Some(vec!["p2".to_owned(), "p1".to_owned()]), None));
    // In another order, as they are named.
    let file = parsed(text, &format!("{LONG}features = [\"heat\", \"flow\"]"), CLASSES).unwrap();
    assert_eq!(values(&file)[1], [0.1, 7.0]);
    // Of one series, as the rows come.
    let file = parsed("flow,level\n3,1\n2,2\n", "target = \"level\"", NUMBERS_OF_STEPS).unwrap();
    assert_eq!((values(&file), file.ids), (vec![vec![3.0, 2.0]], None));
    assert_eq!(file.targets.unwrap().targets.numbers().unwrap(), [1.0, 2.0]);
}

#[test]
fn rows_of_a_series_come_in_any_order() {
    let text = "pump,hour,flow,state\nb,3,3,y\na,2,12,y\nb,1,1,x\na,1,11,x\nb,2,2,z\n";
    let settings = format!("{LONG}features = [\"flow\", \"hour2\"]");
    assert!(parsed(text, &settings, CLASS_OF_STEPS).unwrap_err().contains("no column `hour2`"));
    let file = parsed(text, LONG, CLASS_OF_STEPS).unwrap();
    assert_eq!(values(&file), [vec![1.0, 2.0, 3.0], vec![11.0, 12.0]]);
    assert_eq!(classes(&file), ["x", "z", "y", "x", "y"]);
    // By series alone, where there is no time.
    let file =
        parsed(text, "id = \"pump\"\ntarget = \"state\"\nfeatures = [\"flow\"]", CLASS_OF_STEPS).unwrap();
    assert_eq!((values(&file)[0].as_slice(), classes(&file)[0]), (&[3.0, 1.0, 2.0][..], "y"));
    // By date, wherever the clocks were.
    let dates =
        "hour,pump,flow,state\n2026-01-01T01:00+01:00,a,2,x\n2026-01-01 00:30,a,3,x\n2025-12-31,a,1,x\n";
    assert_eq!(values(&parsed(dates, LONG, CLASSES).unwrap()), [[1.0, 2.0, 3.0]]);
}

#[test]
fn rows_are_put_in_order_in_place() {
    let mut values: Vec<u32> = (0..18).collect();
    let order = [4, 2, 0, 3, 5, 1];
    long::reorder(&mut values, 3, &order);
    let expected: Vec<u32> = order.iter().flat_map(|row| [3 * row, 3 * row + 1, 3 * row + 2]).collect();
    assert_eq!(values, expected);
}

#[test]
fn numbers_are_predicted_from_several_columns() {
    let settings = "id = \"id\"\ntarget = [\"a\", \"b\"]\n";
    let text = "id,x,a,b\n1,5,0.5,7\n1,6,0.5,7\n2,8,-1,9\n";
    let file = parsed(text, settings, NUMBERS).unwrap();
    let expected = Targets {
        values: TargetValues::Numbers { values: vec![0.5, 7.0, -1.0, 9.0], width: 2 },
        per: Per::Sequence,
    };
    let targets = file.targets.unwrap();
    assert_eq!((targets.targets, targets.names), (expected, vec!["a".to_owned(), "b".to_owned()]));
    let error = parsed(&text.replace("6,0.5,7", "6,0.5,8"), settings, NUMBERS).unwrap_err();
    let expected = "line 3, column 4 (`b`): is `8`, and that series has `7` in line 2: a series has one target, unless \
                    `[task]` wants one for each step (`kind = \"tag\"` or `per = \"step\"`); `id` under [data] names the column that tells series apart";
    assert_eq!(error, expected);
}

const WIDE: &str = "layout = \"wide\"\ntarget = \"kind\"\n";

#[test]
fn a_wide_table_has_a_row_for_each_series() {
    let file = parsed("kind,a,b,c\nx,1,2,3\ny,4,,\nx,5,,6\n", WIDE, CLASSES).unwrap();
    assert_eq!(values(&file)[..2], [vec![1.0, 2.0, 3.0], vec![4.0]]);
    assert!(values(&file)[2][1].is_nan() && file.features.is_none());
    assert_eq!(file.gap.map(|cell| cell.to_string()).as_deref(), Some("line 4, column 3 (`b`)"));
    let named = format!("{WIDE}id = \"name\"\nfeatures = [\"x\", \"y\"]");
    let text = "y_10,x_2,name,x_10,kind,y_2\n4,1,n,3,k,2\n8,5,m,,k,6\n";
    let file = parsed(text, &named, CLASSES).unwrap();
    assert_eq!(values(&file)[0], [1.0, 2.0, 3.0, 4.0]);
    assert_eq!((file.sequences.features(), file.ids.unwrap()), (2, vec!["n".to_owned(), "m".to_owned()]));
    let error = parsed(&text.replace("y_10", "z_10"), &named, CLASSES).unwrap_err();
    assert_eq!(error, "has a column `x_10`, and `y_10` is missing: each feature has a column for each step");
    let error = parsed("kind,a,b\nx,,\n", WIDE, CLASSES).unwrap_err();
    assert!(
        error.starts_with("line 2, column 2 (`a`): is empty, and each row has the first step"),
        "{error}"
    );
}

/// What a net is to tell is not what it reads, whatever the names begin with.
#[test]
fn a_step_is_no_other_column() {
    let read = |settings: &str, text: &str, wanted: Option<Wanted>| {
        parsed(text, &format!("layout = \"wide\"\n{settings}"), wanted).map(|file| values(&file)[0].clone())
    };
    let (text, numbers) = ("sales_1,sales_2,sales_3\n1,2,3\n4,5,6\n", NUMBERS);
    let settings = "features = [\"sales\"]\ntarget = \"sales_3\"";
    assert_eq!(read(settings, text, numbers).unwrap(), [1.0, 2.0]);
    assert_eq!(read(settings, text, None).unwrap(), [1.0, 2.0]);
    assert_eq!(read("features = [\"x\"]\ntarget = \"x\"", "x,x1,x2\n3,1,2\n", numbers).unwrap(), [1.0, 2.0]);
    let error = read("features = [\"x\", \"x1\"]\ntarget = \"y\"", "x1,x10,y\n1,2,3\n", numbers).unwrap_err();
    assert!(error.starts_with("its column `x10` can be of two of the features"), "{error}");
    let error = read("target = \"y\"", "a,a,y\n1,2,3\n", numbers).unwrap_err();
    assert_eq!(error, "has two columns `a`");
    // Asked again, a table without names of features is read by the names of its columns.
    let file = parsed("kind,b,a\nx,1,2\n", WIDE, CLASSES).unwrap();
    let asked = Table { columns: file.columns, ..table(WIDE, CLASSES) };
    let again = parse_table(b"fold,a,b,kind\n9,2,1,x\n", &asked, None).unwrap();
    assert_eq!(values(&again), [[1.0, 2.0]]);
    // Columns that count on may be more, or fewer.
    let file = parsed("kind,x_0,x_1\nx,1,2\n", WIDE, CLASSES).unwrap();
    let counted = Table { columns: file.columns, ..table(WIDE, CLASSES) };
    for (text, expected) in [("x_1,x_0,x_2,fold\n2,1,3,9\n", vec![1.0, 2.0, 3.0]), ("x_0\n7\n", vec![7.0])] {
        assert_eq!(values(&parse_table(text.as_bytes(), &counted, None).unwrap()), [expected]);
    }
    let error = parse_table(b"a,c\n9,2\n", &asked, None).unwrap_err().to_string();
    assert!(error.starts_with("has no column `b`, which the net reads"), "{error}");
}

/// What a net learnt of a step is of that step, whichever the file lacks.
#[test]
fn steps_are_told_by_their_numbers() {
    let asked = |train: &str, settings: &str, header: &str, wanted: Option<Wanted>| {
        let row = |header: &str| {
            let cells = header
                .split(',')
                .map(|name| if name == "kind" { "k" } else { name.split('_').nth(1).unwrap() });
            format!("{header}\n{}\n", cells.collect::<Vec<_>>().join(","))
        };
        let settings = format!("{WIDE}{settings}");
        let columns = parsed(&row(train), &settings, CLASSES).unwrap().columns;
        let table = Table { columns, ..table(&settings, CLASSES) };
        parse_table(row(header).as_bytes(), &table, wanted).map(|file| values(&file)[0].clone())
    };
    let (x, y) = ("kind,x_0,x_1,x_2,x_3", "kind,x_0,y_0,x_1,y_1,x_2,y_2");
    let (one, both) = ("features = [\"x\"]", "features = [\"x\", \"y\"]");
    for (train, settings, header, expected) in [
        (x, "", "kind,x_0,x_1,x_2,x_3,x_4", &[0.0, 1.0, 2.0, 3.0, 4.0][..]),
        (x, one, "kind,x_0,x_1,x_2,x_3,x_4", &[0.0, 1.0, 2.0, 3.0, 4.0]),
        (x, one, "x_1,x_0,kind", &[0.0, 1.0]),
        (y, both, "x_0,y_0,kind,y_1,x_1", &[0.0, 0.0, 1.0, 1.0]),
        // Those of training are as they are.
        ("kind,x_2,x_10", "", "kind,x_2,x_10", &[2.0, 10.0]),
        ("kind,x_2,x_10", one, "kind,x_2,x_10,x_11", &[2.0, 10.0, 11.0]),
    ] {
        for wanted in [CLASSES, None] {
            assert_eq!(asked(train, settings, header, wanted).unwrap(), expected, "{header}");
        }
    }
    for (train, settings, header, expected) in [
        (x, "", "kind,x_0,x_1,x_3", "has no column `x_2`, which"),
        (x, one, "kind,x_0,x_1,x_3", "has no column `x_2`, which"),
        (x, "", "kind,x_2,x_3", "has no column `x_0`, which"),
        (x, one, "kind,x_2,x_3", "has no column `x_0`, which"),
        (x, one, "kind,x_7", "has no column `x_0`, which"),
        (y, both, "kind,x_0,y_0,x_2,y_2", "has no column `x_1`, which"),
        (
            "kind,x_2,x_10",
            "",
            "kind,x_2,x_3,x_10",
            "its column `x_3` is numbered as a step before `x_10`, which",
        ),
        (
            "kind,x_1,x_2",
            one,
            "kind,x_0,x_1,x_2",
            "its column `x_0` is numbered as a step before `x_1`, which",
        ),
    ] {
        for (wanted, by) in [(CLASSES, "`features` under [data] names or"), (None, "the net reads")] {
            let error = asked(train, settings, header, wanted).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{expected} {by}")), "{header}: {error}");
            assert!(!error.contains("did you mean"), "a neighbour is not what was meant: {error}");
        }
    }
    let error = asked(x, one, "kind,x_0,x_1,x_2,x_3,x_9", None).unwrap_err().to_string();
    assert!(
        error.starts_with(
            "has a column `x_9`, and no `x_4`, with which the steps would go on that the net reads: leave it"
        ),
        "{error}"
    );
    // Of a net that does not tell from which columns it learnt.
    let unknown =
        |text: &str| parsed(text, &format!("{WIDE}{one}"), None).map(|file| values(&file)[0].clone());
    assert_eq!(unknown("x_1,x_2\n1,2\n").unwrap(), [1.0, 2.0]);
    let error = unknown("x_0,x_1,x_3\n0,1,3\n").unwrap_err();
    assert!(error.starts_with("has no column `x_2`, which the net reads"), "{error}");
}

#[test]
fn steps_are_read_in_the_order_of_their_numbers() {
    let settings = "layout = \"wide\"\ntarget = \"y\"";
    let sorted = parsed("t0,t1,t10,t2,y\n0,1,10,2,a\n", settings, CLASSES).unwrap();
    assert_eq!(values(&sorted), [[0.0, 1.0, 2.0, 10.0]], "whatever sorted them by the alphabet");
    let named = parsed("early,late,y\n0,1,a\n", settings, CLASSES).unwrap();
    assert_eq!(values(&named), [[0.0, 1.0]]);
}

#[test]
fn a_quote_that_ends_no_cell_is_told_by_both_of_its_lines() {
    let text = "flow,state\n1,\"worn\n2,fine\n3,so \"fine\" again\n";
    let error = parsed(text, "target = \"state\"", CLASS_OF_STEPS).unwrap_err();
    assert!(
        error.starts_with("line 2: a cell begins with a quote, and the one in line 4 that should"),
        "{error}"
    );
    let error =
        parsed("flow,state\n1,\"dull\" and long\n", "target = \"state\"", CLASS_OF_STEPS).unwrap_err();
    assert!(
        error.starts_with("line 2: a cell begins with a quote, and the one behind it that should"),
        "{error}"
    );
    // What comes before is told first.
    let error = parsed("flow,state\nx,a\n1,\"dull\" b\n", "target = \"state\"", CLASS_OF_STEPS).unwrap_err();
    assert!(error.starts_with("line 2, column 1"), "{error}");
    let quoted = parsed("flow,state\n1,\"5\"\" pipe\"\n2,a 5\" pipe\n", "target = \"state\"", CLASS_OF_STEPS);
    assert_eq!(classes(&quoted.unwrap()), ["5\" pipe", "a 5\" pipe"]);
}

/// Each column is looked at some times, and not once for each other.
#[test]
fn a_wide_header_is_read_at_once() {
    let names: Vec<String> = (0..60_000).map(|column| format!("x{column}_0")).collect();
    let header: Vec<String> = names.iter().rev().cloned().collect();
    let known = Table { layout: Layout::Wide, columns: Some(names), ..Table::default() };
    let roles = Roles::of(&header, &known, None).unwrap();
    assert_eq!((roles.values[0], roles.values.len()), (59_999, 60_000));
    let header: Vec<String> =
        (0..30_000).flat_map(|step| [format!("x_{step}"), format!("y_{step}")]).collect();
    let features = Some(vec!["x".to_owned(), "y".to_owned()]);
    let roles =
        Roles::of(&header, &Table { layout: Layout::Wide, features, ..Table::default() }, None).unwrap();
    assert!(roles.values.into_iter().eq(0..60_000));
}

#[test]
fn a_row_can_be_an_image() {
    let settings = format!("{WIDE}shape = [2, 3]");
    let head = "kind,pixel0,pixel1,pixel2,pixel3,pixel4,pixel5\n";
    let file = parsed(&format!("{head}7,0,1,2,3,4,255\n9,5.0,5,5,5,5,5\n"), &settings, CLASSES).unwrap();
    assert_eq!(file.sequences.values(), &Values::Bytes(vec![0, 1, 2, 3, 4, 255, 5, 5, 5, 5, 5, 5]));
    assert_eq!((file.sequences.features(), classes(&file)), (3, vec!["7", "9"]));
    for (row, part) in [
        ("7,0,1,2,3,4,256", "line 2, column 7 (`pixel5`): `256` is no grey level"),
        ("7,0,1.5,2,3,4,5", "line 2, column 3 (`pixel1`): `1.5` is no grey level"),
        ("7,0,1,2,3,4,", "column 7 (`pixel5`): nothing is no grey level"),
    ] {
        let error = parsed(&format!("{head}{row}\n"), &settings, CLASSES).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
    let error = parsed("kind,a\n1,2\n", &settings, CLASSES).unwrap_err();
    assert_eq!(error, "has 1 columns of pixels, and images of 2 x 3 have 6");
    // Numbered columns are where their numbers say, whatever sorted them; of others nobody knows.
    for (head, first) in [("p0,p10,p11,p1,p2,p3", [0, 3, 4, 5, 1, 2]), ("b,a,d,c,f,e", [0, 1, 2, 3, 4, 5])] {
        let file =
            parsed(&format!("kind,{head}\n7,0,1,2,3,4,5\n9,0,1,2,3,4,5\n"), &settings, CLASSES).unwrap();
        let Values::Bytes(pixels) = file.sequences.values() else { panic!("no images") };
        assert_eq!(pixels[..6], first, "{head}");
    }
}

#[test]
fn texts_are_read_as_they_are_written() {
    let plain =
        values(&parsed("id,x,kind\na,1,k\na,2,k\n", "id = \"id\"\ntarget = \"kind\"", CLASSES).unwrap());
    for (text, more) in [
        ("\u{feff}id,x,kind\r\na,1,k\r\n\r\na,2,k\r\n", ""),
        ("\"id\", \"x\" ,kind\n\"a\",\"1\",k\na, 2 ,k", ""),
        ("id;x;kind\na;1;k\na;2;k\n", "delimiter = \";\""),
        ("measured 2026\n\"by hand\nid,x,kind\na,1,k\na,2,k\n", "skip_lines = 2"),
    ] {
        let settings = format!("id = \"id\"\ntarget = \"kind\"\n{more}");
        assert_eq!(values(&parsed(text, &settings, CLASSES).unwrap()), plain, "{text:?}");
    }
    let error =
        parsed("x,kind\n1,k\n", "target = \"kind\"\nskip_lines = 1000000000000", CLASSES).unwrap_err();
    assert_eq!(error, "ends before its header, the names of its columns");
    // What is missing has many names.
    for missing in ["", "?", "NA", "NaN", "nan", "null", "None", " "] {
        let file = parsed(&format!("x,kind\n1,k\n{missing},k\n"), "target = \"kind\"", CLASSES).unwrap();
        assert!(values(&file)[0][1].is_nan(), "{missing}");
        assert_eq!(file.gap.unwrap().to_string(), "line 3, column 1 (`x`)");
    }
}

#[test]
fn what_has_no_name_is_parted_as_what_was_learnt_from() {
    let ask = |train: &str| {
        let text = format!("dataset = \"table\"\ntrain = \"{train}\"\ntest = \"b\"\ntarget = \"kind\"");
        let config: DataConfig = toml::from_str(&text).unwrap();
        config.table_to_ask(None).unwrap()
    };
    for (train, text) in [("a.tsv.gz", "x\ty\n1\t2\n"), ("a.csv", "x,y\n1,2\n"), ("a", "x,y\n1,2\n")] {
        assert_eq!(values(&read_csv(text.as_bytes(), &ask(train)).unwrap()), [[1.0, 2.0]], "{train}");
    }
    assert_eq!(delimiter_of("b.CSV", &ask("a.tsv")), b',');
    assert_eq!(delimiter_of("-", &ask("a.tsv")), b'\t');
}

#[test]
fn files_are_known_by_their_endings_and_their_content() {
    let folder = tempfile::tempdir().unwrap();
    let own = table("target = \"kind\"\nid = \"id\"", CLASSES);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(b"id\tx\tkind\na\t1\tk\n").unwrap();
    let gzip = gzip.finish().unwrap();
    for (name, bytes) in [
        ("a.csv", b"id,x,kind\na,1,k\n".as_slice()),
        ("a.tsv", b"id\tx\tkind\na\t1\tk\n"),
        ("a.tsv.gz", &gzip),
        ("a.parquet", &parquet()),
        ("b", &parquet()),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let (file, digests) = read(&path, &own, CLASSES).unwrap();
        assert_eq!((values(&file)[0][0], classes(&file)[0]), (1.0, "k"), "{name}");
        assert_eq!(digests, content::digests(&path).unwrap(), "{name}");
    }
    let path = folder.path().join("c.parquet");
    std::fs::write(&path, "id,x,kind\na,1,k\n").unwrap();
    let error = read(&path, &own, CLASSES).unwrap_err().to_string();
    assert!(error.contains("c.parquet: not a Parquet file that can be read: "), "{error}");
}

/// Two series of one feature: integers, doubles, text that may be missing, and numbers that may be.
fn parquet() -> Vec<u8> {
    let schema = "message table {
        REQUIRED BYTE_ARRAY id (UTF8);
        OPTIONAL DOUBLE x;
        OPTIONAL BYTE_ARRAY kind (UTF8);
        OPTIONAL INT32 number;
        REQUIRED INT64 time;
    }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut file = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut file, schema, Arc::default()).unwrap();
    let text = |text: &str| ByteArray::from(text);
    for first in [0, 2] {
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let ids = [text("a"), text(if first == 0 { "b" } else { "a" })];
        column.typed::<ByteArrayType>().write_batch(&ids, None, None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let x: &[f64] = if first == 0 { &[1.0, 0.1] } else { &[3.0] };
        let levels: &[i16] = if first == 0 { &[1, 1] } else { &[0, 1] };
        column.typed::<DoubleType>().write_batch(x, Some(levels), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let kinds = [text("k"), text(if first == 0 { "l" } else { "k" })];
        column.typed::<ByteArrayType>().write_batch(&kinds, Some(&[1, 1]), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int32Type>().write_batch(&[7, 8], Some(&[1, 1]), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let times = [1_700_000_000_000_000_001 - first, 5];
        column.typed::<Int64Type>().write_batch(&times, None, None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    writer.close().unwrap();
    file
}

#[test]
fn parquet_is_read_as_text_is() {
    let read = |settings: &str, wanted| parse_table(&parquet(), &table(settings, wanted), wanted);
    let settings = "id = \"id\"\ntime = \"time\"\ntarget = \"kind\"\nfeatures = [\"x\", \"number\"]";
    let file = read(settings, CLASSES).unwrap();
    // In the order of a time that floats do not tell apart.
    let a = &values(&file)[0];
    assert_eq!(
        (a[..2].to_vec(), a[2].is_nan(), a[3..].to_vec()),
        (vec![3.0, 8.0], true, vec![7.0, 1.0, 7.0])
    );
    assert_eq!((values(&file)[1].as_slice(), classes(&file)), (&[0.1, 8.0][..], vec!["k", "l"]));
    assert_eq!(file.gap.unwrap().to_string(), "row 3, column 2 (`x`)");
    let error =
        read("id = \"id\"\ntarget = \"x\"\nfeatures = [\"number\"]", NUMBERS).unwrap_err().to_string();
    assert!(error.starts_with("row 3, column 2 (`x`): is empty, and each row has a number to"), "{error}");
    let error = read("target = \"number\"\nfeatures = [\"kind\"]", NUMBERS_OF_STEPS).unwrap_err().to_string();
    assert!(error.starts_with("row 1, column 3 (`kind`): `k` is not a number"), "{error}");
    // Numbers are classes too.
    let file = read("target = \"number\"\nfeatures = [\"time\"]", CLASS_OF_STEPS).unwrap();
    assert_eq!(classes(&file), ["7", "8", "7", "8"]);
    let cut = &parquet()[..100];
    assert!(
        parse_table(cut, &table(settings, CLASSES), CLASSES)
            .unwrap_err()
            .to_string()
            .contains("not a Parquet")
    );
}

/// Nor is a date in a text.
#[test]
fn dates_of_parquet_are_no_numbers() {
    let kinds = [
        ("INT32", "DATE"),
        ("INT32", "TIME_MILLIS"),
        ("INT64", "TIMESTAMP_MICROS"),
        ("INT64", "TIMESTAMP(NANOS,true)"),
        ("INT64", "TIME(MICROS,false)"),
    ];
    for (physical, kind) in kinds {
        let schema = format!(
            "message table {{ REQUIRED {physical} when ({kind}); REQUIRED INT32 x; REQUIRED INT32 y; }}"
        );
        let schema = Arc::new(parse_message_type(&schema).unwrap());
        let mut bytes = Vec::new();
        let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::default()).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        match physical {
            "INT32" => column.typed::<Int32Type>().write_batch(&[20_002, 20_001], None, None),
            _ => column.typed::<Int64Type>().write_batch(&[20_002, 20_001], None, None),
        }
        .unwrap();
        column.close().unwrap();
        for values in [[1, 2], [3, 3]] {
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<Int32Type>().write_batch(&values, None, None).unwrap();
            column.close().unwrap();
        }
        group.close().unwrap();
        writer.close().unwrap();
        let read = |settings: &str, wanted| parse_table(&bytes, &table(settings, wanted), wanted);
        let expected = "its column `when` holds dates or times, and not numbers: `time` under [data] orders rows by them; \
                        if the net is not to read this column, name those that it reads: `features` under [data]";
        for settings in ["target = \"x\"", "target = \"x\"\nfeatures = [\"when\"]", "target = \"when\""] {
            let error = read(settings, NUMBERS_OF_STEPS).unwrap_err().to_string();
            assert_eq!(error, expected, "{kind}: {settings}");
        }
        let more = "target = \"y\"\nfeatures = [\"x\"]";
        let ordered = read(&format!("time = \"when\"\n{more}"), NUMBERS).unwrap();
        assert_eq!(values(&ordered), [[2.0, 1.0]], "{kind}");
        let found = read(&format!("id = \"when\"\ngroup = \"when\"\n{more}"), NUMBERS).unwrap();
        let names = Some(vec!["20002".to_owned(), "20001".to_owned()]);
        assert_eq!((&found.ids, &found.groups), (&names, &names), "{kind}");
    }
}

/// What is missing is no name of anything, unless it is said to be.
#[test]
fn what_is_missing_is_no_name() {
    let roles = "id = \"id\"\ngroup = \"who\"\ntarget = \"kind\"\nfeatures = [\"x\"]\n";
    for missing in ["?", "NA", "N/A", "NaN", "nan", "null", "None"] {
        for (layout, head, series, group) in [
            ("", "id,who,x,kind", "the series that it is of", "the group of its series"),
            ("layout = \"wide\"", "id,who,x_0,kind", "the series that it is", "the group that it is of"),
        ] {
            let settings = format!("{roles}{layout}");
            let read = |row: &str, more: &str| {
                let row = row.replace("NA", missing);
                parsed(&format!("{head}\na,v,1,k\n{row}\n"), &format!("{settings}\n{more}"), CLASSES)
            };
            let name = "if it is a name, write another";
            for (row, place, what) in [
                ("NA,v,1,k", "line 3, column 1 (`id`)", format!("{series}; {name}")),
                ("b,NA,1,k", "line 3, column 2 (`who`)", format!("{group}; {name}")),
                (
                    "b,v,1,NA",
                    "line 3, column 4 (`kind`)",
                    "a class; if it is the name of one, say so: `classes` under [data] names all".to_owned(),
                ),
            ] {
                let expected = format!(
                    "{place}: `{missing}` is how a missing value is written, and each row has {what}"
                );
                assert_eq!(read(row, "").unwrap_err(), expected);
            }
            let named = format!("classes = [\"k\", \"{missing}\"]");
            assert_eq!(classes(&read("b,v,1,NA", &named).unwrap()), ["k", missing]);
            let error = read("b,v,1,NA", "classes = [\"k\", \"l\"]").unwrap_err();
            assert!(error.starts_with("line 3, column 4 (`kind`): `"), "{error}");
        }
    }
}

#[test]
fn a_net_is_asked_about_tables_without_targets() {
    let settings = "id = \"id\"\ntarget = \"kind\"\ngroup = \"who\"\nfeatures = [\"x\"]";
    for text in ["id,x\na,1\na,2\n", "kind,id,who,x\n,a,,1\nk,a,w,2\n"] {
        let file = parsed(text, settings, None).unwrap();
        assert_eq!((values(&file), file.targets, file.groups), (vec![vec![1.0, 2.0]], None, None));
    }
}

#[test]
fn what_cannot_be_is_told_with_its_place() {
    let one = |text: &str, settings: &str, expected: &str| {
        let error = parsed(text, settings, CLASSES).unwrap_err();
        assert_eq!(error, expected);
    };
    let head = "hour,pump,flow,state\n";
    let long = |rows: &str, expected: &str| one(&format!("{head}{rows}"), LONG, expected);
    long(
        "1,a,7,x\n2,a,1.2.3,x\n",
        "line 3, column 3 (`flow`): `1.2.3` is not a number; a value is one, such as -1.5 or 2e-3, or the cell is \
         empty; if the net is not to read this column, name those that it reads: `features` under [data]",
    );
    long(
        "1,a,1e39,x\n",
        "line 2, column 3 (`flow`): `1e39` is not finite in 32 bits; a value is less than 3.4e38, or the cell is empty",
    );
    long("1,a,7\n", "line 2: has 3 cells, and the header 4");
    long("1,,7,x\n", "line 2, column 2 (`pump`): is empty, and each row has the series that it is of");
    long("1,a,7,\n", "line 2, column 4 (`state`): is empty, and each row has a class");
    long(",a,7,x\n", "line 2, column 1 (`hour`): is empty, and each row has a time");
    long(
        "01.02.2026,a,7,x\n",
        "line 2, column 1 (`hour`): `01.02.2026` is no time: those are numbers, or dates such as 2026-01-31 or \
         2026-01-31T23:59:59",
    );
    long(
        "1,a,7,x\n2026-01-01,a,7,x\n",
        "line 3, column 1 (`hour`): `2026-01-01` is a date, and times before it are not",
    );
    long(
        "1,a,7,x\n1,b,7,y\n\n1,a,7,x\n",
        "line 5, column 1 (`hour`): that series has a row of this time already, in line 2: which of the two comes \
         first? `id` under [data] names the column that tells series apart",
    );
    long(
        "1,a,7,x\n2,a,7,y\n",
        "line 3, column 4 (`state`): is `y`, and that series has `x` in line 2: a series has one target, unless \
         `[task]` wants one for each step (`kind = \"tag\"` or `per = \"step\"`); `id` under [data] names the column that tells series apart",
    );
    // Blank lines, and lines within a cell, are lines too.
    long(
        "1,\"a\n\",7,x\n\n\n2,\"a\n\n\",seven,x\n",
        "line 6, column 3 (`flow`): `seven` is not a number; a value is one, such as -1.5 or 2e-3, or the cell is empty; \
         if the net is not to read this column, name those that it reads: `features` under [data]",
    );
    long("1,a,7,x\n\n\n2,a,7", "line 5: has 3 cells, and the header 4");
    long("1,a,7,x\n2,\"a\nb\"\n", "line 3: has 2 cells, and the header 4");
    long("1,a,7,x\n2,\"a\nb\"", "line 3: has 2 cells, and the header 4");
    long("", "ends before the first row");
    one("", LONG, "ends before its header, the names of its columns");
    one(
        &head.replace("flow", "Hours"),
        &LONG.replace("hour", "hours"),
        "has no column `hours`, which `time` under [data] names; did you mean `Hours`? there are hour, pump, Hours, state",
    );
    one(
        head,
        "target = \"sort\"",
        "has no column `sort`, which `target` under [data] names; there are hour, pump, flow, state",
    );
    one(
        "a;b\n1;2\n",
        "target = \"a\"",
        "its header is one cell, `a;b`; if ; parts its cells, `delimiter = \";\"` under [data] says so to training, \
         and what a net is asked about is parted as its training file is",
    );
    one("kind\nx\n", "target = \"kind\"", "has no column that a net could read: there are kind");
    one(
        ",x,kind\n0,1,k\n",
        "target = \"kind\"",
        "its column 1 has no name, as that of pandas' index: give it one, or name the columns that are read \
         (`features` under [data])",
    );
    one("x,x,kind\n", "target = \"x\"", "has two columns `x`");
    one(
        "who,id,x,kind\nw,1,2,k\nv,1,2,k\n",
        "id = \"id\"\ngroup = \"who\"\ntarget = \"kind\"",
        "line 3, column 1 (`who`): is `v`, and that series has `w` in line 2: groups are whole series; `id` under [data] names the column that tells these apart",
    );
    one(
        "x,kind\n1,c\n",
        "target = \"kind\"\nclasses = [\"a\", \"b\"]",
        "line 2, column 2 (`kind`): the class `c` is none of a, b: those are `classes` under [data] or, without it, the \
         training file's",
    );
    let error = parse_table(b"x,kind\n1,\xff\n", &table("target = \"kind\"", CLASSES), CLASSES).unwrap_err();
    let way_out =
        "is not UTF-8 text: save the file as UTF-8 (`iconv -f LATIN1 -t UTF-8` makes it of Latin-1)";
    assert_eq!(error.to_string(), format!("line 2, column 2 (`kind`): {way_out}"));
    let error = parse_table(b"x,\xff\n1,2\n", &table("target = \"kind\"", CLASSES), CLASSES).unwrap_err();
    assert_eq!(error.to_string(), format!("line 1, column 2 (``): {way_out}"));
    for marked in [&b"\xff\xfex\0,\0k\0\n\0"[..], b"\xfe\xff\0x\0,\0k\0\n"] {
        let error = parse_table(marked, &table("target = \"kind\"", CLASSES), CLASSES).unwrap_err();
        assert!(
            error.to_string().ends_with("save the file as UTF-8 (`iconv -f UTF-16 -t UTF-8`)"),
            "{error}"
        );
    }
}

/// What a text holds is the same, and in the same lines, with the line ends of Windows.
#[test]
fn line_ends_of_windows_are_line_ends() {
    let settings = "id = \"id\"\ntarget = \"kind\"";
    let text = "id,x,kind\na,1,k\na,2,k\n\n\"b\n\",3,l\nc,4,l\n";
    for text in [text, text.trim_end()] {
        let (unix, windows) = [text.to_owned(), text.replace('\n', "\r\n")]
            .map(|text| parsed(&text, settings, CLASSES).unwrap())
            .into();
        assert_eq!(unix, windows);
        assert_eq!(unix.lines, [2, 5, 7]);
    }
    for (rows, expected) in [
        ("a,x,k\n", "line 2, column 2 (`x`): `x` is not a number"),
        ("a,1,k\nb,2\n", "line 3: has 2 cells, and the header 3"),
        ("a,1,k\n\nb,2", "line 4: has 2 cells, and the header 3"),
        ("a,1,k\nb,\"2,k\nc,3,k\n", "line 3, column 2 (`x`): begins with a quote that has no end"),
    ] {
        for ends in ["\n", "\r\n"] {
            let text = format!("id,x,kind\n{rows}").replace('\n', ends);
            let error = parsed(&text, settings, CLASSES).unwrap_err();
            assert!(error.starts_with(expected), "{ends:?}: {error}");
        }
    }
}

/// A row whose only cell is empty would be no row, and those behind it would move forward in time.
#[test]
fn blank_lines_are_no_gaps_of_a_table_of_one_column() {
    let read = |text: &str| parsed(text, "target = \"kind\"\nfeatures = [\"x\"]", None);
    for ends in ["\n", "\r\n"] {
        let text = |rows: &str| format!("x\n{rows}").replace('\n', ends);
        let error = read(&text("1\n\n3\n")).unwrap_err();
        assert!(error.starts_with("line 3: is empty; in a table of one column write"), "{error}");
        assert!(read(&text("\n1\n")).unwrap_err().starts_with("line 2: is empty"));
        for whole in ["1\n2\n\n\n", "\"\n1\"\n2\n", "1\n\"\"\n3\n"] {
            let told = read(&text(whole)).err().unwrap_or_default();
            assert!(!told.contains("is empty; in a table of one column"), "{told}");
        }
    }
}

/// So many bytes at once.
struct Slow<'a>(&'a [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(buffer.len()).min(self.0.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

/// Else all that follows it would be part of its cell, and nobody would miss it.
#[test]
fn a_quote_without_an_end_is_told_with_its_place() {
    let read = |text: &str, at_once: usize| -> Result<usize, String> {
        let rows = CsvRows::new(Slow(text.as_bytes(), at_once), b',', 0, Limits::default());
        let mut rows = rows.map_err(|error| error.to_string())?;
        let mut found = 0;
        while rows.advance().map_err(|error| error.to_string())? {
            found += 1;
        }
        Ok(found)
    };
    let each = |rows: &str, check: &dyn Fn(Result<usize, String>, &str)| {
        for text in [format!("a,b\n{rows}"), format!("a,b\n{rows}").replace('\n', "\r\n")] {
            for at_once in [1, 2, 3, 1 << 16] {
                check(read(&text, at_once), &text);
            }
        }
    };
    for (rows, place) in [
        ("1,2\n3,\"4\n5,6\n7,8\n", "line 3, column 2 (`b`)"),
        ("1,2\n3,\"4\n5,6\n7,8", "line 3, column 2 (`b`)"),
        ("1,\"2", "line 2, column 2 (`b`)"),
        ("1,\"2\n", "line 2, column 2 (`b`)"),
        ("1,\"", "line 2, column 2 (`b`)"),
        ("1,\"\n\n", "line 2, column 2 (`b`)"),
        ("1,\"2\"\"\n", "line 2, column 2 (`b`)"),
        ("1,\"2\"\"", "line 2, column 2 (`b`)"),
        ("\n\n\"1\n\n\",\"2\n", "line 6, column 2 (`b`)"),
        ("\"1,2\n3,4\n", "line 2, column 1 (`a`)"),
        ("1,2,\"3\n", "line 2, column 3 (``)"),
    ] {
        each(rows, &|found, text| {
            let expected = format!(
                "{place}: begins with a quote that has no end, and so takes in the rest of the file: close it or, if it is \
                 part of what the cell says, write it twice and quote the cell (`\"5\"\" pipe\"`)"
            );
            assert_eq!(found.unwrap_err(), expected, "{text:?}");
        });
    }
    for (rows, count) in [
        ("", 0),
        ("\"1\n\",2", 1),
        ("1,\"2\n\"", 1),
        ("1,\"2\n\"\n", 1),
        ("1,\"2\n\"\n\n", 1),
        ("1,\"2\"\"\n\"", 1),
        ("1,\"\"\"\"", 1),
        ("1,\"\"\"\"\n", 1),
        ("1,\"\"", 1),
        ("1,\"\"\n", 1),
        ("1,2\"", 1),
        ("1,5\" pipe\n3,4\n", 2),
        ("1,", 1),
    ] {
        each(rows, &|found, text| assert_eq!(found, Ok(count), "{text:?}"));
    }
    let error = read("a,\"b\n1,2\n", 1 << 16).unwrap_err();
    assert!(error.starts_with("line 1, column 2 (``): begins with a quote"), "{error}");
}

/// However few bytes are read at once.
#[test]
fn a_carriage_return_alone_is_kept() {
    for at_once in 1..12 {
        let text = b"a,b\r\n1,\"x\ry\r\r\nz\"\r\n\"\r\n\",2\r";
        let mut rows = CsvRows::new(Slow(text, at_once), b',', 0, Limits::default()).unwrap();
        let mut found = Vec::new();
        while rows.advance().unwrap() {
            found.push((
                rows.number().number(),
                rows.text(0).unwrap().to_owned(),
                rows.text(1).unwrap().to_owned(),
            ));
        }
        let expected =
            [(2, "1", "x\ry\r\nz"), (4, "", "2")].map(|(line, a, b)| (line, a.to_owned(), b.to_owned()));
        assert_eq!(found, expected, "{at_once}");
    }
}

#[test]
fn what_is_too_long_is_not_held() {
    let read = |text: &str, most: Limits| -> String {
        let mut rows = CsvRows::new(text.as_bytes(), b',', 0, most).unwrap();
        let first = std::iter::repeat_with(|| rows.advance()).find_map(Result::err);
        first.unwrap().to_string()
    };
    let long = format!("a,b\n1,\"{}", "x,\n".repeat(1 << 20));
    let told = read(&long, Limits { row: 1000, all: u64::MAX });
    assert_eq!(told, "line 2: a row longer than 1000 bytes; is a quote without its end there?");
    let many = format!("a,b\n{}", "1,2\n".repeat(1 << 17));
    let told = read(&many, Limits { row: 1000, all: 1 << 18 });
    assert_eq!(told, "holds more than the 262144 bytes that such a file may");
}

/// One byte after the other is another, and the file ends at each of them.
#[test]
fn damaged_parquet_is_an_error_of_one_line_or_a_table() {
    let own =
        table("id = \"id\"\ntime = \"time\"\ntarget = \"kind\"\nfeatures = [\"x\", \"number\"]", CLASSES);
    let whole = parquet();
    let read = |bytes: &[u8]| {
        if let Err(error) = parse_table(bytes, &own, CLASSES) {
            let error = error.to_string();
            assert!(error.len() < 2000 && !error.chars().any(char::is_control), "{error:?}");
        }
    };
    for at in MAGIC_LENGTH..whole.len() {
        read(&whole[..at]);
        for change in [0x01, 0x80, 0xff, whole[at]] {
            let mut damaged = whole.clone();
            damaged[at] ^= change;
            read(&damaged);
        }
    }
}

const MAGIC_LENGTH: usize = parquet::MAGIC.len();
