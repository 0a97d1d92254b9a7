//! What happens, counted, in Prometheus' text format.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// All that is counted.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    durations: Family<Route, Histogram>,
    waiting: Family<Model, Gauge<i64, AtomicI64>>,
    batches: Family<Model, Histogram>,
    predictions: Family<Model, Counter>,
    reloads: Family<Reload, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Model {
    model: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reload {
    model: String,
    outcome: &'static str,
}

/// What is counted of one network.
#[derive(Clone, Debug)]
pub(crate) struct OfModel {
    waiting: Gauge<i64, AtomicI64>,
    batches: Histogram,
    predictions: Counter,
}

impl Metrics {
    pub(crate) fn new() -> Arc<Metrics> {
        let seconds = || Histogram::new(exponential_buckets(0.000_25, 2.0, 17));
        let samples = || Histogram::new(exponential_buckets(1.0, 2.0, 11));
        let metrics = Metrics {
            registry: Registry::default(),
            requests: Family::default(),
            durations: Family::new_with_constructor(seconds),
            waiting: Family::default(),
            batches: Family::new_with_constructor(samples),
            predictions: Family::default(),
            reloads: Family::default(),
        };
        let mut registry = Registry::with_prefix("birnn");
        registry.register("http_requests", "Requests that were answered", metrics.requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "From a request's headers to its answer",
            Unit::Seconds,
            metrics.durations.clone(),
        );
        registry.register("requests_waiting", "Requests that wait for a network", metrics.waiting.clone());
        registry.register("batch_samples", "Samples that were answered together", metrics.batches.clone());
        registry.register("predictions", "Samples that were answered", metrics.predictions.clone());
        registry.register("reloads", "Weights that were read anew", metrics.reloads.clone());
        Arc::new(Metrics { registry, ..metrics })
    }

    pub(crate) fn answered(&self, method: &str, route: &str, status: u16, seconds: f64) {
        let (method, route) = (method.to_owned(), route.to_owned());
        self.durations.get_or_create(&Route { route: route.clone() }).observe(seconds);
        self.requests.get_or_create(&Request { method, route, status }).inc();
    }

    pub(crate) fn reloaded(&self, model: &str, is_well: bool) {
        let outcome = if is_well { "loaded" } else { "failed" };
        self.reloads.get_or_create(&Reload { model: model.to_owned(), outcome }).inc();
    }

    pub(crate) fn of_model(&self, model: &str) -> OfModel {
        let model = Model { model: model.to_owned() };
        OfModel {
            waiting: self.waiting.get_or_create_owned(&model),
            batches: self.batches.get_or_create_owned(&model),
            predictions: self.predictions.get_or_create_owned(&model),
        }
    }

    /// All of it, as Prometheus reads it.
    pub(crate) fn text(&self) -> String {
        let mut told = String::new();
        // Writing into a string does not fail.
        let _ = text::encode(&mut told, &self.registry);
        told
    }
}

impl OfModel {
    /// So many requests more wait for it.
    pub(crate) fn waits(&self, more: i64) {
        self.waiting.inc_by(more);
    }

    /// So many samples are answered together.
    pub(crate) fn answers(&self, samples: usize) {
        self.batches.observe(samples as f64);
        self.predictions.inc_by(samples as u64);
    }
}
