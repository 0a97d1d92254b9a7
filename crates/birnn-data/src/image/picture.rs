//! Reading a user's picture as if it came from the images that a net learnt from.

mod decode;
mod find;
mod light;
mod strokes;

use std::path::{Path, PathBuf};

use image::{DynamicImage, GrayImage, imageops};

use self::decode::Decoded;
pub(crate) use self::decode::load;
pub use self::find::{EXTENSIONS, FindError, Pictures, find, is_picture};
use self::strokes::keep_strokes;
use crate::image::appearance::{Appearance, GRAIN, ground_and_level};
use crate::image::frame::{frame, is_framed, resize};
use crate::image::images::transposed;
use crate::image::preprocessing::{Framing, Ground, Preprocessing};
use crate::name::shown;

/// Larger pictures are averaged down to this side before ink is looked for: more pixels say no more about a
/// digit, and averaging takes away the noise of a camera.
const WORKING_SIDE: u32 = 256;

/// Larger pictures are averaged down to this side before anything else.
const LARGEST_SIDE: u32 = 2048;

/// The least difference, in grey levels, between paper and ink. Paper alone varies by less.
const LEAST_CONTRAST: u8 = 32;

/// The most grey levels by which the border of a picture varies that was drawn by a program, not
/// photographed.
const PLAIN: u8 = 4;

/// Why a picture cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", shown(&path))]
pub struct PictureError {
    /// The picture file.
    pub path: PathBuf,
    /// What is wrong and what to do about it, on one line.
    pub problem: String,
}

/// Reads the PNG, JPEG, BMP or PNM file `path` and returns `rows * cols` bytes of an image, row by row, that
/// look as those would that `preprocessing` speaks of. `rows` and `cols` are at least 1.
///
/// A picture of exactly `rows x cols` pixels on the same ground is taken for an image of the data set and
/// returned as it is. In any other one:
///
/// - [`Framing::Resize`]: the whole picture is scaled, and inverted where its corners show the other ground.
/// - else, a picture on a plain ground that is framed already is scaled. In one that is not, things are told
///   from their background, dark on light or light on dark, in even light or with shadows, and then framed.
///
/// Transparent parts count as white, or as black where nothing is seen on white.
///
/// # Errors
///
/// When the file cannot be read or decoded, is cut short, is larger than 10,000 x 10,000 pixels, or shows
/// nothing that could be framed.
pub fn read(
    path: &Path,
    [rows, cols]: [usize; 2],
    preprocessing: &Preprocessing,
) -> Result<Vec<u8>, PictureError> {
    let image = load(path).and_then(|bytes| parse(&bytes, [rows, cols], preprocessing));
    image.map_err(|problem| PictureError { path: path.to_owned(), problem })
}

/// As [`read`], with the bytes of the file at hand.
///
/// # Errors
///
/// As [`read`]'s, without the file's name.
pub fn parse(
    bytes: &[u8],
    [rows, cols]: [usize; 2],
    preprocessing: &Preprocessing,
) -> Result<Vec<u8>, String> {
    let decoded = decode::decode(bytes)?;
    let image = |grey| prepared(grey, [rows, cols], preprocessing);
    if preprocessing.framing == Framing::Resize {
        // What shows nothing is a picture, too.
        let shown = decoded.seen(|grey| image(grey).filter(|pixels| is_varied(pixels)));
        if let Some(pixels) = shown.or_else(|| image(decoded.grey(255))) {
            return Ok(pixels);
        }
    }
    decoded
        .seen(image)
        .ok_or_else(|| "no ink found; give a picture of one digit that stands out from its paper".into())
}

/// Its width and its height in pixels, as the file says them, without decoding it.
///
/// # Errors
///
/// When it is no picture that can be read.
pub fn size(bytes: &[u8]) -> Result<[u32; 2], String> {
    decode::size(bytes)
}

/// The grey levels of a picture of exactly `rows x cols` pixels, as it has them; `None` of one of another
/// size.
pub(crate) fn stored(bytes: &[u8], [rows, cols]: [usize; 2]) -> Result<Option<Vec<u8>>, String> {
    let decoded = decode::decode(bytes)?;
    let grey = decoded.grey(255);
    if (grey.height() as usize, grey.width() as usize) != (rows, cols) {
        return Ok(None);
    }
    let shows = |grey: GrayImage| Some(grey.into_raw()).filter(|pixels| is_varied(pixels));
    // What shows nothing is as it is, too.
    Ok(Some(decoded.seen(shows).unwrap_or_else(|| grey.into_raw())))
}

impl Decoded {
    /// What `image` makes of it as it looks on white or, where nothing is seen there, on black.
    fn seen<T>(&self, image: impl Fn(GrayImage) -> Option<T>) -> Option<T> {
        // Something light on nothing is seen on black alone.
        image(self.grey(255))
            .or_else(|| self.pixels.color().has_alpha().then(|| image(self.grey(0))).flatten())
    }

    /// Its lightness as it looks on paper of this lightness, upright.
    fn grey(&self, paper: u32) -> GrayImage {
        // Turned once it is grey, which takes less memory.
        let mut grey = DynamicImage::from(on_paper(&self.pixels, paper));
        grey.apply_orientation(self.orientation);
        grey.into_luma8()
    }
}

/// Whether they are of more than one level: what is of one shows nothing.
fn is_varied(pixels: &[u8]) -> bool {
    pixels.iter().any(|&level| level != pixels[0])
}

