//! The real server, started and asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::Sandbox;

/// A server that was started, at an address of its own.
#[derive(Debug)]
pub struct Server {
    /// The process.
    pub child: Child,
    /// Where it listens.
    pub address: String,
    told: BufReader<ChildStderr>,
}

impl Server {
    /// `birnn serve` of these networks, once it listens.
    pub fn start(sandbox: &Sandbox, runs: &[&str]) -> Server {
        let args = [&["serve", "--listen", "127.0.0.1:0"], runs].concat();
        let mut child = sandbox.command(&args).stderr(Stdio::piped()).spawn().unwrap();
        let mut told = BufReader::new(child.stderr.take().unwrap());
        let mut before = String::new();
        let address = loop {
            let mut line = String::new();
            assert_ne!(told.read_line(&mut line).unwrap(), 0, "it ended: {before}");
            if let Some((_, rest)) = line.split_once("listening on http://") {
                break rest.split(": ").next().unwrap().to_owned();
            }
            before += &line;
        };
        Server { child, address, told }
    }

    /// The status and the JSON that are answered to a request.
    pub fn ask(&self, first: &str, kind: &str, body: &[u8]) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
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

    /// Until it says so.
    pub fn until_it_says(&mut self, part: &str) {
        let mut line = String::new();
        while !line.contains(part) {
            line.clear();
            assert_ne!(self.told.read_line(&mut line).unwrap(), 0, "it ended without `{part}`");
        }
    }

    /// Its exit code, once SIGTERM has ended it.
    pub fn end(mut self) -> Option<i32> {
        self.signal(Signal::TERM);
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
