//! How all ranks come to know of each other, by way of the store.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::failure::FAILED;
use super::{GLANCE, Member, at_once, key};
use crate::launch::Launch;
use crate::shim::Store;

/// How many rounds have begun in a store that outlives them: the launcher's, which serves one command after
/// the other, and processes that it starts again.
const ROUNDS: &str = "birnn/rounds";
/// Set by rank 0 once all are there. One that was killed before does so no more, and its round is left to the
/// next.
const COMPLETE: &str = "complete";
/// How often a rank looks for a round.
const LOOK: Duration = Duration::from_millis(20);

/// What came of it.
pub(super) enum Met {
    /// All are there; this is what each says of itself.
    All(Vec<String>),
    /// One has failed, and says this.
    Word(String),
    /// These did not come.
    Missing(Vec<usize>),
    /// Another process has this rank.
    Taken,
}

/// Tells the others `text`, and waits until `end` for what they tell. The number is that of the round in
/// which they meet, under which all else is said.
///
/// Where the launcher has the store, what was said in earlier rounds is in it still. Rank 0 begins a round,
/// and each other rank goes to the newest in which nobody has had its place. That no counter of the
/// launcher's says: each of torchrun's agents counts the restarts of its own processes alone.
pub(super) fn meet(store: &Store, launch: &Launch, text: &str, end: Instant) -> Result<(i64, Met), String> {
    let &Launch { rank, size, serves_store, .. } = launch;
    let finds_round = serves_store && rank > 0;
    let mut round = if serves_store { store.add(ROUNDS, i64::from(rank == 0))? } else { 1 };
    let mut place = take_place(store, rank, round, text, serves_store)?;
    let mut texts = Vec::with_capacity(size);
    loop {
        if finds_round {
            let newest = store.add(ROUNDS, 0)?;
            if newest > round {
                round = newest;
                texts.clear();
                place = take_place(store, rank, round, text, serves_store)?;
            }
        }
        let is_told = match place {
            Place::Own if texts.len() < size => {
                let told = store.get(&member(round, texts.len()), GLANCE)?;
                told.map(|text| texts.push(text)).is_some()
            }
            Place::Own if rank == 0 && serves_store => {
                store.set(&key(round, COMPLETE), "")?;
                return Ok((round, Met::All(texts)));
            }
            Place::Own if !serves_store || store.get(&key(round, COMPLETE), GLANCE)?.is_some() => {
                return Ok((round, Met::All(texts)));
            }
            Place::Own => false,
            Place::OfAnother if finds_round => {
                thread::sleep(LOOK);
                false
            }
            Place::OfAnother => return Ok((round, Met::Taken)),
        };
        if is_told {
            continue;
        }
        let at_once = at_once(store, round)?;
        // In a round of before it is said to others.
        if !finds_round && let Some(word) = store.get(&key(round, FAILED), at_once)? {
            return Ok((round, Met::Word(word)));
        }
        if Instant::now() > end {
            let is_missing = |rank: &usize| matches!(store.get(&member(round, *rank), at_once), Ok(None));
            let missing: Vec<usize> = match place {
                Place::Own if texts.len() < size => (texts.len()..size).filter(is_missing).collect(),
                // It has not begun another round.
                _ => vec![0],
            };
            return Ok((round, Met::Missing(missing)));
        }
    }
}

/// Whose the place of a rank in a round is.
enum Place {
    Own,
    OfAnother,
}

/// Takes the place of a rank in a round, as far as it is free, or its owner was started anew.
fn take_place(
    store: &Store,
    rank: usize,
    round: i64,
    text: &str,
    serves_store: bool,
) -> Result<Place, String> {
    if round == 0 {
        return Ok(Place::OfAnother);
    }
    let own = member(round, rank);
    store.set_first(&own, text)?;
    match store.get(&own, GLANCE)? {
        Some(other) if other == text => Ok(Place::Own),
        Some(other) if !serves_store && is_gone(&other, text) => {
            store.set(&own, text)?;
            Ok(Place::Own)
        }
        Some(_) => Ok(Place::OfAnother),
        None => Ok(Place::Own),
    }
}

