//! Whether data is what a net is for, decided before it is asked.

use std::fmt;
use std::path::PathBuf;

use birnn_data::name::{first, shown};
use birnn_data::{Preprocessing, Splits};

use crate::manifest::Manifest;

/// Why a net cannot be judged by some data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsuited {
    /// The images are of another size, or of more or fewer classes.
    #[error(
        "is for {} x {} images of {} classes, these are {} x {} of {}; name a net for these, or other data",
        .net.0[0], .net.0[1], .net.1, .data.0[0], .data.0[1], .data.1
    )]
    Shape {
        /// Rows and columns of the net's images, and its classes.
        net: ([usize; 2], usize),
        /// The same of the data.
        data: ([usize; 2], usize),
    },
    /// The classes are the same in another order, and would be judged wrongly.
    #[error(
        "its classes are in the order {}, the data's in {}; `data.classes` says which is which",
        first(.net), first(.data)
    )]
    Order {
        /// The net's classes.
        net: Vec<String>,
        /// The data's.
        data: Vec<String>,
    },
}

/// What can be, but hardly is what was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataWarning {
    /// The classes have other names.
    Classes {
        /// The net's.
        net: Vec<String>,
        /// The data's.
        data: Vec<String>,
    },
    /// The images are shown to the net otherwise than those that it learnt from.
    Preprocessing {
        /// Those that it learnt from.
        net: Preprocessing,
        /// These.
        data: Preprocessing,
    },
    /// Files have other content than when the net was trained.
    Changed {
        /// Which.
        files: Vec<PathBuf>,
    },
}

impl fmt::Display for DataWarning {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            DataWarning::Classes { net, data } => write!(
                f,
                "its classes are {}, the data's {}: they are taken for each other in this order",
                first(net),
                first(data)
            ),
            DataWarning::Preprocessing { net, data } => write!(
                f,
                "learnt from images {net}; these are {data}: data.invert and data.transpose say how they are \
                 read"
            ),
            DataWarning::Changed { files } => {
                let names: Vec<String> = files.iter().map(|path| shown(path).to_string()).collect();
                let names = names.join(", ");
                write!(f, "its data is not what it was when the run was trained; other content: {names}")
            }
        }
    }
}

impl Manifest {
    /// Whether the net is for such images and classes, and what there is to say of it where it is.
    ///
    /// # Errors
    ///
    /// Where its answers would be none, or be judged wrongly.
    pub fn suits(&self, splits: &Splits) -> Result<Vec<DataWarning>, Unsuited> {
        let net = (self.shape, self.classes.len());
        let data = (splits.shape(), splits.classes.len());
        if net != data {
            return Err(Unsuited::Shape { net, data });
        }
        let mut warnings = Vec::new();
        if self.classes != splits.classes {
            let (net, data) = (self.classes.clone(), splits.classes.clone());
            if net.iter().all(|name| data.contains(name)) {
                return Err(Unsuited::Order { net, data });
            }
            warnings.push(DataWarning::Classes { net, data });
        }
        let data = splits.preprocessing;
        let differs = |net: &Preprocessing| (net.ground, net.transposed) != (data.ground, data.transposed);
        if let Some(net) = self.preprocessing.filter(differs) {
            warnings.push(DataWarning::Preprocessing { net, data });
        }
        Ok(warnings)
    }

    /// Which files of its run's own data, as it is now, have other content than when it was trained, if any
    /// have.
    pub fn changed(&self, splits: &Splits) -> Option<DataWarning> {
        let files = &splits.provenance.files;
        let changed = self.changed_files(&serde_json::json!({ "files": files }));
        let files: Vec<PathBuf> = changed.into_iter().map(|index| files[index].path.clone()).collect();
        (!files.is_empty()).then_some(DataWarning::Changed { files })
    }
}

#[cfg(test)]
mod tests {
    use birnn_data::{DataConfig, Dataset, Locations};

    use super::*;
    use crate::made_up;

    /// Drawn digits, and a net for them.
    fn digits() -> (Manifest, Splits) {
        let config = DataConfig { dataset: Dataset::Synthetic, limit: Some(10), ..DataConfig::default() };
        let plan = config.resolve().unwrap();
        let splits = birnn_data::load(&plan, &Locations::new(None, true), &mut |_| ()).unwrap();
        let (_, mut manifest) = made_up::net();
        (manifest.shape, manifest.classes) = (splits.shape(), splits.classes.clone());
        manifest.preprocessing = Some(splits.preprocessing);
        (manifest, splits)
    }

    /// What is said of a net for digits that was changed so.
    fn told(change: impl FnOnce(&mut Manifest)) -> Result<Vec<String>, String> {
        let (mut manifest, splits) = digits();
        change(&mut manifest);
        let found = manifest.suits(&splits);
        found.map(|all| all.iter().map(ToString::to_string).collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_would_be_judged_wrongly_is_refused() {
        assert_eq!(told(|_| ()), Ok(Vec::new()));
        let error = told(|net| net.shape = [8, 8]).unwrap_err();
        assert!(error.starts_with("is for 8 x 8 images of 10 classes, these are 28 x 28 of 10"), "{error}");
        assert!(told(|net| drop(net.classes.pop())).unwrap_err().contains("images of 9 classes"));
        let error = told(|net| net.classes.reverse()).unwrap_err();
        assert!(error.starts_with("its classes are in the order 9, 8"), "{error}");
    }

    #[test]
    fn what_is_hardly_meant_is_warned_of() {
        let warnings = told(|net| net.classes[3] = "three".to_owned()).unwrap();
        assert!(warnings.len() == 1 && warnings[0].contains("are taken for each other"), "{warnings:?}");
        let turned = |net: &mut Manifest| {
            let net = net.preprocessing.as_mut().unwrap();
            net.transposed = !net.transposed;
        };
        let warnings = told(turned).unwrap();
        assert!(warnings.len() == 1 && warnings[0].starts_with("learnt from images"), "{warnings:?}");
        assert_eq!(told(|net| net.preprocessing = None), Ok(Vec::new()), "nobody knows");
    }

    #[test]
    fn a_file_of_other_content_is_named() {
        let (mut manifest, mut splits) = digits();
        let file = |content: &str| serde_json::json!({ "content_sha256": content });
        manifest.data = serde_json::json!({ "files": [file("a"), file("b")] });
        for (name, content_sha256) in [("one", "a"), ("two", "c")] {
            let (path, content_sha256) = (PathBuf::from(name), content_sha256.to_owned());
            let file = birnn_data::VerifiedFile { path, name: name.to_owned(), content_sha256 };
            splits.provenance.files.push(file);
        }
        let found = manifest.changed(&splits);
        assert_eq!(found, Some(DataWarning::Changed { files: vec!["two".into()] }));
        manifest.data = serde_json::Value::Null;
        assert_eq!(manifest.changed(&splits), None);
    }
}
