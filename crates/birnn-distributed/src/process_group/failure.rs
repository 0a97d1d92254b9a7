//! How a failure on one rank ends all of them soon, each with the reason.
//!
//! Whoever fails leaves a word in the store before it ends; its connections break with it, and who finds one
//! broken looks for that word. Where there is none, all who are left call the roll: who does not answer was
//! killed, stalls, or is cut off.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{LAST_WORDS, ProcessGroup, at_once};
use crate::error::RankError;
use crate::launch::Launch;
use crate::shim::Store;

/// The key under which the first rank that fails says why.
pub(super) const FAILED: &str = "failed";
/// How many ranks have heard of a failure, or given up on the others.
pub(super) const HEARD: &str = "heard";
/// What a rank answers a roll call with that has waited for as long as it may; others say that they are here.
const WAITED: &str = "waited";
/// How long it may take at most to find out who is at fault, where ranks wait in an exchange: half of the
/// timeout, if that is less. Ranks that compute are given twice what this one took from exchange to exchange
/// in addition.
const INQUIRY: Duration = Duration::from_secs(10);
const GONE: &str = "is gone: it was killed, or its host or the network to it is down";
const STALLED: &str = "does not answer: it stalls, or the network to it is cut";
pub(super) const CUT: &str = "does not answer: it is gone, or the network to it is cut";

/// The word of a rank that fails, or of one that misses others.
#[derive(Serialize, Deserialize)]
struct Word {
    /// The one that fails; empty where the reason says it.
    who: String,
    why: String,
    code: u8,
    /// How many are gone, and will not hear of it.
    gone: usize,
}

impl ProcessGroup {
    /// Tells the others that this rank fails, and why; `code` is the exit code that it ends with. They end,
    /// too.
    pub fn announce(&self, code: u8, why: &str) {
        if self.failed.replace(true) {
            return;
        }
        self.leave_word(self.who(self.launch.rank), why.to_owned(), code, 0);
        // It counts with those that have heard of it, as another may have been first.
        self.has_heard();
        self.hang_up(LAST_WORDS);
        self.linger(HEARD, self.launch.size, LAST_WORDS);
    }

    /// Ends the connections, so that whoever waits for this rank notices; in a thread of its own, as that may
    /// wait for others in turn.
    fn hang_up(&self, limit: Duration) {
        if let Some(group) = self.group.take() {
            let (tell, done) = mpsc::channel();
            std::thread::spawn(move || {
                drop(group);
                tell.send(())
            });
            let _ = done.recv_timeout(limit);
        }
    }

    /// Of the timeout, what is for finding out who is at fault.
    pub(super) fn inquiry(&self) -> Duration {
        INQUIRY.min(self.timeout / 2)
    }

    /// Why an exchange failed, of which libtorch says this. It is found out within the timeout: whoever
    /// waited in the exchange has spent all of it but [`ProcessGroup::inquiry`].
    pub(super) fn diagnosis(&self, said: String) -> RankError {
        tracing::debug!("libtorch: {said}");
        self.failed.set(true);
        let Launch { rank, size, .. } = self.launch;
        let stalled = said.to_lowercase().contains("timed out");
        let whole = match stalled {
            true => self.inquiry(),
            false => self.timeout.min(INQUIRY + 2 * self.idle.get().1),
        };
        // Where the network is cut, nothing that is asked of the store comes back, and each question takes
        // its limit.
        let (start, quarter) = (Instant::now(), whole / 4);
        let left = |until: Instant| until.saturating_duration_since(Instant::now());
        let alive: Vec<String> = (0..size).map(|rank| self.key(&format!("alive/{rank}"))).collect();
        let (own, answer) = (alive[rank].clone(), if stalled { WAITED } else { "here" });
        self.ask(quarter, move |store| store.set(&own, answer));
        // Those that wait for this one alone are to answer, too.
        self.hang_up(quarter);
        let (failed, heard, round) = (self.key(FAILED), self.key(HEARD), self.round);
        let answer = self.ask(left(start + whole), move |store| {
            let roll = call_roll(store, round, &alive, &failed, stalled, start + 3 * quarter)?;
            store.add(&heard, 1)?;
            Ok::<_, String>(roll)
        });
        match answer {
            Some(Ok(Roll { word: Some(word), .. })) => {
                let error = self.heard(&word);
                let gone = serde_json::from_str(&word).map_or(0, |word: Word| word.gone);
                self.linger(HEARD, size.saturating_sub(gone), left(start + whole));
                error
            }
            Some(Ok(Roll { word: None, silent, stalled })) => {
                let error = match silent.is_empty() {
                    true => RankError::Broken { who: self.who(rank), said: in_short(said) },
                    false => self.lost(&silent, if stalled { STALLED } else { GONE }),
                };
                // For those who notice later, when others are gone, too.
                self.leave_word(String::new(), error.to_string(), 1, silent.len());
                self.linger(HEARD, size - silent.len(), left(start + whole));
                error
            }
            Some(Err(_)) => self.store_lost(if stalled { STALLED } else { GONE }),
            None => self.store_lost(CUT),
        }
    }

