//! What stays the same while a run trains.

use birnn_data::{Modality, SKETCH, escape};

use crate::misread::Wrong;

/// What there is to say about a run before its first step.
#[derive(Clone, Debug)]
pub struct RunInfo {
    /// The run's name.
    pub name: String,
    /// The net, in words.
    pub architecture: String,
    /// The device it trains on.
    pub device: String,
    /// The run directory.
    pub run: String,
    /// The names of the classes; none where it tells numbers.
    pub classes: Vec<String>,
    /// What it reads.
    pub modality: Modality,
    /// Number of training samples.
    pub samples: usize,
    /// Number of epochs of the whole run.
    pub epochs: usize,
    /// Steps per epoch.
    pub steps: usize,
    /// Steps done before this session.
    pub before: usize,
}

impl RunInfo {
    /// Rows and columns of the picture of a sample: of an image as it is, of a series a sketch.
    pub(crate) fn picture(&self) -> [usize; 2] {
        match self.modality {
            Modality::Images { shape, .. } => shape,
            Modality::Series(_) | Modality::Text(_) => SKETCH,
        }
    }

    /// What a class is called.
    pub(crate) fn class(&self, class: usize) -> &str {
        self.classes.get(class).map_or("?", String::as_str)
    }

    /// Such as `3 called 5`.
    pub(crate) fn told(&self, Wrong { label, class }: Wrong) -> String {
        format!("{} called {}", self.class(label), self.class(class))
    }

    /// With names and paths escaped, so that they can be written to a terminal.
    pub(crate) fn escaped(self) -> RunInfo {
        let line = |text: &String| escape::line(text).into_owned();
        RunInfo {
            name: line(&self.name),
            run: line(&self.run),
            classes: self.classes.iter().map(line).collect(),
            ..self
        }
    }
}
