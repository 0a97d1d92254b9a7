//! How MNIST frames a digit: fitted into the middle 20 of 28 pixels, then centred by its mass.

/// Frames the drawing `ink` (lines of `width` bytes, 0 is background, 255 is full ink) in `rows x cols` pixels
/// and returns these row by row; `None` when there is no ink.
///
/// As LeCun, Bottou, Bengio and Haffner (1998, section III.A) made MNIST: the bounding box of the ink is scaled,
/// keeping its aspect ratio, to fit 20 of every 28 rows and columns, and then moved by whole pixels so that its
/// centre of mass comes to pixel `rows / 2, cols / 2`, as far as the picture's edges allow. Scaling averages over
/// areas, which makes the grey edges.
pub(crate) fn frame(ink: &[u8], width: usize, rows: usize, cols: usize) -> Option<Vec<u8>> {
    let inked = |line: &[u8]| line.iter().any(|&value| value > 0);
    let top = ink.chunks_exact(width).position(inked)?;
    let bottom = ink.chunks_exact(width).rposition(inked)? + 1;
    let lines = &ink[top * width..bottom * width];
    let inked = |column: &usize| lines.iter().skip(*column).step_by(width).any(|&value| value > 0);
    let left = (0..width).find(inked)?;
    let right = (0..width).rfind(inked)? + 1;
    let crop = lines.chunks_exact(width).flat_map(|line| &line[left..right]);
    let crop: Vec<f32> = crop.map(|&value| f32::from(value)).collect();

    let (height, width) = (bottom - top, right - left);
    let scale = (share(rows) / height as f64).min(share(cols) / width as f64);
    let digit = resample_and_transpose(&resample_and_transpose(&crop, width, scale), height, scale);
    Some(place(&digit, pixels_for(width, scale), rows, cols))
}

/// The part of `pixels` rows or columns that the digit may fill.
fn share(pixels: usize) -> f64 {
    (pixels as f64 * 20.0 / 28.0).round().max(1.0)
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

/// Puts `digit` (lines of `width` values) into an empty picture with its centre of mass in the middle. The heaviest
/// pixel becomes full ink, as in every image of MNIST, also where the strokes are thinner than a pixel.
fn place(digit: &[f32], width: usize, rows: usize, cols: usize) -> Vec<u8> {
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
    let (top, left) = (offset(down, height, rows), offset(across, width, cols));

    let mut picture = vec![0; rows * cols];
    for (row, line) in digit.chunks_exact(width).enumerate() {
        let target = &mut picture[(top + row) * cols + left..][..width];
        for (pixel, value) in target.iter_mut().zip(line) {
            *pixel = (value * (255.0 / peak)).round() as u8;
        }
    }
    picture
}
