//! Sequences that come part by part, to a net that reads from the first step to the last and no other way.

use birnn_architecture::{Head, Readout};
use birnn_data::{Missing, Modality, Part, Sequences, Values};
use birnn_kernels::States;

use crate::network::Workspace;
use crate::predictor::Predictor;

/// A net in the middle of some sequences. What it holds of each is the state that it is in after the steps so
/// far: it takes the same memory whatever their number, and gives the same bits as for the whole.
#[derive(Debug)]
pub struct Streams<'n> {
    predictor: &'n Predictor,
    workspace: Workspace,
    states: Option<States>,
    /// Of each sequence and feature the latest value that was not missing, `[sequences, features]`; NaN where
    /// all were.
    known: Vec<f32>,
}

/// Why a net cannot answer step by step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoStream {
    /// It has a reverse direction.
    #[error("it reads from the end to the beginning, and a sequence that comes step by step has no end yet")]
    Reverse,
    /// It has one answer for all of a sequence.
    #[error("it has one answer for each sequence, and not one for each step (`readout = \"sequence\"`)")]
    OneAnswer,
    /// Its tags depend on each other.
    #[error("its head chooses the tags of a whole sequence together; one of `head = \"linear\"` does not")]
    Crf,
    /// What it reads for a missing value depends on later ones.
    #[error(
        "where a value is missing it reads one that is known only later (`data.missing = \"{0}\"`); \"past\" and \"mean\" \
         are known at once"
    )]
    Missing(&'static str),
}

/// Steps of a single sequence that are read at once.
const AT_A_TIME: usize = 1024;

impl Predictor {
    /// It in front of sequences of which no step has come.
    ///
    /// # Errors
    ///
    /// Why it cannot answer step by step.
    pub fn streams(&self) -> Result<Streams<'_>, NoStream> {
        let architecture = self.network().architecture();
        let missing = match &self.manifest().modality {
            Modality::Series(series) => series.missing,
            Modality::Images { .. } | Modality::Text(_) => Missing::Refuse,
        };
        match (architecture.reverse, architecture.readout, architecture.head, missing) {
            (Some(_), ..) => Err(NoStream::Reverse),
            (_, readout, ..) if readout != Readout::Sequence => Err(NoStream::OneAnswer),
            (_, _, Head::Crf, _) => Err(NoStream::Crf),
            (.., Missing::Last) => Err(NoStream::Missing("last")),
            (.., Missing::Interpolate) => Err(NoStream::Missing("interpolate")),
            (.., Missing::Refuse | Missing::Mean | Missing::Past) => {
                let workspace = Workspace::new();
                Ok(Streams { predictor: self, workspace, states: None, known: Vec::new() })
            }
        }
    }
}

