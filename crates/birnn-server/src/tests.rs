//! A server on a real socket, asked as clients ask, and as those ask who mean it no good.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use birnn_data::{Images, Sequences, picture};
use birnn_infer::container::{self, Entry};
use birnn_infer::{Precision, Predictor};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::app::{App, Hosts};
use crate::limits::Limits;
use crate::listen::{Threads, serve};
use crate::metrics::Metrics;
use crate::models::{Models, Named};

fn of_workspace(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn digits() -> PathBuf {
    of_workspace("crates/birnn-formats/examples/digits.safetensors")
}

/// The same net with all of its weights times a number.
fn digits_times(factor: f32) -> Vec<u8> {
    let contents = container::read(&digits()).unwrap();
    let manifest = contents.manifest().clone();
    let shapes = contents.architecture().parameters(manifest.modality.inputs(), manifest.task.outputs());
    let entry = |(name, shape): (String, Vec<usize>)| {
        let values: Vec<f32> =
            contents.values(&contents.asked(&name)).iter().map(|value| factor * value).collect();
        Entry::floats(name, shape, &values)
    };
    let entries: Vec<Entry> = shapes.into_iter().map(entry).collect();
    container::encode(&manifest, &entries).unwrap()
}

fn five() -> Vec<u8> {
    std::fs::read(of_workspace("tests/fixtures/pictures/fonts/5-intuitive.png")).unwrap()
}

struct Running {
    app: App,
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<bool>,
}

async fn start(weights: PathBuf, limits: Limits) -> Running {
    let metrics = Metrics::new();
    let named = Named { name: Some("digits".to_owned()), run: weights };
    let models = Models::open(&[named], Precision::Highest, limits, metrics.clone()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = App::new(models, limits, metrics, Hosts::new(&[], address));
    let (stop, stopped) = oneshot::channel();
    let (of_app, threads) = (app.clone(), Threads::start(2).unwrap());
    let ended =
        tokio::spawn(async move { serve(listener, of_app, &threads, async { drop(stopped.await) }).await });
    Running { app, address, stop, ended }
}

/// The status of an answer, and its body.
fn parted(answer: &[u8]) -> (u16, String) {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    (status, body.to_owned())
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends these bytes and reads to the end of the connection.
    async fn send(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.connect().await;
        // A server that has heard enough may hang up before all is sent.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        answer
    }

    async fn ask(&self, first: &str, headers: &str, body: &[u8]) -> (u16, String) {
        let length = body.len();
        let head = format!(
            "{first} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
        );
        parted(&self.send(&[head.as_bytes(), body].concat()).await)
    }

    async fn predict(&self, kind: &str, body: &[u8]) -> (u16, String) {
        self.ask("POST /v1/models/digits/predict", &format!("Content-Type: {kind}\r\n"), body).await
    }

    async fn end(self) -> bool {
        self.stop.send(()).unwrap();
        self.ended.await.unwrap()
    }
}

fn short() -> Limits {
    // Longer than anything takes on a busy machine, but those who do nothing.
    let moment = Duration::from_secs(2);
    Limits { headers: moment, idle_body: moment, ..Limits::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_gets_the_answer_that_the_net_gives_it() {
    let running = start(digits(), Limits::default()).await;
    let predictor = Predictor::open(&digits()).unwrap();
    let modality = &predictor.manifest().modality;
    let pixels = picture::parse(&five(), [28, 28], &Default::default()).unwrap();
    let images: Sequences = Images { rows: 28, cols: 28, pixels }.into();
    let answers = predictor.answers_to_all(&images, 1);
    let answer = predictor.task().answer_to((modality, images.get(0)), &answers, 0..1);
    let expected: Value = serde_json::from_str(&serde_json::to_string(&answer).unwrap()).unwrap();
    assert_eq!(expected["class"], "5");

    let (status, body) = running.predict("image/png", &five()).await;
    let found: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &found["model"], &found["predictions"]), (200, &json!("digits"), &json!([expected])));

    // Many at once, and many requests at once.
    let file = STANDARD.encode(five());
    let body = json!({ "images": vec![file; 5] }).to_string();
    let asked = (0..20).map(|_| running.predict("application/json; charset=utf-8", body.as_bytes()));
    for (status, body) in futures(asked).await {
        let found: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &found["predictions"]), (200, &json!(vec![expected.clone(); 5])));
    }
    let (_, metrics) = running.ask("GET /metrics", "", b"").await;
    assert!(metrics.contains("birnn_predictions_total{model=\"digits\"} 101"), "{metrics}");
    assert!(metrics.contains("birnn_requests_waiting{model=\"digits\"} 0"), "{metrics}");
    assert!(running.end().await);
}

