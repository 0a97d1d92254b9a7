//! Reading a user's picture of a digit as if it came from MNIST.

mod light;
mod strokes;

use std::path::{Path, PathBuf};

use image::{DynamicImage, GrayImage, ImageDecoder, ImageReader, Limits, imageops};

use self::strokes::keep_strokes;
use crate::frame::frame;

/// The longest side, in pixels, of a picture that is read.
const LONGEST_SIDE: u32 = 10_000;

/// The most memory, in bytes, that decoding a picture may take.
const MOST_MEMORY: u64 = 512 << 20;

/// Larger pictures are averaged down to this side first: more pixels say no more about a digit, and averaging
/// takes away the noise of a camera.
const WORKING_SIDE: u32 = 256;

/// The least difference, in grey levels, between paper and ink. Paper alone varies by less.
const LEAST_CONTRAST: u8 = 32;

/// Why a picture cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct PictureError {
    /// The picture file.
    pub path: PathBuf,
    /// What is wrong and what to do about it, on one line.
    pub problem: String,
}

/// Reads the PNG, JPEG, BMP or PNM file `path` and returns `rows * cols` bytes, row by row, 0 being background and
/// 255 full ink, that look as MNIST would have them. `rows` and `cols` are at least 1.
///
/// A picture of exactly `rows x cols` pixels with a dark border is taken for an image of the data set and returned
/// as it is. In any other one the digit is told from its background, dark on light or light on dark, in even light or
/// with shadows, scaled to fit 20 of every 28 rows and columns and centred by its mass. Transparent parts count as white, or as black where
/// nothing is seen on white.
///
/// # Errors
///
/// When the file cannot be read or decoded, is larger than 10,000 x 10,000 pixels, or shows no ink.
pub fn read(path: &Path, rows: usize, cols: usize) -> Result<Vec<u8>, PictureError> {
    let error = |problem: String| PictureError { path: path.to_owned(), problem };
    let picture = decode(path).map_err(error)?;
    let pixels = framed(on_paper(&picture, 255), rows, cols);
    // Something light on nothing is seen on black alone.
    let pixels = pixels
        .or_else(|| picture.color().has_alpha().then(|| framed(on_paper(&picture, 0), rows, cols)).flatten());
    pixels.ok_or_else(|| {
        error("no ink found; give a picture of one digit that stands out from its paper".into())
    })
}

/// Decodes the file `path`, upright as its EXIF orientation asks, or says what is wrong with it.
fn decode(path: &Path) -> Result<DynamicImage, String> {
    let reader = ImageReader::open(path).and_then(ImageReader::with_guessed_format);
    let mut reader = reader.map_err(|error| format!("{error}; check the path and its permissions"))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let decoded = reader.into_decoder().and_then(|mut decoder| {
        let orientation = decoder.orientation()?;
        let mut picture = DynamicImage::from_decoder(decoder)?;
        picture.apply_orientation(orientation);
        Ok(picture)
    });
    decoded.map_err(|error| {
        let error = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        match error.trim_end_matches('.') {
            "" => "cannot be decoded; save it again as PNG".into(),
            error => {
                format!("{error}; give an intact PNG, JPEG, BMP or PNM of at most 10,000 x 10,000 pixels")
            }
        }
    })
}

/// The digit in `grey` as the data set would have it; `None` where there is no ink.
fn framed(grey: GrayImage, rows: usize, cols: usize) -> Option<Vec<u8>> {
    let size = (grey.width() as usize, grey.height() as usize);
    if size == (cols, rows) && mean(&border(&grey)) < 128.0 {
        return Some(grey.into_raw()).filter(|pixels| pixels.iter().any(|&pixel| pixel > 0));
    }
    let small = shrink(grey);
    ink(&small).and_then(|ink| frame(&ink, small.width() as usize, rows, cols))
}

/// The lightness of `picture` as it looks on paper of this lightness.
fn on_paper(picture: &DynamicImage, paper: u32) -> GrayImage {
    if !picture.color().has_alpha() {
        return picture.to_luma8();
    }
    let picture = picture.to_luma_alpha8();
    GrayImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [luma, alpha] = picture.get_pixel(x, y).0.map(u32::from);
        image::Luma([((luma * alpha + paper * (255 - alpha) + 127) / 255) as u8])
    })
}

