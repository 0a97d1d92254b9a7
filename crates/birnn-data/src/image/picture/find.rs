//! The pictures that a path means: itself, those in a folder, or those that a pattern matches.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};

use crate::name;

/// The endings by which a folder's pictures are told, in lower case.
pub const EXTENSIONS: [&str; 8] = ["png", "jpg", "jpeg", "bmp", "pnm", "pgm", "ppm", "pbm"];

/// What a path means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pictures {
    /// At least one, in the order of their names.
    pub paths: Vec<PathBuf>,
    /// Files of a folder that are no pictures by their endings, and so left out.
    pub other_files: Vec<PathBuf>,
    /// Folders in a folder, which are left out: a folder's own pictures are meant.
    pub folders: Vec<PathBuf>,
}

/// Why a path means no picture. The path itself is not in the message.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// A folder has no pictures of its own.
    #[error(
        "no pictures in this folder itself (*.{}); for those of the folders in it: '{}'",
        EXTENSIONS.join(", *."),
        name::shown(&.folder.join("*/*"))
    )]
    NoPictures {
        /// The folder.
        folder: PathBuf,
    },
    /// Nothing matches a pattern.
    #[error("no file is called so")]
    NoMatch,
    /// What looks like a pattern is none.
    #[error("as a pattern: {0}")]
    Pattern(#[from] glob::PatternError),
    /// The folder that was given cannot be listed.
    #[error(transparent)]
    Folder(io::Error),
    /// A folder that a pattern leads to cannot be listed.
    #[error("{}: {source}", name::shown(.folder))]
    Subfolder {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// The pictures that `given` means: those of a folder that end in one of [`EXTENSIONS`], in upper or lower
/// case; whatever matches a pattern with `*`, `?`, `[..]`, or `**` for any number of folders, unless a file
/// is called just so; else the path itself, whether there is such a file or not.
///
/// # Errors
///
/// When there is no such picture, the pattern is malformed, or a folder cannot be listed.
pub fn find(given: &Path) -> Result<Pictures, FindError> {
    if given.is_dir() {
        return in_folder(given);
    }
    if given.exists() || !is_pattern(given.as_os_str()) {
        return Ok(Pictures { paths: vec![given.to_owned()], ..Pictures::default() });
    }
    let mut parts = given.iter().map(Part::new).collect::<Result<Vec<_>, _>>()?;
    // Two of them mean what one means, and would find everything in several ways.
    parts.dedup_by(|next, part| next.is_any_depth() && part.is_any_depth());
    let mut paths = Vec::new();
    matching(PathBuf::new(), &parts, &mut paths)?;
    if paths.is_empty() {
        return Err(FindError::NoMatch);
    }
    paths.sort();
    // `**/a*/**` finds what is in `a1/a2` by either.
    paths.dedup();
    Ok(Pictures { paths, ..Pictures::default() })
}

fn in_folder(folder: &Path) -> Result<Pictures, FindError> {
    let entries = std::fs::read_dir(folder).map_err(FindError::Folder)?;
    let mut found = Pictures::default();
    for entry in entries {
        let path = entry.map_err(FindError::Folder)?.path();
        // Such as macOS' `._1.png`, which no training reads either.
        if path.file_name().unwrap_or_default().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        match path.is_dir() {
            true => found.folders.push(path),
            false if is_picture(&path) => found.paths.push(path),
            false => found.other_files.push(path),
        }
    }
    if found.paths.is_empty() {
        return Err(FindError::NoPictures { folder: folder.to_owned() });
    }
    [&mut found.paths, &mut found.other_files, &mut found.folders].into_iter().for_each(|list| list.sort());
    Ok(found)
}

/// Whether a file is a picture by its ending.
pub fn is_picture(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str())
}

fn is_pattern(part: &OsStr) -> bool {
    part.to_string_lossy().contains(['*', '?', '['])
}

/// A part of a path: the name of a file or folder, or a pattern of names.
enum Part<'a> {
    Name(&'a OsStr),
    Pattern(Pattern),
}

/// `*` takes no hidden file, such as macOS' `._1.png`, unless the pattern itself begins with a dot.
const AS_A_SHELL: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: false,
    require_literal_leading_dot: true,
};

impl Part<'_> {
    fn new(part: &OsStr) -> Result<Part<'_>, glob::PatternError> {
        match is_pattern(part) {
            true => Pattern::new(&part.to_string_lossy()).map(Part::Pattern),
            false => Ok(Part::Name(part)),
        }
    }

    /// Whether it means any number of folders.
    fn is_any_depth(&self) -> bool {
        matches!(self, Part::Pattern(pattern) if pattern.as_str() == "**")
    }
}

