//! Files and folders that are not whole yet, beside what they are to become.

use std::path::{Path, PathBuf};

/// What has a name that ends so, and begins with a dot, is not whole yet.
pub(crate) const PARTIAL: &str = ".partial";

/// A file in `folder` that is gone with the handle, unless it gets another name.
pub(crate) fn partial(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut partial = tempfile::Builder::new();
    partial.prefix(".").suffix(PARTIAL);
    // What it becomes is an ordinary file, not a private one.
    partial.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    partial.tempfile_in(folder)
}

/// Removes what processes that were killed left. Whoever makes such a file or folder has the lock of its
/// folder, so that those that lie there while it is ours belong to nobody.
pub(crate) fn clear_partial(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        if name.starts_with(b".") && name.ends_with(PARTIAL.as_bytes()) {
            // One that stays takes room and does no other harm.
            let _ = match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                true => std::fs::remove_dir_all(entry.path()),
                false => std::fs::remove_file(entry.path()),
            };
        }
    }
}

/// `folder` and those above it that are not there, the deepest first.
pub(crate) fn not_yet_there(folder: &Path) -> Vec<PathBuf> {
    folder.ancestors().take_while(|folder| !folder.exists()).map(Path::to_owned).collect()
}

/// Removes those of the folders, the deepest first, that nothing is in.
pub(crate) fn remove_empty(folders: Vec<PathBuf>) {
    for folder in folders {
        let _ = std::fs::remove_dir(folder);
    }
}
