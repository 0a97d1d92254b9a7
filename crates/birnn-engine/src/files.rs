//! Writing files so that a reader sees the old content or the new, never half of it.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use crate::error::EngineError;

/// Writes `bytes` beside `path`, flushes them to the disk, and only then gives them the name.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), EngineError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let attempt = || {
        let mut file = tempfile::Builder::new().prefix(".").suffix(".partial").tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        readable_as_usual(file.as_file())?;
        file.persist(path).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()
    };
    attempt().map_err(EngineError::io(path))
}

/// Temporary files are made private; what they become is an ordinary file.
#[cfg(unix)]
fn readable_as_usual(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_as_usual(_: &File) -> std::io::Result<()> {
    Ok(())
}
