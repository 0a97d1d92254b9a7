//! A net to ask, from a file or from bytes.

use std::path::Path;

use birnn_data::{Images, Split};

use crate::container::{Contents, read};
use crate::cpu::instructions;
use crate::error::{WeightsError, wrong};
use crate::manifest::Manifest;
use crate::network::{Network, Workspace};
use crate::task::{Evaluation, Task};

/// A net to ask: what its file says of it, and its weights. Threads can share it; each brings a
/// [`Workspace`].
#[derive(Debug)]
pub struct Predictor {
    manifest: Manifest,
    task: Task,
    network: Network,
}

impl Predictor {
    /// The net of a weights file or a checkpoint, once its digest agrees.
    pub fn open(path: &Path) -> Result<Predictor, WeightsError> {
        Ok(Predictor::of(&read(path)?))
    }

    /// As [`Predictor::open`], with the bytes of the file at hand; `path` is what errors go by.
    pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Predictor, WeightsError> {
        Ok(Predictor::of(&Contents::decode(bytes, bytes.len() as u64).map_err(wrong(path))?))
    }

    fn of(contents: &Contents) -> Predictor {
        // What is asked are weights, be it those of a checkpoint.
        let manifest = contents.manifest().clone().of_weights();
        let task = Task::of(&manifest);
        let [_, features] = manifest.shape;
        let network =
            Network::new(contents.architecture(), features, task.outputs(), instructions(), |name| {
                contents.values(name)
            });
        Predictor { manifest, task, network }
    }

    /// What its file says of it.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What it is asked for.
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// Its logits for one image of the manifest's shape, row by row.
    ///
    /// # Panics
    ///
    /// Where the image has another size.
    pub fn logits(&self, workspace: &mut Workspace, image: &[u8]) -> Vec<f32> {
        assert_eq!(image.len(), self.size(), "the bytes of an image");
        self.network.logits_of_bytes(workspace, image, 1)
    }

    /// Its logits for many images, one after the other, on so many threads; the same whatever the number.
    ///
    /// # Panics
    ///
    /// Where the last image has another size.
    pub fn logits_of_all(&self, images: &[u8], threads: usize) -> Vec<f32> {
        assert!(images.len().is_multiple_of(self.size()), "{} bytes of images", images.len());
        self.network.logits_of_all(images, self.size(), threads)
    }

    /// How it does on a split of its data, on so many threads.
    ///
    /// # Panics
    ///
    /// Where its images have another shape, or a label is none of its classes.
    pub fn evaluate(&self, split: &Split, threads: usize) -> Evaluation {
        let Images { rows, cols, .. } = split.images;
        assert_eq!([rows, cols], self.manifest.shape, "rows and columns of the images");
        let mut accumulator = self.task.accumulator();
        accumulator.add(&self.logits_of_all(&split.images.pixels, threads), &split.labels);
        accumulator.evaluation()
    }

    /// Bytes of an image.
    fn size(&self) -> usize {
        let [rows, cols] = self.manifest.shape;
        rows * cols
    }
}

#[cfg(test)]
mod tests {
    use birnn_architecture::Readout;

    use super::*;
    use crate::container::encode;
    use crate::made_up;

    fn predictor(readout: Readout) -> Predictor {
        let (weights, manifest) = made_up::of(|experiment| experiment.model.readout = readout);
        let bytes = encode(&manifest, &weights).unwrap();
        Predictor::from_bytes(Path::new("net"), &bytes).unwrap()
    }

    fn images(count: usize) -> Vec<u8> {
        (0..count * 6).map(|index| (index * 89 % 251) as u8).collect()
    }

    /// Whatever it is asked with, and by however many threads.
    #[test]
    fn an_image_gives_the_same_bits_alone_and_among_others() {
        for readout in [Readout::Last, Readout::Final, Readout::Mean, Readout::Max, Readout::Attention] {
            let predictor = predictor(readout);
            let images = images(300);
            let mut workspace = Workspace::new();
            let alone: Vec<f32> =
                images.chunks(6).flat_map(|image| predictor.logits(&mut workspace, image)).collect();
            assert!(alone.iter().all(|logit| logit.is_finite() && *logit != 0.0), "{readout:?}");
            for threads in [1, 2, 5] {
                assert_eq!(predictor.logits_of_all(&images, threads), alone, "{readout:?}");
            }
        }
    }

    #[test]
    fn an_evaluation_is_what_the_answers_come_to() {
        let predictor = predictor(Readout::Final);
        let pixels = images(70);
        let Task::Classify(task) = predictor.task();
        let answers: Vec<u8> = predictor
            .logits_of_all(&pixels, 1)
            .chunks(2)
            .map(|logits| task.answer(logits).class as u8)
            .collect();
        let mut labels = answers.clone();
        labels[3] ^= 1;
        let images = Images { rows: 3, cols: 2, pixels };
        let found = predictor.evaluate(&Split { images, labels }, 2);
        assert_eq!((found.weight, found.headline().value), (70, 69.0 / 70.0));
        let mistakes: Vec<usize> = found.classified().mistakes.iter().map(|mistake| mistake.image).collect();
        assert_eq!(mistakes, [3]);
    }

    #[test]
    fn bytes_that_are_no_net_are_refused_by_the_name_they_came_with() {
        let error = Predictor::from_bytes(Path::new("upload"), b"hello, I am no net").unwrap_err();
        assert!(error.to_string().starts_with("upload: "), "{error}");
    }
}
