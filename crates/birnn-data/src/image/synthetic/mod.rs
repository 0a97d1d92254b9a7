//! Synthetic handwritten digits: images like those of MNIST for whoever has no MNIST at hand.

mod draw;
mod glyphs;

use crate::cores::on_all_cores;
use crate::image::images::{Images, LabelledImages};
use crate::image::preprocessing::Framing;
use crate::image::preprocessing::Stored;
use crate::rng::Rng;

pub(crate) const SIDE: usize = 28;
/// Training images and test images; as many as MNIST has.
pub(crate) const TRAIN: usize = 60_000;
pub(crate) const TEST: usize = 10_000;
/// How many a processor draws before it looks for more.
const SHARE: usize = 64;

/// What the images are like.
pub(crate) const STORED: Stored = Stored { transposed: false, framing: Framing::Mnist };

/// The names of the classes.
pub(crate) fn classes() -> Vec<String> {
    (0..10).map(|digit| digit.to_string()).collect()
}

/// The images `first..first + count` of the endless sequence of `seed`: 28 x 28 pixels, labels 0 to 9.
///
/// Each image is drawn from strokes designed by hand, with random shapes, slant, warp and pen, and then
/// framed as MNIST frames its digits. It is a pure function of `seed` and its index in the sequence, and so
/// is its label, each digit being equally likely. The work is shared among all processors.
pub fn digits(seed: u64, first: u64, count: usize) -> LabelledImages {
    let mut pixels = vec![0; count * SIDE * SIDE];
    let mut labels = vec![0; count];
    let parts = pixels.chunks_mut(SHARE * SIDE * SIDE).zip(labels.chunks_mut(SHARE));
    on_all_cores(parts.enumerate(), |(part, (pixels, labels))| {
        let images = pixels.chunks_exact_mut(SIDE * SIDE).zip(labels);
        for (offset, (image, label)) in images.enumerate() {
            let mut rng = Rng::new(seed, first + (part * SHARE + offset) as u64);
            let digit = rng.below(10) as u8;
            *label = u16::from(digit);
            image.copy_from_slice(&draw::draw(glyphs::strokes(digit, &mut rng), &mut rng));
        }
    });
    LabelledImages { images: Images { rows: SIDE, cols: SIDE, pixels }, labels }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_a_function_of_seed_and_index() {
        let all = digits(7, 0, 200);
        for (first, count) in [(100, 10), (0, 1), (193, 7), (5, 0)] {
            let part = digits(7, first as u64, count);
            assert_eq!(part.labels, all.labels[first..first + count]);
            assert_eq!(part.images.pixels, all.images.pixels[first * 784..(first + count) * 784]);
        }
        assert_eq!(digits(7, u64::MAX - 1, 1).images.len(), 1);
    }

    #[test]
    fn images_are_framed_as_in_mnist() {
        let images = digits(1, 0, 2000).images;
        for index in 0..images.len() {
            let image = images.get(index);
            let (mut rows, mut cols, mut mass, mut down, mut across) =
                ([false; 28], [false; 28], 0.0, 0.0, 0.0);
            for (position, &pixel) in image.iter().enumerate().filter(|(_, pixel)| **pixel > 0) {
                let (row, col, value) = (position / 28, position % 28, f64::from(pixel));
                (rows[row], cols[col]) = (true, true);
                (mass, down, across) = (mass + value, down + value * row as f64, across + value * col as f64);
            }
            let extent = |inked: [bool; 28]| {
                let first = inked.iter().position(|&inked| inked).unwrap();
                inked.iter().rposition(|&inked| inked).unwrap() + 1 - first
            };
            assert!(extent(rows).max(extent(cols)) <= 20 && image.contains(&255), "image {index}");
            let near = |moment: f64| (moment / mass - 14.0).abs() < 0.6;
            // A digit with nearly all of its ink at one end gets no further than the edge.
            assert!(near(down) || rows[0] || rows[27], "image {index}");
            assert!(near(across) || cols[0] || cols[27], "image {index}");
        }
    }

    #[test]
    fn ink_is_about_as_much_as_in_mnist() {
        let pixels = digits(2, 0, 2000).images.pixels;
        let share = |inked: fn(&u8) -> bool| {
            pixels.iter().filter(|pixel| inked(pixel)).count() as f64 / pixels.len() as f64
        };
        let mean = pixels.iter().map(|&pixel| f64::from(pixel)).sum::<f64>() / pixels.len() as f64;
        assert!((30.0..37.0).contains(&mean), "{mean}");
        assert!((0.06..0.09).contains(&share(|&pixel| pixel >= 250)));
        assert!((0.10..0.14).contains(&share(|&pixel| (1..250).contains(&pixel))));
    }

    #[test]
    fn all_labels_are_about_equally_frequent() {
        let labels = digits(3, 0, 5000).labels;
        for digit in 0..10 {
            let count = labels.iter().filter(|&&label| label == digit).count();
            assert!((400..600).contains(&count), "{digit}: {count}");
        }
        assert!(labels.iter().all(|&label| label < 10));
    }

    #[test]
    fn no_two_images_are_the_same() {
        let (one, other) = (digits(4, 0, 1000).images, digits(5, 0, 1000).images);
        let mut images: Vec<&[u8]> = (0..1000).flat_map(|index| [one.get(index), other.get(index)]).collect();
        images.sort_unstable();
        images.dedup();
        // Two upright ones may coincide.
        assert!(images.len() > 1990, "{}", images.len());
    }
}
