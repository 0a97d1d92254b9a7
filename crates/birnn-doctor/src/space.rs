//! Room on disks and in memory.

use std::path::{Path, PathBuf};

use birnn_data::{Locations, name as names};
use rustix::fs::{Access, access, statvfs};

use crate::bytes::{self, MIB};
use crate::item::Item;

/// A run of the default net leaves some 20 MiB, a data set takes some 60 unpacked.
const LEAST: u64 = 100 * MIB;
const LITTLE: u64 = 1024 * MIB;

/// Where runs and downloads go, and memory.
pub(crate) fn items(data_dir: Option<PathBuf>, runs: &Path) -> Vec<Item> {
    let here = std::env::current_dir().unwrap_or_default();
    let mut items = vec![disk("runs", &here.join(runs), "name a directory elsewhere with --run-dir")];
    if let Some(downloads) = Locations::new(data_dir, true).folders.first() {
        items.push(disk(
            "downloads",
            downloads,
            "name a folder elsewhere with --data-dir or $BIRNN_DATA_DIR",
        ));
    }
    items.extend(memory(
        &std::fs::read_to_string("/proc/meminfo").unwrap_or_default(),
        limit("/sys/fs/cgroup/memory.max").zip(limit("/sys/fs/cgroup/memory.current")),
        &std::fs::read_to_string("/sys/fs/cgroup/memory.stat").unwrap_or_default(),
    ));
    items
}

fn disk(name: &'static str, folder: &Path, elsewhere: &str) -> Item {
    // What is not there yet is made in the nearest folder above it.
    let above = folder.ancestors().find(|path| path.symlink_metadata().is_ok()).unwrap_or(Path::new("."));
    let shown = names::text(folder);
    let free = match statvfs(above) {
        Ok(found) => found.f_bavail.saturating_mul(found.f_frsize),
        Err(error) => return Item::problem(name, format!("{shown}: {error}"), elsewhere),
    };
    let text = format!("{shown}, {} free", bytes::text(free));
    if !above.is_dir() {
        return Item::problem(name, format!("{}: is no folder", names::text(above)), elsewhere);
    }
    match access(above, Access::WRITE_OK | Access::EXEC_OK) {
        Err(error) => Item::problem(name, format!("{text}, not to be written to: {error}"), elsewhere),
        Ok(()) if free < LEAST => Item::problem(name, text, format!("make room, or {elsewhere}")),
        Ok(()) if free < LITTLE => Item::note(name, text, format!("make room, or {elsewhere}")),
        Ok(()) => Item::ok(name, text),
    }
}

/// A number in a file of a container's limits; `max` is none.
fn limit(path: &str) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// From /proc/meminfo, and a container's limit and use, and what its use is made up of. `None` where the
/// system does not tell.
fn memory(text: &str, container: Option<(u64, u64)>, stat: &str) -> Option<Item> {
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.split_whitespace().next() == Some(name))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    let (total, available) = (1024 * field(text, "MemTotal:")?, 1024 * field(text, "MemAvailable:")?);
    // What files take that were read is given up for whoever wants it.
    let cached = field(stat, "inactive_file").unwrap_or(0);
    let container = container.map(|(most, used)| (most, used.saturating_sub(cached)));
    let (most, used) = container.unwrap_or((total, total.saturating_sub(available)));
    let left = available.min(most.saturating_sub(used));
    let text = format!("{} of {} available", bytes::text(left), bytes::text(total.min(most)));
    Some(match left < LITTLE {
        true => Item::note("memory", text, "training the default net takes half a GiB; end other programs"),
        false => Item::ok("memory", text),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::State;

    #[test]
    fn memory_is_the_machines_or_less() {
        let text = "MemTotal:       4194304 kB\nMemFree: 1 kB\nMemAvailable:   3145728 kB\n";
        assert_eq!(memory(text, None, "").unwrap(), Item::ok("memory", "3.0 GiB of 4.0 GiB available"));
        let container = Some((2048 * MIB, 1536 * MIB));
        let found = memory(text, container, "").unwrap();
        assert_eq!((found.state, found.finding.as_str()), (State::Note, "512 MiB of 2.0 GiB available"));
        let found = memory(text, container, "active_file 9\ninactive_file 1073741824\n").unwrap();
        assert_eq!((found.state, found.finding.as_str()), (State::Ok, "1.5 GiB of 2.0 GiB available"));
        assert_eq!(memory("", None, ""), None);
    }

    #[test]
    fn a_folder_that_is_not_there_yet_is_judged_by_the_one_above() {
        let folder = tempfile::tempdir().unwrap();
        let found = disk("runs", &folder.path().join("a/b"), "x");
        assert_ne!(found.finding, "");
        assert!(found.finding.contains("a/b, ") && found.finding.ends_with(" free"), "{found:?}");
        std::fs::write(folder.path().join("file"), "").unwrap();
        let found = disk("runs", &folder.path().join("file/b"), "x");
        assert_eq!(found.state, State::Problem, "{found:?}");
    }
}
