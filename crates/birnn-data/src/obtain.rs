//! Published data sets: what is on disk is taken, what is missing is downloaded, all of it is verified.

use std::path::Path;

use crate::config::{DataPlan, NpzOptions};
use crate::content::{self, Digests};
use crate::division::Groups;
use crate::error::{DataError, Unobtainable};
use crate::event::Event;
use crate::fetch::{FetchError, LIMITS, Limits, fetch};
use crate::file_error::{FileError, FileProblem};
use crate::find::{alike, find};
use crate::found::{Found, find_all};
use crate::image::idx;
use crate::image::images::{Images, LabelledImages};
use crate::image::raw::RawImages;
use crate::image::synthetic;
use crate::locations::Locations;
use crate::own::join;
use crate::package;
use crate::published::{Kind, Published, PublishedDigest, PublishedFile};
use crate::series::file::SeriesFile;
use crate::series::npz::{self, parse_npz};
use crate::series::own::whole;
use crate::series::ts::{self, parse_ts};
use crate::whole::Whole;

/// Brings all files into memory, images inverted and transposed as `plan` asks.
pub(crate) fn obtain(
    published: &Published,
    plan: &DataPlan,
    locations: &Locations,
    on_event: &mut dyn FnMut(Event),
) -> Result<Whole, DataError> {
    obtain_within(published, plan, locations, &LIMITS, &package::LIMITS, on_event)
}

pub(crate) fn obtain_within(
    published: &Published,
    plan: &DataPlan,
    locations: &Locations,
    mirrors: &Limits,
    packages: &package::Limits,
    on_event: &mut dyn FnMut(Event),
) -> Result<Whole, DataError> {
    let mut found = find_all(published, locations)?;
    let mut tried = Tried::default();
    if found.iter().any(Option::is_none) {
        tried = download(published, &found, locations, mirrors, packages, on_event)?;
        found = find_all(published, locations)?;
    }
    if let Some(missing) = found.iter().position(Option::is_none) {
        return Err(unobtainable(published, &published.files[missing], locations, tried));
    }
    let found: Vec<Found> = found.into_iter().flatten().collect();
    Ok(match &published.kind {
        Kind::Images { .. } => images(published, found)?.prepare(plan)?,
        Kind::Series { .. } | Kind::SeriesInOne { .. } => series(published, found, plan)?,
    })
}

/// The images of the four files.
fn images(published: &Published, found: Vec<Found>) -> Result<RawImages, DataError> {
    let Kind::Images { first_label, stored, .. } = published.kind else {
        unreachable!("a data set of images");
    };
    let classes = published.kind.class_names().unwrap_or_default();
    let mut verified = Vec::new();
    let mut found = found.into_iter().zip(published.files);
    let mut split = || -> Result<LabelledImages, DataError> {
        let (Some((images, of)), Some((labels, to))) = (found.next(), found.next()) else {
            unreachable!("four files");
        };
        let (images, images_path) = images.read(&mut verified, |path| of.images(path), idx::parse_images)?;
        let (labels, labels_path) = labels.read(&mut verified, |path| to.labels(path), idx::parse_labels)?;
        // Of files that are known by their digests, it is known.
        let side = synthetic::SIDE;
        if matches!(of.digest, PublishedDigest::None) && [images.rows, images.cols] != [side; 2] {
            let (found, expected) =
                (format!("{} x {}", images.rows, images.cols), format!("{side} x {side}"));
            return Err(FileProblem::Size { found, expected }.at(&images_path).into());
        }
        Ok(join(images, &images_path, labels, &labels_path, classes.len(), first_label)?)
    };
    let (train, test) = (split()?, split()?);
    Ok(RawImages {
        dataset: published.name,
        substitute_for: None,
        train,
        groups: Groups::default(),
        test: Some(test),
        classes,
        files: verified,
        known: Some(stored.preprocessing(false, false)),
        warnings: Vec::new(),
    })
}

