//! A net to ask, from a file or from bytes.

use std::path::Path;

use birnn_data::{Lexicon, Modality, Sequence, SequenceValues, Sequences, TextIndex};
use birnn_kernels::Precision;

use crate::answers::Answers;
use crate::container::{Contents, read};
use crate::cpu::instructions;
use crate::error::{WeightsError, wrong};
use crate::manifest::Manifest;
use crate::network::{Network, Reading, Workspace};
use crate::task::Task;

/// A net to ask: what its file says of it, and its weights. Threads can share it; each brings a
/// [`Workspace`].
#[derive(Debug)]
pub struct Predictor {
    manifest: Manifest,
    network: Network,
    /// Of a net that reads words.
    index: Option<TextIndex>,
}

impl Predictor {
    /// The net of a weights file or a checkpoint, once its digest agrees.
    pub fn open(path: &Path) -> Result<Predictor, WeightsError> {
        Predictor::with_precision(path, Precision::Highest)
    }

    /// As [`Predictor::open`], with products of this precision in the recurrent layers.
    pub fn with_precision(path: &Path, precision: Precision) -> Result<Predictor, WeightsError> {
        Ok(Predictor::of(&read(path)?, precision))
    }

    /// As [`Predictor::open`], with the bytes of the file at hand; `path` is what errors go by.
    pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Predictor, WeightsError> {
        let contents = Contents::decode(bytes, bytes.len() as u64).map_err(wrong(path))?;
        Ok(Predictor::of(&contents, Precision::Highest))
    }

    fn of(contents: &Contents, precision: Precision) -> Predictor {
        // What is asked are weights, be it those of a checkpoint.
        let manifest = contents.manifest().clone().of_weights();
        let network = Network::with_precision(
            contents.architecture(),
            manifest.modality.inputs(),
            manifest.task.outputs(),
            (instructions(), precision),
            |name| contents.values(&contents.asked(name)),
        );
        let index = match &manifest.modality {
            Modality::Text(text) => Some(text.index()),
            Modality::Images { .. } | Modality::Series(_) => None,
        };
        Predictor { manifest, network, index }
    }

    /// What the net reads of the words of these sequences; `None` where they have none.
    pub(crate) fn lexicon(&self, sequences: &Sequences) -> Option<Lexicon> {
        Some(self.index.as_ref()?.lexicon(sequences.forms()?))
    }

    /// What its file says of it.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What it is asked for.
    pub fn task(&self) -> &Task {
        &self.manifest.task
    }

    /// Its net, on plain slices.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Its logits for one sequence, which is read as its training data was: of an image the bytes, row by
    /// row; of a series the numbers in their own units; of a sentence its words. Of a conditional random
    /// field they are the emissions that go into it, and no answers: see [`Predictor::answers_to`].
    ///
    /// # Panics
    ///
    /// Where the sequence is not of the kind that the net reads, or has other features, or no step. Of a
    /// value that is missing where the net was trained to refuse such nothing can be said: the logits are no
    /// numbers.
    pub fn logits(&self, workspace: &mut Workspace, sequence: Sequence<'_>) -> Vec<f32> {
        assert!(self.manifest.modality.fits(sequence), "a sequence of the kind that the net reads");
        let lexicon = match (&self.index, sequence.values) {
            (Some(index), SequenceValues::Tokens(_, forms)) => Some(index.lexicon(forms)),
            _ => None,
        };
        self.reading(lexicon.as_ref(), |reading| {
            self.network.logits_of(workspace, std::iter::once(sequence), reading)
        })
    }

    /// Its logits for many sequences, one after the other, on so many threads; the same whatever the number.
    /// They may be longer or shorter than those that it was trained on.
    ///
    /// # Panics
    ///
    /// As [`Predictor::logits`].
    pub fn logits_of_all(&self, sequences: &Sequences, threads: usize) -> Vec<f32> {
        self.check(sequences);
        let lexicon = self.lexicon(sequences);
        self.reading(lexicon.as_ref(), |reading| {
            self.network.logits_of_all(sequences, 0..sequences.len(), reading, threads)
        })
    }

    /// Its answers to many sequences, as [`Predictor::logits_of_all`].
    ///
    /// # Panics
    ///
    /// As [`Predictor::logits_of_all`].
    pub fn answers_to_all(&self, sequences: &Sequences, threads: usize) -> Answers {
        self.answers_of(self.logits_of_all(sequences, threads), sequences)
    }

    /// The same of a few, together on this thread, in buffers that are kept for the next.
    ///
    /// # Panics
    ///
    /// As there; where there is none.
    pub fn answers_to(&self, workspace: &mut Workspace, sequences: &Sequences) -> Answers {
        self.check(sequences);
        let lexicon = self.lexicon(sequences);
        let logits = self.reading(lexicon.as_ref(), |reading| {
            self.network.logits_of(workspace, sequences.iter(), reading)
        });
        self.answers_of(logits, sequences)
    }

