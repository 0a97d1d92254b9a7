//! Vectors of numbers, one for each sequence or for each of its steps, as arrays and tables that others read.

mod npz;
mod parquet;
mod safetensors;

use std::io::{self, Write};
use std::path::Path;

/// Vectors of states, and whose they are.
#[derive(Clone, Copy, Debug)]
pub struct States<'a> {
    /// `[sequences, width]` or, with `lengths`, `[steps of all, width]`.
    pub values: &'a [f32],
    /// Values of a vector, at least one.
    pub width: usize,
    /// By what each sequence is known.
    pub ids: &'a [String],
    /// How many steps each has, where there is a vector for each step.
    pub lengths: Option<&'a [usize]>,
}

/// What a file of states can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatesFormat {
    /// Arrays for NumPy: `states`, `ids`, and `lengths` where there are such.
    Npz,
    /// A table: `id`, `step` from 0 where there are such, and `s0`, `s1`, ...
    Parquet,
    /// Arrays as in an `.npz` file; `ids` is in the metadata, as a JSON array.
    Safetensors,
}

impl StatesFormat {
    /// The endings of all formats, for messages.
    pub const EXTENSIONS: &str = ".npz, .parquet or .safetensors";

    /// By the ending of a file's name.
    pub fn of(path: &Path) -> Option<StatesFormat> {
        match path.extension()?.to_ascii_lowercase().to_str()? {
            "npz" => Some(StatesFormat::Npz),
            "parquet" => Some(StatesFormat::Parquet),
            "safetensors" => Some(StatesFormat::Safetensors),
            _ => None,
        }
    }

    /// Writes a file from its beginning to its end. The same states give the same bytes.
    ///
    /// # Errors
    ///
    /// Those of `into`; and where a format has no room for so much.
    ///
    /// # Panics
    ///
    /// Where there are not as many values or lengths as `states` says.
    pub fn write(self, states: &States<'_>, into: impl Write + Send) -> io::Result<()> {
        states.check();
        match self {
            StatesFormat::Npz => npz::write(states, into),
            StatesFormat::Parquet => parquet::write(states, into),
            StatesFormat::Safetensors => safetensors::write(states, into),
        }
    }
}

impl States<'_> {
    /// How many vectors.
    fn rows(&self) -> usize {
        self.values.len() / self.width
    }

    /// For arrays.
    fn shape(&self) -> [usize; 2] {
        [self.rows(), self.width]
    }

    fn check(&self) {
        let rows = self.lengths.map_or(self.ids.len(), |lengths| lengths.iter().sum());
        assert_eq!(self.values.len(), rows * self.width, "a vector for each");
        assert!(
            self.lengths.is_none_or(|lengths| lengths.len() == self.ids.len()),
            "a length for each sequence"
        );
    }
}

