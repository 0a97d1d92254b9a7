//! Downloading a published file from the first mirror that has it.

use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::event::Event;
use crate::file_error::{FileError, FileProblem};
use crate::lock::FolderLock;
use crate::partial::{clear_partial, not_yet_there, partial, remove_empty};

/// What a mirror is held to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// To the address of its name, and again to a connection.
    pub(crate) connect: Duration,
    /// From the request to the start of its answer.
    pub(crate) answer: Duration,
    /// Without a byte of the file, and to its end.
    pub(crate) idle: Duration,
    pub(crate) body: Duration,
    /// Bytes; the largest published file has 26 MB.
    pub(crate) bytes: u64,
}

pub(crate) const LIMITS: Limits = Limits {
    connect: Duration::from_secs(5),
    answer: Duration::from_secs(15),
    idle: Duration::from_secs(60),
    body: Duration::from_secs(15 * 60),
    bytes: 64 << 20,
};

/// Why a file could not be fetched.
#[derive(Debug)]
pub(crate) enum FetchError {
    /// Nobody had it: each who was asked, with the answer.
    Answers(Vec<(String, String)>),
    /// It could not be written.
    File(FileError),
}

impl Limits {
    /// So long it takes at most to find that this many mirrors cannot be reached, or do not answer.
    pub(crate) fn patience(&self, mirrors: usize) -> Duration {
        (2 * self.connect + self.answer).saturating_mul(u32::try_from(mirrors).unwrap_or(u32::MAX))
    }
}

/// Puts `name` from one of `mirrors` into `folder`. It appears there whole and accepted by `verify`, or not
/// at all. A mirror that cannot be reached, or never answers, is taken from `mirrors`: it is not waited for
/// again.
pub(crate) fn fetch(
    mirrors: &mut Vec<&str>,
    name: &str,
    folder: &Path,
    limits: &Limits,
    verify: &dyn Fn(&Path) -> Result<(), FileError>,
    on_event: &mut dyn FnMut(Event),
) -> Result<PathBuf, FetchError> {
    let target = folder.join(name);
    let mut answers = Vec::new();
    for mirror in mirrors.clone() {
        let url = format!("{mirror}{name}");
        match download(&url, folder, &target, limits, verify, on_event) {
            Ok(()) => {
                on_event(Event::Downloaded { path: &target });
                return Ok(target);
            }
            Err(failure @ (Failure::Mirror(_) | Failure::Silent(_))) => {
                if let Failure::Silent(_) = failure {
                    mirrors.retain(|&other| other != mirror);
                }
                let (Failure::Mirror(answer) | Failure::Silent(answer)) = failure else { continue };
                on_event(Event::Failed { source: &url, answer: &answer });
                answers.push((url, answer));
            }
            Err(Failure::Folder(answer)) => {
                answers.push((url, answer));
                break;
            }
            Err(Failure::Disk(path, error)) => return Err(FetchError::File(FileError::io(&path)(error))),
        }
    }
    Err(FetchError::Answers(answers))
}

enum Failure {
    /// The next mirror may do better.
    Mirror(String),
    /// Likewise, and this one gave no answer at all, or left off in the middle of it.
    Silent(String),
    /// There is no folder to put it into: a reason to have no data.
    Folder(String),
    /// No mirror would help.
    Disk(PathBuf, std::io::Error),
}

fn download(
    url: &str,
    folder: &Path,
    target: &Path,
    limits: &Limits,
    verify: &dyn Fn(&Path) -> Result<(), FileError>,
    on_event: &mut dyn FnMut(Event),
) -> Result<(), Failure> {
    let body = request(url, limits)?;
    // Nothing is made on disk before there is something to put there, and nothing left where that comes to
    // nothing.
    let made = not_yet_there(folder);
    let brought = bring((url, body), folder, target, limits, verify, on_event);
    if brought.is_err() {
        remove_empty(made);
    }
    brought
}

/// Puts what is sent for `url` into `folder`.
fn bring(
    (url, body): (&str, ureq::Body),
    folder: &Path,
    target: &Path,
    limits: &Limits,
    verify: &dyn Fn(&Path) -> Result<(), FileError>,
    on_event: &mut dyn FnMut(Event),
) -> Result<(), Failure> {
    let mut locked = || std::fs::create_dir_all(folder).and_then(|()| lock(folder, on_event));
    let lock = match locked() {
        // Another process may just have taken away what it had made in vain.
        Err(error) if error.kind() == ErrorKind::NotFound => locked(),
        lock => lock,
    };
    let cannot = |error| Failure::Folder(format!("has it, but {}", FileError::io(folder)(error)));
    let _lock = lock.map_err(cannot)?;
    // Another process may have brought it meanwhile.
    if target.is_file() {
        return Ok(());
    }
    on_event(Event::Downloading { url, bytes: body.content_length() });
    clear_partial(folder);
    let mut partial = partial(folder).map_err(disk(folder))?;
    receive(body, &mut partial, target, limits, on_event)?;
    verify(partial.path()).map_err(|error| {
        let problem = match error.problem {
            FileProblem::Replaceable(problem) => *problem,
            problem => problem,
        };
        Failure::Mirror(match problem {
            FileProblem::Digest { found, .. } => format!("sent another file, with SHA-256 {found}"),
            other => format!("sent another file: {other}"),
        })
    })?;
    partial.as_file().sync_all().map_err(disk(target))?;
    partial.persist(target).map_err(|error| disk(target)(error.error))?;
    Ok(())
}