/// Under which a rank says what it is.
fn member(round: i64, rank: usize) -> String {
    key(round, &format!("member/{rank}"))
}

/// Whether a process that called itself this has ended, as far as one on the same host can tell: it was
/// started anew. One that had this one's number has, too, as in a container.
fn is_gone(other: &str, own: &str) -> bool {
    let read = |text| serde_json::from_str::<Member>(text).ok();
    match (read(other), read(own)) {
        (Some(other), Some(own)) if other.host == own.host && cfg!(target_os = "linux") => {
            other.process == own.process || !Path::new("/proc").join(other.process.to_string()).exists()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, TcpListener};
    use std::sync::mpsc;

    use super::*;
    use crate::launch::Launcher;
    use crate::shim::HAS_GLOO;

    const PATIENCE: Duration = Duration::from_secs(30);

    #[test]
    fn a_process_that_was_started_anew_takes_its_place() {
        let member = |host: &str, process: u32| {
            let address = IpAddr::from([127, 0, 0, 1]);
            serde_json::to_string(&Member { host: host.to_owned(), process, address, began: 0 }).unwrap()
        };
        let own = member("a", std::process::id());
        assert!(is_gone(&member("a", u32::MAX), &own), "there is no such process");
        assert!(is_gone(&own, &own), "as in a container, where each is the first");
        assert!(!is_gone(&member("a", 1), &own), "the first of the host is always there");
        assert!(!is_gone(&member("b", u32::MAX), &own), "nothing is known of another host");
        assert!(!is_gone("another program", &own));
    }

    /// A launcher's store, which is asked by so many ranks.
    struct Launched {
        port: u16,
        _served: Store,
    }

    impl Launched {
        fn new() -> Option<Launched> {
            if !HAS_GLOO {
                return None;
            }
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            Some(Launched { port, _served: Store::open("127.0.0.1", port, true, PATIENCE).unwrap() })
        }

        /// A rank of three that says `text`; what it meets comes by the channel.
        fn rank(&self, rank: usize, text: String, patience: Duration) -> mpsc::Receiver<(i64, Vec<String>)> {
            let launch = Launch {
                launcher: Launcher::Torchrun,
                rank,
                size: 3,
                local_rank: 0,
                local_size: None,
                host: "127.0.0.1".to_owned(),
                port: self.port,
                serves_store: true,
            };
            let (tell, told) = mpsc::channel();
            thread::spawn(move || {
                let store = Store::open(&launch.host, launch.port, false, PATIENCE).unwrap();
                if let (round, Met::All(texts)) =
                    meet(&store, &launch, &text, Instant::now() + patience).unwrap()
                {
                    tell.send((round, texts)).unwrap();
                }
            });
            told
        }
    }

    /// Some had come before the others were killed, and they were all started again: whatever their launcher
    /// counts, they meet.
    #[test]
    fn ranks_that_are_started_again_meet() {
        let Some(launched) = Launched::new() else { return };
        let soon = Duration::from_millis(700);
        for killed in [&[0][..], &[1], &[0, 2], &[1, 2]] {
            // They wait for the last in vain, and are gone.
            let before =
                killed.iter().map(|&rank| launched.rank(rank, format!("{rank} before {killed:?}"), soon));
            let before: Vec<_> = before.collect();
            assert!(before.into_iter().all(|told| told.recv().is_err()), "{killed:?}");
            // And once more, as a second command does.
            for again in ["again", "next"] {
                let text = |rank: usize| format!("{rank} {again} {killed:?}");
                let told = [2, 1, 0].map(|rank| launched.rank(rank, text(rank), PATIENCE));
                let met = told.map(|told| told.recv().unwrap());
                assert!(met.iter().all(|other| *other == met[0]), "{met:?}");
                assert_eq!(met[0].1, [0, 1, 2].map(text));
            }
        }
    }
}
