//! What a user named to be read: a file, told by how its name ends, or `-`, standard input.

use std::io::{self, Read};
use std::path::Path;

use birnn_data::open_file;

/// Whether standard input, or standard output, is meant.
pub(crate) fn is_standard(name: &Path) -> bool {
    name.to_str() == Some("-")
}

/// The file, or standard input.
pub(crate) fn open(file: &Path) -> io::Result<Box<dyn Read>> {
    match is_standard(file) {
        true => Ok(Box::new(io::stdin())),
        false => Ok(Box::new(open_file(file)?)),
    }
}

/// Whether it is of NumPy's arrays by its name.
pub(super) fn is_npz(file: &Path) -> bool {
    ends_with(file, &[".npz"])
}

/// Whether it is of the time series archive's format by its name.
pub(super) fn is_ts(file: &Path) -> bool {
    ends_with(file, &[".ts"])
}

/// Whether it is a table by its name.
pub(super) fn is_table(file: &Path) -> bool {
    ends_with(file, &[".csv", ".tsv", ".tab", ".parquet"])
}

/// Whether its name, gzipped or not, ends so, in capitals or not.
pub(super) fn ends_with(file: &Path, endings: &[&str]) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    endings.iter().any(|ending| name.ends_with(ending))
}