/// Averages `grey` down, keeping its aspect ratio, when it is larger than it need be.
fn shrink(grey: GrayImage) -> GrayImage {
    let longer = grey.width().max(grey.height());
    if longer <= WORKING_SIDE {
        return grey;
    }
    let scaled = |side: u32| (side * WORKING_SIDE / longer).max(1);
    imageops::thumbnail(&grey, scaled(grey.width()), scaled(grey.height()))
}

/// The outermost pixels of `grey`.
fn border(grey: &GrayImage) -> Vec<u8> {
    let (right, bottom) = (grey.width() - 1, grey.height() - 1);
    let outermost = |x: u32, y: u32| x == 0 || y == 0 || x == right || y == bottom;
    grey.enumerate_pixels().filter(|&(x, y, _)| outermost(x, y)).map(|(_, _, pixel)| pixel.0[0]).collect()
}

fn mean(values: &[u8]) -> f64 {
    values.iter().map(|&value| f64::from(value)).sum::<f64>() / values.len().max(1) as f64
}

/// How much ink each pixel of `grey` holds, from 0 to 255; `None` when nothing stands out from the background.
///
/// The contrast is stretched between two levels taken from the picture itself, because paper is never quite even nor
/// ink quite black: what varies no more than the border does is background, and the middle of what Otsu's threshold
/// calls ink is full ink.
fn ink(grey: &GrayImage) -> Option<Vec<u8>> {
    let differences = light::differences(grey)?;
    let threshold = otsu(&differences);
    let mut inked: Vec<u8> = differences.iter().copied().filter(|&value| value > threshold).collect();
    let full = percentile(&mut inked, 50).filter(|&full| full >= LEAST_CONTRAST)?;

    let mut noise = border(&differences);
    // Twice as far above the middle as the level that one border pixel in ten exceeds, since strokes may touch the
    // border here and there, but no less than the halo that JPEG leaves around strokes.
    let (middle, high) = (percentile(&mut noise, 50)?, percentile(&mut noise, 90)?);
    let floor = middle.saturating_add((high - middle).saturating_mul(2)).max(full / 12).min(threshold);
    let range = u32::from(full - floor);
    let stretch = |value: &u8| (u32::from(value.saturating_sub(floor)) * 255 / range).min(255) as u8;
    let mut ink: Vec<u8> = differences.as_raw().iter().map(stretch).collect();
    keep_strokes(&mut ink, grey.width() as usize);
    Some(ink)
}

/// The value that `percent` of a hundred do not exceed; `None` of no values.
fn percentile(values: &mut [u8], percent: usize) -> Option<u8> {
    let index = values.len().checked_sub(1)? * percent / 100;
    Some(*values.select_nth_unstable(index).1)
}

/// The level that parts `values` in two classes with the most variance between them (Otsu 1979); the middle one when
/// several do. The upper class is above the level.
fn otsu(values: &[u8]) -> u8 {
    let mut counts = [0_u64; 256];
    for &value in values {
        counts[usize::from(value)] += 1;
    }
    let moment = |counts: &[u64], first: usize| -> (f64, f64) {
        let sum = counts.iter().zip(first..).map(|(&count, value)| count as f64 * value as f64).sum();
        (counts.iter().sum::<u64>() as f64, sum)
    };
    let between = |level: usize| {
        let ((n, sum), (m, upper)) = (moment(&counts[..=level], 0), moment(&counts[level + 1..], level + 1));
        if n == 0.0 || m == 0.0 { 0.0 } else { n * m * (sum / n - upper / m).powi(2) }
    };
    let variances: Vec<f64> = (0..255).map(between).collect();
    let most = variances.iter().copied().fold(0.0, f64::max);
    let best = |variance: &f64| *variance >= most;
    let (first, last) = (variances.iter().position(best), variances.iter().rposition(best));
    ((first.unwrap_or(0) + last.unwrap_or(0)) / 2) as u8
}

#[cfg(test)]
mod tests;