/// What a mirror sends for `url`, yet to be read.
fn request(url: &str, limits: &Limits) -> Result<ureq::Body, Failure> {
    // What checks certificates takes an earlier clock for impossible, and panics.
    if SystemTime::now() < UNIX_EPOCH {
        return Err(Failure::Mirror("this machine's clock says a time before 1970; set it".to_owned()));
    }
    let proxy = proxy(url, |name| std::env::var(name).ok()).map_err(Failure::Mirror)?;
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .proxy(proxy)
        // Where names are asked of a server that is not there, the system would wait for half a minute.
        .timeout_resolve(Some(limits.connect))
        .timeout_connect(Some(limits.connect))
        .timeout_recv_response(Some(limits.answer))
        .timeout_recv_body(Some(limits.body))
        .build()
        .into();
    let response = agent.get(url).call().map_err(|error| match error {
        ureq::Error::StatusCode(_) => Failure::Mirror(one_line(&error.to_string())),
        error => Failure::Silent(one_line(&error.to_string())),
    })?;
    let body = response.into_body();
    match body.content_length() {
        Some(bytes) if bytes > limits.bytes => Err(too_large(limits)),
        _ => Ok(body),
    }
}

/// The proxy that the environment names for an address, by the scheme of that.
fn proxy(url: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Option<ureq::Proxy>, String> {
    let own =
        if url.starts_with("https:") { ["https_proxy", "HTTPS_PROXY"] } else { ["http_proxy", "HTTP_PROXY"] };
    let set = |name: &&str| {
        variable(name).filter(|value| !value.trim().is_empty()).map(|value| (name.to_string(), value))
    };
    let Some((name, value)) = own.iter().chain(&["all_proxy", "ALL_PROXY"]).find_map(set) else {
        return Ok(None);
    };
    // What is asked without it is, whatever it is.
    let without =
        ["no_proxy", "NO_PROXY"].iter().find_map(set).map(|(_, without)| without).unwrap_or_default();
    let except = |proxy: ureq::ProxyBuilder| {
        without.split(',').map(str::trim).fold(proxy, ureq::ProxyBuilder::no_proxy).build()
    };
    let any = except(ureq::Proxy::builder(ureq::ProxyProtocol::Http));
    if any.is_ok_and(|any| url.parse().is_ok_and(|address| any.is_no_proxy(&address))) {
        return Ok(None);
    }
    let wrong = |why: &str| format!("not asked: {name} names {why}; set {} to one of HTTP", own[1]);
    if value.trim().to_ascii_lowercase().starts_with("socks") {
        return Err(wrong("a SOCKS proxy, which is not spoken to"));
    }
    let parsed = ureq::Proxy::new(value.trim()).map_err(|_| wrong("no proxy that can be"))?;
    let mut proxy = ureq::Proxy::builder(parsed.protocol()).host(parsed.host()).port(parsed.port());
    if let Some(user) = parsed.username() {
        proxy = proxy.username(user);
    }
    if let Some(password) = parsed.password() {
        proxy = proxy.password(password);
    }
    except(proxy).map(Some).map_err(|_| wrong("no proxy that can be"))
}

/// Writes `body` to `partial`, which is to become `target`. It must be as long as the mirror said.
fn receive(
    body: ureq::Body,
    partial: &mut impl Write,
    target: &Path,
    limits: &Limits,
    on_event: &mut dyn FnMut(Event),
) -> Result<(), Failure> {
    let expected = body.content_length();
    let mut received = 0;
    let parts = parts(body).map_err(|error| Failure::Mirror(format!("cannot be read: {error}")))?;
    loop {
        let part = match parts.recv_timeout(limits.idle) {
            Ok(Ok(part)) => part,
            Ok(Err(error)) => return Err(Failure::Mirror(one_line(&error.to_string()))),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::Mirror("could not be read".to_owned()));
            }
            Err(RecvTimeoutError::Timeout) => {
                let seconds = limits.idle.as_secs_f64();
                return Err(Failure::Silent(format!("sent nothing for {seconds} s, after {received} bytes")));
            }
        };
        if part.is_empty() {
            break;
        }
        received += part.len() as u64;
        if received > limits.bytes {
            return Err(too_large(limits));
        }
        partial.write_all(&part).map_err(disk(target))?;
        on_event(Event::Received { bytes: received });
    }
    match expected {
        Some(expected) if expected != received => {
            Err(Failure::Mirror(format!("ended after {received} of {expected} bytes")))
        }
        _ => Ok(()),
    }
}

