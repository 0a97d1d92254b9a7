//! Pictures for TensorBoard, red, green and blue.

use std::io;

use birnn_data::png;
use birnn_infer::Confusion;

/// A picture as it is drawn on.
pub(super) struct Canvas {
    rows: usize,
    cols: usize,
    pixels: Vec<u8>,
}

/// Digits side by side, and below each other.
const ACROSS: usize = 6;
const DOWN: usize = 4;
/// As many as fit on a sheet.
pub(super) const ON_SHEET: usize = ACROSS * DOWN;
/// Pixels between two digits.
const GAP: usize = 4;

/// A confusion matrix is about as wide as this, and no cell is smaller than the other.
const MATRIX: usize = 320;
const LEAST_CELL: usize = 3;

const WHITE: [u8; 3] = [255; 3];
const GREEN: [u8; 3] = [10, 115, 70];
const ORANGE: [u8; 3] = [200, 80, 10];
const GREY: [u8; 3] = [120; 3];

impl Canvas {
    fn new(rows: usize, cols: usize, ground: [u8; 3]) -> Canvas {
        Canvas { rows, cols, pixels: ground.repeat(rows * cols) }
    }

    fn set(&mut self, row: usize, col: usize, colour: [u8; 3]) {
        let offset = 3 * (row * self.cols + col);
        self.pixels[offset..offset + 3].copy_from_slice(&colour);
    }

    /// Rows and columns.
    pub(super) fn shape(&self) -> [usize; 2] {
        [self.rows, self.cols]
    }

    /// As a PNG.
    pub(super) fn png(&self) -> io::Result<Vec<u8>> {
        png(&self.pixels, self.shape())
    }
}

/// Digits of `shape`, the first [`ON_SHEET`] of them, row by row.
pub(super) fn sheet(digits: &[Vec<u8>], [rows, cols]: [usize; 2]) -> Canvas {
    let across = digits.len().clamp(1, ACROSS);
    let down = digits.len().div_ceil(ACROSS).clamp(1, DOWN);
    let mut canvas = Canvas::new(down * (rows + GAP) + GAP, across * (cols + GAP) + GAP, GREY);
    for (index, digit) in digits.iter().take(ON_SHEET).enumerate() {
        let (top, left) = (GAP + index / ACROSS * (rows + GAP), GAP + index % ACROSS * (cols + GAP));
        for (pixel, &value) in digit.iter().enumerate() {
            canvas.set(top + pixel / cols, left + pixel % cols, [value; 3]);
        }
    }
    canvas
}

/// The confusion matrix: green on the diagonal, orange beside it, each the stronger the nearer it is to the
/// most of its kind; mistakes are few, and would not be seen beside what is right.
pub(super) fn matrix(confusion: &Confusion) -> Canvas {
    let (right, wrong) = confusion.most();
    let cell = (MATRIX / confusion.0.len().max(1)).max(LEAST_CELL);
    let side = (confusion.0.len() * cell + 1).max(1);
    let mut canvas = Canvas::new(side, side, GREY);
    for (label, row) in confusion.0.iter().enumerate() {
        for (class, &count) in row.iter().enumerate() {
            let (ink, most) = if label == class { (GREEN, right) } else { (ORANGE, wrong) };
            // The least count is to be seen too.
            let share = if count == 0 { 0.0 } else { 0.1 + 0.9 * count as f64 / most as f64 };
            let colour: [u8; 3] = std::array::from_fn(|part| {
                let (from, to) = (f64::from(WHITE[part]), f64::from(ink[part]));
                (from + (to - from) * share).round() as u8
            });
            for pixel in 0..(cell - 1) * (cell - 1) {
                let (y, x) = (pixel / (cell - 1), pixel % (cell - 1));
                canvas.set(label * cell + 1 + y, class * cell + 1 + x, colour);
            }
        }
    }
    canvas
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(canvas: &Canvas, row: usize, col: usize) -> [u8; 3] {
        let offset = 3 * (row * canvas.cols + col);
        std::array::from_fn(|part| canvas.pixels[offset + part])
    }

    #[test]
    fn a_sheet_shows_each_digit_in_its_place() {
        for (count, shape) in [(0, [9, 10]), (1, [9, 10]), (6, [9, 40]), (7, [14, 40]), (30, [24, 40])] {
            let digits: Vec<Vec<u8>> = (0..count).map(|index: usize| vec![index as u8 * 8; 2]).collect();
            let canvas = sheet(&digits, [1, 2]);
            assert_eq!(canvas.shape(), shape, "{count}");
            for index in 0..count.min(ON_SHEET) {
                let (row, col) = (GAP + index / ACROSS * (1 + GAP), GAP + index % ACROSS * (2 + GAP));
                assert_eq!(at(&canvas, row, col + 1), [index as u8 * 8; 3]);
                assert_eq!(at(&canvas, row, col + 2), GREY);
            }
            canvas.png().unwrap();
        }
    }

    #[test]
    fn a_matrix_shades_what_is_right_and_what_is_wrong() {
        let of = |confusion: Vec<Vec<u64>>| matrix(&Confusion(confusion));
        let canvas = of(vec![vec![900, 1], vec![0, 450]]);
        let middle = |label: usize, class: usize| at(&canvas, label * 160 + 80, class * 160 + 80);
        assert_eq!(middle(0, 0), GREEN);
        assert_eq!(middle(0, 1), ORANGE);
        assert_eq!(middle(1, 0), WHITE);
        assert!(middle(1, 1)[0] > GREEN[0] && middle(1, 1)[0] < 255);
        // More classes than pixels, and none.
        assert_eq!(of(vec![vec![0; 256]; 256]).shape(), [769, 769]);
        of(Vec::new()).png().unwrap();
    }
}
