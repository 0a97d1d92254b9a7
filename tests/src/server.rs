//! The real server, started and asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{PATIENCE, Sandbox, wait_until};

/// A server that was started, at an address of its own.
#[derive(Debug)]
pub struct Server {
    /// The process.
    pub child: Child,
    /// Where it listens.
    pub address: String,
    /// What it says, line by line, until it ends.
    told: Receiver<String>,
}

impl Server {
    /// `birnn serve` of these networks, once it listens.
    pub fn start(sandbox: &Sandbox, runs: &[&str]) -> Server {
        let args = [&["serve", "--listen", "127.0.0.1:0"], runs].concat();
        let mut child = sandbox.command(&args).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (said, told) = mpsc::channel();
        // Read by a thread, so that who waits for a line can stop waiting; it goes on for the server's sake,
        // which is not to find its standard error closed.
        thread::spawn(move || stderr.lines().map_while(Result::ok).for_each(|line| _ = said.send(line)));
        let mut server = Server { child, address: String::new(), told };
        let listening = server.until_it_says("listening on http://");
        let (_, address) = listening.split_once("http://").unwrap();
        server.address = address.split(": ").next().unwrap().to_owned();
        server
    }

    /// The status and the JSON that are answered to a request.
    pub fn ask(&self, first: &str, kind: &str, body: &[u8]) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!(
            "{first} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap())
    }

    /// The predictions of a network for what a body asks.
    pub fn predict(&self, model: &str, body: &Value) -> Value {
        let first = format!("POST /v1/models/{model}/predict");
        let (status, told) = self.ask(&first, "application/json", body.to_string().as_bytes());
        assert_eq!((status, &told["model"]), (200, &model.into()), "{told}");
        told["predictions"].clone()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// The first line that holds this; those before it are passed over.
    pub fn until_it_says(&mut self, part: &str) -> String {
        let mut before = String::new();
        let end = Instant::now() + PATIENCE;
        loop {
            match self.told.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) if line.contains(part) => return line,
                Ok(line) => before = before + &line + "\n",
                Err(RecvTimeoutError::Disconnected) => panic!("it ended without `{part}`:\n{before}"),
                Err(RecvTimeoutError::Timeout) => panic!("{PATIENCE:?} went by without `{part}`:\n{before}"),
            }
        }
    }

    /// Its exit code, once SIGTERM has ended it.
    pub fn end(mut self) -> Option<i32> {
        self.signal(Signal::TERM);
        wait_until(|| self.child.try_wait().unwrap().is_some(), || "SIGTERM did not end it".to_owned());
        self.child.wait().unwrap().code()
    }
}

/// A test that fails leaves none behind.
impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
