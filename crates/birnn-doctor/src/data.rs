//! The data sets: found and verified, damaged, or absent.

use std::path::{Path, PathBuf};

use birnn_data::name::shown;
use birnn_data::{DataConfig, DataError, Dataset, Locations, name as names};

use crate::item::Item;

/// Where data is looked for, and each data set.
pub(crate) fn items(data_dir: Option<PathBuf>) -> Vec<Item> {
    let variable = std::env::var_os("BIRNN_DATA_DIR").filter(|value| !value.is_empty()).map(PathBuf::from);
    let locations = Locations::new(data_dir.clone(), true);
    let mut items = vec![folders(&locations.folders, data_dir.as_deref(), variable.as_deref())];
    items.extend(Dataset::PUBLISHED.into_iter().filter_map(|dataset| set(dataset, &locations)));
    items
}

fn folders(all: &[PathBuf], data_dir: Option<&Path>, variable: Option<&Path>) -> Item {
    const NAME: &str = "data folders";
    let shown = all.iter().map(|folder| {
        let is_there = if folder.is_dir() { "" } else { " (not there)" };
        format!("{}{is_there}", names::text(folder))
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    let missing = |folder: Option<&Path>| folder.filter(|folder| !folder.is_dir()).is_some();
    if all.is_empty() {
        return Item::problem(
            NAME,
            "none, not even a cache folder",
            "name one with --data-dir or $BIRNN_DATA_DIR",
        );
    }
    if missing(data_dir) {
        return Item::problem(NAME, shown, "--data-dir names no folder: correct it, or make the folder");
    }
    if missing(variable) {
        return Item::problem(
            NAME,
            shown,
            "$BIRNN_DATA_DIR names no folder: correct or unset it, or make the folder",
        );
    }
    Item::ok(NAME, format!("{shown}; downloads go into the first"))
}

/// The state of a published data set; `None` where it is absent and birnn cannot fetch it.
fn set(dataset: Dataset, locations: &Locations) -> Option<Item> {
    let published = dataset.published()?;
    let name = published.name;
    let fetch = match dataset {
        Dataset::Mnist => "`birnn data fetch`".to_owned(),
        _ if published.is_series() => format!("`birnn data fetch configs/series/{name}.toml`"),
        _ => format!("`birnn data fetch configs/bilstm.toml --set data.dataset={name}`"),
    };
    // All files are verified, whatever is used of them.
    let config = DataConfig { dataset, limit: Some(1), ..DataConfig::default() };
    let plan = match config.resolve_for(published.wanted()) {
        Ok(plan) => plan,
        Err(error) => {
            return Some(Item::problem(
                name,
                error.to_string(),
                "report it: no setting of yours is the cause",
            ));
        }
    };
    Some(match birnn_data::load(&plan, locations, &mut |_| ()) {
        Ok(splits) => {
            let folder = splits.provenance.files.first().and_then(|file| file.path.parent());
            let folder = folder.map_or_else(String::new, |folder| format!(" in {}", shown(&folder)));
            let verified = if published.is_verified() { " and verified" } else { "" };
            Item::ok(name, format!("found{verified}{folder}"))
        }
        Err(DataError::Unobtainable(_)) if !published.is_downloaded() => return None,
        Err(DataError::Unobtainable(missing)) => Item::note(
            name,
            format!(
                "not on this machine: no {}[.gz]{}",
                missing.file,
                others(&published.packages(), published.mirrors.is_empty())
            ),
            format!("{fetch}, or training fetches it when it is first wanted"),
        ),
        Err(error) => Item::problem(
            name,
            error.to_string(),
            match published.is_downloaded() {
                true => format!("put back a good copy, or delete it and run {fetch}"),
                false => "unpack its archive anew".to_owned(),
            },
        ),
    })
}

/// The packages that a data set comes in, alone or for when no mirror answers, and which of them cannot be
/// fetched here.
fn others(packages: &[(String, Option<String>)], alone: bool) -> String {
    let each = packages.iter().map(|(package, problem)| match problem {
        None => package.clone(),
        Some(problem) => format!("{package}, not here: {problem}"),
    });
    let when = if alone { "" } else { "where no mirror answers, " };
    match packages {
        [] => String::new(),
        _ => format!("; {when}it comes by {}", each.collect::<Vec<_>>().join(", or ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::State;

    #[test]
    fn packages_are_told_with_what_is_missing_for_them() {
        assert_eq!(others(&[], false), "");
        let packages = [("pip (a 1)".to_owned(), None), ("npm (b 2)".to_owned(), Some("no npm".to_owned()))];
        assert_eq!(
            others(&packages, false),
            "; where no mirror answers, it comes by pip (a 1), or npm (b 2), not here: no npm"
        );
    }

    #[test]
    fn a_folder_that_was_named_must_be_there() {
        let there = tempfile::tempdir().unwrap();
        let (there, gone) = (there.path(), there.path().join("gone"));
        let all = [there.to_owned(), gone.clone()];
        let state = |data_dir, variable| folders(&all, data_dir, variable).state;
        assert_eq!(state(None, None), State::Ok, "the cache is made when it is needed");
        assert_eq!(state(Some(there), Some(there)), State::Ok);
        assert_eq!(state(Some(&*gone), None), State::Problem);
        assert_eq!(state(Some(there), Some(&*gone)), State::Problem);
        assert_eq!(folders(&[], None, None).state, State::Problem);
    }
}
