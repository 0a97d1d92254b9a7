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
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::app::App;

/// How long to wait where a connection cannot be taken, such as for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// Answers until `stop`, and then those who are waiting for an answer. Whether all got theirs.
pub(crate) async fn serve(listener: TcpListener, app: App, stop: impl Future<Output = ()>) -> bool {
    let (limits, router) = (app.limits, app.clone().router());
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
        let connection = graceful.watch(builder.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!("a connection ended: {error}");
            }
            drop(permit);
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
