//! Variations of training images: each time an image is seen, it is moved, turned, scaled, slanted and bent a
//! little otherwise, so that the net learns what stays.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::ConfigError;
use crate::image::preprocessing::Ground;
use crate::rng::Rng;

/// The `[data.augment]` table as written: how far training images are varied. All of it is off by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AugmentConfig {
    /// Largest shift along each side, in pixels.
    #[schemars(range(min = 0, max = 1000))]
    pub shift: f64,
    /// Largest turn to either side, in degrees.
    #[schemars(range(min = 0, max = 180))]
    pub rotate: f64,
    /// Largest change of size, as a share of it.
    #[schemars(range(min = 0, max = 0.9))]
    pub scale: f64,
    /// Largest slant to either side: columns per row.
    #[schemars(range(min = 0, max = 2))]
    pub shear: f64,
    /// How far pixels are displaced by bending, as a standard deviation in pixels.
    #[schemars(range(min = 0, max = 1000))]
    pub elastic: f64,
}

/// Variations that are drawn anew for each image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Augment {
    config: AugmentConfig,
    /// What is outside of an image.
    outside: u8,
}

/// Cells of the grid of displacements along each side.
const CELLS: usize = 4;
/// Each point of a cubic spline depends on four knots.
const KNOTS: usize = CELLS + 3;

impl AugmentConfig {
    /// Whether nothing is varied.
    pub fn is_off(&self) -> bool {
        *self == AugmentConfig::default()
    }

    /// Checks every setting; `None` where nothing is varied.
    pub fn resolve(&self) -> Result<Option<Augment>, ConfigError> {
        let AugmentConfig { shift, rotate, scale, shear, elastic } = *self;
        let bounds = [
            ("augment.shift", shift, 1000.0, "pixels"),
            ("augment.rotate", rotate, 180.0, "degrees"),
            ("augment.scale", scale, 0.9, "as a share of the size"),
            ("augment.shear", shear, 2.0, "columns per row"),
            ("augment.elastic", elastic, 1000.0, "pixels"),
        ];
        for (key, value, most, unit) in bounds {
            if !(0.0..=most).contains(&value) {
                return Err(ConfigError::new(key, format!("must be 0 to {most}, {unit}, is {value}")));
            }
        }
        Ok((!self.is_off()).then_some(Augment { config: *self, outside: 0 }))
    }
}

impl Augment {
    /// The same for images on this ground: what is moved in from outside of an image is as light as the
    /// ground.
    pub fn on(self, ground: Ground) -> Augment {
        Augment { outside: if ground == Ground::Light { 255 } else { 0 }, ..self }
    }

    /// Writes a variation of `image`, `rows * cols` bytes, to `out`: as many values from 0 to 1. It is a pure
    /// function of the image, `seed` and `stream`.
    ///
    /// Each pixel of the variation is looked up where an affine map and a smooth field of displacements say:
    /// cubic splines over a coarse grid of normally distributed knots (Ronneberger et al. 2015, section 3.1;
    /// after Simard et al. 2003), between pixels by bilinear interpolation. Outside of the image is ground.
    pub fn apply(&self, image: &[u8], cols: usize, seed: u64, stream: u64, out: &mut [f32]) {
        let rows = image.len() / cols.max(1);
        let AugmentConfig { shift, rotate, scale, shear, elastic } = self.config;
        let mut rng = Rng::new(seed, stream);
        let mut within = |most: f64| rng.uniform(-most, most);
        let (down, across) = (within(shift), within(shift));
        let (sin, cos) = within(rotate.to_radians()).sin_cos();
        let (size, slant) = (1.0 + within(scale), within(shear));
        let bend = (elastic > 0.0).then(|| [(); 2].map(|()| field(&mut rng, elastic, rows, cols)));

        // Slant, then turn, then scale, about the middle.
        let [yy, yx, xy, xx] =
            [cos, -sin, sin + slant * cos, cos - slant * sin].map(|value| (value / size) as f32);
        let middle = |side: usize| (side as f32 - 1.0) / 2.0;
        let (middle_row, middle_col) = (middle(rows), middle(cols));
        let (top, left) = (middle_row + down as f32, middle_col + across as f32);
        let surrounded = Surrounded::new(image, rows, cols, self.outside);
        for row in 0..rows {
            let y = row as f32 - middle_row;
            for col in 0..cols {
                let x = col as f32 - middle_col;
                let (mut from_row, mut from_col) = (top + yy * y + yx * x, left + xy * y + xx * x);
                if let Some([down, across]) = &bend {
                    from_row += down[row * cols + col];
                    from_col += across[row * cols + col];
                }
                out[row * cols + col] = surrounded.between(from_row, from_col) / 255.0;
            }
        }
    }
}

