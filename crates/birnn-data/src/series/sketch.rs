//! A series as a small grey image, for places that show images: each feature a line, the first the lightest,
//! on dark ground.

use crate::sequences::{Sequence, SequenceValues};

/// Rows and columns of a sketch.
pub const SKETCH: [usize; 2] = [32, 64];

/// The lines of all features over the time steps, on the one scale of all values, as [`SKETCH`] grey levels,
/// row by row. What is missing is drawn as if it were the lowest value; of grey levels and tokens nothing is
/// drawn.
pub fn sketch(series: Sequence<'_>) -> Vec<u8> {
    let [rows, cols] = SKETCH;
    let mut pixels = vec![0; rows * cols];
    let features = series.features;
    let values = match series.values {
        SequenceValues::Floats(values) => values,
        SequenceValues::Bytes(_) | SequenceValues::Tokens(..) => return pixels,
    };
    let known = || values.iter().copied().filter(|value| value.is_finite());
    let (low, high) = (known().fold(f32::INFINITY, f32::min), known().fold(f32::NEG_INFINITY, f32::max));
    if low > high {
        return pixels;
    }
    let row = |value: f32| {
        let share = if high > low { (value - low) / (high - low) } else { 0.5 };
        ((1.0 - share.clamp(0.0, 1.0)) * (rows - 1) as f32).round() as usize
    };
    // Lines drawn first are drawn over: the first feature comes last.
    for feature in (0..features).rev() {
        let shade = 255 - (135 * feature / features.max(1)) as u8;
        let last = (series.steps() - 1) as f64;
        let at = |col: usize| {
            let place = (col as f64 * last / (cols - 1) as f64).min(last);
            let value = |step: usize| {
                let value = values[step * features + feature];
                if value.is_finite() { value } else { low }
            };
            let (before, after) = (place.floor() as usize, place.ceil() as usize);
            row(value(before) + (value(after) - value(before)) * place.fract() as f32)
        };
        for col in 0..cols {
            let (here, next) = (at(col), at((col + 1).min(cols - 1)));
            // Down or up to where the next column goes on, so that a steep line has no holes.
            let end = if next > here { (next - 1).max(here) } else { (next + 1).min(here) };
            for row in here.min(end)..=here.max(end) {
                pixels[row * cols + col] = shade;
            }
        }
    }
    pixels
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(values: &[f32], features: usize) -> Vec<Vec<u8>> {
        sketch(Sequence::of_series(values, features)).chunks(SKETCH[1]).map(<[u8]>::to_vec).collect()
    }

    #[test]
    fn a_line_goes_from_where_it_starts_to_where_it_ends() {
        let drawn = lines(&[0.0, 1.0], 1);
        assert_eq!((drawn[31][0], drawn[0][63], drawn[0][0], drawn[31][63]), (255, 255, 0, 0));
        // In one piece: something in each column.
        assert!((0..64).all(|col| drawn.iter().any(|row| row[col] > 0)));
        // Straight up in the middle.
        let steep = lines(&[0.0, 0.0, 0.0, 9.0, 9.0, 9.0], 1);
        assert!((0..32).all(|row| steep[row].contains(&255)));
    }

    #[test]
    fn whatever_the_values_there_is_a_sketch() {
        assert!(lines(&[5.0], 1)[16].iter().all(|&pixel| pixel == 255), "a level line in the middle");
        assert!(lines(&[f32::NAN; 4], 2).concat().iter().all(|&pixel| pixel == 0));
        assert!(lines(&[f32::NAN, 1.0, 2.0, f32::INFINITY], 1).concat().contains(&255));
        assert!(lines(&[1.0, 2.0, 1.0, 2.0], 2).concat().contains(&188), "another shade");
    }

    /// In f32 the last column of so many steps would lie past the last of them.
    #[test]
    fn a_long_series_ends_where_it_ends() {
        let mut values = vec![0.0; 266_310];
        values[266_309] = 1.0;
        let drawn = lines(&values, 1);
        assert_eq!((drawn[31][0], drawn[0][63]), (255, 255));
    }
}
