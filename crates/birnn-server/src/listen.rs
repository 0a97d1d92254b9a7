//! Connections: how many, how long they may do nothing, and how they end.

use std::future::Future;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, Sleep};

use crate::app::App;

/// How long connections stay open on which nobody is waiting for an answer, once the server is to stop: a
/// client may just have asked on one, or be about to, and does not know yet.
const LINGER: Duration = Duration::from_millis(500);

/// How long to wait where a connection cannot be taken, such as for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// Threads that read and write connections, each its own, until this is dropped. A request of a lone client
/// so wakes no second thread; who shares a thread with others may wait for the [moments](crate::moments) that
/// they take while another is idle.
#[derive(Debug)]
pub(crate) struct Threads {
    /// With what each connection of a thread holds as well, by which they are counted.
    each: Vec<(Handle, Arc<()>)>,
    _ends: Vec<oneshot::Sender<()>>,
}

impl Threads {
    pub(crate) fn start(count: usize) -> io::Result<Threads> {
        let (mut each, mut ends) = (Vec::new(), Vec::new());
        for index in 0..count {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let (end, ended) = oneshot::channel();
            each.push((runtime.handle().clone(), Arc::default()));
            ends.push(end);
            thread::Builder::new().name(format!("reads {index}")).spawn(move || {
                let _ = runtime.block_on(ended);
                runtime.shutdown_background();
            })?;
        }
        Ok(Threads { each, _ends: ends })
    }

    /// The one that has the fewest connections.
    fn idlest(&self) -> Option<&(Handle, Arc<()>)> {
        self.each.iter().min_by_key(|(_, connections)| Arc::strong_count(connections))
    }
}

/// A connection whose client takes what it is sent: one that takes nothing of it for so long is given up.
struct Patient {
    stream: TcpStream,
    limit: Duration,
    /// Since when it has taken nothing, where something waits.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    fn within<T>(&mut self, cx: &mut Context<'_>, done: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.stalled = None;
            return done;
        }
        let limit = self.limit;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        stalled.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.within(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.within(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.within(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.within(cx, shut)
    }
}

/// Answers by `threads` until `stop`, and then those who are waiting for an answer. Whether all got theirs.
pub(crate) async fn serve(
    listener: TcpListener,
    app: App,
    threads: &Threads,
    stop: impl Future<Output = ()>,
) -> bool {
    let (limits, router) = (app.limits, app.clone().router());
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(limits.connections));
    let mut builder = http1::Builder::new();
    // Who has sent all may say so, and still gets the answer.
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.headers)
        .max_buf_size(limits.header_bytes)
        .half_close(true);
    let begin = |stream: TcpStream, permit: OwnedSemaphorePermit| {
        // Answers are small, and each is whole.
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(router.clone());
        let Some((thread, connections)) = threads.idlest() else { return };
        let (builder, watcher) = (builder.clone(), graceful.watcher());
        let held = (permit, connections.clone());
        // It is to wait for the events of that thread.
        let stream = stream.into_std();
        thread.spawn(async move {
            match stream.and_then(TcpStream::from_std) {
                Ok(stream) => {
                    let stream = Patient { stream, limit: limits.idle_answer, stalled: None };
                    let connection = builder.serve_connection(TokioIo::new(stream), service);
                    if let Err(error) = watcher.watch(connection).await {
                        tracing::debug!("a connection ended: {error}");
                    }
                }
                Err(error) => tracing::debug!("a connection could not be taken: {error}"),
            }
            drop(held);
        });
    };
    tokio::pin!(stop);
    loop {
        // The others wait where the system lets them.
        let permit = tokio::select! {
            () = &mut stop => break,
            permit = room.clone().acquire_owned() => permit,
        };
        let Ok(permit) = permit else { break };
        let stream = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        match stream {
            Ok((stream, _)) => begin(stream, permit),
            Err(error) => {
                tracing::debug!("a connection could not be taken: {error}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    app.stop();
    let end = Instant::now() + limits.drain;
    // Those who wait where the system let them may have asked already.
    let waiting = async {
        while let Ok(permit) = room.clone().try_acquire_owned()
            && let Ok(Ok((stream, _))) = tokio::time::timeout(PAUSE / 10, listener.accept()).await
        {
            begin(stream, permit);
        }
    };
    let _ = tokio::time::timeout(PAUSE * 10, waiting).await;
    drop(listener);
    // With its answer each is told that it was the connection's last.
    let all = u32::try_from(limits.connections).unwrap_or(u32::MAX);
    let _ = tokio::time::timeout(LINGER, room.acquire_many(all)).await;
    tokio::time::timeout_at(end, graceful.shutdown()).await.is_ok()
}

/// What a server that listens there says of who can reach it.
pub(crate) fn reach(address: SocketAddr) -> &'static str {
    match address.ip().is_loopback() {
        true => "this machine alone can reach it",
        false => {
            "every machine that reaches this address can ask, unencrypted and without a password; put a proxy before it \
             where not all may"
        }
    }
}
