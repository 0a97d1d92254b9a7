//! `birnn serve`: networks that answer over HTTP.

use std::ffi::OsString;
use std::path::Path;

use birnn_server::{Ended, Limits, ModelError, Named, Options, ServeError, Server};

use crate::args::ServeArgs;
use crate::asked::unusable;
use crate::failure::{Failure, Outcome};

/// Answers until a signal says that it is enough.
pub fn run(args: &ServeArgs) -> Outcome {
    let options = Options {
        models: args.runs.iter().map(named).collect(),
        listen: args.listen,
        hosts: args.hosts.clone(),
        precision: args.precision.precision,
        limits: Limits::default(),
    };
    let server = Server::bind(&options)?;
    for name in server.models() {
        tracing::info!("{name}: POST /v1/models/{name}/predict");
    }
    tracing::info!(
        "listening on http://{}: {}; a page to try it on is there",
        server.address(),
        server.reach()
    );
    match server.run()? {
        Ended::Drained => Ok(()),
        Ended::Cut => Err(Failure::run("some who had asked did not get their answers in time")),
    }
}

/// `RUN`, or `NAME=RUN` where there is nothing of that whole name.
fn named(given: &OsString) -> Named {
    let whole = || Named { name: None, run: given.into() };
    match given.to_str().and_then(|text| text.split_once('=')) {
        Some((name, run)) if !run.is_empty() && !Path::new(given).exists() => {
            Named { name: Some(name.to_owned()), run: run.into() }
        }
        _ => whole(),
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Failure {
        match error {
            ServeError::Model(ModelError::Weights { run, error }) => unusable(&run, error),
            ServeError::Model(ModelError::Threads(_)) | ServeError::System(_) => Failure::run(error),
            ServeError::Model(_) | ServeError::Listen { .. } => Failure::request(error),
        }
    }
}
