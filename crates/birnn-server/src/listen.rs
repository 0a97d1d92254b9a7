//! Connections: how many, how long they may do nothing, and how they end.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::app::App;

/// How long connections stay open on which nobody is waiting for an answer, once the server is to stop: a client may just have
/// asked on one, or be about to, and does not know yet.
const LINGER: Duration = Duration::from_millis(500);

/// How long to wait where a connection cannot be taken, such as for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// Answers until `stop`, and then those who are waiting for an answer. Whether all got theirs.
///
/// Each connection is read and written by one of `threads` from its beginning to its end, the one that has the fewest then: so
/// a request wakes no other thread.
pub(crate) async fn serve(
    listener: TcpListener,
    app: App,
    threads: &[Handle],
    stop: impl Future<Output = ()>,
) -> bool {
    let (limits, router) = (app.limits, app.clone().router());
    // Each is held by the connections of its thread as well.
    let counts: Vec<Arc<()>> = threads.iter().map(|_| Arc::new(())).collect();
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(limits.connections));
    let mut builder = http1::Builder::new();
    // Who has sent all may say so, and still gets the answer.
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.headers)
        .max_buf_size(64 << 10)
        .half_close(true);
    let begin = |stream: TcpStream, permit: OwnedSemaphorePermit| {
        // Answers are small, and each is whole.
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(router.clone());
        let fewest = counts.iter().zip(threads).min_by_key(|(count, _)| Arc::strong_count(count));
        let (Some((count, thread)), Ok(stream)) = (fewest, stream.into_std()) else { return };
        let (builder, watcher, held) = (builder.clone(), graceful.watcher(), (permit, count.clone()));
        thread.spawn(async move {
            let ended = match TcpStream::from_std(stream) {
                Ok(stream) => watcher.watch(builder.serve_connection(TokioIo::new(stream), service)).await,
                Err(error) => return tracing::debug!("a connection could not be taken: {error}"),
            };
            if let Err(error) = ended {
                tracing::debug!("a connection ended: {error}");
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
    tokio::time::timeout(limits.drain, graceful.shutdown()).await.is_ok()
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
