//! Processes that met by libtorch's store, joined by its process group.
//!
//! What fails on one rank ends all of them soon, each with the reason: [`failure`].

mod failure;
mod meet;

use std::cell::{Cell, RefCell};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::collective::Collective;
use crate::error::RankError;
use crate::launch::Launch;
use crate::shim::{Group, HAS_GLOO, Store};

use self::failure::{CUT, HEARD, in_short};
use self::meet::Met;

/// How many ranks are through with everything.
const DONE: &str = "done";
/// How often who waits for others looks whether one has failed.
const GLANCE: Duration = Duration::from_millis(500);
/// How long the others have to hear of a failure, before the process with the store ends.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// A process of the group.
#[derive(Debug, Serialize, Deserialize)]
struct Member {
    /// The name of its host.
    host: String,
    /// Its number there.
    process: u32,
    /// Whence it reaches rank 0.
    address: IpAddr,
    /// When it began to look for the others, in nanoseconds: containers give the same number to one process
    /// after the other.
    began: u128,
}

/// The processes that a launcher started, joined by libtorch's process group.
///
/// Once something has failed it is not taken down in order, which could wait for others that are gone: it is
/// left to the end of the process.
#[derive(Debug)]
pub struct ProcessGroup {
    launch: Launch,
    /// Which of the rounds that share the store this is, from 1.
    round: i64,
    timeout: Duration,
    store: Arc<Store>,
    group: RefCell<Option<Group>>,
    members: Vec<Member>,
    failed: Cell<bool>,
    /// When the last exchange ended, and how long it was then until the next.
    idle: Cell<(Instant, Duration)>,
}

impl ProcessGroup {
    /// Meets the others. No exchange, nor this, takes longer than `timeout` without progress.
    ///
    /// # Errors
    ///
    /// Where libtorch has no process group, or not all processes come.
    pub fn join(launch: Launch, timeout: Duration) -> Result<ProcessGroup, RankError> {
        if !HAS_GLOO {
            return Err(RankError::NoGloo { size: launch.size });
        }
        let serves = launch.rank == 0 && !launch.serves_store;
        let unreachable = |said: String| RankError::Unreachable { master: launch.master(), said };
        let end = Instant::now() + timeout;
        let address = way_to_master(&launch, end).map_err(|error| unreachable(error.to_string()))?;
        let left = end.saturating_duration_since(Instant::now()).max(GLANCE);
        let store = Store::open(&launch.host, launch.port, serves, left);
        let store = store.map_err(|said| match serves {
            // What it serves it asks for, too, by the address that was set.
            true if is_of_port(&said) => RankError::NoPort { port: launch.port, said: in_short(said) },
            true => RankError::NotHere { master: launch.master(), said: in_short(said) },
            false => unreachable(in_short(said)),
        })?;
        let mut group = ProcessGroup {
            launch,
            round: 1,
            timeout,
            store: Arc::new(store),
            group: RefCell::new(None),
            members: Vec::new(),
            failed: Cell::new(false),
            idle: Cell::new((Instant::now(), Duration::ZERO)),
        };
        let host = gethostname::gethostname().to_string_lossy().into_owned();
        let began = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let this = Member { host, process: std::process::id(), address, began };
        let told = group.call_together(&serde_json::to_string(&this).unwrap_or_default())?;
        let read = |(rank, text): (usize, String)| {
            serde_json::from_str(&text).map_err(|_| RankError::Failed {
                who: format!("rank {rank}"),
                why: "what answers there is another program, or another birnn".to_owned(),
                code: 2,
            })
        };
        group.members = told.into_iter().enumerate().map(read).collect::<Result<_, _>>()?;
        group.connect()?;
        Ok(group)
    }

    fn connect(&mut self) -> Result<(), RankError> {
        let Launch { rank, size, .. } = self.launch;
        let address = self.own_address();
        let interface = std::env::var("GLOO_SOCKET_IFNAME").unwrap_or_default();
        let opened = Group::open(
            &self.store,
            &self.key("gloo"),
            [rank, size],
            // What is left of it is for finding out why.
            self.timeout - self.inquiry(),
            [&interface, &address.to_string()],
        );
        let opened = opened.map_err(|said| match said.contains("Unable to find address") && !interface.is_empty() {
            true => {
                let why = format!(
                    "GLOO_SOCKET_IFNAME is `{interface}`, and this host has no such interface with an address: correct or unset it"
                );
                self.announce(2, &why);
                RankError::Failed { who: self.who(rank), why, code: 2 }
            }
            false => self.diagnosis(said),
        });
        *self.group.get_mut() = Some(opened?);
        Ok(())
    }

