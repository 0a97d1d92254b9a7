//! Sentences with what is said of them, as they are read.

use super::forms::Sentences;
use super::problem::TextProblem;
use crate::file_error::FileProblem;
use crate::series::file::{FileTargets, Labels, NoClass, SeriesFile};
use crate::split::MOST_CLASSES;
use crate::targets::{Per, TargetValues, Targets};

/// Which tags or classes are read beside the tokens of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Labelling {
    /// None, whether there are any or not: a net is to be asked.
    None,
    /// Whichever there are.
    #[default]
    Any,
    /// Some of these, and no others.
    Of(Vec<String>),
}

impl Labelling {
    /// Labels to be read; none where none are.
    pub(super) fn labels(&self) -> Option<Labels> {
        match self {
            Labelling::None => None,
            Labelling::Any => Some(Labels::new(None)),
            Labelling::Of(classes) => Some(Labels::new(Some(classes.clone()))),
        }
    }
}

/// What was read so far.
pub(super) struct Reading {
    sentences: Sentences,
    /// The line of each.
    lines: Vec<usize>,
    labels: Option<Labels>,
}

impl Reading {
    pub(super) fn new(labelling: &Labelling) -> Reading {
        Reading { sentences: Sentences::default(), lines: Vec::new(), labels: labelling.labels() }
    }

    /// Whether labels are read.
    pub(super) fn is_labelled(&self) -> bool {
        self.labels.is_some()
    }

    /// Adds a token to the sentence that goes on.
    pub(super) fn token(&mut self, form: &str) {
        self.sentences.push(form);
    }

    /// Adds the tag of a token or the class of a sentence, where labels are read.
    pub(super) fn label(&mut self, line: usize, label: &str) -> Result<(), FileProblem> {
        self.labels.as_mut().map_or(Ok(()), |labels| add(labels, line, label))
    }

    /// Ends a sentence that began in this line. Says whether it had a token.
    pub(super) fn end(&mut self, line: usize) -> bool {
        let is_one = self.sentences.end();
        if is_one {
            self.lines.push(line);
        }
        is_one
    }

    /// How many sentences have ended.
    pub(super) fn count(&self) -> usize {
        self.lines.len()
    }

    /// All of it, its labels for each sentence or each token.
    pub(super) fn finish(self, per: Per) -> Result<SeriesFile, FileProblem> {
        if self.sentences.is_empty() {
            return Err(FileProblem::Ends("its first sentence"));
        }
        Ok(SeriesFile {
            sequences: self.sentences.finish(),
            targets: self.labels.map(|labels| targets(labels, per)),
            features: None,
            columns: None,
            ids: None,
            groups: None,
            lines: self.lines,
            unit: "line",
            gap: None,
            rows: None,
        })
    }
}

/// Adds a label that stands in this line.
pub(super) fn add(labels: &mut Labels, line: usize, label: &str) -> Result<(), FileProblem> {
    labels.push(label).map_err(|why| {
        let problem = match why {
            NoClass::Unnamed => {
                TextProblem::Unnamed { class: label.to_owned(), classes: labels.classes().to_vec() }
            }
            NoClass::TooMany => TextProblem::Classes { name: label.to_owned(), most: MOST_CLASSES },
        };
        problem.at(line)
    })
}

/// Labels as targets.
pub(super) fn targets(labels: Labels, per: Per) -> FileTargets {
    let (labels, names) = labels.finish();
    FileTargets { targets: Targets { values: TargetValues::Classes(labels), per }, names }
}
