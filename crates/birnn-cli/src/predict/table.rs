//! Answers as a CSV table: a row for each sample, or for each of its steps.

use std::fmt::Write;

use birnn_data::{Modality, Per};
use birnn_infer::{Answer, Task};

use crate::output::csv_cell;
use crate::samples::Sample;

/// The columns of a table.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a> {
    pub(super) task: &'a Task,
    pub(super) modality: &'a Modality,
    /// Whether long series are cut.
    pub(super) has_windows: bool,
}

impl Columns<'_> {
    /// Their names.
    pub(super) fn header(self) -> String {
        let mut names = vec![Sample::columns(self.modality).to_owned()];
        names.extend(match self.task.per() {
            Per::Step => Some("step".to_owned()),
            Per::Sequence => self.has_windows.then(|| "first_step,last_step".to_owned()),
        });
        names.extend(self.has_tokens().then(|| "token".to_owned()));
        names.extend(self.has_rows().then(|| "row".to_owned()));
        match self.task.classes() {
            [] => names.extend(self.task.names().iter().map(|name| csv_cell(name).into_owned())),
            classes => {
                names.push("class,probability".to_owned());
                names.extend(
                    classes.iter().map(|class| csv_cell(&format!("probability_{class}")).into_owned()),
                );
            }
        }
        names.join(",") + "\n"
    }

    /// The rows of a sample, which has so many steps and, of text, these tokens.
    pub(super) fn rows(
        self,
        sample: &Sample,
        steps: usize,
        tokens: &[String],
        answer: &Answer<'_>,
    ) -> String {
        let place = sample.cells();
        let first = sample.first_step();
        let mut text = String::new();
        let mut row = |step: Option<usize>, answer: String| {
            let step = match step {
                Some(step) if self.has_tokens() => {
                    format!("{},{},", first + step, csv_cell(tokens.get(step).map_or("", String::as_str)))
                }
                Some(step) => {
                    let row = sample.row(step).map_or_else(String::new, |row| row.to_string());
                    format!("{},{row},", first + step)
                }
                None if self.has_windows => format!("{first},{},", first + steps - 1),
                None => String::new(),
            };
            // Writing into a string does not fail.
            let _ = writeln!(text, "{place},{step}{answer}");
        };
        match answer {
            Answer::Class { class, probability, probabilities } => {
                row(None, of_class(class, *probability, probabilities));
            }
            Answer::Tags { tags, probability, probabilities } => {
                let answers = tags.iter().zip(probability).zip(probabilities);
                for (step, ((tag, &probability), probabilities)) in answers.enumerate() {
                    row(Some(step), of_class(tag, probability, probabilities));
                }
            }
            Answer::Values { values } => row(None, joined(values)),
            Answer::ValuesOfSteps { values } => {
                values.iter().enumerate().for_each(|(step, values)| row(Some(step), joined(values)));
            }
        }
        text
    }

    /// Whether each row is of a step that may itself be a row of a table.
    fn has_rows(self) -> bool {
        matches!(self.modality, Modality::Series(_)) && self.task.per() == Per::Step
    }

    /// Whether each row is of a token.
    fn has_tokens(self) -> bool {
        matches!(self.modality, Modality::Text(_)) && self.task.per() == Per::Step
    }
}

/// As single precision, like all that is answered elsewhere.
fn of_class(class: &str, probability: f64, probabilities: &[f64]) -> String {
    let all: Vec<f32> = std::iter::once(&probability).chain(probabilities).map(|&p| p as f32).collect();
    format!("{},{}", csv_cell(class), joined(&all))
}

fn joined(values: &[f32]) -> String {
    values.iter().map(f32::to_string).collect::<Vec<_>>().join(",")
}