/// What a body has, part by part, and an empty one at its end. It is read in a thread of its own, as nobody
/// is told while nothing comes.
fn parts(body: ureq::Body) -> std::io::Result<mpsc::Receiver<std::io::Result<Vec<u8>>>> {
    let (tell, told) = mpsc::sync_channel(1);
    std::thread::Builder::new().name("mirror".to_owned()).spawn(move || {
        let mut source = body.into_reader();
        loop {
            let mut part = vec![0; 1 << 16];
            let read = source.read(&mut part).map(|count| {
                part.truncate(count);
                part
            });
            let is_last = read.as_ref().map_or(true, Vec::is_empty);
            if tell.send(read).is_err() || is_last {
                break;
            }
        }
    })?;
    Ok(told)
}

fn too_large(limits: &Limits) -> Failure {
    Failure::Mirror(format!("more than the {} bytes that such a file may have", limits.bytes))
}

/// For `map_err`: joins what the system said with the path it is about.
fn disk(path: &Path) -> impl FnOnce(std::io::Error) -> Failure {
    move |error| Failure::Disk(path.to_owned(), error)
}

/// Locks `folder` for this process to download into; waits, and says so, as long as another one does.
pub(crate) fn lock(folder: &Path, on_event: &mut dyn FnMut(Event)) -> std::io::Result<FolderLock> {
    match FolderLock::try_take(folder, FolderLock::open)? {
        Some(lock) => Ok(lock),
        None => {
            on_event(Event::Waiting { folder });
            FolderLock::wait(folder)
        }
    }
}

/// `message` with each run of white space as one blank.
pub(crate) fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
pub(crate) mod tests {
    use std::net::TcpListener;

    use super::*;

