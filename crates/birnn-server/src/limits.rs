//! How much a client may ask for.

use std::time::Duration;

/// The most of everything: past it a request is refused, and the server goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request's body.
    pub body: usize,
    /// Bytes of all bodies that are being read or wait to be answered.
    pub bodies: usize,
    /// Requests that wait for each network.
    pub queue: usize,
    /// Pixels of the pictures of a request, as they are sent and as the network reads them.
    pub pixels: u64,
    /// Rows of the images, steps of the series, or tokens of the texts, of a request.
    pub steps: usize,
    /// Of these: those of what is explained, which takes many times as long.
    pub explained: usize,
    /// Characters of a token.
    pub token: usize,
    /// Connections at a time.
    pub connections: usize,
    /// Bytes of the headers of a request.
    pub header_bytes: usize,
    /// How long the headers of a request may take, or the next request on a connection.
    pub headers: Duration,
    /// How long its body may stand still.
    pub idle_body: Duration,
    /// How long it may take in all, and then its answer.
    pub request: Duration,
    /// How long a client may take nothing of what it is sent.
    pub idle_answer: Duration,
    /// How long those may take that are under way when the server is to stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            body: 4 << 20,
            bodies: 64 << 20,
            queue: 1024,
            pixels: 16_000_000,
            steps: 100_000,
            explained: 10_000,
            token: 1000,
            connections: 1024,
            header_bytes: 64 << 10,
            headers: Duration::from_secs(10),
            idle_body: Duration::from_secs(10),
            request: Duration::from_secs(30),
            idle_answer: Duration::from_secs(10),
            drain: Duration::from_secs(30),
        }
    }
}
