//! Settings that are paths of the user's own files.

use std::path::{Component, Path, PathBuf};

use super::written::DataConfig;

/// The settings that are paths of the user's own files, by their dotted keys.
pub const PATH_SETTINGS: [&str; 9] = [
    "data.train_images",
    "data.train_labels",
    "data.test_images",
    "data.test_labels",
    "data.train",
    "data.test",
    "data.validation_file",
    "data.validation_labels",
    "data.vectors",
];

/// `path`, written relative to `folder`, as an absolute one.
pub fn anchored(path: &Path, folder: &Path) -> PathBuf {
    let joined = folder.join(path);
    let whole = std::path::absolute(&joined).unwrap_or(joined);
    if !path.components().any(|part| part == Component::ParentDir) {
        return whole;
    }
    // For people `a/../b` is b, but only as far as no link is in between.
    let real = whole.parent().and_then(|folder| folder.canonicalize().ok()).zip(whole.file_name());
    real.map_or_else(|| without_parents(&whole), |(folder, name)| folder.join(name))
}

/// Makes paths relative to `folder` where both lie in `project`, so that the whole of it can be moved; `None`
/// where the folder does not. `folder` and `project` are there.
pub fn relative_to(folder: &Path, project: &Path) -> Option<impl Fn(&Path) -> Option<PathBuf> + use<>> {
    // A link on the way to the folder would lead `..` elsewhere.
    let real_project = project.canonicalize().ok()?;
    let down = folder.canonicalize().ok()?.strip_prefix(&real_project).ok()?.to_owned();
    let up: PathBuf = down.components().map(|_| "..").collect();
    let project = project.to_owned();
    Some(move |path: &Path| {
        let within = path.strip_prefix(&project).or_else(|_| path.strip_prefix(&real_project));
        Some(up.join(within.ok()?))
    })
}

/// A path to what is not there, each `..` taken with the name before it.
fn without_parents(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

impl DataConfig {
    /// Makes paths absolute that were written relative to `folder`, so that the config means the same
    /// anywhere.
    pub fn anchor(&mut self, folder: &Path) {
        for path in self.paths_mut().into_iter().filter_map(|(_, path)| path.as_mut()) {
            *path = anchored(path, folder);
        }
    }

    /// Makes paths relative that `relative` can: see [`relative_to`].
    pub fn relate(&mut self, relative: &impl Fn(&Path) -> Option<PathBuf>) {
        for path in self.paths_mut().into_iter().filter_map(|(_, path)| path.as_mut()) {
            if let Some(relative) = relative(path) {
                *path = relative;
            }
        }
    }

    /// Takes each path from `other` whose file is there.
    pub fn take_paths(&mut self, other: &DataConfig) {
        for ((_, own), (_, other)) in self.paths_mut().into_iter().zip(other.paths()) {
            if let Some(path) = other.as_ref().filter(|path| path.exists()) {
                *own = Some(path.clone());
            }
        }
    }

    /// The settings that are paths of the user's own files, by their keys, in the order of [`PATH_SETTINGS`].
    pub fn paths(&self) -> [(&'static str, &Option<PathBuf>); 9] {
        [
            ("train_images", &self.train_images),
            ("train_labels", &self.train_labels),
            ("test_images", &self.test_images),
            ("test_labels", &self.test_labels),
            ("train", &self.train),
            ("test", &self.test),
            ("validation_file", &self.validation_file),
            ("validation_labels", &self.validation_labels),
            ("vectors", &self.vectors),
        ]
    }

    pub(crate) fn paths_mut(&mut self) -> [(&'static str, &mut Option<PathBuf>); 9] {
        [
            ("train_images", &mut self.train_images),
            ("train_labels", &mut self.train_labels),
            ("test_images", &mut self.test_images),
            ("test_labels", &mut self.test_labels),
            ("train", &mut self.train),
            ("test", &mut self.test),
            ("validation_file", &mut self.validation_file),
            ("validation_labels", &mut self.validation_labels),
            ("vectors", &mut self.vectors),
        ]
    }
}
