//! Pictures in folders, one folder for each class, as torchvision's `ImageFolder` has them.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::config::{DataPlan, OwnFiles};
use crate::content::{Digests, hexadecimal};
use crate::division::Groups;
use crate::error::DataError;
use crate::file_error::{FileError, FileProblem};
use crate::image::folder_problem::FolderProblem;
use crate::image::images::{Images, LabelledImages};
use crate::image::picture;
use crate::image::preprocessing::{Framing, Ground, Preprocessing};
use crate::image::raw::RawImages;
use crate::name;
use crate::own::{left_out, not_there};
use crate::provenance::VerifiedFile;
use crate::series::file::{Labels, NoClass};
use crate::split::MOST_CLASSES;

/// Brings all pictures into memory, each of `shape` rows and columns. Where all training pictures are of it,
/// they are taken as they are, and else prepared as a picture is that a net is asked about.
pub(crate) fn read(
    files: &OwnFiles,
    shape: [usize; 2],
    classes: Option<&[String]>,
    plan: &DataPlan,
) -> Result<RawImages, DataError> {
    let train = Listed::of(&files.train, classes).map_err(not_there("data.train"))?;
    if let [only] = train.classes.as_slice() {
        return Err(FileProblem::from(FolderProblem::OneClass(only.clone())).at(&files.train).into());
    }
    let listed = |path: &PathBuf| Listed::of(path, Some(&train.classes)).map_err(not_there("data.test"));
    let test = files.test.as_ref().map(listed).transpose()?;
    let (images, known) = train.images(shape, plan.framing)?;
    let mut verified = vec![train.verified(&files.train, &images.hash)];
    let mut others = vec![("train", &train.others)];
    let shown = known.unwrap_or_else(|| {
        let shown = Preprocessing::of(&images.images);
        Preprocessing { framing: plan.framing.unwrap_or(shown.framing), ..shown }
    });
    let test_images = match (&test, &files.test) {
        (Some(test), Some(path)) => {
            let images = test.prepared(shape, &shown, known.is_none())?;
            verified.push(test.verified(path, &images.hash));
            others.push(("test", &test.others));
            Some(LabelledImages { images: images.images, labels: test.labels.clone() })
        }
        _ => None,
    };
    let are = [
        "is no picture in the folder of a class by its name",
        "are no pictures in the folder of a class by their names",
    ];
    let warnings = others.into_iter().filter_map(|(key, others)| left_out(key, are, others)).collect();
    Ok(RawImages {
        dataset: "folder",
        substitute_for: None,
        train: LabelledImages { images: images.images, labels: train.labels },
        groups: Groups::default(),
        test: test_images,
        classes: train.classes,
        files: verified,
        // What it is asked about are pictures, too: turned and inverted as these are.
        known: Some(shown),
        warnings,
    })
}

/// The pictures of a folder, in the order of their names, whatever folder they are in.
struct Listed {
    pictures: Vec<PathBuf>,
    labels: Vec<u16>,
    classes: Vec<String>,
    /// Files, and links to folders, that are left out.
    others: Vec<PathBuf>,
}

/// Images with what tells whether they are the same.
struct Read {
    images: Images,
    hash: Sha256,
}

impl Listed {
    /// The pictures in the folders of `root`: those of its classes, which may be named.
    fn of(root: &Path, named: Option<&[String]>) -> Result<Listed, FileError> {
        let mut found: Vec<(PathBuf, String)> = Vec::new();
        let mut others = Vec::new();
        for path in entries(root)? {
            if !path.is_dir() {
                others.push(path);
                continue;
            }
            let class = name::text(path.file_name().unwrap_or_default());
            let before = (found.len(), others.len());
            within(&path, &class, &mut found, &mut others)?;
            if found.len() == before.0 {
                let other =
                    others.get(before.1).map(|other| name::text(other.file_name().unwrap_or_default()));
                return Err(FileProblem::from(FolderProblem::NoPictures { other }).at(&path));
            }
        }
        if found.is_empty() {
            return Err(FileProblem::from(FolderProblem::NoClasses).at(root));
        }
        found.sort_by_cached_key(|(path, class)| {
            let below = path.strip_prefix(root).map_or(path.as_path(), Path::new);
            let below: PathBuf = below.iter().skip(1).collect();
            (natural(&name::text(below)), natural(class))
        });
        let mut labels = Labels::new(named.map(<[String]>::to_vec));
        for (_, class) in &found {
            labels.push(class).map_err(|why| {
                let class = class.clone();
                let problem = match why {
                    NoClass::Unnamed => {
                        FolderProblem::Class { class, classes: name::first(labels.classes()) }
                    }
                    NoClass::TooMany => FolderProblem::Classes { class, most: MOST_CLASSES },
                };
                FileProblem::from(problem).at(root)
            })?;
        }
        let (labels, classes) = labels.finish();
        Ok(Listed { pictures: found.into_iter().map(|(path, _)| path).collect(), labels, classes, others })
    }

