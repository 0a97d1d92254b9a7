//! How MNIST frames a digit: fitted into the middle 20 of 28 pixels, then centred by its mass. EMNIST leaves
//! a margin of two pixels, and centres the outline.

use std::ops::Range;

use crate::image::preprocessing::Framing;

/// Frames the drawing `ink` (lines of `width` bytes, 0 is background, 255 is full ink) in `rows x cols`
/// pixels and returns these row by row; `None` when there is no ink.
///
/// As LeCun, Bottou, Bengio and Haffner (1998, section III.A) made MNIST: the bounding box of the ink is
/// scaled, keeping its aspect ratio, to fit 20 of every 28 rows and columns, and then moved by whole pixels
/// so that its centre of mass comes to pixel `rows / 2, cols / 2`, as far as the picture's edges allow.
/// Scaling averages over areas, which makes the grey edges. As Cohen, Afshar, Tapson and van Schaik (2017,
/// section II) made EMNIST, it fits 24 of every 28, and the middle of the box comes to the middle.
/// [`Framing::Resize`] takes the whole drawing, as [`resize`] does.
pub(crate) fn frame(ink: &[u8], width: usize, rows: usize, cols: usize, framing: Framing) -> Option<Vec<u8>> {
    let Some(fit) = fit(framing) else { return Some(resize(ink, width, rows, cols)) };
    let (down, across) = bounds(ink, width, 0)?;
    let crop = ink.chunks_exact(width).skip(down.start).take(down.len());
    let crop: Vec<f32> = crop.flat_map(|line| &line[across.clone()]).map(|&value| f32::from(value)).collect();

    let (height, width) = (down.len(), across.len());
    let scale = (share(rows, fit) / height as f64).min(share(cols, fit) / width as f64);
    let digit = resample_and_transpose(&resample_and_transpose(&crop, width, scale), height, scale);
    Some(centred(&digit, pixels_for(width, scale), rows, cols, framing))
}

/// Scales a whole drawing (lines of `width` bytes) to `rows x cols` pixels by averaging over areas, each axis
/// by its own scale.
pub(crate) fn resize(pixels: &[u8], width: usize, rows: usize, cols: usize) -> Vec<u8> {
    let height = pixels.len() / width;
    let values: Vec<f32> = pixels.iter().map(|&value| f32::from(value)).collect();
    let across = resample_and_transpose(&values, width, cols as f64 / width as f64);
    let scaled = resample_and_transpose(&across, height, rows as f64 / height as f64);
    scaled.iter().map(|value| value.round() as u8).collect()
}

/// Whether `ink` (row by row, 0 is background) is framed so, up to half a pixel of 28 and rounding.
pub(crate) fn is_framed(ink: &[u8], rows: usize, cols: usize, framing: Framing) -> bool {
    let Some(fit) = fit(framing) else { return true };
    let Some((down, across)) = bounds(ink, cols, FAINT) else { return false };
    // By how many pixels a side differs from what it may be at most.
    let gap = |length: usize, pixels: usize| (length as f64 - share(pixels, fit)) * 28.0 / pixels as f64;
    let fits = gap(down.len(), rows).max(gap(across.len(), cols)).abs() <= 0.5;
    let centre = match framing {
        Framing::Emnist => [(down, rows), (across, cols)].map(|(range, pixels)| {
            ((range.start + range.end) as f64 / 2.0 - pixels as f64 / 2.0) * 28.0 / pixels as f64
        }),
        _ => {
            let inked = || ink.iter().enumerate().filter(|(_, value)| **value > FAINT);
            let mass: f64 = inked().map(|(_, &value)| f64::from(value)).sum();
            let moment = |coordinate: &dyn Fn(usize) -> usize| {
                inked().map(|(index, &value)| f64::from(value) * coordinate(index) as f64).sum::<f64>()
            };
            let off =
                |moment: f64, pixels: usize| (moment / mass - (pixels / 2) as f64) * 28.0 / pixels as f64;
            [off(moment(&|index| index / cols), rows), off(moment(&|index| index % cols), cols)]
        }
    };
    fits && centre.iter().all(|off| off.abs() <= 0.6)
}