/// The series of the files.
fn series(published: &Published, found: Vec<Found>, plan: &DataPlan) -> Result<Whole, DataError> {
    let options = NpzOptions { wanted: Some(plan.wanted), ..NpzOptions::default() };
    let mut verified = Vec::new();
    let mut read = |(found, file): (Found, &PublishedFile)| match published.kind {
        Kind::SeriesInOne { .. } => {
            let parse = |bytes: &[u8]| parse_npz(bytes, &options);
            found.read(&mut verified, |path| file.series(path, npz::read(path, &options)), parse)
        }
        _ => found.read(&mut verified, |path| file.series(path, ts::read(path)), parse_ts),
    };
    let mut files = found.into_iter().zip(published.files);
    let (Some(train), test) = (files.next(), files.next()) else { unreachable!("a file or two") };
    let (train, of) = read(train)?;
    let test = test.map(read).transpose()?;
    let test = test.as_ref().map(|(test, path)| (test.clone(), path.as_path()));
    Ok(whole(published.name, (train, &of), test, verified, plan)?)
}

/// Who was asked, and what they answered.
#[derive(Default)]
struct Tried {
    mirrors: Vec<(String, String)>,
    packages: Vec<(String, String)>,
}

/// Has the files that were not found sent to the first folder, by mirrors or out of packages, as far as that
/// can be.
fn download(
    published: &Published,
    found: &[Option<Found>],
    locations: &Locations,
    limits: &Limits,
    packages: &package::Limits,
    on_event: &mut dyn FnMut(Event),
) -> Result<Tried, DataError> {
    let mut tried = Tried::default();
    let Some(folder) = locations.folders.first().filter(|_| !locations.offline) else { return Ok(tried) };
    let folder = folder.join(published.name);
    let mut mirrors = published.mirrors.to_vec();
    if !mirrors.is_empty() {
        let patience = limits.patience(mirrors.len());
        on_event(Event::Missing { dataset: published.name, mirrors: mirrors.len(), patience });
    }
    let mut missing = Vec::new();
    for (index, file) in published.files.iter().enumerate().filter(|&(index, _)| found[index].is_none()) {
        let verify = |path: &Path| file.recognise(path, &content::digests(path)?);
        match fetch(&mut mirrors, &file.archive_name(), &folder, limits, &verify, on_event) {
            Ok(_) => (),
            Err(FetchError::File(error)) => return Err(error.into()),
            Err(FetchError::Answers(answers)) => {
                missing.push(index);
                tried.mirrors.extend(answers);
                // One file that is not to be had is enough to know, where nothing else would have it.
                if published.elsewhere.is_none() {
                    return Ok(tried);
                }
            }
        }
    }
    let Some(elsewhere) = published.elsewhere.as_ref().filter(|_| !missing.is_empty()) else {
        return Ok(tried);
    };
    let because = match mirrors.is_empty() {
        _ if published.mirrors.is_empty() => "it has no mirror",
        true => "no mirror answers",
        false => "no mirror has all of it",
    };
    match package::fetch(published, elsewhere, &missing, &folder, packages, because, on_event) {
        Ok(()) => Ok(tried),
        Err(FetchError::File(error)) => Err(error.into()),
        Err(FetchError::Answers(answers)) => Ok(Tried { packages: answers, ..tried }),
    }
}

/// Why `missing` cannot be had; or that another file was altered, which it must not hide.
fn unobtainable(
    published: &Published,
    missing: &PublishedFile,
    locations: &Locations,
    tried: Tried,
) -> DataError {
    for file in published.files {
        let Some(path) = find(published, file, locations) else { continue };
        let digests = content::digests(&path).map_err(|error| file.replaceable(error));
        if let Err(error) = digests.and_then(|digests| file.recognise(&path, &digests)) {
            return error.into();
        }
    }
    DataError::Unobtainable(Box::new(Unobtainable {
        dataset: published.name.to_owned(),
        file: missing.name.to_owned(),
        searched: locations.folders.clone(),
        within: published.all_folders(),
        alike: alike(published, locations),
        answers: tried.mirrors,
        packages: tried.packages,
        offline: locations.offline,
        published: published.is_downloaded(),
        is_series: published.is_series(),
    }))
}

impl PublishedFile {
    fn images(&self, path: &Path) -> Result<(Images, Digests), FileError> {
        let (images, digests) = idx::images(path).map_err(|error| self.replaceable(error))?;
        self.recognise(path, &digests)?;
        Ok((images, digests))
    }

    fn series(
        &self,
        path: &Path,
        read: Result<(SeriesFile, Digests), FileError>,
    ) -> Result<(SeriesFile, Digests), FileError> {
        let (series, digests) = read.map_err(|error| self.replaceable(error))?;
        self.recognise(path, &digests)?;
        Ok((series, digests))
    }

