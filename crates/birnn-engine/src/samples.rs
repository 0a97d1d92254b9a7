//! Images on the device: held once, as bytes; batches are gathered and normalised there. Images that are
//! varied each time they are seen are varied by the processor.
//!
//! That takes tens of microseconds per image on all workers, and gives the same variations on every device.

use std::sync::OnceLock;

use birnn_data::{Augment, Images, Split, epoch_order};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use tch::{Device, Kind, TchError, Tensor};

use crate::device::workers;
use crate::memory::bytes;

/// One split on the device.
#[derive(Debug)]
pub struct Samples {
    /// `u8 [images, rows, cols]`.
    images: Tensor,
    /// `i64 [images]`.
    target: Tensor,
    /// The same in memory.
    labels: Vec<u8>,
    /// How images are varied, and the images themselves in memory.
    varied: Option<(Augment, Images)>,
}

/// What one step sees. While a net computes on it, nothing may write to its tensors' storages; see
/// [`Learner::gradients`](crate::Learner::gradients).
#[derive(Debug)]
pub struct Batch {
    /// `f32 [batch, rows, cols]`, from 0 to 1: each row is one time step.
    pub input: Tensor,
    /// What the answers should be: of classification, the classes, `i64 [batch]`.
    pub target: Tensor,
    /// How many positions the loss counts: of classification, as many as there are sequences.
    pub weight: usize,
}

impl Batch {
    /// How many sequences.
    pub fn samples(&self) -> usize {
        self.input.size()[0] as usize
    }
}

/// The order in which an epoch shows the images.
#[derive(Debug)]
pub struct Order {
    indices: Vec<u32>,
    /// The same on the device, `i64 [images]`.
    on_device: Tensor,
}

impl Samples {
    /// Moves a split to the device.
    pub fn new(split: Split, device: Device) -> Result<Samples, TchError> {
        Samples::varied(split, None, device)
    }

    /// As [`Samples::new`]; batches show the images varied, where `augment` says how.
    pub fn varied(split: Split, augment: Option<Augment>, device: Device) -> Result<Samples, TchError> {
        let Split { images, labels } = split;
        let shape = [images.len() as i64, images.rows as i64, images.cols as i64];
        let on_device = Tensor::f_from_slice(&images.pixels)?.f_view(shape)?.f_to_device(device)?;
        let varied = augment.map(|augment| (augment, images));
        let target = Tensor::f_from_slice(&labels)?.f_to_device(device)?.f_to_kind(Kind::Int64)?;
        Ok(Samples { images: on_device, target, labels, varied })
    }

    /// How many images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// How many positions the loss counts in all of them: the weights of an epoch's batches, added.
    pub fn weight(&self) -> usize {
        self.len()
    }

    /// Rows and columns of an image.
    pub fn shape(&self) -> [usize; 2] {
        let size = self.images.size();
        [size[1] as usize, size[2] as usize]
    }

    /// The bytes of image `index`, row by row.
    pub fn image(&self, index: usize) -> Result<Vec<u8>, TchError> {
        Vec::try_from(self.images.f_get(index as i64)?.f_view(-1)?)
    }

    /// Whether there is no image at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The order of the images in `epoch`: a pure function of `(seed, epoch)`.
    pub fn order(&self, seed: u64, epoch: usize) -> Result<Order, TchError> {
        let indices = epoch_order(seed, epoch as u64, self.len());
        let wide: Vec<i64> = indices.iter().copied().map(i64::from).collect();
        Ok(Order { indices, on_device: Tensor::f_from_slice(&wide)?.f_to_device(self.target.device())? })
    }

    /// The `index`-th batch of `size` images in `order`; the last takes what is left. `rng_key` decides how
    /// they are varied.
    pub fn batch(&self, order: &Order, index: usize, size: usize, rng_key: i64) -> Result<Batch, TchError> {
        let start = index * size;
        let count = size.min(self.len() - start);
        let chosen = order.on_device.f_narrow(0, start as i64, count as i64)?;
        let input = match &self.varied {
            None => normalise(&self.images.f_index_select(0, &chosen)?)?,
            Some((augment, images)) => {
                let shape = [count as i64, images.rows as i64, images.cols as i64];
                let values = vary(augment, images, &order.indices[start..start + count], rng_key);
                Tensor::f_from_slice(&values)?.f_view(shape)?.f_to_device(self.target.device())?
            }
        };
        Ok(Batch { input, target: self.target.f_index_select(0, &chosen)?, weight: count })
    }

    /// What all images are: of classification, their classes.
    pub fn targets(&self) -> &[u8] {
        &self.labels
    }

    /// The bytes of all images on the CPU, one after the other.
    #[expect(unsafe_code, reason = "the images are read where they lie")]
    pub(crate) fn bytes(&self) -> Result<&[u8], TchError> {
        // SAFETY: no other tensor has their storage, as none is handed out, and nothing here changes them.
        unsafe { bytes(&self.images) }
    }

