//! Where data came from: which files were read, and what they held.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::content::Digests;
use crate::dataset::Dataset;
use crate::division::Division;
use crate::name;

/// Where data came from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Provenance {
    /// The data set's name in a config.
    pub dataset: String,
    /// The data set that was asked for and could not be had, where this one stands in for it.
    pub substitute_for: Option<String>,
    /// The files read.
    pub files: Vec<VerifiedFile>,
    /// Samples to learn from.
    pub train: usize,
    /// Samples kept back.
    pub validation: usize,
    /// Test samples.
    pub test: usize,
    /// How they were divided, where there is more to say of it than how many there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub division: Option<Division>,
    /// SHA-256, in hexadecimal, of the values and targets of all three, in this order; of series also of how
    /// long each is.
    pub sha256: String,
}

/// A file that was read and is what it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerifiedFile {
    /// Where it is; of a file that holds all of a data set, below its path the published file that it has in
    /// it. Left out of records: the same data is the same wherever it lies.
    #[serde(skip)]
    pub path: PathBuf,
    /// Its name.
    pub name: String,
    /// Of its decompressed content, in hexadecimal.
    pub content_sha256: String,
}

/// The account of where data came from that a file of a net or a run holds: a [`Provenance`] or, of weights
/// from elsewhere, what their import said. What another birnn wrote is understood as far as it goes.
#[derive(Clone, Copy, Debug)]
pub struct Recorded<'a>(pub &'a Value);

impl<'a> Recorded<'a> {
    /// The data set's name in a config.
    pub fn dataset(self) -> Option<&'a str> {
        self.0["dataset"].as_str()
    }

    /// The name of the first file, where the data is in files of the user's own.
    pub fn own_file(self) -> Option<&'a str> {
        let dataset: Dataset = Deserialize::deserialize(&self.0["dataset"]).ok()?;
        self.file_names().next().flatten().filter(|_| dataset.is_own())
    }

    /// For people: `mnist`, or `table flow.csv`.
    pub fn data(self) -> Option<String> {
        let dataset = self.dataset()?;
        Some(self.own_file().map_or_else(|| dataset.to_owned(), |file| format!("{dataset} {file}")))
    }

    /// The data set that was asked for and could not be had, where synthetic digits stand in for it.
    pub fn substitute_for(self) -> Option<&'a str> {
        self.0["substitute_for"].as_str()
    }

    /// How many training samples there were.
    pub fn train(self) -> Option<u64> {
        self.0["train"].as_u64()
    }

    /// How many of the training samples were kept back to judge by.
    pub fn validation(self) -> Option<u64> {
        self.0["validation"].as_u64()
    }

    /// Of how many groups there were samples to learn from, kept back, and for the test, where they were
    /// parted by these.
    pub fn groups(self) -> Option<[u64; 3]> {
        let counts = self.0["division"]["groups"].as_array()?;
        let [train, validation, test] =
            counts.iter().map(Value::as_u64).collect::<Option<Vec<_>>>()?.try_into().ok()?;
        Some([train, validation, test])
    }

    /// Whether the test was a share of the file that was learnt from.
    pub fn has_test_share(self) -> bool {
        self.0["division"]["test_share"].is_number()
    }

    /// Of the values and targets, as in [`Provenance::sha256`].
    pub fn sha256(self) -> Option<&'a str> {
        self.0["sha256"].as_str()
    }

    /// Whether the weights are from elsewhere, trained on nobody knows what.
    pub fn is_import(self) -> bool {
        self.0.get("imported_from").is_some()
    }

    /// The name of each file.
    pub fn file_names(self) -> impl Iterator<Item = Option<&'a str>> {
        self.files().map(|file| file["name"].as_str())
    }

    /// The indices of the files whose content is no longer what it was; `now` is the account of today.
    /// Weights from elsewhere know of none.
    pub fn changed_files(self, now: Recorded<'_>) -> Vec<usize> {
        let pairs = self.files().zip(now.files()).enumerate();
        let digest = |file: &'_ Value| file["content_sha256"].clone();
        pairs.filter(|(_, (before, now))| digest(before) != digest(now)).map(|(index, _)| index).collect()
    }

    /// Whether both are of the same files, and there are such.
    pub fn has_same_files(self, other: Recorded<'_>) -> bool {
        let [own, others] = [self, other].map(|recorded| recorded.files().count());
        own > 0 && own == others && self.changed_files(other).is_empty()
    }

    fn files(self) -> impl Iterator<Item = &'a Value> {
        self.0["files"].as_array().into_iter().flatten()
    }
}

impl VerifiedFile {
    pub(crate) fn new(path: &Path, digests: Digests) -> VerifiedFile {
        let name = name::text(path.file_name().unwrap_or_default());
        VerifiedFile { path: path.to_owned(), name, content_sha256: digests.content }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written is what is looked for again.
    #[test]
    fn a_record_says_what_its_provenance_did() {
        let file = |name: &str, digest: &str| VerifiedFile {
            path: PathBuf::new(),
            name: name.to_owned(),
            content_sha256: digest.to_owned(),
        };
        let provenance = Provenance {
            dataset: "synthetic".to_owned(),
            substitute_for: Some("mnist".to_owned()),
            files: vec![file("a", "1"), file("b", "2")],
            train: 1,
            validation: 2,
            test: 3,
            division: None,
            sha256: "3".to_owned(),
        };
        let value = serde_json::to_value(&provenance).unwrap();
        let recorded = Recorded(&value);
        assert_eq!((recorded.dataset(), recorded.substitute_for()), (Some("synthetic"), Some("mnist")));
        assert_eq!((recorded.train(), recorded.validation()), (Some(1), Some(2)));
        assert_eq!((recorded.sha256(), recorded.is_import()), (Some("3"), false));
        assert_eq!(recorded.file_names().collect::<Vec<_>>(), [Some("a"), Some("b")]);
        let files = vec![file("a", "1"), file("b", "4")];
        let now = serde_json::to_value(Provenance { files, ..provenance }).unwrap();
        assert_eq!(recorded.changed_files(Recorded(&now)), [1]);

        assert_eq!((recorded.own_file(), recorded.data().as_deref()), (None, Some("synthetic")));
        let own =
            serde_json::json!({ "dataset": "table", "files": [{ "name": "flow.csv" }, { "name": "b" }] });
        assert_eq!(Recorded(&own).data().as_deref(), Some("table flow.csv"));

        let import = serde_json::json!({ "imported_from": "x.pt" });
        let recorded = Recorded(&import);
        assert!(recorded.is_import() && recorded.dataset().is_none());
        assert!(recorded.changed_files(Recorded(&now)).is_empty());
        assert!(!Recorded(&Value::Null).is_import());
    }
}