    /// The address that the others reach this process by. On many systems a host's own name is an address
    /// that leads nowhere but to itself; then it is the one towards another host, where there is one.
    fn own_address(&self) -> IpAddr {
        let own = self.members[self.launch.rank].address;
        let elsewhere =
            self.members.iter().map(|member| member.address).find(|address| !address.is_loopback());
        match elsewhere {
            Some(other) if own.is_loopback() => {
                towards(SocketAddr::new(other, self.launch.port)).unwrap_or(own)
            }
            _ => own,
        }
    }

    /// Which of its host's processes this is, from 0.
    pub fn local_rank(&self) -> usize {
        self.launch.local_rank
    }

    /// How many of the processes are on this host.
    pub fn local_size(&self) -> usize {
        let own = &self.members[self.launch.rank].host;
        self.members.iter().filter(|member| member.host == *own).count()
    }

    /// A rank and its host, for people.
    pub fn who(&self, rank: usize) -> String {
        match self.members.get(rank) {
            Some(member) => format!("rank {rank} on {}", member.host),
            None => format!("rank {rank}"),
        }
    }

    /// What each rank says, in their order.
    pub fn gather(&self, text: &str) -> Result<Vec<String>, RankError> {
        let size = self.launch.size;
        let mut lengths = vec![0; 8 * size];
        self.exchange(|group| group.all_gather(&(text.len() as u64).to_le_bytes(), &mut lengths))?;
        let length =
            |bytes: &[u8]| bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes) as usize);
        let lengths: Vec<usize> = lengths.chunks(8).map(length).collect();
        let longest = lengths.iter().copied().max().unwrap_or(0).max(1);
        let mut own = text.as_bytes().to_vec();
        own.resize(longest, 0);
        let mut all = vec![0; longest * size];
        self.exchange(|group| group.all_gather(&own, &mut all))?;
        let texts = all.chunks(longest).zip(lengths);
        Ok(texts.map(|(text, length)| String::from_utf8_lossy(&text[..length]).into_owned()).collect())
    }

    /// As [`ProcessGroup::gather`], by way of the store, as long as there is nothing else.
    fn call_together(&mut self, text: &str) -> Result<Vec<String>, RankError> {
        let Launch { rank, size, .. } = self.launch;
        let (text, launch, timeout) = (text.to_owned(), self.launch.clone(), self.timeout);
        let answer = self.ask(timeout + LAST_WORDS, move |store| {
            meet::meet(store, &launch, &text, Instant::now() + timeout)
        });
        let answer = answer.map(|answer| {
            answer.map(|(round, met)| {
                self.round = round;
                met
            })
        });
        let (error, there) = match answer {
            Some(Ok(Met::All(texts))) => return Ok(texts),
            Some(Ok(Met::Word(word))) => (self.heard(&word), size - 1),
            Some(Ok(Met::Missing(missing))) => {
                let there = size - missing.len();
                (RankError::Missing { missing, size, timeout }, there)
            }
            Some(Ok(Met::Taken)) => {
                // Nothing is said to those who are there: they are another training's.
                self.failed.set(true);
                let port = self.launch.port;
                let why = format!(
                    "a rank {rank} is there already, of another training that has MASTER_PORT {port}: set another port, the same \
                     for all processes of this one"
                );
                return Err(RankError::Failed { who: format!("rank {rank}"), why, code: 2 });
            }
            Some(Err(_)) | None => return Err(self.store_lost(CUT)),
        };
        // Those who came a little later, and wait yet, need not wait as long again.
        self.leave_word(String::new(), error.to_string(), 1, size - there);
        self.has_heard();
        self.failed.set(true);
        self.linger(HEARD, there, LAST_WORDS);
        Err(error)
    }

    /// Ends with the others, when all is done.
    pub fn finish(self) {
        let done = self.key(DONE);
        self.ask(LAST_WORDS, move |store| store.add(&done, 1));
        self.linger(DONE, self.launch.size, 2 * LAST_WORDS);
        drop(self.group.take());
    }

    /// Stays, where this process has the store, until so many ranks have counted, or for so long.
    fn linger(&self, what: &str, ranks: usize, limit: Duration) {
        if self.launch.rank > 0 || self.launch.serves_store {
            return;
        }
        let (key, end) = (self.key(what), Instant::now() + limit);
        self.ask(limit, move |store| {
            while store.add(&key, 0).is_ok_and(|count| count < ranks as i64) && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(20));
            }
        });
    }

    fn key(&self, name: &str) -> String {
        key(self.round, name)
    }

    /// Asks the store in a thread of its own: where the network is cut, it may never answer.
    fn ask<T: Send + 'static>(
        &self,
        limit: Duration,
        question: impl FnOnce(&Store) -> T + Send + 'static,
    ) -> Option<T> {
        let store = Arc::clone(&self.store);
        let (tell, told) = mpsc::channel();
        let asked = std::thread::Builder::new().name("store".to_owned()).spawn(move || {
            // Nobody waits any more for an answer that is late.
            let _ = tell.send(question(&store));
        });
        asked.ok()?;
        told.recv_timeout(limit).ok()
    }

    /// Carries something out with the group; where that fails, finds out why.
    fn exchange(&self, work: impl FnOnce(&Group) -> Result<(), String>) -> Result<(), RankError> {
        let idle = self.idle.get().0.elapsed();
        let done = match &*self.group.borrow() {
            Some(group) => work(group),
            None => Err("this rank has failed".to_owned()),
        };
        self.idle.set((Instant::now(), idle));
        done.map_err(|said| self.diagnosis(said))
    }
}

