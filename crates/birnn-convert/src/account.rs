//! What an import says of itself: what was found in weights, and what they cannot tell.

use birnn_architecture::{Cell, Head, Readout};
use birnn_data::name::shown;
use birnn_data::{Modality, Per};
use birnn_experiment::{Plan, Source};
use birnn_formats::{InferredModel, short_name};
use birnn_infer::{Classify, Manifest, Task};
use birnn_run::CONFIG;

use crate::beside::Beside;
use crate::description::description_path;
use crate::request::Request;

/// Weights that were brought in, and all that is known of them.
#[derive(Clone, Copy)]
pub(crate) struct Account<'a> {
    pub(crate) request: &'a Request,
    pub(crate) found: &'a InferredModel,
    pub(crate) beside: Option<&'a Beside>,
    pub(crate) source: &'a Source,
    pub(crate) plan: &'a Plan,
    pub(crate) manifest: &'a Manifest,
}

impl Account<'_> {
    /// Says what was found, and what could not be.
    pub(crate) fn tell(&self) {
        let Account { request, found, beside, plan, manifest, .. } = *self;
        let weights = shown(&request.weights);
        if let Some(Beside { path, .. }) = beside {
            tracing::info!("{weights}: {} beside it says what net it is", shown(path));
        }
        for done in &found.unwrapped {
            tracing::info!("{weights}: {done}");
        }
        for (theirs, ours) in &found.renamed {
            let [theirs, ours] = [theirs, ours].map(|module| short_name(module.trim_end_matches('.')));
            tracing::info!("{weights}: its `{theirs}` is birnn's `{ours}`");
        }
        if found.without_biases {
            tracing::info!("{weights}: saved without biases; here they are zeros, which is the same net");
        }
        if found.head_without_bias {
            tracing::info!("{weights}: its head has no bias; here it is zeros, which is the same net");
        }
        let (net, task) = (plan.architecture, &manifest.task);
        let (count, outputs) = (task.outputs(), task.wanted().kind.noun());
        let reads = match &manifest.modality {
            Modality::Images { shape: [rows, cols], .. } => format!("images of {rows} x {cols}"),
            Modality::Series(series) => format!("series of {} values per step", series.features()),
            Modality::Text(text) => format!("sentences, of {} known words", text.words.len()),
        };
        tracing::info!("{weights}: {net}, for {reads} and {count} {outputs}");
        let of_pixels = matches!(manifest.modality, Modality::Images { .. });
        if of_pixels && request.mean.iter().any(|mean| mean.abs() > 1.0) {
            tracing::warn!(
                "--mean is of pixels from 0 to 1; of pixels from 0 to 255, divide it and --std by 255"
            );
        }
        if let Task::Classify(Classify { classes, scheme: Some(scheme), .. }) = task
            && net.head == Head::Crf
        {
            let never = task.legal_tags().map(|legal| legal.never()).unwrap_or_default();
            if let [first, ..] = never[..] {
                tracing::warn!(
                    "{weights}: the net never answers `{}`{}, which no sequence of {scheme} has with these classes; where it \
                     was trained by another scheme, {}",
                    classes[first],
                    match never.len() {
                        1 => String::new(),
                        count => format!(" and {} more", count - 1),
                    },
                    match beside {
                        Some(Beside { path, .. }) => format!("mend `scheme` in {}", shown(path)),
                        None => "--set task.scheme=NAME, or --set task.constrain=false".to_owned(),
                    }
                );
            }
        }
        let unknown = self.unknown();
        if !unknown.is_empty() {
            let config = request.weights.with_file_name(CONFIG);
            let hint = match request.config.is_none() && config.is_file() {
                true => format!("; perhaps they are told by --config {}", shown(&config)),
                false => String::new(),
            };
            tracing::warn!(
                "{weights}: weights do not tell how their input is prepared and their output is read; taken \
                 for: {}{hint}",
                unknown.join("; ")
            );
        }
    }

    /// What was taken for granted, each with what says otherwise.
    fn unknown(&self) -> Vec<String> {
        let Account { request, found, beside, source, plan, manifest } = *self;
        let mut unknown = Vec::new();
        let mut say =
            |assumption: String, otherwise: &str| unknown.push(format!("{assumption} (else {otherwise})"));
        let is_normalised = !request.mean.is_empty() || !request.std.is_empty();
        match &manifest.modality {
            _ if beside.is_some() || is_normalised => {}
            Modality::Images { .. } => {
                say("pixel / 255, without normalisation".to_owned(), "--mean M --std S");
            }
            Modality::Series(series) if request.config.is_some() => {
                if series.deviation.is_some() {
                    let assumption = "values standardised by its training series".to_owned();
                    say(assumption, "--set data.standardise=false");
                }
            }
            Modality::Text(_) if request.config.is_some() => {
                let assumption = "words, characters and classes in the order in which birnn finds them in the training sentences, \
                                  the words that are most frequent first";
                let described = shown(&description_path(&request.weights)).to_string();
                say(assumption.to_owned(), &format!("{described}, which lists them"));
            }
            Modality::Text(_) => {}
            Modality::Series(_) => say("values as they are, not standardised".to_owned(), "--mean M --std S"),
        }
        if request.config.is_some() {
            let stored = plan.data.stored_transposed() && source.experiment().data.transpose.is_none();
            if stored {
                say(
                    "upright images, which the data set's files are not".to_owned(),
                    "--set data.transpose=false",
                );
            }
            return unknown;
        }
        let unset = |key: &&str| !source.is_set(key);
        if let Modality::Images { shape: [rows, _], preprocessing } = manifest.modality {
            if beside.is_none() && request.rows.is_none() {
                say(format!("{rows} rows, from above, as time steps"), "--rows N");
            }
            let images = [
                ("data.invert", "light ink on a dark ground", "true"),
                ("data.transpose", "upright", "true"),
                ("data.framing", "framed as MNIST's", "emnist or resize"),
            ];
            let known = beside.is_some() && preprocessing.is_some();
            for (key, assumption, value) in images.into_iter().filter(|(key, ..)| !known && unset(key)) {
                say(assumption.to_owned(), &format!("--set {key}={value}"));
            }
        }
        if beside.is_some_and(Beside::tells_experiment) {
            return unknown;
        }
        if matches!(manifest.modality, Modality::Series(_)) && unset(&"task.kind") {
            say("a class for each series".to_owned(), "--set task.kind=tag or regress");
        }
        if beside.is_none() && matches!(manifest.modality, Modality::Series(_)) && unset(&"data.missing") {
            let otherwise = "--set data.missing=last or interpolate, or past or mean with --mean M";
            say("no value is missing".to_owned(), otherwise);
        }
        if beside.is_none() && matches!(manifest.task, Task::Regress(_)) {
            let described =
                format!("{}, as `birnn export` writes it", shown(&description_path(&request.weights)));
            say("numbers as its head gives them, not standardised".to_owned(), &described);
        }
        let reads_all = manifest.task.per() == Per::Sequence && found.config.readout != Readout::Attention;
        if reads_all && unset(&"model.readout") {
            say(
                "readout last, the output at the last time step".to_owned(),
                "--set model.readout=final, mean or max",
            );
        }
        if plan.architecture.cell == Cell::RnnTanh && unset(&"model.nonlinearity") {
            say("tanh".to_owned(), "--set model.nonlinearity=relu");
        }
        unknown
    }
}
