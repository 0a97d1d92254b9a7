//! Answers over HTTP, by networks on their kernels, without libtorch.
//!
//! [`Server::bind`] reads the networks and takes the address, so that both can be refused before anyone is
//! told of a server; [`Server::run`] answers until it is told to stop.
//!
//! ```text
//! connection (listen) -> app: host, time, headers, counts -> route -> room for its body
//!     -> queue of its network
//!     of a moment -> samples, with those of others -> Predictor -> answers as JSON
//!     of more     -> a thread of the network's own, which does the same
//! ```

mod answering;
mod app;
mod asked;
mod effort;
mod limits;
mod listen;
mod metrics;
mod models;
mod moments;
mod problem;
mod queue;
mod room;
mod routes;
#[cfg(test)]
mod tests;
mod unread;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use birnn_infer::{Precision, cpu};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::{App, Hosts};
use crate::listen::Threads;
use crate::metrics::Metrics;
use crate::models::Models;

pub use crate::limits::Limits;
pub use crate::models::{ModelError, Named};

/// What to serve, and where.
#[derive(Clone, Debug)]
pub struct Options {
    /// The networks.
    pub models: Vec<Named>,
    /// The address to listen at; of port 0 the system chooses one.
    pub listen: SocketAddr,
    /// By which names the server may be called, beside those of this machine; of an address that others can
    /// reach, where there are none, by every name.
    pub hosts: Vec<String>,
    /// How exact products in recurrent layers are.
    pub precision: Precision,
    /// What a client may ask for.
    pub limits: Limits,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A network cannot be served.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The address cannot be had.
    #[error("{address}: {error}; --listen takes another address")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// The system does not give what a server needs.
    #[error("the server cannot be started: {0}")]
    System(#[from] io::Error),
}

/// How often files are looked at, to see whether there are newer weights.
const LOOK: Duration = Duration::from_secs(2);

/// Networks that are read, and an address that is taken.
#[derive(Debug)]
pub struct Server {
    app: App,
    listener: std::net::TcpListener,
    address: SocketAddr,
}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All who had asked got their answers.
    Drained,
    /// Some did not, in the time that there was.
    Cut,
}

impl Server {
    /// Reads the networks, and takes the address.
    ///
    /// # Errors
    ///
    /// Where a network cannot be read, or the address not be had.
    pub fn bind(options: &Options) -> Result<Server, ServeError> {
        let Options { models, listen, hosts, precision, limits } = options;
        let metrics = Metrics::new();
        let models = Models::open(models, *precision, *limits, metrics.clone())?;
        let listening = |error| ServeError::Listen { address: *listen, error };
        let listener = std::net::TcpListener::bind(listen).map_err(listening)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let app = App::new(models, *limits, metrics, Hosts::new(hosts, address));
        Ok(Server { app, listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Who can reach it, for people.
    pub fn reach(&self) -> &'static str {
        listen::reach(self.address)
    }

    /// What its networks are called.
    pub fn models(&self) -> Vec<String> {
        self.app.models.each().map(|loaded| loaded.about.name.clone()).collect()
    }

    /// Answers until SIGTERM or SIGINT, and then those who have asked. SIGHUP, or other files in the place of
    /// theirs, has the networks read anew; those who have asked get the answers of the old.
    ///
    /// # Errors
    ///
    /// Where the system does not give what a server needs.
    pub fn run(self) -> Result<Ended, ServeError> {
        // What takes a moment is answered by these; more is worked out elsewhere.
        let threads = Threads::start(cpu::threads())?;
        let Server { app, listener, .. } = self;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let ended = runtime.block_on(async {
            let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
            let looking = tokio::spawn(look(app.clone(), signal(SignalKind::hangup())?));
            let listener = TcpListener::from_std(listener)?;
            let all = listen::serve(listener, app, &threads, stopped(terminate, interrupt)).await;
            looking.abort();
            Ok::<bool, io::Error>(all)
        })?;
        runtime.shutdown_background();
        Ok(if ended { Ended::Drained } else { Ended::Cut })
    }
}

/// Until a signal asks the server to stop.
async fn stopped(mut terminate: Signal, mut interrupt: Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("about to stop: those who have asked get their answers");
    // The next one ends it at once.
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::error!("a second signal: who still waits for an answer gets none");
        std::process::exit(1);
    });
}

/// Looks for newer weights, now and then and at each SIGHUP.
async fn look(app: App, mut hangup: Signal) {
    loop {
        let asked = tokio::select! {
            signal = hangup.recv() => signal.is_some(),
            () = tokio::time::sleep(LOOK) => false,
        };
        let models = app.models.clone();
        // Reading weights takes a while, in which others are answered.
        let _ = tokio::task::spawn_blocking(move || models.refresh(asked)).await;
    }
}
