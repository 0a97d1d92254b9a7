//! `$BIRNN_FAULT`: has one of a run's file operations go wrong, so that tests can see what then becomes of
//! the run.
//!
//! `EIO@7` lets the seventh operation fail with that error, `ENOSPC@7+` that one and all after it; `KILL@7`
//! ends the process there as a crash would, with SIGKILL, and `PANIC@7` as a bug would. `JOURNAL@FILE` lets
//! nothing go wrong, and writes all operations to a file, from which tests work out what a power cut would
//! have left.
//!
//! This is in every build: a failing disk is the one thing that tests cannot have for real, and a build with
//! a switch for it would not be the program that people run.

use std::io;
use std::sync::Arc;

use super::faulty::Faulty;
use super::journal::Journal;
use super::operations::{Disk, System};

const VARIABLE: &str = "BIRNN_FAULT";

/// What `$BIRNN_FAULT` says is none of what it can say.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct FaultError(String);

/// The disk that a run writes to.
pub fn from_env() -> Result<Arc<dyn Disk>, FaultError> {
    let Some(wanted) = std::env::var_os(VARIABLE) else { return Ok(Arc::new(System)) };
    let wanted = wanted.to_string_lossy();
    if let Some(path) = wanted.strip_prefix("JOURNAL@") {
        let journal = Journal::start(path.as_ref());
        return Ok(Arc::new(journal.map_err(|error| FaultError(format!("{VARIABLE}: {path}: {error}")))?));
    }
    let faulty = parse(&wanted).ok_or_else(|| {
        FaultError(format!(
            "{VARIABLE}={wanted}: expected EIO@N, ENOSPC@N, EACCES@N, EROFS@N, KILL@N or PANIC@N; @N+ for \
             good; or JOURNAL@FILE"
        ))
    })?;
    Ok(Arc::new(faulty))
}

fn parse(text: &str) -> Option<Faulty> {
    let (fault, at) = text.split_once('@')?;
    let (at, lasting) = match at.strip_suffix('+') {
        Some(at) => (at, true),
        None => (at, false),
    };
    let at = at.parse().ok()?;
    let errno = match fault {
        "EIO" => 5,
        "ENOSPC" => 28,
        "EACCES" => 13,
        "EROFS" => 30,
        "KILL" => return Some(Faulty::new(at, lasting, kill)),
        "PANIC" => return Some(Faulty::new(at, lasting, || panic!("{VARIABLE} asks for it"))),
        _ => return None,
    };
    Some(Faulty::new(at, lasting, move || Err(io::Error::from_raw_os_error(errno))))
}

fn kill() -> io::Result<()> {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::process::abort()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read() {
        let read = |text| {
            parse(text)
                .map(|faulty| (faulty.at, faulty.lasting, (faulty.fault)().unwrap_err().raw_os_error()))
        };
        assert_eq!(read("EIO@7"), Some((7, false, Some(5))));
        assert_eq!(read("ENOSPC@12+"), Some((12, true, Some(28))));
        for wrong in ["", "EIO", "EIO@", "EIO@x", "EIO@-1", "EPERM@1", "@1", "EIO@1++"] {
            assert!(parse(wrong).is_none(), "{wrong}");
        }
    }
}