/// Ink that is fainter may come from scaling or from a lossy format, and bounds nothing.
const FAINT: u8 = 24;

/// Of every 28 rows and columns, how many the ink may fill; `None` where nothing is cropped.
fn fit(framing: Framing) -> Option<f64> {
    match framing {
        Framing::Mnist => Some(20.0),
        Framing::Emnist => Some(24.0),
        Framing::Resize => None,
    }
}

/// The rows and the columns with ink above `level`, as far as they reach; `None` when there is none.
fn bounds(ink: &[u8], width: usize, level: u8) -> Option<(Range<usize>, Range<usize>)> {
    let inked = |line: &[u8]| line.iter().any(|&value| value > level);
    let top = ink.chunks_exact(width).position(inked)?;
    let bottom = ink.chunks_exact(width).rposition(inked)? + 1;
    let lines = &ink[top * width..bottom * width];
    let inked = |column: &usize| lines.iter().skip(*column).step_by(width).any(|&value| value > level);
    let left = (0..width).find(inked)?;
    let right = (0..width).rfind(inked)? + 1;
    Some((top..bottom, left..right))
}

/// The part of `pixels` rows or columns that the ink may fill.
fn share(pixels: usize, fit: f64) -> f64 {
    (pixels as f64 * fit / 28.0).round().max(1.0)
}

/// How many pixels `length` pixels touch after scaling. The subtrahend absorbs rounding errors, which would
/// otherwise make 20.000001 pixels touch 21.
fn pixels_for(length: usize, scale: f64) -> usize {
    (length as f64 * scale - 1e-6).ceil().max(1.0) as usize
}

/// Scales lines of `length` values along their length by averaging over areas, the result centred in as many
/// pixels as it touches. Returns the lines as columns, so that a second call scales the other direction.
fn resample_and_transpose(lines: &[f32], length: usize, scale: f64) -> Vec<f32> {
    let count = pixels_for(length, scale);
    let margin = (count as f64 - length as f64 * scale) / 2.0;
    let mut result = Vec::with_capacity(count * (lines.len() / length));
    for pixel in 0..count {
        let low = ((pixel as f64 - margin) / scale).max(0.0);
        let high = ((pixel as f64 + 1.0 - margin) / scale).min(length as f64);
        let first = (low as usize).min(length - 1);
        let last = (high.ceil() as usize).max(first + 1);
        let overlap = |source: usize| high.min(source as f64 + 1.0) - low.max(source as f64);
        let weights: Vec<f32> = (first..last).map(|source| (overlap(source) * scale) as f32).collect();
        let average =
            |line: &[f32]| line[first..last].iter().zip(&weights).map(|(value, weight)| value * weight).sum();
        result.extend(lines.chunks_exact(length).map(|line| -> f32 { average(line) }));
    }
    result
}

/// Puts `digit` (lines of `width` values) into an empty picture with its centre in the middle. The heaviest
/// pixel becomes full ink, as in every image of MNIST, also where the strokes are thinner than a pixel.
fn centred(digit: &[f32], width: usize, rows: usize, cols: usize, framing: Framing) -> Vec<u8> {
    let height = digit.len() / width;
    let (mut mass, mut down, mut across, mut peak) = (0.0, 0.0, 0.0, f32::MIN_POSITIVE);
    for (index, &value) in digit.iter().enumerate() {
        mass += value;
        down += value * (index / width) as f32;
        across += value * (index % width) as f32;
        peak = peak.max(value);
    }
    let offset = |moment: f32, size: usize, pixels: usize| {
        let offset = ((pixels / 2) as f32 - moment / mass).round().max(0.0) as usize;
        offset.min(pixels - size)
    };
    let (top, left) = match framing {
        Framing::Emnist => ((rows - height) / 2, (cols - width) / 2),
        _ => (offset(down, height, rows), offset(across, width, cols)),
    };

    let mut picture = vec![0; rows * cols];
    for (row, line) in digit.chunks_exact(width).enumerate() {
        let target = &mut picture[(top + row) * cols + left..][..width];
        for (pixel, value) in target.iter_mut().zip(line) {
            *pixel = (value * (255.0 / peak)).round() as u8;
        }
    }
    picture
}
