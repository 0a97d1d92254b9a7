//! Indexes of a few bytes for the real pip and npm, served here, and the packages in them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::elsewhere::Client;
use crate::fetch::tests as fetch;
use crate::form::tests::{DEFLATED, contents, pickled, zip};
use crate::image::idx::tests::gzip;

/// The addresses that were asked for.
pub(super) type Asked = Arc<Mutex<Vec<String>>>;

/// Serves these paths, each with its type and content; returns the address, without a slash at its end.
fn serve(files: impl FnOnce(&str) -> Vec<(String, &'static str, Vec<u8>)>) -> (String, Asked) {
    let (listener, address) = fetch::listen();
    let files: HashMap<_, _> =
        files(&address).into_iter().map(|(path, kind, content)| (path, (kind, content))).collect();
    let asked = Asked::default();
    let log = asked.clone();
    fetch::serve(listener, move |path| {
        let (status, kind, content) = match files.get(path) {
            Some((kind, content)) => ("200 OK", *kind, content.as_slice()),
            None => ("404 Not Found", "text/plain", &b""[..]),
        };
        log.lock().unwrap().push(path.to_owned());
        let length = content.len();
        let head = format!(
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
        );
        [head.as_bytes(), content].concat()
    });
    (address, asked)
}

pub(super) fn wheel(entries: &[(&str, &[u8], u16)]) -> Vec<u8> {
    let about: [(&str, &[u8], u16); 3] = [
        ("tiny_set-1.0.dist-info/METADATA", b"Metadata-Version: 2.1\nName: tiny-set\nVersion: 1.0\n", 0),
        (
            "tiny_set-1.0.dist-info/WHEEL",
            b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            0,
        ),
        ("tiny_set-1.0.dist-info/RECORD", b"", 0),
    ];
    zip(&[entries, &about].concat())
}

pub(super) fn good_wheel() -> Vec<u8> {
    wheel(&[("tiny/tiny.pkl.gz", &gzip(&pickled()), DEFLATED)])
}

pub(super) fn tarball(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let about = (&"package/package.json", &&br#"{"name":"tiny-set","version":"1.0.0"}"#[..]);
    for (name, content) in std::iter::once(about).chain(entries.iter().map(|(name, content)| (name, content)))
    {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, *content).unwrap();
    }
    gzip(&archive.into_inner().unwrap())
}

pub(super) fn good_tarball() -> Vec<u8> {
    let [a, b, c, d] = contents();
    let b = gzip(&b);
    tarball(&[("package/a", &a), ("package/b.gz", &b), ("package/c", &c), ("package/d", &d)])
}

/// Variables that let the client know one index alone, of which nobody's settings tell.
pub(super) fn variables(client: Client, address: &str) -> &'static [(&'static str, &'static str)] {
    let leak = |text: String| -> &'static str { text.leak() };
    match client {
        Client::Pip => vec![
            ("PIP_INDEX_URL", leak(format!("{address}/simple"))),
            ("PIP_CONFIG_FILE", "/dev/null"),
            ("PIP_FIND_LINKS", ""),
            ("PIP_EXTRA_INDEX_URL", ""),
            ("PIP_NO_CACHE_DIR", "1"),
            ("NO_PROXY", "127.0.0.1"),
        ],
        Client::Npm => vec![
            ("npm_config_registry", leak(format!("{address}/"))),
            ("npm_config_userconfig", "/dev/null"),
            ("NO_PROXY", "127.0.0.1"),
        ],
    }
    .leak()
}

/// An index with one package, whose archive is this; the client's variables, and what it is asked for.
pub(super) fn index(client: Client, archive: Vec<u8>) -> (&'static [(&'static str, &'static str)], Asked) {
    let (address, asked) = serve(|address| match client {
        Client::Pip => {
            let page = "<!DOCTYPE html><a href=\"/f/tiny_set-1.0-py3-none-any.whl\">tiny_set-1.0-py3-none-any.whl</a>";
            vec![
                ("/simple/tiny-set/".to_owned(), "text/html", page.into()),
                ("/f/tiny_set-1.0-py3-none-any.whl".to_owned(), "application/octet-stream", archive),
            ]
        }
        Client::Npm => {
            let page = format!(
                r#"{{"name":"tiny-set","dist-tags":{{"latest":"1.0.0"}},"versions":{{"1.0.0":
                {{"name":"tiny-set","version":"1.0.0","dist":{{"tarball":"{address}/f/tiny-set-1.0.0.tgz"}}}}}}}}"#
            );
            vec![
                ("/tiny-set".to_owned(), "application/json", page.into()),
                ("/f/tiny-set-1.0.0.tgz".to_owned(), "application/octet-stream", archive),
            ]
        }
    });
    (variables(client, &address), asked)
}
