//! What was run and on what.

use birnn_architecture::{Architecture, Cell};
use birnn_data::name::shown;
use birnn_data::{Modality, Per, Recorded, Series};
use birnn_infer::{Manifest, Task};
use birnn_run::Session;

use crate::figure::Table;
use crate::number::number;
use crate::run::Run;
use crate::words::Words;

/// Something to know of a run.
#[derive(Debug)]
pub(crate) struct Fact {
    pub(crate) name: &'static str,
    pub(crate) value: String,
}

/// What a reader must not miss: data that is not what it seems.
pub(crate) fn banners(run: &Run, words: Words) -> Vec<String> {
    let recorded = run.predictor.manifest().recorded();
    let mut banners = Vec::new();
    if let Some(dataset) = recorded.substitute_for() {
        banners.push(format!(
            "Trained on synthetic digits, not on {dataset}: the data set could not be had, and drawn digits \
             stood in for it."
        ));
    }
    if let Some(dataset) = &run.provenance.substitute_for {
        banners.push(format!(
            "Judged by synthetic digits, not by {dataset}: no number on this page says anything about \
             {dataset}."
        ));
    }
    let found = run.provenance.sha256.as_str();
    if banners.is_empty() && recorded.sha256().is_some_and(|recorded| recorded != found) {
        banners.push(format!(
            "The {} of this page are not those that the run was trained and tested with.",
            words.samples
        ));
    }
    banners
}

/// The facts, and the sessions in which the run was trained.
pub(crate) fn facts(run: &Run, words: Words) -> (Vec<Fact>, Option<Table>) {
    let (architecture, manifest) = (run.predictor.network().architecture(), run.predictor.manifest());
    let parameters = architecture.parameter_count(manifest.modality.inputs(), manifest.task.outputs());
    let found = run.provenance;
    let mut facts = vec![
        Fact { name: "Net", value: net(architecture) },
        Fact { name: "Parameters", value: number(parameters as f64) },
        data(&found.dataset, manifest, words),
        prepared(&manifest.modality),
        Fact { name: "Trained on", value: trained_on(manifest.recorded(), words) },
        Fact {
            name: "Judged by",
            value: format!("{}, {} test {}", found.dataset, number(run.test.len() as f64), words.samples),
        },
        Fact { name: "Weights", value: shown(&run.weights).to_string() },
        Fact { name: "libtorch", value: manifest.libtorch.clone().unwrap_or_else(|| "not known".to_owned()) },
    ];
    if let Some(epoch) = run.records.epochs.last() {
        let (epoch, step) = (number(epoch.epoch as f64), number(epoch.step as f64));
        facts.push(Fact { name: "Training recorded up to", value: format!("epoch {epoch}, step {step}") });
    }
    let Some(meta) = &run.records.meta else { return (facts, None) };
    facts.push(Fact { name: "Seed", value: meta.seed.to_string() });
    facts.push(Fact { name: "Trained with", value: meta.device.clone() });
    facts.push(Fact { name: "Status", value: meta.status.to_string() });
    (facts, Some(sessions(&meta.sessions)))
}

/// Such as `LSTM, 2 layers, 128 units forward, 128 reverse, readout final`.
fn net(architecture: &Architecture) -> String {
    let cell = match architecture.cell {
        Cell::RnnTanh => "RNN (tanh)",
        Cell::RnnRelu => "RNN (ReLU)",
        Cell::Gru => "GRU",
        Cell::Lstm => "LSTM",
    };
    let layers = match architecture.layers {
        1 => "1 layer".to_owned(),
        layers => format!("{layers} layers"),
    };
    let units = match (architecture.forward, architecture.reverse) {
        (Some(forward), Some(reverse)) => format!("{forward} units forward and {reverse} reverse"),
        (Some(forward), None) => format!("{forward} units, forward only"),
        (None, reverse) => format!("{} units, reverse only", reverse.unwrap_or(0)),
    };
    format!("{cell}, {layers}, {units}, {}", architecture.readout.described())
}

/// What the net is for.
fn data(dataset: &str, manifest: &Manifest, words: Words) -> Fact {
    let answers = answers(&manifest.task);
    let value = match &manifest.modality {
        Modality::Images { shape: [rows, cols], .. } => format!(
            "{dataset}, {rows} × {cols}: {rows} time steps, the rows from above, of {cols} pixels; \
             {answers}"
        ),
        other @ (Modality::Series(_) | Modality::Text(_)) => format!("{dataset}: {other}; {answers}"),
    };
    Fact { name: words.heading, value }
}

/// Such as `10 classes`, or `2 targets (height, weight) for each step`.
fn answers(task: &Task) -> String {
    let count = task.outputs();
    let what = match task {
        Task::Classify(_) => format!("{count} classes"),
        Task::Regress(_) if count == 1 => format!("one target ({})", task.names()[0]),
        Task::Regress(_) => format!("{count} targets ({})", task.names().join(", ")),
    };
    match task.per() {
        Per::Sequence => what,
        Per::Step => format!("{what} for each step"),
    }
}

/// How a picture or a series is prepared for the net.
fn prepared(modality: &Modality) -> Fact {
    let (name, value) = match modality {
        Modality::Images { preprocessing: Some(preprocessing), .. } => {
            ("Pictures", format!("prepared as its training images were: {preprocessing}"))
        }
        Modality::Images { .. } => {
            ("Pictures", "it is not known what its training images were like".to_owned())
        }
        Modality::Text(text) => (
            "Words",
            format!(
                "{} words and {} characters are known; all others are read as one",
                number(text.words.len() as f64),
                text.character_count() - 1
            ),
        ),
        Modality::Series(Series { missing, missing_mask: false, .. }) => {
            ("Missing values", missing.to_string())
        }
        Modality::Series(Series { missing, .. }) => {
            ("Missing values", format!("{missing}, and the net reads which they are"))
        }
    };
    Fact { name, value }
}

fn trained_on(data: Recorded, words: Words) -> String {
    let samples = words.samples;
    let dataset = data.data().unwrap_or_else(|| format!("{samples} that its weights file does not name"));
    let shown = |count: Option<u64>| count.map(|count| number(count as f64));
    let trained =
        shown(data.train()).map_or_else(String::new, |count| format!(", {count} training {samples}"));
    let kept = match shown(data.validation()).as_deref() {
        None | Some("0") => String::new(),
        Some(count) => format!(", {count} kept back to judge by while training"),
    };
    let digest = data.sha256().and_then(|digest| digest.get(..12));
    let digest = digest.map_or_else(String::new, |digest| format!("; SHA-256 of the {samples} {digest}…"));
    format!("{dataset}{trained}{kept}{digest}")
}

fn sessions(sessions: &[Session]) -> Table {
    let row = |(index, session): (usize, &Session)| {
        let revision =
            session.revision.as_deref().map_or_else(String::new, |revision| format!(" ({revision})"));
        vec![
            number((index + 1) as f64),
            session.start.clone(),
            session.end.clone().unwrap_or_else(|| "–".to_owned()),
            number(session.from_step as f64),
            session.status.to_string(),
            session.host.clone(),
            format!("{}{revision}", session.birnn),
            session.command.join(" "),
        ]
    };
    let columns = ["session", "start", "end", "from step", "status", "machine", "birnn", "command"];
    Table::new(
        "The sessions in which the run was trained",
        &columns,
        sessions.iter().enumerate().map(row).collect(),
    )
}
