//! Which runs there are.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use crate::error::FileError;
use crate::meta::Meta;
use crate::run_dir::{META, is_run};

/// The run directories in a folder, as far as it could be looked through.
#[derive(Debug, Default)]
pub struct RunsFound {
    /// Their paths, each below the folder's own.
    pub runs: Vec<PathBuf>,
    /// The folders below it that could not be looked into.
    pub unread: Vec<FileError>,
}

/// The run directories in `folder`, itself included, however deep: what can be gone on with, or says of
/// itself what it is. Links are followed, and no folder is looked into twice: a run that several paths lead
/// to has the one without a link.
///
/// # Errors
///
/// When `folder` itself cannot be looked into.
pub fn find_runs(folder: &Path) -> Result<RunsFound, FileError> {
    let mut found = RunsFound::default();
    let (mut folders, mut links) = (VecDeque::from([folder.to_owned()]), VecDeque::new());
    let mut seen = BTreeSet::new();
    while let Some(path) = folders.pop_front().or_else(|| links.pop_front()) {
        let looked = path.canonicalize().and_then(|canonical| {
            if !seen.insert(canonical) {
                return Ok(());
            }
            for entry in std::fs::read_dir(&path)? {
                let entry = entry?;
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    folders.push_back(entry.path());
                } else if kind.is_symlink() && entry.path().is_dir() {
                    links.push_back(entry.path());
                }
            }
            // Other programs have a file of this name, too; an empty one is what a run that was cut off can
            // leave.
            let says_so =
                || Meta::read(&path).is_ok() || path.join(META).metadata().is_ok_and(|meta| meta.len() == 0);
            if is_run(&path) || says_so() {
                found.runs.push(path.clone());
            }
            Ok(())
        });
        match looked.map_err(FileError::of(&path)) {
            Err(error) if path == folder => return Err(error),
            Err(error) => found.unread.push(error),
            Ok(()) => {}
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_program_makes_no_run() {
        let folder = tempfile::tempdir().unwrap();
        for (name, meta) in [("other", "{\"version\": 1}"), ("cut", "")] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(&path).unwrap();
            std::fs::write(path.join(META), meta).unwrap();
        }
        assert_eq!(find_runs(folder.path()).unwrap().runs, [folder.path().join("cut")]);
    }

    /// The runs found from `start` in a folder with these files, without the folder's own path.
    fn found(files: &[&str], links: &[(&str, &str)], start: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        for (link, target) in links {
            #[cfg(unix)]
            std::os::unix::fs::symlink(folder.path().join(target), folder.path().join(link)).unwrap();
        }
        let found = find_runs(&folder.path().join(start)).unwrap();
        assert!(found.unread.is_empty(), "{:?}", found.unread);
        let name = |path: &PathBuf| path.strip_prefix(folder.path()).unwrap().to_str().unwrap().to_owned();
        let mut names: Vec<String> = found.runs.iter().map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn runs_lie_at_any_depth_and_what_is_none_is_passed_over() {
        let files = [
            "runs/a/001/meta.json",
            "runs/a/002/checkpoints/last.safetensors",
            "runs/sweep/001/sweep.toml",
            "runs/sweep/001/001/config.toml",
            "runs/sweep/001/001/metrics.jsonl",
            // An experiment that a user wrote.
            "runs/notes/config.toml",
            // Another program's.
            "runs/version_0/checkpoints/epoch=3.ckpt",
            "runs/stray",
        ];
        assert_eq!(found(&files, &[], "runs"), ["runs/a/001", "runs/a/002", "runs/sweep/001/001"]);
        assert_eq!(found(&files, &[], "runs/a"), ["runs/a/001", "runs/a/002"]);
        assert_eq!(found(&files, &[], "runs/a/001"), ["runs/a/001"]);
        assert!(found(&files, &[], "runs/notes").is_empty());
    }

    #[test]
    #[cfg(unix)]
    fn links_are_followed_once() {
        let files = ["runs/a/001/meta.json", "elsewhere/b/001/meta.json"];
        let links = [
            ("runs/0", "runs"),
            ("runs/a/up", "runs"),
            ("runs/again", "runs/a"),
            ("runs/b", "elsewhere/b"),
            ("runs/broken", "nothing"),
        ];
        assert_eq!(found(&files, &links, "runs"), ["runs/a/001", "runs/b/001"]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("none");
        assert!(find_runs(&missing).unwrap_err().to_string().contains("none: "));
        std::fs::write(&missing, "").unwrap();
        assert!(find_runs(&missing).is_err());
    }
}