    /// Says why all end, unless another has said it.
    pub(super) fn leave_word(&self, who: String, why: String, code: u8, gone: usize) {
        let word = serde_json::to_string(&Word { who, why, code, gone }).unwrap_or_default();
        let failed = self.key(FAILED);
        self.ask(LAST_WORDS, move |store| store.set_first(&failed, &word));
    }

    /// Counts this rank among those that know that all end.
    pub(super) fn has_heard(&self) {
        let heard = self.key(HEARD);
        self.ask(LAST_WORDS, move |store| store.add(&heard, 1));
    }

    pub(super) fn heard(&self, word: &str) -> RankError {
        self.failed.set(true);
        match serde_json::from_str(word) {
            Ok(Word { who, why, code, .. }) => RankError::Failed { who, why, code },
            Err(_) => RankError::Failed { who: "another rank".to_owned(), why: word.to_owned(), code: 1 },
        }
    }

    /// Of the store alone it is known that it does not answer: it is rank 0's, or the launcher's.
    pub(super) fn store_lost(&self, how: &'static str) -> RankError {
        if !self.launch.serves_store {
            return self.lost(&[0], how);
        }
        self.failed.set(true);
        RankError::Lost {
            who: format!("{}'s store at {}", self.launch.launcher, self.launch.master()),
            how: CUT,
        }
    }

    fn lost(&self, ranks: &[usize], how: &'static str) -> RankError {
        self.failed.set(true);
        let process = |&rank: &usize| match self.members.get(rank) {
            Some(member) => format!("{} (process {})", self.who(rank), member.process),
            None => self.who(rank),
        };
        RankError::Lost { who: ranks.iter().map(process).collect::<Vec<_>>().join(", "), how }
    }
}

/// What a roll call came to.
struct Roll {
    /// What one that failed says, where one did.
    word: Option<String>,
    /// Who does not answer.
    silent: Vec<usize>,
    /// Whether one that answers, or this one, waited for as long as it may.
    stalled: bool,
}

/// Waits until all ranks have answered under their keys, until one has `failed`, or for so long.
fn call_roll(
    store: &Store,
    round: i64,
    alive: &[String],
    failed: &str,
    mut stalled: bool,
    until: Instant,
) -> Result<Roll, String> {
    let mut silent: Vec<usize> = (0..alive.len()).collect();
    let mut word = store.get(failed, at_once(store, round)?)?;
    while word.is_none() && !silent.is_empty() && Instant::now() < until {
        let at_once = at_once(store, round)?;
        silent.retain(|&rank| match store.get(&alive[rank], at_once) {
            Ok(Some(answer)) => {
                stalled |= answer == WAITED;
                false
            }
            _ => true,
        });
        word = store.get(failed, Duration::from_millis(100))?;
    }
    Ok(Roll { word, silent, stalled })
}

/// Of what libtorch says, no more than a line holds.
pub(super) fn in_short(said: String) -> String {
    match said.char_indices().nth(160) {
        Some((end, _)) => format!("{}...", &said[..end]),
        None => said,
    }
}
