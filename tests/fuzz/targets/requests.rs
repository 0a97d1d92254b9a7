//! Whatever is sent to a server, it has an answer or lets the connection go, and goes on: what fails in it
//! fails here.
#![no_main]

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use birnn_server::{Limits, Named, Options, Server};
use libfuzzer_sys::fuzz_target;

/// A server of three networks of a few units, that `xtask fuzz` has trained.
static ADDRESS: LazyLock<SocketAddr> = LazyLock::new(|| {
    let named = |(name, run): (&str, &str)| Named {
        name: Some(name.to_owned()),
        run: Path::new("target/fuzz").join(run),
    };
    let options = Options {
        models: [("images", "run"), ("series", "series-run"), ("text", "text-run")].map(named).to_vec(),
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        hosts: Vec::new(),
        limits: Limits::default(),
    };
    let server = Server::bind(&options).unwrap_or_else(|error| panic!("{error}"));
    let address = server.address();
    std::thread::spawn(move || server.run());
    address
});

/// Less than libFuzzer's: longer than that no request takes.
const PATIENCE: Duration = Duration::from_secs(9);

/// What comes before the answer to who asks whether to send a body.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// What becomes of a request must not depend on others.
const AT_ONCE: usize = 3;

fuzz_target!(|request: &[u8]| {
    let connect = |_| {
        let stream = TcpStream::connect(*ADDRESS).expect("the server takes connections");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream
    };
    let mut all: Vec<TcpStream> = (0..AT_ONCE).map(connect).collect();
    for stream in &mut all {
        // The server may have answered, and ended the connection, before it has read all.
        let _ = stream.write_all(request).and_then(|()| stream.shutdown(Shutdown::Write));
    }
    let known = ["200", "400", "404", "405", "408", "413", "415", "417", "421", "422", "431", "503", "505"];
    for stream in &mut all {
        let mut answer = Vec::new();
        let ended = stream.read_to_end(&mut answer);
        let hangs =
            ended.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
        assert!(!hangs, "neither an answer nor an end");
        let answer = answer.strip_prefix(CONTINUE).unwrap_or(&answer);
        let status = answer.get(9..12).map(|status| String::from_utf8_lossy(status).into_owned());
        assert!(status.as_deref().is_none_or(|status| known.contains(&status)), "{status:?}");
    }
});