/// `grey` as an image of `rows x cols`; `None` where there is no ink, and ink is what it takes.
fn prepared(grey: GrayImage, [rows, cols]: [usize; 2], preprocessing: &Preprocessing) -> Option<Vec<u8>> {
    let Preprocessing { ground, transposed: columns_first, framing, .. } = *preprocessing;
    if columns_first {
        let upright = Preprocessing { transposed: false, ..*preprocessing };
        return prepared(grey, [cols, rows], &upright).map(|pixels| transposed(&pixels, rows));
    }
    let grey = shrink(grey, LARGEST_SIDE);
    let width = grey.width() as usize;
    let (own, level) = ground_and_level(&grey, width);
    // Black on white is no image of a data set that is dark grey on grey.
    let same_paper = framing == Framing::Resize || level.abs_diff(preprocessing.levels[0]) <= GRAIN;
    if (width, grey.height() as usize) == (cols, rows) && own == ground && same_paper {
        return Some(grey.into_raw());
    }
    if framing == Framing::Resize {
        let mut scaled = resize(&grey, width, rows, cols);
        if own != ground && own == ground.inverted() {
            scaled.iter_mut().for_each(|value| *value = 255 - *value);
        }
        return Some(scaled);
    }
    let ink = framed_ink(&grey, [rows, cols], framing).or_else(|| {
        let small = shrink(dark_on_light(grey), WORKING_SIDE);
        ink(&small).and_then(|ink| frame(&ink, small.width() as usize, rows, cols, framing))
    })?;
    Some(preprocessing.paint(&ink))
}

/// The other way round where a program drew light on dark, and with more contrast where it drew faintly: on
/// one level of grey there are no shadows to tell from ink, and a picture reads as its negative does.
fn dark_on_light(grey: GrayImage) -> GrayImage {
    let Appearance { ground, level, full, ink } = Appearance::of(&grey, grey.width() as usize);
    let faint = (GRAIN / 3..LEAST_CONTRAST).contains(&full.abs_diff(level));
    if !is_plain(&grey) || ground == Ground::Mixed || (ground == Ground::Light && !faint) {
        return grey;
    }
    let (width, height) = grey.dimensions();
    let negative = |grey: GrayImage| grey.into_raw().into_iter().map(|value| 255 - value).collect();
    let pixels = if faint { ink.iter().map(|&ink| 255 - ink).collect() } else { negative(grey.clone()) };
    GrayImage::from_raw(width, height, pixels).unwrap_or(grey)
}

/// Whether the border is of one level, as where a program drew.
fn is_plain(grey: &GrayImage) -> bool {
    let border = border(grey);
    let (least, most) = (border.iter().min(), border.iter().max());
    least.zip(most).is_some_and(|(least, most)| most - least <= PLAIN)
}

/// The ink of a picture that a program drew on one level of grey and framed, scaled to `rows x cols`; `None`
/// of any other.
fn framed_ink(grey: &GrayImage, [rows, cols]: [usize; 2], framing: Framing) -> Option<Vec<u8>> {
    if !is_plain(grey) {
        return None;
    }
    let Appearance { ground, level, full, ink } =
        Appearance::of(&resize(grey, grey.width() as usize, rows, cols), cols);
    // Dust may be the darkest that there is.
    let mut strokes = ink.clone();
    keep_strokes(&mut strokes, cols);
    let is_clean = ground != Ground::Mixed && full.abs_diff(level) >= GRAIN / 3 && strokes == ink;
    (is_clean && is_framed(&ink, rows, cols, framing)).then_some(ink)
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

/// Averages `grey` down, keeping its aspect ratio, when its longer side is longer than `most`.
fn shrink(grey: GrayImage, most: u32) -> GrayImage {
    let longer = grey.width().max(grey.height());
    if longer <= most {
        return grey;
    }
    let scaled = |side: u32| (side * most / longer).max(1);
    imageops::thumbnail(&grey, scaled(grey.width()), scaled(grey.height()))
}

/// The outermost pixels of `grey`.
fn border(grey: &GrayImage) -> Vec<u8> {
    let (right, bottom) = (grey.width() - 1, grey.height() - 1);
    let outermost = |x: u32, y: u32| x == 0 || y == 0 || x == right || y == bottom;
    grey.enumerate_pixels().filter(|&(x, y, _)| outermost(x, y)).map(|(_, _, pixel)| pixel.0[0]).collect()
}

/// How much ink each pixel of `grey` holds, from 0 to 255; `None` when nothing stands out from the
/// background.
///
/// The contrast is stretched between two levels taken from the picture itself, because paper is never quite
/// even nor ink quite black: what varies no more than the border does is background, and the middle of what
/// Otsu's threshold calls ink is full ink.
fn ink(grey: &GrayImage) -> Option<Vec<u8>> {
    let differences = light::differences(grey)?;
    let threshold = otsu(&differences);
    let mut inked: Vec<u8> = differences.iter().copied().filter(|&value| value > threshold).collect();
    let full = percentile(&mut inked, 50).filter(|&full| full >= LEAST_CONTRAST)?;

    let mut noise = border(&differences);
    // Twice as far above the middle as the level that one border pixel in ten exceeds, since strokes may
    // touch the border here and there, but no less than the halo that JPEG leaves around strokes.
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

/// The level that parts `values` in two classes with the most variance between them (Otsu 1979); the middle
/// one when several do. The upper class is above the level.
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
