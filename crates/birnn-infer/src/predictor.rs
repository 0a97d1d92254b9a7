//! A net to ask, from a file or from bytes.

use std::path::Path;

use birnn_data::Images;

use crate::container::{Contents, read};
use crate::cpu::instructions;
use crate::error::{WeightsError, wrong};
use crate::manifest::Manifest;
use crate::network::{Network, Workspace};
use crate::task::Task;

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

    /// Its net, on plain slices.
    pub fn network(&self) -> &Network {
        &self.network
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

    /// Its logits for many images, one after the other, on so many threads; the same whatever the number. The
    /// images may have more or fewer rows than those that it was trained on.
    ///
    /// # Panics
    ///
    /// Where they have other columns.
    pub fn logits_of_all(&self, images: &Images, threads: usize) -> Vec<f32> {
        self.check_columns(images);
        self.network.logits_of_all(&images.pixels, images.rows * images.cols, threads)
    }

    pub(crate) fn check_columns(&self, images: &Images) {
        assert_eq!(images.cols, self.manifest.shape[1], "columns of the images");
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

    fn images(count: usize) -> Images {
        let pixels = (0..count * 6).map(|index| (index * 89 % 251) as u8).collect();
        Images { rows: 3, cols: 2, pixels }
    }

    /// Whatever it is asked with, and by however many threads.
    #[test]
    fn an_image_gives_the_same_bits_alone_and_among_others() {
        for readout in [Readout::Last, Readout::Final, Readout::Mean, Readout::Max, Readout::Attention] {
            let predictor = predictor(readout);
            let images = images(300);
            let mut workspace = Workspace::new();
            let alone: Vec<f32> =
                images.pixels.chunks(6).flat_map(|image| predictor.logits(&mut workspace, image)).collect();
            assert!(alone.iter().all(|logit| logit.is_finite() && *logit != 0.0), "{readout:?}");
            for threads in [1, 2, 5] {
                assert_eq!(predictor.logits_of_all(&images, threads), alone, "{readout:?}");
            }
        }
    }

    #[test]
    fn bytes_that_are_no_net_are_refused_by_the_name_they_came_with() {
        let error = Predictor::from_bytes(Path::new("upload"), b"hello, I am no net").unwrap_err();
        assert!(error.to_string().starts_with("upload: "), "{error}");
    }
}