    fn labels(&self, path: &Path) -> Result<(Vec<u8>, Digests), FileError> {
        let (labels, digests) = idx::labels(path).map_err(|error| self.replaceable(error))?;
        self.recognise(path, &digests)?;
        Ok((labels, digests))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::config::{DataConfig, Fallback, Source};
    use crate::fetch::tests::{mirror, not_found, ok};
    use crate::image::idx::tests::gzip;
    use crate::load::load;
    use crate::load::tests::{at, files, load_quietly, write};
    use crate::published::PublishedDigest;

    /// The tiny data set as if it were published, served by `mirror`.
    pub(crate) fn published(mirrors: &'static [&'static str]) -> DataPlan {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &files());
        let digest = |index: usize| {
            let path = folder.path().join(files()[index].0);
            let digests = if index.is_multiple_of(2) {
                idx::images(&path).unwrap().1
            } else {
                idx::labels(&path).unwrap().1
            };
            PublishedDigest::Content(digests.content.leak())
        };
        let file = |index: usize| PublishedFile { name: files()[index].0, digest: digest(index) };
        let published = Published {
            name: "tiny",
            folders: &["Tiny"],
            mirrors,
            elsewhere: None,
            files: Vec::leak(vec![file(0), file(1), file(2), file(3)]),
            train: None,
            kind: Kind::Images { classes: &["0", "1"], first_label: 0, stored: synthetic::STORED },
        };
        let source = Source::Published(Box::leak(Box::new(published)));
        DataPlan { source, ..DataConfig::default().resolve().unwrap() }
    }

    #[test]
    fn an_altered_file_is_never_papered_over() {
        let folder = tempfile::tempdir().unwrap();
        let mut altered = files();
        altered[0].1[20] ^= 1;
        write(&folder.path().join("first/tiny"), &altered);
        write(&folder.path().join("second/tiny"), &files());
        let plan = DataPlan { fallback: Fallback::Synthetic, ..published(&[]) };
        let refused = || {
            let error = load_quietly(&plan, &at(folder.path(), true)).unwrap_err().to_string();
            assert!(error.contains("first/tiny/a: not the published file"), "{error}");
        };
        refused();
        // Nor because another file is missing.
        std::fs::remove_dir_all(folder.path().join("second")).unwrap();
        std::fs::remove_file(folder.path().join("first/tiny/d")).unwrap();
        refused();
    }

    #[test]
    fn what_is_missing_is_downloaded_once() {
        let folder = tempfile::tempdir().unwrap();
        // A mirror that has one of the files only: the rest is on disk.
        let plan = published(vec![mirror(not_found()), mirror(ok(&gzip(&files()[2].1)))].leak());
        write(
            &folder.path().join("second/tiny"),
            &[files()[0].clone(), files()[1].clone(), files()[3].clone()],
        );
        let mut events = Vec::new();
        load(&plan, &at(folder.path(), false), &mut |event| {
            events.push(format!("{event:?}"));
        })
        .unwrap();
        assert!(events[1].starts_with("Failed") && events[1].contains("404"), "{events:?}");
        assert!(events.last().unwrap().starts_with("Downloaded"), "{events:?}");
        assert!(folder.path().join("first/tiny/c.gz").is_file());
        load(&plan, &at(folder.path(), true), &mut |event| panic!("{event:?}")).unwrap();
    }

    #[test]
    fn what_cannot_be_had_is_an_error_with_all_that_was_tried() {
        let folder = tempfile::tempdir().unwrap();
        let plan = published(vec![mirror(not_found())].leak());
        let error = load_quietly(&plan, &at(folder.path(), false)).unwrap_err().to_string();
        for part in [
            "tiny can be neither",
            "first, ",
            "second, nor in tiny, tiny/raw, tiny/gzip, Tiny, Tiny/raw or Tiny/gzip there; ",
            "/a.gz: ",
            "404",
            "--data-dir",
            "fallback",
        ] {
            assert!(error.contains(part), "no `{part}` in: {error}");
        }
        assert!(!error.contains('\n') && !folder.path().join("first").exists());
        let error = load_quietly(&plan, &at(folder.path(), true)).unwrap_err().to_string();
        assert!(error.contains("offline, so no mirror"), "{error}");
    }
}