/// Adds what there is in `folder` under names that match these parts of a path. The glob crate's own walk
/// passes over names that are not UTF-8; here they match by what of them is.
fn matching(folder: PathBuf, parts: &[Part], paths: &mut Vec<PathBuf>) -> Result<(), FindError> {
    let Some((part, rest)) = parts.split_first() else {
        paths.push(folder);
        return Ok(());
    };
    let pattern = match part {
        Part::Name(name) => {
            let path = folder.join(name);
            return if path.exists() { matching(path, rest, paths) } else { Ok(()) };
        }
        Part::Pattern(pattern) => pattern,
    };
    let any_depth = part.is_any_depth();
    if any_depth {
        matching(folder.clone(), rest, paths)?;
    }
    let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { &folder };
    if !listed.is_dir() {
        return Ok(());
    }
    let unlisted = |source| FindError::Subfolder { folder: listed.to_owned(), source };
    for entry in std::fs::read_dir(listed).map_err(unlisted)? {
        let name = entry.map_err(unlisted)?.file_name();
        let path = folder.join(&name);
        // A link to a folder could lead back.
        if any_depth && path.is_dir() && !path.is_symlink() && !name.as_encoded_bytes().starts_with(b".") {
            matching(path, parts, paths)?;
        } else if !any_depth && pattern.matches_with(&name.to_string_lossy(), AS_A_SHELL) {
            matching(path, rest, paths)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    /// A folder with these empty files in it.
    fn folder(files: &[&str]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        folder
    }

    /// What `given` in the folder means, without the folder's path.
    fn names(folder: &TempDir, given: &str) -> Result<Vec<String>, String> {
        let found = find(&folder.path().join(given)).map_err(|error| error.to_string())?;
        Ok(relative(folder, &found.paths))
    }

    fn relative(folder: &TempDir, paths: &[PathBuf]) -> Vec<String> {
        paths.iter().map(|path| name::text(path.strip_prefix(folder.path()).unwrap())).collect()
    }

    #[test]
    fn a_folder_is_its_own_pictures_and_the_rest_is_named() {
        let folder = folder(&["b.png", "A.JPEG", "c.pbm", "notes.txt", "png", "sub/d.png"]);
        let found = find(folder.path()).unwrap();
        assert_eq!(relative(&folder, &found.paths), ["A.JPEG", "b.png", "c.pbm"]);
        assert_eq!(relative(&folder, &found.other_files), ["notes.txt", "png"]);
        assert_eq!(relative(&folder, &found.folders), ["sub"]);
    }

    #[test]
    fn a_folder_without_pictures_names_the_way_out() {
        let folder = folder(&["sub/d.png"]);
        let error = find(folder.path()).unwrap_err().to_string();
        let way_out = format!("'{}/*/*'", name::text(folder.path()));
        assert!(error.contains("(*.png, *.jpg, ") && error.ends_with(&way_out), "{error}");
    }

    #[test]
    fn patterns_match_at_their_depth_and_two_stars_at_any() {
        let folder = folder(&["1.png", "2.png", "10.png", "a/1.png", "a/b/1.png", "a/b/2.jpg"]);
        let found = |given| names(&folder, given).unwrap();
        assert_eq!(found("?.png"), ["1.png", "2.png"]);
        assert_eq!(found("[2-9].png"), ["2.png"]);
        assert_eq!(found("*/1.png"), ["a/1.png"]);
        assert_eq!(found("**/1.png"), ["1.png", "a/1.png", "a/b/1.png"]);
        assert_eq!(found("a/**/*.jpg"), ["a/b/2.jpg"]);
        assert_eq!(found("**/**/1.png"), ["1.png", "a/1.png", "a/b/1.png"]);
        assert_eq!(found("**/?/**/2.jpg"), ["a/b/2.jpg"]);
        for hidden in [".b.png", "a/._1.png", ".c/1.png"] {
            let path = folder.path().join(hidden);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        assert_eq!(found("**/1.png"), ["1.png", "a/1.png", "a/b/1.png"]);
        assert_eq!(
            (found("*.png").len(), found("a/*.png"), found(".*.png")),
            (3, vec!["a/1.png".into()], vec![".b.png".into()])
        );
        assert_eq!(names(&folder, "x*.png").unwrap_err(), "no file is called so");
        assert!(names(&folder, "[.png").unwrap_err().starts_with("as a pattern: "));
    }

    #[test]
    fn a_name_that_is_there_is_no_pattern_and_one_that_is_not_is_left_to_whoever_reads_it() {
        let folder = folder(&["[1].png", "1.png"]);
        assert_eq!(names(&folder, "[1].png").unwrap(), ["[1].png"]);
        assert_eq!(names(&folder, "gone.png").unwrap(), ["gone.png"]);
    }

    /// macOS has no such names.
    #[test]
    #[cfg(target_os = "linux")]
    fn names_that_are_not_utf_8_match_too() {
        let folder = folder(&["a.png"]);
        std::fs::write(
            folder.path().join(<OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"d\xe9.png")),
            "",
        )
        .unwrap();
        assert_eq!(names(&folder, "*.png").unwrap(), ["a.png", "d\\xE9.png"]);
        assert_eq!(names(&folder, "").unwrap(), ["a.png", "d\\xE9.png"]);
    }

    #[test]
    fn a_link_that_leads_back_is_not_followed() {
        let folder = folder(&["a/1.png"]);
        symlink(folder.path(), folder.path().join("a/up")).unwrap();
        assert_eq!(names(&folder, "**/1.png").unwrap(), ["a/1.png"]);
    }
}