/// An image with two lines of what is outside of it along each side, so that wherever the four pixels around
/// a place are, they are looked up without asking which of them are inside.
struct Surrounded {
    values: Vec<f32>,
    rows: usize,
    cols: usize,
}

impl Surrounded {
    const AROUND: usize = 2;

    fn new(image: &[u8], rows: usize, cols: usize, outside: u8) -> Surrounded {
        let width = cols + 2 * Surrounded::AROUND;
        let mut values = vec![f32::from(outside); (rows + 2 * Surrounded::AROUND) * width];
        for (line, own) in image.chunks(cols.max(1)).zip(values.chunks_mut(width).skip(Surrounded::AROUND)) {
            for (&pixel, own) in line.iter().zip(&mut own[Surrounded::AROUND..]) {
                *own = f32::from(pixel);
            }
        }
        Surrounded { values, rows, cols }
    }

    /// The value between four pixels.
    fn between(&self, row: f32, col: f32) -> f32 {
        let ((top, down), (left, across)) = (whole_and_rest(row), whole_and_rest(col));
        // What is further outside is as what is outside.
        let line_of = |at: i32, side: usize| {
            (at.clamp(-(Surrounded::AROUND as i32), side as i32) + Surrounded::AROUND as i32) as usize
        };
        let width = self.cols + 2 * Surrounded::AROUND;
        let at = line_of(top, self.rows) * width + line_of(left, self.cols);
        let line = |at: usize| self.values[at] * (1.0 - across) + self.values[at + 1] * across;
        line(at) * (1.0 - down) + line(at + width) * down
    }
}

/// The largest whole number that is not larger, and what is left. (`f32::floor` is a call where the processor
/// has no instruction for certain.)
fn whole_and_rest(value: f32) -> (i32, f32) {
    let towards_zero = value as i32;
    let whole = towards_zero - i32::from(value < towards_zero as f32);
    (whole, value - whole as f32)
}

/// Smooth displacements of `rows * cols` pixels along one direction, of standard deviation `deviation`.
fn field(rng: &mut Rng, deviation: f64, rows: usize, cols: usize) -> Vec<f32> {
    // A spline smooths its knots: in two dimensions, half of their deviation is left.
    let mut knot = || (2.0 * deviation * rng.normal()) as f32;
    let knots: [[f32; KNOTS]; KNOTS] = std::array::from_fn(|_| std::array::from_fn(|_| knot()));
    let cell_and_weights = |pixel: usize, side: usize| {
        let at = (pixel as f32 + 0.5) / side as f32 * CELLS as f32;
        (at as usize, spline(at.fract()))
    };
    let columns: Vec<_> = (0..cols).map(|col| cell_and_weights(col, cols)).collect();
    let mut field = Vec::with_capacity(rows * cols);
    for row in 0..rows {
        let (cell, weights) = cell_and_weights(row, rows);
        let line: [f32; KNOTS] =
            std::array::from_fn(|knot| (0..4).map(|near| weights[near] * knots[cell + near][knot]).sum());
        field.extend(
            columns
                .iter()
                .map(|(cell, weights)| (0..4).map(|near| weights[near] * line[cell + near]).sum::<f32>()),
        );
    }
    field
}

