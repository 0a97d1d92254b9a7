//! What a power cut may leave of a folder, worked out from the journal of what was asked of the disk.
//!
//! A disk promises that a file's content outlives a power cut once it was flushed, a name once its folder
//! was, and that a rename happens or does not. All else is in memory still: each write since may be on the
//! disk, or not, or some sectors of it, with zeros or what was there before in place of the others; each name
//! may be the old one or the new, whatever became of the content; and what came later may be there without
//! what came before. SQLite is tested so, too: <https://sqlite.org/testing.html>, "Crash Testing".
//!
//! One thing is taken for granted: writing behind what was flushed does no harm to it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use birnn_run::disk::Operation;

use crate::Random;

/// A folder, with what of it is flushed and what is not.
#[derive(Clone, Debug, Default)]
pub struct Volume {
    /// As they are flushed.
    names: BTreeMap<PathBuf, Node>,
    /// As a program sees them.
    live: BTreeMap<PathBuf, Node>,
    /// What is to be flushed of them, in order: the folder, and names in it.
    pending: Vec<(PathBuf, Names)>,
    files: Vec<File>,
    /// The index in `files` of each file of the journal.
    numbers: BTreeMap<usize, usize>,
}

/// Names that change together, each with what it then leads to.
type Names = Vec<(PathBuf, Option<Node>)>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Folder,
    File(usize),
}

#[derive(Clone, Debug, Default)]
struct File {
    flushed: Vec<u8>,
    live: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Truncate(usize),
}

/// What a power cut leaves: each name with its content, a folder with none.
pub type Remains = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// How much of what is not flushed is there nevertheless.
#[derive(Clone, Copy, Debug)]
enum Luck {
    None,
    All,
    Some,
}

const SECTOR: usize = 512;

impl Volume {
    /// One on which all of `remains` is flushed.
    pub fn holding(remains: &Remains) -> Volume {
        let mut volume = Volume::default();
        for (path, content) in remains {
            let node = match content {
                None => Node::Folder,
                Some(bytes) => {
                    volume.files.push(File {
                        flushed: bytes.clone(),
                        live: bytes.clone(),
                        pending: Vec::new(),
                    });
                    Node::File(volume.files.len() - 1)
                }
            };
            volume.names.insert(path.clone(), node);
        }
        volume.live.clone_from(&volume.names);
        volume
    }