/// The name of something that is said in a round.
fn key(round: i64, name: &str) -> String {
    format!("birnn/{round}/{name}")
}

/// How long the store may take to hand out what is there: several times what it just took to answer, be it
/// near or far.
fn at_once(store: &Store, round: i64) -> Result<Duration, String> {
    let start = Instant::now();
    store.add(&key(round, HEARD), 0)?;
    Ok(Duration::from_millis(1) + 4 * start.elapsed())
}

/// Whether libtorch says that it cannot listen at a port.
fn is_of_port(said: &str) -> bool {
    said.contains("server socket") || said.contains("EADDRINUSE")
}

impl Collective for ProcessGroup {
    fn rank(&self) -> usize {
        self.launch.rank
    }

    fn size(&self) -> usize {
        self.launch.size
    }

    fn all_to_all(
        &self,
        send: &[f32],
        send_counts: &[usize],
        receive: &mut [f32],
        receive_counts: &[usize],
    ) -> Result<(), RankError> {
        assert_eq!([send_counts.len(), receive_counts.len()], [self.size(); 2], "a count for each rank");
        assert_eq!(send.len(), send_counts.iter().sum::<usize>(), "as many values as are counted");
        assert_eq!(receive.len(), receive_counts.iter().sum::<usize>(), "as much room as is counted");
        let counts = |counts: &[usize]| counts.iter().map(|&count| count as i64).collect::<Vec<_>>();
        let (send_counts, receive_counts) = (counts(send_counts), counts(receive_counts));
        self.exchange(|group| group.all_to_all(send, &send_counts, receive, &receive_counts))
    }

    fn all_gather(&self, own: &[f32], all: &mut [f32]) -> Result<(), RankError> {
        assert_eq!(all.len(), own.len() * self.size(), "room for all ranks' values");
        self.exchange(|group| group.all_gather(own, all))
    }

    fn broadcast(&self, bytes: &mut [u8], from: usize) -> Result<(), RankError> {
        assert!(from < self.size(), "one of the ranks");
        self.exchange(|group| group.broadcast(bytes, from))
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.announce(1, "it panicked, which is a fault of birnn's: its own output says where");
        }
        if self.failed.get() {
            std::mem::forget(self.group.take());
            std::mem::forget(Arc::clone(&self.store));
        }
    }
}

/// The address of this host towards rank 0's. A name may come to be known when rank 0 is up, and not before,
/// as in Kubernetes: it is asked for until `end`.
fn way_to_master(launch: &Launch, end: Instant) -> std::io::Result<IpAddr> {
    let mut is_told = false;
    loop {
        match resolved(launch).and_then(towards) {
            Err(error) if Instant::now() < end => {
                if !is_told {
                    tracing::warn!("{}: {error}; waiting for it", launch.master());
                    is_told = true;
                }
                std::thread::sleep(GLANCE);
            }
            found => return found,
        }
    }
}

fn resolved(launch: &Launch) -> std::io::Result<SocketAddr> {
    let addresses: Vec<SocketAddr> = (launch.host.as_str(), launch.port).to_socket_addrs()?.collect();
    // As c10d does.
    let first = addresses.iter().find(|address| address.is_ipv4()).or(addresses.first());
    first.copied().ok_or_else(|| std::io::Error::other("the name has no address"))
}

/// The address of this host towards another. Nothing is sent.
fn towards(other: SocketAddr) -> std::io::Result<IpAddr> {
    let any = if other.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any)?;
    socket.connect(other)?;
    Ok(socket.local_addr()?.ip())
}