/// Lengths as files have them.
fn signed(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Cursor;

    use ::parquet::file::reader::{FileReader, SerializedFileReader};
    use ::parquet::record::Field;
    use ::safetensors::SafeTensors;
    use npyz::npz::NpzArchive;

    use super::*;

    const IDS: [&str; 3] = ["a.ts:1", "grüße.png", ""];

    fn written(format: StatesFormat, values: &[f32], lengths: Option<&[usize]>) -> Vec<u8> {
        let ids = IDS.map(str::to_owned);
        let states = States { values, width: 2, ids: &ids, lengths };
        let (mut bytes, mut again) = (Vec::new(), Vec::new());
        format.write(&states, &mut bytes).unwrap();
        format.write(&states, &mut again).unwrap();
        assert!(bytes == again, "{format:?}: the same states, the same bytes");
        bytes
    }

    /// Of three sequences, and of their 2, 1 and 3 steps; with bits that are easily lost.
    fn cases() -> [(Vec<f32>, Option<&'static [usize]>); 2] {
        let values = |count: u16| (0..count).map(|index| f32::from(index) * 0.1 - 0.3).collect::<Vec<f32>>();
        let mut odd = values(6);
        odd[..3].copy_from_slice(&[-0.0, f32::MIN_POSITIVE / 2.0, f32::MAX]);
        [(odd, None), (values(12), Some(&[2, 1, 3]))]
    }

    fn table(bytes: &[u8]) -> SerializedFileReader<File> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        SerializedFileReader::new(file).unwrap()
    }

    fn bits(values: &[f32]) -> Vec<u32> {
        values.iter().map(|value| value.to_bits()).collect()
    }

    #[test]
    fn the_ending_says_the_format() {
        for (name, format) in [
            ("a.npz", Some(StatesFormat::Npz)),
            ("a.b.PARQUET", Some(StatesFormat::Parquet)),
            ("a.safetensors", Some(StatesFormat::Safetensors)),
            ("a.npy", None),
            ("npz", None),
        ] {
            assert_eq!(StatesFormat::of(Path::new(name)), format, "{name}");
        }
    }

    #[test]
    fn arrays_for_numpy_are_read_again() {
        for (values, lengths) in cases() {
            let bytes = written(StatesFormat::Npz, &values, lengths);
            let mut archive = NpzArchive::new(Cursor::new(bytes)).unwrap();
            let states = archive.by_name("states").unwrap().unwrap();
            assert_eq!(states.shape(), [values.len() as u64 / 2, 2]);
            assert_eq!(bits(&states.into_vec::<f32>().unwrap()), bits(&values));
            assert_eq!(archive.by_name("ids").unwrap().unwrap().into_vec::<String>().unwrap(), IDS);
            let found = archive.by_name("lengths").unwrap().map(|array| array.into_vec::<i64>().unwrap());
            assert_eq!(found, lengths.map(|lengths| lengths.iter().copied().map(signed).collect()));
        }
    }

    #[test]
    fn safetensors_are_read_again() {
        for (values, lengths) in cases() {
            let bytes = written(StatesFormat::Safetensors, &values, lengths);
            let file = SafeTensors::deserialize(&bytes).unwrap();
            let states = file.tensor("states").unwrap();
            assert_eq!(states.shape(), [values.len() / 2, 2]);
            let expected: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            assert_eq!(states.data(), expected);
            let found = file.tensor("lengths").ok().map(|array| array.data().to_vec());
            let expected =
                lengths.map(|lengths| lengths.iter().flat_map(|&n| signed(n).to_le_bytes()).collect());
            assert_eq!(found, expected);
            let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
            let ids = &metadata.metadata().as_ref().unwrap()["ids"];
            assert_eq!(serde_json::from_str::<Vec<String>>(ids).unwrap(), IDS);
        }
    }

    #[test]
    fn a_table_is_read_again() {
        for (values, lengths) in cases() {
            let bytes = written(StatesFormat::Parquet, &values, lengths);
            let reader = table(&bytes);
            let mut expected = IDS
                .iter()
                .zip(lengths.unwrap_or(&[1, 1, 1]))
                .flat_map(|(id, &length)| (0..length).map(move |step| (id, step)));
            let mut vectors = values.chunks(2);
            for row in reader.get_row_iter(None).unwrap() {
                let columns: Vec<(String, Field)> = row.unwrap().into_columns();
                let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
                let steps: &[&str] = if lengths.is_some() { &["step"] } else { &[] };
                assert_eq!(names, [&["id"], steps, &["s0", "s1"]].concat());
                let (id, step) = expected.next().unwrap();
                assert_eq!(columns[0].1, Field::Str((*id).to_owned()));
                if lengths.is_some() {
                    assert_eq!(columns[1].1, Field::Long(signed(step)));
                }
                let found: Vec<f32> = columns[columns.len() - 2..]
                    .iter()
                    .map(
                        |(_, field)| if let Field::Float(value) = field { *value } else { panic!("{field}") },
                    )
                    .collect();
                assert_eq!(bits(&found), bits(vectors.next().unwrap()));
            }
            assert!(expected.next().is_none() && vectors.next().is_none());
        }
    }

    /// More rows than a group of the table has.
    #[test]
    fn a_long_table_is_read_again() {
        let count = 2 * parquet::GROUP + 5;
        let ids: Vec<String> = (0..count).map(|index| index.to_string()).collect();
        let values: Vec<f32> = (0..count).map(|index| index as f32).collect();
        let mut bytes = Vec::new();
        let states = States { values: &values, width: 1, ids: &ids, lengths: None };
        StatesFormat::Parquet.write(&states, &mut bytes).unwrap();
        let reader = table(&bytes);
        assert_eq!(reader.metadata().num_row_groups(), 3);
        for (index, row) in reader.get_row_iter(None).unwrap().enumerate() {
            let fields: Vec<Field> =
                row.unwrap().into_columns().into_iter().map(|(_, field)| field).collect();
            assert_eq!(fields, [Field::Str(index.to_string()), Field::Float(index as f32)]);
        }
    }

    #[test]
    fn names_that_have_no_room_are_refused() {
        let ids = ["x".repeat(safetensors::LARGEST_HEADER)];
        let states = States { values: &[0.0], width: 1, ids: &ids, lengths: None };
        let error = StatesFormat::Safetensors.write(&states, Vec::new()).unwrap_err();
        assert!(error.to_string().contains("take .npz or .parquet"), "{error}");
    }
}
