//! What a package's archive holds: a wheel is a zip archive, a package of npm's a gzipped tar archive.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::content::plain;
use crate::elsewhere::{Client, Holds, Package};
use crate::file_error::FileProblem;
use crate::form::{Contents, zipped};

/// Of an entry, packed or not; the largest published file has 47 MB.
const MOST_BYTES: u64 = 64 << 20;
/// Of a whole tar archive, of which all that comes before an entry must be unpacked.
const MOST_UNPACKED: u64 = 512 << 20;

/// The content of the files, as the package has it.
pub(super) fn contents(package: &Package, archive: &Path) -> Result<Vec<Vec<u8>>, FileProblem> {
    match &package.holds {
        Holds::Files(names) => {
            let mut contents = vec![Vec::new(); names.len()];
            each(package.client, archive, names, &mut |index, entry| {
                contents[index] = plain(entry, |content| {
                    let mut bytes = Vec::new();
                    content.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
                    match bytes.len() as u64 <= MOST_BYTES {
                        true => Ok(bytes),
                        false => Err(FileProblem::TooMuch { most: MOST_BYTES }),
                    }
                })?;
                Ok(())
            })?;
            Ok(contents)
        }
        Holds::Whole(name, form) => {
            let mut contents = Contents::default();
            each(package.client, archive, &[*name], &mut |_, entry| {
                contents = form.read(entry)?;
                Ok(())
            })?;
            Ok(contents.to_vec())
        }
    }
}

/// Gives `read` each of the entries that `names` names, with its index there.
fn each(
    client: Client,
    archive: &Path,
    names: &[&str],
    read: &mut dyn FnMut(usize, &mut dyn Read) -> Result<(), FileProblem>,
) -> Result<(), FileProblem> {
    let file = File::open(archive)?;
    match client {
        Client::Pip => {
            let mut archive = zipped::open(file)?;
            for (index, name) in names.iter().enumerate() {
                zipped::entry(&mut archive, name, MOST_BYTES, |entry| read(index, entry))?;
            }
            Ok(())
        }
        Client::Npm => unpacked(file, names, read).map_err(|problem| match problem {
            FileProblem::Io(error) => FileProblem::Gzip(error),
            other => other,
        }),
    }
}

fn unpacked(
    file: File,
    names: &[&str],
    read: &mut dyn FnMut(usize, &mut dyn Read) -> Result<(), FileProblem>,
) -> Result<(), FileProblem> {
    let unzip = MultiGzDecoder::new(std::io::BufReader::with_capacity(1 << 16, file));
    let mut archive = tar::Archive::new(unzip.take(MOST_UNPACKED));
    let mut found = vec![false; names.len()];
    // Raw: an entry with a long name is not one that is looked for, and its name takes no memory.
    for entry in archive.entries()?.raw(true) {
        let mut entry = entry?;
        let name = entry.path_bytes();
        let Some(index) = names.iter().position(|wanted| wanted.as_bytes() == &*name) else { continue };
        let name = names[index];
        let problem =
            |problem: FileProblem| FileProblem::Entry { entry: name.to_owned(), problem: Box::new(problem) };
        if !entry.header().entry_type().is_file() {
            return Err(problem(FileProblem::Unpacked("no file".to_owned())));
        }
        let size = entry.size();
        if size > MOST_BYTES {
            return Err(problem(FileProblem::TooMuch { most: MOST_BYTES }));
        }
        let mut counted = Counted { inner: &mut entry, count: 0 };
        read(index, &mut counted).map_err(problem)?;
        if counted.count != size {
            return Err(problem(FileProblem::Truncated { expected: size, found: counted.count }));
        }
        found[index] = true;
        if found.iter().all(|&found| found) {
            return Ok(());
        }
    }
    let missing = found.iter().position(|&found| !found).map_or("", |index| names[index]);
    Err(FileProblem::NoEntry(missing.to_owned()))
}

/// Counts what is read through it.
struct Counted<R> {
    inner: R,
    count: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count += count as u64;
        Ok(count)
    }
}