impl Streams<'_> {
    /// Its logits for the `steps` that come next, at least one of each sequence: `[steps of all, outputs]`.
    ///
    /// # Panics
    ///
    /// As [`Predictor::logits`], and where these are steps of more or fewer sequences than before.
    pub fn read(&mut self, steps: &Sequences) -> Vec<f32> {
        let states = self.read_on(steps);
        self.predictor.network().apply_head(&states)
    }

    /// As [`Streams::read`], but only after the last of the steps of each: `[sequences, outputs]`. Of a
    /// single sequence that takes the same memory however many steps come.
    ///
    /// # Panics
    ///
    /// As [`Streams::read`].
    pub fn read_to_last(&mut self, steps: &Sequences) -> Vec<f32> {
        if steps.len() == 1 && steps.steps() > AT_A_TIME {
            let mut logits = Vec::new();
            for begin in (0..steps.steps()).step_by(AT_A_TIME) {
                let end = steps.steps().min(begin + AT_A_TIME);
                logits = self.read_to_last(&steps.parts(&[Part { sample: 0, steps: begin..end }]));
            }
            return logits;
        }
        let states = self.read_on(steps);
        let width = self.predictor.network().architecture().output_features();
        let ends = (0..steps.len()).map(|index| steps.steps_of(index).end);
        let last: Vec<f32> =
            ends.flat_map(|end| states[(end - 1) * width..end * width].iter().copied()).collect();
        self.predictor.network().apply_head(&last)
    }

    /// Of each series and feature the latest value that was not missing, `[series, features]`, NaN where all
    /// were; nothing before the first step, and of images and sentences.
    pub fn known(&self) -> &[f32] {
        &self.known
    }

    /// What the head sees of the steps that come next.
    fn read_on(&mut self, steps: &Sequences) -> Vec<f32> {
        let Streams { predictor, workspace, states, known } = self;
        let network = predictor.network();
        predictor.check(steps);
        let lexicon = predictor.lexicon(steps);
        let lengths: Vec<usize> = steps.lengths().collect();
        let mut values = Vec::new();
        predictor.reading(lexicon.as_ref(), |reading| match steps.values() {
            Values::Floats(_) => {
                // Missing values are read as those before, so that each part is read behind what is known of
                // these.
                let features = steps.features();
                known.resize(steps.len() * features, f32::NAN);
                let behind = steps.iter().zip(known.chunks_exact(features)).flat_map(|(steps, known)| {
                    known.iter().chain(steps.floats().unwrap_or_default()).copied()
                });
                let behind = Values::Floats(behind.collect());
                let behind = Sequences::new(behind, features, lengths.iter().map(|length| 1 + length));
                let mut read = Vec::new();
                network.read_into(workspace, behind.iter(), reading, &mut read);
                for index in 0..behind.len() {
                    let (begin, end) = (behind.steps_of(index).start + 1, behind.steps_of(index).end);
                    values.extend_from_slice(&read[begin * network.features()..end * network.features()]);
                }
                for (steps, known) in steps.iter().zip(known.chunks_exact_mut(features)) {
                    for step in steps.floats().unwrap_or_default().chunks_exact(features) {
                        let there = known.iter_mut().zip(step).filter(|(_, value)| !value.is_nan());
                        there.for_each(|(known, value)| *known = *value);
                    }
                }
            }
            Values::Bytes(_) | Values::Tokens(..) => {
                network.read_into(workspace, steps.iter(), reading, &mut values);
            }
        });
        network.states_from(workspace, (&values, &lengths), states)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use birnn_architecture::{CellKind, CharacterNet, EmbeddingConfig, Hidden};
    use birnn_data::{Folding, Per, Sentences, Series, Text};
    use birnn_experiment::Experiment;

    use super::*;
    use crate::container::encode;
    use crate::made_up;
    use crate::task::{Classify, Task};

    fn net(cell: CellKind, change: impl FnOnce(&mut Experiment), series: Series) -> Predictor {
        net_of(cell, change, Modality::Series(series))
    }

    fn net_of(cell: CellKind, change: impl FnOnce(&mut Experiment), modality: Modality) -> Predictor {
        let mut per = Per::Step;
        let inputs = modality.inputs();
        let (weights, mut manifest) = made_up::of_inputs(inputs, |experiment| {
            experiment.model.cell = cell;
            experiment.model.layers = 2;
            experiment.model.bidirectional = false;
            experiment.model.readout = Readout::Sequence;
            change(experiment);
            per = if experiment.model.readout == Readout::Sequence { Per::Step } else { Per::Sequence };
        });
        manifest.task = Task::Classify(Classify::new(manifest.task.classes().to_vec(), per));
        manifest.modality = modality;
        let bytes = encode(&manifest.of_weights(), &weights).unwrap();
        Predictor::from_bytes(Path::new("net"), &bytes).unwrap()
    }

    fn two_features() -> Series {
        let deviation = Some(vec![2.0, 30.0]);
        Series { missing: Missing::Past, deviation, ..Series::plain(vec![1.0, 9.0]) }
    }

    /// Whatever the parts are, answers are those to whole sequences, to the bit: missing values and what is
    /// read beside them too.
    #[test]
    fn parts_give_the_bits_of_the_whole() {
        let one = Series { missing_mask: true, deviation: None, ..Series::plain(vec![1.0]) };
        let one = Series { missing: Missing::Past, ..one };
        for cell in [CellKind::Rnn, CellKind::Gru, CellKind::Lstm] {
            for series in [two_features(), Series { missing: Missing::Mean, ..two_features() }, one.clone()] {
                let features = series.features();
                let value = |index: usize| if index % 7 < 3 { f32::NAN } else { (index * 37 % 23) as f32 };
                let lengths = [30, 10, 20];
                let values = (0..lengths.iter().sum::<usize>() * features).map(value).collect();
                let all = Sequences::new(Values::Floats(values), features, lengths);
                parts_are_the_whole(&net(cell, |_| {}, series), &all, &format!("{cell:?}"));
            }
        }
    }

    /// Of words with characters, too.
    #[test]
    fn parts_of_sentences_give_the_bits_of_the_whole() {
        let mut sentences = Sentences::default();
        for length in [30, 10, 20] {
            (0..length).for_each(|step| sentences.push(["a", "bc", "def", "g"][(length + step * step) % 4]));
            sentences.end();
        }
        let all = sentences.finish();
        let text = Text::of(&all, Folding::default(), 1);
        let predictor = net_of(
            CellKind::Lstm,
            |experiment| {
                let characters = Some(CharacterNet { width: 3, hidden: 2 });
                let embedding = EmbeddingConfig { width: 3, characters, ..EmbeddingConfig::default() };
                experiment.model.embedding = Some(embedding);
            },
            Modality::Text(text),
        );
        parts_are_the_whole(&predictor, &all, "words");
        assert!(predictor.streams().unwrap().known().is_empty());
    }

    #[track_caller]
    fn parts_are_the_whole(predictor: &Predictor, all: &Sequences, what: &str) {
        let whole = predictor.logits_of_all(all, 1);
        let outputs = whole.len() / all.steps();
        // Each part ends elsewhere in each sequence.
        for cuts in [&[0.0, 1.0][..], &[0.0, 0.1, 0.2, 1.0], &[0.0, 0.4, 0.5, 0.9, 1.0]] {
            let (mut streams, mut to_last) = (predictor.streams().unwrap(), predictor.streams().unwrap());
            let mut found = vec![Vec::new(); all.len()];
            for cut in cuts.windows(2) {
                let at =
                    |sample: usize, share: f64| (share * all.steps_of(sample).len() as f64).ceil() as usize;
                let part = |sample: usize| Part { sample, steps: at(sample, cut[0])..at(sample, cut[1]) };
                let parts = all.parts(&(0..all.len()).map(part).collect::<Vec<_>>());
                let logits = streams.read(&parts);
                for (sample, found) in found.iter_mut().enumerate() {
                    let steps = parts.steps_of(sample);
                    found.extend_from_slice(&logits[steps.start * outputs..steps.end * outputs]);
                }
                let last: Vec<f32> =
                    found.iter().flat_map(|own| own[own.len() - outputs..].to_vec()).collect();
                assert_eq!(to_last.read_to_last(&parts), last);
            }
            assert_eq!(found.concat(), whole, "{what}, {cuts:?}");
        }
    }

    /// More than are read at once.
    #[test]
    fn a_long_sequence_ends_with_the_bits_of_the_whole() {
        let values = (0..2 * 2500).map(|index| if index % 7 < 3 { f32::NAN } else { (index % 23) as f32 });
        let all = Sequences::new(Values::Floats(values.collect()), 2, [2500]);
        let predictor = net(CellKind::Gru, |_| {}, two_features());
        let whole = predictor.logits_of_all(&all, 1);
        let last = predictor.streams().unwrap().read_to_last(&all);
        assert_eq!(last, whole[whole.len() - last.len()..]);
    }

    #[test]
    fn what_is_known_is_the_latest_value() {
        let predictor = net(CellKind::Gru, |_| {}, two_features());
        let mut streams = predictor.streams().unwrap();
        assert!(streams.known().is_empty());
        let nan = f32::NAN;
        streams.read(&Sequences::new(Values::Floats(vec![1.0, nan, nan, nan]), 2, [2]));
        assert!(streams.known()[0] == 1.0 && streams.known()[1].is_nan());
        streams.read(&Sequences::new(Values::Floats(vec![nan, 4.0]), 2, [1]));
        assert_eq!(streams.known(), [1.0, 4.0]);
    }

    #[test]
    fn a_net_that_needs_what_comes_later_is_no_stream() {
        let why = |change: fn(&mut Experiment), missing| {
            let series = Series { missing, ..two_features() };
            net(CellKind::Gru, change, series).streams().unwrap_err()
        };
        assert_eq!(why(|experiment| experiment.model.bidirectional = true, Missing::Past), NoStream::Reverse);
        let in_reverse =
            |experiment: &mut Experiment| experiment.model.hidden = Hidden::Reverse { reverse: 4 };
        assert_eq!(why(in_reverse, Missing::Past), NoStream::Reverse);
        assert_eq!(
            why(|experiment| experiment.model.readout = Readout::Mean, Missing::Past),
            NoStream::OneAnswer
        );
        assert_eq!(why(|_| {}, Missing::Last), NoStream::Missing("last"));
        assert_eq!(why(|_| {}, Missing::Interpolate), NoStream::Missing("interpolate"));
    }
}