    /// A listening socket, and its address, without a slash at its end.
    pub(crate) fn listen() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        (listener, address)
    }

    /// Answers every request, head and body, by its path.
    pub(crate) fn serve(listener: TcpListener, answer: impl Fn(&str) -> Vec<u8> + Send + 'static) {
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    if stream.read(&mut byte).unwrap_or(0) == 0 {
                        break;
                    }
                    request.push(byte[0]);
                }
                let request = String::from_utf8_lossy(&request);
                let path = request.split(' ').nth(1).unwrap_or_default();
                // A client that has seen enough hangs up.
                let _ = stream.write_all(&answer(path));
            }
        });
    }

    /// Serves `answer`, head and body, to every request; the address ends in a slash.
    pub(crate) fn mirror(answer: Vec<u8>) -> &'static str {
        let (listener, address) = listen();
        serve(listener, move |_| answer.clone());
        format!("{address}/").leak()
    }

    pub(crate) fn ok(body: &[u8]) -> Vec<u8> {
        let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    }

    pub(crate) fn not_found() -> Vec<u8> {
        b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".to_vec()
    }

    const SHORT: Limits = Limits {
        connect: Duration::from_secs(5),
        answer: Duration::from_millis(300),
        idle: Duration::from_millis(300),
        body: Duration::from_secs(30),
        bytes: 100,
    };

    fn is_good(path: &Path) -> Result<(), FileError> {
        match std::fs::read(path).unwrap() == b"good" {
            true => Ok(()),
            false => Err(FileProblem::Digest { expected: "a".to_owned(), found: "b".to_owned() }.at(path)),
        }
    }

    fn fetch_from(mirrors: &[&str], folder: &Path) -> Result<PathBuf, Vec<(String, String)>> {
        let mirrors = &mut mirrors.to_vec();
        fetch(mirrors, "file.gz", folder, &SHORT, &is_good, &mut |_| ()).map_err(|error| match error {
            FetchError::Answers(answers) => answers,
            FetchError::File(error) => panic!("{error}"),
        })
    }

    /// A mirror that answers so must be told of with `part`, leave nothing behind, and not keep the next one
    /// from being asked.
    #[track_caller]
    fn passed_over(answer: Vec<u8>, part: &str) {
        let folder = tempfile::tempdir().unwrap();
        let bad = mirror(answer);
        let answers = fetch_from(&[bad], folder.path()).unwrap_err();
        assert!(answers[0].0.starts_with(bad) && answers[0].1.contains(part), "{answers:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let path = fetch_from(&[bad, mirror(ok(b"good"))], folder.path()).unwrap();
        assert_eq!(std::fs::read(path).unwrap(), b"good");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn bad_mirrors_are_passed_over() {
        passed_over(not_found(), "404");
        passed_over(ok(b"evil"), "sent another file, with SHA-256 b");
        passed_over(ok(&[0; 101]), "more than the 100 bytes");
        passed_over(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".iter().copied().chain([7; 500]).collect(),
            "100 bytes",
        );
        passed_over(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf".to_vec(), "Peer disconnected");
        passed_over(b"no http at all\r\n\r\n".to_vec(), "http parse fail");
    }

    #[test]
    fn a_mirror_that_never_answers_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let silent = format!("http://{}/", listener.local_addr().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let answers = fetch_from(&[&silent], folder.path()).unwrap_err();
        assert!(answers[0].1.contains("timeout"), "{answers:?}");
    }

    #[test]
    fn a_mirror_that_leaves_off_is_given_up_and_not_asked_again() {
        let (listener, address) = listen();
        std::thread::spawn(move || {
            let mut held = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf").unwrap();
                held.push(stream);
            }
        });
        let folder = tempfile::tempdir().unwrap();
        let stalling = format!("{address}/");
        let mut mirrors = vec![stalling.as_str()];
        let found = fetch(&mut mirrors, "file.gz", folder.path(), &SHORT, &is_good, &mut |_| ());
        let Err(FetchError::Answers(answers)) = found else { panic!("{found:?}") };
        assert!(answers[0].1.contains("sent nothing for 0.3 s, after 4 bytes"), "{answers:?}");
        assert!(mirrors.is_empty());
    }

    #[test]
    fn nothing_is_made_for_a_mirror_that_has_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b");
        for answer in [not_found(), ok(b"evil")] {
            fetch_from(&[mirror(answer)], &deep).unwrap_err();
            assert!(!folder.path().join("a").exists());
        }
    }

    /// As a disk that can be read alone: whoever wants the data is told as of one that nobody has.
    #[test]
    fn a_folder_that_cannot_be_is_an_answer() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let good = mirror(ok(b"good"));
        let answers = fetch_from(&[good, good], &folder.path().join("file/deep")).unwrap_err();
        assert!(answers.len() == 1 && answers[0].1.starts_with("has it, but "), "{answers:?}");
    }

    #[test]
    fn a_proxy_is_taken_by_the_scheme() {
        let of = |url: &str, set: &[(&str, &str)]| {
            let variable =
                |name: &str| set.iter().find(|(own, _)| *own == name).map(|(_, value)| value.to_string());
            proxy(url, variable).map(|proxy| proxy.map(|proxy| format!("{}:{}", proxy.host(), proxy.port())))
        };
        let (secure, plain) = ("https://a.example/x", "http://a.example/x");
        assert_eq!(of(secure, &[]), Ok(None));
        let set = [("HTTPS_PROXY", "http://s:1"), ("HTTP_PROXY", "p:2"), ("ALL_PROXY", "socks5h://all:3")];
        assert_eq!(of(secure, &set), Ok(Some("s:1".to_owned())));
        assert_eq!(of(plain, &set), Ok(Some("p:2".to_owned())));
        assert_eq!(of(secure, &[("HTTP_PROXY", "p:2"), ("HTTPS_PROXY", "")]), Ok(None));
        assert_eq!(of(plain, &[("all_proxy", "http://u:p@all:3")]), Ok(Some("all:3".to_owned())));
        let refused = of(secure, &set[2..]).unwrap_err();
        assert_eq!(
            refused,
            "not asked: ALL_PROXY names a SOCKS proxy, which is not spoken to; set HTTPS_PROXY to one of HTTP"
        );
        for proxy in ["http://s:1", "socks5://s:1"] {
            assert_eq!(of(secure, &[("HTTPS_PROXY", proxy), ("NO_PROXY", "b.example, a.example")]), Ok(None));
        }
    }

    #[test]
    fn a_second_process_waits_and_takes_what_the_first_brought() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = Some(FolderLock::wait(folder.path()).unwrap());
        let target = folder.path().join("file.gz");
        let mut waited = false;
        let mut on_event = |event: Event| match event {
            Event::Waiting { .. } => {
                std::fs::write(&target, b"from the first").unwrap();
                first = None;
                waited = true;
            }
            Event::Downloading { .. } => panic!("downloaded twice"),
            _ => (),
        };
        let mut mirrors = vec![mirror(ok(b"good"))];
        fetch(&mut mirrors, "file.gz", folder.path(), &SHORT, &is_good, &mut on_event).unwrap();
        assert!(waited);
    }
}