/// All at once.
async fn futures<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut all: Vec<_> = all.map(Box::pin).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|context| {
        all.retain_mut(|one| match one.as_mut().poll(context) {
            std::task::Poll::Ready(value) => {
                done.push(value);
                false
            }
            std::task::Poll::Pending => true,
        });
        if all.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_answered_is_told_with_the_way_out() {
    let running =
        start(digits(), Limits { body: 2000, pixels: 10_000, steps: 5000, ..Limits::default() }).await;
    // Each asks for an image, and takes three bytes.
    let many = format!("{{\"pixels\": [{}\"\"]}}", "\"\",".repeat(319));
    let wide = {
        let mut header = b"P5 101 100 255\n".to_vec();
        header.resize(header.len() + 101 * 100, 9);
        header
    };
    for (kind, body, status, said) in [
        ("application/json", &b"{\"images\": []}"[..], 422, "`images` is empty"),
        ("application/json", b"{\"images\": [\"!\"]}", 422, "images[0]: is no base64"),
        ("application/json", b"{\"images\": [\"aGVsbG8=\"]}", 422, "images[0]: "),
        ("application/json", b"{\"series\": [[1, 2]]}", 422, "reads images, and this is `series`"),
        (
            "application/json",
            b"{\"pixels\": [\"AAAA\"]}",
            422,
            "pixels[0]: has 3 bytes, and an image 784: 28 rows of 28",
        ),
        ("application/json", many.as_bytes(), 422, "8960 steps in all, and 5000 are answered at once"),
        ("application/json", b"{\"pixels\": [], \"images\": []}", 422, "and this is `images`, `pixels`"),
        ("application/json", b"{}", 422, "none of these"),
        ("application/json", b"{\"imges\": []}", 422, "unknown field `imges`"),
        (
            "application/json",
            b"{\"images\": [\"a\"]",
            422,
            "the body cannot be read as JSON: EOF while parsing",
        ),
        ("application/json", b"\xff\xfe", 422, "with `Content-Type: image/png` and the like"),
        ("application/json", b"", 422, "the body is empty"),
        (
            "application/json",
            b"null",
            422,
            "the body is no object with `images`, `pixels`, `series` or `sentences`",
        ),
        ("application/json", b"[]", 422, "the body is no object with"),
        ("application/json", b"{\"images\": \"aGVsbG8=\"}", 422, "`images` is a list of pictures' files"),
        ("application/json", b"{\"images\": [1]}", 422, "each a string in base64; line 1, column 13 is not"),
        ("application/json", b"{\"pixels\": [[0, 0]]}", 422, "`pixels` is a list of images"),
        ("application/json", b"{\"series\": [[\"a\"]]}", 422, "`series` is a list of series"),
        (
            "application/json",
            b"{\"images\": [\"data:image/png;base64,AAAA\"]}",
            422,
            "in one line, with its padding",
        ),
        ("application/json", b"{\"images\": [\"\"]}", 422, "images[0]: is empty"),
        ("image/png", b"hello", 422, "give an intact PNG"),
        ("image/png", b"", 422, "the body is empty"),
        ("text/plain", b"hello", 415, "application/json is, and image/png"),
        ("image/png", &[0; 2001], 413, "at most 2000 bytes"),
    ] {
        let (found, told) = running.predict(kind, body).await;
        let problem: Value = serde_json::from_str(&told).unwrap();
        assert_eq!((found, &problem["status"]), (status, &json!(status)), "{told}");
        assert!(problem["detail"].as_str().unwrap().contains(said), "{told}");
        assert_eq!(problem["type"], "about:blank");
    }
    let larger = start(digits(), Limits { pixels: 10_000, ..Limits::default() }).await;
    let (status, told) = larger.predict("image/x-portable-graymap", &wide).await;
    assert!(status == 422 && told.contains("101 x 100 pixels are more than the 10000"), "{told}");
    // Each is small enough, and they are not all together.
    let small = STANDARD.encode(
        [b"P5 56 56 255\n".as_slice(), &[[0; 1566].as_slice(), &[255; 4], &[0; 1566]].concat()].concat(),
    );
    let many = json!({ "images": vec![&small; 4] }).to_string();
    let (status, told) = larger.predict("application/json", many.as_bytes()).await;
    assert!(status == 422 && told.contains("pixels, with those before, are more than"), "{told}");
    // As few pixels as can be become those of the network's images.
    let dot = STANDARD.encode(b"P5 2 2 255\n\0\xff\0\xff");
    let many = json!({ "images": vec![&dot; 13] }).to_string();
    let (status, told) = larger.predict("application/json", many.as_bytes()).await;
    assert!(status == 422 && told.contains("10192 pixels of 28 x 28 images, and 10000"), "{told}");
    for (first, status, said) in [
        ("POST /v1/models/nobody/predict", 404, "there are `digits`"),
        ("POST /v1/models/..%2f..%2fetc%2fpasswd/predict", 404, "no network `../../etc/passwd`"),
        ("POST /v1/models/%ff/predict", 404, "a name that is not UTF-8; there are `digits`"),
        ("GET /../../etc/passwd", 404, "nothing at this path"),
        ("GET /v1/models/digits/predict", 405, "other methods"),
        ("BREW /v1/models", 405, "other methods"),
    ] {
        let (found, told) = running.ask(first, "Content-Type: image/png\r\n", b"").await;
        assert!(found == status && told.contains(said), "{first}: {found} {told}");
    }
    let packed = "Content-Type: image/png\r\nContent-Encoding: gzip\r\n";
    let (status, told) = running.ask("POST /v1/models/digits/predict", packed, &five()).await;
    assert!(status == 415 && told.contains("send it unpacked"), "{told}");
    let (_, metrics) = running.ask("GET /metrics", "", b"").await;
    assert!(metrics.contains("method=\"other\"") && !metrics.contains("BREW"), "{metrics}");
    // Chunked, without a length to go by.
    let chunk = [b"800\r\n".as_slice(), &[0; 0x800], b"\r\n"].concat();
    let head = "POST /v1/models/digits/predict HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: image/png\r\n\
                Transfer-Encoding: chunked\r\n\r\n";
    let (status, told) =
        parted(&running.send(&[head.as_bytes(), &chunk.repeat(100), b"0\r\n\r\n"].concat()).await);
    assert!(status == 413 && told.contains("a body has at most"), "{status} {told}");
    let asking = head.replace("Transfer-Encoding", "Expect: 100-continue\r\nTransfer-Encoding");
    let answer = running.send(&[asking.as_bytes(), &chunk.repeat(3000), b"0\r\n\r\n"].concat()).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.starts_with("HTTP/1.1 100 ") && answer.contains("a body has at most"), "{answer}");
    // Whole, by clients that send all of it before they read an answer.
    let large = vec![b' '; 6 << 20];
    for (first, kind, status) in [
        ("POST /v1/models/digits/predict", "image/png", 413),
        ("POST /v1/models/digits/predict", "text/csv", 415),
        ("POST /v1/models/nobody/predict", "image/png", 404),
        ("POST /nowhere", "image/png", 404),
        ("POST /v1/models", "image/png", 405),
    ] {
        let (found, told) = running.ask(first, &format!("Content-Type: {kind}\r\n"), &large).await;
        assert!(found == status && !told.is_empty(), "{first}: {found} {told}");
    }
    assert!(running.end().await && larger.end().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_for_this_machine_is_called_by_its_names_alone() {
    let running = start(digits(), Limits::default()).await;
    for (host, status) in [
        ("localhost", 200),
        ("LOCALHOST:80", 200),
        ("127.0.0.1:8080", 200),
        ("[::1]:8080", 200),
        ("[::1]", 200),
        ("evil.example", 421),
        ("evil.example:8080", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("192.0.2.7:8080", 200),
        ("", 421),
    ] {
        let request = format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        assert_eq!(parted(&running.send(request.as_bytes()).await).0, status, "{host}");
    }
    let any = "0.0.0.0:80".parse().unwrap();
    for (named, address, host, is_allowed) in [
        (vec![], any, "digits.example", true),
        (vec!["digits.example".to_owned()], any, "digits.example:80", true),
        (vec!["digits.example".to_owned()], any, "localhost", true),
        (vec!["digits.example".to_owned()], any, "192.0.2.7:80", true),
        (vec!["digits.example".to_owned()], any, "evil.example", false),
        (vec!["digits.example".to_owned()], running.address, "localhost", true),
    ] {
        assert_eq!(Hosts::new(&named, address).allow(host), is_allowed, "{named:?} {host}");
    }
    assert!(running.end().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_are_slow_are_let_go_and_others_are_answered() {
    let running = start(digits(), short()).await;
    let head = "POST /v1/models/digits/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n";
    for (sent, status) in [
        // Nothing, half of the headers, half of the body.
        (String::new(), 0),
        (head.to_owned(), 0),
        (format!("{head}Content-Length: 100\r\n\r\nhalf"), 408),
    ] {
        let picture = five();
        let (slow, quick) = (running.send(sent.as_bytes()), running.predict("image/png", &picture));
        let answers = tokio::join!(tokio::time::timeout(Duration::from_secs(20), slow), quick);
        let (found, told) = parted(&answers.0.expect("a connection that ends"));
        // To headers that never came there may be an answer, and need not.
        assert!(found == status || status == 0 && found == 408, "{sent}: {found} {told}");
        assert_eq!(answers.1.0, 200);
    }
    assert!(running.end().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_nothing_of_its_answers_keeps_nobody_out() {
    let limits = Limits { connections: 1, idle_answer: Duration::from_secs(2), ..Limits::default() };
    let running = start(digits(), limits).await;
    let (mut taken, mut asking) = running.connect().await.into_split();
    let asks = tokio::spawn(async move {
        // Far more answers than buffers hold between the two.
        let page = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(5000);
        asking.write_all(&page).await
    });
    let answered = tokio::time::timeout(Duration::from_secs(20), running.predict("image/png", &five())).await;
    assert_eq!(answered.expect("the other's turn").0, 200);
    // What was on its way comes, and then the end.
    let _ = taken.read_to_end(&mut Vec::new()).await;
    drop(asks.await);
    assert!(running.end().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_no_room_clients_are_asked_to_come_again() {
    let running = start(digits(), Limits { bodies: 1024, ..Limits::default() }).await;
    let head = format!(
        "POST /v1/models/digits/predict HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: image/png\r\n\
         Content-Length: {}\r\n\r\n",
        1025
    );
    let answer = running.send(&[head.as_bytes(), &[0; 1025]].concat()).await;
    let text = String::from_utf8_lossy(&answer).to_lowercase();
    assert!(text.starts_with("http/1.1 503") && text.contains("retry-after: 1\r\n"), "{text}");
    let (status, told) = running.ask("GET /healthz", "", b"").await;
    assert_eq!((status, told.as_str()), (200, "ok\n"));
    assert!(running.end().await);
}

/// A body has the room that has come of it, whatever it is said to become.
#[tokio::test(flavor = "multi_thread")]
async fn who_announces_much_and_sends_little_keeps_nobody_out() {
    let running = start(digits(), Limits { bodies: 64 << 10, ..Limits::default() }).await;
    let mut slow = Vec::new();
    for announced in ["Content-Length: 65536", "Transfer-Encoding: chunked"] {
        let head = format!(
            "POST /v1/models/digits/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n{announced}\r\n\r\n"
        );
        let mut stream = running.connect().await;
        stream.write_all(&[head.as_bytes(), b"1\r\n\0\r\n"].concat()).await.unwrap();
        slow.push(stream);
    }
    for _ in 0..3 {
        assert_eq!(running.predict("image/png", &five()).await.0, 200);
    }
    drop(slow);
    assert!(running.end().await);
}

/// As `nc` does: all is sent, and nothing more will be.
#[tokio::test(flavor = "multi_thread")]
async fn who_has_closed_its_half_of_a_connection_gets_its_answer() {
    let running = start(digits(), Limits::default()).await;
    let mut stream = running.connect().await;
    let head = format!(
        "POST /v1/models/digits/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: {}\r\n\r\n",
        five().len()
    );
    stream.write_all(&[head.as_bytes(), &five()].concat()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(parted(&answer).0, 200);
    assert!(running.end().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_and_its_files_are_given_and_nothing_else_may_be_loaded() {
    let running = start(digits(), Limits::default()).await;
    let (page, assets) = birnn_page::served();
    for (path, kind, text) in assets
        .map(|asset| (format!("/{}", asset.path), asset.kind, asset.text.to_owned()))
        .chain([("/".to_owned(), "text/html; charset=utf-8", page)])
    {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let answer = running.send(request.as_bytes()).await;
        let head = String::from_utf8_lossy(&answer).to_lowercase();
        assert!(
            head.starts_with("http/1.1 200") && head.contains(&format!("content-type: {kind}\r\n")),
            "{path}"
        );
        assert!(head.contains("content-security-policy: default-src 'none'"), "{path}");
        assert!(head.contains("script-src 'self'") == (path == "/"), "{path}");
        assert_eq!(parted(&answer).1, text, "{path}");
    }
    assert_eq!(running.ask("GET /page/other.js", "", b"").await.0, 404);
    assert!(running.end().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_is_of_the_answer_that_is_predicted() {
    let running = start(digits(), Limits::default()).await;
    let ask = |body: Vec<u8>| {
        let running = &running;
        async move { running.ask("POST /v1/models/digits/explain", "Content-Type: image/png\r\n", &body).await }
    };
    let (status, told) = ask(five()).await;
    let explained: Value = serde_json::from_str(&told).unwrap();
    let (_, told) = running.predict("image/png", &five()).await;
    let predicted: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((status, &explained["prediction"]), (200, &predicted["predictions"][0]));
    assert_eq!(explained["forming"]["first"].as_array().unwrap().len(), 28);
    assert_eq!(explained["directions"]["reverse"][0].as_array().unwrap().len(), 10);
    let pixels = picture::parse(&five(), [28, 28], &Default::default()).unwrap();
    let body = json!({ "pixels": [STANDARD.encode(pixels)] }).to_string();
    let (status, told) = running
        .ask("POST /v1/models/digits/explain", "Content-Type: application/json\r\n", body.as_bytes())
        .await;
    assert_eq!((status, serde_json::from_str::<Value>(&told).unwrap()), (200, explained));
    let file = STANDARD.encode(five());
    let two = json!({ "images": [file, file] }).to_string();
    let (status, told) = running
        .ask("POST /v1/models/digits/explain", "Content-Type: application/json\r\n", two.as_bytes())
        .await;
    assert!(status == 422 && told.contains("one sample is explained at a time, and these are 2"), "{told}");
    assert!(running.end().await);
}

/// More connections than there is room for: those that do nothing make way.
#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_keep_nobody_out_for_long() {
    let running = start(digits(), Limits { connections: 4, ..short() }).await;
    let mut idle = Vec::new();
    for _ in 0..12 {
        idle.push(running.connect().await);
    }
    let picture = five();
    let asked = tokio::time::timeout(Duration::from_secs(20), running.predict("image/png", &picture));
    assert_eq!(asked.await.expect("an answer").0, 200);
    drop(idle);
    assert!(running.end().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_have_asked_get_their_answers_from_a_server_that_stops() {
    let running = start(digits(), Limits::default()).await;
    let body = five();
    let mut stream = running.connect().await;
    let head = format!(
        "POST /v1/models/digits/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let (first, rest) = body.split_at(10);
    stream.write_all(&[head.as_bytes(), first].concat()).await.unwrap();
    // Until the server has it.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let (address, app) = (running.address, running.app.clone());
    let ended = tokio::spawn(running.end());
    while !app.is_stopping() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(TcpStream::connect(address).await.is_err(), "others are not taken any more");
    stream.write_all(rest).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(parted(&answer).0, 200);
    assert!(ended.await.unwrap());
}

/// Of those who ask again and again on a connection none is left without an answer to what it asked: with the
/// last one it is told that there is no other.
#[tokio::test(flavor = "multi_thread")]
async fn who_asks_again_and_again_is_told_of_the_end() {
    let running = start(digits(), Limits::default()).await;
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut stream = running.connect().await;
        clients.push(tokio::spawn(async move {
            for asked in 1.. {
                stream.write_all(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
                let mut answer = Vec::new();
                while !answer.ends_with(b"]}") {
                    assert!(stream.read_buf(&mut answer).await.unwrap() > 0, "no answer to request {asked}");
                }
                if String::from_utf8_lossy(&answer).contains("connection: close") {
                    return asked;
                }
            }
            unreachable!("it asks until the end")
        }));
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    // One that asks nothing keeps the others for a moment.
    let idle = running.connect().await;
    assert!(running.end().await);
    drop(idle);
    for client in clients {
        assert!(client.await.unwrap() > 1);
    }
}

/// Weights of other values in the place of those that are served, while they are asked.
#[tokio::test(flavor = "multi_thread")]
async fn new_weights_are_taken_and_nobody_goes_without_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let served = folder.path().join("net.safetensors");
    std::fs::copy(digits(), &served).unwrap();
    let running = start(served.clone(), Limits::default()).await;
    let digest = |running: &Running| running.app.models.get("digits").unwrap().about.sha256.clone();
    let (first, models) = (digest(&running), running.app.models.clone());
    let (_, by_the_first) = running.predict("image/png", &five()).await;

    // What is no net is told of, once, and the one that is there goes on.
    let damaged = folder.path().join("damaged");
    std::fs::write(&damaged, b"no net").unwrap();
    std::fs::rename(&damaged, &served).unwrap();
    for _ in 0..2 {
        models.refresh(false);
    }
    assert_eq!(digest(&running), first);
    assert_eq!(running.predict("image/png", &five()).await.0, 200);
    let (_, metrics) = running.ask("GET /metrics", "", b"").await;
    assert!(metrics.contains("birnn_reloads_total{model=\"digits\",outcome=\"failed\"} 1"), "{metrics}");

    let exchange = {
        let models = models.clone();
        tokio::task::spawn_blocking(move || {
            for turn in 0..20 {
                let next = served.with_extension(turn.to_string());
                std::fs::write(&next, digits_times(turn as f32 / 20.0)).unwrap();
                // As old as the one before, and as long, as files are that are made to be the same again.
                let file = std::fs::File::options().append(true).open(&next).unwrap();
                file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
                std::fs::rename(&next, &served).unwrap();
                models.refresh(false);
            }
        })
    };
    let mut asked = 0;
    while !exchange.is_finished() || asked == 0 {
        assert_eq!(running.predict("image/png", &five()).await.0, 200);
        asked += 1;
    }
    exchange.await.unwrap();
    assert_ne!(digest(&running), first);
    assert_ne!(running.predict("image/png", &five()).await.1, by_the_first, "it is answered by the new ones");
    // Who has the page open is told by which weights it is answered.
    let head = format!(
        "POST /v1/models/digits/explain HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: image/png\r\n\
         Content-Length: {}\r\n\r\n",
        five().len()
    );
    let answer = running.send(&[head.as_bytes(), &five()].concat()).await;
    let answer = String::from_utf8_lossy(&answer).to_lowercase();
    assert!(answer.contains(&format!("birnn-weights: {}\r\n", digest(&running))), "{answer}");
    let (_, metrics) = running.ask("GET /metrics", "", b"").await;
    assert!(metrics.contains("birnn_reloads_total{model=\"digits\",outcome=\"loaded\"} 20"), "{metrics}");
    assert!(running.end().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_names_every_path_and_what_is_sent() {
    let running = start(digits(), Limits::default()).await;
    let (status, body) = running.ask("GET /openapi.json", "", b"").await;
    let document: Value = serde_json::from_str(&body).unwrap();
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    let expected = [
        "/healthz",
        "/metrics",
        "/openapi.json",
        "/readyz",
        "/v1/models",
        "/v1/models/{name}/explain",
        "/v1/models/{name}/predict",
    ];
    assert_eq!((status, paths), (200, expected.map(str::to_owned).iter().collect()));
    for schema in ["Asked", "Predicted", "Problem", "AllModels", "About"] {
        assert!(document["components"]["schemas"][schema].is_object(), "{schema}");
    }
    // In either form that is read.
    for schema in ["Step", "Sentence"] {
        let forms = document["components"]["schemas"][schema]["oneOf"].as_array().unwrap();
        assert_eq!(forms.len(), 2, "{document}");
    }
    let (status, body) = running.ask("GET /v1/models", "", b"").await;
    let models: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &models["models"][0]["task"]), (200, &json!("classify")));
    assert_eq!(models["models"][0]["shape"], json!([28, 28]));
    assert!(running.end().await);
}

#[test]
fn networks_are_called_as_they_are_named() {
    let named = |name: Option<&str>| Named { name: name.map(str::to_owned), run: digits() };
    let opened = |names: &[Option<&str>]| {
        let all: Vec<Named> = names.iter().map(|name| named(*name)).collect();
        let models = Models::open(&all, Precision::Highest, Limits::default(), Metrics::new())
            .map_err(|error| error.to_string())?;
        Ok::<Vec<String>, String>(models.each().map(|loaded| loaded.about.name.clone()).collect())
    };
    assert_eq!(opened(&[Some("b"), Some("a.1"), None]).unwrap(), ["a.1", "b", "digits"]);
    assert!(opened(&[Some("a"), Some("a")]).unwrap_err().contains("two networks would be called `a`"));
    for bad in ["", ".", "a/b", "a b", "ä"] {
        assert!(opened(&[Some(bad)]).unwrap_err().contains("is no name for a network"), "{bad}");
    }
    let mut nothing = tempfile::NamedTempFile::with_suffix(".safetensors").unwrap();
    nothing.write_all(b"nothing").unwrap();
    let named = Named { name: None, run: nothing.path().to_owned() };
    assert!(Models::open(&[named], Precision::Highest, Limits::default(), Metrics::new()).is_err());
}

#[test]
fn problems_say_their_status() {
    let problem = crate::problem::Problem::new(StatusCode::NOT_FOUND, "x");
    let told = serde_json::to_value(&problem).unwrap();
    assert_eq!(told, json!({ "type": "about:blank", "title": "Not Found", "status": 404, "detail": "x" }));
}