    /// All images in file order, in batches of `size`.
    pub fn batches(&self, size: usize) -> impl Iterator<Item = Result<Batch, TchError>> {
        (0..self.len()).step_by(size).map(move |start| {
            let weight = size.min(self.len() - start);
            let part = |tensor: &Tensor| tensor.f_narrow(0, start as i64, weight as i64);
            Ok(Batch { input: normalise(&part(&self.images)?)?, target: part(&self.target)?, weight })
        })
    }
}

/// Variations of the images of these `indices`, one after the other. No image depends on which thread varies
/// it.
fn vary(augment: &Augment, images: &Images, indices: &[u32], rng_key: i64) -> Vec<f32> {
    let size = images.rows * images.cols;
    let mut values = vec![0.0; indices.len() * size];
    let vary = |(row, (out, &index)): (usize, (&mut [f32], &u32))| {
        augment.apply(images.get(index as usize), images.cols, rng_key as u64, row as u64, out);
    };
    match threads() {
        Some(pool) => pool
            .install(|| values.par_chunks_exact_mut(size).zip(indices.par_iter()).enumerate().for_each(vary)),
        None => values.chunks_exact_mut(size).zip(indices).enumerate().for_each(vary),
    }
    values
}

/// As many as the kernels have, once they are asked for; none where there is but one, or the system refuses
/// them.
fn threads() -> Option<&'static ThreadPool> {
    static THREADS: OnceLock<Option<ThreadPool>> = OnceLock::new();
    let count = workers().count();
    let pool = || ThreadPoolBuilder::new().num_threads(count).build().ok();
    THREADS.get_or_init(|| (count > 1).then(pool).flatten()).as_ref()
}

/// Bytes to `f32` from 0 to 1, as torchvision's `ToTensor` does.
pub fn normalise(images: &Tensor) -> Result<Tensor, TchError> {
    images.f_to_kind(Kind::Float)?.f_div_scalar_(255.0)
}

#[cfg(test)]
mod tests {
    use birnn_data::Images;

    use super::*;

    fn samples(count: u8) -> Samples {
        let pixels = (0..count).flat_map(|image| [image, 0, 255, 51, 0, 0]).collect();
        let split = Split { images: Images { rows: 2, cols: 3, pixels }, labels: (0..count).collect() };
        Samples::new(split, Device::Cpu).unwrap()
    }

    #[test]
    fn an_epoch_shows_each_image_once_with_its_own_label() {
        let samples = samples(10);
        let order = samples.order(3, 0).unwrap();
        let mut seen = Vec::new();
        for index in 0..3 {
            let batch = samples.batch(&order, index, 4, 0).unwrap();
            assert_eq!(batch.input.size()[0], if index == 2 { 2 } else { 4 });
            let first = batch.input.select(1, 0).select(1, 0) * 255.0;
            assert!(first.round().to_kind(Kind::Int64) == batch.target);
            seen.extend(Vec::<i64>::try_from(batch.target).unwrap());
        }
        assert_ne!(seen, (0..10).collect::<Vec<_>>());
        seen.sort_unstable();
        assert_eq!(seen, (0..10).collect::<Vec<_>>());
    }

    /// What an image is varied by depends on the step and its index in the batch, not on how the work was
    /// shared out.
    #[test]
    fn variations_are_drawn_by_index() {
        let split =
            || Split { images: Images { rows: 4, cols: 4, pixels: (0..160).collect() }, labels: vec![0; 10] };
        let config = birnn_data::AugmentConfig { shift: 1.0, ..Default::default() };
        let samples = Samples::varied(split(), config.resolve().unwrap(), Device::Cpu).unwrap();
        let order = samples.order(3, 0).unwrap();
        let batch = |index, size, rng_key| samples.batch(&order, index, size, rng_key).unwrap().input;
        assert!(batch(0, 7, 5) == batch(0, 7, 5));
        assert!(batch(0, 7, 5) != batch(0, 7, 6));
        assert!(batch(0, 3, 5) == batch(0, 7, 5).narrow(0, 0, 3));
        let plain = Samples::new(split(), Device::Cpu).unwrap();
        assert!(plain.batch(&order, 0, 7, 5).unwrap().input == plain.batch(&order, 0, 7, 6).unwrap().input);
        assert!(
            samples.batches(10).next().unwrap().unwrap().input
                == plain.batches(10).next().unwrap().unwrap().input
        );
    }

    #[test]
    fn bytes_become_zero_to_one() {
        let input = samples(1).batches(5).next().unwrap().unwrap().input;
        assert_eq!(Vec::<f32>::try_from(input.view(-1)).unwrap(), [0.0, 0.0, 1.0, 0.2, 0.0, 0.0]);
    }
}
