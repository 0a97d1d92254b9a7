//! Images and labels as files of images hold them.

/// Grey images of one size, row by row, one byte per pixel: 0 is background, 255 is full ink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// Rows per image (the time steps of the recurrent net).
    pub rows: usize,
    /// Columns per image (the features of one time step).
    pub cols: usize,
    /// `len() * rows * cols` bytes.
    pub pixels: Vec<u8>,
}

impl Images {
    /// The number of images.
    pub fn len(&self) -> usize {
        self.pixels.len() / (self.rows * self.cols).max(1)
    }

    /// Whether there is no image at all.
    pub fn is_empty(&self) -> bool {
        self.pixels.is_empty()
    }

    /// The `rows * cols` bytes of image `index`. Panics when there is no such image.
    pub fn get(&self, index: usize) -> &[u8] {
        let size = self.rows * self.cols;
        &self.pixels[index * size..][..size]
    }

    /// Light for dark in each image.
    pub(crate) fn invert(&mut self) {
        self.pixels.iter_mut().for_each(|pixel| *pixel = 255 - *pixel);
    }

    /// The same images with columns as rows.
    pub(crate) fn transpose(&self) -> Images {
        let size = (self.rows * self.cols).max(1);
        let pixels = self.pixels.chunks_exact(size).flat_map(|image| transposed(image, self.cols)).collect();
        Images { rows: self.cols, cols: self.rows, pixels }
    }
}

/// The columns of an image of `width` columns as rows.
pub(crate) fn transposed(image: &[u8], width: usize) -> Vec<u8> {
    (0..width).flat_map(|column| image.iter().skip(column).step_by(width)).copied().collect()
}

/// Images and what they show, one label per image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelledImages {
    /// The images.
    pub images: Images,
    /// The class of each image, from 0.
    pub labels: Vec<u16>,
}
