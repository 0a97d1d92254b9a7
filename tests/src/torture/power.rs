//! Power cuts: at each operation of runs and of resumed runs, some of what a disk may then hold.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use birnn_engine::Checkpoint;
use birnn_run::disk::Operation;

use super::{KINDS, Limits, Victims, side_by_side};
use crate::Random;
use crate::volume::{self, Remains, Volume};

/// What was survived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PowerCuts {
    /// Operations of runs before which the power was cut.
    pub of_runs: usize,
    /// Of runs that were gone on with after a power cut.
    pub of_resumed: usize,
    /// Different things that were left on the disk.
    pub remains: usize,
}

/// Cuts the power of a run of each kind, goes on from what is left, and cuts the power of some of that again.
pub(super) fn power_cuts(victims: &Victims, limits: Limits) -> PowerCuts {
    let (mut seen, mut counts) = (HashSet::new(), PowerCuts::default());
    for (kind, name) in KINDS.iter().enumerate() {
        let journal = victims.journalled(name, kind, &Remains::new());
        counts.of_runs += 1 + journal.len() / limits.stride;
        let cuts = cuts(&Volume::default(), &journal, limits, limits.remains, &mut seen);
        counts.remains += cuts.len();
        // Of some, what is asked of the disk while they are gone on with: it can lose power once more.
        let every = cuts.len().div_ceil(limits.resumed).max(1);
        let resumed = Mutex::new(Vec::new());
        survive(victims, kind, &cuts, |index| index % every == every / 2, &resumed);
        for (remains, journal) in resumed.into_inner().unwrap() {
            counts.of_resumed += 1 + journal.len() / limits.stride;
            let again = self::cuts(&Volume::holding(&remains), &journal, limits, 2, &mut seen);
            counts.remains += again.len();
            survive(victims, kind, &again, |_| false, &Mutex::default());
        }
    }
    counts
}

/// A power cut, and what it leaves.
struct Cut {
    remains: Remains,
    what: String,
}

/// Power cuts before each so-many-th operation, `count` for each, without those that leave what was `seen`
/// before. None may lose a checkpoint that the run took for saved: after the rename that makes it the last
/// there is one flush, and whatever is asked of the disk after that is asked by a run that relies on it.
fn cuts(
    before: &Volume,
    journal: &[Operation],
    limits: Limits,
    count: usize,
    seen: &mut HashSet<u64>,
) -> Vec<Cut> {
    let mut volume = before.clone();
    let mut found = Vec::new();
    let mut saved = newest(&before.live());
    for at in 0..=journal.len() {
        if at >= 2 && makes_last(&journal[at - 2]) {
            saved = newest(&volume.live());
        }
        if at % limits.stride == 0 {
            for index in 0..count {
                // Where there are two alone, they are not the extremes.
                let kind = if count > 4 { index } else { index + 4 };
                let random = &mut Random::new(limits.seed + 3, at << 8 | index);
                let remains = within_run(volume.remains(kind, random));
                let what = format!("power cut {index} at operation {at}");
                assert!(newest(&remains) >= saved, "{what}: the newest checkpoint is lost");
                let mut hasher = DefaultHasher::new();
                remains.hash(&mut hasher);
                if seen.insert(hasher.finish()) {
                    found.push(Cut { remains, what });
                }
            }
        }
        if let Some(operation) = journal.get(at) {
            volume.apply(operation);
        }
    }
    found
}

/// Whether it gives a checkpoint its name.
fn makes_last(operation: &Operation) -> bool {
    matches!(operation, Operation::Rename { to, .. } if to.ends_with("checkpoints/last.safetensors"))
}

/// With the names in the run's folder; nothing where that is not there.
fn within_run(remains: Remains) -> Remains {
    let inner = |path: &Path| path.iter().skip(1).collect::<std::path::PathBuf>();
    remains
        .into_iter()
        .map(|(path, content)| (inner(&path), content))
        .filter(|(path, _)| !path.as_os_str().is_empty())
        .collect()
}

/// The step of the newest checkpoint among them; each that has a checkpoint's name must be one.
fn newest(remains: &Remains) -> Option<usize> {
    let is_checkpoint = |path: &Path| {
        ["last.safetensors", "previous.safetensors"]
            .iter()
            .any(|name| path.ends_with(Path::new("checkpoints").join(name)))
    };
    let found = remains.iter().filter(|(path, _)| is_checkpoint(path));
    let steps = found.map(|(path, content)| {
        let read = Checkpoint::parse(path, content.as_deref().unwrap_or_default());
        read.unwrap_or_else(|error| panic!("a damaged checkpoint: {error}")).step()
    });
    steps.max()
}

/// Goes on from each, on all cores. Of those that are `journalled`, with what was asked of the disk.
fn survive(
    victims: &Victims,
    kind: usize,
    cuts: &[Cut],
    journalled: impl Fn(usize) -> bool + Sync,
    resumed: &Mutex<Vec<(Remains, Vec<Operation>)>>,
) {
    let done = AtomicUsize::new(0);
    side_by_side(|index| {
        let Some(Cut { remains, what }) = cuts.get(index) else { return false };
        let (run, _) = victims.next();
        if journalled(index) {
            let journal = victims.journalled(&run, kind, remains);
            resumed.lock().unwrap().push((with_folder(&run, remains), journal));
        } else {
            victims.lay_out(&run, remains);
        }
        victims.finish(&run, kind, what);
        done.fetch_add(1, Ordering::Relaxed);
        true
    });
    assert_eq!(done.into_inner(), cuts.len());
}

/// As a journal has the names.
fn with_folder(run: &str, remains: &Remains) -> Remains {
    if remains.is_empty() {
        return Remains::new();
    }
    let inner = remains.iter().map(|(path, content)| (Path::new(run).join(path), content.clone()));
    std::iter::once((run.into(), None)).chain(inner).collect()
}

impl Victims {
    /// Puts `remains` where the run is; where there are none, there is no run.
    fn lay_out(&self, run: &str, remains: &Remains) {
        let folder = self.sandbox.path(run);
        if !remains.is_empty() {
            std::fs::create_dir(&folder).unwrap();
            volume::write(remains, &folder);
        }
    }

    /// Trains a run from `remains` to its end. What was asked of the disk meanwhile.
    fn journalled(&self, run: &str, kind: usize, remains: &Remains) -> Vec<Operation> {
        let journal = format!("{run}.journal");
        let _ = std::fs::remove_dir_all(self.sandbox.path(run));
        self.lay_out(run, remains);
        let (status, said) = self.run(run, KINDS[kind], Some(&format!("JOURNAL@{journal}")), None);
        assert_eq!(status.code(), Some(0), "{said}");
        let text = self.sandbox.text(&journal);
        std::fs::remove_file(self.sandbox.path(&journal)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
