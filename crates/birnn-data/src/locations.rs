//! Where published files are looked for on this machine.

use std::path::PathBuf;

use etcetera::BaseStrategy;

/// Where published files are looked for.
#[derive(Clone, Debug)]
pub struct Locations {
    /// Of published files, in this order. What is downloaded goes into the first.
    pub folders: Vec<PathBuf>,
    /// Never download.
    pub offline: bool,
}

impl Locations {
    /// `data_dir`, then `$BIRNN_DATA_DIR`, then the user's cache folder.
    pub fn new(data_dir: Option<PathBuf>, offline: bool) -> Locations {
        let variable =
            std::env::var_os("BIRNN_DATA_DIR").filter(|value| !value.is_empty()).map(PathBuf::from);
        let cache =
            etcetera::base_strategy::choose_native_strategy().ok().map(|dirs| dirs.cache_dir().join("birnn"));
        let folders = [data_dir, variable, cache].into_iter().flatten().collect();
        Locations { folders, offline }
    }
}
