//! Those who ask: each with a connection of its own, and the next question once there is an answer.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::pictures::Picture;

/// What came of a turn.
#[derive(Clone, Debug)]
pub struct Turn {
    /// From question to answer, in microseconds, in rising order.
    pub latencies: Vec<u32>,
    pub seconds: f64,
    /// Questions that got no answer.
    pub failed: usize,
}

impl Turn {
    /// Answers a second.
    pub fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.seconds
    }

    /// In milliseconds.
    pub fn percentile(&self, percent: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let rank = (percent / 100.0 * last as f64).round() as usize;
        self.latencies.get(rank).map_or(f64::NAN, |&micros| f64::from(micros) / 1000.0)
    }
}

/// A client's connection.
struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    async fn connect(address: SocketAddr) -> Result<Client> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Client { stream, buffer: Vec::with_capacity(8 << 10) })
    }

    /// The status of an answer; its body is then at the end of the buffer.
    async fn ask(&mut self, request: &[u8]) -> Result<(u16, std::ops::Range<usize>)> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = std::str::from_utf8(&self.buffer[..end])?.to_ascii_lowercase();
                let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
                let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
                let length: usize = length.context("no Content-Length")?.trim().parse()?;
                let body = end + 4..end + 4 + length;
                while self.buffer.len() < body.end {
                    ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the connection ended");
                }
                return Ok((status.context("no status")?, body));
            }
            ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the connection ended");
        }
    }
}

fn request(path: &str, picture: &Picture) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: {}\r\n\r\n",
        picture.file.len()
    );
    [head.as_bytes(), &picture.file].concat()
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    // One thread: who asks is to take as little as can be from who answers.
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// How many of the pictures are answered by another class than the network's.
pub fn wrong_answers(address: SocketAddr, path: &str, pictures: &[Picture]) -> Result<usize> {
    runtime()?.block_on(async {
        let mut client = Client::connect(address).await?;
        let mut wrong = 0;
        for picture in pictures {
            let (status, body) = client.ask(&request(path, picture)).await?;
            let told = &client.buffer[body];
            ensure!(status == 200, "{status}: {}", String::from_utf8_lossy(told));
            let told: Value = serde_json::from_slice(told)?;
            let class = &told["predictions"][0]["class"];
            wrong += usize::from(class.as_str() != Some(&picture.class));
        }
        Ok(wrong)
    })
}

/// So many ask for so long.
pub fn ask(
    address: SocketAddr,
    path: &str,
    pictures: &[Picture],
    connections: usize,
    turn: Duration,
) -> Result<Turn> {
    let requests: Vec<Vec<u8>> = pictures.iter().map(|picture| request(path, picture)).collect();
    runtime()?.block_on(async {
        let local = tokio::task::LocalSet::new();
        let requests = std::rc::Rc::new(requests);
        let begun = Instant::now();
        let tasks: Vec<_> = (0..connections)
            .map(|index| {
                let requests = requests.clone();
                local.spawn_local(async move {
                    let mut client = Client::connect(address).await?;
                    let (mut latencies, mut failed) = (Vec::new(), 0);
                    for request in requests.iter().cycle().skip(index) {
                        if begun.elapsed() >= turn {
                            break;
                        }
                        let asked = Instant::now();
                        match client.ask(request).await?.0 {
                            200 => latencies.push(u32::try_from(asked.elapsed().as_micros())?),
                            _ => failed += 1,
                        }
                    }
                    Ok::<_, anyhow::Error>((latencies, failed))
                })
            })
            .collect();
        let (mut latencies, mut failed) = (Vec::new(), 0);
        local
            .run_until(async {
                for task in tasks {
                    let (own, own_failed) = task.await??;
                    latencies.extend(own);
                    failed += own_failed;
                }
                Ok::<_, anyhow::Error>(())
            })
            .await?;
        if latencies.is_empty() {
            bail!("no answer in {} seconds", turn.as_secs());
        }
        latencies.sort_unstable();
        Ok(Turn { latencies, seconds: begun.elapsed().as_secs_f64(), failed })
    })
}
