//! Whatever is sent to a server, it has an answer or lets the connection go, and goes on: what fails in it fails here.
#![no_main]

use std::io::{Read, Write};
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

/// Longer than that no request takes, and libFuzzer's own patience is less.
const PATIENCE: Duration = Duration::from_secs(9);

fuzz_target!(|request: &[u8]| {
    let mut stream = TcpStream::connect(*ADDRESS).expect("the server takes connections");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    // The server may have answered, and ended the connection, before it has read all.
    let _ = stream.write_all(request).and_then(|()| stream.shutdown(Shutdown::Write));
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let status = answer.get(9..12).map(|status| String::from_utf8_lossy(status).into_owned());
    let known = ["200", "400", "404", "405", "408", "413", "415", "417", "421", "422", "431", "503", "505"];
    assert!(status.as_deref().is_none_or(|status| known.contains(&status)), "{status:?}");
});