    /// The pictures as images to train on, and what these are like where not all of them are of `shape`.
    fn images(
        &self,
        shape: [usize; 2],
        framing: Option<Framing>,
    ) -> Result<(Read, Option<Preprocessing>), FileError> {
        let mut as_they_are = true;
        let whole = Preprocessing::new(Ground::Mixed, false, Framing::Resize);
        let images = self.each(shape, |bytes| {
            let stored = picture::stored(bytes, shape)?;
            as_they_are &= stored.is_some();
            // What ground things are on is seen in pictures of any size.
            stored.map_or_else(|| picture::parse(bytes, shape, &whole), Ok)
        })?;
        if as_they_are {
            return Ok((images, None));
        }
        let known = match framing.unwrap_or(Framing::Resize) {
            Framing::Resize => {
                let shown = Preprocessing::of(&images.images);
                Preprocessing { framing: Framing::Resize, ..shown }
            }
            framing => Preprocessing::new(Ground::Dark, false, framing),
        };
        Ok((self.prepared(shape, &known, false)?, Some(known)))
    }

    /// The pictures as images like those that `known` speaks of; where it is said, those of `shape` as they
    /// are.
    fn prepared(
        &self,
        shape: [usize; 2],
        known: &Preprocessing,
        as_they_are: bool,
    ) -> Result<Read, FileError> {
        self.each(shape, |bytes| {
            let stored = if as_they_are { picture::stored(bytes, shape)? } else { None };
            stored.map_or_else(|| picture::parse(bytes, shape, known), Ok)
        })
    }

    /// Makes an image of each of the pictures.
    fn each(
        &self,
        [rows, cols]: [usize; 2],
        mut image: impl FnMut(&[u8]) -> Result<Vec<u8>, String>,
    ) -> Result<Read, FileError> {
        let mut hash = Sha256::new();
        let mut pixels = Vec::new();
        for (path, label) in self.pictures.iter().zip(&self.labels) {
            let refused = |problem| FileProblem::from(FolderProblem::Picture(problem)).at(path);
            let bytes = picture::load(path).map_err(refused)?;
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(&bytes);
            let name = path.file_name().unwrap_or_default().as_encoded_bytes();
            hash.update((name.len() as u64).to_le_bytes());
            hash.update(name);
            // A byte, as there was no more once; of a class that takes two, both.
            match u8::try_from(*label) {
                Ok(label) => hash.update([label]),
                Err(_) => hash.update(label.to_le_bytes()),
            }
            pixels.extend(image(&bytes).map_err(refused)?);
        }
        Ok(Read { images: Images { rows, cols, pixels }, hash })
    }

    /// What is recorded of the folder: the digest is of names, classes and contents.
    fn verified(&self, folder: &Path, hash: &Sha256) -> VerifiedFile {
        let mut hash = hash.clone();
        self.classes.iter().for_each(|class| hash.update(class.as_bytes()));
        let content = hexadecimal(&hash.finalize());
        VerifiedFile::new(folder, Digests { file: content.clone(), content })
    }
}

/// Adds the pictures in a folder of a class, and in the folders in it.
fn within(
    folder: &Path,
    class: &str,
    found: &mut Vec<(PathBuf, String)>,
    others: &mut Vec<PathBuf>,
) -> Result<(), FileError> {
    for path in entries(folder)? {
        if path.is_dir() {
            // A link could lead back.
            match path.is_symlink() {
                true => others.push(path),
                false => within(&path, class, found, others)?,
            }
        } else if picture::is_picture(&path) {
            found.push((path, class.to_owned()));
        } else {
            others.push(path);
        }
    }
    Ok(())
}

/// What is in a folder, by name, but for what is hidden: such as `.git`, `.ipynb_checkpoints` or macOS'
/// `._1.png`.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let listed = || -> std::io::Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(folder)?;
        entries.map(|entry| entry.map(|entry| entry.path())).collect()
    };
    let mut paths = listed().map_err(FileError::io(folder))?;
    paths.retain(|path| !path.file_name().unwrap_or_default().as_encoded_bytes().starts_with(b"."));
    paths.sort();
    Ok(paths)
}

/// What names are sorted by as people count: `2.png` before `10.png`, and `02.png` before `2.png`.
fn natural(name: &str) -> impl Ord + use<> {
    let part = |part: &str| match part.starts_with(|c: char| c.is_ascii_digit()) {
        true => {
            let number = part.trim_start_matches('0');
            // Among other text where its first digit would be.
            ("0".to_owned(), number.len(), number.to_owned())
        }
        false => (part.to_owned(), 0, String::new()),
    };
    (parts(name).map(part).collect::<Vec<_>>(), name.to_owned())
}

/// Numbers and what is between them.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.as_bytes().chunk_by(|one, next| one.is_ascii_digit() == next.is_ascii_digit()).scan(
        0,
        move |begin, part| {
            let range = *begin..*begin + part.len();
            *begin = range.end;
            Some(&text[range])
        },
    )
}

#[cfg(test)]
mod tests;