/// The weights of the four knots around the point `t`, from 0 to 1, of a cell: the uniform cubic B-spline.
fn spline(t: f32) -> [f32; 4] {
    let s = 1.0 - t;
    [
        s * s * s / 6.0,
        (3.0 * t * t * t - 6.0 * t * t + 4.0) / 6.0,
        (3.0 * s * s * s - 6.0 * s * s + 4.0) / 6.0,
        t * t * t / 6.0,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFF: AugmentConfig =
        AugmentConfig { shift: 0.0, rotate: 0.0, scale: 0.0, shear: 0.0, elastic: 0.0 };

    fn apply(config: AugmentConfig, image: &[u8], cols: usize, stream: u64) -> Vec<f32> {
        let mut out = vec![f32::NAN; image.len()];
        Augment { config, outside: 0 }.apply(image, cols, 5, stream, &mut out);
        out
    }

    #[test]
    fn what_comes_in_is_of_the_ground() {
        let (shifted, white) = (AugmentConfig { shift: 3.0, ..OFF }, vec![255; 6 * 5]);
        let least = |ground| {
            let mut out = vec![f32::NAN; white.len()];
            Augment { config: shifted, outside: 0 }.on(ground).apply(&white, 5, 5, 1, &mut out);
            out.into_iter().fold(f32::INFINITY, f32::min)
        };
        assert_eq!((least(Ground::Dark), least(Ground::Light)), (0.0, 1.0));
    }

    /// Mean row and column of the ink, and their covariance.
    fn moments(pixels: &[f32], cols: usize) -> [f32; 5] {
        let sum = |value: &dyn Fn(f32, f32) -> f32| -> f32 {
            let each = pixels.iter().enumerate();
            each.map(|(at, ink)| ink * value((at / cols) as f32, (at % cols) as f32)).sum()
        };
        let mass = sum(&|_, _| 1.0);
        let (y, x) = (sum(&|y, _| y) / mass, sum(&|_, x| x) / mass);
        let covariance = |value: &dyn Fn(f32, f32) -> f32| sum(&|row, col| value(row - y, col - x)) / mass;
        [y, x, covariance(&|y, _| y * y), covariance(&|_, x| x * x), covariance(&|y, x| y * x)]
    }

    /// A bar of 3 x 13 in the middle of 28 x 28.
    fn bar() -> Vec<u8> {
        (0..784)
            .map(|at| if (13..16).contains(&(at / 28)) && (8..21).contains(&(at % 28)) { 255 } else { 0 })
            .collect()
    }

    #[test]
    fn nothing_is_varied_unless_it_is_asked_for() {
        assert_eq!(OFF.resolve().unwrap(), None);
        let expected: Vec<f32> = bar().iter().map(|&pixel| f32::from(pixel) / 255.0).collect();
        assert_eq!(apply(OFF, &bar(), 28, 0), expected);
    }

    #[test]
    fn a_variation_is_a_function_of_its_place() {
        let config = AugmentConfig { shift: 2.0, rotate: 10.0, scale: 0.1, shear: 0.1, elastic: 1.0 };
        assert_eq!(apply(config, &bar(), 28, 1), apply(config, &bar(), 28, 1));
        assert_ne!(apply(config, &bar(), 28, 1), apply(config, &bar(), 28, 2));
    }

    #[test]
    fn each_setting_does_what_it_says_and_no_more() {
        let [y, x, yy, xx, _] = moments(&apply(OFF, &bar(), 28, 0), 28);
        let mut most = [0.0_f32; 5];
        for stream in 0..200 {
            let vary = |config| moments(&apply(config, &bar(), 28, stream), 28);
            let shifted = vary(AugmentConfig { shift: 3.0, ..OFF });
            most[0] = most[0].max((shifted[0] - y).abs().max((shifted[1] - x).abs()));
            let turned = vary(AugmentConfig { rotate: 30.0, ..OFF });
            // The angle of the longer axis.
            let angle = (2.0 * turned[4]).atan2(turned[3] - turned[2]) / 2.0;
            most[1] = most[1].max(angle.abs().to_degrees());
            let scaled = vary(AugmentConfig { scale: 0.2, ..OFF });
            most[2] = most[2].max((scaled[3] / xx).sqrt() - 1.0);
            let slanted = vary(AugmentConfig { shear: 0.5, ..OFF });
            most[3] = most[3].max((slanted[4] / slanted[2]).abs());
            assert!((slanted[2] / yy - 1.0).abs() < 0.3, "rows stay rows");
            let bent = vary(AugmentConfig { elastic: 1.0, ..OFF });
            most[4] = most[4].max((bent[0] - y).hypot(bent[1] - x));
        }
        // Of 200 normally distributed displacements in two directions, the largest is some 2.5 deviations.
        let expected = [3.0, 30.0, 0.25, 0.5, 2.5];
        for (most, expected) in most.into_iter().zip(expected) {
            assert!((0.8 * expected..1.15 * expected).contains(&most), "{most}, not {expected}");
        }
    }

    #[test]
    fn a_value_is_that_between_the_four_pixels_around_it() {
        let (rows, cols) = (3, 4);
        let image: Vec<u8> = (0..rows * cols).map(|at| (at * 89 % 256) as u8).collect();
        let surrounded = Surrounded::new(&image, rows, cols, 255);
        let pixel = |row: f32, col: f32| {
            let inside = (0.0..rows as f32).contains(&row) && (0.0..cols as f32).contains(&col);
            f32::from(if inside { image[row as usize * cols + col as usize] } else { 255 })
        };
        let places =
            || [-1e6, -3.0, -2.25, -1.0, -0.75, 0.0, 0.5, 1.0, 1.999, 2.0, 2.75, 3.0, 3.5, 4.0, 7.3, 1e6];
        for (row, col) in places().into_iter().flat_map(|row| places().map(move |col| (row, col))) {
            let (top, left) = (f32::floor(row), f32::floor(col));
            let (down, across) = (row - top, col - left);
            let line = |row: f32| pixel(row, left) * (1.0 - across) + pixel(row, left + 1.0) * across;
            let expected: f32 = line(top) * (1.0 - down) + line(top + 1.0) * down;
            assert_eq!(surrounded.between(row, col).to_bits(), expected.to_bits(), "{row}, {col}");
        }
    }

    #[test]
    fn values_stay_between_background_and_ink_whatever_the_shape() {
        let config = AugmentConfig { shift: 9.0, rotate: 180.0, scale: 0.9, shear: 2.0, elastic: 20.0 };
        for (rows, cols) in [(1, 1), (1, 9), (9, 1), (5, 7)] {
            let image: Vec<u8> = (0..rows * cols).map(|at| (at * 37 % 256) as u8).collect();
            for stream in 0..50 {
                assert!(apply(config, &image, cols, stream).iter().all(|value| (0.0..=1.0).contains(value)));
            }
        }
    }

    #[test]
    fn impossible_settings_are_refused_by_key() {
        for (config, key) in [
            (AugmentConfig { shift: -1.0, ..OFF }, "data.augment.shift"),
            (AugmentConfig { rotate: 181.0, ..OFF }, "data.augment.rotate"),
            (AugmentConfig { scale: 1.0, ..OFF }, "data.augment.scale"),
            (AugmentConfig { shear: f64::INFINITY, ..OFF }, "data.augment.shear"),
            (AugmentConfig { elastic: f64::NAN, ..OFF }, "data.augment.elastic"),
        ] {
            assert_eq!(config.resolve().unwrap_err().key, key);
        }
    }
}
