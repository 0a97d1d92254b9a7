//! Images on the device: held once, as bytes; batches are gathered and normalised there.

use birnn_data::{Split, epoch_order};
use tch::{Device, Kind, TchError, Tensor};

/// One split on the device.
#[derive(Debug)]
pub struct Samples {
    /// `u8 [images, rows, cols]`.
    images: Tensor,
    /// `i64 [images]`.
    labels: Tensor,
}

/// What one step sees.
#[derive(Debug)]
pub struct Batch {
    /// `f32 [batch, rows, cols]`, from 0 to 1: each row is one time step.
    pub input: Tensor,
    /// `i64 [batch]`.
    pub labels: Tensor,
}

impl Samples {
    /// Moves a split to the device.
    pub fn new(split: Split, device: Device) -> Result<Samples, TchError> {
        let Split { images, labels } = split;
        let shape = [images.len() as i64, images.rows as i64, images.cols as i64];
        let on_device = Tensor::f_from_slice(&images.pixels)?.f_view(shape)?.f_to_device(device)?;
        drop(images);
        let labels = Tensor::f_from_slice(&labels)?.f_to_device(device)?.f_to_kind(Kind::Int64)?;
        Ok(Samples { images: on_device, labels })
    }

    /// How many images.
    pub fn len(&self) -> usize {
        self.labels.size()[0] as usize
    }

    /// Whether there is no image at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The order of the images in `epoch`, on the device: a pure function of `(seed, epoch)`.
    pub fn order(&self, seed: u64, epoch: usize) -> Result<Tensor, TchError> {
        let order: Vec<i64> =
            epoch_order(seed, epoch as u64, self.len()).into_iter().map(i64::from).collect();
        Tensor::f_from_slice(&order)?.f_to_device(self.labels.device())
    }

    /// The `index`-th batch of `size` images in `order`; the last takes what is left.
    pub fn batch(&self, order: &Tensor, index: usize, size: usize) -> Result<Batch, TchError> {
        let start = index * size;
        let chosen = order.f_narrow(0, start as i64, size.min(self.len() - start) as i64)?;
        let images = self.images.f_index_select(0, &chosen)?;
        Ok(Batch { input: normalise(&images)?, labels: self.labels.f_index_select(0, &chosen)? })
    }

    /// All images in file order, in batches of `size`.
    pub fn batches(&self, size: usize) -> impl Iterator<Item = Result<Batch, TchError>> {
        (0..self.len()).step_by(size).map(move |start| {
            let (start, count) = (start as i64, size.min(self.len() - start) as i64);
            let input = normalise(&self.images.f_narrow(0, start, count)?)?;
            Ok(Batch { input, labels: self.labels.f_narrow(0, start, count)? })
        })
    }
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
            let batch = samples.batch(&order, index, 4).unwrap();
            assert_eq!(batch.input.size()[0], if index == 2 { 2 } else { 4 });
            let first = batch.input.select(1, 0).select(1, 0) * 255.0;
            assert!(first.round().to_kind(Kind::Int64) == batch.labels);
            seen.extend(Vec::<i64>::try_from(batch.labels).unwrap());
        }
        assert_ne!(seen, (0..10).collect::<Vec<_>>());
        seen.sort_unstable();
        assert_eq!(seen, (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn bytes_become_zero_to_one() {
        let batch = samples(1).batches(5).next().unwrap().unwrap();
        assert_eq!(Vec::<f32>::try_from(batch.input.view(-1)).unwrap(), [0.0, 0.0, 1.0, 0.2, 0.0, 0.0]);
    }
}