    /// Of what its head gave of these sequences.
    pub(crate) fn answers_of(&self, logits: Vec<f32>, sequences: &Sequences) -> Answers {
        let crf = self.network.crf(self.task().legal_tags().as_ref());
        Answers::new(logits, self.positions_of(sequences), crf)
    }

    /// How many answers each of these sequences gets.
    pub(crate) fn positions_of(&self, sequences: &Sequences) -> Vec<usize> {
        let per = self.task().per();
        sequences.lengths().map(|steps| per.positions(steps)).collect()
    }

    /// That of the same net whose head sees every step.
    pub(crate) fn with_every_step(self) -> Predictor {
        Predictor { network: self.network.with_every_step(), ..self }
    }

    pub(crate) fn check(&self, sequences: &Sequences) {
        let fits = sequences.iter().next().is_none_or(|first| self.manifest.modality.fits(first));
        assert!(fits, "sequences of the kind that the net reads");
    }

    /// What `work` makes of how the net reads sequences; `lexicon` is of their forms, where they have such.
    pub(crate) fn reading<T>(&self, lexicon: Option<&Lexicon>, work: impl FnOnce(Reading<'_>) -> T) -> T {
        let read = |sequence: Sequence<'_>, into: &mut Vec<f32>| self.manifest.modality.read(sequence, into);
        work(lexicon.map_or(Reading::Values(&read), Reading::Tokens))
    }
}

#[cfg(test)]
mod tests {
    use birnn_architecture::Readout;
    use birnn_data::{Images, Missing, Modality, Series, Values};

    use super::*;
    use crate::container::encode;
    use crate::made_up;

    fn predictor(readout: Readout) -> Predictor {
        let (weights, manifest) = made_up::of(|experiment| experiment.model.readout = readout);
        let bytes = encode(&manifest, &weights).unwrap();
        Predictor::from_bytes(Path::new("net"), &bytes).unwrap()
    }

    fn images(count: usize) -> Sequences {
        let pixels = (0..count * 6).map(|index| (index * 89 % 251) as u8).collect();
        Images { rows: 3, cols: 2, pixels }.into()
    }

    /// Whatever it is asked with, and by however many threads.
    #[test]
    fn an_image_gives_the_same_bits_alone_and_among_others() {
        for readout in [Readout::Last, Readout::Final, Readout::Mean, Readout::Max, Readout::Attention] {
            let predictor = predictor(readout);
            let images = images(300);
            let mut workspace = Workspace::new();
            let alone: Vec<f32> =
                images.iter().flat_map(|image| predictor.logits(&mut workspace, image)).collect();
            assert!(alone.iter().all(|logit| logit.is_finite() && *logit != 0.0), "{readout:?}");
            for threads in [1, 2, 5] {
                assert_eq!(predictor.logits_of_all(&images, threads), alone, "{readout:?}");
            }
            assert_eq!(predictor.answers_to(&mut workspace, &images).logits, alone, "{readout:?}");
        }
    }

    /// Of unequal lengths, in units of their own, with values missing.
    #[test]
    fn a_series_gives_the_same_bits_alone_and_among_others() {
        let (weights, mut manifest) = made_up::of(|experiment| experiment.model.readout = Readout::Final);
        let read = Series { steps: Some([1, 9]), missing: Missing::Interpolate, ..Series::plain(Vec::new()) };
        // Two values at each step; or one, and whether it is missing.
        for series in [
            Series { mean: vec![100.0, -3.0], deviation: Some(vec![50.0, 0.5]), ..read.clone() },
            Series { mean: vec![100.0], deviation: Some(vec![50.0]), missing_mask: true, ..read },
        ] {
            let features = series.features();
            manifest.modality = Modality::Series(series);
            let bytes = encode(&manifest.clone().of_weights(), &weights).unwrap();
            let predictor = Predictor::from_bytes(Path::new("net"), &bytes).unwrap();
            let lengths: Vec<usize> = (0..100).map(|index| 1 + index * 7 % 40).collect();
            let steps: usize = lengths.iter().sum();
            let value = |index: usize| if index % 13 == 5 { f32::NAN } else { (index * 89 % 251) as f32 };
            let values = Values::Floats((0..features * steps).map(value).collect());
            let series = Sequences::new(values, features, lengths);
            let mut workspace = Workspace::new();
            let alone: Vec<f32> =
                series.iter().flat_map(|one| predictor.logits(&mut workspace, one)).collect();
            assert!(alone.iter().all(|logit| logit.is_finite()));
            for threads in [1, 3] {
                assert_eq!(predictor.logits_of_all(&series, threads), alone);
            }
            let backwards: Vec<usize> = (0..series.len()).rev().collect();
            let found = predictor.logits_of_all(&series.select(&backwards), 2);
            assert!(found.chunks(2).rev().eq(alone.chunks(2)));
        }
    }

    #[test]
    fn bytes_that_are_no_net_are_refused_by_the_name_they_came_with() {
        let error = Predictor::from_bytes(Path::new("upload"), b"hello, I am no net").unwrap_err();
        assert!(error.to_string().starts_with("upload: "), "{error}");
    }
}