    /// Does what the journal says.
    pub fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::CreateFolder(path) => self.name(path, vec![(path.clone(), Some(Node::Folder))]),
            Operation::Create { path, file } => {
                self.files.push(File::default());
                let index = self.files.len() - 1;
                self.numbers.insert(*file, index);
                self.name(path, vec![(path.clone(), Some(Node::File(index)))]);
            }
            Operation::Open { path, file } => {
                let Some(Node::File(index)) = self.live.get(path) else { panic!("{path:?} is no file") };
                self.numbers.insert(*file, *index);
            }
            Operation::Write { file, bytes } => {
                let file = self.file(*file);
                file.pending.push(Change::Write { at: file.live.len(), bytes: bytes.clone() });
                file.live.extend(bytes);
            }
            Operation::Truncate { file, length } => {
                let file = self.file(*file);
                file.pending.push(Change::Truncate(*length as usize));
                file.live.truncate(*length as usize);
            }
            Operation::Sync { file } => {
                let file = self.file(*file);
                file.flushed.clone_from(&file.live);
                file.pending.clear();
            }
            Operation::Rename { from, to } => {
                assert_eq!(from.parent(), to.parent(), "a rename between folders is two names at once");
                let node = self.live.get(from).copied().unwrap();
                self.name(from, vec![(from.clone(), None), (to.clone(), Some(node))]);
            }
            Operation::Remove(path) => self.name(path, vec![(path.clone(), None)]),
            Operation::SyncFolder(path) => {
                let path = if path == Path::new(".") { Path::new("") } else { path };
                let (flushed, pending) = std::mem::take(&mut self.pending)
                    .into_iter()
                    .partition::<Vec<_>, _>(|(folder, _)| folder == path);
                flushed.into_iter().for_each(|(_, names)| rename(&mut self.names, names));
                self.pending = pending;
            }
        }
    }

    fn file(&mut self, number: usize) -> &mut File {
        &mut self.files[self.numbers[&number]]
    }

    /// Changes names in the folder of `path`.
    fn name(&mut self, path: &Path, names: Names) {
        rename(&mut self.live, names.clone());
        self.pending.push((path.parent().unwrap_or(Path::new("")).to_owned(), names));
    }

    /// As a program sees it.
    pub fn live(&self) -> Remains {
        self.left(Luck::All, Luck::All, &mut Random::new(0, 0))
    }

    /// One of the things that a power cut may leave. The first four are the extremes: nothing that is not
    /// flushed is there; all is; all names are, and no contents; all contents are, and no names.
    pub fn remains(&self, index: usize, random: &mut Random) -> Remains {
        let (names, contents) = match index {
            0 => (Luck::None, Luck::None),
            1 => (Luck::All, Luck::All),
            2 => (Luck::All, Luck::None),
            3 => (Luck::None, Luck::All),
            _ => (Luck::Some, Luck::Some),
        };
        self.left(names, contents, random)
    }

    fn left(&self, names: Luck, contents: Luck, random: &mut Random) -> Remains {
        let mut pending: Vec<_> = self.pending.iter().map(|(_, names)| names.clone()).collect();
        match names {
            Luck::None => pending.clear(),
            Luck::All => (),
            Luck::Some => {
                pending.retain(|_| random.below(2) == 0);
                if random.below(2) == 0 {
                    // What came later is there first.
                    for last in (1..pending.len()).rev() {
                        pending.swap(last, random.below(last + 1));
                    }
                }
            }
        }
        let mut found = self.names.clone();
        pending.into_iter().for_each(|names| rename(&mut found, names));
        let there = |path: &Path| path == Path::new("") || found.contains_key(path);
        let within = |path: &Path| path.ancestors().skip(1).all(there);
        let found = found.iter().filter(|(path, _)| within(path));
        found
            .map(|(path, node)| {
                let content = match node {
                    Node::Folder => None,
                    Node::File(index) => Some(self.files[*index].left(contents, random)),
                };
                (path.clone(), content)
            })
            .collect()
    }
}

fn rename(names: &mut BTreeMap<PathBuf, Node>, changes: Names) {
    for (path, node) in changes {
        match node {
            Some(node) => names.insert(path, node),
            None => names.remove(&path),
        };
    }
}

impl File {
    fn left(&self, luck: Luck, random: &mut Random) -> Vec<u8> {
        match luck {
            Luck::None => return self.flushed.clone(),
            Luck::All => return self.live.clone(),
            Luck::Some => (),
        }
        let mut left = self.flushed.clone();
        for change in &self.pending {
            match (random.below(4), change) {
                (0, _) => (),
                (1, Change::Write { at, bytes }) => put(&mut left, *at, bytes),
                // Its length alone.
                (2, Change::Write { at, bytes }) => left.resize(left.len().max(at + bytes.len()), 0),
                (_, Change::Write { at, bytes }) => {
                    let mut start = 0;
                    while start < bytes.len() {
                        // Sectors are counted from the start of the file.
                        let end = bytes.len().min(start + SECTOR - (at + start) % SECTOR);
                        if random.below(2) == 0 {
                            put(&mut left, at + start, &bytes[start..end]);
                        }
                        start = end;
                    }
                }
                (_, Change::Truncate(length)) => left.truncate(*length),
            }
        }
        left
    }
}

/// Writes over what is there, and beyond; what lies between is zeros.
fn put(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    content.resize(content.len().max(end), 0);
    content[at..end].copy_from_slice(bytes);
}

/// Puts `remains` into a folder.
pub fn write(remains: &Remains, folder: &Path) {
    for (path, content) in remains {
        let path = folder.join(path);
        match content {
            // In order, a folder comes before what is in it.
            None => std::fs::create_dir(path).unwrap(),
            Some(bytes) => std::fs::write(path, bytes).unwrap(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// All that may be left after `operations`, as far as some hundred tries find it.
    fn left(operations: &[Operation]) -> BTreeSet<Remains> {
        let mut volume = Volume::default();
        operations.iter().for_each(|operation| volume.apply(operation));
        (0..400).map(|index| volume.remains(index, &mut Random::new(1, index))).collect()
    }

    fn file(name: &str, content: &str) -> (PathBuf, Option<Vec<u8>>) {
        (name.into(), Some(content.into()))
    }

    /// A file that is written, but for one flush, and renamed.
    fn replaced(file_is_flushed: bool, folder_is_flushed: bool) -> Vec<Operation> {
        let (old, new) = (PathBuf::from("old"), PathBuf::from("new"));
        let mut operations = vec![
            Operation::Create { path: new.clone(), file: 0 },
            Operation::Write { file: 0, bytes: b"before".into() },
            Operation::Sync { file: 0 },
            Operation::SyncFolder(".".into()),
            Operation::Create { path: old.clone(), file: 1 },
            Operation::Write { file: 1, bytes: b"after".into() },
        ];
        operations.extend(file_is_flushed.then_some(Operation::Sync { file: 1 }));
        operations.push(Operation::Rename { from: old, to: new });
        operations.extend(folder_is_flushed.then_some(Operation::SyncFolder("".into())));
        operations
    }

    #[test]
    fn what_is_flushed_stays() {
        assert_eq!(left(&replaced(true, true)), [Remains::from([file("new", "after")])].into());
    }

    #[test]
    fn names_without_a_flush_are_old_or_new() {
        let both = Remains::from([file("new", "before"), file("old", "after")]);
        let [before, after] = ["before", "after"].map(|content| Remains::from([file("new", content)]));
        // The renaming may be on the disk before the creation is.
        let neither = Remains::from([file("new", "after"), file("old", "after")]);
        assert_eq!(left(&replaced(true, false)), [before, after, both, neither].into());
    }

    #[test]
    fn a_rename_without_a_flush_of_the_file_leaves_it_empty_or_torn() {
        let found = left(&replaced(false, true));
        for content in ["", "after", "\0\0\0\0\0"] {
            assert!(found.contains(&Remains::from([file("new", content)])), "{content:?} in {found:?}");
        }
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn sectors_are_lost_one_by_one_and_what_was_flushed_is_not() {
        let bytes = |byte, count| vec![byte; count];
        let found = left(&[
            Operation::Create { path: "a".into(), file: 0 },
            Operation::Write { file: 0, bytes: bytes(1, 100) },
            Operation::Sync { file: 0 },
            Operation::SyncFolder("".into()),
            Operation::Write { file: 0, bytes: bytes(2, 1000) },
        ]);
        let contents: Vec<_> = found.iter().map(|remains| remains[Path::new("a")].clone().unwrap()).collect();
        assert!(contents.iter().all(|content| content[..100] == bytes(1, 100)[..]));
        // The second of three sectors alone.
        let torn = [bytes(1, 100), bytes(0, 412), bytes(2, 512)].concat();
        assert!(contents.contains(&torn), "none of {} is torn so", contents.len());
    }

    #[test]
    fn what_lies_in_a_lost_folder_is_lost() {
        let found = left(&[
            Operation::CreateFolder("a".into()),
            Operation::Create { path: "a/b".into(), file: 0 },
            Operation::SyncFolder("a".into()),
        ]);
        let folder = ("a".into(), None);
        let whole = Remains::from([folder, file("a/b", "")]);
        assert_eq!(found, [Remains::new(), whole].into());
    }
}
